/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-number-private.h"

#include "event/zu-pow10.h"

#include <math.h>
#include <string.h>

/* A decimal that has at most this many digits survives the way to a double and back, so its own
 * digits are already the shortest text of that double (in the range where no double is subnormal).
 */
#define SAFE_DIGITS   15
#define SAFE_EXPONENT 290

/* sign * 0.DIGITS * 10^point, without zeros at either end; no digits at all is zero. */
typedef struct
{
  gboolean negative;
  int point;
  guint n_digits;
  char digits[20];
} Decimal;

static int
floor_log2_pow10 (int k)
{
  return (k * 1741647) >> 19;
}

/* The upper 64 bits of the 192-bit product, its lowest bit set where anything below is not zero. */
static guint64
round_to_odd (int k, guint64 factor)
{
  guint64 high = zu_pow10[k - ZU_POW10_MIN].high;
  guint64 low = zu_pow10[k - ZU_POW10_MIN].low;
  unsigned __int128 x = (unsigned __int128) low * factor;
  unsigned __int128 y = (unsigned __int128) high * factor + (guint64) (x >> 64);

  return (guint64) (y >> 64) | ((guint64) y > 1);
}

/* The shortest decimal in the rounding interval of c * 2^q, the closest of them: R. Giulietti, "The
 * Schubfach way to render doubles" (2021). CLOSER: the double below is half as far as the one
 * above. */
static guint64
shortest (guint64 c, int q, gboolean closer, int *exponent)
{
  int k = (q * 1262611 - (closer ? 524031 : 0)) >> 22;
  int h = q + floor_log2_pow10 (-k) + 1;
  guint64 odd = c & 1;
  guint64 lower = round_to_odd (-k, (4 * c - 2 + (closer ? 1 : 0)) << h) + odd;
  guint64 upper = round_to_odd (-k, (4 * c + 2) << h) - odd;
  guint64 v = round_to_odd (-k, (4 * c) << h);
  guint64 s = v / 4;
  guint64 tens = s / 10;
  gboolean under = lower <= 40 * tens;
  gboolean over = 40 * tens + 40 <= upper;

  if (s >= 10 && under != over)
    {
      *exponent = k + 1;
      return tens + over;
    }

  *exponent = k;
  under = lower <= 4 * s;
  over = 4 * s + 4 <= upper;
  if (under != over)
    return s + over;
  return s + (v > 4 * s + 2 || (v == 4 * s + 2 && (s & 1)));
}

static void
decimal_set (Decimal *self, guint64 digits, int exponent)
{
  char reversed[20];
  guint n = 0;

  for (; digits > 0 && digits % 10 == 0; digits /= 10)
    exponent++;
  for (; digits > 0; digits /= 10)
    reversed[n++] = (char) ('0' + digits % 10);

  self->n_digits = n;
  self->point = exponent + (int) n;
  for (guint i = 0; i < n; i++)
    self->digits[i] = reversed[n - 1 - i];
}

static void
decimal_from_double (Decimal *self, double value)
{
  guint64 bits, fraction, c;
  int biased, q, exponent = 0;

  memcpy (&bits, &value, sizeof bits);
  self->negative = bits >> 63;
  fraction = bits & ((G_GUINT64_CONSTANT (1) << 52) - 1);
  biased = (int) (bits >> 52 & 0x7ff);
  c = biased > 0 ? fraction | G_GUINT64_CONSTANT (1) << 52 : fraction;
  q = MAX (biased, 1) - 1075;

  if (c == 0)
    decimal_set (self, 0, 0);
  else if (q <= 0 && q > -53 && (c & ((G_GUINT64_CONSTANT (1) << -q) - 1)) == 0)
    decimal_set (self, c >> -q, 0);
  else
    {
      c = shortest (c, q, fraction == 0 && biased > 1, &exponent);
      decimal_set (self, c, exponent);
    }
}

static int
read_exponent (const char *p, const char *end)
{
  gboolean negative = FALSE;
  int value = 0;

  if (p < end && (*p == '-' || *p == '+'))
    negative = *p++ == '-';
  for (; p < end; p++)
    value = MIN (value * 10 + (*p - '0'), 1000000);
  return negative ? -value : value;
}

/* The digits of a JSON number; FALSE where there are more than can be trusted to be the shortest.
 */
