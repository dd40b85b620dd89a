/* SPDX-License-Identifier: MIT */
/*
 * model_timer: a device in one file
 *
 *   driver                                   timer
 *   PERIOD = 1000000, TARGET = iova  ---->   every millisecond:
 *   memory at iova  <-- {ticks, time} ------   1. write 16 bytes there
 *   handler runs    <-- interrupt ----------   2. signal vector 0
 *   STATUS = 1      ------------------------>  the line goes down
 *
 *	cc -shared -fPIC -o timer.so model_timer.c
 *	ioas run --device ./timer.so,shortest=1000 -- PROGRAM
 *
 * docs/device-models.md explains what is done here and why. A tick that nobody
 * looked for in time is counted, not made up for: a slow poll is no storm.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ioas/dev/model.h>

enum { PERIOD, TARGET, TICKS, STATUS, NR_REGISTERS };

/* STATUS, write 1 to clear. After a failure nothing ticks until it is. */
enum { STATUS_TICK = 1, STATUS_FAILED = 2 };

/* An hour. */
#define LONGEST UINT64_C(3600000000000)

struct timer {
	/* Set once. */
	struct ioas_function *f;
	uint64_t shortest;
	/* As the driver reads them, 8 bytes each. */
	uint64_t reg[NR_REGISTERS];
	/* When it ticks next. */
	uint64_t next;
};

static int timer_create(struct ioas_function *f,
			const struct ioas_model_setting *settings, size_t nr,
			struct ioas_identity *id, void **state, char *why,
			size_t room)
{
	uint64_t shortest = 1000;
	struct timer *t;
	char *end;
	size_t i;

	/* There is one option, so this is it; the last one counts. */
	for (i = 0; i < nr; i++) {
		shortest = strtoull(settings[i].value, &end, 10);
		if (!shortest || shortest > LONGEST || *end) {
			snprintf(why, room, "%s=%s: not a period",
				 settings[i].name, settings[i].value);
			return -EINVAL;
		}
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		snprintf(why, room, "not enough memory");
		return -ENOMEM;
	}
	t->f = f;
	t->shortest = shortest;
	*id = (struct ioas_identity){
		.vendor = 0x1234,
		.device = 0x7133,
		.class_code = 0x080200,
		/* Not shared: each access is exact. */
		.bar = {[0] = {.size = 64}},
		.msi = 1,
		.intx = true,
	};
	*state = t;
	return 0;
}

static void timer_destroy(void *state)
{
	free(state);
}

/* Nothing ticks afterwards: that is all that reset has to promise. */
static void timer_reset(void *state)
{
	struct timer *t = state;

	memset(t->reg, 0, sizeof(t->reg));
	t->next = 0;
	ioas_intx_clear(t->f);
}

/* A register may be read in parts. */
static uint64_t timer_read(void *state, unsigned int bar, uint64_t offset,
			   unsigned int width)
{
	const struct timer *t = state;
	uint64_t value;

	if (bar || offset / 8 >= NR_REGISTERS)
		return 0;
	value = t->reg[offset / 8] >> offset % 8 * 8;
	return width == 8 ? value : value & ((UINT64_C(1) << width * 8) - 1);
}

/* And written by halves: what the other one holds stays. */
static uint64_t merge(uint64_t old, uint64_t offset, unsigned int width,
		      uint64_t value)
{
	unsigned int shift = offset % 8 * 8;
	uint64_t mask = width == 8 ? UINT64_MAX :
				     (UINT64_C(1) << width * 8) - 1;

	return (old & ~(mask << shift)) | (value & mask) << shift;
}

/*
 * The driver says how much there is to do, we how much at most. Here and not in
 * the register, which may have been written by half.
 */
static uint64_t period(const struct timer *t)
{
	uint64_t p = t->reg[PERIOD];

	return p < t->shortest ? t->shortest : p > LONGEST ? LONGEST : p;
}

static void timer_write(void *state, unsigned int bar, uint64_t offset,
			unsigned int width, uint64_t value)
{
	struct timer *t = state;
	unsigned int nr = (unsigned int)(offset / 8);

	if (bar || nr >= NR_REGISTERS || nr == TICKS)
		return;
	if (nr == STATUS) {
		t->reg[STATUS] &= ~merge(0, offset, width, value);
		if (!t->reg[STATUS])
			ioas_intx_clear(t->f);
		return;
	}
	t->reg[nr] = merge(t->reg[nr], offset, width, value);
	if (nr == PERIOD)
		t->next = ioas_model_now() + period(t);
}

static void tick(struct timer *t, uint64_t now)
{
	uint64_t record[] = {t->reg[TICKS], now};
	struct ioas_dma_piece piece = {.iova = t->reg[TARGET],
				       .data = record,
				       .length = sizeof(record)};

	/* TARGET is the driver's choice: failing is to be expected. */
	if (ioas_dma_write(t->f, IOAS_DMA_NO_PASID, &piece, 1, NULL) !=
	    IOAS_DMA_OK)
		t->reg[STATUS] |= STATUS_FAILED;
	/* State first, then the interrupt: the handler looks at once. */
	t->reg[STATUS] |= STATUS_TICK;
	ioas_irq(t->f, 0);
}

static bool timer_poll(void *state)
{
	struct timer *t = state;
	uint64_t now, missed;

	if (!t->reg[PERIOD] || (t->reg[STATUS] & STATUS_FAILED))
		return false;
	now = ioas_model_now();
	if (now < t->next)
		return false;
	missed = (now - t->next) / period(t);
	t->reg[TICKS] += missed + 1;
	t->next += (missed + 1) * period(t);
	tick(t, now);
	return true;
}

static const struct ioas_model_option timer_options[] = {
	{"shortest", "NS", "the shortest period, in nanoseconds"},
	{NULL, NULL, NULL},
};

const struct ioas_model ioas_model = {
	.abi = IOAS_MODEL_ABI,
	.name = "timer",
	.summary = "ticks into memory; an example",
	.options = timer_options,
	.create = timer_create,
	.destroy = timer_destroy,
	.reset = timer_reset,
	.read = timer_read,
	.write = timer_write,
	.poll = timer_poll,
};
