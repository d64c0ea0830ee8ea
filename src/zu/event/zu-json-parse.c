/* SPDX-License-Identifier: Apache-2.0 */

/* The reader: one pass, one frame an open array or object, no recursion. The same functions serve
 * twice: building a tape (strings are decoded in place), and, with `build` false, checking a text
 * that stays as it is; the compiler makes two readers of them. */

#include "zu-json-reader-private.h"
#include "zu-number-private.h"

#include <math.h>

#define ALWAYS static inline __attribute__ ((always_inline))

typedef enum
{
  STEP_FAILED,
  STEP_INTO,
  STEP_DONE
} Step;

/* A string from its opening quote. Decoded, it is never longer than its text, so it stays there,
 * and the closing quote makes room for a terminator. */
ALWAYS gboolean
read_string (ZuJsonReader *self, gboolean build, char **text, gsize *length, gboolean *plain)
{
  char *start = self->p + 1, *out;

  out = start + (zu_json_skip_plain (start) - start);
  self->p = out;
  *plain = *out == '"';
  if (!*plain
      && !(build ? zu_json_reader_build_odd_string (self, &out)
                 : zu_json_reader_scan_odd_string (self)))
    return FALSE;

  *text = start;
  *length = (gsize) ((build ? out : self->p) - start);
  if (build)
    *out = '\0';
  self->p++;
  return TRUE;
}

ALWAYS void
skip_spaces (ZuJsonReader *self)
{
  while (G_UNLIKELY ((guchar) *self->p <= ' ')
         && (*self->p == ' ' || *self->p == '\n' || *self->p == '\r' || *self->p == '\t'))
    {
      self->p++;
      self->is_odd = TRUE;
    }
}

/* Two names with the same tag are probably the same; two with different ones are not. */
ALWAYS guint16
make_tag (const char *name, gsize length)
{
  guint64 hash;

  if (length >= 8)
    hash = zu_json_load (name, 8) ^ zu_json_load (name + length - 8, 8) * 3;
  else if (length >= 4)
    hash = zu_json_load (name, 4) | zu_json_load (name + length - 4, 4) << 32;
  else
    hash = length == 0 ? 0
                       : (guint64) name[0] << 16 | (guint64) name[length / 2] << 8
                             | (guchar) name[length - 1];
  return (guint16) (((hash ^ length) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)) >> 48);
}

ALWAYS void
note_name (ZuJsonReaderFrame *frame, const char *name, gsize length)
{
  guint16 tag = make_tag (name, length);
  guint64 bit = G_GUINT64_CONSTANT (1) << (tag & 63);

  if (frame->count >= ZU_JSON_MAX_TAGS)
    {
      frame->is_repeated = TRUE;
      return;
    }
  if (frame->seen & bit)
    for (guint i = 0; i < frame->count; i++)
      frame->is_repeated |= frame->tags[i] == tag;
  frame->seen |= bit;
  frame->tags[frame->count] = tag;
}

static void
grow (ZuJsonTape *tape)
{
  tape->allocated = MAX (tape->allocated * 2, 32);
  tape->nodes = g_renew (ZuJsonNode, tape->nodes, tape->allocated);
}

guint32
zu_json_tape_add (ZuJsonTape *tape, ZuJsonKind kind)
{
  if (G_UNLIKELY (tape->n_nodes == tape->allocated))
    grow (tape);
  tape->nodes[tape->n_nodes] = (ZuJsonNode){ .kind = (guint8) kind, .span = 1 };
  return tape->n_nodes++;
}

ALWAYS void
add_text (ZuJsonReader *self, ZuJsonKind kind, guint flags, const char *text, gsize length)
{
  ZuJsonTape *tape = self->tape;

  if (G_UNLIKELY (tape->n_nodes == tape->allocated))
    grow (tape);
  tape->nodes[tape->n_nodes++] = (ZuJsonNode){ .kind = (guint8) kind,
                                               .flags = (guint8) flags,
                                               .start = (guint32) (text - self->start),
                                               .length = (guint32) length,
                                               .span = 1 };
}

/* A name and its colon, up to the value. */
ALWAYS gboolean
read_key (ZuJsonReader *self, gboolean build)
{
  ZuJsonReaderFrame *frame = &self->frames[self->depth - 1];
  gboolean plain;
  gsize length;
  char *text;

  if (*self->p != '"')
    return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX, "expected a member name");
  if (!read_string (self, build, &text, &length, &plain))
    return FALSE;
  if (!build && !plain)
    self->is_odd = TRUE; /* the same name may be spelled in another way */
  note_name (frame, text, length);
  frame->count++;
  if (build)
    add_text (self, ZU_JSON_KIND_KEY, plain ? ZU_JSON_NODE_PLAIN : 0, text, length);

  skip_spaces (self);
  if (*self->p != ':')
    return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX, "expected a colon");
  self->p++;
  skip_spaces (self);
  return TRUE;
}

