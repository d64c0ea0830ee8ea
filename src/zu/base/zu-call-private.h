/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-call.h"

G_BEGIN_DECLS

enum
{
  CALL_OPEN,
  CALL_ANSWERING,
  CALL_ANSWERED,
};

/* Outlives the call where somebody still waits for the answer. */
typedef struct
{
  gatomicrefcount refs;
  GType type;
  gboolean nullable;
  GTask *task;           /* of an asynchronous caller */
  GMainContext *context; /* of a caller who waits */
  int answered;
  GValue value;
  GError *error;
} ZuCallState;

struct _ZuCall
{
  GObject parent_instance;
  ZuCallState *state;
  GCancellable *cancellable;
};

G_GNUC_INTERNAL ZuCall *zu_call_new (GType type, gboolean nullable, GTask *task,
                                     GMainContext *context, GCancellable *cancellable);
G_GNUC_INTERNAL void zu_call_state_unref (ZuCallState *state);
G_GNUC_INTERNAL void zu_call_return_to_task (GTask *task, GValue *value, GError *error);
G_GNUC_INTERNAL void zu_call_free_value (gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuCallState, zu_call_state_unref)

G_END_DECLS
