/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* A table in a network namespace, as an enforcement's id names it: TABLE@INODE@PATH. */
typedef struct
{
  char *table;
  char *path;
  guint64 inode;
  int fd; /* of the namespace; -1 where it is gone */
} ZuNftTarget;

gboolean zu_nft_target_open (ZuNftTarget *self, const char *target, const char *const *lines,
                             GError **error);
gboolean zu_nft_target_open_id (ZuNftTarget *self, const char *id, GError **error);
char *zu_nft_target_make_id (const ZuNftTarget *self);
void zu_nft_target_clear (ZuNftTarget *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuNftTarget, zu_nft_target_clear)

G_END_DECLS
