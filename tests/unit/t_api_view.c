/* SPDX-License-Identifier: MIT */
/*
 * api: views through the public header, used and misused
 *
 * What a view remembers, and what threads do to each other, is tested below
 * the header: t_view.c, tests/concurrency/t_view_*.c.
 */
#include "api_test.h"

#include "domain/ops.h"

struct seen {
	unsigned int nr;
	struct ioas_view_fault fault;
};

static void see(void *data, const struct ioas_view_fault *fault)
{
	struct seen *s = data;

	s->nr++;
	s->fault = *fault;
}

static struct ioas_view *view_new(struct fixture *f, struct seen *seen)
{
	const struct ioas_view_options o = {
		.size = sizeof(o), .fault = see, .data = seen };
	struct ioas_view *v = NULL;

	assert_int_equal(ioas_view_create(f->ctx, f->domain, seen ? &o : NULL,
					  &v), 0);
	assert_non_null(v);
	return v;
}

/* Attached, everything mapped, a view inside a section. */
static struct ioas_view *view_at_work(struct fixture *f, struct seen *seen,
				      unsigned int flags, uint64_t *iova)
{
	struct ioas_view *v;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	*iova = map_all(f, flags);
	v = view_new(f, seen);
	ioas_view_enter(v);
	return v;
}

static void leave(struct ioas_view *v)
{
	ioas_view_exit(v);
	ioas_view_destroy(v);
}

/* ---- life --------------------------------------------------------------- */

static void view_options_are_a_sized_struct(void **state)
{
	struct fixture *f = *state;
	struct {
		struct ioas_view_options known;
		uint64_t tail;
	} o = { .known.size = sizeof(o), .tail = 1 };
	struct ioas_view *v = NULL;

	assert_int_equal(ioas_view_create(f->ctx, f->domain, &o.known, &v),
			 -E2BIG);
	o.known.size = sizeof(size_t) - 1;
	assert_int_equal(ioas_view_create(f->ctx, f->domain, &o.known, &v),
			 -EINVAL);
	assert_null(v);
	/* Without a callback, by its size. */
	o.known.size = sizeof(size_t);
	o.known.fault = see;
	assert_int_equal(ioas_view_create(f->ctx, f->domain, &o.known, &v),
			 0);
	assert_int_equal(ioas_view_read(v, 0, &o, 1), -ENOENT);
	ioas_view_destroy(v);
}

static void destroying_no_view_is_harmless(void **state)
{
	(void)state;
	ioas_view_destroy(NULL);
}

static void what_a_view_uses_is_not_destroyed(void **state)
{
	struct ioas_context *ctx;
	struct ioas_domain *d;
	struct ioas_view *v, *w;

	(void)state;
	assert_int_equal(ioas_context_create(NULL, &ctx), 0);
	assert_int_equal(ioas_domain_create(NULL, &d), 0);
	assert_int_equal(ioas_view_create(ctx, d, NULL, &v), 0);
	assert_int_equal(ioas_view_create(ctx, d, NULL, &w), 0);
	assert_int_equal(ioas_domain_destroy(d), -EBUSY);
	assert_int_equal(ioas_context_destroy(ctx), -EBUSY);
	ioas_view_destroy(v);
	assert_int_equal(ioas_domain_destroy(d), -EBUSY);
	assert_int_equal(ioas_context_destroy(ctx), -EBUSY);
	ioas_view_destroy(w);
	assert_int_equal(ioas_domain_destroy(d), 0);
	assert_int_equal(ioas_context_destroy(ctx), 0);
}

/* ---- inside a section --------------------------------------------------- */

static void map_leads_to_the_memory_of_this_process(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	uint64_t iova, got, at = 0;
	struct ioas_view *v = view_at_work(f, &seen, RW, &iova);
	void *p;

	while (at < SPAN) {
		assert_int_equal(ioas_view_map(v, iova + at, SPAN - at, RW,
					       &p, &got), 0);
		assert_ptr_equal(p, f->bytes + at);
		assert_in_range(got, 1, SPAN - at);
		at += got;
	}
	assert_int_equal(at, SPAN);
	assert_int_equal(ioas_view_map(v, iova + 77, 3, IOAS_READ, &p, &got),
			 0);
	assert_ptr_equal(p, f->bytes + 77);
	assert_int_equal(got, 3);
	assert_int_equal(seen.nr, 0);
	leave(v);
}

