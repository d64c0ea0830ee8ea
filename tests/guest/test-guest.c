/* SPDX-License-Identifier: Apache-2.0 */

/* zu-guest itself, run as an ordinary child: what it does as the first process of a sandbox is
 * tested in tests/sandbox. */

#include "zu-keeper-link.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct
{
  ZuGuestChannel *channel;
  int first; /* a second hold on the first channel's socket, to send what the class does not */
  pid_t pid;
  struct zu_wire_hello hello;
  char *dir;
} GuestFixture;

static const char *const environment[] = { "PATH=/usr/bin:/bin", "BASE=base", NULL };

static void
guest_start (GuestFixture *f)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *program = zu_keeper_find_program ("zu-guest", &error);
  int pair[2];

  g_assert_no_error (error);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  f->pid = fork ();
  if (f->pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      dup2 (pair[1], 9);
      execl (program, "zu-guest", "--fd", "9", NULL);
      _exit (99);
    }
  close (pair[1]);
  f->first = fcntl (pair[0], F_DUPFD_CLOEXEC, 3);
  f->channel = zu_guest_channel_new (pair[0]);
}

static void
guest_set_up (GuestFixture *f, gconstpointer data)
{
  const ZuGuestLimit limits[] = { { RLIMIT_CORE, 0 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) go = NULL;

  f->dir = g_dir_make_tmp ("zu-guest-XXXXXX", &error);
  g_assert_no_error (error);
  guest_start (f);
  zu_guest_channel_receive_hello (f->channel, &f->hello, NULL, &error);
  g_assert_no_error (error);
  go = zu_guest_encode_go (f->dir, environment, limits, 1, &error);
  g_assert_no_error (error);
  g_assert_true (zu_guest_channel_go (f->channel, go, NULL, &error));
}

static void
guest_tear_down (GuestFixture *f, gconstpointer data)
{
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", f->dir);
  int status;

  g_clear_pointer (&f->channel, zu_guest_channel_unref);
  zu_clear_fd (&f->first);
  g_assert_cmpint (waitpid (f->pid, &status, 0), ==, f->pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (system (command), ==, 0);
  g_free (f->dir);
}

static guint32
start (GuestFixture *f, const char *script, int out, guint64 deadline_ms, GError **error)
{
  const char *const argv[] = { "sh", "-c", script, NULL };
  const ZuGuestExec exec = {
    .argv = argv, .deadline_ms = deadline_ms, .grace_ms = 100, .stdio = { -1, out, out }
  };

  return zu_guest_channel_exec (f->channel, &exec, NULL, error);
}

static char *
read_all (int fd)
{
  GString *text = g_string_new (NULL);
  char buffer[4096];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (text, buffer, n);
  close (fd);
  return g_string_free (text, FALSE);
}

static char *
run (GuestFixture *f, const char *script, guint64 deadline_ms, struct zu_wire_exited *exited)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  guint32 id;
  int out[2];

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  id = start (f, script, out[1], deadline_ms, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (id, >, 0);
  close (out[1]);
  text = read_all (out[0]);
  zu_guest_channel_wait (f->channel, id, exited, NULL, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&text);
}

static void
test_hello (GuestFixture *f, gconstpointer data)
{
  g_assert_cmpuint (f->hello.version, ==, ZU_WIRE_VERSION);
  g_assert_cmpuint (f->hello.pid, ==, f->pid);
  g_assert_cmpuint (f->hello.uid, ==, getuid ());
}

static void
test_run (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f, "echo $BASE; pwd; exit 3", 0, &exited);
  g_autofree char *expected = g_strdup_printf ("base\n%s\n", f->dir);

  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpint (exited.exit_status, ==, 3);
  g_assert_cmpuint (exited.signal, ==, 0);
  g_assert_cmpuint (exited.flags, ==, 0);
  g_assert_cmpuint (exited.duration_us, >, 0);
  g_assert_cmpuint (exited.peak_memory, >, 64 * 1024);
}

static void
test_signal (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f, "kill -SEGV $$", 0, &exited);

  g_assert_cmpint (exited.exit_status, ==, -1);
  g_assert_cmpuint (exited.signal, ==, SIGSEGV);
}

