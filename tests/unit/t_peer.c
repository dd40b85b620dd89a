/* SPDX-License-Identifier: MIT */
/*
 * The memory of another process: what can be pinned, what is the same frame,
 * and what happens when the process changes, exits or executes under a pin.
 *
 * The mappings of a case are made here; a child inherits them at the same
 * addresses, and does what it is told. t_peer_nobody.c runs the cases without
 * privilege, which decides about shared anonymous memory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <grp.h>
#include <sys/resource.h>

#include "origin/file.h"
#include "origin/user.h"
#include "peer_test.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"

#define NOBODY 65534u
#ifndef AS_NOBODY
#define AS_NOBODY false
#endif

/* Everybody's memory is ours; mappings can be opened as files (map_files). */
static bool root, opener;

/* ---- every kind of mapping ---------------------------------------------- */

struct kind {
	const char *name;
	/* NULL: this machine has none. */
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

	for (unsigned int w = 0; k->at && w < 2; w++) {
		struct pin p;
		int ret = pin_at(o, k->at, 1, w, &p);

		if (ret != expected[w])
			fail_msg("%s, %s: %d, expected %d", k->name,
				 w ? "write" : "read", ret, expected[w]);
		if (ret)
			continue;
		assert_int_equal(p.rq.nr_pinned, 1);
		assert_int_equal(ioas_backings_pinned(&mt.b), 1);
		/* What is pinned can be reached. */
		assert_true(frame_get(p.runs[0].pfn) >= 0);
		unpin_all(o, &p);
	}
	assert_int_equal(ioas_backings_pinned(&mt.b), 0);
}

/* So many kinds are mappings of two pages that the case made. */
#define OWN_KINDS 11u

static void kinds_get(struct kind *k, int mfd, int disk, char *here)
{
	const int rw = PROT_READ | PROT_WRITE;
	const int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	const struct kind kinds[] = {
		{ "private", map_at(NULL, 2, rw, anon, -1, 0), 0, 0 },
		{ "hole", map_private(2), -EFAULT, -EFAULT },
		{ "no access", map_at(NULL, 2, PROT_NONE, anon, -1, 0),
		  -EFAULT, -EFAULT },
		{ "read only", map_at(NULL, 2, PROT_READ, anon, -1, 0), 0,
		  -EFAULT },
		{ "shared", map_at(NULL, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1,
				   0), 0, 0 },
		{ "memfd", map_shared(mfd, 0, 2), 0, 0 },
		{ "memfd, read only",
		  map_at(NULL, 2, PROT_READ, MAP_SHARED, mfd, 0), 0, -EFAULT },
		{ "memfd, private", map_at(NULL, 2, rw, MAP_PRIVATE, mfd, 0), 0,
		  0 },
		{ "memfd, beyond its end", map_shared(mfd, 2, 2), -EFAULT,
		  -EFAULT },
		{ "file, private", map_at(NULL, 2, rw, MAP_PRIVATE, disk, 0), 0,
		  0 },
		{ "file, private, beyond its end",
		  map_at(NULL, 2, rw, MAP_PRIVATE, disk, 2), -EFAULT,
		  -EFAULT },
		{ "file", map_shared(disk, 0, 2), 0, -EFAULT },
		{ "stack", here, 0, 0 },
		{ "code", (char *)(uintptr_t)kinds_get, 0, -EFAULT },
		{ "device", named("[vvar]"), -EFAULT, -EFAULT },
		{ "nothing", (char *)(uintptr_t)16, -EFAULT, -EFAULT },
		{ "kernel", (char *)(uintptr_t)-(intptr_t)page_size, -EFAULT,
		  -EFAULT },
		{ NULL, NULL, 0, 0 },
	};

	memcpy(k, kinds, sizeof(kinds));
	unmap(k[1].at, 2);
}

static void check_kinds(bool text)
{
	const int mfd = memfd(2), disk = file_in("/var/tmp", 2);
	struct ioas_origin *o;
	struct ioas_peer *p;
	struct kind kinds[18];
	struct child c;
	char here[2] = { 1, 1 };

	assert_true(disk >= 0);
	kinds_get(kinds, mfd, disk, here);
	c = child_fork();
	/* Now they are only there. The second is a hole. */
	for (unsigned int i = 0; i < OWN_KINDS + 1; i++)
		if (i != 1)
			unmap(kinds[i].at, 2);
	p = peer_of(&c);
	if (text)
		p->space.vmas.text = true;
	assert_true(ioas_peer_alive(p));
	assert_int_equal(ioas_origin_peer_create(p, &o), 0);
	for (const struct kind *k = kinds; k->name; k++)
		check_kind(o, k);
	child_exit(&c);
	assert_false(ioas_peer_alive(p));
	check_kind(o, &(struct kind){ "gone", kinds[0].at, -EFAULT, -EFAULT });
	check_kind(o, &(struct kind){ "gone", kinds[9].at, -EFAULT, -EFAULT });
	ioas_origin_put(o);
	ioas_peer_put(p);
	close(mfd);
	close(disk);
}

