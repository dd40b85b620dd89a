/* SPDX-License-Identifier: MIT */
/*
 * dma_tutorial: a driver for the DMA engine in one file, to be read in order
 *
 *   this program             memory                    engine
 *     descriptor, tail  ->   ring                 ->   fetches it
 *                            source, destination  <->  copies
 *     eventfd           <-   status of the descriptor, interrupt
 *
 * VFIO lends a PCI function to a program: registers become memory, interrupts
 * become eventfds, and an IOMMU lets it reach what the program maps, and no
 * more: the second copy here goes astray, and is stopped.
 *
 *     ioas run --device dma -- dma_tutorial 0000:01:00.0
 *
 * docs/dma-engine.md is the data sheet; dma.c shows PASIDs and page requests.
 */
#include <ioas/abi/compat/iommufd.h> /* in place of <linux/iommufd.h>, */
#include <ioas/abi/compat/vfio.h> /* <linux/vfio.h>, which may be old */
#include <ioas/dev/dma.h>

#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define ENTRIES 16u
#define BYTES 65536u
/* Vectors: a descriptor of ring 0 is done; a ring has stopped with an error. */
enum { DONE = 0, ERROR = IOAS_ENG_VECTOR_ERROR, NR_VECTORS };

/* All that the engine reaches, in whole pages of whatever size they are. */
static struct {
	_Alignas(65536) volatile struct ioas_eng_descriptor ring[ENTRIES];
	_Alignas(65536) uint8_t source[BYTES], destination[BYTES];
} shared;
static uint64_t iova; /* where it is for the engine */
#define IOVA(member) (iova + (uintptr_t)&shared.member - (uintptr_t)&shared)

static int function, group = -1, iommu; /* what is open */
static off_t registers; /* where BAR0 begins in it */
static volatile uint32_t *doorbells;
static int event; /* eventfd of the interrupts */
static uint32_t tail;

/* What fails ends the program, with a line that says what, and why. */
static int must(long result, const char *what)
{
	if (result < 0)
		err(1, "%s", what);
	return (int)result;
}

/* ---- step 1: open the function, and map memory for it ------------------- */

/* sysfs has the name: vfio-dev/vfioN there is /dev/vfio/devices/vfioN. */
static void open_cdev(const char *bdf)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };
	struct iommu_ioas_map map = { .size = sizeof(map) };
	char path[128];
	glob_t g;

	snprintf(path, 128, "/sys/bus/pci/devices/%s/vfio-dev/vfio*", bdf);
	if (glob(path, 0, NULL, &g))
		errx(1, "%s: not there; is vfio-pci its driver?", path);
	snprintf(path, 128, "/dev/vfio/devices%s", strrchr(*g.gl_pathv, '/'));
	globfree(&g);
	function = must(open(path, O_RDWR), path);
	iommu = bind.iommufd = must(open("/dev/iommu", O_RDWR), "/dev/iommu");
	/* Before the function is bound to an IOMMU nothing else is allowed. */
	must(ioctl(function, VFIO_DEVICE_BIND_IOMMUFD, &bind), "bind");
	/* A new address space has nothing in it, and is all it will reach. */
	must(ioctl(iommu, IOMMU_IOAS_ALLOC, &ioas), "IOMMU_IOAS_ALLOC");
	pt.pt_id = map.ioas_id = ioas.out_ioas_id;
	must(ioctl(function, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt), "attach");
	/* The memory is pinned where it is, and we are told its IOVA. */
	map.flags = IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE;
	map.user_va = (uintptr_t)&shared;
	map.length = sizeof(shared);
	must(ioctl(iommu, IOMMU_IOAS_MAP, &map), "IOMMU_IOAS_MAP");
	iova = map.iova;
}

