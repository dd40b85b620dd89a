/* SPDX-License-Identifier: MIT */
/* nvme: what drivers must not do, DMA that fails, queues that are full or go. */
#include "nvme_test.h"

#include "prng.h"

static const struct ioas_model_setting disk[] = { { "size", "4M" } };

static struct nvme_sqe sqe_read(void)
{
	return io_sqe(2, 1, 0, 16, DATA, DATA + 4096);
}

static unsigned int take_all(struct driver *d, unsigned int q, unsigned int *bad)
{
	struct nvme_cqe c;
	unsigned int nr = 0;

	for (*bad = 0; queue_take(d, q, &c, true); nr++)
		*bad += STATUS(c) != 0;
	return nr;
}

static struct nvme_error last_error(struct driver *d)
{
	struct nvme_error e;

	assert_int_equal(status_of(d, 0, (struct nvme_sqe){ .opcode = 2,
		.prp1 = DATA, .cdw10 = 1 | 15u << 16 }), 0);
	memcpy(&e, kit_memory(d->kit, DATA, sizeof(e)), sizeof(e));
	return e;
}

/* ---- doorbells ---------------------------------------------------------- */

static void bad_doorbells_are_events(void **state)
{
	static const struct { uint64_t offset; uint32_t value, info; } row[] = {
		{ 0x1008, IO_SIZE, 1 },
		{ 0x1008, 0xffffffff, 1 },
		{ 0x100c, IO_SIZE, 1 },
		{ 0x100c, 1, 1 },
		{ 0x1000, ADMIN_SIZE, 1 },
		{ 0x1010, 1, 0 },
		{ 0x3ffc, 1, 0 },
	};
	struct driver *d = *state;
	uint64_t count = 0;
	struct nvme_cqe c;
	size_t i;

	for (i = 0; i < IOAS_ARRAY_SIZE(row); i++) {
		uint16_t cid = queue_put(d, 0,
					 (struct nvme_sqe){ .opcode = 12 });
		uint32_t was = reg32(d, row[i].offset);

		queue_ring(d, 0);
		assert_true(kit_settle(d->kit, 200));
		if (row[i].offset == 0x1000)
			was = d->q[0].tail;
		reg32_set(d, row[i].offset, row[i].value);
		/* All doorbells are looked at within some polls. */
		kit_poll(d->kit, 200);
		assert_int_equal(reg32(d, row[i].offset), was);
		assert_true(queue_take(d, 0, &c, true));
		assert_int_equal(c.cid, cid);
		assert_int_equal(c.dw0, row[i].info << 8 | 1u << 16);
		assert_int_equal(last_error(d).count, ++count);
		assert_int_equal(last_error(d).cid, 0xffff);
	}
	assert_int_equal(status_of(d, 1, sqe_read()), 0);
}

static void a_head_beyond_the_end_is_refused_after_a_wrap(void **state)
{
	struct driver *d = *state;
	unsigned int i, bad;

	for (i = 0; i < 10; i++)
		assert_int_equal(status_of(d, 1, sqe_read()), 0);
	for (i = 0; i < 11; i++)
		queue_put(d, 1, sqe_read());
	queue_ring(d, 1);
	assert_true(kit_settle(d->kit, 50));
	/* 10 .. 5: as a distance, 20 is within. */
	reg32_set(d, 0x100c, 20);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x100c), 10);
	assert_int_equal(take_all(d, 1, &bad), 11);
	assert_int_equal(last_error(d).count, 1);
}

/* ---- full queues -------------------------------------------------------- */

static void a_full_cq_is_waited_for(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c;
	unsigned int round, i, bad;

	/* Several wraps, so that the phase matters. */
	for (round = 0; round < 10; round++) {
		for (i = 0; i < IO_SIZE - 1; i++)
			queue_put(d, 1, sqe_read());
		queue_ring(d, 1);
		assert_true(kit_settle(d->kit, 200));
		for (i = 0; i < 5; i++)
			queue_put(d, 1, sqe_read());
		queue_ring(d, 1);
		assert_true(kit_settle(d->kit, 200));
		for (i = 0; i < IO_SIZE - 1; i++)
			assert_true(queue_take(d, 1, &c, false));
		assert_false(queue_take(d, 1, &c, false));
		/* Room for two. */
		reg32_set(d, 0x100c, (d->q[1].head + IO_SIZE - 13) % IO_SIZE);
		assert_true(kit_settle(d->kit, 200));
		assert_true(queue_take(d, 1, &c, false));
		assert_true(queue_take(d, 1, &c, false));
		assert_false(queue_take(d, 1, &c, false));
		reg32_set(d, 0x100c, d->q[1].head);
		assert_true(kit_settle(d->kit, 200));
		assert_int_equal(take_all(d, 1, &bad), 3);
		assert_int_equal(bad, 0);
	}
}

