/* SPDX-License-Identifier: Apache-2.0 */

#include "codec-support.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define KEY_A "4172d070f4cb77a0fb23aac331e572bfbb155048621f3a4eb8dcbf4f250df279"
#define KEY_B "520fb3f1cca61428d43a99b3b87929f31a82c469dddfc16329aa227ff18fd4e9"

typedef struct
{
  char *folder;
  ZuKeyProvider *keys;
} KeysFixture;

static void
put (KeysFixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);
  g_autofree char *fresh = g_strconcat (path, ".new", NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (fresh, text, -1, G_FILE_SET_CONTENTS_NONE, 0400, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_rename (fresh, path), ==, 0);
}

static char *
path_of (KeysFixture *fixture, const char *name)
{
  return g_build_filename (fixture->folder, name, NULL);
}

static ZuKeyProvider *
credentials_new (const char *folder, GError **error)
{
  return g_initable_new (plugin_type ("zu.key_providers", "credentials"), NULL, error, "directory",
                         folder, NULL);
}

static void
keys_set_up (KeysFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->folder = g_dir_make_tmp ("zu-keys-XXXXXX", NULL);
  fixture->keys = credentials_new (fixture->folder, &error);
  g_assert_no_error (error);
}

static void
keys_tear_down (KeysFixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) folder = g_dir_open (fixture->folder, 0, NULL);

  for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
    {
      g_autofree char *path = path_of (fixture, name);

      g_remove (path);
    }
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_clear_object (&fixture->keys);
}

static void
assert_key (ZuKeyProvider *keys, const char *id, const char *hex)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) key = zu_key_provider_get_key (keys, id, NULL, &error);
  const guint8 *bytes;
  gsize size;

  g_assert_no_error (error);
  bytes = zu_secret_peek (key, &size);
  g_assert_cmpuint (size, ==, 32);
  for (gsize i = 0; i < size; i++)
    g_assert_cmpuint (bytes[i], ==,
                      g_ascii_xdigit_value (hex[2 * i]) << 4
                          | g_ascii_xdigit_value (hex[2 * i + 1]));
}

static void
assert_no_key (ZuKeyProvider *keys, const char *id, GQuark domain, int code)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) key = zu_key_provider_get_key (keys, id, NULL, &error);

  g_assert_null (key);
  g_assert_error (error, domain, code);
  g_test_message ("%s", error->message);
}

static void
assert_current (ZuKeyProvider *keys, const char *id)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *current = zu_key_provider_get_current_key_id (keys, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (current, ==, id);
}

static void
test_read (KeysFixture *fixture, gconstpointer data)
{
  put (fixture, "zu-event-key-default", KEY_A);
  put (fixture, "zu-event-key-2024.q1_x@y+z-1", "Ug+z8cymFCjUOpmzuHkp8xqCxGnd38FjKaoif/GP1Ok=\n");
  assert_current (fixture->keys, "default");
  assert_key (fixture->keys, "default", KEY_A);
  assert_key (fixture->keys, "2024.q1_x@y+z-1", KEY_B);
}

static void
test_rotate (KeysFixture *fixture, gconstpointer data)
{
  put (fixture, "zu-event-key-a", KEY_A);
  put (fixture, "zu-event-key-id", "a\n");
  assert_current (fixture->keys, "a");
  put (fixture, "zu-event-key-b", KEY_B);
  put (fixture, "zu-event-key-id", " b ");
  assert_current (fixture->keys, "b");
  assert_key (fixture->keys, "a", KEY_A);
  assert_key (fixture->keys, "b", KEY_B);
}

static void
test_bad_ids (KeysFixture *fixture, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (242, 'k');
  g_autofree char *too_long = g_strnfill (243, 'k');
  g_autofree char *longest_name = g_strconcat ("zu-event-key-", longest, NULL);
  const char *bad[] = { "",    "id",  "/",       "../x", "a/../zu-event-key-a",
                        "a b", "a\n", "\x1b[2J", "clé",  too_long };

  put (fixture, "zu-event-key-a", KEY_A);
  put (fixture, "zu-event-key- ", KEY_A);
  put (fixture, "x", KEY_A);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_no_key (fixture->keys, bad[i], ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);
  assert_no_key (fixture->keys, longest, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      if (*bad[i] == '\0' || g_str_equal (bad[i], "a\n"))
        continue;
      put (fixture, "zu-event-key-id", bad[i]);
      g_assert_null (zu_key_provider_get_current_key_id (fixture->keys, NULL, &error));
      g_assert_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);
    }
}

