/* SPDX-License-Identifier: Apache-2.0 */

/* Any image reference: it is refused, or its whole text is read again as the same image and holds
 * nothing that means something in a path of the engine's. */

#include "fuzz.h"

#include "zu-image-reference.h"

#include <string.h>

static void
check_again (const ZuImageReference *image, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuImageReference) again = zu_image_reference_parse (text, &error);
  g_autofree char *whole = zu_image_reference_to_string (image), *other = NULL;

  g_assert_no_error (error);
  other = zu_image_reference_to_string (again);
  g_assert_cmpstr (image->registry, ==, again->registry);
  g_assert_cmpstr (image->repository, ==, again->repository);
  g_assert_cmpstr (image->digest, ==, again->digest);
  if (!image->digest)
    g_assert_cmpstr (whole, ==, other);
  g_assert_null (strpbrk (whole, "?#%&\\ \t\r\n"));
  /* No part of a path is empty, `.` or `..`; a tag may have dots in it. */
  g_assert_null (strstr (whole, "/."));
  g_assert_null (strstr (whole, "./"));
  g_assert_null (strstr (whole, "//"));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = size > 0 ? g_strndup ((const char *) data, size) : g_strdup ("");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuImageReference) image = zu_image_reference_parse (text, &error);
  g_autofree char *whole = NULL, *brief = NULL;

  if (!image)
    {
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      return 0;
    }
  whole = zu_image_reference_to_string (image);
  brief = zu_image_reference_dup_short (image);
  check_again (image, whole);
  check_again (image, brief);
  return 0;
}
