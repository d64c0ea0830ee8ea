/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-nonces.h"
#include "zu-use-count.h"

#include <zu/zu.h>

#define ZU_AES_GCM_TAG_SIZE 16

/* One key: its bytes, and how often it has encrypted. From any thread. */
typedef struct _ZuAesGcmKey ZuAesGcmKey;

ZuAesGcmKey *zu_aes_gcm_key_new (const char *id, ZuSecret *secret, GError **error);
ZuAesGcmKey *zu_aes_gcm_key_ref (ZuAesGcmKey *self);
void zu_aes_gcm_key_unref (ZuAesGcmKey *self);

const char *zu_aes_gcm_key_get_id (ZuAesGcmKey *self);
ZuUseCount *zu_aes_gcm_key_get_count (ZuAesGcmKey *self);

/* A body is prefix, nonce, ciphertext and tag; the prefix is appended to the associated data too.
 * To seal, its head is given: the prefix, and a nonce that was never used. */
GBytes *zu_aes_gcm_key_seal (ZuAesGcmKey *self, const guint8 *head, gsize head_size,
                             GBytes *plaintext, GBytes *associated_data, GError **error);
GBytes *zu_aes_gcm_key_open (ZuAesGcmKey *self, gsize prefix_size, GBytes *body,
                             GBytes *associated_data, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuAesGcmKey, zu_aes_gcm_key_unref)