static void
test_bad_keys (KeysFixture *fixture, gconstpointer data)
{
  const char *bad[] = { "not a key",
                        KEY_A "0",
                        KEY_A KEY_A,
                        "QXLQcPTLd6D7I6rDMeVyvw==",
                        "Ug+z8cymFCjUOpmzuHkp8xqCxGnd38FjKaoif/GP1Ok-",
                        "Ug*z8cymFCjUOpmzuHkp8xqCxGnd38FjKaoif/GP1Ok=",
                        "g20fb3f1cca61428d43a99b3b87929f31a82c469dddfc16329aa227ff18fd4e9" };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      put (fixture, "zu-event-key-a", bad[i]);
      assert_no_key (fixture->keys, "a", ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_BAD_KEY);
    }
  put (fixture, "zu-event-key-a", "");
  assert_no_key (fixture->keys, "a", ZU_SECRET_ERROR, ZU_SECRET_ERROR_UNAVAILABLE);
}

static void
test_modes (KeysFixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, "zu-event-key-a");
  const guint bad[] = { 0440, 0404, 0420, 0402, 0401, 0410, 0666 };

  put (fixture, "zu-event-key-a", KEY_A);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_cmpint (g_chmod (path, (int) bad[i]), ==, 0);
      assert_no_key (fixture->keys, "a", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
    }
  g_assert_cmpint (g_chmod (path, 0600), ==, 0);
  assert_key (fixture->keys, "a", KEY_A);

  g_assert_cmpint (g_chmod (fixture->folder, 0777), ==, 0);
  assert_no_key (fixture->keys, "a", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpint (g_chmod (fixture->folder, 0700), ==, 0);
}

