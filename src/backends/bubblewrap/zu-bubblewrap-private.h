/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-bubblewrap.h"
#include "zu-bwrap-image.h"
#include "zu-bwrap-probe.h"
#include "zu-cgroup.h"
#include "zu-sandboxes.h"
#include "zu-seccomp.h"

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
  ZuSeccompProfile *profile; /* our own */
  int filters[2];            /* of it, and what every profile is refused */
};

/* Everything that a launch makes and that goes with it. */
typedef struct
{
  ZuLaunchPlan *plan;
  ZuState *state;
  ZuCgroup *cgroup;
  char *program;
  char *workdir;
  gboolean owns_workdir;
  ZuBwrapImage *image; /* nullable: the host's own view */
  ZuOwnership *owner;  /* nullable; the caller's */
  int owner_fd;
  ZuSandbox *answer;
  ZuSeccompProfile *profile; /* nullable: the caller's */
  int filters[2];
  char *epilogue;
  gboolean drops;
  guint32 uid;
  guint32 gid;
  ZuBwrapFds fds; /* as numbered in bubblewrap */
  int first_mount;
  GArray *inherit;
  GBytes *go;
  gboolean memory_by_cgroup;
  gboolean degraded;
} ZuBubblewrapLaunch;

ZuSandboxes *zu_bubblewrap_ref_sandboxes (ZuBubblewrap *self, GError **error);
ZuSandbox *zu_bubblewrap_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec, ZuOwnership *owner,
                                 GCancellable *cancellable, GError **error);

/* zu-bubblewrap-answer.c: what launch answers, which is what the label holds. */
gint64 zu_bubblewrap_get_lifetime (ZuBubblewrap *self, const ZuLaunchPlan *plan);
gboolean zu_bubblewrap_write_label (ZuBubblewrap *self, ZuBubblewrapLaunch *launch, GError **error);

/* zu-bubblewrap-pass.c: what bubblewrap is handed by descriptor. */
gboolean zu_bubblewrap_pass_files (ZuBubblewrap *self, ZuBubblewrapLaunch *launch, GError **error);

/* zu-bubblewrap-look.c: the verbs that look at sandboxes, and their files. */
void zu_bubblewrap_look_init (ZuSandboxBackendInterface *iface);

G_END_DECLS
