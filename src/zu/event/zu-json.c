/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-json-private.h"
#include "zu-number-private.h"

/**
 * ZuJsonError:
 * @ZU_JSON_ERROR_SYNTAX: the text is not JSON, or a builder was called in the wrong order
 * @ZU_JSON_ERROR_DEPTH: arrays and objects are nested deeper than 200 levels
 * @ZU_JSON_ERROR_NUMBER: a number is not in JSON's grammar, has more than 4300 digits before its
 *   point, or is past the range of a double
 * @ZU_JSON_ERROR_ENCODING: a text is not UTF-8, or an escape is half of a surrogate pair
 * @ZU_JSON_ERROR_TYPE: a value is of another kind than is needed
 * @ZU_JSON_ERROR_MEMBER: an object lacks a member, or has one that is not known
 *
 * What can be wrong with JSON. The reader and the builder give the first four, readers of records
 * the others.
 */

/**
 * ZuJsonKind:
 * @ZU_JSON_KIND_NULL: `null`
 * @ZU_JSON_KIND_BOOLEAN: `true` or `false`
 * @ZU_JSON_KIND_INTEGER: a number without fraction and exponent, of any size
 * @ZU_JSON_KIND_FLOAT: any other number
 * @ZU_JSON_KIND_STRING: a string
 * @ZU_JSON_KIND_ARRAY: an array
 * @ZU_JSON_KIND_OBJECT: an object
 *
 * What a value is.
 */

/**
 * ZuJson:
 *
 * A JSON value (RFC 8259) that was read or built, and never changes.
 *
 * The reader is the one that events, RPC frames and launch specs go through, so it is strict:
 * UTF-8 only, no comments, no lone surrogates, no control characters in strings, nothing behind
 * the value, at most 200 levels of arrays and objects (an empty one does not count). Numbers keep
 * their value exactly: an integer has up to 4300 characters and is never rounded through a double.
 * Of members with one name the last one counts, at the place of the first.
 *
 * A value keeps the document alive that it is part of; taking a part copies nothing. Values may be
 * used from several threads at once.
 */
struct _ZuJson
{
  gatomicrefcount ref_count;
  guint32 node;
  ZuJsonDocument *document;
  guint64
      cursor; /* the child that was asked for last: its index and, in the upper half, its node */
};

G_DEFINE_BOXED_TYPE (ZuJson, zu_json, zu_json_ref, zu_json_unref)
/**
 * zu_json_error_quark:
 *
 * Gives the error domain of [error@Zu.JsonError].
 *
 * Returns: the error domain of [error@Zu.JsonError]
 */
G_DEFINE_QUARK (zu_json_error_quark, zu_json_error)

static const ZuJsonNode *
get_node (ZuJson *self)
{
  return &self->document->tape.nodes[self->node];
}

static const char *
get_text (ZuJson *self)
{
  return self->document->tape.text + get_node (self)->start;
}

