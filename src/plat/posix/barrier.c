/* SPDX-License-Identifier: MIT */
/*
 * barrier: make every other thread of the process execute a full barrier
 *
 * membarrier(2) does it for a few microseconds. Its private expedited command
 * needs Linux 4.14 and one registration per process; an exec forgets that, so
 * a refusal with EPERM registers (again).
 *
 * Where there is no membarrier (an older kernel, a sandbox that refuses it)
 * the calling thread visits every CPU: to let it in, a CPU has to switch away
 * from whatever ran there, and a switch is a full barrier. A thread that was
 * not switched away from moved between two CPUs, and moving is a switch. It
 * takes a visit per CPU, so milliseconds, and disturbs the CPU affinity of
 * the calling thread for the time. CPUs that refuse the visit are offline, or
 * not open to this process: no thread of ours runs there.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seam/plat.h"

/* CPUs that an affinity mask here has room for. */
#define MAX_CPUS 8192
#define WORD_BITS (8 * sizeof(unsigned long))

struct cpus {
	unsigned long word[MAX_CPUS / WORD_BITS];
};

static long cpus_get(struct cpus *cpus)
{
	return syscall(SYS_sched_getaffinity, 0, sizeof(*cpus), cpus);
}

static void cpus_set(const struct cpus *cpus)
{
	syscall(SYS_sched_setaffinity, 0, sizeof(*cpus), cpus);
}

/* The kernel's own mask ends behind the last CPU that may ever exist. */
static void visit_every_cpu(void)
{
	struct cpus before = { 0 };
	struct cpus one = { 0 };
	long bytes = cpus_get(&before);

	if (IOAS_CHECK(bytes <= 0))
		return;
	for (size_t cpu = 0; cpu < 8 * (size_t)bytes; cpu++) {
		one.word[cpu / WORD_BITS] = 1ul << cpu % WORD_BITS;
		cpus_set(&one);
		one.word[cpu / WORD_BITS] = 0;
	}
	cpus_set(&before);
}

static long membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

/* False: the kernel does not offer it. */
static bool barrier_expedited(void)
{
	if (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return true;
	return errno == EPERM &&
	       !membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
	       !membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

void ioas_plat_writer_barrier(void)
{
	int saved = errno;

	if (!barrier_expedited())
		visit_every_cpu();
	errno = saved;
}
