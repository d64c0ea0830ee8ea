/* SPDX-License-Identifier: Apache-2.0 */

/* The current key is replaced while a log is written. */

#include "codec-support.h"

#include <glib/gstdio.h>

#define N_APPENDERS 4
#define LEAST       500 /* of each key, by each appender */

typedef struct
{
  ZuEventSink *sink;
  gint n_appended;
  gint is_over;
} Load;

static ZuEventSink *
open_log (const char *path, ZuPayloadCodec *codec)
{
  const char *names[] = { "codecs" };
  g_autofree char *uri = g_strconcat ("sqlite:", path, NULL);
  g_autoptr (ZuCodecSet) codecs = zu_codec_set_new ();
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GError) error = NULL;
  ZuEventSink *sink;

  g_assert_true (zu_codec_set_set_writer (codecs, codec, NULL));
  g_value_init (&value, ZU_TYPE_CODEC_SET);
  g_value_set_object (&value, codecs);
  sink = zu_open_sink_with_properties (uri, 1, names, &value, &error);
  g_assert_no_error (error);
  return sink;
}

static gpointer
append_on (gpointer data)
{
  Load *load = data;
  g_autofree char *trace = g_uuid_string_random ();

  while (!g_atomic_int_get (&load->is_over))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEvent) event =
          zu_event_new (trace, trace, NULL, "data.test", "test", NULL, &error);
      g_autoptr (ZuEvent) stored = zu_event_sink_append (load->sink, event, NULL, &error);

      g_assert_no_error (error);
      g_atomic_int_inc (&load->n_appended);
    }
  return NULL;
}

static void
wait_for (Load *load, gint more)
{
  gint wanted = g_atomic_int_get (&load->n_appended) + more;

  for (guint i = 0; g_atomic_int_get (&load->n_appended) < wanted && i < 60000; i++)
    g_usleep (1000);
  g_assert_cmpint (g_atomic_int_get (&load->n_appended), >=, wanted);
}

/* How many rows are under each key. */
static gint64
count_under (ZuEventSink *sink, const char *key_id)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuLogFigures) figures =
      zu_event_maintenance_stat (ZU_EVENT_MAINTENANCE (sink), NULL, &error);
  g_autoptr (ZuJson) n = NULL;
  gint64 count = 0;

  g_assert_no_error (error);
  n = zu_json_dup_member (zu_log_figures_get_keys (figures), key_id);
  if (n != NULL)
    g_assert_true (zu_json_get_int64 (n, &count));
  return count;
}

static void
test_under_load (void)
{
  g_autofree char *folder = g_dir_make_tmp ("zu-rotation-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "log", NULL);
  g_autofree char *lock = g_strconcat (path, ".lock", NULL);
  g_autoptr (TestKeys) keys = test_keys_new ();
  g_autoptr (ZuPayloadCodec) codec = managed_new (keys);
  Load load = { open_log (path, codec) };
  GThread *threads[N_APPENDERS];
  g_autoptr (GPtrArray) all = NULL, violations = NULL;
  g_autoptr (GError) error = NULL;

  test_keys_add_random (keys, "k1");
  test_keys_add_random (keys, "k2");
  test_keys_set_current (keys, "k1");
  for (guint i = 0; i < N_APPENDERS; i++)
    threads[i] = g_thread_new ("appender", append_on, &load);
  wait_for (&load, LEAST);
  test_keys_set_current (keys, "k2");
  g_usleep (1100 * 1000); /* the codec asks again within a second */
  wait_for (&load, LEAST);
  g_atomic_int_set (&load.is_over, TRUE);
  for (guint i = 0; i < N_APPENDERS; i++)
    g_thread_join (threads[i]);

  g_assert_cmpint (count_under (load.sink, "k1"), >=, LEAST);
  g_assert_cmpint (count_under (load.sink, "k2"), >=, LEAST);
  all = zu_event_sink_query (load.sink, NULL, 0, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint ((gint) all->len, ==, load.n_appended);
  violations = zu_verify_chain (all, NULL);
  g_assert_cmpuint (violations->len, ==, 0);

  g_clear_object (&load.sink);
  g_remove (path);
  g_remove (lock);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/codec/rotation/under-load", test_under_load);
  return g_test_run ();
}
