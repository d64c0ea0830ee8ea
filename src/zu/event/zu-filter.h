/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-event.h"

G_BEGIN_DECLS

#define ZU_TYPE_FILTER  (zu_filter_get_type ())
#define ZU_FILTER_ERROR (zu_filter_error_quark ())

typedef struct _ZuFilter ZuFilter;

typedef enum
{
  ZU_FILTER_ERROR_UNKNOWN_FIELD,
  ZU_FILTER_ERROR_MALFORMED,
} ZuFilterError;

GType zu_filter_get_type (void);
GQuark zu_filter_error_quark (void);

ZuFilter *zu_filter_new (void);
ZuFilter *zu_filter_new_from_json (ZuJson *json, GError **error);
ZuFilter *zu_filter_ref (ZuFilter *self);
void zu_filter_unref (ZuFilter *self);
void zu_filter_add (ZuFilter *self, const char *field, const char *value);
guint zu_filter_get_size (ZuFilter *self);
const char *zu_filter_get_field (ZuFilter *self, guint index);
const char *zu_filter_get_value (ZuFilter *self, guint index);
gboolean zu_filter_check_fields (ZuFilter *self, const char *const *ctx_fields, GError **error);
gboolean zu_filter_matches (ZuFilter *self, ZuEvent *event);
ZuJson *zu_filter_to_json (ZuFilter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuFilter, zu_filter_unref)

G_END_DECLS