static void the_head_is_reported(void **state)
{
	struct driver *d = *state;
	struct nvme_cqe c;
	unsigned int i;

	for (i = 1; i < 40; i++) {
		c = queue_do(d, 1, sqe_read());
		assert_int_equal(c.sq_head, i % IO_SIZE);
	}
}

static void interrupts_are_one_per_poll(void **state)
{
	struct driver *d = *state;
	unsigned int i, bad, before = kit_irqs(d->kit, 1);

	for (i = 0; i < 8; i++)
		queue_put(d, 1, io_sqe(2, 1, 0, 1, DATA, 0));
	queue_ring(d, 1);
	kit_poll(d->kit, 1);
	assert_int_equal(take_all(d, 1, &bad), 8);
	assert_int_equal(kit_irqs(d->kit, 1) - before, 1);
}

static void vectors_are_those_of_the_queue(void **state)
{
	static const uint32_t cdw11[] = { 1, 3 | 64u << 16 };
	struct driver *d = *state;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		uint32_t id = 2 + i, at = QUEUE_IOVA(2 + i);

		d->q[id] = (struct test_queue){ id, id, 16, 16, at,
						at + 0x2000, 0, 0, 1 };
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 5, .prp1 = at + 0x2000,
			.cdw10 = id | 15u << 16, .cdw11 = cdw11[i] }), 0);
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 1, .prp1 = at, .cdw10 = id | 15u << 16,
			.cdw11 = 1 | id << 16 }), 0);
		assert_int_equal(status_of(d, id, sqe_read()), 0);
	}
	kit_poll(d->kit, 1);
	assert_int_equal(kit_irqs(d->kit, 64), 1);
	for (i = 1; i < 64; i++)
		assert_int_equal(kit_irqs(d->kit, i), 0);
	assert_true(kit_irqs(d->kit, 0) >= 4);
}

/* In memory, where no file system makes zeroes for us. */
static void zeroes_are_written_where_they_must(void **state)
{
	struct driver *d = *state;
	uint64_t *list = kit_memory(d->kit, LISTS, 4096);
	uint8_t *data = kit_memory(d->kit, DATA, 0x40000);
	unsigned int i;

	for (i = 0; i < 64; i++)
		list[i] = DATA + (i + 1) * 4096u;
	memset(data, 0x5a, 0x40000);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 512, DATA, LISTS)),
			 0);
	assert_int_equal(status_of(d, 1, io_sqe(8, 1, 3, 505, 0, 0)), 0);
	memset(data + 3 * 512, 0, 505 * 512);
	assert_int_equal(status_of(d, 1, io_sqe(5, 1, 0, 512, DATA, LISTS)),
			 0);
}

struct order { unsigned int seen; uint64_t cq; };

static void order_note(void *context, bool write, uint64_t iova,
		       const void *data, size_t length)
{
	struct order *o = context;

	(void)data;
	if (!write)
		return;
	if (iova == o->cq) {
		assert_int_equal(length, 8);
		assert_int_equal(o->seen++, 1);
	} else if (iova == o->cq + 8) {
		assert_int_equal(length, 8);
		assert_int_equal(o->seen++, 2);
	} else {
		assert_int_equal(o->seen++, 0);
	}
}

static void the_phase_is_written_last(void **state)
{
	struct driver *d = *state;
	struct order o = { 0, d->q[1].cq };

	kit_on_piece(d->kit, order_note, &o);
	queue_do(d, 1, sqe_read());
	kit_on_piece(d->kit, NULL, NULL);
	assert_int_equal(o.seen, 3);
}

/* ---- going away --------------------------------------------------------- */

