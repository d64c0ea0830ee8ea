/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-bwrap-argv.h"
#include "zu-keeper-wire.h"
#include <string.h>
#include <unistd.h>

/* In /dev/shm and /run; /tmp and the working directory share the memory limit. */
#define SMALL_TMPFS (G_GINT64_CONSTANT (64) << 20)

void
zu_bwrap_view_free (ZuBwrapView *self)
{
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->links);
  g_ptr_array_unref (self->etc);
  g_free (self);
}

ZuBwrapView *
zu_bwrap_view_new_empty (void)
{
  ZuBwrapView *self = g_new0 (ZuBwrapView, 1);

  self->names = g_ptr_array_new_with_free_func (g_free);
  self->links = g_ptr_array_new_with_free_func (g_free);
  self->etc = g_ptr_array_new_with_free_func (g_free);
  return self;
}

/* Whether @path begins with a name of the view's. */
gboolean
zu_bwrap_view_has (const ZuBwrapView *self, const char *path)
{
  for (guint i = 0; i < self->names->len; i++)
    if (zu_path_is_beneath (path, self->names->pdata[i]))
      return TRUE;
  return FALSE;
}

/* Looks at the host: what is not there is not shown. */
ZuBwrapView *
zu_bwrap_view_new (void)
{
  static const char *const names[] = { "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32" };
  static const char *const etc[] = {
    "/etc/alternatives", "/etc/ld.so.cache", "/etc/ld.so.conf",      "/etc/ld.so.conf.d",
    "/etc/localtime",    "/etc/mime.types",  "/etc/nsswitch.conf",   "/etc/protocols",
    "/etc/services",     "/etc/ssl/certs",   "/etc/ssl/openssl.cnf",
  };
  ZuBwrapView *self = zu_bwrap_view_new_empty ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (access (names[i], F_OK) == 0)
      {
        g_ptr_array_add (self->names, g_strdup (names[i]));
        g_ptr_array_add (self->links, g_file_read_link (names[i], NULL));
      }
  for (guint i = 0; i < G_N_ELEMENTS (etc); i++)
    if (access (etc[i], R_OK) == 0)
      g_ptr_array_add (self->etc, g_strdup (etc[i]));
  return self;
}

/* Distributions add options to older versions, so the version does not tell; the program does. */
gboolean
zu_bwrap_knows_option (const char *program, const char *option)
{
  g_autoptr (GMappedFile) file = g_mapped_file_new (program, FALSE, NULL);

  return file
         && memmem (g_mapped_file_get_contents (file), g_mapped_file_get_length (file), option,
                    strlen (option) + 1);
}

static void
add (GStrvBuilder *argv, const char *first, ...)
{
  va_list list;

  va_start (list, first);
  for (const char *word = first; word; word = va_arg (list, const char *))
    g_strv_builder_add (argv, word);
  va_end (list);
}

static void
add_number (GStrvBuilder *argv, const char *option, gint64 number)
{
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, number);

  add (argv, option, text, NULL);
}

/* Whether the working directory is a place of its own, for which a tmpfs is made. */
gboolean
zu_bwrap_owns_workdir (const ZuLaunchPlan *plan, const char *workdir)
{
  static const char *const elsewhere[] = { "/usr",   "/bin",    "/sbin", "/lib", "/lib32",
                                           "/lib64", "/libx32", "/etc",  "/tmp", "/run" };

  if (strcmp (workdir, "/") == 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (elsewhere); i++)
    if (zu_path_is_beneath (workdir, elsewhere[i]))
      return FALSE;
  for (guint i = 0; i < plan->mounts->len; i++)
    if (zu_path_is_beneath (workdir, ((ZuMount *) plan->mounts->pdata[i])->destination))
      return FALSE;
  return TRUE;
}

/* Every namespace there is. The network one has nothing but its own loopback. */
static void
add_walls (GStrvBuilder *argv, const ZuBwrapRequest *r)
{
  add (argv, "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
       "--unshare-cgroup", "--die-with-parent", "--new-session", "--as-pid-1", "--cap-drop", "ALL",
       "--hostname", "sandbox", NULL);
  add_number (argv, "--uid", r->uid);
  add_number (argv, "--gid", r->gid);
  add_number (argv, "--add-seccomp-fd", r->fds.allowed);
  add_number (argv, "--add-seccomp-fd", r->fds.refused);
}

static void
add_data (GStrvBuilder *argv, const char *permissions, const char *option, int fd, const char *path)
{
  if (fd < 0)
    return;
  add (argv, "--perms", permissions, NULL);
  add_number (argv, option, fd);
  add (argv, path, NULL);
}

