/* SPDX-License-Identifier: Apache-2.0 */

/* What is computed from an event's content: its canonical text, its digest, its links. */

#include "zu-event-private.h"

#include <nettle/sha2.h>

#define HEX_SIZE (ZU_EVENT_DIGEST_SIZE - 1)

/* Four bytes as eight digits in lower case: each half byte in a byte of its own, and a letter where
 * it is past 9. */
static inline guint64
spell_hex (guint32 bytes)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);
  guint64 x = bytes;

  x = (x | x << 16) & G_GUINT64_CONSTANT (0x0000ffff0000ffff);
  x = (x | x << 8) & G_GUINT64_CONSTANT (0x00ff00ff00ff00ff);
  x = (x | x << 4) & G_GUINT64_CONSTANT (0x0f0f0f0f0f0f0f0f);
  return x + ones * '0' + ((x + ones * 6) >> 4 & ones) * ('a' - '9' - 1);
}

static void
write_hex (const guint8 *bytes, char *out)
{
  for (guint i = 0; i < SHA256_DIGEST_SIZE; i += 4)
    {
      guint32 word;
      guint64 digits;

      memcpy (&word, bytes + i, sizeof word);
      word = GUINT32_FROM_BE (word);
      digits = spell_hex (word);
      digits = GUINT64_TO_BE (digits);
      memcpy (out + 2 * i, &digits, sizeof digits);
    }
  out[HEX_SIZE] = '\0';
}

static void
write_optional (const char *text, gsize length, ZuBuffer *out)
{
  if (text == NULL)
    zu_buffer_append_literal (out, "null");
  else
    zu_json_write_text (text, length, ZU_JSON_STYLE_CANONICAL, out);
}

static void
write_field (ZuEvent *self, ZuEventField field, ZuBuffer *out)
{
  const ZuEventSlice *slice = &self->at.slices[field];
  const char *text = self->text + self->fields + slice->start;

  if (slice->length == ZU_EVENT_NULL)
    zu_buffer_append_literal (out, "null");
  else if (slice->is_plain)
    zu_json_write_plain (text, slice->length, out);
  else
    zu_json_write_text (text, slice->length, ZU_JSON_STYLE_CANONICAL, out);
}

/* The payload's nodes, read into the scratch. */
static const ZuJsonTape *
read_payload (ZuEvent *self, ZuScratch *scratch)
{
  char *copy = zu_scratch_load (scratch, self->text + self->at.payload, self->at.payload_length);

  if (!zu_json_tape_read (&scratch->tape, copy, self->at.payload_length, ZU_JSON_STRICT, NULL))
    g_assert_not_reached ();
  return &scratch->tape;
}

/* Nearly every payload can be written as it is read. */
static void
write_payload (ZuEvent *self, ZuScratch *scratch)
{
  const char *start = self->text + self->at.payload;

  if (zu_json_canonicalise (start, self->text + self->length, &scratch->out) == NULL)
    zu_json_write (read_payload (self, scratch), 0, ZU_JSON_STYLE_CANONICAL, &scratch->out);
}

/* Into the scratch's output. The keys of an event come in this order when they are sorted. */
static void
write_canonical (ZuEvent *self, const char *prev_hash, gsize prev_length, ZuScratch *scratch)
{
  ZuBuffer *out = &scratch->out;

  out->length = 0;
  zu_buffer_append_literal (out, "{\"event_id\":");
  write_field (self, ZU_EVENT_FIELD_EVENT_ID, out);
  zu_buffer_append_literal (out, ",\"parent_id\":");
  write_field (self, ZU_EVENT_FIELD_PARENT_ID, out);
  zu_buffer_append_literal (out, ",\"payload\":");
  write_payload (self, scratch);
  zu_buffer_append_literal (out, ",\"prev_hash\":");
  write_optional (prev_hash, prev_length, out);
  zu_buffer_append_literal (out, ",\"schema_version\":");
  zu_buffer_append (out, self->text + self->at.version, self->at.version_length);
  zu_buffer_append_literal (out, ",\"source\":");
  write_field (self, ZU_EVENT_FIELD_SOURCE, out);
  zu_buffer_append_literal (out, ",\"task_id\":");
  write_field (self, ZU_EVENT_FIELD_TASK_ID, out);
  zu_buffer_append_literal (out, ",\"trace_id\":");
  write_field (self, ZU_EVENT_FIELD_TRACE_ID, out);
  zu_buffer_append_literal (out, ",\"ts\":");
  write_field (self, ZU_EVENT_FIELD_TS, out);
  zu_buffer_append_literal (out, ",\"type\":");
  write_field (self, ZU_EVENT_FIELD_TYPE, out);
  zu_buffer_append_char (out, '}');
}

