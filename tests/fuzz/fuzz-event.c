/* SPDX-License-Identifier: Apache-2.0 */

/* Any event: what is read is normal, so that reading it again, in either way, changes nothing; its
 * links verify. */

#include "fuzz.h"

#include <zu/chain/zu-chain.h>
#include <zu/event/zu-filter.h>

#include <string.h>

static void
assert_same_fields (ZuEvent *a, ZuEvent *b)
{
  for (int field = ZU_EVENT_FIELD_EVENT_ID; field <= ZU_EVENT_FIELD_SIG; field++)
    {
      gsize a_length, b_length;
      const char *x = zu_event_get_field (a, (ZuEventField) field, &a_length);
      const char *y = zu_event_get_field (b, (ZuEventField) field, &b_length);

      g_assert_true ((x == NULL) == (y == NULL));
      g_assert_cmpmem (x, a_length, y, b_length);
    }
}

static void
check_stable (ZuEvent *event)
{
  gsize length;
  const char *text = zu_event_get_text (event, &length);
  g_autoptr (ZuEvent) read = zu_event_new_from_json (text, (gssize) length, NULL);
  g_autoptr (ZuEvent) stored = zu_event_new_from_stored_text (text, length, NULL);

  g_assert_nonnull (read);
  g_assert_nonnull (stored);
  g_assert_cmpstr (zu_event_get_text (read, NULL), ==, text);
  g_assert_cmpstr (zu_event_get_text (stored, NULL), ==, text);
  assert_same_fields (event, read);
  assert_same_fields (event, stored);
  g_assert_true (zu_event_has_same_content (event, stored));
}

static void
check_links (ZuEvent *event)
{
  g_autoptr (ZuEvent) linked = zu_event_link (event, "head", NULL);
  g_autoptr (ZuEvent) kept = zu_chain_link (linked, "head", NULL, NULL);
  g_autofree char *digest = zu_event_dup_own_digest (linked);
  g_autoptr (ZuJson) value = zu_event_to_json (linked);
  g_autoptr (ZuJson) payload = zu_event_dup_payload (linked);
  g_autofree char *ctx = zu_event_dup_ctx_value (linked, "f");

  g_assert_cmpstr (digest, ==, zu_event_get_hash (linked));
  g_assert_true (kept == linked);
  g_assert_true (zu_event_has_same_content (event, linked));
  g_assert_cmpint (zu_json_get_kind (payload), ==, ZU_JSON_KIND_OBJECT);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = size > 0 ? (const char *) data : "";
  g_autoptr (ZuEvent) event = zu_event_new_from_json (text, (gssize) size, NULL);
  g_autoptr (ZuEvent) stored = zu_event_new_from_stored_text (text, size, NULL);

  /* What is made up for a new event has to be there in a stored one. */
  g_assert_true (event != NULL || stored == NULL);
  if (event == NULL)
    return 0;
  check_stable (event);
  if (stored != NULL)
    check_stable (stored);
  check_links (event);
  return 0;
}
