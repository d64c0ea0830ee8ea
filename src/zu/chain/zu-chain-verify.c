/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-chain-verify-private.h"

/**
 * ZuChainVerifier:
 *
 * Checks events as they come, each trace by itself, and collects what is wrong.
 *
 * For each event: whether it follows the one before it, whether its hash is that of its content,
 * and, with a key, whether its signature is right. Compared with an anchor, the head is derived
 * again from the contents alone, so that a log that was rewritten and linked again does not pass.
 * Compared with the log's seals, it tells what was cut off and which traces are gone.
 *
 * It keeps one small record a trace, however many events there are, and what is wrong: where that
 * may be much, [method@Zu.ChainVerifier.set_most_kept] bounds it, and
 * [signal@Zu.ChainVerifier::violation] hands it on as it is found. A verifier belongs to one thread
 * at a time; [method@Zu.ChainVerifier.add_log] uses others, and gives signals in the caller's.
 */

enum
{
  SIGNAL_VIOLATION,
  SIGNAL_PROGRESS,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (ZuChainVerifier, zu_chain_verifier, G_TYPE_OBJECT)

static void
trace_free (gpointer data)
{
  ZuChainTrace *trace = data;

  g_free ((char *) trace->id);
  zu_buffer_clear (&trace->expected_text);
  g_clear_pointer (&trace->anchored, g_array_unref);
  g_free (trace);
}

static inline gboolean
has_id (const ZuChainTrace *trace, const char *id, gsize length)
{
  return trace->id_length == length && zu_json_is_same (trace->id, id, length);
}

static guint
trace_hash (gconstpointer data)
{
  const ZuChainTrace *trace = data;
  const char *p = trace->id;
  gsize left = trace->id_length;
  guint64 hash = left;

  for (; left >= 8; p += 8, left -= 8)
    hash = (hash ^ zu_json_load (p, 8)) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  hash = (hash ^ zu_json_load (p, left)) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return (guint) (hash >> 32);
}

static gboolean
trace_equal (gconstpointer a, gconstpointer b)
{
  const ZuChainTrace *x = a, *y = b;

  return has_id (x, y->id, y->id_length);
}

static void
zu_chain_verifier_finalize (GObject *object)
{
  ZuChainVerifier *self = ZU_CHAIN_VERIFIER (object);

  zu_chain_verifier_forget_anchor (self);
  g_clear_object (&self->seals);
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

  /**
   * ZuChainVerifier::violation:
   * @self: the verifier
   * @violation: what is wrong
   *
   * As soon as something is found wrong, in the order of the log.
   */
  signals[SIGNAL_VIOLATION] = g_signal_new ("violation", ZU_TYPE_CHAIN_VERIFIER, G_SIGNAL_RUN_LAST,
                                            0, NULL, NULL, NULL, G_TYPE_NONE, 1, ZU_TYPE_VIOLATION);
  /**
   * ZuChainVerifier::progress:
   * @self: the verifier
   * @n_events: how many events were checked
   *
   * Now and then while [method@Zu.ChainVerifier.add_log] reads a log.
   */
  signals[SIGNAL_PROGRESS] = g_signal_new ("progress", ZU_TYPE_CHAIN_VERIFIER, G_SIGNAL_RUN_LAST, 0,
                                           NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT64);
}

static void
zu_chain_verifier_init (ZuChainVerifier *self)
{
  self->by_id = g_hash_table_new (trace_hash, trace_equal);
  self->traces = g_ptr_array_new_with_free_func (trace_free);
  self->seen = g_ptr_array_new ();
  self->violations = g_ptr_array_new_with_free_func (g_object_unref);
  self->most_kept = G_MAXUINT;
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

ZuChainTrace *
zu_chain_verifier_ensure_trace (ZuChainVerifier *self, const char *id, gsize length)
{
  const ZuChainTrace wanted = { .id = id, .id_length = length };
  ZuChainTrace *trace = self->last;

  if (trace != NULL && has_id (trace, id, length))
    return trace;
  trace = g_hash_table_lookup (self->by_id, &wanted);
  if (trace == NULL)
    {
      trace = g_new0 (ZuChainTrace, 1);
      trace->id = g_strndup (id, length);
      trace->id_length = length;
      if (self->seals != NULL)
        zu_chain_trace_set_sealed_head (trace, self->seals);
      g_ptr_array_add (self->traces, trace);
      g_hash_table_add (self->by_id, trace);
    }
  return self->last = trace;
}

static inline void
set_expected (ZuChainTrace *trace, const char *hash, gsize length)
{
  trace->expected = (ZuEventText){ trace->expected_digest, length };
  if (G_LIKELY (length == sizeof trace->expected_digest))
    memcpy (trace->expected_digest, hash, sizeof trace->expected_digest);
  else
    {
      trace->expected_text.length = 0;
      zu_buffer_append (&trace->expected_text, hash, length);
      trace->expected.text = trace->expected_text.data;
    }
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
  ZuChainTrace *trace;

  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (trace_id != NULL);

  trace = zu_chain_verifier_ensure_trace (self, trace_id, strlen (trace_id));
  g_return_if_fail (trace->n_events == 0);

  trace->expected.text = NULL;
  if (head != NULL)
    set_expected (trace, head, strlen (head));
  trace->has_derived = head != NULL && strlen (head) == ZU_EVENT_DIGEST_SIZE - 1;
  if (trace->has_derived)
    memcpy (trace->derived, head, ZU_EVENT_DIGEST_SIZE);
}

void
zu_chain_verifier_report (ZuChainVerifier *self, ZuViolationKind kind, const char *subject,
                          const char *text)
{
  g_autoptr (ZuViolation) violation = zu_violation_new (kind, subject, text);

  zu_chain_verifier_add_violation (self, violation);
}

static void
report_event (ZuChainVerifier *self, ZuChainTrace *trace, ZuViolationKind kind,
              const ZuChainItem *item, const char *what)
{
  const ZuEventText *field = zu_chain_item_get (item, ZU_EVENT_FIELD_EVENT_ID);
  g_autofree char *id = g_strndup (field->text, field->length);
  g_autofree char *text = g_strdup_printf ("%s: %s", id, what);

  trace->n_violations++;
  zu_chain_verifier_report (self, kind, id, text);
}

static void
append_hash (ZuBuffer *out, const ZuEventText *hash)
{
  if (hash->text != NULL)
    zu_python_write_text (hash->text, hash->length, out);
  else
    zu_buffer_append_literal (out, "None");
}

static void
report_break (ZuChainVerifier *self, ZuChainTrace *trace, const ZuChainItem *item)
{
  g_auto (ZuBuffer) what = { 0 };

  zu_buffer_append_literal (&what, "prev_hash break (expected ");
  append_hash (&what, &trace->expected);
  zu_buffer_append_literal (&what, ", found ");
  append_hash (&what, zu_chain_item_get (item, ZU_EVENT_FIELD_PREV_HASH));
  zu_buffer_append_literal (&what, ") — reorder/insert/delete");
  zu_buffer_append_char (&what, '\0');
  report_event (self, trace, ZU_VIOLATION_KIND_PREV_HASH_BREAK, item, what.data);
}

static inline gboolean
is_same (const ZuEventText *text, const char *other, gsize length)
{
  if (text->text == NULL || other == NULL)
    return text->text == NULL && other == NULL;
  return text->length == length && zu_json_is_same (text->text, other, length);
}

/* The event's own links. */
static void
check_links (ZuChainVerifier *self, ZuChainTrace *trace, const ZuChainItem *item)
{
  const ZuEventText *prev_hash = zu_chain_item_get (item, ZU_EVENT_FIELD_PREV_HASH);
  const ZuEventText *hash = zu_chain_item_get (item, ZU_EVENT_FIELD_HASH);

  if (hash->text == NULL)
    {
      report_event (self, trace, ZU_VIOLATION_KIND_NOT_LINKED, item,
                    "event is not linked (no hash)");
      trace->expected.text = NULL;
      return;
    }
  if (!is_same (prev_hash, trace->expected.text, trace->expected.length))
    report_break (self, trace, item);
  if (!is_same (hash, item->own, sizeof item->own - 1))
    report_event (self, trace, ZU_VIOLATION_KIND_CONTENT_TAMPER, item,
                  "content tamper (hash mismatch)");
  if (self->key != NULL && !item->has_right_signature)
    report_event (self, trace, ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, item,
                  "signature mismatch — content edited and re-linked without the key, or unsigned");
  if (trace->sealed_head.text != NULL
      && is_same (hash, trace->sealed_head.text, trace->sealed_head.length))
    trace->n_to_head = trace->n_events;
  set_expected (trace, hash->text, hash->length);
}

static void
reach_anchors (ZuChainVerifier *self, ZuChainTrace *trace)
{
  while (trace->anchored != NULL && trace->anchored->len > 0)
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

/* The next event of the log. */
void
zu_chain_verifier_take (ZuChainVerifier *self, const ZuChainItem *item)
{
  const ZuEventText *id = zu_chain_item_get (item, ZU_EVENT_FIELD_TRACE_ID);
  const ZuEventText *prev_hash = zu_chain_item_get (item, ZU_EVENT_FIELD_PREV_HASH);
  ZuChainTrace *trace = zu_chain_verifier_ensure_trace (self, id->text, id->length);
  gboolean is_derived =
      is_same (prev_hash, trace->has_derived ? trace->derived : NULL, ZU_EVENT_DIGEST_SIZE - 1);

  if (trace->n_events++ == 0)
    g_ptr_array_add (self->seen, trace);
  trace->last_seq = item->seq;
  self->n_events++;
  self->n_signed += zu_chain_item_get (item, ZU_EVENT_FIELD_SIG)->text != NULL;

  check_links (self, trace, item);

  /* In an intact chain both digests are the same one. */
  if (G_LIKELY (is_derived))
    memcpy (trace->derived, item->own, sizeof trace->derived);
  else
    zu_chain_item_write_digest (item, trace->has_derived ? trace->derived : NULL, trace->derived);
  trace->has_derived = TRUE;
  reach_anchors (self, trace);
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
  ZuChainItem item = { NULL };

  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));
  g_return_if_fail (ZU_IS_EVENT (event));

  zu_chain_item_set_event (&item, event, self->key);
  zu_chain_verifier_take (self, &item);
  zu_chain_item_clear (&item);
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

  self->n_violations++;
  if (self->violations->len < self->most_kept)
    g_ptr_array_add (self->violations, g_object_ref (violation));
  g_signal_emit (self, signals[SIGNAL_VIOLATION], 0, violation);
}

void
zu_chain_verifier_tell_progress (ZuChainVerifier *self)
{
  g_signal_emit (self, signals[SIGNAL_PROGRESS], 0, self->n_events);
}

/**
 * zu_chain_verifier_set_most_kept:
 * @self: a verifier
 * @most: how many violations are kept at most; %G_MAXUINT, which is the default, for all
 *
 * Bounds what is kept for [method@Zu.ChainVerifier.get_violations]. Those past it are counted, and
 * told by [signal@Zu.ChainVerifier::violation], but not kept: so a log that is wrong in every row
 * needs no more memory than one that is intact.
 */
void
zu_chain_verifier_set_most_kept (ZuChainVerifier *self, guint most)
{
  g_return_if_fail (ZU_IS_CHAIN_VERIFIER (self));

  self->most_kept = most;
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
 * zu_chain_verifier_get_n_signed:
 * @self: a verifier
 *
 * Counts the events that have a signature, right or wrong.
 *
 * Returns: how many
 */
guint64
zu_chain_verifier_get_n_signed (ZuChainVerifier *self)
{
  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), 0);

