/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The broker's face on D-Bus. The secret is in a worker behind it: it is handed the descriptor that
 * the secret comes from, and this process never reads it. */

#define PLUGIN_KIND      "zu.channels"
#define PLUGIN_NAME      "credential-broker"
#define EXIT_ENVIRONMENT 2

typedef struct
{
  gboolean system;
  int secret_fd;
  char *secret_credential;
  char *worker_user;
} Arguments;

typedef struct
{
  Arguments arguments;
  GMainLoop *loop;
  GDBusConnection *connection;
  ZuPluginLauncher *launcher;
  ZuCredentialBroker *broker;
  GDBusInterfaceSkeleton *adapter;
  guint name_id;
  gboolean ended;
  int status;
} Daemon;

static void
daemon_clear (Daemon *self)
{
  if (self->name_id != 0)
    g_bus_unown_name (self->name_id);
  g_clear_object (&self->adapter);
  g_clear_object (&self->broker);
  g_clear_object (&self->launcher); /* ends the worker */
  g_clear_object (&self->connection);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_free (self->arguments.secret_credential);
  g_free (self->arguments.worker_user);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Daemon, daemon_clear)

static int
give_up (const char *why)
{
  fprintf (stderr, "zu-brokerd: %s\n", why);
  return EXIT_ENVIRONMENT;
}

static void
quit (Daemon *self, int status, const char *why)
{
  if (self->ended)
    return;
  if (why != NULL)
    give_up (why);
  self->ended = TRUE;
  self->status = status;
  g_main_loop_quit (self->loop);
}

static gboolean
parse_arguments (Arguments *self, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &self->system, "Serve on the system bus", NULL },
    { "secret-fd", 0, 0, G_OPTION_ARG_INT, &self->secret_fd, "The secret comes from here", "N" },
    { "secret-credential", 0, 0, G_OPTION_ARG_STRING, &self->secret_credential,
      "The secret is this systemd credential", "NAME" },
    { "worker-user", 0, 0, G_OPTION_ARG_STRING, &self->worker_user,
      "Who the process that holds the secret becomes", "UID[:GID]" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Serves a credential broker as org.zu.Broker1 on D-Bus.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 1 && (self->secret_fd < 0 || self->secret_credential == NULL))
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                       "at most one of --secret-fd and --secret-credential may be given, and "
                       "nothing else (see --help)");
  return FALSE;
}

/* A file of the folder that systemd makes for LoadCredential=. */
static gboolean
open_credential (Arguments *self, GError **error)
{
  const char *folder = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *path = NULL;

  if (self->secret_credential == NULL)
    return TRUE;
  if (folder == NULL || strchr (self->secret_credential, '/') != NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no credential '%s'%s",
                   self->secret_credential,
                   folder == NULL ? ": $CREDENTIALS_DIRECTORY is not set" : "");
      return FALSE;
    }
  path = g_build_filename (folder, self->secret_credential, NULL);
  self->secret_fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (self->secret_fd >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "cannot open the credential '%s': %s", self->secret_credential, g_strerror (errno));
  return FALSE;
}

static gboolean
on_worker_ended (int pidfd, GIOCondition condition, gpointer data)
{
  quit (data, EXIT_ENVIRONMENT, "the worker that holds the secret has ended");
  return G_SOURCE_REMOVE;
}

static gboolean
watch_worker (Daemon *self, ZuWorker *worker, GError **error)
{
  /* glibc has a wrapper for it only from 2.36 on. */
  int pidfd = (int) syscall (SYS_pidfd_open, (pid_t) zu_worker_get_pid (worker), 0);

  if (pidfd >= 0)
    {
      g_unix_fd_add (pidfd, G_IO_IN, on_worker_ended, self);
      return TRUE;
    }
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot watch the worker: %s",
               g_strerror (errno));
  return FALSE;
}

static gboolean
start_worker (Daemon *self, GError **error)
{
  g_autoptr (ZuWorkerSpec) spec =
      g_object_new (ZU_TYPE_WORKER_SPEC, "kind", PLUGIN_KIND, "name", PLUGIN_NAME, "user",
                    self->arguments.worker_user, NULL);
  g_autoptr (ZuWorker) worker = NULL;
  g_autoptr (ZuChannel) channel = NULL;
  g_autoptr (ZuRemote) remote = NULL;

  self->launcher =
      (ZuPluginLauncher *) zu_registry_create (zu_registry_get_default (), "zu.backends",
                                               "PluginLauncher", "oop-launcher", NULL, NULL, error);
  if (self->launcher == NULL)
    return FALSE;
  worker = zu_plugin_launcher_launch (self->launcher, spec, NULL, self->arguments.secret_fd, NULL,
                                      error);
  if (worker == NULL || !watch_worker (self, worker, error))
    return FALSE;
  channel = zu_plugin_launcher_connect (self->launcher, zu_worker_get_id (worker), NULL, error);
  if (channel == NULL)
    return FALSE;
  remote = zu_channel_remote_new (channel);
  self->broker = zu_credential_broker_proxy_new (remote);
  return TRUE;
}

static void
on_bus_closed (GDBusConnection *connection, gboolean by_peer, GError *error, gpointer data)
{
  quit (data, EXIT_ENVIRONMENT, "the bus is gone");
}

static void
on_name_lost (GDBusConnection *connection, const char *name, gpointer data)
{
  g_autofree char *why = g_strdup_printf (
      "the name %s cannot be had: another broker has it, or the bus's policy forbids it", name);

  quit (data, EXIT_ENVIRONMENT, why);
}

static gboolean
serve (Daemon *self, GError **error)
{
  const ZuPortInfo *port = zu_credential_broker_get_port_info ();

  self->connection =
      g_bus_get_sync (self->arguments.system ? G_BUS_TYPE_SYSTEM : G_BUS_TYPE_SESSION, NULL, error);
  if (self->connection == NULL)
    return FALSE;
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_bus_closed), self);

  self->adapter = zu_dbus_adapter_new (G_OBJECT (self->broker), port);
  if (!g_dbus_interface_skeleton_export (self->adapter, self->connection, port->dbus_path, error))
    return FALSE;
  self->name_id = g_bus_own_name_on_connection (self->connection, port->dbus_interface->name,
                                                G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, NULL,
                                                on_name_lost, self, NULL);
  return TRUE;
}

static gboolean
on_signal (gpointer data)
{
  quit (data, 0, NULL);
  return G_SOURCE_CONTINUE;
}

/* No secret is here, but the way to the worker is. */
static void
lock_down (void)
{
  const struct rlimit none = { 0, 0 };

  prctl (PR_SET_DUMPABLE, 0);
  prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  setrlimit (RLIMIT_CORE, &none);
}

int
main (int argc, char **argv)
{
  g_auto (Daemon) self = { .arguments = { FALSE, -1, NULL, NULL } };
  g_autoptr (GError) error = NULL;

  lock_down ();
  if (!parse_arguments (&self.arguments, &argc, &argv, &error)
      || !open_credential (&self.arguments, &error))
    return give_up (error->message);

  self.loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGTERM, on_signal, &self);
  g_unix_signal_add (SIGINT, on_signal, &self);
  if (!start_worker (&self, &error))
    return give_up (error->message);
  if (self.arguments.secret_fd >= 0)
    close (self.arguments.secret_fd);
  if (!serve (&self, &error))
    self.status = give_up (error->message);
  else
    g_main_loop_run (self.loop);
  return self.status;
}
