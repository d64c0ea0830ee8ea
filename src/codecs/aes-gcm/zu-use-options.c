/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-use-options.h"

#include "../keys/zu-key-text.h"
#include "zu-use-file.h"

/* NIST SP 800-38D, 8.3: at most 2^32 messages under one key with random nonces. Refused a little
 * before, for uses whose count was lost; warned of at the half. */
#define SAFE_USES  (G_GUINT64_CONSTANT (1) << 32)
#define MAX_USES   (SAFE_USES - (G_GUINT64_CONSTANT (1) << 24))
#define WARN_AFTER (SAFE_USES / 2)

enum
{
  USES_BEFORE,
  WARN_AFTER_USES,
  MAX_USES_ALLOWED,
  USES_FILE,
};

static void
install (GObjectClass *klass, guint id, GParamSpec *pspec)
{
  g_object_class_install_property (klass, id, pspec);
}

void
zu_use_options_install (GObjectClass *klass, guint first)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  install (klass, first + USES_BEFORE,
           g_param_spec_uint64 ("uses-before", NULL,
                                "How often each key was used before; added to its count", 0,
                                G_MAXINT64, 0, flags));
  install (klass, first + WARN_AFTER_USES,
           g_param_spec_uint64 ("warn-after", NULL,
                                "The count at which a key is said to be due for replacement", 1,
                                SAFE_USES, WARN_AFTER, flags));
  install (klass, first + MAX_USES_ALLOWED,
           g_param_spec_uint64 ("max-uses", NULL, "The count at which a key is refused", 1,
                                SAFE_USES, MAX_USES, flags));
  install (klass, first + USES_FILE,
           g_param_spec_string ("uses-file", NULL,
                                "A file in which counts outlive the process; left out, they do not",
                                NULL, flags));
}

gboolean
zu_use_options_set (ZuUseLimits *limits, guint index, const GValue *value)
{
  if (index == USES_BEFORE)
    limits->uses_before = g_value_get_uint64 (value);
  else if (index == WARN_AFTER_USES)
    limits->warn_after = g_value_get_uint64 (value);
  else if (index == MAX_USES_ALLOWED)
    limits->max_uses = g_value_get_uint64 (value);
  else if (index == USES_FILE)
    limits->file = g_value_dup_string (value);
  else
    return FALSE;
  return TRUE;
}

gboolean
zu_use_options_get (const ZuUseLimits *limits, guint index, GValue *value)
{
  if (index == USES_BEFORE)
    g_value_set_uint64 (value, limits->uses_before);
  else if (index == WARN_AFTER_USES)
    g_value_set_uint64 (value, limits->warn_after);
  else if (index == MAX_USES_ALLOWED)
    g_value_set_uint64 (value, limits->max_uses);
  else if (index == USES_FILE)
    g_value_set_string (value, limits->file);
  else
    return FALSE;
  return TRUE;
}

gboolean
zu_use_options_check (const ZuUseLimits *limits, GError **error)
{
  return limits->file == NULL || zu_use_file_create (limits->file, error);
}

/* Counts a use of the key, and tells whoever listens to @codec when it is due. */
gboolean
zu_use_options_take (const ZuUseLimits *limits, ZuAesGcmKey *key, gpointer codec, GError **error)
{
  ZuUseCount *count = zu_aes_gcm_key_get_count (key);
  const char *id = zu_aes_gcm_key_get_id (key);
  gboolean is_due = FALSE;
  guint64 uses;

  if (!zu_use_count_take (count, limits, &is_due, error))
    {
      g_prefix_error (error, "key '%s': ", id);
      return FALSE;
    }
  if (!is_due)
    return TRUE;

  uses = zu_use_count_get (count, limits);
  g_message ("%s: the key '%s' has been used %" G_GUINT64_FORMAT " times: make another key current "
             "before it is refused at %" G_GUINT64_FORMAT,
             G_OBJECT_TYPE_NAME (codec), id, uses, limits->max_uses);
  zu_payload_codec_emit_rotation_due (codec, id, uses);
  return TRUE;
}
