/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* Where a text is, in the process table and in the memory of processes. */

gboolean scan_process_table (const char *text);
guint scan_memory (GPid pid, const char *text, guint *n_locked);
