/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* What each call of a verb is answered with, in order. */
typedef struct _ZuScript ZuScript;

typedef struct
{
  char *verb;
  GError *error; /* or done, with: */
  GStrv in_force;
  ZuJson *settings;
} ZuScriptStep;

ZuScript *zu_script_new (ZuJson *steps, GError **error);
void zu_script_free (ZuScript *self);
ZuScriptStep *zu_script_take (ZuScript *self, const char *verb);
void zu_script_step_free (ZuScriptStep *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuScript, zu_script_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuScriptStep, zu_script_step_free)

G_END_DECLS
