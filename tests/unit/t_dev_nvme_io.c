/* SPDX-License-Identifier: MIT */
/*
 * nvme: commands of namespaces, and the shapes of their data
 *
 * The random test keeps a disk of its own as an array of bytes, and lets each
 * command go through a data pointer of a random shape.
 */
#include "nvme_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "prng.h"

#define KINDS_BLOCK 0x00u
#define KINDS_BUCKET 0x10u
#define KINDS_SEGMENT 0x20u
#define KINDS_LAST 0x30u

/* Two disks of 1 MiB: blocks of 512, and of 4096, in files that are deleted. */
#define DISK (1u << 20)

static char paths[2][32];

/* ---- the file system, which can fail ------------------------------------ */

static _Atomic unsigned int nr_syncs;
static _Atomic int sync_error;
static int write_error, fallocate_error;
/* Syncs that have begun, and do not end while this is set. */
static _Atomic unsigned int nr_begun;
static _Atomic bool sync_blocked;

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int fdatasync(int fd)
{
	(void)fd;
	nr_begun++;
	while (sync_blocked)
		usleep(100);
	nr_syncs++;
	return sync_error ? fail_with(sync_error) : 0;
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset)
{
	if (write_error)
		return fail_with(write_error);
	return (ssize_t)syscall(SYS_pwrite64, fd, data, length, offset);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	if (fallocate_error)
		return fail_with(fallocate_error);
	return (int)syscall(SYS_fallocate, fd, mode, offset, length);
}

/* ---- a machine with two disks ------------------------------------------- */

static struct driver *disks_new(bool read_only)
{
	struct ioas_model_setting s[4] = { { "size", "1M" } };
	struct driver *d;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		strcpy(paths[i], "/tmp/t_dev_nvme-XXXXXX");
		close(mkstemp(paths[i]));
		s[i + 1] = (struct ioas_model_setting){ "file", paths[i] };
	}
	s[3] = (struct ioas_model_setting){ "lba", "4096" };
	d = driver_new(s, 4);
	if (read_only) {
		driver_free(d);
		s[0] = (struct ioas_model_setting){ "ro", "" };
		d = driver_new(s, 4);
	}
	for (i = 0; i < 2; i++)
		unlink(paths[i]);
	io_queue_new(d, 1, IO_SIZE);
	return d;
}

static void sgl_put(struct driver *d, uint64_t at, uint64_t address,
		    uint32_t length, uint8_t kind)
{
	uint8_t *p = kit_memory(d->kit, at, 16);

	memset(p, 0, 16);
	memcpy(p, &address, 8);
	memcpy(p + 8, &length, 4);
	p[15] = kind;
}

static void sgl_set(struct nvme_sqe *e, uint64_t address, uint32_t length,
		    uint8_t kind)
{
	e->flags = 0x40;
	e->prp1 = address;
	e->prp2 = length | (uint64_t)kind << 56;
}

static void fill(struct driver *d, uint64_t at, size_t length, uint8_t seed)
{
	uint8_t *p = kit_memory(d->kit, at, length);
	size_t i;

	for (i = 0; i < length; i++)
		p[i] = (uint8_t)(seed + i * 7 + (i >> 8));
}

/* ---- commands ----------------------------------------------------------- */

static void what_is_written_is_read(void **state)
{
	struct driver *d = *state;

	fill(d, DATA, 8192, 3);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 5, 16, DATA,
						DATA + 4096)), 0);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 5, 16, DATA + 0x10000,
						DATA + 0x11000)), 0);
	assert_memory_equal(kit_memory(d->kit, DATA, 8192),
			    kit_memory(d->kit, DATA + 0x10000, 8192), 8192);
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 5, 16, DATA,
						DATA + 4096)), 0);
	*(uint8_t *)kit_memory(d->kit, DATA + 8191, 1) ^= 1;
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 5, 16, DATA,
						DATA + 4096)),
			 DNR(NVME_COMPARE_FAILURE));
	/* The other namespace is another disk. */
	assert_int_equal(status_of(d, 1, io_sqe(2, 2, 0, 1, DATA, 0)), 0);
	assert_int_equal(*(uint8_t *)kit_memory(d->kit, DATA + 5, 1), 0);
	assert_int_equal(status_of(d, 1, io_sqe(0, 1, 0, 1, 0, 0)), 0);
	assert_int_equal(status_of(d, 1, io_sqe(0, NVME_BROADCAST, 0, 1, 0,
						0)), 0);
	assert_true(kit_irqs(d->kit, 1) > 0);
}

