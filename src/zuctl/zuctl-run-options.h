/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-command.h"

#include <zu/zu.h>

G_BEGIN_DECLS

/* The options of `zuctl run`, as given. */
typedef struct
{
  char *backend;
  char *image;
  char *pull;
  char *sink;
  char *network;
  char *enforcement;
  char *timeout;
  char *memory;
  char *pids;
  char *user;
  char *workdir;
  GStrv environment;
  GStrv mounts;
  GStrv allow;
  char *sni;
  gboolean is_any;
  gboolean is_observing;
  gboolean is_best_effort;
} ZuctlRunOptions;

void zuctl_run_options_clear (ZuctlRunOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlRunOptions, zuctl_run_options_clear)

gboolean zuctl_run_options_parse (const ZuctlCommand *command, GStrv words,
                                  ZuctlRunOptions *options, ZuctlParsed *parsed, GError **error);
ZuLaunchSpec *zuctl_run_options_new_launch_spec (const ZuctlRunOptions *options, GError **error);
ZuProcessSpec *zuctl_run_options_new_process_spec (const ZuctlRunOptions *options, GStrv argv,
                                                   GError **error);

G_END_DECLS
