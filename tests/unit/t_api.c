/* SPDX-License-Identifier: MIT */
/*
 * api: spaces and page tables through the public header, used and misused
 *
 * The core behind it has tests of its own; here stands what the public header
 * promises: results, errors, sized structs, who may destroy what.
 */
#include "api_test.h"

/* ---- sized structs ------------------------------------------------------ */

static void version_is_that_of_the_headers(void **state)
{
	(void)state;
	assert_string_equal(ioas_version(), IOAS_VERSION);
}

static void options_shorter_than_known_get_defaults(void **state)
{
	const struct ioas_context_options only_page = {
		.size = offsetof(struct ioas_context_options, huge_size),
		.page_size = 65536,
		/* Beyond the size: must not be read. */
		.huge_size = 3,
		.lock_limit = 1,
	};
	struct ioas_context *ctx = NULL;
	struct ioas *ioas;
	struct ioas_stats st;

	(void)state;
	assert_int_equal(ioas_context_create(&only_page, &ctx), 0);
	assert_int_equal(ioas_create(ctx, &ioas), 0);
	st = stats(ioas);
	assert_int_equal(st.page_size, 65536);
	assert_int_equal(ioas_destroy(ioas), 0);
	assert_int_equal(ioas_context_destroy(ctx), 0);
}

struct newer {
	struct ioas_domain_options known;
	uint8_t tail[9];
};

static void options_longer_than_known_must_be_zero(void **state)
{
	struct newer o = { .known.size = offsetof(struct newer, tail) +
					 sizeof(o.tail) };
	struct ioas_domain *d = NULL;

	(void)state;
	assert_int_equal(ioas_domain_create(&o.known, &d), 0);
	assert_int_equal(ioas_domain_destroy(d), 0);
	d = NULL;
	for (size_t i = 0; i < sizeof(o.tail); i++) {
		o.tail[i] = 1;
		assert_int_equal(ioas_domain_create(&o.known, &d), -E2BIG);
		assert_null(d);
		o.tail[i] = 0;
	}
}

static void a_size_that_does_not_hold_itself_is_einval(void **state)
{
	struct fixture *f = *state;

	for (size_t size = 0; size < sizeof(size_t); size++) {
		struct ioas_context_options c = { .size = size };
		struct ioas_domain_options d = { .size = size };
		struct ioas_client_options k = { .size = size };
		struct ioas_dirty_query q = { .size = size };
		struct ioas_domain_stats ds = { .size = size };
		struct ioas_stats st = { .size = size };
		struct ioas_page_info info = { .size = size };
		uint64_t iova = map_all(f, RW);
		void *p;

		assert_int_equal(ioas_context_create(&c, (void *)&p), -EINVAL);
		assert_int_equal(ioas_domain_create(&d, (void *)&p), -EINVAL);
		assert_int_equal(ioas_client_create(f->ctx, &k, (void *)&p),
				 -EINVAL);
		assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q),
				 -EINVAL);
		assert_int_equal(ioas_domain_stats(f->domain, &ds), -EINVAL);
		assert_int_equal(ioas_stats(f->ioas, &st), -EINVAL);
		assert_int_equal(ioas_page_info(f->ioas, iova, &info),
				 -EINVAL);
		assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
	}
}

static void answers_fit_the_struct_of_the_caller(void **state)
{
	struct fixture *f = *state;
	struct {
		struct ioas_stats st;
		uint64_t tail;
	} newer, older;

	memset(&newer, 0xff, sizeof(newer));
	newer.st.size = sizeof(newer);
	assert_int_equal(ioas_stats(f->ioas, &newer.st), 0);
	assert_int_equal(newer.st.size, sizeof(newer));
	assert_int_equal(newer.st.page_size, PAGE);
	assert_int_equal(newer.tail, 0);

	memset(&older, 0xff, sizeof(older));
	older.st.size = offsetof(struct ioas_stats, nr_domains);
	assert_int_equal(ioas_stats(f->ioas, &older.st), 0);
	assert_int_equal(older.st.mapped, 0);
	assert_true(older.st.nr_domains == UINT64_MAX);
}

