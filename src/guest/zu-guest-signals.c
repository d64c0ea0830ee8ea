/* SPDX-License-Identifier: Apache-2.0 */

/* The C library keeps a few signals for its threads and leaves them out of its sets. Here there are
 * no threads, and what runs inside gets every signal as the kernel means it. */

#include "zu-guest.h"
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LAST_SIGNAL 64

static void
set_mask (uint64_t mask)
{
  syscall (SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof mask);
}

/* All zero is the default action, in every layout of the kernel's structure. */
void
guest_signals_reset (void)
{
  const uint64_t action[8] = { 0 };

  for (int i = 1; i <= LAST_SIGNAL; i++)
    syscall (SYS_rt_sigaction, i, action, NULL, sizeof (uint64_t));
}

void
guest_signals_block_all (void)
{
  set_mask (UINT64_MAX);
}

void
guest_signals_unblock_all (void)
{
  set_mask (0);
}

int
guest_signals_open_children (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
