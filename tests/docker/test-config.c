/* SPDX-License-Identifier: Apache-2.0 */

/* What is sent to an engine: the recorded launches of other implementations as a lower bound, and
 * what no spec gets past. */

#include "vectors-support.h"
#include "zu-docker-config.h"
#include "zu-peek.h"
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define IMAGE_ID "sha256:1111111111111111111111111111111111111111111111111111111111111111"

typedef struct
{
  char *dir;   /* stands for the recorded /a */
  char *state; /* the folder of sandboxes */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("zu-config-XXXXXX", NULL);
  g_assert_cmpint (g_chmod (f->dir, 0755), ==, 0);
  f->state = g_dir_make_tmp ("zu-state-XXXXXX", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_rmdir (f->dir);
  g_rmdir (f->state);
  g_free (f->dir);
  g_free (f->state);
}

static ZuDockerImage *
new_image (const char *config, GError **error)
{
  g_autofree char *text = g_strdup_printf ("{\"Id\": \"" IMAGE_ID "\", \"Config\": %s}", config);
  g_autoptr (ZuJson) json = zu_json_parse (text, -1, error);

  return json ? zu_docker_image_new (json, error) : NULL;
}

/* All that is decided before an engine is asked; what would be sent, or NULL. */
static ZuJson *
configure (Fixture *f, const char *spec_text, const char *image_config, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_parse (spec_text, -1, error);
  g_autoptr (ZuLaunchSpec) spec = json ? zu_launch_spec_new_from_json (json, error) : NULL;
  g_autoptr (ZuLaunchPlan) plan = spec ? zu_launch_plan_new (spec, f->state, error) : NULL;
  g_autoptr (ZuImageReference) reference =
      plan && plan->image ? zu_image_reference_parse (plan->image, error) : NULL;
  g_autoptr (ZuImagePolicy) policy =
      spec ? zu_image_policy_new (zu_launch_spec_get_image_allowlist (spec), NULL,
                                  zu_launch_spec_get_require_digest (spec))
           : NULL;
  g_autoptr (ZuDockerImage) image = new_image (image_config, NULL);
  g_autoptr (ZuDockerConfig) config = NULL;
  const ZuDockerRequest request = {
    .plan = plan,
    .spec = spec,
    .image = image,
    .id = "zu-0123456789abcdef",
    .state_root = f->state,
    .state_path = f->state,
    .guest = "/usr/libexec/zu/zu-guest",
    .run = NULL,
    .reference = "docker.io/library/x:latest",
  };

  if (!reference || !zu_image_policy_check (policy, reference, error))
    return NULL;
  config = zu_docker_config_new (&request, error);
  return config ? zu_json_ref (config->body) : NULL;
}

static gboolean
has_text (ZuJson *list, const char *text)
{
  for (gsize i = 0; i < zu_peek_size (list); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (list, i);

      if (g_strcmp0 (zu_peek_text (element), text) == 0)
        return TRUE;
    }
  return FALSE;
}

static void
assert_has (ZuJson *object, const char *name, const char *text)
{
  g_autoptr (ZuJson) list = zu_peek_member (object, name);
  g_autofree char *all = list ? zu_json_to_string (list) : g_strdup ("nothing");

  if (!has_text (list, text))
    g_error ("%s has no '%s' but %s", name, text, all);
}

/* Each recorded variable is there, with its value. */
static void
check_environment (ZuJson *run, ZuJson *body)
{
  g_autoptr (ZuJson) environment = zu_peek_member (run, "environment");

  for (gsize i = 0; i < zu_peek_size (environment); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (environment, i);
      g_autofree char *variable =
          g_strdup_printf ("%s=%s", zu_json_get_member_name (environment, i, NULL),
                           zu_peek_text (value));

      assert_has (body, "Env", variable);
    }
}

/* Each recorded mount is there, by its destination, and no more writable. */
static void
check_volumes (ZuJson *run, ZuJson *host)
{
  g_autoptr (ZuJson) volumes = zu_peek_member (run, "volumes");
  g_autoptr (ZuJson) mounts = zu_peek_member (host, "Mounts");

  for (gsize i = 0; i < zu_peek_size (volumes); i++)
    {
      g_autoptr (ZuJson) volume = zu_json_dup_element (volumes, i);
      g_autofree char *bind = zu_peek_member_text (volume, "bind");
      g_autofree char *mode = zu_peek_member_text (volume, "mode");
      gboolean found = FALSE;

      for (gsize k = 0; k < zu_peek_size (mounts); k++)
        {
          g_autoptr (ZuJson) mount = zu_json_dup_element (mounts, k);
          g_autofree char *target = zu_peek_member_text (mount, "Target");

          found |= g_strcmp0 (target, bind) == 0
                   && (zu_peek_member_boolean (mount, "ReadOnly") || strcmp (mode, "rw") == 0);
        }
      g_assert_true (found);
    }
}

static gint64
parse_memory (const char *text)
{
  gint64 number = g_ascii_strtoll (text, NULL, 10);

  return number << (g_str_has_suffix (text, "g") ? 30 : g_str_has_suffix (text, "m") ? 20 : 0);
}

static void
check_security (ZuJson *run, ZuJson *host)
{
  g_autoptr (ZuJson) options = zu_peek_member (run, "security_opt");
  g_autoptr (ZuJson) dropped = zu_peek_member (run, "cap_drop");
  g_autoptr (ZuJson) added = zu_peek_member (host, "CapAdd");

  g_assert_true (has_text (dropped, "ALL"));
  assert_has (host, "CapDrop", "ALL");
  g_assert_cmpuint (zu_peek_size (added), ==, 0);
  for (gsize i = 0; i < zu_peek_size (options); i++)
    {
      g_autoptr (ZuJson) option = zu_json_dup_element (options, i);

      assert_has (host, "SecurityOpt", zu_peek_text (option));
    }
}

static void
check_bound (ZuJson *run, ZuJson *body)
{
  g_autoptr (ZuJson) host = zu_peek_member (body, "HostConfig");
  g_autoptr (ZuJson) log = zu_peek_member (host, "LogConfig");
  g_autofree char *memory = zu_peek_member_text (run, "mem_limit");
  g_autofree char *network = zu_peek_member_text (run, "network");
  g_autofree char *mode = zu_peek_member_text (host, "NetworkMode");
  g_autofree char *driver = zu_peek_member_text (log, "Type");
  gboolean disabled = zu_peek_member_boolean (run, "network_disabled");

  g_assert_cmpint (zu_peek_member_int64 (host, "Memory"), ==, parse_memory (memory));
  g_assert_cmpint (zu_peek_member_int64 (host, "MemorySwap"), ==, parse_memory (memory));
  g_assert_cmpint (zu_peek_member_int64 (host, "PidsLimit"), ==,
                   zu_peek_member_int64 (run, "pids_limit"));
  g_assert_cmpint (zu_peek_member_boolean (body, "NetworkDisabled"), ==, disabled);
  g_assert_cmpstr (mode, ==, network ? network : disabled ? "none" : "bridge");
  g_assert_cmpstr (driver, ==, "none");
  g_assert_true (zu_peek_member_boolean (host, "ReadonlyRootfs")
                 || !zu_peek_member_boolean (run, "read_only"));
  check_security (run, host);
  check_environment (run, body);
  check_volumes (run, host);
}

/* Where ours is stricter, to refuse is right. */
static gboolean
is_refused_here (const char *name)
{
  static const char *const names[] = { "cap-add", "seccomp-unconfined", NULL };

  return g_strv_contains (names, name);
}

static char *
dup_spec (Fixture *f, ZuJson *test)
{
  g_autoptr (ZuJson) spec = zu_peek_member (test, "spec");
  g_autofree char *text = zu_json_to_string (spec);
  g_auto (GStrv) parts = g_strsplit (text, "\"/a\"", -1);
  g_autofree char *folder = g_strdup_printf ("\"%s\"", f->dir);

  return g_strjoinv (folder, parts);
}

static void
check_case (Fixture *f, ZuJson *test)
{
  g_autofree char *name = zu_peek_member_text (test, "name"), *spec = dup_spec (f, test);
  g_autoptr (ZuJson) environment = zu_peek_member (test, "env"), run = zu_peek_member (test, "run");
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) body = NULL;

  for (gsize i = 0; i < zu_peek_size (environment); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (environment, i);

      g_setenv (zu_json_get_member_name (environment, i, NULL), zu_peek_text (value), TRUE);
    }
  body = configure (f, spec, "{}", &error);
  for (gsize i = 0; i < zu_peek_size (environment); i++)
    g_unsetenv (zu_json_get_member_name (environment, i, NULL));
  g_test_message ("%s: %s", name, error ? error->message : "runs");
  if (run && !is_refused_here (name))
    {
      g_assert_no_error (error);
      check_bound (run, body);
    }
  else
    g_assert_null (body);
}

