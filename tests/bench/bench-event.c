/* SPDX-License-Identifier: Apache-2.0 */

/* Events: what reading, canonicalising and hashing cost beside hashing alone. */

#include "bench.h"

#include <nettle/sha2.h>
#include <string.h>
#include <zu/zu.h>

#define N 20000

typedef struct
{
  GBytes *stored;
  ZuEvent *event;
  char *input;
  char *canonical;
} Data;

static double
bare_hash (gpointer user_data)
{
  Data *data = user_data;
  gsize length = strlen (data->canonical);
  double start = bench_now ();

  for (guint i = 0; i < N; i++)
    {
      struct sha256_ctx context;
      guint8 digest[SHA256_DIGEST_SIZE];

      sha256_init (&context);
      sha256_update (&context, length, (const guint8 *) data->canonical);
      sha256_digest (&context, sizeof digest, digest);
    }
  return bench_now () - start;
}

static double
stored_digest (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  for (guint i = 0; i < N; i++)
    {
      g_autoptr (ZuEvent) event = zu_event_new_from_stored (data->stored, NULL);
      g_autofree char *digest = zu_event_dup_own_digest (event);
    }
  return bench_now () - start;
}

static double
link_event (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  for (guint i = 0; i < N; i++)
    {
      g_autoptr (ZuEvent) event = zu_event_new_from_json (data->input, -1, NULL);
      g_autoptr (ZuEvent) linked = zu_event_link (event, NULL, NULL);
    }
  return bench_now () - start;
}

int
main (int argc, char **argv)
{
  g_autoptr (GString) payload =
      g_string_new ("{\"url\":\"https://example.org/a/b?c=d\",\"n\":12345,"
                    "\"ratio\":0.25,\"items\":[");
  Data data = { 0 };
  const Bench benches[] = {
    { "event-verify", "events", N, 0.2, stored_digest, bare_hash, &data },
    { "event-link", "events", N, 0.1, link_event, bare_hash, &data },
  };

  for (guint i = 0; i < 6; i++)
    g_string_append_printf (payload, "%s\"item number %u\"", i == 0 ? "" : ",", i);
  g_string_append (payload, "]}");
  data.input = g_strdup_printf (
      "{\"event_id\":\"069d214a-c526-4928-a7da-ec6873a179c9\",\"trace_id\":\"d31a943e-77bc-4579-"
      "b1ba-543537615944\",\"task_id\":\"c6ef1c1a-83f2-4a60-9386-836d67b711f5\",\"type\":"
      "\"data.source.fetched\",\"ts\":\"2024-03-05T06:07:08.090807Z\",\"source\":\"loop\","
      "\"payload\":%s}",
      payload->str);
  {
    g_autoptr (ZuEvent) plain = zu_event_new_from_json (data.input, -1, NULL);
    gsize length;
    const char *text;

    data.event = zu_event_link (plain, NULL, NULL);
    text = zu_event_get_text (data.event, &length);
    data.stored = g_bytes_new (text, length);
    data.canonical = zu_event_dup_canonical (data.event, NULL);
  }

  return bench_main (argc, argv, benches, G_N_ELEMENTS (benches));
}
