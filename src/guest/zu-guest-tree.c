/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest.h"
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* More processes than this are dealt with in further rounds. */
#define MAX_PROCESSES 32768

/* A tree that goes on forking is stopped first, in this many rounds at most. */
#define STOP_ROUNDS 16

struct process
{
  pid_t pid;
  pid_t parent;
  char state;
  int threads;
};

static struct process table[MAX_PROCESSES];
static unsigned n_processes;

/* Of "STATE PARENT ...", the fields 3 to 20 of a stat line, the 20th. */
static int
read_threads (const char *fields)
{
  for (unsigned i = 3; i < 20; i++)
    if (!(fields = strchr (fields, ' ')))
      return 0;
    else
      fields++;
  return atoi (fields);
}

/* "PID (any bytes) STATE PARENT ...": read from the last bracket on. */
static int
read_process (int proc, const char *name, struct process *process)
{
  char path[32], text[512];
  const char *tail;
  ssize_t n;
  int fd;

  if (strlen (name) > 10)
    return 0;
  strcpy (path, name);
  strcat (path, "/stat");
  if ((fd = openat (proc, path, O_RDONLY | O_CLOEXEC)) < 0)
    return 0;
  n = read (fd, text, sizeof text - 1);
  close (fd);
  if (n <= 0)
    return 0;
  text[n] = '\0';
  if (!(tail = strrchr (text, ')')) || strlen (tail) < 5)
    return 0;
  process->pid = atoi (name);
  process->state = tail[2];
  process->parent = atoi (tail + 4);
  process->threads = read_threads (tail + 2);
  return 1;
}

static int
by_pid (const void *a, const void *b)
{
  return ((const struct process *) a)->pid - ((const struct process *) b)->pid;
}

static void
scan (void)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;

  n_processes = 0;
  if (!proc)
    return;
  while (n_processes < MAX_PROCESSES && (entry = readdir (proc)))
    if (isdigit ((unsigned char) *entry->d_name)
        && read_process (dirfd (proc), entry->d_name, &table[n_processes]))
      n_processes++;
  closedir (proc);
  qsort (table, n_processes, sizeof *table, by_pid);
}

static int
is_victim (const struct process *process, pid_t root, const pid_t *spared, unsigned n_spared)
{
  for (unsigned steps = 0; process && steps < n_processes; steps++)
    {
      struct process key = { .pid = process->parent };

      for (unsigned i = 0; i < n_spared; i++)
        if (spared[i] == process->pid)
          return 0;
      if (process->parent == root)
        return 1;
      process = bsearch (&key, table, n_processes, sizeof *table, by_pid);
    }
  return 0;
}

/* A first thread may have ended while others go on: such a process is a zombie only by name. */
static int
is_alive (const struct process *process)
{
  return !strchr ("ZX", process->state) || process->threads > 1;
}

/* Sends to every descendant that is alive and, for STOP, still runs; how many that were. */
static unsigned
sweep (int number, const pid_t *spared, unsigned n_spared)
{
  pid_t root = getpid ();
  unsigned n = 0;

  scan ();
  for (unsigned i = 0; i < n_processes; i++)
    if (table[i].pid != root && is_alive (&table[i])
        && !(number == SIGSTOP && strchr ("Tt", table[i].state))
        && is_victim (&table[i], root, spared, n_spared))
      n += kill (table[i].pid, number) == 0;
  return n;
}

void
guest_tree_signal (int number, const pid_t *spared, unsigned n_spared)
{
  sweep (number, spared, n_spared);
}

/* Until nobody is left: a process that forks faster than it is found is stopped first. */
void
guest_tree_kill (const pid_t *spared, unsigned n_spared)
{
  const struct timespec pause = { 0, 500000 };

  for (unsigned round = 0; round < STOP_ROUNDS && sweep (SIGSTOP, spared, n_spared); round++)
    ;
  while (sweep (SIGKILL, spared, n_spared))
    nanosleep (&pause, NULL);
}
