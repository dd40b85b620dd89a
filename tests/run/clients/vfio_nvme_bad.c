/* SPDX-License-Identifier: MIT */
/*
 * vfio_nvme_bad: what drivers of a disk should not do, and what then happens
 *
 *   a command that is wrong     completed, with the status that says so
 *   data that cannot be reached "data transfer error"
 *   a ring that cannot          CSTS.CFS, until CC.EN goes to 0
 *   a doorbell that is wrong    nothing
 *
 * After each the disk works. Loops take their length from argv[3].
 */
#include "prng.h"
#include "vfio_disk.h"

#define NR(a) (sizeof(a) / sizeof((a)[0]))
/* Nothing is mapped there. */
#define NOWHERE UINT64_C(0x700000000)
/* What CMBMSC says. */
#define CMB UINT64_C(0x123400000000)

static unsigned long loops = 20;
static struct prng rng;

static uint64_t below(uint64_t n)
{
	return prng_below(&rng, n);
}

static void pause_us(unsigned int us)
{
	const struct timespec t = { 0, (long)us * 1000 };

	nanosleep(&t, NULL);
}

/* A block goes to the disk and comes back. */
static void check_works(struct disk *d, unsigned int id)
{
	const struct sqe w = rw(IO_WRITE, 1, 3, 1, ARENA);
	const struct sqe r = rw(IO_READ, 1, 3, 1, ARENA + SECTOR);

	for (unsigned int i = 0; i < 512; i++)
		d->arena[i] = (char)below(256);
	memset(d->arena + SECTOR, 0, 512);
	want(disk_do(d, id, &w), ST_OK);
	want(disk_do(d, id, &r), ST_OK);
	want(memcmp(d->arena, d->arena + SECTOR, 512), 0);
}

static struct disk ready(void)
{
	struct disk d = disk_open(memory_private);

	pair_create(&d, 1, 32, -1);
	check_works(&d, 1);
	return d;
}

static struct sqe sgl_of(struct sqe e, uint64_t address, uint32_t length,
			 uint8_t kind)
{
	const struct sgl s = { .address = address, .length = length,
			       .kind = kind };

	e.flags |= FLAG_SGL;
	memcpy(&e.prp1, &s, 8);
	memcpy(&e.prp2, (const char *)&s + 8, 8);
	return e;
}

/* ---- commands ----------------------------------------------------------- */

static void commands_that_are_wrong(void)
{
	struct disk d = ready();
	const uint64_t end = d.ns[0].blocks;
	const struct {
		struct sqe e;
		uint32_t status;
	} table[] = {
		{ { .opcode = 0x7f, .nsid = 1 }, ST_OPCODE },
		{ { .opcode = 0xff, .nsid = 1 }, ST_OPCODE },
		{ rw(IO_READ, 0, 0, 1, ARENA), ST_NAMESPACE },
		{ rw(IO_READ, 77, 0, 1, ARENA), ST_NAMESPACE },
		{ rw(IO_READ, UINT32_MAX, 0, 1, ARENA), ST_NAMESPACE },
		{ { .opcode = IO_FLUSH, .nsid = 77 }, ST_NAMESPACE },
		{ rw(IO_READ, 1, end, 1, ARENA), ST_RANGE },
		{ rw(IO_READ, 1, end - 1, 2, ARENA), ST_RANGE },
		{ rw(IO_WRITE, 1, UINT64_MAX, 1, ARENA), ST_RANGE },
		{ rw(IO_ZEROES, 1, UINT64_MAX, 65536, ARENA), ST_RANGE },
		/* Beyond MDTS */
		{ rw(IO_READ, 1, 0, 1024, ARENA), ST_FIELD },
		{ rw(IO_READ, 1, 0, 1, ARENA + 1), ST_PRP },
		{ rw(IO_READ, 1, 0, 16, ARENA), ST_TRANSFER },
		{ rw(IO_READ, 1, 0, 1, NOWHERE), ST_TRANSFER },
		{ rw(IO_WRITE, 1, 0, 1, NOWHERE), ST_TRANSFER },
		{ rw(IO_WRITE, 1, 0, 1, UINT64_MAX & ~3ull), ST_TRANSFER },
		{ rw(IO_COMPARE, 1, 0, 1, NOWHERE), ST_TRANSFER },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), ARENA, 512, 0x40),
		  ST_SGL_TYPE },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), ARENA, 511, SGL_BLOCK),
		  ST_SGL_LENGTH },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), ARENA, 513, SGL_BLOCK),
		  ST_SGL_LENGTH },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), ARENA, 0, SGL_LAST),
		  ST_SGL_SEGMENT },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), ARENA, 17, SGL_LAST),
		  ST_SGL_SEGMENT },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), ARENA, UINT32_MAX & ~15u,
			 SGL_LAST), ST_SGL_NUMBER },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), NOWHERE, 16, SGL_LAST),
		  ST_TRANSFER },
		{ sgl_of(rw(IO_READ, 1, 0, 1, 0), NOWHERE, 512, SGL_BLOCK),
		  ST_TRANSFER },
	};

	for (size_t i = 0; i < NR(table); i++) {
		want(disk_do(&d, 1, &table[i].e), table[i].status);
		check_works(&d, 1);
	}
	disk_close(&d);
}