static void queues_are_deleted_under_load(void **state)
{
	struct driver *d = *state;
	unsigned int round, i, nr, bad;

	for (round = 0; round < 20; round++) {
		/* A job that takes many polls, and some that wait for it. */
		queue_put(d, 1, io_sqe(12, 1, 0, 8192, 0, 0));
		for (i = 0; i < round % 8; i++)
			queue_put(d, 1, sqe_read());
		queue_ring(d, 1);
		kit_poll(d->kit, 1 + round % 3);
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 0, .cdw10 = 1 }), 0);
		assert_true(kit_settle(d->kit, 10));
		nr = take_all(d, 1, &bad);
		assert_int_equal(nr, 1 + round % 8);
		assert_int_equal(bad, nr);
		assert_int_equal(status_of(d, 0, (struct nvme_sqe){
			.opcode = 4, .cdw10 = 1 }), 0);
		io_queue_new(d, 1, IO_SIZE);
	}
}

static void commands_can_be_aborted(void **state)
{
	struct driver *d = *state;
	uint16_t job = queue_put(d, 1, io_sqe(12, 1, 0, 8192, 0, 0));
	uint16_t first = queue_put(d, 1, sqe_read());
	uint16_t second = queue_put(d, 1, sqe_read());
	struct nvme_cqe c;

	queue_ring(d, 1);
	kit_poll(d->kit, 2);
	c = queue_do(d, 0, (struct nvme_sqe){ .opcode = 8,
		.cdw10 = 1 | (uint32_t)second << 16 });
	assert_int_equal(c.dw0, 0);
	assert_true(queue_take(d, 1, &c, true));
	assert_int_equal(c.cid, second);
	assert_int_equal(STATUS(c), NVME_ABORT_REQUESTED);
	c = queue_do(d, 0, (struct nvme_sqe){ .opcode = 8,
		.cdw10 = 1 | (uint32_t)job << 16 });
	assert_int_equal(c.dw0, 0);
	assert_true(kit_settle(d->kit, 100));
	assert_true(queue_take(d, 1, &c, true));
	assert_int_equal(c.cid, job);
	assert_int_equal(STATUS(c), NVME_ABORT_REQUESTED);
	assert_true(queue_take(d, 1, &c, true));
	assert_int_equal(c.cid, first);
	assert_int_equal(STATUS(c), 0);
}

static void resets_under_load_leave_nothing(void **state)
{
	struct driver *d = *state;
	unsigned int round, i, dmas;

	for (round = 0; round < 20; round++) {
		queue_put(d, 1, io_sqe(12, 1, 0, 8192, 0, 0));
		for (i = 0; i < 9; i++)
			queue_put(d, 1, sqe_read());
		queue_ring(d, 1);
		kit_poll(d->kit, round % 4);
		if (round % 2)
			kit_reset(d->kit);
		else
			reg32_set(d, 0x14, 0);
		kit_poll(d->kit, 1);
		dmas = kit_dmas(d->kit);
		kit_poll(d->kit, 50);
		assert_int_equal(kit_dmas(d->kit), dmas);
		assert_int_equal(reg32(d, 0x1c), 0);
		driver_enable(d);
		io_queue_new(d, 1, IO_SIZE);
		assert_int_equal(status_of(d, 1, sqe_read()), 0);
	}
}

static void without_bus_mastering_nothing_moves(void **state)
{
	struct driver *d = *state;
	unsigned int dmas, bad;

	kit_bus_master(d->kit, false);
	queue_put(d, 1, sqe_read());
	queue_ring(d, 1);
	dmas = kit_dmas(d->kit);
	kit_poll(d->kit, 20);
	assert_int_equal(kit_dmas(d->kit), dmas);
	assert_int_equal(reg32(d, 0x1c), 1);
	kit_bus_master(d->kit, true);
	assert_true(kit_settle(d->kit, 20));
	assert_int_equal(take_all(d, 1, &bad), 1);
	assert_int_equal(bad, 0);
}

/* ---- DMA that fails ----------------------------------------------------- */

