/* SPDX-License-Identifier: MIT */
/*
 * nvme: files that take their time, and files that fail once
 *
 * A file system that is slow is one that lets the clock of the machine go on:
 * nothing here takes as long as it says.
 */
#include "nvme_test.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#define MS UINT64_C(1000000)
#define US UINT64_C(1000)
#define FREE_MAX (16u << 20)

/* ---- the file system ---------------------------------------------------- */

/* Syncs: errors to come, each once; files that none comes back from. */
static _Atomic int sync_error;
static _Atomic int sync_blocked = -1;
static _Atomic unsigned int nr_begun, nr_ended;
/* What a call takes. */
static uint64_t io_takes, fallocate_takes;

/* Calls of fallocate: where the last ended, and how many do well from now on. */
static unsigned int nr_fallocates, fallocates_left;
static uint64_t fallocate_first, fallocate_end, fallocate_most;

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int fdatasync(int fd)
{
	int error;

	nr_begun++;
	while (sync_blocked == fd)
		usleep(100);
	error = atomic_exchange(&sync_error, 0);
	nr_ended++;
	return error ? fail_with(error) : 0;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
	kit_advance(io_takes);
	return (ssize_t)syscall(SYS_pwrite64, fd, data, length, offset);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset)
{
	kit_advance(io_takes);
	return (ssize_t)syscall(SYS_pread64, fd, data, length, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	const uint64_t first = (uint64_t)offset, bytes = (uint64_t)length;

	kit_advance(fallocate_takes);
	if (!fallocates_left)
		return fail_with(EOPNOTSUPP);
	fallocates_left--;
	if (!nr_fallocates++)
		fallocate_first = first;
	else
		assert_int_equal(first, fallocate_end);
	fallocate_end = first + bytes;
	if (bytes > fallocate_most)
		fallocate_most = bytes;
	/* Zeroes are made as holes, which files in memory can do as well. */
	(void)mode;
	return (int)syscall(SYS_fallocate, fd,
			    FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset,
			    length);
}

static void fallocate_expect(uint64_t takes, unsigned int left)
{
	nr_fallocates = 0;
	fallocate_most = 0;
	fallocate_takes = takes;
	fallocates_left = left;
}

/* ---- a machine ---------------------------------------------------------- */

/* Two disks of 4 MiB, in files that are deleted. */
static int setup(void **state)
{
	char path[2][32];
	struct ioas_model_setting s[3] = { { "size", "4M" } };
	struct driver *d;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		strcpy(path[i], "/tmp/t_dev_nvme-XXXXXX");
		close(mkstemp(path[i]));
		s[i + 1] = (struct ioas_model_setting){ "file", path[i] };
	}
	d = driver_new(s, 3);
	for (i = 0; i < 2; i++)
		unlink(path[i]);
	io_queue_new(d, 1, IO_SIZE);
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	sync_blocked = -1;
	sync_error = 0;
	io_takes = 0;
	driver_free(*state);
	return 0;
}

static int fd_of(struct driver *d, unsigned int nsid)
{
	const struct nvme *n = kit_state(d->kit);

	return n->ns[nsid - 1].fd;
}

static struct nvme_sqe flush_of(uint32_t nsid)
{
	return io_sqe(0, nsid, 0, 1, 0, 0);
}

static unsigned int take_all(struct driver *d, unsigned int q)
{
	struct nvme_cqe c;
	unsigned int nr = 0;

	while (queue_take(d, q, &c, true)) {
		assert_int_equal(STATUS(c), 0);
		nr++;
	}
	return nr;
}

static void wait_for(struct driver *d, _Atomic unsigned int *nr, unsigned int at)
{
	int i;

	for (i = 0; i < 5000 && *nr < at; i++)
		wait_some(d, i);
	assert_true(*nr >= at);
}

/* ---- errors ------------------------------------------------------------- */