static void
assert_fails (GuestFixture *f, const char *program, const char *workdir, int code)
{
  g_autoptr (GError) error = NULL;
  const char *const argv[] = { program, NULL };
  const ZuGuestExec exec = { .argv = argv, .workdir = workdir, .stdio = { -1, -1, -1 } };

  g_assert_cmpuint (zu_guest_channel_exec (f->channel, &exec, NULL, &error), ==, 0);
  g_assert_error (error, ZU_GUEST_ERROR, code);
}

static void
test_cannot_start (GuestFixture *f, gconstpointer data)
{
  assert_fails (f, "no-such-program", NULL, ZU_GUEST_ERROR_NOT_FOUND);
  assert_fails (f, "/no/such/program", NULL, ZU_GUEST_ERROR_NOT_FOUND);
  assert_fails (f, "", NULL, ZU_GUEST_ERROR_NOT_FOUND);
  assert_fails (f, "/etc/passwd", NULL, ZU_GUEST_ERROR_NOT_EXECUTABLE);
  assert_fails (f, "/usr", NULL, ZU_GUEST_ERROR_NOT_EXECUTABLE);
  assert_fails (f, "true", "/no/such/folder", ZU_GUEST_ERROR_START);
  assert_fails (f, "true", "/proc/self/fd", ZU_GUEST_ERROR_START);
  assert_fails (f, "true", "/proc", ZU_GUEST_ERROR_START);
}

/* A link in a folder the tool may write is no way around the rule. */
static void
test_workdir_link (GuestFixture *f, gconstpointer data)
{
  g_autofree char *link = g_build_filename (f->dir, "link", NULL);

  g_assert_cmpint (symlink ("/proc/self", link), ==, 0);
  assert_fails (f, "true", link, ZU_GUEST_ERROR_START);
}

static void
test_environment (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const char *const argv[] = { "sh", "-c", "echo $BASE $MORE; cat", NULL };
  const char *const more[] = { "BASE=mine", "MORE=more", NULL };
  struct zu_wire_exited exited;
  g_autofree char *text = NULL;
  int out[2], in[2];
  ZuGuestExec exec = { .argv = argv, .environment = more, .workdir = "/" };
  guint32 id;

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
  exec.stdio[0] = in[0];
  exec.stdio[1] = out[1];
  exec.stdio[2] = -1;
  id = zu_guest_channel_exec (f->channel, &exec, NULL, &error);
  g_assert_no_error (error);
  close (out[1]);
  close (in[0]);
  g_assert_cmpint (write (in[1], "given\n", 6), ==, 6);
  close (in[1]);
  text = read_all (out[0]);
  g_assert_cmpstr (text, ==, "mine more\ngiven\n");
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  g_assert_cmpint (exited.exit_status, ==, 0);
}

/* More than a message takes goes in a descriptor. */
static void
test_long_arguments (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);
  struct zu_wire_exited exited;
  g_autofree char *text = NULL;
  int out[2];
  ZuGuestExec exec = { .stdio = { -1, -1, -1 } };
  guint32 id;

  g_ptr_array_add (argv, g_strdup ("sh"));
  g_ptr_array_add (argv, g_strdup ("-c"));
  g_ptr_array_add (argv, g_strdup ("echo $#"));
  for (guint i = 0; i < 50001; i++)
    g_ptr_array_add (argv, g_strdup ("argument"));
  g_ptr_array_add (argv, NULL);
  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  exec.argv = (const char *const *) argv->pdata;
  exec.stdio[1] = out[1];
  id = zu_guest_channel_exec (f->channel, &exec, NULL, &error);
  g_assert_no_error (error);
  close (out[1]);
  text = read_all (out[0]);
  g_assert_cmpstr (text, ==, "50000\n");
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
}

/* Double-forked, in a session of its own, deaf to TERM: still part of the tree. */
#define STUBBORN "(setsid sh -c 'trap \"\" TERM HUP; echo $$; exec sleep 1000' &) ; sleep 0.2; "

/* Killed before the end is told, and soon after that reaped. */
static void
assert_gone (const char *pid_text)
{
  pid_t pid = atoi (pid_text);
  guint tries = 0;

  g_assert_cmpint (pid, >, 1);
  while (kill (pid, 0) == 0 && tries++ < 2000)
    g_usleep (1000);
  g_assert_cmpint (kill (pid, 0), ==, -1);
  g_assert_cmpint (errno, ==, ESRCH);
}

