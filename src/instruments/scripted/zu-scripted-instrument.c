/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-scripted-instrument.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/**
 * ZuScriptedInstrument:
 *
 * Does nothing but keep count, for tests and for trying grants out: what it is asked to do it
 * writes into a file, a line an order that it carried out, on disk before it answers.
 */
struct _ZuScriptedInstrument
{
  GObject parent_instance;

  char *record;
  gboolean idempotent;
  gboolean forgetful;
  guint delay;
  char **declines;
  char **fails;

  GMutex lock;
  int fd;
};

enum
{
  PROP_RECORD = 1,
  PROP_IDEMPOTENT,
  PROP_FORGETFUL,
  PROP_DELAY,
  PROP_DECLINES,
  PROP_FAILS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_scripted_instrument_iface_init (ZuInstrumentInterface *iface);
static void zu_scripted_instrument_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (
    ZuScriptedInstrument, zu_scripted_instrument, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
    G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_INSTRUMENT, zu_scripted_instrument_iface_init)
        G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE, zu_scripted_instrument_initable_init))

static gboolean
has (char **words, const char *word)
{
  return words != NULL && g_strv_contains ((const char *const *) words, word);
}

/* Under the lock. A key is written down escaped, so that it is one line. */
static gboolean
is_recorded (ZuScriptedInstrument *self, const char *key, gboolean *recorded, GError **error)
{
  g_autofree char *line = g_strescape (key, NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents (self->record, &text, NULL, error))
    return FALSE;
  lines = g_strsplit (text, "\n", -1);
  *recorded = g_strv_contains ((const char *const *) lines, line);
  return TRUE;
}

/* Under the lock. */
static gboolean
record (ZuScriptedInstrument *self, const char *key, GError **error)
{
  g_autofree char *escaped = g_strescape (key, NULL);
  g_autofree char *line = g_strconcat (escaped, "\n", NULL);

  if (write (self->fd, line, strlen (line)) == (gssize) strlen (line) && fdatasync (self->fd) == 0)
    return TRUE;
  g_set_error (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_UNKNOWN, "cannot write %s: %s",
               self->record, g_strerror (errno));
  return FALSE;
}

static ZuReceipt *
new_receipt (ZuPerformance performance)
{
  g_autoptr (ZuJson) result = zu_json_parse ("{\"scripted\": true}", -1, NULL);

  if (performance == ZU_PERFORMANCE_DONE)
    return g_object_new (ZU_TYPE_RECEIPT, "performance", performance, "result", result, NULL);
  return g_object_new (ZU_TYPE_RECEIPT, "performance", performance, "text",
                       performance == ZU_PERFORMANCE_DECLINED ? "the script declines it" : NULL,
                       NULL);
}

static gboolean
carry_out (ZuScriptedInstrument *self, const char *key, GError **error)
{
  gboolean recorded = FALSE;
  gboolean good = TRUE;

  g_mutex_lock (&self->lock);
  if (self->idempotent)
    good = is_recorded (self, key, &recorded, error);
  good = good && (recorded || record (self, key, error));
  g_mutex_unlock (&self->lock);
  return good;
}

static ZuReceipt *
zu_scripted_instrument_perform (ZuInstrument *instrument, ZuOrder *order, GCancellable *cancellable,
                                GError **error)
{
  ZuScriptedInstrument *self = ZU_SCRIPTED_INSTRUMENT (instrument);

  g_usleep (self->delay * 1000UL);
  if (has (self->declines, zu_order_get_operation (order)))
    return new_receipt (ZU_PERFORMANCE_DECLINED);
  if (has (self->fails, zu_order_get_operation (order)))
    {
      g_set_error_literal (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_UNAVAILABLE,
                           "the script has it unavailable");
      return NULL;
    }
  if (!carry_out (self, zu_order_get_idempotency_key (order), error))
    return NULL;
  g_usleep (self->delay * 1000UL);
  return new_receipt (ZU_PERFORMANCE_DONE);
}