/* Some of everything; ends early when the controller gives up. */
static void sweep_scenario(struct driver *d, unsigned int *errors)
{
	uint64_t *list = kit_memory(d->kit, LISTS, 4096);
	const uint64_t block[2] = { DATA, 4096 };
	struct nvme_sqe e[6];
	struct nvme_cqe c;
	unsigned int i, bad;

	for (i = 0; i < 512; i++)
		list[i] = DATA + i * 4096u;
	e[0] = io_sqe(1, 1, 0, 64, DATA, LISTS);
	e[1] = io_sqe(2, 1, 0, 64, DATA, LISTS);
	e[2] = io_sqe(5, 1, 0, 8, DATA, 0);
	e[3] = (struct nvme_sqe){ .opcode = 9, .nsid = 1, .prp1 = DATA,
				  .cdw11 = 0 };
	e[4] = io_sqe(8, 1, 0, 300, 0, 0);
	/* A last segment of one block. */
	e[5] = io_sqe(2, 1, 0, 8, LISTS + 0x1000, 16u | 0x30ull << 56);
	e[5].flags = 0x40;
	memcpy(kit_memory(d->kit, LISTS + 0x1000, 16), block, 16);
	for (i = 0; i < 6; i++)
		queue_put(d, 1, e[i]);
	queue_put(d, 0, (struct nvme_sqe){ .opcode = 6, .prp1 = DATA,
					   .cdw10 = 1 });
	queue_put(d, 0, (struct nvme_sqe){ .opcode = 2, .prp1 = DATA,
					   .cdw10 = 1 | 15u << 16 });
	queue_ring(d, 0);
	queue_ring(d, 1);
	assert_true(kit_settle(d->kit, 500));
	*errors = 0;
	for (i = 0; queue_take(d, 1, &c, true); i++)
		*errors += STATUS(c) == NVME_TRANSFER_ERROR;
	if (reg32(d, 0x1c) & 2)
		return;
	assert_int_equal(i, 6);
	for (i = 0; queue_take(d, 0, &c, true); i++)
		*errors += STATUS(c) == NVME_TRANSFER_ERROR;
	assert_int_equal(i, 2);
	assert_int_equal(take_all(d, 0, &bad), 0);
}

struct sweep { unsigned int fatal, told, again; };

/* Every call of the scenario fails once, in the middle or at its first piece. */
static struct sweep sweep_all(struct driver *d, bool first)
{
	struct sweep s = { 0 };
	unsigned int nth, errors;

	kit_fail_first(d->kit, first);
	for (nth = 1; nth < 200; nth++) {
		kit_fail_dma(d->kit, nth, nth % 2 ? IOAS_DMA_FAULT
						  : IOAS_DMA_ABORT);
		sweep_scenario(d, &errors);
		if (!kit_failed_dma(d->kit))
			break;
		/* One or the other, never nothing, and never both. */
		if (reg32(d, 0x1c) & 2) {
			assert_int_equal(errors, 0);
			s.fatal++;
		} else if (nth % 2 || errors) {
			assert_int_equal(errors, 1);
			s.told++;
		} else {
			/* Memory that is gone, of which the file's is not. */
			s.again++;
		}
		driver_disable(d);
		driver_enable(d);
		io_queue_new(d, 1, IO_SIZE);
	}
	kit_fail_dma(d->kit, 0, IOAS_DMA_OK);
	return s;
}

static void every_dma_call_can_fail(void **state)
{
	struct driver *d = *state;
	struct sweep s = sweep_all(d, false);

	/* Two fetches of entries; two flushes, in a completion. */
	assert_int_equal(s.fatal, 4);
	/* Three lists, three times data that comes. */
	assert_int_equal(s.told, 6);
	assert_int_equal(s.again, 0);
	s = sweep_all(d, true);
	assert_int_equal(s.fatal, 2);
	/* And two flushes, in a read's data. */
	assert_int_equal(s.told + s.again, 8);
	assert_int_equal(s.again, 1);
}

static void a_queue_that_is_not_mapped_is_fatal(void **state)
{
	struct driver *d = *state;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		kit_unmap(d->kit, QUEUE_IOVA(1) + i * 0x2000, 4096);
		queue_put(d, 1, sqe_read());
		queue_ring(d, 1);
		kit_poll(d->kit, 20);
		assert_int_equal(reg32(d, 0x1c), 3);
		assert_int_equal(kit_fault_iova(d->kit),
				 QUEUE_IOVA(1) + i * 0x2000);
		kit_map(d->kit, QUEUE_IOVA(1), 0x4000);
		driver_disable(d);
		driver_enable(d);
		io_queue_new(d, 1, IO_SIZE);
	}
}

