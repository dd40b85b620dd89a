/* SPDX-License-Identifier: MIT */
/*
 * vfio_hostile: everything that can be done to a function, at random
 *
 *   processes x threads, each: ioctl, pread, pwrite, mmap, stores into BARs,
 *   opens, binds, attaches, closes, forks; all share some descriptors
 *
 * Whatever comes back is right, and so is every fault of DMA. What must hold is
 * seen by whoever comes next: functions that are clean, and a supervisor.
 *
 * usage: vfio_hostile SEED STEPS
 */
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "prng.h"
#include "vfio_kit.h"

#define PROCESSES 2
#define THREADS 3
#define FUNCTIONS 5
/* Of these the first are contexts, the others functions. */
#define FILES 12
#define CONTEXTS 4
#define ARENA_PAGES 64u

struct actor {
	struct prng rng;
	unsigned long steps;
};

/* Shared by the threads of a process; what is behind a number may change. */
static _Atomic int files[FILES];
/* Those that were bound, at least once. */
static atomic_bool bound[FILES];
static char *arena;
static int events[4];

static uint64_t below(struct actor *a, uint64_t n)
{
	return prng_below(&a->rng, n);
}

static uint64_t some_address(struct actor *a)
{
	switch (below(a, 8)) {
	case 0:
		return 0;
	case 1:
		return prng_next(&a->rng);
	case 2:
		/* Runs into the hole behind it. */
		return va(arena) + ARENA_PAGES * PAGE - below(a, 64);
	default:
		return va(arena) + below(a, (ARENA_PAGES - 1) * PAGE);
	}
}

static uint32_t some_word(struct actor *a)
{
	switch (below(a, 6)) {
	case 0:
		return 0;
	case 1:
		return (uint32_t)prng_next(&a->rng);
	case 2:
		return 1u << below(a, 32);
	case 3:
		return (uint32_t)below(a, 4096);
	default:
		return (uint32_t)below(a, 24);
	}
}

static int some_file(struct actor *a)
{
	return atomic_load(&files[below(a, FILES)]);
}

static int some_context(struct actor *a)
{
	return below(a, 16) ? atomic_load(&files[below(a, CONTEXTS)]) :
			      some_file(a);
}

/* Mostly one that something can be done to. */
static int some_device(struct actor *a)
{
	for (unsigned int i = 0; i < 6; i++) {
		const uint64_t at = CONTEXTS + below(a, FILES - CONTEXTS);

		if (atomic_load(&bound[at]))
			return atomic_load(&files[at]);
	}
	return some_file(a);
}

/* Of an object: those that there are have small ones. */
static uint32_t some_id(struct actor *a)
{
	return below(a, 16) ? 1 + (uint32_t)below(a, 8) : some_word(a);
}

/* A region's offset, and about a position in it. */
static uint64_t some_offset(struct actor *a)
{
	const uint64_t index = below(a, 4) ? 0x10 + below(a, 6) :
			       below(a, 4) ? CONFIG : below(a, 64);

	switch (below(a, 4)) {
	case 0:
		return index << 40 | below(a, 64) * PAGE;
	case 1:
		return index << 40 | (prng_next(&a->rng) & 0xffffffffff);
	default:
		return index << 40 | below(a, 0x400);
	}
}

/* ---- deeds -------------------------------------------------------------- */

/* Another one in place of what was there. */
static void do_open(struct actor *a)
{
	const unsigned int slot = (unsigned int)below(a, FILES);
	const unsigned int fn = (unsigned int)below(a, FUNCTIONS);
	uint32_t id, pt;
	int fd;

	if (slot < CONTEXTS && below(a, 8))
		fd = iommu_open_flags(O_RDWR | O_CLOEXEC);
	else if (!below(a, 16))
		fd = group_open_try(GROUP_OF(fn));
	else if (!below(a, 8))
		fd = dup(some_file(a));
	else
		fd = node_open_try(fn);
	if (fd < 0)
		return;
	close(atomic_exchange(&files[slot], fd));
	atomic_store(&bound[slot], !bind_try(fd, some_context(a), &id));
	for (unsigned int i = 0; i < 3; i++) {
		pt = some_id(a);
		attach_try(fd, &pt);
	}
}

