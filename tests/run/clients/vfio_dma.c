/* SPDX-License-Identifier: MIT */
/*
 * vfio_dma: what the engine does to memory of a program, and what it may not
 *
 *   ring (a page) --> descriptors --> COPY, FILL, ... --> memory of this process
 *                                        |
 *                                        ' what is not mapped, or no more: FAULT
 *
 * docs/dma-engine.md. Loops take their length from argv[2].
 */
#include "vfio_kit.h"
#include "prng.h"

#define RING IOVA
/* Where data are. */
#define DATA (IOVA + UINT64_C(0x1000000))
#define AREA (DATA + UINT64_C(0x1000000))

static unsigned long loops = 40;
static struct prng rng;

static void fill_random(void *p, size_t length)
{
	unsigned char *bytes = p;

	for (size_t i = 0; i < length; i++)
		bytes[i] = (unsigned char)prng_next(&rng);
}

static void *memory_anonymous(size_t pages)
{
	void *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0);
	return p;
}

/* ---- memory of each kind ------------------------------------------------ */

static void kinds_of_memory(void)
{
	static void *(*const kinds[])(size_t pages) = {
		memory_private, memory_shared, memory_anonymous,
	};
	const size_t n = 16 * PAGE;
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);

	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int k = 0; k < 3; k++) {
			char *from = kinds[i](16), *to = kinds[k](16);

			fill_random(from, n);
			map_at(&v, from, n, UC_R, DATA);
			map_at(&v, to, n, UC_RW, AREA);
			want_ok(eng_copy(&e, AREA, DATA, n));
			want(memcmp(from, to, n), 0);
			unmap_at(&v, DATA, n);
			unmap_at(&v, AREA, n);
			want_ok(munmap(from, n));
			want_ok(munmap(to, n));
		}
	vfio_close(&v);
}

/* What the program changes later is what the device finds. */
static void memory_is_live(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, true);
	uint64_t *from = memory_private(1), *to = memory_shared(1);

	map_at(&v, from, PAGE, UC_R, DATA);
	map_at(&v, to, PAGE, UC_RW, AREA);
	for (uint64_t i = 1; i <= 20; i++) {
		from[7] = i;
		want_ok(eng_copy(&e, AREA, DATA, PAGE));
		want(to[7], i);
	}
	vfio_close(&v);
}

static void no_bus_master_no_dma(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	const uint32_t r = IOAS_ENG_RING(0);
	const uint64_t since = now_ns();
	uint64_t *p = memory_private(1);

	map_at(&v, p, PAGE, UC_RW, DATA);
	bus_master(&v, false);
	eng_post(&e, &(struct ioas_eng_descriptor){
		.op = IOAS_ENG_FILL, .destination = DATA, .length = 8,
		.value = 1 });
	while (!(rd32(&v, r + IOAS_ENG_RING_STATUS) & IOAS_ENG_ERROR))
		patience(since, "no error without bus mastering");
	want(IOAS_ENG_ERROR_CODE(rd32(&v, r + IOAS_ENG_RING_ERROR)),
	     IOAS_ENG_DMA_ABORT);
	want(e.ring[0].status, 0);
	want(p[0], 0);
	bus_master(&v, true);
	eng_skip(&e);
	want_ok(eng_fill(&e, DATA, 2, 8));
	want(p[0], 2);
	vfio_close(&v);
}

/* ---- permissions, borders ----------------------------------------------- */

static void read_only(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	char *p = memory_private(3), *constant = memory_private(1);

	map_at(&v, p, PAGE, UC_RW, DATA);
	map_at(&v, p + PAGE, PAGE, UC_R, DATA + PAGE);
	/* Up to the byte, and no further. */
	want(eng_fill(&e, DATA + PAGE - 24, 0x0101010101010101, 64),
	     IOAS_ENG_FAULT);
	want(eng_reg(&e, IOAS_ENG_RING_ERROR_IOVA), DATA + PAGE);
	want(eng_reg(&e, IOAS_ENG_RING_PROGRESS), 0);
	for (size_t i = 0; i < 2 * PAGE; i++)
		want(p[i], i >= PAGE - 24 && i < PAGE);
	want_ok(eng_copy(&e, DATA, DATA + PAGE, PAGE));
	/* Memory that its own program cannot write, a device cannot either. */
	want_ok(mprotect(constant, PAGE, PROT_READ));
	want(uc_map_fixed(&v.iommu, v.ioas, va(constant), PAGE, UC_RW, AREA),
	     -EFAULT);
	map_at(&v, constant, PAGE, UC_R, AREA);
	want_ok(eng_copy(&e, DATA, AREA, PAGE));
	want(eng_fill(&e, AREA, 1, 8), IOAS_ENG_FAULT);
	vfio_close(&v);
}

