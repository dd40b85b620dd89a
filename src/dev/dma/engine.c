/* SPDX-License-Identifier: MIT */
/*
 * engine: the registers of the DMA engine, and the model
 *
 *   write of 4 or 8 bytes --> a word at a time --> rule of the register
 *                                                  |- bits that change
 *                                                  |- bits that a 1 clears
 *                                                  |- not while it runs
 *                                                  '- who is told
 *   read of any width ------> words as they stand, bits of STATUS added
 */
#include "dev/dma/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dev/models.h"

#define BAR_REGISTERS 0u
#define BAR_DOORS 2u
#define BAR_MSIX 4u
#define BAR_SIZE 4096u
#define RING_STRIDE (IOAS_ENG_RING(1) - IOAS_ENG_RING(0))
#define ALL UINT32_MAX

#define RING_LG2 16u
_Static_assert(1u << RING_LG2 == IOAS_ENG_RING_MAX, "CAP says log2");

/* ---- registers that do something ---------------------------------------- */

static void engine_reset(struct eng *e)
{
	memset(e->reg, 0, sizeof(e->reg));
	memset(e->ring, 0, sizeof(e->ring));
	e->reg[IOAS_ENG_REG_ID / 4] = IOAS_ENG_ID;
	e->reg[IOAS_ENG_REG_VERSION / 4] = IOAS_ENG_VERSION;
	e->reg[IOAS_ENG_REG_CAP / 4] =
		IOAS_ENG_RINGS << IOAS_ENG_CAP_RINGS_SHIFT |
		IOAS_ENG_VECTORS << IOAS_ENG_CAP_VECTORS_SHIFT |
		RING_LG2 << IOAS_ENG_CAP_RING_LG2_SHIFT |
		IOAS_ENG_PASID_BITS << IOAS_ENG_CAP_PASID_SHIFT;
	e->reg[IOAS_ENG_REG_CAP / 4 + 1] = (1u << IOAS_ENG_NR_OPS) - 1;
	ioas_intx_clear(e->f);
}

static void told_control(struct eng *e, unsigned int nr, uint32_t value)
{
	(void)nr;
	if (!(value & IOAS_ENG_RESET))
		return;
	/* Groups that are not answered yet stay: their answers will come. */
	engine_reset(e);
	memset(ioas_bar_memory(e->f, BAR_DOORS), 0, BAR_SIZE);
}

static void told_irq(struct eng *e, unsigned int nr, uint32_t value)
{
	(void)nr;
	(void)value;
	if (!(e->reg[IOAS_ENG_REG_IRQ_STATUS / 4] &
	      e->reg[IOAS_ENG_REG_IRQ_ENABLE / 4]))
		ioas_intx_clear(e->f);
}

static void told_enable(struct eng *e, unsigned int nr, uint32_t value)
{
	uint32_t before = e->reg[IOAS_ENG_REG_IRQ_ENABLE / 4], fresh;
	unsigned int i;

	e->reg[IOAS_ENG_REG_IRQ_ENABLE / 4] =
		value & ((1u << IOAS_ENG_VECTORS) - 1);
	told_irq(e, nr, value);
	/* What came while it was off is not lost. */
	fresh = e->reg[IOAS_ENG_REG_IRQ_STATUS / 4] & value & ~before;
	for (i = 0; i < IOAS_ENG_VECTORS; i++)
		if (fresh & 1u << i)
			ioas_irq(e->f, i);
}

/* The driver says what there is to do: chains count from here. */
static void driver_tail(struct eng *e, struct eng_ring *r)
{
	unsigned int i;

	for (i = 0; i < IOAS_ENG_RINGS; i++)
		e->ring[i].depth = 0;
	ioas_eng_tail(e, r);
}

static void told_ring_control(struct eng *e, unsigned int nr, uint32_t value)
{
	struct eng_ring *r = &e->ring[nr];

	if (value & IOAS_ENG_ABORT)
		ioas_eng_abort(r);
	/* From here on the page counts. */
	if (value & IOAS_ENG_DOORBELL)
		r->door = *eng_reg(r, IOAS_ENG_RING_TAIL);
	if (!(value & IOAS_ENG_START))
		return;
	driver_tail(e, r);
	ioas_eng_start(e, r);
}

static void told_tail(struct eng *e, unsigned int nr, uint32_t value)
{
	(void)value;
	driver_tail(e, &e->ring[nr]);
}

