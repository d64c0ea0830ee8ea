/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-broker.h"

#include "zu-grant-events.h"
#include "zu-grant-journal.h"
#include "zu-grant-store.h"

#include <string.h>

#define DEFAULT_TIMEOUT 5000

/**
 * ZuGrantBroker:
 *
 * Lets others use what its instrument holds, within grants.
 *
 * A use is reserved, carried out, and then captured or released, each durably before the next; its
 * events are in the log before anything is answered, and the first of them before anything is
 * carried out. All verbs may be called from any thread.
 */
struct _ZuGrantBroker
{
  GObject parent_instance;

  ZuSecret *secret;
  char *store_path;
  char *sink_uri;
  char *instrument_name;
  char *instrument_options;
  guint audit_timeout;

  ZuGrantStore *store;
  ZuGrantJournal *journal;
  ZuInstrument *instrument;

  GMutex lock;
  GHashTable *in_flight; /* idempotency keys that are being carried out */
};

enum
{
  PROP_SECRET = 1,
  PROP_STORE,
  PROP_SINK,
  PROP_INSTRUMENT,
  PROP_INSTRUMENT_OPTIONS,
  PROP_AUDIT_TIMEOUT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_grant_broker_iface_init (ZuCredentialBrokerInterface *iface);
static void zu_grant_broker_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuGrantBroker, zu_grant_broker, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_CREDENTIAL_BROKER,
                                                               zu_grant_broker_iface_init)
                                    G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE,
                                                                   zu_grant_broker_initable_init))

static gboolean
zu_grant_broker_introspect (ZuCredentialBroker *broker, GCancellable *cancellable, GError **error)
{
  return ZU_GRANT_BROKER (broker)->secret != NULL;
}

static ZuGrant *
new_grant (const ZuGrantRow *row)
{
  g_autofree char *issued = zu_grant_dup_time (row->issued);
  g_autofree char *expires = zu_grant_dup_time (row->state.expires);
  g_autofree char *used = zu_amount_to_text (row->state.amount);

  return g_object_new (ZU_TYPE_GRANT, "id", row->id, "terms", row->terms, "issued", issued,
                       "expires", expires, "revoked", row->state.revoked, "used", used, "n-uses",
                       row->state.n_uses, NULL);
}

static ZuGrant *
zu_grant_broker_grant (ZuCredentialBroker *broker, ZuGrantTerms *terms, GCancellable *cancellable,
                       GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (broker);
  g_auto (ZuGrantRow) row = { NULL };
  g_autofree char *event = NULL;
  gint64 seq;

  if (!zu_grant_terms_check (terms, error))
    return NULL;
  row.id = g_uuid_string_random ();
  row.terms = g_object_ref (terms);
  row.issued = zu_grant_store_now (self->store);
  row.state.expires = row.issued + zu_grant_terms_get_ttl (terms) * G_USEC_PER_SEC;
  event = zu_grant_event_issued (&row);
  if (!zu_grant_store_add (self->store, &row, event, &seq, error)
      || !zu_grant_journal_await (self->journal, seq, error))
    return NULL;
  return new_grant (&row);
}

static gboolean
zu_grant_broker_revoke (ZuCredentialBroker *broker, const char *grant_id, GCancellable *cancellable,
                        GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (broker);
  g_auto (ZuGrantRow) row = { NULL };
  g_autofree char *event = NULL;
  gint64 seq = 0;

  if (!zu_grant_store_get (self->store, grant_id, &row, error))
    return FALSE;
  event = zu_grant_event_revoked (&row);
  /* It holds from here on, whatever becomes of the event. */
  return zu_grant_store_revoke (self->store, grant_id, event, &seq, error)
         && zu_grant_journal_await (self->journal, seq, error);
}

static GPtrArray *
zu_grant_broker_list_grants (ZuCredentialBroker *broker, GCancellable *cancellable, GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (broker);
  g_autoptr (GPtrArray) rows = zu_grant_store_list (self->store, error);
  GPtrArray *grants;

  if (rows == NULL)
    return NULL;
  grants = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < rows->len; i++)
    g_ptr_array_add (grants, new_grant (rows->pdata[i]));
  return grants;
}

static ZuUseOutcome *
new_outcome (const ZuUseClaim *claim, const char *refusal, const char *text, ZuJson *result)
{
  g_autofree char *remaining =
      zu_grant_dup_remaining (claim->grant.terms, claim->grant.state.amount);

  return g_object_new (ZU_TYPE_USE_OUTCOME, "use-id", claim->use.id, "done", refusal == NULL,
                       "refusal", refusal, "text", text, "result", result, "remaining", remaining,
                       NULL);
}

