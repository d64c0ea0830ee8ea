/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define ZU_IMAGE_REGISTRY "docker.io"

/* An image reference in its parts. `x`, `docker.io/x` and `docker.io/library/x` have the same. */
typedef struct
{
  char *text;       /* as it was written */
  char *registry;   /* "docker.io", "localhost:5000"; in lower case */
  char *repository; /* "library/ubuntu" */
  char *tag;        /* nullable where there is a digest; else "latest" where none was given */
  char *digest;     /* nullable; "sha256:" and 64 digits */
} ZuImageReference;

ZuImageReference *zu_image_reference_parse (const char *text, GError **error);
char *zu_image_reference_to_string (const ZuImageReference *self);
char *zu_image_reference_dup_short (const ZuImageReference *self);
void zu_image_reference_free (ZuImageReference *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuImageReference, zu_image_reference_free)

/* Which images may run. */
typedef struct
{
  GStrv registries; /* as zu_image_policy_new() has found them */
  gboolean require_digest;
} ZuImagePolicy;

ZuImagePolicy *zu_image_policy_new (const char *const *asked, const char *configured,
                                    gboolean require_digest);
gboolean zu_image_policy_check (const ZuImagePolicy *self, const ZuImageReference *image,
                                GError **error);
void zu_image_policy_free (ZuImagePolicy *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuImagePolicy, zu_image_policy_free)

G_END_DECLS
