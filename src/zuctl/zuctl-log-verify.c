/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

#include "zuctl-log-options.h"
#include "zuctl-log-pages.h"
#include "zuctl-output.h"
#include "zuctl-text.h"

/* A log on its way through a verifier. What is found is printed and forgotten as it is found. */
typedef struct
{
  ZuChainVerifier *verifier;
  gboolean is_quiet;
  gboolean is_json;
  guint n_printed;
  guint64 n_signed;
} Check;

static void
check_clear (Check *check)
{
  g_clear_object (&check->verifier);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Check, check_clear)

/* Both quote what stands in the log, which may be anything. */
static void
print_violation_line (const char *subject, const char *kind, const char *text)
{
  g_autofree char *printable_subject = zuctl_dup_printable (subject);
  g_autofree char *printable_text = zuctl_dup_printable (text);

  zuctl_print ("%s ", printable_subject);
  zuctl_set_style (ZUCTL_STYLE_BAD);
  zuctl_print ("%s", kind);
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print (" %s\n", printable_text);
}

static void
print_violation (const Check *check, ZuViolation *violation)
{
  const char *kind = zu_violation_kind_to_string (zu_violation_get_kind (violation));
  const char *subject = zu_violation_get_subject (violation);

  if (check->is_json)
    {
      g_autoptr (ZuJson) json = zuctl_new_json ("subject", subject, "kind", kind, "text",
                                                zu_violation_get_text (violation), NULL);

      zuctl_print_json (json);
      return;
    }

  print_violation_line (subject != NULL ? subject : "-", kind, zu_violation_get_text (violation));
}

static void
print_new_violations (Check *check)
{
  GPtrArray *violations = zu_chain_verifier_get_violations (check->verifier);

  for (; check->n_printed < violations->len; check->n_printed++)
    if (!check->is_quiet)
      print_violation (check, g_ptr_array_index (violations, check->n_printed));
}

static void
on_found (ZuAuditFinding *finding, gpointer user_data)
{
  Check *check = user_data;
  ZuViolationKind kind = zu_audit_finding_get_kind (finding) == ZU_FINDING_KIND_UNDECODABLE
                             ? ZU_VIOLATION_KIND_UNDECODABLE
                             : ZU_VIOLATION_KIND_INDEX_MISMATCH;
  g_autoptr (ZuViolation) violation =
      zu_violation_new (kind, zu_audit_finding_get_subject (finding),
                        zu_audit_finding_get_text (finding));

  zu_chain_verifier_add_violation (check->verifier, violation);
}

static gboolean
check_pages (Check *check, ZuctlPages *pages, GError **error)
{
  for (;;)
    {
      g_autoptr (GPtrArray) events = zuctl_pages_next (pages, error);

      if (events == NULL)
        return FALSE;
      if (events->len == 0)
        break;
      for (guint i = 0; i < events->len; i++)
        {
          ZuEvent *event = g_ptr_array_index (events, i);

          zu_chain_verifier_add (check->verifier, event);
          check->n_signed += zu_event_get_sig (event) != NULL;
        }
      print_new_violations (check);
    }

  zu_chain_verifier_end (check->verifier);
  print_new_violations (check);
  return TRUE;
}

static gboolean
check_sink (Check *check, ZuEventSink *sink, const char *trace_id, GError **error)
{
  g_autoptr (ZuFilter) filter = zu_filter_new ();
  g_autoptr (ZuctlPages) pages = NULL;

  if (trace_id != NULL)
    zu_filter_add (filter, "trace_id", trace_id);
  pages = zuctl_pages_new (sink, filter, 0, -1);
  zuctl_pages_set_found (pages, on_found, check);
  return check_pages (check, pages, error);
}

/* Compared with an anchor, of which only one trace's records count where one is asked for. */
static gboolean
set_anchor (Check *check, const char *path, const char *trace_id, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (ZuAnchor) all = zu_anchor_new_from_file (file, error);
  g_autoptr (ZuAnchor) wanted = zu_anchor_new ();

  if (all == NULL)
    {
      g_prefix_error (error, "cannot read the anchor file %s: ", path);
      return FALSE;
    }

  for (guint i = 0; i < zu_anchor_get_size (all); i++)
    if (trace_id == NULL || g_str_equal (zu_anchor_get_trace_id (all, i), trace_id))
      zu_anchor_add (wanted, zu_anchor_get_trace_id (all, i), zu_anchor_get_seq (all, i),
                     zu_anchor_get_head (all, i));
  zu_chain_verifier_set_anchor (check->verifier, wanted);
  return TRUE;
}

/* What a verification without these could not see. */
static GStrv
list_unchecked (const Check *check, const ZuctlLogOptions *options, const char *anchor)
{
  g_autoptr (GStrvBuilder) list = g_strv_builder_new ();
  guint64 n_events = zu_chain_verifier_get_n_events (check->verifier);

  if (check->n_signed < n_events)
    g_strv_builder_add (list, check->n_signed == 0 ? "unsigned" : "partly unsigned");
  if (check->n_signed > 0 && options->sign_key_file == NULL)
    g_strv_builder_add (list, "signatures not checked without --sign-key-file");
  if (anchor == NULL)
    g_strv_builder_add (list, "unanchored");
  g_strv_builder_add (list, "unsealed");
  return g_strv_builder_end (list);
}

