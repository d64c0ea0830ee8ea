/* SPDX-License-Identifier: Apache-2.0 */

/* What bubblewrap is handed by descriptor: filters, the guest, files of ours, a user's mounts. */

#include "zu-bubblewrap-private.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef ZuBubblewrapLaunch Launch;

/* Takes @fd and answers the number it will have in bubblewrap. */
static int
inherit (Launch *launch, int fd, GError **error)
{
  if (fd < 0)
    {
      if (error && !*error)
        g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                     "cannot pass a file to the sandbox: %s", g_strerror (errno));
      return -1;
    }
  g_array_append_val (launch->inherit, fd);
  return ZU_KEEPER_INHERIT_FD + (int) launch->inherit->len - 1;
}

/* Every reader of a memory file needs an offset of its own. */
static int
reopen (int fd)
{
  char path[64];

  g_snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  return open (path, O_RDONLY | O_CLOEXEC);
}

static int
make_data (const char *text)
{
  ZU_AUTO_FD int fd = memfd_create ("zu-file", MFD_CLOEXEC);
  gsize size = strlen (text);

  if (fd >= 0 && write (fd, text, size) == (gssize) size && lseek (fd, 0, SEEK_SET) == 0)
    return zu_steal_fd (&fd);
  return -1;
}

static char *
dup_hosts (const ZuLaunchPlan *plan)
{
  g_autofree char *more = g_strjoinv ("\n", plan->hosts);

  return g_strdup_printf ("127.0.0.1 localhost\n::1 localhost\n127.0.1.1 sandbox\n%s%s", more,
                          *more ? "\n" : "");
}

/* A user's mounts go to bubblewrap, which opens nothing that this user cannot. */
static gboolean
pass_mounts (Launch *launch, GError **error)
{
  launch->first_mount = -1;
  if (launch->drops || !zu_bwrap_knows_option (launch->program, "--bind-fd"))
    return TRUE;
  for (guint i = 0; i < launch->plan->mounts->len; i++)
    {
      ZuMount *mount = launch->plan->mounts->pdata[i];
      int number = inherit (launch, fcntl (mount->fd, F_DUPFD_CLOEXEC, 3), error);

      if (number < 0)
        return FALSE;
      if (i == 0)
        launch->first_mount = number;
    }
  return TRUE;
}

/* An image brings its own files of /etc; only what names hosts is put over one of them. */
static gboolean
leave_files (Launch *launch, GError **error)
{
  ZuBwrapFds *fds = &launch->fds;

  if (!zu_bwrap_view_has (launch->image->view, "/etc"))
    return TRUE;
  fds->passwd = fds->group = -1;
  if (zu_bwrap_image_has (launch->image, "/etc/hosts"))
    return TRUE;
  fds->hosts = -1;
  if (!*launch->plan->hosts)
    return TRUE;
  g_set_error_literal (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC,
                       "bubblewrap does not do extra_hosts here: the image has no file /etc/hosts");
  return FALSE;
}

gboolean
zu_bubblewrap_pass_files (ZuBubblewrap *self, Launch *launch, GError **error)
{
  const char *home = launch->owns_workdir ? launch->workdir : "/tmp";
  g_autofree char *program = zu_keeper_find_program ("zu-guest", error);
  g_autofree char *passwd = g_strdup_printf ("%ssandbox:x:%u:%u:sandbox:%s:/bin/sh\n",
                                             launch->uid ? "root:x:0:0:root:/:/bin/sh\n" : "",
                                             launch->uid, launch->gid, home);
  g_autofree char *group =
      g_strdup_printf ("%ssandbox:x:%u:\n", launch->gid ? "root:x:0:\n" : "", launch->gid);
  g_autofree char *hosts = dup_hosts (launch->plan);
  const int *filters = launch->profile ? launch->filters : self->filters;
  ZuBwrapFds *fds = &launch->fds;

  if (!program)
    return FALSE;
  launch->inherit = g_array_new (FALSE, FALSE, sizeof (int));
  fds->ca = -1;
  fds->allowed = inherit (launch, reopen (filters[0]), error);
  fds->refused = inherit (launch, reopen (filters[1]), error);
  fds->guest = inherit (launch, open (program, O_RDONLY | O_CLOEXEC), error);
  fds->passwd = inherit (launch, make_data (passwd), error);
  fds->group = inherit (launch, make_data (group), error);
  fds->hosts = inherit (launch, make_data (hosts), error);
  if (launch->plan->ca_cert)
    fds->ca = inherit (launch, make_data (launch->plan->ca_cert), error);
  return fds->allowed >= 0 && fds->refused >= 0 && fds->guest >= 0 && fds->passwd >= 0
         && fds->group >= 0 && fds->hosts >= 0 && (fds->ca >= 0 || !launch->plan->ca_cert)
         && (!launch->image || leave_files (launch, error)) && pass_mounts (launch, error);
}
