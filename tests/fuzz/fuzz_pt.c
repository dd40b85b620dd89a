/* SPDX-License-Identifier: MIT */
/*
 * fuzz pt: a page table of any format and the flat domain, next to an array
 *
 *    byte      which format; 0: mock
 *    byte      which page sizes; where in the space of IOVAs
 *    then      map, unmap, translate, write, read what is dirty, cut, merge;
 *              again
 *
 * The array has an element for each of CELLS granules. Both domains have to
 * say what it says; where a leaf of the table may blur the answer (what is
 * dirty, how far a run goes) within the bounds of ops.h. The flat domain also
 * checks that the calls are legal.
 */
#include <string.h>

#include "base/bits.h"
#include "base/errno.h"
#include "domain/flat.h"
#include "domain/table.h"
#include "fuzz.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

/* Several tables of 512 items. */
#define CELLS 2048u
#define MAX_STEPS 48
#define MAX_RUNS 4
#define MAX_FRAMES 1536

/*
 * A format with its parameters. The widest output that some_run() makes has 39
 * bits.
 */
struct flavour {
	const struct ioas_pt_format *format;
	uint8_t levels, va_bits, oa_bits;
	/* Bits of IOVA that a table below the root resolves, and its items. */
	uint8_t index_lg2;
	uint32_t flags;
	uint64_t c_bit;
	/* What is writable begins as dirty; what is not never becomes it. */
	bool arm;
};

#define DIRTY IOAS_PT_DIRTY
#define CONT IOAS_PT_CONTIGUOUS
#define SIGN IOAS_PT_SIGN_EXTEND

static const struct flavour flavours[] = {
	{ &ioas_pt_mock, 0, 0, 0, 9, 0, 0, false },
	{ &ioas_pt_amdv1, 2, 64, 52, 9, IOAS_PT_GROW, 0, false },
	{ &ioas_pt_amdv1, 4, 48, 52, 9, 0, UINT64_C(1) << 47, false },
	{ &ioas_pt_vtdss, 3, 39, 52, 9, 0, 0, false },
	{ &ioas_pt_vtdss, 5, 57, 44, 9, 0, 0, false },
	{ &ioas_pt_x86_64, 4, 48, 52, 9, SIGN | DIRTY, 0, false },
	{ &ioas_pt_x86_64, 5, 56, 52, 9, DIRTY, 0, false },
	{ &ioas_pt_arm64_s1_4k, 0, 48, 48, 9, CONT | DIRTY | IOAS_PT_BREAK, 0,
	  true },
	{ &ioas_pt_arm64_s1_4k, 0, 32, 40, 9, CONT | DIRTY, 0, true },
	{ &ioas_pt_arm64_s1_16k, 0, 36, 48, 11, CONT | DIRTY, 0, true },
	{ &ioas_pt_arm64_s1_64k, 0, 52, 52, 13, CONT | DIRTY, 0, true },
	{ &ioas_pt_arm64_s2_4k, 0, 40, 40, 9, CONT | DIRTY | IOAS_PT_BREAK, 0,
	  true },
	{ &ioas_pt_arm64_s2_16k, 0, 40, 40, 11, CONT | DIRTY, 0, true },
	{ &ioas_pt_arm64_s2_64k, 0, 40, 48, 13, CONT | DIRTY, 0, true },
	{ &ioas_pt_riscv64, 3, 39, 56, 9, SIGN | CONT | DIRTY, 0, false },
	{ &ioas_pt_riscv64, 5, 57, 56, 9, SIGN | CONT | DIRTY, 0, false },
	{ &ioas_pt_riscv64_x4, 3, 41, 56, 9, CONT | DIRTY, 0, false },
};

struct cell {
	/* Number of the map call; 0: nothing is mapped. */
	uint32_t run;
	bool run_ends;
	bool writable;
	/* Written since it was read; @leaf: some of the leaf that holds it. */
	bool dirty, dirty_leaf;
	uint64_t addr;
};

struct target {
	struct input in;
	const struct flavour *flavour;
	bool tracks;
	struct ioas_domain *table, *flat;
	uint8_t lg2;
	uint64_t granule;
	ioas_iova_t base;
	uint32_t runs;
	struct cell cell[CELLS];
};

static ioas_iova_t iova_of(const struct target *t, uint64_t cell)
{
	return t->base + cell * t->granule;
}

static ioas_iova_t last_of(const struct target *t, uint64_t cell)
{
	return iova_of(t, cell) + (t->granule - 1);
}

