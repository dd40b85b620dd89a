/* SPDX-License-Identifier: MIT */
/*
 * badma: a driver that has its device reach where it must not
 *
 *   DATA    a page that stays mapped, and what is copied from
 *   BAD     what is wrong: never mapped, not any more, not to be written
 *
 * What is said of it is for the test (t_run_dmafault.py); here it fails as it
 * must.
 */
#include "vfio_kit.h"

#define RING IOVA
#define DATA (IOVA + UINT64_C(0x100000))
#define BAD (IOVA + UINT64_C(0x200000))

static struct vfio v;
static struct eng e;

static void begin(void)
{
	v = vfio_open_dma(FN_DMA);
	e = eng_new(&v, 0, RING, false);
	map_at(&v, memory_private(1), PAGE, UC_RW, DATA);
	printf("pid %d\n", (int)getpid());
	fflush(stdout);
}

static void end(void)
{
	eng_free(&e);
	vfio_close(&v);
}

static void never(void)
{
	begin();
	want(eng_copy(&e, BAD + 0x10, DATA, 64), IOAS_ENG_FAULT);
	end();
}

static void unmapped(void)
{
	begin();
	map_at(&v, memory_private(2), 2 * PAGE, UC_RW, BAD);
	want_ok(eng_copy(&e, BAD, DATA, PAGE));
	unmap_at(&v, BAD, 2 * PAGE);
	want(eng_copy(&e, DATA, BAD + PAGE, 64), IOAS_ENG_FAULT);
	end();
}

static void not_writable(void)
{
	begin();
	map_at(&v, memory_private(1), PAGE, UC_R, BAD);
	for (unsigned int i = 0; i < 5; i++)
		want(eng_copy(&e, BAD, DATA, 64), IOAS_ENG_FAULT);
	end();
}

/* The space of a PASID is another one, which has nothing of the first. */
static void pasid(void)
{
	const struct ioas_eng_descriptor d = {
		.op = IOAS_ENG_FILL, .pasid = 3, .destination = DATA,
		.length = 8,
	};
	const uint32_t flag = IOAS_ABI_HWPT_ALLOC_PASID;
	uint32_t first, other;

	v = vfio_open(FN_DMA);
	v.ioas = ioas_new(&v.iommu);
	want_ok(uc_hwpt(&v.iommu, v.id, v.ioas, flag, &first));
	want_ok(uc_hwpt(&v.iommu, v.id, ioas_new(&v.iommu), flag, &other));
	want_ok(attach_try(v.fd, &first));
	want_ok(attach_pasid_try(v.fd, 3, &other));
	bus_master(&v, true);
	e = eng_new(&v, 0, RING, false);
	map_at(&v, memory_private(1), PAGE, UC_RW, DATA);
	want(eng_do(&e, &d), IOAS_ENG_FAULT);
	end();
}

/* Each at another page. */
static void many(void)
{
	begin();
	for (unsigned int i = 0; i < 100; i++)
		want(eng_fill(&e, BAD + i * PAGE, 1, 8), IOAS_ENG_FAULT);
	end();
}

static void container(void)
{
	void *ring = memory_private(1);
	uint64_t size = PAGE;

	v = vfio_open_group(FN_DMA);
	bus_master(&v, true);
	e = eng_new(&v, 0, RING, false);
	want_ok(uc_vfio_map(&v.iommu, va(ring), BAD, PAGE, 1));
	want(eng_fill(&e, BAD, 1, 8), IOAS_ENG_FAULT);
	want_ok(uc_vfio_unmap(&v.iommu, BAD, &size, 0));
	want(eng_fill(&e, BAD, 1, 8), IOAS_ENG_FAULT);
	end();
}

/* The other ways to the device, for the trace. */
static void ways(void)
{
	void *doorbells;

	begin();
	doorbells = bar_map(&v, 2, 0, PAGE);
	want_ok(munmap(doorbells, PAGE));
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, nowhere()),
	     -EFAULT);
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
	vfio_close(&v);
}

static const struct client_case cases[] = {
	{ "never", never },
	{ "unmapped", unmapped },
	{ "not_writable", not_writable },
	{ "pasid", pasid },
	{ "many", many },
	{ "container", container },
	{ "ways", ways },
};

CLIENT_MAIN(cases)
