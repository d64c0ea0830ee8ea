/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

void zu_run_json_copy_but (ZuJsonBuilder *builder, ZuJson *object, const char *const *names);

G_END_DECLS