static void write_only(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	uint64_t *p = memory_private(2);

	map_at(&v, p, PAGE, UC_W, DATA);
	map_at(&v, p + PAGE / 8, PAGE, UC_RW, AREA);
	want_ok(eng_fill(&e, DATA, 5, 8));
	want(p[0], 5);
	want(eng_copy(&e, AREA, DATA, 8), IOAS_ENG_FAULT);
	want(eng_reg(&e, IOAS_ENG_RING_ERROR_IOVA), DATA);
	want(p[PAGE / 8], 0);
	vfio_close(&v);
}

/*
 * Neighbours in the space that are none in memory, copies of any place and
 * length over their borders, against memcpy.
 */
static void unaligned_copies(void)
{
	enum { AREAS = 4, PAGES = 3 };
	const size_t each = PAGES * PAGE, all = AREAS * each;
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	char *mem[AREAS], *from = memory_shared(AREAS * PAGES);
	char *model = malloc(all), *now = malloc(all);

	fill_random(from, all);
	map_at(&v, from, all, UC_R, DATA);
	for (unsigned int i = 0; i < AREAS; i++) {
		mem[i] = i % 2 ? memory_private(PAGES) : memory_shared(PAGES);
		map_at(&v, mem[i], each, UC_RW, AREA + i * each);
	}
	memset(model, 0, all);
	for (unsigned long i = 0; i < loops; i++) {
		const size_t to = prng_below(&rng, all);
		const size_t of = prng_below(&rng, all);
		const size_t most = all - (to > of ? to : of);
		const size_t n = 1 + prng_below(&rng, most);

		want_ok(eng_copy(&e, AREA + to, DATA + of, n));
		memcpy(model + to, from + of, n);
		for (unsigned int k = 0; k < AREAS; k++)
			memcpy(now + k * each, mem[k], each);
		want(memcmp(model, now, all), 0);
	}
	vfio_close(&v);
}

/* ---- the end of a mapping ----------------------------------------------- */

static atomic_bool over;

/* Fills [AREA, ...) again and again with a value that it never has had. */
static void *fill_on(void *arg)
{
	struct eng *e = arg;
	uint64_t value = 1;

	while (!atomic_load(&over)) {
		const struct ioas_eng_descriptor d = {
			.op = IOAS_ENG_FILL, .destination = AREA,
			.length = 64 * PAGE, .value = value++,
		};
		const uint32_t code = eng_do(e, &d);

		want(code == IOAS_ENG_OK || code == IOAS_ENG_FAULT ||
		     code == IOAS_ENG_DMA_ABORT, 1);
	}
	return NULL;
}

static void pause_us(unsigned int us)
{
	const struct timespec t = { 0, (long)us * 1000 };

	nanosleep(&t, NULL);
}

/* Nothing is written to @p any more; something was, if @was. */
static unsigned int check_still(const char *p, size_t length)
{
	char *copy = malloc(length);
	unsigned int some = 0;

	memcpy(copy, p, length);
	pause_us(300);
	want(memcmp(copy, p, length), 0);
	for (size_t i = 0; i < length; i++)
		some |= (unsigned char)copy[i];
	free(copy);
	return !!some;
}

static void no_dma_after_unmap_of(void *(*kind)(size_t pages))
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	char *p = kind(64);
	const uint64_t since = now_ns();
	unsigned int some = 0;
	pthread_t t;

	atomic_store(&over, false);
	want_ok(pthread_create(&t, NULL, fill_on, &e));
	/* Without any write there would be nothing to be seen here. */
	for (unsigned long i = 0; i < loops || !some; i++) {
		patience(since, "nothing is ever written");
		memset(p, 0, 64 * PAGE);
		map_at(&v, p, 64 * PAGE, UC_RW, AREA);
		pause_us((unsigned int)prng_below(&rng, 2000));
		unmap_at(&v, AREA, 64 * PAGE);
		some += check_still(p, 64 * PAGE);
	}
	atomic_store(&over, true);
	want_ok(pthread_join(t, NULL));
	vfio_close(&v);
}

static void no_dma_after_unmap(void)
{
	no_dma_after_unmap_of(memory_private);
	no_dma_after_unmap_of(memory_shared);
}

