/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#ifdef __SANITIZE_ADDRESS__
const char *__asan_default_options (void);

/* Looking for leaks takes calls that the filter does not have. */
const char *
__asan_default_options (void)
{
  return "detect_leaks=0";
}
#endif

/* What moving bytes takes, and what the C library's resolver does besides. */
static const char *const allowed[] = {
  "accept4",
  "brk",
  "clock_gettime",
  "clock_nanosleep",
  "close",
  "connect",
  "bind",
  "dup",
  "epoll_ctl",
  "epoll_pwait",
  "epoll_wait",
  "eventfd2",
  "exit",
  "exit_group",
  "fcntl",
  "fstat",
  "fstatfs",
  "futex",
  "getdents64",
  "getegid",
  "geteuid",
  "getgid",
  "getpeername",
  "getpid",
  "getrandom",
  "getsockname",
  "getsockopt",
  "gettid",
  "gettimeofday",
  "getuid",
  "lseek",
  "lstat",
  "madvise",
  "membarrier",
  "mremap",
  "munmap",
  "nanosleep",
  "newfstatat",
  "pipe2",
  "poll",
  "ppoll",
  "pread64",
  "read",
  "readlink",
  "readlinkat",
  "readv",
  "recvfrom",
  "recvmmsg",
  "recvmsg",
  "restart_syscall",
  "rseq",
  "rt_sigaction",
  "rt_sigprocmask",
  "rt_sigreturn",
  "sched_getaffinity",
  "sched_getattr",
  "sched_setattr",
  "sched_yield",
  "sendmmsg",
  "sendmsg",
  "sendto",
  "set_robust_list",
  "setsockopt",
  "shutdown",
  "sigaltstack",
  "splice",
  "stat",
  "statfs",
  "statx",
  "sysinfo",
  "tgkill",
  "time",
  "uname",
  "write",
  "writev",
  "access",
  "faccessat",
  "faccessat2",
  "ioctl",
};

static int
allow (scmp_filter_ctx context, const char *name, unsigned n, const struct scmp_arg_cmp *when)
{
  int number = seccomp_syscall_resolve_name (name);
  int result;

  if (number == __NR_SCMP_ERROR)
    return 0;
  result = seccomp_rule_add_array (context, SCMP_ACT_ALLOW, number, n, when);
  return result == -EDOM ? 0 : result;
}

/* TCP and UDP, and the list of this machine's addresses that getaddrinfo() asks for; no Unix
 * sockets, so nobody here can be talked to. */
static int
allow_sockets (scmp_filter_ctx context)
{
  static const int families[] = { AF_INET, AF_INET6, AF_NETLINK };
  int result = 0;

  for (size_t i = 0; i < sizeof families / sizeof *families && result == 0; i++)
    {
      const struct scmp_arg_cmp when = SCMP_A0_64 (SCMP_CMP_EQ, families[i]);

      result = allow (context, "socket", 1, &when);
    }
  return result;
}

/* Files are read and never made; memory is never both written and run; processes are threads of
 * this one. clone3() cannot be looked into, and the C library does without it. */
static int
allow_partly (scmp_filter_ctx context)
{
  const struct scmp_arg_cmp reading =
      SCMP_A2_64 (SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY);
  const struct scmp_arg_cmp opening =
      SCMP_A1_64 (SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY);
  const struct scmp_arg_cmp not_running = SCMP_A2_64 (SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
  const struct scmp_arg_cmp thread = SCMP_A0_64 (SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
  const struct scmp_arg_cmp naming = SCMP_A0_64 (SCMP_CMP_EQ, PR_SET_NAME);
  const struct scmp_arg_cmp asking = SCMP_A2_64 (SCMP_CMP_EQ, 0);
  int result = allow (context, "openat", 1, &reading);

  result = result != 0 ? result : allow (context, "open", 1, &opening);
  result = result != 0 ? result : allow (context, "mmap", 1, &not_running);
  result = result != 0 ? result : allow (context, "mprotect", 1, &not_running);
  result = result != 0 ? result : allow (context, "clone", 1, &thread);
  result = result != 0 ? result : allow (context, "prctl", 1, &naming);
  result = result != 0 ? result : allow (context, "prlimit64", 1, &asking);
  return result != 0 ? result
                     : seccomp_rule_add (context, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
}

static int
add_rules (scmp_filter_ctx context)
{
  int result = seccomp_attr_set (context, SCMP_FLTATR_CTL_TSYNC, 1);

  for (size_t i = 0; i < sizeof allowed / sizeof *allowed && result == 0; i++)
    result = allow (context, allowed[i], 0, NULL);
  result = result != 0 ? result : allow_sockets (context);
  result = result != 0 ? result : allow_partly (context);
  result = result != 0 ? result : seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  return result != 0 ? result : seccomp_load (context);
}

/* For all threads, for good: what is not on the list fails with EPERM. Returns 0 or a negative
 * errno. */
int
zu_proxy_seccomp_load (void)
{
  scmp_filter_ctx context = seccomp_init (SCMP_ACT_ERRNO (EPERM));
  int result = context != NULL ? add_rules (context) : -ENOMEM;

  if (context != NULL)
    seccomp_release (context);
  return result;
}
