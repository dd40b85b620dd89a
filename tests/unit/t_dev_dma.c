/* SPDX-License-Identifier: MIT */
/* dma: every operation and every error of the engine, one at a time. */
#include "dma_test.h"

#define PAGE KIT_PAGE

static uint8_t *bytes(uint64_t iova)
{
	return kit_memory(kit, iova, 1);
}

/* ---- registers ---------------------------------------------------------- */

static void after_reset_registers_say_what_it_is(void **state)
{
	unsigned int r, offset;

	(void)state;
	kit_reset(kit);
	assert_int_equal(global(IOAS_ENG_REG_ID), IOAS_ENG_ID);
	assert_int_equal(global(IOAS_ENG_REG_VERSION), IOAS_ENG_VERSION);
	assert_int_equal(kit_mmio_read(kit, 0, IOAS_ENG_REG_CAP, 8),
			 UINT64_C(0x1ff14100402));
	for (offset = 0x10; offset < 0x1000; offset += 4)
		assert_int_equal(global(offset), 0);
	for (r = 0; r < IOAS_ENG_RINGS; r++)
		assert_int_equal(ring_get64(r, IOAS_ENG_RING_BASE), 0);
	assert_int_equal(kit_identity(kit)->class_code, IOAS_ENG_CLASS);
	kit_mmio_write(kit, 4, 0, 4, 1);
	assert_int_equal(kit_mmio_read(kit, 4, 0, 4), 0);
}

static void pairs_go_by_halves_and_parts_can_be_read(void **state)
{
	const uint64_t v = UINT64_C(0x1122334455667788);
	unsigned int i;

	(void)state;
	global_set(IOAS_ENG_REG_SCRATCH + 4, (uint32_t)(v >> 32));
	global_set(IOAS_ENG_REG_SCRATCH, (uint32_t)v);
	assert_int_equal(kit_mmio_read(kit, 0, IOAS_ENG_REG_SCRATCH, 8), v);
	for (i = 0; i < 8; i++)
		assert_int_equal(
			kit_mmio_read(kit, 0, IOAS_ENG_REG_SCRATCH + i, 1),
			v >> i * 8 & 0xff);
	for (i = 0; i < 8; i += 2)
		assert_int_equal(
			kit_mmio_read(kit, 0, IOAS_ENG_REG_SCRATCH + i, 2),
			v >> i * 8 & 0xffff);
	kit_mmio_write(kit, 0, IOAS_ENG_REG_SCRATCH, 1, 0);
	kit_mmio_write(kit, 0, IOAS_ENG_REG_SCRATCH, 2, 0);
	assert_int_equal(kit_mmio_read(kit, 0, IOAS_ENG_REG_SCRATCH, 8), v);
	kit_mmio_write(kit, 0, IOAS_ENG_REG_SCRATCH, 8, ~v);
	assert_int_equal(kit_mmio_read(kit, 0, IOAS_ENG_REG_SCRATCH, 8), ~v);
}

static void every_other_register_holds_against_writes(void **state)
{
	static const unsigned int fixed[] = {
		IOAS_ENG_REG_ID,
		IOAS_ENG_REG_VERSION,
		IOAS_ENG_REG_CAP,
		IOAS_ENG_REG_CAP + 4,
		IOAS_ENG_REG_ERRORS,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_DONE,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_ERROR,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_ERROR_INDEX,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_ERROR_IOVA,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_PROGRESS,
		/* While it runs. */
		IOAS_ENG_RING(0) + IOAS_ENG_RING_BASE,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_BASE + 4,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_SIZE,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_HEAD,
		IOAS_ENG_RING(0) + IOAS_ENG_RING_PASID,
		/* No registers. */
		0x30, 0xfc, 0x140, 0x200, 0xffc,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		uint32_t before = global(fixed[i]);

		global_set(fixed[i], ~before);
		assert_int_equal(global(fixed[i]), before);
	}
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS), IOAS_ENG_RUNNING);
}

/* ---- operations --------------------------------------------------------- */