ALWAYS Step
open_container (ZuJsonReader *self, gboolean build, gboolean is_object)
{
  char close = is_object ? '}' : ']';
  ZuJsonReaderFrame *frame;

  if (build)
    zu_json_tape_add (self->tape, is_object ? ZU_JSON_KIND_OBJECT : ZU_JSON_KIND_ARRAY);
  self->p++;
  skip_spaces (self);
  if (*self->p == close)
    {
      self->p++;
      return STEP_DONE;
    }
  if (self->depth + self->base_depth >= ZU_JSON_MAX_DEPTH)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_DEPTH, "nested too deep");

  frame = &self->frames[self->depth++];
  frame->node = build ? self->tape->n_nodes - 1 : 0;
  frame->count = is_object ? 0 : 1;
  frame->is_object = is_object;
  frame->is_repeated = FALSE;
  frame->seen = 0;
  if (is_object && !read_key (self, build))
    return STEP_FAILED;
  return STEP_INTO;
}

static gboolean
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

static gboolean
read_digits (ZuJsonReader *self)
{
  if (!is_digit (*self->p))
    return zu_json_reader_fail (self, ZU_JSON_ERROR_NUMBER, "expected a digit");
  while (is_digit (*self->p))
    self->p++;
  return TRUE;
}

/* An infinity by name, or what is called NaN: not JSON, but found in it. */
static Step
read_infinite (ZuJsonReader *self, gboolean build, const char *name)
{
  if (strncmp (self->p, name, strlen (name)) != 0)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX, "expected a value");
  if (self->numbers == ZU_JSON_STRICT)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_NUMBER, "not a number of JSON");
  self->p += strlen (name);
  if (build)
    add_text (self, ZU_JSON_KIND_NULL, ZU_JSON_NODE_INFINITE, self->p, 0);
  return STEP_DONE;
}

/* Whether a float so spelled may be past the range of a double, told without reading it. */
static gboolean
may_overflow (const char *exponent, const char *end, gsize digits)
{
  const char *p = exponent == NULL ? end : exponent + 1;

  if (p < end && *p == '-')
    return digits > 300;
  p += p < end && *p == '+';
  return end - p > 2 || digits > 200;
}

/* Whether a float is spelled as an event's text spells it. */
static gboolean
is_normal_float (const char *text, gsize length)
{
  char normal[ZU_NUMBER_SIZE];

  return zu_number_write_text (text, length, ZU_NUMBER_EVENT, normal) == length
         && memcmp (text, normal, length) == 0;
}

ALWAYS Step
read_number (ZuJsonReader *self, gboolean build)
{
  char *start = self->p, *digits;
  const char *exponent = NULL;
  ZuJsonKind kind = ZU_JSON_KIND_INTEGER;
  gsize n_digits;

  self->p += *self->p == '-';
  digits = self->p;
  if (G_UNLIKELY (*digits == 'I'))
    return read_infinite (self, build, "Infinity");
  if (!read_digits (self))
    return STEP_FAILED;
  n_digits = (gsize) (self->p - digits);
  if (*digits == '0' && n_digits > 1)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_NUMBER, "a leading zero");
  if (self->p - start > ZU_JSON_MAX_DIGITS)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_NUMBER, "more than 4300 digits");

  if (*self->p == '.')
    {
      kind = ZU_JSON_KIND_FLOAT;
      self->p++;
      if (!read_digits (self))
        return STEP_FAILED;
    }
  if (*self->p == 'e' || *self->p == 'E')
    {
      kind = ZU_JSON_KIND_FLOAT;
      exponent = self->p++;
      self->p += *self->p == '+' || *self->p == '-';
      if (!read_digits (self))
        return STEP_FAILED;
    }

  if (kind == ZU_JSON_KIND_FLOAT && may_overflow (exponent, self->p, n_digits)
      && isinf (zu_number_read (start, (gsize) (self->p - start))))
    {
      if (self->numbers == ZU_JSON_STRICT)
        return zu_json_reader_fail (self, ZU_JSON_ERROR_NUMBER, "past the range of a double");
      if (build)
        add_text (self, ZU_JSON_KIND_NULL, ZU_JSON_NODE_INFINITE, start, 0);
      return STEP_DONE;
    }

  if (kind == ZU_JSON_KIND_INTEGER && *digits == '0')
    {
      self->is_odd |= start != digits;
      start = digits; /* -0 is 0 */
    }
  if (!build && kind == ZU_JSON_KIND_FLOAT)
    self->is_odd |= !is_normal_float (start, (gsize) (self->p - start));
  if (build)
    add_text (self, kind, ZU_JSON_NODE_PLAIN, start, (gsize) (self->p - start));
  return STEP_DONE;
}

ALWAYS Step
read_word (ZuJsonReader *self, gboolean build, const char *word, gsize length, ZuJsonKind kind,
           guint flags)
{
  if (memcmp (self->p, word, length) != 0)
    return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX, "expected a value");
  if (build)
    add_text (self, kind, flags, self->p, 0);
  self->p += length;
  return STEP_DONE;
}

