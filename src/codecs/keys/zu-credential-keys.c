/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-credential-keys.h"

#include "zu-credential-folder.h"
#include "zu-key-text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE     "CREDENTIALS_DIRECTORY"
#define PREFIX       "zu-event-key-"
#define CURRENT      "id"
#define CURRENT_FILE PREFIX CURRENT
#define MAX_NAME     255 /* a file name's */

/**
 * ZuCredentialKeys:
 *
 * Keys out of the files of a folder, as systemd's `LoadCredential=` makes it.
 *
 * The key `x` is in `zu-event-key-x`; `zu-event-key-id` names the current one, `default` where it
 * is missing. A key goes from its file straight into locked memory. The folder is opened and
 * checked anew for every verb, so whatever was put in its place is seen.
 *
 * The verbs may be called from any thread.
 */
struct _ZuCredentialKeys
{
  GObject parent_instance;
  char *directory;
};

enum
{
  PROP_DIRECTORY = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_credential_keys_iface_init (ZuKeyProviderInterface *iface);
static void zu_credential_keys_initable_init (GInitableIface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (
    ZuCredentialKeys, zu_credential_keys, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
    G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_KEY_PROVIDER, zu_credential_keys_iface_init)
        G_IMPLEMENT_INTERFACE_DYNAMIC (G_TYPE_INITABLE, zu_credential_keys_initable_init))

/* Letters, digits and . _ - @ + only, so that an id is never more than a part of a file's name. */
static gboolean
is_allowed (const char *id)
{
  gsize size = strlen (id);

  return size >= 1 && size <= MAX_NAME - strlen (PREFIX) && !g_str_equal (id, CURRENT)
         && strspn (id, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "._-@+") == size;
}

/* -1 in case of an error; a file that is not there is the port's NO_KEY. */
static int
open_credential (ZuCredentialKeys *self, const char *name, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  int folder = zu_credential_folder_open (self->directory, error);
  int fd;

  if (folder < 0)
    return -1;
  fd = zu_credential_folder_open_file (folder, name, &local_error);
  close (folder);

  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY,
                 "there is no credential '%s' in '%s' (load it, and keep the keys of older rows)",
                 name, self->directory);
  else if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return fd;
}

static ZuSecret *
read_credential (ZuCredentialKeys *self, const char *name, GError **error)
{
  int fd = open_credential (self, name, error);
  ZuSecret *text;

  if (fd < 0)
    return NULL;
  text = zu_secret_new_from_fd (fd, error);
  close (fd);
  g_prefix_error (error, "credential '%s': ", name);
  return text;
}

static ZuSecret *
zu_credential_keys_get_key (ZuKeyProvider *provider, const char *key_id, GCancellable *cancellable,
                            GError **error)
{
  g_autofree char *name = g_strconcat (PREFIX, key_id, NULL);
  g_autofree char *source = g_strdup_printf ("the credential '%s'", name);
  g_autoptr (ZuSecret) text = NULL;
  const char *bytes;
  gsize size;

  if (!is_allowed (key_id))
    {
      g_autofree char *printable = zu_key_id_dup_printable (key_id);

      g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY,
                   "the key id '%s' cannot be part of a credential's name", printable);
      return NULL;
    }
  text = read_credential (ZU_CREDENTIAL_KEYS (provider), name, error);
  if (text == NULL)
    return NULL;

  bytes = zu_secret_peek (text, &size);
  return zu_key_text_decode (bytes, size, source, error);
}

static char *
zu_credential_keys_get_current_key_id (ZuKeyProvider *provider, GCancellable *cancellable,
                                       GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ZuSecret) text =
      read_credential (ZU_CREDENTIAL_KEYS (provider), CURRENT_FILE, &local_error);
  g_autofree char *id = NULL;
  const char *bytes;
  gsize size;

  if (g_error_matches (local_error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY))
    return g_strdup (ZU_KEY_ID_DEFAULT);
  if (text == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  bytes = zu_secret_peek (text, &size);
  id = g_strstrip (g_strndup (bytes, MIN (size, MAX_NAME)));
  if (memchr (bytes, '\0', size) == NULL && size <= MAX_NAME && is_allowed (id))
    return g_steal_pointer (&id);
  g_set_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY,
               "the credential '%s' does not hold a key id", CURRENT_FILE);
  return NULL;
}

static void
zu_credential_keys_iface_init (ZuKeyProviderInterface *iface)
{
  iface->get_key = zu_credential_keys_get_key;
  iface->get_current_key_id = zu_credential_keys_get_current_key_id;
}

static gboolean
zu_credential_keys_initable (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuCredentialKeys *self = ZU_CREDENTIAL_KEYS (initable);
  const char *given = self->directory != NULL ? self->directory : secure_getenv (VARIABLE);
  g_autofree char *directory = NULL;
  int fd;

  if (given == NULL || *given == '\0')
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "credentials: no folder is given (start the service with "
                           "LoadCredential=, or give the option 'directory')");
      return FALSE;
    }
  directory = g_canonicalize_filename (given, NULL);
  g_free (self->directory);
  self->directory = g_steal_pointer (&directory);

  fd = zu_credential_folder_open (self->directory, error);
  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static void
zu_credential_keys_initable_init (GInitableIface *iface)
{
  iface->init = zu_credential_keys_initable;
}

static void
zu_credential_keys_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_DIRECTORY)
    g_value_set_string (value, ZU_CREDENTIAL_KEYS (object)->directory);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_credential_keys_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_DIRECTORY)
    ZU_CREDENTIAL_KEYS (object)->directory = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
zu_credential_keys_finalize (GObject *object)
{
  g_free (ZU_CREDENTIAL_KEYS (object)->directory);
  G_OBJECT_CLASS (zu_credential_keys_parent_class)->finalize (object);
}

static void
zu_credential_keys_class_init (ZuCredentialKeysClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_credential_keys_get_property;
  object_class->set_property = zu_credential_keys_set_property;
  object_class->finalize = zu_credential_keys_finalize;

  props[PROP_DIRECTORY] =
      g_param_spec_string ("directory", NULL,
                           "The folder of the keys; left out, $CREDENTIALS_DIRECTORY", NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_credential_keys_class_finalize (ZuCredentialKeysClass *klass)
{
}

static void
zu_credential_keys_init (ZuCredentialKeys *self)
{
}

void
zu_credential_keys_register (GTypeModule *module)
{
  zu_credential_keys_register_type (module);
}