static void
test_recorded (Fixture *f, gconstpointer data)
{
  g_autoptr (ZuJson) file = vectors_read_json ("docker_launch.json");
  g_autoptr (ZuJson) cases = zu_json_dup_member (file, "cases");

  g_assert_cmpuint (zu_json_get_size (cases), >=, 30);
  for (gsize i = 0; i < zu_json_get_size (cases); i++)
    {
      g_autoptr (ZuJson) test = zu_json_dup_element (cases, i);

      check_case (f, test);
    }
}

/* Each refusal names what is refused. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  const struct
  {
    const char *spec;
    const char *says;
  } cases[] = {
    { "\"privileged\": true", "privileged" },
    { "\"pid_mode\": \"host\"", "pid_mode" },
    { "\"cap_add\": [\"NET_ADMIN\"]", "NET_ADMIN" },
    { "\"cap_add\": [\"ALL\"]", "ALL" },
    { "\"security_opt\": [\"seccomp=unconfined\"]", "seccomp=unconfined" },
    { "\"security_opt\": [\"apparmor=unconfined\"]", "apparmor=unconfined" },
    { "\"security_opt\": [\"label=disable\"]", "label=disable" },
    { "\"security_opt\": [\"systempaths=unconfined\"]", "systempaths" },
    { "\"security_opt\": [\"no-new-privileges:false\"]", "no-new-privileges:false" },
    { "\"security_opt\": [\"writable-cgroups=true\"]", "writable-cgroups" },
    { "\"seccomp\": \"{\\\"defaultAction\\\":\\\"SCMP_ACT_ALLOW\\\"}\"", "SCMP_ACT_ALLOW" },
    { "\"seccomp\": \"{\"", "seccomp" },
    { "\"seccomp\": \"{\\\"defaultAction\\\":\\\"SCMP_ACT_ERRNO\\\",\\\"sycalls\\\":[]}\"",
      "sycalls" },
    { "\"seccomp\": \"profile.json\"", "profile.json" },
    { "\"seccomp\": \"/nonexistent/profile.json\"", "/nonexistent/profile.json" },
    { "\"volumes\": {\"/\": {\"bind\": \"/x\"}}", "/" },
    { "\"volumes\": {\"/proc\": {\"bind\": \"/x\"}}", "/proc" },
    { "\"volumes\": {\"/var/run\": {\"bind\": \"/x\"}}", "/run" },
    { "\"volumes\": {\"/etc\": {\"bind\": \"/x\"}}", "/etc" },
    { "\"volumes\": {\"name\": {\"bind\": \"/x\"}}", "name" },
    { "\"volumes\": {\"/usr\": {\"bind\": \"/.zu/guest\"}}", "/.zu" },
    { "\"volumes\": {\"/usr\": {\"bind\": \"/proc/1\"}}", "/proc" },
    { "\"ca_volume\": \"/etc\"", "/etc" },
    { "\"ca_volume\": \"..\"", ".." },
    { "\"ca_volume\": \"v\", \"ca_volume_mount\": \"/etc\"", "/etc" },
    { "\"ca_volume_mount\": \"/x\"", "ca_volume_mount" },
    { "\"workdir\": \"/proc/self/fd/7\"", "/proc" },
    { "\"workdir\": \"relative\"", "relative" },
    { "\"mem_limit\": 0", "mem_limit" },
    { "\"mem_limit\": \"-1\"", "mem_limit" },
    { "\"network\": \"host\"", "network" },
    { "\"network\": \"isolated\", \"network_name\": \"host\"", "host" },
    { "\"network\": \"isolated\", \"network_name\": \"container:x\"", "container:x" },
    { "\"network\": \"isolated\", \"network_name\": \"n\", \"dns\": [\"x\"]", "dns" },
    { "\"network\": \"isolated\", \"network_name\": \"n\", \"proxy\": {\"host\": \"a b\", "
      "\"port\": 1}",
      "proxy" },
    { "\"proxy\": {\"host\": \"a\", \"port\": 1}", "proxy" },
    { "\"user\": \"root\"", "root" },
    { "\"pull\": \"always\"", "pull" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *spec = g_strdup_printf ("{\"image\": \"x\", %s}", cases[i].spec);
      g_autoptr (GError) error = NULL;

      if (configure (f, spec, "{}", &error))
        g_error ("not refused: %s", spec);
      if (!strstr (error->message, cases[i].says))
        g_error ("%s: '%s' does not say '%s'", spec, error->message, cases[i].says);
    }
}

/* Left out, the profile is ours and not the engine's; given, it is sent as it is. */
static void
test_seccomp (Fixture *f, gconstpointer data)
{
  const char *given = "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[]}";
  g_autofree char *file = g_build_filename (f->dir, "profile.json", NULL);
  g_autofree char *by_file = g_strdup_printf ("{\"image\": \"x\", \"seccomp\": \"%s\"}", file);
  g_autofree char *option = g_strconcat ("seccomp=", given, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) ours = configure (f, "{\"image\": \"x\"}", "{}", &error), theirs = NULL;
  g_autoptr (ZuJson) host = ours ? zu_peek_member (ours, "HostConfig") : NULL, other = NULL;
  g_autofree char *text = NULL;

  g_assert_no_error (error);
  text = zu_json_to_string (host);
  g_assert_nonnull (strstr (text, "seccomp={"));
  g_assert_nonnull (strstr (text, "clone3"));
  g_assert_nonnull (strstr (text, "keyctl"));
  g_assert_true (g_file_set_contents (file, given, -1, &error));
  theirs = configure (f, by_file, "{}", &error);
  g_assert_no_error (error);
  other = zu_peek_member (theirs, "HostConfig");
  assert_has (other, "SecurityOpt", option);
  g_unlink (file);
}