static void a_failed_sync_is_not_to_be_retried(void **state)
{
	static const struct { int error; unsigned int status; } row[] = {
		{ EIO, NVME_WRITE_FAULT },
		{ ENOSPC, NVME_CAPACITY },
		{ EDQUOT, NVME_CAPACITY },
	};
	struct driver *d = *state;
	struct nvme_sqe through = io_sqe(1, 1, 0, 1, DATA, 0);
	struct nvme_sqe zeroes = io_sqe(8, 1, 0, 1, 0, 0);
	size_t i;

	through.cdw12 |= 1u << 30;
	zeroes.cdw12 |= 1u << 30;
	fallocate_expect(0, UINT32_MAX);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		const struct nvme_sqe e[] = { flush_of(1), through, zeroes,
					      flush_of(NVME_BROADCAST) };
		size_t k;

		for (k = 0; k < IOAS_ARRAY_SIZE(e); k++) {
			nr_fallocates = 0;
			sync_error = row[i].error;
			assert_int_equal(status_of(d, 1, e[k]),
					 DNR(row[i].status));
			/* It was told, and that is that. */
			nr_fallocates = 0;
			assert_int_equal(status_of(d, 1, e[k]), 0);
			assert_int_equal(status_of(d, 1, flush_of(2)), 0);
		}
	}
}

/* Ways of who waits for a sync not to hear of it. */
static void go_away(struct driver *d, unsigned int how, uint16_t cid)
{
	struct nvme_cqe c;

	switch (how) {
	case 0:
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 8, .cdw10 = 1 | (uint32_t)cid << 16 }), 0);
		assert_true(kit_settle(d->kit, 10));
		assert_true(queue_take(d, 1, &c, true));
		assert_int_equal(STATUS(c), NVME_ABORT_REQUESTED);
		break;
	case 1:
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 0, .cdw10 = 1 }), 0);
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 4, .cdw10 = 1 }), 0);
		io_queue_new(d, 1, IO_SIZE);
		break;
	case 2:
		driver_disable(d);
		break;
	default:
		kit_reset(d->kit);
		break;
	}
	if (how < 2)
		return;
	driver_enable(d);
	io_queue_new(d, 1, IO_SIZE);
}

static void an_error_that_nobody_heard_is_told_to_the_next(void **state)
{
	struct driver *d = *state;
	unsigned int how;
	uint16_t cid;

	for (how = 0; how < 4; how++) {
		nr_begun = 0;
		nr_ended = 0;
		sync_blocked = fd_of(d, 1);
		cid = queue_put(d, 1, flush_of(1));
		queue_ring(d, 1);
		wait_for(d, &nr_begun, 1);
		go_away(d, how, cid);
		sync_error = EIO;
		sync_blocked = -1;
		wait_for(d, &nr_ended, 1);
		/* It is of that file, and told once. */
		assert_int_equal(status_of(d, 1, flush_of(2)), 0);
		assert_int_equal(status_of(d, 1, flush_of(1)),
				 DNR(NVME_WRITE_FAULT));
		assert_int_equal(status_of(d, 1, flush_of(1)), 0);
	}
	/* A shutdown has nobody to tell either. */
	sync_error = EIO;
	reg32_set(d, 0x14, CC_ENABLE | 1u << 14);
	wait_csts(d, 1 | 2u << 2);
	driver_disable(d);
	driver_enable(d);
	io_queue_new(d, 1, IO_SIZE);
	assert_int_equal(status_of(d, 1, flush_of(NVME_BROADCAST)),
			 DNR(NVME_WRITE_FAULT));
	assert_int_equal(status_of(d, 1, flush_of(NVME_BROADCAST)), 0);
}

/* What waits for room in its queue has not been told yet. */
static void an_error_that_found_no_room_is_kept(void **state)
{
	struct driver *d = *state;
	unsigned int i;

	for (i = 0; i < IO_SIZE - 2; i++)
		queue_put(d, 1, io_sqe(2, 1, 0, 1, DATA, 0));
	/* Begins with room for one, which a sync of another queue takes. */
	io_queue_new(d, 2, IO_SIZE);
	assert_int_equal(status_of(d, 0, (struct nvme_sqe){
		.opcode = 1, .prp1 = QUEUE_IOVA(3), .cdw10 = 3 | 15u << 16,
		.cdw11 = 1 | 1u << 16 }), 0);
	d->q[3] = (struct test_queue){ .id = 3, .cqid = 1, .size = IO_SIZE,
				       .sq = QUEUE_IOVA(3) };
	queue_ring(d, 1);
	assert_true(kit_settle(d->kit, 20));
	sync_blocked = fd_of(d, 1);
	nr_begun = 0;
	nr_ended = 0;
	queue_put(d, 1, flush_of(1));
	queue_ring(d, 1);
	wait_for(d, &nr_begun, 1);
	queue_put(d, 3, io_sqe(2, 2, 0, 1, DATA, 0));
	queue_ring(d, 3);
	kit_settle(d->kit, 20);
	sync_error = EIO;
	sync_blocked = -1;
	wait_for(d, &nr_ended, 1);
	kit_poll(d->kit, 20);
	driver_disable(d);
	driver_enable(d);
	io_queue_new(d, 1, IO_SIZE);
	assert_int_equal(status_of(d, 1, flush_of(1)), DNR(NVME_WRITE_FAULT));
}

