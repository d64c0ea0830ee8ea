/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-input.h"
#include "zuctl-output.h"

#define KIND "zu.workload_identity"
#define PORT "WorkloadIdentity"

typedef struct
{
  char *name;
  char *config;
  char *audience;
  char *nonce;
  gboolean is_json;
} IdentityOptions;

static void
options_clear (IdentityOptions *options)
{
  g_free (options->name);
  g_free (options->config);
  g_free (options->audience);
  g_free (options->nonce);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (IdentityOptions, options_clear)

static gboolean
parse (const ZuctlCommand *command, GStrv words, IdentityOptions *options, ZuctlParsed *parsed,
       GError **error)
{
  const GOptionEntry entries[] = {
    { "name", 0, 0, G_OPTION_ARG_STRING, &options->name, "The identity plugin, as in static",
      "NAME" },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "Its configuration, a JSON object",
      "FILE" },
    { "audience", 0, 0, G_OPTION_ARG_STRING, &options->audience, "Who the proof is for", "NAME" },
    { "nonce", 0, 0, G_OPTION_ARG_STRING, &options->nonce, "The verifier's fresh value", "TEXT" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &options->is_json, "Print a JSON object", NULL },
    G_OPTION_ENTRY_NULL
  };

  if (!zuctl_parse (command, words, entries, NULL, parsed, error))
    return FALSE;
  if (options->name != NULL && options->config != NULL)
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
               "%s: --%s is missing (see zuctl %s --help)", command->name,
               options->name == NULL ? "name" : "config", command->name);
  return FALSE;
}

/* NULL where nothing is to be bound. */
static ZuChallenge *
new_challenge (const IdentityOptions *options)
{
  if (options->audience == NULL && options->nonce == NULL)
    return NULL;
  return g_object_new (ZU_TYPE_CHALLENGE, "audience", options->audience, "nonce", options->nonce,
                       NULL);
}

static ZuWorkloadIdentity *
open_identity (const IdentityOptions *options, GError **error)
{
  g_autoptr (ZuJson) config = zuctl_read_json_file (options->config, error);
  GObject *identity;

  if (config == NULL)
    return NULL;

  identity = zu_registry_create (zu_registry_get_default (), KIND, PORT, options->name, config,
                                 NULL, error);
  if (identity == NULL)
    {
      g_prefix_error (error, "cannot use the identity %s: ", options->name);
      return NULL;
    }
  return ZU_WORKLOAD_IDENTITY (identity);
}

static int
run_present (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (IdentityOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuWorkloadIdentity) identity = NULL;
  g_autoptr (ZuChallenge) challenge = NULL;
  g_autoptr (ZuProof) proof = NULL;
  g_autoptr (ZuJson) json = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  identity = open_identity (&options, error);
  if (identity == NULL)
    return ZUCTL_ERROR;

  challenge = new_challenge (&options);
  proof = zu_workload_identity_present (identity, challenge, NULL, error);
  if (proof == NULL)
    {
      g_prefix_error (error, "cannot make a proof: ");
      return ZUCTL_ERROR;
    }

  json = zu_proof_to_json (proof);
  zuctl_print_json (json);
  return ZUCTL_DONE;
}

static ZuProof *
read_proof (GError **error)
{
  g_autoptr (GBytes) text = zuctl_read_stdin (error);
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GError) why = NULL;
  ZuProof *proof;

  if (text == NULL)
    return NULL;

  json = zu_json_parse (g_bytes_get_data (text, NULL), g_bytes_get_size (text), &why);
  proof = json != NULL ? zu_proof_new_from_json (json, &why) : NULL;
  if (proof == NULL)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT, "the proof on stdin is refused: %s",
                 why->message);
  return proof;
}

static void
print_principal (const char *principal, gboolean is_json)
{
  g_autoptr (ZuJson) json = zuctl_new_json ("principal", principal, NULL);

  if (is_json)
    zuctl_print_json (json);
  else if (principal != NULL)
    zuctl_print ("%s\n", principal);
}

static int
run_verify (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_auto (IdentityOptions) options = { NULL };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (ZuWorkloadIdentity) identity = NULL;
  g_autoptr (ZuChallenge) challenge = NULL;
  g_autoptr (ZuProof) proof = NULL;
  g_autoptr (GError) why = NULL;
  g_autofree char *principal = NULL;

  if (!parse (command, words, &options, &parsed, error))
    return parsed.status;
  identity = open_identity (&options, error);
  if (identity == NULL)
    return ZUCTL_ERROR;
  proof = read_proof (error);
  if (proof == NULL)
    return ZUCTL_DONE;

  challenge = new_challenge (&options);
  principal = zu_workload_identity_verify (identity, proof, challenge, NULL, &why);
  if (why != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&why), "cannot verify the proof: ");
      return ZUCTL_ERROR;
    }

  print_principal (principal, options.is_json);
  if (principal != NULL)
    return ZUCTL_DONE;
  g_set_error_literal (error, ZUCTL_FAILURE, ZUCTL_FAILURE_INPUT,
                       "the proof is refused: it does not hold for this verifier");
  return ZUCTL_NO;
}

const ZuctlCommand zuctl_identity_commands[] = {
  { "identity present", "", "Make a proof of one's own principal", run_present },
  { "identity verify", "", "Check the proof on stdin and name its principal", run_verify },
  { NULL },
};
