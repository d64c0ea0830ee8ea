/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <errno.h>
#include <fcntl.h>
#include <gmodule.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A channel that tries, from inside a worker, what somebody would who has taken it over: each
 * operation is an attempt, and its answer the number of the error, 0 where it succeeded. */

typedef struct
{
  GObject parent_instance;
} ZuEscape;

typedef struct
{
  GObjectClass parent_class;
} ZuEscapeClass;

GType zu_escape_get_type (void);
static void zu_escape_iface_init (ZuChannelInterface *iface);

G_DEFINE_DYNAMIC_TYPE_EXTENDED (ZuEscape, zu_escape, G_TYPE_OBJECT, G_TYPE_FLAG_FINAL,
                                G_IMPLEMENT_INTERFACE_DYNAMIC (ZU_TYPE_CHANNEL,
                                                               zu_escape_iface_init))

static int
result_of (long value)
{
  return value < 0 ? errno : 0;
}

static int
try_exec (void)
{
  char *arguments[] = { (char *) "true", NULL };

  return result_of (execv ("/bin/true", arguments));
}

static int
try_execveat (void)
{
  char *arguments[] = { (char *) "true", NULL };
  int fd = open ("/bin/true", O_PATH | O_CLOEXEC);

  return result_of (syscall (SYS_execveat, fd, "", arguments, NULL, AT_EMPTY_PATH));
}

static int
try_fork (void)
{
  long pid = syscall (SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

  if (pid == 0)
    _exit (0);
  return result_of (pid);
}

static int
try_clone3 (void)
{
  struct clone_args args = { .exit_signal = SIGCHLD };
  long pid = syscall (SYS_clone3, &args, sizeof args);

  if (pid == 0)
    _exit (0);
  return result_of (pid);
}

static int
try_ptrace (void)
{
  return result_of (ptrace (PTRACE_TRACEME, 0, NULL, NULL));
}

static int
try_read_other (void)
{
  char byte;
  struct iovec iov = { &byte, 1 };

  return result_of (syscall (SYS_process_vm_readv, getppid (), &iov, 1, &iov, 1, 0));
}

static int
try_kill (void)
{
  return result_of (kill (getppid (), 0));
}

static int
try_socket (void)
{
  return result_of (socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_unix_socket (void)
{
  return result_of (socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int
try_new_code (void)
{
  void *page =
      mmap (NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  return page == MAP_FAILED ? errno : 0;
}

static int
try_make_executable (void)
{
  void *page = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int result = result_of (mprotect (page, 4096, PROT_READ | PROT_EXEC));

  munmap (page, 4096);
  return result;
}

static int
try_dumpable (void)
{
  return result_of (prctl (PR_SET_DUMPABLE, 1));
}

static int
try_namespace (void)
{
  return result_of (unshare (CLONE_NEWUSER));
}

static int
try_io_uring (void)
{
  return result_of (syscall (SYS_io_uring_setup, 1, NULL));
}

static int
try_setuid (void)
{
  return result_of (setuid (getuid ()));
}

static const struct
{
  const char *op;
  int (*attempt) (void);
} attempts[] = {
  { "exec", try_exec },
  { "execveat", try_execveat },
  { "fork", try_fork },
  { "clone3", try_clone3 },
  { "ptrace", try_ptrace },
  { "read-other", try_read_other },
  { "kill", try_kill },
  { "socket", try_socket },
  { "unix-socket", try_unix_socket },
  { "new-code", try_new_code },
  { "make-executable", try_make_executable },
  { "dumpable", try_dumpable },
  { "namespace", try_namespace },
  { "io-uring", try_io_uring },
  { "setuid", try_setuid },
};

static ZuJson *
number_to_json (const char *name, gint64 number)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_int64 (builder, number);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}

static ZuChannelReply *
zu_escape_call (ZuChannel *channel, const char *op, ZuJson *args, GCancellable *cancellable,
                GError **error)
{
  g_autoptr (ZuJson) data = NULL;

  if (g_str_equal (op, "crash"))
    raise (SIGKILL);
  for (gsize i = 0; i < G_N_ELEMENTS (attempts) && data == NULL; i++)
    if (g_str_equal (attempts[i].op, op))
      data = number_to_json ("errno", attempts[i].attempt ());
  return g_object_new (ZU_TYPE_CHANNEL_REPLY, "ok", data != NULL, "data", data, "error",
                       data != NULL ? NULL : "unknown op", NULL);
}

static void
zu_escape_iface_init (ZuChannelInterface *iface)
{
  iface->call = zu_escape_call;
}

static void
zu_escape_class_init (ZuEscapeClass *klass)
{
}

static void
zu_escape_class_finalize (ZuEscapeClass *klass)
{
}

static void
zu_escape_init (ZuEscape *self)
{
}

G_MODULE_EXPORT void g_io_zu_escape_load (GTypeModule *module);

void
g_io_zu_escape_load (GTypeModule *module)
{
  zu_escape_register_type (module);
  g_io_extension_point_implement ("zu.channels", zu_escape_get_type (), "escape", 0);
}
