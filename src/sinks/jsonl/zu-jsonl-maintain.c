/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-jsonl-maintain.h"

#include "zu-jsonl-reader.h"
#include "zu-maintenance-error.h"
#include "zu-new-file.h"
#include "zu-sync-rate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SIZE  512
#define CHUNK_SIZE (64 * 1024)

/* The upkeep of a log of lines: what needs neither keys nor an index, since it has none. */

static char *
dup_path (ZuEventMaintenance *sink)
{
  char *path;

  g_object_get (sink, "path", &path, NULL);
  return path;
}

static gboolean
fail (const char *path, const char *what, int reason, GError **error)
{
  ZuEventMaintenanceError code = ZU_EVENT_MAINTENANCE_ERROR_READ_ONLY;

  if (reason == ENOENT || reason == ENOTDIR)
    code = ZU_EVENT_MAINTENANCE_ERROR_MISSING;
  else if (reason == ENOSPC || reason == EDQUOT)
    code = ZU_EVENT_MAINTENANCE_ERROR_FULL;
  else if (reason == EIO)
    code = ZU_EVENT_MAINTENANCE_ERROR_UNDECODABLE;

  g_set_error (error, ZU_EVENT_MAINTENANCE_ERROR, code, "cannot %s %s: %s", what, path,
               g_strerror (reason));
  return FALSE;
}

/* A log without a line is an empty file. */
static gboolean
prepare (ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = dup_path (sink);
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);

  if (fd < 0)
    return fail (path, "make", errno, error);
  close (fd);
  return TRUE;
}

/* Counted on the way through the log. */
typedef struct
{
  gint64 n_events;
  char *first_ts;
  char *last_ts;
  GHashTable *traces;
  GHashTable *types; /* name to gint64 */
} Figures;

static void
figures_clear (Figures *self)
{
  g_free (self->first_ts);
  g_free (self->last_ts);
  g_hash_table_unref (self->traces);
  g_hash_table_unref (self->types);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Figures, figures_clear)

static void
count_event (Figures *self, ZuEvent *event)
{
  gint64 *n = g_hash_table_lookup (self->types, zu_event_get_event_type (event));

  if (n == NULL)
    {
      n = g_new0 (gint64, 1);
      g_hash_table_insert (self->types, g_strdup (zu_event_get_event_type (event)), n);
    }
  (*n)++;
  self->n_events++;
  g_hash_table_add (self->traces, g_strdup (zu_event_get_trace_id (event)));
  if (self->first_ts == NULL)
    self->first_ts = g_strdup (zu_event_get_ts (event));
  g_free (self->last_ts);
  self->last_ts = g_strdup (zu_event_get_ts (event));
}

