/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-run-owner.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static gboolean
watches_owners (ZuSandboxBackend *backend)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (backend);

  return g_object_class_find_property (klass, "owner-fd") != NULL
         && g_object_class_find_property (klass, "trace-id") != NULL
         && g_object_class_find_property (klass, "task-id") != NULL;
}

/* A run that is killed can undo nothing, so what holds its sandbox has to notice. */
int
zu_run_owner_claim (ZuSandboxBackend *backend, const char *trace_id, const char *task_id,
                    GError **error)
{
  int fd;

  if (!watches_owners (backend))
    return -1;

  fd = (int) syscall (SYS_pidfd_open, getpid (), 0);
  if (fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                   "cannot tell the sandbox who owns it: %s", g_strerror (errno));
      return -1;
    }

  g_object_set (backend, "owner-fd", fd, "trace-id", trace_id, "task-id", task_id, NULL);
  return fd;
}
