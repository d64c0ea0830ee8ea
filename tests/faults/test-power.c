/* SPDX-License-Identifier: Apache-2.0 */

/* Power that goes at any flush, with any part of what was not flushed on the disk: what was
 * acknowledged is there, and nothing of a batch is there in part. */

#include "disk.h"
#include "log-support.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>

#define N_ROUNDS  3
#define N_SINGLES 9
#define N_BATCH   7

typedef struct
{
  const char *kind;
  char *folder;
  char *images;
  Promises promises;
} Power;

static void
power_init (Power *self, const char *kind)
{
  guint32 seed = (guint32) g_test_rand_int ();

  self->kind = kind;
  self->folder = make_folder ();
  self->images = make_folder ();
  promises_init (&self->promises);
  disk_watch (self->folder, self->images, seed);
}

static void
power_clear (Power *self)
{
  disk_unwatch ();
  remove_tree (self->folder);
  remove_tree (self->images);
  g_free (self->folder);
  g_free (self->images);
  promises_clear (&self->promises);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Power, power_clear)

static ZuEventSink *
power_open (Power *self)
{
  return open_log (self->kind, self->folder,
                   strcmp (self->kind, "jsonl") == 0 ? "?fsync=always" : NULL);
}

static void
append_single (Power *self, ZuEventSink *sink, guint n, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuEvent) stored = append_one (sink, n, size, &error);

  g_assert_no_error (error);
  disk_promise (promises_add (&self->promises, stored));
}

static void
append_batch (Power *self, ZuEventSink *sink)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref), stored = NULL;
  GPtrArray *ids = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < N_BATCH; i++)
    {
      ZuEvent *event = make_sized_event (i, 100 + 700 * i);

      g_ptr_array_add (events, event);
      g_ptr_array_add (ids, g_strdup (zu_event_get_event_id (event)));
    }
  g_ptr_array_add (self->promises.batches, ids);

  stored = zu_event_sink_append_many (sink, events, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_BATCH; i++)
    disk_promise (promises_add (&self->promises, g_ptr_array_index (stored, i)));
}

/* Readers first, who find it as the crash has left it; then a writer. */
static void
check_sqlite_image (Power *self, const DiskImage *image)
{
  g_autofree char *path = g_build_filename (image->folder, "log", NULL);
  g_autoptr (ZuEventSink) sink = open_log ("sqlite", image->folder, NULL);
  g_autoptr (LogState) before = log_state_read (sink), after = NULL;

  if (image->promised > 0)
    log_state_assert_sound (before);
  log_state_assert_kept (before, &self->promises, image->promised);
  for (guint i = 0; i < self->promises.batches->len; i++)
    {
      guint n = log_state_count_of (before, g_ptr_array_index (self->promises.batches, i));

      g_assert_true (n == 0 || n == N_BATCH);
    }

  assert_takes_events (sink);
  after = log_state_read (sink);
  log_state_assert_sound (after);
  log_state_assert_kept (after, &self->promises, image->promised);
  g_assert_cmpuint (after->n_events, ==, before->n_events + 3);
  g_clear_object (&sink);
  assert_database_sound (path);
}

/* Lines have no checksum around them: what was not acknowledged may be there in part, and is named
 * then. */
static void
check_jsonl_image (Power *self, const DiskImage *image)
{
  g_autoptr (ZuEventSink) sink = open_log ("jsonl", image->folder, NULL);
  g_autoptr (LogState) before = log_state_read (sink), after = NULL;

  g_assert_no_error (before->error);
  log_state_assert_kept (before, &self->promises, image->promised);
  if (image->kind == DISK_IMAGE_NOTHING || image->kind == DISK_IMAGE_ALL)
    log_state_assert_sound (before);
  if (before->n_events > image->promised + N_BATCH)
    g_error ("%u events of %u", before->n_events, image->promised);

  assert_takes_events (sink);
  after = log_state_read (sink);
  g_assert_no_error (after->error);
  log_state_assert_kept (after, &self->promises, image->promised);
  g_assert_cmpuint (after->n_events, >=, before->n_events + 3);
  g_assert_cmpuint (after->n_violations, ==, before->n_violations);
}

