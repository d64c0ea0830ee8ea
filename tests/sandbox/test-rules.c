/* SPDX-License-Identifier: Apache-2.0 */

/* The pure parts: what a spec becomes, what may be mounted, what bubblewrap is told. */

#include "zu-bound-sockets.h"
#include "zu-bwrap-argv.h"
#include "zu-bwrap-probe.h"
#include "zu-launch-plan.h"
#include "zu-socket.h"
#include "zu-state.h"
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOT "/run/zu/sandboxes"

static ZuLaunchPlan *
plan (const char *text, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_parse (text, -1, error);
  g_autoptr (ZuLaunchSpec) spec = json ? zu_launch_spec_new_from_json (json, error) : NULL;

  return spec ? zu_launch_plan_new (spec, ROOT, error) : NULL;
}

static void
test_floor (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuLaunchPlan) p = plan ("{}", &error);

  g_assert_no_error (error);
  g_assert_cmpint (p->memory, ==, 1 << 30);
  g_assert_false (p->memory_asked);
  g_assert_cmpint (p->pids, ==, 256);
  g_assert_cmpint (p->uid, ==, -1);
  g_assert_true (p->read_only);
  g_assert_cmpint (p->network, ==, ZU_NETWORK_MODE_NONE);
  g_assert_cmpuint (p->mounts->len, ==, 0);
}

static void
test_values (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuLaunchPlan) p = plan (
      "{\"mem_limit\": \"256m\", \"pids_limit\": -1, \"user\": \"7:8\", \"workdir\": \"/a/b\","
      "\"environment\": {\"A\": \"=x y\"}, \"extra_hosts\": {\"h\": \"::1\"}}",
      &error);

  g_assert_no_error (error);
  g_assert_cmpint (p->memory, ==, 256 << 20);
  g_assert_true (p->memory_asked);
  g_assert_cmpint (p->pids, ==, 256);
  g_assert_cmpint (p->uid, ==, 7);
  g_assert_cmpint (p->gid, ==, 8);
  g_assert_cmpstr (p->workdir, ==, "/a/b");
  g_assert_cmpstr (p->environment[0], ==, "A==x y");
  g_assert_cmpstr (p->hosts[0], ==, "::1 h");
}

