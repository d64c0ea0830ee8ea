/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-seal-private.h"

#include <string.h>

/**
 * ZuSealVerifier:
 *
 * Compares a log with its seals: what a bare chain does not show.
 *
 * A chain whose end is cut off is a shorter chain, and a trace that is gone breaks none. So a log
 * may keep, beside its events, a seal a trace (how many events, and the hash of the last) and one
 * for itself (how many traces, and what their seals add up to). This compares them with each other
 * and with what [class@Zu.ChainVerifier], or whoever else reads the log, found of each trace.
 *
 * First the seals are read, then the events: so a log that is being written is judged rightly. A
 * verifier belongs to one thread at a time; [method@Zu.SealVerifier.get_head] may be used by
 * several once the seals are read.
 *
 * What it cannot see: an older copy of the whole file is a whole log, with its seals. That shows
 * only against a [class@Zu.Anchor]. And seals that are not signed can be made anew by whoever can
 * write the log.
 */
struct _ZuSealVerifier
{
  GObject parent_instance;

  ZuSecret *key;
  gboolean is_required;
  char *only; /* the one trace whose events are read */

  GPtrArray *traces; /* of Trace, as they were sealed first */
  GHashTable *by_id;
  gboolean has_total;
  ZuSealTotal total;
  ZuSealTrust trust;
  gboolean was_sealed;
  gint64 encrypted_from; /* as the log says outside its seal */

  guint64 n_unsealed;
  guint64 n_unsealed_traces;
  GPtrArray *violations;
};

typedef struct
{
  ZuTraceSeal *seal;
  gboolean is_seen;
} Trace;

G_DEFINE_FINAL_TYPE (ZuSealVerifier, zu_seal_verifier, G_TYPE_OBJECT)

static void
trace_free (gpointer data)
{
  Trace *trace = data;

  g_object_unref (trace->seal);
  g_free (trace);
}

static void
zu_seal_verifier_finalize (GObject *object)
{
  ZuSealVerifier *self = ZU_SEAL_VERIFIER (object);

  g_hash_table_unref (self->by_id);
  g_ptr_array_unref (self->traces);
  g_ptr_array_unref (self->violations);
  g_clear_pointer (&self->key, zu_secret_unref);
  g_free (self->only);

  G_OBJECT_CLASS (zu_seal_verifier_parent_class)->finalize (object);
}

static void
zu_seal_verifier_class_init (ZuSealVerifierClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_seal_verifier_finalize;
}

static void
zu_seal_verifier_init (ZuSealVerifier *self)
{
  self->traces = g_ptr_array_new_with_free_func (trace_free);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->violations = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * zu_seal_verifier_new:
 * @key: (nullable): the key that the log is signed with; without one signatures are not checked
 * @is_required: whether a log without seals is a violation even where nothing says that it ever
 *   had any; so it should be with a key or an anchor
 *
 * Makes a verifier.
 *
 * Returns: (transfer full): the verifier
 */
ZuSealVerifier *
zu_seal_verifier_new (ZuSecret *key, gboolean is_required)
{
  ZuSealVerifier *self = g_object_new (ZU_TYPE_SEAL_VERIFIER, NULL);

  self->key = key == NULL ? NULL : zu_secret_ref (key);
  self->is_required = is_required;
  return self;
}

/**
 * zu_seal_verifier_set_trace:
 * @self: a verifier
 * @trace_id: (nullable): the only trace whose events are read; %NULL for all
 *
 * Expects the events of one trace only. The seals are still compared with each other.
 */
void
zu_seal_verifier_set_trace (ZuSealVerifier *self, const char *trace_id)
{
  g_return_if_fail (ZU_IS_SEAL_VERIFIER (self));

  g_free (self->only);
  self->only = g_strdup (trace_id);
}

void
zu_seal_verifier_forget (ZuSealVerifier *self)
{
  g_hash_table_remove_all (self->by_id);
  g_ptr_array_set_size (self->traces, 0);
}

/* What the log's seal covers; what is appended from now on comes after it. */
gint64
zu_seal_verifier_get_last_seq (ZuSealVerifier *self)
{
  return self->has_total ? self->total.last_seq : 0;
}

static void
add_seal (ZuSealVerifier *self, ZuTraceSeal *seal)
{
  Trace *trace = g_hash_table_lookup (self->by_id, zu_trace_seal_get_trace_id (seal));

  if (trace == NULL)
    {
      trace = g_new0 (Trace, 1);
      g_ptr_array_add (self->traces, trace);
    }
  else
    g_hash_table_remove (self->by_id, zu_trace_seal_get_trace_id (trace->seal));

  g_set_object (&trace->seal, seal);
  g_hash_table_insert (self->by_id, (char *) zu_trace_seal_get_trace_id (seal), trace);
}

static gboolean
copy_bytes (GBytes *bytes, guint8 *out, gsize size)
{
  gsize found;
  gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &found) : NULL;

  if (data == NULL || found != size)
    return FALSE;
  memcpy (out, data, size);
  return TRUE;
}