/* One value, or an array or object up to its first one. */
ALWAYS Step
read_value (ZuJsonReader *self, gboolean build)
{
  gboolean plain;
  gsize length;
  char *text;

  switch (*self->p)
    {
    case '"':
      if (!read_string (self, build, &text, &length, &plain))
        return STEP_FAILED;
      if (build)
        add_text (self, ZU_JSON_KIND_STRING, plain ? ZU_JSON_NODE_PLAIN : 0, text, length);
      return STEP_DONE;
    case '{':
      return open_container (self, build, TRUE);
    case '[':
      return open_container (self, build, FALSE);
    case 't':
      return read_word (self, build, "true", 4, ZU_JSON_KIND_BOOLEAN, ZU_JSON_NODE_TRUE);
    case 'f':
      return read_word (self, build, "false", 5, ZU_JSON_KIND_BOOLEAN, 0);
    case 'n':
      return read_word (self, build, "null", 4, ZU_JSON_KIND_NULL, 0);
    case 'N':
      return read_infinite (self, build, "NaN");
    case 'I':
      return read_infinite (self, build, "Infinity");
    case '-':
    case '0' ... '9':
      return read_number (self, build);
    default:
      return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX,
                                  self->p >= self->end ? "the text ends before a value"
                                                       : "expected a value");
    }
}

static void
close_container (ZuJsonReader *self, gboolean build)
{
  ZuJsonReaderFrame *frame = &self->frames[--self->depth];

  if (build)
    {
      self->tape->nodes[frame->node].span = self->tape->n_nodes - frame->node;
      self->tape->nodes[frame->node].length = frame->count;
      if (frame->is_repeated)
        zu_json_tape_resolve (self->tape, frame->node);
    }
  self->is_odd |= frame->is_repeated;
}

/* After a value: on to the next one, or out of what has ended. */
ALWAYS Step
read_on (ZuJsonReader *self, gboolean build)
{
  while (self->depth > 0)
    {
      ZuJsonReaderFrame *frame = &self->frames[self->depth - 1];

      skip_spaces (self);
      if (*self->p == ',')
        {
          self->p++;
          skip_spaces (self);
          if (frame->is_object)
            return read_key (self, build) ? STEP_INTO : STEP_FAILED;
          frame->count++;
          return STEP_INTO;
        }
      if (*self->p != (frame->is_object ? '}' : ']'))
        return zu_json_reader_fail (self, ZU_JSON_ERROR_SYNTAX,
                                    self->p >= self->end ? "the text ends inside an array or object"
                                                         : "expected a comma or an end");
      self->p++;
      close_container (self, build);
    }
  return STEP_DONE;
}

ALWAYS gboolean
read_document (ZuJsonReader *self, gboolean build)
{
  Step step = STEP_INTO;

  while (step == STEP_INTO)
    {
      step = read_value (self, build);
      if (step == STEP_DONE)
        step = read_on (self, build);
    }
  return step == STEP_DONE;
}

static void
reader_init (ZuJsonReader *self, char *text, const char *end)
{
  self->p = text;
  self->start = text;
  self->end = end;
  self->tape = NULL;
  self->is_odd = FALSE;
  self->depth = 0;
  self->base_depth = 0;
  self->message = NULL;
}

/* Reads TEXT, which is changed by it and must stay where it is as long as the tape is used, and
 * behind which ZU_JSON_PADDING zero bytes stand. What the tape held is forgotten. */
gboolean
zu_json_tape_read (ZuJsonTape *tape, char *text, gsize length, ZuJsonNumbers numbers,
                   GError **error)
{
  ZuJsonReader reader;

  tape->text = text;
  tape->n_nodes = 0;
  reader_init (&reader, text, text + length);
  reader.tape = tape;
  reader.numbers = numbers;

  if (length > G_MAXINT32)
    zu_json_reader_fail (&reader, ZU_JSON_ERROR_SYNTAX, "too long");
  else
    {
      skip_spaces (&reader);
      if (read_document (&reader, TRUE))
        {
          skip_spaces (&reader);
          if (reader.p == reader.end)
            return TRUE;
          zu_json_reader_fail (&reader, ZU_JSON_ERROR_SYNTAX, "something follows the value");
        }
    }

  g_set_error (error, ZU_JSON_ERROR, reader.code, "%s at byte %" G_GSIZE_FORMAT, reader.message,
               (gsize) (reader.p - text));
  return FALSE;
}

/* Checks the value at TEXT, already DEPTH levels deep, without changing or keeping anything: the
 * first byte behind it; NULL where it is no value, or one that is not (or not surely) written as an
 * event's text is (spaces, other spellings, names that may be the same), so that it must be read
 * and written again. END is followed by padding. */
const char *
zu_json_scan (const char *text, const char *end, guint depth)
{
  ZuJsonReader reader;

  reader_init (&reader, (char *) text, end);
  reader.numbers = ZU_JSON_STRICT;
  reader.base_depth = depth;
  if (!read_document (&reader, FALSE) || reader.is_odd || reader.p > end)
    return NULL;
  return reader.p;
}
