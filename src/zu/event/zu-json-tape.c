/* SPDX-License-Identifier: Apache-2.0 */

/* What is asked of a tape once it is read. */

#include "zu-json-private.h"

#define SMALL_OBJECT 16

static int
compare_names (const ZuJsonTape *tape, guint32 a, guint32 b)
{
  const ZuJsonNode *x = &tape->nodes[a], *y = &tape->nodes[b];
  int order = memcmp (tape->text + x->start, tape->text + y->start, MIN (x->length, y->length));

  if (order != 0)
    return order;
  return (x->length > y->length) - (x->length < y->length);
}

/* By name, and equal names by their place. */
static int
compare_keys (gconstpointer a, gconstpointer b, gpointer tape)
{
  guint32 x = *(const guint32 *) a, y = *(const guint32 *) b;
  int order = compare_names (tape, x, y);

  return order != 0 ? order : (x > y) - (x < y);
}

/* The key that follows in the text, dead or not; it may be the end of the object. */
static guint32
next_key (const ZuJsonTape *tape, guint32 key)
{
  return key + 1 + tape->nodes[key + 1].span;
}

/* The live member after KEY, for whoever knows that there is one. */
guint32
zu_json_tape_next (const ZuJsonTape *tape, guint32 key)
{
  do
    key = next_key (tape, key);
  while (tape->nodes[key].flags & ZU_JSON_NODE_DEAD);
  return key;
}

/* Of members with one name the first keeps its place and gets the value of the last. */
void
zu_json_tape_resolve (ZuJsonTape *tape, guint32 object)
{
  guint32 local[SMALL_OBJECT] = { 0 };
  guint32 count = tape->nodes[object].length, n = 0;
  g_autofree guint32 *many = count > SMALL_OBJECT ? g_new (guint32, count) : NULL;
  guint32 *keys = many != NULL ? many : local;

  for (guint32 key = object + 1; n < count; key = next_key (tape, key))
    keys[n++] = key;
  g_qsort_with_data (keys, (int) count, sizeof *keys, compare_keys, tape);

  for (guint32 first = 0, i = 1; i < count; i++)
    {
      if (compare_names (tape, keys[first], keys[i]) != 0)
        {
          first = i;
          continue;
        }
      tape->nodes[keys[first]].span = keys[i] + 1 - keys[first];
      tape->nodes[keys[i]].flags |= ZU_JSON_NODE_DEAD;
      tape->nodes[object].length--;
    }
}

/* The value of a member; 0, which is nobody's value, where there is none. */
guint32
zu_json_tape_find (const ZuJsonTape *tape, guint32 object, const char *name, gsize length)
{
  guint32 count = tape->nodes[object].length;
  guint32 key = object + 1;

  for (guint32 i = 0; i < count; i++)
    {
      const ZuJsonNode *node = &tape->nodes[key];

      if (node->length == length && memcmp (tape->text + node->start, name, length) == 0)
        return key + node->span;
      if (i + 1 < count)
        key = zu_json_tape_next (tape, key);
    }
  return 0;
}

void
zu_json_tape_clear (ZuJsonTape *tape)
{
  g_clear_pointer (&tape->nodes, g_free);
  tape->n_nodes = 0;
  tape->allocated = 0;
}