static void
test_refused (void)
{
  static const struct
  {
    const char *spec;
    const char *word;
  } cases[] = {
    { "{\"mem_limit\": \"1t\"}", "mem_limit" },
    { "{\"mem_limit\": 1.5}", "mem_limit" },
    { "{\"mem_limit\": \"99999999999999999999\"}", "mem_limit" },
    { "{\"mem_limit\": \"9007199254740993g\"}", "mem_limit" },
    { "{\"mem_limit\": 1000}", "limit" },
    { "{\"lifetime\": -1}", "lifetime" },
    { "{\"user\": \"root\"}", "root" },
    { "{\"user\": \"1:\"}", "1:" },
    { "{\"user\": \"4294967295\"}", "4294967295" },
    { "{\"workdir\": \"work\"}", "work" },
    { "{\"workdir\": \"/proc/self/fd/7\"}", "/proc" },
    { "{\"workdir\": \"/tmp/../proc/self\"}", "working directory" },
    { "{\"network\": true}", "allow_unrestricted_egress" },
    { "{\"network\": \"bridge\"}", "network" },
    { "{\"network\": \"isolated\"}", "network_name" },
    { "{\"dns\": [\"1.1.1.1\"]}", "dns" },
    { "{\"proxy\": {\"host\": \"p\"}}", "proxy" },
    { "{\"cap_add\": [\"SYS_ADMIN\"]}", "SYS_ADMIN" },
    { "{\"cap_add\": [\"CHOWN\", \"cap_sys_ptrace\"]}", "cap_sys_ptrace" },
    { "{\"seccomp\": \"unconfined\"}", "unconfined" },
    { "{\"security_opt\": [\"seccomp=unconfined\"]}", "unconfined" },
    { "{\"security_opt\": [\"no-new-privileges:false\"]}", "no-new-privileges" },
    { "{\"security_opt\": [\"label=disable\"]}", "label" },
    { "{\"environment\": {\"A=B\": \"x\"}}", "A=B" },
    { "{\"environment\": {\"A\": 1}}", "A" },
    { "{\"environment\": [\"A=1\"]}", "environment" },
    { "{\"environment\": {\"A\": \"x\\u0000y\"}}", "A" },
    { "{\"extra_hosts\": {\"h\": \"name\"}}", "h" },
    { "{\"extra_hosts\": {\"h\\n127.0.0.1 x\": \"1.2.3.4\"}}", "extra_hosts" },
    { "{\"volumes\": {\"/usr\": \"/x\"}}", "/usr" },
    { "{\"volumes\": {\"usr\": {\"bind\": \"/x\"}}}", "usr" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/x\", \"mode\": \"rx\"}}}", "mode" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/x\", \"mod\": \"ro\"}}}", "mod" },
    { "{\"volumes\": {\"/usr\": {}}}", "bind" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/\"}}}", "/" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/x/../etc\"}}}", "/x/../etc" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/x/\"}}}", "/x/" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/proc/x\"}}}", "/proc" },
    { "{\"volumes\": {\"/usr\": {\"bind\": \"/.zu/guest\"}}}", "/.zu" },
    { "{\"volumes\": {\"/\": {\"bind\": \"/x\"}}}", "/" },
    { "{\"volumes\": {\"/usr/..\": {\"bind\": \"/x\"}}}", "/" },
    { "{\"volumes\": {\"/proc/self\": {\"bind\": \"/x\"}}}", "/proc" },
    { "{\"volumes\": {\"/var/run\": {\"bind\": \"/x\"}}}", "/run" },
    { "{\"volumes\": {\"/usr/bin\": {\"bind\": \"/x\", \"mode\": \"rw\"},"
      " \"/usr/lib\": {\"bind\": \"/x/y\"}}}",
      "/x" },
    { "{\"volumes\": {\"/usr/bin\": {\"bind\": \"/x\"}, \"/usr/lib\": {\"bind\": \"/x\"}}}", "/x" },
    { "{\"ca_cert\": \"x\", \"ca_mount\": \"/etc/x\"}", "/etc" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuLaunchPlan) p = plan (cases[i].spec, &error);

      if (p)
        g_error ("not refused: %s", cases[i].spec);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
      if (!strstr (error->message, cases[i].word))
        g_error ("%s: '%s' does not say '%s'", cases[i].spec, error->message, cases[i].word);
    }
}

static void
test_unknown_key (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (plan ("{\"no_such_key\": 1}", &error));
  g_assert_nonnull (strstr (error->message, "no_such_key"));
}

static void
test_sources (void)
{
  static const char *const refused[] = { "/",        "/proc",         "/proc/1",
                                         "/sys/fs",  "/dev",          "/run/docker.sock",
                                         "/etc",     "/etc/shadow",   "/boot",
                                         "/s/state", "/s/state/zu-1", "/s" };
  static const char *const taken[] = {
    "/usr", "/home/me", "/processes", "/srv", "/s2", "/s/other"
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    g_assert_false (zu_mount_check_source (refused[i], "/s/state", NULL));
  for (guint i = 0; i < G_N_ELEMENTS (taken); i++)
    g_assert_true (zu_mount_check_source (taken[i], "/s/state", NULL));
}

static int
bind_in (const char *folder, int type)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, type | SOCK_CLOEXEC, 0);

  g_snprintf (address.sun_path, sizeof address.sun_path, "%s/inner/socket", folder);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==, 0);
  return fd;
}

/* A folder is refused for as long as somebody is bound to a socket in it, whatever kind that has;
 * what has no owner any more, or lies beside, is none. */
