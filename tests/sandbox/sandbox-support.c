/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox-support.h"
#include "zu-keeper-link.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* An id that nobody has. */
#define SOMEBODY 64321

static char *programs; /* the copies, to be removed */

static void
copy_program (const char *name, const char *dir)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *from = zu_keeper_find_program (name, &error);
  g_autofree char *to = g_build_filename (dir, name, NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (from, &bytes, &size, &error));
  g_assert_true (g_file_set_contents_full (to, bytes, (gssize) size, 0, 0755, &error));
  g_assert_cmpint (chown (to, SOMEBODY, SOMEBODY), ==, 0);
}

/* The build tree may be where that user sees nothing, so the programs are copied first. */
static void
become_somebody (void)
{
  programs = g_dir_make_tmp ("zu-programs-XXXXXX", NULL);
  g_assert_cmpint (chmod (programs, 0755), ==, 0);
  g_assert_cmpint (chown (programs, SOMEBODY, SOMEBODY), ==, 0);
  copy_program ("zu-guest", programs);
  copy_program ("zu-keeper", programs);
  copy_program ("zu-epilogue", programs);
  g_setenv ("ZU_LIBEXEC_PATH", programs, TRUE);
  g_unsetenv ("XDG_RUNTIME_DIR");
  g_assert_cmpint (setgroups (0, NULL), ==, 0);
  g_assert_cmpint (setresgid (SOMEBODY, SOMEBODY, SOMEBODY), ==, 0);
  g_assert_cmpint (setresuid (SOMEBODY, SOMEBODY, SOMEBODY), ==, 0);
  prctl (PR_SET_DUMPABLE, 1);
}

/* The backend that is tested, and the image that its sandboxes are made from, if it needs one. */
const char *
sandbox_get_backend (void)
{
  const char *name = g_getenv ("ZU_TEST_BACKEND");

  return name ? name : "bubblewrap";
}

/* With --as-user, and as root, the rest of the process is somebody else's. */
void
sandbox_test_init (int *argc, char ***argv)
{
  gboolean as_user = *argc > 1 && g_str_equal ((*argv)[1], "--as-user");
  g_autoptr (GError) error = NULL;
  g_autoptr (GObject) once = NULL;

  if (as_user)
    {
      (*argv)[1] = (*argv)[0];
      ++*argv;
      --*argc;
    }
  g_test_init (argc, argv, NULL);
  once = zu_registry_create (zu_registry_get_default (), "zu.backends", "SandboxBackend",
                             sandbox_get_backend (), NULL, NULL, &error);

  g_assert_no_error (error);
  if (as_user && getuid () == 0)
    become_somebody ();
}

int
sandbox_test_run (void)
{
  g_autofree char *command = programs ? g_strdup_printf ("rm -rf '%s'", programs) : NULL;
  int failed = g_test_run ();

  return command && system (command) != 0 ? 1 : failed;
}

ZuSandboxBackend *
sandbox_new_backend (const char *state)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf ("{\"state_dir\": \"%s\"}", state);
  g_autoptr (ZuJson) options = zu_json_parse (text, -1, &error);
  GObject *backend =
      zu_registry_create (zu_registry_get_default (), "zu.backends", "SandboxBackend",
                          sandbox_get_backend (), options, NULL, &error);

  g_assert_no_error (error);
  return ZU_SANDBOX_BACKEND (backend);
}

/* With the image that is tested with, where the spec names none. */
static char *
add_image (const char *spec)
{
  const char *image = g_getenv ("ZU_TEST_IMAGE");
  const char *rest = strchr (spec, '{') + 1;

  if (!image || strstr (spec, "\"image\""))
    return g_strdup (spec);
  return g_strdup_printf ("{\"image\": \"%s\"%s%s", image, strchr (rest, ':') ? "," : "", rest);
}

