/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-oop-launcher.h"

#include "zu-hosted-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT 10000

/**
 * ZuOopLauncher:
 *
 * Hosts plugins in processes of their own, each in a `zu-worker` at the other end of a socket pair.
 *
 * A worker ends when it is stopped, when the launcher is disposed of, and when the launcher's
 * process ends in whatever way. All verbs may be called from any thread.
 */
struct _ZuOopLauncher
{
  GObject parent_instance;

  char *worker_program;
  guint start_timeout;

  GMutex lock;
  GHashTable *workers; /* id → ZuHostedWorker */
};

enum
{
  PROP_WORKER_PROGRAM = 1,
  PROP_START_TIMEOUT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_oop_launcher_iface_init (ZuPluginLauncherInterface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuOopLauncher, zu_oop_launcher, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_PLUGIN_LAUNCHER,
                                                               zu_oop_launcher_iface_init))

static void
stop_worker (gpointer worker)
{
  zu_hosted_worker_stop (worker);
  g_object_unref (worker);
}

/* A pipe keeps what is written to it out of the swap, and empties as it is read; what may not fit
 * into one goes into a sealed memfd. */
static int
secret_to_fd (ZuSecret *secret, GError **error)
{
  gsize size;
  gconstpointer bytes = zu_secret_peek (secret, &size);
  int ends[2];

  if (size > PIPE_BUF || pipe2 (ends, O_CLOEXEC | O_NONBLOCK) != 0)
    return zu_secret_dup_memfd (secret, error);
  if (write (ends[1], bytes, size) != (gssize) size || fcntl (ends[0], F_SETFL, 0) != 0)
    {
      close (g_steal_fd (&ends[0]));
      ends[0] = zu_secret_dup_memfd (secret, error);
    }
  close (ends[1]);
  return ends[0];
}

/* The worker has its own standard descriptors, so the secret's must be another one. */
static int
dup_high (int fd, GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

  if (copy < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                 "cannot pass on the descriptor of the secret: %s", g_strerror (errno));
  return copy;
}

/* A worker that is to be started again reads its secret again, which only a file allows: a secret
 * kept here for it would be one in the launching process. */
static gboolean
check_repeatable (ZuWorkerSpec *spec, ZuSecret *secret, int secret_fd, GError **error)
{
  struct stat status;

  if (zu_worker_spec_get_max_restarts (spec) == 0
      || (secret == NULL
          && (secret_fd < 0 || (fstat (secret_fd, &status) == 0 && S_ISREG (status.st_mode)))))
    return TRUE;
  g_set_error_literal (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_REPEATABLE,
                       "max_restarts needs a secret that can be read again: give secret_fd of a "
                       "file");
  return FALSE;
}

/* The descriptor that the worker reads its secret from, -1 where there is none. */
static gboolean
open_secret (ZuSecret *secret, int secret_fd, int *fd, GError **error)
{
  *fd = -1;
  if (secret != NULL && secret_fd >= 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "a secret and a descriptor of one are given");
      return FALSE;
    }
  if (secret != NULL)
    *fd = secret_to_fd (secret, error);
  else if (secret_fd >= 0)
    *fd = dup_high (secret_fd, error);
  else
    return TRUE;
  return *fd >= 0;
}

static ZuWorker *
add_worker (ZuOopLauncher *self, ZuHostedWorker *worker)
{
  g_autofree char *id = g_uuid_string_random ();
  ZuWorker *answer = zu_hosted_worker_describe (worker, id);

  g_mutex_lock (&self->lock);
  g_hash_table_insert (self->workers, g_steal_pointer (&id), g_object_ref (worker));
  g_mutex_unlock (&self->lock);
  return answer;
}

static ZuWorker *
zu_oop_launcher_launch (ZuPluginLauncher *launcher, ZuWorkerSpec *spec, ZuSecret *secret,
                        int secret_fd, GCancellable *cancellable, GError **error)
{
  ZuOopLauncher *self = ZU_OOP_LAUNCHER (launcher);
  g_autoptr (ZuHostedWorker) worker = NULL;
  int own_fd;

  if (!check_repeatable (spec, secret, secret_fd, error)
      || !open_secret (secret, secret_fd, &own_fd, error))
    return NULL;
  worker = zu_hosted_worker_new (spec, self->worker_program, own_fd, self->start_timeout);
  if (!zu_hosted_worker_start (worker, cancellable, error))
    return NULL;
  return add_worker (self, worker);
}

static ZuHostedWorker *
find_hosted (ZuOopLauncher *self, const char *id, GError **error)
{
  ZuHostedWorker *worker;

  g_mutex_lock (&self->lock);
  worker = g_hash_table_lookup (self->workers, id);
  if (worker != NULL)
    g_object_ref (worker);
  g_mutex_unlock (&self->lock);
  if (worker == NULL)
    g_set_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_FOUND,
                 "there is no worker '%s'", id);
  return worker;
}

