/* SPDX-License-Identifier: MIT */
/*
 * The front end for this process: what it maps, and what its memory costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "core/account.h"
#include "local_test.h"

/* ---- mmap --------------------------------------------------------------- */

static int map(int fd, void *hint, uint64_t length, int prot, int flags,
	       uint64_t offset, char **out)
{
	void *at = NULL;
	int ret =
		ioas_local_mmap(l, fd, hint, length, prot, flags, offset, &at);

	if (!ret)
		*out = at;
	return ret;
}

static void bare_release(struct ioas_ufile *f)
{
	(void)f;
}

/* A file that can do nothing. */
static const struct ioas_ufile_ops bare_ops = {
	.name = "bare",
	.release = bare_release,
};

static void mmap_fails_as_the_system_does(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;
	const uint64_t ps = (uint64_t)sysconf(_SC_PAGESIZE);
	struct ioas_ufile bare;
	struct ioas_host *h;
	char *at = NULL, *mine;
	int32_t fd, test;

	(void)state;
	begin(NULL);
	fd = open_one();
	h = ioas_local_host(l);
	ioas_ufile_init(&bare, &bare_ops);
	assert_int_equal(h->ops->fd_reserve(h, NULL, IOAS_FD_CLOEXEC,
					       &test), 0);
	h->ops->fd_commit(h, test, &bare);
	mine = map_private(1);
	*mine = 5;
	/* Before the file is asked. */
	assert_int_equal(map(fd, NULL, ps, rw, MAP_SHARED, ps / 2, &at),
			 -EINVAL);
	assert_int_equal(map(fd, NULL, 0, rw, MAP_SHARED, ps, &at), -EINVAL);
	assert_int_equal(map(fd, NULL, UINT64_MAX, rw, MAP_SHARED, ps, &at),
			 -ENOMEM);
	assert_int_equal(
		map(fd, NULL, (uint64_t)1 << 62, rw, MAP_SHARED, ps, &at),
		-ENOMEM);
	assert_int_equal(map(fd, NULL, 2 * ps, rw, MAP_SHARED, 0 - ps, &at),
			 -EOVERFLOW);
	assert_int_equal(map(fd, mine, ps, rw, MAP_SHARED | MAP_FIXED_NOREPLACE,
			     ps, &at),
			 -EEXIST);
	assert_int_equal(
		map(fd, mine + 1, ps, rw, MAP_SHARED | MAP_FIXED, ps, &at),
		-EINVAL);
	assert_int_equal(map(fd, NULL, ps, rw, 0, ps, &at), -EINVAL);
	assert_int_equal(map(test, NULL, ps, rw, MAP_SHARED, ps, &at), -ENODEV);
	/* What the file says. */
	assert_int_equal(map(fd, NULL, ps, rw, MAP_PRIVATE, ps, &at), -EINVAL);
	assert_int_equal(map(fd, NULL, ps, rw | PROT_EXEC, MAP_SHARED, ps, &at),
			 -EPERM);
	assert_int_equal(map(fd, NULL, ps, rw, MAP_SHARED, 0, &at), -ENXIO);
	assert_int_equal(map(fd, NULL, ps, rw, MAP_SHARED, ps, &at), -ENXIO);
	assert_int_equal(map(fd, mine, ps, rw, MAP_SHARED | MAP_FIXED, ps, &at),
			 -ENXIO);
	assert_null(at);
	assert_int_equal(*mine, 5);
	assert_int_equal(ioas_local_munmap(l, mine + 1, ps), -EINVAL);
	assert_int_equal(ioas_local_munmap(l, mine, 0), -EINVAL);
	assert_int_equal(ioas_local_munmap(l, mine, UINT64_MAX), -EINVAL);
	assert_int_equal(ioas_local_munmap(l, mine, ps), 0);
	end();
}

/* A device: memory of no file, of which any pages can be mapped. */
#define BAR (UINT64_C(0x10) << 40)
#define BAR_PAGES 4u

static struct bar {
	struct ioas_ufile file;
	struct ioas_shm shm;
	/* Mappings of it, or parts of them. */
	struct ioas_region region[2];
	unsigned int nr_maps;
	unsigned int refs;
} bar;

static void bar_dup(struct ioas_region *region)
{
	(void)region;
	bar.refs++;
}

