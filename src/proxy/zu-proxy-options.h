/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-proxy-lockdown.h"
#include "zu-proxy.h"

G_BEGIN_DECLS

typedef struct
{
  char *listen;
  int listen_fd;
  int control_fd;
  GStrv rules;
  gboolean is_any;
  gboolean has_user;
  ZuProxyUser user;
  guint resolve_ms;
  ZuProxySettings settings;
} ZuProxyOptions;

gboolean zu_proxy_options_parse (ZuProxyOptions *self, int argc, char **argv, gboolean *is_help,
                                 GError **error);
void zu_proxy_options_clear (ZuProxyOptions *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuProxyOptions, zu_proxy_options_clear)

G_END_DECLS
