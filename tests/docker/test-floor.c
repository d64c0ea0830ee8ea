/* SPDX-License-Identifier: Apache-2.0 */

/* What an engine says it has made, held against the floor: as it should be, as podman says it, and
 * with one thing wrong at a time. */

#include "zu-floor.h"
#include <string.h>

#define IMAGE_ID "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static const char docker[] =
    "{\"Image\":\"" IMAGE_ID "\","
    "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/srv/a\",\"Destination\":\"/a\",\"RW\":true},"
    "{\"Type\":\"bind\",\"Source\":\"/guest\",\"Destination\":\"/.zu/guest\",\"RW\":false},"
    "{\"Type\":\"volume\",\"Name\":\"ca\",\"Source\":\"/var/lib/x\",\"Destination\":\"/ca\","
    "\"RW\":false},"
    "{\"Type\":\"tmpfs\",\"Source\":\"\",\"Destination\":\"/data\",\"RW\":true}],"
    "\"Config\":{\"User\":\"65534:65534\"},"
    "\"HostConfig\":{\"NetworkMode\":\"none\",\"PortBindings\":null,"
    "\"RestartPolicy\":{\"Name\":\"\",\"MaximumRetryCount\":0},\"AutoRemove\":true,"
    "\"VolumesFrom\":null,\"CapAdd\":[\"CHOWN\"],\"CapDrop\":[\"ALL\"],"
    "\"CgroupnsMode\":\"private\",\"GroupAdd\":null,\"IpcMode\":\"private\",\"Cgroup\":\"\","
    "\"Links\":null,\"PidMode\":\"\",\"Privileged\":false,\"PublishAllPorts\":false,"
    "\"ReadonlyRootfs\":true,\"SecurityOpt\":[\"no-new-privileges\"],\"UTSMode\":\"\","
    "\"UsernsMode\":\"\",\"Memory\":1073741824,\"MemorySwap\":1073741824,\"PidsLimit\":256,"
    "\"OomKillDisable\":false,\"Devices\":null,\"DeviceCgroupRules\":null,"
    "\"DeviceRequests\":null,\"Ulimits\":null,\"LogConfig\":{\"Type\":\"none\",\"Config\":{}},"
    "\"MaskedPaths\":[\"/proc/kcore\"],\"ReadonlyPaths\":[\"/proc/sys\"]}}";

static GPtrArray *
new_mounts (void)
{
  GPtrArray *mounts = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_floor_mount_free);
  ZuFloorMount *ca = zu_floor_mount_new ("ca", "/ca", FALSE);

  ca->is_volume = TRUE;
  g_ptr_array_add (mounts, zu_floor_mount_new ("/srv/a", "/a", TRUE));
  g_ptr_array_add (mounts, zu_floor_mount_new ("/guest", "/.zu/guest", FALSE));
  g_ptr_array_add (mounts, ca);
  return mounts;
}

static gboolean
check (const char *answer, GError **error)
{
  const char *const capabilities[] = { "CHOWN", NULL };
  g_autoptr (GPtrArray) mounts = new_mounts ();
  g_autoptr (ZuJson) json = zu_json_parse (answer, -1, error);
  const ZuFloor floor = {
    .image_id = IMAGE_ID,
    .user = "65534:65534",
    .network = "none",
    .capabilities = capabilities,
    .memory = 1 << 30,
    .pids = 256,
    .read_only = TRUE,
    .mounts = mounts,
  };

  g_assert_nonnull (json);
  return zu_floor_check_answer (&floor, json, error);
}

/* With @from, which is there once, replaced. */
static char *
replace (const char *from, const char *to)
{
  const char *at = strstr (docker, from);
  g_autofree char *head = NULL;

  if (!at || strstr (at + 1, from))
    g_error ("%s is not there once", from);
  head = g_strndup (docker, (gsize) (at - docker));
  return g_strconcat (head, to, at + strlen (from), NULL);
}

