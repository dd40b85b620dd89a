/* SPDX-License-Identifier: MIT */
/*
 * random: requests at random, and a model of what they should do
 *
 *   op --> what may come of it (model) --> request --> is it that? --> model
 *   after each: some pages: held by as many objects as the model says?
 *               some places: mapped to the page that the model says?
 *
 * Spaces with areas, devices, accesses and their pins, in one context; memory is
 * a file of pages, each of which the model knows. An area knows its object: a
 * mapping makes one, a copy shares it. A page is held by an object if an area of
 * it is in a space with a device, or a pin covers it (iommufd-uapi 5.6).
 *
 * usage: random SEED OPS
 */
#include "client.h"
#include "prng.h"

#define PAGES 24
#define SPACES 3
#define AREAS 16
#define DEVICES 2
#define ITEMS 8
/* Pages of IOVA from IOVA on. */
#define WINDOW 64
#define LENGTH_MAX 6

struct area {
	uint64_t iova, nr;
	unsigned int page, object;
	uint32_t prot;
	/* The object is: what its first mapping said. */
	bool writable;
};

struct item {
	bool used;
	uint32_t id;
	uint64_t iova, nr;
	unsigned int page[2 * AREAS], object[2 * AREAS];
};

struct space {
	bool used;
	uint32_t id;
	struct area area[AREAS];
	unsigned int nr_areas, nr_devices;
	uint32_t stdev[DEVICES], hwpt;
	/* -1: none. It pins. */
	int access;
	struct item item[ITEMS];
};

static struct prng rng;
static struct uclient c;
static struct space spaces[SPACES];
static char *memory, shadow[PAGES * 4096];
static unsigned int next_object;
static unsigned long nr_op, nr_good, nr_refused;
static char text[128];

static uint64_t below(uint64_t n)
{
	return prng_below(&rng, n);
}

static uint64_t iova_of(uint64_t page)
{
	return IOVA + page * PAGE;
}

/* @errors: 0 ends it; without any the call has to succeed. */
static bool expect(int got, const int *errors)
{
	bool found = !errors[0] && got >= 0;

	for (unsigned int i = 0; errors[i]; i++)
		found |= got == errors[i];
	if (!found) {
		fprintf(stderr, "op %lu: %s: got %d, want %d\n", nr_op, text,
			got, errors[0]);
		_exit(1);
	}
	nr_good += got >= 0;
	nr_refused += got < 0;
	return got >= 0;
}

struct errors {
	int code[6];
	unsigned int nr;
};

static void may(struct errors *e, int code, bool condition)
{
	if (condition)
		e->code[e->nr++] = code;
}

/* ---- areas --------------------------------------------------------------- */

static struct space *some_space(void)
{
	struct space *s = &spaces[below(SPACES)];

	return s->used ? s : NULL;
}

static int area_at(const struct space *s, uint64_t page)
{
	for (unsigned int i = 0; i < s->nr_areas; i++)
		if (page >= s->area[i].iova &&
		    page < s->area[i].iova + s->area[i].nr)
			return (int)i;
	return -1;
}

static bool is_free(const struct space *s, uint64_t page, uint64_t nr)
{
	for (uint64_t i = page; i < page + nr; i++)
		if (area_at(s, i) >= 0)
			return false;
	return true;
}

static bool is_covered(const struct space *s, uint64_t page, uint64_t nr)
{
	for (uint64_t i = page; i < page + nr; i++)
		if (area_at(s, i) < 0)
			return false;
	return true;
}

static bool has_prot(const struct space *s, uint64_t page, uint64_t nr,
		     uint32_t prot)
{
	for (uint64_t i = page; i < page + nr; i++) {
		const int a = area_at(s, i);

		if (a >= 0 && (s->area[a].prot & prot) != prot)
			return false;
	}
	return true;
}

static bool is_writable(const struct space *s, uint64_t page, uint64_t nr)
{
	for (uint64_t i = page; i < page + nr; i++) {
		const int a = area_at(s, i);

		if (a >= 0 && !s->area[a].writable)
			return false;
	}
	return true;
}