/* Data for memory that a device may only read. */
static void data_without_permission(void)
{
	struct disk d = ready();
	char *p = memory_private(2);
	struct sqe e;

	map_at(&d.v, p, PAGE, UC_R, NOWHERE);
	map_at(&d.v, p + PAGE, PAGE, UC_W, NOWHERE + PAGE);
	e = rw(IO_READ, 1, 0, 1, NOWHERE);
	want(disk_do(&d, 1, &e), ST_TRANSFER);
	want(p[0], 0);
	e.opcode = IO_WRITE;
	want(disk_do(&d, 1, &e), ST_OK);
	e.prp1 = NOWHERE + PAGE;
	want(disk_do(&d, 1, &e), ST_TRANSFER);
	e.opcode = IO_READ;
	want(disk_do(&d, 1, &e), ST_OK);
	check_works(&d, 1);
	disk_close(&d);
}

/* Chains that lead back to where they are; each ends. */
static void chains_without_end(void)
{
	struct disk d = ready();
	const uint64_t list = ARENA + 2 * SECTOR;
	struct sgl *s = (void *)(d.arena + 2 * SECTOR);
	struct sqe e = rw(IO_READ, 1, 0, 512, ARENA + 8 * SECTOR);
	uint32_t status;

	/* A PRP list whose last entry is itself: bounded by the length. */
	for (unsigned int i = 0; i < 512; i++)
		((uint64_t *)(void *)s)[i] = list;
	e.prp2 = list + 8 * 500;
	status = disk_do(&d, 1, &e);
	want(status == ST_OK || status == ST_PRP || status == ST_TRANSFER, 1);
	check_works(&d, 1);
	/* A segment that leads to itself, and describes nothing. */
	s[0] = (struct sgl){ .kind = SGL_BLOCK };
	s[1] = (struct sgl){ .address = list, .length = 32,
			     .kind = SGL_SEGMENT };
	e = sgl_of(rw(IO_READ, 1, 0, 1, 0), list, 32, SGL_SEGMENT);
	want(disk_do(&d, 1, &e), ST_SGL_NUMBER);
	check_works(&d, 1);
	/* Links in the middle, and behind the last one. */
	s[0] = s[1];
	want(disk_do(&d, 1, &e), ST_SGL_NUMBER);
	e = sgl_of(e, list, 32, SGL_LAST);
	want(disk_do(&d, 1, &e), ST_SGL_SEGMENT);
	check_works(&d, 1);
	disk_close(&d);
}

