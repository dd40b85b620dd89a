/* SPDX-License-Identifier: MIT */
/*
 * pt_show: everything that a page table maps
 *
 * Leaves come in order of IOVA and are merged while they continue each other;
 * a range is printed when the next leaf does not. Nothing is kept, so that the
 * number of ranges does not matter: what is dirty is a second pass.
 */
#include "print.h"
#include "source.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "vectors.h"

static const char help[] =
	"usage: ioas pt show --format FORMAT --root FILE [OPTION]...\n"
	"       ioas pt show --vector NAME [OPTION]...\n"
	"\n"
	"Prints what a page table maps: ranges (leaves that continue each "
	"other are\n"
	"one), how many leaves of each size, how many tables and bytes, and "
	"what is\n"
	"dirty.\n"
	"\n"
	"  --vector NAME     the tables of a test vector\n"
	"  --vectors FILE    which has it (the file that is installed)\n"
	"  --root FILE       a dump of memory that has the tables\n"
	"  --base PA         address of its first byte (0)\n"
	"  --root-pa PA      address of the root table (that of --base)\n"
	"  --format FORMAT   amdv1, vtdss, x86_64, arm64_s1, arm64_s2,\n"
	"                    riscv64, riscv64_x4 or mock\n"
	"  --levels N --va-bits N --oa-bits N --granule SIZE --c-bit N\n"
	"  --sign-extend[=no] --contiguous[=no] --dirty[=no] --s2fwb[=no]\n"
	"                    geometry of --root; what the format has is "
	"assumed\n"
	"  --json            one object instead of text\n"
	"  --help            this\n"
	"\n"
	"Exit status: 0, 1 if the tables are not sound, 2 misused. See "
	"ioas-pt(1).\n";

struct range {
	uint64_t iova;
	uint64_t last;
	uint64_t oa;
	uint32_t access;
	uint64_t leaves; /* 0: there is no range yet */
};

struct show {
	bool json;
	bool dirty; /* the second pass */
	uint64_t nr; /* ranges printed */
	struct range range;
};

static void print_range(const struct show *show)
{
	const struct range *r = &show->range;

	if (show->dirty)
		printf("  0x%016llx - 0x%016llx\n",
		       (unsigned long long)r->iova,
		       (unsigned long long)r->last);
	else
		printf("  0x%016llx - 0x%016llx -> 0x%016llx  %-4s %llu %s\n",
		       (unsigned long long)r->iova,
		       (unsigned long long)r->last,
		       (unsigned long long)r->oa, ioas_access_text(r->access),
		       (unsigned long long)r->leaves,
		       r->leaves == 1 ? "leaf" : "leaves");
}

static void print_range_json(const struct show *show)
{
	const struct range *r = &show->range;

	if (show->nr)
		putchar(',');
	if (show->dirty)
		printf("{\"iova\":\"0x%llx\",\"last\":\"0x%llx\"}",
		       (unsigned long long)r->iova,
		       (unsigned long long)r->last);
	else
		printf("{\"iova\":\"0x%llx\",\"last\":\"0x%llx\","
		       "\"oa\":\"0x%llx\",\"access\":\"%s\",\"leaves\":%llu}",
		       (unsigned long long)r->iova,
		       (unsigned long long)r->last,
		       (unsigned long long)r->oa, ioas_access_text(r->access),
		       (unsigned long long)r->leaves);
}

static void end_range(struct show *show)
{
	if (!show->range.leaves)
		return;
	if (show->json)
		print_range_json(show);
	else
		print_range(show);
	show->nr++;
	show->range.leaves = 0;
}

static bool continues(const struct show *show, const struct walker_leaf *leaf)
{
	const struct range *r = &show->range;

	if (!r->leaves || leaf->iova != r->last + 1 || !leaf->iova)
		return false;
	return show->dirty || (leaf->access == r->access &&
			       leaf->oa == r->oa + (leaf->iova - r->iova));
}

static bool show_leaf(void *ctx, const struct walker_leaf *leaf)
{
	uint64_t last = leaf->iova + (((uint64_t)1 << leaf->lg2) - 1);
	struct show *show = ctx;

	if (show->dirty && !leaf->dirty)
		return true;
	if (continues(show, leaf)) {
		show->range.last = last;
		show->range.leaves++;
		return true;
	}
	end_range(show);
	show->range = (struct range){ leaf->iova, last, leaf->oa,
				      leaf->access, 1 };
	return true;
}

/* One pass over all leaves. Return: is what was read sound? */
static bool show_pass(const struct pt_source *s, struct show *show,
		      struct walker_tally *tally, const char **why)
{
	bool sound = walker_for_each(&s->cfg, &s->mem, show_leaf, show, tally,
				     why);

	end_range(show);
	return sound;
}

