/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-sealer.h"

G_BEGIN_DECLS

typedef enum
{
  STMT_FIND_LOG,
  STMT_STATE,
  STMT_INSERT,
  STMT_UPDATE,
  STMT_INSERT_LOG,
  STMT_UPDATE_LOG,
  N_STMTS,
} Stmt;

typedef enum
{
  MODE_UNKNOWN,
  MODE_ACTIVE,
  MODE_PASSIVE, /* the seals are signed, and we have no key: they are left to who has it */
  MODE_REFUSED,
} Mode;

struct _ZuSqliteSealer
{
  ZuSqliteTrouble *trouble;
  ZuSqliteTraceReader reader;
  sqlite3_stmt *stmts[N_STMTS];

  GHashTable *traces;
  GPtrArray *changed; /* of those */

  Mode mode;
  GError *refusal;
  ZuSecret *key;
  ZuSealTotal total;
  gint64 total_id;
  gboolean has_changed_total;
  gint64 policy; /* from which row on a plaintext one is refused; 0 for none */
};

gboolean zu_sqlite_sealer_write (ZuSqliteSealer *self, const ZuSeal *seal, gint64 *id);
gboolean zu_sqlite_sealer_load (ZuSqliteSealer *self, const ZuSqliteParams *params, GError **error);

G_END_DECLS
