/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

typedef enum
{
  ZU_SINK_ROLE_CANONICAL,
  ZU_SINK_ROLE_COPY,
} ZuSinkRole;

gboolean zu_sink_role_parse (const char *text, ZuSinkRole *role, GError **error);

ZuEvent *zu_sink_link (ZuEvent *event, const char *head, ZuSinkRole role, ZuSecret *sign_key,
                       GError **error);
gboolean zu_sink_check_repeat (ZuEvent *event, ZuEvent *stored, GError **error);

gboolean zu_sink_check_filter (ZuFilter *filter, const char *const *fields, GError **error);
gboolean zu_sink_check_fields (const char *const *fields, GError **error);
void zu_sink_prefix_index (GError **error, guint index, guint n_events);

G_END_DECLS
