/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

ZuSyncFigures *zu_sync_rate_measure (const char *folder, gint64 milliseconds,
                                     GCancellable *cancellable, GError **error);

G_END_DECLS
