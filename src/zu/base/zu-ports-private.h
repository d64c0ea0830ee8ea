/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-port.h"

G_BEGIN_DECLS

#pragma GCC visibility push(hidden)

/* The ports in ports/, NULL-terminated; generated. */
const ZuPortInfo *const *zu_get_builtin_ports (void);

#pragma GCC visibility pop

G_END_DECLS