static void bounds_of_commands(void **state)
{
	static const struct {
		uint8_t opcode;
		uint32_t nsid;
		uint64_t lba;
		uint32_t blocks;
		unsigned int status;
	} row[] = {
		{ 2, 0, 0, 1, NVME_INVALID_NAMESPACE },
		{ 2, 3, 0, 1, NVME_INVALID_NAMESPACE },
		{ 1, NVME_BROADCAST, 0, 1, NVME_INVALID_NAMESPACE },
		{ 0, 0, 0, 1, NVME_INVALID_NAMESPACE },
		{ 0, 3, 0, 1, NVME_INVALID_NAMESPACE },
		{ 2, 1, 2048, 1, NVME_LBA_RANGE },
		{ 1, 1, 2047, 2, NVME_LBA_RANGE },
		{ 5, 1, UINT64_MAX, 2, NVME_LBA_RANGE },
		{ 8, 1, 1, 2048, NVME_LBA_RANGE },
		{ 12, 2, 256, 1, NVME_LBA_RANGE },
		{ 2, 1, 0, 513, NVME_INVALID_FIELD },
		{ 1, 1, 0, 2048, NVME_INVALID_FIELD },
		{ 4, 1, 0, 1, NVME_INVALID_OPCODE },
		{ 0x0d, 1, 0, 1, NVME_INVALID_OPCODE },
		{ 0xff, 1, 0, 1, NVME_INVALID_OPCODE },
	};
	struct driver *d = *state;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
		assert_int_equal(status_of(d, 1, io_sqe(row[i].opcode,
							row[i].nsid,
							row[i].lba,
							row[i].blocks, DATA,
							LISTS)),
				 DNR(row[i].status));
}

static void zeroes_and_deallocation(void **state)
{
	struct driver *d = *state;
	struct nvme_range range[3] = { { 0, 2, 8 }, { 0, 0, 1 }, { 0, 1, 0 } };
	struct nvme_sqe e;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fill(d, DATA, 8192, 9);
		assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 16, DATA,
							DATA + 4096)), 0);
		e = io_sqe(8, 1, 4, 3, 0, 0);
		e.cdw12 |= i << 25;
		assert_int_equal(status_of(d, 1, e), 0);
		memset(kit_memory(d->kit, DATA + 4 * 512, 3 * 512), 0, 1536);
		assert_int_equal(status_of(d, 1, io_sqe(5, 1, 0, 16, DATA,
							DATA + 4096)), 0);
	}
	memcpy(kit_memory(d->kit, LISTS, 48), range, 48);
	e = (struct nvme_sqe){ .opcode = 9, .nsid = 1, .prp1 = LISTS,
			       .cdw10 = 2, .cdw11 = 3 };
	/* Hints change nothing. */
	assert_int_equal(status_of(d, 1, e), 0);
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 0, 16, DATA,
						DATA + 4096)), 0);
	e.cdw11 = 4;
	assert_int_equal(status_of(d, 1, e), 0);
	memset(kit_memory(d->kit, DATA + 8 * 512, 1024), 0, 1024);
	memset(kit_memory(d->kit, DATA, 512), 0, 512);
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 0, 16, DATA,
						DATA + 4096)), 0);
	/* All or nothing. */
	range[2].lba = 2048;
	memcpy(kit_memory(d->kit, LISTS, 48), range, 48);
	assert_int_equal(status_of(d, 1, e), DNR(NVME_LBA_RANGE));
	assert_int_equal(status_of(d, 1, io_sqe(8, 1, 0, 2048, 0, 0)), 0);
	assert_int_equal(status_of(d, 1, io_sqe(12, 1, 0, 2048, 0, 0)), 0);
}

static void a_read_only_namespace_is_protected(void **state)
{
	static const uint8_t change[] = { 1, 8, 9 };
	struct driver *d = disks_new(true);
	struct nvme_sqe e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(change); i++) {
		e = io_sqe(change[i], 1, 0, 1, DATA, 0);
		e.cdw11 = change[i] == 9 ? 4 : 0;
		assert_int_equal(status_of(d, 1, e),
				 DNR(NVME_WRITE_PROTECTED));
	}
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 1, DATA, 0)), 0);
	assert_int_equal(status_of(d, 1, io_sqe(0, 1, 0, 1, DATA, 0)), 0);
	driver_free(d);
}

static void a_file_that_was_cut_is_a_media_error(void **state)
{
	char path[] = "/tmp/t_dev_nvme-XXXXXX";
	struct ioas_model_setting s[] = { { "file", path }, { "size", "64K" } };
	int fd = mkstemp(path);
	struct driver *d = driver_new(s, 2);
	uint64_t errors;

	(void)state;
	io_queue_new(d, 1, IO_SIZE);
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 8, 1, DATA, 0)),
			 NVME_READ_ERROR);
	assert_int_equal(status_of(d, 1, io_sqe(12, 1, 0, 128, 0, 0)),
			 NVME_READ_ERROR);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 7, 1, DATA, 0)), 0);
	assert_int_equal(status_of(d, 0, (struct nvme_sqe){ .opcode = 2,
		.prp1 = DATA, .cdw10 = 2 | 127u << 16 }), 0);
	memcpy(&errors, kit_memory(d->kit, DATA + 160, 8), 8);
	assert_int_equal(errors, 2);
	driver_free(d);
	close(fd);
	unlink(path);
}

