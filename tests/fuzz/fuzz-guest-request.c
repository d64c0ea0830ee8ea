/* SPDX-License-Identifier: Apache-2.0 */

/* Whatever the guest is sent: its requests' strings lie in the message. */

#include "fuzz.h"

#include "zu-guest.h"

#include <glib.h>
#include <stdlib.h>

static gboolean
lies_in (const char *string, const uint8_t *data, size_t size)
{
  const uint8_t *at = (const uint8_t *) string;

  return at >= data && at + strlen (string) < data + size;
}

static void
check_exec (struct guest_message *message, const uint8_t *data, size_t size)
{
  const struct guest_base base = { .workdir = "/" };
  struct guest_request request = { 0 };

  if (guest_read_exec (message, &base, &request))
    {
      g_assert_true (request.workdir == base.workdir || lies_in (request.workdir, data, size));
      for (unsigned i = 0; i < request.exec.argc; i++)
        g_assert_true (lies_in (request.argv[i], data, size));
      for (unsigned i = 0; i < request.exec.envc; i++)
        g_assert_true (lies_in (request.environment[i], data, size));
      g_assert_null (request.argv[request.exec.argc]);
      g_assert_null (request.environment[request.exec.envc]);
      guest_request_free (&request);
    }
}

/* GO comes once in a process' life, so what it keeps is never given back; here it is. */
static void
check_go (struct guest_message *message)
{
  struct guest_base base = { 0 };

  if (guest_read_go (message, &base))
    for (unsigned i = 0; i < base.n_environment; i++)
      g_assert_nonnull (base.environment[i]);
  free (base.environment);
  free (base.copy);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct guest_message message = { .body = zu_wire_reader (data, size) };

  if (!zu_wire_get_header (&message.body, &message.header))
    return 0;
  check_exec (&message, data, size);
  check_go (&message);
  return 0;
}
