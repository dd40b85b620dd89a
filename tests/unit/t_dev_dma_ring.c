/* SPDX-License-Identifier: MIT */
/*
 * dma: rings, pages that are asked for, interrupts, order, reset and abort of
 * the engine.
 */
#include "dma_test.h"

#define PAGE KIT_PAGE
#define ASKING(g) .flags = IOAS_ENG_ASK, .group = (g)

static uint8_t *bytes(uint64_t iova)
{
	return kit_memory(kit, iova, 1);
}

/* ---- rings -------------------------------------------------------------- */

static void impossible_rings_do_not_start(void **state)
{
	static const struct {
		uint64_t base;
		uint32_t size, head, tail, pasid;
		enum ioas_eng_error code;
	} rings[] = {
		{0, 0, 0, 0, 0, IOAS_ENG_BAD_RING},
		{0, 1, 0, 0, 0, IOAS_ENG_BAD_RING},
		{0, 3, 0, 0, 0, IOAS_ENG_BAD_RING},
		{0, 131072, 0, 0, 0, IOAS_ENG_BAD_RING},
		{32, 16, 0, 0, 0, IOAS_ENG_BAD_RING},
		{0 - UINT64_C(64), 2, 0, 0, 0, IOAS_ENG_BAD_RING},
		{0, 16, 16, 0, 0, IOAS_ENG_BAD_RING},
		{0, 16, 0, 0, 1u << 20, IOAS_ENG_BAD_RING},
		{0, 16, 0, 16, 0, IOAS_ENG_BAD_TAIL},
		{0, 16, 0, UINT32_MAX, 0, IOAS_ENG_BAD_TAIL},
		{0, 16, 3, 3, 0, IOAS_ENG_OK},
		{0, 65536, 65535, 65535, 0xfffff, IOAS_ENG_OK},
		{0 - UINT64_C(128), 2, 0, 0, 0, IOAS_ENG_OK},
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		bool good = rings[i].code == IOAS_ENG_OK;
		bool tail = rings[i].code == IOAS_ENG_BAD_TAIL;

		kit_reset(kit);
		ring_set64(1, IOAS_ENG_RING_BASE, rings[i].base);
		ring_set(1, IOAS_ENG_RING_SIZE, rings[i].size);
		ring_set(1, IOAS_ENG_RING_HEAD, rings[i].head);
		ring_set(1, IOAS_ENG_RING_TAIL, rings[i].tail);
		ring_set(1, IOAS_ENG_RING_PASID, rings[i].pasid);
		assert_false(kit_poll(kit, 1));
		ring_set(1, IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
		assert_int_equal(ring_get(1, IOAS_ENG_RING_STATUS),
				 good ? IOAS_ENG_RUNNING : IOAS_ENG_ERROR);
		if (!good)
			expect_error(1, rings[i].code, IOAS_ENG_AT_RING,
				     tail ? rings[i].tail : rings[i].base);
	}
	assert_int_equal(kit_dmas(kit), 0);
}

static void an_error_is_cleared_before_a_start(void **state)
{
	(void)state;
	ring_set(0, IOAS_ENG_RING_TAIL, RING_SIZE);
	expect_error(0, IOAS_ENG_BAD_TAIL, IOAS_ENG_AT_RING, RING_SIZE);
	ring_set(0, IOAS_ENG_RING_TAIL, 0);
	ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS), IOAS_ENG_ERROR);
	/* A zero clears nothing, nor does a one elsewhere. */
	ring_set(0, IOAS_ENG_RING_STATUS, ~(uint32_t)IOAS_ENG_ERROR);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS), IOAS_ENG_ERROR);
	ring_set(0, IOAS_ENG_RING_STATUS, IOAS_ENG_ERROR);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS), 0);
	ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS), IOAS_ENG_RUNNING);
	/* Nor can the other bits be cleared. */
	ring_set(0, IOAS_ENG_RING_STATUS, UINT32_MAX);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS), IOAS_ENG_RUNNING);
}

