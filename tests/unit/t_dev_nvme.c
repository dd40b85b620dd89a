/* SPDX-License-Identifier: MIT */
/* nvme: registers, options, and each admin command. */
#include "nvme_test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const struct ioas_model_setting disk[] = { { "size", "1M" } };

static struct nvme_sqe admin(uint8_t opcode, uint32_t nsid, uint32_t cdw10,
			     uint32_t cdw11)
{
	return (struct nvme_sqe){ .opcode = opcode, .nsid = nsid,
				  .prp1 = DATA, .cdw10 = cdw10,
				  .cdw11 = cdw11 };
}

static uint8_t *data_of(struct driver *d)
{
	return kit_memory(d->kit, DATA, 8192);
}

static uint64_t get(const uint8_t *page, size_t at, size_t width)
{
	uint64_t value = 0;

	memcpy(&value, page + at, width);
	return value;
}

/* ---- registers ---------------------------------------------------------- */

static void registers_are_what_drivers_need(void **state)
{
	struct driver *d = *state;
	uint64_t cap = kit_mmio_read(d->kit, 0, 0, 8);

	assert_int_equal(cap & 0xffff, 1023);
	assert_int_equal(cap >> 16 & 1, 1);
	assert_true((cap >> 24 & 0xff) >= 0x1e);
	assert_int_equal(cap >> 32 & 0xf, 0);
	assert_int_equal(cap >> 37 & 0xff, 1);
	assert_int_equal(cap >> 48, 0);
	assert_int_equal(reg32(d, 0x08), 0x10400);
	assert_int_equal(kit_identity(d->kit)->class_code, 0x010802);
	assert_int_equal(kit_identity(d->kit)->bar[0].size, 0x4000);
}

static void what_a_driver_cannot_write_is_put_back(void **state)
{
	static const uint64_t offset[] = { 0, 4, 8, 0x1c, 0x38, 0x3c, 0x50,
					   0x54, 0x58 };
	struct driver *d = *state;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(offset); i++) {
		uint32_t was = reg32(d, offset[i]);

		reg32_set(d, offset[i], ~was);
		kit_poll(d->kit, 1);
		assert_int_equal(reg32(d, offset[i]), was);
	}
}

static void masks_are_set_and_cleared(void **state)
{
	struct driver *d = *state;

	reg32_set(d, 0x0c, 0xf0);
	kit_poll(d->kit, 1);
	reg32_set(d, 0x0c, 0x01);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x0c), 0xf1);
	reg32_set(d, 0x10, 0xf1);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x0c), 0);
	assert_int_equal(reg32(d, 0x10), 0);
}

static void enabling_what_is_not_there_is_fatal(void **state)
{
	struct driver *d = *state;

	driver_disable(d);
	reg32_set(d, 0x14, CC_ENABLE | 1u << 7);
	kit_poll(d->kit, 3);
	assert_int_equal(reg32(d, 0x1c), 2);
	driver_disable(d);
	assert_int_equal(reg32(d, 0x1c), 0);
	reg32_set(d, 0x24, 0);
	reg32_set(d, 0x14, CC_ENABLE);
	kit_poll(d->kit, 3);
	assert_int_equal(reg32(d, 0x1c), 2);
	driver_disable(d);
	driver_enable(d);
}

static void disabling_keeps_the_admin_queue_registers(void **state)
{
	struct driver *d = *state;

	io_queue_new(d, 1, IO_SIZE);
	driver_disable(d);
	assert_int_equal(reg32(d, 0x28), 0x10000);
	assert_int_equal(reg32(d, 0x24), 0x1f001f);
	assert_int_equal(reg32(d, 0x1000), 0);
	driver_enable(d);
	/* The queue is gone. */
	assert_int_equal(status_of(d, 0, admin(0, 0, 1, 0)),
			 DNR(NVME_QUEUE_ID));
}

