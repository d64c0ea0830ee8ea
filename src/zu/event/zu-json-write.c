/* SPDX-License-Identifier: Apache-2.0 */

/* The writer: one loop over a tape with a stack of what is open, in each of the styles. */

#include "zu-json-private.h"
#include "zu-number-private.h"

#define SMALL_OBJECT 16

#define SMALL_LIST 128

typedef struct
{
  guint32 next;     /* the element or key that comes next; where keys are sorted, its place there */
  guint32 left;     /* how many are still to come */
  guint32 n_sorted; /* how many sorted keys the objects around this one have */
  gboolean is_object;
} Frame;

typedef struct
{
  const ZuJsonTape *tape;
  ZuJsonStyle style;
  ZuBuffer *out;
  guint depth;
  guint32 n_sorted, max_sorted;
  guint32 *sorted; /* the keys of all open objects */
  guint32 *many_sorted;
  guint32 few_sorted[SMALL_LIST];
  Frame frames[ZU_JSON_MAX_DEPTH + 1];
} Writer;

static gboolean
is_ascii (ZuJsonStyle style)
{
  return style == ZU_JSON_STYLE_CANONICAL || style == ZU_JSON_STYLE_SPACED;
}

static char *
write_unit (char *out, guint value)
{
  static const char digits[] = "0123456789abcdef";

  *out++ = '\\';
  *out++ = 'u';
  for (int shift = 12; shift >= 0; shift -= 4)
    *out++ = digits[value >> shift & 15];
  return out;
}

/* One escape, or two past the BMP: up to 12 bytes. */
char *
zu_json_write_u_escape (char *out, gunichar c)
{
  if (c < 0x10000)
    return write_unit (out, c);
  out = write_unit (out, 0xd800 + ((c - 0x10000) >> 10));
  return write_unit (out, 0xdc00 + (c & 0x3ff));
}

static char *
write_ascii_escape (char *out, guchar c)
{
  static const char shorts[] = "btn\0fr"; /* U+0008 to U+000D */
  char letter = 0;

  if (c == '"' || c == '\\')
    letter = (char) c;
  else if (c >= 8 && c <= 13)
    letter = shorts[c - 8];
  if (letter == 0)
    return write_unit (out, c);
  *out++ = '\\';
  *out++ = letter;
  return out;
}

/* Writes TEXT, which is UTF-8 and may hold U+0000, as a string with its quotes. */
void
zu_json_write_text (const char *text, gsize length, ZuJsonStyle style, ZuBuffer *buffer)
{
  gboolean ascii = is_ascii (style);
  const char *p = text, *end = text + length;
  char *out;

  if (G_LIKELY (zu_json_text_is_plain (text, length)))
    {
      zu_json_write_plain (text, length, buffer);
      return;
    }

  out = zu_buffer_reserve (buffer, 6 * length + 2); /* a byte becomes \u00xx at worst */
  *out++ = '"';
  while (p < end)
    {
      guchar c = (guchar) *p;

      if (c < 0x20 || c == '"' || c == '\\' || (ascii && c == 0x7f))
        {
          out = write_ascii_escape (out, c);
          p++;
        }
      else if (c < 0x80 || !ascii)
        *out++ = *p++;
      else
        {
          out = zu_json_write_u_escape (out, g_utf8_get_char (p));
          p = g_utf8_next_char (p);
        }
    }
  *out++ = '"';
  buffer->length = (gsize) (out - buffer->data);
}

static void
write_string (Writer *self, const ZuJsonNode *node)
{
  const char *text = self->tape->text + node->start;

  if (self->style == ZU_JSON_STYLE_PYTHON)
    {
      zu_python_write_text (text, node->length, self->out);
      return;
    }
  if (node->flags & ZU_JSON_NODE_PLAIN)
    zu_json_write_plain (text, node->length, self->out);
  else
    zu_json_write_text (text, node->length, self->style, self->out);
}

static void
write_float (Writer *self, const ZuJsonNode *node)
{
  ZuNumberStyle style = self->style == ZU_JSON_STYLE_EVENT ? ZU_NUMBER_EVENT : ZU_NUMBER_CANONICAL;
  char *out = zu_buffer_reserve (self->out, ZU_NUMBER_SIZE);

  self->out->length +=
      zu_number_write_text (self->tape->text + node->start, node->length, style, out);
}

static const char *
get_word (Writer *self, const ZuJsonNode *node)
{
  static const char *const words[2][3] = { { "null", "false", "true" },
                                           { "None", "False", "True" } };
  guint word = 0;

  if (node->kind == ZU_JSON_KIND_BOOLEAN)
    word = node->flags & ZU_JSON_NODE_TRUE ? 2 : 1;
  return words[self->style == ZU_JSON_STYLE_PYTHON][word];
}

static void
write_scalar (Writer *self, const ZuJsonNode *node)
{
  const char *word;

  switch ((ZuJsonKind) node->kind)
    {
    case ZU_JSON_KIND_INTEGER:
      zu_buffer_append (self->out, self->tape->text + node->start, node->length);
      break;
    case ZU_JSON_KIND_FLOAT:
      write_float (self, node);
      break;
    case ZU_JSON_KIND_STRING:
      write_string (self, node);
      break;
    default:
      word = get_word (self, node);
      zu_buffer_append (self->out, word, strlen (word));
      break;
    }
}