static void
test_timeout (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f, STUBBORN "trap '' TERM; sleep 1000; sleep 1000", 600, &exited);

  g_assert_cmpuint (exited.flags, ==, ZU_WIRE_EXITED_TIMED_OUT);
  g_assert_cmpuint (exited.signal, ==, SIGKILL);
  g_assert_cmpuint (exited.duration_us, >=, 600000);
  g_assert_cmpuint (exited.duration_us, <, 5000000);
  assert_gone (text);
}

/* What a program leaves running ends with it; else its pipes would never close. */
static void
test_leftover (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f, STUBBORN "exit 4", 0, &exited);

  g_assert_cmpint (exited.exit_status, ==, 4);
  g_assert_cmpuint (exited.flags, ==, 0);
  assert_gone (text);
}

/* A process whose first thread has ended looks like a zombie and is none. */
static void
test_zombie_leader (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f,
                               "setsid python3 -c 'import ctypes, os, threading, time;"
                               "print (os.getpid (), flush=True);"
                               "threading.Thread (target=time.sleep, args=(1000,)).start ();"
                               "ctypes.CDLL (None).pthread_exit (None)' & sleep 0.7",
                               0, &exited);

  assert_gone (text);
}

/* Twenty that go on forking while they are being killed; not more, for root has no limit here. */
static void
test_forking (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f,
                               "n=0; while [ $n -lt 20 ]; do n=$((n + 1));"
                               "(while :; do setsid sleep 0.02; done) & done; sleep 1000",
                               500, &exited);

  g_assert_cmpuint (exited.flags, ==, ZU_WIRE_EXITED_TIMED_OUT);
}

static void
test_kill (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct zu_wire_exited exited;
  guint32 id = start (f, "trap 'exit 9' USR1; while :; do sleep 0.05; done", -1, 0, &error);

  g_assert_no_error (error);
  g_usleep (300000);
  g_assert_true (zu_guest_channel_kill (f->channel, id, SIGUSR1, &error));
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (exited.exit_status == 9 || exited.signal == SIGUSR1);
  g_assert_true (zu_guest_channel_kill (f->channel, id, SIGKILL, &error));
  g_assert_no_error (error);
  g_assert_false (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_UNKNOWN);
}

/* Its supervisor killed or stopped from inside: everything it had is killed, and that is told. */
static void
test_lost_supervisor (GuestFixture *f, gconstpointer data)
{
  const char *number = data;
  g_autofree char *script = g_strdup_printf (STUBBORN "kill -%s $PPID; sleep 1000", number);
  struct zu_wire_exited exited;
  g_autofree char *text = run (f, script, 0, &exited);
  g_autofree char *next = NULL;

  g_assert_cmpuint (exited.flags, ==, ZU_WIRE_EXITED_LOST);
  g_assert_cmpuint (exited.signal, ==, SIGKILL);
  assert_gone (text);
  g_free (text);
  text = run (f, "exit 1", 0, &exited);
  g_assert_cmpint (exited.exit_status, ==, 1);
}

/* Nothing of the guest's, nor of another exec's, is open in what it runs. */
static void
test_no_leak (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct zu_wire_exited exited;
  guint32 other;
  g_autofree char *text = NULL;
  int out[2];

  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  other = start (f, "sleep 1000", out[1], 0, &error);
  g_assert_no_error (error);
  text = run (f, "echo $(ls /proc/self/fd | wc -l)", 0, &exited);
  g_assert_cmpstr (text, ==, "4\n"); /* and the folder that ls reads */
  g_assert_true (zu_guest_channel_kill (f->channel, other, SIGKILL, &error));
  g_assert_true (zu_guest_channel_wait (f->channel, other, &exited, NULL, &error));
  close (out[0]);
  close (out[1]);
}

/* Root could read it anyway, so the reader is somebody else where the test may choose. */
static void
test_not_dumpable (GuestFixture *f, gconstpointer data)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/fd", (int) f->pid);
  struct stat st;

  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_uid, ==, 0);
  if (getuid () != 0)
    {
      g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

      g_assert_null (dir);
    }
}

