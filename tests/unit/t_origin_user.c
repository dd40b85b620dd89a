/* SPDX-License-Identifier: MIT */
/*
 * The memory of an untrusted client: every kind of mapping, what is the same
 * frame and what is not, and what happens behind a pin's back. Nothing here may
 * ever end in a signal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sys/wait.h>

#include "memory_test.h"
#include "origin/user.h"
#include "plat/common/fault_arm.h"
#include "prng.h"
#include "seam/caller.h"

#define GUARD_INSTALL 102

static struct ioas_origin *user(void)
{
	struct ioas_origin *o = NULL;

	assert_int_equal(ioas_origin_user_create(&mt.b, &o), 0);
	assert_int_equal(o->page_lg2, page_lg2);
	assert_int_equal(o->flags, 0);
	return o;
}

static ioas_pfn_t frame_of(struct ioas_origin *o, const void *at)
{
	struct pin p;
	ioas_pfn_t pfn;

	assert_int_equal(pin_at(o, at, 1, false, &p), 0);
	pfn = p.runs[0].pfn;
	unpin_all(o, &p);
	return pfn;
}

/* ---- every kind of mapping ---------------------------------------------- */

struct kind {
	const char *name;
	/* Two pages; NULL: this machine has none. */
	char *at;
	int read, write;
};

/* The first mapping of this process with this name. */
static char *named(const char *name)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long found = 0, start;
	char line[8192], rest[64];

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%*x %*s %*x %*s %*u %63s", &start,
			   rest) == 2 &&
		    !strcmp(rest, name))
			found = start;
	fclose(f);
	return (char *)found;
}

static void check_kind(struct ioas_origin *o, const struct kind *k)
{
	const int expected[2] = { k->read, k->write };

	if (!k->at) {
		print_message("# skipped: no %s here\n", k->name);
		return;
	}
	for (unsigned int w = 0; w < 2; w++) {
		struct pin p;
		int ret = pin_at(o, k->at, 1, w, &p);

		if (ret != expected[w])
			fail_msg("%s, %s: %d, expected %d", k->name,
				 w ? "write" : "read", ret, expected[w]);
		if (!ret) {
			assert_int_equal(p.rq.nr_pinned, 1);
			assert_int_equal(ioas_backings_pinned(&mt.b), 1);
			unpin_all(o, &p);
		}
		assert_int_equal(ioas_backings_pinned(&mt.b), 0);
	}
}