static void translate_says_what_the_domain_says(void **state)
{
	struct fixture *f = *state;
	uint64_t iova, address, got, want, all = SPAN - 5;
	struct ioas_view *v = view_at_work(f, NULL, IOAS_READ, &iova);

	assert_int_equal(ioas_domain_translate(f->domain, iova + 5, &want,
					       &all), 0);
	assert_int_equal(ioas_view_translate(v, iova + 5, SPAN - 5, IOAS_READ,
					     &address, &got), 0);
	assert_int_equal(address, want);
	assert_in_range(got, 1, all);
	leave(v);
}

static void segments_cover_the_range(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	struct ioas_segment s[NR], one;
	uint64_t iova, done;
	struct ioas_view *v = view_at_work(f, &seen, IOAS_READ, &iova);
	uint32_t nr = 1;

	/* Own memory is one run. */
	assert_int_equal(ioas_view_segments(v, iova + 1, SPAN - 1, IOAS_READ,
					    &one, &nr, &done), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(done, SPAN - 1);
	assert_int_equal(one.address, (uintptr_t)f->bytes + 1);
	assert_int_equal(one.length, SPAN - 1);
	nr = 0;
	assert_int_equal(ioas_view_segments(v, iova, SPAN, IOAS_READ, NULL,
					    &nr, NULL), -EMSGSIZE);
	assert_int_equal(nr, 0);
	ioas_view_exit(v);

	/* Pages backwards: none goes on where another ends. */
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
	for (unsigned int i = 0; i < NR; i++) {
		uint64_t at = 0x100000 + i * PAGE;

		assert_int_equal(ioas_map(f->ioas, f->memory,
					  (uintptr_t)f->bytes +
						  (NR - 1 - i) * PAGE,
					  PAGE, IOAS_READ | IOAS_FIXED, &at),
				 0);
	}
	ioas_view_enter(v);
	for (uint32_t room = 0; room <= NR; room++) {
		nr = room;
		assert_int_equal(ioas_view_segments(v, 0x100000, SPAN,
						    IOAS_READ, s, &nr, &done),
				 room < NR ? -EMSGSIZE : 0);
		assert_int_equal(nr, room);
		assert_int_equal(done, room * PAGE);
		for (uint32_t i = 0; i < nr; i++) {
			assert_int_equal(s[i].address,
					 (uintptr_t)f->bytes +
						 (NR - 1 - i) * PAGE);
			assert_int_equal(s[i].length, PAGE);
		}
	}
	assert_int_equal(seen.nr, 0);
	/* And one byte too many. */
	nr = NR;
	assert_int_equal(ioas_view_segments(v, 0x100000, SPAN + 1, IOAS_READ,
					    s, &nr, &done), -ENOENT);
	assert_int_equal(nr, NR);
	assert_int_equal(done, SPAN);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(seen.fault.iova, 0x100000 + SPAN);
	leave(v);
}

static void arguments_are_checked(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	uint64_t iova, u[2] = { 1, 2 };
	struct ioas_view *v = view_at_work(f, &seen, RW, &iova);
	static const struct {
		uint64_t length;
		unsigned int flags;
		int ret;
	} cases[] = {
		{ 0, IOAS_READ, -EINVAL },
		{ 1, 0, -EINVAL },
		{ UINT64_MAX, IOAS_READ, -EOVERFLOW },
		{ 1, IOAS_READ | IOAS_NOEXEC, -EOPNOTSUPP },
		{ 1, 1u << 31, -EOPNOTSUPP },
	};
	struct ioas_segment s;
	void *p = NULL;
	uint32_t nr;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(ioas_view_map(v, iova, cases[i].length,
					       cases[i].flags, &p, &u[0]),
				 cases[i].ret);
		assert_int_equal(ioas_view_translate(v, iova, cases[i].length,
						     cases[i].flags, &u[0],
						     &u[1]), cases[i].ret);
		assert_null(p);
		assert_int_equal(u[0], 1);
		assert_int_equal(u[1], 2);
		nr = 1;
		assert_int_equal(ioas_view_segments(v, iova, cases[i].length,
						    cases[i].flags, &s, &nr,
						    NULL), cases[i].ret);
		assert_int_equal(nr, 0);
	}
	assert_int_equal(seen.nr, 0);
	ioas_view_exit(v);
	assert_int_equal(ioas_view_read(v, iova, u, 0), -EINVAL);
	assert_int_equal(ioas_view_write(v, UINT64_MAX, u, 2), -EOVERFLOW);
	ioas_view_destroy(v);
}

