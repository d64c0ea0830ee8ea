/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

char *zu_measure_fd (int fd, GError **error);

G_END_DECLS
