/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../base/zu-remote.h"

#include "../ports/zu-channel.h"

G_BEGIN_DECLS

#define ZU_TYPE_CHANNEL_REMOTE (zu_channel_remote_get_type ())
G_DECLARE_FINAL_TYPE (ZuChannelRemote, zu_channel_remote, ZU, CHANNEL_REMOTE, GObject)

ZuRemote *zu_channel_remote_new (ZuChannel *channel);

G_END_DECLS
