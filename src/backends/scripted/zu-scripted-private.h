/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-scripted-box.h"
#include "zu-scripted-process.h"
#include "zu-scripted.h"

G_BEGIN_DECLS

#define ZU_SCRIPTED_NOT_FOUND ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND

struct _ZuScripted
{
  GObject parent_instance;
  ZuJson *rules;
  ZuJson *images; /* nullable: all are here */
  ZuScript *script;
  GMutex lock;
  guint last;            /* sandboxes, processes and sessions are numbered together */
  GHashTable *sandboxes; /* id to ZuScriptedBox */
  GHashTable *processes; /* "SANDBOX PROCESS" to ZuScriptedProcess */
  GHashTable *sessions;  /* name to a session */
};

/* With the lock held. */
char *zu_scripted_next_name (ZuScripted *self, const char *prefix);
ZuScriptedBox *zu_scripted_find_box (ZuScripted *self, const char *id, GError **error);

/* zu-scripted-run.c; with the lock held */
char *zu_scripted_start (ZuScripted *self, const char *id, const char *const *argv,
                         const int stdio[3], gint64 timeout_ms, GError **error);
void zu_scripted_set_until (ZuScripted *self, const char *id, gint64 until);
gboolean zu_scripted_check_process (ZuProcessSpec *process, GError **error);
void zu_scripted_run_init (ZuSandboxBackendInterface *iface);

/* zu-scripted-session.c; with the lock held */
GHashTable *zu_scripted_sessions_new (void);
void zu_scripted_sessions_end (GHashTable *sessions, const char *id);
void zu_scripted_session_init (ZuSandboxBackendInterface *iface);

G_END_DECLS
