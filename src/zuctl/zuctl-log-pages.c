/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log-pages.h"

#include <string.h>

#define PAGE_SIZE 512

struct _ZuctlPages
{
  ZuEventSink *sink;
  ZuFilter *filter;
  gint64 after_seq;
  gint64 left; /* -1 is without an end */
  gint64 page_size;
  ZuctlUnreadable unreadable;
  gpointer user_data;
};

ZuctlPages *
zuctl_pages_new (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit)
{
  ZuctlPages *self = g_new0 (ZuctlPages, 1);

  self->sink = g_object_ref (sink);
  self->filter = filter != NULL ? zu_filter_ref (filter) : NULL;
  self->after_seq = after_seq;
  self->left = limit;
  self->page_size = PAGE_SIZE;
  return self;
}

void
zuctl_pages_free (ZuctlPages *self)
{
  g_object_unref (self->sink);
  g_clear_pointer (&self->filter, zu_filter_unref);
  g_free (self);
}

void
zuctl_pages_set_unreadable (ZuctlPages *self, ZuctlUnreadable unreadable, gpointer user_data)
{
  self->unreadable = unreadable;
  self->user_data = user_data;
}

/* "row 7 (event 6f96...) cannot be read: ...", as the port has an error of this kind say it. */
static gboolean
read_row (const char *text, gint64 *seq, char **subject)
{
  const char *row = strstr (text, "row ");
  char *end = NULL;

  if (row == NULL)
    return FALSE;
  *seq = g_ascii_strtoll (row + strlen ("row "), &end, 10);
  if (end == row + strlen ("row "))
    return FALSE;

  if (g_str_has_prefix (end, " (event "))
    {
      const char *id = end + strlen (" (event ");

      *subject = g_strndup (id, strcspn (id, ")"));
    }
  return TRUE;
}

/* A page fails as a whole, so smaller ones are tried until the bad row stands alone; it is passed.
 */
static gboolean
get_past (ZuctlPages *self, const GError *why)
{
  g_autofree char *subject = NULL;
  gint64 seq = 0;

  if (!g_error_matches (why, ZU_EVENT_SINK_ERROR, ZU_EVENT_SINK_ERROR_UNDECODABLE))
    return FALSE;
  if (self->page_size > 1)
    {
      self->page_size /= 2;
      return TRUE;
    }

  if (!read_row (why->message, &seq, &subject) || seq <= self->after_seq)
    return FALSE;
  self->unreadable (subject, why->message, self->user_data);
  self->after_seq = seq;
  self->page_size = PAGE_SIZE;
  return TRUE;
}

static ZuEventPage *
get_page (ZuctlPages *self, GError **error)
{
  for (;;)
    {
      gint64 limit = self->left < 0 ? self->page_size : MIN (self->left, self->page_size);
      g_autoptr (GError) why = NULL;
      ZuEventPage *page =
          zu_event_sink_stream (self->sink, self->filter, self->after_seq, limit, NULL, &why);

      if (page != NULL)
        return page;
      if (self->unreadable == NULL || !get_past (self, why))
        {
          g_propagate_error (error, g_steal_pointer (&why));
          return NULL;
        }
    }
}

/* The next events; none at the end, where asking again gives what has come since. */
GPtrArray *
zuctl_pages_next (ZuctlPages *self, GError **error)
{
  g_autoptr (ZuEventPage) page = NULL;
  GPtrArray *events;

  if (self->left == 0)
    return g_ptr_array_new ();

  page = get_page (self, error);
  if (page == NULL)
    {
      g_prefix_error (error, "cannot read the log: ");
      return NULL;
    }

  events = zu_event_page_get_events (page);
  self->after_seq = zu_event_page_get_next_seq (page);
  if (self->left > 0)
    self->left -= events->len;
  return g_ptr_array_ref (events);
}
