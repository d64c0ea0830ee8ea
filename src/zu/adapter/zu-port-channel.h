/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../base/zu-port.h"

#include "../ports/zu-channel.h"

G_BEGIN_DECLS

#define ZU_TYPE_PORT_CHANNEL (zu_port_channel_get_type ())
G_DECLARE_FINAL_TYPE (ZuPortChannel, zu_port_channel, ZU, PORT_CHANNEL, GObject)

ZuChannel *zu_port_channel_new (GObject *object, const ZuPortInfo *info);

G_END_DECLS
