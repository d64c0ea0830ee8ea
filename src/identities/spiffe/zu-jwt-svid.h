/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* Longer ones are refused before they are looked at. */
#define ZU_JWT_MAX_SIZE (16 * 1024)

char *zu_jwt_svid_verify (const char *token, ZuJson *bundle, const char *trust_domain,
                          const char *audience);

G_END_DECLS
