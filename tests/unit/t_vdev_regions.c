/* SPDX-License-Identifier: MIT */
/*
 * what a function says of itself, and its regions through its file
 * (docs/reference/vfio-device-uapi.md 2.1, 4, 5, 6)
 */
#include "vdev_fixture.h"

#define INFO IOAS_ABI_VFIO_DEVICE_GET_INFO
#define REGION IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO
#define IRQ IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO
#define F_RW                                   \
	(IOAS_ABI_VFIO_REGION_INFO_FLAG_READ | \
	 IOAS_ABI_VFIO_REGION_INFO_FLAG_WRITE)
#define F_MMAP IOAS_ABI_VFIO_REGION_INFO_FLAG_MMAP
#define F_CAPS IOAS_ABI_VFIO_REGION_INFO_FLAG_CAPS

typedef struct ioas_abi_vfio_device_get_info info_t;
typedef struct ioas_abi_vfio_device_get_region_info region_t;
typedef struct ioas_abi_vfio_device_get_irq_info irq_t;

static int setup_bound(void **state)
{
	int ret = vdev_setup(state);

	if (!ret)
		vbound(*state);
	return ret;
}

#define bound_case(f) \
	cmocka_unit_test_setup_teardown(f, setup_bound, vdev_teardown)

/* ---- GET_INFO ------------------------------------------------------------ */

static void info_says_what_a_function_has(void **state)
{
	struct vdev_test *t = *state;
	info_t i = { .cap_offset = 7, .pad = 7 };

	expect_ok(vdo(t, t->fd, INFO, &i));
	assert_int_equal(i.argsz, sizeof(i));
	assert_int_equal(i.flags, IOAS_ABI_VFIO_DEVICE_FLAGS_PCI |
					  IOAS_ABI_VFIO_DEVICE_FLAGS_RESET);
	assert_int_equal(i.num_regions, 9);
	assert_int_equal(i.num_irqs, 5);
	assert_int_equal(i.cap_offset, 0);
	assert_int_equal(i.pad, 0);
}

static void info_without_a_reset(void **state)
{
	static struct ioas_vdev_ops ops;
	struct vdev_test *t = *state;
	info_t i = { 0 };

	ops = vfn_ops;
	ops.reset = NULL;
	t->fns[0].v.ops = &ops;
	expect_ok(vdo(t, t->fd, INFO, &i));
	assert_int_equal(i.flags, IOAS_ABI_VFIO_DEVICE_FLAGS_PCI);
	expect_errno(sim_ioctl(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_RESET, 0),
		     -EINVAL);
}

static void info_writes_no_more_than_argsz(void **state)
{
	struct vdev_test *t = *state;
	info_t i;

	for (uint32_t argsz = 16; argsz <= 32; argsz += 4) {
		memset(&i, 0x55, sizeof(i));
		i.argsz = argsz;
		expect_ok(sim_cmd(t->h, t->fd, INFO, &i, sizeof(i)));
		assert_int_equal(i.argsz, argsz);
		assert_int_equal(i.cap_offset, argsz < 20 ? 0x55555555 : 0);
		assert_int_equal(i.pad, argsz < 24 ? 0x55555555 : 0);
	}
}

static void info_small_or_unreadable(void **state)
{
	struct vdev_test *t = *state;
	info_t i = { .argsz = 15 };

	expect_errno(sim_ioctl(t->h, t->fd, INFO, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, INFO, &i, sizeof(i)), -EINVAL);
	i.argsz = 24;
	expect_errno(sim_cmd_read_only(t->h, t->fd, INFO, &i, sizeof(i)),
		     -EFAULT);
}

/* ---- GET_REGION_INFO ----------------------------------------------------- */

static void expect_region(struct vdev_test *t, uint32_t index, uint64_t size,
			  uint32_t flags)
{
	region_t r = { .index = index, .cap_offset = 5 };

	expect_ok(vdo(t, t->fd, REGION, &r));
	assert_int_equal(r.size, size);
	assert_int_equal(r.flags, flags);
	assert_int_equal(r.offset, V_BAR(index));
	assert_int_equal(r.cap_offset, 0);
}

static void regions_are_those_of_the_function(void **state)
{
	struct vdev_test *t = *state;

	expect_region(t, 0, V_BAR0_SIZE, F_RW | F_MMAP | F_CAPS);
	expect_region(t, 1, 0, 0);
	expect_region(t, 2, V_BAR2_SIZE, F_RW);
	expect_region(t, 3, 0, 0);
	expect_region(t, 4, V_BAR4_SIZE, F_RW | F_MMAP);
	expect_region(t, 5, 0, 0);
	expect_region(t, 6, 0, 0);
	expect_region(t, 7, 4096, F_RW);
}

