/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-filter.h"

#include "zu-json-private.h"

#include <string.h>

/**
 * ZuFilterError:
 * @ZU_FILTER_ERROR_UNKNOWN_FIELD: a field is named that cannot be filtered by
 * @ZU_FILTER_ERROR_MALFORMED: a filter is not an object of texts
 *
 * What can be wrong with a filter.
 */

/**
 * ZuFilter:
 *
 * Which events are meant: those whose fields all have the given texts.
 *
 * Fields are `event_id`, `trace_id`, `task_id`, `parent_id`, `type`, `source`, and those fields of
 * `payload.ctx` that the log has registered; which ones these are is asked with
 * [method@Zu.Filter.check_fields], since a filter by itself does not know the log. Values compare
 * as text; null matches a field that the event does not have.
 *
 * A filter is filled in one thread; after that it may be read from several.
 */
struct _ZuFilter
{
  gatomicrefcount ref_count;
  GPtrArray *conditions; /* of Condition */
};

typedef struct
{
  char *field;
  char *value;
} Condition;

G_DEFINE_BOXED_TYPE (ZuFilter, zu_filter, zu_filter_ref, zu_filter_unref)
/**
 * zu_filter_error_quark:
 *
 * Gives the error domain of [error@Zu.FilterError].
 *
 * Returns: the error domain of [error@Zu.FilterError]
 */
G_DEFINE_QUARK (zu_filter_error_quark, zu_filter_error)

static const struct
{
  const char *name;
  ZuEventField field;
} event_fields[] = {
  { "event_id", ZU_EVENT_FIELD_EVENT_ID }, { "parent_id", ZU_EVENT_FIELD_PARENT_ID },
  { "source", ZU_EVENT_FIELD_SOURCE },     { "task_id", ZU_EVENT_FIELD_TASK_ID },
  { "trace_id", ZU_EVENT_FIELD_TRACE_ID }, { "type", ZU_EVENT_FIELD_TYPE },
};

static void
condition_free (gpointer data)
{
  Condition *self = data;

  g_free (self->field);
  g_free (self->value);
  g_free (self);
}

static Condition *
get_condition (ZuFilter *self, guint index)
{
  return g_ptr_array_index (self->conditions, index);
}

/**
 * zu_filter_new:
 *
 * Makes a filter that every event passes.
 *
 * Returns: (transfer full): the filter
 */
ZuFilter *
zu_filter_new (void)
{
  ZuFilter *self = g_new0 (ZuFilter, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->conditions = g_ptr_array_new_with_free_func (condition_free);
  return self;
}

/**
 * zu_filter_ref:
 * @self: a filter
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @self
 */
ZuFilter *
zu_filter_ref (ZuFilter *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * zu_filter_unref:
 * @self: (transfer full): a filter
 *
 * Drops a reference.
 */
void
zu_filter_unref (ZuFilter *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_ptr_array_unref (self->conditions);
  g_free (self);
}

/**
 * zu_filter_add:
 * @self: a filter
 * @field: the field's name
 * @value: (nullable): its text; %NULL for events that do not have it
 *
 * Asks for events whose @field is @value. A field that is named again gets the new value.
 */
void
zu_filter_add (ZuFilter *self, const char *field, const char *value)
{
  Condition *condition;

  g_return_if_fail (self != NULL);
  g_return_if_fail (field != NULL);

  for (guint i = 0; i < self->conditions->len; i++)
    if (strcmp (get_condition (self, i)->field, field) == 0)
      {
        g_free (get_condition (self, i)->value);
        get_condition (self, i)->value = g_strdup (value);
        return;
      }

  condition = g_new (Condition, 1);
  condition->field = g_strdup (field);
  condition->value = g_strdup (value);
  g_ptr_array_add (self->conditions, condition);
}

static gboolean
add_json (ZuFilter *self, const char *field, gsize length, ZuJson *value, GError **error)
{
  ZuJsonKind kind = zu_json_get_kind (value);
  g_auto (ZuBuffer) text = { 0 };
  guint32 node;
  const ZuJsonTape *tape = zu_json_peek_tape (value, &node);

  if (kind == ZU_JSON_KIND_ARRAY || kind == ZU_JSON_KIND_OBJECT)
    {
      g_set_error (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_MALFORMED,
                   "filter field '%s' must be a text, a number, a boolean or null", field);
      return FALSE;
    }
  zu_python_write (tape, node, &text);
  zu_buffer_append_char (&text, '\0');
  if (strlen (field) != length || strlen (text.data) + 1 != text.length)
    {
      g_set_error (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_MALFORMED,
                   "filter field '%s' must be without U+0000", field);
      return FALSE;
    }
  zu_filter_add (self, field, kind == ZU_JSON_KIND_NULL ? NULL : text.data);
  return TRUE;
}

/**
 * zu_filter_new_from_json:
 * @json: an object: each member a field and its text, or null; numbers and booleans stand for the
 *   text that the side index has for them
 * @error: return location for an error
 *
 * Reads a filter. Whether its fields exist is not known here.
 *
 * Returns: (transfer full): the filter; on failure %NULL with %ZU_FILTER_ERROR_MALFORMED
 */
ZuFilter *
zu_filter_new_from_json (ZuJson *json, GError **error)
{
  g_autoptr (ZuFilter) self = NULL;

  g_return_val_if_fail (json != NULL, NULL);

  if (zu_json_get_kind (json) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_MALFORMED,
                           "a filter must be an object");
      return NULL;
    }

  self = zu_filter_new ();
  for (gsize i = 0; i < zu_json_get_size (json); i++)
    {
      gsize length;
      const char *field = zu_json_get_member_name (json, i, &length);
      g_autoptr (ZuJson) value = zu_json_dup_element (json, i);

      if (!add_json (self, field, length, value, error))
        return NULL;
    }
  return g_steal_pointer (&self);
}

/**
 * zu_filter_get_size:
 * @self: a filter
 *
 * Counts its fields.
 *
 * Returns: how many fields it names
 */
guint
zu_filter_get_size (ZuFilter *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->conditions->len;
}

/**
 * zu_filter_get_field:
 * @self: a filter
 * @index: which, from 0 and below its size
 *
 * Gives the name of a field.
 *
 * Returns: (transfer none): the name
 */
const char *
zu_filter_get_field (ZuFilter *self, guint index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->conditions->len, NULL);

  return get_condition (self, index)->field;
}

