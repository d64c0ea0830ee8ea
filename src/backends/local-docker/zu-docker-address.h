/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where an engine is: a Unix socket, or a host with a port. */
typedef struct
{
  char *text;        /* as it is named to people: "unix:///var/run/docker.sock" */
  char *socket_path; /* nullable */
  char *host;        /* nullable */
  guint16 port;
  char *certificates; /* nullable: the folder with ca.pem, cert.pem and key.pem; then it is TLS */
} ZuDockerAddress;

ZuDockerAddress *zu_docker_address_new (const char *given, GError **error);
void zu_docker_address_free (ZuDockerAddress *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuDockerAddress, zu_docker_address_free)

G_END_DECLS
