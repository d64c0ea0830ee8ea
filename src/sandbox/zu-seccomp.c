/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-seccomp.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct scmp_arg_cmp Comparison;

#define MASK32 0xffffffffu

/* What ordinary programs need. A name that this machine does not have is passed over. */
static const char *const allowed[] = {
  /* files */
  "access",
  "chdir",
  "chmod",
  "chown",
  "chown32",
  "close",
  "close_range",
  "copy_file_range",
  "creat",
  "dup",
  "dup2",
  "dup3",
  "faccessat",
  "faccessat2",
  "fadvise64",
  "fadvise64_64",
  "fallocate",
  "fchdir",
  "fchmod",
  "fchmodat",
  "fchown",
  "fchown32",
  "fchownat",
  "fcntl",
  "fcntl64",
  "fdatasync",
  "fgetxattr",
  "flistxattr",
  "flock",
  "fremovexattr",
  "fsetxattr",
  "fstat",
  "fstat64",
  "fstatat64",
  "fstatfs",
  "fstatfs64",
  "fsync",
  "ftruncate",
  "ftruncate64",
  "futimesat",
  "getcwd",
  "getdents",
  "getdents64",
  "getxattr",
  "inotify_add_watch",
  "inotify_init",
  "inotify_init1",
  "inotify_rm_watch",
  "ioctl",
  "lchown",
  "lchown32",
  "lgetxattr",
  "link",
  "linkat",
  "listxattr",
  "llistxattr",
  "lremovexattr",
  "lseek",
  "_llseek",
  "lsetxattr",
  "lstat",
  "lstat64",
  "mkdir",
  "mkdirat",
  "mknod",
  "mknodat",
  "newfstatat",
  "open",
  "openat",
  "pipe",
  "pipe2",
  "pread64",
  "preadv",
  "preadv2",
  "pwrite64",
  "pwritev",
  "pwritev2",
  "read",
  "readahead",
  "readlink",
  "readlinkat",
  "readv",
  "removexattr",
  "rename",
  "renameat",
  "renameat2",
  "rmdir",
  "sendfile",
  "sendfile64",
  "setxattr",
  "splice",
  "stat",
  "stat64",
  "statfs",
  "statfs64",
  "statx",
  "symlink",
  "symlinkat",
  "sync",
  "sync_file_range",
  "sync_file_range2",
  "syncfs",
  "tee",
  "truncate",
  "truncate64",
  "umask",
  "unlink",
  "unlinkat",
  "utime",
  "utimensat",
  "utimensat_time64",
  "utimes",
  "vmsplice",
  "write",
  "writev",
  /* memory */
  "brk",
  "madvise",
  "map_shadow_stack",
  "membarrier",
  "memfd_create",
  "mincore",
  "mlock",
  "mlock2",
  "mlockall",
  "mmap",
  "mmap2",
  "mprotect",
  "mremap",
  "msync",
  "munlock",
  "munlockall",
  "munmap",
  "pkey_alloc",
  "pkey_free",
  "pkey_mprotect",
  "remap_file_pages",
  /* processes, threads and who they are */
  "arch_prctl",
  "capget",
  "capset",
  "clone",
  "execve",
  "execveat",
  "exit",
  "exit_group",
  "fork",
  "futex",
  "futex_time64",
  "futex_waitv",
  "get_robust_list",
  "get_thread_area",
  "getcpu",
  "getegid",
  "getegid32",
  "geteuid",
  "geteuid32",
  "getgid",
  "getgid32",
  "getgroups",
  "getgroups32",
  "getpgid",
  "getpgrp",
  "getpid",
  "getppid",
  "getpriority",
  "getresgid",
  "getresgid32",
  "getresuid",
  "getresuid32",
  "getrlimit",
  "getrusage",
  "getsid",
  "gettid",
  "getuid",
  "getuid32",
  "ioprio_get",
  "ioprio_set",
  "kill",
  "landlock_add_rule",
  "landlock_create_ruleset",
  "landlock_restrict_self",
  "pidfd_open",
  "pidfd_send_signal",
  "prctl",
  "prlimit64",
  "restart_syscall",
  "rseq",
  "rt_sigaction",
  "rt_sigpending",
  "rt_sigprocmask",
  "rt_sigqueueinfo",
  "rt_sigreturn",
  "rt_sigsuspend",
  "rt_sigtimedwait",
  "rt_sigtimedwait_time64",
  "rt_tgsigqueueinfo",
  "sched_get_priority_max",
  "sched_get_priority_min",
  "sched_getaffinity",
  "sched_getattr",
  "sched_getparam",
  "sched_getscheduler",
  "sched_rr_get_interval",
  "sched_setaffinity",
  "sched_setattr",
  "sched_setparam",
  "sched_setscheduler",
  "sched_yield",
  "seccomp",
  "set_robust_list",
  "set_thread_area",
  "set_tid_address",
  "setfsgid",
  "setfsgid32",
  "setfsuid",
  "setfsuid32",
  "setgid",
  "setgid32",
  "setgroups",
  "setgroups32",
  "setpgid",
  "setpriority",
  "setregid",
  "setregid32",
  "setresgid",
  "setresgid32",
  "setresuid",
  "setresuid32",
  "setreuid",
  "setreuid32",
  "setrlimit",
  "setsid",
  "setuid",
  "setuid32",
  "sigaltstack",
  "sigreturn",
  "tgkill",
  "tkill",
  "ugetrlimit",
  "uname",
  "unshare",
  "vfork",
  "wait4",
  "waitid",
  "waitpid",
  /* time, waiting, randomness */
  "alarm",
  "clock_getres",
  "clock_getres_time64",
  "clock_gettime",
  "clock_gettime64",
  "clock_nanosleep",
  "clock_nanosleep_time64",
  "epoll_create",
  "epoll_create1",
  "epoll_ctl",
  "epoll_pwait",
  "epoll_pwait2",
  "epoll_wait",
  "eventfd",
  "eventfd2",
  "getitimer",
  "getrandom",
  "gettimeofday",
  "nanosleep",
  "pause",
  "poll",
  "ppoll",
  "ppoll_time64",
  "pselect6",
  "pselect6_time64",
  "select",
  "_newselect",
  "setitimer",
  "signalfd",
  "signalfd4",
  "sysinfo",
  "time",
  "timer_create",
  "timer_delete",
  "timer_getoverrun",
  "timer_gettime",
  "timer_gettime64",
  "timer_settime",
  "timer_settime64",
  "timerfd_create",
  "timerfd_gettime",
  "timerfd_gettime64",
  "timerfd_settime",
  "timerfd_settime64",
  "times",
  /* talking to one another */
  "accept",
  "accept4",
  "bind",
  "connect",
  "getpeername",
  "getsockname",
  "getsockopt",
  "io_cancel",
  "io_destroy",
  "io_getevents",
  "io_pgetevents",
  "io_setup",
  "io_submit",
  "ipc",
  "listen",
  "mq_getsetattr",
  "mq_notify",
  "mq_open",
  "mq_timedreceive",
  "mq_timedsend",
  "mq_unlink",
  "msgctl",
  "msgget",
  "msgrcv",
  "msgsnd",
  "recv",
  "recvfrom",
  "recvmmsg",
  "recvmmsg_time64",
  "recvmsg",
  "semctl",
  "semget",
  "semop",
  "semtimedop",
  "semtimedop_time64",
  "send",
  "sendmmsg",
  "sendmsg",
  "sendto",
  "setsockopt",
  "shmat",
  "shmctl",
  "shmdt",
  "shmget",
  "shutdown",
  "socket",
  "socketcall",
  "socketpair",
  /* of one architecture */
  "arm_fadvise64_64",
  "arm_sync_file_range",
  "breakpoint",
  "cacheflush",
  "riscv_flush_icache",
  "riscv_hwprobe",
  "set_tls",
};

