/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-destination.h"
#include "zu-positions-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Called for each event that a destination did not take. */
typedef void (*ZuDestinationFailed) (ZuEventSink *sink, ZuEvent *event, const GError *error,
                                     gpointer user_data);

struct _ZuDestination
{
  GObject parent_instance;

  ZuEventSink *sink;
  char *name;
  ZuDestinationFailed failed;
  gpointer user_data;
  GDestroyNotify destroy;
  GThread *thread;

  ZuEventSink *canonical; /* of one that reads the log itself; else NULL */
  ZuPositions *positions;

  GMutex lock;
  GCond work_cond;
  GCond done_cond;
  GQueue queue;
  gsize queued_bytes;
  guint64 n_done; /* delivered, failed or dropped: the place in the canonical order */
  guint64 n_sent;
  gboolean lags; /* was waited for in vain, and has not caught up since */
  gboolean stopped;

  guint64 n_delivered;
  guint64 n_failed;
  char *last_event_id;
  GError *last_error;
};

/* Where it is to go on after a restart, it reads what is sent from the log, by a position that is
 * kept: CANONICAL and POSITIONS then. Where they are NULL it is handed what is sent, in memory. */
ZuDestination *zu_destination_new (ZuEventSink *sink, const char *name, ZuEventSink *canonical,
                                   ZuPositions *positions, ZuDestinationFailed failed,
                                   gpointer user_data, GDestroyNotify destroy);
gpointer zu_destination_follow (gpointer data);
void zu_destination_stop (ZuDestination *self);
void zu_destination_send (ZuDestination *self, GPtrArray *events);
gboolean zu_destination_wait (ZuDestination *self, guint64 ticket, gint64 deadline,
                              gboolean patiently);

#pragma GCC visibility pop

G_END_DECLS
