/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/* What all keys of a codec may be used for. */
typedef struct
{
  guint64 uses_before; /* added to every key's count */
  guint64 warn_after;
  guint64 max_uses;
  char *file; /* where counts outlive the process, or NULL */
} ZuUseLimits;

/* How often one key has encrypted. From any thread. */
typedef struct
{
  GMutex lock;
  char *fingerprint;
  guint64 uses;
  guint64 reserved; /* what the file has set aside for us */
  guint64 step;
  gboolean warned;
} ZuUseCount;

void zu_use_count_init (ZuUseCount *self, const char *fingerprint);
void zu_use_count_clear (ZuUseCount *self);
guint64 zu_use_count_get (ZuUseCount *self, const ZuUseLimits *limits);
gboolean zu_use_count_take (ZuUseCount *self, const ZuUseLimits *limits, gboolean *is_due,
                            GError **error);
