/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-answer.h"

#include <string.h>
#include <zu/zu.h>

typedef struct
{
  ZuEgressReason reason;
  const char *status;
  const char *error; /* as in Proxy-Status, RFC 9209, section 2.3 */
} Answer;

static const Answer answers[] = {
  { ZU_EGRESS_BAD_REQUEST, "400 Bad Request", "http_request_error" },
  { ZU_EGRESS_BAD_HOST, "400 Bad Request", "http_request_error" },
  { ZU_EGRESS_REQUEST_TIMEOUT, "408 Request Timeout", "http_request_error" },
  { ZU_EGRESS_HEADER_TOO_LARGE, "431 Request Header Fields Too Large", "http_request_error" },
  { ZU_EGRESS_RESOLUTION_FAILED, "502 Bad Gateway", "dns_error" },
  { ZU_EGRESS_CONNECT_FAILED, "502 Bad Gateway", "connection_refused" },
  { ZU_EGRESS_BAD_RESPONSE, "502 Bad Gateway", "http_protocol_error" },
  { ZU_EGRESS_TOO_MANY, "503 Service Unavailable", "connection_limit_reached" },
  { ZU_EGRESS_RESOLUTION_TIMEOUT, "504 Gateway Timeout", "dns_timeout" },
  { ZU_EGRESS_CONNECT_TIMEOUT, "504 Gateway Timeout", "connection_timeout" },
  { ZU_EGRESS_INTERNAL_ADDRESS, "403 Forbidden", "destination_ip_prohibited" },
  { ZU_EGRESS_REASONS, "403 Forbidden", "http_request_denied" },
};

static const Answer *
find_answer (ZuEgressReason reason)
{
  const Answer *answer = answers;

  while (answer->reason != reason && answer->reason != ZU_EGRESS_REASONS)
    answer++;
  return answer;
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

/* No word of the addresses that a name has: those are not the sandbox's to know. */
static char *
make_body (const ZuProxyRecord *record)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  g_autoptr (ZuJson) json = NULL;
  g_autofree char *host =
      record->host.kind != ZU_HOST_BAD ? zu_host_to_string (&record->host) : NULL;

  zu_json_builder_begin_object (builder);
  zu_json_builder_set_member (builder, "allowed");
  zu_json_builder_add_boolean (builder, record->verdict.is_allowed);
  set_text (builder, "reason", zu_egress_reason_to_string (record->verdict.reason));
  set_text (builder, "explanation", zu_egress_reason_explain (record->verdict.reason));
  set_text (builder, "host", host);
  zu_json_builder_set_member (builder, "port");
  zu_json_builder_add_int64 (builder, record->port);
  set_text (builder, "rule", record->verdict.rule);
  zu_json_builder_end_object (builder);
  json = zu_json_builder_end (builder, NULL);
  return zu_json_to_string (json);
}

/* The answer to a request that is refused: the reason in two fields and in the body. */
void
zu_proxy_answer_refuse (const ZuProxyRecord *record, ZuProxyBuffer *out)
{
  const Answer *answer = find_answer (record->verdict.reason);
  const char *reason = zu_egress_reason_to_string (record->verdict.reason);
  g_autofree char *body = make_body (record);
  g_autofree char *text =
      g_strdup_printf ("HTTP/1.1 %s\r\n"
                       "Content-Type: application/json\r\n"
                       "Content-Length: %" G_GSIZE_FORMAT "\r\n"
                       "Proxy-Status: zu-egress-proxy; error=%s; details=\"%s\"\r\n"
                       "Zu-Egress-Reason: %s\r\n"
                       "Connection: close\r\n"
                       "\r\n"
                       "%s\n",
                       answer->status, strlen (body) + 1, answer->error, reason, reason, body);

  zu_proxy_buffer_append (out, text, strlen (text));
}
