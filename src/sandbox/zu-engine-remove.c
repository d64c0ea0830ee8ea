/* SPDX-License-Identifier: Apache-2.0 */

/* The one thing that has to be possible when everybody else is dead: to have an engine remove a
 * container. Two requests over its Unix socket, of whose answers nothing is read but the status. */

#include "zu-engine-remove.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define OK         200
#define NO_CONTENT 204
#define NOT_FOUND  404

/* How long a container that was killed may take to go by itself before it is removed by force. */
#define LEAVE_MS 2000
#define RETRY_MS 20

static int64_t
now_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_BOOTTIME, &t);
  return (int64_t) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int
connect_to (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd;

  if (strlen (path) >= sizeof address.sun_path)
    return -1;
  strcpy (address.sun_path, path);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) == 0)
    return fd;
  close (fd);
  return -1;
}

/* Reads up to the end of the answer, which ends with the connection, and keeps its beginning. */
static void
read_answer (int fd, char *head, size_t size, int64_t until)
{
  char rest[512];
  size_t got = 0;

  for (;;)
    {
      struct pollfd poller = { fd, POLLIN, 0 };
      int64_t left = until - now_ms ();
      int full = got + 1 >= size;
      ssize_t n;

      if (left <= 0 || poll (&poller, 1, (int) left) == 0)
        break;
      n = read (fd, full ? rest : head + got, full ? sizeof rest : size - 1 - got);
      if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
        break;
      if (n > 0 && !full)
        got += (size_t) n;
    }
  head[got] = '\0';
}

/* The answer's status, or -1. */
static int
ask (const char *socket_path, const char *request, int64_t until)
{
  char head[64] = "";
  int fd = connect_to (socket_path), status = -1;

  if (fd < 0)
    return -1;
  if (send (fd, request, strlen (request), MSG_NOSIGNAL) == (ssize_t) strlen (request))
    read_answer (fd, head, sizeof head, until);
  close (fd);
  return sscanf (head, "HTTP/1.%*1[01] %3d", &status) == 1 ? status : -1;
}

/* A container of ours that is ending goes by itself; waiting for that is quicker than to remove it,
 * which is asked for all the same. One that the engine is just removing is refused
 * with a conflict, so it is asked again until the answer is that there is none. */
int
zu_engine_remove (const char *socket_path, const char *container, int is_ending, int timeout_ms)
{
  const struct timespec pause = { 0, RETRY_MS * 1000000 };
  int64_t now = now_ms (), until = now + timeout_ms;
  char request[256];

  snprintf (request, sizeof request,
            "POST /containers/%.64s/wait?condition=removed HTTP/1.0\r\nHost: engine\r\n"
            "Content-Length: 0\r\n\r\n",
            container);
  if (is_ending)
    ask (socket_path, request, now + (timeout_ms < LEAVE_MS ? timeout_ms : LEAVE_MS));
  snprintf (request, sizeof request,
            "DELETE /containers/%.64s?force=1&v=1 HTTP/1.0\r\nHost: engine\r\n\r\n", container);
  do
    {
      int status = ask (socket_path, request, until);

      if (status == OK || status == NO_CONTENT || status == NOT_FOUND)
        return 1;
      if (status == -1 && access (socket_path, F_OK) != 0)
        return 0;
      nanosleep (&pause, NULL);
    }
  while (now_ms () < until);
  return 0;
}
