/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* One round of work; gives how many seconds it took, preparations left out. */
typedef double (*BenchRound) (gpointer data);

/**
 * Bench:
 * @name: what is measured, as in sqlite-append-1
 * @unit: what one operation is, as in events
 * @n: operations in a round
 * @at_least: the ratio of our speed to the limit's that must hold; 0 where none is asked for
 * @ours: one round of our own
 * @limit: one round of what it is measured against, in the same run
 * @data: for both
 */
typedef struct
{
  const char *name;
  const char *unit;
  guint64 n;
  double at_least;
  BenchRound ours;
  BenchRound limit;
  gpointer data;
} Bench;

/* What is printed; the higher the ratio, the better. */
typedef struct
{
  const char *name;
  const char *unit;
  double value;
  double limit;
  double ratio;
  double at_least;
  double spread;
  double limit_spread;
  guint rounds;
} BenchFigure;

int bench_main (int argc, char **argv, const Bench *benches, guint n_benches);

/* The parts of it, for programs that need more than a list. */
void bench_init (int argc, char **argv);
gboolean bench_is_full (void);
gboolean bench_is_wanted (const char *name);
BenchFigure bench_run (const Bench *bench);
void bench_print (const BenchFigure *figure);
double bench_now (void);

G_END_DECLS