static void region_that_is_none_is_einval(void **state)
{
	struct vdev_test *t = *state;
	region_t r = { .argsz = 31, .index = 0 };

	expect_errno(sim_ioctl(t->h, t->fd, REGION, VA_HOLE), -EFAULT);
	expect_errno(sim_cmd(t->h, t->fd, REGION, &r, sizeof(r)), -EINVAL);
	for (uint32_t index = 8; index < 11; index++) {
		r.index = index;
		expect_errno(vdo(t, t->fd, REGION, &r), -EINVAL);
	}
	r.index = UINT32_MAX;
	expect_errno(vdo(t, t->fd, REGION, &r), -EINVAL);
}

/* What a region with one area says, of @argsz bytes. */
struct sparse {
	region_t r;
	struct ioas_abi_vfio_info_cap_header header;
	uint32_t nr_areas;
	uint32_t reserved;
	struct ioas_abi_vfio_region_sparse_mmap_area area;
};

static void sparse_areas_need_room(void **state)
{
	struct vdev_test *t = *state;
	struct sparse s = { .r = { .argsz = sizeof(s) - 1 },
			    .header = { .id = 0x77 } };

	expect_ok(sim_cmd(t->h, t->fd, REGION, &s, sizeof(s)));
	assert_int_equal(s.r.argsz, sizeof(s));
	assert_int_equal(s.r.cap_offset, 0);
	assert_true(s.r.flags & F_CAPS);
	assert_int_equal(s.header.id, 0x77);
}

static void sparse_areas_are_told(void **state)
{
	struct vdev_test *t = *state;
	struct sparse s = { .r = { .argsz = sizeof(s) } };

	expect_ok(sim_cmd(t->h, t->fd, REGION, &s, sizeof(s)));
	assert_int_equal(s.r.argsz, sizeof(s));
	assert_int_equal(s.r.cap_offset, sizeof(s.r));
	assert_int_equal(s.header.id,
			 IOAS_ABI_VFIO_REGION_INFO_CAP_SPARSE_MMAP);
	assert_int_equal(s.header.version, 1);
	assert_int_equal(s.header.next, 0);
	assert_int_equal(s.nr_areas, 1);
	assert_int_equal(s.area.offset, 0);
	assert_int_equal(s.area.size, V_TABLE);
}

static void a_table_in_a_bar_without_areas_is_mappable(void **state)
{
	struct vdev_test *t = *state;
	struct {
		region_t r;
		struct ioas_abi_vfio_info_cap_header header;
	} s = { .r = { .argsz = sizeof(s), .index = 4 } };

	t->fns[0].v.msix_bar = 4;
	t->fns[0].v.msix_first = 0x1000;
	expect_ok(sim_cmd(t->h, t->fd, REGION, &s, sizeof(s)));
	assert_int_equal(s.r.flags, F_RW | F_MMAP | F_CAPS);
	assert_int_equal(s.r.cap_offset, sizeof(s.r));
	assert_int_equal(s.header.id,
			 IOAS_ABI_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE);
	assert_int_equal(s.header.version, 1);
	assert_int_equal(s.header.next, 0);
}

/* ---- GET_IRQ_INFO -------------------------------------------------------- */

static void irqs_are_those_of_the_function(void **state)
{
	static const struct {
		uint32_t count, flags;
	} want[5] = {
		{ 1, 7 }, { V_MSI, 9 }, { V_MSIX, 1 }, { 1, 9 }, { 1, 9 }
	};
	struct vdev_test *t = *state;
	irq_t i;

	for (uint32_t index = 0; index < 5; index++) {
		i = (irq_t){ .index = index };
		expect_ok(vdo(t, t->fd, IRQ, &i));
		assert_int_equal(i.count, want[index].count);
		assert_int_equal(i.flags, want[index].flags);
	}
	i.index = 5;
	expect_errno(vdo(t, t->fd, IRQ, &i), -EINVAL);
	i = (irq_t){ .argsz = 15 };
	expect_errno(sim_cmd(t->h, t->fd, IRQ, &i, sizeof(i)), -EINVAL);
	expect_errno(sim_ioctl(t->h, t->fd, IRQ, VA_HOLE), -EFAULT);
}

