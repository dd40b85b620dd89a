/* SPDX-License-Identifier: MIT */
/*
 * dma: random programs against a model that goes byte by byte
 *
 *    engine:  steps, lists, ranges  --> memory of the kit
 *    model:   one byte at a time    --> a copy of it
 *
 * After each descriptor both agree on memory, result, progress, and on code,
 * stage and address of the error if there was one. Sources, destinations, lists
 * and ring do not overlap: what a copy onto itself does is left open.
 */
#include "dma_test.h"

#include <stdlib.h>

#define PAGES 16u
#define PAGE KIT_PAGE
#define LIST_MAX 8u
#define ROUNDS 1500u

enum access { READ_WRITE, READ_ONLY, NONE };

struct world {
	struct prng p;
	/* Of the pages at SOURCE, DESTINATION and RESULTS. */
	enum access source[PAGES], destination[PAGES], results;
	uint8_t *memory;
};

/* What the model says of a descriptor. */
struct verdict {
	enum ioas_eng_error code;
	enum ioas_eng_stage stage;
	uint64_t iova, progress, result;
};

/* Where the model is in a range or list. */
struct walk {
	uint64_t iova, left, entry;
	uint32_t nr;
	bool used;
};

static enum access access_at(const struct world *w, uint64_t iova)
{
	if (iova >= SOURCE && iova - SOURCE < PAGES * PAGE)
		return w->source[(iova - SOURCE) / PAGE];
	if (iova >= DESTINATION && iova - DESTINATION < PAGES * PAGE)
		return w->destination[(iova - DESTINATION) / PAGE];
	if (iova >= RESULTS && iova - RESULTS < PAGE)
		return w->results;
	return iova < KIT_MEMORY ? READ_WRITE : NONE;
}

static struct walk walk_begin(const desc_t *d, bool source, bool used)
{
	uint8_t list = source ? IOAS_ENG_SOURCE_LIST :
				IOAS_ENG_DESTINATION_LIST;
	uint64_t iova = source ? d->source : d->destination;

	if (d->flags & list)
		return (struct walk){.entry = iova, .used = used,
				     .nr = source ? d->nr_source :
						    d->nr_destination};
	return (struct walk){.iova = iova, .left = d->length, .used = used};
}

/* The next byte has an address, or @v says why not. */
static bool walk_next(struct world *w, struct walk *k, struct verdict *v)
{
	entry_t e;

	while (k->used && !k->left) {
		if (!k->nr) {
			*v = (struct verdict){IOAS_ENG_SHORT_LIST,
					      IOAS_ENG_AT_LIST, k->entry,
					      v->progress, v->result};
			return false;
		}
		memcpy(&e, w->memory + k->entry, sizeof(e));
		k->iova = e.iova;
		k->left = e.length;
		k->entry += sizeof(e);
		k->nr--;
	}
	return true;
}

static bool reach(struct world *w, const struct walk *k, bool write,
		  enum ioas_eng_stage stage, struct verdict *v)
{
	enum access a = access_at(w, k->iova);

	if (a == READ_WRITE || (a == READ_ONLY && !write))
		return true;
	v->code = IOAS_ENG_FAULT;
	v->stage = stage;
	v->iova = k->iova;
	return false;
}

static uint32_t crc_byte(uint32_t crc, uint8_t byte)
{
	unsigned int i;

	crc = ~crc ^ byte;
	for (i = 0; i < 8; i++)
		crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	return ~crc;
}

/* One byte of an operation. Return: go on. */
static bool model_byte(struct world *w, const desc_t *d, struct walk *s,
		       struct walk *t, struct verdict *v)
{
	bool write = d->op == IOAS_ENG_COPY || d->op == IOAS_ENG_FILL;
	uint8_t *to = w->memory + t->iova;

	if (s->used && !reach(w, s, false, IOAS_ENG_AT_SOURCE, v))
		return false;
	if (t->used && !reach(w, t, write, IOAS_ENG_AT_DESTINATION, v))
		return false;
	switch (d->op) {
	case IOAS_ENG_COPY:
		*to = w->memory[s->iova];
		break;
	case IOAS_ENG_FILL:
		*to = (uint8_t)(d->value >> v->progress % 8 * 8);
		break;
	case IOAS_ENG_CRC32C:
		v->result = crc_byte((uint32_t)v->result, w->memory[s->iova]);
		break;
	case IOAS_ENG_COMPARE:
		if (w->memory[s->iova] != *to)
			return false;
		v->result++;
		break;
	}
	v->progress++;
	s->iova++;
	s->left--;
	t->iova++;
	t->left--;
	return true;
}

