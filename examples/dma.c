/* SPDX-License-Identifier: MIT */
/*
 * dma: a tour of what an IOMMU does for a device, with the DMA engine
 *
 *     IOAS 1   DMA as such: memory of this program, one piece
 *     IOAS 2   DMA with a PASID: nothing is mapped; a page that is not there is
 *              asked for, and comes through the fault queue
 *
 * In the emulated machine of
 *
 *     ioas run --device dma -- dma
 *
 * With --legacy it uses group and container, which have neither PASIDs nor
 * fault queues. What a --report says of it: the DMA that failed, and the pages
 * of IOAS 2, which are still mapped at the end.
 */
#include "dma_engine.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define PASID 5u
/* Where IOAS 2 is used, a multiple of what it could hold. */
#define LAZY_IOVA (256ull * MIB)

static void expect(bool right, const char *what)
{
	printf("  %-58s %s\n", what, right ? "ok" : "WRONG");
	if (!right)
		errx(1, "%s", what);
}

static uint32_t crc32c(const uint8_t *p, size_t length)
{
	uint32_t crc = UINT32_MAX;

	while (length--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

static void simple(struct engine *e)
{
	uint8_t *from = e->memory + SOURCE, *to = e->memory + DESTINATION;
	struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_COPY, .source = e->iova + SOURCE,
		.destination = e->iova + DESTINATION, .length = MIB,
	};
	bool filled = true;

	engine_must(e, "copy", &d);
	expect(!memcmp(from, to, MIB), "copy of 1 MiB");
	to[123456] ^= 1;
	d.op = IOAS_ENG_COMPARE;
	expect(engine_must(e, "compare", &d) == 123456,
	       "compare finds the byte");
	d.op = IOAS_ENG_CRC32C;
	expect(engine_must(e, "crc", &d) == crc32c(from, MIB),
	       "CRC32C of 1 MiB");
	d.op = IOAS_ENG_FILL;
	d.value = UINT64_C(0x1122334455667788);
	d.length = 100;
	engine_must(e, "fill", &d);
	for (unsigned int i = 0; i < 100; i++)
		filled &= to[i] == (uint8_t)(d.value >> i % 8 * 8);
	expect(filled && to[100] == from[100], "fill of 100 bytes, no more");
	d = (struct ioas_eng_descriptor){ .op = IOAS_ENG_ATOMIC_ADD, .value = 7,
		.destination = e->iova + WORD, .length = 8 };
	engine_must(e, "add", &d);
	expect(engine_must(e, "add", &d) == 7 && e->memory[WORD] == 14,
	       "atomic addition, twice");
}

/* Out of three pieces that are anywhere, into one. */
static void lists(struct engine *e)
{
	static const struct { uint32_t at, length; } piece[] = {
		{ 70001, 3 }, { 5, 9000 }, { 300000, 50000 },
	};
	struct ioas_eng_entry *list = (void *)(e->memory + LIST);
	uint8_t *from = e->memory + SOURCE, *to = e->memory + DESTINATION;
	struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_COPY, .flags = IOAS_ENG_SOURCE_LIST,
		.source = e->iova + LIST, .nr_source = 3,
		.destination = e->iova + DESTINATION,
	};
	bool right = true;

	for (int i = 0; i < 3; i++) {
		list[i].iova = e->iova + SOURCE + piece[i].at;
		list[i].length = piece[i].length;
		d.length += piece[i].length;
	}
	engine_must(e, "list", &d);
	for (int i = 0; i < 3; to += piece[i++].length)
		right &= !memcmp(from + piece[i].at, to, piece[i].length);
	expect(right, "scattered pieces, gathered");
}