/* ---- access ------------------------------------------------------------- */

struct rule {
	uint32_t change;
	uint32_t clear;
	/* Only of a ring: not while it runs. */
	bool still;
	void (*told)(struct eng *e, unsigned int nr, uint32_t value);
};

static const struct rule global_rules[ENG_GLOBAL_REGS] = {
	[IOAS_ENG_REG_CONTROL / 4] = {.told = told_control},
	[IOAS_ENG_REG_IRQ_ENABLE / 4] = {.told = told_enable},
	[IOAS_ENG_REG_IRQ_STATUS / 4] = {.clear = ALL, .told = told_irq},
	[IOAS_ENG_REG_SCRATCH / 4] = {.change = ALL},
	[IOAS_ENG_REG_SCRATCH / 4 + 1] = {.change = ALL},
};

static const struct rule ring_rules[ENG_RING_REGS] = {
	[IOAS_ENG_RING_CONTROL / 4] = {.change = IOAS_ENG_DOORBELL,
				       .told = told_ring_control},
	[IOAS_ENG_RING_STATUS / 4] = {.clear = IOAS_ENG_DONE | IOAS_ENG_ERROR |
					       IOAS_ENG_ABORTED},
	[IOAS_ENG_RING_BASE / 4] = {.change = ALL, .still = true},
	[IOAS_ENG_RING_BASE / 4 + 1] = {.change = ALL, .still = true},
	[IOAS_ENG_RING_SIZE / 4] = {.change = ALL, .still = true},
	[IOAS_ENG_RING_HEAD / 4] = {.change = ALL, .still = true},
	[IOAS_ENG_RING_TAIL / 4] = {.change = ALL, .told = told_tail},
	[IOAS_ENG_RING_PASID / 4] = {.change = ALL, .still = true},
};

/* The ring that @offset is in, *@nr, and the word of it; false: none. */
static bool ring_word(uint64_t offset, unsigned int *nr, unsigned int *word)
{
	uint64_t in = offset - IOAS_ENG_RING(0);

	if (offset < IOAS_ENG_RING(0) || in / RING_STRIDE >= IOAS_ENG_RINGS)
		return false;
	*nr = (unsigned int)(in / RING_STRIDE);
	*word = (unsigned int)(in % RING_STRIDE / 4);
	return *word < ENG_RING_REGS;
}

static uint32_t status_now(const struct eng_ring *r)
{
	uint32_t status = r->reg[IOAS_ENG_RING_STATUS / 4];

	if (eng_running(r) && (r->phase != ENG_IDLE ||
			       r->reg[IOAS_ENG_RING_HEAD / 4] !=
				       r->reg[IOAS_ENG_RING_TAIL / 4]))
		status |= IOAS_ENG_BUSY;
	if (r->phase == ENG_PAGE)
		status |= IOAS_ENG_WAITING;
	return status;
}

/* Where there is no register: 0. */
static uint32_t read_word(const struct eng *e, uint64_t offset)
{
	unsigned int nr, word;

	if (offset / 4 < ENG_GLOBAL_REGS)
		return e->reg[offset / 4];
	if (!ring_word(offset, &nr, &word))
		return 0;
	if (word == IOAS_ENG_RING_STATUS / 4)
		return status_now(&e->ring[nr]);
	return e->ring[nr].reg[word];
}

static void write_word(struct eng *e, uint64_t offset, uint32_t value)
{
	const struct rule *rule;
	unsigned int nr = 0, word;
	uint32_t *reg;

	if (offset / 4 < ENG_GLOBAL_REGS) {
		reg = &e->reg[offset / 4];
		rule = &global_rules[offset / 4];
	} else if (ring_word(offset, &nr, &word)) {
		reg = &e->ring[nr].reg[word];
		rule = &ring_rules[word];
		if (rule->still && eng_running(&e->ring[nr]))
			return;
	} else {
		return;
	}
	*reg = (*reg & ~rule->change) | (value & rule->change);
	*reg &= ~(value & rule->clear);
	if (rule->told)
		rule->told(e, nr, value);
}

static uint64_t engine_read(void *state, unsigned int bar, uint64_t offset,
			    unsigned int width)
{
	const struct eng *e = state;
	uint64_t value;

	if (bar != BAR_REGISTERS)
		return 0;
	value = read_word(e, offset);
	if (width == 8)
		return value | (uint64_t)read_word(e, offset + 4) << 32;
	value >>= offset % 4 * 8;
	return width == 4 ? value : value & ((1u << width * 8) - 1);
}

