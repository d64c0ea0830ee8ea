/* SPDX-License-Identifier: Apache-2.0 */

/* The proxy beside a bare splice relay, and beside tinyproxy, each a process of its own, one after
 * the other in the same run. */

#include "bench-egress.h"
#include "bench.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_TUNNELS  8
#define CHUNK      (64 * 1024)
#define N_CHUNKS   1024 /* a tunnel and round */
#define N_CONNECTS 400
#define N_REQUESTS 2000
#define N_IDLE     2000

typedef struct
{
  EgressWorld *world;
  guint16 port; /* of what is measured */
  gboolean is_bare;
} Path;

typedef struct
{
  Path ours;
  Path limit;
} Pair;

/* A tunnel, or the same through the bare relay. */
static int
open_path (const Path *path)
{
  int fd = egress_connect (path->port);

  if (!path->is_bare)
    egress_ask_tunnel (fd, path->world->sink_port);
  return fd;
}

static gpointer
pour (gpointer data)
{
  static const char chunk[CHUNK];
  int fd = GPOINTER_TO_INT (data);

  for (guint i = 0; i < N_CHUNKS; i++)
    egress_send (fd, chunk, sizeof chunk);
  shutdown (fd, SHUT_WR);
  egress_drain (fd);
  close (fd);
  return NULL;
}

/* Until the other end has all of it, and has said so by closing. */
static double
run_throughput (const Path *path)
{
  GThread *threads[N_TUNNELS];
  double start;
  int fds[N_TUNNELS];

  for (guint i = 0; i < N_TUNNELS; i++)
    fds[i] = open_path (path);
  start = bench_now ();
  for (guint i = 0; i < N_TUNNELS; i++)
    threads[i] = g_thread_new ("pour", pour, GINT_TO_POINTER (fds[i]));
  for (guint i = 0; i < N_TUNNELS; i++)
    g_thread_join (threads[i]);
  return bench_now () - start;
}

static double
run_connects (const Path *path)
{
  double start = bench_now ();

  for (guint i = 0; i < N_CONNECTS; i++)
    {
      int fd = egress_connect (path->port);
      char byte = 'x';

      egress_ask_tunnel (fd, path->world->echo_port);
      egress_send (fd, &byte, 1);
      g_assert_cmpint (recv (fd, &byte, 1, MSG_WAITALL), ==, 1);
      close (fd);
    }
  return bench_now () - start;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* The median of many, as if each had taken that. */
static double
run_requests (const Path *path)
{
  g_autofree double *times = g_new (double, N_REQUESTS);
  g_autofree char *request =
      path->is_bare ? g_strdup ("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    : g_strdup_printf ("GET http://127.0.0.1:%u/ HTTP/1.1\r\nHost: a\r\n\r\n",
                                       path->world->http_port);
  int fd = egress_connect (path->port);

  for (guint i = 0; i < N_REQUESTS; i++)
    {
      double start = bench_now ();

      egress_send (fd, request, strlen (request));
      egress_read_answer (fd);
      times[i] = bench_now () - start;
    }
  close (fd);
  qsort (times, N_REQUESTS, sizeof *times, compare);
  return times[N_REQUESTS / 2] * N_REQUESTS;
}

#define ROUNDS(name)                                                                        \
  static double name##_ours (gpointer data) { return run_##name (&((Pair *) data)->ours); } \
  static double name##_limit (gpointer data) { return run_##name (&((Pair *) data)->limit); }

ROUNDS (throughput)
ROUNDS (connects)
ROUNDS (requests)

/* How much memory the proxy has with many tunnels that say nothing; the ratio is what it may have
 * over what it has. */
static void
measure_idle (EgressWorld *world)
{
  BenchFigure figure = { "egress-idle-2000", "MiB", .limit = 64, .at_least = 1, .rounds = 1 };
  Path path = { world, world->proxy_port, FALSE };
  g_autofree int *fds = g_new (int, N_IDLE);

  for (guint i = 0; i < N_IDLE; i++)
    fds[i] = open_path (&path);
  figure.value = (double) egress_resident (world->proxy_pid) / (1 << 20);
  figure.ratio = figure.limit / figure.value;
  for (guint i = 0; i < N_IDLE; i++)
    close (fds[i]);
  bench_print (&figure);
}

static void
measure_pairs (EgressWorld *world)
{
  Pair bare_sink = { { world, world->proxy_port, FALSE }, { world, world->bare_sink_port, TRUE } };
  Pair bare_http = { { world, world->proxy_port, FALSE }, { world, world->bare_http_port, TRUE } };
  Pair tiny = { { world, world->proxy_port, FALSE }, { world, world->tiny_port, FALSE } };
  const Bench benches[] = {
    { "egress-tunnels-8", "bytes", (guint64) N_TUNNELS * N_CHUNKS * CHUNK, 0.8, throughput_ours,
      throughput_limit, &bare_sink },
    { "egress-tunnels-8-tinyproxy", "bytes", (guint64) N_TUNNELS * N_CHUNKS * CHUNK, 1.0,
      throughput_ours, throughput_limit, &tiny },
    { "egress-connects", "connects", N_CONNECTS, 1.5, connects_ours, connects_limit, &tiny },
    { "egress-request-p50", "requests", N_REQUESTS, 0.334, requests_ours, requests_limit,
      &bare_http },
  };

  for (guint i = 0; i < G_N_ELEMENTS (benches); i++)
    if (bench_is_wanted (benches[i].name) && (benches[i].data != &tiny || world->tiny_port != 0))
      bench_run (&benches[i]);
}

int
main (int argc, char **argv)
{
  EgressWorld world;

  signal (SIGPIPE, SIG_IGN);
  bench_init (argc, argv);
  egress_world_set_up (&world);
  measure_pairs (&world);
  if (bench_is_wanted ("egress-idle-2000"))
    measure_idle (&world);
  egress_world_tear_down (&world);
  return EXIT_SUCCESS;
}