/* The cells of the leaf that holds a mapped cell. */
static void leaf_of(struct target *t, uint64_t cell, uint64_t *first,
		    uint64_t *last)
{
	struct ioas_pt_leaf leaf;

	demand(!ioas_pt_leaf(ioas_table_domain_pt(t->table), iova_of(t, cell),
			     &leaf));
	*first = (leaf.iova - t->base) >> t->lg2;
	*last = *first + ((UINT64_C(1) << leaf.lg2) >> t->lg2) - 1;
	demand(*first <= cell && *last >= cell && *last < CELLS);
}

/* Does the output of cell @i + 1 continue that of cell @i? */
static bool continues(const struct target *t, uint64_t i)
{
	return i + 1 < CELLS && t->cell[i].run && t->cell[i + 1].run &&
	       t->cell[i + 1].addr == t->cell[i].addr + t->granule;
}

/* ---- map ---------------------------------------------------------------- */

static uint64_t some_run(struct target *t, struct ioas_run *run, uint64_t iova,
			 uint8_t page_lg2)
{
	const uint64_t x = input_below(&t->in, 65536);

	run->nr = 1 + (x & 3 ? (x >> 2) % 12 : (x >> 2) % MAX_FRAMES);
	run->pfn = (1 + input_below(&t->in, 256)) << 12;
	/* As in the IOVA below some power of two, for large leaves. */
	if (run->pfn >> 12 & 1)
		run->pfn |= iova >> page_lg2 & 0xfff;
	else
		run->pfn += x >> 8;
	return run->nr << page_lg2;
}

/* Runs from a cell on, cut at both ends within their pages. */
static void some_map(struct target *t, struct ioas_map_request *rq,
		     struct ioas_run *runs, uint64_t cell)
{
	const uint64_t nr = 1 + input_below(&t->in, MAX_RUNS);
	uint64_t room = (CELLS - cell) << t->lg2, bytes = 0, x;

	*rq = (struct ioas_map_request){
		.iova = iova_of(t, cell),
		.runs = runs,
		.page_lg2 = (uint8_t)(t->lg2 + input_below(&t->in, 3)),
		.prot = IOAS_PROT_READ |
			(uint32_t)input_below(&t->in, 2) * IOAS_PROT_WRITE,
	};
	x = input_below(&t->in, 256);
	if (x & 1)
		rq->max_leaf = t->granule << (x >> 1 & 7);
	rq->head = (uint32_t)((x >> 4 << t->lg2) &
			      ((UINT64_C(1) << rq->page_lg2) - 1));
	room += rq->head;
	for (; rq->nr_runs < nr && bytes < room; rq->nr_runs++)
		bytes += some_run(t, runs + rq->nr_runs, rq->iova + bytes,
				  rq->page_lg2);
	x = (x >> 6 << t->lg2) & ((UINT64_C(1) << rq->page_lg2) - 1);
	if (bytes - rq->head > x)
		bytes -= x;
	rq->length = bytes - rq->head;
}

/* It does not go beyond the universe. */
static bool map_fits(const struct target *t, const struct ioas_map_request *rq)
{
	return (rq->iova - t->base) + rq->length <= (uint64_t)CELLS << t->lg2;
}

static void note_map(struct target *t, const struct ioas_map_request *rq)
{
	uint64_t cell = (rq->iova - t->base) >> t->lg2, offset = rq->head;
	uint64_t left = rq->length;

	for (uint32_t r = 0; r < rq->nr_runs && left; r++, offset = 0) {
		t->runs++;
		for (; offset < rq->runs[r].nr << rq->page_lg2 && left;
		     offset += t->granule, left -= t->granule, cell++)
			t->cell[cell] = (struct cell){
				.run = t->runs,
				.writable = rq->prot & IOAS_PROT_WRITE,
				.dirty_leaf = t->flavour->arm &&
					      rq->prot & IOAS_PROT_WRITE,
				.addr = (rq->runs[r].pfn << rq->page_lg2) +
					offset,
			};
		t->cell[cell - 1].run_ends = true;
	}
}

/* Leaves are not larger than they may be, and keep to their runs. */
static void check_leaves(struct target *t, const struct ioas_map_request *rq)
{
	uint64_t i = (rq->iova - t->base) >> t->lg2, first, last;
	const uint64_t end = i + (rq->length >> t->lg2);

	for (; i < end; i = last + 1) {
		leaf_of(t, i, &first, &last);
		demand(first == i && last < end);
		demand(t->cell[first].run == t->cell[last].run);
		demand(!rq->max_leaf ||
		       (last - first + 1) << t->lg2 <= rq->max_leaf);
	}
}

