/* SPDX-License-Identifier: Apache-2.0 */

/* The reader: one pass, one frame an open array or object, no recursion. The same functions serve
 * twice: building a tape (strings are decoded in place), and, with `build` false, checking a text
 * that stays as it is; the compiler makes two readers of them. */

#include "zu-json-private.h"
#include "zu-number-private.h"

#include <math.h>

#define ONES  G_GUINT64_CONSTANT (0x0101010101010101)
#define HIGHS G_GUINT64_CONSTANT (0x8080808080808080)

/* Names of one object that are told apart by their tags; past it they are sorted to be compared. */
#define MAX_TAGS 32

#define ALWAYS static inline __attribute__ ((always_inline))

typedef struct
{
  guint32 node;
  guint32 count;
  gboolean is_object;
  gboolean is_repeated;
  guint64 seen;
  guint16 tags[MAX_TAGS];
} Frame;

typedef struct
{
  char *p;
  char *start;
  const char *end;
  ZuJsonTape *tape;
  ZuJsonNumbers numbers;
  gboolean is_odd; /* spaces or repeated names were met */
  int code;
  const char *message;
  guint depth;
  guint base_depth;
  Frame frames[ZU_JSON_MAX_DEPTH];
} Reader;

typedef enum
{
  STEP_FAILED,
  STEP_INTO,
  STEP_DONE
} Step;

static gboolean G_GNUC_NO_INLINE
fail (Reader *self, ZuJsonError code, const char *message)
{
  self->code = code;
  self->message = message;
  return FALSE;
}

