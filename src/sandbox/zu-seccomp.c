/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-seccomp.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct scmp_arg_cmp Comparison;

#define MASK32 0xffffffffu

static void
release (scmp_filter_ctx *context)
{
  if (*context)
    seccomp_release (*context);
}

#define AUTO_CONTEXT __attribute__ ((cleanup (release))) scmp_filter_ctx

static gboolean
add (scmp_filter_ctx context, guint32 action, const char *name, guint n, const Comparison *c)
{
  int number = seccomp_syscall_resolve_name (name);
  int failed;

  if (number == __NR_SCMP_ERROR)
    return TRUE;
  failed = seccomp_rule_add_array (context, action, number, n, c);
  return failed == 0 || failed == -EDOM;
}

/* Refused where any of @bits is set in that argument. */
static gboolean
refuse_bits (scmp_filter_ctx context, const char *name, guint argument, guint64 bits)
{
  for (guint i = 0; i < 64; i++)
    {
      guint64 bit = G_GUINT64_CONSTANT (1) << i;
      Comparison c = SCMP_CMP64 (argument, SCMP_CMP_MASKED_EQ, bit, bit);

      if (bits & bit && !add (context, SCMP_ACT_ERRNO (EPERM), name, 1, &c))
        return FALSE;
    }
  return TRUE;
}

/* A namespace of its own would give a process every capability in it, and the kernel's least
 * tested code to try them on. */
static gboolean
refuse_namespaces (scmp_filter_ctx context)
{
  const guint64 flags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER
                        | CLONE_NEWPID | CLONE_NEWNET;

  return refuse_bits (context, "clone", 0, flags)
         && refuse_bits (context, "unshare", 0, flags | CLONE_NEWTIME);
}

/* A set-uid file made in a folder of the host's would be one there too, for everybody. */
static gboolean
refuse_set_id (scmp_filter_ctx context)
{
  static const struct
  {
    const char *name;
    guint mode;
    int flags; /* the argument that says whether the mode counts; -1: it always does */
  } calls[] = {
    { "chmod", 1, -1 }, { "fchmod", 1, -1 },  { "fchmodat", 2, -1 }, { "creat", 1, -1 },
    { "mkdir", 1, -1 }, { "mkdirat", 2, -1 }, { "mknod", 1, -1 },    { "mknodat", 2, -1 },
    { "open", 2, 1 },   { "openat", 3, 2 },
  };
  static const guint64 bits[] = { 04000, 02000 }, creating[] = { O_CREAT, 020000000 };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    for (guint b = 0; b < 2; b++)
      for (guint f = 0; f < 2; f++)
        {
          const Comparison c[] = {
            SCMP_CMP64 (calls[i].mode, SCMP_CMP_MASKED_EQ, bits[b], bits[b]),
            SCMP_CMP64 ((guint) MAX (calls[i].flags, 0), SCMP_CMP_MASKED_EQ, creating[f],
                        creating[f]),
          };

          if (!add (context, SCMP_ACT_ERRNO (EPERM), calls[i].name, calls[i].flags < 0 ? 1 : 2, c))
            return FALSE;
        }
  return TRUE;
}

/* Unix, IPv4, IPv6, and netlink for the list of interfaces; the upper half of the argument, which
 * the kernel does not look at, is no way around. */
static gboolean
refuse_families (scmp_filter_ctx context)
{
  const Comparison beyond = SCMP_A0_64 (SCMP_CMP_GT, AF_MAX);
  const Comparison netlink[] = { SCMP_A0_64 (SCMP_CMP_MASKED_EQ, MASK32, AF_NETLINK),
                                 SCMP_A2_64 (SCMP_CMP_NE, 0) };

  for (guint family = 0; family <= AF_MAX; family++)
    {
      const Comparison c = SCMP_A0_64 (SCMP_CMP_MASKED_EQ, MASK32, family);

      if (family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK)
        continue;
      if (!add (context, SCMP_ACT_ERRNO (EAFNOSUPPORT), "socket", 1, &c))
        return FALSE;
    }
  return add (context, SCMP_ACT_ERRNO (EAFNOSUPPORT), "socket", 1, &beyond)
         && add (context, SCMP_ACT_ERRNO (EPROTONOSUPPORT), "socket", 2, netlink);
}

/* Typing into somebody's terminal, and limits for another process: the guest's, say. */
static gboolean
refuse_reaching_out (scmp_filter_ctx context)
{
  const Comparison sti = SCMP_A1_64 (SCMP_CMP_MASKED_EQ, MASK32, TIOCSTI);
  const Comparison console = SCMP_A1_64 (SCMP_CMP_MASKED_EQ, MASK32, TIOCLINUX);
  const Comparison other = SCMP_A0_64 (SCMP_CMP_NE, 0);

  return add (context, SCMP_ACT_ERRNO (EPERM), "ioctl", 1, &sti)
         && add (context, SCMP_ACT_ERRNO (EPERM), "ioctl", 1, &console)
         && add (context, SCMP_ACT_ERRNO (EPERM), "prlimit64", 1, &other);
}

static int export(scmp_filter_ctx context, gboolean complete, GError **error)
{
  ZU_AUTO_FD int fd = -1;

  if (complete)
    fd = memfd_create ("zu-seccomp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd >= 0 && seccomp_export_bpf (context, fd) == 0 && lseek (fd, 0, SEEK_SET) == 0
      && fcntl (fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
    return zu_steal_fd (&fd);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "cannot make the seccomp filter");
  return -1;
}

/* What says the same as the default is said already. */
static gboolean
add_rules (scmp_filter_ctx context, const ZuSeccompProfile *profile)
{
  for (guint i = 0; i < profile->rules->len; i++)
    {
      const ZuSeccompRule *rule = &g_array_index (profile->rules, ZuSeccompRule, i);
      int failed = 0;

      if (rule->action != profile->default_action)
        failed =
            seccomp_rule_add_array (context, rule->action, rule->number, rule->n_args, rule->args);
      if (failed != 0 && failed != -EDOM && failed != -EEXIST)
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_arches (scmp_filter_ctx context, const ZuSeccompProfile *profile)
{
  for (guint i = 0; i < profile->arches->len; i++)
    {
      int failed = seccomp_arch_add (context, g_array_index (profile->arches, guint32, i));

      if (failed != 0 && failed != -EEXIST && failed != -EDOM)
        return FALSE;
    }
  return TRUE;
}

/**
 * zu_seccomp_make_filter: (skip)
 * @profile: a profile
 * @error: where an error goes
 *
 * Returns: a memory file with it as a program, at its start, or -1
 */
int
zu_seccomp_make_filter (const ZuSeccompProfile *profile, GError **error)
{
  AUTO_CONTEXT context = seccomp_init (profile->default_action);

  return export(context,
                context && add_arches (context, profile) && add_rules (context, profile)
                    && seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0,
                error);
}

/**
 * zu_seccomp_make_refused: (skip)
 * @profile: the profile that goes with it
 * @error: where an error goes
 *
 * What every sandbox is refused whatever its profile says: the shape of profiles has no words for
 * it.
 *
 * Returns: a memory file with the filter, at its start, or -1
 */
int
zu_seccomp_make_refused (const ZuSeccompProfile *profile, GError **error)
{
  AUTO_CONTEXT context = seccomp_init (SCMP_ACT_ALLOW);

  return export(context,
                context && add_arches (context, profile) && refuse_namespaces (context)
                    && refuse_set_id (context) && refuse_families (context)
                    && refuse_reaching_out (context)
                    && seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0,
                error);
}
