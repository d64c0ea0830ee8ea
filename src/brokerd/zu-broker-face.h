/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <zu/zu.h>

G_BEGIN_DECLS

/* The broker as the bus sees it: whatever worker has the secret now, and for a while the one before
 * it. */
#define ZU_TYPE_BROKER_FACE (zu_broker_face_get_type ())
G_DECLARE_FINAL_TYPE (ZuBrokerFace, zu_broker_face, ZU, BROKER_FACE, GObject)

ZuBrokerFace *zu_broker_face_new (const char *plugin, ZuJson *options, const char *user,
                                  guint grace_seconds, GError **error);
gboolean zu_broker_face_load (ZuBrokerFace *self, int secret_fd, GError **error);

G_END_DECLS