/* Refused before it became a use: only the log hears of it. */
static ZuUseOutcome *
refuse (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, const ZuGrantRefusal *refusal,
        GError **error)
{
  g_autofree char *event = zu_grant_event_refused (claim, use, refusal->code, refusal->text);
  gint64 seq;

  if (!zu_grant_store_note (self->store, event, &seq, error)
      || !zu_grant_journal_await (self->journal, seq, error))
    return NULL;
  return new_outcome (claim, refusal->code, refusal->text, NULL);
}

/* The key was used. Whoever has the key and asks for the same is told what came of it. */
static ZuUseOutcome *
replay (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, gboolean same, GError **error)
{
  g_autoptr (ZuUseOutcome) outcome = refuse (self, claim, use, &zu_grant_replay, error);
  g_autoptr (ZuJson) result = NULL;

  if (outcome == NULL || !same || claim->use.state != ZU_USE_DONE)
    return g_steal_pointer (&outcome);
  result = zu_json_parse (claim->use.outcome, -1, NULL);
  return new_outcome (claim, zu_grant_replay.code, "it was carried out already", result);
}

static ZuUseOutcome *
capture (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, ZuReceipt *receipt,
         GError **error)
{
  ZuJson *result = zu_receipt_get_result (receipt);
  g_autofree char *text = result != NULL ? zu_json_to_string (result) : g_strdup ("null");
  g_autofree char *event = zu_grant_event_done (claim, use);
  gint64 seq;

  if (!zu_grant_store_settle (self->store, &claim->use, ZU_USE_DONE, text, event, &seq, error)
      || !zu_grant_journal_await (self->journal, seq, error))
    return NULL;
  return new_outcome (claim, NULL, NULL, result);
}

static void
give_back (ZuUseClaim *claim)
{
  claim->grant.state.amount -= claim->use.amount;
  claim->grant.state.n_uses--;
}

