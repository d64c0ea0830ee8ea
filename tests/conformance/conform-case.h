/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* One contract test: an example of a verb, or a scenario. */
typedef struct
{
  const ZuPortInfo *port;
  char *name;
  ZuJson *steps; /* an array */
} ConformCase;

void conform_case_free (ConformCase *self);
GPtrArray *conform_list_cases (const ZuPortInfo *port, GError **error);
gboolean conform_case_run (ConformCase *self, GObject *object, GError **error);

G_END_DECLS
