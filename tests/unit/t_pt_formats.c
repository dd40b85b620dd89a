/* SPDX-License-Identifier: MIT */
/*
 * t_pt_formats: what a page table can be created as, and what it then is
 *
 * By the tables of docs/reference/page-tables.md 2, 4.8 and section 8. Numbers
 * stand here as the reference has them; nothing is asked of the library but
 * its answers.
 */
#include "pt_kit.h"

#include "base/errno.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))
#define SIGN IOAS_PT_SIGN_EXTEND
#define GROW IOAS_PT_GROW
#define FC IOAS_PT_FORCE_COHERENT
#define CONT IOAS_PT_CONTIGUOUS

typedef const struct ioas_pt_format format_t;

static format_t *const arms[] = {
	&ioas_pt_arm64_s1_4k, &ioas_pt_arm64_s1_16k, &ioas_pt_arm64_s1_64k,
	&ioas_pt_arm64_s2_4k, &ioas_pt_arm64_s2_16k, &ioas_pt_arm64_s2_64k,
};

static format_t *const hardware[] = {
	&ioas_pt_amdv1, &ioas_pt_vtdss, &ioas_pt_x86_64,
	&ioas_pt_arm64_s1_4k, &ioas_pt_arm64_s1_16k, &ioas_pt_arm64_s1_64k,
	&ioas_pt_arm64_s2_4k, &ioas_pt_arm64_s2_16k, &ioas_pt_arm64_s2_64k,
	&ioas_pt_riscv64, &ioas_pt_riscv64_x4,
};

static struct ioas_pt_params with(unsigned int levels, unsigned int va,
				  uint32_t flags)
{
	return (struct ioas_pt_params){ .levels = (uint8_t)levels,
					.va_bits = (uint8_t)va,
					.flags = flags };
}

/* The errno; what it became, if it is 0 and somebody asks. */
struct made {
	struct ioas_pt_root root;
	uint64_t pgsizes, first, last;
};

static int make(format_t *format, struct ioas_pt_params params,
		struct made *out)
{
	struct ioas_pt *pt = NULL;
	int ret = ioas_pt_create(format, &params, &pt);

	if (ret) {
		assert_null(pt);
		return ret;
	}
	if (out) {
		ioas_pt_root(pt, &out->root);
		out->pgsizes = ioas_pt_pgsizes(pt);
		ioas_pt_aperture(pt, &out->first, &out->last);
	}
	assert_true(ioas_pt_validate(pt));
	ioas_pt_destroy(pt);
	return 0;
}

static struct made made(format_t *format, struct ioas_pt_params params)
{
	struct made m;

	assert_int_equal(make(format, params, &m), 0);
	return m;
}

/* ---- levels and widths -------------------------------------------------- */

static void levels_are(format_t *format, unsigned int least, unsigned int most,
		       uint32_t flags)
{
	for (unsigned int levels = 1; levels <= 255; levels++) {
		bool good = levels >= least && levels <= most;
		struct made m;
		int ret = make(format, with(levels, 0, flags), &m);

		assert_int_equal(ret, good ? 0 : -EOPNOTSUPP);
		if (good)
			assert_int_equal(m.root.level, levels - 1);
	}
}

static void amdv1_begins_with_two_to_six_levels(void **state)
{
	(void)state;
	levels_are(&ioas_pt_amdv1, 2, 6, 0);
	levels_are(&ioas_pt_amdv1, 2, 6, GROW);
}

static void vtdss_has_three_to_five_levels(void **state)
{
	(void)state;
	levels_are(&ioas_pt_vtdss, 3, 5, 0);
}

static void x86_64_has_four_or_five_levels(void **state)
{
	(void)state;
	levels_are(&ioas_pt_x86_64, 4, 5, 0);
	levels_are(&ioas_pt_x86_64, 4, 5, SIGN);
}

static void riscv64_has_three_to_five_levels(void **state)
{
	(void)state;
	levels_are(&ioas_pt_riscv64, 3, 5, 0);
	levels_are(&ioas_pt_riscv64, 3, 5, SIGN);
	levels_are(&ioas_pt_riscv64_x4, 3, 5, 0);
}

static void mock_levels_follow_from_its_sizes(void **state)
{
	struct ioas_pt_params params = { .levels = 3, .pgsizes = 0x1000 };

	(void)state;
	assert_int_equal(make(&ioas_pt_mock, params, NULL), -EOPNOTSUPP);
}

/* Every width up to what @levels decode, and not more. */
static void width_is_at_most(format_t *format, unsigned int levels,
			     unsigned int decoded, unsigned int most,
			     uint32_t flags)
{
	for (unsigned int va = 1; va <= 255; va++) {
		int expected = va > most ? -EINVAL :
			       va > decoded ? -EOPNOTSUPP : 0;
		struct made m;

		assert_int_equal(make(format, with(levels, va, flags), &m),
				 expected);
		if (expected)
			continue;
		assert_int_equal(m.first, 0);
		if (flags & SIGN)
			assert_true(m.last == ((uint64_t)1 << (va - 1)) - 1);
		else
			assert_true(m.last == UINT64_MAX >> (64 - va));
	}
}

