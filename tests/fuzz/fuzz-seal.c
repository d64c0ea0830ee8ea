/* SPDX-License-Identifier: Apache-2.0 */

/* Any stored seal of a log: what is read is written as it was, and opens to what closes as the
 * same. */

#include "fuzz.h"

#include <string.h>
#include <zu/chain/zu-seal.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  guint8 again[ZU_SEAL_TOTAL_SIZE];
  ZuSealTotal total;
  ZuSealTrust trust;

  if (!zu_seal_total_parse (&total, data, size))
    return 0;
  g_assert_cmpmem (again, zu_seal_total_write (&total, again), data, size);

  trust = zu_seal_total_open (&total, NULL);
  if (trust == ZU_SEAL_TRUST_LOCKED)
    return 0;
  g_assert_cmpint (trust, ==, ZU_SEAL_TRUST_PLAIN);
  g_assert_true (zu_seal_total_close (&total, NULL, NULL));
  g_assert_cmpmem (again, zu_seal_total_write (&total, again), data, size);
  return 0;
}
