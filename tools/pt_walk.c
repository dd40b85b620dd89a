/* SPDX-License-Identifier: MIT */
/* pt_walk: the path of an IOVA through the tables */
#include "print.h"
#include "source.h"

#include <getopt.h>
#include <stdio.h>

#include "vectors.h"

static const char help[] =
	"usage: ioas pt walk --format FORMAT --root FILE [OPTION]... IOVA\n"
	"       ioas pt walk --vector NAME [OPTION]... IOVA\n"
	"\n"
	"Translates an IOVA as hardware does and prints the path: the entry "
	"of\n"
	"each level with its fields, then where the IOVA leads, or why not.\n"
	"\n"
	"  --access LETTERS  what the access needs, of rwx; default: nothing\n"
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
	"  -v, --verbose     fields that are zero as well\n"
	"  --json            one object instead of text\n"
	"  --help            this\n"
	"\n"
	"Exit status: 0 translated, 1 not, 2 misused. See ioas-pt(1).\n";

static const char *status_text(enum walker_status status)
{
	switch (status) {
	case WALKER_OK:
		return "ok";
	case WALKER_OUT_OF_APERTURE:
		return "out of aperture";
	case WALKER_NOT_MAPPED:
		return "not mapped";
	case WALKER_DENIED:
		return "denied";
	case WALKER_MALFORMED:
		return "malformed";
	case WALKER_NO_MEMORY:
		break;
	}
	return "no memory";
}

/* ---- text ---------------------------------------------------------------- */

static void print_path(const struct walker_config *cfg,
		       const struct walker_result *r, bool all)
{
	for (unsigned int i = 0; i < r->nr_steps; i++) {
		const struct walker_step *step = &r->step[i];
		struct walker_entry e;

		walker_decode(cfg, step->level, step->word, &e);
		printf("level %u, table 0x%llx, item %u: 0x%016llx  ",
		       step->level, (unsigned long long)step->table,
		       step->index, (unsigned long long)step->word);
		ioas_pt_print_meaning(&e);
		putchar('\n');
		ioas_pt_print_fields(&e, all);
	}
}

static void print_leaf(const struct walker_result *r)
{
	char size[8];

	printf("%s leaf 0x%llx -> 0x%llx, access %s, %s\n",
	       ioas_size_text(r->lg2, size), (unsigned long long)r->leaf_iova,
	       (unsigned long long)r->leaf_oa, ioas_access_text(r->access),
	       r->dirty ? "dirty" : "clean");
}

/* Where the walk looked last and found no memory. */
static uint64_t missing_table(const struct walker_config *cfg,
			      const struct walker_result *r)
{
	const struct walker_step *step;
	struct walker_entry e;

	if (!r->nr_steps)
		return cfg->root;
	step = &r->step[r->nr_steps - 1];
	walker_decode(cfg, step->level, step->word, &e);
	return e.kind == WALKER_TABLE ? e.child : step->table;
}

static void print_result(const struct walker_config *cfg, uint64_t iova,
			 uint32_t access, const struct walker_result *r)
{
	printf("0x%llx -> ", (unsigned long long)iova);
	switch (r->status) {
	case WALKER_OK:
		printf("0x%llx: ", (unsigned long long)r->oa);
		print_leaf(r);
		break;
	case WALKER_OUT_OF_APERTURE:
		printf("outside the aperture of %u-bit IOVAs%s\n",
		       cfg->va_bits,
		       cfg->flags & WALKER_SIGN_EXTEND ? ", sign-extended" :
							 "");
		break;
	case WALKER_NOT_MAPPED:
		puts("not mapped");
		break;
	case WALKER_DENIED:
		printf("denied: access %s is not allowed, only %s%s%s\n",
		       ioas_access_text(access), ioas_access_text(r->access),
		       r->why ? ": " : "", r->why ? r->why : "");
		break;
	case WALKER_MALFORMED:
		printf("malformed: %s\n", r->why ? r->why : "invalid entry");
		break;
	case WALKER_NO_MEMORY:
		printf("no memory for the table at 0x%llx\n",
		       (unsigned long long)missing_table(cfg, r));
		break;
	}
}

