/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-json-private.h"
#include "zu-number-private.h"

#include <math.h>

/**
 * ZuJsonBuilder:
 *
 * Puts a [struct@Zu.Json] together, one value after the other.
 *
 * ```c
 * zu_json_builder_begin_object (builder);
 * zu_json_builder_set_member (builder, "seq");
 * zu_json_builder_add_int64 (builder, 7);
 * zu_json_builder_end_object (builder);
 * value = zu_json_builder_end (builder, &error);
 * ```
 *
 * What goes wrong on the way is kept and told by [method@Zu.JsonBuilder.end], so that the calls
 * between need no check of their own. A builder belongs to one thread.
 */

typedef struct
{
  guint32 node;
  guint32 count;
  gboolean is_object;
  gboolean has_name;
} Frame;

struct _ZuJsonBuilder
{
  gatomicrefcount ref_count;
  ZuJsonTape tape;
  ZuBuffer text;
  GError *error;
  guint depth;
  Frame frames[ZU_JSON_MAX_DEPTH + 1];
};

G_DEFINE_BOXED_TYPE (ZuJsonBuilder, zu_json_builder, zu_json_builder_ref, zu_json_builder_unref)

/**
 * zu_json_builder_new:
 *
 * Begins a value.
 *
 * Returns: (transfer full): a builder
 */
ZuJsonBuilder *
zu_json_builder_new (void)
{
  ZuJsonBuilder *self = g_new0 (ZuJsonBuilder, 1);

  g_atomic_ref_count_init (&self->ref_count);
  return self;
}

/**
 * zu_json_builder_ref:
 * @self: a builder
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @self
 */
