/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log-rows.h"

#include "zuctl-output.h"
#include "zuctl-text.h"

#include <string.h>

/* Enough of an id to tell events of one log apart by eye. */
#define SHORT_ID 8
/* How much of a payload a line holds where no terminal says how wide it is. */
#define PAYLOAD_COLUMNS 72

struct _ZuctlRows
{
  ZuctlTable *table; /* NULL for JSON */
};

ZuctlRows *
zuctl_rows_new (gboolean is_json)
{
  const char *const titles[] = { "TIME", "TYPE", "SOURCE", "TRACE", "EVENT", "PAYLOAD", NULL };
  ZuctlRows *self = g_new0 (ZuctlRows, 1);

  self->table = is_json ? NULL : zuctl_table_new (titles);
  return self;
}

void
zuctl_rows_free (ZuctlRows *self)
{
  g_clear_pointer (&self->table, zuctl_table_free);
  g_free (self);
}

/* One line of JSON, as stored. */
void
zuctl_print_event (ZuEvent *event)
{
  gsize length;
  const char *text = zu_event_get_text (event, &length);

  zuctl_print_bytes (text, length);
  zuctl_print_bytes ("\n", 1);
}

static char *
dup_payload_excerpt (ZuEvent *event)
{
  guint terminal = zuctl_get_terminal_width ();
  gsize length;
  const char *text = zu_event_get_payload_text (event, &length);

  return zuctl_dup_excerpt (text, length, terminal != 0 ? terminal : PAYLOAD_COLUMNS);
}

static void
add_row (ZuctlTable *table, ZuEvent *event)
{
  g_autofree char *trace = g_strndup (zu_event_get_trace_id (event), SHORT_ID);
  g_autofree char *id = g_strndup (zu_event_get_event_id (event), SHORT_ID);
  g_autofree char *payload = dup_payload_excerpt (event);
  const char *cells[] = { zu_event_get_ts (event),
                          zu_event_get_event_type (event),
                          zu_event_get_source (event),
                          trace,
                          id,
                          payload };

  zuctl_table_add (table, cells);
}

void
zuctl_rows_add (ZuctlRows *self, GPtrArray *events)
{
  for (guint i = 0; i < events->len; i++)
    {
      ZuEvent *event = g_ptr_array_index (events, i);

      if (self->table != NULL)
        add_row (self->table, event);
      else
        zuctl_print_event (event);
    }

  if (self->table != NULL && events->len > 0)
    zuctl_table_flush (self->table);
}

/* An empty table still has its titles. */
void
zuctl_rows_end (ZuctlRows *self)
{
  if (self->table != NULL)
    zuctl_table_flush (self->table);
}
