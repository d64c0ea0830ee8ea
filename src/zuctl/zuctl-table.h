/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Aligned columns on stdout. The last one takes what is left of a terminal's width. */
typedef struct _ZuctlTable ZuctlTable;

ZuctlTable *zuctl_table_new (const char *const *titles);
void zuctl_table_free (ZuctlTable *self);

void zuctl_table_add (ZuctlTable *self, const char *const *cells);
void zuctl_table_flush (ZuctlTable *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuctlTable, zuctl_table_free)

G_END_DECLS