static void what_is_to_last_is_synced(void **state)
{
	struct driver *d = *state;
	struct nvme_sqe e = io_sqe(1, 1, 0, 1, DATA, 0);
	struct nvme_sqe zeroes = io_sqe(8, 1, 0, 1, 0, 0);
	struct nvme_sqe cache = { .opcode = 9, .cdw10 = 6 };

	nr_syncs = 0;
	assert_int_equal(status_of(d, 1, e), 0);
	assert_int_equal(status_of(d, 1, zeroes), 0);
	assert_int_equal(nr_syncs, 0);
	e.cdw12 |= 1u << 30;
	zeroes.cdw12 |= 1u << 30;
	assert_int_equal(status_of(d, 1, e), 0);
	assert_int_equal(status_of(d, 1, zeroes), 0);
	assert_int_equal(nr_syncs, 2);
	assert_int_equal(status_of(d, 1, io_sqe(0, 2, 0, 1, 0, 0)), 0);
	assert_int_equal(nr_syncs, 3);
	assert_int_equal(status_of(d, 1, io_sqe(0, NVME_BROADCAST, 0, 1, 0,
						0)), 0);
	assert_int_equal(nr_syncs, 5);
	/* Off: what was written so far, and what is from now on. */
	assert_int_equal(status_of(d, 0, cache), 0);
	assert_int_equal(nr_syncs, 7);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 1, DATA, 0)), 0);
	assert_int_equal(nr_syncs, 8);
	sync_error = EIO;
	/* A retry would find nothing wrong. */
	assert_int_equal(status_of(d, 1, e), DNR(NVME_WRITE_FAULT));
	assert_int_equal(status_of(d, 1, io_sqe(0, 1, 0, 1, 0, 0)),
			 DNR(NVME_WRITE_FAULT));
	assert_int_equal(status_of(d, 0, cache), DNR(NVME_WRITE_FAULT));
	sync_error = 0;
	reg32_set(d, 0x14, CC_ENABLE | 1u << 14);
	nr_syncs = 0;
	wait_csts(d, 1 | 2u << 2);
	assert_int_equal(nr_syncs, 2);
}

static void wait_begun(struct driver *d, unsigned int nr)
{
	int i;

	for (i = 0; i < 5000 && nr_begun < nr; i++)
		wait_some(d, i);
	assert_int_equal(nr_begun, nr);
}

static void sync_block(void)
{
	nr_begun = 0;
	nr_syncs = 0;
	sync_blocked = true;
}

static void a_sync_holds_up_its_queue_alone(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c;
	uint16_t flush, read;
	unsigned int irqs;
	int i;

	io_queue_new(d, 2, IO_SIZE);
	sync_block();
	flush = queue_put(d, 1, io_sqe(0, 1, 0, 1, 0, 0));
	read = queue_put(d, 1, io_sqe(2, 1, 0, 1, DATA, 0));
	queue_ring(d, 1);
	wait_begun(d, 1);
	irqs = kit_irqs(d->kit, 1);
	/* Nothing to do, so that whoever polls may rest. */
	assert_true(kit_settle(d->kit, 10));
	assert_int_equal(status_of(d, 2, io_sqe(2, 1, 0, 1, DATA, 0)), 0);
	assert_int_equal(status_of(d, 0, (struct nvme_sqe){ .opcode = 6,
		.prp1 = DATA, .cdw10 = 1 }), 0);
	/* Another queue's is after its own write: it waits for a second round. */
	queue_put(d, 2, io_sqe(1, 1, 0, 1, DATA, 0));
	queue_put(d, 2, io_sqe(0, NVME_BROADCAST, 0, 1, 0, 0));
	queue_ring(d, 2);
	assert_true(kit_settle(d->kit, 10));
	assert_true(queue_take(d, 2, &c, true));
	assert_false(queue_take(d, 2, &c, true));
	assert_false(queue_take(d, 1, &c, true));
	assert_int_equal(kit_irqs(d->kit, 1), irqs);
	sync_blocked = false;
	for (i = 0; i < 5000 && !queue_take(d, 1, &c, true); i++)
		wait_some(d, i);
	assert_int_equal(c.cid, flush);
	assert_int_equal(kit_irqs(d->kit, 1), irqs + 1);
	kit_settle(d->kit, 10);
	assert_true(queue_take(d, 1, &c, true));
	assert_int_equal(c.cid, read);
	for (i = 0; i < 5000 && !queue_take(d, 2, &c, true); i++)
		wait_some(d, i);
	/* The first of it, and both disks. */
	assert_int_equal(nr_syncs, 3);
}