/* A seal whose parts have other sizes opens as forged: its signature is not right for it. */
static void
set_total (ZuSealVerifier *self, ZuLogSeal *log)
{
  ZuSealTotal *total = &self->total;
  gboolean is_whole;

  memset (total, 0, sizeof *total);
  total->n_traces = (guint64) zu_log_seal_get_traces (log);
  total->n_events = (guint64) zu_log_seal_get_events (log);
  total->last_seq = zu_log_seal_get_last_seq (log);
  total->encrypted_from = zu_log_seal_get_encrypted_from (log);
  total->is_signed = zu_log_seal_get_mac (log) != NULL;
  is_whole = copy_bytes (zu_log_seal_get_commitment (log), total->commitment, ZU_SEAL_SIZE);
  if (total->is_signed)
    is_whole &= copy_bytes (zu_log_seal_get_nonce (log), total->nonce, ZU_SEAL_NONCE_SIZE)
                && copy_bytes (zu_log_seal_get_mac (log), total->mac, ZU_SEAL_SIZE);

  self->trust = zu_seal_total_open (total, self->key);
  if (!is_whole)
    self->trust = ZU_SEAL_TRUST_FORGED;
}

/**
 * zu_seal_verifier_add_page:
 * @self: a verifier
 * @page: seals of the log
 *
 * Adds seals; one of a trace that has one already takes its place. The last page's seal of the log
 * is the one that counts.
 */
void
zu_seal_verifier_add_page (ZuSealVerifier *self, ZuSealPage *page)
{
  GPtrArray *seals;

  g_return_if_fail (ZU_IS_SEAL_VERIFIER (self));
  g_return_if_fail (ZU_IS_SEAL_PAGE (page));

  seals = zu_seal_page_get_seals (page);
  for (guint i = 0; i < seals->len; i++)
    add_seal (self, g_ptr_array_index (seals, i));

  self->was_sealed |= zu_seal_page_get_was_sealed (page);
  self->encrypted_from = zu_seal_page_get_encrypted_from (page);
  self->has_total = zu_seal_page_get_log (page) != NULL;
  if (self->has_total)
    set_total (self, zu_seal_page_get_log (page));
}

/**
 * zu_seal_verifier_get_head:
 * @self: a verifier
 * @trace_id: a trace
 *
 * Gives the hash of the last event of a trace that is sealed: what is looked for while its events
 * are read.
 *
 * Returns: (transfer none) (nullable): the hash as its seal has it; %NULL where it has no seal
 */
const char *
zu_seal_verifier_get_head (ZuSealVerifier *self, const char *trace_id)
{
  Trace *trace;

  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), NULL);
  g_return_val_if_fail (trace_id != NULL, NULL);

  trace = g_hash_table_lookup (self->by_id, trace_id);
  return trace != NULL ? zu_trace_seal_get_head (trace->seal) : NULL;
}

static void
report (ZuSealVerifier *self, ZuViolationKind kind, const char *subject, const char *text)
{
  g_ptr_array_add (self->violations, zu_violation_new (kind, subject, text));
}

static void report_formatted (ZuSealVerifier *self, ZuViolationKind kind, const char *subject,
                              const char *format, ...) G_GNUC_PRINTF (4, 5);

static void
report_formatted (ZuSealVerifier *self, ZuViolationKind kind, const char *subject,
                  const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  report (self, kind, subject, text);
}

