/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-seal.h"

#include <nettle/memops.h>
#include <nettle/sha2.h>
#include <string.h>

/* Both begin what is hashed, so that nothing made for one purpose passes for another; a signature
 * of an event is of 64 hexadecimal digits, which neither can be. */
#define MAC_DOMAIN     "zu-trace-seal-1"
#define ELEMENT_DOMAIN "zu-seal-part-1."

/* What is hashed of most seals fits; a longer trace id takes memory of its own. */
#define ROOM 256

/**
 * zu_seal_parse_head: (skip)
 * @hex: 64 hexadecimal digits in lower case, as an event's hash is written
 * @head: (out caller-allocates): room for 32 bytes
 *
 * Reads the hash of an event.
 *
 * Returns: %FALSE where it is none
 */
gboolean
zu_seal_parse_head (const char *hex, guint8 head[ZU_SEAL_SIZE])
{
  g_return_val_if_fail (hex != NULL, FALSE);

  for (guint i = 0; i < ZU_SEAL_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (hex[2 * i]);
      int low = high < 0 ? -1 : g_ascii_xdigit_value (hex[2 * i + 1]);

      if (low < 0 || g_ascii_isupper (hex[2 * i]) || g_ascii_isupper (hex[2 * i + 1]))
        return FALSE;
      head[i] = (guint8) (high << 4 | low);
    }
  return hex[2 * ZU_SEAL_SIZE] == '\0';
}

/* Domain, numbers, head, trace: all but the last are of one size, so no two seals read alike. */
static gsize
write_body (const ZuSeal *seal, const char *domain, guint8 *out)
{
  const guint64 numbers[] = { GUINT64_TO_BE (seal->n_events), GUINT64_TO_BE (seal->last_seq) };
  gsize id_length = strlen (seal->trace_id);

  memcpy (out, domain, sizeof MAC_DOMAIN);
  out += sizeof MAC_DOMAIN;
  memcpy (out, numbers, sizeof numbers);
  out += sizeof numbers;
  memcpy (out, seal->head, ZU_SEAL_SIZE);
  memcpy (out + ZU_SEAL_SIZE, seal->trace_id, id_length);
  return sizeof MAC_DOMAIN + sizeof numbers + ZU_SEAL_SIZE + id_length;
}

static void
hash_plain (const guint8 *body, gsize size, guint8 digest[ZU_SEAL_SIZE])
{
  struct sha256_ctx context;

  sha256_init (&context);
  sha256_update (&context, size, body);
  sha256_digest (&context, ZU_SEAL_SIZE, digest);
}

static void
hash_seal (const ZuSeal *seal, const char *domain, ZuSecret *key, guint8 digest[ZU_SEAL_SIZE])
{
  guint8 room[ROOM];
  g_autofree guint8 *own = NULL;
  guint8 *body = room;
  gsize size;

  if (strlen (seal->trace_id) > ROOM / 2)
    body = own = g_malloc (strlen (seal->trace_id) + ROOM);
  size = write_body (seal, domain, body);
  if (key != NULL)
    zu_secret_hmac (key, body, size, digest);
  else
    hash_plain (body, size, digest);
}

/**
 * zu_seal_write_mac: (skip)
 * @seal: what is sealed of a trace
 * @key: the key
 * @mac: (out caller-allocates): room for 32 bytes
 *
 * Signs the seal of a trace.
 */
void
zu_seal_write_mac (const ZuSeal *seal, ZuSecret *key, guint8 mac[ZU_SEAL_SIZE])
{
  g_return_if_fail (seal != NULL);
  g_return_if_fail (key != NULL);

  hash_seal (seal, MAC_DOMAIN, key, mac);
}

/**
 * zu_seal_check_mac: (skip)
 * @seal: what is sealed of a trace
 * @key: the key
 * @mac: (nullable): the signature
 * @size: its size in bytes
 *
 * Tells whether the seal of a trace was made with a key, in constant time.
 *
 * Returns: whether it was
 */
gboolean
zu_seal_check_mac (const ZuSeal *seal, ZuSecret *key, gconstpointer mac, gsize size)
{
  guint8 right[ZU_SEAL_SIZE];

  g_return_val_if_fail (seal != NULL, FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  if (mac == NULL || size != sizeof right)
    return FALSE;
  zu_seal_write_mac (seal, key, right);
  return memeql_sec (mac, right, sizeof right);
}

/**
 * zu_seal_write_element: (skip)
 * @seal: what is sealed of a trace
 * @key: (nullable): the key of the log
 * @element: (out caller-allocates): room for 32 bytes
 *
 * Makes what the seal of a trace adds to the sum of its log. It is not stored: with a key nobody
 * without it knows one.
 */
void
zu_seal_write_element (const ZuSeal *seal, ZuSecret *key, guint8 element[ZU_SEAL_SIZE])
{
  g_return_if_fail (seal != NULL);

  hash_seal (seal, ELEMENT_DOMAIN, key, element);
}

/**
 * zu_seal_sum_add: (skip)
 * @sum: a sum; 32 zero bytes are the empty one
 * @element: what is added
 *
 * Adds an element, modulo 2^256, the first byte being the lowest. The order does not count.
 */
void
zu_seal_sum_add (guint8 sum[ZU_SEAL_SIZE], const guint8 element[ZU_SEAL_SIZE])
{
  guint carry = 0;

  for (guint i = 0; i < ZU_SEAL_SIZE; i++)
    {
      carry += (guint) sum[i] + element[i];
      sum[i] = (guint8) carry;
      carry >>= 8;
    }
}

/**
 * zu_seal_sum_subtract: (skip)
 * @sum: a sum
 * @element: what is taken out of it
 *
 * Takes an element out again.
 */
void
zu_seal_sum_subtract (guint8 sum[ZU_SEAL_SIZE], const guint8 element[ZU_SEAL_SIZE])
{
  int borrow = 0;

  for (guint i = 0; i < ZU_SEAL_SIZE; i++)
    {
      borrow += (int) sum[i] - element[i];
      sum[i] = (guint8) borrow;
      borrow = borrow < 0 ? -1 : 0;
    }
}
