/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-plugin-info.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_REGISTRY_ERROR (zu_registry_error_quark ())
#define ZU_TYPE_REGISTRY  (zu_registry_get_type ())
G_DECLARE_FINAL_TYPE (ZuRegistry, zu_registry, ZU, REGISTRY, GObject)

typedef enum
{
  ZU_REGISTRY_ERROR_NOT_FOUND,
  ZU_REGISTRY_ERROR_MAJOR_MISMATCH,
  ZU_REGISTRY_ERROR_LOAD_FAILED,
  ZU_REGISTRY_ERROR_DUPLICATE,
  ZU_REGISTRY_ERROR_BAD_OPTION,
  ZU_REGISTRY_ERROR_BAD_URI,
} ZuRegistryError;

GQuark zu_registry_error_quark (void);

ZuRegistry *zu_registry_get_default (void);
ZuRegistry *zu_registry_new (const char *const *module_dirs);

void zu_registry_measure_modules (ZuRegistry *self);
GPtrArray *zu_registry_list (ZuRegistry *self);
GType zu_registry_lookup (ZuRegistry *self, const char *kind, const char *port, const char *name,
                          GError **error);

GObject *zu_registry_create (ZuRegistry *self, const char *kind, const char *port, const char *name,
                             ZuJson *options, GCancellable *cancellable, GError **error);
GObject *zu_registry_create_with_properties (ZuRegistry *self, const char *kind, const char *port,
                                             const char *name, guint n_properties,
                                             const char *names[], const GValue values[],
                                             GCancellable *cancellable, GError **error);
GObject *zu_registry_create_full (ZuRegistry *self, const char *kind, const char *port,
                                  const char *name, ZuJson *options, guint n_properties,
                                  const char *names[], const GValue values[],
                                  GCancellable *cancellable, GError **error);

G_END_DECLS