/* ---- the controller's own memory ---------------------------------------- */

static void queues_and_data_in_the_cmb(void **state)
{
	static const struct ioas_model_setting s[] = { { "size", "1M" },
						       { "cmb", "64K" } };
	uint64_t base = 0x7f0000000000ull;
	struct driver *d = driver_new(s, 2);
	uint8_t *cmb = kit_bar(d->kit, 2);
	struct nvme_sqe e;

	(void)state;
	assert_int_equal(kit_mmio_read(d->kit, 0, 0, 8) >> 57 & 1, 1);
	assert_int_equal(reg32(d, 0x38), 2);
	assert_int_equal(reg32(d, 0x3c) >> 12, 16);
	io_queue_new(d, 1, IO_SIZE);
	/* Not yet: an address like any other. */
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 1, base, 0)),
			 NVME_TRANSFER_ERROR);
	kit_mmio_write(d->kit, 0, 0x50, 8, base | 1);
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 1, base, 0)),
			 NVME_TRANSFER_ERROR);
	kit_mmio_write(d->kit, 0, 0x50, 8, base | 3);
	memset(cmb, 0xab, 4096);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 8, base, 0)), 0);
	/* Half of it here, half of it there. */
	assert_int_equal(status_of(d, 1, io_sqe(2, 1, 0, 8, DATA + 2048,
						base + 0xf000)), 0);
	assert_int_equal(*(uint8_t *)kit_memory(d->kit, DATA + 2048, 1), 0xab);
	assert_int_equal(cmb[0xf000 + 2047], 0xab);
	assert_int_equal(cmb[0xf000 + 2048], 0);
	/* A submission queue. */
	assert_int_equal(status_of(d, 0, (struct nvme_sqe){ .opcode = 1,
		.prp1 = base + 0x2000, .cdw10 = 2 | 3u << 16,
		.cdw11 = 1 | 1u << 16 }), 0);
	e = io_sqe(5, 1, 0, 1, base, 0);
	e.cid = 77;
	memcpy(cmb + 0x2000, &e, sizeof(e));
	reg32_set(d, 0x1010, 1);
	assert_true(kit_settle(d->kit, 20));
	assert_int_equal(*(uint16_t *)kit_memory(d->kit, d->q[1].cq +
		16 * d->q[1].head + 12, 2), 77);
	/* A place that wraps is refused. */
	kit_mmio_write(d->kit, 0, 0x50, 8, 0xfffffffffffff003ull);
	kit_poll(d->kit, 1);
	assert_int_equal(reg32(d, 0x58), 1);
	driver_free(d);
}

/*
 * Reads at random into pages that are there or not, and into the buffer, many
 * in one poll: each is told what became of it, and its data alone was written.
 */
