/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest-codec.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

/* The numbers of an EXEC, before its strings. */
#define EXEC_SIZE 28

G_DEFINE_QUARK (zu_guest_error_quark, zu_guest_error)

/* What a guest may say, checked to the last byte: a guest is as hostile as what runs beside it. */
gboolean
zu_guest_decode (gconstpointer data, gsize size, ZuGuestMessage *message, GError **error)
{
  struct zu_wire_reader r = zu_wire_reader (data, size);
  gboolean good = zu_wire_get_header (&r, &message->header) && message->header.flags == 0;

  switch (good ? message->header.type : 0)
    {
    case ZU_WIRE_HELLO:
      good = zu_wire_get_hello (&r, &message->hello) && message->header.id == 0;
      break;
    case ZU_WIRE_STARTED:
      good = zu_wire_get_started (&r, &message->started);
      break;
    case ZU_WIRE_EXITED:
      good = zu_wire_get_exited (&r, &message->exited);
      break;
    case ZU_WIRE_LISTENING:
      good = zu_wire_get_listening (&r, &message->listening);
      break;
    default:
      good = FALSE;
    }
  if (!good)
    g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL,
                 "guest sent a message of %" G_GSIZE_FORMAT " bytes that says nothing known", size);
  return good;
}

static void
put_strings (struct zu_wire_writer *w, const char *const *strings)
{
  for (; strings && *strings; strings++)
    zu_wire_put_string (w, *strings);
}

static guint
count_strings (const char *const *strings)
{
  return strings ? g_strv_length ((GStrv) strings) : 0;
}

static GBytes *
finish (struct zu_wire_writer *w, guint8 *owned, const char *what, GError **error)
{
  gsize size = zu_wire_end (w);

  if (size)
    return g_bytes_new_take (owned, size);
  g_free (owned);
  g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST, "%s is larger than %u bytes", what,
               ZU_WIRE_MAX);
  return NULL;
}

GBytes *
zu_guest_encode_go (const char *workdir, const char *const *environment, const ZuGuestLimit *limits,
                    guint n_limits, GError **error)
{
  guint8 *data = g_malloc (ZU_WIRE_MAX);
  struct zu_wire_writer w = zu_wire_begin (data, ZU_WIRE_MAX, ZU_WIRE_GO, 0, 0);

  g_return_val_if_fail (n_limits <= ZU_WIRE_MAX_LIMITS, NULL);

  zu_wire_put (&w, ZU_WIRE_VERSION, 4);
  zu_wire_put (&w, n_limits, 4);
  for (guint i = 0; i < n_limits; i++)
    {
      zu_wire_put (&w, limits[i].resource, 4);
      zu_wire_put (&w, limits[i].value, 8);
    }
  zu_wire_put (&w, count_strings (environment), 4);
  zu_wire_put_string (&w, workdir);
  put_strings (&w, environment);
  return finish (&w, data, "the sandbox's environment", error);
}

static void
put_exec_strings (struct zu_wire_writer *w, const ZuGuestExec *exec)
{
  zu_wire_put_string (w, exec->workdir ? exec->workdir : "");
  put_strings (w, exec->argv);
  put_strings (w, exec->environment);
}

static gsize
measure_strings (const ZuGuestExec *exec)
{
  gsize size = strlen (exec->workdir ? exec->workdir : "") + 1;

  for (guint i = 0; exec->argv[i]; i++)
    size += strlen (exec->argv[i]) + 1;
  for (guint i = 0; exec->environment && exec->environment[i]; i++)
    size += strlen (exec->environment[i]) + 1;
  return size;
}

static int
make_block (const ZuGuestExec *exec, gsize size, GError **error)
{
  g_autofree guint8 *data = NULL;
  struct zu_wire_writer w = { 0 };
  int fd;

  if (size > ZU_WIRE_BLOCK_MAX)
    {
      g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST,
                   "arguments and environment of '%s' are larger than %u bytes", exec->argv[0],
                   ZU_WIRE_BLOCK_MAX);
      return -1;
    }
  data = g_malloc (size);
  w = (struct zu_wire_writer){ data, 0, size, 0 };
  put_exec_strings (&w, exec);
  fd = memfd_create ("zu-exec", MFD_CLOEXEC);
  if (fd >= 0 && pwrite (fd, data, size, 0) == (gssize) size)
    return fd;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "cannot pass the arguments of '%s': %s", exec->argv[0], g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
check_exec (guint32 id, const ZuGuestExec *exec, GError **error)
{
  if (id && exec->argv && exec->argv[0] && count_strings (exec->argv) <= ZU_WIRE_MAX_STRINGS
      && count_strings (exec->environment) <= ZU_WIRE_MAX_STRINGS
      && exec->deadline_ms <= ZU_WIRE_MAX_DEADLINE && (exec->stdio[0] >= 0 || !exec->tty))
    return TRUE;
  g_set_error_literal (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_REQUEST,
                       "a process needs a program, not more arguments than the guest takes, and "
                       "its terminal as standard input");
  return FALSE;
}

