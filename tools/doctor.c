/* SPDX-License-Identifier: MIT */
/* doctor: will `ioas run` work on this machine, and how well */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "super/probe.h"

#define PROBES_MAX 64

static const char help[] =
	"usage: ioas doctor [OPTION]...\n"
	"\n"
	"Tries what ioas run needs, and prints a line for each: \"ok\", \"no\" "
	"(ioas\n"
	"run does not work without), or \"--\" (it does, and what follows).\n"
	"\n"
	"  -v, --verbose     for what is ok as well, what follows\n"
	"  --json            one object instead of text\n"
	"  --help            this\n"
	"\n"
	"Exit status: 0 ioas run works, 1 not, 2 misused. See "
	"ioas-doctor(1).\n";

enum option_code {
	OPTION_JSON = 256,
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char *const weights[] = {
	[IOAS_PROBE_NEEDED] = "needed",
	[IOAS_PROBE_USEFUL] = "useful",
	[IOAS_PROBE_FACT] = "fact",
};

struct request {
	bool json;
	bool verbose;
	bool help;
};

/* Return: 0, or as for misuse. */
static int parse(int argc, char **argv, struct request *rq)
{
	int option;

	opterr = 0;
	optind = 1;
	while (optind < argc) {
		const char *word = argv[optind];

		option = getopt_long(argc, argv, "+vh", long_options, NULL);
		if (option == OPTION_JSON)
			rq->json = true;
		else if (option == 'v')
			rq->verbose = true;
		else if (option == 'h')
			rq->help = true;
		else if (option < 0)
			break;
		else
			return ioas_say_misuse("%s: no such option", word);
	}
	if (argv[optind] && !rq->help)
		return ioas_say_misuse("%s: unexpected", argv[optind]);
	return 0;
}

static void print_text(const struct ioas_probe *p, bool verbose)
{
	const char *mark = p->ok ? "ok" : "--";

	if (!p->ok && p->weight == IOAS_PROBE_NEEDED)
		mark = "no";
	printf("%s %s: %s", mark, p->title, p->seen);
	if (*p->follows && (verbose || !p->ok))
		printf("; %s", p->follows);
	putchar('\n');
}

static struct json_object *to_json(const struct ioas_probe *p)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(p->name));
	json_object_object_add(o, "title", json_object_new_string(p->title));
	json_object_object_add(o, "weight",
			       json_object_new_string(weights[p->weight]));
	json_object_object_add(o, "ok", json_object_new_boolean(p->ok));
	json_object_object_add(o, "seen", json_object_new_string(p->seen));
	json_object_object_add(o, "follows",
			       json_object_new_string(p->follows));
	return o;
}

static void print_json(const struct ioas_probe *probes, size_t nr, bool works)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(list, to_json(&probes[i]));
	json_object_object_add(o, "schema", json_object_new_int(1));
	json_object_object_add(o, "works", json_object_new_boolean(works));
	json_object_object_add(o, "probes", list);
	ioas_json_line(o);
}

int ioas_verb_doctor(int argc, char **argv)
{
	struct ioas_probe *probes;
	struct request rq = { 0 };
	bool works;
	size_t nr;
	int ret = parse(argc, argv, &rq);

	if (ret)
		return ret;
	if (rq.help) {
		fputs(help, stdout);
		return ioas_end_output(IOAS_EXIT_DONE);
	}
	probes = ioas_xcalloc(PROBES_MAX, sizeof(*probes));
	nr = ioas_probe_all(probes, PROBES_MAX);
	works = nr > 0;
	for (size_t i = 0; i < nr; i++)
		if (!probes[i].ok && probes[i].weight == IOAS_PROBE_NEEDED)
			works = false;
	if (rq.json)
		print_json(probes, nr, works);
	for (size_t i = 0; i < nr && !rq.json; i++)
		print_text(&probes[i], rq.verbose);
	if (!rq.json)
		printf("ioas run %s here\n", works ? "works" : "does not work");
	free(probes);
	return ioas_end_output(works ? IOAS_EXIT_DONE : IOAS_EXIT_FAILED);
}
