/* SPDX-License-Identifier: Apache-2.0 */

/* Timestamps in the spellings that producers of events use, and the one that is kept (RFC 3339).
 * The rules are those of the format's first implementation, odd corners included: a number further
 * from 0 than 2e10 counts milliseconds, further digits of a second are cut, a date alone is its
 * midnight. */

#include "zu-timestamp-private.h"
#include "zu-number-private.h"

#include <math.h>
#include <string.h>

#define MILLISECONDS_FROM G_GINT64_CONSTANT (20000000000)
#define YEAR_0            G_GINT64_CONSTANT (-62167219200)
#define YEAR_1            G_GINT64_CONSTANT (-62135596800)
#define YEAR_9999_END     G_GINT64_CONSTANT (253402300799)
#define MICROSECONDS      1000000

typedef struct
{
  int year, month, day, hour, minute, second, microsecond;
  gboolean has_offset;
  int offset; /* seconds */
} Moment;

/* What is left to read; every reader takes what it needs or says no. */
typedef struct
{
  const char *p;
  const char *end;
} Text;

static gboolean
read_number (Text *text, int digits, int *value)
{
  *value = 0;
  if (text->end - text->p < digits)
    return FALSE;
  for (int i = 0; i < digits; i++, text->p++)
    {
      if (!g_ascii_isdigit (*text->p))
        return FALSE;
      *value = *value * 10 + (*text->p - '0');
    }
  return TRUE;
}

static gboolean
read_char (Text *text, char c)
{
  if (text->p >= text->end || *text->p != c)
    return FALSE;
  text->p++;
  return TRUE;
}

