/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>
#include <sys/types.h>

G_BEGIN_DECLS

#define ZU_WORKER_KEEP_MAX 8

/* Who a worker becomes. */
typedef struct
{
  uid_t uid;
  gid_t gid;
} ZuWorkerUser;

gboolean zu_worker_user_parse (const char *text, ZuWorkerUser *user, GError **error);

gboolean zu_worker_lock_down (GError **error);
gboolean zu_worker_isolate (GError **error);
gboolean zu_worker_close_others (const int *keep, gsize n_keep, GError **error);
void zu_worker_close (int fd);
gboolean zu_worker_become (const ZuWorkerUser *user, GError **error);
gboolean zu_worker_seal (GError **error);

G_END_DECLS
