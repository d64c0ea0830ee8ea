/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-id-map.h"

#include <string.h>

#define FIRST_CAPACITY 64
#define NO_PLACE       G_MAXUINT64

typedef struct
{
  guint64 id[2];
  guint64 place; /* NO_PLACE in a free entry */
} Entry;

/* Open addressing with linear probing, at most two thirds full; the capacity is a power of two. */
struct _ZuIdMap
{
  Entry *entries;
  gsize capacity;
  gsize size;
  guint64 seed; /* whoever chooses ids must not choose where they collide */
};

static Entry *
entries_new (gsize capacity)
{
  Entry *entries = g_new (Entry, capacity);

  for (gsize i = 0; i < capacity; i++)
    entries[i].place = NO_PLACE;
  return entries;
}

ZuIdMap *
zu_id_map_new (void)
{
  ZuIdMap *self = g_new0 (ZuIdMap, 1);

  self->seed = ((guint64) g_random_int () << 32) | g_random_int () | 1;
  self->capacity = FIRST_CAPACITY;
  self->entries = entries_new (self->capacity);
  return self;
}

void
zu_id_map_free (ZuIdMap *self)
{
  g_free (self->entries);
  g_free (self);
}

void
zu_id_map_clear (ZuIdMap *self)
{
  g_free (self->entries);
  self->size = 0;
  self->capacity = FIRST_CAPACITY;
  self->entries = entries_new (self->capacity);
}

gsize
zu_id_map_get_size (ZuIdMap *self)
{
  return self->size;
}

/* An event's id is normal: lower case with dashes. */
static void
parse_id (const char *id, guint64 out[2])
{
  guint n = 0;

  out[0] = out[1] = 0;
  for (const char *c = id; *c != '\0' && n < 32; c++)
    if (*c != '-')
      {
        out[n / 16] = out[n / 16] << 4 | (guint64) g_ascii_xdigit_value (*c);
        n++;
      }
}

static gsize
hash_id (ZuIdMap *self, const guint64 id[2])
{
  guint64 hash = (id[0] ^ self->seed) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  hash = (hash ^ (hash >> 32) ^ id[1]) * G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
  hash = (hash ^ (hash >> 33) ^ self->seed) * G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  return (gsize) (hash ^ (hash >> 29));
}

/* The entry of an id, or the free one where it belongs. */
static Entry *
find_entry (ZuIdMap *self, const guint64 id[2])
{
  gsize mask = self->capacity - 1;
  gsize i = hash_id (self, id) & mask;

  while (self->entries[i].place != NO_PLACE
         && (self->entries[i].id[0] != id[0] || self->entries[i].id[1] != id[1]))
    i = (i + 1) & mask;
  return &self->entries[i];
}

static void
grow (ZuIdMap *self)
{
  g_autofree Entry *old = self->entries;
  gsize old_capacity = self->capacity;

  self->capacity *= 2;
  self->entries = entries_new (self->capacity);
  for (gsize i = 0; i < old_capacity; i++)
    if (old[i].place != NO_PLACE)
      *find_entry (self, old[i].id) = old[i];
}

/* The first place of an id stays. */
gboolean
zu_id_map_add (ZuIdMap *self, const char *id, guint64 place)
{
  guint64 key[2];
  Entry *entry;

  if (self->size >= self->capacity / 3 * 2)
    grow (self);

  parse_id (id, key);
  entry = find_entry (self, key);
  if (entry->place != NO_PLACE)
    return FALSE;

  entry->id[0] = key[0];
  entry->id[1] = key[1];
  entry->place = place;
  self->size++;
  return TRUE;
}

gboolean
zu_id_map_lookup (ZuIdMap *self, const char *id, guint64 *place)
{
  guint64 key[2];
  Entry *entry;

  parse_id (id, key);
  entry = find_entry (self, key);
  *place = entry->place;
  return entry->place != NO_PLACE;
}

/* Takes back the id that was added last of all that are there: only then does no probe run over
 * its entry. */
void
zu_id_map_remove_last (ZuIdMap *self, const char *id)
{
  guint64 key[2];
  Entry *entry;

  parse_id (id, key);
  entry = find_entry (self, key);
  if (entry->place == NO_PLACE)
    return;

  entry->place = NO_PLACE;
  self->size--;
}
