/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* A backend that contains nothing: processes run on the host, so that what a run does with any
 * backend can be tested, failures included. */
#define ZU_TYPE_HOST_BACKEND (zu_host_backend_get_type ())
G_DECLARE_FINAL_TYPE (ZuHostBackend, zu_host_backend, ZU, HOST_BACKEND, GObject)

struct _ZuHostBackend
{
  GObject parent_instance;

  gboolean fails_launch;
  gboolean fails_destroy;
  guint n_launched;
  guint n_destroyed;
  GPid pid;
  gboolean was_timed_out;
};

ZuHostBackend *zu_host_backend_new (void);

G_END_DECLS
