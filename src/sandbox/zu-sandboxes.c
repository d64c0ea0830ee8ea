/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-sandboxes-private.h"
#include "zu-launch-plan.h"
#include "zu-remains.h"
#include <string.h>

#define NOT_FOUND ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND

typedef struct
{
  ZuKeeperLink *link;
  ZuGuestChannel *channel;
} Entry;

static void
entry_free (Entry *entry)
{
  g_clear_pointer (&entry->channel, zu_guest_channel_unref);
  g_clear_pointer (&entry->link, zu_keeper_link_unref);
  g_free (entry);
}

static void
sandboxes_clear (gpointer data)
{
  ZuSandboxes *self = data;

  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->sandboxes);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->sharing);
  g_free (self->root);
}

ZuSandboxes *
zu_sandboxes_ref (ZuSandboxes *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
zu_sandboxes_unref (ZuSandboxes *self)
{
  g_atomic_rc_box_release_full (self, sandboxes_clear);
}

/**
 * zu_sandboxes_new: (skip)
 * @root: the folder that this user's sandboxes are found in
 *
 * What every backend with a keeper and a guest does alike: all verbs but launch. Sandboxes that
 * other processes have launched are found by their state folder. Its calls may come from any number
 * of threads.
 *
 * Returns: (transfer full): an empty set
 */
ZuSandboxes *
zu_sandboxes_new (const char *root)
{
  ZuSandboxes *self = g_atomic_rc_box_new0 (ZuSandboxes);

  self->root = g_strdup (root);
  g_mutex_init (&self->lock);
  g_mutex_init (&self->sharing);
  self->sandboxes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) entry_free);
  self->sessions =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) zu_session_unref);
  return self;
}

const char *
zu_sandboxes_get_root (ZuSandboxes *self)
{
  return self->root;
}

/* A sandbox that this object has launched. */
void
zu_sandboxes_add (ZuSandboxes *self, const char *id, ZuKeeperLink *link, ZuGuestChannel *channel)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->link = zu_keeper_link_ref (link);
  entry->channel = zu_guest_channel_ref (channel);
  g_mutex_lock (&self->lock);
  g_hash_table_replace (self->sandboxes, g_strdup (id), entry);
  g_mutex_unlock (&self->lock);
}

static ZuKeeperLink *
connect_to (ZuSandboxes *self, const char *id, GError **error)
{
  g_autoptr (ZuState) state = zu_state_open (self->root, id, error);

  return state ? zu_keeper_link_connect (state, error) : NULL;
}

ZuKeeperLink *
zu_sandboxes_ref_link (ZuSandboxes *self, const char *id, GError **error)
{
  ZuKeeperLink *link = NULL;
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->sandboxes, id);
  if (entry)
    link = zu_keeper_link_ref (entry->link);
  g_mutex_unlock (&self->lock);
  return link ? link : connect_to (self, id, error);
}

/* In the port's words. */
static void
map_error (GError *error, const char *id)
{
  static const struct
  {
    ZuGuestError from;
    ZuSandboxBackendError to;
  } codes[] = {
    { ZU_GUEST_ERROR_ENDED, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND },
    { ZU_GUEST_ERROR_PROTOCOL, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND },
    { ZU_GUEST_ERROR_UNKNOWN, ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND },
    { ZU_GUEST_ERROR_NOT_FOUND, ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_FOUND },
    { ZU_GUEST_ERROR_NOT_EXECUTABLE, ZU_SANDBOX_BACKEND_ERROR_COMMAND_NOT_EXECUTABLE },
    { ZU_GUEST_ERROR_REQUEST, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC },
    { ZU_GUEST_ERROR_START, ZU_SANDBOX_BACKEND_ERROR_START_FAILED },
  };

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED)
      || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    {
      error->domain = ZU_SANDBOX_BACKEND_ERROR;
      error->code = ZU_SANDBOX_BACKEND_ERROR_NOT_FOUND;
    }
  for (guint i = 0; error->domain == ZU_GUEST_ERROR && i < G_N_ELEMENTS (codes); i++)
    if (error->code == (int) codes[i].from)
      {
        error->domain = ZU_SANDBOX_BACKEND_ERROR;
        error->code = codes[i].to;
      }
  g_prefix_error (&error, "sandbox %s: ", id);
}

/* Takes @failure, and says it in the port's words. */
void
zu_sandboxes_propagate (GError **error, GError *failure, const char *id)
{
  map_error (failure, id);
  g_propagate_error (error, failure);
}

