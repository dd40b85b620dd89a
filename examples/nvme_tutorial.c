/* SPDX-License-Identifier: MIT */
/*
 * nvme_tutorial: a driver for NVMe disks in one file, to be read from the top
 *
 *   this program              memory                controller
 *     command, doorbell  ->   submission queue  ->  fetches it
 *                             data             <->  moves it
 *     looks at a phase   <-   completion queue  <-  says that it is done
 *
 * VFIO lends a PCI function to a program: registers become memory, and an IOMMU
 * lets it reach what the program maps, and no more. Give vfio-pci a disk, or:
 *
 *     ioas run --device nvme,file=disk.img -- nvme_tutorial 0000:01:00.0 read
 *
 * It takes one command at a time, on little-endian CPUs; nvme.c has the rest.
 */
#include <ioas/abi/compat/iommufd.h> /* in place of <linux/iommufd.h>, */
#include <ioas/abi/compat/vfio.h> /* <linux/vfio.h>, which may be old */

#include <err.h>
#include <fcntl.h>
#include <glob.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define ENTRIES 2u /* the least: a full queue would look like an empty one */

struct registers { /* as all numbers here: NVM Express 1.4 */
	uint64_t cap;
	uint32_t vs, intms, intmc, cc, reserved, csts, nssr, aqa;
	uint64_t asq, acq;
	uint8_t others[0x1000 - 0x38];
	uint32_t doorbell[];
};
enum { CC_EN = 1, CC_SHN = 1 << 14, CC_SIZES = 6 << 16 | 4 << 20 };
enum { CSTS_RDY = 1, CSTS_CFS = 2, CSTS_SHST = 3 << 2, CSTS_SHUT = 2 << 2 };
enum { CREATE_SQ = 1, CREATE_CQ = 5, IDENTIFY = 6, SET_FEATURES = 9 };
enum { FLUSH = 0, WRITE = 1, READ = 2 };

struct command {
	uint8_t opcode, flags;
	uint16_t id;
	uint32_t disk, cdw2, cdw3;
	uint64_t metadata, prp1, prp2;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};

struct rings {
	_Alignas(PAGE) struct command sq[ENTRIES];
	_Alignas(PAGE) struct completion {
		uint32_t result, reserved;
		uint16_t sq_head, sq_id, id, status;
	} cq[ENTRIES];
};

/* All that the controller reaches, in whole pages of whatever size they are. */
static struct {
	_Alignas(65536) struct rings admin, io;
	_Alignas(PAGE) uint64_t list[PAGE / 8];
	_Alignas(PAGE) uint8_t data[32 * PAGE];
} shared;
static uint64_t iova; /* where it is for the controller */
#define IOVA(member) (iova + (uintptr_t)&shared.member - (uintptr_t)&shared)

/* With one command at a time the tail of one ring is the head of the other. */
static struct queue {
	volatile struct rings *rings;
	uint32_t id, index, phase;
} admin = { &shared.admin, 0, 0, 1 }, io = { &shared.io, 1, 0, 1 };

static int function, group = -1, iommu; /* what is open */
static volatile struct registers *registers;
static uint64_t blocks, block, max_bytes;

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

/* ---- step 2: registers, and commands ------------------------------------ */

/* The file is made of regions: BARs, and configuration space. */
static void map_registers(void)
{
	struct vfio_region_info bar = { .argsz = sizeof(bar), .index = 0 };
	struct vfio_region_info config = { sizeof(config), .index = 7 };
	uint16_t command;

	must(ioctl(function, VFIO_DEVICE_GET_REGION_INFO, &bar), "BAR0");
	must(ioctl(function, VFIO_DEVICE_GET_REGION_INFO, &config), "config");
	/* Bus mastering, without which there is no DMA, is off after open. */
	must(pread(function, &command, 2, (off_t)config.offset + 4), "config");
	command |= 1 << 2;
	must(pwrite(function, &command, 2, (off_t)config.offset + 4), "config");
	registers = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 function, (off_t)bar.offset);
	must(registers == MAP_FAILED ? -1 : 0, "BAR0");
}

/* CAP.TO has halves of a second; to shut down may take a little longer. */
static void wait_status(uint32_t mask, uint32_t value, const char *what)
{
	for (uint64_t ms = (registers->cap >> 24 & 255) * 500 + 5000;
	     (registers->csts & mask) != value; ms--, usleep(1000))
		if (!ms)
			errx(1, "%s: CSTS is 0x%x", what, registers->csts);
}

/* Where CPUs are not as strict as x86 fences may be too weak: see vfio.h. */
static void execute(struct queue *q, const char *what, struct command c)
{
	volatile struct completion *done = &q->rings->cq[q->index];
	const uint32_t stride = 1u << (registers->cap >> 32 & 15);

	q->rings->sq[q->index] = c;
	q->index = (q->index + 1) % ENTRIES;
	atomic_thread_fence(memory_order_release); /* memory, then doorbell */
	registers->doorbell[2 * q->id * stride] = q->index;
	for (int i = 0; (done->status & 1) != q->phase; i++, usleep(10))
		if (i == 3000000 || registers->csts & CSTS_CFS) /* 30 s */
			errx(1, "%s: CSTS is 0x%x", what, registers->csts);
	atomic_thread_fence(memory_order_acquire); /* phase, then the rest */
	if (done->status >> 1)
		errx(1, "%s: status 0x%x", what, done->status >> 1);
	q->phase ^= !q->index; /* it turns with each round */
	atomic_thread_fence(memory_order_release); /* all is read: go on */
	registers->doorbell[(2 * q->id + 1) * stride] = q->index;
}

