/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-broker-open.h"
#include "zuctl-command.h"
#include "zuctl-grant-text.h"
#include "zuctl-input.h"
#include "zuctl-output.h"

typedef struct
{
  ZuctlBrokerOptions broker;
  GStrv operations;
  GStrv payees;
  char *unit;
  char *per_use;
  char *cumulative;
  gint64 uses;
  gint64 ttl;
  gboolean requires_consent;
  char *consent;
  char *key;
  char *payee;
  char *amount;
  char *request;
  char *proof;
} GrantOptions;

static void
options_clear (GrantOptions *self)
{
  zuctl_broker_options_clear (&self->broker);
  g_strfreev (self->operations);
  g_strfreev (self->payees);
  g_free (self->unit);
  g_free (self->per_use);
  g_free (self->cumulative);
  g_free (self->consent);
  g_free (self->key);
  g_free (self->payee);
  g_free (self->amount);
  g_free (self->request);
  g_free (self->proof);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GrantOptions, options_clear)

static gboolean
parse (const ZuctlCommand *command, GStrv words, const GOptionEntry *own, GrantOptions *options,
       ZuctlParsed *parsed, GError **error)
{
  const GOptionEntry entries[] = { ZUCTL_BROKER_ENTRIES (&options->broker), G_OPTION_ENTRY_NULL };

  return zuctl_parse (command, words, entries, own, parsed, error);
}

static ZuJson *
read_object (const char *path, const char *option, GError **error)
{
  g_autoptr (ZuJson) json = zuctl_read_json_file (path, error);

  if (json == NULL || zu_json_get_kind (json) == ZU_JSON_KIND_OBJECT)
    return g_steal_pointer (&json);
  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "broker: --%s %s: it is no JSON object",
               option, path);
  return NULL;
}

/* A record in a file; *RECORD stays NULL where none is named. */
static gboolean
read_record (const char *path, const char *option,
             GObject *(*new_from_json) (ZuJson *json, GError **error), GObject **record,
             GError **error)
{
  g_autoptr (ZuJson) json = NULL;

  if (path == NULL)
    return TRUE;
  json = read_object (path, option, error);
  *record = json != NULL ? new_from_json (json, error) : NULL;
  if (json != NULL && *record == NULL)
    g_prefix_error (error, "--%s %s: ", option, path);
  return *record != NULL;
}

static GObject *
new_consent (ZuJson *json, GError **error)
{
  return (GObject *) zu_consent_new_from_json (json, error);
}

static GObject *
new_proof (ZuJson *json, GError **error)
{
  return (GObject *) zu_proof_new_from_json (json, error);
}

static ZuGrantTerms *
new_terms (const GrantOptions *options, GError **error)
{
  g_autoptr (GObject) consent = NULL;

  if (options->operations == NULL || options->ttl == 0)
    {
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                   "broker grant: --%s is missing (see zuctl broker grant --help)",
                   options->operations == NULL ? "operation" : "ttl");
      return NULL;
    }
  if (!read_record (options->consent, "consent", new_consent, &consent, error))
    return NULL;
  return g_object_new (ZU_TYPE_GRANT_TERMS, "operations", options->operations, "payees",
                       options->payees, "unit", options->unit, "per-use", options->per_use,
                       "cumulative", options->cumulative, "uses", options->uses, "ttl",
                       options->ttl, "requires-consent", options->requires_consent, "consent",
                       consent, NULL);
}

