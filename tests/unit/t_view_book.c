/* SPDX-License-Identifier: MIT */
/*
 * t_view_book: views under random operations, on every format
 *
 *   map, unmap, split, harvest, tracking     on the domain, and in a book
 *   translations by two views                against the book
 *
 * The book is an array that is searched from the start: obviously right.
 */
#include "view_test.h"

/* ---- against the book, any format --------------------------------------- */

#define BOOK 24
/* Everything that is mapped lies in here: two tables of 512 GiB. */
#define SPAN (64 * GIB)

struct mapping {
	uint64_t iova;
	uint64_t length;
	uint64_t addr;
	uint32_t prot;
};

struct book {
	const struct format *format;
	struct ioas_domain *d;
	struct ioas_dview *v[2];
	struct mapping m[BOOK];
	unsigned int nr;
	uint64_t seed;
	uint64_t start_seed;
	unsigned int step;
};

static const struct mapping *book_find(const struct book *b, uint64_t iova)
{
	for (unsigned int i = 0; i < b->nr; i++)
		if (iova - b->m[i].iova < b->m[i].length)
			return &b->m[i];
	return NULL;
}

static bool book_free(const struct book *b, uint64_t iova, uint64_t length)
{
	for (unsigned int i = 0; i < b->nr; i++)
		if (iova < b->m[i].iova + b->m[i].length &&
		    b->m[i].iova < iova + length)
			return false;
	return true;
}

static void book_wrong(const struct book *b, const char *what, uint64_t iova)
{
	fail_msg("%s: %s at %#llx: seed %llu step %u", b->format->name, what,
		 (unsigned long long)iova, (unsigned long long)b->start_seed,
		 b->step);
}

/* From a page to gigabytes, often aligned on both sides. */
static void book_map(struct book *b)
{
	uint64_t unit = UINT64_C(4096) << rng_below(&b->seed, 19);
	struct mapping m = {
		.iova = rng_below(&b->seed, SPAN / unit) * unit,
		.length = (1 + rng_below(&b->seed, 4)) * unit,
		.addr = rng_below(&b->seed, SPAN / unit) * unit,
		.prot = (uint32_t)(1 + rng_below(&b->seed, 3)),
	};

	/* Small leaves only, so not too many. */
	if (m.length <= 16 * MIB && rng_below(&b->seed, 4) == 0)
		m.addr += 4096;
	if (m.prot & WRITE)
		m.prot |= b->format->implied_by_write;
	if (b->nr == BOOK || m.iova + m.length > SPAN ||
	    !book_free(b, m.iova, m.length))
		return;
	if (domain_map(b->d, m.iova, m.length, m.addr, m.prot))
		book_wrong(b, "map fails", m.iova);
	b->m[b->nr++] = m;
}

static void book_unmap(struct book *b)
{
	unsigned int i;

	if (!b->nr)
		return;
	i = (unsigned int)rng_below(&b->seed, b->nr);
	domain_unmap(b->d, b->m[i].iova, b->m[i].length);
	b->m[i] = b->m[--b->nr];
}

/* Cut leaves in the middle of something: no answer may change. */
static void book_split(struct book *b)
{
	const struct mapping *m;
	int ret;

	if (!b->nr || !b->d->ops->split)
		return;
	m = &b->m[rng_below(&b->seed, b->nr)];
	ret = b->d->ops->split(b->d, m->iova +
				     (rng_below(&b->seed, m->length) &
				      ~UINT64_C(4095)));
	if (ret && ret != -EOPNOTSUPP)
		book_wrong(b, "split fails", m->iova);
	b->d->ops->sync(b->d);
}

static uint64_t book_address(struct book *b)
{
	const struct mapping *m;

	if (!b->nr || rng_below(&b->seed, 8) == 0)
		return rng_below(&b->seed, SPAN);
	m = &b->m[rng_below(&b->seed, b->nr)];
	switch (rng_below(&b->seed, 6)) {
	case 0:
		return m->iova;
	case 1:
		return m->iova + m->length - 1;
	case 2:
		return m->iova + m->length;
	case 3:
		return m->iova - 1;
	default:
		return m->iova + rng_below(&b->seed, m->length);
	}
}

