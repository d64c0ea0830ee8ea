/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-jsonl-flush.h"

#include <zu/zu.h>

G_BEGIN_DECLS

/* What is locked of a log lies behind all data, so that the log itself can be. */
#define ZU_JSONL_LOCK_START (G_MAXINT64 - 2)

/* The file that a sink appends to: found under its name, locked, whole to its end. One thread at a
 * time is between begin and end; the others wait in begin. */
typedef struct _ZuJsonlFile ZuJsonlFile;

typedef struct
{
  ZuJsonlFlushPolicy policy;
  guint interval;        /* milliseconds */
  guint busy_timeout;    /* milliseconds */
  guint64 space_warning; /* bytes */
} ZuJsonlFileOptions;

ZuJsonlFile *zu_jsonl_file_new (const char *path, const ZuJsonlFileOptions *options);
void zu_jsonl_file_free (ZuJsonlFile *self);

gboolean zu_jsonl_file_begin (ZuJsonlFile *self, GCancellable *cancellable, GError **error);
gboolean zu_jsonl_file_write (ZuJsonlFile *self, const char *text, gsize length, GError **error);
gboolean zu_jsonl_file_end (ZuJsonlFile *self, GError **error);

int zu_jsonl_file_get_fd (ZuJsonlFile *self);
gint64 zu_jsonl_file_get_end (ZuJsonlFile *self);
guint zu_jsonl_file_get_generation (ZuJsonlFile *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuJsonlFile, zu_jsonl_file_free)

G_END_DECLS
