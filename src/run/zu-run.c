/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run.h"

#include "zu-run-attempt.h"

/**
 * ZuRun:
 *
 * One command, run contained and written down.
 *
 * A run is put together from ports: a [iface@Zu.SandboxBackend] gives the sandbox, and every step
 * is an event that is committed before the next step is taken. Its trace begins with
 * `harness.task.started` and ends with `harness.task.completed`, where the command came to its own
 * end, or `harness.task.terminal`, where something else ended the run.
 *
 * What a run sets up it undoes, in reverse order, whatever happens.
 *
 * A run may be made in any thread and is used in one.
 */
struct _ZuRun
{
  GObject parent_instance;

  ZuSandboxBackend *backend;
  char *backend_name;
  ZuEventBus *bus;
  char *source;
  char *sink;
  ZuEgressEnforcement *mechanism; /* nullable */
  ZuRunEgressPolicy egress;
  GPtrArray *needed; /* of rules */
  ZuRunJournal *journal;
};

enum
{
  PROP_BACKEND = 1,
  PROP_BACKEND_NAME,
  PROP_BUS,
  PROP_SOURCE,
  PROP_SINK,
  PROP_ENFORCEMENT,
  PROP_ALLOW,
  PROP_ALLOW_ANY,
  PROP_OBSERVE,
  PROP_SNI,
  N_PROPERTIES
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (ZuRun, zu_run, G_TYPE_OBJECT)

static void
zu_run_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuRun *self = ZU_RUN (object);

