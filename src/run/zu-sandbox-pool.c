/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sandbox-pool.h"

#include <unistd.h>

/* How long a launch that failed is not tried again, and how often what waits is looked at. */
#define RETRY_US (G_USEC_PER_SEC)
#define CHECK_US (5 * G_USEC_PER_SEC)

/* Whoever has just claimed one is about to use it: launching the next waits for that long, unless
 * none is left. */
#define YIELD_US (20 * 1000)

/* A sandbox that is about to end is not handed out. */
#define SPARE_SECONDS 30

typedef struct
{
  ZuSandbox *sandbox;
  gint64 until; /* microseconds of the monotonic clock; 0: for ever */
} Ready;

/**
 * ZuSandboxPool:
 *
 * Sandboxes that are launched before they are needed.
 *
 * All of a pool are made from one spec by one backend, so they have the policy and the floor of any
 * other that it launches; nothing of a caller's has run in one that is claimed, and one that was
 * claimed never comes back. A thread of the pool's launches them, looks now and then whether those
 * that wait are well, and replaces those that are not. What the pool holds ends with this process.
 *
 * Its calls may come from any number of threads.
 */
struct _ZuSandboxPool
{
  GObject parent_instance;

  ZuSandboxBackend *backend;
  ZuLaunchSpec *spec;
  guint size;

  GMutex lock;
  GCond changed;
  GQueue ready;    /* of Ready */
  GError *failure; /* of the last launch, until one succeeds */
  gint64 claimed;  /* the last one, in microseconds of the monotonic clock */
  GThread *thread;
  GCancellable *closing;
  gboolean is_closed;
};

enum
{
  PROP_BACKEND = 1,
  PROP_SPEC,
  PROP_SIZE,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (ZuSandboxPool, zu_sandbox_pool, G_TYPE_OBJECT)

static void
ready_free (Ready *ready)
{
  g_object_unref (ready->sandbox);
  g_free (ready);
}

static gint64
find_lifetime (ZuSandbox *sandbox)
{
  GPtrArray *limits = zu_sandbox_get_limits (sandbox);

  for (guint i = 0; limits != NULL && i < limits->len; i++)
    if (g_strcmp0 (zu_limit_get_name (limits->pdata[i]), "lifetime") == 0)
      return zu_limit_get_value (limits->pdata[i]);
  return 0;
}

static Ready *
ready_new (ZuSandbox *sandbox)
{
  Ready *ready = g_new0 (Ready, 1);
  gint64 lifetime = find_lifetime (sandbox);

  ready->sandbox = sandbox;
  if (lifetime > 0)
    ready->until =
        g_get_monotonic_time ()
        + (lifetime > 2 * SPARE_SECONDS ? lifetime - SPARE_SECONDS : lifetime / 2) * G_USEC_PER_SEC;
  return ready;
}

static gboolean
is_fresh (const Ready *ready)
{
  return ready->until == 0 || g_get_monotonic_time () < ready->until;
}

static void
destroy (ZuSandboxPool *self, Ready *ready)
{
  g_autoptr (GError) error = NULL;

  if (!zu_sandbox_backend_destroy (self->backend, zu_sandbox_get_id (ready->sandbox), NULL, &error))
    g_info ("cannot destroy a sandbox of the pool: %s", error->message);
  ready_free (ready);
}

static ZuSandbox *
launch (ZuSandboxPool *self, GError **error)
{
  g_autoptr (ZuOwnership) owner =
      g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) getpid (), NULL);

  return zu_sandbox_backend_launch (self->backend, self->spec, owner, self->closing, error);
}

/* Whether a process can be run there: the sandbox's own list of them is made by one. It is warm
 * then, too. A backend that has no such list is taken at its word. */
static gboolean
answers (ZuSandboxPool *self, ZuSandbox *sandbox, GError **error)
{
  g_autoptr (GError) why = NULL;
  g_autoptr (GPtrArray) processes =
      zu_sandbox_backend_top (self->backend, zu_sandbox_get_id (sandbox), self->closing, &why);

  if (processes != NULL || g_error_matches (why, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&why));
  return FALSE;
}

static ZuSandbox *
launch_checked (ZuSandboxPool *self, GError **error)
{
  ZuSandbox *sandbox = launch (self, error);

  if (sandbox == NULL || answers (self, sandbox, error))
    return sandbox;
  zu_sandbox_backend_destroy (self->backend, zu_sandbox_get_id (sandbox), NULL, NULL);
  g_object_unref (sandbox);
  return NULL;
}

/* With the lock held, which is let go meanwhile. */
static void
add_one (ZuSandboxPool *self)
{
  GError *error = NULL;
  ZuSandbox *sandbox;
  Ready *late = NULL;

  g_mutex_unlock (&self->lock);
  sandbox = launch_checked (self, &error);
  g_mutex_lock (&self->lock);
  g_clear_error (&self->failure);
  self->failure = error;
  if (sandbox != NULL && self->is_closed)
    late = ready_new (sandbox);
  else if (sandbox != NULL)
    g_queue_push_tail (&self->ready, ready_new (sandbox));
  g_cond_broadcast (&self->changed);
  if (late != NULL)
    {
      g_mutex_unlock (&self->lock);
      destroy (self, late);
      g_mutex_lock (&self->lock);
    }
}

