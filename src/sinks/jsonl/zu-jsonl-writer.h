/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-jsonl-file.h"
#include "zu-sink-link.h"

G_BEGIN_DECLS

/* Appends events to a log of lines, linked or as they are. Used from any thread. */
typedef struct _ZuJsonlWriter ZuJsonlWriter;

/* What is to be appended, all of it or nothing, and what became of it. */
typedef struct
{
  ZuEvent **events;
  guint n_events;
  ZuEvent **stored;   /* room for as many: references to the events as they are stored */
  gboolean *is_fresh; /* room for as many: whether it was stored now */
} ZuJsonlAppend;

ZuJsonlWriter *zu_jsonl_writer_new (const char *path, const ZuJsonlFileOptions *options);
void zu_jsonl_writer_free (ZuJsonlWriter *self);
void zu_jsonl_writer_set_linking (ZuJsonlWriter *self, ZuSinkRole role, ZuSecret *sign_key);

gboolean zu_jsonl_writer_append (ZuJsonlWriter *self, ZuJsonlAppend *append,
                                 GCancellable *cancellable, GError **error);

G_END_DECLS
