/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* System calls by name, up to NULL: what ordinary programs need; and what is known, and refused as
 * a kernel refuses it to a user without privileges. */
extern const char *const zu_seccomp_allowed[];
extern const char *const zu_seccomp_refused[];
