/* SPDX-License-Identifier: MIT */
/*
 * bad addresses in requests to an iommufd of this process: wherever a program
 * can say one, whatever it is, the answer is an error and nothing has changed
 *
 *   struct   |--- readable ---|--- hole ---    every length of the first part
 *   results  |--- writable ---|- read only -
 *   buffer   the same, by the member that points to it
 *
 * Twice: with the copies that catch faults, and with system calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "uapi_local.h"

/* Room for any struct. */
#define ROOM 80u

/* Where nothing can be, on pages and between them. */
static const uint64_t nowhere[] = {
	0,
	1,
	4096,
	(uint64_t)1 << 47,
	((uint64_t)1 << 47) - 1,
	((uint64_t)1 << 47) - 4096,
	(uint64_t)1 << 56,
	(uint64_t)1 << 63,
	0xffff800000000000,
	0xffffffffff600000,
	UINT64_MAX,
	UINT64_MAX - 3,
	UINT64_MAX - 79,
	UINT64_MAX - 4095,
};

/* Three pages: one to write, one to read, one that is not. */
static struct {
	char *rw;
	char *ro;
	char *none;
} memory;

static void memory_create(void)
{
	memory.rw = map_private(4);
	memory.ro = memory.rw + page_size;
	memory.none = memory.ro + page_size;
	assert_int_equal(mprotect(memory.ro, page_size, PROT_READ), 0);
	assert_int_equal(mprotect(memory.none, page_size, PROT_NONE), 0);
	unmap(memory.none + page_size, 1);
}

static void memory_destroy(void)
{
	unmap(memory.rw, 3);
}

/* In what is read only; the page is writable for that long. */
static void ro_put(char *at, const void *data, size_t length)
{
	assert_int_equal(mprotect(memory.ro, page_size, PROT_READ | PROT_WRITE),
			 0);
	memcpy(at, data, length);
	assert_int_equal(mprotect(memory.ro, page_size, PROT_READ), 0);
}

/* ---- one of each request ------------------------------------------------- */

struct rig {
	struct uapi_test *t;
	struct guest g;
	struct uc_mock pasid;
	/* Tables that track, and that may be used with PASIDs. */
	uint32_t tracking, tables[2];
	int access, faults, events, file;
};

enum request_flags {
	/* It works; otherwise it is refused when all could be read. */
	WORKS = 1u << 0,
	/* Its struct is written back. */
	ANSWERS = 1u << 1,
};

struct request {
	const char *name;
	uint32_t cmd;
	uint32_t length;
	unsigned int flags;
	union {
		uint8_t bytes[ROOM];
		/* Every struct begins with it. */
		uint32_t size;
		struct ioas_abi_destroy destroy;
		struct ioas_abi_ioas_alloc ioas_alloc;
		struct ioas_abi_ioas_allow_iovas allow;
		struct ioas_abi_ioas_copy copy;
		struct ioas_abi_ioas_iova_ranges ranges;
		struct ioas_abi_ioas_map map;
		struct ioas_abi_ioas_map_file map_file;
		struct ioas_abi_ioas_unmap unmap;
		struct ioas_abi_option option;
		struct ioas_abi_vfio_ioas vfio_ioas;
		struct ioas_abi_hwpt_alloc hwpt;
		struct ioas_abi_get_hw_info hw_info;
		struct ioas_abi_hwpt_set_dirty_tracking set_dirty;
		struct ioas_abi_hwpt_get_dirty_bitmap get_dirty;
		struct ioas_abi_hwpt_invalidate invalidate;
		struct ioas_abi_fault_queue_alloc faultq;
		struct ioas_abi_viommu_alloc viommu;
		struct ioas_abi_vdevice_alloc vdevice;
		struct ioas_abi_ioas_change_process change;
		struct ioas_abi_veventq_alloc veventq;
		struct ioas_abi_hw_queue_alloc hw_queue;
		struct ioas_abi_test_cmd test;
	};
};

#define REQUEST(n, nr, what, member, ...)                                 \
	{                                                                 \
		.name = (n), .cmd = (nr), .flags = (what),                \
		.length = sizeof(((struct request *)NULL)->member),       \
		.member = {                                               \
			.size = sizeof(((struct request *)NULL)->member), \
			__VA_ARGS__                                       \
		}                                                         \
	}
