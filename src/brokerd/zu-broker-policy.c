/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-broker-policy.h"

#include <grp.h>
#include <math.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#define LIMITS     "limits"
#define EVERY_VERB "*"
#define ANYBODY    "*"

/* Who may call one verb. */
typedef struct
{
  GArray *uids;
  GArray *gids;
  GStrv units;
  gboolean anybody;
  gboolean polkit;
} Rule;

struct _ZuBrokerPolicy
{
  GHashTable *rules; /* verb → Rule */
  double rate;
  double burst;
};

static void
rule_free (gpointer data)
{
  Rule *self = data;

  g_array_unref (self->uids);
  g_array_unref (self->gids);
  g_strfreev (self->units);
  g_free (self);
}

static Rule *
rule_new (void)
{
  Rule *self = g_new0 (Rule, 1);

  self->uids = g_array_new (FALSE, FALSE, sizeof (guint));
  self->gids = g_array_new (FALSE, FALSE, sizeof (guint));
  return self;
}

static gboolean
refuse (GError **error, const char *section, const char *key, const char *what)
{
  g_set_error (error, G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_INVALID_VALUE, "[%s] %s: %s", section, key,
               what);
  return FALSE;
}

static gboolean
parse_number (const char *text, guint *id)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, &number, NULL))
    return FALSE;
  *id = (guint) number;
  return TRUE;
}

static gboolean
parse_user (const char *text, guint *id)
{
  const struct passwd *entry = parse_number (text, id) ? NULL : getpwnam (text);

  if (entry != NULL)
    *id = entry->pw_uid;
  return entry != NULL || parse_number (text, id);
}

static gboolean
parse_group (const char *text, guint *id)
{
  const struct group *entry = parse_number (text, id) ? NULL : getgrnam (text);

  if (entry != NULL)
    *id = entry->gr_gid;
  return entry != NULL || parse_number (text, id);
}

static gboolean
read_ids (Rule *rule, GKeyFile *file, const char *section, const char *key, GError **error)
{
  gboolean users = g_str_equal (key, "uids");
  GArray *ids = users ? rule->uids : rule->gids;
  g_auto (GStrv) texts = g_key_file_get_string_list (file, section, key, NULL, error);

  for (gsize i = 0; texts != NULL && texts[i] != NULL; i++)
    {
      guint id = 0;

      if (users && g_str_equal (texts[i], ANYBODY))
        {
          rule->anybody = TRUE;
          continue;
        }
      if (!(users ? parse_user (texts[i], &id) : parse_group (texts[i], &id)))
        return refuse (error, section, key,
                       users ? "there is no such user" : "there is no such group");
      g_array_append_val (ids, id);
    }
  return texts != NULL;
}

static gboolean
read_polkit (Rule *rule, GKeyFile *file, const char *section, GError **error)
{
  g_autoptr (GError) wrong = NULL;

  rule->polkit = g_key_file_get_boolean (file, section, "polkit", &wrong);
  return wrong == NULL || refuse (error, section, "polkit", "it must be true or false");
}

static gboolean
read_key (Rule *rule, GKeyFile *file, const char *section, const char *key, GError **error)
{
  if (g_str_equal (key, "uids") || g_str_equal (key, "gids"))
    return read_ids (rule, file, section, key, error);
  if (g_str_equal (key, "polkit"))
    return read_polkit (rule, file, section, error);
  if (!g_str_equal (key, "units"))
    return refuse (error, section, key, "there is no such key (uids, gids, units, polkit)");
  g_strfreev (rule->units);
  rule->units = g_key_file_get_string_list (file, section, key, NULL, error);
  return rule->units != NULL;
}

static gboolean
read_limits (ZuBrokerPolicy *self, GKeyFile *file, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, LIMITS, NULL, error);

  for (gsize i = 0; keys != NULL && keys[i] != NULL; i++)
    {
      g_autoptr (GError) wrong = NULL;
      double value = g_key_file_get_double (file, LIMITS, keys[i], &wrong);
      double *field = g_str_equal (keys[i], "calls-per-second") ? &self->rate
                      : g_str_equal (keys[i], "burst")          ? &self->burst
                                                                : NULL;

      if (field == NULL)
        return refuse (error, LIMITS, keys[i], "there is no such key (calls-per-second, burst)");
      if (wrong != NULL || !isfinite (value) || value < 1)
        return refuse (error, LIMITS, keys[i], "it must be a number, 1 or more");
      *field = value;
    }
  return keys != NULL;
}