/* ---- contexts ----------------------------------------------------------- */

static void context_sizes_are_checked(void **state)
{
	const struct ioas_context_options bad[] = {
		{ .size = sizeof(bad[0]), .page_size = 4097 },
		{ .size = sizeof(bad[0]), .page_size = 4 },
		{ .size = sizeof(bad[0]), .page_size = (uint64_t)1 << 31 },
		{ .size = sizeof(bad[0]), .page_size = (uint64_t)1 << 63 },
		{ .size = sizeof(bad[0]), .huge_size = 3 << 20 },
		{ .size = sizeof(bad[0]), .page_size = 8192,
		  .huge_size = 4096 },
	};
	struct ioas_context *ctx = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ioas_context_create(&bad[i], &ctx), -EINVAL);
		assert_null(ctx);
	}
}

static void a_context_in_use_is_not_destroyed(void **state)
{
	struct ioas_client *client;
	struct ioas_context *ctx;
	struct ioas *ioas;

	(void)state;
	assert_int_equal(ioas_context_create(NULL, &ctx), 0);
	assert_int_equal(ioas_create(ctx, &ioas), 0);
	assert_int_equal(ioas_context_destroy(ctx), -EBUSY);
	assert_int_equal(ioas_client_create(ctx, NULL, &client), 0);
	assert_int_equal(ioas_destroy(ioas), 0);
	assert_int_equal(ioas_context_destroy(ctx), -EBUSY);
	ioas_client_destroy(client);
	assert_int_equal(ioas_context_destroy(ctx), 0);
}

static void destroying_nothing_is_harmless(void **state)
{
	(void)state;
	assert_int_equal(ioas_context_destroy(NULL), 0);
	assert_int_equal(ioas_destroy(NULL), 0);
	assert_int_equal(ioas_domain_destroy(NULL), 0);
	ioas_client_destroy(NULL);
	ioas_origin_destroy(NULL);
}

static void the_lock_limit_bounds_what_is_pinned(void **state)
{
	struct fixture *f = *state;
	const struct ioas_context_options o = {
		.size = sizeof(o), .page_size = PAGE, .lock_limit = 3 * PAGE };
	struct ioas_context *ctx;
	struct ioas_domain *d;
	struct ioas *ioas;
	uint64_t iova = 0;

	assert_int_equal(ioas_context_create(&o, &ctx), 0);
	assert_int_equal(ioas_create(ctx, &ioas), 0);
	assert_int_equal(ioas_domain_create(NULL, &d), 0);
	assert_int_equal(ioas_attach(ioas, d), 0);
	assert_int_equal(ioas_map(ioas, f->memory, (uintptr_t)f->bytes,
				  4 * PAGE, RW, &iova), -ENOMEM);
	assert_int_equal(stats(ioas).context_pinned, 0);
	assert_int_equal(stats(ioas).context_charged, 0);
	assert_int_equal(ioas_map(ioas, f->memory, (uintptr_t)f->bytes,
				  3 * PAGE, RW, &iova), 0);
	assert_int_equal(stats(ioas).context_pinned, 3);
	assert_int_equal(stats(ioas).context_charged, 3);
	assert_int_equal(ioas_detach(ioas, d), 0);
	assert_int_equal(stats(ioas).context_charged, 0);
	assert_int_equal(ioas_domain_destroy(d), 0);
	assert_int_equal(ioas_destroy(ioas), 0);
	assert_int_equal(ioas_context_destroy(ctx), 0);
}

/* ---- mapping ------------------------------------------------------------ */