static void area_add(struct space *s, uint64_t iova, uint64_t nr,
		     unsigned int page, unsigned int object, uint32_t prot,
		     bool writable)
{
	s->area[s->nr_areas++] =
		(struct area){ iova, nr, page, object, prot, writable };
}

/* Pins that intersect it are told, and gone (iommufd-test-abi 6). */
static void area_remove(struct space *s, int a)
{
	const struct area old = s->area[a];

	for (unsigned int i = 0; i < ITEMS; i++) {
		struct item *it = &s->item[i];

		if (it->used && it->iova < old.iova + old.nr &&
		    old.iova < it->iova + it->nr)
			it->used = false;
	}
	s->area[a] = s->area[--s->nr_areas];
}

static int lowest_in(const struct space *s, uint64_t page, uint64_t nr)
{
	for (uint64_t i = page; i < page + nr; i++)
		if (area_at(s, i) >= 0)
			return area_at(s, i);
	return -1;
}

/* ---- operations: false, it makes no sense now ---------------------------- */

static bool op_alloc(void)
{
	struct space *s = &spaces[below(SPACES)];

	if (s->used)
		return false;
	sprintf(text, "alloc");
	*s = (struct space){ .used = true, .access = -1 };
	expect(uc_ioas_alloc(&c, &s->id), (int[]){ 0 });
	return true;
}

static bool op_destroy(void)
{
	struct space *s = some_space();
	struct errors e = { { 0 }, 0 };

	/* Not too often, or nothing grows. */
	if (!s || below(4))
		return false;
	sprintf(text, "destroy %u", s->id);
	may(&e, -EBUSY, s->nr_devices || s->access >= 0);
	if (expect(uc_destroy(&c, s->id), e.code))
		s->used = false;
	return true;
}

static bool op_map(void)
{
	struct space *s = some_space();
	const uint64_t nr = 1 + below(LENGTH_MAX), at = below(WINDOW - nr);
	const unsigned int page = (unsigned int)below(PAGES - nr);
	const uint32_t prot = below(3) ? UC_RW : UC_R;
	struct errors e = { { 0 }, 0 };

	if (!s || s->nr_areas == AREAS)
		return false;
	sprintf(text, "map %u: %d pages at %d, from %u", s->id, (int)nr,
		(int)at, page);
	may(&e, -EEXIST, !is_free(s, at, nr));
	if (expect(uc_map_fixed(&c, s->id, va(memory + page * PAGE), nr * PAGE,
				prot, iova_of(at)),
		   e.code))
		area_add(s, at, nr, page, next_object++, prot, prot & UC_W);
	return true;
}

/* What cannot be had leaves nothing, in a space with a device at least. */
static bool op_map_nothing(void)
{
	struct space *s = some_space();
	const uint64_t at = below(WINDOW - 2);

	if (!s || !s->nr_devices || !is_free(s, at, 2))
		return false;
	sprintf(text, "map %u: beyond the end", s->id);
	expect(uc_map_fixed(&c, s->id, va(memory + (PAGES - 1) * PAGE),
			    2 * PAGE, UC_RW, iova_of(at)),
	       (int[]){ -EFAULT, 0 });
	return true;
}

