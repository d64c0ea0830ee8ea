/* SPDX-License-Identifier: Apache-2.0 */

/* The guest's own programs, run as execs: what goes in and comes out goes through pipes of ours, so
 * no descriptor of the caller's is ever open inside. */

#include "zu-sandboxes-private.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_COMPLAINT 4096
#define CHUNK         (256 * 1024)

typedef struct
{
  ZuOwnTool *tool;
  int in; /* our ends */
  int out;
  int err;
  guint8 *buffer;
  gsize pending; /* in the buffer, for the tool */
  gsize sent;
  GString *complaint;
} Pump;

static void
pump_clear (Pump *self)
{
  zu_clear_fd (&self->in);
  zu_clear_fd (&self->out);
  zu_clear_fd (&self->err);
  g_free (self->buffer);
  g_string_free (self->complaint, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pump, pump_clear)

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE, "%s: %s", what,
               g_strerror (errno));
  return FALSE;
}

/* From the caller's descriptor into the tool's stdin; both ends of the way may be slow. */
static gboolean
feed (Pump *self, GError **error)
{
  gssize n;

  if (self->pending == self->sent)
    {
      n = read (self->tool->source, self->buffer, CHUNK);
      if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return TRUE;
      if (n < 0)
        return fail (error, "cannot read what is to be written");
      self->pending = (gsize) n;
      self->sent = 0;
      if (n == 0)
        zu_clear_fd (&self->in);
    }
  if (self->in < 0)
    return TRUE;
  n = zu_write_quietly (self->in, self->buffer + self->sent, self->pending - self->sent);
  if (n > 0)
    self->sent += (gsize) n;
  else if (n < 0 && errno != EAGAIN && errno != EINTR)
    zu_clear_fd (&self->in); /* the tool says why */
  return TRUE;
}

static gboolean
write_all (int fd, const guint8 *data, gsize size)
{
  while (size)
    {
      gssize n = zu_write_quietly (fd, data, size);
      GPollFD poll = { fd, G_IO_OUT, 0 };

      if (n < 0 && errno == EAGAIN)
        g_poll (&poll, 1, -1);
      else if (n < 0 && errno != EINTR)
        return FALSE;
      data += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
  return TRUE;
}

static gboolean
deliver (Pump *self, gsize size, GError **error)
{
  if (self->tool->target >= 0)
    return write_all (self->tool->target, self->buffer, size)
           || fail (error, "cannot write what was read");
  if (self->tool->output->len + size > ZU_OWN_TOOL_MAX_OUTPUT)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE,
                   "the answer has more than %d bytes", ZU_OWN_TOOL_MAX_OUTPUT);
      return FALSE;
    }
  g_byte_array_append (self->tool->output, self->buffer, (guint) size);
  return TRUE;
}

static gboolean
drain (Pump *self, GError **error)
{
  gssize n = read (self->out, self->buffer, CHUNK);

  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    zu_clear_fd (&self->out);
  return n <= 0 || deliver (self, (gsize) n, error);
}

static void
drain_complaint (Pump *self)
{
  char text[1024];
  gssize n = read (self->err, text, sizeof text);

  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    zu_clear_fd (&self->err);
  if (n > 0 && self->complaint->len + (gsize) n <= MAX_COMPLAINT)
    g_string_append_len (self->complaint, text, n);
}

/* The tool's stdin is fed where both it and the caller's descriptor are ready. */
static gboolean
pump (Pump *self, GCancellable *cancellable, GError **error)
{
  while (self->in >= 0 || self->out >= 0 || self->err >= 0)
    {
      gboolean reads = self->in >= 0 && self->pending == self->sent;
      GPollFD fds[5] = {
        { reads ? self->tool->source : self->in, reads ? G_IO_IN : G_IO_OUT, 0 },
        { self->out, G_IO_IN, 0 },
        { self->err, G_IO_IN, 0 },
        { reads ? self->in : -1, 0, 0 },
        { -1, G_IO_IN, 0 },
      };
      gboolean watched = cancellable && g_cancellable_make_pollfd (cancellable, &fds[4]);

      if (self->in < 0)
        fds[0].fd = -1;
      g_poll (fds, G_N_ELEMENTS (fds), -1);
      if (watched)
        g_cancellable_release_fd (cancellable);
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (fds[3].revents)
        zu_clear_fd (&self->in);
      if ((fds[0].revents && self->in >= 0 && !feed (self, error))
          || (fds[1].revents && !drain (self, error)))
        return FALSE;
      if (fds[2].revents)
        drain_complaint (self);
    }
  return TRUE;
}

static gboolean
make_pipe (int *near, int *far, gboolean far_reads, GError **error)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) != 0)
    return fail (error, "cannot make a pipe");
  *near = ends[far_reads ? 1 : 0];
  *far = ends[far_reads ? 0 : 1];
  return fcntl (*near, F_SETFL, O_NONBLOCK) == 0 || fail (error, "cannot set up a pipe");
}

static gboolean
make_pipes (Pump *self, int far[3], GError **error)
{
  return (self->tool->source < 0 || make_pipe (&self->in, &far[0], TRUE, error))
         && make_pipe (&self->out, &far[1], FALSE, error)
         && make_pipe (&self->err, &far[2], FALSE, error);
}

/* What the tool said, made printable; it is from inside. */
static gboolean
judge (Pump *self, const struct zu_wire_exited *exited, GError **error)
{
  g_autofree char *text = NULL;

  if (exited->exit_status == 0)
    return TRUE;
  text = g_utf8_make_valid (self->complaint->str, (gssize) self->complaint->len);
  g_strstrip (text);
  for (char *at = text; *at; at++)
    if (g_ascii_iscntrl (*at))
      *at = ' ';
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE, "%s",
               *text ? text : "the guest's own program was ended");
  return FALSE;
}

static gboolean
run (Pump *self, ZuGuestChannel *channel, GCancellable *cancellable, GError **error)
{
  int far[3] = { -1, -1, -1 };
  struct zu_wire_exited exited;
  ZuGuestExec exec = { .self = TRUE, .argv = self->tool->argv, .workdir = "/" };
  gboolean good = make_pipes (self, far, error);
  guint32 id;

  memcpy (exec.stdio, far, sizeof far);
  id = good ? zu_guest_channel_exec (channel, &exec, cancellable, error) : 0;
  zu_close_fds (far, 3);
  if (!id)
    return FALSE;
  good = pump (self, cancellable, error);
  if (!good)
    zu_guest_channel_kill (channel, id, SIGKILL, NULL);
  /* Its end is heard in any case, so nothing of it stays behind. */
  return zu_guest_channel_wait (channel, id, &exited, good ? cancellable : NULL,
                                good ? error : NULL)
         && good && judge (self, &exited, error);
}

/**
 * zu_own_tool_run: (skip)
 * @self: what to run; what it prints goes to its target, or into its output
 * @channel: a channel
 * @cancellable: (nullable): kills it
 * @error: ZU_SANDBOX_BACKEND_ERROR_FILE with the program's own words
 *
 * Returns: whether it succeeded
 */
gboolean
zu_own_tool_run (ZuOwnTool *self, ZuGuestChannel *channel, GCancellable *cancellable,
                 GError **error)
{
  g_auto (Pump) pump = { .tool = self,
                         .in = -1,
                         .out = -1,
                         .err = -1,
                         .buffer = g_malloc (CHUNK),
                         .complaint = g_string_new (NULL) };

  return run (&pump, channel, cancellable, error);
}
