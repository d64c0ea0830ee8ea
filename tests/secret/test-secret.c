/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static ZuSecret *
secret_from_text (const char *text)
{
  g_autofree char *copy = g_strdup (text);
  g_autoptr (GError) error = NULL;
  ZuSecret *secret = zu_secret_new_wiping (copy, strlen (text), &error);

  g_assert_no_error (error);
  for (gsize i = 0; i < strlen (text); i++)
    g_assert_cmpint (copy[i], ==, '\0');
  return secret;
}

static int
pipe_with (const char *bytes, gsize size)
{
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  g_assert_cmpint (fcntl (ends[1], F_SETPIPE_SZ, 1 << 20), >, 0);
  g_assert_cmpint (write (ends[1], bytes, size), ==, (gssize) size);
  close (ends[1]);
  return ends[0];
}

static void
assert_bytes (ZuSecret *secret, const char *bytes, gsize size)
{
  gsize got;
  gconstpointer data = zu_secret_peek (secret, &got);

  g_assert_cmpmem (data, got, bytes, size);
  g_assert_cmpuint (zu_secret_get_size (secret), ==, size);
}

/* RFC 4231, cases 1, 2, 6 and 7: short keys and one longer than a block. */
static void
test_hmac_rfc (void)
{
  g_autofree char *long_key = g_strnfill (131, '\xaa');
  g_autofree char *short_key = g_strnfill (20, '\x0b');
  const struct
  {
    const char *key;
    const char *message;
    const char *digest;
  } cases[] = {
    { short_key, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
    { "Jefe", "what do ya want for nothing?",
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
    { long_key, "Test Using Larger Than Block-Size Key - Hash Key First",
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
    { long_key,
      "This is a test using a larger than block-size key and a larger than block-size data. The "
      "key "
      "needs to be hashed before being used by the HMAC algorithm.",
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (ZuSecret) key = secret_from_text (cases[i].key);
      g_autofree char *hex = zu_secret_dup_hmac_hex (key, cases[i].message);

      g_assert_cmpstr (hex, ==, cases[i].digest);
    }
}

static void
test_hmac_secret (void)
{
  g_autoptr (ZuSecret) key = secret_from_text ("a key");
  g_autoptr (ZuSecret) head = secret_from_text ("the secret");
  g_autoptr (ZuSecret) empty = secret_from_text ("");
  guint8 parts[32];
  guint8 whole[32];

  zu_secret_hmac_secret (key, head, ":nonce", 6, parts);
  zu_secret_hmac (key, "the secret:nonce", 16, whole);
  g_assert_cmpmem (parts, 32, whole, 32);

  zu_secret_hmac_secret (key, empty, ":nonce", 6, parts);
  zu_secret_hmac (key, ":nonce", 6, whole);
  g_assert_cmpmem (parts, 32, whole, 32);

  /* A secret may be its own key. */
  zu_secret_hmac_secret (key, key, NULL, 0, parts);
  zu_secret_hmac (key, "a key", 5, whole);
  g_assert_cmpmem (parts, 32, whole, 32);
}

static gpointer
hash_often (gpointer data)
{
  for (int i = 0; i < 500; i++)
    {
      g_autofree char *hex = zu_secret_dup_hmac_hex (data, "message");

      g_assert_cmpstr (hex, ==, "6e9ef29b75fffc5b7abae527d58fdadb2fe42e7219011976917343065f58ed4a");
    }
  return NULL;
}

static void
test_hmac_threads (void)
{
  g_autoptr (ZuSecret) key = secret_from_text ("key");
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("hash", hash_often, key);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

static void
test_from_pipe (void)
{
  const gsize sizes[] = { 1, 32, 3000, 4096, 8192, ZU_SECRET_MAX_SIZE };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuSecret) secret = NULL;
      g_autofree char *bytes = g_malloc (sizes[i]);
      int fd;

      for (gsize at = 0; at < sizes[i]; at++)
        bytes[at] = (char) (at * 7);
      fd = pipe_with (bytes, sizes[i]);
      secret = zu_secret_new_from_fd (fd, &error);
      g_assert_no_error (error);
      assert_bytes (secret, bytes, sizes[i]);
      close (fd);
    }
}

static void
test_refused_sources (void)
{
  g_autofree char *bytes = g_malloc0 (ZU_SECRET_MAX_SIZE + 1);
  g_autoptr (GError) error = NULL;
  int fd = pipe_with (bytes, ZU_SECRET_MAX_SIZE + 1);

  g_assert_null (zu_secret_new_from_fd (fd, &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_TOO_LARGE);
  g_clear_error (&error);
  close (fd);

  g_assert_null (zu_secret_new_wiping (bytes, ZU_SECRET_MAX_SIZE + 1, &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_TOO_LARGE);
  g_clear_error (&error);

  fd = pipe_with ("", 0);
  g_assert_null (zu_secret_new_from_fd (fd, &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
  g_clear_error (&error);
  close (fd);

  g_assert_null (zu_secret_new_from_fd (-1, &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
  g_clear_error (&error);

  g_assert_null (zu_secret_new_from_file ("/nonexistent/key", &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
  g_assert_nonnull (strstr (error->message, "/nonexistent/key"));
}

static void
test_from_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) secret = NULL;
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("zu-secret-XXXXXX", &path, &error);

  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_set_contents (path, "as it is\n\0x", 11, &error));
  secret = zu_secret_new_from_file (path, &error);
  g_assert_no_error (error);
  assert_bytes (secret, "as it is\n\0x", 11);
  g_unlink (path);
}

static void
test_memfd (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) secret = secret_from_text ("to be handed over");
  g_autoptr (ZuSecret) again = NULL;
  int fd = zu_secret_dup_memfd (secret, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS), ==,
                   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, !=, 0);

  /* Read wherever its shared position stands. */
  again = zu_secret_new_from_fd (fd, &error);
  g_assert_no_error (error);
  assert_bytes (again, "to be handed over", 17);
  close (fd);
}

static void
test_random (void)
{
  g_autoptr (ZuSecret) a = zu_secret_new_random (32, NULL);
  g_autoptr (ZuSecret) b = zu_secret_new_random (32, NULL);

  g_assert_cmpuint (zu_secret_get_size (a), ==, 32);
  g_assert_cmpint (memcmp (zu_secret_peek (a, NULL), zu_secret_peek (b, NULL), 32), !=, 0);
}

static GLogWriterOutput
note_warning (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  if (level & G_LOG_LEVEL_WARNING)
    {
      g_autofree char *text = g_log_writer_format_fields (level, fields, n, FALSE);

      g_string_append (data, text);
    }
  return G_LOG_WRITER_HANDLED;
}

static void
from_environment_in_child (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) warned = g_string_new (NULL);
  g_autoptr (ZuSecret) secret = NULL;

  g_log_set_writer_func (note_warning, warned, NULL);
  g_assert_null (zu_secret_new_from_environment ("ZU_TEST_NO_SECRET", &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
  g_clear_error (&error);

  g_setenv ("ZU_TEST_SECRET", "canary-in-environment", TRUE);
  secret = zu_secret_new_from_environment ("ZU_TEST_SECRET", &error);
  g_assert_no_error (error);
  assert_bytes (secret, "canary-in-environment", 21);
  g_assert_nonnull (strstr (warned->str, "ZU_TEST_SECRET"));
  g_assert_null (strstr (warned->str, "canary-in"));
}

static void
test_from_environment (void)
{
  if (g_test_subprocess ())
    {
      from_environment_in_child ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

static void
test_lock_refused (void)
{
  const struct rlimit none = { 0, 0 };
  g_autoptr (GError) error = NULL;

  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  g_assert_cmpint (setrlimit (RLIMIT_MEMLOCK, &none), ==, 0);
  if (geteuid () == 0)
    g_assert_cmpint (setresuid (65534, 65534, 65534), ==, 0);
  g_assert_null (zu_secret_new_random (32, &error));
  g_assert_error (error, ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNPROTECTED);
}

/* The forked child sees no secret, and is ended when it tries to use one. */
static void
test_fork (void)
{
  g_autoptr (ZuSecret) secret = secret_from_text ("not for children");
  const char *bytes = zu_secret_peek (secret, NULL);
  const struct rlimit no_core = { 0, 0 };
  int status;
  pid_t child = fork ();

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      if (bytes[0] != '\0')
        _exit (1);
      setrlimit (RLIMIT_CORE, &no_core);
      close (STDOUT_FILENO);
      close (STDERR_FILENO);
      zu_secret_peek (secret, NULL);
      _exit (2);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFSIGNALED (status));
  assert_bytes (secret, "not for children", 16);
}

/* The flags of the mapping that holds an address, as the kernel prints them. */
static char *
flags_of (gconstpointer address)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean inside = FALSE;

  g_assert_true (g_file_get_contents ("/proc/self/smaps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", -1);
  for (gsize i = 0; lines[i] != NULL; i++)
    {
      gulong start, end;

      if (sscanf (lines[i], "%lx-%lx ", &start, &end) == 2)
        inside = (gulong) address >= start && (gulong) address < end;
      else if (inside && g_str_has_prefix (lines[i], "VmFlags:"))
        return g_strconcat (lines[i] + 8, " ", NULL);
    }
  return NULL;
}

static void
test_protection (void)
{
  g_autoptr (ZuSecret) secret = secret_from_text ("guarded");
  g_autofree char *flags = flags_of (zu_secret_peek (secret, NULL));

  g_assert_nonnull (flags);
  g_assert_nonnull (strstr (flags, " lo ")); /* locked */
  g_assert_nonnull (strstr (flags, " dd ")); /* not dumped */
  g_assert_nonnull (strstr (flags, " wf ")); /* wiped on fork */
}

#define SCAN_CHUNK (1 << 20)
#define PATTERN    16

/* How often a pattern is in this process's own memory, outside of the buffers of this search. */
static guint
count_in_memory (const guint8 *pattern, const guint8 *skip)
{
  guint8 *buffer =
      mmap (NULL, SCAN_CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FILE *maps = fopen ("/proc/self/maps", "re");
  int memory = open ("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  char line[512];
  guint hits = 0;

  g_assert_true (maps != NULL && memory >= 0 && buffer != MAP_FAILED);
  while (fgets (line, sizeof line, maps) != NULL)
    {
      gulong start, end;

      g_assert_cmpint (sscanf (line, "%lx-%lx", &start, &end), ==, 2);
      for (gulong at = start; at < end && end - start < (1UL << 31); at += SCAN_CHUNK - PATTERN)
        {
          gssize n = pread (memory, buffer, MIN (SCAN_CHUNK, end - at), (off_t) at);

          const guint8 *hit = buffer;

          while (n > 0
                 && (hit = memmem (hit, (gsize) (buffer + n - hit), pattern, PATTERN)) != NULL)
            {
              gulong address = at + (gulong) (hit - buffer);

              if ((address < (gulong) buffer || address >= (gulong) buffer + SCAN_CHUNK)
                  && address != (gulong) pattern && address != (gulong) skip)
                hits++;
              hit++;
            }
        }
    }
  fclose (maps);
  close (memory);
  munmap (buffer, SCAN_CHUNK);
  return hits;
}

static void
fill_pattern (guint8 *pattern, const guint8 *secret, guint8 mask, gboolean swapped)
{
  for (gsize i = 0; i < PATTERN; i++)
    pattern[i] = secret[swapped ? (i ^ 3) : i] ^ mask;
}

/* After hashing, neither the secret nor what a hash makes of it (padded key, swapped words) is
 * anywhere but in its own pages. */
static void
test_no_copies (void)
{
  g_autoptr (ZuSecret) key = zu_secret_new_random (32, NULL);
  g_autoptr (ZuSecret) head = zu_secret_new_random (40, NULL);
  const guint8 *key_bytes = zu_secret_peek (key, NULL);
  const guint8 *head_bytes = zu_secret_peek (head, NULL);
  const guint8 *sources[] = { key_bytes, key_bytes + 16, head_bytes, head_bytes + 16,
                              head_bytes + 24 };
  const guint8 masks[] = { 0, 0x36, 0x5c };
  guint8 *pattern = g_malloc (PATTERN);
  guint8 *copy = g_malloc (PATTERN);
  guint8 digest[32];

  for (int i = 0; i < 10; i++)
    zu_secret_hmac_secret (key, head, ":nonce", 6, digest);

  for (gsize s = 0; s < G_N_ELEMENTS (sources); s++)
    for (gsize m = 0; m < G_N_ELEMENTS (masks); m++)
      for (int swapped = 0; swapped < 2; swapped++)
        {
          fill_pattern (pattern, sources[s], masks[m], swapped);
          g_assert_cmpuint (count_in_memory (pattern, sources[s]), ==, 0);
        }

  /* The search does find what is there. */
  memcpy (copy, pattern, PATTERN);
  g_assert_cmpuint (count_in_memory (pattern, NULL), >, 0);
  g_free (copy);
  g_free (pattern);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/secret/hmac/rfc4231", test_hmac_rfc);
  g_test_add_func ("/secret/hmac/secret", test_hmac_secret);
  g_test_add_func ("/secret/hmac/threads", test_hmac_threads);
  g_test_add_func ("/secret/from-pipe", test_from_pipe);
  g_test_add_func ("/secret/refused-sources", test_refused_sources);
  g_test_add_func ("/secret/from-file", test_from_file);
  g_test_add_func ("/secret/memfd", test_memfd);
  g_test_add_func ("/secret/random", test_random);
  g_test_add_func ("/secret/from-environment", test_from_environment);
  g_test_add_func ("/secret/lock-refused", test_lock_refused);
  g_test_add_func ("/secret/fork", test_fork);
  g_test_add_func ("/secret/protection", test_protection);
  g_test_add_func ("/secret/no-copies", test_no_copies);
  return g_test_run ();
}
