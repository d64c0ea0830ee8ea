/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-worker-control.h"
#include "zu-worker-filter.h"
#include "zu-worker-lockdown.h"

#include <zu/zu.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Hosts one plugin in a process of its own. What can go wrong as the user who started it is done
 * first: the socket, the module, the secret. Then it becomes the user it is to be, for good, and
 * only then is the plugin made. */

#define DEFAULT_KIND     "zu.channels"
#define MAX_OPTIONS      (1024 * 1024)
#define EXIT_ENVIRONMENT 2

typedef struct
{
  char *plugin;
  char *socket;
  int fd;
  int secret_fd;
  int options_fd;
  int control_fd;
  char *user;
  gboolean network;
  gboolean isolate;
} Arguments;

typedef struct
{
  Arguments arguments;
  char *kind;
  char *name;
  uid_t starter;
  ZuWorkerUser user;
  int listener;
  ZuSecret *secret;
  ZuJson *options;
  char *measurement;
  GObject *object;
  ZuRpcServer *server;
} Worker;

static void
worker_clear (Worker *self)
{
  g_clear_object (&self->server);
  g_clear_object (&self->object);
  g_clear_pointer (&self->secret, zu_secret_unref);
  g_clear_pointer (&self->options, zu_json_unref);
  g_free (self->measurement);
  g_free (self->kind);
  g_free (self->name);
  g_free (self->arguments.plugin);
  g_free (self->arguments.socket);
  g_free (self->arguments.user);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Worker, worker_clear)

/* What the launcher knows of a failure: a code of the port PluginLauncher, and a sentence. */
static void
tell (Worker *self, const char *text)
{
  int fd = self->arguments.control_fd;

  if (fd >= 0 && send (fd, text, strlen (text), MSG_NOSIGNAL) < 0)
    _exit (EXIT_ENVIRONMENT); /* there is nobody left to serve */
}

static int
give_up (Worker *self, const char *code, const char *why)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", code, why);

  tell (self, text);
  if (self->arguments.control_fd < 0)
    fprintf (stderr, "zu-worker: %s\n", why);
  return EXIT_ENVIRONMENT;
}

static gboolean
parse_arguments (Arguments *self, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "plugin", 0, 0, G_OPTION_ARG_STRING, &self->plugin, "The plugin to host", "[KIND/]NAME" },
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &self->socket, "Serve whoever connects here", "PATH" },
    { "fd", 0, 0, G_OPTION_ARG_INT, &self->fd, "Serve this connected socket", "N" },
    { "secret-fd", 0, 0, G_OPTION_ARG_INT, &self->secret_fd, "Read the secret from here", "N" },
    { "options-fd", 0, 0, G_OPTION_ARG_INT, &self->options_fd,
      "Read the plugin's options from here, as a JSON object", "N" },
    { "control-fd", 0, 0, G_OPTION_ARG_INT, &self->control_fd,
      "Tell here when it serves, and end when this is closed", "N" },
    { "user", 0, 0, G_OPTION_ARG_STRING, &self->user, "Become this user", "UID[:GID]" },
    { "network", 0, 0, G_OPTION_ARG_NONE, &self->network, "Let it make sockets", NULL },
    { "isolate", 0, 0, G_OPTION_ARG_NONE, &self->isolate,
      "Give it network, IPC and host-name namespaces of its own", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Hosts one plugin in a process of its own.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (self->plugin != NULL && (self->socket != NULL) != (self->fd >= 0) && *argc == 1)
    return TRUE;
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                       "--plugin and one of --socket and --fd must be given, and nothing else "
                       "(see --help)");
  return FALSE;
}

static gboolean
close_others (Arguments *self, GError **error)
{
  const int fds[] = { self->fd, self->secret_fd, self->options_fd, self->control_fd };

  return zu_worker_close_others (fds, G_N_ELEMENTS (fds), error);
}