/* The lower half first. Half a register cannot be written: dropped. */
static void engine_write(void *state, unsigned int bar, uint64_t offset,
			 unsigned int width, uint64_t value)
{
	struct eng *e = state;

	if (bar != BAR_REGISTERS || width < 4)
		return;
	write_word(e, offset, (uint32_t)value);
	if (width == 8)
		write_word(e, offset + 4, (uint32_t)(value >> 32));
}

/* ---- work --------------------------------------------------------------- */

/* Has the driver written another TAIL to BAR2? */
static bool look_at_door(struct eng *e, unsigned int nr)
{
	uint8_t *page = ioas_bar_memory(e->f, BAR_DOORS);
	struct eng_ring *r = &e->ring[nr];
	uint32_t door;

	if (!eng_running(r) ||
	    !(*eng_reg(r, IOAS_ENG_RING_CONTROL) & IOAS_ENG_DOORBELL))
		return false;
	door = __atomic_load_n(
		(const uint32_t *)(void *)(page + IOAS_ENG_DOOR_TAIL(nr)),
		__ATOMIC_ACQUIRE);
	if (door == r->door)
		return false;
	r->door = door;
	*eng_reg(r, IOAS_ENG_RING_TAIL) = door;
	driver_tail(e, r);
	return true;
}

static bool engine_poll(void *state)
{
	struct eng *e = state;
	unsigned int cost = 0, before, nr;
	bool some = false;

	for (nr = 0; nr < IOAS_ENG_RINGS; nr++)
		some |= look_at_door(e, nr);
	/* In turn, so that a long copy does not hold up the other ring. */
	do {
		before = cost;
		for (nr = 0; nr < IOAS_ENG_RINGS; nr++)
			cost += ioas_eng_step(e, &e->ring[nr]);
	} while (cost != before && cost < ENG_BUDGET);
	return some || cost;
}

static void engine_page_response(void *state, uint32_t pasid, uint32_t group,
				 bool granted)
{
	ioas_eng_answer(state, pasid, group, granted);
}

/* ---- the model ---------------------------------------------------------- */

static const struct ioas_identity identity = {
	.vendor = IOAS_ENG_VENDOR,
	.device = IOAS_ENG_DEVICE,
	.subsystem_vendor = IOAS_ENG_VENDOR,
	.subsystem = 1,
	.revision = 1,
	.class_code = IOAS_ENG_CLASS,
	.bar = {
		[BAR_REGISTERS] = {.size = BAR_SIZE, .flags = IOAS_BAR_64},
		[BAR_DOORS] = {.size = BAR_SIZE,
			       .flags = IOAS_BAR_64 | IOAS_BAR_SHARED},
		[BAR_MSIX] = {.size = BAR_SIZE, .flags = IOAS_BAR_64},
	},
	.vectors = IOAS_ENG_VECTORS,
	.msix_bar = BAR_MSIX,
	.msix_table = 0,
	.msix_pba = BAR_SIZE / 2,
	.msi = IOAS_ENG_VECTORS,
	.intx = true,
	.pasid_bits = IOAS_ENG_PASID_BITS,
};

static int engine_create(struct ioas_function *f,
			 const struct ioas_model_setting *settings, size_t nr,
			 struct ioas_identity *id, void **state, char *why,
			 size_t room)
{
	struct eng *e = calloc(1, sizeof(*e));

	(void)settings;
	(void)nr;
	if (!e) {
		snprintf(why, room, "not enough memory");
		return -ENOMEM;
	}
	e->f = f;
	*id = identity;
	*state = e;
	return 0;
}

static void engine_destroy(void *state)
{
	free(state);
}

static void engine_power_on(void *state)
{
	struct eng *e = state;

	memset(e->asked, 0, sizeof(e->asked));
	engine_reset(e);
}

static const struct ioas_model_option no_options[] = {{.name = NULL}};

const struct ioas_model ioas_model_dma = {
	.abi = IOAS_MODEL_ABI,
	.name = "dma",
	.summary = "DMA engine for tests and teaching",
	.options = no_options,
	.create = engine_create,
	.destroy = engine_destroy,
	.reset = engine_power_on,
	.read = engine_read,
	.write = engine_write,
	.poll = engine_poll,
	.page_response = engine_page_response,
};
