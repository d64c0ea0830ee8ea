/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-egress-answer.h"

#include "zuctl-output.h"

#include <string.h>

void
zuctl_egress_answer_clear (ZuctlEgressAnswer *self)
{
  g_resolver_free_addresses (self->addresses);
  g_clear_pointer (&self->verdicts, g_array_unref);
}

static ZuAddress
read_address (GInetAddress *inet)
{
  ZuAddress address = { .length = (guint8) g_inet_address_get_native_size (inet) };

  memcpy (address.bytes, g_inet_address_to_bytes (inet), address.length);
  return address;
}

/* Judges each address of an allowed name. The proxy dials those that are allowed, so one is enough;
 * where there is none, the first one's reason is told. */
void
zuctl_egress_answer_resolve (ZuctlEgressAnswer *self, const ZuEgressRules *rules)
{
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  gboolean is_first = TRUE;
  ZuEgressVerdict by_name = self->verdict;

  self->verdicts = g_array_new (FALSE, FALSE, sizeof (ZuEgressVerdict));
  self->addresses = g_resolver_lookup_by_name (resolver, self->host.name, NULL, NULL);
  if (self->addresses == NULL)
    self->verdict = (ZuEgressVerdict){ FALSE, ZU_EGRESS_RESOLUTION_FAILED, by_name.rule };

  for (GList *l = self->addresses; l != NULL; l = l->next)
    {
      ZuAddress address = read_address (l->data);
      ZuEgressVerdict verdict;

      zu_egress_rules_judge_address (rules, &address, self->port, self->scheme, &verdict);
      g_array_append_val (self->verdicts, verdict);
      if (is_first || (verdict.is_allowed && !self->verdict.is_allowed))
        self->verdict = verdict.is_allowed ? by_name : verdict;
      is_first = FALSE;
    }
}

static void
set_text (ZuJsonBuilder *builder, const char *name, const char *value)
{
  zu_json_builder_set_member (builder, name);
  if (value != NULL)
    zu_json_builder_add_string (builder, value);
  else
    zu_json_builder_add_null (builder);
}

static void
set_verdict (ZuJsonBuilder *builder, const ZuEgressVerdict *verdict)
{
  zu_json_builder_set_member (builder, "allowed");
  zu_json_builder_add_boolean (builder, verdict->is_allowed);
  set_text (builder, "reason", zu_egress_reason_to_string (verdict->reason));
  set_text (builder, "rule", verdict->rule);
  set_text (builder, "block", verdict->block);
}

static void
set_addresses (ZuJsonBuilder *builder, const ZuctlEgressAnswer *self)
{
  guint i = 0;

  zu_json_builder_set_member (builder, "addresses");
  zu_json_builder_begin_array (builder);
  for (GList *l = self->addresses; l != NULL; l = l->next)
    {
      g_autofree char *ip = g_inet_address_to_string (l->data);

      zu_json_builder_begin_object (builder);
      set_text (builder, "ip", ip);
      set_verdict (builder, &g_array_index (self->verdicts, ZuEgressVerdict, i++));
      zu_json_builder_end_object (builder);
    }
  zu_json_builder_end_array (builder);
}

static void
print_json (const ZuctlEgressAnswer *self)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *host = NULL;

  if (self->host.kind != ZU_HOST_BAD)
    host = zu_host_to_string (&self->host);
  zu_json_builder_begin_object (builder);
  set_verdict (builder, &self->verdict);
  set_text (builder, "host", host);
  zu_json_builder_set_member (builder, "port");
  zu_json_builder_add_int64 (builder, self->port);
  set_text (builder, "scheme", self->scheme == ZU_EGRESS_SCHEME_HTTP ? "http" : "connect");
  if (self->verdicts != NULL)
    set_addresses (builder, self);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  zuctl_print_json (json);
}

static void
print_verdict (const ZuEgressVerdict *verdict)
{
  zuctl_set_style (verdict->is_allowed ? ZUCTL_STYLE_GOOD : ZUCTL_STYLE_BAD);
  zuctl_print ("%s", verdict->is_allowed ? "yes" : "no");
  zuctl_set_style (ZUCTL_STYLE_PLAIN);
  zuctl_print ("  %s: %s", zu_egress_reason_to_string (verdict->reason),
               zu_egress_reason_explain (verdict->reason));
  if (verdict->rule != NULL)
    zuctl_print ("; rule %s", verdict->rule);
  if (verdict->block != NULL)
    zuctl_print ("; block %s", verdict->block);
  zuctl_print ("\n");
}

void
zuctl_egress_answer_print (const ZuctlEgressAnswer *self, gboolean is_json)
{
  g_autofree char *authority = NULL;
  guint i = 0;

  if (is_json)
    {
      print_json (self);
      return;
    }

  if (self->host.kind != ZU_HOST_BAD)
    authority = zu_host_to_authority (&self->host, self->port);
  zuctl_print ("%s  ", authority != NULL ? authority : self->text);
  print_verdict (&self->verdict);
  for (GList *l = self->addresses; l != NULL; l = l->next)
    {
      g_autofree char *ip = g_inet_address_to_string (l->data);

      zuctl_print ("  %s  ", ip);
      print_verdict (&g_array_index (self->verdicts, ZuEgressVerdict, i++));
    }
}
