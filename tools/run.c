/* SPDX-License-Identifier: MIT */
/* run: a program with /dev/iommu */
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "super/run.h"

#define PRELOAD_LIBRARY "libioas-preload.so"

static const char help[] =
	"usage: ioas run [OPTION]... [--] PROGRAM [ARGUMENT]...\n"
	"\n"
	"Runs a program that finds /dev/iommu. It needs to know nothing of it, "
	"and\n"
	"may start others.\n"
	"\n"
	"  --device MODEL[,NAME[=VALUE]]...\n"
	"                      a PCI device, as VFIO shows it; may be repeated: "
	"see\n"
	"                      ioas devices, ioas-devices(7)\n"
	"  --iommu KIND        page tables behind devices: vtdss (if not given),\n"
	"                      x86_64, amdv1, riscv64\n"
	"  --test-abi          offer the mock IOMMU and its devices\n"
	"  --fault-injection   offer fail-nth and the knobs of debugfs\n"
	"  --trace FILE        write a line of JSON per call; -: stderr\n"
	"  --report[=FILE]     at the end, what leaked and what was lost: text "
	"on\n"
	"                      stderr, or JSON to FILE\n"
	"  --memlock N         memory that clients may pin, instead of their\n"
	"                      RLIMIT_MEMLOCK: bytes, with K, M, G or T, or\n"
	"                      unlimited\n"
	"  --mode MODE         auto, namespace or trap: whether names are "
	"mounted,\n"
	"                      so that listings show them, or only answered\n"
	"  --preload           by a library in the program, not by a "
	"supervisor\n"
	"  --force             do without what correctness needs of the "
	"kernel\n"
	"  -q, --quiet         errors only\n"
	"  -v, --verbose       also what was set up\n"
	"  -h, --help          this\n"
	"\n"
	"Exit status: that of the program; 125 if ioas failed, 126 if the "
	"program\n"
	"cannot be executed, 127 if it is not found, 2 misused. If a signal "
	"killed\n"
	"the program, it kills ioas as well. See ioas-run(1), ioas doctor.\n";

enum option_code {
	OPTION_DEVICE = 256,
	OPTION_IOMMU,
	OPTION_TEST_ABI,
	OPTION_FAULT_INJECTION,
	OPTION_TRACE,
	OPTION_REPORT,
	OPTION_MEMLOCK,
	OPTION_MODE,
	OPTION_PRELOAD,
	OPTION_FORCE,
};

static const struct option long_options[] = {
	{ "device", required_argument, NULL, OPTION_DEVICE },
	{ "iommu", required_argument, NULL, OPTION_IOMMU },
	{ "test-abi", no_argument, NULL, OPTION_TEST_ABI },
	{ "fault-injection", no_argument, NULL, OPTION_FAULT_INJECTION },
	{ "trace", required_argument, NULL, OPTION_TRACE },
	{ "report", optional_argument, NULL, OPTION_REPORT },
	{ "memlock", required_argument, NULL, OPTION_MEMLOCK },
	{ "mode", required_argument, NULL, OPTION_MODE },
	{ "preload", no_argument, NULL, OPTION_PRELOAD },
	{ "force", no_argument, NULL, OPTION_FORCE },
	{ "quiet", no_argument, NULL, 'q' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	struct ioas_run_options run;
	/* Of --device, in order; room for one in each word. */
	const char **devices;
	bool preload;
	bool help;
	/* An option that only the supervisor understands. */
	const char *supervised;
};

/* ---- command line ------------------------------------------------------- */

static bool parse_mode(const char *text, enum ioas_run_mode *mode)
{
	static const char *const names[] = {
		[IOAS_RUN_AUTO] = "auto",
		[IOAS_RUN_NAMESPACE] = "namespace",
		[IOAS_RUN_TRAP] = "trap",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(text, names[i])) {
			*mode = (enum ioas_run_mode)i;
			return true;
		}
	}
	return false;
}

static bool parse_memlock(const char *text, struct ioas_run_options *run)
{
	run->own_memlock = true;
	if (strcmp(text, "unlimited"))
		return ioas_parse_size(text, &run->memlock);
	run->memlock = UINT64_MAX;
	return true;
}

/* Return: 0, or as for misuse. */
static int take_value(struct request *rq, int option)
{
	switch (option) {
	case OPTION_DEVICE:
		rq->devices[rq->run.nr_devices++] = optarg;
		rq->supervised = "--device";
		return 0;
	case OPTION_IOMMU:
		rq->run.iommu = optarg;
		rq->supervised = "--iommu";
		return 0;
	case OPTION_TRACE:
		rq->run.trace = optarg;
		rq->supervised = "--trace";
		return *optarg ? 0 : ioas_say_misuse("--trace: no name");
	case OPTION_REPORT:
		rq->run.report = true;
		rq->run.report_file = optarg;
		rq->supervised = "--report";
		return !optarg || *optarg ?
			       0 :
			       ioas_say_misuse("--report: no name");
	case OPTION_MEMLOCK:
		if (parse_memlock(optarg, &rq->run))
			return 0;
		return ioas_say_misuse("--memlock: %s: no size", optarg);
	default:
		rq->supervised = "--mode";
		if (parse_mode(optarg, &rq->run.mode))
			return 0;
		return ioas_say_misuse(
			"--mode: %s: not one of auto, namespace, "
			"trap",
			optarg);
	}
}