/* Past what is no event. */
static gboolean
count_events (Figures *self, ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  gint64 after = 0;

  for (;;)
    {
      g_autoptr (ZuAuditPage) page =
          zu_event_audit_audit (ZU_EVENT_AUDIT (sink), NULL, after, PAGE_SIZE, cancellable, error);
      GPtrArray *events;

      if (page == NULL)
        return FALSE;
      events = zu_audit_page_get_events (page);
      for (guint i = 0; i < events->len; i++)
        count_event (self, g_ptr_array_index (events, i));
      if (zu_audit_page_get_next_seq (page) == after)
        return TRUE;
      after = zu_audit_page_get_next_seq (page);
    }
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

static ZuJson *
types_to_json (Figures *self)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (self->types), compare);

  zu_json_builder_begin_object (builder);
  for (GList *l = names; l != NULL; l = l->next)
    {
      zu_json_builder_set_member (builder, l->data);
      zu_json_builder_add_int64 (builder, *(gint64 *) g_hash_table_lookup (self->types, l->data));
    }
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static ZuLogFigures *
stat_log (ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = dup_path (sink);
  g_auto (Figures) figures = {
    .traces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .types = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
  g_autoptr (ZuJson) types = NULL;
  struct stat info;

  if (!count_events (&figures, sink, cancellable, error))
    {
      zu_maintenance_error_translate (error);
      return NULL;
    }

  types = types_to_json (&figures);
  return g_object_new (ZU_TYPE_LOG_FIGURES, "events", figures.n_events, "traces",
                       (gint64) g_hash_table_size (figures.traces), "bytes",
                       stat (path, &info) == 0 ? (gint64) info.st_size : 0, "first-ts",
                       figures.first_ts, "last-ts", figures.last_ts, "types", types, NULL);
}

static ZuSyncFigures *
measure_sync (ZuEventMaintenance *sink, gint64 milliseconds, GCancellable *cancellable,
              GError **error)
{
  g_autofree char *path = dup_path (sink);
  g_autofree char *folder = g_path_get_dirname (path);

  return zu_sync_rate_measure (folder, milliseconds, cancellable, error);
}

/* The lines that were whole when the copy began. */
typedef struct
{
  ZuEventMaintenance *sink;
  GCancellable *cancellable;
  int from;
  int to;
  off_t size;
  off_t whole; /* up to behind the last line end that was copied */
} Copy;

static gboolean
copy_chunk (Copy *self, off_t place, char *buffer, gssize *n)
{
  gsize wanted = (gsize) MIN ((off_t) CHUNK_SIZE, self->size - place);
  const char *newline;

  do
    *n = pread (self->from, buffer, wanted, place);
  while (*n < 0 && errno == EINTR);
  if (*n <= 0)
    return *n == 0;

  newline = memrchr (buffer, '\n', (gsize) *n);
  if (newline != NULL)
    self->whole = place + (newline + 1 - buffer);
  for (gssize done = 0, written; done < *n; done += written)
    {
      written = pwrite (self->to, buffer + done, (gsize) (*n - done), place + done);
      if (written < 0 && errno != EINTR)
        return FALSE;
      written = MAX (written, 0);
    }
  return TRUE;
}

static gboolean
copy_lines (Copy *self, const char *path, GError **error)
{
  char buffer[CHUNK_SIZE];
  off_t place = 0;
  gssize n = 1;

  while (n > 0 && place < self->size)
    {
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
      if (!copy_chunk (self, place, buffer, &n))
        return fail (path, "copy", errno, error);
      place += n;
      zu_event_maintenance_emit_copied (self->sink, (gint64) place, (gint64) self->size);
    }

  return ftruncate (self->to, self->whole) == 0 || fail (path, "copy", errno, error);
}

static gboolean
count_lines (const char *path, gint64 *n_events, GError **error)
{
  ZuJsonlReader *reader = zu_jsonl_reader_new (path);
  ZuJsonlRead read = { .limit = -1 };
  ZuJsonlGathered gathered = { NULL };
  gboolean is_read = zu_jsonl_reader_read (reader, &read, &gathered, error);

  *n_events = gathered.n_passed;
  zu_jsonl_reader_free (reader);
  return is_read;
}

static ZuCopyFigures *
copy_to (Copy *self, const char *path, ZuNewFile *file, GError **error)
{
  gint64 n_events;

  self->to = zu_new_file_get_fd (file);
  if (!copy_lines (self, path, error)
      || !count_lines (zu_new_file_get_working_path (file), &n_events, error)
      || !zu_new_file_publish (file, error))
    return NULL;
  return zu_copy_figures_new (n_events, (gint64) self->whole);
}

static ZuCopyFigures *
backup (ZuEventMaintenance *sink, const char *target, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = dup_path (sink);
  Copy self = { .sink = sink, .cancellable = cancellable };
  g_autoptr (ZuNewFile) file = NULL;
  ZuCopyFigures *figures = NULL;
  struct stat info;

  self.from = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (self.from < 0 || fstat (self.from, &info) != 0)
    {
      fail (path, "copy", errno, error);
      if (self.from >= 0)
        close (self.from);
      return NULL;
    }

  self.size = info.st_size;
  file = zu_new_file_create (target, info.st_mode & 0666, error);
  if (file != NULL)
    figures = copy_to (&self, path, file, error);
  if (figures == NULL)
    zu_maintenance_error_translate (error);
  close (self.from);
  return figures;
}

static void
refuse (const char *what, const char *advice, GError **error)
{
  g_set_error (error, ZU_EVENT_MAINTENANCE_ERROR, ZU_EVENT_MAINTENANCE_ERROR_NOT_SUPPORTED,
               "a log of lines cannot do that: it has %s (%s)", what, advice);
}

static char **
check (ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  refuse ("no store that could be damaged beside its lines", "see zuctl log verify", error);
  return NULL;
}

static ZuRekeyPage *
rekey (ZuEventMaintenance *sink, gint64 after_seq, gint64 limit, GCancellable *cancellable,
       GError **error)
{
  refuse ("no keys: its lines are plain text", "keep the log in sqlite", error);
  return NULL;
}

static ZuReindexPage *
reindex (ZuEventMaintenance *sink, const char *const *fields, gint64 limit,
         GCancellable *cancellable, GError **error)
{
  refuse ("no side index", "its filters ask each event", error);
  return NULL;
}

void
zu_jsonl_sink_maintenance_init (ZuEventMaintenanceInterface *iface)
{
  iface->prepare = prepare;
  iface->stat = stat_log;
  iface->measure_sync = measure_sync;
  iface->check = check;
  iface->backup = backup;
  iface->rekey = rekey;
  iface->reindex = reindex;
}
