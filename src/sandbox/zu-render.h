/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The program that renders pages, where a call names none. */
#define ZU_RENDER_PROGRAM "zu-render"

GStrv zu_render_argv (const char *const *program, ZuJson *args, GError **error);
GStrv zu_tool_call_dup_argv (ZuToolCall *call, GError **error);

G_END_DECLS
