/* SPDX-License-Identifier: Apache-2.0 */

/* Sandboxes beside what they cannot be faster than: a process in a warm one beside the same program
 * spawned on the host, medians of single ones; a whole sandbox beside bare bubblewrap; bytes
 * through one beside a pipe. */

#include "bench.h"

#include "zu-keeper-link.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zu/zu.h>

#define N_EXECS 400

typedef struct
{
  ZuSandboxBackend *backend;
  char *id;
  char *guest;
  ZuProcessSpec *process;
} Data;

static void
check (GError *error)
{
  if (error != NULL)
    g_error ("%s", error->message);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* As if every one had taken as long as the one in the middle. */
static double
middle (double *times, guint n)
{
  qsort (times, n, sizeof *times, compare);
  return times[n / 2] * n;
}

static void
exec_once (Data *data)
{
  GError *error = NULL;
  g_autofree char *process_id =
      zu_sandbox_backend_spawn (data->backend, data->id, data->process, -1, -1, -1, NULL, &error);
  g_autoptr (ZuExitStatus) exit = NULL;

  check (error);
  exit = zu_sandbox_backend_wait (data->backend, data->id, process_id, NULL, &error);
  check (error);
  if (zu_exit_status_get_exit_status (exit) != 0)
    g_error ("the guest's own true failed");
}

static double
exec_warm (gpointer data)
{
  double times[N_EXECS];

  for (guint i = 0; i < N_EXECS; i++)
    {
      double start = bench_now ();

      exec_once (data);
      times[i] = bench_now () - start;
    }
  return middle (times, N_EXECS);
}

static void
spawn_once (const char *program)
{
  char *const argv[] = { (char *) program, (char *) "true", NULL };
  pid_t pid;
  int status;

  if (posix_spawn (&pid, program, NULL, NULL, argv, environ) != 0
      || waitpid (pid, &status, 0) != pid || status != 0)
    g_error ("cannot run %s", program);
}

static double
spawn_bare (gpointer data)
{
  double times[N_EXECS];

  for (guint i = 0; i < N_EXECS; i++)
    {
      double start = bench_now ();

      spawn_once (((Data *) data)->guest);
      times[i] = bench_now () - start;
    }
  return middle (times, N_EXECS);
}

static void
set_up (Data *data)
{
  const char *const argv[] = { "/.zu/guest", "true", NULL };
  g_autoptr (ZuLaunchSpec) spec = g_object_new (ZU_TYPE_LAUNCH_SPEC, NULL);
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) getpid (), NULL);
  g_autoptr (ZuSandbox) sandbox = NULL;
  GError *error = NULL;

  data->guest = zu_keeper_find_program ("zu-guest", &error);
  check (error);
  data->backend =
      ZU_SANDBOX_BACKEND (zu_registry_create (zu_registry_get_default (), "zu.backends",
                                              "SandboxBackend", "bubblewrap", NULL, NULL, &error));
  check (error);
  sandbox = zu_sandbox_backend_launch (data->backend, spec, owner, NULL, &error);
  check (error);
  data->id = g_strdup (zu_sandbox_get_id (sandbox));
  data->process = zu_process_spec_new (argv);
}

static void
tear_down (Data *data)
{
  GError *error = NULL;

  zu_sandbox_backend_destroy (data->backend, data->id, NULL, &error);
  check (error);
  g_object_unref (data->process);
  g_object_unref (data->backend);
  g_free (data->id);
  g_free (data->guest);
}

int
main (int argc, char **argv)
{
  Data data = { NULL };
  const Bench benches[] = {
    { "sandbox-exec", "execs", N_EXECS, 1 / 1.5, exec_warm, spawn_bare, &data },
  };
  int status;

  set_up (&data);
  status = bench_main (argc, argv, benches, G_N_ELEMENTS (benches));
  tear_down (&data);
  return status;
}
