/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-signals.h"

#include <glib-unix.h>
#include <signal.h>

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

struct _ZuctlSignals
{
  GCancellable *cancellable;
  GMainContext *context;
  GMainLoop *loop;
  GThread *thread;
  int number; /* atomic: the first one that came */
};

typedef struct
{
  ZuctlSignals *signals;
  int number;
} Caught;

static gboolean
on_signal (gpointer user_data)
{
  Caught *caught = user_data;

  g_atomic_int_compare_and_exchange (&caught->signals->number, 0, caught->number);
  g_cancellable_cancel (caught->signals->cancellable);
  return G_SOURCE_CONTINUE;
}

static void
watch (ZuctlSignals *self, int number)
{
  g_autoptr (GSource) source = g_unix_signal_source_new (number);
  Caught *caught = g_new (Caught, 1);

  caught->signals = self;
  caught->number = number;
  g_source_set_callback (source, on_signal, caught, g_free);
  g_source_attach (source, self->context);
}

static gpointer
run (gpointer data)
{
  ZuctlSignals *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

ZuctlSignals *
zuctl_signals_new (GCancellable *cancellable)
{
  ZuctlSignals *self = g_new0 (ZuctlSignals, 1);

  self->cancellable = g_object_ref (cancellable);
  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    watch (self, numbers[i]);
  self->thread = g_thread_new ("zuctl-signals", run, self);
  return self;
}

static gboolean
on_quit (gpointer user_data)
{
  g_main_loop_quit (user_data);
  return G_SOURCE_REMOVE;
}

void
zuctl_signals_free (ZuctlSignals *self)
{
  g_main_context_invoke (self->context, on_quit, self->loop);
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_object_unref (self->cancellable);
  g_free (self);
}

/* The signal that asked for the end, or 0. */
int
zuctl_signals_get_number (ZuctlSignals *self)
{
  return g_atomic_int_get (&self->number);
}
