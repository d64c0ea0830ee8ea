/* SPDX-License-Identifier: Apache-2.0 */

/* Events beyond the recorded cases: every spelling the boundary takes, what it refuses, the stored
 * form, comparison, context and filters. */

#include <zu/event/zu-filter.h>

#include <string.h>

#define ID   "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"
#define HEAD "{\"event_id\":\"" ID "\",\"trace_id\":\"" ID "\",\"task_id\":\"" ID "\","

/* An event of which MEMBERS replace or add to what every event needs. */
static ZuEvent *
read_event (const char *members, GError **error)
{
  g_autofree char *text =
      g_strdup_printf (HEAD
                       "\"type\":\"data.x\",\"ts\":\"2024-03-05T06:07:08Z\",\"source\":\"s\"%s%s}",
                       members[0] == '\0' ? "" : ",", members);

  return zu_event_new_from_json (text, -1, error);
}

static ZuEvent *
make_event (const char *members)
{
  g_autoptr (GError) error = NULL;
  ZuEvent *event = read_event (members, &error);

  g_assert_no_error (error);
  return event;
}

static ZuEvent *
store (const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return zu_event_new_from_stored (bytes, error);
}

static void
test_new (void)
{
  g_autoptr (ZuJson) payload = zu_json_parse ("{\"f\":1e-6}", -1, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) event = zu_event_new ("{9C5B94B1-35AD-49BB-B118-8E8FC24ABF80}", ID, NULL,
                                            "harness.x", "é\"", payload, &error);
  g_autoptr (ZuEvent) other = zu_event_new (ID, ID, ID, "data.", "", NULL, &error);
  g_autoptr (ZuEvent) again = NULL;
  gsize length;

  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_trace_id (event), ==, ID);
  g_assert_cmpstr (zu_event_get_parent_id (other), ==, ID);
  g_assert_null (zu_event_get_parent_id (event));
  g_assert_true (g_uuid_string_is_valid (zu_event_get_event_id (event)));
  g_assert_cmpstr (zu_event_get_event_id (event), !=, zu_event_get_event_id (other));
  g_assert_true (g_str_has_suffix (zu_event_get_ts (event), "Z"));
  g_assert_cmpstr (zu_event_get_source (event), ==, "é\"");
  g_assert_cmpint (zu_event_get_schema_version (event), ==, 1);
  g_assert_false (zu_event_is_linked (event));
  g_assert_cmpmem (zu_event_get_payload_text (event, &length), length, "{\"f\":1e-6}", 10);
  g_assert_cmpmem (zu_event_get_payload_text (other, &length), length, "{}", 2);

  again = store (zu_event_get_text (event, NULL), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_text (again, NULL), ==, zu_event_get_text (event, NULL));
}

static void
check_new_refused (const char *trace_id, const char *type, const char *source, ZuJson *payload,
                   const char *field)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_new (trace_id, ID, NULL, type, source, payload, &error));
  g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD);
  g_assert_true (g_str_has_prefix (error->message, field));
}

static void
test_new_refused (void)
{
  g_autoptr (ZuJson) list = zu_json_parse ("[]", -1, NULL);

  check_new_refused ("x", "data.x", "s", NULL, "trace_id: ");
  check_new_refused (ID, "other", "s", NULL, "type: ");
  check_new_refused (ID, "data.\xff", "s", NULL, "type: ");
  check_new_refused (ID, "data.x", "\xff", NULL, "source: ");
  check_new_refused (ID, "data.x", "s", list, "payload: ");
}

