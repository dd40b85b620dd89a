/* SPDX-License-Identifier: MIT */
/*
 * What the origins of client memory share: life of the registry, mappings that
 * cannot be duplicated or are not what they were, file systems, lack of
 * descriptors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "memory_test.h"
#include "origin/chunk.h"
#include "origin/file.h"
#include "origin/user.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

static struct ioas_origin *user(void)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_origin_user_create(&mt.b, &o), 0);
	return o;
}

static void the_page_size_is_the_machines(void **state)
{
	struct ioas_frames fs;
	struct ioas_backings b;

	(void)state;
	for (uint8_t lg2 = 8; lg2 <= 20; lg2++) {
		assert_int_equal(ioas_frames_init(&fs, lg2), 0);
		assert_int_equal(ioas_backings_init(&b, &fs),
				 lg2 == page_lg2 ? 0 : -EINVAL);
		if (lg2 == page_lg2)
			ioas_backings_fini(&b);
		ioas_frames_fini(&fs);
	}
	memset(&b, 0, sizeof(b));
	ioas_backings_fini(&b);
}

static void every_fault_point_of_init_is_undone(void **state)
{
	struct ioas_frames fs;
	uint64_t nth;
	int ret = -1;

	(void)state;
	assert_int_equal(ioas_frames_init(&fs, page_lg2), 0);
	for (nth = 1; ret; nth++) {
		struct ioas_fault fault = { .nth = nth };
		struct ioas_caller caller = { .fault = &fault }, *old;
		const unsigned int fds = fds_now();
		struct ioas_backings b;

		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = ioas_backings_init(&b, &fs);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		assert_true(!ret || ret == -ENOMEM);
		if (!ret)
			ioas_backings_fini(&b);
		assert_int_equal(fds_now(), fds);
	}
	assert_true(nth > 2);
	ioas_frames_fini(&fs);
}

static void without_descriptors_it_is_enomem(void **state)
{
	const int fd = memfd(1);
	struct ioas_origin *o = user(), *file = NULL;
	struct rlimit before, none;
	enum ioas_mount_kind kind;
	struct ioas_backings b;
	struct ioas_vmas text = { .text = true };
	struct ioas_vma vma;
	char *at = map_private(1);
	struct pin p;
	int ret[4];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	ret[0] = ioas_backings_init(&b, &mt.fs);
	ret[1] = ioas_origin_file_create(&mt.b, fd, &file);
	ret[2] = ioas_mount_find(1, &kind);
	ret[3] = ioas_vma_find(&text, (uintptr_t)at, &vma);
	/* What is open serves on. */
	assert_int_equal(pin_at(o, at, 1, true, &p), 0);
	unpin_all(o, &p);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(ret[i], -ENOMEM);
	assert_null(file);
	unmap(at, 1);
	close(fd);
	ioas_origin_put(o);
}

static void file_systems_are_told_apart(void **state)
{
	static const struct {
		const char *path;
		uint32_t magic;
		enum ioas_mount_kind kind;
	} rows[] = {
		{ "/proc", PROC_SUPER_MAGIC, IOAS_MOUNT_OTHER },
		{ "/sys", SYSFS_MAGIC, IOAS_MOUNT_OTHER },
		{ "/dev/shm", TMPFS_MAGIC, IOAS_MOUNT_MEMORY },
		{ "/", EXT4_SUPER_MAGIC, IOAS_MOUNT_STORAGE },
		{ "/", XFS_SUPER_MAGIC, IOAS_MOUNT_STORAGE },
		{ "/", OVERLAYFS_SUPER_MAGIC, IOAS_MOUNT_STORAGE },
	};
	enum ioas_mount_kind kind = IOAS_MOUNT_STORAGE;
	unsigned int checked = 0;

	(void)state;
	assert_int_equal(ioas_mount_find(UINT64_MAX, &kind), 0);
	assert_int_equal(kind, IOAS_MOUNT_OTHER);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		struct statfs sfs;
		struct stat st;

		if (statfs(rows[i].path, &sfs) || stat(rows[i].path, &st) ||
		    (uint32_t)sfs.f_type != rows[i].magic)
			continue;
		assert_int_equal(ioas_mount_find(ioas_vma_dev(major(st.st_dev),
							      minor(st.st_dev)),
						 &kind),
				 0);
		assert_int_equal(kind, rows[i].kind);
		checked++;
	}
	assert_true(checked > 0);
}

