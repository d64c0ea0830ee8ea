/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-launch-plan.h"

G_BEGIN_DECLS

/* Where the guest is, inside. */
#define ZU_BWRAP_GUEST   "/.zu/guest"
#define ZU_BWRAP_WORKDIR "/work"

/* What of the host is shown when there is no image: /usr, what at / leads into it, and a few files
 * of /etc. Read once; a pair is a name at / and where its link points, NULL for a folder. */
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
  guint32 uid;
  guint32 gid;
  gboolean staged; /* the mounts' sources are where the keeper puts them for root */
  int first_mount; /* else: the number of the first mount's descriptor, or -1 for by path */
  ZuBwrapFds fds;
} ZuBwrapRequest;

ZuBwrapView *zu_bwrap_view_new (void);
void zu_bwrap_view_free (ZuBwrapView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuBwrapView, zu_bwrap_view_free)

gboolean zu_bwrap_knows_option (const char *program, const char *option);
gboolean zu_bwrap_owns_workdir (const ZuLaunchPlan *plan, const char *workdir);
GStrv zu_bwrap_build_argv (const ZuBwrapRequest *request);

G_END_DECLS
