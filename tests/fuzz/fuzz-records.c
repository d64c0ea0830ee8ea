/* SPDX-License-Identifier: Apache-2.0 */

/* What the guest's own programs print: whatever is taken is printable. */

#include "fuzz.h"

#include "zu-records.h"

static void
check (const char *text)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (; *text; text++)
    g_assert_false (g_ascii_iscntrl (*text));
}

static void
check_files (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) files = zu_records_read_files (data, size, NULL);

  for (guint i = 0; files && i < files->len; i++)
    check (zu_file_info_get_name (files->pdata[i]));
}

static void
check_processes (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) processes = zu_records_read_processes (data, size, NULL);

  for (guint i = 0; processes && i < processes->len; i++)
    check (zu_process_info_get_command (processes->pdata[i]));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GPtrArray) mounts = zu_records_read_mounts (data, size, NULL, NULL);

  for (guint i = 0; mounts && i < mounts->len; i++)
    check (zu_mount_info_get_destination (mounts->pdata[i]));
  check_files (data, size);
  check_processes (data, size);
  return 0;
}
