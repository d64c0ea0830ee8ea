/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-amount.h"

#include <string.h>

static gsize
count_digits (const char *text)
{
  gsize n = 0;

  while (g_ascii_isdigit (text[n]))
    n++;
  return n;
}

/* Digits, and a point with digits behind it: no sign, no exponent, no blanks, no zeros in front. */
gboolean
zu_amount_parse (const char *text, ZuAmount *amount)
{
  gsize whole = count_digits (text);
  gsize fraction = text[whole] == '.' ? count_digits (text + whole + 1) : 0;
  gsize size = whole + (text[whole] == '.' ? 1 + fraction : 0);
  ZuAmount value = 0;

  if (whole < 1 || whole > ZU_AMOUNT_MAX_DIGITS || (whole > 1 && *text == '0')
      || fraction > ZU_AMOUNT_MAX_FRACTION || (text[whole] == '.' && fraction == 0)
      || text[size] != '\0')
    return FALSE;
  for (gsize i = 0; i < size; i++)
    if (text[i] != '.')
      value = value * 10 + (guint) (text[i] - '0');
  for (gsize i = fraction; i < ZU_AMOUNT_MAX_FRACTION; i++)
    value *= 10;
  *amount = value;
  return TRUE;
}

/* The shortest text that reads back the same. */
char *
zu_amount_to_text (ZuAmount amount)
{
  char buffer[48];
  char *start = buffer + sizeof buffer - 1;
  gsize n_digits = 0;
  gboolean significant = FALSE;

  *start = '\0';
  while (amount > 0 || n_digits <= ZU_AMOUNT_MAX_FRACTION)
    {
      char digit = (char) ('0' + (guint) (amount % 10));

      if (n_digits == ZU_AMOUNT_MAX_FRACTION && significant)
        *--start = '.';
      significant = significant || digit != '0' || n_digits >= ZU_AMOUNT_MAX_FRACTION;
      if (significant)
        *--start = digit;
      amount /= 10;
      n_digits++;
    }
  return g_strdup (start);
}
