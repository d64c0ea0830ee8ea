/* SPDX-License-Identifier: Apache-2.0 */

/* A caller's seccomp profile: what is taken never allows by default, and says the same once more.
 */

#include "fuzz.h"

#include "zu-seccomp-profile.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const ZuSeccompHost host = { .arch = "amd64", .kernel_major = 6, .kernel_minor = 1 };
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSeccompProfile) profile =
      zu_seccomp_profile_parse ((const char *) data, (gssize) size, &host, &error);
  g_autoptr (ZuSeccompProfile) again = NULL;

  if (!profile)
    {
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
      return 0;
    }
  g_assert_cmpuint (profile->default_action, !=, SCMP_ACT_ALLOW);
  for (guint i = 0; i < profile->rules->len; i++)
    g_assert_cmpuint (g_array_index (profile->rules, ZuSeccompRule, i).n_args, <=,
                      ZU_SECCOMP_MAX_ARGS);
  again = zu_seccomp_profile_parse ((const char *) data, (gssize) size, &host, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (again->rules->data, again->rules->len * sizeof (ZuSeccompRule),
                   profile->rules->data, profile->rules->len * sizeof (ZuSeccompRule));
  return 0;
}
