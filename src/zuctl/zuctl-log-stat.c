/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-log-pages.h"
#include "zuctl-output.h"
#include "zuctl-progress.h"
#include "zuctl-text.h"

#define FSYNC_MS 500

/* Figures of a log: what its sink tells of itself, and what only reading each event tells. */
typedef struct
{
  ZuLogFigures *quick; /* NULL where the sink has none */
  ZuSyncFigures *sync;
  GStrv problems; /* NULL where nobody asked */

  gboolean is_read; /* each event was: then these hold */
  guint64 n_events;
  guint64 n_linked;
  guint64 n_signed;
  guint64 n_unreadable;
  char *first_ts;
  char *last_ts;
  GHashTable *traces;
  GHashTable *types; /* name to gint64 */
} Figures;

static void
figures_clear (Figures *figures)
{
  g_clear_object (&figures->quick);
  g_clear_object (&figures->sync);
  g_strfreev (figures->problems);
  g_free (figures->first_ts);
  g_free (figures->last_ts);
  g_clear_pointer (&figures->traces, g_hash_table_unref);
  g_clear_pointer (&figures->types, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Figures, figures_clear)

static void
count_type (Figures *figures, const char *type)
{
  gint64 *n = g_hash_table_lookup (figures->types, type);

  if (n == NULL)
    {
      n = g_new0 (gint64, 1);
      g_hash_table_insert (figures->types, g_strdup (type), n);
    }
  (*n)++;
}

static void
count_event (Figures *figures, ZuEvent *event)
{
  figures->n_events++;
  figures->n_linked += zu_event_is_linked (event);
  figures->n_signed += zu_event_get_sig (event) != NULL;
  if (figures->first_ts == NULL)
    figures->first_ts = g_strdup (zu_event_get_ts (event));
  g_free (figures->last_ts);
  figures->last_ts = g_strdup (zu_event_get_ts (event));
  if (!g_hash_table_contains (figures->traces, zu_event_get_trace_id (event)))
    g_hash_table_add (figures->traces, g_strdup (zu_event_get_trace_id (event)));
  count_type (figures, zu_event_get_event_type (event));
}

static void
on_found (ZuAuditFinding *finding, gpointer user_data)
{
  Figures *figures = user_data;

  figures->n_unreadable += zu_audit_finding_get_kind (finding) == ZU_FINDING_KIND_UNDECODABLE;
}

static gboolean
read_events (Figures *figures, ZuEventSink *sink, GError **error)
{
  g_autoptr (ZuctlPages) pages = zuctl_pages_new (sink, NULL, 0, -1);
  g_auto (ZuctlProgress) progress = { "reading" };

  figures->is_read = TRUE;
  figures->traces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  figures->types = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  zuctl_pages_set_found (pages, on_found, figures);
  for (;;)
    {
      g_autoptr (GPtrArray) events = zuctl_pages_next (pages, error);

      if (events == NULL)
        return FALSE;
      if (events->len == 0)
        return TRUE;
      for (guint i = 0; i < events->len; i++)
        count_event (figures, g_ptr_array_index (events, i));
      if (figures->quick != NULL)
        zuctl_progress_tell (&progress, (gint64) figures->n_events,
                             zu_log_figures_get_events (figures->quick));
    }
}

typedef struct
{
  gboolean is_full;
  gboolean checks;
  gboolean measures;
} Wanted;

static gboolean
ask_port (Figures *figures, ZuEventMaintenance *port, const Wanted *wanted, GError **error)
{
  figures->quick = zu_event_maintenance_stat (port, NULL, error);
  if (figures->quick == NULL)
    return FALSE;

  if (wanted->measures)
    {
      figures->sync = zu_event_maintenance_measure_sync (port, FSYNC_MS, NULL, error);
      if (figures->sync == NULL)
        return FALSE;
    }
  if (wanted->checks)
    {
      figures->problems = zu_event_maintenance_check (port, NULL, error);
      if (figures->problems == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
gather (Figures *figures, ZuEventSink *sink, const Wanted *wanted, GError **error)
{
  gboolean has_port = ZU_IS_EVENT_MAINTENANCE (sink);

  if (!has_port && (wanted->checks || wanted->measures))
    {
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
                   "log stat: this kind of log cannot %s (leave --%s out)",
                   wanted->checks ? "be checked" : "be measured",
                   wanted->checks ? "check" : "fsync");
      return FALSE;
    }
  if (has_port && !ask_port (figures, ZU_EVENT_MAINTENANCE (sink), wanted, error))
    return FALSE;

  return (has_port && !wanted->is_full) || read_events (figures, sink, error);
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (a, b);
}

static ZuJson *
types_to_json (GHashTable *types)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (types), compare);

  zu_json_builder_begin_object (builder);
  for (GList *l = names; l != NULL; l = l->next)
    {
      zu_json_builder_set_member (builder, l->data);
      zu_json_builder_add_int64 (builder, *(gint64 *) g_hash_table_lookup (types, l->data));
    }
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static void
set_number (ZuJsonBuilder *builder, const char *name, gboolean is_known, gint64 value)
{
  zu_json_builder_set_member (builder, name);
  if (is_known)
    zu_json_builder_add_int64 (builder, value);
  else
    zu_json_builder_add_null (builder);
}

static void
set_text (ZuJsonBuilder *builder, const char *name, const char *value)
{
  zu_json_builder_set_member (builder, name);
  if (value != NULL)
    zu_json_builder_add_string (builder, value);
  else
    zu_json_builder_add_null (builder);
}

static void
set_json (ZuJsonBuilder *builder, const char *name, ZuJson *value)
{
  zu_json_builder_set_member (builder, name);
  if (value != NULL)
    zu_json_builder_add_json (builder, value);
  else
    zu_json_builder_add_null (builder);
}

static void
set_texts (ZuJsonBuilder *builder, const char *name, const char *const *values)
{
  zu_json_builder_set_member (builder, name);
  if (values == NULL)
    {
      zu_json_builder_add_null (builder);
      return;
    }
  zu_json_builder_begin_array (builder);
  for (gsize i = 0; values[i] != NULL; i++)
    zu_json_builder_add_string (builder, values[i]);
  zu_json_builder_end_array (builder);
}

/* The same keys whatever is known. */
static void
print_json_figures (const Figures *figures)
{
  ZuLogFigures *quick = figures->quick;
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL, types = NULL, sync = NULL;

  types = quick != NULL ? zu_json_ref (zu_log_figures_get_types (quick))
                        : types_to_json (figures->types);
  sync = figures->sync != NULL ? zu_sync_figures_to_json (figures->sync) : NULL;
  zu_json_builder_begin_object (builder);
  set_number (builder, "events", TRUE,
              quick != NULL ? zu_log_figures_get_events (quick) : (gint64) figures->n_events);
  set_number (builder, "traces", TRUE,
              quick != NULL ? zu_log_figures_get_traces (quick)
                            : (gint64) g_hash_table_size (figures->traces));
  set_number (builder, "bytes", quick != NULL,
              quick != NULL ? zu_log_figures_get_bytes (quick) : 0);
  set_number (builder, "linked", figures->is_read, (gint64) figures->n_linked);
  set_number (builder, "signed", figures->is_read, (gint64) figures->n_signed);
  set_number (builder, "undecodable", figures->is_read, (gint64) figures->n_unreadable);
  set_text (builder, "first_ts",
            quick != NULL ? zu_log_figures_get_first_ts (quick) : figures->first_ts);
  set_text (builder, "last_ts",
            quick != NULL ? zu_log_figures_get_last_ts (quick) : figures->last_ts);
  set_json (builder, "types", types);
  set_json (builder, "versions", quick != NULL ? zu_log_figures_get_versions (quick) : NULL);
  set_json (builder, "keys", quick != NULL ? zu_log_figures_get_keys (quick) : NULL);
  set_texts (builder, "index", quick != NULL ? zu_log_figures_get_fields (quick) : NULL);
  set_json (builder, "fsync", sync);
  set_texts (builder, "problems", (const char *const *) figures->problems);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  zuctl_print_json (json);
}

static void
print_number (const char *name, gint64 value)
{
  zuctl_print ("%-12s %" G_GINT64_FORMAT "\n", name, value);
}

static void
print_text (const char *name, const char *value)
{
  g_autofree char *printable = zuctl_dup_printable (value != NULL ? value : "-");

  zuctl_print ("%-12s %s\n", name, printable);
}

/* An object of numbers: a line each. */
static void
print_counts (const char *name, ZuJson *counts)
{
  for (gsize i = 0; counts != NULL && i < zu_json_get_size (counts); i++)
    {
      g_autoptr (ZuJson) value =
          zu_json_dup_member (counts, zu_json_get_member_name (counts, i, NULL));
      g_autofree char *text = NULL;
      gint64 n = 0;

      zu_json_get_int64 (value, &n);
      text = g_strdup_printf ("%s %" G_GINT64_FORMAT, zu_json_get_member_name (counts, i, NULL), n);
      print_text (name, text);
    }
}

static void
print_read (const Figures *figures)
{
  if (!figures->is_read)
    return;
  print_number ("linked", (gint64) figures->n_linked);
  print_number ("signed", (gint64) figures->n_signed);
  print_number ("undecodable", (gint64) figures->n_unreadable);
}

static void
print_quick (const Figures *figures)
{
  ZuLogFigures *quick = figures->quick;
  const char *const *fields = zu_log_figures_get_fields (quick);

  print_number ("events", zu_log_figures_get_events (quick));
  print_number ("traces", zu_log_figures_get_traces (quick));
  print_number ("bytes", zu_log_figures_get_bytes (quick));
  print_read (figures);
  print_text ("first", zu_log_figures_get_first_ts (quick));
  print_text ("last", zu_log_figures_get_last_ts (quick));
  print_counts ("type", zu_log_figures_get_types (quick));
  print_counts ("version", zu_log_figures_get_versions (quick));
  print_counts ("key", zu_log_figures_get_keys (quick));
  for (gsize i = 0; fields != NULL && fields[i] != NULL; i++)
    print_text ("index", fields[i]);
}

static void
print_counted (const Figures *figures)
{
  g_autoptr (ZuJson) types = types_to_json (figures->types);

  print_number ("events", (gint64) figures->n_events);
  print_number ("traces", g_hash_table_size (figures->traces));
  print_read (figures);
  print_text ("first", figures->first_ts);
  print_text ("last", figures->last_ts);
  print_counts ("type", types);
}

static void
print_figures (const Figures *figures)
{
  if (figures->quick != NULL)
    print_quick (figures);
  else
    print_counted (figures);
  if (figures->sync != NULL)
    zuctl_print ("%-12s %.0f a second (half within %.0f us, slowest %.0f us)\n", "fsync",
                 zu_sync_figures_get_per_second (figures->sync),
                 zu_sync_figures_get_median_us (figures->sync),
                 zu_sync_figures_get_slowest_us (figures->sync));
  for (gsize i = 0; figures->problems != NULL && figures->problems[i] != NULL; i++)
    print_text ("problem", figures->problems[i]);
}

int
zuctl_log_stat (const ZuctlCommand *command, GStrv words, GError **error)
{
  Wanted wanted = { FALSE };
  const GOptionEntry entries[] = {
    { "full", 0, 0, G_OPTION_ARG_NONE, &wanted.is_full,
      "Read each event: how many are linked, signed, undecodable", NULL },
    { "check", 0, 0, G_OPTION_ARG_NONE, &wanted.checks, "Check the store itself for damage", NULL },
    { "fsync", 0, 0, G_OPTION_ARG_NONE, &wanted.measures,
      "Measure for half a second how fast the log's folder makes writes durable", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Figures) figures = { NULL };
  g_autoptr (ZuEventSink) sink = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL || !gather (&figures, sink, &wanted, error))
    return ZUCTL_ERROR;

  if (options.is_json)
    print_json_figures (&figures);
  else
    print_figures (&figures);
  return figures.problems == NULL || *figures.problems == NULL ? ZUCTL_DONE : ZUCTL_NO;
}