static void
test_timestamps (void)
{
  static const struct
  {
    const char *input;
    const char *ts; /* NULL where it is refused */
  } cases[] = {
    { "\"2024-01-02T03:04:05Z\"", "2024-01-02T03:04:05Z" },
    { "\"2024-01-02t03:04:05z\"", "2024-01-02T03:04:05Z" },
    { "\"2024-01-02_03:04:05\"", "2024-01-02T03:04:05" },
    { "\"2024-01-02 03:04\"", "2024-01-02T03:04:00" },
    { "\"2024-01-02T03:04Z\"", "2024-01-02T03:04:00Z" },
    { "\"2024-01-02\"", "2024-01-02T00:00:00" },
    { "\"2024-01-02T03:04:05.1234567Z\"", "2024-01-02T03:04:05.123456Z" },
    { "\"2024-01-02T03:04:05,5Z\"", "2024-01-02T03:04:05.500000Z" },
    { "\"2024-01-02T03:04:05.000000Z\"", "2024-01-02T03:04:05Z" },
    { "\"2024-01-02T03:04:05-00:00\"", "2024-01-02T03:04:05Z" },
    { "\"2024-01-02T03:04:05+0530\"", "2024-01-02T03:04:05+05:30" },
    { "\"2024-01-02T03:04:05\\u221208:00\"", "2024-01-02T03:04:05-08:00" },
    { "\"2024-01-02T03:04:05+23:59\"", "2024-01-02T03:04:05+23:59" },
    { "\"1700000000\"", "2023-11-14T22:13:20Z" },
    { "\"+1700000000\"", "2023-11-14T22:13:20Z" },
    { "\"-1\"", "1969-12-31T23:59:59Z" },
    { "\"1700000000.25\"", "2023-11-14T22:13:20.250000Z" },
    { "\"1700000000000.5\"", "2023-11-14T22:13:20.000500Z" },
    { "0", "1970-01-01T00:00:00Z" },
    { "-1", "1969-12-31T23:59:59Z" },
    { "20000000000", "2603-10-11T11:33:20Z" },
    { "20000000001", "1970-08-20T11:33:20.001000Z" },
    { "-20000000001", "1969-05-14T12:26:39.999000Z" },
    { "1700000000123", "2023-11-14T22:13:20.123000Z" },
    { "951782400", "2000-02-29T00:00:00Z" },
    { "4107542400", "2100-03-01T00:00:00Z" },
    { "253402300799", "1978-01-11T21:31:40.799000Z" },
    { "253402300799999", "9999-12-31T23:59:59.999000Z" },
    { "1.5", "1970-01-01T00:00:01.500000Z" },
    { "1700000000.9999999", "2023-11-14T22:13:21Z" },
    { "\"2024-01-02T\"", NULL },
    { "\"2024-01-02T03\"", NULL },
    { "\"2024-01-02T03:04:\"", NULL },
    { "\"2024-01-02T03:04:05.\"", NULL },
    { "\"2024-01-02T03:04:60Z\"", NULL },
    { "\"2024-01-02T03:60:00Z\"", NULL },
    { "\"2024-01-02T03:04:05+24:00\"", NULL },
    { "\"2024-01-02T03:04:05+05\"", NULL },
    { "\"2024-01-02T03:04:05+05:60\"", NULL },
    { "\"2024-01-02T03:04:05 Z\"", NULL },
    { "\"2024-01-02T03:04:05Zx\"", NULL },
    { "\"2024-1-2T03:04:05Z\"", NULL },
    { "\"2024-13-01T00:00:00Z\"", NULL },
    { "\"2024-00-01T00:00:00Z\"", NULL },
    { "\"2024-01-00T00:00:00Z\"", NULL },
    { "\"2023-02-29T00:00:00Z\"", NULL },
    { "\"1900-02-29T00:00:00Z\"", NULL },
    { "\"0000-01-01T00:00:00Z\"", NULL },
    { "\"2024-01-02\\u0000\"", NULL },
    { "\"\"", NULL },
    { "\"1e9\"", NULL },
    { "\"-\"", NULL },
    { "\".\"", NULL },
    { "\"1.5e\"", NULL },
    { "253402300800000", NULL },
    { "-62135596800001", NULL },
    { "99999999999999999999", NULL },
    { "1e300", NULL },
    { "NaN", NULL },
    { "true", NULL },
    { "[]", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *members = g_strdup_printf ("\"ts\":%s", cases[i].input);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event = read_event (members, &error);

      g_test_message ("%s", cases[i].input);
      if (cases[i].ts == NULL)
        {
          g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD);
          g_assert_true (g_str_has_prefix (error->message, "ts: "));
          continue;
        }
      g_assert_no_error (error);
      g_assert_cmpstr (zu_event_get_ts (event), ==, cases[i].ts);
    }
}

