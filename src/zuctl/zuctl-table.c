/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-table.h"

#include "zuctl-output.h"
#include "zuctl-text.h"

#define GAP 2

struct _ZuctlTable
{
  GStrv titles;
  guint n_columns;
  guint *widths;
  GPtrArray *rows; /* of GStrv */
  gboolean has_titles;
};

ZuctlTable *
zuctl_table_new (const char *const *titles)
{
  ZuctlTable *self = g_new0 (ZuctlTable, 1);

  self->titles = g_strdupv ((GStrv) titles);
  self->n_columns = g_strv_length (self->titles);
  self->widths = g_new0 (guint, self->n_columns);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  for (guint i = 0; i < self->n_columns; i++)
    self->widths[i] = zuctl_get_columns (self->titles[i]);
  return self;
}

void
zuctl_table_free (ZuctlTable *self)
{
  g_strfreev (self->titles);
  g_free (self->widths);
  g_ptr_array_unref (self->rows);
  g_free (self);
}

/* CELLS: one a column, NULL for none; any text. */
void
zuctl_table_add (ZuctlTable *self, const char *const *cells)
{
  GStrv row = g_new0 (char *, self->n_columns + 1);

  for (guint i = 0; i < self->n_columns; i++)
    {
      row[i] = zuctl_dup_printable (cells[i] != NULL ? cells[i] : "-");
      self->widths[i] = MAX (self->widths[i], zuctl_get_columns (row[i]));
    }
  g_ptr_array_add (self->rows, row);
}

static guint
get_last_width (ZuctlTable *self)
{
  guint terminal = zuctl_get_terminal_width ();
  guint used = 0;

  if (terminal == 0)
    return 0;
  for (guint i = 0; i + 1 < self->n_columns; i++)
    used += self->widths[i] + GAP;
  return used + 16 < terminal ? terminal - used : 16;
}

static void
print_row (ZuctlTable *self, GStrv row)
{
  guint last = self->n_columns - 1;
  g_autofree char *rest = zuctl_dup_excerpt (row[last], -1, get_last_width (self));

  for (guint i = 0; i < last; i++)
    zuctl_print ("%s%*s", row[i], (int) (self->widths[i] - zuctl_get_columns (row[i]) + GAP), "");
  zuctl_print ("%s\n", rest);
}

/* Prints what was added. Columns never get narrower, so a long listing can be printed in parts. */
void
zuctl_table_flush (ZuctlTable *self)
{
  if (!self->has_titles)
    {
      zuctl_set_style (ZUCTL_STYLE_TITLE);
      print_row (self, self->titles);
      zuctl_set_style (ZUCTL_STYLE_PLAIN);
    }
  self->has_titles = TRUE;

  for (guint i = 0; i < self->rows->len; i++)
    print_row (self, g_ptr_array_index (self->rows, i));
  g_ptr_array_set_size (self->rows, 0);
}
