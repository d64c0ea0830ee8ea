/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../sinks/sinks-support.h"

/* What was promised to be in a log, and what is there. */

typedef struct
{
  GMutex lock;
  GPtrArray *promised; /* ids, in the order in which their appends were answered */
  GPtrArray *batches;  /* of GPtrArray of ids: stored all or none */
} Promises;

void promises_init (Promises *self);
void promises_clear (Promises *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Promises, promises_clear)
guint promises_add (Promises *self, ZuEvent *event);

/* A log as an auditor sees it. */
typedef struct
{
  GHashTable *ids; /* id to how often it is there */
  guint n_events;
  guint n_findings;
  guint n_violations;
  gint64 last_finding;
  GString *words; /* what was found */
  GError *error;  /* it could not be read at all, or no further */
} LogState;

LogState *log_state_read (ZuEventSink *sink);
LogState *log_state_read_with_key (ZuEventSink *sink, ZuSecret *key, gboolean needs_seals);
void log_state_free (LogState *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (LogState, log_state_free)
void log_state_assert_sound (LogState *self);
void log_state_assert_kept (LogState *self, Promises *promises, guint n);
guint log_state_count_of (LogState *self, GPtrArray *ids);

const char *trace_of (guint n);
ZuEvent *make_sized_event (guint n, gsize size);
ZuEvent *append_one (ZuEventSink *sink, guint n, gsize size, GError **error);
void assert_takes_events (ZuEventSink *sink);
void assert_database_sound (const char *path);
ZuEventSink *open_log (const char *kind, const char *folder, const char *options);
char *make_folder (void);
char *make_quick_folder (void);
void remove_tree (const char *path);
void silence_messages (void);