static void map_checks_its_arguments(void **state)
{
	struct fixture *f = *state;
	uint64_t start = (uintptr_t)f->bytes;
	uint64_t iova = 0x10000;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_map(f->ioas, f->memory, start, PAGE, RW | 1 << 9,
				  &iova), -EOPNOTSUPP);
	assert_int_equal(ioas_map(f->ioas, f->memory, start, PAGE, IOAS_FIXED,
				  &iova), -EINVAL);
	assert_int_equal(ioas_map(f->ioas, f->memory, start, 0, RW, &iova),
			 -EINVAL);
	assert_int_equal(ioas_map(f->ioas, f->memory, start, PAGE - 1, RW,
				  &iova), -EINVAL);
	assert_int_equal(ioas_map(f->ioas, f->memory, start + 8, PAGE,
				  RW | IOAS_FIXED, &iova), -EINVAL);
	assert_int_equal(ioas_map(f->ioas, f->memory, UINT64_MAX - PAGE + 2,
				  PAGE, RW, &iova), -EOVERFLOW);
	assert_int_equal(iova, 0x10000);
	assert_int_equal(ioas_map(f->ioas, f->memory, start, PAGE,
				  RW | IOAS_FIXED, &iova), 0);
	assert_int_equal(ioas_map(f->ioas, f->memory, start, PAGE,
				  RW | IOAS_FIXED, &iova), -EEXIST);
	iova = 0x10008;
	assert_int_equal(ioas_map(f->ioas, f->memory, start, PAGE,
				  RW | IOAS_FIXED, &iova), -EINVAL);
}

static void unmap_reports_what_it_removed(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = map_all(f, RW), bytes = 1;

	assert_int_equal(ioas_unmap(f->ioas, iova, 0, &bytes), -EINVAL);
	assert_int_equal(bytes, 0);
	assert_int_equal(ioas_unmap(f->ioas, UINT64_MAX, 2, &bytes),
			 -EOVERFLOW);
	assert_int_equal(ioas_unmap(f->ioas, iova, PAGE, &bytes), -ENOENT);
	assert_int_equal(ioas_unmap(f->ioas, iova, SPAN, &bytes), 0);
	assert_int_equal(bytes, SPAN);
	assert_int_equal(ioas_unmap(f->ioas, iova, SPAN, &bytes), 0);
	assert_int_equal(bytes, 0);
	map_all(f, IOAS_READ);
	map_all(f, IOAS_READ);
	assert_int_equal(stats(f->ioas).nr_mappings, 2);
	assert_int_equal(stats(f->ioas).mapped, 2 * SPAN);
	assert_int_equal(ioas_unmap_all(f->ioas, &bytes), 0);
	assert_int_equal(bytes, 2 * SPAN);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
}

static void copy_shares_pages_inside_a_context(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = map_all(f, RW), copied = 0, ro;
	struct ioas_context *other_ctx;
	struct ioas *other;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_copy(f->ioas, f->ioas, iova + PAGE, 2 * PAGE, RW,
				   &copied), 0);
	assert_int_equal(stats(f->ioas).context_pinned, NR);
	assert_int_equal(page_info(f->ioas, copied).index, 1);
	assert_int_equal(page_info(f->ioas, copied).address,
			 page_info(f->ioas, iova + PAGE).address);
	assert_int_equal(ioas_copy(f->ioas, f->ioas, iova, 2 * SPAN, RW,
				   &copied), -ENOENT);
	assert_int_equal(ioas_copy(f->ioas, f->ioas, iova, PAGE, 1 << 30,
				   &copied), -EOPNOTSUPP);
	ro = map_all(f, IOAS_READ);
	assert_int_equal(ioas_copy(f->ioas, f->ioas, ro, PAGE, RW, &copied),
			 -EPERM);
	assert_int_equal(ioas_context_create(NULL, &other_ctx), 0);
	assert_int_equal(ioas_create(other_ctx, &other), 0);
	assert_int_equal(ioas_copy(other, f->ioas, iova, PAGE, RW, &copied),
			 -EINVAL);
	assert_int_equal(ioas_destroy(other), 0);
	assert_int_equal(ioas_context_destroy(other_ctx), 0);
}

