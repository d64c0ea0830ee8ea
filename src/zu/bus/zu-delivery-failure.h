/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "../ports/zu-event-sink.h"

G_BEGIN_DECLS

#define ZU_TYPE_DELIVERY_FAILURE (zu_delivery_failure_get_type ())
G_DECLARE_FINAL_TYPE (ZuDeliveryFailure, zu_delivery_failure, ZU, DELIVERY_FAILURE, GObject)

ZuEventSink *zu_delivery_failure_get_destination (ZuDeliveryFailure *self);
ZuEvent *zu_delivery_failure_get_event (ZuDeliveryFailure *self);
const GError *zu_delivery_failure_get_error (ZuDeliveryFailure *self);

G_END_DECLS
