/* SPDX-License-Identifier: Apache-2.0 */

#include "bench-egress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_in
make_address (guint16 port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  return address;
}

int
egress_connect (guint16 port)
{
  struct sockaddr_in address = make_address (port);
  const int on = 1;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  while (connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    g_assert_cmpint (errno, ==, EINTR);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

void
egress_send (int fd, const void *data, gsize size)
{
  const char *at = data;

  while (size > 0)
    {
      gssize n = send (fd, at, size, MSG_NOSIGNAL);

      g_assert_cmpint (n, >, 0);
      at += n;
      size -= (gsize) n;
    }
}

void
egress_drain (int fd)
{
  char data[4096];

  while (recv (fd, data, sizeof data, 0) > 0)
    ;
}

static void
read_head (int fd, char *head, gsize size)
{
  gsize length = 0;

  while (length < 4 || memcmp (head + length - 4, "\r\n\r\n", 4) != 0)
    {
      g_assert_cmpuint (length, <, size);
      g_assert_cmpint (recv (fd, head + length, 1, 0), ==, 1);
      length++;
    }
}

void
egress_ask_tunnel (int fd, guint16 port)
{
  g_autofree char *request =
      g_strdup_printf ("CONNECT 127.0.0.1:%u HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n\r\n", port, port);
  char head[1024];

  egress_send (fd, request, strlen (request));
  read_head (fd, head, sizeof head);
  g_assert_nonnull (strstr (head, " 200 "));
}

/* An answer whose body is "ok". */
void
egress_read_answer (int fd)
{
  char data[1024];
  gsize length = 0;

  while (length < 6 || memcmp (data + length - 6, "\r\n\r\nok", 6) != 0)
    {
      gssize n = recv (fd, data + length, sizeof data - length, 0);

      g_assert_cmpint (n, >, 0);
      length += (gsize) n;
    }
}

gsize
egress_resident (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/statm", pid);
  g_autofree char *text = NULL;
  const char *second;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  second = strchr (text, ' ');
  return g_ascii_strtoull (second, NULL, 10) * (gsize) sysconf (_SC_PAGESIZE);
}

static int
open_listener (guint16 *port)
{
  struct sockaddr_in address = make_address (0);
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (listen (fd, 4096), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  *port = ntohs (address.sin_port);
  return fd;
}

static int
fork_child (EgressWorld *self)
{
  int pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    prctl (PR_SET_PDEATHSIG, SIGKILL);
  else
    g_array_append_val (self->pids, pid);
  return pid;
}

static guint16
start_answers (EgressWorld *self, char kind)
{
  guint16 port;
  int listener = open_listener (&port);

  if (fork_child (self) == 0)
    egress_serve_answers (listener, kind);
  close (listener);
  return port;
}

static guint16
start_relay (EgressWorld *self, guint16 to)
{
  guint16 port;
  int listener = open_listener (&port);

  if (fork_child (self) == 0)
    egress_serve_relay (listener, to);
  close (listener);
  return port;
}

static void
open_output (const EgressWorld *self, const char *name)
{
  g_autofree char *path = g_build_filename (self->folder, name, NULL);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

  dup2 (fd, STDOUT_FILENO);
  dup2 (fd, STDERR_FILENO);
}

/* Its decisions go to a file. */
static void
start_proxy (EgressWorld *self)
{
  int listener = open_listener (&self->proxy_port);
  g_autofree char *listen_fd = g_strdup_printf ("--listen-fd=%d", listener);

  self->proxy_pid = fork_child (self);
  if (self->proxy_pid == 0)
    {
      open_output (self, "decisions");
      execlp ("zu-egress-proxy", "zu-egress-proxy", listen_fd, "--allow=127.0.0.1/32:1",
              g_strdup_printf ("--allow=127.0.0.1:%u", self->sink_port),
              g_strdup_printf ("--allow=127.0.0.1:%u", self->echo_port),
              g_strdup_printf ("--allow=127.0.0.1:%u", self->http_port), NULL);
      _exit (127);
    }
  close (listener);
}

static void
write_tiny_configuration (const EgressWorld *self, const char *path)
{
  g_autofree char *text = g_strdup_printf (
      "Port %u\nListen 127.0.0.1\nTimeout 600\nLogFile \"%s/tiny.log\"\nLogLevel Connect\n"
      "MaxClients 3000\nAllow 127.0.0.1\nConnectPort %u\nConnectPort %u\n",
      self->tiny_port, self->folder, self->sink_port, self->echo_port);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* With its log on. Its port is free for a moment before it takes it. */
static void
start_tiny (EgressWorld *self)
{
  g_autofree char *program = g_find_program_in_path ("tinyproxy");
  g_autofree char *path = g_build_filename (self->folder, "tiny.conf", NULL);

  if (program == NULL)
    {
      g_printerr ("bench-egress: tinyproxy is not installed: nothing is measured against it\n");
      return;
    }
  close (open_listener (&self->tiny_port));
  write_tiny_configuration (self, path);
  self->tiny_pid = fork_child (self);
  if (self->tiny_pid == 0)
    {
      open_output (self, "tiny.out");
      execl (program, program, "-d", "-c", path, NULL);
      _exit (127);
    }
}

void
egress_world_set_up (EgressWorld *self)
{
  struct rlimit files;

  memset (self, 0, sizeof *self);
  getrlimit (RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit (RLIMIT_NOFILE, &files);
  self->folder = g_dir_make_tmp ("zu-bench-XXXXXX", NULL);
  self->pids = g_array_new (FALSE, FALSE, sizeof (int));
  self->sink_port = start_answers (self, 's');
  self->echo_port = start_answers (self, 'e');
  self->http_port = start_answers (self, 'h');
  self->bare_sink_port = start_relay (self, self->sink_port);
  self->bare_http_port = start_relay (self, self->http_port);
  start_proxy (self);
  start_tiny (self);
  g_usleep (G_USEC_PER_SEC);
}

void
egress_world_tear_down (EgressWorld *self)
{
  static const char *const names[] = { "decisions", "tiny.log", "tiny.conf", "tiny.out" };

  for (guint i = 0; i < self->pids->len; i++)
    {
      int pid = g_array_index (self->pids, int, i);

      kill (pid, SIGKILL);
      waitpid (pid, NULL, 0);
    }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename (self->folder, names[i], NULL);

      g_unlink (path);
    }
  g_rmdir (self->folder);
  g_free (self->folder);
  g_array_unref (self->pids);
}
