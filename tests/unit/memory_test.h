/* SPDX-License-Identifier: MIT */
/*
 * memory_test: what the tests of the memory of clients share
 *
 * Every case ends with as many blocks of memory, descriptors and shared
 * mappings as it began with, nothing pinned and no chunk left. Included after
 * cmocka.h.
 */
#ifndef TESTS_UNIT_MEMORY_TEST_H
#define TESTS_UNIT_MEMORY_TEST_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "origin/backing.h"
#include "plat/posix/memory.h"
#include "seam/fault.h"

#define MAX_RUNS 64u

struct memory_test {
	struct ioas_frames fs;
	struct ioas_backings b;
	size_t blocks;
	unsigned int fds;
	unsigned int shared;
};

static struct memory_test mt;

/* Bytes of a page; a variable, because the machine has its own. */
static size_t page_size;
static uint8_t page_lg2;

static inline size_t blocks_now(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

static inline unsigned int fds_now(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int nr = 0;

	assert_non_null(d);
	while (readdir(d))
		nr++;
	closedir(d);
	return nr;
}

/* Shared mappings of this process: ours and the case's, but not a tool's. */
static inline unsigned int shared_now(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned int nr = 0;
	char line[8192];

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char perms[5];

		if (sscanf(line, "%*x-%*x %4s", perms) == 1)
			nr += perms[3] == 's';
	}
	fclose(f);
	return nr;
}

static inline int case_begin(void **state)
{
	(void)state;
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	page_lg2 = (uint8_t)ioas_log2(page_size);
	mt.blocks = blocks_now();
	mt.fds = fds_now();
	mt.shared = shared_now();
	if (ioas_frames_init(&mt.fs, page_lg2) ||
	    ioas_backings_init(&mt.b, &mt.fs))
		return -1;
	return 0;
}

static inline int case_end(void **state)
{
	(void)state;
	if (ioas_backings_pinned(&mt.b) || ioas_backings_chunks(&mt.b)) {
		print_error("%llu pages pinned, %llu chunks\n",
			    (unsigned long long)ioas_backings_pinned(&mt.b),
			    (unsigned long long)ioas_backings_chunks(&mt.b));
		return -1;
	}
	ioas_backings_fini(&mt.b);
	ioas_frames_fini(&mt.fs);
	if (blocks_now() != mt.blocks || fds_now() != mt.fds ||
	    shared_now() != mt.shared) {
		print_error("%zu blocks, %u descriptors, %u shared; "
			    "before: %zu, %u, %u\n",
			    blocks_now(), fds_now(), shared_now(), mt.blocks,
			    mt.fds, mt.shared);
		return -1;
	}
	return 0;
}

#define memory_case(f) cmocka_unit_test_setup_teardown(f, case_begin, case_end)

/* ---- pins --------------------------------------------------------------- */

struct pin {
	struct ioas_run runs[MAX_RUNS];
	struct ioas_pin_request rq;
};

/* Pin by page; all that one call gives. */
static inline int pin_pages(struct ioas_origin *o, uint64_t first, uint64_t nr,
			    bool write, struct pin *p)
{
	memset(p, 0, sizeof(*p));
	p->rq = (struct ioas_pin_request){ .first = first,
					   .nr = nr,
					   .write = write,
					   .runs = p->runs,
					   .max_runs = MAX_RUNS };
	return o->ops->pin(o, &p->rq);
}

/* Pin by address. */
static inline int pin_at(struct ioas_origin *o, const void *at, uint64_t nr,
			 bool write, struct pin *p)
{
	return pin_pages(o, (uintptr_t)at >> page_lg2, nr, write, p);
}

static inline ioas_pfn_t pin_frame(const struct pin *p, uint64_t i)
{
	const struct ioas_run *r = p->runs;

	assert_true(i < p->rq.nr_pinned);
	while (i >= r->nr)
		i -= (r++)->nr;
	return r->pfn + i;
}

static inline void unpin_all(struct ioas_origin *o, const struct pin *p)
{
	for (uint32_t i = 0; i < p->rq.nr_runs; i++)
		o->ops->unpin(o, p->runs[i].pfn, p->runs[i].nr, p->rq.write);
}

/* What a device reads and writes: the first byte of a frame; -EFAULT. */
static inline int frame_get(ioas_pfn_t pfn)
{
	uint8_t byte;
	int ret = ioas_frames_copy(&mt.fs, pfn, 0, &byte, 1, false);

	return ret ? ret : byte;
}

static inline int frame_set(ioas_pfn_t pfn, uint8_t byte)
{
	return ioas_frames_copy(&mt.fs, pfn, 0, &byte, 1, true);
}

/* ---- memory of a client ------------------------------------------------- */

static inline char *map_at(void *at, size_t pages, int prot, int flags, int fd,
			   size_t page)
{
	char *p = mmap(at, pages * page_size, prot, flags, fd,
		       (off_t)(page * page_size));

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static inline char *map_private(size_t pages)
{
	return map_at(NULL, pages, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static inline char *map_shared(int fd, size_t page, size_t pages)
{
	return map_at(NULL, pages, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      page);
}

static inline void unmap(void *at, size_t pages)
{
	assert_int_equal(munmap(at, pages * page_size), 0);
}

static inline int memfd(size_t pages)
{
	int fd = memfd_create("memory_test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)(pages * page_size)), 0);
	return fd;
}

/* An unlinked file in @dir; -1: there is no such file system. */
static inline int file_in(const char *dir, size_t pages)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/ioas-test-XXXXXX", dir);
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	unlink(path);
	assert_int_equal(ftruncate(fd, (off_t)(pages * page_size)), 0);
	return fd;
}

#endif
