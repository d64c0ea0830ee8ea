/* SPDX-License-Identifier: Apache-2.0 */

/* The first process's view of its supervisors: one of them is in front, one more is kept ready, and
 * whichever dies is spoken for. Nothing that comes from a tool is read here. */

#include "zu-guest.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct worker
{
  pid_t pid; /* 0: there is none */
  int commands;
  unsigned generation;
};

static struct guest_board *board;
static struct worker workers[GUEST_MAX_EXECS];
static const struct guest_channel *channels;
static const struct guest_base *base;
static int wake = -1;
static int patience = -1;

int
guest_crew_init (const struct guest_channel *all_channels, const struct guest_base *all_base)
{
  channels = all_channels;
  base = all_base;
  wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  patience = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  board = mmap (NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (wake < 0 || patience < 0 || board == MAP_FAILED)
    return 0;
  atomic_store (&board->front, GUEST_FRONT_FIRST);
  atomic_store (&board->last_end, guest_now_us ());
  return 1;
}

int
guest_crew_get_wake (void)
{
  return wake;
}

int
guest_crew_get_patience (void)
{
  return patience;
}

int
guest_crew_has_front (void)
{
  return atomic_load (&board->front) != GUEST_FRONT_FIRST;
}

/* Takes the place back from whoever is not using it just now; whether it is ours. */
int
guest_crew_recall_front (void)
{
  unsigned front = atomic_load (&board->front);

  if (front == GUEST_FRONT_FIRST)
    return 1;
  if (front & GUEST_FRONT_READING)
    return 0;
  return atomic_compare_exchange_strong (&board->front, &front, GUEST_FRONT_FIRST);
}

/* Whoever was in front took long to start something: the others are not to wait for it. */
void
guest_crew_attend_patience (void)
{
  uint64_t times;

  if (read (patience, &times, sizeof times) == (ssize_t) sizeof times)
    guest_crew_recall_front ();
}

/* What a supervisor has no business with goes before it starts anything. */
static void __attribute__ ((noreturn)) be_worker (unsigned number, const int commands[2])
{
  struct guest_post post = { .board = board,
                             .slot = &board->slots[number],
                             .number = number,
                             .generation = atomic_load (&board->generation),
                             .channels = channels,
                             .base = base,
                             .commands = commands[0],
                             .wake = wake,
                             .patience = patience };

  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (workers[i].pid)
      close (workers[i].commands);
  close (commands[1]);
  guest_supervise (&post);
}

static int
start_worker (unsigned number)
{
  int commands[2];
  pid_t pid;

  if (pipe2 (commands, O_CLOEXEC | O_NONBLOCK) != 0)
    return 0;
  atomic_store (&board->slots[number].state, GUEST_SLOT_IDLE);
  if ((pid = fork ()) == 0)
    be_worker (number, commands);
  close (commands[0]);
  if (pid > 0)
    {
      workers[number] = (struct worker){ pid, commands[1], atomic_load (&board->generation) };
      return 1;
    }
  close (commands[1]);
  atomic_store (&board->slots[number].state, GUEST_SLOT_FREE);
  return 0;
}

static int
is_ready (unsigned number)
{
  return workers[number].pid && workers[number].generation == atomic_load (&board->generation)
         && atomic_load (&board->slots[number].state) == GUEST_SLOT_IDLE;
}

/* A supervisor that is ready, but for one; or a new one. -1: there is none and none can be made. */
static int
find_worker (int except)
{
  int free = -1;

  for (int i = 0; i < GUEST_MAX_EXECS; i++)
    {
      if (i != except && is_ready ((unsigned) i))
        return i;
      if (free < 0 && !workers[i].pid)
        free = i;
    }
  return free >= 0 && start_worker ((unsigned) free) ? free : -1;
}

static int
send_command (unsigned number, const struct guest_command *command)
{
  return write (workers[number].commands, command, sizeof *command) == (ssize_t) sizeof *command;
}

/* Lets a supervisor receive from the channels, and has one more ready behind it once several are
 * at work; whether there was one. */
int
guest_crew_send_to_front (void)
{
  const struct guest_command command = { .kind = GUEST_COMMAND_FRONT };
  int number = find_worker (-1), busy = 0;

  if (number < 0)
    return 0;
  atomic_store (&board->front, (unsigned) number);
  send_command ((unsigned) number, &command);
  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    busy |= atomic_load (&board->slots[i].state) == GUEST_SLOT_RUNNING;
  if (busy)
    find_worker (number);
  return 1;
}

/* The set of channels is another now: whoever waits has the old one. */
void
guest_crew_renew (void)
{
  const struct guest_command command = { .kind = GUEST_COMMAND_QUIT };

  atomic_fetch_add (&board->generation, 1);
  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (workers[i].pid)
      send_command (i, &command);
}

/* Whether anybody has that exec. */
int
guest_crew_knows (uint32_t serial, uint32_t id)
{
  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (workers[i].pid && atomic_load (&board->slots[i].state) == GUEST_SLOT_RUNNING
        && board->slots[i].serial == serial && board->slots[i].id == id)
      return 1;
  return 0;
}

struct zu_wire_status
guest_crew_get_status (void)
{
  struct zu_wire_status status = { 0 };

  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    status.running += workers[i].pid && atomic_load (&board->slots[i].state) == GUEST_SLOT_RUNNING;
  if (!status.running)
    status.idle_ms = (guest_now_us () - atomic_load (&board->last_end)) / 1000u;
  return status;
}

/* For the exec that the command names; whether there is one. */
int
guest_crew_command (const struct guest_command *command)
{
  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (workers[i].pid && atomic_load (&board->slots[i].state) == GUEST_SLOT_RUNNING
        && board->slots[i].serial == command->serial && board->slots[i].id == command->id)
      {
        send_command (i, command);
        return 1;
      }
  return 0;
}

void
guest_crew_drop_channel (uint32_t serial)
{
  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (workers[i].pid && atomic_load (&board->slots[i].state) == GUEST_SLOT_RUNNING
        && board->slots[i].serial == serial)
      send_command (i, &(struct guest_command){ .kind = GUEST_COMMAND_SIGNAL,
                                                .serial = serial,
                                                .id = board->slots[i].id,
                                                .signal = SIGKILL });
}

static void
sweep_orphans (void)
{
  pid_t spared[GUEST_MAX_EXECS];
  unsigned n = 0;

  for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
    if (workers[i].pid)
      spared[n++] = workers[i].pid;
  guest_tree_kill (spared, n);
}

/* A supervisor speaks for itself; one that was killed cannot, so it is spoken for. One that was
 * just about to receive a request has received it if it is no longer there. */
static void
end_worker (unsigned number, int status)
{
  struct guest_slot *slot = &board->slots[number];
  unsigned state = atomic_load (&slot->state);
  uint32_t serial = slot->serial, id = slot->id;

  close (workers[number].commands);
  workers[number].pid = 0;
  atomic_store (&slot->state, GUEST_SLOT_FREE);
  if ((atomic_load (&board->front) & ~GUEST_FRONT_READING) == number)
    atomic_store (&board->front, GUEST_FRONT_FIRST);
  if (WIFEXITED (status))
    return;
  sweep_orphans ();
  if (state == GUEST_SLOT_RUNNING
      || (state == GUEST_SLOT_CLAIMING && !guest_channels_is_next (serial, id)))
    {
      atomic_store (&board->last_end, guest_now_us ());
      guest_channels_tell_lost (serial, id);
    }
}

/* A supervisor that was stopped would miss its deadline, so it is taken for killed. */
void
guest_crew_reap (void)
{
  int status;
  pid_t pid;

  while ((pid = waitpid (-1, &status, WNOHANG | WUNTRACED)) > 0)
    {
      if (WIFSTOPPED (status))
        {
          kill (pid, SIGKILL);
          continue;
        }
      for (unsigned i = 0; i < GUEST_MAX_EXECS; i++)
        if (workers[i].pid == pid)
          {
            end_worker (i, status);
            break;
          }
    }
}