static void
test_sockets (void)
{
  static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
  g_autofree char *dir = g_dir_make_tmp ("zu-rules-XXXXXX", NULL);
  g_autofree char *held = g_build_filename (dir, "held", NULL);
  g_autofree char *inner = g_build_filename (held, "inner", NULL);
  g_autofree char *beside = g_build_filename (dir, "held2", NULL);
  g_autofree char *path = g_build_filename (inner, "socket", NULL);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", dir);
  g_autofree char *spec = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/x\"}}}", held);
  g_autofree char *other = g_strdup_printf ("{\"volumes\": {\"%s\": {\"bind\": \"/x\"}}}", beside);

  g_assert_cmpint (g_mkdir_with_parents (inner, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (beside, 0755), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuLaunchPlan) p = NULL, q = NULL, r = NULL;
      ZU_AUTO_FD int fd = bind_in (held, types[i]);

      p = plan (spec, &error);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
      g_assert_nonnull (strstr (error->message, path));
      g_clear_error (&error);
      q = plan (other, &error);
      g_assert_no_error (error);
      zu_clear_fd (&fd);
      r = plan (spec, &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (system (command), ==, 0);
}

static void
test_socket_table (void)
{
  static const char *const tables[] = {
    "",
    "\n\n",
    "Num RefCount Protocol Flags Type St Inode Path",
    "0: 2 0 0 1 1 7",
    "0: 2 0 0 1 1 7 @/tmp/x",
    "0: 2 0 0 1 1 7 /no/such/file",
    "0: 2 0 0 1 1 7 /usr",
  };

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    g_assert_null (zu_bound_sockets_find (tables[i], "/"));
}

static ZuBwrapView *
make_view (void)
{
  ZuBwrapView *view = g_new0 (ZuBwrapView, 1);

  view->names = g_ptr_array_new_with_free_func (g_free);
  view->links = g_ptr_array_new_with_free_func (g_free);
  view->etc = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (view->names, g_strdup ("/bin"));
  g_ptr_array_add (view->links, g_strdup ("usr/bin"));
  g_ptr_array_add (view->names, g_strdup ("/lib"));
  g_ptr_array_add (view->links, NULL);
  g_ptr_array_add (view->etc, g_strdup ("/etc/localtime"));
  return view;
}

static char *
build (const char *spec, const char *workdir, gboolean staged, gboolean by_fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuLaunchPlan) p = plan (spec, &error);
  g_autoptr (ZuBwrapView) view = make_view ();
  const ZuBwrapRequest request = { .program = "bwrap",
                                   .plan = p,
                                   .view = view,
                                   .workdir = workdir,
                                   .owns_workdir = p && zu_bwrap_owns_workdir (p, workdir),
                                   .uid = 7,
                                   .gid = 8,
                                   .staged = staged,
                                   .first_mount = by_fd ? 20 : -1,
                                   .fds = { 4, 5, 6, 7, 8, 9, p && p->ca_cert ? 10 : -1 } };
  g_auto (GStrv) argv = NULL;

  g_assert_no_error (error);
  argv = zu_bwrap_build_argv (&request);
  return g_strjoinv (" ", argv);
}

static void
test_argv (void)
{
  g_autofree char *line = build ("{}", "/work", FALSE, TRUE);

  g_assert_cmpstr (
      line, ==,
      "bwrap --unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts "
      "--unshare-cgroup --die-with-parent --new-session --as-pid-1 --cap-drop ALL --hostname "
      "sandbox --uid 7 --gid 8 --add-seccomp-fd 4 --add-seccomp-fd 5 --ro-bind /usr /usr --symlink "
      "usr/bin /bin --ro-bind /lib /lib --ro-bind /etc/localtime /etc/localtime --symlink "
      "../usr/lib/os-release /etc/os-release --perms 0444 --file 7 /etc/passwd --perms 0444 --file "
      "8 /etc/group --perms 0444 --file 9 /etc/hosts --perms 0555 --ro-bind-data 6 /.zu/guest "
      "--proc /proc --dev /dev --perms 1777 --size 67108864 --tmpfs /dev/shm --remount-ro /dev "
      "--perms 1777 --size 536870912 --tmpfs /tmp --perms 0755 --size 67108864 --tmpfs /run "
      "--perms 0755 --size 536870912 --tmpfs /work --remount-ro / --chdir / -- /.zu/guest --fd 3");
}

static void
test_argv_mounts (void)
{
  const char *spec = "{\"volumes\": {\"/usr/lib\": {\"bind\": \"/w/inner\"},"
                     " \"/usr/bin\": {\"bind\": \"/w\", \"mode\": \"ro\"},"
                     " \"/usr/share\": {\"bind\": \"/z\", \"mode\": \"rw\"}},"
                     " \"read_only\": false, \"ca_cert\": \"x\"}";
  g_autofree char *plain = build (spec, "/w/deep", FALSE, FALSE);
  g_autofree char *staged = build (spec, "/z", TRUE, TRUE);
  g_autofree char *by_fd = build (spec, "/z", FALSE, TRUE);

  g_assert_nonnull (strstr (plain, "--ro-bind /usr/bin /w --ro-bind /usr/lib /w/inner "
                                   "--bind /usr/share /z --perms 0444 --ro-bind-data 10 "
                                   "/zu-redteam-ca.pem --chdir / --"));
  g_assert_nonnull (strstr (staged, "--ro-bind /tmp/0 /w --ro-bind /tmp/1 /w/inner "
                                    "--bind /tmp/2 /z "));
  g_assert_nonnull (strstr (by_fd, "--ro-bind-fd 20 /w --ro-bind-fd 21 /w/inner "
                                   "--bind-fd 22 /z "));
  g_assert_null (strstr (plain, "--tmpfs /w"));
  g_assert_null (strstr (plain, "--remount-ro / "));
}

