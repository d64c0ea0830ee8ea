/* SPDX-License-Identifier: Apache-2.0 */

/* The JSON reader, its values and the builder. */

#include <zu/event/zu-json.h>

#include <math.h>
#include <string.h>

static ZuJson *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  ZuJson *value = zu_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return value;
}

static char *
repeat (const char *text, guint n)
{
  g_autoptr (GString) out = g_string_new (NULL);

  while (n-- > 0)
    g_string_append (out, text);
  return g_string_free (g_steal_pointer (&out), FALSE);
}

static void
test_accepted (void)
{
  static const struct
  {
    const char *text;
    const char *written;
  } cases[] = {
    { "null", "null" },
    { " \t\r\n true \n", "true" },
    { "[]", "[]" },
    { "{ }", "{}" },
    { "[ 1 , 2 ]", "[1,2]" },
    { "0", "0" },
    { "-0", "0" },
    { "-0.0", "-0.0" },
    { "0e5", "0.0" },
    { "1E2", "100.0" },
    { "1e-400", "0.0" },
    { "123456789012345678901234567890", "123456789012345678901234567890" },
    { "0.1000", "0.1" },
    { "9007199254740993.0", "9007199254740992.0" },
    { "1.7976931348623157e308", "1.7976931348623157e+308" },
    { "2.2250738585072011e-308", "2.225073858507201e-308" },
    { "\"\\u0041\\/\\u00e9\\ud83d\\ude00\"", "\"A/é😀\"" },
    { "\"\\b\\f\\n\\r\\t\\\"\\\\\\u0000\\u001F\"", "\"\\b\\f\\n\\r\\t\\\"\\\\\\u0000\\u001f\"" },
    { "\"\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"",
      "\"\x7f\xc2\x80\xef\xbf\xbf\xf4\x8f\xbf\xbf\"" },
    { "{\"b\":1,\"a\":{\"c\":[true,false,null]}}", "{\"b\":1,\"a\":{\"c\":[true,false,null]}}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuJson) value = parse (cases[i].text);
      g_autofree char *written = zu_json_to_string (value);

      g_assert_cmpstr (written, ==, cases[i].written);
    }
}

static void
test_refused (void)
{
  static const struct
  {
    const char *text;
    ZuJsonError code;
  } cases[] = {
    { "", ZU_JSON_ERROR_SYNTAX },
    { "  ", ZU_JSON_ERROR_SYNTAX },
    { "nul", ZU_JSON_ERROR_SYNTAX },
    { "True", ZU_JSON_ERROR_SYNTAX },
    { "[1,]", ZU_JSON_ERROR_SYNTAX },
    { "[1 2]", ZU_JSON_ERROR_SYNTAX },
    { "[1", ZU_JSON_ERROR_SYNTAX },
    { "[1}", ZU_JSON_ERROR_SYNTAX },
    { "{\"a\":1,}", ZU_JSON_ERROR_SYNTAX },
    { "{\"a\" 1}", ZU_JSON_ERROR_SYNTAX },
    { "{\"a\":}", ZU_JSON_ERROR_SYNTAX },
    { "{a:1}", ZU_JSON_ERROR_SYNTAX },
    { "{'a':1}", ZU_JSON_ERROR_SYNTAX },
    { "{\"a\":1", ZU_JSON_ERROR_SYNTAX },
    { "{\"a\"", ZU_JSON_ERROR_SYNTAX },
    { "{,}", ZU_JSON_ERROR_SYNTAX },
    { "1 2", ZU_JSON_ERROR_SYNTAX },
    { "1 /* one */", ZU_JSON_ERROR_SYNTAX },
    { "\xef\xbb\xbf{}", ZU_JSON_ERROR_SYNTAX },
    { "\"a", ZU_JSON_ERROR_SYNTAX },
    { "\"a\\", ZU_JSON_ERROR_SYNTAX },
    { "\"\\x41\"", ZU_JSON_ERROR_SYNTAX },
    { "\"\\u12g4\"", ZU_JSON_ERROR_SYNTAX },
    { "\"\\u123", ZU_JSON_ERROR_SYNTAX },
    { "\"\t\"", ZU_JSON_ERROR_SYNTAX },
    { "\"\x1f\"", ZU_JSON_ERROR_SYNTAX },
    { "\"\\ud800\"", ZU_JSON_ERROR_ENCODING },
    { "\"\\ud800\\n\"", ZU_JSON_ERROR_ENCODING },
    { "\"\\ud800\\ud800\"", ZU_JSON_ERROR_ENCODING },
    { "\"\\udc00\"", ZU_JSON_ERROR_ENCODING },
    { "\"\x80\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xff\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xc0\x80\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xc3\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xe0\x80\x80\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xed\xa0\x80\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xf0\x80\x80\x80\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xf4\x90\x80\x80\"", ZU_JSON_ERROR_ENCODING },
    { "\"\xf5\x80\x80\x80\"", ZU_JSON_ERROR_ENCODING },
    { "01", ZU_JSON_ERROR_NUMBER },
    { "-01", ZU_JSON_ERROR_NUMBER },
    { "-", ZU_JSON_ERROR_NUMBER },
    { "1.", ZU_JSON_ERROR_NUMBER },
    { "1.e5", ZU_JSON_ERROR_NUMBER },
    { "1e", ZU_JSON_ERROR_NUMBER },
    { "1e+", ZU_JSON_ERROR_NUMBER },
    { ".5", ZU_JSON_ERROR_SYNTAX },
    { "+1", ZU_JSON_ERROR_SYNTAX },
    { "0x10", ZU_JSON_ERROR_SYNTAX },
    { "1e309", ZU_JSON_ERROR_NUMBER },
    { "-1e999999999999", ZU_JSON_ERROR_NUMBER },
    { "NaN", ZU_JSON_ERROR_NUMBER },
    { "-Infinity", ZU_JSON_ERROR_NUMBER },
    { "Infinity", ZU_JSON_ERROR_NUMBER },
    { "-NaN", ZU_JSON_ERROR_NUMBER },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *escaped = g_strescape (cases[i].text, NULL);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", escaped);
      g_assert_null (zu_json_parse (cases[i].text, -1, &error));
      g_assert_error (error, ZU_JSON_ERROR, (int) cases[i].code);
      g_assert_nonnull (strstr (error->message, " at byte "));
    }
}

/* A U+0000 in the text is a byte like any other, wherever it stands. */
static void
test_length (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) value = zu_json_parse ("[1]garbage", 3, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (zu_json_get_size (value), ==, 1);
  g_assert_null (zu_json_parse ("[1]\0", 4, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_SYNTAX);
  g_clear_error (&error);
  g_assert_null (zu_json_parse ("\"a\0b\"", 5, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_SYNTAX);
  g_assert_nonnull (strstr (error->message, "control character"));
  g_clear_error (&error);
  g_assert_null (zu_json_parse (NULL, 0, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_SYNTAX);
}

static void
check_depth (const char *open, const char *inner, const char *close, guint levels, gboolean fits)
{
  g_autofree char *opens = repeat (open, levels);
  g_autofree char *closes = repeat (close, levels);
  g_autofree char *text = g_strconcat (opens, inner, closes, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) value = zu_json_parse (text, -1, &error);

  if (fits)
    {
      g_autofree char *written = zu_json_to_string (value);
      g_autofree char *canonical = zu_json_to_canonical_string (value);

      g_assert_no_error (error);
      g_assert_cmpstr (written, ==, text);
      g_assert_cmpstr (canonical, ==, text);
    }
  else
    g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_DEPTH);
}

static void
test_depth (void)
{
  check_depth ("[", "1", "]", 200, TRUE);
  check_depth ("[", "1", "]", 201, FALSE);
  check_depth ("[", "[]", "]", 200, TRUE);
  check_depth ("{\"a\":", "1", "}", 200, TRUE);
  check_depth ("{\"a\":", "{}", "}", 200, TRUE);
  check_depth ("{\"a\":", "1", "}", 201, FALSE);
  check_depth ("[", "1", "]", 100000, FALSE);
}

static void
test_digits (void)
{
  g_autofree char *digits = repeat ("7", 4300);
  g_autofree char *negative = g_strconcat ("-", digits, NULL);
  g_autofree char *longer = g_strconcat ("7", digits, NULL);
  g_autofree char *fraction = g_strconcat ("0.", digits, digits, NULL);
  g_autoptr (ZuJson) value = parse (digits);
  g_autoptr (ZuJson) small = parse (fraction);
  g_autofree char *written = zu_json_to_string (value);
  g_autoptr (GError) error = NULL;
  gint64 number = 0;

  g_assert_cmpstr (written, ==, digits);
  g_assert_false (zu_json_get_int64 (value, &number));
  g_assert_true (isinf (zu_json_get_double (value)));
  g_assert_cmpfloat (zu_json_get_double (small), ==, 7.0 / 9);
  g_assert_null (zu_json_parse (longer, -1, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_NUMBER);
  g_clear_error (&error);
  g_assert_null (zu_json_parse (negative, -1, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_NUMBER);
}

static void
test_numbers (void)
{
  static const struct
  {
    const char *text;
    gboolean fits;
    gint64 value;
  } cases[] = {
    { "0", TRUE, 0 },
    { "-0", TRUE, 0 },
    { "9223372036854775807", TRUE, G_MAXINT64 },
    { "-9223372036854775808", TRUE, G_MININT64 },
    { "9223372036854775808", FALSE, 0 },
    { "-9223372036854775809", FALSE, 0 },
    { "92233720368547758070", FALSE, 0 },
    { "1.0", FALSE, 0 },
    { "\"1\"", FALSE, 0 },
    { "true", FALSE, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuJson) json = parse (cases[i].text);
      gint64 value = 0;

      g_assert_cmpint (zu_json_get_int64 (json, &value), ==, cases[i].fits);
      g_assert_cmpint (value, ==, cases[i].value);
    }
}

/* The last of the same name counts, at the place of the first, however they are spelled and however
 * many there are. */
static void
test_repeated (void)
{
  static const struct
  {
    const char *text;
    const char *written;
  } cases[] = {
    { "{\"a\":1,\"a\":2}", "{\"a\":2}" },
    { "{\"a\":1,\"b\":2,\"a\":{\"x\":[3]}}", "{\"a\":{\"x\":[3]},\"b\":2}" },
    { "{\"a\":{\"a\":1,\"a\":2},\"\\u0061\":{\"a\":3,\"a\":4}}", "{\"a\":{\"a\":4}}" },
    { "{\"a\":[1],\"b\":0,\"a\":[2],\"c\":0,\"a\":[3]}", "{\"a\":[3],\"b\":0,\"c\":0}" },
    { "{\"\":1,\"\\u0000\":2,\"\":3}", "{\"\":3,\"\\u0000\":2}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuJson) value = parse (cases[i].text);
      g_autofree char *written = zu_json_to_string (value);

      g_assert_cmpstr (written, ==, cases[i].written);
    }
}

static void
test_many_repeated (void)
{
  g_autoptr (GString) text = g_string_new ("{");
  g_autoptr (ZuJson) value = NULL;

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (text, "%s\"key-%u\":%u", i > 0 ? "," : "", i % 1000, i);
  g_string_append_c (text, '}');
  value = parse (text->str);
  g_assert_cmpuint (zu_json_get_size (value), ==, 1000);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("key-%u", i);
      g_autoptr (ZuJson) member = zu_json_dup_member (value, name);
      gint64 number = 0;

      g_assert_cmpstr (zu_json_get_member_name (value, i, NULL), ==, name);
      g_assert_true (zu_json_get_int64 (member, &number));
      g_assert_cmpint (number, ==, 4000 + i);
    }
}

static void
test_members (void)
{
  g_autoptr (ZuJson) value = parse ("{\"a\":1,\"b\":\"x\\u0000y\",\"c\":[true,null,{}]}");
  g_autoptr (ZuJson) text = zu_json_dup_member (value, "b");
  g_autoptr (ZuJson) list = zu_json_dup_element (value, 2);
  g_autoptr (ZuJson) yes = zu_json_dup_element (list, 0);
  g_autoptr (ZuJson) last = zu_json_dup_element (list, 2);
  g_autoptr (ZuJson) first = zu_json_dup_element (list, 0);
  gsize length;

  g_assert_cmpint (zu_json_get_kind (value), ==, ZU_JSON_KIND_OBJECT);
  g_assert_cmpuint (zu_json_get_size (value), ==, 3);
  g_assert_cmpmem (zu_json_get_string (text, &length), length, "x\0y", 3);
  g_assert_cmpuint (length, ==, 3);
  g_assert_null (zu_json_get_string (value, &length));
  g_assert_cmpuint (length, ==, 0);
  g_assert_cmpstr (zu_json_get_member_name (value, 1, &length), ==, "b");
  g_assert_cmpuint (length, ==, 1);
  g_assert_null (zu_json_dup_member (value, "d"));
  g_assert_null (zu_json_dup_member (list, "a"));
  g_assert_null (zu_json_dup_member (last, "a"));
  g_assert_true (zu_json_get_boolean (yes));
  g_assert_true (zu_json_get_boolean (first));
  g_assert_cmpint (zu_json_get_kind (last), ==, ZU_JSON_KIND_OBJECT);
}

/* A part keeps its document, and only that. */
static void
test_part_outlives_document (void)
{
  ZuJson *value = parse ("{\"a\":{\"b\":[\"text\"]}}");
  ZuJson *a = zu_json_dup_member (value, "a");
  g_autoptr (ZuJson) b = NULL;
  g_autoptr (ZuJson) text = NULL;

  zu_json_unref (value);
  b = zu_json_dup_member (a, "b");
  zu_json_unref (a);
  text = zu_json_dup_element (b, 0);
  g_assert_cmpstr (zu_json_get_string (text, NULL), ==, "text");
}

/* In order, in reverse and at random: the kept place never shows. */
static void
test_elements_in_any_order (void)
{
  g_autoptr (GString) text = g_string_new ("[");
  g_autoptr (ZuJson) value = NULL;

  for (gint64 i = 0; i < 200; i++)
    g_string_append_printf (text, "%s[%" G_GINT64_FORMAT "]", i > 0 ? "," : "", i);
  g_string_append_c (text, ']');
  value = parse (text->str);
  for (guint i = 0; i < 1000; i++)
    {
      gsize index = i < 200 ? i : i < 400 ? 399 - i : (gsize) g_test_rand_int_range (0, 200);
      g_autoptr (ZuJson) inner = zu_json_dup_element (value, index);
      g_autoptr (ZuJson) number = zu_json_dup_element (inner, 0);
      gint64 found = -1;

      g_assert_true (zu_json_get_int64 (number, &found));
      g_assert_cmpint (found, ==, (gint64) index);
    }
}

static void
test_equal (void)
{
  static const struct
  {
    const char *a;
    const char *b;
    gboolean equal;
  } cases[] = {
    { "{\"a\":1,\"b\":[2]}", "{\"b\":[2], \"\\u0061\":1}", TRUE },
    { "1.0", "1e0", TRUE },
    { "-0", "0", TRUE },
    { "-0.0", "0.0", FALSE },
    { "1", "1.0", FALSE },
    { "[1,2]", "[2,1]", FALSE },
    { "\"1\"", "1", FALSE },
    { "{}", "[]", FALSE },
    { "null", "false", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuJson) a = parse (cases[i].a);
      g_autoptr (ZuJson) b = parse (cases[i].b);

      g_assert_cmpint (zu_json_equal (a, b), ==, cases[i].equal);
      g_assert_cmpint (zu_json_equal (b, a), ==, cases[i].equal);
    }
}

static void
test_styles (void)
{
  g_autoptr (ZuJson) value = parse ("{\"b\":[1,{}],\"é\":\"\x7f😀\",\"a\":1e-6}");
  g_autofree char *compact = zu_json_to_string (value);
  g_autofree char *canonical = zu_json_to_canonical_string (value);
  g_autofree char *spaced = zu_json_to_spaced_string (value);

  g_assert_cmpstr (compact, ==, "{\"b\":[1,{}],\"é\":\"\x7f😀\",\"a\":1e-06}");
  g_assert_cmpstr (canonical, ==,
                   "{\"a\":1e-06,\"b\":[1,{}],\"\\u00e9\":\"\\u007f\\ud83d\\ude00\"}");
  g_assert_cmpstr (spaced, ==,
                   "{\"b\": [1, {}], \"\\u00e9\": \"\\u007f\\ud83d\\ude00\", \"a\": 1e-06}");
}

static void
build_sample (ZuJsonBuilder *builder)
{
  g_autoptr (ZuJson) part = parse ("{\"x\":{\"y\":[1.5,\"z\"],\"y\":2}}");

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "null");
  zu_json_builder_add_null (builder);
  zu_json_builder_set_member (builder, "list");
  zu_json_builder_begin_array (builder);
  zu_json_builder_add_boolean (builder, TRUE);
  zu_json_builder_add_int64 (builder, G_MININT64);
  zu_json_builder_add_double (builder, 0.1);
  zu_json_builder_add_double (builder, NAN);
  zu_json_builder_add_double (builder, -INFINITY);
  zu_json_builder_end_array (builder);
  zu_json_builder_set_member (builder, "part");
  zu_json_builder_add_json (builder, part);
  zu_json_builder_set_member (builder, "null");
  zu_json_builder_add_string (builder, "no \"more\" é");
  zu_json_builder_end_object (builder);
}

static void
test_builder (void)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) value = NULL;
      g_autofree char *text = NULL;

      build_sample (builder);
      value = zu_json_builder_end (builder, &error);
      g_assert_no_error (error);
      text = zu_json_to_string (value);
      g_assert_cmpstr (
          text, ==,
          "{\"null\":\"no \\\"more\\\" é\",\"list\":[true,-9223372036854775808,0.1,null,"
          "null],\"part\":{\"x\":{\"y\":2}}}");
    }
}

static void
misuse (ZuJsonBuilder *builder, guint how)
{
  switch (how)
    {
    case 0: /* nothing */
      break;
    case 1:
      zu_json_builder_begin_array (builder);
      break;
    case 2:
      zu_json_builder_add_null (builder);
      zu_json_builder_add_null (builder);
      break;
    case 3:
      zu_json_builder_begin_object (builder);
      zu_json_builder_add_null (builder);
      zu_json_builder_end_object (builder);
      break;
    case 4:
      zu_json_builder_begin_object (builder);
      zu_json_builder_set_member (builder, "a");
      zu_json_builder_end_object (builder);
      break;
    case 5:
      zu_json_builder_begin_array (builder);
      zu_json_builder_end_object (builder);
      break;
    case 6:
      zu_json_builder_end_array (builder);
      break;
    case 7:
      zu_json_builder_begin_array (builder);
      zu_json_builder_set_member (builder, "a");
      break;
    default:
      zu_json_builder_begin_object (builder);
      zu_json_builder_set_member (builder, "a");
      zu_json_builder_set_member (builder, "b");
      break;
    }
}

static void
test_builder_misuse (void)
{
  for (guint how = 0; how <= 8; how++)
    {
      g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) value = NULL;

      misuse (builder, how);
      g_assert_null (zu_json_builder_end (builder, &error));
      g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_SYNTAX);

      /* It begins anew. */
      zu_json_builder_add_int64 (builder, 1);
      value = zu_json_builder_end (builder, NULL);
      g_assert_nonnull (value);
    }
}

