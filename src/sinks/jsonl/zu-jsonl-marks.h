/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Places in a file to read on from, by filter: a sparse index, so that a page does not cost a
 * reading from the start. Used from any thread. */
typedef struct _ZuJsonlMarks ZuJsonlMarks;

typedef struct
{
  gint64 n_passed; /* events before it that passed the filter */
  gint64 n_lines;  /* lines before it */
  gint64 place;    /* in the file, the beginning of a line */
  guint32 sample;  /* of what stands before it */
} ZuJsonlMark;

ZuJsonlMarks *zu_jsonl_marks_new (void);
void zu_jsonl_marks_free (ZuJsonlMarks *self);

guint zu_jsonl_marks_check_file (ZuJsonlMarks *self, int fd);
ZuJsonlMark zu_jsonl_marks_find (ZuJsonlMarks *self, int fd, const char *filter, gint64 n_passed);
void zu_jsonl_marks_add (ZuJsonlMarks *self, guint generation, const char *filter,
                         const ZuJsonlMark *mark);

void zu_jsonl_mark_sample (ZuJsonlMark *self, int fd);
gboolean zu_jsonl_mark_holds (const ZuJsonlMark *self, int fd);

G_END_DECLS