static char *map_prot(int prot)
{
	return map_at(NULL, 2, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void every_mapping_has_its_answer(void **state)
{
	const int mfd = memfd(2), disk = file_in("/var/tmp", 2),
		  shm = file_in("/dev/shm", 2);
	char here[2], *hole = map_private(2), *guard = map_private(2);
	struct ioas_origin *o = user();
	const int rw = PROT_READ | PROT_WRITE;

	(void)state;
	here[0] = 1;
	if (madvise(guard, page_size, GUARD_INSTALL)) {
		unmap(guard, 2);
		guard = NULL;
	}

	const struct kind kinds[] = {
		{ "private", map_prot(rw), 0, 0 },
		{ "hole", hole, -EFAULT, -EFAULT },
		{ "no access", map_prot(PROT_NONE), -EFAULT, -EFAULT },
		{ "read only", map_prot(PROT_READ), 0, -EFAULT },
		{ "write only", map_prot(PROT_WRITE), -EFAULT, 0 },
		{ "guard", guard, -EFAULT, -EFAULT },
		{ "stack", here, 0, 0 },
		{ "heap", named("[heap]"), 0, 0 },
		{ "code", (char *)(uintptr_t)every_mapping_has_its_answer, 0,
		  -EFAULT },
		{ "device", named("[vvar]"), -EFAULT, -EFAULT },
		{ "memfd", map_shared(mfd, 0, 2), 0, 0 },
		{ "memfd, read only",
		  map_at(NULL, 2, PROT_READ, MAP_SHARED, mfd, 0), 0, -EFAULT },
		{ "memfd, no access",
		  map_at(NULL, 2, PROT_NONE, MAP_SHARED, mfd, 0), -EFAULT,
		  -EFAULT },
		{ "memfd, write only",
		  map_at(NULL, 2, PROT_WRITE, MAP_SHARED, mfd, 0), -EFAULT, 0 },
		{ "memfd, private", map_at(NULL, 2, rw, MAP_PRIVATE, mfd, 0), 0,
		  0 },
		{ "memfd, beyond its end", map_shared(mfd, 2, 2), -EFAULT,
		  -EFAULT },
		{ "shared anonymous",
		  map_at(NULL, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 0,
		  0 },
		{ "tmpfs", shm < 0 ? NULL : map_shared(shm, 0, 2), 0, 0 },
		{ "disk", disk < 0 ? NULL : map_shared(disk, 0, 2), 0,
		  -EFAULT },
		{ "disk, private",
		  disk < 0 ? NULL : map_at(NULL, 2, rw, MAP_PRIVATE, disk, 0),
		  0, 0 },
		{ "disk, beyond its end",
		  disk < 0 ? NULL : map_shared(disk, 2, 2), -EFAULT, -EFAULT },
	};

	/* Last, so that nothing else comes there. */
	unmap(hole, 2);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(kinds); i++)
		check_kind(o, &kinds[i]);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(kinds); i++)
		if (kinds[i].at && strcmp(kinds[i].name, "stack") &&
		    strcmp(kinds[i].name, "heap") &&
		    strcmp(kinds[i].name, "code") &&
		    strcmp(kinds[i].name, "device") &&
		    strcmp(kinds[i].name, "hole"))
			unmap(kinds[i].at, 2);
	close(mfd);
	if (shm >= 0)
		close(shm);
	if (disk >= 0)
		close(disk);
	ioas_origin_put(o);
}

static void addresses_that_nothing_can_have_are_efault(void **state)
{
	const uint64_t limit = (uint64_t)1
			       << (IOAS_FRAMES_IDENTITY_LG2 - page_lg2);
	const uint64_t pages[] = { 0, limit - 1, limit, limit + 1,
				   UINT64_MAX >> page_lg2, UINT64_MAX - 1,
				   UINT64_MAX,
				   /* Wraps to an address that is good. */
				   (UINT64_MAX >> page_lg2) + 1 +
					   ((uintptr_t)&mt >> page_lg2) };
	struct ioas_origin *o = user();
	struct pin p;

	(void)state;
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(pages); i++)
		for (uint64_t nr = 1; nr < 4; nr++)
			assert_int_equal(pin_pages(o, pages[i], nr, nr & 1, &p),
					 -EFAULT);
	ioas_origin_put(o);
}

/* ---- against a model, page by page -------------------------------------- */

enum page_kind { PRIVATE, SHARED, READ_ONLY, NO_ACCESS, HOLE, NR_KINDS };

#define PAGES 4u

