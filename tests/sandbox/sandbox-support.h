/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

/* A backend with a state folder of its own, made as root or, with --as-user, as nobody special. */
typedef struct
{
  ZuSandboxBackend *backend;
  char *dir; /* ours, for anything */
  char *state;
  char *id;
} SandboxFixture;

typedef struct
{
  char *out;
  char *err;
  ZuExitStatus *exit;
} Ran;

const char *sandbox_get_backend (void);
void sandbox_test_init (int *argc, char ***argv);
int sandbox_test_run (void);
void sandbox_set_up (SandboxFixture *f, gconstpointer data);
void sandbox_tear_down (SandboxFixture *f, gconstpointer data);

ZuSandboxBackend *sandbox_new_backend (const char *state);
char *sandbox_launch_for (ZuSandboxBackend *backend, const char *spec, ZuOwnership *owner,
                          GError **error);
pid_t sandbox_start_owner (void);
void sandbox_kill_owner (pid_t owner);
char *sandbox_launch (ZuSandboxBackend *backend, const char *spec, GError **error);
char *sandbox_start (ZuSandboxBackend *backend, const char *id, const char *script, int out,
                     GError **error);
Ran sandbox_run (ZuSandboxBackend *backend, const char *id, const char *script, gint64 timeout_ms);
char *sandbox_read_all (int fd);
gboolean sandbox_gone_within (const char *path, guint ms);
void ran_clear (Ran *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Ran, ran_clear)