  switch (id)
    {
    case PROP_BACKEND:
      g_value_set_object (value, self->backend);
      break;
    case PROP_BACKEND_NAME:
      g_value_set_string (value, self->backend_name);
      break;
    case PROP_BUS:
      g_value_set_object (value, self->bus);
      break;
    case PROP_SOURCE:
      g_value_set_string (value, self->source);
      break;
    case PROP_SINK:
      g_value_set_string (value, self->sink);
      break;
    case PROP_ENFORCEMENT:
      g_value_set_object (value, self->mechanism);
      break;
    case PROP_ALLOW:
      g_value_set_boxed (value, self->egress.allow);
      break;
    case PROP_ALLOW_ANY:
      g_value_set_boolean (value, self->egress.is_any);
      break;
    case PROP_OBSERVE:
      g_value_set_boolean (value, self->egress.is_observing);
      break;
    case PROP_SNI:
      g_value_set_string (value, self->egress.sni);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_run_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ZuRun *self = ZU_RUN (object);

  switch (id)
    {
    case PROP_BACKEND:
      self->backend = g_value_dup_object (value);
      break;
    case PROP_BACKEND_NAME:
      self->backend_name = g_value_dup_string (value);
      break;
    case PROP_BUS:
      self->bus = g_value_dup_object (value);
      break;
    case PROP_SOURCE:
      self->source = g_value_dup_string (value);
      break;
    case PROP_SINK:
      g_free (self->sink);
      self->sink = g_value_dup_string (value);
      break;
    case PROP_ENFORCEMENT:
      g_set_object (&self->mechanism, g_value_get_object (value));
      break;
    case PROP_ALLOW:
      g_strfreev (self->egress.allow);
      self->egress.allow = g_value_dup_boxed (value);
      break;
    case PROP_ALLOW_ANY:
      self->egress.is_any = g_value_get_boolean (value);
      break;
    case PROP_OBSERVE:
      self->egress.is_observing = g_value_get_boolean (value);
      break;
    case PROP_SNI:
      g_free (self->egress.sni);
      self->egress.sni = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
zu_run_constructed (GObject *object)
{
  ZuRun *self = ZU_RUN (object);

  G_OBJECT_CLASS (zu_run_parent_class)->constructed (object);
  self->journal = zu_run_journal_new (self->bus, self->source);
}

static void
zu_run_finalize (GObject *object)
{
  ZuRun *self = ZU_RUN (object);

  zu_run_journal_free (self->journal);
  zu_run_egress_policy_clear (&self->egress);
  g_ptr_array_unref (self->needed);
  g_object_unref (self->backend);
  g_object_unref (self->bus);
  g_clear_object (&self->mechanism);
  g_free (self->backend_name);
  g_free (self->source);
  g_free (self->sink);
  G_OBJECT_CLASS (zu_run_parent_class)->finalize (object);
}

static void
zu_run_class_init (ZuRunClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->get_property = zu_run_get_property;
  object_class->set_property = zu_run_set_property;
  object_class->constructed = zu_run_constructed;
  object_class->finalize = zu_run_finalize;

  /**
   * ZuRun:backend:
   *
   * What gives the sandbox.
   */
  properties[PROP_BACKEND] =
      g_param_spec_object ("backend", NULL, NULL, ZU_TYPE_SANDBOX_BACKEND, flags);
  /**
   * ZuRun:backend-name:
   *
   * The name that the events give the backend.
   */
  properties[PROP_BACKEND_NAME] = g_param_spec_string ("backend-name", NULL, NULL, NULL, flags);
  /**
   * ZuRun:bus:
   *
   * Where the events go; its canonical sink links and commits them.
   */
  properties[PROP_BUS] = g_param_spec_object ("bus", NULL, NULL, ZU_TYPE_EVENT_BUS, flags);
  /**
   * ZuRun:source:
   *
   * The source that the events name.
   */
  properties[PROP_SOURCE] = g_param_spec_string ("source", NULL, NULL, NULL, flags);
  /**
   * ZuRun:sink:
   *
   * URI of the sink that the last event goes to when this process is killed, which is then written
   * by what holds the sandbox. Without one such a run stays open in the log.
   */
  properties[PROP_SINK] =
      g_param_spec_string ("sink", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * ZuRun:enforcement:
   *
   * What is put around the sandbox's network, whose mode is then isolated whatever its spec says:
   * in force before the command, and revoked after it. Without one, a run has the network that its
   * spec asks for.
   */
  properties[PROP_ENFORCEMENT] =
      g_param_spec_object ("enforcement", NULL, NULL, ZU_TYPE_EGRESS_ENFORCEMENT,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * ZuRun:allow:
   *
   * What the command may reach through the proxy: rules `HOST[:PORT]`, as
   * zuctl-egress(1) has them. Where there are none, and nothing else asks for a proxy, it
   * reaches nothing.
   */
  properties[PROP_ALLOW] = g_param_spec_boxed ("allow", NULL, NULL, G_TYPE_STRV,
                                               G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * ZuRun:allow-any:
   *
   * Whether every public host may be reached; it is told in the first event.
   */
  properties[PROP_ALLOW_ANY] = g_param_spec_boolean ("allow-any", NULL, NULL, FALSE,
                                                     G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * ZuRun:observe:
   *
   * Whether everything is refused, and noted as what the run would have needed.
   */
  properties[PROP_OBSERVE] = g_param_spec_boolean ("observe", NULL, NULL, FALSE,
                                                   G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * ZuRun:sni:
   *
   * Whether the name in a TLS handshake must be the one that the tunnel was asked for: `require`
   * (as NULL), `check` or `off`; see zu-egress-proxy(1).
   */
  properties[PROP_SNI] =
      g_param_spec_string ("sni", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
zu_run_init (ZuRun *self)
{
  self->needed = g_ptr_array_new_with_free_func (g_free);
}

/**
 * zu_run_new:
 * @backend: what gives the sandbox
 * @backend_name: the name that the events give it
 * @bus: where the events go
 * @source: the source that the events name
 *
 * Makes a run; nothing happens yet.
 *
 * Returns: (transfer full): the run
 */
ZuRun *
zu_run_new (ZuSandboxBackend *backend, const char *backend_name, ZuEventBus *bus,
            const char *source)
{
  g_return_val_if_fail (ZU_IS_SANDBOX_BACKEND (backend), NULL);
  g_return_val_if_fail (backend_name != NULL, NULL);
  g_return_val_if_fail (ZU_IS_EVENT_BUS (bus), NULL);
  g_return_val_if_fail (source != NULL, NULL);

  return g_object_new (ZU_TYPE_RUN, "backend", backend, "backend-name", backend_name, "bus", bus,
                       "source", source, NULL);
}

/**
 * zu_run_get_trace_id:
 * @self: a run
 *
 * Returns: (transfer none): the trace that all its events are in
 */
const char *
zu_run_get_trace_id (ZuRun *self)
{
  g_return_val_if_fail (ZU_IS_RUN (self), NULL);

  return zu_run_journal_get_trace_id (self->journal);
}

/**
 * zu_run_get_needed:
 * @self: a run that was executed with [property@Zu.Run:observe]
 *
 * Returns: (transfer none) (element-type utf8): the rules that would have let through what was
 *   asked for, in the order in which it was, each once
 */
GPtrArray *
zu_run_get_needed (ZuRun *self)
{
  g_return_val_if_fail (ZU_IS_RUN (self), NULL);

  return self->needed;
}

/**
 * zu_run_execute:
 * @self: a run that was not executed yet
 * @spec: the sandbox
 * @process: the command, its environment and its time limit
 * @fds: (array fixed-size=3): standard input, output and error; -1 is /dev/null. They stay the
 *   caller's, never enter the sandbox, and bytes are copied as they come
 * @cancellable: (nullable): ends the run; its command gets TERM, then KILL
 * @error: return location for an error
 *
 * Sets the sandbox up, runs the command, and undoes everything. The process must ignore SIGPIPE.
 *
 * @error says why the run ended otherwise than by its command: past the time limit
 * (%G_IO_ERROR_TIMED_OUT), ended by @cancellable (%G_IO_ERROR_CANCELLED), the backend's refusal, or
 * an event that could not be recorded. It is set whenever the last event is
 * `harness.task.terminal`.
 *
 * Returns: the command's exit status, 128 and the signal that ended it, or one of
 *   `ZU_RUN_EXIT_TIMED_OUT` (124), `ZU_RUN_EXIT_SET_UP` (125), `ZU_RUN_EXIT_NOT_EXECUTABLE` (126),
 *   `ZU_RUN_EXIT_NOT_FOUND` (127)
 */
int
zu_run_execute (ZuRun *self, ZuLaunchSpec *spec, ZuProcessSpec *process, const int *fds,
                GCancellable *cancellable, GError **error)
{
  g_autoptr (GMainContext) context = NULL;
  g_auto (ZuRunAttempt) attempt = { 0 };
  int code;

  g_return_val_if_fail (ZU_IS_RUN (self), ZU_RUN_EXIT_SET_UP);
  g_return_val_if_fail (ZU_IS_LAUNCH_SPEC (spec), ZU_RUN_EXIT_SET_UP);
  g_return_val_if_fail (ZU_IS_PROCESS_SPEC (process), ZU_RUN_EXIT_SET_UP);
  g_return_val_if_fail (fds != NULL, ZU_RUN_EXIT_SET_UP);

  context = g_main_context_new ();
  attempt.backend = self->backend;
  attempt.backend_name = self->backend_name;
  attempt.journal = self->journal;
  attempt.sink = self->sink;
  attempt.spec = spec;
  attempt.process = process;
  attempt.fds = fds;
  attempt.cancellable = cancellable;
  attempt.context = context;
  attempt.began = g_get_monotonic_time ();
  attempt.mechanism = self->mechanism;
  attempt.egress_policy = &self->egress;
  attempt.egress_needed = self->needed;

  g_main_context_push_thread_default (context);
  code = zu_run_attempt_carry_out (&attempt);
  g_main_context_pop_thread_default (context);

  if (attempt.failure != NULL)
    g_propagate_error (error, g_steal_pointer (&attempt.failure));
  return code;
}
