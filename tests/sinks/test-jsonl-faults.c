/* SPDX-License-Identifier: Apache-2.0 */

/* What the system refuses, and a log of lines must survive. The system calls are replaced by ones
 * that can be told to fail: this program exports them, so the module finds them first. */

#include "sinks-support.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is to happen to writes into regular files, and to flushes. */
static struct
{
  int flush_errno; /* of the next flush */
  int flush_delay; /* microseconds */
  int n_flushes;
  gssize write_most; /* so many bytes of the next write; -1 for all */
  int write_errno;   /* of what comes after them; 0 for none */
  gboolean dies;     /* after them */
  int write_delay;   /* microseconds */
  int is_writing;
  gboolean cannot_cut;
  int n_locks;
} fault;

static void
reset_faults (void)
{
  memset (&fault, 0, sizeof fault);
  fault.write_most = -1;
}

static gboolean
is_log (int fd)
{
  struct stat info;

  return fstat (fd, &info) == 0 && S_ISREG (info.st_mode);
}

ssize_t
write (int fd, const void *data, size_t length)
{
  if (fault.write_delay > 0 && is_log (fd))
    {
      g_atomic_int_set (&fault.is_writing, TRUE);
      g_usleep ((gulong) fault.write_delay);
    }
  if (fault.write_most >= 0 && is_log (fd))
    {
      length = MIN (length, (size_t) fault.write_most);
      fault.write_most = fault.write_errno != 0 && length > 0 ? 0 : -1;
      if (length == 0 && fault.write_errno != 0)
        {
          errno = fault.write_errno;
          return -1;
        }
      if (fault.dies)
        {
          syscall (SYS_write, fd, data, length);
          raise (SIGKILL);
        }
    }

  return syscall (SYS_write, fd, data, length);
}

int
fdatasync (int fd)
{
  int reason = fault.flush_errno;

  g_atomic_int_inc (&fault.n_flushes);
  if (fault.flush_delay > 0)
    g_usleep ((gulong) fault.flush_delay);
  if (reason == 0)
    return (int) syscall (SYS_fdatasync, fd);

  fault.flush_errno = 0;
  errno = reason;
  return -1;
}

int
ftruncate (int fd, off_t length)
{
  if (!fault.cannot_cut)
    return (int) syscall (SYS_ftruncate, fd, length);

  errno = EIO;
  return -1;
}

int
fcntl (int fd, int command, ...)
{
  va_list arguments;
  void *argument;

  va_start (arguments, command);
  argument = va_arg (arguments, void *);
  va_end (arguments);
  if (command == F_OFD_SETLK)
    g_atomic_int_inc (&fault.n_locks);
  return (int) syscall (SYS_fcntl, fd, command, argument);
}

static void
fault_set_up (SinkFixture *fixture, gconstpointer kind)
{
  reset_faults ();
  sink_set_up (fixture, kind);
}

static void
fault_tear_down (SinkFixture *fixture, gconstpointer kind)
{
  reset_faults ();
  sink_tear_down (fixture, kind);
}

static void
assert_refused (ZuEventSink *sink, ZuEventSinkError code, const char *words)
{
  g_autoptr (ZuEvent) event = make_event (TRACE_A, 77);
  g_autoptr (GError) error = NULL;

  g_assert_null (zu_event_sink_append (sink, event, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, (int) code);
  if (strstr (error->message, words) == NULL)
    g_error ("'%s' does not say '%s'", error->message, words);
}

/* The lines of the log, bad ones too. */
static guint
count_lines (SinkFixture *fixture)
{
  g_autofree char *path = fixture_path (fixture, "log"), *text = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  for (const char *c = text; *c != '\0'; c++)
    n += *c == '\n';
  return n;
}

/* The first flush that fails is final: the retry would succeed without the lost page. */
static void
test_flush_fails (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL), again = NULL;

  append_some (sink, TRACE_A, 2);
  fault.flush_errno = EIO;
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "flushing it to the disk failed");
  g_assert_cmpint (fault.flush_errno, ==, 0);
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "flushing it to the disk failed");

  again = fixture_open (fixture, NULL);
  append_some (again, TRACE_A, 1);
  assert_intact (again, 4); /* the one that was not acknowledged is there, or might not be */
}