static void errors_of_a_function_without_express_are_einval(void **state)
{
	struct vdev_test *t = *state;
	const int fd = vdev_open(t, 1);
	irq_t i = { .index = IOAS_ABI_VFIO_PCI_ERR_IRQ_INDEX };

	expect_ok(vbind(t, fd, NULL));
	expect_errno(vdo(t, fd, IRQ, &i), -EINVAL);
	t->fns[1].v.nr_irqs[0] = 0;
	i.index = 0;
	expect_ok(vdo(t, fd, IRQ, &i));
	assert_int_equal(i.count, 0);
}

/* ---- BARs ---------------------------------------------------------------- */

static void expect_widths(struct vdev_test *t, const char *want)
{
	assert_string_equal(t->fns[0].widths, want);
	memset(t->fns[0].widths, 0, V_NOTES);
}

static void accesses_are_naturally_aligned(void **state)
{
	struct vdev_test *t = *state;

	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 8, V_BAR(0) + 8), 8);
	expect_widths(t, "8");
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 4, V_BAR(0) + 8), 4);
	expect_widths(t, "4");
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 2, V_BAR(0) + 2), 2);
	expect_widths(t, "2");
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 1, V_BAR(0) + 3), 1);
	expect_widths(t, "1");
	expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, 8, V_BAR(0) + 4), 8);
	expect_widths(t, "44");
	expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, 22, V_BAR(0) + 3), 22);
	expect_widths(t, "14881");
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 7, V_BAR(0)), 7);
	expect_widths(t, "421");
}

static void what_is_written_is_read(void **state)
{
	struct vdev_test *t = *state;
	uint8_t in[40], out[40];

	for (unsigned int i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + 1);
	for (unsigned int pos = 0; pos < 16; pos++)
		for (unsigned int n = 1; n <= 24; n++) {
			sim_poke(t->h, VA_RUN, in, n);
			expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, n,
					      V_BAR(2) + pos),
				   n);
			assert_memory_equal(t->fns[0].memory[2] + pos, in, n);
			expect_ret(sim_pread(t->h, t->fd, VA_RUN + PAGE, n,
					     V_BAR(2) + pos),
				   n);
			sim_peek(t->h, VA_RUN + PAGE, out, n);
			assert_memory_equal(out, in, n);
		}
}

static void the_end_of_a_bar_truncates(void **state)
{
	struct vdev_test *t = *state;

	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 100, V_BAR(2) + 60), 4);
	expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, 100, V_BAR(2) + 60), 4);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 1, V_BAR(2) + 64), -EINVAL);
	expect_errno(sim_pwrite(t->h, t->fd, VA_RUN, 1, V_BAR(2) + 64),
		     -EINVAL);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 1, V_BAR(1)), -EINVAL);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, U64, V_BAR(3) - 1),
		     -EINVAL);
}

static void regions_that_are_none(void **state)
{
	struct vdev_test *t = *state;

	/* ROM, VGA, and beyond. */
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 1, V_BAR(6)), -EINVAL);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 1, V_BAR(8)), -EINVAL);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 0, V_BAR(9)), -EINVAL);
	expect_errno(sim_pwrite(t->h, t->fd, VA_RUN, 1, V_BAR(6)), -EINVAL);
	expect_errno(sim_pwrite(t->h, t->fd, VA_RUN, 1, U64), -EINVAL);
	expect_ret(sim_pread(t->h, t->fd, VA_HOLE, 0, V_BAR(1)), 0);
	/* Without positions there is nothing. */
	expect_errno(sim_read(t->h, t->fd, VA_RUN, 1), -EINVAL);
}

static void memory_that_is_not_decoded_is_eio(void **state)
{
	struct vdev_test *t = *state;

	t->fns[0].decoding = false;
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 4, V_BAR(0)), -EIO);
	expect_errno(sim_pwrite(t->h, t->fd, VA_RUN, 4, V_BAR(0)), -EIO);
	/* Position and size come first. */
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 4, V_BAR(2) + 64), -EINVAL);
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 4, V_CONFIG), 4);
}

static void the_table_of_msix_is_ours(void **state)
{
	struct vdev_test *t = *state;
	uint8_t out[24];

	memset(t->fns[0].memory[0] + V_TABLE - 8, 0x11, 32);
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 24, V_BAR(0) + V_TABLE - 8),
		   24);
	sim_peek(t->h, VA_RUN, out, 24);
	for (unsigned int i = 0; i < 24; i++)
		assert_int_equal(out[i], i < 8 ? 0x11 : 0xff);
	memset(out, 0x22, sizeof(out));
	sim_poke(t->h, VA_RUN, out, 24);
	expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, 24, V_BAR(0) + V_TABLE - 8),
		   24);
	assert_int_equal(t->fns[0].memory[0][V_TABLE - 1], 0x22);
	assert_int_equal(t->fns[0].memory[0][V_TABLE], 0x11);
	expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, 24,
			      V_BAR(0) + V_TABLE + V_TABLE_LENGTH - 16),
		   24);
	assert_int_equal(t->fns[0].memory[0][V_TABLE + V_TABLE_LENGTH], 0x22);
	assert_int_equal(t->fns[0].memory[0][V_TABLE + V_TABLE_LENGTH - 1], 0);
}

