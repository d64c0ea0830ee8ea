/* SPDX-License-Identifier: Apache-2.0 */

/* A session: a program in a sandbox that is spoken to in JSON lines. */

#include "zu-sandboxes-private.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE (16 * 1024 * 1024)
#define CHUNK    (64 * 1024)

struct _ZuSession
{
  gatomicrefcount references;
  char *sandbox;
  char *process_id;
  char *key; /* nullable: what it is shared by */
  GStrv argv;
  guint users; /* under the set's lock */
  GMutex sending;
  GMutex receiving;
  int in;
  int out;
  GString *pending; /* bytes after the last line that was handed out */
};

ZuSession *
zu_session_ref (ZuSession *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
zu_session_unref (ZuSession *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  zu_clear_fd (&self->in);
  zu_clear_fd (&self->out);
  g_string_free (self->pending, TRUE);
  g_mutex_clear (&self->sending);
  g_mutex_clear (&self->receiving);
  g_strfreev (self->argv);
  g_free (self->key);
  g_free (self->process_id);
  g_free (self->sandbox);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSession, zu_session_unref)

const char *
zu_session_get_sandbox (ZuSession *self)
{
  return self->sandbox;
}

static ZuSession *
session_new (const char *sandbox, const char *key, ZuProcessSpec *process)
{
  ZuSession *self = g_new0 (ZuSession, 1);

  g_atomic_ref_count_init (&self->references);
  self->sandbox = g_strdup (sandbox);
  self->key = g_strdup (key);
  self->argv = g_strdupv ((GStrv) zu_process_spec_get_argv (process));
  self->users = 1;
  self->in = self->out = -1;
  self->pending = g_string_new (NULL);
  g_mutex_init (&self->sending);
  g_mutex_init (&self->receiving);
  return self;
}

static gboolean
make_pipes (ZuSession *self, int far[3], GError **error)
{
  int in[2], out[2];

  if (pipe2 (in, O_CLOEXEC) == 0)
    {
      far[0] = in[0];
      self->in = in[1];
      if (pipe2 (out, O_CLOEXEC) == 0)
        {
          far[1] = out[1];
          self->out = out[0];
          fcntl (self->in, F_SETFL, O_NONBLOCK);
          fcntl (self->out, F_SETFL, O_NONBLOCK);
          return TRUE;
        }
    }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot make a pipe: %s",
               g_strerror (errno));
  return FALSE;
}

/* The name of what was started. */
static char *
open_session (ZuSandboxes *self, const char *id, const char *key, ZuProcessSpec *process,
              GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSession) session = session_new (id, key, process);
  int far[3] = { -1, -1, -1 };
  char *name;

  if (make_pipes (session, far, error))
    session->process_id = zu_sandboxes_spawn (self, id, process, far, cancellable, error);
  zu_close_fds (far, 3);
  if (!session->process_id)
    return NULL;
  g_mutex_lock (&self->lock);
  name = g_strdup_printf ("s%u", ++self->last_session);
  g_hash_table_insert (self->sessions, g_strdup (name), g_steal_pointer (&session));
  g_mutex_unlock (&self->lock);
  return name;
}

/**
 * zu_sandboxes_open_session: (skip)
 * @self: a set
 * @id: a sandbox
 * @process: what to start
 * @cancellable: (nullable): kills what may have started
 * @error: in the port's domain
 *
 * Returns: (transfer full): the session's name in this set
 */
char *
zu_sandboxes_open_session (ZuSandboxes *self, const char *id, ZuProcessSpec *process,
                           GCancellable *cancellable, GError **error)
{
  return open_session (self, id, NULL, process, cancellable, error);
}

/* Whether its program still holds its output; what it said before it ended is passed over. */
static gboolean
is_open (ZuSession *self)
{
  GPollFD poll = { self->out, G_IO_IN, 0 };

  return g_poll (&poll, 1, 0) >= 0 && !(poll.revents & G_IO_HUP);
}

/* With the lock held. */
static char *
find_shared (ZuSandboxes *self, const char *id, const char *key, ZuSession **found)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      *found = value;
      if (g_strcmp0 ((*found)->key, key) == 0 && strcmp ((*found)->sandbox, id) == 0
          && is_open (*found))
        return name;
    }
  return NULL;
}

/* TRUE where there is one; without a name and with an error where it is another program. */
static gboolean
join_session (ZuSandboxes *self, const char *id, const char *key, ZuProcessSpec *process,
              char **joined, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuSession *session = NULL;
  const char *name = find_shared (self, id, key, &session);
  const char *const *argv = zu_process_spec_get_argv (process);

  if (!name)
    return FALSE;
  if (argv && g_strv_equal ((const char *const *) session->argv, argv))
    {
      session->users++;
      *joined = g_strdup (name);
      return TRUE;
    }
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
               "the session '%s' that '%s' stands for runs another program: '%s'", name, key,
               session->argv[0]);
  return TRUE;
}

/**
 * zu_sandboxes_share_session: (skip)
 * @self: a set
 * @id: a sandbox
 * @key: what it is shared by
 * @process: what to start where there is none
 * @cancellable: (nullable): kills what may have started
 * @error: in the port's domain
 *
 * Returns: (transfer full): the session's name in this set
 */
