/* SPDX-License-Identifier: Apache-2.0 */

/* The files of a sandbox that is played, which are in memory. They may be written where a real
 * sandbox lets them be: in its scratch folders, and anywhere if its root was asked to be writable.
 */

#include "zu-scripted-box.h"
#include <string.h>

#define FAILED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_FILE

void
zu_scripted_file_free (ZuScriptedFile *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self);
}

/* @bytes is nullable: a folder. */
ZuScriptedFile *
zu_scripted_file_new (GBytes *bytes, guint mode)
{
  ZuScriptedFile *self = g_new0 (ZuScriptedFile, 1);

  self->bytes = bytes ? g_bytes_ref (bytes) : NULL;
  self->mode = mode & 0777;
  self->modified = g_get_real_time () / G_TIME_SPAN_SECOND;
  return self;
}

static gboolean
check_path (const char *path, GError **error)
{
  if (g_path_is_absolute (path) && strlen (path) <= 4096)
    return TRUE;
  g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
               "path '%.200s' is not absolute, or longer than 4096 bytes", path);
  return FALSE;
}

static gboolean
is_writable (const ZuScriptedBox *self, const char *path)
{
  const ZuLaunchPlan *plan = self->plan;

  for (guint i = 0; i < plan->mounts->len; i++)
    if (zu_path_is_beneath (path, ((ZuMount *) plan->mounts->pdata[i])->destination))
      return FALSE;
  return !plan->read_only || zu_path_is_beneath (path, "/tmp") || zu_path_is_beneath (path, "/run")
         || zu_path_is_beneath (path, plan->workdir ? plan->workdir : "/work");
}

static ZuScriptedFile *
find (ZuScriptedBox *self, const char *path, GError **error)
{
  ZuScriptedFile *file;

  if (!check_path (path, error))
    return NULL;
  file = g_hash_table_lookup (self->files, path);
  if (!file)
    g_set_error (error, FAILED, "%s: no such file or folder", path);
  return file;
}

gboolean
zu_scripted_box_put (ZuScriptedBox *self, const char *path, GBytes *bytes, guint mode,
                     GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  ZuScriptedFile *there = g_hash_table_lookup (self->files, path);
  ZuScriptedFile *above = check_path (path, error) ? find (self, folder, error) : NULL;

  if (!above)
    return FALSE;
  if (above->bytes || (there && !there->bytes))
    {
      g_set_error (error, FAILED, "%s: %s", path, above->bytes ? "not in a folder" : "is a folder");
      return FALSE;
    }
  if (!is_writable (self, path))
    {
      g_set_error (error, FAILED, "%s: read-only file system", path);
      return FALSE;
    }
  g_hash_table_replace (self->files, g_strdup (path), zu_scripted_file_new (bytes, mode));
  return TRUE;
}

GBytes *
zu_scripted_box_get (ZuScriptedBox *self, const char *path, GError **error)
{
  ZuScriptedFile *file = find (self, path, error);

  if (file && file->bytes)
    return g_bytes_ref (file->bytes);
  if (file)
    g_set_error (error, FAILED, "%s: not a regular file", path);
  return NULL;
}

static ZuFileInfo *
describe (const char *path, const ZuScriptedFile *file)
{
  g_autofree char *name = g_path_get_basename (path);

  return g_object_new (ZU_TYPE_FILE_INFO, "name", name, "kind",
                       file->bytes ? ZU_FILE_KIND_FILE : ZU_FILE_KIND_FOLDER, "mode", file->mode,
                       "size", file->bytes ? (gint64) g_bytes_get_size (file->bytes) : 0,
                       "modified", file->modified, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The paths in order; in @folder where that is not NULL. */
static GPtrArray *
list_paths (ZuScriptedBox *self, const char *folder)
{
  GPtrArray *paths = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer path;

  g_hash_table_iter_init (&iter, self->files);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    {
      g_autofree char *above = g_path_get_dirname (path);

      if (!folder || (strcmp (above, folder) == 0 && strcmp (path, folder) != 0))
        g_ptr_array_add (paths, path);
    }
  g_ptr_array_sort (paths, compare_names);
  return paths;
}

GPtrArray *
zu_scripted_box_list (ZuScriptedBox *self, const char *path, GError **error)
{
  ZuScriptedFile *file = find (self, path, error);
  g_autoptr (GPtrArray) infos = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GPtrArray) paths = NULL;

  if (!file)
    return NULL;
  if (file->bytes)
    g_ptr_array_add (infos, describe (path, file));
  paths = file->bytes ? g_ptr_array_new () : list_paths (self, path);
  for (guint i = 0; i < paths->len; i++)
    g_ptr_array_add (infos, describe (paths->pdata[i],
                                      g_hash_table_lookup (self->files, paths->pdata[i])));
  return g_steal_pointer (&infos);
}

/* Files are all that can be added; folders were there from the start. */
GPtrArray *
zu_scripted_box_list_added (ZuScriptedBox *self)
{
  g_autoptr (GPtrArray) paths = list_paths (self, NULL);
  GPtrArray *changes = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < paths->len; i++)
    if (((ZuScriptedFile *) g_hash_table_lookup (self->files, paths->pdata[i]))->bytes)
      g_ptr_array_add (changes, zu_file_change_new (paths->pdata[i], ZU_CHANGE_KIND_ADDED));
  return changes;
}

GPtrArray *
zu_scripted_box_list_mounts (ZuScriptedBox *self)
{
  GPtrArray *mounts = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < self->plan->mounts->len; i++)
    {
      const ZuMount *mount = self->plan->mounts->pdata[i];

      g_ptr_array_add (mounts,
                       g_object_new (ZU_TYPE_MOUNT_INFO, "destination", mount->destination,
                                     "source", mount->source, "writable", mount->writable, NULL));
    }
  return mounts;
}
