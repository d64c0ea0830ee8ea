/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-worker-filter.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What a worker may still ask of the kernel once it serves. Everything that is not named is
 * refused: above all no program is started, no process made or traced, no memory made executable,
 * and no socket opened beside those it was handed. */

static const char *const memory_calls[] = { "brk",   "madvise", "mlock",  "mlock2", "mremap",
                                            "msync", "munlock", "munmap", NULL };

static const char *const thread_calls[] = { "clock_getres",
                                            "clock_gettime",
                                            "clock_nanosleep",
                                            "exit",
                                            "exit_group",
                                            "futex",
                                            "futex_waitv",
                                            "get_robust_list",
                                            "getcpu",
                                            "gettid",
                                            "gettimeofday",
                                            "membarrier",
                                            "nanosleep",
                                            "restart_syscall",
                                            "rseq",
                                            "sched_getattr",
                                            "rt_sigaction",
                                            "rt_sigpending",
                                            "rt_sigprocmask",
                                            "rt_sigreturn",
                                            "rt_sigsuspend",
                                            "rt_sigtimedwait",
                                            "sched_getaffinity",
                                            "sched_getparam",
                                            "sched_getscheduler",
                                            "sched_yield",
                                            "set_robust_list",
                                            "sigaltstack",
                                            "time",
                                            NULL };

static const char *const self_calls[] = { "getegid",   "geteuid",   "getgid",    "getgroups",
                                          "getpgrp",   "getpid",    "getppid",   "getrandom",
                                          "getresgid", "getresuid", "getrlimit", "getrusage",
                                          "getsid",    "getuid",    "sysinfo",   "umask",
                                          "uname",     NULL };

static const char *const file_calls[] = { "access",
                                          "chdir",
                                          "close",
                                          "close_range",
                                          "dup",
                                          "dup2",
                                          "dup3",
                                          "faccessat",
                                          "faccessat2",
                                          "fadvise64",
                                          "fallocate",
                                          "fchdir",
                                          "fcntl",
                                          "fdatasync",
                                          "flock",
                                          "fstat",
                                          "fstatfs",
                                          "fsync",
                                          "ftruncate",
                                          "getcwd",
                                          "getdents64",
                                          "inotify_add_watch",
                                          "inotify_init1",
                                          "inotify_rm_watch",
                                          "lseek",
                                          "lstat",
                                          "mkdir",
                                          "mkdirat",
                                          "newfstatat",
                                          "open",
                                          "openat",
                                          "pread64",
                                          "preadv",
                                          "pwrite64",
                                          "pwritev",
                                          "read",
                                          "readlink",
                                          "readlinkat",
                                          "readv",
                                          "rename",
                                          "renameat",
                                          "renameat2",
                                          "rmdir",
                                          "stat",
                                          "statfs",
                                          "statx",
                                          "unlink",
                                          "unlinkat",
                                          "write",
                                          "writev",
                                          NULL };

static const char *const event_calls[] = {
  "accept",     "accept4",        "epoll_create1",   "epoll_ctl",       "epoll_pwait",
  "epoll_wait", "eventfd2",       "getpeername",     "getsockname",     "getsockopt",
  "pipe2",      "poll",           "ppoll",           "pselect6",        "recvfrom",
  "recvmsg",    "select",         "sendmsg",         "sendto",          "setsockopt",
  "shutdown",   "timerfd_create", "timerfd_gettime", "timerfd_settime", NULL
};

static const char *const network_calls[] = { "bind",     "connect", "listen",     "recvmmsg",
                                             "sendmmsg", "socket",  "socketpair", NULL };

static gboolean
allow (scmp_filter_ctx filter, const char *const *names)
{
  for (; *names != NULL; names++)
    {
      int number = seccomp_syscall_resolve_name (*names);

      /* Some have no number on this machine. */
      if (number != __NR_SCMP_ERROR && seccomp_rule_add (filter, SCMP_ACT_ALLOW, number, 0) < 0)
        return FALSE;
    }
  return TRUE;
}

/* Threads, but no processes; the newer call keeps its flags where no filter can see them. */
static gboolean
allow_threads (scmp_filter_ctx filter)
{
  const guint64 bits = CLONE_THREAD | CLONE_VM;

  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (clone), 1,
                           SCMP_A0 (SCMP_CMP_MASKED_EQ, bits, bits))
             == 0
         && seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0) == 0
         && allow (filter, thread_calls);
}

static gboolean
allow_memory (scmp_filter_ctx filter)
{
  const struct scmp_arg_cmp data = SCMP_A2 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mmap), 1, data) == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (mprotect), 1, data) == 0
         && allow (filter, memory_calls);
}

/* Of itself only: its own limits, its own name, a signal to its own threads. */
static gboolean
allow_self (scmp_filter_ctx filter)
{
  static const guint64 options[] = { PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_SET_VMA };

  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prctl), 1,
                          SCMP_A0 (SCMP_CMP_EQ, options[i]))
        != 0)
      return FALSE;
  return seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (prlimit64), 2,
                           SCMP_A0 (SCMP_CMP_EQ, 0), SCMP_A2 (SCMP_CMP_EQ, 0))
             == 0
         && seccomp_rule_add (filter, SCMP_ACT_ALLOW, SCMP_SYS (tgkill), 1,
                              SCMP_A0 (SCMP_CMP_EQ, (guint64) getpid ()))
                == 0
         && allow (filter, self_calls);
}

static gboolean
fill (scmp_filter_ctx filter, gboolean network)
{
  return seccomp_attr_set (filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 && allow_memory (filter)
         && allow_threads (filter) && allow_self (filter) && allow (filter, file_calls)
         && allow (filter, event_calls) && (!network || allow (filter, network_calls));
}

/* For all threads of this process, and for good. */
gboolean
zu_worker_confine (gboolean network, GError **error)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  int result = filter != NULL && fill (filter, network) ? seccomp_load (filter) : -EINVAL;

  if (filter != NULL)
    seccomp_release (filter);
  if (result == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-result),
               "cannot confine the worker to its system calls: %s", g_strerror (-result));
  return FALSE;
}
