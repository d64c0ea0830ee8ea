/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-event-bus.h"
#include "zu-positions-private.h"

G_BEGIN_DECLS

struct _ZuEventBus
{
  GObject parent_instance;

  ZuEventSink *canonical;
  GPtrArray *destinations; /* of ZuDestination */
  GPtrArray *sinks;        /* theirs, until they are made */
  GStrv names;
  char *positions_file;
  ZuPositions *positions; /* NULL where events are handed on in memory */
  guint patience;
  gboolean accept_unlinked;

  GMutex lock;
  GQueue queue; /* of publications */
  GQueue waiting;
  gboolean leading;
  gboolean has_helper;
  guint64 n_sent; /* to every destination */
  GQueue failures;
  guint64 n_failures;
};

G_END_DECLS
