/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-keeper.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Above whatever the program is given. */
#define ABOVE (ZU_KEEPER_INHERIT_FD + (int) ZU_KEEPER_MAX_INHERIT + 1)

/* One line on stderr, which the launcher is told. */
void
keeper_child_fail (const char *what, int error)
{
  dprintf (2, "%s: %s", what, strerror (error));
  _exit (125);
}

static void
join_cgroups (const struct keeper_launch *launch)
{
  for (unsigned i = 0; i < launch->head.n_cgroups; i++)
    if (write (launch->cgroups[i], "0", 1) != 1)
      keeper_child_fail ("cannot join a control group", errno);
}

/* In this order, and looked at afterwards: what remains of an identity is what is used. */
static void
drop_identity (uid_t uid, gid_t gid)
{
  uid_t u[3];
  gid_t g[3];

  if (setgroups (0, NULL) != 0 || setresgid (gid, gid, gid) != 0 || setresuid (uid, uid, uid) != 0)
    keeper_child_fail ("cannot become an unprivileged user", errno);
  if (getresuid (&u[0], &u[1], &u[2]) != 0 || getresgid (&g[0], &g[1], &g[2]) != 0 || u[0] != uid
      || u[1] != uid || u[2] != uid || g[0] != gid || g[1] != gid || g[2] != gid
      || getgroups (0, NULL) != 0)
    keeper_child_fail ("cannot become an unprivileged user", EPERM);
}

static int
lift (int fd)
{
  int lifted = fcntl (fd, F_DUPFD_CLOEXEC, ABOVE);

  if (lifted < 0)
    keeper_child_fail ("cannot pass a descriptor", errno);
  return lifted;
}

/* Everything else of this process closes on exec. */
static void
place (int fd, int at)
{
  if (dup2 (fd, at) < 0)
    keeper_child_fail ("cannot pass a descriptor", errno);
}

static void
place_fds (const struct keeper_launch *launch, int guest)
{
  int lifted[ZU_KEEPER_MAX_INHERIT], lifted_guest = lift (guest);

  for (unsigned i = 0; i < launch->head.n_inherit; i++)
    lifted[i] = lift (launch->inherit[i]);
  place (lifted_guest, ZU_KEEPER_GUEST_FD);
  for (unsigned i = 0; i < launch->head.n_inherit; i++)
    place (lifted[i], ZU_KEEPER_INHERIT_FD + (int) i);
}

/* The kernel forgets the wish to die with the parent at every change of identity, so it comes
 * after the last one; then the parent is looked for, in case it died before. */
static void
die_with_parent (pid_t parent)
{
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid () != parent)
    keeper_child_fail ("cannot be tied to the keeper", ESRCH);
}

void
keeper_become_program (const struct keeper_launch *launch, int guest, int complaints)
{
  char *const empty[] = { NULL };
  pid_t parent = getppid ();
  int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  sigset_t none;

  if (null < 0 || dup2 (null, 0) < 0 || dup2 (null, 1) < 0 || dup2 (complaints, 2) < 0)
    _exit (125);
  join_cgroups (launch);
  if (launch->head.n_mounts)
    keeper_stage_mounts (launch->mounts, launch->head.n_mounts, launch->head.uid, launch->head.gid);
  place_fds (launch, guest);
  if (launch->drops)
    drop_identity (launch->head.uid, launch->head.gid);
  if (setrlimit (RLIMIT_CORE, &(struct rlimit){ 0, 0 }) != 0
      || prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    keeper_child_fail ("cannot give up privileges", errno);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  die_with_parent (parent);
  execve (launch->argv[0], launch->argv, empty);
  keeper_child_fail (launch->argv[0], errno);
}
