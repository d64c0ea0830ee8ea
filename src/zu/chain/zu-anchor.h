/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-chain.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_ANCHOR_ERROR (zu_anchor_error_quark ())
#define ZU_TYPE_ANCHOR  (zu_anchor_get_type ())
G_DECLARE_FINAL_TYPE (ZuAnchor, zu_anchor, ZU, ANCHOR, GObject)

typedef enum
{
  ZU_ANCHOR_ERROR_MALFORMED,
} ZuAnchorError;

GQuark zu_anchor_error_quark (void);

/* The records of an anchor file: after SEQ events of a trace its head was HEAD. */
ZuAnchor *zu_anchor_new (void);
ZuAnchor *zu_anchor_new_from_text (const char *text, gssize length, GError **error);
ZuAnchor *zu_anchor_new_from_file (GFile *file, GError **error);
void zu_anchor_add (ZuAnchor *self, const char *trace_id, guint64 seq, const char *head);
guint zu_anchor_get_size (ZuAnchor *self);
const char *zu_anchor_get_trace_id (ZuAnchor *self, guint index);
guint64 zu_anchor_get_seq (ZuAnchor *self, guint index);
const char *zu_anchor_get_head (ZuAnchor *self, guint index);
char *zu_anchor_to_text (ZuAnchor *self);
gboolean zu_anchor_append_to_file (ZuAnchor *self, GFile *file, GError **error);

/* Compared while a verifier reads: the head is derived from the contents. */
void zu_chain_verifier_set_anchor (ZuChainVerifier *self, ZuAnchor *anchor);
void zu_chain_verifier_end (ZuChainVerifier *self);
ZuAnchor *zu_chain_verifier_dup_heads (ZuChainVerifier *self);

G_END_DECLS
