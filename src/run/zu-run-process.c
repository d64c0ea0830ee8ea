/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-process.h"

#include "zu-run-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

/* How much a pipe holds, where the kernel lets us; it halves the wake-ups of a fast writer. */
#define PIPE_SIZE (1 << 20)
/* How long KILL may take, and how long a run that was cancelled may go on delivering output. */
#define KILL_MS  5000
#define DRAIN_MS 1000

/* Outlives the process record where the backend never answers. */
typedef struct
{
  ZuExitStatus *status;
  GError *error;
  gboolean is_done;
} Answer;

struct _ZuRunProcess
{
  ZuSandboxBackend *backend;
  char *sandbox_id;
  char *id;
  gint64 grace_ms;
  gboolean was_cancelled;
  GMainContext *context;
  ZuRunCopy *copies[3];
};

/* The pipes of a process that is being started: our ends and the sandbox's, -1 where there is none.
 */
typedef struct
{
  int ours[3];
  int theirs[3];
} Pipes;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    g_close (*fd, NULL);
  *fd = -1;
}

static void
pipes_clear (Pipes *pipes)
{
  for (int i = 0; i < 3; i++)
    {
      close_fd (&pipes->ours[i]);
      close_fd (&pipes->theirs[i]);
    }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pipes, pipes_clear)

/* The caller's own descriptors never enter the sandbox: /proc/self/fd would open them anew. */
static gboolean
pipes_open (Pipes *pipes, const int fds[3], GError **error)
{
  for (int i = 0; i < 3; i++)
    {
      int ends[2];

      if (fds[i] < 0)
        continue;
      if (!g_unix_open_pipe (ends, FD_CLOEXEC, error))
        return FALSE;
      pipes->ours[i] = ends[i == 0 ? 1 : 0];
      pipes->theirs[i] = ends[i == 0 ? 0 : 1];
      (void) fcntl (ends[0], F_SETPIPE_SZ, PIPE_SIZE);
    }
  return TRUE;
}

static void
start_copies (ZuRunProcess *self, Pipes *pipes, const int fds[3])
{
  for (int i = 0; i < 3; i++)
    {
      int ours = pipes->ours[i];

      if (ours < 0)
        continue;
      pipes->ours[i] = -1;
      self->copies[i] = i == 0 ? zu_run_copy_new_input (fds[i], ours, self->context)
                               : zu_run_copy_new_output (ours, fds[i], self->context);
    }
}

/* FDS stay the caller's; -1 gives the process /dev/null. What moves bytes is attached to CONTEXT.
 */
ZuRunProcess *
zu_run_process_start (ZuSandboxBackend *backend, const char *sandbox_id, ZuProcessSpec *spec,
                      const int fds[3], GMainContext *context, GError **error)
{
  g_autoptr (ZuRunProcess) self = g_new0 (ZuRunProcess, 1);
  g_auto (Pipes) pipes = { { -1, -1, -1 }, { -1, -1, -1 } };

  self->backend = g_object_ref (backend);
  self->sandbox_id = g_strdup (sandbox_id);
  self->grace_ms = zu_process_spec_get_grace_ms (spec);
  self->context = g_main_context_ref (context);
  if (!pipes_open (&pipes, fds, error))
    return NULL;

  self->id = zu_sandbox_backend_spawn (backend, sandbox_id, spec, pipes.theirs[0], pipes.theirs[1],
                                       pipes.theirs[2], NULL, error);
  if (self->id == NULL)
    return NULL;

  start_copies (self, &pipes, fds);
  return g_steal_pointer (&self);
}

void
zu_run_process_free (ZuRunProcess *self)
{
  for (int i = 0; i < 3; i++)
    g_clear_pointer (&self->copies[i], zu_run_copy_free);
  g_object_unref (self->backend);
  g_free (self->sandbox_id);
  g_free (self->id);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
answer_clear (gpointer data)
{
  Answer *answer = data;

  g_clear_object (&answer->status);
  g_clear_error (&answer->error);
}

static void
on_waited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;

  answer->status =
      zu_sandbox_backend_wait_finish (ZU_SANDBOX_BACKEND (source), result, &answer->error);
  answer->is_done = TRUE;
  g_rc_box_release_full (answer, answer_clear);
}

static gboolean
on_flag (gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  return on_flag (user_data);
}

static GSource *
new_cancel_source (GCancellable *cancellable, gboolean *flag)
{
  GSource *source = cancellable != NULL ? g_cancellable_source_new (cancellable) : NULL;

  if (source != NULL)
    g_source_set_callback (source, G_SOURCE_FUNC (on_cancelled), flag, NULL);
  return source;
}