static void a_fixed_amdv1_is_no_wider_than_its_levels(void **state)
{
	static const unsigned int decoded[] = { 30, 39, 48, 57, 64 };

	(void)state;
	for (unsigned int i = 0; i < NR(decoded); i++)
		width_is_at_most(&ioas_pt_amdv1, i + 2, decoded[i], 64, 0);
}

static void a_growing_amdv1_has_any_width(void **state)
{
	(void)state;
	for (unsigned int levels = 2; levels <= 6; levels++)
		width_is_at_most(&ioas_pt_amdv1, levels, 64, 64, GROW);
}

static void vtdss_is_no_wider_than_its_levels(void **state)
{
	(void)state;
	width_is_at_most(&ioas_pt_vtdss, 3, 39, 57, 0);
	width_is_at_most(&ioas_pt_vtdss, 4, 48, 57, 0);
	width_is_at_most(&ioas_pt_vtdss, 5, 57, 57, 0);
}

static void x86_64_is_a_bit_less_wide_without_sign(void **state)
{
	(void)state;
	width_is_at_most(&ioas_pt_x86_64, 4, 48, 57, SIGN);
	width_is_at_most(&ioas_pt_x86_64, 5, 57, 57, SIGN);
	width_is_at_most(&ioas_pt_x86_64, 4, 47, 57, 0);
	width_is_at_most(&ioas_pt_x86_64, 5, 56, 57, 0);
}

/* @widths: those of three, four and five levels. */
static void widths_are_exact(format_t *format, const unsigned int *widths,
			     unsigned int most)
{
	for (unsigned int va = 1; va <= 255; va++) {
		unsigned int levels = 0;
		struct made m;

		for (unsigned int i = 0; i < 3; i++)
			if (widths[i] == va)
				levels = i + 3;
		assert_int_equal(make(format, with(0, va, 0), &m),
				 va > most ? -EINVAL : levels ? 0 :
				 -EOPNOTSUPP);
		if (levels)
			assert_int_equal(m.root.level, levels - 1);
		for (unsigned int l = 3; levels && l <= 5; l++)
			assert_int_equal(make(format, with(l, va, 0), NULL),
					 l == levels ? 0 : -EOPNOTSUPP);
	}
}

static void riscv64_widths_are_exact(void **state)
{
	(void)state;
	widths_are_exact(&ioas_pt_riscv64, (unsigned int[]){ 39, 48, 57 }, 57);
	widths_are_exact(&ioas_pt_riscv64_x4, (unsigned int[]){ 41, 50, 59 },
			 59);
}

static void arm64_is_at_most_48_bits_wide_or_52(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(arms); i++) {
		/* Two levels at least: the granule, and more than a table. */
		const unsigned int least[] = { 22, 26, 30 };
		const unsigned int most = i % 3 == 2 ? 52 : 48;

		for (unsigned int va = 1; va <= 255; va++)
			assert_int_equal(make(arms[i], with(0, va, 0), NULL),
					 va > most ? -EINVAL :
					 va < least[i % 3] ? -EOPNOTSUPP : 0);
	}
}

