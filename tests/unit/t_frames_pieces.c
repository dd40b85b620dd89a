/* SPDX-License-Identifier: MIT */
/*
 * Copies of many pieces against plain arrays: owners of all kinds side by side,
 * holes anywhere, and how often an owner is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "origin/frames.h"

#define PAGE 8u
#define RANGE_PAGES 6u
#define RANGE_BYTES (RANGE_PAGES * PAGE)
#define FIRST ((ioas_pfn_t)1 << 50)

static uint64_t rng = 88172645463325252u;

static uint64_t next_random(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* ---- owners ------------------------------------------------------------- */

/* Bytes from @hole on are not there. */
struct store {
	uint8_t bytes[RANGE_BYTES] __attribute__((aligned(8)));
	uint64_t hole;
	unsigned int calls;
	unsigned int vectors;
	uint32_t most;
};

static void *no_pointer(void *owner, uint64_t page)
{
	(void)owner;
	(void)page;
	return NULL;
}

/* Page by page: the other half of the owners that have pointers. */
static void *page_pointer(void *owner, uint64_t page)
{
	struct store *s = owner;

	return s->bytes + page * PAGE;
}

static void move(struct store *s, uint64_t at, void *buffer, uint64_t n,
		 bool write)
{
	assert_true(at + n <= sizeof(s->bytes));
	if (write)
		memcpy(s->bytes + at, buffer, (size_t)n);
	else
		memcpy(buffer, s->bytes + at, (size_t)n);
}

/* All or nothing, so that it is known what nothing was. */
static int store_copy(void *owner, uint64_t page, uint64_t offset,
		      void *buffer, uint64_t length, bool write)
{
	struct store *s = owner;

	s->calls++;
	if (page * PAGE + offset + length > s->hole)
		return -EFAULT;
	move(s, page * PAGE + offset, buffer, length, write);
	return 0;
}

static int store_pieces(void *owner, const struct ioas_frames_piece *pieces,
			uint32_t nr, bool write, uint64_t *done)
{
	struct store *s = owner;

	s->vectors++;
	if (s->most < nr)
		s->most = nr;
	assert_in_range(nr, 1, IOAS_FRAMES_BATCH);
	*done = 0;
	for (uint32_t i = 0; i < nr; i++) {
		const uint64_t at = pieces[i].pfn * PAGE + pieces[i].offset;
		const uint64_t room = s->hole > at ? s->hole - at : 0;
		const uint64_t n = ioas_min(pieces[i].length, room);

		move(s, at, pieces[i].buffer, n, write);
		*done += n;
		if (n < pieces[i].length)
			return -EFAULT;
	}
	return 0;
}

static const struct ioas_frames_ops both = { no_pointer, store_copy,
					     store_pieces };
static const struct ioas_frames_ops single = { no_pointer, store_copy, NULL };
static const struct ioas_frames_ops many = { no_pointer, NULL, store_pieces };
static const struct ioas_frames_ops pages = { .pointer = page_pointer };
static const struct ioas_frames_ops mute = { .pointer = no_pointer };

/* ---- a row of ranges ---------------------------------------------------- */

#define KINDS 6u

struct row {
	struct ioas_frames fs;
	struct store store[KINDS];
};

static const struct ioas_frames_ops *const row_ops[KINDS] = {
	&both, NULL, &single, &many, &pages, &both,
};

static void row_begin(struct row *r)
{
	memset(r, 0, sizeof(*r));
	assert_int_equal(ioas_frames_init(&r->fs, 3), 0);
	for (unsigned int i = 0; i < KINDS; i++) {
		struct ioas_frames_owner by = { row_ops[i], &r->store[i],
						NULL };

		r->store[i].hole = RANGE_BYTES;
		if (!by.ops)
			by.base = r->store[i].bytes;
		assert_int_equal(ioas_frames_register(&r->fs,
						      FIRST + i * RANGE_PAGES,
						      RANGE_PAGES, &by), 0);
	}
}

static void row_end(struct row *r)
{
	for (unsigned int i = 0; i < KINDS; i++)
		ioas_frames_free(&r->fs, FIRST + i * RANGE_PAGES);
	ioas_frames_fini(&r->fs);
}

static struct ioas_frames_piece piece(uint64_t at, void *buffer, uint64_t n)
{
	return (struct ioas_frames_piece){ FIRST + at / PAGE, at % PAGE,
					   buffer, n, false };
}

/* ---- the twin ----------------------------------------------------------- */

#define ROW_BYTES (KINDS * RANGE_BYTES)

/* Which bytes are copied; what lies behind a hole ends it. */
static uint64_t twin_done(const struct row *r, uint64_t at, uint64_t n)
{
	uint64_t done = 0;

	while (done < n) {
		const unsigned int i = (unsigned int)((at + done) /
						      RANGE_BYTES);
		const uint64_t from = (at + done) % RANGE_BYTES;
		const uint64_t part = ioas_min(n - done, RANGE_BYTES - from);
		const uint64_t hole = r->store[i].hole;

		if (from + part > hole)
			return done + (row_ops[i] == &single || hole < from ?
					       0 : hole - from);
		done += part;
	}
	return done;
}