static void every_mapping_has_its_answer(void **state)
{
	(void)state;
	check_kinds(false);
}

static void without_the_query_answers_are_the_same(void **state)
{
	(void)state;
	check_kinds(true);
}

/* A name that leads elsewhere by now is not followed. */
static void only_the_file_of_a_mapping_is_opened(void **state)
{
	const int mfd = memfd(1);
	char *at = map_shared(mfd, 0, 1);
	struct child c = child_fork();
	struct ioas_peer *p = peer_of(&c);
	struct ioas_vma vma;
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(ioas_vma_find(&p->space.vmas, (uintptr_t)at, &vma), 0);
	fd = p->space.ops->open(&p->space, &vma, true);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_ino, vma.ino);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	close(fd);
	vma.dev++;
	assert_int_equal(p->space.ops->open(&p->space, &vma, true),
			 -EOPNOTSUPP);
	vma.dev--;
	vma.ino += UINT64_C(1) << 40;
	assert_int_equal(p->space.ops->open(&p->space, &vma, true),
			 -EOPNOTSUPP);
	vma.ino -= UINT64_C(1) << 40;
	ioas_peer_executed(p);
	assert_int_equal(p->space.ops->open(&p->space, &vma, true),
			 -EOPNOTSUPP);
	unmap(at, 1);
	close(mfd);
	child_exit(&c);
	ioas_peer_put(p);
}

/* ---- data --------------------------------------------------------------- */

static void check_data(struct ioas_origin *o, const struct child *c,
		       const char *at)
{
	struct pin p;

	assert_int_equal(pin_at(o, at, 2, true, &p), 0);
	assert_int_equal(p.rq.nr_pinned, 2);
	for (uint8_t i = 0; i < 2; i++) {
		const char *page = at + i * page_size;

		child_set(c, page, (uint8_t)(10 + i));
		assert_int_equal(frame_get(pin_frame(&p, i)), 10 + i);
		assert_int_equal(frame_set(pin_frame(&p, i), 20 + i), 0);
		assert_int_equal(child_get(c, page), 20 + i);
	}
	unpin_all(o, &p);
}

static void devices_and_the_process_see_the_same(void **state)
{
	const int fd = memfd(2);
	char *own = map_private(2), *shared = map_shared(fd, 0, 2);
	char *anon = map_at(NULL, 2, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);

	(void)state;
	check_data(o, &c, own);
	check_data(o, &c, shared);
	check_data(o, &c, anon);
	/* It is the child's, not ours. */
	assert_int_equal(own[0], 0);
	assert_int_equal(shared[0], 20);
	unmap(own, 2);
	unmap(shared, 2);
	unmap(anon, 2);
	close(fd);
	child_exit(&c);
	ioas_origin_put(o);
}

/* Across pages, and mappings, in one copy. */
static void a_copy_crosses_pages(void **state)
{
	char *at = map_private(8), buffer[64];
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);
	const uint64_t offset = 4 * page_size - 32;
	struct pin p;

	(void)state;
	/* Two mappings now. */
	assert_int_equal(tell(&c, 'p', at + 4 * page_size, 4 * page_size,
			      PROT_READ), 0);
	assert_int_equal(pin_at(o, at, 8, false, &p), 0);
	assert_int_equal(p.rq.nr_pinned, 8);
	assert_int_equal(p.rq.nr_runs, 1);
	memset(buffer, 7, sizeof(buffer));
	/* Pages that are pinned are written whatever their protection is. */
	assert_int_equal(ioas_frames_copy(&mt.fs, p.runs[0].pfn, offset, buffer,
					  sizeof(buffer), true), 0);
	assert_int_equal(child_get(&c, at + offset), 7);
	assert_int_equal(child_get(&c, at + offset + 63), 7);
	memset(buffer, 0, sizeof(buffer));
	assert_int_equal(ioas_frames_copy(&mt.fs, p.runs[0].pfn, offset, buffer,
					  sizeof(buffer), false), 0);
	for (size_t i = 0; i < sizeof(buffer); i++)
		assert_int_equal(buffer[i], 7);
	unpin_all(o, &p);
	expect_lost(0, NULL);
	unmap(at, 8);
	child_exit(&c);
	ioas_origin_put(o);
}

