/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-log-pages.h"
#include "zuctl-log-rows.h"
#include "zuctl-output.h"

#include <string.h>

/* How often a log is asked for what other processes appended. */
#define FOLLOW_MS 100

typedef struct
{
  GStrv filters;
  GStrv nulls;
} FilterOptions;

static void
filter_options_clear (FilterOptions *options)
{
  g_strfreev (options->filters);
  g_strfreev (options->nulls);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FilterOptions, filter_options_clear)

#define FILTER_ENTRIES(options)                                       \
  { "filter",                                                         \
    0,                                                                \
    0,                                                                \
    G_OPTION_ARG_STRING_ARRAY,                                        \
    &(options).filters,                                               \
    "Only events whose field has this value; may be given again",     \
    "FIELD=VALUE" },                                                  \
  {                                                                   \
    "null", 0, 0, G_OPTION_ARG_STRING_ARRAY, &(options).nulls,        \
        "Only events without this field; may be given again", "FIELD" \
  }

static ZuFilter *
new_filter (const FilterOptions *options, GError **error)
{
  g_autoptr (ZuFilter) filter = zu_filter_new ();

  for (guint i = 0; options->filters != NULL && options->filters[i] != NULL; i++)
    {
      const char *equals = strchr (options->filters[i], '=');
      g_autofree char *field = NULL;

      if (equals == NULL || equals == options->filters[i])
        {
          g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                       "--filter %s: there must be a field and a value (as in type=data.x)",
                       options->filters[i]);
          return NULL;
        }
      field = g_strndup (options->filters[i], equals - options->filters[i]);
      zu_filter_add (filter, field, equals + 1);
    }
  for (guint i = 0; options->nulls != NULL && options->nulls[i] != NULL; i++)
    zu_filter_add (filter, options->nulls[i], NULL);
  return g_steal_pointer (&filter);
}

static void
on_found (ZuAuditFinding *finding, gpointer user_data)
{
  int *status = user_data;

  if (zu_audit_finding_get_kind (finding) != ZU_FINDING_KIND_UNDECODABLE)
    return;
  zuctl_report (zu_audit_finding_get_text (finding));
  *status = ZUCTL_ERROR;
}

static gboolean
check_numbers (gint64 after_seq, gint64 limit, GError **error)
{
  if (after_seq >= 0 && limit >= -1)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "--%s: it cannot be negative%s",
               after_seq < 0 ? "after-seq" : "limit",
               after_seq < 0 ? "" : " (except -1, which is all)");
  return FALSE;
}

static gboolean
print_pages (ZuctlPages *pages, ZuctlRows *rows, GError **error)
{
  for (;;)
    {
      g_autoptr (GPtrArray) events = zuctl_pages_next (pages, error);

      if (events == NULL)
        return FALSE;
      if (events->len == 0)
        return TRUE;
      zuctl_rows_add (rows, events);
      if (!zuctl_flush (error))
        return FALSE;
    }
}

int
zuctl_log_query (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (FilterOptions) filters = { NULL };
  gint64 after_seq = 0, limit = -1;
  const GOptionEntry entries[] = { FILTER_ENTRIES (filters),
                                   { "after-seq", 0, 0, G_OPTION_ARG_INT64, &after_seq,
                                     "Only what stands after this position", "N" },
                                   { "limit", 0, 0, G_OPTION_ARG_INT64, &limit,
                                     "At most so many; 0 gives none, -1 all", "N" },
                                   G_OPTION_ENTRY_NULL };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuFilter) filter = NULL;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuctlPages) pages = NULL;
  g_autoptr (ZuctlRows) rows = NULL;
  int status = ZUCTL_DONE;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  filter = new_filter (&filters, error);
  if (filter == NULL || !check_numbers (after_seq, limit, error))
    return ZUCTL_ERROR;
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  rows = zuctl_rows_new (options.is_json);
  pages = zuctl_pages_new (sink, filter, after_seq, limit);
  zuctl_pages_set_found (pages, on_found, &status);
  if (!print_pages (pages, rows, error))
    return ZUCTL_ERROR;
  zuctl_rows_end (rows);
  return status;
}