/* The same of detach, and of bus mastering. */
static void no_dma_after_detach(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	const uint32_t r = IOAS_ENG_RING(0);
	struct eng e = eng_new(&v, 0, RING, false);
	char *p = memory_private(64);
	unsigned int some = 0;

	map_at(&v, p, 64 * PAGE, UC_RW, AREA);
	for (unsigned long i = 0; i < loops || (!some && i < 10000); i++) {
		const uint64_t since = now_ns();
		uint32_t pt = v.ioas;

		memset(p, 0, 64 * PAGE);
		for (unsigned int k = 0; k < 8; k++)
			eng_post(&e, &(struct ioas_eng_descriptor){
				.op = IOAS_ENG_FILL, .destination = AREA,
				.length = 64 * PAGE, .value = i * 8 + k + 1 });
		pause_us((unsigned int)prng_below(&rng, 300));
		if (i % 2)
			want_ok(detach_try(v.fd));
		else
			bus_master(&v, false);
		some += check_still(p, 64 * PAGE);
		if (i % 2)
			want_ok(attach_try(v.fd, &pt));
		else
			bus_master(&v, true);
		wr32(&v, r + IOAS_ENG_RING_CONTROL, IOAS_ENG_ABORT);
		while (rd32(&v, r + IOAS_ENG_RING_STATUS) & IOAS_ENG_BUSY)
			patience(since, "it goes on");
		wr32(&v, r + IOAS_ENG_RING_STATUS,
		     IOAS_ENG_ERROR | IOAS_ENG_ABORTED);
		wr32(&v, r + IOAS_ENG_RING_HEAD, e.tail);
		eng_start(&e);
	}
	want(some > 0, 1);
	want_ok(eng_fill(&e, AREA, 7, 8));
	vfio_close(&v);
}

/* All of a ring to be done: long fills. */
static void load(struct eng *e)
{
	for (unsigned int i = 0; i < ENG_ENTRIES - 1; i++)
		eng_post(e, &(struct ioas_eng_descriptor){
			.op = IOAS_ENG_FILL, .destination = AREA,
			.length = 64 * PAGE, .value = i + 1 });
}