static void bad_memory_of_the_program_is_efault(void **state)
{
	struct vdev_test *t = *state;
	const uint64_t end = VA_RUN + VA_PAGES * PAGE;

	expect_errno(sim_pread(t->h, t->fd, VA_HOLE, 4, V_BAR(0)), -EFAULT);
	expect_errno(sim_pwrite(t->h, t->fd, VA_HOLE, 4, V_BAR(0)), -EFAULT);
	expect_errno(sim_pread(t->h, t->fd, VA_READ_ONLY, 4, V_BAR(0)),
		     -EFAULT);
	/* What comes before it has had its effect. */
	sim_poke(t->h, end - 8, "\1\2\3\4\5\6\7\10", 8);
	expect_errno(sim_pwrite(t->h, t->fd, end - 8, 16, V_BAR(0)), -EFAULT);
	assert_memory_equal(t->fns[0].memory[0], "\1\2\3\4\5\6\7\10", 8);
}

/* ---- configuration ------------------------------------------------------- */

static void configuration_is_never_truncated(void **state)
{
	struct vdev_test *t = *state;

	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 4096, V_CONFIG), 4096);
	expect_ret(sim_pread(t->h, t->fd, VA_RUN, 1, V_CONFIG + 4095), 1);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 2, V_CONFIG + 4095),
		     -EFAULT);
	expect_errno(sim_pread(t->h, t->fd, VA_RUN, 1, V_CONFIG + 4096),
		     -EFAULT);
	expect_errno(sim_pwrite(t->h, t->fd, VA_RUN, U64, V_CONFIG + 4),
		     -EFAULT);
	expect_errno(sim_pwrite(t->h, t->fd, VA_HOLE, 4, V_CONFIG + 4),
		     -EFAULT);
}

static void configuration_is_in_pieces_of_four(void **state)
{
	struct vdev_test *t = *state;
	uint8_t out[8];

	memset(t->fns[0].widths, 0, V_NOTES);
	sim_poke(t->h, VA_RUN, "abcdefghijkl", 12);
	expect_ret(sim_pwrite(t->h, t->fd, VA_RUN, 12, V_CONFIG + 5), 12);
	expect_widths(t, "12441");
	assert_memory_equal(t->fns[0].config + 5, "abcdefghijkl", 12);
	expect_ret(sim_pread(t->h, t->fd, VA_RUN + PAGE, 8, V_CONFIG + 6), 8);
	expect_widths(t, "242");
	sim_peek(t->h, VA_RUN + PAGE, out, 8);
	assert_memory_equal(out, "bcdefghi", 8);
}

/* ---- mmap ---------------------------------------------------------------- */

static int map_at(struct vdev_test *t, uint64_t offset, uint64_t length,
		  bool shared)
{
	const struct ioas_mmap_request rq = { .offset = offset,
					      .length = length,
					      .shared = shared };

	return sim_mmap(t->h, t->fd, &rq);
}

static void expect_mapped(struct vdev_test *t, unsigned int bar, uint64_t pos,
			  uint64_t length)
{
	const int m = map_at(t, V_BAR(bar) + pos, length, true);

	assert_true(m >= 0);
	assert_ptr_equal(sim_mapping_shm(t->h, m)->memory,
			 t->fns[0].memory[bar] + pos);
	assert_int_equal(sim_mapping_shm(t->h, m)->length, length);
	assert_int_equal(sim_mapping_shm(t->h, m)->offset, pos);
	sim_munmap(t->h, m);
}

static void shared_bars_can_be_mapped_in_parts(void **state)
{
	struct vdev_test *t = *state;

	expect_mapped(t, 4, 0, V_BAR4_SIZE);
	expect_mapped(t, 4, PAGE, PAGE);
	expect_mapped(t, 0, 0, V_TABLE);
	expect_mapped(t, 0, PAGE, 2 * PAGE);
}

