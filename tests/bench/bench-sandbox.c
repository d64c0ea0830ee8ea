/* SPDX-License-Identifier: Apache-2.0 */

/* Sandboxes beside what they cannot be faster than: a process in a warm one beside the same program
 * spawned on the host, medians of single ones; a whole sandbox beside bare bubblewrap; bytes
 * through one beside a pipe. */

#include "bench.h"

#include "zu-keeper-link.h"

#include "zu-sandbox-pool.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zu/zu.h>

#define N_EXECS    400
#define N_LAUNCHES 10
#define N_CLAIMS   8
#define N_CROWD    100
#define STREAM     (G_GUINT64_CONSTANT (1) << 30)
#define PIPE_SIZE  (1 << 20)

typedef struct
{
  ZuSandboxBackend *backend;
  char *id;
  char *guest;
  ZuProcessSpec *process;
  ZuSandboxPool *pool;
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

static ZuSandbox *
launch (Data *data)
{
  g_autoptr (ZuLaunchSpec) spec = g_object_new (ZU_TYPE_LAUNCH_SPEC, NULL);
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) getpid (), NULL);
  GError *error = NULL;
  ZuSandbox *sandbox = zu_sandbox_backend_launch (data->backend, spec, owner, NULL, &error);

  check (error);
  return sandbox;
}

static void
destroy (Data *data, ZuSandbox *sandbox)
{
  GError *error = NULL;

  zu_sandbox_backend_destroy (data->backend, zu_sandbox_get_id (sandbox), NULL, &error);
  check (error);
  g_object_unref (sandbox);
}

static void
run_true (Data *data, ZuSandbox *sandbox)
{
  Data one = *data;

  one.id = (char *) zu_sandbox_get_id (sandbox);
  exec_once (&one);
}

static double
launch_whole (gpointer data)
{
  double times[N_LAUNCHES];

  for (guint i = 0; i < N_LAUNCHES; i++)
    {
      double start = bench_now ();
      ZuSandbox *sandbox = launch (data);

      run_true (data, sandbox);
      destroy (data, sandbox);
      times[i] = bench_now () - start;
    }
  return middle (times, N_LAUNCHES);
}

/* The same namespaces, view and scratch, and as the same user; nothing is read back, kept or
 * undone. */
static void
bwrap_once (Data *data)
{
  const char *const argv[] = { "bwrap",
                               "--unshare-user",
                               "--unshare-ipc",
                               "--unshare-pid",
                               "--unshare-net",
                               "--unshare-uts",
                               "--unshare-cgroup",
                               "--die-with-parent",
                               "--new-session",
                               "--as-pid-1",
                               "--cap-drop",
                               "ALL",
                               "--hostname",
                               "sandbox",
                               "--uid",
                               "65534",
                               "--gid",
                               "65534",
                               "--ro-bind",
                               "/usr",
                               "/usr",
                               "--symlink",
                               "usr/bin",
                               "/bin",
                               "--symlink",
                               "usr/sbin",
                               "/sbin",
                               "--symlink",
                               "usr/lib",
                               "/lib",
                               "--symlink",
                               "usr/lib64",
                               "/lib64",
                               "--ro-bind",
                               "/etc/alternatives",
                               "/etc/alternatives",
                               "--ro-bind",
                               "/etc/ld.so.cache",
                               "/etc/ld.so.cache",
                               "--ro-bind",
                               "/etc/ssl/certs",
                               "/etc/ssl/certs",
                               "--proc",
                               "/proc",
                               "--dev",
                               "/dev",
                               "--tmpfs",
                               "/dev/shm",
                               "--remount-ro",
                               "/dev",
                               "--tmpfs",
                               "/tmp",
                               "--tmpfs",
                               "/run",
                               "--tmpfs",
                               "/work",
                               "--ro-bind",
                               data->guest,
                               "/.zu/guest",
                               "--remount-ro",
                               "/",
                               "--chdir",
                               "/",
                               "--",
                               "/.zu/guest",
                               "true",
                               NULL };
  pid_t pid;
  int status;

  if (posix_spawnp (&pid, "bwrap", NULL, NULL, (char *const *) argv, environ) != 0
      || waitpid (pid, &status, 0) != pid || status != 0)
    g_error ("bare bubblewrap failed");
}

