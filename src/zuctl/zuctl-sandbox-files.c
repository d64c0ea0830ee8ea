/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-output.h"
#include "zuctl-sandbox.h"
#include "zuctl-table.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of a folder's files together; a sandbox may have no end of them. */
#define DEFAULT_MAX_SIZE (G_GINT64_CONSTANT (4) << 30)

/* ID:PATH, told from a path of ours by what an id looks like. */
static gboolean
split (const char *text, char **id, const char **path)
{
  const char *colon = strchr (text, ':');

  if (colon == NULL || colon == text || colon[1] != '/'
      || memchr (text, '/', (gsize) (colon - text)))
    return FALSE;
  *id = g_strndup (text, (gsize) (colon - text));
  *path = colon + 1;
  return TRUE;
}

static gboolean
fail (const char *what, const char *path, GError **error)
{
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT, "cannot %s %s: %s", what, path,
               g_strerror (errno));
  return FALSE;
}

static gboolean
put (const char *id, const char *inside, const char *outside, GError **error)
{
  g_autoptr (ZuSandboxBackend) backend = zuctl_sandbox_find (id, error);
  gboolean is_stdin = strcmp (outside, "-") == 0, done;
  int fd = is_stdin ? STDIN_FILENO : open (outside, O_RDONLY | O_CLOEXEC);
  struct stat st;

  if (backend == NULL)
    return FALSE;
  if (fd < 0 || fstat (fd, &st) != 0)
    return fail ("read", outside, error);
  if (S_ISDIR (st.st_mode))
    errno = EISDIR;
  done = !S_ISDIR (st.st_mode)
             ? zu_sandbox_backend_put_file (backend, id, inside, fd,
                                            is_stdin ? 0644 : st.st_mode & 0777, NULL, error)
             : fail ("copy", outside, error);
  if (!is_stdin)
    close (fd);
  return done;
}

/* The file is there whole or not at all, as the other way round. */
static gboolean
get_to_file (ZuSandboxBackend *backend, const char *id, const char *inside, const char *outside,
             GError **error)
{
  g_autofree char *name = g_strdup_printf ("%s.zu-XXXXXX", outside);
  int fd = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0666);
  gboolean good;

  if (fd < 0)
    return fail ("write", outside, error);
  good = zu_sandbox_backend_get_file (backend, id, inside, fd, NULL, error);
  if (close (fd) != 0 && good)
    good = fail ("write", outside, error);
  if (good && rename (name, outside) != 0)
    good = fail ("write", outside, error);
  if (!good)
    unlink (name);
  return good;
}

static gboolean
get (const char *id, const char *inside, const char *outside, GError **error)
{
  g_autoptr (ZuSandboxBackend) backend = zuctl_sandbox_find (id, error);
  g_autofree char *name = NULL, *base = NULL;

  if (backend == NULL)
    return FALSE;
  if (strcmp (outside, "-") == 0)
    return zu_sandbox_backend_get_file (backend, id, inside, STDOUT_FILENO, NULL, error);
  base = g_path_get_basename (inside);
  name = g_file_test (outside, G_FILE_TEST_IS_DIR) ? g_build_filename (outside, base, NULL)
                                                   : g_strdup (outside);
  return get_to_file (backend, id, inside, name, error);
}

/* The sandbox's side, and ours. */
static gboolean
copy (const char *id, const char *inside, const char *outside, gboolean is_out, gboolean is_tree,
      gint64 max_size, GError **error)
{
  g_autoptr (ZuSandboxBackend) backend = NULL;

  if (!is_tree)
    return is_out ? get (id, inside, outside, error) : put (id, inside, outside, error);
  backend = zuctl_sandbox_find (id, error);
  if (backend == NULL)
    return FALSE;
  return is_out ? zuctl_sandbox_get_tree (backend, id, inside, outside, (guint64) max_size, error)
                : zuctl_sandbox_put_tree (backend, id, inside, outside, (guint64) max_size, error);
}

static gboolean
check_sides (const char *from, const char *to, gint64 max_size, GError **error)
{
  if ((from == NULL) == (to == NULL))
    g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                         "sandbox cp: one of the two is a sandbox's: write it ID:/PATH "
                         "(see zuctl sandbox cp --help)");
  else if (max_size < 0)
    g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                         "sandbox cp: --max-size is not negative (see zuctl sandbox cp --help)");
  else
    return TRUE;
  return FALSE;
}

