/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-json.h"
#include "../secret/zu-secret.h"

G_BEGIN_DECLS

#define ZU_EVENT_SCHEMA_VERSION 1
#define ZU_EVENT_ERROR          (zu_event_error_quark ())
#define ZU_TYPE_EVENT           (zu_event_get_type ())
G_DECLARE_FINAL_TYPE (ZuEvent, zu_event, ZU, EVENT, GObject)

typedef enum
{
  ZU_EVENT_ERROR_MALFORMED,
  ZU_EVENT_ERROR_FIELD,
  ZU_EVENT_ERROR_UNDECODABLE,
} ZuEventError;

/* The text fields that a sink stores, compares and filters by. */
typedef enum
{
  ZU_EVENT_FIELD_EVENT_ID,
  ZU_EVENT_FIELD_TRACE_ID,
  ZU_EVENT_FIELD_TASK_ID,
  ZU_EVENT_FIELD_PARENT_ID,
  ZU_EVENT_FIELD_TYPE,
  ZU_EVENT_FIELD_TS,
  ZU_EVENT_FIELD_SOURCE,
  ZU_EVENT_FIELD_PREV_HASH,
  ZU_EVENT_FIELD_HASH,
  ZU_EVENT_FIELD_SIG,
} ZuEventField;

GQuark zu_event_error_quark (void);

ZuEvent *zu_event_new (const char *trace_id, const char *task_id, const char *parent_id,
                       const char *type, const char *source, ZuJson *payload, GError **error);
ZuEvent *zu_event_new_from_json (const char *text, gssize length, GError **error);
ZuEvent *zu_event_new_from_stored (GBytes *text, GError **error);
ZuEvent *zu_event_new_from_stored_text (const char *text, gsize length, GError **error);

const char *zu_event_get_text (ZuEvent *self, gsize *length);
const char *zu_event_get_field (ZuEvent *self, ZuEventField field, gsize *length);
const char *zu_event_get_event_id (ZuEvent *self);
const char *zu_event_get_trace_id (ZuEvent *self);
const char *zu_event_get_task_id (ZuEvent *self);
const char *zu_event_get_parent_id (ZuEvent *self);
const char *zu_event_get_event_type (ZuEvent *self);
const char *zu_event_get_ts (ZuEvent *self);
const char *zu_event_get_source (ZuEvent *self);
const char *zu_event_get_prev_hash (ZuEvent *self);
const char *zu_event_get_hash (ZuEvent *self);
const char *zu_event_get_sig (ZuEvent *self);
gint64 zu_event_get_schema_version (ZuEvent *self);
const char *zu_event_get_payload_text (ZuEvent *self, gsize *length);
ZuJson *zu_event_dup_payload (ZuEvent *self);
char *zu_event_dup_ctx_value (ZuEvent *self, const char *field);

char *zu_event_dup_canonical (ZuEvent *self, const char *prev_hash);
char *zu_event_dup_digest (ZuEvent *self, const char *prev_hash);
char *zu_event_dup_own_digest (ZuEvent *self);
gboolean zu_event_is_linked (ZuEvent *self);
gboolean zu_event_has_same_content (ZuEvent *self, ZuEvent *other);
ZuEvent *zu_event_link (ZuEvent *self, const char *prev_hash, ZuSecret *sign_key);
ZuJson *zu_event_to_json (ZuEvent *self);

G_END_DECLS