static void queues_that_are_wrong(void)
{
	struct disk d = ready();
	const uint64_t at = cq_iova(2);

	want(queue_create_cq(&d, 0, 16, at, -1), ST_QUEUE_ID);
	want(queue_create_cq(&d, 1, 16, at, -1), ST_QUEUE_ID);
	want(queue_create_cq(&d, 65, 16, at, -1), ST_QUEUE_ID);
	want(queue_create_cq(&d, 0xffff, 16, at, -1), ST_QUEUE_ID);
	want(queue_create_cq(&d, 2, 1, at, -1), ST_QUEUE_SIZE);
	want(queue_create_cq(&d, 2, 1025, at, -1), ST_QUEUE_SIZE);
	want(queue_create_cq(&d, 2, 65536, at, -1), ST_QUEUE_SIZE);
	want(queue_create_cq(&d, 2, 16, at + 8, -1), ST_PRP);
	want(queue_create_cq(&d, 2, 16, at, 65), ST_VECTOR);
	want(queue_create_sq(&d, 2, 16, at, 2), ST_QUEUE_CQ);
	want(queue_create_sq(&d, 2, 16, at, 0), ST_QUEUE_ID);
	want(queue_create_sq(&d, 2, 16, at, 0xffff), ST_QUEUE_ID);
	want(queue_create_sq(&d, 1, 16, at, 1), ST_QUEUE_ID);
	want(queue_delete(&d, ADMIN_DELETE_SQ, 0), ST_QUEUE_ID);
	want(queue_delete(&d, ADMIN_DELETE_SQ, 2), ST_QUEUE_ID);
	want(queue_delete(&d, ADMIN_DELETE_SQ, 0xffff), ST_QUEUE_ID);
	want(queue_delete(&d, ADMIN_DELETE_CQ, 0), ST_QUEUE_ID);
	want(queue_delete(&d, ADMIN_DELETE_CQ, 1), ST_DELETION);
	check_works(&d, 1);
	pair_delete(&d, 1);
	pair_create(&d, 1, 16, -1);
	check_works(&d, 1);
	disk_close(&d);
}

/* ---- doorbells ---------------------------------------------------------- */

static void doorbells_that_are_wrong(void)
{
	/* Tail, head of the pair; of no queue; where there is none at all. */
	static const uint32_t at[] = { 0x1008, 0x100c, 0x1010, 0x1014, 0x1208,
				       0x2000, 0x3ffc };
	static const uint32_t values[] = { 32, 33, 0xffff, 0x10000,
					   UINT32_MAX };
	struct disk d = ready();

	for (size_t i = 0; i < NR(at); i++)
		for (size_t k = 0; k < NR(values); k++) {
			disk_set(&d, at[i], values[k]);
			pause_us(50);
			check_works(&d, 1);
		}
	/* A head in front of what there is. */
	disk_set(&d, 0x100c, (d.pair[1].head + 3) % 32);
	pause_us(2000);
	check_works(&d, 1);
	want(disk_reg(&d, REG_CSTS), CSTS_RDY);
	disk_close(&d);
}

/* ---- rings -------------------------------------------------------------- */

static void off_and_on(struct disk *d)
{
	disk_enable(d, false);
	want(disk_reg(d, REG_CSTS) & CSTS_CFS, 0);
	disk_enable(d, true);
	pair_create(d, 1, 32, -1);
	check_works(d, 1);
}