/* An operation of the test request. */
#define OPERATION(n, nr, what, ...)                                            \
	REQUEST(n, IOAS_ABI_TEST_CMD, what, test, .op = IOAS_ABI_TEST_OP_##nr, \
		__VA_ARGS__)

#define NR_REQUESTS 32u

/* Where nothing is undone by anything, one after the other. */
static void requests_fill(const struct rig *r, struct request *out)
{
	const struct guest *g = &r->g;
	const struct request all[NR_REQUESTS] = {
		REQUEST("DESTROY", IOAS_ABI_DESTROY, 0, destroy, .id = NO_ID),
		REQUEST("IOAS_ALLOC", IOAS_ABI_IOAS_ALLOC, ANSWERS | WORKS,
			ioas_alloc, .flags = 0),
		REQUEST("ALLOW_IOVAS", IOAS_ABI_IOAS_ALLOW_IOVAS, WORKS, allow,
			.ioas_id = g->ioas),
		REQUEST("IOVA_RANGES", IOAS_ABI_IOAS_IOVA_RANGES, ANSWERS,
			ranges, .ioas_id = g->ioas),
		REQUEST("COPY", IOAS_ABI_IOAS_COPY, 0, copy,
			.flags = UC_RW | UC_FIXED, .dst_ioas_id = g->ioas,
			.src_ioas_id = g->ioas, .length = page_size,
			.src_iova = 8 * IOVA, .dst_iova = 4 * IOVA),
		REQUEST("MAP", IOAS_ABI_IOAS_MAP, 0, map, .flags = UC_R,
			.ioas_id = g->ioas, .user_va = va(memory.rw),
			.length = page_size),
		REQUEST("MAP_FILE", IOAS_ABI_IOAS_MAP_FILE, 0, map_file,
			.flags = UC_R, .ioas_id = g->ioas, .fd = r->file,
			.length = page_size),
		REQUEST("UNMAP", IOAS_ABI_IOAS_UNMAP, 0, unmap,
			.ioas_id = g->ioas, .iova = IOVA,
			.length = 2 * page_size),
		REQUEST("GET_DIRTY_BITMAP", IOAS_ABI_HWPT_GET_DIRTY_BITMAP, 0,
			get_dirty, .hwpt_id = r->tracking, .iova = IOVA,
			.length = page_size, .page_size = page_size),
		REQUEST("OPTION", IOAS_ABI_OPTION, ANSWERS | WORKS, option,
			.option_id = IOAS_ABI_OPTION_HUGE_PAGES,
			.op = IOAS_ABI_OPTION_OP_GET, .object_id = g->ioas),
		REQUEST("VFIO_IOAS", IOAS_ABI_VFIO_IOAS, ANSWERS | WORKS,
			vfio_ioas, .op = IOAS_ABI_VFIO_IOAS_GET),
		REQUEST("HWPT_ALLOC", IOAS_ABI_HWPT_ALLOC, ANSWERS | WORKS,
			hwpt, .dev_id = g->m.idev, .pt_id = g->ioas),
		REQUEST("GET_HW_INFO", IOAS_ABI_GET_HW_INFO, ANSWERS | WORKS,
			hw_info, .dev_id = g->m.idev),
		REQUEST("SET_DIRTY_TRACKING", IOAS_ABI_HWPT_SET_DIRTY_TRACKING,
			WORKS, set_dirty, .hwpt_id = r->tracking,
			.flags = IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE),
		REQUEST("INVALIDATE", IOAS_ABI_HWPT_INVALIDATE, ANSWERS | WORKS,
			invalidate, .hwpt_id = g->nested,
			.data_type = IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST),
		REQUEST("FAULT_QUEUE_ALLOC", IOAS_ABI_FAULT_QUEUE_ALLOC,
			ANSWERS | WORKS, faultq, .flags = 0),
		REQUEST("VIOMMU_ALLOC", IOAS_ABI_VIOMMU_ALLOC, ANSWERS | WORKS,
			viommu, .type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
			.dev_id = g->m.idev, .hwpt_id = g->parent),
		REQUEST("VDEVICE_ALLOC", IOAS_ABI_VDEVICE_ALLOC,
			ANSWERS | WORKS, vdevice, .viommu_id = g->viommu,
			.dev_id = r->pasid.idev, .virt_id = 5),
		REQUEST("CHANGE_PROCESS", IOAS_ABI_IOAS_CHANGE_PROCESS, 0,
			change, .__reserved = 0),
		REQUEST("VEVENTQ_ALLOC", IOAS_ABI_VEVENTQ_ALLOC,
			ANSWERS | WORKS, veventq, .viommu_id = g->viommu,
			.type = 1, .veventq_depth = 1),
		REQUEST("HW_QUEUE_ALLOC", IOAS_ABI_HW_QUEUE_ALLOC,
			ANSWERS | WORKS, hw_queue, .viommu_id = g->viommu,
			.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
			.nesting_parent_iova = IOVA, .length = 64),
		OPERATION("ADD_RESERVED", ADD_RESERVED, WORKS, .id = g->ioas,
			  .add_reserved = { .start = page_size, .length = 1 }),
		OPERATION("MOCK_DOMAIN", MOCK_DOMAIN, ANSWERS | WORKS,
			  .id = g->ioas),
		OPERATION("MOCK_DOMAIN_FLAGS", MOCK_DOMAIN_FLAGS,
			  ANSWERS | WORKS, .id = g->ioas),
		OPERATION("CREATE_ACCESS", CREATE_ACCESS, ANSWERS | WORKS,
			  .id = g->ioas),
		OPERATION(
			"ACCESS_PAGES", ACCESS_PAGES, ANSWERS | WORKS,
			.id = (uint32_t)r->access,
			.access_pages = { .iova = IOVA, .length = page_size }),
		OPERATION("MOCK_DOMAIN_REPLACE", MOCK_DOMAIN_REPLACE,
			  ANSWERS | WORKS, .id = r->pasid.stdev,
			  .mock_domain_replace = { .pt_id = r->tables[1] }),
		OPERATION("PASID_ATTACH", PASID_ATTACH, ANSWERS | WORKS,
			  .id = r->pasid.stdev,
			  .pasid_attach = { 7, r->tables[1] }),
		OPERATION("PASID_REPLACE", PASID_REPLACE, ANSWERS | WORKS,
			  .id = r->pasid.stdev,
			  .pasid_replace = { 3, r->tables[1] }),
		OPERATION("PASID_DETACH", PASID_DETACH, WORKS,
			  .id = r->pasid.stdev, .pasid_detach = { 9 }),
		OPERATION("SET_TEMP_MEMORY_LIMIT", SET_TEMP_MEMORY_LIMIT, WORKS,
			  .set_temp_memory_limit = { 65536 }),
		OPERATION("TRIGGER_IOPF", TRIGGER_IOPF, WORKS,
			  .trigger_iopf = { .dev_id = g->m.idev }),
	};

	memcpy(out, all, sizeof(all));
}