static void shutdown_is_told_and_stops_commands(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c;

	reg32_set(d, 0x14, CC_ENABLE | 1u << 14);
	wait_csts(d, 1 | 2u << 2);
	queue_put(d, 0, admin(6, 0, 1, 0));
	queue_ring(d, 0);
	kit_poll(d->kit, 10);
	assert_false(queue_take(d, 0, &c, false));
	driver_disable(d);
	driver_enable(d);
	assert_int_equal(status_of(d, 0, admin(6, 0, 1, 0)), 0);
	/* Abrupt, and with EN going away at once. */
	reg32_set(d, 0x14, (CC_ENABLE | 2u << 14) & ~1u);
	wait_csts(d, 2u << 2);
	driver_enable(d);
}

static void a_subsystem_reset_is_seen(void **state)
{
	struct driver *d = *state;

	reg32_set(d, 0x20, 1);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x1c), 1);
	reg32_set(d, 0x20, 0x4e564d65);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x1c), 0x10);
	assert_int_equal(reg32(d, 0x14), 0);
	assert_int_equal(reg32(d, 0x20), 0);
	/* Write one to clear; with a value that differs. */
	reg32_set(d, 0x1c, 0x11);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x1c), 0);
	driver_enable(d);
}

static void no_vector_is_pending(void **state)
{
	struct driver *d = *state;

	/* Behind the table, which is not ours to show. */
	assert_int_equal(kit_mmio_read(d->kit, 4, 0x800, 8), 0);
	assert_int_equal(kit_mmio_read(d->kit, 4, 0xffc, 4), 0);
	kit_mmio_write(d->kit, 4, 0x800, 8, UINT64_MAX);
	assert_int_equal(kit_mmio_read(d->kit, 4, 0x800, 8), 0);
}

static void a_function_reset_is_power_on(void **state)
{
	struct driver *d = *state;

	io_queue_new(d, 1, IO_SIZE);
	kit_reset(d->kit);
	assert_int_equal(reg32(d, 0x1c), 0);
	assert_int_equal(reg32(d, 0x24), 0);
	assert_int_equal(reg32(d, 0x08), 0x10400);
	driver_enable(d);
	assert_int_equal(status_of(d, 0, admin(6, 0, 1, 0)), 0);
}

/* ---- identify ----------------------------------------------------------- */

static void identify_controller(void **state)
{
	struct driver *d = *state;
	const uint8_t *p = data_of(d);

	assert_int_equal(status_of(d, 0, admin(6, 0, 1, 0)), 0);
	assert_memory_equal(p + 4, "IOAS0001            ", 20);
	assert_memory_equal(p + 24, "ioas NVMe controller  ", 22);
	assert_int_equal(p[77], NVME_MDTS);
	assert_int_equal(get(p, 80, 4), 0x10400);
	assert_int_equal(p[259], 3);
	assert_int_equal(p[512], 0x66);
	assert_int_equal(p[513], 0x44);
	assert_int_equal(get(p, 516, 4), 1);
	assert_int_equal(get(p, 520, 2), 0x9d);
	assert_int_equal(get(p, 536, 4), 0x10001);
	assert_string_equal((const char *)p + 768,
			    "nqn.2014-08.org.nvmexpress:ioas:IOAS0001");
}

static void identify_namespaces(void **state)
{
	struct driver *d = *state;
	const uint8_t *p = data_of(d);

	assert_int_equal(status_of(d, 0, admin(6, 1, 0, 0)), 0);
	assert_int_equal(get(p, 0, 8), 2048);
	assert_int_equal(get(p, 8, 8), 2048);
	assert_int_equal(p[26], 0);
	assert_int_equal(p[130], 9);
	assert_int_equal(p[134], 12);
	assert_int_equal(status_of(d, 0, admin(6, 0, 2, 0)), 0);
	assert_int_equal(get(p, 0, 4), 1);
	assert_int_equal(get(p, 4, 4), 0);
	assert_int_equal(status_of(d, 0, admin(6, 1, 2, 0)), 0);
	assert_int_equal(get(p, 0, 4), 0);
	assert_int_equal(status_of(d, 0, admin(6, 1, 3, 0)), 0);
	assert_int_equal(p[0], 2);
	assert_int_equal(p[20], 3);
	assert_int_equal(p[40], 0);
}

