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
  char *uses_file;
  GStrv index;
  gint64 encrypted_from; /* 0 for none */
  gboolean is_json;

  gboolean writes;       /* set before the log is opened where keys are used to encrypt */
  ZuSecret *sign_key;    /* read when the log is opened */
  ZuCodecSet *codec_set; /* made then; NULL where only plain text is read and written */
} ZuctlLogOptions;

void zuctl_log_options_clear (ZuctlLogOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlLogOptions, zuctl_log_options_clear)

gboolean zuctl_log_parse (const ZuctlCommand *command, GStrv words, const GOptionEntry *entries,
                          ZuctlLogOptions *options, ZuctlParsed *parsed, GError **error);

char *zuctl_log_dup_uri (const char *given, GError **error);
ZuEventSink *zuctl_log_open (ZuctlLogOptions *options, const char *given, GError **error);
ZuEventSink *zuctl_log_open_to_write (ZuctlLogOptions *options, const char *given, GError **error);

G_END_DECLS