static char *
dup_member (ZuJson *body, const char *name)
{
  g_autoptr (ZuJson) member = zu_peek_member (body, name);

  return member ? zu_json_to_string (member) : g_strdup ("null");
}

/* An image says who runs and where, but never root, and never a volume. */
static void
test_image (Fixture *f, gconstpointer data)
{
  const struct
  {
    const char *config;
    const char *spec;
    const char *user;
    const char *has;
  } cases[] = {
    { "{}", "{\"image\": \"x\"}", "\"65534:65534\"", "\"/work\":\"rw,exec,nosuid,nodev" },
    { "{\"User\": \"root\"}", "{\"image\": \"x\"}", "\"65534:65534\"", "uid=65534,gid=65534" },
    { "{\"User\": \"0:5\"}", "{\"image\": \"x\"}", "\"65534:65534\"", "" },
    { "{\"User\": \"node\"}", "{\"image\": \"x\"}", "\"node\"", "\"/work\":" },
    { "{\"User\": \"1000\"}", "{\"image\": \"x\"}", "\"1000\"", "uid=1000,gid=1000" },
    { "{\"User\": \"node\"}", "{\"image\": \"x\", \"user\": \"0:0\"}", "\"0:0\"", "uid=0,gid=0" },
    { "{\"Volumes\": {\"/data\": {}}}", "{\"image\": \"x\"}", "\"65534:65534\"",
      "{\"Type\":\"tmpfs\",\"Target\":\"/data\"" },
    { "{}", "{\"image\": \"x\", \"cap_add\": [\"cap_chown\", \"KILL\"], \"cap_drop\": [\"KILL\"]}",
      "\"65534:65534\"", "\"CapAdd\":[\"CHOWN\"]" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) body = configure (f, cases[i].spec, cases[i].config, &error);
      g_autofree char *user = NULL, *host = NULL;

      g_assert_no_error (error);
      user = dup_member (body, "User");
      host = dup_member (body, "HostConfig");
      g_assert_cmpstr (user, ==, cases[i].user);
      if (!strstr (host, cases[i].has))
        g_error ("no %s in %s", cases[i].has, host);
    }
}

