/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-grant-store.h"

G_BEGIN_DECLS

/* The events of grants, as texts. A grant's events are one trace, whose id is the grant's. */
char *zu_grant_event_issued (const ZuGrantRow *grant, const char *peer);
char *zu_grant_event_revoked (const ZuGrantRow *grant, const char *peer);
char *zu_grant_event_reserved (const ZuUseClaim *claim, ZuGrantUse *use);
char *zu_grant_event_done (const ZuUseClaim *claim, ZuGrantUse *use, const char *text);
char *zu_grant_event_refused (const ZuUseClaim *claim, ZuGrantUse *use, const char *refusal,
                              const char *text);

char *zu_grant_dup_time (gint64 microseconds);

G_END_DECLS