/* Pages of @p from the third on are not there; @end: first byte of it. */
static void check_pieces(const struct pin *p, const char *end)
{
	char data[9] = "pqrstuvw", back[8] = { 0 };
	const ioas_pfn_t pfn = p->runs[0].pfn;
	struct ioas_frames_piece out[] = {
		{ pfn, 5, data, 2, false },
		{ pfn + 1, page_size - 3, data + 2, 3, false },
		{ pfn, page_size - 1, data + 5, 2, false },
		{ pfn + 1, page_size - 1, data + 7, 2, false },
		{ pfn, 0, data, 1, false },
	};
	uint64_t done;

	seen.nr_lost = 0;
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, out, 3, true, &done),
			 0);
	assert_int_equal(done, 7);
	expect_lost(0, NULL);
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, out, 5, true, &done),
			 -EFAULT);
	/* The fourth crosses into the hole. */
	assert_int_equal(done, 8);
	expect_lost(1, end);
	for (unsigned int i = 0, at = 0; i < 4; at += (unsigned)out[i++].length)
		out[i].buffer = back + at;
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, out, 3, false, &done),
			 0);
	assert_int_equal(done, 7);
	/* The last byte of the second is the first of the fourth. */
	assert_memory_equal(back, "pqrswuv", 7);
	out[3].length = 1;
	assert_int_equal(ioas_frames_copy_pieces(&mt.fs, out + 3, 1, false,
						 &done), 0);
	assert_int_equal(back[7], 'w');
}

static void pieces_are_copied_up_to_a_hole(void **state)
{
	char *at = map_private(4);
	struct child c = child_fork();
	struct ioas_peer *peer = peer_of(&c);
	struct ioas_origin *o = NULL;
	struct pin p;

	(void)state;
	assert_int_equal(ioas_origin_peer_create(peer, &o), 0);
	assert_int_equal(pin_at(o, at, 4, true, &p), 0);
	child_unmap(&c, at + 2 * page_size, 2);
	check_pieces(&p, at + 2 * page_size);
	/* What the number does not give, the descriptor does. */
	ioas_peer_executed(peer);
	check_pieces(&p, at + 2 * page_size);
	ioas_peer_stayed(peer);
	assert_int_equal(tell(&c, 'p', at + page_size, page_size, PROT_NONE),
			 0);
	check_pieces(&p, at + 2 * page_size);
	unpin_all(o, &p);
	unmap(at, 4);
	child_exit(&c);
	ioas_origin_put(o);
	ioas_peer_put(peer);
}

/* ---- identity ----------------------------------------------------------- */

static void a_page_of_a_file_is_one_frame(void **state)
{
	const int fd = memfd(4);
	char *a = map_shared(fd, 0, 4), *b = map_shared(fd, 1, 3);
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c), *file = NULL, *user = NULL;
	struct pin pin[4];

	(void)state;
	assert_int_equal(ioas_origin_file_create(&mt.b, fd, &file), 0);
	assert_int_equal(ioas_origin_user_create(&mt.b, &user), 0);
	assert_int_equal(pin_at(o, a, 4, true, pin), 0);
	assert_int_equal(pin_at(o, b, 3, false, pin + 1), 0);
	assert_int_equal(pin_pages(file, 2, 1, true, pin + 2), 0);
	assert_int_equal(pin_at(user, b, 1, true, pin + 3), 0);
	assert_int_equal(ioas_backings_chunks(&mt.b), 1);
	assert_int_equal(pin[1].runs[0].pfn, pin[0].runs[0].pfn + 1);
	assert_int_equal(pin[2].runs[0].pfn, pin[0].runs[0].pfn + 2);
	assert_int_equal(pin[3].runs[0].pfn, pin[0].runs[0].pfn + 1);
	unpin_all(o, pin);
	unpin_all(o, pin + 1);
	unpin_all(file, pin + 2);
	unpin_all(user, pin + 3);
	unmap(a, 4);
	unmap(b, 3);
	close(fd);
	child_exit(&c);
	ioas_origin_put(o);
	ioas_origin_put(file);
	ioas_origin_put(user);
}