static void
print_json_summary (const Check *check, GStrv unchecked)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "events");
  zu_json_builder_add_int64 (builder, zu_chain_verifier_get_n_events (check->verifier));
  zu_json_builder_set_member (builder, "traces");
  zu_json_builder_add_int64 (builder, zu_chain_verifier_get_n_traces (check->verifier));
  zu_json_builder_set_member (builder, "violations");
  zu_json_builder_add_int64 (builder, check->n_printed);
  zu_json_builder_set_member (builder, "intact");
  zu_json_builder_add_boolean (builder, check->n_printed == 0);
  zu_json_builder_set_member (builder, "unchecked");
  zu_json_builder_begin_array (builder);
  for (guint i = 0; unchecked[i] != NULL; i++)
    zu_json_builder_add_string (builder, unchecked[i]);
  zu_json_builder_end_array (builder);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  zuctl_print_json (json);
}

static void
print_summary (const Check *check, GStrv unchecked)
{
  guint64 n_events = zu_chain_verifier_get_n_events (check->verifier);
  guint n_traces = zu_chain_verifier_get_n_traces (check->verifier);
  g_autofree char *rest = g_strjoinv (", ", unchecked);

  zuctl_set_style (check->n_printed == 0 ? ZUCTL_STYLE_GOOD : ZUCTL_STYLE_BAD);
  if (check->n_printed == 0)
    zuctl_print ("intact");
  else
    zuctl_print ("%u violation%s", check->n_printed, check->n_printed == 1 ? "" : "s");
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print (": %" G_GUINT64_FORMAT " event%s in %u trace%s", n_events, n_events == 1 ? "" : "s",
               n_traces, n_traces == 1 ? "" : "s");
  zuctl_print (*rest != '\0' ? " (could not be checked: %s)\n" : "%s\n", rest);
}

static void
finish_verify (const Check *check, const ZuctlLogOptions *options, const char *anchor)
{
  g_auto (GStrv) unchecked = list_unchecked (check, options, anchor);

  if (check->is_json)
    print_json_summary (check, unchecked);
  else
    print_summary (check, unchecked);
}

int
zuctl_log_verify (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_autofree char *trace_id = NULL;
  g_autofree char *anchor = NULL;
  const GOptionEntry entries[] = {
    { "trace", 0, 0, G_OPTION_ARG_STRING, &trace_id, "Only this trace", "ID" },
    { "anchor", 0, 0, G_OPTION_ARG_FILENAME, &anchor, "Compare with this anchor file", "FILE" },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Check) check = { NULL };
  g_autoptr (ZuEventSink) sink = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  check.verifier = zu_chain_verifier_new (options.sign_key);
  check.is_json = options.is_json;
  if (anchor != NULL && !set_anchor (&check, anchor, trace_id, error))
    return ZUCTL_ERROR;
  if (!check_sink (&check, sink, trace_id, error))
    return ZUCTL_ERROR;

  finish_verify (&check, &options, anchor);
  return check.n_printed == 0 ? ZUCTL_DONE : ZUCTL_NO;
}

/* Writing down the heads of a log that is not intact would make its state the truth. */
static gboolean
check_is_intact (const Check *check, GError **error)
{
  if (check->n_printed == 0)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT,
               "nothing was anchored: the log has %u violation%s (see zuctl log verify)",
               check->n_printed, check->n_printed == 1 ? "" : "s");
  return FALSE;
}

static gboolean
append_anchor (ZuAnchor *heads, const char *path, GError **error)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);

  if (zu_anchor_append_to_file (heads, file, error))
    return TRUE;
  g_prefix_error (error, "cannot write the anchor file %s: ", path);
  return FALSE;
}

int
zuctl_log_anchor (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_autofree char *trace_id = NULL;
  g_autofree char *path = NULL;
  const GOptionEntry entries[] = {
    { "anchor", 0, 0, G_OPTION_ARG_FILENAME, &path, "The anchor file; must be given", "FILE" },
    { "trace", 0, 0, G_OPTION_ARG_STRING, &trace_id, "Only this trace", "ID" },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlLogOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_auto (Check) check = { NULL };
  g_autoptr (ZuEventSink) sink = NULL;
  g_autoptr (ZuAnchor) heads = NULL;

  if (!zuctl_log_parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  if (path == NULL)
    {
      g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                           "log anchor: --anchor is missing (see zuctl log anchor --help)");
      return ZUCTL_ERROR;
    }
  sink = zuctl_log_open (&options, parsed.rest[0], error);
  if (sink == NULL)
    return ZUCTL_ERROR;

  check.verifier = zu_chain_verifier_new (options.sign_key);
  check.is_quiet = TRUE;
  if (!check_sink (&check, sink, trace_id, error))
    return ZUCTL_ERROR;
  if (!check_is_intact (&check, error))
    return ZUCTL_NO;

  heads = zu_chain_verifier_dup_heads (check.verifier);
  if (!append_anchor (heads, path, error))
    return ZUCTL_ERROR;
  if (options.is_json)
    zuctl_print ("{\"anchored\":%u}\n", zu_anchor_get_size (heads));
  else
    zuctl_print ("anchored %u trace%s\n", zu_anchor_get_size (heads),
                 zu_anchor_get_size (heads) == 1 ? "" : "s");
  return ZUCTL_DONE;
}
