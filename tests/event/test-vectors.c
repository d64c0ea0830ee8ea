/* SPDX-License-Identifier: Apache-2.0 */

/* Every recorded case of an event: what is read, what is stored, what is hashed, what is refused.
 */

#include "vectors-support.h"

#include <stdio.h>
#include <string.h>

static void
assert_canonical (ZuJson *row, ZuEvent *event)
{
  const char *prev_hash = row_text (row, "prev_hash");
  g_autofree char *canonical = zu_event_dup_canonical (event, prev_hash);
  g_autofree char *digest = zu_event_dup_digest (event, prev_hash);

  g_assert_cmpstr (canonical, ==, row_text (row, "canonical"));
  g_assert_cmpstr (digest, ==, row_text (row, "digest"));
}

static void
assert_linked (ZuJson *row, ZuEvent *event)
{
  g_autoptr (ZuSecret) key = row_secret (row, "sign_key_hex");
  g_autoptr (ZuEvent) linked = zu_event_link (event, row_text (row, "prev_hash"), key);
  g_autofree char *own = zu_event_dup_own_digest (linked);
  const char *text;
  gsize length;
  g_autofree char *sha256 = NULL;

  g_assert_true (zu_event_is_linked (linked));
  g_assert_cmpstr (zu_event_get_hash (linked), ==, row_text (row, "digest"));
  g_assert_cmpstr (zu_event_get_prev_hash (linked), ==, row_text (row, "prev_hash"));
  g_assert_cmpstr (zu_event_get_sig (linked), ==, row_text (row, "sig"));
  g_assert_cmpstr (own, ==, zu_event_get_hash (linked));
  g_assert_true (zu_event_has_same_content (event, linked));

  text = zu_event_get_text (linked, &length);
  g_assert_cmpuint (strlen (text), ==, length);
  if (row_text (row, "linked_json") != NULL)
    g_assert_cmpstr (text, ==, row_text (row, "linked_json"));
  sha256 = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, (gssize) length);
  g_assert_cmpstr (sha256, ==, row_text (row, "linked_json_sha256"));
}

/* The stored text, read again. */
static void
assert_reread (ZuJson *row, ZuEvent *event)
{
  g_autoptr (ZuJson) ok = row_member (row, "reread_digest_ok");
  g_autoptr (GError) error = NULL;
  gsize length;
  const char *text = zu_event_get_text (event, &length);
  g_autoptr (GBytes) stored = g_bytes_new (text, length);
  g_autoptr (ZuEvent) again = zu_event_new_from_stored (stored, &error);
  g_autofree char *digest = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_text (again, NULL), ==, text);
  for (int field = ZU_EVENT_FIELD_EVENT_ID; field <= ZU_EVENT_FIELD_SIG; field++)
    {
      gsize a_length, b_length;
      const char *a = zu_event_get_field (event, (ZuEventField) field, &a_length);
      const char *b = zu_event_get_field (again, (ZuEventField) field, &b_length);

      g_assert_cmpmem (a, a_length, b, b_length);
      g_assert_true ((a == NULL) == (b == NULL));
    }
  g_assert_cmpint (zu_event_get_schema_version (event), ==, zu_event_get_schema_version (again));
  digest = zu_event_dup_digest (again, row_text (row, "prev_hash"));
  if (zu_json_get_boolean (ok))
    g_assert_cmpstr (digest, ==, row_text (row, "digest"));
}

static void
check_event (ZuJson *row, gpointer user_data)
{
  g_autoptr (ZuJson) input = row_member (row, "input_json");
  g_autoptr (ZuEvent) event = NULL;
  g_autoptr (GError) error = NULL;
  const char *text = row_text (row, "event_json");
  gsize length = strlen (text);

  g_test_message ("%s", row_text (row, "name"));
  if (input != NULL)
    text = zu_json_get_string (input, &length);
  event = zu_event_new_from_json (text, (gssize) length, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_text (event, NULL), ==, row_text (row, "event_json"));
  assert_canonical (row, event);
  assert_linked (row, event);
  assert_reread (row, event);
}

static void
test_events (void)
{
  g_assert_cmpuint (vectors_foreach_line ("events.jsonl", check_event, NULL), >=, 77);
}

/* The one recipe there is: an event whose payload has an integer of that many digits. */
static char *
cook (const char *recipe)
{
  g_autoptr (GString) digits = g_string_new (NULL);
  guint n = 0;

  g_assert_cmpint (sscanf (recipe, "payload = {\"i\": <%u times the digit 1>}", &n), ==, 1);
  for (guint i = 0; i < n; i++)
    g_string_append_c (digits, '1');
  return g_strdup_printf (
      "{\"trace_id\":\"9c5b94b1-35ad-49bb-b118-8e8fc24abf80\","
      "\"task_id\":\"9c5b94b1-35ad-49bb-b118-8e8fc24abf80\",\"type\":\"data.x\","
      "\"source\":\"s\",\"payload\":{\"i\":%s}}",
      digits->str);
}

static GBytes *
get_refused_input (ZuJson *row)
{
  g_autoptr (ZuJson) text = row_member (row, "input_json");
  const char *data;
  gsize length;

  if (text != NULL)
    {
      data = zu_json_get_string (text, &length);
      return g_bytes_new (data, length);
    }
  if (row_text (row, "input_hex") != NULL)
    return row_hex (row, "input_hex");
  if (row_text (row, "input_recipe") != NULL)
    {
      char *cooked = cook (row_text (row, "input_recipe"));

      return g_bytes_new_take (cooked, strlen (cooked));
    }
  return NULL;
}