static int call_map(struct ioas_domain *d, const struct ioas_map_request *rq,
		    uint64_t nth, bool *failed)
{
	struct ioas_fault fault = { .nth = nth };
	struct ioas_caller caller = { .fault = &fault }, *old;
	int ret;

	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	ret = d->ops->map(d, rq);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	*failed = fault.failed != IOAS_NR_FAULT_POINTS;
	return ret;
}

static void map(struct target *t)
{
	const uint64_t cell = input_below(&t->in, CELLS);
	const uint64_t x = input_below(&t->in, 64);
	const uint64_t nth = x & 7 ? 0 : 1 + (x >> 3);
	struct ioas_map_request rq;
	struct ioas_run runs[MAX_RUNS];
	bool taken = false, failed;
	int ret;

	some_map(t, &rq, runs, cell);
	if (!map_fits(t, &rq))
		return;
	for (uint64_t i = 0; i < rq.length >> t->lg2; i++)
		taken |= t->cell[cell + i].run;
	ret = call_map(t->table, &rq, nth, &failed);
	if (taken) {
		demand(ret == -EADDRINUSE || (failed && ret == -ENOMEM));
		return;
	}
	demand(ret == (failed ? -ENOMEM : 0));
	if (ret)
		demand(!t->table->ops->map(t->table, &rq));
	ret = call_map(t->flat, &rq, nth, &failed);
	demand(ret == (failed ? -ENOMEM : 0));
	if (ret)
		demand(!t->flat->ops->map(t->flat, &rq));
	note_map(t, &rq);
	check_leaves(t, &rq);
}

/* ---- unmap -------------------------------------------------------------- */

struct sink {
	struct ioas_unmap_sink head;
	const struct target *t;
	/* The next cell to come; pieces taken, and how many may be. */
	uint64_t next;
	uint64_t pieces, max;
};

static bool sink_add(struct ioas_unmap_sink *head, ioas_iova_t iova,
		     uint64_t addr, uint64_t length)
{
	struct sink *s = ioas_container_of(head, struct sink, head);
	const struct target *t = s->t;

	demand(iova == iova_of(t, s->next) && addr == t->cell[s->next].addr);
	demand(length && !(length & (t->granule - 1)));
	if (!s->pieces || !continues(t, s->next - 1)) {
		if (s->pieces == s->max)
			return false;
		s->pieces++;
	}
	for (length >>= t->lg2; length; length--, s->next++)
		demand(t->cell[s->next].run &&
		       (length == 1 || continues(t, s->next)));
	return true;
}

/* The cell after the last one that has to go. */
static uint64_t unmap_twin(const struct target *t, uint64_t first,
			   uint64_t want, uint64_t last, uint64_t max)
{
	uint64_t i = first;

	for (uint64_t pieces = 0; i <= last && i <= want && pieces < max;
	     pieces++, i++)
		while (i < last && continues(t, i))
			i++;
	return i;
}

static uint64_t unmap_one(struct target *t, struct ioas_domain *d,
			  struct ioas_unmap_request rq, struct sink *s)
{
	const ioas_iova_t gone = d->ops->unmap(d, &rq);
	const uint64_t end = ((gone - t->base) >> t->lg2) + 1;

	if (rq.sink)
		demand(s->next == end);
	if (input_below(&t->in, 2))
		d->ops->sync(d);
	return end;
}

static void unmap_range(struct target *t, uint64_t first, uint64_t want,
			uint64_t last, uint64_t max)
{
	struct sink a = { { sink_add }, t, first, 0, max }, b = a;
	struct ioas_unmap_request rq = { iova_of(t, first), last_of(t, want),
					 last_of(t, last), &a.head };
	uint64_t end;

	if (!max) {
		rq.sink = NULL;
		rq.want_last = rq.last;
		end = last + 1;
	} else {
		end = unmap_twin(t, first, want, last, max);
	}
	demand(unmap_one(t, t->table, rq, &a) == end);
	if (max)
		rq.sink = &b.head;
	demand(unmap_one(t, t->flat, rq, &b) == end);
	memset(t->cell + first, 0, (end - first) * sizeof(*t->cell));
}

