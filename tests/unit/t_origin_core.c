/* SPDX-License-Identifier: MIT */
/*
 * The core over the memory of clients: map, attach, read, write, unmap, with
 * limits and failures, and what devices find at the other end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/access.h"
#include "core/account.h"
#include "core/iopt.h"
#include "domain/flat.h"
#include "memory_test.h"
#include "origin/file.h"
#include "origin/user.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)
#define IOVA ((ioas_iova_t)1 << 30)

struct world {
	struct ioas_context ctx;
	struct ioas_user *payer;
	struct ioas_mm *mm;
	struct ioas_principal *principal;
	struct ioas_caller caller;
	struct ioas_caller *old;
	struct ioas *space;
	struct ioas_domain *domain;
	struct ioas_access *access;
	struct ioas_origin *user;
};

static void world_init(struct world *w)
{
	const struct ioas_flat_options opts = { .pgsizes = page_size,
						.last = UINT64_MAX };

	memset(w, 0, sizeof(*w));
	ioas_context_init(&w->ctx, page_lg2, 21);
	w->payer = ioas_user_create();
	w->mm = ioas_mm_create();
	w->principal = ioas_principal_create(w->payer, w->mm, 1000);
	assert_non_null(w->principal);
	w->caller.principal = w->principal;
	w->old = ioas_caller_enter(&w->caller);
	assert_int_equal(ioas_iopt_create(&w->ctx, &w->space), 0);
	assert_int_equal(ioas_flat_domain_create(&opts, &w->domain), 0);
	assert_int_equal(ioas_access_create(&w->ctx, NULL, NULL,
					    IOAS_ACCESS_INTERNAL, &w->access),
			 0);
	assert_int_equal(ioas_access_attach(w->access, w->space), 0);
	assert_int_equal(ioas_origin_user_create(&mt.b, &w->user), 0);
}

static void world_fini(struct world *w)
{
	ioas_access_destroy(w->access);
	assert_int_equal(ioas_iopt_destroy(w->space), 0);
	w->domain->ops->destroy(w->domain);
	ioas_origin_put(w->user);
	ioas_caller_leave(w->old);
	assert_int_equal(atomic_load(&w->payer->charged), 0);
	assert_int_equal(atomic_load(&w->mm->pinned), 0);
	ioas_context_fini(&w->ctx);
	ioas_principal_put(w->principal);
	ioas_mm_put(w->mm);
	ioas_user_put(w->payer);
}

static int map(struct world *w, struct ioas_origin *o, uint64_t start,
	       size_t pages, uint32_t prot, ioas_iova_t iova)
{
	return ioas_iopt_map(w->space, o, start, pages * page_size, prot,
			     IOAS_MAP_FIXED, &iova);
}

static int map_memory(struct world *w, const void *at, size_t pages,
		      uint32_t prot, ioas_iova_t iova)
{
	return map(w, w->user, (uintptr_t)at, pages, prot, iova);
}

static void unmap_iova(struct world *w, ioas_iova_t iova, size_t pages)
{
	uint64_t unmapped = 0;

	assert_int_equal(
		ioas_iopt_unmap(w->space, iova, pages * page_size, &unmapped),
		0);
	assert_int_equal(unmapped, pages * page_size);
}

/* What all books say is pinned. */
static void check_pinned(struct world *w, uint64_t nr)
{
	assert_int_equal(ioas_backings_pinned(&mt.b), nr);
	assert_int_equal(atomic_load(&w->mm->pinned), nr);
	assert_int_equal(atomic_load(&w->payer->charged), nr);
	assert_int_equal(ioas_iopt_validate(w->space), 0);
}

static void check_empty(struct world *w)
{
	struct ioas_flat_run run;

	check_pinned(w, 0);
	assert_int_equal(ioas_backings_chunks(&mt.b), 0);
	assert_false(ioas_flat_domain_next(w->domain, 0, &run));
}