static void bar_unmap(struct ioas_region *region)
{
	(void)region;
	bar.refs--;
}

static int bar_mmap(struct ioas_ufile *f, const struct ioas_mmap_request *rq,
		    struct ioas_region **out)
{
	static const struct ioas_region_ops ops = { bar_dup, bar_unmap };
	struct ioas_region *r = &bar.region[bar.nr_maps++];

	assert_ptr_equal(f, &bar.file);
	r->ops = &ops;
	r->offset = rq->offset;
	r->length = rq->length;
	r->shm = (struct ioas_shm){
		.memory = (char *)bar.shm.memory + (rq->offset - BAR),
		.length = rq->length,
		.fd = bar.shm.fd,
	};
	bar.refs++;
	*out = r;
	return 0;
}

static const struct ioas_ufile_ops bar_ops = {
	.name = "bar",
	.mmap = bar_mmap,
	.release = bare_release,
};

static void memory_of_no_file_is_mapped_in_parts(void **state)
{
	const uint64_t ps = (uint64_t)sysconf(_SC_PAGESIZE);
	const int rw = PROT_READ | PROT_WRITE;
	char *all = NULL, *last = NULL, *memory;
	struct ioas_host *h;
	int32_t fd;

	(void)state;
	begin(NULL);
	h = ioas_local_host(l);
	ioas_ufile_init(&bar.file, &bar_ops);
	/* Whoever maps it maps the memory itself. */
	assert_null(h->ops->shm_lend);
	assert_int_equal(h->ops->shm_create(h, NULL, 0, BAR_PAGES * ps,
					    &bar.shm), 0);
	memory = bar.shm.memory;
	assert_int_equal((uintptr_t)memory % ps, 0);
	for (uint64_t i = 0; i < BAR_PAGES * ps; i++)
		assert_int_equal(memory[i], 0);
	assert_int_equal(h->ops->fd_reserve(h, &bar.file, 0, &fd), 0);
	h->ops->fd_commit(h, fd, &bar.file);

	assert_int_equal(map(fd, NULL, BAR_PAGES * ps, rw, MAP_SHARED, BAR,
			     &all), 0);
	assert_int_equal(map(fd, NULL, ps, rw, MAP_SHARED, BAR + 3 * ps, &last),
			 0);
	memory[3 * ps] = 1;
	assert_int_equal(all[3 * ps], 1);
	assert_int_equal(last[0], 1);
	last[1] = 2;
	assert_int_equal(all[3 * ps + 1], 2);
	assert_int_equal(memory[3 * ps + 1], 2);
	/* Out of the middle: two parts, each of which holds it. */
	assert_int_equal(ioas_local_munmap(l, all + ps, ps), 0);
	assert_int_equal(bar.refs, 3);
	assert_int_equal(ioas_local_munmap(l, all, ps), 0);
	assert_int_equal(ioas_local_munmap(l, all + 2 * ps, 2 * ps), 0);
	assert_int_equal(bar.refs, 1);
	assert_int_equal(last[1], 2);
	assert_int_equal(ioas_local_munmap(l, last, ps), 0);
	assert_int_equal(bar.refs, 0);
	assert_int_equal(memory[3 * ps + 1], 2);
	h->ops->shm_destroy(h, &bar.shm);
	end();
}

/* A VIOMMU with its region of two pages: device, nest parent, id, offset. */
struct region_owner {
	int fd;
	uint32_t ioas;
	uint32_t stdev;
	uint32_t parent;
	uint32_t viommu;
	uint64_t offset;
	uint64_t length;
};

static void mock_domain(int fd, uint32_t ioas, struct ioas_abi_test_cmd *t)
{
	*t = (struct ioas_abi_test_cmd){ .size = sizeof(*t),
					 .op = IOAS_ABI_TEST_OP_MOCK_DOMAIN,
					 .id = ioas };
	assert_int_equal(call(fd, IOAS_ABI_TEST_CMD, t), 0);
}

static struct region_owner region_owner(void)
{
	struct ioas_abi_viommu_data_selftest data = { .in_data = 0x1234 };
	struct ioas_abi_hwpt_alloc h = {
		.size = sizeof(h), .flags = IOAS_ABI_HWPT_ALLOC_NEST_PARENT
	};
	struct ioas_abi_viommu_alloc v = {
		.size = sizeof(v),
		.type = IOAS_ABI_VIOMMU_TYPE_SELFTEST,
		.data_len = sizeof(data),
		.data_uptr = (uintptr_t)&data,
	};
	struct region_owner r = { .fd = open_one() };
	struct ioas_abi_test_cmd t;

