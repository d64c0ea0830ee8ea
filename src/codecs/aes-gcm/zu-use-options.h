/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-aes-gcm-key.h"

/* What both codecs have to say of their keys' uses: four properties, from @first on, and a signal.
 */
#define ZU_USE_N_PROPS 4

void zu_use_options_install (GObjectClass *klass, guint first);
gboolean zu_use_options_set (ZuUseLimits *limits, guint index, const GValue *value);
gboolean zu_use_options_get (const ZuUseLimits *limits, guint index, GValue *value);
gboolean zu_use_options_check (const ZuUseLimits *limits, GError **error);
gboolean zu_use_options_take (const ZuUseLimits *limits, ZuAesGcmKey *key, gpointer codec,
                              GError **error);