static void
test_as_it_should_be (void)
{
  const struct
  {
    const char *from;
    const char *to;
  } spellings[] = {
    { "\"CapAdd\":[\"CHOWN\"]", "\"CapAdd\":[\"CAP_CHOWN\"]" },
    { "\"CapAdd\":[\"CHOWN\"]", "\"CapAdd\":null" },
    { "\"CapDrop\":[\"ALL\"]",
      "\"CapDrop\":[\"CAP_AUDIT_WRITE\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_FSETID\","
      "\"CAP_KILL\",\"CAP_MKNOD\",\"CAP_NET_BIND_SERVICE\",\"CAP_NET_RAW\",\"CAP_SETFCAP\","
      "\"CAP_SETGID\",\"CAP_SETPCAP\",\"CAP_SETUID\",\"CAP_SYS_CHROOT\"]" },
    { "\"PidMode\":\"\"", "\"PidMode\":\"private\"" },
    { "\"Image\":\"" IMAGE_ID "\"",
      "\"Image\":\"1111111111111111111111111111111111111111111111111111111111111111\"" },
    { "\"MaskedPaths\":[\"/proc/kcore\"],", "" },
    { "\"Name\":\"\",\"MaximumRetryCount\"", "\"Name\":\"no\",\"MaximumRetryCount\"" },
    { "[\"no-new-privileges\"]", "[\"no-new-privileges:true\",\"label=type:x\"]" },
  };
  g_autoptr (GError) error = NULL;

  g_assert_true (check (docker, &error));
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++)
    {
      g_autofree char *answer = replace (spellings[i].from, spellings[i].to);

      check (answer, &error);
      g_assert_no_error (error);
    }
}