static gboolean
is_well (ZuSandboxPool *self, Ready *ready)
{
  return is_fresh (ready) && answers (self, ready->sandbox, NULL);
}

/* Looks at every one that waits, each taken out of the queue meanwhile. With the lock held. */
static void
check_all (ZuSandboxPool *self)
{
  for (guint i = self->ready.length; i > 0 && self->ready.length > 0 && !self->is_closed; i--)
    {
      Ready *ready = g_queue_pop_head (&self->ready);
      gboolean good;

      g_mutex_unlock (&self->lock);
      good = is_well (self, ready);
      if (!good)
        destroy (self, ready);
      g_mutex_lock (&self->lock);
      if (good)
        g_queue_push_tail (&self->ready, ready);
      g_cond_broadcast (&self->changed);
    }
}

static gpointer
refill (gpointer data)
{
  ZuSandboxPool *self = data;
  gint64 check_at = g_get_monotonic_time () + CHECK_US;

  g_mutex_lock (&self->lock);
  while (!self->is_closed)
    {
      gint64 now = g_get_monotonic_time ();

      if (now >= check_at)
        {
          check_all (self);
          check_at = g_get_monotonic_time () + CHECK_US;
        }
      else if (self->ready.length > 0 && now < self->claimed + YIELD_US)
        g_cond_wait_until (&self->changed, &self->lock, self->claimed + YIELD_US);
      else if (self->ready.length < self->size && self->failure == NULL)
        add_one (self);
      else if (self->failure == NULL)
        g_cond_wait_until (&self->changed, &self->lock, check_at);
      else if (!g_cond_wait_until (&self->changed, &self->lock, now + RETRY_US))
        add_one (self);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

static void
zu_sandbox_pool_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuSandboxPool *self = ZU_SANDBOX_POOL (object);

  switch (id)
    {
    case PROP_BACKEND:
      g_value_set_object (value, self->backend);
      break;
    case PROP_SPEC:
      g_value_set_object (value, self->spec);
      break;
    case PROP_SIZE:
      g_value_set_uint (value, self->size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_sandbox_pool_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuSandboxPool *self = ZU_SANDBOX_POOL (object);

  switch (id)
    {
    case PROP_BACKEND:
      self->backend = g_value_dup_object (value);
      break;
    case PROP_SPEC:
      self->spec = g_value_dup_object (value);
      break;
    case PROP_SIZE:
      self->size = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_sandbox_pool_constructed (GObject *object)
{
  ZuSandboxPool *self = ZU_SANDBOX_POOL (object);

  G_OBJECT_CLASS (zu_sandbox_pool_parent_class)->constructed (object);
  self->thread = g_thread_new ("zu-pool", refill, self);
}

static void
zu_sandbox_pool_dispose (GObject *object)
{
  zu_sandbox_pool_close (ZU_SANDBOX_POOL (object));
  G_OBJECT_CLASS (zu_sandbox_pool_parent_class)->dispose (object);
}

static void
zu_sandbox_pool_finalize (GObject *object)
{
  ZuSandboxPool *self = ZU_SANDBOX_POOL (object);

  g_clear_error (&self->failure);
  g_object_unref (self->closing);
  g_object_unref (self->backend);
  g_object_unref (self->spec);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  G_OBJECT_CLASS (zu_sandbox_pool_parent_class)->finalize (object);
}

static void
zu_sandbox_pool_class_init (ZuSandboxPoolClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = zu_sandbox_pool_get_property;
  object_class->set_property = zu_sandbox_pool_set_property;
  object_class->constructed = zu_sandbox_pool_constructed;
  object_class->dispose = zu_sandbox_pool_dispose;
  object_class->finalize = zu_sandbox_pool_finalize;

  /**
   * ZuSandboxPool:backend:
   *
   * What launches the sandboxes.
   */
  properties[PROP_BACKEND] =
      g_param_spec_object ("backend", NULL, NULL, ZU_TYPE_SANDBOX_BACKEND, flags);
  /**
   * ZuSandboxPool:spec:
   *
   * What they are made of.
   */
  properties[PROP_SPEC] = g_param_spec_object ("spec", NULL, NULL, ZU_TYPE_LAUNCH_SPEC, flags);
  /**
   * ZuSandboxPool:size:
   *
   * How many are ready when nobody claims any: at least 1.
   */
  properties[PROP_SIZE] = g_param_spec_uint ("size", NULL, NULL, 1, 1024, 1, flags);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
zu_sandbox_pool_init (ZuSandboxPool *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->ready);
  self->closing = g_cancellable_new ();
}

/**
 * zu_sandbox_pool_new:
 * @backend: what launches the sandboxes
 * @spec: what they are made of
 * @size: how many are to be ready, 1 to 1024
 *
 * Makes a pool, which begins to fill at once.
 *
 * Returns: (transfer full): the pool
 */
ZuSandboxPool *
zu_sandbox_pool_new (ZuSandboxBackend *backend, ZuLaunchSpec *spec, guint size)
{
  g_return_val_if_fail (ZU_IS_SANDBOX_BACKEND (backend), NULL);
  g_return_val_if_fail (ZU_IS_LAUNCH_SPEC (spec), NULL);
  g_return_val_if_fail (size >= 1 && size <= 1024, NULL);

  return g_object_new (ZU_TYPE_SANDBOX_POOL, "backend", backend, "spec", spec, "size", size, NULL);
}

static gboolean
set_closed (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the pool is closed");
  return FALSE;
}

/* One that waits and has not begun to end, or NULL. */
static Ready *
take (ZuSandboxPool *self)
{
  Ready *ready, *stale;

  g_mutex_lock (&self->lock);
  while ((ready = g_queue_pop_head (&self->ready)) != NULL && !is_fresh (ready))
    {
      stale = ready;
      g_mutex_unlock (&self->lock);
      destroy (self, stale);
      g_mutex_lock (&self->lock);
    }
  self->claimed = g_get_monotonic_time ();
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return ready;
}

/**
 * zu_sandbox_pool_claim:
 * @self: a pool
 * @cancellable: (nullable): ends the waiting for one that has to be launched
 * @error: return location for an error
 *
 * Takes a sandbox that waits; where none does, one is launched. It is the caller's to destroy, and
 * ends with this process like all others of the pool.
 *
 * A sandbox that has ended since it was last looked at is noticed with the first call to it, as
 * with any other sandbox.
 *
 * Returns: (transfer full): a sandbox, in which nothing has run
 */
ZuSandbox *
zu_sandbox_pool_claim (ZuSandboxPool *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuOwnership) owner = NULL;
  Ready *ready;
  gboolean is_closed;

  g_return_val_if_fail (ZU_IS_SANDBOX_POOL (self), NULL);

  g_mutex_lock (&self->lock);
  is_closed = self->is_closed;
  g_mutex_unlock (&self->lock);
  if (is_closed)
    {
      set_closed (error);
      return NULL;
    }

  ready = take (self);
  if (ready != NULL)
    {
      ZuSandbox *sandbox = g_object_ref (ready->sandbox);

      ready_free (ready);
      return sandbox;
    }
  owner = g_object_new (ZU_TYPE_OWNERSHIP, "process", (gint64) getpid (), NULL);
  return zu_sandbox_backend_launch (self->backend, self->spec, owner, cancellable, error);
}

static void
on_cancelled (GCancellable *cancellable, ZuSandboxPool *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/**
 * zu_sandbox_pool_wait_ready:
 * @self: a pool
 * @cancellable: (nullable): ends the waiting
 * @error: why the last launch failed
 *
 * Waits until the pool is full, or a launch fails.
 *
 * Returns: whether it is full
 */
gboolean
zu_sandbox_pool_wait_ready (ZuSandboxPool *self, GCancellable *cancellable, GError **error)
{
  gboolean is_full;
  gulong handler = 0;

  g_return_val_if_fail (ZU_IS_SANDBOX_POOL (self), FALSE);

  if (cancellable != NULL)
    handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self, NULL);
  g_mutex_lock (&self->lock);
  while (self->ready.length < self->size && self->failure == NULL && !self->is_closed
         && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->changed, &self->lock);
  is_full = self->ready.length >= self->size;
  if (!is_full && self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else if (!is_full && self->is_closed)
    set_closed (error);
  else if (!is_full)
    g_cancellable_set_error_if_cancelled (cancellable, error);
  g_mutex_unlock (&self->lock);
  if (handler != 0)
    g_cancellable_disconnect (cancellable, handler);
  return is_full;
}

/**
 * zu_sandbox_pool_get_n_ready:
 * @self: a pool
 *
 * Returns: how many sandboxes wait just now
 */
guint
zu_sandbox_pool_get_n_ready (ZuSandboxPool *self)
{
  guint n;

  g_return_val_if_fail (ZU_IS_SANDBOX_POOL (self), 0);

  g_mutex_lock (&self->lock);
  n = self->ready.length;
  g_mutex_unlock (&self->lock);
  return n;
}

/**
 * zu_sandbox_pool_close:
 * @self: a pool
 *
 * Destroys what waits, and waits until it is gone. What was claimed is not touched. A closed pool
 * stays closed.
 */
void
zu_sandbox_pool_close (ZuSandboxPool *self)
{
  GThread *thread;
  Ready *ready;

  g_return_if_fail (ZU_IS_SANDBOX_POOL (self));

  g_cancellable_cancel (self->closing);
  g_mutex_lock (&self->lock);
  self->is_closed = TRUE;
  thread = g_steal_pointer (&self->thread);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (thread != NULL)
    g_thread_join (thread);
  while ((ready = g_queue_pop_head (&self->ready)) != NULL)
    destroy (self, ready);
}
