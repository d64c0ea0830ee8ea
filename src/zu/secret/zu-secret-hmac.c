/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-secret-private.h"

#include <nettle/base16.h>
#include <string.h>

/* nettle's own HMAC builds the padded key on the stack, so the two hashes are made here, with pad,
 * state and digest in the locked pages. */

#if defined(__has_attribute)
#if __has_attribute(zero_call_used_regs)
#define CLEARS_REGISTERS __attribute__ ((zero_call_used_regs ("all")))
#endif
#endif
#ifndef CLEARS_REGISTERS
#define CLEARS_REGISTERS
#endif

/* The compression function expands each block on the stack and in registers: both are overwritten
 * from the same depth that it was called from. */
static void CLEARS_REGISTERS __attribute__ ((noinline)) burn_stack (void)
{
  guint8 used[2048];

  explicit_bzero (used, sizeof used);
}

static void
set_pad (ZuSecretScratch *scratch, const guint8 *key, gsize key_size, guint8 value)
{
  memset (scratch->pad, value, sizeof scratch->pad);
  for (gsize i = 0; i < key_size; i++)
    scratch->pad[i] ^= key[i];
}

static void
start_hash (ZuSecretScratch *scratch)
{
  sha256_init (&scratch->hash);
  sha256_update (&scratch->hash, sizeof scratch->pad, scratch->pad);
}

static void __attribute__ ((noinline))
hmac_in_pages (ZuSecret *self, ZuSecret *head, gconstpointer tail, gsize size, guint8 digest[32])
{
  ZuSecretScratch *scratch = &self->pages->scratch;
  gsize key_size;
  const guint8 *key = zu_secret_peek (self, &key_size);

  if (key_size > sizeof scratch->pad)
    {
      sha256_init (&scratch->hash);
      sha256_update (&scratch->hash, key_size, key);
      sha256_digest (&scratch->hash, sizeof scratch->digest, scratch->digest);
      key = scratch->digest;
      key_size = sizeof scratch->digest;
    }

  set_pad (scratch, key, key_size, 0x36);
  start_hash (scratch);
  if (head != NULL)
    {
      gsize head_size;
      const guint8 *bytes = zu_secret_peek (head, &head_size);

      sha256_update (&scratch->hash, head_size, bytes);
    }
  sha256_update (&scratch->hash, size, tail);

  /* The outer pad is made before the inner digest takes the place of a hashed key. */
  set_pad (scratch, key, key_size, 0x5c);
  sha256_digest (&scratch->hash, sizeof scratch->digest, scratch->digest);
  start_hash (scratch);
  sha256_update (&scratch->hash, sizeof scratch->digest, scratch->digest);
  sha256_digest (&scratch->hash, 32, digest);
}

static void
hmac (ZuSecret *self, ZuSecret *head, gconstpointer tail, gsize size, guint8 digest[32])
{
  g_mutex_lock (&self->lock);
  hmac_in_pages (self, head, tail, size, digest);
  burn_stack ();
  explicit_bzero (&self->pages->scratch, sizeof self->pages->scratch);
  g_mutex_unlock (&self->lock);
}

/**
 * zu_secret_hmac: (skip)
 * @self: the key
 * @message: the message
 * @size: its size in bytes
 * @digest: (out caller-allocates): room for 32 bytes
 *
 * Makes the HMAC-SHA256 (RFC 2104) of a message under this secret.
 *
 * Nothing of the key is left outside its locked pages.
 */
void
zu_secret_hmac (ZuSecret *self, gconstpointer message, gsize size, guint8 digest[32])
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (message != NULL || size == 0);

  hmac (self, NULL, message, size, digest);
}

/**
 * zu_secret_hmac_secret: (skip)
 * @self: the key
 * @head: the secret that the message begins with
 * @tail: what follows it in the message
 * @size: the size of @tail in bytes
 * @digest: (out caller-allocates): room for 32 bytes
 *
 * Makes the HMAC-SHA256 (RFC 2104), under this secret, of a message that begins with another one.
 *
 * Nothing of either secret is left outside its locked pages.
 */
void
zu_secret_hmac_secret (ZuSecret *self, ZuSecret *head, gconstpointer tail, gsize size,
                       guint8 digest[32])
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (head != NULL);
  g_return_if_fail (tail != NULL || size == 0);

  hmac (self, head, tail, size, digest);
}

/**
 * zu_secret_dup_hmac_hex:
 * @self: the key
 * @message: the message, as text
 *
 * Makes the HMAC-SHA256 (RFC 2104) of a text under this secret, as hexadecimal text.
 *
 * Returns: (transfer full): 64 hexadecimal digits in lower case
 */
char *
zu_secret_dup_hmac_hex (ZuSecret *self, const char *message)
{
  guint8 digest[SHA256_DIGEST_SIZE];
  char *hex;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (message != NULL, NULL);

  zu_secret_hmac (self, message, strlen (message), digest);
  hex = g_malloc (BASE16_ENCODE_LENGTH (sizeof digest) + 1);
  base16_encode_update (hex, sizeof digest, digest);
  hex[BASE16_ENCODE_LENGTH (sizeof digest)] = '\0';
  return hex;
}
