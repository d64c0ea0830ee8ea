/* SPDX-License-Identifier: Apache-2.0 */

/* Image references, taken apart once: whatever is decided about an image is decided about these
 * parts and never about the text. The grammar is that of github.com/distribution/reference. */

#include "zu-image-reference.h"
#include <string.h>
#include <zu/zu.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

#define MAX_NAME 255
#define MAX_TAG  128
/* Characters of a refused reference that its error shows. */
#define MAX_SHOWN 300

/* What the first image registry ever was called, and still answers to. */
#define OLD_REGISTRY "index.docker.io"

void
zu_image_reference_free (ZuImageReference *self)
{
  g_free (self->text);
  g_free (self->registry);
  g_free (self->repository);
  g_free (self->tag);
  g_free (self->digest);
  g_free (self);
}

static gboolean
refuse (const char *text, const char *why, GError **error)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autofree char *start = g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), MAX_SHOWN));

  g_set_error (error, REFUSED, "image '%s': %s", start, why);
  return FALSE;
}

/* Letters and digits, with single dots, one or two underscores, or dashes between them. */
static gboolean
is_component (const char *text)
{
  if (!*text || !strchr (LOWER DIGIT, *text) || !strchr (LOWER DIGIT, text[strlen (text) - 1]))
    return FALSE;
  while (*text)
    {
      gsize n = strspn (text, LOWER DIGIT), between;

      text += n;
      between = *text == '-' ? strspn (text, "-") : *text == '_' ? strspn (text, "_") : 1;
      if (*text && (!strchr ("-_.", *text) || (*text == '_' && between > 2)))
        return FALSE;
      if (*text)
        text += between;
      if (between && *text && !strchr (LOWER DIGIT, *text))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_repository (const char *text)
{
  g_auto (GStrv) components = g_strsplit (text, "/", -1);

  for (guint i = 0; components[i]; i++)
    if (!is_component (components[i]))
      return FALSE;
  return components[0] != NULL;
}

static gboolean
is_port (const char *text)
{
  guint64 port;

  return strspn (text, DIGIT) == strlen (text)
         && g_ascii_string_to_unsigned (text, 10, 1, 65535, &port, NULL);
}

/* A host name, an IPv4 address, or an IPv6 one in brackets; with or without a port. */
static gboolean
is_registry (const char *text)
{
  const char *end = *text == '[' ? strchr (text, ']') : strchrnul (text, ':');
  g_autofree char *host = NULL;
  g_auto (GStrv) labels = NULL;

  if (!end || !*text)
    return FALSE;
  host = *text == '[' ? g_strndup (text + 1, (gsize) (end - text - 1))
                      : g_strndup (text, (gsize) (end - text));
  end += *text == '[';
  if ((*end && *end != ':') || (*end == ':' && !is_port (end + 1)))
    return FALSE;
  if (*text == '[')
    return strchr (host, ':') && !strchr (host, '%') && g_hostname_is_ip_address (host);
  labels = g_strsplit (host, ".", -1);
  for (guint i = 0; labels[i]; i++)
    if (!*labels[i] || strspn (labels[i], LOWER UPPER DIGIT "-") != strlen (labels[i])
        || *labels[i] == '-' || g_str_has_suffix (labels[i], "-"))
      return FALSE;
  return TRUE;
}

/* Only what looks like a host is one: with a dot or a port, or this machine itself. */
static gboolean
looks_like_registry (const char *text)
{
  return strpbrk (text, ".:[") || g_ascii_strcasecmp (text, "localhost") == 0;
}

static gboolean
take_digest (ZuImageReference *self, const char *text, char *rest, GError **error)
{
  char *at = strchr (rest, '@');
  const char *hex;

  if (!at)
    return TRUE;
  *at = '\0';
  hex = at + 1 + strlen ("sha256:");
  if (g_str_has_prefix (at + 1, "sha256:") && strlen (hex) == 64
      && strspn (hex, DIGIT "abcdef") == 64)
    {
      self->digest = g_strdup (at + 1);
      return TRUE;
    }
  return refuse (text, "what follows the @ is not sha256: and 64 digits in lower case", error);
}

static gboolean
take_tag (ZuImageReference *self, const char *text, char *rest, GError **error)
{
  char *slash = strrchr (rest, '/'), *colon = strchr (slash ? slash : rest, ':');

  if (!colon)
    {
      self->tag = self->digest ? NULL : g_strdup ("latest");
      return TRUE;
    }
  *colon = '\0';
  self->tag = g_strdup (colon + 1);
  if (*self->tag && strlen (self->tag) <= MAX_TAG && *self->tag != '.' && *self->tag != '-'
      && strspn (self->tag, LOWER UPPER DIGIT "_.-") == strlen (self->tag))
    return TRUE;
  return refuse (text, "the tag is not 1 to 128 letters, digits, _, . and -", error);
}

static gboolean
take_name (ZuImageReference *self, const char *text, const char *rest, GError **error)
{
  const char *slash = strchr (rest, '/');
  g_autofree char *first = slash ? g_strndup (rest, (gsize) (slash - rest)) : NULL;
  gboolean named = first && looks_like_registry (first);
  const char *repository = named ? slash + 1 : rest;

  if (named && !is_registry (first))
    return refuse (text, "its registry is not a host name with or without a port", error);
  self->registry = named ? g_ascii_strdown (first, -1) : g_strdup (ZU_IMAGE_REGISTRY);
  if (strcmp (self->registry, OLD_REGISTRY) == 0)
    {
      g_free (self->registry);
      self->registry = g_strdup (ZU_IMAGE_REGISTRY);
    }
  if (strcmp (self->registry, ZU_IMAGE_REGISTRY) == 0 && !strchr (repository, '/'))
    self->repository = g_strconcat ("library/", repository, NULL);
  else
    self->repository = g_strdup (repository);
  return (strlen (self->repository) <= MAX_NAME && is_repository (self->repository))
         || refuse (text,
                    "its name is not 1 to 255 letters in lower case, digits and single separators",
                    error);
}

/**
 * zu_image_reference_parse: (skip)
 * @text: as in `ubuntu`, `ghcr.io/a/b:1.0`, `x@sha256:…`
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming the reference and what is wrong with it
 *
 * Returns: (transfer full): its parts
 */
ZuImageReference *
zu_image_reference_parse (const char *text, GError **error)
{
  g_autoptr (ZuImageReference) self = g_new0 (ZuImageReference, 1);
  g_autofree char *rest = g_strdup (text);

  self->text = g_strdup (text);
  /* Engines take these for the ids of images, wherever those came from. */
  if ((strlen (text) == 64 && strspn (text, DIGIT "abcdef") == 64)
      || g_str_has_prefix (text, "sha256:"))
    refuse (text, "it is an image id (name the image, and pin it with @sha256:)", error);
  else if (take_digest (self, text, rest, error) && take_tag (self, text, rest, error)
           && take_name (self, text, rest, error))
    return g_steal_pointer (&self);
  return NULL;
}

static char *
join (const ZuImageReference *self, const char *name)
{
  return g_strconcat (name, self->tag ? ":" : "", self->tag ? self->tag : "",
                      self->digest ? "@" : "", self->digest ? self->digest : "", NULL);
}

/* With everything that may be left out, so that two texts for one image become the same text. */
char *
zu_image_reference_to_string (const ZuImageReference *self)
{
  g_autofree char *name = g_strconcat (self->registry, "/", self->repository, NULL);

  return join (self, name);
}

/* What may be left out, is: unless the rest would then be read as something else. */
static const char *
skip_implied (const ZuImageReference *self)
{
  const char *rest = self->repository;
  const char *slash = strchr (rest, '/');
  g_autofree char *first = slash ? g_strndup (rest, (gsize) (slash - rest)) : NULL;

  if (strcmp (self->registry, ZU_IMAGE_REGISTRY) != 0 || (first && looks_like_registry (first)))
    return NULL;
  /* `sha256:` in front is how the id of an image begins. */
  if (first && strcmp (first, "library") == 0 && !strchr (slash + 1, '/')
      && strcmp (slash + 1, "sha256") != 0)
    return slash + 1;
  return rest;
}

/* As engines list images: without what they imply. Of tag and digest the digest is what counts. */
char *
zu_image_reference_dup_short (const ZuImageReference *self)
{
  const char *rest = skip_implied (self);
  g_autofree char *name =
      rest ? g_strdup (rest) : g_strconcat (self->registry, "/", self->repository, NULL);

  if (self->digest)
    return g_strconcat (name, "@", self->digest, NULL);
  return join (self, name);
}
