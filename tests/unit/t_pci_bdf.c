/* SPDX-License-Identifier: MIT */
/*
 * pci_bdf: names of functions, and addresses for their BARs
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "dev/pci/bdf.h"

static void names_are_read_and_written(void **state)
{
	static const struct {
		const char *text, *out;
		struct ioas_pci_bdf bdf;
	} rows[] = {
		{ "0000:01:00.0", "0000:01:00.0", { 0, 1, 0, 0 } },
		{ "01:00.0", "0000:01:00.0", { 0, 1, 0, 0 } },
		{ "ffff:ff:1f.7", "ffff:ff:1f.7", { 0xffff, 0xff, 31, 7 } },
		{ "12aB:C3:1A.5", "12ab:c3:1a.5", { 0x12ab, 0xc3, 26, 5 } },
		{ "00:1f.3", "0000:00:1f.3", { 0, 0, 31, 3 } },
	};
	char text[IOAS_PCI_BDF_ROOM];

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		struct ioas_pci_bdf bdf;

		memset(&bdf, 0xff, sizeof(bdf));
		assert_int_equal(ioas_pci_bdf_parse(rows[i].text, &bdf), 0);
		assert_true(ioas_pci_bdf_same(&bdf, &rows[i].bdf));
		ioas_pci_bdf_format(&bdf, text);
		assert_string_equal(text, rows[i].out);
	}
}

static void all_functions_of_a_bus_survive_a_round(void **state)
{
	char text[IOAS_PCI_BDF_ROOM];
	struct ioas_pci_bdf bdf, back;

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		bdf = (struct ioas_pci_bdf){ (uint16_t)(i * 257), (uint8_t)i,
					     (uint8_t)(i / 8),
					     (uint8_t)(i % 8) };
		ioas_pci_bdf_format(&bdf, text);
		assert_int_equal(ioas_pci_bdf_parse(text, &back), 0);
		assert_true(ioas_pci_bdf_same(&bdf, &back));
	}
}

static void a_difference_in_any_part_is_one(void **state)
{
	static const struct ioas_pci_bdf a = { 1, 2, 3, 4 };
	static const struct ioas_pci_bdf others[] = {
		{ 0, 2, 3, 4 }, { 1, 0, 3, 4 }, { 1, 2, 0, 4 }, { 1, 2, 3, 0 },
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(others); i++)
		assert_false(ioas_pci_bdf_same(&a, &others[i]));
}

static void other_texts_are_refused(void **state)
{
	static const char *const texts[] = {
		"", ":", "0", "0000:01:00", "0000:01:00.", "0000:01:00.8",
		"0000:01:20.0", "0000:01:00.00", "000:01:00.0", "00000:01:00.0",
		"0000:1:00.0", "0000:001:00.0", "0000:01:0.0", "0000:01:000.0",
		"0000:01.00.0", "0000-01:00.0", "0000:01:00:0", "0000:0g:00.0",
		" 000:01:00.0", "0000:01:00.0 ", "0000:01:00.0\n", "+000:01:00.0",
		"0x00:01:00.0", "-1:00.0", "1:00.0", "01:00.0/", "01:00.g",
		"../../../etc", "01:00.0:01:00.0",
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(texts); i++) {
		struct ioas_pci_bdf bdf = { 9, 8, 7, 6 };
		const struct ioas_pci_bdf before = bdf;

		if (ioas_pci_bdf_parse(texts[i], &bdf) != -EINVAL)
			fail_msg("\"%s\" was taken", texts[i]);
		assert_true(ioas_pci_bdf_same(&bdf, &before));
	}
}

/* Each BAR a multiple of its size, and none over another. */
static void addresses_are_aligned_and_apart(void **state)
{
	static const struct ioas_identity ids[] = {
		{ .bar = { { .size = 0x4000, .flags = IOAS_BAR_64 },
			   { 0 },
			   { .size = 0x10 },
			   { .size = 0x1000000 },
			   { .size = UINT64_C(1) << 33, .flags = IOAS_BAR_64 },
			   { 0 } } },
		{ .bar = { { .size = 0x20 }, { .size = 0x10 } } },
	};
	struct { uint64_t first, last; } taken[64];
	struct ioas_pci_window w;
	size_t nr = 0;

	(void)state;
	ioas_pci_window_init(&w);
	for (unsigned int n = 0; n < 8; n++) {
		const struct ioas_identity *id = &ids[n % 2];
		uint64_t address[IOAS_MODEL_BARS];

		assert_int_equal(ioas_pci_window_place(&w, id, address), 0);
		for (unsigned int i = 0; i < IOAS_MODEL_BARS; i++) {
			const uint64_t size = id->bar[i].size;

			if (!size) {
				assert_int_equal(address[i], 0);
				continue;
			}
			assert_int_equal(address[i] % size, 0);
			assert_int_equal(address[i] >> 32 != 0,
					 id->bar[i].flags & IOAS_BAR_64 ? 1 : 0);
			taken[nr].first = address[i];
			taken[nr].last = address[i] + size - 1;
			for (size_t j = 0; j < nr; j++)
				assert_true(taken[j].last < taken[nr].first ||
					    taken[j].first > taken[nr].last);
			nr++;
		}
	}
}

static void a_full_window_is_left_as_it_was(void **state)
{
	static const struct ioas_identity big = {
		.bar = { { .size = 0x1000 }, { .size = 0x40000000 } },
	};
	static const struct ioas_identity huge = {
		.bar = { { .size = UINT64_C(1) << 63, .flags = IOAS_BAR_64 } },
	};
	static const struct ioas_identity small = {
		.bar = { { .size = 0x10000000 } },
	};
	uint64_t address[IOAS_MODEL_BARS] = { 7, 7, 7, 7, 7, 7 };
	struct ioas_pci_window w, before;
	unsigned int nr = 0;

	(void)state;
	ioas_pci_window_init(&w);
	before = w;
	assert_int_equal(ioas_pci_window_place(&w, &big, address), -ENOSPC);
	assert_memory_equal(&w, &before, sizeof(w));
	assert_int_equal(address[0], 7);
	assert_int_equal(ioas_pci_window_place(&w, &huge, address), -ENOSPC);
	while (!ioas_pci_window_place(&w, &small, address))
		nr++;
	/* From 0xc0000000 to 0xfe000000, 256 MiB each. */
	assert_int_equal(nr, 3);
	assert_int_equal(address[0], 0xe0000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_read_and_written),
		cmocka_unit_test(all_functions_of_a_bus_survive_a_round),
		cmocka_unit_test(a_difference_in_any_part_is_one),
		cmocka_unit_test(other_texts_are_refused),
		cmocka_unit_test(addresses_are_aligned_and_apart),
		cmocka_unit_test(a_full_window_is_left_as_it_was),
	};

	return cmocka_run_group_tests_name("pci_bdf", tests, NULL, NULL);
}