static void doorbells_in_memory_are_seen(void **state)
{
	uint32_t *page = kit_bar(kit, 2);
	unsigned int i;

	(void)state;
	/* Not before they are asked for. */
	page[IOAS_ENG_DOOR_TAIL(1) / 4] = 3;
	assert_false(kit_poll(kit, 1));
	page[IOAS_ENG_DOOR_TAIL(1) / 4] = 0;
	ring_set(1, IOAS_ENG_RING_CONTROL, IOAS_ENG_DOORBELL);
	assert_int_equal(ring_get(1, IOAS_ENG_RING_CONTROL),
			 IOAS_ENG_DOORBELL);
	memset(desc_at(1, 0), 0, RING_SIZE * sizeof(desc_t));
	for (i = 1; i < 2 * RING_SIZE; i++) {
		page[IOAS_ENG_DOOR_TAIL(1) / 4] = i % RING_SIZE;
		settle();
		assert_int_equal(page[IOAS_ENG_DOOR_HEAD(1) / 4],
				 i % RING_SIZE);
		assert_int_equal(ring_get(1, IOAS_ENG_RING_TAIL),
				 i % RING_SIZE);
		assert_int_equal(ring_get(1, IOAS_ENG_RING_DONE), i);
	}
	/* The register still works; the other ring's words stay as they are. */
	post(1, &(desc_t){.op = IOAS_ENG_NOP});
	settle();
	assert_int_equal(ring_get(1, IOAS_ENG_RING_DONE), i);
	assert_int_equal(page[IOAS_ENG_DOOR_HEAD(0) / 4], 0);
	page[IOAS_ENG_DOOR_TAIL(1) / 4] = 0xdeadbeef;
	settle();
	expect_error(1, IOAS_ENG_BAD_TAIL, IOAS_ENG_AT_RING, 0xdeadbeef);
	/* The engine's own reset forgets the page too. */
	global_set(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
	assert_int_equal(page[IOAS_ENG_DOOR_TAIL(1) / 4], 0);
	assert_int_equal(page[IOAS_ENG_DOOR_HEAD(1) / 4], 0);
}

/* When a ring starts with doorbells, or gets them, the page counts. */
static void the_page_counts_at_the_start(void **state)
{
	uint32_t *page = kit_bar(kit, 2);

	(void)state;
	memset(desc_at(1, 0), 0, RING_SIZE * sizeof(desc_t));
	ring_set(1, IOAS_ENG_RING_TAIL, 3);
	settle();
	assert_int_equal(ring_get(1, IOAS_ENG_RING_DONE), 3);
	ring_set(1, IOAS_ENG_RING_CONTROL, IOAS_ENG_DOORBELL);
	settle();
	assert_int_equal(ring_get(1, IOAS_ENG_RING_DONE), RING_SIZE);
	page[IOAS_ENG_DOOR_TAIL(1) / 4] = 3;
	settle();
	ring_set(1, IOAS_ENG_RING_CONTROL,
		 IOAS_ENG_ABORT | IOAS_ENG_DOORBELL);
	ring_set(1, IOAS_ENG_RING_HEAD, 0);
	ring_set(1, IOAS_ENG_RING_TAIL, 0);
	ring_set(1, IOAS_ENG_RING_CONTROL,
		 IOAS_ENG_START | IOAS_ENG_DOORBELL);
	settle();
	assert_int_equal(ring_get(1, IOAS_ENG_RING_DONE), RING_SIZE + 6);
}

static void a_fence_waits_for_what_the_other_ring_is_at(void **state)
{
	desc_t *slow, *fenced, *after;

	(void)state;
	slow = post(0, &(desc_t){.op = IOAS_ENG_FILL, .value = 1,
				 .destination = DESTINATION,
				 .length = 64 * PAGE});
	after = post(0, &(desc_t){.op = IOAS_ENG_FILL, .value = 2,
				  .destination = DESTINATION,
				  .length = 64 * PAGE});
	kit_poll(kit, 1);
	fenced = post(1, &(desc_t){.op = IOAS_ENG_CRC32C, .length = 8,
				   .source = DESTINATION + 64 * PAGE - 8,
				   .flags = IOAS_ENG_FENCE});
	while (!fenced->status)
		assert_true(kit_poll(kit, 1));
	/* Of the one before it, not of the one behind. */
	assert_true(slow->status);
	assert_false(after->status);
	assert_int_equal(*bytes(DESTINATION + 64 * PAGE - 8), 1);
	settle();
	assert_true(after->status);
}

static void fences_do_not_wait_for_each_other(void **state)
{
	unsigned int i, r;

	(void)state;
	for (i = 0; i < RING_SIZE - 1; i++)
		for (r = 0; r < IOAS_ENG_RINGS; r++)
			post(r, &(desc_t){.op = IOAS_ENG_NOP,
					  .flags = IOAS_ENG_FENCE});
	settle();
	for (r = 0; r < IOAS_ENG_RINGS; r++)
		assert_int_equal(ring_get(r, IOAS_ENG_RING_DONE),
				 RING_SIZE - 1);
}

static void a_fence_ends_with_the_ring_it_waits_for(void **state)
{
	desc_t *fenced;

	(void)state;
	kit_unmap(kit, SOURCE, PAGE);
	post(0, &(desc_t){.op = IOAS_ENG_CRC32C, .source = SOURCE,
			  .length = 1, ASKING(1)});
	settle();
	fenced = post(1, &(desc_t){.op = IOAS_ENG_NOP,
				   .flags = IOAS_ENG_FENCE});
	settle();
	assert_int_equal(fenced->status, 0);
	assert_true(ring_get(1, IOAS_ENG_RING_STATUS) & IOAS_ENG_BUSY);
	ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_ABORT);
	settle();
	assert_int_equal(fenced->status, IOAS_ENG_COMPLETE);
}

