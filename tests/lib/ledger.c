/* SPDX-License-Identifier: MIT */
/*
 * ledger: what the library has allocated; see ledger.h
 *
 * A table of pointers with linear probing. Removal shifts back what follows,
 * so there are no tombstones. One lock for all: tests are not in a hurry.
 * It is the innermost, and has no rank: the library never sees it.
 */
#include "ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct entry {
	void *p;
	size_t size;
	size_t align;
	uint64_t serial;
	void *site;
};

static struct {
	struct ioas_mutex lock;
	struct entry *table;
	size_t cap; /* a power of two */
	uint64_t live;
	uint64_t serial;
	uint64_t violations;
	uint64_t refused;
	bool refuse;
	struct ioas_fault *after;
	/* A point that fails: always, or once when @point_nth is down to 0. */
	unsigned int point;
	bool point_always;
	uint64_t point_nth;
} ledger = { .point = IOAS_NR_FAULT_POINTS };

void *__real_ioas_plat_alloc(size_t size);
void *__real_ioas_plat_zalloc(size_t size);
void __real_ioas_plat_free(void *p, size_t size);
void *__real_ioas_plat_alloc_aligned(size_t size, size_t align);
void __real_ioas_plat_free_aligned(void *p, size_t size, size_t align);
bool __real_ioas_plat_fault_hit(unsigned int point);

void *__wrap_ioas_plat_alloc(size_t size);
void *__wrap_ioas_plat_zalloc(size_t size);
void __wrap_ioas_plat_free(void *p, size_t size);
void *__wrap_ioas_plat_alloc_aligned(size_t size, size_t align);
void __wrap_ioas_plat_free_aligned(void *p, size_t size, size_t align);
bool __wrap_ioas_plat_fault_hit(unsigned int point);

static size_t slot_of(const void *p)
{
	uint64_t h = (uint64_t)(uintptr_t)p * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h >> 20) & (ledger.cap - 1);
}

static void table_put(struct entry e)
{
	size_t i = slot_of(e.p);

	while (ledger.table[i].p)
		i = (i + 1) & (ledger.cap - 1);
	ledger.table[i] = e;
}

static void table_grow(void)
{
	struct entry *old = ledger.table;
	const size_t cap = ledger.cap;

	ledger.cap = cap ? 2 * cap : 4096;
	ledger.table = calloc(ledger.cap, sizeof(*old));
	if (!ledger.table)
		abort();
	for (size_t i = 0; i < cap; i++)
		if (old[i].p)
			table_put(old[i]);
	free(old);
}

static void table_del(size_t i)
{
	const size_t mask = ledger.cap - 1;

	ledger.table[i].p = NULL;
	for (size_t j = (i + 1) & mask; ledger.table[j].p; j = (j + 1) & mask) {
		const struct entry e = ledger.table[j];

		ledger.table[j].p = NULL;
		table_put(e);
	}
}

static bool refused(void)
{
	bool no;

	ioas_plat_mutex_lock(&ledger.lock);
	no = ledger.refuse;
	ledger.refused += no;
	ioas_plat_mutex_unlock(&ledger.lock);
	return no;
}

static void *record(void *p, size_t size, size_t align, void *site)
{
	if (!p)
		return NULL;
	ioas_plat_mutex_lock(&ledger.lock);
	if (2 * (ledger.live + 1) > ledger.cap)
		table_grow();
	table_put((struct entry){ .p = p,
				  .size = size,
				  .align = align,
				  .serial = ledger.serial++,
				  .site = site });
	ledger.live++;
	ioas_plat_mutex_unlock(&ledger.lock);
	return p;
}

static void forget(void *p, size_t size, size_t align)
{
	size_t i;

	if (!p)
		return;
	ioas_plat_mutex_lock(&ledger.lock);
	i = ledger.cap ? slot_of(p) : 0;
	while (ledger.cap && ledger.table[i].p && ledger.table[i].p != p)
		i = (i + 1) & (ledger.cap - 1);
	if (!ledger.cap || !ledger.table[i].p) {
		ledger.violations++;
		fprintf(stderr, "# ledger: release of what is not alive\n");
	} else {
		if (ledger.table[i].size != size ||
		    ledger.table[i].align != align) {
			ledger.violations++;
			fprintf(stderr,
				"# ledger: %zu bytes released as %zu\n",
				ledger.table[i].size, size);
		}
		table_del(i);
		ledger.live--;
	}
	ioas_plat_mutex_unlock(&ledger.lock);
}

void *__wrap_ioas_plat_alloc(size_t size)
{
	return refused() ? NULL :
			   record(__real_ioas_plat_alloc(size), size, 0,
				  __builtin_return_address(0));
}

void *__wrap_ioas_plat_zalloc(size_t size)
{
	return refused() ? NULL :
			   record(__real_ioas_plat_zalloc(size), size, 0,
				  __builtin_return_address(0));
}

void __wrap_ioas_plat_free(void *p, size_t size)
{
	forget(p, size, 0);
	__real_ioas_plat_free(p, size);
}

void *__wrap_ioas_plat_alloc_aligned(size_t size, size_t align)
{
	return refused() ? NULL :
			   record(__real_ioas_plat_alloc_aligned(size, align),
				  size, align, __builtin_return_address(0));
}

void __wrap_ioas_plat_free_aligned(void *p, size_t size, size_t align)
{
	forget(p, size, align);
	__real_ioas_plat_free_aligned(p, size, align);
}

bool __wrap_ioas_plat_fault_hit(unsigned int point)
{
	struct ioas_fault *f = ledger.after;
	const bool failed_before = f && f->failed != IOAS_NR_FAULT_POINTS;

	bool fail = __real_ioas_plat_fault_hit(point) || failed_before;

	if (point == ledger.point)
		fail |= ledger.point_always ||
			(ledger.point_nth && --ledger.point_nth == 0);
	return fail;
}

uint64_t ledger_live(void)
{
	return ledger.live;
}

uint64_t ledger_total(void)
{
	return ledger.serial;
}

uint64_t ledger_violations(void)
{
	return ledger.violations;
}

uint64_t ledger_refused(void)
{
	return ledger.refused;
}

void ledger_refuse(bool on)
{
	ledger.refuse = on;
	ledger.refused = 0;
}

void ledger_print(void)
{
	unsigned int n = 0;

	for (size_t i = 0; i < ledger.cap && n < 12; i++) {
		const struct entry *e = ledger.table + i;

		if (!e->p)
			continue;
		fprintf(stderr,
			"# alive: %zu bytes, allocation %" PRIu64 ", from %p\n",
			e->size, e->serial, e->site);
		n++;
	}
}

void ledger_fail_point(enum ioas_fault_point point, uint64_t nth)
{
	ledger.point = point;
	ledger.point_always = !nth;
	ledger.point_nth = nth;
}

void ledger_fail_after(struct ioas_fault *f)
{
	ledger.after = f;
}

uint64_t ledger_points(const struct ioas_fault *f)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < IOAS_NR_FAULT_POINTS; i++)
		n += f->reached[i];
	return n;
}

const char *ledger_point_name(unsigned int point)
{
	static const char *const names[] = {
#define POINT_NAME(name, text) #name,
		IOAS_FAULT_POINTS(POINT_NAME)
#undef POINT_NAME
	};

	return point < IOAS_NR_FAULT_POINTS ? names[point] : "none";
}
