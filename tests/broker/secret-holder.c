/* SPDX-License-Identifier: Apache-2.0 */

#include <zu/zu.h>

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* The worst case: a process that holds a secret, read from descriptor 7, lets itself be dumped, and
 * crashes when its input ends. What comes on descriptor 8 lies in plain memory, so that a dump
 * without the secret is seen to be one. */

int
main (void)
{
  const struct rlimit most = { RLIM_INFINITY, RLIM_INFINITY };
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuSecret) secret = zu_secret_new_from_fd (7, &error);
  char plain[256] = "";
  char byte;

  g_assert_no_error (error);
  g_assert_cmpint (read (8, plain, sizeof plain - 1), >, 0);
  prctl (PR_SET_DUMPABLE, 1);
  setrlimit (RLIMIT_CORE, &most);
  signal (SIGSEGV, SIG_DFL);
  g_assert_cmpint (write (STDOUT_FILENO, "r", 1), ==, 1);
  while (read (STDIN_FILENO, &byte, 1) > 0)
    ;
  raise (SIGSEGV);
  return plain[0];
}
