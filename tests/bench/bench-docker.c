/* SPDX-License-Identifier: Apache-2.0 */

/* A container of ours beside docker(1)'s: launched, the guest's own true run in it, destroyed until
 * the engine says that it is gone; the other with the same limits, mounts and tmpfs, and --rm.
 * Medians of single ones, taken in turn. And a process in a warm container beside the same program
 * spawned on the host. An engine and the image zu-test:1 are expected in DOCKER_HOST. */

#include "bench.h"

#include "zu-keeper-link.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zu/zu.h>

#define N_LAUNCHES 20
#define N_EXECS    400
#define IMAGE      "zu-test:1"

/* An exec may take half as long again as a bare spawn. */
#define EXEC_AT_LEAST (1 / 1.5)

typedef struct
{
  ZuSandboxBackend *backend;
  ZuLaunchSpec *spec;
  ZuProcessSpec *process;
  char *guest;
  char *state;
} Data;

static void
check (GError *error)
{
  if (error != NULL)
    g_error ("%s", error->message);
}

static void
exec_once (Data *data, const char *id)
{
  GError *error = NULL;
  g_autofree char *process_id =
      zu_sandbox_backend_spawn (data->backend, id, data->process, -1, -1, -1, NULL, &error);
  g_autoptr (ZuExitStatus) exit = NULL;

  check (error);
  exit = zu_sandbox_backend_wait (data->backend, id, process_id, NULL, &error);
  check (error);
  if (zu_exit_status_get_exit_status (exit) != 0)
    g_error ("the guest's own true failed");
}

static char *
launch (Data *data)
{
  GError *error = NULL;
  g_autoptr (ZuSandbox) sandbox =
      zu_sandbox_backend_launch (data->backend, data->spec, NULL, NULL, &error);

  check (error);
  return g_strdup (zu_sandbox_get_id (sandbox));
}

static void
destroy (Data *data, const char *id)
{
  GError *error = NULL;

  zu_sandbox_backend_destroy (data->backend, id, NULL, &error);
  check (error);
}

static double
time_ours (Data *data)
{
  double start = bench_now ();
  g_autofree char *id = launch (data);

  exec_once (data, id);
  destroy (data, id);
  return bench_now () - start;
}

static void
spawn_and_wait (const char *const *argv)
{
  pid_t pid;
  int status;

  if (posix_spawnp (&pid, argv[0], NULL, NULL, (char **) argv, environ) != 0
      || waitpid (pid, &status, 0) != pid || !WIFEXITED (status) || WEXITSTATUS (status) != 0)
    g_error ("%s does not run", argv[0]);
}

static double
time_docker (Data *data)
{
  g_autofree char *guest =
      g_strdup_printf ("type=bind,src=%s,dst=/.zu/guest,readonly", data->guest);
  g_autofree char *control =
      g_strdup_printf ("type=bind,src=%s,dst=/.zu/control,readonly", data->state);
  const char *const argv[] = { "docker",
                               "run",
                               "--rm",
                               "--network",
                               "none",
                               "--read-only",
                               "--cap-drop",
                               "ALL",
                               "--security-opt",
                               "no-new-privileges",
                               "--pids-limit",
                               "256",
                               "--memory",
                               "1g",
                               "--memory-swap",
                               "1g",
                               "--log-driver",
                               "none",
                               "--ipc",
                               "private",
                               "--cgroupns",
                               "private",
                               "--user",
                               "65534:65534",
                               "--tmpfs",
                               "/tmp:exec,mode=1777",
                               "--tmpfs",
                               "/run:exec",
                               "--tmpfs",
                               "/work:exec",
                               "--mount",
                               guest,
                               "--mount",
                               control,
                               "--entrypoint",
                               "/.zu/guest",
                               IMAGE,
                               "true",
                               NULL };
  double start = bench_now ();

  spawn_and_wait (argv);
  return bench_now () - start;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* The middle one, and how far the middle half lies apart. */
static double
take_middle (double *times, guint n, double *spread)
{
  qsort (times, n, sizeof *times, compare);
  *spread = (times[3 * n / 4] - times[n / 4]) / times[n / 2];
  return times[n / 2];
}

static void
print (const char *name, const char *unit, double *ours, double *limit, guint n, double at_least)
{
  BenchFigure figure = { .name = name, .unit = unit, .at_least = at_least, .rounds = n };
  double our_time = take_middle (ours, n, &figure.spread);
  double limit_time = take_middle (limit, n, &figure.limit_spread);

  figure.value = 1 / our_time;
  figure.limit = 1 / limit_time;
  figure.ratio = limit_time / our_time;
  bench_print (&figure);
}

static void
bench_launch (Data *data)
{
  double ours[N_LAUNCHES], limit[N_LAUNCHES];

  time_ours (data);
  time_docker (data);
  for (guint i = 0; i < N_LAUNCHES; i++)
    {
      ours[i] = time_ours (data);
      limit[i] = time_docker (data);
    }
  print ("docker-launch", "sandboxes/s", ours, limit, N_LAUNCHES, 1);
}

static void
bench_exec (Data *data)
{
  const char *const bare[] = { data->guest, "true", NULL };
  double ours[N_EXECS], limit[N_EXECS];
  g_autofree char *id = launch (data);

  exec_once (data, id);
  for (guint i = 0; i < N_EXECS; i++)
    {
      double start = bench_now ();

      exec_once (data, id);
      ours[i] = bench_now () - start;
      start = bench_now ();
      spawn_and_wait (bare);
      limit[i] = bench_now () - start;
    }
  destroy (data, id);
  print ("docker-exec", "execs/s", ours, limit, N_EXECS, EXEC_AT_LEAST);
}

static void
set_up (Data *data)
{
  const char *const argv[] = { "/.zu/guest", "true", NULL };
  g_autofree char *options = NULL;
  g_autoptr (ZuJson) json = NULL;
  GError *error = NULL;

  data->state = g_dir_make_tmp ("zu-bench-XXXXXX", &error);
  check (error);
  options = g_strdup_printf ("{\"state_dir\": \"%s\"}", data->state);
  json = zu_json_parse (options, -1, &error);
  data->guest = zu_keeper_find_program ("zu-guest", &error);
  check (error);
  data->backend = ZU_SANDBOX_BACKEND (zu_registry_create (zu_registry_get_default (), "zu.backends",
                                                          "SandboxBackend", "local-docker", json,
                                                          NULL, &error));
  check (error);
  data->spec = g_object_new (ZU_TYPE_LAUNCH_SPEC, "image", IMAGE, NULL);
  data->process = zu_process_spec_new (argv);
}

static void
tear_down (Data *data)
{
  g_clear_object (&data->backend);
  g_clear_object (&data->spec);
  g_clear_object (&data->process);
  rmdir (data->state);
  g_free (data->guest);
  g_free (data->state);
}

int
main (int argc, char **argv)
{
  Data data = { NULL };

  bench_init (argc, argv);
  if (!bench_is_wanted ("docker-launch") && !bench_is_wanted ("docker-exec"))
    return EXIT_SUCCESS;
  set_up (&data);
  if (bench_is_wanted ("docker-launch"))
    bench_launch (&data);
  if (bench_is_wanted ("docker-exec"))
    bench_exec (&data);
  tear_down (&data);
  return EXIT_SUCCESS;
}