/* Older: what one IOMMU cannot part is a group; it maps in a container. */
static void open_group(const char *bdf)
{
	struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map) };
	char path[128], link[128] = "";

	snprintf(path, 128, "/sys/bus/pci/devices/%s/iommu_group", bdf);
	must(readlink(path, link, 127), path);
	snprintf(path, 128, "/dev/vfio%s", strrchr(link, '/'));
	group = must(open(path, O_RDWR), path);
	iommu = must(open("/dev/vfio/vfio", O_RDWR), "/dev/vfio/vfio");
	must(ioctl(group, VFIO_GROUP_SET_CONTAINER, &iommu), "container");
	must(ioctl(iommu, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU), "type 1");
	function = must(ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf), bdf);
	/* We choose the IOVA: below 4 GiB PCs have a hole, for interrupts. */
	map.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	map.vaddr = (uintptr_t)&shared;
	map.iova = iova = UINT64_C(1) << 32;
	map.size = sizeof(shared);
	must(ioctl(iommu, VFIO_IOMMU_MAP_DMA, &map), "VFIO_IOMMU_MAP_DMA");
}

/* ---- step 2: registers -------------------------------------------------- */

/* The file is made of regions: 0 to 5 are BARs, 7 is configuration space. */
static struct vfio_region_info region(uint32_t index)
{
	struct vfio_region_info info = { .argsz = sizeof(info),
					 .index = index };

	must(ioctl(function, VFIO_DEVICE_GET_REGION_INFO, &info), "region");
	return info;
}

/* BAR0 is read and written by calls, so that each access is the engine's. */
static uint32_t rd32(uint32_t at)
{
	uint32_t value = 0;

	must(pread(function, &value, 4, registers + at), "register");
	return value;
}

static void wr32(uint32_t at, uint32_t value)
{
	must(pwrite(function, &value, 4, registers + at), "register");
}

static void map_registers(void)
{
	const off_t command_at = (off_t)region(7).offset + 4;
	const struct vfio_region_info bar2 = region(2);
	uint16_t command;

	registers = (off_t)region(0).offset;
	if (rd32(IOAS_ENG_REG_ID) != IOAS_ENG_ID)
		errx(1, "this is no DMA engine");
	/* Bus mastering, without which there is no DMA, is off after open. */
	must(pread(function, &command, 2, command_at), "configuration");
	command |= 1 << 2;
	must(pwrite(function, &command, 2, command_at), "configuration");
	/* BAR2 is memory that the engine looks at: a write costs no call. */
	doorbells = mmap(NULL, bar2.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 function, (off_t)bar2.offset);
	must(doorbells == MAP_FAILED ? -1 : 0, "BAR2");
}

/* ---- step 3: interrupts ------------------------------------------------- */

/* MSI-X vector n adds 1 to the eventfd that is nth in a list; -1: nowhere. */
static void connect_interrupts(void)
{
	const int fds[NR_VECTORS] = { [DONE] = event, -1, [ERROR] = event };
	const size_t length = sizeof(struct vfio_irq_set) + sizeof(fds);
	struct vfio_irq_set *set = calloc(1, length);

	must(set ? 0 : -1, "memory");
	set->argsz = (uint32_t)length;
	set->flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = NR_VECTORS;
	memcpy(set->data, fds, sizeof(fds));
	must(ioctl(function, VFIO_DEVICE_SET_IRQS, set), "SET_IRQS");
	free(set);
	/* What is not enabled is not sent. */
	wr32(IOAS_ENG_REG_IRQ_ENABLE, 1u << DONE | 1u << ERROR);
}

static void wait_interrupt(void)
{
	struct pollfd p = { .fd = event, .events = POLLIN };
	uint64_t count;
	uint32_t vectors;

	if (!must(poll(&p, 1, 30000), "poll"))
		errx(1, "no interrupt");
	must(read(event, &count, 8), "eventfd");
	/* First cleared, and then looked at: what comes now sends again. */
	vectors = rd32(IOAS_ENG_REG_IRQ_STATUS);
	wr32(IOAS_ENG_REG_IRQ_STATUS, vectors);
	printf("  interrupt, IRQ_STATUS 0x%x\n", vectors);
}

/* ---- step 4: a ring of descriptors -------------------------------------- */

