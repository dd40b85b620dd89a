/* SPDX-License-Identifier: MIT */
/*
 * vfio_gone: memory that goes away while a device may use it
 *
 *   program: map for the device, then  munmap | mprotect | truncate | exec | exit
 *   device:  writes there: it arrives, or DMA_ABORT; nobody dies of it
 *
 * What is shared is held by its file, what is private is the process's
 * (docs/supervisor.md, memory).
 */
#include "vfio_kit.h"

#define RING IOVA
#define DATA (IOVA + UINT64_C(0x1000000))

/* Rings are in memory that stays. */
struct setting {
	struct vfio v;
	struct eng e;
};

static void setting_init(struct setting *s)
{
	s->v = vfio_open_dma(FN_DMA);
	s->e = eng_new(&s->v, 0, RING, true);
}

static uint32_t fill(struct setting *s, uint64_t value)
{
	return eng_fill(&s->e, DATA, value, 2 * PAGE);
}

static void private_unmapped(void)
{
	uint64_t *p = memory_private(2);
	struct setting s;

	setting_init(&s);
	map_at(&s.v, p, 2 * PAGE, UC_RW, DATA);
	want_ok(fill(&s, 1));
	want_ok(munmap((char *)p + PAGE, PAGE));
	/* Up to there it is done. */
	want(fill(&s, 2), IOAS_ENG_DMA_ABORT);
	want(p[PAGE / 8 - 1], 2);
	want_ok(munmap(p, PAGE));
	want(fill(&s, 3), IOAS_ENG_DMA_ABORT);
	want(eng_copy(&s.e, DATA, DATA + PAGE, 8), IOAS_ENG_DMA_ABORT);
	unmap_at(&s.v, DATA, 2 * PAGE);
	vfio_close(&s.v);
}

/* What a device may is decided when it is mapped. */
static void private_protected(void)
{
	uint64_t *p = memory_private(2);
	struct setting s;

	setting_init(&s);
	map_at(&s.v, p, 2 * PAGE, UC_RW, DATA);
	want_ok(mprotect(p, 2 * PAGE, PROT_READ));
	want_ok(fill(&s, 2));
	want(p[0], 2);
	vfio_close(&s.v);
}

static void shared_unmapped(void)
{
	const int fd = (int)must(memfd_create("gone", MFD_CLOEXEC));
	uint64_t *p, value = 0;
	struct setting s;

	setting_init(&s);
	must(ftruncate(fd, (off_t)(2 * PAGE)));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p == MAP_FAILED ? -1 : 0);
	map_at(&s.v, p, 2 * PAGE, UC_RW, DATA);
	want_ok(munmap(p, 2 * PAGE));
	want_ok(fill(&s, 4711));
	want(pread(fd, &value, 8, (off_t)PAGE), 8);
	want(value, 4711);
	vfio_close(&s.v);
}

/* Cut below the device, between its accesses and under them. */
static void file_truncated(void)
{
	const int fd = (int)must(memfd_create("gone", MFD_CLOEXEC));
	struct setting s;
	void *p;

	setting_init(&s);
	must(ftruncate(fd, (off_t)(64 * PAGE)));
	p = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p == MAP_FAILED ? -1 : 0);
	map_at(&s.v, p, 64 * PAGE, UC_RW, DATA);
	want_ok(fill(&s, 1));
	must(ftruncate(fd, 0));
	want(fill(&s, 2), IOAS_ENG_DMA_ABORT);
	want(eng_copy(&s.e, DATA, DATA + PAGE, 8), IOAS_ENG_DMA_ABORT);
	want(eng_do(&s.e, &(struct ioas_eng_descriptor){
		.op = IOAS_ENG_ATOMIC_ADD, .destination = DATA, .length = 8 }),
	     IOAS_ENG_DMA_ABORT);
	must(ftruncate(fd, (off_t)(64 * PAGE)));
	want_ok(fill(&s, 3));
	for (unsigned int i = 0; i < 40; i++) {
		const uint32_t at = eng_post(
			&s.e, &(struct ioas_eng_descriptor){
			.op = IOAS_ENG_FILL, .destination = DATA,
			.length = 64 * PAGE, .value = i });
		uint32_t code;

		must(ftruncate(fd, (off_t)(i % 4 * PAGE)));
		must(ftruncate(fd, (off_t)(64 * PAGE)));
		code = eng_wait(&s.e, at);
		want(code == IOAS_ENG_OK || code == IOAS_ENG_DMA_ABORT, 1);
		if (code)
			eng_skip(&s.e);
	}
	want_ok(fill(&s, 5));
	vfio_close(&s.v);
}

