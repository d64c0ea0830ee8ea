/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-json.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Construct properties of one class, gathered by name. */
typedef struct
{
  GObjectClass *klass;
  const char *plugin; /* named in errors */
  GPtrArray *names;
  GArray *values;
} ZuOptions;

void zu_options_init (ZuOptions *self, GObjectClass *klass, const char *plugin);
void zu_options_clear (ZuOptions *self);
gboolean zu_options_add_value (ZuOptions *self, const char *name, const GValue *value,
                               GError **error);
gboolean zu_options_add_json (ZuOptions *self, const char *name, ZuJson *json, GError **error);
gboolean zu_options_add_text (ZuOptions *self, const char *name, const char *text, GError **error);
gboolean zu_options_add_all (ZuOptions *self, ZuJson *object, GError **error);
GObject *zu_options_construct (ZuOptions *self, GCancellable *cancellable, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuOptions, zu_options_clear)

#pragma GCC visibility pop

G_END_DECLS