	r.ioas = ioas_new(r.fd);
	mock_domain(r.fd, r.ioas, &t);
	r.stdev = t.mock_domain.out_stdev_id;
	h.dev_id = t.mock_domain.out_idev_id;
	h.pt_id = r.ioas;
	assert_int_equal(call(r.fd, IOAS_ABI_HWPT_ALLOC, &h), 0);
	r.parent = h.out_hwpt_id;
	v.dev_id = h.dev_id;
	v.hwpt_id = r.parent;
	assert_int_equal(call(r.fd, IOAS_ABI_VIOMMU_ALLOC, &v), 0);
	r.viommu = v.out_viommu_id;
	r.offset = data.out_mmap_offset;
	r.length = data.out_mmap_length;
	assert_int_equal(r.length, 2 * page_size);
	return r;
}

static void a_region_is_shared_and_holds_its_owner(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct region_owner r;
	char *a = NULL, *b = NULL, *place;
	uint32_t word;

	(void)state;
	begin_test();
	r = region_owner();
	assert_int_equal(
		map(r.fd, NULL, r.length, rw, MAP_SHARED, r.offset, &a), 0);
	memcpy(&word, a, 4);
	assert_int_equal(word, 0x1234);
	/* A hint, rounding up, reading only. */
	place = map_private(4);
	unmap(place, 4);
	assert_int_equal(map(r.fd, place, r.length - 5, PROT_READ, MAP_SHARED,
			     r.offset, &b),
			 0);
	assert_ptr_equal(b, place);
	a[page_size] = 9;
	assert_int_equal(b[page_size], 9);
	assert_int_equal(
		map(r.fd, NULL, page_size, rw, MAP_SHARED, r.offset, &a),
		-ENXIO);
	assert_int_equal(destroy(r.fd, r.viommu), -EBUSY);
	assert_int_equal(ioas_local_munmap(l, a, r.length), 0);
	assert_int_equal(destroy(r.fd, r.viommu), -EBUSY);
	/* Half of the other one, then the rest and what is not ours. */
	assert_int_equal(ioas_local_munmap(l, b, page_size), 0);
	assert_int_equal(b[page_size], 9);
	assert_int_equal(destroy(r.fd, r.viommu), -EBUSY);
	assert_int_equal(ioas_local_munmap(l, b, 4 * page_size), 0);
	assert_int_equal(destroy(r.fd, r.viommu), 0);
	end();
}

static void a_mapping_replaces_what_was_there(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct region_owner r;
	char *a, *b = NULL;
	int fd;

	(void)state;
	begin_test();
	r = region_owner();
	a = map_private(4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(map(r.fd, a + page_size, r.length, rw,
				     MAP_SHARED | MAP_FIXED, r.offset, &b),
				 0);
		assert_ptr_equal(b, a + page_size);
	}
	/* One page further: a piece of the first one is left. */
	assert_int_equal(map(r.fd, a + 2 * page_size, r.length, rw,
			     MAP_SHARED | MAP_FIXED, r.offset, &b),
			 0);
	a[page_size] = 3;
	assert_int_equal(b[0], 3);
	/* Out of the middle of nothing else: both pieces hold. */
	assert_int_equal(ioas_local_munmap(l, b, page_size), 0);
	assert_int_equal(destroy(r.fd, r.viommu), -EBUSY);
	assert_int_equal(ioas_local_munmap(l, b + page_size, page_size), 0);
	assert_int_equal(destroy(r.fd, r.viommu), -EBUSY);
	/* The last mapping keeps the context when the descriptor is closed. */
	assert_int_equal(ioas_local_close(l, r.fd), 0);
	a[page_size] = 4;
	assert_int_equal(ioas_local_munmap(l, a, 4 * page_size), 0);
	/* And some that are there at the end. */
	r = region_owner();
	assert_int_equal(map(r.fd, NULL, r.length, PROT_NONE,
			     MAP_SHARED_VALIDATE, r.offset, &b),
			 0);
	fd = ioas_local_dup(l, r.fd, 0);
	assert_true(fd >= 0);
	end();
}