/* Known, and refused as a kernel refuses them to a user without privileges. */
static const char *const refused[] = {
  "acct",
  "add_key",
  "bpf",
  "chroot",
  "delete_module",
  "fanotify_init",
  "finit_module",
  "fsconfig",
  "fsmount",
  "fsopen",
  "fspick",
  "init_module",
  "kcmp",
  "kexec_file_load",
  "kexec_load",
  "keyctl",
  "lookup_dcookie",
  "mount",
  "mount_setattr",
  "move_mount",
  "move_pages",
  "name_to_handle_at",
  "open_by_handle_at",
  "open_tree",
  "perf_event_open",
  "pivot_root",
  "process_madvise",
  "process_vm_readv",
  "process_vm_writev",
  "ptrace",
  "quotactl",
  "reboot",
  "request_key",
  "setdomainname",
  "sethostname",
  "setns",
  "settimeofday",
  "swapoff",
  "swapon",
  "syslog",
  "umount",
  "umount2",
  "userfaultfd",
  "vhangup",
};

static void
release (scmp_filter_ctx *context)
{
  if (*context)
    seccomp_release (*context);
}

#define AUTO_CONTEXT __attribute__ ((cleanup (release))) scmp_filter_ctx

static gboolean
add (scmp_filter_ctx context, guint32 action, const char *name, guint n, const Comparison *c)
{
  int number = seccomp_syscall_resolve_name (name);
  int failed;

  if (number == __NR_SCMP_ERROR)
    return TRUE;
  failed = seccomp_rule_add_array (context, action, number, n, c);
  return failed == 0 || failed == -EDOM;
}

