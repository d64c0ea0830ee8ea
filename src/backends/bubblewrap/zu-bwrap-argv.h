/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-launch-plan.h"

G_BEGIN_DECLS

/* Where the guest is, inside. */
#define ZU_BWRAP_GUEST   "/.zu/guest"
#define ZU_BWRAP_WORKDIR "/work"

/* What is shown at /. A pair is a name there and where its link points, NULL for a folder or a
 * file. Of the host, when there is no image: /usr, what leads into it, and a few files of /etc;
 * read once. Of an image: all that is at its root. */
typedef struct
{
  GPtrArray *names; /* of char *, "/bin" */
  GPtrArray *links; /* of char *, nullable, "usr/bin" */
  GPtrArray *etc;   /* of char *, "/etc/ssl/certs" */
} ZuBwrapView;

/* The numbers that descriptors have in bubblewrap; -1 is none. */
typedef struct
{
  int allowed; /* the seccomp filters */
  int refused;
  int guest;
  int passwd;
  int group;
  int hosts;
  int ca;
} ZuBwrapFds;

typedef struct
{
  const char *program;
  const ZuLaunchPlan *plan;
  const ZuBwrapView *view;
  const char *workdir;
  gboolean owns_workdir; /* a tmpfs is made for it */
  const char *image;     /* nullable: where bubblewrap finds the folder that the view is of */
  guint32 uid;
  guint32 gid;
  gboolean staged; /* the mounts' sources are where the keeper puts them for root */
  int first_mount; /* else: the number of the first mount's descriptor, or -1 for by path */
  ZuBwrapFds fds;
} ZuBwrapRequest;

ZuBwrapView *zu_bwrap_view_new_empty (void);
ZuBwrapView *zu_bwrap_view_new (void);
gboolean zu_bwrap_view_has (const ZuBwrapView *self, const char *path);
void zu_bwrap_view_free (ZuBwrapView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuBwrapView, zu_bwrap_view_free)

gboolean zu_bwrap_knows_option (const char *program, const char *option);
gboolean zu_bwrap_owns_workdir (const ZuLaunchPlan *plan, const char *workdir);
GStrv zu_bwrap_build_argv (const ZuBwrapRequest *request);

G_END_DECLS