static void one_address_of_two_processes_is_two_frames(void **state)
{
	char *at = map_private(1);
	struct child c[2] = { child_fork(), child_fork() };
	struct ioas_origin *o[3] = { memory_of(c), memory_of(c + 1), NULL };
	struct pin pin[3];

	(void)state;
	assert_int_equal(ioas_origin_user_create(&mt.b, &o[2]), 0);
	for (unsigned int i = 0; i < 3; i++)
		pin_one(o[i], at, true, pin + i);
	for (uint8_t i = 0; i < 3; i++)
		assert_int_equal(frame_set(pin[i].runs[0].pfn, i + 1), 0);
	assert_int_equal(child_get(c, at), 1);
	assert_int_equal(child_get(c + 1, at), 2);
	assert_int_equal(*at, 3);
	for (unsigned int i = 0; i < 3; i++) {
		unpin_all(o[i], pin + i);
		ioas_origin_put(o[i]);
	}
	child_exit(c);
	child_exit(c + 1);
	unmap(at, 1);
}

/* As a descriptor gives it (backing.h). */
static void a_memfd_that_cannot_shrink_has_a_pointer(void **state)
{
	const int fd = memfd(2), loose = memfd(2);
	struct ioas_origin *o;
	char *a, *b, *pointer;
	struct child c;
	struct pin p;

	(void)state;
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	a = map_shared(fd, 0, 2);
	b = map_shared(loose, 0, 2);
	c = child_fork();
	o = memory_of(&c);
	pin_one(o, a + page_size, true, &p);
	pointer = o->ops->pointer(o, p.runs[0].pfn);
	assert_non_null(pointer);
	child_set(&c, a + page_size, 77);
	assert_int_equal(*pointer, 77);
	unpin_all(o, &p);
	pin_one(o, b, true, &p);
	assert_null(o->ops->pointer(o, p.runs[0].pfn));
	unpin_all(o, &p);
	unmap(a, 2);
	unmap(b, 2);
	close(fd);
	close(loose);
	child_exit(&c);
	ioas_origin_put(o);
}

static void huge_pages_of_a_file(void **state)
{
	const size_t huge = (size_t)2 << 20;
	const int fd = memfd_create("t_peer", MFD_CLOEXEC | MFD_HUGETLB);
	struct ioas_origin *o;
	struct child c;
	struct pin p;
	char *at;

	(void)state;
	at = fd < 0 || ftruncate(fd, (off_t)huge) ?
		     MAP_FAILED :
		     mmap(NULL, huge, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		print_message("# skipped: no pool of huge pages\n");
		if (fd >= 0)
			close(fd);
		return;
	}
	c = child_fork();
	o = memory_of(&c);
	assert_int_equal(pin_at(o, at, huge / page_size, true, &p), 0);
	assert_int_equal(p.rq.nr_pinned, huge / page_size);
	assert_int_equal(ioas_backings_chunks(&mt.b), 1);
	child_set(&c, at + 3 * page_size, 9);
	assert_int_equal(frame_get(pin_frame(&p, 3)), 9);
	munmap(at, huge);
	close(fd);
	child_exit(&c);
	assert_int_equal(frame_get(pin_frame(&p, 3)), 9);
	unpin_all(o, &p);
	ioas_origin_put(o);
}

/* ---- behind a pin's back ------------------------------------------------ */

static void an_exit_takes_private_memory_and_leaves_shared(void **state)
{
	const int fd = memfd(1);
	char *own = map_private(1), *shared = map_shared(fd, 0, 1);
	char *anon = map_at(NULL, 1, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);
	struct pin a, b, s;

	(void)state;
	pin_one(o, own, true, &a);
	pin_one(o, shared, true, &b);
	pin_one(o, anon, true, &s);
	child_set(&c, shared, 5);
	child_set(&c, anon, 6);
	unmap(own, 1);
	unmap(anon, 1);
	assert_int_equal(o->ops->get_alive(o), 0);
	/* What is pinned keeps the peer. */
	ioas_origin_put(ioas_origin_get(o));
	child_exit(&c);
	assert_int_equal(o->ops->get_alive(o), -EFAULT);
	assert_int_equal(frame_get(b.runs[0].pfn), 5);
	assert_int_equal(frame_set(b.runs[0].pfn, 8), 0);
	assert_int_equal(*shared, 8);
	assert_int_equal(frame_get(s.runs[0].pfn), opener ? 6 : -EFAULT);
	expect_lost(opener ? 0 : 1, anon);
	seen.nr_lost = 0;
	assert_int_equal(frame_get(a.runs[0].pfn), -EFAULT);
	expect_lost(1, own);
	assert_int_equal(frame_set(a.runs[0].pfn, 1), -EFAULT);
	expect_lost(2, own);
	unpin_all(o, &a);
	unpin_all(o, &b);
	unpin_all(o, &s);
	unmap(shared, 1);
	close(fd);
	ioas_origin_put(o);
}

