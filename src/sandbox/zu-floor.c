/* SPDX-License-Identifier: Apache-2.0 */

/* The hardening floor of what an engine runs. It is enforced on the configuration that is about to
 * be sent, whatever led to it; read back from what the engine says it has made; and seen from
 * inside by the guest. What is not as it must be is refused by name, and so is what is not known.
 */

#include "zu-floor.h"
#include "zu-peek.h"
#include <stdlib.h>
#include <string.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC
#define FAILED  ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_START_FAILED

/* A check's view of one HostConfig. */
typedef struct
{
  const ZuFloor *floor;
  ZuJson *host;
  char *problem; /* the first thing that is wrong */
} Check;

void
zu_floor_mount_free (ZuFloorMount *self)
{
  g_free (self->source);
  g_free (self->destination);
  g_free (self);
}

ZuFloorMount *
zu_floor_mount_new (const char *source, const char *destination, gboolean writable)
{
  ZuFloorMount *self = g_new0 (ZuFloorMount, 1);

  self->source = g_strdup (source);
  self->destination = g_strdup (destination);
  self->writable = writable;
  return self;
}

/* Short, and nothing in it reaches beyond the sandbox's own files, users and ports. The bits are
 * the kernel's. */
static const struct
{
  const char *name;
  guint bit;
} capabilities[] = {
  { "CHOWN", 0 }, { "DAC_OVERRIDE", 1 }, { "FOWNER", 3 }, { "FSETID", 4 },
  { "KILL", 5 },  { "SETGID", 6 },       { "SETUID", 7 }, { "NET_BIND_SERVICE", 10 },
};

/* The name without CAP_, or NULL where it is not one of those that may be added back. */
const char *
zu_floor_find_capability (const char *name)
{
  if (g_ascii_strncasecmp (name, "CAP_", 4) == 0)
    name += 4;
  for (guint i = 0; i < G_N_ELEMENTS (capabilities); i++)
    if (g_ascii_strcasecmp (name, capabilities[i].name) == 0)
      return capabilities[i].name;
  return NULL;
}

static gboolean
is_no_new_privileges (const char *option)
{
  return strcmp (option, "no-new-privileges") == 0 || strcmp (option, "no-new-privileges:true") == 0
         || strcmp (option, "no-new-privileges=true") == 0;
}

/* An engine's security option as a caller may give it: one that is known to take nothing away. */
gboolean
zu_floor_check_security_option (const char *option, GError **error)
{
  gboolean known = is_no_new_privileges (option) || g_str_has_prefix (option, "apparmor=")
                   || g_str_has_prefix (option, "apparmor:") || g_str_has_prefix (option, "label=")
                   || g_str_has_prefix (option, "label:");

  if (strncmp (option, "seccomp", 7) == 0 && !strstr (option, "unconfined"))
    g_set_error (error, REFUSED, "security_opt '%.100s': a profile is given with the key seccomp",
                 option);
  else if (!known || strstr (option, "unconfined") || strstr (option, "disable"))
    g_set_error (error, REFUSED, "security_opt '%.100s' fights the hardening floor", option);
  else
    return TRUE;
  return FALSE;
}

/* A profile that lets everything through but what it names is as good as none. */
gboolean
zu_floor_check_seccomp (const char *profile, GError **error)
{
  g_autoptr (ZuJson) json = zu_json_parse (profile, -1, error);
  g_autofree char *action = json ? zu_peek_member_text (json, "defaultAction") : NULL;

  if (!json)
    {
      g_prefix_error (error, "the seccomp profile is not JSON: ");
      if (error && *error)
        {
          (*error)->domain = ZU_SANDBOX_BACKEND_ERROR;
          (*error)->code = ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC;
        }
      return FALSE;
    }
  if (action
      && (g_str_has_prefix (action, "SCMP_ACT_ERRNO") || g_str_has_prefix (action, "SCMP_ACT_KILL")
          || strcmp (action, "SCMP_ACT_TRAP") == 0))
    return TRUE;
  g_set_error (error, REFUSED,
               "the seccomp profile fights the hardening floor: its defaultAction is %s, and must "
               "refuse (SCMP_ACT_ERRNO, SCMP_ACT_KILL_PROCESS)",
               action ? action : "missing");
  return FALSE;
}

static void G_GNUC_PRINTF (2, 3) set_problem (Check *check, const char *format, ...)
{
  va_list list;

  if (check->problem)
    return;
  va_start (list, format);
  check->problem = g_strdup_vprintf (format, list);
  va_end (list);
}

