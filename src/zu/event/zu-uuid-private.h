/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

#define ZU_UUID_LENGTH 36

gboolean zu_uuid_normalise (const char *text, gsize length, char out[ZU_UUID_LENGTH + 1]);
gboolean zu_uuid_is_normal (const char *text);
void zu_uuid_make (char out[ZU_UUID_LENGTH + 1]);

#pragma GCC visibility pop

G_END_DECLS