static int64_t ask_at(const struct rig *r, uint32_t cmd, const void *at)
{
	return ioas_local_ioctl(r->t->l, r->t->c.fd, cmd, va(at));
}

static int64_t ask(const struct rig *r, const struct request *rq, char *at)
{
	memcpy(at, rq->bytes, rq->length);
	return ask_at(r, rq->cmd, at);
}

/* ---- the rig ------------------------------------------------------------- */

static struct rig rig_new(struct uapi_test *t)
{
	const uint32_t pasid = IOAS_ABI_HWPT_ALLOC_PASID;
	struct rig r = { .t = t, .g = guest_new(t), .file = memfd(2) };
	const struct uclient *c = &t->c;
	uint32_t pt;

	memory_create();
	expect_ok(map_file(t, r.g.ioas, r.file, 0, 2, UC_RW, IOVA));
	r.access = access_new(t, r.g.ioas);
	expect_ok(uc_hwpt(c, r.g.m.idev, r.g.ioas,
			  IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING, &r.tracking));
	expect_ok(uc_mock_domain_flags(
		c, r.g.ioas, IOAS_ABI_MOCK_FLAGS_DEVICE_PASID, &r.pasid));
	for (unsigned int i = 0; i < 2; i++)
		expect_ok(uc_hwpt(c, r.pasid.idev, r.g.ioas, pasid,
				  &r.tables[i]));
	pt = r.tables[0];
	expect_ok(uc_mock_replace(c, r.pasid.stdev, &pt));
	expect_ok(uc_pasid_attach(c, r.pasid.stdev, 3, &pt));
	expect_ok(uc_vfio_ioas_set(c, r.g.ioas));
	return r;
}

