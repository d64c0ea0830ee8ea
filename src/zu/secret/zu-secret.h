/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define ZU_TYPE_SECRET  (zu_secret_get_type ())
#define ZU_SECRET_ERROR (zu_secret_error_quark ())
/**
 * ZU_SECRET_MAX_SIZE:
 *
 * The most bytes that a secret may have.
 */
#define ZU_SECRET_MAX_SIZE (64 * 1024)

typedef struct _ZuSecret ZuSecret;

typedef enum
{
  ZU_SECRET_ERROR_UNAVAILABLE,
  ZU_SECRET_ERROR_TOO_LARGE,
  ZU_SECRET_ERROR_UNPROTECTED,
} ZuSecretError;

GType zu_secret_get_type (void);
GQuark zu_secret_error_quark (void);

ZuSecret *zu_secret_new_random (gsize size, GError **error);
ZuSecret *zu_secret_new_from_fd (int fd, GError **error);
ZuSecret *zu_secret_new_from_file (const char *path, GError **error);
ZuSecret *zu_secret_new_from_environment (const char *variable, GError **error);
ZuSecret *zu_secret_new_wiping (gpointer data, gsize size, GError **error);
ZuSecret *zu_secret_ref (ZuSecret *self);
void zu_secret_unref (ZuSecret *self);

gsize zu_secret_get_size (ZuSecret *self);
gconstpointer zu_secret_peek (ZuSecret *self, gsize *size);
int zu_secret_dup_memfd (ZuSecret *self, GError **error);

/* HMAC-SHA256 keyed with this secret, of the message parts in order; one call, nothing left behind.
 */
void zu_secret_hmac (ZuSecret *self, gconstpointer message, gsize size, guint8 digest[32]);
void zu_secret_hmac_secret (ZuSecret *self, ZuSecret *head, gconstpointer tail, gsize size,
                            guint8 digest[32]);
char *zu_secret_dup_hmac_hex (ZuSecret *self, const char *message);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ZuSecret, zu_secret_unref)

G_END_DECLS
