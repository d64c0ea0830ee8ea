/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-seccomp-profile.h"

G_BEGIN_DECLS

/* Programs for the kernel, in memory files. It runs all of them, and the strictest answer counts:
 * a profile, and what no profile may allow. */
int zu_seccomp_make_filter (const ZuSeccompProfile *profile, GError **error);
int zu_seccomp_make_refused (const ZuSeccompProfile *profile, GError **error);

G_END_DECLS