static void rig_end(struct rig *r)
{
	memory_destroy();
	close(r->file);
}

/* What a request that failed must not have changed. */
struct sight {
	uint32_t next_id;
	unsigned int fds;
	uint64_t pinned;
};

static struct sight look(const struct rig *r)
{
	struct sight s = { .pinned = ioas_local_pinned(r->t->l) };
	struct ioas_iommufd *ictx;
	struct ioas_ufile *f;

	expect_ok(ioas_local_file(r->t->l, r->t->c.fd, &f));
	ictx = ioas_iommufd_of_file(f);
	s.next_id = ictx->objects.nr;
	ioas_ufile_put(f);
	s.fds = fds_now();
	return s;
}

static void nothing_changed(const struct rig *r, const char *name,
			    struct sight was)
{
	const struct sight is = look(r);

	if (is.next_id != was.next_id || is.fds != was.fds ||
	    is.pinned != was.pinned)
		fail_msg("%s: %u objects, %u descriptors, %llu pages; before "
			 "%u, %u, %llu",
			 name, is.next_id, is.fds,
			 (unsigned long long)is.pinned, was.next_id, was.fds,
			 (unsigned long long)was.pinned);
}

static void expect_fault(const char *name, const char *what, uint64_t at,
			 int64_t ret, int64_t want)
{
	if (ret != want)
		fail_msg("%s: %s, %#llx: %lld, not %lld", name, what,
			 (unsigned long long)at, (long long)ret,
			 (long long)want);
}

/* ---- structs ------------------------------------------------------------- */

static void struct_is_nowhere(const struct rig *r, const struct request *rq)
{
	const char *end = memory.none;

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(nowhere); i++)
		expect_fault(rq->name, "nowhere", nowhere[i],
			     ioas_local_ioctl(r->t->l, r->t->c.fd, rq->cmd,
					      nowhere[i]),
			     -EFAULT);
	expect_fault(rq->name, "no access", va(end), ask_at(r, rq->cmd, end),
		     -EFAULT);
	expect_fault(rq->name, "hole", va(end + page_size),
		     ask_at(r, rq->cmd, end + page_size), -EFAULT);
	/* The first bytes of it, more and more of them. */
	for (uint32_t n = 1; n < rq->length; n++) {
		ro_put(memory.none - n, rq->bytes, n);
		expect_fault(rq->name, "cut off", n,
			     ask_at(r, rq->cmd, memory.none - n), -EFAULT);
	}
}

/* Longer than we know, and what follows cannot be read. */
static void tail_is_nowhere(const struct rig *r, const struct request *rq)
{
	struct request longer = *rq;

	longer.size = rq->length + 8;
	ro_put(memory.none - rq->length, longer.bytes, rq->length);
	expect_fault(rq->name, "tail", rq->length,
		     ask_at(r, rq->cmd, memory.none - rq->length), -EFAULT);
	longer.size = UINT32_MAX;
	ro_put(memory.none - rq->length, longer.bytes, rq->length);
	expect_fault(rq->name, "long tail", rq->length,
		     ask_at(r, rq->cmd, memory.none - rq->length), -EFAULT);
}

static void structs_that_cannot_be_read(void **state)
{
	struct rig r = rig_new(*state);
	struct request all[NR_REQUESTS];

	requests_fill(&r, all);
	for (unsigned int i = 0; i < NR_REQUESTS; i++) {
		const struct sight was = look(&r);

		struct_is_nowhere(&r, &all[i]);
		tail_is_nowhere(&r, &all[i]);
		nothing_changed(&r, all[i].name, was);
	}
	rig_end(&r);
}

