/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-key-ring.h"

#include "../keys/zu-key-text.h"

struct _ZuKeyRing
{
  ZuKeyProvider *provider;
  gint64 interval; /* in microseconds */

  GMutex lock;
  GHashTable *keys; /* id → ZuAesGcmKey */
  ZuAesGcmKey *current;
  gint64 asked; /* when the provider was asked for what is current */
};

ZuKeyRing *
zu_key_ring_new (ZuKeyProvider *provider, guint refresh_interval)
{
  ZuKeyRing *self = g_new0 (ZuKeyRing, 1);

  self->provider = g_object_ref (provider);
  self->interval = (gint64) refresh_interval * 1000;
  self->keys =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) zu_aes_gcm_key_unref);
  g_mutex_init (&self->lock);
  return self;
}

void
zu_key_ring_free (ZuKeyRing *self)
{
  g_clear_pointer (&self->current, zu_aes_gcm_key_unref);
  g_hash_table_unref (self->keys);
  g_object_unref (self->provider);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* A provider that has no such key, or whose key is none, is the codec's NO_KEY. */
static gpointer
fail (GError *given, GError **error)
{
  g_autoptr (GError) reason = given;

  if (reason->domain != ZU_KEY_PROVIDER_ERROR)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error_literal (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY,
                         reason->message);
  return NULL;
}

static ZuAesGcmKey *
find (ZuKeyRing *self, const char *id)
{
  ZuAesGcmKey *key;

  g_mutex_lock (&self->lock);
  key = g_hash_table_lookup (self->keys, id);
  if (key != NULL)
    zu_aes_gcm_key_ref (key);
  g_mutex_unlock (&self->lock);
  return key;
}

/* Where another thread was faster its key stays, because the uses are counted there. */
static ZuAesGcmKey *
add (ZuKeyRing *self, ZuAesGcmKey *key)
{
  const char *id = zu_aes_gcm_key_get_id (key);
  ZuAesGcmKey *kept;

  g_mutex_lock (&self->lock);
  kept = g_hash_table_lookup (self->keys, id);
  if (kept == NULL)
    {
      kept = zu_aes_gcm_key_ref (key);
      g_hash_table_insert (self->keys, (gpointer) id, kept);
    }
  zu_aes_gcm_key_ref (kept);
  g_mutex_unlock (&self->lock);
  return kept;
}

/* The provider is asked without the lock: it may be slow, or stand in another language. */
ZuAesGcmKey *
zu_key_ring_get (ZuKeyRing *self, const char *id, GCancellable *cancellable, GError **error)
{
  ZuAesGcmKey *known = find (self, id);
  g_autoptr (ZuAesGcmKey) key = NULL;
  g_autoptr (ZuSecret) secret = NULL;
  GError *local_error = NULL;

  if (known != NULL)
    return known;
  secret = zu_key_provider_get_key (self->provider, id, cancellable, &local_error);
  if (secret == NULL)
    return fail (local_error, error);

  key = zu_aes_gcm_key_new (id, secret, error);
  return key != NULL ? add (self, key) : NULL;
}

static ZuAesGcmKey *
get_fresh (ZuKeyRing *self, gint64 now)
{
  ZuAesGcmKey *key = NULL;

  g_mutex_lock (&self->lock);
  if (self->current != NULL && now - self->asked < self->interval)
    key = zu_aes_gcm_key_ref (self->current);
  g_mutex_unlock (&self->lock);
  return key;
}

/* Of two threads that asked, the answer to the one that asked last stays. */
static void
set_current (ZuKeyRing *self, ZuAesGcmKey *key, gint64 asked)
{
  g_mutex_lock (&self->lock);
  if (self->current == NULL || asked >= self->asked)
    {
      ZuAesGcmKey *old = self->current;

      self->current = zu_aes_gcm_key_ref (key);
      self->asked = asked;
      g_clear_pointer (&old, zu_aes_gcm_key_unref);
    }
  g_mutex_unlock (&self->lock);
}

static char *
ask_current_id (ZuKeyRing *self, GCancellable *cancellable, GError **error)
{
  GError *local_error = NULL;
  g_autofree char *id =
      zu_key_provider_get_current_key_id (self->provider, cancellable, &local_error);

  if (id == NULL)
    return fail (local_error, error);
  if (zu_key_id_is_valid (id))
    return g_steal_pointer (&id);

  g_set_error (error, ZU_PAYLOAD_CODEC_ERROR, ZU_PAYLOAD_CODEC_ERROR_NO_KEY,
               "the current key's id is no UTF-8 text of 1 to %d bytes", ZU_KEY_ID_MAX);
  return NULL;
}

/* The key to write under. It is an error, and not the last key, where the provider names one that
 * it does not have. */
ZuAesGcmKey *
zu_key_ring_get_current (ZuKeyRing *self, gboolean refresh, GCancellable *cancellable,
                         GError **error)
{
  gint64 now = g_get_monotonic_time ();
  ZuAesGcmKey *key = refresh ? NULL : get_fresh (self, now);
  g_autofree char *id = NULL;

  if (key != NULL)
    return key;
  id = ask_current_id (self, cancellable, error);
  if (id == NULL)
    return NULL;

  key = zu_key_ring_get (self, id, cancellable, error);
  if (key != NULL)
    set_current (self, key, now);
  return key;
}

/* The key that was written under last, or NULL. */
ZuAesGcmKey *
zu_key_ring_peek_current (ZuKeyRing *self)
{
  ZuAesGcmKey *key;

  g_mutex_lock (&self->lock);
  key = self->current != NULL ? zu_aes_gcm_key_ref (self->current) : NULL;
  g_mutex_unlock (&self->lock);
  return key;
}