static void a_mapping_out_of_memory_leaves_nothing(void **state)
{
	struct ioas_fault f = { 0 };
	struct region_owner r;
	char *a = NULL;
	uint64_t nth;
	int ret = -1;

	(void)state;
	begin_test();
	r = region_owner();
	for (nth = 1; ret; nth++) {
		assert_true(nth < 20);
		f.nth = nth;
		ioas_local_set_fault(l, &f);
		ret = map(r.fd, NULL, r.length, PROT_READ, MAP_SHARED, r.offset,
			  &a);
		ioas_local_set_fault(l, NULL);
		if (ret)
			assert_int_equal(ret, -ENOMEM);
	}
	assert_true(nth > 2);
	assert_int_equal(ioas_local_munmap(l, a, r.length), 0);
	assert_int_equal(destroy(r.fd, r.viommu), 0);
	end();
}

/* ---- accounting --------------------------------------------------------- */

static int64_t map_pages(int fd, uint32_t ioas, void *at, uint64_t pages,
			 uint64_t *iova)
{
	struct ioas_abi_ioas_map m = {
		.size = sizeof(m),
		.flags = IOAS_ABI_IOAS_MAP_READABLE |
			 IOAS_ABI_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)at,
		.length = pages * page_size,
	};
	int64_t ret = call(fd, IOAS_ABI_IOAS_MAP, &m);

	*iova = m.iova;
	return ret;
}

static int64_t unmap_pages(int fd, uint32_t ioas, uint64_t iova, uint64_t pages)
{
	struct ioas_abi_ioas_unmap u = { .size = sizeof(u),
					 .ioas_id = ioas,
					 .iova = iova,
					 .length = pages * page_size };

	return call(fd, IOAS_ABI_IOAS_UNMAP, &u);
}

static void memlock(rlim_t pages, const struct rlimit *old)
{
	const struct rlimit r = { pages * page_size, old->rlim_max };

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &r), 0);
}

static void a_new_limit_holds_for_the_next_call(void **state)
{
	struct ioas_abi_test_cmd t;
	struct rlimit old;
	uint64_t iova;
	uint32_t ioas;
	char *p;
	int fd;

	(void)state;
	begin_test();
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &old), 0);
	fd = open_one();
	ioas = ioas_new(fd);
	mock_domain(fd, ioas, &t);
	p = map_private(4);
	memlock(4, &old);
	assert_int_equal(map_pages(fd, ioas, p, 4, &iova), 0);
	assert_int_equal(ioas_local_pinned(l), 4);
	assert_int_equal(unmap_pages(fd, ioas, iova, 4), 0);
	memlock(3, &old);
	assert_int_equal(map_pages(fd, ioas, p, 4, &iova), -ENOMEM);
	assert_int_equal(map_pages(fd, ioas, p, 3, &iova), 0);
	assert_int_equal(map_pages(fd, ioas, p, 1, &iova), -ENOMEM);
	memlock(4, &old);
	assert_int_equal(map_pages(fd, ioas, p, 1, &iova), 0);
	assert_int_equal(ioas_local_pinned(l), 4);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &old), 0);
	assert_int_equal(ioas_local_close(l, fd), 0);
	assert_int_equal(ioas_local_pinned(l), 0);
	unmap(p, 4);
	end();
}

static uint64_t charged(const struct ioas_local_process *p)
{
	return atomic_load(&ioas_local_principal(l, p)->user->charged);
}

