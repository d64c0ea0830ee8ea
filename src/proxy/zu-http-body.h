/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-proxy-buffer.h"
#include "zu-http-head.h"

G_BEGIN_DECLS

/* What is still to come of a body. */
typedef struct
{
  ZuHttpBodyKind kind;
  guint64 left; /* of the body or of the chunk */
  guint state;
  guint n_digits;
  guint n_trailer;
} ZuHttpBody;

void zu_http_body_init (ZuHttpBody *self, const ZuHttpHead *head);
ZuHttpStatus zu_http_body_pass (ZuHttpBody *self, ZuProxyBuffer *in, ZuProxyBuffer *out);
gboolean zu_http_body_end (const ZuHttpBody *self);

G_END_DECLS
