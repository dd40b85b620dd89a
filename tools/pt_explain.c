/* SPDX-License-Identifier: MIT */
/* pt_explain: one entry, bit by bit */
#include "print.h"
#include "source.h"

#include <getopt.h>
#include <stdio.h>

static const char help[] =
	"usage: ioas pt explain --format FORMAT [OPTION]... ENTRY\n"
	"\n"
	"Decodes a 64-bit entry of an IO page table: what it is, each field\n"
	"with its bits, and why hardware would fault on it if it would.\n"
	"\n"
	"  --format FORMAT   amdv1, vtdss, x86_64, arm64_s1, arm64_s2,\n"
	"                    riscv64, riscv64_x4 or mock\n"
	"  --level L         level of its table; 0, the lowest, if not given\n"
	"  --levels N --va-bits N --oa-bits N --granule SIZE --c-bit N\n"
	"  --sign-extend[=no] --contiguous[=no] --dirty[=no] --s2fwb[=no]\n"
	"                    geometry; what the format has is assumed\n"
	"  --json            one object instead of text\n"
	"  --help            this\n"
	"\n"
	"Numbers are decimal, or hexadecimal with 0x. See ioas-pt(1).\n";

static void explain_json(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, const struct walker_entry *e)
{
	struct json_object *o = json_object_new_object();

	ioas_pt_json_config(o, cfg);
	json_object_object_add(o, "level", json_object_new_int((int)level));
	json_object_object_add(o, "entry", ioas_json_hex(word));
	ioas_pt_json_entry(o, e);
	ioas_json_line(o);
}

static void explain_text(const struct walker_config *cfg, unsigned int level,
			 uint64_t word, const struct walker_entry *e)
{
	printf("0x%016llx at level %u: ", (unsigned long long)word, level);
	ioas_pt_print_meaning(e);
	fputs("\n    (", stdout);
	ioas_pt_print_config(cfg);
	fputs(")\n", stdout);
	ioas_pt_print_fields(e, true);
}

int ioas_verb_pt_explain(int argc, char **argv)
{
	struct walker_config cfg;
	struct walker_entry e;
	struct pt_options o;
	uint64_t word;
	int status;

	status = ioas_pt_options_parse(
		argc, argv,
		PT_OPTION_FORMAT | PT_OPTION_GEOMETRY | PT_OPTION_LEVEL, help,
		&o);
	if (status >= 0)
		return status;
	if (o.format < 0)
		return ioas_say_misuse("--format is missing");
	if (argc - optind != 1)
		return ioas_say_misuse("one ENTRY is wanted, not %d",
				       argc - optind);
	if (!ioas_parse_number(argv[optind], &word))
		return ioas_say_misuse("%s: not a number of 64 bits",
				       argv[optind]);
	status = ioas_pt_geometry(&o, &cfg);
	if (status)
		return status;
	if (o.level >= cfg.levels)
		return ioas_say_misuse("--level: %llu: the table has levels 0 "
				       "to %u",
				       (unsigned long long)o.level,
				       cfg.levels - 1u);
	walker_decode(&cfg, (unsigned int)o.level, word, &e);
	if (o.json)
		explain_json(&cfg, (unsigned int)o.level, word, &e);
	else
		explain_text(&cfg, (unsigned int)o.level, word, &e);
	return ioas_end_output(IOAS_EXIT_DONE);
}