/**
 * zu_filter_get_value:
 * @self: a filter
 * @index: which, from 0 and below its size
 *
 * Gives the text that a field must have.
 *
 * Returns: (transfer none) (nullable): the text; %NULL for events that do not have the field
 */
const char *
zu_filter_get_value (ZuFilter *self, guint index)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < self->conditions->len, NULL);

  return get_condition (self, index)->value;
}

static gboolean
find_event_field (const char *name, ZuEventField *field)
{
  for (gsize i = 0; i < G_N_ELEMENTS (event_fields); i++)
    if (strcmp (event_fields[i].name, name) == 0)
      {
        *field = event_fields[i].field;
        return TRUE;
      }
  return FALSE;
}

static char *
list_fields (const char *const *ctx_fields)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (event_fields); i++)
    g_ptr_array_add (names, (gpointer) event_fields[i].name);
  for (gsize i = 0; ctx_fields != NULL && ctx_fields[i] != NULL; i++)
    g_ptr_array_add (names, (gpointer) ctx_fields[i]);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (", ", (char **) names->pdata);
}

/**
 * zu_filter_check_fields:
 * @self: a filter
 * @ctx_fields: (nullable) (array zero-terminated=1): the fields of `payload.ctx` that are
 * registered
 * @error: return location for an error
 *
 * Checks that every field it names can be filtered by.
 *
 * Returns: whether they all can; if not, %ZU_FILTER_ERROR_UNKNOWN_FIELD and a message that names
 * the first one that cannot, and those that can
 */
gboolean
zu_filter_check_fields (ZuFilter *self, const char *const *ctx_fields, GError **error)
{
  ZuEventField field;

  g_return_val_if_fail (self != NULL, FALSE);

  for (guint i = 0; i < self->conditions->len; i++)
    {
      const char *name = get_condition (self, i)->field;
      g_autofree char *known = NULL;

      if (find_event_field (name, &field)
          || (ctx_fields != NULL && g_strv_contains (ctx_fields, name)))
        continue;
      known = list_fields (ctx_fields);
      g_set_error (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_UNKNOWN_FIELD,
                   "unknown filter field '%s' (there are: %s)", name, known);
      return FALSE;
    }
  return TRUE;
}

static gboolean
condition_holds (Condition *self, ZuEvent *event)
{
  g_autofree char *ctx_value = NULL;
  ZuEventField field;
  const char *value;
  gsize length;

  if (find_event_field (self->field, &field))
    {
      value = zu_event_get_field (event, field, &length);
      if (value == NULL || self->value == NULL)
        return value == NULL && self->value == NULL;
      return strlen (self->value) == length && memcmp (value, self->value, length) == 0;
    }
  ctx_value = zu_event_dup_ctx_value (event, self->field);
  return g_strcmp0 (ctx_value, self->value) == 0;
}

/**
 * zu_filter_matches:
 * @self: a filter
 * @event: an event
 *
 * Asks the filter about an event. A field that is none of an event's own is looked up in its
 * `payload.ctx`.
 *
 * Returns: whether @event passes
 */
gboolean
zu_filter_matches (ZuFilter *self, ZuEvent *event)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (ZU_IS_EVENT (event), FALSE);

  for (guint i = 0; i < self->conditions->len; i++)
    if (!condition_holds (get_condition (self, i), event))
      return FALSE;
  return TRUE;
}

/**
 * zu_filter_to_json:
 * @self: a filter
 *
 * Writes the filter as [ctor@Zu.Filter.new_from_json] reads it.
 *
 * Returns: (transfer full): an object
 */
ZuJson *
zu_filter_to_json (ZuFilter *self)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (GError) error = NULL;
  ZuJson *json;

  g_return_val_if_fail (self != NULL, NULL);

  zu_json_builder_begin_object (builder);
  for (guint i = 0; i < self->conditions->len; i++)
    {
      Condition *condition = get_condition (self, i);

      zu_json_builder_set_member (builder, condition->field);
      if (condition->value == NULL)
        zu_json_builder_add_null (builder);
      else
        zu_json_builder_add_string (builder, condition->value);
    }
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, &error);
  if (json == NULL)
    g_critical ("a filter cannot be written: %s", error->message);
  return json;
}