/* Of a sync of before: neither completion nor interrupt, nor any shutdown. */
static void what_was_reset_is_not_told(void **state)
{
	struct driver *d = *state;
	unsigned int round, dmas, irqs;

	for (round = 0; round < 4; round++) {
		struct nvme_sqe e = io_sqe(1, 1, 0, 1, DATA, 0);

		e.cdw12 |= 1u << 30;
		sync_block();
		queue_put(d, 1, e);
		queue_ring(d, 1);
		wait_begun(d, 1);
		if (round == 3) {
			reg32_set(d, 0x14, CC_ENABLE | 1u << 14);
			kit_poll(d->kit, 2);
			assert_int_equal(reg32(d, 0x1c), 1 | 1u << 2);
		}
		if (round % 2)
			kit_reset(d->kit);
		else
			driver_disable(d);
		dmas = kit_dmas(d->kit);
		irqs = kit_irqs(d->kit, 1);
		sync_blocked = false;
		while (!nr_syncs)
			usleep(100);
		kit_poll(d->kit, 20);
		assert_int_equal(kit_dmas(d->kit), dmas);
		assert_int_equal(kit_irqs(d->kit, 1), irqs);
		assert_int_equal(reg32(d, 0x1c), 0);
		driver_enable(d);
		io_queue_new(d, 1, IO_SIZE);
		assert_int_equal(status_of(d, 1, io_sqe(0, 1, 0, 1, 0, 0)), 0);
	}
	/* Gone, with a sync that goes on: destroy waits for it. */
	nr_begun = 0;
	queue_put(d, 1, io_sqe(0, 1, 0, 1, 0, 0));
	queue_ring(d, 1);
	kit_poll(d->kit, 3);
}

static void a_file_system_that_fails_is_told(void **state)
{
	static const struct { int error; unsigned int status; } row[] = {
		{ EIO, NVME_WRITE_FAULT },
		{ ENOSPC, NVME_CAPACITY },
		{ EDQUOT, NVME_CAPACITY },
	};
	const struct nvme_range range = { 0, 2, 0 };
	struct driver *d = *state;
	struct nvme_sqe trim = { .opcode = 9, .nsid = 1, .prp1 = LISTS,
				 .cdw11 = 4 };
	size_t i;

	memcpy(kit_memory(d->kit, LISTS, 16), &range, 16);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		write_error = row[i].error;
		assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 1, DATA, 0)),
				 row[i].status);
		fallocate_error = row[i].error;
		assert_int_equal(status_of(d, 1, io_sqe(8, 1, 0, 1, 0, 0)),
				 row[i].status);
		assert_int_equal(status_of(d, 1, trim), row[i].status);
	}
	/* It cannot make zeroes: then we write them, and that fails. */
	fallocate_error = EOPNOTSUPP;
	assert_int_equal(status_of(d, 1, io_sqe(8, 1, 0, 1, 0, 0)),
			 NVME_CAPACITY);
	assert_int_equal(status_of(d, 1, trim), 0);
	write_error = 0;
	fill(d, DATA, 512, 1);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 1, DATA, 0)), 0);
	assert_int_equal(status_of(d, 1, io_sqe(8, 1, 0, 1, 0, 0)), 0);
	memset(kit_memory(d->kit, DATA, 512), 0, 512);
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 0, 1, DATA, 0)), 0);
	fallocate_error = 0;
}

/* ---- data pointers that are wrong --------------------------------------- */

static void prps_are_checked(void **state)
{
	struct driver *d = *state;
	uint64_t *list = kit_memory(d->kit, LISTS, 4096);
	unsigned int i;

	for (i = 0; i < 512; i++)
		list[i] = DATA + i * 4096u;
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 1, DATA + 2, 0)),
			 DNR(NVME_PRP_OFFSET));
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 1, DATA + 4, 1)), 0);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 16, DATA,
						DATA + 4096 + 4)),
			 DNR(NVME_PRP_OFFSET));
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 24, DATA, LISTS + 4)),
			 DNR(NVME_PRP_OFFSET));
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 24, DATA, LISTS)), 0);
	list[1] |= 8;
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 24, DATA, LISTS)),
			 DNR(NVME_PRP_OFFSET));
	/* A list of one entry, which leads to itself: to its page's start. */
	list[1] &= ~(uint64_t)8;
	list[511] = LISTS;
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 24, DATA,
						LISTS + 511 * 8)), 0);
	list[511] = LISTS + 8;
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 24, DATA,
						LISTS + 511 * 8)),
			 DNR(NVME_PRP_OFFSET));
	/* Lists that are not there, data that is not. */
	kit_unmap(d->kit, LISTS, 4096);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 24, DATA, LISTS)),
			 NVME_TRANSFER_ERROR);
	kit_read_only(d->kit, DATA, 4096);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 1, DATA, 0)),
			 NVME_TRANSFER_ERROR);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 1, DATA, 0)), 0);
	kit_unmap(d->kit, DATA, 4096);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 1, DATA, 0)),
			 NVME_TRANSFER_ERROR);
	assert_int_equal(reg32(d, 0x1c), 1);
}

