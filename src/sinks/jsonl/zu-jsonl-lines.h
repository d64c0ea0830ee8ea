/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The longest line that is read; a longer one is bad. */
#define ZU_JSONL_LONGEST_LINE (64 * 1024 * 1024)

/* Cuts a file into lines, from a place on, in bounded memory. A line ends at LF, CR or CRLF. */
typedef struct _ZuJsonlLines ZuJsonlLines;

typedef struct
{
  const char *text; /* until the next line is asked for; NULL where it is too long */
  gsize length;     /* without its end */
  gint64 number;    /* from 1 */
  gint64 start;     /* in the file */
  gint64 end;       /* behind its end */
  gboolean is_ended;
} ZuJsonlLine;

ZuJsonlLines *zu_jsonl_lines_new (int fd, gint64 start, gint64 n_lines_before);
void zu_jsonl_lines_free (ZuJsonlLines *self);
gboolean zu_jsonl_lines_next (ZuJsonlLines *self, ZuJsonlLine *line, GError **error);

gboolean zu_jsonl_line_is_blank (const ZuJsonlLine *line);
ZuEvent *zu_jsonl_line_read (const ZuJsonlLine *line, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuJsonlLines, zu_jsonl_lines_free)

G_END_DECLS
