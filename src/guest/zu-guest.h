/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-guest-wire.h"
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/types.h>

#define GUEST_MAX_CHANNELS 64
#define GUEST_MAX_EXECS    256

/* What every exec in this sandbox starts from; set once by GO. */
struct guest_base
{
  void *copy; /* what the strings point into */
  const char *workdir;
  char **environment;
  unsigned n_environment;
  struct
  {
    int resource;
    struct rlimit limit;
  } limits[ZU_WIRE_MAX_LIMITS];
  unsigned n_limits;
  int self; /* the guest's own program */
};

/* A message lies in one buffer until the next is received. */
struct guest_message
{
  struct zu_wire_header header;
  struct zu_wire_reader body;
  int fds[ZU_WIRE_MAX_FDS];
  unsigned n_fds;
};

/* One exec as it was asked for; the strings point into the message or its block. */
struct guest_request
{
  struct zu_wire_exec exec;
  unsigned flags;
  const char *workdir;
  char **argv;
  char **environment;
  void *block;
  size_t block_size;
  int stdio[3];
};

/* A place for a channel. Places are used again; serials are not. */
struct guest_channel
{
  int fd; /* -1: free */
  uint32_t serial;
};

/* One supervisor, as it and the first process see it: what it does, and for whom. */
struct guest_slot
{
  atomic_uint state;
  uint32_t serial;
  uint32_t id;
};

enum guest_slot_state
{
  GUEST_SLOT_FREE,
  GUEST_SLOT_IDLE,
  GUEST_SLOT_CLAIMING, /* about to receive the request that the slot names */
  GUEST_SLOT_RUNNING,
};

/* Whoever is in front receives from the channels: a supervisor that waits for an exec, so that one
 * begins without a detour; the first process for everything else. With the mark it is just doing
 * so; without it the first process may take the place back. */
#define GUEST_FRONT_FIRST   UINT32_MAX
#define GUEST_FRONT_READING 0x10000u

/* In memory shared by the first process and all supervisors, and by nothing else. */
struct guest_board
{
  atomic_uint front;
  atomic_uint generation;         /* of the set of channels */
  atomic_uint_least64_t last_end; /* of an exec, in microseconds of the monotonic clock */
  struct guest_slot slots[GUEST_MAX_EXECS];
};

/* What the first process tells a supervisor. */
enum guest_command_kind
{
  GUEST_COMMAND_FRONT = 1,
  GUEST_COMMAND_QUIT,
  GUEST_COMMAND_SIGNAL,
  GUEST_COMMAND_RESIZE,
};

struct guest_command
{
  uint32_t kind;
  uint32_t serial; /* the exec that is meant: by then the supervisor may have another */
  uint32_t id;
  uint32_t signal;
  struct zu_wire_resize size;
};

/* What a supervisor gets from the first process on its way. */
struct guest_post
{
  struct guest_board *board;
  struct guest_slot *slot;
  unsigned number; /* of the slot */
  unsigned generation;
  const struct guest_channel *channels;
  const struct guest_base *base;
  int commands;
  int wake;     /* the first process is to look at the board */
  int patience; /* a timer that wakes it when a start takes long */
};

/* zu-guest-io.c. With `wait` a full channel is waited for; the first process never waits. */
int guest_receive (int channel, struct guest_message *message);
int guest_peek (int channel, struct zu_wire_header *header);
void guest_message_close (struct guest_message *message);
int guest_send_hello (int channel);
int guest_send_started (int channel, uint32_t id, const struct zu_wire_started *started, int wait);
int guest_send_exited (int channel, uint32_t id, const struct zu_wire_exited *exited, int wait);
int guest_send_status (int channel, const struct zu_wire_status *status);
int guest_send_listening (int channel, uint32_t id, const struct zu_wire_listening *listening,
                          int fd);

/* zu-guest-signals.c: the C library hides some signals; the kernel has 64. */
void guest_signals_reset (void);
void guest_signals_block_all (void);
void guest_signals_unblock_all (void);
int guest_signals_open_children (void);

/* zu-guest-request.c */
int guest_read_go (const struct guest_message *message, struct guest_base *base);
int guest_read_exec (const struct guest_message *message, const struct guest_base *base,
                     struct guest_request *request);
void guest_request_free (struct guest_request *request);

/* zu-guest-tree.c: the descendants of the calling process, but for spared ones and theirs. */
void guest_tree_signal (int number, const pid_t *spared, unsigned n_spared);
void guest_tree_kill (const pid_t *spared, unsigned n_spared);

/* zu-guest-start.c */
struct zu_wire_started guest_start (const struct guest_base *base,
                                    const struct guest_request *request);

/* zu-guest-exec.c: one exec's whole life. */
struct guest_exec
{
  int channel;
  uint32_t serial;
  uint32_t id;
  pid_t main; /* 0: there is no exec */
  int tty;
  int ended;
  int status;
  int timed_out;
  uint64_t began;   /* microseconds of the monotonic clock */
  uint64_t term_at; /* 0: never */
  uint64_t kill_at;
  uint64_t grace_us;
  uint64_t cpu_us;
  uint64_t peak_memory;
};

int guest_exec_reap (struct guest_exec *exec, int options);
int guest_exec_timeout (const struct guest_exec *exec);
int guest_exec_is_due (const struct guest_exec *exec);
void guest_exec_check_deadline (struct guest_exec *exec);
void guest_exec_arm (struct guest_exec *exec, const struct zu_wire_exec *wire);
struct zu_wire_exited guest_exec_report (const struct guest_exec *exec);
uint64_t guest_now_us (void);

/* zu-guest-supervisor.c */
void guest_supervise (const struct guest_post *post) __attribute__ ((noreturn));

/* zu-guest-crew.c: the supervisors, as the first process has them. */
int guest_crew_init (const struct guest_channel *channels, const struct guest_base *base);
int guest_crew_get_wake (void);
int guest_crew_get_patience (void);
int guest_crew_recall_front (void);
int guest_crew_has_front (void);
int guest_crew_send_to_front (void);
void guest_crew_renew (void);
int guest_crew_command (const struct guest_command *command);
int guest_crew_knows (uint32_t serial, uint32_t id);
void guest_crew_drop_channel (uint32_t serial);
struct zu_wire_status guest_crew_get_status (void);
void guest_crew_reap (void);
void guest_crew_attend_patience (void);

/* zu-guest-channels.c */
extern struct guest_channel guest_channels[GUEST_MAX_CHANNELS];
int guest_channels_init (int first);
void guest_channels_serve (void);
void guest_channels_tell_lost (uint32_t serial, uint32_t id);
int guest_channels_is_next (uint32_t serial, uint32_t id);
void guest_leave (void) __attribute__ ((noreturn));

/* zu-guest-listen.c: a socket listening on this network namespace's loopback, or minus an errno. */
int guest_listen (uint32_t *port);

/* zu-guest-tools.c: small programs inside this one; -1 where there is none of that name. */
int guest_tool_main (int argc, char **argv);
