/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-reader.h"

G_BEGIN_DECLS

GBytes *zu_sqlite_audit_rows (ZuSqliteReaders *readers, const ZuSqliteRead *read, gint64 *next_seq,
                              GError **error);

G_END_DECLS