static gboolean
decimal_from_text (Decimal *self, const char *text, gsize length)
{
  const char *p = text, *end = text + length;
  gboolean fraction = FALSE;
  gsize zeros = 0;

  self->negative = p < end && *p == '-';
  p += self->negative;
  self->n_digits = 0;
  self->point = 0;
  for (; p < end && *p != 'e' && *p != 'E'; p++)
    {
      if (*p == '.')
        {
          fraction = TRUE;
          continue;
        }
      if (self->n_digits == 0 && *p == '0')
        {
          self->point -= fraction;
          continue;
        }
      self->point += !fraction;
      if (*p == '0')
        {
          zeros++;
          continue;
        }
      if (self->n_digits + zeros + 1 > SAFE_DIGITS)
        return FALSE;
      memset (self->digits + self->n_digits, '0', zeros);
      self->n_digits += zeros;
      zeros = 0;
      self->digits[self->n_digits++] = *p;
    }

  if (self->n_digits == 0)
    {
      self->point = 0;
      return TRUE;
    }
  if (p < end)
    self->point += read_exponent (p + 1, end);
  return ABS (self->point) <= SAFE_EXPONENT;
}

static char *
write_exponent (char *out, int exponent, int min_digits)
{
  char reversed[8];
  int n = 0;

  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  for (guint rest = (guint) ABS (exponent); rest > 0 || n < min_digits; rest /= 10)
    reversed[n++] = (char) ('0' + rest % 10);
  while (n > 0)
    *out++ = reversed[--n];
  return out;
}

static char *
write_digits (char *out, const char *digits, guint n)
{
  memcpy (out, digits, n);
  return out + n;
}

static char *
write_zeros (char *out, int n)
{
  memset (out, '0', (gsize) n);
  return out + n;
}

static gsize
decimal_write (const Decimal *self, ZuNumberStyle style, char *start)
{
  int smallest = style == ZU_NUMBER_CANONICAL ? -3 : -4;
  int n = (int) self->n_digits, point = self->point;
  char *out = start;

  if (self->negative)
    *out++ = '-';

  if (n == 0)
    out = write_digits (out, "0.0", 3);
  else if (point > 16 || point < smallest)
    {
      *out++ = self->digits[0];
      if (n > 1)
        {
          *out++ = '.';
          out = write_digits (out, self->digits + 1, (guint) n - 1);
        }
      out = write_exponent (out, point - 1, style == ZU_NUMBER_CANONICAL ? 2 : 1);
    }
  else if (point <= 0)
    {
      out = write_digits (out, "0.", 2);
      out = write_zeros (out, -point);
      out = write_digits (out, self->digits, (guint) n);
    }
  else if (point >= n)
    {
      out = write_digits (out, self->digits, (guint) n);
      out = write_zeros (out, point - n);
      out = write_digits (out, ".0", 2);
    }
  else
    {
      out = write_digits (out, self->digits, (guint) point);
      *out++ = '.';
      out = write_digits (out, self->digits + point, (guint) (n - point));
    }

  *out = '\0';
  return (gsize) (out - start);
}

/* Writes the shortest text that reads back as VALUE, which is finite. */
gsize
zu_number_write_double (double value, ZuNumberStyle style, char out[ZU_NUMBER_SIZE])
{
  Decimal decimal;

  g_assert (isfinite (value));
  decimal_from_double (&decimal, value);
  return decimal_write (&decimal, style, out);
}

/* The same for a number in JSON's grammar, whose value is finite. */
gsize
zu_number_write_text (const char *text, gsize length, ZuNumberStyle style, char out[ZU_NUMBER_SIZE])
{
  Decimal decimal;

  if (!decimal_from_text (&decimal, text, length))
    decimal_from_double (&decimal, zu_number_read (text, length));
  return decimal_write (&decimal, style, out);
}

/* The double that is nearest to a number in JSON's grammar; infinite past their range. */
double
zu_number_read (const char *text, gsize length)
{
  char local[64];
  g_autofree char *copy = NULL;
  char *terminated = local;

  if (length >= sizeof local)
    terminated = copy = g_malloc (length + 1);
  memcpy (terminated, text, length);
  terminated[length] = '\0';
  return g_ascii_strtod (terminated, NULL);
}
