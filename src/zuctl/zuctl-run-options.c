/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-run-options.h"

#include <math.h>
#include <string.h>

void
zuctl_run_options_clear (ZuctlRunOptions *options)
{
  g_free (options->backend);
  g_free (options->image);
  g_free (options->pull);
  g_free (options->sink);
  g_free (options->network);
  g_free (options->enforcement);
  g_free (options->timeout);
  g_free (options->memory);
  g_free (options->pids);
  g_free (options->user);
  g_free (options->workdir);
  g_strfreev (options->environment);
  g_strfreev (options->mounts);
  g_strfreev (options->allow);
  g_free (options->sni);
}

gboolean
zuctl_run_options_parse (const ZuctlCommand *command, GStrv words, ZuctlRunOptions *options,
                         ZuctlParsed *parsed, GError **error)
{
  const GOptionEntry entries[] = {
    { "backend", 0, 0, G_OPTION_ARG_STRING, &options->backend, "What contains it; bubblewrap",
      "NAME" },
    { "image", 0, 0, G_OPTION_ARG_STRING, &options->image,
      "The image to run in; left out, the backend's own view of this system", "REF" },
    { "pull", 0, 0, G_OPTION_ARG_STRING, &options->pull,
      "Whether an image that is not here is fetched: never (the default) or missing", "WHEN" },
    { "sink", 0, 0, G_OPTION_ARG_STRING, &options->sink, "The log that the run is written to",
      "URI" },
    { "network", 0, 0, G_OPTION_ARG_STRING, &options->network,
      "none (the default), isolated or unrestricted", "MODE" },
    { "enforcement", 0, 0, G_OPTION_ARG_STRING, &options->enforcement,
      "What is put around an isolated network, as in nftables", "NAME" },
    { "timeout", 0, 0, G_OPTION_ARG_STRING, &options->timeout,
      "Seconds after which the command is ended; none", "S" },
    { "memory", 0, 0, G_OPTION_ARG_STRING, &options->memory,
      "Most memory, in bytes or with k, m or g", "BYTES" },
    { "pids", 0, 0, G_OPTION_ARG_STRING, &options->pids, "Most processes at once; 256", "N" },
    { "user", 0, 0, G_OPTION_ARG_STRING, &options->user, "Who it runs as inside", "UID[:GID]" },
    { "workdir", 0, 0, G_OPTION_ARG_STRING, &options->workdir, "Working directory inside", "DIR" },
    { "env", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->environment,
      "A variable for the command; may be given again", "K=V" },
    { "mount", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->mounts,
      "A file or folder to show inside, read-only unless :rw; may be given again", "SRC:DST[:rw]" },
    { "allow", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->allow,
      "What it may reach through the proxy; may be given again", "HOST[:PORT]" },
    { "allow-any", 0, 0, G_OPTION_ARG_NONE, &options->is_any, "Let it reach every public host",
      NULL },
    { "observe", 0, 0, G_OPTION_ARG_NONE, &options->is_observing,
      "Refuse all and print the --allow lines that it would have needed", NULL },
    { "sni", 0, 0, G_OPTION_ARG_STRING, &options->sni,
      "Whether TLS must name the host that is reached: require, check or off", "MODE" },
    { "best-effort", 0, 0, G_OPTION_ARG_NONE, &options->is_best_effort,
      "Accept limits that hold weaker than asked for here", NULL },
    G_OPTION_ENTRY_NULL
  };

  return zuctl_parse (command, words, entries, NULL, parsed, error);
}

static gboolean
refuse (const char *option, const char *value, const char *why, GError **error)
{
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "run: --%s %s: %s (see zuctl run --help)",
               option, value, why);
  return FALSE;
}

static gboolean
read_timeout (const char *text, gint64 *ms, GError **error)
{
  char *end = NULL;
  double seconds;

  *ms = 0;
  if (text == NULL)
    return TRUE;

  seconds = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !isfinite (seconds) || seconds <= 0 || seconds > 1e9)
    return refuse ("timeout", text, "it must be a number of seconds above 0", error);
  *ms = (gint64) ceil (seconds * 1000);
  return TRUE;
}

static gboolean
read_pids (const char *text, gint64 *value, GError **error)
{
  if (text == NULL || g_ascii_string_to_signed (text, 10, 1, G_MAXINT32, value, NULL))
    return TRUE;
  return refuse ("pids", text, "it must be a number of processes, 1 or more", error);
}

static guint
get_shift (char unit)
{
  switch (g_ascii_tolower (unit))
    {
    case 'k':
      return 10;
    case 'm':
      return 20;
    case 'g':
      return 30;
    default:
      return 0;
    }
}

static gboolean
read_memory (const char *text, gint64 *bytes, GError **error)
{
  gsize length = strlen (text);
  gsize digits = strspn (text, "0123456789");
  gboolean has_unit = digits + 1 == length && strchr ("bkmgBKMG", text[digits]) != NULL;
  guint shift = has_unit ? get_shift (text[digits]) : 0;
  g_autofree char *number = g_strndup (text, digits);
  gint64 value;

  if ((digits != length && !has_unit)
      || !g_ascii_string_to_signed (number, 10, 1, G_MAXINT64 >> shift, &value, NULL))
    return refuse ("memory", text, "it must be a number of bytes, or one with k, m or g", error);
  *bytes = value << shift;
  return TRUE;
}

static ZuJson *
new_value (const char *text)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_add_string (builder, text);
  return zu_json_builder_end (builder, NULL);
}

