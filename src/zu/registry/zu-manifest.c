/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-manifest-private.h"

#include "zu-registry.h"

#define GROUP  "Plugin"
#define SUFFIX ".zuplugin"

void
zu_manifest_free (ZuManifest *self)
{
  g_free (self->kind);
  g_free (self->port);
  g_free (self->name);
  g_free (self->type_name);
  g_free (self->module);
  g_free (self->uri);
  g_clear_error (&self->error);
  g_free (self);
}

static char *
read_text (GKeyFile *file, const char *key, GError **error)
{
  g_autofree char *text = g_key_file_get_string (file, GROUP, key, error);

  if (text == NULL || *text != '\0')
    return g_steal_pointer (&text);
  g_set_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "%s is empty", key);
  return NULL;
}

static gboolean
read_keys (ZuManifest *self, const char *folder, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree char *module = NULL;
  guint64 major;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error))
    return FALSE;
  self->kind = read_text (file, "kind", error);
  self->port = self->kind != NULL ? read_text (file, "port", error) : NULL;
  self->name = self->port != NULL ? read_text (file, "name", error) : NULL;
  self->type_name = self->name != NULL ? read_text (file, "type", error) : NULL;
  module = self->type_name != NULL ? read_text (file, "module", error) : NULL;
  if (module == NULL)
    return FALSE;
  if (strchr (module, G_DIR_SEPARATOR) != NULL)
    {
      g_set_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE,
                   "module '%s' is not a file beside it", module);
      return FALSE;
    }
  self->module = g_build_filename (folder, module, NULL);
  self->uri = g_key_file_get_string (file, GROUP, "uri", NULL);

  major = g_key_file_get_uint64 (file, GROUP, "major", error);
  self->major = (guint) MIN (major, G_MAXUINT);
  return error == NULL || *error == NULL;
}

static ZuManifest *
manifest_read (const char *folder, const char *file_name)
{
  g_autofree char *path = g_build_filename (folder, file_name, NULL);
  ZuManifest *self = g_new0 (ZuManifest, 1);
  GError *error = NULL;

  if (read_keys (self, folder, path, &error))
    return self;

  g_set_error (&self->error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_LOAD_FAILED,
               "cannot read the manifest '%s': %s", path, error->message);
  g_error_free (error);
  if (self->name == NULL)
    self->name = g_strndup (file_name, strlen (file_name) - strlen (SUFFIX));
  return self;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* All manifests of a folder, in the order of their names; of a folder that is missing, none. */
GPtrArray *
zu_manifest_read_folder (const char *folder)
{
  GPtrArray *manifests = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_manifest_free);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, SUFFIX))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);

  for (guint i = 0; i < names->len; i++)
    g_ptr_array_add (manifests, manifest_read (folder, g_ptr_array_index (names, i)));
  return manifests;
}