/* Read only, altogether or from the middle of what is written on. */
static void structs_that_cannot_be_written(void **state)
{
	struct rig r = rig_new(*state);
	struct request all[NR_REQUESTS];

	requests_fill(&r, all);
	for (unsigned int i = 0; i < NR_REQUESTS; i++) {
		const struct request *rq = &all[i];
		const int64_t want = rq->flags & ANSWERS ? -EFAULT : 0;
		const struct sight was = look(&r);

		if (!(rq->flags & (ANSWERS | WORKS)))
			continue;
		ro_put(memory.ro + 16, rq->bytes, rq->length);
		expect_fault(rq->name, "read only", 16,
			     ask_at(&r, rq->cmd, memory.ro + 16), want);
		/* The last byte of what any answer consists of. */
		ro_put(memory.ro, rq->bytes + rq->length - 1, 1);
		memcpy(memory.ro - (rq->length - 1), rq->bytes, rq->length - 1);
		expect_fault(rq->name, "half read only", rq->length,
			     ask_at(&r, rq->cmd, memory.ro - (rq->length - 1)),
			     want);
		nothing_changed(&r, rq->name, was);
	}
	rig_end(&r);
}

/* They are good, after all that. */
static void good_structs_work(void **state)
{
	struct rig r = rig_new(*state);
	struct request all[NR_REQUESTS];

	requests_fill(&r, all);
	for (unsigned int i = 0; i < NR_REQUESTS; i++)
		if (all[i].flags & WORKS)
			expect_fault(all[i].name, "good", 0,
				     ask(&r, &all[i], memory.rw), 0);
	rig_end(&r);
}

/* What is mapped or unmapped by then stays so (3.3). */
static void mappings_stay_without_their_answer(void **state)
{
	struct rig r = rig_new(*state);
	struct uapi_test *t = r.t;
	const uint32_t ioas = r.g.ioas;
	const struct request all[] = {
		REQUEST("MAP", IOAS_ABI_IOAS_MAP, 0, map,
			.flags = UC_RW | UC_FIXED, .ioas_id = ioas,
			.user_va = va(memory.rw), .length = page_size,
			.iova = 2 * IOVA),
		REQUEST("MAP_FILE", IOAS_ABI_IOAS_MAP_FILE, 0, map_file,
			.flags = UC_RW | UC_FIXED, .ioas_id = ioas,
			.fd = r.file, .length = page_size, .iova = 2 * IOVA),
		REQUEST("COPY", IOAS_ABI_IOAS_COPY, 0, copy,
			.flags = UC_RW | UC_FIXED, .dst_ioas_id = ioas,
			.src_ioas_id = ioas, .length = page_size,
			.src_iova = IOVA, .dst_iova = 2 * IOVA),
	};
	const struct request gone =
		REQUEST("UNMAP", IOAS_ABI_IOAS_UNMAP, 0, unmap, .ioas_id = ioas,
			.iova = 2 * IOVA, .length = page_size);

	for (size_t i = 0; i < IOAS_ARRAY_SIZE(all); i++) {
		ro_put(memory.ro, all[i].bytes, all[i].length);
		expect_errno(ask_at(&r, all[i].cmd, memory.ro), -EFAULT);
		ro_put(memory.ro, gone.bytes, gone.length);
		expect_errno(ask_at(&r, gone.cmd, memory.ro), -EFAULT);
		expect_errno(uc_unmap(&t->c, ioas, 2 * IOVA, page_size, NULL),
			     -ENOENT);
	}
	rig_end(&r);
}

/* ---- buffers ------------------------------------------------------------- */

/* A request with a member that is an address. */
struct buffer {
	const char *name;
	struct request rq;
	/* Of the member; and how many bytes of memory it leads to. */
	size_t member, length;
	/* What a bad one answers, and what 0 does. */
	int bad, zero;
	bool written;
	/* A multiple of pages, or nothing is looked at. */
	bool pages;
};

#define MEMBER(m) \
	(offsetof(struct request, m) - offsetof(struct request, bytes))

static int64_t buffer_at(const struct rig *r, const struct buffer *b,
			 uint64_t address)
{
	struct request rq = b->rq;

	memcpy(rq.bytes + b->member, &address, sizeof(address));
	return ask(r, &rq, memory.rw);
}

/* Neither off a page nor, with what follows, beyond the last address. */
static bool is_sound(const struct buffer *b, uint64_t address)
{
	return !b->pages ||
	       (!(address % page_size) && address <= UINT64_MAX - b->length);
}

