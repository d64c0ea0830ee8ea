/* SPDX-License-Identifier: Apache-2.0 */

/* An enforcement applied and revoked in this process, beside the same rules by two spawned nft; in
 * a network namespace of its own. */

#include "bench.h"

#include <zu/zu.h>

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_TIMES 5
#define RULES                                                                                 \
  "table inet bench {\n"                                                                      \
  "chain input { type filter hook input priority filter; policy drop;\n"                      \
  "iifname \"lo\" counter accept\nct state established counter accept\ncounter drop\n}\n"     \
  "chain forward { type filter hook forward priority filter; policy drop;\ncounter drop\n}\n" \
  "chain output { type filter hook output priority filter; policy drop;\n"                    \
  "oifname \"lo\" counter accept\nip daddr 10.0.0.5 tcp dport 3128 counter accept\n"          \
  "counter drop\n}\n}\n"

typedef struct
{
  ZuEgressEnforcement *mechanism;
  ZuEgressPolicy *policy;
  char *target;
  int pid;
} Data;

static double
ours (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  for (guint i = 0; i < N_TIMES; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ZuEnforcement) done =
          zu_egress_enforcement_apply (data->mechanism, data->target, data->policy, NULL, &error);

      g_assert_no_error (error);
      zu_egress_enforcement_revoke (data->mechanism, zu_enforcement_get_id (done), NULL, &error);
      g_assert_no_error (error);
    }
  return bench_now () - start;
}

static void
spawn_nft (Data *data, const char *rules)
{
  g_autofree char *path = g_strdup_printf ("--net=%s", data->target);
  const char *argv[] = { "nsenter", path, "nft", "-f", "-", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE, &error);

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, rules, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
}

static double
spawned (gpointer user_data)
{
  Data *data = user_data;
  double start = bench_now ();

  for (guint i = 0; i < N_TIMES; i++)
    {
      spawn_nft (data, RULES);
      spawn_nft (data, "delete table inet bench\n");
    }
  return bench_now () - start;
}

/* A process that does nothing but have a namespace. */
static gboolean
start_holder (Data *data)
{
  int ends[2];
  char byte = 0;

  g_assert_cmpint (pipe (ends), ==, 0);
  data->pid = fork ();
  if (data->pid == 0)
    {
      prctl (PR_SET_PDEATHSIG, SIGKILL);
      byte = unshare (CLONE_NEWNET) == 0;
      if (write (ends[1], &byte, 1) == 1)
        pause ();
      _exit (0);
    }
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  close (ends[0]);
  close (ends[1]);
  return byte != 0;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ZuJson) json =
      zu_json_parse ("{\"proxy\":{\"host\":\"p\",\"ip\":\"10.0.0.5\",\"port\":3128}}", -1, NULL);
  Data data = { NULL };
  const Bench bench = { "nftables-apply-revoke", "pairs", N_TIMES, 1.0, ours, spawned, &data };

  if (!start_holder (&data))
    g_printerr ("bench-nftables: a network namespace cannot be made here: nothing is measured\n");
  else
    {
      data.target = g_strdup_printf ("/proc/%d/ns/net", data.pid);
      data.policy = zu_egress_policy_new_from_json (json, &error);
      data.mechanism =
          (ZuEgressEnforcement *) zu_registry_create (zu_registry_get_default (),
                                                      "zu.egress_enforcement", "EgressEnforcement",
                                                      "nftables", NULL, NULL, &error);
      g_assert_no_error (error);
      bench_main (argc, argv, &bench, 1);
      g_object_unref (data.mechanism);
      g_object_unref (data.policy);
      g_free (data.target);
    }
  kill (data.pid, SIGKILL);
  waitpid (data.pid, NULL, 0);
  return EXIT_SUCCESS;
}
