/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-plain-sink.h"

/**
 * KitPlainSink:
 *
 * The port implemented by verbs that answer at once.
 */
struct _KitPlainSink
{
  GObject parent_instance;
};

#define MAX_PLATES 3

static void kit_plain_sink_iface_init (KitKitchenSinkInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KitPlainSink, kit_plain_sink, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (KIT_TYPE_KITCHEN_SINK,
                                                      kit_plain_sink_iface_init))

static gint64
get_depth (KitKitchenSink *sink)
{
  return 42;
}

static char *
echo_text (KitKitchenSink *sink, const char *text, const char *suffix, GCancellable *cancellable,
           GError **error)
{
  return g_strconcat (text, suffix, NULL);
}

static char *
echo_maybe_text (KitKitchenSink *sink, const char *text, GCancellable *cancellable, GError **error)
{
  return g_strdup (text);
}

static gboolean
echo_boolean (KitKitchenSink *sink, gboolean flag, GCancellable *cancellable, GError **error)
{
  return flag;
}

static int
echo_int32 (KitKitchenSink *sink, int number, GCancellable *cancellable, GError **error)
{
  return number;
}

static guint
echo_uint32 (KitKitchenSink *sink, guint number, GCancellable *cancellable, GError **error)
{
  return number;
}

static gint64
echo_int64 (KitKitchenSink *sink, gint64 number, GCancellable *cancellable, GError **error)
{
  return number;
}

static guint64
echo_uint64 (KitKitchenSink *sink, guint64 number, GCancellable *cancellable, GError **error)
{
  return number;
}

static double
echo_double (KitKitchenSink *sink, double number, GCancellable *cancellable, GError **error)
{
  return number;
}

static GBytes *
echo_bytes (KitKitchenSink *sink, GBytes *blob, GCancellable *cancellable, GError **error)
{
  return blob != NULL ? g_bytes_ref (blob) : NULL;
}

static ZuJson *
echo_json (KitKitchenSink *sink, ZuJson *data, GCancellable *cancellable, GError **error)
{
  return zu_json_ref (data);
}

static KitHeat
echo_heat (KitKitchenSink *sink, KitHeat heat, GCancellable *cancellable, GError **error)
{
  return heat;
}

static char **
echo_words (KitKitchenSink *sink, const char *const *words, GCancellable *cancellable,
            GError **error)
{
  return g_strdupv ((char **) words);
}

static GPtrArray *
echo_plates (KitKitchenSink *sink, GPtrArray *plates, GCancellable *cancellable, GError **error)
{
  GPtrArray *result = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < plates->len; i++)
    g_ptr_array_add (result, g_object_ref (g_ptr_array_index (plates, i)));

  return result;
}

static KitEverything *
echo_everything (KitKitchenSink *sink, KitEverything *everything, GCancellable *cancellable,
                 GError **error)
{
  return g_object_ref (everything);
}

static ZuEvent *
echo_event (KitKitchenSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  return g_object_ref (event);
}

static gboolean
wash (KitKitchenSink *sink, KitLoad *load, KitHeat heat, GCancellable *cancellable, GError **error)
{
  GPtrArray *plates = kit_load_get_plates (load);

  if (plates->len > MAX_PLATES)
    {
      g_set_error (error, KIT_KITCHEN_SINK_ERROR, KIT_KITCHEN_SINK_ERROR_TOO_FULL,
                   "%u plates, and there is room for %d", plates->len, MAX_PLATES);
      return FALSE;
    }

  for (guint i = 0; i < plates->len; i++)
    kit_kitchen_sink_emit_dripped (sink, i + 1, g_ptr_array_index (plates, i));

  return TRUE;
}

static gboolean
drain (KitKitchenSink *sink, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  kit_kitchen_sink_emit_drained (sink);
  return TRUE;
}

static int
open_pipe (KitKitchenSink *sink, int pipe, GCancellable *cancellable, GError **error)
{
  return pipe;
}

static KitKitchenSink *
plumb (KitKitchenSink *sink, KitKitchenSink *other, ZuSecret *secret, GCancellable *cancellable,
       GError **error)
{
  return other != NULL ? g_object_ref (other) : NULL;
}

static void
kit_plain_sink_iface_init (KitKitchenSinkInterface *iface)
{
  iface->get_depth = get_depth;
  iface->echo_text = echo_text;
  iface->echo_maybe_text = echo_maybe_text;
  iface->echo_boolean = echo_boolean;
  iface->echo_int32 = echo_int32;
  iface->echo_uint32 = echo_uint32;
  iface->echo_int64 = echo_int64;
  iface->echo_uint64 = echo_uint64;
  iface->echo_double = echo_double;
  iface->echo_bytes = echo_bytes;
  iface->echo_maybe_bytes = echo_bytes;
  iface->echo_json = echo_json;
  iface->echo_heat = echo_heat;
  iface->echo_words = echo_words;
  iface->echo_plates = echo_plates;
  iface->echo_everything = echo_everything;
  iface->echo_event = echo_event;
  iface->wash = wash;
  iface->drain = drain;
  iface->open_pipe = open_pipe;
  iface->plumb = plumb;
}

static void
kit_plain_sink_class_init (KitPlainSinkClass *klass)
{
}

static void
kit_plain_sink_init (KitPlainSink *self)
{
}

/**
 * kit_plain_sink_new:
 *
 * Returns: (transfer full): a sink
 */
KitKitchenSink *
kit_plain_sink_new (void)
{
  return g_object_new (KIT_TYPE_PLAIN_SINK, NULL);
}
