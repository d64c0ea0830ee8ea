/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-scripted-enforcement.h"

#include "zu-egress-settings.h"
#include "zu-scripted-script.h"

#include <string.h>

/**
 * ZuScriptedEnforcement:
 *
 * An enforcement for tests of what stands around one: it records each call and answers as its
 * script says. It enforces nothing.
 *
 * It may be used from any thread.
 */
struct _ZuScriptedEnforcement
{
  GObject parent_instance;

  ZuJson *script_option; /* until it is initialised */

  GMutex lock;
  ZuScript *script;
  GPtrArray *calls;  /* of ZuJson */
  GPtrArray *active; /* ids of what was applied and not revoked, in order */
  guint n_applied;
};

enum
{
  PROP_SCRIPT = 1,
  PROP_CALLS,
  PROP_ACTIVE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void zu_scripted_enforcement_iface_init (ZuEgressEnforcementInterface *iface);
static void zu_scripted_enforcement_initable_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ZuScriptedEnforcement, zu_scripted_enforcement, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE,
                                                      zu_scripted_enforcement_initable_init)
                                   G_IMPLEMENT_INTERFACE (ZU_TYPE_EGRESS_ENFORCEMENT,
                                                          zu_scripted_enforcement_iface_init))

static gboolean
zu_scripted_enforcement_do_init (GInitable *initable, GCancellable *cancellable, GError **error)
{
  ZuScriptedEnforcement *self = ZU_SCRIPTED_ENFORCEMENT (initable);
  ZuScript *script = zu_script_new (self->script_option, error);

  g_clear_pointer (&self->script_option, zu_json_unref);
  if (script == NULL)
    return FALSE;
  g_clear_pointer (&self->script, zu_script_free);
  self->script = script;
  return TRUE;
}

static void
zu_scripted_enforcement_initable_init (GInitableIface *iface)
{
  iface->init = zu_scripted_enforcement_do_init;
}

static void
add_text (ZuJsonBuilder *builder, const char *name, const char *text)
{
  zu_json_builder_set_member (builder, name);
  if (text != NULL)
    zu_json_builder_add_string (builder, text);
  else
    zu_json_builder_add_null (builder);
}

/* Under the lock. */
static gboolean
record (ZuScriptedEnforcement *self, const char *verb, const char *target, ZuEgressPolicy *policy,
        const char *id, const GError *failure, GError **error)
{
  const ZuPortInfo *info = zu_egress_enforcement_get_port_info ();
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;

  zu_json_builder_begin_object (builder);
  add_text (builder, "verb", verb);
  if (target != NULL)
    add_text (builder, "target", target);
  if (policy != NULL)
    {
      g_autoptr (ZuJson) members = zu_egress_policy_to_json (policy);

      zu_json_builder_set_member (builder, "policy");
      zu_json_builder_add_json (builder, members);
    }
  add_text (builder, "id", id);
  add_text (builder, "error", failure != NULL ? info->error_codes[failure->code] : NULL);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, error);
  if (json == NULL)
    return FALSE;
  g_ptr_array_add (self->calls, g_steal_pointer (&json));
  return TRUE;
}

/* What stands in for the rules of a real mechanism; nobody may take it for one. */
static GStrv
describe (ZuEgressPolicy *policy)
{
  const char *const *rules = zu_egress_policy_get_allowlist (policy);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, "recorded, not enforced");
  for (guint i = 0; rules != NULL && rules[i] != NULL; i++)
    {
      g_autofree char *line = g_strdup_printf ("recorded, not enforced: allow %s", rules[i]);

      g_strv_builder_add (builder, line);
    }
  return g_strv_builder_end (builder);
}

static ZuEnforcement *
answer (const char *id, ZuEgressPolicy *policy, ZuJson *settings, const ZuScriptStep *step)
{
  g_auto (GStrv) described = describe (policy);
  gboolean scripted = step != NULL && step->in_force != NULL;

  return g_object_new (ZU_TYPE_ENFORCEMENT, "id", id, "mechanism", "scripted", "settings",
                       step != NULL && step->settings != NULL ? step->settings : settings,
                       "in-force", scripted ? step->in_force : described, NULL);
}