static void
check_trace (ZuSealVerifier *self, ZuTraceSeal *seal, guint64 n_events, guint64 n_unreadable,
             guint64 n_to_head, gboolean is_intact)
{
  const char *id = zu_trace_seal_get_trace_id (seal);
  guint64 n_sealed = (guint64) zu_trace_seal_get_events (seal);

  if (n_to_head > 0)
    {
      self->n_unsealed += n_events - n_to_head;
      if (n_to_head != n_sealed && is_intact && n_unreadable == 0)
        report_formatted (self, ZU_VIOLATION_KIND_CONTENT_TAMPER, id,
                          "trace %s: its sealed head is the hash of event %" G_GUINT64_FORMAT
                          ", and its seal says %" G_GUINT64_FORMAT,
                          id, n_to_head, n_sealed);
      return;
    }

  /* Rows that cannot be read are told of already; the head may be one of them. */
  if (n_unreadable > 0 && n_events + n_unreadable >= n_sealed)
    return;
  if (n_events < n_sealed)
    report_formatted (self, ZU_VIOLATION_KIND_TAIL_TRUNCATED, id,
                      "trace %s: %" G_GUINT64_FORMAT " events are there, %" G_GUINT64_FORMAT
                      " are sealed: its end was cut off",
                      id, n_events, n_sealed);
  else if (is_intact)
    report_formatted (self, ZU_VIOLATION_KIND_TAIL_TRUNCATED, id,
                      "trace %s: none of its %" G_GUINT64_FORMAT
                      " events is the one that its seal ends with: its end was cut off, and "
                      "other events were put in its place",
                      id, n_events);
}

/**
 * zu_seal_verifier_add_trace:
 * @self: a verifier whose seals were read
 * @trace_id: a trace of the log
 * @n_events: how many events of it were found
 * @n_unreadable: how many rows of it could not be read
 * @n_to_head: how many of the events there are up to the one whose stored hash is
 *   [method@Zu.SealVerifier.get_head], that one included; 0 where there is none such
 * @is_intact: whether its chain showed no violation: then a head that does not fit is told of here
 *
 * Compares a trace with its seal. Events behind the sealed ones were appended by an implementation
 * that does not seal, and so may a whole trace without a seal be: they are counted, and no
 * violation.
 */
void
zu_seal_verifier_add_trace (ZuSealVerifier *self, const char *trace_id, guint64 n_events,
                            guint64 n_unreadable, guint64 n_to_head, gboolean is_intact)
{
  Trace *trace;

  g_return_if_fail (ZU_IS_SEAL_VERIFIER (self));
  g_return_if_fail (trace_id != NULL);
  g_return_if_fail (n_to_head <= n_events);

  trace = g_hash_table_lookup (self->by_id, trace_id);
  if (trace == NULL)
    {
      self->n_unsealed += n_events;
      self->n_unsealed_traces++;
      return;
    }

  trace->is_seen = TRUE;
  check_trace (self, trace->seal, n_events, n_unreadable, n_to_head, is_intact);
}

/* What is sealed of a trace; whether its head is one. */
static gboolean
seal_init (ZuSeal *seal, ZuTraceSeal *from)
{
  *seal = (ZuSeal){ .trace_id = zu_trace_seal_get_trace_id (from),
                    .n_events = (guint64) zu_trace_seal_get_events (from),
                    .last_seq = zu_trace_seal_get_last_seq (from) };
  return zu_seal_parse_head (zu_trace_seal_get_head (from), seal->head);
}

static gboolean
has_right_mac (ZuSealVerifier *self, const ZuSeal *seal, ZuTraceSeal *from)
{
  GBytes *mac = zu_trace_seal_get_mac (from);
  gsize size = 0;
  gconstpointer bytes = mac != NULL ? g_bytes_get_data (mac, &size) : NULL;

  return zu_seal_check_mac (seal, self->key, bytes, size);
}

