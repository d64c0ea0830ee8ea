/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-maintenance-error.h"
#include "zu-sqlite-maintain.h"
#include "zu-sqlite-sink-private.h"
#include "zu-sync-rate.h"

/* The port's verbs; what they do is in the other files of this name. */

static gboolean
prepare (ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  gboolean is_made =
      zu_sqlite_maintainer_prepare (zu_sqlite_sink_get_maintainer (ZU_SQLITE_SINK (sink)), error);

  if (!is_made)
    zu_maintenance_error_translate (error);
  return is_made;
}

static ZuLogFigures *
stat_log (ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  ZuLogFigures *figures = zu_sqlite_stat (zu_sqlite_sink_get_path (self),
                                          zu_sqlite_sink_get_params (self), cancellable, error);

  if (figures == NULL)
    zu_maintenance_error_translate (error);
  return figures;
}

static ZuSyncFigures *
measure_sync (ZuEventMaintenance *sink, gint64 milliseconds, GCancellable *cancellable,
              GError **error)
{
  g_autofree char *folder = g_path_get_dirname (zu_sqlite_sink_get_path (ZU_SQLITE_SINK (sink)));

  return zu_sync_rate_measure (folder, milliseconds, cancellable, error);
}

static char **
check (ZuEventMaintenance *sink, GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  GStrv problems = zu_sqlite_check (zu_sqlite_sink_get_path (self),
                                    zu_sqlite_sink_get_params (self), cancellable, error);

  if (problems == NULL)
    zu_maintenance_error_translate (error);
  return problems;
}

static void
on_copied (gint64 done, gint64 total, gpointer user_data)
{
  zu_event_maintenance_emit_copied (user_data, done, total);
}

static ZuCopyFigures *
backup (ZuEventMaintenance *sink, const char *path, GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  g_autofree char *target = zu_sqlite_sink_dup_resolved (path);
  ZuCopyFigures *figures = zu_sqlite_copy (zu_sqlite_sink_get_path (self), target,
                                           zu_sqlite_sink_get_params (self)->busy_timeout,
                                           on_copied, sink, cancellable, error);

  if (figures == NULL)
    zu_maintenance_error_translate (error);
  return figures;
}

static ZuRekeyPage *
rekey (ZuEventMaintenance *sink, gint64 after_seq, gint64 limit, GCancellable *cancellable,
       GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  ZuRekeyPage *page =
      zu_sqlite_maintainer_rekey (zu_sqlite_sink_get_maintainer (self), after_seq, limit, error);

  if (page == NULL)
    zu_maintenance_error_translate (error);
  return page;
}

static ZuReindexPage *
reindex (ZuEventMaintenance *sink, const char *const *fields, gint64 limit,
         GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  ZuReindexPage *page =
      zu_sqlite_maintainer_reindex (zu_sqlite_sink_get_maintainer (self), fields, limit, error);

  if (page == NULL)
    zu_maintenance_error_translate (error);
  return page;
}

void
zu_sqlite_sink_maintenance_init (ZuEventMaintenanceInterface *iface)
{
  iface->prepare = prepare;
  iface->stat = stat_log;
  iface->measure_sync = measure_sync;
  iface->check = check;
  iface->backup = backup;
  iface->rekey = rekey;
  iface->reindex = reindex;
}
