/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-output.h"
#include "zuctl-progress.h"

/* Small enough that whoever appends meanwhile waits for some milliseconds only. */
#define PAGE_ROWS 512

/* What a command needs of a log that it looks after. */
typedef struct
{
  ZuctlLogOptions options;
  ZuctlParsed parsed;
  ZuEventSink *sink;
} Upkeep;

static void
upkeep_clear (Upkeep *self)
{
  g_clear_object (&self->sink);
  zuctl_log_options_clear (&self->options);
  zuctl_parsed_clear (&self->parsed);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Upkeep, upkeep_clear)

static const GOptionEntry no_entries[] = { G_OPTION_ENTRY_NULL };

/* The port, where the log has it. */
static ZuEventMaintenance *
get_port (const Upkeep *self, const ZuctlCommand *command, GError **error)
{
  if (ZU_IS_EVENT_MAINTENANCE (self->sink))
    return ZU_EVENT_MAINTENANCE (self->sink);

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
               "%s: this kind of log has no such verb (zuctl plugins shows the kinds; sqlite has "
               "them all)",
               command->name);
  return NULL;
}

static ZuEventMaintenance *
open_upkeep (Upkeep *self, const ZuctlCommand *command, GError **error)
{
  self->sink = zuctl_log_open (&self->options, self->parsed.rest[0], error);
  return self->sink != NULL ? get_port (self, command, error) : NULL;
}

static void
report_all (const char *const *findings)
{
  for (gsize i = 0; findings != NULL && findings[i] != NULL; i++)
    zuctl_report (findings[i]);
}

static guint
count_all (const char *const *findings)
{
  return findings != NULL ? g_strv_length ((char **) findings) : 0;
}

static void
on_copied (ZuEventMaintenance *port, gint64 done, gint64 total, gpointer user_data)
{
  zuctl_progress_tell (user_data, done, total);
}

static void
print_copy (ZuCopyFigures *figures, const char *path, gboolean is_json)
{
  g_autoptr (ZuJsonBuilder) builder = NULL;
  g_autoptr (ZuJson) json = NULL;
  gint64 n_events = zu_copy_figures_get_events (figures);

  if (!is_json)
    {
      zuctl_print ("copied %" G_GINT64_FORMAT " event%s, %" G_GINT64_FORMAT " bytes\n", n_events,
                   n_events == 1 ? "" : "s", zu_copy_figures_get_bytes (figures));
      return;
    }

  builder = zu_json_builder_new ();
  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "path");
  zu_json_builder_add_string (builder, path);
  zu_json_builder_set_member (builder, "events");
  zu_json_builder_add_int64 (builder, n_events);
  zu_json_builder_set_member (builder, "bytes");
  zu_json_builder_add_int64 (builder, zu_copy_figures_get_bytes (figures));
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  zuctl_print_json (json);
}

/* The file is the last word; the log may be left out as everywhere. */
int
zuctl_log_backup (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (Upkeep) self = { { NULL } };
  g_auto (ZuctlProgress) progress = { "copying" };
  g_autoptr (ZuCopyFigures) figures = NULL;
  g_autofree char *path = NULL;
  ZuEventMaintenance *port;
  guint n_words;

  if (!zuctl_log_parse (command, words, no_entries, &self.options, &self.parsed, error))
    return self.parsed.status;
  n_words = g_strv_length (self.parsed.rest);
  path = g_strdup (self.parsed.rest[n_words - 1]);
  if (n_words == 1)
    g_clear_pointer (&self.parsed.rest[0], g_free);
  port = open_upkeep (&self, command, error);
  if (port == NULL)
    return ZUCTL_ERROR;

  g_signal_connect (port, "copied", G_CALLBACK (on_copied), &progress);
  figures = zu_event_maintenance_backup (port, path, NULL, error);
  g_signal_handlers_disconnect_by_data (port, &progress);
  zuctl_progress_clear (&progress);
  if (figures == NULL)
    {
      g_prefix_error (error, "no copy was made: ");
      return ZUCTL_ERROR;
    }
  print_copy (figures, path, self.options.is_json);
  return ZUCTL_DONE;
}

typedef struct
{
  gint64 n_rewritten;
  gint64 n_passed;
  gint64 n_left;
} Rekeyed;

/* Page by page; what is broken off is taken up by calling again. */
static gboolean
rekey_all (ZuEventMaintenance *port, Rekeyed *sums, GError **error)
{
  g_auto (ZuctlProgress) progress = { "rewriting" };
  gboolean is_done = FALSE;
  gint64 seq = 0;

  while (!is_done)
    {
      g_autoptr (ZuRekeyPage) page = zu_event_maintenance_rekey (port, seq, PAGE_ROWS, NULL, error);

      if (page == NULL)
        return FALSE;
      seq = zu_rekey_page_get_next_seq (page);
      sums->n_rewritten += zu_rekey_page_get_rewritten (page);
      sums->n_passed += zu_rekey_page_get_passed (page);
      sums->n_left += count_all (zu_rekey_page_get_findings (page));
      if (zu_rekey_page_get_findings (page) != NULL)
        zuctl_progress_clear (&progress);
      report_all (zu_rekey_page_get_findings (page));
      zuctl_progress_tell (&progress, seq, zu_rekey_page_get_last_seq (page));
      is_done = zu_rekey_page_get_is_done (page);
    }

  return TRUE;
}