char *
sandbox_launch_for (ZuSandboxBackend *backend, const char *spec, ZuOwnership *owner, GError **error)
{
  g_autofree char *whole = add_image (spec);
  g_autoptr (ZuJson) json = zu_json_parse (whole, -1, error);
  g_autoptr (ZuLaunchSpec) launch = json ? zu_launch_spec_new_from_json (json, error) : NULL;
  g_autoptr (ZuSandbox) sandbox =
      launch ? zu_sandbox_backend_launch (backend, launch, owner, NULL, error) : NULL;

  return sandbox ? g_strdup (zu_sandbox_get_id (sandbox)) : NULL;
}

/* A test that dies leaves no sandbox behind: this process is their owner. */
char *
sandbox_launch (ZuSandboxBackend *backend, const char *spec, GError **error)
{
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) getpid (), NULL);

  return sandbox_launch_for (backend, spec, owner, error);
}

/* A process that waits to be killed, as an owner. */
pid_t
sandbox_start_owner (void)
{
  pid_t pid = fork ();

  if (pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      for (;;)
        pause ();
    }
  g_assert_cmpint (pid, >, 0);
  return pid;
}

void
sandbox_kill_owner (pid_t owner)
{
  g_assert_cmpint (kill (owner, SIGKILL), ==, 0);
  g_assert_cmpint (waitpid (owner, NULL, 0), ==, owner);
}

/* @data is a spec; NULL the empty one. */
void
sandbox_set_up (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->dir = g_dir_make_tmp ("zu-sandbox-XXXXXX", &error);
  g_assert_no_error (error);
  f->state = g_build_filename (f->dir, "state", NULL);
  f->backend = sandbox_new_backend (f->state);
  f->id = sandbox_launch (f->backend, data ? data : "{}", &error);
  g_assert_no_error (error);
}

void
sandbox_tear_down (SandboxFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) left = NULL;
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->dir);

  g_assert_true (zu_sandbox_backend_destroy (f->backend, f->id, NULL, &error));
  g_assert_no_error (error);
  left = g_dir_open (f->state, 0, &error);
  g_assert_no_error (error);
  g_assert_null (g_dir_read_name (left));
  g_assert_cmpint (system (command), ==, 0);
  g_clear_object (&f->backend);
  g_free (f->id);
  g_free (f->state);
  g_free (f->dir);
}

char *
sandbox_start (ZuSandboxBackend *backend, const char *id, const char *script, int out,
               GError **error)
{
  const char *const argv[] = { "sh", "-c", script, NULL };
  g_autoptr (ZuProcessSpec) process = zu_process_spec_new (argv);

  return zu_sandbox_backend_spawn (backend, id, process, -1, out, -1, NULL, error);
}

char *
sandbox_read_all (int fd)
{
  GString *text = g_string_new (NULL);
  char buffer[65536];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
  close (fd);
  return g_string_free (text, FALSE);
}

static gpointer
read_thread (gpointer fd)
{
  return sandbox_read_all (GPOINTER_TO_INT (fd));
}

Ran
sandbox_run (ZuSandboxBackend *backend, const char *id, const char *script, gint64 timeout_ms)
{
  const char *const argv[] = { "sh", "-c", script, NULL };
  g_autoptr (ZuProcessSpec) process =
      g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "timeout-ms", timeout_ms, "grace-ms",
                    (gint64) 100, NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *process_id = NULL;
  GThread *reader;
  Ran ran = { 0 };
  int out[2], err[2];

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (err, O_CLOEXEC), ==, 0);
  process_id = zu_sandbox_backend_spawn (backend, id, process, -1, out[1], err[1], NULL, &error);
  g_assert_no_error (error);
  close (out[1]);
  close (err[1]);
  reader = g_thread_new ("err", read_thread, GINT_TO_POINTER (err[0]));
  ran.out = sandbox_read_all (out[0]);
  ran.err = g_thread_join (reader);
  ran.exit = zu_sandbox_backend_wait (backend, id, process_id, NULL, &error);
  g_assert_no_error (error);
  return ran;
}

void
ran_clear (Ran *self)
{
  g_free (self->out);
  g_free (self->err);
  g_clear_object (&self->exit);
}

gboolean
sandbox_gone_within (const char *path, guint ms)
{
  for (; ms; ms--)
    {
      if (access (path, F_OK) != 0)
        return TRUE;
      g_usleep (1000);
    }
  return FALSE;
}
