/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-anchor-private.h"

#include "../event/zu-event-private.h"

#include <nettle/memops.h>

/**
 * ZuChainVerifier:
 *
 * Checks events as they come, each trace by itself, and collects what is wrong.
 *
 * For each event: whether it follows the one before it, whether its hash is that of its content,
 * and, with a key, whether its signature is right. Compared with an anchor, the head is derived
 * again from the contents alone, so that a log that was rewritten and linked again does not pass.
 * It keeps one small record a trace, however many events there are. A verifier belongs to one
 * thread at a time.
 */
struct _ZuChainVerifier
{
  GObject parent_instance;

  ZuSecret *key;
  guint64 n_events;
  GHashTable *by_id; /* of Trace, which `traces` owns */
  GPtrArray *traces;
  gpointer last;   /* the Trace of the last event: the next one is often of the same */
  GPtrArray *seen; /* of them, in the order of their first events */
  GPtrArray *violations;

  ZuAnchor *anchor;
  guint n_anchored;
  char **derived; /* by record: the head at its place; NULL until it is reached */
};

typedef struct
{
  char *id;
  guint64 n_events;
  gboolean has_expected;
  ZuBuffer expected; /* what the next event's prev_hash must be */
  gboolean has_derived;
  char derived[ZU_EVENT_DIGEST_SIZE];
  GArray *anchored; /* of guint: records of this trace that are still to come, the nearest last */
} Trace;

G_DEFINE_FINAL_TYPE (ZuChainVerifier, zu_chain_verifier, G_TYPE_OBJECT)

static void
trace_free (gpointer data)
{
  Trace *trace = data;

  g_free (trace->id);
  zu_buffer_clear (&trace->expected);
  g_array_unref (trace->anchored);
  g_free (trace);
}

static void
forget_anchor (ZuChainVerifier *self)
{
  for (guint i = 0; i < self->n_anchored; i++)
    g_free (self->derived[i]);
  g_clear_pointer (&self->derived, g_free);
  g_clear_object (&self->anchor);
  self->n_anchored = 0;
}

static void
zu_chain_verifier_finalize (GObject *object)
{
  ZuChainVerifier *self = ZU_CHAIN_VERIFIER (object);

  forget_anchor (self);
  g_clear_pointer (&self->key, zu_secret_unref);
  g_hash_table_unref (self->by_id);
  g_ptr_array_unref (self->seen);
  g_ptr_array_unref (self->traces);
  g_ptr_array_unref (self->violations);

  G_OBJECT_CLASS (zu_chain_verifier_parent_class)->finalize (object);
}

static void
zu_chain_verifier_class_init (ZuChainVerifierClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_chain_verifier_finalize;
}

