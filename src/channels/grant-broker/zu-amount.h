/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* An amount, exactly: a count of 10^-9. Up to 18 digits before the point fit, and their sums. */
typedef unsigned __int128 ZuAmount;

#define ZU_AMOUNT_MAX_DIGITS   18
#define ZU_AMOUNT_MAX_FRACTION 9

gboolean zu_amount_parse (const char *text, ZuAmount *amount);
char *zu_amount_to_text (ZuAmount amount);

G_END_DECLS
