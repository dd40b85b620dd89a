/* SPDX-License-Identifier: MIT */
/* pt: the verbs that work on IO page tables */
#include "cmd.h"

static const struct ioas_verb verbs[] = {
	{ "replay", "build the tables of test vectors and compare",
	  ioas_verb_pt_replay },
	{ "walk", "translate an IOVA, level by level", ioas_verb_pt_walk },
	{ "explain", "decode one entry", ioas_verb_pt_explain },
	{ "show", "what a page table maps", ioas_verb_pt_show },
	{ NULL, NULL, NULL },
};

static const char intro[] =
	"usage: ioas pt VERB [ARGUMENT]...\n"
	"\n"
	"IO page tables as hardware reads them: AMD v1, VT-d second stage,\n"
	"x86-64, Arm stage 1 and 2, RISC-V first and second stage.\n"
	"\n";

static const char outro[] =
	"\n"
	"ioas pt VERB --help says more of each. See ioas-pt(1).\n";

int ioas_verb_pt(int argc, char **argv)
{
	return ioas_verb_run(verbs, intro, outro, argc, argv);
}
