/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-guest-wire.h"
#include "zu-mounts.h"

G_BEGIN_DECLS

/* What an engine's container may at most be. Everything is borrowed. */
typedef struct
{
  const char *image_id;
  const char *user;    /* "UID:GID", or the image's own */
  const char *network; /* the one mode that is allowed: "none", "bridge" or a network's name */
  const char *const *capabilities;
  gint64 memory;
  gint64 pids;
  gboolean read_only;
  GPtrArray *mounts; /* of ZuFloorMount: all of them, the backend's own included */
} ZuFloor;

typedef struct
{
  char *source; /* a path of the host's, or a volume's name */
  char *destination;
  gboolean writable;
  gboolean is_volume;
  gboolean is_own; /* the backend's, and not the caller's */
} ZuFloorMount;

ZuFloorMount *zu_floor_mount_new (const char *source, const char *destination, gboolean writable);
void zu_floor_mount_free (ZuFloorMount *self);

const char *zu_floor_find_capability (const char *name);
gboolean zu_floor_check_security_option (const char *option, GError **error);
gboolean zu_floor_check_seccomp (const char *profile, GError **error);

gboolean zu_floor_check_request (const ZuFloor *self, ZuJson *request, const char *state_root,
                                 GError **error);
gboolean zu_floor_check_answer (const ZuFloor *self, ZuJson *answer, GError **error);
gboolean zu_floor_check_guest (const ZuFloor *self, const struct zu_wire_hello *hello,
                               GError **error);

G_END_DECLS
