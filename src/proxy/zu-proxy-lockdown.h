/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint uid;
  guint gid;
} ZuProxyUser;

gboolean zu_proxy_user_parse (const char *text, ZuProxyUser *user, GError **error);
gboolean zu_proxy_begin_lockdown (const ZuProxyUser *user, GError **error);
gboolean zu_proxy_end_lockdown (GError **error);
gboolean zu_proxy_close_others (int first, int second, GError **error);

G_END_DECLS