static void twin_step(struct row *r, uint8_t *twin, bool write)
{
	struct ioas_frames_piece pieces[12];
	uint8_t buffer[12][64], want[12][64];
	uint32_t nr = (uint32_t)(next_random() % 13);
	uint64_t done, sum = 0;
	bool whole = true;
	int ret;

	for (uint32_t i = 0; i < nr; i++) {
		const uint64_t n = next_random() % 64;
		const uint64_t at = next_random() % (ROW_BYTES - n);
		uint64_t copied = 0;

		for (unsigned int k = 0; k < 64; k++)
			buffer[i][k] = (uint8_t)next_random();
		memcpy(want[i], buffer[i], 64);
		pieces[i] = piece(at, buffer[i], n);
		if (next_random() % 2) {
			/* The same byte, said in another way. */
			pieces[i].offset += pieces[i].pfn % 4 * PAGE;
			pieces[i].pfn -= pieces[i].pfn % 4;
		}
		if (whole)
			copied = twin_done(r, at, n);
		whole = whole && copied == n;
		sum += copied;
		if (write)
			memcpy(twin + at, buffer[i], (size_t)copied);
		else
			memcpy(want[i], twin + at, (size_t)copied);
	}
	ret = ioas_frames_copy_pieces(&r->fs, pieces, nr, write, &done);
	assert_int_equal(ret, whole ? 0 : -EFAULT);
	assert_int_equal(done, sum);
	for (uint32_t i = 0; i < nr; i++)
		assert_memory_equal(buffer[i], want[i], 64);
	for (unsigned int i = 0; i < KINDS; i++)
		assert_memory_equal(r->store[i].bytes, twin + i * RANGE_BYTES,
				    RANGE_BYTES);
}

static void pieces_match_a_plain_array(void **state)
{
	uint8_t twin[ROW_BYTES] = { 0 };
	struct row r;

	(void)state;
	row_begin(&r);
	for (unsigned int n = 0; n < 20000; n++) {
		for (unsigned int i = 0; i < KINDS; i++)
			r.store[i].hole = row_ops[i] && row_ops[i] != &pages &&
					  !(next_random() % 8) ?
						  next_random() % RANGE_BYTES :
						  RANGE_BYTES;
		twin_step(&r, twin, n % 2);
	}
	row_end(&r);
}

/* ---- how often ---------------------------------------------------------- */

static void pieces_of_one_owner_are_one_call(void **state)
{
	struct ioas_frames_piece pieces[IOAS_FRAMES_BATCH + 3];
	uint8_t buffer[IOAS_FRAMES_BATCH + 3];
	struct store *s;
	struct row r;
	uint64_t done;

	(void)state;
	row_begin(&r);
	s = &r.store[0];
	for (uint32_t i = 0; i < IOAS_ARRAY_SIZE(pieces); i++) {
		buffer[i] = (uint8_t)i;
		pieces[i] = piece(i * 5u % RANGE_BYTES, &buffer[i], 1);
	}
	for (uint32_t nr = 1; nr <= IOAS_ARRAY_SIZE(pieces); nr++) {
		s->vectors = s->calls = s->most = 0;
		assert_int_equal(ioas_frames_copy_pieces(&r.fs, pieces, nr,
							 true, &done), 0);
		assert_int_equal(done, nr);
		assert_int_equal(s->calls, 0);
		assert_int_equal(s->vectors, nr > IOAS_FRAMES_BATCH ? 2 : 1);
		assert_int_equal(s->most, ioas_min(nr, IOAS_FRAMES_BATCH));
	}
	/* Without such a call, each of them is one. */
	s = &r.store[2];
	for (uint32_t i = 0; i < 7; i++)
		pieces[i] = piece(2 * RANGE_BYTES + i, &buffer[i], 1);
	assert_int_equal(ioas_frames_copy_pieces(&r.fs, pieces, 7, true,
						 &done), 0);
	assert_int_equal(s->calls, 7);
	row_end(&r);
}

/* What is between two pieces of an owner parts them: order is kept. */
static void owners_are_asked_in_order(void **state)
{
	uint8_t a = 1, b = 2, c = 3, seen = 0;
	struct ioas_frames_piece pieces[4];
	struct row r;
	uint64_t done;

	(void)state;
	row_begin(&r);
	pieces[0] = piece(0, &a, 1);
	pieces[1] = piece(RANGE_BYTES, &b, 1);
	pieces[2] = piece(0, &c, 1);
	pieces[3] = piece(1, &c, 1);
	assert_int_equal(ioas_frames_copy_pieces(&r.fs, pieces, 4, true,
						 &done), 0);
	assert_int_equal(r.store[0].vectors, 2);
	assert_int_equal(r.store[0].bytes[0], 3);
	/* The later of two reads into one byte stays. */
	pieces[0] = piece(0, &seen, 1);
	pieces[1] = piece(RANGE_BYTES, &seen, 1);
	assert_int_equal(ioas_frames_copy_pieces(&r.fs, pieces, 2, false,
						 &done), 0);
	assert_int_equal(seen, 2);
	row_end(&r);
}