static void what_cannot_be_reached_is_reported(void **state)
{
	struct fixture *f = *state;
	struct seen seen = { 0 };
	uint64_t iova, got;
	struct ioas_view *v = view_at_work(f, &seen, IOAS_READ, &iova);
	void *p;

	assert_int_equal(ioas_view_map(v, iova + 9, 1, RW, &p, &got), -EACCES);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(seen.fault.iova, iova + 9);
	assert_int_equal(seen.fault.access, RW);
	assert_int_equal(seen.fault.reason, IOAS_VIEW_DENIED);
	assert_int_equal(ioas_view_map(v, iova + SPAN, 1, IOAS_READ, &p, &got),
			 -ENOENT);
	assert_int_equal(seen.nr, 2);
	assert_int_equal(seen.fault.iova, iova + SPAN);
	assert_int_equal(seen.fault.access, IOAS_READ);
	assert_int_equal(seen.fault.reason, IOAS_VIEW_NOT_MAPPED);
	assert_int_equal(ioas_view_map(v, UINT64_MAX, 1, IOAS_READ, &p, &got),
			 -ENOENT);
	leave(v);
}

static void after_an_unmap_nothing_is_there(void **state)
{
	struct fixture *f = *state;
	uint64_t iova, got;
	struct ioas_view *v = view_at_work(f, NULL, RW, &iova);
	void *p;

	assert_int_equal(ioas_view_map(v, iova, 1, RW, &p, &got), 0);
	ioas_view_exit(v);
	assert_int_equal(ioas_unmap(f->ioas, iova, SPAN, NULL), 0);
	ioas_view_enter(v);
	assert_int_equal(ioas_view_map(v, iova, 1, RW, &p, &got), -ENOENT);
	ioas_view_exit(v);
	/* A detach empties the domain. */
	iova = map_all(f, RW);
	assert_int_equal(ioas_view_read(v, iova, &got, 1), 0);
	assert_int_equal(ioas_detach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_view_read(v, iova, &got, 1), -ENOENT);
	ioas_view_destroy(v);
}

/* A frame that no origin of this process gave: put there behind the header. */
static void memory_elsewhere_has_an_address_and_no_pointer(void **state)
{
	struct fixture *f = *state;
	const uint64_t far = (uint64_t)1 << 51;
	const struct ioas_run run = { far / PAGE, 1 };
	const struct ioas_map_request rq = {
		.iova = 0x10000, .runs = &run, .nr_runs = 1, .page_lg2 = 12,
		.length = PAGE, .prot = IOAS_PROT_READ,
	};
	const struct ioas_unmap_request un = {
		.iova = 0x10000, .want_last = 0x10fff, .last = 0x10fff };
	struct seen seen = { 0 };
	struct ioas_view *v = view_new(f, &seen);
	uint64_t address, got = 1;
	void *p = NULL;

	assert_int_equal(f->domain->ops->map(f->domain, &rq), 0);
	ioas_view_enter(v);
	assert_int_equal(ioas_view_translate(v, 0x10005, 9, IOAS_READ,
					     &address, &got), 0);
	assert_int_equal(address, far + 5);
	assert_int_equal(got, 9);
	assert_int_equal(ioas_view_map(v, 0x10005, 8, IOAS_READ, &p, &got),
			 -EFAULT);
	assert_null(p);
	assert_int_equal(got, 9);
	ioas_view_exit(v);
	assert_int_equal(ioas_view_read(v, 0x10005, &got, 1), -EFAULT);
	assert_int_equal(seen.nr, 0);
	ioas_view_destroy(v);
	f->domain->ops->unmap(f->domain, &un);
}