static ioas_pfn_t domain_frame(struct world *w, ioas_iova_t iova)
{
	struct ioas_flat_run run;

	assert_true(ioas_flat_domain_find(w->domain, iova, &run));
	return (run.addr + (iova - run.iova)) >> page_lg2;
}

static int rw(struct world *w, ioas_iova_t iova, void *buffer, uint64_t length,
	      bool write)
{
	return ioas_access_rw(w->access, iova, buffer, length,
			      write ? IOAS_ACCESS_WRITE : 0);
}

/* ---- cases -------------------------------------------------------------- */

/* R1: what a device writes is what the client reads, and the other way. */
static void devices_and_the_client_see_the_same_bytes(void **state)
{
	const int fd = memfd(4);
	char *own = map_private(4), *shared = map_shared(fd, 0, 4);
	struct ioas_origin *file = NULL;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(map_memory(&w, own, 4, RW, IOVA), 0);
	check_pinned(&w, 0);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	check_pinned(&w, 4);
	assert_int_equal(map_memory(&w, shared, 4, RW, 2 * IOVA), 0);
	assert_int_equal(map(&w, file, 0, 4, RW, 3 * IOVA), 0);
	check_pinned(&w, 12);
	for (unsigned int i = 0; i < 4; i++) {
		const uint64_t at = i * page_size;

		own[at] = (char)(10 + i);
		shared[at] = (char)(20 + i);
		assert_int_equal(frame_get(domain_frame(&w, IOVA + at)),
				 10 + i);
		assert_int_equal(frame_get(domain_frame(&w, 2 * IOVA + at)),
				 20 + i);
		/* One page of a file is one frame, however it is mapped. */
		assert_int_equal(domain_frame(&w, 2 * IOVA + at),
				 domain_frame(&w, 3 * IOVA + at));
		assert_int_equal(frame_set(domain_frame(&w, IOVA + at), 30), 0);
		assert_int_equal(own[at], 30);
		assert_int_equal(frame_set(domain_frame(&w, 3 * IOVA + at), 31),
				 0);
		assert_int_equal(shared[at], 31);
	}
	unmap_iova(&w, IOVA, 4);
	check_pinned(&w, 8);
	unmap_iova(&w, 2 * IOVA, 4);
	unmap_iova(&w, 3 * IOVA, 4);
	check_empty(&w);
	ioas_iopt_detach(w.space, w.domain);
	ioas_origin_put(file);
	unmap(own, 4);
	unmap(shared, 4);
	close(fd);
	world_fini(&w);
}

static void without_a_domain_nothing_is_looked_at(void **state)
{
	char *hole = map_private(1);
	const int fd = open("/dev/zero", O_RDWR);
	struct ioas_origin *file = NULL;
	struct world w;

	(void)state;
	world_init(&w);
	unmap(hole, 1);
	assert_int_equal(map_memory(&w, hole, 1, RW, IOVA), 0);
	check_pinned(&w, 0);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), -EFAULT);
	check_empty(&w);
	unmap_iova(&w, IOVA, 1);
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(map(&w, file, 0, 1, RW, IOVA), 0);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), -EINVAL);
	check_empty(&w);
	unmap_iova(&w, IOVA, 1);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	assert_int_equal(map(&w, file, 0, 1, RW, IOVA), -EINVAL);
	assert_int_equal(map_memory(&w, hole, 1, RW, IOVA), -EFAULT);
	check_empty(&w);
	ioas_iopt_detach(w.space, w.domain);
	ioas_origin_put(file);
	close(fd);
	world_fini(&w);
}

