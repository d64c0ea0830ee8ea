/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-egress-rule.h"

G_BEGIN_DECLS

#define ZU_HTTP_MAX_FIELDS 100

typedef enum
{
  ZU_HTTP_MORE, /* it is not all there yet */
  ZU_HTTP_DONE,
  ZU_HTTP_BAD,
} ZuHttpStatus;

/* Some bytes of the head that was read; not ended by a NUL. */
typedef struct
{
  const char *at;
  gsize length;
} ZuSpan;

typedef struct
{
  ZuSpan name;
  ZuSpan value;
} ZuHttpField;

typedef enum
{
  ZU_HTTP_BODY_NONE,
  ZU_HTTP_BODY_LENGTH,
  ZU_HTTP_BODY_CHUNKED,
  ZU_HTTP_BODY_UNTIL_CLOSE,
} ZuHttpBodyKind;

/* The head of a request or an answer (RFC 9112), which lives as long as the bytes it was read from.
 */
typedef struct
{
  gsize size; /* with the empty line at its end */
  guint minor;
  ZuSpan method; /* of a request */
  ZuSpan path;   /* of a request in absolute form, without the host; may be empty */
  ZuHost host;   /* of a request's target */
  guint16 port;  /* of a request's target */
  guint status;  /* of an answer */
  ZuSpan reason; /* of an answer */
  gboolean is_connect;
  gboolean is_kept; /* whether its sender keeps the connection open */
  ZuHttpBodyKind body;
  guint64 length; /* of a body that tells it */
  ZuHttpField fields[ZU_HTTP_MAX_FIELDS];
  guint n_fields;
} ZuHttpHead;

ZuHttpStatus zu_http_find_end (const char *data, gsize size, gsize *looked_at);
ZuHttpStatus zu_http_read_request (ZuHttpHead *self, const char *data, gsize size);
ZuHttpStatus zu_http_read_answer (ZuHttpHead *self, const char *data, gsize size,
                                  gboolean is_for_head);

gboolean zu_span_is (const ZuSpan *span, const char *text);
void zu_http_write_request (const ZuHttpHead *self, GString *out);
void zu_http_write_answer (const ZuHttpHead *self, gboolean is_kept, GString *out);

G_END_DECLS
