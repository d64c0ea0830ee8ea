/* SPDX-License-Identifier: Apache-2.0 */

/* The host's end of a channel whose other end is not to be trusted. */

#include "zu-guest-channel.h"
#include "zu-socket.h"
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  int fd;
  gconstpointer data;
  gsize size;
  guint n_fds;
} Answer;

/* Reads one request and says what it has been told to. */
static gpointer
answer (gpointer data)
{
  Answer *self = data;
  guint8 request[4096];
  int fds[4], null[64];
  guint n_fds;

  g_assert_cmpint (
      zu_socket_receive (self->fd, request, sizeof request, fds, 4, &n_fds, NULL, NULL), >, 0);
  for (guint i = 0; i < self->n_fds; i++)
    null[i] = open ("/dev/null", O_RDWR | O_CLOEXEC);
  zu_socket_send (self->fd, self->data, self->size, null, self->n_fds, NULL, NULL);
  zu_close_fds (null, self->n_fds);
  return NULL;
}

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir))
    n++;
  return n;
}

/* Whatever it is that comes: an error, the channel is closed for good, no descriptor stays. */
static void
assert_broken (gconstpointer data, gsize size, guint n_fds, GQuark domain, int code)
{
  const char *const argv[] = { "true", NULL };
  const ZuGuestExec exec = { .argv = argv, .stdio = { -1, -1, -1 } };
  g_autoptr (GError) error = NULL;
  guint before = count_fds ();
  ZuGuestChannel *channel;
  GThread *thread;
  int pair[2];
  Answer said;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  said = (Answer){ pair[1], data, size, n_fds };
  channel = zu_guest_channel_new (pair[0]);
  thread = g_thread_new ("guest", answer, &said);
  g_assert_cmpuint (zu_guest_channel_exec (channel, &exec, NULL, &error), ==, 0);
  g_assert_error (error, domain, code);
  g_clear_error (&error);
  g_assert_true (zu_guest_channel_is_closed (channel));
  g_assert_cmpuint (zu_guest_channel_exec (channel, &exec, NULL, &error), ==, 0);
  g_assert_nonnull (error);
  g_thread_join (thread);
  zu_guest_channel_unref (channel);
  close (pair[1]);
  g_assert_cmpuint (count_fds (), ==, before);
}

static gsize
make_started (guint8 data[64], guint32 id, guint32 error, guint32 stage)
{
  struct zu_wire_writer w = zu_wire_begin (data, 64, ZU_WIRE_STARTED, 0, id);

  zu_wire_put_started (&w, &(struct zu_wire_started){ error, stage, 5 });
  return zu_wire_end (&w);
}

static gsize
make_exited (guint8 data[96], guint32 id, int status, guint32 number)
{
  struct zu_wire_writer w = zu_wire_begin (data, 96, ZU_WIRE_EXITED, 0, id);

  zu_wire_put_exited (&w, &(struct zu_wire_exited){ .exit_status = status, .signal = number });
  return zu_wire_end (&w);
}

#define BROKEN(data, size) assert_broken (data, size, 0, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL)

static void
test_messages (void)
{
  g_autofree char *large = g_malloc0 (100000);
  guint8 data[96];

  BROKEN ("x", 1);
  BROKEN (data, make_started (data, 2, 0, 0)); /* another exec */
  BROKEN (data, make_started (data, 1, 0, 5)); /* it runs, and it failed */
  BROKEN (data, make_started (data, 1, 2, 0));
  BROKEN (data, make_started (data, 1, 5000, 5));
  BROKEN (data, make_started (data, 1, 2, 99));
  BROKEN (data, make_started (data, 1, 0, 0) - 1);
  BROKEN (data, make_exited (data, 1, 0, 0)); /* before it started */
  assert_broken (large, 100000, 0, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
}

static void
test_descriptors (void)
{
  guint8 data[64];
  gsize size = make_started (data, 1, 0, 0);

  assert_broken (data, size, 1, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL);
  assert_broken (data, size, 2, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
  assert_broken (data, size, 64, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE);
}

typedef struct
{
  int fd;
  int with;
  guint32 error;
  guint32 port;
} Listener;

static gpointer
answer_listener (gpointer data)
{
  Listener *self = data;
  guint8 request[64], message[64];
  struct zu_wire_writer w = zu_wire_begin (message, sizeof message, ZU_WIRE_LISTENING, 0, 1);
  guint n_fds;

  g_assert_cmpint (
      zu_socket_receive (self->fd, request, sizeof request, NULL, 0, &n_fds, NULL, NULL), >, 0);
  zu_wire_put_listening (&w, &(struct zu_wire_listening){ self->error, self->port });
  zu_socket_send (self->fd, message, zu_wire_end (&w), &self->with, self->with >= 0, NULL, NULL);
  return NULL;
}

/* What a guest passes out for a listener, asked for on @port; @code is what becomes of it, 0:
 * taken. */
static void
assert_listener (int with, guint32 told_error, guint32 told_port, guint port, int code)
{
  g_autoptr (GError) error = NULL;
  guint before = count_fds ();
  ZuGuestChannel *channel;
  GThread *thread;
  Listener said;
  int pair[2], got;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  said = (Listener){ pair[1], with, told_error, told_port };
  channel = zu_guest_channel_new (pair[0]);
  thread = g_thread_new ("guest", answer_listener, &said);
  got = zu_guest_channel_listen (channel, port, NULL, &error);
  g_thread_join (thread);
  if (code)
    g_assert_error (error, ZU_GUEST_ERROR, code - 1);
  else
    g_assert_no_error (error);
  g_assert_cmpint (got >= 0, ==, !code);
  zu_clear_fd (&got);
  zu_guest_channel_unref (channel);
  close (pair[1]);
  g_assert_cmpuint (count_fds (), ==, before);
}

static int
make_socket (int type, guint32 host, gboolean listens, guint *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (host) } };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, type | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, size), ==, 0);
  g_assert_true (!listens || listen (fd, 1) == 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *) &address, &size), ==, 0);
  *port = ntohs (address.sin_port);
  return fd;
}