static void
test_uuids (void)
{
  static const struct
  {
    const char *input;
    gboolean valid;
  } cases[] = {
    { "9C5B94B1-35AD-49BB-B118-8E8FC24ABF80", TRUE },
    { "9c5b94b135ad49bbb1188e8fc24abf80", TRUE },
    { "{9c5b94b1-35ad-49bb-b118-8e8fc24abf80}", TRUE },
    { "urn:uuid:9c5b94b1-35ad-49bb-b118-8e8fc24abf80", TRUE },
    { "URN:UUID:9c5b94b1-35ad-49bb-b118-8e8fc24abf80", FALSE },
    { "{9c5b94b135ad49bbb1188e8fc24abf80}", FALSE },
    { "{9c5b94b1-35ad-49bb-b118-8e8fc24abf80", FALSE },
    { "urn:uuid:9c5b94b135ad49bbb1188e8fc24abf80", FALSE },
    { "9c5b94b1-35ad-49bbb-118-8e8fc24abf80", FALSE },
    { "9c5b94b1_35ad_49bb_b118_8e8fc24abf80", FALSE },
    { "9c5b94b1-35ad-49bb-b118-8e8fc24abf8g", FALSE },
    { " 9c5b94b1-35ad-49bb-b118-8e8fc24abf80", FALSE },
    { "-9c5b94b135ad49bbb1188e8fc24abf8", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *members = g_strdup_printf ("\"parent_id\":\"%s\"", cases[i].input);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event = read_event (members, &error);

      g_test_message ("%s", cases[i].input);
      if (cases[i].valid)
        g_assert_cmpstr (zu_event_get_parent_id (event), ==, ID);
      else
        g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD);
    }
}

static void
test_schema_versions (void)
{
  static const struct
  {
    const char *input;
    const char *version; /* NULL where it is refused */
  } cases[] = {
    { "2", "2" },
    { "-0", "0" },
    { "-7", "-7" },
    { "1.0", "1" },
    { "1e2", "100" },
    { "-0.0", "0" },
    { "true", "1" },
    { "false", "0" },
    { "123456789012345678901234567890", "123456789012345678901234567890" },
    { "\"1\"", "1" },
    { "\" 1\\n\"", "1" },
    { "\"\\u00a01\\u2003\"", "1" },
    { "\"+1\"", "1" },
    { "\"-1\"", "-1" },
    { "\"-0\"", "0" },
    { "\"007\"", "7" },
    { "\"-007\"", "-7" },
    { "\"0_0\"", "0" },
    { "\"1_000\"", "1000" },
    { "\"1.000\"", "1" },
    { "\"00.0\"", "0" },
    { "\"123456789012345678901234567890\"", "123456789012345678901234567890" },
    { "1.5", NULL },
    { "1e19", NULL },
    { "-9223372036854775808.0", NULL },
    { "null", NULL },
    { "NaN", NULL },
    { "[1]", NULL },
    { "\"\"", NULL },
    { "\" \"", NULL },
    { "\"x\"", NULL },
    { "\"1.\"", NULL },
    { "\".0\"", NULL },
    { "\"1.5\"", NULL },
    { "\"1e2\"", NULL },
    { "\"+-1\"", NULL },
    { "\"--1\"", NULL },
    { "\"_1\"", NULL },
    { "\"1_\"", NULL },
    { "\"1__0\"", NULL },
    { "\"1 0\"", NULL },
    { "\"1\\u0000\"", NULL },
    { "\"\\u0661\"", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *members = g_strdup_printf ("\"schema_version\":%s", cases[i].input);
      g_autofree char *wanted = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event = read_event (members, &error);

      g_test_message ("%s", cases[i].input);
      if (cases[i].version == NULL)
        {
          g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD);
          g_assert_true (g_str_has_prefix (error->message, "schema_version: "));
          continue;
        }
      g_assert_no_error (error);
      wanted = g_strdup_printf ("\"schema_version\":%s,", cases[i].version);
      g_assert_nonnull (strstr (zu_event_get_text (event, NULL), wanted));
    }
}

