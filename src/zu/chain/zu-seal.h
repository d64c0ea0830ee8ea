/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../secret/zu-secret.h"

G_BEGIN_DECLS

/**
 * ZU_SEAL_SIZE:
 *
 * The bytes of a hash, a MAC, an element and a commitment.
 */
#define ZU_SEAL_SIZE 32
/**
 * ZU_SEAL_NONCE_SIZE:
 *
 * The bytes that a commitment's mask is made from.
 */
#define ZU_SEAL_NONCE_SIZE 16
/**
 * ZU_SEAL_TOTAL_SIZE:
 *
 * The most bytes that the seal of a log takes where it is stored.
 */
#define ZU_SEAL_TOTAL_SIZE (1 + 4 * 8 + ZU_SEAL_NONCE_SIZE + 2 * ZU_SEAL_SIZE)

/**
 * ZuSeal:
 * @trace_id: the trace
 * @n_events: how many of its events are sealed
 * @last_seq: where the last of them stands in the log
 * @head: the hash of the last of them
 *
 * What is sealed of a trace. It owns nothing.
 */
typedef struct
{
  const char *trace_id;
  guint64 n_events;
  gint64 last_seq;
  guint8 head[ZU_SEAL_SIZE];
} ZuSeal;

/**
 * ZuSealTotal:
 * @n_traces: how many traces are sealed
 * @n_events: how many of their events are
 * @last_seq: where the last sealed event stands in the log; 0 for none
 * @encrypted_from: the sequence number from which on a plaintext row is refused; 0 for none
 * @sum: what the elements of all its traces' seals add up to
 * @is_signed: whether @nonce, @commitment and @mac were made with a key
 * @nonce: what the commitment's mask is made from
 * @commitment: the sum; masked where there is a key
 * @mac: of all but the sum
 *
 * What is sealed of a log. The last four are how it is stored.
 */
typedef struct
{
  guint64 n_traces;
  guint64 n_events;
  gint64 last_seq;
  gint64 encrypted_from;
  guint8 sum[ZU_SEAL_SIZE];

  gboolean is_signed;
  guint8 nonce[ZU_SEAL_NONCE_SIZE];
  guint8 commitment[ZU_SEAL_SIZE];
  guint8 mac[ZU_SEAL_SIZE];
} ZuSealTotal;

/**
 * ZuSealTrust:
 * @ZU_SEAL_TRUST_PLAIN: it is not signed: whoever can write the log can make it
 * @ZU_SEAL_TRUST_SIGNED: it was made with the key
 * @ZU_SEAL_TRUST_LOCKED: it is signed, and cannot be checked without the key
 * @ZU_SEAL_TRUST_FORGED: it was made with another key, or was changed
 *
 * How far the seal of a log can be believed.
 */
typedef enum
{
  ZU_SEAL_TRUST_PLAIN,
  ZU_SEAL_TRUST_SIGNED,
  ZU_SEAL_TRUST_LOCKED,
  ZU_SEAL_TRUST_FORGED,
} ZuSealTrust;

gboolean zu_seal_parse_head (const char *hex, guint8 head[ZU_SEAL_SIZE]);
void zu_seal_write_mac (const ZuSeal *seal, ZuSecret *key, guint8 mac[ZU_SEAL_SIZE]);
gboolean zu_seal_check_mac (const ZuSeal *seal, ZuSecret *key, gconstpointer mac, gsize size);
void zu_seal_write_element (const ZuSeal *seal, ZuSecret *key, guint8 element[ZU_SEAL_SIZE]);

void zu_seal_sum_add (guint8 sum[ZU_SEAL_SIZE], const guint8 element[ZU_SEAL_SIZE]);
void zu_seal_sum_subtract (guint8 sum[ZU_SEAL_SIZE], const guint8 element[ZU_SEAL_SIZE]);

/* The seal of a log: closed to be stored, opened to be gone on with. */
gboolean zu_seal_total_close (ZuSealTotal *total, ZuSecret *key, GError **error);
ZuSealTrust zu_seal_total_open (ZuSealTotal *total, ZuSecret *key);
gsize zu_seal_total_write (const ZuSealTotal *total, guint8 bytes[ZU_SEAL_TOTAL_SIZE]);
gboolean zu_seal_total_parse (ZuSealTotal *total, gconstpointer bytes, gsize size);

G_END_DECLS