static void
zu_chain_verifier_init (ZuChainVerifier *self)
{
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->traces = g_ptr_array_new_with_free_func (trace_free);
  self->seen = g_ptr_array_new ();
  self->violations = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * zu_chain_verifier_new:
 * @key: (nullable): the key that the log is signed with; without one signatures are not checked
 *
 * Makes a verifier.
 *
 * Returns: (transfer full): the verifier
 */
ZuChainVerifier *
zu_chain_verifier_new (ZuSecret *key)
{
  ZuChainVerifier *self = g_object_new (ZU_TYPE_CHAIN_VERIFIER, NULL);

  self->key = key == NULL ? NULL : zu_secret_ref (key);
  return self;
}

/* Records of one trace, the furthest first. */
static int
compare_records (gconstpointer a, gconstpointer b, gpointer anchor)
{
  guint64 x = zu_anchor_peek (anchor, *(const guint *) a)->seq;
  guint64 y = zu_anchor_peek (anchor, *(const guint *) b)->seq;

  return (x < y) - (x > y);
}

static Trace *
get_trace (ZuChainVerifier *self, const char *id)
{
  Trace *trace = self->last;

  if (trace != NULL && strcmp (trace->id, id) == 0)
    return trace;
  trace = g_hash_table_lookup (self->by_id, id);
  if (trace != NULL)
    return self->last = trace;
  trace = g_new0 (Trace, 1);
  trace->id = g_strdup (id);
  trace->anchored = g_array_new (FALSE, FALSE, sizeof (guint));
  g_ptr_array_add (self->traces, trace);
  g_hash_table_insert (self->by_id, trace->id, trace);
  return trace;
}

static void
set_expected (Trace *trace, const char *hash, gsize length)
{
  trace->has_expected = hash != NULL;
  trace->expected.length = 0;
  if (hash != NULL)
    zu_buffer_append (&trace->expected, hash, length);
}

/**
 * zu_chain_verifier_expect_head:
 * @self: a verifier
 * @trace_id: a trace of which nothing was added yet
 * @head: (nullable): the hash that its next event must follow; %NULL if it must be the first one
 *
 * Begins a trace in its middle, behind an event that is known. The head that anchors are compared
 * with is then derived from there on too.
 */
void
zu_chain_verifier_expect_head (ZuChainVerifier *self, const char *trace_id, const char *head)
{
  Trace *trace;

  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (trace_id != NULL);

  trace = get_trace (self, trace_id);
  g_return_if_fail (trace->n_events == 0);

  set_expected (trace, head, head == NULL ? 0 : strlen (head));
  trace->has_derived = head != NULL && strlen (head) == ZU_EVENT_DIGEST_SIZE - 1;
  if (trace->has_derived)
    memcpy (trace->derived, head, ZU_EVENT_DIGEST_SIZE);
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
    g_array_append_val (get_trace (self, zu_anchor_peek (anchor, i)->trace_id)->anchored, i);
  for (guint i = 0; i < self->traces->len; i++)
    {
      Trace *trace = g_ptr_array_index (self->traces, i);

      g_array_sort_with_data (trace->anchored, compare_records, anchor);
    }
}

static void
report (ZuChainVerifier *self, ZuViolationKind kind, const char *subject, const char *text)
{
  g_ptr_array_add (self->violations, zu_violation_new (kind, subject, text));
}

static void
report_event (ZuChainVerifier *self, ZuViolationKind kind, ZuEvent *event, const char *what)
{
  const char *id = zu_event_get_event_id (event);
  g_autofree char *text = g_strdup_printf ("%s: %s", id, what);

  report (self, kind, id, text);
}

static void
append_hash (ZuBuffer *out, gboolean is_set, const char *hash, gsize length)
{
  if (is_set)
    zu_python_write_text (hash, length, out);
  else
    zu_buffer_append_literal (out, "None");
}

static void
report_break (ZuChainVerifier *self, Trace *trace, ZuEvent *event)
{
  g_auto (ZuBuffer) what = { 0 };
  gsize length;
  const char *found = zu_event_get_field (event, ZU_EVENT_FIELD_PREV_HASH, &length);

  zu_buffer_append_literal (&what, "prev_hash break (expected ");
  append_hash (&what, trace->has_expected, trace->expected.data, trace->expected.length);
  zu_buffer_append_literal (&what, ", found ");
  append_hash (&what, found != NULL, found, length);
  zu_buffer_append_literal (&what, ") — reorder/insert/delete");
  zu_buffer_append_char (&what, '\0');
  report_event (self, ZU_VIOLATION_KIND_PREV_HASH_BREAK, event, what.data);
}

static gboolean
follows_expected (Trace *trace, ZuEvent *event)
{
  gsize length;
  const char *prev_hash = zu_event_get_field (event, ZU_EVENT_FIELD_PREV_HASH, &length);

  if (prev_hash == NULL || !trace->has_expected)
    return prev_hash == NULL && !trace->has_expected;
  return length == trace->expected.length && memcmp (prev_hash, trace->expected.data, length) == 0;
}

static gboolean
follows_derived (Trace *trace, ZuEvent *event)
{
  const char *prev_hash = zu_event_get_prev_hash (event);

  if (prev_hash == NULL || !trace->has_derived)
    return prev_hash == NULL && !trace->has_derived;
  return strcmp (prev_hash, trace->derived) == 0;
}

static gboolean
has_right_signature (ZuChainVerifier *self, ZuEvent *event)
{
  static const char digits[] = "0123456789abcdef";
  gsize hash_length, sig_length;
  const char *hash = zu_event_get_field (event, ZU_EVENT_FIELD_HASH, &hash_length);
  const char *sig = zu_event_get_field (event, ZU_EVENT_FIELD_SIG, &sig_length);
  char hex[ZU_EVENT_DIGEST_SIZE - 1];
  guint8 mac[32];

  if (sig == NULL || sig_length != sizeof hex)
    return FALSE;
  zu_secret_hmac (self->key, hash, hash_length, mac);
  for (guint i = 0; i < sizeof mac; i++)
    {
      hex[2 * i] = digits[mac[i] >> 4];
      hex[2 * i + 1] = digits[mac[i] & 15];
    }
  return memeql_sec (hex, sig, sizeof hex);
}

/* The event's own links; OWN is its digest behind its own prev_hash. */
static void
check_links (ZuChainVerifier *self, Trace *trace, ZuEvent *event, const char *own)
{
  gsize length;
  const char *hash = zu_event_get_field (event, ZU_EVENT_FIELD_HASH, &length);

  if (hash == NULL)
    {
      report_event (self, ZU_VIOLATION_KIND_NOT_LINKED, event, "event is not linked (no hash)");
      set_expected (trace, NULL, 0);
      return;
    }
  if (!follows_expected (trace, event))
    report_break (self, trace, event);
  if (length != ZU_EVENT_DIGEST_SIZE - 1 || memcmp (hash, own, length) != 0)
    report_event (self, ZU_VIOLATION_KIND_CONTENT_TAMPER, event, "content tamper (hash mismatch)");
  if (self->key != NULL && !has_right_signature (self, event))
    report_event (self, ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, event,
                  "signature mismatch — content edited and re-linked without the key, or unsigned");
  set_expected (trace, hash, length);
}

static void
reach_anchors (ZuChainVerifier *self, Trace *trace)
{
  while (trace->anchored->len > 0)
    {
      guint record = g_array_index (trace->anchored, guint, trace->anchored->len - 1);
      guint64 seq = zu_anchor_peek (self->anchor, record)->seq;

      if (seq > trace->n_events)
        return;
      if (seq == trace->n_events)
        self->derived[record] = g_strdup (trace->derived);
      g_array_set_size (trace->anchored, trace->anchored->len - 1);
    }
}

/**
 * zu_chain_verifier_add:
 * @self: a verifier
 * @event: the next event of the log
 *
 * Checks an event against those of its trace that were added before.
 */
void
zu_chain_verifier_add (ZuChainVerifier *self, ZuEvent *event)
{
  char own[ZU_EVENT_DIGEST_SIZE];
  gboolean is_derived;
  Trace *trace;

  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (ZU_IS_EVENT (event));

  trace = get_trace (self, zu_event_get_trace_id (event));
  if (trace->n_events++ == 0)
    g_ptr_array_add (self->seen, trace);
  self->n_events++;

  zu_event_write_own_digest (event, own);
  is_derived = follows_derived (trace, event);
  check_links (self, trace, event, own);

  /* In an intact chain both digests are the same one. */
  if (!is_derived)
    zu_event_write_digest (event, trace->has_derived ? trace->derived : NULL,
                           trace->has_derived ? ZU_EVENT_DIGEST_SIZE - 1 : 0, own);
  memcpy (trace->derived, own, sizeof own);
  trace->has_derived = TRUE;
  reach_anchors (self, trace);
}

/**
 * zu_chain_verifier_add_violation:
 * @self: a verifier
 * @violation: what else is wrong
 *
 * Adds what only the reader of the log can see, such as a row that is no event, at its place among
 * the others.
 */
void
zu_chain_verifier_add_violation (ZuChainVerifier *self, ZuViolation *violation)
{
  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (ZU_IS_VIOLATION (violation));

  g_ptr_array_add (self->violations, g_object_ref (violation));
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
      report (self, ZU_VIOLATION_KIND_ANCHOR_OUT_OF_RANGE, record->trace_id, text);
      return;
    }
  if (strcmp (derived, record->head) == 0)
    return;
  zu_python_write_text (record->head, strlen (record->head), &head);
  zu_buffer_append_char (&head, '\0');
  text = g_strdup_printf ("anchor for trace %s seq %" G_GUINT64_FORMAT
                          ": re-derived head '%s' != anchored %s — full rewrite / divergence",
                          record->trace_id, record->seq, derived, head.data);
  report (self, ZU_VIOLATION_KIND_ANCHOR_DIVERGENCE, record->trace_id, text);
}