/* Of any kind: what stands for nothing. */
static gboolean
is_nothing (ZuJson *value)
{
  gint64 number;

  switch (value ? zu_json_get_kind (value) : ZU_JSON_KIND_NULL)
    {
    case ZU_JSON_KIND_NULL:
      return TRUE;
    case ZU_JSON_KIND_BOOLEAN:
      return !zu_json_get_boolean (value);
    case ZU_JSON_KIND_INTEGER:
      return zu_json_get_int64 (value, &number) && number == 0;
    case ZU_JSON_KIND_STRING:
      return *zu_json_get_string (value, NULL) == '\0';
    case ZU_JSON_KIND_ARRAY:
    case ZU_JSON_KIND_OBJECT:
      return zu_json_get_size (value) == 0;
    case ZU_JSON_KIND_FLOAT:
    default:
      return FALSE;
    }
}

/* Each of these would open the sandbox to the host, to another container or to the network. */
static void
check_absent (Check *check)
{
  static const char *const keys[] = {
    "Privileged",   "Devices", "DeviceRequests", "DeviceCgroupRules",  "VolumesFrom",
    "PortBindings", "Links",   "Sysctls",        "PublishAllPorts",    "OomKillDisable",
    "GroupAdd",     "Cgroup",  "VolumeDriver",   "CpuRealtimeRuntime",
  };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (ZuJson) value = zu_peek_member (check->host, keys[i]);

      if (!is_nothing (value))
        set_problem (check, "%s is set", keys[i]);
    }
}

/* An engine that says nothing of a namespace gives the container one of its own. */
static void
check_namespaces (Check *check)
{
  static const char *const keys[] = { "PidMode", "IpcMode", "UTSMode", "UsernsMode",
                                      "CgroupnsMode" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autofree char *mode = zu_peek_member_text (check->host, keys[i]);

      if (mode && *mode && strcmp (mode, "private") != 0 && strcmp (mode, "none") != 0)
        set_problem (check, "%s is '%s', and must be the sandbox's own", keys[i], mode);
    }
}

static void
check_capabilities (Check *check)
{
  g_autoptr (ZuJson) added = zu_peek_member (check->host, "CapAdd");
  g_autoptr (ZuJson) dropped = zu_peek_member (check->host, "CapDrop");
  gboolean all = FALSE;
  gsize n_dropped = zu_peek_size (dropped);

  for (gsize i = 0; i < zu_peek_size (added); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (added, i);
      const char *text = zu_peek_text (value),
                 *name = text ? zu_floor_find_capability (text) : NULL;

      if (!name || !g_strv_contains (check->floor->capabilities, name))
        set_problem (check, "capability %s is added", text ? text : "?");
    }
  for (gsize i = 0; i < n_dropped; i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (dropped, i);
      const char *text = zu_peek_text (value);

      all |= text && g_ascii_strcasecmp (text, "ALL") == 0;
      /* Some engines name all those that they would have given. */
      all |= text && n_dropped > 8 && g_ascii_strcasecmp (text, "CAP_SYS_CHROOT") == 0;
    }
  if (!all)
    set_problem (check, "not all capabilities are dropped");
}

static void
check_security (Check *check)
{
  g_autoptr (ZuJson) options = zu_peek_member (check->host, "SecurityOpt");
  gboolean no_new_privileges = FALSE;

  for (gsize i = 0; i < zu_peek_size (options); i++)
    {
      g_autoptr (ZuJson) value = zu_json_dup_element (options, i);
      const char *text = zu_peek_text (value);

      if (text && g_str_has_prefix (text, "seccomp="))
        {
          if (!zu_floor_check_seccomp (text + strlen ("seccomp="), NULL))
            set_problem (check, "the seccomp profile is off");
        }
      else if (!text || !zu_floor_check_security_option (text, NULL))
        set_problem (check, "security option '%.100s' is set", text ? text : "?");
      no_new_privileges |= text && is_no_new_privileges (text);
    }
  if (!no_new_privileges)
    set_problem (check, "privileges can be gained (no-new-privileges is off)");
}

static void
check_number (Check *check, const char *key, gint64 expected)
{
  gint64 value = zu_peek_member_int64 (check->host, key);

  if (value != expected)
    set_problem (check, "%s is %" G_GINT64_FORMAT ", and must be %" G_GINT64_FORMAT, key, value,
                 expected);
}