/* From the beginning of a run to the end of another, without a gap. */
static void unmap(struct target *t)
{
	uint64_t first = input_below(&t->in, CELLS), last, want;
	uint64_t runs = input_below(&t->in, 16);
	const uint64_t x = input_below(&t->in, 256);

	for (unsigned int i = 0; i < CELLS && !t->cell[first].run; i++)
		first = (first + 1) % CELLS;
	if (!t->cell[first].run)
		return;
	while (first && t->cell[first - 1].run == t->cell[first].run)
		first--;
	for (last = first; last + 1 < CELLS && t->cell[last + 1].run; last++)
		if (t->cell[last].run_ends && !runs--)
			break;
	want = first + (x >> 3) * (last - first) / 31;
	unmap_range(t, first, want, last, x & 7);
}

/* ---- questions ---------------------------------------------------------- */

static void translate_one(struct target *t, struct ioas_domain *d,
			  uint64_t first, uint64_t last, bool full)
{
	struct ioas_domain_cursor cursor = { { 0 } };
	uint64_t addr, length, end, leaf;

	for (uint64_t i = first; i <= last; i = end) {
		const int ret = d->ops->translate_run(d, iova_of(t, i),
						      last_of(t, last),
						      &cursor, &addr, &length);

		end = i + 1;
		demand(ret == (t->cell[i].run ? 0 : -ENOENT));
		/* Of a hole the first cell; check_bytes() knows of the rest. */
		while (ret && end <= last && !t->cell[end].run)
			end++;
		if (ret)
			continue;
		demand(addr == t->cell[i].addr);
		leaf_of(t, i, &(uint64_t){ 0 }, &leaf);
		while (end <= last && continues(t, end - 1))
			end++;
		demand(length && length <= (end - i) << t->lg2);
		demand(length >= (ioas_min(leaf, last) - i + 1) << t->lg2);
		demand(!full || length == (end - i) << t->lg2);
		end = i + (length >> t->lg2);
	}
}

static void translate(struct target *t, uint64_t first, uint64_t last)
{
	translate_one(t, t->table, first, last, false);
	translate_one(t, t->flat, first, last, true);
}

static bool add_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	*(uint64_t *)ctx += UINT64_C(1) << leaf->lg2;
	return true;
}

/* Nothing is mapped but what is in the array. */
static void check_bytes(struct target *t)
{
	struct ioas_flat_stats st;
	uint64_t bytes = 0, leaves = 0;

	for (unsigned int i = 0; i < CELLS; i++)
		bytes += t->cell[i].run ? t->granule : 0;
	ioas_flat_domain_stats(t->flat, &st);
	demand(st.bytes == bytes);
	ioas_pt_for_each_leaf(ioas_table_domain_pt(t->table), add_leaf,
			      &leaves);
	demand(leaves == bytes);
}

static void some_cells(struct target *t, uint64_t *first, uint64_t *last)
{
	const uint64_t x = input_below(&t->in, 65536);

	*first = x % CELLS;
	*last = ioas_min(*first + (x >> 11) * input_below(&t->in, 64),
			 CELLS - 1);
}

/* Granules of the flat domain, leaves of the table. */
static void write(struct target *t)
{
	uint64_t first, last, a, b;

	some_cells(t, &first, &last);
	ioas_table_domain_mark_dirty(t->table, iova_of(t, first),
				     last_of(t, last));
	demand(!ioas_flat_domain_mark_dirty(t->flat, iova_of(t, first),
					    last_of(t, last)));
	for (uint64_t i = first; i <= last; i++) {
		if (!t->cell[i].run)
			continue;
		t->cell[i].dirty = true;
		if (t->cell[i].dirty_leaf ||
		    (t->flavour->arm && !t->cell[i].writable))
			continue;
		leaf_of(t, i, &a, &b);
		while (a <= b)
			t->cell[a++].dirty_leaf = true;
	}
}

struct marks {
	struct ioas_dirty_sink head;
	const struct target *t;
	ioas_iova_t first, last;
	bool cell[CELLS];
};

static void mark(struct ioas_dirty_sink *head, ioas_iova_t iova,
		 ioas_iova_t last)
{
	struct marks *m = ioas_container_of(head, struct marks, head);
	const struct target *t = m->t;

	demand(iova >= m->first && last <= m->last && iova <= last);
	memset(m->cell + ((iova - t->base) >> t->lg2), true,
	       ((last - iova) >> t->lg2) + 1);
}

static void read_one(struct ioas_domain *d, unsigned int flags,
		     struct marks *m)
{
	memset(m->cell, 0, sizeof(m->cell));
	demand(!d->ops->read_and_clear_dirty(d, m->first, m->last, flags,
					     &m->head));
	d->ops->sync(d);
}