/**
 * zu_chain_verifier_end:
 * @self: a verifier
 *
 * Ends the log: tells, in the order of the anchor, which of its records do not hold.
 */
void
zu_chain_verifier_end (ZuChainVerifier *self)
{
  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));

  for (guint i = 0; i < self->n_anchored; i++)
    check_record (self, zu_anchor_peek (self->anchor, i), self->derived[i]);
  forget_anchor (self);
  for (guint i = 0; i < self->traces->len; i++)
    g_array_set_size (((Trace *) g_ptr_array_index (self->traces, i))->anchored, 0);
}

/**
 * zu_chain_verifier_get_n_events:
 * @self: a verifier
 *
 * Counts the events that were added.
 *
 * Returns: how many
 */
guint64
zu_chain_verifier_get_n_events (ZuChainVerifier *self)
{
  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), 0);

  return self->n_events;
}

/**
 * zu_chain_verifier_get_n_traces:
 * @self: a verifier
 *
 * Counts the traces that events were added of.
 *
 * Returns: how many
 */
guint
zu_chain_verifier_get_n_traces (ZuChainVerifier *self)
{
  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), 0);

  return self->seen->len;
}

/**
 * zu_chain_verifier_get_violations:
 * @self: a verifier
 *
 * Gives what was found wrong so far.
 *
 * Returns: (transfer none) (element-type ZuViolation): the violations, in the order of the log
 */
GPtrArray *
zu_chain_verifier_get_violations (ZuChainVerifier *self)
{
  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), NULL);

  return self->violations;
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
      Trace *trace = g_ptr_array_index (self->seen, i);

      zu_anchor_add (heads, trace->id, trace->n_events, trace->derived);
    }
  return heads;
}

/**
 * zu_verify_chain:
 * @events: (element-type ZuEvent): events in the order of their log
 * @key: (nullable): the key that the log is signed with; without one signatures are not checked
 *
 * Checks events that are at hand, each trace by itself.
 *
 * Returns: (transfer container) (element-type ZuViolation): what is wrong; empty if nothing is
 */
GPtrArray *
zu_verify_chain (GPtrArray *events, ZuSecret *key)
{
  g_autoptr (ZuChainVerifier) verifier = zu_chain_verifier_new (key);

  g_return_val_if_fail (events != NULL, NULL);

  for (guint i = 0; i < events->len; i++)
    zu_chain_verifier_add (verifier, g_ptr_array_index (events, i));
  return g_ptr_array_ref (verifier->violations);
}
