/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define ZU_SPIFFE_SCHEME "spiffe://"

gboolean zu_spiffe_is_trust_domain (const char *text);
gboolean zu_spiffe_is_workload (const char *id, const char *trust_domain);
char *zu_spiffe_dup_trust_domain (const char *id);

G_END_DECLS
