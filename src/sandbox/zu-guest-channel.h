/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-guest-codec.h"

G_BEGIN_DECLS

typedef struct _ZuGuestChannel ZuGuestChannel;

ZuGuestChannel *zu_guest_channel_new (int fd);

gboolean zu_guest_channel_receive_hello (ZuGuestChannel *self, struct zu_wire_hello *hello,
                                         GCancellable *cancellable, GError **error);
gboolean zu_guest_channel_go (ZuGuestChannel *self, GBytes *go, GCancellable *cancellable,
                              GError **error);
guint32 zu_guest_channel_exec (ZuGuestChannel *self, const ZuGuestExec *exec,
                               GCancellable *cancellable, GError **error);
gboolean zu_guest_channel_wait (ZuGuestChannel *self, guint32 id, struct zu_wire_exited *exited,
                                GCancellable *cancellable, GError **error);
gboolean zu_guest_channel_kill (ZuGuestChannel *self, guint32 id, int signal, GError **error);
gboolean zu_guest_channel_resize (ZuGuestChannel *self, guint32 id, guint rows, guint columns,
                                  GError **error);
int zu_guest_channel_listen (ZuGuestChannel *self, guint port, GCancellable *cancellable,
                             GError **error);
gboolean zu_guest_channel_is_closed (ZuGuestChannel *self);

ZuGuestChannel *zu_guest_channel_ref (ZuGuestChannel *self);
void zu_guest_channel_unref (ZuGuestChannel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuGuestChannel, zu_guest_channel_unref)

G_END_DECLS
