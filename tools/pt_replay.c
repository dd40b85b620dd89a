/* SPDX-License-Identifier: MIT */
/*
 * pt_replay: test vectors, built by the library and read by the walker
 *
 *   config -> page table -> op, op, op -> tables, root, walks
 *                            |
 *                            `- each result compared, and the tables sound
 *
 * The library writes the tables; what is said of them comes from the walker,
 * which shares no code with it.
 */
#include "replay.h"
#include "source.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: ioas pt replay [OPTION]... FILE\n"
	"\n"
	"Builds the page table of each test vector of FILE, runs its "
	"operations and\n"
	"compares results, tables, root and walks with what the vector says.\n"
	"The last line is `N passed, N failed`.\n"
	"\n"
	"  --only ID      this vector alone\n"
	"  -v, --verbose  vectors that pass as well, and every difference\n"
	"  --json         one object instead of text\n"
	"  --help         this\n"
	"\n"
	"Exit status: 0 if none failed, 1 if one did or FILE is malformed, 2 "
	"misused.\n"
	"The schema is described in page-tables.md, section 10. See "
	"ioas-pt(1).\n";

/* Differences of a vector: printed without -v, and kept at all. */
#define MAX_LINES 10
#define MAX_KEPT 1000

/* ---- differences --------------------------------------------------------- */

struct replay_text ioas_replay_text(const char *fmt, ...)
{
	struct replay_text t;
	va_list args;

	va_start(args, fmt);
	vsnprintf(t.text, sizeof(t.text), fmt, args);
	va_end(args);
	return t;
}

void ioas_replay_differs(struct replay *r, struct replay_text what,
			 struct replay_text expected, struct replay_text got)
{
	struct json_object *o;

	if (json_object_array_length(r->differences) >= MAX_KEPT) {
		r->nr_more++;
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "what", json_object_new_string(what.text));
	json_object_object_add(o, "expected",
			       json_object_new_string(expected.text));
	json_object_object_add(o, "got", json_object_new_string(got.text));
	json_object_array_add(r->differences, o);
}

static struct replay_text hex(uint64_t value)
{
	return ioas_replay_text("0x%llx", (unsigned long long)value);
}

static struct replay_text number(uint64_t value)
{
	return ioas_replay_text("%llu", (unsigned long long)value);
}

static struct replay_text error(int value)
{
	char text[16];

	return ioas_replay_text("%s", ioas_vector_error(value, text));
}

/* ---- the page table ------------------------------------------------------ */

static uint32_t pt_flags(const struct vector *v)
{
	static const struct {
		uint32_t vector;
		uint32_t pt;
	} flags[] = {
		{ VECTOR_DYNAMIC_TOP, IOAS_PT_GROW },
		{ VECTOR_FORCE_COHERENCE, IOAS_PT_FORCE_COHERENT },
		{ VECTOR_REQUIRE_WRITE, IOAS_PT_REQUIRE_WRITE },
		{ VECTOR_SIGN_EXTEND, IOAS_PT_SIGN_EXTEND },
		{ VECTOR_CONTIGUOUS, IOAS_PT_CONTIGUOUS },
		{ VECTOR_HW_DIRTY, IOAS_PT_DIRTY },
		{ VECTOR_S2FWB, IOAS_PT_S2FWB },
	};
	uint32_t found = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (v->config.flags & flags[i].vector)
			found |= flags[i].pt;
	return found;
}

static int create(struct replay *r)
{
	const struct vector_config *c = &r->v->config;
	bool arm = r->v->format == WALKER_ARM64_S1 ||
		   r->v->format == WALKER_ARM64_S2;
	const struct ioas_pt_params params = {
		.va_bits = c->va_bits,
		.oa_bits = c->oa_bits,
		/* Of arm64 the widths say it. */
		.levels = arm ? 0 : c->levels,
		.flags = pt_flags(r->v),
		.c_bit = c->c_bit,
		.mem = &ioas_arena_ops,
		.mem_ctx = r->arena,
	};
	const struct ioas_pt_format *format = ioas_pt_format_find(
		walker_format_name(r->v->format), c->granule_lg2);

	if (!format)
		return -EOPNOTSUPP;
	return ioas_pt_create(format, &params, &r->pt);
}

void ioas_replay_walker(const struct replay *r, struct walker_config *cfg)
{
	struct ioas_pt_root root;

	ioas_pt_root(r->pt, &root);
	ioas_vector_walker(r->v, root.level, root.pa, cfg);
}

