/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-port.h"

#include "../event/zu-event.h"
#include "../event/zu-filter.h"
#include "zu-ports-private.h"
#include "zu-record.h"

/* The ports that this process knows: ours from the start, others as they are registered. */
static GMutex ports_lock;
static GPtrArray *ports;

static void
add_locked (const ZuPortInfo *info)
{
  for (guint i = 0; i < ports->len; i++)
    if (strcmp (((const ZuPortInfo *) g_ptr_array_index (ports, i))->name, info->name) == 0)
      return;

  g_ptr_array_add (ports, (gpointer) info);
}

static void
ensure_ports_locked (void)
{
  if (ports != NULL)
    return;

  ports = g_ptr_array_new ();
  for (const ZuPortInfo *const *info = zu_get_builtin_ports (); *info != NULL; info++)
    add_locked (*info);
}

/**
 * zu_port_register: (skip)
 * @info: a port that is described elsewhere; static
 *
 * Makes a port known to the registry, the RPC server and the contract tests, and registers the
 * extension point of its kind. Registering one again changes nothing. A module with a port of its
 * own does it when it is loaded.
 */
void
zu_port_register (const ZuPortInfo *info)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&ports_lock);

  g_return_if_fail (info != NULL);

  ensure_ports_locked ();
  add_locked (info);
  g_io_extension_point_register (info->kind);
}

/**
 * zu_port_lookup: (skip)
 * @name: a port's name, as in EventSink
 *
 * Gives the port.
 *
 * Returns: (transfer none) (nullable): the port, or %NULL
 */
const ZuPortInfo *
zu_port_lookup (const char *name)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&ports_lock);

  g_return_val_if_fail (name != NULL, NULL);

  ensure_ports_locked ();
  for (guint i = 0; i < ports->len; i++)
    {
      const ZuPortInfo *info = g_ptr_array_index (ports, i);

      if (strcmp (info->name, name) == 0)
        return info;
    }

  return NULL;
}

/**
 * zu_port_lookup_for_object: (skip)
 * @object: an implementation
 * @kind: (nullable): an extension point; %NULL is any
 *
 * Gives the first port of that kind that @object implements.
 *
 * Returns: (transfer none) (nullable): the first port of that kind that @object implements
 */
const ZuPortInfo *
zu_port_lookup_for_object (GObject *object, const char *kind)
{
  g_autoptr (GPtrArray) known = zu_port_list ();

  for (guint i = 0; i < known->len; i++)
    {
      const ZuPortInfo *info = g_ptr_array_index (known, i);

      if ((kind == NULL || strcmp (info->kind, kind) == 0)
          && g_type_is_a (G_OBJECT_TYPE (object), info->get_type ()))
        return info;
    }

  return NULL;
}

/**
 * zu_port_list: (skip)
 *
 * Gives the ports known, ours first.
 *
 * Returns: (transfer container) (element-type ZuPortInfo): the ports known, ours first
 */
GPtrArray *
zu_port_list (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&ports_lock);

  ensure_ports_locked ();
  return g_ptr_array_copy (ports, NULL, NULL);
}

/**
 * zu_port_find_method: (skip)
 * @info: a port
 * @name: a verb
 *
 * Gives the verb.
 *
 * Returns: (transfer none) (nullable): the verb, or %NULL
 */
const ZuPortMethod *
zu_port_find_method (const ZuPortInfo *info, const char *name)
{
  for (guint i = 0; i < info->n_methods; i++)
    if (strcmp (info->methods[i].name, name) == 0)
      return &info->methods[i];

  return NULL;
}

static ZuJson *
result_to_json (const ZuPortMethod *method, const GValue *out)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  if (method->is_spread)
    return zu_record_to_json (g_value_get_object (out));
  if (method->out != NULL)
    zu_fields_to_json (method->out, 1, out, builder);
  else
    zu_fields_to_json (NULL, 0, NULL, builder);

  return zu_json_builder_end (builder, NULL);
}