/* A read of 1024 bytes by the SGL at the command. */
static unsigned int sgl_read(struct driver *d, uint64_t address,
			     uint32_t length, uint8_t kind)
{
	struct nvme_sqe e = io_sqe(2, 1, 0, 2, 0, 0);

	sgl_set(&e, address, length, kind);
	return status_of(d, 1, e);
}

static void sgls_are_checked(void **state)
{
	struct driver *d = *state;
	unsigned int i;

	assert_int_equal(sgl_read(d, DATA + 1, 1024, KINDS_BLOCK), 0);
	assert_int_equal(sgl_read(d, DATA, 1023, KINDS_BLOCK),
			 DNR(NVME_SGL_LENGTH));
	assert_int_equal(sgl_read(d, DATA, 1025, KINDS_BLOCK),
			 DNR(NVME_SGL_LENGTH));
	assert_int_equal(sgl_read(d, 0, 1024, KINDS_BUCKET), 0);
	for (i = 0x40; i < 0x100; i += 0x10)
		assert_int_equal(sgl_read(d, DATA, 1024, (uint8_t)i),
				 DNR(NVME_SGL_TYPE));
	assert_int_equal(sgl_read(d, DATA, 1024, 1), DNR(NVME_SGL_TYPE));
	assert_int_equal(sgl_read(d, LISTS, 0, KINDS_LAST),
			 DNR(NVME_SGL_SEGMENT));
	assert_int_equal(sgl_read(d, LISTS, 24, KINDS_LAST),
			 DNR(NVME_SGL_SEGMENT));
	assert_int_equal(sgl_read(d, LISTS + 4, 16, KINDS_SEGMENT),
			 DNR(NVME_SGL_SEGMENT));
	sgl_put(d, LISTS, DATA, 1024, KINDS_BLOCK);
	assert_int_equal(sgl_read(d, LISTS, 16, KINDS_LAST), 0);
	sgl_put(d, LISTS, LISTS + 16, 16, KINDS_LAST);
	sgl_put(d, LISTS + 16, DATA, 1024, KINDS_BLOCK);
	assert_int_equal(sgl_read(d, LISTS, 16, KINDS_SEGMENT), 0);
	/* One that is not last has to lead on. */
	assert_int_equal(sgl_read(d, LISTS + 16, 16, KINDS_SEGMENT),
			 DNR(NVME_SGL_SEGMENT));
	/* A segment in a last segment; one that is not the last of its own. */
	assert_int_equal(sgl_read(d, LISTS, 16, KINDS_LAST),
			 DNR(NVME_SGL_SEGMENT));
	assert_int_equal(sgl_read(d, LISTS, 32, KINDS_SEGMENT),
			 DNR(NVME_SGL_NUMBER));
	/* For ever. */
	sgl_put(d, LISTS, LISTS, 16, KINDS_SEGMENT);
	assert_int_equal(sgl_read(d, LISTS, 16, KINDS_SEGMENT),
			 DNR(NVME_SGL_NUMBER));
	assert_int_equal(sgl_read(d, LISTS, 0xfffffff0, KINDS_SEGMENT),
			 DNR(NVME_SGL_NUMBER));
	/* Blocks of nothing; more pieces than we take. */
	for (i = 0; i < 1030; i++)
		sgl_put(d, LISTS + 16 * i, DATA + 2 * i, i < 1024, 0);
	assert_int_equal(sgl_read(d, LISTS, 16 * 1030, KINDS_LAST), 0);
	for (i = 0; i < 1030; i++)
		sgl_put(d, LISTS + 16 * i, DATA + 2 * i, 1, 0);
	assert_int_equal(status_of(d, 1, (struct nvme_sqe){ .opcode = 2,
		.nsid = 1, .flags = 0x40, .cdw12 = 7, .prp1 = LISTS,
		.prp2 = 16 * 1030 | (uint64_t)KINDS_LAST << 56 }),
			 DNR(NVME_SGL_NUMBER));
	kit_unmap(d->kit, LISTS, 4096);
	assert_int_equal(sgl_read(d, LISTS, 16, KINDS_LAST),
			 NVME_TRANSFER_ERROR);
}

