/* SPDX-License-Identifier: Apache-2.0 */

/* What is worked out of an event before its place in the chain counts. */

#include "zu-chain-verify-private.h"

#include <nettle/base16.h>
#include <nettle/memops.h>

static gboolean
has_right_signature (const ZuChainItem *self, ZuSecret *key)
{
  const ZuEventText *hash = zu_chain_item_get (self, ZU_EVENT_FIELD_HASH);
  const ZuEventText *sig = zu_chain_item_get (self, ZU_EVENT_FIELD_SIG);
  char hex[ZU_EVENT_DIGEST_SIZE - 1];
  guint8 mac[32];

  if (hash->text == NULL || sig->text == NULL || sig->length != sizeof hex)
    return FALSE;
  zu_secret_hmac (key, hash->text, hash->length, mac);
  base16_encode_update (hex, sizeof mac, mac);
  return memeql_sec (hex, sig->text, sizeof hex);
}

/* From an event, which it keeps. */
void
zu_chain_item_set_event (ZuChainItem *self, ZuEvent *event, ZuSecret *key)
{
  self->event = g_object_ref (event);
  self->text = event->text;
  self->length = event->length;
  for (int i = 0; i < ZU_EVENT_N_FIELDS; i++)
    self->fields[i].text = zu_event_get_field (event, (ZuEventField) i, &self->fields[i].length);
  zu_event_write_own_digest (event, self->own);
  self->has_right_signature = key != NULL && has_right_signature (self, key);
}

static inline void
set_layout (ZuChainItem *self, const char *text, const ZuEventLayout *at)
{
  for (int i = 0; i < ZU_EVENT_N_FIELDS; i++)
    {
      const ZuEventSlice *slice = &at->slices[i];
      gboolean is_null = slice->length == ZU_EVENT_NULL;

      self->fields[i].text = is_null ? NULL : text + slice->start;
      self->fields[i].length = is_null ? 0 : slice->length;
    }
}

/* From stored text, which must stay: it has a terminator and padding behind it. Nearly always it is
 * checked and hashed in one pass, and no event is made. */
gboolean
zu_chain_item_read (ZuChainItem *self, const char *text, gsize length, ZuSecret *key,
                    GError **error)
{
  ZuScratch *scratch = zu_scratch_get ();
  g_autoptr (ZuEvent) event = NULL;
  ZuEventLayout at;

  if (G_LIKELY (zu_event_layout_read (&at, text, length, &scratch->out)))
    {
      self->event = NULL;
      self->text = text;
      self->length = length;
      set_layout (self, text, &at);
      zu_event_hash_canonical (&scratch->out, self->own);
      zu_scratch_trim (scratch);
      self->has_right_signature = key != NULL && has_right_signature (self, key);
      return TRUE;
    }

  event = zu_event_new_from_stored_text (text, length, error);
  if (event == NULL)
    return FALSE;
  zu_chain_item_set_event (self, event, key);
  return TRUE;
}

/* The digest that it has behind another event than it says. */
void
zu_chain_item_write_digest (const ZuChainItem *self, const char *prev_hash,
                            char out[ZU_EVENT_DIGEST_SIZE])
{
  g_autoptr (ZuEvent) made = NULL;
  ZuEvent *event = self->event;

  if (event == NULL)
    event = made = zu_event_new_from_stored_text (self->text, self->length, NULL);
  /* It was read before. */
  g_assert (event != NULL);
  zu_event_write_digest (event, prev_hash, prev_hash == NULL ? 0 : strlen (prev_hash), out);
}

void
zu_chain_item_clear (ZuChainItem *self)
{
  g_clear_object (&self->event);
}
