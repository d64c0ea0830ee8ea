/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Turns SIGTERM, SIGINT and SIGHUP into a cancellation, while the main thread is busy. The signal
 * mask stays as it is, since what is spawned would inherit it. */
typedef struct _ZuctlSignals ZuctlSignals;

ZuctlSignals *zuctl_signals_new (GCancellable *cancellable);
void zuctl_signals_free (ZuctlSignals *self);
int zuctl_signals_get_number (ZuctlSignals *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuctlSignals, zuctl_signals_free)

G_END_DECLS
