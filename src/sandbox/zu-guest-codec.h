/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>
#include "zu-guest-wire.h"

G_BEGIN_DECLS

#define ZU_GUEST_ERROR (zu_guest_error_quark ())

typedef enum
{
  ZU_GUEST_ERROR_PROTOCOL,
  ZU_GUEST_ERROR_ENDED,
  ZU_GUEST_ERROR_UNKNOWN,
  ZU_GUEST_ERROR_REQUEST,
  ZU_GUEST_ERROR_NOT_FOUND,
  ZU_GUEST_ERROR_NOT_EXECUTABLE,
  ZU_GUEST_ERROR_START,
} ZuGuestError;

typedef struct
{
  struct zu_wire_header header;
  union
  {
    struct zu_wire_hello hello;
    struct zu_wire_started started;
    struct zu_wire_exited exited;
    struct zu_wire_listening listening;
  };
} ZuGuestMessage;

/* What to run; -1 in @stdio is /dev/null. */
typedef struct
{
  gboolean tty;     /* stdin is a terminal, and becomes the controlling one */
  gboolean self;    /* the guest's own program: argv[0] only names it */
  gboolean as_user; /* refused by the guest unless @uid and @gid are its own */
  guint32 uid;
  guint32 gid;
  const char *const *argv;
  const char *const *environment;
  const char *workdir;
  guint64 deadline_ms;
  guint32 grace_ms;
  int stdio[3];
} ZuGuestExec;

typedef struct
{
  guint32 resource;
  guint64 value;
} ZuGuestLimit;

GQuark zu_guest_error_quark (void);

gboolean zu_guest_decode (gconstpointer data, gsize size, ZuGuestMessage *message, GError **error);
GBytes *zu_guest_encode_go (const char *workdir, const char *const *environment,
                            const ZuGuestLimit *limits, guint n_limits, GError **error);
GBytes *zu_guest_encode_exec (guint32 id, const ZuGuestExec *exec, int *block, GError **error);
GBytes *zu_guest_encode_kill (guint32 id, int signal);
GBytes *zu_guest_encode_resize (guint32 id, guint rows, guint columns);
GBytes *zu_guest_encode_listen (guint32 id, guint port);
void zu_guest_set_started_error (const struct zu_wire_started *started, const char *program,
                                 GError **error);

G_END_DECLS
