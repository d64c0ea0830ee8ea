/* SPDX-License-Identifier: Apache-2.0 */

/* The single pass over stored text against the general reader and writer: on values that a
 * generator makes, on the edges of what it takes, and on what it must leave. It is compiled in,
 * once with and once without what the processor has for it. */

#include <zu/event/zu-event-private.h>

#define ROUNDS 4000

typedef struct
{
  GRand *random;
  GString *text;
  guint depth;
} Maker;

static char *
dup_general (const char *text)
{
  g_autoptr (ZuJson) value = zu_json_parse (text, -1, NULL);

  return value == NULL ? NULL : zu_json_to_canonical_string (value);
}

/* The canonical text of TEXT by the single pass; NULL where it is left to the general way. */
static char *
dup_short (const char *text)
{
  gsize length = strlen (text);
  g_autofree char *padded = g_malloc0 (length + ZU_JSON_PADDING);
  ZuBuffer out = { 0 };
  const char *end;

  memcpy (padded, text, length);
  end = zu_json_canonicalise (padded, padded + length, &out);
  if (end == NULL || end != padded + length)
    {
      zu_buffer_clear (&out);
      return NULL;
    }
  return zu_buffer_steal (&out);
}

static gboolean
check_same (const char *text)
{
  g_autofree char *brief = dup_short (text);
  g_autofree char *general = dup_general (text);

  if (brief != NULL)
    g_assert_cmpstr (brief, ==, general);
  return brief != NULL;
}

static void
make_string (Maker *self)
{
  static const char *const parts[] = {
    "a", "item", " ",          "~", "\\n", "\\\"", "\\\\", "\\u0001", "\\u001f",
    "é", "€",    "\U0001f600", "0", "_",   "Z",    "\\b",  "\\u000b", "plain text of some length"
  };

  g_string_append_c (self->text, '"');
  for (int n = g_rand_int_range (self->random, 0, 6); n > 0; n--)
    g_string_append (self->text, parts[g_rand_int_range (self->random, 0, G_N_ELEMENTS (parts))]);
  g_string_append_c (self->text, '"');
}

static void
make_number (Maker *self)
{
  static const char *const numbers[] = { "0",
                                         "-1",
                                         "12345",
                                         "0.0",
                                         "-0.0",
                                         "0.25",
                                         "100.0",
                                         "0.0001",
                                         "0.5",
                                         "1234567.125",
                                         "-7.5",
                                         "123456789012345.0",
                                         "99999999999999999999999999",
                                         "0.00001",
                                         "1e+16",
                                         "1e-7",
                                         "1.5e+300",
                                         "5e-324" };

  g_string_append (self->text, numbers[g_rand_int_range (self->random, 0, G_N_ELEMENTS (numbers))]);
}

static void make_value (Maker *self);

static void
make_object (Maker *self)
{
  int n = g_rand_int_range (self->random, 0, 7);

  g_string_append_c (self->text, '{');
  for (int i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (self->text, ',');
      /* Few letters, so that names are often out of order, sometimes one another's beginning, and
       * sometimes the same. */
      g_string_append_c (self->text, '"');
      for (int letters = g_rand_int_range (self->random, 0, 12); letters > 0; letters--)
        g_string_append_c (self->text, (char) g_rand_int_range (self->random, 'a', 'd'));
      g_string_append (self->text, "\":");
      make_value (self);
    }
  g_string_append_c (self->text, '}');
}

static void
make_array (Maker *self)
{
  int n = g_rand_int_range (self->random, 0, 5);

  g_string_append_c (self->text, '[');
  for (int i = 0; i < n; i++)
    {
      if (i > 0)
        g_string_append_c (self->text, ',');
      make_value (self);
    }
  g_string_append_c (self->text, ']');
}

static void
make_value (Maker *self)
{
  static const char *const words[] = { "true", "false", "null" };
  int kind = g_rand_int_range (self->random, 0, self->depth > 5 ? 4 : 7);

  self->depth++;
  if (kind <= 1)
    make_string (self);
  else if (kind == 2)
    make_number (self);
  else if (kind == 3)
    g_string_append (self->text, words[g_rand_int_range (self->random, 0, 3)]);
  else if (kind == 4)
    make_array (self);
  else
    make_object (self);
  self->depth--;
}

static void
test_random (void)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (20240305);
  g_autoptr (GString) text = g_string_new (NULL);
  guint n_short = 0;

  for (guint i = 0; i < ROUNDS; i++)
    {
      Maker maker = { random, text, 0 };

      g_string_truncate (text, 0);
      make_object (&maker);
      n_short += check_same (text->str);
    }
  /* Names that are the same, and some floats, are left to the general way: not more. */
  g_assert_cmpuint (n_short, >, ROUNDS / 4);
}

/* Every change of a byte, and every beginning. */
static void
test_changed (void)
{
  const char *text =
      "{\"z\":[1,-2.5,true,null,{}],\"a\":{\"y\":\"\\u0001é\\n\",\"x\":[]},\"m\":0.001}";
  gsize length = strlen (text);

  g_assert_true (check_same (text));
  for (gsize i = 0; i < length; i++)
    {
      g_autofree char *cut = g_strndup (text, i);

      g_assert_null (dup_short (cut));
      for (guint c = 1; c < 256; c++)
        {
          g_autofree char *changed = g_strdup (text);

          changed[i] = (char) c;
          check_same (changed);
        }
    }
}

