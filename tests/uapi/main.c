/* SPDX-License-Identifier: MIT */
/*
 * uapi_model: random requests to the front end and to a model of it
 *
 *   epoch 0: [ host, processes ... operations ... close everything ]
 *   epoch 1: ...                                            until --ops
 *
 * Each epoch is a host of its own, and follows from the seed and its number
 * alone. The end of the run says what happened how often, and fails if something
 * expected never did.
 */
#include "uops.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct um model;
static struct stats stats;
static struct options options = { .seed = 1, .ops = 60000 };

static const uint8_t weights[NR_OPS] = {
	[OP_IOAS_ALLOC] = 8,	  [OP_DESTROY] = 16,
	[OP_MAP] = 52,		  [OP_MAP_FILE] = 30,
	[OP_COPY] = 34,		  [OP_UNMAP] = 40,
	[OP_UNMAP_ALL] = 3,	  [OP_ALLOW] = 10,
	[OP_RESERVE] = 5,	  [OP_RANGES] = 5,
	[OP_HUGE_PAGES] = 9,	  [OP_RLIMIT_MODE] = 2,
	[OP_VFIO_IOAS] = 5,	  [OP_VFIO_SET_IOMMU] = 5,
	[OP_VFIO_EXTENSION] = 2,  [OP_VFIO_INFO] = 4,
	[OP_VFIO_MAP] = 14,	  [OP_VFIO_UNMAP] = 22,
	[OP_DEVICE] = 18,	  [OP_REPLACE] = 14,
	[OP_HWPT_ALLOC] = 18,	  [OP_SET_DIRTY] = 16,
	[OP_DIRTY] = 24,	  [OP_GET_DIRTY] = 26,
	[OP_CHECK_MAP] = 16,	  [OP_CHECK_REFS] = 16,
	[OP_ACCESS_CREATE] = 10,  [OP_ACCESS_CLOSE] = 3,
	[OP_ACCESS_REPLACE] = 7,  [OP_PIN] = 44,
	[OP_UNPIN] = 30,	  [OP_RW] = 40,
	[OP_DMABUF_GET] = 6,	  [OP_DMABUF_CLOSE] = 3,
	[OP_DMABUF_REVOKE] = 3,	  [OP_CHANGE_PROCESS] = 7,
	[OP_LIMIT] = 7,		  [OP_REMAP] = 12,
	[OP_PROCESS] = 3,	  [OP_EXIT] = 1,
	[OP_TEMP_LIMIT] = 3,
};

static void report(const char *what)
{
	const struct um *m = &model;
	const uint64_t n = m->nr_texts;

	printf("not ok 1 - seed %llu, epoch %llu, operation %llu: %s\n",
	       (ull)options.seed, (ull)m->epoch, (ull)m->nr, what);
	for (uint64_t i = n > HISTORY ? n - HISTORY : 0; i < n; i++)
		printf("# %s\n", m->text[i % HISTORY]);
	printf("# to repeat: uapi_model --seed %llu --epoch %llu%s\n",
	       (ull)options.seed, (ull)m->epoch,
	       options.no_faults ? " --no-faults" : "");
	fflush(stdout);
}

/* A check of the library or of the host failed, or it crashed: say where. */
static void on_signal(int sig)
{
	report(sig == SIGABRT ? "a check failed" : "crashed");
	_exit(1);
}

static uint8_t choose(struct um *m)
{
	for (;;) {
		uint64_t n = 0, at;
		uint8_t k;

		if (some_ioas(m) < 0 && chance(m, 10))
			return OP_RLIMIT_MODE;

		for (k = 0; k < NR_OPS; k++)
			n += m->off[k] ? 0 : weights[k];
		at = below(m, n);
		for (k = 0; m->off[k] || at >= weights[k]; k++)
			at -= m->off[k] ? 0 : weights[k];
		/* An empty context is soon left behind. */
		if (some_ioas(m) >= 0 || chance(m, 30) || k == OP_IOAS_ALLOC)
			return k;
	}
}

/* False after a difference. */
static bool run_epoch(uint64_t epoch, uint64_t *left)
{
	struct um *m = &model;
	uint64_t nr;

	world_init(m, &options, &stats, epoch);
	nr = 400 + below(m, 1600);
	nr = nr < *left ? nr : *left;
	while (m->nr < nr && !m->failed)
		if (execute(m, choose(m)) && !m->failed)
			m->nr++;
	*left -= m->nr < *left ? m->nr : *left;
	if (!m->failed)
		world_fini(m);
	if (m->failed)
		report(m->message);
	return !m->failed;
}

static int run_all(void)
{
	uint64_t epoch = options.only_epoch;
	unsigned int n;

	for (uint64_t left = options.ops; left; epoch++) {
		if (!run_epoch(epoch, &left))
			return 1;
		if (options.has_only_epoch)
			break;
	}
	n = options.has_only_epoch ? 0 : print_missing(&stats);
	print_stats(&stats);
	if (n && !options.allow_missing) {
		printf("not ok 1 - %u expected events never happened\n", n);
		return 1;
	}
	printf("ok 1 - %llu operations agree with the model, seed %llu\n",
	       (ull)stats.ops, (ull)options.seed);
	return 0;
}

static const char usage[] =
	"usage: uapi_model [option]...\n"
	"Random requests to the front end and to a model of it.\n"
	"  --seed N         seed of the run (1)\n"
	"  --ops M          operations in all (60000)\n"
	"  --epoch N        this epoch only\n"
	"  --no-faults      inject no failures\n"
	"  --allow-missing  do not fail if something never happened\n"
	"  -v, --verbose    print each operation\n"
	"  --help           this text\n";

static const struct option long_options[] = {
	{ "seed", required_argument, NULL, 's' },
	{ "ops", required_argument, NULL, 'o' },
	{ "epoch", required_argument, NULL, 'e' },
	{ "no-faults", no_argument, NULL, 'f' },
	{ "allow-missing", no_argument, NULL, 'm' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* False: misused. */
static bool parse_one(int opt, const char *arg)
{
	const uint64_t n = arg ? strtoull(arg, NULL, 0) : 0;

	switch (opt) {
	case 's':
		options.seed = n;
		return true;
	case 'o':
		options.ops = n;
		return n;
	case 'e':
		options.only_epoch = n;
		options.has_only_epoch = true;
		options.ops = UINT64_MAX;
		return true;
	case 'f':
		options.no_faults = true;
		return true;
	case 'm':
		options.allow_missing = true;
		return true;
	case 'v':
		options.verbose = true;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(argc, argv, "v", long_options, NULL)) != -1) {
		if (opt == 'h') {
			fputs(usage, stdout);
			return 0;
		}
		if (!parse_one(opt, optarg)) {
			fputs(usage, stderr);
			return 2;
		}
	}
	/* What the host finds wrong is one of the checks. */
	setenv("CMOCKA_TEST_ABORT", "1", 1);
	signal(SIGABRT, on_signal);
	signal(SIGSEGV, on_signal);
	printf("1..1\n");
	return run_all();
}
