/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sqlite-reader.h"

G_BEGIN_DECLS

ZuAuditPage *zu_sqlite_audit_page (ZuSqliteReaders *readers, const ZuSqliteRead *read,
                                   GError **error);

G_END_DECLS
