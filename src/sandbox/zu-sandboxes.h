/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-keeper-link.h"

G_BEGIN_DECLS

typedef struct _ZuSandboxes ZuSandboxes;

ZuSandboxes *zu_sandboxes_new (const char *root);
const char *zu_sandboxes_get_root (ZuSandboxes *self);

void zu_sandboxes_add (ZuSandboxes *self, const char *id, ZuKeeperLink *link,
                       ZuGuestChannel *channel);
gboolean zu_sandboxes_destroy (ZuSandboxes *self, const char *id, GCancellable *cancellable,
                               GError **error);

char *zu_sandboxes_spawn (ZuSandboxes *self, const char *id, ZuProcessSpec *process,
                          const int stdio[3], GCancellable *cancellable, GError **error);
ZuExitStatus *zu_sandboxes_wait (ZuSandboxes *self, const char *id, const char *process_id,
                                 GCancellable *cancellable, GError **error);
gboolean zu_sandboxes_kill (ZuSandboxes *self, const char *id, const char *process_id, int number,
                            GCancellable *cancellable, GError **error);

gboolean zu_sandboxes_resize (ZuSandboxes *self, const char *id, const char *process_id, guint rows,
                              guint columns, GCancellable *cancellable, GError **error);

/* zu-sandboxes-look.c */
ZuSandbox *zu_sandboxes_inspect (ZuSandboxes *self, const char *id, GError **error);
GPtrArray *zu_sandboxes_list (ZuSandboxes *self, const char *backend, GError **error);
void zu_sandboxes_begin (ZuSandboxes *self, const char *backend);
GStrv zu_sandboxes_reclaim (ZuSandboxes *self, const char *backend, GError **error);
gboolean zu_sandboxes_extend (ZuSandboxes *self, const char *id, gint64 seconds, gint64 max_seconds,
                              GCancellable *cancellable, GError **error);
int zu_sandboxes_listen (ZuSandboxes *self, const char *id, guint port, GCancellable *cancellable,
                         GError **error);
GPtrArray *zu_sandboxes_top (ZuSandboxes *self, const char *id, GCancellable *cancellable,
                             GError **error);
GPtrArray *zu_sandboxes_mounts (ZuSandboxes *self, ZuSandbox *sandbox, GCancellable *cancellable,
                                GError **error);
GPtrArray *zu_sandboxes_find_added (ZuSandboxes *self, const char *id, const char *const *folders,
                                    GCancellable *cancellable, GError **error);

/* zu-sandboxes-files.c */
gboolean zu_sandboxes_put_file (ZuSandboxes *self, const char *id, const char *path, int source_fd,
                                guint mode, GCancellable *cancellable, GError **error);
gboolean zu_sandboxes_get_file (ZuSandboxes *self, const char *id, const char *path, int target_fd,
                                GCancellable *cancellable, GError **error);
GPtrArray *zu_sandboxes_list_files (ZuSandboxes *self, const char *id, const char *path,
                                    GCancellable *cancellable, GError **error);

ZuObservation *zu_sandboxes_call_tool (ZuSandboxes *self, const char *id, ZuToolCall *call,
                                       GCancellable *cancellable, GError **error);

char *zu_sandboxes_open_session (ZuSandboxes *self, const char *id, ZuProcessSpec *process,
                                 GCancellable *cancellable, GError **error);
char *zu_sandboxes_share_session (ZuSandboxes *self, const char *id, const char *key,
                                  ZuProcessSpec *process, GCancellable *cancellable,
                                  GError **error);
gboolean zu_sandboxes_send (ZuSandboxes *self, const char *session, ZuJson *message,
                            GCancellable *cancellable, GError **error);
ZuJson *zu_sandboxes_receive (ZuSandboxes *self, const char *session, gint64 timeout_ms,
                              GCancellable *cancellable, GError **error);
gboolean zu_sandboxes_close_session (ZuSandboxes *self, const char *session,
                                     GCancellable *cancellable, GError **error);

ZuSandboxes *zu_sandboxes_ref (ZuSandboxes *self);
void zu_sandboxes_unref (ZuSandboxes *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSandboxes, zu_sandboxes_unref)

G_END_DECLS