static void origin_outlives_its_owner_while_it_is_mapped(void **state)
{
	struct fixture *f = *state;
	struct ioas_origin *mine;
	uint64_t iova = 0, address;

	assert_int_equal(ioas_origin_own(f->ctx, &mine), 0);
	assert_int_equal(ioas_map(f->ioas, mine, (uintptr_t)f->bytes, PAGE, RW,
				  &iova), 0);
	ioas_origin_destroy(mine);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_domain_translate(f->domain, iova, &address,
					       NULL), 0);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
}

/* ---- reserved and allowed ----------------------------------------------- */

static void reserved_ranges_belong_to_their_owner(void **state)
{
	struct fixture *f = *state;
	const struct ioas_interval low = { 0, 0xffff };
	const struct ioas_interval bad[] = { { 0x20000, 0x2ffff }, { 9, 8 } };
	const struct ioas_interval inside = { 0x30000, 0x3ffff };
	uint64_t iova = 0x8000;
	int me = 0, you = 0;

	assert_int_equal(ioas_reserve(f->ioas, &low, 1, NULL), -EINVAL);
	assert_int_equal(ioas_reserve(f->ioas, bad, 2, &me), -EINVAL);
	assert_int_equal(ioas_reserve(f->ioas, &low, 1, &me), 0);
	assert_int_equal(ioas_reserve(f->ioas, &low, 1, &you), 0);
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  PAGE, RW | IOAS_FIXED, &iova), -EINVAL);
	ioas_unreserve(f->ioas, &me);
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  PAGE, RW | IOAS_FIXED, &iova), -EINVAL);
	ioas_unreserve(f->ioas, &you);
	ioas_unreserve(f->ioas, &you);
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  PAGE, RW | IOAS_FIXED, &iova), 0);
	assert_int_equal(ioas_reserve(f->ioas, &low, 1, &me), -EADDRINUSE);
	assert_int_equal(ioas_allow(f->ioas, &inside, 1), 0);
	assert_int_equal(ioas_reserve(f->ioas, &inside, 1, &me), -EADDRINUSE);
}

/* A token is any pointer, also that of the domain whose aperture ends there. */
static void regress_a_domain_as_token_keeps_its_aperture(void **state)
{
	struct fixture *f = *state;
	const struct ioas_interval low = { 0, 0xffff };
	struct ioas_interval usable;
	uint64_t alignment;
	uint32_t nr = 1;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_reserve(f->ioas, &low, 1, f->domain), 0);
	ioas_unreserve(f->ioas, f->domain);
	ioas_unreserve(f->ioas, f->domain);
	assert_int_equal(ioas_ranges(f->ioas, &usable, &nr, &alignment), 0);
	assert_int_equal(nr, 1);
	assert_int_equal(usable.first, 0);
	assert_int_equal(usable.last, ((uint64_t)1 << 48) - 1);
}

static void allowed_ranges_decide_what_is_chosen(void **state)
{
	struct fixture *f = *state;
	const struct ioas_interval high = { (uint64_t)1 << 40,
					    ((uint64_t)1 << 40) + SPAN - 1 };
	const struct ioas_interval bad = { 5, 5 };
	const struct ioas_interval twice[] = { high, high };
	uint64_t iova = 0;
	int me = 0;

	assert_int_equal(ioas_allow(f->ioas, &bad, 1), -EINVAL);
	assert_int_equal(ioas_allow(f->ioas, twice, 2), -EINVAL);
	assert_int_equal(ioas_reserve(f->ioas, &high, 1, &me), 0);
	assert_int_equal(ioas_allow(f->ioas, &high, 1), -EADDRINUSE);
	ioas_unreserve(f->ioas, &me);
	assert_int_equal(ioas_allow(f->ioas, &high, 1), 0);
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  PAGE, RW, &iova), 0);
	assert_in_range(iova, high.first, high.last);
	assert_int_equal(ioas_map(f->ioas, f->memory, (uintptr_t)f->bytes,
				  SPAN, RW, &iova), -ENOSPC);
	assert_int_equal(ioas_allow(f->ioas, NULL, 0), 0);
	assert_true(map_all(f, RW) < high.first);
}

