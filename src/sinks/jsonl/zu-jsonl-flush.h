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

/* Flushes a file once in an interval, in a thread of its own, as long as something was written. */
typedef struct _ZuJsonlFlusher ZuJsonlFlusher;

gboolean zu_jsonl_flush_policy_parse (const char *text, ZuJsonlFlushPolicy *policy, GError **error);

ZuJsonlFlusher *zu_jsonl_flusher_new (int fd, gint64 interval);
void zu_jsonl_flusher_free (ZuJsonlFlusher *self);
void zu_jsonl_flusher_note_write (ZuJsonlFlusher *self);
gboolean zu_jsonl_flusher_has_failed (ZuJsonlFlusher *self);

G_END_DECLS