static void identify_refuses(void **state)
{
	static const struct { uint32_t nsid, cns; unsigned int status; } row[] = {
		{ 0, 0, NVME_INVALID_NAMESPACE },
		{ 2, 0, NVME_INVALID_NAMESPACE },
		{ NVME_BROADCAST, 0, NVME_INVALID_NAMESPACE },
		{ NVME_BROADCAST, 2, NVME_INVALID_NAMESPACE },
		{ NVME_BROADCAST - 1, 2, NVME_INVALID_NAMESPACE },
		{ 0, 3, NVME_INVALID_NAMESPACE },
		{ 1, 4, NVME_INVALID_FIELD },
		{ 1, 0x13, NVME_INVALID_FIELD },
	};
	struct driver *d = *state;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
		assert_int_equal(status_of(d, 0, admin(6, row[i].nsid,
						       row[i].cns, 0)),
				 DNR(row[i].status));
}

/* ---- queues ------------------------------------------------------------- */

static void queues_are_checked(void **state)
{
	static const struct {
		uint8_t opcode;
		uint32_t id, size, cdw11;
		uint64_t prp1;
		unsigned int status;
	} row[] = {
		{ 5, 0, 16, 1, 0x8000, NVME_QUEUE_ID },
		{ 5, 65, 16, 1, 0x8000, NVME_QUEUE_ID },
		{ 5, 0xffff, 16, 1, 0x8000, NVME_QUEUE_ID },
		{ 5, 1, 16, 1, 0x8000, NVME_QUEUE_ID },
		{ 5, 2, 1, 1, 0x8000, NVME_QUEUE_SIZE },
		{ 5, 2, 1025, 1, 0x8000, NVME_QUEUE_SIZE },
		{ 5, 2, 16, 0, 0x8000, NVME_INVALID_FIELD },
		{ 5, 2, 16, 1, 0x8004, NVME_PRP_OFFSET },
		{ 5, 2, 16, 3 | 65u << 16, 0x8000, NVME_VECTOR },
		{ 1, 0, 16, 1 | 1u << 16, 0x8000, NVME_QUEUE_ID },
		{ 1, 1, 16, 1 | 1u << 16, 0x8000, NVME_QUEUE_ID },
		{ 1, 2, 16, 1, 0x8000, NVME_QUEUE_ID },
		{ 1, 2, 16, 1 | 65u << 16, 0x8000, NVME_QUEUE_ID },
		{ 1, 2, 16, 1 | 2u << 16, 0x8000, NVME_QUEUE_CQ },
		{ 1, 2, 1, 1 | 1u << 16, 0x8000, NVME_QUEUE_SIZE },
		{ 1, 2, 16, 1u << 16, 0x8000, NVME_INVALID_FIELD },
		{ 4, 0, 1, 0, 0, NVME_QUEUE_ID },
		{ 4, 2, 1, 0, 0, NVME_QUEUE_ID },
		{ 4, 1, 1, 0, 0, NVME_QUEUE_DELETION },
		{ 0, 0, 1, 0, 0, NVME_QUEUE_ID },
		{ 0, 2, 1, 0, 0, NVME_QUEUE_ID },
		{ 0, 0xffff, 1, 0, 0, NVME_QUEUE_ID },
	};
	struct driver *d = *state;
	size_t i;

	io_queue_new(d, 1, IO_SIZE);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct nvme_sqe e = admin(row[i].opcode, 0, row[i].id |
					  (row[i].size - 1) << 16,
					  row[i].cdw11);

		e.prp1 = row[i].prp1;
		assert_int_equal(status_of(d, 0, e), DNR(row[i].status));
	}
	assert_int_equal(status_of(d, 0, admin(0, 0, 1, 0)), 0);
	assert_int_equal(status_of(d, 0, admin(4, 0, 1, 0)), 0);
	io_queue_new(d, 1, 1024 / 16);
}

static void queues_need_the_sizes_of_their_entries(void **state)
{
	struct driver *d = *state;

	reg32_set(d, 0x14, CC_ENABLE & 0xffff);
	kit_poll(d->kit, 1);
	assert_int_equal(status_of(d, 0, admin(5, 0, 1 | 15u << 16, 1)),
			 DNR(NVME_QUEUE_SIZE));
	reg32_set(d, 0x14, CC_ENABLE);
	kit_poll(d->kit, 1);
	assert_int_equal(status_of(d, 0, admin(5, 0, 1 | 15u << 16, 1)), 0);
}

