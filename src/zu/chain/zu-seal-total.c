/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-seal.h"

#include <errno.h>
#include <gio/gio.h>
#include <nettle/memops.h>
#include <string.h>
#include <sys/random.h>

/* The sum of a log's seals is an incremental multiset hash: MSet-Add-Hash of Clarke, Devadas, van
 * Dijk, Gassend and Suh, "Incremental Multiset Hash Functions and Their Application to Memory
 * Integrity Checking" (ASIACRYPT 2003). A change of one trace takes one element out and puts one
 * in, however many traces there are. Its proof wants elements that are a keyed function's and a sum
 * that is masked anew each time it is shown: otherwise old seals that add up alike could be looked
 * for. Without a key the elements are plain hashes and nothing is masked; whoever can write the log
 * could then make the seals anew anyway. */

#define MAC_DOMAIN  "zu-log-seal-1"
#define MASK_DOMAIN "zu-seal-mask-1"

#define PLAIN_FORM  1
#define SIGNED_FORM 2
#define PLAIN_SIZE  (1 + 4 * 8 + ZU_SEAL_SIZE)

static guint8 *
put (guint8 *out, gconstpointer bytes, gsize size)
{
  memcpy (out, bytes, size);
  return out + size;
}

static const guint8 *
take (const guint8 *from, gpointer bytes, gsize size)
{
  memcpy (bytes, from, size);
  return from + size;
}

/* All but the signature. */
static guint8 *
write_body (const ZuSealTotal *total, guint8 *out)
{
  const guint64 numbers[] = { GUINT64_TO_BE (total->n_traces), GUINT64_TO_BE (total->n_events),
                              GUINT64_TO_BE (total->last_seq),
                              GUINT64_TO_BE (total->encrypted_from) };

  *out++ = total->is_signed ? SIGNED_FORM : PLAIN_FORM;
  out = put (out, numbers, sizeof numbers);
  if (total->is_signed)
    out = put (out, total->nonce, ZU_SEAL_NONCE_SIZE);
  return put (out, total->commitment, ZU_SEAL_SIZE);
}

static void
write_mac (const ZuSealTotal *total, ZuSecret *key, guint8 mac[ZU_SEAL_SIZE])
{
  guint8 body[sizeof MAC_DOMAIN + ZU_SEAL_TOTAL_SIZE];
  guint8 *end = write_body (total, put (body, MAC_DOMAIN, sizeof MAC_DOMAIN));

  zu_secret_hmac (key, body, (gsize) (end - body), mac);
}

/* What is added to the sum before it is shown. */
static void
write_mask (const ZuSealTotal *total, ZuSecret *key, guint8 mask[ZU_SEAL_SIZE])
{
  guint8 body[sizeof MASK_DOMAIN + ZU_SEAL_NONCE_SIZE];
  guint8 *end = put (put (body, MASK_DOMAIN, sizeof MASK_DOMAIN), total->nonce, ZU_SEAL_NONCE_SIZE);

  zu_secret_hmac (key, body, (gsize) (end - body), mask);
}

static gboolean
draw_nonce (guint8 nonce[ZU_SEAL_NONCE_SIZE], GError **error)
{
  gssize n;

  do
    n = getrandom (nonce, ZU_SEAL_NONCE_SIZE, 0);
  while (n < 0 && errno == EINTR);

  if (n == ZU_SEAL_NONCE_SIZE)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "the kernel gives no random bytes: %s",
               g_strerror (errno));
  return FALSE;
}

/**
 * zu_seal_total_close: (skip)
 * @total: the seal of a log
 * @key: (nullable): the key of the log
 * @error: return location for an error
 *
 * Makes what is stored, anew each time: from the sum the commitment, and with a key the signature.
 *
 * Returns: %FALSE with an error of the domain `G_IO_ERROR` where the kernel gives no random bytes
 */
