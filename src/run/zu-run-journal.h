/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The events of one run: one trace, one task, each committed before the run goes on. */
typedef struct _ZuRunJournal ZuRunJournal;

ZuRunJournal *zu_run_journal_new (ZuEventBus *bus, const char *source);
void zu_run_journal_free (ZuRunJournal *self);

const char *zu_run_journal_get_trace_id (ZuRunJournal *self);
const char *zu_run_journal_get_task_id (ZuRunJournal *self);
gboolean zu_run_journal_write (ZuRunJournal *self, const char *type, ZuJsonBuilder *payload,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuRunJournal, zu_run_journal_free)

G_END_DECLS
