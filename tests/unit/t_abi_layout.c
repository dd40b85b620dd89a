/* SPDX-License-Identifier: MIT */
/*
 * abi_layout: the ABI headers against the tables of the reference
 *
 *     docs/reference/iommufd-uapi.md      scripts/check-abi --rows
 *     docs/reference/iommufd-test-abi.md ------------------------> abi_rows.h
 *                                                                     |
 *     include/ioas/abi/iommufd*.h ---- offsetof, sizeof ----------> compared
 *
 * The build makes the rows from the pages. That each struct and constant of the
 * headers has its row, and the other way round, is check-abi's to say (suite
 * style); that each member has one follows here, as they leave no hole.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_layout.h>
#include <ioas/abi/iommufd_test.h>

enum kind {
	ROW_STRUCT, ROW_MEMBER, ROW_OPERATION, ROW_NUMBER,
};

/* A member has its offset as value; its width, and a struct's, is size. */
struct row {
	enum kind kind;
	const char *what;
	struct {
		unsigned long long value, size;
	} theirs, ours;
};

#define STRUCT(tag, bytes) \
	{ ROW_STRUCT, #tag, { 0, bytes }, \
	  { 0, sizeof(struct ioas_abi_##tag) } },
#define MEMBER(tag, member, offset, bytes) \
	{ ROW_MEMBER, #tag "." #member, { offset, bytes }, \
	  { offsetof(struct ioas_abi_##tag, member), \
	    sizeof(((struct ioas_abi_##tag *)0)->member) } },
/* The one that has no name: as long as its longest member. */
#define UNION(tag, offset, bytes) \
	{ ROW_MEMBER, #tag ".(union)", { offset, bytes }, \
	  { offsetof(struct ioas_abi_##tag, dirty), \
	    sizeof(((struct ioas_abi_##tag *)0)->dirty) } },
#define OPERATION(name, offset) \
	{ ROW_OPERATION, #name, { offset, 0 }, \
	  { offsetof(struct ioas_abi_test_cmd, name), 0 } },
#define NUMBER(name, value) \
	{ ROW_NUMBER, #name, { value, 0 }, { IOAS_ABI_##name, 0 } },

static const struct row rows[] = {
/* By a macro, as scripts/check-includes knows the files of the tree. */
#define ROWS "abi_rows.h"
#include ROWS
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Compares all rows of @kind; returns how many there are. */
static unsigned int compare(enum kind kind)
{
	unsigned int nr = 0, wrong = 0;
	const struct row *row;

	for (row = rows; row < rows + NR_ROWS; row++) {
		if (row->kind != kind)
			continue;
		nr++;
		if (row->theirs.value == row->ours.value &&
		    row->theirs.size == row->ours.size)
			continue;
		print_error("%s: %#llx, %llu bytes; reference: %#llx, %llu\n",
			    row->what, row->ours.value, row->ours.size,
			    row->theirs.value, row->theirs.size);
		wrong++;
	}
	assert_int_equal(wrong, 0);
	return nr;
}

static void structs_have_the_size_of_the_reference(void **state)
{
	(void)state;
	assert_true(compare(ROW_STRUCT) > 0);
}

static void members_are_where_the_reference_has_them(void **state)
{
	(void)state;
	assert_true(compare(ROW_MEMBER) > 0);
}

static void numbers_are_those_of_the_reference(void **state)
{
	(void)state;
	assert_true(compare(ROW_NUMBER) > 0);
}

static void all_operations_have_their_members_at_16(void **state)
{
	(void)state;
	assert_int_equal(compare(ROW_OPERATION),
			 IOAS_ABI_TEST_OP_DMABUF_REVOKE);
}

/* So padding is a member, and there is none that the reference lacks. */
static void members_leave_no_hole(void **state)
{
	const struct row *row, *of = NULL;
	unsigned long long at = 0;

	(void)state;
	for (row = rows; row < rows + NR_ROWS; row++) {
		if (row->kind == ROW_MEMBER) {
			if (row->ours.value > at)
				fail_msg("%s: hole before it", row->what);
			at = row->ours.value + row->ours.size;
			continue;
		}
		if (of && at != of->ours.size)
			fail_msg("%s: hole at the end", of->what);
		of = row->kind == ROW_STRUCT ? row : NULL;
		at = 0;
	}
	assert_null(of);
}

static void file_descriptors_are_signed(void **state)
{
	struct ioas_abi_ioas_map_file map = { .fd = -1 };
	struct ioas_abi_test_dmabuf_revoke revoke = { .dmabuf_fd = -1 };

	(void)state;
	assert_true(map.fd < 0);
	assert_true(revoke.dmabuf_fd < 0);
}

/* ~FLAG of a narrow flag would drop the upper half of a wide member. */
static void flags_are_as_wide_as_their_member(void **state)
{
	struct ioas_abi_hwpt_data_vtd_s1 s1 = { .flags = UINT64_MAX };
	struct ioas_abi_get_hw_info info = { .out_capabilities = UINT64_MAX };

	(void)state;
	s1.flags &= ~(IOAS_ABI_VTD_S1_SRE | IOAS_ABI_VTD_S1_EAFE |
		      IOAS_ABI_VTD_S1_WPE);
	assert_true(s1.flags == UINT64_MAX - 7);
	info.out_capabilities &= ~(IOAS_ABI_HW_CAP_DIRTY_TRACKING |
				   IOAS_ABI_HW_CAP_PCI_PASID_EXEC |
				   IOAS_ABI_HW_CAP_PCI_PASID_PRIV |
				   IOAS_ABI_HW_CAP_PCI_ATS_NOT_SUPPORTED);
	assert_true(info.out_capabilities == UINT64_MAX - 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(structs_have_the_size_of_the_reference),
		cmocka_unit_test(members_are_where_the_reference_has_them),
		cmocka_unit_test(numbers_are_those_of_the_reference),
		cmocka_unit_test(all_operations_have_their_members_at_16),
		cmocka_unit_test(members_leave_no_hole),
		cmocka_unit_test(file_descriptors_are_signed),
		cmocka_unit_test(flags_are_as_wide_as_their_member),
	};

	return cmocka_run_group_tests_name("abi_layout", tests, NULL, NULL);
}
