/* SPDX-License-Identifier: Apache-2.0 */

/* Sessions: `cat` says what it is told, every other program its lines, whatever it is told. */

#include "zu-scripted-private.h"
#include <string.h>

#define TICK (5 * G_TIME_SPAN_MILLISECOND)

typedef struct
{
  char *sandbox;
  char *key; /* nullable: what it is shared by */
  GStrv argv;
  guint users;
  ZuScriptAnswer *answer;
  guint next;
} Session;

static void
session_free (Session *self)
{
  g_free (self->sandbox);
  g_free (self->key);
  g_strfreev (self->argv);
  zu_script_answer_free (self->answer);
  g_free (self);
}

GHashTable *
zu_scripted_sessions_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) session_free);
}

static gboolean
is_session_of (gpointer key, gpointer value, gpointer id)
{
  return strcmp (((Session *) value)->sandbox, id) == 0;
}

void
zu_scripted_sessions_end (GHashTable *sessions, const char *id)
{
  g_hash_table_foreach_remove (sessions, is_session_of, (gpointer) id);
}

/* With the lock held. */
static char *
open_session (ZuScripted *self, const char *id, const char *key, ZuProcessSpec *process,
              GError **error)
{
  const char *const *argv = zu_process_spec_get_argv (process);
  ZuScriptAnswer *answer;
  Session *session;
  char *name;

  if (!zu_scripted_find_box (self, id, error) || !zu_scripted_check_process (process, error)
      || !(answer = zu_script_answer (self->script, argv, error)))
    return NULL;
  session = g_new0 (Session, 1);
  session->sandbox = g_strdup (id);
  session->key = g_strdup (key);
  session->argv = g_strdupv ((GStrv) argv);
  session->users = 1;
  session->answer = answer;
  name = zu_scripted_next_name (self, "s");
  g_hash_table_insert (self->sessions, g_strdup (name), session);
  return name;
}

static char *
zu_scripted_open_session (ZuSandboxBackend *backend, const char *id, ZuProcessSpec *process,
                          GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return open_session (self, id, NULL, process, error);
}

/* Whether it has more to say, or may be told something. */
static gboolean
is_open (const Session *self)
{
  return self->answer->echoes_input || self->next < self->answer->lines->len;
}

/* With the lock held. */
static char *
find_shared (ZuScripted *self, const char *id, const char *key, Session **found)
{
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      *found = value;
      if (g_strcmp0 ((*found)->key, key) == 0 && strcmp ((*found)->sandbox, id) == 0
          && is_open (*found))
        return name;
    }
  return NULL;
}

static char *
zu_scripted_share_session (ZuSandboxBackend *backend, const char *id, const char *key,
                           ZuProcessSpec *process, GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const char *const *argv = zu_process_spec_get_argv (process);
  Session *session = NULL;
  const char *name = *key ? find_shared (self, id, key, &session) : NULL;

  if (*key && !name)
    return open_session (self, id, key, process, error);
  if (name && argv && g_strv_equal ((const char *const *) session->argv, argv))
    {
      session->users++;
      return g_strdup (name);
    }
  if (name)
    g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                 "the session that '%s' stands for runs another program", key);
  else
    g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                         "a shared session needs a key");
  return NULL;
}

/* With the lock held. */
static Session *
find_session (ZuScripted *self, const char *name, GError **error)
{
  Session *session = g_hash_table_lookup (self->sessions, name);

  if (session && zu_scripted_find_box (self, session->sandbox, NULL))
    return session;
  g_set_error (error, ZU_SCRIPTED_NOT_FOUND, "there is no session '%s'", name);
  return NULL;
}

static gboolean
zu_scripted_session_send (ZuSandboxBackend *backend, const char *name, ZuJson *message,
                          GCancellable *cancellable, GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Session *session = find_session (self, name, error);

  if (session && session->answer->echoes_input)
    g_ptr_array_add (session->answer->lines, zu_json_ref (message));
  return session != NULL;
}

/* The next line; NULL without an error where one may still come. */
static ZuJson *
take_line (ZuScripted *self, const char *name, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Session *session = find_session (self, name, error);

  if (!session)
    return NULL;
  if (session->next < session->answer->lines->len)
    return zu_json_ref (session->answer->lines->pdata[session->next++]);
  if (!is_open (session))
    g_set_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_CLOSED,
                 "session '%s' has said all of its lines", name);
  return NULL;
}

static ZuJson *
zu_scripted_session_receive (ZuSandboxBackend *backend, const char *name, gint64 timeout_ms,
                             GCancellable *cancellable, GError **error)
{
  gint64 until = g_get_monotonic_time () + CLAMP (timeout_ms, 0, G_MAXINT) * 1000;
  g_autoptr (GError) failure = NULL;
  ZuJson *line;

  while (!(line = take_line (ZU_SCRIPTED (backend), name, &failure)) && !failure
         && !g_cancellable_set_error_if_cancelled (cancellable, &failure))
    {
      if (g_get_monotonic_time () >= until)
        g_set_error_literal (&failure, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "no line came in time");
      else
        g_usleep (TICK);
      if (failure)
        break;
    }
  if (failure)
    g_propagate_error (error, g_steal_pointer (&failure));
  return line;
}

static gboolean
zu_scripted_close_session (ZuSandboxBackend *backend, const char *name, GCancellable *cancellable,
                           GError **error)
{
  ZuScripted *self = ZU_SCRIPTED (backend);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Session *session = g_hash_table_lookup (self->sessions, name);

  if (session && --session->users == 0)
    g_hash_table_remove (self->sessions, name);
  return TRUE;
}

void
zu_scripted_session_init (ZuSandboxBackendInterface *iface)
{
  iface->open_session = zu_scripted_open_session;
  iface->share_session = zu_scripted_share_session;
  iface->session_send = zu_scripted_session_send;
  iface->session_receive = zu_scripted_session_receive;
  iface->close_session = zu_scripted_close_session;
}
