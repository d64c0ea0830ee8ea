/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-maintenance-error.h"

static const struct
{
  ZuEventSinkError sink;
  ZuEventMaintenanceError maintenance;
} codes[] = {
  { ZU_EVENT_SINK_ERROR_FULL, ZU_EVENT_MAINTENANCE_ERROR_FULL },
  { ZU_EVENT_SINK_ERROR_BUSY, ZU_EVENT_MAINTENANCE_ERROR_BUSY },
  { ZU_EVENT_SINK_ERROR_POISONED, ZU_EVENT_MAINTENANCE_ERROR_POISONED },
  { ZU_EVENT_SINK_ERROR_FOREIGN, ZU_EVENT_MAINTENANCE_ERROR_FOREIGN },
  { ZU_EVENT_SINK_ERROR_MISSING, ZU_EVENT_MAINTENANCE_ERROR_MISSING },
  { ZU_EVENT_SINK_ERROR_READ_ONLY, ZU_EVENT_MAINTENANCE_ERROR_READ_ONLY },
  { ZU_EVENT_SINK_ERROR_UNDECODABLE, ZU_EVENT_MAINTENANCE_ERROR_UNDECODABLE },
};

/* What the rest of a sink says in the terms of EventSink, in those of EventMaintenance. */
void
zu_maintenance_error_translate (GError **error)
{
  if (error == NULL || *error == NULL || (*error)->domain != ZU_EVENT_SINK_ERROR)
    return;

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++)
    if ((*error)->code == (int) codes[i].sink)
      {
        (*error)->domain = ZU_EVENT_MAINTENANCE_ERROR;
        (*error)->code = (int) codes[i].maintenance;
        return;
      }
}
