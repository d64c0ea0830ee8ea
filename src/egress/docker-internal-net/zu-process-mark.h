/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Names one process of one boot, so that its number may be used again. */
char *zu_process_mark_new (void);
gboolean zu_process_mark_is_alive (const char *mark);

G_END_DECLS
