/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the guest's small programs print: records, each its own length in four bytes, itself
 * included, and then its fields. As hostile as everything that comes from inside. */

#include "zu-guest-wire.h"

/* Paths may be as long as the kernel has them, command lines are cut. */
#define ZU_RECORD_MAX         8500u
#define ZU_RECORD_MAX_COMMAND 4096u

struct zu_record_file
{
  uint32_t mode; /* with the kind, as in stat */
  uint32_t uid;
  uint32_t gid;
  uint64_t size;
  uint64_t modified; /* seconds */
  const char *name;
  const char *target; /* of a link; "" for all else */
};

struct zu_record_process
{
  uint32_t pid;
  uint32_t parent;
  uint32_t uid;
  uint32_t state; /* a letter */
  uint64_t cpu_ms;
  uint64_t memory; /* bytes */
  const char *command;
};

/* Starts a record; zu_wire_end() writes its length in. */
static inline struct zu_wire_writer
zu_record_begin (void *data, size_t capacity)
{
  struct zu_wire_writer w = { data, 0, capacity, 0 };

  zu_wire_put (&w, 0, 4);
  return w;
}

/* The fields of the next record, and whether it is there whole; the reader goes on behind it. */
static inline int
zu_record_next (struct zu_wire_reader *all, struct zu_wire_reader *record)
{
  size_t left = (size_t) (all->end - all->at);
  uint32_t size = zu_wire_get_u32 (all);

  if (all->bad || size < 4 || size > ZU_RECORD_MAX || size > left)
    return 0;
  *record = zu_wire_reader (all->at, size - 4);
  all->at += size - 4;
  return 1;
}

static inline void
zu_record_put_file (struct zu_wire_writer *w, const struct zu_record_file *m)
{
  zu_wire_put (w, m->mode, 4);
  zu_wire_put (w, m->uid, 4);
  zu_wire_put (w, m->gid, 4);
  zu_wire_put (w, m->size, 8);
  zu_wire_put (w, m->modified, 8);
  zu_wire_put_string (w, m->name);
  zu_wire_put_string (w, m->target);
}

static inline int
zu_record_get_file (struct zu_wire_reader *r, struct zu_record_file *m)
{
  m->mode = zu_wire_get_u32 (r);
  m->uid = zu_wire_get_u32 (r);
  m->gid = zu_wire_get_u32 (r);
  m->size = zu_wire_get_u64 (r);
  m->modified = zu_wire_get_u64 (r);
  m->name = zu_wire_get_string (r);
  m->target = zu_wire_get_string (r);
  return zu_wire_reader_done (r) && *m->name && m->size <= INT64_MAX && m->modified <= INT64_MAX;
}

static inline void
zu_record_put_process (struct zu_wire_writer *w, const struct zu_record_process *m)
{
  zu_wire_put (w, m->pid, 4);
  zu_wire_put (w, m->parent, 4);
  zu_wire_put (w, m->uid, 4);
  zu_wire_put (w, m->state, 4);
  zu_wire_put (w, m->cpu_ms, 8);
  zu_wire_put (w, m->memory, 8);
  zu_wire_put_string (w, m->command);
}

static inline int
zu_record_get_process (struct zu_wire_reader *r, struct zu_record_process *m)
{
  m->pid = zu_wire_get_u32 (r);
  m->parent = zu_wire_get_u32 (r);
  m->uid = zu_wire_get_u32 (r);
  m->state = zu_wire_get_u32 (r);
  m->cpu_ms = zu_wire_get_u64 (r);
  m->memory = zu_wire_get_u64 (r);
  m->command = zu_wire_get_string (r);
  return zu_wire_reader_done (r) && m->pid && m->state > ' ' && m->state < 127
         && m->cpu_ms <= INT64_MAX && m->memory <= INT64_MAX;
}
