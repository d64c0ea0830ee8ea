/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean zu_worker_confine (gboolean network, GError **error);

G_END_DECLS
