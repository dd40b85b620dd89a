/* SPDX-License-Identifier: MIT */
/* devices: what --device of `ioas run` can name, and its options */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "super/devspec.h"

/* Columns of "file=FILE". */
#define OPTION_WIDTH 18

static const char help[] =
	"usage: ioas devices [OPTION]... [MODEL]\n"
	"\n"
	"Lists models of devices that ioas run can make; with MODEL, its "
	"options.\n"
	"A MODEL with a slash is a shared object with one of your own.\n"
	"\n"
	"  --json              one object instead of text\n"
	"  -h, --help          this\n"
	"\n"
	"Exit status: 0 done, 1 failed, 2 misused. See ioas-devices(1), "
	"ioas-devices(7).\n";

enum option_code {
	OPTION_JSON = 256,
};

static const struct option long_options[] = {
	{ "json", no_argument, NULL, OPTION_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct request {
	/* NULL: all. */
	const struct ioas_model *model;
	bool json;
	bool help;
};

/* Return: 0, or as for misuse. */
static int parse(int argc, char **argv, struct request *rq)
{
	char why[400];
	int option;

	opterr = 0;
	optind = 0; /* glibc: from the beginning */
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) !=
	       -1) {
		if (option == OPTION_JSON)
			rq->json = true;
		else if (option == 'h')
			rq->help = true;
		else
			return ioas_say_misuse("%s: no such option",
					       argv[optind - 1]);
	}
	if (rq->help || optind == argc)
		return 0;
	if (optind + 1 < argc)
		return ioas_say_misuse("%s: unexpected", argv[optind + 1]);
	if (ioas_devspec_model(argv[optind], &rq->model, why, sizeof(why)))
		return ioas_say_misuse("%s: %s", argv[optind], why);
	return 0;
}

/* ---- text --------------------------------------------------------------- */

static void print_options(const struct ioas_model_option *options)
{
	for (; options && options->name; options++) {
		char text[64];

		snprintf(text, sizeof(text), "%s%s%s", options->name,
			 options->value ? "=" : "",
			 options->value ? options->value : "");
		printf("  %-*s %s\n", OPTION_WIDTH, text, options->what);
	}
}

static void print_models(void)
{
	for (size_t i = 0; ioas_devspec_models[i]; i++)
		printf("%-8s %s\n", ioas_devspec_models[i]->name,
		       ioas_devspec_models[i]->summary);
}

static void print_model(const struct ioas_model *m)
{
	printf("%s: %s\n\n", m->name, m->summary);
	if (m->options && m->options->name) {
		print_options(m->options);
		printf("\nand, as every model:\n\n");
	}
	print_options(ioas_devspec_options);
}

/* ---- JSON --------------------------------------------------------------- */

static struct json_object *
options_to_json(const struct ioas_model_option *options)
{
	struct json_object *list = json_object_new_array();

	for (; options && options->name; options++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "name",
				       json_object_new_string(options->name));
		if (options->value)
			json_object_object_add(
				o, "value",
				json_object_new_string(options->value));
		json_object_object_add(o, "what",
				       json_object_new_string(options->what));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *model_to_json(const struct ioas_model *m)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "name", json_object_new_string(m->name));
	json_object_object_add(o, "summary",
			       json_object_new_string(m->summary));
	json_object_object_add(o, "options", options_to_json(m->options));
	return o;
}

static void print_json(const struct ioas_model *only)
{
	struct json_object *o = json_object_new_object();
	struct json_object *list = json_object_new_array();

	if (only)
		json_object_array_add(list, model_to_json(only));
	for (size_t i = 0; !only && ioas_devspec_models[i]; i++)
		json_object_array_add(list,
				      model_to_json(ioas_devspec_models[i]));
	json_object_object_add(o, "schema", json_object_new_int(1));
	json_object_object_add(o, "models", list);
	json_object_object_add(o, "common",
			       options_to_json(ioas_devspec_options));
	ioas_json_line(o);
}

int ioas_verb_devices(int argc, char **argv)
{
	struct request rq = { .json = false };
	const int ret = parse(argc, argv, &rq);

	if (ret)
		return ret;
	if (rq.help)
		fputs(help, stdout);
	else if (rq.json)
		print_json(rq.model);
	else if (rq.model)
		print_model(rq.model);
	else
		print_models();
	return ioas_end_output(IOAS_EXIT_DONE);
}
