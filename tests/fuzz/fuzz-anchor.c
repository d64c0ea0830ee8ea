/* SPDX-License-Identifier: Apache-2.0 */

/* Any anchor file: what is read is written as what is read as the same. */

#include "fuzz.h"

#include <zu/chain/zu-anchor.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuAnchor) anchor =
      zu_anchor_new_from_text ((const char *) data, (gssize) size, &error);
  g_autoptr (ZuAnchor) again = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_again = NULL;

  if (anchor == NULL)
    {
      g_assert_error (error, ZU_ANCHOR_ERROR, ZU_ANCHOR_ERROR_MALFORMED);
      return 0;
    }
  text = zu_anchor_to_text (anchor);
  again = zu_anchor_new_from_text (text, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_anchor_get_size (again), ==, zu_anchor_get_size (anchor));
  text_again = zu_anchor_to_text (again);
  g_assert_cmpstr (text_again, ==, text);
  return 0;
}
