/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What the host and zu-guest say to each other: doc/guest-protocol.md. Plain C, because the guest
 * has no GLib. Everything is little-endian and read through a cursor that cannot leave the message.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ZU_WIRE_VERSION     2u
#define ZU_WIRE_HEADER_SIZE 12u
/* One message, header included: what a seqpacket socket takes with the kernel's default buffers. */
#define ZU_WIRE_MAX (128u * 1024u)
/* Strings that do not fit travel in a descriptor, up to this size. */
#define ZU_WIRE_BLOCK_MAX    (4u * 1024u * 1024u)
#define ZU_WIRE_MAX_FDS      4u
#define ZU_WIRE_MAX_STRINGS  65536u
#define ZU_WIRE_MAX_LIMITS   16u
#define ZU_WIRE_MAX_DEADLINE (UINT64_C (1) << 40) /* milliseconds; what is later is never */

enum zu_wire_type
{
  ZU_WIRE_HELLO = 1, /* guest: who I am and what holds me */
  ZU_WIRE_GO,        /* host: you may run things; limits, environment, folder */
  ZU_WIRE_CHANNEL,   /* host, first channel only: one more channel, passed along */
  ZU_WIRE_EXEC,      /* host: run this, with these descriptors */
  ZU_WIRE_STARTED,   /* guest: it runs, or why not */
  ZU_WIRE_EXITED,    /* guest: how it ended; the last word about an exec */
  ZU_WIRE_KILL,      /* host: a signal for an exec's whole tree */
  ZU_WIRE_RESIZE,    /* host: how large an exec's terminal is now */
  ZU_WIRE_LISTEN,    /* host: a port on your own loopback */
  ZU_WIRE_LISTENING, /* guest: the listening socket, passed along, or why not */
  ZU_WIRE_QUERY,     /* host, first channel only: what goes on? */
  ZU_WIRE_STATUS,    /* guest: how many execs there are, and since when there are none */
};

/* Flags of EXEC: which descriptors follow, in this order. */
#define ZU_WIRE_EXEC_STDIN  1u
#define ZU_WIRE_EXEC_STDOUT 2u
#define ZU_WIRE_EXEC_STDERR 4u
#define ZU_WIRE_EXEC_BLOCK  8u  /* the strings are in the last descriptor */
#define ZU_WIRE_EXEC_TTY    16u /* stdin is a terminal, and becomes the controlling one */
#define ZU_WIRE_EXEC_SELF                                                 \
  32u /* the program is the guest's own; the first argument only names it \
       */
#define ZU_WIRE_EXEC_PASSED 15u /* a descriptor each */
#define ZU_WIRE_EXEC_FLAGS  63u

/* In EXEC: nobody in particular. */
#define ZU_WIRE_ANYBODY UINT32_MAX

/* Where starting failed, in STARTED. */
enum zu_wire_stage
{
  ZU_WIRE_STAGE_NONE,
  ZU_WIRE_STAGE_REQUEST, /* the message itself, or too many execs */
  ZU_WIRE_STAGE_PROCESS, /* no process could be made */
  ZU_WIRE_STAGE_WORKDIR,
  ZU_WIRE_STAGE_LIMITS,
  ZU_WIRE_STAGE_PROGRAM,
  ZU_WIRE_STAGE_TERMINAL,
  ZU_WIRE_STAGE_USER, /* not the one that was chosen at launch */
  ZU_WIRE_STAGES
};

/* Flags in EXITED's body. */
#define ZU_WIRE_EXITED_TIMED_OUT 1u
#define ZU_WIRE_EXITED_LOST      2u /* its supervisor was killed from inside */
#define ZU_WIRE_EXITED_FLAGS     3u

struct zu_wire_header
{
  uint32_t length; /* of the whole message */
  uint16_t type;
  uint16_t flags;
  uint32_t id; /* of the exec, chosen by the host; 0 where there is none */
};

struct zu_wire_hello
{
  uint32_t version;
  uint32_t pid;
  uint32_t uid;
  uint32_t gid;
  uint64_t cap_effective;
  uint64_t cap_bounding;
  uint32_t no_new_privs;
  uint32_t seccomp;
};

struct zu_wire_exec
{
  uint64_t deadline_ms; /* 0: none */
  uint32_t grace_ms;
  uint32_t uid; /* refused unless it is the guest's own, or nobody in particular */
  uint32_t gid;
  uint32_t argc;
  uint32_t envc;
};

struct zu_wire_resize
{
  uint32_t rows;
  uint32_t columns;
};

struct zu_wire_listening
{
  uint32_t error; /* Linux errno; 0: the socket is passed along */
  uint32_t port;
};

struct zu_wire_started
{
  uint32_t error; /* Linux errno; 0: it runs */
  uint32_t stage;
  uint32_t pid;
};

struct zu_wire_exited
{
  int32_t exit_status; /* -1 where a signal ended it */
  uint32_t signal;
  uint32_t flags;
  uint64_t duration_us;
  uint64_t cpu_us;
  uint64_t peak_memory; /* bytes */
};

