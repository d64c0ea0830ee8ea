/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sqlite3.h>
#include <zu/zu.h>

G_BEGIN_DECLS

G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3, sqlite3_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (sqlite3_stmt, sqlite3_finalize)

#define BENCH_TRACES 64

void bench_check (GError *error);

/* A folder of its own, on the file system of $TMPDIR. */
char *bench_folder_new (void);
void bench_folder_remove (const char *folder);

/* Events of traces that go on from batch to batch. */
typedef struct _BenchTraces BenchTraces;

BenchTraces *bench_traces_new (guint n_traces);
void bench_traces_free (BenchTraces *self);
GPtrArray *bench_traces_make (BenchTraces *self, guint n);
GPtrArray *bench_traces_make_linked (BenchTraces *self, guint n);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchTraces, bench_traces_free)

/* What a plain loop does that writes the same rows into the same tables. */
typedef struct _BenchBare BenchBare;

BenchBare *bench_bare_open (const char *path);
void bench_bare_free (BenchBare *self);
double bench_bare_insert (BenchBare *self, GPtrArray *linked, guint n_a_commit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BenchBare, bench_bare_free)

ZuEventSink *bench_open (const char *uri);
void bench_fill (const char *path, guint n_traces, guint n);

G_END_DECLS