static void a_chain_starts_the_other_ring(void **state)
{
	desc_t *there = desc_at(1, 0);

	(void)state;
	ring_set(1, IOAS_ENG_RING_CONTROL, IOAS_ENG_ABORT);
	*there = (desc_t){.op = IOAS_ENG_FILL, .destination = RESULTS,
			  .length = 1, .value = 0x77};
	run(&(desc_t){.op = IOAS_ENG_CHAIN, .group = 1, .value = 1},
	    IOAS_ENG_OK);
	assert_int_equal(there->status, IOAS_ENG_COMPLETE);
	assert_int_equal(*bytes(RESULTS), 0x77);
	/* To where there is nothing: that ring's error. */
	run(&(desc_t){.op = IOAS_ENG_CHAIN, .group = 1, .value = RING_SIZE},
	    IOAS_ENG_OK);
	expect_error(1, IOAS_ENG_BAD_TAIL, IOAS_ENG_AT_RING, RING_SIZE);
	/* And to who had one: ours. */
	run(&(desc_t){.op = IOAS_ENG_CHAIN, .group = 1, .value = 2},
	    IOAS_ENG_BAD_CHAIN);
	go_on(0, true);
	/* To itself. */
	post(0, &(desc_t){.op = IOAS_ENG_CHAIN, .group = 0,
			  .value = UINT64_C(1) << 32});
	settle();
	expect_error(0, IOAS_ENG_BAD_TAIL, IOAS_ENG_AT_RING, UINT32_MAX);
}

/* Rings that push each other on end by themselves. */
static void chains_that_go_round_are_cut(void **state)
{
	unsigned int i, r;

	(void)state;
	for (r = 0; r < IOAS_ENG_RINGS; r++)
		for (i = 0; i < RING_SIZE; i++)
			*desc_at(r, i) = (desc_t){
				.op = IOAS_ENG_CHAIN,
				.group = (uint16_t)!r,
				.value = (i + 1 + r) % RING_SIZE,
			};
	ring_set(0, IOAS_ENG_RING_TAIL, 1);
	settle();
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE) +
				 ring_get(1, IOAS_ENG_RING_DONE),
			 IOAS_ENG_CHAIN_MAX);
	r = ring_get(0, IOAS_ENG_RING_STATUS) & IOAS_ENG_ERROR ? 0 : 1;
	expect_error(r, IOAS_ENG_CHAIN_LOOP, IOAS_ENG_AT_DESCRIPTOR,
		     RING_IOVA(r) + ring_get(r, IOAS_ENG_RING_HEAD) *
					    sizeof(desc_t));
	/* The driver's own word begins a new count. */
	go_on(r, false);
	settle();
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE) +
				 ring_get(1, IOAS_ENG_RING_DONE),
			 2 * IOAS_ENG_CHAIN_MAX);
}

/* A chain of the driver's does not make young again who is old. */
static void a_loop_with_help_is_cut_as_soon(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < RING_SIZE; i++) {
		*desc_at(0, i) = (desc_t){.op = IOAS_ENG_CHAIN, .group = 0,
					  .value = (i + 2) % RING_SIZE};
		*desc_at(1, i) = (desc_t){.op = IOAS_ENG_CHAIN, .group = 0,
					  .value = (i + 3) % RING_SIZE};
	}
	ring_set(0, IOAS_ENG_RING_TAIL, 1);
	ring_set(1, IOAS_ENG_RING_TAIL, RING_SIZE - 1);
	settle();
	assert_int_equal(IOAS_ENG_ERROR_CODE(ring_get(0, IOAS_ENG_RING_ERROR)),
			 IOAS_ENG_CHAIN_LOOP);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), IOAS_ENG_CHAIN_MAX);
}

/* ---- pages that are asked for ------------------------------------------- */

