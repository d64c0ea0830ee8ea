/* SPDX-License-Identifier: Apache-2.0 */

/* Every sandbox has a folder named by its id, only for its owner, with its keeper's socket
 * ("control") and its label: what it is, and what is to be done if its keeper dies. The label is
 * locked for as long as the keeper lives, so no process id has to be trusted. */

#include "zu-state.h"
#include "zu-socket.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ID_PREFIX "zu-"
#define ID_DIGITS 16
#define MAX_LABEL (64 * 1024)
#define NEW_LABEL "label.new"

/* Nobody is that slow between making a folder and labelling it. */
#define YOUNG_S 60

void
zu_state_free (ZuState *self)
{
  g_free (self->id);
  g_free (self->path);
  zu_clear_fd (&self->fd);
  zu_clear_fd (&self->label);
  g_free (self);
}

static void
set_error (GError **error, const char *what, const char *path)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "cannot %s '%s': %s", what, path,
               g_strerror (errno));
}

/* In a folder that others may write, a name may be somebody else's: it must be a folder, ours, and
 * closed to everybody else. */
static gboolean
make_private (const char *path, GError **error)
{
  struct stat st;

  if (mkdir (path, 0700) != 0 && errno != EEXIST)
    {
      set_error (error, "make", path);
      return FALSE;
    }
  if (lstat (path, &st) == 0 && S_ISDIR (st.st_mode) && st.st_uid == geteuid ()
      && (st.st_mode & 077) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
               "'%s' is not a folder of this user's alone (chmod 700 it, or remove it)", path);
  return FALSE;
}

/* After su the variable still names somebody else's folder. */
static gboolean
is_own_folder (const char *path)
{
  struct stat st;

  return path && g_path_is_absolute (path) && stat (path, &st) == 0 && S_ISDIR (st.st_mode)
         && st.st_uid == geteuid ();
}

static char *
dup_base (void)
{
  const char *runtime = g_getenv ("XDG_RUNTIME_DIR");

  if (geteuid () == 0)
    return g_strdup ("/run/zu");
  if (is_own_folder (runtime))
    return g_build_filename (runtime, "zu", NULL);
  return g_strdup_printf ("/tmp/zu-%u", (guint) geteuid ());
}

/**
 * zu_state_dup_root: (skip)
 * @error: where an error goes
 *
 * Makes sure of the folder that this user's sandboxes are found in: `/run/zu/sandboxes` for root,
 * `$XDG_RUNTIME_DIR/zu/sandboxes` for everybody else, `/tmp/zu-UID/sandboxes` where that is not
 * theirs.
 *
 * Returns: (transfer full): its path
 */
char *
zu_state_dup_root (GError **error)
{
  g_autofree char *base = dup_base ();
  g_autofree char *root = g_build_filename (base, "sandboxes", NULL);

  if (!make_private (base, error) || !make_private (root, error))
    return NULL;
  return g_steal_pointer (&root);
}

gboolean
zu_state_is_id (const char *id)
{
  const char *digits = id + strlen (ID_PREFIX);

  return g_str_has_prefix (id, ID_PREFIX) && strlen (digits) == ID_DIGITS
         && strspn (digits, "0123456789abcdef") == ID_DIGITS;
}

static char *
make_id (void)
{
  guint64 number;

  while (getrandom (&number, sizeof number, 0) != sizeof number)
    ;
  return g_strdup_printf (ID_PREFIX "%016" G_GINT64_MODIFIER "x", number);
}

static ZuState *
state_new (const char *root, const char *id)
{
  ZuState *self = g_new0 (ZuState, 1);

  self->id = g_strdup (id);
  self->path = g_build_filename (root, id, NULL);
  self->fd = self->label = -1;
  return self;
}

