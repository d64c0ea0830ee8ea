/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-seal-private.h"

#define PAGE 4096
/* Each round reads what changed during the one before it, which is soon less than a page. */
#define MOST_ROUNDS 64

static ZuSealPage *
read_page (ZuSealVerifier *self, ZuEventAudit *audit, gint64 after, gint64 changed_after,
           GCancellable *cancellable, GError **error)
{
  ZuSealPage *page = zu_event_audit_seals (audit, after, changed_after, PAGE, cancellable, error);

  if (page != NULL)
    zu_seal_verifier_add_page (self, page);
  return page;
}

typedef struct
{
  gint64 changed_after; /* of the round that follows */
  gboolean is_signed;
  gboolean is_one_moment;
} Round;

static gboolean
is_signed (ZuSealPage *page)
{
  ZuLogSeal *log = zu_seal_page_get_log (page);

  return log != NULL && zu_log_seal_get_mac (log) != NULL;
}

/* All seals that changed after a row. What changes while this is read is left to the next round;
 * a round of one page needs none. */
static gboolean
read_round (ZuSealVerifier *self, ZuEventAudit *audit, Round *round, GCancellable *cancellable,
            GError **error)
{
  gint64 changed_after = round->changed_after;
  gint64 after = 0;
  guint n_pages = 0;

  for (;;)
    {
      g_autoptr (ZuSealPage) page =
          read_page (self, audit, after, changed_after, cancellable, error);

      if (page == NULL)
        return FALSE;
      if (n_pages++ == 0)
        {
          round->changed_after = zu_seal_verifier_get_last_seq (self);
          round->is_signed = is_signed (page);
        }
      /* A log that got a key meanwhile has all its seals made anew. */
      if (round->is_signed != is_signed (page))
        {
          zu_seal_verifier_forget (self);
          round->changed_after = 0;
          return TRUE;
        }
      if (zu_seal_page_get_next (page) == after || zu_seal_page_get_seals (page)->len < PAGE)
        break;
      after = zu_seal_page_get_next (page);
    }

  round->is_one_moment = n_pages == 1;
  return TRUE;
}

/**
 * zu_seal_verifier_read:
 * @self: a verifier that nothing was added to yet
 * @audit: the log
 * @cancellable: (nullable): to give up
 * @error: return location for an error
 *
 * Reads all seals of a log, as they stand at one moment, while others may append to it. This comes
 * before its events are read: what is sealed now is there then.
 *
 * A log of a kind that keeps no seals counts as one without.
 *
 * Returns: %FALSE with an error of [iface@Zu.EventAudit], or with %ZU_EVENT_AUDIT_ERROR_BUSY where
 *   the log changes faster than it can be read
 */
gboolean
zu_seal_verifier_read (ZuSealVerifier *self, ZuEventAudit *audit, GCancellable *cancellable,
                       GError **error)
{
  Round round = { 0 };

  g_return_val_if_fail (ZU_IS_SEAL_VERIFIER (self), FALSE);
  g_return_val_if_fail (ZU_IS_EVENT_AUDIT (audit), FALSE);

  for (guint i = 0; i < MOST_ROUNDS; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (!read_round (self, audit, &round, cancellable, &local_error))
        {
          if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED))
            return TRUE;
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (round.is_one_moment)
        return TRUE;
    }

  g_set_error_literal (error, ZU_EVENT_AUDIT_ERROR, ZU_EVENT_AUDIT_ERROR_BUSY,
                       "the log's seals change faster than they can be read (try again when less "
                       "is appended)");
  return FALSE;
}
