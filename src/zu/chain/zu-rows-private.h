/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-rows.h"

#include "../event/zu-buffer-private.h"
#include "../event/zu-json-plain-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

typedef enum
{
  ZU_ROW_TABLE = 1,  /* a row with columns */
  ZU_ROW_TEXT,       /* an event's text, without */
  ZU_ROW_MISMATCH,   /* a finding: what columns are known, and for the blob its text */
  ZU_ROW_UNDECODABLE /* likewise */
} ZuRowKind;

struct _ZuRowWriter
{
  ZuBuffer buffer;
};

/* A page on its way through its rows. The bytes come from a sink, which may be another process. */
typedef struct
{
  const guint8 *p;
  const guint8 *end;
} ZuRowReader;

/* Whether the blob is one that only the sink can read. */
static inline gboolean
zu_row_is_encoded (const ZuRow *row)
{
  return row->blob.size == 0 || *(const guint8 *) row->blob.data != 0;
}

void zu_row_writer_add_entry (ZuRowWriter *self, ZuRowKind kind, const ZuRow *row);

gboolean zu_row_reader_init (ZuRowReader *self, GBytes *rows, GError **error);
gboolean zu_row_reader_next (ZuRowReader *self, ZuRowKind *kind, ZuRow *row, GError **error);

char *zu_row_dup_subject (const ZuRow *row);
char *zu_row_dup_unreadable (const ZuRow *row, const char *why);
char *zu_row_dup_difference (const ZuRow *row, const ZuRowValue inside[ZU_ROW_N_COLUMNS]);

#pragma GCC visibility pop

G_END_DECLS
