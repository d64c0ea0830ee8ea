/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* After a failed flush the kernel takes what it could not write for written, and no later flush
 * brings it to the disk. A note beside the log, NAME.unflushed, says from where on that may be so;
 * whoever opens the log next writes those lines once more. The note need not reach the disk: only
 * as long as the kernel runs is there anything to save. */
void zu_jsonl_unflushed_note (const char *path, gint64 from);
gboolean zu_jsonl_unflushed_rewrite (const char *path, int fd, gint64 size, GError **error);

G_END_DECLS