struct zu_wire_status
{
  uint32_t running;
  uint64_t idle_ms; /* 0 while any runs */
};

struct zu_wire_reader
{
  const uint8_t *at;
  const uint8_t *end;
  int bad;
};

struct zu_wire_writer
{
  uint8_t *data;
  size_t size;
  size_t capacity;
  int full;
};

static inline struct zu_wire_reader
zu_wire_reader (const void *data, size_t size)
{
  struct zu_wire_reader r = { data, (const uint8_t *) data + size, 0 };

  return r;
}

static inline uint64_t
zu_wire_get (struct zu_wire_reader *r, unsigned width)
{
  uint64_t value = 0;

  if (r->bad || (size_t) (r->end - r->at) < width)
    {
      r->bad = 1;
      return 0;
    }
  for (unsigned i = 0; i < width; i++)
    value |= (uint64_t) r->at[i] << (8 * i);
  r->at += width;
  return value;
}

static inline uint32_t
zu_wire_get_u32 (struct zu_wire_reader *r)
{
  return (uint32_t) zu_wire_get (r, 4);
}

static inline uint64_t
zu_wire_get_u64 (struct zu_wire_reader *r)
{
  return zu_wire_get (r, 8);
}

/* A string lies in the message, its NUL too; "" and bad where it does not. */
static inline const char *
zu_wire_get_string (struct zu_wire_reader *r)
{
  const char *start = (const char *) r->at;
  const uint8_t *nul;

  if (r->bad || r->at == r->end || !(nul = memchr (r->at, 0, (size_t) (r->end - r->at))))
    {
      r->bad = 1;
      return "";
    }
  r->at = nul + 1;
  return start;
}

/* Whether all was there and nothing is left over. */
static inline int
zu_wire_reader_done (const struct zu_wire_reader *r)
{
  return !r->bad && r->at == r->end;
}

static inline void
zu_wire_put (struct zu_wire_writer *w, uint64_t value, unsigned width)
{
  if (w->full || w->capacity - w->size < width)
    {
      w->full = 1;
      return;
    }
  for (unsigned i = 0; i < width; i++)
    w->data[w->size++] = (uint8_t) (value >> (8 * i));
}

static inline void
zu_wire_put_string (struct zu_wire_writer *w, const char *string)
{
  size_t size = strlen (string) + 1;

  if (w->full || w->capacity - w->size < size)
    {
      w->full = 1;
      return;
    }
  memcpy (w->data + w->size, string, size);
  w->size += size;
}

/* Starts a message; zu_wire_end() writes its length in. */
static inline struct zu_wire_writer
zu_wire_begin (void *data, size_t capacity, unsigned type, unsigned flags, uint32_t id)
{
  struct zu_wire_writer w = { data, 0, capacity, 0 };

  zu_wire_put (&w, 0, 4);
  zu_wire_put (&w, type, 2);
  zu_wire_put (&w, flags, 2);
  zu_wire_put (&w, id, 4);
  return w;
}

/* The size of a message or a record, or 0 where it did not fit. */
static inline size_t
zu_wire_end (struct zu_wire_writer *w)
{
  struct zu_wire_writer head = { w->data, 0, 4, 0 };

  if (w->full)
    return 0;
  zu_wire_put (&head, w->size, 4);
  return w->size;
}

/* Leaves the reader at the body. A message is exactly as long as it says. */
static inline int
zu_wire_get_header (struct zu_wire_reader *r, struct zu_wire_header *header)
{
  size_t size = (size_t) (r->end - r->at);

  header->length = zu_wire_get_u32 (r);
  header->type = (uint16_t) zu_wire_get (r, 2);
  header->flags = (uint16_t) zu_wire_get (r, 2);
  header->id = zu_wire_get_u32 (r);
  return !r->bad && header->length == size && size <= ZU_WIRE_MAX;
}

static inline void
zu_wire_put_hello (struct zu_wire_writer *w, const struct zu_wire_hello *m)
{
  zu_wire_put (w, m->version, 4);
  zu_wire_put (w, m->pid, 4);
  zu_wire_put (w, m->uid, 4);
  zu_wire_put (w, m->gid, 4);
  zu_wire_put (w, m->cap_effective, 8);
  zu_wire_put (w, m->cap_bounding, 8);
  zu_wire_put (w, m->no_new_privs, 4);
  zu_wire_put (w, m->seccomp, 4);
}

static inline int
zu_wire_get_hello (struct zu_wire_reader *r, struct zu_wire_hello *m)
{
  m->version = zu_wire_get_u32 (r);
  m->pid = zu_wire_get_u32 (r);
  m->uid = zu_wire_get_u32 (r);
  m->gid = zu_wire_get_u32 (r);
  m->cap_effective = zu_wire_get_u64 (r);
  m->cap_bounding = zu_wire_get_u64 (r);
  m->no_new_privs = zu_wire_get_u32 (r);
  m->seccomp = zu_wire_get_u32 (r);
  return zu_wire_reader_done (r);
}

