/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* How far each destination of a bus has come in the canonical log, kept in a file. One bus of one
 * process at a time owns the file; the others wait for it to let go. From any thread. */
typedef struct _ZuPositions ZuPositions;

typedef enum
{
  ZU_POSITIONS_OWNED,
  ZU_POSITIONS_TAKEN, /* by another bus */
  ZU_POSITIONS_FAILED,
} ZuPositionsState;

ZuPositions *zu_positions_new (const char *path);
ZuPositions *zu_positions_ref (ZuPositions *self);
void zu_positions_unref (ZuPositions *self);

ZuPositionsState zu_positions_own (ZuPositions *self, GError **error);
gint64 zu_positions_get (ZuPositions *self, const char *destination, char **event_id);
void zu_positions_set (ZuPositions *self, const char *destination, gint64 seq,
                       const char *event_id);
gint64 zu_positions_get_due (ZuPositions *self);
gboolean zu_positions_save (ZuPositions *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuPositions, zu_positions_unref)

#pragma GCC visibility pop

G_END_DECLS