static void
add_names (GStrvBuilder *argv, const ZuBwrapRequest *r)
{
  for (guint i = 0; i < r->view->names->len; i++)
    {
      const char *name = r->view->names->pdata[i], *link = r->view->links->pdata[i];
      g_autofree char *source = g_strconcat (r->image ? r->image : "", name, NULL);

      if (link)
        add (argv, "--symlink", link, name, NULL);
      else
        add (argv, "--ro-bind", source, name, NULL);
    }
}

static void
add_host_view (GStrvBuilder *argv, const ZuBwrapRequest *r)
{
  for (guint i = 0; i < r->view->etc->len; i++)
    add (argv, "--ro-bind", r->view->etc->pdata[i], r->view->etc->pdata[i], NULL);
  add (argv, "--symlink", "../usr/lib/os-release", "/etc/os-release", NULL);
}

static void
add_view (GStrvBuilder *argv, const ZuBwrapRequest *r)
{
  gboolean brings_etc = r->image && zu_bwrap_view_has (r->view, "/etc");

  if (!r->image)
    add (argv, "--ro-bind", "/usr", "/usr", NULL);
  add_names (argv, r);
  if (!r->image)
    add_host_view (argv, r);
  add_data (argv, "0444", "--file", r->fds.passwd, "/etc/passwd");
  add_data (argv, "0444", "--file", r->fds.group, "/etc/group");
  add_data (argv, "0444", brings_etc ? "--ro-bind-data" : "--file", r->fds.hosts, "/etc/hosts");
  add_data (argv, "0555", "--ro-bind-data", r->fds.guest, ZU_BWRAP_GUEST);
}

static void
add_tmpfs (GStrvBuilder *argv, const char *permissions, gint64 size, const char *path)
{
  add (argv, "--perms", permissions, NULL);
  add_number (argv, "--size", size);
  add (argv, "--tmpfs", path, NULL);
}

/* The kernel's own trees, and what may be written. */
static void
add_scratch (GStrvBuilder *argv, const ZuBwrapRequest *r)
{
  gint64 half = r->plan->memory / 2;

  add (argv, "--proc", "/proc", "--dev", "/dev", NULL);
  add_tmpfs (argv, "1777", MIN (SMALL_TMPFS, half), "/dev/shm");
  add (argv, "--remount-ro", "/dev", NULL);
  add_tmpfs (argv, "1777", half, "/tmp");
  add_tmpfs (argv, "0755", MIN (SMALL_TMPFS, half), "/run");
  if (r->owns_workdir)
    add_tmpfs (argv, "0755", half, r->workdir);
  else if (zu_path_is_beneath (r->workdir, "/tmp") || zu_path_is_beneath (r->workdir, "/run"))
    add (argv, "--dir", r->workdir, NULL);
}

/* By descriptor where bubblewrap can: it looks whether what it has mounted is what that names. */
static void
add_mount (GStrvBuilder *argv, const ZuBwrapRequest *r, const ZuMount *mount, guint index)
{
  g_autofree char *staged = g_strdup_printf (ZU_KEEPER_STAGE "/%u", index);

  if (r->staged || r->first_mount < 0)
    add (argv, mount->writable ? "--bind" : "--ro-bind", r->staged ? staged : mount->source, NULL);
  else
    add_number (argv, mount->writable ? "--bind-fd" : "--ro-bind-fd", r->first_mount + (int) index);
  add (argv, mount->destination, NULL);
}

static void
add_mounts (GStrvBuilder *argv, const ZuBwrapRequest *r)
{
  for (guint i = 0; i < r->plan->mounts->len; i++)
    add_mount (argv, r, r->plan->mounts->pdata[i], i);
  add_data (argv, "0444", "--ro-bind-data", r->fds.ca, r->plan->ca_mount);
}

/**
 * zu_bwrap_build_argv: (skip)
 * @request: what is to be run, and the numbers of what is passed along
 *
 * A pure function: what it answers depends on nothing but the request.
 *
 * Returns: (transfer full): bubblewrap's whole command line, which ends in the guest's
 */
GStrv
zu_bwrap_build_argv (const ZuBwrapRequest *request)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  add (argv, request->program, NULL);
  add_walls (argv, request);
  add_view (argv, request);
  add_scratch (argv, request);
  add_mounts (argv, request);
  if (request->plan->read_only)
    add (argv, "--remount-ro", "/", NULL);
  add (argv, "--chdir", "/", "--", ZU_BWRAP_GUEST, NULL);
  add_number (argv, "--fd", ZU_KEEPER_GUEST_FD);
  return g_strv_builder_end (argv);
}
