/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-record.h"

#include <zu/zu.h>

#include <string.h>
#include <time.h>

void
zu_proxy_record_begin (ZuProxyRecord *self, const char *client)
{
  memset (self, 0, sizeof *self);
  g_strlcpy (self->client, client, sizeof self->client);
  self->time = g_get_real_time ();
  self->began = g_get_monotonic_time ();
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
set_number (ZuJsonBuilder *builder, const char *name, guint64 value)
{
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_int64 (builder, (gint64) MIN (value, G_MAXINT64));
}

static void
set_boolean (ZuJsonBuilder *builder, const char *name, gboolean value)
{
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_boolean (builder, value);
}

static void
set_time (ZuJsonBuilder *builder, gint64 time)
{
  time_t seconds = time / G_USEC_PER_SEC;
  struct tm parts;
  char text[64];
  gsize length;

  gmtime_r (&seconds, &parts);
  length = strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  g_snprintf (text + length, sizeof text - length, ".%06" G_GINT64_FORMAT "Z",
              time % G_USEC_PER_SEC);
  set_text (builder, "time", text);
}

static void
set_target (ZuJsonBuilder *builder, const ZuProxyRecord *self)
{
  g_autofree char *host = self->host.kind != ZU_HOST_BAD ? zu_host_to_string (&self->host) : NULL;
  g_autofree char *ip = self->has_address ? zu_address_to_string (&self->address) : NULL;

  set_text (builder, "host", host);
  set_number (builder, "port", self->port);
  set_text (builder, "ip", ip);
  set_text (builder, "scheme", self->scheme == ZU_EGRESS_SCHEME_HTTP ? "http" : "connect");
}

/* As a line, with the ID if it is not 0. */
void
zu_proxy_record_write (const ZuProxyRecord *self, guint64 id, GString *out)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *text = NULL;

  zu_json_builder_begin_object (builder);
  if (id != 0)
    set_number (builder, "id", id);
  set_time (builder, self->time);
  set_text (builder, "client", self->client);
  set_target (builder, self);
  set_boolean (builder, "allowed", self->verdict.is_allowed);
  set_text (builder, "rule", self->verdict.rule);
  set_text (builder, "reason", zu_egress_reason_to_string (self->verdict.reason));
  set_number (builder, "bytes_in", self->bytes_in);
  set_number (builder, "bytes_out", self->bytes_out);
  set_number (builder, "duration_ms", (guint64) (g_get_monotonic_time () - self->began) / 1000);
  if (self->has_ech)
    set_boolean (builder, "ech", TRUE);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  text = json != NULL ? zu_json_to_string (json) : NULL;
  g_assert (text != NULL);
  g_string_append (out, text);
  g_string_append_c (out, '\n');
}
