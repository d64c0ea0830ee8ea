/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-error.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _ZuctlCommand ZuctlCommand;

typedef enum
{
  ZUCTL_WORDS_ANYWHERE = 0,
  ZUCTL_WORDS_END_OPTIONS, /* what follows the first word is another program's */
} ZuctlWords;

/* One command. `run` gets what stood behind its name, and returns the exit status; where it sets an
 * error, that is printed, and a status of ZUCTL_DONE is replaced by the one of the error. */
struct _ZuctlCommand
{
  const char *name;      /* one word or two */
  const char *arguments; /* as the usage line has it */
  const char *brief;
  int (*run) (const ZuctlCommand *command, GStrv words, GError **error);
  guint least; /* how many words it takes besides options */
  guint most;
  ZuctlWords words;
};

/* Each group's commands, in the order of the help; an empty name ends them. */
extern const ZuctlCommand zuctl_run_commands[];
extern const ZuctlCommand zuctl_log_commands[];
extern const ZuctlCommand zuctl_event_commands[];
extern const ZuctlCommand zuctl_plugin_commands[];
extern const ZuctlCommand zuctl_port_commands[];
extern const ZuctlCommand zuctl_broker_commands[];
extern const ZuctlCommand zuctl_grant_commands[];
extern const ZuctlCommand zuctl_identity_commands[];
extern const ZuctlCommand zuctl_egress_commands[];

typedef struct
{
  GStrv rest; /* the words that are no options */
  int status; /* what to return where there is nothing more to do */
  gboolean is_help;
} ZuctlParsed;

void zuctl_parsed_clear (ZuctlParsed *parsed);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlParsed, zuctl_parsed_clear)

gboolean zuctl_parse (const ZuctlCommand *command, GStrv words, const GOptionEntry *entries,
                      const GOptionEntry *more, ZuctlParsed *parsed, GError **error);

G_END_DECLS
