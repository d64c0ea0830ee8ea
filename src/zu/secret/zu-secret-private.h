/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "zu-secret.h"

#include <nettle/sha2.h>

/* What hashing under a secret needs; it lies in the secret's own locked pages. */
typedef struct
{
  struct sha256_ctx hash;
  guint8 pad[SHA256_BLOCK_SIZE];
  guint8 digest[SHA256_DIGEST_SIZE];
} ZuSecretScratch;

/* The head of the locked pages; the bytes of the secret follow it. */
typedef struct
{
  ZuSecretScratch scratch;
  guint8 alive; /* zero in a forked child, where the kernel has wiped the pages */
} ZuSecretPages;

struct _ZuSecret
{
  gatomicrefcount ref_count;
  GMutex lock; /* one hash at a time in the scratch */
  gsize size;
  gsize capacity;
  gsize locked_size;
  ZuSecretPages *pages;
  guint8 *bytes; /* in the pages */
};