static void buffer_is_bad(const struct rig *r, const struct buffer *b)
{
	const struct sight was = look(r);

	for (size_t i = 1; i < IOAS_ARRAY_SIZE(nowhere); i++)
		if (is_sound(b, nowhere[i]))
			expect_fault(b->name, "nowhere", nowhere[i],
				     buffer_at(r, b, nowhere[i]), b->bad);
	expect_fault(b->name, "zero", 0, buffer_at(r, b, 0), b->zero);
	expect_fault(b->name, "no access", 0, buffer_at(r, b, va(memory.none)),
		     b->bad);
	expect_fault(b->name, "hole", 0,
		     buffer_at(r, b, va(memory.none + page_size)), b->bad);
	for (size_t n = 1; !b->pages && n < b->length; n++)
		expect_fault(
			b->name, "cut off", n,
			buffer_at(r, b,
				  va(b->written ? memory.ro : memory.none) - n),
			b->bad);
	if (b->written)
		expect_fault(b->name, "read only", 0,
			     buffer_at(r, b, va(memory.ro)), b->bad);
	nothing_changed(r, b->name, was);
}

static void buffers_that_cannot_be_reached(void **state)
{
	struct rig r = rig_new(*state);
	const struct guest *g = &r.g;
	const struct buffer all[] = {
		{ "allowed ranges",
		  REQUEST("", IOAS_ABI_IOAS_ALLOW_IOVAS, 0, allow,
			  .ioas_id = g->ioas, .num_iovas = 1),
		  MEMBER(allow.allowed_iovas), 16, -EFAULT, -EFAULT, false,
		  false },
		{ "ranges",
		  REQUEST("", IOAS_ABI_IOAS_IOVA_RANGES, 0, ranges,
			  .ioas_id = g->ioas, .num_iovas = 1),
		  MEMBER(ranges.allowed_iovas), 16, -EFAULT, -EFAULT, true,
		  false },
		{ "data of a table",
		  REQUEST("", IOAS_ABI_HWPT_ALLOC, 0, hwpt, .dev_id = g->m.idev,
			  .pt_id = g->viommu,
			  .data_type = IOAS_ABI_HWPT_DATA_SELFTEST,
			  .data_len = 8),
		  MEMBER(hwpt.data_uptr), 8, -EFAULT, -EFAULT, false, false },
		{ "data of hardware",
		  REQUEST("", IOAS_ABI_GET_HW_INFO, 0, hw_info,
			  .dev_id = g->m.idev, .data_len = 8),
		  MEMBER(hw_info.data_uptr), 8, -EFAULT, -EFAULT, true, false },
		{ "data of hardware, and zeros",
		  REQUEST("", IOAS_ABI_GET_HW_INFO, 0, hw_info,
			  .dev_id = g->m.idev, .data_len = 40),
		  MEMBER(hw_info.data_uptr), 40, -EFAULT, -EFAULT, true,
		  false },
		/* 6.13: what cannot be written is skipped. */
		{ "bitmap",
		  REQUEST("", IOAS_ABI_HWPT_GET_DIRTY_BITMAP, 0, get_dirty,
			  .hwpt_id = r.tracking, .iova = IOVA,
			  .length = 2 * page_size, .page_size = 2048),
		  MEMBER(get_dirty.data), 1, 0, 0, true, false },
		{ "invalidations of a table",
		  REQUEST("", IOAS_ABI_HWPT_INVALIDATE, 0, invalidate,
			  .hwpt_id = g->nested,
			  .data_type = IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
			  .entry_len = 8, .entry_num = 1),
		  MEMBER(invalidate.data_uptr), 8, -EFAULT, -EINVAL, false,
		  false },
		{ "invalidations of a VIOMMU",
		  REQUEST("", IOAS_ABI_HWPT_INVALIDATE, 0, invalidate,
			  .hwpt_id = g->viommu,
			  .data_type = IOAS_ABI_HWPT_INVALIDATE_DATA_SELFTEST,
			  .entry_len = 12, .entry_num = 1),
		  MEMBER(invalidate.data_uptr), 12, -EFAULT, -EINVAL, false,
		  false },
		{ "data of a VIOMMU",
		  REQUEST("", IOAS_ABI_VIOMMU_ALLOC, 0, viommu,
			  .type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
			  .dev_id = g->m.idev, .hwpt_id = g->parent,
			  .data_len = 24),
		  MEMBER(viommu.data_uptr), 24, -EFAULT, -EFAULT, true, false },
		{ "what an access reads",
		  OPERATION("", ACCESS_RW, 0, .id = (uint32_t)r.access,
			    .access_rw = { .iova = IOVA, .length = 64 }),
		  MEMBER(test.access_rw.uptr), 64, -EFAULT, -EFAULT, true,
		  false },
		{ "what an access writes",
		  OPERATION(
			  "", ACCESS_RW, 0, .id = (uint32_t)r.access,
			  .access_rw = { .iova = IOVA,
					 .length = 64,
					 .flags =
						 IOAS_ABI_MOCK_ACCESS_RW_WRITE }),
		  MEMBER(test.access_rw.uptr), 64, -EFAULT, -EFAULT, false,
		  false },
		{ "marks",
		  OPERATION("", DIRTY, 0, .id = r.tracking,
			    .dirty = { .iova = IOVA,
				       .length = 2 * page_size,
				       .page_size = 2048 }),
		  MEMBER(test.dirty.uptr), 1, -EFAULT, -EINVAL, false, false },
		{ "memory of a process",
		  REQUEST("", IOAS_ABI_IOAS_MAP, 0, map,
			  .flags = UC_RW | UC_FIXED, .ioas_id = g->ioas,
			  .length = page_size, .iova = 2 * IOVA),
		  MEMBER(map.user_va), page_size, -EFAULT, -EFAULT, true,
		  true },
		{ "memory to compare with a table",
		  OPERATION("", MD_CHECK_MAP, 0, .id = g->parent,
			    .md_check_map = { .iova = IOVA,
					      .length = page_size }),
		  MEMBER(test.md_check_map.uptr), page_size, -EFAULT, -EFAULT,
		  false, true },
		{ "memory to count pins of",
		  OPERATION("", MD_CHECK_REFS, 0,
			    .md_check_refs = { .length = page_size }),
		  MEMBER(test.md_check_refs.uptr), page_size, -EFAULT, -EFAULT,
		  false, true },
		/* 0: it is not compared, and pinned. */
		{ "memory to compare with pins",
		  OPERATION("", ACCESS_PAGES, 0, .id = (uint32_t)r.access,
			    .access_pages = { .iova = IOVA + page_size,
					      .length = page_size }),
		  MEMBER(test.access_pages.uptr), page_size, -EFAULT, 0, false,
		  true },
	};

	expect_ok(uc_dirty_set(&r.t->c, r.tracking,
			       IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(all); i++)
		buffer_is_bad(&r, &all[i]);
	rig_end(&r);
}

/* ---- files --------------------------------------------------------------- */

/* A read that fails leaves what it would have read. */
static void reads_that_cannot_be_written(void **state)
{
	struct ioas_abi_test_trigger_iopf iopf = { .grpid = 1 };
	struct ioas_abi_hwpt_alloc s = { .flags =
						 IOAS_ABI_HWPT_FAULT_ID_VALID };
	struct rig r = rig_new(*state);
	const struct uclient *c = &r.t->c;
	struct ioas_local *l = r.t->l;
	uint32_t pt, id;

	expect_ok(uc_fault_queue(c, &id, &r.faults));
	s.dev_id = iopf.dev_id = r.pasid.idev;
	s.pt_id = r.g.ioas;
	s.fault_id = id;
	expect_ok(uc_pasid_detach(c, r.pasid.stdev, 3));
	expect_ok(uc_hwpt_alloc(c, &s, NULL));
	pt = s.out_hwpt_id;
	expect_ok(uc_mock_replace(c, r.pasid.stdev, &pt));
	expect_ok(uc_iopf(c, &iopf));
	expect_ok(uc_veventq(c, r.g.viommu, IOAS_ABI_VEVENTQ_TYPE_SELFTEST, 4,
			     NULL, &r.events));
	pt = r.g.nested;
	expect_ok(uc_mock_replace(c, r.g.m.stdev, &pt));
	expect_ok(uc_vevent(c, r.g.m.idev));
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(nowhere); i++) {
		expect_errno(ioas_local_read(l, r.faults, nowhere[i], 40),
			     -EFAULT);
		expect_errno(ioas_local_read(l, r.events, nowhere[i], 12),
			     -EFAULT);
		expect_errno(ioas_local_write(l, r.faults, nowhere[i], 8),
			     -EFAULT);
	}
	for (size_t n = 0; n < 40; n++)
		expect_errno(
			ioas_local_read(l, r.faults, va(memory.ro - n), 40),
			-EFAULT);
	for (size_t n = 0; n < 12; n++)
		expect_errno(
			ioas_local_read(l, r.events, va(memory.ro - n), 12),
			-EFAULT);
	for (size_t n = 0; n < 8; n++)
		expect_errno(
			ioas_local_write(l, r.faults, va(memory.none - n), 8),
			-EFAULT);
	expect_ret(ioas_local_read(l, r.events, va(memory.rw), 64), 12);
	expect_ret(ioas_local_read(l, r.faults, va(memory.rw), 40), 40);
	rig_end(&r);
}

