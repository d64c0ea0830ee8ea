/* SPDX-License-Identifier: Apache-2.0 */

/* Where images may come from, and whether they must be pinned. */

#include "zu-image-reference.h"
#include <string.h>
#include <zu/zu.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

void
zu_image_policy_free (ZuImagePolicy *self)
{
  g_strfreev (self->registries);
  g_free (self);
}

/* Items between commas and white space; empty ones are none. */
static GStrv
split (const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, ", \t\n", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; words[i]; i++)
    if (*words[i])
      g_strv_builder_add (builder, words[i]);
  return g_strv_builder_end (builder);
}

/**
 * zu_image_policy_new: (skip)
 * @asked: (nullable): registries as the caller's spec has them
 * @configured: (nullable): a list of the configuration's
 * @require_digest: whether the caller wants images pinned
 *
 * The first of these that says anything says it all: the spec, `ZU_IMAGE_REGISTRY_ALLOWLIST`, the
 * configuration; else images of `docker.io` and of this machine may run. `ZU_IMAGE_REQUIRE_DIGEST`
 * set to 1 wants every image pinned.
 *
 * Returns: (transfer full): the policy
 */
ZuImagePolicy *
zu_image_policy_new (const char *const *asked, const char *configured, gboolean require_digest)
{
  ZuImagePolicy *self = g_new0 (ZuImagePolicy, 1);
  const char *environment = g_getenv ("ZU_IMAGE_REGISTRY_ALLOWLIST");

  self->require_digest =
      require_digest || g_strcmp0 (g_getenv ("ZU_IMAGE_REQUIRE_DIGEST"), "1") == 0;
  if (asked && *asked)
    self->registries = g_strdupv ((GStrv) asked);
  else if (environment && *environment)
    self->registries = split (environment);
  else
    self->registries = split (configured && *configured ? configured : "docker.io localhost");
  return self;
}

/* The empty name is the registry that is meant where none is named. */
static gboolean
is_listed (const ZuImagePolicy *self, const char *registry)
{
  for (guint i = 0; self->registries[i]; i++)
    if (g_ascii_strcasecmp (*self->registries[i] ? self->registries[i] : ZU_IMAGE_REGISTRY,
                            registry)
        == 0)
      return TRUE;
  return FALSE;
}

/* FALSE with ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming the image and what would allow it. */
gboolean
zu_image_policy_check (const ZuImagePolicy *self, const ZuImageReference *image, GError **error)
{
  g_autofree char *name = zu_image_reference_to_string (image);
  g_autofree char *list = g_strjoinv (", ", self->registries);

  if (!is_listed (self, image->registry))
    g_set_error (error, REFUSED,
                 "image '%s' comes from %s, and only images of %s may run (name the registry in "
                 "image_allowlist or ZU_IMAGE_REGISTRY_ALLOWLIST)",
                 name, image->registry, list);
  else if (self->require_digest && !image->digest)
    g_set_error (error, REFUSED, "image '%s' is not pinned by a digest (append @sha256:…)", name);
  else
    return TRUE;
  return FALSE;
}