/* The last pin goes after the last reference. */
static void pins_keep_the_peer(void **state)
{
	char *at = map_private(4);
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);
	struct pin p;

	(void)state;
	assert_int_equal(pin_at(o, at, 4, true, &p), 0);
	ioas_origin_put(o);
	assert_int_equal(mt.b.nr_peers, 1);
	assert_int_equal(frame_set(p.runs[0].pfn + 3, 3), 0);
	assert_int_equal(child_get(&c, at + 3 * page_size), 3);
	ioas_backings_unpin(&mt.b, p.runs[0].pfn + 1, 3);
	assert_int_equal(frame_get(p.runs[0].pfn), 0);
	ioas_backings_unpin(&mt.b, p.runs[0].pfn, 1);
	assert_int_equal(mt.b.nr_peers, 0);
	unmap(at, 4);
	child_exit(&c);
}

static void memory_that_is_unmapped_is_lost(void **state)
{
	char *at = map_private(4), buffer[8];
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);
	struct pin p;

	(void)state;
	assert_int_equal(pin_at(o, at, 4, true, &p), 0);
	child_unmap(&c, at + 2 * page_size, 1);
	assert_int_equal(frame_get(p.runs[0].pfn + 1), 0);
	assert_int_equal(frame_get(p.runs[0].pfn + 3), 0);
	expect_lost(0, NULL);
	assert_int_equal(ioas_frames_copy(&mt.fs, p.runs[0].pfn,
					  2 * page_size - 4, buffer,
					  sizeof(buffer), true), -EFAULT);
	expect_lost(1, at + 2 * page_size);
	/* Other protection is not the device's business. */
	assert_int_equal(tell(&c, 'p', at, page_size, PROT_NONE), 0);
	assert_int_equal(frame_set(p.runs[0].pfn, 4), 0);
	assert_int_equal(frame_get(p.runs[0].pfn), 4);
	expect_lost(1, at + 2 * page_size);
	unpin_all(o, &p);
	unmap(at, 4);
	child_exit(&c);
	ioas_origin_put(o);
}

/* @told: the peer is told before; if not, it finds that the memory is gone. */
static void check_execute(bool told)
{
	const int fd = memfd(1);
	char *own = map_private(1), *shared = map_shared(fd, 0, 1);
	struct child c = child_fork();
	struct ioas_peer *peer = peer_of(&c);
	struct ioas_origin *o = NULL;
	struct pin a, b;
	char byte = 5;

	assert_int_equal(ioas_origin_peer_create(peer, &o), 0);
	pin_one(o, own, true, &a);
	pin_one(o, shared, true, &b);
	if (told)
		ioas_peer_executed(peer);
	/* Then the way is a longer one, but leads there. */
	assert_int_equal(frame_set(a.runs[0].pfn, 3), 0);
	assert_int_equal(child_get(&c, own), 3);
	child_execute(&c);
	assert_int_equal(tell(&c, 'm', own, page_size, 42), 0);
	assert_false(ioas_peer_alive(peer));
	assert_int_equal(frame_get(a.runs[0].pfn), -EFAULT);
	assert_int_equal(frame_set(a.runs[0].pfn, 1), -EFAULT);
	expect_lost(2, own);
	assert_int_equal(ioas_peer_read(peer, &byte, (uintptr_t)own, 1),
			 -EFAULT);
	assert_int_not_equal(byte, 42);
	assert_int_equal(ioas_peer_write(peer, (uintptr_t)own, &byte, 1),
			 -EFAULT);
	assert_int_equal(child_get(&c, own), 42);
	assert_int_equal(frame_set(b.runs[0].pfn, 6), 0);
	assert_int_equal(*shared, 6);
	unpin_all(o, &a);
	unpin_all(o, &b);
	unmap(own, 1);
	unmap(shared, 1);
	close(fd);
	child_exit(&c);
	ioas_origin_put(o);
	ioas_peer_put(peer);
}

static void the_next_image_is_never_reached(void **state)
{
	(void)state;
	check_execute(false);
	check_execute(true);
}

