/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-command.h"
#include "zuctl-output.h"
#include "zuctl-sandbox.h"

#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

/* Found by their names' first words, so the table needs no order but the help's. */
static const ZuctlCommand *const groups[] = {
  zuctl_run_commands,    zuctl_log_commands,     zuctl_event_commands, zuctl_plugin_commands,
  zuctl_port_commands,   zuctl_broker_commands,  zuctl_grant_commands, zuctl_identity_commands,
  zuctl_egress_commands, zuctl_sandbox_commands,
};

typedef gboolean (*Visit) (const ZuctlCommand *command, gpointer data);

static const ZuctlCommand *
find (Visit visit, gpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    for (const ZuctlCommand *command = groups[i]; command->name != NULL; command++)
      if (visit (command, data))
        return command;
  return NULL;
}

static gboolean
is_named (const ZuctlCommand *command, gpointer data)
{
  return strcmp (command->name, data) == 0;
}

static gboolean
is_in_group (const ZuctlCommand *command, gpointer data)
{
  const char *group = data;
  gsize length = strlen (group);

  return strncmp (command->name, group, length) == 0 && command->name[length] == ' ';
}

/* The longer name wins: `ports show` before `ports`. */
static const ZuctlCommand *
find_command (GStrv words, guint *n_words)
{
  const ZuctlCommand *command = NULL;

  if (words[0] != NULL && words[1] != NULL)
    {
      g_autofree char *name = g_strconcat (words[0], " ", words[1], NULL);

      command = find (is_named, name);
      *n_words = 2;
    }
  if (command == NULL && words[0] != NULL)
    {
      command = find (is_named, words[0]);
      *n_words = 1;
    }
  return command;
}

static gboolean
print_usage_line (const ZuctlCommand *command, gpointer data)
{
  const char *group = data;

  if (group == NULL || strcmp (command->name, group) == 0 || is_in_group (command, data))
    zuctl_print ("  %-18s %s\n", command->name, command->brief);
  return FALSE;
}

static void
print_usage (const char *group)
{
  zuctl_print ("Usage:\n  zuctl %s%sCOMMAND [OPTION...]\n\nCommands:\n", group != NULL ? group : "",
               group != NULL ? " " : "");
  find (print_usage_line, (gpointer) group);
  zuctl_print ("\nzuctl COMMAND --help tells more, and so does man zuctl.\n");
}

static gboolean
is_help (const char *word)
{
  return word != NULL
         && (strcmp (word, "--help") == 0 || strcmp (word, "-h") == 0
             || strcmp (word, "help") == 0);
}

static int
run_other (GStrv words, GError **error)
{
  if (is_help (words[0]))
    print_usage (NULL);
  else if (words[0] != NULL && strcmp (words[0], "--version") == 0)
    zuctl_print ("zuctl " ZU_VERSION "\n");
  else if (words[0] != NULL && find (is_in_group, words[0]) != NULL && is_help (words[1]))
    print_usage (words[0]);
  else if (words[0] == NULL)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "usage: no command was given (see zuctl --help)");
  else if (find (is_in_group, words[0]) != NULL)
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE, "%s: %s%s (see zuctl %s --help)",
                 words[0], words[1] != NULL ? "no such command: " : "no command was given",
                 words[1] != NULL ? words[1] : "", words[0]);
  else
    g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_USAGE,
                 "%s: no such command (see zuctl --help)", words[0]);
  return ZUCTL_DONE;
}

static int
run (GStrv words, GError **error)
{
  guint n_words = 0;
  const ZuctlCommand *command = find_command (words, &n_words);

  if (command == NULL)
    return run_other (words, error);
  return command->run (command, words + n_words, error);
}

/* Else the first files that are opened would stand where output goes. */
static void
open_standard_descriptors (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd > STDERR_FILENO)
    close (fd);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  int status;

  open_standard_descriptors ();
  setlocale (LC_CTYPE, "");
  g_set_prgname ("zuctl");
  g_log_set_writer_func (zuctl_write_log, NULL, NULL);

  status = run (argv + 1, &error);
  if (error == NULL && !zuctl_flush (&error))
    status = ZUCTL_DONE;
  if (error == NULL)
    return status;

  zuctl_report (error->message);
  return status != ZUCTL_DONE ? status : zuctl_get_failure_status (error);
}