static bool op_copy(void)
{
	struct space *from = some_space(), *to = some_space();
	const uint64_t nr = 1 + below(LENGTH_MAX), src = below(WINDOW - nr),
		       dst = below(WINDOW - nr);
	struct ioas_abi_ioas_copy s = { .length = nr * PAGE,
					.src_iova = iova_of(src),
					.dst_iova = iova_of(dst) };
	const uint32_t prot = below(2) ? UC_RW : UC_R;
	struct errors e = { { 0 }, 0 };

	if (!from || !to || to->nr_areas + nr > AREAS)
		return false;
	sprintf(text, "copy %u: %d pages at %d, to %u at %d", from->id, (int)nr,
		(int)src, to->id, (int)dst);
	s.flags = prot | UC_FIXED;
	s.src_ioas_id = from->id;
	s.dst_ioas_id = to->id;
	may(&e, -ENOENT, !is_covered(from, src, nr));
	may(&e, -EPERM, prot & UC_W && !is_writable(from, src, nr));
	may(&e, -EEXIST, !is_free(to, dst, nr));
	if (!expect(uc_copy(&c, &s), e.code))
		return true;
	/* An area for each piece. */
	for (uint64_t i = 0; i < nr;) {
		const struct area a = from->area[area_at(from, src + i)];
		const uint64_t skip_pages = src + i - a.iova;
		const uint64_t left = a.nr - skip_pages;
		const uint64_t piece = left < nr - i ? left : nr - i;

		area_add(to, dst + i, piece, a.page + (unsigned int)skip_pages,
			 a.object, prot, a.writable);
		i += piece;
	}
	return true;
}

static bool op_unmap(void)
{
	struct space *s = some_space();
	const bool exact = s && s->nr_areas && below(3);
	uint64_t at, nr, bytes = 0, want_bytes = 0;
	bool partly = false;
	int a, ret;

	if (!s)
		return false;
	if (exact) {
		a = (int)below(s->nr_areas);
		at = s->area[a].iova;
		nr = s->area[a].nr;
	} else {
		nr = 1 + below(2 * LENGTH_MAX);
		at = below(WINDOW - nr);
	}
	sprintf(text, "unmap %u: %d pages at %d", s->id, (int)nr, (int)at);
	ret = uc_unmap(&c, s->id, iova_of(at), nr * PAGE, &bytes);
	while (!partly && (a = lowest_in(s, at, nr)) >= 0) {
		const struct area *r = &s->area[a];

		partly = r->iova < at || r->iova + r->nr > at + nr;
		if (!partly) {
			want_bytes += r->nr * PAGE;
			area_remove(s, a);
		}
	}
	if (partly || !want_bytes)
		expect(ret, (int[]){ -ENOENT, 0 });
	else if (expect(ret, (int[]){ 0 }))
		want(bytes, want_bytes);
	return true;
}

static bool op_unmap_all(void)
{
	struct space *s = some_space();
	uint64_t bytes = 0, want_bytes = 0;

	if (!s || below(8))
		return false;
	sprintf(text, "unmap all of %u", s->id);
	expect(uc_unmap_all(&c, s->id, &bytes), (int[]){ 0 });
	while (s->nr_areas) {
		want_bytes += s->area[0].nr * PAGE;
		area_remove(s, 0);
	}
	want(bytes, want_bytes);
	return true;
}

static bool op_device(void)
{
	struct space *s = some_space();
	struct uc_mock m = { 0, 0, 0 };

	if (!s || s->nr_devices == DEVICES)
		return false;
	sprintf(text, "device at %u", s->id);
	expect(uc_mock_domain(&c, s->id, &m), (int[]){ 0 });
	/* They share a page table (iommufd-test-abi 3.1). */
	if (s->nr_devices)
		want(m.hwpt, s->hwpt);
	s->hwpt = m.hwpt;
	s->stdev[s->nr_devices++] = m.stdev;
	return true;
}

static bool op_device_gone(void)
{
	struct space *s = some_space();

	if (!s || !s->nr_devices || below(3))
		return false;
	sprintf(text, "no device at %u", s->id);
	expect(uc_destroy(&c, s->stdev[--s->nr_devices]), (int[]){ 0 });
	return true;
}

static bool op_access(void)
{
	struct space *s = some_space();

	if (!s)
		return false;
	sprintf(text, "access of %u", s->id);
	if (s->access < 0) {
		expect(uc_access_create(
			       &c, s->id,
			       IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES,
			       &s->access),
		       (int[]){ 0 });
	} else if (!below(4)) {
		want_ok(close(s->access));
		s->access = -1;
		memset(s->item, 0, sizeof(s->item));
	}
	return true;
}

