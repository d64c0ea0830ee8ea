/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-broker.h"

#include "zu-grant-desk.h"
#include "zu-grant-events.h"

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
  char *identity_settings;
  guint audit_timeout;

  ZuGrantDesk desk;

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
  PROP_IDENTITY,
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
  row.issued = zu_grant_store_now (self->desk.store);
  row.state.expires = row.issued + zu_grant_terms_get_ttl (terms) * G_USEC_PER_SEC;
  event = zu_grant_event_issued (&row, zu_peer_get ());
  if (!zu_grant_store_add (self->desk.store, &row, event, &seq, error)
      || !zu_grant_journal_await (self->desk.journal, seq, error))
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

  if (!zu_grant_store_get (self->desk.store, grant_id, &row, error))
    return FALSE;
  event = zu_grant_event_revoked (&row, zu_peer_get ());
  /* It holds from here on, whatever becomes of the event. */
  return zu_grant_store_revoke (self->desk.store, grant_id, event, &seq, error)
         && zu_grant_journal_await (self->desk.journal, seq, error);
}

static GPtrArray *
zu_grant_broker_list_grants (ZuCredentialBroker *broker, GCancellable *cancellable, GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (broker);
  g_autoptr (GPtrArray) rows = zu_grant_store_list (self->desk.store, error);
  GPtrArray *grants;

  if (rows == NULL)
    return NULL;
  grants = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < rows->len; i++)
    g_ptr_array_add (grants, new_grant (rows->pdata[i]));
  return grants;
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

static ZuUseOutcome *
zu_grant_broker_use (ZuCredentialBroker *broker, ZuGrantUse *use, GCancellable *cancellable,
                     GError **error)
{
  ZuGrantBroker *self = ZU_GRANT_BROKER (broker);
  const char *key = zu_grant_use_get_idempotency_key (use);
  ZuUseOutcome *outcome;

  if (!enter (self, key))
    {
      g_set_error_literal (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_UNRESOLVED,
                           "a use with this idempotency key is being carried out");
      return NULL;
    }
  outcome = zu_grant_desk_use (&self->desk, use, error);
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
  self->desk.instrument = (ZuInstrument *) zu_registry_create_full (
      zu_registry_get_default (), "zu.instruments", "Instrument", self->instrument_name, options,
      self->secret != NULL, names, values, cancellable, error);
  g_value_unset (&values[0]);
  return self->desk.instrument != NULL;
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
  self->desk.callers = zu_grant_callers_new (self->identity_settings, error);
  if (self->desk.callers == NULL || !make_instrument (self, cancellable, error))
    return FALSE;
  sink = zu_open_sink (self->sink_uri, error);
  if (sink == NULL)
    return FALSE;
  self->desk.store = zu_grant_store_open (self->store_path, error);
  if (self->desk.store == NULL)
    return FALSE;
  self->desk.journal = zu_grant_journal_new (self->desk.store, sink, self->audit_timeout);
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
    case PROP_IDENTITY:
      self->identity_settings = g_value_dup_string (value);
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

  g_clear_pointer (&self->desk.journal, zu_grant_journal_free);
  g_clear_pointer (&self->desk.store, zu_grant_store_free);
  g_clear_object (&self->desk.instrument);
  g_clear_pointer (&self->desk.callers, zu_grant_callers_free);
  g_clear_pointer (&self->secret, zu_secret_unref);
  g_free (self->store_path);
  g_free (self->sink_uri);
  g_free (self->instrument_name);
  g_free (self->instrument_options);
  g_free (self->identity_settings);
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
  props[PROP_IDENTITY] =
      g_param_spec_string ("identity", NULL,
                           "What verifies who asks, a JSON object as text; see the README", NULL,
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
