/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-bubblewrap-private.h"
#include "zu-sandboxes-port.h"
#include "zu-socket.h"
#include <fcntl.h>

/* A day: long enough for any run, short enough for one that was forgotten. */
#define MAX_LIFETIME 86400

enum
{
  PROP_PROGRAM = 1,
  PROP_STATE_DIR,
  PROP_MAX_LIFETIME,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_bubblewrap_iface_init (ZuSandboxBackendInterface *iface);

/**
 * ZuBubblewrap:
 *
 * Sandboxes by bubblewrap: Linux namespaces, a seccomp filter and the host's own /usr, for root and
 * for ordinary users.
 *
 * Every sandbox has a keeper, a process that outlives this object. Its verbs may be called from any
 * thread.
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (ZuBubblewrap, zu_bubblewrap, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_SANDBOX_BACKEND,
                                                      zu_bubblewrap_iface_init))

static void
zu_bubblewrap_finalize (GObject *object)
{
  ZuBubblewrap *self = ZU_BUBBLEWRAP (object);

  g_free (self->program);
  g_free (self->state_dir);
  g_clear_pointer (&self->sandboxes, zu_sandboxes_unref);
  g_clear_pointer (&self->view, zu_bwrap_view_free);
  g_clear_pointer (&self->profile, zu_seccomp_profile_free);
  zu_close_fds (self->filters, 2);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_bubblewrap_parent_class)->finalize (object);
}

static void
zu_bubblewrap_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuBubblewrap *self = ZU_BUBBLEWRAP (object);

  switch (id)
    {
    case PROP_PROGRAM:
      self->program = g_value_dup_string (value);
      break;
    case PROP_STATE_DIR:
      self->state_dir = g_value_dup_string (value);
      break;
    case PROP_MAX_LIFETIME:
      self->max_lifetime = g_value_get_int64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_bubblewrap_class_init (ZuBubblewrapClass *klass)
{
  const GParamFlags fixed = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = zu_bubblewrap_finalize;
  object_class->set_property = zu_bubblewrap_set_property;

  /**
   * ZuBubblewrap:program:
   *
   * Path of bubblewrap; left out, it is looked for where distributions install it.
   */
  props[PROP_PROGRAM] = g_param_spec_string ("program", NULL, NULL, NULL, fixed);
  /**
   * ZuBubblewrap:state-dir:
   *
   * The folder that sandboxes are found in; left out, this user's own. It must be the user's alone.
   */
  props[PROP_STATE_DIR] = g_param_spec_string ("state-dir", NULL, NULL, NULL, fixed);
  /**
   * ZuBubblewrap:max-lifetime:
   *
   * Seconds that a sandbox lives at most, and where its spec says nothing.
   */
  props[PROP_MAX_LIFETIME] =
      g_param_spec_int64 ("max-lifetime", NULL, NULL, 1, 10 * 365 * 86400, MAX_LIFETIME, fixed);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_bubblewrap_init (ZuBubblewrap *self)
{
  self->filters[0] = self->filters[1] = -1;
  g_mutex_init (&self->lock);
}

/* The set of sandboxes, made at the first use: that needs a folder, and may fail. */
ZuSandboxes *
zu_bubblewrap_ref_sandboxes (ZuBubblewrap *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autofree char *root = NULL;

  if (!self->sandboxes)
    {
      root = self->state_dir ? g_strdup (self->state_dir) : zu_state_dup_root (error);
      if (!root)
        return NULL;
      self->sandboxes = zu_sandboxes_new (root);
    }
  return zu_sandboxes_ref (self->sandboxes);
}

static ZuSandboxes *
ref_sandboxes (ZuSandboxBackend *backend, GError **error)
{
  return zu_bubblewrap_ref_sandboxes (ZU_BUBBLEWRAP (backend), error);
}

static void
zu_bubblewrap_iface_init (ZuSandboxBackendInterface *iface)
{
  zu_sandboxes_implement (iface, ZU_BUBBLEWRAP_NAME, ref_sandboxes);
  zu_bubblewrap_look_init (iface);
  iface->launch = zu_bubblewrap_launch;
}
