/* SPDX-License-Identifier: Apache-2.0 */

/* Reads seccomp profiles in the shape that moby gave them (profiles/seccomp of moby/moby; the rules
 * themselves are those of the OCI runtime specification, config-linux.md, "seccomp"). */

#include "zu-seccomp-profile.h"
#include "zu-peek.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define REFUSED ZU_SANDBOX_BACKEND_ERROR, ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC

#define MAX_PROFILE (1 << 20)
#define MAX_RULES   16384
#define MAX_ERRNO   4095

extern const char zu_seccomp_default_json[];

typedef struct
{
  ZuSeccompProfile *profile;
  const ZuSeccompHost *host;
  GError **error;
} Reader;

void
zu_seccomp_profile_free (ZuSeccompProfile *self)
{
  g_free (self->text);
  g_array_unref (self->arches);
  g_array_unref (self->rules);
  g_ptr_array_unref (self->unknown);
  g_free (self);
}

static gboolean
refuse (Reader *r, const char *what, const char *value)
{
  g_set_error (r->error, REFUSED, "seccomp profile: %s '%.100s'", what, value ? value : "");
  return FALSE;
}

/* This machine, and a sandbox with @capabilities. */
void
zu_seccomp_host_init (ZuSeccompHost *host, const char *const *capabilities)
{
  struct utsname names = { .release = "0.0" };

  *host = (ZuSeccompHost){ .capabilities = capabilities };
  switch (seccomp_arch_native ())
    {
    case SCMP_ARCH_X86_64:
      host->arch = "amd64";
      break;
    case SCMP_ARCH_AARCH64:
      host->arch = "arm64";
      break;
    case SCMP_ARCH_RISCV64:
      host->arch = "riscv64";
      break;
    default:
      host->arch = "";
    }
  if (uname (&names) != 0
      || sscanf (names.release, "%u.%u", &host->kernel_major, &host->kernel_minor) != 2)
    host->kernel_major = host->kernel_minor = 0;
}

/* Refuses members that are not on the list, so that nothing is passed over that was meant. */
static gboolean
check_members (Reader *r, ZuJson *object, const char *const *known)
{
  if (zu_json_get_kind (object) != ZU_JSON_KIND_OBJECT)
    return refuse (r, "an entry is not an object", NULL);
  for (gsize i = 0; i < zu_json_get_size (object); i++)
    if (!g_strv_contains (known, zu_json_get_member_name (object, i, NULL)))
      return refuse (r, "unknown key", zu_json_get_member_name (object, i, NULL));
  return TRUE;
}

/* A whole number up to @max; @value is left where there is none. */
static gboolean
read_number (Reader *r, ZuJson *object, const char *name, guint64 max, guint64 *value)
{
  g_autoptr (ZuJson) member = zu_peek_member (object, name);
  g_autofree char *digits = NULL;

  if (!member)
    return TRUE;
  digits = zu_json_to_string (member);
  return (zu_json_get_kind (member) == ZU_JSON_KIND_INTEGER
          && g_ascii_string_to_unsigned (digits, 10, 0, max, value, NULL))
         || refuse (r, "not a number in range for", name);
}