/* An order to stop is obeyed when the write of it returns. */
static void no_dma_after_abort(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	const uint32_t control = IOAS_ENG_RING(0) + IOAS_ENG_RING_CONTROL;
	char *p = memory_private(64);
	unsigned int aborted = 0;

	map_at(&v, p, 64 * PAGE, UC_RW, AREA);
	for (unsigned long i = 0; i < loops || (!aborted && i < 10000); i++) {
		struct eng e = eng_new(&v, 0, RING, i % 2);

		load(&e);
		pause_us((unsigned int)prng_below(&rng, 300));
		wr32(&v, i % 3 ? control : IOAS_ENG_REG_CONTROL,
		     i % 3 ? IOAS_ENG_ABORT : IOAS_ENG_RESET);
		check_still(p, 64 * PAGE);
		aborted += !!(eng_reg(&e, IOAS_ENG_RING_STATUS) &
			      IOAS_ENG_ABORTED);
		wr32(&v, IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
		want(eng_reg(&e, IOAS_ENG_RING_STATUS), 0);
		eng_free(&e);
	}
	vfio_close(&v);
}

/* ---- page tables -------------------------------------------------------- */

static void replace_moves_all(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	uint64_t *a = memory_private(1), *b = memory_private(1);
	struct eng e = eng_new(&v, 0, RING, false);
	const uint32_t first = v.ioas, second = ioas_new(&v.iommu);
	uint32_t hwpt, pt;

	map_at(&v, a, PAGE, UC_RW, DATA);
	v.ioas = second;
	map_at(&v, e.ring, PAGE, UC_RW, RING);
	map_at(&v, b, PAGE, UC_RW, DATA);
	for (uint64_t i = 1; i <= 10; i++) {
		want_ok(eng_fill(&e, DATA, i, PAGE));
		want((i % 2 ? a : b)[1], i);
		want((i % 2 ? b : a)[1], i - 1);
		pt = i % 2 ? second : first;
		want_ok(attach_try(v.fd, &pt));
	}
	/* To a page table that was made by hand, and back. */
	want_ok(uc_hwpt(&v.iommu, v.id, second, 0, &hwpt));
	pt = hwpt;
	want_ok(attach_try(v.fd, &pt));
	want(pt, hwpt);
	want_ok(eng_fill(&e, DATA, 99, 8));
	want(b[0], 99);
	want(uc_destroy(&v.iommu, hwpt), -EBUSY);
	want_ok(detach_try(v.fd));
	want_ok(uc_destroy(&v.iommu, hwpt));
	vfio_close(&v);
}

static uint32_t fill_pasid(struct eng *e, uint32_t pasid, uint64_t value)
{
	return eng_do(e, &(struct ioas_eng_descriptor){
		.op = IOAS_ENG_FILL, .destination = DATA, .length = 8,
		.value = value, .pasid = pasid });
}

static void pasids(void)
{
	const uint32_t flag = IOAS_ABI_HWPT_ALLOC_PASID;
	struct vfio v = vfio_open(FN_DMA);
	uint64_t *mem[3];
	uint32_t hwpt[3];
	struct eng e;

	for (unsigned int i = 0; i < 3; i++) {
		v.ioas = ioas_new(&v.iommu);
		mem[i] = i % 2 ? memory_shared(1) : memory_private(1);
		map_at(&v, mem[i], PAGE, UC_RW, DATA);
		want_ok(uc_hwpt(&v.iommu, v.id, v.ioas, flag, &hwpt[i]));
		if (!i) {
			want_ok(attach_try(v.fd, &hwpt[0]));
			e = eng_new(&v, 0, RING, false);
		} else {
			want_ok(attach_pasid_try(v.fd, 100 * i, &hwpt[i]));
		}
	}
	bus_master(&v, true);
	want_ok(fill_pasid(&e, 0, 1));
	want_ok(fill_pasid(&e, 100, 2));
	want_ok(fill_pasid(&e, 200, 3));
	for (uint64_t i = 0; i < 3; i++)
		want(mem[i][0], i + 1);
	want(fill_pasid(&e, 300, 4), IOAS_ENG_DMA_ABORT);
	/* Replaced, detached: each for itself. */
	want_ok(attach_pasid_try(v.fd, 100, &hwpt[2]));
	want_ok(fill_pasid(&e, 100, 5));
	want(mem[2][0], 5);
	want(mem[1][0], 2);
	want_ok(detach_pasid_try(v.fd, 100));
	want(fill_pasid(&e, 100, 6), IOAS_ENG_DMA_ABORT);
	want_ok(fill_pasid(&e, 200, 7));
	want(mem[2][0], 7);
	vfio_close(&v);
}

/* Bits of [DATA, ...), one for each page. */
static uint64_t dirty_pages(const struct vfio *v, uint32_t hwpt)
{
	uint64_t bits = 0;
	struct ioas_abi_hwpt_get_dirty_bitmap s = {
		.hwpt_id = hwpt, .iova = DATA, .length = 64 * PAGE,
		.page_size = PAGE,
	};

	want_ok(uc_dirty_get(&v->iommu, &s, &bits));
	return bits;
}

static void dirty_tracking(void)
{
	const uint32_t flag = IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING;
	struct vfio v = vfio_open(FN_DMA);
	char *p = memory_private(64);
	struct eng e;
	uint32_t hwpt;

	v.ioas = ioas_new(&v.iommu);
	want_ok(uc_hwpt(&v.iommu, v.id, v.ioas, flag, &hwpt));
	want_ok(attach_try(v.fd, &hwpt));
	bus_master(&v, true);
	e = eng_new(&v, 0, RING, false);
	/* Leaves of one page each. */
	for (size_t i = 0; i < 64; i++)
		map_at(&v, p + i * PAGE, PAGE, UC_RW, DATA + i * PAGE);
	want_ok(uc_dirty_set(&v.iommu, hwpt,
			     IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE));
	want(dirty_pages(&v, hwpt), 0);
	for (unsigned int i = 0; i < 20; i++) {
		const uint64_t from = prng_below(&rng, 60);
		const uint64_t nr = 1 + prng_below(&rng, 3);
		const uint64_t to = prng_below(&rng, 60);

		/* Not those that are read, and all that are written. */
		want_ok(eng_copy(&e, DATA + to * PAGE + 5, DATA + from * PAGE,
				 nr * PAGE - 5));
		want(dirty_pages(&v, hwpt), ((UINT64_C(1) << nr) - 1) << to);
		want(dirty_pages(&v, hwpt), 0);
	}
	want_ok(eng_fill(&e, DATA + PAGE - 4, 1, 8));
	want(dirty_pages(&v, hwpt), 3);
	vfio_close(&v);
}

/* ---- page requests ------------------------------------------------------ */

struct paged {
	struct vfio v;
	struct eng e;
	int queue;
	/* What is granted: mapped, then answered. */
	char *memory;
};

/* In place, as the ring refers to its function. */
static void paged_init(struct paged *p)
{
	struct ioas_abi_hwpt_alloc s = { .flags =
						 IOAS_ABI_HWPT_FAULT_ID_VALID };
	uint32_t pt;

	p->v = vfio_open(FN_DMA);
	p->v.ioas = ioas_new(&p->v.iommu);
	want_ok(uc_fault_queue(&p->v.iommu, &s.fault_id, &p->queue));
	s.dev_id = p->v.id;
	s.pt_id = p->v.ioas;
	want_ok(uc_hwpt_alloc(&p->v.iommu, &s, NULL));
	pt = s.out_hwpt_id;
	want_ok(attach_try(p->v.fd, &pt));
	bus_master(&p->v, true);
	p->e = eng_new(&p->v, 0, RING, false);
	p->memory = memory_private(4);
}

/* The next request. */
static struct ioas_abi_pgfault asked(const struct paged *p)
{
	struct pollfd ready = { .fd = p->queue, .events = POLLIN };
	struct ioas_abi_pgfault r;

	want(poll(&ready, 1, PATIENCE_S * 1000), 1);
	want(read(p->queue, &r, sizeof(r)), sizeof(r));
	want(r.dev_id, p->v.id);
	want(r.flags, IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE);
	return r;
}

static void answer(const struct paged *p, uint32_t cookie, uint32_t code)
{
	const struct ioas_abi_page_response a = { cookie, code };

	want(write(p->queue, &a, sizeof(a)), sizeof(a));
}

static void page_requests(void)
{
	struct paged p;
	struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 17,
		.destination = DATA + 100, .length = 2 * PAGE, .value = 5,
	};
	struct ioas_abi_pgfault r;
	uint32_t at;

	paged_init(&p);
	at = eng_post(&p.e, &d);
	/* Page by page, as it comes to them. */
	for (unsigned int i = 0; i < 3; i++) {
		r = asked(&p);
		want(r.addr & ~(uint64_t)(PAGE - 1), DATA + i * PAGE);
		want(r.grpid, 17);
		want(r.perm, IOAS_ABI_PGFAULT_PERM_WRITE);
		want(eng_reg(&p.e, IOAS_ENG_RING_STATUS) & IOAS_ENG_WAITING,
		     IOAS_ENG_WAITING);
		map_at(&p.v, p.memory + i * PAGE, PAGE, UC_RW,
		       DATA + i * PAGE);
		answer(&p, r.cookie, IOAS_ABI_PAGE_RESP_SUCCESS);
	}
	want_ok(eng_wait(&p.e, at));
	want(p.memory[100], 5);
	want(p.memory[2 * PAGE + 92], 5);
	want(p.memory[2 * PAGE + 100], 0);
	/* No. */
	d.destination = AREA;
	at = eng_post(&p.e, &d);
	answer(&p, asked(&p).cookie, IOAS_ABI_PAGE_RESP_INVALID);
	want(eng_wait(&p.e, at), IOAS_ENG_DENIED);
	eng_skip(&p.e);
	/* Asked for as such, for reading. */
	d = (struct ioas_eng_descriptor){ .op = IOAS_ENG_PAGE_REQUEST,
					  .group = 3, .source = AREA };
	at = eng_post(&p.e, &d);
	r = asked(&p);
	want(r.addr, AREA);
	want(r.perm, IOAS_ABI_PGFAULT_PERM_READ);
	answer(&p, r.cookie, IOAS_ABI_PAGE_RESP_SUCCESS);
	want_ok(eng_wait(&p.e, at));
	vfio_close(&p.v);
}