static void what_comes_before_a_hole_is_copied(void **state)
{
	struct ioas_frames_owner by = { &mute, NULL, NULL };
	const ioas_pfn_t silent = FIRST + 1000;
	struct ioas_frames_piece pieces[4];
	uint8_t data[] = "abcdefgh";
	struct row r;
	uint64_t done = 77;

	(void)state;
	row_begin(&r);
	assert_int_equal(ioas_frames_register(&r.fs, silent, 1, &by), 0);
	for (unsigned int i = 0; i < 2; i++) {
		/* Nobody's frame; one whose owner can do nothing. */
		const ioas_pfn_t gone = i ? silent : FIRST + 900;

		memset(r.store[0].bytes, 0, RANGE_BYTES);
		pieces[0] = piece(3, data, 2);
		pieces[1] = piece(9, data + 2, 2);
		pieces[2] = (struct ioas_frames_piece){ gone, 0, data, 1,
							false };
		pieces[3] = piece(20, data, 1);
		assert_int_equal(ioas_frames_copy_pieces(&r.fs, pieces, 4,
							 true, &done),
				 -EFAULT);
		assert_int_equal(done, 4);
		assert_memory_equal(r.store[0].bytes + 3, "ab", 2);
		assert_memory_equal(r.store[0].bytes + 9, "cd", 2);
		assert_int_equal(r.store[0].bytes[20], 0);
	}
	assert_int_equal(ioas_frames_copy_pieces(&r.fs, pieces, 0, true,
						 &done), 0);
	assert_int_equal(done, 0);
	ioas_frames_free(&r.fs, silent);
	row_end(&r);
}

/* ---- words -------------------------------------------------------------- */

/* Every size at every place, so that each way of moving is taken. */
static void words_go_where_bytes_would(void **state)
{
	struct store *s;
	struct row r;
	uint64_t done;

	(void)state;
	row_begin(&r);
	s = &r.store[1];
	for (unsigned int at = 0; at < 24; at++)
		for (unsigned int n = 1; n <= 16; n++) {
			uint8_t out[16], in[17] = { 0 };
			struct ioas_frames_piece p =
				piece(RANGE_BYTES + at, out, n);

			for (unsigned int k = 0; k < 16; k++)
				out[k] = (uint8_t)(next_random() | 1);
			memset(s->bytes, 0, RANGE_BYTES);
			assert_int_equal(ioas_frames_copy_pieces(
						 &r.fs, &p, 1, true, &done),
					 0);
			assert_int_equal(done, n);
			assert_memory_equal(s->bytes + at, out, n);
			assert_int_equal(s->bytes[at + n], 0);
			assert_true(!at || !s->bytes[at - 1]);
			p.buffer = in;
			assert_int_equal(ioas_frames_copy_pieces(
						 &r.fs, &p, 1, false, &done),
					 0);
			assert_memory_equal(in, out, n);
			assert_int_equal(in[n], 0);
		}
	row_end(&r);
}

/* To memory that has a pointer, from a file that is cut: no signal. */
static void what_is_cut_from_a_mapping_is_an_error(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const int fd = memfd_create("cut", MFD_CLOEXEC);
	uint8_t *map, *to = aligned_alloc(page, 2 * page);
	struct ioas_frames_piece pc[2];
	struct ioas_frames fs;
	uint64_t done;

	(void)state;
	assert_non_null(to);
	assert_int_equal(ftruncate(fd, (off_t)(2 * page)), 0);
	map = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	assert_int_equal(pwrite(fd, "first", 5, 0), 5);
	assert_int_equal(ioas_frames_init(&fs, (uint8_t)ioas_log2(page)), 0);
	for (unsigned int i = 0; i < 2; i++)
		pc[i] = (struct ioas_frames_piece){
			.pfn = (uintptr_t)to / page + i,
			.buffer = map + i * page,
			.length = page,
			.fragile = true,
		};
	assert_int_equal(ioas_frames_copy_pieces(&fs, pc, 2, true, &done), 0);
	assert_int_equal(done, 2 * page);
	assert_string_equal((char *)to, "first");
	assert_int_equal(pwrite(fd, "again", 5, 0), 5);
	assert_int_equal(ftruncate(fd, (off_t)page), 0);
	assert_int_equal(ioas_frames_copy_pieces(&fs, pc, 2, true, &done),
			 -EFAULT);
	assert_int_equal(done, page);
	assert_string_equal((char *)to, "again");
	ioas_frames_fini(&fs);
	munmap(map, 2 * page);
	close(fd);
	free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_match_a_plain_array),
		cmocka_unit_test(pieces_of_one_owner_are_one_call),
		cmocka_unit_test(owners_are_asked_in_order),
		cmocka_unit_test(what_comes_before_a_hole_is_copied),
		cmocka_unit_test(words_go_where_bytes_would),
		cmocka_unit_test(what_is_cut_from_a_mapping_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