static void page_make(char *at, enum page_kind kind, int fd, size_t page)
{
	const int rw = PROT_READ | PROT_WRITE;

	unmap(at, 1);
	if (kind == SHARED)
		map_at(at, 1, rw, MAP_SHARED | MAP_FIXED, fd, page);
	else if (kind != HOLE)
		map_at(at, 1,
		       kind == PRIVATE	 ? rw :
		       kind == READ_ONLY ? PROT_READ :
					   PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static bool page_good(enum page_kind kind, bool write)
{
	return kind == PRIVATE || kind == SHARED ||
	       (kind == READ_ONLY && !write);
}

static void check_range(struct ioas_origin *o, char *at,
			const enum page_kind *kinds, unsigned int first,
			unsigned int nr, bool write)
{
	unsigned int good = 0;
	struct pin p;
	int ret = pin_at(o, at + first * page_size, nr, write, &p);

	while (good < nr && page_good(kinds[first + good], write))
		good++;
	if (!good) {
		assert_int_equal(ret, -EFAULT);
		return;
	}
	assert_int_equal(ret, 0);
	assert_int_equal(p.rq.nr_pinned, good);
	for (unsigned int i = 0; i < good; i++) {
		const uint8_t byte = (uint8_t)(first + i + 1);
		const ioas_pfn_t pfn = pin_frame(&p, i);

		if (kinds[first + i] == READ_ONLY) {
			assert_int_equal(frame_get(pfn), 0);
			continue;
		}
		at[(first + i) * page_size] = (char)byte;
		assert_int_equal(frame_get(pfn), byte);
		if (write) {
			assert_int_equal(frame_set(pfn, 77), 0);
			assert_int_equal(at[(first + i) * page_size], 77);
		}
	}
	unpin_all(o, &p);
}

static void all_layouts_of_four_pages_pin_up_to_the_first_bad_one(void **state)
{
	const int fd = memfd(PAGES);
	char *at = map_private(PAGES);
	struct ioas_origin *o = user();
	enum page_kind kinds[PAGES];

	(void)state;
	for (unsigned int n = 0; n < NR_KINDS * NR_KINDS * NR_KINDS * NR_KINDS;
	     n++) {
		unsigned int rest = n;

		for (unsigned int i = 0; i < PAGES; i++, rest /= NR_KINDS) {
			kinds[i] = rest % NR_KINDS;
			page_make(at + i * page_size, kinds[i], fd, i);
		}
		for (unsigned int i = 0; i < PAGES; i++)
			for (unsigned int nr = 1; nr <= PAGES - i; nr++)
				for (unsigned int w = 0; w < 2; w++)
					check_range(o, at, kinds, i, nr, w);
	}
	unmap(at, PAGES);
	close(fd);
	ioas_origin_put(o);
}

static void a_bad_page_anywhere_in_one_mapping_is_found(void **state)
{
	const unsigned int max = 33;
	const int fd = memfd(max);
	char *at = map_at(NULL, max, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_NORESERVE, fd, 0);
	struct ioas_origin *o = user();
	struct pin p;

	(void)state;
	/* One mapping whose file ends at every page in turn. */
	for (unsigned int size = 0; size <= max; size++) {
		assert_int_equal(ftruncate(fd, (off_t)(size * page_size)), 0);
		for (unsigned int first = 0; first < max; first += 3) {
			const uint64_t want = max - first;
			int ret = pin_at(o, at + first * page_size, want, false,
					 &p);

			assert_int_equal(ret, first < size ? 0 : -EFAULT);
			if (ret)
				continue;
			assert_int_equal(p.rq.nr_pinned, size - first);
			unpin_all(o, &p);
		}
	}
	unmap(at, max);
	close(fd);
	ioas_origin_put(o);
}

static void a_full_answer_is_a_short_count(void **state)
{
	const int a = memfd(1), b = memfd(1);
	char *at = map_private(3);
	struct ioas_origin *o = user();
	struct pin p;

	(void)state;
	page_make(at, SHARED, a, 0);
	page_make(at + page_size, SHARED, b, 0);
	for (uint32_t max = 1; max <= 4; max++) {
		memset(&p, 0, sizeof(p));
		p.rq = (struct ioas_pin_request){ .first = (uintptr_t)at >>
							   page_lg2,
						  .nr = 3,
						  .write = true,
						  .runs = p.runs,
						  .max_runs = max };
		assert_int_equal(o->ops->pin(o, &p.rq), 0);
		assert_int_equal(p.rq.nr_pinned, max < 3 ? max : 3);
		assert_int_equal(p.rq.nr_runs, p.rq.nr_pinned);
		assert_int_equal(ioas_backings_pinned(&mt.b), p.rq.nr_pinned);
		unpin_all(o, &p);
	}
	unmap(at, 3);
	close(a);
	close(b);
	ioas_origin_put(o);
}

/* ---- what is mapped: both ways to ask ----------------------------------- */

/* The first mapping above @at; 0: none that a client can have. */
static uint64_t next_mapping(uint64_t at)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, next = 0;
	char line[8192];

	assert_non_null(f);
	while (!next && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx", &start) == 1 && start > at)
			next = start;
	fclose(f);
	return next >> IOAS_FRAMES_IDENTITY_LG2 ? 0 : next;
}

static void check_equal(const struct ioas_vma *a, const struct ioas_vma *b)
{
	assert_int_equal(a->start, b->start);
	assert_int_equal(a->offset, b->offset);
	assert_int_equal(a->dev, b->dev);
	assert_int_equal(a->ino, b->ino);
	assert_int_equal(a->flags, b->flags);
}

static void text_and_query_agree_on_every_address(void **state)
{
	struct ioas_vmas query, text;
	struct ioas_vma a, b;
	uint64_t nr = 0;

	(void)state;
	assert_int_equal(ioas_vmas_open(&query), 0);
	if (query.text)
		print_message("# skipped: the kernel cannot be asked\n");
	text = query;
	text.text = true;
	for (uint64_t at = 1; !query.text && at && nr < 200; nr++) {
		assert_int_equal(ioas_vma_find(&query, at - 1, &a), -EFAULT);
		assert_int_equal(ioas_vma_find(&text, at - 1, &b), -EFAULT);
		for (at = next_mapping(at); at; at = a.last + 1, nr++) {
			if (ioas_vma_find(&query, at, &a))
				break;
			assert_int_equal(ioas_vma_find(&text, at, &b), 0);
			/* The heap may grow between the two. */
			if (a.last == b.last)
				check_equal(&a, &b);
		}
		if (at)
			at++;
	}
	assert_true(query.text || nr > 5);
	ioas_vmas_close(&query);
}

static void without_the_query_pins_are_the_same(void **state)
{
	const int fd = memfd(2);
	char *at = map_shared(fd, 0, 2), *own = map_private(2);
	struct ioas_origin *o = user();
	struct pin p, hold;

	(void)state;
	assert_int_equal(pin_at(o, at, 1, true, &hold), 0);
	mt.b.self.vmas.text = true;
	assert_int_equal(frame_of(o, at + page_size), hold.runs[0].pfn + 1);
	assert_int_equal(pin_at(o, own, 2, true, &p), 0);
	assert_int_equal(p.rq.nr_pinned, 2);
	unpin_all(o, &p);
	unmap(own, 2);
	assert_int_equal(pin_at(o, own, 1, false, &p), -EFAULT);
	unpin_all(o, &hold);
	unmap(at, 2);
	close(fd);
	ioas_origin_put(o);
}

/* ---- identity ----------------------------------------------------------- */

static void private_memory_is_known_by_its_address(void **state)
{
	struct ioas_origin *a = user(), *b = user();
	char *at = map_private(8), *other = map_private(1);
	struct pin p, q;

	(void)state;
	assert_int_equal(pin_at(a, at, 8, true, &p), 0);
	assert_int_equal(p.rq.nr_runs, 1);
	assert_int_equal(p.runs[0].nr, 8);
	assert_true(p.runs[0].pfn >= mt.fs.identity_nr);
	/* Another origin of the same process, another access. */
	assert_int_equal(pin_at(b, at + 2 * page_size, 3, false, &q), 0);
	assert_int_equal(q.runs[0].pfn, p.runs[0].pfn + 2);
	assert_int_equal(frame_of(a, other) - p.runs[0].pfn,
			 (uint64_t)((uintptr_t)other >> page_lg2) -
				 (uint64_t)((uintptr_t)at >> page_lg2));
	/* Nobody dereferences what the client may take away. */
	assert_null(a->ops->pointer(a, p.runs[0].pfn));
	unpin_all(b, &q);
	unpin_all(a, &p);
	unmap(at, 8);
	unmap(other, 1);
	ioas_origin_put(a);
	ioas_origin_put(b);
}

static void one_page_through_two_mappings_is_one_frame(void **state)
{
	const int fd = memfd(6), other = memfd(6);
	char *a = map_shared(fd, 0, 6), *b = map_shared(fd, 2, 4),
	     *c = map_at(NULL, 6, PROT_READ, MAP_SHARED, fd, 0),
	     *d = map_shared(other, 0, 6),
	     *e = map_at(NULL, 6, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	struct ioas_origin *o = user();
	struct pin p;

	(void)state;
	assert_int_equal(pin_at(o, a, 6, true, &p), 0);
	assert_int_equal(p.rq.nr_runs, 1);
	for (unsigned int i = 0; i < 6; i++) {
		assert_int_equal(frame_of(o, c + i * page_size),
				 p.runs[0].pfn + i);
		assert_int_not_equal(frame_of(o, d + i * page_size),
				     p.runs[0].pfn + i);
		assert_int_not_equal(frame_of(o, e + i * page_size),
				     p.runs[0].pfn + i);
		if (i >= 2)
			assert_int_equal(frame_of(o, b + (i - 2) * page_size),
					 p.runs[0].pfn + i);
	}
	unpin_all(o, &p);
	unmap(a, 6);
	unmap(b, 4);
	unmap(c, 6);
	unmap(d, 6);
	unmap(e, 6);
	close(fd);
	close(other);
	ioas_origin_put(o);
}

/* Mappings of every part of a file in every order make one and the same. */
static void views_grow_towards_the_start_of_the_file(void **state)
{
	const unsigned int max = 5;
	const int fd = memfd(max);
	struct ioas_origin *o = user();

	(void)state;
	for (unsigned int n = 0; n < 120; n++) {
		unsigned int left[5] = { 0, 1, 2, 3, 4 }, rest = n;
		struct pin pins[5];
		ioas_pfn_t base = 0;

		for (unsigned int i = 0; i < max; i++) {
			const unsigned int k = rest % (max - i), page = left[k];
			const bool write = (n + page) % 3;
			char *at = map_at(NULL, 1,
					  PROT_READ | (write ? PROT_WRITE : 0),
					  MAP_SHARED, fd, page);

			rest /= max - i;
			left[k] = left[max - 1 - i];
			assert_int_equal(pin_at(o, at, 1, write, &pins[i]), 0);
			unmap(at, 1);
			if (!i)
				base = pins[i].runs[0].pfn - page;
			assert_int_equal(pins[i].runs[0].pfn, base + page);
			if (write)
				assert_int_equal(
					frame_set(base + page, (uint8_t)page),
					0);
		}
		for (unsigned int page = 0; page < max; page++)
			assert_true(frame_get(base + page) >= 0);
		assert_int_equal(ioas_backings_chunks(&mt.b), 1);
		for (unsigned int i = 0; i < max; i++)
			unpin_all(o, &pins[i]);
	}
	close(fd);
	ioas_origin_put(o);
}

/* ---- behind the back of a pin ------------------------------------------- */

static void shared_memory_outlives_the_clients_mapping(void **state)
{
	const int files[] = { memfd(4), file_in("/dev/shm", 4), -1 };

	(void)state;
	for (unsigned int k = 0; k < 3; k++) {
		const int fd = files[k];
		struct ioas_origin *o = user();
		char *at, *again;
		struct pin p;

		if (k == 1 && fd < 0)
			continue;
		at = k == 2 ? map_at(NULL, 4, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0) :
			      map_shared(fd, 0, 4);
		memset(at, 'x', 4 * page_size);
		assert_int_equal(pin_at(o, at + page_size, 2, true, &p), 0);
		unmap(at, 4);
		assert_int_equal(frame_get(p.runs[0].pfn), 'x');
		assert_int_equal(frame_set(p.runs[0].pfn + 1, 'y'), 0);
		if (fd >= 0) {
			again = map_shared(fd, 0, 4);
			assert_int_equal(again[2 * page_size], 'y');
			unmap(again, 4);
			close(fd);
		}
		assert_int_equal(frame_get(p.runs[0].pfn + 1), 'y');
		unpin_all(o, &p);
		ioas_origin_put(o);
	}
}

static void private_memory_that_is_gone_is_efault(void **state)
{
	char *at = map_private(3);
	struct ioas_origin *o = user();
	struct pin p;

	(void)state;
	at[0] = at[page_size] = at[2 * page_size] = 'a';
	assert_int_equal(pin_at(o, at, 3, true, &p), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 'a');
	assert_int_equal(mprotect(at, page_size, PROT_READ), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 'a');
	assert_int_equal(frame_set(p.runs[0].pfn, 'b'), -EFAULT);
	assert_int_equal(mprotect(at, page_size, PROT_NONE), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), -EFAULT);
	unmap(at + page_size, 1);
	assert_int_equal(frame_get(p.runs[0].pfn + 1), -EFAULT);
	assert_int_equal(frame_set(p.runs[0].pfn + 1, 'b'), -EFAULT);
	/* What comes there instead is what devices see: waived. */
	map_at(at + page_size, 1, PROT_READ | PROT_WRITE,
	       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	assert_int_equal(frame_get(p.runs[0].pfn + 1), 0);
	assert_int_equal(frame_get(p.runs[0].pfn + 2), 'a');
	unpin_all(o, &p);
	unmap(at, 3);
	ioas_origin_put(o);
}

static void a_truncated_file_is_efault_and_no_signal(void **state)
{
	const int fd = memfd(3);
	char *at = map_shared(fd, 0, 3);
	struct ioas_origin *o = user();
	uint8_t byte;
	struct pin p;

	(void)state;
	memset(at, 'a', 3 * page_size);
	assert_int_equal(pin_at(o, at, 3, true, &p), 0);
	assert_null(o->ops->pointer(o, p.runs[0].pfn));
	assert_int_equal(ftruncate(fd, (off_t)page_size), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 'a');
	for (unsigned int i = 1; i < 3; i++) {
		assert_int_equal(frame_get(p.runs[0].pfn + i), -EFAULT);
		assert_int_equal(frame_set(p.runs[0].pfn + i, 1), -EFAULT);
		assert_int_equal(o->ops->copy_frame(o, p.runs[0].pfn + i, 5,
						    &byte, 1, false),
				 -EFAULT);
	}
	/* It grows again: empty. */
	assert_int_equal(ftruncate(fd, (off_t)(3 * page_size)), 0);
	assert_int_equal(frame_get(p.runs[0].pfn + 2), 0);
	assert_int_equal(fallocate(fd,
				   FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				   0, (off_t)page_size),
			 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 0);
	unpin_all(o, &p);
	unmap(at, 3);
	close(fd);
	ioas_origin_put(o);
}

static void after_a_fork_devices_stay_with_the_parent(void **state)
{
	const int fd = memfd(1);
	char *at = map_private(1), *shared = map_shared(fd, 0, 1);
	struct ioas_origin *o = user();
	unsigned int maps;
	struct pin p, q;
	int status = -1;
	pid_t child;

	(void)state;
	at[0] = 'a';
	shared[0] = 'a';
	assert_int_equal(pin_at(o, at, 1, true, &p), 0);
	assert_int_equal(pin_at(o, shared, 1, true, &q), 0);
	maps = shared_now();
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		/* Its copy, memory that is shared, and none of our views. */
		at[0] = 'c';
		shared[0] = 's';
		_exit(shared_now() == maps - 1 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 'a');
	assert_int_equal(frame_get(q.runs[0].pfn), 's');
	at[0] = 'b';
	assert_int_equal(frame_get(p.runs[0].pfn), 'b');
	unpin_all(o, &p);
	unpin_all(o, &q);
	unmap(at, 1);
	unmap(shared, 1);
	close(fd);
	ioas_origin_put(o);
}

/* ---- copies ------------------------------------------------------------- */

static void copies_end_at_the_first_bad_byte(void **state)
{
	struct ioas_origin *o = user();
	char *at = map_private(3), buffer[16], back[16];
	const uint64_t end = (uintptr_t)at + 2 * page_size;

	(void)state;
	unmap(at + 2 * page_size, 1);
	memset(at, 'm', 2 * page_size);
	for (uint64_t back_by = 0; back_by <= 12; back_by++)
		for (uint64_t length = 0; length <= 16; length++) {
			const int expected = length > back_by ? -EFAULT : 0;

			memset(buffer, 'b', sizeof(buffer));
			assert_int_equal(o->ops->copy(o, end - back_by, buffer,
						      length, 0),
					 expected);
			if (!expected) {
				memset(back, 'm', sizeof(back));
				assert_memory_equal(buffer, back, length);
			}
			assert_int_equal(o->ops->copy(o, end - back_by, back,
						      length, IOAS_COPY_WRITE),
					 expected);
		}
	assert_int_equal(mprotect(at, page_size, PROT_READ), 0);
	assert_int_equal(o->ops->copy(o, (uintptr_t)at, buffer, 1, 0), 0);
	assert_int_equal(
		o->ops->copy(o, (uintptr_t)at, buffer, 1, IOAS_COPY_WRITE),
		-EFAULT);
	for (unsigned int i = 0; i < 3; i++) {
		const uint64_t bad[] = { 0, UINT64_MAX, UINT64_MAX - 8 };

		assert_int_equal(o->ops->copy(o, bad[i], buffer, 16, 0),
				 -EFAULT);
	}
	unmap(at, 2);
	ioas_origin_put(o);
}

static void another_callers_copies_use_the_frames(void **state)
{
	struct ioas_caller other = { .mm = &other }, *old;
	struct ioas_origin *mine = user(), *its;
	char byte = 'x', buffer = 0;

	(void)state;
	assert_int_equal(mine->ops->copy(mine, (uintptr_t)&byte, &buffer, 1, 0),
			 0);
	assert_int_equal(buffer, 'x');
	old = ioas_caller_enter(&other);
	assert_int_equal(mine->ops->copy(mine, (uintptr_t)&byte, &buffer, 1, 0),
			 -EAGAIN);
	assert_int_equal(mine->ops->copy(mine, (uintptr_t)&byte, &buffer, 1,
					 IOAS_COPY_ADOPT),
			 0);
	its = user();
	ioas_caller_leave(old);
	assert_int_equal(its->ops->copy(its, (uintptr_t)&byte, &buffer, 1, 0),
			 -EAGAIN);
	ioas_origin_put(its);
	ioas_origin_put(mine);
}

static void pins_and_copies_have_fault_points(void **state)
{
	struct ioas_fault fault = { .sticky = true };
	struct ioas_caller caller = { .fault = &fault }, *old;
	struct ioas_origin *o = user(), *none = NULL;
	char *at = map_private(1), byte = 'x';
	struct pin p, q;

	(void)state;
	assert_int_equal(pin_at(o, at, 1, true, &p), 0);
	ioas_fault_arm(&fault);
	old = ioas_caller_enter(&caller);
	assert_int_equal(pin_at(o, at, 1, true, &q), -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_PIN);
	assert_int_equal(o->ops->copy(o, (uintptr_t)at, &byte, 1, 0), -EFAULT);
	assert_int_equal(fault.failed, IOAS_FP_COPY);
	assert_int_equal(
		o->ops->copy_frame(o, p.runs[0].pfn, 0, &byte, 1, true),
		-EFAULT);
	assert_int_equal(fault.reached[IOAS_FP_COPY], 2);
	assert_int_equal(ioas_origin_user_create(&mt.b, &none), -ENOMEM);
	assert_int_equal(fault.failed, IOAS_FP_ALLOC_SPACE);
	assert_null(none);
	ioas_caller_leave(old);
	ioas_fault_disarm();
	assert_int_equal(at[0], 0);
	unpin_all(o, &p);
	unmap(at, 1);
	ioas_origin_put(o);
}

/* Every point of a pin of shared memory, and nothing is left. */
static void a_pin_that_fails_anywhere_leaves_nothing(void **state)
{
	const int fd = memfd(2);
	char *at = map_shared(fd, 0, 2);
	struct ioas_origin *o = user();
	uint64_t nth = 1;
	struct pin p;
	int ret;

	(void)state;
	for (;; nth++) {
		struct ioas_fault fault = { .nth = nth };
		struct ioas_caller caller = { .fault = &fault }, *old;

		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = pin_at(o, at, 2, true, &p);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		if (!ret)
			break;
		assert_int_equal(ret, nth == 1 ? -EFAULT : -ENOMEM);
		assert_int_equal(ioas_backings_pinned(&mt.b), 0);
		assert_int_equal(ioas_backings_chunks(&mt.b), 0);
	}
	/* The pin itself, the chunk, its range of frames. */
	assert_true(nth > 3);
	unpin_all(o, &p);
	unmap(at, 2);
	close(fd);
	ioas_origin_put(o);
}

/* ---- many times, and at once -------------------------------------------- */

static void ten_thousand_pins_leave_nothing(void **state)
{
	const int fd = memfd(4);
	char *at = map_shared(fd, 0, 4), *own = map_private(4);
	struct ioas_origin *o = user();
	unsigned int fds = fds_now(), shared = shared_now();
	struct pin p, q;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		assert_int_equal(pin_at(o, at, 4, i & 1, &p), 0);
		assert_int_equal(pin_at(o, own, 4, i & 1, &q), 0);
		assert_true(p.runs[0].pfn + 3 <= mt.fs.ceiling);
		unpin_all(o, &p);
		unpin_all(o, &q);
	}
	assert_int_equal(fds_now(), fds);
	assert_int_equal(shared_now(), shared);
	unmap(at, 4);
	unmap(own, 4);
	close(fd);
	ioas_origin_put(o);
}

#define RACE_PAGES 16u
#define RACE_ROUNDS 400u

struct race {
	struct ioas_origin *o;
	char *at;
	int fd;
	uint64_t seed;
	_Atomic bool stop;
	_Atomic uint64_t pinned;
};

/* The client pulls the rug: every page becomes everything. */
static void *race_client(void *arg)
{
	struct race *r = arg;
	struct prng rng = { r->seed };

	while (!atomic_load(&r->stop)) {
		const size_t page = prng_below(&rng, RACE_PAGES);
		char *at = r->at + page * page_size;
		const int prots[] = { PROT_NONE, PROT_READ,
				      PROT_READ | PROT_WRITE };
		const int prot = prots[prng_below(&rng, 3)];

		switch (prng_below(&rng, 5)) {
		case 0:
			mprotect(at, page_size, prot);
			break;
		case 1:
			mmap(at, page_size, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 2:
			mmap(at, page_size, prot,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 3:
			mmap(at, page_size, prot, MAP_SHARED | MAP_FIXED, r->fd,
			     (off_t)(prng_below(&rng, RACE_PAGES) * page_size));
			break;
		default:
			if (ftruncate(r->fd,
				      (off_t)(prng_below(&rng, RACE_PAGES + 1) *
					      page_size)))
				return r;
		}
	}
	return NULL;
}

static void pieces_end_at_the_first_page_that_is_gone(void **state)
{
	struct ioas_origin *o = user();
	char *at = map_private(3), data[] = "abcde";
	struct pin p;
	uint64_t done;

	(void)state;
	assert_int_equal(pin_at(o, at, 3, true, &p), 0);
	assert_int_equal(p.rq.nr_runs, 1);
	const struct ioas_frames_piece pieces[] = {
		{ p.runs[0].pfn + 2, 1, data, 1, false },
		{ p.runs[0].pfn, 9, data + 1, 2, false },
		{ p.runs[0].pfn, page_size - 1, data + 3, 2, false },
	};

	unmap(at + page_size, 1);
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, pieces, 2, true,
						 &done), 0);
	assert_int_equal(done, 3);
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, pieces, 3, true,
						 &done), -EFAULT);
	assert_int_equal(done, 4);
	assert_int_equal(at[2 * page_size + 1], 'a');
	assert_memory_equal(at + 9, "bc", 2);
	assert_int_equal(at[page_size - 1], 'd');
	unpin_all(o, &p);
	unmap(at, 1);
	unmap(at + 2 * page_size, 1);
	ioas_origin_put(o);
}