static void do_bind(struct actor *a)
{
	const int fd = some_device(a);
	uint32_t id, pt;

	bind_try(fd, some_context(a), &id);
	for (unsigned int i = 0; i < 3; i++) {
		pt = some_id(a);
		attach_try(fd, &pt);
	}
	pt = some_id(a);
	attach_pasid_try(fd, some_id(a), &pt);
	if (!below(a, 8))
		detach_try(fd);
	if (!below(a, 8))
		detach_pasid_try(fd, some_id(a));
}

/* A space with some memory. */
static void do_space(struct actor *a)
{
	const struct uclient c = iommu_at(some_context(a));
	uint32_t id = some_id(a), hwpt;
	uint64_t bytes;

	if (!below(a, 4))
		uc_ioas_alloc(&c, &id);
	uc_map_fixed(&c, id, va(arena) + below(a, ARENA_PAGES) * PAGE,
		     below(a, 16) * PAGE, (uint32_t)below(a, 8) | UC_FIXED,
		     below(a, 64) * PAGE);
	if (!below(a, 4))
		uc_unmap(&c, id, below(a, 64) * PAGE, below(a, 16) * PAGE,
			 &bytes);
	if (!below(a, 8))
		uc_hwpt(&c, some_id(a), id, (uint32_t)below(a, 16), &hwpt);
	if (!below(a, 16))
		uc_destroy(&c, some_id(a));
}

/* A queue of page requests, a page table that has it; answers to anything. */
static void do_queue(struct actor *a)
{
	const struct uclient c = iommu_at(some_context(a));
	struct ioas_abi_hwpt_alloc s = {
		.flags = IOAS_ABI_HWPT_FAULT_ID_VALID |
			 (uint32_t)(below(a, 2) ? IOAS_ABI_HWPT_ALLOC_PASID :
						  0),
		.dev_id = some_id(a), .pt_id = some_id(a),
	};
	struct ioas_abi_page_response answer[4];
	struct ioas_abi_pgfault r[4] = { 0 };
	uint32_t pt;
	int fd;

	if (uc_fault_queue(&c, &s.fault_id, &fd))
		return;
	uc_hwpt_alloc(&c, &s, NULL);
	pt = s.out_hwpt_id;
	attach_try(some_device(a), &pt);
	pt = s.out_hwpt_id;
	attach_pasid_try(some_device(a), some_id(a), &pt);
	for (unsigned int i = 0; i < 4; i++) {
		if (read(fd, r, sizeof(r[0]) * below(a, 5)) < 0)
			break;
		for (unsigned int k = 0; k < 4; k++) {
			answer[k].cookie = below(a, 4) ? r[k].cookie :
							 some_id(a);
			answer[k].code = (uint32_t)below(a, 3);
		}
		if (write(fd, answer, sizeof(answer[0]) * below(a, 5)) < 0)
			break;
	}
	/* In the place of a function: it stays for a while. */
	close(atomic_exchange(&files[CONTEXTS + below(a, FILES - CONTEXTS)],
			      fd));
}

/* What is dirty, of any page table. */
static void do_dirty(struct actor *a)
{
	const struct uclient c = iommu_at(some_context(a));
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = some_id(a), .flags = (uint32_t)below(a, 2),
		.iova = below(a, 64) * PAGE, .length = below(a, 64) * PAGE,
		.page_size = PAGE, .data = some_address(a),
	};

	uc_dirty_set(&c, some_id(a), (uint32_t)below(a, 2));
	if (below(a, 16))
		s.data = va(arena) + 8 * below(a, 4096);
	s.size = sizeof(s);
	sys_ioctl(c.fd, IOAS_ABI_HWPT_GET_DIRTY_BITMAP, &s);
}

/* Any request with words at random, or with some that nearly make sense. */
static void do_ioctl(struct actor *a)
{
	const uint32_t cmd = below(a, 8) ?
		0x3b64 + (uint32_t)below(a, 24) :
		0x3b00 + (uint32_t)below(a, 256);
	_Alignas(8) uint32_t words[64];

	for (unsigned int i = 0; i < 64; i++)
		words[i] = some_word(a);
	if (below(a, 4))
		words[0] = (uint32_t)below(a, sizeof(words) + 1);
	if (below(a, 2))
		words[1] &= 0x3f;
	if (below(a, 16))
		sys_ioctl(some_device(a), cmd, words);
	else
		sys_ioctl(some_file(a), cmd,
			  (void *)(uintptr_t)some_address(a));
}

