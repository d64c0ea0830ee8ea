/* SPDX-License-Identifier: Apache-2.0 */

/* Says in a sentence what keeps bubblewrap from working here, instead of its riddle. */

#include "zu-bwrap-probe.h"
#include <string.h>
#include <unistd.h>

void
zu_bwrap_switches_free (ZuBwrapSwitches *self)
{
  g_free (self->program);
  g_free (self->max_namespaces);
  g_free (self->unprivileged_clone);
  g_free (self->apparmor);
  g_free (self);
}

static char *
read_switch (const char *path)
{
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  return g_strchomp (text);
}

/* As root the path is not searched: whoever sets it would choose what root runs. */
static char *
find_program (const char *program)
{
  static const char *const places[] = { "/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap" };

  if (program)
    return access (program, X_OK) == 0 ? g_strdup (program) : NULL;
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (access (places[i], X_OK) == 0)
      return g_strdup (places[i]);
  return NULL;
}

/**
 * zu_bwrap_switches_new: (skip)
 * @program: (nullable): bubblewrap's path; NULL looks where distributions put it
 *
 * Returns: (transfer full): what this machine has set
 */
ZuBwrapSwitches *
zu_bwrap_switches_new (const char *program)
{
  ZuBwrapSwitches *self = g_new0 (ZuBwrapSwitches, 1);

  self->program = find_program (program);
  self->max_namespaces = read_switch ("/proc/sys/user/max_user_namespaces");
  self->unprivileged_clone = read_switch ("/proc/sys/kernel/unprivileged_userns_clone");
  self->apparmor = read_switch ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  return self;
}

/* What makes it impossible for certain; NULL where nothing is known to. */
char *
zu_bwrap_dup_obstacle (const ZuBwrapSwitches *switches)
{
  if (!switches->program)
    return g_strdup ("bubblewrap is not installed (install the package bubblewrap)");
  if (!switches->max_namespaces)
    return g_strdup ("this kernel has no user namespaces (one built with CONFIG_USER_NS has)");
  if (strcmp (switches->max_namespaces, "0") == 0)
    return g_strdup ("user namespaces are switched off here (as root: sysctl "
                     "user.max_user_namespaces=10000)");
  if (g_strcmp0 (switches->unprivileged_clone, "0") == 0)
    return g_strdup (
        "user namespaces are switched off for unprivileged users here (as root: sysctl "
        "kernel.unprivileged_userns_clone=1)");
  return NULL;
}

/* What is likely behind bubblewrap's own words; NULL where they say it well enough. */
char *
zu_bwrap_dup_hint (const ZuBwrapSwitches *switches, const char *complaint)
{
  if (strstr (complaint, "uid map") || strstr (complaint, "new namespace")
      || strstr (complaint, "loopback"))
    return g_strdup (g_strcmp0 (switches->apparmor, "1") == 0
                         ? "AppArmor restricts user namespaces here (give bubblewrap a profile "
                           "that allows userns, or as root: sysctl "
                           "kernel.apparmor_restrict_unprivileged_userns=0)"
                         : "user namespaces cannot be made here (inside a container, its profile "
                           "has to allow them)");
  if (strstr (complaint, "proc on") || strstr (complaint, "mount proc"))
    return g_strdup ("a new /proc cannot be mounted here (inside a container, its own /proc has to "
                     "be unmasked)");
  return NULL;
}