int
zuctl_log_rekey (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (Upkeep) self = { { NULL } };
  Rekeyed sums = { 0 };
  ZuEventMaintenance *port;

  if (!zuctl_log_parse (command, words, no_entries, &self.options, &self.parsed, error))
    return self.parsed.status;
  if (self.options.codecs == NULL)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "log rekey: --codec is missing: it names what the log is rewritten with "
                           "(as in --codec managed-aes-gcm)");
      return ZUCTL_ERROR;
    }
  self.options.writes = TRUE;
  port = open_upkeep (&self, command, error);
  if (port == NULL)
    return ZUCTL_ERROR;
  if (!rekey_all (port, &sums, error))
    {
      g_prefix_error (error, "not all is rewritten (call it again to go on): ");
      return ZUCTL_ERROR;
    }

  zuctl_print (self.options.is_json
                   ? "{\"rewritten\":%" G_GINT64_FORMAT ",\"passed\":%" G_GINT64_FORMAT
                     ",\"left\":%" G_GINT64_FORMAT "}\n"
                   : "rewrote %" G_GINT64_FORMAT " rows; %" G_GINT64_FORMAT
                     " were under the current key; %" G_GINT64_FORMAT " left as they are\n",
               sums.n_rewritten, sums.n_passed, sums.n_left);
  return sums.n_left == 0 ? ZUCTL_DONE : ZUCTL_NO;
}

static gboolean
reindex_all (ZuEventMaintenance *port, gint64 *seq, gint64 *n_left, GError **error)
{
  g_auto (ZuctlProgress) progress = { "indexing" };
  gboolean is_done = FALSE;

  while (!is_done)
    {
      g_autoptr (ZuReindexPage) page =
          zu_event_maintenance_reindex (port, NULL, PAGE_ROWS, NULL, error);

      if (page == NULL)
        return FALSE;
      *seq = zu_reindex_page_get_seq (page);
      *n_left += count_all (zu_reindex_page_get_findings (page));
      if (zu_reindex_page_get_findings (page) != NULL)
        zuctl_progress_clear (&progress);
      report_all (zu_reindex_page_get_findings (page));
      zuctl_progress_tell (&progress, *seq, zu_reindex_page_get_last_seq (page));
      is_done = zu_reindex_page_get_is_done (page);
    }

  return TRUE;
}

int
zuctl_log_reindex (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (Upkeep) self = { { NULL } };
  gint64 seq = 0, n_left = 0;
  ZuEventMaintenance *port;

  if (!zuctl_log_parse (command, words, no_entries, &self.options, &self.parsed, error))
    return self.parsed.status;
  port = open_upkeep (&self, command, error);
  if (port == NULL)
    return ZUCTL_ERROR;
  if (!reindex_all (port, &seq, &n_left, error))
    {
      g_prefix_error (error, "the side index is not rebuilt (call it again to go on): ");
      return ZUCTL_ERROR;
    }

  zuctl_print (self.options.is_json ? "{\"seq\":%" G_GINT64_FORMAT ",\"left\":%" G_GINT64_FORMAT
                                      "}\n"
                                    : "rebuilt up to row %" G_GINT64_FORMAT "; %" G_GINT64_FORMAT
                                      " rows cannot be read\n",
               seq, n_left);
  return n_left == 0 ? ZUCTL_DONE : ZUCTL_NO;
}

/* Where a sink has no verb for it, an empty append opens the log as a writer does. */
static gboolean
make_log (ZuEventSink *sink, GError **error)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GPtrArray) stored = NULL;

  if (ZU_IS_EVENT_MAINTENANCE (sink))
    return zu_event_maintenance_prepare (ZU_EVENT_MAINTENANCE (sink), NULL, error);

  stored = zu_event_sink_append_many (sink, none, NULL, error);
  return stored != NULL;
}

int
zuctl_log_init (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (Upkeep) self = { { NULL } };

  if (!zuctl_log_parse (command, words, no_entries, &self.options, &self.parsed, error))
    return self.parsed.status;
  self.sink = zuctl_log_open_to_write (&self.options, self.parsed.rest[0], error);
  if (self.sink == NULL)
    return ZUCTL_ERROR;
  if (make_log (self.sink, error))
    return ZUCTL_DONE;

  g_prefix_error (error, "cannot make the log: ");
  return ZUCTL_ERROR;
}
