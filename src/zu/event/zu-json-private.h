/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-buffer-private.h"
#include "zu-json-plain-private.h"
#include "zu-json.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* How deep arrays and objects may nest; one that is empty does not count. */
#define ZU_JSON_MAX_DEPTH 200
/* How many characters the integer part of a number may have, its sign included. */
#define ZU_JSON_MAX_DIGITS 4300

/* In a tape only: an object's member name, followed by its value. */
#define ZU_JSON_KIND_KEY ((ZuJsonKind) 7)

enum
{
  ZU_JSON_NODE_PLAIN = 1 << 0,    /* a text of U+0020..U+007E without `"` and `\` */
  ZU_JSON_NODE_TRUE = 1 << 1,     /* the boolean */
  ZU_JSON_NODE_DEAD = 1 << 2,     /* a key that a later one of the same name replaced */
  ZU_JSON_NODE_INFINITE = 1 << 3, /* a null that was read as NaN or an infinity */
};

/* One value, or one member name. A document is an array of them in the order of its text. */
typedef struct
{
  guint8 kind;
  guint8 flags;
  guint32 start;  /* of its text: decoded for a string, digits for a number */
  guint32 length; /* of its text; of an array or object, how many values it has */
  guint32 span;   /* nodes up to the next value; from a key, nodes to the value that counts */
} ZuJsonNode;

typedef struct
{
  const char *text;
  ZuJsonNode *nodes;
  guint32 n_nodes;
  guint32 allocated;
} ZuJsonTape;

typedef enum
{
  ZU_JSON_STRICT,
  ZU_JSON_LENIENT_NUMBERS, /* NaN and infinities, also those by overflow, are read as null */
} ZuJsonNumbers;

typedef enum
{
  ZU_JSON_STYLE_COMPACT,
  ZU_JSON_STYLE_EVENT,     /* compact, with an event's spelling of floats */
  ZU_JSON_STYLE_CANONICAL, /* compact, keys sorted, ASCII */
  ZU_JSON_STYLE_SPACED,    /* ASCII, with a space after `,` and `:` */
  ZU_JSON_STYLE_PYTHON,    /* no JSON: how Python prints the value as part of another one */
} ZuJsonStyle;

typedef struct
{
  gatomicrefcount ref_count;
  ZuJsonTape tape;
  char *text;
} ZuJsonDocument;

gboolean zu_json_tape_read (ZuJsonTape *tape, char *text, gsize length, ZuJsonNumbers numbers,
                            GError **error);
const char *zu_json_scan (const char *text, const char *end, guint depth);
const char *zu_json_canonicalise (const char *text, const char *end, ZuBuffer *out);
guint32 zu_json_tape_add (ZuJsonTape *tape, ZuJsonKind kind);
void zu_json_tape_resolve (ZuJsonTape *tape, guint32 object);
guint32 zu_json_tape_find (const ZuJsonTape *tape, guint32 object, const char *name, gsize length);
guint32 zu_json_tape_next (const ZuJsonTape *tape, guint32 key);
void zu_json_tape_clear (ZuJsonTape *tape);

void zu_json_write (const ZuJsonTape *tape, guint32 node, ZuJsonStyle style, ZuBuffer *out);
void zu_json_write_text (const char *text, gsize length, ZuJsonStyle style, ZuBuffer *out);
void zu_python_write_text (const char *text, gsize length, ZuBuffer *out);
void zu_python_write (const ZuJsonTape *tape, guint32 node, ZuBuffer *out);
gboolean zu_json_text_is_plain (const char *text, gsize length);
gsize zu_json_utf8_length (const char *p);
char *zu_json_write_u_escape (char *out, gunichar c);

ZuJson *zu_json_new (ZuJsonTape *tape, char *text);
const ZuJsonTape *zu_json_peek_tape (ZuJson *self, guint32 *node);

/* Writes a text that is plain as a string with its quotes: the same in every style of JSON. */
static inline void
zu_json_write_plain (const char *text, gsize length, ZuBuffer *buffer)
{
  char *out = zu_buffer_reserve (buffer, length + 2);

  out[0] = '"';
  memcpy (out + 1, text, length);
  out[length + 1] = '"';
  buffer->length += length + 2;
}

static inline const char *
zu_json_node_text (const ZuJsonTape *tape, guint32 node)
{
  return tape->text + tape->nodes[node].start;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ZuJsonTape, zu_json_tape_clear)

#pragma GCC visibility pop

G_END_DECLS
