/* SPDX-License-Identifier: MIT */
/*
 * main: does the platform of nothing hold what the seam promises?
 *
 * Exits with 0, or with the number of the first group that does not hold.
 */
#include "base/mem.h"
#include "plat/common/fault_arm.h"
#include "seam/caller.h"
#include "seam/lock.h"
#include "seam/trace.h"

int main(void);

static bool locks_hold(void)
{
	struct ioas_mutex m = { 0 };
	struct ioas_rwlock l = { 0 };

	ioas_mutex_lock(&m, IOAS_RANK_PAGES);
	ioas_assert_held(&m);
	ioas_mutex_unlock(&m);
	ioas_read_lock(&l, IOAS_RANK_IOVA);
	ioas_read_unlock(&l);
	ioas_write_lock(&l, IOAS_RANK_IOVA);
	ioas_write_unlock(&l);
	ioas_plat_wait(&m.word, 1);
	ioas_plat_wake(&m.word);
	ioas_plat_writer_barrier();
	ioas_trace(IOAS_TP_SYNC, 0, 0, 0);
	return !atomic_load(&m.word) && !atomic_load(&l.word);
}

static bool is_filled(const unsigned char *p, size_t n, unsigned char byte)
{
	while (n && p[n - 1] == byte)
		n--;
	return !n;
}

/* Every size and alignment; none overlaps another; memory is used again. */
static bool memory_holds(void)
{
	unsigned char *p[16];

	for (unsigned round = 0; round < 64; round++) {
		for (unsigned i = 0; i < 16; i++) {
			size_t size = (size_t)1 << i;

			p[i] = ioas_plat_alloc_aligned(size, size);
			if (!p[i] || (uintptr_t)p[i] & (size - 1))
				return false;
			memset(p[i], (int)i, size);
		}
		for (unsigned i = 0; i < 16; i++) {
			if (!is_filled(p[i], (size_t)1 << i,
				       (unsigned char)i))
				return false;
			ioas_plat_free_aligned(p[i], (size_t)1 << i,
					       (size_t)1 << i);
		}
	}
	p[0] = ioas_plat_zalloc(5000);
	if (!p[0] || !is_filled(p[0], 5000, 0))
		return false;
	ioas_plat_free(p[0], 5000);
	return !ioas_plat_alloc((size_t)64 << 20);
}

static bool mem_holds(void)
{
	char a[] = "0123456789", b[sizeof(a)];

	memcpy(b, a, sizeof(a));
	if (memcmp(a, b, sizeof(a)))
		return false;
	memmove(b + 1, b, 5);
	if (memcmp(b, "0012346789", 10))
		return false;
	memmove(b, b + 1, 9);
	return !memcmp(b, "0123467899", 10) && memcmp(a, b, 7) < 0 &&
	       memcmp(b, a, 7) > 0;
}

static bool faults_hold(void)
{
	struct ioas_fault fault = { .nth = 2 };
	struct ioas_caller caller = { .fault = &fault };
	bool first, second, third;

	ioas_fault_arm(&fault);
	ioas_caller_enter(&caller);
	first = ioas_fault_point(IOAS_FP_PIN);
	second = ioas_fault_point(IOAS_FP_TABLE);
	third = ioas_fault_point(IOAS_FP_PIN);
	ioas_caller_leave(NULL);
	ioas_fault_disarm();
	return !first && second && !third && fault.failed == IOAS_FP_TABLE;
}

int main(void)
{
	if (!locks_hold())
		return 1;
	if (!memory_holds())
		return 2;
	if (!mem_holds())
		return 3;
	if (!faults_hold())
		return 4;
	return 0;
}
