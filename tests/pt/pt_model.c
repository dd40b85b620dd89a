/* SPDX-License-Identifier: MIT */
/*
 * pt_model: random operations on page tables of every configuration
 *
 *   configuration 0: [ epoch: create .. operations .. destroy ][ epoch ] ..
 *   configuration 1: ..                             until its share of --ops
 *
 * An epoch is one page table, with its tables in one of the places of rig.h,
 * and follows from the seed, the configuration and its number alone. Every few
 * operations everything is compared: see rig.h. After a failure the trace is
 * thinned to the operations that are needed for it, with --shrink.
 */
#include "model.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shrink.h"

/* Of a few hundred operations, on a slow machine with every sanitizer. */
#define EPOCH_SECONDS 100

typedef unsigned long long ull;

static struct model model;
static uint64_t events[NR_EVENTS];
static struct trace *trace;

static struct options {
	uint64_t seed;
	uint64_t ops;
	const char *config;
	uint64_t epoch;
	bool one_epoch;
	bool shrink;
	bool verbose;
	bool allow_missing;
} options = { .seed = 1, .ops = 300000 };

/* ---- an epoch ----------------------------------------------------------- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	struct prng p = { a ^ b * UINT64_C(0xd6e8feb86659fd93) };

	return prng_next(&p);
}

/* Seeds of an epoch follow from where it stands. */
static bool model_init(struct model *m, const struct trace *t)
{
	const struct config *cfg = config_at(t->config);
	uint64_t seed = mix(mix(t->seed, t->config), t->epoch);
	enum rig_mode mode = (enum rig_mode)((t->config + t->epoch + seed) %
					     RIG_NR_MODES);

	if (!rig_mode_fits(cfg, mode))
		mode = seed >> 32 & 1 ? RIG_ARENA : RIG_SHADOW;
	memset(m->cursor, 0, sizeof(m->cursor));
	m->events = events;
	m->until_compare = 1;
	if (!rig_init(&m->rig, cfg, mode, seed))
		return false;
	gen_init(m, seed + 1);
	return true;
}

bool trace_replay(const struct trace *t, const struct op *ops, uint32_t nr,
		  bool print)
{
	struct model *m = &model;
	bool ok = model_init(m, t);
	char line[600];

	for (uint32_t i = 0; ok && i < nr && !m->rig.failed; i++) {
		if (print) {
			op_print(line, sizeof(line), &ops[i]);
			printf("# %4u  %s\n", i, line);
			fflush(stdout);
		}
		exec_op(m, &ops[i]);
		if (!m->rig.failed)
			rig_compare(&m->rig);
	}
	if (!m->rig.failed)
		rig_fini(&m->rig);
	if (print && m->rig.failed)
		printf("# %s\n", m->rig.message);
	return !m->rig.failed;
}

/* Comparing costs more than most operations. */
static void maybe_compare(struct model *m)
{
	if (--m->until_compare)
		return;
	/* Large tables take a walker as much longer. */
	m->until_compare = 1 + (unsigned int)prng_below(
		&m->rng, m->rig.cfg->index_lg2 > 9 ? 100 : 40);
	trace->op[trace->nr] = (struct op){ .kind = OP_COMPARE };
	exec_op(m, &trace->op[trace->nr++]);
}

static bool run_epoch(uint64_t *left)
{
	struct model *m = &model;
	uint64_t nr;

	trace->nr = 0;
	if (!model_init(m, trace))
		return false;
	nr = 100 + prng_below(&m->rng, 300);
	if (nr > *left)
		nr = *left;
	*left -= nr;
	while (nr && !m->rig.failed && trace->nr < MAX_TRACE - 1) {
		struct op *op = &trace->op[trace->nr++];

		gen_op(m, op);
		if (options.verbose) {
			char line[600];

			op_print(line, sizeof(line), op);
			printf("# %s\n", line);
		}
		if (exec_op(m, op))
			nr--;
		else
			trace->nr--;
		if (!m->rig.failed)
			maybe_compare(m);
	}
	if (!m->rig.failed)
		rig_compare(&m->rig);
	if (!m->rig.failed)
		rig_fini(&m->rig);
	return !m->rig.failed;
}

/* ---- text --------------------------------------------------------------- */

static void report(const char *what)
{
	const uint32_t from = trace->nr > 12 ? trace->nr - 12 : 0;
	const struct config *cfg = config_at(trace->config);
	char line[600];

	printf("not ok 1 - %s, seed %llu, epoch %llu, operation %u: %s\n",
	       cfg->name, (ull)trace->seed, (ull)trace->epoch,
	       trace->nr ? trace->nr - 1 : 0, what);
	for (uint32_t i = from; i < trace->nr; i++) {
		op_print(line, sizeof(line), &trace->op[i]);
		printf("# %4u  %s\n", i, line);
	}
	printf("# to repeat: pt_model --seed %llu --config %s --epoch %llu",
	       (ull)trace->seed, cfg->name, (ull)trace->epoch);
	printf(" --shrink\n");
	fflush(stdout);
}

