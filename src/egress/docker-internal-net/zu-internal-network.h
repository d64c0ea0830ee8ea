/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-docker-engine.h"

G_BEGIN_DECLS

/* A network of ours at an engine. */
typedef struct
{
  char *name;
  char *id;
  char *bridge; /* its interface at the engine */
  char *subnet;
  char *gateway;
  char *process; /* nullable: the mark of the process that it belongs to */
} ZuInternalNetwork;

gboolean zu_internal_network_check_name (const char *name, GError **error);
char *zu_internal_network_dup_digits (const char *name);

/* NULL without an error where there is none of that name. */
ZuInternalNetwork *zu_internal_network_find (ZuDockerEngine *engine, const char *name,
                                             GCancellable *cancellable, GError **error);
ZuInternalNetwork *zu_internal_network_create (ZuDockerEngine *engine, const char *name,
                                               const char *gateway, const char *process,
                                               GError **error);
gboolean zu_internal_network_remove (ZuDockerEngine *engine, const ZuInternalNetwork *network,
                                     GError **error);
GPtrArray *zu_internal_network_list (ZuDockerEngine *engine, GCancellable *cancellable,
                                     GError **error);
void zu_internal_network_free (ZuInternalNetwork *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuInternalNetwork, zu_internal_network_free)

G_END_DECLS
