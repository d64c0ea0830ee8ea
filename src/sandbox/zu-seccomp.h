/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The default profile as two programs for the kernel, in memory files: what is not on the first's
 * list does not exist (ENOSYS); the second refuses some of that by its arguments. The kernel runs
 * both, and the stricter answer counts. */
int zu_seccomp_make_allowed (GError **error);
int zu_seccomp_make_refused (GError **error);

G_END_DECLS
