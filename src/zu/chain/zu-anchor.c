/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-anchor-private.h"

/**
 * ZuAnchorError:
 * @ZU_ANCHOR_ERROR_MALFORMED: a line of an anchor file cannot be read
 *
 * What can be wrong with an anchor file.
 */

/**
 * ZuAnchor:
 *
 * What was seen of a log, written down elsewhere: after so many events of a trace its head was
 * that. Whoever rewrites the log, or cuts its end off, cannot rewrite this.
 *
 * An anchor file holds one record a line, `{"trace_id","seq","head"}`, and only grows. An anchor
 * belongs to one thread at a time.
 */
struct _ZuAnchor
{
  GObject parent_instance;

  GPtrArray *records; /* of ZuAnchorRecord */
};

G_DEFINE_FINAL_TYPE (ZuAnchor, zu_anchor, G_TYPE_OBJECT)
/**
 * zu_anchor_error_quark:
 *
 * Gives the error domain of [error@Zu.AnchorError].
 *
 * Returns: the error domain of [error@Zu.AnchorError]
 */
G_DEFINE_QUARK (zu_anchor_error_quark, zu_anchor_error)

static void
record_free (gpointer data)
{
  ZuAnchorRecord *record = data;

  g_free (record->trace_id);
  g_free (record->head);
  g_free (record);
}

static void
zu_anchor_finalize (GObject *object)
{
  ZuAnchor *self = ZU_ANCHOR (object);

  g_ptr_array_unref (self->records);

  G_OBJECT_CLASS (zu_anchor_parent_class)->finalize (object);
}

static void
zu_anchor_class_init (ZuAnchorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_anchor_finalize;
}

static void
zu_anchor_init (ZuAnchor *self)
{
  self->records = g_ptr_array_new_with_free_func (record_free);
}

const ZuAnchorRecord *
zu_anchor_peek (ZuAnchor *self, guint index)
{
  return g_ptr_array_index (self->records, index);
}

/**
 * zu_anchor_new:
 *
 * Makes an anchor without records.
 *
 * Returns: (transfer full): the anchor
 */
ZuAnchor *
zu_anchor_new (void)
{
  return g_object_new (ZU_TYPE_ANCHOR, NULL);
}

/**
 * zu_anchor_add:
 * @self: an anchor
 * @trace_id: a trace
 * @seq: how many of its events had been seen
 * @head: the hash of the last of them
 *
 * Adds a record.
 */
void
zu_anchor_add (ZuAnchor *self, const char *trace_id, guint64 seq, const char *head)
{
  ZuAnchorRecord *record;

  g_return_if_fail (ZU_IS_ANCHOR (self));
  g_return_if_fail (trace_id != NULL);
  g_return_if_fail (seq <= G_MAXINT64);
  g_return_if_fail (head != NULL);

  record = g_new (ZuAnchorRecord, 1);
  record->trace_id = g_strdup (trace_id);
  record->seq = seq;
  record->head = g_strdup (head);
  g_ptr_array_add (self->records, record);
}

/**
 * zu_anchor_get_size:
 * @self: an anchor
 *
 * Counts its records.
 *
 * Returns: how many it has
 */
guint
zu_anchor_get_size (ZuAnchor *self)
{
  g_return_val_if_fail (ZU_IS_ANCHOR (self), 0);

  return self->records->len;
}

/**
 * zu_anchor_get_trace_id:
 * @self: an anchor
 * @index: which record, from 0 and below its size
 *
 * Gives the trace of a record.
 *
 * Returns: (transfer none): the trace's id
 */
const char *
zu_anchor_get_trace_id (ZuAnchor *self, guint index)
{
  g_return_val_if_fail (ZU_IS_ANCHOR (self), NULL);
  g_return_val_if_fail (index < self->records->len, NULL);

  return zu_anchor_peek (self, index)->trace_id;
}

/**
 * zu_anchor_get_seq:
 * @self: an anchor
 * @index: which record, from 0 and below its size
 *
 * Gives the count of a record.
 *
 * Returns: how many events of the trace had been seen
 */
guint64
zu_anchor_get_seq (ZuAnchor *self, guint index)
{
  g_return_val_if_fail (ZU_IS_ANCHOR (self), 0);
  g_return_val_if_fail (index < self->records->len, 0);

  return zu_anchor_peek (self, index)->seq;
}

/**
 * zu_anchor_get_head:
 * @self: an anchor
 * @index: which record, from 0 and below its size
 *
 * Gives the hash of a record.
 *
 * Returns: (transfer none): the hash of the last event seen
 */
const char *
zu_anchor_get_head (ZuAnchor *self, guint index)
{
  g_return_val_if_fail (ZU_IS_ANCHOR (self), NULL);
  g_return_val_if_fail (index < self->records->len, NULL);

  return zu_anchor_peek (self, index)->head;
}
