/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-events.h"

#define SOURCE "grant-broker"

/* RFC 3339, in UTC, to the second. */
char *
zu_grant_dup_time (gint64 microseconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (microseconds / G_USEC_PER_SEC);

  return g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
}

static void
add (ZuJsonBuilder *builder, const char *name, const char *text)
{
  if (text == NULL)
    return;
  zu_json_builder_set_member (builder, name);
  zu_json_builder_add_string (builder, text);
}

/* What a request holds may be anything; its digest says which one it was. */
static void
add_request (ZuJsonBuilder *builder, ZuGrantUse *use)
{
  ZuJson *request = zu_grant_use_get_request (use);
  g_autofree char *text = request != NULL ? zu_json_to_canonical_string (request) : NULL;
  g_autofree char *digest =
      text != NULL ? g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1) : NULL;

  add (builder, "request_sha256", digest);
}

/* The consent that a use rests on: its own, else the grant's. */
static ZuConsent *
find_consent (ZuGrantTerms *terms, ZuGrantUse *use)
{
  if (use != NULL && zu_grant_use_get_consent (use) != NULL)
    return zu_grant_use_get_consent (use);
  return zu_grant_terms_get_consent (terms);
}

/* PEER is who asked, where that is known. */
static void
add_ctx (ZuJsonBuilder *builder, const ZuGrantRow *grant, ZuGrantUse *use, const char *peer)
{
  ZuConsent *consent = find_consent (grant->terms, use);

  zu_json_builder_set_member (builder, "ctx");
  zu_json_builder_begin_object (builder);
  add (builder, "grant_id", grant->id);
  add (builder, "consent_ref", consent != NULL ? zu_consent_get_id (consent) : NULL);
  if (use != NULL)
    add (builder, "idempotency_key", zu_grant_use_get_idempotency_key (use));
  add (builder, "peer", peer);
  zu_json_builder_end_object (builder);
}

static void
add_consent (ZuJsonBuilder *builder, ZuConsent *consent)
{
  g_autoptr (ZuJson) json = consent != NULL ? zu_consent_to_json (consent) : NULL;

  if (json == NULL)
    return;
  zu_json_builder_set_member (builder, "consent");
  zu_json_builder_add_json (builder, json);
}

/* Takes BUILDER, in the middle of the payload. */
static char *
finish (ZuJsonBuilder *builder, const ZuGrantRow *grant, const char *task_id, const char *type)
{
  g_autoptr (ZuJson) payload = NULL;
  g_autoptr (ZuEvent) event = NULL;

  zu_json_builder_end_object (builder);
  payload = zu_json_builder_end (builder, NULL);
  zu_json_builder_unref (builder);
  event = zu_event_new (grant->id, task_id != NULL ? task_id : grant->id, NULL, type, SOURCE,
                        payload, NULL);
  return g_strdup (zu_event_get_text (event, NULL));
}

static ZuJsonBuilder *
start (const ZuGrantRow *grant, ZuGrantUse *use, const char *peer)
{
  ZuJsonBuilder *builder = zu_json_builder_new ();

  zu_json_builder_begin_object (builder);
  add_ctx (builder, grant, use, peer);
  add_consent (builder, find_consent (grant->terms, use));
  return builder;
}

char *
zu_grant_event_issued (const ZuGrantRow *grant, const char *peer)
{
  ZuJsonBuilder *builder = start (grant, NULL, peer);
  g_autoptr (ZuJson) terms = zu_grant_terms_to_json (grant->terms);
  g_autofree char *expires = zu_grant_dup_time (grant->state.expires);

  zu_json_builder_set_member (builder, "terms");
  zu_json_builder_add_json (builder, terms);
  add (builder, "expires", expires);
  return finish (builder, grant, NULL, "harness.grant.issued");
}

char *
zu_grant_event_revoked (const ZuGrantRow *grant, const char *peer)
{
  return finish (start (grant, NULL, peer), grant, NULL, "harness.grant.revoked");
}

static ZuJsonBuilder *
start_use (const ZuUseClaim *claim, ZuGrantUse *use)
{
  ZuJsonBuilder *builder = start (&claim->grant, use, claim->peer);

  add (builder, "use_id", claim->use.id);
  add (builder, "operation", zu_grant_use_get_operation (use));
  add (builder, "payee", zu_grant_use_get_payee (use));
  add (builder, "amount", zu_grant_use_get_amount (use));
  add (builder, "unit", zu_grant_terms_get_unit (claim->grant.terms));
  add_request (builder, use);
  return builder;
}

char *
zu_grant_event_reserved (const ZuUseClaim *claim, ZuGrantUse *use)
{
  return finish (start_use (claim, use), &claim->grant, claim->use.id, "harness.grant.reserved");
}

char *
zu_grant_event_done (const ZuUseClaim *claim, ZuGrantUse *use, const char *text)
{
  ZuJsonBuilder *builder = start_use (claim, use);

  add (builder, "text", text);
  return finish (builder, &claim->grant, claim->use.id, "harness.grant.used");
}

char *
zu_grant_event_refused (const ZuUseClaim *claim, ZuGrantUse *use, const char *refusal,
                        const char *text)
{
  ZuJsonBuilder *builder = start_use (claim, use);

  add (builder, "refusal", refusal);
  add (builder, "text", text);
  return finish (builder, &claim->grant, claim->use.id, "harness.grant.refused");
}
