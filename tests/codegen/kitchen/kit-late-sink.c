/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-late-sink.h"

/**
 * KitLateSink:
 *
 * The port implemented by verbs that answer in their own time, from a thread of their own.
 */
struct _KitLateSink
{
  GObject parent_instance;
};

static void kit_late_sink_iface_init (KitKitchenSinkInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KitLateSink, kit_late_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KIT_TYPE_KITCHEN_SINK,
                                                      kit_late_sink_iface_init))

typedef struct
{
  ZuCall *call;
  GValue value;
} Answer;

static gpointer
give_answer (gpointer data)
{
  g_autofree Answer *answer = data;

  g_usleep (1000);
  if (G_IS_VALUE (&answer->value))
    {
      zu_call_return_value (answer->call, &answer->value);
      g_value_unset (&answer->value);
    }
  else
    zu_call_return_nothing (answer->call);
  g_object_unref (answer->call);

  return NULL;
}

static Answer *
answer_new (ZuCall *call, GType type)
{
  Answer *answer = g_new0 (Answer, 1);

  answer->call = g_object_ref (call);
  if (type != G_TYPE_NONE)
    g_value_init (&answer->value, type);

  return answer;
}

static void
send (Answer *answer)
{
  g_thread_unref (g_thread_new ("late", give_answer, answer));
}

#define LATE(name, type, set, ...)                                           \
  static void name##_begin (KitKitchenSink *sink, __VA_ARGS__, ZuCall *call) \
  {                                                                          \
    Answer *answer = answer_new (call, type);                                \
                                                                             \
    set;                                                                     \
    send (answer);                                                           \
  }

LATE (echo_text, G_TYPE_STRING,
      g_value_take_string (&answer->value, g_strconcat (text, suffix, NULL)), const char *text,
      const char *suffix)
LATE (echo_maybe_text, G_TYPE_STRING, g_value_set_string (&answer->value, text), const char *text)
LATE (echo_boolean, G_TYPE_BOOLEAN, g_value_set_boolean (&answer->value, flag), gboolean flag)
LATE (echo_int32, G_TYPE_INT, g_value_set_int (&answer->value, number), int number)
LATE (echo_uint32, G_TYPE_UINT, g_value_set_uint (&answer->value, number), guint number)
LATE (echo_int64, G_TYPE_INT64, g_value_set_int64 (&answer->value, number), gint64 number)
LATE (echo_uint64, G_TYPE_UINT64, g_value_set_uint64 (&answer->value, number), guint64 number)
LATE (echo_double, G_TYPE_DOUBLE, g_value_set_double (&answer->value, number), double number)
LATE (echo_bytes, G_TYPE_BYTES, g_value_set_boxed (&answer->value, blob), GBytes *blob)
LATE (echo_json, ZU_TYPE_JSON, g_value_set_boxed (&answer->value, data), ZuJson *data)
LATE (echo_heat, KIT_TYPE_HEAT, g_value_set_enum (&answer->value, (int) heat), KitHeat heat)
LATE (echo_words, G_TYPE_STRV, g_value_set_boxed (&answer->value, words), const char *const *words)
LATE (echo_everything, KIT_TYPE_EVERYTHING, g_value_set_object (&answer->value, everything),
      KitEverything *everything)
LATE (echo_event, ZU_TYPE_EVENT, g_value_set_object (&answer->value, event), ZuEvent *event)
LATE (open_pipe, G_TYPE_INT, g_value_set_int (&answer->value, pipe), int pipe)
LATE (plumb, KIT_TYPE_KITCHEN_SINK, g_value_set_object (&answer->value, other),
      KitKitchenSink *other, ZuSecret *secret)

static void
echo_plates_begin (KitKitchenSink *sink, GPtrArray *plates, ZuCall *call)
{
  zu_call_return_objects (call, plates);
}

static void
wash_begin (KitKitchenSink *sink, KitLoad *load, KitHeat heat, ZuCall *call)
{
  g_autoptr (GError) error = NULL;

  if (kit_load_get_plates (load)->len <= 3)
    {
      send (answer_new (call, G_TYPE_NONE));
      return;
    }

  error = g_error_new_literal (KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_TOO_FULL,
                               "4 plates, and there is room for 3");
  zu_call_return_error (call, error);
}

static void
drain_begin (KitKitchenSink *sink, ZuCall *call)
{
  send (answer_new (call, G_TYPE_NONE));
}

static void
kit_late_sink_iface_init (KitKitchenSinkInterface *iface)
{
  iface->echo_text_begin = echo_text_begin;
  iface->echo_maybe_text_begin = echo_maybe_text_begin;
  iface->echo_boolean_begin = echo_boolean_begin;
  iface->echo_int32_begin = echo_int32_begin;
  iface->echo_uint32_begin = echo_uint32_begin;
  iface->echo_int64_begin = echo_int64_begin;
  iface->echo_uint64_begin = echo_uint64_begin;
  iface->echo_double_begin = echo_double_begin;
  iface->echo_bytes_begin = echo_bytes_begin;
  iface->echo_maybe_bytes_begin = echo_bytes_begin;
  iface->echo_json_begin = echo_json_begin;
  iface->echo_heat_begin = echo_heat_begin;
  iface->echo_words_begin = echo_words_begin;
  iface->echo_plates_begin = echo_plates_begin;
  iface->echo_everything_begin = echo_everything_begin;
  iface->echo_event_begin = echo_event_begin;
  iface->wash_begin = wash_begin;
  iface->drain_begin = drain_begin;
  iface->open_pipe_begin = open_pipe_begin;
  iface->plumb_begin = plumb_begin;
}

static void
kit_late_sink_class_init (KitLateSinkClass *klass)
{
}

static void
kit_late_sink_init (KitLateSink *self)
{
}

/**
 * kit_late_sink_new:
 *
 * Returns: (transfer full): a sink
 */
KitKitchenSink *
kit_late_sink_new (void)
{
  return g_object_new (KIT_TYPE_LATE_SINK, NULL);
}