static void a_request_waits_for_its_answer(void **state)
{
	struct kit_request q;
	desc_t *at;

	(void)state;
	at = post(0, &(desc_t){.op = IOAS_ENG_PAGE_REQUEST, .group = 5,
			       .pasid = 9, .source = 0x1234567,
			       .flags = IOAS_ENG_WRITE});
	settle();
	assert_int_equal(kit_requests(kit, &q), 1);
	assert_int_equal(q.group, 5);
	assert_int_equal(q.pasid, 9);
	assert_int_equal(q.iova, 0x1234567);
	assert_true(q.write);
	assert_int_equal(kit_irqs(kit, IOAS_ENG_VECTOR_PAGE), 1);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS),
			 IOAS_ENG_RUNNING | IOAS_ENG_BUSY | IOAS_ENG_WAITING);
	/* Another's answers. */
	kit_page_response(kit, 8, 5, true);
	kit_page_response(kit, 9, 4, true);
	kit_page_response(kit, 9, IOAS_ENG_GROUPS, true);
	kit_page_response(kit, UINT32_MAX, UINT32_MAX, true);
	assert_false(kit_poll(kit, 1));
	kit_page_response(kit, 9, 5, true);
	settle();
	assert_int_equal(at->status, IOAS_ENG_COMPLETE);
	/* Twice is too often. */
	kit_page_response(kit, 9, 5, true);
	assert_false(kit_poll(kit, 1));
}

static void a_refused_request_is_an_error(void **state)
{
	desc_t ask = {.op = IOAS_ENG_PAGE_REQUEST, .group = 511,
		      .source = SOURCE + 8};

	(void)state;
	post(0, &ask);
	settle();
	kit_page_response(kit, 0, 511, false);
	expect_error(0, IOAS_ENG_DENIED, IOAS_ENG_AT_SOURCE, SOURCE + 8);
	go_on(0, true);
	settle();
	kit_may_request(kit, false);
	run(&ask, IOAS_ENG_NOT_ASKED);
	expect_error(0, IOAS_ENG_NOT_ASKED, IOAS_ENG_AT_SOURCE, SOURCE + 8);
	/* What was not asked waits for nothing. */
	kit_may_request(kit, true);
	go_on(0, false);
	settle();
	assert_int_equal(kit_requests(kit, NULL), 2);
}

static void a_fault_may_ask_and_go_on(void **state)
{
	const uint64_t n = 3 * PAGE;
	desc_t *at;
	struct kit_request q;
	unsigned int asked = 0;

	(void)state;
	scramble(SOURCE, n, 3);
	kit_unmap(kit, SOURCE, n);
	kit_unmap(kit, DESTINATION, n);
	at = post(0, &(desc_t){.op = IOAS_ENG_COPY, .source = SOURCE,
			       .destination = DESTINATION, .length = n,
			       ASKING(3)});
	for (settle(); !at->status; settle()) {
		assert_int_equal(kit_requests(kit, &q), ++asked);
		assert_int_equal(q.write, q.iova >= DESTINATION);
		kit_map(kit, q.iova / PAGE * PAGE, PAGE);
		kit_page_response(kit, 0, 3, true);
	}
	assert_int_equal(at->status, IOAS_ENG_COMPLETE);
	assert_int_equal(asked, 6);
	assert_memory_equal(bytes(SOURCE), bytes(DESTINATION), n);
}

static void a_yes_without_a_page_is_not_believed_for_ever(void **state)
{
	unsigned int i;

	(void)state;
	kit_unmap(kit, SOURCE + PAGE, PAGE);
	post(0, &(desc_t){.op = IOAS_ENG_CRC32C, .source = SOURCE,
			  .length = 2 * PAGE, ASKING(0)});
	for (i = 1; i <= IOAS_ENG_RETRIES; i++) {
		settle();
		assert_int_equal(kit_requests(kit, NULL), i);
		kit_page_response(kit, 0, 0, true);
	}
	settle();
	assert_int_equal(kit_requests(kit, NULL), IOAS_ENG_RETRIES);
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_SOURCE, SOURCE + PAGE);
}

