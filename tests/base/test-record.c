/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-types.h"

/* Records from JSON and back: defaults, equality, and everything that is refused by name. */

static KitEverything *
read_record (const char *text, GError **error)
{
  g_autoptr (GError) syntax = NULL;
  g_autoptr (ZuJson) json = zu_json_parse (text, -1, &syntax);

  g_assert_no_error (syntax);
  return kit_everything_new_from_json (json, error);
}

static void
check_refused (const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (read_record (text, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_defaults (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (KitEverything) record = read_record ("{\"text\":\"t\"}", &error);
  g_autoptr (KitEverything) made = kit_everything_new ("t");

  g_assert_no_error (error);
  g_assert_true (kit_everything_get_flag (record));
  g_assert_cmpint (kit_everything_get_small (record), ==, -5);
  g_assert_cmpuint (kit_everything_get_count (record), ==, G_MAXUINT32);
  g_assert_cmpint (kit_everything_get_large (record), ==, G_MININT64);
  g_assert_cmpuint (kit_everything_get_huge (record), ==, G_MAXUINT64);
  g_assert_cmpfloat (kit_everything_get_ratio (record), ==, 1.5);
  g_assert_null (kit_everything_get_maybe_text (record));
  g_assert_null (kit_everything_get_plate (record));
  g_assert_true (zu_record_equal (ZU_RECORD (record), ZU_RECORD (made)));
}

static void
test_round_trip (void)
{
  static const char text[] =
      "{\"text\":\"\",\"maybe_text\":\"m\",\"default_text\":\"d\",\"flag\":false,\"small\":1,"
      "\"count\":2,\"large\":9223372036854775807,\"huge\":9223372036854775808,\"ratio\":0.1,"
      "\"blob\":\"AP8=\",\"data\":{\"a\":[1,null]},\"heat\":\"hot\","
      "\"plate\":{\"name\":\"p\",\"weight\":2.0},\"plates\":[],\"words\":[\"a\",\"\"],"
      "\"event\":null,\"filter\":{\"type\":null}}";
  g_autoptr (GError) error = NULL;
  g_autoptr (KitEverything) record = read_record (text, &error);
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *back = NULL;

  g_assert_no_error (error);
  json = kit_everything_to_json (record);
  back = zu_json_to_string (json);
  g_assert_cmpstr (back, ==, text);
}

static void
test_refused (void)
{
  check_refused ("{}", "'text' is missing");
  check_refused ("[]", "must be an object");
  check_refused ("{\"text\":\"t\",\"colour\":1}", "unknown key 'colour'");
  check_refused ("{\"text\":\"t\",\"a\\u0000b\":1}", "unknown key 'a'");
  check_refused ("{\"text\":null}", "'text' must be something other than null");
  check_refused ("{\"text\":1}", "'text' must be text");
  check_refused ("{\"text\":\"a\\u0000b\"}", "'text' must be text without U+0000");
  check_refused ("{\"text\":\"t\",\"flag\":0}", "'flag' must be true or false");
  check_refused ("{\"text\":\"t\",\"small\":2147483648}",
                 "'small' must be a whole number from -2147483648 to 2147483647");
  check_refused ("{\"text\":\"t\",\"small\":1.0}",
                 "'small' must be a whole number from -2147483648 to 2147483647");
  check_refused ("{\"text\":\"t\",\"count\":-1}",
                 "'count' must be a whole number from 0 to 4294967295");
  check_refused ("{\"text\":\"t\",\"huge\":18446744073709551616}",
                 "'huge' must be a whole number from 0 to 18446744073709551615");
  check_refused ("{\"text\":\"t\",\"ratio\":\"1\"}", "'ratio' must be a number");
  check_refused ("{\"text\":\"t\",\"blob\":\"A\"}", "'blob' must be bytes in base64");
  check_refused ("{\"text\":\"t\",\"heat\":\"warm\"}", "'heat' must be cold, luke-warm, hot");
  check_refused ("{\"text\":\"t\",\"plate\":{}}", "in 'plate': 'name' is missing");
  check_refused ("{\"text\":\"t\",\"plates\":[{\"name\":1}]}", "in 'plates': 'name' must be text");
  check_refused ("{\"text\":\"t\",\"plates\":{}}", "'plates' must be an array");
  check_refused ("{\"text\":\"t\",\"words\":[1]}", "'words' must be an array of text");
}

static void
test_equality (void)
{
  g_autoptr (KitPlate) one = kit_plate_new ("a");
  g_autoptr (KitPlate) same = g_object_new (KIT_TYPE_PLATE, "name", "a", "weight", 0.25, NULL);
  g_autoptr (KitPlate) other = g_object_new (KIT_TYPE_PLATE, "name", "a", "weight", 0.5, NULL);
  g_autoptr (KitEverything) another = kit_everything_new ("a");

  g_assert_true (zu_record_equal (ZU_RECORD (one), ZU_RECORD (same)));
  g_assert_false (zu_record_equal (ZU_RECORD (one), ZU_RECORD (other)));
  g_assert_false (zu_record_equal (ZU_RECORD (one), ZU_RECORD (another)));
}

static void
test_properties (void)
{
  g_autoptr (KitPlate) plate = kit_plate_new ("a");
  g_autofree char *name = NULL;
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (plate), "weight");

  g_object_get (plate, "name", &name, NULL);
  g_assert_cmpstr (name, ==, "a");
  g_assert_true (pspec->flags & G_PARAM_CONSTRUCT_ONLY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/record/defaults", test_defaults);
  g_test_add_func ("/record/round-trip", test_round_trip);
  g_test_add_func ("/record/refused", test_refused);
  g_test_add_func ("/record/equality", test_equality);
  g_test_add_func ("/record/properties", test_properties);

  return g_test_run ();
}
