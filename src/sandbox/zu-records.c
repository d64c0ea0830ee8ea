/* SPDX-License-Identifier: Apache-2.0 */

/* What the guest's own programs printed, made into the port's records. It comes from inside, so
 * every length is checked, and what people will read is made printable. */

#include "zu-records.h"
#include "zu-guest-records.h"
#include "zu-peek.h"
#include <string.h>
#include <sys/stat.h>

#define MAX_MOUNTS 4096

static gboolean
refuse (GError **error)
{
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE,
                       "the guest's answer says nothing known");
  return FALSE;
}

static char *
make_printable (const char *text)
{
  char *valid = g_utf8_make_valid (text, -1);

  for (char *at = valid; *at; at++)
    if (g_ascii_iscntrl (*at))
      *at = '?';
  return valid;
}

static ZuFileKind
kind_of (guint32 mode)
{
  if (S_ISREG (mode))
    return ZU_FILE_KIND_FILE;
  if (S_ISDIR (mode))
    return ZU_FILE_KIND_FOLDER;
  return S_ISLNK (mode) ? ZU_FILE_KIND_LINK : ZU_FILE_KIND_OTHER;
}

static gpointer
new_file (struct zu_wire_reader *record)
{
  g_autofree char *name = NULL, *target = NULL;
  struct zu_record_file file;

  if (!zu_record_get_file (record, &file))
    return NULL;
  name = make_printable (file.name);
  target = make_printable (file.target);
  return g_object_new (ZU_TYPE_FILE_INFO, "name", name, "kind", kind_of (file.mode), "mode",
                       file.mode & 07777, "uid", file.uid, "gid", file.gid, "size",
                       (gint64) file.size, "modified", (gint64) file.modified, "target",
                       S_ISLNK (file.mode) ? target : NULL, NULL);
}

static gpointer
new_process (struct zu_wire_reader *record)
{
  g_autofree char *command = NULL;
  struct zu_record_process process;
  char state[2] = "";

  if (!zu_record_get_process (record, &process))
    return NULL;
  command = make_printable (process.command);
  state[0] = (char) process.state;
  return g_object_new (ZU_TYPE_PROCESS_INFO, "pid", (gint64) process.pid, "parent",
                       (gint64) process.parent, "uid", (gint64) process.uid, "state", state,
                       "cpu-ms", (gint64) process.cpu_ms, "memory", (gint64) process.memory,
                       "command", command, NULL);
}

static GPtrArray *
read_records (gconstpointer data, gsize size, gpointer (*make) (struct zu_wire_reader *record),
              GError **error)
{
  g_autoptr (GPtrArray) records = g_ptr_array_new_with_free_func (g_object_unref);
  struct zu_wire_reader all = zu_wire_reader (data, size), record;

  while (all.at < all.end)
    {
      gpointer made = zu_record_next (&all, &record) ? make (&record) : NULL;

      if (!made)
        {
          refuse (error);
          return NULL;
        }
      g_ptr_array_add (records, made);
    }
  return g_steal_pointer (&records);
}

static int
by_name (gconstpointer a, gconstpointer b)
{
  return strcmp (zu_file_info_get_name (*(ZuFileInfo *const *) a),
                 zu_file_info_get_name (*(ZuFileInfo *const *) b));
}

/* (element-type ZuFileInfo), by name. */
GPtrArray *
zu_records_read_files (gconstpointer data, gsize size, GError **error)
{
  GPtrArray *files = read_records (data, size, new_file, error);

  if (files)
    g_ptr_array_sort (files, by_name);
  return files;
}

/* (element-type ZuProcessInfo), in the guest's order. */
GPtrArray *
zu_records_read_processes (gconstpointer data, gsize size, GError **error)
{
  return read_records (data, size, new_process, error);
}

static gboolean
is_octal (const char *at)
{
  return at[0] >= '0' && at[0] <= '3' && at[1] >= '0' && at[1] <= '7' && at[2] >= '0'
         && at[2] <= '7';
}

/* As the kernel writes paths in its tables: a blank is \040. */
static char *
unescape (const char *text)
{
  g_autoptr (GString) plain = g_string_new (NULL);

  for (; *text; text++)
    if (*text == '\\' && is_octal (text + 1))
      {
        g_string_append_c (plain,
                           (char) ((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0'));
        text += 3;
      }
    else
      g_string_append_c (plain, *text);
  return make_printable (plain->str);
}

/* "ID PARENT MAJOR:MINOR ROOT MOUNTPOINT OPTIONS TAG... - TYPE SOURCE SUPER-OPTIONS". */
static ZuMountInfo *
new_mount (const char *line, ZuJson *sources)
{
  g_auto (GStrv) words = g_strsplit (line, " ", -1);
  g_autofree char *destination = NULL, *type = NULL, *source = NULL;
  guint n = g_strv_length (words), dash = 6;

  while (dash < n && strcmp (words[dash], "-") != 0)
    dash++;
  if (n < 7 || dash + 3 > n)
    return NULL;
  destination = unescape (words[4]);
  type = make_printable (words[dash + 1]);
  source = sources ? zu_peek_member_text (sources, destination) : NULL;
  return g_object_new (ZU_TYPE_MOUNT_INFO, "destination", destination, "filesystem", type, "source",
                       source, "writable",
                       g_str_has_prefix (words[5], "rw")
                           && (dash + 3 >= n || !g_str_has_prefix (words[dash + 3], "ro")),
                       NULL);
}

/* (element-type ZuMountInfo), from the text of /proc/self/mountinfo; @sources, which may be NULL,
 * is an object of destinations to paths of the host. */
GPtrArray *
zu_records_read_mounts (gconstpointer data, gsize size, ZuJson *sources, GError **error)
{
  g_autofree char *text = size ? g_strndup (data, size) : g_strdup ("");
  g_auto (GStrv) lines = g_strsplit (text, "\n", MAX_MOUNTS);
  g_autoptr (GPtrArray) mounts = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; lines[i]; i++)
    {
      ZuMountInfo *mount = *lines[i] ? new_mount (lines[i], sources) : NULL;

      if (mount)
        g_ptr_array_add (mounts, mount);
      else if (*lines[i])
        {
          refuse (error);
          return NULL;
        }
    }
  return g_steal_pointer (&mounts);
}
