/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

#define ZU_KEY_SIZE          32
#define ZU_KEY_ID_MAX        255
#define ZU_KEY_ID_DEFAULT    "default"
#define ZU_KEY_TEXT_EXPECTED "32 bytes as 64 hexadecimal digits or base64"

ZuSecret *zu_key_text_decode (const char *text, gsize size, const char *source, GError **error);
gboolean zu_key_id_is_valid (const char *id);
char *zu_key_id_dup_printable (const char *id);
