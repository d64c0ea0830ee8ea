/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-guest-wire.h"
#include <sys/resource.h>
#include <sys/types.h>

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
  const char *workdir;
  char **argv;
  char **environment;
  int stdio[3];
};

/* zu-guest-io.c. With `wait` a full channel is waited for; the first process never waits. */
int guest_receive (int channel, struct guest_message *message);
void guest_message_close (struct guest_message *message);
int guest_send_hello (int channel);
int guest_send_started (int channel, uint32_t id, const struct zu_wire_started *started, int wait);
int guest_send_exited (int channel, uint32_t id, const struct zu_wire_exited *exited, int wait);

/* zu-guest-request.c */
int guest_read_go (const struct guest_message *message, struct guest_base *base);
int guest_read_exec (const struct guest_message *message, const struct guest_base *base,
                     struct guest_request *request);

/* zu-guest-tree.c: the descendants of the calling process, but for spared ones and theirs. */
void guest_tree_signal (int number, const pid_t *spared, unsigned n_spared);
void guest_tree_kill (const pid_t *spared, unsigned n_spared);

/* zu-guest-start.c */
struct zu_wire_started guest_start (const struct guest_base *base,
                                    const struct guest_request *request);

/* zu-guest-supervisor.c */
void guest_supervise (int channel, int commands, const struct guest_message *message,
                      const struct guest_base *base) __attribute__ ((noreturn));