/* The digest of an event, whose canonical text is given. */
void
zu_event_hash_canonical (const ZuBuffer *canonical, char out[ZU_EVENT_DIGEST_SIZE])
{
  guint8 digest[SHA256_DIGEST_SIZE];
  struct sha256_ctx context;

  sha256_init (&context);
  sha256_update (&context, canonical->length, (const guint8 *) canonical->data);
  sha256_digest (&context, sizeof digest, digest);
  write_hex (digest, out);
}

/* The digest that the event has behind PREV_HASH (NULL is null). */
void
zu_event_write_digest (ZuEvent *self, const char *prev_hash, gsize prev_length,
                       char out[ZU_EVENT_DIGEST_SIZE])
{
  ZuScratch *scratch = zu_scratch_get ();

  write_canonical (self, prev_hash, prev_length, scratch);
  zu_event_hash_canonical (&scratch->out, out);
  zu_scratch_trim (scratch);
}

void
zu_event_write_own_digest (ZuEvent *self, char out[ZU_EVENT_DIGEST_SIZE])
{
  gsize length;
  const char *prev_hash = zu_event_get_field (self, ZU_EVENT_FIELD_PREV_HASH, &length);

  zu_event_write_digest (self, prev_hash, length, out);
}

static gsize
length_of (const char *text)
{
  return text == NULL ? 0 : strlen (text);
}

/**
 * zu_event_dup_canonical:
 * @self: an event
 * @prev_hash: (nullable): the hash of the event before it
 *
 * Writes what is hashed: the event without `hash` and `sig`, with @prev_hash, all keys sorted, in
 * ASCII.
 *
 * Returns: (transfer full): the text
 */
char *
zu_event_dup_canonical (ZuEvent *self, const char *prev_hash)
{
  ZuScratch *scratch = zu_scratch_get ();
  char *text;

  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  write_canonical (self, prev_hash, length_of (prev_hash), scratch);
  text = g_strndup (scratch->out.data, scratch->out.length);
  zu_scratch_trim (scratch);
  return text;
}

/**
 * zu_event_dup_digest:
 * @self: an event
 * @prev_hash: (nullable): the hash of the event before it; any text
 *
 * Computes the digest that the event has behind @prev_hash: SHA-256 of its canonical text. Its own
 * links do not count.
 *
 * Returns: (transfer full): 64 hexadecimal digits
 */
char *
zu_event_dup_digest (ZuEvent *self, const char *prev_hash)
{
  char digest[ZU_EVENT_DIGEST_SIZE];

  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  zu_event_write_digest (self, prev_hash, length_of (prev_hash), digest);
  return g_strdup (digest);
}

/**
 * zu_event_dup_own_digest:
 * @self: an event
 *
 * Computes the digest behind the event's own `prev_hash`: what `hash` must be, once it is linked.
 *
 * Returns: (transfer full): 64 hexadecimal digits
 */
char *
zu_event_dup_own_digest (ZuEvent *self)
{
  char digest[ZU_EVENT_DIGEST_SIZE];

  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  zu_event_write_own_digest (self, digest);
  return g_strdup (digest);
}

/**
 * zu_event_is_linked:
 * @self: an event
 *
 * Tells whether it has a hash; not whether it is the right one.
 *
 * Returns: whether it is linked
 */
gboolean
zu_event_is_linked (ZuEvent *self)
{
  g_return_val_if_fail (ZU_IS_EVENT (self), FALSE);

  return self->at.slices[ZU_EVENT_FIELD_HASH].length != ZU_EVENT_NULL;
}

/**
 * zu_event_link:
 * @self: an event
 * @prev_hash: (nullable): the hash of the event before it in its trace; %NULL for the first
 * @sign_key: (nullable): the key to sign with
 *
 * Gives the event its place behind @prev_hash. Links that it has already are replaced; what decides
 * whether an event may be appended is [func@Zu.chain_link].
 *
 * Returns: (transfer full): the linked event
 */
