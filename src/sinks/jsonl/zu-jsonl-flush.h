/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  ZU_JSONL_FLUSH_ALWAYS,
  ZU_JSONL_FLUSH_INTERVAL,
  ZU_JSONL_FLUSH_NEVER,
} ZuJsonlFlushPolicy;

gboolean zu_jsonl_flush_policy_parse (const char *text, ZuJsonlFlushPolicy *policy, GError **error);

/* What of a file is on the disk. Threads that wait for a flush share it: the first flushes for all
 * whose lines were written before it began. Used from any thread. */
typedef struct _ZuJsonlFlush ZuJsonlFlush;

ZuJsonlFlush *zu_jsonl_flush_new (const char *path);
void zu_jsonl_flush_free (ZuJsonlFlush *self);

void zu_jsonl_flush_begin_file (ZuJsonlFlush *self, int fd, gint64 size);
void zu_jsonl_flush_end_file (ZuJsonlFlush *self);

guint64 zu_jsonl_flush_note_write (ZuJsonlFlush *self, gint64 end);
gboolean zu_jsonl_flush_wait (ZuJsonlFlush *self, guint64 ticket);
gboolean zu_jsonl_flush_has_failed (ZuJsonlFlush *self);

G_END_DECLS