/* Yes, and yet it is not there: it asks so often and no more. */
static void page_requests_in_vain(void)
{
	struct paged p;
	const struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 1,
		.destination = DATA, .length = 8,
	};
	uint32_t at;

	paged_init(&p);
	at = eng_post(&p.e, &d);
	for (unsigned int i = 0; i < IOAS_ENG_RETRIES; i++)
		answer(&p, asked(&p).cookie, IOAS_ABI_PAGE_RESP_SUCCESS);
	want(eng_wait(&p.e, at), IOAS_ENG_FAULT);
	vfio_close(&p.v);
}

/* Those of a PASID go to the queue of its own page table. */
static void page_requests_with_a_pasid(void)
{
	struct ioas_abi_hwpt_alloc s = {
		.flags = IOAS_ABI_HWPT_FAULT_ID_VALID |
			 IOAS_ABI_HWPT_ALLOC_PASID,
	};
	struct vfio v = vfio_open(FN_DMA);
	const uint32_t other = ioas_new(&v.iommu);
	struct ioas_abi_pgfault r;
	struct pollfd ready = { .events = POLLIN };
	char *p = memory_private(1);
	struct eng e;
	uint32_t pt, at;

	v.ioas = ioas_new(&v.iommu);
	want_ok(uc_hwpt(&v.iommu, v.id, v.ioas, IOAS_ABI_HWPT_ALLOC_PASID,
			&pt));
	want_ok(attach_try(v.fd, &pt));
	want_ok(uc_fault_queue(&v.iommu, &s.fault_id, &ready.fd));
	s.dev_id = v.id;
	s.pt_id = other;
	want_ok(uc_hwpt_alloc(&v.iommu, &s, NULL));
	pt = s.out_hwpt_id;
	want_ok(attach_pasid_try(v.fd, 33, &pt));
	bus_master(&v, true);
	e = eng_new(&v, 0, RING, false);
	at = eng_post(&e, &(struct ioas_eng_descriptor){
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 9,
		.destination = DATA, .length = 8, .value = 5, .pasid = 33 });
	want(poll(&ready, 1, PATIENCE_S * 1000), 1);
	want(read(ready.fd, &r, sizeof(r)), sizeof(r));
	want(r.flags, IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE |
		      IOAS_ABI_PGFAULT_FLAGS_PASID_VALID);
	want(r.pasid, 33);
	want(r.grpid, 9);
	want_ok(uc_map_fixed(&v.iommu, other, va(p), PAGE, UC_RW, DATA));
	want(write(ready.fd, &(struct ioas_abi_page_response){ r.cookie, 0 },
		   8), 8);
	want_ok(eng_wait(&e, at));
	want(p[0], 5);
	vfio_close(&v);
}

