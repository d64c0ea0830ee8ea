/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-log-options.h"
#include "zuctl-table.h"

G_BEGIN_DECLS

/* Events on stdout, as JSON lines or as a table. */
typedef struct _ZuctlRows ZuctlRows;

ZuctlRows *zuctl_rows_new (gboolean is_json);
void zuctl_rows_free (ZuctlRows *self);
void zuctl_rows_add (ZuctlRows *self, GPtrArray *events);
void zuctl_rows_end (ZuctlRows *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuctlRows, zuctl_rows_free)

void zuctl_print_event (ZuEvent *event);

G_END_DECLS
