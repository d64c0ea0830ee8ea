/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-anchor-heads-private.h"

#define PAGE_SIZE 512
/* What is known of a trace only saves reading it again. */
#define MOST_TRACES 8192

/* How far a trace is verified. */
typedef struct
{
  guint64 n_events;
  char *head;
  gint64 after_seq;
} Trace;

struct _ZuAnchorHeads
{
  ZuEventSink *sink;
  GHashTable *traces; /* trace id to Trace */
};

static void
trace_free (gpointer data)
{
  Trace *trace = data;

  g_free (trace->head);
  g_free (trace);
}

ZuAnchorHeads *
zu_anchor_heads_new (ZuEventSink *sink)
{
  ZuAnchorHeads *self = g_new0 (ZuAnchorHeads, 1);

  self->sink = g_object_ref (sink);
  self->traces = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, trace_free);
  return self;
}

void
zu_anchor_heads_free (ZuAnchorHeads *self)
{
  g_object_unref (self->sink);
  g_hash_table_unref (self->traces);
  g_free (self);
}

static Trace *
get_trace (ZuAnchorHeads *self, const char *trace_id)
{
  Trace *trace = g_hash_table_lookup (self->traces, trace_id);

  if (trace != NULL)
    return trace;
  if (g_hash_table_size (self->traces) >= MOST_TRACES)
    g_hash_table_remove_all (self->traces);
  trace = g_new0 (Trace, 1);
  g_hash_table_insert (self->traces, g_strdup (trace_id), trace);
  return trace;
}

/* Hands all events of the trace behind @after_seq to the verifier. */
static gboolean
read_on (ZuAnchorHeads *self, const char *trace_id, gint64 *after_seq, ZuChainVerifier *verifier,
         GError **error)
{
  g_autoptr (ZuFilter) filter = zu_filter_new ();

  zu_filter_add (filter, "trace_id", trace_id);
  for (;;)
    {
      g_autoptr (ZuEventPage) page =
          zu_event_sink_stream (self->sink, filter, *after_seq, PAGE_SIZE, NULL, error);
      GPtrArray *events;

      if (page == NULL)
        return FALSE;
      events = zu_event_page_get_events (page);
      if (events->len == 0)
        return TRUE;
      for (guint i = 0; i < events->len; i++)
        zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
      *after_seq = zu_event_page_get_next_seq (page);
    }
}

static gboolean
check_violations (ZuChainVerifier *verifier, const char *trace_id, GError **error)
{
  GPtrArray *violations = zu_chain_verifier_get_violations (verifier);

  if (violations->len == 0)
    return TRUE;

  g_set_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_CONFLICT,
               "trace %s is not anchored: it is not intact: %s (verify the log)", trace_id,
               zu_violation_get_text (g_ptr_array_index (violations, 0)));
  return FALSE;
}

static gboolean
verify_on (ZuAnchorHeads *self, const char *trace_id, Trace *trace, GError **error)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (NULL);
  g_autoptr (ZuAnchor) heads = NULL;
  gint64 after_seq = trace->after_seq;

  if (trace->head != NULL)
    zu_chain_verifier_expect_head (verifier, trace_id, trace->head);
  if (!read_on (self, trace_id, &after_seq, verifier, error))
    return FALSE;
  zu_chain_verifier_end (verifier);
  if (!check_violations (verifier, trace_id, error))
    return FALSE;
  if (zu_chain_verifier_get_n_events (verifier) == 0)
    return TRUE;

  heads = zu_chain_verifier_dup_heads (verifier);
  trace->n_events += zu_chain_verifier_get_n_events (verifier);
  trace->after_seq = after_seq;
  g_free (trace->head);
  trace->head = g_strdup (zu_anchor_get_head (heads, 0));
  return TRUE;
}

/* Adds the present head of a trace. To write down the head of one that is not intact would make
 * its state the truth: that is an error, and the trace is read from its beginning the next time. */
gboolean
zu_anchor_heads_add (ZuAnchorHeads *self, const char *trace_id, ZuAnchor *anchor, GError **error)
{
  Trace *trace = get_trace (self, trace_id);

  if (!verify_on (self, trace_id, trace, error))
    {
      g_hash_table_remove (self->traces, trace_id);
      return FALSE;
    }
  if (trace->head != NULL)
    zu_anchor_add (anchor, trace_id, trace->n_events, trace->head);
  return TRUE;
}