static void
check_text (Check *check, ZuJson *object, const char *key, const char *expected)
{
  g_autofree char *value = zu_peek_member_text (object, key);

  if (g_strcmp0 (value, expected) != 0)
    set_problem (check, "%s is '%s', and must be '%s'", key, value ? value : "", expected);
}

static void
check_limits (Check *check)
{
  const ZuFloor *floor = check->floor;
  g_autoptr (ZuJson) log = zu_peek_member (check->host, "LogConfig");
  g_autoptr (ZuJson) restart = zu_peek_member (check->host, "RestartPolicy");
  g_autofree char *policy = zu_peek_member_text (restart, "Name");

  check_number (check, "Memory", floor->memory);
  check_number (check, "MemorySwap", floor->memory);
  check_number (check, "PidsLimit", floor->pids);
  if (zu_peek_member_boolean (check->host, "ReadonlyRootfs") != floor->read_only)
    set_problem (check, "ReadonlyRootfs is not as asked for");
  check_text (check, check->host, "NetworkMode", floor->network);
  check_text (check, log, "Type", "none");
  if (policy && *policy && strcmp (policy, "no") != 0)
    set_problem (check, "RestartPolicy is '%s'", policy);
}

/* An empty list of what is masked in /proc and /sys is all of it laid open. */
static void
check_masks (Check *check)
{
  static const char *const keys[] = { "MaskedPaths", "ReadonlyPaths" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr (ZuJson) paths = zu_peek_member (check->host, keys[i]);

      if (paths && zu_peek_size (paths) == 0)
        set_problem (check, "%s is empty", keys[i]);
    }
}

static void
check_host (Check *check)
{
  if (!check->host)
    set_problem (check, "there is no HostConfig");
  check_absent (check);
  check_namespaces (check);
  check_capabilities (check);
  check_security (check);
  check_limits (check);
  check_masks (check);
}

static gboolean
conclude (Check *check, GQuark domain, int code, GError **error)
{
  g_autofree char *problem = g_steal_pointer (&check->problem);

  g_clear_pointer (&check->host, zu_json_unref);
  if (!problem)
    return TRUE;
  g_set_error (error, domain, code, "the hardening floor does not hold: %s", problem);
  return FALSE;
}

/* What is sent is of our making, so a key that this check does not know is none of ours. */
static void
check_known (Check *check)
{
  static const char *const known[] = {
    "AutoRemove",  "CapAdd",    "CapDrop",    "CgroupParent",   "CgroupnsMode", "Dns",
    "ExtraHosts",  "IpcMode",   "LogConfig",  "Memory",         "MemorySwap",   "NetworkMode",
    "OomScoreAdj", "PidsLimit", "Privileged", "ReadonlyRootfs", "SecurityOpt",  "ShmSize",
    "Tmpfs",       NULL,
  };

  for (gsize i = 0; i < zu_peek_size (check->host); i++)
    {
      const char *key = zu_json_get_member_name (check->host, i, NULL);

      if (!g_strv_contains (known, key))
        set_problem (check, "%s is set", key);
    }
}

static gboolean
check_sources (const ZuFloor *self, const char *state_root, GError **error)
{
  for (guint i = 0; i < self->mounts->len; i++)
    {
      ZuFloorMount *mount = self->mounts->pdata[i];

      if (mount->is_own)
        continue;
      if (!zu_mount_check_destination (mount->destination, error)
          || (!mount->is_volume && !zu_mount_check_source (mount->source, state_root, error)))
        return FALSE;
    }
  return TRUE;
}

/**
 * zu_floor_check_request: (skip)
 * @self: the floor
 * @request: what is about to be sent to the engine, its mounts left out
 * @state_root: the folder of sandboxes
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC, naming what is against the floor
 *
 * Returns: whether it may be sent, together with the mounts of @self
 */
gboolean
zu_floor_check_request (const ZuFloor *self, ZuJson *request, const char *state_root,
                        GError **error)
{
  Check check = { self, zu_peek_member (request, "HostConfig"), NULL };

  check_host (&check);
  check_known (&check);
  return conclude (&check, REFUSED, error) && check_sources (self, state_root, error);
}

static ZuFloorMount *
find_mount (const ZuFloor *self, const char *destination)
{
  for (guint i = 0; destination && i < self->mounts->len; i++)
    if (strcmp (((ZuFloorMount *) self->mounts->pdata[i])->destination, destination) == 0)
      return self->mounts->pdata[i];
  return NULL;
}

