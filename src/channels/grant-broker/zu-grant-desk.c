/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-desk.h"

#include "zu-grant-events.h"

#include <string.h>

static ZuUseOutcome *
new_outcome (const ZuUseClaim *claim, const char *refusal, const char *text, ZuJson *result,
             ZuJson *answer)
{
  g_autofree char *remaining =
      zu_grant_dup_remaining (claim->grant.terms, claim->grant.state.amount);

  return g_object_new (ZU_TYPE_USE_OUTCOME, "use-id", claim->use.id, "done", refusal == NULL,
                       "refusal", refusal, "text", text, "result", result, "answer", answer,
                       "remaining", remaining, NULL);
}

/* Refused before it became a use: only the log hears of it. */
static ZuUseOutcome *
refuse (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, const ZuGrantRefusal *refusal,
        GError **error)
{
  g_autofree char *event = zu_grant_event_refused (claim, use, refusal->code, refusal->text);
  gint64 seq;

  if (!zu_grant_store_note (self->store, event, &seq, error)
      || !zu_grant_journal_await (self->journal, seq, error))
    return NULL;
  return new_outcome (claim, refusal->code, refusal->text, NULL, NULL);
}

/* The key was used. Whoever has the key and asks for the same is told what came of it. */
static ZuUseOutcome *
replay (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, gboolean same, GError **error)
{
  g_autoptr (ZuUseOutcome) outcome = refuse (self, claim, use, &zu_grant_replay, error);
  g_autoptr (ZuJson) result = NULL;

  if (outcome == NULL || !same || claim->use.state != ZU_USE_DONE)
    return g_steal_pointer (&outcome);
  result = zu_json_parse (claim->use.outcome, -1, NULL);
  return new_outcome (claim, zu_grant_replay.code, "it was carried out already", result, NULL);
}

static ZuUseOutcome *
capture (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, ZuReceipt *receipt,
         GError **error)
{
  ZuJson *result = zu_receipt_get_result (receipt);
  g_autofree char *text = result != NULL ? zu_json_to_string (result) : g_strdup ("null");
  g_autofree char *event = zu_grant_event_done (claim, use, zu_receipt_get_text (receipt));
  gint64 seq;

  if (!zu_grant_store_settle (self->store, &claim->use, ZU_USE_DONE, text, event, &seq, error)
      || !zu_grant_journal_await (self->journal, seq, error))
    return NULL;
  return new_outcome (claim, NULL, NULL, result, zu_receipt_get_answer (receipt));
}

static void
give_back (ZuUseClaim *claim)
{
  claim->grant.state.amount -= claim->use.amount;
  claim->grant.state.n_uses--;
}

/* KEEP: the key has been used. Else it was never asked for, and may be again. */
static ZuUseOutcome *
let_go (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, const char *refusal,
        const char *text, gboolean keep, GError **error)
{
  const char *why = text != NULL ? text : "the instrument declined it";
  g_autofree char *event = zu_grant_event_refused (claim, use, refusal, why);
  gint64 seq;

  give_back (claim);
  if (!(keep ? zu_grant_store_settle (self->store, &claim->use, ZU_USE_DECLINED, "null", event,
                                      &seq, error)
             : zu_grant_store_release (self->store, &claim->use, event, &seq, error))
      || !zu_grant_journal_await (self->journal, seq, error))
    return NULL;
  return new_outcome (claim, refusal, why, NULL, NULL);
}

static ZuOrder *
new_order (const ZuUseClaim *claim, ZuGrantUse *use)
{
  return g_object_new (ZU_TYPE_ORDER, "idempotency-key", claim->use.key, "operation",
                       zu_grant_use_get_operation (use), "payee", zu_grant_use_get_payee (use),
                       "amount", zu_grant_use_get_amount (use), "unit",
                       zu_grant_terms_get_unit (claim->grant.terms), "request",
                       zu_grant_use_get_request (use), NULL);
}

static gboolean
was_not_done (const GError *error)
{
  return g_error_matches (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_UNAVAILABLE)
         || g_error_matches (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_BAD_REQUEST);
}

/* What was reserved stays reserved. */
static ZuUseOutcome *
leave_unresolved (const ZuUseClaim *claim, const char *why, GError **error)
{
  g_set_error (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_UNRESOLVED,
               "use %s stays reserved: %s (ask again with the same idempotency key)", claim->use.id,
               why);
  return NULL;
}

/* RECEIPT is NULL where WHY says that nothing is known, or that nothing was done. */
static ZuUseOutcome *
conclude (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, ZuReceipt *receipt,
          const GError *why, GError **error)
{
  if (receipt == NULL && was_not_done (why))
    return let_go (self, claim, use, "declined", why->message, FALSE, error);
  if (receipt == NULL)
    return leave_unresolved (claim, why->message, error);
  if (zu_receipt_get_performance (receipt) == ZU_PERFORMANCE_DONE)
    return capture (self, claim, use, receipt, error);
  if (zu_receipt_get_performance (receipt) == ZU_PERFORMANCE_DECLINED)
    return let_go (self, claim, use, "declined", zu_receipt_get_text (receipt), TRUE, error);
  return let_go (self, claim, use, "declined", "the instrument did not do it", FALSE, error);
}

