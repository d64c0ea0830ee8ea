/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-docker-image.h"
#include "zu-floor.h"
#include "zu-launch-plan.h"

G_BEGIN_DECLS

/* Where the guest and its socket are, inside. */
#define ZU_DOCKER_GUEST   "/.zu/guest"
#define ZU_DOCKER_CONTROL "/.zu/control"
#define ZU_DOCKER_WORKDIR "/work"

/* What a container is made from; all of it is borrowed. */
typedef struct
{
  const ZuLaunchPlan *plan;
  ZuLaunchSpec *spec;
  const ZuDockerImage *image;
  const char *id;         /* the sandbox's, and the container's name */
  const char *state_root; /* the folder of sandboxes */
  const char *state_path; /* the sandbox's own in it */
  const char *guest;      /* the program's path */
  const char *run;        /* nullable */
  const char *reference;  /* the image as it was asked for */
  guint launcher_uid;
  guint launcher_gid;
} ZuDockerRequest;

/* What a request becomes. */
typedef struct
{
  char *user;
  char *workdir;
  gboolean owns_workdir; /* whether it is a tmpfs */
  GStrv environment;
  char *seccomp;     /* the profile, in the shape that engines read */
  GPtrArray *mounts; /* of ZuFloorMount */
  ZuFloor floor;
  ZuJson *body; /* for the engine */
} ZuDockerConfig;

ZuDockerConfig *zu_docker_config_new (const ZuDockerRequest *request, GError **error);
void zu_docker_config_free (ZuDockerConfig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuDockerConfig, zu_docker_config_free)

G_END_DECLS
