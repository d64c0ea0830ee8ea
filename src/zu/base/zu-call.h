/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_TYPE_CALL (zu_call_get_type ())
G_DECLARE_FINAL_TYPE (ZuCall, zu_call, ZU, CALL, GObject)

GCancellable *zu_call_get_cancellable (ZuCall *self);
void zu_call_return_value (ZuCall *self, const GValue *value);
void zu_call_return_nothing (ZuCall *self);
void zu_call_return_boolean (ZuCall *self, gboolean value);
void zu_call_return_int64 (ZuCall *self, gint64 value);
void zu_call_return_string (ZuCall *self, const char *value);
void zu_call_return_object (ZuCall *self, GObject *value);
void zu_call_return_objects (ZuCall *self, GPtrArray *value);
void zu_call_return_error (ZuCall *self, const GError *error);

/**
 * ZuCallBegin:
 * @object: an implementation
 * @in: the arguments of the verb
 * @call: the call, which takes the answer
 *
 * A verb that answers through a call, unpacked; generated code has one for each verb.
 */
typedef void (*ZuCallBegin) (GObject *object, const GValue *in, ZuCall *call);

/**
 * ZuCallInvoke:
 * @object: an implementation
 * @in: the arguments of the verb
 * @out: an initialised value, set to the answer
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error, or %NULL
 *
 * A verb that answers at once, unpacked; generated code has one for each verb.
 *
 * Returns: whether there is an answer
 */
typedef gboolean (*ZuCallInvoke) (GObject *object, const GValue *in, GValue *out,
                                  GCancellable *cancellable, GError **error);

gboolean zu_call_run (GObject *object, ZuCallBegin begin, const GValue *in, GValue *out,
                      gboolean nullable, GCancellable *cancellable, GError **error);
void zu_call_start (GObject *object, ZuCallBegin begin, const GValue *in, GType type,
                    gboolean nullable, gpointer tag, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data);
void zu_call_start_in_thread (GObject *object, guint concurrency, ZuCallInvoke invoke, GValue *in,
                              guint n_in, GType type, gpointer tag, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data);
gboolean zu_call_finish (GObject *object, GAsyncResult *result, gpointer tag, GValue *out,
                         GError **error);
gboolean zu_call_check_implemented (gboolean is_implemented, GObject *object, const char *verb,
                                    GError **error);
gboolean zu_call_check_sync (gboolean is_answered, const char *verb, GError *given, GError **error);
gboolean zu_call_check_answer (const GValue *out, gboolean nullable, const char *verb,
                               GError **error);

G_END_DECLS
