/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* What stands beside a module and tells of it, so that it need not be loaded to be known. */
typedef struct
{
  char *kind;
  char *port;
  char *name;
  guint major;
  char *type_name;
  char *module; /* path */
  char *uri;    /* of a sink: path or whole */
  GError *error;
  gpointer loaded; /* the module, or NULL */
} ZuManifest;

void zu_manifest_free (ZuManifest *self);
GPtrArray *zu_manifest_read_folder (const char *folder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuManifest, zu_manifest_free)

#pragma GCC visibility pop

G_END_DECLS
