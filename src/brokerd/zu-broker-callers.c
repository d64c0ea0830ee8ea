/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-broker-callers.h"

#include <string.h>

#define BUS         "org.freedesktop.DBus"
#define BUS_PATH    "/org/freedesktop/DBus"
#define BUS_TIMEOUT 5000

struct _ZuBrokerCallers
{
  GDBusConnection *connection;
  GCancellable *cancellable;
  gboolean with_unit;
  GHashTable *known; /* unique name → Entry */
};

typedef struct
{
  ZuBrokerCaller caller;
  GDBusConnection *connection;
  guint subscription;
} Entry;

typedef struct
{
  ZuBrokerCallers *callers;
  char *name;
  ZuBrokerCallerFound found;
  gpointer data;
} Search;

static void
entry_free (gpointer data)
{
  Entry *self = data;

  g_dbus_connection_signal_unsubscribe (self->connection, self->subscription);
  g_free (self->caller.gids);
  g_free (self->caller.unit);
  g_free (self);
}

static void
on_owner_changed (GDBusConnection *connection, const char *sender, const char *path,
                  const char *interface, const char *signal, GVariant *parameters, gpointer data)
{
  ZuBrokerCallers *self = data;
  const char *name;
  const char *owner;

  g_variant_get (parameters, "(&s&s&s)", &name, NULL, &owner);
  if (*owner == '\0')
    g_hash_table_remove (self->known, name);
}

static const char *
cgroup_path (const char *line)
{
  const char *v1 = strstr (line, ":name=systemd:");

  if (g_str_has_prefix (line, "0::"))
    return line + strlen ("0::");
  return v1 != NULL ? v1 + strlen (":name=systemd:") : "";
}

/* The unit is the first part below the slices, as in /system.slice/agent.service/payload. What
 * stands further down is of the unit's own making:
 * /user.slice/user-1000.slice/user@1000.service/agent.service is user@1000.service, whatever that
 * user calls its units. */
char *
zu_broker_unit_from_cgroup (const char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (gsize i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (cgroup_path (lines[i]), "/", -1);
      gsize n = 0;

      while (parts[n] != NULL && (*parts[n] == '\0' || g_str_has_suffix (parts[n], ".slice")))
        n++;
      if (parts[n] != NULL
          && (g_str_has_suffix (parts[n], ".service") || g_str_has_suffix (parts[n], ".scope")))
        return g_strdup (parts[n]);
    }
  return NULL;
}

static char *
read_unit (guint pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/cgroup", pid);
  g_autofree char *text = NULL;

  if (pid == 0 || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  return zu_broker_unit_from_cgroup (text);
}

static gboolean
read_credentials (Entry *entry, GVariant *reply, gboolean with_unit)
{
  g_autoptr (GVariant) credentials = g_variant_get_child_value (reply, 0);
  g_autoptr (GVariant) gids =
      g_variant_lookup_value (credentials, "UnixGroupIDs", G_VARIANT_TYPE ("au"));
  gconstpointer numbers;
  guint pid = 0;

  if (!g_variant_lookup (credentials, "UnixUserID", "u", &entry->caller.uid))
    return FALSE;
  if (gids != NULL)
    {
      numbers = g_variant_get_fixed_array (gids, &entry->caller.n_gids, sizeof (guint));
      entry->caller.gids = g_memdup2 (numbers, entry->caller.n_gids * sizeof (guint));
    }
  if (with_unit && g_variant_lookup (credentials, "ProcessID", "u", &pid))
    entry->caller.unit = read_unit (pid);
  return TRUE;
}

/* One that has gone meanwhile would stay here for ever, so the watch comes first: what it tells of
 * is removed once it is in. */
static Entry *
entry_new (ZuBrokerCallers *callers, const char *name)
{
  Entry *self = g_new0 (Entry, 1);

  self->connection = callers->connection;
  self->subscription =
      g_dbus_connection_signal_subscribe (callers->connection, BUS, BUS, "NameOwnerChanged",
                                          BUS_PATH, name, G_DBUS_SIGNAL_FLAGS_NONE,
                                          on_owner_changed, callers, NULL);
  return self;
}

static void
search_free (Search *self)
{
  g_free (self->name);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Search, search_free)

/* A number of a process may belong to another one by the time its unit is read; a connection that
 * is still there then has been of the one that was asked about. */
static void
on_still_there (GObject *connection, GAsyncResult *result, gpointer data)
{
  g_autoptr (Search) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (connection), result, &error);
  gboolean there = FALSE;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return; /* and there is nobody left to tell */
  if (reply != NULL)
    g_variant_get (reply, "(b)", &there);
  self->found (there ? g_hash_table_lookup (self->callers->known, self->name) : NULL, self->data);
}

static void
on_credentials (GObject *connection, GAsyncResult *result, gpointer data)
{
  g_autoptr (Search) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply =
      g_dbus_connection_call_finish (G_DBUS_CONNECTION (connection), result, &error);
  Entry *entry;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  entry = entry_new (self->callers, self->name);
  if (reply == NULL || !read_credentials (entry, reply, self->callers->with_unit))
    {
      entry_free (entry);
      self->found (NULL, self->data);
      return;
    }
  g_hash_table_replace (self->callers->known, g_strdup (self->name), entry);
  g_dbus_connection_call (self->callers->connection, BUS, BUS_PATH, BUS, "NameHasOwner",
                          g_variant_new ("(s)", self->name), G_VARIANT_TYPE ("(b)"),
                          G_DBUS_CALL_FLAGS_NONE, BUS_TIMEOUT, self->callers->cancellable,
                          on_still_there, self);
  self = NULL;
}

const ZuBrokerCaller *
zu_broker_callers_peek (ZuBrokerCallers *self, const char *name)
{
  return g_hash_table_lookup (self->known, name);
}

void
zu_broker_callers_find (ZuBrokerCallers *self, const char *name, ZuBrokerCallerFound found,
                        gpointer data)
{
  Search *search = g_new0 (Search, 1);

  search->callers = self;
  search->name = g_strdup (name);
  search->found = found;
  search->data = data;
  g_dbus_connection_call (self->connection, BUS, BUS_PATH, BUS, "GetConnectionCredentials",
                          g_variant_new ("(s)", name), G_VARIANT_TYPE ("(a{sv})"),
                          G_DBUS_CALL_FLAGS_NONE, BUS_TIMEOUT, self->cancellable, on_credentials,
                          search);
}

ZuBrokerCallers *
zu_broker_callers_new (GDBusConnection *connection)
{
  ZuBrokerCallers *self = g_new0 (ZuBrokerCallers, 1);

  self->connection = g_object_ref (connection);
  self->cancellable = g_cancellable_new ();
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  return self;
}

void
zu_broker_callers_reset (ZuBrokerCallers *self, gboolean with_unit)
{
  self->with_unit = with_unit;
  g_hash_table_remove_all (self->known);
}

void
zu_broker_callers_free (ZuBrokerCallers *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_hash_table_unref (self->known);
  g_object_unref (self->connection);
  g_free (self);
}