/* How often one asked is no business of the next. */
static void each_descriptor_may_ask_anew(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < IOAS_ENG_RETRIES + 1; i++) {
		post(0, &(desc_t){.op = IOAS_ENG_PAGE_REQUEST});
		settle();
		kit_page_response(kit, 0, 0, true);
	}
	settle();
	kit_unmap(kit, SOURCE, PAGE);
	post(0, &(desc_t){.op = IOAS_ENG_CRC32C, .source = SOURCE,
			  .length = 1, ASKING(0)});
	for (i = 0; i < IOAS_ENG_RETRIES - 1; i++) {
		settle();
		kit_page_response(kit, 0, 0, true);
	}
	settle();
	assert_true(ring_get(0, IOAS_ENG_RING_STATUS) & IOAS_ENG_WAITING);
	kit_map(kit, SOURCE, PAGE);
	kit_page_response(kit, 0, 0, true);
	settle();
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE),
			 IOAS_ENG_RETRIES + 2);
}

static void lists_and_results_ask_as_well(void **state)
{
	entry_t *e = kit_memory(kit, LISTS, sizeof(*e));
	struct kit_request q;
	desc_t *at;

	(void)state;
	*e = (entry_t){.iova = SOURCE, .length = 4};
	kit_unmap(kit, LISTS, PAGE);
	kit_unmap(kit, RESULTS, PAGE);
	at = post(0, &(desc_t){.op = IOAS_ENG_CRC32C, .source = LISTS,
			       .nr_source = 1, .length = 4, .group = 1,
			       .destination = RESULTS,
			       .flags = IOAS_ENG_ASK | IOAS_ENG_SOURCE_LIST |
					IOAS_ENG_STORE});
	settle();
	kit_requests(kit, &q);
	assert_int_equal(q.iova, LISTS);
	kit_map(kit, LISTS, PAGE);
	kit_page_response(kit, 0, 1, true);
	settle();
	assert_int_equal(kit_requests(kit, &q), 2);
	assert_int_equal(q.iova, RESULTS);
	assert_true(q.write);
	kit_map(kit, RESULTS, PAGE);
	kit_page_response(kit, 0, 1, true);
	settle();
	assert_int_equal(at->status, IOAS_ENG_COMPLETE);
}

/* N4: an answer that comes late is not taken for that of who asks now. */
static void a_group_is_busy_until_it_is_answered(void **state)
{
	desc_t ask = {.op = IOAS_ENG_PAGE_REQUEST, .group = 2,
		      .source = SOURCE};

	(void)state;
	post(0, &ask);
	settle();
	ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_ABORT);
	post(1, &ask);
	settle();
	expect_error(1, IOAS_ENG_BAD_GROUP, IOAS_ENG_AT_SOURCE, SOURCE);
	global_set(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
	ring_begin(0);
	run(&ask, IOAS_ENG_BAD_GROUP);
	kit_page_response(kit, 0, 2, false);
	go_on(0, false);
	settle();
	assert_true(ring_get(0, IOAS_ENG_RING_STATUS) & IOAS_ENG_WAITING);
	/* A reset of the function forgets them all. */
	kit_reset(kit);
	ring_begin(0);
	post(0, &ask);
	settle();
	assert_true(ring_get(0, IOAS_ENG_RING_STATUS) & IOAS_ENG_WAITING);
}

/* ---- interrupts --------------------------------------------------------- */

static void a_vector_sends_once_until_it_is_cleared(void **state)
{
	const desc_t nop = {.op = IOAS_ENG_NOP, .flags = IOAS_ENG_INTERRUPT};

	(void)state;
	run(&nop, IOAS_ENG_OK);
	run(&nop, IOAS_ENG_OK);
	assert_int_equal(kit_irqs(kit, 0), 1);
	assert_true(kit_intx(kit));
	assert_int_equal(global(IOAS_ENG_REG_IRQ_STATUS), 1);
	assert_true(ring_get(0, IOAS_ENG_RING_STATUS) & IOAS_ENG_DONE);
	global_set(IOAS_ENG_REG_IRQ_STATUS, 0xfe);
	assert_int_equal(global(IOAS_ENG_REG_IRQ_STATUS), 1);
	assert_true(kit_intx(kit));
	global_set(IOAS_ENG_REG_IRQ_STATUS, 1);
	assert_int_equal(global(IOAS_ENG_REG_IRQ_STATUS), 0);
	assert_false(kit_intx(kit));
	run(&nop, IOAS_ENG_OK);
	assert_int_equal(kit_irqs(kit, 0), 2);
	run(&(desc_t){.op = 99}, IOAS_ENG_BAD_OP);
	assert_int_equal(kit_irqs(kit, IOAS_ENG_VECTOR_ERROR), 1);
	assert_int_equal(kit_irqs(kit, 0), 2);
	/* The line stays up for the other one. */
	global_set(IOAS_ENG_REG_IRQ_STATUS, 1);
	assert_true(kit_intx(kit));
	global_set(IOAS_ENG_REG_IRQ_STATUS, 4);
	assert_false(kit_intx(kit));
}

