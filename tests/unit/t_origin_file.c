/* SPDX-License-Identifier: MIT */
/*
 * Memory that is a file: which files, which parts of them, the same frames as
 * through a mapping, and files that change behind a pin's back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/memfd.h>
#include <pthread.h>

#include "memory_test.h"
#include "origin/chunk.h"
#include "origin/file.h"
#include "origin/user.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

static struct ioas_origin *file_origin(int fd)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &o), 0);
	assert_int_equal(o->page_lg2, page_lg2);
	assert_int_equal(o->flags, IOAS_ORIGIN_FILE);
	return o;
}

static struct ioas_origin *user(void)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_origin_user_create(&mt.b, &o), 0);
	return o;
}

/* ---- which files -------------------------------------------------------- */

static void other_files_are_accepted_and_cannot_be_pinned(void **state)
{
	int pipes[2], fds[6];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	fds[0] = file_in("/var/tmp", 4);
	fds[1] = open("/dev/zero", O_RDWR);
	fds[2] = open("/dev/shm", O_RDONLY | O_DIRECTORY);
	fds[3] = open("/proc/self/maps", O_RDONLY);
	fds[4] = pipes[0];
	fds[5] = pipes[1];
	for (unsigned int i = 0; i < 6; i++) {
		struct ioas_origin *o;
		struct pin p;

		if (fds[i] < 0) {
			print_message("# skipped: no file %u\n", i);
			continue;
		}
		o = file_origin(fds[i]);
		assert_int_equal(pin_pages(o, 0, 1, false, &p), -EINVAL);
		assert_int_equal(pin_pages(o, 0, 1, true, &p), -EINVAL);
		ioas_origin_put(o);
		close(fds[i]);
	}
}

static void what_is_no_open_file_is_ebadf(void **state)
{
	const int path = open("/dev/shm", O_PATH);
	const int bad[] = { -1, -100, 1 << 20, path };
	struct ioas_origin *o = NULL;

	(void)state;
	assert_true(path >= 0);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(bad); i++)
		assert_int_equal(ioas_origin_file_create(&mt.b, bad[i], &o),
				 -EBADF);
	assert_null(o);
	close(path);
}

/* ---- which parts -------------------------------------------------------- */

static void pages_beyond_the_end_are_einval(void **state)
{
	const int fd = memfd(0);
	struct ioas_origin *o = file_origin(fd);

	(void)state;
	/* The last page counts if it is complete. */
	for (uint64_t size = 0; size <= 4 * page_size;
	     size += page_size / 4 - (size % page_size ? 0 : 1)) {
		const uint64_t pages = size / page_size;

		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		for (uint64_t first = 0; first < 6; first++)
			for (uint64_t nr = 1; nr < 6; nr++) {
				struct pin p;
				int ret = pin_pages(o, first, nr, nr & 1, &p);

				if (first >= pages) {
					assert_int_equal(ret, -EINVAL);
					continue;
				}
				assert_int_equal(ret, 0);
				assert_int_equal(p.rq.nr_pinned,
						 ioas_min(nr, pages - first));
				unpin_all(o, &p);
			}
	}
	for (uint64_t i = 0; i < 3; i++) {
		const uint64_t far[] = { UINT64_MAX >> page_lg2,
					 (uint64_t)1 << 51, UINT64_MAX };
		struct pin p;

		assert_int_equal(pin_pages(o, far[i], 1, true, &p), -EINVAL);
	}
	close(fd);
	ioas_origin_put(o);
}

static void holes_are_allocated_for_reading_as_well(void **state)
{
	(void)state;
	for (unsigned int write = 0; write < 2; write++) {
		const int fd = memfd(64);
		struct ioas_origin *o = file_origin(fd);
		struct stat st;
		struct pin p;

		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_blocks, 0);
		assert_int_equal(pin_pages(o, 7, 5, write, &p), 0);
		assert_int_equal(p.rq.nr_runs, 1);
		assert_int_equal(p.runs[0].nr, 5);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal((uint64_t)st.st_blocks * 512, 5 * page_size);
		assert_int_equal(frame_get(p.runs[0].pfn), 0);
		unpin_all(o, &p);
		close(fd);
		ioas_origin_put(o);
	}
}

