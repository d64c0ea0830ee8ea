/* SPDX-License-Identifier: Apache-2.0 */

/* Pages of rows, as a sink in another process may send them. */

#include "fuzz.h"

#include <zu/chain/zu-rows.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (ZuCodecSet) codecs = zu_codec_set_new ();
  g_autoptr (GBytes) page = g_bytes_new (data, size);
  g_autoptr (GBytes) revealed = zu_rows_reveal (page, codecs, NULL);
  g_autoptr (GBytes) again = NULL;
  g_autoptr (ZuAuditPage) audit = NULL;

  if (revealed == NULL)
    return 0;
  again = zu_rows_reveal (revealed, codecs, NULL);
  g_assert_nonnull (again);
  g_assert_true (g_bytes_equal (again, revealed));
  audit = zu_rows_audit (revealed, codecs, 0, NULL);
  g_assert_nonnull (audit);
  return 0;
}
