/* SPDX-License-Identifier: Apache-2.0 */

/* What the first process hears on the channels: everything but the requests that a supervisor in
 * front takes itself. */

#include "zu-guest.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

struct guest_channel guest_channels[GUEST_MAX_CHANNELS]; /* the first is the sandbox's life */

static struct guest_base base;
static uint32_t last_serial;
static int may_run;

int
guest_channels_init (int first)
{
  for (int i = 0; i < GUEST_MAX_CHANNELS; i++)
    guest_channels[i].fd = -1;
  guest_channels[0] = (struct guest_channel){ first, ++last_serial };
  base.self = open ("/proc/self/exe", O_PATH | O_CLOEXEC);
  return guest_crew_init (guest_channels, &base);
}

/* The first channel's end is the sandbox's end. As process 1 leaving is enough: the kernel kills
 * the rest. */
void
guest_leave (void)
{
  if (getpid () != 1)
    guest_tree_kill (NULL, 0);
  _exit (0);
}

/* Others may hold it open still; its peer is told all the same. */
static void
drop_channel (struct guest_channel *channel)
{
  if (channel == &guest_channels[0])
    guest_leave ();
  shutdown (channel->fd, SHUT_RDWR);
  close (channel->fd);
  channel->fd = -1;
  guest_crew_drop_channel (channel->serial);
  guest_crew_renew ();
}

static struct guest_channel *
find_channel (uint32_t serial)
{
  for (int i = 0; i < GUEST_MAX_CHANNELS; i++)
    if (guest_channels[i].fd >= 0 && guest_channels[i].serial == serial)
      return &guest_channels[i];
  return NULL;
}

/* A channel that is full of answers which nobody reads is shut; whoever is in front sees that. */
void
guest_channels_tell_lost (uint32_t serial, uint32_t id)
{
  const struct zu_wire_exited lost = { .exit_status = -1,
                                       .signal = SIGKILL,
                                       .flags = ZU_WIRE_EXITED_LOST };
  const struct guest_channel *channel = find_channel (serial);

  if (channel && !guest_send_exited (channel->fd, id, &lost, 0))
    shutdown (channel->fd, SHUT_RDWR);
}

/* Whether the next message there is that request. */
int
guest_channels_is_next (uint32_t serial, uint32_t id)
{
  const struct guest_channel *channel = find_channel (serial);
  struct zu_wire_header header;

  return channel && guest_peek (channel->fd, &header) && header.type == ZU_WIRE_EXEC
         && header.id == id;
}

static int
refuse (struct guest_channel *channel, uint32_t id, int error)
{
  const struct zu_wire_started started = { (uint32_t) error, ZU_WIRE_STAGE_REQUEST, 0 };

  return guest_send_started (channel->fd, id, &started, 0);
}

static int
add_channel (struct guest_message *message)
{
  if (message->n_fds != 1 || !zu_wire_reader_done (&message->body))
    return 0;
  for (int i = 1; i < GUEST_MAX_CHANNELS; i++)
    if (guest_channels[i].fd < 0)
      {
        guest_channels[i] = (struct guest_channel){ message->fds[0], ++last_serial };
        message->n_fds = 0;
        guest_crew_renew ();
        return 1;
      }
  return 1; /* none is free: closing it tells whoever holds the other end */
}

static int
pass_on (struct guest_channel *channel, struct guest_message *message)
{
  struct guest_command command = { .serial = channel->serial, .id = message->header.id };
  int good;

  if (message->header.type == ZU_WIRE_RESIZE)
    {
      command.kind = GUEST_COMMAND_RESIZE;
      good = zu_wire_get_resize (&message->body, &command.size);
    }
  else
    {
      command.kind = GUEST_COMMAND_SIGNAL;
      command.signal = zu_wire_get_u32 (&message->body);
      good = zu_wire_reader_done (&message->body) && command.signal >= 1 && command.signal <= 64;
    }
  if (good && !message->n_fds)
    guest_crew_command (&command);
  return good && !message->n_fds;
}

static int
open_listener (struct guest_channel *channel, struct guest_message *message)
{
  struct zu_wire_listening listening = { .port = zu_wire_get_u32 (&message->body) };
  int fd, sent;

  if (!zu_wire_reader_done (&message->body) || message->n_fds || listening.port > 65535
      || message->header.id == 0)
    return 0;
  fd = guest_listen (&listening.port);
  if (fd < 0)
    listening = (struct zu_wire_listening){ .error = (uint32_t) -fd };
  sent = guest_send_listening (channel->fd, message->header.id, &listening, fd);
  if (fd >= 0)
    close (fd);
  return sent;
}

static int
tell_status (struct guest_channel *channel, const struct guest_message *message)
{
  const struct zu_wire_status status = guest_crew_get_status ();

  return channel == &guest_channels[0] && zu_wire_reader_done (&message->body) && !message->n_fds
         && guest_send_status (channel->fd, &status);
}

static int
go (struct guest_channel *channel, struct guest_message *message)
{
  if (channel != &guest_channels[0] || may_run || !guest_read_go (message, &base))
    return 0;
  may_run = 1;
  return 1;
}

/* Whether the host spoke as agreed. */
static int
handle (struct guest_channel *channel, struct guest_message *message)
{
  switch (message->header.type)
    {
    case ZU_WIRE_GO:
      return go (channel, message);
    case ZU_WIRE_CHANNEL:
      return channel == &guest_channels[0] && add_channel (message);
    case ZU_WIRE_EXEC:
      return refuse (channel, message->header.id, may_run ? EAGAIN : EINVAL);
    case ZU_WIRE_KILL:
    case ZU_WIRE_RESIZE:
      return pass_on (channel, message);
    case ZU_WIRE_LISTEN:
      return may_run && open_listener (channel, message);
    case ZU_WIRE_QUERY:
      return tell_status (channel, message);
    default:
      return 0;
    }
}

static int
is_request (const struct guest_channel *channel)
{
  struct zu_wire_header header;

  return may_run && guest_peek (channel->fd, &header) && header.type == ZU_WIRE_EXEC;
}

/* Up to a request; those are refused only where nobody can take them. */
static void
serve (struct guest_channel *channel, int takes_requests)
{
  struct guest_message message;
  int got, good;

  while (channel->fd >= 0 && (takes_requests || !is_request (channel))
         && (got = guest_receive (channel->fd, &message)) >= 0)
    {
      good = got && handle (channel, &message);
      guest_message_close (&message);
      if (!good && channel->fd >= 0)
        drop_channel (channel);
    }
}

/* With the place in front: hears what there is, and gives the place away. */
void
guest_channels_serve (void)
{
  for (int i = 0; i < GUEST_MAX_CHANNELS; i++)
    if (guest_channels[i].fd >= 0)
      serve (&guest_channels[i], 0);
  if (!may_run || guest_crew_send_to_front ())
    return;
  for (int i = 0; i < GUEST_MAX_CHANNELS; i++)
    if (guest_channels[i].fd >= 0)
      serve (&guest_channels[i], 1);
}