/* How many more bytes are mapped than before, as the walker finds them. */
static uint64_t growth(struct replay *r, const char *what)
{
	uint64_t before = r->mapped;
	struct walker_memory mem = ioas_arena_memory(r->arena);
	struct walker_tally tally = { 0 };
	struct walker_config cfg;
	const char *why = "";

	ioas_replay_walker(r, &cfg);
	if (!walker_for_each(&cfg, &mem, NULL, NULL, &tally, &why))
		ioas_replay_differs(r, ioas_replay_text("%s: tables", what),
				    ioas_replay_text("sound"),
				    ioas_replay_text("%s", why));
	r->mapped = tally.mapped;
	return r->mapped - before;
}

/* ---- operations ---------------------------------------------------------- */

static void compare_ret(struct replay *r, const char *what, int want, int got)
{
	if (want != got)
		ioas_replay_differs(r, ioas_replay_text("%s: ret", what),
				    error(want), error(got));
}

static void op_map(struct replay *r, const struct vector_op *op,
		   const char *what)
{
	uint64_t head = op->pa % 4096, mapped;
	const struct ioas_run run = {
		.pfn = op->pa / 4096,
		.nr = op->length ? op->length / 4096 +
					   (op->length % 4096 + head + 4095) /
						   4096 :
				   1,
	};
	const struct ioas_pt_map rq = {
		.iova = op->iova,
		.runs = &run,
		.nr_runs = 1,
		.page_lg2 = 12,
		.head = (uint32_t)head,
		.length = op->length,
		.prot = op->prot,
	};

	compare_ret(r, what, op->ret, ioas_pt_map(r->pt, &rq));
	mapped = growth(r, what);
	if (mapped != op->mapped)
		ioas_replay_differs(r, ioas_replay_text("%s: mapped", what),
				    hex(op->mapped), hex(mapped));
}

static void op_unmap(struct replay *r, const struct vector_op *op,
		     const char *what)
{
	uint64_t removed, missing;
	uint32_t tables = 0;

	removed = ioas_pt_remove(r->pt, op->iova, op->length, &tables);
	if (removed != op->unmapped)
		ioas_replay_differs(r, ioas_replay_text("%s: unmapped", what),
				    hex(op->unmapped), hex(removed));
	if (tables != op->tables_freed)
		ioas_replay_differs(r,
				    ioas_replay_text("%s: tables_freed", what),
				    number(op->tables_freed), number(tables));
	missing = 0 - growth(r, what);
	if (missing != removed)
		ioas_replay_differs(
			r, ioas_replay_text("%s: bytes gone from the tables",
					    what),
			hex(removed), hex(missing));
}

static void op_device_write(struct replay *r, const struct vector_op *op,
			    const char *what)
{
	struct walker_memory mem = ioas_arena_memory(r->arena);
	struct walker_result result;
	struct walker_config cfg;

	ioas_replay_walker(r, &cfg);
	if (walker_write(&cfg, &mem, op->iova, &result) != WALKER_OK)
		ioas_replay_differs(r, ioas_replay_text("%s", what),
				    ioas_replay_text("a write"),
				    ioas_replay_text("a fault"));
}

struct marks {
	struct vector_range *range;
	size_t nr;
	size_t room;
};

static void marks_add(struct marks *m, uint64_t start, uint64_t length)
{
	if (m->nr == m->room) {
		size_t room = m->room ? m->room * 2 : 16;
		struct vector_range *more =
			ioas_xcalloc(room, sizeof(*more));

		if (m->nr)
			memcpy(more, m->range, m->nr * sizeof(*more));
		free(m->range);
		m->range = more;
		m->room = room;
	}
	m->range[m->nr++] = (struct vector_range){ start, length };
}

static void mark(void *ctx, ioas_iova_t iova, ioas_iova_t last)
{
	marks_add(ctx, iova, last - iova + 1);
}

