/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <libsoup/soup.h>

/* An Engine API on a Unix socket, or behind TLS, that answers from a script, in a thread of its
 * own. Whatever the script does not have is answered with 404. */
typedef struct _FakeEngine FakeEngine;

FakeEngine *fake_engine_new (void);
FakeEngine *fake_engine_new_at (const char *path);
FakeEngine *fake_engine_new_tls (const char *ca, const char *certificate, const char *key);
void fake_engine_free (FakeEngine *self);
char *fake_engine_dup_host (FakeEngine *self);
void fake_engine_set_version (FakeEngine *self, const char *version);
void fake_engine_answer (FakeEngine *self, const char *method, const char *path, guint status,
                         const char *body);
void fake_engine_stall (FakeEngine *self, const char *method, const char *path);
void fake_engine_hang_up (FakeEngine *self, const char *method, const char *path);
guint fake_engine_count (FakeEngine *self, const char *method, const char *path);
char *fake_engine_dup_body (FakeEngine *self, const char *method, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeEngine, fake_engine_free)
