/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-broker-face.h"
#include "zu-broker-gate.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The broker's face on D-Bus. The secret is in a worker behind it: it is handed the descriptor that
 * the secret comes from, and this process never reads it. */

#define EXIT_ENVIRONMENT 2
#define DEFAULT_GRACE    300
#define DEFAULT_PLUGIN   "credential-broker"

typedef struct
{
  gboolean system;
  int secret_fd;
  char *secret_credential;
  char *secret_file;
  char *worker_user;
  char *policy;
  char *plugin;
  char *options;
  int grace;
} Arguments;

typedef struct
{
  Arguments arguments;
  GMainLoop *loop;
  GDBusConnection *connection;
  ZuBrokerFace *face;
  ZuCredentialBroker *broker;
  ZuBrokerGate *gate;
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
  g_clear_pointer (&self->gate, zu_broker_gate_free);
  g_clear_object (&self->broker);
  g_clear_object (&self->face); /* ends the worker */
  g_clear_object (&self->connection);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_free (self->arguments.secret_credential);
  g_free (self->arguments.secret_file);
  g_free (self->arguments.worker_user);
  g_free (self->arguments.policy);
  g_free (self->arguments.plugin);
  g_free (self->arguments.options);
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

static guint
count_sources (const Arguments *self)
{
  return (self->secret_fd >= 0) + (self->secret_credential != NULL) + (self->secret_file != NULL);
}

static gboolean
parse_arguments (Arguments *self, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "system", 0, 0, G_OPTION_ARG_NONE, &self->system, "Serve on the system bus", NULL },
    { "secret-fd", 0, 0, G_OPTION_ARG_INT, &self->secret_fd, "The secret comes from here", "N" },
    { "secret-credential", 0, 0, G_OPTION_ARG_STRING, &self->secret_credential,
      "The secret is this systemd credential", "NAME" },
    { "secret-file", 0, 0, G_OPTION_ARG_FILENAME, &self->secret_file,
      "The secret is in this file, which is read again at a reload", "PATH" },
    { "worker-user", 0, 0, G_OPTION_ARG_STRING, &self->worker_user,
      "Who the process that holds the secret becomes", "UID[:GID]|NAME" },
    { "plugin", 0, 0, G_OPTION_ARG_STRING, &self->plugin,
      "The broker to serve: credential-broker unless given", "NAME" },
    { "options", 0, 0, G_OPTION_ARG_FILENAME, &self->options,
      "Its options, a JSON object in a file", "FILE" },
    { "policy", 0, 0, G_OPTION_ARG_FILENAME, &self->policy, "Who may call which verb", "FILE" },
    { "grace", 0, 0, G_OPTION_ARG_INT, &self->grace,
      "How long old tokens are good after a reload (300)", "SECONDS" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Serves a credential broker as org.zu.Broker1 on D-Bus.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (*argc == 1 && self->grace >= 0 && count_sources (self) <= 1)
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                       "the secret has one source at most, --grace is 0 or more, and there are no "
                       "further arguments (see --help)");
  return FALSE;
}

static gboolean
open_file (const char *path, const char *what, int *fd, GError **error)
{
  *fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (*fd >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot open %s: %s", what,
               g_strerror (errno));
  return FALSE;
}

/* A file of the folder that systemd makes for LoadCredential=. */
static gboolean
open_credential (const char *name, int *fd, GError **error)
{
  const char *folder = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *path = NULL;
  g_autofree char *what = g_strdup_printf ("the credential '%s'", name);

  if (folder == NULL || strchr (name, '/') != NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no credential '%s'%s", name,
                   folder == NULL ? ": $CREDENTIALS_DIRECTORY is not set" : "");
      return FALSE;
    }
  path = g_build_filename (folder, name, NULL);
  return open_file (path, what, fd, error);
}