static void do_irqs(struct actor *a)
{
	int fds[8];

	for (unsigned int i = 0; i < 8; i++)
		fds[i] = below(a, 8) ? events[below(a, 4)] :
				       (int)some_word(a) - 1;
	irqs(some_device(a), 1u << below(a, 3) | 8u << below(a, 3),
	     (uint32_t)below(a, 6), (uint32_t)below(a, 5),
	     (uint32_t)below(a, 8), fds);
}

static void do_access(struct actor *a)
{
	const uint64_t at = some_offset(a);
	const size_t count = below(a, 8) ? 1u << below(a, 4) :
					   below(a, 2 * PAGE);
	void *p = (void *)(uintptr_t)some_address(a);
	uint64_t value = below(a, 2) ? some_word(a) : prng_next(&a->rng);

	if (below(a, 2))
		sys_pwrite(some_device(a), &value, count < 8 ? count : 8, at);
	else if (below(a, 2))
		sys_pwrite(some_device(a), p, count, at);
	else if (va(p) >= va(arena) && va(p) < va(arena) + ARENA_PAGES * PAGE)
		sys_pread(some_device(a), p, count, at);
}

/* The command register, so that there is DMA, and none again. */
static void do_command(struct actor *a)
{
	uint16_t command = (uint16_t)(below(a, 8) ? 6 : some_word(a));

	sys_pwrite(some_device(a), &command, 2, (uint64_t)CONFIG << 40 | 4);
	if (!below(a, 32))
		sys_ioctl(some_device(a), IOAS_ABI_VFIO_DEVICE_RESET, NULL);
}

static void poke(int fd, uint64_t pos, size_t width, uint64_t value)
{
	sys_pwrite(fd, &value, width, UINT64_C(0x10) << 40 | pos);
}

/* A ring of an engine somewhere, with descriptors that nearly make sense. */
static void do_engine(struct actor *a)
{
	const uint64_t at = below(a, ARENA_PAGES) * PAGE;
	const uint32_t r = IOAS_ENG_RING((uint32_t)below(a, 2));
	struct ioas_eng_descriptor *d = (void *)(arena + at);
	const int fd = some_device(a);

	for (unsigned int i = 0; i < 16; i++) {
		d[i].op = (uint8_t)below(a, IOAS_ENG_NR_OPS + 1);
		d[i].flags = (uint8_t)(prng_next(&a->rng) &
				       prng_next(&a->rng) & 0xff);
		d[i].pasid = below(a, 4) ? 0 : some_id(a);
		d[i].group = (uint16_t)some_word(a);
		d[i].source = below(a, 64 * PAGE);
		d[i].destination = below(a, 64 * PAGE);
		d[i].length = below(a, 16) ? 1 + below(a, 8 * PAGE) :
					     prng_next(&a->rng);
		d[i].nr_source = d[i].nr_destination = some_word(a);
	}
	poke(fd, r + IOAS_ENG_RING_STATUS, 4, 0xf00);
	poke(fd, r + IOAS_ENG_RING_BASE, 8, at);
	poke(fd, r + IOAS_ENG_RING_SIZE, 4, 16);
	poke(fd, IOAS_ENG_REG_IRQ_ENABLE, 4, below(a, 16));
	poke(fd, r + IOAS_ENG_RING_CONTROL, 4, below(a, 8) | 1);
	poke(fd, r + IOAS_ENG_RING_TAIL, 4, below(a, 17));
}

/* The disk, with queues of whatever is in memory. */
static void do_disk(struct actor *a)
{
	const int fd = some_device(a);
	uint64_t *p = (void *)(arena + below(a, ARENA_PAGES) * PAGE);

	for (unsigned int i = 0; i < 64; i++)
		p[i] = below(a, 2) ? below(a, 64) * PAGE :
				     below(a, 16) << below(a, 48);
	poke(fd, 0x14, 4, 0);
	poke(fd, 0x24, 4, 0x003f003f);
	poke(fd, 0x28, 8, below(a, 64) * PAGE);
	poke(fd, 0x30, 8, below(a, 64) * PAGE);
	poke(fd, 0x14, 4, 0x460001);
	for (unsigned int i = 0; i < 4; i++)
		poke(fd, 0x1000 + 4 * below(a, 8), 4, some_word(a));
}

