/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-redact.h"

#include <string.h>

/* Names of what is secret, as a whole word or as part of one. */
#define SECRET_WORD                                                                           \
  "(?:passwo?rd|passwd|passphrase|passcode|pwd|secret|token|credential|cookie|bearer"         \
  "|(?:api|access|private|account|auth|encryption|event|master|shared|sign|signing)[-_.]?key" \
  "|(?<![a-z])(?:pass|pw|auth|authorization|key|sig|signature|jwt)(?![a-z]))"
/* A name with such a word in it, unless it says where the secret is rather than what. */
#define NAME_CHAR            "[a-z0-9_.-]"
#define SECRET_TAIL          NAME_CHAR "*" SECRET_WORD NAME_CHAR "*(?<!file|path)(?<!fd)"
#define SECRET_NAME          "(?<!" NAME_CHAR ")" SECRET_TAIL
#define QUOTED_OR_BARE(bare) "(?|\"([^\"]*)\"|'([^']*)'|(" bare "))"

/* In each, group 1 is what is cut. They run over the text as it came, so none sees another's mark.
 */
static const char *const text_patterns[] = {
  /* https://user:password@host, up to the last @ before the path */
  "(?<![a-z0-9+.-])[a-z][a-z0-9+.-]*://([^/\\s?#\"']+)@",
  /* Authorization: Bearer abc; the scheme's name goes too where it stands in a header */
  "(?<![a-z0-9])(?:authorization|(?:set-)?cookie|x-[a-z-]*(?:token|key|secret|auth))"
  "\\s*:\\s*([^\"'\\r\\n]+)",
  "(?<![a-z0-9])bearer\\s+([^\\s\"']+)",
  /* PASSWORD=abc, "api_key": "abc", ?token=abc& */
  SECRET_NAME "[\"']?\\s*[=:]\\s*" QUOTED_OR_BARE ("[^\\s\"'&;,|)}]+"),
  /* --password abc inside a shell line */
  "(?<!" NAME_CHAR ")--?" SECRET_TAIL "[ \\t]+" QUOTED_OR_BARE ("[^\\s\"'-][^\\s\"']*"),
  /* curl -u name:password, but not docker -u 1000:1000 */
  "(?<![a-z0-9-])(?:-u|--user|--proxy-user)[\\s=]*[\"']?[^\\s\"':]+:"
  "((?!\\d+(?:[\\s\"']|\\z))[^\\s\"']+)",
  "(?<![a-z0-9])sshpass\\s+-p\\s*" QUOTED_OR_BARE ("[^\\s\"']+"),
  "(?<![a-z0-9])(?:mysql|mysqldump|mysqladmin|mariadb)\\s(?:[^\\n;|]*\\s)?-p([^\\s\"']+)",
  /* what issuers give out has a shape of its own */
  "(?<![a-z0-9_-])(gh[pousr]_[a-z0-9]{16,}|github_pat_\\w{20,}|glpat-[\\w-]{16,}|sk-[\\w-]{16,}"
  "|[prs]k_(?:live|test)_\\w{10,}|xox[a-z]-[\\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}"
  "|AIza[\\w-]{30,}|hf_\\w{20,}|npm_\\w{20,}|pypi-[\\w-]{20,}|ya29\\.[\\w.-]{20,}"
  "|dop_v1_[0-9a-f]{40,}|tok_[0-9a-f]{24}|eyJ[\\w-]{8,}\\.[\\w-]{8,}\\.[\\w-]*"
  "|AGE-SECRET-KEY-1[0-9A-Z]{20,})",
  "-----BEGIN [a-z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(.*?)(?:-----END|\\z)",
};

/* An option whose value is the next argument. */
#define SECRET_OPTION "\\A--?" SECRET_TAIL "\\z"
#define USER_OPTION   "\\A(?:-u|--user|--proxy-user)\\z"
#define USER_VALUE    "\\A[^:]*:((?!\\d+\\z).+)\\z"

typedef struct
{
  int start;
  int end;
} Cut;

static GRegex *
compile (const char *pattern)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GRegex) regex =
      g_regex_new (pattern, G_REGEX_CASELESS | G_REGEX_DOTALL | G_REGEX_RAW, 0, &error);

  if (regex == NULL)
    g_error ("redaction pattern: %s", error->message);
  return g_steal_pointer (&regex);
}

static void
add_cut (GArray *cuts, int start, int end)
{
  Cut cut = { start, end };

  if (start >= 0 && end > start)
    g_array_append_val (cuts, cut);
}

/* A text too tangled for a pattern's limits is cut whole: better a gap than a leak. */
static void
find_cuts (const char *pattern, const char *text, GArray *cuts)
{
  g_autoptr (GRegex) regex = compile (pattern);
  g_autoptr (GMatchInfo) match = NULL;
  g_autoptr (GError) error = NULL;

  g_regex_match_full (regex, text, -1, 0, 0, &match, &error);
  while (error == NULL && g_match_info_matches (match))
    {
      int start = -1, end = -1;

      g_match_info_fetch_pos (match, 1, &start, &end);
      add_cut (cuts, start, end);
      g_match_info_next (match, &error);
    }

  if (error != NULL)
    add_cut (cuts, 0, strlen (text));
}

