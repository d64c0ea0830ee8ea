/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-docker-address.h"
#include <zu/zu.h>

G_BEGIN_DECLS

/* An engine's API, of version 1.41 and up. Calls block, and may come from any thread. */
typedef struct _ZuDockerEngine ZuDockerEngine;

/* Each line of an answer that comes bit by bit; FALSE with an error ends it. */
typedef gboolean (*ZuDockerLineFunc) (ZuJson *line, gpointer user_data, GError **error);

ZuDockerEngine *zu_docker_engine_new (ZuDockerAddress *address, guint timeout, GError **error);
const ZuDockerAddress *zu_docker_engine_get_address (ZuDockerEngine *self);

ZuJson *zu_docker_engine_call (ZuDockerEngine *self, const char *method, const char *path,
                               ZuJson *body, guint *status, GCancellable *cancellable,
                               GError **error);
gboolean zu_docker_engine_stream (ZuDockerEngine *self, const char *method, const char *path,
                                  ZuDockerLineFunc func, gpointer user_data,
                                  GCancellable *cancellable, GError **error);
void zu_docker_engine_set_refused (ZuDockerEngine *self, ZuSandboxBackendError code,
                                   const char *what, guint status, ZuJson *answer, GError **error);

ZuDockerEngine *zu_docker_engine_ref (ZuDockerEngine *self);
void zu_docker_engine_unref (ZuDockerEngine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuDockerEngine, zu_docker_engine_unref)

G_END_DECLS
