/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-broker-open.h"
#include "zuctl-command.h"
#include "zuctl-output.h"

static gboolean
parse (const ZuctlCommand *command, GStrv words, ZuctlBrokerOptions *options, ZuctlParsed *parsed,
       GError **error)
{
  const GOptionEntry entries[] = { ZUCTL_BROKER_ENTRIES (options), G_OPTION_ENTRY_NULL };

  return zuctl_parse (command, words, entries, NULL, parsed, error);
}

static int
run_mint (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ZuctlBrokerOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *token = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  broker = zuctl_broker_open (&options, error);
  if (broker == NULL)
    return ZUCTL_ERROR;

  token = zu_credential_broker_mint (broker, parsed.rest[0], NULL, error);
  if (token == NULL)
    {
      g_prefix_error (error, "cannot mint: ");
      return ZUCTL_DONE;
    }

  json = zuctl_new_json ("token", token, NULL);
  if (options.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", token);
  return ZUCTL_DONE;
}

static ZuJson *
new_answer (const char *name, gboolean value)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_boolean (builder, value);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static int
run_check (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ZuctlBrokerOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GError) why = NULL;
  gboolean valid;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  broker = zuctl_broker_open (&options, error);
  if (broker == NULL)
    return ZUCTL_ERROR;

  valid = zu_credential_broker_check (broker, parsed.rest[0], parsed.rest[1], NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot check: ");
      return ZUCTL_DONE;
    }

  json = new_answer ("valid", valid);
  if (options.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", valid ? "the token is good" : "the token is not good");
  return valid ? ZUCTL_DONE : ZUCTL_NO;
}

static int
run_introspect (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (ZuctlBrokerOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuCredentialBroker) broker = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GError) why = NULL;
  gboolean has_secret;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  broker = zuctl_broker_open (&options, error);
  if (broker == NULL)
    return ZUCTL_ERROR;

  has_secret = zu_credential_broker_introspect (broker, NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot introspect: ");
      return ZUCTL_DONE;
    }

  json = new_answer ("has_secret", has_secret);
  if (options.is_json)
    zuctl_print_json (json);
  else
    zuctl_print ("%s\n", has_secret ? "a secret is loaded" : "no secret is loaded");
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_broker_commands[] = {
  { "broker mint", "NONCE", "Have the broker derive a token for a nonce", run_mint, 1, 1 },
  { "broker check", "NONCE TOKEN", "Ask the broker whether a token is good", run_check, 2, 2 },
  { "broker introspect", "", "Ask the broker whether it has a secret", run_introspect },
  { NULL },
};