/* A file of an exabyte, almost all of it a hole. */
static void pins_cross_the_border_of_a_chunk(void **state)
{
	const uint64_t pages = (uint64_t)1 << 48 >> page_lg2;
	const int fd = memfd(pages);
	struct ioas_origin *o = file_origin(fd);
	const uint64_t border[] = { IOAS_CHUNK_PAGES, 5 * IOAS_CHUNK_PAGES,
				    pages - IOAS_CHUNK_PAGES };

	(void)state;
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(border); i++)
		for (uint64_t before = 0; before < 3; before++) {
			uint8_t buffer[3] = { 1, 2, 3 }, back[3] = { 0 };
			struct pin p;

			assert_int_equal(
				pin_pages(o, border[i] - before, 3, true, &p),
				0);
			assert_int_equal(p.rq.nr_pinned, 3);
			assert_int_equal(ioas_backings_chunks(&mt.b),
					 before % 3 ? 2 : 1);
			for (uint64_t k = 0; k < 3; k++)
				assert_int_equal(
					frame_set(pin_frame(&p, k), buffer[k]),
					0);
			for (off_t k = 0; k < 3; k++)
				assert_int_equal(
					pread(fd, back + k, 1,
					      (off_t)(border[i] - before) *
							      (off_t)page_size +
						      k * (off_t)page_size),
					1);
			assert_memory_equal(buffer, back, 3);
			unpin_all(o, &p);
		}
	close(fd);
	ioas_origin_put(o);
}

/* One run that goes over two chunks, given back in every cut. */
static void unpins_come_in_any_cut(void **state)
{
	const int fd = memfd(2 * IOAS_CHUNK_PAGES);
	struct ioas_origin *o = file_origin(fd);

	(void)state;
	for (unsigned int cuts = 0; cuts < 8; cuts++) {
		ioas_pfn_t first;
		uint64_t nr = 1;
		struct pin p;

		assert_int_equal(
			pin_pages(o, IOAS_CHUNK_PAGES - 2, 4, true, &p), 0);
		/* New chunks have neighbouring numbers. */
		first = p.runs[0].pfn;
		assert_int_equal(p.rq.nr_runs, 1);
		for (unsigned int i = 0; i < 4; i++, nr++)
			if (i == 3 || cuts >> i & 1) {
				o->ops->unpin(o, first + i + 1 - nr, nr, true);
				assert_int_equal(ioas_backings_pinned(&mt.b),
						 3 - i);
				nr = 0;
			}
		assert_int_equal(ioas_backings_chunks(&mt.b), 0);
	}
	close(fd);
	ioas_origin_put(o);
}

/* ---- identity ----------------------------------------------------------- */

static void a_page_is_one_frame_as_file_and_as_memory(void **state)
{
	const int fd = memfd(8), copy = dup(fd);
	struct ioas_origin *file = file_origin(fd), *again = file_origin(copy),
			   *u = user();
	char *at = map_shared(fd, 3, 5);

	(void)state;
	close(copy);
	/* Whoever comes first, and in either access. */
	for (unsigned int n = 0; n < 8; n++) {
		struct pin p, q, r;

		assert_int_equal(n & 1 ? pin_pages(file, 3, 5, n & 2, &p) :
					 pin_at(u, at, 5, n & 2, &p),
				 0);
		assert_int_equal(n & 1 ? pin_at(u, at, 5, n & 4, &q) :
					 pin_pages(file, 3, 5, n & 4, &q),
				 0);
		assert_int_equal(pin_pages(again, 0, 8, true, &r), 0);
		assert_int_equal(p.runs[0].pfn, q.runs[0].pfn);
		assert_int_equal(r.runs[0].pfn + 3, q.runs[0].pfn);
		assert_int_equal(ioas_backings_pinned(&mt.b), 18);
		at[0] = (char)n;
		assert_int_equal(frame_get(q.runs[0].pfn), n);
		unpin_all(n & 1 ? file : u, &p);
		unpin_all(n & 1 ? u : file, &q);
		assert_int_equal(frame_set(r.runs[0].pfn + 3, 99), 0);
		assert_int_equal(at[0], 99);
		unpin_all(again, &r);
	}
	unmap(at, 5);
	close(fd);
	ioas_origin_put(file);
	ioas_origin_put(again);
	ioas_origin_put(u);
}

