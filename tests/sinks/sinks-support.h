/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

/* A folder of its own for each test, and what tests of logs do over and over. */

#define TRACE_A "0b1c2d3e-0000-4000-8000-000000000001"
#define TRACE_B "0b1c2d3e-0000-4000-8000-000000000002"
#define TASK    "0b1c2d3e-0000-4000-8000-0000000000aa"

typedef struct
{
  char *folder;
  const char *kind; /* sqlite, jsonl, memory */
} SinkFixture;

void sink_set_up (SinkFixture *fixture, gconstpointer kind);
void sink_tear_down (SinkFixture *fixture, gconstpointer kind);

char *fixture_path (SinkFixture *fixture, const char *name);
char *fixture_uri (SinkFixture *fixture, const char *options);
ZuEventSink *fixture_open (SinkFixture *fixture, const char *options);
ZuEventSink *open_indexed (const char *uri, const char *const *fields);
ZuEventSink *open_signing (const char *uri, ZuSecret *key);

ZuEvent *make_event (const char *trace_id, int n);
ZuEvent *make_event_with (const char *trace_id, const char *type, const char *payload);
ZuEvent *change_payload (ZuEvent *event, const char *payload);
ZuEvent *append_ok (ZuEventSink *sink, ZuEvent *event);
void append_some (ZuEventSink *sink, const char *trace_id, int n);
GPtrArray *query_ok (ZuEventSink *sink, ZuFilter *filter);
void assert_count (ZuEventSink *sink, gint64 count);
void assert_intact (ZuEventSink *sink, guint n_events);
ZuFilter *filter_of (const char *field, const char *value);

void catch_log (void);
char *take_log (void);

void run_ok (const char *const *argv);
char *run_output (const char *const *argv);
GSubprocess *start_appender (const char *uri, const char *trace_id, int n, gboolean is_async);
GSubprocess *start_appender_of (const char *uri, const char *trace_id, int n, const char *how);
GHashTable *collect_acknowledged (const char *output);
GHashTable *snapshot (const char *folder);
void assert_snapshot_same (GHashTable *before, const char *folder);
