/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

void zu_maintenance_error_translate (GError **error);

G_END_DECLS
