/* SPDX-License-Identifier: Apache-2.0 */

/* The canonical text of a value straight from its stored text: one pass that checks and writes at
 * once, without a tape between. It takes what nearly every stored value is made of; whatever is
 * rarer (other spellings, names with escapes, many members out of order, deep nesting) it leaves to
 * the reader and the writer, whose text it must equal. */

#include "zu-json-private.h"

#define ALWAYS static inline __attribute__ ((always_inline))

#define MAX_DEPTH   32
#define MAX_MEMBERS 256 /* of all open objects */
#define MAX_SORTED  64  /* of one object whose members must be moved */

/* As many digits as every double keeps, so that a float's own are its shortest. */
#define MAX_FLOAT_DIGITS 15
/* Below 1e-4 a float is written with an exponent. */
#define MAX_LEADING_ZEROS 3
/* At worst two bytes become an escape of six. */
#define MAX_GROWTH 3
/* So that places in the output fit 32 bits. */
#define MAX_LENGTH (G_MAXINT32 / MAX_GROWTH)

typedef struct
{
  guint32 start; /* of its name's opening quote, in the output */
  guint32 length;
  guint64 prefix; /* of its name: the first eight bytes as a number */
} Member;

typedef struct
{
  guint first; /* of its members */
  gboolean is_object;
  gboolean is_sorted;
} Frame;

typedef struct
{
  const char *p;
  char *out;
  char *start; /* of the output */
  guint depth;
  guint n_members;
  Frame frames[MAX_DEPTH];
  Member members[MAX_MEMBERS];
} Canonical;

typedef enum
{
  STEP_FAILED,
  STEP_INTO,
  STEP_DONE
} Step;

ALWAYS gboolean
copy_char (Canonical *self, char c)
{
  if (*self->p != c)
    return FALSE;
  *self->out++ = c;
  self->p++;
  return TRUE;
}

ALWAYS void
copy_plain (Canonical *self)
{
  gsize n = zu_json_copy_plain (self->out, self->p);

  self->p += n;
  self->out += n;
}

ALWAYS Step
copy_word (Canonical *self, const char *word, gsize length)
{
  if (memcmp (self->p, word, length) != 0)
    return STEP_FAILED;
  memcpy (self->out, word, length);
  self->out += length;
  self->p += length;
  return STEP_DONE;
}

/* A control character that has no short escape, in lower case: the same in both texts. */
static gboolean
is_long_escape (const char *p)
{
  if (memcmp (p, "\\u00", 4) != 0)
    return FALSE;
  if (p[4] == '0')
    return (p[5] >= '0' && p[5] <= '7') || p[5] == 'b' || p[5] == 'e' || p[5] == 'f';
  return p[4] == '1' && (g_ascii_isdigit (p[5]) || (p[5] >= 'a' && p[5] <= 'f'));
}

static gboolean
copy_escape (Canonical *self)
{
  gsize length = 2;

  if (self->p[1] == 'u' && is_long_escape (self->p))
    length = 6;
  else if (self->p[1] == '\0' || strchr ("\"\\btnfr", self->p[1]) == NULL)
    return FALSE;
  memcpy (self->out, self->p, length);
  self->out += length;
  self->p += length;
  return TRUE;
}

/* One character of a string that is not plain. */
static gboolean
copy_odd (Canonical *self)
{
  gsize length;

  if (*self->p == '\\')
    return copy_escape (self);
  length = (guchar) *self->p < 0x80 ? 0 : zu_json_utf8_length (self->p);
  if (length == 0)
    return FALSE;
  self->out = zu_json_write_u_escape (self->out, g_utf8_get_char (self->p));
  self->p += length;
  return TRUE;
}

ALWAYS Step
copy_string (Canonical *self)
{
  *self->out++ = *self->p++;
  copy_plain (self);
  while (G_UNLIKELY (*self->p != '"'))
    {
      if (!copy_odd (self))
        return STEP_FAILED;
      copy_plain (self);
    }
  *self->out++ = *self->p++;
  return STEP_DONE;
}