static inline void
zu_wire_put_exec (struct zu_wire_writer *w, const struct zu_wire_exec *m)
{
  zu_wire_put (w, m->deadline_ms, 8);
  zu_wire_put (w, m->grace_ms, 4);
  zu_wire_put (w, m->uid, 4);
  zu_wire_put (w, m->gid, 4);
  zu_wire_put (w, m->argc, 4);
  zu_wire_put (w, m->envc, 4);
}

/* The strings follow: the folder, the arguments, the environment. */
static inline int
zu_wire_get_exec (struct zu_wire_reader *r, struct zu_wire_exec *m)
{
  m->deadline_ms = zu_wire_get_u64 (r);
  m->grace_ms = zu_wire_get_u32 (r);
  m->uid = zu_wire_get_u32 (r);
  m->gid = zu_wire_get_u32 (r);
  m->argc = zu_wire_get_u32 (r);
  m->envc = zu_wire_get_u32 (r);
  return !r->bad && m->argc >= 1 && m->argc <= ZU_WIRE_MAX_STRINGS && m->envc <= ZU_WIRE_MAX_STRINGS
         && m->deadline_ms <= ZU_WIRE_MAX_DEADLINE;
}

static inline void
zu_wire_put_started (struct zu_wire_writer *w, const struct zu_wire_started *m)
{
  zu_wire_put (w, m->error, 4);
  zu_wire_put (w, m->stage, 4);
  zu_wire_put (w, m->pid, 4);
}

static inline int
zu_wire_get_started (struct zu_wire_reader *r, struct zu_wire_started *m)
{
  m->error = zu_wire_get_u32 (r);
  m->stage = zu_wire_get_u32 (r);
  m->pid = zu_wire_get_u32 (r);
  return zu_wire_reader_done (r) && m->error < 4096 && m->stage < ZU_WIRE_STAGES
         && (m->error == 0) == (m->stage == ZU_WIRE_STAGE_NONE);
}

static inline void
zu_wire_put_exited (struct zu_wire_writer *w, const struct zu_wire_exited *m)
{
  zu_wire_put (w, (uint32_t) m->exit_status, 4);
  zu_wire_put (w, m->signal, 4);
  zu_wire_put (w, m->flags, 4);
  zu_wire_put (w, m->duration_us, 8);
  zu_wire_put (w, m->cpu_us, 8);
  zu_wire_put (w, m->peak_memory, 8);
}

/* Either a status of 0 to 255, or -1 and a signal of 1 to 64. */
static inline int
zu_wire_get_exited (struct zu_wire_reader *r, struct zu_wire_exited *m)
{
  int by_signal;

  m->exit_status = (int32_t) zu_wire_get_u32 (r);
  m->signal = zu_wire_get_u32 (r);
  m->flags = zu_wire_get_u32 (r);
  m->duration_us = zu_wire_get_u64 (r);
  m->cpu_us = zu_wire_get_u64 (r);
  m->peak_memory = zu_wire_get_u64 (r);
  by_signal = m->exit_status == -1 && m->signal >= 1 && m->signal <= 64;
  return zu_wire_reader_done (r) && (m->flags & ~ZU_WIRE_EXITED_FLAGS) == 0
         && m->duration_us <= INT64_MAX && m->cpu_us <= INT64_MAX && m->peak_memory <= INT64_MAX
         && (by_signal || (m->signal == 0 && m->exit_status >= 0 && m->exit_status <= 255));
}

static inline void
zu_wire_put_resize (struct zu_wire_writer *w, const struct zu_wire_resize *m)
{
  zu_wire_put (w, m->rows, 4);
  zu_wire_put (w, m->columns, 4);
}

static inline int
zu_wire_get_resize (struct zu_wire_reader *r, struct zu_wire_resize *m)
{
  m->rows = zu_wire_get_u32 (r);
  m->columns = zu_wire_get_u32 (r);
  return zu_wire_reader_done (r) && m->rows <= 65535 && m->columns <= 65535;
}

static inline void
zu_wire_put_listening (struct zu_wire_writer *w, const struct zu_wire_listening *m)
{
  zu_wire_put (w, m->error, 4);
  zu_wire_put (w, m->port, 4);
}

static inline int
zu_wire_get_listening (struct zu_wire_reader *r, struct zu_wire_listening *m)
{
  m->error = zu_wire_get_u32 (r);
  m->port = zu_wire_get_u32 (r);
  return zu_wire_reader_done (r) && m->error < 4096 && m->port <= 65535
         && (m->error == 0) == (m->port != 0);
}

static inline void
zu_wire_put_status (struct zu_wire_writer *w, const struct zu_wire_status *m)
{
  zu_wire_put (w, m->running, 4);
  zu_wire_put (w, m->idle_ms, 8);
}

static inline int
zu_wire_get_status (struct zu_wire_reader *r, struct zu_wire_status *m)
{
  m->running = zu_wire_get_u32 (r);
  m->idle_ms = zu_wire_get_u64 (r);
  return zu_wire_reader_done (r) && m->idle_ms <= INT64_MAX && (!m->running || !m->idle_ms);
}