static int
run_grant (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (GrantOptions) options = { { NULL } };
  const GOptionEntry entries[] = {
    { "operation", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.operations,
      "What may be done; one that ends in * is all that begins so; may be given again", "NAME" },
    { "payee", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options.payees,
      "Whom it may be done to; anybody; may be given again", "NAME" },
    { "unit", 0, 0, G_OPTION_ARG_STRING, &options.unit, "What amounts count, as in EUR", "UNIT" },
    { "per-use", 0, 0, G_OPTION_ARG_STRING, &options.per_use, "Most in one use", "AMOUNT" },
    { "cumulative", 0, 0, G_OPTION_ARG_STRING, &options.cumulative, "Most in all uses", "AMOUNT" },
    { "uses", 0, 0, G_OPTION_ARG_INT64, &options.uses, "How many uses; any number", "N" },
    { "ttl", 0, 0, G_OPTION_ARG_INT64, &options.ttl, "Seconds that it is good for", "S" },
    { "requires-consent", 0, 0, G_OPTION_ARG_NONE, &options.requires_consent,
      "It is of no use without a consent", NULL },
    { "consent", 0, 0, G_OPTION_ARG_FILENAME, &options.consent,
      "The consent it rests on: a JSON object of id, by, authority and purpose", "FILE" },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuGrantTerms) terms = NULL;
  g_autoptr (ZuGrant) grant = NULL;
  g_autoptr (ZuJson) json = NULL;

  if (!parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  terms = new_terms (&options, error);
  broker = terms != NULL ? zuctl_broker_open (&options.broker, error) : NULL;
  if (broker == NULL)
    return ZUCTL_ERROR;
  grant = zu_credential_broker_grant (broker, terms, NULL, error);
  if (grant == NULL)
    {
      g_prefix_error (error, "cannot grant: ");
      return ZUCTL_DONE;
    }
  json = zu_grant_to_json (grant);
  if (options.broker.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", zu_grant_get_id (grant));
  return ZUCTL_DONE;
}

static ZuGrantUse *
new_use (const GrantOptions *options, const char *key, GStrv words, GError **error)
{
  g_autoptr (ZuJson) request = NULL;
  g_autoptr (GObject) consent = NULL;
  g_autoptr (GObject) proof = NULL;

  if (options->request != NULL
      && (request = read_object (options->request, "request", error)) == NULL)
    return NULL;
  if (!read_record (options->consent, "consent", new_consent, &consent, error)
      || !read_record (options->proof, "proof", new_proof, &proof, error))
    return NULL;
  return g_object_new (ZU_TYPE_GRANT_USE, "grant-id", words[0], "idempotency-key", key, "operation",
                       words[1], "payee", options->payee, "amount", options->amount, "request",
                       request, "consent", consent, "proof", proof, NULL);
}

/* Whoever is not told what came of it asks again with the same key, so that is told. */
static int
run_use (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (GrantOptions) options = { { NULL } };
  const GOptionEntry entries[] = {
    { "key", 0, 0, G_OPTION_ARG_STRING, &options.key,
      "The idempotency key: one is one use, for ever; a new one", "TEXT" },
    { "payee", 0, 0, G_OPTION_ARG_STRING, &options.payee, "Whom it is done to", "NAME" },
    { "amount", 0, 0, G_OPTION_ARG_STRING, &options.amount, "How much, as in 12.50", "AMOUNT" },
    { "request", 0, 0, G_OPTION_ARG_FILENAME, &options.request,
      "What the instrument needs beside that, a JSON object", "FILE" },
    { "consent", 0, 0, G_OPTION_ARG_FILENAME, &options.consent,
      "A consent to this use: a JSON object of id, by, authority and purpose", "FILE" },
    { "proof", 0, 0, G_OPTION_ARG_FILENAME, &options.proof,
      "Who asks: a proof, as zuctl identity present prints it", "FILE" },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuGrantUse) use = NULL;
  g_autoptr (ZuUseOutcome) outcome = NULL;
  g_autofree char *key = NULL;

  if (!parse (command, words, entries, &options, &parsed, error))
    return parsed.status;
  key = options.key != NULL ? g_strdup (options.key) : g_uuid_string_random ();
  use = new_use (&options, key, parsed.rest, error);
  broker = use != NULL ? zuctl_broker_open (&options.broker, error) : NULL;
  if (broker == NULL)
    return ZUCTL_ERROR;
  outcome = zu_credential_broker_use (broker, use, NULL, error);
  if (outcome == NULL)
    {
      g_prefix_error (error, "cannot use it (--key %s): ", key);
      return ZUCTL_DONE;
    }
  zuctl_grant_print_outcome (outcome, options.broker.is_json);
  return zu_use_outcome_get_done (outcome) ? ZUCTL_DONE : ZUCTL_NO;
}

static int
run_revoke (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (GrantOptions) options = { { NULL } };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;

  if (!parse (command, words, NULL, &options, &parsed, error))
    return parsed.status;
  broker = zuctl_broker_open (&options.broker, error);
  if (broker == NULL)
    return ZUCTL_ERROR;
  if (!zu_credential_broker_revoke (broker, parsed.rest[0], NULL, error))
    {
      g_prefix_error (error, "cannot revoke: ");
      return ZUCTL_DONE;
    }
  json = zuctl_new_json ("revoked", parsed.rest[0], NULL);
  if (options.broker.is_json)
    zuctl_print_json (json);
  return ZUCTL_DONE;
}

static int
run_grants (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (GrantOptions) options = { { NULL } };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (GPtrArray) grants = NULL;

  if (!parse (command, words, NULL, &options, &parsed, error))
    return parsed.status;
  broker = zuctl_broker_open (&options.broker, error);
  if (broker == NULL)
    return ZUCTL_ERROR;
  grants = zu_credential_broker_list_grants (broker, NULL, error);
  if (grants == NULL)
    {
      g_prefix_error (error, "cannot list the grants: ");
      return ZUCTL_DONE;
    }
  zuctl_grant_print_list (grants, options.broker.is_json);
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_grant_commands[] = {
  { "broker grant", "", "Allow uses of what the broker holds, within terms", run_grant },
  { "broker use", "GRANT OPERATION", "Have what the broker holds used under a grant", run_use, 2,
    2 },
  { "broker revoke", "GRANT", "Take a grant back", run_revoke, 1, 1 },
  { "broker grants", "", "List the grants that there are", run_grants },
  { NULL },
};