/* Somebody else goes on to use the memory: it stays, the image does not. */
/* A process that shares another's memory is more than this sanitizer follows. */
#ifndef __SANITIZE_THREAD__
static void memory_that_is_shared_stays_after_execve(void **state)
{
	char *own = map_private(2), *none = own + page_size;
	struct child c = child_fork();
	struct ioas_peer *peer = peer_of(&c);
	struct ioas_origin *o = NULL;
	struct pin p, q;
	int64_t other;
	char byte = 9;

	(void)state;
	assert_int_equal(ioas_origin_peer_create(peer, &o), 0);
	pin_one(o, own, true, &p);
	child_set(&c, own, 7);
	assert_int_equal(tell(&c, 'p', none, page_size, PROT_READ), 0);
	other = tell(&c, 's', NULL, 0, 0);
	assert_true(other > 0);
	ioas_peer_executed(peer);
	child_execute(&c);
	assert_int_equal(tell(&c, 'm', own, 2 * page_size, 42), 0);
	assert_true(ioas_peer_alive(peer));
	assert_int_equal(frame_get(p.runs[0].pfn), 7);
	assert_int_equal(frame_set(p.runs[0].pfn, 8), 0);
	assert_int_equal(ioas_peer_read(peer, &byte, (uintptr_t)own, 1), 0);
	assert_int_equal(byte, 8);
	/* Protection counts, though the descriptor knows none. */
	assert_int_equal(ioas_peer_write(peer, (uintptr_t)none, &byte, 1),
			 -EFAULT);
	assert_int_equal(ioas_peer_write(peer, (uintptr_t)own, &byte, 1), 0);
	pin_one(o, none, false, &q);
	unpin_all(o, &q);
	assert_int_equal(child_get(&c, own), 42);
	assert_int_equal(child_get(&c, none), 42);
	unpin_all(o, &p);
	assert_int_equal(kill((pid_t)other, SIGKILL), 0);
	child_exit(&c);
	while (ioas_peer_alive(peer))
		sched_yield();
	unmap(own, 2);
	ioas_origin_put(o);
	ioas_peer_put(peer);
}
#endif

/* ---- arguments ---------------------------------------------------------- */

static void check_arguments(struct ioas_peer *p, const char *at,
			    const char *ro, const char *none)
{
	char b[32] = { 0 };
	const uint64_t end = (uintptr_t)at + 2 * page_size;
	static const uint64_t wild[] = {
		0, 1, UINT64_MAX, UINT64_MAX - 15, (uint64_t)1 << 47,
		((uint64_t)1 << 47) - 8, (uint64_t)1 << 63,
	};

	assert_int_equal(ioas_peer_write(p, end - 16, "0123456789abcdef", 16),
			 0);
	assert_int_equal(ioas_peer_read(p, b, end - 16, 16), 0);
	assert_memory_equal(b, "0123456789abcdef", 16);
	assert_int_equal(ioas_peer_read(p, b, (uintptr_t)at + page_size - 8,
					16), 0);
	/* Beyond it is nothing. */
	assert_int_equal(ioas_peer_read(p, b, end - 16, 17), -EFAULT);
	assert_int_equal(ioas_peer_write(p, end - 16, b, 17), -EFAULT);
	assert_int_equal(ioas_peer_read(p, b, (uintptr_t)ro, 16), 0);
	assert_int_equal(ioas_peer_write(p, (uintptr_t)ro, b, 16), -EFAULT);
	assert_int_equal(ioas_peer_read(p, b, (uintptr_t)none, 16), -EFAULT);
	assert_int_equal(ioas_peer_write(p, (uintptr_t)none, b, 16), -EFAULT);
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(wild); i++) {
		assert_int_equal(ioas_peer_read(p, b, wild[i], 16), -EFAULT);
		assert_int_equal(ioas_peer_write(p, wild[i], b, 16), -EFAULT);
		assert_int_equal(ioas_peer_read(p, b, wild[i], 0), 0);
		assert_int_equal(ioas_peer_write(p, wild[i], b, 0), 0);
	}
}

static void arguments_honour_protection(void **state)
{
	char *at = map_private(6), *ro = at + 3 * page_size,
	     *none = at + 5 * page_size;
	struct child c;
	struct ioas_peer *p;
	bool text;

	(void)state;
	unmap(at + 2 * page_size, 1);
	unmap(at + 4 * page_size, 1);
	mprotect(ro, page_size, PROT_READ);
	mprotect(none, page_size, PROT_NONE);
	c = child_fork();
	p = peer_of(&c);
	check_arguments(p, at, ro, none);
	text = p->space.vmas.text;
	p->space.vmas.text = true;
	check_arguments(p, at, ro, none);
	p->space.vmas.text = text;
	ioas_peer_executed(p);
	check_arguments(p, at, ro, none);
	p->space.vmas.text = true;
	check_arguments(p, at, ro, none);
	child_exit(&c);
	ioas_peer_put(p);
	unmap(at, 2);
	unmap(ro, 1);
	unmap(none, 1);
}