/* A chunk that is there tells that its file is memory. */
static void a_mounted_tmpfs_is_known_by_the_file(void **state)
{
	const int fd = file_in("/dev/shm", 4);
	struct ioas_origin *o = user(), *file = NULL;
	struct pin p, q, r;
	char *a, *b;

	(void)state;
	if (fd < 0) {
		print_message("# skipped: no /dev/shm\n");
		ioas_origin_put(o);
		return;
	}
	a = map_shared(fd, 0, 4);
	b = map_shared(fd, 1, 3);
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(pin_at(o, a, 4, true, &p), 0);
	assert_int_equal(pin_at(o, b, 3, false, &q), 0);
	assert_int_equal(pin_pages(file, 2, 1, true, &r), 0);
	assert_int_equal(q.runs[0].pfn, p.runs[0].pfn + 1);
	assert_int_equal(r.runs[0].pfn, p.runs[0].pfn + 2);
	/* Not a memfd: nothing seals it, so it has no pointer. */
	assert_null(ioas_frames_pointer(&mt.fs, r.runs[0].pfn));
	unpin_all(o, &p);
	unpin_all(o, &q);
	unpin_all(file, &r);
	unmap(a, 4);
	unmap(b, 3);
	close(fd);
	ioas_origin_put(file);
	ioas_origin_put(o);
}

/* ---- the client changes a mapping between our look and our use ---------- */

/* How far the device number is off. */
static uint64_t claimed_dev;

/* Pin by what is said to be mapped at @at: page @page of @fd. */
static int pin_claimed(int fd, const void *at, uint64_t page, bool write,
		       struct pin *p)
{
	struct ioas_chunk_source src = { .fd = -1 };
	struct ioas_vma vma;
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	src.dev =
		ioas_vma_dev(major(st.st_dev), minor(st.st_dev)) + claimed_dev;
	src.ino = st.st_ino;
	src.vma = &vma;
	vma = (struct ioas_vma){
		.start = (uintptr_t)at,
		.last = (uintptr_t)at + page_size - 1,
		.offset = page * page_size,
		.dev = src.dev,
		.ino = src.ino,
		.flags = IOAS_VMA_READ | IOAS_VMA_WRITE | IOAS_VMA_SHARED,
	};
	memset(p, 0, sizeof(*p));
	p->rq = (struct ioas_pin_request){
		.nr = 1, .write = write, .runs = p->runs, .max_runs = MAX_RUNS
	};
	return ioas_backings_pin_file(&mt.b, &src, page, 1, &p->rq);
}

static void a_mapping_that_is_another_by_now_is_refused(void **state)
{
	const int fd = memfd(4), other = memfd(4);
	char *good = map_shared(fd, 1, 1), *wrong = map_shared(other, 1, 1),
	     *weak = map_at(NULL, 1, PROT_READ, MAP_SHARED, fd, 1),
	     *own = map_private(1), *hole = map_private(1);
	struct pin p;

	(void)state;
	unmap(hole, 1);
	/* Another file or page of it, less access, not shared, nothing. */
	assert_int_equal(pin_claimed(fd, wrong, 1, true, &p), -EFAULT);
	assert_int_equal(pin_claimed(fd, good, 2, true, &p), -EFAULT);
	assert_int_equal(pin_claimed(fd, weak, 1, true, &p), -EFAULT);
	assert_int_equal(pin_claimed(fd, own, 1, true, &p), -EOPNOTSUPP);
	assert_int_equal(pin_claimed(fd, hole, 1, true, &p), -EOPNOTSUPP);
	assert_int_equal(ioas_backings_chunks(&mt.b), 0);
	/* The number of its inode, but on another file system. */
	claimed_dev++;
	assert_int_equal(pin_claimed(fd, good, 1, true, &p), -EFAULT);
	claimed_dev--;
	/* The same claims where they are true. */
	assert_int_equal(pin_claimed(fd, weak, 1, false, &p), 0);
	ioas_backings_unpin(&mt.b, p.runs[0].pfn, 1);
	assert_int_equal(pin_claimed(fd, good, 1, true, &p), 0);
	ioas_backings_unpin(&mt.b, p.runs[0].pfn, 1);
	unmap(good, 1);
	unmap(wrong, 1);
	unmap(weak, 1);
	unmap(own, 1);
	close(fd);
	close(other);
}

static void a_hole_that_was_memory_when_we_looked_is_efault(void **state)
{
	char *at = map_private(2);
	struct pin p;

	(void)state;
	unmap(at, 2);
	memset(&p, 0, sizeof(p));
	p.rq = (struct ioas_pin_request){ .runs = p.runs, .max_runs = 1 };
	assert_int_equal(
		ioas_vspace_pin_address(&mt.b.self, NULL, (uintptr_t)at, 2,
					&p.rq),
		-EFAULT);
	assert_int_equal(p.rq.nr_pinned, 0);
}