/* Nobody to ask: a page table without a queue. */
static void page_requests_to_nobody(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, false);
	const uint32_t code = eng_do(&e, &(struct ioas_eng_descriptor){
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 1,
		.destination = DATA, .length = 8 });

	want(code == IOAS_ENG_DENIED || code == IOAS_ENG_NOT_ASKED, 1);
	vfio_close(&v);
}

/* A reset forgets who waits; detach says no (iommufd-uapi 7.5). */
static void page_requests_that_end(void)
{
	struct paged p;
	const struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 1,
		.destination = DATA, .length = 8,
	};
	struct ioas_abi_page_response a = { 0, 0 };
	const uint32_t r = IOAS_ENG_RING(0);
	const uint64_t since = now_ns();

	paged_init(&p);
	eng_post(&p.e, &d);
	a.cookie = asked(&p).cookie;
	want_ok(sys_ioctl(p.v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
	want(rd32(&p.v, r + IOAS_ENG_RING_STATUS), 0);
	/* The answer comes, and does nothing. */
	write(p.queue, &a, sizeof(a)) < 0 ? want(errno, EINVAL) : (void)0;
	unmap_at(&p.v, RING, PAGE);
	p.e = eng_new(&p.v, 0, RING, false);
	eng_post(&p.e, &d);
	a.cookie = asked(&p).cookie;
	want_ok(detach_try(p.v.fd));
	want(write(p.queue, &a, sizeof(a)), -1);
	want(errno, EINVAL);
	while (rd32(&p.v, r + IOAS_ENG_RING_STATUS) & IOAS_ENG_WAITING)
		patience(since, "it waits for an answer");
	vfio_close(&p.v);
	want_ok(close(p.queue));
}

/* What was asked before a reset, and never answered, is in nobody's way. */
static void page_requests_after_a_reset(void)
{
	const struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 1,
		.destination = DATA, .length = 8, .value = 5,
	};
	struct ioas_abi_page_response late = { 0, 1 };
	struct paged p;
	uint32_t at;

	paged_init(&p);
	for (unsigned int i = 0; i < 10; i++) {
		struct ioas_abi_pgfault r;

		eng_post(&p.e, &d);
		late.cookie = asked(&p).cookie;
		want_ok(sys_ioctl(p.v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
		/* Too late, or just in time to be of no use. */
		if (i % 2 && write(p.queue, &late, sizeof(late)) < 0)
			want(errno, EINVAL);
		unmap_at(&p.v, RING, PAGE);
		p.e = eng_new(&p.v, 0, RING, false);
		at = eng_post(&p.e, &d);
		r = asked(&p);
		map_at(&p.v, p.memory, PAGE, UC_RW, DATA);
		answer(&p, r.cookie, IOAS_ABI_PAGE_RESP_SUCCESS);
		want_ok(eng_wait(&p.e, at));
		want(p.memory[0], 5);
		unmap_at(&p.v, DATA, PAGE);
	}
	vfio_close(&p.v);
}

/* ---- interrupts --------------------------------------------------------- */

static void interrupts_of(uint32_t index)
{
	const uint32_t nr = index == INTX ? 1 : IOAS_ENG_VECTORS;
	struct vfio v = vfio_open_dma(FN_DMA);
	uint64_t *p = memory_shared(1);
	int fds[IOAS_ENG_VECTORS];
	struct eng e;

	for (uint32_t i = 0; i < nr; i++)
		fds[i] = event_new();
	irqs_set(&v, index, fds, nr);
	wr32(&v, IOAS_ENG_REG_IRQ_ENABLE, 0xf);
	map_at(&v, p, PAGE, UC_RW, DATA);
	for (unsigned int ring = 0; ring < 2; ring++) {
		const int fd = fds[index == INTX ? 0 : ring];

		e = eng_new(&v, ring, RING + ring * PAGE, false);
		for (uint64_t i = 1; i < 20; i++) {
			const uint32_t at = eng_post(
				&e, &(struct ioas_eng_descriptor){
				.op = IOAS_ENG_FILL, .length = PAGE,
				.flags = IOAS_ENG_INTERRUPT,
				.destination = DATA, .value = i });

			/* All is there when it comes. */
			want(event_wait(fd), 1);
			want(e.ring[at].status, IOAS_ENG_COMPLETE);
			want(p[511], i);
			wr32(&v, IOAS_ENG_REG_IRQ_STATUS, 1u << ring);
			if (index == INTX)
				want_ok(irqs(v.fd, NONE | UNMASK, INTX, 0, 1,
					     NULL));
		}
	}
	vfio_close(&v);
}

static void interrupts(void)
{
	interrupts_of(INTX);
	interrupts_of(MSI);
	interrupts_of(MSIX);
}

/* ---- under load --------------------------------------------------------- */

static void reset_under_load(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	char *p = memory_private(64);
	struct eng e;

	map_at(&v, p, 64 * PAGE, UC_RW, AREA);
	for (unsigned long i = 0; i < loops; i++) {
		e = eng_new(&v, 0, RING, i % 2);
		load(&e);
		pause_us((unsigned int)prng_below(&rng, 500));
		want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
		check_still(p, 64 * PAGE);
		want(rd32(&v, IOAS_ENG_RING(0) + IOAS_ENG_RING_STATUS), 0);
		eng_free(&e);
	}
	vfio_close(&v);
}

static void close_under_load(void)
{
	char *p = memory_private(64);

	for (unsigned long i = 0; i < loops; i++) {
		struct vfio v = vfio_open_dma(FN_DMA);
		struct eng e = eng_new(&v, 0, RING, true);

		map_at(&v, p, 64 * PAGE, UC_RW, AREA);
		load(&e);
		pause_us((unsigned int)prng_below(&rng, 500));
		if (i % 2)
			want_ok(close(v.iommu.fd));
		want_ok(close(v.fd));
		if (!(i % 2))
			want_ok(close(v.iommu.fd));
		/* A close is over with the next call of who closed. */
		vfio_check_clean(FN_DMA);
		check_still(p, 64 * PAGE);
		want_ok(munmap(e.ring, PAGE));
	}
}

static void kill_under_load(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		int ready[2], status;
		pid_t pid;

		must(pipe(ready));
		pid = (pid_t)must(fork());
		if (!pid) {
			struct vfio v = vfio_open_dma(FN_DMA);
			struct eng e = eng_new(&v, 0, RING, false);

			map_at(&v, memory_private(64), 64 * PAGE, UC_RW, AREA);
			load(&e);
			say(ready[1]);
			for (;;)
				pause();
		}
		hear(ready[0]);
		pause_us((unsigned int)prng_below(&rng, 1000));
		must(kill(pid, SIGKILL));
		want(waitpid(pid, &status, 0), pid);
		vfio_await(FN_DMA);
		vfio_check_clean(FN_DMA);
		want_ok(close(ready[0]));
		want_ok(close(ready[1]));
	}
}

/* ---- several processes -------------------------------------------------- */

static void work(unsigned int fn, uint64_t seed)
{
	struct vfio v = vfio_open_dma(fn);
	struct eng e = eng_new(&v, 0, RING, false);
	char *a = memory_private(16), *b = memory_shared(16);

	rng.state = seed;
	map_at(&v, a, 16 * PAGE, UC_RW, DATA);
	map_at(&v, b, 16 * PAGE, UC_RW, AREA);
	for (unsigned long i = 0; i < loops; i++) {
		fill_random(a, 16 * PAGE);
		want_ok(eng_copy(&e, AREA, DATA, 16 * PAGE));
		want(memcmp(a, b, 16 * PAGE), 0);
	}
	vfio_close(&v);
}

static void two_at_once(void)
{
	static const unsigned int fns[] = { FN_DMA, FN_DMA2 };
	pid_t pid[2];

	for (unsigned int i = 0; i < 2; i++) {
		pid[i] = (pid_t)must(fork());
		if (!pid[i]) {
			work(fns[i], i);
			_exit(0);
		}
	}
	want_child(pid[0]);
	want_child(pid[1]);
}

/* One context, one space, two devices. */
static void two_of_one_space(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct vfio w = vfio_open_at(FN_DMA2, v.iommu);
	uint64_t *p = memory_private(1);
	uint32_t pt = w.ioas = v.ioas;
	struct eng e, f;

	want_ok(attach_try(w.fd, &pt));
	bus_master(&w, true);
	map_at(&v, p, PAGE, UC_RW, DATA);
	e = eng_new(&v, 0, RING, false);
	f = eng_new(&w, 0, RING + PAGE, false);
	want_ok(eng_fill(&e, DATA, 1, 8));
	want_ok(eng_fill(&f, DATA + 8, 2, 8));
	want(p[0], 1);
	want(p[1], 2);
	unmap_at(&v, DATA, PAGE);
	want(eng_fill(&e, DATA, 3, 8), IOAS_ENG_FAULT);
	want(eng_fill(&f, DATA, 3, 8), IOAS_ENG_FAULT);
	want(p[0], 1);
	want_ok(close(w.fd));
	vfio_close(&v);
}

/* The child has the device, the memory is still that of its parent. */
static void a_child_goes_on(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	struct eng e = eng_new(&v, 0, RING, true);
	uint64_t *mine = memory_private(1), *ours = memory_shared(1);
	pid_t pid;

	map_at(&v, mine, PAGE, UC_RW, DATA);
	map_at(&v, ours, PAGE, UC_RW, AREA);
	pid = (pid_t)must(fork());
	if (!pid) {
		want_ok(eng_fill(&e, DATA, 5, 8));
		want_ok(eng_fill(&e, AREA, 6, 8));
		/* A copy of what the parent had. */
		want(mine[0], 0);
		want(ours[0], 6);
		_exit(0);
	}
	want_ok(close(v.fd));
	want_child(pid);
	want(mine[0], 5);
	want(ours[0], 6);
	want_ok(close(v.iommu.fd));
	vfio_check_clean(FN_DMA);
}

/* Both rings, with doorbells in memory; no register is touched. */
static void doorbells(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	volatile uint32_t *doors = bar_map(&v, 2, 0, PAGE);
	uint64_t *p = memory_shared(2);
	struct eng e[2];

	map_at(&v, p, 2 * PAGE, UC_RW, DATA);
	for (unsigned int r = 0; r < 2; r++) {
		e[r] = eng_new(&v, r, RING + r * PAGE, true);
		wr32(&v, IOAS_ENG_RING(r) + IOAS_ENG_RING_CONTROL,
		     IOAS_ENG_DOORBELL);
	}
	for (uint32_t i = 0; i < 200; i++) {
		struct eng *x = &e[i % 2];
		const uint32_t at = x->tail;

		x->ring[at] = (struct ioas_eng_descriptor){
			.op = IOAS_ENG_FILL, .length = 8, .value = i,
			.destination = DATA + i % 2 * PAGE };
		x->tail = (at + 1) % ENG_ENTRIES;
		__atomic_store_n(&doors[2 * (i % 2)], x->tail,
				 __ATOMIC_RELEASE);
		want_ok(eng_wait(x, at));
		want(p[i % 2 * PAGE / 8], i);
	}
	want_ok(munmap((void *)(uintptr_t)doors, PAGE));
	vfio_close(&v);
}

static const struct client_case cases[] = {
	{ "kinds_of_memory", kinds_of_memory },
	{ "memory_is_live", memory_is_live },
	{ "no_bus_master_no_dma", no_bus_master_no_dma },
	{ "read_only", read_only },
	{ "write_only", write_only },
	{ "unaligned_copies", unaligned_copies },
	{ "no_dma_after_unmap", no_dma_after_unmap },
	{ "no_dma_after_detach", no_dma_after_detach },
	{ "no_dma_after_abort", no_dma_after_abort },
	{ "replace_moves_all", replace_moves_all },
	{ "pasids", pasids },
	{ "dirty_tracking", dirty_tracking },
	{ "page_requests", page_requests },
	{ "page_requests_in_vain", page_requests_in_vain },
	{ "page_requests_with_a_pasid", page_requests_with_a_pasid },
	{ "page_requests_to_nobody", page_requests_to_nobody },
	{ "page_requests_that_end", page_requests_that_end },
	{ "page_requests_after_a_reset", page_requests_after_a_reset },
	{ "interrupts", interrupts },
	{ "doorbells", doorbells },
	{ "reset_under_load", reset_under_load },
	{ "close_under_load", close_under_load },
	{ "kill_under_load", kill_under_load },
	{ "two_at_once", two_at_once },
	{ "two_of_one_space", two_of_one_space },
	{ "a_child_goes_on", a_child_goes_on },
};

/* vfio_dma CASE SEED LOOPS */
int main(int argc, char **argv)
{
	if (argc > 2)
		rng.state = strtoull(argv[2], NULL, 0);
	if (argc > 3)
		loops = strtoul(argv[3], NULL, 0);
	return client_main(argc > 1 && strcmp(argv[1], "all") ? 2 : 1, argv,
			   cases, sizeof(cases) / sizeof(cases[0]));
}
