/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

#define ZU_AES_GCM_NONCE_SIZE 12

typedef struct _ZuNoncePage ZuNoncePage;

/* Nonces, each given out once, and never in a forked child: they lie in a page that the kernel
 * wipes there. A process id would not tell a child, because it comes again. From any thread. */
typedef struct
{
  GMutex lock;
  ZuNoncePage *page;
} ZuNonces;

gboolean zu_nonces_init (ZuNonces *self, GError **error);
void zu_nonces_clear (ZuNonces *self);
gboolean zu_nonces_check_fork (ZuNonces *self, GError **error);
gboolean zu_nonces_draw (ZuNonces *self, guint8 nonce[ZU_AES_GCM_NONCE_SIZE], GError **error);