/* ---- JSON ---------------------------------------------------------------- */

static struct json_object *json_path(const struct walker_config *cfg,
				     const struct walker_result *r)
{
	struct json_object *path = json_object_new_array();

	for (unsigned int i = 0; i < r->nr_steps; i++) {
		const struct walker_step *step = &r->step[i];
		struct json_object *o = json_object_new_object();
		struct walker_entry e;

		walker_decode(cfg, step->level, step->word, &e);
		json_object_object_add(o, "level",
				       json_object_new_int(step->level));
		json_object_object_add(o, "table",
				       ioas_json_hex(step->table));
		json_object_object_add(o, "index",
				       json_object_new_int64(step->index));
		json_object_object_add(o, "entry", ioas_json_hex(step->word));
		ioas_pt_json_entry(o, &e);
		json_object_array_add(path, o);
	}
	return path;
}

static struct json_object *json_leaf(const struct walker_result *r)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "iova", ioas_json_hex(r->leaf_iova));
	json_object_object_add(o, "oa", ioas_json_hex(r->leaf_oa));
	json_object_object_add(o, "size",
			       ioas_json_hex((uint64_t)1 << r->lg2));
	json_object_object_add(
		o, "access",
		json_object_new_string(ioas_access_text(r->access)));
	json_object_object_add(o, "dirty",
			       json_object_new_boolean(r->dirty));
	return o;
}

static void print_json(const struct walker_config *cfg, uint64_t iova,
		       uint32_t access, const struct walker_result *r)
{
	struct json_object *o = json_object_new_object();
	bool ok = r->status == WALKER_OK;

	ioas_pt_json_config(o, cfg);
	json_object_object_add(o, "iova", ioas_json_hex(iova));
	json_object_object_add(
		o, "access",
		json_object_new_string(ioas_access_text(access)));
	json_object_object_add(
		o, "status", json_object_new_string(status_text(r->status)));
	json_object_object_add(o, "oa", ok ? ioas_json_hex(r->oa) : NULL);
	json_object_object_add(o, "leaf", ok ? json_leaf(r) : NULL);
	json_object_object_add(o, "why",
			       r->why ? json_object_new_string(r->why) : NULL);
	json_object_object_add(o, "path", json_path(cfg, r));
	ioas_json_line(o);
}

int ioas_verb_pt_walk(int argc, char **argv)
{
	struct walker_result r;
	struct pt_options o;
	struct pt_source s;
	uint64_t iova;
	int status;

	status = ioas_pt_options_parse(argc, argv,
				       PT_OPTION_FORMAT | PT_OPTION_GEOMETRY |
					       PT_OPTION_TABLES |
					       PT_OPTION_ACCESS,
				       help, &o);
	if (status >= 0)
		return status;
	if (argc - optind != 1)
		return ioas_say_misuse("one IOVA is wanted, not %d",
				       argc - optind);
	if (!ioas_parse_number(argv[optind], &iova))
		return ioas_say_misuse("%s: not a number of 64 bits",
				       argv[optind]);
	status = ioas_pt_source_open(&o, &s);
	if (status)
		return status;
	walker_walk(&s.cfg, &s.mem, iova, o.access, &r);
	if (o.json) {
		print_json(&s.cfg, iova, o.access, &r);
	} else {
		ioas_pt_print_config(&s.cfg);
		printf(", root 0x%llx\n", (unsigned long long)s.cfg.root);
		print_path(&s.cfg, &r, o.verbose);
		print_result(&s.cfg, iova, o.access, &r);
	}
	ioas_pt_source_close(&s);
	return ioas_end_output(r.status == WALKER_OK ? IOAS_EXIT_DONE :
						       IOAS_EXIT_FAILED);
}
