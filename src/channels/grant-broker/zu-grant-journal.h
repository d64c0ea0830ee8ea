/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-grant-store.h"

G_BEGIN_DECLS

/* Takes events from the store's outbox to the log, in order, in a thread of its own: an answer
 * waits until its event is there, and not for ever. */
typedef struct _ZuGrantJournal ZuGrantJournal;

ZuGrantJournal *zu_grant_journal_new (ZuGrantStore *store, ZuEventSink *sink, guint timeout_ms);
void zu_grant_journal_free (ZuGrantJournal *self);

gboolean zu_grant_journal_await (ZuGrantJournal *self, gint64 seq, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuGrantJournal, zu_grant_journal_free)

G_END_DECLS