static int
compare_cuts (gconstpointer a, gconstpointer b)
{
  const Cut *left = a, *right = b;

  return left->start != right->start ? left->start - right->start : left->end - right->end;
}

static void
append_mark (GString *out, const char *text, gsize length)
{
  g_autofree char *digest =
      g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text, length);

  g_string_append_printf (out, "[redacted sha256:%s]", digest);
}

static char *
apply_cuts (const char *text, GArray *cuts)
{
  g_autoptr (GString) out = g_string_new (NULL);
  int at = 0;

  g_array_sort (cuts, compare_cuts);
  for (guint i = 0; i < cuts->len;)
    {
      Cut cut = g_array_index (cuts, Cut, i);

      for (i++; i < cuts->len && g_array_index (cuts, Cut, i).start <= cut.end; i++)
        cut.end = MAX (cut.end, g_array_index (cuts, Cut, i).end);

      g_string_append_len (out, text + at, cut.start - at);
      append_mark (out, text + cut.start, cut.end - cut.start);
      at = cut.end;
    }
  g_string_append (out, text + at);

  return g_utf8_make_valid (out->str, out->len);
}

static char *
redact (const char *text, GArray *cuts)
{
  for (gsize i = 0; i < G_N_ELEMENTS (text_patterns); i++)
    find_cuts (text_patterns[i], text, cuts);
  return apply_cuts (text, cuts);
}

/**
 * zu_redact_text:
 * @text: any text, need not be UTF-8
 *
 * Cuts out what looks like a secret: URLs' user information, bearer tokens and authorization
 * headers, values of what is named a password, token or key, tokens of known issuers, private keys.
 * Each cut leaves `[redacted sha256:` and the SHA-256 of the bytes that stood there in hexadecimal,
 * so that whoever has the secret can tell that it was this one. What cannot be judged is cut whole.
 *
 * Returns: (transfer full): the text without them, in UTF-8
 */
char *
zu_redact_text (const char *text)
{
  g_autoptr (GArray) cuts = g_array_new (FALSE, FALSE, sizeof (Cut));

  g_return_val_if_fail (text != NULL, NULL);

  return redact (text, cuts);
}

static gboolean
matches (const char *pattern, const char *text)
{
  g_autoptr (GRegex) regex = compile (pattern);

  return g_regex_match (regex, text, 0, NULL);
}

static char *
redact_argument (const char *argument, const char *before)
{
  g_autoptr (GArray) cuts = g_array_new (FALSE, FALSE, sizeof (Cut));

  if (before != NULL && matches (SECRET_OPTION, before) && !g_str_has_prefix (argument, "--"))
    add_cut (cuts, 0, strlen (argument));
  if (before != NULL && matches (USER_OPTION, before))
    find_cuts (USER_VALUE, argument, cuts);

  return redact (argument, cuts);
}

/* Programs that take a password with -p: beside it, or as what follows. */
static void
redact_short_password (const char *program, GStrv argv)
{
  g_autofree char *name = g_path_get_basename (program);
  gboolean is_sshpass = strcmp (name, "sshpass") == 0;

  if (!is_sshpass && !g_str_has_prefix (name, "mysql") && !g_str_has_prefix (name, "mariadb"))
    return;

  for (guint i = 1; argv[i - 1] != NULL && argv[i] != NULL; i++)
    {
      gboolean is_beside = g_str_has_prefix (argv[i], "-p") && argv[i][2] != '\0';
      gboolean follows = is_sshpass && strcmp (argv[i - 1], "-p") == 0;
      g_autoptr (GString) out = NULL;

      if (!is_beside && !follows)
        continue;

      out = g_string_new (is_beside ? "-p" : "");
      append_mark (out, argv[i] + out->len, strlen (argv[i]) - out->len);
      g_free (argv[i]);
      argv[i] = g_string_free (g_steal_pointer (&out), FALSE);
    }
}

/**
 * zu_redact_argv:
 * @argv: (array zero-terminated=1): a program and its arguments
 *
 * Does what [func@redact_text] does to each argument, and cuts the argument that follows an
 * option whose name says that it takes a secret.
 *
 * Returns: (transfer full): the arguments without secrets, in UTF-8, as many as there were
 */
GStrv
zu_redact_argv (const char *const *argv)
{
  g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) words = NULL;

  g_return_val_if_fail (argv != NULL, NULL);

  words = g_strdupv ((GStrv) argv);
  if (words[0] != NULL)
    redact_short_password (words[0], words);

  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (out, redact_argument (words[i], i > 0 ? argv[i - 1] : NULL));
  g_ptr_array_add (out, NULL);

  return (GStrv) g_ptr_array_free (g_steal_pointer (&out), FALSE);
}