/* The page that cannot be pinned is each in turn, in every size of window. */
static void a_bad_page_anywhere_undoes_the_map(void **state)
{
	const int fd = memfd(6);
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	for (unsigned int n = 0; n < 6 * 4; n++) {
		char *at = n & 1 ? map_private(6) : map_shared(fd, 0, 6);

		w.ctx.tuning.window_pages = n / 6 % 3;
		w.ctx.tuning.fill_runs = n / 6 == 3;
		assert_int_equal(
			mprotect(at + n % 6 * page_size, page_size, PROT_READ),
			0);
		assert_int_equal(map_memory(&w, at, 6, RW, IOVA), -EFAULT);
		check_empty(&w);
		assert_int_equal(map_memory(&w, at, 6, IOAS_PROT_READ, IOVA),
				 0);
		check_pinned(&w, 6);
		unmap_iova(&w, IOVA, 6);
		check_empty(&w);
		unmap(at, 6);
	}
	ioas_iopt_detach(w.space, w.domain);
	close(fd);
	world_fini(&w);
}

static void the_limit_is_enomem_and_a_bad_page_wins(void **state)
{
	char *at = map_private(8);
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	for (uint64_t limit = 0; limit < 10; limit++) {
		const int expected = limit < 8 ? -ENOMEM : 0;

		atomic_store(&w.principal->limit, limit);
		assert_int_equal(map_memory(&w, at, 8, RW, IOVA), expected);
		if (!expected) {
			check_pinned(&w, 8);
			unmap_iova(&w, IOVA, 8);
		}
		check_empty(&w);
	}
	atomic_store(&w.principal->limit, 1);
	assert_int_equal(mprotect(at + 7 * page_size, page_size, PROT_NONE), 0);
	assert_int_equal(map_memory(&w, at, 8, RW, IOVA), -EFAULT);
	check_empty(&w);
	ioas_iopt_detach(w.space, w.domain);
	unmap(at, 8);
	world_fini(&w);
}

/* R8; every offset and length around a border of pages, by both ways. */
static void reads_and_writes_are_the_same_on_both_ways(void **state)
{
	const int fd = memfd(3);
	char *maps[2] = { map_private(3), map_shared(fd, 0, 3) };
	const uint64_t border = page_size;
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned int k = 0; k < 4; k++) {
		char *at = maps[k & 1], out[24], in[24];

		w.ctx.tuning.slow_copy = k & 2;
		assert_int_equal(map_memory(&w, at, 3, RW, IOVA), 0);
		for (uint64_t back = 0; back <= 12; back++)
			for (uint64_t n = 1; n <= 24; n += 3) {
				memset(at + border - 16, '.', 48);
				memset(out, 'w', sizeof(out));
				memset(in, 'i', sizeof(in));
				assert_int_equal(rw(&w, IOVA + border - back,
						    out, n, true),
						 0);
				assert_int_equal(at[border - back - 1], '.');
				assert_memory_equal(at + border - back, out, n);
				assert_int_equal(at[border - back + n], '.');
				assert_int_equal(rw(&w, IOVA + border - back,
						    in, n, false),
						 0);
				assert_memory_equal(in, out, n);
			}
		check_empty(&w);
		unmap_iova(&w, IOVA, 3);
	}
	unmap(maps[0], 3);
	unmap(maps[1], 3);
	close(fd);
	world_fini(&w);
}

static void copies_from_what_is_gone_are_efault(void **state)
{
	const int fd = memfd(3);
	struct world w;

	(void)state;
	world_init(&w);
	for (unsigned int k = 0; k < 4; k++) {
		char *at = k & 1 ? map_private(3) : map_shared(fd, 0, 3);
		char *buffer = malloc(3 * page_size);

		assert_non_null(buffer);
		memset(buffer, 'b', 3 * page_size);
		memset(at, 'm', 3 * page_size);
		w.ctx.tuning.slow_copy = k & 2;
		assert_int_equal(map_memory(&w, at, 3, RW, IOVA), 0);
		unmap(at + 2 * page_size, 1);
		assert_int_equal(rw(&w, IOVA, buffer, 3 * page_size, false),
				 -EFAULT);
		/* The slow way fails when it pins, before it copies. */
		assert_int_equal(buffer[0], k & 2 ? 'b' : 'm');
		assert_int_equal(buffer[2 * page_size - 1], k & 2 ? 'b' : 'm');
		assert_int_equal(buffer[2 * page_size], 'b');
		assert_int_equal(rw(&w, IOVA + 2 * page_size, buffer, 1, true),
				 -EFAULT);
		unmap_iova(&w, IOVA, 3);
		free(buffer);
		unmap(at, 2);
	}
	close(fd);
	world_fini(&w);
}

