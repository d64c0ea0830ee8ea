/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sqlite-sink.h"

#include "zu-sqlite-audit.h"
#include "zu-sqlite-reader.h"
#include "zu-sqlite-sink-private.h"
#include "zu-sqlite-store.h"

#include <stdlib.h>

#define BUSY_TIMEOUT  5000
#define SPACE_WARNING (64 * 1024 * 1024)

/**
 * ZuSqliteSink:
 *
 * A log in a SQLite database.
 *
 * An append is answered after the commit that holds it has reached the disk. Appends that wait at
 * the same moment share one commit, in whatever thread or main loop they wait; a lone one is
 * committed in the thread of its caller. The trace's head is read in the same transaction.
 *
 * Opening a sink touches no file. The first append opens the log, and makes it where there is none;
 * reading makes and changes nothing. All sinks of one process on one file share one writing
 * connection, and a lock file beside the log (`NAME.lock`) sees to it that only one process at a
 * time writes.
 *
 * The sink may be used from any thread. `append` and `append_many` wait for the disk and, at most
 * [property@Zu.SqliteSink:busy-timeout], for other programs; their asynchronous forms never block
 * the caller's main loop. It must not be used in a forked child.
 */
struct _ZuSqliteSink
{
  GObject parent_instance;

  char *given_path;
  char *path;
  char *role;
  ZuSqliteParams params;
  gint64 learned; /* what the log says of its rows in plain text */

  GMutex lock;
  ZuSqliteStore *store; /* since the first append */
  ZuSqliteReaders *readers;
  ZuSqliteMaintainer *maintainer; /* since the log was looked after first */
};

enum
{
  PROP_PATH = 1,
  PROP_ROLE,
  PROP_CODECS,
  PROP_SIGN_KEY,
  PROP_INDEX_FIELDS,
  PROP_BUSY_TIMEOUT,
  PROP_ENCRYPTED_FROM,
  PROP_SPACE_WARNING,
  PROP_LOW_ON_SPACE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void zu_sqlite_sink_iface_init (ZuEventSinkInterface *iface);
static void zu_sqlite_sink_audit_init (ZuEventAuditInterface *iface);
static void zu_sqlite_sink_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (
    ZuSqliteSink, zu_sqlite_sink, G_TYPE_OBJECT,
    G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_SINK, zu_sqlite_sink_iface_init)
        G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_AUDIT, zu_sqlite_sink_audit_init)
            G_IMPLEMENT_INTERFACE (ZU_TYPE_EVENT_MAINTENANCE, zu_sqlite_sink_maintenance_init)
                G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, zu_sqlite_sink_initable_init))

static ZuSqliteStore *
get_store (ZuSqliteSink *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->store == NULL)
    self->store = zu_sqlite_store_get (self->path, ZU_EVENT_SINK (self));
  return self->store;
}

const char *
zu_sqlite_sink_get_path (ZuSqliteSink *self)
{
  return self->path;
}

const ZuSqliteParams *
zu_sqlite_sink_get_params (ZuSqliteSink *self)
{
  return &self->params;
}

ZuSqliteMaintainer *
zu_sqlite_sink_get_maintainer (ZuSqliteSink *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->maintainer == NULL)
    self->maintainer = zu_sqlite_maintainer_new (self->path, &self->params);
  return self->maintainer;
}

static ZuEvent *
zu_sqlite_sink_append (ZuEventSink *sink, ZuEvent *event, GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  g_auto (ZuSqliteOp) op;

  zu_sqlite_op_init (&op, &self->params, event, NULL, cancellable);
  zu_sqlite_store_run (get_store (self), &op);
  if (op.error != NULL)
    g_propagate_error (error, g_steal_pointer (&op.error));
  return g_steal_pointer (&op.stored);
}

static GPtrArray *
zu_sqlite_sink_append_many (ZuEventSink *sink, GPtrArray *events, GCancellable *cancellable,
                            GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  g_auto (ZuSqliteOp) op;

  zu_sqlite_op_init (&op, &self->params, NULL, events, cancellable);
  zu_sqlite_store_run (get_store (self), &op);
  if (op.error != NULL)
    g_propagate_error (error, g_steal_pointer (&op.error));
  return g_steal_pointer (&op.stored_many);
}

