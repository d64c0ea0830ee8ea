/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-bubblewrap.h"
#include "zu-bwrap-argv.h"
#include "zu-bwrap-probe.h"
#include "zu-sandboxes.h"

G_BEGIN_DECLS

#define ZU_BUBBLEWRAP_NAME "bubblewrap"

struct _ZuBubblewrap
{
  GObject parent_instance;
  char *program;
  char *state_dir;
  gint64 max_lifetime;

  GMutex lock; /* for what follows, which is made at the first launch */
  ZuSandboxes *sandboxes;
  ZuBwrapView *view;
  int allowed;
  int refused;
};

ZuSandboxes *zu_bubblewrap_ref_sandboxes (ZuBubblewrap *self, GError **error);
ZuSandbox *zu_bubblewrap_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                                 GCancellable *cancellable, GError **error);

G_END_DECLS
