/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-keeper-wire.h"
#include <sys/types.h>

#define KEEPER_MAX_CLIENTS 64
#define KEEPER_MAX_FDS     (3 + ZU_KEEPER_MAX_CGROUPS + ZU_KEEPER_MAX_MOUNTS + ZU_KEEPER_MAX_INHERIT)

/* The launch message, its strings in place. */
struct keeper_launch
{
  struct zu_keeper_launch head;
  int drops;
  int by_engine;
  int state;
  int label; /* its lock tells that this keeper lives */
  int owner;
  int cgroups[ZU_KEEPER_MAX_CGROUPS];
  int mounts[ZU_KEEPER_MAX_MOUNTS];
  int inherit[ZU_KEEPER_MAX_INHERIT];
  const char *state_path;
  const char *epilogue; /* "" for none */
  const char *cgroup_paths[ZU_KEEPER_MAX_CGROUPS];
  char *argv[ZU_KEEPER_MAX_ARGS + 1];
  uint8_t *go; /* holds the environment's values: wiped once it is sent */
  size_t go_size;
};

struct keeper
{
  struct keeper_launch launch;
  pid_t child; /* the program that holds the sandbox */
  int guest;   /* the first channel */
  int guest_pid;
  int complaints; /* what the program says on stderr until the guest is there */
  int listener;
  int signals;
  int clients[KEEPER_MAX_CLIENTS];
  uint64_t end;    /* milliseconds of the clock that goes on in suspend; 0: never */
  uint64_t ask_at; /* when the guest is asked whether it is idle; 0: never */
  int was_asked;   /* and has not answered yet */
};

/* zu-keeper-io.c */
ssize_t keeper_receive (int fd, void *buffer, size_t capacity, int *fds, unsigned max_fds,
                        unsigned *n_fds, pid_t *sender);
int keeper_send (int fd, const void *data, size_t size, int with);
int keeper_send_simple (int fd, unsigned type, uint32_t value, int with);
int keeper_read_launch (int fd, struct keeper_launch *launch);

/* zu-keeper-time.c */
void keeper_time_start (struct keeper *keeper);
int keeper_time_get_timeout (const struct keeper *keeper);
unsigned keeper_time_check (struct keeper *keeper);
int keeper_time_hear (struct keeper *keeper);
void keeper_time_extend (struct keeper *keeper, uint64_t lifetime_ms);

/* zu-keeper-child.c, zu-keeper-mounts.c: in the child, up to the start of the program. */
void keeper_become_program (const struct keeper_launch *launch, int guest, int complaints)
    __attribute__ ((noreturn));
void keeper_child_fail (const char *what, int error) __attribute__ ((noreturn));
void keeper_stage_mounts (const int *mounts, unsigned n_mounts, uid_t uid, gid_t gid);

/* What an engine was asked to start: its socket, and the container's name. */
static inline const char *
keeper_engine (const struct keeper_launch *launch)
{
  return launch->argv[0];
}

static inline const char *
keeper_container (const struct keeper_launch *launch)
{
  return launch->argv[1];
}

/* zu-keeper-start.c, zu-keeper-end.c */
int keeper_start (struct keeper *keeper);
void keeper_end (struct keeper *keeper, unsigned reason) __attribute__ ((noreturn));
void keeper_undo (struct keeper *keeper, unsigned reason);