static void nop_moves_head_and_counts(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i <= 3 * RING_SIZE; i++) {
		uint32_t index = ring_get(0, IOAS_ENG_RING_TAIL);

		run(&(desc_t){.op = IOAS_ENG_NOP}, IOAS_ENG_OK);
		assert_int_equal(desc_at(0, index)->order, i);
		assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), i);
		assert_int_equal(ring_get(0, IOAS_ENG_RING_HEAD),
				 i % RING_SIZE);
	}
	assert_int_equal(kit_irqs(kit, 0), 0);
}

static const uint64_t lengths[] = {1,	  2,	    7,	      4095,
				   PAGE,  PAGE + 1, 3 * PAGE, 3 * PAGE + 5,
				   100000};

static void copy_copies_and_nothing_else(void **state)
{
	unsigned int i, shift;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		for (shift = 0; shift < 4; shift++) {
			uint64_t s = SOURCE + shift, d = DESTINATION + 9;
			size_t n = lengths[i];

			scramble(s, n, i + 1);
			memset(bytes(d - 1), 0xee, n + 2);
			run(&(desc_t){.op = IOAS_ENG_COPY, .source = s,
				      .destination = d, .length = n},
			    IOAS_ENG_OK);
			assert_memory_equal(bytes(d), bytes(s), n);
			assert_int_equal(
				ring_get64(0, IOAS_ENG_RING_PROGRESS), 0);
			assert_int_equal(*bytes(d - 1), 0xee);
			assert_int_equal(*bytes(d + n), 0xee);
		}
	}
}

static void fill_repeats_its_pattern(void **state)
{
	const uint64_t v = UINT64_C(0x0807060504030201);
	unsigned int i;
	size_t at;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n = lengths[i];

		memset(bytes(DESTINATION), 0xee, n + 4);
		run(&(desc_t){.op = IOAS_ENG_FILL,
			      .destination = DESTINATION + 3, .length = n,
			      .value = v},
		    IOAS_ENG_OK);
		for (at = 0; at < n; at++)
			assert_int_equal(*bytes(DESTINATION + 3 + at),
					 at % 8 + 1);
		assert_int_equal(*bytes(DESTINATION + 2), 0xee);
		assert_int_equal(*bytes(DESTINATION + 3 + n), 0xee);
	}
}

/* Bit by bit. */
static uint32_t crc_twin(uint32_t crc, const uint8_t *b, size_t n)
{
	unsigned int i;

	for (crc = ~crc; n--; b++)
		for (crc ^= *b, i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	return ~crc;
}

static void crc32c_is_what_a_twin_says(void **state)
{
	desc_t d = {.op = IOAS_ENG_CRC32C, .source = SOURCE};
	uint64_t first, stored;
	unsigned int i;

	(void)state;
	memcpy(bytes(SOURCE), "123456789", 9);
	d.length = 9;
	assert_int_equal(run(&d, IOAS_ENG_OK), 0xe3069283u);
	/* By halves. */
	d.length = 4;
	d.value = run(&d, IOAS_ENG_OK);
	d.source += 4;
	d.length = 5;
	d.flags = IOAS_ENG_STORE;
	d.destination = RESULTS + 1;
	assert_int_equal(run(&d, IOAS_ENG_OK), 0xe3069283u);
	memcpy(&stored, bytes(RESULTS + 1), 8);
	assert_int_equal(stored, 0xe3069283u);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		scramble(SOURCE, lengths[i], i);
		d = (desc_t){.op = IOAS_ENG_CRC32C, .source = SOURCE,
			     .length = lengths[i]};
		first = run(&d, IOAS_ENG_OK);
		assert_int_equal(first,
				 crc_twin(0, bytes(SOURCE), lengths[i]));
	}
}