static void
test_one_thing_wrong (void)
{
  const struct
  {
    const char *from;
    const char *to;
    const char *says;
  } cases[] = {
    { "\"Privileged\":false", "\"Privileged\":true", "Privileged" },
    { "\"PidMode\":\"\"", "\"PidMode\":\"host\"", "PidMode" },
    { "\"IpcMode\":\"private\"", "\"IpcMode\":\"shareable\"", "IpcMode" },
    { "\"UTSMode\":\"\"", "\"UTSMode\":\"host\"", "UTSMode" },
    { "\"UsernsMode\":\"\"", "\"UsernsMode\":\"host\"", "UsernsMode" },
    { "\"CgroupnsMode\":\"private\"", "\"CgroupnsMode\":\"host\"", "CgroupnsMode" },
    { "\"NetworkMode\":\"none\"", "\"NetworkMode\":\"bridge\"", "NetworkMode" },
    { "\"NetworkMode\":\"none\",", "", "NetworkMode" },
    { "[\"ALL\"]", "[]", "capabilities" },
    { "[\"ALL\"]", "[\"NET_RAW\"]", "capabilities" },
    { "[\"CHOWN\"]", "[\"SYS_ADMIN\"]", "SYS_ADMIN" },
    { "[\"CHOWN\"]", "[\"KILL\"]", "KILL" },
    { "[\"CHOWN\"]", "[\"ALL\"]", "ALL" },
    { "[\"no-new-privileges\"]", "[]", "no-new-privileges" },
    { "[\"no-new-privileges\"]", "[\"no-new-privileges\",\"seccomp=unconfined\"]", "seccomp" },
    { "[\"no-new-privileges\"]", "[\"no-new-privileges\",\"apparmor=unconfined\"]", "apparmor" },
    { "\"Memory\":1073741824", "\"Memory\":0", "Memory" },
    { "\"MemorySwap\":1073741824", "\"MemorySwap\":-1", "MemorySwap" },
    { "\"PidsLimit\":256", "\"PidsLimit\":null", "PidsLimit" },
    { "\"PidsLimit\":256", "\"PidsLimit\":257", "PidsLimit" },
    { "\"OomKillDisable\":false", "\"OomKillDisable\":true", "OomKillDisable" },
    { "\"ReadonlyRootfs\":true", "\"ReadonlyRootfs\":false", "ReadonlyRootfs" },
    { "\"Type\":\"none\"", "\"Type\":\"json-file\"", "json-file" },
    { "\"Devices\":null", "\"Devices\":[{\"PathOnHost\":\"/dev/kvm\"}]", "Devices" },
    { "\"DeviceRequests\":null", "\"DeviceRequests\":[{\"Count\":-1}]", "DeviceRequests" },
    { "\"DeviceCgroupRules\":null", "\"DeviceCgroupRules\":[\"a *:* rwm\"]", "DeviceCgroupRules" },
    { "\"VolumesFrom\":null", "\"VolumesFrom\":[\"other\"]", "VolumesFrom" },
    { "\"PortBindings\":null", "\"PortBindings\":{\"80/tcp\":[{}]}", "PortBindings" },
    { "\"GroupAdd\":null", "\"GroupAdd\":[\"0\"]", "GroupAdd" },
    { "\"Name\":\"\",\"MaximumRetryCount\"", "\"Name\":\"always\",\"MaximumRetryCount\"",
      "RestartPolicy" },
    { "[\"/proc/kcore\"]", "[]", "MaskedPaths" },
    { "[\"/proc/sys\"]", "[]", "ReadonlyPaths" },
    { "\"User\":\"65534:65534\"", "\"User\":\"\"", "User" },
    { "\"Image\":\"" IMAGE_ID "\"", "\"Image\":\"sha256:2222\"", "image" },
    { "\"Destination\":\"/.zu/guest\",\"RW\":false", "\"Destination\":\"/.zu/guest\",\"RW\":true",
      "/.zu/guest" },
    { "\"Source\":\"/guest\"", "\"Source\":\"/other\"", "/other" },
    { "\"Destination\":\"/a\"", "\"Destination\":\"/b\"", "/b" },
    { "\"Type\":\"volume\"", "\"Type\":\"bind\"", "/ca" },
    { "\"Name\":\"ca\"", "\"Name\":\"cb\"", "cb" },
    { "\"Mounts\":[",
      "\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/\",\"Destination\":\"/host\",\"RW\":false},",
      "/host" },
    { "\"Mounts\":", "\"Other\":", "mounts" },
    { "\"HostConfig\":", "\"Other\":", "HostConfig" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *answer = replace (cases[i].from, cases[i].to);
      g_autoptr (GError) error = NULL;

      if (check (answer, &error))
        g_error ("%s passed", cases[i].to);
      g_assert_error (error, ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED);
      if (!strstr (error->message, cases[i].says))
        g_error ("%s: '%s' does not say '%s'", cases[i].to, error->message, cases[i].says);
    }
}

static void
test_nonsense (void)
{
  const char *const cases[] = { "null",
                                "[]",
                                "{}",
                                "0",
                                "\"x\"",
                                "{\"HostConfig\":[],\"Mounts\":{},\"Config\":1,\"Image\":2}",
                                "{\"HostConfig\":{\"CapDrop\":\"ALL\"},\"Mounts\":[1,null]}" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_false (check (cases[i], NULL));
}

static void
test_guest (void)
{
  const char *const none[] = { NULL }, *const chown[] = { "CHOWN", NULL };
  const struct zu_wire_hello good = {
    .pid = 1, .uid = 65534, .gid = 65534, .no_new_privs = 1, .seccomp = 2
  };
  ZuFloor floor = { .user = "65534:65534", .capabilities = none };
  struct zu_wire_hello bad[] = { good, good, good, good, good, good, good };

  bad[0].pid = 2;
  bad[1].uid = 0;
  bad[2].gid = 0;
  bad[3].no_new_privs = 0;
  bad[4].seccomp = 0;
  bad[5].cap_effective = 1;
  bad[6].cap_bounding = UINT64_C (1) << 21;
  g_assert_true (zu_floor_check_guest (&floor, &good, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (zu_floor_check_guest (&floor, &bad[i], NULL));
  floor.capabilities = chown;
  g_assert_true (zu_floor_check_guest (&floor, &bad[5], NULL));
  g_assert_false (zu_floor_check_guest (&floor, &bad[6], NULL));
  floor.user = "node"; /* whoever that is, it is not root */
  g_assert_true (zu_floor_check_guest (&floor, &good, NULL));
  g_assert_false (zu_floor_check_guest (&floor, &bad[1], NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/floor/as-it-should-be", test_as_it_should_be);
  g_test_add_func ("/floor/one-thing-wrong", test_one_thing_wrong);
  g_test_add_func ("/floor/nonsense", test_nonsense);
  g_test_add_func ("/floor/guest", test_guest);
  return g_test_run ();
}