/* Where the image has its files no tmpfs hides them. */
static void
test_workdir (Fixture *f, gconstpointer data)
{
  const struct
  {
    const char *workdir;
    gboolean is_tmpfs;
  } cases[] = {
    { "/app", FALSE },  { "/app/sub", FALSE },  { "/usr/src", FALSE },  { "/", FALSE },
    { "/tmp/x", TRUE }, { "/elsewhere", TRUE }, { "/apparatus", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *spec =
          g_strdup_printf ("{\"image\": \"x\", \"workdir\": \"%s\"}", cases[i].workdir);
      g_autofree char *key = g_strdup_printf ("\"%s\":\"rw,", cases[i].workdir);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) body = configure (f, spec, "{\"WorkingDir\": \"/app\"}", &error);
      g_autofree char *host = NULL;

      g_assert_no_error (error);
      host = dup_member (body, "HostConfig");
      g_assert_cmpint (strstr (host, key) != NULL, ==, cases[i].is_tmpfs);
    }
}

static void
test_bad_image (Fixture *f, gconstpointer data)
{
  const char *const cases[] = {
    "{\"Volumes\": {\"/\": {}}}",
    "{\"Volumes\": {\"/proc\": {}}}",
    "{\"Volumes\": {\"/.zu\": {}}}",
    "{\"Volumes\": {\"relative\": {}}}",
    "{\"WorkingDir\": \"/proc/self/fd/8\"}",
    "{\"WorkingDir\": \"/app/../proc\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      if (configure (f, "{\"image\": \"x\"}", cases[i], &error))
        g_error ("not refused: %s", cases[i]);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC);
    }
}