/* KEEP: the key has been used. Else it was never asked for, and may be again. */
static ZuUseOutcome *
let_go (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, const char *refusal,
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
  return new_outcome (claim, refusal, why, NULL);
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
conclude (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, ZuReceipt *receipt,
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
give_up (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, gboolean untouched)
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
perform (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, gboolean untouched,
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
perform_late (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, GError **error)
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
reconcile (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, GError **error)
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
use_claimed (ZuGrantBroker *self, ZuUseClaim *claim, ZuGrantUse *use, const char *digest,
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

static gboolean
enter (ZuGrantBroker *self, const char *key)
{
  gboolean entered;

  g_mutex_lock (&self->lock);
  entered = g_hash_table_add (self->in_flight, g_strdup (key));
  g_mutex_unlock (&self->lock);
  return entered;
}

static void
leave (ZuGrantBroker *self, const char *key)
{
  g_mutex_lock (&self->lock);
  g_hash_table_remove (self->in_flight, key);
  g_mutex_unlock (&self->lock);
}

static char *
digest_use (ZuGrantUse *use)
{
  g_autoptr (ZuJson) json = zu_grant_use_to_json (use);
  g_autofree char *text = zu_json_to_canonical_string (json);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

static ZuUseOutcome *
zu_grant_broker_use (ZuCredentialBroker *broker, ZuGrantUse *use, GCancellable *cancellable,
                     GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (broker);
  const char *key = zu_grant_use_get_idempotency_key (use);
  g_autofree char *digest = digest_use (use);
  g_auto (ZuUseClaim) claim = { { NULL } };
  ZuUseOutcome *outcome = NULL;

  if (!enter (self, key))
    {
      g_set_error_literal (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_UNRESOLVED,
                           "a use with this idempotency key is being carried out");
      return NULL;
    }
  if (zu_grant_store_claim (self->store, use, digest, &claim, error))
    outcome = use_claimed (self, &claim, use, digest, error);
  leave (self, key);
  return outcome;
}

static void
zu_grant_broker_iface_init (ZuCredentialBrokerInterface *iface)
{
  iface->introspect = zu_grant_broker_introspect;
  iface->grant = zu_grant_broker_grant;
  iface->use = zu_grant_broker_use;
  iface->revoke = zu_grant_broker_revoke;
  iface->list_grants = zu_grant_broker_list_grants;
}

static gboolean
make_instrument (ZuGrantBroker *self, GCancellable *cancellable, GError **error)
{
  const char *text = self->instrument_options != NULL ? self->instrument_options : "{}";
  g_autoptr (ZuJson) options = zu_json_parse (text, -1, error);
  const char *names[] = { "secret" };
  GValue values[1] = { G_VALUE_INIT };

  if (options == NULL)
    {
      g_prefix_error (error, "instrument-options: ");
      return FALSE;
    }
  g_value_init (&values[0], ZU_TYPE_SECRET);
  g_value_set_boxed (&values[0], self->secret);
  self->instrument = (ZuInstrument *) zu_registry_create_full (
      zu_registry_get_default (), "zu.instruments", "Instrument", self->instrument_name, options,
      self->secret != NULL, names, values, cancellable, error);
  g_value_unset (&values[0]);
  return self->instrument != NULL;
}

static gboolean
zu_grant_broker_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (initable);
  g_autoptr (ZuEventSink) sink = NULL;

  if (self->store_path == NULL || self->sink_uri == NULL || self->instrument_name == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "grant-broker: store, sink and instrument must be given");
      return FALSE;
    }
  if (!make_instrument (self, cancellable, error))
    return FALSE;
  sink = zu_open_sink (self->sink_uri, error);
  if (sink == NULL)
    return FALSE;
  self->store = zu_grant_store_open (self->store_path, error);
  if (self->store == NULL)
    return FALSE;
  self->journal = zu_grant_journal_new (self->store, sink, self->audit_timeout);
  return TRUE;
}

static void
zu_grant_broker_initable_init (GInitableIface *iface)
{
  iface->init = zu_grant_broker_initable;
}

static void
zu_grant_broker_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (object);

  switch (id)
    {
    case PROP_SECRET:
      self->secret = g_value_dup_boxed (value);
      break;
    case PROP_STORE:
      self->store_path = g_value_dup_string (value);
      break;
    case PROP_SINK:
      self->sink_uri = g_value_dup_string (value);
      break;
    case PROP_INSTRUMENT:
      self->instrument_name = g_value_dup_string (value);
      break;
    case PROP_INSTRUMENT_OPTIONS:
      self->instrument_options = g_value_dup_string (value);
      break;
    case PROP_AUDIT_TIMEOUT:
      self->audit_timeout = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_grant_broker_finalize (GObject *object)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (object);

  g_clear_pointer (&self->journal, zu_grant_journal_free);
  g_clear_pointer (&self->store, zu_grant_store_free);
  g_clear_object (&self->instrument);
  g_clear_pointer (&self->secret, zu_secret_unref);
  g_free (self->store_path);
  g_free (self->sink_uri);
  g_free (self->instrument_name);
  g_free (self->instrument_options);
  g_hash_table_unref (self->in_flight);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_grant_broker_parent_class)->finalize (object);
}

static void
zu_grant_broker_class_init (ZuGrantBrokerClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = zu_grant_broker_set_property;
  object_class->finalize = zu_grant_broker_finalize;

  props[PROP_SECRET] =
      g_param_spec_boxed ("secret", NULL, "What the instrument holds; handed on to it",
                          ZU_TYPE_SECRET, flags);
  props[PROP_STORE] =
      g_param_spec_string ("store", NULL,
                           "The database of grants, which one broker holds at a time", NULL, flags);
  props[PROP_SINK] =
      g_param_spec_string ("sink", NULL, "The URI of the log that is told everything", NULL, flags);
  props[PROP_INSTRUMENT] =
      g_param_spec_string ("instrument", NULL, "The instrument, by its registered name", NULL,
                           flags);
  props[PROP_INSTRUMENT_OPTIONS] =
      g_param_spec_string ("instrument-options", NULL, "Its options, a JSON object as text", NULL,
                           flags);
  props[PROP_AUDIT_TIMEOUT] =
      g_param_spec_uint ("audit-timeout", NULL, "Milliseconds that an answer waits for the log", 1,
                         600000, DEFAULT_TIMEOUT, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_grant_broker_class_finalize (ZuGrantBrokerClass *klass)
{
}

static void
zu_grant_broker_init (ZuGrantBroker *self)
{
  g_mutex_init (&self->lock);
  self->in_flight = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
zu_grant_broker_register (GTypeModule *module)
{
  zu_grant_broker_register_type (module);
}
