/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

int zu_proxy_open_listener (const char *address, int fd, GError **error);
void zu_proxy_print_listener (int fd);

G_END_DECLS
