/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Goes through a log a page at a time, in bounded memory, and where the log can be audited past
 * what is damaged. */
typedef struct _ZuctlPages ZuctlPages;

/* Called for something wrong with a row. */
typedef void (*ZuctlFound) (ZuAuditFinding *finding, gpointer user_data);

ZuctlPages *zuctl_pages_new (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit);
void zuctl_pages_free (ZuctlPages *self);
void zuctl_pages_set_found (ZuctlPages *self, ZuctlFound found, gpointer user_data);
GPtrArray *zuctl_pages_next (ZuctlPages *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuctlPages, zuctl_pages_free)

G_END_DECLS