static ZuJson *
new_number (gint64 number)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_add_int64 (builder, number);
  return zu_json_builder_end (builder, NULL);
}

static ZuJson *
new_true (void)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_add_boolean (builder, TRUE);
  return zu_json_builder_end (builder, NULL);
}

/* The mode in a launch spec's words; the option itself is the explicit opt-in that true needs. */
static ZuJson *
new_network (const char *mode, gboolean *is_unrestricted, GError **error)
{
  *is_unrestricted = g_strcmp0 (mode, "unrestricted") == 0;
  if (*is_unrestricted)
    return new_true ();
  if (mode == NULL || strcmp (mode, "none") == 0)
    return new_value ("none");
  if (strcmp (mode, "isolated") == 0)
    return new_value ("isolated");

  refuse ("network", mode, "it must be none, isolated or unrestricted", error);
  return NULL;
}

/* SRC:DST[:ro|:rw]; DST begins with a slash, so SRC may hold colons. */
static gboolean
split_mount (const char *mount, char **source, char **target, const char **mode, GError **error)
{
  g_autofree char *text = g_strdup (mount);
  char *colon;

  *mode = g_str_has_suffix (text, ":rw") ? "rw" : "ro";
  if (g_str_has_suffix (text, ":rw") || g_str_has_suffix (text, ":ro"))
    text[strlen (text) - 3] = '\0';

  colon = g_strrstr (text, ":/");
  if (colon == NULL || colon == text)
    return refuse ("mount", mount, "it must be SRC:DST or SRC:DST:rw, and DST absolute", error);
  *colon = '\0';
  *source = g_canonicalize_filename (text, NULL);
  *target = g_strdup (colon + 1);
  return TRUE;
}

static gboolean
add_mount (ZuJsonBuilder *builder, GHashTable *seen, const char *mount, GError **error)
{
  g_autofree char *source = NULL;
  g_autofree char *target = NULL;
  const char *mode;

  if (!split_mount (mount, &source, &target, &mode, error))
    return FALSE;
  if (!g_utf8_validate (source, -1, NULL) || !g_utf8_validate (target, -1, NULL))
    return refuse ("mount", mount, "the paths must be UTF-8", error);
  if (!g_hash_table_add (seen, g_strdup (source)))
    return refuse ("mount", mount, "that source is mounted already", error);

  zu_json_builder_set_member (builder, source);
  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "bind");
  zu_json_builder_add_string (builder, target);
  zu_json_builder_set_member (builder, "mode");
  zu_json_builder_add_string (builder, mode);
  zu_json_builder_end_object (builder);
  return TRUE;
}

static ZuJson *
new_volumes (GStrv mounts, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  zu_json_builder_begin_object (builder);
  for (guint i = 0; mounts != NULL && mounts[i] != NULL; i++)
    if (!add_mount (builder, seen, mounts[i], error))
      return NULL;
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}

static gboolean
read_pull (const char *text, ZuPullPolicy *pull, GError **error)
{
  *pull = ZU_PULL_POLICY_NEVER;
  if (text == NULL || strcmp (text, "never") == 0)
    return TRUE;
  *pull = ZU_PULL_POLICY_MISSING;
  return strcmp (text, "missing") == 0
         || refuse ("pull", text, "it must be never or missing", error);
}

/* The sandbox that the options ask for. */
ZuLaunchSpec *
zuctl_run_options_new_launch_spec (const ZuctlRunOptions *options, GError **error)
{
  g_autoptr (ZuJson) network = NULL;
  g_autoptr (ZuJson) volumes = new_volumes (options->mounts, error);
  g_autoptr (ZuJson) memory = NULL;
  gboolean is_unrestricted = FALSE;
  gint64 bytes, pids = 256;
  ZuPullPolicy pull;

  if (volumes == NULL || !read_pids (options->pids, &pids, error)
      || !read_pull (options->pull, &pull, error))
    return NULL;
  network = new_network (options->network, &is_unrestricted, error);
  if (network == NULL)
    return NULL;
  if (options->memory != NULL && !read_memory (options->memory, &bytes, error))
    return NULL;
  memory = options->memory != NULL ? new_number (bytes) : NULL;

  return g_object_new (ZU_TYPE_LAUNCH_SPEC, "image", options->image, "network", network,
                       "allow-unrestricted-egress", is_unrestricted, "mem-limit", memory,
                       "pids-limit", pids, "user", options->user, "workdir", options->workdir,
                       "volumes", volumes, "best-effort", options->is_best_effort, "pull", pull,
                       NULL);
}

static gboolean
check_environment (GStrv environment, GError **error)
{
  for (guint i = 0; environment != NULL && environment[i] != NULL; i++)
    {
      gsize length = strcspn (environment[i], "=");

      /* Not the whole of it: the line on stderr must not tell a value. */
      g_autofree char *name = g_strndup (environment[i], length);

      if (length == 0 || environment[i][length] == '\0')
        return refuse ("env", name, "it must be NAME=VALUE", error);
    }
  return TRUE;
}

/* The command that the options ask for. */
ZuProcessSpec *
zuctl_run_options_new_process_spec (const ZuctlRunOptions *options, GStrv argv, GError **error)
{
  gint64 timeout_ms;

  if (!read_timeout (options->timeout, &timeout_ms, error)
      || !check_environment (options->environment, error))
    return NULL;

  return g_object_new (ZU_TYPE_PROCESS_SPEC, "argv", argv, "environment", options->environment,
                       "timeout-ms", timeout_ms, NULL);
}