static void *race_device(void *arg)
{
	struct race *r = arg;
	struct prng rng = { r->seed + (uintptr_t)&rng };

	for (unsigned int i = 0; i < RACE_ROUNDS; i++) {
		const uint64_t first = prng_below(&rng, RACE_PAGES);
		const uint64_t nr = 1 + prng_below(&rng, RACE_PAGES - first);
		struct pin p;

		if (pin_at(r->o, r->at + first * page_size, nr, i & 1, &p))
			continue;
		atomic_fetch_add(&r->pinned, p.rq.nr_pinned);
		for (uint32_t k = 0; k < p.rq.nr_runs; k++) {
			char buffer[64];
			const struct ioas_frames_piece pieces[] = {
				{ p.runs[k].pfn, page_size - 32, buffer, 32, false },
				{ p.runs[k].pfn, 8, buffer + 32, 32, false },
			};
			uint64_t done;

			ioas_frames_copy_pieces(&mt.fs, pieces, 2, k & 1,
						&done);
			if (done > sizeof(buffer))
				atomic_store(&r->pinned, 0);
			r->o->ops->copy_frame(r->o, p.runs[k].pfn, 0, buffer,
					      sizeof(buffer), i & 1);
		}
		unpin_all(r->o, &p);
	}
	return NULL;
}

