/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-caller.h"

#include <string.h>

#define DEFAULT_AUDIENCE "grant-broker"

/* What a proof must be bound to. */
typedef enum
{
  BINDING_NONCE, /* the audience and the use's idempotency key */
  BINDING_AUDIENCE,
  BINDING_NONE,
  N_BINDINGS
} Binding;

static const char *const bindings[N_BINDINGS] = { "nonce", "audience", "none" };

struct _ZuGrantCallers
{
  ZuWorkloadIdentity *identity; /* NULL where no proof is verified */
  char *audience;
  Binding binding;
  gboolean is_required;
};

static const ZuGrantRefusal not_proven = { "no_identity", "the proof of who asks does not hold" };
static const ZuGrantRefusal not_verified = { "no_identity", "this broker verifies no proofs" };
static const ZuGrantRefusal not_given = { "no_identity", "a use must prove who asks for it" };

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "grant-broker: identity: %s", what);
  return FALSE;
}

static gboolean
read_text (ZuJson *value, char **text)
{
  gsize length;

  if (zu_json_get_kind (value) != ZU_JSON_KIND_STRING)
    return FALSE;
  g_free (*text);
  *text = g_strdup (zu_json_get_string (value, &length));
  return length > 0 && strlen (*text) == length;
}

static gboolean
read_binding (ZuJson *value, Binding *binding)
{
  g_autofree char *text = NULL;

  if (!read_text (value, &text))
    return FALSE;
  for (guint i = 0; i < N_BINDINGS; i++)
    if (g_str_equal (text, bindings[i]))
      {
        *binding = (Binding) i;
        return TRUE;
      }
  return FALSE;
}

static gboolean
read_member (ZuGrantCallers *self, const char *key, ZuJson *value, char **name, ZuJson **options,
             GError **error)
{
  if (g_str_equal (key, "name"))
    return read_text (value, name) || refuse (error, "name is a text");
  if (g_str_equal (key, "audience"))
    return read_text (value, &self->audience) || refuse (error, "audience is a text");
  if (g_str_equal (key, "binding"))
    return read_binding (value, &self->binding)
           || refuse (error, "binding is nonce, audience or none");
  if (g_str_equal (key, "required") && zu_json_get_kind (value) == ZU_JSON_KIND_BOOLEAN)
    {
      self->is_required = zu_json_get_boolean (value);
      return TRUE;
    }
  if (g_str_equal (key, "options") && zu_json_get_kind (value) == ZU_JSON_KIND_OBJECT)
    {
      *options = zu_json_ref (value);
      return TRUE;
    }
  return refuse (error, "it is an object of name, options, audience, binding and required");
}

static gboolean
read_settings (ZuGrantCallers *self, ZuJson *settings, GError **error)
{
  g_autofree char *name = NULL;
  g_autoptr (ZuJson) options = NULL;

  if (zu_json_get_kind (settings) != ZU_JSON_KIND_OBJECT)
    return refuse (error, "it is a JSON object");
  for (gsize i = 0; i < zu_json_get_size (settings); i++)
    {
      const char *key = zu_json_get_member_name (settings, i, NULL);
      g_autoptr (ZuJson) value = zu_json_dup_member (settings, key);

      if (options != NULL && g_str_equal (key, "options"))
        return refuse (error, "options is there twice");
      if (!read_member (self, key, value, &name, &options, error))
        return FALSE;
    }
  if (name == NULL)
    return refuse (error, "name is missing");
  self->identity =
      (ZuWorkloadIdentity *) zu_registry_create (zu_registry_get_default (), "zu.workload_identity",
                                                 "WorkloadIdentity", name, options, NULL, error);
  return self->identity != NULL;
}

/* SETTINGS are a JSON object as text; NULL where no proof is verified. */
ZuGrantCallers *
zu_grant_callers_new (const char *settings, GError **error)
{
  g_autoptr (ZuGrantCallers) self = g_new0 (ZuGrantCallers, 1);
  g_autoptr (ZuJson) json = NULL;

  self->audience = g_strdup (DEFAULT_AUDIENCE);
  if (settings == NULL)
    return g_steal_pointer (&self);
  json = zu_json_parse (settings, -1, error);
  if (json == NULL)
    {
      g_prefix_error (error, "grant-broker: identity: ");
      return NULL;
    }
  return read_settings (self, json, error) ? g_steal_pointer (&self) : NULL;
}

void
zu_grant_callers_free (ZuGrantCallers *self)
{
  g_clear_object (&self->identity);
  g_free (self->audience);
  g_free (self);
}

static ZuChallenge *
new_challenge (ZuGrantCallers *self, ZuGrantUse *use)
{
  if (self->binding == BINDING_NONE)
    return NULL;
  return g_object_new (ZU_TYPE_CHALLENGE, "audience", self->audience, "nonce",
                       self->binding == BINDING_NONCE ? zu_grant_use_get_idempotency_key (use)
                                                      : NULL,
                       NULL);
}

/* *PEER is who it is: the principal that the use proves, else whom the wire names, which may be
 * nobody. *REFUSAL is set where a proof is not there, or does not hold. */
gboolean
zu_grant_callers_find (ZuGrantCallers *self, ZuGrantUse *use, char **peer,
                       const ZuGrantRefusal **refusal, GError **error)
{
  ZuProof *proof = zu_grant_use_get_proof (use);
  g_autoptr (ZuChallenge) challenge = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *principal = NULL;

  *refusal = NULL;
  *peer = g_strdup (zu_peer_get ());
  if (proof == NULL)
    {
      *refusal = self->is_required ? &not_given : NULL;
      return TRUE;
    }
  if (self->identity == NULL)
    {
      *refusal = &not_verified;
      return TRUE;
    }
  challenge = new_challenge (self, use);
  principal = zu_workload_identity_verify (self->identity, proof, challenge, NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "who asks cannot be verified: ");
      return FALSE;
    }
  if (principal == NULL)
    *refusal = &not_proven;
  else
    {
      g_free (*peer);
      *peer = g_steal_pointer (&principal);
    }
  return TRUE;
}
