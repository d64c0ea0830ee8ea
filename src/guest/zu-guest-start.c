/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Shared with the new process until it executes: it answers into this. */
static volatile unsigned failed_error;
static volatile unsigned failed_stage;

static void __attribute__ ((noreturn)) fail (unsigned stage)
{
  failed_error = errno ? (unsigned) errno : EINVAL;
  failed_stage = stage;
  _exit (127);
}

/* A folder whose real path is under /proc would be a way to whatever a descriptor there names. */
static void
enter_workdir (const char *workdir)
{
  char path[PATH_MAX];

  if (chdir (workdir) != 0 || !getcwd (path, sizeof path))
    fail (ZU_WIRE_STAGE_WORKDIR);
  if (*path == '/' && (strncmp (path, "/proc", 5) != 0 || (path[5] && path[5] != '/')))
    return;
  errno = EACCES;
  fail (ZU_WIRE_STAGE_WORKDIR);
}

static const char *
find_path (char **environment)
{
  for (; *environment; environment++)
    if (strncmp (*environment, "PATH=", 5) == 0)
      return *environment + 5;
  return DEFAULT_PATH;
}

/* The folder that `entry` begins with, a slash and the name; whether it fits. */
static int
join (char file[PATH_MAX], const char *entry, size_t length, const char *name)
{
  size_t name_size = strlen (name) + 1;

  if (length + 1 + name_size > PATH_MAX)
    return 0;
  memcpy (file, entry, length);
  if (length)
    file[length++] = '/';
  memcpy (file + length, name, name_size);
  return 1;
}

static void
search_and_execute (const struct guest_request *request)
{
  const char *entry = find_path (request->environment);
  char file[PATH_MAX];
  int denied = 0;

  for (;; entry++)
    {
      size_t length = strcspn (entry, ":");

      if (join (file, entry, length, request->argv[0]))
        execve (file, request->argv, request->environment);
      denied |= errno == EACCES;
      if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
        return;
      entry += length;
      if (!*entry)
        break;
    }
  errno = denied ? EACCES : ENOENT;
}

/* As execvp, without its guess that a file without a header is a shell script. */
static void
execute (const struct guest_base *base, const struct guest_request *request)
{
  errno = ENOENT;
  if (request->flags & ZU_WIRE_EXEC_SELF)
    syscall (SYS_execveat, base->self, "", request->argv, request->environment, AT_EMPTY_PATH);
  else if (strchr (request->argv[0], '/'))
    execve (request->argv[0], request->argv, request->environment);
  else if (*request->argv[0])
    search_and_execute (request);
}

static void __attribute__ ((noreturn))
become (const struct guest_base *base, const struct guest_request *request, pid_t supervisor)
{
  setsid ();
  if (prctl (PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid () != supervisor)
    fail (ZU_WIRE_STAGE_PROCESS);
  if (request->flags & ZU_WIRE_EXEC_TTY && ioctl (request->stdio[0], TIOCSCTTY, 0) != 0)
    fail (ZU_WIRE_STAGE_TERMINAL);
  for (int i = 0; i < 3; i++)
    if (request->stdio[i] >= 0 && dup2 (request->stdio[i], i) < 0)
      fail (ZU_WIRE_STAGE_PROCESS);
  enter_workdir (request->workdir);
  for (unsigned i = 0; i < base->n_limits; i++)
    if (setrlimit (base->limits[i].resource, &base->limits[i].limit) != 0)
      fail (ZU_WIRE_STAGE_LIMITS);
  guest_signals_unblock_all ();
  execute (base, request);
  fail (ZU_WIRE_STAGE_PROGRAM);
}

/* Nobody in here can become somebody else. */
static int
is_own_user (const struct guest_request *request)
{
  const struct zu_wire_exec *exec = &request->exec;

  return (exec->uid == ZU_WIRE_ANYBODY || exec->uid == getuid ())
         && (exec->gid == ZU_WIRE_ANYBODY || exec->gid == getgid ());
}

struct zu_wire_started
guest_start (const struct guest_base *base, const struct guest_request *request)
{
  struct zu_wire_started started = { 0 };
  pid_t self = getpid (), pid;

  if (!is_own_user (request))
    return (struct zu_wire_started){ EPERM, ZU_WIRE_STAGE_USER, 0 };
  failed_error = 0;
  failed_stage = ZU_WIRE_STAGE_NONE;
  pid = vfork ();
  if (pid == 0)
    become (base, request, self);
  if (pid < 0)
    {
      failed_error = (unsigned) errno;
      failed_stage = ZU_WIRE_STAGE_PROCESS;
    }
  started.error = failed_error;
  started.stage = failed_stage;
  started.pid = (uint32_t) (pid > 0 && !failed_error ? pid : 0);
  return started;
}
