/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a launch spec into what a backend carries out. The floor is enforced here on what the spec
 * says; each backend enforces it once more on what it is about to run. */

#include "zu-launch-plan-private.h"
#include "zu-floor.h"
#include "zu-peek.h"
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define MAX_SECONDS (10 * 365 * 86400)

#define CA_MOUNT "/zu-redteam-ca.pem"

void
zu_launch_plan_free (ZuLaunchPlan *self)
{
  g_free (self->image);
  g_strfreev (self->command);
  g_strfreev (self->environment);
  g_free (self->workdir);
  g_strfreev (self->hosts);
  g_free (self->network_name);
  g_strfreev (self->dns);
  g_strfreev (self->capabilities);
  g_strfreev (self->security_options);
  g_free (self->seccomp);
  g_free (self->ca_cert);
  g_free (self->ca_mount);
  g_clear_pointer (&self->mounts, g_ptr_array_unref);
  g_free (self);
}

static gboolean
is_variable (const char *name)
{
  return *name && !strchr (name, '=');
}

static gboolean
read_environment (ZuLaunchPlan *self, ZuJson *environment, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (!zu_peek_is_absent (environment) && zu_json_get_kind (environment) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, REFUSED, "environment is not an object of names to values");
      return FALSE;
    }
  for (gsize i = 0; !zu_peek_is_absent (environment) && i < zu_json_get_size (environment); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (environment, i);
      g_autofree char *variable = NULL;
      gsize length;
      const char *name = zu_json_get_member_name (environment, i, &length);

      if (!is_variable (name) || strlen (name) != length || !zu_peek_text (value))
        {
          g_set_error (error, REFUSED,
                       "environment variable '%s': names have no =, values are text", name);
          return FALSE;
        }
      variable = g_strdup_printf ("%s=%s", name, zu_peek_text (value));
      g_strv_builder_add (builder, variable);
    }
  self->environment = g_strv_builder_end (builder);
  return TRUE;
}

static gboolean
read_id (const char *text, const char *end, gint64 *id)
{
  g_autofree char *digits = g_strndup (text, (gsize) (end - text));
  guint64 value;

  if (!g_ascii_string_to_unsigned (digits, 10, 0, G_MAXUINT32 - 1, &value, NULL))
    return FALSE;
  *id = (gint64) value;
  return TRUE;
}

/* "UID" or "UID:GID"; a group that is not given is that of the same number. */
gboolean
zu_user_parse (const char *user, gint64 *uid, gint64 *gid, GError **error)
{
  const char *end = strchrnul (user, ':');

  if (read_id (user, end, uid)
      && read_id (*end ? end + 1 : user, *end ? end + strlen (end) : end, gid))
    return TRUE;
  g_set_error (error, REFUSED, "user '%s' is not UID or UID:GID in digits", user);
  return FALSE;
}

static gboolean
read_user (ZuLaunchPlan *self, const char *user, GError **error)
{
  self->uid = self->gid = -1;
  return !user || zu_user_parse (user, &self->uid, &self->gid, error);
}

static gboolean
parse_size (const char *text, gint64 *bytes)
{
  static const char units[] = "bkmg";
  gsize digits = strspn (text, "0123456789");
  const char *unit = text[digits] ? strchr (units, g_ascii_tolower (text[digits])) : units;
  g_autofree char *number = g_strndup (text, digits);
  guint64 value;
  int shift;

  if (!unit || (text[digits] && text[digits + 1])
      || !g_ascii_string_to_unsigned (number, 10, 1, G_MAXINT64, &value, NULL))
    return FALSE;
  shift = 10 * (int) (unit - units);
  *bytes = (gint64) (value << shift);
  return value <= (guint64) G_MAXINT64 >> shift;
}

static gboolean
read_limits (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  ZuJson *memory = zu_launch_spec_get_mem_limit (spec);
  const char *text = zu_peek_text (memory);

  self->memory = ZU_FLOOR_MEMORY;
  self->memory_asked = !zu_peek_is_absent (memory);
  if (self->memory_asked
      && !(text ? parse_size (text, &self->memory)
                : zu_json_get_kind (memory) == ZU_JSON_KIND_INTEGER
                      && zu_json_get_int64 (memory, &self->memory) && self->memory > 0))
    {
      g_set_error_literal (error, REFUSED,
                           "mem_limit is a number of bytes, or text with a unit of b, k, m or g");
      return FALSE;
    }
  self->pids = zu_launch_spec_get_pids_limit (spec);
  self->pids_asked = self->pids > 0 && self->pids != ZU_FLOOR_PIDS;
  if (self->pids <= 0)
    self->pids = ZU_FLOOR_PIDS;
  self->lifetime = zu_launch_spec_get_lifetime (spec);
  self->idle = zu_launch_spec_get_idle (spec);
  if (self->memory >= 1 << 20 && self->pids <= 1 << 22 && self->lifetime >= 0
      && self->lifetime <= MAX_SECONDS && self->idle >= 0 && self->idle <= MAX_SECONDS)
    return TRUE;
  g_set_error_literal (error, REFUSED,
                       "a limit makes no sense: memory is at least 1m, pids_limit at most 4194304, "
                       "lifetime and idle 0 to ten years");
  return FALSE;
}