static void buckets_swallow_what_is_read(void **state)
{
	struct driver *d = *state;
	struct nvme_sqe e;

	/* Blocks that are neighbours in memory, and not on the disk. */
	sgl_put(d, LISTS, DATA, 256, KINDS_BLOCK);
	sgl_put(d, LISTS + 16, 0, 512, KINDS_BUCKET);
	sgl_put(d, LISTS + 32, DATA + 256, 256, KINDS_BLOCK);
	sgl_put(d, LISTS + 48, DATA + 512, 512, KINDS_BLOCK);
	fill(d, DATA, 1024, 3);
	/* A write takes nothing from a bucket. */
	e = io_sqe(1, 1, 0, 2, 0, 0);
	sgl_set(&e, LISTS, 64, KINDS_LAST);
	assert_int_equal(status_of(d, 1, e), 0);
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 0, 2, DATA, 0)), 0);
	memset(kit_memory(d->kit, DATA, 1024), 0xee, 1024);
	assert_int_equal(sgl_read(d, LISTS, 48, KINDS_LAST), 0);
	fill(d, DATA + 0x1000, 1024, 3);
	assert_memory_equal(kit_memory(d->kit, DATA, 256),
			    kit_memory(d->kit, DATA + 0x1000, 256), 256);
	assert_memory_equal(kit_memory(d->kit, DATA + 256, 256),
			    kit_memory(d->kit, DATA + 0x1300, 256), 256);
	assert_int_equal(*(uint8_t *)kit_memory(d->kit, DATA + 512, 1), 0xee);
}

static void data_and_completion_are_one_write(void **state)
{
	struct driver *d = *state;
	unsigned int before = kit_dmas(d->kit);

	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 16, DATA,
						DATA + 0x3000)), 0);
	/* The entry; both pages with the completion. */
	assert_int_equal(kit_dmas(d->kit) - before, 2);
}

/* DMA calls of @nr reads of 4 KiB, @depth of them at a time. */
static unsigned int dmas_of_reads(struct driver *d, unsigned int nr,
				  unsigned int depth)
{
	unsigned int before = kit_dmas(d->kit), i, k;
	struct nvme_cqe c;

	for (i = 0; i < nr; i += depth) {
		for (k = 0; k < depth; k++)
			queue_put(d, 2, io_sqe(2, 1, 8 * (k % 16), 8,
					       DATA + k * 0x1000, 0));
		queue_ring(d, 2);
		assert_true(kit_settle(d->kit, 20));
		for (k = 0; k < depth; k++) {
			assert_true(queue_take(d, 2, &c, true));
			assert_int_equal(STATUS(c), 0);
		}
	}
	return kit_dmas(d->kit) - before;
}

/* Two per read at depth 1; at depth 32 two for 32, and where the ring ends. */
static void deep_queues_need_few_dma_calls(void **state)
{
	struct driver *d = *state;

	io_queue_new(d, 2, 64);
	assert_int_equal(dmas_of_reads(d, 64, 1), 128);
	/* 1, 2, ... 16 and what is left: that it goes fast is found out. */
	assert_true(dmas_of_reads(d, 32, 32) > 2);
	assert_int_equal(dmas_of_reads(d, 1024, 32), 64);
}

static void a_poll_is_bounded_in_commands(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c;
	unsigned int i, nr = 0;

	io_queue_new(d, 2, 128);
	/* None of them transfers anything. */
	for (i = 0; i < 120; i++)
		queue_put(d, 2, io_sqe(i % 2 ? 0x7f : 2, i % 2, 0, 1, 0, 0));
	queue_ring(d, 2);
	kit_poll(d->kit, 1);
	while (queue_take(d, 2, &c, true))
		nr++;
	assert_int_equal(nr, NVME_POLL_COST / NVME_COMMAND_COST);
	assert_true(kit_settle(d->kit, 10));
	while (queue_take(d, 2, &c, true))
		nr++;
	assert_int_equal(nr, 120);
}

/* Data that cannot be written, among others that can: it alone is in error. */
static void an_error_in_a_batch_is_of_one_command(void **state)
{
	struct driver *d = *state;
	uint16_t cid[6];
	struct nvme_cqe c;
	unsigned int i;

	fill(d, DATA, 4096, 3);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 8, DATA, 0)), 0);
	kit_read_only(d->kit, DATA + 0x2000, 4096);
	kit_unmap(d->kit, DATA + 0x5000, 4096);
	for (i = 0; i < 6; i++)
		cid[i] = queue_put(d, 1, io_sqe(2, 1, 0, 8, i == 4 ?
			UINT64_MAX - 4095 + 4 : DATA + 0x1000 + i * 0x1000,
			UINT64_MAX - 4095));
	queue_ring(d, 1);
	kit_poll(d->kit, 1);
	for (i = 0; i < 6; i++) {
		unsigned int want = i == 1 || i == 4 ? NVME_TRANSFER_ERROR : 0;

		assert_true(queue_take(d, 1, &c, true));
		assert_int_equal(c.cid, cid[i]);
		assert_int_equal(STATUS(c), want);
		if (!want)
			assert_memory_equal(kit_memory(d->kit, DATA, 4096),
					    kit_memory(d->kit, DATA + 0x1000 +
						       i * 0x1000, 4096),
					    4096);
	}
	assert_int_equal(reg32(d, 0x1c), 1);
}