static bool op_pin(void)
{
	struct space *s = some_space();
	const uint64_t nr = 1 + below(LENGTH_MAX), at = below(WINDOW - nr);
	const bool write = below(2);
	struct errors e = { { 0 }, 0 };
	struct item *it = NULL;

	for (unsigned int i = 0; s && i < ITEMS; i++)
		if (!s->item[i].used)
			it = &s->item[i];
	if (!it || s->access < 0)
		return false;
	sprintf(text, "pin in %u: %d pages at %d", s->id, (int)nr, (int)at);
	may(&e, -ENOENT, !is_covered(s, at, nr));
	may(&e, -EPERM, write && !has_prot(s, at, nr, UC_W));
	if (!expect(uc_access_pin(&c, s->access, write, iova_of(at), nr * PAGE,
				  &it->id),
		    e.code))
		return true;
	it->used = true;
	it->iova = at;
	it->nr = nr;
	for (uint64_t i = 0; i < nr; i++) {
		const struct area *a = &s->area[area_at(s, at + i)];

		it->object[i] = a->object;
		it->page[i] = a->page + (unsigned int)(at + i - a->iova);
	}
	return true;
}

static bool op_unpin(void)
{
	struct space *s = some_space();
	struct item *it = s ? &s->item[below(ITEMS)] : NULL;
	struct errors e = { { 0 }, 0 };

	if (!it || s->access < 0 || !it->id)
		return false;
	sprintf(text, "unpin %u in %u", it->id, s->id);
	may(&e, -ENOENT, !it->used);
	expect(uc_access_unpin(&c, s->access, it->id), e.code);
	it->used = false;
	return true;
}

/* Where byte @at of the window is in memory, as far as the page goes. */
static char *place(const struct space *s, char *base, uint64_t at)
{
	const struct area *a = &s->area[area_at(s, at / PAGE)];

	return base + (a->page + at / PAGE - a->iova) * PAGE + at % PAGE;
}

static bool op_rw(void)
{
	static char buffer[3 * 4096], old[3 * 4096];
	struct space *s = some_space();
	const uint64_t length = 1 + below(sizeof(buffer) - 1);
	const uint64_t at = below(WINDOW * PAGE - length);
	const uint64_t first = at / PAGE,
		       nr = (at + length - 1) / PAGE - first + 1;
	const bool write = below(2);
	struct errors e = { { 0 }, 0 };

	if (!s || s->access < 0)
		return false;
	sprintf(text, "%s of %u: %d bytes at %d", write ? "write" : "read",
		s->id, (int)length, (int)at);
	may(&e, -ENOENT, !is_covered(s, first, nr));
	may(&e, -EPERM, write && !has_prot(s, first, nr, UC_W));
	memset(buffer, (int)below(256), sizeof(buffer));
	memcpy(old, buffer, sizeof(buffer));
	if (!expect(uc_access_rw(&c, s->access, IOVA + at, buffer, length,
				 write ? IOAS_ABI_MOCK_ACCESS_RW_WRITE : 0),
		    e.code)) {
		/* Areas before the one that failed have been written. */
		memcpy(shadow, memory, sizeof(shadow));
		return true;
	}
	for (uint64_t i = 0; i < length; i++) {
		char *is = place(s, shadow, at + i);

		if (write)
			*is = old[i];
		else
			want(buffer[i], *is);
	}
	return true;
}

/* The program itself. */
static bool op_store(void)
{
	const uint64_t at = below(sizeof(shadow));

	shadow[at] = memory[at] = (char)below(256);
	return true;
}

static bool op_ranges(void)
{
	struct space *s = some_space();
	struct ioas_abi_iova_range r = { 0, 0 };
	uint64_t alignment = 0;
	uint32_t nr = 1;

	if (!s)
		return false;
	sprintf(text, "ranges of %u", s->id);
	expect(uc_ranges(&c, s->id, &r, &nr, &alignment), (int[]){ 0 });
	want(r.start, s->nr_devices ? IOAS_ABI_MOCK_APERTURE_START : 0);
	want(r.last, s->nr_devices ? IOAS_ABI_MOCK_APERTURE_LAST : UINT64_MAX);
	want(alignment, s->access >= 0 ? PAGE :
			s->nr_devices ? IOAS_ABI_MOCK_PAGE_SIZE :
					1);
	return true;
}

