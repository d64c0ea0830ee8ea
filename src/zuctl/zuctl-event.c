/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-input.h"
#include "zuctl-output.h"

static void
print_digest (ZuEvent *event, const char *prev_hash, gboolean is_json)
{
  g_autofree char *digest = zu_event_dup_digest (event, prev_hash);

  if (is_json)
    {
      g_autofree char *canonical = zu_event_dup_canonical (event, prev_hash);
      g_autoptr (ZuJson) json = zuctl_new_json ("canonical", canonical, "digest", digest, NULL);

      zuctl_print_json (json);
    }
  else
    zuctl_print ("%s\n", digest);
}

static int
run_digest (const ZuctlCommand *command, GStrv words, GError **error)
{
  g_autofree char *prev_hash = NULL;
  gboolean is_json = FALSE;
  const GOptionEntry entries[] = {
    { "prev", 0, 0, G_OPTION_ARG_STRING, &prev_hash,
      "The digest of the event before it in its trace; any text", "HASH" },
    { "json", 0, 0, G_OPTION_ARG_NONE, &is_json, "Print the canonical text too, as JSON", NULL },
    G_OPTION_ENTRY_NULL
  };
  g_auto (ZuctlParsed) parsed = { 0 };
  g_autoptr (GBytes) text = NULL;
  g_autoptr (ZuEvent) event = NULL;

  if (!zuctl_parse (command, words, entries, NULL, &parsed, error))
    return parsed.status;

  text = zuctl_read_stdin (error);
  if (text == NULL)
    return ZUCTL_DONE;
  event = zu_event_new_from_json (g_bytes_get_data (text, NULL), g_bytes_get_size (text), error);
  if (event == NULL)
    {
      g_prefix_error (error, "the event on stdin is refused: ");
      return ZUCTL_NO;
    }

  print_digest (event, prev_hash, is_json);
  return ZUCTL_DONE;
}

const ZuctlCommand zuctl_event_commands[] = {
  { "event digest", "", "Print the digest of the event on stdin", run_digest },
  { NULL },
};