/* Held by a domain: the slow way goes by the frames, not by the address. */
static void held_shared_memory_is_read_after_the_client_unmapped(void **state)
{
	const int fd = memfd(2);
	char *at = map_shared(fd, 0, 2), *own = map_private(2);
	struct world w;
	char byte = 0;

	(void)state;
	world_init(&w);
	w.ctx.tuning.slow_copy = true;
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	assert_int_equal(map_memory(&w, at, 2, RW, IOVA), 0);
	assert_int_equal(map_memory(&w, own, 2, RW, 2 * IOVA), 0);
	at[page_size] = 's';
	unmap(at, 2);
	unmap(own, 2);
	assert_int_equal(rw(&w, IOVA + page_size, &byte, 1, false), 0);
	assert_int_equal(byte, 's');
	assert_int_equal(rw(&w, 2 * IOVA, &byte, 1, false), -EFAULT);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(rw(&w, IOVA + page_size, &byte, 1, false), -EFAULT);
	assert_int_equal(rw(&w, IOVA + page_size, &byte, 1, true), -EFAULT);
	unmap_iova(&w, IOVA, 2);
	unmap_iova(&w, 2 * IOVA, 2);
	check_empty(&w);
	ioas_iopt_detach(w.space, w.domain);
	close(fd);
	world_fini(&w);
}

static void clients_pin_the_frames_that_domains_have(void **state)
{
	char *at = map_private(4);
	struct ioas_run runs[4];
	struct ioas_run_list list = { .runs = runs, .max = 4 };
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(map_memory(&w, at, 4, RW, IOVA), 0);
	assert_int_equal(ioas_access_pin(w.access, IOVA + page_size,
					 2 * page_size, IOAS_ACCESS_WRITE,
					 &list),
			 0);
	check_pinned(&w, 2);
	assert_int_equal(list.nr, 1);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	check_pinned(&w, 4);
	assert_int_equal(domain_frame(&w, IOVA + page_size), runs[0].pfn);
	ioas_iopt_detach(w.space, w.domain);
	check_pinned(&w, 2);
	ioas_access_unpin(w.access, IOVA + page_size, 2 * page_size);
	check_empty(&w);
	unmap_iova(&w, IOVA, 4);
	unmap(at, 4);
	world_fini(&w);
}

static void only_files_move_to_another_process(void **state)
{
	const int fd = memfd(2);
	char *at = map_private(1);
	struct ioas_origin *file = NULL;
	struct world w;

	(void)state;
	world_init(&w);
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(map(&w, file, 0, 2, RW, IOVA), 0);
	assert_int_equal(ioas_context_change_process(&w.ctx), 0);
	assert_int_equal(map_memory(&w, at, 1, RW, 2 * IOVA), 0);
	assert_int_equal(ioas_context_change_process(&w.ctx), -EINVAL);
	unmap_iova(&w, 2 * IOVA, 1);
	unmap_iova(&w, IOVA, 2);
	ioas_origin_put(file);
	unmap(at, 1);
	close(fd);
	world_fini(&w);
}