static void arm64_levels_have_to_be_those_of_the_width(void **state)
{
	/* Granule 4K: 30, 39 and 48 bits are the widest of 2, 3, 4 levels. */
	static const struct { unsigned int va, levels; } rows[] = {
		{ 22, 2 }, { 30, 2 }, { 31, 3 }, { 39, 3 }, { 40, 4 },
		{ 48, 4 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++)
		for (unsigned int l = 1; l <= 6; l++)
			assert_int_equal(
				make(&ioas_pt_arm64_s1_4k,
				     with(l, rows[i].va, 0), NULL),
				l == rows[i].levels ? 0 : -EOPNOTSUPP);
}

/* Levels that follow from the aperture that somebody wants. */
static void levels_are_the_least_that_span_the_aperture(void **state)
{
	static const struct {
		format_t *format;
		uint64_t last;
		unsigned int levels;
		uint32_t flags;
	} rows[] = {
		{ &ioas_pt_amdv1, 0xfff, 2, 0 },
		{ &ioas_pt_amdv1, 0x3fffffff, 2, 0 },
		{ &ioas_pt_amdv1, 0x40000000, 3, 0 },
		{ &ioas_pt_amdv1, UINT64_MAX, 6, 0 },
		{ &ioas_pt_amdv1, UINT64_MAX, 3, GROW },
		{ &ioas_pt_vtdss, 0x7fffffffff, 3, 0 },
		{ &ioas_pt_vtdss, 0x8000000000, 4, 0 },
		{ &ioas_pt_vtdss, 0x1ffffffffffffff, 5, 0 },
		{ &ioas_pt_x86_64, 0x7fffffffffff, 4, 0 },
		{ &ioas_pt_x86_64, 0x800000000000, 5, 0 },
		{ &ioas_pt_x86_64, 0x7fffffffffff, 4, SIGN },
		{ &ioas_pt_x86_64, 0x800000000000, 5, SIGN },
		{ &ioas_pt_riscv64, 0x3fffffffff, 3, 0 },
		{ &ioas_pt_riscv64, 0x4000000000, 4, 0 },
		{ &ioas_pt_riscv64_x4, 0x1ffffffffff, 3, 0 },
		{ &ioas_pt_riscv64_x4, 0x20000000000, 4, 0 },
		{ &ioas_pt_arm64_s1_4k, 0x7fffffffff, 3, 0 },
		{ &ioas_pt_arm64_s1_4k, 0x8000000000, 4, 0 },
		{ &ioas_pt_arm64_s1_16k, 0xfffffffff, 2, 0 },
		{ &ioas_pt_arm64_s1_64k, 0x3ffffffffff, 2, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++) {
		struct made m = made(rows[i].format,
				     (struct ioas_pt_params){
					     .last = rows[i].last,
					     .flags = rows[i].flags });

		assert_int_equal(m.root.level + 1, rows[i].levels);
		assert_true(m.last == rows[i].last);
	}
}

static void an_aperture_beyond_the_width_is_refused(void **state)
{
	static const struct {
		format_t *format;
		uint64_t last;
		unsigned int levels, va;
		uint32_t flags;
	} rows[] = {
		{ &ioas_pt_amdv1, 0x8000000000, 3, 0, 0 },
		{ &ioas_pt_amdv1, 0x8000000000, 3, 39, GROW },
		{ &ioas_pt_vtdss, 0x8000000000, 3, 0, 0 },
		{ &ioas_pt_vtdss, 0x100000000, 3, 32, 0 },
		{ &ioas_pt_vtdss, UINT64_MAX, 0, 0, 0 },
		{ &ioas_pt_x86_64, 0x800000000000, 4, 0, 0 },
		{ &ioas_pt_x86_64, 0x800000000000, 4, 48, SIGN },
		{ &ioas_pt_riscv64, 0x4000000000, 3, 0, 0 },
		{ &ioas_pt_riscv64, 0x100000000000000, 0, 0, 0 },
		{ &ioas_pt_riscv64_x4, 0x20000000000, 3, 0, 0 },
		{ &ioas_pt_arm64_s1_4k, 0x1000000000000, 0, 0, 0 },
		{ &ioas_pt_arm64_s2_64k, 0x10000000000000, 0, 0, 0 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++) {
		struct ioas_pt_params params = with(rows[i].levels, rows[i].va,
						    rows[i].flags);

		params.last = rows[i].last;
		assert_int_equal(make(rows[i].format, params, NULL),
				 -EOPNOTSUPP);
		params.last--;
		if (params.last != UINT64_MAX - 1)
			assert_int_equal(make(rows[i].format, params, NULL),
					 0);
	}
}

static void an_empty_aperture_is_refused(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		const struct ioas_pt_params params = { .first = 0x2000,
						       .last = 0x1fff };
		const struct ioas_pt_params wraps = { .first = 0x2000 };

		assert_int_equal(make(hardware[i], params, NULL), -EINVAL);
		assert_int_equal(make(hardware[i], wraps, NULL), -EINVAL);
	}
}

static void an_aperture_is_what_was_asked_for(void **state)
{
	const struct ioas_pt_params params = { .first = 0x10000,
					       .last = 0x3ffffff };

	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		struct made m = made(hardware[i], params);

		assert_int_equal(m.first, 0x10000);
		assert_int_equal(m.last, 0x3ffffff);
	}
}

static void both_halves_of_a_signed_space_can_be_mapped(void **state)
{
	static const struct { format_t *format; unsigned int va; } rows[] = {
		{ &ioas_pt_x86_64, 48 }, { &ioas_pt_x86_64, 57 },
		{ &ioas_pt_x86_64, 40 }, { &ioas_pt_riscv64, 39 },
		{ &ioas_pt_riscv64, 48 }, { &ioas_pt_riscv64, 57 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++) {
		const struct ioas_pt_params params =
			with(0, rows[i].va, SIGN);
		uint64_t half = (uint64_t)1 << (rows[i].va - 1);
		struct kit k = { 0 };

		assert_int_equal(ioas_pt_create(rows[i].format, &params,
						&k.pt), 0);
		assert_int_equal(kit_map(&k, 0, 0, 4096, KIT_RW), 0);
		assert_int_equal(kit_map(&k, half - 4096, 0, 4096, KIT_RW), 0);
		assert_int_equal(kit_map(&k, half, 0, 4096, KIT_RW), -ERANGE);
		assert_int_equal(kit_map(&k, -half - 4096, 0, 4096, KIT_RW),
				 -ERANGE);
		assert_int_equal(kit_map(&k, -half, 0, 4096, KIT_RW), 0);
		assert_int_equal(kit_map(&k, (uint64_t)-4096, 0, 4096, KIT_RW),
				 0);
		assert_true(ioas_pt_validate(k.pt));
		ioas_pt_destroy(k.pt);
	}
}

/* Its lower half is address 0 alone: a shift by all 64 bits. */
static void regress_a_signed_width_of_one_bit(void **state)
{
	struct made m = made(&ioas_pt_x86_64, with(4, 1, SIGN));

	(void)state;
	assert_int_equal(m.first, 0);
	assert_int_equal(m.last, 0);
}

/* ---- output widths ------------------------------------------------------ */

static void output_widths_end_with_the_format(void **state)
{
	static const struct { format_t *format; unsigned int most; } rows[] = {
		{ &ioas_pt_amdv1, 52 }, { &ioas_pt_vtdss, 52 },
		{ &ioas_pt_x86_64, 52 }, { &ioas_pt_riscv64, 56 },
		{ &ioas_pt_riscv64_x4, 56 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++)
		for (unsigned int oa = 1; oa <= 255; oa++) {
			const struct ioas_pt_params params = {
				.oa_bits = (uint8_t)oa };

			assert_int_equal(make(rows[i].format, params, NULL),
					 oa <= rows[i].most ? 0 : -EINVAL);
		}
}

static void arm64_output_widths_are_those_of_hardware(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(arms); i++)
		for (unsigned int oa = 1; oa <= 255; oa++) {
			bool good = oa == 32 || oa == 36 || oa == 40 ||
				    oa == 42 || oa == 44 || oa == 48 ||
				    (oa == 52 && i % 3 == 2);
			const struct ioas_pt_params params = {
				.oa_bits = (uint8_t)oa };

			assert_int_equal(make(arms[i], params, NULL),
					 good ? 0 : -EINVAL);
		}
}

static void sizes_as_large_as_the_output_space_are_removed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		struct made all = made(hardware[i], with(0, 0, 0));

		for (unsigned int oa = 32; oa <= 40; oa += 4) {
			const struct ioas_pt_params params = {
				.oa_bits = (uint8_t)oa };
			uint64_t below = ((uint64_t)1 << oa) - 1;

			assert_true(made(hardware[i], params).pgsizes ==
				    (all.pgsizes & below));
		}
	}
}