static ZuReceipt *
zu_scripted_instrument_look_up (ZuInstrument *instrument, const char *key,
                                GCancellable *cancellable, GError **error)
{
  ZuScriptedInstrument *self = ZU_SCRIPTED_INSTRUMENT (instrument);
  gboolean recorded = FALSE;
  gboolean good = FALSE;

  if (self->forgetful)
    {
      g_set_error_literal (error, ZU_INSTRUMENT_ERROR, ZU_INSTRUMENT_ERROR_UNKNOWN,
                           "the script has it forget");
      return NULL;
    }
  g_mutex_lock (&self->lock);
  good = is_recorded (self, key, &recorded, error);
  g_mutex_unlock (&self->lock);
  return good ? new_receipt (recorded ? ZU_PERFORMANCE_DONE : ZU_PERFORMANCE_NEVER) : NULL;
}

static gboolean
zu_scripted_instrument_get_idempotent (ZuInstrument *instrument)
{
  return ZU_SCRIPTED_INSTRUMENT (instrument)->idempotent;
}

static void
zu_scripted_instrument_iface_init (ZuInstrumentInterface *iface)
{
  iface->perform = zu_scripted_instrument_perform;
  iface->look_up = zu_scripted_instrument_look_up;
  iface->get_idempotent = zu_scripted_instrument_get_idempotent;
}

static gboolean
zu_scripted_instrument_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuScriptedInstrument *self = ZU_SCRIPTED_INSTRUMENT (initable);

  if (self->record == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "scripted: record must name the file to write orders into");
      return FALSE;
    }
  self->fd = open (self->record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (self->fd >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot open %s: %s", self->record,
               g_strerror (errno));
  return FALSE;
}

static void
zu_scripted_instrument_initable_init (GInitableIface *iface)
{
  iface->init = zu_scripted_instrument_initable;
}

static void
zu_scripted_instrument_set_property (GObject *object, guint id, const GValue *value,
                                     GParamSpec *pspec)
{
  ZuScriptedInstrument *self = ZU_SCRIPTED_INSTRUMENT (object);

  switch (id)
    {
    case PROP_RECORD:
      self->record = g_value_dup_string (value);
      break;
    case PROP_IDEMPOTENT:
      self->idempotent = g_value_get_boolean (value);
      break;
    case PROP_FORGETFUL:
      self->forgetful = g_value_get_boolean (value);
      break;
    case PROP_DELAY:
      self->delay = g_value_get_uint (value);
      break;
    case PROP_DECLINES:
      self->declines = g_value_dup_boxed (value);
      break;
    case PROP_FAILS:
      self->fails = g_value_dup_boxed (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_scripted_instrument_finalize (GObject *object)
{
  ZuScriptedInstrument *self = ZU_SCRIPTED_INSTRUMENT (object);

  if (self->fd >= 0)
    close (self->fd);
  g_free (self->record);
  g_strfreev (self->declines);
  g_strfreev (self->fails);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_scripted_instrument_parent_class)->finalize (object);
}

static void
zu_scripted_instrument_class_init (ZuScriptedInstrumentClass *klass)
{
  const GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = zu_scripted_instrument_set_property;
  object_class->finalize = zu_scripted_instrument_finalize;

  props[PROP_RECORD] =
      g_param_spec_string ("record", NULL, "The file that orders are written into", NULL, flags);
  props[PROP_IDEMPOTENT] =
      g_param_spec_boolean ("idempotent", NULL,
                            "Whether an order repeated under its key is written once", TRUE, flags);
  props[PROP_FORGETFUL] =
      g_param_spec_boolean ("forgetful", NULL, "Whether it cannot say what became of an order",
                            FALSE, flags);
  props[PROP_DELAY] =
      g_param_spec_uint ("delay", NULL,
                         "Milliseconds that it waits before it writes, and behind it", 0, 60000, 0,
                         flags);
  props[PROP_DECLINES] =
      g_param_spec_boxed ("declines", NULL, "Operations that it declines", G_TYPE_STRV, flags);
  props[PROP_FAILS] =
      g_param_spec_boxed ("fails", NULL, "Operations that are unavailable", G_TYPE_STRV, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_scripted_instrument_class_finalize (ZuScriptedInstrumentClass *klass)
{
}

static void
zu_scripted_instrument_init (ZuScriptedInstrument *self)
{
  self->fd = -1;
  g_mutex_init (&self->lock);
}

void
zu_scripted_instrument_register (GTypeModule *module)
{
  zu_scripted_instrument_register_type (module);
}
