/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "disk.h"

#include <sys/types.h>

/* What a folder holds for good, and what of it only its programs see so far. */

typedef struct _DiskModel DiskModel;
typedef struct _DiskFile DiskFile;

DiskModel *disk_model_new (guint32 seed);
void disk_model_free (DiskModel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DiskModel, disk_model_free)

DiskFile *disk_model_find (DiskModel *self, ino_t inode);
void disk_model_link (DiskModel *self, const char *name, ino_t inode);
void disk_model_unlink (DiskModel *self, const char *name);
void disk_model_rename (DiskModel *self, const char *from, const char *to);
void disk_model_sync (DiskModel *self);

void disk_file_write (DiskFile *self, off_t offset, const void *data, gsize size);
void disk_file_truncate (DiskFile *self, off_t size);
void disk_file_sync (DiskFile *self);
void disk_file_forget (DiskFile *self);

/* Name to GByteArray. */
GHashTable *disk_model_imagine (DiskModel *self, DiskImageKind kind);
