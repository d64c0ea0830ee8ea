/* SPDX-License-Identifier: Apache-2.0 */

/* Any packet from a proxy: it is refused, or an event's payload of exactly the fields that we know.
 */

#include "fuzz.h"

#include "zu-run-egress-record.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuRunEgressRecord) record =
      zu_run_egress_record_new ((const char *) data, size, &error);
  g_autoptr (ZuJson) payload = NULL;
  g_autoptr (ZuJson) port = NULL;
  gint64 number;

  if (record == NULL)
    {
      g_assert_nonnull (error);
      return 0;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (record->id, >, 0);
  payload = zu_json_builder_end (record->payload, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (zu_json_get_size (payload), >=, 12);
  g_assert_cmpuint (zu_json_get_size (payload), <=, 13);
  port = zu_json_dup_member (payload, "port");
  g_assert_true (zu_json_get_int64 (port, &number) && number >= 0);
  return 0;
}
