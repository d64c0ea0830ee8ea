/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *zu_redact_text (const char *text);
GStrv zu_redact_argv (const char *const *argv);

G_END_DECLS