static void ranges_are_the_holes_of_what_is_reserved(void **state)
{
	struct fixture *f = *state;
	const struct ioas_interval taken[] = { { 0, 0xfff },
					       { 0x10000, 0x1ffff } };
	struct ioas_interval got[3];
	uint64_t alignment = 0;
	uint32_t nr = 0;
	int me = 0;

	assert_int_equal(ioas_reserve(f->ioas, taken, 2, &me), 0);
	assert_int_equal(ioas_ranges(f->ioas, NULL, &nr, NULL), -EMSGSIZE);
	assert_int_equal(nr, 2);
	nr = 1;
	assert_int_equal(ioas_ranges(f->ioas, got, &nr, NULL), -EMSGSIZE);
	assert_int_equal(nr, 2);
	assert_int_equal(got[0].first, 0x1000);
	assert_int_equal(got[0].last, 0xffff);
	nr = 3;
	assert_int_equal(ioas_ranges(f->ioas, got, &nr, &alignment), 0);
	assert_int_equal(nr, 2);
	assert_int_equal(alignment, 1);
	assert_int_equal(got[1].first, 0x20000);
	assert_true(got[1].last == UINT64_MAX);
}

/* ---- splitting ---------------------------------------------------------- */

static void split_needs_small_pages_under_a_domain(void **state)
{
	struct fixture *f = *state;
	uint64_t iova, bytes;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	iova = map_all(f, RW);
	assert_int_equal(ioas_split(f->ioas, iova + PAGE - 1), -EINVAL);
	assert_int_equal(ioas_set_small_pages(f->ioas, true), -EINVAL);
	assert_int_equal(ioas_unmap_all(f->ioas, NULL), 0);
	assert_int_equal(ioas_set_small_pages(f->ioas, true), 0);
	iova = map_all(f, RW);
	assert_int_equal(ioas_split(f->ioas, iova + PAGE), -EINVAL);
	assert_int_equal(ioas_split(f->ioas, iova + PAGE - 1), 0);
	assert_int_equal(ioas_split(f->ioas, iova + PAGE - 1), 0);
	assert_int_equal(ioas_unmap(f->ioas, iova, PAGE, &bytes), 0);
	assert_int_equal(bytes, PAGE);
	assert_int_equal(stats(f->ioas).context_pinned, NR - 1);
	assert_int_equal(ioas_set_small_pages(f->ioas, false), 0);
}

/* ---- domains ------------------------------------------------------------ */

static void domain_options_are_checked(void **state)
{
	struct ioas_domain_options o = { .size = sizeof(o), .format = 99 };
	struct ioas_domain *d = NULL;

	(void)state;
	assert_int_equal(ioas_domain_create(&o, &d), -EOPNOTSUPP);
	o = (struct ioas_domain_options){ .size = sizeof(o), .flags = 2 };
	assert_int_equal(ioas_domain_create(&o, &d), -EOPNOTSUPP);
	o = (struct ioas_domain_options){ .size = sizeof(o), .first = PAGE,
					  .last = PAGE - 1 };
	assert_int_equal(ioas_domain_create(&o, &d), -EINVAL);
	assert_null(d);
}

static void a_domain_belongs_to_one_space_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct ioas *other;

	assert_int_equal(ioas_create(f->ctx, &other), 0);
	assert_int_equal(ioas_detach(f->ioas, f->domain), -ENOENT);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_attach(f->ioas, f->domain), -EEXIST);
	assert_int_equal(ioas_attach(other, f->domain), -EBUSY);
	assert_int_equal(ioas_detach(other, f->domain), -ENOENT);
	assert_int_equal(ioas_domain_destroy(f->domain), -EBUSY);
	assert_int_equal(ioas_destroy(f->ioas), -EBUSY);
	assert_int_equal(ioas_detach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_attach(other, f->domain), 0);
	assert_int_equal(ioas_detach(other, f->domain), 0);
	assert_int_equal(ioas_destroy(other), 0);
}

