/* SPDX-License-Identifier: MIT */
/*
 * bench: time two things side by side and print their ratio
 *
 * A row has a subject and, beside it in the same run, a floor (what the
 * machine must do at least) or a twin (a plain but honest way to do the same).
 * The contenders take turns, round after round, after a warm-up; best, median
 * and spread are printed. A contender checks the answer that it times.
 */
#ifndef IOAS_BENCH_BENCH_H
#define IOAS_BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_CONTENDERS 4

/* Runs the work once; returns the nanoseconds that count. */
typedef double bench_fn(void *ctx);

struct bench_contender {
	/* The first is the subject; then "floor: ..." or "twin: ...". */
	const char *name;
	bench_fn *run;
	void *ctx;
};

struct bench_row {
	/* Stable: what records and budgets refer to. */
	const char *name;
	/* What one operation is, and how many of them a run does. */
	const char *unit;
	double ops;
	/* Nanoseconds per operation that we promise; 0: none. */
	double budget;
	struct bench_contender contender[BENCH_CONTENDERS];
};

/* Memory rows: bytes, no rounds. */
struct bench_size {
	const char *name;
	const char *unit;
	double value;
	double budget;
};

/* Parses the options that --help lists. */
void bench_start(int argc, char **argv, const char *subject);
/* One small round instead of many large ones: it works at all. */
bool bench_smoke(void);
/* @full, or a small fraction of it in a smoke run. */
uint64_t bench_scale(uint64_t full);
uint64_t bench_seed(void);
void bench_run(const struct bench_row *row);
void bench_report_size(const struct bench_size *size);
/* Writes the JSON; exit status of the program. */
int bench_finish(void);

uint64_t bench_now(void);
/* Deterministic, from bench_seed() on. */
uint64_t bench_random(void);
/* Keep the compiler from dropping a result. */
void bench_use(uint64_t value);
/* Ends the program if a checked answer is wrong. */
void bench_check(bool right, const char *what);

#endif