static void compare_finds_the_first_difference(void **state)
{
	const uint64_t n = 2 * PAGE + 100;
	static const uint64_t at[] = {0, 1, 4095, 4096, 4097, 8191, 8291};
	desc_t d = {.op = IOAS_ENG_COMPARE, .source = SOURCE,
		    .destination = DESTINATION, .length = n,
		    .flags = IOAS_ENG_STORE, .value = RESULTS};
	uint64_t stored;
	unsigned int i;

	(void)state;
	scramble(SOURCE, n, 1);
	memcpy(bytes(DESTINATION), bytes(SOURCE), n);
	*bytes(DESTINATION + n) ^= 0xff;
	assert_int_equal(run(&d, IOAS_ENG_OK), n);
	for (i = sizeof(at) / sizeof(at[0]); i--;) {
		*bytes(DESTINATION + at[i]) ^= 0x10;
		assert_int_equal(run(&d, IOAS_ENG_OK), at[i]);
		memcpy(&stored, bytes(RESULTS), 8);
		assert_int_equal(stored, at[i]);
	}
	/* What lies behind a difference need not be there. */
	kit_unmap(kit, SOURCE + PAGE, PAGE);
	kit_unmap(kit, DESTINATION + 2 * PAGE, PAGE);
	assert_int_equal(run(&d, IOAS_ENG_OK), 0);
}

static void atomic_add_adds(void **state)
{
	desc_t d = {.op = IOAS_ENG_ATOMIC_ADD, .destination = RESULTS + 8,
		    .length = 8, .value = 3};
	uint64_t v = UINT64_MAX - 1;
	uint32_t w;

	(void)state;
	memcpy(bytes(RESULTS + 8), &v, 8);
	assert_int_equal(run(&d, IOAS_ENG_OK), UINT64_MAX - 1);
	assert_int_equal(run(&d, IOAS_ENG_OK), 1);
	memcpy(&v, bytes(RESULTS + 8), 8);
	assert_int_equal(v, 4);
	d.length = 4;
	d.destination = RESULTS + 12;
	d.value = UINT32_MAX;
	assert_int_equal(run(&d, IOAS_ENG_OK), 0);
	assert_int_equal(run(&d, IOAS_ENG_OK), UINT32_MAX);
	memcpy(&w, bytes(RESULTS + 12), 4);
	assert_int_equal(w, UINT32_MAX - 1);
	memcpy(&w, bytes(RESULTS + 8), 4);
	assert_int_equal(w, 4);
}

static void probe_reports_instead_of_stopping(void **state)
{
	desc_t d = {.op = IOAS_ENG_PROBE, .destination = SOURCE + PAGE - 6,
		    .length = 12, .value = 0x1111111111111111};
	const uint64_t fault = (uint64_t)IOAS_ENG_FAULT << 32;

	(void)state;
	assert_int_equal(run(&d, IOAS_ENG_OK), 12);
	assert_int_equal(*bytes(SOURCE + PAGE), 0);
	kit_read_only(kit, SOURCE + PAGE, PAGE);
	assert_int_equal(run(&d, IOAS_ENG_OK), 12);
	d.flags = IOAS_ENG_WRITE;
	assert_int_equal(run(&d, IOAS_ENG_OK), fault | 6);
	assert_int_equal(*bytes(SOURCE + PAGE - 1), 0x11);
	assert_int_equal(*bytes(SOURCE + PAGE), 0);
	d.destination = KIT_MEMORY;
	assert_int_equal(run(&d, IOAS_ENG_OK), fault);
	/* The last bytes of the address space are an address. */
	d.destination = UINT64_MAX - 11;
	assert_int_equal(run(&d, IOAS_ENG_OK), fault);
	/* The descriptor is read first. */
	d.destination = SOURCE;
	kit_fail_dma(kit, 2, IOAS_DMA_ABORT);
	assert_int_equal(run(&d, IOAS_ENG_OK),
			 (uint64_t)IOAS_ENG_DMA_ABORT << 32);
	assert_int_equal(global(IOAS_ENG_REG_ERRORS), 0);
}

/* ---- lists -------------------------------------------------------------- */

/* Split @length bytes at @iova at random; some pieces are empty. */
static uint32_t split(struct prng *p, uint64_t list, uint64_t iova,
		      uint64_t length)
{
	entry_t *e = kit_memory(kit, list, 64 * sizeof(*e));
	uint32_t nr = 0, n;

	for (; length; nr++) {
		n = (uint32_t)(prng_below(p, 3) ? 1 + prng_below(p, 6000) : 0);
		if (n > length || nr == 62)
			n = (uint32_t)length;
		e[nr] = (entry_t){.iova = iova, .length = n};
		/* Holes between pieces. */
		iova += n + 64;
		length -= n;
	}
	/* One that is too many is of no matter. */
	e[nr++] = (entry_t){.iova = 0xdead, .length = 0xdead};
	return nr;
}

