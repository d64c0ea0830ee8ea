/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../base/zu-port.h"

G_BEGIN_DECLS

/* A record as a{sv}: members as on the wire, null ones left out. FIELD holds a record. */
G_GNUC_INTERNAL GVariant *zu_dbus_record_from_json (const ZuField *field, ZuJson *json);
G_GNUC_INTERNAL gboolean zu_dbus_record_to_json (const ZuField *field, GVariant *dict,
                                                 ZuJsonBuilder *builder, GError **error);

/* The arguments or results of a verb, as a tuple in the order of FIELDS and as an object. */
G_GNUC_INTERNAL GVariant *zu_dbus_tuple_from_json (const ZuField *fields, guint n_fields,
                                                   ZuJson *object);
G_GNUC_INTERNAL ZuJson *zu_dbus_tuple_to_json (const ZuField *fields, guint n_fields,
                                               GVariant *tuple, GError **error);

/* The name of a port's error on D-Bus: INTERFACE.Error.NoSecret, and back to its code. */
G_GNUC_INTERNAL char *zu_dbus_error_name (const char *interface, const char *text);
G_GNUC_INTERNAL char *zu_dbus_error_text (const char *interface, const char *name,
                                          const char *message);

G_END_DECLS
