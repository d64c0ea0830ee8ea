/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-chain.h"

#include "../event/zu-event-private.h"

/**
 * ZuChainError:
 * @ZU_CHAIN_ERROR_CONFLICT: an event is linked, but not behind its trace's head
 * @ZU_CHAIN_ERROR_WRONG_HASH: an event is linked, but its hash is not that of its content
 *
 * Why an event cannot be appended.
 */

/**
 * zu_chain_error_quark:
 *
 * Gives the error domain of [error@Zu.ChainError].
 *
 * Returns: the error domain of [error@Zu.ChainError]
 */
G_DEFINE_QUARK (zu_chain_error_quark, zu_chain_error)

static gboolean
has_right_hash (ZuEvent *event)
{
  char digest[ZU_EVENT_DIGEST_SIZE];
  gsize length;
  const char *hash = zu_event_get_field (event, ZU_EVENT_FIELD_HASH, &length);

  zu_event_write_own_digest (event, digest);
  return length == ZU_EVENT_DIGEST_SIZE - 1 && memcmp (hash, digest, length) == 0;
}

static gboolean
follows (ZuEvent *event, const char *head)
{
  gsize length;
  const char *prev_hash = zu_event_get_field (event, ZU_EVENT_FIELD_PREV_HASH, &length);

  if (prev_hash == NULL || head == NULL)
    return prev_hash == NULL && head == NULL;
  return strlen (head) == length && memcmp (prev_hash, head, length) == 0;
}

/**
 * zu_chain_link:
 * @event: an event that is to be appended
 * @head: (nullable): the hash of the last event of its trace; %NULL where it has none
 * @sign_key: (nullable): the key to sign with
 * @error: return location for an error
 *
 * Decides what an append does with an event.
 *
 * One that is not linked becomes the next one of its trace, and is signed where there is a key. One
 * that is linked keeps its links, but only if its hash is that of its content and it follows @head:
 * so a chain is never forked, and nothing wrong gets in by being linked already.
 *
 * Returns: (transfer full): the event to store; on failure %NULL with %ZU_CHAIN_ERROR_WRONG_HASH or
 *   %ZU_CHAIN_ERROR_CONFLICT
 */
ZuEvent *
zu_chain_link (ZuEvent *event, const char *head, ZuSecret *sign_key, GError **error)
{
  g_return_val_if_fail (ZU_IS_EVENT (event), NULL);

  if (!zu_event_is_linked (event))
    return zu_event_link (event, head, sign_key);

  if (!has_right_hash (event))
    {
      g_set_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_WRONG_HASH,
                   "event %s: its hash is not that of its content", zu_event_get_event_id (event));
      return NULL;
    }
  if (!follows (event, head))
    {
      g_set_error (error, ZU_CHAIN_ERROR, ZU_CHAIN_ERROR_CONFLICT,
                   "event %s: is linked, but does not follow the head of trace %s",
                   zu_event_get_event_id (event), zu_event_get_trace_id (event));
      return NULL;
    }
  return g_object_ref (event);
}