static double
bwrap_bare (gpointer data)
{
  double times[N_LAUNCHES];

  for (guint i = 0; i < N_LAUNCHES; i++)
    {
      double start = bench_now ();

      bwrap_once (data);
      times[i] = bench_now () - start;
    }
  return middle (times, N_LAUNCHES);
}

/* What waits is claimed; the pool fills up again outside of what is measured. */
static double
claim_warm (gpointer user_data)
{
  Data *data = user_data;
  double times[N_CLAIMS];
  ZuSandbox *claimed[N_CLAIMS];
  GError *error = NULL;

  zu_sandbox_pool_wait_ready (data->pool, NULL, &error);
  check (error);
  for (guint i = 0; i < N_CLAIMS; i++)
    {
      double start;

      zu_sandbox_pool_wait_ready (data->pool, NULL, &error);
      start = bench_now ();
      claimed[i] = zu_sandbox_pool_claim (data->pool, NULL, &error);
      check (error);
      run_true (data, claimed[i]);
      times[i] = bench_now () - start;
    }
  for (guint i = 0; i < N_CLAIMS; i++)
    destroy (data, claimed[i]);
  return middle (times, N_CLAIMS);
}

static double
exec_few (gpointer data)
{
  double times[N_CLAIMS];

  for (guint i = 0; i < N_CLAIMS; i++)
    {
      double start = bench_now ();

      exec_once (data);
      times[i] = bench_now () - start;
    }
  return middle (times, N_CLAIMS);
}

static guint64
read_to_end (int fd)
{
  static char buffer[PIPE_SIZE];
  guint64 all = 0;
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    all += (guint64) n;
  close (fd);
  return all;
}

#define WRITER "head -c 1073741824 /dev/zero"

static void
open_pipe (int ends[2])
{
  if (pipe2 (ends, O_CLOEXEC) != 0 || fcntl (ends[0], F_SETPIPE_SZ, PIPE_SIZE) < 0)
    g_error ("no pipe of a mebibyte");
}

static double
stream_inside (gpointer user_data)
{
  const char *const argv[] = { "sh", "-c", WRITER, NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);
  g_autoptr (ZuExitStatus) exit = NULL;
  g_autofree char *id = NULL;
  Data *data = user_data;
  GError *error = NULL;
  double start = bench_now ();
  int ends[2];

  open_pipe (ends);
  id = zu_sandbox_backend_spawn (data->backend, data->id, process, -1, ends[1], -1, NULL, &error);
  check (error);
  close (ends[1]);
  if (read_to_end (ends[0]) != STREAM)
    g_error ("bytes were lost");
  exit = zu_sandbox_backend_wait (data->backend, data->id, id, NULL, &error);
  check (error);
  return bench_now () - start;
}

static double
stream_bare (gpointer data)
{
  char *const argv[] = { (char *) "sh", (char *) "-c", (char *) WRITER, NULL };
  posix_spawn_file_actions_t actions;
  double start = bench_now ();
  int ends[2], status;
  pid_t pid;

  open_pipe (ends);
  posix_spawn_file_actions_init (&actions);
  posix_spawn_file_actions_adddup2 (&actions, ends[1], 1);
  if (posix_spawnp (&pid, "sh", &actions, NULL, argv, environ) != 0)
    g_error ("cannot run a shell");
  posix_spawn_file_actions_destroy (&actions);
  close (ends[1]);
  if (read_to_end (ends[0]) != STREAM || waitpid (pid, &status, 0) != pid)
    g_error ("bytes were lost");
  return bench_now () - start;
}