static void a_copy_is_for_its_own_callers(void **state)
{
	struct ioas_caller caller = { .mm = &tag }, *old;
	char *at = map_private(1), byte = 5;
	const uint64_t where = (uintptr_t)at;
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);

	(void)state;
	assert_int_equal(o->ops->copy(o, where, &byte, 1, IOAS_COPY_WRITE),
			 -EAGAIN);
	assert_int_equal(o->ops->copy(o, where, &byte, 1,
				      IOAS_COPY_WRITE | IOAS_COPY_ADOPT), 0);
	assert_int_equal(child_get(&c, at), 5);
	child_set(&c, at, 6);
	old = ioas_caller_enter(&caller);
	assert_int_equal(o->ops->copy(o, where, &byte, 1, 0), 0);
	assert_int_equal(byte, 6);
	assert_int_equal(tell(&c, 'p', at, page_size, PROT_READ), 0);
	assert_int_equal(o->ops->copy(o, where, &byte, 1, IOAS_COPY_WRITE),
			 -EFAULT);
	ioas_caller_leave(old);
	unmap(at, 1);
	child_exit(&c);
	/* There is nothing to adopt; what is pinned may be there still. */
	assert_int_equal(o->ops->copy(o, where, &byte, 1, IOAS_COPY_ADOPT),
			 -EAGAIN);
	old = ioas_caller_enter(&caller);
	assert_int_equal(o->ops->copy(o, where, &byte, 1, 0), -EFAULT);
	ioas_caller_leave(old);
	ioas_origin_put(o);
}

/* ---- what may not be pinned --------------------------------------------- */

static void a_file_that_is_denied_cannot_be_pinned(void **state)
{
	const int rw = PROT_READ | PROT_WRITE;
	const int fd = memfd(1), other = memfd(1);
	char *a = map_shared(fd, 0, 1), *b = map_shared(other, 0, 1),
	     *copy = map_at(NULL, 1, rw, MAP_PRIVATE, fd, 0);
	struct child c = child_fork();
	struct ioas_origin *o = memory_of(&c);
	struct ioas_vma vma;
	struct stat st;
	struct pin p;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ioas_vma_find(&mt.b.self.vmas, (uintptr_t)a, &vma), 0);
	seen.deny_ino = st.st_ino;
	seen.deny_dev = vma.dev;
	assert_int_equal(pin_at(o, a, 1, true, &p), -EFAULT);
	assert_int_equal(pin_at(o, a, 1, false, &p), -EFAULT);
	assert_int_equal(pin_at(o, copy, 1, false, &p), -EFAULT);
	pin_one(o, b, true, &p);
	unpin_all(o, &p);
	seen.deny_dev++;
	pin_one(o, a, true, &p);
	unpin_all(o, &p);
	unmap(a, 1);
	unmap(b, 1);
	unmap(copy, 1);
	close(fd);
	close(other);
	child_exit(&c);
	ioas_origin_put(o);
}

/* ---- life --------------------------------------------------------------- */

static void a_process_that_is_not_there_is_esrch(void **state)
{
	struct child c = child_fork();
	struct ioas_peer *p = NULL;
	siginfo_t info;

	(void)state;
	close(c.fd);
	assert_int_equal(waitid(P_PID, (id_t)c.pid, &info, WEXITED | WNOWAIT),
			 0);
	/* Names of a process without memory are root's. */
	assert_int_equal(ioas_peer_create(&mt.b, c.pid, NULL, NULL, NULL, &p),
			 root ? -ESRCH : -EPERM);
	assert_int_equal(waitpid(c.pid, NULL, 0), c.pid);
	assert_int_equal(ioas_peer_create(&mt.b, c.pid, NULL, NULL, NULL, &p),
			 -ESRCH);
	assert_null(p);
}

static void a_process_of_somebody_else_is_eperm(void **state)
{
	struct ioas_peer *p = NULL;

	(void)state;
	if (root) {
		print_message("# skipped: everybody's memory is ours\n");
		return;
	}
	assert_int_equal(ioas_peer_create(&mt.b, 1, NULL, NULL, NULL, &p),
			 -EPERM);
	assert_null(p);
}

