/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-grant-rules.h"

G_BEGIN_DECLS

/* Grants, their uses and the events that tell of both, in one SQLite database that one process
 * holds. Every function is one transaction, on disk when it returns; each may be called from any
 * thread. */
typedef struct _ZuGrantStore ZuGrantStore;

typedef struct
{
  char *id;
  ZuGrantTerms *terms;
  gint64 issued;
  ZuGrantState state;
} ZuGrantRow;

typedef enum
{
  ZU_USE_RESERVED = 1,
  ZU_USE_DONE,
  ZU_USE_DECLINED,
} ZuUseState;

typedef struct
{
  char *id;
  char *grant_id;
  char *key;
  char *digest; /* of the use as it was asked for */
  ZuAmount amount;
  ZuUseState state;
  char *outcome; /* JSON of what came of it, NULL while reserved */
} ZuUseRow;

/* What asking for a use came to; at most one of refusal and use. */
typedef struct
{
  ZuGrantRow grant;
  const ZuGrantRefusal *refusal;
  ZuUseRow use;
  gboolean existed;
  char *peer; /* who asked; NULL where that is not known */
} ZuUseClaim;

ZuGrantStore *zu_grant_store_open (const char *path, GError **error);
void zu_grant_store_free (ZuGrantStore *self);

gint64 zu_grant_store_now (ZuGrantStore *self);

gboolean zu_grant_store_add (ZuGrantStore *self, const ZuGrantRow *grant, const char *event,
                             gint64 *outbox_seq, GError **error);
gboolean zu_grant_store_get (ZuGrantStore *self, const char *id, ZuGrantRow *grant, GError **error);
GPtrArray *zu_grant_store_list (ZuGrantStore *self, GError **error);
gboolean zu_grant_store_revoke (ZuGrantStore *self, const char *id, const char *event,
                                gint64 *outbox_seq, GError **error);

gboolean zu_grant_store_claim (ZuGrantStore *self, ZuGrantUse *use, const char *digest,
                               ZuUseClaim *claim, GError **error);
gboolean zu_grant_store_settle (ZuGrantStore *self, const ZuUseRow *use, ZuUseState state,
                                const char *outcome, const char *event, gint64 *outbox_seq,
                                GError **error);
gboolean zu_grant_store_release (ZuGrantStore *self, const ZuUseRow *use, const char *event,
                                 gint64 *outbox_seq, GError **error);

gboolean zu_grant_store_note (ZuGrantStore *self, const char *event, gint64 *outbox_seq,
                              GError **error);
GPtrArray *zu_grant_store_peek_outbox (ZuGrantStore *self, guint most, gint64 *last_seq,
                                       GError **error);
gboolean zu_grant_store_drop_outbox (ZuGrantStore *self, gint64 last_seq, GError **error);

void zu_grant_row_clear (ZuGrantRow *self);
void zu_grant_row_free (ZuGrantRow *self);
void zu_use_row_clear (ZuUseRow *self);
void zu_use_claim_clear (ZuUseClaim *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuGrantStore, zu_grant_store_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuGrantRow, zu_grant_row_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuUseClaim, zu_use_claim_clear)

G_END_DECLS
