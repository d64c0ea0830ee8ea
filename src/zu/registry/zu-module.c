/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-module-private.h"

#include "zu-registry.h"

#include "zu-measure.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gmodule.h>
#include <unistd.h>

/* Loads a GIOModule the way GIO does, but with every symbol bound at once, so that a missing one is
 * an error here and does not end the process later, and with the reason told to the caller. */
struct _ZuModule
{
  GTypeModule parent_instance;

  char *path;
  char *load_failure;
  gboolean measured;
  char *measurement;
};

G_DEFINE_FINAL_TYPE (ZuModule, zu_module, G_TYPE_TYPE_MODULE)

/* libzu-sink-sqlite.so has g_io_zu_sink_sqlite_load(). */
static char *
dup_load_name (const char *path)
{
  g_autofree char *name = g_path_get_basename (path);
  const char *bare = g_str_has_prefix (name, "lib") ? name + 3 : name;
  char *end = strchr (name, '.');

  if (end != NULL)
    *end = '\0';
  for (char *c = name; *c != '\0'; c++)
    if (*c == '-')
      *c = '_';
  return g_strdup_printf ("g_io_%s_load", bare);
}

/* What is measured is what is loaded, whatever has its name by then. The descriptor stays open, as
 * the module stays: by a number that is used again the next module would be taken for this one. */
static GModule *
open_measured (ZuModule *self)
{
  int fd = g_open (self->path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  GModule *module = NULL;
  g_autoptr (GError) error = NULL;

  if (fd < 0)
    self->load_failure = g_strdup_printf ("%s: %s", self->path, g_strerror (errno));
  else if ((self->measurement = zu_measure_fd (fd, &error)) == NULL)
    self->load_failure = g_strdup_printf ("%s: %s", self->path, error->message);
  else if ((module = g_module_open (path, G_MODULE_BIND_LOCAL)) == NULL)
    self->load_failure = g_strdup_printf ("%s: %s", self->path, g_module_error ());
  if (fd >= 0 && module == NULL)
    close (fd);
  return module;
}

static GModule *
open_named (ZuModule *self)
{
  GModule *module = g_module_open (self->path, G_MODULE_BIND_LOCAL);

  if (module == NULL)
    self->load_failure = g_strdup (g_module_error ());
  return module;
}

static gboolean
zu_module_do_load (GTypeModule *type_module)
{
  ZuModule *self = ZU_MODULE (type_module);
  g_autofree char *load_name = dup_load_name (self->path);
  GModule *module = self->measured ? open_measured (self) : open_named (self);
  void (*load) (GTypeModule * module);

  if (module == NULL)
    return FALSE;
  /* Its types stay registered, so its code must stay. */
  g_module_make_resident (module);
  if (!g_module_symbol (module, load_name, (gpointer *) &load) || load == NULL)
    {
      self->load_failure = g_strdup_printf ("%s: there is no %s()", self->path, load_name);
      return FALSE;
    }
  load (type_module);
  return TRUE;
}

static void
zu_module_finalize (GObject *object)
{
  ZuModule *self = ZU_MODULE (object);

  g_free (self->path);
  g_free (self->load_failure);
  g_free (self->measurement);
  G_OBJECT_CLASS (zu_module_parent_class)->finalize (object);
}

static void
zu_module_class_init (ZuModuleClass *klass)
{
  G_TYPE_MODULE_CLASS (klass)->load = zu_module_do_load;
  G_OBJECT_CLASS (klass)->finalize = zu_module_finalize;
}

static void
zu_module_init (ZuModule *self)
{
}

/* Loads a module for as long as the process lives; what is returned is never to be let go. */
ZuModule *
zu_module_load (const char *path, gboolean measured, GError **error)
{
  ZuModule *self = g_object_new (ZU_TYPE_MODULE, NULL);

  self->path = g_strdup (path);
  self->measured = measured;
  g_type_module_set_name (G_TYPE_MODULE (self), path);
  if (g_type_module_use (G_TYPE_MODULE (self)))
    return self;

  g_set_error (error, ZU_REGISTRY_ERROR, ZU_REGISTRY_ERROR_LOAD_FAILED, "cannot load a module: %s",
               self->load_failure);
  /* A type module can never be freed once used; one that failed registered nothing. */
  g_object_unref (self);
  return NULL;
}

const char *
zu_module_get_measurement (ZuModule *self)
{
  return self->measurement;
}
