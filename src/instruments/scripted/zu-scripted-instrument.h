/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

#define ZU_TYPE_SCRIPTED_INSTRUMENT (zu_scripted_instrument_get_type ())
G_DECLARE_FINAL_TYPE (ZuScriptedInstrument, zu_scripted_instrument, ZU, SCRIPTED_INSTRUMENT,
                      GObject)

void zu_scripted_instrument_register (GTypeModule *module);

G_END_DECLS
