/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define ZU_TYPE_JSON         (zu_json_get_type ())
#define ZU_TYPE_JSON_BUILDER (zu_json_builder_get_type ())
#define ZU_JSON_ERROR        (zu_json_error_quark ())

typedef struct _ZuJson ZuJson;
typedef struct _ZuJsonBuilder ZuJsonBuilder;

typedef enum
{
  ZU_JSON_ERROR_SYNTAX,
  ZU_JSON_ERROR_DEPTH,
  ZU_JSON_ERROR_NUMBER,
  ZU_JSON_ERROR_ENCODING,
  ZU_JSON_ERROR_TYPE,
  ZU_JSON_ERROR_MEMBER,
} ZuJsonError;

typedef enum
{
  ZU_JSON_KIND_NULL,
  ZU_JSON_KIND_BOOLEAN,
  ZU_JSON_KIND_INTEGER,
  ZU_JSON_KIND_FLOAT,
  ZU_JSON_KIND_STRING,
  ZU_JSON_KIND_ARRAY,
  ZU_JSON_KIND_OBJECT,
} ZuJsonKind;

GType zu_json_get_type (void);
GQuark zu_json_error_quark (void);

ZuJson *zu_json_parse (const char *text, gssize length, GError **error);
ZuJson *zu_json_ref (ZuJson *self);
void zu_json_unref (ZuJson *self);

ZuJsonKind zu_json_get_kind (ZuJson *self);
gsize zu_json_get_size (ZuJson *self);
gboolean zu_json_get_boolean (ZuJson *self);
gboolean zu_json_get_int64 (ZuJson *self, gint64 *value);
double zu_json_get_double (ZuJson *self);
const char *zu_json_get_string (ZuJson *self, gsize *length);

ZuJson *zu_json_dup_element (ZuJson *self, gsize index);
const char *zu_json_get_member_name (ZuJson *self, gsize index, gsize *length);
ZuJson *zu_json_dup_member (ZuJson *self, const char *name);

gboolean zu_json_equal (ZuJson *self, ZuJson *other);
char *zu_json_to_string (ZuJson *self);
char *zu_json_to_canonical_string (ZuJson *self);
char *zu_json_to_spaced_string (ZuJson *self);

GType zu_json_builder_get_type (void);
ZuJsonBuilder *zu_json_builder_new (void);
ZuJsonBuilder *zu_json_builder_ref (ZuJsonBuilder *self);
void zu_json_builder_unref (ZuJsonBuilder *self);
void zu_json_builder_begin_object (ZuJsonBuilder *self);
void zu_json_builder_end_object (ZuJsonBuilder *self);
void zu_json_builder_begin_array (ZuJsonBuilder *self);
void zu_json_builder_end_array (ZuJsonBuilder *self);
void zu_json_builder_set_member (ZuJsonBuilder *self, const char *name);
void zu_json_builder_add_null (ZuJsonBuilder *self);
void zu_json_builder_add_boolean (ZuJsonBuilder *self, gboolean value);
void zu_json_builder_add_int64 (ZuJsonBuilder *self, gint64 value);
void zu_json_builder_add_double (ZuJsonBuilder *self, double value);
void zu_json_builder_add_string (ZuJsonBuilder *self, const char *value);
void zu_json_builder_add_json (ZuJsonBuilder *self, ZuJson *value);
ZuJson *zu_json_builder_end (ZuJsonBuilder *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuJson, zu_json_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuJsonBuilder, zu_json_builder_unref)

G_END_DECLS
