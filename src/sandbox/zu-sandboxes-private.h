/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sandboxes.h"

G_BEGIN_DECLS

typedef struct _ZuSession ZuSession;

struct _ZuSandboxes
{
  char *root;
  GMutex lock;
  GHashTable *sandboxes; /* id to Entry */
  GHashTable *sessions;  /* name to ZuSession */
  guint last_session;
  GMutex sharing; /* held while a shared session is opened */
  gint has_begun; /* once what was left behind has been looked for */
};

ZuSession *zu_session_ref (ZuSession *self);
void zu_session_unref (ZuSession *self);
const char *zu_session_get_sandbox (ZuSession *self);

/* Answers beyond this are refused. */
#define ZU_OWN_TOOL_MAX_OUTPUT (64 << 20)

/* A program of the guest's own, with its first argument naming it. */
typedef struct
{
  const char *const *argv;
  int source; /* what it reads, -1 for nothing; the caller's */
  int target; /* where what it prints goes, the caller's; -1: into */
  GByteArray *output;
} ZuOwnTool;

gboolean zu_own_tool_run (ZuOwnTool *self, ZuGuestChannel *channel, GCancellable *cancellable,
                          GError **error);

ZuGuestChannel *zu_sandboxes_ref_channel (ZuSandboxes *self, const char *id,
                                          GCancellable *cancellable, GError **error);
ZuKeeperLink *zu_sandboxes_ref_link (ZuSandboxes *self, const char *id, GError **error);
GByteArray *zu_sandboxes_capture (ZuSandboxes *self, const char *id, const char *verb,
                                  const char *path, GCancellable *cancellable, GError **error);
void zu_sandboxes_propagate (GError **error, GError *failure, const char *id);

G_END_DECLS
