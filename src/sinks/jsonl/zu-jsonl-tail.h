/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Sees to it that a file of @size bytes ends with a whole line. Called with the lock held. */
gboolean zu_jsonl_tail_repair (int fd, const char *path, gint64 size, GError **error);

G_END_DECLS
