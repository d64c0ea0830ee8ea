/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Reads a log of lines; a file that is not there is an empty log. Used from any thread. */
typedef struct _ZuJsonlReader ZuJsonlReader;

typedef struct
{
  ZuFilter *filter;
  gint64 after;     /* so many of the events that pass are left out */
  gint64 limit;     /* -1 for all */
  gboolean follows; /* goes on where a page ended, into another file where need be */
  GCancellable *cancellable;
} ZuJsonlRead;

/* What is gathered; an array that is %NULL is not. */
typedef struct
{
  GPtrArray *events;
  GPtrArray *findings; /* of ZuAuditFinding: lines that are no event */
  gint64 n_passed;     /* of the file up to where the reading ended */
  gint64 next;         /* what a page that follows comes after */
} ZuJsonlGathered;

ZuJsonlReader *zu_jsonl_reader_new (const char *path);
void zu_jsonl_reader_free (ZuJsonlReader *self);
gboolean zu_jsonl_reader_read (ZuJsonlReader *self, const ZuJsonlRead *read,
                               ZuJsonlGathered *gathered, GError **error);

G_END_DECLS