/* What the seals of all traces come to. */
static void
add_up (ZuSealVerifier *self, ZuSealTotal *found)
{
  ZuSecret *key = self->trust == ZU_SEAL_TRUST_SIGNED ? self->key : NULL;

  *found = (ZuSealTotal){ .n_traces = self->traces->len };
  for (guint i = 0; i < self->traces->len; i++)
    {
      ZuTraceSeal *from = ((Trace *) g_ptr_array_index (self->traces, i))->seal;
      guint8 element[ZU_SEAL_SIZE];
      ZuSeal seal;

      if (!seal_init (&seal, from))
        report_formatted (self, ZU_VIOLATION_KIND_CONTENT_TAMPER, seal.trace_id,
                          "trace %s: the head in its seal is no hash", seal.trace_id);
      else if (key != NULL && !has_right_mac (self, &seal, from))
        report_formatted (self, ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, seal.trace_id,
                          "trace %s: its seal was changed, or made without the key", seal.trace_id);
      found->n_events += seal.n_events;
      found->last_seq = MAX (found->last_seq, seal.last_seq);
      zu_seal_write_element (&seal, key, element);
      zu_seal_sum_add (found->sum, element);
    }
}

/* Seals of traces are missing: either they alone were removed, or the traces with them. */
static void
report_missing (ZuSealVerifier *self, guint64 n_missing)
{
  guint64 n_without = MIN (n_missing, self->n_unsealed_traces);

  if (n_without > 0)
    report_formatted (self, ZU_VIOLATION_KIND_SEAL_MISSING, "-",
                      "the seals of %" G_GUINT64_FORMAT
                      " traces were removed: the log's seal covers "
                      "%" G_GUINT64_FORMAT " traces, and %u have one",
                      n_without, self->total.n_traces, self->traces->len);
  if (n_missing > n_without)
    report_formatted (self, ZU_VIOLATION_KIND_TRACE_MISSING, "-",
                      "%" G_GUINT64_FORMAT " traces were removed together with their seals: the "
                      "log's seal covers %" G_GUINT64_FORMAT ", and %u have one",
                      n_missing - n_without, self->total.n_traces, self->traces->len);
}

static void
compare_total (ZuSealVerifier *self, const ZuSealTotal *found)
{
  const ZuSealTotal *total = &self->total;
  gboolean has_sum = self->trust == ZU_SEAL_TRUST_PLAIN || self->trust == ZU_SEAL_TRUST_SIGNED;

  if (found->n_traces < total->n_traces)
    report_missing (self, total->n_traces - found->n_traces);
  else if (found->n_traces == total->n_traces && found->n_events < total->n_events)
    report_formatted (self, ZU_VIOLATION_KIND_TAIL_TRUNCATED, "-",
                      "the seals of the traces cover %" G_GUINT64_FORMAT " events, the log's seal "
                      "%" G_GUINT64_FORMAT ": ends were cut off, and seals set back to match",
                      found->n_events, total->n_events);
  else if (found->n_traces != total->n_traces || found->n_events != total->n_events
           || found->last_seq != total->last_seq
           || (has_sum && memcmp (found->sum, total->sum, ZU_SEAL_SIZE) != 0))
    report (self, ZU_VIOLATION_KIND_CONTENT_TAMPER, "-",
            "the seals of the traces are not those that the log's seal covers: some were changed, "
            "added, or put back from an older copy");
}

static void
check_trust (ZuSealVerifier *self)
{
  if (self->trust == ZU_SEAL_TRUST_FORGED)
    report (self, ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, "-",
            "the log's seal was not made with this key: it was changed, or the key is another");
  else if (self->trust == ZU_SEAL_TRUST_PLAIN && self->key != NULL)
    report (self, ZU_VIOLATION_KIND_SIGNATURE_MISMATCH, "-",
            "the log's seal is not signed, though there is a key: whoever can write the log could "
            "have made it");
  if (self->encrypted_from != self->total.encrypted_from)
    report_formatted (self, ZU_VIOLATION_KIND_CONTENT_TAMPER, "-",
                      "the log says that it is encrypted from row %" G_GINT64_FORMAT
                      " on, and its seal says %" G_GINT64_FORMAT,
                      self->encrypted_from, self->total.encrypted_from);
}

