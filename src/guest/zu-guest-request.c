/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* `count` strings as a vector that ends in NULL, with room for `spare` more. */
static char **
read_strings (struct zu_wire_reader *r, unsigned count, unsigned spare)
{
  char **strings = calloc ((size_t) count + spare + 1, sizeof *strings);

  for (unsigned i = 0; strings && i < count && !r->bad; i++)
    strings[i] = (char *) zu_wire_get_string (r);
  if (!r->bad)
    return strings;
  free (strings);
  return NULL;
}

/* The message lives in a buffer that is used again, so what is kept is copied first. */
int
guest_read_go (const struct guest_message *message, struct guest_base *base)
{
  size_t size = (size_t) (message->body.end - message->body.at);
  struct zu_wire_reader r;
  unsigned count;

  base->copy = malloc (size ? size : 1);
  if (!base->copy || message->n_fds)
    return 0;
  memcpy (base->copy, message->body.at, size);
  r = zu_wire_reader (base->copy, size);
  if (zu_wire_get_u32 (&r) != ZU_WIRE_VERSION
      || (base->n_limits = zu_wire_get_u32 (&r)) > ZU_WIRE_MAX_LIMITS)
    return 0;
  for (unsigned i = 0; i < base->n_limits; i++)
    {
      base->limits[i].resource = (int) zu_wire_get_u32 (&r);
      base->limits[i].limit.rlim_cur = base->limits[i].limit.rlim_max = zu_wire_get_u64 (&r);
    }
  if ((count = zu_wire_get_u32 (&r)) > ZU_WIRE_MAX_STRINGS)
    return 0;
  base->workdir = zu_wire_get_string (&r);
  base->environment = read_strings (&r, count, 0);
  base->n_environment = count;
  return base->environment && zu_wire_reader_done (&r);
}

/* Names are compared up to the sign; what the exec brings wins over the sandbox's own. */
static int
same_name (const char *a, const char *b)
{
  size_t length = strcspn (a, "=");

  return strncmp (a, b, length) == 0 && (b[length] == '=' || b[length] == '\0');
}

static void
add_base_environment (char **environment, unsigned count, const struct guest_base *base)
{
  unsigned n = count;

  for (unsigned i = 0; i < base->n_environment; i++)
    {
      unsigned k = 0;

      while (k < count && !same_name (base->environment[i], environment[k]))
        k++;
      if (k == count)
        environment[n++] = base->environment[i];
    }
}

/* Read once into memory of our own: whoever holds the descriptor might still write to it. */
static int
open_block (int fd, struct guest_request *request, struct zu_wire_reader *r)
{
  struct stat st;
  size_t size = 0;
  uint8_t *block;

  if (fstat (fd, &st) != 0 || !S_ISREG (st.st_mode) || st.st_size <= 0
      || st.st_size > (off_t) ZU_WIRE_BLOCK_MAX)
    return 0;
  block =
      mmap (NULL, (size_t) st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED)
    return 0;
  request->block = block;
  request->block_size = (size_t) st.st_size;
  while (size < (size_t) st.st_size)
    {
      ssize_t n = pread (fd, block + size, (size_t) st.st_size - size, (off_t) size);

      if (n <= 0)
        return 0;
      size += (size_t) n;
    }
  *r = zu_wire_reader (block, size);
  return 1;
}

static int
take_stdio (const struct guest_message *message, struct guest_request *request)
{
  unsigned flags = message->header.flags, n = 0;

  if (flags & ~ZU_WIRE_EXEC_FLAGS
      || message->n_fds != (unsigned) __builtin_popcount (flags & ZU_WIRE_EXEC_PASSED)
      || (flags & ZU_WIRE_EXEC_TTY && !(flags & ZU_WIRE_EXEC_STDIN)))
    return 0;
  for (unsigned i = 0; i < 3; i++)
    request->stdio[i] = flags & 1u << i ? message->fds[n++] : -1;
  return 1;
}

void
guest_request_free (struct guest_request *request)
{
  free (request->argv);
  free (request->environment);
  if (request->block)
    munmap (request->block, request->block_size);
}

static int
read_exec (const struct guest_message *message, const struct guest_base *base,
           struct guest_request *request)
{
  struct zu_wire_reader r = message->body;

  request->flags = message->header.flags;
  if (!take_stdio (message, request) || !zu_wire_get_exec (&r, &request->exec))
    return 0;
  if (message->header.flags & ZU_WIRE_EXEC_BLOCK
      && (!zu_wire_reader_done (&r) || !open_block (message->fds[message->n_fds - 1], request, &r)))
    return 0;
  request->workdir = zu_wire_get_string (&r);
  request->argv = read_strings (&r, request->exec.argc, 0);
  request->environment =
      request->argv ? read_strings (&r, request->exec.envc, base->n_environment) : NULL;
  if (!request->environment || !zu_wire_reader_done (&r))
    return 0;
  if (!*request->workdir)
    request->workdir = base->workdir;
  add_base_environment (request->environment, request->exec.envc, base);
  return 1;
}

/* What was read is to be freed where it could be. */
int
guest_read_exec (const struct guest_message *message, const struct guest_base *base,
                 struct guest_request *request)
{
  *request = (struct guest_request){ 0 };
  if (read_exec (message, base, request))
    return 1;
  guest_request_free (request);
  return 0;
}