/* ---- random ------------------------------------------------------------- */

/* Where the bytes of a command are, in order. */
struct shape {
	uint64_t at[1024];
	uint32_t length[1024];
	unsigned int nr;
};

static void shape_add(struct shape *s, uint64_t at, uint32_t length)
{
	s->at[s->nr] = at;
	s->length[s->nr++] = length;
}

/* Pages of memory for a slot of a queue, none twice: 65 of them. */
static uint64_t slot_page(unsigned int slot, unsigned int i)
{
	return DATA + (slot * 65u + i * 37u % 65u) * 4096u;
}

/* Lists of a slot: two pages. */
static uint64_t slot_list(unsigned int slot)
{
	return LISTS + slot * 0x2000u;
}

static void shape_prp(struct driver *d, struct prng *r, unsigned int slot,
		      struct nvme_sqe *e, uint32_t length, struct shape *s)
{
	uint32_t offset = (uint32_t)prng_below(r, 64) * 4;
	uint32_t done = (uint32_t)ioas_min(length, 4096 - offset);
	uint64_t first = slot_list(slot) + 4096 - 8 * (1 + prng_below(r, 3));
	uint64_t at = first;
	unsigned int page = 1;

	e->prp1 = slot_page(slot, 0) + offset;
	shape_add(s, e->prp1, done);
	if (length - done <= 4096) {
		e->prp2 = slot_page(slot, 1);
		if (done < length)
			shape_add(s, e->prp2, length - done);
		return;
	}
	e->prp2 = first;
	while (done < length) {
		uint32_t n = (uint32_t)ioas_min(length - done, 4096);
		uint64_t next = slot_list(slot) + 4096;

		if (at % 4096 == 4088 && length - done > 4096) {
			memcpy(kit_memory(d->kit, at, 8), &next, 8);
			at = next;
		}
		shape_add(s, slot_page(slot, page), n);
		memcpy(kit_memory(d->kit, at, 8), &s->at[s->nr - 1], 8);
		at += 8;
		page++;
		done += n;
	}
}

static void shape_sgl(struct driver *d, struct prng *r, unsigned int slot,
		      struct nvme_sqe *e, uint32_t length, struct shape *s)
{
	uint64_t at = slot_list(slot), second = at + 0x1000;
	uint32_t done = 0, left, n, room;
	unsigned int page = 0, nr = 0, split = 1u + (unsigned int)prng_below(r, 9);

	while (done < length && page < 64) {
		uint32_t offset = (uint32_t)prng_below(r, 100);

		left = length - done;
		room = 4096 - offset;
		n = (uint32_t)ioas_min(left, page > 40 ? room :
				       1 + prng_below(r, room));
		shape_add(s, slot_page(slot, page) + offset, n);
		/* The first segment ends: its link is added below. */
		if (nr == split)
			at = second;
		sgl_put(d, at, s->at[s->nr - 1], n, KINDS_BLOCK);
		at += 16;
		nr++;
		page++;
		done += n;
	}
	assert_true(done == length);
	if (nr <= split) {
		sgl_set(e, slot_list(slot), nr * 16, KINDS_LAST);
		return;
	}
	sgl_put(d, slot_list(slot) + split * 16, second, (nr - split) * 16,
		KINDS_LAST);
	sgl_set(e, slot_list(slot), (split + 1) * 16, KINDS_SEGMENT);
}

static void shape_copy(struct driver *d, const struct shape *s, uint8_t *disk,
		       bool to_memory, bool *same)
{
	unsigned int i;

	*same = true;
	for (i = 0; i < s->nr; disk += s->length[i++]) {
		void *p = kit_memory(d->kit, s->at[i], s->length[i]);

		if (memcmp(p, disk, s->length[i]))
			*same = false;
		if (to_memory)
			memcpy(p, disk, s->length[i]);
	}
}

struct pending {
	struct nvme_sqe e;
	struct shape shape;
	uint16_t cid;
	bool busy;
};

/* What the disks should be; commands in flight. */
static uint8_t twin[2][DISK];
static struct pending pending[2][7];

