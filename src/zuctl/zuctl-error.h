/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a script sees. `zuctl run` has its own, see zu-run.h. */
enum
{
  ZUCTL_DONE = 0,
  ZUCTL_NO = 1,    /* the answer is no, or the input is refused */
  ZUCTL_ERROR = 2, /* usage or environment */
};

/* Errors of our own: their texts read "what went wrong: why (what to do)". */
#define ZUCTL_FAILURE (zuctl_failure_quark ())
typedef enum
{
  ZUCTL_FAILURE_USAGE,
  ZUCTL_FAILURE_INPUT,
  ZUCTL_FAILURE_ENVIRONMENT,
} ZuctlFailure;

GQuark zuctl_failure_quark (void);

int zuctl_get_failure_status (const GError *error);
void zuctl_report (const char *text);
GLogWriterOutput zuctl_write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields,
                                  gpointer user_data);

G_END_DECLS