/* A terminal of the host's making is the tool's own, and tells it how large it is. */
static void
test_terminal (GuestFixture *f, gconstpointer data)
{
  const char *const argv[] = {
    "sh", "-c",
    "trap 'stty size; exit 7' WINCH; tty >/dev/null; stty size; echo </dev/tty;"
    "while :; do sleep 0.05; done",
    NULL
  };
  g_autoptr (GError) error = NULL;
  struct winsize size = { .ws_row = 11, .ws_col = 22 };
  struct zu_wire_exited exited;
  g_autofree char *text = NULL;
  char first[64] = "";
  ZU_AUTO_FD int slave = -1;
  int master;
  guint32 id;
  gssize n;

  g_assert_cmpint (openpty (&master, &slave, NULL, NULL, &size), ==, 0);
  fcntl (master, F_SETFD, FD_CLOEXEC);
  id = zu_guest_channel_exec (
      f->channel, &(ZuGuestExec){ .tty = TRUE, .argv = argv, .stdio = { slave, slave, slave } },
      NULL, &error);
  g_assert_no_error (error);
  n = read (master, first, sizeof first - 1);
  g_assert_cmpint (n, >, 0);
  g_assert_true (g_str_has_prefix (first, "11 22"));
  g_usleep (200000);
  g_assert_true (zu_guest_channel_resize (f->channel, id, 33, 44, &error));
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  g_assert_cmpint (exited.exit_status, ==, 7);
  zu_clear_fd (&slave);
  text = read_all (master); /* which ends: nobody else has it open */
  g_assert_nonnull (strstr (text, "33 44"));
}

/* A terminal that is none, and one that would have to be another than stdin. */
static void
test_no_terminal (GuestFixture *f, gconstpointer data)
{
  const char *const argv[] = { "true", NULL };
  ZU_AUTO_FD int null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  ZuGuestExec exec = { .tty = TRUE, .argv = argv, .stdio = { null, -1, -1 } };
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (zu_guest_channel_exec (f->channel, &exec, NULL, &error), ==, 0);
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_START);
  g_assert_nonnull (strstr (error->message, "terminal"));
  g_clear_error (&error);
  exec.stdio[0] = -1;
  g_assert_cmpuint (zu_guest_channel_exec (f->channel, &exec, NULL, &error), ==, 0);
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST);
}

static void
test_user (GuestFixture *f, gconstpointer data)
{
  const char *const argv[] = { "true", NULL };
  ZuGuestExec exec = {
    .as_user = TRUE, .uid = getuid (), .gid = getgid (), .argv = argv, .stdio = { -1, -1, -1 }
  };
  g_autoptr (GError) error = NULL;
  struct zu_wire_exited exited;
  guint32 id = zu_guest_channel_exec (f->channel, &exec, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  exec.uid++;
  g_assert_cmpuint (zu_guest_channel_exec (f->channel, &exec, NULL, &error), ==, 0);
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_START);
  g_assert_nonnull (strstr (error->message, "user"));
}

/* Its own program, whatever there is at that path. */
static void
test_self (GuestFixture *f, gconstpointer data)
{
  const char *const argv[] = { "no-such-program", "true", NULL };
  const ZuGuestExec exec = { .self = TRUE, .argv = argv, .stdio = { -1, -1, -1 } };
  g_autoptr (GError) error = NULL;
  struct zu_wire_exited exited;
  guint32 id = zu_guest_channel_exec (f->channel, &exec, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  g_assert_cmpint (exited.exit_status, ==, 0);
}

static void
test_listen (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct sockaddr_in address = { 0 };
  socklen_t size = sizeof address;
  ZU_AUTO_FD int listener = zu_guest_channel_listen (f->channel, 0, NULL, &error);
  ZU_AUTO_FD int client = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted = -1;

  g_assert_no_error (error);
  g_assert_cmpint (getsockname (listener, (struct sockaddr *) &address, &size), ==, 0);
  g_assert_cmpint (connect (client, (struct sockaddr *) &address, size), ==, 0);
  accepted = accept4 (listener, NULL, NULL, SOCK_CLOEXEC);
  g_assert_cmpint (accepted, >=, 0);
  g_assert_cmpint (zu_guest_channel_listen (f->channel, ntohs (address.sin_port), NULL, &error), ==,
                   -1);
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_START);
}