static void
check_presence (ZuSealVerifier *self)
{
  if (self->traces->len > 0)
    report (self, ZU_VIOLATION_KIND_SEAL_MISSING, "-",
            "the log's own seal is gone, and those of its traces are there");
  else if (self->was_sealed)
    report (self, ZU_VIOLATION_KIND_SEAL_MISSING, "-",
            "the log was sealed once, and its seals are gone");
  else if (self->is_required)
    report (self, ZU_VIOLATION_KIND_SEAL_MISSING, "-",
            "the log has no seals: whether events were cut off or traces removed cannot be seen");
}

static void
check_gone (ZuSealVerifier *self)
{
  for (guint i = 0; i < self->traces->len; i++)
    {
      const Trace *trace = g_ptr_array_index (self->traces, i);
      const char *id = zu_trace_seal_get_trace_id (trace->seal);

      if (!trace->is_seen && (self->only == NULL || strcmp (self->only, id) == 0))
        report_formatted (self, ZU_VIOLATION_KIND_TRACE_MISSING, id,
                          "trace %s: all its %" G_GINT64_FORMAT " sealed events are gone", id,
                          zu_trace_seal_get_events (trace->seal));
    }
}

/**
 * zu_seal_verifier_end:
 * @self: a verifier that every trace of the log was added to
 *
 * Ends the log: compares the seals with each other, and tells which traces are gone.
 */
void
zu_seal_verifier_end (ZuSealVerifier *self)
{
  ZuSealTotal found;

  g_return_if_fail (ZU_IS_SEAL_VERIFIER (self));

  if (self->has_total)
    {
      check_trust (self);
      add_up (self, &found);
      if (self->trust != ZU_SEAL_TRUST_FORGED)
        compare_total (self, &found);
    }
  else
    check_presence (self);
  check_gone (self);
}

/**
 * zu_seal_verifier_get_violations:
 * @self: a verifier
 *
 * Gives what was found wrong so far.
 *
 * Returns: (transfer none) (element-type ZuViolation): the violations: those of traces as they were
 *   added, then those of the seals themselves
 */
GPtrArray *
zu_seal_verifier_get_violations (ZuSealVerifier *self)
{
  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), NULL);

  return self->violations;
}

/**
 * zu_seal_verifier_is_sealed:
 * @self: a verifier
 *
 * Tells whether the log has seals at all.
 *
 * Returns: whether it has
 */
gboolean
zu_seal_verifier_is_sealed (ZuSealVerifier *self)
{
  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), FALSE);

  return self->has_total || self->traces->len > 0;
}

/**
 * zu_seal_verifier_get_trust:
 * @self: a verifier
 *
 * Tells how far the log's seal can be believed.
 *
 * Returns: that; %ZU_SEAL_TRUST_PLAIN where it has none
 */
ZuSealTrust
zu_seal_verifier_get_trust (ZuSealVerifier *self)
{
  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), ZU_SEAL_TRUST_PLAIN);

  return self->trust;
}

/**
 * zu_seal_verifier_get_n_unsealed:
 * @self: a verifier
 *
 * Counts the events that no seal covers.
 *
 * Returns: how many of those that were added
 */
guint64
zu_seal_verifier_get_n_unsealed (ZuSealVerifier *self)
{
  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), 0);

  return self->n_unsealed;
}

/**
 * zu_seal_verifier_dup_notes:
 * @self: a verifier that has ended
 *
 * Says in words what its seals do not cover, for the summary of a report.
 *
 * Returns: (transfer full): a phrase each; empty where they cover all
 */
GStrv
zu_seal_verifier_dup_notes (ZuSealVerifier *self)
{
  g_autoptr (GStrvBuilder) notes = g_strv_builder_new ();

  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), NULL);

  if (!zu_seal_verifier_is_sealed (self))
    g_strv_builder_add (notes, "unsealed");
  else if (self->n_unsealed > 0)
    {
      g_autofree char *note = g_strdup_printf ("%" G_GUINT64_FORMAT " event%s unsealed",
                                               self->n_unsealed, self->n_unsealed == 1 ? "" : "s");

      g_strv_builder_add (notes, note);
    }
  if (self->has_total && self->trust == ZU_SEAL_TRUST_LOCKED)
    g_strv_builder_add (notes, "seals are signed, and were not checked without the key");
  if (self->has_total && self->trust == ZU_SEAL_TRUST_PLAIN)
    g_strv_builder_add (notes, "seals are not signed");
  return g_strv_builder_end (notes);
}
