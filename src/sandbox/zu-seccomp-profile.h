/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

#include <seccomp.h>

G_BEGIN_DECLS

#define ZU_SECCOMP_MAX_ARGS 6

/* What one entry says of one system call, on this machine. */
typedef struct
{
  int number;
  guint32 action;
  guint n_args;
  struct scmp_arg_cmp args[ZU_SECCOMP_MAX_ARGS];
} ZuSeccompRule;

/* A profile in the shape that engines read, as it applies here. */
typedef struct
{
  char *text; /* as it was given, for an engine */
  guint32 default_action;
  GArray *arches;     /* of guint32, beside the machine's own */
  GArray *rules;      /* of ZuSeccompRule, in the profile's order */
  GPtrArray *unknown; /* names that this machine does not have */
} ZuSeccompProfile;

/* What a profile's includes and excludes are held against. */
typedef struct
{
  const char *const *capabilities; /* that the sandbox has, "CAP_CHOWN"; NULL for none */
  const char *arch;                /* as Go names it: "amd64" */
  guint kernel_major;
  guint kernel_minor;
} ZuSeccompHost;

void zu_seccomp_host_init (ZuSeccompHost *host, const char *const *capabilities);

ZuSeccompProfile *zu_seccomp_profile_parse (const char *text, gssize length,
                                            const ZuSeccompHost *host, GError **error);
ZuSeccompProfile *zu_seccomp_profile_load (const char *given, const ZuSeccompHost *host,
                                           GError **error);
void zu_seccomp_profile_free (ZuSeccompProfile *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSeccompProfile, zu_seccomp_profile_free)

G_END_DECLS