static void
zu_sqlite_sink_append_begin (ZuEventSink *sink, ZuEvent *event, ZuCall *call)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);

  zu_sqlite_store_push (get_store (self),
                        zu_sqlite_op_new_for_call (&self->params, event, NULL, call));
}

static void
zu_sqlite_sink_append_many_begin (ZuEventSink *sink, GPtrArray *events, ZuCall *call)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);

  zu_sqlite_store_push (get_store (self),
                        zu_sqlite_op_new_for_call (&self->params, NULL, events, call));
}

/* What a reading gathers. */
typedef struct
{
  const ZuSqliteParams *params;
  GPtrArray *events;
  gint64 seq; /* the last row that was looked at */
  gboolean stops_before_bad_row;
} Gathering;

static ZuSqliteRowResult
gather_row (sqlite3_stmt *row, ZuFilter *ctx, gpointer data, GError **error)
{
  Gathering *gathering = data;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ZuEvent) event = zu_sqlite_row_decode (row, gathering->params, &local_error);

  if (event == NULL && gathering->stops_before_bad_row && gathering->events->len > 0)
    return ZU_SQLITE_ROW_STOP;
  if (event == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return ZU_SQLITE_ROW_FAILED;
    }

  if (ctx != NULL && !zu_filter_matches (ctx, event))
    return ZU_SQLITE_ROW_SKIPPED;
  gathering->seq = sqlite3_column_int64 (row, ZU_SQLITE_ROW_SEQ);
  g_ptr_array_add (gathering->events, g_steal_pointer (&event));
  return ZU_SQLITE_ROW_GIVEN;
}

static gboolean
check_filter (ZuSqliteSink *self, ZuFilter *filter, GError **error)
{
  return zu_sink_check_filter (filter, (const char *const *) self->params.index_fields, error);
}

static GPtrArray *
zu_sqlite_sink_query (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                      GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  ZuSqliteRead read = { filter, &self->params, after_seq, limit, cancellable };
  Gathering gathering = { &self->params, events, after_seq, FALSE };

  if (!check_filter (self, filter, error)
      || !zu_sqlite_readers_read (self->readers, &read, gather_row, &gathering, error))
    return NULL;

  return g_steal_pointer (&events);
}

/* A page ends before a row that cannot be read, and only the page that begins with it fails. */
static ZuEventPage *
zu_sqlite_sink_stream (ZuEventSink *sink, ZuFilter *filter, gint64 after_seq, gint64 limit,
                       GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func (g_object_unref);
  ZuSqliteRead read = { filter, &self->params, after_seq, MAX (limit, 1), cancellable };
  Gathering gathering = { &self->params, events, after_seq, TRUE };

  if (!check_filter (self, filter, error)
      || !zu_sqlite_readers_read (self->readers, &read, gather_row, &gathering, error))
    return NULL;

  return zu_event_page_new (events, gathering.seq);
}

static gint64
zu_sqlite_sink_count (ZuEventSink *sink, ZuFilter *filter, GCancellable *cancellable,
                      GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (sink);
  ZuSqliteRead read = { filter, &self->params, 0, -1, cancellable };
  gint64 count = 0;

  if (!check_filter (self, filter, error)
      || !zu_sqlite_readers_count (self->readers, &read, &count, error))
    return 0;

  return count;
}

static void
zu_sqlite_sink_iface_init (ZuEventSinkInterface *iface)
{
  iface->append = zu_sqlite_sink_append;
  iface->append_begin = zu_sqlite_sink_append_begin;
  iface->append_many = zu_sqlite_sink_append_many;
  iface->append_many_begin = zu_sqlite_sink_append_many_begin;
  iface->query = zu_sqlite_sink_query;
  iface->stream = zu_sqlite_sink_stream;
  iface->count = zu_sqlite_sink_count;
}

static GBytes *
read_rows (ZuSqliteSink *self, const ZuSqliteRead *read, gint64 *next_seq, GError **error)
{
  return check_filter (self, read->filter, error)
             ? zu_sqlite_audit_rows (self->readers, read, next_seq, error)
             : NULL;
}