static void read_dirty(struct target *t)
{
	static struct marks m;
	const unsigned int flags =
		input_below(&t->in, 2) ? IOAS_DIRTY_NO_CLEAR : 0;
	uint64_t first, last, a, b;

	some_cells(t, &first, &last);
	m.head.mark = mark;
	m.t = t;
	m.first = iova_of(t, first);
	m.last = last_of(t, last);
	read_one(t->flat, flags, &m);
	for (uint64_t i = first; i <= last; i++)
		demand(m.cell[i] == t->cell[i].dirty);
	read_one(t->table, flags, &m);
	for (uint64_t i = first; i <= last; i++)
		demand(m.cell[i] == t->cell[i].dirty_leaf);
	for (uint64_t i = first; i <= last && !flags; i++) {
		t->cell[i].dirty = false;
		if (!t->cell[i].dirty_leaf)
			continue;
		leaf_of(t, i, &a, &b);
		/* Part of a leaf: only the mock format forgets the rest. */
		if ((a < first || b > last) &&
		    t->flavour->format != &ioas_pt_mock)
			continue;
		while (a <= b)
			t->cell[a++].dirty_leaf = false;
	}
}

static void split(struct target *t)
{
	const uint64_t cell = input_below(&t->in, CELLS);
	uint64_t first, last;

	demand(!t->table->ops->split(t->table, iova_of(t, cell)));
	if (!t->cell[cell].run)
		return;
	leaf_of(t, cell, &first, &last);
	demand(first == cell);
}

/* One of the sizes that are no larger than all cells. */
static unsigned int some_size(struct target *t)
{
	const uint64_t x = input_below(&t->in, 256);
	uint64_t sizes = t->table->pgsizes & (t->granule * CELLS - 1);

	for (uint64_t nr = x % (uint64_t)__builtin_popcountll(sizes); nr; nr--)
		sizes &= sizes - 1;
	return ioas_ctz(sizes);
}

static void split_to(struct target *t)
{
	const uint64_t cell = input_below(&t->in, CELLS);
	const unsigned int lg2 = some_size(t);
	struct ioas_pt *pt = ioas_table_domain_pt(t->table);
	const int ret = ioas_pt_split_to(pt, iova_of(t, cell), lg2);
	uint64_t first, last;

	demand(ret == (t->cell[cell].run ? 0 : -ENOENT));
	if (ret)
		return;
	leaf_of(t, cell, &first, &last);
	demand((last - first + 1) << t->lg2 <= UINT64_C(1) << lg2);
}

/* May cells [@first, @last] be one leaf? Of one run, so they are alike. */
static bool mergeable(const struct target *t, uint64_t first, uint64_t last)
{
	const uint64_t size = (last - first + 1) << t->lg2;

	if (!t->cell[first].run ||
	    (t->cell[first].addr | iova_of(t, first)) & (size - 1))
		return false;
	for (uint64_t i = first; i < last; i++)
		if (!continues(t, i) || t->cell[i + 1].run != t->cell[i].run)
			return false;
	return true;
}

/* Only what one map call made, so that no leaf is cut by an unmap. */
static void merge(struct target *t)
{
	const unsigned int lg2 = some_size(t);
	const uint64_t nr = (UINT64_C(1) << lg2) >> t->lg2;
	const uint64_t first = input_below(&t->in, CELLS) & ~(nr - 1);
	const uint64_t last = first + nr - 1;
	struct ioas_pt *pt = ioas_table_domain_pt(t->table);
	const bool fits = mergeable(t, first, last);
	bool dirty = false;
	uint64_t a, b;

	if (!fits && t->cell[first].run && t->cell[last].run)
		return;
	demand(!ioas_pt_merge(pt, iova_of(t, first), lg2) == fits);
	if (!fits)
		return;
	leaf_of(t, first, &a, &b);
	demand(a <= first && b >= last);
	for (uint64_t i = first; i <= last; i++)
		dirty |= t->cell[i].dirty_leaf;
	for (uint64_t i = first; i <= last; i++)
		t->cell[i].dirty_leaf = dirty;
}

/* ---- an input ----------------------------------------------------------- */

static void step(struct target *t)
{
	uint64_t first, last;

	switch (input_below(&t->in, 12)) {
	case 0:
	case 1:
	case 2:
		map(t);
		break;
	case 3:
	case 4:
		unmap(t);
		break;
	case 5:
		split(t);
		break;
	case 6:
		if (t->tracks)
			write(t);
		break;
	case 7:
		if (t->tracks)
			read_dirty(t);
		break;
	case 8:
		t->table->ops->sync(t->table);
		t->flat->ops->sync(t->flat);
		break;
	case 9:
		some_cells(t, &first, &last);
		translate(t, first, last);
		break;
	case 10:
		split_to(t);
		break;
	default:
		merge(t);
		break;
	}
	demand(ioas_table_domain_validate(t->table));
	demand(ioas_flat_domain_validate(t->flat));
}