/* ---- container requests -------------------------------------------------- */

static void container_structs_that_cannot_be_reached(void **state)
{
	struct rig r = rig_new(*state);
	struct ioas_local *l = r.t->l;
	struct ioas_abi_vfio_iommu_unmap_dma unmap = { .argsz = sizeof(unmap),
						       .iova = 4 * IOVA,
						       .size = page_size };
	const uint32_t cmds[] = { IOAS_ABI_VFIO_IOMMU_GET_INFO,
				  IOAS_ABI_VFIO_IOMMU_MAP_DMA,
				  IOAS_ABI_VFIO_IOMMU_UNMAP_DMA };
	const uint32_t sizes[] = { 16, 32, 24 };

	for (size_t k = 0; k < IOAS_ARRAY_SIZE(cmds); k++) {
		const struct sight was = look(&r);

		for (size_t i = 0; i < IOAS_ARRAY_SIZE(nowhere); i++)
			expect_errno(ioas_local_ioctl(l, r.t->c.fd, cmds[k],
						      nowhere[i]),
				     -EFAULT);
		for (uint32_t n = 0; n < sizes[k]; n++)
			expect_errno(ioas_local_ioctl(l, r.t->c.fd, cmds[k],
						      va(memory.none) - n),
				     -EFAULT);
		nothing_changed(&r, "container request", was);
	}
	/* The answer cannot be written. */
	ro_put(memory.ro, (const uint32_t[6]){ 24 }, 24);
	expect_errno(ask_at(&r, IOAS_ABI_VFIO_IOMMU_GET_INFO, memory.ro),
		     -EFAULT);
	ro_put(memory.ro, &unmap, sizeof(unmap));
	expect_errno(ask_at(&r, IOAS_ABI_VFIO_IOMMU_UNMAP_DMA, memory.ro),
		     -EFAULT);
	rig_end(&r);
}

