/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-docker-address.h"
#include <string.h>
#include <unistd.h>
#include <zu/zu.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE

#define DEFAULT_SOCKET "/var/run/docker.sock"
#define PLAIN_PORT     2375
#define TLS_PORT       2376

void
zu_docker_address_free (ZuDockerAddress *self)
{
  g_free (self->text);
  g_free (self->socket_path);
  g_free (self->host);
  g_free (self->certificates);
  g_free (self);
}

/* A user's own engine, Docker's or podman's; root's podman last. */
static char *
find_socket (void)
{
  g_autofree char *rootless = g_build_filename (g_get_user_runtime_dir (), "docker.sock", NULL);
  g_autofree char *podman =
      g_build_filename (g_get_user_runtime_dir (), "podman", "podman.sock", NULL);
  const char *const paths[] = { DEFAULT_SOCKET, rootless, podman, "/run/podman/podman.sock" };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    if (access (paths[i], R_OK | W_OK) == 0)
      return g_strdup (paths[i]);
  return g_strdup (DEFAULT_SOCKET);
}

static gboolean
is_set (const char *name)
{
  const char *value = g_getenv (name);

  return value && *value;
}

static gboolean
is_here (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return g_ascii_strcasecmp (host, "localhost") == 0
         || (address && g_inet_address_get_is_loopback (address));
}

/* Whoever reaches an engine is root where it runs, so it is never spoken to in the clear. */
static gboolean
read_host (ZuDockerAddress *self, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (self->text, G_URI_FLAGS_NONE, NULL);
  gboolean tls = is_set ("DOCKER_TLS_VERIFY");
  const char *path = uri ? g_uri_get_path (uri) : "";
  int port = uri ? g_uri_get_port (uri) : -1;

  if (!uri || !g_uri_get_host (uri) || !*g_uri_get_host (uri) || g_uri_get_userinfo (uri)
      || (*path && strcmp (path, "/") != 0) || port == 0)
    {
      g_set_error (error, REFUSED, "engine address '%s' is not tcp://HOST:PORT", self->text);
      return FALSE;
    }
  self->host = g_strdup (g_uri_get_host (uri));
  self->port = (guint16) (port > 0 ? port : tls ? TLS_PORT : PLAIN_PORT);
  if (tls)
    self->certificates = is_set ("DOCKER_CERT_PATH")
                             ? g_strdup (g_getenv ("DOCKER_CERT_PATH"))
                             : g_build_filename (g_get_home_dir (), ".docker", NULL);
  if (tls || is_here (self->host))
    return TRUE;
  g_set_error (error, REFUSED,
               "engine '%s' would be spoken to in the clear (set DOCKER_TLS_VERIFY=1 and "
               "DOCKER_CERT_PATH)",
               self->text);
  return FALSE;
}

/**
 * zu_docker_address_new: (skip)
 * @given: (nullable): `unix:///path` or `tcp://host:port`; NULL takes `DOCKER_HOST`, else the
 * socket that Docker or podman has here
 * @error: ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE where it is no address
 *
 * `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH` say what they say to docker(1).
 *
 * Returns: (transfer full): the address
 */
ZuDockerAddress *
zu_docker_address_new (const char *given, GError **error)
{
  g_autoptr (ZuDockerAddress) self = g_new0 (ZuDockerAddress, 1);
  const char *text = given && *given ? given : g_getenv ("DOCKER_HOST");

  if (!text || !*text)
    {
      self->socket_path = find_socket ();
      self->text = g_strconcat ("unix://", self->socket_path, NULL);
      return g_steal_pointer (&self);
    }
  self->text = g_strdup (text);
  if (g_str_has_prefix (text, "unix:///"))
    self->socket_path = g_strdup (text + strlen ("unix://"));
  else if (!g_str_has_prefix (text, "tcp://"))
    {
      g_set_error (error, REFUSED,
                   "engine address '%s' is neither unix:///PATH nor tcp://HOST:PORT", text);
      return NULL;
    }
  else if (!read_host (self, error))
    return NULL;
  return g_steal_pointer (&self);
}