/* What the kernel has forgotten is written once more by whoever opens the log next. */
static void
test_written_again (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log"), *before = NULL, *after = NULL;
  g_autofree char *note = fixture_path (fixture, "log.unflushed"), *from = NULL;
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL), again = NULL;
  struct stat info;

  append_some (sink, TRACE_A, 2);
  g_assert_cmpint (stat (path, &info), ==, 0);
  fault.flush_errno = EIO;
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "flushing it to the disk failed");
  g_assert_true (g_file_get_contents (note, &from, NULL, NULL));
  g_assert_cmpint (g_ascii_strtoll (from, NULL, 10), ==, info.st_size);

  /* Not while the disk still fails. */
  again = fixture_open (fixture, NULL);
  g_assert_true (g_file_get_contents (path, &before, NULL, NULL));
  fault.flush_errno = EIO;
  assert_refused (again, ZU_EVENT_SINK_ERROR_POISONED, "cannot be written again");
  g_assert_true (g_file_test (note, G_FILE_TEST_EXISTS));

  fault.n_flushes = 0;
  append_some (again, TRACE_A, 1);
  g_assert_cmpint (fault.n_flushes, ==, 2);
  g_assert_false (g_file_test (note, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_get_contents (path, &after, NULL, NULL));
  g_assert_true (g_str_has_prefix (after, before));
  assert_intact (again, 4);
}

static void
test_later_flush_fails (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=interval&fsync-interval=5");

  append_some (sink, TRACE_A, 1);
  fault.flush_errno = EIO;
  append_some (sink, TRACE_A, 1);
  for (int i = 0; i < 1000 && fault.flush_errno != 0; i++)
    g_usleep (5000);
  g_assert_cmpint (fault.flush_errno, ==, 0);
  g_usleep (1000);
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "flushing it to the disk failed");
}

static void
test_write_fails (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");

  append_some (sink, TRACE_A, 2);
  fault.write_most = 0;
  fault.write_errno = EIO;
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, g_strerror (EIO));
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, g_strerror (EIO));
  assert_intact (sink, 2);
  g_assert_cmpuint (count_lines (fixture), ==, 2);
}

/* Part of a line fits: it is taken back, and once there is room the next one follows. */
static void
test_no_room (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");
  g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GError) error = NULL;

  append_some (sink, TRACE_A, 2);
  for (int i = 0; i < 2; i++)
    {
      fault.write_most = i * 100;
      fault.write_errno = ENOSPC;
      assert_refused (sink, ZU_EVENT_SINK_ERROR_FULL, "free some space");
      g_assert_cmpuint (count_lines (fixture), ==, 2);
    }

  for (int i = 0; i < 10; i++)
    g_ptr_array_add (batch, make_event (TRACE_A, i));
  fault.write_most = 1500;
  fault.write_errno = ENOSPC;
  g_assert_null (zu_event_sink_append_many (sink, batch, NULL, &error));
  g_assert_error (error, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_FULL);
  g_assert_cmpuint (count_lines (fixture), ==, 2);

  fault.write_most = -1;
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 4);
}

/* A write that merely ends early goes on. */
static void
test_short_write (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");

  append_some (sink, TRACE_A, 1);
  fault.write_most = 50;
  append_some (sink, TRACE_A, 2);
  g_assert_cmpint (fault.write_most, ==, -1);
  assert_intact (sink, 3);
}

static void
test_cannot_cut (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never"), again = NULL;
  g_autofree char *torn = fixture_path (fixture, "log.torn"), *said = NULL;

  append_some (sink, TRACE_A, 2);
  fault.write_most = 100;
  fault.write_errno = ENOSPC;
  fault.cannot_cut = TRUE;
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "cannot be taken back");
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "cannot be taken back");

  reset_faults ();
  assert_intact (sink, 2);
  again = fixture_open (fixture, NULL);
  g_free (take_log ());
  append_some (again, TRACE_A, 1);
  said = take_log ();
  g_assert_nonnull (strstr (said, "its last line was torn (100 bytes)"));
  assert_intact (again, 3);
  g_assert_true (g_file_test (torn, G_FILE_TEST_EXISTS));
}

