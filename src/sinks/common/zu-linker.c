/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-linker.h"

#include "zu-id-map.h"

typedef struct
{
  char *trace_id;
  char *head; /* before the step; NULL where the trace was new or its last event not linked */
  char *event_id;
} Step;

struct _ZuLinker
{
  ZuSinkRole role;
  ZuSecret *sign_key;
  GHashTable *heads; /* trace id to hash */
  ZuIdMap *ids;
  GArray *steps; /* since the last commit, so that they can be taken back */
};

static void
step_clear (gpointer data)
{
  Step *step = data;

  g_free (step->trace_id);
  g_free (step->head);
  g_free (step->event_id);
}

ZuLinker *
zu_linker_new (ZuSinkRole role, ZuSecret *sign_key)
{
  ZuLinker *self = g_new0 (ZuLinker, 1);

  self->role = role;
  self->sign_key = sign_key != NULL ? zu_secret_ref (sign_key) : NULL;
  self->heads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->ids = zu_id_map_new ();
  self->steps = g_array_new (FALSE, FALSE, sizeof (Step));
  g_array_set_clear_func (self->steps, step_clear);
  return self;
}

void
zu_linker_free (ZuLinker *self)
{
  g_clear_pointer (&self->sign_key, zu_secret_unref);
  g_hash_table_unref (self->heads);
  zu_id_map_free (self->ids);
  g_array_unref (self->steps);
  g_free (self);
}

void
zu_linker_clear (ZuLinker *self)
{
  g_hash_table_remove_all (self->heads);
  zu_id_map_clear (self->ids);
  g_array_set_size (self->steps, 0);
}

/* Where an event of that id stands. */
gboolean
zu_linker_find (ZuLinker *self, ZuEvent *event, guint64 *place)
{
  return zu_id_map_lookup (self->ids, zu_event_get_event_id (event), place);
}

ZuEvent *
zu_linker_link (ZuLinker *self, ZuEvent *event, GError **error)
{
  const char *head = g_hash_table_lookup (self->heads, zu_event_get_trace_id (event));

  return zu_sink_link (event, head, self->role, self->sign_key, error);
}

/* An event stands in the log at @place: the next of its trace follows it. */
void
zu_linker_note (ZuLinker *self, ZuEvent *stored, guint64 place)
{
  const char *trace_id = zu_event_get_trace_id (stored);
  gboolean is_new = zu_id_map_add (self->ids, zu_event_get_event_id (stored), place);
  Step step = { g_strdup (trace_id), NULL,
                is_new ? g_strdup (zu_event_get_event_id (stored)) : NULL };
  const char *head = g_hash_table_lookup (self->heads, trace_id);

  step.head = g_strdup (head);
  g_array_append_val (self->steps, step);
  g_hash_table_insert (self->heads, g_strdup (trace_id), g_strdup (zu_event_get_hash (stored)));
}

void
zu_linker_commit (ZuLinker *self)
{
  g_array_set_size (self->steps, 0);
}

/* What was noted since the last commit never came into the log. */
void
zu_linker_roll_back (ZuLinker *self)
{
  for (guint i = self->steps->len; i > 0; i--)
    {
      Step *step = &g_array_index (self->steps, Step, i - 1);

      if (step->event_id != NULL)
        zu_id_map_remove_last (self->ids, step->event_id);
      if (step->head == NULL)
        g_hash_table_remove (self->heads, step->trace_id);
      else
        g_hash_table_insert (self->heads, g_strdup (step->trace_id), g_strdup (step->head));
    }

  g_array_set_size (self->steps, 0);
}