static void
print_count (gint64 count, gboolean is_json)
{
  zuctl_print (is_json ? "{\"count\":%" G_GINT64_FORMAT "}\n" : "%" G_GINT64_FORMAT "\n", count);
}

int
zuctl_log_count (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (FilterOptions) filters = { NULL };
  const GOptionEntry entries[] = { FILTER_ENTRIES (filters), G_OPTION_ENTRY_NULL };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuFilter) filter = NULL;
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (GError) why = NULL;
  gint64 count;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  filter = new_filter (&filters, error);
  if (filter == NULL)
    return ZUCTL_ERROR;
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  count = zu_event_sink_count (sink, filter, NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot read the log: ");
      return ZUCTL_ERROR;
    }
  print_count (count, options.is_json);
  return ZUCTL_DONE;
}

/* Keeps the last N of what the pages have. */
static GPtrArray *
collect_last (ZuctlPages *pages, gint64 n, GError **error)
{
  g_autoptr (GPtrArray) last = g_ptr_array_new_with_free_func (g_object_unref);

  for (;;)
    {
      g_autoptr (GPtrArray) events = zuctl_pages_next (pages, error);

      if (events == NULL)
        return NULL;
      if (events->len == 0)
        return g_steal_pointer (&last);
      for (guint i = 0; i < events->len; i++)
        g_ptr_array_add (last, g_object_ref (g_ptr_array_index (events, i)));
      if (last->len > n)
        g_ptr_array_remove_range (last, 0, last->len - n);
    }
}

static gboolean
follow (ZuctlPages *pages, ZuctlRows *rows, GError **error)
{
  while (print_pages (pages, rows, error))
    g_usleep (FOLLOW_MS * 1000);
  return FALSE;
}

static gboolean
print_last (ZuctlPages *pages, ZuctlRows *rows, gint64 n, GError **error)
{
  g_autoptr (GPtrArray) last = collect_last (pages, n, error);

  if (last == NULL)
    return FALSE;
  zuctl_rows_add (rows, last);
  zuctl_rows_end (rows);
  return zuctl_flush (error);
}

/* Positions never fall behind the count, so the last N stand after the count less N. */
static ZuctlPages *
new_last_pages (ZuEventSink *sink, gint64 n, GError **error)
{
  g_autoptr (GError) why = NULL;
  gint64 count = zu_event_sink_count (sink, NULL, NULL, &why);

  if (why == NULL)
    return zuctl_pages_new (sink, NULL, MAX (0, count - n), -1);

  g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot read the log: ");
  return NULL;
}

int
zuctl_log_tail (const ZuctlCommand *command, GStrv words, GError **error)
{
  gint64 n = 10;
  gboolean is_following = FALSE;
  const GOptionEntry entries[] = { { "lines", 'n', 0, G_OPTION_ARG_INT64, &n,
                                     "How many of the last events; 10", "N" },
                                   { "follow", 'f', 0, G_OPTION_ARG_NONE, &is_following,
                                     "Go on with what is appended, by any process", NULL },
                                   G_OPTION_ENTRY_NULL };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuctlPages) pages = NULL;
  g_autoptr (ZuctlRows) rows = NULL;
  int status = ZUCTL_DONE;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  if (n < 0)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "--lines: it cannot be negative");
      return ZUCTL_ERROR;
    }
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  pages = sink != NULL ? new_last_pages (sink, n, error) : NULL;
  if (pages == NULL)
    return ZUCTL_ERROR;

  rows = zuctl_rows_new (options.is_json);
  zuctl_pages_set_found (pages, on_found, &status);
  if (!print_last (pages, rows, n, error) || (is_following && !follow (pages, rows, error)))
    return ZUCTL_ERROR;
  return status;
}
