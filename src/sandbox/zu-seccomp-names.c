/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-seccomp-private.h"
#include <stddef.h>

/* A name that this machine does not have is passed over. */

/* clang-format off */
const char *const zu_seccomp_allowed[] = {
  /* files */
  "access", "chdir", "chmod", "chown", "chown32", "close", "close_range", "copy_file_range",
  "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
  "fallocate", "fchdir", "fchmod", "fchmodat", "fchown", "fchown32", "fchownat", "fcntl",
  "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock", "fremovexattr", "fsetxattr",
  "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64",
  "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch",
  "inotify_init", "inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lchown32", "lgetxattr",
  "link", "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "_llseek", "lsetxattr",
  "lstat", "lstat64", "mkdir", "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat",
  "pipe", "pipe2", "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read",
  "readahead", "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat",
  "renameat2", "rmdir", "sendfile", "sendfile64", "setxattr", "splice", "stat", "stat64",
  "statfs", "statfs64", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
  "sync_file_range2", "syncfs", "tee", "truncate", "truncate64", "umask", "unlink", "unlinkat",
  "utime", "utimensat", "utimensat_time64", "utimes", "vmsplice", "write", "writev",
  /* memory */
  "brk", "madvise", "map_shadow_stack", "membarrier", "memfd_create", "mincore", "mlock",
  "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mremap", "msync", "munlock", "munlockall",
  "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "remap_file_pages",
  /* processes, threads and who they are */
  "arch_prctl", "capget", "capset", "clone", "execve", "execveat", "exit", "exit_group", "fork",
  "futex", "futex_time64", "futex_waitv", "get_robust_list", "get_thread_area", "getcpu",
  "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
  "getgroups32", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
  "getresgid32", "getresuid", "getresuid32", "getrlimit", "getrusage", "getsid", "gettid",
  "getuid", "getuid32", "ioprio_get", "ioprio_set", "kill", "landlock_add_rule",
  "landlock_create_ruleset", "landlock_restrict_self", "pidfd_open", "pidfd_send_signal", "prctl",
  "prlimit64", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
  "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
  "rt_tgsigqueueinfo", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
  "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
  "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield",
  "seccomp", "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsgid32",
  "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setpgid",
  "setpriority", "setregid", "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32",
  "setreuid", "setreuid32", "setrlimit", "setsid", "setuid", "setuid32", "sigaltstack",
  "sigreturn", "tgkill", "tkill", "ugetrlimit", "uname", "unshare", "vfork", "wait4", "waitid",
  "waitpid",
  /* time, waiting, randomness */
  "alarm", "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
  "clock_nanosleep", "clock_nanosleep_time64", "epoll_create", "epoll_create1", "epoll_ctl",
  "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "getitimer", "getrandom",
  "gettimeofday", "nanosleep", "pause", "poll", "ppoll", "ppoll_time64", "pselect6",
  "pselect6_time64", "select", "_newselect", "setitimer", "signalfd", "signalfd4", "sysinfo",
  "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime", "timer_gettime64",
  "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
  "timerfd_settime", "timerfd_settime64", "times",
  /* talking to one another */
  "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "io_cancel",
  "io_destroy", "io_getevents", "io_pgetevents", "io_setup", "io_submit", "ipc", "listen",
  "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
  "msgctl", "msgget", "msgrcv", "msgsnd", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64",
  "recvmsg", "semctl", "semget", "semop", "semtimedop", "semtimedop_time64", "send", "sendmmsg",
  "sendmsg", "sendto", "setsockopt", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "socket",
  "socketcall", "socketpair",
  /* of one architecture */
  "arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush", "riscv_flush_icache",
  "riscv_hwprobe", "set_tls",
  NULL,
};

const char *const zu_seccomp_refused[] = {
  "acct", "add_key", "bpf", "chroot", "delete_module", "fanotify_init", "finit_module",
  "fsconfig", "fsmount", "fsopen", "fspick", "init_module", "kcmp", "kexec_file_load",
  "kexec_load", "keyctl", "lookup_dcookie", "mount", "mount_setattr", "move_mount", "move_pages",
  "name_to_handle_at", "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root",
  "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl", "reboot",
  "request_key", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff", "swapon",
  "syslog", "umount", "umount2", "userfaultfd", "vhangup",
  NULL,
};
/* clang-format on */