int
zuctl_sandbox_run_cp (const ZuctlCommand *command, GStrv words, GError **error)
{
  gboolean is_tree = FALSE, good;
  gint64 max_size = DEFAULT_MAX_SIZE;
  const GOptionEntry entries[] = {
    { "recursive", 'r', 0, G_OPTION_ARG_NONE, &is_tree, "What is in one folder into another",
      NULL },
    { "max-size", 0, 0, G_OPTION_ARG_INT64, &max_size,
      "With --recursive: at most so many bytes of files (4 GiB if left out)", "BYTES" },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autofree char *from = NULL, *to = NULL;
  const char *from_path = NULL, *to_path = NULL;

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;
  signal (SIGPIPE, SIG_IGN);
  split (parsed.rest[0], &from, &from_path);
  split (parsed.rest[1], &to, &to_path);
  if (!check_sides (from, to, max_size, error))
    return ZUCTL_ERROR;
  good = from != NULL ? copy (from, from_path, parsed.rest[1], TRUE, is_tree, max_size, error)
                      : copy (to, to_path, parsed.rest[0], FALSE, is_tree, max_size, error);
  if (!good)
    g_prefix_error (error, "cannot copy: ");
  return good ? ZUCTL_DONE : ZUCTL_ERROR;
}

static gboolean
parse_id (const ZuctlCommand *command, GStrv words, gboolean *is_json, ZuctlParsed *parsed,
          ZuSandboxBackend **backend, GError **error)
{
  const GOptionEntry entries[] = { { "json", 0, 0, G_OPTION_ARG_NONE, is_json,
                                     "One JSON object a line", NULL },
                                   G_OPTION_ENTRY_NULL };

  if (!zuctl_parse (command, words, entries, NULL, parsed, error))
    return FALSE;
  parsed->status = ZUCTL_ERROR;
  *backend = zuctl_sandbox_find (parsed->rest[0], error);
  return *backend != NULL;
}

static const char *
get_nick (GType type, int value)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (type);

  return g_enum_get_value (klass, value)->value_nick;
}

int
zuctl_sandbox_run_diff (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuSandboxBackend) backend = NULL;
  g_autoptr (GPtrArray) changes = NULL;
  gboolean is_json = FALSE;

  if (!parse_id (command, words, &is_json, &parsed, &backend, error))
    return parsed.status;
  changes = zu_sandbox_backend_fs_diff (backend, parsed.rest[0], NULL, error);
  for (guint i = 0; changes != NULL && i < changes->len; i++)
    {
      ZuFileChange *change = changes->pdata[i];
      g_autoptr (ZuJson) json = is_json ? zu_file_change_to_json (change) : NULL;

      if (is_json)
        zuctl_print_json (json);
      else
        zuctl_print ("%s %s\n", get_nick (ZU_TYPE_CHANGE_KIND, zu_file_change_get_kind (change)),
                     zu_file_change_get_path (change));
    }
  return changes != NULL ? ZUCTL_DONE : ZUCTL_ERROR;
}

static void
add_process (ZuctlTable *table, ZuProcessInfo *process)
{
  g_autofree char *pid = g_strdup_printf ("%" G_GINT64_FORMAT, zu_process_info_get_pid (process));
  g_autofree char *uid = g_strdup_printf ("%" G_GINT64_FORMAT, zu_process_info_get_uid (process));
  g_autofree char *cpu =
      g_strdup_printf ("%.2f s", (double) zu_process_info_get_cpu_ms (process) / 1000);
  g_autofree char *memory =
      g_format_size_full ((guint64) zu_process_info_get_memory (process), G_FORMAT_SIZE_IEC_UNITS);
  const char *cells[] = { pid, uid,    zu_process_info_get_state (process),
                          cpu, memory, zu_process_info_get_command (process) };

  zuctl_table_add (table, cells);
}

int
zuctl_sandbox_run_top (const ZuctlCommand *command, GStrv words, GError **error)
{
  const char *const titles[] = { "PID", "USER", "STATE", "CPU", "MEMORY", "COMMAND", NULL };
  g_autoptr (ZuctlTable) table = zuctl_table_new (titles);
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuSandboxBackend) backend = NULL;
  g_autoptr (GPtrArray) processes = NULL;
  gboolean is_json = FALSE;

  if (!parse_id (command, words, &is_json, &parsed, &backend, error))
    return parsed.status;
  processes = zu_sandbox_backend_top (backend, parsed.rest[0], NULL, error);
  for (guint i = 0; processes != NULL && i < processes->len; i++)
    {
      g_autoptr (ZuJson) json = is_json ? zu_process_info_to_json (processes->pdata[i]) : NULL;

      if (is_json)
        zuctl_print_json (json);
      else
        add_process (table, processes->pdata[i]);
    }
  if (processes != NULL && !is_json)
    zuctl_table_flush (table);
  return processes != NULL ? ZUCTL_DONE : ZUCTL_ERROR;
}