/**
 * zu_port_dispatch: (skip)
 * @info: a port
 * @object: an implementation of it
 * @method: the verb's name, as it came
 * @args: (nullable): an object of its arguments; %NULL is an empty one
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error, or %NULL
 *
 * Carries out a verb whose name and arguments came over a wire. %G_IO_ERROR_NOT_FOUND where there
 * is no such verb, %G_IO_ERROR_INVALID_ARGUMENT where an argument is unknown, missing or wrong.
 *
 * Returns: (transfer full): an object of the results, or %NULL
 */
ZuJson *
zu_port_dispatch (const ZuPortInfo *info, GObject *object, const char *method, ZuJson *args,
                  GCancellable *cancellable, GError **error)
{
  const ZuPortMethod *found = zu_port_find_method (info, method);
  g_autofree GValue *in = NULL;
  g_auto (GValue) out = G_VALUE_INIT;
  ZuJson *result = NULL;

  if (found == NULL || !found->is_wire)
    {
      g_autofree char *shown = g_strescape (method, NULL);

      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "unknown method '%.64s'", shown);
      return NULL;
    }

  in = g_new0 (GValue, found->n_in + 1);
  g_value_init (&out, found->out != NULL ? zu_field_get_gtype (found->out) : G_TYPE_BOOLEAN);
  if (zu_fields_from_json (found->in, found->n_in, args, in, error)
      && found->invoke (object, in, &out, cancellable, error))
    result = result_to_json (found, &out);

  zu_values_clear (in, found->n_in);
  return result;
}

static ZuJson *
arguments_to_json (const ZuPortMethod *method, const GValue *in)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_fields_to_json (method->in, method->n_in, in, builder);
  return zu_json_builder_end (builder, NULL);
}

static gboolean
result_from_json (const ZuPortMethod *method, ZuJson *json, GValue *out, GError **error)
{
  if (method->is_spread)
    return zu_field_from_json (method->out, json, out, error);
  if (method->out != NULL)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (!zu_fields_from_json (method->out, 1, json, &value, error))
        return FALSE;
      g_value_copy (&value, out);
      return TRUE;
    }

  g_value_set_boolean (out, TRUE);
  return TRUE;
}

/* What the other side refused in its own words becomes the port's own error, and so does that it is
 * gone, where the port has a code for it. */
static void
own_error (const ZuPortInfo *info, GError **error)
{
  g_autofree char *text = NULL;

  if (error == NULL)
    return;
  if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED))
    text = g_strconcat ("closed: ", (*error)->message, NULL);
  else if (g_error_matches (*error, ZU_REMOTE_ERROR, ZU_REMOTE_ERROR_REFUSED))
    text = g_strdup ((*error)->message);
  else
    return;

  g_clear_error (error);
  *error = zu_port_error_from_text (info, text);
}

static gboolean
check_wire (const ZuPortInfo *info, const ZuPortMethod *method, GError **error)
{
  if (method->is_wire)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "%s.%s cannot be called over a wire",
               info->name, method->name);
  return FALSE;
}

/**
 * zu_port_call_remote: (skip)
 * @info: a port
 * @method: a verb of it
 * @remote: the other side
 * @in: the arguments
 * @out: an initialised value, set to the result
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error, or %NULL
 *
 * What a proxy's verb does.
 *
 * Returns: whether there is a result
 */
gboolean
zu_port_call_remote (const ZuPortInfo *info, const ZuPortMethod *method, ZuRemote *remote,
                     const GValue *in, GValue *out, GCancellable *cancellable, GError **error)
{
  g_autoptr (ZuJson) args = NULL;
  g_autoptr (ZuJson) json = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!check_wire (info, method, error))
    return FALSE;

  args = arguments_to_json (method, in);
  json = zu_remote_call (remote, method->name, args, cancellable, &local_error);
  if (json == NULL)
    {
      own_error (info, &local_error);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  return result_from_json (method, json, out, error);
}

typedef struct
{
  const ZuPortInfo *info;
  const ZuPortMethod *method;
  ZuCall *call;
} Pending;

