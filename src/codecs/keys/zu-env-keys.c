/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-env-keys.h"

#include "zu-key-text.h"

#include <string.h>

#define VARIABLE    "ZU_EVENT_KEY"
#define PREFIX      VARIABLE "_"
#define CURRENT     "ID"
#define CURRENT_KEY PREFIX CURRENT

/**
 * ZuEnvKeys:
 *
 * Keys out of environment variables, as older set-ups have them.
 *
 * The key `x` is in `ZU_EVENT_KEY_x`; `ZU_EVENT_KEY_ID` names the current one, `default` where it
 * is unset; `default` is also looked for in `ZU_EVENT_KEY`. A key stays readable in
 * `/proc/PID/environ` and to every child, of which the first one that is read warns.
 *
 * The verbs may be called from any thread, as long as nobody changes the environment meanwhile.
 */
struct _ZuEnvKeys
{
  GObject parent_instance;
  int warned;
};

static void zu_env_keys_iface_init (ZuKeyProviderInterface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuEnvKeys, zu_env_keys, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_KEY_PROVIDER,
                                                               zu_env_keys_iface_init))

/* A sign of equality would reach into another variable's value, and ZU_EVENT_KEY_ID is no key. */
static gboolean
is_allowed (const char *id)
{
  return zu_key_id_is_valid (id) && strchr (id, '=') == NULL && !g_str_equal (id, CURRENT);
}

static const char *
find_variable (const char *id, const char **name, char **buffer)
{
  const char *text;

  *name = *buffer = g_strconcat (PREFIX, id, NULL);
  text = g_getenv (*name);
  if (text == NULL && g_str_equal (id, ZU_KEY_ID_DEFAULT))
    text = g_getenv (*name = VARIABLE);
  return text;
}

static void
warn_once (ZuEnvKeys *self, const char *name)
{
  if (g_atomic_int_compare_and_exchange (&self->warned, FALSE, TRUE))
    g_message ("the key in the environment variable %s can be read by others: "
               "hand it over with the key provider 'credentials' instead",
               name);
}

static ZuSecret *
zu_env_keys_get_key (ZuKeyProvider *provider, const char *key_id, GCancellable *cancellable,
                     GError **error)
{
  g_autofree char *printable = zu_key_id_dup_printable (key_id);
  g_autofree char *buffer = NULL, *source = NULL;
  const char *name, *text;
  ZuSecret *key;

  if (!is_allowed (key_id))
    {
      g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY,
                   "the key id '%s' cannot be part of an environment variable's name", printable);
      return NULL;
    }
  text = find_variable (key_id, &name, &buffer);
  if (text == NULL)
    {
      g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY,
                   "there is no key '%s' (set " PREFIX "%s to " ZU_KEY_TEXT_EXPECTED
                   ", and keep the keys of older rows)",
                   printable, printable);
      return NULL;
    }

  source = g_strdup_printf ("the key '%s' in the environment", printable);
  key = zu_key_text_decode (text, strlen (text), source, error);
  if (key != NULL)
    warn_once (ZU_ENV_KEYS (provider), name);
  return key;
}

static char *
zu_env_keys_get_current_key_id (ZuKeyProvider *provider, GCancellable *cancellable, GError **error)
{
  const char *id = g_getenv (CURRENT_KEY);

  if (id == NULL)
    return g_strdup (ZU_KEY_ID_DEFAULT);
  if (is_allowed (id))
    return g_strdup (id);

  g_set_error_literal (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY,
                       CURRENT_KEY " does not hold a key id (unset it for 'default')");
  return NULL;
}

static void
zu_env_keys_iface_init (ZuKeyProviderInterface *iface)
{
  iface->get_key = zu_env_keys_get_key;
  iface->get_current_key_id = zu_env_keys_get_current_key_id;
}

static void
zu_env_keys_class_init (ZuEnvKeysClass *klass)
{
}

static void
zu_env_keys_class_finalize (ZuEnvKeysClass *klass)
{
}

static void
zu_env_keys_init (ZuEnvKeys *self)
{
}

void
zu_env_keys_register (GTypeModule *module)
{
  zu_env_keys_register_type (module);
}