/* The kernel is in the middle of the line when the process ends. */
static void
die_in_a_write (const char *path)
{
  g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, NULL);

  append_some (sink, TRACE_A, 3);
  fault.write_most = 99;
  fault.dies = TRUE;
  append_some (sink, TRACE_A, 1);
}

static void
test_killed_in_a_write (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log"), *torn = fixture_path (fixture, "log.torn"),
                  *cut = NULL;
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      die_in_a_write (path);
      _exit (1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);

  assert_intact (sink, 3);
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 5);
  g_assert_true (g_file_get_contents (torn, &cut, NULL, NULL));
  g_assert_cmpuint (strlen (cut), ==, 100);
}

/* A process may make no larger file: an error, and no signal. */
static void
append_up_to_limit (const char *path)
{
  g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, NULL);
  struct rlimit limit, low;
  struct stat info;

  append_some (sink, TRACE_A, 2);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  g_assert_cmpint (stat (path, &info), ==, 0);
  low = (struct rlimit){ (rlim_t) info.st_size + 20, limit.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &low), ==, 0);
  assert_refused (sink, ZU_EVENT_SINK_ERROR_FULL, "RLIMIT_FSIZE");

  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 4);
}

/* Not even to end a line that another program left open. */
static void
end_line_at_limit (const char *path)
{
  g_autofree char *uri = g_strconcat ("jsonl:", path, NULL);
  g_autoptr (ZuEventSink) sink = zu_open_sink (uri, NULL);
  struct rlimit low = { 0, RLIM_INFINITY };
  struct stat info;

  append_some (sink, TRACE_A, 1);
  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmpint (truncate (path, info.st_size - 1), ==, 0);
  low.rlim_cur = (rlim_t) info.st_size - 1;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &low), ==, 0);
  assert_refused (sink, ZU_EVENT_SINK_ERROR_FULL, "end the last line");
}

static void
run_in_child (SinkFixture *fixture, const char *name, void (*func) (const char *))
{
  g_autofree char *path = fixture_path (fixture, name);
  pid_t child = fork ();
  int status;

  if (child == 0)
    {
      func (path);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
}

static void
test_size_limit (SinkFixture *fixture, gconstpointer kind)
{
  run_in_child (fixture, "one", append_up_to_limit);
  run_in_child (fixture, "two", end_line_at_limit);
}

static gpointer
append_in_thread (gpointer data)
{
  append_some (data, TRACE_A, 20);
  return NULL;
}

/* Threads that wait for the disk wait together. */
static void
test_shared_flush (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, NULL);
  GThread *threads[8];

  append_some (sink, TRACE_A, 1);
  fault.n_flushes = 0;
  fault.flush_delay = 3000;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("append", append_in_thread, sink);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  assert_intact (sink, 161);
  g_assert_cmpint (fault.n_flushes, >=, 20);
  g_assert_cmpint (fault.n_flushes, <, 160);
}

/* The lock is kept between quick appends, and given back to whoever wants it, even where the one
 * who has kept it does nothing more. */
static void
test_kept_lock (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never"),
                          other = fixture_open (fixture, "?fsync=never&busy-timeout=20000");

  append_some (sink, TRACE_A, 500);
  g_assert_cmpint (fault.n_locks, >, 0);
  fault.n_locks = 0;
  append_some (sink, TRACE_A, 500);
  g_assert_cmpint (fault.n_locks, <, 1500);
  append_some (other, TRACE_A, 500);
  append_some (sink, TRACE_A, 1);
  append_some (other, TRACE_A, 1);
  assert_intact (sink, 1502);
}

/* Right after an append, with the lock still kept. */
static void
test_deleted_in_between (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log");
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");

  append_some (sink, TRACE_A, 100);
  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "was deleted");
  assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "was deleted");
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