/* With its label locked from the first moment on that there is one, and empty yet. */
ZuState *
zu_state_create (const char *root, GError **error)
{
  g_autofree char *id = make_id ();
  g_autoptr (ZuState) self = state_new (root, id);

  if (!make_private (root, error))
    return NULL;
  if (mkdir (self->path, 0700) != 0)
    {
      set_error (error, "make", self->path);
      return NULL;
    }
  self->fd = open (self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (self->fd >= 0)
    self->label = openat (self->fd, NEW_LABEL, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (self->label >= 0 && flock (self->label, LOCK_EX | LOCK_NB) == 0
      && renameat (self->fd, NEW_LABEL, self->fd, "label") == 0)
    return g_steal_pointer (&self);
  set_error (error, "label", self->path);
  zu_state_remove (self);
  return NULL;
}

gboolean
zu_state_write_label (ZuState *self, ZuJson *label, GError **error)
{
  g_autofree char *text = zu_json_to_string (label);
  gsize size = strlen (text);

  if (size <= MAX_LABEL && pwrite (self->label, text, size, 0) == (gssize) size)
    return TRUE;
  if (size > MAX_LABEL)
    errno = EFBIG;
  set_error (error, "label", self->path);
  return FALSE;
}

/* G_IO_ERROR_NOT_FOUND where there is no such sandbox. */
ZuState *
zu_state_open (const char *root, const char *id, GError **error)
{
  g_autoptr (ZuState) self = NULL;
  struct stat st;

  if (!zu_state_is_id (id))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no sandbox '%s'", id);
      return NULL;
    }
  self = state_new (root, id);
  self->fd = open (self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (self->fd < 0 && errno == ENOENT)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "there is no sandbox '%s'", id);
  else if (self->fd < 0 || fstat (self->fd, &st) != 0)
    set_error (error, "open", self->path);
  else if (st.st_uid != geteuid ())
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 "sandbox '%s' belongs to somebody else", id);
  else
    {
      self->label = openat (self->fd, "label", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
      return g_steal_pointer (&self);
    }
  return NULL;
}

ZuJson *
zu_state_read_label (ZuState *self, GError **error)
{
  g_autofree char *text = g_malloc (MAX_LABEL + 1);
  gssize n = pread (self->label, text, MAX_LABEL + 1, 0);

  if (n >= 0 && n <= MAX_LABEL)
    return zu_json_parse (text, n, error);
  if (n > MAX_LABEL)
    errno = EFBIG;
  set_error (error, "read the label of", self->path);
  return NULL;
}

/* Whether its keeper lives: nobody else holds the lock. One without a label is just being made. */
gboolean
zu_state_is_live (ZuState *self)
{
  struct stat st;

  if (self->label < 0)
    return fstat (self->fd, &st) == 0 && time (NULL) - st.st_mtime < YOUNG_S;
  if (flock (self->label, LOCK_SH | LOCK_NB) != 0)
    return TRUE;
  flock (self->label, LOCK_UN);
  return FALSE;
}

/* The folder with what we put there, and nothing else: a file that is not ours keeps it. */
void
zu_state_remove (ZuState *self)
{
  static const char *const files[] = { "control", "guest/socket", "hosts", "ca", "label" };

  if (self->fd >= 0)
    {
      for (guint i = 0; i < G_N_ELEMENTS (files); i++)
        unlinkat (self->fd, files[i], 0);
      unlinkat (self->fd, "guest", AT_REMOVEDIR);
    }
  rmdir (self->path);
}

/**
 * zu_state_list: (skip)
 * @root: the folder of sandboxes
 * @error: where an error goes
 *
 * Returns: (transfer full) (element-type ZuState): what is there, live or left behind
 */
GPtrArray *
zu_state_list (const char *root, GError **error)
{
  g_autoptr (GPtrArray) states = g_ptr_array_new_with_free_func ((GDestroyNotify) zu_state_free);
  g_autoptr (GError) failure = NULL;
  g_autoptr (GDir) dir = g_dir_open (root, 0, &failure);
  const char *name;

  if (g_error_matches (failure, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_steal_pointer (&states);
  if (!dir)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return NULL;
    }
  while ((name = g_dir_read_name (dir)))
    {
      ZuState *state = zu_state_is_id (name) ? zu_state_open (root, name, NULL) : NULL;

      if (state)
        g_ptr_array_add (states, state);
    }
  return g_steal_pointer (&states);
}