/* Under the lock. */
static ZuEnforcement *
apply_locked (ZuScriptedEnforcement *self, const char *target, ZuEgressPolicy *policy,
              GError **error)
{
  g_autoptr (ZuJson) settings = NULL;
  g_autoptr (ZuScriptStep) step = NULL;
  g_autoptr (GError) failure = NULL;
  g_autofree char *id = NULL;

  settings = zu_egress_settings_new (policy, &failure);
  if (settings != NULL)
    step = zu_script_take (self->script, "apply");
  if (step != NULL && step->error != NULL)
    failure = g_error_copy (step->error);
  if (failure == NULL)
    id = g_strdup_printf ("scripted-%u", self->n_applied + 1);
  if (!record (self, "apply", target, policy, id, failure, error))
    return NULL;
  if (failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  self->n_applied++;
  g_ptr_array_add (self->active, g_strdup (id));
  return answer (id, policy, settings, step);
}

static ZuEnforcement *
zu_scripted_enforcement_apply (ZuEgressEnforcement *enforcement, const char *target,
                               ZuEgressPolicy *policy, GCancellable *cancellable, GError **error)
{
  ZuScriptedEnforcement *self = ZU_SCRIPTED_ENFORCEMENT (enforcement);
  ZuEnforcement *enforced;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  g_mutex_lock (&self->lock);
  enforced = apply_locked (self, target, policy, error);
  g_mutex_unlock (&self->lock);
  return enforced;
}

/* Under the lock. */
static gboolean
revoke_locked (ZuScriptedEnforcement *self, const char *id, GError **error)
{
  g_autoptr (ZuScriptStep) step = zu_script_take (self->script, "revoke");
  guint index;

  if (!record (self, "revoke", NULL, NULL, id, step != NULL ? step->error : NULL, error))
    return FALSE;
  if (step != NULL && step->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&step->error));
      return FALSE;
    }
  if (g_ptr_array_find_with_equal_func (self->active, id, g_str_equal, &index))
    g_ptr_array_remove_index (self->active, index);
  return TRUE;
}

static gboolean
zu_scripted_enforcement_revoke (ZuEgressEnforcement *enforcement, const char *id,
                                GCancellable *cancellable, GError **error)
{
  ZuScriptedEnforcement *self = ZU_SCRIPTED_ENFORCEMENT (enforcement);
  gboolean done;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  g_mutex_lock (&self->lock);
  done = revoke_locked (self, id, error);
  g_mutex_unlock (&self->lock);
  return done;
}

static void
zu_scripted_enforcement_iface_init (ZuEgressEnforcementInterface *iface)
{
  iface->apply = zu_scripted_enforcement_apply;
  iface->revoke = zu_scripted_enforcement_revoke;
}

static ZuJson *
dup_calls (ZuScriptedEnforcement *self)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();

  zu_json_builder_begin_array (builder);
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->calls->len; i++)
    zu_json_builder_add_json (builder, g_ptr_array_index (self->calls, i));
  g_mutex_unlock (&self->lock);
  zu_json_builder_end_array (builder);
  return zu_json_builder_end (builder, NULL);
}

static GStrv
dup_active (ZuScriptedEnforcement *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->active->len; i++)
    g_strv_builder_add (builder, g_ptr_array_index (self->active, i));
  g_mutex_unlock (&self->lock);
  return g_strv_builder_end (builder);
}

static void
zu_scripted_enforcement_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  ZuScriptedEnforcement *self = ZU_SCRIPTED_ENFORCEMENT (object);

  if (id == PROP_CALLS)
    g_value_take_boxed (value, dup_calls (self));
  else
    g_value_take_boxed (value, dup_active (self));
}

static void
zu_scripted_enforcement_set_property (GObject *object, guint id, const GValue *value,
                                      GParamSpec *pspec)
{
  ZU_SCRIPTED_ENFORCEMENT (object)->script_option = g_value_dup_boxed (value);
}

static void
zu_scripted_enforcement_finalize (GObject *object)
{
  ZuScriptedEnforcement *self = ZU_SCRIPTED_ENFORCEMENT (object);

  g_clear_pointer (&self->script_option, zu_json_unref);
  g_clear_pointer (&self->script, zu_script_free);
  g_ptr_array_unref (self->calls);
  g_ptr_array_unref (self->active);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (zu_scripted_enforcement_parent_class)->finalize (object);
}

static void
zu_scripted_enforcement_class_init (ZuScriptedEnforcementClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = zu_scripted_enforcement_get_property;
  object_class->set_property = zu_scripted_enforcement_set_property;
  object_class->finalize = zu_scripted_enforcement_finalize;

  props[PROP_SCRIPT] =
      g_param_spec_boxed ("script", NULL, NULL, ZU_TYPE_JSON,
                          G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  props[PROP_CALLS] = g_param_spec_boxed ("calls", NULL, NULL, ZU_TYPE_JSON,
                                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  props[PROP_ACTIVE] = g_param_spec_boxed ("active", NULL, NULL, G_TYPE_STRV,
                                           G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
zu_scripted_enforcement_init (ZuScriptedEnforcement *self)
{
  g_mutex_init (&self->lock);
  self->script = zu_script_new (NULL, NULL);
  self->calls = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_json_unref);
  self->active = g_ptr_array_new_with_free_func (g_free);
}