static void gather(uint64_t list, uint64_t length, uint8_t *out)
{
	entry_t *e = kit_memory(kit, list, 64 * sizeof(*e));
	uint64_t n;

	for (; length; e++, out += n, length -= n) {
		n = e->length < length ? e->length : length;
		memcpy(out, kit_memory(kit, e->iova, n), n);
	}
}

static void lists_are_as_good_as_ranges(void **state)
{
	static uint8_t in[40000], out[40000];
	struct prng p = {7};
	unsigned int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		uint64_t n = 1 + prng_below(&p, sizeof(in));
		desc_t d = {.op = IOAS_ENG_COPY, .source = LISTS,
			    .destination = LISTS + 0x1000, .length = n,
			    .flags = IOAS_ENG_SOURCE_LIST |
				     IOAS_ENG_DESTINATION_LIST};

		scramble(SOURCE, 60000, i);
		scramble(DESTINATION, 60000, i + 1000);
		d.nr_source = split(&p, d.source, SOURCE, n);
		d.nr_destination = split(&p, d.destination, DESTINATION, n);
		run(&d, IOAS_ENG_OK);
		gather(d.source, n, in);
		gather(d.destination, n, out);
		assert_memory_equal(in, out, n);
		d.op = IOAS_ENG_COMPARE;
		assert_int_equal(run(&d, IOAS_ENG_OK), n);
		d.op = IOAS_ENG_CRC32C;
		d.flags = IOAS_ENG_SOURCE_LIST;
		assert_int_equal(run(&d, IOAS_ENG_OK), crc_twin(0, in, n));
	}
}

static void bad_lists_are_errors_at_the_entry(void **state)
{
	entry_t *e = kit_memory(kit, LISTS, 8 * sizeof(*e));
	desc_t d = {.op = IOAS_ENG_COPY, .source = LISTS, .nr_source = 2,
		    .destination = DESTINATION, .length = 100,
		    .flags = IOAS_ENG_SOURCE_LIST};

	(void)state;
	e[0] = (entry_t){.iova = SOURCE, .length = 40};
	e[1] = (entry_t){.iova = SOURCE, .length = 59};
	run(&d, IOAS_ENG_SHORT_LIST);
	expect_error(0, IOAS_ENG_SHORT_LIST, IOAS_ENG_AT_LIST, LISTS + 32);
	assert_int_equal(ring_get64(0, IOAS_ENG_RING_PROGRESS), 99);
	go_on(0, true);
	e[1].reserved = 1;
	run(&d, IOAS_ENG_BAD_LIST);
	expect_error(0, IOAS_ENG_BAD_LIST, IOAS_ENG_AT_LIST, LISTS + 16);
	assert_int_equal(ring_get64(0, IOAS_ENG_RING_PROGRESS), 40);
	go_on(0, true);
	e[1] = (entry_t){.iova = UINT64_MAX - 57, .length = 59};
	run(&d, IOAS_ENG_BAD_RANGE);
	expect_error(0, IOAS_ENG_BAD_RANGE, IOAS_ENG_AT_LIST, LISTS + 16);
	go_on(0, true);
	d.source = KIT_MEMORY - 16;
	*(entry_t *)kit_memory(kit, d.source, 16) = e[0];
	run(&d, IOAS_ENG_FAULT);
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_LIST, KIT_MEMORY);
}

/* ---- errors of descriptors ---------------------------------------------- */

#define LIST_FLAGS (IOAS_ENG_SOURCE_LIST)

