/* SPDX-License-Identifier: Apache-2.0 */

/* A writer that is killed at any moment, two hundred times: all that it said it had stored is
 * there, nothing is there by halves, and the log goes on. */

#include "log-support.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_KILLS       200
#define KILLS_A_LOG   10
#define LONGEST_SAID  1500 /* bytes */
#define LONGEST       2000 /* microseconds */
#define LONGEST_START 20000
#define TIMEOUT       20000 /* milliseconds */
#define KILL_EARLY    8     /* one in so many is killed before it has said anything */

typedef struct
{
  const char *kind;
  char *folder;
  Promises promises;
  guint n_acknowledged;
  guint n_batches;
} Kills;

static GPid
start_writer (Kills *self, int *output)
{
  g_autofree char *uri = g_strdup_printf ("%s:%s/log%s", self->kind, self->folder,
                                          strcmp (self->kind, "jsonl") == 0 ? "?fsync=always" : "");
  const char *argv[] = { g_getenv ("ZU_LOG_WRITER"), uri, NULL };
  g_autoptr (GError) error = NULL;
  GPid process;

  g_spawn_async_with_pipes (NULL, (char **) argv, NULL,
                            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_LEAVE_DESCRIPTORS_OPEN, NULL, NULL,
                            &process, NULL, output, NULL, &error);
  g_assert_no_error (error);
  return process;
}

/* Most are killed while they write, after they have said so much and a moment more; some before
 * they have said anything. */
static void
let_write (int output, gboolean is_early, GString *said)
{
  gsize enough = is_early ? 0 : (gsize) g_random_int_range (1, LONGEST_SAID);
  struct pollfd ready = { .fd = output, .events = POLLIN };
  char buffer[512];

  while (said->len < enough)
    {
      gssize n;

      g_assert_cmpint (poll (&ready, 1, TIMEOUT), ==, 1);
      n = read (output, buffer, sizeof buffer);
      g_assert_cmpint (n, >, 0);
      g_string_append_len (said, buffer, n);
    }
  g_usleep ((gulong) g_random_int_range (0, is_early ? LONGEST_START : LONGEST));
}

static void
read_rest (int fd, GString *said)
{
  char buffer[4096];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (said, buffer, n);
  g_assert_cmpint (n, ==, 0);
  close (fd);
}

static void
note_batch (Kills *self, const char *line)
{
  g_auto (GStrv) ids = g_strsplit (line, " ", -1);
  GPtrArray *batch = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; ids[i] != NULL; i++)
    if (*ids[i] != '\0')
      g_ptr_array_add (batch, g_strdup (ids[i]));
  g_ptr_array_add (self->promises.batches, batch);
}

/* A line that was cut off in the pipe was not said. */
static void
note_output (Kills *self, const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL && lines[i + 1] != NULL; i++)
    if (lines[i][0] == '?')
      note_batch (self, lines[i] + 1);
    else
      g_ptr_array_add (self->promises.promised, g_strdup (lines[i]));
}

static void
kill_one (Kills *self, gboolean is_early)
{
  int output, status;
  GPid process = start_writer (self, &output);
  g_autoptr (GString) said = g_string_new (NULL);

  let_write (output, is_early, said);
  g_assert_cmpint (kill (process, SIGKILL), ==, 0);
  read_rest (output, said);
  g_assert_cmpint (waitpid (process, &status, 0), ==, process);
  g_assert_true (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  note_output (self, said->str);
}

static void
check_batches (Kills *self, LogState *state)
{
  for (guint i = 0; i < self->promises.batches->len; i++)
    {
      GPtrArray *batch = g_ptr_array_index (self->promises.batches, i);
      guint n = log_state_count_of (state, batch);

      if (n != 0 && n != batch->len)
        g_error ("%u of the %u events of a batch are there", n, batch->len);
    }
}

/* Lines of a batch stand one behind the other, with no mark around them; a killed writer may leave
 * the first of them, and a torn one. */
static void
check_log (Kills *self)
{
  gboolean is_jsonl = strcmp (self->kind, "jsonl") == 0;
  g_autoptr (ZuEventSink) sink = open_log (self->kind, self->folder, NULL);
  g_autoptr (LogState) before = log_state_read (sink), after = NULL;

  if (self->promises.promised->len > 0)
    g_assert_no_error (before->error);
  if (is_jsonl)
    g_assert_cmpuint (before->n_findings, <=, 1);
  else if (before->error == NULL)
    log_state_assert_sound (before);
  log_state_assert_kept (before, &self->promises, self->promises.promised->len);

  assert_takes_events (sink);
  after = log_state_read (sink);
  log_state_assert_sound (after);
  log_state_assert_kept (after, &self->promises, self->promises.promised->len);
  if (!is_jsonl)
    check_batches (self, after);
}

static void
begin_log (Kills *self, const char *kind)
{
  self->kind = kind;
  self->folder = make_quick_folder ();
  promises_init (&self->promises);
}

static void
end_log (Kills *self)
{
  self->n_acknowledged += self->promises.promised->len;
  self->n_batches += self->promises.batches->len;
  promises_clear (&self->promises);
  remove_tree (self->folder);
  g_clear_pointer (&self->folder, g_free);
}

static void
test_killed (gconstpointer kind)
{
  Kills kills = { 0 };

  for (guint i = 0; i < N_KILLS; i++)
    {
      if (i % KILLS_A_LOG == 0)
        begin_log (&kills, kind);
      kill_one (&kills, i % KILL_EARLY == 0);
      check_log (&kills);
      if (i % KILLS_A_LOG == KILLS_A_LOG - 1)
        end_log (&kills);
    }

  g_test_message ("%u acknowledged, %u batches tried", kills.n_acknowledged, kills.n_batches);
  g_assert_cmpuint (kills.n_acknowledged, >, 5 * N_KILLS);
  g_assert_cmpuint (kills.n_batches, >, N_KILLS / 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  silence_messages ();
  g_test_add_data_func ("/faults/kill/sqlite", "sqlite", test_killed);
  g_test_add_data_func ("/faults/kill/jsonl", "jsonl", test_killed);
  return g_test_run ();
}