/* ---- features ----------------------------------------------------------- */

static void features_are_kept_until_reset(void **state)
{
	static const struct { uint32_t id, nsid, set, get, start; } row[] = {
		{ 0x01, 0, 0x01020304, 0x01020304, 0 },
		{ 0x02, 0, 0, 0, 0 },
		{ 0x04, 0, 0x200, 0x200, NVME_WARM },
		{ 0x05, 1, 7, 7, 0 },
		{ 0x06, 0, 0, 0, 1 },
		{ 0x07, 0, 3 | 5u << 16, 3 | 5u << 16, 63 | 63u << 16 },
		{ 0x08, 0, 0x102, 0x102, 0 },
		{ 0x0a, 0, 1, 1, 0 },
		{ 0x0b, 0, 0x3ff, 0x3ff, 0 },
	};
	struct driver *d = *state;
	struct nvme_cqe c;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		uint32_t id = row[i].id, ns = row[i].nsid;

		c = queue_do(d, 0, admin(10, ns, id, 0));
		assert_int_equal(STATUS(c), 0);
		assert_int_equal(c.dw0, row[i].start);
		assert_int_equal(status_of(d, 0, admin(9, ns, id,
						       row[i].set)), 0);
		c = queue_do(d, 0, admin(10, ns, id, 0));
		assert_int_equal(c.dw0, row[i].get);
		c = queue_do(d, 0, admin(10, ns, id | 1u << 8, 0));
		assert_int_equal(c.dw0, row[i].start);
		c = queue_do(d, 0, admin(10, ns, id | 2u << 8, 0));
		assert_int_equal(c.dw0, row[i].start);
		c = queue_do(d, 0, admin(10, ns, id | 3u << 8, 0));
		assert_int_equal(c.dw0, id == 5 ? 6 : 4);
		assert_int_equal(status_of(d, 0, admin(9, ns, id | 1u << 31,
						       row[i].set)),
				 DNR(NVME_NOT_SAVEABLE));
	}
	driver_disable(d);
	driver_enable(d);
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		c = queue_do(d, 0, admin(10, row[i].nsid, row[i].id, 0));
		assert_int_equal(c.dw0, row[i].start);
	}
}

static void features_refuse(void **state)
{
	static const struct {
		uint8_t opcode;
		uint32_t nsid, cdw10, cdw11;
		unsigned int status;
	} row[] = {
		{ 9, 0, 0x00, 0, NVME_INVALID_FIELD },
		{ 9, 0, 0x03, 0, NVME_INVALID_FIELD },
		{ 10, 0, 0x0d, 0, NVME_INVALID_FIELD },
		{ 10, 0, 0x01 | 4u << 8, 0, NVME_INVALID_FIELD },
		{ 9, 0, 0x02, 1, NVME_INVALID_FIELD },
		{ 9, 0, 0x04, 1u << 16, NVME_INVALID_FIELD },
		{ 9, 0, 0x04, 2u << 20, NVME_INVALID_FIELD },
		{ 10, 0, 0x04, 1u << 16, NVME_INVALID_FIELD },
		{ 9, 0, 0x05, 0, NVME_INVALID_NAMESPACE },
		{ 9, 2, 0x05, 0, NVME_INVALID_NAMESPACE },
		{ 9, 1, 0x05, 1u << 16, NVME_INVALID_FIELD },
		{ 10, NVME_BROADCAST, 0x05, 0, NVME_INVALID_NAMESPACE },
		{ 9, 0, 0x07, 0xffff, NVME_INVALID_FIELD },
		{ 9, 0, 0x07, 0xffffu << 16, NVME_INVALID_FIELD },
		{ 9, 0, 0x07, 0, NVME_SEQUENCE_ERROR },
		{ 9, 1, 0x01, 0, NVME_NOT_OF_NAMESPACE },
		{ 9, 1, 0x07, 0, NVME_NOT_OF_NAMESPACE },
		{ 9, 2, 0x06, 0, NVME_INVALID_NAMESPACE },
		{ 10, 2, 0x06, 0, NVME_INVALID_NAMESPACE },
		{ 9, 0, 0x09, 65, NVME_INVALID_FIELD },
		{ 10, 0, 0x09, 65, NVME_INVALID_FIELD },
	};
	struct driver *d = *state;
	struct nvme_cqe c;
	size_t i;

	c = queue_do(d, 0, admin(9, 0, 7, 1000 | 2u << 16));
	assert_int_equal(c.dw0, 63 | 2u << 16);
	io_queue_new(d, 3, IO_SIZE);
	assert_int_equal(status_of(d, 0, admin(5, 0, 4 | 15u << 16, 1)),
			 DNR(NVME_QUEUE_ID));
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++)
		assert_int_equal(status_of(d, 0, admin(row[i].opcode,
						       row[i].nsid,
						       row[i].cdw10,
						       row[i].cdw11)),
				 DNR(row[i].status));
	/* The cache may be named by a namespace, as QEMU's driver does. */
	assert_int_equal(status_of(d, 0, admin(9, 1, 6, 1)), 0);
	assert_int_equal(status_of(d, 0, admin(9, 0, 9, 64 | 1u << 16)), 0);
	c = queue_do(d, 0, admin(10, 0, 9, 64));
	assert_int_equal(c.dw0, 64 | 1u << 16);
	/* All of them may be named, and one to ask. */
	assert_int_equal(status_of(d, 0, admin(9, NVME_BROADCAST, 1, 5)), 0);
	c = queue_do(d, 0, admin(10, 1, 1, 0));
	assert_int_equal(STATUS(c), 0);
	assert_int_equal(c.dw0, 5);
}

