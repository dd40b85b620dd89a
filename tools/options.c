/* SPDX-License-Identifier: MIT */
/* options: the command lines of the verbs of pt */
#include "source.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "vectors.h"

enum option_code {
	OPTION_JSON = 256,
	OPTION_HELP,
	OPTION_VERBOSE,
	OPTION_FORMAT,
	OPTION_LEVELS,
	OPTION_VA_BITS,
	OPTION_OA_BITS,
	OPTION_GRANULE,
	OPTION_SIGN_EXTEND,
	OPTION_CONTIGUOUS,
	OPTION_DIRTY,
	OPTION_S2FWB,
	OPTION_C_BIT,
	OPTION_ROOT,
	OPTION_BASE,
	OPTION_ROOT_PA,
	OPTION_VECTOR,
	OPTION_VECTORS,
	OPTION_ACCESS,
	OPTION_LEVEL,
	OPTION_ONLY,
};

static const struct known {
	const char *name;
	int has_arg;
	enum option_code code;
	unsigned int groups; /* 0: every verb */
} known[] = {
	{ "json", no_argument, OPTION_JSON, 0 },
	{ "help", no_argument, OPTION_HELP, 0 },
	{ "verbose", no_argument, OPTION_VERBOSE, 0 },
	{ "format", required_argument, OPTION_FORMAT, PT_OPTION_FORMAT },
	{ "levels", required_argument, OPTION_LEVELS, PT_OPTION_GEOMETRY },
	{ "va-bits", required_argument, OPTION_VA_BITS, PT_OPTION_GEOMETRY },
	{ "oa-bits", required_argument, OPTION_OA_BITS, PT_OPTION_GEOMETRY },
	{ "granule", required_argument, OPTION_GRANULE, PT_OPTION_GEOMETRY },
	{ "sign-extend", optional_argument, OPTION_SIGN_EXTEND,
	  PT_OPTION_GEOMETRY },
	{ "contiguous", optional_argument, OPTION_CONTIGUOUS,
	  PT_OPTION_GEOMETRY },
	{ "dirty", optional_argument, OPTION_DIRTY, PT_OPTION_GEOMETRY },
	{ "s2fwb", optional_argument, OPTION_S2FWB, PT_OPTION_GEOMETRY },
	{ "c-bit", required_argument, OPTION_C_BIT, PT_OPTION_GEOMETRY },
	{ "root", required_argument, OPTION_ROOT, PT_OPTION_TABLES },
	{ "base", required_argument, OPTION_BASE, PT_OPTION_TABLES },
	{ "root-pa", required_argument, OPTION_ROOT_PA, PT_OPTION_TABLES },
	{ "vector", required_argument, OPTION_VECTOR, PT_OPTION_TABLES },
	{ "vectors", required_argument, OPTION_VECTORS, PT_OPTION_TABLES },
	{ "access", required_argument, OPTION_ACCESS, PT_OPTION_ACCESS },
	{ "level", required_argument, OPTION_LEVEL, PT_OPTION_LEVEL },
	{ "only", required_argument, OPTION_ONLY, PT_OPTION_ONLY },
};

#define NR_KNOWN (sizeof(known) / sizeof(known[0]))

static int take_number(const char *name, const char *arg, uint64_t least,
		       uint64_t most, uint64_t *value)
{
	if (ioas_parse_number(arg, value) && *value >= least &&
	    *value <= most)
		return IOAS_EXIT_DONE;
	if (most == UINT64_MAX)
		return ioas_say_misuse("--%s: %s: not a number", name, arg);
	return ioas_say_misuse("--%s: %s: not a number from %llu to %llu",
			       name, arg, (unsigned long long)least,
			       (unsigned long long)most);
}

/* --name, --name=yes or --name=no */
static int take_switch(const char *name, const char *arg, int *value)
{
	*value = 1;
	if (!arg || !strcmp(arg, "yes"))
		return IOAS_EXIT_DONE;
	*value = 0;
	if (!strcmp(arg, "no"))
		return IOAS_EXIT_DONE;
	return ioas_say_misuse("--%s: %s: neither yes nor no", name, arg);
}

static int take_format(const char *arg, struct pt_options *o)
{
	char names[200] = "";
	size_t at = 0;

	o->format = walker_format_find(arg);
	if (o->format >= 0)
		return IOAS_EXIT_DONE;
	for (int i = 0; i < WALKER_NR_FORMATS && at < sizeof(names); i++)
		at += (size_t)snprintf(
			names + at, sizeof(names) - at, " %s",
			walker_format_name((enum walker_format)i));
	return ioas_say_misuse("--format: %s: not one of%s", arg, names);
}

static int take_granule(const char *arg, struct pt_options *o)
{
	if (ioas_parse_size(arg, &o->granule) && o->granule >= 512 &&
	    !(o->granule & (o->granule - 1)))
		return IOAS_EXIT_DONE;
	return ioas_say_misuse("--granule: %s: not a power of two from 512",
			       arg);
}

