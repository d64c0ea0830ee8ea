/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-keeper.h"
#include "zu-engine-remove.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

#define DEATH_TIMEOUT_MS  10000
#define REMOVE_TIMEOUT_MS 60000

/* When process 1 of a pid namespace has been waited for, nobody is left in that namespace. */
static void
kill_sandbox (struct keeper *keeper)
{
  struct pollfd death = { keeper->guest_pid, POLLIN, 0 };

  if (keeper->guest_pid >= 0)
    {
      syscall (SYS_pidfd_send_signal, keeper->guest_pid, SIGKILL, NULL, 0);
      while (poll (&death, 1, DEATH_TIMEOUT_MS) < 0 && errno == EINTR)
        ;
    }
  if (keeper->child > 0)
    {
      kill (keeper->child, SIGKILL);
      waitpid (keeper->child, NULL, 0);
    }
  keeper->child = 0;
}

/* The guest leaves when its channel ends, and may be another user's; what does not leave is
 * removed. */
static int
remove_container (struct keeper *keeper)
{
  const struct keeper_launch *launch = &keeper->launch;
  int is_ending = keeper->guest_pid >= 0;

  if (!launch->by_engine)
    return 1;
  if (keeper->guest >= 0)
    close (keeper->guest);
  keeper->guest = -1;
  if (is_ending)
    syscall (SYS_pidfd_send_signal, keeper->guest_pid, SIGKILL, NULL, 0);
  if (!*keeper_engine (launch))
    return 1;
  return zu_engine_remove (keeper_engine (launch), keeper_container (launch), is_ending,
                           REMOVE_TIMEOUT_MS);
}

/* The kernel needs a moment until a group without processes is an empty group. */
static void
remove_cgroups (const struct keeper_launch *launch)
{
  const struct timespec pause = { 0, 1000000 };

  for (unsigned i = 0; i < launch->head.n_cgroups; i++)
    for (int tries = 0; tries < 500 && rmdir (launch->cgroup_paths[i]) != 0 && errno == EBUSY;
         tries++)
      nanosleep (&pause, NULL);
}

/* The closing event is written by a program of its own: it needs libzu and a sink, which this
 * process does without for its whole life. It removes the label once the event is stored; if it
 * cannot, the label stays for whoever collects what is left behind. */
static int
write_epilogue (const struct keeper_launch *launch, unsigned reason)
{
  pid_t pid;
  int status;

  if (!*launch->epilogue || reason == ZU_KEEPER_REASON_DESTROYED)
    return 1;
  if ((pid = fork ()) == 0)
    {
      sigset_t none;

      sigemptyset (&none);
      sigprocmask (SIG_SETMASK, &none, NULL);
      execl (launch->epilogue, "zu-epilogue", launch->state_path, zu_keeper_reason_name (reason),
             NULL);
      _exit (127);
    }
  while (pid > 0 && waitpid (pid, &status, 0) < 0 && errno == EINTR)
    ;
  return pid > 0 && WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

/* What an engine's container was shown of this folder. */
static void
remove_files (const struct keeper_launch *launch)
{
  static const char *const files[] = { "guest/socket", "hosts", "ca" };

  for (unsigned i = 0; launch->by_engine && i < sizeof files / sizeof *files; i++)
    unlinkat (launch->state, files[i], 0);
  if (launch->by_engine)
    unlinkat (launch->state, "guest", AT_REMOVEDIR);
}

/* All that the sandbox was, gone, before anybody hears that it is. Where an engine does not remove
 * its container, the label stays for whoever collects what is left behind. */
void
keeper_undo (struct keeper *keeper, unsigned reason)
{
  int removed = remove_container (keeper);

  kill_sandbox (keeper);
  remove_cgroups (&keeper->launch);
  unlinkat (keeper->launch.state, "control", 0);
  remove_files (&keeper->launch);
  if (!write_epilogue (&keeper->launch, reason) || !removed)
    return;
  unlinkat (keeper->launch.state, "label", 0);
  rmdir (keeper->launch.state_path);
}

void
keeper_end (struct keeper *keeper, unsigned reason)
{
  keeper_undo (keeper, reason);
  for (unsigned i = 0; i < KEEPER_MAX_CLIENTS; i++)
    if (keeper->clients[i] >= 0)
      keeper_send_simple (keeper->clients[i], ZU_KEEPER_ENDED, reason, -1);
  _exit (0);
}
