/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-aes-gcm-key.h"

/* The keys of a provider that were asked for so far, and which of them is current. From any thread.
 */
typedef struct _ZuKeyRing ZuKeyRing;

ZuKeyRing *zu_key_ring_new (ZuKeyProvider *provider, guint refresh_interval);
void zu_key_ring_free (ZuKeyRing *self);

ZuAesGcmKey *zu_key_ring_get (ZuKeyRing *self, const char *id, GCancellable *cancellable,
                              GError **error);
ZuAesGcmKey *zu_key_ring_get_current (ZuKeyRing *self, gboolean refresh, GCancellable *cancellable,
                                      GError **error);
ZuAesGcmKey *zu_key_ring_peek_current (ZuKeyRing *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuKeyRing, zu_key_ring_free)
