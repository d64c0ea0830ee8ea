/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-command.h"

#include <zu/zu.h>

G_BEGIN_DECLS

/* The options that every command of the log has. */
typedef struct
{
  char *sign_key_file;
  GStrv codecs;
  char *key_provider;
  GStrv index;
  gboolean is_json;

  ZuSecret *sign_key; /* read when the log is opened */
} ZuctlLogOptions;

void zuctl_log_options_clear (ZuctlLogOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlLogOptions, zuctl_log_options_clear)

gboolean zuctl_log_parse (const ZuctlCommand *command, GStrv words, const GOptionEntry *entries,
                          ZuctlLogOptions *options, ZuctlParsed *parsed, GError **error);

char *zuctl_log_dup_uri (const char *given, GError **error);
ZuEventSink *zuctl_log_open (ZuctlLogOptions *options, const char *given, GError **error);
ZuEventSink *zuctl_log_open_to_write (ZuctlLogOptions *options, const char *given, GError **error);

G_END_DECLS
