/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"
#include "zu-positions-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Hands what stands in the canonical log on to one destination, in its order and from where that
 * destination was left. By one thread. */
typedef struct _ZuFollower ZuFollower;

typedef enum
{
  ZU_FOLLOW_MORE,   /* ask again */
  ZU_FOLLOW_END,    /* the destination has all that there was when it was asked */
  ZU_FOLLOW_FAILED, /* ask again later; nothing was left out */
  ZU_FOLLOW_TAKEN,  /* another bus delivers; ask again later */
} ZuFollowResult;

/* What became of one event: ERROR is NULL where it was taken. EVENT is NULL where there is none to
 * name: the log itself, or the file of positions, is what failed. */
typedef void (*ZuFollowed) (ZuEvent *event, const GError *error, gboolean is_final,
                            gpointer user_data);

ZuFollower *zu_follower_new (ZuEventSink *canonical, ZuEventSink *sink, const char *name,
                             ZuPositions *positions, ZuFollowed followed, gpointer user_data);
void zu_follower_free (ZuFollower *self);
ZuFollowResult zu_follower_step (ZuFollower *self);
gint64 zu_follower_get_save_due (ZuFollower *self);
void zu_follower_save (ZuFollower *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuFollower, zu_follower_free)

#pragma GCC visibility pop

G_END_DECLS