static void mapped_text(const struct walker_tally *tally, char text[24])
{
	if (tally->leaves && !tally->mapped)
		strcpy(text, "2^64");
	else
		snprintf(text, 24, "0x%llx",
			 (unsigned long long)tally->mapped);
}

/* ---- text ---------------------------------------------------------------- */

static void print_tally(const struct walker_tally *tally)
{
	char text[24];

	mapped_text(tally, text);
	printf("mapped: %s bytes in %llu %s\n", text,
	       (unsigned long long)tally->leaves,
	       tally->leaves == 1 ? "leaf" : "leaves");
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		if (tally->by_lg2[lg2])
			printf("  %-4s %llu\n", ioas_size_text(lg2, text),
			       (unsigned long long)tally->by_lg2[lg2]);
	printf("tables: %llu, %llu bytes\n",
	       (unsigned long long)tally->tables,
	       (unsigned long long)tally->table_bytes);
}

static bool show_text(const struct pt_source *s, const char **why)
{
	struct walker_tally tally = { 0 };
	struct show show = { 0 };
	bool sound;

	ioas_pt_print_config(&s->cfg);
	printf(", root 0x%llx\nranges:\n", (unsigned long long)s->cfg.root);
	sound = show_pass(s, &show, &tally, why);
	if (!show.nr)
		puts("  none");
	print_tally(&tally);
	puts("dirty:");
	show = (struct show){ .dirty = true };
	sound &= show_pass(s, &show, NULL, why);
	if (!show.nr)
		puts("  none");
	return sound;
}

/* ---- JSON ---------------------------------------------------------------- */

/* The members of @o, as a part of an object that is printed in pieces. */
static void print_members(struct json_object *o)
{
	const char *text = json_object_to_json_string_ext(
		o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	printf("%.*s", (int)strlen(text) - 2, text + 1);
	json_object_put(o);
}

static struct json_object *json_tally(const struct walker_tally *tally)
{
	struct json_object *o = json_object_new_object();
	struct json_object *sizes = json_object_new_array();
	char text[24];

	mapped_text(tally, text);
	json_object_object_add(o, "mapped", json_object_new_string(text));
	json_object_object_add(o, "leaves",
			       json_object_new_uint64(tally->leaves));
	for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
		struct json_object *size;

		if (!tally->by_lg2[lg2])
			continue;
		size = json_object_new_object();
		json_object_object_add(size, "size",
				       ioas_json_hex((uint64_t)1 << lg2));
		json_object_object_add(
			size, "leaves",
			json_object_new_uint64(tally->by_lg2[lg2]));
		json_object_array_add(sizes, size);
	}
	json_object_object_add(o, "sizes", sizes);
	json_object_object_add(o, "tables",
			       json_object_new_uint64(tally->tables));
	json_object_object_add(o, "table_bytes",
			       json_object_new_uint64(tally->table_bytes));
	return o;
}

static bool show_json(const struct pt_source *s, const char **why)
{
	struct json_object *o = json_object_new_object();
	struct walker_tally tally = { 0 };
	struct show show = { .json = true };
	bool sound;

	ioas_pt_json_config(o, &s->cfg);
	json_object_object_add(o, "root", ioas_json_hex(s->cfg.root));
	putchar('{');
	print_members(o);
	fputs(",\"ranges\":[", stdout);
	sound = show_pass(s, &show, &tally, why);
	fputs("],\"dirty\":[", stdout);
	show = (struct show){ .json = true, .dirty = true };
	sound &= show_pass(s, &show, NULL, why);
	fputs("],", stdout);
	print_members(json_tally(&tally));
	o = json_object_new_object();
	json_object_object_add(o, "sound", json_object_new_boolean(sound));
	json_object_object_add(o, "why",
			       sound ? NULL : json_object_new_string(*why));
	putchar(',');
	print_members(o);
	puts("}");
	return sound;
}

int ioas_verb_pt_show(int argc, char **argv)
{
	const char *why = "not sound";
	struct pt_options o;
	struct pt_source s;
	bool sound;
	int status;

	status = ioas_pt_options_parse(argc, argv,
				       PT_OPTION_FORMAT | PT_OPTION_GEOMETRY |
					       PT_OPTION_TABLES,
				       help, &o);
	if (status >= 0)
		return status;
	if (optind < argc)
		return ioas_say_misuse("%s: no operand is wanted",
				       argv[optind]);
	status = ioas_pt_source_open(&o, &s);
	if (status)
		return status;
	sound = o.json ? show_json(&s, &why) : show_text(&s, &why);
	if (!sound)
		ioas_say_error("%s: the tables are not sound, so this is not "
			       "all: %s", s.name, why);
	ioas_pt_source_close(&s);
	return ioas_end_output(sound ? IOAS_EXIT_DONE : IOAS_EXIT_FAILED);
}
