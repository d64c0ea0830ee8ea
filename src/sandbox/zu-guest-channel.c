/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest-channel.h"
#include "zu-socket.h"
#include <signal.h>

/* Answers are small; whatever a guest sends beyond that is no answer. */
#define MAX_ANSWER 256

typedef enum
{
  STARTING,
  RUNNING,
  ENDED,
  FAILED
} State;

/* An exec; or a listener that was asked for, which has ended once it is there. */
typedef struct
{
  State state;
  gboolean abandoned; /* nobody will ask any more */
  gboolean is_listener;
  int listener;
  struct zu_wire_started started;
  struct zu_wire_exited exited;
  struct zu_wire_listening listening;
} Exec;

/* The host's end of one channel to a guest. No GObject: every module that links this library has
 * its own copy, and a type can be registered once.
 *
 * Any number of threads may call at once. There is no thread that reads: of those that wait, one
 * reads for all. Once a guest has broken the protocol or has gone, every call fails. */
struct _ZuGuestChannel
{
  int fd;
  GMutex lock;
  GCond changed;
  gboolean reading;
  GError *closed;
  GHashTable *execs; /* id to Exec */
  guint32 last_id;
};

static void
channel_clear (gpointer data)
{
  ZuGuestChannel *self = data;

  zu_clear_fd (&self->fd);
  g_clear_error (&self->closed);
  g_hash_table_unref (self->execs);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
}

