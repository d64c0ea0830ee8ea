/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

GBytes *zuctl_read_stdin (GError **error);
ZuJson *zuctl_read_json_file (const char *path, GError **error);

G_END_DECLS
