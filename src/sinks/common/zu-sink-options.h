/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-sink-link.h"

G_BEGIN_DECLS

/* The properties that every sink has, and those that every log in a file has besides. A sink's own
 * begin behind them. */
enum
{
  ZU_SINK_PROP_ROLE = 1,
  ZU_SINK_PROP_SIGN_KEY,
  ZU_SINK_PROP_INDEX_FIELDS,
  ZU_SINK_N_PROPS,

  ZU_SINK_PROP_PATH = ZU_SINK_N_PROPS,
  ZU_SINK_PROP_BUSY_TIMEOUT,
  ZU_SINK_PROP_SPACE_WARNING,
  ZU_FILE_SINK_N_PROPS,
};

typedef struct
{
  char *role_name;
  ZuSinkRole role;
  ZuSecret *sign_key;
  GStrv index_fields;

  char *path;            /* as given */
  guint busy_timeout;    /* milliseconds */
  guint64 space_warning; /* bytes */
} ZuSinkOptions;

void zu_sink_options_install (GObjectClass *klass);
void zu_sink_options_install_for_file (GObjectClass *klass);

gboolean zu_sink_options_set (ZuSinkOptions *self, guint id, const GValue *value);
gboolean zu_sink_options_check (ZuSinkOptions *self, GError **error);
gboolean zu_sink_options_check_filter (const ZuSinkOptions *self, ZuFilter *filter, GError **error);
void zu_sink_options_clear (ZuSinkOptions *self);

G_END_DECLS
