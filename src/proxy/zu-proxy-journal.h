/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-proxy-record.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where the records go: lines to a descriptor, or packets to somebody who says when they are
 * committed. */
typedef struct _ZuProxyJournal ZuProxyJournal;

ZuProxyJournal *zu_proxy_journal_new_lines (int fd);
ZuProxyJournal *zu_proxy_journal_new_packets (int fd);
void zu_proxy_journal_free (ZuProxyJournal *self);

guint64 zu_proxy_journal_add (ZuProxyJournal *self, const ZuProxyRecord *record);
gboolean zu_proxy_journal_flush (ZuProxyJournal *self, GError **error);
gboolean zu_proxy_journal_receive (ZuProxyJournal *self, gboolean *has_ended, GError **error);
gboolean zu_proxy_journal_is_committed (ZuProxyJournal *self, guint64 id);
gboolean zu_proxy_journal_is_flushed (ZuProxyJournal *self);
gboolean zu_proxy_journal_is_full (ZuProxyJournal *self);

G_END_DECLS