static void rings_that_are_nowhere(void)
{
	struct disk d = ready();
	char *p = memory_private(1);

	pair_forget(&d, 2, 16);
	want(queue_create_cq(&d, 2, 16, cq_iova(2), -1), ST_OK);
	want(queue_create_sq(&d, 2, 16, NOWHERE, 2), ST_OK);
	disk_set(&d, 0x1010, 1);
	disk_csts(&d, CSTS_CFS, CSTS_CFS);
	off_and_on(&d);
	/* Completions where nobody may write. */
	map_at(&d.v, p, PAGE, UC_R, NOWHERE);
	pair_forget(&d, 2, 16);
	want(queue_create_cq(&d, 2, 16, NOWHERE, -1), ST_OK);
	want(queue_create_sq(&d, 2, 16, sq_iova(2), 2), ST_OK);
	disk_set(&d, 0x1010, 1);
	disk_csts(&d, CSTS_CFS, CSTS_CFS);
	want(p[0] | p[12] | p[14], 0);
	off_and_on(&d);
	/* The admin queue itself. */
	disk_enable(&d, false);
	disk_set(&d, REG_ASQ + 4, 0x7777);
	disk_set(&d, REG_CC, 0x460001);
	disk_csts(&d, CSTS_RDY, CSTS_RDY);
	disk_set(&d, 0x1000, 1);
	disk_csts(&d, CSTS_CFS, CSTS_CFS);
	off_and_on(&d);
	disk_close(&d);
}

/* One queue of completions for several; then none is lost for want of room. */
static void completions_have_room(void)
{
	struct disk d = disk_open(memory_shared);
	const struct sqe e = rw(IO_READ, 1, 0, 1, ARENA);
	unsigned int seen = 0;
	struct cqe c;

	pair_forget(&d, 1, 4);
	want(queue_create_cq(&d, 1, 4, cq_iova(1), -1), ST_OK);
	for (unsigned int id = 1; id <= 4; id++) {
		struct pair *q = &d.pair[id];

		if (id > 1)
			pair_forget(&d, id, DEPTH_MAX);
		q->depth = DEPTH_MAX;
		want(queue_create_sq(&d, id, DEPTH_MAX, sq_iova(id), 1), ST_OK);
		for (unsigned int i = 0; i < 30; i++)
			pair_push(&d, id, &e);
		pair_ring(&d, id);
	}
	/* Four queues, one of completions: its own numbers are kept here. */
	for (uint32_t head = 0, phase = 1; seen < 120; seen++) {
		const uint64_t since = now_ns();
		struct cqe *at = &d.pair[1].cq[head];

		while ((__atomic_load_n(&at->status, __ATOMIC_ACQUIRE) & 1) !=
		       phase)
			patience(since, "a completion is lost");
		c = *at;
		want(status_of(&c), ST_OK);
		want(c.sqid >= 1 && c.sqid <= 4 && c.cid < 30, 1);
		head = (head + 1) % 4;
		phase ^= !head;
		disk_set(&d, 0x100c, head);
	}
	disk_close(&d);
}

/* ---- interrupts, command ------------------------------------------------ */

static void completions_interrupt(void)
{
	struct disk d = disk_open(memory_private);
	const struct sqe e = rw(IO_READ, 1, 0, 1, ARENA);
	int fds[9];
	struct cqe c;

	for (unsigned int i = 0; i < 9; i++)
		fds[i] = event_new();
	irqs_set(&d.v, MSIX, fds, 9);
	for (unsigned int id = 1; id <= 8; id++)
		pair_create(&d, id, 16, 9 - (int)id);
	for (unsigned int id = 1; id <= 8; id++)
		for (unsigned int i = 0; i < 5; i++) {
			pair_push(&d, id, &e);
			pair_ring(&d, id);
			want(event_wait(fds[9 - id]), 1);
			want(pair_reap(&d, id, &c), true);
			want(status_of(&c), ST_OK);
		}
	disk_close(&d);
}

static void no_bus_master_no_commands(void)
{
	struct disk d = ready();
	const struct sqe e = rw(IO_READ, 1, 0, 1, ARENA);
	struct cqe c;

	bus_master(&d.v, false);
	pair_push(&d, 1, &e);
	pair_ring(&d, 1);
	pause_us(3000);
	want(pair_reap(&d, 1, &c), false);
	bus_master(&d.v, true);
	c = pair_wait(&d, 1);
	want(status_of(&c), ST_OK);
	check_works(&d, 1);
	disk_close(&d);
}

