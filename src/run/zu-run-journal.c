/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-journal.h"

struct _ZuRunJournal
{
  ZuEventBus *bus;
  char *source;
  char *trace_id;
  char *task_id;
  char *parent_id; /* the event before this one */
};

ZuRunJournal *
zu_run_journal_new (ZuEventBus *bus, const char *source)
{
  ZuRunJournal *self = g_new0 (ZuRunJournal, 1);

  self->bus = g_object_ref (bus);
  self->source = g_strdup (source);
  self->trace_id = g_uuid_string_random ();
  self->task_id = g_uuid_string_random ();
  return self;
}

void
zu_run_journal_free (ZuRunJournal *self)
{
  g_object_unref (self->bus);
  g_free (self->source);
  g_free (self->trace_id);
  g_free (self->task_id);
  g_free (self->parent_id);
  g_free (self);
}

const char *
zu_run_journal_get_trace_id (ZuRunJournal *self)
{
  return self->trace_id;
}

const char *
zu_run_journal_get_task_id (ZuRunJournal *self)
{
  return self->task_id;
}

/* Returns once the event is committed. A run that is being cancelled is still written down. */
gboolean
zu_run_journal_write (ZuRunJournal *self, const char *type, ZuJsonBuilder *payload, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_builder_end (payload, error);
  g_autoptr (ZuEvent) event = NULL;
  g_autoptr (ZuEvent) stored = NULL;

  if (json == NULL)
    return FALSE;

  event = zu_event_new (self->trace_id, self->task_id, self->parent_id, type, self->source, json,
                        error);
  if (event == NULL)
    return FALSE;

  stored = zu_event_bus_publish (self->bus, event, NULL, error);
  if (stored == NULL)
    {
      g_prefix_error (error, "cannot record %s: ", type);
      return FALSE;
    }

  g_free (self->parent_id);
  self->parent_id = g_strdup (zu_event_get_event_id (stored));
  return TRUE;
}