ZuEvent *
zu_event_link (ZuEvent *self, const char *prev_hash, ZuSecret *sign_key)
{
  g_autoptr (GError) error = NULL;
  g_auto (ZuBuffer) text = { 0 };
  char digest[ZU_EVENT_DIGEST_SIZE];
  ZuEvent *event;

  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);

  zu_event_write_digest (self, prev_hash, length_of (prev_hash), digest);

  zu_buffer_append (&text, self->text, self->at.links);
  zu_buffer_append_literal (&text, ",\"prev_hash\":");
  if (prev_hash == NULL)
    zu_buffer_append_literal (&text, "null");
  else
    zu_json_write_text (prev_hash, strlen (prev_hash), ZU_JSON_STYLE_EVENT, &text);
  zu_buffer_append_literal (&text, ",\"hash\":\"");
  zu_buffer_append (&text, digest, HEX_SIZE);
  zu_buffer_append_literal (&text, "\",\"sig\":");
  if (sign_key == NULL)
    zu_buffer_append_literal (&text, "null}");
  else
    {
      g_autofree char *sig = zu_secret_dup_hmac_hex (sign_key, digest);

      zu_buffer_append_char (&text, '"');
      zu_buffer_append (&text, sig, strlen (sig));
      zu_buffer_append_literal (&text, "\"}");
    }

  event = zu_event_new_from_stored_text (text.data, text.length, &error);
  g_assert_no_error (error);
  return event;
}

static gboolean
is_same_field (ZuEvent *self, ZuEvent *other, ZuEventField field)
{
  gsize a_length, b_length;
  const char *a = zu_event_get_field (self, field, &a_length);
  const char *b = zu_event_get_field (other, field, &b_length);

  if (a == NULL || b == NULL)
    return a == b;
  return a_length == b_length && memcmp (a, b, a_length) == 0;
}

/**
 * zu_event_has_same_content:
 * @self: an event
 * @other: another event
 *
 * Compares all but the links. The order of members and the spelling of values in the payload do not
 * count.
 *
 * Returns: whether they tell the same
 */
gboolean
zu_event_has_same_content (ZuEvent *self, ZuEvent *other)
{
  char a[ZU_EVENT_DIGEST_SIZE], b[ZU_EVENT_DIGEST_SIZE];

  g_return_val_if_fail (ZU_IS_EVENT (self), FALSE);
  g_return_val_if_fail (ZU_IS_EVENT (other), FALSE);

  if (self->at.links == other->at.links && memcmp (self->text, other->text, self->at.links) == 0)
    return TRUE;
  if (!is_same_field (self, other, ZU_EVENT_FIELD_EVENT_ID))
    return FALSE;
  zu_event_write_digest (self, NULL, 0, a);
  zu_event_write_digest (other, NULL, 0, b);
  return strcmp (a, b) == 0;
}

static guint32
find_ctx_value (const ZuJsonTape *tape, const char *field)
{
  guint32 ctx = zu_json_tape_find (tape, 0, "ctx", 3);

  if (ctx == 0 || tape->nodes[ctx].kind != ZU_JSON_KIND_OBJECT)
    return 0;
  return zu_json_tape_find (tape, ctx, field, strlen (field));
}

/**
 * zu_event_dup_ctx_value:
 * @self: an event
 * @field: the name of a field of `payload.ctx`
 *
 * Writes the value of a field of the consumer's own context as the side index of a log holds it: a
 * text bare, other values as Python prints them (`True`, `1`, `1.5`, `None`). A text that holds
 * U+0000 is cut there.
 *
 * Returns: (transfer full) (nullable): the text; %NULL where the event has no such field
 */
char *
zu_event_dup_ctx_value (ZuEvent *self, const char *field)
{
  ZuScratch *scratch = zu_scratch_get ();
  const ZuJsonTape *tape;
  ZuBuffer text = { 0 };
  guint32 node;

  g_return_val_if_fail (ZU_IS_EVENT (self), NULL);
  g_return_val_if_fail (field != NULL, NULL);

  tape = read_payload (self, scratch);
  node = find_ctx_value (tape, field);
  if (node != 0)
    zu_python_write (tape, node, &text);
  zu_scratch_trim (scratch);
  return node != 0 ? zu_buffer_steal (&text) : NULL;
}
