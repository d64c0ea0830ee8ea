/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-egress-settings.h"

#include "zu-egress-rule.h"

#include <string.h>

/* No resolver answers there, so no name leaves the sandbox. */
#define NO_RESOLVER "127.0.0.1"

typedef struct
{
  ZuJson *host;
  ZuJson *ip;
  ZuJson *port;
} Proxy;

static void
proxy_clear (Proxy *self)
{
  g_clear_pointer (&self->host, zu_json_unref);
  g_clear_pointer (&self->ip, zu_json_unref);
  g_clear_pointer (&self->port, zu_json_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Proxy, proxy_clear)

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, ZU_EGRESS_ENFORCEMENT_ERROR, ZU_EGRESS_ENFORCEMENT_ERROR_INVALID_POLICY,
               "the egress policy is refused: %s", text);
  return FALSE;
}

static gboolean
is_given (ZuJson *json)
{
  return json != NULL && zu_json_get_kind (json) != ZU_JSON_KIND_NULL;
}

/* NULL for what is no text, or a text that does not end where it says. */
static const char *
get_text (ZuJson *json)
{
  gsize length;
  const char *text = zu_json_get_string (json, &length);

  return text != NULL && strlen (text) == length ? text : NULL;
}

static gboolean
is_address (ZuJson *json)
{
  const char *text = get_text (json);

  return text != NULL && zu_egress_is_address (text);
}

/* An address names its host as well. */
static gboolean
is_host (ZuJson *json)
{
  const char *text = get_text (json);

  return text != NULL && (zu_egress_is_name (text) || zu_egress_is_address (text));
}

static gboolean
check_keys (ZuJson *object, GError **error)
{
  static const char *const known[] = { "host", "ip", "port", NULL };

  for (gsize i = 0; i < zu_json_get_size (object); i++)
    {
      const char *name = zu_json_get_member_name (object, i, NULL);

      if (!g_strv_contains (known, name))
        return refuse (error, "proxy has the unknown key '%s' (it may have host, ip, port)", name);
    }
  return TRUE;
}

static gboolean
check_proxy (const Proxy *proxy, GError **error)
{
  gint64 port;

  if (is_given (proxy->host) && !is_host (proxy->host))
    return refuse (error, "proxy.host is no host's name");
  if (is_given (proxy->ip) && !is_address (proxy->ip))
    return refuse (error, "proxy.ip is no address");
  if (is_given (proxy->port)
      && (zu_json_get_kind (proxy->port) != ZU_JSON_KIND_INTEGER
          || !zu_json_get_int64 (proxy->port, &port) || port < 1 || port > 65535))
    return refuse (error, "proxy.port is no number from 1 to 65535");
  return TRUE;
}

static gboolean
read_proxy (ZuJson *object, Proxy *proxy, GError **error)
{
  if (!is_given (object))
    return TRUE;
  if (zu_json_get_kind (object) != ZU_JSON_KIND_OBJECT)
    return refuse (error, "proxy is no object of host, ip and port");
  proxy->host = zu_json_dup_member (object, "host");
  proxy->ip = zu_json_dup_member (object, "ip");
  proxy->port = zu_json_dup_member (object, "port");
  return check_keys (object, error) && check_proxy (proxy, error);
}

/* An empty list would hand the choice to the engine, which takes the host's resolvers. */
static gboolean
check_dns (ZuJson *dns, GError **error)
{
  const char *word;

  if (!is_given (dns))
    return TRUE;
  word = get_text (dns);
  if (g_strcmp0 (word, "pin") == 0 || g_strcmp0 (word, "deny") == 0)
    return TRUE;
  if (zu_json_get_kind (dns) != ZU_JSON_KIND_ARRAY)
    return refuse (error, "dns is neither \"pin\" nor \"deny\" nor a list of resolvers");
  if (zu_json_get_size (dns) == 0)
    return refuse (error, "dns is an empty list (say \"deny\" for no resolver)");
  for (gsize i = 0; i < zu_json_get_size (dns); i++)
    {
      g_autoptr (ZuJson) resolver = zu_json_dup_element (dns, i);

      if (!is_address (resolver))
        return refuse (error, "resolver %" G_GSIZE_FORMAT " of dns is no address", i + 1);
    }
  return TRUE;
}

static gboolean
check_allowlist (const char *const *rules, GError **error)
{
  for (guint i = 0; rules != NULL && rules[i] != NULL; i++)
    {
      g_autofree char *why = NULL;
      g_autofree char *shown = NULL;

      if (zu_egress_check_rule (rules[i], &why))
        continue;
      shown = g_strescape (rules[i], NULL);
      return refuse (error, "rule '%s' of the allowlist is not understood: %s", shown, why);
    }
  return TRUE;
}

static void
add_hosts (ZuJsonBuilder *builder, const Proxy *proxy)
{
  if (!is_given (proxy->host) || !is_given (proxy->ip))
    return;
  zu_json_builder_set_member (builder, "extra_hosts");
  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, zu_json_get_string (proxy->host, NULL));
  zu_json_builder_add_json (builder, proxy->ip);
  zu_json_builder_end_object (builder);
}

static void
add_dns (ZuJsonBuilder *builder, ZuJson *dns)
{
  zu_json_builder_set_member (builder, "dns");
  if (is_given (dns) && zu_json_get_kind (dns) == ZU_JSON_KIND_ARRAY)
    {
      zu_json_builder_add_json (builder, dns);
      return;
    }
  zu_json_builder_begin_array (builder);
  zu_json_builder_add_string (builder, NO_RESOLVER);
  zu_json_builder_end_array (builder);
}

/* What a sandbox's own settings must hold for a policy: extra_hosts and dns. A policy that is odd
 * in any way, in what these settings do not use as well, is refused with INVALID_POLICY. */
ZuJson *
zu_egress_settings_new (ZuEgressPolicy *policy, GError **error)
{
  g_autoptr (ZuJsonBuilder) builder = NULL;
  g_auto (Proxy) proxy = { NULL };
  ZuJson *dns = zu_egress_policy_get_dns (policy);

  if (!read_proxy (zu_egress_policy_get_proxy (policy), &proxy, error) || !check_dns (dns, error)
      || !check_allowlist (zu_egress_policy_get_allowlist (policy), error))
    return NULL;

  builder = zu_json_builder_new ();
  zu_json_builder_begin_object (builder);
  add_hosts (builder, &proxy);
  add_dns (builder, dns);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, error);
}