static void an_attach_that_fails_leaves_the_domain_free(void **state)
{
	struct fixture *f = *state;
	const struct ioas_domain_options coarse = {
		.size = sizeof(coarse), .page_sizes = 65536 };
	const struct ioas_domain_options narrow = {
		.size = sizeof(narrow), .first = (uint64_t)1 << 30 };
	struct ioas_domain *d;
	uint64_t iova;

	assert_int_equal(ioas_domain_create(&coarse, &d), 0);
	assert_int_equal(ioas_attach(f->ioas, d), -EINVAL);
	assert_int_equal(ioas_domain_destroy(d), 0);
	iova = map_all(f, RW);
	assert_true(iova < narrow.first);
	assert_int_equal(ioas_domain_create(&narrow, &d), 0);
	assert_int_equal(ioas_attach(f->ioas, d), -EADDRINUSE);
	assert_int_equal(stats(f->ioas).nr_domains, 0);
	assert_int_equal(ioas_domain_destroy(d), 0);
}

static void a_device_reaches_every_byte_and_no_other(void **state)
{
	struct fixture *f = *state;
	uint64_t iova = map_all(f, RW), address, length = 1, linear;
	void *p;

	assert_int_equal(ioas_domain_translate(f->domain, iova, &address,
					       &length), -ENOENT);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	for (uint64_t at = 0; at < SPAN; at += 1023) {
		for (uint64_t want = 1; want <= SPAN; want *= 8) {
			length = want;
			assert_int_equal(ioas_domain_translate(
				f->domain, iova + at, &address, &length), 0);
			assert_in_range(length, 1,
					want < SPAN - at ? want : SPAN - at);
			assert_int_equal(ioas_pointer(f->ctx, address, &p,
						      &linear), 0);
			assert_ptr_equal(p, f->bytes + at);
			assert_true(linear >= length);
		}
	}
	length = UINT64_MAX;
	assert_int_equal(ioas_domain_translate(f->domain, iova, &address,
					       &length), 0);
	assert_in_range(length, PAGE, SPAN);
	length = 0;
	assert_int_equal(ioas_domain_translate(f->domain, iova, &address,
					       &length), -EINVAL);
	assert_int_equal(ioas_pointer(f->ctx, address, &p, NULL), 0);
	assert_int_equal(ioas_domain_translate(f->domain, iova + SPAN,
					       &address, NULL), -ENOENT);
	assert_int_equal(ioas_domain_translate(f->domain, UINT64_MAX, &address,
					       NULL), -ENOENT);
	assert_int_equal(ioas_pointer(f->ctx, UINT64_MAX, &p, NULL), -EFAULT);
}

static void domain_stats_count_entries_by_size(void **state)
{
	struct fixture *f = *state;
	struct ioas_domain_stats st = { .size = sizeof(st) };
	uint64_t bytes = 0;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_domain_stats(f->domain, &st), 0);
	assert_int_equal(st.nr_entries, 0);
	map_all(f, RW);
	assert_int_equal(ioas_domain_stats(f->domain, &st), 0);
	for (unsigned int lg2 = 0; lg2 < 64; lg2++)
		bytes += st.entries[lg2] << lg2;
	assert_int_equal(bytes, SPAN);
	assert_int_equal(st.nr_entries, NR);
	assert_in_range(st.memory, PAGE, 1 << 20);
}

/* ---- dirty -------------------------------------------------------------- */

