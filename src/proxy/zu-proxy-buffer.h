/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ZU_PROXY_BUFFER_MAX (64 * 1024)

/* Bytes on their way, at most ZU_PROXY_BUFFER_MAX; it has memory only while it holds some. */
typedef struct
{
  guint8 *data;
  gsize start;
  gsize length;
  gsize size;
} ZuProxyBuffer;

void zu_proxy_buffer_clear (ZuProxyBuffer *self);
const guint8 *zu_proxy_buffer_get_data (const ZuProxyBuffer *self);
gsize zu_proxy_buffer_get_room (const ZuProxyBuffer *self);
void zu_proxy_buffer_append (ZuProxyBuffer *self, const void *data, gsize length);
void zu_proxy_buffer_drop (ZuProxyBuffer *self, gsize length);
gsize zu_proxy_buffer_move (ZuProxyBuffer *self, ZuProxyBuffer *from, guint64 most);
gssize zu_proxy_buffer_receive (ZuProxyBuffer *self, int fd, gsize most);
gssize zu_proxy_buffer_send (ZuProxyBuffer *self, int fd);

G_END_DECLS
