/* SPDX-License-Identifier: Apache-2.0 */

/* Any token and any bundle of keys, with a line feed between: read or refused, and what holds names
 * a workload of the trust domain. */

#include "fuzz.h"

#include "zu-jwt-svid.h"
#include "zu-spiffe-id.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup (size > 0 ? (const char *) data : "", size);
  char *end = strchr (text, '\n');
  g_autoptr (ZuJson) bundle = NULL;
  g_autofree char *id = NULL;

  if (end == NULL)
    return 0;
  *end = '\0';
  bundle = zu_json_parse (end + 1, -1, NULL);
  if (bundle == NULL || zu_json_get_kind (bundle) != ZU_JSON_KIND_OBJECT)
    return 0;
  id = zu_jwt_svid_verify (text, bundle, "example.org", "fuzz");
  if (id != NULL)
    g_assert_true (zu_spiffe_is_workload (id, "example.org"));
  return 0;
}
