/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-launch-plan.h"

G_BEGIN_DECLS

/* A sandbox that is played: what it was launched with, and the files that were put into it. */
typedef struct
{
  ZuSandbox *sandbox;
  ZuLaunchPlan *plan;
  GHashTable *files; /* path to ZuScriptedFile */
  gint64 until;      /* when its lifetime is over, in monotonic microseconds */
  int owner_fd;      /* readable when its owner has died; -1: nobody is watched */
} ZuScriptedBox;

typedef struct
{
  GBytes *bytes; /* NULL: a folder */
  guint mode;
  gint64 modified;
} ZuScriptedFile;

ZuScriptedBox *zu_scripted_box_new (ZuLaunchPlan *plan, ZuOwnership *owner, const char *id,
                                    gint64 max_lifetime, GError **error);
void zu_scripted_box_free (ZuScriptedBox *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuScriptedBox, zu_scripted_box_free)

gboolean zu_scripted_box_is_over (const ZuScriptedBox *self);

/* zu-scripted-files.c */
void zu_scripted_file_free (ZuScriptedFile *self);
ZuScriptedFile *zu_scripted_file_new (GBytes *bytes, guint mode);
gboolean zu_scripted_box_put (ZuScriptedBox *self, const char *path, GBytes *bytes, guint mode,
                              GError **error);
GBytes *zu_scripted_box_get (ZuScriptedBox *self, const char *path, GError **error);
GPtrArray *zu_scripted_box_list (ZuScriptedBox *self, const char *path, GError **error);
GPtrArray *zu_scripted_box_list_added (ZuScriptedBox *self);
GPtrArray *zu_scripted_box_list_mounts (ZuScriptedBox *self);

G_END_DECLS
