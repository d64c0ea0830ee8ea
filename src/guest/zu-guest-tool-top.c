/* SPDX-License-Identifier: Apache-2.0 */
#include "zu-guest-tools.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t
read_file (int proc, const char *pid, const char *name, char *text, size_t capacity)
{
  char path[32];
  ssize_t n;
  int fd;

  if (strlen (pid) > 10)
    return -1;
  strcpy (path, pid);
  strcat (path, name);
  if ((fd = openat (proc, path, O_RDONLY | O_CLOEXEC)) < 0)
    return -1;
  n = read (fd, text, capacity - 1);
  close (fd);
  if (n >= 0)
    text[n] = '\0';
  return n;
}

/* The field of that number, counted as in proc(5), from "STATE PARENT ..." on, which are 3 and 4.
 */
static uint64_t
field (const char *fields, unsigned number)
{
  for (unsigned i = 3; i < number; i++)
    if (!(fields = strchr (fields, ' ')))
      return 0;
    else
      fields++;
  return strtoull (fields, NULL, 10);
}

static void
fill_stat (struct zu_record_process *process, const char *fields)
{
  uint64_t ticks = (uint64_t) sysconf (_SC_CLK_TCK);

  process->state = (uint32_t) *fields;
  process->parent = (uint32_t) field (fields, 4);
  process->cpu_ms = (field (fields, 14) + field (fields, 15)) * 1000u / (ticks ? ticks : 100);
  process->memory = field (fields, 24) * (uint64_t) sysconf (_SC_PAGESIZE);
}

/* Arguments with blanks between them; a kernel's or a zombie's name in brackets. */
static const char *
make_command (int proc, const char *pid, char *stat, char *end, char *text)
{
  ssize_t n = read_file (proc, pid, "/cmdline", text, ZU_RECORD_MAX_COMMAND);
  char *begin = strchr (stat, '(');

  for (ssize_t i = 0; i + 1 < n; i++)
    if (!text[i])
      text[i] = ' ';
  if (n > 0 || !begin)
    return text;
  *begin = '[';
  end[0] = ']';
  end[1] = '\0';
  return begin;
}

/* The first process and its supervisors are not the caller's; they are children of the first that
 * nobody may look into, while a tool is a supervisor's. */
static int
is_guest (int proc, const struct zu_record_process *process, const char *pid)
{
  char path[32], target[8];

  if (process->pid == 1)
    return 1;
  strcpy (path, pid);
  strcat (path, "/exe");
  return process->parent == 1 && readlinkat (proc, path, target, sizeof target) < 0
         && errno == EACCES;
}

static int
print (int proc, const char *pid)
{
  static char text[ZU_RECORD_MAX_COMMAND];
  char stat_text[512], *end;
  uint8_t record[ZU_RECORD_MAX];
  struct zu_wire_writer w = zu_record_begin (record, sizeof record);
  struct zu_record_process process = { .pid = (uint32_t) atoi (pid) };
  struct stat st;

  if (process.pid == (uint32_t) getpid () || fstatat (proc, pid, &st, 0) != 0
      || read_file (proc, pid, "/stat", stat_text, sizeof stat_text) <= 0
      || !(end = strrchr (stat_text, ')')) || strlen (end) < 5)
    return 1;
  fill_stat (&process, end + 2);
  if (is_guest (proc, &process, pid))
    return 1;
  process.uid = st.st_uid;
  process.command = make_command (proc, pid, stat_text, end, text);
  zu_record_put_process (&w, &process);
  return guest_tool_write (1, record, zu_wire_end (&w));
}

int
guest_tool_top (void)
{
  DIR *proc = opendir ("/proc");
  struct dirent *entry;

  if (!proc)
    return guest_tool_fail ("/proc");
  while ((entry = readdir (proc)))
    if (isdigit ((unsigned char) *entry->d_name) && !print (dirfd (proc), entry->d_name))
      return guest_tool_fail ("stdout");
  closedir (proc);
  return 0;
}
