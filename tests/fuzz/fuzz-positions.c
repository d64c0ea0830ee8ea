/* SPDX-License-Identifier: Apache-2.0 */

/* Any file of positions: it is refused, or what was read is written as what is read as the same. */

#include "fuzz.h"

#include "zu-positions-text-private.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GHashTable) table = zu_positions_table_new ();
  g_autoptr (GHashTable) again = zu_positions_table_new ();
  g_autofree char *text = NULL;
  GHashTableIter iter;
  gpointer destination, value;

  if (!zu_positions_table_read (table, (const char *) data, size))
    return 0;
  text = zu_positions_table_write (table);
  g_assert_true (zu_positions_table_read (again, text, strlen (text)));
  g_assert_cmpuint (g_hash_table_size (again), ==, g_hash_table_size (table));
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, &destination, &value))
    {
      const ZuPosition *one = value, *other = g_hash_table_lookup (again, destination);

      g_assert_nonnull (other);
      g_assert_cmpint (one->seq, >=, 0);
      g_assert_cmpint (other->seq, ==, one->seq);
      g_assert_cmpstr (other->event_id, ==, one->event_id);
    }
  return 0;
}