/* A channel only knows that it has ended; the keeper knows why. */
static void
propagate_end (ZuSandboxes *self, GError **error, GError *failure, const char *id)
{
  gboolean ended = g_error_matches (failure, ZU_GUEST_ERROR, ZU_GUEST_ERROR_ENDED);
  g_autoptr (ZuKeeperLink) link = ended ? zu_sandboxes_ref_link (self, id, NULL) : NULL;
  const char *reason = link ? zu_keeper_link_await_end (link) : NULL;

  map_error (failure, id);
  if (reason)
    g_propagate_error (error, g_error_new (failure->domain, failure->code, "%s: %s",
                                           failure->message, reason));
  else
    g_propagate_error (error, g_error_copy (failure));
  g_error_free (failure);
}

/* A sandbox of somebody else's launching is joined on the first use. */
static ZuGuestChannel *
join (ZuSandboxes *self, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuKeeperLink) link = connect_to (self, id, error);
  g_autoptr (ZuGuestChannel) channel =
      link ? zu_keeper_link_open_channel (link, cancellable, error) : NULL;

  if (channel)
    zu_sandboxes_add (self, id, link, channel);
  return g_steal_pointer (&channel);
}

ZuGuestChannel *
zu_sandboxes_ref_channel (ZuSandboxes *self, const char *id, GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (GError) failure = NULL;
  ZuGuestChannel *channel = NULL;
  Entry *entry;

  g_mutex_lock (&self->lock);
  entry = g_hash_table_lookup (self->sandboxes, id);
  if (entry)
    channel = zu_guest_channel_ref (entry->channel);
  g_mutex_unlock (&self->lock);
  if (!channel && !(channel = join (self, id, cancellable, &failure)))
    zu_sandboxes_propagate (error, g_steal_pointer (&failure), id);
  return channel;
}

static void
forget (ZuSandboxes *self, const char *id)
{
  GHashTableIter iter;
  gpointer session;

  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->sandboxes, id);
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    if (strcmp (zu_session_get_sandbox (session), id) == 0)
      g_hash_table_iter_remove (&iter);
  g_mutex_unlock (&self->lock);
}

/* Where the keeper is gone the sandbox is too. */
static void
remove_remains (ZuSandboxes *self, const char *id)
{
  g_autoptr (ZuState) state = zu_state_open (self->root, id, NULL);

  if (state)
    zu_remains_remove (state, ZU_REMAINS_LEAVE);
}

/**
 * zu_sandboxes_destroy: (skip)
 * @self: a set
 * @id: a sandbox
 * @cancellable: (nullable): ends the waiting
 * @error: where an error goes
 *
 * Ends a sandbox and waits until nothing of it is left; one that is gone already is no error.
 *
 * Returns: whether it is gone
 */
gboolean
zu_sandboxes_destroy (ZuSandboxes *self, const char *id, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  g_autoptr (ZuKeeperLink) link = zu_sandboxes_ref_link (self, id, &failure);

  if ((link && zu_keeper_link_destroy (link, cancellable, &failure))
      || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
      || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CLOSED))
    {
      remove_remains (self, id);
      forget (self, id);
      return TRUE;
    }
  zu_sandboxes_propagate (error, g_steal_pointer (&failure), id);
  return FALSE;
}

static gboolean
check_process (ZuProcessSpec *process, GError **error)
{
  const char *const *variable = zu_process_spec_get_environment (process);
  const char *workdir = zu_process_spec_get_workdir (process);

  if (zu_process_spec_get_timeout_ms (process) < 0 || zu_process_spec_get_grace_ms (process) < 0)
    {
      g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                           "timeout_ms and grace_ms are not negative");
      return FALSE;
    }
  for (; variable && *variable; variable++)
    if (!strchr (*variable, '=') || **variable == '=')
      {
        g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                             "environment is not NAME=VALUE throughout");
        return FALSE;
      }
  return !workdir || zu_mount_check_workdir (workdir, error);
}

/* The guest refuses whoever is not its own user. */
static gboolean
read_user (ZuProcessSpec *process, ZuGuestExec *exec, GError **error)
{
  const char *user = zu_process_spec_get_user (process);
  gint64 uid, gid;

  if (!user)
    return TRUE;
  if (!zu_user_parse (user, &uid, &gid, error))
    return FALSE;
  exec->as_user = TRUE;
  exec->uid = (guint32) uid;
  exec->gid = strchr (user, ':') ? (guint32) gid : ZU_WIRE_ANYBODY;
  return TRUE;
}