static ZuAuditPage *
zu_sqlite_sink_audit (ZuEventAudit *audit, ZuFilter *filter, gint64 after_seq, gint64 limit,
                      GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (audit);
  ZuSqliteRead read = { filter, &self->params, after_seq, MAX (limit, 1), cancellable };
  gint64 next_seq;
  g_autoptr (GBytes) rows = read_rows (self, &read, &next_seq, error);

  return rows != NULL ? zu_rows_audit (rows, self->params.codecs, next_seq, error) : NULL;
}

static ZuAuditRows *
zu_sqlite_sink_rows (ZuEventAudit *audit, ZuFilter *filter, gint64 after_seq, gint64 limit,
                     GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (audit);
  ZuSqliteRead read = { filter, &self->params, after_seq, MAX (limit, 1), cancellable };
  gint64 next_seq;
  g_autoptr (GBytes) rows = read_rows (self, &read, &next_seq, error);

  return rows != NULL ? zu_audit_rows_new (rows, next_seq) : NULL;
}

static GBytes *
zu_sqlite_sink_reveal (ZuEventAudit *audit, GBytes *rows, GCancellable *cancellable, GError **error)
{
  return zu_rows_reveal (rows, ZU_SQLITE_SINK (audit)->params.codecs, error);
}

static ZuSealPage *
zu_sqlite_sink_seals (ZuEventAudit *audit, gint64 after, gint64 changed_after, gint64 limit,
                      GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (audit);

  return zu_sqlite_readers_read_seals (self->readers, &self->params, after, changed_after,
                                       MAX (limit, 1), error);
}

static void
zu_sqlite_sink_audit_init (ZuEventAuditInterface *iface)
{
  iface->seals = zu_sqlite_sink_seals;
  iface->audit = zu_sqlite_sink_audit;
  iface->rows = zu_sqlite_sink_rows;
  iface->reveal = zu_sqlite_sink_reveal;
}

/* One file has one path here, whatever links lead to it: by that its sinks find one another. */
char *
zu_sqlite_sink_dup_resolved (const char *given)
{
  g_autofree char *absolute = g_canonicalize_filename (given, NULL);
  g_autofree char *folder = g_path_get_dirname (absolute);
  g_autofree char *name = g_path_get_basename (absolute);
  char *whole = realpath (absolute, NULL);
  char *real_folder, *path;

  if (whole != NULL)
    {
      path = g_strdup (whole);
      free (whole);
      return path;
    }

  real_folder = realpath (folder, NULL);
  path = g_build_filename (real_folder != NULL ? real_folder : folder, name, NULL);
  free (real_folder);
  return path;
}

static gboolean
zu_sqlite_sink_initable_real_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (initable);

  if (self->given_path == NULL || *self->given_path == '\0')
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                           "a sqlite sink needs the path of its log (as in sqlite:PATH)");
      return FALSE;
    }
  if (!zu_sink_role_parse (self->role, &self->params.role, error)
      || !zu_sink_check_fields ((const char *const *) self->params.index_fields, error))
    return FALSE;

  if (self->params.codecs == NULL)
    self->params.codecs = zu_codec_set_new ();
  self->path = zu_sqlite_sink_dup_resolved (self->given_path);
  self->readers = zu_sqlite_readers_new (self->path);
  return TRUE;
}

static void
zu_sqlite_sink_initable_init (GInitableIface *iface)
{
  iface->init = zu_sqlite_sink_initable_real_init;
}

