/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-docker-engine.h"
#include "zu-local-docker.h"
#include "zu-sandboxes.h"

G_BEGIN_DECLS

#define ZU_LOCAL_DOCKER_NAME "local-docker"

struct _ZuLocalDocker
{
  GObject parent_instance;
  char *host;
  char *image;
  char *state_dir;
  char *registries;
  gint64 max_lifetime;
  guint timeout;

  GMutex lock; /* for what follows, which is made at the first use */
  ZuSandboxes *sandboxes;
  ZuDockerEngine *engine;
};

ZuSandboxes *zu_local_docker_ref_sandboxes (ZuLocalDocker *self, GError **error);
ZuDockerEngine *zu_local_docker_ref_engine (ZuLocalDocker *self, GError **error);
ZuSandbox *zu_local_docker_launch (ZuSandboxBackend *backend, ZuLaunchSpec *spec,
                                   ZuOwnership *owner, GCancellable *cancellable, GError **error);

void zu_local_docker_look_init (ZuSandboxBackendInterface *iface);

G_END_DECLS
