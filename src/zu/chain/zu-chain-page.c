/* SPDX-License-Identifier: Apache-2.0 */

/* What is done with a page of a log. All that does not depend on other pages is done in
 * zu_chain_page_check(); what is left for zu_chain_page_take() is to compare links. */

#include "zu-chain-page-private.h"

#include "../event/zu-uuid-private.h"

#define FEW_ROWS 512

static void
row_clear (gpointer data)
{
  ZuChainRow *row = data;

  g_clear_object (&row->violation);
  g_free (row->unreadable);
  if (row->has_item)
    zu_chain_item_clear (&row->item);
}

void
zu_chain_page_free (ZuChainPage *self)
{
  g_clear_pointer (&self->checked, g_array_unref);
  g_clear_pointer (&self->rows, g_bytes_unref);
  g_clear_pointer (&self->events, g_ptr_array_unref);
  g_clear_pointer (&self->findings, g_ptr_array_unref);
  g_clear_error (&self->error);
  g_free (self);
}

/* A row more, whose item is not cleared: it is written whole. */
static inline ZuChainRow *
add_row (ZuChainPage *self)
{
  ZuChainRow *row;

  g_array_set_size (self->checked, self->checked->len + 1);
  row = &g_array_index (self->checked, ZuChainRow, self->checked->len - 1);
  row->violation = NULL;
  row->unreadable = NULL;
  row->has_item = FALSE;
  return row;
}

static void
set_violation (ZuChainRow *self, const ZuRow *row, ZuViolationKind kind, const char *text)
{
  g_autofree char *subject = zu_row_dup_subject (row);

  self->violation = zu_violation_new (kind, subject, text);
}

/* The trace is counted as having such a row only where the column can be a trace's id. */
static void
set_unreadable (ZuChainRow *self, const ZuRow *row, const char *text)
{
  const ZuRowValue *trace = &row->columns[ZU_ROW_COLUMN_TRACE_ID];

  set_violation (self, row, ZU_VIOLATION_KIND_UNDECODABLE, text);
  if (trace->size == ZU_UUID_LENGTH && zu_uuid_is_normal (trace->data))
    self->unreadable = g_strndup (trace->data, trace->size);
}

static inline void
compare_columns (ZuChainRow *self, const ZuRow *row)
{
  static const ZuEventField fields[ZU_ROW_N_COLUMNS] = {
    [ZU_ROW_COLUMN_EVENT_ID] = ZU_EVENT_FIELD_EVENT_ID,
    [ZU_ROW_COLUMN_TRACE_ID] = ZU_EVENT_FIELD_TRACE_ID,
    [ZU_ROW_COLUMN_TASK_ID] = ZU_EVENT_FIELD_TASK_ID,
    [ZU_ROW_COLUMN_TYPE] = ZU_EVENT_FIELD_TYPE,
    [ZU_ROW_COLUMN_SOURCE] = ZU_EVENT_FIELD_SOURCE,
    [ZU_ROW_COLUMN_PARENT_ID] = ZU_EVENT_FIELD_PARENT_ID,
  };
  ZuRowValue inside[ZU_ROW_N_COLUMNS];
  g_autofree char *text = NULL;

  for (guint i = 0; i < ZU_ROW_N_COLUMNS; i++)
    inside[i] =
        (ZuRowValue){ self->item.fields[fields[i]].text, self->item.fields[fields[i]].length };
  text = zu_row_dup_difference (row, inside);
  if (G_UNLIKELY (text != NULL))
    set_violation (self, row, ZU_VIOLATION_KIND_INDEX_MISMATCH, text);
}

static void
check_row (ZuChainPage *self, ZuRowKind kind, const ZuRow *row, ZuSecret *key)
{
  ZuChainRow *checked = add_row (self);
  g_autoptr (GError) why = NULL;
  g_autofree char *text = NULL;

  if (kind == ZU_ROW_MISMATCH)
    set_violation (checked, row, ZU_VIOLATION_KIND_INDEX_MISMATCH, row->blob.data);
  else if (kind == ZU_ROW_UNDECODABLE)
    set_unreadable (checked, row, row->blob.data);
  else if (zu_chain_item_read (&checked->item, (const char *) row->blob.data + 1,
                               row->blob.size - 1, key, &why))
    {
      checked->has_item = TRUE;
      checked->item.seq = row->seq;
      if (kind == ZU_ROW_TABLE)
        compare_columns (checked, row);
    }
  else
    {
      text = zu_row_dup_unreadable (row, why->message);
      set_unreadable (checked, row, text);
    }
}