static gboolean
is_verb (const char *name, GDBusMethodInfo **verbs)
{
  for (; *verbs != NULL; verbs++)
    if (g_str_equal ((*verbs)->name, name))
      return TRUE;
  return g_str_equal (name, EVERY_VERB);
}

static gboolean
read_section (ZuBrokerPolicy *self, GKeyFile *file, const char *section, GDBusMethodInfo **verbs,
              GError **error)
{
  g_auto (GStrv) keys = NULL;
  Rule *rule;

  if (g_str_equal (section, LIMITS))
    return read_limits (self, file, error);
  if (!is_verb (section, verbs))
    return refuse (error, section, "*", "there is no such verb");
  keys = g_key_file_get_keys (file, section, NULL, error);
  if (keys == NULL)
    return FALSE;
  rule = rule_new ();
  g_hash_table_replace (self->rules, g_strdup (section), rule);
  for (gsize i = 0; keys[i] != NULL; i++)
    if (!read_key (rule, file, section, keys[i], error))
      return FALSE;
  return TRUE;
}

static ZuBrokerPolicy *
new_empty (void)
{
  ZuBrokerPolicy *self = g_new0 (ZuBrokerPolicy, 1);

  self->rules = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, rule_free);
  return self;
}

/* Whoever this runs as, and root: as with a socket of our own. */
ZuBrokerPolicy *
zu_broker_policy_new (void)
{
  ZuBrokerPolicy *self = new_empty ();
  Rule *rule = rule_new ();
  const guint uids[] = { geteuid (), 0 };

  g_array_append_vals (rule->uids, uids, G_N_ELEMENTS (uids));
  g_hash_table_insert (self->rules, g_strdup (EVERY_VERB), rule);
  return self;
}

/* Once there is a file, only who is named in it may call. */
ZuBrokerPolicy *
zu_broker_policy_new_from_file (const char *path, GDBusMethodInfo **verbs, GError **error)
{
  g_autoptr (ZuBrokerPolicy) self = new_empty ();
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) sections = NULL;

  if (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, error))
    sections = g_key_file_get_groups (file, NULL);
  for (gsize i = 0; sections != NULL && sections[i] != NULL; i++)
    if (!read_section (self, file, sections[i], verbs, error))
      g_clear_pointer (&sections, g_strfreev);
  if (sections == NULL)
    {
      g_prefix_error (error, "the policy %s: ", path);
      return NULL;
    }
  self->burst = MAX (self->burst, self->rate);
  return g_steal_pointer (&self);
}

void
zu_broker_policy_free (ZuBrokerPolicy *self)
{
  g_hash_table_unref (self->rules);
  g_free (self);
}

/* Finding a caller's unit takes a look at /proc, which is left out where nobody asks. */
gboolean
zu_broker_policy_needs_unit (ZuBrokerPolicy *self)
{
  GHashTableIter iter;
  gpointer rule;

  g_hash_table_iter_init (&iter, self->rules);
  while (g_hash_table_iter_next (&iter, NULL, &rule))
    if (((Rule *) rule)->units != NULL)
      return TRUE;
  return FALSE;
}

static gboolean
has_id (GArray *ids, guint id)
{
  for (guint i = 0; i < ids->len; i++)
    if (g_array_index (ids, guint, i) == id)
      return TRUE;
  return FALSE;
}

static gboolean
names (const Rule *rule, const ZuBrokerCaller *caller)
{
  if (rule->anybody || has_id (rule->uids, caller->uid))
    return TRUE;
  for (gsize i = 0; i < caller->n_gids; i++)
    if (has_id (rule->gids, caller->gids[i]))
      return TRUE;
  return rule->units != NULL && caller->unit != NULL
         && g_strv_contains ((const char *const *) rule->units, caller->unit);
}

ZuBrokerVerdict
zu_broker_policy_judge (ZuBrokerPolicy *self, const char *verb, const ZuBrokerCaller *caller)
{
  const Rule *rule = g_hash_table_lookup (self->rules, verb);

  if (rule == NULL)
    rule = g_hash_table_lookup (self->rules, EVERY_VERB);
  if (rule == NULL)
    return ZU_BROKER_VERDICT_REFUSED;
  if (names (rule, caller))
    return ZU_BROKER_VERDICT_ALLOWED;
  return rule->polkit ? ZU_BROKER_VERDICT_ASK : ZU_BROKER_VERDICT_REFUSED;
}

/* Calls a second that one user may make; 0 is any number. */
double
zu_broker_policy_get_rate (ZuBrokerPolicy *self)
{
  return self->rate;
}

double
zu_broker_policy_get_burst (ZuBrokerPolicy *self)
{
  return self->burst;
}
