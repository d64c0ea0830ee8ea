/* SPDX-License-Identifier: Apache-2.0 */

/* Reads a launch spec into what a backend carries out. The floor is enforced here on what the spec
 * says; each backend enforces it once more on what it is about to run. */

#include "zu-launch-plan.h"
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define CA_MOUNT "/zu-redteam-ca.pem"

void
zu_launch_plan_free (ZuLaunchPlan *self)
{
  g_free (self->image);
  g_strfreev (self->command);
  g_strfreev (self->environment);
  g_free (self->workdir);
  g_strfreev (self->hosts);
  g_free (self->seccomp);
  g_free (self->ca_cert);
  g_free (self->ca_mount);
  g_clear_pointer (&self->mounts, g_ptr_array_unref);
  g_free (self);
}

static gboolean
is_absent (ZuJson *json)
{
  return !json || zu_json_get_kind (json) == ZU_JSON_KIND_NULL;
}

/* The text of a JSON string without a NUL in it, or NULL. */
static const char *
peek_text (ZuJson *json)
{
  const char *text;
  gsize length;

  if (is_absent (json) || zu_json_get_kind (json) != ZU_JSON_KIND_STRING)
    return NULL;
  text = zu_json_get_string (json, &length);
  return strlen (text) == length ? text : NULL;
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

  if (!is_absent (environment) && zu_json_get_kind (environment) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, REFUSED, "environment is not an object of names to values");
      return FALSE;
    }
  for (gsize i = 0; !is_absent (environment) && i < zu_json_get_size (environment); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (environment, i);
      g_autofree char *variable = NULL;
      gsize length;
      const char *name = zu_json_get_member_name (environment, i, &length);

      if (!is_variable (name) || strlen (name) != length || !peek_text (value))
        {
          g_set_error (error, REFUSED,
                       "environment variable '%s': names have no =, values are text", name);
          return FALSE;
        }
      variable = g_strdup_printf ("%s=%s", name, peek_text (value));
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

static gboolean
read_user (ZuLaunchPlan *self, const char *user, GError **error)
{
  const char *end = user ? strchrnul (user, ':') : NULL;

  self->uid = self->gid = -1;
  if (!user)
    return TRUE;
  if (read_id (user, end, &self->uid)
      && (*end ? read_id (end + 1, end + strlen (end), &self->gid) : TRUE))
    {
      if (!*end)
        self->gid = self->uid;
      return TRUE;
    }
  g_set_error (error, REFUSED, "user '%s' is not UID or UID:GID in digits", user);
  return FALSE;
}

static gboolean
allows_unrestricted (ZuLaunchSpec *spec)
{
  return zu_launch_spec_get_allow_unrestricted_egress (spec)
         || g_strcmp0 (g_getenv ("ZU_ALLOW_UNRESTRICTED_EGRESS"), "1") == 0;
}

static gboolean
check_isolated (ZuLaunchSpec *spec, GError **error)
{
  if (zu_launch_spec_get_network_name (spec))
    return TRUE;
  g_set_error_literal (error, REFUSED, "network \"isolated\" needs a network_name");
  return FALSE;
}

/* What has no meaning without a network is refused there: a caller that gives a proxy believes
 * that something is reachable. */
static gboolean
check_unconnected (ZuLaunchSpec *spec, GError **error)
{
  const char *const *dns = zu_launch_spec_get_dns (spec);
  const char *key = NULL;

  if (!is_absent (zu_launch_spec_get_proxy (spec)))
    key = "proxy";
  else if (!is_absent (zu_launch_spec_get_no_proxy (spec)))
    key = "no_proxy";
  else if (zu_launch_spec_get_network_name (spec))
    key = "network_name";
  else if (dns && *dns)
    key = "dns";
  if (!key)
    return TRUE;
  g_set_error (error, REFUSED, "%s means nothing without a network (set network to \"isolated\")",
               key);
  return FALSE;
}

static gboolean
read_network (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  ZuJson *network = zu_launch_spec_get_network (spec);
  const char *text = peek_text (network);
  gboolean is_boolean = !is_absent (network) && zu_json_get_kind (network) == ZU_JSON_KIND_BOOLEAN;

  self->network = ZU_NETWORK_MODE_NONE;
  if (is_absent (network) || (is_boolean && !zu_json_get_boolean (network))
      || g_strcmp0 (text, "none") == 0)
    return check_unconnected (spec, error);
  if (g_strcmp0 (text, "isolated") == 0)
    {
      self->network = ZU_NETWORK_MODE_ISOLATED;
      return check_isolated (spec, error);
    }
  self->network = ZU_NETWORK_MODE_UNRESTRICTED;
  if (!is_boolean)
    g_set_error_literal (error, REFUSED, "network is \"none\", \"isolated\", true or false");
  else if (!allows_unrestricted (spec))
    g_set_error_literal (error, REFUSED,
                         "network true is unrestricted egress (set allow_unrestricted_egress too, "
                         "or use \"isolated\")");
  else
    return TRUE;
  return FALSE;
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
  const char *text = peek_text (memory);

  self->memory = ZU_FLOOR_MEMORY;
  self->memory_asked = !is_absent (memory);
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
  if (self->memory >= 1 << 20 && self->pids <= 1 << 22 && self->lifetime >= 0
      && self->lifetime <= 10 * 365 * 86400)
    return TRUE;
  g_set_error_literal (error, REFUSED,
                       "a limit makes no sense: memory is at least 1m, pids_limit at most 4194304, "
                       "lifetime 0 to ten years");
  return FALSE;
}

static gboolean
check_options (ZuLaunchSpec *spec, GError **error)
{
  const char *const *option = zu_launch_spec_get_security_opt (spec);
  const char *seccomp = zu_launch_spec_get_seccomp (spec);

  for (; option && *option; option++)
    if (strstr (*option, "unconfined") || strstr (*option, "disable")
        || g_strcmp0 (*option, "no-new-privileges:false") == 0
        || g_strcmp0 (*option, "no-new-privileges=false") == 0)
      {
        g_set_error (error, REFUSED, "security_opt '%s' fights the hardening floor", *option);
        return FALSE;
      }
  if (g_strcmp0 (seccomp, "unconfined") != 0)
    return TRUE;
  g_set_error_literal (error, REFUSED, "seccomp 'unconfined' fights the hardening floor");
  return FALSE;
}

/* Short, and nothing in it reaches beyond the sandbox's own files, users and ports. */
static gboolean
check_capabilities (ZuLaunchSpec *spec, GError **error)
{
  static const char *const allowed[] = {
    "CHOWN",  "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE",
    "SETGID", "SETUID",       NULL,
  };
  const char *const *capability = zu_launch_spec_get_cap_add (spec);

  for (; capability && *capability; capability++)
    {
      const char *name = *capability;

      if (g_ascii_strncasecmp (name, "CAP_", 4) == 0)
        name += 4;
      for (guint i = 0; name && i < G_N_ELEMENTS (allowed) - 1; i++)
        if (g_ascii_strcasecmp (name, allowed[i]) == 0)
          name = NULL;
      if (!name)
        continue;
      g_set_error (error, REFUSED, "cap_add '%s' fights the hardening floor", *capability);
      return FALSE;
    }
  return TRUE;
}

static gboolean
read_hosts (ZuLaunchPlan *self, ZuJson *hosts, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  gsize n = is_absent (hosts) ? 0 : zu_json_get_size (hosts);

  if (!is_absent (hosts) && zu_json_get_kind (hosts) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, REFUSED, "extra_hosts is not an object of names to addresses");
      return FALSE;
    }
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (hosts, i);
      const char *name = zu_json_get_member_name (hosts, i, NULL), *address = peek_text (value);
      g_autofree char *line = NULL;

      if (!address || !g_hostname_is_ip_address (address) || !*name
          || strspn (name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
                 != strlen (name))
        {
          g_set_error (error, REFUSED, "extra_hosts '%s' is not a host name with its address",
                       name);
          return FALSE;
        }
      line = g_strdup_printf ("%s %s", address, name);
      g_strv_builder_add (builder, line);
    }
  self->hosts = g_strv_builder_end (builder);
  return TRUE;
}

static void
add_variable (ZuLaunchPlan *self, const char *name, const char *value)
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
  add_variable (self, "SSL_CERT_FILE", self->ca_mount);
  add_variable (self, "REQUESTS_CA_BUNDLE", self->ca_mount);
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
  self->seccomp = g_strdup (zu_launch_spec_get_seccomp (spec));
  self->read_only = zu_launch_spec_get_read_only (spec);
  self->best_effort = zu_launch_spec_get_best_effort (spec);
  if (!check_options (spec, error) || !check_capabilities (spec, error)
      || !read_environment (self, zu_launch_spec_get_environment (spec), error)
      || !read_workdir (self, zu_launch_spec_get_workdir (spec), error)
      || !read_user (self, zu_launch_spec_get_user (spec), error)
      || !read_network (self, spec, error) || !read_limits (self, spec, error)
      || !read_hosts (self, zu_launch_spec_get_extra_hosts (spec), error)
      || !read_ca (self, spec, error))
    return NULL;
  self->mounts = zu_mounts_new_from_volumes (zu_launch_spec_get_volumes (spec), state_root, error);
  return self->mounts ? g_steal_pointer (&self) : NULL;
}
