/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* What zu-keeper and its clients say to each other, over a SOCK_SEQPACKET socket; the header and
 * the cursors are those of the guest's protocol. Both ends are ours, of one build and one uid. */

#include "zu-guest-wire.h"

/* As much as a seqpacket socket takes with the kernel's default buffers. */
#define ZU_KEEPER_MAX         (192u * 1024u)
#define ZU_KEEPER_MAX_MOUNTS  65u
#define ZU_KEEPER_MAX_INHERIT 80u
#define ZU_KEEPER_MAX_CGROUPS 8u
#define ZU_KEEPER_MAX_ARGS    4096u

/* In the sandbox's first program: the guest's channel, and the first of what is inherited. */
#define ZU_KEEPER_GUEST_FD   3
#define ZU_KEEPER_INHERIT_FD 4

/* Where the sources of mounts appear for the program that is started, numbered from 0. */
#define ZU_KEEPER_STAGE "/tmp"

enum zu_keeper_type
{
  ZU_KEEPER_LAUNCH = 64, /* launcher, first message: make the sandbox */
  ZU_KEEPER_READY,       /* keeper: the guest is there; with a channel to it */
  ZU_KEEPER_FAILED,      /* keeper: it could not be made; nothing is left */
  ZU_KEEPER_CHANNEL,     /* client: one more channel, please; answered in kind */
  ZU_KEEPER_DESTROY,     /* client: end it */
  ZU_KEEPER_ENDED,       /* keeper: it is gone, and why */
  ZU_KEEPER_EXTEND,      /* client: it lives that long from now on; answered in kind */
};

/* Why a sandbox ended; the names are in zu_keeper_reason_name(). */
enum zu_keeper_reason
{
  ZU_KEEPER_REASON_NONE,
  ZU_KEEPER_REASON_DESTROYED,
  ZU_KEEPER_REASON_LIFETIME,
  ZU_KEEPER_REASON_OWNER,
  ZU_KEEPER_REASON_SANDBOX,
  ZU_KEEPER_REASON_STOPPED,
  ZU_KEEPER_REASON_IDLE,
  ZU_KEEPER_REASONS
};

/* Flags of LAUNCH. */
#define ZU_KEEPER_LAUNCH_OWNER \
  1u /* a descriptor follows that becomes readable when the owner dies */
#define ZU_KEEPER_LAUNCH_DROP 2u /* uid and gid are given up before the program starts */
#define ZU_KEEPER_LAUNCH_ENGINE \
  4u /* an engine starts the sandbox; its guest connects to the inherited descriptor */
#define ZU_KEEPER_LAUNCH_FLAGS 7u

/* LAUNCH. Descriptors: state folder, label, owner if there is one, the cgroups' cgroup.procs, the
 * mounts' sources, the inherited ones. The strings that follow: state folder, epilogue, then the
 * cgroups' folders, then the program and its arguments; then GO for the guest, ready to be sent.
 * Where an engine starts the sandbox, the arguments are the engine's Unix socket, "" where it has
 * none here, and the name of the container, which is removed at the end. */
struct zu_keeper_launch
{
  uint32_t uid;
  uint32_t gid;
  uint64_t lifetime_ms; /* 0: none */
  uint64_t idle_ms;     /* without an exec; 0: for ever */
  uint32_t n_cgroups;
  uint32_t n_mounts;
  uint32_t n_inherit;
  uint32_t argc;
};

static inline void
zu_keeper_put_launch (struct zu_wire_writer *w, const struct zu_keeper_launch *m)
{
  zu_wire_put (w, m->uid, 4);
  zu_wire_put (w, m->gid, 4);
  zu_wire_put (w, m->lifetime_ms, 8);
  zu_wire_put (w, m->idle_ms, 8);
  zu_wire_put (w, m->n_cgroups, 4);
  zu_wire_put (w, m->n_mounts, 4);
  zu_wire_put (w, m->n_inherit, 4);
  zu_wire_put (w, m->argc, 4);
}

static inline int
zu_keeper_get_launch (struct zu_wire_reader *r, struct zu_keeper_launch *m)
{
  m->uid = zu_wire_get_u32 (r);
  m->gid = zu_wire_get_u32 (r);
  m->lifetime_ms = zu_wire_get_u64 (r);
  m->idle_ms = zu_wire_get_u64 (r);
  m->n_cgroups = zu_wire_get_u32 (r);
  m->n_mounts = zu_wire_get_u32 (r);
  m->n_inherit = zu_wire_get_u32 (r);
  m->argc = zu_wire_get_u32 (r);
  return !r->bad && m->n_cgroups <= ZU_KEEPER_MAX_CGROUPS && m->n_mounts <= ZU_KEEPER_MAX_MOUNTS
         && m->n_inherit <= ZU_KEEPER_MAX_INHERIT && m->argc >= 1 && m->argc <= ZU_KEEPER_MAX_ARGS
         && m->lifetime_ms <= ZU_WIRE_MAX_DEADLINE && m->idle_ms <= ZU_WIRE_MAX_DEADLINE;
}

static inline const char *
zu_keeper_reason_name (uint32_t reason)
{
  static const char *const names[ZU_KEEPER_REASONS] = {
    "unknown",        "destroyed", "lifetime-passed", "owner-gone", "sandbox-ended",
    "keeper-stopped", "idle",
  };

  return names[reason < ZU_KEEPER_REASONS ? reason : 0];
}
