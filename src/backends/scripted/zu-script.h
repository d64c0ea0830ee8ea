/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

typedef struct _ZuScript ZuScript;

/* What one call is answered with. */
typedef struct
{
  char *out;
  char *err;
  int exit_status;
  int signal;
  gint64 delay_ms;
  gboolean echoes_input;
  GPtrArray *lines; /* of ZuJson: what a session's program says */
} ZuScriptAnswer;

ZuScript *zu_script_new (ZuJson *json, GError **error);
void zu_script_free (ZuScript *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuScript, zu_script_free)

ZuScriptAnswer *zu_script_answer (ZuScript *self, const char *const *argv, GError **error);
void zu_script_answer_free (ZuScriptAnswer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuScriptAnswer, zu_script_answer_free)

G_END_DECLS