/* A view of NODE; takes the caller's reference on DOCUMENT. */
static ZuJson *
new_view (ZuJsonDocument *document, guint32 node)
{
  ZuJson *self = g_new (ZuJson, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->document = document;
  self->node = node;
  self->cursor = 0;
  return self;
}

static ZuJson *
dup_part (ZuJson *self, guint32 node)
{
  g_atomic_ref_count_inc (&self->document->ref_count);
  return new_view (self->document, node);
}

static void
document_unref (ZuJsonDocument *document)
{
  if (!g_atomic_ref_count_dec (&document->ref_count))
    return;
  zu_json_tape_clear (&document->tape);
  g_free (document->text);
  g_free (document);
}

/* A document of what is on TAPE, which is emptied, and TEXT, which is taken. */
ZuJson *
zu_json_new (ZuJsonTape *tape, char *text)
{
  ZuJsonDocument *document = g_new0 (ZuJsonDocument, 1);

  g_atomic_ref_count_init (&document->ref_count);
  document->tape = *tape;
  document->tape.text = text;
  document->text = text;
  memset (tape, 0, sizeof *tape);
  return new_view (document, 0);
}

const ZuJsonTape *
zu_json_peek_tape (ZuJson *self, guint32 *node)
{
  *node = self->node;
  return &self->document->tape;
}

/**
 * zu_json_parse:
 * @text: (array length=length) (element-type guint8): the text, in UTF-8
 * @length: its length in bytes, or -1 if it is terminated
 * @error: return location for an error
 *
 * Reads one JSON value, with space around it and nothing else.
 *
 * NaN, infinities and floats past the range of a double are refused.
 *
 * Returns: (transfer full): the value; on failure %NULL with an error in the domain
 *   %ZU_JSON_ERROR that says what is wrong and at which byte
 */
ZuJson *
zu_json_parse (const char *text, gssize length, GError **error)
{
  g_auto (ZuJsonTape) tape = { 0 };
  g_autofree char *copy = NULL;
  gsize size;

  g_return_val_if_fail (text != NULL || length == 0, NULL);

  size = length < 0 ? strlen (text) : (gsize) length;
  copy = g_malloc (size + ZU_JSON_PADDING);
  if (size > 0)
    memcpy (copy, text, size);
  memset (copy + size, 0, ZU_JSON_PADDING);
  if (!zu_json_tape_read (&tape, copy, size, ZU_JSON_STRICT, error))
    return NULL;
  return zu_json_new (&tape, g_steal_pointer (&copy));
}

/**
 * zu_json_ref:
 * @self: a value
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @self
 */
ZuJson *
zu_json_ref (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * zu_json_unref:
 * @self: (transfer full): a value
 *
 * Drops a reference; the last one on any part of a document frees it.
 */
void
zu_json_unref (ZuJson *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  document_unref (self->document);
  g_free (self);
}

/**
 * zu_json_get_kind:
 * @self: a value
 *
 * Tells what it is. A number with a fraction or an exponent is a float, any other an integer.
 *
 * Returns: the kind
 */
ZuJsonKind
zu_json_get_kind (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, ZU_JSON_KIND_NULL);

  return (ZuJsonKind) get_node (self)->kind;
}

static gboolean
is_container (ZuJson *self)
{
  return zu_json_get_kind (self) == ZU_JSON_KIND_ARRAY
         || zu_json_get_kind (self) == ZU_JSON_KIND_OBJECT;
}

/**
 * zu_json_get_size:
 * @self: a value
 *
 * Counts elements or members.
 *
 * Returns: how many an array or object has; 0 for anything else
 */
gsize
zu_json_get_size (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return is_container (self) ? get_node (self)->length : 0;
}

/**
 * zu_json_get_boolean:
 * @self: a value
 *
 * Reads a boolean.
 *
 * Returns: whether @self is `true`; %FALSE for every other kind
 */
gboolean
zu_json_get_boolean (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return (get_node (self)->flags & ZU_JSON_NODE_TRUE) != 0;
}

/**
 * zu_json_get_int64:
 * @self: a value
 * @value: (out) (optional): return location for the integer
 *
 * Reads an integer, if it is one and fits.
 *
 * Returns: whether @self is an integer from %G_MININT64 to %G_MAXINT64
 */
gboolean
zu_json_get_int64 (ZuJson *self, gint64 *value)
{
  const char *p, *end;
  gboolean negative;
  gint64 result = 0;

  g_return_val_if_fail (self != NULL, FALSE);

  if (get_node (self)->kind != ZU_JSON_KIND_INTEGER)
    return FALSE;

  p = get_text (self);
  end = p + get_node (self)->length;
  negative = *p == '-';
  for (p += negative; p < end; p++)
    if (__builtin_mul_overflow (result, 10, &result)
        || __builtin_sub_overflow (result, *p - '0', &result))
      return FALSE;
  if (!negative && __builtin_sub_overflow ((gint64) 0, result, &result))
    return FALSE;
  if (value != NULL)
    *value = result;
  return TRUE;
}

/**
 * zu_json_get_double:
 * @self: a value
 *
 * Reads a number as the nearest double.
 *
 * Returns: the number; an infinity for an integer past the range of a double; 0 for what is no
 *   number
 */
double
zu_json_get_double (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, 0);

  if (get_node (self)->kind != ZU_JSON_KIND_FLOAT && get_node (self)->kind != ZU_JSON_KIND_INTEGER)
    return 0;
  return zu_number_read (get_text (self), get_node (self)->length);
}

/**
 * zu_json_get_string:
 * @self: a value
 * @length: (out) (optional): return location for its length in bytes
 *
 * Reads a string. It may hold U+0000, so where that matters the length tells, not the terminator.
 *
 * Returns: (transfer none) (nullable): the text in UTF-8, terminated; %NULL for any other kind
 */
const char *
zu_json_get_string (ZuJson *self, gsize *length)
{
  gboolean is_string;

  g_return_val_if_fail (self != NULL, NULL);

  is_string = get_node (self)->kind == ZU_JSON_KIND_STRING;
  if (length != NULL)
    *length = is_string ? get_node (self)->length : 0;
  return is_string ? get_text (self) : NULL;
}

/* The element or key at INDEX. Whoever goes through them in order pays once for each, since the
 * place of the last one is kept; a race for it only costs time. */
