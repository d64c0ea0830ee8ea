/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The switches of this machine that decide whether bubblewrap can work; NULL where there is none.
 */
typedef struct
{
  char *program;            /* bubblewrap itself */
  char *max_namespaces;     /* /proc/sys/user/max_user_namespaces */
  char *unprivileged_clone; /* /proc/sys/kernel/unprivileged_userns_clone */
  char *apparmor;           /* /proc/sys/kernel/apparmor_restrict_unprivileged_userns */
} ZuBwrapSwitches;

ZuBwrapSwitches *zu_bwrap_switches_new (const char *program);
void zu_bwrap_switches_free (ZuBwrapSwitches *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuBwrapSwitches, zu_bwrap_switches_free)

char *zu_bwrap_dup_obstacle (const ZuBwrapSwitches *switches);
char *zu_bwrap_dup_hint (const ZuBwrapSwitches *switches, const char *complaint);

G_END_DECLS