static ZuChannel *
zu_oop_launcher_connect (ZuPluginLauncher *launcher, const char *id, GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (ZuHostedWorker) worker = find_hosted (ZU_OOP_LAUNCHER (launcher), id, error);

  if (worker == NULL)
    return NULL;
  if (!zu_hosted_worker_has_ended (worker))
    return zu_channel_proxy_new (ZU_REMOTE (worker));
  g_set_error (error, ZU_PLUGIN_LAUNCHER_ERROR, ZU_PLUGIN_LAUNCHER_ERROR_NOT_FOUND,
               "the worker '%s' has ended", id);
  return NULL;
}

static ZuWorkerStatus *
zu_oop_launcher_status (ZuPluginLauncher *launcher, const char *id, GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (ZuHostedWorker) worker = find_hosted (ZU_OOP_LAUNCHER (launcher), id, error);

  return worker != NULL ? zu_hosted_worker_get_status (worker) : NULL;
}

static gboolean
zu_oop_launcher_stop (ZuPluginLauncher *launcher, const char *id, GCancellable *cancellable,
                      GError **error)
{
  ZuOopLauncher *self = ZU_OOP_LAUNCHER (launcher);
  gpointer key = NULL;
  gpointer worker = NULL;

  g_mutex_lock (&self->lock);
  g_hash_table_steal_extended (self->workers, id, &key, &worker);
  g_mutex_unlock (&self->lock);
  g_free (key);
  if (worker != NULL)
    stop_worker (worker);
  return TRUE;
}

static void
zu_oop_launcher_iface_init (ZuPluginLauncherInterface *iface)
{
  iface->launch = zu_oop_launcher_launch;
  iface->connect = zu_oop_launcher_connect;
  iface->status = zu_oop_launcher_status;
  iface->stop = zu_oop_launcher_stop;
}

static void
zu_oop_launcher_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuOopLauncher *self = ZU_OOP_LAUNCHER (object);

  if (id == PROP_WORKER_PROGRAM)
    g_value_set_string (value, self->worker_program);
  else
    g_value_set_uint (value, self->start_timeout);
}

static void
zu_oop_launcher_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuOopLauncher *self = ZU_OOP_LAUNCHER (object);

  if (id == PROP_START_TIMEOUT)
    self->start_timeout = g_value_get_uint (value);
  else if (g_value_get_string (value) != NULL)
    {
      g_free (self->worker_program);
      self->worker_program = g_value_dup_string (value);
    }
}

static void
zu_oop_launcher_dispose (GObject *object)
{
  ZuOopLauncher *self = ZU_OOP_LAUNCHER (object);

  g_hash_table_remove_all (self->workers);
  G_OBJECT_CLASS (zu_oop_launcher_parent_class)->dispose (object);
}

static void
zu_oop_launcher_finalize (GObject *object)
{
  ZuOopLauncher *self = ZU_OOP_LAUNCHER (object);

  g_hash_table_unref (self->workers);
  g_free (self->worker_program);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_oop_launcher_parent_class)->finalize (object);
}

static void
zu_oop_launcher_class_init (ZuOopLauncherClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_oop_launcher_get_property;
  object_class->set_property = zu_oop_launcher_set_property;
  object_class->dispose = zu_oop_launcher_dispose;
  object_class->finalize = zu_oop_launcher_finalize;

  props[PROP_WORKER_PROGRAM] =
      g_param_spec_string ("worker-program", NULL,
                           "The program that hosts a plugin; left out, zu-worker as installed",
                           NULL, flags);
  props[PROP_START_TIMEOUT] =
      g_param_spec_uint ("start-timeout", NULL, "Milliseconds until a worker must serve", 1,
                         G_MAXINT, DEFAULT_TIMEOUT, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_oop_launcher_class_finalize (ZuOopLauncherClass *klass)
{
}

/* Where it is installed or, for a build tree, in the folders of $ZU_LIBEXEC_PATH; a program with
 * more privilege than its caller ignores that. */
static char *
find_worker (void)
{
  const char *path = secure_getenv ("ZU_LIBEXEC_PATH");
  g_auto (GStrv) folders = g_strsplit (path != NULL ? path : "", ":", -1);

  for (gsize i = 0; folders[i] != NULL; i++)
    {
      g_autofree char *file = g_build_filename (folders[i], "zu-worker", NULL);

      if (g_path_is_absolute (file) && g_access (file, X_OK) == 0)
        return g_steal_pointer (&file);
    }
  return g_strdup (ZU_WORKER_PROGRAM);
}

static void
zu_oop_launcher_init (ZuOopLauncher *self)
{
  self->worker_program = find_worker ();
  g_mutex_init (&self->lock);
  self->workers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, stop_worker);
}

void
zu_oop_launcher_register (GTypeModule *module)
{
  zu_hosted_worker_register (module);
  zu_oop_launcher_register_type (module);
}
