/* SPDX-License-Identifier: Apache-2.0 */

/* What a verifier compares a log with: what was seen of it before, and what it says of itself. */

#include "zu-chain-verify-private.h"

void
zu_chain_verifier_forget_anchor (ZuChainVerifier *self)
{
  for (guint i = 0; i < self->n_anchored; i++)
    g_free (self->derived[i]);
  g_clear_pointer (&self->derived, g_free);
  g_clear_object (&self->anchor);
  self->n_anchored = 0;
  for (guint i = 0; i < self->traces->len; i++)
    g_clear_pointer (&((ZuChainTrace *) g_ptr_array_index (self->traces, i))->anchored,
                     g_array_unref);
}

/* Records of one trace, the furthest first. */
static int
compare_records (gconstpointer a, gconstpointer b, gpointer anchor)
{
  guint64 x = zu_anchor_peek (anchor, *(const guint *) a)->seq;
  guint64 y = zu_anchor_peek (anchor, *(const guint *) b)->seq;

  return (x < y) - (x > y);
}

static void
add_record (ZuChainVerifier *self, guint index)
{
  const char *id = zu_anchor_peek (self->anchor, index)->trace_id;
  ZuChainTrace *trace = zu_chain_verifier_ensure_trace (self, id, strlen (id));

  if (trace->anchored == NULL)
    trace->anchored = g_array_new (FALSE, FALSE, sizeof index);
  g_array_append_val (trace->anchored, index);
}

/**
 * zu_chain_verifier_set_anchor:
 * @self: a verifier that no event was added to yet
 * @anchor: the anchor
 *
 * Compares the log with what was seen of it before. The records that @anchor has now count; what is
 * wrong is told by [method@Zu.ChainVerifier.end].
 */
void
zu_chain_verifier_set_anchor (ZuChainVerifier *self, ZuAnchor *anchor)
{
  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (ZU_IS_ANCHOR (anchor));
  g_return_if_fail (self->n_events == 0);
  g_return_if_fail (self->anchor == NULL);

  self->anchor = g_object_ref (anchor);
  self->n_anchored = zu_anchor_get_size (anchor);
  self->derived = g_new0 (char *, self->n_anchored);
  for (guint i = 0; i < self->n_anchored; i++)
    add_record (self, i);
  for (guint i = 0; i < self->traces->len; i++)
    {
      ZuChainTrace *trace = g_ptr_array_index (self->traces, i);

      if (trace->anchored != NULL)
        g_array_sort_with_data (trace->anchored, compare_records, anchor);
    }
}

void
zu_chain_trace_set_sealed_head (ZuChainTrace *self, ZuSealVerifier *seals)
{
  const char *head = zu_seal_verifier_get_head (seals, self->id);

  self->sealed_head = (ZuEventText){ head, head == NULL ? 0 : strlen (head) };
}

/**
 * zu_chain_verifier_set_seals:
 * @self: a verifier that no event was added to yet
 * @seals: the seals of the log, read before its events are
 *
 * Compares the log with its seals. What does not fit is told by [method@Zu.ChainVerifier.end],
 * which ends @seals too; what they do not cover, @seals tells afterwards.
 */
void
zu_chain_verifier_set_seals (ZuChainVerifier *self, ZuSealVerifier *seals)
{
  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (ZU_IS_SEAL_VERIFIER (seals));
  g_return_if_fail (self->n_events == 0);
  g_return_if_fail (self->seals == NULL);

  self->seals = g_object_ref (seals);
  for (guint i = 0; i < self->traces->len; i++)
    zu_chain_trace_set_sealed_head (g_ptr_array_index (self->traces, i), seals);
}

static void
check_record (ZuChainVerifier *self, const ZuAnchorRecord *record, const char *derived)
{
  g_autofree char *text = NULL;
  g_auto (ZuBuffer) head = { 0 };

  if (derived == NULL)
    {
      text = g_strdup_printf ("anchor for trace %s: seq %" G_GUINT64_FORMAT " out of range",
                              record->trace_id, record->seq);
      zu_chain_verifier_report (self, ZU_VIOLATION_KIND_ANCHOR_OUT_OF_RANGE, record->trace_id,
                                text);
      return;
    }
  if (strcmp (derived, record->head) == 0)
    return;
  zu_python_write_text (record->head, strlen (record->head), &head);
  zu_buffer_append_char (&head, '\0');
  text = g_strdup_printf ("anchor for trace %s seq %" G_GUINT64_FORMAT
                          ": re-derived head '%s' != anchored %s — full rewrite / divergence",
                          record->trace_id, record->seq, derived, head.data);
  zu_chain_verifier_report (self, ZU_VIOLATION_KIND_ANCHOR_DIVERGENCE, record->trace_id, text);
}

/* Traces of which something was found, be it rows that could not be read. */
static void
check_seals (ZuChainVerifier *self)
{
  GPtrArray *violations = zu_seal_verifier_get_violations (self->seals);

  for (guint i = 0; i < self->traces->len; i++)
    {
      const ZuChainTrace *trace = g_ptr_array_index (self->traces, i);

      if (trace->n_events > 0 || trace->n_unreadable > 0)
        zu_seal_verifier_add_trace (self->seals, trace->id, trace->n_events, trace->n_unreadable,
                                    trace->n_to_head, trace->n_violations == 0);
    }
  zu_seal_verifier_end (self->seals);
  for (guint i = 0; i < violations->len; i++)
    zu_chain_verifier_add_violation (self, g_ptr_array_index (violations, i));
}

/**
 * zu_chain_verifier_end:
 * @self: a verifier
 *
 * Ends the log: tells, in the order of the anchor, which of its records do not hold, and then what
 * does not fit its seals.
 */
void
zu_chain_verifier_end (ZuChainVerifier *self)
{
  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));

  for (guint i = 0; i < self->n_anchored; i++)
    check_record (self, zu_anchor_peek (self->anchor, i), self->derived[i]);
  zu_chain_verifier_forget_anchor (self);
  if (self->seals != NULL)
    check_seals (self);
  for (guint i = 0; i < self->traces->len; i++)
    ((ZuChainTrace *) g_ptr_array_index (self->traces, i))->sealed_head.text = NULL;
  g_clear_object (&self->seals);
}

/**
 * zu_chain_verifier_dup_heads:
 * @self: a verifier
 *
 * Gives the present heads, derived from the contents: what an anchor file should get.
 *
 * Returns: (transfer full): a record for each trace, in the order of their first events
 */
ZuAnchor *
zu_chain_verifier_dup_heads (ZuChainVerifier *self)
{
  ZuAnchor *heads;

  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), NULL);

  heads = zu_anchor_new ();
  for (guint i = 0; i < self->seen->len; i++)
    {
      ZuChainTrace *trace = g_ptr_array_index (self->seen, i);

      zu_anchor_add (heads, trace->id, trace->n_events, trace->derived);
    }
  return heads;
}
