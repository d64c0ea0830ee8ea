/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sink-link.h"

G_BEGIN_DECLS

/* The heads and ids of a log that is read from its start: what a sink without an index of its own
 * needs to link events and to know a repeated one. Not locked; the sink's lock holds it. */
typedef struct _ZuLinker ZuLinker;

ZuLinker *zu_linker_new (ZuSinkRole role, ZuSecret *sign_key);
void zu_linker_free (ZuLinker *self);
void zu_linker_clear (ZuLinker *self);

gboolean zu_linker_find (ZuLinker *self, ZuEvent *event, guint64 *place);
ZuEvent *zu_linker_link (ZuLinker *self, ZuEvent *event, GError **error);
void zu_linker_note (ZuLinker *self, ZuEvent *stored, guint64 place);

void zu_linker_commit (ZuLinker *self);
void zu_linker_roll_back (ZuLinker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuLinker, zu_linker_free)

G_END_DECLS