/* ---- logs, events ------------------------------------------------------- */

static struct nvme_sqe log_sqe(uint32_t id, uint32_t bytes, uint32_t flags)
{
	return admin(2, NVME_BROADCAST, id | flags | (bytes / 4 - 1) << 16, 0);
}

static void errors_are_logged_newest_first(void **state)
{
	struct driver *d = *state;
	const struct nvme_error *e = kit_memory(d->kit, DATA, 4096);
	struct nvme_cqe c;
	unsigned int i;

	for (i = 0; i < NVME_ERRORS + 3; i++) {
		c = queue_do(d, 0, admin(0x7f, 9, 0, 0));
		assert_int_equal(c.status >> 1, NVME_INVALID_OPCODE |
				 NVME_DNR | NVME_MORE);
	}
	assert_int_equal(status_of(d, 0, log_sqe(1, 4096, 0)), 0);
	for (i = 0; i < NVME_ERRORS; i++) {
		assert_int_equal(e[i].count, NVME_ERRORS + 3 - i);
		assert_int_equal(e[i].cid, c.cid - i);
		assert_int_equal(e[i].nsid, 9);
		assert_int_equal(e[i].sqid, 0);
		assert_int_equal(e[i].status >> 1, c.status >> 1);
	}
}

static void logs_are_pages_with_offsets(void **state)
{
	struct driver *d = *state;
	const uint8_t *p = data_of(d);
	struct nvme_sqe e;

	assert_int_equal(status_of(d, 0, log_sqe(2, 512, 0)), 0);
	assert_int_equal(get(p, 1, 2), NVME_TEMPERATURE);
	assert_int_equal(p[3], 100);
	assert_int_equal(p[0], 0);
	assert_int_equal(status_of(d, 0, log_sqe(3, 512, 0)), 0);
	assert_int_equal(p[0], 1);
	assert_memory_equal(p + 8, "1.0     ", 8);
	assert_int_equal(status_of(d, 0, log_sqe(5, 4096, 0)), 0);
	assert_int_equal(get(p, 4 * 6, 4), 1);
	assert_int_equal(get(p, 4 * 3, 4), 0);
	assert_int_equal(get(p, 1024 + 4, 4), 3);
	assert_int_equal(get(p, 1024 + 8, 4), 1);
	/* With an offset, and beyond the end. */
	e = log_sqe(3, 1024, 0);
	e.cdw12 = 8;
	memset(data_of(d), 0xee, 2048);
	assert_int_equal(status_of(d, 0, e), 0);
	assert_memory_equal(p, "1.0     ", 8);
	assert_int_equal(get(p, 1016, 8), 0);
	assert_int_equal(p[1024], 0xee);
	e.cdw12 = 516;
	assert_int_equal(status_of(d, 0, e), DNR(NVME_INVALID_FIELD));
	e.cdw12 = 2;
	assert_int_equal(status_of(d, 0, e), DNR(NVME_INVALID_FIELD));
	e.cdw12 = 0;
	e.cdw11 = 0xffff;
	assert_int_equal(status_of(d, 0, e), DNR(NVME_INVALID_FIELD));
	assert_int_equal(status_of(d, 0, log_sqe(4, 512, 0)),
			 DNR(NVME_LOG_PAGE));
	e = log_sqe(2, 512, 0);
	e.nsid = 1;
	assert_int_equal(status_of(d, 0, e), DNR(NVME_INVALID_FIELD));
}

