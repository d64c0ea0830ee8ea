/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-batch-private.h"

/* Whether an error is the sink's and no event's: it would be the same for whatever comes next. */
gboolean
zu_batch_is_of_sink (const GError *error)
{
  static const int io_codes[] = { G_IO_ERROR_TIMED_OUT, G_IO_ERROR_CLOSED,
                                  G_IO_ERROR_CONNECTION_CLOSED, G_IO_ERROR_NOT_CONNECTED,
                                  G_IO_ERROR_NO_SPACE };

  if (error->domain == ZU_EVENT_SINK_ERROR)
    return error->code != ZU_EVENT_SINK_ERROR_CONFLICT
           && error->code != ZU_EVENT_SINK_ERROR_INVALID_EVENT;
  for (gsize i = 0; i < G_N_ELEMENTS (io_codes); i++)
    if (g_error_matches (error, G_IO_ERROR, io_codes[i]))
      return TRUE;
  return FALSE;
}

static void
fail_from (guint first, guint n, const GError *error, GError **errors)
{
  for (guint i = first; i < n; i++)
    errors[i] = g_error_copy (error);
}

static void
store_each (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors)
{
  for (guint i = 0; i < events->len; i++)
    {
      stored[i] = zu_event_sink_append (sink, g_ptr_array_index (events, i), NULL, &errors[i]);
      if (errors[i] != NULL && zu_batch_is_of_sink (errors[i]))
        {
          fail_from (i + 1, events->len, errors[i], errors);
          return;
        }
    }
}

/* Stores events in order, together where the sink can do that; each gets its answer in STORED or in
 * ERRORS. When they are refused for what is in them, each is stored alone, so that one bad event is
 * no other's fault; when the sink cannot store at all, it is asked once and not once an event. */
void
zu_batch_store (ZuEventSink *sink, GPtrArray *events, ZuEvent **stored, GError **errors)
{
  g_autoptr (GPtrArray) all = NULL;
  g_autoptr (GError) error = NULL;

  if (events->len > 1)
    all = zu_event_sink_append_many (sink, events, NULL, &error);

  if (all != NULL && all->len == events->len)
    for (guint i = 0; i < all->len; i++)
      stored[i] = g_object_ref (g_ptr_array_index (all, i));
  else if (error != NULL && zu_batch_is_of_sink (error))
    fail_from (0, events->len, error, errors);
  else
    store_each (sink, events, stored, errors);
}