static void how_the_descriptor_was_opened_does_not_count(void **state)
{
	const int fd = memfd(1);
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (int mode = O_RDONLY; mode <= O_RDWR; mode++) {
		const int again = open(path, mode | O_CLOEXEC);
		struct ioas_origin *o = file_origin(again);

		close(again);
		for (unsigned int write = 0; write < 2; write++) {
			struct pin p;

			assert_int_equal(pin_pages(o, 0, 1, write, &p), 0);
			assert_true(frame_get(p.runs[0].pfn) >= 0);
			if (write)
				assert_int_equal(frame_set(p.runs[0].pfn, 3),
						 0);
			unpin_all(o, &p);
		}
		ioas_origin_put(o);
	}
	close(fd);
}

static void a_file_lives_as_long_as_its_origin_and_its_pins(void **state)
{
	const int fd = memfd(2);
	struct ioas_origin *o = file_origin(fd);
	struct pin p, q;

	(void)state;
	close(fd);
	assert_int_equal(pin_pages(o, 0, 2, true, &p), 0);
	assert_int_equal(frame_set(p.runs[0].pfn + 1, 'z'), 0);
	assert_int_equal(pin_pages(o, 1, 1, false, &q), 0);
	unpin_all(o, &p);
	assert_int_equal(frame_get(q.runs[0].pfn), 'z');
	unpin_all(o, &q);
	/* Unpinned, but not gone. */
	assert_int_equal(pin_pages(o, 1, 1, false, &q), 0);
	assert_int_equal(frame_get(q.runs[0].pfn), 'z');
	unpin_all(o, &q);
	ioas_origin_put(o);
}

/* ---- seals, and files that change --------------------------------------- */

static void a_memfd_that_cannot_shrink_has_pointers(void **state)
{
	const int fd = memfd(3);
	struct ioas_origin *o = file_origin(fd);
	struct pin p, q;
	uint64_t nr;
	char *at;

	(void)state;
	assert_int_equal(pin_pages(o, 0, 3, true, &p), 0);
	assert_null(o->ops->pointer(o, p.runs[0].pfn));
	/* From the next pin on. */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(pin_pages(o, 2, 1, true, &q), 0);
	at = o->ops->pointer(o, p.runs[0].pfn);
	assert_non_null(at);
	assert_ptr_equal(o->ops->pointer(o, q.runs[0].pfn), at + 2 * page_size);
	assert_ptr_equal(ioas_frames_run(&mt.fs, p.runs[0].pfn + 1, &nr),
			 at + page_size);
	at[page_size] = 'p';
	assert_int_equal(frame_get(p.runs[0].pfn + 1), 'p');
	assert_int_equal(ftruncate(fd, 0), -1);
	unpin_all(o, &p);
	unpin_all(o, &q);
	close(fd);
	ioas_origin_put(o);
}

/* A view that a mapping gave may begin behind the start of the file. */
static void pointers_are_right_whoever_made_the_view(void **state)
{
	const int fd = memfd(4);
	struct ioas_origin *o = file_origin(fd), *u = user();
	char *at = map_shared(fd, 2, 2), *p0;
	struct pin p, q;

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(pin_at(u, at, 1, true, &p), 0);
	assert_null(u->ops->pointer(u, p.runs[0].pfn));
	assert_int_equal(pin_pages(o, 2, 1, true, &q), 0);
	assert_null(o->ops->pointer(o, q.runs[0].pfn));
	unpin_all(o, &q);
	/* Now it needs a view of its own. */
	assert_int_equal(pin_pages(o, 1, 2, true, &q), 0);
	p0 = o->ops->pointer(o, q.runs[0].pfn);
	assert_non_null(p0);
	at[0] = 'v';
	assert_int_equal(p0[page_size], 'v');
	assert_ptr_equal(u->ops->pointer(u, p.runs[0].pfn), p0 + page_size);
	unpin_all(o, &q);
	unpin_all(u, &p);
	unmap(at, 2);
	close(fd);
	ioas_origin_put(o);
	ioas_origin_put(u);
}

