/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-grant-rules.h"

#include <string.h>

#define MAX_TTL       (G_GINT64_CONSTANT (100) * 366 * 24 * 3600)
#define MAX_TEXT      255
#define MAX_OPERATION 2048 /* of a use: an instrument's may have a path in it */

static const ZuGrantRefusal revoked = { "revoked", "the grant was taken back" };
static const ZuGrantRefusal expired = { "expired", "the grant's time is over" };
static const ZuGrantRefusal no_operation = { "scope", "the grant does not name this operation" };
static const ZuGrantRefusal no_payee = { "scope", "the grant does not name this payee" };
static const ZuGrantRefusal no_consent = { "no_consent",
                                           "the grant is of no use without a consent" };
static const ZuGrantRefusal per_use = { "per_use", "it is more than one use may be" };
static const ZuGrantRefusal cumulative = { "cumulative", "it is more than is left of the grant" };
static const ZuGrantRefusal uses = { "uses", "the grant has been used as often as it may be" };

const ZuGrantRefusal zu_grant_replay = { "replay", "this idempotency key was used already" };

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error_literal (error, ZU_CREDENTIAL_BROKER_ERROR, ZU_CREDENTIAL_BROKER_ERROR_BAD_TERMS,
                       what);
  return FALSE;
}

static gboolean
is_text (const char *text)
{
  return text != NULL && *text != '\0' && strlen (text) <= MAX_TEXT;
}

static gboolean
are_texts (const char *const *texts)
{
  for (; texts != NULL && *texts != NULL; texts++)
    if (!is_text (*texts))
      return FALSE;
  return TRUE;
}

static gboolean
is_limit (const char *text)
{
  ZuAmount amount;

  return text == NULL || zu_amount_parse (text, &amount);
}

static gboolean
is_consent (ZuConsent *consent)
{
  return consent == NULL
         || (is_text (zu_consent_get_id (consent)) && is_text (zu_consent_get_by (consent))
             && is_text (zu_consent_get_authority (consent))
             && is_text (zu_consent_get_purpose (consent)));
}

/* Terms that cannot be kept are refused when the grant is asked for, not when it is used. */
gboolean
zu_grant_terms_check (ZuGrantTerms *terms, GError **error)
{
  const char *const *operations = zu_grant_terms_get_operations (terms);
  const char *const *payees = zu_grant_terms_get_payees (terms);
  gint64 ttl = zu_grant_terms_get_ttl (terms);

  if (operations == NULL || *operations == NULL || !are_texts (operations))
    return refuse (error, "operations: a grant names at least one, of 1 to 255 bytes");
  if (payees != NULL && (*payees == NULL || !are_texts (payees)))
    return refuse (error, "payees: at least one, of 1 to 255 bytes; or null for anybody");
  if (!is_limit (zu_grant_terms_get_per_use (terms))
      || !is_limit (zu_grant_terms_get_cumulative (terms)))
    return refuse (error, "per_use, cumulative: an amount is a decimal text, as in 12.50");
  if ((zu_grant_terms_get_per_use (terms) != NULL || zu_grant_terms_get_cumulative (terms) != NULL)
      && !is_text (zu_grant_terms_get_unit (terms)))
    return refuse (error, "unit: a limit counts something, as in EUR");
  if (zu_grant_terms_get_uses (terms) < 0)
    return refuse (error, "uses: 0 or more");
  if (ttl < 1 || ttl > MAX_TTL)
    return refuse (error, "ttl: 1 second to a hundred years");
  if (!is_consent (zu_grant_terms_get_consent (terms)))
    return refuse (error, "consent: id, by, authority and purpose are 1 to 255 bytes each");
  return TRUE;
}

/* An amount where the grant counts none would go by uncounted. */
gboolean
zu_grant_use_check (ZuGrantTerms *terms, ZuGrantUse *use, ZuAmount *amount, GError **error)
{
  const char *text = zu_grant_use_get_amount (use);
  ZuJson *request = zu_grant_use_get_request (use);

  *amount = 0;
  if (!is_text (zu_grant_use_get_idempotency_key (use)))
    return refuse (error, "idempotency_key: 1 to 255 bytes");
  if (zu_grant_use_get_operation (use) == NULL || *zu_grant_use_get_operation (use) == '\0'
      || strlen (zu_grant_use_get_operation (use)) > MAX_OPERATION)
    return refuse (error, "operation: 1 to 2048 bytes");
  if (zu_grant_use_get_payee (use) != NULL && !is_text (zu_grant_use_get_payee (use)))
    return refuse (error, "payee: 1 to 255 bytes, or null");
  if (text != NULL && !zu_amount_parse (text, amount))
    return refuse (error, "amount: a decimal text, as in 12.50");
  if (text != NULL && zu_grant_terms_get_unit (terms) == NULL)
    return refuse (error, "amount: the grant counts no amounts");
  if (text == NULL
      && (zu_grant_terms_get_per_use (terms) != NULL
          || zu_grant_terms_get_cumulative (terms) != NULL))
    return refuse (error, "amount: the grant has a limit, so each use says how much");
  if (request != NULL && zu_json_get_kind (request) != ZU_JSON_KIND_OBJECT)
    return refuse (error, "request: an object, or null");
  if (!is_consent (zu_grant_use_get_consent (use)))
    return refuse (error, "consent: id, by, authority and purpose are 1 to 255 bytes each");
  return TRUE;
}

static gboolean
is_above (const char *limit, ZuAmount amount)
{
  ZuAmount most;

  return limit != NULL && (!zu_amount_parse (limit, &most) || amount > most);
}

/* A name that ends in * stands for all that begins with what is before it. */
static gboolean
names_operation (const char *const *names, const char *operation)
{
  for (; *names != NULL; names++)
    {
      gsize length = strlen (*names);

      if (g_str_equal (*names, operation)
          || ((*names)[length - 1] == '*' && strncmp (*names, operation, length - 1) == 0))
        return TRUE;
    }
  return FALSE;
}

/* Everything is looked at under the store's lock, so that what is judged is what is reserved. */
const ZuGrantRefusal *
zu_grant_judge (ZuGrantTerms *terms, const ZuGrantState *state, ZuGrantUse *use, ZuAmount amount,
                gint64 now)
{
  const char *const *payees = zu_grant_terms_get_payees (terms);
  const char *payee = zu_grant_use_get_payee (use);
  gint64 most = zu_grant_terms_get_uses (terms);

  if (state->revoked)
    return &revoked;
  if (now >= state->expires)
    return &expired;
  if (!names_operation (zu_grant_terms_get_operations (terms), zu_grant_use_get_operation (use)))
    return &no_operation;
  if (payees != NULL && (payee == NULL || !g_strv_contains (payees, payee)))
    return &no_payee;
  if (zu_grant_terms_get_requires_consent (terms) && zu_grant_terms_get_consent (terms) == NULL
      && zu_grant_use_get_consent (use) == NULL)
    return &no_consent;
  if (is_above (zu_grant_terms_get_per_use (terms), amount))
    return &per_use;
  if (is_above (zu_grant_terms_get_cumulative (terms), state->amount + amount))
    return &cumulative;
  if (most > 0 && state->n_uses >= most)
    return &uses;
  return NULL;
}

/* NULL where there is no limit to what is used together. */
char *
zu_grant_dup_remaining (ZuGrantTerms *terms, ZuAmount used)
{
  const char *limit = zu_grant_terms_get_cumulative (terms);
  ZuAmount most;

  if (limit == NULL || !zu_amount_parse (limit, &most))
    return NULL;
  return zu_amount_to_text (most > used ? most - used : 0);
}
