/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-json.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * ZuFieldKind:
 * @ZU_FIELD_KIND_STRING: text, UTF-8 without U+0000
 * @ZU_FIELD_KIND_BOOLEAN: true or false
 * @ZU_FIELD_KIND_INT32: a whole number of 32 bits
 * @ZU_FIELD_KIND_UINT32: one that is not negative
 * @ZU_FIELD_KIND_INT64: a whole number of 64 bits
 * @ZU_FIELD_KIND_UINT64: one that is not negative
 * @ZU_FIELD_KIND_DOUBLE: a floating-point number
 * @ZU_FIELD_KIND_BYTES: bytes; base64 in JSON
 * @ZU_FIELD_KIND_JSON: any JSON value
 * @ZU_FIELD_KIND_FD: a file descriptor; it crosses no wire
 * @ZU_FIELD_KIND_ENUM: one of a few names
 * @ZU_FIELD_KIND_RECORD: a [class@Zu.Record]
 * @ZU_FIELD_KIND_EXTERNAL: a type that is written by hand
 * @ZU_FIELD_KIND_PORT: an implementation of a port; it crosses no wire
 *
 * What a value of a port is, in C and in JSON.
 */
typedef enum
{
  ZU_FIELD_KIND_STRING,
  ZU_FIELD_KIND_BOOLEAN,
  ZU_FIELD_KIND_INT32,
  ZU_FIELD_KIND_UINT32,
  ZU_FIELD_KIND_INT64,
  ZU_FIELD_KIND_UINT64,
  ZU_FIELD_KIND_DOUBLE,
  ZU_FIELD_KIND_BYTES,
  ZU_FIELD_KIND_JSON,
  ZU_FIELD_KIND_FD,
  ZU_FIELD_KIND_ENUM,
  ZU_FIELD_KIND_RECORD,
  ZU_FIELD_KIND_EXTERNAL,
  ZU_FIELD_KIND_PORT,
} ZuFieldKind;

typedef struct _ZuField ZuField;

/**
 * ZuField: (skip)
 * @name: the key in JSON, snake_case
 * @kind: what the value is; of an array, what its elements are
 * @is_array: whether it is an array of that
 * @is_nullable: whether null (in C: %NULL) is a value of it
 * @get_type: the type of an enum, record, external type or port; else %NULL
 * @default_json: the value where it is left out, as JSON; %NULL where it must be given
 * @brief: what it means
 *
 * One parameter, result or record member of a port, as generated.
 */
struct _ZuField
{
  const char *name;
  ZuFieldKind kind;
  gboolean is_array;
  gboolean is_nullable;
  GType (*get_type) (void);
  const char *default_json;
  const char *brief;
};

GType zu_field_get_gtype (const ZuField *field);
GParamSpec *zu_field_create_pspec (const ZuField *field, GParamFlags flags);
gboolean zu_field_from_json (const ZuField *field, ZuJson *json, GValue *value, GError **error);
void zu_field_to_json (const ZuField *field, const GValue *value, ZuJsonBuilder *builder);

gboolean zu_fields_from_json (const ZuField *fields, guint n_fields, ZuJson *object, GValue *values,
                              GError **error);
void zu_fields_to_json (const ZuField *fields, guint n_fields, const GValue *values,
                        ZuJsonBuilder *builder);
void zu_values_clear (GValue *values, guint n_values);

G_END_DECLS