/* The log did not take the intention, so nothing was done now; but where something may have been
 * done before, what was reserved for it stays reserved. */
static void
give_up (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, gboolean untouched)
{
  g_autofree char *event =
      zu_grant_event_refused (claim, use, "declined", "the log did not take it in time");
  gint64 seq;

  if (untouched)
    zu_grant_store_release (self->store, &claim->use, event, &seq, NULL);
}

/* The log knows of it first. UNTOUCHED: it is known that nothing was done yet. Once an order is
 * given, the caller's wish to wait no longer does not take it back. */
static ZuUseOutcome *
perform (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, gboolean untouched,
         GError **error)
{
  g_autofree char *event = zu_grant_event_reserved (claim, use);
  g_autoptr (ZuOrder) order = new_order (claim, use);
  g_autoptr (ZuReceipt) receipt = NULL;
  g_autoptr (GError) why = NULL;
  gint64 seq;

  if (!zu_grant_store_note (self->store, event, &seq, error)
      || !zu_grant_journal_await (self->journal, seq, error))
    {
      give_up (self, claim, use, untouched);
      return NULL;
    }
  receipt = zu_instrument_perform (self->instrument, order, NULL, &why);
  return conclude (self, claim, use, receipt, why, error);
}

/* Nothing has been done yet: whether it still may be is judged anew, its own reservation set aside.
 */
static ZuUseOutcome *
perform_late (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, GError **error)
{
  ZuGrantState state = claim->grant.state;
  const ZuGrantRefusal *refusal;

  state.amount -= claim->use.amount;
  state.n_uses--;
  refusal = zu_grant_judge (claim->grant.terms, &state, use, claim->use.amount,
                            zu_grant_store_now (self->store));
  if (refusal != NULL)
    return let_go (self, claim, use, refusal->code, refusal->text, FALSE, error);
  return perform (self, claim, use, TRUE, error);
}

/* The broker was ended in the middle of it: what became of it, the instrument is asked. */
static ZuUseOutcome *
reconcile (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuReceipt) receipt =
      zu_instrument_look_up (self->instrument, claim->use.key, NULL, &why);

  if (receipt != NULL && zu_receipt_get_performance (receipt) == ZU_PERFORMANCE_NEVER)
    return perform_late (self, claim, use, error);
  if (receipt == NULL && zu_instrument_get_idempotent (self->instrument))
    return perform (self, claim, use, FALSE, error);
  return conclude (self, claim, use, receipt, why, error);
}

static ZuUseOutcome *
use_claimed (const ZuGrantDesk *self, ZuUseClaim *claim, ZuGrantUse *use, const char *digest,
             GError **error)
{
  gboolean same = claim->existed && g_str_equal (claim->use.digest, digest);

  if (claim->refusal != NULL)
    return refuse (self, claim, use, claim->refusal, error);
  if (!claim->existed)
    return perform (self, claim, use, TRUE, error);
  if (same && claim->use.state == ZU_USE_RESERVED)
    return reconcile (self, claim, use, error);
  return replay (self, claim, use, same, error);
}

/* Of what is asked for. Who asks again for the same proves that anew. */
static char *
digest_use (ZuGrantUse *use)
{
  g_autoptr (ZuJson) json = zu_grant_use_to_json (use);
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) asked = NULL;
  g_autofree char *text = NULL;

  zu_json_builder_begin_object (builder);
  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      const char *name = zu_json_get_member_name (json, i, NULL);
      g_autoptr (ZuJson) value = zu_json_dup_member (json, name);

      if (g_str_equal (name, "proof"))
        continue;
      zu_json_builder_set_member (builder, name);
      zu_json_builder_add_json (builder, value);
    }
  zu_json_builder_end_object (builder);
  asked = zu_json_builder_end (builder, NULL);
  text = zu_json_to_canonical_string (asked);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

/* From who asks to an outcome. One idempotency key at a time. */
ZuUseOutcome *
zu_grant_desk_use (const ZuGrantDesk *self, ZuGrantUse *use, GError **error)
{
  g_autofree char *digest = digest_use (use);
  g_auto (ZuUseClaim) claim = { { NULL } };

  if (!zu_grant_callers_find (self->callers, use, &claim.peer, &claim.refusal, error))
    return NULL;
  if (claim.refusal != NULL)
    return zu_grant_store_get (self->store, zu_grant_use_get_grant_id (use), &claim.grant, error)
               ? refuse (self, &claim, use, claim.refusal, error)
               : NULL;
  if (!zu_grant_store_claim (self->store, use, digest, &claim, error))
    return NULL;
  return use_claimed (self, &claim, use, digest, error);
}
