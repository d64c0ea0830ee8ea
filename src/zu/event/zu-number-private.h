/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Room for any double in either spelling, and a terminator. */
#define ZU_NUMBER_SIZE 32

/* The two spellings of one shortest text: they differ where the exponent is small or negative. */
typedef enum
{
  ZU_NUMBER_CANONICAL, /* 1e-05, 0.0001, 1e+16 */
  ZU_NUMBER_EVENT,     /* 0.00001, 1e-6, 1e+16 */
} ZuNumberStyle;

gsize zu_number_write_double (double value, ZuNumberStyle style, char out[ZU_NUMBER_SIZE]);
gsize zu_number_write_text (const char *text, gsize length, ZuNumberStyle style,
                            char out[ZU_NUMBER_SIZE]);
double zu_number_read (const char *text, gsize length);

#pragma GCC visibility pop

G_END_DECLS
