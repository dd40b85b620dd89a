/* SPDX-License-Identifier: MIT */
/*
 * ioas: the command
 *
 * A verb is a line in the table below and a file of its own.
 */
#include "cmd.h"

#include <ioas/version.h>
#include <stdio.h>
#include <string.h>

static const struct ioas_verb verbs[] = {
	{ "pt", "IO page tables: replay, walk, explain, show", ioas_verb_pt },
	{ "run", "a program that finds /dev/iommu", ioas_verb_run_program },
	{ "devices", "what ioas run --device can be, and its options",
	  ioas_verb_devices },
	{ "doctor", "whether ioas run works on this machine",
	  ioas_verb_doctor },
	{ NULL, NULL, NULL },
};

static const char intro[] =
	"usage: ioas VERB [ARGUMENT]...\n"
	"       ioas --help | --version\n"
	"\n"
	"IO address spaces of Linux iommufd, in user space.\n"
	"\n";

static const char outro[] =
	"\n"
	"ioas VERB --help says more of each. Exit status: 0 done, 1 failed,\n"
	"2 misused. See ioas(1).\n";

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		printf("ioas %s\n", IOAS_VERSION);
		return ioas_end_output(IOAS_EXIT_DONE);
	}
	return ioas_verb_run(verbs, intro, outro, argc, argv);
}
