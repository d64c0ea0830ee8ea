/* SPDX-License-Identifier: Apache-2.0 */

#include "pages.h"

#include <sqlite3.h>
#include <string.h>

#define FILE_HEADER  100
#define LEAF_HEADER  8
#define INNER_HEADER 12
#define LEAF_INDEX   0x0a
#define LEAF_TABLE   0x0d

struct _Pages
{
  const guint8 *bytes;
  gsize size;
  gsize page_size;
  guint8 *uses;      /* of each byte */
  GPtrArray *owners; /* of each page; NULL for none */
};

static guint
read_16 (const guint8 *bytes)
{
  return (guint) bytes[0] << 8 | bytes[1];
}

static void
mark (Pages *self, gsize start, gsize end, PagesUse use)
{
  g_assert_cmpuint (end, <=, self->size);
  for (gsize i = start; i < end; i++)
    self->uses[i] = (guint8) use;
}

/* Blocks inside the cells that were given up: four bytes link them, the rest is nothing. */
static void
mark_freed_blocks (Pages *self, gsize page, guint first)
{
  while (first != 0)
    {
      const guint8 *block = self->bytes + page + first;

      mark (self, page + first, page + first + 4, PAGES_TREE);
      mark (self, page + first + 4, page + first + read_16 (block + 2), PAGES_UNUSED);
      first = read_16 (block);
    }
}

static void
mark_tree_page (Pages *self, gsize page)
{
  gsize header = page == 0 ? FILE_HEADER : 0;
  const guint8 *bytes = self->bytes + page + header;
  gboolean is_leaf = bytes[0] == LEAF_INDEX || bytes[0] == LEAF_TABLE;
  gsize pointers = header + (is_leaf ? LEAF_HEADER : INNER_HEADER);
  gsize unused = pointers + (gsize) 2 * read_16 (bytes + 3);
  gsize cells = read_16 (bytes + 5);

  mark (self, page, page + header, PAGES_HEADER);
  mark (self, page + header, page + unused, PAGES_TREE);
  mark (self, page + unused, page + cells, PAGES_UNUSED);
  mark (self, page + cells, page + self->page_size, PAGES_CELL);
  mark_freed_blocks (self, page, read_16 (bytes + 1));
}

static void
note_page (Pages *self, sqlite3_stmt *row)
{
  gsize n = (gsize) sqlite3_column_int64 (row, 1) - 1;
  gsize page = n * self->page_size;

  g_ptr_array_index (self->owners, n) = g_strdup ((const char *) sqlite3_column_text (row, 0));
  if (strcmp ((const char *) sqlite3_column_text (row, 2), "overflow") != 0)
    {
      mark_tree_page (self, page);
      return;
    }

  mark (self, page, page + self->page_size, PAGES_OVERFLOW);
  mark (self, page + self->page_size - (gsize) sqlite3_column_int64 (row, 3),
        page + self->page_size, PAGES_TAIL);
}

/* The bytes are of the file of that name, and stay. */
Pages *
pages_read (const char *path, const guint8 *bytes, gsize size)
{
  Pages *self = g_new0 (Pages, 1);
  g_autofree char *uri = g_strdup_printf ("file:%s?immutable=1", path);
  sqlite3_stmt *row = NULL;
  sqlite3 *db = NULL;

  self->bytes = bytes;
  self->size = size;
  self->page_size = read_16 (bytes + 16);
  self->uses = g_malloc (size);
  memset (self->uses, PAGES_FREE, size);
  self->owners = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_set_size (self->owners, (int) (size / self->page_size));

  g_assert_cmpint (sqlite3_open_v2 (uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL), ==,
                   SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, "SELECT name, pageno, pagetype, unused FROM dbstat", -1,
                                       &row, NULL),
                   ==, SQLITE_OK);
  while (sqlite3_step (row) == SQLITE_ROW)
    note_page (self, row);
  sqlite3_finalize (row);
  sqlite3_close (db);
  return self;
}

void
pages_free (Pages *self)
{
  g_free (self->uses);
  g_ptr_array_unref (self->owners);
  g_free (self);
}

gsize
pages_get_size (Pages *self)
{
  return self->page_size;
}

PagesUse
pages_get_use (Pages *self, gsize place)
{
  return (PagesUse) self->uses[place];
}

/* The table or index; "" for none. */
const char *
pages_get_owner (Pages *self, gsize place)
{
  const char *owner = g_ptr_array_index (self->owners, place / self->page_size);

  return owner != NULL ? owner : "";
}
