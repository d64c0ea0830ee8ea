/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-sink-options.h"

#define BUSY_TIMEOUT  5000
#define SPACE_WARNING (64 * 1024 * 1024)
#define OPTION_FLAGS  (G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS)

/**
 * ZuSink:role:
 *
 * `canonical` links events; `copy` takes what another sink has linked, and knows repeated ones.
 */
/**
 * ZuSink:sign-key:
 *
 * What linked events are signed with; %NULL for no signature.
 */
/**
 * ZuSink:index-fields:
 *
 * Fields of `payload.ctx` that can be filtered by.
 */
void
zu_sink_options_install (GObjectClass *klass)
{
  g_object_class_install_property (klass, ZU_SINK_PROP_ROLE,
                                   g_param_spec_string ("role", NULL, NULL, "canonical",
                                                        OPTION_FLAGS));
  g_object_class_install_property (klass, ZU_SINK_PROP_SIGN_KEY,
                                   g_param_spec_boxed ("sign-key", NULL, NULL, ZU_TYPE_SECRET,
                                                       OPTION_FLAGS));
  g_object_class_install_property (klass, ZU_SINK_PROP_INDEX_FIELDS,
                                   g_param_spec_boxed ("index-fields", NULL, NULL, G_TYPE_STRV,
                                                       OPTION_FLAGS));
}

/**
 * ZuSink:path:
 *
 * The log; once the sink is made, absolute. The sink's class gives it out.
 */
/**
 * ZuSink:busy-timeout:
 *
 * For how many milliseconds a verb waits for other programs at most.
 */
/**
 * ZuSink:space-warning:
 *
 * Below how many free bytes on its disk the log warns; 0 for never.
 */
void
zu_sink_options_install_for_file (GObjectClass *klass)
{
  zu_sink_options_install (klass);
  g_object_class_install_property (klass, ZU_SINK_PROP_PATH,
                                   g_param_spec_string ("path", NULL, NULL, NULL,
                                                        OPTION_FLAGS | G_PARAM_READABLE));
  g_object_class_install_property (klass, ZU_SINK_PROP_BUSY_TIMEOUT,
                                   g_param_spec_uint ("busy-timeout", NULL, NULL, 0, G_MAXINT,
                                                      BUSY_TIMEOUT, OPTION_FLAGS));
  g_object_class_install_property (klass, ZU_SINK_PROP_SPACE_WARNING,
                                   g_param_spec_uint64 ("space-warning", NULL, NULL, 0, G_MAXINT64,
                                                        SPACE_WARNING, OPTION_FLAGS));
}

/* Whether the property is one of these. */
gboolean
zu_sink_options_set (ZuSinkOptions *self, guint id, const GValue *value)
{
  switch (id)
    {
    case ZU_SINK_PROP_ROLE:
      self->role_name = g_value_dup_string (value);
      return TRUE;
    case ZU_SINK_PROP_SIGN_KEY:
      self->sign_key = g_value_dup_boxed (value);
      return TRUE;
    case ZU_SINK_PROP_INDEX_FIELDS:
      self->index_fields = g_value_dup_boxed (value);
      return TRUE;
    case ZU_SINK_PROP_PATH:
      self->path = g_value_dup_string (value);
      return TRUE;
    case ZU_SINK_PROP_BUSY_TIMEOUT:
      self->busy_timeout = g_value_get_uint (value);
      return TRUE;
    case ZU_SINK_PROP_SPACE_WARNING:
      self->space_warning = g_value_get_uint64 (value);
      return TRUE;
    default:
      return FALSE;
    }
}

/* Once all are set. */
gboolean
zu_sink_options_check (ZuSinkOptions *self, GError **error)
{
  return zu_sink_role_parse (self->role_name, &self->role, error)
         && zu_sink_check_fields ((const char *const *) self->index_fields, error);
}

gboolean
zu_sink_options_check_filter (const ZuSinkOptions *self, ZuFilter *filter, GError **error)
{
  return zu_sink_check_filter (filter, (const char *const *) self->index_fields, error);
}

void
zu_sink_options_clear (ZuSinkOptions *self)
{
  g_clear_pointer (&self->sign_key, zu_secret_unref);
  g_clear_pointer (&self->index_fields, g_strfreev);
  g_clear_pointer (&self->role_name, g_free);
  g_clear_pointer (&self->path, g_free);
}
