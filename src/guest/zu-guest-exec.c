/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

uint64_t
guest_now_us (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000u + (uint64_t) t.tv_nsec / 1000u;
}

static uint64_t
to_us (struct timeval t)
{
  return (uint64_t) t.tv_sec * 1000000u + (uint64_t) t.tv_usec;
}

/* What a child used is what it and all that it waited for used. */
static void
add_usage (struct guest_exec *exec, const struct rusage *usage)
{
  uint64_t peak = (uint64_t) usage->ru_maxrss * 1024u;

  exec->cpu_us += to_us (usage->ru_utime) + to_us (usage->ru_stime);
  if (peak > exec->peak_memory)
    exec->peak_memory = peak;
}

/* Whether any child is left. */
int
guest_exec_reap (struct guest_exec *exec, int options)
{
  struct rusage usage;
  pid_t pid;
  int status;

  while ((pid = wait4 (-1, &status, options, &usage)) > 0)
    {
      add_usage (exec, &usage);
      if (pid == exec->main)
        {
          exec->ended = 1;
          exec->status = status;
        }
    }
  return pid == 0 || (pid < 0 && errno == EINTR);
}

static uint64_t
next_moment (const struct guest_exec *exec)
{
  return exec->term_at ? exec->term_at : exec->kill_at;
}

/* For poll: milliseconds until something is due, or -1. */
int
guest_exec_timeout (const struct guest_exec *exec)
{
  uint64_t at = exec->main ? next_moment (exec) : 0, now;

  if (!at)
    return -1;
  now = guest_now_us ();
  if (at <= now)
    return 0;
  return at - now > 3600u * 1000000u ? 3600 * 1000 : (int) ((at - now + 999) / 1000);
}

int
guest_exec_is_due (const struct guest_exec *exec)
{
  uint64_t at = next_moment (exec);

  return at && guest_now_us () >= at;
}

void
guest_exec_check_deadline (struct guest_exec *exec)
{
  uint64_t now = guest_now_us ();

  if (exec->term_at && now >= exec->term_at)
    {
      exec->timed_out = 1;
      exec->term_at = 0;
      exec->kill_at = now + exec->grace_us;
      if (exec->grace_us)
        guest_tree_signal (SIGTERM, NULL, 0);
    }
  if (exec->kill_at && now >= exec->kill_at)
    {
      exec->kill_at = 0;
      guest_tree_kill (NULL, 0);
    }
}

void
guest_exec_arm (struct guest_exec *exec, const struct zu_wire_exec *wire)
{
  exec->grace_us = (uint64_t) wire->grace_ms * 1000u;
  if (wire->deadline_ms)
    exec->term_at = exec->began + wire->deadline_ms * 1000u;
}

struct zu_wire_exited
guest_exec_report (const struct guest_exec *exec)
{
  struct zu_wire_exited exited = { .exit_status = -1 };

  if (WIFSIGNALED (exec->status))
    exited.signal = (uint32_t) WTERMSIG (exec->status);
  else
    exited.exit_status = WEXITSTATUS (exec->status);
  exited.flags = exec->timed_out ? ZU_WIRE_EXITED_TIMED_OUT : 0;
  exited.duration_us = guest_now_us () - exec->began;
  exited.cpu_us = exec->cpu_us;
  exited.peak_memory = exec->peak_memory;
  return exited;
}