static void a_file_does_not_wait_for_another(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c;

	io_queue_new(d, 2, IO_SIZE);
	nr_begun = 0;
	sync_blocked = fd_of(d, 1);
	queue_put(d, 1, flush_of(NVME_BROADCAST));
	queue_ring(d, 1);
	wait_for(d, &nr_begun, 2);
	assert_int_equal(status_of(d, 2, flush_of(2)), 0);
	assert_false(queue_take(d, 1, &c, true));
	sync_blocked = -1;
	while (!queue_take(d, 1, &c, true))
		wait_some(d, 101);
	assert_int_equal(STATUS(c), 0);
}

/* ---- time --------------------------------------------------------------- */

/* Completions that one poll comes with. */
static unsigned int poll_once(struct driver *d)
{
	kit_poll(d->kit, 1);
	return take_all(d, 1);
}

static void put_many(struct driver *d, uint8_t opcode)
{
	unsigned int i;

	for (i = 0; i < 15; i++)
		queue_put(d, 1, io_sqe(opcode, 1, i * 8, 8, DATA, 0));
	queue_ring(d, 1);
}

static void a_poll_is_bounded_in_time(void **state)
{
	/* Writes, and compares, which read. */
	static const uint8_t opcode[] = { 1, 5 };
	struct driver *d = *state;
	unsigned int i, k;

	for (i = 0; i < IOAS_ARRAY_SIZE(opcode); i++) {
		io_takes = 5 * MS;
		put_many(d, opcode[i]);
		for (k = 0; k < 15; k++)
			assert_int_equal(poll_once(d), 1);
		/* 262 us, of which two and a half have place. */
		io_takes = 100 * US;
		put_many(d, opcode[i]);
		for (k = 0; k < 5; k++)
			assert_int_equal(poll_once(d), 3);
		/* What the bytes pay for costs no more. */
		io_takes = 4 * US;
		put_many(d, opcode[i]);
		assert_int_equal(poll_once(d), 15);
	}
}

/* Each piece of data takes time when it is copied, as if it had to be read. */
static void slow_piece(void *context, bool write, uint64_t iova,
		       const void *data, size_t length)
{
	const uint64_t *takes = context;

	(void)data;
	(void)iova;
	if (write && length == 4096)
		kit_advance(*takes);
}

/* Reads, as often as it takes to find out how fast that goes. */
static void reads_done(struct driver *d)
{
	unsigned int i;

	for (i = 0; i < 5; i++) {
		put_many(d, 2);
		assert_true(kit_settle(d->kit, 20));
		assert_int_equal(take_all(d, 1), 15);
	}
}

static void what_is_sent_at_once_is_bounded_in_time(void **state)
{
	struct driver *d = *state;
	uint64_t takes = 5 * MS;
	unsigned int i, nr;

	kit_on_piece(d->kit, slow_piece, &takes);
	/* Also the very first ones. */
	for (i = 0; i < 2; i++) {
		unsigned int polls = 0;

		put_many(d, 2);
		for (nr = 0; nr < 15; polls++) {
			unsigned int some = poll_once(d);

			assert_in_range(some, 1, 2);
			nr += some;
		}
		assert_true(polls >= 14);
	}
	/* 262 us are enough for two of these. */
	takes = 100 * US;
	reads_done(d);
	put_many(d, 2);
	for (nr = 0; nr < 15; nr += i) {
		i = poll_once(d);
		assert_in_range(i, 1, 6);
	}
	/* Fast again: all at once again, but for the first. */
	takes = US;
	reads_done(d);
	put_many(d, 2);
	nr = kit_dmas(d->kit);
	assert_int_equal(poll_once(d), 15);
	/* Entries, which wrap; and one for all of them. */
	assert_in_range(kit_dmas(d->kit) - nr, 2, 3);
	kit_on_piece(d->kit, NULL, NULL);
}

/* ---- what may mean the whole disk --------------------------------------- */

static struct driver *large_new(const char *lba)
{
	const struct ioas_model_setting s[] = { { "size", "4G" },
						{ "lba", lba } };
	struct driver *d = driver_new(s, 2);

	io_queue_new(d, 1, IO_SIZE);
	return d;
}