static void
check_mount (Check *check, ZuJson *answer)
{
  g_autofree char *type = zu_peek_member_text (answer, "Type");
  g_autofree char *destination = zu_peek_member_text (answer, "Destination");
  ZuFloorMount *mount = find_mount (check->floor, destination);
  g_autofree char *source =
      zu_peek_member_text (answer, mount && mount->is_volume ? "Name" : "Source");

  if (g_strcmp0 (type, "tmpfs") == 0)
    return;
  if (!mount || g_strcmp0 (source, mount->source) != 0)
    set_problem (check, "'%s' is mounted on '%s'", source ? source : "?",
                 destination ? destination : "?");
  else if (g_strcmp0 (type, mount->is_volume ? "volume" : "bind") != 0)
    set_problem (check, "'%s' is not mounted as it was asked for", destination);
  else if (zu_peek_member_boolean (answer, "RW") && !mount->writable)
    set_problem (check, "'%s' is writable", destination);
}

/* Ours and the caller's, and no other; all of them. */
static void
check_mounts (Check *check, ZuJson *answer)
{
  g_autoptr (ZuJson) mounts = zu_peek_member (answer, "Mounts");
  guint n = 0;

  for (gsize i = 0; i < zu_peek_size (mounts); i++)
    {
      g_autoptr (ZuJson) mount = zu_json_dup_element (mounts, i);
      g_autofree char *destination = zu_peek_member_text (mount, "Destination");

      check_mount (check, mount);
      n += find_mount (check->floor, destination) != NULL;
    }
  if (n != check->floor->mounts->len)
    set_problem (check, "%u of %u mounts are there", n, check->floor->mounts->len);
}

/**
 * zu_floor_check_answer: (skip)
 * @self: the floor
 * @answer: what the engine says of the container
 * @error: ZU_SANDBOX_BACKEND_ERROR_START_FAILED, naming what is not as it must be
 *
 * Returns: whether the container is what was asked for
 */
gboolean
zu_floor_check_answer (const ZuFloor *self, ZuJson *answer, GError **error)
{
  g_autoptr (ZuJson) config = zu_peek_member (answer, "Config");
  Check check = { self, zu_peek_member (answer, "HostConfig"), NULL };
  g_autofree char *image = zu_peek_member_text (answer, "Image");

  check_host (&check);
  check_mounts (&check, answer);
  check_text (&check, config, "User", self->user);
  if (!image || !g_str_has_suffix (self->image_id, image))
    set_problem (&check, "image '%s' runs, and not '%s'", image ? image : "?", self->image_id);
  return conclude (&check, FAILED, error);
}

static guint64
allowed_bits (const ZuFloor *self)
{
  guint64 bits = 0;

  for (guint i = 0; i < G_N_ELEMENTS (capabilities); i++)
    if (g_strv_contains (self->capabilities, capabilities[i].name))
      bits |= G_GUINT64_CONSTANT (1) << capabilities[i].bit;
  return bits;
}

/* "UID:GID" is what is looked at; the name of an image's user is whoever it says, but never root.
 */
static gboolean
is_user (const char *user, const struct zu_wire_hello *hello)
{
  char *end;
  guint64 uid = g_ascii_strtoull (user, &end, 10);

  if (end == user || (*end && *end != ':'))
    return hello->uid != 0;
  return hello->uid == uid && (!*end || hello->gid == g_ascii_strtoull (end + 1, NULL, 10));
}

/* The floor as the guest has found it from inside, before anything else has run there. */
gboolean
zu_floor_check_guest (const ZuFloor *self, const struct zu_wire_hello *hello, GError **error)
{
  Check check = { self, NULL, NULL };

  if (hello->pid != 1)
    set_problem (&check, "process 1 is not the guest");
  if ((hello->cap_effective | hello->cap_bounding) & ~allowed_bits (self))
    set_problem (&check, "it has capabilities");
  if (!hello->no_new_privs)
    set_problem (&check, "privileges can be gained");
  if (hello->seccomp != 2)
    set_problem (&check, "there is no seccomp filter (is the engine's switched off?)");
  if (!is_user (self->user, hello))
    set_problem (&check, "it runs as %u:%u, and not as '%s'", hello->uid, hello->gid, self->user);
  return conclude (&check, FAILED, error);
}