static void a_client_that_pulls_the_rug_hurts_nobody(void **state)
{
	struct race r = { .o = user(), .seed = 0x5eed };
	pthread_t client, device[3];
	void *bad;

	(void)state;
	r.fd = memfd(RACE_PAGES);
	r.at = map_private(RACE_PAGES);
	assert_int_equal(pthread_create(&client, NULL, race_client, &r), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&device[i], NULL, race_device, &r), 0);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(device[i], NULL);
	atomic_store(&r.stop, true);
	pthread_join(client, &bad);
	assert_null(bad);
	assert_true(atomic_load(&r.pinned) > 0);
	unmap(r.at, RACE_PAGES);
	close(r.fd);
	ioas_origin_put(r.o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		memory_case(every_mapping_has_its_answer),
		memory_case(addresses_that_nothing_can_have_are_efault),
		memory_case(
			all_layouts_of_four_pages_pin_up_to_the_first_bad_one),
		memory_case(a_bad_page_anywhere_in_one_mapping_is_found),
		memory_case(a_full_answer_is_a_short_count),
		memory_case(text_and_query_agree_on_every_address),
		memory_case(without_the_query_pins_are_the_same),
		memory_case(private_memory_is_known_by_its_address),
		memory_case(one_page_through_two_mappings_is_one_frame),
		memory_case(views_grow_towards_the_start_of_the_file),
		memory_case(shared_memory_outlives_the_clients_mapping),
		memory_case(private_memory_that_is_gone_is_efault),
		memory_case(a_truncated_file_is_efault_and_no_signal),
		memory_case(after_a_fork_devices_stay_with_the_parent),
		memory_case(copies_end_at_the_first_bad_byte),
		memory_case(pieces_end_at_the_first_page_that_is_gone),
		memory_case(another_callers_copies_use_the_frames),
		memory_case(pins_and_copies_have_fault_points),
		memory_case(a_pin_that_fails_anywhere_leaves_nothing),
		memory_case(ten_thousand_pins_leave_nothing),
		memory_case(a_client_that_pulls_the_rug_hurts_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