static gboolean
read_action (Reader *r, const char *name, guint64 number, guint32 *action)
{
  const struct
  {
    const char *name;
    guint32 action;
  } actions[] = {
    { "SCMP_ACT_ALLOW", SCMP_ACT_ALLOW },
    { "SCMP_ACT_LOG", SCMP_ACT_LOG },
    { "SCMP_ACT_TRAP", SCMP_ACT_TRAP },
    { "SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD },
    { "SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD },
    { "SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS },
    { "SCMP_ACT_ERRNO", SCMP_ACT_ERRNO ((guint32) number) },
  };

  for (guint i = 0; name && i < G_N_ELEMENTS (actions); i++)
    if (strcmp (actions[i].name, name) == 0)
      {
        *action = actions[i].action;
        return TRUE;
      }
  return refuse (r, "there is nobody here to carry out the action", name);
}

static gboolean
read_operator (Reader *r, const char *name, enum scmp_compare *op)
{
  static const char *const names[] = {
    [SCMP_CMP_NE] = "SCMP_CMP_NE",
    [SCMP_CMP_LT] = "SCMP_CMP_LT",
    [SCMP_CMP_LE] = "SCMP_CMP_LE",
    [SCMP_CMP_EQ] = "SCMP_CMP_EQ",
    [SCMP_CMP_GE] = "SCMP_CMP_GE",
    [SCMP_CMP_GT] = "SCMP_CMP_GT",
    [SCMP_CMP_MASKED_EQ] = "SCMP_CMP_MASKED_EQ",
  };

  for (guint i = 0; name && i < G_N_ELEMENTS (names); i++)
    if (g_strcmp0 (names[i], name) == 0)
      {
        *op = (enum scmp_compare) i;
        return TRUE;
      }
  return refuse (r, "unknown comparison", name);
}

static gboolean
read_argument (Reader *r, ZuJson *object, ZuSeccompRule *rule)
{
  static const char *const known[] = { "index", "value", "valueTwo", "op", NULL };
  struct scmp_arg_cmp *arg = &rule->args[rule->n_args];
  g_autofree char *op = NULL;
  guint64 index = G_MAXUINT64, value = 0, second = 0;

  if (rule->n_args == ZU_SECCOMP_MAX_ARGS)
    return refuse (r, "more than six comparisons", NULL);
  if (!check_members (r, object, known) || !read_number (r, object, "index", 5, &index)
      || !read_number (r, object, "value", G_MAXUINT64, &value)
      || !read_number (r, object, "valueTwo", G_MAXUINT64, &second))
    return FALSE;
  op = zu_peek_member_text (object, "op");
  if (index > 5)
    return refuse (r, "a comparison has no", "index");
  if (!read_operator (r, op, &arg->op))
    return FALSE;
  arg->arg = (unsigned) index;
  arg->datum_a = value;
  arg->datum_b = arg->op == SCMP_CMP_MASKED_EQ ? second : 0;
  rule->n_args++;
  return TRUE;
}

static gboolean
read_arguments (Reader *r, ZuJson *entry, ZuSeccompRule *rule)
{
  g_autoptr (ZuJson) args = zu_peek_member (entry, "args");

  if (args && zu_json_get_kind (args) != ZU_JSON_KIND_ARRAY)
    return refuse (r, "not an array:", "args");
  for (gsize i = 0; i < zu_peek_size (args); i++)
    {
      g_autoptr (ZuJson) argument = zu_json_dup_element (args, i);

      if (!read_argument (r, argument, rule))
        return FALSE;
    }
  return TRUE;
}

/* An array of text, or nothing; @found tells whether @matches any of it, or with @all every one. */
static gboolean
search (Reader *r, ZuJson *object, const char *name,
        gboolean (*matches) (const ZuSeccompHost *host, const char *text), gboolean all,
        gboolean *is_there, gboolean *found)
{
  g_autoptr (ZuJson) list = zu_peek_member (object, name);

  *found = all;
  *is_there = zu_peek_size (list) > 0;
  if (list && zu_json_get_kind (list) != ZU_JSON_KIND_ARRAY)
    return refuse (r, "not an array:", name);
  for (gsize i = 0; i < zu_peek_size (list); i++)
    {
      g_autoptr (ZuJson) element = zu_json_dup_element (list, i);
      const char *text = zu_peek_text (element);

      if (!text)
        return refuse (r, "not all text:", name);
      *found = all ? *found && matches (r->host, text) : *found || matches (r->host, text);
    }
  return TRUE;
}

static gboolean
has_capability (const ZuSeccompHost *host, const char *capability)
{
  return host->capabilities && g_strv_contains (host->capabilities, capability);
}

static gboolean
is_arch (const ZuSeccompHost *host, const char *arch)
{
  return strcmp (host->arch, arch) == 0;
}

static gboolean
read_kernel (Reader *r, ZuJson *object, gboolean *is_there, gboolean *found)
{
  g_autoptr (ZuJson) member = zu_peek_member (object, "minKernel");
  const char *text = zu_peek_text (member);
  unsigned major, minor;
  char more;

  *is_there = member != NULL;
  if (!member)
    return TRUE;
  if (!text || sscanf (text, "%5u.%5u%c", &major, &minor, &more) != 2)
    return refuse (r, "not a kernel's version: minKernel", text);
  *found = r->host->kernel_major > major
           || (r->host->kernel_major == major && r->host->kernel_minor >= minor);
  return TRUE;
}

/* Whether all that "includes" names is so and nothing that "excludes" names. Of capabilities to be
 * included every one counts, of all else any. */
static gboolean
read_condition (Reader *r, ZuJson *entry, const char *name, gboolean excludes, gboolean *applies)
{
  static const char *const known[] = { "caps", "arches", "minKernel", NULL };
  g_autoptr (ZuJson) object = zu_peek_member (entry, name);
  gboolean there[3] = { FALSE }, found[3] = { FALSE };

  if (!object)
    return TRUE;
  if (!check_members (r, object, known)
      || !search (r, object, "caps", has_capability, !excludes, &there[0], &found[0])
      || !search (r, object, "arches", is_arch, FALSE, &there[1], &found[1])
      || !read_kernel (r, object, &there[2], &found[2]))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (there[i] && found[i] == excludes)
      *applies = FALSE;
  return TRUE;
}

static gboolean
add_rule (Reader *r, ZuSeccompRule *rule, const char *name)
{
  if (r->profile->rules->len >= MAX_RULES)
    return refuse (r, "more rules than anybody needs at", name);
  rule->number = seccomp_syscall_resolve_name (name);
  if (rule->number == __NR_SCMP_ERROR)
    g_ptr_array_add (r->profile->unknown, g_strdup (name));
  else
    g_array_append_val (r->profile->rules, *rule);
  return TRUE;
}

static gboolean
add_rules (Reader *r, ZuJson *entry, ZuSeccompRule *rule)
{
  g_autoptr (ZuJson) names = zu_peek_member (entry, "names");
  g_autofree char *single = zu_peek_member_text (entry, "name");

  if (!names && single)
    return add_rule (r, rule, single);
  if (!names || zu_json_get_kind (names) != ZU_JSON_KIND_ARRAY)
    return refuse (r, "an entry has no", "names");
  for (gsize i = 0; i < zu_json_get_size (names); i++)
    {
      g_autoptr (ZuJson) name = zu_json_dup_element (names, i);

      if (!zu_peek_text (name))
        return refuse (r, "not all text:", "names");
      if (!add_rule (r, rule, zu_peek_text (name)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_entry (Reader *r, ZuJson *entry)
{
  static const char *const known[] = { "names",   "name",     "action",   "errnoRet", "args",
                                       "comment", "includes", "excludes", NULL };
  ZuSeccompRule rule = { 0 };
  g_autofree char *action = NULL;
  gboolean applies = TRUE;
  guint64 number = EPERM;

  if (!check_members (r, entry, known) || !read_number (r, entry, "errnoRet", MAX_ERRNO, &number))
    return FALSE;
  action = zu_peek_member_text (entry, "action");
  if (!read_action (r, action, number, &rule.action) || !read_arguments (r, entry, &rule)
      || !read_condition (r, entry, "includes", FALSE, &applies)
      || !read_condition (r, entry, "excludes", TRUE, &applies))
    return FALSE;
  return !applies || add_rules (r, entry, &rule);
}

static gboolean
add_arch (Reader *r, const char *name)
{
  g_autofree char *lower = NULL;
  guint32 arch;

  if (!name || !g_str_has_prefix (name, "SCMP_ARCH_"))
    return refuse (r, "unknown architecture", name);
  lower = g_ascii_strdown (name + strlen ("SCMP_ARCH_"), -1);
  arch = seccomp_arch_resolve_name (lower);
  if (arch == 0)
    return refuse (r, "unknown architecture", name);
  if (arch != seccomp_arch_native ())
    g_array_append_val (r->profile->arches, arch);
  return TRUE;
}

static gboolean
add_arches (Reader *r, ZuJson *list)
{
  if (list && zu_json_get_kind (list) != ZU_JSON_KIND_ARRAY)
    return refuse (r, "not an array:", "architectures");
  for (gsize i = 0; i < zu_peek_size (list); i++)
    {
      g_autoptr (ZuJson) name = zu_json_dup_element (list, i);

      if (!add_arch (r, zu_peek_text (name)))
        return FALSE;
    }
  return TRUE;
}

/* The entry for this machine's architecture; the others are about other machines. */
static gboolean
read_arch_map (Reader *r, ZuJson *map)
{
  static const char *const known[] = { "architecture", "subArchitectures", NULL };

  for (gsize i = 0; i < zu_peek_size (map); i++)
    {
      g_autoptr (ZuJson) entry = zu_json_dup_element (map, i);
      g_autoptr (ZuJson) subs = NULL;
      g_autofree char *name = NULL, *lower = NULL;

      if (!check_members (r, entry, known))
        return FALSE;
      name = zu_peek_member_text (entry, "architecture");
      if (!name || !g_str_has_prefix (name, "SCMP_ARCH_"))
        return refuse (r, "unknown architecture", name);
      lower = g_ascii_strdown (name + strlen ("SCMP_ARCH_"), -1);
      if (seccomp_arch_resolve_name (lower) != seccomp_arch_native ())
        continue;
      subs = zu_peek_member (entry, "subArchitectures");
      if (!add_arches (r, subs))
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_default (Reader *r, ZuJson *json)
{
  g_autofree char *action = zu_peek_member_text (json, "defaultAction");
  guint64 number = EPERM;

  if (!read_number (r, json, "defaultErrnoRet", MAX_ERRNO, &number)
      || !read_action (r, action, number, &r->profile->default_action))
    return FALSE;
  if (r->profile->default_action != SCMP_ACT_ALLOW && r->profile->default_action != SCMP_ACT_LOG)
    return TRUE;
  return refuse (r, "what allows whatever it does not name fights the hardening floor:", action);
}

static gboolean
read_profile (Reader *r, ZuJson *json)
{
  static const char *const known[] = {
    "comment", "defaultAction", "defaultErrnoRet", "architectures", "archMap", "syscalls", NULL
  };
  g_autoptr (ZuJson) syscalls = NULL, arches = NULL, map = NULL;

  if (!check_members (r, json, known) || !read_default (r, json))
    return FALSE;
  arches = zu_peek_member (json, "architectures");
  map = zu_peek_member (json, "archMap");
  if (!add_arches (r, arches) || !read_arch_map (r, map))
    return FALSE;
  syscalls = zu_peek_member (json, "syscalls");
  if (syscalls && zu_json_get_kind (syscalls) != ZU_JSON_KIND_ARRAY)
    return refuse (r, "not an array:", "syscalls");
  for (gsize i = 0; i < zu_peek_size (syscalls); i++)
    {
      g_autoptr (ZuJson) entry = zu_json_dup_element (syscalls, i);

      if (!read_entry (r, entry))
        return FALSE;
    }
  return TRUE;
}

/**
 * zu_seccomp_profile_parse: (skip)
 * @text: a profile as JSON
 * @length: its length in bytes, -1 where it ends in NUL
 * @host: what its conditions are held against
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC with what is not understood; nothing is passed over
 *   but names of system calls that this machine does not have
 *
 * Returns: (transfer full): the profile as it applies to @host
 */
ZuSeccompProfile *
zu_seccomp_profile_parse (const char *text, gssize length, const ZuSeccompHost *host,
                          GError **error)
{
  g_autoptr (ZuSeccompProfile) self = g_new0 (ZuSeccompProfile, 1);
  g_autoptr (GError) failure = NULL;
  g_autoptr (ZuJson) json = NULL;
  Reader r = { self, host, error };

  self->text = length < 0 ? g_strdup (text) : g_strndup (text, (gsize) length);
  self->arches = g_array_new (FALSE, FALSE, sizeof (guint32));
  self->rules = g_array_new (FALSE, FALSE, sizeof (ZuSeccompRule));
  self->unknown = g_ptr_array_new_with_free_func (g_free);
  json = zu_json_parse (text, length, &failure);
  if (!json)
    {
      refuse (&r, "it is not JSON:", failure->message);
      return NULL;
    }
  return read_profile (&r, json) ? g_steal_pointer (&self) : NULL;
}

static char *
read_file (const char *path, GError **error)
{
  ZU_AUTO_FD int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  g_autofree char *text = NULL;
  struct stat st;
  gssize n;

  if (fd >= 0 && fstat (fd, &st) == 0 && !S_ISREG (st.st_mode))
    errno = EINVAL;
  else if (fd >= 0)
    {
      text = g_malloc (MAX_PROFILE + 1);
      n = read (fd, text, MAX_PROFILE + 1);
      if (n >= 0 && n <= MAX_PROFILE && !memchr (text, 0, (gsize) n))
        {
          text[n] = '\0';
          return g_steal_pointer (&text);
        }
      errno = n > MAX_PROFILE ? EFBIG : n < 0 ? errno : EILSEQ;
    }
  g_set_error (error, REFUSED, "cannot read the seccomp profile '%.200s': %s", path,
               g_strerror (errno));
  return NULL;
}

/**
 * zu_seccomp_profile_load: (skip)
 * @given: (nullable): JSON, or the absolute path of a file with some; NULL is our own profile
 * @host: what its conditions are held against
 * @error: ZU_SANDBOX_BACKEND_ERROR_INVALID_SPEC
 *
 * Returns: (transfer full): the profile
 */
ZuSeccompProfile *
zu_seccomp_profile_load (const char *given, const ZuSeccompHost *host, GError **error)
{
  g_autofree char *text = NULL;

  if (!given)
    return zu_seccomp_profile_parse (zu_seccomp_default_json, -1, host, error);
  if (*given == '{')
    return zu_seccomp_profile_parse (given, -1, host, error);
  if (!g_path_is_absolute (given))
    {
      g_set_error (error, REFUSED, "seccomp '%.100s' is neither a JSON object nor an absolute path",
                   given);
      return NULL;
    }
  text = read_file (given, error);
  return text ? zu_seccomp_profile_parse (text, -1, host, error) : NULL;
}
