/* SPDX-License-Identifier: MIT */
/*
 * model: random operations on the core and on a model of it
 *
 *   epoch 0: [ create ... operations ... destroy everything ]
 *   epoch 1: ...                                             until --ops
 *
 * Each epoch is a world of its own, and follows from the seed and its number
 * alone. After every operation the core, its validators, its domains and the
 * simulated memory have to agree with the model. The end of the run says what
 * happened how often, and fails if something expected never did.
 */
#include "universe.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errno.h"

#define MAX_EPOCH 4096
#define SHOW 20

typedef unsigned long long ull;

static struct world world;
static struct stats stats;
static struct options options = {
	.seed = 1, .ops = 1000000, .format = "mixed"
};

/*
 * The operations of this epoch. With --shrink a child runs them, and whoever
 * thins the trace afterwards is its parent: so it is shared memory.
 */
static struct run {
	uint64_t epoch;
	uint32_t nr;
	struct op op[MAX_EPOCH];
} *run;

static void print_command(void)
{
	const struct options *o = &options;

	printf("# to repeat: model --seed %llu --epoch %llu", (ull)o->seed,
	       (ull)world.epoch);
	if (o->page_size)
		printf(" --page-size %llu", (ull)o->page_size);
	if (o->epoch_ops)
		printf(" --epoch-ops %llu", (ull)o->epoch_ops);
	if (o->batch_capacity)
		printf(" --batch-capacity %u", o->batch_capacity);
	if (o->drain_capacity)
		printf(" --drain-capacity %u", o->drain_capacity);
	if (o->window)
		printf(" --window %u", o->window);
	if (o->domains)
		printf(" --domains %u", o->domains);
	if (o->slow_copy)
		printf(" --slow-copy");
	printf(" --format %s --shrink\n", o->format);
}

static void print_trace(void)
{
	const uint32_t from = run->nr > SHOW ? run->nr - SHOW : 0;
	char line[512];

	for (uint32_t i = from; i < run->nr; i++) {
		print_op(line, sizeof(line), run->op + i);
		printf("# %4u  %s\n", i, line);
	}
}

static void report(const char *what)
{
	printf("not ok 1 - seed %llu, epoch %llu, page size %llu, operation %u: %s\n",
	       (ull)options.seed, (ull)world.epoch, (ull)world.page,
	       run->nr ? run->nr - 1 : 0, what);
	print_trace();
	print_command();
	fflush(stdout);
}

/* A check of the library failed, or it crashed: say where. */
static void on_signal(int sig)
{
	report(sig == SIGABRT ? "a check of the library failed" : "crashed");
	_exit(1);
}

static void show(const struct world *w, const struct op *op)
{
	char line[512];

	if (!options.verbose)
		return;
	print_op(line, sizeof(line), op);
	printf("# epoch %llu op %llu: %s\n", (ull)w->epoch, (ull)w->nr, line);
}

/* Operations of an epoch that made sense; false after a difference. */
static bool run_epoch(uint64_t epoch, uint64_t *left)
{
	struct world *w = &world;
	uint64_t nr;

	run->nr = 0;
	run->epoch = epoch;
	if (!world_init(w, &options, &stats, epoch)) {
		report("the world cannot be made");
		return false;
	}
	nr = options.epoch_ops ? options.epoch_ops :
				 500 + rng_below(&w->rng, 1500);
	if (nr > *left)
		nr = *left;
	while (w->nr < nr && !w->failed && run->nr < MAX_EPOCH) {
		struct op *op = run->op + run->nr;

		generate(w, op);
		run->nr++;
		show(w, op);
		if (execute(w, op))
			w->nr++;
		else
			run->nr--;
	}
	*left -= ioas_min(*left, w->nr);
	if (!w->failed)
		world_fini(w);
	if (w->failed)
		report(w->message);
	return !w->failed;
}

static const char usage[] =
	"usage: model [option]...\n"
	"Random operations on the IO address space and on a model of it.\n"
	"  --seed N            seed of the run (1)\n"
	"  --ops M             operations in all (1000000)\n"
	"  --epoch-ops M       operations per epoch (500 to 2000)\n"
	"  --epoch N           this epoch only\n"
	"  --page-size P       bytes: 8 to 65536; by epoch\n"
	"  --batch-capacity C  runs of a fill batch; by epoch\n"
	"  --drain-capacity C  runs of a drain batch; by epoch\n"
	"  --window W          runs and pages of the read-ahead; by epoch\n"
	"  --domains D         most domains of a space, 1 to 4; by epoch\n"
	"  --format F[,F]...   kinds of domains: flat, mock, amdv1, arm64_s1:16k,\n"
	"                      riscv64:sv39 and the like; mixed: all (mixed)\n"
	"  --slow-copy         reads and writes take the slow path\n"
	"  --allow-missing     do not fail if something never happened\n"
	"  --shrink            after a failure, drop operations while it lasts\n"
	"  --verbose           print each operation\n"
	"  --help              this text\n";

