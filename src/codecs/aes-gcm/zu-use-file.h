/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/* How often each key has been used, kept in a file between runs and between processes. */
gboolean zu_use_file_create (const char *path, GError **error);
gboolean zu_use_file_reserve (const char *path, const char *fingerprint, guint64 n, guint64 *first,
                              GError **error);
