/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-json.h"

/* The members of OBJECT, but for those of some NAMES. */
void
zu_run_json_copy_but (ZuJsonBuilder *builder, ZuJson *object, const char *const *names)
{
  for (gsize i = 0; i < zu_json_get_size (object); i++)
    {
      const char *name = zu_json_get_member_name (object, i, NULL);
      g_autoptr (ZuJson) value = NULL;

      if (g_strv_contains (names, name))
        continue;
      value = zu_json_dup_element (object, i);
      zu_json_builder_set_member (builder, name);
      zu_json_builder_add_json (builder, value);
    }
}