/* The result goes to memory as well. */
static void model_store(struct world *w, const desc_t *d, struct verdict *v)
{
	uint64_t to = d->op == IOAS_ENG_COMPARE ? d->value : d->destination;
	struct walk k = {.iova = to};
	unsigned int i;

	for (i = 0; i < 8; i++, k.iova++) {
		if (!reach(w, &k, true, IOAS_ENG_AT_RESULT, v))
			return;
		w->memory[k.iova] = (uint8_t)(v->result >> i * 8);
	}
}

static struct verdict model(struct world *w, const desc_t *d)
{
	struct walk s = walk_begin(d, true, d->op != IOAS_ENG_FILL);
	struct walk t = walk_begin(d, false, d->op != IOAS_ENG_CRC32C);
	struct verdict v = {.code = IOAS_ENG_OK};

	if (d->op == IOAS_ENG_CRC32C)
		v.result = (uint32_t)d->value;
	while (v.progress < d->length) {
		if (!walk_next(w, &s, &v) || !walk_next(w, &t, &v) ||
		    !model_byte(w, d, &s, &t, &v))
			break;
	}
	if (v.code == IOAS_ENG_OK && (d->flags & IOAS_ENG_STORE))
		model_store(w, d, &v);
	return v;
}

/* ---- programs ----------------------------------------------------------- */

static void permit(struct world *w, uint64_t iova, enum access *a)
{
	unsigned int dice = (unsigned int)prng_below(&w->p, 12);

	*a = dice == 0 ? NONE : dice == 1 ? READ_ONLY : READ_WRITE;
	if (*a == NONE)
		kit_unmap(kit, iova, PAGE);
	else if (*a == READ_ONLY)
		kit_read_only(kit, iova, PAGE);
	else
		kit_map(kit, iova, PAGE);
}

static uint64_t place(struct world *w, uint64_t base, uint64_t length)
{
	return base + prng_below(&w->p, PAGES * PAGE - length + 1);
}

/* Pieces in any order, that may overlap and be too few or too many. */
static uint32_t make_list(struct world *w, uint64_t list, uint64_t base,
			  uint64_t length)
{
	uint32_t nr = 1 + (uint32_t)prng_below(&w->p, LIST_MAX), i;
	entry_t *e = kit_memory(kit, list, LIST_MAX * sizeof(*e));

	for (i = 0; i < nr; i++) {
		uint64_t n = prng_below(&w->p, 2 * length / nr + 2);

		e[i] = (entry_t){.iova = place(w, base, n),
				 .length = (uint32_t)n};
	}
	return nr;
}

static desc_t random_desc(struct world *w)
{
	static const uint8_t ops[] = {IOAS_ENG_COPY, IOAS_ENG_FILL,
				      IOAS_ENG_CRC32C, IOAS_ENG_COMPARE};
	bool longer = prng_below(&w->p, 4) == 0;
	desc_t d = {
		.op = ops[prng_below(&w->p, sizeof(ops))],
		.length = 1 + prng_below(&w->p, longer ? 5 * PAGE : 600),
		.value = prng_next(&w->p),
		.flags = prng_below(&w->p, 2) ? IOAS_ENG_INTERRUPT : 0,
	};
	bool store = prng_below(&w->p, 2);

	d.source = place(w, SOURCE, d.length);
	d.destination = place(w, DESTINATION, d.length);
	if (d.op != IOAS_ENG_FILL && prng_below(&w->p, 3) == 0) {
		d.flags |= IOAS_ENG_SOURCE_LIST;
		d.source = LISTS;
		d.nr_source = make_list(w, LISTS, SOURCE, d.length);
	}
	if (d.op != IOAS_ENG_CRC32C && prng_below(&w->p, 3) == 0) {
		d.flags |= IOAS_ENG_DESTINATION_LIST;
		d.destination = LISTS + PAGE;
		d.nr_destination =
			make_list(w, LISTS + PAGE, DESTINATION, d.length);
	}
	if (d.op == IOAS_ENG_COMPARE)
		d.value = RESULTS + prng_below(&w->p, 2 * PAGE - 8);
	if (d.op == IOAS_ENG_CRC32C)
		d.destination = RESULTS + prng_below(&w->p, 2 * PAGE - 8);
	if (store && d.op != IOAS_ENG_COPY && d.op != IOAS_ENG_FILL)
		d.flags |= IOAS_ENG_STORE;
	return d;
}

/* Memory of which both sides have an opinion. */
static void take_copy(struct world *w)
{
	memcpy(w->memory, kit_memory(kit, 0, KIT_MEMORY), KIT_MEMORY);
}

static void agree(struct world *w, uint64_t iova, size_t length)
{
	assert_memory_equal(w->memory + iova, kit_memory(kit, iova, length),
			    length);
	memcpy(w->memory + iova, kit_memory(kit, iova, length), length);
}