/* ---- copies ------------------------------------------------------------- */

static void read_and_write_copy_over_any_boundary(void **state)
{
	struct fixture *f = *state;
	uint8_t *buffer = malloc(SPAN);
	struct ioas_view *v;
	uint64_t iova, at = 0x200000;

	assert_non_null(buffer);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	/* Two mappings that touch, the upper half of the memory first. */
	assert_int_equal(ioas_map(f->ioas, f->memory,
				  (uintptr_t)f->bytes + SPAN / 2, SPAN / 2,
				  RW | IOAS_FIXED, &at), 0);
	iova = at;
	at += SPAN / 2;
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  SPAN / 2, RW | IOAS_FIXED, &at), 0);
	v = view_new(f, NULL);
	assert_int_equal(ioas_view_read(v, iova, buffer, SPAN), 0);
	assert_memory_equal(buffer, f->bytes + SPAN / 2, SPAN / 2);
	assert_memory_equal(buffer + SPAN / 2, f->bytes, SPAN / 2);
	assert_int_equal(ioas_view_read(v, iova + 4093, buffer, 6), 0);
	assert_memory_equal(buffer, f->bytes + SPAN / 2 + 4093, 6);

	for (size_t i = 0; i < SPAN; i++)
		buffer[i] = (uint8_t)(i * 13 + i / 500);
	assert_int_equal(ioas_view_write(v, iova + 1, buffer, SPAN - 2), 0);
	assert_memory_equal(buffer, f->bytes + SPAN / 2 + 1, SPAN / 2 - 1);
	assert_memory_equal(buffer + SPAN / 2 - 1, f->bytes, SPAN / 2 - 1);
	assert_int_equal(f->bytes[SPAN / 2], (uint8_t)(SPAN / 2 * 7 +
						       SPAN / 2 / PAGE));
	ioas_view_destroy(v);
	free(buffer);
}

static void a_copy_ends_where_nothing_can_be_reached(void **state)
{
	struct fixture *f = *state;
	uint8_t buffer[16] = { 0 };
	struct seen seen = { 0 };
	struct ioas_view *v;
	uint64_t iova;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	iova = map_all(f, IOAS_READ);
	v = view_new(f, &seen);
	assert_int_equal(ioas_view_read(v, iova + SPAN - 4, buffer, 16),
			 -ENOENT);
	assert_memory_equal(buffer, f->bytes + SPAN - 4, 4);
	assert_int_equal(buffer[4], 0);
	assert_int_equal(seen.nr, 1);
	assert_int_equal(seen.fault.iova, iova + SPAN);
	assert_int_equal(ioas_view_write(v, iova, buffer, 1), -EACCES);
	assert_int_equal(seen.nr, 2);
	assert_int_equal(seen.fault.access, IOAS_WRITE);
	ioas_view_destroy(v);
}

/* It is in no section between two calls, nor after an error. */
static void copies_leave_the_section(void **state)
{
	struct fixture *f = *state;
	uint8_t byte;
	struct ioas_view *v;
	uint64_t iova;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	iova = map_all(f, RW);
	v = view_new(f, NULL);
	assert_int_equal(ioas_view_read(v, iova, &byte, 1), 0);
	assert_int_equal(ioas_view_read(v, iova - 1, &byte, 1), -ENOENT);
	assert_int_equal(ioas_unmap(f->ioas, iova, SPAN, NULL), 0);
	ioas_view_destroy(v);
}

/* ---- dirty -------------------------------------------------------------- */

static uint64_t dirty_pages(struct fixture *f, uint64_t iova)
{
	uint8_t bytes[SPAN / PAGE / 8] = { 0 };
	uint64_t bits = 0;
	const struct ioas_dirty_query q = {
		.size = sizeof(q), .iova = iova, .length = SPAN,
		.granularity = PAGE, .bitmap = bytes };

	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), 0);
	for (unsigned int i = 0; i < sizeof(bytes); i++)
		bits |= (uint64_t)bytes[i] << (8 * i);
	return bits;
}