/* A line goes into the renamed file or into the new one, and is whole. */
static void
test_renamed_in_between (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log"), *old = fixture_path (fixture, "old");
  g_autofree char *old_uri = g_strconcat ("jsonl:", old, NULL);
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never"), archive = NULL;
  g_autoptr (GPtrArray) in_old = NULL, in_new = NULL;

  append_some (sink, TRACE_A, 100);
  g_assert_cmpint (g_rename (path, old), ==, 0);
  append_some (sink, TRACE_A, 50);
  g_usleep (5000);
  append_some (sink, TRACE_A, 50); /* now it has been noticed in any case */

  archive = zu_open_sink (old_uri, NULL);
  in_old = query_ok (archive, NULL);
  in_new = query_ok (sink, NULL);
  g_assert_cmpuint (in_old->len + in_new->len, ==, 200);
  g_assert_cmpuint (in_new->len, >=, 50);
  assert_intact (archive, in_old->len);
  assert_intact (sink, in_new->len);
}

/* A program that keeps to no lock leaves half a line behind ours. */
static void
test_rude_writer (SinkFixture *fixture, gconstpointer kind)
{
  g_autofree char *path = fixture_path (fixture, "log"), *torn = fixture_path (fixture, "log.torn"),
                  *cut = NULL;
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");
  int fd;

  append_some (sink, TRACE_A, 100);
  fd = open (path, O_WRONLY | O_APPEND | O_CLOEXEC);
  g_assert_cmpint (write (fd, "{\"rude", 6), ==, 6);
  append_some (sink, TRACE_A, 2);
  assert_intact (sink, 102);
  g_assert_true (g_file_get_contents (torn, &cut, NULL, NULL));
  g_assert_cmpstr (cut, ==, "{\"rude\n");
  close (fd);
}

static gpointer
append_one (gpointer data)
{
  append_some (data, TRACE_A, 1);
  return NULL;
}

/* A child has a copy of a mutex that nobody will ever give up: it is refused without taking it. */
static void
test_forked_while_writing (SinkFixture *fixture, gconstpointer kind)
{
  g_autoptr (ZuEventSink) sink = fixture_open (fixture, "?fsync=never");
  GThread *thread;
  pid_t child;
  int status;

  append_some (sink, TRACE_A, 1);
  fault.write_delay = 300000;
  thread = g_thread_new ("append", append_one, sink);
  while (!g_atomic_int_get (&fault.is_writing))
    g_usleep (100);
  child = fork ();
  if (child == 0)
    {
      alarm (20);
      assert_refused (sink, ZU_EVENT_SINK_ERROR_POISONED, "before this process was forked");
      g_clear_object (&sink);
      /* Another program's end, so that memory checkers do not look at a copy of the parent's. */
      execl ("/bin/true", "child", NULL);
      _exit (1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_cmpint (status, ==, 0);
  g_thread_join (thread);
  assert_intact (sink, 2);
}

static const struct
{
  const char *name;
  void (*func) (SinkFixture *, gconstpointer);
} tests[] = {
  { "flush-fails", test_flush_fails },
  { "written-again", test_written_again },
  { "later-flush-fails", test_later_flush_fails },
  { "write-fails", test_write_fails },
  { "no-room", test_no_room },
  { "short-write", test_short_write },
  { "cannot-cut", test_cannot_cut },
  { "killed-in-a-write", test_killed_in_a_write },
  { "size-limit", test_size_limit },
  { "shared-flush", test_shared_flush },
  { "kept-lock", test_kept_lock },
  { "deleted-in-between", test_deleted_in_between },
  { "renamed-in-between", test_renamed_in_between },
  { "forked-while-writing", test_forked_while_writing },
  { "rude-writer", test_rude_writer },
};

int
main (int argc, char **argv)
{
  reset_faults ();
  g_test_init (&argc, &argv, NULL);
  catch_log ();
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/sinks/jsonl/faults/%s", tests[i].name);

      g_test_add (path, SinkFixture, "jsonl", fault_set_up, tests[i].func, fault_tear_down);
    }
  return g_test_run ();
}