/* The ring itself. */
static void ring_truncated(void)
{
	const int fd = (int)must(memfd_create("gone", MFD_CLOEXEC));
	const uint32_t r = IOAS_ENG_RING(0);
	const uint64_t since = now_ns();
	struct setting s;
	void *p;

	s.v = vfio_open_dma(FN_DMA);
	must(ftruncate(fd, (off_t)PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(p == MAP_FAILED ? -1 : 0);
	map_at(&s.v, p, PAGE, UC_RW, RING);
	must(ftruncate(fd, 0));
	wr64(&s.v, r + IOAS_ENG_RING_BASE, RING);
	wr32(&s.v, r + IOAS_ENG_RING_SIZE, ENG_ENTRIES);
	wr32(&s.v, r + IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	wr32(&s.v, r + IOAS_ENG_RING_TAIL, 1);
	while (!(rd32(&s.v, r + IOAS_ENG_RING_STATUS) & IOAS_ENG_ERROR))
		patience(since, "no error");
	want(IOAS_ENG_ERROR_CODE(rd32(&s.v, r + IOAS_ENG_RING_ERROR)),
	     IOAS_ENG_DMA_ABORT);
	vfio_close(&s.v);
}

/* Whoever mapped it is gone, the device is not. */
static void owner_gone(void)
{
	uint64_t *ours = memory_shared(2), *mine;
	int dead[2], done[2];
	struct setting s;
	pid_t pid;

	must(pipe(dead));
	must(pipe(done));
	pid = (pid_t)must(fork());
	if (!pid) {
		setting_init(&s);
		mine = memory_private(2);
		map_at(&s.v, mine, 2 * PAGE, UC_RW, DATA);
		map_at(&s.v, ours, 2 * PAGE, UC_RW, DATA + 2 * PAGE);
		want_ok(fill(&s, 1));
		if (must(fork()))
			_exit(0);
		hear(dead[0]);
		want(fill(&s, 2), IOAS_ENG_DMA_ABORT);
		/* Its own copy is another one. */
		want(mine[0], 1);
		want_ok(eng_fill(&s.e, DATA + 2 * PAGE, 3, PAGE));
		want(ours[0], 3);
		vfio_close(&s.v);
		say(done[1]);
		_exit(0);
	}
	want_child(pid);
	say(dead[1]);
	hear(done[0]);
	want(ours[0], 3);
	vfio_check_clean(FN_DMA);
}

/* As above, by another program in place of it; the child looks. */
static void owner_executes(void)
{
	char *argv[] = { (char *)(uintptr_t)"/proc/self/exe",
			 (char *)(uintptr_t)"hello", NULL };
	int dead[2], done[2];
	struct setting s;
	pid_t pid;

	must(pipe(dead));
	must(pipe(done));
	pid = (pid_t)must(fork());
	if (!pid) {
		setting_init(&s);
		map_at(&s.v, memory_private(2), 2 * PAGE, UC_RW, DATA);
		want_ok(fill(&s, 1));
		if (must(fork())) {
			must(execv(argv[0], argv));
			_exit(1);
		}
		hear(dead[0]);
		want(fill(&s, 2), IOAS_ENG_DMA_ABORT);
		vfio_close(&s.v);
		say(done[1]);
		_exit(0);
	}
	want_child(pid);
	say(dead[1]);
	hear(done[0]);
	vfio_check_clean(FN_DMA);
}

static void hello(void)
{
}

static const struct client_case cases[] = {
	{ "private_unmapped", private_unmapped },
	{ "private_protected", private_protected },
	{ "shared_unmapped", shared_unmapped },
	{ "file_truncated", file_truncated },
	{ "ring_truncated", ring_truncated },
	{ "owner_gone", owner_gone },
	{ "owner_executes", owner_executes },
	{ "hello", hello },
};

CLIENT_MAIN(cases)