static gboolean
add_names (scmp_filter_ctx context, guint32 action, const char *const *names, guint n_names)
{
  for (guint i = 0; i < n_names; i++)
    if (!add (context, action, names[i], 0, NULL))
      return FALSE;
  return TRUE;
}

/* Refused where any of @bits is set in that argument. */
static gboolean
refuse_bits (scmp_filter_ctx context, const char *name, guint argument, guint64 bits)
{
  for (guint i = 0; i < 64; i++)
    {
      guint64 bit = G_GUINT64_CONSTANT (1) << i;
      Comparison c = SCMP_CMP64 (argument, SCMP_CMP_MASKED_EQ, bit, bit);

      if (bits & bit && !add (context, SCMP_ACT_ERRNO (EPERM), name, 1, &c))
        return FALSE;
    }
  return TRUE;
}

/* A namespace of its own would give a process every capability in it, and the kernel's least
 * tested code to try them on. */
static gboolean
refuse_namespaces (scmp_filter_ctx context)
{
  const guint64 flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER
                        | CLONE_NEWPID | CLONE_NEWNET;

  return refuse_bits (context, "clone", 0, flags)
         && refuse_bits (context, "unshare", 0, flags | CLONE_NEWTIME);
}

/* A set-uid file made in a folder of the host's would be one there too, for everybody. */
static gboolean
refuse_set_id (scmp_filter_ctx context)
{
  static const struct
  {
    const char *name;
    guint mode;
    int flags; /* the argument that says whether the mode counts; -1: it always does */
  } calls[] = {
    { "chmod", 1, -1 }, { "fchmod", 1, -1 },  { "fchmodat", 2, -1 }, { "creat", 1, -1 },
    { "mkdir", 1, -1 }, { "mkdirat", 2, -1 }, { "mknod", 1, -1 },    { "mknodat", 2, -1 },
    { "open", 2, 1 },   { "openat", 3, 2 },
  };
  static const guint64 bits[] = { 04000, 02000 }, creating[] = { O_CREAT, 020000000 };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    for (guint b = 0; b < 2; b++)
      for (guint f = 0; f < 2; f++)
        {
          const Comparison c[] = {
            SCMP_CMP64 (calls[i].mode, SCMP_CMP_MASKED_EQ, bits[b], bits[b]),
            SCMP_CMP64 ((guint) MAX (calls[i].flags, 0), SCMP_CMP_MASKED_EQ, creating[f],
                        creating[f]),
          };

          if (!add (context, SCMP_ACT_ERRNO (EPERM), calls[i].name, calls[i].flags < 0 ? 1 : 2, c))
            return FALSE;
        }
  return TRUE;
}