static void dirty_bits_say_what_devices_wrote(void **state)
{
	struct fixture *f = *state;
	uint8_t bitmap[NR / 8] = { 0 };
	struct ioas_dirty_query q = {
		.size = sizeof(q), .length = SPAN, .granularity = PAGE,
		.bitmap = bitmap, .flags = IOAS_DIRTY_KEEP };
	uint64_t iova = map_all(f, RW);

	q.iova = iova;
	assert_int_equal(ioas_set_dirty_tracking(f->ioas, f->domain, true),
			 -ENOENT);
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), -ENOENT);
	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	assert_int_equal(ioas_domain_mark_dirty(f->domain, iova, PAGE), 0);
	assert_int_equal(ioas_set_dirty_tracking(f->ioas, f->domain, true), 0);
	assert_int_equal(ioas_domain_mark_dirty(f->domain, iova + 9 * PAGE + 5,
						PAGE), 0);
	for (int round = 0; round < 2; round++) {
		memset(bitmap, 0, sizeof(bitmap));
		assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), 0);
		assert_int_equal(bitmap[0], 0);
		assert_int_equal(bitmap[1], 3 << 1);
	}
	q.flags = 0;
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), 0);
	memset(bitmap, 0, sizeof(bitmap));
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), 0);
	for (size_t i = 0; i < sizeof(bitmap); i++)
		assert_int_equal(bitmap[i], 0);
	assert_int_equal(ioas_set_dirty_tracking(f->ioas, f->domain, false),
			 0);
}

static void dirty_queries_are_checked(void **state)
{
	struct fixture *f = *state;
	uint8_t bitmap[NR / 8] = { 0 };
	const struct ioas_dirty_query good = {
		.size = sizeof(good), .length = SPAN, .granularity = PAGE,
		.bitmap = bitmap };
	struct ioas_dirty_query q = good;
	struct ioas_domain *plain;

	assert_int_equal(ioas_attach(f->ioas, f->domain), 0);
	q.flags = 2;
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), -EOPNOTSUPP);
	q = good;
	q.bitmap = NULL;
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), -EINVAL);
	q = good;
	q.length = 0;
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), -EINVAL);
	q = good;
	q.granularity = 3;
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), -EINVAL);
	q = good;
	q.iova = UINT64_MAX - PAGE + 1;
	assert_int_equal(ioas_read_dirty(f->ioas, f->domain, &q), -EOVERFLOW);
	assert_int_equal(ioas_domain_mark_dirty(f->domain, 0, 0), -EINVAL);
	assert_int_equal(ioas_domain_mark_dirty(f->domain, UINT64_MAX, 2),
			 -EOVERFLOW);
	assert_int_equal(ioas_domain_mark_dirty(f->domain, UINT64_MAX, 1), 0);

	assert_int_equal(ioas_domain_create(NULL, &plain), 0);
	assert_int_equal(ioas_attach(f->ioas, plain), 0);
	assert_int_equal(ioas_domain_mark_dirty(plain, 0, 1), -EOPNOTSUPP);
	assert_int_equal(ioas_set_dirty_tracking(f->ioas, plain, true),
			 -EOPNOTSUPP);
	assert_int_equal(ioas_detach(f->ioas, plain), 0);
	assert_int_equal(ioas_domain_destroy(plain), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(version_is_that_of_the_headers),
		CASE(options_shorter_than_known_get_defaults),
		CASE(options_longer_than_known_must_be_zero),
		CASE(a_size_that_does_not_hold_itself_is_einval),
		CASE(answers_fit_the_struct_of_the_caller),
		CASE(context_sizes_are_checked),
		CASE(a_context_in_use_is_not_destroyed),
		CASE(destroying_nothing_is_harmless),
		CASE(the_lock_limit_bounds_what_is_pinned),
		CASE(map_checks_its_arguments),
		CASE(unmap_reports_what_it_removed),
		CASE(copy_shares_pages_inside_a_context),
		CASE(origin_outlives_its_owner_while_it_is_mapped),
		CASE(reserved_ranges_belong_to_their_owner),
		CASE(regress_a_domain_as_token_keeps_its_aperture),
		CASE(allowed_ranges_decide_what_is_chosen),
		CASE(ranges_are_the_holes_of_what_is_reserved),
		CASE(split_needs_small_pages_under_a_domain),
		CASE(domain_options_are_checked),
		CASE(a_domain_belongs_to_one_space_at_a_time),
		CASE(an_attach_that_fails_leaves_the_domain_free),
		CASE(a_device_reaches_every_byte_and_no_other),
		CASE(domain_stats_count_entries_by_size),
		CASE(dirty_bits_say_what_devices_wrote),
		CASE(dirty_queries_are_checked),
	};

	return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