static const struct {
	desc_t d;
	enum ioas_eng_error code;
} refused[] = {
	{{.op = IOAS_ENG_NR_OPS}, IOAS_ENG_BAD_OP},
	{{.op = 255}, IOAS_ENG_BAD_OP},
	{{.op = IOAS_ENG_NOP, .flags = IOAS_ENG_ASK}, IOAS_ENG_BAD_FLAGS},
	{{.op = IOAS_ENG_NOP, .flags = 0x80}, IOAS_ENG_BAD_FLAGS},
	{{.op = IOAS_ENG_COPY, .flags = IOAS_ENG_STORE, .length = 1},
	 IOAS_ENG_BAD_FLAGS},
	{{.op = IOAS_ENG_FILL, .flags = IOAS_ENG_SOURCE_LIST, .length = 1},
	 IOAS_ENG_BAD_FLAGS},
	{{.op = IOAS_ENG_PROBE, .flags = IOAS_ENG_ASK, .length = 1},
	 IOAS_ENG_BAD_FLAGS},
	{{.op = IOAS_ENG_NOP, .pasid = 1u << 20}, IOAS_ENG_BAD_PASID},
	{{.op = IOAS_ENG_PAGE_REQUEST, .group = 512}, IOAS_ENG_BAD_GROUP},
	{{.op = IOAS_ENG_COPY, .flags = IOAS_ENG_ASK, .group = 65535,
	  .length = 1},
	 IOAS_ENG_BAD_GROUP},
	{{.op = IOAS_ENG_COPY}, IOAS_ENG_BAD_LENGTH},
	{{.op = IOAS_ENG_FILL, .length = IOAS_ENG_LENGTH_MAX + 1},
	 IOAS_ENG_BAD_LENGTH},
	{{.op = IOAS_ENG_CRC32C, .length = UINT64_MAX}, IOAS_ENG_BAD_LENGTH},
	{{.op = IOAS_ENG_PROBE, .length = IOAS_ENG_PROBE_MAX + 1},
	 IOAS_ENG_BAD_LENGTH},
	{{.op = IOAS_ENG_ATOMIC_ADD, .length = 2}, IOAS_ENG_BAD_LENGTH},
	{{.op = IOAS_ENG_ATOMIC_ADD, .length = 5}, IOAS_ENG_BAD_LENGTH},
	{{.op = IOAS_ENG_ATOMIC_ADD, .length = 8, .destination = 4},
	 IOAS_ENG_UNALIGNED},
	{{.op = IOAS_ENG_ATOMIC_ADD, .length = 4, .destination = 2},
	 IOAS_ENG_UNALIGNED},
	{{.op = IOAS_ENG_COPY, .length = 2, .source = UINT64_MAX},
	 IOAS_ENG_BAD_RANGE},
	{{.op = IOAS_ENG_COPY, .length = 2, .destination = UINT64_MAX},
	 IOAS_ENG_BAD_RANGE},
	{{.op = IOAS_ENG_CRC32C, .length = 2, .destination = UINT64_MAX - 6,
	  .flags = IOAS_ENG_STORE},
	 IOAS_ENG_BAD_RANGE},
	{{.op = IOAS_ENG_COMPARE, .length = 2, .value = UINT64_MAX,
	  .flags = IOAS_ENG_STORE},
	 IOAS_ENG_BAD_RANGE},
	{{.op = IOAS_ENG_COPY, .length = 2, .flags = LIST_FLAGS},
	 IOAS_ENG_BAD_LIST},
	{{.op = IOAS_ENG_COPY, .length = 2, .flags = LIST_FLAGS,
	  .nr_source = IOAS_ENG_LIST_MAX + 1},
	 IOAS_ENG_BAD_LIST},
	{{.op = IOAS_ENG_COPY, .length = 2, .flags = LIST_FLAGS,
	  .nr_source = 1, .source = 8},
	 IOAS_ENG_UNALIGNED},
	{{.op = IOAS_ENG_COPY, .length = 2, .flags = LIST_FLAGS,
	  .nr_source = 2, .source = UINT64_MAX - 15},
	 IOAS_ENG_BAD_RANGE},
	{{.op = IOAS_ENG_CHAIN, .group = IOAS_ENG_RINGS}, IOAS_ENG_BAD_CHAIN},
};

