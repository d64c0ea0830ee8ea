/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-script.h"

G_BEGIN_DECLS

/* Plays an answer as a process would: in a thread, into descriptors, until it is killed. */
typedef struct _ZuScriptedProcess ZuScriptedProcess;

ZuScriptedProcess *zu_scripted_process_start (ZuScriptAnswer *answer, const char *const *argv,
                                              const int stdio[3], gint64 timeout_ms, gint64 until);
void zu_scripted_process_set_until (ZuScriptedProcess *self, gint64 until);
ZuProcessInfo *zu_scripted_process_describe (ZuScriptedProcess *self, gint64 pid);
ZuScriptedProcess *zu_scripted_process_ref (ZuScriptedProcess *self);
void zu_scripted_process_unref (ZuScriptedProcess *self);
void zu_scripted_process_kill (ZuScriptedProcess *self, int number);
ZuExitStatus *zu_scripted_process_wait (ZuScriptedProcess *self, GCancellable *cancellable,
                                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuScriptedProcess, zu_scripted_process_unref)

G_END_DECLS
