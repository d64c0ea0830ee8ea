/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-options.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#define NOBODY 65534

typedef struct
{
  char *user;
  char *sni;
  double idle;
  double connect;
  double request;
  double resolve;
  int max_clients;
  int max_head;
  gint64 max_bytes;
} Words;

void
zu_proxy_options_clear (ZuProxyOptions *self)
{
  g_free (self->listen);
  g_strfreev (self->rules);
}

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s (see --help)", what);
  return FALSE;
}

static gboolean
read_seconds (double seconds, guint *ms, GError **error)
{
  if (!isfinite (seconds) || seconds < 0.001 || seconds > 86400)
    return refuse (error, "a timeout must be a number of seconds from 0.001 to 86400");
  *ms = (guint) (seconds * 1000);
  return TRUE;
}

static gboolean
read_sni (const char *word, ZuProxySni *sni, GError **error)
{
  static const char *const words[] = { "require", "check", "off" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    if (word == NULL || strcmp (word, words[i]) == 0)
      {
        *sni = (ZuProxySni) i;
        return TRUE;
      }
  return refuse (error, "--sni must be require, check or off");
}

/* Root is never kept: nobody is, where no one is given. */
static gboolean
read_user (ZuProxyOptions *self, const char *text, GError **error)
{
  self->has_user = text != NULL || geteuid () == 0;
  self->user = (ZuProxyUser){ NOBODY, NOBODY };
  return text == NULL || zu_proxy_user_parse (text, &self->user, error);
}

static gboolean
read_words (ZuProxyOptions *self, const Words *words, GError **error)
{
  if ((self->listen == NULL) == (self->listen_fd < 0))
    return refuse (error, "one of --listen and --listen-fd must be given");
  if (words->max_clients < 1 || words->max_clients > 1000000)
    return refuse (error, "--max-connections must be from 1 to 1000000");
  if (words->max_head < 1024 || words->max_head > 32768)
    return refuse (error, "--max-header must be from 1024 to 32768 bytes");
  if (words->max_bytes < 0)
    return refuse (error, "--max-bytes must be 0 or more");
  self->settings.max_clients = (guint) words->max_clients;
  self->settings.max_head = (guint) words->max_head;
  self->settings.max_bytes = (guint64) words->max_bytes;
  return read_seconds (words->idle, &self->settings.idle_ms, error)
         && read_seconds (words->connect, &self->settings.connect_ms, error)
         && read_seconds (words->request, &self->settings.request_ms, error)
         && read_seconds (words->resolve, &self->resolve_ms, error)
         && read_sni (words->sni, &self->settings.sni, error)
         && read_user (self, words->user, error);
}

static gboolean
parse (ZuProxyOptions *self, Words *words, int argc, char **argv, gboolean *is_help, GError **error)
{
  const GOptionEntry entries[] = {
    { "listen", 0, 0, G_OPTION_ARG_STRING, &self->listen, "Where to listen", "ADDRESS:PORT" },
    { "listen-fd", 0, 0, G_OPTION_ARG_INT, &self->listen_fd, "A descriptor that listens", "N" },
    { "control-fd", 0, 0, G_OPTION_ARG_INT, &self->control_fd,
      "Where decisions go and are committed; left out, standard output", "N" },
    { "allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->rules, "A rule; may be given again",
      "HOST[:PORT]" },
    { "allow-any", 0, 0, G_OPTION_ARG_NONE, &self->is_any, "Allow every public host", NULL },
    { "observe", 0, 0, G_OPTION_ARG_NONE, &self->settings.is_observing,
      "Refuse everything, only to see what is wanted", NULL },
    { "sni", 0, 0, G_OPTION_ARG_STRING, &words->sni,
      "Whether the name in a TLS handshake must be the tunnel's: require, check or off", "MODE" },
    { "max-connections", 0, 0, G_OPTION_ARG_INT, &words->max_clients, "Most at once; 4096", "N" },
    { "max-header", 0, 0, G_OPTION_ARG_INT, &words->max_head, "Most of a head; 32768", "BYTES" },
    { "max-bytes", 0, 0, G_OPTION_ARG_INT64, &words->max_bytes,
      "Most bytes of all connections together; 0 for no limit", "N" },
    { "idle-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &words->idle, "Without a byte; 600", "S" },
    { "connect-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &words->connect, "For a host; 10", "S" },
    { "request-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &words->request,
      "For a request's head, or a handshake; 30", "S" },
    { "resolve-timeout", 0, 0, G_OPTION_ARG_DOUBLE, &words->resolve, "For a name; 10", "S" },
    { "user", 0, 0, G_OPTION_ARG_STRING, &words->user,
      "Who to be; as root and left out, 65534:65534", "UID[:GID]" },
    { "help", 'h', 0, G_OPTION_ARG_NONE, is_help, "Show this and end", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, "Lets connections through to the hosts that are allowed.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (*is_help)
    {
      g_autofree char *help = g_option_context_get_help (context, TRUE, NULL);

      g_print ("%s", help);
      return FALSE;
    }
  return argc == 1 || refuse (error, "it takes options only");
}

/* FALSE with *IS_HELP and no error where help was asked for. */
gboolean
zu_proxy_options_parse (ZuProxyOptions *self, int argc, char **argv, gboolean *is_help,
                        GError **error)
{
  Words words = {
    .idle = 600, .connect = 10, .request = 30, .resolve = 10, .max_clients = 4096, .max_head = 32768
  };
  gboolean is_good;

  self->listen_fd = self->control_fd = -1;
  is_good = parse (self, &words, argc, argv, is_help, error) && read_words (self, &words, error);
  g_free (words.user);
  g_free (words.sni);
  return is_good;
}
