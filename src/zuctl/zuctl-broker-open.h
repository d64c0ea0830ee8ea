/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* How the broker is reached. */
typedef struct
{
  char *bus;
  char *socket;
  gboolean is_json;
} ZuctlBrokerOptions;

void zuctl_broker_options_clear (ZuctlBrokerOptions *options);
ZuCredentialBroker *zuctl_broker_open (const ZuctlBrokerOptions *options, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuctlBrokerOptions, zuctl_broker_options_clear)

/* What each command of a broker takes. */
#define ZUCTL_BROKER_ENTRIES(options)                                                 \
  { "bus",                                                                            \
    0,                                                                                \
    0,                                                                                \
    G_OPTION_ARG_STRING,                                                              \
    &(options)->bus,                                                                  \
    "session (the default), system, or a bus's address",                              \
    "BUS" },                                                                          \
      { "socket",                                                                     \
        0,                                                                            \
        0,                                                                            \
        G_OPTION_ARG_FILENAME,                                                        \
        &(options)->socket,                                                           \
        "The socket of a worker, instead of D-Bus",                                   \
        "PATH" },                                                                     \
  {                                                                                   \
    "json", 0, 0, G_OPTION_ARG_NONE, &(options)->is_json, "Print a JSON object", NULL \
  }

G_END_DECLS
