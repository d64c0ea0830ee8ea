/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-worker-lockdown.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
failed (const char *what, GError **error)
{
  int number = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number), "%s: %s", what,
               g_strerror (number));
  return FALSE;
}

static gboolean
parse_id (const char *text, guint *id)
{
  guint64 number;

  /* The last one is what the calls take for "unchanged". */
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, &number, NULL))
    return FALSE;
  *id = (guint) number;
  return TRUE;
}

/* UID[:GID], decimal. Without a group it is the user's own, or one of the same number. */
gboolean
zu_worker_user_parse (const char *text, ZuWorkerUser *user, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);
  struct passwd *entry;
  guint uid = 0;
  guint gid = 0;

  if (parts[0] == NULL || !parse_id (parts[0], &uid)
      || (parts[1] != NULL && !parse_id (parts[1], &gid)))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "'%s' is no user: it must be UID or UID:GID, in digits", text);
      return FALSE;
    }
  user->uid = uid;
  user->gid = gid;
  if (parts[1] == NULL)
    {
      entry = getpwuid (uid);
      user->gid = entry != NULL ? entry->pw_gid : uid;
    }
  return TRUE;
}

/* First of all: nobody may trace this process or read its memory, and it leaves no core dump. */
gboolean
zu_worker_lock_down (GError **error)
{
  const struct rlimit none = { 0, 0 };

  umask (0077);
  if (prctl (PR_SET_DUMPABLE, 0) != 0 || setrlimit (RLIMIT_CORE, &none) != 0)
    return failed ("cannot forbid core dumps", error);
  prctl (PR_SET_NAME, "zu-worker");
  return TRUE;
}

static gboolean
write_map (const char *path, const char *text)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);
  gboolean written = fd >= 0 && write (fd, text, strlen (text)) == (gssize) strlen (text);

  if (fd >= 0)
    close (fd);
  return written;
}

/* Who may not make namespaces may where it has made a user namespace, in which it stays who it is.
 */
static gboolean
unshare_as_user (int flags)
{
  g_autofree char *uids = g_strdup_printf ("%u %u 1", geteuid (), geteuid ());
  g_autofree char *gids = g_strdup_printf ("%u %u 1", getegid (), getegid ());

  return unshare (CLONE_NEWUSER | flags) == 0 && prctl (PR_SET_DUMPABLE, 1) == 0
         && write_map ("/proc/self/setgroups", "deny") && write_map ("/proc/self/uid_map", uids)
         && write_map ("/proc/self/gid_map", gids) && prctl (PR_SET_DUMPABLE, 0) == 0;
}

/* Before there is a second thread, and before there is a secret: the maps of a process that is not
 * dumpable are not its own to write. */
gboolean
zu_worker_isolate (GError **error)
{
  const int flags = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

  if (unshare (flags) == 0 || (errno == EPERM && unshare_as_user (flags)))
    return TRUE;
  return failed ("cannot give the worker namespaces of its own", error);
}

static int
compare_ints (gconstpointer a, gconstpointer b, gpointer data)
{
  return *(const int *) a - *(const int *) b;
}

/* Whatever else was left open by whoever started us is none of our business. */
gboolean
zu_worker_close_others (const int *keep, gsize n_keep, GError **error)
{
  int sorted[ZU_WORKER_KEEP_MAX] = { 0 };
  int next = STDERR_FILENO + 1;
  int result = 0;

  g_assert (n_keep <= G_N_ELEMENTS (sorted));
  for (gsize i = 0; i < n_keep; i++)
    sorted[i] = keep[i];
  g_qsort_with_data (sorted, (int) n_keep, sizeof *sorted, compare_ints, NULL);

  for (gsize i = 0; i < n_keep && result == 0; i++)
    {
      if (sorted[i] > next)
        result = close_range ((guint) next, (guint) sorted[i] - 1, 0);
      next = MAX (next, sorted[i] + 1);
    }
  if (result == 0)
    result = close_range ((guint) next, ~0U, 0);
  return result == 0 || failed ("cannot close the descriptors of others", error);
}

/* The first three are never free for something else to take. */
void
zu_worker_close (int fd)
{
  int null;

  if (fd > STDERR_FILENO)
    {
      close (fd);
      return;
    }
  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2 (null, fd) < 0)
    close (fd);
  if (null >= 0)
    close (null);
}

static gboolean
is_user (const ZuWorkerUser *user)
{
  uid_t ruid, euid, suid;
  gid_t rgid, egid, sgid;

  return getresuid (&ruid, &euid, &suid) == 0 && getresgid (&rgid, &egid, &sgid) == 0
         && ruid == user->uid && euid == user->uid && suid == user->uid && rgid == user->gid
         && egid == user->gid && sgid == user->gid;
}

static gboolean
has_other_groups (const ZuWorkerUser *user)
{
  gid_t group;
  int n = getgroups (0, NULL);

  return n > 1 || (n == 1 && (getgroups (1, &group) != 1 || group != user->gid));
}

/* Groups first: setuid alone would keep the caller's. Then it is looked whether all of it is so,
 * and whether there is no way back. */
gboolean
zu_worker_become (const ZuWorkerUser *user, GError **error)
{
  g_autofree char *what = g_strdup_printf ("cannot become user %u, group %u", user->uid, user->gid);

  if (setresgid (user->gid, user->gid, user->gid) != 0
      || (setgroups (0, NULL) != 0 && errno != EPERM)
      || setresuid (user->uid, user->uid, user->uid) != 0)
    return failed (what, error);

  errno = EPERM;
  if (!is_user (user) || (user->uid != 0 && setresuid (-1, 0, -1) == 0))
    return failed (what, error);
  if (has_other_groups (user))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                   "%s: the supplementary groups cannot be dropped (start it as root)", what);
      return FALSE;
    }
  return TRUE;
}

/* After the last change of credentials, which makes a process dumpable again. */
gboolean
zu_worker_seal (GError **error)
{
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return failed ("cannot give up gaining privileges", error);
  if (prctl (PR_SET_DUMPABLE, 0) != 0 || prctl (PR_GET_DUMPABLE) != 0)
    return failed ("cannot forbid core dumps", error);
  return TRUE;
}