static void start(void)
{
	const uint32_t r = IOAS_ENG_RING(0);

	/* The doorbell page counts from START on. */
	doorbells[IOAS_ENG_DOOR_TAIL(0) / 4] = tail;
	wr32(r + IOAS_ENG_RING_CONTROL, IOAS_ENG_START | IOAS_ENG_DOORBELL);
}

static void create_ring(void)
{
	const uint32_t r = IOAS_ENG_RING(0);

	wr32(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
	wr32(r + IOAS_ENG_RING_BASE, (uint32_t)IOVA(ring));
	wr32(r + IOAS_ENG_RING_BASE + 4, (uint32_t)(IOVA(ring) >> 32));
	wr32(r + IOAS_ENG_RING_SIZE, ENTRIES);
}

/* Return: 0, or the code of an error. */
static uint32_t copy(uint64_t from, uint64_t to, uint64_t length)
{
	volatile struct ioas_eng_descriptor *d = &shared.ring[tail];

	*d = (struct ioas_eng_descriptor){
		.op = IOAS_ENG_COPY, .flags = IOAS_ENG_INTERRUPT,
		.source = from, .destination = to, .length = length,
	};
	tail = (tail + 1) % ENTRIES;
	/* The descriptor is in memory, and then the engine is told. */
	atomic_thread_fence(memory_order_release);
	doorbells[IOAS_ENG_DOOR_TAIL(0) / 4] = tail;
	do
		wait_interrupt();
	while (!(d->status & IOAS_ENG_COMPLETE));
	/* Its status is there, and then what it copied is read. */
	atomic_thread_fence(memory_order_acquire);
	return d->status & ~IOAS_ENG_COMPLETE;
}

/* ---- step 5: DMA, good and bad ------------------------------------------ */

static void good_copy(void)
{
	puts("a copy");
	memset(shared.destination, 0, BYTES);
	if (copy(IOVA(source), IOVA(destination), BYTES) ||
	    memcmp(shared.source, shared.destination, BYTES))
		errx(1, "it failed");
	printf("  %u bytes are the same\n", BYTES);
}

/* From the last 100 bytes that are mapped, and on. */
static void bad_copy(void)
{
	const uint32_t r = IOAS_ENG_RING(0);
	const uint64_t end = iova + sizeof(shared);
	uint64_t at;
	uint32_t error;

	puts("a copy from where nothing is mapped");
	if (copy(end - 100, IOVA(destination), 4096) != IOAS_ENG_FAULT)
		errx(1, "it did not fail");
	error = rd32(r + IOAS_ENG_RING_ERROR);
	at = rd32(r + IOAS_ENG_RING_ERROR_IOVA) |
	     (uint64_t)rd32(r + IOAS_ENG_RING_ERROR_IOVA + 4) << 32;
	printf("  error %u at stage %u, after %u bytes, at IOVA 0x%llx\n",
	       IOAS_ENG_ERROR_CODE(error), IOAS_ENG_ERROR_STAGE(error),
	       rd32(r + IOAS_ENG_RING_PROGRESS), (unsigned long long)at);
	if (at != end)
		errx(1, "it is not where memory ends");
	/* The ring has stopped, with HEAD where it failed: pass over that. */
	wr32(r + IOAS_ENG_RING_HEAD, tail);
	wr32(r + IOAS_ENG_RING_STATUS, IOAS_ENG_ERROR);
	start();
}

int main(int argc, char **argv)
{
	const int legacy = argc == 3 && !strcmp(argv[1], "--legacy");

	if (argc != 2 + legacy)
		errx(2, "usage: dma_tutorial [--legacy] BDF");
	(legacy ? open_group : open_cdev)(argv[1 + legacy]);
	map_registers();
	create_ring();
	event = must(eventfd(0, 0), "eventfd");
	connect_interrupts();
	start();
	for (uint32_t i = 0; i < BYTES; i++)
		shared.source[i] = (uint8_t)(i * i >> 8 ^ i);
	good_copy();
	bad_copy();
	good_copy();
	/* No DMA after this, and memory goes with the last file. */
	wr32(IOAS_ENG_REG_CONTROL, IOAS_ENG_RESET);
	close(function);
	close(group);
	close(iommu);
	return 0;
}