static void
test_builder_limits (void)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) two = parse ("[[1]]");
  g_autoptr (GError) error = NULL;

  zu_json_builder_add_string (builder, "\xff");
  g_assert_null (zu_json_builder_end (builder, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_ENCODING);
  g_clear_error (&error);

  for (guint i = 0; i <= 200; i++)
    zu_json_builder_begin_array (builder);
  g_assert_null (zu_json_builder_end (builder, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_DEPTH);
  g_clear_error (&error);

  for (guint i = 0; i < 199; i++)
    zu_json_builder_begin_array (builder);
  zu_json_builder_add_json (builder, two);
  g_assert_null (zu_json_builder_end (builder, &error));
  g_assert_error (error, ZU_JSON_ERROR, ZU_JSON_ERROR_DEPTH);
}

/* A random value as text, in a random spelling. */
static void
append_random (GString *out, guint depth)
{
  static const char *const scalars[] = { "null",
                                         "true",
                                         "0",
                                         "-0",
                                         "1E3",
                                         "-12.50",
                                         "1e-7",
                                         "\"\"",
                                         "\"\\u00e9\\n\"",
                                         "\"é\"",
                                         "123456789012345678901",
                                         "0.1e1" };
  static const char *const names[] = { "a", "b", "\\u0061", "ab", "é", "a longer name", "" };
  int kind = depth == 0 ? 0 : g_test_rand_int_range (0, 3);
  int n = g_test_rand_int_range (0, 6);

  if (kind == 0)
    {
      g_string_append (out, scalars[g_test_rand_int_range (0, G_N_ELEMENTS (scalars))]);
      return;
    }
  g_string_append (out, kind == 1 ? "[" : "{ ");
  for (int i = 0; i < n; i++)
    {
      g_string_append (out, i == 0 ? "" : g_test_rand_bit () ? "," : " ,\n");
      if (kind == 2)
        g_string_append_printf (out,
                                "\"%s\":", names[g_test_rand_int_range (0, G_N_ELEMENTS (names))]);
      append_random (out, depth - 1);
    }
  g_string_append_c (out, kind == 1 ? ']' : '}');
}

/* Whatever is read is written as what is read as the same, in every style. */
static void
test_round_trip (void)
{
  for (guint i = 0; i < 5000; i++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      g_autoptr (ZuJson) value = NULL;
      g_autofree char *canonical = NULL;

      append_random (text, 5);
      value = parse (text->str);
      canonical = zu_json_to_canonical_string (value);
      for (guint style = 0; style < 3; style++)
        {
          g_autofree char *written = style == 0   ? zu_json_to_string (value)
                                     : style == 1 ? zu_json_to_canonical_string (value)
                                                  : zu_json_to_spaced_string (value);
          g_autoptr (ZuJson) again = parse (written);
          g_autofree char *canonical_again = zu_json_to_canonical_string (again);

          g_assert_cmpstr (canonical_again, ==, canonical);
          g_assert_true (zu_json_equal (value, again));
        }
    }
}

/* Doubles of every size: what is written reads back as the same bits. */
static void
test_doubles (void)
{
  for (guint i = 0; i < 20000; i++)
    {
      g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
      g_autoptr (ZuJson) value = NULL;
      g_autofree char *text = NULL;
      guint64 bits = (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
      double number, again;

      memcpy (&number, &bits, sizeof number);
      if (!isfinite (number))
        continue;
      zu_json_builder_add_double (builder, number);
      value = zu_json_builder_end (builder, NULL);
      text = zu_json_to_string (value);
      again = g_ascii_strtod (text, NULL);
      g_assert_cmpmem (&again, sizeof again, &number, sizeof number);
      again = zu_json_get_double (value);
      g_assert_cmpmem (&again, sizeof again, &number, sizeof number);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/json/accepted", test_accepted);
  g_test_add_func ("/json/refused", test_refused);
  g_test_add_func ("/json/length", test_length);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/digits", test_digits);
  g_test_add_func ("/json/numbers", test_numbers);
  g_test_add_func ("/json/doubles", test_doubles);
  g_test_add_func ("/json/repeated", test_repeated);
  g_test_add_func ("/json/many-repeated", test_many_repeated);
  g_test_add_func ("/json/members", test_members);
  g_test_add_func ("/json/part-outlives-document", test_part_outlives_document);
  g_test_add_func ("/json/elements-in-any-order", test_elements_in_any_order);
  g_test_add_func ("/json/equal", test_equal);
  g_test_add_func ("/json/styles", test_styles);
  g_test_add_func ("/json/round-trip", test_round_trip);
  g_test_add_func ("/json/builder", test_builder);
  g_test_add_func ("/json/builder/misuse", test_builder_misuse);
  g_test_add_func ("/json/builder/limits", test_builder_limits);

  return g_test_run ();
}
