/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-local-docker-private.h"
#include "zu-sandboxes-port.h"

/* A day: long enough for any run, short enough for one that was forgotten. */
#define MAX_LIFETIME 86400

/* Seconds. An engine that is busy starts a container in a few. */
#define TIMEOUT 120

enum
{
  PROP_HOST = 1,
  PROP_IMAGE,
  PROP_STATE_DIR,
  PROP_REGISTRIES,
  PROP_MAX_LIFETIME,
  PROP_TIMEOUT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_local_docker_iface_init (ZuSandboxBackendInterface *iface);

/**
 * ZuLocalDocker:
 *
 * Sandboxes by a container engine on this machine, Docker or podman, over the Engine API.
 *
 * The engine sets a container up and removes it; everything in between goes through the guest, as
 * with every backend. Every sandbox has a keeper, a process that outlives this object. Its verbs
 * may be called from any thread.
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (ZuLocalDocker, zu_local_docker, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_SANDBOX_BACKEND,
                                                      zu_local_docker_iface_init))

static void
zu_local_docker_finalize (GObject *object)
{
  ZuLocalDocker *self = ZU_LOCAL_DOCKER (object);

  g_free (self->host);
  g_free (self->image);
  g_free (self->state_dir);
  g_free (self->registries);
  g_clear_pointer (&self->sandboxes, zu_sandboxes_unref);
  g_clear_pointer (&self->engine, zu_docker_engine_unref);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_local_docker_parent_class)->finalize (object);
}

static void
zu_local_docker_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuLocalDocker *self = ZU_LOCAL_DOCKER (object);

  switch (id)
    {
    case PROP_HOST:
      self->host = g_value_dup_string (value);
      break;
    case PROP_IMAGE:
      self->image = g_value_dup_string (value);
      break;
    case PROP_STATE_DIR:
      self->state_dir = g_value_dup_string (value);
      break;
    case PROP_REGISTRIES:
      self->registries = g_value_dup_string (value);
      break;
    case PROP_MAX_LIFETIME:
      self->max_lifetime = g_value_get_int64 (value);
      break;
    case PROP_TIMEOUT:
      self->timeout = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_local_docker_class_init (ZuLocalDockerClass *klass)
{
  const GParamFlags fixed = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = zu_local_docker_finalize;
  object_class->set_property = zu_local_docker_set_property;

  /**
   * ZuLocalDocker:host:
   *
   * The engine's address, `unix:///path` or `tcp://host:port`; left out, what `DOCKER_HOST` says,
   * else the socket that Docker or podman has here.
   */
  props[PROP_HOST] = g_param_spec_string ("host", NULL, NULL, NULL, fixed);
  /**
   * ZuLocalDocker:image:
   *
   * What sandboxes are made from whose spec names no image; left out, those are refused.
   */
  props[PROP_IMAGE] = g_param_spec_string ("image", NULL, NULL, NULL, fixed);
  /**
   * ZuLocalDocker:state-dir:
   *
   * The folder that sandboxes are found in; left out, this user's own. It must be the user's alone.
   */
  props[PROP_STATE_DIR] = g_param_spec_string ("state-dir", NULL, NULL, NULL, fixed);
  /**
   * ZuLocalDocker:registries:
   *
   * The registries that images may come from, between commas, where neither a spec nor
   * `ZU_IMAGE_REGISTRY_ALLOWLIST` says which; left out, `docker.io` and `localhost`.
   */
  props[PROP_REGISTRIES] = g_param_spec_string ("registries", NULL, NULL, NULL, fixed);
  /**
   * ZuLocalDocker:max-lifetime:
   *
   * Seconds that a sandbox lives at most, and where its spec says nothing.
   */
  props[PROP_MAX_LIFETIME] =
      g_param_spec_int64 ("max-lifetime", NULL, NULL, 1, 10 * 365 * 86400, MAX_LIFETIME, fixed);
  /**
   * ZuLocalDocker:timeout:
   *
   * Seconds in which the engine says nothing until it is taken for dead.
   */
  props[PROP_TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 1, 86400, TIMEOUT, fixed);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_local_docker_init (ZuLocalDocker *self)
{
  g_mutex_init (&self->lock);
}

/* The set of sandboxes, made at the first use: that needs a folder, and may fail. */
ZuSandboxes *
zu_local_docker_ref_sandboxes (ZuLocalDocker *self, GError **error)
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

/* The engine, which is not spoken to yet. */
ZuDockerEngine *
zu_local_docker_ref_engine (ZuLocalDocker *self, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  ZuDockerAddress *address;

  if (!self->engine)
    {
      address = zu_docker_address_new (self->host, error);
      self->engine = address ? zu_docker_engine_new (address, self->timeout, error) : NULL;
    }
  return self->engine ? zu_docker_engine_ref (self->engine) : NULL;
}

static ZuSandboxes *
ref_sandboxes (ZuSandboxBackend *backend, GError **error)
{
  return zu_local_docker_ref_sandboxes (ZU_LOCAL_DOCKER (backend), error);
}

static void
zu_local_docker_iface_init (ZuSandboxBackendInterface *iface)
{
  zu_sandboxes_implement (iface, ZU_LOCAL_DOCKER_NAME, ref_sandboxes);
  zu_local_docker_look_init (iface);
  iface->launch = zu_local_docker_launch;
}