/* A check of the library failed, or it crashed, or hangs: say where. */
static void on_signal(int sig)
{
	report(sig == SIGABRT ? "a check of the library failed" :
	       sig == SIGALRM ? "it takes forever" : "crashed");
	_exit(1);
}

static int finish(uint64_t done, size_t nr_configs)
{
	unsigned int missing = 0;

	for (unsigned int i = 0; i < NR_EVENTS; i++) {
		printf("# %-24s %llu\n", event_name((enum event)i),
		       (ull)events[i]);
		missing += !events[i];
	}
	if (missing && !options.allow_missing && !options.config) {
		printf("not ok 1 - %u events never happened\n", missing);
		return 1;
	}
	printf("ok 1 - %llu operations on %zu configurations, seed %llu\n",
	       (ull)done, nr_configs, (ull)options.seed);
	return 0;
}

/* ---- a run -------------------------------------------------------------- */

static bool wanted(const struct config *cfg)
{
	return !options.config || !strcmp(options.config, cfg->name);
}

/* Shares of --ops: those of arm64 are many, and alike. */
static unsigned int weight(const struct config *cfg)
{
	if (!wanted(cfg))
		return 0;
	return cfg->walker.format == WALKER_ARM64_S1 ||
	       cfg->walker.format == WALKER_ARM64_S2 ? 1 : 4;
}

/* False after a failure. */
static bool run_config(uint64_t share)
{
	trace->epoch = options.epoch;
	while (share) {
		alarm(EPOCH_SECONDS);
		if (!run_epoch(&share)) {
			report(model.rig.message);
			return false;
		}
		if (options.one_epoch)
			return true;
		trace->epoch++;
	}
	return true;
}

static int run(void)
{
	size_t nr = configs_init(), nr_wanted = 0;
	uint64_t share, weights = 0, done = 0;

	for (size_t i = 0; i < nr; i++) {
		nr_wanted += wanted(config_at(i));
		weights += weight(config_at(i));
	}
	if (!nr_wanted) {
		fprintf(stderr, "pt_model: there is no such configuration\n");
		return 2;
	}
	share = options.ops / weights + 1;
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	signal(SIGFPE, on_signal);
	signal(SIGALRM, on_signal);
	printf("1..1\n");
	trace->seed = options.seed;
	for (size_t i = 0; i < nr; i++) {
		uint64_t ops = share * weight(config_at(i));

		trace->config = (uint32_t)i;
		if (ops && !run_config(ops))
			return 1;
		done += ops;
	}
	return finish(done, nr_wanted);
}

static int list(void)
{
	size_t nr = configs_init();

	for (size_t i = 0; i < nr; i++)
		printf("%s\n", config_at(i)->name);
	return 0;
}

static const char usage[] =
	"usage: pt_model [option]...\n"
	"Random operations on page tables, on a list of leaves, and a walker.\n"
	"  --seed N         seed of the run (1)\n"
	"  --ops M          operations, of all configurations (300000)\n"
	"  --config NAME    this one only\n"
	"  --epoch N        this epoch only\n"
	"  --allow-missing  do not fail if something never happened\n"
	"  --shrink         after a failure, drop operations while it lasts\n"
	"  --verbose        print each operation\n"
	"  --list           names of configurations\n"
	"  --help           this text\n";

enum { OPT_SEED = 256, OPT_OPS, OPT_CONFIG, OPT_EPOCH, OPT_MISSING,
       OPT_SHRINK, OPT_VERBOSE, OPT_LIST, OPT_HELP };

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "ops", required_argument, NULL, OPT_OPS },
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "epoch", required_argument, NULL, OPT_EPOCH },
	{ "allow-missing", no_argument, NULL, OPT_MISSING },
	{ "shrink", no_argument, NULL, OPT_SHRINK },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

/* False: misused. */
static bool parse_one(int opt, const char *arg)
{
	struct options *o = &options;

	switch (opt) {
	case OPT_SEED:
		o->seed = strtoull(arg, NULL, 0);
		return true;
	case OPT_OPS:
		o->ops = strtoull(arg, NULL, 0);
		return o->ops;
	case OPT_CONFIG:
		o->config = arg;
		return true;
	case OPT_EPOCH:
		o->epoch = strtoull(arg, NULL, 0);
		o->one_epoch = true;
		return true;
	case OPT_MISSING:
		o->allow_missing = true;
		return true;
	case OPT_SHRINK:
		o->shrink = true;
		return true;
	case OPT_VERBOSE:
		o->verbose = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (opt == OPT_LIST)
			return list();
		if (!parse_one(opt, optarg)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	trace = mmap(NULL, sizeof(*trace), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trace == MAP_FAILED)
		return 1;
	return options.shrink ? shrink_run(trace, run) : run();
}