/* From its start, where it is a file: it may have been read before. */
static gboolean
dup_secret (int secret_fd, int *fd, GError **error)
{
  lseek (secret_fd, 0, SEEK_SET);
  *fd = fcntl (secret_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (*fd >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "--secret-fd=%d: %s", secret_fd,
               g_strerror (errno));
  return FALSE;
}

/* -1 and no error: there is to be no secret. */
static gboolean
open_secret (const Arguments *self, int *fd, GError **error)
{
  *fd = -1;
  if (self->secret_credential != NULL)
    return open_credential (self->secret_credential, fd, error);
  if (self->secret_file != NULL)
    return open_file (self->secret_file, self->secret_file, fd, error);
  return self->secret_fd < 0 || dup_secret (self->secret_fd, fd, error);
}

static void
on_worker_ended (ZuBrokerFace *face, gpointer data)
{
  quit (data, EXIT_ENVIRONMENT, "the worker that holds the secret has ended");
}

static gboolean
load_secret (Daemon *self, GError **error)
{
  gboolean loaded;
  int fd;

  if (!open_secret (&self->arguments, &fd, error))
    return FALSE;
  loaded = zu_broker_face_load (self->face, fd, error);
  if (fd >= 0)
    close (fd);
  return loaded;
}

/* A worker takes numbers; a unit file is better off with a name. */
static gboolean
resolve_user (Arguments *self, GError **error)
{
  const struct passwd *entry;

  if (self->worker_user == NULL || g_ascii_isdigit (*self->worker_user))
    return TRUE;
  entry = getpwnam (self->worker_user);
  if (entry == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                   "--worker-user: there is no user '%s' on this machine", self->worker_user);
      return FALSE;
    }
  g_free (self->worker_user);
  self->worker_user = g_strdup_printf ("%u:%u", entry->pw_uid, entry->pw_gid);
  return TRUE;
}

static gboolean
read_options (const char *path, ZuJson **options, GError **error)
{
  g_autofree char *text = NULL;
  gsize size;

  if (path == NULL)
    return TRUE;
  if (!g_file_get_contents (path, &text, &size, error))
    return FALSE;
  *options = zu_json_parse (text, (gssize) size, error);
  if (*options == NULL)
    g_prefix_error (error, "the options %s: ", path);
  return *options != NULL;
}

static gboolean
make_broker (Daemon *self, GError **error)
{
  g_autoptr (ZuJson) options = NULL;

  if (!read_options (self->arguments.options, &options, error))
    return FALSE;
  self->face =
      zu_broker_face_new (self->arguments.plugin != NULL ? self->arguments.plugin : DEFAULT_PLUGIN,
                          options, self->arguments.worker_user, (guint) self->arguments.grace,
                          error);
  if (self->face == NULL || !load_secret (self, error))
    return FALSE;
  g_signal_connect (self->face, "ended", G_CALLBACK (on_worker_ended), self);
  self->broker = zu_credential_broker_proxy_new (ZU_REMOTE (self->face));
  return TRUE;
}

static ZuBrokerPolicy *
read_policy (Daemon *self, GError **error)
{
  const ZuPortInfo *port = zu_credential_broker_get_port_info ();

  if (self->arguments.policy == NULL)
    return zu_broker_policy_new ();
  return zu_broker_policy_new_from_file (self->arguments.policy, port->dbus_interface->methods,
                                         error);
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
  ZuBrokerPolicy *policy = read_policy (self, error);

  if (policy == NULL)
    return FALSE;
  self->connection =
      g_bus_get_sync (self->arguments.system ? G_BUS_TYPE_SYSTEM : G_BUS_TYPE_SESSION, NULL, error);
  if (self->connection == NULL)
    {
      zu_broker_policy_free (policy);
      return FALSE;
    }
  self->gate = zu_broker_gate_new (self->connection, policy);
  g_dbus_connection_set_exit_on_close (self->connection, FALSE);
  g_signal_connect (self->connection, "closed", G_CALLBACK (on_bus_closed), self);

  self->adapter = zu_dbus_adapter_new (G_OBJECT (self->broker), port);
  zu_dbus_adapter_set_gate (ZU_DBUS_ADAPTER (self->adapter), zu_broker_gate_judge, self->gate);
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

/* The policy and the secret are read again. What cannot be used leaves the former in force, and is
 * said. */
static gboolean
on_reload (gpointer data)
{
  Daemon *self = data;
  g_autoptr (GError) error = NULL;
  ZuBrokerPolicy *policy = read_policy (self, &error);

  if (policy != NULL && load_secret (self, &error))
    zu_broker_gate_take_policy (self->gate, g_steal_pointer (&policy));
  else
    fprintf (stderr, "zu-brokerd: not reloaded: %s\n", error->message);
  g_clear_pointer (&policy, zu_broker_policy_free);
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
  g_auto (Daemon) self = { .arguments = { .secret_fd = -1, .grace = DEFAULT_GRACE } };
  g_autoptr (GError) error = NULL;

  lock_down ();
  if (!parse_arguments (&self.arguments, &argc, &argv, &error))
    return give_up (error->message);

  self.loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGTERM, on_signal, &self);
  g_unix_signal_add (SIGINT, on_signal, &self);
  g_unix_signal_add (SIGHUP, on_reload, &self);
  if (!resolve_user (&self.arguments, &error) || !make_broker (&self, &error))
    return give_up (error->message);
  if (!serve (&self, &error))
    self.status = give_up (error->message);
  else
    g_main_loop_run (self.loop);
  return self.status;
}
