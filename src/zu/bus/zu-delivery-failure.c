/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-delivery-failure.h"

/**
 * ZuDeliveryFailure:
 *
 * One event that one destination of a bus did not take, and why.
 */

struct _ZuDeliveryFailure
{
  GObject parent_instance;

  ZuEventSink *destination;
  ZuEvent *event;
  GError *error;
};

G_DEFINE_FINAL_TYPE (ZuDeliveryFailure, zu_delivery_failure, G_TYPE_OBJECT)

enum
{
  PROP_DESTINATION = 1,
  PROP_EVENT,
  PROP_ERROR,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void
zu_delivery_failure_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuDeliveryFailure *self = ZU_DELIVERY_FAILURE (object);

  if (id == PROP_DESTINATION)
    g_value_set_object (value, self->destination);
  else if (id == PROP_EVENT)
    g_value_set_object (value, self->event);
  else
    g_value_set_boxed (value, self->error);
}

static void
zu_delivery_failure_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuDeliveryFailure *self = ZU_DELIVERY_FAILURE (object);

  if (id == PROP_DESTINATION)
    self->destination = g_value_dup_object (value);
  else if (id == PROP_EVENT)
    self->event = g_value_dup_object (value);
  else
    self->error = g_value_dup_boxed (value);
}

static void
zu_delivery_failure_finalize (GObject *object)
{
  ZuDeliveryFailure *self = ZU_DELIVERY_FAILURE (object);

  g_clear_object (&self->destination);
  g_clear_object (&self->event);
  g_clear_error (&self->error);
  G_OBJECT_CLASS (zu_delivery_failure_parent_class)->finalize (object);
}

static void
zu_delivery_failure_class_init (ZuDeliveryFailureClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_delivery_failure_get_property;
  object_class->set_property = zu_delivery_failure_set_property;
  object_class->finalize = zu_delivery_failure_finalize;

  /**
   * ZuDeliveryFailure:destination:
   *
   * Who did not take it.
   */
  props[PROP_DESTINATION] =
      g_param_spec_object ("destination", NULL, NULL, ZU_TYPE_EVENT_SINK, flags);
  /**
   * ZuDeliveryFailure:event:
   *
   * What it did not take, as it stands in the canonical sink.
   */
  props[PROP_EVENT] = g_param_spec_object ("event", NULL, NULL, ZU_TYPE_EVENT, flags);
  /**
   * ZuDeliveryFailure:error:
   *
   * Why.
   */
  props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_delivery_failure_init (ZuDeliveryFailure *self)
{
}

/**
 * zu_delivery_failure_get_destination:
 * @self: a failure
 *
 * Tells who did not take the event.
 *
 * Returns: (transfer none): the destination
 */
ZuEventSink *
zu_delivery_failure_get_destination (ZuDeliveryFailure *self)
{
  g_return_val_if_fail (ZU_IS_DELIVERY_FAILURE (self), NULL);

  return self->destination;
}

/**
 * zu_delivery_failure_get_event:
 * @self: a failure
 *
 * Tells what was not taken.
 *
 * Returns: (transfer none): the event, as it stands in the canonical sink
 */
ZuEvent *
zu_delivery_failure_get_event (ZuDeliveryFailure *self)
{
  g_return_val_if_fail (ZU_IS_DELIVERY_FAILURE (self), NULL);

  return self->event;
}

/**
 * zu_delivery_failure_get_error:
 * @self: a failure
 *
 * Tells why it was not taken.
 *
 * Returns: (transfer none): the error
 */
const GError *
zu_delivery_failure_get_error (ZuDeliveryFailure *self)
{
  g_return_val_if_fail (ZU_IS_DELIVERY_FAILURE (self), NULL);

  return self->error;
}
