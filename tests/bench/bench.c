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
#define MOST_TIME  5.0

typedef struct
{
  double rate[MAX_ROUNDS];
  guint n;
} Series;

static char **wanted;
static gboolean is_full;

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

static gboolean
is_steady (const Series *ours, const Series *limit)
{
  return spread (limit) < MAX_SPREAD / 4 && spread (ours) < MAX_SPREAD / 4;
}

/* Measures and prints. Ends early where both are steady, or where it takes long. */
BenchFigure
bench_run (const Bench *bench)
{
  Series ours = { .n = 0 }, limit = { .n = 0 };
  BenchFigure figure = { bench->name, NULL, .at_least = bench->at_least };
  g_autofree char *unit = g_strdup_printf ("%s/s", bench->unit);
  double start = bench_now ();

  /* The first pair only warms up. */
  bench->ours (bench->data);
  bench->limit (bench->data);

  while (ours.n < MAX_ROUNDS)
    {
      ours.rate[ours.n++] = (double) bench->n / bench->ours (bench->data);
      limit.rate[limit.n++] = (double) bench->n / bench->limit (bench->data);
      if (ours.n >= MIN_ROUNDS && (is_steady (&ours, &limit) || bench_now () - start > MOST_TIME))
        break;
    }

  figure.unit = g_intern_string (unit);
  figure.value = median (&ours);
  figure.limit = median (&limit);
  figure.ratio = figure.value / figure.limit;
  figure.spread = spread (&ours);
  figure.limit_spread = spread (&limit);
  figure.rounds = ours.n;
  bench_print (&figure);
  return figure;
}

void
bench_print (const BenchFigure *figure)
{
  g_print (
      "{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"limit\":%.3f,\"ratio\":%.3f,"
      "\"at_least\":%.2f,\"spread\":%.3f,\"limit_spread\":%.3f,\"rounds\":%u,\"measured\":%s}\n",
      figure->name, figure->value, figure->unit, figure->limit, figure->ratio, figure->at_least,
      figure->spread, figure->limit_spread, figure->rounds,
      figure->limit_spread <= MAX_SPREAD ? "true" : "false");
}

/* Arguments are --full, and the beginnings of the names that are wanted; none is all. */
void
bench_init (int argc, char **argv)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--full"))
      is_full = TRUE;
    else
      g_strv_builder_add (names, argv[i]);
  wanted = g_strv_builder_end (names);
}

gboolean
bench_is_full (void)
{
  return is_full;
}

gboolean
bench_is_wanted (const char *name)
{
  for (char **prefix = wanted; *prefix != NULL; prefix++)
    if (g_str_has_prefix (name, *prefix))
      return TRUE;
  return *wanted == NULL;
}

int
bench_main (int argc, char **argv, const Bench *benches, guint n_benches)
{
  bench_init (argc, argv);
  for (guint i = 0; i < n_benches; i++)
    if (bench_is_wanted (benches[i].name))
      bench_run (&benches[i]);

  return EXIT_SUCCESS;
}