static int range_order(const void *a, const void *b)
{
	const struct vector_range *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

/* As a set of bytes: in order, and what touches is one. */
static void marks_merge(struct marks *m)
{
	size_t nr = 0;

	if (!m->nr)
		return;
	qsort(m->range, m->nr, sizeof(*m->range), range_order);
	for (size_t i = 1; i < m->nr; i++) {
		struct vector_range *last = &m->range[nr];
		const struct vector_range *r = &m->range[i];

		if (r->start - last->start > last->length)
			m->range[++nr] = *r;
		else if (r->start - last->start + r->length > last->length)
			last->length = r->start - last->start + r->length;
	}
	m->nr = nr + 1;
}

/* As many as a line takes. */
static struct replay_text marks_text(const struct marks *m)
{
	struct replay_text t = ioas_replay_text(m->nr ? "" : "nothing");
	size_t at = 0;

	for (size_t i = 0; i < m->nr && at < sizeof(t.text); i++)
		at += (size_t)snprintf(
			t.text + at, sizeof(t.text) - at, "%s0x%llx+0x%llx",
			i ? " " : "", (unsigned long long)m->range[i].start,
			(unsigned long long)m->range[i].length);
	return t;
}

static bool marks_equal(const struct marks *a, const struct marks *b)
{
	if (a->nr != b->nr)
		return false;
	for (size_t i = 0; i < a->nr; i++)
		if (a->range[i].start != b->range[i].start ||
		    a->range[i].length != b->range[i].length)
			return false;
	return true;
}

static void op_read_dirty(struct replay *r, const struct vector_op *op,
			  const char *what)
{
	uint64_t last = op->iova + (op->length - 1);
	struct marks got = { 0 }, want = { 0 };

	if (last < op->iova)
		last = UINT64_MAX;
	if (op->length)
		compare_ret(r, what, op->ret,
			    ioas_pt_read_dirty(r->pt, op->iova, last,
					       op->clear, mark, &got));
	for (size_t i = 0; i < op->nr_dirty; i++)
		marks_add(&want, op->dirty[i].start, op->dirty[i].length);
	marks_merge(&got);
	marks_merge(&want);
	if (!marks_equal(&got, &want))
		ioas_replay_differs(r, ioas_replay_text("%s: dirty", what),
				    marks_text(&want), marks_text(&got));
	free(got.range);
	free(want.range);
}

static void op_split(struct replay *r, const struct vector_op *op,
		     const char *what)
{
	/* Not a size: one that no format has. */
	unsigned int lg2 = op->value && !(op->value & (op->value - 1)) ?
				   (unsigned int)__builtin_ctzll(op->value) :
				   0;

	compare_ret(r, what, op->ret,
		    ioas_pt_split_to(r->pt, op->iova, lg2));
	if (growth(r, what))
		ioas_replay_differs(r, ioas_replay_text("%s: mapped", what),
				    ioas_replay_text("what was"),
				    ioas_replay_text("something else"));
}

static void run_op(struct replay *r, size_t i)
{
	static const char *const names[] = {
		"map", "unmap", "device_write", "read_and_clear_dirty",
		"set_pgsize_bitmap", "split",
	};
	const struct vector_op *op = &r->v->ops[i];
	struct replay_text what = ioas_replay_text(
		"ops[%zu] %s 0x%llx", i, names[op->kind],
		(unsigned long long)(op->kind == VECTOR_SET_PGSIZES ?
					     op->value :
					     op->iova));

	switch (op->kind) {
	case VECTOR_MAP:
		op_map(r, op, what.text);
		break;
	case VECTOR_UNMAP:
		op_unmap(r, op, what.text);
		break;
	case VECTOR_DEVICE_WRITE:
		op_device_write(r, op, what.text);
		break;
	case VECTOR_READ_DIRTY:
		op_read_dirty(r, op, what.text);
		break;
	case VECTOR_SET_PGSIZES:
		compare_ret(r, what.text, op->ret,
			    ioas_pt_set_pgsizes(r->pt, op->value));
		break;
	case VECTOR_SPLIT:
		op_split(r, op, what.text);
		break;
	}
	/* Tables that went are free from the next operation on. */
	ioas_pt_sync(r->pt);
}

static void run_walk(struct replay *r, size_t i)
{
	struct walker_memory mem = ioas_arena_memory(r->arena);
	const struct vector_walk *w = &r->v->walks[i];
	struct replay_text want, got;
	struct walker_result result;
	struct walker_config cfg;

	ioas_replay_walker(r, &cfg);
	walker_walk(&cfg, &mem, w->iova, w->access, &result);
	want = w->fault ? ioas_replay_text("a fault") : hex(w->pa);
	got = result.status == WALKER_OK ? hex(result.oa) :
					   ioas_replay_text("a fault");
	if (strcmp(want.text, got.text))
		ioas_replay_differs(r,
				    ioas_replay_text(
					    "walks[%zu] 0x%llx %s", i,
					    (unsigned long long)w->iova,
					    ioas_access_text(w->access)),
				    want, got);
}

static void run_vector(struct replay *r)
{
	const struct vector *v = r->v;
	uint64_t pgsizes = ioas_pt_pgsizes(r->pt);

	if (pgsizes != v->pgsizes)
		ioas_replay_differs(r, ioas_replay_text("pgsize_bitmap"),
				    ioas_replay_text("0x%016llx",
						     (unsigned long long)
							     v->pgsizes),
				    ioas_replay_text("0x%016llx",
						     (unsigned long long)
							     pgsizes));
	for (size_t i = 0; i < v->nr_ops; i++)
		run_op(r, i);
	ioas_replay_tables(r);
	for (size_t i = 0; i < v->nr_walks; i++)
		run_walk(r, i);
	if (!ioas_pt_validate(r->pt))
		ioas_replay_differs(r, ioas_replay_text("invariants"),
				    ioas_replay_text("T1 to T5 hold"),
				    ioas_replay_text("one is broken"));
}

/* Tables lie where the format can name them, and below the encryption bit. */
static unsigned int table_width(const struct vector *v)
{
	unsigned int width = v->config.oa_bits;

	if (v->config.c_bit &&
	    (unsigned int)__builtin_ctzll(v->config.c_bit) < width)
		width = (unsigned int)__builtin_ctzll(v->config.c_bit);
	return width;
}

static void replay(struct replay *r)
{
	int ret;

	r->differences = json_object_new_array();
	r->arena = ioas_arena_create(table_width(r->v));
	ret = r->arena ? create(r) : -ENOMEM;
	if (ret) {
		ioas_replay_differs(r, ioas_replay_text("config"),
				    ioas_replay_text("a page table"),
				    error(ret));
	} else {
		run_vector(r);
		ioas_pt_destroy(r->pt);
	}
	ioas_arena_destroy(r->arena);
}

/* ---- reports ------------------------------------------------------------- */

static void print_vector(const struct replay *r, bool verbose)
{
	size_t nr = json_object_array_length(r->differences), i;

	if (!nr && verbose)
		printf("%s: ok\n", r->v->id);
	for (i = 0; i < nr && (verbose || i < MAX_LINES); i++) {
		struct json_object *o =
			json_object_array_get_idx(r->differences, i);
		struct json_object *what, *want, *got;

		json_object_object_get_ex(o, "what", &what);
		json_object_object_get_ex(o, "expected", &want);
		json_object_object_get_ex(o, "got", &got);
		printf("%s: %s: expected %s, got %s\n", r->v->id,
		       json_object_get_string(what),
		       json_object_get_string(want),
		       json_object_get_string(got));
	}
	if (nr - i + r->nr_more)
		printf("%s: %llu more differences\n", r->v->id,
		       (unsigned long long)(nr - i + r->nr_more));
}

static struct json_object *json_vector(const struct replay *r)
{
	struct json_object *o = json_object_new_object();
	bool ok = !json_object_array_length(r->differences);

	json_object_object_add(o, "id", json_object_new_string(r->v->id));
	json_object_object_add(
		o, "format",
		json_object_new_string(walker_format_name(r->v->format)));
	json_object_object_add(o, "passed", json_object_new_boolean(ok));
	json_object_object_add(o, "differences",
			       json_object_get(r->differences));
	json_object_object_add(o, "more",
			       json_object_new_uint64(r->nr_more));
	return o;
}

static void print_summary(bool json, struct json_object *list, size_t passed,
			  size_t failed)
{
	struct json_object *o;

	if (!json) {
		printf("%zu passed, %zu failed\n", passed, failed);
		return;
	}
	o = json_object_new_object();
	json_object_object_add(o, "vectors", json_object_get(list));
	json_object_object_add(o, "passed", json_object_new_uint64(passed));
	json_object_object_add(o, "failed", json_object_new_uint64(failed));
	ioas_json_line(o);
}

static int replay_file(const struct vectors *vs, const struct vector *only,
		       const struct pt_options *o)
{
	struct json_object *list = json_object_new_array();
	size_t passed = 0, failed = 0;

	for (size_t i = 0; i < vs->nr; i++) {
		struct replay r = { .v = &vs->vector[i] };

		if (only && r.v != only)
			continue;
		replay(&r);
		if (json_object_array_length(r.differences))
			failed++;
		else
			passed++;
		if (o->json)
			json_object_array_add(list, json_vector(&r));
		else
			print_vector(&r, o->verbose);
		json_object_put(r.differences);
	}
	print_summary(o->json, list, passed, failed);
	json_object_put(list);
	return failed ? IOAS_EXIT_FAILED : IOAS_EXIT_DONE;
}

int ioas_verb_pt_replay(int argc, char **argv)
{
	const struct vector *only = NULL;
	struct pt_options o;
	struct vectors *vs;
	int status;

	status = ioas_pt_options_parse(argc, argv, PT_OPTION_ONLY, help, &o);
	if (status >= 0)
		return status;
	if (argc - optind != 1)
		return ioas_say_misuse("one FILE is wanted, not %d",
				       argc - optind);
	vs = ioas_vectors_load(argv[optind]);
	if (!vs)
		return IOAS_EXIT_FAILED;
	if (o.only)
		only = ioas_vectors_find(vs, o.only);
	if (o.only && !only) {
		ioas_say_error("%s: no such vector in %s", o.only,
			       argv[optind]);
		status = IOAS_EXIT_FAILED;
	} else {
		status = replay_file(vs, only, &o);
	}
	ioas_vectors_free(vs);
	return ioas_end_output(status);
}