static void
test_schema_version_is_cut (void)
{
  g_autoptr (ZuEvent) high = make_event ("\"schema_version\":99999999999999999999");
  g_autoptr (ZuEvent) low = make_event ("\"schema_version\":-99999999999999999999");

  g_assert_cmpint (zu_event_get_schema_version (high), ==, G_MAXINT64);
  g_assert_cmpint (zu_event_get_schema_version (low), ==, G_MININT64);
}

static void
test_normalised (void)
{
  static const struct
  {
    const char *members;
    const char *piece;
  } cases[] = {
    { "\"payload\":{\"a\":NaN,\"b\":[Infinity,-Infinity,1e999,-1e999]}",
      "\"payload\":{\"a\":null,\"b\":[null,null,null,null]}" },
    { "\"payload\":{\"a\":-0,\"a\":[1],\"b\":-0.0,\"\\u0061\":2}",
      "\"payload\":{\"a\":2,\"b\":-0.0}" },
    { "\"payload\":[],\"payload\":{ }", "\"payload\":{}" },
    { "\"trace_id\":7,\"trace_id\":\"" ID "\"", "\"trace_id\":\"" ID "\"" },
    { "\"hash\":\"x\",\"sig\":\"\\u0000\",\"prev_hash\":\"é\"",
      "\"prev_hash\":\"é\",\"hash\":\"x\",\"sig\":\"\\u0000\"}" },
    { "\"unknown\":[{\"payload\":1}],\"Type\":1", "\"type\":\"data.x\"" },
    { "\"source\":\"\\u2028\\/\\u007f\"", "\"source\":\"\xe2\x80\xa8/\x7f\"" },
    { "\"parent_id\":null", "\"parent_id\":null" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuEvent) event = make_event (cases[i].members);

      g_test_message ("%s", cases[i].members);
      g_assert_nonnull (strstr (zu_event_get_text (event, NULL), cases[i].piece));
    }
}

static void
test_refused (void)
{
  static const struct
  {
    const char *members;
    const char *field;
  } cases[] = {
    { "\"parent_id\":NaN", "parent_id" },
    { "\"hash\":Infinity", "hash" },
    { "\"sig\":1e999", "sig" },
    { "\"prev_hash\":[]", "prev_hash" },
    { "\"event_id\":null", "event_id" },
    { "\"type\":\"data\"", "type" },
    { "\"type\":\"harness\"", "type" },
    { "\"source\":{}", "source" },
    { "\"payload\":{},\"payload\":null", "payload" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *prefix = g_strconcat (cases[i].field, ": ", NULL);

      g_test_message ("%s", cases[i].members);
      g_assert_null (read_event (cases[i].members, &error));
      g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_FIELD);
      g_assert_true (g_str_has_prefix (error->message, prefix));
    }
}

/* Text fields may hold U+0000; the length tells. */
static void
test_zero_in_fields (void)
{
  g_autoptr (ZuEvent) event = make_event ("\"source\":\"a\\u0000b\",\"type\":\"data.\\u0000\"");
  gsize length;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) again = store (zu_event_get_text (event, NULL), &error);

      g_assert_no_error (error);
      g_assert_cmpmem (zu_event_get_field (event, ZU_EVENT_FIELD_SOURCE, &length), length, "a\0b",
                       3);
      g_assert_cmpmem (zu_event_get_field (event, ZU_EVENT_FIELD_TYPE, &length), length, "data.\0",
                       6);
      g_set_object (&event, again);
    }
}

static const char stored[] =
    HEAD "\"parent_id\":null,\"type\":\"data.x\",\"ts\":\"2024-03-05T06:07:08.090807Z\","
         "\"source\":\"s\",\"payload\":{\"a\":1,\"b\":[1.5,\"x\"]},\"schema_version\":1,"
         "\"prev_hash\":null,\"hash\":null,\"sig\":null}";

/* Every text that is cut short, at every byte, is refused. */
static void
test_stored_cut (void)
{
  for (gsize length = 0; length < sizeof stored - 1; length++)
    {
      g_autoptr (GBytes) bytes = g_bytes_new (stored, length);
      g_autoptr (GError) error = NULL;

      g_assert_null (zu_event_new_from_stored (bytes, &error));
      g_assert_error (error, ZU_EVENT_ERROR, ZU_EVENT_ERROR_UNDECODABLE);
    }
}