static void processes_pay_for_themselves(void **state)
{
	const struct ioas_local_rights two = {
		.lock_unlimited = IOAS_LOCAL_NO,
		.own_limit = true,
		.lock_limit = 2 * (uint64_t)sysconf(_SC_PAGESIZE),
	};
	const struct ioas_local_rights any = { .lock_unlimited =
						       IOAS_LOCAL_YES };
	const struct ioas_local_options opts = { .test_abi = true,
						 .rights = two };
	struct ioas_local_process *same, *other, *root;
	struct ioas_abi_test_cmd t;
	uint64_t iova;
	uint32_t ioas;
	char *p;
	int fd;

	(void)state;
	begin(&opts);
	assert_int_equal(ioas_local_process_create(l, &two, false, &same), 0);
	assert_int_equal(ioas_local_process_create(l, &two, true, &other), 0);
	assert_int_equal(ioas_local_process_create(l, &any, true, &root), 0);
	fd = open_one();
	ioas = ioas_new(fd);
	mock_domain(fd, ioas, &t);
	p = map_private(4);
	assert_int_equal(map_pages(fd, ioas, p, 2, &iova), 0);
	assert_int_equal(charged(NULL), 2);
	/* The same user: its pages count. */
	ioas_local_process_enter(l, same);
	assert_int_equal(map_pages(fd, ioas, p, 1, &iova), -ENOMEM);
	ioas_local_set_limit(l, same, 3 * page_size);
	assert_int_equal(map_pages(fd, ioas, p, 1, &iova), 0);
	assert_int_equal(charged(same), 3);
	ioas_local_process_enter(l, other);
	assert_int_equal(map_pages(fd, ioas, p, 3, &iova), -ENOMEM);
	assert_int_equal(map_pages(fd, ioas, p, 2, &iova), 0);
	assert_int_equal(charged(other), 2);
	ioas_local_process_enter(l, root);
	assert_int_equal(map_pages(fd, ioas, p, 4, &iova), 0);
	assert_int_equal(charged(root), 0);
	ioas_local_process_enter(l, NULL);
	assert_int_equal(map_pages(fd, ioas, p, 1, &iova), -ENOMEM);
	ioas_local_process_exit(other);
	assert_int_equal(ioas_local_pinned(l), 9);
	assert_int_equal(ioas_local_close(l, fd), 0);
	assert_int_equal(ioas_local_pinned(l), 0);
	assert_int_equal(charged(NULL), 0);
	unmap(p, 4);
	end();
}

static void the_policy_needs_a_right(void **state)
{
	(void)state;
	for (int yes = 0; yes < 2; yes++) {
		const struct ioas_local_options opts = {
			.rights.resource = yes ? IOAS_LOCAL_YES : IOAS_LOCAL_NO,
		};
		struct ioas_abi_option o = {
			.size = sizeof(o),
			.option_id = IOAS_ABI_OPTION_RLIMIT_MODE,
			.op = IOAS_ABI_OPTION_OP_SET,
			.val64 = 1,
		};
		int fd;

		begin(&opts);
		fd = open_one();
		ioas_local_refresh(l);
		assert_int_equal(call(fd, IOAS_ABI_OPTION, &o),
				 yes ? 0 : -EPERM);
		end();
	}
}

static void files_of_any_kind_are_sources(void **state)
{
	struct ioas_abi_ioas_map_file m = {
		.size = sizeof(m),
		.flags = IOAS_ABI_IOAS_MAP_READABLE,
	};
	struct ioas_abi_test_cmd t;
	int fd, mem;

	(void)state;
	begin_test();
	fd = open_one();
	mem = memfd(2);
	m.ioas_id = ioas_new(fd);
	mock_domain(fd, m.ioas_id, &t);
	m.length = 2 * page_size;
	m.fd = mem;
	assert_int_equal(call(fd, IOAS_ABI_IOAS_MAP_FILE, &m), 0);
	m.fd = lowest();
	assert_int_equal(call(fd, IOAS_ABI_IOAS_MAP_FILE, &m), -EBADF);
	m.fd = -1;
	assert_int_equal(call(fd, IOAS_ABI_IOAS_MAP_FILE, &m), -EBADF);
	/* A descriptor of ours is a file, and no memory. */
	m.fd = fd;
	assert_int_equal(call(fd, IOAS_ABI_IOAS_MAP_FILE, &m), -EINVAL);
	close(mem);
	assert_int_equal(ioas_local_pinned(l), 2);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mmap_fails_as_the_system_does),
		cmocka_unit_test(memory_of_no_file_is_mapped_in_parts),
		cmocka_unit_test(a_region_is_shared_and_holds_its_owner),
		cmocka_unit_test(a_mapping_replaces_what_was_there),
		cmocka_unit_test(a_mapping_out_of_memory_leaves_nothing),
		cmocka_unit_test(a_new_limit_holds_for_the_next_call),
		cmocka_unit_test(processes_pay_for_themselves),
		cmocka_unit_test(the_policy_needs_a_right),
		cmocka_unit_test(files_of_any_kind_are_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