/* Into a BAR, and through it. */
static void do_mmap(struct actor *a)
{
	const size_t length = below(a, 6) * PAGE + 8 * below(a, 2);
	const int prot = (int)below(a, 4);
	volatile uint32_t *p =
		sys_mmap(some_device(a), length, prot,
			 below(a, 4) ? MAP_SHARED : MAP_PRIVATE,
			 some_offset(a) & ~(below(a, 4) ? PAGE - 1 : 0));

	if (!p)
		return;
	for (unsigned int i = 0; (prot & PROT_WRITE) && i < 32; i++)
		p[below(a, length / 4)] = some_word(a);
	if (below(a, 4))
		munmap((void *)(uintptr_t)p, length);
	else
		mremap((void *)(uintptr_t)p, length, 1 + below(a, 8) * PAGE,
		       MREMAP_MAYMOVE);
}

static void do_fork(struct actor *a)
{
	const pid_t pid = fork();
	int status;

	if (!pid) {
		close(some_file(a));
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
}

static void (*const deeds[])(struct actor *a) = {
	do_open,   do_bind,  do_bind,	do_space,   do_space,  do_ioctl,
	do_ioctl,  do_ioctl, do_irqs,	do_irqs,    do_access, do_access,
	do_access, do_disk,  do_engine, do_command, do_mmap,   do_mmap,
	do_engine, do_queue, do_dirty,
};

/* With --fault-injection: one of the next points fails, sometimes. */
static void fail(struct actor *a, int fd)
{
	char text[8];

	if (fd < 0 || below(a, 3))
		return;
	snprintf(text, sizeof(text), "%u", 1 + (unsigned int)below(a, 12));
	if (pwrite(fd, text, strlen(text), 0) < 0)
		want(errno == EINVAL || errno == EFAULT, 1);
}

static void *act(void *arg)
{
	struct actor *a = arg;
	const int nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);

	for (unsigned long i = 0; i < a->steps; i++) {
		fail(a, nth);
		deeds[below(a, sizeof(deeds) / sizeof(deeds[0]))](a);
		if (!below(a, 200))
			do_fork(a);
	}
	return NULL;
}

/* ---- processes ---------------------------------------------------------- */

/* Of each kind one at least, some of them bound and with memory. */
static void files_open(void)
{
	for (unsigned int i = 0; i < 4; i++)
		events[i] = event_new();
	arena = memory_shared(ARENA_PAGES + 1);
	want_ok(munmap(arena + ARENA_PAGES * PAGE, PAGE));
	for (unsigned int i = 0; i < FILES; i++) {
		const unsigned int fn = i % FUNCTIONS;
		const int fd = i < CONTEXTS ?
				       iommu_open_flags(O_RDWR | O_CLOEXEC) :
				       node_open(fn);
		struct uclient c = iommu_at(fd);
		uint32_t id, ioas;

		atomic_store(&files[i], fd);
		c.fd = atomic_load(&files[i % CONTEXTS]);
		if (i < CONTEXTS || bind_try(fd, c.fd, &id))
			continue;
		atomic_store(&bound[i], true);
		want_ok(uc_ioas_alloc(&c, &ioas));
		want_ok(uc_map_fixed(&c, ioas, va(arena), ARENA_PAGES * PAGE,
				     UC_RW, 0));
		attach_try(fd, &ioas);
	}
}

static void process(uint64_t seed, unsigned long steps)
{
	struct actor actors[THREADS];
	pthread_t threads[THREADS];

	files_open();
	for (unsigned int i = 0; i < THREADS; i++) {
		actors[i] = (struct actor){ { seed * 64 + i }, steps };
		want_ok(pthread_create(&threads[i], NULL, act, &actors[i]));
	}
	for (unsigned int i = 0; i < THREADS; i++)
		want_ok(pthread_join(threads[i], NULL));
}

int main(int argc, char **argv)
{
	uint64_t seed;
	unsigned long steps;
	pid_t pid[PROCESSES];
	int status;

	want(argc > 2, 1);
	seed = strtoull(argv[1], NULL, 0);
	steps = strtoul(argv[2], NULL, 0);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		pid[i] = (pid_t)must(fork());
		if (!pid[i]) {
			process(seed * PROCESSES + i, steps);
			_exit(0);
		}
	}
	for (unsigned int i = 0; i < PROCESSES; i++) {
		want(waitpid(pid[i], &status, 0), pid[i]);
		/* A store into what is not there any more is its own affair. */
		want((WIFEXITED(status) && !WEXITSTATUS(status)) ||
		     (WIFSIGNALED(status) && (WTERMSIG(status) == SIGBUS ||
					      WTERMSIG(status) == SIGSEGV)), 1);
	}
	for (unsigned int fn = 0; fn < FUNCTIONS; fn++)
		vfio_check_clean(fn);
	printf("ok\n");
	return 0;
}
