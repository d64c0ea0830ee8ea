/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-rpc-socket-private.h"

#include "zu-rpc-frame.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 64

void
zu_rpc_socket_prepare (int fd)
{
  int status = fcntl (fd, F_GETFL);

  if (status >= 0 && (status & O_NONBLOCK) != 0)
    fcntl (fd, F_SETFL, status & ~O_NONBLOCK);
  fcntl (fd, F_SETFD, FD_CLOEXEC);
}

static int
address_error (int fd, const char *doing, const char *path, GError **error)
{
  g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_ADDRESS, "cannot %s the socket '%s': %s", doing,
               path, g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
fill_address (struct sockaddr_un *address, const char *path)
{
  *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
  if (strlen (path) < sizeof address->sun_path)
    {
      strcpy (address->sun_path, path);
      return TRUE;
    }
  errno = ENAMETOOLONG;
  return FALSE;
}

static int
socket_connect (const char *path)
{
  struct sockaddr_un address;
  int fd = -1;

  if (!fill_address (&address, path))
    return -1;
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (g_steal_fd (&fd));
  return -1;
}

int
zu_rpc_socket_connect (const char *path, GError **error)
{
  int fd = socket_connect (path);

  return fd >= 0 ? fd : address_error (-1, "connect to", path, error);
}

/* The folder is made, for its owner alone, or must be so already. */
static gboolean
check_folder (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  GStatBuf info;

  if (g_mkdir (folder, 0700) != 0 && errno != EEXIST)
    return address_error (-1, "make the folder of", path, error) == 0;
  if (g_lstat (folder, &info) != 0)
    return address_error (-1, "examine the folder of", path, error) == 0;
  if (S_ISDIR (info.st_mode) && info.st_uid == geteuid () && (info.st_mode & 0077) == 0)
    return TRUE;

  g_set_error (error, ZU_RPC_ERROR, ZU_RPC_ERROR_ADDRESS,
               "the folder '%s' of the socket must be the caller's own, and closed to others "
               "(chmod 700)",
               folder);
  return FALSE;
}

/* A socket that nobody listens at was left behind by a process that is gone. */
static gboolean
clear_path (const char *path, GError **error)
{
  GStatBuf info;
  int fd;

  if (g_lstat (path, &info) != 0)
    return TRUE;
  fd = S_ISSOCK (info.st_mode) ? socket_connect (path) : -1;
  if (S_ISSOCK (info.st_mode) && fd < 0 && errno == ECONNREFUSED)
    return g_unlink (path) == 0 || address_error (-1, "replace", path, error) == 0;

  errno = S_ISSOCK (info.st_mode) ? EADDRINUSE : EEXIST;
  return address_error (fd, "listen at", path, error) == 0;
}

int
zu_rpc_socket_listen (const char *path, GError **error)
{
  struct sockaddr_un address;
  int fd;

  if (!check_folder (path, error) || !clear_path (path, error))
    return -1;
  if (!fill_address (&address, path))
    return address_error (-1, "listen at", path, error);

  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* The mode of the descriptor becomes the mode of the socket file, from its first moment. */
  if (fd < 0 || fchmod (fd, 0600) != 0
      || bind (fd, (struct sockaddr *) &address, sizeof address) != 0 || listen (fd, BACKLOG) != 0)
    return address_error (fd, "listen at", path, error);
  return fd;
}

gboolean
zu_rpc_socket_get_peer (int fd, uid_t *uid, pid_t *pid)
{
  struct ucred credentials;
  socklen_t size = sizeof credentials;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return FALSE;
  *uid = credentials.uid;
  *pid = credentials.pid;
  return TRUE;
}
