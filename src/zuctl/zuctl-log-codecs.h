/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zuctl-log-options.h"

G_BEGIN_DECLS

gboolean zuctl_log_open_codecs (ZuctlLogOptions *options, GError **error);

G_END_DECLS