static void what_comes_while_disabled_is_sent_later(void **state)
{
	(void)state;
	global_set(IOAS_ENG_REG_IRQ_ENABLE, 0xfffffffe);
	assert_int_equal(global(IOAS_ENG_REG_IRQ_ENABLE), 0xe);
	run(&(desc_t){.op = IOAS_ENG_NOP, .flags = IOAS_ENG_INTERRUPT},
	    IOAS_ENG_OK);
	assert_int_equal(kit_irqs(kit, 0), 0);
	assert_false(kit_intx(kit));
	global_set(IOAS_ENG_REG_IRQ_ENABLE, 0xf);
	assert_int_equal(kit_irqs(kit, 0), 1);
	assert_true(kit_intx(kit));
	global_set(IOAS_ENG_REG_IRQ_ENABLE, 0xf);
	assert_int_equal(kit_irqs(kit, 0), 1);
	global_set(IOAS_ENG_REG_IRQ_ENABLE, 0);
	assert_false(kit_intx(kit));
}

/* ---- order, and what is read once --------------------------------------- */

struct watch {
	desc_t *at;
	unsigned int descriptor_reads, entry_reads, statuses;
};

static void watch_order(void *context, bool write, uint64_t iova,
			const void *data, size_t length)
{
	struct watch *w = context;

	(void)data;
	(void)length;
	if (!write || iova != RING_IOVA(0) + offsetof(desc_t, order))
		return;
	w->statuses++;
	/* All of the data is there, and nothing told yet. */
	assert_memory_equal(bytes(SOURCE), bytes(DESTINATION), 2 * PAGE);
	assert_int_equal(w->at->result, 0);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_HEAD), 0);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 0);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS),
			 IOAS_ENG_RUNNING | IOAS_ENG_BUSY);
	assert_int_equal(kit_irqs(kit, 0), 0);
}

static void data_comes_before_status_before_interrupt(void **state)
{
	struct watch w = {0};

	(void)state;
	scramble(SOURCE, 2 * PAGE, 8);
	kit_on_piece(kit, watch_order, &w);
	w.at = post(0, &(desc_t){.op = IOAS_ENG_COPY, .source = SOURCE,
				 .destination = DESTINATION,
				 .length = 2 * PAGE, .result = 0x55,
				 .flags = IOAS_ENG_INTERRUPT});
	settle();
	assert_int_equal(w.statuses, 1);
	assert_int_equal(kit_irqs(kit, 0), 1);
}

/* A driver that rewrites what it has posted. */
static void watch_reads(void *context, bool write, uint64_t iova,
			const void *data, size_t length)
{
	struct watch *w = context;

	(void)data;
	(void)length;
	if (write)
		return;
	if (iova == RING_IOVA(0)) {
		w->descriptor_reads++;
	} else if (iova == LISTS) {
		w->entry_reads++;
		memset(w->at, 0xff, sizeof(*w->at));
	} else if (iova == SOURCE) {
		memset(bytes(LISTS), 0xff, sizeof(entry_t));
	}
}

static void a_descriptor_is_read_once(void **state)
{
	entry_t *e = kit_memory(kit, LISTS, sizeof(*e));
	struct watch w = {0};

	(void)state;
	*e = (entry_t){.iova = SOURCE, .length = 5 * PAGE};
	scramble(SOURCE, 5 * PAGE, 4);
	kit_on_piece(kit, watch_reads, &w);
	w.at = post(0, &(desc_t){.op = IOAS_ENG_COPY, .source = LISTS,
				 .nr_source = 1, .destination = DESTINATION,
				 .length = 5 * PAGE,
				 .flags = IOAS_ENG_SOURCE_LIST});
	settle();
	assert_int_equal(w.at->status, IOAS_ENG_COMPLETE);
	assert_memory_equal(bytes(SOURCE), bytes(DESTINATION), 5 * PAGE);
	assert_int_equal(w.descriptor_reads, 1);
	assert_int_equal(w.entry_reads, 1);
}

/* ---- PASIDs ------------------------------------------------------------- */

