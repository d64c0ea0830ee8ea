/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Looks into JSON values that need not be what is hoped for: what is missing, null or of another
 * kind is NULL, 0 or FALSE. */
gboolean zu_peek_is_absent (ZuJson *json);
const char *zu_peek_text (ZuJson *json);
gsize zu_peek_size (ZuJson *json);
ZuJson *zu_peek_member (ZuJson *object, const char *name);
char *zu_peek_member_text (ZuJson *object, const char *name);
gint64 zu_peek_member_int64 (ZuJson *object, const char *name);
gboolean zu_peek_member_boolean (ZuJson *object, const char *name);

G_END_DECLS
