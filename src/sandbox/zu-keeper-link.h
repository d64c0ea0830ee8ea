/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-guest-channel.h"
#include "zu-keeper-wire.h"
#include "zu-state.h"

G_BEGIN_DECLS

typedef struct _ZuKeeperLink ZuKeeperLink;

/* What a keeper is told to make. Descriptors stay the caller's; -1 is none. */
typedef struct
{
  ZuState *state;
  int owner_fd;
  guint64 lifetime_ms;
  guint64 idle_ms;
  const char *epilogue; /* nullable; with one the keeper gets this process's environment */
  gboolean drops;
  gboolean by_engine; /* @argv is an engine's socket and a container; one listener is inherited */
  guint32 uid;
  guint32 gid;
  const char *const *cgroup_paths; /* nullable */
  const int *cgroup_fds;
  const int *mount_fds;
  guint n_mounts;
  const int *inherit_fds;
  guint n_inherit;
  const char *const *argv;
  GBytes *go;
} ZuKeeperLaunch;

char *zu_keeper_find_program (const char *name, GError **error);

ZuKeeperLink *zu_keeper_link_launch (const ZuKeeperLaunch *launch, struct zu_wire_hello *hello,
                                     ZuGuestChannel **channel, GCancellable *cancellable,
                                     GError **error);
ZuKeeperLink *zu_keeper_link_start (const ZuKeeperLaunch *launch, GCancellable *cancellable,
                                    GError **error);
gboolean zu_keeper_link_await_ready (ZuKeeperLink *self, struct zu_wire_hello *hello,
                                     ZuGuestChannel **channel, GCancellable *cancellable,
                                     GError **error);
gboolean zu_keeper_link_has_spoken (ZuKeeperLink *self, guint timeout_ms);
void zu_keeper_link_abandon (ZuKeeperLink *self);
ZuKeeperLink *zu_keeper_link_connect (ZuState *state, GError **error);
ZuGuestChannel *zu_keeper_link_open_channel (ZuKeeperLink *self, GCancellable *cancellable,
                                             GError **error);
gboolean zu_keeper_link_extend (ZuKeeperLink *self, guint64 lifetime_ms, GCancellable *cancellable,
                                GError **error);
gboolean zu_keeper_link_destroy (ZuKeeperLink *self, GCancellable *cancellable, GError **error);
const char *zu_keeper_link_await_end (ZuKeeperLink *self);

ZuKeeperLink *zu_keeper_link_ref (ZuKeeperLink *self);
void zu_keeper_link_unref (ZuKeeperLink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuKeeperLink, zu_keeper_link_unref)

G_END_DECLS
