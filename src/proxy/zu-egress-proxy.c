/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-proxy-listen.h"
#include "zu-proxy-lockdown.h"
#include "zu-proxy-options.h"
#include "zu-proxy.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXIT_USAGE 2

/* Loads whatever looking a name up loads, while that is possible. */
static void
warm_up (void)
{
  const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  struct addrinfo *info = NULL;

  if (getaddrinfo ("localhost", NULL, &hints, &info) == 0)
    freeaddrinfo (info);
}

static int
open_signals (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGTERM);
  sigaddset (&set, SIGINT);
  sigaddset (&set, SIGHUP);
  if (sigprocmask (SIG_BLOCK, &set, NULL) != 0)
    return -1;
  return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static ZuProxyJournal *
open_journal (const ZuProxyOptions *options)
{
  return options->control_fd >= 0 ? zu_proxy_journal_new_packets (options->control_fd)
                                  : zu_proxy_journal_new_lines (STDOUT_FILENO);
}

static gboolean
watch (ZuProxy *proxy, const ZuProxyOptions *options, int listener, int signals, GError **error)
{
  return zu_proxy_listen (proxy, listener, error) && zu_proxy_watch_signals (proxy, signals, error)
         && (options->control_fd < 0 || zu_proxy_watch_commits (proxy, options->control_fd, error));
}

/* A first word for whoever holds the other end of the control socket. */
static void
tell (const ZuProxyOptions *options, const char *word)
{
  if (options->control_fd >= 0)
    (void) send (options->control_fd, word, strlen (word), MSG_NOSIGNAL);
}

/* Said once it is so. */
static void
announce (const ZuProxyOptions *options, int listener)
{
  if (options->is_any)
    fputs ("zu-egress-proxy: every public host is allowed (--allow-any)\n", stderr);
  if (options->listen != NULL)
    zu_proxy_print_listener (listener);
  tell (options, "ready");
}

static gboolean
serve (const ZuProxyOptions *options, const ZuEgressRules *rules, int listener, int signals,
       GError **error)
{
  ZuProxyResolver *resolver;
  ZuProxyJournal *journal;
  ZuProxy proxy;
  gboolean is_done;

  warm_up ();
  resolver = zu_proxy_resolver_new (options->resolve_ms, error);
  if (resolver == NULL)
    return FALSE;
  journal = open_journal (options);
  is_done = zu_proxy_init (&proxy, &options->settings, rules, journal, resolver, error)
            && watch (&proxy, options, listener, signals, error) && zu_proxy_end_lockdown (error);
  if (is_done)
    {
      announce (options, listener);
      is_done = zu_proxy_run (&proxy, error);
    }
  zu_proxy_clear (&proxy);
  zu_proxy_journal_free (journal);
  zu_proxy_resolver_free (resolver);
  return is_done;
}

static gboolean
run (ZuProxyOptions *options, GError **error)
{
  g_autoptr (ZuEgressRules) rules =
      zu_egress_rules_new ((const char *const *) options->rules, options->is_any, error);
  int listener, signals;

  if (rules == NULL || !zu_proxy_close_others (options->listen_fd, options->control_fd, error))
    return FALSE;
  listener = zu_proxy_open_listener (options->listen, options->listen_fd, error);
  if (listener < 0 || !zu_proxy_begin_lockdown (options->has_user ? &options->user : NULL, error))
    return FALSE;
  signals = open_signals ();
  return serve (options, rules, listener, signals, error);
}

int
main (int argc, char **argv)
{
  g_auto (ZuProxyOptions) options = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean is_help = FALSE;

  prctl (PR_SET_NAME, "zu-egress-proxy");
  signal (SIGPIPE, SIG_IGN);
  if (!zu_proxy_options_parse (&options, argc, argv, &is_help, &error))
    {
      if (is_help)
        return EXIT_SUCCESS;
    }
  else if (run (&options, &error))
    return EXIT_SUCCESS;

  tell (&options, error->message);
  fprintf (stderr, "zu-egress-proxy: %s\n", error->message);
  return EXIT_USAGE;
}
