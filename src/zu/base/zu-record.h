/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-field.h"

G_BEGIN_DECLS

#define ZU_TYPE_RECORD (zu_record_get_type ())
G_DECLARE_DERIVABLE_TYPE (ZuRecord, zu_record, ZU, RECORD, GObject)

struct _ZuRecordClass
{
  GObjectClass parent_class;

  /*< private >*/
  const ZuField *fields;
  guint n_fields;
};

void zu_record_class_set_fields (ZuRecordClass *klass, const ZuField *fields, guint n_fields);

ZuRecord *zu_record_new_from_json (GType type, ZuJson *json, GError **error);
ZuJson *zu_record_to_json (ZuRecord *self);
gboolean zu_record_equal (ZuRecord *self, ZuRecord *other);

const GValue *zu_record_peek_value (ZuRecord *self, guint index);

G_END_DECLS