static void
check_images (Power *self)
{
  g_autoptr (GPtrArray) images = disk_take_images ();

  g_assert_cmpuint (images->len, >, 0);
  for (guint i = 0; i < images->len; i++)
    {
      const DiskImage *image = g_ptr_array_index (images, i);

      g_test_message ("point %u, image %d: %u promised", image->point, image->kind,
                      image->promised);
      if (strcmp (self->kind, "sqlite") == 0)
        check_sqlite_image (self, image);
      else
        check_jsonl_image (self, image);
      remove_tree (image->folder);
    }
}

static void
test_every_flush (gconstpointer kind)
{
  g_auto (Power) power;

  power_init (&power, kind);
  disk_make_images (DISK_IMAGES_ALL);
  for (guint round = 0; round < N_ROUNDS; round++)
    {
      g_autoptr (ZuEventSink) sink = power_open (&power);

      for (guint i = 0; i < N_SINGLES; i++)
        append_single (&power, sink, i, i * 300);
      append_batch (&power, sink);
    }
  disk_assert_seen_all ();
  disk_make_images (0);
  check_images (&power);
}

typedef struct
{
  Power *power;
  ZuEventSink *sink;
  guint n;
} Appender;

static gpointer
append_in_thread (gpointer data)
{
  Appender *appender = data;

  for (guint i = 0; i < 15; i++)
    append_single (appender->power, appender->sink, appender->n, 50);
  return NULL;
}

/* Appends of several threads that share commits. */
static void
test_group_commit (void)
{
  g_auto (Power) power;
  g_autoptr (ZuEventSink) sink = NULL;
  Appender appenders[4];
  GThread *threads[4];

  power_init (&power, "sqlite");
  sink = power_open (&power);
  disk_make_images (DISK_IMAGES_ALL);
  for (guint i = 0; i < 4; i++)
    {
      appenders[i] = (Appender){ &power, sink, i };
      threads[i] = g_thread_new ("append", append_in_thread, &appenders[i]);
    }
  for (guint i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  g_clear_object (&sink);
  disk_make_images (0);
  disk_assert_seen_all ();
  check_images (&power);
}

#define LARGE 250000

/* Appends large events until one of them brings a checkpoint about; how many it took. */
static guint
count_to_checkpoint (void)
{
  g_auto (Power) power;
  g_autoptr (ZuEventSink) sink = NULL;
  guint before;

  power_init (&power, "sqlite");
  sink = power_open (&power);
  append_single (&power, sink, 0, 10);
  do
    {
      before = disk_count (DISK_SYNC);
      append_single (&power, sink, 1, LARGE);
      g_assert_cmpuint (power.promises.promised->len, <, 200);
    }
  while (disk_count (DISK_SYNC) == before + 1);
  return power.promises.promised->len;
}

/* While the log written ahead is copied into the database, and then begun anew from its start. */
static void
test_checkpoint (void)
{
  guint n = count_to_checkpoint ();
  g_auto (Power) power;
  g_autoptr (ZuEventSink) sink = NULL;

  power_init (&power, "sqlite");
  sink = power_open (&power);
  append_single (&power, sink, 0, 10);
  while (power.promises.promised->len < n - 1)
    append_single (&power, sink, 1, LARGE);

  disk_make_images (1u << DISK_IMAGE_NOTHING | 1u << DISK_IMAGE_BEGIN | 1u << DISK_IMAGE_HALF
                    | 1u << DISK_IMAGE_ALL);
  append_single (&power, sink, 1, LARGE);
  append_single (&power, sink, 2, 5000);
  append_single (&power, sink, 1, 5000);
  disk_make_images (0);
  disk_assert_seen_all ();
  check_images (&power);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  silence_messages ();
  g_test_add_data_func ("/faults/power/sqlite/every-flush", "sqlite", test_every_flush);
  g_test_add_func ("/faults/power/sqlite/group-commit", test_group_commit);
  g_test_add_func ("/faults/power/sqlite/checkpoint", test_checkpoint);
  g_test_add_data_func ("/faults/power/jsonl/every-flush", "jsonl", test_every_flush);
  return g_test_run ();
}
