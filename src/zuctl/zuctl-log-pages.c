/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-log-pages.h"

#define PAGE_SIZE 512

struct _ZuctlPages
{
  ZuEventSink *sink;
  ZuFilter *filter;
  gint64 after_seq;
  gint64 left; /* -1 is without an end */
  gint64 told; /* what was wrong up to here was told */
  ZuctlFound found;
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
zuctl_pages_set_found (ZuctlPages *self, ZuctlFound found, gpointer user_data)
{
  self->found = found;
  self->user_data = user_data;
}

static gint64
get_page_size (ZuctlPages *self)
{
  return self->left < 0 ? PAGE_SIZE : MIN (self->left, PAGE_SIZE);
}

/* What is wrong at the very end, as a torn line is, is found again each time the end is read. */
static void
tell (ZuctlPages *self, GPtrArray *findings)
{
  for (guint i = 0; i < findings->len; i++)
    {
      ZuAuditFinding *finding = g_ptr_array_index (findings, i);

      if (self->found != NULL && zu_audit_finding_get_seq (finding) > self->told)
        self->found (finding, self->user_data);
      self->told = MAX (self->told, zu_audit_finding_get_seq (finding));
    }
}

static GPtrArray *
audit (ZuctlPages *self, gint64 *next_seq, GError **error)
{
  g_autoptr (ZuAuditPage) page =
      zu_event_audit_audit (ZU_EVENT_AUDIT (self->sink), self->filter, self->after_seq,
                            get_page_size (self), NULL, error);

  if (page == NULL)
    return NULL;
  *next_seq = zu_audit_page_get_next_seq (page);
  /* Positions begin anew with another file under the log's name, and so do line numbers. */
  if (*next_seq < self->after_seq)
    self->told = 0;
  tell (self, zu_audit_page_get_findings (page));
  return g_ptr_array_ref (zu_audit_page_get_events (page));
}

static GPtrArray *
stream (ZuctlPages *self, gint64 *next_seq, GError **error)
{
  g_autoptr (ZuEventPage) page = zu_event_sink_stream (self->sink, self->filter, self->after_seq,
                                                       get_page_size (self), NULL, error);

  if (page == NULL)
    return NULL;
  *next_seq = zu_event_page_get_next_seq (page);
  return g_ptr_array_ref (zu_event_page_get_events (page));
}

/* The next events; none at the end, where asking again gives what has come since. */
GPtrArray *
zuctl_pages_next (ZuctlPages *self, GError **error)
{
  gboolean is_auditable = ZU_IS_EVENT_AUDIT (self->sink);

  while (self->left != 0)
    {
      gint64 next_seq = self->after_seq;
      g_autoptr (GPtrArray) events =
          is_auditable ? audit (self, &next_seq, error) : stream (self, &next_seq, error);
      gboolean is_end = next_seq == self->after_seq;

      if (events == NULL)
        {
          g_prefix_error (error, "cannot read the log: ");
          return NULL;
        }
      self->after_seq = next_seq;
      if (self->left > 0)
        self->left -= events->len;
      if (events->len > 0 || is_end)
        return g_steal_pointer (&events);
    }
  return g_ptr_array_new ();
}
