/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-chain.h"

/**
 * ZuViolationKind:
 * @ZU_VIOLATION_KIND_NOT_LINKED: an event has no hash
 * @ZU_VIOLATION_KIND_PREV_HASH_BREAK: an event does not follow the one before it: something was
 *   inserted, removed or moved
 * @ZU_VIOLATION_KIND_CONTENT_TAMPER: an event's hash is not that of its content
 * @ZU_VIOLATION_KIND_SIGNATURE_MISMATCH: an event's signature is missing or not made with the key
 * @ZU_VIOLATION_KIND_ANCHOR_OUT_OF_RANGE: an anchor saw more events of a trace than there are
 * @ZU_VIOLATION_KIND_ANCHOR_DIVERGENCE: an anchor saw another head
 * @ZU_VIOLATION_KIND_TAIL_TRUNCATED: a trace ends before its seal says
 * @ZU_VIOLATION_KIND_TRACE_MISSING: a trace that was sealed is gone
 * @ZU_VIOLATION_KIND_SEAL_MISSING: a trace of a sealed log has no seal
 * @ZU_VIOLATION_KIND_INDEX_MISMATCH: a column differs from the event in its row
 * @ZU_VIOLATION_KIND_UNDECODABLE: a row holds no event
 *
 * What can be wrong with a log. The first six are told by [class@Zu.ChainVerifier], the others by
 * sinks, which see more than events.
 */

/**
 * ZuViolation:
 *
 * One thing that is wrong with a log: what kind, of what, and in words. It never changes.
 */
struct _ZuViolation
{
  GObject parent_instance;

  ZuViolationKind kind;
  char *subject;
  char *text;
};

G_DEFINE_FINAL_TYPE (ZuViolation, zu_violation, G_TYPE_OBJECT)

static void
zu_violation_finalize (GObject *object)
{
  ZuViolation *self = ZU_VIOLATION (object);

  g_free (self->subject);
  g_free (self->text);

  G_OBJECT_CLASS (zu_violation_parent_class)->finalize (object);
}

static void
zu_violation_class_init (ZuViolationClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_violation_finalize;
}

static void
zu_violation_init (ZuViolation *self)
{
}

/**
 * zu_violation_kind_to_string:
 * @kind: a kind
 *
 * Gives the name that reports use, as in `content_tamper`.
 *
 * Returns: (transfer none): the name
 */
const char *
zu_violation_kind_to_string (ZuViolationKind kind)
{
  static const char *const names[] = {
    [ZU_VIOLATION_KIND_NOT_LINKED] = "not_linked",
    [ZU_VIOLATION_KIND_PREV_HASH_BREAK] = "prev_hash_break",
    [ZU_VIOLATION_KIND_CONTENT_TAMPER] = "content_tamper",
    [ZU_VIOLATION_KIND_SIGNATURE_MISMATCH] = "signature_mismatch",
    [ZU_VIOLATION_KIND_ANCHOR_OUT_OF_RANGE] = "anchor_out_of_range",
    [ZU_VIOLATION_KIND_ANCHOR_DIVERGENCE] = "anchor_divergence",
    [ZU_VIOLATION_KIND_TAIL_TRUNCATED] = "tail_truncated",
    [ZU_VIOLATION_KIND_TRACE_MISSING] = "trace_missing",
    [ZU_VIOLATION_KIND_SEAL_MISSING] = "seal_missing",
    [ZU_VIOLATION_KIND_INDEX_MISMATCH] = "index_mismatch",
    [ZU_VIOLATION_KIND_UNDECODABLE] = "undecodable",
  };

  g_return_val_if_fail ((guint) kind < G_N_ELEMENTS (names), NULL);

  return names[kind];
}

/**
 * zu_violation_new:
 * @kind: what kind
 * @subject: the id of the event, else that of the trace, else `-`
 * @text: what is wrong, in words
 *
 * Makes a violation.
 *
 * Returns: (transfer full): the violation
 */
ZuViolation *
zu_violation_new (ZuViolationKind kind, const char *subject, const char *text)
{
  ZuViolation *self;

  g_return_val_if_fail (subject != NULL, NULL);
  g_return_val_if_fail (text != NULL, NULL);

  self = g_object_new (ZU_TYPE_VIOLATION, NULL);
  self->kind = kind;
  self->subject = g_strdup (subject);
  self->text = g_strdup (text);
  return self;
}

/**
 * zu_violation_get_kind:
 * @self: a violation
 *
 * Tells what kind it is.
 *
 * Returns: the kind
 */
ZuViolationKind
zu_violation_get_kind (ZuViolation *self)
{
  g_return_val_if_fail (ZU_IS_VIOLATION (self), ZU_VIOLATION_KIND_NOT_LINKED);

  return self->kind;
}

/**
 * zu_violation_get_subject:
 * @self: a violation
 *
 * Tells what it is about.
 *
 * Returns: (transfer none): the id of an event or a trace, or `-`
 */
const char *
zu_violation_get_subject (ZuViolation *self)
{
  g_return_val_if_fail (ZU_IS_VIOLATION (self), NULL);

  return self->subject;
}

/**
 * zu_violation_get_text:
 * @self: a violation
 *
 * Tells what is wrong, in words.
 *
 * Returns: (transfer none): the text
 */
const char *
zu_violation_get_text (ZuViolation *self)
{
  g_return_val_if_fail (ZU_IS_VIOLATION (self), NULL);

  return self->text;
}
