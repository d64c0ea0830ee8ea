/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-keeper-link.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Room for the words of a program that could not set a sandbox up. */
#define MAX_ANSWER 4096

/* Undoing a sandbox takes a moment; writing its closing event another. */
#define END_TIMEOUT_MS 3000

/* A connection to the keeper of one sandbox. One call at a time; a mutex sees to it. */
struct _ZuKeeperLink
{
  GMutex lock;
  int fd;
  int keeper;     /* the keeper itself, where it is this process' child; else -1 */
  guint32 reason; /* of its end, once it was told */
};

static void
link_clear (gpointer data)
{
  ZuKeeperLink *self = data;
  siginfo_t info;

  zu_clear_fd (&self->fd);
  if (self->keeper >= 0)
    waitid (P_PIDFD, (id_t) self->keeper, &info, WEXITED | WNOHANG);
  zu_clear_fd (&self->keeper);
  g_mutex_clear (&self->lock);
}

ZuKeeperLink *
zu_keeper_link_ref (ZuKeeperLink *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
zu_keeper_link_unref (ZuKeeperLink *self)
{
  g_atomic_rc_box_release_full (self, link_clear);
}

static ZuKeeperLink *
link_new (void)
{
  ZuKeeperLink *self = g_atomic_rc_box_new0 (ZuKeeperLink);

  self->fd = self->keeper = -1;
  g_mutex_init (&self->lock);
  return self;
}

/* One of the programs that come with this library: where it is installed, or, for a build tree, in
 * the folders of $ZU_LIBEXEC_PATH. */
char *
zu_keeper_find_program (const char *name, GError **error)
{
  const char *path = g_getenv ("ZU_LIBEXEC_PATH");
  g_auto (GStrv) folders = g_strsplit (path ? path : ZU_LIBEXEC_DIR, ":", -1);

  for (guint i = 0; folders[i]; i++)
    {
      g_autofree char *file = g_build_filename (folders[i], name, NULL);

      if (g_path_is_absolute (file) && access (file, X_OK) == 0)
        return g_steal_pointer (&file);
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "program %s is not in %s", name,
               path ? path : ZU_LIBEXEC_DIR);
  return NULL;
}

static guint
count_strings (const char *const *strings)
{
  return strings ? g_strv_length ((GStrv) strings) : 0;
}

static GBytes *
encode_launch (const ZuKeeperLaunch *launch, GError **error)
{
  guint8 *data = g_malloc (ZU_KEEPER_MAX);
  guint flags = (launch->owner_fd >= 0 ? ZU_KEEPER_LAUNCH_OWNER : 0)
                | (launch->drops ? ZU_KEEPER_LAUNCH_DROP : 0)
                | (launch->by_engine ? ZU_KEEPER_LAUNCH_ENGINE : 0);
  struct zu_wire_writer w = zu_wire_begin (data, ZU_KEEPER_MAX, ZU_KEEPER_LAUNCH, flags, 0);
  gsize go_size, size;
  const void *go = g_bytes_get_data (launch->go, &go_size);

  zu_keeper_put_launch (&w, &(struct zu_keeper_launch){
                                launch->uid, launch->gid, launch->lifetime_ms, launch->idle_ms,
                                count_strings (launch->cgroup_paths), launch->n_mounts,
                                launch->n_inherit, count_strings (launch->argv) });
  zu_wire_put_string (&w, launch->state->path);
  zu_wire_put_string (&w, launch->epilogue ? launch->epilogue : "");
  for (guint i = 0; launch->cgroup_paths && launch->cgroup_paths[i]; i++)
    zu_wire_put_string (&w, launch->cgroup_paths[i]);
  for (guint i = 0; launch->argv[i]; i++)
    zu_wire_put_string (&w, launch->argv[i]);
  if (!w.full && w.capacity - w.size >= go_size)
    {
      memcpy (w.data + w.size, go, go_size);
      w.size += go_size;
    }
  else
    w.full = 1;
  size = zu_wire_end (&w);
  if (size)
    return g_bytes_new_take (data, size);
  g_free (data);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
               "environment and mounts of a sandbox take more than %u bytes", ZU_KEEPER_MAX);
  return NULL;
}