char *
zu_sandboxes_share_session (ZuSandboxes *self, const char *id, const char *key,
                            ZuProcessSpec *process, GCancellable *cancellable, GError **error)
{
  /* Whoever comes second waits until the first has started it. */
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->sharing);
  char *name = NULL;

  if (!*key)
    {
      g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                           "a shared session needs a key");
      return NULL;
    }
  if (join_session (self, id, key, process, &name, error))
    return name;
  return open_session (self, id, key, process, cancellable, error);
}

static ZuSession *
find_session (ZuSandboxes *self, const char *name, GError **error)
{
  ZuSession *session;

  g_mutex_lock (&self->lock);
  session = g_hash_table_lookup (self->sessions, name);
  if (session)
    zu_session_ref (session);
  g_mutex_unlock (&self->lock);
  if (!session)
    g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND,
                 "there is no session '%s'", name);
  return session;
}

static gboolean
set_closed (const char *name, GError **error)
{
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_CLOSED,
               "the program of session '%s' has closed its end", name);
  return FALSE;
}

/* FALSE with an error where the caller is gone or the time is over. */
static gboolean
wait_for (int fd, GIOCondition condition, gint64 until, GCancellable *cancellable, GError **error)
{
  GPollFD fds[2] = { { fd, condition, 0 }, { -1, G_IO_IN, 0 } };
  gboolean watched = cancellable && g_cancellable_make_pollfd (cancellable, &fds[1]);
  gint64 left = until < 0 ? -1 : MAX (until - g_get_monotonic_time (), 0) / 1000;
  int got = g_poll (fds, 2, (int) MIN (left, G_MAXINT));

  if (watched)
    g_cancellable_release_fd (cancellable);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (got != 0 || until < 0 || g_get_monotonic_time () < until)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no line came in time");
  return FALSE;
}

/* Sends one JSON value as a line. */
gboolean
zu_sandboxes_send (ZuSandboxes *self, const char *name, ZuJson *message, GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (ZuSession) session = find_session (self, name, error);
  g_autofree char *text = session ? zu_json_to_string (message) : NULL;
  g_autofree char *line = text ? g_strconcat (text, "\n", NULL) : NULL;
  gsize left = line ? strlen (line) : 0;
  g_autoptr (GMutexLocker) locker = session ? g_mutex_locker_new (&session->sending) : NULL;

  if (!session)
    return FALSE;
  for (const char *at = line; left;)
    {
      gssize n = zu_write_quietly (session->in, at, left);

      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return set_closed (name, error);
      if (n < 0 && !wait_for (session->in, G_IO_OUT, -1, cancellable, error))
        return FALSE;
      at += MAX (n, 0);
      left -= (gsize) MAX (n, 0);
    }
  return TRUE;
}

static ZuJson *
take_line (ZuSession *session, gsize length, GError **error)
{
  ZuJson *message = zu_json_parse (session->pending->str, (gssize) length, error);

  g_string_erase (session->pending, 0, (gssize) length + 1);
  return message;
}

/* FALSE with an error at the end of the output, or where a line is beyond all bounds. */
static gboolean
read_more (ZuSession *session, const char *name, gint64 until, GCancellable *cancellable,
           GError **error)
{
  char buffer[CHUNK];
  gssize n = read (session->out, buffer, sizeof buffer);

  if (n > 0)
    g_string_append_len (session->pending, buffer, n);
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    return set_closed (name, error);
  if (session->pending->len > MAX_LINE)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
                   "session '%s' sent a line of more than %d bytes", name, MAX_LINE);
      return FALSE;
    }
  return n > 0 || wait_for (session->out, G_IO_IN, until, cancellable, error);
}

/**
 * zu_sandboxes_receive: (skip)
 * @self: a set
 * @name: a session
 * @timeout_ms: milliseconds to wait
 * @cancellable: (nullable): ends the waiting
 * @error: ZU_SANDBOX_BACKEND_ERROR_CLOSED at the end, G_IO_ERROR_TIMED_OUT past the time
 *
 * Returns: (transfer full): the next line's value
 */
ZuJson *
zu_sandboxes_receive (ZuSandboxes *self, const char *name, gint64 timeout_ms,
                      GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuSession) session = find_session (self, name, error);
  g_autoptr (GMutexLocker) locker = session ? g_mutex_locker_new (&session->receiving) : NULL;
  gint64 until = g_get_monotonic_time () + CLAMP (timeout_ms, 0, G_MAXINT) * 1000;
  gsize looked_at = 0;

  while (session)
    {
      const char *end =
          memchr (session->pending->str + looked_at, '\n', session->pending->len - looked_at);

      if (end)
        return take_line (session, (gsize) (end - session->pending->str), error);
      looked_at = session->pending->len;
      if (!read_more (session, name, until, cancellable, error))
        return NULL;
    }
  return NULL;
}

/* Out of the set once its last user has left; NULL before, or where there is none. */
static ZuSession *
leave_session (ZuSandboxes *self, const char *name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuSession *session = g_hash_table_lookup (self->sessions, name);

  if (!session || --session->users > 0)
    return NULL;
  zu_session_ref (session);
  g_hash_table_remove (self->sessions, name);
  return session;
}

/* Ends a session's program; one that is gone already is no error. */
gboolean
zu_sandboxes_close_session (ZuSandboxes *self, const char *name, GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (ZuSession) session = leave_session (self, name);
  g_autoptr (ZuExitStatus) exit = NULL;

  if (session
      && zu_sandboxes_kill (self, session->sandbox, session->process_id, SIGKILL, cancellable,
                            NULL))
    exit = zu_sandboxes_wait (self, session->sandbox, session->process_id, cancellable, NULL);
  return TRUE;
}
