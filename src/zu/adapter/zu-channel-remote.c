/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-channel-remote.h"

#include "../base/zu-record.h"

/**
 * ZuChannelRemote:
 *
 * A [iface@Zu.Remote] whose methods are the operations of a [iface@Zu.Channel], so that a narrow
 * port's proxy speaks through any channel.
 */
struct _ZuChannelRemote
{
  GObject parent_instance;
  ZuChannel *channel;
};

static void zu_channel_remote_iface_init (ZuRemoteInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuChannelRemote, zu_channel_remote, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (ZU_TYPE_REMOTE, zu_channel_remote_iface_init))

static ZuJson *
unwrap_reply (ZuChannelReply *reply, GError **error)
{
  const char *text;

  if (zu_channel_reply_get_ok (reply))
    {
      ZuJson *data = zu_channel_reply_get_data (reply);

      return data != NULL ? zu_json_ref (data) : zu_json_parse ("{}", -1, error);
    }

  text = zu_channel_reply_get_error (reply);
  g_set_error_literal (error, ZU_REMOTE_ERROR, ZU_REMOTE_ERROR_REFUSED,
                       text != NULL ? text : "failed: the channel gave no reason");
  return NULL;
}

static ZuJson *
zu_channel_remote_call (ZuRemote *remote, const char *method, ZuJson *args,
                        GCancellable *cancellable, GError **error)
{
  ZuChannelRemote *self = ZU_CHANNEL_REMOTE (remote);
  g_autoptr (ZuChannelReply) reply =
      zu_channel_call (self->channel, method, args, cancellable, error);

  return reply != NULL ? unwrap_reply (reply, error) : NULL;
}

static void
channel_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  g_autoptr (ZuChannelReply) reply = zu_channel_call_finish (ZU_CHANNEL (source), result, &error);
  ZuJson *json = reply != NULL ? unwrap_reply (reply, &error) : NULL;

  if (json != NULL)
    g_task_return_pointer (task, json, (GDestroyNotify) zu_json_unref);
  else
    g_task_return_error (task, error);
}

static void
zu_channel_remote_call_async (ZuRemote *remote, const char *method, ZuJson *args,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  ZuChannelRemote *self = ZU_CHANNEL_REMOTE (remote);
  GTask *task = g_task_new (self, cancellable, callback, user_data);

  g_task_set_source_tag (task, zu_channel_remote_call_async);
  g_task_set_check_cancellable (task, FALSE);
  zu_channel_call_async (self->channel, method, args, cancellable, channel_answered, task);
}

static ZuJson *
zu_channel_remote_call_finish (ZuRemote *remote, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, remote), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
zu_channel_remote_iface_init (ZuRemoteInterface *iface)
{
  iface->call = zu_channel_remote_call;
  iface->call_async = zu_channel_remote_call_async;
  iface->call_finish = zu_channel_remote_call_finish;
}

static void
zu_channel_remote_dispose (GObject *object)
{
  ZuChannelRemote *self = ZU_CHANNEL_REMOTE (object);

  g_clear_object (&self->channel);

  G_OBJECT_CLASS (zu_channel_remote_parent_class)->dispose (object);
}

static void
zu_channel_remote_class_init (ZuChannelRemoteClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = zu_channel_remote_dispose;
}

static void
zu_channel_remote_init (ZuChannelRemote *self)
{
}

/**
 * zu_channel_remote_new:
 * @channel: a channel
 *
 * Gives @channel as the other side of a port's proxy.
 *
 * Returns: (transfer full): @channel as the other side of a port's proxy
 */
ZuRemote *
zu_channel_remote_new (ZuChannel *channel)
{
  ZuChannelRemote *self;

  g_return_val_if_fail (ZU_IS_CHANNEL (channel), NULL);

  self = g_object_new (ZU_TYPE_CHANNEL_REMOTE, NULL);
  self->channel = g_object_ref (channel);
  return ZU_REMOTE (self);
}