static gboolean
reveal (ZuChainPage *self, ZuEventAudit *audit, GCancellable *cancellable)
{
  GBytes *plain = zu_event_audit_reveal (audit, self->rows, cancellable, &self->error);

  if (plain == NULL)
    return FALSE;
  g_array_set_size (self->checked, 0);
  g_bytes_unref (self->rows);
  self->rows = plain;
  return TRUE;
}

/* Whether all rows were checked; where one is encoded, all is left for when they are revealed. */
static gboolean
check_rows (ZuChainPage *self, ZuSecret *key, gboolean *is_encoded)
{
  ZuRowReader reader;
  ZuRowKind kind;
  ZuRow row;

  if (!zu_row_reader_init (&reader, self->rows, &self->error))
    return FALSE;
  while (zu_row_reader_next (&reader, &kind, &row, &self->error))
    {
      if (kind == 0)
        return TRUE;
      if (kind == ZU_ROW_TABLE && zu_row_is_encoded (&row))
        {
          *is_encoded = TRUE;
          return FALSE;
        }
      check_row (self, kind, &row, key);
    }
  return FALSE;
}

static void
check_or_reveal (ZuChainPage *self, ZuEventAudit *audit, ZuSecret *key, GCancellable *cancellable)
{
  gboolean is_encoded = FALSE;

  if (check_rows (self, key, &is_encoded) || !is_encoded || !reveal (self, audit, cancellable))
    return;
  is_encoded = FALSE;
  if (!check_rows (self, key, &is_encoded) && is_encoded)
    g_set_error_literal (&self->error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_MALFORMED,
                         "a page of rows was revealed, and some are not");
}

static void
check_events (ZuChainPage *self, ZuSecret *key)
{
  for (guint i = 0; self->findings != NULL && i < self->findings->len; i++)
    {
      ZuAuditFinding *finding = g_ptr_array_index (self->findings, i);
      ZuViolationKind kind = zu_audit_finding_get_kind (finding) == ZU_FINDING_KIND_UNDECODABLE
                                 ? ZU_VIOLATION_KIND_UNDECODABLE
                                 : ZU_VIOLATION_KIND_INDEX_MISMATCH;

      add_row (self)->violation = zu_violation_new (kind, zu_audit_finding_get_subject (finding),
                                                    zu_audit_finding_get_text (finding));
    }
  for (guint i = 0; i < self->events->len; i++)
    {
      ZuChainRow *checked = add_row (self);

      zu_chain_item_set_event (&checked->item, g_ptr_array_index (self->events, i), key);
      checked->item.seq = 0;
      checked->has_item = TRUE;
    }
}

/* Works out what can be of the page alone. */
void
zu_chain_page_check (ZuChainPage *self, ZuEventAudit *audit, ZuSecret *key,
                     GCancellable *cancellable)
{
  self->checked = g_array_sized_new (FALSE, FALSE, sizeof (ZuChainRow), FEW_ROWS);
  g_array_set_clear_func (self->checked, row_clear);
  if (self->rows != NULL)
    check_or_reveal (self, audit, key, cancellable);
  else
    check_events (self, key);
}

static void
take_unreadable (ZuChainVerifier *verifier, const char *trace_id)
{
  ZuChainTrace *trace = zu_chain_verifier_ensure_trace (verifier, trace_id, strlen (trace_id));

  trace->n_unreadable++;
}

/* Adds what the page holds to the verifier, in order. */
gboolean
zu_chain_page_take (ZuChainPage *self, ZuChainVerifier *verifier, GError **error)
{
  for (guint i = 0; i < self->checked->len; i++)
    {
      ZuChainRow *row = &g_array_index (self->checked, ZuChainRow, i);

      if (G_UNLIKELY (row->violation != NULL))
        zu_chain_verifier_add_violation (verifier, row->violation);
      if (row->has_item)
        zu_chain_verifier_take (verifier, &row->item);
      else if (row->unreadable != NULL)
        take_unreadable (verifier, row->unreadable);
    }
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}