static guint32
find_child (ZuJson *self, guint32 index)
{
  const ZuJsonTape *tape = &self->document->tape;
  gboolean is_object = get_node (self)->kind == ZU_JSON_KIND_OBJECT;
  guint64 cursor = __atomic_load_n (&self->cursor, __ATOMIC_RELAXED);
  guint32 at = (guint32) cursor, child = (guint32) (cursor >> 32);

  if (child == 0 || at > index)
    {
      at = 0;
      child = self->node + 1;
    }
  for (; at < index; at++)
    child = is_object ? zu_json_tape_next (tape, child) : child + tape->nodes[child].span;

  __atomic_store_n (&self->cursor, (guint64) child << 32 | at, __ATOMIC_RELAXED);
  return child;
}

/**
 * zu_json_dup_element:
 * @self: an array or object
 * @index: which, from 0 and below its size
 *
 * Takes one element of an array, or the value of one member of an object.
 *
 * Going through all of them in order takes constant time for each.
 *
 * Returns: (transfer full): the value
 */
ZuJson *
zu_json_dup_element (ZuJson *self, gsize index)
{
  guint32 child;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (index < zu_json_get_size (self), NULL);

  child = find_child (self, (guint32) index);
  if (get_node (self)->kind == ZU_JSON_KIND_OBJECT)
    child += self->document->tape.nodes[child].span;
  return dup_part (self, child);
}

/**
 * zu_json_get_member_name:
 * @self: an object
 * @index: which, from 0 and below its size
 * @length: (out) (optional): return location for its length in bytes
 *
 * Reads the name of a member, in the order of the text.
 *
 * Returns: (transfer none): the name, terminated; it may hold U+0000
 */
const char *
zu_json_get_member_name (ZuJson *self, gsize index, gsize *length)
{
  const ZuJsonNode *key;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (zu_json_get_kind (self) == ZU_JSON_KIND_OBJECT, NULL);
  g_return_val_if_fail (index < zu_json_get_size (self), NULL);

  key = &self->document->tape.nodes[find_child (self, (guint32) index)];
  if (length != NULL)
    *length = key->length;
  return self->document->tape.text + key->start;
}

/**
 * zu_json_dup_member:
 * @self: a value
 * @name: the name
 *
 * Takes the value of a member of an object.
 *
 * Returns: (transfer full) (nullable): the value; %NULL where there is no such member, or @self is
 *   no object
 */
ZuJson *
zu_json_dup_member (ZuJson *self, const char *name)
{
  guint32 node;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  if (get_node (self)->kind != ZU_JSON_KIND_OBJECT)
    return NULL;
  node = zu_json_tape_find (&self->document->tape, self->node, name, strlen (name));
  return node == 0 ? NULL : dup_part (self, node);
}

static char *
to_string (ZuJson *self, ZuJsonStyle style, gsize *length)
{
  ZuBuffer buffer = { 0 };

  zu_json_write (&self->document->tape, self->node, style, &buffer);
  if (length != NULL)
    *length = buffer.length;
  return zu_buffer_steal (&buffer);
}

/**
 * zu_json_equal:
 * @self: a value
 * @other: another value
 *
 * Compares values: the order of members and the spelling of numbers and strings do not count;
 * an integer is never equal to a float.
 *
 * Returns: whether they are the same
 */
gboolean
zu_json_equal (ZuJson *self, ZuJson *other)
{
  g_autofree char *a = NULL;
  g_autofree char *b = NULL;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (other != NULL, FALSE);

  a = to_string (self, ZU_JSON_STYLE_CANONICAL, NULL);
  b = to_string (other, ZU_JSON_STYLE_CANONICAL, NULL);
  return strcmp (a, b) == 0;
}

/**
 * zu_json_to_string:
 * @self: a value
 *
 * Writes the value without spaces, in UTF-8, members in their order; floats as the shortest text
 * that reads back the same (`1.0`, `1e-05`, `1e+16`), integers in full.
 *
 * Returns: (transfer full): the text
 */
char *
zu_json_to_string (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return to_string (self, ZU_JSON_STYLE_COMPACT, NULL);
}

/**
 * zu_json_to_canonical_string:
 * @self: a value
 *
 * Writes the value without spaces in ASCII, the members of every object sorted by code point: what
 * is hashed and signed.
 *
 * Returns: (transfer full): the text
 */
char *
zu_json_to_canonical_string (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return to_string (self, ZU_JSON_STYLE_CANONICAL, NULL);
}

/**
 * zu_json_to_spaced_string:
 * @self: a value
 *
 * Writes the value in ASCII with a space after `,` and `:`, members in their order: the form that
 * RPC frames have.
 *
 * Returns: (transfer full): the text
 */
char *
zu_json_to_spaced_string (ZuJson *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return to_string (self, ZU_JSON_STYLE_SPACED, NULL);
}
