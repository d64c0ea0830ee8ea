/* SPDX-License-Identifier: Apache-2.0 */

/* Any beginning of a tunnel: a name that is found is a plain word, and more bytes do not change
 * what was found. */

#include "fuzz.h"

#include "zu-client-hello.h"

#include <string.h>

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  ZuClientHello hello;
  size_t first = size;

  if (zu_client_hello_read (&hello, data, size) != ZU_CLIENT_HELLO_DONE)
    return 0;
  g_assert_cmpuint (strlen (hello.name), <, sizeof hello.name);
  for (const char *c = hello.name; *c != '\0'; c++)
    g_assert_true (g_ascii_isgraph (*c));

  while (first > 0)
    {
      ZuClientHello before;
      ZuClientHelloStatus status = zu_client_hello_read (&before, data, --first);

      g_assert_cmpint (status, !=, ZU_CLIENT_HELLO_NOT_TLS);
      if (status == ZU_CLIENT_HELLO_DONE)
        g_assert_cmpstr (before.name, ==, hello.name);
    }
  return 0;
}
