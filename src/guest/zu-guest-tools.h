/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-guest-records.h"
#include "zu-guest.h"

int guest_tool_fail (const char *path);
int guest_tool_write (int fd, const void *data, size_t size);

/* zu-guest-tool-list.c: what is in a folder; with `deep` in all beneath it on its file system too.
 */
int guest_tool_list (const char *path, int deep);

/* zu-guest-tool-top.c: the processes, but for the first, its supervisors and this one. */
int guest_tool_top (void);
