/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-config.h"

#include "zuctl-error.h"

/* Reads a key of $XDG_CONFIG_HOME/zu/config.ini; NULL where the file or the key is not there. */
gboolean
zuctl_config_get (const char *group, const char *key, char **value, GError **error)
{
  g_autofree char *path = g_build_filename (g_get_user_config_dir (), "zu", "config.ini", NULL);
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) why = NULL;

  *value = NULL;
  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &why))
    {
      if (g_error_matches (why, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return TRUE;
      g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT,
                   "cannot read the configuration %s: %s", path, why->message);
      return FALSE;
    }

  *value = g_key_file_get_string (file, group, key, NULL);
  return TRUE;
}