static gboolean
is_leap_year (int year)
{
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static gboolean
read_date (Text *text, Moment *moment)
{
  static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
  int last;

  if (!read_number (text, 4, &moment->year) || !read_char (text, '-')
      || !read_number (text, 2, &moment->month) || !read_char (text, '-')
      || !read_number (text, 2, &moment->day))
    return FALSE;
  if (moment->year < 1 || moment->month < 1 || moment->month > 12)
    return FALSE;
  last = days[moment->month - 1] + (moment->month == 2 && is_leap_year (moment->year));
  return moment->day >= 1 && moment->day <= last;
}

static gboolean
read_fraction (Text *text, Moment *moment)
{
  int n = 0;

  for (; text->p < text->end && g_ascii_isdigit (*text->p); text->p++, n++)
    if (n < 6)
      moment->microsecond = moment->microsecond * 10 + (*text->p - '0');
  for (int i = n; i < 6; i++)
    moment->microsecond *= 10;
  return n > 0;
}

static gboolean
read_time (Text *text, Moment *moment)
{
  if (!read_number (text, 2, &moment->hour) || !read_char (text, ':')
      || !read_number (text, 2, &moment->minute))
    return FALSE;
  if (moment->hour > 23 || moment->minute > 59)
    return FALSE;
  if (!read_char (text, ':'))
    return TRUE;
  if (!read_number (text, 2, &moment->second) || moment->second > 59)
    return FALSE;
  return (!read_char (text, '.') && !read_char (text, ',')) || read_fraction (text, moment);
}

/* `+`, `-`, or U+2212, the minus sign that ISO 8601 asks for. */
static int
read_sign (Text *text)
{
  if (read_char (text, '+'))
    return 1;
  if (read_char (text, '-'))
    return -1;
  if (text->end - text->p >= 3 && memcmp (text->p, "\xe2\x88\x92", 3) == 0)
    {
      text->p += 3;
      return -1;
    }
  return 0;
}

static gboolean
read_offset (Text *text, Moment *moment)
{
  int sign, hours, minutes;

  if (text->p == text->end)
    return TRUE;
  moment->has_offset = TRUE;
  if (read_char (text, 'Z') || read_char (text, 'z'))
    return TRUE;

  sign = read_sign (text);
  if (sign == 0 || !read_number (text, 2, &hours))
    return FALSE;
  read_char (text, ':');
  if (!read_number (text, 2, &minutes) || hours > 23 || minutes > 59)
    return FALSE;
  moment->offset = sign * (hours * 3600 + minutes * 60);
  return TRUE;
}

static gboolean
read_rfc3339 (const char *start, gsize length, Moment *moment)
{
  Text text = { start, start + length };

  if (!read_date (&text, moment))
    return FALSE;
  if (text.p == text.end)
    return TRUE;
  if (strchr ("Tt _", *text.p) == NULL || *text.p++ == '\0')
    return FALSE;
  return read_time (&text, moment) && read_offset (&text, moment) && text.p == text.end;
}

static char *
write_number (char *out, int value, int digits)
{
  for (int i = digits - 1; i >= 0; i--, value /= 10)
    out[i] = (char) ('0' + value % 10);
  return out + digits;
}

static char *
write_char (char *out, char c)
{
  *out = c;
  return out + 1;
}

static gboolean
write_moment (const Moment *moment, char *out)
{
  int offset = ABS (moment->offset);

  out = write_char (write_number (out, moment->year, 4), '-');
  out = write_char (write_number (out, moment->month, 2), '-');
  out = write_char (write_number (out, moment->day, 2), 'T');
  out = write_char (write_number (out, moment->hour, 2), ':');
  out = write_char (write_number (out, moment->minute, 2), ':');
  out = write_number (out, moment->second, 2);
  if (moment->microsecond != 0)
    out = write_number (write_char (out, '.'), moment->microsecond, 6);
  if (offset != 0)
    {
      out = write_char (out, moment->offset < 0 ? '-' : '+');
      out = write_char (write_number (out, offset / 3600, 2), ':');
      out = write_number (out, offset / 60 % 60, 2);
    }
  else if (moment->has_offset)
    out = write_char (out, 'Z');
  *out = '\0';
  return TRUE;
}

/* The date of a number of days since 0000-03-01 (H. Hinnant, "chrono-compatible low-level date
 * algorithms"). */
static void
set_date (Moment *moment, gint64 days)
{
  gint64 era = days / 146097;
  int of_era = (int) (days - era * 146097);
  int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int of_year = of_era - (365 * year + year / 4 - year / 100);
  int month = (5 * of_year + 2) / 153;

  moment->day = of_year - (153 * month + 2) / 5 + 1;
  moment->month = month < 10 ? month + 3 : month - 9;
  moment->year = year + (int) era * 400 + (moment->month <= 2);
}

static gboolean
write_seconds (gint64 seconds, int microsecond, char *out)
{
  Moment moment = { .has_offset = TRUE, .microsecond = microsecond };
  int of_day;

  if (seconds < YEAR_1 || seconds > YEAR_9999_END)
    return FALSE;
  /* 0000-03-01 is 60 days after 0000-01-01; year 1 begins behind it. */
  set_date (&moment, (seconds - YEAR_0) / 86400 - 60);
  of_day = (int) ((seconds - YEAR_0) % 86400);
  moment.hour = of_day / 3600;
  moment.minute = of_day / 60 % 60;
  moment.second = of_day % 60;
  return write_moment (&moment, out);
}

/* VALUE in seconds or milliseconds, whichever its size says, and MICROSECOND more. */
static gboolean
write_number_of_time (gint64 value, int microsecond, char *out)
{
  if (value > MILLISECONDS_FROM || value < -MILLISECONDS_FROM)
    {
      int rest = (int) (value % 1000);

      value = value / 1000 - (rest < 0);
      microsecond += (rest < 0 ? rest + 1000 : rest) * 1000;
    }
  return write_seconds (value + microsecond / MICROSECONDS, microsecond % MICROSECONDS, out);
}

static gboolean
is_in_range (double value)
{
  return value > -1e18 && value < 1e18;
}

/* Normalises a number of seconds or milliseconds since 1970. */
gboolean
zu_timestamp_read_integer (gint64 value, char out[ZU_TIMESTAMP_SIZE])
{
  return is_in_range ((double) value) && write_number_of_time (value, 0, out);
}

/* The same for a float. The fraction is taken off its size, below 0 too: so it was always read. */
gboolean
zu_timestamp_read_double (double value, char out[ZU_TIMESTAMP_SIZE])
{
  double whole, fraction, scale;

  if (!is_in_range (value))
    return FALSE;
  fraction = fabs (modf (value, &whole));
  scale = fabs (value) <= (double) MILLISECONDS_FROM ? 1000000.0 : 1000.0;
  return write_number_of_time ((gint64) floor (value), (int) round (fraction * scale), out);
}

static gboolean
read_float_text (const char *text, gsize length, char *out)
{
  double value = zu_number_read (text, length);
  gint64 seconds;

  if (!is_in_range (value))
    return FALSE;
  if (fabs (value) > (double) MILLISECONDS_FROM)
    value /= 1000;
  seconds = (gint64) floor (value);
  return write_number_of_time (seconds, (int) round ((value - (double) seconds) * 1000000), out);
}

/* A number as text: an integer, or a float with a point; a sign may stand before it. */
static gboolean
read_number_text (const char *text, gsize length, char *out)
{
  const char *p = text, *end = text + length;
  gsize digits = 0, points = 0;
  g_autofree char *copy = NULL;

  if (p < end && (*p == '-' || *p == '+'))
    p++;
  for (; p < end && (g_ascii_isdigit (*p) || (*p == '.' && points == 0)); p++)
    *(*p == '.' ? &points : &digits) += 1;
  if (digits == 0)
    return FALSE;
  if (points > 0 && p < end && (*p == 'e' || *p == 'E'))
    {
      p++;
      if (p < end && (*p == '-' || *p == '+'))
        p++;
      if (p == end)
        return FALSE;
      while (p < end && g_ascii_isdigit (*p))
        p++;
    }
  if (p != end)
    return FALSE;
  if (points > 0)
    return read_float_text (text, length, out);
  copy = g_strndup (text, length);
  return zu_timestamp_read_integer (g_ascii_strtoll (copy, NULL, 10), out);
}

/* Normalises a text: RFC 3339 and its neighbours, a date, or a number. */
gboolean
zu_timestamp_read_text (const char *text, gsize length, char out[ZU_TIMESTAMP_SIZE])
{
  Moment moment = { 0 };

  if (read_rfc3339 (text, length, &moment))
    return write_moment (&moment, out);
  return read_number_text (text, length, out);
}

/* Whether the eight bytes at TEXT are digits where PATTERN has a zero, and elsewhere what it has.
 */
static gboolean
has_pattern (const char *text, const char *pattern)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 word, wanted, zeros;

  memcpy (&word, text, 8);
  memcpy (&wanted, pattern, 8);
  zeros = wanted ^ ones * '0';
  zeros = ~((zeros + ones * 0x7f) | zeros) & ones << 7;
  word ^= wanted;
  /* A byte may differ from a zero by up to 9, from anything else by nothing. */
  return ((word | (word + ones * 0x7f - (zeros >> 7) * 9)) & ones << 7) == 0;
}

