/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *zu_bound_sockets_find (const char *table, const char *folder);

G_END_DECLS