/* Unix, IPv4, IPv6, and netlink for the list of interfaces; the upper half of the argument, which
 * the kernel does not look at, is no way around. */
static gboolean
refuse_families (scmp_filter_ctx context)
{
  const Comparison beyond = SCMP_A0_64 (SCMP_CMP_GT, AF_MAX);
  const Comparison netlink[] = { SCMP_A0_64 (SCMP_CMP_MASKED_EQ, MASK32, AF_NETLINK),
                                 SCMP_A2_64 (SCMP_CMP_NE, 0) };

  for (guint family = 0; family <= AF_MAX; family++)
    {
      const Comparison c = SCMP_A0_64 (SCMP_CMP_MASKED_EQ, MASK32, family);

      if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK)
        continue;
      if (!add (context, SCMP_ACT_ERRNO (EAFNOSUPPORT), "socket", 1, &c))
        return FALSE;
    }
  return add (context, SCMP_ACT_ERRNO (EAFNOSUPPORT), "socket", 1, &beyond)
         && add (context, SCMP_ACT_ERRNO (EPROTONOSUPPORT), "socket", 2, netlink);
}

/* Typing into somebody's terminal, and limits for another process: the guest's, say. */
static gboolean
refuse_reaching_out (scmp_filter_ctx context)
{
  const Comparison sti = SCMP_A1_64 (SCMP_CMP_MASKED_EQ, MASK32, TIOCSTI);
  const Comparison console = SCMP_A1_64 (SCMP_CMP_MASKED_EQ, MASK32, TIOCLINUX);
  const Comparison other = SCMP_A0_64 (SCMP_CMP_NE, 0);

  return add (context, SCMP_ACT_ERRNO (EPERM), "ioctl", 1, &sti)
         && add (context, SCMP_ACT_ERRNO (EPERM), "ioctl", 1, &console)
         && add (context, SCMP_ACT_ERRNO (EPERM), "prlimit64", 1, &other);
}

static gboolean
allow_personalities (scmp_filter_ctx context)
{
  static const guint64 values[] = { 0, 0x8, 0x20000, 0x20008, 0xffffffff };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      const Comparison c = SCMP_A0_64 (SCMP_CMP_EQ, values[i]);

      if (!add (context, SCMP_ACT_ALLOW, "personality", 1, &c))
        return FALSE;
    }
  return TRUE;
}

static int export(scmp_filter_ctx context, gboolean complete, GError **error)
{
  ZU_AUTO_FD int fd = -1;

  if (complete)
    fd = memfd_create ("zu-seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && seccomp_export_bpf (context, fd) == 0 && lseek (fd, 0, SEEK_SET) == 0
      && fcntl (fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
    return zu_steal_fd (&fd);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot make the seccomp filter");
  return -1;
}

/**
 * zu_seccomp_make_allowed: (skip)
 * @error: where an error goes
 *
 * Returns: a memory file with the filter that knows what exists, at its start, or -1
 */
int
zu_seccomp_make_allowed (GError **error)
{
  AUTO_CONTEXT context = seccomp_init (SCMP_ACT_ERRNO (ENOSYS));

  return export(context,
                context && add_names (context, SCMP_ACT_ALLOW, allowed, G_N_ELEMENTS (allowed))
                    && add_names (context, SCMP_ACT_ALLOW, refused, G_N_ELEMENTS (refused))
                    && allow_personalities (context)
                    && seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0,
                error);
}

/**
 * zu_seccomp_make_refused: (skip)
 * @error: where an error goes
 *
 * Returns: a memory file with the filter that says no, at its start, or -1
 */
int
zu_seccomp_make_refused (GError **error)
{
  AUTO_CONTEXT context = seccomp_init (SCMP_ACT_ALLOW);

  return export(context,
                context
                    && add_names (context, SCMP_ACT_ERRNO (EPERM), refused, G_N_ELEMENTS (refused))
                    && refuse_namespaces (context) && refuse_set_id (context)
                    && refuse_families (context) && refuse_reaching_out (context)
                    && seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0,
                error);
}
