/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Text that is written as it stands: U+0020..U+007E without `"` and `\`. Nearly all of a log is, so
 * it is looked for sixteen bytes at a time where the processor can, else eight. */

#include <glib.h>
#include <string.h>

#if defined(__SSE2__) && !defined(ZU_JSON_PORTABLE)
#include <emmintrin.h>
#endif

G_BEGIN_DECLS

/* Bytes that may be read behind a text's terminator, and written behind what is copied of it. */
#define ZU_JSON_PADDING 16

static inline guint64
zu_json_load (const char *p, gsize size)
{
  guint64 word = 0;

  memcpy (&word, p, size);
  return word;
}

/* The highest bit of each byte of WORD that is not plain: a quote, a backslash, a control
 * character, DEL, or not ASCII. Bytes that follow such a one may be marked with it. */
static inline guint64
zu_json_find_odd (guint64 word)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 quote = word ^ ones * '"';
  guint64 backslash = word ^ ones * '\\';

  return (((word - ones * 0x20) & ~word) | ((quote - ones) & ~quote)
          | ((backslash - ones) & ~backslash) | word | (word + ones))
         & ones << 7;
}

#if defined(__SSE2__) && !defined(ZU_JSON_PORTABLE)

#define ZU_JSON_STEP 16

/* A bit for each of the sixteen bytes that is not plain. As signed numbers, those that are not
 * ASCII are below a space as control characters are. */
static inline guint
zu_json_find_odd_bytes (__m128i bytes)
{
  __m128i odd = _mm_cmplt_epi8 (bytes, _mm_set1_epi8 (0x20));

  odd = _mm_or_si128 (odd, _mm_cmpeq_epi8 (bytes, _mm_set1_epi8 ('"')));
  odd = _mm_or_si128 (odd, _mm_cmpeq_epi8 (bytes, _mm_set1_epi8 ('\\')));
  odd = _mm_or_si128 (odd, _mm_cmpeq_epi8 (bytes, _mm_set1_epi8 (0x7f)));
  return (guint) _mm_movemask_epi8 (odd);
}

/* How many of the bytes at P are plain, up to ZU_JSON_STEP. */
static inline guint
zu_json_count_plain (const char *p)
{
  guint odd = zu_json_find_odd_bytes (_mm_loadu_si128 ((const __m128i *) p));

  return odd == 0 ? ZU_JSON_STEP : (guint) __builtin_ctz (odd);
}

static inline guint
zu_json_copy_step (char *out, const char *p)
{
  __m128i bytes = _mm_loadu_si128 ((const __m128i *) p);
  guint odd = zu_json_find_odd_bytes (bytes);

  _mm_storeu_si128 ((__m128i *) out, bytes);
  return odd == 0 ? ZU_JSON_STEP : (guint) __builtin_ctz (odd);
}

#else

#define ZU_JSON_STEP 8

static inline guint
zu_json_count_plain (const char *p)
{
  guint64 odd = zu_json_find_odd (GUINT64_FROM_LE (zu_json_load (p, 8)));

  return odd == 0 ? ZU_JSON_STEP : (guint) __builtin_ctzll (odd) / 8;
}

static inline guint
zu_json_copy_step (char *out, const char *p)
{
  memcpy (out, p, ZU_JSON_STEP);
  return zu_json_count_plain (p);
}

#endif

/* Copies in whole steps: up to ZU_JSON_PADDING bytes more are read, and written. */
static inline void
zu_json_copy (char *out, const char *p, gsize size)
{
  for (gsize i = 0; i < size; i += ZU_JSON_STEP)
    memcpy (out + i, p + i, ZU_JSON_STEP);
}

/* Whether both have the same bytes: short texts, for which a call costs more than it does. */
static inline gboolean
zu_json_is_same (const char *a, const char *b, gsize size)
{
  guint64 other = 0;

  if (size < 8)
    return memcmp (a, b, size) == 0;
  for (gsize i = 0; i < size - 8; i += 8)
    other |= zu_json_load (a + i, 8) ^ zu_json_load (b + i, 8);
  return (other | (zu_json_load (a + size - 8, 8) ^ zu_json_load (b + size - 8, 8))) == 0;
}

/* The first byte that is not plain. The terminator of a text ends the search. */
static inline const char *
zu_json_skip_plain (const char *p)
{
  guint n;

  while ((n = zu_json_count_plain (p)) == ZU_JSON_STEP)
    p += ZU_JSON_STEP;
  return p + n;
}

/* The same, copying what is passed over, and up to ZU_JSON_PADDING bytes of what follows. */
static inline gsize
zu_json_copy_plain (char *out, const char *p)
{
  const char *start = p;
  guint n;

  while ((n = zu_json_copy_step (out, p)) == ZU_JSON_STEP)
    {
      p += ZU_JSON_STEP;
      out += ZU_JSON_STEP;
    }
  return (gsize) (p - start) + n;
}

G_END_DECLS