static void
test_taken (void)
{
  static const char *const taken[] = {
    "{}",
    "[]",
    "{\"\":1}",
    "{\"b\":1,\"a\":2}",
    "{\"a\":1,\"ab\":2,\"b\":3}",
    "{\"ab\":1,\"a\":2}",
    "{\"a!\":1,\"a\":2}",
    "{\"b\":{\"d\":[{\"f\":1,\"e\":2}],\"c\":3},\"a\":4}",
    "[0.0,-0.0,0.0001,12345678901234.0,99999.9999999999]",
    "[0,-1,123456789012345678901234567890]",
    "\"\\b\\t\\n\\f\\r\\\"\\\\\\u0000\\u000b\\u001f\"",
    "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    if (!check_same (taken[i]))
      g_error ("%s was left to the general way", taken[i]);
}

/* Whether these are values or not, the single pass is not the one to say. */
static void
test_left (void)
{
  static const char *const left[] = {
    "",
    " {}",
    "{} ",
    "{ }",
    "[1, 2]",
    "{\"a\" :1}",
    "{\"a\":1,\"a\":2}",
    "{\"b\":1,\"a\":2,\"b\":3}",
    "{\"\\n\":1}",
    "{\"é\":1}",
    "-0",
    "01",
    "1.",
    "1.50",
    "1e5",
    "1E+16",
    "0.00001",
    "123456789012345.0",
    "-",
    "+1",
    "NaN",
    "Infinity",
    "-Infinity",
    "tru",
    "nul",
    "\"\\/\"",
    "\"\\u0041\"",
    "\"\\u001F\"",
    "\"\\u0008\"",
    "\"\\u000a\"",
    "\"\x7f\"",
    "\"\\u00e9\"",
    "\"\xc0\x80\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\x80\"",
    "\"\xe2\x82\"",
    "\"\n\"",
    "\"a",
    "\"\\",
    "[1,]",
    "[,1]",
    "{\"a\"}",
    "{\"a\":}",
    "{,}",
    "[1}",
    "{\"a\":1]",
    "[[]",
    "1 2",
    "'a'",
  };

  for (guint i = 0; i < G_N_ELEMENTS (left); i++)
    {
      g_autofree char *brief = dup_short (left[i]);

      if (brief != NULL)
        g_error ("'%s' was taken as '%s'", left[i], brief);
    }
}

static char *
repeat (const char *before, guint n, const char *between, const char *after)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append (text, before);
  g_string_append (text, between);
  for (guint i = 0; i < n; i++)
    g_string_append (text, after);
  return g_string_free (text, FALSE);
}

static char *
make_members (guint n, gboolean is_sorted)
{
  GString *text = g_string_new ("{");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s\"k%05u\":%u", i == 0 ? "" : ",", is_sorted ? i : n - i, i);
  g_string_append_c (text, '}');
  return g_string_free (text, FALSE);
}

/* What the single pass has room for, and one more. */
static void
test_limits (void)
{
  g_autofree char *deep = repeat ("[", 32, "[]", "]");
  g_autofree char *deeper = repeat ("[", 33, "[]", "]");
  g_autofree char *many = make_members (256, TRUE);
  g_autofree char *more = make_members (257, TRUE);
  g_autofree char *moved = make_members (64, FALSE);
  g_autofree char *not_moved = make_members (65, FALSE);
  g_autofree char *digits = repeat ("9", ZU_JSON_MAX_DIGITS, "", "");
  g_autofree char *too_many_digits = repeat ("9", ZU_JSON_MAX_DIGITS + 1, "", "");

  g_assert_true (check_same (deep));
  g_assert_false (check_same (deeper));
  g_assert_true (check_same (many));
  g_assert_false (check_same (more));
  g_assert_true (check_same (moved));
  g_assert_false (check_same (not_moved));
  g_assert_true (check_same (digits));
  g_assert_false (check_same (too_many_digits));
}

/* Objects of every length around the sizes in which bytes are looked at and moved. */
static void
test_lengths (void)
{
  for (guint n = 0; n < 1200; n += n < 100 ? 1 : 97)
    {
      g_autofree char *filler = g_strnfill (n, 'x');
      g_autofree char *text =
          g_strdup_printf ("{\"b\":\"%s\",\"a\":\"%sé%s\"}", filler, filler, filler);
      g_autofree char *name =
          g_strdup_printf ("{\"%s\":1,\"%sb\":2,\"%sa\":3}", filler, filler, filler);

      g_assert_true (check_same (text));
      g_assert_true (check_same (name));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/canonical/random", test_random);
  g_test_add_func ("/canonical/changed", test_changed);
  g_test_add_func ("/canonical/taken", test_taken);
  g_test_add_func ("/canonical/left", test_left);
  g_test_add_func ("/canonical/limits", test_limits);
  g_test_add_func ("/canonical/lengths", test_lengths);
  return g_test_run ();
}