ZuJsonBuilder *
zu_json_builder_ref (ZuJsonBuilder *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
reset (ZuJsonBuilder *self)
{
  zu_json_tape_clear (&self->tape);
  zu_buffer_clear (&self->text);
  g_clear_error (&self->error);
  self->depth = 0;
}

/**
 * zu_json_builder_unref:
 * @self: (transfer full): a builder
 *
 * Drops a reference.
 */
void
zu_json_builder_unref (ZuJsonBuilder *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  reset (self);
  g_free (self);
}

static gboolean
refuse (ZuJsonBuilder *self, ZuJsonError code, const char *message)
{
  if (self->error == NULL)
    self->error = g_error_new_literal (ZU_JSON_ERROR, code, message);
  return FALSE;
}

/* Whether a value may come here; counts it. */
static gboolean
begin_value (ZuJsonBuilder *self)
{
  Frame *frame;

  if (self->error != NULL)
    return FALSE;
  if (self->depth == 0)
    return self->tape.n_nodes == 0
           || refuse (self, ZU_JSON_ERROR_SYNTAX, "a second value was added");

  frame = &self->frames[self->depth - 1];
  if (frame->is_object && !frame->has_name)
    return refuse (self, ZU_JSON_ERROR_SYNTAX, "a member was added without a name");
  frame->has_name = FALSE;
  frame->count++;
  return TRUE;
}

/* Every text is terminated: readers of the document may rely on it. */
static void
add_text (ZuJsonBuilder *self, ZuJsonKind kind, const char *text, gsize length, guint flags)
{
  ZuJsonNode *node;
  guint32 index;

  if (self->text.length + length > G_MAXINT32)
    {
      refuse (self, ZU_JSON_ERROR_SYNTAX, "too long");
      return;
    }
  index = zu_json_tape_add (&self->tape, kind);
  node = &self->tape.nodes[index];
  node->start = (guint32) self->text.length;
  node->length = (guint32) length;
  node->flags = (guint8) flags;
  zu_buffer_append (&self->text, text, length);
  zu_buffer_append_char (&self->text, '\0');
}

static void
add_utf8 (ZuJsonBuilder *self, ZuJsonKind kind, const char *text, gsize length)
{
  gboolean plain = zu_json_text_is_plain (text, length);

  if (!plain && !g_utf8_validate (text, -1, NULL))
    {
      refuse (self, ZU_JSON_ERROR_ENCODING, "a text that is not UTF-8 was added");
      return;
    }
  add_text (self, kind, text, length, plain ? ZU_JSON_NODE_PLAIN : 0);
}

static void
begin_container (ZuJsonBuilder *self, ZuJsonKind kind)
{
  Frame *frame;

  if (!begin_value (self))
    return;
  if (self->depth >= ZU_JSON_MAX_DEPTH)
    {
      refuse (self, ZU_JSON_ERROR_DEPTH, "nested too deep");
      return;
    }
  frame = &self->frames[self->depth++];
  frame->node = zu_json_tape_add (&self->tape, kind);
  frame->count = 0;
  frame->is_object = kind == ZU_JSON_KIND_OBJECT;
  frame->has_name = FALSE;
}

static void
end_container (ZuJsonBuilder *self, gboolean is_object)
{
  Frame *frame;

  if (self->error != NULL)
    return;
  frame = self->depth > 0 ? &self->frames[self->depth - 1] : NULL;
  if (frame == NULL || frame->is_object != is_object || frame->has_name)
    {
      refuse (self, ZU_JSON_ERROR_SYNTAX, "an array or object was ended that is not open");
      return;
    }
  self->depth--;
  self->tape.nodes[frame->node].length = frame->count;
  self->tape.nodes[frame->node].span = self->tape.n_nodes - frame->node;
  self->tape.text = self->text.data;
  if (is_object && frame->count > 1)
    zu_json_tape_resolve (&self->tape, frame->node);
}

/**
 * zu_json_builder_begin_object:
 * @self: a builder
 *
 * Opens an object as the next value.
 */
void
zu_json_builder_begin_object (ZuJsonBuilder *self)
{
  g_return_if_fail (self != NULL);

  begin_container (self, ZU_JSON_KIND_OBJECT);
}

/**
 * zu_json_builder_end_object:
 * @self: a builder
 *
 * Closes the object that is open. Of members with one name the last one counts.
 */
void
zu_json_builder_end_object (ZuJsonBuilder *self)
{
  g_return_if_fail (self != NULL);

  end_container (self, TRUE);
}

/**
 * zu_json_builder_begin_array:
 * @self: a builder
 *
 * Opens an array as the next value.
 */
void
zu_json_builder_begin_array (ZuJsonBuilder *self)
{
  g_return_if_fail (self != NULL);

  begin_container (self, ZU_JSON_KIND_ARRAY);
}

/**
 * zu_json_builder_end_array:
 * @self: a builder
 *
 * Closes the array that is open.
 */
void
zu_json_builder_end_array (ZuJsonBuilder *self)
{
  g_return_if_fail (self != NULL);

  end_container (self, FALSE);
}

/**
 * zu_json_builder_set_member:
 * @self: a builder, with an object open
 * @name: the name, in UTF-8
 *
 * Names the member whose value comes next.
 */
void
zu_json_builder_set_member (ZuJsonBuilder *self, const char *name)
{
  Frame *frame;

  g_return_if_fail (self != NULL);
  g_return_if_fail (name != NULL);

  if (self->error != NULL)
    return;
  frame = self->depth > 0 ? &self->frames[self->depth - 1] : NULL;
  if (frame == NULL || !frame->is_object || frame->has_name)
    {
      refuse (self, ZU_JSON_ERROR_SYNTAX, "a name was given where no member can be");
      return;
    }
  add_utf8 (self, ZU_JSON_KIND_KEY, name, strlen (name));
  frame->has_name = TRUE;
}

/**
 * zu_json_builder_add_null:
 * @self: a builder
 *
 * Adds `null`.
 */
void
zu_json_builder_add_null (ZuJsonBuilder *self)
{
  g_return_if_fail (self != NULL);

  if (begin_value (self))
    zu_json_tape_add (&self->tape, ZU_JSON_KIND_NULL);
}

/**
 * zu_json_builder_add_boolean:
 * @self: a builder
 * @value: the value
 *
 * Adds `true` or `false`.
 */
void
zu_json_builder_add_boolean (ZuJsonBuilder *self, gboolean value)
{
  guint32 node;

  g_return_if_fail (self != NULL);

  if (!begin_value (self))
    return;
  node = zu_json_tape_add (&self->tape, ZU_JSON_KIND_BOOLEAN);
  self->tape.nodes[node].flags = value ? ZU_JSON_NODE_TRUE : 0;
}

/**
 * zu_json_builder_add_int64:
 * @self: a builder
 * @value: the value
 *
 * Adds an integer.
 */
void
zu_json_builder_add_int64 (ZuJsonBuilder *self, gint64 value)
{
  char text[24];

  g_return_if_fail (self != NULL);

  if (!begin_value (self))
    return;
  g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  add_text (self, ZU_JSON_KIND_INTEGER, text, strlen (text), ZU_JSON_NODE_PLAIN);
}

/**
 * zu_json_builder_add_double:
 * @self: a builder
 * @value: the value
 *
 * Adds a float; `null` for NaN and the infinities, which JSON does not have.
 */
void
zu_json_builder_add_double (ZuJsonBuilder *self, double value)
{
  char text[ZU_NUMBER_SIZE];
  gsize length;

  g_return_if_fail (self != NULL);

  if (!begin_value (self))
    return;
  if (!isfinite (value))
    {
      zu_json_tape_add (&self->tape, ZU_JSON_KIND_NULL);
      return;
    }
  length = zu_number_write_double (value, ZU_NUMBER_CANONICAL, text);
  add_text (self, ZU_JSON_KIND_FLOAT, text, length, ZU_JSON_NODE_PLAIN);
}

/**
 * zu_json_builder_add_string:
 * @self: a builder
 * @value: the text, in UTF-8
 *
 * Adds a string.
 */
void
zu_json_builder_add_string (ZuJsonBuilder *self, const char *value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (value != NULL);

  if (begin_value (self))
    add_utf8 (self, ZU_JSON_KIND_STRING, value, strlen (value));
}

static gboolean
has_text (const ZuJsonNode *node)
{
  return node->kind == ZU_JSON_KIND_KEY || node->kind == ZU_JSON_KIND_STRING
         || node->kind == ZU_JSON_KIND_INTEGER || node->kind == ZU_JSON_KIND_FLOAT;
}

/* Whether what stands at NODE may be put into what is open. */
static gboolean
fits (ZuJsonBuilder *self, const ZuJsonTape *tape, guint32 node)
{
  guint32 ends[ZU_JSON_MAX_DEPTH + 1];
  guint32 end = node + tape->nodes[node].span;
  guint depth = 0;

  for (guint32 i = node; i < end; i++)
    {
      const ZuJsonNode *part = &tape->nodes[i];
      gboolean is_open = (part->kind == ZU_JSON_KIND_ARRAY || part->kind == ZU_JSON_KIND_OBJECT)
                         && part->length > 0;

      while (depth > 0 && i >= ends[depth - 1])
        depth--;
      if (is_open && self->depth + depth >= ZU_JSON_MAX_DEPTH)
        return FALSE;
      if (is_open)
        ends[depth++] = i + part->span;
    }
  return TRUE;
}

/**
 * zu_json_builder_add_json:
 * @self: a builder
 * @value: a value
 *
 * Adds a copy of a value that exists.
 */
void
zu_json_builder_add_json (ZuJsonBuilder *self, ZuJson *value)
{
  const ZuJsonTape *tape;
  guint32 node, end;

  g_return_if_fail (self != NULL);
  g_return_if_fail (value != NULL);

  if (!begin_value (self))
    return;
  tape = zu_json_peek_tape (value, &node);
  end = node + tape->nodes[node].span;
  if (!fits (self, tape, node))
    {
      refuse (self, ZU_JSON_ERROR_DEPTH, "nested too deep");
      return;
    }

  for (; node < end && self->error == NULL; node++)
    {
      const ZuJsonNode *from = &tape->nodes[node];
      guint32 to = self->tape.n_nodes;

      if (has_text (from))
        add_text (self, (ZuJsonKind) from->kind, tape->text + from->start, from->length,
                  from->flags);
      else
        {
          zu_json_tape_add (&self->tape, (ZuJsonKind) from->kind);
          self->tape.nodes[to].length = from->length;
          self->tape.nodes[to].flags = from->flags;
        }
      if (self->error == NULL)
        self->tape.nodes[to].span = from->span;
    }
}

static ZuJson *
finish (ZuJsonBuilder *self)
{
  gsize size = self->text.length;

  memset (zu_buffer_reserve (&self->text, ZU_JSON_PADDING), 0, ZU_JSON_PADDING);
  self->text.length = size + ZU_JSON_PADDING;
  return zu_json_new (&self->tape, zu_buffer_steal (&self->text));
}

/**
 * zu_json_builder_end:
 * @self: a builder
 * @error: return location for an error
 *
 * Ends the value. The builder is empty afterwards and may be used again.
 *
 * Returns: (transfer full): the value; on failure %NULL with an error in the domain
 *   %ZU_JSON_ERROR that tells the first thing that was wrong
 */
ZuJson *
zu_json_builder_end (ZuJsonBuilder *self, GError **error)
{
  ZuJson *value = NULL;

  g_return_val_if_fail (self != NULL, NULL);

  if (self->error == NULL && self->depth > 0)
    refuse (self, ZU_JSON_ERROR_SYNTAX, "an array or object was not ended");
  if (self->error == NULL && self->tape.n_nodes == 0)
    refuse (self, ZU_JSON_ERROR_SYNTAX, "no value was added");

  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else
    value = finish (self);
  reset (self);
  return value;
}
