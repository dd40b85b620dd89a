/* SPDX-License-Identifier: MIT */
/*
 * crowd local: the host is this very process, with its memory
 *
 * A second "process" is one in accounting only. There is never a hole where
 * memory was: somebody else's mapping would come to lie in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/account.h"
#include "crowd.h"
#include "host/local.h"

#define LOCK_LIMIT (192 * PAGE)

static struct ioas_local *l;
static struct ioas_local_process *other;
static char *memory;
static int file;

/* Again, in place of what is there. */
static void place(unsigned int first, unsigned int nr, int prot, int flags,
		  int fd, unsigned int page)
{
	char *at = memory + first * PAGE;

	if (mmap(at, nr * PAGE, prot, flags | MAP_FIXED, fd,
		 (off_t)page * PAGE) != at)
		crowd_wrong(NULL, "mmap", errno);
}

static void memory_create(void)
{
	const int rw = PROT_READ | PROT_WRITE;

	/* A page more, which nothing can be read from. */
	memory = mmap(NULL, (PAGES_ALL + 1) * PAGE, PROT_NONE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	file = memfd_create("crowd", MFD_CLOEXEC);
	assert_true(file >= 0);
	assert_int_equal(ftruncate(file, PAGES_FILE * PAGE), 0);
	place(0, PAGES_ANY, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	place(PAGES_ANY, PAGES_RUN, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	place(PAGES_ANY + PAGES_RUN, PAGES_READ_ONLY, PROT_READ, MAP_SHARED,
	      file, 0);
}

static void *local_create(uint64_t seed, unsigned int threads)
{
	const struct ioas_local_rights rights = {
		.lock_unlimited = IOAS_LOCAL_NO,
		.resource = IOAS_LOCAL_YES,
		.own_limit = true,
		.lock_limit = LOCK_LIMIT,
	};
	const struct ioas_local_options opts = { .test_abi = true,
						 .rights = rights };

	(void)seed;
	(void)threads;
	memory_create();
	assert_int_equal(ioas_local_create(&opts, &l), 0);
	assert_int_equal(ioas_local_process_create(l, &rights, true, &other),
			 0);
	return l;
}

static void local_destroy(void)
{
	uint64_t pinned;

	/* Closed one by one, so that what is left afterwards shows. */
	for (int fd = 0; fd < 1024; fd++)
		(void)ioas_local_close(l, fd);
	pinned = ioas_local_pinned(l);
	assert_int_equal(pinned, 0);
	assert_true(ioas_list_empty(&ioas_local_uapi(l)->contexts));
	for (unsigned int i = 0; i < 2; i++) {
		const struct ioas_principal *p =
			ioas_local_principal(l, i ? other : NULL);

		assert_int_equal(atomic_load(&p->user->charged), 0);
		assert_int_equal(atomic_load(&p->mm->charged), 0);
		assert_int_equal(atomic_load(&p->mm->pinned), 0);
	}
	ioas_local_destroy(l);
	munmap(memory, (PAGES_ALL + 1) * PAGE);
	close(file);
}

static void local_enter(const struct actor *a)
{
	ioas_local_process_enter(l, a->index % 2 ? other : NULL);
}

static void local_leave(void)
{
	ioas_local_process_enter(l, NULL);
}

static struct ioas_uapi *local_uapi(void)
{
	return ioas_local_uapi(l);
}

static void local_validate(void)
{
}

static int local_open(unsigned int flags)
{
	return ioas_local_open(l, flags, 0);
}

/* There is one process only. */
static int local_send(const struct actor *a, int fd, unsigned int process)
{
	crowd_wrong(a, "send", fd);
	return (int)process;
}

static void local_close_there(const struct actor *a, int fd,
			      unsigned int process)
{
	(void)process;
	crowd_wrong(a, "close there", fd);
}

static uint64_t local_memory(const struct actor *a)
{
	(void)a;
	return (uintptr_t)memory;
}

static int local_file_of(const struct actor *a)
{
	(void)a;
	return file;
}

static void local_meddle(struct actor *a)
{
	const int rw = PROT_READ | PROT_WRITE;
	const unsigned int first = below(a, PAGES_ANY - 4);
	const unsigned int nr = 1 + below(a, 4);

	switch (below(a, 8)) {
	case 0:
		place(first, nr, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case 1:
		place(first, nr, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		break;
	case 2:
		place(first, nr, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		break;
	case 3:
		place(first, nr, rw, below(a, 2) ? MAP_SHARED : MAP_PRIVATE,
		      file, below(a, PAGES_FILE - nr));
		break;
	case 4:
		(void)ftruncate(file, (off_t)below(a, PAGES_FILE + 1) * PAGE);
		break;
	case 5:
		(void)ftruncate(file, PAGES_FILE * PAGE);
		break;
	default:
		place(first, nr, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
}

static void local_fault(const struct actor *a, struct ioas_fault *f)
{
	(void)a;
	ioas_local_set_fault(l, f);
}

static void *local_region_map(const struct actor *a, int fd, uint64_t offset,
			      uint64_t length, int *ret)
{
	void *at = NULL;

	(void)a;
	*ret = ioas_local_mmap(l, fd, NULL, length, PROT_READ, MAP_SHARED,
			       offset, &at);
	return at;
}

static void local_region_unmap(void *region)
{
	if (ioas_local_munmap(l, region, 2 * PAGE))
		crowd_wrong(NULL, "munmap", 0);
}

const struct crowd_host crowd_local = {
	.name = "local",
	.transport = &uc_local,
	.nr_processes = 1,
	.create = local_create,
	.destroy = local_destroy,
	.enter = local_enter,
	.leave = local_leave,
	.uapi = local_uapi,
	.validate = local_validate,
	.open = local_open,
	.send = local_send,
	.close_there = local_close_there,
	.memory = local_memory,
	.file = local_file_of,
	.meddle = local_meddle,
	.fault = local_fault,
	.region_map = local_region_map,
	.region_unmap = local_region_unmap,
};