static void
test_listener (void)
{
  const int broken = ZU_GUEST_ERROR_PROTOCOL + 1, refused = ZU_GUEST_ERROR_START + 1;
  guint port, idle_port, any_port, udp_port;
  ZU_AUTO_FD int good = make_socket (SOCK_STREAM, INADDR_LOOPBACK, TRUE, &port);
  ZU_AUTO_FD int idle = make_socket (SOCK_STREAM, INADDR_LOOPBACK, FALSE, &idle_port);
  ZU_AUTO_FD int any = make_socket (SOCK_STREAM, INADDR_ANY, TRUE, &any_port);
  ZU_AUTO_FD int udp = make_socket (SOCK_DGRAM, INADDR_LOOPBACK, FALSE, &udp_port);
  ZU_AUTO_FD int null = open ("/dev/null", O_RDWR | O_CLOEXEC);

  assert_listener (good, 0, port, 0, 0);
  assert_listener (good, 0, port, port, 0);
  assert_listener (-1, 98, 0, 0, refused);
  assert_listener (good, 0, port, port + 1, broken);
  assert_listener (good, 0, port + 1, 0, broken);
  assert_listener (good, 98, 0, 0, broken);
  assert_listener (-1, 0, port, 0, broken);
  assert_listener (idle, 0, idle_port, 0, broken);
  assert_listener (any, 0, any_port, 0, broken);
  assert_listener (udp, 0, udp_port, 0, broken);
  assert_listener (null, 0, 80, 0, broken);
}

static void
test_decode (void)
{
  static const struct
  {
    int status;
    guint32 number;
    gboolean good;
  } cases[] = {
    { 0, 0, TRUE },   { 255, 0, TRUE }, { -1, 9, TRUE },   { -1, 64, TRUE }, { 256, 0, FALSE },
    { -2, 0, FALSE }, { -1, 0, FALSE }, { -1, 65, FALSE }, { 0, 9, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint8 data[96];
      gsize size = make_exited (data, 1, cases[i].status, cases[i].number);
      ZuGuestMessage message;

      g_assert_cmpint (zu_guest_decode (data, size, &message, NULL), ==, cases[i].good);
      g_assert_false (zu_guest_decode (data, size - 1, &message, NULL));
    }
}

static void
test_encode (void)
{
  const char *const none[] = { NULL }, *const argv[] = { "x", NULL };
  g_autofree char *large = g_strnfill (5 << 20, 'x');
  const char *const environment[] = { large, NULL };
  g_autoptr (GError) error = NULL;
  int block;
  ZuGuestExec exec = { .argv = none };

  g_assert_null (zu_guest_encode_exec (1, &exec, &block, &error));
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST);
  g_clear_error (&error);
  exec.argv = argv;
  exec.environment = environment;
  g_assert_null (zu_guest_encode_exec (1, &exec, &block, &error));
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST);
  g_clear_error (&error);
  g_assert_null (zu_guest_encode_go ("/", environment, NULL, 0, &error));
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hostile/messages", test_messages);
  g_test_add_func ("/hostile/descriptors", test_descriptors);
  g_test_add_func ("/hostile/listener", test_listener);
  g_test_add_func ("/hostile/decode", test_decode);
  g_test_add_func ("/hostile/encode", test_encode);
  return g_test_run ();
}
