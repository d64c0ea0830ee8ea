/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-event.h"
#include "zu-json-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

#define ZU_EVENT_N_FIELDS 10
/* The length of a field that is null. */
#define ZU_EVENT_NULL G_MAXUINT32
/* Bytes behind a text and its padding that nearly every event's fields fit into. */
#define ZU_EVENT_ROOM 768
/* A digest in hexadecimal digits, and a terminator. */
#define ZU_EVENT_DIGEST_SIZE 65

typedef struct
{
  guint32 start;
  guint32 length;
  gboolean is_plain; /* written as it is */
} ZuEventSlice;

/* Where the parts of an event's text stand. */
typedef struct
{
  guint32 payload, payload_length;
  guint32 version, version_length; /* the digits of schema_version */
  guint32 links;                   /* where `,"prev_hash":` stands */
  ZuEventSlice slices[ZU_EVENT_N_FIELDS];
} ZuEventLayout;

/* The text is the event as it is stored and printed, written in one way: fields in their order, no
 * spaces. Its fields stand once more behind it, decoded and terminated; the slices are of these
 * copies. All of it is made when the event is, so that threads can share an event. */
struct _ZuEvent
{
  GObject parent_instance;

  char *text;
  guint32 length;
  guint32 fields; /* where the copies begin */
  ZuEventLayout at;
};

/* A field of an event that is being made. */
typedef struct
{
  const char *text; /* NULL for null */
  gsize length;
} ZuEventText;

typedef struct
{
  ZuEventText fields[ZU_EVENT_N_FIELDS];
  ZuEventText version;
  const ZuJsonTape *payload; /* NULL for an empty one */
  guint32 payload_node;
} ZuEventParts;

/* What a thread reads and writes events in, over and over. */
typedef struct
{
  ZuBuffer text;
  ZuBuffer out;
  ZuJsonTape tape;
} ZuScratch;

extern const char *const zu_event_field_names[ZU_EVENT_N_FIELDS];

ZuEvent *zu_event_new_from_parts (const ZuEventParts *parts);
gboolean zu_event_locate (ZuEvent *self);
gboolean zu_event_layout_read (ZuEventLayout *self, const char *text, gsize length,
                               ZuBuffer *canonical);
gboolean zu_event_type_is_valid (const char *type, gsize length);
void zu_event_write_digest (ZuEvent *self, const char *prev_hash, gsize prev_length,
                            char out[ZU_EVENT_DIGEST_SIZE]);
void zu_event_write_own_digest (ZuEvent *self, char out[ZU_EVENT_DIGEST_SIZE]);
void zu_event_hash_canonical (const ZuBuffer *canonical, char out[ZU_EVENT_DIGEST_SIZE]);

ZuScratch *zu_scratch_get (void);
char *zu_scratch_load (ZuScratch *self, const char *text, gsize length);
void zu_scratch_trim (ZuScratch *self);

#pragma GCC visibility pop

G_END_DECLS