/* Commands in flight of one queue are of distinct blocks of the disk. */
static void random_put(struct driver *d, struct prng *r, unsigned int q,
		       unsigned int slot)
{
	static const uint8_t opcode[] = { 1, 2, 1, 2, 5, 8 };
	struct pending *p = &pending[q - 1][slot];
	unsigned int ns = (unsigned int)prng_below(r, 2);
	unsigned int lg2 = ns ? 12 : 9;
	/* A part of the disk for each slot of each queue: 64 KiB. */
	uint64_t part = ((q - 1) * 7 + slot) << 16;
	uint32_t most = (1u << 16) >> lg2;
	uint32_t blocks = 1 + (uint32_t)prng_below(r, prng_below(r, 2) ? most :
						   ioas_min(most, 4));
	uint64_t lba = (part >> lg2) + prng_below(r, most - blocks + 1);
	uint32_t length = blocks << lg2;
	uint8_t *disk = twin[ns] + (lba << lg2);
	unsigned int i, k;
	bool same;

	p->shape.nr = 0;
	p->e = io_sqe(opcode[prng_below(r, 6)], ns + 1, lba, blocks, 0, 0);
	if (prng_below(r, 2) || length > 60000)
		shape_prp(d, r, slot, &p->e, length, &p->shape);
	else
		shape_sgl(d, r, slot, &p->e, length, &p->shape);
	/* New bytes; for half of the compares, those of the disk. */
	for (i = 0; i < p->shape.nr; i++) {
		uint8_t *b = kit_memory(d->kit, p->shape.at[i],
					p->shape.length[i]);

		for (k = 0; k < p->shape.length[i]; k += 61)
			b[k] = (uint8_t)prng_next(r);
	}
	if (p->e.opcode == 5 && prng_below(r, 2))
		shape_copy(d, &p->shape, disk, true, &same);
	p->busy = true;
	p->cid = queue_put(d, q, p->e);
}

static void random_check(struct driver *d, struct pending *p, unsigned int got)
{
	unsigned int ns = p->e.nsid - 1, lg2 = ns ? 12 : 9, i;
	uint64_t lba = p->e.cdw10;
	uint32_t length = (p->e.cdw12 + 1) << lg2;
	uint8_t *disk = twin[ns] + (lba << lg2);
	bool same;

	shape_copy(d, &p->shape, disk, false, &same);
	if (p->e.opcode == 5) {
		assert_int_equal(got,
				 same ? 0 : DNR(NVME_COMPARE_FAILURE));
		return;
	}
	assert_int_equal(got, 0);
	if (p->e.opcode == 2)
		assert_true(same);
	if (p->e.opcode == 8)
		memset(disk, 0, length);
	if (p->e.opcode != 1)
		return;
	for (i = 0; i < p->shape.nr; disk += p->shape.length[i++])
		memcpy(disk, kit_memory(d->kit, p->shape.at[i],
					p->shape.length[i]),
		       p->shape.length[i]);
}

static void random_take(struct driver *d, unsigned int q)
{
	struct nvme_cqe c;
	unsigned int i;

	while (queue_take(d, q, &c, true)) {
		for (i = 0; i < 7; i++)
			if (pending[q - 1][i].busy &&
			    pending[q - 1][i].cid == c.cid)
				break;
		assert_true(i < 7);
		pending[q - 1][i].busy = false;
		random_check(d, &pending[q - 1][i], STATUS(c));
	}
}

/* Slots of two queues share pages of memory: they take turns. */
static void random_commands_are_as_on_a_disk(void **state)
{
	struct prng r = { 12345 };
	struct driver *d = *state;
	unsigned int round, i, q;

	memset(twin, 0, sizeof(twin));
	memset(pending, 0, sizeof(pending));
	/* Sizes that are no powers of two wrap as well. */
	io_queue_new(d, 2, 9);
	for (round = 0; round < 600; round++) {
		q = 1 + round % 2;
		for (i = 0; i < 7; i++)
			if (prng_below(&r, 4))
				random_put(d, &r, q, i);
		queue_ring(d, q);
		assert_true(kit_settle(d->kit, 1000));
		random_take(d, q);
		for (i = 0; i < 7; i++)
			assert_false(pending[q - 1][i].busy);
	}
	assert_int_equal(kit_faults(d->kit), 0);
}

static int setup(void **state)
{
	*state = disks_new(false);
	return 0;
}

static int teardown(void **state)
{
	driver_free(*state);
	return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(bounds_of_commands),
		T(zeroes_and_deallocation),
		cmocka_unit_test(a_read_only_namespace_is_protected),
		cmocka_unit_test(a_file_that_was_cut_is_a_media_error),
		T(what_is_to_last_is_synced),
		T(a_sync_holds_up_its_queue_alone),
		T(what_was_reset_is_not_told),
		T(a_file_system_that_fails_is_told),
		T(prps_are_checked),
		T(sgls_are_checked),
		T(buckets_swallow_what_is_read),
		T(data_and_completion_are_one_write),
		T(deep_queues_need_few_dma_calls),
		T(a_poll_is_bounded_in_commands),
		T(an_error_in_a_batch_is_of_one_command),
		T(random_commands_are_as_on_a_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
