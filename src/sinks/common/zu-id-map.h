/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Event ids to places in a log, 24 bytes an entry: a log of millions has its ids in memory. */
typedef struct _ZuIdMap ZuIdMap;

ZuIdMap *zu_id_map_new (void);
void zu_id_map_free (ZuIdMap *self);
void zu_id_map_clear (ZuIdMap *self);
gsize zu_id_map_get_size (ZuIdMap *self);

gboolean zu_id_map_add (ZuIdMap *self, const char *id, guint64 place);
gboolean zu_id_map_lookup (ZuIdMap *self, const char *id, guint64 *place);
void zu_id_map_remove_last (ZuIdMap *self, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuIdMap, zu_id_map_free)

G_END_DECLS