/* Names are plain, so no byte of one is the zero that a short one is filled up with. */
ALWAYS guint64
read_prefix (const char *name, gsize length)
{
  guint64 word = zu_json_load (name, 8);

  word = GUINT64_FROM_BE (word);
  return length >= 8 ? word : word & ~(G_MAXUINT64 >> 8 * length);
}

static int
compare_long_names (Canonical *self, const Member *a, const Member *b)
{
  const char *x = self->start + a->start + 1, *y = self->start + b->start + 1;
  int order = memcmp (x, y, MIN (a->length, b->length));

  return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

ALWAYS int
compare_names (Canonical *self, const Member *a, const Member *b)
{
  if (G_LIKELY (a->prefix != b->prefix))
    return a->prefix < b->prefix ? -1 : 1;
  return compare_long_names (self, a, b);
}

/* A name and its colon. */
ALWAYS gboolean
copy_name (Canonical *self)
{
  Frame *frame = &self->frames[self->depth - 1];
  Member *member = &self->members[self->n_members];
  const char *name;

  if (*self->p != '"' || self->n_members == MAX_MEMBERS)
    return FALSE;
  member->start = (guint32) (self->out - self->start);
  *self->out++ = *self->p++;
  name = self->p;
  copy_plain (self);
  member->length = (guint32) (self->p - name);
  member->prefix = read_prefix (name, member->length);
  if (!copy_char (self, '"') || !copy_char (self, ':'))
    return FALSE;
  if (self->n_members > frame->first && frame->is_sorted)
    frame->is_sorted = compare_names (self, member - 1, member) < 0;
  self->n_members++;
  return TRUE;
}

ALWAYS gboolean
is_digit (char c)
{
  return c >= '0' && c <= '9';
}

ALWAYS gsize
copy_digits (Canonical *self)
{
  const char *start = self->p;

  while (is_digit (*self->p))
    *self->out++ = *self->p++;
  return (gsize) (self->p - start);
}

/* What stands behind the point of a float that is its own shortest text. */
static Step
copy_fraction (Canonical *self, gboolean is_below_one, gsize n_whole)
{
  const char *start;
  gsize n, zeros = 0;

  copy_char (self, '.');
  start = self->p;
  n = copy_digits (self);
  if (n == 0 || n + n_whole > MAX_FLOAT_DIGITS || (start[n - 1] == '0' && n > 1))
    return STEP_FAILED;
  while (zeros < n && start[zeros] == '0')
    zeros++;
  if (is_below_one && n > 1 && zeros > MAX_LEADING_ZEROS)
    return STEP_FAILED;
  return *self->p != 'e' && *self->p != 'E' ? STEP_DONE : STEP_FAILED;
}

ALWAYS Step
copy_number (Canonical *self)
{
  const char *start = self->p;
  gboolean is_zero;
  gsize n;

  if (*self->p == '-')
    *self->out++ = *self->p++;
  is_zero = *self->p == '0';
  n = copy_digits (self);
  if (n == 0 || (is_zero && n > 1))
    return STEP_FAILED;
  if (*self->p == '.')
    return copy_fraction (self, is_zero, n);
  if (*self->p == 'e' || *self->p == 'E' || self->p - start > ZU_JSON_MAX_DIGITS
      || (is_zero && *start == '-'))
    return STEP_FAILED;
  return STEP_DONE;
}

static Step
open_container (Canonical *self, gboolean is_object)
{
  Frame *frame = &self->frames[self->depth];

  *self->out++ = *self->p++;
  if (copy_char (self, is_object ? '}' : ']'))
    return STEP_DONE;
  if (self->depth == MAX_DEPTH)
    return STEP_FAILED;
  self->depth++;
  frame->is_object = is_object;
  frame->is_sorted = TRUE;
  frame->first = self->n_members;
  return !is_object || copy_name (self) ? STEP_INTO : STEP_FAILED;
}

/* The members' order by name; FALSE where two have the same one. */
static gboolean
sort_members (Canonical *self, const Member *members, guint count, guint8 *order)
{
  for (guint i = 0; i < count; i++)
    {
      guint j = i;

      for (; j > 0; j--)
        {
          int sign = compare_names (self, &members[order[j - 1]], &members[i]);

          if (sign == 0)
            return FALSE;
          if (sign < 0)
            break;
          order[j] = order[j - 1];
        }
      order[j] = (guint8) i;
    }
  return TRUE;
}

/* Moves the members of the object that ends here into their order. */
static gboolean
move_members (Canonical *self, const Frame *frame)
{
  const Member *members = &self->members[frame->first];
  guint count = self->n_members - frame->first;
  guint32 start = members[0].start, end = (guint32) (self->out - self->start);
  guint8 order[MAX_SORTED];
  char local[1024 + ZU_JSON_PADDING];
  g_autofree char *many = NULL;
  char *copy = local, *out = self->start + start;

  if (count > MAX_SORTED || !sort_members (self, members, count, order))
    return FALSE;
  if (end - start + ZU_JSON_PADDING > sizeof local)
    copy = many = g_malloc (end - start + ZU_JSON_PADDING);
  zu_json_copy (copy, out, end - start);
  for (guint i = 0; i < count; i++)
    {
      guint32 from = members[order[i]].start;
      guint32 to = order[i] + 1U < count ? members[order[i] + 1].start - 1 : end;

      if (i > 0)
        *out++ = ',';
      zu_json_copy (out, copy + (from - start), to - from);
      out += to - from;
    }
  return TRUE;
}

ALWAYS gboolean
close_container (Canonical *self)
{
  Frame *frame = &self->frames[self->depth - 1];

  if (*self->p != (frame->is_object ? '}' : ']'))
    return FALSE;
  if (G_UNLIKELY (!frame->is_sorted) && !move_members (self, frame))
    return FALSE;
  *self->out++ = *self->p++;
  self->n_members = frame->first;
  self->depth--;
  return TRUE;
}

ALWAYS Step
copy_value (Canonical *self)
{
  switch (*self->p)
    {
    case '"':
      return copy_string (self);
    case '{':
      return open_container (self, TRUE);
    case '[':
      return open_container (self, FALSE);
    case 't':
      return copy_word (self, "true", 4);
    case 'f':
      return copy_word (self, "false", 5);
    case 'n':
      return copy_word (self, "null", 4);
    case '-':
    case '0' ... '9':
      return copy_number (self);
    default:
      return STEP_FAILED;
    }
}

/* After a value: on to the next one, or out of what has ended. */
ALWAYS Step
copy_on (Canonical *self)
{
  while (self->depth > 0)
    {
      if (copy_char (self, ','))
        return !self->frames[self->depth - 1].is_object || copy_name (self) ? STEP_INTO
                                                                            : STEP_FAILED;
      if (!close_container (self))
        return STEP_FAILED;
    }
  return STEP_DONE;
}

/* Appends the canonical text of the value at TEXT to OUT: the first byte behind it; NULL, and
 * nothing, where it is no value or one that is left to the reader. END is followed by a terminator
 * and padding, and what stands at the value is not changed. */
const char *
zu_json_canonicalise (const char *text, const char *end, ZuBuffer *out)
{
  Step step = STEP_INTO;
  Canonical self;

  if (end - text > MAX_LENGTH)
    return NULL;

  /* Member by member: the frames need no clearing. */
  self.p = text;
  self.out = zu_buffer_reserve (out, MAX_GROWTH * (gsize) (end - text) + ZU_JSON_PADDING);
  self.start = self.out;
  self.depth = 0;
  self.n_members = 0;

  while (step == STEP_INTO)
    {
      step = copy_value (&self);
      if (step == STEP_DONE)
        step = copy_on (&self);
    }
  if (step != STEP_DONE || self.p > end)
    return NULL;
  out->length += (gsize) (self.out - self.start);
  return self.p;
}