static void events_wait_and_are_told_once(void **state)
{
	struct driver *d = *state;
	uint16_t cid[NVME_EVENTS];
	struct nvme_cqe c;
	unsigned int i;

	for (i = 0; i < NVME_EVENTS; i++)
		cid[i] = queue_put(d, 0, admin(12, 0, 0, 0));
	queue_ring(d, 0);
	assert_true(kit_settle(d->kit, 100));
	assert_false(queue_take(d, 0, &c, true));
	assert_int_equal(status_of(d, 0, admin(12, 0, 0, 0)),
			 DNR(NVME_EVENT_LIMIT));
	/* Too warm, but nobody asked for this event: then somebody does. */
	assert_int_equal(status_of(d, 0, admin(9, 0, 4, 300)), 0);
	kit_settle(d->kit, 100);
	assert_false(queue_take(d, 0, &c, true));
	assert_int_equal(status_of(d, 0, admin(9, 0, 11, 2)), 0);
	kit_settle(d->kit, 100);
	assert_true(queue_take(d, 0, &c, true));
	assert_int_equal(c.cid, cid[0]);
	assert_int_equal(c.dw0, 1 | 1u << 8 | 2u << 16);
	/* Masked until the log is read, and not with RAE. */
	for (i = 0; i < 2; i++) {
		assert_int_equal(status_of(d, 0, log_sqe(2, 512, i ? 0 :
							 1u << 15)), 0);
		assert_int_equal(data_of(d)[0], 2);
		assert_int_equal(status_of(d, 0, admin(9, 0, 4, 301)), 0);
		kit_settle(d->kit, 100);
		assert_int_equal(queue_take(d, 0, &c, true), i);
	}
	assert_int_equal(c.cid, cid[1]);
}

static void abort_of_what_is_not_there(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c = queue_do(d, 0, admin(8, 0, 0x77u << 16, 0));

	assert_int_equal(STATUS(c), 0);
	assert_int_equal(c.dw0, 1);
	assert_int_equal(status_of(d, 0, admin(8, 0, 9, 0)),
			 DNR(NVME_INVALID_FIELD));
}

static void all_other_opcodes_are_invalid(void **state)
{
	static const uint8_t known[] = { 0, 1, 2, 4, 5, 6, 8, 9, 10, 12 };
	struct driver *d = *state;
	unsigned int i;
	struct nvme_sqe e;

	for (i = 0; i < 256; i++) {
		if (memchr(known, (int)i, sizeof(known)))
			continue;
		assert_int_equal(status_of(d, 0, admin((uint8_t)i, 0, 0, 0)),
				 DNR(NVME_INVALID_OPCODE));
	}
	/* No SGLs, nothing fused. */
	for (i = 1; i < 4; i++) {
		e = admin(6, 0, 1, 0);
		e.flags = (uint8_t)(i << 6);
		assert_int_equal(status_of(d, 0, e), DNR(NVME_INVALID_FIELD));
		e.flags = (uint8_t)i;
		assert_int_equal(status_of(d, 0, e), DNR(NVME_INVALID_FIELD));
	}
}

/* ---- options ------------------------------------------------------------ */

