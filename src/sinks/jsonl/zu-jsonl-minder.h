/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A thread that sees to what is due, at times that others name. It is started when it is first
 * needed. */
typedef struct _ZuJsonlMinder ZuJsonlMinder;

/* Does what is due at @now; gives when it is to be called next, a monotonic time too. */
typedef gint64 (*ZuJsonlMind) (gpointer user_data, gint64 now);

#define ZU_JSONL_MINDER_IDLE G_MAXINT64

ZuJsonlMinder *zu_jsonl_minder_new (ZuJsonlMind mind, gpointer user_data);
void zu_jsonl_minder_free (ZuJsonlMinder *self);
void zu_jsonl_minder_wake_at (ZuJsonlMinder *self, gint64 time);

G_END_DECLS
