/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-scripted-process.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* How often somebody who may be killed looks up, in milliseconds. */
#define TICK 10

struct _ZuScriptedProcess
{
  gatomicrefcount references;
  ZuScriptAnswer *answer;
  char *command;
  int stdio[3];
  gint64 began;
  gint64 timeout_ms; /* 0: none */
  GMutex lock;
  gint64 until; /* when its sandbox ends, in monotonic microseconds */
  GCond changed;
  int killed; /* a signal */
  gboolean timed_out;
  gboolean ended;
  gint64 duration_ms;
};

ZuScriptedProcess *
zu_scripted_process_ref (ZuScriptedProcess *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
zu_scripted_process_unref (ZuScriptedProcess *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  zu_script_answer_free (self->answer);
  g_free (self->command);
  zu_close_fds (self->stdio, 3);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

static gint64
elapsed_ms (ZuScriptedProcess *self)
{
  return (g_get_monotonic_time () - self->began) / 1000;
}

/* Whether it is to go on. */
static gboolean
is_alive (ZuScriptedProcess *self)
{
  gboolean alive;

  g_mutex_lock (&self->lock);
  if (self->timeout_ms && elapsed_ms (self) >= self->timeout_ms && !self->killed)
    {
      self->timed_out = TRUE;
      self->killed = SIGKILL;
    }
  if (g_get_monotonic_time () >= self->until && !self->killed)
    self->killed = SIGKILL;
  alive = !self->killed;
  g_mutex_unlock (&self->lock);
  return alive;
}

static gboolean
is_ready (int fd, short events)
{
  GPollFD poll = { fd, (gushort) events, 0 };

  return g_poll (&poll, 1, TICK) > 0;
}

static void
say (ZuScriptedProcess *self, int fd, const char *text, gsize size)
{
  while (fd >= 0 && size && is_alive (self))
    {
      gssize n = is_ready (fd, G_IO_OUT) ? zu_write_quietly (fd, text, MIN (size, 4096)) : 0;

      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return;
      text += MAX (n, 0);
      size -= (gsize) MAX (n, 0);
    }
}

static void
echo_input (ZuScriptedProcess *self)
{
  char buffer[4096];
  gssize n = 1;

  while (self->stdio[0] >= 0 && n != 0 && is_alive (self))
    {
      if (!is_ready (self->stdio[0], G_IO_IN))
        continue;
      n = read (self->stdio[0], buffer, sizeof buffer);
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return;
      say (self, self->stdio[1], buffer, (gsize) MAX (n, 0));
    }
}

static gpointer
play (gpointer data)
{
  g_autoptr (ZuScriptedProcess) self = data;

  while (is_alive (self) && elapsed_ms (self) < self->answer->delay_ms)
    g_usleep (1000);
  say (self, self->stdio[1], self->answer->out, strlen (self->answer->out));
  say (self, self->stdio[2], self->answer->err, strlen (self->answer->err));
  if (self->answer->echoes_input)
    echo_input (self);
  zu_close_fds (self->stdio, 3);
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  self->duration_ms = elapsed_ms (self);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* Takes the answer; the descriptors stay the caller's. */
ZuScriptedProcess *
zu_scripted_process_start (ZuScriptAnswer *answer, const char *const *argv, const int stdio[3],
                           gint64 timeout_ms, gint64 until)
{
  ZuScriptedProcess *self = g_new0 (ZuScriptedProcess, 1);

  g_atomic_ref_count_init (&self->references);
  self->answer = answer;
  self->began = g_get_monotonic_time ();
  self->command = g_strjoinv (" ", (GStrv) argv);
  self->timeout_ms = timeout_ms;
  self->until = until;
  for (guint i = 0; i < 3; i++)
    self->stdio[i] = stdio[i] < 0 ? -1 : fcntl (stdio[i], F_DUPFD_CLOEXEC, 3);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_thread_unref (g_thread_new ("zu-scripted", play, zu_scripted_process_ref (self)));
  return self;
}

/* Its sandbox lives longer, or less long. */
void
zu_scripted_process_set_until (ZuScriptedProcess *self, gint64 until)
{
  g_mutex_lock (&self->lock);
  self->until = until;
  g_mutex_unlock (&self->lock);
}

/* What it is, for a list of what runs; NULL once it has ended. */
ZuProcessInfo *
zu_scripted_process_describe (ZuScriptedProcess *self, gint64 pid)
{
  g_autofree char *command = g_utf8_make_valid (self->command, -1);
  gboolean ended;

  g_mutex_lock (&self->lock);
  ended = self->ended || self->killed;
  g_mutex_unlock (&self->lock);
  return ended ? NULL
               : g_object_new (ZU_TYPE_PROCESS_INFO, "pid", pid, "parent", (gint64) 1, "state", "S",
                               "command", command, NULL);
}

void
zu_scripted_process_kill (ZuScriptedProcess *self, int number)
{
  g_mutex_lock (&self->lock);
  if (!self->ended && !self->killed)
    self->killed = number;
  g_mutex_unlock (&self->lock);
}

ZuExitStatus *
zu_scripted_process_wait (ZuScriptedProcess *self, GCancellable *cancellable, GError **error)
{
  int number;

  g_mutex_lock (&self->lock);
  while (!self->ended && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait_until (&self->changed, &self->lock,
                       g_get_monotonic_time () + TICK * G_TIME_SPAN_MILLISECOND);
  g_mutex_unlock (&self->lock);
  if (!self->ended && g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  number = self->killed ? self->killed : self->answer->signal;
  return g_object_new (ZU_TYPE_EXIT_STATUS, "exit-status", number ? -1 : self->answer->exit_status,
                       "signal", number, "timed-out", self->timed_out, "duration-ms",
                       self->duration_ms, NULL);
}
