/* SPDX-License-Identifier: Apache-2.0 */

#include "kit-loop-remote.h"

/**
 * KitLoopRemote:
 *
 * The other side, in this process: what comes as JSON is carried out on an object.
 */
struct _KitLoopRemote
{
  GObject parent_instance;
  GObject *object;
  const ZuPortInfo *info;
};

static void kit_loop_remote_iface_init (ZuRemoteInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (KitLoopRemote, kit_loop_remote, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_REMOTE, kit_loop_remote_iface_init))

/* All that is known crosses as text, as it would on a socket. */
static ZuJson *
kit_loop_remote_call (ZuRemote *remote, const char *method, ZuJson *args, GCancellable *cancellable,
                      GError **error)
{
  KitLoopRemote *self = KIT_LOOP_REMOTE (remote);
  g_autofree char *sent = zu_json_to_string (args);
  g_autoptr (ZuJson) received = zu_json_parse (sent, -1, error);
  g_autoptr (ZuJson) result = NULL;
  g_autoptr (GError) refused = NULL;
  g_autofree char *text = NULL;

  if (received == NULL)
    return NULL;

  result = zu_port_dispatch (self->info, self->object, method, received, cancellable, &refused);
  if (result != NULL)
    {
      text = zu_json_to_string (result);
      return zu_json_parse (text, -1, error);
    }

  text = zu_port_dup_error_text (self->info, refused);
  g_set_error_literal (error, ZU_REMOTE_ERROR, ZU_REMOTE_ERROR_REFUSED, text);
  return NULL;
}

static void
kit_loop_remote_iface_init (ZuRemoteInterface *iface)
{
  iface->call = kit_loop_remote_call;
}

static void
kit_loop_remote_dispose (GObject *object)
{
  g_clear_object (&KIT_LOOP_REMOTE (object)->object);

  G_OBJECT_CLASS (kit_loop_remote_parent_class)->dispose (object);
}

static void
kit_loop_remote_class_init (KitLoopRemoteClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = kit_loop_remote_dispose;
}

static void
kit_loop_remote_init (KitLoopRemote *self)
{
}

/**
 * kit_loop_remote_new: (skip)
 * @object: an implementation of the port
 * @info: the port
 *
 * Returns: (transfer full): the other side
 */
ZuRemote *
kit_loop_remote_new (GObject *object, const ZuPortInfo *info)
{
  KitLoopRemote *self = g_object_new (KIT_TYPE_LOOP_REMOTE, NULL);

  self->object = g_object_ref (object);
  self->info = info;
  return ZU_REMOTE (self);
}
