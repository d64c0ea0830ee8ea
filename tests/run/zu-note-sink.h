/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* A linking sink that keeps what it is given, and can be told to refuse what comes after. */
#define ZU_TYPE_NOTE_SINK (zu_note_sink_get_type ())
G_DECLARE_FINAL_TYPE (ZuNoteSink, zu_note_sink, ZU, NOTE_SINK, GObject)

struct _ZuNoteSink
{
  GObject parent_instance;

  GPtrArray *events;
  guint capacity; /* how many it takes before it is full */
};

ZuNoteSink *zu_note_sink_new (void);

G_END_DECLS
