/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-audit.h"

typedef struct
{
  const ZuSqliteParams *params;
  GPtrArray *events;
  GPtrArray *findings;
  gint64 seq;
} Audit;

static void
add_finding (Audit *self, sqlite3_stmt *row, ZuFindingKind kind, const char *text)
{
  const char *event_id = (const char *) sqlite3_column_text (row, ZU_SQLITE_ROW_EVENT_ID);

  if (event_id == NULL || *event_id == '\0' || !g_utf8_validate (event_id, -1, NULL))
    event_id = "-";
  g_ptr_array_add (self->findings,
                   g_object_new (ZU_TYPE_AUDIT_FINDING, "seq",
                                 (gint64) sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ), "kind",
                                 kind, "subject", event_id, "text", text, NULL));
}

static void
compare_columns (Audit *self, sqlite3_stmt *row, ZuEvent *event)
{
  g_autofree char *names = zu_sqlite_row_dup_mismatch (row, event);
  g_autofree char *text = NULL;

  if (names == NULL)
    return;

  text = g_strdup_printf ("row %" G_GINT64_FORMAT ": %s differs from the event inside (%s)",
                          (gint64) sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ), names,
                          zu_event_get_event_id (event));
  add_finding (self, row, ZU_FINDING_KIND_INDEX_MISMATCH, text);
}

static ZuSqliteRowResult
audit_row (sqlite3_stmt *row, ZuFilter *ctx, gpointer data, GError **error)
{
  Audit *self = data;
  g_autoptr (GError) why = NULL;
  g_autoptr (ZuEvent) event = zu_sqlite_row_decode (row, self->params, &why);

  if (event != NULL && ctx != NULL && !zu_filter_matches (ctx, event))
    return ZU_SQLITE_ROW_SKIPPED;

  self->seq = sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ);
  if (event == NULL)
    {
      add_finding (self, row, ZU_FINDING_KIND_UNDECODABLE, why->message);
      return ZU_SQLITE_ROW_GIVEN;
    }

  compare_columns (self, row, event);
  g_ptr_array_add (self->events, g_steal_pointer (&event));
  return ZU_SQLITE_ROW_GIVEN;
}

ZuAuditPage *
zu_sqlite_audit_page (ZuSqliteReaders *readers, const ZuSqliteRead *read, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) findings = g_ptr_array_new_with_free_func (g_object_unref);
  Audit audit = { read->params, events, findings, read->after };

  if (!zu_sqlite_readers_read (readers, read, audit_row, &audit, error))
    return NULL;

  return zu_audit_page_new (events, findings, audit.seq);
}