static void
split_plugin (Worker *self)
{
  const char *slash = strchr (self->arguments.plugin, '/');

  self->kind = slash != NULL
                   ? g_strndup (self->arguments.plugin, (gsize) (slash - self->arguments.plugin))
                   : g_strdup (DEFAULT_KIND);
  self->name = g_strdup (slash != NULL ? slash + 1 : self->arguments.plugin);
}

static void
note_measurement (Worker *self, GType type)
{
  g_autoptr (GPtrArray) plugins = zu_registry_list (zu_registry_get_default ());

  for (guint i = 0; i < plugins->len; i++)
    if (g_strcmp0 (zu_plugin_info_get_type_name (plugins->pdata[i]), g_type_name (type)) == 0)
      self->measurement = g_strdup (zu_plugin_info_get_measurement (plugins->pdata[i]));
}

/* Each measures what it starts: the launcher this program, and this program the module. */
static GType
find_plugin (Worker *self, GError **error)
{
  ZuRegistry *registry = zu_registry_get_default ();
  GType type;

  zu_registry_measure_modules (registry);
  type = zu_registry_lookup (registry, self->kind, NULL, self->name, error);
  if (type != G_TYPE_INVALID)
    note_measurement (self, type);
  return type;
}

static gboolean
read_options (Worker *self, GError **error)
{
  g_autofree char *text = NULL;
  gsize size = 0;
  gssize n = 1;

  if (self->arguments.options_fd < 0)
    {
      self->options = zu_json_parse ("{}", 2, error);
      return self->options != NULL;
    }
  text = g_malloc (MAX_OPTIONS);
  while (size < MAX_OPTIONS && n > 0)
    {
      n = read (self->arguments.options_fd, text + size, MAX_OPTIONS - size);
      size += (gsize) MAX (n, 0);
    }
  zu_worker_close (self->arguments.options_fd);
  if (n != 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot read the options");
      return FALSE;
    }
  self->options = zu_json_parse (text, (gssize) size, error);
  if (self->options == NULL)
    g_prefix_error (error, "the options are no JSON: ");
  return self->options != NULL;
}

static gboolean
read_secret (Worker *self, GError **error)
{
  if (self->arguments.secret_fd < 0)
    return TRUE;
  self->secret = zu_secret_new_from_fd (self->arguments.secret_fd, error);
  zu_worker_close (self->arguments.secret_fd);
  return self->secret != NULL;
}

static gboolean
open_listener (Worker *self, GError **error)
{
  if (self->arguments.socket == NULL)
    return TRUE;
  self->listener = zu_rpc_server_open_listener (self->arguments.socket, error);
  return self->listener >= 0;
}

static gboolean
become_user (Worker *self, GError **error)
{
  if (self->arguments.user == NULL)
    return TRUE;
  return zu_worker_user_parse (self->arguments.user, &self->user, error)
         && zu_worker_become (&self->user, error);
}

static gboolean
names_option (Worker *self, const char *kebab, const char *snake)
{
  g_autoptr (ZuJson) a = zu_json_dup_member (self->options, kebab);
  g_autoptr (ZuJson) b = zu_json_dup_member (self->options, snake);

  return a != NULL || b != NULL;
}

/* The options, and what a program adds: the secret, and that a broker must have one. */
static ZuJson *
complete_options (Worker *self, GObjectClass *klass, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  for (gsize i = 0; i < zu_json_get_size (self->options); i++)
    {
      const char *name = zu_json_get_member_name (self->options, i, NULL);
      g_autoptr (ZuJson) value = zu_json_dup_member (self->options, name);

      zu_json_builder_set_member (builder, name);
      zu_json_builder_add_json (builder, value);
    }
  if (g_object_class_find_property (klass, "require-secret") != NULL
      && !names_option (self, "require-secret", "require_secret"))
    {
      zu_json_builder_set_member (builder, "require-secret");
      zu_json_builder_add_boolean (builder, TRUE);
    }
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

static gboolean
make_object (Worker *self, GType type, GError **error)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  g_autoptr (ZuJson) options = complete_options (self, G_OBJECT_CLASS (klass), error);
  const char *names[] = { "secret" };
  GValue values[1] = { G_VALUE_INIT };
  gboolean has_secret = self->secret != NULL;

  if (options == NULL)
    return FALSE;
  g_value_init (&values[0], ZU_TYPE_SECRET);
  g_value_take_boxed (&values[0], g_steal_pointer (&self->secret));
  self->object = zu_registry_create_full (zu_registry_get_default (), self->kind, NULL, self->name,
                                          options, has_secret, names, values, NULL, error);
  g_value_unset (&values[0]);
  return self->object != NULL;
}

