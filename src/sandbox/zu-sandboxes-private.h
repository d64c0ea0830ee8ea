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
};

ZuSession *zu_session_ref (ZuSession *self);
void zu_session_unref (ZuSession *self);
const char *zu_session_get_sandbox (ZuSession *self);

G_END_DECLS
