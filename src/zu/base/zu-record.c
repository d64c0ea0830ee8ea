/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-record.h"

/**
 * ZuRecord:
 *
 * What ports pass around: a few typed members that never change once it is made.
 *
 * Subclasses are generated from the records in a port's YAML; each member is a construct-only
 * property. As JSON a record is an object with a key for each member; unknown keys are refused.
 */

typedef struct
{
  GValue *values;
} ZuRecordPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (ZuRecord, zu_record, G_TYPE_OBJECT)

/* An instance has its own class only after every init has run, so the values come with first use.
 */
static GValue *
peek_values (ZuRecord *self)
{
  ZuRecordPrivate *priv = zu_record_get_instance_private (self);
  ZuRecordClass *klass = ZU_RECORD_GET_CLASS (self);

  if (priv->values == NULL)
    {
      priv->values = g_new0 (GValue, MAX (klass->n_fields, 1));
      for (guint i = 0; i < klass->n_fields; i++)
        g_value_init (&priv->values[i], zu_field_get_gtype (&klass->fields[i]));
    }

  return priv->values;
}

static void
zu_record_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuRecord *self = ZU_RECORD (object);
  ZuRecordClass *klass = ZU_RECORD_GET_CLASS (self);

  if (id == 0 || id > klass->n_fields)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }

  g_value_copy (value, &peek_values (self)[id - 1]);
}

static void
zu_record_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuRecord *self = ZU_RECORD (object);
  ZuRecordClass *klass = ZU_RECORD_GET_CLASS (self);

  if (id == 0 || id > klass->n_fields)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }

  g_value_copy (&peek_values (self)[id - 1], value);
}

static void
zu_record_finalize (GObject *object)
{
  ZuRecord *self = ZU_RECORD (object);

  zu_values_clear (peek_values (self), ZU_RECORD_GET_CLASS (self)->n_fields);
  g_free (peek_values (self));

  G_OBJECT_CLASS (zu_record_parent_class)->finalize (object);
}

static void
zu_record_class_init (ZuRecordClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = zu_record_finalize;
}

static void
zu_record_init (ZuRecord *self)
{
}

/**
 * zu_record_class_set_fields: (skip)
 * @klass: a subclass's class
 * @fields: (array length=n_fields): its members; static
 * @n_fields: how many
 *
 * Gives a subclass its members and installs a property for each. Generated code calls this in
 * class_init.
 */
void
zu_record_class_set_fields (ZuRecordClass *klass, const ZuField *fields, guint n_fields)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  klass->fields = fields;
  klass->n_fields = n_fields;

  /* GObject does not hand these two down to a subclass. */
  object_class->set_property = zu_record_set_property;
  object_class->get_property = zu_record_get_property;

  for (guint i = 0; i < n_fields; i++)
    g_object_class_install_property (
        object_class, i + 1,
        zu_field_create_pspec (&fields[i],
                               G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_BLURB));
}

/**
 * zu_record_new_from_json: (skip)
 * @type: the type of record
 * @json: an object
 * @error: return location for an error, or %NULL
 *
 * Reads a record. Fails with %G_IO_ERROR_INVALID_ARGUMENT, naming the key, where one is unknown,
 * missing or of the wrong kind.
 *
 * Returns: (transfer full): the record, or %NULL
 */
ZuRecord *
zu_record_new_from_json (GType type, ZuJson *json, GError **error)
{
  g_autoptr (ZuRecordClass) klass = NULL;
  g_autofree GValue *values = NULL;
  g_autoptr (GPtrArray) names = NULL;
  ZuRecord *record = NULL;

  g_return_val_if_fail (g_type_is_a (type, ZU_TYPE_RECORD), NULL);
  g_return_val_if_fail (json != NULL, NULL);

  klass = g_type_class_ref (type);
  values = g_new0 (GValue, klass->n_fields);
  names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < klass->n_fields; i++)
    g_ptr_array_add (names, g_strdelimit (g_strdup (klass->fields[i].name), "_", '-'));

  if (zu_fields_from_json (klass->fields, klass->n_fields, json, values, error))
    record = ZU_RECORD (
        g_object_new_with_properties (type, klass->n_fields, (const char **) names->pdata, values));

  zu_values_clear (values, klass->n_fields);
  return record;
}

/**
 * zu_record_to_json:
 * @self: a record
 *
 * Gives @self as an object.
 *
 * Returns: (transfer full): @self as an object
 */
ZuJson *
zu_record_to_json (ZuRecord *self)
{
  ZuRecordClass *klass;
  g_autoptr (ZuJsonBuilder) builder = NULL;

  g_return_val_if_fail (ZU_IS_RECORD (self), NULL);

  klass = ZU_RECORD_GET_CLASS (self);
  builder = zu_json_builder_new ();
  zu_fields_to_json (klass->fields, klass->n_fields, peek_values (self), builder);
  return zu_json_builder_end (builder, NULL);
}

/**
 * zu_record_equal:
 * @self: a record
 * @other: another
 *
 * Tells whether both are of one type and have the same members.
 *
 * Returns: whether both are of one type and have the same members
 */
gboolean
zu_record_equal (ZuRecord *self, ZuRecord *other)
{
  g_autoptr (ZuJson) one = NULL;
  g_autoptr (ZuJson) two = NULL;

  g_return_val_if_fail (ZU_IS_RECORD (self) && ZU_IS_RECORD (other), FALSE);

  if (G_OBJECT_TYPE (self) != G_OBJECT_TYPE (other))
    return FALSE;

  one = zu_record_to_json (self);
  two = zu_record_to_json (other);
  return zu_json_equal (one, two);
}

/**
 * zu_record_peek_value: (skip)
 * @self: a record
 * @index: which member
 *
 * Gives the member's value.
 *
 * Returns: (transfer none): the member's value; generated getters read it
 */
const GValue *
zu_record_peek_value (ZuRecord *self, guint index)
{
  g_return_val_if_fail (ZU_IS_RECORD (self), NULL);
  g_return_val_if_fail (index < ZU_RECORD_GET_CLASS (self)->n_fields, NULL);

  return &peek_values (self)[index];
}
