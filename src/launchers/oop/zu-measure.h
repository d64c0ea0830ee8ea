/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Opens a program and hashes what is behind the descriptor: "sha256:" and 64 hexadecimal digits. */
int zu_measure_open (const char *path, char **measurement, GError **error);

G_END_DECLS