static void round_of(struct world *w, const desc_t *d, bool stays)
{
	struct verdict v;
	desc_t *at;

	memcpy(w->memory + LISTS, kit_memory(kit, LISTS, 2 * PAGE), 2 * PAGE);
	at = post(0, d);
	/* The engine is given time at random: nothing depends on it. */
	while (!stays && kit_poll(kit, 1))
		continue;
	settle();
	v = model(w, d);
	assert_int_equal(at->status, IOAS_ENG_COMPLETE | (uint32_t)v.code);
	if (v.code != IOAS_ENG_OK) {
		expect_error(0, v.code, v.stage, v.iova);
		assert_int_equal(ring_get64(0, IOAS_ENG_RING_PROGRESS),
				 v.progress);
		go_on(0, true);
	} else if (d->op == IOAS_ENG_CRC32C || d->op == IOAS_ENG_COMPARE) {
		assert_int_equal(at->result, v.result);
	}
	agree(w, DESTINATION, PAGES * PAGE);
	agree(w, SOURCE, PAGES * PAGE);
	agree(w, RESULTS, 2 * PAGE);
}

static void random_programs_do_what_bytes_do(void **state)
{
	unsigned int i, page, errors;
	struct world w = {.p = {20}};

	(void)state;
	w.memory = malloc(KIT_MEMORY);
	assert_non_null(w.memory);
	scramble(SOURCE, PAGES * PAGE, 1);
	scramble(DESTINATION, PAGES * PAGE, 2);
	take_copy(&w);
	for (i = 0; i < ROUNDS; i++) {
		desc_t d;

		if (i % 8 == 0) {
			for (page = 0; page < PAGES; page++) {
				permit(&w, SOURCE + page * PAGE,
				       &w.source[page]);
				permit(&w, DESTINATION + page * PAGE,
				       &w.destination[page]);
			}
			permit(&w, RESULTS, &w.results);
		}
		d = random_desc(&w);
		round_of(&w, &d, i % 2);
		/* What has just been copied is compared. */
		if (d.op == IOAS_ENG_COPY) {
			d.op = IOAS_ENG_COMPARE;
			round_of(&w, &d, i % 3);
		}
	}
	errors = global(IOAS_ENG_REG_ERRORS);
	assert_true(errors > ROUNDS / 10 && errors < ROUNDS * 3 / 4);
	free(w.memory);
}

/* Whatever stands in descriptors, lists and registers: no crash, an end. */
static void noise_is_survived(void **state)
{
	struct prng p = {99};
	unsigned int i, r, round;

	(void)state;
	for (round = 0; round < 60; round++) {
		scramble(LISTS, 4 * PAGE, round);
		for (r = 0; r < IOAS_ENG_RINGS; r++) {
			scramble(RING_IOVA(r), RING_SIZE * sizeof(desc_t),
				 round * 2 + r);
			for (i = 0; i < RING_SIZE; i++) {
				desc_t *d = desc_at(r, i);

				/* So that some get further. */
				d->op %= IOAS_ENG_NR_OPS + 1;
				d->flags &= (uint8_t)prng_next(&p);
				d->pasid &= (uint32_t)prng_below(&p, 2);
				d->group &= 3;
				d->source = LISTS + d->source % 0x40000;
				d->destination = LISTS + d->destination % 9999;
				d->length %= 9000;
				d->nr_source %= 20;
			}
		}
		for (i = 0; i < 200; i++) {
			uint64_t at = prng_below(&p, 0x200) & ~UINT64_C(3);
			uint32_t v = (uint32_t)prng_next(&p);

			/* Not BASE: it would hardly ever be good. */
			if ((at & 0x7f) == 8 || (at & 0x7f) == 12)
				continue;
			if (prng_below(&p, 2))
				v &= RING_SIZE - 1;
			if (prng_below(&p, 8) == 0)
				kit_page_response(kit, v & 1, v >> 1 & 3,
						  v & 8);
			kit_mmio_write(kit, 0, at, 4, v);
			kit_poll(kit, 1 + i % 3);
		}
		settle();
		global_set(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
		for (i = 0; i < 4; i++) {
			kit_page_response(kit, 0, i, true);
			kit_page_response(kit, 1, i, true);
		}
		for (r = 0; r < IOAS_ENG_RINGS; r++)
			ring_begin(r);
	}
	post(0, &(desc_t){.op = IOAS_ENG_NOP});
	settle();
	assert_int_equal(ring_get(0, IOAS_ENG_RING_DONE), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(random_programs_do_what_bytes_do),
		T(noise_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
