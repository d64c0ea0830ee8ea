/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-resolver.h"

#include <errno.h>
#include <gio/gio.h>

#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_ADDRESSES 16

/* Made and answered in the loop's thread; in between it belongs to the other one. */
struct _ZuProxyLookup
{
  ZuProxyResolver *resolver;
  char *name;
  ZuProxyResolved func; /* NULL once nobody waits for it */
  gpointer data;
  GCancellable *cancellable;
  GSource *timeout;

  ZuAddress addresses[MAX_ADDRESSES];
  guint n_addresses;
  gboolean has_timed_out;
};

struct _ZuProxyResolver
{
  guint timeout_ms;
  int event_fd;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  GAsyncQueue *done; /* of ZuProxyLookup */
};

static void
lookup_free (ZuProxyLookup *self)
{
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->timeout, g_source_unref);
  g_free (self->name);
  g_free (self);
}

static gpointer
run (gpointer data)
{
  ZuProxyResolver *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static void
take_addresses (ZuProxyLookup *self, GList *list)
{
  for (GList *l = list; l != NULL && self->n_addresses < MAX_ADDRESSES; l = l->next)
    {
      ZuAddress *address = &self->addresses[self->n_addresses++];

      *address = (ZuAddress){ .length = (guint8) g_inet_address_get_native_size (l->data) };
      memcpy (address->bytes, g_inet_address_to_bytes (l->data), address->length);
      zu_address_unmap (address);
    }
}

static void
on_resolved (GObject *source, GAsyncResult *result, gpointer data)
{
  ZuProxyLookup *self = data;
  g_autoptr (GError) error = NULL;
  const guint64 one = 1;
  GList *list = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);

  g_source_destroy (self->timeout);
  self->has_timed_out =
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (error, G_RESOLVER_ERROR, G_RESOLVER_ERROR_TEMPORARY_FAILURE);
  take_addresses (self, list);
  g_resolver_free_addresses (list);

  g_async_queue_push (self->resolver->done, self);
  while (write (self->resolver->event_fd, &one, sizeof one) < 0 && errno == EINTR)
    ;
}

static gboolean
on_timeout (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

/* In the resolver's thread. */
static gboolean
start (gpointer data)
{
  ZuProxyLookup *self = data;
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  self->timeout = g_timeout_source_new (self->resolver->timeout_ms);
  g_source_set_callback (self->timeout, on_timeout, self->cancellable, NULL);
  g_source_attach (self->timeout, self->resolver->context);
  g_resolver_lookup_by_name_async (resolver, self->name, self->cancellable, on_resolved, self);
  return G_SOURCE_REMOVE;
}

ZuProxyResolver *
zu_proxy_resolver_new (guint timeout_ms, GError **error)
{
  ZuProxyResolver *self;
  int event_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  if (event_fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot make an eventfd: %s",
                   g_strerror (errno));
      return NULL;
    }
  self = g_new0 (ZuProxyResolver, 1);
  self->timeout_ms = timeout_ms;
  self->event_fd = event_fd;
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->done = g_async_queue_new_full ((GDestroyNotify) lookup_free);
  self->thread = g_thread_new ("zu-resolver", run, self);
  return self;
}

static gboolean
on_quit (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

/* What is still being looked up is left to the end of the process. */
void
zu_proxy_resolver_free (ZuProxyResolver *self)
{
  g_autoptr (GSource) quit = g_idle_source_new ();

  g_source_set_callback (quit, on_quit, self->loop, NULL);
  g_source_attach (quit, self->context);
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_async_queue_unref (self->done);
  close (self->event_fd);
  g_free (self);
}

int
zu_proxy_resolver_get_fd (ZuProxyResolver *self)
{
  return self->event_fd;
}

/* Answers what has come. */
void
zu_proxy_resolver_dispatch (ZuProxyResolver *self)
{
  ZuProxyLookup *lookup;
  guint64 count;

  if (read (self->event_fd, &count, sizeof count) < 0)
    return;
  while ((lookup = g_async_queue_try_pop (self->done)) != NULL)
    {
      if (lookup->func != NULL)
        lookup->func (lookup->n_addresses > 0 ? lookup->addresses : NULL, lookup->n_addresses,
                      lookup->has_timed_out, lookup->data);
      lookup_free (lookup);
    }
}

/* FUNC is called in the caller's thread, by dispatch, unless the answer is abandoned before. */
ZuProxyLookup *
zu_proxy_resolver_look_up (ZuProxyResolver *self, const char *name, ZuProxyResolved func,
                           gpointer data)
{
  ZuProxyLookup *lookup = g_new0 (ZuProxyLookup, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  lookup->resolver = self;
  lookup->name = g_strdup (name);
  lookup->func = func;
  lookup->data = data;
  lookup->cancellable = g_cancellable_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, start, lookup, NULL);
  g_source_attach (source, self->context);
  return lookup;
}

void
zu_proxy_lookup_abandon (ZuProxyLookup *self)
{
  self->func = NULL;
  g_cancellable_cancel (self->cancellable);
}