static void impossible_descriptors_are_errors(void **state)
{
	const unsigned int nr = sizeof(refused) / sizeof(refused[0]);
	unsigned int i;

	(void)state;
	for (i = 0; i < nr; i++) {
		uint32_t head = ring_get(0, IOAS_ENG_RING_HEAD);

		run(&refused[i].d, refused[i].code);
		expect_error(0, refused[i].code, IOAS_ENG_AT_DESCRIPTOR,
			     RING_IOVA(0) + head * sizeof(desc_t));
		assert_int_equal(
			IOAS_ENG_ERROR_OP(ring_get(0, IOAS_ENG_RING_ERROR)),
			refused[i].d.op);
		assert_int_equal(global(IOAS_ENG_REG_ERRORS), i + 1);
		assert_int_equal(ring_get(0, IOAS_ENG_RING_HEAD), head);
		go_on(0, true);
	}
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 0);
	run(&(desc_t){.op = IOAS_ENG_NOP}, IOAS_ENG_OK);
}

/* ---- errors of DMA ------------------------------------------------------ */

static void copy_stops_at_the_very_byte(void **state)
{
	const uint64_t s = SOURCE + 10, d = DESTINATION + 3000;
	desc_t copy = {.op = IOAS_ENG_COPY, .source = s, .destination = d,
		       .length = 3 * PAGE};
	uint64_t done;

	(void)state;
	scramble(SOURCE, 4 * PAGE, 1);
	/* The source ends first. */
	kit_unmap(kit, SOURCE + PAGE, PAGE);
	run(&copy, IOAS_ENG_FAULT);
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_SOURCE, SOURCE + PAGE);
	done = ring_get64(0, IOAS_ENG_RING_PROGRESS);
	assert_int_equal(done, PAGE - 10);
	assert_memory_equal(bytes(s), bytes(d), done);
	assert_int_equal(*bytes(d + done), 0);
	/* The destination does, and is only read only. */
	memset(bytes(d), 0, 3 * PAGE);
	kit_read_only(kit, DESTINATION + PAGE, PAGE);
	go_on(0, false);
	settle();
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_DESTINATION,
		     DESTINATION + PAGE);
	done = ring_get64(0, IOAS_ENG_RING_PROGRESS);
	assert_int_equal(done, PAGE - 3000);
	assert_memory_equal(bytes(s), bytes(d), done);
	assert_int_equal(*bytes(d + done), 0);
	/* Neither: the same descriptor again. */
	kit_map(kit, SOURCE + PAGE, PAGE);
	kit_map(kit, DESTINATION + PAGE, PAGE);
	go_on(0, false);
	settle();
	assert_memory_equal(bytes(s), bytes(d), 3 * PAGE);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 1);
}

static void without_bus_mastering_nothing_is_reached(void **state)
{
	(void)state;
	kit_bus_master(kit, false);
	post(0, &(desc_t){.op = IOAS_ENG_NOP});
	settle();
	expect_error(0, IOAS_ENG_DMA_ABORT, IOAS_ENG_AT_DESCRIPTOR,
		     RING_IOVA(0));
	kit_bus_master(kit, true);
	go_on(0, false);
	settle();
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 1);
}

static void ring_memory_may_be_missing(void **state)
{
	desc_t *at;

	(void)state;
	kit_unmap(kit, RING_IOVA(0), PAGE);
	at = post(0, &(desc_t){.op = IOAS_ENG_NOP});
	settle();
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_DESCRIPTOR, RING_IOVA(0));
	assert_int_equal(at->status, 0);
	kit_read_only(kit, RING_IOVA(0), PAGE);
	go_on(0, false);
	settle();
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_COMPLETION,
		     RING_IOVA(0) + offsetof(desc_t, result));
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 0);
	/* The error of the operation is the one that counts. */
	go_on(0, true);
	post(0, &(desc_t){.op = 99});
	settle();
	expect_error(0, IOAS_ENG_BAD_OP, IOAS_ENG_AT_DESCRIPTOR,
		     RING_IOVA(0) + sizeof(desc_t));
}

static void a_result_that_cannot_be_stored_is_an_error(void **state)
{
	(void)state;
	kit_read_only(kit, RESULTS + PAGE, PAGE);
	run(&(desc_t){.op = IOAS_ENG_CRC32C, .source = SOURCE, .length = 4,
		      .destination = RESULTS + PAGE - 5,
		      .flags = IOAS_ENG_STORE},
	    IOAS_ENG_FAULT);
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_RESULT, RESULTS + PAGE);
	go_on(0, true);
	run(&(desc_t){.op = IOAS_ENG_ATOMIC_ADD, .length = 4,
		      .destination = RESULTS + PAGE},
	    IOAS_ENG_FAULT);
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_DESTINATION,
		     RESULTS + PAGE);
}

