/* SPDX-License-Identifier: Apache-2.0 */

/* Ours and its limit in turn, in one process and one run; medians, their ratio, and the spread.
 * Machines are shared and noisy: only the ratio says something, and where the limit itself spreads
 * by more than a fifth nothing was measured. */

#include "bench.h"

#include <stdlib.h>
#include <string.h>

#define MIN_ROUNDS 5
#define MAX_ROUNDS 15
#define MAX_SPREAD 0.20

typedef struct
{
  double rate[MAX_ROUNDS];
  guint n;
} Series;

double
bench_now (void)
{
  return (double) g_get_monotonic_time () / G_USEC_PER_SEC;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
median (const Series *series)
{
  double sorted[MAX_ROUNDS];

  memcpy (sorted, series->rate, sizeof sorted);
  qsort (sorted, series->n, sizeof *sorted, compare);
  return sorted[series->n / 2];
}

/* Half the range between the quartiles, over the median. */
static double
spread (const Series *series)
{
  double sorted[MAX_ROUNDS];

  memcpy (sorted, series->rate, sizeof sorted);
  qsort (sorted, series->n, sizeof *sorted, compare);
  return (sorted[series->n * 3 / 4] - sorted[series->n / 4]) / 2 / sorted[series->n / 2];
}

static void
run (const Bench *bench)
{
  Series ours = { .n = 0 }, limit = { .n = 0 };
  gboolean measured;

  /* The first pair only warms up. */
  bench->ours (bench->data);
  bench->limit (bench->data);

  for (guint i = 0; i < MAX_ROUNDS; i++)
    {
      ours.rate[ours.n++] = (double) bench->n / bench->ours (bench->data);
      limit.rate[limit.n++] = (double) bench->n / bench->limit (bench->data);
      if (i + 1 >= MIN_ROUNDS && spread (&limit) < MAX_SPREAD / 4
          && spread (&ours) < MAX_SPREAD / 4)
        break;
    }

  measured = spread (&limit) <= MAX_SPREAD;
  g_print (
      "{\"name\":\"%s\",\"value\":%.1f,\"unit\":\"%s/s\",\"limit\":%.1f,\"ratio\":%.3f,"
      "\"at_least\":%.2f,\"spread\":%.3f,\"limit_spread\":%.3f,\"rounds\":%u,\"measured\":%s}\n",
      bench->name, median (&ours), bench->unit, median (&limit), median (&ours) / median (&limit),
      bench->at_least, spread (&ours), spread (&limit), ours.n, measured ? "true" : "false");
}

static gboolean
is_wanted (const char *name, char **wanted)
{
  if (*wanted == NULL)
    return TRUE;
  for (; *wanted != NULL; wanted++)
    if (g_str_has_prefix (name, *wanted))
      return TRUE;
  return FALSE;
}

/* Arguments are the beginnings of the names that are wanted; none is all. */
int
bench_main (int argc, char **argv, const Bench *benches, guint n_benches)
{
  for (guint i = 0; i < n_benches; i++)
    if (is_wanted (benches[i].name, argv + 1))
      run (&benches[i]);

  return EXIT_SUCCESS;
}
