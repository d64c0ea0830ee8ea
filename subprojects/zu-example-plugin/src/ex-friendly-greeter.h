/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ex-greeter.h"

G_BEGIN_DECLS

#define EX_TYPE_FRIENDLY_GREETER (ex_friendly_greeter_get_type ())
G_DECLARE_FINAL_TYPE (ExFriendlyGreeter, ex_friendly_greeter, EX, FRIENDLY_GREETER, GObject)

G_END_DECLS