/* Return: 0, or as for misuse. */
static int take_option(struct request *rq, int option, const char *word)
{
	switch (option) {
	case OPTION_TEST_ABI:
		rq->run.test_abi = true;
		return 0;
	case OPTION_FAULT_INJECTION:
		rq->run.fault_injection = true;
		rq->supervised = "--fault-injection";
		return 0;
	case OPTION_PRELOAD:
		rq->preload = true;
		return 0;
	case OPTION_FORCE:
		rq->run.force = true;
		rq->supervised = "--force";
		return 0;
	case 'q':
		rq->run.quiet = true;
		return 0;
	case 'v':
		rq->run.verbose++;
		return 0;
	case 'h':
		rq->help = true;
		return 0;
	case ':':
		return ioas_say_misuse("%s: no value", word);
	case '?':
		if (optopt && word[1] != '-')
			return ioas_say_misuse("-%c: no such option", optopt);
		return ioas_say_misuse("%s: %s", word,
				       optopt ? "takes no value" :
						"no such option");
	default:
		return take_value(rq, option);
	}
}

/* Return: 0, or as for misuse. Stops before the program. */
static int parse(int argc, char **argv, struct request *rq)
{
	int option, ret = 0;

	opterr = 0;
	optind = 1;
	while (!ret && !rq->help) {
		const char *word = argv[optind];

		option = getopt_long(argc, argv, "+:qvh", long_options, NULL);
		if (option < 0)
			break;
		ret = take_option(rq, option, word);
	}
	if (ret || rq->help)
		return ret;
	rq->run.argv = argv + optind;
	if (!argv[optind])
		return ioas_say_misuse("no program");
	if (rq->preload && rq->supervised)
		return ioas_say_misuse("%s: not with --preload",
				       rq->supervised);
	return 0;
}

/* ---- without a supervisor ----------------------------------------------- */

/* Below the directory of this command, in a build and in an installation. */
static bool find_library(char path[PATH_MAX])
{
	static const char *const places[] = {
		"/../src/preload/", "/../src/", "/../preload/",
		"/../lib/ioas/",    "/../lib/",
	};
	char self[PATH_MAX];
	const ssize_t n = readlink("/proc/self/exe", self, sizeof(self));

	for (size_t i = 0; n > 0 && i < sizeof(places) / sizeof(places[0]);
	     i++) {
		int length = (int)n;

		while (length && self[length - 1] != '/')
			length--;
		length = length ? length - 1 : 0;
		if (snprintf(path, PATH_MAX, "%.*s%s%s", length, self,
			     places[i], PRELOAD_LIBRARY) < PATH_MAX &&
		    !access(path, R_OK))
			return true;
	}
	snprintf(path, PATH_MAX, "%s/%s", IOAS_PRELOADDIR, PRELOAD_LIBRARY);
	return !access(path, R_OK);
}

static int run_preloaded(const struct ioas_run_options *run)
{
	const char *more = getenv("LD_PRELOAD");
	char path[PATH_MAX], *list, number[24];
	int error;

	if (!find_library(path)) {
		ioas_say_error("%s: not found", PRELOAD_LIBRARY);
		return IOAS_RUN_FAILED;
	}
	if (asprintf(&list, "%s%s%s", path, more && *more ? ":" : "",
		     more ? more : "") < 0) {
		ioas_say_error("out of memory");
		return IOAS_RUN_FAILED;
	}
	setenv("LD_PRELOAD", list, 1);
	free(list);
	if (run->test_abi)
		setenv("IOAS_PRELOAD_TEST_ABI", "1", 1);
	if (run->quiet)
		setenv("IOAS_PRELOAD_QUIET", "1", 1);
	snprintf(number, sizeof(number), "%" PRIu64, run->memlock);
	if (run->own_memlock)
		setenv("IOAS_PRELOAD_MEMLOCK", number, 1);
	execvp(run->argv[0], run->argv);
	error = errno;
	if (error == ENOENT || error == ENOTDIR) {
		ioas_say_error("%s: not found", run->argv[0]);
		return IOAS_RUN_NOT_FOUND;
	}
	ioas_say_error("%s: cannot be executed: %s", run->argv[0],
		       strerror(error));
	return IOAS_RUN_NOT_EXECUTABLE;
}

int ioas_verb_run_program(int argc, char **argv)
{
	struct request rq = {
		.devices = ioas_xcalloc((size_t)argc, sizeof(char *)),
	};
	int ret;

	rq.run.devices = rq.devices;
	ret = parse(argc, argv, &rq);
	if (!ret && rq.help) {
		fputs(help, stdout);
		ret = ioas_end_output(IOAS_EXIT_DONE);
	} else if (!ret) {
		ret = rq.preload ? run_preloaded(&rq.run) : ioas_run(&rq.run);
	}
	free(rq.devices);
	return ret;
}
