/* SPDX-License-Identifier: MIT */
/*
 * every request over the host of this process: that it arrives, works on real
 * memory, and answers
 *
 * What each of them may say in detail is tested over the simulated host. The
 * transport counts, and the last case asks whether all have been made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "uapi_local.h"

#define EVENTS IOAS_ABI_VEVENTQ_TYPE_SELFTEST
#define RW_WRITE IOAS_ABI_MOCK_ACCESS_RW_WRITE

/* ---- a transport that counts --------------------------------------------- */

static struct {
	/* Successes, by the number of the request, and of the operation. */
	unsigned int requests[256];
	unsigned int operations[64];
} counted;

static int counting_call(void *ctx, int fd, uint32_t cmd, void *arg,
			 size_t size)
{
	int ret = uc_local.call(ctx, fd, cmd, arg, size);

	if (ret < 0)
		return ret;
	counted.requests[cmd & 0xff]++;
	if (cmd == IOAS_ABI_TEST_CMD)
		counted.operations[((struct ioas_abi_test_cmd *)arg)->op]++;
	return ret;
}

static int counting_value(void *ctx, int fd, uint32_t cmd, uint64_t arg)
{
	int ret = uc_local.value(ctx, fd, cmd, arg);

	if (ret >= 0)
		counted.requests[cmd & 0xff]++;
	return ret;
}

static struct uc_transport counting;

static int counting_setup(void **state)
{
	(void)state;
	counting = uc_local;
	counting.call = counting_call;
	counting.value = counting_value;
	return 0;
}

#define counting_case(f) local_case_with(f, NULL, &counting)

/* ---- spaces -------------------------------------------------------------- */

static void spaces_have_ranges(void **state)
{
	const struct ioas_abi_iova_range allowed = { IOVA, 2 * IOVA };
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	struct ioas_abi_iova_range r[3];
	uint64_t alignment, iova = 0;
	char *p = map_private(2);
	uint32_t nr = 3;

	expect_ok(uc_ranges(&t->c, ioas, r, &nr, &alignment));
	assert_int_equal(nr, 1);
	assert_int_equal(r[0].last, UINT64_MAX);
	assert_int_equal(alignment, 1);
	expect_ok(uc_add_reserved(&t->c, ioas, 0x1000, 0x1000));
	nr = 1;
	expect_errno(uc_ranges(&t->c, ioas, r, &nr, NULL), -EMSGSIZE);
	assert_int_equal(nr, 2);
	assert_int_equal(r[0].last, 0xfff);
	expect_ok(uc_allow(&t->c, ioas, &allowed, 1));
	expect_ok(uc_map(&t->c, ioas, va(p), 2 * page_size, UC_RW, &iova));
	assert_in_range(iova, allowed.start, allowed.last);
	expect_ok(uc_destroy(&t->c, ioas));
	unmap(p, 2);
}

static void memory_is_mapped_copied_and_unmapped(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t a = ioas_new(t), b = ioas_new(t);
	const struct uc_mock m = mock_new(t, a), n = mock_new(t, b);
	struct ioas_abi_ioas_copy s = { .flags = UC_FIXED | UC_R,
					.dst_ioas_id = b,
					.src_ioas_id = a,
					.src_iova = IOVA,
					.dst_iova = 2 * IOVA };
	char *p = map_private(4);
	uint64_t bytes = 0;

	expect_ok(map_here(t, a, p, 4, UC_RW, IOVA));
	s.length = 4 * page_size;
	expect_ok(uc_copy(&t->c, &s));
	expect_ok(leads_to(t, m.hwpt, IOVA, p, 4));
	expect_ok(leads_to(t, n.hwpt, 2 * IOVA, p, 4));
	expect_errno(leads_to(t, n.hwpt, 2 * IOVA, p + page_size, 1), -EINVAL);
	/* One source, however many areas. */
	expect_ok(refs_are(t, p, 4, 1));
	assert_int_equal(ioas_local_pinned(t->l), 4);
	expect_ok(uc_unmap(&t->c, a, IOVA, 4 * page_size, &bytes));
	assert_int_equal(bytes, 4 * page_size);
	expect_errno(leads_to(t, m.hwpt, IOVA, p, 1), -EINVAL);
	expect_ok(refs_are(t, p, 4, 1));
	expect_ok(uc_unmap_all(&t->c, b, &bytes));
	expect_ok(refs_are(t, p, 4, 0));
	unmap(p, 4);
}