static void errors_in_batches_are_of_their_commands(void **state)
{
	static const struct ioas_model_setting s[] = { { "size", "1M" },
						       { "cmb", "64K" } };
	const uint64_t base = 0x7f0000000000ull;
	struct driver *d = driver_new(s, 2);
	struct prng r = { 4711 };
	unsigned int round, i, nr, page[2][15];
	bool bad[16];
	uint8_t *cmb = kit_bar(d->kit, 2);

	(void)state;
	kit_mmio_write(d->kit, 0, 0x50, 8, base | 3);
	io_queue_new(d, 1, IO_SIZE);
	memset(kit_memory(d->kit, DATA, 4096), 0x77, 4096);
	assert_int_equal(status_of(d, 1, io_sqe(1, 1, 0, 8, DATA, 0)), 0);
	for (round = 0; round < 500; round++) {
		memset(kit_memory(d->kit, DATA, 0x10000), 0, 0x10000);
		memset(cmb, 0, 0x10000);
		for (i = 0; i < 16; i++) {
			bad[i] = !prng_below(&r, 6);
			if (bad[i])
				kit_read_only(d->kit, DATA + i * 4096, 4096);
			else
				kit_map(d->kit, DATA + i * 4096, 4096);
		}
		nr = 1 + (unsigned int)prng_below(&r, 15);
		/* Two pages each: 0 .. 15 in memory, then in the buffer. */
		for (i = 0; i < nr; i++) {
			uint64_t prp[2];
			unsigned int k;

			for (k = 0; k < 2; k++) {
				unsigned int p =
					(unsigned int)prng_below(&r, 32);

				page[k][i] = p;
				prp[k] = p < 16 ? DATA + p * 4096 :
						  base + (p - 16) * 4096;
			}
			/* The upper half of the first page. */
			queue_put(d, 1, io_sqe(2, 1, 0, 8, prp[0] + 2048,
					       prp[1]));
		}
		queue_ring(d, 1);
		kit_poll(d->kit, 1);
		for (i = 0; i < nr; i++) {
			struct nvme_cqe c;
			bool lost = (page[0][i] < 16 && bad[page[0][i]]) ||
				    (page[1][i] < 16 && bad[page[1][i]]);

			assert_true(queue_take(d, 1, &c, true));
			assert_int_equal(STATUS(c),
					 lost ? NVME_TRANSFER_ERROR : 0);
			assert_int_equal(c.cid, (uint16_t)(d->cid - nr + 1 + i));
			if (lost)
				continue;
			assert_int_equal(page[1][i] < 16 ?
				*(uint8_t *)kit_memory(d->kit, DATA +
						       page[1][i] * 4096, 1) :
				cmb[(page[1][i] - 16) * 4096], 0x77);
		}
		for (i = 0; i < 16; i++)
			assert_true(!bad[i] || !*(uint8_t *)kit_memory(
				d->kit, DATA + i * 4096, 1));
		assert_int_equal(reg32(d, 0x1c), 1);
	}
	driver_free(d);
}

/* ---- noise -------------------------------------------------------------- */

static void noise_is_survived(void **state)
{
	struct prng r = { 99 };
	struct driver *d = *state;
	unsigned int round, i;

	for (round = 0; round < 3000; round++) {
		unsigned int q = (unsigned int)prng_below(&r, 2);
		struct nvme_sqe e = io_sqe((uint8_t)prng_below(&r, 16), 1,
					   prng_below(&r, 9000), 1, DATA,
					   LISTS);
		uint8_t *b = (uint8_t *)&e;

		for (i = (unsigned int)prng_below(&r, 6); i; i--)
			b[prng_below(&r, 64)] = (uint8_t)prng_next(&r);
		/* Lists and segments of themselves. */
		for (i = 0; i < 4; i++)
			memcpy(kit_memory(d->kit, LISTS +
					  64 * prng_below(&r, 63), 64), &e, 64);
		queue_put(d, q, e);
		queue_ring(d, q);
		if (!prng_below(&r, 40))
			reg32_set(d, 4 * prng_below(&r, 0x1000),
				  (uint32_t)prng_next(&r) &
				  ~(1u << 23 | 1u << 20));
		kit_poll(d->kit, 8);
		/* The driver reads what there is, and starts again. */
		for (i = 0; i < 2; i++) {
			struct nvme_cqe c;

			while (d->q[i].cq_size && queue_take(d, i, &c, true))
				;
		}
		if (round % 50)
			continue;
		kit_reset(d->kit);
		driver_enable(d);
		io_queue_new(d, 1, IO_SIZE);
		assert_int_equal(status_of(d, 1, sqe_read()), 0);
	}
}

static int setup(void **state)
{
	struct driver *d = driver_new(disk, 1);

	io_queue_new(d, 1, IO_SIZE);
	*state = d;
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
		T(bad_doorbells_are_events),
		T(a_head_beyond_the_end_is_refused_after_a_wrap),
		T(a_full_cq_is_waited_for),
		T(the_head_is_reported),
		T(interrupts_are_one_per_poll),
		T(vectors_are_those_of_the_queue),
		T(zeroes_are_written_where_they_must),
		T(the_phase_is_written_last),
		T(queues_are_deleted_under_load),
		T(commands_can_be_aborted),
		T(resets_under_load_leave_nothing),
		T(without_bus_mastering_nothing_moves),
		T(every_dma_call_can_fail),
		T(a_queue_that_is_not_mapped_is_fatal),
		cmocka_unit_test(queues_and_data_in_the_cmb),
		cmocka_unit_test(errors_in_batches_are_of_their_commands),
		T(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