/* By code point, which is the order of UTF-8's bytes. */
static int
compare_keys (const ZuJsonTape *tape, guint32 a, guint32 b)
{
  const ZuJsonNode *x = &tape->nodes[a], *y = &tape->nodes[b];
  int order = memcmp (tape->text + x->start, tape->text + y->start, MIN (x->length, y->length));

  return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

static int
compare_key_pointers (gconstpointer a, gconstpointer b, gpointer tape)
{
  return compare_keys (tape, *(const guint32 *) a, *(const guint32 *) b);
}

static void
insertion_sort (const ZuJsonTape *tape, guint32 *keys, guint32 count)
{
  for (guint32 i = 1; i < count; i++)
    {
      guint32 key = keys[i], j = i;

      for (; j > 0 && compare_keys (tape, keys[j - 1], key) > 0; j--)
        keys[j] = keys[j - 1];
      keys[j] = key;
    }
}

static guint32 *
reserve_sorted (Writer *self, guint32 count)
{
  guint32 *keys;

  if (count > self->max_sorted - self->n_sorted)
    {
      self->max_sorted = MAX (self->max_sorted * 2, self->n_sorted + count);
      self->many_sorted = g_renew (guint32, self->many_sorted, self->max_sorted);
      if (self->sorted == self->few_sorted)
        memcpy (self->many_sorted, self->few_sorted, sizeof self->few_sorted);
      self->sorted = self->many_sorted;
    }
  keys = self->sorted + self->n_sorted;
  self->n_sorted += count;
  return keys;
}

/* Puts the object's keys, sorted, behind those of the objects around it. */
static void
sort_keys (Writer *self, Frame *frame)
{
  guint32 key = frame->next, count = frame->left;
  guint32 *keys = reserve_sorted (self, count);

  for (guint32 i = 0; i < count; i++)
    {
      keys[i] = key;
      if (i + 1 < count)
        key = zu_json_tape_next (self->tape, key);
    }

  if (count <= SMALL_OBJECT)
    insertion_sort (self->tape, keys, count);
  else
    g_qsort_with_data (keys, (int) count, sizeof *keys, compare_key_pointers,
                       (gpointer) self->tape);
  frame->next = frame->n_sorted;
}

static void
open_container (Writer *self, guint32 index)
{
  const ZuJsonNode *node = &self->tape->nodes[index];
  Frame *frame = &self->frames[self->depth++];

  frame->next = index + 1;
  frame->left = node->length;
  frame->n_sorted = self->n_sorted;
  frame->is_object = node->kind == ZU_JSON_KIND_OBJECT;
  if (self->style == ZU_JSON_STYLE_CANONICAL && frame->is_object && frame->left > 0)
    sort_keys (self, frame);
  zu_buffer_append_char (self->out, frame->is_object ? '{' : '[');
}

static void
close_container (Writer *self)
{
  Frame *frame = &self->frames[--self->depth];

  self->n_sorted = frame->n_sorted;
  zu_buffer_append_char (self->out, frame->is_object ? '}' : ']');
}

static void
write_separator (Writer *self, char separator)
{
  zu_buffer_append_char (self->out, separator);
  if (self->style == ZU_JSON_STYLE_SPACED || self->style == ZU_JSON_STYLE_PYTHON)
    zu_buffer_append_char (self->out, ' ');
}

/* The member that comes next: writes its name and returns its value. */
static guint32
write_name (Writer *self, Frame *frame)
{
  guint32 key = frame->next;

  if (self->style == ZU_JSON_STYLE_CANONICAL)
    key = self->sorted[frame->next++];
  else if (frame->left > 0)
    frame->next = zu_json_tape_next (self->tape, key);

  write_string (self, &self->tape->nodes[key]);
  write_separator (self, ':');
  return key + self->tape->nodes[key].span;
}

/* The value that comes next in what is open; FALSE at its end. */
static gboolean
next_value (Writer *self, gboolean is_first, guint32 *value)
{
  Frame *frame = &self->frames[self->depth - 1];

  if (frame->left == 0)
    return FALSE;
  frame->left--;
  if (!is_first)
    write_separator (self, ',');
  if (frame->is_object)
    {
      *value = write_name (self, frame);
      return TRUE;
    }
  *value = frame->next;
  frame->next += self->tape->nodes[frame->next].span;
  return TRUE;
}

/* Appends the value at NODE as text. */
void
zu_json_write (const ZuJsonTape *tape, guint32 node, ZuJsonStyle style, ZuBuffer *out)
{
  gboolean is_first;
  Writer writer;

  /* Member by member: the stack of frames needs no clearing. */
  writer.tape = tape;
  writer.style = style;
  writer.out = out;
  writer.depth = 0;
  writer.n_sorted = 0;
  writer.max_sorted = SMALL_LIST;
  writer.sorted = writer.few_sorted;
  writer.many_sorted = NULL;

  do
    {
      if (tape->nodes[node].kind == ZU_JSON_KIND_OBJECT
          || tape->nodes[node].kind == ZU_JSON_KIND_ARRAY)
        {
          open_container (&writer, node);
          is_first = TRUE;
        }
      else
        {
          write_scalar (&writer, &tape->nodes[node]);
          is_first = FALSE;
        }
      while (writer.depth > 0 && !next_value (&writer, is_first, &node))
        {
          close_container (&writer);
          is_first = FALSE;
        }
    }
  while (writer.depth > 0);

  g_free (writer.many_sorted);
}
