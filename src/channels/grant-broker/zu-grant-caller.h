/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-grant-rules.h"

G_BEGIN_DECLS

/* Who asks for a use: as the wire says, or as it is proven. */
typedef struct _ZuGrantCallers ZuGrantCallers;

ZuGrantCallers *zu_grant_callers_new (const char *settings, GError **error);
void zu_grant_callers_free (ZuGrantCallers *self);

gboolean zu_grant_callers_find (ZuGrantCallers *self, ZuGrantUse *use, char **peer,
                                const ZuGrantRefusal **refusal, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuGrantCallers, zu_grant_callers_free)

G_END_DECLS
