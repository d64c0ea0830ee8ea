/* SPDX-License-Identifier: Apache-2.0 */

/* Any JSON: what is read is written as what is read as the same, in every style; every part of it
 * can be reached; a copy is equal. */

#include "fuzz.h"

#include <zu/event/zu-json.h>

#include <string.h>

static void
visit (ZuJson *value)
{
  gint64 number;
  gsize length;

  zu_json_get_boolean (value);
  zu_json_get_int64 (value, &number);
  zu_json_get_double (value);
  zu_json_get_string (value, &length);
  for (gsize i = 0; i < zu_json_get_size (value); i++)
    {
      g_autoptr (ZuJson) child = zu_json_dup_element (value, i);

      if (zu_json_get_kind (value) == ZU_JSON_KIND_OBJECT)
        {
          g_autoptr (ZuJson) member = NULL;
          const char *name = zu_json_get_member_name (value, i, &length);

          if (strlen (name) == length)
            {
              member = zu_json_dup_member (value, name);
              g_assert_nonnull (member);
            }
        }
      if (i < 100)
        visit (child);
    }
}

static void
check_again (const char *text, const char *canonical)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) again = zu_json_parse (text, -1, &error);
  g_autofree char *canonical_again = NULL;

  g_assert_no_error (error);
  canonical_again = zu_json_to_canonical_string (again);
  g_assert_cmpstr (canonical_again, ==, canonical);
}

static void
check_copy (ZuJson *value)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) copy = NULL;

  zu_json_builder_add_json (builder, value);
  copy = zu_json_builder_end (builder, &error);
  g_assert_no_error (error);
  g_assert_true (zu_json_equal (value, copy));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) value = zu_json_parse ((const char *) data, (gssize) size, &error);
  g_autofree char *compact = NULL;
  g_autofree char *canonical = NULL;
  g_autofree char *spaced = NULL;

  if (value == NULL)
    {
      g_assert_true (error->domain == ZU_JSON_ERROR);
      return 0;
    }
  visit (value);
  check_copy (value);
  compact = zu_json_to_string (value);
  canonical = zu_json_to_canonical_string (value);
  spaced = zu_json_to_spaced_string (value);
  check_again (compact, canonical);
  check_again (canonical, canonical);
  check_again (spaced, canonical);
  return 0;
}
