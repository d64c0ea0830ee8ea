/* SPDX-License-Identifier: Apache-2.0 */

/* How long a sandbox lives: at most so long, and no longer than so long without an exec. The guest
 * knows of execs, so it is asked; if it does not answer it is as good as gone. */

#include "zu-keeper.h"
#include <time.h>
#include <unistd.h>

/* For the guest's answer, which it gives at once. */
#define ANSWER_MS 10000

static uint64_t
now_ms (void)
{
  struct timespec t;

  clock_gettime (CLOCK_BOOTTIME, &t);
  return (uint64_t) t.tv_sec * 1000u + (uint64_t) t.tv_nsec / 1000000u;
}

void
keeper_time_start (struct keeper *keeper)
{
  const struct zu_keeper_launch *head = &keeper->launch.head;

  keeper->end = head->lifetime_ms ? now_ms () + head->lifetime_ms : 0;
  keeper->ask_at = head->idle_ms ? now_ms () + head->idle_ms : 0;
}

void
keeper_time_extend (struct keeper *keeper, uint64_t lifetime_ms)
{
  keeper->end = now_ms () + lifetime_ms;
}

static uint64_t
next_moment (const struct keeper *keeper)
{
  if (keeper->end && keeper->ask_at)
    return keeper->end < keeper->ask_at ? keeper->end : keeper->ask_at;
  return keeper->end ? keeper->end : keeper->ask_at;
}

/* For poll. */
int
keeper_time_get_timeout (const struct keeper *keeper)
{
  uint64_t at = next_moment (keeper), now = now_ms ();

  if (!at)
    return -1;
  if (at <= now)
    return 0;
  return at - now > 3600 * 1000 ? 3600 * 1000 : (int) (at - now);
}

static int
ask (struct keeper *keeper)
{
  uint8_t message[ZU_WIRE_HEADER_SIZE];
  struct zu_wire_writer w = zu_wire_begin (message, sizeof message, ZU_WIRE_QUERY, 0, 0);

  keeper->was_asked = 1;
  keeper->ask_at = now_ms () + ANSWER_MS;
  return keeper_send (keeper->guest, message, zu_wire_end (&w), -1);
}

/* Why the sandbox is to end now, or no reason. */
unsigned
keeper_time_check (struct keeper *keeper)
{
  uint64_t now = now_ms ();

  if (keeper->end && now >= keeper->end)
    return ZU_KEEPER_REASON_LIFETIME;
  if (!keeper->ask_at || now < keeper->ask_at)
    return ZU_KEEPER_REASON_NONE;
  if (keeper->was_asked || !ask (keeper))
    return ZU_KEEPER_REASON_SANDBOX;
  return ZU_KEEPER_REASON_NONE;
}

static int
read_status (struct keeper *keeper, struct zu_wire_status *status)
{
  uint8_t data[64];
  struct zu_wire_header header;
  struct zu_wire_reader r;
  unsigned n_fds;
  ssize_t n = keeper_receive (keeper->guest, data, sizeof data, NULL, 0, &n_fds, NULL);

  r = zu_wire_reader (data, n > 0 ? (size_t) n : 0);
  return n > 0 && zu_wire_get_header (&r, &header) && header.type == ZU_WIRE_STATUS
         && header.flags == 0 && header.id == 0 && zu_wire_get_status (&r, status);
}

/* What the guest says. After its first words it has nothing to say but this; whether it is still a
 * guest of ours. One that has been idle for long enough ends at the next look. */
int
keeper_time_hear (struct keeper *keeper)
{
  uint64_t idle = keeper->launch.head.idle_ms;
  struct zu_wire_status status;

  if (!keeper->was_asked || !read_status (keeper, &status))
    return 0;
  keeper->was_asked = 0;
  if (!status.running && status.idle_ms >= idle)
    keeper_end (keeper, ZU_KEEPER_REASON_IDLE);
  keeper->ask_at = now_ms () + (status.running ? idle : idle - status.idle_ms);
  return 1;
}
