/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-engine-netns.h"

#include "zu-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024

typedef struct
{
  int netns;
  const char *bridge; /* to be looked for, or NULL */
  struct sockaddr_in address;
  int listener;
  int number; /* errno */
} Job;

static void
fail (int number, const char *what, GError **error)
{
  gboolean is_forbidden = number == EPERM || number == EACCES;

  g_set_error (
      error, ZU_EGRESS_ENFORCEMENT_ERROR,
      is_forbidden ? ZU_EGRESS_ENFORCEMENT_ERROR_NOT_PERMITTED : ZU_EGRESS_ENFORCEMENT_ERROR_FAILED,
      "%s: %s%s", what, g_strerror (number),
      is_forbidden ? " (it needs CAP_NET_ADMIN and CAP_SYS_ADMIN over that namespace)" : "");
}

/* Whoever listens on the socket: the engine, or who started it with the socket, and both have one
 * network. 0 with errno set. */
static pid_t
find_listener (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct ucred peer = { 0 };
  socklen_t size = sizeof peer;
  ZU_AUTO_FD int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return 0;
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
    errno = ENAMETOOLONG;
  else if (connect (fd, (struct sockaddr *) &address, sizeof address) == 0
           && getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == 0)
    errno = ESRCH;
  return peer.pid;
}

/* An engine that is spoken to over TCP is taken to share our own network: whether it does is seen
 * by its bridge. */
int
zu_engine_netns_open (ZuDockerEngine *engine, GError **error)
{
  const ZuDockerAddress *address = zu_docker_engine_get_address (engine);
  g_autofree char *path = g_strdup ("/proc/self/ns/net");
  int fd;

  if (address->socket_path != NULL)
    {
      pid_t pid = find_listener (address->socket_path);

      g_free (path);
      path = pid > 0 ? g_strdup_printf ("/proc/%d/ns/net", (int) pid) : NULL;
    }
  fd = path != NULL ? open (path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0)
    fail (errno, "cannot find the network of the engine", error);
  return fd;
}

static void
listen_here (Job *job)
{
  const struct sockaddr *address = (const struct sockaddr *) &job->address;
  ZU_AUTO_FD int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  const int on = 1;

  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
      || bind (fd, address, sizeof job->address) != 0 || listen (fd, BACKLOG) != 0)
    job->number = errno;
  else
    job->listener = zu_steal_fd (&fd);
}

/* A thread that lives for this alone, since it cannot be given back as it was. */
static gpointer
work (gpointer data)
{
  Job *job = data;

  if (setns (job->netns, CLONE_NEWNET) != 0)
    job->number = errno;
  else if (job->bridge == NULL)
    listen_here (job);
  else if (if_nametoindex (job->bridge) == 0)
    job->number = errno;
  return NULL;
}

static gboolean
carry_out (Job *job, const char *what, GError **error)
{
  GThread *thread = g_thread_try_new ("zu-netns", work, job, error);

  if (thread == NULL)
    return FALSE;
  g_thread_join (thread);
  if (job->number == 0)
    return TRUE;
  fail (job->number, what, error);
  return FALSE;
}

/* The engine has just said that it is there, so where it is not is another network than the
 * engine's, and rules put there would hold nothing. */
gboolean
zu_engine_netns_check_bridge (int netns, const char *bridge, GError **error)
{
  Job job = { .netns = netns, .bridge = bridge, .listener = -1 };
  g_autofree char *what = g_strdup_printf (
      "the network of the engine has no interface %s (does it make bridges, and here?)", bridge);

  return carry_out (&job, what, error);
}

/* -1 with an error. */
int
zu_engine_netns_listen (int netns, const char *address, guint port, GError **error)
{
  Job job = { .netns = netns,
              .address = { .sin_family = AF_INET, .sin_port = htons ((guint16) port) },
              .listener = -1 };
  g_autofree char *what = g_strdup_printf ("cannot listen at %s:%u", address, port);

  if (inet_pton (AF_INET, address, &job.address.sin_addr) != 1)
    fail (EINVAL, what, error);
  else if (carry_out (&job, what, error))
    return job.listener;
  return -1;
}
