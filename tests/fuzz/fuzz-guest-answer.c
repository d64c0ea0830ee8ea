/* SPDX-License-Identifier: Apache-2.0 */

/* Whatever a guest sends: what is taken is, written again, the same bytes. */

#include "fuzz.h"

#include "zu-guest-codec.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  ZuGuestMessage message;
  guint8 again[256];
  struct zu_wire_writer w;

  if (!zu_guest_decode (data, size, &message, &error))
    {
      g_assert_error (error, ZU_GUEST_ERROR, ZU_GUEST_ERROR_PROTOCOL);
      return 0;
    }
  w = zu_wire_begin (again, sizeof again, message.header.type, message.header.flags,
                     message.header.id);
  if (message.header.type == ZU_WIRE_HELLO)
    zu_wire_put_hello (&w, &message.hello);
  else if (message.header.type == ZU_WIRE_STARTED)
    zu_wire_put_started (&w, &message.started);
  else if (message.header.type == ZU_WIRE_LISTENING)
    zu_wire_put_listening (&w, &message.listening);
  else
    zu_wire_put_exited (&w, &message.exited);
  g_assert_cmpmem (again, zu_wire_end (&w), data, size);
  return 0;
}
