/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-lockdown.h"

#include "zu-proxy-seccomp.h"

#include <errno.h>
#include <gio/gio.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static gboolean
failed (const char *what, GError **error)
{
  int number = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "%s: %s", what,
               g_strerror (number));
  return FALSE;
}

/* UID[:GID], decimal; without a group the one of the same number. */
gboolean
zu_proxy_user_parse (const char *text, ZuProxyUser *user, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);
  guint64 uid = 0, gid = 0;

  /* The last number is what the calls take for "unchanged". */
  if (parts[0] == NULL || !g_ascii_string_to_unsigned (parts[0], 10, 1, G_MAXUINT32 - 1, &uid, NULL)
      || (parts[1] != NULL
          && !g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT32 - 1, &gid, NULL)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' is no user: it must be UID or UID:GID, in digits and above 0", text);
      return FALSE;
    }
  user->uid = (guint) uid;
  user->gid = (guint) (parts[1] != NULL ? gid : uid);
  return TRUE;
}

static gboolean
is_user (const ZuProxyUser *user)
{
  uid_t ruid, euid, suid;
  gid_t rgid, egid, sgid;

  return getresuid (&ruid, &euid, &suid) == 0 && getresgid (&rgid, &egid, &sgid) == 0
         && ruid == user->uid && euid == user->uid && suid == user->uid && rgid == user->gid
         && egid == user->gid && sgid == user->gid && getgroups (0, NULL) == 0;
}

/* Groups first: setuid alone would keep the caller's. Then it is looked whether there is a way
 * back. */
static gboolean
become (const ZuProxyUser *user, GError **error)
{
  if (setgroups (0, NULL) != 0 || setresgid (user->gid, user->gid, user->gid) != 0
      || setresuid (user->uid, user->uid, user->uid) != 0)
    return failed ("cannot become another user (start it as root, or leave --user out)", error);
  errno = EPERM;
  return (is_user (user) && setresuid (-1, 0, -1) != 0)
         || failed ("cannot become another user", error);
}

/* Before anything is read from anybody: as many descriptors as we may have, another user where one
 * is given, no core dumps, no way to more privilege. */
gboolean
zu_proxy_begin_lockdown (const ZuProxyUser *user, GError **error)
{
  const struct rlimit none = { 0, 0 };
  struct rlimit files;

  if (getrlimit (RLIMIT_NOFILE, &files) == 0)
    {
      files.rlim_cur = files.rlim_max;
      (void) setrlimit (RLIMIT_NOFILE, &files);
    }
  if (user != NULL && !become (user, error))
    return FALSE;
  if (setrlimit (RLIMIT_CORE, &none) != 0 || prctl (PR_SET_DUMPABLE, 0) != 0)
    return failed ("cannot forbid core dumps", error);
  return prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
         || failed ("cannot give up gaining privileges", error);
}

/* Once everything that runs later is loaded. */
gboolean
zu_proxy_end_lockdown (GError **error)
{
  int number = zu_proxy_seccomp_load ();

  errno = -number;
  return number == 0 || failed ("cannot load the seccomp filter", error);
}

/* Whatever else was left open by whoever started us is none of our business. -1 is none. */
gboolean
zu_proxy_close_others (int first, int second, GError **error)
{
  int low = MIN (first, second), high = MAX (first, second);
  guint next = STDERR_FILENO + 1;

  for (guint i = 0; i < 2; i++)
    {
      int kept = i == 0 ? low : high;

      if (kept < (int) next)
        continue;
      if (kept > (int) next && close_range (next, (guint) kept - 1, 0) != 0)
        return failed ("cannot close the descriptors of others", error);
      next = (guint) kept + 1;
    }
  return close_range (next, ~0U, 0) == 0
         || failed ("cannot close the descriptors of others", error);
}