/* Every byte of a stored text replaced by every other: both readers agree on what it is, and what
 * is read is normal. */
static void
test_stored_flipped (void)
{
  for (gsize at = 0; at < sizeof stored - 1; at++)
    for (int byte = 0; byte < 256; byte += 1 + (int) (at % 3))
      {
        g_autofree char *text = g_strdup (stored);
        g_autoptr (ZuEvent) a = NULL;
        g_autoptr (ZuEvent) b = NULL;

        text[at] = (char) byte;
        a = zu_event_new_from_stored_text (text, sizeof stored - 1, NULL);
        b = zu_event_new_from_json (text, sizeof stored - 1, NULL);
        /* These two are made up for a new event, and have to be there in a stored one. */
        if (strstr (text, "\"event_id\"") == NULL || strstr (text, "\"ts\"") == NULL)
          {
            g_assert_null (a);
            continue;
          }
        g_assert_true ((a == NULL) == (b == NULL));
        if (a == NULL)
          continue;
        g_assert_cmpstr (zu_event_get_text (a, NULL), ==, zu_event_get_text (b, NULL));
        g_assert_true (zu_event_has_same_content (a, b));
      }
}

/* Another spelling of an event is read, as what it means. */
static void
test_stored_respelled (void)
{
  static const char *const respellings[][2] = {
    { "\"payload\":{\"a\"", "\"payload\":{ \"a\"" },
    { "\"payload\":{\"a\":1", "\"payload\":{\"a\":0,\"a\":1" },
    { "\"payload\":{\"a\":1", "\"payload\":{\"\\u0061\":0,\"a\":1" },
    { "{\"event_id\"", "{\"more\":{},\"event_id\"" },
    { "090807Z", "090807+00:00" },
    { "\"schema_version\":1", "\"schema_version\":\"1\"" },
    { "9c5b", "9C5B" },
    { "null}", "null}\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (respellings); i++)
    {
      g_auto (GStrv) parts = g_strsplit (stored, respellings[i][0], 2);
      g_autofree char *text = g_strjoin (respellings[i][1], parts[0], parts[1], NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event = store (text, &error);

      g_assert_cmpuint (g_strv_length (parts), ==, 2);
      g_assert_no_error (error);
      g_assert_cmpstr (zu_event_get_text (event, NULL), ==, stored);
    }
}

/* A field longer than what there is room for. */
static void
test_long_fields (void)
{
  g_autofree char *source = g_strnfill (100000, 'x');
  g_autofree char *members =
      g_strdup_printf ("\"source\":\"%s\",\"payload\":{\"s\":\"%s\"}", source, source);
  g_autoptr (ZuEvent) event = make_event (members);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) again = store (zu_event_get_text (event, NULL), &error);
  g_autoptr (ZuEvent) linked = zu_event_link (again, NULL, NULL);

  g_assert_no_error (error);
  g_assert_cmpstr (zu_event_get_source (again), ==, source);
  g_assert_cmpstr (zu_event_get_source (linked), ==, source);
  g_assert_cmpuint (strlen (zu_event_get_hash (linked)), ==, 64);
}

static void
test_same_content (void)
{
  g_autoptr (ZuEvent) event = make_event ("\"payload\":{\"a\":1,\"b\":2.0}");
  g_autoptr (ZuEvent) turned = make_event ("\"payload\":{\"b\":2.0,\"a\":1}");
  g_autoptr (ZuEvent) other = make_event ("\"payload\":{\"a\":1,\"b\":2}");
  g_autoptr (ZuEvent) source = make_event ("\"payload\":{\"a\":1,\"b\":2.0},\"source\":\"t\"");
  g_autoptr (ZuEvent) linked = zu_event_link (event, "x", NULL);

  g_assert_true (zu_event_has_same_content (event, event));
  g_assert_true (zu_event_has_same_content (event, turned));
  g_assert_true (zu_event_has_same_content (turned, linked));
  g_assert_false (zu_event_has_same_content (event, other));
  g_assert_false (zu_event_has_same_content (event, source));
}

static void
test_values (void)
{
  g_autoptr (ZuEvent) event = make_event ("\"payload\":{\"a\":[1,{\"b\":2}]}");
  g_autoptr (ZuJson) payload = zu_event_dup_payload (event);
  g_autoptr (ZuJson) whole = zu_event_to_json (event);
  g_autoptr (ZuJson) part = zu_json_dup_member (whole, "payload");
  g_autofree char *text = zu_json_to_string (whole);

  g_assert_true (zu_json_equal (payload, part));
  g_assert_cmpstr (text, ==, zu_event_get_text (event, NULL));
}

static void
test_ctx_values (void)
{
  static const struct
  {
    const char *value;
    const char *text;
  } cases[] = {
    { "\"g-1\"", "g-1" },
    { "\"\"", "" },
    { "\"it's\"", "it's" },
    { "true", "True" },
    { "false", "False" },
    { "null", "None" },
    { "1", "1" },
    { "-0", "0" },
    { "12345678901234567890123", "12345678901234567890123" },
    { "1.5", "1.5" },
    { "1e-5", "1e-05" },
    { "1e16", "1e+16" },
    { "[]", "[]" },
    { "[1,\"a\",null]", "[1, 'a', None]" },
    { "{\"k\":\"it's\",\"l\":{\"m\":true}}", "{'k': \"it's\", 'l': {'m': True}}" },
    { "[\"\\n\\u0000\\u00e9\\u200b\\ud83d\\ude00\\\\ '\\\"\"]", "['\\n\\x00é\\u200b😀\\\\ \\'\"']" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *members =
          g_strdup_printf ("\"payload\":{\"ctx\":{\"f\":%s}}", cases[i].value);
      g_autoptr (ZuEvent) event = make_event (members);
      g_autofree char *text = zu_event_dup_ctx_value (event, "f");
      g_autofree char *missing = zu_event_dup_ctx_value (event, "g");

      g_assert_cmpstr (text, ==, cases[i].text);
      g_assert_null (missing);
    }
}

static void
test_no_ctx (void)
{
  static const char *const payloads[] = { "{}", "{\"ctx\":null}", "{\"ctx\":[\"f\"]}",
                                          "{\"f\":1}" };

  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++)
    {
      g_autofree char *members = g_strdup_printf ("\"payload\":%s", payloads[i]);
      g_autoptr (ZuEvent) event = make_event (members);

      g_assert_null (zu_event_dup_ctx_value (event, "f"));
    }
}

static void
check_filter (const char *json, ZuEvent *event, gboolean passes)
{
  g_autoptr (ZuJson) value = zu_json_parse (json, -1, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuFilter) filter = zu_filter_new_from_json (value, &error);
  g_autoptr (ZuJson) written = NULL;
  g_autoptr (ZuFilter) again = NULL;

  g_assert_no_error (error);
  g_test_message ("%s", json);
  g_assert_cmpint (zu_filter_matches (filter, event), ==, passes);
  written = zu_filter_to_json (filter);
  again = zu_filter_new_from_json (written, &error);
  g_assert_no_error (error);
  g_assert_cmpint (zu_filter_matches (again, event), ==, passes);
}

static void
test_filter (void)
{
  g_autoptr (ZuEvent) event =
      make_event ("\"payload\":{\"ctx\":{\"grant_id\":\"g1\",\"n\":1,\"b\":true,\"z\":null}}");

  check_filter ("{}", event, TRUE);
  check_filter ("{\"type\":\"data.x\",\"source\":\"s\"}", event, TRUE);
  check_filter ("{\"type\":\"data.x\",\"source\":\"t\"}", event, FALSE);
  check_filter ("{\"type\":\"data.\"}", event, FALSE);
  check_filter ("{\"parent_id\":null}", event, TRUE);
  check_filter ("{\"source\":null}", event, FALSE);
  check_filter ("{\"parent_id\":\"" ID "\"}", event, FALSE);
  check_filter ("{\"event_id\":\"" ID "\",\"task_id\":\"" ID "\",\"trace_id\":\"" ID "\"}", event,
                TRUE);
  check_filter ("{\"grant_id\":\"g1\"}", event, TRUE);
  check_filter ("{\"grant_id\":null}", event, FALSE);
  check_filter ("{\"other\":null}", event, TRUE);
  check_filter ("{\"n\":1,\"b\":true}", event, TRUE);
  check_filter ("{\"n\":\"1\",\"b\":\"True\"}", event, TRUE);
  check_filter ("{\"n\":1.0}", event, FALSE);
  check_filter ("{\"z\":\"None\"}", event, TRUE);
}

static void
test_filter_fields (void)
{
  static const char *const registered[] = { "grant_id", "peer", NULL };
  g_autoptr (ZuFilter) filter = zu_filter_new ();
  g_autoptr (GError) error = NULL;

  zu_filter_add (filter, "type", "data.x");
  zu_filter_add (filter, "grant_id", "g1");
  zu_filter_add (filter, "type", NULL);
  g_assert_cmpuint (zu_filter_get_size (filter), ==, 2);
  g_assert_cmpstr (zu_filter_get_field (filter, 0), ==, "type");
  g_assert_null (zu_filter_get_value (filter, 0));
  g_assert_true (zu_filter_check_fields (filter, registered, &error));
  g_assert_no_error (error);
  g_assert_false (zu_filter_check_fields (filter, NULL, &error));
  g_assert_error (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_UNKNOWN_FIELD);
  g_assert_nonnull (strstr (error->message, "'grant_id'"));
  g_clear_error (&error);

  /* Text fields that are no columns of a log. */
  zu_filter_add (filter, "hash", "x");
  g_assert_false (zu_filter_check_fields (filter, registered, &error));
  g_assert_error (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_UNKNOWN_FIELD);
}

static void
test_filter_refused (void)
{
  static const char *const texts[] = {
    "[]", "null", "{\"type\":[]}", "{\"type\":{}}", "{\"type\":\"a\\u0000\"}", "{\"\\u0000\":1}"
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ZuJson) value = zu_json_parse (texts[i], -1, NULL);
      g_autoptr (GError) error = NULL;

      g_assert_null (zu_filter_new_from_json (value, &error));
      g_assert_error (error, ZU_FILTER_ERROR, ZU_FILTER_ERROR_MALFORMED);
    }
}

static gpointer
use_event (gpointer data)
{
  ZuEvent *event = data;

  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *digest = zu_event_dup_own_digest (event);
      g_autoptr (ZuEvent) again = store (zu_event_get_text (event, NULL), NULL);

      if (strcmp (digest, zu_event_get_hash (again)) != 0)
        return NULL;
    }
  return event;
}