/* ---- what is seen -------------------------------------------------------- */

static bool add_object(unsigned int *objects, unsigned int *nr, unsigned int o)
{
	for (unsigned int i = 0; i < *nr; i++)
		if (objects[i] == o)
			return false;
	objects[(*nr)++] = o;
	return true;
}

static unsigned int holders(unsigned int page)
{
	unsigned int objects[SPACES * (AREAS + ITEMS)], nr = 0;

	for (const struct space *s = spaces; s < spaces + SPACES; s++) {
		if (!s->used)
			continue;
		for (unsigned int i = 0; s->nr_devices && i < s->nr_areas; i++)
			if (page >= s->area[i].page &&
			    page < s->area[i].page + s->area[i].nr)
				add_object(objects, &nr, s->area[i].object);
		for (const struct item *it = s->item; it < s->item + ITEMS; it++)
			for (uint64_t i = 0; it->used && i < it->nr; i++)
				if (it->page[i] == page)
					add_object(objects, &nr, it->object[i]);
	}
	return nr;
}

static void look_at_page(unsigned int page)
{
	const int ret = refs_are(&c, memory + page * PAGE, 1, holders(page));

	if (ret) {
		fprintf(stderr, "op %lu: %s: page %u is not held %u times: %d\n",
			nr_op, text, page, holders(page), ret);
		_exit(1);
	}
}

static void look_at_place(const struct space *s, uint64_t at)
{
	const int a = area_at(s, at);
	const struct area *r = a < 0 ? NULL : &s->area[a];
	const uint64_t page = r ? r->page + at - r->iova : 0;
	const int ret = uc_check_map(&c, s->hwpt, iova_of(at), PAGE,
				     va(memory + page * PAGE));

	if (ret != (r ? 0 : -EINVAL)) {
		fprintf(stderr, "op %lu: %s: space %u, place %d: %d\n", nr_op,
			text, s->id, (int)at, ret);
		_exit(1);
	}
}

static void look(void)
{
	const struct space *s = some_space();

	look_at_page((unsigned int)below(PAGES));
	if (s && s->nr_devices)
		look_at_place(s, below(WINDOW));
	if (nr_op % 64)
		return;
	for (unsigned int page = 0; page < PAGES; page++)
		look_at_page(page);
	for (s = spaces; s < spaces + SPACES; s++)
		for (uint64_t at = 0; s->used && s->nr_devices && at < WINDOW;
		     at++)
			look_at_place(s, at);
	want_ok(memcmp(memory, shadow, sizeof(shadow)));
}

static bool (*const ops[])(void) = {
	op_alloc,	op_destroy, op_map,    op_map,	 op_map,
	op_map_nothing, op_copy,    op_copy,   op_unmap, op_unmap_all,
	op_device,	op_access,  op_pin,    op_pin,	 op_unpin,
	op_rw,		op_rw,	    op_rw,     op_store, op_ranges,
	op_device_gone,
};

int main(int argc, char **argv)
{
	const unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 2000;
	struct uclient witness = iommu_open();

	if (PAGE != 4096)
		skip("pages are not of 4 KiB");
	rng.state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	c = iommu_open();
	/* A hole follows. */
	memory = memory_shared(PAGES + 1);
	want_ok(munmap(memory + PAGES * PAGE, PAGE));
	while (nr_op < count)
		if (ops[below(sizeof(ops) / sizeof(ops[0]))]()) {
			look();
			nr_op++;
		}
	printf("%lu: %lu done, %lu refused\n", nr_op, nr_good, nr_refused);
	/* Both are worth nothing if there are few of them. */
	want(nr_good > count / 6 && nr_refused > count / 20, 1);
	close(c.fd);
	for (struct space *s = spaces; s < spaces + SPACES; s++)
		if (s->used && s->access >= 0)
			close(s->access);
	want_ok(refs_are(&witness, memory, PAGES, 0));
	return 0;
}