static int try(const struct ioas_model_setting *s, size_t nr)
{
	struct model_kit *kit;
	int rc = model_kit_new(&ioas_model_nvme, s, nr, &kit);

	if (!rc)
		model_kit_free(kit);
	return rc;
}

static void options_that_are_wrong(void **state)
{
	static const struct { const char *name, *value, *why; } row[] = {
		{ "file", "/nowhere/x", "file=/nowhere/x: No such file or "
		  "directory" },
		{ "file", "", "file: names no file" },
		{ "file", "/dev/null", "file=/dev/null: neither a file nor a "
		  "block device" },
		{ "size", "", "size=: is not a value of it" },
		{ "size", "0", "size=0: is not a value of it" },
		{ "size", "1Q", "size=1Q: is not a value of it" },
		{ "size", "99999999999999999999", NULL },
		{ "size", "16777216T", NULL },
		{ "size", "100", "size: is shorter than a block" },
		{ "lba", "1024", "lba=1024: is not a value of it" },
		{ "cmb", "12K", "cmb=12K: is not a value of it" },
		{ "cmb", "2K", NULL },
		{ "serial", "012345678901234567890", NULL },
		{ "ro", "yes", "ro=yes: is not a value of it" },
	};
	size_t i;

	(void)state;
	assert_int_equal(try(NULL, 0), -EINVAL);
	assert_string_equal(kit_why(), "file: is missing");
	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		struct ioas_model_setting s = { row[i].name, row[i].value };

		assert_true(try(&s, 1) < 0);
		if (row[i].why)
			assert_string_equal(kit_why(), row[i].why);
	}
}

static void options_belong_to_the_file_before_them(void **state)
{
	char path[] = "/tmp/t_dev_nvme-XXXXXX";
	const struct ioas_model_setting s[] = {
		{ "serial", "abc" }, { "lba", "4096" }, { "file", path },
		{ "file", path }, { "ro", "" }, { "lba", "512" },
		{ "size", "8K" },
	};
	int fd = mkstemp(path);
	struct driver *d;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(try(s, 3), -ENOSPC);
	/* A piece of a block at the end. */
	assert_int_equal(ftruncate(fd, 40000), 0);
	d = driver_new(s, IOAS_ARRAY_SIZE(s));
	assert_int_equal(status_of(d, 0, admin(6, 1, 0, 0)), 0);
	assert_int_equal(get(data_of(d), 0, 8), 9);
	assert_int_equal(data_of(d)[26], 1);
	assert_int_equal(data_of(d)[99], 0);
	assert_int_equal(status_of(d, 0, admin(6, 2, 0, 0)), 0);
	assert_int_equal(get(data_of(d), 0, 8), 16);
	assert_int_equal(data_of(d)[26], 0);
	assert_int_equal(data_of(d)[99], 1);
	assert_int_equal(status_of(d, 0, admin(6, 0, 1, 0)), 0);
	assert_memory_equal(data_of(d) + 4, "abc     ", 8);
	driver_free(d);
	close(fd);
	unlink(path);
}

static int setup(void **state)
{
	*state = driver_new(disk, 1);
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
		T(registers_are_what_drivers_need),
		T(what_a_driver_cannot_write_is_put_back),
		T(masks_are_set_and_cleared),
		T(enabling_what_is_not_there_is_fatal),
		T(disabling_keeps_the_admin_queue_registers),
		T(shutdown_is_told_and_stops_commands),
		T(a_subsystem_reset_is_seen),
		T(no_vector_is_pending),
		T(a_function_reset_is_power_on),
		T(identify_controller),
		T(identify_namespaces),
		T(identify_refuses),
		T(queues_are_checked),
		T(queues_need_the_sizes_of_their_entries),
		T(features_are_kept_until_reset),
		T(features_refuse),
		T(errors_are_logged_newest_first),
		T(logs_are_pages_with_offsets),
		T(events_wait_and_are_told_once),
		T(abort_of_what_is_not_there),
		T(all_other_opcodes_are_invalid),
		cmocka_unit_test(options_that_are_wrong),
		cmocka_unit_test(options_belong_to_the_file_before_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