static void all_of_four_gigabytes_may_be_asked_for(void **state)
{
	unsigned int before, polls = 0;

	(void)state;
	post(0, &(desc_t){.op = IOAS_ENG_FILL, .destination = DESTINATION,
			  .length = IOAS_ENG_LENGTH_MAX, .value = 1});
	before = kit_dmas(kit);
	/* No poll takes long. */
	while (kit_poll(kit, 1)) {
		assert_true(kit_dmas(kit) - before <= 8192 / 256);
		before = kit_dmas(kit);
		polls++;
	}
	assert_true(polls > 100);
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_DESTINATION, KIT_MEMORY);
	assert_int_equal(ring_get64(0, IOAS_ENG_RING_PROGRESS),
			 KIT_MEMORY - DESTINATION);
	assert_int_equal(*bytes(KIT_MEMORY - 8), 1);
}

/* The worked example of docs/dma-engine.md, with a page missing. */
static void the_data_sheet_is_right(void **state)
{
	const uint32_t r = IOAS_ENG_RING(0);
	desc_t *ring = desc_at(0, 0);
	uint64_t missing;
	uint32_t error;

	(void)state;
	kit_unmap(kit, SOURCE + 77 * PAGE, PAGE);
	scramble(SOURCE, 1 << 20, 6);
	global_set(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
	kit_mmio_write(kit, 0, r + IOAS_ENG_RING_BASE, 8, RING_IOVA(0));
	global_set(r + IOAS_ENG_RING_SIZE, 16);
	global_set(IOAS_ENG_REG_IRQ_ENABLE, 1 << 0 | 1 << IOAS_ENG_VECTOR_ERROR);
	global_set(r + IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	ring[0] = (desc_t){
		.op = IOAS_ENG_COPY, .flags = IOAS_ENG_INTERRUPT,
		.source = SOURCE, .destination = DESTINATION,
		.length = 1 << 20,
	};
	global_set(r + IOAS_ENG_RING_TAIL, 1);
	settle();
	assert_int_equal(kit_irqs(kit, IOAS_ENG_VECTOR_ERROR), 1);
	error = global(r + IOAS_ENG_RING_ERROR);
	assert_int_equal(IOAS_ENG_ERROR_CODE(error), IOAS_ENG_FAULT);
	missing = kit_mmio_read(kit, 0, r + IOAS_ENG_RING_ERROR_IOVA, 8);
	assert_int_equal(missing, SOURCE + 77 * PAGE);
	kit_map(kit, missing, PAGE);
	global_set(r + IOAS_ENG_RING_STATUS, IOAS_ENG_ERROR);
	global_set(r + IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	settle();
	assert_int_equal(kit_irqs(kit, 0), 1);
	assert_int_equal(ring[0].status, IOAS_ENG_COMPLETE | IOAS_ENG_OK);
	assert_memory_equal(bytes(SOURCE), bytes(DESTINATION), 1 << 20);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(after_reset_registers_say_what_it_is),
		T(pairs_go_by_halves_and_parts_can_be_read),
		T(every_other_register_holds_against_writes),
		T(nop_moves_head_and_counts),
		T(copy_copies_and_nothing_else),
		T(fill_repeats_its_pattern),
		T(crc32c_is_what_a_twin_says),
		T(compare_finds_the_first_difference),
		T(atomic_add_adds),
		T(probe_reports_instead_of_stopping),
		T(lists_are_as_good_as_ranges),
		T(bad_lists_are_errors_at_the_entry),
		T(impossible_descriptors_are_errors),
		T(copy_stops_at_the_very_byte),
		T(without_bus_mastering_nothing_is_reached),
		T(ring_memory_may_be_missing),
		T(a_result_that_cannot_be_stored_is_an_error),
		T(all_of_four_gigabytes_may_be_asked_for),
		T(the_data_sheet_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
