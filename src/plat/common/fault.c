/* SPDX-License-Identifier: MIT */
/*
 * fault: which point of which caller fails
 *
 *   point reached --> caller of this thread --> its struct ioas_fault
 *                       none: succeed             ignored: not a point
 *                                                 nth: count down, fail at 0
 *                                                 else decide, or chance: draw
 *                                                 sticky: fail in any case
 *
 * While nth is not zero it alone decides, chance does not (fault-injection
 * B.3), so a sweep stays deterministic. A sticky caller still counts down.
 *
 * Locks: none. A struct ioas_fault belongs to one thread at a time; only the
 * number of armed ones is shared.
 */
#include "plat/common/fault_arm.h"

#include "seam/caller.h"

_Atomic uint32_t ioas_plat_faults_armed;

/*
 * splitmix64: every seed is good, zero included, and neighbouring seeds give
 * unrelated sequences, which xorshift does not promise.
 */
static uint32_t fault_draw(struct ioas_fault *f)
{
	uint64_t z = f->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

static bool fault_decide(struct ioas_fault *f, unsigned int point)
{
	const uint64_t nth = ioas_fault_nth(f);
	bool fail = f->sticky;

	if (nth) {
		ioas_fault_set_nth(f, nth - 1);
		fail |= nth == 1;
	} else if (f->decide) {
		fail |= f->decide(f, point);
	} else if (f->chance) {
		fail |= fault_draw(f) < f->chance;
	}
	return fail;
}

bool ioas_plat_fault_hit(unsigned int point)
{
	struct ioas_caller *caller = ioas_caller_current();
	struct ioas_fault *f = caller ? caller->fault : NULL;

	if (!f || IOAS_CHECK(point >= IOAS_NR_FAULT_POINTS) ||
	    f->ignored >> point & 1)
		return false;
	f->reached[point]++;
	if (!fault_decide(f, point))
		return false;
	f->failed = (enum ioas_fault_point)point;
	return true;
}

void ioas_fault_arm(struct ioas_fault *f)
{
	f->failed = IOAS_NR_FAULT_POINTS;
	for (unsigned i = 0; i < IOAS_NR_FAULT_POINTS; i++)
		f->reached[i] = 0;
	atomic_fetch_add_explicit(&ioas_plat_faults_armed, 1,
				  memory_order_relaxed);
}

void ioas_fault_disarm(void)
{
	uint32_t armed = atomic_fetch_sub_explicit(&ioas_plat_faults_armed, 1,
						   memory_order_relaxed);

	IOAS_CHECK(!armed);
}