static void without_descriptors_it_is_emfile(void **state)
{
	struct child c = child_fork();
	struct rlimit before, few;
	struct ioas_peer *p = NULL;
	int ret[2];

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	for (unsigned int i = 0; i < 2; i++) {
		/* The lowest that is free is the only one, or is not. */
		const int fd = dup(c.fd);

		few.rlim_cur = (rlim_t)fd + i;
		close(fd);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		ret[i] = ioas_peer_create(&mt.b, c.pid, NULL, NULL, NULL, &p);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	}
	assert_int_equal(ret[0], -EMFILE);
	assert_int_equal(ret[1], -EMFILE);
	assert_null(p);
	child_exit(&c);
}

static void every_fault_point_is_undone(void **state)
{
	struct child c = child_fork();
	int ret = -1;

	(void)state;
	for (uint64_t nth = 1; ret; nth++) {
		struct ioas_fault fault = { .nth = nth };
		struct ioas_caller caller = { .fault = &fault }, *old;
		const unsigned int fds = fds_now();
		struct ioas_origin *o = NULL;
		struct ioas_peer *p = NULL;

		ioas_fault_arm(&fault);
		old = ioas_caller_enter(&caller);
		ret = ioas_peer_create(&mt.b, c.pid, NULL, NULL, NULL, &p);
		if (!ret)
			ret = ioas_origin_peer_create(p, &o);
		if (!ret)
			ret = o->ops->get_alive(o);
		ioas_caller_leave(old);
		ioas_fault_disarm();
		assert_true(!ret || ret == -ENOMEM || (ret == -EFAULT && o));
		ioas_origin_put(o);
		ioas_peer_put(p);
		assert_int_equal(fds_now(), fds);
		assert_int_equal(mt.b.nr_peers, 0);
	}
	child_exit(&c);
}

static void a_thousand_lives_leave_nothing(void **state)
{
	const int fd = memfd(1);
	char *own = map_private(1), *shared = map_shared(fd, 0, 1);
	struct child c = child_fork();

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		struct ioas_origin *o = memory_of(&c);
		struct pin a, b;

		pin_one(o, own, true, &a);
		pin_one(o, shared, true, &b);
		unpin_all(o, &b);
		ioas_origin_put(o);
		ioas_backings_unpin(&mt.b, a.runs[0].pfn, 1);
	}
	assert_int_equal(mt.b.nr_peers, 0);
	unmap(own, 1);
	unmap(shared, 1);
	close(fd);
	child_exit(&c);
}

/* False: there is some, and it cannot be given up. */
static bool become_nobody(void)
{
	return geteuid() ||
	       (!setgroups(0, NULL) &&
		!setresgid(NOBODY, NOBODY, NOBODY) &&
		!setresuid(NOBODY, NOBODY, NOBODY) &&
		!prctl(PR_SET_DUMPABLE, 1));
}

static bool can_open_mappings(void)
{
	char *at = map_at(NULL, 1, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1,
			  0);
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (unsigned long)at, (unsigned long)at + page_size);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	unmap(at, 1);
	return fd >= 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		memory_case(every_mapping_has_its_answer),
		memory_case(without_the_query_answers_are_the_same),
		memory_case(only_the_file_of_a_mapping_is_opened),
		memory_case(devices_and_the_process_see_the_same),
		memory_case(a_copy_crosses_pages),
		memory_case(pieces_are_copied_up_to_a_hole),
		memory_case(a_page_of_a_file_is_one_frame),
		memory_case(one_address_of_two_processes_is_two_frames),
		memory_case(a_memfd_that_cannot_shrink_has_a_pointer),
		memory_case(huge_pages_of_a_file),
		memory_case(an_exit_takes_private_memory_and_leaves_shared),
		memory_case(pins_keep_the_peer),
		memory_case(memory_that_is_unmapped_is_lost),
		memory_case(the_next_image_is_never_reached),
#ifndef __SANITIZE_THREAD__
		memory_case(memory_that_is_shared_stays_after_execve),
#endif
		memory_case(arguments_honour_protection),
		memory_case(a_copy_is_for_its_own_callers),
		memory_case(a_file_that_is_denied_cannot_be_pinned),
		memory_case(a_process_that_is_not_there_is_esrch),
		memory_case(a_process_of_somebody_else_is_eperm),
		memory_case(without_descriptors_it_is_emfile),
		memory_case(every_fault_point_is_undone),
		memory_case(a_thousand_lives_leave_nothing),
	};

	if (argc > 1 && !strcmp(argv[1], "--child"))
		serve();
	if (AS_NOBODY && !become_nobody())
		return 1;
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	root = !geteuid();
	opener = can_open_mappings();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