static guint
exec_flags (const ZuGuestExec *exec, gboolean in_block)
{
  return (exec->stdio[0] >= 0 ? ZU_WIRE_EXEC_STDIN : 0)
         | (exec->stdio[1] >= 0 ? ZU_WIRE_EXEC_STDOUT : 0)
         | (exec->stdio[2] >= 0 ? ZU_WIRE_EXEC_STDERR : 0) | (in_block ? ZU_WIRE_EXEC_BLOCK : 0)
         | (exec->tty ? ZU_WIRE_EXEC_TTY : 0) | (exec->self ? ZU_WIRE_EXEC_SELF : 0);
}

/* Strings that do not fit in a message go into @block, a descriptor to be passed last; else -1. */
GBytes *
zu_guest_encode_exec (guint32 id, const ZuGuestExec *exec, int *block, GError **error)
{
  gsize size, capacity;
  gboolean in_block;
  struct zu_wire_writer w;
  guint8 *data;

  *block = -1;
  if (!check_exec (id, exec, error))
    return NULL;
  size = measure_strings (exec);
  capacity = ZU_WIRE_HEADER_SIZE + EXEC_SIZE + size;
  in_block = capacity > ZU_WIRE_MAX;
  if (in_block && (*block = make_block (exec, size, error)) < 0)
    return NULL;
  if (in_block)
    capacity -= size;
  data = g_malloc (capacity);
  w = zu_wire_begin (data, capacity, ZU_WIRE_EXEC, exec_flags (exec, in_block), id);
  zu_wire_put_exec (&w, &(struct zu_wire_exec){ exec->deadline_ms, exec->grace_ms,
                                                exec->as_user ? exec->uid : ZU_WIRE_ANYBODY,
                                                exec->as_user ? exec->gid : ZU_WIRE_ANYBODY,
                                                count_strings (exec->argv),
                                                count_strings (exec->environment) });
  if (!in_block)
    put_exec_strings (&w, exec);
  return finish (&w, data, "the request", error);
}

GBytes *
zu_guest_encode_kill (guint32 id, int signal)
{
  guint8 data[ZU_WIRE_HEADER_SIZE + 4];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_KILL, 0, id);

  zu_wire_put (&w, (guint32) signal, 4);
  return g_bytes_new (data, zu_wire_end (&w));
}

GBytes *
zu_guest_encode_resize (guint32 id, guint rows, guint columns)
{
  guint8 data[ZU_WIRE_HEADER_SIZE + 8];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_RESIZE, 0, id);

  zu_wire_put_resize (&w, &(struct zu_wire_resize){ rows, columns });
  return g_bytes_new (data, zu_wire_end (&w));
}

GBytes *
zu_guest_encode_listen (guint32 id, guint port)
{
  guint8 data[ZU_WIRE_HEADER_SIZE + 4];
  struct zu_wire_writer w = zu_wire_begin (data, sizeof data, ZU_WIRE_LISTEN, 0, id);

  zu_wire_put (&w, port, 4);
  return g_bytes_new (data, zu_wire_end (&w));
}

/* As a shell has it: a program that is not there, or one that cannot be executed. */
static ZuGuestError
program_error (guint error)
{
  return error == ENOENT || error == ENOTDIR ? ZU_GUEST_ERROR_NOT_FOUND
                                             : ZU_GUEST_ERROR_NOT_EXECUTABLE;
}

void
zu_guest_set_started_error (const struct zu_wire_started *started, const char *program,
                            GError **error)
{
  static const char *const stages[ZU_WIRE_STAGES] = {
    [ZU_WIRE_STAGE_NONE] = "",
    [ZU_WIRE_STAGE_REQUEST] = "the guest refused it",
    [ZU_WIRE_STAGE_PROCESS] = "no process could be made",
    [ZU_WIRE_STAGE_WORKDIR] = "its working directory cannot be entered",
    [ZU_WIRE_STAGE_LIMITS] = "its limits cannot be set",
    [ZU_WIRE_STAGE_TERMINAL] = "its terminal cannot be its controlling one",
    [ZU_WIRE_STAGE_USER] = "a sandbox's user is chosen at its launch",
  };

  if (started->stage == ZU_WIRE_STAGE_PROGRAM)
    g_set_error (error, ZU_GUEST_ERROR, program_error (started->error), "cannot run '%s': %s",
                 program, g_strerror ((int) started->error));
  else
    g_set_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_START, "cannot run '%s': %s: %s", program,
                 stages[started->stage], g_strerror ((int) started->error));
}