static void
test_probe (void)
{
  static const struct
  {
    ZuBwrapSwitches switches;
    const char *word;
  } cases[] = {
    { { (char *) "/b", (char *) "100", NULL, NULL }, NULL },
    { { (char *) "/b", (char *) "100", (char *) "1", (char *) "1" }, NULL },
    { { NULL, (char *) "100", NULL, NULL }, "install" },
    { { (char *) "/b", NULL, NULL, NULL }, "CONFIG_USER_NS" },
    { { (char *) "/b", (char *) "0", NULL, NULL }, "max_user_namespaces" },
    { { (char *) "/b", (char *) "100", (char *) "0", NULL }, "unprivileged_userns_clone" },
  };
  const ZuBwrapSwitches apparmor = { NULL, NULL, NULL, (char *) "1" }, none = { 0 };
  g_autofree char *profile = zu_bwrap_dup_hint (&apparmor, "bwrap: setting up uid map: denied");
  g_autofree char *container =
      zu_bwrap_dup_hint (&none, "bwrap: No permissions to create a new namespace");
  g_autofree char *proc = zu_bwrap_dup_hint (&none, "bwrap: Can't mount proc on /newroot/proc");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *obstacle = zu_bwrap_dup_obstacle (&cases[i].switches);

      if (cases[i].word)
        g_assert_nonnull (strstr (obstacle, cases[i].word));
      else
        g_assert_null (obstacle);
    }
  g_assert_nonnull (strstr (profile, "AppArmor"));
  g_assert_nonnull (strstr (container, "container"));
  g_assert_nonnull (strstr (proc, "/proc"));
  g_assert_null (zu_bwrap_dup_hint (&none, "bwrap: Can't find source path /x"));
}

/* A folder that others could have made, or can look into, holds no sandboxes. */
static void
test_state (void)
{
  g_autofree char *dir = g_dir_make_tmp ("zu-state-XXXXXX", NULL);
  g_autofree char *root = g_build_filename (dir, "s", NULL);
  g_autofree char *link = g_build_filename (dir, "l", NULL);
  g_autofree char *command = g_strdup_printf ("rm -rf '%s'", dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuState) state = zu_state_create (root, &error), other = NULL;

  g_assert_no_error (error);
  g_assert_true (zu_state_is_id (state->id));
  g_assert_false (zu_state_is_id ("zu-0123456789abcde"));
  g_assert_false (zu_state_is_id ("zu-0123456789abcdeF"));
  g_assert_false (zu_state_is_id ("../0123456789abcdef"));
  other = zu_state_open (root, state->id, &error);
  g_assert_no_error (error);
  g_assert_true (zu_state_is_live (other));
  g_clear_pointer (&other, zu_state_free);
  g_assert_null (zu_state_open (root, "../../etc", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpint (g_chmod (root, 0755), ==, 0);
  g_assert_null (zu_state_create (root, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_clear_error (&error);
  g_assert_cmpint (symlink (root, link), ==, 0);
  g_assert_null (zu_state_create (link, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpint (system (command), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rules/floor", test_floor);
  g_test_add_func ("/rules/values", test_values);
  g_test_add_func ("/rules/refused", test_refused);
  g_test_add_func ("/rules/unknown-key", test_unknown_key);
  g_test_add_func ("/rules/sources", test_sources);
  g_test_add_func ("/rules/sockets", test_sockets);
  g_test_add_func ("/rules/socket-table", test_socket_table);
  g_test_add_func ("/rules/argv", test_argv);
  g_test_add_func ("/rules/argv-mounts", test_argv_mounts);
  g_test_add_func ("/rules/probe", test_probe);
  g_test_add_func ("/rules/state", test_state);
  return g_test_run ();
}