static gboolean
read_options (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  const char *const *options = zu_launch_spec_get_security_opt (spec);

  for (guint i = 0; options && options[i]; i++)
    if (!zu_floor_check_security_option (options[i], error))
      return FALSE;
  self->security_options = g_strdupv ((GStrv) options);
  self->seccomp = g_strdup (zu_launch_spec_get_seccomp (spec));
  if (g_strcmp0 (self->seccomp, "unconfined") != 0)
    return TRUE;
  g_set_error_literal (error, REFUSED, "seccomp 'unconfined' fights the hardening floor");
  return FALSE;
}

static gboolean
read_capabilities (ZuLaunchPlan *self, const char *const *capabilities, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; capabilities && capabilities[i]; i++)
    {
      const char *name = zu_floor_find_capability (capabilities[i]);

      if (!name)
        {
          g_set_error (error, REFUSED, "cap_add '%s' fights the hardening floor", capabilities[i]);
          return FALSE;
        }
      g_strv_builder_add (builder, name);
    }
  self->capabilities = g_strv_builder_end (builder);
  return TRUE;
}

/* What the caller says itself is left alone. */
void
zu_launch_plan_add_variable (ZuLaunchPlan *self, const char *name, const char *value)
{
  if (!g_environ_getenv (self->environment, name))
    self->environment = g_environ_setenv (self->environment, name, value, FALSE);
}

static gboolean
read_ca (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  const char *mount = zu_launch_spec_get_ca_mount (spec);

  self->ca_cert = g_strdup (zu_launch_spec_get_ca_cert (spec));
  if (!self->ca_cert)
    return TRUE;
  self->ca_mount = g_strdup (mount ? mount : CA_MOUNT);
  if (!zu_mount_check_destination (self->ca_mount, error))
    return FALSE;
  zu_launch_plan_add_variable (self, "SSL_CERT_FILE", self->ca_mount);
  zu_launch_plan_add_variable (self, "REQUESTS_CA_BUNDLE", self->ca_mount);
  return TRUE;
}

static gboolean
read_workdir (ZuLaunchPlan *self, const char *workdir, GError **error)
{
  self->workdir = g_strdup (workdir);
  return !workdir || zu_mount_check_workdir (workdir, error);
}

/**
 * zu_launch_plan_new: (skip)
 * @spec: what a caller asks for
 * @state_root: the folder of sandboxes
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming what is refused and why
 *
 * Returns: (transfer full): what is to be carried out
 */
ZuLaunchPlan *
zu_launch_plan_new (ZuLaunchSpec *spec, const char *state_root, GError **error)
{
  g_autoptr (ZuLaunchPlan) self = g_new0 (ZuLaunchPlan, 1);

  self->image = g_strdup (zu_launch_spec_get_image (spec));
  self->command = g_strdupv ((GStrv) zu_launch_spec_get_command (spec));
  self->read_only = zu_launch_spec_get_read_only (spec);
  self->best_effort = zu_launch_spec_get_best_effort (spec);
  if (!read_options (self, spec, error)
      || !read_capabilities (self, zu_launch_spec_get_cap_add (spec), error)
      || !read_environment (self, zu_launch_spec_get_environment (spec), error)
      || !read_workdir (self, zu_launch_spec_get_workdir (spec), error)
      || !read_user (self, zu_launch_spec_get_user (spec), error)
      || !zu_launch_plan_read_network (self, spec, error) || !read_limits (self, spec, error)
      || !zu_launch_plan_read_hosts (self, zu_launch_spec_get_extra_hosts (spec), error)
      || !read_ca (self, spec, error))
    return NULL;
  self->mounts = zu_mounts_new_from_volumes (zu_launch_spec_get_volumes (spec), state_root, error);
  return self->mounts ? g_steal_pointer (&self) : NULL;
}