static int take_c_bit(const char *arg, struct pt_options *o)
{
	uint64_t bit = 0;
	int status = take_number("c-bit", arg, 12, 63, &bit);

	o->c_bit = (uint64_t)1 << bit;
	return status;
}

static int take_geometry(const struct known *k, const char *arg,
			 struct pt_options *o)
{
	o->has_geometry = true;
	switch (k->code) {
	case OPTION_LEVELS:
		return take_number(k->name, arg, 1, WALKER_MAX_LEVELS,
				   &o->levels);
	case OPTION_VA_BITS:
		return take_number(k->name, arg, 1, 64, &o->va_bits);
	case OPTION_OA_BITS:
		return take_number(k->name, arg, 1, 64, &o->oa_bits);
	case OPTION_GRANULE:
		return take_granule(arg, o);
	case OPTION_SIGN_EXTEND:
		return take_switch(k->name, arg, &o->sign_extend);
	case OPTION_CONTIGUOUS:
		return take_switch(k->name, arg, &o->contiguous);
	case OPTION_DIRTY:
		return take_switch(k->name, arg, &o->dirty);
	case OPTION_S2FWB:
		return take_switch(k->name, arg, &o->s2fwb);
	default:
		return take_c_bit(arg, o);
	}
}

static int take(const struct known *k, const char *arg, struct pt_options *o)
{
	switch (k->code) {
	case OPTION_JSON:
		o->json = true;
		return IOAS_EXIT_DONE;
	case OPTION_VERBOSE:
		o->verbose = true;
		return IOAS_EXIT_DONE;
	case OPTION_FORMAT:
		return take_format(arg, o);
	case OPTION_ROOT:
		o->root_file = arg;
		return IOAS_EXIT_DONE;
	case OPTION_BASE:
		o->has_base = true;
		return take_number(k->name, arg, 0, UINT64_MAX, &o->base);
	case OPTION_ROOT_PA:
		o->has_root_pa = true;
		return take_number(k->name, arg, 0, UINT64_MAX, &o->root_pa);
	case OPTION_VECTOR:
		o->vector = arg;
		return IOAS_EXIT_DONE;
	case OPTION_VECTORS:
		o->vectors_file = arg;
		return IOAS_EXIT_DONE;
	case OPTION_ACCESS:
		if (ioas_parse_access(arg, &o->access))
			return IOAS_EXIT_DONE;
		return ioas_say_misuse("--access: %s: not letters of rwx, "
				       "nor none", arg);
	case OPTION_LEVEL:
		return take_number(k->name, arg, 0, WALKER_MAX_LEVELS - 1,
				   &o->level);
	case OPTION_ONLY:
		o->only = arg;
		return IOAS_EXIT_DONE;
	default:
		return take_geometry(k, arg, o);
	}
}

static const struct known *find(int code)
{
	if (code == 'h')
		code = OPTION_HELP;
	if (code == 'v')
		code = OPTION_VERBOSE;
	for (size_t i = 0; i < NR_KNOWN; i++)
		if ((int)known[i].code == code)
			return &known[i];
	return NULL;
}

/* What getopt_long() could not make anything of. */
static int refuse(char **argv)
{
	const char *name = argv[optind - 1];

	/* A letter is refused before its word is done with. */
	if (optopt && optopt < 256)
		return ioas_say_misuse("-%c: no such option", optopt);
	if (optopt)
		return ioas_say_misuse("%s: %s", name,
				       strchr(name, '=') ?
					       "wants no argument" :
					       "wants an argument");
	return ioas_say_misuse("%s: no such option", name);
}

int ioas_pt_options_parse(int argc, char **argv, unsigned int groups,
			  const char *help, struct pt_options *o)
{
	struct option options[NR_KNOWN + 1] = { 0 };
	size_t nr = 0;
	int code, status;

	for (size_t i = 0; i < NR_KNOWN; i++)
		if (!known[i].groups || known[i].groups & groups)
			options[nr++] = (struct option){
				known[i].name, known[i].has_arg, NULL,
				(int)known[i].code,
			};
	*o = (struct pt_options){
		.format = -1, .sign_extend = -1, .contiguous = -1,
		.dirty = -1, .s2fwb = -1,
	};
	opterr = 0;
	optind = 0; /* glibc: from the beginning */
	while ((code = getopt_long(argc, argv, "hv", options, NULL)) != -1) {
		const struct known *k = find(code);

		if (!k)
			return refuse(argv);
		if (k->code == OPTION_HELP) {
			fputs(help, stdout);
			return ioas_end_output(IOAS_EXIT_DONE);
		}
		status = take(k, optarg, o);
		if (status)
			return status;
	}
	return -1;
}