/* ---- under load --------------------------------------------------------- */

/* Reads of 64 KiB, as many as fit; data go to [ARENA + 256 pages, ...). */
static unsigned int load(struct disk *d, unsigned int id)
{
	unsigned int nr = 0;

	for (; pair_room(&d->pair[id]); nr++) {
		struct sqe e = rw(IO_READ, 1, below(1000), 128,
				  0);

		e = sgl_of(e, ARENA + (256 + 16 * (nr % 32)) * SECTOR, 65536,
			   SGL_BLOCK);
		pair_push(d, id, &e);
	}
	pair_ring(d, id);
	return nr;
}

/* What was under way does not come any more. */
static void check_still(struct disk *d)
{
	const size_t length = 512 * SECTOR;
	char *at = d->arena + 256 * SECTOR, *copy = malloc(length);
	char *queues = malloc(2 * PAIRS * SECTOR);

	memcpy(copy, at, length);
	memcpy(queues, d->queues, 2 * PAIRS * SECTOR);
	pause_us(300);
	want(memcmp(copy, at, length), 0);
	want(memcmp(queues, d->queues, 2 * PAIRS * SECTOR), 0);
	free(copy);
	free(queues);
}

static void queues_deleted_under_load(void)
{
	struct disk d = ready();

	for (unsigned long i = 0; i < loops; i++) {
		unsigned int nr;
		struct cqe c;

		pair_create(&d, 2, DEPTH_MAX, -1);
		nr = load(&d, 2);
		pause_us((unsigned int)below(500));
		want(queue_delete(&d, ADMIN_DELETE_SQ, 2), ST_OK);
		/* Done, aborted, or never looked at; nothing else. */
		while (pair_reap(&d, 2, &c)) {
			want(status_of(&c) == ST_OK ||
			     status_of(&c) == ST_ABORT_QUEUE, 1);
			want(nr-- > 0, 1);
		}
		want(queue_delete(&d, ADMIN_DELETE_CQ, 2), ST_OK);
		check_still(&d);
		check_works(&d, 1);
	}
	disk_close(&d);
}