static void an_output_space_below_a_page_maps_nothing(void **state)
{
	const struct ioas_pt_params params = { .oa_bits = 11 };
	struct kit k = { 0 };

	(void)state;
	assert_int_equal(ioas_pt_create(&ioas_pt_amdv1, &params, &k.pt), 0);
	assert_int_equal(ioas_pt_pgsizes(k.pt), 0);
	assert_int_equal(kit_map(&k, 0, 0, 4096, KIT_RW), -ERANGE);
	assert_int_equal(kit_map(&k, 0, 0, 2048, KIT_RW), -EINVAL);
	assert_int_equal(ioas_pt_split_to(k.pt, 0, 12), -EINVAL);
	assert_int_equal(ioas_pt_merge(k.pt, 0, 12), -EINVAL);
	assert_int_equal(ioas_pt_remove(k.pt, 0, 4096, NULL), 0);
	ioas_pt_destroy(k.pt);
}

/* ---- page sizes --------------------------------------------------------- */

static void page_sizes_are_those_of_the_table(void **state)
{
	static const struct {
		format_t *format;
		unsigned int levels, va, oa;
		uint32_t flags;
		uint64_t pgsizes;
	} rows[] = {
		{ &ioas_pt_amdv1, 3, 64, 52, GROW, 0x000fff7ffffff000 },
		{ &ioas_pt_amdv1, 4, 0, 52, 0, 0x0000ff7ffffff000 },
		{ &ioas_pt_amdv1, 3, 0, 52, 0, 0x0000007ffffff000 },
		{ &ioas_pt_vtdss, 3, 0, 0, 0, 0x40201000 },
		{ &ioas_pt_vtdss, 4, 0, 0, 0, 0x40201000 },
		{ &ioas_pt_vtdss, 5, 0, 0, 0, 0x40201000 },
		{ &ioas_pt_x86_64, 4, 0, 0, 0, 0x40201000 },
		{ &ioas_pt_x86_64, 5, 0, 0, SIGN, 0x40201000 },
		{ &ioas_pt_arm64_s1_4k, 0, 48, 48, 0, 0x40201000 },
		{ &ioas_pt_arm64_s2_4k, 0, 48, 48, CONT, 0x442211000 },
		{ &ioas_pt_arm64_s1_16k, 0, 48, 48, 0, 0x2004000 },
		{ &ioas_pt_arm64_s2_16k, 0, 48, 48, CONT, 0x42204000 },
		{ &ioas_pt_arm64_s1_64k, 0, 48, 48, 0, 0x20010000 },
		{ &ioas_pt_arm64_s2_64k, 0, 52, 52, 0, 0x40020010000 },
		{ &ioas_pt_arm64_s1_64k, 0, 48, 48, CONT, 0x420210000 },
		{ &ioas_pt_riscv64, 0, 39, 0, CONT, 0x40211000 },
		{ &ioas_pt_riscv64, 0, 48, 0, CONT, 0x8040211000 },
		{ &ioas_pt_riscv64, 0, 57, 0, CONT, 0x1008040211000 },
		{ &ioas_pt_riscv64, 0, 57, 0, 0, 0x1008040201000 },
		{ &ioas_pt_riscv64_x4, 0, 41, 0, CONT, 0x40211000 },
		{ &ioas_pt_riscv64_x4, 0, 50, 0, CONT, 0x8040211000 },
		{ &ioas_pt_riscv64_x4, 0, 59, 0, CONT, 0x1008040211000 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++) {
		struct ioas_pt_params params = with(rows[i].levels, rows[i].va,
						    rows[i].flags);

		params.oa_bits = (uint8_t)rows[i].oa;
		assert_true(made(rows[i].format, params).pgsizes ==
			    rows[i].pgsizes);
	}
}

/* A level counts if its items are smaller than the width. */
static void levels_that_may_be_added_count(void **state)
{
	static const struct { unsigned int va; uint64_t pgsizes; } rows[] = {
		{ 39, 0x0000007ffffff000 }, { 40, 0x0000ff7ffffff000 },
		{ 48, 0x0000ff7ffffff000 }, { 49, 0x000fff7ffffff000 },
		{ 57, 0x000fff7ffffff000 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++)
		assert_true(made(&ioas_pt_amdv1,
				 with(3, rows[i].va, GROW)).pgsizes ==
			    rows[i].pgsizes);
}

static void page_sizes_can_be_fewer_but_not_others(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		uint64_t all = made(hardware[i], with(0, 0, 0)).pgsizes;

		for (unsigned int lg2 = 0; lg2 < 64; lg2++) {
			struct ioas_pt_params params = {
				.pgsizes = (uint64_t)1 << lg2 };
			bool has = all >> lg2 & 1;
			struct made m;

			assert_int_equal(make(hardware[i], params, &m),
					 has ? 0 : -EINVAL);
			if (has)
				assert_true(m.pgsizes == params.pgsizes);
			params.pgsizes |= all;
			assert_int_equal(make(hardware[i], params, NULL),
					 has ? 0 : -EINVAL);
		}
	}
}

static void page_sizes_can_be_changed_later(void **state)
{
	const struct ioas_pt_params params = with(0, 0, 0);

	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		struct ioas_pt *pt = NULL;
		uint64_t all, some;

		assert_int_equal(ioas_pt_create(hardware[i], &params, &pt), 0);
		all = ioas_pt_pgsizes(pt);
		some = all & (all - 1);
		assert_int_equal(ioas_pt_set_pgsizes(pt, 0), -EINVAL);
		assert_int_equal(ioas_pt_set_pgsizes(pt, all | 512), -EINVAL);
		assert_true(ioas_pt_pgsizes(pt) == all);
		assert_int_equal(ioas_pt_set_pgsizes(pt, some), 0);
		assert_true(ioas_pt_pgsizes(pt) == some);
		assert_int_equal(ioas_pt_set_pgsizes(pt, all), 0);
		ioas_pt_destroy(pt);
	}
}