ZuGuestChannel *
zu_guest_channel_ref (ZuGuestChannel *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
zu_guest_channel_unref (ZuGuestChannel *self)
{
  g_atomic_rc_box_release_full (self, channel_clear);
}

/* With the lock held, as everything up to the public calls. */
static void
set_closed (ZuGuestChannel *self, GError *error)
{
  if (self->closed)
    g_error_free (error);
  else
    self->closed = error;
  g_cond_broadcast (&self->changed);
}

static gboolean
fail_closed (ZuGuestChannel *self, GError **error)
{
  g_propagate_error (error, g_error_copy (self->closed));
  return FALSE;
}

static void
exec_clear (gpointer data)
{
  zu_clear_fd (&((Exec *) data)->listener);
}

static void
exec_unref (gpointer exec)
{
  g_atomic_rc_box_release_full (exec, exec_clear);
}

static gboolean
on_started (Exec *exec, const ZuGuestMessage *message)
{
  if (exec->is_listener || exec->state != STARTING)
    return FALSE;
  exec->started = message->started;
  exec->state = message->started.error ? FAILED : RUNNING;
  return TRUE;
}

/* A tool that kills its supervisor in its first moment has started all the same. */
static gboolean
on_exited (Exec *exec, const ZuGuestMessage *message)
{
  gboolean lost = (message->exited.flags & ZU_WIRE_EXITED_LOST) != 0;

  if (exec->is_listener)
    return FALSE;
  if (exec->state != RUNNING && !(exec->state == STARTING && lost))
    return FALSE;
  exec->state = ENDED;
  exec->exited = message->exited;
  return TRUE;
}

/* Takes the socket, which was not looked at yet. */
static gboolean
on_listening (Exec *exec, const ZuGuestMessage *message, int *with)
{
  if (!exec->is_listener || exec->state != STARTING)
    return FALSE;
  exec->listening = message->listening;
  exec->listener = zu_steal_fd (with);
  exec->state = ENDED;
  return TRUE;
}

/* A supervisor that is killed just after it has told the end of its exec is spoken for once more.
 */
static gboolean
is_late_word (ZuGuestChannel *self, const ZuGuestMessage *message)
{
  return message->header.type == ZU_WIRE_EXITED && message->exited.flags & ZU_WIRE_EXITED_LOST
         && message->header.id <= self->last_id;
}

/* Whether the message answers something that was asked. */
static gboolean
dispatch (ZuGuestChannel *self, const ZuGuestMessage *message, int *with)
{
  guint32 id = message->header.id;
  Exec *exec = g_hash_table_lookup (self->execs, GUINT_TO_POINTER (id));
  gboolean good = FALSE;

  if (message->header.type == ZU_WIRE_LISTENING)
    good = exec && (*with >= 0) == (message->listening.error == 0)
           && on_listening (exec, message, with);
  else if (*with >= 0)
    return FALSE;
  else if ((!exec || exec->state >= ENDED) && is_late_word (self, message))
    return TRUE;
  else if (exec && message->header.type == ZU_WIRE_STARTED)
    good = on_started (exec, message);
  else if (exec && message->header.type == ZU_WIRE_EXITED)
    good = on_exited (exec, message);
  if (good && exec->abandoned && exec->state >= ENDED)
    g_hash_table_remove (self->execs, GUINT_TO_POINTER (id));
  return good;
}

/* Whatever comes along is looked at or closed by the caller. */
static gboolean
receive (int fd, ZuGuestMessage *message, int *with, GCancellable *cancellable, GError **error)
{
  guint8 data[MAX_ANSWER];
  guint n_fds;
  gssize size = zu_socket_receive (fd, data, sizeof data, with, 1, &n_fds, cancellable, error);

  if (size > 0)
    return zu_guest_decode (data, (gsize) size, message, error);
  if (size == 0)
    g_set_error_literal (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_ENDED, "the sandbox has ended");
  return FALSE;
}

/* Reads one message for everybody. The lock is let go while there is none. */
static void
lead (ZuGuestChannel *self, GCancellable *cancellable)
{
  g_autoptr (GError) error = NULL;
  ZU_AUTO_FD int with = -1;
  ZuGuestMessage message;
  gboolean got;

  self->reading = TRUE;
  g_mutex_unlock (&self->lock);
  got = receive (self->fd, &message, &with, cancellable, &error);
  g_mutex_lock (&self->lock);
  self->reading = FALSE;
  if (got && !dispatch (self, &message, &with))
    g_set_error (&error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL,
                 "guest spoke of exec %u, which nobody asked for", message.header.id);
  if (error && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    set_closed (self, g_steal_pointer (&error));
  g_cond_broadcast (&self->changed);
}

static void
on_cancelled (GCancellable *cancellable, ZuGuestChannel *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Until @exec is past @state. The lock is not held by the caller, and is held on return. */
static gboolean
await_past (ZuGuestChannel *self, Exec *exec, State state, GCancellable *cancellable,
            GError **error)
{
  gulong handler = 0;
  gboolean done;

  if (cancellable)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self, NULL);
  g_mutex_lock (&self->lock);
  while (exec->state <= state && !self->closed && !g_cancellable_is_cancelled (cancellable))
    {
      if (self->reading)
        g_cond_wait (&self->changed, &self->lock);
      else
        lead (self, cancellable);
    }
  done = exec->state > state;
  g_mutex_unlock (&self->lock);
  if (handler)
    g_cancellable_disconnect (cancellable, handler);
  g_mutex_lock (&self->lock);
  if (!done && !g_cancellable_set_error_if_cancelled (cancellable, error))
    fail_closed (self, error);
  return done;
}

/**
 * zu_guest_channel_new: (skip)
 * @fd: (transfer full): a connected SOCK_SEQPACKET socket
 *
 * Returns: (transfer full): the host's end
 */
ZuGuestChannel *
zu_guest_channel_new (int fd)
{
  ZuGuestChannel *self = g_atomic_rc_box_new0 (ZuGuestChannel);

  self->fd = fd;
  self->execs = g_hash_table_new_full (NULL, NULL, NULL, exec_unref);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  return self;
}

/* The first words on a sandbox's first channel; before any other call. */
gboolean
zu_guest_channel_receive_hello (ZuGuestChannel *self, struct zu_wire_hello *hello,
                                GCancellable *cancellable, GError **error)
{
  ZU_AUTO_FD int with = -1;
  ZuGuestMessage message;

  if (!receive (self->fd, &message, &with, cancellable, error))
    return FALSE;
  *hello = message.hello;
  if (with < 0 && message.header.type == ZU_WIRE_HELLO && hello->version == ZU_WIRE_VERSION)
    return TRUE;
  g_set_error_literal (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL,
                       "guest does not speak this version of the protocol");
  return FALSE;
}

gboolean
zu_guest_channel_go (ZuGuestChannel *self, GBytes *go, GCancellable *cancellable, GError **error)
{
  return zu_socket_send (self->fd, g_bytes_get_data (go, NULL), g_bytes_get_size (go), NULL, 0,
                         cancellable, error);
}

static gboolean
send_exec (ZuGuestChannel *self, guint32 id, const ZuGuestExec *exec, GCancellable *cancellable,
           GError **error)
{
  ZU_AUTO_FD int block = -1;
  g_autoptr (GBytes) request = zu_guest_encode_exec (id, exec, &block, error);
  int fds[ZU_WIRE_MAX_FDS];
  guint n_fds = 0;

  if (!request)
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (exec->stdio[i] >= 0)
      fds[n_fds++] = exec->stdio[i];
  if (block >= 0)
    fds[n_fds++] = block;
  return zu_socket_send (self->fd, g_bytes_get_data (request, NULL), g_bytes_get_size (request),
                         fds, n_fds, cancellable, error);
}

static Exec *
add_exec (ZuGuestChannel *self, guint32 *id, GError **error)
{
  Exec *exec = NULL;

  g_mutex_lock (&self->lock);
  if (self->closed)
    fail_closed (self, error);
  else
    {
      *id = ++self->last_id;
      exec = g_atomic_rc_box_new0 (Exec);
      exec->listener = -1;
      g_hash_table_insert (self->execs, GUINT_TO_POINTER (*id), g_atomic_rc_box_acquire (exec));
    }
  g_mutex_unlock (&self->lock);
  return exec;
}

/* Nobody will hear how it ends, so it is not left to go on either. */
static void
abandon (ZuGuestChannel *self, guint32 id, Exec *exec)
{
  g_autoptr (GBytes) kill_it = zu_guest_encode_kill (id, SIGKILL);

  exec->abandoned = TRUE;
  zu_socket_send (self->fd, g_bytes_get_data (kill_it, NULL), g_bytes_get_size (kill_it), NULL, 0,
                  NULL, NULL);
}

/**
 * zu_guest_channel_exec: (skip)
 * @self: a channel
 * @exec: what to run; its descriptors stay the caller's
 * @cancellable: (nullable): kills what may have started
 * @error: where the guest's refusal goes, in ZU_GUEST_ERROR
 *
 * Starts a process and waits until it runs.
 *
 * Returns: what names it in wait and kill, or 0
 */
guint32
zu_guest_channel_exec (ZuGuestChannel *self, const ZuGuestExec *exec, GCancellable *cancellable,
                       GError **error)
{
  guint32 id = 0;
  Exec *entry = add_exec (self, &id, error);
  gboolean sent, answered = FALSE;

  if (!entry)
    return 0;
  sent = send_exec (self, id, exec, cancellable, error);
  if (sent)
    answered = await_past (self, entry, STARTING, cancellable, error);
  else
    g_mutex_lock (&self->lock);
  if (sent && !answered)
    abandon (self, id, entry);
  if (answered && entry->state == FAILED)
    zu_guest_set_started_error (&entry->started, exec->argv[0], error);
  answered = answered && entry->state != FAILED;
  if (!answered && !entry->abandoned)
    g_hash_table_remove (self->execs, GUINT_TO_POINTER (id));
  g_mutex_unlock (&self->lock);
  exec_unref (entry);
  return answered ? id : 0;
}

static Exec *
ref_exec (ZuGuestChannel *self, guint32 id, GError **error)
{
  Exec *exec;

  g_mutex_lock (&self->lock);
  exec = g_hash_table_lookup (self->execs, GUINT_TO_POINTER (id));
  if (exec)
    g_atomic_rc_box_acquire (exec);
  g_mutex_unlock (&self->lock);
  if (!exec)
    g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_UNKNOWN, "there is no process %u here", id);
  return exec;
}

/**
 * zu_guest_channel_wait: (skip)
 * @self: a channel
 * @id: a process of this channel
 * @exited: (out): how it ended
 * @cancellable: (nullable): ends the waiting, not the process
 * @error: where an error goes
 *
 * Waits until a process has ended. Its end is told once.
 *
 * Returns: whether it has ended
 */
gboolean
zu_guest_channel_wait (ZuGuestChannel *self, guint32 id, struct zu_wire_exited *exited,
                       GCancellable *cancellable, GError **error)
{
  Exec *exec = ref_exec (self, id, error);
  gboolean done;

  if (!exec)
    return FALSE;
  done = await_past (self, exec, RUNNING, cancellable, error);
  if (done)
    {
      *exited = exec->exited;
      g_hash_table_remove (self->execs, GUINT_TO_POINTER (id));
    }
  g_mutex_unlock (&self->lock);
  exec_unref (exec);
  return done;
}

/* Sends a signal, 1 to 64, to a process's whole tree; one that has ended is no error. */
gboolean
zu_guest_channel_kill (ZuGuestChannel *self, guint32 id, int signal, GError **error)
{
  g_autoptr (GBytes) request = zu_guest_encode_kill (id, signal);

  return zu_socket_send (self->fd, g_bytes_get_data (request, NULL), g_bytes_get_size (request),
                         NULL, 0, NULL, error);
}

/* Tells a process how large its terminal is; one that has ended is no error. */
gboolean
zu_guest_channel_resize (ZuGuestChannel *self, guint32 id, guint rows, guint columns,
                         GError **error)
{
  g_autoptr (GBytes) request = zu_guest_encode_resize (id, rows, columns);

  return zu_socket_send (self->fd, g_bytes_get_data (request, NULL), g_bytes_get_size (request),
                         NULL, 0, NULL, error);
}

static gboolean
take_listener (Exec *entry, guint port, int *listener, GError **error)
{
  if (entry->listening.error)
    g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_START, "cannot listen on port %u: %s", port,
                 g_strerror ((int) entry->listening.error));
  else if (!zu_socket_is_loopback_listener (entry->listener, entry->listening.port)
           || (port && entry->listening.port != port))
    g_set_error_literal (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL,
                         "guest passed out something else than the listening socket it was asked "
                         "for");
  else
    *listener = zu_steal_fd (&entry->listener);
  return *listener >= 0;
}