/* Poll until there is the one completion. Return: calls of the busiest poll. */
static unsigned int busiest_poll(struct driver *d, unsigned int *polls)
{
	unsigned int most = 0, before;

	for (*polls = 0; *polls < 5000; ++*polls) {
		before = nr_fallocates;
		kit_poll(d->kit, 1);
		if (nr_fallocates - before > most)
			most = nr_fallocates - before;
		if (take_all(d, 1))
			return most;
	}
	fail();
	return most;
}

static void deallocation_is_done_in_steps(void **state)
{
	/* Neighbours, so that it is seen that nothing is left out: 1 GiB. */
	const uint32_t part[] = { 0, 1, 0, 100u << 11, 3, (924u << 11) - 4, 0 };
	struct driver *d = large_new("512");
	struct nvme_range range[IOAS_ARRAY_SIZE(part)];
	struct nvme_sqe e = { .opcode = 9, .nsid = 1, .prp1 = LISTS,
			      .cdw10 = IOAS_ARRAY_SIZE(part) - 1, .cdw11 = 4 };
	unsigned int i, polls;
	uint64_t lba = 77;

	(void)state;
	for (i = 0; i < IOAS_ARRAY_SIZE(part); lba += part[i++])
		range[i] = (struct nvme_range){ 0, part[i], lba };
	memcpy(kit_memory(d->kit, LISTS, sizeof(range)), range, sizeof(range));
	for (i = 0; i < 2; i++) {
		fallocate_expect(i ? 3 * MS : 0, UINT32_MAX);
		queue_put(d, 1, e);
		queue_ring(d, 1);
		assert_in_range(busiest_poll(d, &polls), 1, i ? 1 : 32);
		assert_int_equal(fallocate_most, FREE_MAX);
		assert_int_equal(fallocate_first, 77 * 512);
		assert_int_equal(fallocate_end - fallocate_first, 1u << 30);
		assert_true(polls + 1 >= (i ? 64u : 2u));
	}
	driver_free(d);
}

/* 256 MiB in one command; with the file system, and with one that gives up. */
static void zeroes_are_made_in_steps(void **state)
{
	struct driver *d = large_new("4096");
	struct nvme_sqe e = io_sqe(8, 1, 3, 65536, 0, 0);
	unsigned int i, polls;

	(void)state;
	for (i = 0; i < 2; i++) {
		e.cdw12 |= i << 25;
		fallocate_expect(3 * MS, UINT32_MAX);
		queue_put(d, 1, e);
		queue_ring(d, 1);
		assert_int_equal(busiest_poll(d, &polls), 1);
		assert_int_equal(nr_fallocates, 16);
		assert_int_equal(fallocate_most, FREE_MAX);
		assert_int_equal(fallocate_first, 3 * 4096);
		assert_int_equal(fallocate_end - fallocate_first, 256u << 20);
	}
	memset(kit_memory(d->kit, DATA, 4096), 0x5a, 4096);
	/* Of 18 MiB, the first 16 by the file system; the neighbours stay. */
	for (i = 0; i < 2; i++)
		assert_int_equal(status_of(d, 1, io_sqe(1, 1, i ? 8 + 4608 : 7,
							1, DATA, 0)), 0);
	for (i = 0; i < 4608; i += 511)
		assert_int_equal(status_of(d, 1, io_sqe(1, 1, 8 + i, 1, DATA,
							0)), 0);
	fallocate_expect(0, 1);
	assert_int_equal(status_of(d, 1, io_sqe(8, 1, 8, 4608, 0, 0)), 0);
	assert_int_equal(nr_fallocates, 1);
	for (i = 0; i < 2; i++)
		assert_int_equal(status_of(d, 1, io_sqe(5, 1, i ? 8 + 4608 : 7,
							1, DATA, 0)), 0);
	memset(kit_memory(d->kit, DATA, 4096), 0, 4096);
	for (i = 0; i < 4608; i += 511)
		assert_int_equal(status_of(d, 1, io_sqe(5, 1, 8 + i, 1, DATA,
							0)), 0);
	driver_free(d);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_failed_sync_is_not_to_be_retried),
		T(an_error_that_nobody_heard_is_told_to_the_next),
		T(an_error_that_found_no_room_is_kept),
		T(a_file_does_not_wait_for_another),
		T(a_poll_is_bounded_in_time),
		T(what_is_sent_at_once_is_bounded_in_time),
		cmocka_unit_test(deallocation_is_done_in_steps),
		cmocka_unit_test(zeroes_are_made_in_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
