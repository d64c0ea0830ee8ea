/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"

#include "zuctl-output.h"

#include <string.h>

void
zuctl_parsed_clear (ZuctlParsed *parsed)
{
  g_clear_pointer (&parsed->rest, g_strfreev);
}

static GOptionContext *
new_context (const ZuctlCommand *command, const GOptionEntry *entries, const GOptionEntry *more,
             const GOptionEntry *own)
{
  GOptionContext *context = g_option_context_new (command->arguments);
  g_autofree char *summary = g_strconcat (command->brief, ".", NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, command->words == ZUCTL_WORDS_END_OPTIONS);
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (more != NULL)
    g_option_context_add_main_entries (context, more, NULL);
  g_option_context_add_main_entries (context, own, NULL);
  return context;
}

static void
print_help (const ZuctlCommand *command, GOptionContext *context)
{
  g_autofree char *name = g_strconcat ("zuctl ", command->name, NULL);
  g_autofree char *help = NULL;

  g_set_prgname (name);
  help = g_option_context_get_help (context, TRUE, NULL);
  g_set_prgname ("zuctl");
  zuctl_print ("%s", help);
}

/* Words as an argument vector: a program's name first, and nothing after a "--" among them. */
static GStrv
split_words (GStrv words, GStrv *behind)
{
  g_autoptr (GStrvBuilder) before = g_strv_builder_new ();
  guint i;

  g_strv_builder_add (before, "zuctl");
  for (i = 0; words[i] != NULL && strcmp (words[i], "--") != 0; i++)
    g_strv_builder_add (before, words[i]);

  *behind = words[i] != NULL ? words + i + 1 : words + i;
  return g_strv_builder_end (before);
}

static GStrv
join_words (GStrv before, GStrv behind)
{
  g_autoptr (GStrvBuilder) all = g_strv_builder_new ();

  for (guint i = 1; before[i] != NULL; i++)
    g_strv_builder_add (all, before[i]);
  for (guint i = 0; behind[i] != NULL; i++)
    g_strv_builder_add (all, behind[i]);
  return g_strv_builder_end (all);
}

/* Checks how many words were given besides the options. */
static gboolean
check_words (const ZuctlCommand *command, const ZuctlParsed *parsed, GError **error)
{
  guint n = g_strv_length (parsed->rest);

  if (n > command->most)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "%s: one argument too many: %s (see zuctl %s --help)", command->name,
                 parsed->rest[command->most], command->name);
  else if (n < command->least)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "%s: an argument is missing: it takes %s (see zuctl %s --help)", command->name,
                 command->arguments, command->name);
  return n >= command->least && n <= command->most;
}

/* Reads options into what ENTRIES and MORE point to. FALSE where there is nothing left to do: a
 * mistake, or --help, which every command has. */
gboolean
zuctl_parse (const ZuctlCommand *command, GStrv words, const GOptionEntry *entries,
             const GOptionEntry *more, ZuctlParsed *parsed, GError **error)
{
  const GOptionEntry own[] = { { "help", 'h', 0, G_OPTION_ARG_NONE, &parsed->is_help,
                                 "Show this and end", NULL },
                               G_OPTION_ENTRY_NULL };
  g_autoptr (GOptionContext) context = new_context (command, entries, more, own);
  g_autoptr (GError) why = NULL;
  GStrv behind;
  g_auto (GStrv) before = split_words (words, &behind);

  parsed->status = ZUCTL_ERROR;
  if (!g_option_context_parse_strv (context, &before, &why))
    {
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "%s: %s (see zuctl %s --help)",
                   command->name, why->message, command->name);
      return FALSE;
    }

  if (parsed->is_help)
    {
      parsed->status = ZUCTL_DONE;
      print_help (command, context);
      return FALSE;
    }

  parsed->rest = join_words (before, behind);
  return check_words (command, parsed, error);
}