static GSource *
new_time_source (gint64 ms, gboolean *flag)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, on_flag, flag, NULL);
  return source;
}

typedef gboolean (*IsDone) (gpointer data);

/* Lets everything of this run go on until IS_DONE, or until SOURCE has set *FLAG. */
static void
iterate (ZuRunProcess *self, IsDone is_done, gpointer data, GSource *source, const gboolean *flag)
{
  if (source != NULL)
    g_source_attach (source, self->context);
  while (!is_done (data) && !*flag)
    g_main_context_iteration (self->context, TRUE);
  if (source != NULL)
    g_source_destroy (source);
}

static gboolean
is_answered (gpointer data)
{
  return ((Answer *) data)->is_done;
}

static void
end_process (ZuRunProcess *self, Answer *answer, int number, gint64 ms)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSource) source = NULL;
  gboolean is_over = FALSE;

  if (answer->is_done)
    return;
  if (!zu_sandbox_backend_kill (self->backend, self->sandbox_id, self->id, number, NULL, &error))
    g_info ("cannot signal the process: %s", error->message);

  source = new_time_source (ms, &is_over);
  iterate (self, is_answered, answer, source, &is_over);
}

/* Waits for the process's end while bytes move. Where CANCELLABLE is cancelled the process gets
 * TERM, then KILL, and the answer is still how it ended. */
ZuExitStatus *
zu_run_process_wait (ZuRunProcess *self, GCancellable *cancellable, GError **error)
{
  Answer *answer = g_rc_box_new0 (Answer);
  g_autoptr (GSource) source = new_cancel_source (cancellable, &self->was_cancelled);
  ZuExitStatus *status = NULL;

  zu_sandbox_backend_wait_async (self->backend, self->sandbox_id, self->id, NULL, on_waited,
                                 g_rc_box_acquire (answer));
  iterate (self, is_answered, answer, source, &self->was_cancelled);
  end_process (self, answer, SIGTERM, self->grace_ms);
  end_process (self, answer, SIGKILL, KILL_MS);

  if (!answer->is_done)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "the process does not end");
  else if (answer->error != NULL)
    g_propagate_error (error, g_steal_pointer (&answer->error));
  else
    status = g_steal_pointer (&answer->status);
  g_rc_box_release_full (answer, answer_clear);
  return status;
}

/* Whether the process was made to end, before it did so by itself. */
gboolean
zu_run_process_was_cancelled (ZuRunProcess *self)
{
  return self->was_cancelled;
}

static gboolean
is_drained (gpointer data)
{
  ZuRunProcess *self = data;

  for (int i = 1; i < 3; i++)
    if (self->copies[i] != NULL && !zu_run_copy_is_done (self->copies[i]))
      return FALSE;
  return TRUE;
}

/* To be called once nothing in the sandbox lives: delivers what is left in the pipes. A reader that
 * takes nothing holds us until CANCELLABLE is cancelled, and a while where it is already. */
void
zu_run_process_drain (ZuRunProcess *self, GCancellable *cancellable)
{
  g_autoptr (GSource) source = NULL;
  gboolean is_over = FALSE;

  g_clear_pointer (&self->copies[0], zu_run_copy_free);
  for (int i = 1; i < 3; i++)
    if (self->copies[i] != NULL)
      zu_run_copy_drain (self->copies[i]);

  source = g_cancellable_is_cancelled (cancellable) ? new_time_source (DRAIN_MS, &is_over)
                                                    : new_cancel_source (cancellable, &is_over);
  iterate (self, is_drained, self, source, &is_over);

  for (int i = 1; i < 3; i++)
    if (self->copies[i] != NULL)
      zu_run_copy_stop (self->copies[i]);
}

guint64
zu_run_process_get_stdout_bytes (ZuRunProcess *self)
{
  return self->copies[1] != NULL ? zu_run_copy_get_bytes (self->copies[1]) : 0;
}

guint64
zu_run_process_get_stderr_bytes (ZuRunProcess *self)
{
  return self->copies[2] != NULL ? zu_run_copy_get_bytes (self->copies[2]) : 0;
}

gboolean
zu_run_process_is_truncated (ZuRunProcess *self)
{
  return (self->copies[1] != NULL && zu_run_copy_is_cut (self->copies[1]))
         || (self->copies[2] != NULL && zu_run_copy_is_cut (self->copies[2]));
}

/* Why output could not be delivered; 0 where all was, or where its reader went away by choice. */
int
zu_run_process_get_output_errno (ZuRunProcess *self)
{
  for (int i = 1; i < 3; i++)
    {
      int number = self->copies[i] != NULL ? zu_run_copy_get_errno (self->copies[i]) : 0;

      if (number != 0 && number != EPIPE)
        return number;
    }
  return 0;
}