static gboolean
make_server (Worker *self, GError **error)
{
  self->server = zu_rpc_server_new_for_port (self->object, NULL);
  if (self->server == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s implements no port",
                   self->name);
      return FALSE;
    }
  if (self->listener >= 0)
    {
      zu_rpc_server_take_listener (self->server, self->listener, self->arguments.socket);
      zu_rpc_server_set_allowed_uid (self->server, self->starter);
    }
  return TRUE;
}

static gpointer
watch_control (gpointer data)
{
  struct pollfd control = { .fd = GPOINTER_TO_INT (data), .events = POLLIN };

  while (poll (&control, 1, -1) < 0 && errno == EINTR)
    ;
  /* Calls in flight have nobody to go to. */
  _exit (0);
}

static gpointer
await_signal (gpointer data)
{
  g_autoptr (GCancellable) cancellable = data;
  sigset_t set;
  int number;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigwait (&set, &number);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
block_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
  signal (SIGPIPE, SIG_IGN);
}

static void
tell_ready (Worker *self)
{
  const char *measurement = self->measurement != NULL ? self->measurement : "";
  g_autofree char *text = g_strdup_printf (ZU_WORKER_READY " %s\n", measurement);

  tell (self, text);
}

static int
serve (Worker *self)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_thread_unref (g_thread_new ("signals", await_signal, g_object_ref (cancellable)));
  if (self->arguments.control_fd >= 0)
    g_thread_unref (
        g_thread_new ("control", watch_control, GINT_TO_POINTER (self->arguments.control_fd)));
  if (!zu_worker_confine (self->arguments.network, &error))
    return give_up (self, "start-failed", error->message);
  tell_ready (self);

  if (self->listener >= 0)
    zu_rpc_server_run (self->server, cancellable, &error);
  else
    zu_rpc_server_serve_fd (self->server, self->arguments.fd, cancellable, &error);
  if (error == NULL || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return 0;
  fprintf (stderr, "zu-worker: the connection ended: %s\n", error->message);
  return EXIT_ENVIRONMENT;
}

int
main (int argc, char **argv)
{
  g_auto (Worker)
      self = { .arguments = { NULL, NULL, -1, -1, -1, -1, NULL, FALSE, FALSE }, .listener = -1 };
  g_autoptr (GError) error = NULL;
  GType type;
  int status;

  self.starter = getuid ();
  if (!zu_worker_lock_down (&error))
    return give_up (&self, "start-failed", error->message);
  if (!parse_arguments (&self.arguments, &argc, &argv, &error)
      || !close_others (&self.arguments, &error))
    return give_up (&self, "start-failed", error->message);
  block_signals ();
  split_plugin (&self);
  if (self.arguments.isolate && !zu_worker_isolate (&error))
    return give_up (&self, "privilege", error->message);

  type = find_plugin (&self, &error);
  if (type == G_TYPE_INVALID)
    return give_up (&self,
                    g_error_matches (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_NOT_FOUND)
                        ? "not-found"
                        : "start-failed",
                    error->message);
  if (!open_listener (&self, &error) || !read_options (&self, &error)
      || !read_secret (&self, &error))
    return give_up (&self, "start-failed", error->message);
  if (!become_user (&self, &error))
    return give_up (&self, "privilege", error->message);
  if (!zu_worker_seal (&error) || !make_object (&self, type, &error)
      || !make_server (&self, &error))
    return give_up (&self, "start-failed", error->message);

  status = serve (&self);
  worker_clear (&self);
  /* The secret is wiped; nothing that hooks on to the end of a process has any business here. */
  _exit (status);
}
