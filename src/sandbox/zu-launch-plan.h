/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-mounts.h"

G_BEGIN_DECLS

/* The floor, where a spec says nothing. */
#define ZU_FLOOR_MEMORY (G_GINT64_CONSTANT (1) << 30)
#define ZU_FLOOR_PIDS   256

/* A launch spec after every check that is the same for every backend. */
typedef struct
{
  char *image;   /* nullable: the backend's own view */
  GStrv command; /* nullable */
  GStrv environment;
  char *workdir; /* nullable: the backend's own choice */
  gint64 uid;    /* inside; -1: an unprivileged one of the backend's choice */
  gint64 gid;
  ZuNetworkMode network;
  char *network_name;     /* nullable: where it is isolated, the internal network */
  GStrv dns;              /* nullable */
  GStrv hosts;            /* "ADDRESS NAME" each */
  GStrv capabilities;     /* of the floor's short list, as in "CHOWN" */
  GStrv security_options; /* nullable: none of them against the floor */
  gint64 memory;          /* bytes */
  gboolean memory_asked;
  gint64 pids;
  gboolean pids_asked;
  gint64 lifetime; /* seconds; 0: the backend's maximum */
  gint64 idle;     /* seconds; 0: never */
  gboolean read_only;
  gboolean best_effort;
  char *seccomp; /* nullable: the default profile */
  char *ca_cert; /* nullable: PEM */
  char *ca_mount;
  GPtrArray *mounts; /* of ZuMount */
} ZuLaunchPlan;

ZuLaunchPlan *zu_launch_plan_new (ZuLaunchSpec *spec, const char *state_root, GError **error);
gboolean zu_user_parse (const char *user, gint64 *uid, gint64 *gid, GError **error);
void zu_launch_plan_free (ZuLaunchPlan *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuLaunchPlan, zu_launch_plan_free)

G_END_DECLS