gboolean
zu_seal_total_close (ZuSealTotal *total, ZuSecret *key, GError **error)
{
  guint8 mask[ZU_SEAL_SIZE];

  g_return_val_if_fail (total != NULL, FALSE);

  total->is_signed = key != NULL;
  memcpy (total->commitment, total->sum, ZU_SEAL_SIZE);
  if (key == NULL)
    return TRUE;
  if (!draw_nonce (total->nonce, error))
    return FALSE;

  write_mask (total, key, mask);
  zu_seal_sum_add (total->commitment, mask);
  write_mac (total, key, total->mac);
  return TRUE;
}

/**
 * zu_seal_total_open: (skip)
 * @total: the seal of a log as it was stored
 * @key: (nullable): the key of the log
 *
 * Checks the seal of a log, and makes its sum known.
 *
 * Returns: how far it can be believed; only a plain and a signed one have a sum
 */
ZuSealTrust
zu_seal_total_open (ZuSealTotal *total, ZuSecret *key)
{
  guint8 right[ZU_SEAL_SIZE];

  g_return_val_if_fail (total != NULL, ZU_SEAL_TRUST_FORGED);

  memset (total->sum, 0, ZU_SEAL_SIZE);
  if (total->is_signed && key == NULL)
    return ZU_SEAL_TRUST_LOCKED;

  memcpy (total->sum, total->commitment, ZU_SEAL_SIZE);
  if (!total->is_signed)
    return ZU_SEAL_TRUST_PLAIN;

  write_mac (total, key, right);
  if (!memeql_sec (right, total->mac, sizeof right))
    {
      memset (total->sum, 0, ZU_SEAL_SIZE);
      return ZU_SEAL_TRUST_FORGED;
    }
  write_mask (total, key, right);
  zu_seal_sum_subtract (total->sum, right);
  return ZU_SEAL_TRUST_SIGNED;
}

/**
 * zu_seal_total_write: (skip)
 * @total: the seal of a log, closed
 * @bytes: (out caller-allocates): room for %ZU_SEAL_TOTAL_SIZE bytes
 *
 * Writes the seal of a log as it is stored: a byte that tells the form; four numbers of 8 bytes,
 * the highest byte first; with a key the nonce; the commitment; with a key the signature.
 *
 * Returns: how many bytes it took
 */
gsize
zu_seal_total_write (const ZuSealTotal *total, guint8 bytes[ZU_SEAL_TOTAL_SIZE])
{
  guint8 *end;

  g_return_val_if_fail (total != NULL, 0);

  end = write_body (total, bytes);
  if (total->is_signed)
    end = put (end, total->mac, ZU_SEAL_SIZE);
  return (gsize) (end - bytes);
}

/**
 * zu_seal_total_parse: (skip)
 * @total: (out caller-allocates): the seal of a log
 * @bytes: (nullable): what was stored
 * @size: its size in bytes
 *
 * Reads the seal of a log, which may come from anybody. It is not opened yet.
 *
 * Returns: %FALSE where it is none
 */
gboolean
zu_seal_total_parse (ZuSealTotal *total, gconstpointer bytes, gsize size)
{
  const guint8 *from = bytes;
  guint64 numbers[4];

  g_return_val_if_fail (total != NULL, FALSE);

  memset (total, 0, sizeof *total);
  if (from == NULL || size == 0 || (*from != PLAIN_FORM && *from != SIGNED_FORM)
      || size != (*from == PLAIN_FORM ? (gsize) PLAIN_SIZE : (gsize) ZU_SEAL_TOTAL_SIZE))
    return FALSE;

  total->is_signed = *from++ == SIGNED_FORM;
  from = take (from, numbers, sizeof numbers);
  total->n_traces = GUINT64_FROM_BE (numbers[0]);
  total->n_events = GUINT64_FROM_BE (numbers[1]);
  total->last_seq = (gint64) GUINT64_FROM_BE (numbers[2]);
  total->encrypted_from = (gint64) GUINT64_FROM_BE (numbers[3]);
  if (total->is_signed)
    from = take (from, total->nonce, ZU_SEAL_NONCE_SIZE);
  from = take (from, total->commitment, ZU_SEAL_SIZE);
  if (total->is_signed)
    take (from, total->mac, ZU_SEAL_SIZE);
  return TRUE;
}
