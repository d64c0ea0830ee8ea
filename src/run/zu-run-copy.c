/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one step moves at most; a terminal or socket, whose write may block, is given less. */
#define SPLICE_SIZE ((gsize) 1 << 20)
#define CHUNK_SIZE  ((gsize) 1 << 16)
#define SMALL_CHUNK ((gsize) 1 << 12)

struct _ZuRunCopy
{
  GMainContext *context;
  GSource *source;
  int from;
  int to;
  int *pipe_fd; /* which of the two is ours to close */
  char *chunk;  /* where the descriptors cannot be spliced */
  gsize size;
  gsize at;
  gsize length;
  guint64 bytes;
  gboolean is_output;
  gboolean is_draining;
  gboolean is_done;
  gboolean is_cut;
  int error_number;
};

static void step (ZuRunCopy *self);

static void
clear_source (ZuRunCopy *self)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
}

/* Closing our end is what the other side sees: end of input, or a broken pipe. */
static void
finish (ZuRunCopy *self)
{
  clear_source (self);
  if (*self->pipe_fd >= 0)
    g_close (*self->pipe_fd, NULL);
  *self->pipe_fd = -1;
  self->is_done = TRUE;
}

static void
fail (ZuRunCopy *self, int error_number)
{
  self->is_cut = self->is_output;
  self->error_number = error_number;
  finish (self);
}

static gboolean
on_ready (int fd, GIOCondition condition, gpointer user_data)
{
  step (user_data);
  return G_SOURCE_CONTINUE;
}

/* Asks to be called when FD is ready; a step replaces what the one before it asked for. */
static void
watch (ZuRunCopy *self, int fd, GIOCondition condition)
{
  clear_source (self);
  self->source = g_unix_fd_source_new (fd, condition | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_ready), self, NULL);
  g_source_attach (self->source, self->context);
}

static gssize
splice_some (ZuRunCopy *self)
{
  return splice (self->from, NULL, self->to, NULL, SPLICE_SIZE, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
}

/* Negative with errno, 0 at the end of input, else how many bytes went out. */
static gssize
copy_some (ZuRunCopy *self)
{
  gssize n;

  if (self->at == self->length)
    {
      n = read (self->from, self->chunk, self->size);
      if (n <= 0)
        return n;
      self->at = 0;
      self->length = n;
    }

  n = write (self->to, self->chunk + self->at, self->length - self->at);
  if (n > 0)
    self->at += n;
  return n;
}

static void
make_chunk (ZuRunCopy *self)
{
  struct stat to;
  gboolean may_block =
      fstat (self->to, &to) == 0 && (S_ISCHR (to.st_mode) || S_ISSOCK (to.st_mode));

  self->size = may_block ? SMALL_CHUNK : CHUNK_SIZE;
  self->chunk = g_malloc (self->size);
}

static gssize
move_some (ZuRunCopy *self)
{
  gssize n;

  if (self->chunk != NULL)
    return copy_some (self);

  n = splice_some (self);
  if (n >= 0 || errno != EINVAL)
    return n;

  make_chunk (self);
  return copy_some (self);
}

/* Moves once where both ends are ready, else waits for the one that is not. */
static void
step (ZuRunCopy *self)
{
  struct pollfd ends[] = { { self->from, POLLIN, 0 }, { self->to, POLLOUT, 0 } };
  gboolean has_rest = self->at < self->length;
  gssize n;

  if (poll (ends, 2, 0) < 0)
    return;
  if (ends[0].revents == 0 && !has_rest)
    {
      if (self->is_draining)
        finish (self);
      else
        watch (self, self->from, G_IO_IN);
      return;
    }
  if (ends[1].revents == 0)
    {
      watch (self, self->to, G_IO_OUT);
      return;
    }

  n = move_some (self);
  if (n > 0)
    self->bytes += n;
  else if (n == 0)
    finish (self);
  else if (errno != EAGAIN && errno != EINTR)
    fail (self, errno);
}

static ZuRunCopy *
new_copy (int from, int to, gboolean is_output, GMainContext *context)
{
  ZuRunCopy *self = g_new0 (ZuRunCopy, 1);

  self->context = g_main_context_ref (context);
  self->from = from;
  self->to = to;
  self->is_output = is_output;
  self->pipe_fd = is_output ? &self->from : &self->to;
  g_unix_set_fd_nonblocking (*self->pipe_fd, TRUE, NULL);
  watch (self, from, G_IO_IN);
  return self;
}

/* What the caller gives the sandbox to read. PIPE_FD is closed at the end of FROM. */
ZuRunCopy *
zu_run_copy_new_input (int from, int pipe_fd, GMainContext *context)
{
  return new_copy (from, pipe_fd, FALSE, context);
}

/* What the sandbox writes. PIPE_FD is closed at its end, or when TO takes no more. */
ZuRunCopy *
zu_run_copy_new_output (int pipe_fd, int to, GMainContext *context)
{
  return new_copy (pipe_fd, to, TRUE, context);
}

void
zu_run_copy_free (ZuRunCopy *self)
{
  finish (self);
  g_main_context_unref (self->context);
  g_free (self->chunk);
  g_free (self);
}

/* Nobody writes any more: what is in the pipe is the rest, even where some process leaked an end.
 */
void
zu_run_copy_drain (ZuRunCopy *self)
{
  if (self->is_done)
    return;

  self->is_draining = TRUE;
  watch (self, self->to, G_IO_OUT);
}

/* Gives up; what was not delivered is cut. */
void
zu_run_copy_stop (ZuRunCopy *self)
{
  struct pollfd end = { self->from, POLLIN, 0 };

  if (self->is_done)
    return;

  self->is_cut = self->is_output
                 && (self->at < self->length || (poll (&end, 1, 0) > 0 && (end.revents & POLLIN)));
  finish (self);
}

gboolean
zu_run_copy_is_done (ZuRunCopy *self)
{
  return self->is_done;
}

/* Whether output was lost because the caller's descriptor did not take it. */
gboolean
zu_run_copy_is_cut (ZuRunCopy *self)
{
  return self->is_cut;
}

/* Why the copy ended before its input did, or 0. */
int
zu_run_copy_get_errno (ZuRunCopy *self)
{
  return self->error_number;
}

guint64
zu_run_copy_get_bytes (ZuRunCopy *self)
{
  return self->bytes;
}