/* ---- flags and the encryption bit --------------------------------------- */

static void flags_that_a_format_does_not_know_are_refused(void **state)
{
	static const uint32_t known[] = {
		GROW | FC | IOAS_PT_DIRTY,
		FC | IOAS_PT_REQUIRE_WRITE | IOAS_PT_DIRTY,
		SIGN | IOAS_PT_DIRTY,
		CONT | IOAS_PT_DIRTY | IOAS_PT_BREAK,
		CONT | IOAS_PT_DIRTY | IOAS_PT_BREAK,
		CONT | IOAS_PT_DIRTY | IOAS_PT_BREAK,
		CONT | IOAS_PT_DIRTY | IOAS_PT_BREAK | IOAS_PT_S2FWB,
		CONT | IOAS_PT_DIRTY | IOAS_PT_BREAK | IOAS_PT_S2FWB,
		CONT | IOAS_PT_DIRTY | IOAS_PT_BREAK | IOAS_PT_S2FWB,
		SIGN | IOAS_PT_DIRTY | CONT,
		IOAS_PT_DIRTY | CONT,
	};

	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++)
		for (unsigned int bit = 0; bit < 32; bit++) {
			uint32_t flag = (uint32_t)1 << bit;

			assert_int_equal(make(hardware[i], with(0, 0, flag),
					      NULL),
					 known[i] & flag ? 0 : -EOPNOTSUPP);
		}
}

static void only_some_formats_track_without_being_asked(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		bool always = hardware[i] == &ioas_pt_amdv1 ||
			      hardware[i] == &ioas_pt_vtdss;

		for (uint32_t flags = 0; flags <= IOAS_PT_DIRTY;
		     flags += IOAS_PT_DIRTY) {
			const struct ioas_pt_params params =
				with(0, 0, flags);
			struct ioas_pt *pt = NULL;

			assert_int_equal(ioas_pt_create(hardware[i], &params,
							&pt), 0);
			assert_int_equal(ioas_pt_tracks_dirty(pt),
					 always || flags);
			ioas_pt_destroy(pt);
		}
	}
}

static void an_encryption_bit_is_for_amdv1_and_x86_64(void **state)
{
	const struct ioas_pt_params params = { .c_bit = (uint64_t)1 << 47 };

	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		bool knows = hardware[i] == &ioas_pt_amdv1 ||
			     hardware[i] == &ioas_pt_x86_64;

		assert_int_equal(make(hardware[i], params, NULL),
				 knows ? 0 : -EOPNOTSUPP);
	}
}