/* In KiB: every process's share of what it has in memory. */
static guint64
read_share (const char *pid)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "smaps_rollup", NULL);
  g_autofree char *text = NULL;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL) || !(at = strstr (text, "\nPss:")))
    return 0;
  return g_ascii_strtoull (at + 5, NULL, 10);
}

/* The keepers and bubblewraps of this user. */
static guint64
sum_shares (void)
{
  g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
  guint64 sum = 0;
  const char *name;

  while ((name = g_dir_read_name (proc)))
    {
      g_autofree char *path = g_build_filename ("/proc", name, "comm", NULL), *comm = NULL;

      if (g_file_get_contents (path, &comm, NULL, NULL)
          && (g_str_equal (comm, "zu-keeper\n") || g_str_equal (comm, "bwrap\n")))
        sum += read_share (name);
    }
  return sum;
}

/* A hundred at once: all run, none is left, and what each costs outside. */
static void
crowd (Data *data)
{
  guint64 before = sum_shares (), all;
  g_autoptr (GPtrArray) left = NULL;
  ZuSandbox *sandboxes[N_CROWD];
  GError *error = NULL;
  double each;

  for (guint i = 0; i < N_CROWD; i++)
    sandboxes[i] = launch (data);
  for (guint i = 0; i < N_CROWD; i++)
    run_true (data, sandboxes[i]);
  all = sum_shares ();
  each = (double) (all - before) / 1024 / N_CROWD;
  for (guint i = 0; i < N_CROWD; i++)
    destroy (data, g_object_ref (sandboxes[i]));
  left = zu_sandbox_backend_list (data->backend, NULL, &error);
  check (error);
  for (guint i = 0; i < left->len; i++)
    for (guint k = 0; k < N_CROWD; k++)
      if (g_str_equal (zu_sandbox_get_id (left->pdata[i]), zu_sandbox_get_id (sandboxes[k])))
        g_error ("a sandbox is left");
  for (guint i = 0; i < N_CROWD; i++)
    g_object_unref (sandboxes[i]);
  bench_print (&(BenchFigure){ .name = "sandbox-crowd-memory",
                               .unit = "MiB/sandbox",
                               .value = each,
                               .limit = 1.5,
                               .ratio = 1.5 / MAX (each, 0.001),
                               .at_least = 1,
                               .rounds = 1 });
}

static void
set_up (Data *data)
{
  const char *const argv[] = { "/.zu/guest", "true", NULL };
  g_autoptr (ZuLaunchSpec) spec = g_object_new (ZU_TYPE_LAUNCH_SPEC, NULL);
  g_autoptr (ZuSandbox) sandbox = NULL;
  GError *error = NULL;

  data->guest = zu_keeper_find_program ("zu-guest", &error);
  check (error);
  data->backend =
      ZU_SANDBOX_BACKEND (zu_registry_create (zu_registry_get_default (), "zu.backends",
                                              "SandboxBackend", "bubblewrap", NULL, NULL, &error));
  check (error);
  sandbox = launch (data);
  if (bench_is_wanted ("sandbox-claim"))
    data->pool = zu_sandbox_pool_new (data->backend, spec, 2);
  data->id = g_strdup (zu_sandbox_get_id (sandbox));
  data->process = zu_process_spec_new (argv);
}

static void
tear_down (Data *data)
{
  GError *error = NULL;

  g_clear_object (&data->pool);
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
    { "sandbox-launch", "sandboxes", N_LAUNCHES, 1 / 1.5, launch_whole, bwrap_bare, &data },
    { "sandbox-claim", "claims", N_CLAIMS, 1 / 2.0, claim_warm, exec_few, &data },
    { "sandbox-stream", "bytes", STREAM, 0.9, stream_inside, stream_bare, &data },
  };
  int status;

  bench_init (argc, argv);
  set_up (&data);
  status = bench_main (argc, argv, benches, G_N_ELEMENTS (benches));
  if (bench_is_wanted ("sandbox-crowd-memory"))
    crowd (&data);
  tear_down (&data);
  return status;
}
