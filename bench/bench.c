/* SPDX-License-Identifier: MIT */
/*
 * bench: the rounds, the table, the JSON
 */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 99

static struct {
	const char *subject;
	const char *json_path;
	/* Rows whose name contains it; NULL: all. */
	const char *only;
	struct json_object *rows;
	unsigned int rounds;
	bool smoke;
	clockid_t clock;
	uint64_t seed;
	uint64_t state;
	uint64_t sink;
} bench;

static void usage(const char *program, FILE *to)
{
	fprintf(to,
		"usage: %s [--smoke] [--rounds N] [--seed N] [--cpu-time]\n"
		"       [--json FILE] [--only TEXT]\n\n"
		"Times %s. Each row: ours, and beside it in the same run a\n"
		"floor or a twin; best and median of N rounds (default 7),\n"
		"nanoseconds per unit. Timings never fail anything.\n"
		"--cpu-time: time of this thread, for a machine that others\n"
		"use; it adds a system call to whatever is timed.\n"
		"--only: rows whose name contains TEXT.\n",
		program, bench.subject);
}

static unsigned long long number(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || *end || end == text) {
		fprintf(stderr, "%s: not a number: %s\n", bench.subject, text);
		exit(2);
	}
	return n;
}

static void print_machine(void)
{
	char line[256], cpu[200] = "unknown CPU";
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "model name%*[^:]: %199[^\n]", cpu) == 1)
			break;
	if (f)
		fclose(f);
	printf("# %s: %s, %ld CPUs, %u rounds, seed %llu, %s time\n",
	       bench.subject, cpu, sysconf(_SC_NPROCESSORS_ONLN), bench.rounds,
	       (unsigned long long)bench.seed,
	       bench.clock == CLOCK_MONOTONIC ? "wall" : "CPU");
}

void bench_start(int argc, char **argv, const char *subject)
{
	static const struct option options[] = {
		{ "smoke", no_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 'S' },
		{ "json", required_argument, NULL, 'j' },
		{ "cpu-time", no_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	bench.subject = subject;
	bench.rounds = 7;
	bench.seed = 1;
	bench.clock = CLOCK_MONOTONIC;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			bench.smoke = true;
		else if (c == 'r')
			bench.rounds = (unsigned int)number(optarg);
		else if (c == 'S')
			bench.seed = number(optarg);
		else if (c == 'j')
			bench.json_path = optarg;
		else if (c == 'o')
			bench.only = optarg;
		else if (c == 'c')
			bench.clock = CLOCK_THREAD_CPUTIME_ID;
		else
			usage(argv[0], c == 'h' ? stdout : stderr);
		if (c == 'h' || c == '?')
			exit(c == 'h' ? 0 : 2);
	}
	if (bench.smoke)
		bench.rounds = 1;
	if (!bench.rounds || bench.rounds > MAX_ROUNDS)
		bench.rounds = MAX_ROUNDS;
	bench.state = bench.seed;
	bench.rows = json_object_new_array();
	print_machine();
}

bool bench_smoke(void)
{
	return bench.smoke;
}

uint64_t bench_scale(uint64_t full)
{
	return bench.smoke && full > 64 ? 64 : full;
}

uint64_t bench_seed(void)
{
	return bench.seed;
}

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(bench.clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* splitmix64 */
uint64_t bench_random(void)
{
	uint64_t z = bench.state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void bench_use(uint64_t value)
{
	*(volatile uint64_t *)&bench.sink += value;
}

void bench_check(bool right, const char *what)
{
	if (right)
		return;
	fprintf(stderr, "%s: wrong answer: %s\n", bench.subject, what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct figures {
	double best;
	double median;
	double worst;
};

static struct figures figures_of(double *sample, unsigned int n)
{
	qsort(sample, n, sizeof(*sample), compare);
	return (struct figures){
		.best = sample[0],
		.median = sample[n / 2],
		.worst = sample[n - 1],
	};
}

static void add_json(struct json_object *to, const char *name,
		     const struct figures *f)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "best", json_object_new_double(f->best));
	json_object_object_add(o, "median", json_object_new_double(f->median));
	json_object_object_add(o, "worst", json_object_new_double(f->worst));
	json_object_array_add(to, o);
}

static void record(const struct bench_row *row, const struct figures *f,
		   unsigned int n)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_object_object_add(o, "subject",
			       json_object_new_string(bench.subject));
	json_object_object_add(o, "row", json_object_new_string(row->name));
	json_object_object_add(o, "unit", json_object_new_string(row->unit));
	json_object_object_add(o, "ops", json_object_new_double(row->ops));
	json_object_object_add(o, "budget", json_object_new_double(row->budget));
	for (unsigned int c = 0; c < n; c++)
		add_json(list, row->contender[c].name, &f[c]);
	json_object_object_add(o, "contenders", list);
	json_object_array_add(bench.rows, o);
}

static void print_row(const struct bench_row *row, const struct figures *f,
		      unsigned int n)
{
	printf("\n%s, ns per %s", row->name, row->unit);
	if (row->budget > 0)
		printf(" (budget %g: %s)", row->budget,
		       f[0].best <= row->budget ? "met" : "MISSED");
	putchar('\n');
	for (unsigned int c = 0; c < n; c++) {
		printf("  %-44s best %10.3f  median %10.3f  worst %10.3f",
		       row->contender[c].name, f[c].best, f[c].median,
		       f[c].worst);
		if (c)
			printf("  ours/this %.2f", f[0].best / f[c].best);
		putchar('\n');
	}
	fflush(stdout);
}

static bool chosen(const char *name)
{
	return !bench.only || strstr(name, bench.only);
}

void bench_run(const struct bench_row *row)
{
	double sample[BENCH_CONTENDERS][MAX_ROUNDS];
	struct figures f[BENCH_CONTENDERS];
	unsigned int n = 0;

	if (!chosen(row->name))
		return;
	while (n < BENCH_CONTENDERS && row->contender[n].run)
		n++;
	for (unsigned int r = 0; r <= bench.rounds; r++) {
		for (unsigned int c = 0; c < n; c++) {
			double ns = row->contender[c].run(
				row->contender[c].ctx);

			/* The first round warms up. */
			sample[c][r ? r - 1 : 0] = ns / row->ops;
		}
	}
	for (unsigned int c = 0; c < n; c++)
		f[c] = figures_of(sample[c], bench.rounds);
	print_row(row, f, n);
	record(row, f, n);
}

void bench_report_size(const struct bench_size *size)
{
	struct json_object *o;

	if (!chosen(size->name))
		return;
	o = json_object_new_object();
	printf("\n%s: %.2f %s", size->name, size->value, size->unit);
	if (size->budget > 0)
		printf(" (budget %g: %s)", size->budget,
		       size->value <= size->budget ? "met" : "MISSED");
	putchar('\n');
	json_object_object_add(o, "subject",
			       json_object_new_string(bench.subject));
	json_object_object_add(o, "row", json_object_new_string(size->name));
	json_object_object_add(o, "unit", json_object_new_string(size->unit));
	json_object_object_add(o, "value", json_object_new_double(size->value));
	json_object_object_add(o, "budget",
			       json_object_new_double(size->budget));
	json_object_array_add(bench.rows, o);
}

int bench_finish(void)
{
	int ret = 0;

	if (bench.json_path &&
	    json_object_to_file_ext(bench.json_path, bench.rows,
				    JSON_C_TO_STRING_PRETTY) < 0) {
		fprintf(stderr, "%s: cannot write %s\n", bench.subject,
			bench.json_path);
		ret = 1;
	}
	json_object_put(bench.rows);
	return ret;
}
