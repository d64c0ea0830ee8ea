/* SPDX-License-Identifier: Apache-2.0 */

/* A worker that never serves. */

#include <unistd.h>

int
main (void)
{
  for (;;)
    pause ();
}