/* Page sizes of our own; where @x says. */
static void begin_mock(struct target *t, struct ioas_table_options *table,
		       uint64_t x)
{
	static const uint64_t sizes[] = { 0x1000, 0x3e00, 0x201000, 0x40203000,
					  0x200, 0x3ffffff800 };

	table->pt = (struct ioas_pt_params){
		.pgsizes = sizes[x % IOAS_ARRAY_SIZE(sizes)],
		.last = UINT64_MAX,
	};
	demand(!ioas_table_domain_create(table, &t->table));
	t->granule = table->pt.pgsizes & -table->pt.pgsizes;
	switch (x >> 6) {
	case 0:
		break;
	case 1:
		t->base = -(CELLS * t->granule);
		break;
	default:
		/* Over the border of a table of the third level. */
		t->base = (t->granule << 27) - CELLS / 2 * t->granule;
		break;
	}
}

/* Where in the space of a format of hardware. */
static uint64_t some_base(const struct target *t, uint64_t x)
{
	const struct flavour *f = t->flavour;
	const uint64_t room = CELLS * t->granule;
	const uint64_t last = UINT64_MAX >>
			      (64 - f->va_bits + (f->flags & SIGN ? 1 : 0));

	switch (x) {
	case 0:
		return 0;
	case 1:
		return last + 1 - room;
	case 2:
		/* The upper half, or the border of a table of level 0. */
		return f->flags & SIGN ? -room :
		       (t->granule << f->index_lg2) * 3 - room / 2;
	default:
		/* Over the border of the highest table but the root. */
		return (last >> 1) + 1 - room / 2;
	}
}

static void begin_hardware(struct target *t, struct ioas_table_options *table,
			   uint64_t more, uint64_t x)
{
	const struct flavour *f = t->flavour;
	uint64_t sizes;

	table->pt = (struct ioas_pt_params){
		.levels = f->levels,
		.va_bits = f->va_bits,
		.oa_bits = f->oa_bits,
		.flags = more & 1 ? f->flags & ~(uint32_t)DIRTY : f->flags,
		.c_bit = f->c_bit,
	};
	table->dirty = false;
	demand(!ioas_table_domain_create(table, &t->table));
	sizes = t->table->pgsizes;
	t->granule = sizes & -sizes;
	t->tracks = ioas_pt_tracks_dirty(ioas_table_domain_pt(t->table));
	t->table->ops->destroy(t->table);
	/* Again, with the ops that it has, and some of its sizes. */
	table->dirty = t->tracks;
	if (more & 2)
		table->pt.pgsizes = t->granule |
				    (sizes & (sizes >> 9 ^ x << 12));
	demand(!ioas_table_domain_create(table, &t->table));
	t->base = some_base(t, x >> 6);
}

static void begin(struct target *t)
{
	const uint64_t which = input_below(&t->in, 256);
	const uint64_t x = input_below(&t->in, 256);
	struct ioas_table_options table = { .dirty = true };
	struct ioas_flat_options flat = { .last = UINT64_MAX, .dirty = true };

	t->flavour = &flavours[which % IOAS_ARRAY_SIZE(flavours)];
	table.format = t->flavour->format;
	t->tracks = true;
	if (table.format == &ioas_pt_mock)
		begin_mock(t, &table, x);
	else
		begin_hardware(t, &table, which / IOAS_ARRAY_SIZE(flavours), x);
	t->lg2 = (uint8_t)ioas_log2(t->granule);
	flat.pgsizes = t->table->pgsizes;
	demand(!ioas_flat_domain_create(&flat, &t->flat));
	if (t->tracks)
		demand(!t->table->ops->set_dirty_tracking(t->table, true));
	demand(!t->flat->ops->set_dirty_tracking(t->flat, true));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct target t;

	t = (struct target){ .in = { data, size } };
	begin(&t);
	for (unsigned int i = 0; i < MAX_STEPS && t.in.left; i++)
		step(&t);
	translate(&t, 0, CELLS - 1);
	check_bytes(&t);
	t.table->ops->destroy(t.table);
	t.flat->ops->destroy(t.flat);
	return 0;
}
