/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-jsonl-marks.h"

G_BEGIN_DECLS

/* Where the last page for each filter ended, and in which file: who asks on gets what has come
 * since, also where the file was renamed meanwhile and another bears the name. Used from any
 * thread. */
typedef struct _ZuJsonlFollow ZuJsonlFollow;

typedef struct
{
  int fd; /* -1 where nobody knows */
  ZuJsonlMark mark;
  gint64 told; /* the last line that was said to be bad */
} ZuJsonlPlace;

ZuJsonlFollow *zu_jsonl_follow_new (void);
void zu_jsonl_follow_free (ZuJsonlFollow *self);

ZuJsonlPlace zu_jsonl_follow_take (ZuJsonlFollow *self, const char *filter, gint64 n_passed);
void zu_jsonl_follow_leave (ZuJsonlFollow *self, const char *filter, ZuJsonlPlace *place);

void zu_jsonl_place_clear (ZuJsonlPlace *self);
gboolean zu_jsonl_place_settle (const ZuJsonlPlace *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuJsonlPlace, zu_jsonl_place_clear)

G_END_DECLS
