/* SPDX-License-Identifier: Apache-2.0 */

/* Finds an image at an engine, and has it fetched where that was asked for. */

#include "zu-docker-image.h"
#include "zu-peek.h"
#include <string.h>

#define MISSING ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING

void
zu_docker_image_free (ZuDockerImage *self)
{
  g_free (self->id);
  g_strfreev (self->environment);
  g_free (self->workdir);
  g_free (self->user);
  g_strfreev (self->volumes);
  g_free (self);
}

/* Of an array its texts, of an object its names. */
static GStrv
dup_texts (ZuJson *object, const char *name)
{
  g_autoptr (ZuJson) list = zu_peek_member (object, name);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; i < zu_peek_size (list); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (list, i);
      const char *text = zu_json_get_kind (list) == ZU_JSON_KIND_OBJECT
                             ? zu_json_get_member_name (list, i, NULL)
                             : zu_peek_text (element);

      if (text)
        g_strv_builder_add (builder, text);
    }
  return g_strv_builder_end (builder);
}

static char *
dup_text (ZuJson *object, const char *name)
{
  char *text = zu_peek_member_text (object, name);

  return text ? text : g_strdup ("");
}

static gboolean
is_id (const char *text)
{
  return text && g_str_has_prefix (text, "sha256:") && strlen (text) == 71
         && strspn (text + 7, "0123456789abcdef") == 64;
}

/**
 * zu_docker_image_new: (skip)
 * @answer: what an engine says of an image
 * @error: ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE where that makes no sense
 *
 * Returns: (transfer full): what of it matters here
 */
ZuDockerImage *
zu_docker_image_new (ZuJson *answer, GError **error)
{
  g_autoptr (ZuDockerImage) self = g_new0 (ZuDockerImage, 1);
  g_autoptr (ZuJson) config = zu_peek_member (answer, "Config");

  self->id = zu_peek_member_text (answer, "Id");
  /* podman leaves the algorithm out. */
  if (self->id && strlen (self->id) == 64)
    {
      g_autofree char *digits = g_steal_pointer (&self->id);

      self->id = g_strconcat ("sha256:", digits, NULL);
    }
  self->environment = dup_texts (config, "Env");
  self->workdir = dup_text (config, "WorkingDir");
  self->user = dup_text (config, "User");
  self->volumes = dup_texts (config, "Volumes");
  if (is_id (self->id))
    return g_steal_pointer (&self);
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_UNAVAILABLE,
                       "the engine does not tell the image's id");
  return NULL;
}

/* What was found is what was pinned: by the image's own id, or by the digest that it came under. */
static gboolean
check_digest (const ZuImageReference *reference, ZuJson *answer, GError **error)
{
  g_auto (GStrv) digests = dup_texts (answer, "RepoDigests");
  g_autofree char *id = zu_peek_member_text (answer, "Id");

  if (!reference->digest || g_strcmp0 (id, reference->digest) == 0)
    return TRUE;
  for (guint i = 0; digests[i]; i++)
    if (strchr (digests[i], '@') && strcmp (strchr (digests[i], '@') + 1, reference->digest) == 0)
      return TRUE;
  g_set_error (error, MISSING, "the engine has another image under the name of '%s'",
               reference->text);
  return FALSE;
}

static ZuJson *
inspect (ZuDockerEngine *engine, const char *name, guint *status, GCancellable *cancellable,
         GError **error)
{
  g_autofree char *path = g_strdup_printf ("/images/%s/json", name);

  return zu_docker_engine_call (engine, "GET", path, NULL, status, cancellable, error);
}

typedef struct
{
  ZuDockerProgressFunc progress;
  gpointer user_data;
} Pull;

static gboolean
on_line (ZuJson *line, gpointer user_data, GError **error)
{
  Pull *pull = user_data;
  g_autofree char *failure = zu_peek_member_text (line, "error");
  g_autofree char *status = zu_peek_member_text (line, "status");
  g_autofree char *layer = zu_peek_member_text (line, "id");
  g_autofree char *amount = zu_peek_member_text (line, "progress");
  g_autofree char *text = NULL;

  if (failure)
    {
      g_set_error (error, MISSING, "cannot fetch the image: %s", failure);
      return FALSE;
    }
  if (!status || !pull->progress)
    return TRUE;
  text = g_strdup_printf ("%s%s%s%s%s", layer ? layer : "", layer ? ": " : "", status,
                          amount ? " " : "", amount ? amount : "");
  pull->progress (text, pull->user_data);
  return TRUE;
}

static gboolean
fetch (ZuDockerEngine *engine, const ZuImageReference *reference, Pull *pull,
       GCancellable *cancellable, GError **error)
{
  g_autofree char *name = g_strconcat (reference->registry, "/", reference->repository, NULL);
  g_autofree char *from = g_uri_escape_string (name, NULL, FALSE);
  g_autofree char *tag =
      g_uri_escape_string (reference->digest ? reference->digest : reference->tag, NULL, FALSE);
  g_autofree char *path = g_strdup_printf ("/images/create?fromImage=%s&tag=%s", from, tag);

  return zu_docker_engine_stream (engine, "POST", path, on_line, pull, cancellable, error);
}

static void
set_missing (const ZuImageReference *reference, ZuPullPolicy pull, GError **error)
{
  if (pull == ZU_PULL_POLICY_MISSING)
    g_set_error (error, MISSING, "image '%s' was fetched, and is not there", reference->text);
  else
    g_set_error (error, MISSING,
                 "there is no image '%s' here (fetch it: --pull missing, or docker pull %s)",
                 reference->text, reference->text);
}

/**
 * zu_docker_image_find: (skip)
 * @engine: where it is looked for
 * @reference: which
 * @pull: whether it may be fetched
 * @progress: (nullable): what is told how the fetching goes on
 * @user_data: for @progress
 * @cancellable: (nullable): ends the waiting
 * @error: ZU_SANDBOX_BACKEND_ERROR_IMAGE_MISSING where it is not there, saying how to get it
 *
 * Returns: (transfer full): what the engine says of it
 */
ZuDockerImage *
zu_docker_image_find (ZuDockerEngine *engine, const ZuImageReference *reference, ZuPullPolicy pull,
                      ZuDockerProgressFunc progress, gpointer user_data, GCancellable *cancellable,
                      GError **error)
{
  g_autofree char *name = zu_image_reference_dup_short (reference);
  Pull data = { progress, user_data };
  guint status;
  g_autoptr (ZuJson) answer = inspect (engine, name, &status, cancellable, error);

  if (answer && status == 404 && pull == ZU_PULL_POLICY_MISSING)
    {
      g_clear_pointer (&answer, zu_json_unref);
      if (fetch (engine, reference, &data, cancellable, error))
        answer = inspect (engine, name, &status, cancellable, error);
    }
  if (answer && status == 404)
    set_missing (reference, pull, error);
  else if (answer && status != 200)
    zu_docker_engine_set_refused (engine, ZU_SANDBOX_BACKEND_ERROR_START_FAILED,
                                  "does not tell of the image", status, answer, error);
  else if (answer && check_digest (reference, answer, error))
    return zu_docker_image_new (answer, error);
  return NULL;
}
