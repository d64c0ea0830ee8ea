/* SPDX-License-Identifier: Apache-2.0 */

#include <zu-redact.h>

#include <string.h>

/* What must be cut from an argument, and what must stay around it. */
typedef struct
{
  const char *text;
  const char *secret; /* NULL where nothing is to be cut */
  const char *kept;
} Case;

static const Case cases[] = {
  { "https://bob:hunter2@example.org/x", "bob:hunter2", "@example.org/x" },
  { "https://bob:p@ss@example.org/x", "bob:p@ss", "https://" },
  { "postgresql://u:s3cret@db/zu", "u:s3cret", "@db/zu" },
  { "https://example.org/?access_token=abc123&page=2", "abc123", "&page=2" },
  { "Authorization: Bearer abc.def-ghi", "abc.def-ghi", "Authorization: " },
  { "authorization: basic dXNlcjpwdw==", "dXNlcjpwdw==", NULL },
  { "X-Api-Key: 0123456789", "0123456789", "X-Api-Key: " },
  { "Cookie: session=1", "session=1", NULL },
  { "bearer abcdef", "abcdef", "bearer " },
  { "--password=hunter2", "hunter2", "--password=" },
  { "DB_PASSWORD=hunter2", "hunter2", "DB_PASSWORD=" },
  { "AWS_SECRET_ACCESS_KEY=wJalr/XUtn", "wJalr/XUtn", NULL },
  { "{\"api_key\": \"k 1\", \"n\": 1}", "k 1", "\"n\": 1}" },
  { "curl --token abc123 https://x", "abc123", "https://x" },
  { "export SECRET='a b c'; run", "a b c", "; run" },
  { "curl -u bob:hunter2 https://x", "hunter2", "-u bob:" },
  { "sshpass -p hunter2 ssh host", "hunter2", "ssh host" },
  { "mysql -h db -phunter2 zu", "hunter2", " zu" },
  { "x ghp_0123456789abcdefghij y", "ghp_0123456789abcdefghij", "x " },
  { "tok_0123456789abcdef01234567", "tok_0123456789abcdef01234567", NULL },
  { "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "eyJzdWIiOiIxIn0", NULL },
  { "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE", NULL },
  { "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE",
    "-----BEGIN RSA PRIVATE KEY-----" },
  { "keyboard", NULL, NULL },
  { "author=me", NULL, NULL },
  { "--sign-key-file=/etc/key", NULL, NULL },
  { "docker run --user 1000:1000 x", NULL, NULL },
  { "https://example.org/a?b=c", NULL, NULL },
  { "user@example.org:/path", NULL, NULL },
  { "echo hello, world", NULL, NULL },
  { "", NULL, NULL },
};

static void
test_texts (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *redacted = zu_redact_text (cases[i].text);

      g_test_message ("%s -> %s", cases[i].text, redacted);
      if (cases[i].secret == NULL)
        {
          g_assert_cmpstr (redacted, ==, cases[i].text);
          continue;
        }
      g_assert_null (strstr (redacted, cases[i].secret));
      g_assert_nonnull (strstr (redacted, "[redacted sha256:"));
      if (cases[i].kept != NULL)
        g_assert_nonnull (strstr (redacted, cases[i].kept));
    }
}

static void
test_digest (void)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "hunter2", -1);
  g_autofree char *expected = g_strdup_printf ("--password=[redacted sha256:%s]", digest);
  g_autofree char *redacted = zu_redact_text ("--password=hunter2");

  g_assert_cmpstr (redacted, ==, expected);
}

static void
test_argv (void)
{
  const char *const argv[] = { "curl",        "--api-key", "k1",     "-u",  "bob:hunter2",
                               "--key-file",  "/k",        "--user", "0:0", "--password",
                               "--no-secret", "plain",     NULL };
  g_auto (GStrv) redacted = zu_redact_argv (argv);

  g_assert_cmpuint (g_strv_length (redacted), ==, G_N_ELEMENTS (argv) - 1);
  g_assert_cmpstr (redacted[1], ==, "--api-key");
  g_assert_true (g_str_has_prefix (redacted[2], "[redacted sha256:"));
  g_assert_true (g_str_has_prefix (redacted[4], "bob:[redacted sha256:"));
  g_assert_cmpstr (redacted[6], ==, "/k");
  g_assert_cmpstr (redacted[8], ==, "0:0");
  g_assert_cmpstr (redacted[10], ==, "--no-secret");
}

static void
test_short_password (void)
{
  const char *const beside[] = { "/usr/bin/mysql", "-phunter2", "zu", NULL };
  const char *const follows[] = { "sshpass", "-p", "hunter2", "ssh", "-p", "22", NULL };
  const char *const other[] = { "mkdir", "-pv", "hunter2", NULL };
  g_auto (GStrv) one = zu_redact_argv (beside);
  g_auto (GStrv) two = zu_redact_argv (follows);
  g_auto (GStrv) three = zu_redact_argv (other);

  g_assert_true (g_str_has_prefix (one[1], "-p[redacted sha256:"));
  g_assert_true (g_str_has_prefix (two[2], "[redacted sha256:"));
  g_assert_cmpstr (three[1], ==, "-pv");
}

/* Neither bytes that are no UTF-8 nor a text without end may hold it up or make it fail. */
static void
test_odd_input (void)
{
  g_autofree char *invalid = zu_redact_text ("\xff\xfe password=\xff\xff");
  g_autofree char *dots = g_strnfill (1 << 17, '-');
  g_autofree char *letters = g_strnfill (1 << 17, 'a');
  g_autofree char *long_dots = zu_redact_text (dots);
  g_autofree char *long_letters = zu_redact_text (letters);
  g_autofree char *tangled = g_strconcat (letters, ":/ ://@ = --", letters, " token -p", NULL);
  g_autofree char *long_tangled = zu_redact_text (tangled);

  g_assert_true (g_utf8_validate (invalid, -1, NULL));
  g_assert_nonnull (strstr (invalid, "[redacted sha256:"));
  g_assert_nonnull (long_dots);
  g_assert_nonnull (long_tangled);
  g_assert_cmpstr (long_letters, ==, letters);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/redact/texts", test_texts);
  g_test_add_func ("/redact/digest", test_digest);
  g_test_add_func ("/redact/argv", test_argv);
  g_test_add_func ("/redact/short-password", test_short_password);
  g_test_add_func ("/redact/odd-input", test_odd_input);

  return g_test_run ();
}