/* Below bit 30 it would stand in the offset of a leaf of a gigabyte. */
static void regress_an_encryption_bit_is_one_bit_of_an_address(void **state)
{
	format_t *const formats[] = { &ioas_pt_amdv1, &ioas_pt_x86_64 };

	(void)state;
	for (unsigned int i = 0; i < NR(formats); i++) {
		for (unsigned int bit = 0; bit < 64; bit++) {
			const struct ioas_pt_params params = {
				.c_bit = (uint64_t)1 << bit };
			struct kit *k = kit_begin(kit_formats);
			struct ioas_pt_params own = params;

			own.mem = &kit_mem_ops;
			own.mem_ctx = k;
			assert_int_equal(make(formats[i], own, NULL),
					 bit >= 30 && bit <= 51 ? 0 : -EINVAL);
			kit_free(k);
		}
		assert_int_equal(make(formats[i],
				      (struct ioas_pt_params){
					      .c_bit = (uint64_t)3 << 47 },
				      NULL), -EINVAL);
	}
}

/* An output address with that bit would come back as another one. */
static void regress_outputs_lie_below_the_encryption_bit(void **state)
{
	const char *const names[] = { "amdv1 encrypted", "x86_64 encrypted" };
	const uint64_t c = (uint64_t)1 << 47;

	(void)state;
	for (unsigned int i = 0; i < NR(names); i++) {
		struct kit *k = kit_new(kit_find(names[i]), NULL);

		assert_int_equal(kit_map(k, 0, c, 4096, KIT_RW), -ERANGE);
		assert_int_equal(kit_map(k, 0, 2 * c, 4096, KIT_RW), -ERANGE);
		assert_int_equal(kit_map(k, 0, c - 4096, 8192, KIT_RW),
				 -ERANGE);
		assert_int_equal(kit_map(k, 0, c, 4096,
					 KIT_RW | IOAS_PT_MMIO), -ERANGE);
		assert_int_equal(kit_map(k, 0, c - 4096, 4096, KIT_RW), 0);
		assert_true(kit_oa(k->pt, 0) == c - 4096);
		kit_check(k);
		kit_free(k);
	}
}

/* ---- precedence --------------------------------------------------------- */

static void a_width_is_refused_before_a_flag(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < NR(hardware); i++) {
		struct ioas_pt_params params = with(7, 65, 1u << 31);

		assert_int_equal(make(hardware[i], params, NULL), -EINVAL);
		params.va_bits = 0;
		params.oa_bits = 65;
		assert_int_equal(make(hardware[i], params, NULL), -EINVAL);
		params.oa_bits = 0;
		assert_int_equal(make(hardware[i], params, NULL),
				 -EOPNOTSUPP);
	}
}

/* ---- roots -------------------------------------------------------------- */