/* One event in several threads at once. */
static void
test_threads (void)
{
  g_autoptr (ZuEvent) plain = make_event ("\"payload\":{\"b\":1,\"a\":[1.5]}");
  g_autoptr (ZuEvent) event = zu_event_link (plain, NULL, NULL);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("event", use_event, event);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (g_thread_join (threads[i]) == event);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/event/new", test_new);
  g_test_add_func ("/event/new/refused", test_new_refused);
  g_test_add_func ("/event/timestamps", test_timestamps);
  g_test_add_func ("/event/uuids", test_uuids);
  g_test_add_func ("/event/schema-versions", test_schema_versions);
  g_test_add_func ("/event/schema-version-is-cut", test_schema_version_is_cut);
  g_test_add_func ("/event/normalised", test_normalised);
  g_test_add_func ("/event/refused", test_refused);
  g_test_add_func ("/event/zero-in-fields", test_zero_in_fields);
  g_test_add_func ("/event/stored/cut", test_stored_cut);
  g_test_add_func ("/event/stored/flipped", test_stored_flipped);
  g_test_add_func ("/event/stored/respelled", test_stored_respelled);
  g_test_add_func ("/event/long-fields", test_long_fields);
  g_test_add_func ("/event/same-content", test_same_content);
  g_test_add_func ("/event/values", test_values);
  g_test_add_func ("/event/ctx-values", test_ctx_values);
  g_test_add_func ("/event/no-ctx", test_no_ctx);
  g_test_add_func ("/event/threads", test_threads);
  g_test_add_func ("/filter", test_filter);
  g_test_add_func ("/filter/fields", test_filter_fields);
  g_test_add_func ("/filter/refused", test_filter_refused);

  return g_test_run ();
}