/**
 * zu_sandboxes_spawn: (skip)
 * @self: a set
 * @id: a sandbox
 * @process: what to start
 * @stdio: stdin, stdout and stderr, which stay the caller's; -1 is /dev/null
 * @cancellable: (nullable): kills what may have started
 * @error: in the port's domain
 *
 * Returns: (transfer full): the process's name in this set
 */
char *
zu_sandboxes_spawn (ZuSandboxes *self, const char *id, ZuProcessSpec *process, const int stdio[3],
                    GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuGuestChannel) channel = NULL;
  GError *failure = NULL;
  guint32 number;
  ZuGuestExec exec = {
    .argv = zu_process_spec_get_argv (process),
    .environment = zu_process_spec_get_environment (process),
    .workdir = zu_process_spec_get_workdir (process),
    .deadline_ms = (guint64) zu_process_spec_get_timeout_ms (process),
    .grace_ms = (guint32) MIN (zu_process_spec_get_grace_ms (process), G_MAXUINT32),
    .tty = zu_process_spec_get_tty (process),
    .stdio = { stdio[0], stdio[1], stdio[2] },
  };

  if (!check_process (process, error) || !read_user (process, &exec, error)
      || !(channel = zu_sandboxes_ref_channel (self, id, cancellable, error)))
    return NULL;
  number = zu_guest_channel_exec (channel, &exec, cancellable, &failure);
  if (number)
    return g_strdup_printf ("p%u", number);
  propagate_end (self, error, failure, id);
  return NULL;
}

static guint32
parse_process (const char *process_id, GError **error)
{
  guint64 number;

  if (*process_id == 'p'
      && g_ascii_string_to_unsigned (process_id + 1, 10, 1, G_MAXUINT32, &number, NULL))
    return (guint32) number;
  g_set_error (error, NOT_FOUND, "there is no process '%s'", process_id);
  return 0;
}

/* Waits for a process and gives how it ended; once. */
ZuExitStatus *
zu_sandboxes_wait (ZuSandboxes *self, const char *id, const char *process_id,
                   GCancellable *cancellable, GError **error)
{
  guint32 number = parse_process (process_id, error);
  g_autoptr (ZuGuestChannel) channel =
      number ? zu_sandboxes_ref_channel (self, id, cancellable, error) : NULL;
  struct zu_wire_exited exited;
  GError *failure = NULL;

  if (!channel)
    return NULL;
  if (zu_guest_channel_wait (channel, number, &exited, cancellable, &failure))
    return g_object_new (ZU_TYPE_EXIT_STATUS, "exit-status", exited.exit_status, "signal",
                         (int) exited.signal, "timed-out",
                         (exited.flags & ZU_WIRE_EXITED_TIMED_OUT) != 0, "duration-ms",
                         (gint64) (exited.duration_us / 1000), "cpu-ms",
                         (gint64) (exited.cpu_us / 1000), "peak-memory",
                         (gint64) exited.peak_memory, NULL);
  propagate_end (self, error, failure, id);
  return NULL;
}

/* A signal for a process's whole tree; one that has ended is no error. */
gboolean
zu_sandboxes_kill (ZuSandboxes *self, const char *id, const char *process_id, int number,
                   GCancellable *cancellable, GError **error)
{
  guint32 process = parse_process (process_id, error);
  g_autoptr (ZuGuestChannel) channel = NULL;
  GError *failure = NULL;

  if (!process)
    return FALSE;
  if (number < 1 || number > 64)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                   "signal %d is not 1 to 64", number);
      return FALSE;
    }
  channel = zu_sandboxes_ref_channel (self, id, cancellable, error);
  if (!channel)
    return FALSE;
  if (zu_guest_channel_kill (channel, process, number, &failure))
    return TRUE;
  zu_sandboxes_propagate (error, failure, id);
  return FALSE;
}

/* Tells a process with a terminal how large that is; one that has ended is no error. */
gboolean
zu_sandboxes_resize (ZuSandboxes *self, const char *id, const char *process_id, guint rows,
                     guint columns, GCancellable *cancellable, GError **error)
{
  guint32 process = parse_process (process_id, error);
  g_autoptr (ZuGuestChannel) channel = NULL;
  GError *failure = NULL;

  if (!process)
    return FALSE;
  if (rows > G_MAXUINT16 || columns > G_MAXUINT16)
    {
      g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                   "a terminal has at most %d rows and columns", G_MAXUINT16);
      return FALSE;
    }
  channel = zu_sandboxes_ref_channel (self, id, cancellable, error);
  if (!channel)
    return FALSE;
  if (zu_guest_channel_resize (channel, process, rows, columns, &failure))
    return TRUE;
  zu_sandboxes_propagate (error, failure, id);
  return FALSE;
}