static void files_are_mapped_and_change_hands(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	struct ioas_local_process *other;
	const int fd = memfd(4);
	char *p = map_shared(fd, 0, 4);

	expect_ok(ioas_local_process_create(t->l, NULL, true, &other));
	expect_ok(map_file(t, ioas, fd, 1, 2, UC_RW, IOVA));
	expect_ok(leads_to(t, m.hwpt, IOVA, p + page_size, 2));
	ioas_local_process_enter(t->l, other);
	expect_ok(uc_change_process(&t->c));
	ioas_local_process_enter(t->l, NULL);
	assert_int_equal(
		atomic_load(&ioas_local_principal(t->l, NULL)->mm->pinned), 0);
	assert_int_equal(
		atomic_load(&ioas_local_principal(t->l, other)->mm->pinned), 2);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
	unmap(p, 4);
	close(fd);
}

static void options_are_set_and_told(void **state)
{
	struct uapi_test *t = *state;
	uint64_t val = 7;
	uint32_t ioas;

	expect_ok(uc_option(&t->c, IOAS_ABI_OPTION_RLIMIT_MODE,
			    IOAS_ABI_OPTION_OP_GET, 0, &val));
	assert_int_equal(val, 0);
	expect_errno(uc_rlimit_mode(&t->c, 1), -EPERM);
	ioas = ioas_new(t);
	expect_ok(uc_huge_pages(&t->c, ioas, 0));
	assert_int_equal(alignment_of(t, ioas), page_size);
}

