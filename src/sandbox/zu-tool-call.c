/* SPDX-License-Identifier: Apache-2.0 */

/* A tool call: the program gets its arguments as one JSON line, what it prints is the observation.
 * Whatever it prints is kept up to a bound and never more. */

#include "zu-observe.h"
#include "zu-render.h"
#include "zu-sandboxes.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_STDERR (16 * 1024)
#define MAX_OUTPUT (G_GINT64_CONSTANT (256) << 20)
#define GRACE_MS   2000
#define CHUNK      (64 * 1024)

typedef struct
{
  int in;
  int out;
  int err;
  const char *input;
  gsize input_left;
  GString *output;
  gsize max_output;
  GString *complaint;
  gboolean truncated;
} Streams;

static void
streams_clear (Streams *self)
{
  zu_clear_fd (&self->in);
  zu_clear_fd (&self->out);
  zu_clear_fd (&self->err);
  if (self->output)
    g_string_free (self->output, TRUE);
  if (self->complaint)
    g_string_free (self->complaint, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Streams, streams_clear)

static void
feed (Streams *self)
{
  gssize n = zu_write_quietly (self->in, self->input, MIN (self->input_left, CHUNK));

  if (n > 0)
    {
      self->input += n;
      self->input_left -= (gsize) n;
    }
  /* A tool that does not read its arguments is no failure. */
  if (self->input_left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    zu_clear_fd (&self->in);
}

/* The rest is read and thrown away, so the tool is not held up by us. */
static void
drain (int *fd, GString *into, gsize max, gboolean *truncated)
{
  char buffer[CHUNK];
  gssize n = read (*fd, buffer, sizeof buffer);
  gsize room = max - into->len;

  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    zu_clear_fd (fd);
  if (n <= 0)
    return;
  g_string_append_len (into, buffer, (gssize) MIN ((gsize) n, room));
  if ((gsize) n > room && truncated)
    *truncated = TRUE;
}

static gboolean
pump (Streams *self, GCancellable *cancellable, GError **error)
{
  while (self->out >= 0 || self->err >= 0)
    {
      GPollFD fds[4] = {
        { self->in, G_IO_OUT, 0 },
        { self->out, G_IO_IN, 0 },
        { self->err, G_IO_IN, 0 },
        { -1, G_IO_IN, 0 },
      };
      gboolean watched = cancellable && g_cancellable_make_pollfd (cancellable, &fds[3]);

      g_poll (fds, 4, -1);
      if (watched)
        g_cancellable_release_fd (cancellable);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (fds[0].revents)
        feed (self);
      if (fds[1].revents)
        drain (&self->out, self->output, self->max_output, &self->truncated);
      if (fds[2].revents)
        drain (&self->err, self->complaint, MAX_STDERR, NULL);
    }
  return TRUE;
}

/* The near ends do not block; the far ends, which the tool gets, do. */
static gboolean
make_pipes (Streams *self, int far[3], GError **error)
{
  int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
  gboolean good =
      pipe2 (in, O_CLOEXEC) == 0 && pipe2 (out, O_CLOEXEC) == 0 && pipe2 (err, O_CLOEXEC) == 0;

  self->in = in[1];
  self->out = out[0];
  self->err = err[0];
  far[0] = in[0];
  far[1] = out[1];
  far[2] = err[1];
  if (good && fcntl (self->in, F_SETFL, O_NONBLOCK) == 0
      && fcntl (self->out, F_SETFL, O_NONBLOCK) == 0 && fcntl (self->err, F_SETFL, O_NONBLOCK) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot make a pipe: %s",
               g_strerror (errno));
  return FALSE;
}

static char *
dup_input (ZuToolCall *call)
{
  gboolean by_line = zu_tool_call_get_contract (call) == ZU_TOOL_CONTRACT_LINE;
  ZuJson *args = by_line ? zu_tool_call_get_args (call) : NULL;
  g_autofree char *text = args ? zu_json_to_string (args) : NULL;

  return text ? g_strconcat (text, "\n", NULL) : NULL;
}

static ZuObservation *
run (ZuSandboxes *self, const char *id, const char *process_id, ZuToolCall *call, Streams *streams,
     GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuExitStatus) exit = NULL;

  if (pump (streams, cancellable, error))
    exit = zu_sandboxes_wait (self, id, process_id, cancellable, error);
  if (exit)
    {
      const ZuToolEnd end = { exit, streams->output, streams->complaint, streams->truncated };

      return zu_observe (call, &end);
    }
  /* Nobody waits for it any more; its end is still collected, by whoever waits for another. */
  zu_sandboxes_kill (self, id, process_id, SIGKILL, NULL, NULL);
  return NULL;
}

static ZuProcessSpec *
new_process (ZuToolCall *call, GError **error)
{
  g_auto (GStrv) argv = zu_tool_call_dup_argv (call, error);

  return argv ? g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "timeout-ms",
                              zu_tool_call_get_timeout_ms (call), "grace-ms", (gint64) GRACE_MS,
                              NULL)
              : NULL;
}

/**
 * zu_sandboxes_call_tool: (skip)
 * @self: a set
 * @id: a sandbox
 * @call: what to run
 * @cancellable: (nullable): kills the tool
 * @error: in the port's domain; that the tool failed is no error but an observation
 *
 * Returns: (transfer full): what the call brought back
 */
ZuObservation *
zu_sandboxes_call_tool (ZuSandboxes *self, const char *id, ZuToolCall *call,
                        GCancellable *cancellable, GError **error)
{
  g_autofree char *input = dup_input (call), *process_id = NULL;
  g_auto (Streams) streams = {
    .in = -1,
    .out = -1,
    .err = -1,
    .input = input,
    .input_left = input ? strlen (input) : 0,
    .output = g_string_new (NULL),
    .max_output = (gsize) CLAMP (zu_tool_call_get_max_output (call), 0, MAX_OUTPUT),
    .complaint = g_string_new (NULL),
  };
  g_autoptr (ZuProcessSpec) process = new_process (call, error);
  GError *failure = NULL;
  ZuObservation *observation;
  int far[3] = { -1, -1, -1 };

  if (!process)
    return NULL;
  if (make_pipes (&streams, far, error))
    process_id = zu_sandboxes_spawn (self, id, process, far, cancellable, &failure);
  zu_close_fds (far, 3);
  observation = failure ? zu_observe_failure (failure) : NULL;
  if (observation)
    g_error_free (failure);
  else if (failure)
    g_propagate_error (error, failure);
  if (!process_id)
    return observation;
  if (!input)
    zu_clear_fd (&streams.in);
  return run (self, id, process_id, call, &streams, cancellable, error);
}