  return self->n_signed;
}

/**
 * zu_chain_verifier_get_n_violations:
 * @self: a verifier
 *
 * Counts what was found wrong so far, kept or not.
 *
 * Returns: how many
 */
guint64
zu_chain_verifier_get_n_violations (ZuChainVerifier *self)
{
  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), 0);

  return self->n_violations;
}

/**
 * zu_chain_verifier_get_trace_id:
 * @self: a verifier
 * @index: which trace, in the order of their first events; from 0 and below
 *   [method@Zu.ChainVerifier.get_n_traces]
 *
 * Gives one of the traces that events were added of.
 *
 * Returns: (transfer none): its id
 */
const char *
zu_chain_verifier_get_trace_id (ZuChainVerifier *self, guint index)
{
  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), NULL);
  g_return_val_if_fail (index < self->seen->len, NULL);

  return ((ZuChainTrace *) g_ptr_array_index (self->seen, index))->id;
}

/**
 * zu_chain_verifier_get_trace:
 * @self: a verifier
 * @index: which trace, as in [method@Zu.ChainVerifier.get_trace_id]
 * @n_events: (out) (optional): return location for how many events of it were added
 * @last_seq: (out) (optional): return location for where the last of them stands in its log; 0
 *   where it was added without its place
 *
 * Gives what was found of a trace, for whoever compares it with what is known from elsewhere.
 *
 * Returns: (transfer none): its head, derived from the contents; it changes with the next event
 */
const char *
zu_chain_verifier_get_trace (ZuChainVerifier *self, guint index, guint64 *n_events,
                             gint64 *last_seq)
{
  const ZuChainTrace *trace;

  g_return_val_if_fail (ZU_IS_CHAIN_VERIFIER (self), NULL);
  g_return_val_if_fail (index < self->seen->len, NULL);

  trace = g_ptr_array_index (self->seen, index);
  if (n_events != NULL)
    *n_events = trace->n_events;
  if (last_seq != NULL)
    *last_seq = trace->last_seq;
  return trace->derived;
}

/**
 * zu_chain_verifier_get_violations:
 * @self: a verifier
 *
 * Gives what was found wrong so far, as far as it is kept.
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