/* The length of the UTF-8 sequence of two to four bytes at P, 0 where it is not one (RFC 3629). */
gsize
zu_json_utf8_length (const char *p)
{
  const guchar *s = (const guchar *) p;

  if (s[0] < 0xc2 || s[0] > 0xf4 || (s[1] & 0xc0) != 0x80)
    return 0;
  if (s[0] < 0xe0)
    return 2;
  if ((s[2] & 0xc0) != 0x80)
    return 0;
  if (s[0] < 0xf0)
    return (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ? 0 : 3;
  if ((s[3] & 0xc0) != 0x80 || (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
    return 0;
  return 4;
}

gboolean
zu_json_text_is_plain (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if ((guchar) text[i] < 0x20 || (guchar) text[i] >= 0x7f || text[i] == '"' || text[i] == '\\')
      return FALSE;
  return TRUE;
}

static int
read_hex4 (const char *p)
{
  int value = 0;

  for (int i = 0; i < 4; i++)
    {
      int digit = g_ascii_xdigit_value (p[i]);

      if (digit < 0)
        return -1;
      value = value << 4 | digit;
    }
  return value;
}

/* The code point of the \u escape (or pair of them) at P; -1 is none, -2 half a pair. */
static int
read_unicode_escape (const char **p)
{
  int low, value = read_hex4 (*p + 2);

  *p += value < 0 ? 0 : 6;
  if (value < 0xd800 || value > 0xdfff)
    return value;
  if (value > 0xdbff || (*p)[0] != '\\' || (*p)[1] != 'u')
    return -2;
  low = read_hex4 (*p + 2);
  if (low < 0xdc00 || low > 0xdfff)
    return -2;
  *p += 6;
  return 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
}

static char
simple_escape (char c)
{
  switch (c)
    {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
    }
}

/* One escape; writes what it stands for at OUT, which may lie before or at it. */
ALWAYS gboolean
read_escape (Reader *self, gboolean build, char **out)
{
  const char *p = self->p;
  char simple;
  int value;

  if (p[1] != 'u')
    {
      simple = simple_escape (p[1]);
      if (simple == 0)
        return fail (self, ZU_JSON_ERROR_SYNTAX, "no such escape");
      self->p += 2;
      if (build)
        *(*out)++ = simple;
      return TRUE;
    }

  value = read_unicode_escape (&p);
  if (value == -1)
    return fail (self, ZU_JSON_ERROR_SYNTAX, "\\u needs four hexadecimal digits");
  if (value < 0)
    return fail (self, ZU_JSON_ERROR_ENCODING, "half of a surrogate pair");
  self->p += p - self->p;
  if (build)
    *out += g_unichar_to_utf8 ((gunichar) value, *out);
  return TRUE;
}

/* What is not plain inside a string, one character of it. */
ALWAYS gboolean
read_odd_character (Reader *self, gboolean build, char **out)
{
  guchar c = (guchar) *self->p;
  gsize size = 1;

  if (c == '\\')
    return read_escape (self, build, out);
  if (c < 0x20)
    return fail (self, ZU_JSON_ERROR_SYNTAX,
                 self->p >= self->end ? "the text ends inside a string"
                                      : "a control character in a string");
  if (c >= 0x80)
    size = zu_json_utf8_length (self->p);
  if (size == 0)
    return fail (self, ZU_JSON_ERROR_ENCODING, "not UTF-8");
  if (build && *out != self->p)
    memmove (*out, self->p, size);
  *out += size;
  self->p += size;
  return TRUE;
}

/* The rest of a string from its first character that is not plain; its end in OUT. */
static gboolean G_GNUC_NO_INLINE
build_odd_string (Reader *self, char **out)
{
  while (*self->p != '"')
    {
      char *plain;

      if (!read_odd_character (self, TRUE, out))
        return FALSE;
      plain = self->p;
      self->p += zu_json_skip_plain (plain) - plain;
      if (*out != plain)
        memmove (*out, plain, (gsize) (self->p - plain));
      *out += self->p - plain;
    }
  return TRUE;
}

static gboolean G_GNUC_NO_INLINE
scan_odd_string (Reader *self)
{
  char *out = self->p;

  while (*self->p != '"')
    {
      if (!read_odd_character (self, FALSE, &out))
        return FALSE;
      self->p += zu_json_skip_plain (self->p) - self->p;
    }
  return TRUE;
}

/* A string from its opening quote. Decoded, it is never longer than its text, so it stays there,
 * and the closing quote makes room for a terminator. */
ALWAYS gboolean
read_string (Reader *self, gboolean build, char **text, gsize *length, gboolean *plain)
{
  char *start = self->p + 1, *out;

  out = start + (zu_json_skip_plain (start) - start);
  self->p = out;
  *plain = *out == '"';
  if (!*plain && !(build ? build_odd_string (self, &out) : scan_odd_string (self)))
    return FALSE;

  *text = start;
  *length = (gsize) ((build ? out : self->p) - start);
  if (build)
    *out = '\0';
  self->p++;
  return TRUE;
}

ALWAYS void
skip_spaces (Reader *self)
{
  while (G_UNLIKELY (*self->p == ' ' || *self->p == '\n' || *self->p == '\r' || *self->p == '\t'))
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
note_name (Frame *frame, const char *name, gsize length)
{
  guint16 tag = make_tag (name, length);
  guint64 bit = G_GUINT64_CONSTANT (1) << (tag & 63);

  if (frame->count >= MAX_TAGS)
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
add_text (Reader *self, ZuJsonKind kind, guint flags, const char *text, gsize length)
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
read_key (Reader *self, gboolean build)
{
  Frame *frame = &self->frames[self->depth - 1];
  gboolean plain;
  gsize length;
  char *text;

  if (*self->p != '"')
    return fail (self, ZU_JSON_ERROR_SYNTAX, "expected a member name");
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
    return fail (self, ZU_JSON_ERROR_SYNTAX, "expected a colon");
  self->p++;
  skip_spaces (self);
  return TRUE;
}

ALWAYS Step
open_container (Reader *self, gboolean build, gboolean is_object)
{
  char close = is_object ? '}' : ']';
  Frame *frame;

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
    return fail (self, ZU_JSON_ERROR_DEPTH, "nested too deep");

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
read_digits (Reader *self)
{
  if (!is_digit (*self->p))
    return fail (self, ZU_JSON_ERROR_NUMBER, "expected a digit");
  while (is_digit (*self->p))
    self->p++;
  return TRUE;
}

/* An infinity by name, or what is called NaN: not JSON, but found in it. */
static Step
read_infinite (Reader *self, gboolean build, const char *name)
{
  if (strncmp (self->p, name, strlen (name)) != 0)
    return fail (self, ZU_JSON_ERROR_SYNTAX, "expected a value");
  if (self->numbers == ZU_JSON_STRICT)
    return fail (self, ZU_JSON_ERROR_NUMBER, "not a number of JSON");
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

ALWAYS Step
read_number (Reader *self, gboolean build)
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
    return fail (self, ZU_JSON_ERROR_NUMBER, "a leading zero");
  if (self->p - start > ZU_JSON_MAX_DIGITS)
    return fail (self, ZU_JSON_ERROR_NUMBER, "more than 4300 digits");

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
        return fail (self, ZU_JSON_ERROR_NUMBER, "past the range of a double");
      if (build)
        add_text (self, ZU_JSON_KIND_NULL, ZU_JSON_NODE_INFINITE, start, 0);
      return STEP_DONE;
    }

  if (kind == ZU_JSON_KIND_INTEGER && *digits == '0')
    start = digits; /* -0 is 0 */
  if (build)
    add_text (self, kind, ZU_JSON_NODE_PLAIN, start, (gsize) (self->p - start));
  return STEP_DONE;
}

ALWAYS Step
read_word (Reader *self, gboolean build, const char *word, gsize length, ZuJsonKind kind,
           guint flags)
{
  if (memcmp (self->p, word, length) != 0)
    return fail (self, ZU_JSON_ERROR_SYNTAX, "expected a value");
  if (build)
    add_text (self, kind, flags, self->p, 0);
  self->p += length;
  return STEP_DONE;
}

/* One value, or an array or object up to its first one. */
ALWAYS Step
read_value (Reader *self, gboolean build)
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
      return fail (self, ZU_JSON_ERROR_SYNTAX,
                   self->p >= self->end ? "the text ends before a value" : "expected a value");
    }
}

static void
close_container (Reader *self, gboolean build)
{
  Frame *frame = &self->frames[--self->depth];

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
read_on (Reader *self, gboolean build)
{
  while (self->depth > 0)
    {
      Frame *frame = &self->frames[self->depth - 1];

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
        return fail (self, ZU_JSON_ERROR_SYNTAX,
                     self->p >= self->end ? "the text ends inside an array or object"
                                          : "expected a comma or an end");
      self->p++;
      close_container (self, build);
    }
  return STEP_DONE;
}

ALWAYS gboolean
read_document (Reader *self, gboolean build)
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
reader_init (Reader *self, char *text, const char *end)
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
  Reader reader;

  tape->text = text;
  tape->n_nodes = 0;
  reader_init (&reader, text, text + length);
  reader.tape = tape;
  reader.numbers = numbers;

  if (length > G_MAXINT32)
    fail (&reader, ZU_JSON_ERROR_SYNTAX, "too long");
  else
    {
      skip_spaces (&reader);
      if (read_document (&reader, TRUE))
        {
          skip_spaces (&reader);
          if (reader.p == reader.end)
            return TRUE;
          fail (&reader, ZU_JSON_ERROR_SYNTAX, "something follows the value");
        }
    }

  g_set_error (error, ZU_JSON_ERROR, reader.code, "%s at byte %" G_GSIZE_FORMAT, reader.message,
               (gsize) (reader.p - text));
  return FALSE;
}

/* Checks the value at TEXT, already DEPTH levels deep, without changing or keeping anything: the
 * first byte behind it; NULL where it is no value, or one whose text leaves a doubt (spaces, names
 * that may be the same), so that it must be read and written again. END is followed by padding. */
const char *
zu_json_scan (const char *text, const char *end, guint depth)
{
  Reader reader;

  reader_init (&reader, (char *) text, end);
  reader.numbers = ZU_JSON_STRICT;
  reader.base_depth = depth;
  if (!read_document (&reader, FALSE) || reader.is_odd || reader.p > end)
    return NULL;
  return reader.p;
}