static void writes_are_dirty_each_time_they_are_asked_for(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = 0x300000, got;
	struct ioas_view *v;
	void *p;

	assert_int_equal(ioas_set_small_pages(f->ioas, true), 0);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  SPAN, RW | IOAS_FIXED, &iova), 0);
	v = view_new(f, NULL);
	assert_int_equal(ioas_view_write(v, iova, "x", 1), 0);
	assert_int_equal(ioas_set_dirty_tracking(f->ioas, f->domain, true), 0);
	assert_int_equal(dirty_pages(f, iova), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(ioas_view_write(v, iova, "y", 1), 0);
		assert_int_equal(ioas_view_write(v, iova + 3 * PAGE - 1, "yz",
						 2), 0);
		ioas_view_enter(v);
		assert_int_equal(ioas_view_map(v, iova + 63 * PAGE, 1, RW, &p,
					       &got), 0);
		assert_int_equal(ioas_view_map(v, iova + 62 * PAGE, 1,
					       IOAS_READ, &p, &got), 0);
		ioas_view_exit(v);
		assert_int_equal(dirty_pages(f, iova),
				 (UINT64_C(1) << 63) | 1 << 3 | 1 << 2 | 1);
		assert_int_equal(dirty_pages(f, iova), 0);
	}
	ioas_view_destroy(v);
}

/* ---- formats ------------------------------------------------------------ */