static void root_codes_are_those_of_hardware(void **state)
{
	static const struct { format_t *format; int code_less_level; } rows[] = {
		{ &ioas_pt_amdv1, 1 }, { &ioas_pt_vtdss, -1 },
		{ &ioas_pt_x86_64, 1 }, { &ioas_pt_riscv64, 6 },
		{ &ioas_pt_riscv64_x4, 6 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++)
		for (unsigned int levels = 4; levels <= 5; levels++) {
			struct made m = made(rows[i].format,
					     with(levels, 0, 0));

			assert_int_equal(m.root.level, levels - 1);
			assert_int_equal(m.root.code, (int)levels - 1 +
						      rows[i].code_less_level);
			assert_int_equal(m.root.tsz | m.root.tg0 | m.root.ps |
					 m.root.start_level | m.root.sl0, 0);
		}
}

/* page-tables 8.3.1, for one stage, granule and pair of widths. */
struct arm_root {
	unsigned int levels, entries_lg2, tg0, sl0;
};

static struct arm_root arm_root(unsigned int stage, unsigned int granule,
				unsigned int ias, unsigned int oas)
{
	unsigned int bits = granule - 3, start;
	struct arm_root r = { .levels = 1 };

	/* ceil((ias - granule_bits) / bits_per_level) */
	while (granule + r.levels * bits < ias)
		r.levels++;
	start = 4 - r.levels;
	if (stage == 2 && granule == 12 && start == 0 &&
	    ((oas == 40 && ias <= 43) || (oas == 42 && ias <= 43)))
		start = 1;
	else if (stage == 2 && granule == 14 && start == 0 &&
		 (oas == 48 || ias == 48))
		start = 1;
	else if (stage == 2 && granule == 14 && start == 1 && oas == 40 &&
		 ias <= 40)
		start = 2;
	r.levels = 4 - start;
	r.entries_lg2 = ias - granule - bits * (r.levels - 1);
	r.tg0 = granule == 12 ? 0 : granule == 16 ? 1 : 2;
	r.sl0 = stage == 1 ? 0 : (granule == 12 ? 2 : 3) - start;
	return r;
}

static void check_arm_root(unsigned int i, unsigned int ias, unsigned int oas,
			   unsigned int ps)
{
	const unsigned int granules[] = { 12, 14, 16 };
	unsigned int stage = i < 3 ? 1 : 2, granule = granules[i % 3];
	struct arm_root r = arm_root(stage, granule, ias, oas);
	struct kit *k = kit_begin(kit_find("arm64_s2 64K"));
	struct ioas_pt_params params = with(0, ias, 0);
	size_t bytes = (size_t)8 << r.entries_lg2;
	struct made m;

	params.oa_bits = (uint8_t)oas;
	params.mem = &kit_mem_ops;
	params.mem_ctx = k;
	assert_int_equal(make(arms[i], params, &m), 0);
	assert_int_equal(m.root.level, r.levels - 1);
	assert_int_equal(m.root.start_level, 4 - r.levels);
	assert_int_equal(m.root.tsz, 64 - ias);
	assert_int_equal(m.root.tg0, r.tg0);
	assert_int_equal(m.root.ps, ps);
	assert_int_equal(m.root.sl0, r.sl0);
	assert_int_equal(m.root.code, 0);
	assert_int_equal(k->root_bytes, bytes < 64 ? 64 : bytes);
	assert_true(m.last == UINT64_MAX >> (64 - ias));
	kit_free(k);
}

static void arm64_roots_are_those_of_every_pair_of_widths(void **state)
{
	static const unsigned int widths[] = { 32, 36, 40, 42, 44, 48, 52 };

	(void)state;
	for (unsigned int i = 0; i < NR(arms); i++) {
		unsigned int nr = i % 3 == 2 ? 7 : 6;

		for (unsigned int a = 0; a < nr; a++)
			for (unsigned int b = 0; b < nr; b++)
				check_arm_root(i, widths[a], widths[b], b);
	}
}

/* The mandatory cases by name, numbers as in the reference. */
static void stage_2_concatenates_up_to_sixteen_tables(void **state)
{
	static const struct {
		format_t *format;
		unsigned int width, start, tables, table_lg2;
	} rows[] = {
		{ &ioas_pt_arm64_s2_4k, 40, 1, 2, 12 },
		{ &ioas_pt_arm64_s2_4k, 42, 1, 8, 12 },
		{ &ioas_pt_arm64_s2_16k, 48, 1, 2, 14 },
		{ &ioas_pt_arm64_s2_16k, 40, 2, 16, 14 },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++) {
		struct kit *k = kit_begin(kit_formats);
		struct ioas_pt_params params = with(0, rows[i].width, 0);
		struct made m;

		params.oa_bits = (uint8_t)rows[i].width;
		params.mem = &kit_mem_ops;
		params.mem_ctx = k;
		assert_int_equal(make(rows[i].format, params, &m), 0);
		assert_int_equal(m.root.start_level, rows[i].start);
		assert_int_equal(k->root_bytes,
				 (size_t)rows[i].tables << rows[i].table_lg2);
		kit_free(k);
	}
}

static void riscv64_x4_roots_are_four_tables(void **state)
{
	(void)state;
	for (unsigned int levels = 3; levels <= 5; levels++) {
		struct kit *k = kit_begin(kit_formats);
		struct ioas_pt_params params = with(levels, 0, 0);
		struct made m;

		params.mem = &kit_mem_ops;
		params.mem_ctx = k;
		assert_int_equal(make(&ioas_pt_riscv64_x4, params, &m), 0);
		assert_int_equal(k->root_bytes, 16384);
		assert_int_equal(m.root.pa & 16383, 0);
		kit_free(k);
	}
}

/* Whatever its size, and although memory comes as ones. */
static void a_new_root_is_empty_and_was_flushed(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k = kit_new(&kit_formats[i], NULL);
		struct kit_leaves none;

		assert_int_equal(kit_count(k, KIT_FLUSH), 1);
		for (size_t b = 0; b < k->root_bytes; b++)
			assert_int_equal(k->memory[b], 0);
		kit_leaves(k->pt, &none);
		assert_int_equal(none.nr, 0);
		kit_check(k);
		kit_free(k);
	}
}

/* Roots of platform memory are aligned as those of an owner. */
static void roots_are_aligned_to_their_size(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		const struct kit_format *f = &kit_formats[i];
		struct kit *k = kit_new(f, NULL);
		struct ioas_pt_params params;
		struct made m;

		kit_params(f, &params);
		assert_int_equal(make(f->format, params, &m), 0);
		assert_int_equal(m.root.pa & (k->root_bytes - 1), 0);
		kit_free(k);
	}
}

static void tables_are_handed_back_when_it_is_destroyed(void **state)
{
	struct prng rng = { 11 };

	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		struct kit *k = kit_new(&kit_formats[i], NULL);

		for (int n = 0; n < 8; n++) {
			struct kit_request rq;

			kit_random(k->f, &rng, &rq);
			kit_map(k, rq.iova, rq.oa, rq.length, rq.prot);
			if (n % 3 == 2)
				ioas_pt_remove(k->pt, rq.iova, rq.length, NULL);
		}
		assert_true(k->live > 1);
		/* Fails the test if one is left. */
		kit_free(k);
	}
}

static void memory_that_is_held_is_counted(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < kit_nr_formats; i++) {
		const struct kit_format *f = &kit_formats[i];
		struct kit *k = kit_new(f, NULL);
		size_t table = (size_t)8 << f->index_lg2;

		kit_mapped(k, 0, 0, KIT_PGSIZE(f->granule_lg2));
		assert_int_equal(ioas_pt_memory(k->pt),
				 k->root_bytes + (k->live - 1) * table);
		kit_free(k);
	}
}

