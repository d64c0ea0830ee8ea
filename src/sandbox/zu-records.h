/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

GPtrArray *zu_records_read_files (gconstpointer data, gsize size, GError **error);
GPtrArray *zu_records_read_processes (gconstpointer data, gsize size, GError **error);
GPtrArray *zu_records_read_mounts (gconstpointer data, gsize size, ZuJson *sources, GError **error);

G_END_DECLS