enum { OPT_SEED = 256, OPT_OPS, OPT_EPOCH_OPS, OPT_EPOCH, OPT_PAGE, OPT_BATCH,
       OPT_DRAIN, OPT_WINDOW, OPT_DOMAINS, OPT_FORMAT, OPT_SLOW, OPT_MISSING,
       OPT_SHRINK, OPT_VERBOSE, OPT_HELP };

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "ops", required_argument, NULL, OPT_OPS },
	{ "epoch-ops", required_argument, NULL, OPT_EPOCH_OPS },
	{ "epoch", required_argument, NULL, OPT_EPOCH },
	{ "page-size", required_argument, NULL, OPT_PAGE },
	{ "batch-capacity", required_argument, NULL, OPT_BATCH },
	{ "drain-capacity", required_argument, NULL, OPT_DRAIN },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ "domains", required_argument, NULL, OPT_DOMAINS },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "slow-copy", no_argument, NULL, OPT_SLOW },
	{ "allow-missing", no_argument, NULL, OPT_MISSING },
	{ "shrink", no_argument, NULL, OPT_SHRINK },
	{ "verbose", no_argument, NULL, OPT_VERBOSE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool parse_format(const char *s)
{
	options.format = s;
	options.kinds = kinds_find(s);
	if (!options.kinds)
		for (unsigned int i = 0; i < kinds_nr(); i++)
			fprintf(stderr, "%s\n", kind_get(i)->name);
	return options.kinds;
}

/* False: misused. */
static bool parse_one(int opt, const char *arg)
{
	const uint64_t n = arg ? strtoull(arg, NULL, 0) : 0;
	struct options *o = &options;

	switch (opt) {
	case OPT_SEED:
		o->seed = n;
		return true;
	case OPT_OPS:
		o->ops = n;
		return n;
	case OPT_EPOCH_OPS:
		o->epoch_ops = n;
		return n && n <= MAX_EPOCH;
	case OPT_EPOCH:
		o->only_epoch = n;
		o->has_only_epoch = true;
		return true;
	case OPT_PAGE:
		o->page_size = n;
		return ioas_is_pow2(n) && n >= 8 && n <= 65536;
	case OPT_BATCH:
		o->batch_capacity = (uint32_t)n;
		return n;
	case OPT_DRAIN:
		o->drain_capacity = (uint32_t)n;
		return n;
	case OPT_WINDOW:
		o->window = (uint32_t)n;
		return n;
	case OPT_DOMAINS:
		o->domains = (uint32_t)n;
		return n && n <= 4;
	case OPT_FORMAT:
		return parse_format(arg);
	case OPT_SLOW:
		o->slow_copy = true;
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

static int finish(void)
{
	unsigned int n = print_missing_formats(&stats, &options);

	if (options.allow_missing)
		print_missing(&stats, &options);
	else
		n += print_missing(&stats, &options);
	print_stats(&stats);
	if (n && !options.has_only_epoch) {
		printf("not ok 1 - %u expected events never happened\n", n);
		return 1;
	}
	printf("ok 1 - %llu operations agree with the model, seed %llu\n",
	       (ull)stats.ops, (ull)options.seed);
	return 0;
}

static int run_all(void)
{
	uint64_t epoch = options.only_epoch;

	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	for (uint64_t left = options.ops; left; epoch++) {
		if (!run_epoch(epoch, &left))
			return 1;
		if (options.has_only_epoch)
			break;
	}
	return finish();
}

static int run_in_child(void)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (!pid)
		exit(run_all());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	shrink(&options, run->epoch, run->op, run->nr);
	return 1;
}

int main(int argc, char **argv)
{
	int opt;

	options.kinds = kinds_find(options.format);
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (!parse_one(opt, optarg)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run == MAP_FAILED)
		return 1;
	printf("1..1\n");
	return options.shrink ? run_in_child() : run_all();
}
