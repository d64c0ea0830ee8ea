/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-field.h"

G_BEGIN_DECLS

G_GNUC_INTERNAL void zu_json_builder_add_digits (ZuJsonBuilder *builder, guint64 number);

G_END_DECLS
