/* SPDX-License-Identifier: Apache-2.0 */

/* The canonical text of an event is ASCII, is an event itself, and that one's canonical text. */

#include "fuzz.h"

#include <zu/event/zu-event.h>

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ZuEvent) event =
      zu_event_new_from_json (size > 0 ? (const char *) data : "", (gssize) size, NULL);
  g_autoptr (ZuEvent) again = NULL;
  g_autofree char *canonical = NULL;
  g_autofree char *canonical_again = NULL;

  if (event == NULL)
    return 0;
  canonical = zu_event_dup_canonical (event, "head \"é\"");
  for (const char *p = canonical; *p != '\0'; p++)
    g_assert_true (*p >= 0x20 && *p < 0x7f);
  again = zu_event_new_from_json (canonical, -1, NULL);
  g_assert_nonnull (again);
  g_assert_true (zu_event_has_same_content (event, again));
  g_assert_cmpstr (zu_event_get_prev_hash (again), ==, "head \"é\"");
  canonical_again = zu_event_dup_canonical (again, zu_event_get_prev_hash (again));
  g_assert_cmpstr (canonical_again, ==, canonical);
  return 0;
}