static void
zu_sqlite_sink_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (object);

  switch (id)
    {
    case PROP_PATH:
      self->given_path = g_value_dup_string (value);
      break;
    case PROP_ROLE:
      self->role = g_value_dup_string (value);
      break;
    case PROP_CODECS:
      self->params.codecs = g_value_dup_object (value);
      break;
    case PROP_SIGN_KEY:
      self->params.sign_key = g_value_dup_boxed (value);
      break;
    case PROP_INDEX_FIELDS:
      self->params.index_fields = g_value_dup_boxed (value);
      break;
    case PROP_BUSY_TIMEOUT:
      self->params.busy_timeout = g_value_get_uint (value);
      break;
    case PROP_ENCRYPTED_FROM:
      self->params.encrypted_from = g_value_get_int64 (value);
      break;
    case PROP_SPACE_WARNING:
      self->params.space_warning = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static gboolean
is_low_on_space (ZuSqliteSink *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->store != NULL && zu_sqlite_store_is_low_on_space (self->store);
}

static void
zu_sqlite_sink_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (object);

  switch (id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_LOW_ON_SPACE:
      g_value_set_boolean (value, is_low_on_space (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_sqlite_sink_finalize (GObject *object)
{
  ZuSqliteSink *self = ZU_SQLITE_SINK (object);

  /* Readers first: while one is open, SQLite keeps the write-ahead log. */
  g_clear_pointer (&self->readers, zu_sqlite_readers_free);
  g_clear_pointer (&self->maintainer, zu_sqlite_maintainer_free);
  g_clear_pointer (&self->store, zu_sqlite_store_release);
  g_clear_object (&self->params.codecs);
  g_clear_pointer (&self->params.sign_key, zu_secret_unref);
  g_strfreev (self->params.index_fields);
  g_free (self->given_path);
  g_free (self->path);
  g_free (self->role);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (zu_sqlite_sink_parent_class)->finalize (object);
}

static void
zu_sqlite_sink_class_init (ZuSqliteSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->set_property = zu_sqlite_sink_set_property;
  object_class->get_property = zu_sqlite_sink_get_property;
  object_class->finalize = zu_sqlite_sink_finalize;

  /**
   * ZuSqliteSink:path:
   *
   * The database file; once the sink is made, absolute and without links.
   */
  props[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, flags | G_PARAM_READABLE);
  /**
   * ZuSqliteSink:role:
   *
   * `canonical` links events; `copy` takes what another sink has linked.
   */
  props[PROP_ROLE] = g_param_spec_string ("role", NULL, NULL, "canonical", flags);
  /**
   * ZuSqliteSink:codecs:
   *
   * What blobs are read and written with; plain text where it is %NULL.
   */
  props[PROP_CODECS] = g_param_spec_object ("codecs", NULL, NULL, ZU_TYPE_CODEC_SET, flags);
  /**
   * ZuSqliteSink:sign-key:
   *
   * What linked events are signed with; %NULL for no signature.
   */
  props[PROP_SIGN_KEY] = g_param_spec_boxed ("sign-key", NULL, NULL, ZU_TYPE_SECRET, flags);
  /**
   * ZuSqliteSink:index-fields:
   *
   * Fields of `payload.ctx` that can be filtered by. The first append completes the side index of
   * a field that the log did not have so far.
   */
  props[PROP_INDEX_FIELDS] = g_param_spec_boxed ("index-fields", NULL, NULL, G_TYPE_STRV, flags);
  /**
   * ZuSqliteSink:busy-timeout:
   *
   * For how many milliseconds an append or a page waits for other programs at most.
   */
  props[PROP_BUSY_TIMEOUT] =
      g_param_spec_uint ("busy-timeout", NULL, NULL, 0, G_MAXINT, BUSY_TIMEOUT, flags);
  /**
   * ZuSqliteSink:encrypted-from:
   *
   * The sequence number from which on a row in plain text is refused, in reading and in writing; 0
   * for none. The first append records it in the log, where it holds for every reader from then on
   * and can only be made to begin earlier. What a log asks for and what a sink asks for is asked
   * for together.
   */
  props[PROP_ENCRYPTED_FROM] =
      g_param_spec_int64 ("encrypted-from", NULL, NULL, 0, G_MAXINT64, 0, flags);
  /**
   * ZuSqliteSink:space-warning:
   *
   * How many bytes are to be left on the log's disk: with less it warns, before appends are
   * refused. 0 for no warning.
   */
  props[PROP_SPACE_WARNING] =
      g_param_spec_uint64 ("space-warning", NULL, NULL, 0, G_MAXUINT64, SPACE_WARNING, flags);
  /**
   * ZuSqliteSink:low-on-space:
   *
   * Whether less than [property@Zu.SqliteSink:space-warning] is left. Looked at once a second while
   * events are appended, and told of from the thread that committed. It ends when a quarter more
   * than that is there again.
   */
  props[PROP_LOW_ON_SPACE] =
      g_param_spec_boolean ("low-on-space", NULL, NULL, FALSE,
                            G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_sqlite_sink_init (ZuSqliteSink *self)
{
  g_mutex_init (&self->lock);
  self->params.learned = &self->learned;
}
