/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-http-head.h"

G_BEGIN_DECLS

gboolean zu_http_is_token (const ZuSpan *span);
gboolean zu_http_read_fields (ZuHttpHead *head, const char *at, const char *end);
gboolean zu_http_frame (ZuHttpHead *head, gboolean is_request);
gboolean zu_http_field_passes (const ZuHttpHead *head, const ZuHttpField *field);

G_END_DECLS
