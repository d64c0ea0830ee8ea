/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-broker-gate.h"

#include "zu-broker-callers.h"

#define POLKIT            "org.freedesktop.PolicyKit1"
#define POLKIT_PATH       "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE  "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ACTION     "org.zu.broker1."
#define POLKIT_TIMEOUT    120000
#define ALLOW_INTERACTION 1

struct _ZuBrokerGate
{
  GDBusConnection *connection;
  GCancellable *cancellable;
  ZuBrokerPolicy *policy;
  ZuBrokerCallers *callers;
  GHashTable *buckets; /* user id → Bucket */
};

/* What a user may still call: it fills at the rate, up to the burst. */
typedef struct
{
  double tokens;
  gint64 moment;
} Bucket;

typedef struct
{
  ZuBrokerGate *gate;
  ZuDBusAdapter *adapter;
  GDBusMethodInvocation *invocation;
} Pending;

static Pending *
pending_new (ZuBrokerGate *gate, ZuDBusAdapter *adapter, GDBusMethodInvocation *invocation)
{
  Pending *self = g_new0 (Pending, 1);

  self->gate = gate;
  self->adapter = g_object_ref (adapter);
  self->invocation = invocation;
  return self;
}

static void
refuse (GDBusMethodInvocation *invocation, const char *why)
{
  g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_ACCESS_DENIED,
                                         "%s is not for you: %s",
                                         g_dbus_method_invocation_get_method_name (invocation),
                                         why);
}

/* Ends a pending call. WHY is NULL where it may go on. */
static void
settle (Pending *self, const char *why)
{
  if (why == NULL)
    zu_dbus_adapter_admit (self->adapter, self->invocation);
  else
    refuse (self->invocation, why);
  g_object_unref (self->adapter);
  g_free (self);
}

static gboolean
take_token (ZuBrokerGate *self, guint uid)
{
  double rate = zu_broker_policy_get_rate (self->policy);
  double burst = zu_broker_policy_get_burst (self->policy);
  gint64 now = g_get_monotonic_time ();
  Bucket *bucket = g_hash_table_lookup (self->buckets, GUINT_TO_POINTER (uid));

  if (rate <= 0)
    return TRUE;
  if (bucket == NULL)
    {
      bucket = g_new0 (Bucket, 1);
      bucket->tokens = burst;
      bucket->moment = now;
      g_hash_table_insert (self->buckets, GUINT_TO_POINTER (uid), bucket);
    }
  bucket->tokens =
      MIN (burst, bucket->tokens + rate * (double) (now - bucket->moment) / G_TIME_SPAN_SECOND);
  bucket->moment = now;
  if (bucket->tokens < 1)
    return FALSE;
  bucket->tokens -= 1;
  return TRUE;
}

static void
on_authorised (GObject *connection, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (connection), result, &error);
  gboolean authorised = FALSE;

  if (reply == NULL)
    {
      settle (data, "polkit cannot be asked");
      return;
    }
  g_variant_get (reply, "((bba{ss}))", &authorised, NULL, NULL);
  settle (data, authorised ? NULL : "polkit did not authorise it");
}

static void
ask_polkit (Pending *pending)
{
  GDBusMethodInvocation *invocation = pending->invocation;
  g_autofree char *verb =
      g_ascii_strdown (g_dbus_method_invocation_get_method_name (invocation), -1);
  g_autofree char *action = g_strconcat (POLKIT_ACTION, verb, NULL);
  GVariantBuilder subject;

  g_variant_builder_init (&subject, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&subject, "{sv}", "name",
                         g_variant_new_string (g_dbus_method_invocation_get_sender (invocation)));
  g_dbus_connection_call (pending->gate->connection, POLKIT, POLKIT_PATH, POLKIT_INTERFACE,
                          "CheckAuthorization",
                          g_variant_new ("((sa{sv})sa{ss}us)", "system-bus-name", &subject, action,
                                         NULL, ALLOW_INTERACTION, ""),
                          G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, POLKIT_TIMEOUT,
                          pending->gate->cancellable, on_authorised, pending);
}

static void
return_rate_limited (GDBusMethodInvocation *invocation)
{
  g_autofree char *name = g_strconcat (g_dbus_method_invocation_get_interface_name (invocation),
                                       ".Error.RateLimited", NULL);

  g_dbus_method_invocation_return_dbus_error (invocation, name,
                                              "too many calls: wait, and call more slowly");
}

/* TRUE where the call may go on at once; else it is answered, or will be. */
static gboolean
judge_caller (ZuBrokerGate *self, ZuDBusAdapter *adapter, GDBusMethodInvocation *invocation,
              const ZuBrokerCaller *caller)
{
  const char *verb = g_dbus_method_invocation_get_method_name (invocation);
  ZuBrokerVerdict verdict = zu_broker_policy_judge (self->policy, verb, caller);
  g_autofree char *peer = zu_peer_dup_user (caller->uid);

  zu_dbus_adapter_set_peer (invocation, peer);
  if (verdict == ZU_BROKER_VERDICT_REFUSED)
    refuse (invocation, "the broker's policy does not name you");
  else if (!take_token (self, caller->uid))
    return_rate_limited (invocation);
  else if (verdict == ZU_BROKER_VERDICT_ALLOWED)
    return TRUE;
  else
    ask_polkit (pending_new (self, adapter, invocation));
  return FALSE;
}

static void
on_caller (const ZuBrokerCaller *caller, gpointer data)
{
  Pending *pending = data;

  if (caller == NULL)
    settle (pending, "the bus does not say who you are");
  else
    {
      if (judge_caller (pending->gate, pending->adapter, pending->invocation, caller))
        zu_dbus_adapter_admit (pending->adapter, pending->invocation);
      g_object_unref (pending->adapter);
      g_free (pending);
    }
}

/* A gate of an adapter. */
gboolean
zu_broker_gate_judge (ZuDBusAdapter *adapter, GDBusMethodInvocation *invocation, gpointer data)
{
  ZuBrokerGate *self = data;
  const char *sender = g_dbus_method_invocation_get_sender (invocation);
  const ZuBrokerCaller *caller =
      sender != NULL ? zu_broker_callers_peek (self->callers, sender) : NULL;

  if (caller != NULL)
    return judge_caller (self, adapter, invocation, caller);
  if (sender == NULL)
    refuse (invocation, "this is no bus");
  else
    zu_broker_callers_find (self->callers, sender, on_caller,
                            pending_new (self, adapter, invocation));
  return FALSE;
}

/* From the next call on. */
void
zu_broker_gate_take_policy (ZuBrokerGate *self, ZuBrokerPolicy *policy)
{
  g_clear_pointer (&self->policy, zu_broker_policy_free);
  self->policy = policy;
  zu_broker_callers_reset (self->callers, zu_broker_policy_needs_unit (policy));
}

ZuBrokerGate *
zu_broker_gate_new (GDBusConnection *connection, ZuBrokerPolicy *policy)
{
  ZuBrokerGate *self = g_new0 (ZuBrokerGate, 1);

  self->connection = g_object_ref (connection);
  self->cancellable = g_cancellable_new ();
  self->buckets = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->callers = zu_broker_callers_new (connection);
  zu_broker_gate_take_policy (self, policy);
  return self;
}

void
zu_broker_gate_free (ZuBrokerGate *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  zu_broker_callers_free (self->callers);
  zu_broker_policy_free (self->policy);
  g_hash_table_unref (self->buckets);
  g_object_unref (self->connection);
  g_free (self);
}
