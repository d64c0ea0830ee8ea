/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-proxy-buffer.h"
#include "zu-proxy-record.h"

G_BEGIN_DECLS

void zu_proxy_answer_refuse (const ZuProxyRecord *record, ZuProxyBuffer *out);

G_END_DECLS
