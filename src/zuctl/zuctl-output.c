/* SPDX-License-Identifier: Apache-2.0 */

#include "zuctl-output.h"

#include "zuctl-error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Prints as given, whatever the locale: what we print is UTF-8. */
void
zuctl_print (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vfprintf (stdout, format, args);
  va_end (args);
}

void
zuctl_print_bytes (const char *data, gsize length)
{
  fwrite (data, 1, length, stdout);
}

/* One line. */
void
zuctl_print_json (ZuJson *json)
{
  g_autofree char *text = zu_json_to_string (json);

  zuctl_print ("%s\n", text);
}

/* What was printed and did not arrive must not look like success. */
gboolean
zuctl_flush (GError **error)
{
  errno = 0;
  if (fflush (stdout) == 0 && !ferror (stdout))
    return TRUE;

  g_set_error (error, ZUCTL_FAILURE, ZUCTL_FAILURE_ENVIRONMENT, "cannot write the output: %s",
               g_strerror (errno != 0 ? errno : EIO));
  clearerr (stdout);
  return FALSE;
}

static gboolean
is_coloured (void)
{
  const char *no_color = g_getenv ("NO_COLOR");
  const char *term = g_getenv ("TERM");

  return isatty (STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') && term != NULL
         && strcmp (term, "dumb") != 0;
}

void
zuctl_set_style (ZuctlStyle style)
{
  static const char *const codes[] = { "0", "1", "32", "1;31" };

  if (is_coloured ())
    zuctl_print ("\033[%sm", codes[style]);
}

/* Columns of the terminal on stdout; 0 where it is none. */
guint
zuctl_get_terminal_width (void)
{
  struct winsize size = { 0 };
  const char *columns = g_getenv ("COLUMNS");

  if (!isatty (STDOUT_FILENO))
    return 0;
  if (columns != NULL && g_ascii_strtoull (columns, NULL, 10) > 0)
    return g_ascii_strtoull (columns, NULL, 10);
  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 80;
}

ZuJson *
zuctl_new_json (const char *name, ...)
{
  g_autoptr (ZuJsonBuilder) builder = zu_json_builder_new ();
  va_list args;

  zu_json_builder_begin_object (builder);
  va_start (args, name);
  for (const char *key = name; key != NULL; key = va_arg (args, const char *))
    {
      const char *value = va_arg (args, const char *);

      zu_json_builder_set_member (builder, key);
      if (value != NULL)
        zu_json_builder_add_string (builder, value);
      else
        zu_json_builder_add_null (builder);
    }
  va_end (args);
  zu_json_builder_end_object (builder);
  return zu_json_builder_end (builder, NULL);
}