static void mmap_of_what_cannot_be_is_einval(void **state)
{
	struct vdev_test *t = *state;

	expect_errno(map_at(t, V_BAR(9), PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4), PAGE, false), -EINVAL);
	for (unsigned int index = 5; index < 9; index++)
		expect_errno(map_at(t, V_BAR(index), PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(2), PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(1), PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4), V_BAR4_SIZE + 1, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4) + PAGE, 2 * PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4) + V_BAR4_SIZE, PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4), U64, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4), 0, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(4) + 8, PAGE, true), -EINVAL);
	/* The table is between the area and the end. */
	expect_errno(map_at(t, V_BAR(0) + V_TABLE, PAGE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(0), V_BAR0_SIZE, true), -EINVAL);
	expect_errno(map_at(t, V_BAR(0) + 2 * PAGE, 2 * PAGE, true), -EINVAL);
}

static void expect_piece(struct vdev_test *t, unsigned int bar, uint64_t pos,
			 uint64_t length, uint64_t got)
{
	struct ioas_vdev *v = &t->fns[0].v;

	assert_ptr_equal(ioas_vdev_memory(v, ioas_vdev_bar_offset(bar) + pos,
					  &length),
			 got ? t->fns[0].memory[bar] + pos : NULL);
	assert_int_equal(length, got);
}

static void memory_is_what_can_be_mapped(void **state)
{
	struct vdev_test *t = *state;
	uint64_t length = PAGE;

	expect_piece(t, 4, 0, PAGE, PAGE);
	expect_piece(t, 4, 0, U64, V_BAR4_SIZE);
	expect_piece(t, 4, PAGE, V_BAR4_SIZE, V_BAR4_SIZE - PAGE);
	expect_piece(t, 4, V_BAR4_SIZE, PAGE, 0);
	expect_piece(t, 0, PAGE, V_BAR0_SIZE, V_TABLE - PAGE);
	expect_piece(t, 0, V_TABLE, PAGE, 0);
	expect_piece(t, 2, 0, PAGE, 0);
	expect_piece(t, 1, 0, PAGE, 0);
	/* Where it can be read, and where there is nothing. */
	assert_null(ioas_vdev_memory(&t->fns[0].v, UINT64_C(4) << 40, &length));
	assert_null(ioas_vdev_memory(&t->fns[0].v, 0, &length));
	assert_null(ioas_vdev_memory(&t->fns[0].v, UINT64_C(7) << 40, &length));
	assert_null(ioas_vdev_memory(&t->fns[0].v, ioas_vdev_bar_offset(6),
				     &length));
	assert_null(ioas_vdev_memory(&t->fns[0].v, U64, &length));
}

static void a_mapping_that_is_copied_counts(void **state)
{
	struct vdev_test *t = *state;
	const int m = map_at(t, V_BAR(4), PAGE, true);
	struct ioas_region *region = t->u.p->mappings[m].region;

	ioas_region_dup(region);
	sim_munmap(t->h, m);
	expect_ok(sim_close(t->h, t->fd));
	assert_int_equal(t->fns[0].v.users, 1);
	assert_ptr_equal(region->shm.memory, t->fns[0].memory[4]);
	ioas_region_unmap(region);
	assert_int_equal(t->fns[0].v.users, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bound_case(info_says_what_a_function_has),
		bound_case(info_without_a_reset),
		bound_case(info_writes_no_more_than_argsz),
		bound_case(info_small_or_unreadable),
		bound_case(regions_are_those_of_the_function),
		bound_case(region_that_is_none_is_einval),
		bound_case(sparse_areas_need_room),
		bound_case(sparse_areas_are_told),
		bound_case(a_table_in_a_bar_without_areas_is_mappable),
		bound_case(irqs_are_those_of_the_function),
		bound_case(errors_of_a_function_without_express_are_einval),
		bound_case(accesses_are_naturally_aligned),
		bound_case(what_is_written_is_read),
		bound_case(the_end_of_a_bar_truncates),
		bound_case(regions_that_are_none),
		bound_case(memory_that_is_not_decoded_is_eio),
		bound_case(the_table_of_msix_is_ours),
		bound_case(bad_memory_of_the_program_is_efault),
		bound_case(configuration_is_never_truncated),
		bound_case(configuration_is_in_pieces_of_four),
		bound_case(shared_bars_can_be_mapped_in_parts),
		bound_case(mmap_of_what_cannot_be_is_einval),
		bound_case(memory_is_what_can_be_mapped),
		bound_case(a_mapping_that_is_copied_counts),
	};

	return cmocka_run_group_tests_name("functions: regions", tests, NULL,
					   NULL);
}
