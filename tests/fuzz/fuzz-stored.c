/* SPDX-License-Identifier: Apache-2.0 */

/* The short ways through stored text against the long one: where the single pass takes a text, the
 * general reader takes it too, and its writer writes the same canonical text. The short ways are
 * compiled in. */

#include "fuzz.h"

#include <zu/event/zu-event-private.h>

/* By the general reader and writer of values, which know nothing of events. */
static char *
dup_general (ZuEvent *event)
{
  gsize length;
  const char *text = zu_event_get_text (event, &length);
  const char *links = g_strrstr_len (text, (gssize) length, ",\"hash\":");
  g_autofree char *open = g_strdup_printf ("%.*s}", (int) (links - text), text);
  g_autoptr (ZuJson) value = zu_json_parse (open, -1, NULL);

  g_assert_nonnull (value);
  return zu_json_to_canonical_string (value);
}

/* Whether the single pass took it. */
static gboolean
check_text (const char *text, gsize length)
{
  g_autofree char *padded = g_malloc0 (length + ZU_JSON_PADDING);
  g_auto (ZuBuffer) canonical = { 0 };
  g_autoptr (ZuEvent) event = NULL;
  g_autofree char *general = NULL;
  ZuEventLayout at;

  if (length > 0)
    memcpy (padded, text, length);
  if (!zu_event_layout_read (&at, padded, length, &canonical))
    return FALSE;
  event = zu_event_new_from_json (padded, (gssize) length, NULL);
  g_assert_nonnull (event);
  g_assert_cmpmem (zu_event_get_text (event, NULL), length, padded, length);
  general = dup_general (event);
  g_assert_cmpmem (canonical.data, canonical.length, general, strlen (general));
  return TRUE;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = size > 0 ? (const char *) data : "";
  g_autoptr (ZuEvent) event = zu_event_new_from_json (text, (gssize) size, NULL);
  g_autofree char *general = NULL;
  g_autofree char *canonical = NULL;
  gsize length;

  check_text (text, size);
  if (event == NULL)
    return 0;
  text = zu_event_get_text (event, &length);
  check_text (text, length);
  general = dup_general (event);
  canonical = zu_event_dup_canonical (event, zu_event_get_prev_hash (event));
  g_assert_cmpstr (canonical, ==, general);
  return 0;
}