static void a_container_is_served(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	uint64_t info[32] = { sizeof(info) }, size;
	char *p = map_private(2);
	uint32_t id = 0;

	expect_ret(uc_vfio_version(&t->c), 0);
	expect_ret(uc_vfio_extension(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU), 1);
	expect_errno(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU),
		     -ENODEV);
	expect_ok(uc_vfio_ioas_set(&t->c, ioas));
	expect_ok(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_GET, &id));
	assert_int_equal(id, ioas);
	expect_ok(uc_vfio_set_iommu(&t->c, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	expect_ok(uc_vfio_info(&t->c, info, sizeof(info)));
	expect_ok(uc_vfio_map(&t->c, va(p), IOVA, 2 * page_size,
			      IOAS_ABI_VFIO_DMA_MAP_FLAG_READ));
	expect_ok(leads_to(t, m.hwpt, IOVA, p, 2));
	size = 2 * page_size;
	expect_ok(uc_vfio_unmap(&t->c, IOVA, &size, 0));
	assert_int_equal(size, 2 * page_size);
	expect_ok(uc_vfio_ioas(&t->c, IOAS_ABI_VFIO_IOAS_CLEAR, &id));
	unmap(p, 2);
}

/* ---- devices and page tables --------------------------------------------- */

static void devices_are_attached_and_moved(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t a = ioas_new(t), b = ioas_new(t);
	struct ioas_abi_hw_info_selftest data = { 9, 9 };
	struct ioas_abi_get_hw_info s = { .data_len = sizeof(data) };
	struct uc_mock m, n;
	uint32_t pt = b, hwpt;

	m = mock_new(t, a);
	expect_ok(uc_mock_domain_flags(&t->c, a,
				       IOAS_ABI_MOCK_FLAGS_DEVICE_PASID, &n));
	assert_int_equal(m.hwpt, n.hwpt);
	s.dev_id = n.idev;
	expect_ok(uc_hw_info(&t->c, &s, &data));
	assert_int_equal(data.test_reg, IOAS_ABI_HW_INFO_SELFTEST_REGVAL);
	assert_int_equal(s.out_max_pasid_log2, IOAS_ABI_MOCK_PASID_WIDTH);
	expect_ok(uc_mock_replace(&t->c, m.stdev, &pt));
	assert_int_not_equal(pt, n.hwpt);
	expect_ok(uc_hwpt(&t->c, n.idev, a, IOAS_ABI_HWPT_ALLOC_PASID, &hwpt));
	pt = hwpt;
	expect_ok(uc_mock_replace(&t->c, n.stdev, &pt));
	expect_ok(uc_pasid_attach(&t->c, n.stdev, 3, &pt));
	expect_ok(uc_pasid_check(&t->c, n.stdev, 3, hwpt));
	expect_ok(uc_hwpt(&t->c, n.idev, a, IOAS_ABI_HWPT_ALLOC_PASID, &pt));
	expect_ok(uc_pasid_replace(&t->c, n.stdev, 3, &pt));
	expect_ok(uc_pasid_detach(&t->c, n.stdev, 3));
	expect_ok(uc_check_cache(&t->c, n.idev, 0,
				 IOAS_ABI_TEST_DEV_CACHE_DEFAULT));
	expect_ok(uc_temp_limit(&t->c, 65536));
}

static void what_devices_write_is_reported(void **state)
{
	struct ioas_abi_hwpt_get_dirty_bitmap get = { .iova = IOVA };
	struct ioas_abi_test_dirty dirty = { .iova = IOVA };
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new_aligned(t);
	const struct uc_mock m = mock_new(t, ioas);
	uint8_t marks = 0x15, bitmap = 0;
	char *p = map_private(8);
	uint32_t hwpt;

	expect_ok(uc_hwpt(&t->c, m.idev, ioas,
			  IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING, &hwpt));
	expect_ok(map_here(t, ioas, p, 8, UC_RW, IOVA));
	expect_ok(
		uc_dirty_set(&t->c, hwpt, IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	dirty.length = get.length = 8 * page_size;
	dirty.page_size = get.page_size = page_size;
	expect_ok(uc_dirty(&t->c, hwpt, &dirty, &marks));
	assert_int_equal(dirty.out_nr_dirty, 3);
	get.hwpt_id = hwpt;
	expect_ok(uc_dirty_get(&t->c, &get, &bitmap));
	assert_int_equal(bitmap, 0x15);
	bitmap = 0;
	expect_ok(uc_dirty_get(&t->c, &get, &bitmap));
	assert_int_equal(bitmap, 0);
	unmap(p, 8);
}

static void page_requests_are_read_and_answered(void **state)
{
	struct ioas_abi_hwpt_alloc s = { .flags =
						 IOAS_ABI_HWPT_FAULT_ID_VALID };
	struct ioas_abi_test_trigger_iopf iopf = { .grpid = 5,
						   .perm = 1,
						   .addr = IOVA };
	struct ioas_abi_page_response answer = { 0, 0 };
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const struct uc_mock m = mock_new(t, ioas);
	struct ioas_abi_pgfault fault;
	uint32_t id, pt;
	int fd;

	expect_ok(uc_fault_queue(&t->c, &id, &fd));
	s.dev_id = iopf.dev_id = m.idev;
	s.pt_id = ioas;
	s.fault_id = id;
	expect_ok(uc_hwpt_alloc(&t->c, &s, NULL));
	pt = s.out_hwpt_id;
	expect_ok(uc_mock_replace(&t->c, m.stdev, &pt));
	expect_ret(uc_poll(&t->c, fd), IOAS_POLLOUT);
	expect_ok(uc_iopf(&t->c, &iopf));
	expect_ret(ioas_local_poll(t->l, fd, IOAS_POLLIN, -1), IOAS_POLLIN);
	expect_ret(uc_read(&t->c, fd, &fault, sizeof(fault)), sizeof(fault));
	assert_int_equal(fault.dev_id, m.idev);
	assert_int_equal(fault.grpid, 5);
	assert_int_equal(fault.addr, IOVA);
	answer.cookie = fault.cookie;
	expect_ret(uc_write(&t->c, fd, &answer, sizeof(answer)),
		   sizeof(answer));
	expect_errno(uc_write(&t->c, fd, &answer, sizeof(answer)), -EINVAL);
	expect_errno(uc_destroy(&t->c, id), -EBUSY);
	expect_ok(uc_close(&t->c, fd));
}

/* ---- guests -------------------------------------------------------------- */

static void guests_have_memory_to_share(void **state)
{
	struct uapi_test *t = *state;
	const struct guest g = guest_new(t);
	uint32_t word;
	void *at;

	assert_int_equal(g.data.out_data, 0x1234);
	assert_int_equal(g.data.out_mmap_length, 2 * page_size);
	expect_ok(ioas_local_mmap(t->l, t->c.fd, NULL, g.data.out_mmap_length,
				  PROT_READ | PROT_WRITE, MAP_SHARED,
				  g.data.out_mmap_offset, &at));
	memcpy(&word, at, sizeof(word));
	assert_int_equal(word, 0x1234);
	memset(at, 1, 2 * page_size);
	expect_ok(ioas_local_munmap(t->l, at, 2 * page_size));
}

static void guests_invalidate(void **state)
{
	const struct ioas_abi_hwpt_invalidate_selftest tlb = { .iotlb_id = 2 };
	const struct ioas_abi_viommu_invalidate_selftest cache = {
		.vdev_id = GUEST_VIRT_ID, .cache_id = 1
	};
	struct ioas_abi_hwpt_invalidate s = {
		.data_type = IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
		.entry_num = 1,
	};
	struct uapi_test *t = *state;
	const struct guest g = guest_new(t);

	expect_ok(uc_check_iotlb(&t->c, g.nested, 2, GUEST_IOTLB));
	s.hwpt_id = g.nested;
	s.entry_len = sizeof(tlb);
	expect_ok(uc_invalidate(&t->c, &s, &tlb));
	assert_int_equal(s.entry_num, 1);
	expect_ok(uc_check_iotlb(&t->c, g.nested, 2, 0));
	s.hwpt_id = g.viommu;
	s.entry_len = sizeof(cache);
	expect_ok(uc_invalidate(&t->c, &s, &cache));
	expect_ok(uc_check_cache(&t->c, g.m.idev, 1, 0));
}

static void guests_read_events(void **state)
{
	struct ioas_abi_vevent_header head;
	struct uapi_test *t = *state;
	const struct guest g = guest_new(t);
	uint32_t id, pt = g.nested, virt_id;
	uint8_t buffer[64];
	int fd;

	expect_ok(uc_veventq(&t->c, g.viommu, EVENTS, 2, &id, &fd));
	expect_ok(uc_mock_replace(&t->c, g.m.stdev, &pt));
	expect_ret(uc_poll(&t->c, fd), 0);
	for (int i = 0; i < 3; i++)
		expect_ok(uc_vevent(&t->c, g.m.idev));
	expect_ret(uc_poll(&t->c, fd), IOAS_POLLIN | IOAS_POLLRDNORM);
	/* Two, and that others are lost. */
	expect_ret(uc_read(&t->c, fd, buffer, sizeof(buffer)), 12 + 12 + 8);
	memcpy(&virt_id, buffer + 8, sizeof(virt_id));
	assert_int_equal(virt_id, GUEST_VIRT_ID);
	memcpy(&head, buffer + 24, sizeof(head));
	assert_int_equal(head.flags, IOAS_ABI_VEVENTQ_FLAG_LOST_EVENTS);
	assert_int_equal(head.sequence, 2);
	expect_ok(uc_close(&t->c, fd));
	expect_ok(uc_destroy(&t->c, id));
}

/* Frames of private memory follow each other: a queue finds its run. */
static void guests_have_queues_in_memory(void **state)
{
	struct ioas_abi_hw_queue_alloc s = {
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.nesting_parent_iova = IOVA,
	};
	struct uapi_test *t = *state;
	const struct guest g = guest_new(t);
	char *p = map_private(4);

	expect_ok(map_here(t, g.ioas, p, 4, UC_RW, IOVA));
	s.viommu_id = g.viommu;
	s.length = 4 * page_size;
	expect_ok(uc_hw_queue(&t->c, &s));
	expect_errno(uc_unmap_all(&t->c, g.ioas, NULL), -EBUSY);
	expect_ok(uc_destroy(&t->c, s.out_hw_queue_id));
	expect_ok(uc_unmap_all(&t->c, g.ioas, NULL));
	unmap(p, 4);
}

/* ---- accesses and dma-bufs ----------------------------------------------- */

static void accesses_pin_and_transfer(void **state)
{
	struct ioas_abi_test_access_pages s = { .iova = IOVA };
	struct uapi_test *t = *state;
	const uint32_t a = ioas_new(t), b = ioas_new(t);
	const int fd = access_new(t, a);
	char *p = map_private(4), text[] = "a device wrote this";

	strcpy(p, "the program wrote this");
	expect_ok(map_here(t, a, p, 4, UC_RW, IOVA));
	s.length = 2 * page_size;
	s.uptr = va(p);
	expect_ok(uc_access_pages(&t->c, fd, &s));
	expect_ok(refs_are(t, p, 2, 1));
	s.uptr = va(p + page_size);
	expect_errno(uc_access_pages(&t->c, fd, &s), -EBADE);
	for (int slow = 0; slow < 2; slow++) {
		const uint32_t flags =
			slow ? IOAS_ABI_MOCK_ACCESS_RW_SLOW_PATH : 0;
		const uint64_t at = IOVA + 3 * page_size - 5;
		char read[sizeof(text)];

		expect_ok(uc_access_rw(&t->c, fd, IOVA, read, 4, flags));
		assert_memory_equal(read, "the ", 4);
		text[0]++;
		expect_ok(uc_access_rw(&t->c, fd, at, text, sizeof(text),
				       flags | RW_WRITE));
		assert_string_equal(p + 3 * page_size - 5, text);
	}
	expect_ok(uc_access_unpin(&t->c, fd, s.out_access_pages_id));
	expect_ok(refs_are(t, p, 4, 0));
	expect_ok(uc_access_replace(&t->c, fd, b));
	expect_errno(uc_access_rw(&t->c, fd, IOVA, text, 4, 0), -ENOENT);
	expect_ok(uc_destroy(&t->c, a));
	unmap(p, 4);
}

static void dmabufs_are_mapped_and_revoked(void **state)
{
	struct uapi_test *t = *state;
	const uint32_t ioas = ioas_new(t);
	const int mem = memfd(1);
	int fd;

	mock_new(t, ioas);
	fd = uc_dmabuf_get(&t->c, (uint32_t)(3 * page_size), O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	expect_ok(map_file(t, ioas, fd, 1, 2, UC_RW, IOVA));
	expect_errno(map_file(t, ioas, fd, 2, 2, UC_RW, 2 * IOVA), -EINVAL);
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 1));
	expect_errno(map_file(t, ioas, fd, 0, 3, UC_RW, 2 * IOVA), -ENODEV);
	expect_ok(uc_dmabuf_revoke(&t->c, fd, 0));
	expect_ok(map_file(t, ioas, fd, 0, 3, UC_RW, 2 * IOVA));
	expect_errno(uc_dmabuf_revoke(&t->c, mem, 1), -EINVAL);
	expect_errno(uc_dmabuf_revoke(&t->c, t->c.fd, 1), -EINVAL);
	expect_errno(uc_dmabuf_revoke(&t->c, -1, 1), -EBADF);
	close(mem);
	expect_ok(uc_close(&t->c, fd));
	/* Nothing is accounted. */
	assert_int_equal(ioas_local_pinned(t->l), 0);
	expect_ok(uc_unmap_all(&t->c, ioas, NULL));
}

/* ---- all of them --------------------------------------------------------- */

static void every_request_has_been_made(void **state)
{
	static const uint8_t container[] = {
		0x64, 0x65, 0x66, 0x70, 0x71, 0x72
	};

	(void)state;
	for (uint32_t nr = IOAS_ABI_DESTROY; nr <= IOAS_ABI_HW_QUEUE_ALLOC;
	     nr++)
		if (!counted.requests[nr & 0xff])
			fail_msg("request %#x was never made", nr);
	for (uint32_t op = IOAS_ABI_TEST_OP_ADD_RESERVED;
	     op <= IOAS_ABI_TEST_OP_DMABUF_REVOKE; op++)
		if (!counted.operations[op])
			fail_msg("operation %u was never made", op);
	for (size_t i = 0; i < sizeof(container); i++)
		if (!counted.requests[container[i]])
			fail_msg("request 0x3b%x was never made", container[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		counting_case(spaces_have_ranges),
		counting_case(memory_is_mapped_copied_and_unmapped),
		counting_case(files_are_mapped_and_change_hands),
		counting_case(options_are_set_and_told),
		counting_case(a_container_is_served),
		counting_case(devices_are_attached_and_moved),
		counting_case(what_devices_write_is_reported),
		counting_case(page_requests_are_read_and_answered),
		counting_case(guests_have_memory_to_share),
		counting_case(guests_invalidate),
		counting_case(guests_read_events),
		counting_case(guests_have_queues_in_memory),
		counting_case(accesses_pin_and_transfer),
		counting_case(dmabufs_are_mapped_and_revoked),
		cmocka_unit_test(every_request_has_been_made),
	};

	return cmocka_run_group_tests(tests, counting_setup, NULL);
}