/* What is not mapped is out of reach, and nothing else is disturbed. */
static void out_of_reach(struct engine *e)
{
	struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_COPY, .source = e->iova + ALL - 16,
		.destination = e->iova + DESTINATION, .length = 4096,
	};
	uint64_t result;
	const uint32_t status = engine_do(e, &d, &result);

	expect(status == IOAS_ENG_FAULT &&
	       IOAS_ENG_ERROR_STAGE(engine_error(e)) == IOAS_ENG_AT_SOURCE,
	       "a source that goes beyond what is mapped: fault");
	expect(engine_error_iova(e) == e->iova + ALL,
	       "reported at the first byte that is not");
	engine_resume(e);
	d = (struct ioas_eng_descriptor){ .op = IOAS_ENG_NOP };
	engine_must(e, "nothing", &d);
	expect(true, "and the engine goes on");
}

static uint32_t new_hwpt(struct engine *e, uint32_t ioas_id, uint32_t fault_id)
{
	struct iommu_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = IOMMU_HWPT_ALLOC_PASID |
			 (fault_id ? IOMMU_HWPT_FAULT_ID_VALID : 0),
		.dev_id = e->v.dev_id,
		.pt_id = ioas_id,
		.fault_id = fault_id,
	};

	if (ioctl(e->v.iommu, IOMMU_HWPT_ALLOC, &alloc))
		err(1, "IOMMU_HWPT_ALLOC");
	return alloc.out_hwpt_id;
}

/* IOAS 2, and where its faults go. */
static void second_space(struct engine *e)
{
	struct iommu_ioas_alloc space = { .size = sizeof(space) };
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };

	if (ioctl(e->v.iommu, IOMMU_IOAS_ALLOC, &space))
		err(1, "IOMMU_IOAS_ALLOC");
	if (ioctl(e->v.iommu, IOMMU_FAULT_QUEUE_ALLOC, &queue))
		err(1, "IOMMU_FAULT_QUEUE_ALLOC");
	e->faults = (int)queue.out_fault_fd;
	e->lazy_ioas = space.out_ioas_id;
	e->lazy = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (e->lazy == MAP_FAILED)
		err(1, "memory");
	/* With PASIDs, DMA without one wants such a page table as well. */
	vfio_attach(&e->v, new_hwpt(e, e->v.ioas_id, 0), 0);
	vfio_attach(&e->v, new_hwpt(e, e->lazy_ioas, queue.out_fault_id),
		    PASID);
}

static void pasid(struct engine *e)
{
	struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_FILL, .flags = IOAS_ENG_ASK, .group = 1,
		.pasid = PASID, .destination = LAZY_IOVA + 6000,
		.length = 10000, .value = UINT64_C(0x6161616161616161),
	};
	bool right;

	second_space(e);
	engine_must(e, "fill with a PASID", &d);
	right = !e->lazy[5999] && e->lazy[6000] == 'a' &&
		e->lazy[15999] == 'a' && !e->lazy[16000];
	expect(right, "memory of a second IOAS, by a PASID");
	printf("  %u pages were asked for, and mapped then\n", e->asked);
	/* With pages of 4 KiB these are 1 to 3; larger ones are fewer. */
	expect(e->asked == (6000 + 10000 - 1) / vfio_pages(1) -
			   6000 / vfio_pages(1) + 1,
	       "each page once");
}

int main(int argc, char **argv)
{
	const bool legacy = argc > 1 && !strcmp(argv[1], "--legacy");
	struct engine e;

	if (argc > 2 + legacy || (argc > 1 && !legacy && *argv[1] == '-')) {
		fputs("usage: dma [--legacy] [BDF]\n", stderr);
		return 2;
	}
	/* What is said of faults on stderr comes between. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	engine_open(&e, argc > 1 + legacy ? argv[1 + legacy] : NULL, legacy);
	printf("DMA engine %s, by %s\n", e.v.bdf,
	       legacy ? "group and container" : "cdev and iommufd");
	simple(&e);
	lists(&e);
	if (!legacy)
		pasid(&e);
	out_of_reach(&e);
	engine_close(&e);
	return 0;
}