/* The message names the first field that the recorded error names; events may have several faults,
 * and then any of them is right. */
static void
assert_names_field (ZuJson *row, GError *error)
{
  g_autoptr (ZuJson) fault = row_member (row, "error");
  g_autoptr (ZuJson) fields = row_member (fault, "fields");
  gboolean is_named = FALSE;

  for (gsize i = 0; fields != NULL && i < zu_json_get_size (fields); i++)
    {
      g_autoptr (ZuJson) field = zu_json_dup_element (fields, i);
      g_autoptr (ZuJson) place = row_member (field, "loc");
      g_autoptr (ZuJson) name = NULL;

      if (zu_json_get_size (place) == 0)
        {
          g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_MALFORMED);
          return;
        }
      name = zu_json_dup_element (place, 0);
      is_named |= g_str_has_prefix (error->message, zu_json_get_string (name, NULL));
    }
  g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD);
  g_assert_true (is_named);
}

static void
check_refused (ZuJson *row, gpointer user_data)
{
  g_autoptr (GBytes) input = get_refused_input (row);
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) stored_error = NULL;
  gsize length;
  const char *text;

  g_test_message ("%s", row_text (row, "name"));
  if (input == NULL)
    return; /* a text that only exists in memory: no bytes can hold it */
  text = g_bytes_get_data (input, &length);
  g_assert_null (zu_event_new_from_json (text, (gssize) length, &error));
  assert_names_field (row, error);
  g_assert_null (zu_event_new_from_stored (input, &stored_error));
  g_assert_error (stored_error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_UNDECODABLE);
}

static void
test_rejected (void)
{
  g_assert_cmpuint (vectors_foreach_line ("rejected.jsonl", check_refused, NULL), >=, 40);
}

static void
test_errors (void)
{
  g_assert_cmpuint (vectors_foreach_line ("errors.jsonl", check_refused, NULL), >=, 4);
}

/* Every spelling gives both spellings: they are what the canonical and the stored text hold. */
static void
check_number (ZuJson *row)
{
  const char *canonical = row_text (row, "canonical");
  const char *spellings[] = { canonical, row_text (row, "event_json") };
  guint64 bits = g_ascii_strtoull (row_text (row, "bits"), NULL, 16);
  double value;
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) built = NULL;
  g_autofree char *text = NULL;

  memcpy (&value, &bits, sizeof value);
  zu_json_builder_add_double (builder, value);
  built = zu_json_builder_end (builder, NULL);
  text = zu_json_to_string (built);
  g_assert_cmpstr (text, ==, canonical);

  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autoptr (ZuJson) read = zu_json_parse (spellings[i], -1, NULL);
      g_autofree char *canonical_again = zu_json_to_canonical_string (read);
      double again = zu_json_get_double (read);
      g_autofree char *payload = g_strdup_printf ("{\"f\":%s}", spellings[i]);
      g_autofree char *wanted = g_strdup_printf ("{\"f\":%s}", spellings[1]);
      g_autoptr (ZuJson) object = zu_json_parse (payload, -1, NULL);
      g_autoptr (ZuEvent) event =
          zu_event_new ("9c5b94b1-35ad-49bb-b118-8e8fc24abf80",
                        "9c5b94b1-35ad-49bb-b118-8e8fc24abf80", NULL, "data.x", "s", object, NULL);
      gsize length;
      const char *stored = zu_event_get_payload_text (event, &length);

      g_assert_cmpmem (&again, sizeof again, &value, sizeof value);
      g_assert_cmpstr (canonical_again, ==, canonical);
      g_assert_cmpmem (stored, length, wanted, strlen (wanted));
    }
}

static void
test_numbers (void)
{
  g_autoptr (ZuJson) file = vectors_read_json ("numbers.json");
  g_autoptr (ZuJson) floats = row_member (file, "floats");

  g_assert_cmpuint (zu_json_get_size (floats), >=, 294);
  for (gsize i = 0; i < zu_json_get_size (floats); i++)
    {
      g_autoptr (ZuJson) row = zu_json_dup_element (floats, i);

      check_number (row);
    }
}

/* The events of the JSONL logs: each is normal, and its hash, where it has one, is right. */
static void
check_logged (ZuJson *row, gpointer user_data)
{
  g_autofree char *text = zu_json_to_string (row);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) event = zu_event_new_from_json (text, -1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_text (event, NULL), ==, text);
  if (zu_event_is_linked (event))
    {
      g_autofree char *digest = zu_event_dup_own_digest (event);

      g_assert_cmpstr (digest, ==, zu_event_get_hash (event));
    }
}

static void
test_logs (void)
{
  g_assert_cmpuint (vectors_foreach_line ("jsonl/log.jsonl", check_logged, NULL), ==, 10);
  g_assert_cmpuint (vectors_foreach_line ("jsonl/ctx.jsonl", check_logged, NULL), ==, 12);
  g_assert_cmpuint (vectors_foreach_line ("jsonl/unlinked.jsonl", check_logged, NULL), ==, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/vectors/events", test_events);
  g_test_add_func ("/vectors/rejected", test_rejected);
  g_test_add_func ("/vectors/errors", test_errors);
  g_test_add_func ("/vectors/numbers", test_numbers);
  g_test_add_func ("/vectors/logs", test_logs);

  return g_test_run ();
}