static void every_format_has_domains_and_views(void **state)
{
	struct fixture *f = *state;
	static const struct {
		unsigned int format, flags;
		uint8_t va_bits, levels, granule_lg2;
	} formats[] = {
		{ IOAS_PT_MOCK, IOAS_DOMAIN_DIRTY, 0, 0, 0 },
		{ IOAS_PT_AMDV1, IOAS_DOMAIN_DIRTY | IOAS_DOMAIN_GROW, 0, 3,
		  0 },
		{ IOAS_PT_AMDV1, IOAS_DOMAIN_FORCE_COHERENT, 48, 4, 0 },
		{ IOAS_PT_VTDSS, IOAS_DOMAIN_DIRTY | IOAS_DOMAIN_REQUIRE_WRITE,
		  48, 0, 0 },
		{ IOAS_PT_X86_64, IOAS_DOMAIN_DIRTY, 47, 0, 0 },
		{ IOAS_PT_X86_64, IOAS_DOMAIN_SIGN_EXTEND, 48, 0, 0 },
		{ IOAS_PT_ARM64_S1, IOAS_DOMAIN_DIRTY | IOAS_DOMAIN_CONTIGUOUS,
		  48, 0, 12 },
		{ IOAS_PT_ARM64_S1, IOAS_DOMAIN_BREAK, 48, 0, 0 },
		{ IOAS_PT_ARM64_S2, IOAS_DOMAIN_DIRTY | IOAS_DOMAIN_S2FWB, 48,
		  0, 12 },
		{ IOAS_PT_RISCV64, IOAS_DOMAIN_DIRTY | IOAS_DOMAIN_SIGN_EXTEND,
		  48, 0, 0 },
		{ IOAS_PT_RISCV64_X4, IOAS_DOMAIN_CONTIGUOUS, 50, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const struct ioas_domain_options o = {
			.size = sizeof(o),
			.format = formats[i].format,
			.flags = formats[i].flags,
			.va_bits = formats[i].va_bits,
			.levels = formats[i].levels,
			.granule_lg2 = formats[i].granule_lg2,
		};
		uint64_t iova = 0x40000000;
		uint8_t bytes[3];
		struct ioas_domain *d;
		struct ioas_view *v;

		assert_int_equal(ioas_domain_create(&o, &d), 0);
		assert_int_equal(ioas_attach(f->ioas, d), 0);
		assert_int_equal(ioas_map(f->ioas, f->memory,
					  (uintptr_t)f->bytes, SPAN,
					  RW | IOAS_FIXED, &iova), 0);
		assert_int_equal(ioas_set_dirty_tracking(f->ioas, d, true),
				 o.flags & IOAS_DOMAIN_DIRTY ? 0 : -EOPNOTSUPP);
		assert_int_equal(ioas_view_create(f->ctx, d, NULL, &v), 0);
		assert_int_equal(ioas_view_read(v, iova + PAGE - 1, bytes, 3),
				 0);
		assert_memory_equal(bytes, f->bytes + PAGE - 1, 3);
		assert_int_equal(ioas_view_write(v, iova + PAGE - 1, bytes, 3),
				 0);
		assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
		assert_int_equal(ioas_view_read(v, iova, bytes, 1), -ENOENT);
		ioas_view_destroy(v);
		assert_int_equal(ioas_detach(f->ioas, d), 0);
		assert_int_equal(ioas_domain_destroy(d), 0);
	}
}

static void what_a_format_lacks_is_refused(void **state)
{
	static const struct {
		struct ioas_domain_options o;
		int ret;
	} cases[] = {
		{ { .format = IOAS_PT_RISCV64_X4 + 1 }, -EOPNOTSUPP },
		{ { .format = UINT32_MAX }, -EOPNOTSUPP },
		{ { .flags = 1u << 8 }, -EOPNOTSUPP },
		{ { .flags = 1u << 31 }, -EOPNOTSUPP },
		{ { .flags = IOAS_DOMAIN_GROW }, -EOPNOTSUPP },
		{ { .format = IOAS_PT_VTDSS, .flags = IOAS_DOMAIN_SIGN_EXTEND },
		  -EOPNOTSUPP },
		{ { .format = IOAS_PT_AMDV1, .flags = IOAS_DOMAIN_CONTIGUOUS },
		  -EOPNOTSUPP },
		{ { .format = IOAS_PT_X86_64,
		    .flags = IOAS_DOMAIN_REQUIRE_WRITE }, -EOPNOTSUPP },
		{ { .format = IOAS_PT_ARM64_S1, .flags = IOAS_DOMAIN_S2FWB },
		  -EOPNOTSUPP },
		{ { .format = IOAS_PT_ARM64_S1, .granule_lg2 = 13 },
		  -EOPNOTSUPP },
		{ { .format = IOAS_PT_VTDSS, .c_bit = UINT64_C(1) << 51 },
		  -EOPNOTSUPP },
		{ { .format = IOAS_PT_VTDSS, .page_sizes = 8192 }, -EINVAL },
		{ { .format = IOAS_PT_AMDV1, .first = 5, .last = 4 },
		  -EINVAL },
		{ { .format = IOAS_PT_RISCV64, .va_bits = 40 }, -EOPNOTSUPP },
		{ { .format = IOAS_PT_X86_64, .oa_bits = 53 }, -EINVAL },
		{ { .reserved = 1 }, -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ioas_domain_options o = cases[i].o;
		struct ioas_domain *d = NULL;

		o.size = sizeof(o);
		if (ioas_domain_create(&o, &d) != cases[i].ret)
			fail_msg("case %zu", i);
		assert_null(d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(view_options_are_a_sized_struct),
		cmocka_unit_test(destroying_no_view_is_harmless),
		cmocka_unit_test(what_a_view_uses_is_not_destroyed),
		CASE(map_leads_to_the_memory_of_this_process),
		CASE(translate_says_what_the_domain_says),
		CASE(segments_cover_the_range),
		CASE(arguments_are_checked),
		CASE(what_cannot_be_reached_is_reported),
		CASE(after_an_unmap_nothing_is_there),
		CASE(memory_elsewhere_has_an_address_and_no_pointer),
		CASE(read_and_write_copy_over_any_boundary),
		CASE(a_copy_ends_where_nothing_can_be_reached),
		CASE(copies_leave_the_section),
		CASE(writes_are_dirty_each_time_they_are_asked_for),
		CASE(every_format_has_domains_and_views),
		cmocka_unit_test(what_a_format_lacks_is_refused),
	};

	return cmocka_run_group_tests_name("t_api_view", tests, NULL, NULL);
}
