/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-port-channel.h"

#include "../base/zu-record.h"

/**
 * ZuPortChannel:
 *
 * The generic [iface@Zu.Channel] over an implementation of a narrow port.
 *
 * Each operation is a verb of the port; one that the port does not have is answered, as every
 * channel does, with "unknown op". A refusal crosses as `code: sentence`.
 */
struct _ZuPortChannel
{
  GObject parent_instance;
  GObject *object;
  const ZuPortInfo *info;
};

static void zu_port_channel_iface_init (ZuChannelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuPortChannel, zu_port_channel, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_CHANNEL, zu_port_channel_iface_init))

static ZuChannelReply *
reply_new (ZuJson *data, const char *error)
{
  g_autoptr (ZuJson) empty = zu_json_parse ("{}", -1, NULL);

  return g_object_new (ZU_TYPE_CHANNEL_REPLY, "ok", error == NULL, "data",
                       data != NULL ? data : empty, "error", error, NULL);
}

static ZuChannelReply *
zu_port_channel_call (ZuChannel *channel, const char *op, ZuJson *args, GCancellable *cancellable,
                      GError **error)
{
  ZuPortChannel *self = ZU_PORT_CHANNEL (channel);
  const ZuPortMethod *method = zu_port_find_method (self->info, op);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ZuJson) data = NULL;
  g_autofree char *text = NULL;

  if (method == NULL || !method->is_wire)
    {
      text = g_strdup_printf ("unknown op: %s", op);
      return reply_new (NULL, text);
    }

  data = zu_port_dispatch (self->info, self->object, op, args, cancellable, &local_error);
  if (data != NULL)
    return reply_new (data, NULL);

  text = zu_port_dup_error_text (self->info, local_error);
  return reply_new (NULL, text);
}

static void
zu_port_channel_iface_init (ZuChannelInterface *iface)
{
  iface->call = zu_port_channel_call;
}

static void
zu_port_channel_dispose (GObject *object)
{
  ZuPortChannel *self = ZU_PORT_CHANNEL (object);

  g_clear_object (&self->object);

  G_OBJECT_CLASS (zu_port_channel_parent_class)->dispose (object);
}

static void
zu_port_channel_class_init (ZuPortChannelClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = zu_port_channel_dispose;
}

static void
zu_port_channel_init (ZuPortChannel *self)
{
}

/**
 * zu_port_channel_new: (skip)
 * @object: an implementation of the port
 * @info: the port
 *
 * Gives a channel whose operations are the port's verbs.
 *
 * Returns: (transfer full): a channel whose operations are the port's verbs
 */
ZuChannel *
zu_port_channel_new (GObject *object, const ZuPortInfo *info)
{
  ZuPortChannel *self;

  g_return_val_if_fail (G_IS_OBJECT (object), NULL);
  g_return_val_if_fail (info != NULL, NULL);

  self = g_object_new (ZU_TYPE_PORT_CHANNEL, NULL);
  self->object = g_object_ref (object);
  self->info = info;
  return ZU_CHANNEL (self);
}
