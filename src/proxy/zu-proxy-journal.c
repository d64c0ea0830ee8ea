/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-journal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FULL (1024 * 1024) /* bytes that wait; nothing new is accepted past them */

struct _ZuProxyJournal
{
  int fd;
  gboolean is_packets;
  GString *waiting; /* whole lines */
  guint64 last_id;
  guint64 committed_id;
};

static ZuProxyJournal *
journal_new (int fd, gboolean is_packets)
{
  ZuProxyJournal *self = g_new0 (ZuProxyJournal, 1);

  self->fd = fd;
  self->is_packets = is_packets;
  self->waiting = g_string_new (NULL);
  return self;
}

/* A line is committed when the kernel has it. */
ZuProxyJournal *
zu_proxy_journal_new_lines (int fd)
{
  return journal_new (fd, FALSE);
}

/* FD is a SOCK_SEQPACKET socket: a record goes in one packet, with an id; back come eight bytes,
 * little-endian, the id up to which all are committed. */
ZuProxyJournal *
zu_proxy_journal_new_packets (int fd)
{
  return journal_new (fd, TRUE);
}

/* The descriptor stays its owner's. */
void
zu_proxy_journal_free (ZuProxyJournal *self)
{
  g_string_free (self->waiting, TRUE);
  g_free (self);
}

/* Returns what to ask is_committed for. */
guint64
zu_proxy_journal_add (ZuProxyJournal *self, const ZuProxyRecord *record)
{
  self->last_id++;
  zu_proxy_record_write (record, self->is_packets ? self->last_id : 0, self->waiting);
  return self->last_id;
}

static gboolean
fail (GError **error, int number)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
               "cannot tell what was decided: %s", g_strerror (number));
  return FALSE;
}

static gboolean
write_lines (ZuProxyJournal *self, GError **error)
{
  while (self->waiting->len > 0)
    {
      gssize n = write (self->fd, self->waiting->str, self->waiting->len);
      struct pollfd fd = { self->fd, POLLOUT, 0 };

      if (n > 0)
        g_string_erase (self->waiting, 0, n);
      else if (n < 0 && errno == EAGAIN)
        poll (&fd, 1, -1);
      else if (n < 0 && errno != EINTR)
        return fail (error, errno);
    }
  self->committed_id = self->last_id;
  return TRUE;
}

static gboolean
send_packets (ZuProxyJournal *self, GError **error)
{
  gsize sent = 0;
  int number = 0;

  while (sent < self->waiting->len && number == 0)
    {
      const char *line = self->waiting->str + sent;
      gsize length = (gsize) ((const char *) memchr (line, '\n', self->waiting->len - sent) - line);

      if (send (self->fd, line, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        sent += length + 1;
      else if (errno != EINTR)
        number = errno;
    }
  g_string_erase (self->waiting, 0, (gssize) sent);
  return number == 0 || number == EAGAIN || fail (error, number);
}

/* Passes on what was added. Whoever reads packets slowly is waited for later; whoever reads lines
 * slowly, now. */
gboolean
zu_proxy_journal_flush (ZuProxyJournal *self, GError **error)
{
  if (self->waiting->len == 0)
    return TRUE;
  return self->is_packets ? send_packets (self, error) : write_lines (self, error);
}

/* Reads what was committed. *HAS_ENDED says that the other side wants no more. */
gboolean
zu_proxy_journal_receive (ZuProxyJournal *self, gboolean *has_ended, GError **error)
{
  guint8 data[9];
  gssize n;

  while ((n = recv (self->fd, data, sizeof data, MSG_DONTWAIT)) == 8)
    {
      guint64 id;

      memcpy (&id, data, sizeof id);
      id = GUINT64_FROM_LE (id);
      if (id < self->committed_id || id > self->last_id)
        return fail (error, EPROTO);
      self->committed_id = id;
    }
  *has_ended = n == 0;
  return n == 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) || fail (error, EPROTO);
}

gboolean
zu_proxy_journal_is_committed (ZuProxyJournal *self, guint64 id)
{
  return id <= self->committed_id;
}

gboolean
zu_proxy_journal_is_full (ZuProxyJournal *self)
{
  return self->waiting->len > FULL;
}

gboolean
zu_proxy_journal_is_flushed (ZuProxyJournal *self)
{
  return self->waiting->len == 0;
}
