/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-docker-engine.h"
#include "zu-image-reference.h"

G_BEGIN_DECLS

/* What an image says of itself. */
typedef struct
{
  char *id; /* "sha256:…" */
  GStrv environment;
  char *workdir; /* "" for none */
  char *user;    /* "" for none */
  GStrv volumes; /* where it wants volumes */
} ZuDockerImage;

typedef void (*ZuDockerProgressFunc) (const char *text, gpointer user_data);

ZuDockerImage *zu_docker_image_find (ZuDockerEngine *engine, const ZuImageReference *reference,
                                     ZuPullPolicy pull, ZuDockerProgressFunc progress,
                                     gpointer user_data, GCancellable *cancellable, GError **error);
ZuDockerImage *zu_docker_image_new (ZuJson *answer, GError **error);
void zu_docker_image_free (ZuDockerImage *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuDockerImage, zu_docker_image_free)

G_END_DECLS
