/* SPDX-License-Identifier: Apache-2.0 */

#include "zu-nft-run.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <sched.h>
#include <string.h>
#include <zu/zu.h>

typedef struct
{
  int netns;
  const char *commands;
  int number; /* errno of the namespace */
  gboolean is_done;
  char *output;
  char *message;
} Job;

/* The library keeps its state in static variables: two threads in it at once break the heap. Two
 * modules have this code, and a process may have both, so what they lock belongs to the process. */
static GMutex *
get_library (void)
{
  static const char *const key = "zu-libnftables";
  GObject *process = G_OBJECT (zu_registry_get_default ());
  GMutex *mutex = g_object_get_data (process, key);

  if (mutex != NULL)
    return mutex;
  mutex = g_new (GMutex, 1);
  g_mutex_init (mutex);
  if (g_object_replace_data (process, key, NULL, mutex, NULL, NULL))
    return mutex;
  g_mutex_clear (mutex);
  g_free (mutex);
  return g_object_get_data (process, key);
}

static void
run_here (Job *job)
{
  struct nft_ctx *context = nft_ctx_new (NFT_CTX_DEFAULT);

  if (context == NULL)
    return;
  nft_ctx_buffer_output (context);
  nft_ctx_buffer_error (context);
  job->is_done = nft_run_cmd_from_buffer (context, job->commands) == 0;
  job->output = g_strdup (nft_ctx_get_output_buffer (context));
  job->message = g_strdup (nft_ctx_get_error_buffer (context));
  nft_ctx_free (context);
}

/* A thread that lives for this alone, since it cannot be given back as it was. The library's socket
 * belongs to the namespace that it is opened in. */
static gpointer
run (gpointer data)
{
  Job *job = data;

  if (setns (job->netns, CLONE_NEWNET) != 0)
    {
      job->number = errno;
      return NULL;
    }
  g_mutex_lock (get_library ());
  run_here (job);
  g_mutex_unlock (get_library ());
  return NULL;
}

static void
set_error (const Job *job, GError **error)
{
  const char *why = job->number != 0                                ? g_strerror (job->number)
                    : job->message != NULL && *job->message != '\0' ? job->message
                                                                    : "the library does not start";
  gboolean is_forbidden = job->number == EPERM || strstr (why, "Operation not permitted") != NULL;
  g_autofree char *line = g_strndup (why, strcspn (why, "\n"));

  g_set_error (
      error, ZU_EGRESS_ENFORCEMENT_ERROR,
      is_forbidden ? ZU_EGRESS_ENFORCEMENT_ERROR_NOT_PERMITTED : ZU_EGRESS_ENFORCEMENT_ERROR_FAILED,
      "nftables: %s%s", line,
      is_forbidden ? " (it needs CAP_NET_ADMIN and CAP_SYS_ADMIN over that namespace)" : "");
}

char *
zu_nft_run (int netns, const char *commands, GError **error)
{
  Job job = { netns, commands };
  GThread *thread = g_thread_try_new ("zu-nft", run, &job, error);

  if (thread == NULL)
    return NULL;
  g_thread_join (thread);
  if (!job.is_done)
    {
      set_error (&job, error);
      g_clear_pointer (&job.output, g_free);
    }
  g_free (job.message);
  return job.output;
}
