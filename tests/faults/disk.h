/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* A disk that fails and forgets. The test program has open, write, sync and their kin itself, so
 * whatever is loaded into it (SQLite with its VFS, the sinks, GLib) calls these; for files of one
 * watched folder they keep a record of what was written since the last flush, fail where they are
 * told to, and at each flush make images: what the folder may hold after the power was lost then.
 */

typedef enum
{
  DISK_OPEN = 1 << 0,
  DISK_WRITE = 1 << 1,
  DISK_TRUNCATE = 1 << 2,
  DISK_SYNC = 1 << 3,
  DISK_UNLINK = 1 << 4,
  DISK_RENAME = 1 << 5,
  DISK_ANY = (1 << 6) - 1,
} DiskCall;

typedef enum
{
  DISK_IMAGE_NOTHING, /* of what was not flushed is there */
  DISK_IMAGE_ALL,     /* of it is there */
  DISK_IMAGE_BEGIN,   /* writes in order up to one that is torn */
  DISK_IMAGE_FEW,     /* sectors are there, in no order */
  DISK_IMAGE_HALF,    /* of the sectors */
  DISK_IMAGE_MOST,    /* of them */
  DISK_IMAGE_GARBAGE, /* where sectors are missing */
  N_DISK_IMAGES,
} DiskImageKind;

#define DISK_IMAGES_ALL ((1u << N_DISK_IMAGES) - 1)

typedef struct
{
  char *folder;
  DiskImageKind kind;
  guint point;    /* the flush before which the power went */
  guint promised; /* as disk_promise() had it */
} DiskImage;

void disk_watch (const char *folder, const char *images_folder, guint32 seed);
void disk_unwatch (void);

void disk_make_images (guint kinds);
void disk_make_image (DiskImageKind kind);
void disk_promise (guint promised);
GPtrArray *disk_take_images (void);
void disk_assert_seen_all (void);

void disk_fail (DiskCall calls, guint nth, int reason, gboolean is_lasting);
void disk_heal (void);
gboolean disk_has_failed (void);
guint disk_count (DiskCall calls);