static void book_look(struct book *b, struct ioas_dview *v)
{
	uint64_t iova = book_address(b), addr = 0, length = 0;
	uint64_t last = iova + rng_below(&b->seed, 4 * GIB);
	uint32_t access = (uint32_t)(1 + rng_below(&b->seed, 3));
	const struct mapping *m = book_find(b, iova);
	int ret, want = 0;

	if (!m)
		want = -ENOENT;
	else if (access & ~m->prot)
		want = -EACCES;
	if (last < iova)
		last = UINT64_MAX;
	ret = ioas_dview_translate(v, iova, last, access, &addr, &length);
	if (ret != want)
		book_wrong(b, "the result is wrong", iova);
	if (!ret && (addr - m->addr != iova - m->iova || !length ||
		     length > m->iova + m->length - iova ||
		     length - 1 > last - iova))
		book_wrong(b, "the translation is wrong", iova);
}

/* Of a whole mapping, which is one run: one segment. */
static void book_segments(struct book *b, struct ioas_dview *v)
{
	const struct mapping *m;
	struct ioas_dview_segment s[2];
	uint32_t nr = 2;
	uint64_t done;

	if (!b->nr)
		return;
	m = &b->m[rng_below(&b->seed, b->nr)];
	if (m->length > GIB)
		return;
	if (ioas_dview_segments(v, m->iova, m->iova + m->length - 1, m->prot,
				s, &nr, &done) ||
	    nr != 1 || done != m->length || s[0].addr != m->addr ||
	    s[0].length != m->length)
		book_wrong(b, "segments are wrong", m->iova);
}

static void book_step(struct book *b)
{
	switch (rng_below(&b->seed, 8)) {
	case 0: case 1: case 2:
		book_map(b);
		break;
	case 3: case 4:
		book_unmap(b);
		break;
	case 5:
		book_split(b);
		break;
	case 6:
		if (b->d->ops->read_and_clear_dirty(b->d, 0, SPAN - 1, 0,
						    NULL))
			book_wrong(b, "harvest fails", 0);
		b->d->ops->sync(b->d);
		break;
	default:
		b->d->ops->set_dirty_tracking(b->d,
					      rng_below(&b->seed, 2));
	}
	for (unsigned int i = 0; i < 2; i++) {
		ioas_dview_enter(b->v[i]);
		for (unsigned int k = 0; k < 24; k++)
			book_look(b, b->v[i]);
		book_segments(b, b->v[i]);
		ioas_dview_exit(b->v[i]);
	}
}

static void book_run(const struct format *format, uint64_t seed)
{
	struct book b = { .format = format, .seed = seed, .start_seed = seed };

	b.d = domain_new(format);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(ioas_dview_create(b.d, NULL, NULL, &b.v[i]),
				 0);
	for (b.step = 0; b.step < 400; b.step++)
		book_step(&b);
	for (unsigned int i = 0; i < 2; i++)
		ioas_dview_destroy(b.v[i]);
	assert_true(ioas_table_domain_validate(b.d));
	b.d->ops->destroy(b.d);
}

static void views_agree_with_the_book(void **state)
{
	const struct format *format = *state;

	for (uint64_t seed = 1; seed <= 6; seed++)
		book_run(format, seed);
}

/* Leaves as large as what an entry covers, a bit smaller and a bit larger. */
static void views_agree_with_the_book_for_odd_sizes(void **state)
{
	static const uint64_t sizes[] = {
		UINT64_C(0x3ffff000), UINT64_C(0x40201000),
		UINT64_C(0x80101000), UINT64_C(0x3fffff000),
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(sizes); i++) {
		const struct format odd = {
			"mock", 0, { .pgsizes = sizes[i], .last = SPAN - 1 }, 0,
		};

		book_run(&odd, 100 + i);
	}
}

int main(void)
{
	struct CMUnitTest tests[NR_FORMATS + 1] = {
		cmocka_unit_test(views_agree_with_the_book_for_odd_sizes),
	};
	char names[NR_FORMATS][64];

	for (size_t i = 0; i < NR_FORMATS; i++) {
		snprintf(names[i], sizeof(names[i]),
			 "views_agree_with_the_book_%s", formats[i].name);
		tests[i + 1] = (struct CMUnitTest){
			.name = names[i],
			.test_func = views_agree_with_the_book,
			.initial_state = (void *)(uintptr_t)&formats[i],
		};
	}
	return _cmocka_run_group_tests("t_view_book", tests, NR_FORMATS + 1,
				       NULL, NULL);
}