/* ---- step 3: reset, enable, ask what it is, create queues --------------- */

static void enable(void)
{
	if (registers->cap >> 48 & 15 || !(registers->cap >> 37 & 1))
		errx(1, "no pages of 4 KiB, or no NVM commands");
	registers->cc = 0;
	wait_status(CSTS_RDY, 0, "reset");
	registers->aqa = (ENTRIES - 1) << 16 | (ENTRIES - 1);
	registers->asq = IOVA(admin.sq);
	registers->acq = IOVA(admin.cq);
	registers->cc = CC_SIZES | CC_EN;
	wait_status(CSTS_RDY | CSTS_CFS, CSTS_RDY, "enable");
}

static void identify(void)
{
	const uint8_t *data = shared.data;
	uint32_t format;

	execute(&admin, "IDENTIFY controller", (struct command){
		.opcode = IDENTIFY, .prp1 = IOVA(data), .cdw10 = 1 });
	/* MDTS: pages of a command, as a power of two; 0: any number. */
	max_bytes = PAGE << (data[77] && data[77] < 5 ? data[77] : 5);
	fprintf(stderr, "%.40s\n", data + 24);
	execute(&admin, "IDENTIFY namespace 1", (struct command){
		.opcode = IDENTIFY, .disk = 1, .prp1 = IOVA(data) });
	memcpy(&blocks, data, 8);
	/* FLBAS: which of the formats; it has MS, 16 bits, and LBADS. */
	memcpy(&format, data + 128 + 4 * (data[26] & 15), 4);
	block = 1u << (format >> 16 & 31);
	if (!blocks || block > PAGE || format & 0xffff)
		errx(1, "no namespace 1, or of a format that is not for us");
}

static void create_queues(void)
{
	const uint32_t qid = (ENTRIES - 1) << 16 | 1, whole = 1;

	execute(&admin, "number of queues", (struct command){
		.opcode = SET_FEATURES, .cdw10 = 7 });
	execute(&admin, "CREATE_CQ", (struct command){ .opcode = CREATE_CQ,
		.prp1 = IOVA(io.cq), .cdw10 = qid, .cdw11 = whole });
	execute(&admin, "CREATE_SQ", (struct command){ .opcode = CREATE_SQ,
		.prp1 = IOVA(io.sq), .cdw10 = qid, .cdw11 = 1 << 16 | whole });
}

/* ---- step 4: data ------------------------------------------------------- */

/* PRPs are pages: the first, and the second or, if there are more, a list. */
static void move(uint8_t opcode, uint64_t lba, size_t bytes)
{
	execute(&io, opcode == READ ? "READ" : "WRITE", (struct command){
		.opcode = opcode, .disk = 1, .prp1 = IOVA(data),
		.prp2 = bytes <= PAGE ? 0 :
			bytes <= 2 * PAGE ? IOVA(data[PAGE]) : IOVA(list),
		.cdw10 = (uint32_t)lba, .cdw11 = (uint32_t)(lba >> 32),
		.cdw12 = (uint32_t)(bytes / block - 1) });
}

/* The end of the input is filled up to a block; the rest of a disk stays. */
static void transfer(uint8_t opcode)
{
	uint64_t left = blocks * block, lba = 0;

	for (uint32_t i = 0; i < 31; i++)
		shared.list[i] = IOVA(data) + (i + 1) * PAGE;
	for (size_t n;; left -= n, lba += n / block) {
		n = (size_t)(left < max_bytes ? left : max_bytes);
		if (opcode == WRITE) {
			memset(shared.data, 0, max_bytes);
			n = fread(shared.data, 1, max_bytes, stdin);
			n = (n + block - 1) / block * block;
		}
		if (n > left)
			errx(1, "the disk is full");
		if (!n)
			break;
		move(opcode, lba, n);
		if (opcode == READ && fwrite(shared.data, 1, n, stdout) != n)
			err(1, "standard output");
	}
	if (fflush(stdout) || ferror(stdin))
		err(1, "standard input or output");
	execute(&io, "FLUSH", (struct command){ .opcode = FLUSH, .disk = 1 });
}

int main(int argc, char **argv)
{
	const int legacy = argc == 4 && !strcmp(argv[1], "--legacy");
	const int writing = argc > 2 && !strcmp(argv[argc - 1], "write");

	if (argc != 3 + legacy || (!writing && strcmp(argv[argc - 1], "read")))
		errx(2, "usage: nvme_tutorial [--legacy] BDF read|write");
	(legacy ? open_group : open_cdev)(argv[1 + legacy]);
	map_registers();
	enable();
	identify();
	create_queues();
	transfer(writing ? WRITE : READ);
	/* Caches are written back; with the files DMA and mappings end. */
	registers->cc |= CC_SHN;
	wait_status(CSTS_SHST, CSTS_SHUT, "shutdown");
	close(function);
	close(group);
	close(iommu);
	return 0;
}