static gboolean
send_launch (int fd, const ZuKeeperLaunch *launch, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) message = encode_launch (launch, error);
  int fds[ZU_SOCKET_MAX_FDS];
  guint n = 0;

  if (!message)
    return FALSE;
  fds[n++] = launch->state->fd;
  fds[n++] = launch->state->label;
  if (launch->owner_fd >= 0)
    fds[n++] = launch->owner_fd;
  for (guint i = 0; i < count_strings (launch->cgroup_paths); i++)
    fds[n++] = launch->cgroup_fds[i];
  for (guint i = 0; i < launch->n_mounts; i++)
    fds[n++] = launch->mount_fds[i];
  for (guint i = 0; i < launch->n_inherit; i++)
    fds[n++] = launch->inherit_fds[i];
  return zu_socket_send (fd, g_bytes_get_data (message, NULL), g_bytes_get_size (message), fds, n,
                         cancellable, error);
}

static int
spawn_with_actions (const char *program, int fd, gboolean with_environment, pid_t *pid)
{
  char *const argv[] = { (char *) "zu-keeper", NULL };
  char *const nothing[] = { NULL };
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none;
  int failed;

  sigemptyset (&none);
  posix_spawn_file_actions_init (&actions);
  posix_spawnattr_init (&attributes);
  posix_spawnattr_setsigmask (&attributes, &none);
  posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  posix_spawn_file_actions_adddup2 (&actions, fd, 3);
  for (int i = 0; i < 3; i++)
    posix_spawn_file_actions_addopen (&actions, i, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addclosefrom_np (&actions, 4);
  failed =
      posix_spawn (pid, program, &actions, &attributes, argv, with_environment ? environ : nothing);
  posix_spawn_file_actions_destroy (&actions);
  posix_spawnattr_destroy (&attributes);
  return failed;
}

/* Only a keeper that may have to open a sink needs what the sink needs: modules' folders, keys. */
static gboolean
spawn_keeper (ZuKeeperLink *self, int fd, gboolean with_environment, GError **error)
{
  g_autofree char *program = zu_keeper_find_program ("zu-keeper", error);
  int failed;
  pid_t pid;

  if (!program)
    return FALSE;
  failed = spawn_with_actions (program, fd, with_environment, &pid);
  if (failed)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (failed), "cannot start %s: %s",
                   program, g_strerror (failed));
      return FALSE;
    }
  self->keeper = (int) syscall (SYS_pidfd_open, pid, 0);
  return TRUE;
}

/* By descriptor: a harness that waits for every child of its own may have been here first. */
static void
reap (ZuKeeperLink *self)
{
  siginfo_t info = { 0 };

  if (self->keeper < 0)
    return;
  while (waitid (P_PIDFD, (id_t) self->keeper, &info, WEXITED) != 0 && errno == EINTR)
    ;
  zu_clear_fd (&self->keeper);
}

static gboolean
set_protocol_error (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                       "the sandbox's keeper answered what was not asked");
  return FALSE;
}

/* Receives one message of the keeper's; G_IO_ERROR_CLOSED where it is gone. */
static gboolean
receive (int from, guint8 *data, gsize capacity, struct zu_wire_header *header,
         struct zu_wire_reader *r, int *with, GCancellable *cancellable, GError **error)
{
  guint n_fds = 0;
  gssize size = zu_socket_receive (from, data, capacity, with, 1, &n_fds, cancellable, error);

  if (size < 0)
    return FALSE;
  if (size == 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the sandbox's keeper is gone");
      return FALSE;
    }
  *r = zu_wire_reader (data, (gsize) size);
  return zu_wire_get_header (r, header) || set_protocol_error (error);
}

