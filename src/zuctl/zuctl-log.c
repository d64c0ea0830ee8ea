/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log.h"

const ZuctlCommand zuctl_log_commands[] = {
  { "log append", "[URI]", "Store the events on stdin, one a line", zuctl_log_append, 0, 1 },
  { "log query", "[URI]", "Print stored events in order", zuctl_log_query, 0, 1 },
  { "log count", "[URI]", "Count stored events", zuctl_log_count, 0, 1 },
  { "log tail", "[URI]", "Print the last events, and those to come", zuctl_log_tail, 0, 1 },
  { "log verify", "[URI]", "Check that nothing was changed", zuctl_log_verify, 0, 1 },
  { "log anchor", "[URI]", "Append the present heads to an anchor file", zuctl_log_anchor, 0, 1 },
  { "log stat", "[URI]", "Print figures about a log", zuctl_log_stat, 0, 1 },
  { "log backup", "[URI] FILE", "Copy a log while it is in use", zuctl_log_backup, 1, 2 },
  { "log rekey", "[URI]", "Rewrite the rows under the current key", zuctl_log_rekey, 0, 1 },
  { "log reindex", "[URI]", "Rebuild the side index", zuctl_log_reindex, 0, 1 },
  { "log init", "[URI]", "Make an empty log, or see that there is one", zuctl_log_init, 0, 1 },
  { NULL },
};