/* More files and more chunks of one than the table has slots. */
static void files_and_chunks_are_not_mixed_up(void **state)
{
	const uint64_t gap = IOAS_CHUNK_PAGES * 64;
	const unsigned int nr = 2 * IOAS_BACKINGS_SLOTS + 3;
	const int big = memfd(gap * nr);
	struct ioas_origin *files[2 * IOAS_BACKINGS_SLOTS + 3], *o = NULL;
	struct pin far[2 * IOAS_BACKINGS_SLOTS + 3], p;
	ioas_pfn_t near[2 * IOAS_BACKINGS_SLOTS + 3];

	(void)state;
	assert_int_equal(ioas_origin_file_create(&mt.b, big, &o), 0);
	for (unsigned int i = 0; i < nr; i++) {
		const int fd = memfd(1);

		assert_int_equal(ioas_origin_file_create(&mt.b, fd, &files[i]),
				 0);
		close(fd);
		assert_int_equal(pin_pages(files[i], 0, 1, true, &p), 0);
		near[i] = p.runs[0].pfn;
		assert_int_equal(pin_pages(o, i * gap, 1, true, &far[i]), 0);
		assert_int_equal(frame_set(near[i], (uint8_t)i), 0);
		assert_int_equal(
			frame_set(far[i].runs[0].pfn, (uint8_t)(255 - i)), 0);
	}
	assert_int_equal(ioas_backings_chunks(&mt.b), 2 * nr);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(frame_get(near[i]), i);
		assert_int_equal(frame_get(far[i].runs[0].pfn), 255 - i);
		assert_int_equal(pin_pages(files[i], 0, 1, false, &p), 0);
		assert_int_equal(p.runs[0].pfn, near[i]);
		unpin_all(files[i], &p);
		files[i]->ops->unpin(files[i], near[i], 1, true);
		unpin_all(o, &far[i]);
		ioas_origin_put(files[i]);
	}
	close(big);
	ioas_origin_put(o);
}

/* ---- a mapping that cannot be duplicated -------------------------------- */

static void locked_memory_at_the_limit_is_known_by_its_address(void **state)
{
	const uid_t me = geteuid();
	const int fd = memfd(1);
	char *at = map_shared(fd, 0, 1);
	struct ioas_origin *o = user(), *file = NULL;
	struct rlimit before, low;
	struct pin p, q;

	(void)state;
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	low = before;
	low.rlim_cur = 4 * page_size;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	/* Sanitizers make nothing of mlock(). */
	assert_int_equal(syscall(SYS_mlock, at, page_size), 0);
	/* Who may lock without limit is not stopped by it. */
	if (!me)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(pin_at(o, at, 1, true, &p), 0);
	if (!me)
		assert_int_equal(seteuid(me), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &before), 0);
	assert_int_equal(ioas_backings_chunks(&mt.b), 0);
	assert_int_equal(ioas_backings_pinned(&mt.b), 1);
	at[0] = 'l';
	assert_int_equal(frame_get(p.runs[0].pfn), 'l');
	assert_int_equal(pin_pages(file, 0, 1, true, &q), 0);
	assert_int_not_equal(p.runs[0].pfn, q.runs[0].pfn);
	assert_int_equal(frame_get(q.runs[0].pfn), 'l');
	/* Now its file is there. */
	assert_int_equal(syscall(SYS_munlock, at, page_size), 0);
	unpin_all(o, &p);
	assert_int_equal(pin_at(o, at, 1, true, &p), 0);
	assert_int_equal(p.runs[0].pfn, q.runs[0].pfn);
	unpin_all(o, &p);
	unpin_all(file, &q);
	unmap(at, 1);
	close(fd);
	ioas_origin_put(file);
	ioas_origin_put(o);
}

/* What is locked stays so for the client alone. */
static void a_view_of_locked_memory_is_not_locked(void **state)
{
	const int fd = memfd(1);
	char *at = map_shared(fd, 0, 1), line[128];
	struct ioas_origin *o = user();
	unsigned long kib = 0, locked[2];
	struct pin p;

	(void)state;
	if (geteuid()) {
		print_message("# skipped: there is a limit\n");
		goto out;
	}
	assert_int_equal(mlock(at, page_size), 0);
	for (unsigned int i = 0; i < 2; i++) {
		FILE *f = fopen("/proc/self/status", "re");

		assert_non_null(f);
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "VmLck: %lu", &kib) == 1)
				locked[i] = kib;
		fclose(f);
		if (!i)
			assert_int_equal(pin_at(o, at, 1, true, &p), 0);
	}
	assert_int_equal(ioas_backings_chunks(&mt.b), 1);
	assert_int_equal(locked[0], locked[1]);
	unpin_all(o, &p);
out:
	unmap(at, 1);
	close(fd);
	ioas_origin_put(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		memory_case(the_page_size_is_the_machines),
		memory_case(every_fault_point_of_init_is_undone),
		memory_case(without_descriptors_it_is_enomem),
		memory_case(file_systems_are_told_apart),
		memory_case(a_mounted_tmpfs_is_known_by_the_file),
		memory_case(a_mapping_that_is_another_by_now_is_refused),
		memory_case(a_hole_that_was_memory_when_we_looked_is_efault),
		memory_case(files_and_chunks_are_not_mixed_up),
		memory_case(locked_memory_at_the_limit_is_known_by_its_address),
		memory_case(a_view_of_locked_memory_is_not_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