/**
 * zu_guest_channel_listen: (skip)
 * @self: a channel
 * @port: the port, or 0 for any
 * @cancellable: (nullable): ends the waiting
 * @error: where the guest's refusal goes, in ZU_GUEST_ERROR
 *
 * Asks for a TCP socket that listens on 127.0.0.1 of the sandbox's own network namespace. It was
 * looked at: it is one, and nothing else.
 *
 * Returns: the socket, the caller's to close, or -1
 */
int
zu_guest_channel_listen (ZuGuestChannel *self, guint port, GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (GBytes) request = NULL;
  guint32 id = 0;
  Exec *entry = add_exec (self, &id, error);
  gboolean sent, answered = FALSE;
  int listener = -1;

  if (!entry)
    return -1;
  entry->is_listener = TRUE;
  request = zu_guest_encode_listen (id, port);
  sent = zu_socket_send (self->fd, g_bytes_get_data (request, NULL), g_bytes_get_size (request),
                         NULL, 0, cancellable, error);
  if (sent)
    answered = await_past (self, entry, STARTING, cancellable, error);
  else
    g_mutex_lock (&self->lock);
  if (answered)
    take_listener (entry, port, &listener, error);
  if (sent && !answered)
    entry->abandoned = TRUE;
  else
    g_hash_table_remove (self->execs, GUINT_TO_POINTER (id));
  g_mutex_unlock (&self->lock);
  exec_unref (entry);
  return listener;
}

gboolean
zu_guest_channel_is_closed (ZuGuestChannel *self)
{
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed != NULL;
  g_mutex_unlock (&self->lock);
  return closed;
}