/* What the program said on its stderr is from the world outside our code: made printable. */
static gboolean
set_failed (struct zu_wire_reader *r, GError **error)
{
  g_autofree char *text = g_utf8_make_valid (zu_wire_get_string (r), -1);

  if (!zu_wire_reader_done (r))
    return set_protocol_error (error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s", text);
  return FALSE;
}

static gboolean
receive_ready (int fd, struct zu_wire_hello *hello, ZuGuestChannel **channel,
               GCancellable *cancellable, GError **error)
{
  guint8 data[MAX_ANSWER];
  struct zu_wire_header header;
  struct zu_wire_reader r;
  ZuGuestMessage message;
  ZU_AUTO_FD int with = -1;

  if (!receive (fd, data, sizeof data, &header, &r, &with, cancellable, error))
    return FALSE;
  if (header.type == ZU_KEEPER_FAILED)
    return set_failed (&r, error);
  if (header.type != ZU_KEEPER_READY || with < 0)
    return set_protocol_error (error);
  if (!zu_guest_decode (r.at, (gsize) (r.end - r.at), &message, error))
    return FALSE;
  *hello = message.hello;
  *channel = zu_guest_channel_new (zu_steal_fd (&with));
  return TRUE;
}

/**
 * zu_keeper_link_start: (skip)
 * @launch: what to make
 * @cancellable: (nullable): undoes what was begun
 * @error: why there is no keeper
 *
 * Starts a keeper, which from now on undoes what there is of the sandbox, should the launcher die.
 *
 * Returns: (transfer full): the launcher's connection to the keeper
 */
ZuKeeperLink *
zu_keeper_link_start (const ZuKeeperLaunch *launch, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuKeeperLink) self = link_new ();
  gboolean spawned;
  int pair[2];

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot make a socket: %s",
                   g_strerror (errno));
      return NULL;
    }
  self->fd = pair[0];
  spawned = spawn_keeper (self, pair[1], launch->epilogue != NULL, error);
  close (pair[1]);
  if (spawned && send_launch (self->fd, launch, cancellable, error))
    return g_steal_pointer (&self);
  zu_keeper_link_abandon (self);
  return NULL;
}

/* The keeper sees that nobody is there any more, and undoes what was begun; waits until it has. */
void
zu_keeper_link_abandon (ZuKeeperLink *self)
{
  zu_clear_fd (&self->fd);
  reap (self);
}

/* Whether there is something to read, within that time. */
gboolean
zu_keeper_link_has_spoken (ZuKeeperLink *self, guint timeout_ms)
{
  GPollFD poll = { self->fd, G_IO_IN, 0 };

  return g_poll (&poll, 1, (int) timeout_ms) > 0;
}

/* Waits until the sandbox's guest has spoken; where it has not, nothing of the sandbox is left. */
gboolean
zu_keeper_link_await_ready (ZuKeeperLink *self, struct zu_wire_hello *hello,
                            ZuGuestChannel **channel, GCancellable *cancellable, GError **error)
{
  if (receive_ready (self->fd, hello, channel, cancellable, error))
    return TRUE;
  zu_keeper_link_abandon (self);
  return FALSE;
}

/**
 * zu_keeper_link_launch: (skip)
 * @launch: what to make
 * @hello: (out): what the guest says of itself
 * @channel: (out): the launcher's channel to the guest
 * @cancellable: (nullable): undoes what was begun
 * @error: why there is no sandbox; nothing of it is left, its state folder included
 *
 * Starts a keeper, which starts the sandbox, and waits until its guest has spoken.
 *
 * Returns: (transfer full): the launcher's connection to the keeper
 */
ZuKeeperLink *
zu_keeper_link_launch (const ZuKeeperLaunch *launch, struct zu_wire_hello *hello,
                       ZuGuestChannel **channel, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuKeeperLink) self = zu_keeper_link_start (launch, cancellable, error);

  if (self && zu_keeper_link_await_ready (self, hello, channel, cancellable, error))
    return g_steal_pointer (&self);
  return NULL;
}

/**
 * zu_keeper_link_connect: (skip)
 * @state: a sandbox's state folder
 * @error: G_IO_ERROR_CLOSED where its keeper is gone
 *
 * Returns: (transfer full): a connection to its keeper
 */
ZuKeeperLink *
zu_keeper_link_connect (ZuState *state, GError **error)
{
  g_autoptr (ZuKeeperLink) self = link_new ();
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control", state->fd);
  self->fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (self->fd >= 0 && connect (self->fd, (struct sockaddr *) &address, sizeof address) == 0)
    return g_steal_pointer (&self);
  if (errno == ENOENT || errno == ECONNREFUSED)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the keeper of sandbox '%s' is gone",
                 state->id);
  else
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                 "cannot reach the keeper of sandbox '%s': %s", state->id, g_strerror (errno));
  return NULL;
}

