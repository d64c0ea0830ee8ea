/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* What each byte of a SQLite database is for (https://www.sqlite.org/fileformat2.html). */

typedef enum
{
  PAGES_HEADER, /* of the file */
  PAGES_TREE,   /* a page's own header, and its pointers to cells */
  PAGES_UNUSED, /* between pointers and cells, and in freed blocks */
  PAGES_CELL,
  PAGES_OVERFLOW,
  PAGES_TAIL, /* of an overflow page, behind what is stored in it */
  PAGES_FREE, /* of no table */
} PagesUse;

typedef struct _Pages Pages;

Pages *pages_read (const char *path, const guint8 *bytes, gsize size);
void pages_free (Pages *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pages, pages_free)

gsize pages_get_size (Pages *self);
PagesUse pages_get_use (Pages *self, gsize place);
const char *pages_get_owner (Pages *self, gsize place);