/* A door that is closed to the sandbox's user is said to be, and an open one is not. */
static void
test_access (Fixture *f, gconstpointer data)
{
  const struct
  {
    int mode;
    const char *user;
    const char *how;
    gboolean works;
  } cases[] = {
    { 0755, "4321:4321", "ro", TRUE },  { 0700, "4321:4321", "ro", FALSE },
    { 0750, "4321:4321", "ro", FALSE }, { 0755, "4321:4321", "rw", FALSE },
    { 0757, "4321:4321", "rw", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *spec = g_strdup_printf (
          "{\"image\": \"x\", \"user\": \"%s\", \"volumes\": {\"%s\": {\"bind\": \"/b\", "
          "\"mode\": \"%s\"}}}",
          cases[i].user, f->dir, cases[i].how);
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuJson) body = NULL;

      g_assert_cmpint (g_chmod (f->dir, cases[i].mode), ==, 0);
      body = configure (f, spec, "{}", &error);
      g_assert_cmpint (body != NULL, ==, cases[i].works);
      if (!body)
        g_assert_nonnull (strstr (error->message, f->dir));
    }
}

#define ADD(name, function) g_test_add ("/config/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("recorded", test_recorded);
  ADD ("refused", test_refused);
  ADD ("seccomp", test_seccomp);
  ADD ("image", test_image);
  ADD ("workdir", test_workdir);
  ADD ("bad-image", test_bad_image);
  ADD ("access", test_access);
  return g_test_run ();
}