/* Descriptor in one space, memory in another. */
static void each_descriptor_has_its_own_space(void **state)
{
	const uint64_t stride = 0x40000;
	desc_t *at;
	uint64_t here = RING_IOVA(0) + 2 * stride;

	(void)state;
	kit_pasid_stride(kit, stride);
	ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_ABORT);
	ring_set(0, IOAS_ENG_RING_PASID, 2);
	ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	scramble(SOURCE + 3 * stride, 100, 5);
	at = kit_memory(kit, here, sizeof(*at));
	*at = (desc_t){.op = IOAS_ENG_COPY, .pasid = 3, .source = SOURCE,
		       .destination = DESTINATION, .length = 100};
	ring_set(0, IOAS_ENG_RING_TAIL, 1);
	settle();
	assert_int_equal(at->status, IOAS_ENG_COMPLETE);
	assert_memory_equal(bytes(SOURCE + 3 * stride),
			    bytes(DESTINATION + 3 * stride), 100);
	assert_int_equal(*bytes(DESTINATION), 0);
	assert_int_equal(desc_at(0, 0)->status, 0);
	/* The same with one that has nothing. */
	at[1] = (desc_t){.op = IOAS_ENG_COPY, .pasid = 0xfffff,
			 .source = SOURCE, .destination = DESTINATION,
			 .length = 100};
	ring_set(0, IOAS_ENG_RING_TAIL, 2);
	settle();
	expect_error(0, IOAS_ENG_FAULT, IOAS_ENG_AT_SOURCE, SOURCE);
	assert_int_equal(kit_fault_pasid(kit), 0xfffff);
	assert_int_equal(at[1].status, IOAS_ENG_COMPLETE | IOAS_ENG_FAULT);
}

/* ---- reset and abort at every step -------------------------------------- */

#define PROGRAM_BYTES (24 * PAGE)

/* Operations that may be done twice. */
static void program(void)
{
	entry_t *e = kit_memory(kit, LISTS, 3 * sizeof(*e));
	unsigned int i;

	scramble(SOURCE, PROGRAM_BYTES, 11);
	memset(bytes(DESTINATION), 0, PROGRAM_BYTES);
	for (i = 0; i < 3; i++)
		e[i] = (entry_t){.iova = DESTINATION + i * 8 * PAGE,
				 .length = 8 * PAGE};
	post(0, &(desc_t){.op = IOAS_ENG_FILL, .destination = DESTINATION,
			  .length = PROGRAM_BYTES, .value = 5});
	post(0, &(desc_t){.op = IOAS_ENG_COPY, .source = SOURCE,
			  .destination = LISTS, .nr_destination = 3,
			  .length = PROGRAM_BYTES,
			  .flags = IOAS_ENG_DESTINATION_LIST});
	post(0, &(desc_t){.op = IOAS_ENG_CRC32C, .source = SOURCE,
			  .length = 4 * PAGE, .destination = RESULTS,
			  .flags = IOAS_ENG_STORE | IOAS_ENG_INTERRUPT});
	post(0, &(desc_t){.op = IOAS_ENG_COMPARE, .source = SOURCE,
			  .destination = LISTS, .nr_destination = 3,
			  .length = PROGRAM_BYTES,
			  .flags = IOAS_ENG_DESTINATION_LIST});
}

static void program_is_done(void)
{
	unsigned int i;
	uint64_t stored;

	assert_int_equal(ring_get(0, IOAS_ENG_RING_HEAD), 4);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(desc_at(0, i)->status, IOAS_ENG_COMPLETE);
	assert_memory_equal(bytes(SOURCE), bytes(DESTINATION), PROGRAM_BYTES);
	assert_int_equal(desc_at(0, 3)->result, PROGRAM_BYTES);
	memcpy(&stored, bytes(RESULTS), 8);
	assert_int_equal(desc_at(0, 2)->result, stored);
}

/* Stopped, with @head, and nothing comes any more. */
static void at_rest(void)
{
	unsigned int before = kit_dmas(kit);
	uint32_t head = ring_get(0, IOAS_ENG_RING_HEAD);

	assert_false(kit_poll(kit, 10));
	assert_int_equal(kit_dmas(kit), before);
	assert_int_equal(ring_get(0, IOAS_ENG_RING_HEAD), head);
}

