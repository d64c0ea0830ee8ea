/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-call.h"
#include "zu-field.h"
#include "zu-remote.h"

G_BEGIN_DECLS

typedef struct _ZuPortMethod ZuPortMethod;
typedef struct _ZuPortInfo ZuPortInfo;

/**
 * ZuPortMethod: (skip)
 * @name: the verb, snake_case
 * @in: its parameters
 * @n_in: how many
 * @out: its result; %NULL where it gives nothing
 * @is_spread: whether the result is a record whose members stand at the top of the JSON result
 * @is_wire: whether all its values can cross a wire
 * @invoke: calls it on an implementation
 *
 * One verb of a port, as generated.
 */
struct _ZuPortMethod
{
  const char *name;
  const ZuField *in;
  guint n_in;
  const ZuField *out;
  gboolean is_spread;
  gboolean is_wire;
  ZuCallInvoke invoke;
};

/**
 * ZuPortInfo: (skip)
 * @name: the port's name, as in EventSink
 * @kind: the extension point of its implementations, as in zu.sinks
 * @major: implementations built for another major are refused
 * @get_type: the GObject interface
 * @get_error_quark: the error domain
 * @error_codes: (array zero-terminated=1): the codes of that domain, in order
 * @methods: (array length=n_methods): its verbs
 * @n_methods: how many
 * @create_proxy: makes an implementation that speaks to a remote one
 * @has_channel: whether the generic Channel reaches its verbs
 * @dbus_interface: (nullable): its interface on D-Bus
 * @dbus_path: (nullable): where it is found there
 * @description: all that is known of it, as JSON
 *
 * A port, as generated.
 */
struct _ZuPortInfo
{
  const char *name;
  const char *kind;
  guint major;
  GType (*get_type) (void);
  GQuark (*get_error_quark) (void);
  const char *const *error_codes;
  const ZuPortMethod *methods;
  guint n_methods;
  GObject *(*create_proxy) (ZuRemote *remote);
  gboolean has_channel;
  const GDBusInterfaceInfo *dbus_interface;
  const char *dbus_path;
  const char *description;
};

void zu_port_register (const ZuPortInfo *info);
const ZuPortInfo *zu_port_lookup (const char *name);
const ZuPortInfo *zu_port_lookup_for_object (GObject *object, const char *kind);
GPtrArray *zu_port_list (void);

const ZuPortMethod *zu_port_find_method (const ZuPortInfo *info, const char *name);
ZuJson *zu_port_dispatch (const ZuPortInfo *info, GObject *object, const char *method, ZuJson *args,
                          GCancellable *cancellable, GError **error);
gboolean zu_port_call_remote (const ZuPortInfo *info, const ZuPortMethod *method, ZuRemote *remote,
                              const GValue *in, GValue *out, GCancellable *cancellable,
                              GError **error);
void zu_port_begin_remote (const ZuPortInfo *info, const ZuPortMethod *method, ZuRemote *remote,
                           const GValue *in, ZuCall *call);

char *zu_port_dup_error_text (const ZuPortInfo *info, const GError *error);
GError *zu_port_error_from_text (const ZuPortInfo *info, const char *text);

G_END_DECLS
