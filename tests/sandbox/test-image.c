/* SPDX-License-Identifier: Apache-2.0 */

/* Image references and which of them may run: what is recorded of other implementations, and ours.
 */

#include "vectors-support.h"
#include "zu-image-reference.h"
#include <string.h>
#include <zu/zu.h>

static const char digest[] =
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void
test_spellings (void)
{
  const struct
  {
    const char *text;
    const char *whole;
    const char *brief;
  } cases[] = {
    { "x", "docker.io/library/x:latest", "x:latest" },
    { "x:latest", "docker.io/library/x:latest", "x:latest" },
    { "docker.io/x", "docker.io/library/x:latest", "x:latest" },
    { "docker.io/library/x", "docker.io/library/x:latest", "x:latest" },
    { "DOCKER.IO/x", "docker.io/library/x:latest", "x:latest" },
    { "index.docker.io/x", "docker.io/library/x:latest", "x:latest" },
    { "library/x:1", "docker.io/library/x:1", "x:1" },
    { "ns/x", "docker.io/ns/x:latest", "ns/x:latest" },
    { "localhost/x", "localhost/x:latest", "localhost/x:latest" },
    { "localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest" },
    { "GHCR.io/a/b_c/d__e-f.g:V1.0", "ghcr.io/a/b_c/d__e-f.g:V1.0", "ghcr.io/a/b_c/d__e-f.g:V1.0" },
    { "[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest" },
    { "docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest" },
    { "docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest" },
    { "a---b", "docker.io/library/a---b:latest", "a---b:latest" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuImageReference) image = zu_image_reference_parse (cases[i].text, &error);
      g_autofree char *whole = NULL, *brief = NULL;

      g_assert_no_error (error);
      whole = zu_image_reference_to_string (image);
      brief = zu_image_reference_dup_short (image);
      g_assert_cmpstr (whole, ==, cases[i].whole);
      g_assert_cmpstr (brief, ==, cases[i].brief);
    }
}

/* The tag says nothing any more where there is a digest. */
static void
test_digest (void)
{
  g_autofree char *text = g_strconcat ("ghcr.io/n/x:1@", digest, NULL);
  g_autofree char *expected = g_strconcat ("ghcr.io/n/x@", digest, NULL);
  g_autoptr (ZuImageReference) image = zu_image_reference_parse (text, NULL);
  g_autofree char *brief = zu_image_reference_dup_short (image);

  g_assert_cmpstr (image->tag, ==, "1");
  g_assert_cmpstr (image->digest, ==, digest);
  g_assert_cmpstr (brief, ==, expected);
}

static void
test_refused (void)
{
  const char *const cases[] = {
    "",
    "X",
    "ns/X",
    "x@sha256:aaaa",
    "x@sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "x@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "x@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@b",
    "user@host/x",
    "user@ghcr.io/x:1",
    "user:secret@ghcr.io/x",
    "https://ghcr.io/x",
    "ghcr.io//x",
    "ghcr.io/",
    "/x",
    "x/",
    "x:",
    "x:-a",
    "x:a b",
    "x y",
    "x\n",
    " x",
    "a..b",
    "a___b",
    "a._b",
    "-a",
    "a-",
    "../x",
    "./x",
    "ghcr.io/../x",
    "ghcr.io:port/x",
    "ghcr.io:0/x",
    "ghcr.io:65536/x",
    "ghcr.io:/x",
    "-a.io/x",
    "a..io/x",
    "[::1/x",
    "[::1%25lo]:5/x",
    "[1.2.3.4]/x",
    "x?force=1",
    "x#1",
    "x%2e",
    "\xc3\xa9",
    "\xff",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "sha256:aaaa",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      if (zu_image_reference_parse (cases[i], &error))
        g_error ("'%s' was taken for an image", cases[i]);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
}

static gboolean
is_allowed (const char *text, const char *const *asked, const char *configured, gboolean digests)
{
  g_autoptr (ZuImagePolicy) policy = zu_image_policy_new (asked, configured, digests);
  g_autoptr (ZuImageReference) image = zu_image_reference_parse (text, NULL);

  return zu_image_policy_check (policy, image, NULL);
}

static void
test_policy (void)
{
  const char *const mine[] = { "ghcr.io", NULL }, *const implied[] = { "", NULL };
  g_autofree char *pinned = g_strconcat ("x@", digest, NULL);

  g_assert_true (is_allowed ("x", NULL, NULL, FALSE));
  g_assert_true (is_allowed ("docker.io/x", NULL, NULL, FALSE));
  g_assert_true (is_allowed ("localhost/x", NULL, NULL, FALSE));
  g_assert_false (is_allowed ("localhost:5000/x", NULL, NULL, FALSE));
  g_assert_false (is_allowed ("ghcr.io/x", NULL, NULL, FALSE));
  g_assert_true (is_allowed ("GHCR.IO/x", mine, NULL, FALSE));
  g_assert_false (is_allowed ("x", mine, NULL, FALSE));
  g_assert_false (is_allowed ("docker.io/x", mine, NULL, FALSE));
  g_assert_true (is_allowed ("docker.io/library/x", implied, NULL, FALSE));
  g_assert_true (is_allowed ("quay.io/x", NULL, "quay.io", FALSE));
  g_assert_false (is_allowed ("quay.io/x", mine, "quay.io", FALSE));
  g_assert_false (is_allowed ("x:1", NULL, NULL, TRUE));
  g_assert_true (is_allowed (pinned, NULL, NULL, TRUE));
  g_setenv ("ZU_IMAGE_REGISTRY_ALLOWLIST", "a.io, ghcr.io", TRUE);
  g_assert_true (is_allowed ("ghcr.io/x", NULL, "quay.io", FALSE));
  g_assert_false (is_allowed ("quay.io/x", NULL, "quay.io", FALSE));
  g_unsetenv ("ZU_IMAGE_REGISTRY_ALLOWLIST");
  g_setenv ("ZU_IMAGE_REQUIRE_DIGEST", "1", TRUE);
  g_assert_false (is_allowed ("x", NULL, NULL, FALSE));
  g_assert_true (is_allowed (pinned, NULL, NULL, FALSE));
  g_unsetenv ("ZU_IMAGE_REQUIRE_DIGEST");
}

static char *
dup_text (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) value = zu_json_dup_member (object, name);

  return g_strdup (zu_json_get_string (value, NULL));
}

/* Where nothing is named the recorded registry is empty; ours is the one that is meant. */
static void
test_recorded (void)
{
  g_autoptr (ZuJson) file = vectors_read_json ("images.json");
  g_autoptr (ZuJson) images = zu_json_dup_member (file, "images");

  g_assert_cmpuint (zu_json_get_size (images), >, 10);
  for (gsize i = 0; i < zu_json_get_size (images); i++)
    {
      g_autoptr (ZuJson) entry = zu_json_dup_element (images, i), pinned = NULL;
      g_autofree char *text = dup_text (entry, "image"), *registry = dup_text (entry, "registry");
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuImageReference) image = zu_image_reference_parse (text, &error);

      g_assert_no_error (error);
      pinned = zu_json_dup_member (entry, "digest_pinned");
      g_assert_cmpstr (image->registry, ==, *registry ? registry : "docker.io");
      g_assert_cmpint (image->digest != NULL, ==, zu_json_get_boolean (pinned));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/image/spellings", test_spellings);
  g_test_add_func ("/image/digest", test_digest);
  g_test_add_func ("/image/refused", test_refused);
  g_test_add_func ("/image/policy", test_policy);
  g_test_add_func ("/image/recorded", test_recorded);
  return g_test_run ();
}