static void an_abort_at_any_step_can_be_gone_on_from(void **state)
{
	unsigned int polls, head, i;
	bool over = false;

	for (polls = 0; !over; polls++) {
		uint64_t progress;

		setup(state);
		program();
		kit_poll(kit, polls);
		over = ring_get(0, IOAS_ENG_RING_DONE) == 4;
		ring_set(0, IOAS_ENG_RING_CONTROL, IOAS_ENG_ABORT);
		assert_int_equal(ring_get(0, IOAS_ENG_RING_STATUS) &
					 ~(uint32_t)IOAS_ENG_DONE,
				 IOAS_ENG_ABORTED);
		at_rest();
		head = ring_get(0, IOAS_ENG_RING_HEAD);
		progress = ring_get64(0, IOAS_ENG_RING_PROGRESS);
		for (i = 0; i < 4; i++)
			assert_int_equal(!desc_at(0, i)->status, i >= head);
		if (head == 1 && progress)
			assert_memory_equal(bytes(SOURCE), bytes(DESTINATION),
					    progress);
		if (head == 1 && progress < PROGRAM_BYTES)
			assert_int_equal(*bytes(DESTINATION + progress), 5);
		go_on(0, false);
		settle();
		program_is_done();
		teardown(state);
	}
	assert_true(polls > 10);
}

static void a_reset_at_any_step_leaves_nothing(void **state)
{
	unsigned int polls, irqs, offset;
	bool over = false;

	for (polls = 0; !over; polls++) {
		setup(state);
		program();
		kit_poll(kit, polls);
		over = ring_get(0, IOAS_ENG_RING_DONE) == 4;
		irqs = kit_irqs(kit, 0);
		if (polls % 2)
			global_set(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
		else
			kit_reset(kit);
		at_rest();
		for (offset = 0x10; offset < 0x200; offset += 4)
			assert_int_equal(global(offset), 0);
		assert_false(kit_intx(kit));
		assert_int_equal(kit_irqs(kit, 0), irqs);
		ring_begin(0);
		program();
		settle();
		program_is_done();
		teardown(state);
	}
	assert_true(polls > 10);
}

/* Let each DMA call fail once, both ways; then try again. */
static void any_dma_may_fail(void **state)
{
	enum ioas_dma_error as;
	unsigned int nth, stage, head;
	uint32_t error;

	for (as = IOAS_DMA_FAULT; as <= IOAS_DMA_ABORT; as++) {
		for (nth = 1;; nth++) {
			setup(state);
			program();
			kit_fail_dma(kit, nth, as);
			settle();
			if (!kit_failed_dma(kit))
				break;
			error = ring_get(0, IOAS_ENG_RING_ERROR);
			stage = IOAS_ENG_ERROR_STAGE(error);
			assert_true(stage >= IOAS_ENG_AT_DESCRIPTOR &&
				    stage <= IOAS_ENG_AT_COMPLETION);
			expect_error(0,
				     as == IOAS_DMA_FAULT ?
					     IOAS_ENG_FAULT :
					     IOAS_ENG_DMA_ABORT,
				     stage, kit_fault_iova(kit));
			assert_int_equal(kit_irqs(kit, IOAS_ENG_VECTOR_ERROR),
					 1);
			/* A completion that failed is not tried again. */
			head = ring_get(0, IOAS_ENG_RING_HEAD);
			assert_int_equal(!desc_at(0, head)->status,
					 stage == IOAS_ENG_AT_COMPLETION ||
					 stage == IOAS_ENG_AT_DESCRIPTOR);
			at_rest();
			go_on(0, false);
			settle();
			program_is_done();
			assert_int_equal(global(IOAS_ENG_REG_ERRORS), 1);
			teardown(state);
		}
		program_is_done();
		teardown(state);
		assert_true(nth > 100);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(impossible_rings_do_not_start),
		T(an_error_is_cleared_before_a_start),
		T(doorbells_in_memory_are_seen),
		T(the_page_counts_at_the_start),
		T(a_fence_waits_for_what_the_other_ring_is_at),
		T(fences_do_not_wait_for_each_other),
		T(a_fence_ends_with_the_ring_it_waits_for),
		T(a_chain_starts_the_other_ring),
		T(chains_that_go_round_are_cut),
		T(a_loop_with_help_is_cut_as_soon),
		T(a_request_waits_for_its_answer),
		T(a_refused_request_is_an_error),
		T(a_fault_may_ask_and_go_on),
		T(a_yes_without_a_page_is_not_believed_for_ever),
		T(each_descriptor_may_ask_anew),
		T(lists_and_results_ask_as_well),
		T(a_group_is_busy_until_it_is_answered),
		T(a_vector_sends_once_until_it_is_cleared),
		T(what_comes_while_disabled_is_sent_later),
		T(data_comes_before_status_before_interrupt),
		T(a_descriptor_is_read_once),
		T(each_descriptor_has_its_own_space),
		cmocka_unit_test(an_abort_at_any_step_can_be_gone_on_from),
		cmocka_unit_test(a_reset_at_any_step_leaves_nothing),
		cmocka_unit_test(any_dma_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