static void a_memfd_that_cannot_be_written_is_efault_for_writing(void **state)
{
	const int fd = memfd(1);
	struct ioas_origin *o = file_origin(fd);
	struct pin p;

	(void)state;
	assert_int_equal(pwrite(fd, "k", 1, 0), 1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_int_equal(pin_pages(o, 0, 1, true, &p), -EFAULT);
	assert_int_equal(pin_pages(o, 0, 1, false, &p), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 'k');
	assert_int_equal(frame_set(p.runs[0].pfn, 'x'), -EFAULT);
	unpin_all(o, &p);
	close(fd);
	ioas_origin_put(o);
}

static void truncation_behind_a_pin_is_efault_and_no_signal(void **state)
{
	const int files[] = { memfd(4), file_in("/dev/shm", 4) };

	(void)state;
	for (unsigned int k = 0; k < 2; k++) {
		const int fd = files[k];
		struct ioas_origin *o;
		struct pin p, q;

		if (fd < 0)
			continue;
		o = file_origin(fd);
		assert_int_equal(pin_pages(o, 0, 4, true, &p), 0);
		for (unsigned int size = 4; size-- > 0;) {
			assert_int_equal(
				ftruncate(fd, (off_t)(size * page_size)), 0);
			for (unsigned int i = 0; i < 4; i++) {
				const int expected = i < size ? 0 : -EFAULT;

				assert_int_equal(frame_get(p.runs[0].pfn + i),
						 expected);
				assert_int_equal(
					frame_set(p.runs[0].pfn + i, 0),
					expected);
				assert_int_equal(pin_pages(o, i, 1, true, &q),
						 i < size ? 0 : -EINVAL);
				if (i < size)
					unpin_all(o, &q);
			}
		}
		assert_int_equal(ftruncate(fd, (off_t)(4 * page_size)), 0);
		for (unsigned int i = 0; i < 4; i++)
			assert_int_equal(frame_get(p.runs[0].pfn + i), 0);
		unpin_all(o, &p);
		close(fd);
		ioas_origin_put(o);
	}
}

static void pieces_end_where_the_file_does(void **state)
{
	const int fd = memfd(4), steady = memfd(2);
	struct ioas_origin *o = file_origin(fd), *s = file_origin(steady);
	char data[8] = "abcdefg", seen[5] = { 0 };
	struct pin p, q;
	uint64_t done;

	(void)state;
	assert_int_equal(fcntl(steady, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_int_equal(pin_pages(o, 0, 4, true, &p), 0);
	assert_int_equal(pin_pages(s, 0, 2, true, &q), 0);
	assert_non_null(s->ops->pointer(s, q.runs[0].pfn));
	assert_null(o->ops->pointer(o, p.runs[0].pfn));
	assert_int_equal(ftruncate(fd, (off_t)(2 * page_size)), 0);
	const struct ioas_frames_piece pieces[] = {
		{ p.runs[0].pfn + 1, 4, data, 1, false },
		{ q.runs[0].pfn, page_size - 1, data + 1, 2, false },
		{ p.runs[0].pfn, 8, data + 3, 1, false },
		{ p.runs[0].pfn + 1, page_size - 1, data + 4, 2, false },
		{ p.runs[0].pfn, 0, data + 6, 1, false },
	};

	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, pieces, 3, true,
						 &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, pieces, 5, true,
						 &done), -EFAULT);
	assert_int_equal(done, 5);
	assert_int_equal(pread(fd, seen, 1, (off_t)page_size + 4), 1);
	assert_int_equal(pread(steady, seen + 1, 2, (off_t)page_size - 1), 2);
	assert_int_equal(pread(fd, seen + 3, 1, 8), 1);
	assert_int_equal(pread(fd, seen + 4, 1, 2 * (off_t)page_size - 1), 1);
	assert_memory_equal(seen, "abcde", 5);
	assert_int_equal(frame_get(p.runs[0].pfn), 0);
	unpin_all(o, &p);
	unpin_all(s, &q);
	close(fd);
	close(steady);
	ioas_origin_put(o);
	ioas_origin_put(s);
}

/* ---- huge pages --------------------------------------------------------- */

/* A file of @nr huge pages, of which the pool has enough; -1. */
static int huge_file(size_t size, unsigned int nr)
{
	int fd = memfd_create("memory_test",
			      MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	void *at;

	if (fd < 0 || ftruncate(fd, (off_t)(nr * size)))
		goto err_close;
	/* Without MAP_NORESERVE this fails unless there are so many. */
	at = mmap(NULL, nr * size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		goto err_close;
	munmap(at, nr * size);
	return fd;

err_close:
	if (fd >= 0)
		close(fd);
	return -1;
}

static void huge_pages_are_runs_of_small_ones(void **state)
{
	const size_t size = (size_t)2 << 20;
	const uint64_t in_huge = size >> page_lg2;
	const int fd = huge_file(size, 2);
	struct ioas_origin *o, *u;
	struct pin p, q, r;
	struct stat st;
	char *at;

	(void)state;
	if (fd < 0) {
		print_message("# skipped: no pool of huge pages\n");
		return;
	}
	o = file_origin(fd);
	u = user();
	/* The middle of both; single pages of them; all of it. */
	assert_int_equal(pin_pages(o, in_huge - 1, 2, true, &p), 0);
	assert_int_equal(p.rq.nr_runs, 1);
	assert_int_equal(p.runs[0].nr, 2);
	assert_int_equal(pin_pages(o, 0, 2 * in_huge, true, &q), 0);
	assert_int_equal(q.runs[0].nr, 2 * in_huge);
	assert_int_equal(q.runs[0].pfn + in_huge - 1, p.runs[0].pfn);
	assert_int_equal(pin_pages(o, 2 * in_huge, 1, true, &r), -EINVAL);
	assert_null(o->ops->pointer(o, q.runs[0].pfn));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 2 * size);
	at = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(at, MAP_FAILED);
	at[size] = 'h';
	assert_int_equal(frame_get(p.runs[0].pfn + 1), 'h');
	/* The same through a mapping: its file is known already. */
	assert_int_equal(pin_at(u, at + size, 1, true, &r), 0);
	assert_int_equal(r.runs[0].pfn, p.runs[0].pfn + 1);
	unpin_all(u, &r);
	unpin_all(o, &q);
	unpin_all(o, &p);
	/* And alone: with privilege by its file, else by its address. */
	assert_int_equal(pin_at(u, at + size, in_huge, true, &r), 0);
	assert_int_equal(r.runs[0].nr, in_huge);
	assert_int_equal(frame_get(r.runs[0].pfn), 'h');
	unpin_all(u, &r);
	/* A file that grows is found to have grown. */
	assert_int_equal(pin_pages(o, 0, 1, true, &p), 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	assert_int_equal(pin_pages(o, in_huge, 1, true, &q), -EINVAL);
	assert_int_equal(ftruncate(fd, (off_t)(2 * size)), 0);
	assert_int_equal(pin_pages(o, in_huge, 1, true, &q), 0);
	assert_int_equal(frame_get(q.runs[0].pfn), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 0);
	unpin_all(o, &p);
	unpin_all(o, &q);
	munmap(at, 2 * size);
	close(fd);
	ioas_origin_put(o);
	ioas_origin_put(u);
}

/* ---- failures, many times, at once -------------------------------------- */

static void a_pin_that_fails_anywhere_leaves_nothing(void **state)
{
	const int fd = memfd(2);
	struct ioas_origin *o = file_origin(fd);
	uint64_t nth = 1;
	char byte = 'b';
	struct pin p;

	(void)state;
	for (;; nth++) {
		struct ioas_fault fault = { .nth = nth };
		struct ioas_caller caller = { .fault = &fault }, *old;
		int ret;

		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = pin_pages(o, 0, 2, true, &p);
		if (!ret) {
			fault.nth = 1;
			assert_int_equal(o->ops->copy_frame(o, p.runs[0].pfn, 0,
							    &byte, 1, true),
					 -EFAULT);
			assert_int_equal(fault.failed, IOAS_FP_COPY);
		}
		ioas_caller_leave(old);
		ioas_fault_disarm();
		if (!ret)
			break;
		assert_int_equal(ret, nth == 1 ? -EFAULT : -ENOMEM);
		assert_int_equal(ioas_backings_chunks(&mt.b), 0);
	}
	assert_true(nth > 3);
	assert_int_equal(frame_get(p.runs[0].pfn), 0);
	unpin_all(o, &p);
	close(fd);
	ioas_origin_put(o);
}

static void ten_thousand_origins_leave_nothing(void **state)
{
	const int fd = memfd(4);
	const unsigned int fds = fds_now(), shared = shared_now();

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		struct ioas_origin *o = file_origin(fd);
		struct pin p;

		assert_int_equal(pin_pages(o, i % 4, 4, i & 1, &p), 0);
		assert_true(p.runs[0].pfn + 3 <= mt.fs.ceiling);
		unpin_all(o, &p);
		ioas_origin_put(o);
	}
	assert_int_equal(fds_now(), fds);
	assert_int_equal(shared_now(), shared);
	close(fd);
}

struct race {
	struct ioas_origin *file;
	struct ioas_origin *user;
	char *at;
	unsigned int seed;
	unsigned int wrong;
};

/* Pins of one page from all sides agree on its frame while any is held. */
static void *race_pin(void *arg)
{
	struct race *r = arg;

	for (unsigned int i = 0; i < 1500; i++) {
		const uint64_t page = (i * 7 + r->seed) % 4;
		struct pin p, q;

		if (pin_pages(r->file, page, 1, i & 1, &p) ||
		    pin_at(r->user, r->at + page * page_size, 1, i & 2, &q)) {
			r->wrong++;
			return NULL;
		}
		r->wrong += p.runs[0].pfn != q.runs[0].pfn;
		r->wrong += frame_get(q.runs[0].pfn) != (int)page + 1;
		unpin_all(r->file, &p);
		r->wrong += frame_get(q.runs[0].pfn) != (int)page + 1;
		unpin_all(r->user, &q);
	}
	return NULL;
}

static void chunks_come_and_go_under_threads(void **state)
{
	const int fd = memfd(4);
	struct ioas_origin *file = file_origin(fd), *u = user();
	char *at = map_shared(fd, 0, 4);
	struct race r[4];
	pthread_t threads[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		at[i * page_size] = (char)(i + 1);
	for (unsigned int i = 0; i < 4; i++) {
		r[i] = (struct race){ file, u, at, i, 0 };
		assert_int_equal(
			pthread_create(&threads[i], NULL, race_pin, &r[i]), 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(r[i].wrong, 0);
	}
	unmap(at, 4);
	close(fd);
	ioas_origin_put(file);
	ioas_origin_put(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		memory_case(other_files_are_accepted_and_cannot_be_pinned),
		memory_case(what_is_no_open_file_is_ebadf),
		memory_case(pages_beyond_the_end_are_einval),
		memory_case(holes_are_allocated_for_reading_as_well),
		memory_case(pins_cross_the_border_of_a_chunk),
		memory_case(unpins_come_in_any_cut),
		memory_case(a_page_is_one_frame_as_file_and_as_memory),
		memory_case(how_the_descriptor_was_opened_does_not_count),
		memory_case(a_file_lives_as_long_as_its_origin_and_its_pins),
		memory_case(a_memfd_that_cannot_shrink_has_pointers),
		memory_case(pointers_are_right_whoever_made_the_view),
		memory_case(
			a_memfd_that_cannot_be_written_is_efault_for_writing),
		memory_case(truncation_behind_a_pin_is_efault_and_no_signal),
		memory_case(pieces_end_where_the_file_does),
		memory_case(huge_pages_are_runs_of_small_ones),
		memory_case(a_pin_that_fails_anywhere_leaves_nothing),
		memory_case(ten_thousand_origins_leave_nothing),
		memory_case(chunks_come_and_go_under_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