/* ---- names -------------------------------------------------------------- */

static void formats_are_found_by_name_and_granule(void **state)
{
	static const struct {
		const char *name;
		unsigned int granule;
		format_t *format;
	} rows[] = {
		{ "mock", 0, &ioas_pt_mock }, { "mock", 12, &ioas_pt_mock },
		{ "amdv1", 0, &ioas_pt_amdv1 }, { "amdv1", 12, &ioas_pt_amdv1 },
		{ "amdv1", 14, NULL }, { "vtdss", 0, &ioas_pt_vtdss },
		{ "x86_64", 12, &ioas_pt_x86_64 }, { "x86_64", 13, NULL },
		{ "arm64_s1", 0, &ioas_pt_arm64_s1_4k },
		{ "arm64_s1", 12, &ioas_pt_arm64_s1_4k },
		{ "arm64_s1", 14, &ioas_pt_arm64_s1_16k },
		{ "arm64_s1", 16, &ioas_pt_arm64_s1_64k },
		{ "arm64_s1", 13, NULL },
		{ "arm64_s2", 0, &ioas_pt_arm64_s2_4k },
		{ "arm64_s2", 14, &ioas_pt_arm64_s2_16k },
		{ "arm64_s2", 16, &ioas_pt_arm64_s2_64k },
		{ "riscv64", 0, &ioas_pt_riscv64 },
		{ "riscv64_x4", 0, &ioas_pt_riscv64_x4 },
		{ "riscv64_x", 0, NULL }, { "", 0, NULL }, { "amdv12", 0, NULL },
	};

	(void)state;
	for (unsigned int i = 0; i < NR(rows); i++) {
		assert_ptr_equal(ioas_pt_format_find(rows[i].name,
						     rows[i].granule),
				 rows[i].format);
		if (rows[i].format)
			assert_string_equal(ioas_pt_format_name(rows[i].format),
					    rows[i].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(amdv1_begins_with_two_to_six_levels),
		cmocka_unit_test(vtdss_has_three_to_five_levels),
		cmocka_unit_test(x86_64_has_four_or_five_levels),
		cmocka_unit_test(riscv64_has_three_to_five_levels),
		cmocka_unit_test(mock_levels_follow_from_its_sizes),
		cmocka_unit_test(a_fixed_amdv1_is_no_wider_than_its_levels),
		cmocka_unit_test(a_growing_amdv1_has_any_width),
		cmocka_unit_test(vtdss_is_no_wider_than_its_levels),
		cmocka_unit_test(x86_64_is_a_bit_less_wide_without_sign),
		cmocka_unit_test(riscv64_widths_are_exact),
		cmocka_unit_test(arm64_is_at_most_48_bits_wide_or_52),
		cmocka_unit_test(arm64_levels_have_to_be_those_of_the_width),
		cmocka_unit_test(levels_are_the_least_that_span_the_aperture),
		cmocka_unit_test(an_aperture_beyond_the_width_is_refused),
		cmocka_unit_test(an_empty_aperture_is_refused),
		cmocka_unit_test(an_aperture_is_what_was_asked_for),
		cmocka_unit_test(both_halves_of_a_signed_space_can_be_mapped),
		cmocka_unit_test(regress_a_signed_width_of_one_bit),
		cmocka_unit_test(output_widths_end_with_the_format),
		cmocka_unit_test(arm64_output_widths_are_those_of_hardware),
		cmocka_unit_test(sizes_as_large_as_the_output_space_are_removed),
		cmocka_unit_test(an_output_space_below_a_page_maps_nothing),
		cmocka_unit_test(page_sizes_are_those_of_the_table),
		cmocka_unit_test(levels_that_may_be_added_count),
		cmocka_unit_test(page_sizes_can_be_fewer_but_not_others),
		cmocka_unit_test(page_sizes_can_be_changed_later),
		cmocka_unit_test(flags_that_a_format_does_not_know_are_refused),
		cmocka_unit_test(only_some_formats_track_without_being_asked),
		cmocka_unit_test(an_encryption_bit_is_for_amdv1_and_x86_64),
		cmocka_unit_test(
			regress_an_encryption_bit_is_one_bit_of_an_address),
		cmocka_unit_test(regress_outputs_lie_below_the_encryption_bit),
		cmocka_unit_test(a_width_is_refused_before_a_flag),
		cmocka_unit_test(root_codes_are_those_of_hardware),
		cmocka_unit_test(arm64_roots_are_those_of_every_pair_of_widths),
		cmocka_unit_test(stage_2_concatenates_up_to_sixteen_tables),
		cmocka_unit_test(riscv64_x4_roots_are_four_tables),
		cmocka_unit_test(a_new_root_is_empty_and_was_flushed),
		cmocka_unit_test(roots_are_aligned_to_their_size),
		cmocka_unit_test(tables_are_handed_back_when_it_is_destroyed),
		cmocka_unit_test(memory_that_is_held_is_counted),
		cmocka_unit_test(formats_are_found_by_name_and_granule),
	};

	return cmocka_run_group_tests_name("pt_formats", tests, NULL, NULL);
}
