/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-log-pages.h"
#include "zuctl-output.h"

/* What a log holds, counted in one pass. */
typedef struct
{
  guint64 n_events;
  guint64 n_linked;
  guint64 n_signed;
  guint64 n_unreadable;
  char *first_ts;
  char *last_ts;
  GHashTable *traces;
  GHashTable *types; /* name to guint64 */
} Figures;

static void
figures_clear (Figures *figures)
{
  g_free (figures->first_ts);
  g_free (figures->last_ts);
  g_clear_pointer (&figures->traces, g_hash_table_unref);
  g_clear_pointer (&figures->types, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Figures, figures_clear)

static void
count_type (Figures *figures, const char *type)
{
  guint64 *n = g_hash_table_lookup (figures->types, type);

  if (n == NULL)
    {
      n = g_new0 (guint64, 1);
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
count_events (Figures *figures, ZuEventSink *sink, GError **error)
{
  g_autoptr (ZuctlPages) pages = zuctl_pages_new (sink, NULL, 0, -1);

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
    }
}

static GList *
list_types (const Figures *figures)
{
  return g_list_sort (g_hash_table_get_keys (figures->types), (GCompareFunc) g_strcmp0);
}

static void
set_number (ZuJsonBuilder *builder, const char *name, guint64 value)
{
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_int64 (builder, value);
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
print_json_figures (const Figures *figures)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GList) types = list_types (figures);

  zu_json_builder_begin_object (builder);
  set_number (builder, "events", figures->n_events);
  set_number (builder, "traces", g_hash_table_size (figures->traces));
  set_number (builder, "linked", figures->n_linked);
  set_number (builder, "signed", figures->n_signed);
  set_number (builder, "undecodable", figures->n_unreadable);
  set_text (builder, "first_ts", figures->first_ts);
  set_text (builder, "last_ts", figures->last_ts);
  zu_json_builder_set_member (builder, "types");
  zu_json_builder_begin_object (builder);
  for (GList *l = types; l != NULL; l = l->next)
    set_number (builder, l->data, *(guint64 *) g_hash_table_lookup (figures->types, l->data));
  zu_json_builder_end_object (builder);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  zuctl_print_json (json);
}

static void
print_figures (const Figures *figures)
{
  g_autoptr (GList) types = list_types (figures);

  zuctl_print ("events       %" G_GUINT64_FORMAT "\n", figures->n_events);
  zuctl_print ("traces       %u\n", g_hash_table_size (figures->traces));
  zuctl_print ("linked       %" G_GUINT64_FORMAT "\n", figures->n_linked);
  zuctl_print ("signed       %" G_GUINT64_FORMAT "\n", figures->n_signed);
  zuctl_print ("undecodable  %" G_GUINT64_FORMAT "\n", figures->n_unreadable);
  zuctl_print ("first        %s\n", figures->first_ts != NULL ? figures->first_ts : "-");
  zuctl_print ("last         %s\n", figures->last_ts != NULL ? figures->last_ts : "-");
  for (GList *l = types; l != NULL; l = l->next)
    zuctl_print ("type         %s %" G_GUINT64_FORMAT "\n", (const char *) l->data,
                 *(guint64 *) g_hash_table_lookup (figures->types, l->data));
}

int
zuctl_log_stat (const ZuctlCommand *command, GStrv words, GError **error)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Figures) figures = { 0 };
  g_autoptr (ZuEventSink) sink = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  figures.traces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  figures.types = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!count_events (&figures, sink, error))
    return ZUCTL_ERROR;
  if (options.is_json)
    print_json_figures (&figures);
  else
    print_figures (&figures);
  return ZUCTL_DONE;
}

/* An empty append opens the log as a writer does, which makes what is missing. */
int
zuctl_log_init (const ZuctlCommand *command, GStrv words, GError **error)
{
  const GOptionEntry entries[] = { G_OPTION_ENTRY_NULL };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GPtrArray) stored = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  sink = zuctl_log_open_to_write (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  stored = zu_event_sink_append_many (sink, none, NULL, error);
  if (stored == NULL)
    {
      g_prefix_error (error, "cannot make the log: ");
      return ZUCTL_ERROR;
    }
  return ZUCTL_DONE;
}