static void
test_kinds (KeysFixture *fixture, gconstpointer data)
{
  g_autofree char *real = path_of (fixture, "zu-event-key-a");
  g_autofree char *link = path_of (fixture, "zu-event-key-link");
  g_autofree char *pipe = path_of (fixture, "zu-event-key-pipe");
  g_autofree char *folder = path_of (fixture, "zu-event-key-folder");

  put (fixture, "zu-event-key-a", KEY_A);
  g_assert_cmpint (symlink (real, link), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  assert_no_key (fixture->keys, "link", G_IO_ERROR, G_IO_ERROR_TOO_MANY_LINKS);
  assert_no_key (fixture->keys, "pipe", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  assert_no_key (fixture->keys, "folder", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

/* An ACL as the kernel keeps it: owner, one user, group, mask, others. */
static gboolean
set_acl (const char *path, guint32 user, guint group_perm)
{
  const struct
  {
    guint32 version;
    struct
    {
      guint16 tag, perm;
      guint32 id;
    } entries[5];
  } acl = { 2,
            { { 0x01, 4, G_MAXUINT32 },
              { 0x02, 4, user },
              { 0x04, (guint16) group_perm, G_MAXUINT32 },
              { 0x10, 4, G_MAXUINT32 },
              { 0x20, 0, G_MAXUINT32 } } };

  return setxattr (path, "system.posix_acl_access", &acl, sizeof acl, 0) == 0;
}

/* As systemd hands a credential to a service's user where the file system can. */
static void
test_acl (KeysFixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, "zu-event-key-a");

  put (fixture, "zu-event-key-a", KEY_A);
  if (!set_acl (path, geteuid (), 0))
    {
      g_test_skip ("this file system has no ACLs");
      return;
    }
  assert_key (fixture->keys, "a", KEY_A);
  g_assert_true (set_acl (path, geteuid () + 1, 0));
  assert_no_key (fixture->keys, "a", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_true (set_acl (path, geteuid (), 4));
  assert_no_key (fixture->keys, "a", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

static void
test_owner (KeysFixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, "zu-event-key-a");

  if (geteuid () != 0)
    {
      g_test_skip ("only root gives files away");
      return;
    }
  put (fixture, "zu-event-key-a", KEY_A);
  g_assert_cmpint (chown (path, 12345, 12345), ==, 0);
  assert_no_key (fixture->keys, "a", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpint (chown (path, 0, 0), ==, 0);
  assert_key (fixture->keys, "a", KEY_A);

  g_assert_cmpint (chown (fixture->folder, 12345, 12345), ==, 0);
  assert_no_key (fixture->keys, "a", G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
}

static void
test_folder (KeysFixture *fixture, gconstpointer data)
{
  g_autofree char *missing = path_of (fixture, "missing");
  g_autoptr (ZuKeyProvider) from_environment = NULL;
  g_autoptr (GError) error = NULL;

  put (fixture, "zu-event-key-a", KEY_A);
  g_assert_null (credentials_new (missing, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  g_unsetenv ("CREDENTIALS_DIRECTORY");
  g_assert_null (credentials_new (NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  g_setenv ("CREDENTIALS_DIRECTORY", fixture->folder, TRUE);
  from_environment = credentials_new (NULL, &error);
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  g_assert_no_error (error);
  assert_key (from_environment, "a", KEY_A);
}

/* A codec over the folder, whose current key changes between two rows. */
static void
test_managed (KeysFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuPayloadCodec) managed = NULL;
  g_autoptr (GBytes) before = NULL, after = NULL;

  if (zu_registry_lookup (zu_registry_get_default (), "zu.codecs", NULL, "managed-aes-gcm", NULL)
      == G_TYPE_INVALID)
    {
      g_test_skip ("built without GnuTLS");
      return;
    }
  managed = g_initable_new (plugin_type ("zu.codecs", "managed-aes-gcm"), NULL, &error,
                            "key-provider", fixture->keys, "refresh-interval", 0, NULL);
  g_assert_no_error (error);
  put (fixture, "zu-event-key-a", KEY_A);
  put (fixture, "zu-event-key-id", "a");
  before = encode (managed, "before", "row");
  put (fixture, "zu-event-key-b", KEY_B);
  put (fixture, "zu-event-key-id", "b");
  after = encode (managed, "after", "row");
  g_assert_cmpint (((const char *) g_bytes_get_data (after, NULL))[1], ==, 'b');
  assert_decodes (managed, before, "row", "before");
  assert_decodes (managed, after, "row", "after");
}

static void
test_env_ids (void)
{
  g_autoptr (ZuKeyProvider) keys = g_object_new (plugin_type ("zu.key_providers", "env"), NULL);
  g_autoptr (GError) error = NULL;

  /* The text after the sign is another variable's value, not a key of that id. */
  g_setenv ("ZU_EVENT_KEY_a", "b=" KEY_A, TRUE);
  assert_no_key (keys, "a=b", ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);
  g_setenv ("ZU_EVENT_KEY_ID", KEY_A, TRUE);
  assert_no_key (keys, "ID", ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);
  assert_no_key (keys, "", ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);

  g_setenv ("ZU_EVENT_KEY_ID", "", TRUE);
  g_assert_null (zu_key_provider_get_current_key_id (keys, NULL, &error));
  g_assert_error (error, ZU_KEY_PROVIDER_ERROR, ZU_KEY_PROVIDER_ERROR_NO_KEY);
  g_unsetenv ("ZU_EVENT_KEY_ID");
  g_unsetenv ("ZU_EVENT_KEY_a");
}

static void
add (const char *name, void (*func) (KeysFixture *, gconstpointer))
{
  g_autofree char *path = g_strconcat ("/codec/keys/credentials/", name, NULL);

  g_test_add (path, KeysFixture, NULL, keys_set_up, func, keys_tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add ("read", test_read);
  add ("rotate", test_rotate);
  add ("bad-ids", test_bad_ids);
  add ("bad-keys", test_bad_keys);
  add ("modes", test_modes);
  add ("kinds", test_kinds);
  add ("acl", test_acl);
  add ("owner", test_owner);
  add ("folder", test_folder);
  add ("managed", test_managed);
  g_test_add_func ("/codec/keys/env/ids", test_env_ids);

  return g_test_run ();
}
