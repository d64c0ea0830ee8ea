/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-key-watch.h"

#include "../event/zu-uuid-private.h"

#define EVENT_TYPE "harness.key.rotation_due"
#define SOURCE     "zu"

/**
 * ZuKeyWatch:
 *
 * Writes down in the log that a key should be replaced.
 *
 * A codec counts how often a key has encrypted, and says well before it refuses the key that
 * another one should be made current. That happens inside an append, where nothing else can be
 * appended; so the watch has a thread of its own append an event of the type
 * `harness.key.rotation_due` a moment later: in a trace of its own, with the members `key_id`,
 * `uses` and `version` (of the blobs) in its payload. Each key is warned of once by each process.
 * An event that could not be stored is said in a message.
 *
 * Functions may be called from any thread. The watch is to be kept as long as the log is written.
 */
struct _ZuKeyWatch
{
  GObject parent_instance;

  ZuPayloadCodec *codec;
  gulong handler;
  ZuEventSink *sink; /* either this ... */
  ZuEventBus *bus;   /* ... or this */

  GMutex lock;
  GPtrArray *threads;
  guint n_warnings;
};

G_DEFINE_FINAL_TYPE (ZuKeyWatch, zu_key_watch, G_TYPE_OBJECT)

/* What a thread needs; it does not keep the watch. */
typedef struct
{
  ZuEventSink *sink;
  ZuEventBus *bus;
  ZuEvent *event;
} Warning;

static void
warning_free (Warning *warning)
{
  g_clear_object (&warning->sink);
  g_clear_object (&warning->bus);
  g_clear_object (&warning->event);
  g_free (warning);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Warning, warning_free)

static gpointer
store_warning (gpointer data)
{
  g_autoptr (Warning) warning = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored =
      warning->bus != NULL ? zu_event_bus_publish (warning->bus, warning->event, NULL, &error)
                           : zu_event_sink_append (warning->sink, warning->event, NULL, &error);

  if (stored == NULL)
    g_message ("that a key is due for rotation could not be written down: %s", error->message);
  return NULL;
}

static ZuEvent *
new_event (ZuKeyWatch *self, const char *key_id, guint64 uses)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) payload = NULL;
  char trace_id[ZU_UUID_LENGTH + 1];

  zu_uuid_make (trace_id);
  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "key_id");
  zu_json_builder_add_string (builder, key_id);
  zu_json_builder_set_member (builder, "uses");
  zu_json_builder_add_int64 (builder, (gint64) uses);
  zu_json_builder_set_member (builder, "version");
  zu_json_builder_add_int64 (builder, zu_payload_codec_get_version (self->codec));
  zu_json_builder_end_object (builder);
  payload = zu_json_builder_end (builder, NULL);
  return zu_event_new (trace_id, trace_id, NULL, EVENT_TYPE, SOURCE, payload, NULL);
}

static void
on_rotation_due (ZuPayloadCodec *codec, const char *key_id, guint64 uses, gpointer user_data)
{
  ZuKeyWatch *self = user_data;
  Warning *warning = g_new0 (Warning, 1);

  warning->event = new_event (self, key_id, uses);
  g_set_object (&warning->sink, self->sink);
  g_set_object (&warning->bus, self->bus);
  g_mutex_lock (&self->lock);
  self->n_warnings++;
  g_ptr_array_add (self->threads, g_thread_new ("zu-key-watch", store_warning, warning));
  g_mutex_unlock (&self->lock);
}

static void
zu_key_watch_dispose (GObject *object)
{
  ZuKeyWatch *self = ZU_KEY_WATCH (object);

  if (self->codec != NULL)
    g_clear_signal_handler (&self->handler, self->codec);
  zu_key_watch_flush (self);
  g_clear_object (&self->codec);
  g_clear_object (&self->sink);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (zu_key_watch_parent_class)->dispose (object);
}

static void
zu_key_watch_finalize (GObject *object)
{
  ZuKeyWatch *self = ZU_KEY_WATCH (object);

  g_ptr_array_unref (self->threads);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_key_watch_parent_class)->finalize (object);
}

static void
zu_key_watch_class_init (ZuKeyWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = zu_key_watch_dispose;
  G_OBJECT_CLASS (klass)->finalize = zu_key_watch_finalize;
}

static void
zu_key_watch_init (ZuKeyWatch *self)
{
  g_mutex_init (&self->lock);
  self->threads = g_ptr_array_new ();
}

/* Only the codec that writes uses keys up. */
static ZuKeyWatch *
watch (ZuCodecSet *codecs, ZuEventSink *sink, ZuEventBus *bus)
{
  ZuKeyWatch *self = g_object_new (ZU_TYPE_KEY_WATCH, NULL);

  g_set_object (&self->sink, sink);
  g_set_object (&self->bus, bus);
  g_set_object (&self->codec,
                zu_codec_set_lookup (codecs, zu_codec_set_get_write_version (codecs)));
  self->handler =
      g_signal_connect (self->codec, "rotation-due", G_CALLBACK (on_rotation_due), self);
  return self;
}

/**
 * zu_key_watch_new:
 * @codecs: what the log is written with
 * @sink: the log
 *
 * Watches the keys that a log is written with, and warns in the log itself.
 *
 * Returns: (transfer full): the watch
 */
ZuKeyWatch *
zu_key_watch_new (ZuCodecSet *codecs, ZuEventSink *sink)
{
  g_return_val_if_fail (ZU_IS_CODEC_SET (codecs), NULL);
  g_return_val_if_fail (ZU_IS_EVENT_SINK (sink), NULL);

  return watch (codecs, sink, NULL);
}

/**
 * zu_key_watch_new_for_bus: (constructor)
 * @codecs: what the bus's canonical sink is written with
 * @bus: the bus
 *
 * Watches the keys that a log is written with, and publishes warnings on a bus.
 *
 * Returns: (transfer full): the watch
 */
ZuKeyWatch *
zu_key_watch_new_for_bus (ZuCodecSet *codecs, ZuEventBus *bus)
{
  g_return_val_if_fail (ZU_IS_CODEC_SET (codecs), NULL);
  g_return_val_if_fail (ZU_IS_EVENT_BUS (bus), NULL);

  return watch (codecs, NULL, bus);
}

/**
 * zu_key_watch_get_n_warnings:
 * @self: a watch
 *
 * Counts the keys that were found due.
 *
 * Returns: how many
 */
guint
zu_key_watch_get_n_warnings (ZuKeyWatch *self)
{
  guint n;

  g_return_val_if_fail (ZU_IS_KEY_WATCH (self), 0);

  g_mutex_lock (&self->lock);
  n = self->n_warnings;
  g_mutex_unlock (&self->lock);
  return n;
}

/**
 * zu_key_watch_flush:
 * @self: a watch
 *
 * Waits until the warnings so far are stored, or have failed to be. To be called, as by letting go
 * of the watch, before the process ends; not from a thread in which the log is being written.
 */
void
zu_key_watch_flush (ZuKeyWatch *self)
{
  g_autoptr (GPtrArray) threads = NULL;

  g_return_if_fail (ZU_IS_KEY_WATCH (self));

  g_mutex_lock (&self->lock);
  threads = g_steal_pointer (&self->threads);
  self->threads = g_ptr_array_new ();
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (g_ptr_array_index (threads, i));
}