static gboolean
ask_with (ZuKeeperLink *self, guint type, guint64 argument, gsize argument_size,
          struct zu_wire_header *header, guint32 *value, int *with, GCancellable *cancellable,
          GError **error)
{
  guint8 request[ZU_WIRE_HEADER_SIZE + 8], answer[ZU_WIRE_HEADER_SIZE + 4];
  struct zu_wire_writer w = zu_wire_begin (request, sizeof request, type, 0, 0);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  struct zu_wire_reader r;

  if (argument_size)
    zu_wire_put (&w, argument, argument_size);
  if (!zu_socket_send (self->fd, request, zu_wire_end (&w), NULL, 0, cancellable, error)
      || !receive (self->fd, answer, sizeof answer, header, &r, with, cancellable, error))
    return FALSE;
  *value = zu_wire_get_u32 (&r);
  return zu_wire_reader_done (&r) || set_protocol_error (error);
}

static gboolean
ask (ZuKeeperLink *self, guint type, struct zu_wire_header *header, guint32 *value, int *with,
     GCancellable *cancellable, GError **error)
{
  return ask_with (self, type, 0, 0, header, value, with, cancellable, error);
}

static void
set_ended (guint32 reason, GError **error)
{
  g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_ENDED, "the sandbox has ended: %s",
               zu_keeper_reason_name (reason));
}

/**
 * zu_keeper_link_open_channel: (skip)
 * @self: a connection
 * @cancellable: (nullable): a cancellable
 * @error: where an error goes
 *
 * Returns: (transfer full): a channel of the caller's own to the guest
 */
ZuGuestChannel *
zu_keeper_link_open_channel (ZuKeeperLink *self, GCancellable *cancellable, GError **error)
{
  struct zu_wire_header header;
  ZU_AUTO_FD int with = -1;
  guint32 value;

  if (!ask (self, ZU_KEEPER_CHANNEL, &header, &value, &with, cancellable, error))
    return NULL;
  if (header.type == ZU_KEEPER_CHANNEL && with >= 0)
    return zu_guest_channel_new (zu_steal_fd (&with));
  if (header.type == ZU_KEEPER_ENDED)
    set_ended (value, error);
  else
    set_protocol_error (error);
  return NULL;
}

/* The sandbox lives @lifetime_ms from now on, whatever was said before. */
gboolean
zu_keeper_link_extend (ZuKeeperLink *self, guint64 lifetime_ms, GCancellable *cancellable,
                       GError **error)
{
  struct zu_wire_header header;
  ZU_AUTO_FD int with = -1;
  guint32 value;

  if (!ask_with (self, ZU_KEEPER_EXTEND, lifetime_ms, 8, &header, &value, &with, cancellable,
                 error))
    return FALSE;
  if (header.type == ZU_KEEPER_EXTEND)
    return TRUE;
  if (header.type == ZU_KEEPER_ENDED)
    set_ended (value, error);
  else
    set_protocol_error (error);
  return FALSE;
}

/**
 * zu_keeper_link_destroy: (skip)
 * @self: a connection
 * @cancellable: (nullable): ends the waiting, not the end
 * @error: where an error goes
 *
 * Ends the sandbox and waits until nothing of it is left. One that has ended already is no error.
 *
 * Returns: whether it is gone
 */
gboolean
zu_keeper_link_destroy (ZuKeeperLink *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) failure = NULL;
  struct zu_wire_header header;
  ZU_AUTO_FD int with = -1;
  guint32 value;

  if (ask (self, ZU_KEEPER_DESTROY, &header, &value, &with, cancellable, &failure)
      && header.type != ZU_KEEPER_ENDED)
    return set_protocol_error (error);
  if (!failure || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CLOSED)
      || g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE))
    {
      g_mutex_lock (&self->lock);
      reap (self);
      g_mutex_unlock (&self->lock);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

/* Why the sandbox has ended, from a keeper that is about to say so; NULL where it says nothing. */
const char *
zu_keeper_link_await_end (ZuKeeperLink *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPollFD poll = { self->fd, G_IO_IN, 0 };
  guint8 data[ZU_WIRE_HEADER_SIZE + 4];
  struct zu_wire_header header;
  struct zu_wire_reader r;
  ZU_AUTO_FD int with = -1;

  if (self->reason == ZU_KEEPER_REASON_NONE && g_poll (&poll, 1, END_TIMEOUT_MS) == 1
      && receive (self->fd, data, sizeof data, &header, &r, &with, NULL, NULL)
      && header.type == ZU_KEEPER_ENDED)
    self->reason = zu_wire_get_u32 (&r);
  return self->reason ? zu_keeper_reason_name (self->reason) : NULL;
}