static int
two_digits (const char *p)
{
  return (p[0] - '0') * 10 + (p[1] - '0');
}

/* The common ones, told without reading them; the rest is read. */
static gboolean
is_common (const char *text, gsize length)
{
  int day = two_digits (text + 8), month = two_digits (text + 5);

  if (!has_pattern (text, "0000-00-") || !has_pattern (text + 8, "00T00:00"))
    return FALSE;
  if (length == 20 ? !has_pattern (text + 12, "0:00:00Z")
                   : !has_pattern (text + 16, ":00.0000") || !has_pattern (text + 19, ".000000Z"))
    return FALSE;
  return month >= 1 && month <= 12 && day >= 1 && day <= 28 && two_digits (text + 11) <= 23
         && two_digits (text + 14) <= 59 && two_digits (text + 17) <= 59
         && memcmp (text, "0000", 4) != 0 && (length == 20 || memcmp (text + 20, "000000", 6) != 0);
}

/* Whether TEXT is the form that is kept. */
gboolean
zu_timestamp_is_normal (const char *text, gsize length)
{
  char normal[ZU_TIMESTAMP_SIZE];

  if ((length == 20 || length == 27) && is_common (text, length))
    return TRUE;
  return zu_timestamp_read_text (text, length, normal) && strlen (normal) == length
         && memcmp (text, normal, length) == 0;
}

/* The present time, in UTC. */
void
zu_timestamp_make (char out[ZU_TIMESTAMP_SIZE])
{
  gint64 now = g_get_real_time ();

  write_seconds (now / MICROSECONDS, (int) (now % MICROSECONDS), out);
}