static void
remote_answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree Pending *pending = data;
  g_autoptr (ZuCall) call = pending->call;
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json = zu_remote_call_finish (ZU_REMOTE (source), result, &error);
  g_auto (GValue) out = G_VALUE_INIT;

  g_value_init (&out, pending->method->out != NULL ? zu_field_get_gtype (pending->method->out)
                                                   : G_TYPE_BOOLEAN);
  if (json != NULL && result_from_json (pending->method, json, &out, &error))
    {
      zu_call_return_value (call, &out);
      return;
    }

  own_error (pending->info, &error);
  zu_call_return_error (call, error);
}

/**
 * zu_port_begin_remote: (skip)
 * @info: a port
 * @method: a verb of it
 * @remote: the other side
 * @in: the arguments
 * @call: the call, which is answered when the other side has answered
 *
 * What a proxy's verb does for an asynchronous caller.
 */
void
zu_port_begin_remote (const ZuPortInfo *info, const ZuPortMethod *method, ZuRemote *remote,
                      const GValue *in, ZuCall *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) args = NULL;
  Pending *pending;

  if (!check_wire (info, method, &error))
    {
      zu_call_return_error (call, error);
      return;
    }

  args = arguments_to_json (method, in);
  pending = g_new0 (Pending, 1);
  pending->info = info;
  pending->method = method;
  pending->call = g_object_ref (call);
  zu_remote_call_async (remote, method->name, args, zu_call_get_cancellable (call), remote_answered,
                        pending);
}

/* The codes that every port shares. */
static const struct
{
  const char *code;
  GIOErrorEnum number;
} common_codes[] = {
  { "failed", G_IO_ERROR_FAILED },
  { "invalid-argument", G_IO_ERROR_INVALID_ARGUMENT },
  { "not-found", G_IO_ERROR_NOT_FOUND },
  { "not-supported", G_IO_ERROR_NOT_SUPPORTED },
  { "permission-denied", G_IO_ERROR_PERMISSION_DENIED },
  { "cancelled", G_IO_ERROR_CANCELLED },
  { "timed-out", G_IO_ERROR_TIMED_OUT },
  { "closed", G_IO_ERROR_CONNECTION_CLOSED },
};

static const char *
get_code (const ZuPortInfo *info, const GError *error)
{
  if (error->domain == info->get_error_quark () && error->code >= 0
      && error->code < (int) g_strv_length ((char **) info->error_codes))
    return info->error_codes[error->code];
  if (error->domain == ZU_EVENT_ERROR || error->domain == ZU_JSON_ERROR
      || error->domain == ZU_FILTER_ERROR)
    return "invalid-argument";
  if (error->domain == G_IO_ERROR)
    for (guint i = 0; i < G_N_ELEMENTS (common_codes); i++)
      if ((int) common_codes[i].number == error->code)
        return common_codes[i].code;

  return "failed";
}

/**
 * zu_port_dup_error_text: (skip)
 * @info: a port
 * @error: an error of one of its verbs
 *
 * Gives @error as it crosses a wire: `code: sentence`.
 *
 * Returns: (transfer full): @error as it crosses a wire: `code: sentence`
 */
char *
zu_port_dup_error_text (const ZuPortInfo *info, const GError *error)
{
  return g_strconcat (get_code (info, error), ": ", error->message, NULL);
}

/**
 * zu_port_error_from_text: (skip)
 * @info: a port
 * @text: an error as it crossed a wire
 *
 * Turns a known code back into the port's own error, one that all ports share into a #GIOError,
 * and anything else into %G_IO_ERROR_FAILED with the whole text.
 *
 * Returns: (transfer full): the error
 */
GError *
zu_port_error_from_text (const ZuPortInfo *info, const char *text)
{
  const char *colon = strstr (text, ": ");
  g_autofree char *code = colon != NULL ? g_strndup (text, colon - text) : NULL;

  if (code == NULL)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, text);
  for (int i = 0; info->error_codes[i] != NULL; i++)
    if (strcmp (info->error_codes[i], code) == 0)
      return g_error_new_literal (info->get_error_quark (), i, colon + 2);
  for (guint i = 0; i < G_N_ELEMENTS (common_codes); i++)
    if (strcmp (common_codes[i].code, code) == 0)
      return g_error_new_literal (G_IO_ERROR, common_codes[i].number, colon + 2);

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED, text);
}