/* A number that nobody knows has no struct: only where one is looked for. */
static void unknown_requests_look_for_a_size(void **state)
{
	struct rig r = rig_new(*state);

	expect_errno(ask_at(&r, 0x3b95, NULL), -EFAULT);
	expect_errno(ask_at(&r, 0x3b95, memory.rw), -ENOTTY);
	expect_errno(ask_at(&r, 0x3bff, NULL), -ENOTTY);
	expect_errno(ask_at(&r, 0x3b00, NULL), -ENOTTY);
	rig_end(&r);
}

#define BOTH(f)                             \
	local_case_with(f, &guarded, NULL), \
		local_case_with(f, &system_calls, NULL)

int main(void)
{
	static struct ioas_local_options guarded, system_calls;
	const struct CMUnitTest tests[] = {
		BOTH(structs_that_cannot_be_read),
		BOTH(structs_that_cannot_be_written),
		BOTH(good_structs_work),
		BOTH(mappings_stay_without_their_answer),
		BOTH(buffers_that_cannot_be_reached),
		BOTH(reads_that_cannot_be_written),
		BOTH(container_structs_that_cannot_be_reached),
		BOTH(unknown_requests_look_for_a_size),
	};

	guarded = system_calls = local_options();
	system_calls.no_signals = true;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
