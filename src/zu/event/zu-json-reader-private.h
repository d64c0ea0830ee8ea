/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-json-private.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* Names of one object that are told apart by their tags; past it they are sorted to be compared. */
#define ZU_JSON_MAX_TAGS 32

typedef struct
{
  guint32 node;
  guint32 count;
  gboolean is_object;
  gboolean is_repeated;
  guint64 seen;
  guint16 tags[ZU_JSON_MAX_TAGS];
} ZuJsonReaderFrame;

typedef struct
{
  char *p;
  char *start;
  const char *end;
  ZuJsonTape *tape;
  ZuJsonNumbers numbers;
  gboolean is_odd; /* something was met that is not written as we write it */
  int code;
  const char *message;
  guint depth;
  guint base_depth;
  ZuJsonReaderFrame frames[ZU_JSON_MAX_DEPTH];
} ZuJsonReader;

gboolean zu_json_reader_fail (ZuJsonReader *self, ZuJsonError code, const char *message);
gboolean zu_json_reader_build_odd_string (ZuJsonReader *self, char **out);
gboolean zu_json_reader_scan_odd_string (ZuJsonReader *self);

#pragma GCC visibility pop

G_END_DECLS