/* The signals that a C library keeps for itself are signals like all others. */
static void
test_hidden_signals (GuestFixture *f, gconstpointer data)
{
  struct zu_wire_exited exited;
  g_autofree char *text = run (f, "grep -E 'SigBlk|SigIgn' /proc/self/status", 0, &exited);
  g_autoptr (GError) error = NULL;
  guint32 id;

  g_assert_cmpstr (text, ==, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  for (int number = 32; number <= 34; number++)
    {
      id = start (f, "sleep 1000", -1, 0, &error);
      g_assert_no_error (error);
      g_assert_true (zu_guest_channel_kill (f->channel, id, number, &error));
      g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
      g_assert_cmpuint (exited.signal, ==, (guint) number);
    }
}

/* As many as that at once, none of which ends by itself. */
static void
test_forty_asleep (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct zu_wire_exited exited;
  guint32 ids[40];

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      ids[i] = start (f, "sleep 1000", -1, 0, &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_assert_true (zu_guest_channel_kill (f->channel, ids[i], SIGKILL, &error));
      g_assert_true (zu_guest_channel_wait (f->channel, ids[i], &exited, NULL, &error));
      g_assert_cmpuint (exited.signal, ==, SIGKILL);
    }
}

/* Supervisors that wait for an exec are killed from inside: others take their place. */
static void
test_front_killed (GuestFixture *f, gconstpointer data)
{
  const char *number = data;
  g_autofree char *script = g_strdup_printf (
      "n=$PPID; for p in $(cat /proc/%d/task/%d/children); do [ $p = $n ] || kill -%s $p; done",
      (int) f->pid, (int) f->pid, number);

  for (int i = 0; i < 10; i++)
    {
      struct zu_wire_exited exited;
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;
      guint32 id = start (f, "sleep 1000", -1, 0, &error);

      g_assert_no_error (error);
      g_free (run (f, script, 0, &exited));
      g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
      g_assert_cmpuint (exited.flags, ==, ZU_WIRE_EXITED_LOST);
      text = run (f, "echo on", 0, &exited);
      g_assert_cmpstr (text, ==, "on\n");
    }
}

/* A second channel has its own execs, and they end with it. */
static void
test_channels (GuestFixture *f, gconstpointer data)
{
  guint8 message[ZU_WIRE_HEADER_SIZE];
  struct zu_wire_writer w = zu_wire_begin (message, sizeof message, ZU_WIRE_CHANNEL, 0, 0);
  gsize size = zu_wire_end (&w);
  g_autoptr (GError) error = NULL;
  ZuGuestChannel *first = f->channel;
  struct zu_wire_exited exited;
  int pair[2], out[2];
  g_autofree char *text = NULL;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  g_assert_true (zu_socket_send (f->first, message, size, &pair[1], 1, NULL, &error));
  close (pair[1]);
  f->channel = zu_guest_channel_new (pair[0]);
  g_free (run (f, "exit 0", 0, &exited));
  g_assert_cmpint (pipe2 (out, O_CLOEXEC), ==, 0);
  g_assert_cmpuint (start (f, "sleep 1000", out[1], 0, &error), >, 0);
  close (out[1]);
  g_clear_pointer (&f->channel, zu_guest_channel_unref);
  f->channel = first;
  text = read_all (out[0]);
  g_assert_cmpstr (text, ==, "");
  g_free (run (f, "exit 0", 0, &exited));
}

static gpointer
run_many (gpointer data)
{
  GuestFixture *f = data;

  for (int i = 0; i < 10; i++)
    {
      struct zu_wire_exited exited;
      g_autofree char *script = g_strdup_printf ("echo %d; exit %d", i, i);
      g_autofree char *text = run (f, script, 0, &exited);

      g_assert_cmpint (atoi (text), ==, i);
      g_assert_cmpint (exited.exit_status, ==, i);
    }
  return NULL;
}

static void
test_many_at_once (GuestFixture *f, gconstpointer data)
{
  GThread *threads[32];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("many", run_many, f);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static gpointer
cancel (gpointer cancellable)
{
  g_usleep (200000);
  g_cancellable_cancel (cancellable);
  return NULL;
}

static void
test_cancel_wait (GuestFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  struct zu_wire_exited exited;
  guint32 id = start (f, "sleep 1000", -1, 0, &error);
  GThread *thread = g_thread_new ("cancel", cancel, cancellable);

  g_assert_false (zu_guest_channel_wait (f->channel, id, &exited, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_thread_join (thread);
  g_assert_true (zu_guest_channel_kill (f->channel, id, SIGKILL, &error));
  g_assert_true (zu_guest_channel_wait (f->channel, id, &exited, NULL, &error));
  g_assert_cmpuint (exited.signal, ==, SIGKILL);
}

/* Nothing runs before the host has said go. */
static void
test_not_before_go (void)
{
  GuestFixture f = { 0 };
  g_autoptr (GError) error = NULL;

  guest_start (&f);
  g_assert_true (zu_guest_channel_receive_hello (f.channel, &f.hello, NULL, &error));
  g_assert_cmpuint (start (&f, "true", -1, 0, &error), ==, 0);
  g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_START);
  f.dir = g_strdup ("/nonexistent");
  guest_tear_down (&f, NULL);
}

/* Whatever arrives that is no message ends the sandbox, and nothing else happens. */
static void
test_nonsense (gconstpointer data)
{
  const char *text = data;
  GuestFixture f = { 0 };
  g_autoptr (GError) error = NULL;

  guest_start (&f);
  g_assert_true (zu_guest_channel_receive_hello (f.channel, &f.hello, NULL, &error));
  g_assert_true (zu_socket_send (f.first, text, 16, NULL, 0, NULL, &error));
  g_assert_cmpuint (start (&f, "true", -1, 0, &error), ==, 0);
  g_assert_nonnull (error);
  f.dir = g_strdup ("/nonexistent");
  guest_tear_down (&f, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, function) \
  g_test_add ("/guest/" name, GuestFixture, data, guest_set_up, function, guest_tear_down)
  ADD ("hello", NULL, test_hello);
  ADD ("run", NULL, test_run);
  ADD ("signal", NULL, test_signal);
  ADD ("cannot-start", NULL, test_cannot_start);
  ADD ("workdir-link", NULL, test_workdir_link);
  ADD ("environment", NULL, test_environment);
  ADD ("long-arguments", NULL, test_long_arguments);
  ADD ("timeout", NULL, test_timeout);
  ADD ("leftover", NULL, test_leftover);
  ADD ("zombie-leader", NULL, test_zombie_leader);
  ADD ("forking", NULL, test_forking);
  ADD ("kill", NULL, test_kill);
  ADD ("lost-supervisor/killed", "KILL", test_lost_supervisor);
  ADD ("lost-supervisor/stopped", "STOP", test_lost_supervisor);
  ADD ("no-leak", NULL, test_no_leak);
  ADD ("not-dumpable", NULL, test_not_dumpable);
  ADD ("channels", NULL, test_channels);
  ADD ("many-at-once", NULL, test_many_at_once);
  ADD ("cancel-wait", NULL, test_cancel_wait);
  ADD ("terminal", NULL, test_terminal);
  ADD ("no-terminal", NULL, test_no_terminal);
  ADD ("user", NULL, test_user);
  ADD ("self", NULL, test_self);
  ADD ("listen", NULL, test_listen);
  ADD ("hidden-signals", NULL, test_hidden_signals);
  ADD ("forty-asleep", NULL, test_forty_asleep);
  ADD ("front/killed", "KILL", test_front_killed);
  ADD ("front/stopped", "STOP", test_front_killed);
  g_test_add_func ("/guest/not-before-go", test_not_before_go);
  g_test_add_data_func ("/guest/nonsense/type", "\x10\0\0\0\x63\0\0\0\1\0\0\0xxxx", test_nonsense);
  g_test_add_data_func ("/guest/nonsense/length", "\xff\0\0\0\4\0\0\0\1\0\0\0xxxx", test_nonsense);
  g_test_add_data_func ("/guest/nonsense/go", "\x10\0\0\0\2\0\0\0\0\0\0\0xxxx", test_nonsense);
  return g_test_run ();
}
