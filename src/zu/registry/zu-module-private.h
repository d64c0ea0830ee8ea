/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

#define ZU_TYPE_MODULE (zu_module_get_type ())
G_DECLARE_FINAL_TYPE (ZuModule, zu_module, ZU, MODULE, GTypeModule)

ZuModule *zu_module_load (const char *path, gboolean measured, GError **error);
const char *zu_module_get_measurement (ZuModule *self);

#pragma GCC visibility pop

G_END_DECLS
