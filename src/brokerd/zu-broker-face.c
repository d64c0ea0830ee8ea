/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-broker-face.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PLUGIN_KIND "zu.channels"

/* A worker, and the way to it. */
typedef struct
{
  gatomicrefcount ref_count;
  ZuPluginLauncher *launcher;
  char *id;
  ZuRemote *remote;
  int pidfd;
  guint watch;
} Holder;

struct _ZuBrokerFace
{
  GObject parent_instance;

  ZuWorkerSpec *spec;
  guint grace_seconds;
  ZuPluginLauncher *launcher;

  GMutex lock;
  Holder *current;
  Holder *previous; /* NULL once its time is over */
  guint grace_timeout;
};

enum
{
  ENDED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void zu_broker_face_remote_init (ZuRemoteInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuBrokerFace, zu_broker_face, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_REMOTE, zu_broker_face_remote_init))

static Holder *
holder_ref (Holder *self)
{
  if (self != NULL)
    g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/* The worker ends when the last call to it has ended. */
static void
holder_unref (Holder *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_object (&self->remote);
  if (self->id != NULL)
    zu_plugin_launcher_stop (self->launcher, self->id, NULL, NULL);
  if (self->pidfd >= 0)
    close (self->pidfd);
  g_object_unref (self->launcher);
  g_free (self->id);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Holder, holder_unref)

/* A token of the secret before is good until its time is over. */
static gboolean
is_refused_check (const char *method, ZuJson *result)
{
  g_autoptr (ZuJson) valid = NULL;

  if (!g_str_equal (method, "check") || result == NULL)
    return FALSE;
  valid = zu_json_dup_member (result, "valid");
  return valid != NULL && !zu_json_get_boolean (valid);
}

static ZuJson *
zu_broker_face_call (ZuRemote *remote, const char *method, ZuJson *args, GCancellable *cancellable,
                     GError **error)
{
  ZuBrokerFace *self = ZU_BROKER_FACE (remote);
  g_autoptr (Holder) current = NULL;
  g_autoptr (Holder) previous = NULL;
  g_autoptr (ZuJson) result = NULL;

  g_mutex_lock (&self->lock);
  current = holder_ref (self->current);
  previous = holder_ref (self->previous);
  g_mutex_unlock (&self->lock);

  result = zu_remote_call (current->remote, method, args, cancellable, error);
  if (previous == NULL || !is_refused_check (method, result))
    return g_steal_pointer (&result);
  return zu_remote_call (previous->remote, method, args, cancellable, error);
}

static void
zu_broker_face_remote_init (ZuRemoteInterface *iface)
{
  iface->call = zu_broker_face_call;
}

static gboolean
on_worker_ended (int pidfd, GIOCondition condition, gpointer self)
{
  ZuBrokerFace *face = self;

  face->current->watch = 0;
  g_signal_emit (face, signals[ENDED], 0);
  return G_SOURCE_REMOVE;
}

static gboolean
watch_worker (ZuBrokerFace *self, Holder *holder, ZuWorker *worker, GError **error)
{
  /* glibc has a wrapper for it only from 2.36 on. */
  holder->pidfd = (int) syscall (SYS_pidfd_open, (pid_t) zu_worker_get_pid (worker), 0);
  if (holder->pidfd >= 0)
    {
      holder->watch = g_unix_fd_add (holder->pidfd, G_IO_IN, on_worker_ended, self);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot watch the worker: %s",
               g_strerror (errno));
  return FALSE;
}

static Holder *
start_holder (ZuBrokerFace *self, int secret_fd, GError **error)
{
  g_autoptr (Holder) holder = g_new0 (Holder, 1);
  g_autoptr (ZuWorker) worker = NULL;
  g_autoptr (ZuChannel) channel = NULL;

  g_atomic_ref_count_init (&holder->ref_count);
  holder->launcher = g_object_ref (self->launcher);
  holder->pidfd = -1;
  worker = zu_plugin_launcher_launch (self->launcher, self->spec, NULL, secret_fd, NULL, error);
  if (worker == NULL)
    return NULL;
  holder->id = g_strdup (zu_worker_get_id (worker));
  channel = zu_plugin_launcher_connect (self->launcher, holder->id, NULL, error);
  if (channel == NULL || !watch_worker (self, holder, worker, error))
    return NULL;
  holder->remote = zu_channel_remote_new (channel);
  return g_steal_pointer (&holder);
}

static void
drop_previous (ZuBrokerFace *self)
{
  Holder *previous;

  g_mutex_lock (&self->lock);
  previous = g_steal_pointer (&self->previous);
  g_mutex_unlock (&self->lock);
  g_clear_handle_id (&self->grace_timeout, g_source_remove);
  g_clear_pointer (&previous, holder_unref);
}

static gboolean
on_grace_over (gpointer self)
{
  ((ZuBrokerFace *) self)->grace_timeout = 0;
  drop_previous (self);
  return G_SOURCE_REMOVE;
}

/* Has a worker of its own read the secret that is there now. What was minted before is good for the
 * grace, and where this fails the one before goes on serving. */
gboolean
zu_broker_face_load (ZuBrokerFace *self, int secret_fd, GError **error)
{
  Holder *holder = start_holder (self, secret_fd, error);

  if (holder == NULL)
    return FALSE;
  drop_previous (self);
  g_mutex_lock (&self->lock);
  self->previous = self->current;
  self->current = holder;
  g_mutex_unlock (&self->lock);
  if (self->previous == NULL)
    return TRUE;
  g_clear_handle_id (&self->previous->watch, g_source_remove);
  if (self->grace_seconds > 0)
    self->grace_timeout = g_timeout_add_seconds (self->grace_seconds, on_grace_over, self);
  else
    drop_previous (self);
  return TRUE;
}

static void
zu_broker_face_finalize (GObject *object)
{
  ZuBrokerFace *self = ZU_BROKER_FACE (object);

  drop_previous (self);
  if (self->current != NULL && self->current->watch != 0)
    g_source_remove (self->current->watch);
  g_clear_pointer (&self->current, holder_unref);
  g_clear_object (&self->launcher);
  g_clear_object (&self->spec);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_broker_face_parent_class)->finalize (object);
}

static void
zu_broker_face_class_init (ZuBrokerFaceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_broker_face_finalize;

  /* The worker that has the secret has ended by itself. */
  signals[ENDED] = g_signal_new ("ended", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
zu_broker_face_init (ZuBrokerFace *self)
{
  g_mutex_init (&self->lock);
}

/* The plugin is one of zu.channels; OPTIONS may be NULL, and so may USER. */
ZuBrokerFace *
zu_broker_face_new (const char *plugin, ZuJson *options, const char *user, guint grace_seconds,
                    GError **error)
{
  g_autoptr (ZuBrokerFace) self = g_object_new (ZU_TYPE_BROKER_FACE, NULL);

  self->spec = g_object_new (ZU_TYPE_WORKER_SPEC, "kind", PLUGIN_KIND, "name", plugin, "options",
                             options, "user", user, NULL);
  self->grace_seconds = grace_seconds;
  self->launcher =
      (ZuPluginLauncher *) zu_registry_create (zu_registry_get_default (), "zu.backends",
                                               "PluginLauncher", "oop-launcher", NULL, NULL, error);
  return self->launcher != NULL ? g_steal_pointer (&self) : NULL;
}
