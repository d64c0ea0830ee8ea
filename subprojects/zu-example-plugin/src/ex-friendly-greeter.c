/* SPDX-License-Identifier: Apache-2.0 */

#include "ex-friendly-greeter.h"

/**
 * ExFriendlyGreeter:
 *
 * A greeter that speaks English and Italian. It may be used from any thread.
 */
struct _ExFriendlyGreeter
{
  GObject parent_instance;

  char *mark;
  gint64 count; /* atomic */
};

enum
{
  PROP_MARK = 1,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void ex_friendly_greeter_iface_init (ExGreeterInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ExFriendlyGreeter, ex_friendly_greeter, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (EX_TYPE_GREETER,
                                                      ex_friendly_greeter_iface_init))

static ExGreeting *
ex_friendly_greeter_greet (ExGreeter *greeter, const char *name, ExLanguage language,
                           GCancellable *cancellable, GError **error)
{
  ExFriendlyGreeter *self = EX_FRIENDLY_GREETER (greeter);
  g_autofree char *text = NULL;

  if (*name == '\0')
    {
      g_set_error_literal (error, EX_GREETER_ERROR, EX_GREETER_ERROR_NO_NAME,
                           "there is nobody to greet");
      return NULL;
    }

  switch (language)
    {
    case EX_LANGUAGE_EN:
      text = g_strconcat ("Hello, ", name, self->mark, NULL);
      break;
    case EX_LANGUAGE_IT:
      text = g_strconcat ("Ciao, ", name, self->mark, NULL);
      break;
    case EX_LANGUAGE_TLH:
    default:
      g_set_error_literal (error, EX_GREETER_ERROR, EX_GREETER_ERROR_UNKNOWN_LANGUAGE,
                           "only English and Italian are spoken here");
      return NULL;
    }

  __atomic_fetch_add (&self->count, 1, __ATOMIC_RELAXED);
  return ex_greeting_new (text, language);
}

static gint64
ex_friendly_greeter_count (ExGreeter *greeter, GCancellable *cancellable, GError **error)
{
  return __atomic_load_n (&EX_FRIENDLY_GREETER (greeter)->count, __ATOMIC_RELAXED);
}

static void
ex_friendly_greeter_iface_init (ExGreeterInterface *iface)
{
  iface->greet = ex_friendly_greeter_greet;
  iface->count = ex_friendly_greeter_count;
}

static void
ex_friendly_greeter_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ExFriendlyGreeter *self = EX_FRIENDLY_GREETER (object);

  if (id == PROP_MARK)
    self->mark = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
ex_friendly_greeter_finalize (GObject *object)
{
  g_free (EX_FRIENDLY_GREETER (object)->mark);

  G_OBJECT_CLASS (ex_friendly_greeter_parent_class)->finalize (object);
}

static void
ex_friendly_greeter_class_init (ExFriendlyGreeterClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = ex_friendly_greeter_set_property;
  object_class->finalize = ex_friendly_greeter_finalize;

  /* A plugin's options are its construct properties. */
  props[PROP_MARK] =
      g_param_spec_string ("mark", NULL, "What ends a greeting", "!",
                           G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
ex_friendly_greeter_init (ExFriendlyGreeter *self)
{
}
