/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-port.h"

/* The ports in ports/, NULL-terminated; generated. */
const ZuPortInfo *const *zu_get_builtin_ports (void);
