/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-note-sink.h"

static void zu_note_sink_iface_init (ZuEventSinkInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuNoteSink, zu_note_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, zu_note_sink_iface_init))

static gboolean
zu_note_sink_get_links (ZuEventSink *sink)
{
  return TRUE;
}

static ZuEvent *
zu_note_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  ZuNoteSink *self = ZU_NOTE_SINK (sink);
  guint n = self->events->len;
  const char *head = n > 0 ? zu_event_get_hash (g_ptr_array_index (self->events, n - 1)) : NULL;

  if (n >= self->capacity)
    {
      g_set_error_literal (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL, "no space left");
      return NULL;
    }

  g_ptr_array_add (self->events, zu_event_link (event, head, NULL));
  return g_object_ref (g_ptr_array_index (self->events, n));
}

static void
zu_note_sink_iface_init (ZuEventSinkInterface *iface)
{
  iface->get_links = zu_note_sink_get_links;
  iface->append = zu_note_sink_append;
}

static void
zu_note_sink_finalize (GObject *object)
{
  g_ptr_array_unref (ZU_NOTE_SINK (object)->events);
  G_OBJECT_CLASS (zu_note_sink_parent_class)->finalize (object);
}

static void
zu_note_sink_class_init (ZuNoteSinkClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_note_sink_finalize;
}

static void
zu_note_sink_init (ZuNoteSink *self)
{
  self->events = g_ptr_array_new_with_free_func (g_object_unref);
  self->capacity = G_MAXUINT;
}

ZuNoteSink *
zu_note_sink_new (void)
{
  return g_object_new (ZU_TYPE_NOTE_SINK, NULL);
}
