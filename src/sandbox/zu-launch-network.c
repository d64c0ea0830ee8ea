/* SPDX-License-Identifier: Apache-2.0 */

/* The keys of a launch spec that say how a sandbox reaches the network. */

#include "zu-launch-plan-private.h"
#include "zu-peek.h"
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
#define NO_PROXY        "localhost,127.0.0.1"

static gboolean
is_host (const char *name)
{
  return *name && strspn (name, HOST_CHARACTERS) == strlen (name);
}

static gboolean
allows_unrestricted (ZuLaunchSpec *spec)
{
  return zu_launch_spec_get_allow_unrestricted_egress (spec)
         || g_strcmp0 (g_getenv ("ZU_ALLOW_UNRESTRICTED_EGRESS"), "1") == 0;
}

/* What has no meaning without a network is refused there: a caller that gives a proxy believes
 * that something is reachable. */
static gboolean
check_unconnected (ZuLaunchSpec *spec, GError **error)
{
  const char *const *dns = zu_launch_spec_get_dns (spec);
  const char *key = NULL;

  if (!zu_peek_is_absent (zu_launch_spec_get_proxy (spec)))
    key = "proxy";
  else if (!zu_peek_is_absent (zu_launch_spec_get_no_proxy (spec)))
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

/* The names that mean a namespace of the host's or of another container's are no networks. */
static gboolean
read_name (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  static const char *const reserved[] = { "host", "none", "bridge", "default", "container", NULL };
  const char *name = zu_launch_spec_get_network_name (spec);

  if (!name)
    g_set_error_literal (error, REFUSED, "network \"isolated\" needs a network_name");
  else if (!is_host (name) || g_strv_contains (reserved, name))
    g_set_error (error, REFUSED, "network_name '%s' is not the name of an internal network", name);
  else
    {
      self->network_name = g_strdup (name);
      return TRUE;
    }
  return FALSE;
}

static gboolean
read_dns (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  const char *const *dns = zu_launch_spec_get_dns (spec);

  for (guint i = 0; dns && dns[i]; i++)
    if (!g_hostname_is_ip_address (dns[i]))
      {
        g_set_error (error, REFUSED, "dns '%s' is not an address", dns[i]);
        return FALSE;
      }
  self->dns = g_strdupv ((GStrv) dns);
  return TRUE;
}

/* Names as text or as an array of texts. */
static char *
dup_no_proxy (ZuJson *no_proxy, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;

  if (zu_peek_is_absent (no_proxy))
    return g_strdup (NO_PROXY);
  if (zu_peek_text (no_proxy))
    return g_strdup (zu_peek_text (no_proxy));
  for (gsize i = 0; i < zu_peek_size (no_proxy); i++)
    {
      g_autoptr (ZuJson) name = zu_json_dup_element (no_proxy, i);

      if (zu_json_get_kind (no_proxy) != ZU_JSON_KIND_ARRAY || !zu_peek_text (name))
        {
          g_set_error_literal (error, REFUSED, "no_proxy is text or an array of texts");
          return NULL;
        }
      g_strv_builder_add (builder, zu_peek_text (name));
    }
  names = g_strv_builder_end (builder);
  return g_strjoinv (",", names);
}

static gboolean
read_proxy (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  static const char *const names[] = { "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy" };
  ZuJson *proxy = zu_launch_spec_get_proxy (spec);
  g_autofree char *host = zu_peek_member_text (proxy, "host"), *no_proxy = NULL, *uri = NULL;
  gint64 port = zu_peek_member_int64 (proxy, "port");

  if (zu_peek_is_absent (proxy))
    return TRUE;
  if (!host || !is_host (host) || port < 1 || port > 65535)
    {
      g_set_error_literal (error, REFUSED,
                           "proxy is not an object with a host and a port of 1 to 65535");
      return FALSE;
    }
  no_proxy = dup_no_proxy (zu_launch_spec_get_no_proxy (spec), error);
  if (!no_proxy)
    return FALSE;
  uri = g_strdup_printf ("http://%s:%d", host, (int) port);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    zu_launch_plan_add_variable (self, names[i], uri);
  zu_launch_plan_add_variable (self, "NO_PROXY", no_proxy);
  return TRUE;
}

/* The network itself, after the environment was read, which it adds to. */
gboolean
zu_launch_plan_read_network (ZuLaunchPlan *self, ZuLaunchSpec *spec, GError **error)
{
  ZuJson *network = zu_launch_spec_get_network (spec);
  const char *text = zu_peek_text (network);
  gboolean is_boolean =
      !zu_peek_is_absent (network) && zu_json_get_kind (network) == ZU_JSON_KIND_BOOLEAN;

  self->network = ZU_NETWORK_MODE_NONE;
  if (zu_peek_is_absent (network) || (is_boolean && !zu_json_get_boolean (network))
      || g_strcmp0 (text, "none") == 0)
    return check_unconnected (spec, error);
  if (g_strcmp0 (text, "isolated") == 0)
    {
      self->network = ZU_NETWORK_MODE_ISOLATED;
      return read_name (self, spec, error) && read_dns (self, spec, error)
             && read_proxy (self, spec, error);
    }
  self->network = ZU_NETWORK_MODE_UNRESTRICTED;
  if (!is_boolean)
    g_set_error_literal (error, REFUSED, "network is \"none\", \"isolated\", true or false");
  else if (!allows_unrestricted (spec))
    g_set_error_literal (error, REFUSED,
                         "network true is unrestricted egress (set allow_unrestricted_egress too, "
                         "or use \"isolated\")");
  else
    return read_dns (self, spec, error) && read_proxy (self, spec, error);
  return FALSE;
}

/* Names with their addresses, for a hosts file. */
gboolean
zu_launch_plan_read_hosts (ZuLaunchPlan *self, ZuJson *hosts, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (!zu_peek_is_absent (hosts) && zu_json_get_kind (hosts) != ZU_JSON_KIND_OBJECT)
    {
      g_set_error_literal (error, REFUSED, "extra_hosts is not an object of names to addresses");
      return FALSE;
    }
  for (gsize i = 0; i < zu_peek_size (hosts); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (hosts, i);
      const char *name = zu_json_get_member_name (hosts, i, NULL), *address = zu_peek_text (value);
      g_autofree char *line = NULL;

      if (!address || !g_hostname_is_ip_address (address) || !is_host (name))
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