/* One attempt at everything; 0 or the first error, and then it is undone. */
static int scenario(struct world *w, const char *own, const char *shared)
{
	char byte = 'x';
	int ret = map_memory(w, own, 3, RW, IOVA);

	if (ret)
		return ret;
	ret = map_memory(w, shared, 3, RW, 2 * IOVA);
	if (ret)
		goto out_own;
	ret = ioas_iopt_attach(w->space, w->domain);
	if (ret)
		goto out_shared;
	ret = rw(w, 2 * IOVA, &byte, 1, true);
	if (!ret)
		ret = rw(w, IOVA, &byte, 1, false);
	ioas_iopt_detach(w->space, w->domain);
out_shared:
	unmap_iova(w, 2 * IOVA, 3);
out_own:
	unmap_iova(w, IOVA, 3);
	return ret;
}

static void every_fault_point_undoes_everything(void **state)
{
	const int fd = memfd(3);
	char *own = map_private(3), *shared = map_shared(fd, 0, 3);

	(void)state;
	for (unsigned int slow = 0; slow < 2; slow++) {
		unsigned int copies = 0, pins = 0;
		struct world w;
		uint64_t nth;
		int ret = -1;

		world_init(&w);
		w.ctx.tuning.slow_copy = slow;
		/* Memory that frame space and domain keep is there then. */
		assert_int_equal(scenario(&w, own, shared), 0);
		for (nth = 1; ret; nth++) {
			struct ioas_fault fault = { .nth = nth };

			ioas_fault_arm(&fault);
			w.caller.fault = &fault;
			ret = scenario(&w, own, shared);
			w.caller.fault = NULL;
			ioas_fault_disarm();
			assert_true(!ret || ret == -ENOMEM || ret == -EFAULT);
			pins += ret && fault.failed == IOAS_FP_PIN;
			copies += ret && fault.failed == IOAS_FP_COPY;
			check_empty(&w);
		}
		assert_true(nth > 10);
		assert_int_equal(pins, 2);
		assert_int_equal(copies, 2);
		world_fini(&w);
	}
	unmap(own, 3);
	unmap(shared, 3);
	close(fd);
}

/* R11 */
static void five_thousand_maps_leave_nothing(void **state)
{
	const int fd = memfd(2);
	char *own = map_private(2), *shared = map_shared(fd, 0, 2);
	struct ioas_origin *file = NULL;
	unsigned int fds, maps;
	struct world w;
	size_t blocks;

	(void)state;
	world_init(&w);
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(ioas_iopt_attach(w.space, w.domain), 0);
	fds = fds_now();
	maps = shared_now();
	blocks = blocks_now();
	for (unsigned int i = 0; i < 5000; i++) {
		assert_int_equal(map_memory(&w, own, 2, RW, IOVA), 0);
		assert_int_equal(map_memory(&w, shared, 2, RW, 2 * IOVA), 0);
		assert_int_equal(map(&w, file, 0, 2, RW, 3 * IOVA), 0);
		unmap_iova(&w, IOVA, 2);
		unmap_iova(&w, 2 * IOVA, 2);
		unmap_iova(&w, 3 * IOVA, 2);
	}
	check_empty(&w);
	assert_int_equal(fds_now(), fds);
	assert_int_equal(shared_now(), maps);
	/* The domain and the frame space keep what they use again. */
	assert_true(blocks_now() <= blocks + 16);
	ioas_iopt_detach(w.space, w.domain);
	ioas_origin_put(file);
	unmap(own, 2);
	unmap(shared, 2);
	close(fd);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		memory_case(devices_and_the_client_see_the_same_bytes),
		memory_case(without_a_domain_nothing_is_looked_at),
		memory_case(a_bad_page_anywhere_undoes_the_map),
		memory_case(the_limit_is_enomem_and_a_bad_page_wins),
		memory_case(reads_and_writes_are_the_same_on_both_ways),
		memory_case(copies_from_what_is_gone_are_efault),
		memory_case(
			held_shared_memory_is_read_after_the_client_unmapped),
		memory_case(clients_pin_the_frames_that_domains_have),
		memory_case(only_files_move_to_another_process),
		memory_case(every_fault_point_undoes_everything),
		memory_case(five_thousand_maps_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