static void reset_by(struct disk *d, unsigned int how)
{
	uint32_t pos;

	switch (how) {
	case 0:
		disk_enable(d, false);
		return;
	case 1:
		want_ok(sys_ioctl(d->v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
		want(disk_reg(d, REG_CC), 0);
		return;
	case 2:
		pos = cfg_cap(&d->v, CAP_EXPRESS) + 8;
		cfg_wr(&d->v, pos, 2, cfg_rd(&d->v, pos, 2) | 0x8000);
		want(disk_reg(d, REG_CC), 0);
		return;
	default:
		/* "NVMe" */
		disk_set(d, REG_NSSR, 0x4e564d65);
		disk_csts(d, CSTS_RDY, 0);
	}
}

static void reset_under_load(void)
{
	struct disk d = ready();

	for (unsigned long i = 0; i < loops; i++) {
		for (unsigned int id = 2; id < 6; id++) {
			pair_create(&d, id, DEPTH_MAX, -1);
			load(&d, id);
		}
		pause_us((unsigned int)below(500));
		reset_by(&d, i % 4);
		check_still(&d);
		disk_enable(&d, true);
		pair_create(&d, 1, 32, -1);
		check_works(&d, 1);
	}
	disk_close(&d);
}

/* Data go away: those commands fail, the disk does not. */
static void unmap_under_load(void)
{
	struct disk d = ready();
	unsigned int failed = 0;

	unmap_at(&d.v, ARENA, ARENA_PAGES * SECTOR);
	for (unsigned long i = 0; i < loops || (!failed && i < 10000); i++) {
		unsigned int nr;

		map_at(&d.v, d.arena, ARENA_PAGES * SECTOR, UC_RW, ARENA);
		nr = load(&d, 1);
		pause_us((unsigned int)below(300));
		unmap_at(&d.v, ARENA, ARENA_PAGES * SECTOR);
		/* Completions come, and no data. */
		for (; nr; nr--) {
			const struct cqe c = pair_wait(&d, 1);

			want(status_of(&c) == ST_OK ||
			     status_of(&c) == ST_TRANSFER, 1);
			failed += status_of(&c) != ST_OK;
		}
		check_still(&d);
		want(disk_reg(&d, REG_CSTS), CSTS_RDY);
	}
	want(failed > 0, 1);
	map_at(&d.v, d.arena, ARENA_PAGES * SECTOR, UC_RW, ARENA);
	check_works(&d, 1);
	disk_close(&d);
}

/* Rings go away: the controller fails, and can be had back. */
static void rings_unmapped_under_load(void)
{
	struct disk d = ready();

	for (unsigned long i = 0; i < loops / 2; i++) {
		load(&d, 1);
		pause_us((unsigned int)below(200));
		unmap_at(&d.v, QUEUES, 2 * PAIRS * SECTOR);
		disk_set(&d, 0x1000, (d.pair[0].tail + 1) % DEPTH_MAX);
		disk_csts(&d, CSTS_CFS, CSTS_CFS);
		check_still(&d);
		map_at(&d.v, d.queues, 2 * PAIRS * SECTOR, UC_RW, QUEUES);
		off_and_on(&d);
	}
	disk_close(&d);
}

static void enable_again_and_again(void)
{
	struct disk d = ready();

	for (unsigned long i = 0; i < 4 * loops; i++) {
		disk_enable(&d, false);
		disk_enable(&d, true);
	}
	pair_create(&d, 1, 32, -1);
	check_works(&d, 1);
	/* A shutdown, after which it has to be enabled anew. */
	disk_set(&d, REG_CC, 0x464001);
	disk_csts(&d, CSTS_SHST, 8);
	off_and_on(&d);
	disk_close(&d);
}

/* ---- the buffer in the controller --------------------------------------- */

static void controller_memory(void)
{
	struct disk d = ready();
	const size_t size = d.v.size[2];
	char *cmb = bar_map(&d.v, 2, 0, size);
	struct sqe e;
	uint64_t *list = (void *)(cmb + 8 * SECTOR);

	want(disk_reg(&d, REG_CMBSZ) >> 12, size / SECTOR);
	/* As long as it is not there, it is nowhere. */
	e = rw(IO_READ, 1, 3, 1, CMB);
	want(disk_do(&d, 1, &e), ST_TRANSFER);
	disk_set(&d, REG_CMBMSC + 4, (uint32_t)(CMB >> 32));
	disk_set(&d, REG_CMBMSC, (uint32_t)CMB | 3);
	/* Data */
	want(disk_do(&d, 1, &e), ST_OK);
	want(memcmp(cmb, d.arena, 512), 0);
	for (unsigned int i = 0; i < 4 * SECTOR; i++)
		cmb[i] = (char)below(256);
	e = rw(IO_WRITE, 1, 8, 32, CMB);
	e.prp2 = CMB + 8 * SECTOR;
	for (uint64_t i = 0; i < 3; i++)
		list[i] = CMB + (i + 1) * SECTOR;
	want(disk_do(&d, 1, &e), ST_OK);
	/* Over its border: half of it there, half in memory that is not. */
	e = sgl_of(rw(IO_READ, 1, 8, 1, 0), CMB + size - 256, 512, SGL_BLOCK);
	want(disk_do(&d, 1, &e), ST_TRANSFER);
	e = sgl_of(rw(IO_READ, 1, 8, 32, 0), ARENA, 4 * SECTOR, SGL_BLOCK);
	want(disk_do(&d, 1, &e), ST_OK);
	want(memcmp(cmb, d.arena, 4 * SECTOR), 0);
	/* A ring */
	pair_forget(&d, 2, 16);
	d.pair[2].sq = (void *)(cmb + 16 * SECTOR);
	want(queue_create_cq(&d, 2, 16, cq_iova(2), -1), ST_OK);
	want(queue_create_sq(&d, 2, 16, CMB + 16 * SECTOR, 2), ST_OK);
	check_works(&d, 2);
	/* A reset leaves nothing of it, and the mapping is still of it. */
	want(cmb[1] || cmb[2] || cmb[3], 1);
	want_ok(sys_ioctl(d.v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
	for (size_t i = 0; i < size; i++)
		want(cmb[i], 0);
	bar_wr(&d.v, 2, size / 2, 4, 0x12345678);
	want(*(uint32_t *)(void *)(cmb + size / 2), 0x12345678);
	want_ok(munmap(cmb, size));
	disk_close(&d);
	vfio_check_clean(FN_NVME);
}

/* ---- the driver goes away ----------------------------------------------- */

static void kill_under_load(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		int go[2], status;
		struct disk d;
		pid_t pid;

		must(pipe(go));
		pid = (pid_t)must(fork());
		if (!pid) {
			d = ready();
			load(&d, 1);
			say(go[1]);
			for (;;)
				pause();
		}
		hear(go[0]);
		pause_us((unsigned int)below(500));
		must(kill(pid, SIGKILL));
		want(waitpid(pid, &status, 0), pid);
		vfio_await(FN_NVME);
		vfio_check_clean(FN_NVME);
		d = ready();
		disk_close(&d);
		want_ok(close(go[0]));
		want_ok(close(go[1]));
	}
}

/* ---- garbage ------------------------------------------------------------ */

/* Commands of random words; each is completed. */
static void commands_at_random(void)
{
	struct disk d = ready();

	for (unsigned long i = 0; i < 20 * loops; i++) {
		struct sqe e;
		uint64_t *words = (void *)&e;

		for (unsigned int k = 0; k < 8; k++)
			words[k] = below(2) ? prng_next(&rng) :
					      ARENA + below(ARENA_PAGES *
							    SECTOR);
		/* Most are of some kind, and for some namespace. */
		if (below(4))
			e.opcode = (uint8_t)below(16);
		if (below(4))
			e.nsid = (uint32_t)below(4);
		if (below(2)) {
			e.cdw10 = (uint32_t)below(1000);
			e.cdw11 = 0;
		}
		e.cdw12 &= below(2) ? 0x1ff : UINT32_MAX;
		disk_do(&d, 1, &e);
	}
	check_works(&d, 1);
	disk_close(&d);
}

static const struct client_case cases[] = {
	{ "commands_that_are_wrong", commands_that_are_wrong },
	{ "data_without_permission", data_without_permission },
	{ "chains_without_end", chains_without_end },
	{ "queues_that_are_wrong", queues_that_are_wrong },
	{ "doorbells_that_are_wrong", doorbells_that_are_wrong },
	{ "rings_that_are_nowhere", rings_that_are_nowhere },
	{ "completions_have_room", completions_have_room },
	{ "completions_interrupt", completions_interrupt },
	{ "no_bus_master_no_commands", no_bus_master_no_commands },
	{ "queues_deleted_under_load", queues_deleted_under_load },
	{ "reset_under_load", reset_under_load },
	{ "unmap_under_load", unmap_under_load },
	{ "rings_unmapped_under_load", rings_unmapped_under_load },
	{ "enable_again_and_again", enable_again_and_again },
	{ "controller_memory", controller_memory },
	{ "kill_under_load", kill_under_load },
	{ "commands_at_random", commands_at_random },
};

/* vfio_nvme_bad CASE SEED LOOPS */
int main(int argc, char **argv)
{
	if (argc > 2)
		rng.state = strtoull(argv[2], NULL, 0);
	if (argc > 3)
		loops = strtoul(argv[3], NULL, 0);
	return client_main(argc > 1 && strcmp(argv[1], "all") ? 2 : 1, argv,
			   cases, NR(cases));
}
