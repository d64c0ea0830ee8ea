/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../event/zu-json.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_TYPE_REMOTE (zu_remote_get_type ())
G_DECLARE_INTERFACE (ZuRemote, zu_remote, ZU, REMOTE, GObject)

/**
 * ZuRemoteInterface:
 * @call: carries one method call to the other side and waits for its result
 * @call_async: starts one; %NULL where @call in a thread does
 * @call_finish: gives the result of @call_async
 *
 * What a port's proxy speaks through.
 */
struct _ZuRemoteInterface
{
  GTypeInterface parent;

  ZuJson *(*call) (ZuRemote *self, const char *method, ZuJson *args, GCancellable *cancellable,
                   GError **error);
  void (*call_async) (ZuRemote *self, const char *method, ZuJson *args, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data);
  ZuJson *(*call_finish) (ZuRemote *self, GAsyncResult *result, GError **error);
};

#define ZU_REMOTE_ERROR (zu_remote_error_quark ())
/**
 * ZuRemoteError:
 * @ZU_REMOTE_ERROR_REFUSED: the other side refused; the message is its own, `code: sentence`
 *
 * Why a call was not carried out; a port's proxy turns it into the port's own error.
 */
typedef enum
{
  ZU_REMOTE_ERROR_REFUSED,
} ZuRemoteError;

GQuark zu_remote_error_quark (void);

ZuJson *zu_remote_call (ZuRemote *self, const char *method, ZuJson *args, GCancellable *cancellable,
                        GError **error);
void zu_remote_call_async (ZuRemote *self, const char *method, ZuJson *args,
                           GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
ZuJson *zu_remote_call_finish (ZuRemote *self, GAsyncResult *result, GError **error);

G_END_DECLS
