/* SPDX-License-Identifier: MIT */
/*
 * vfio_memory: BARs by read, write and mmap of the file
 * (docs/reference/vfio-device-uapi.md 5)
 *
 *   the engine drops writes of 1 and 2 bytes, and takes those of 4 and 8: so
 *   what arrives in SCRATCH, 8 bytes at 0x20, tells the width of each access
 */
#include "vfio_kit.h"

#include <sys/uio.h>

#define SCRATCH IOAS_ENG_REG_SCRATCH
#define OLD UINT64_C(0x0101010101010101)

/* What write of @count bytes at @pos made of SCRATCH: a 1 for each new byte. */
static unsigned int bytes_taken(const struct vfio *v, uint64_t pos,
				size_t count)
{
	unsigned char bytes[64];
	unsigned int taken = 0;
	uint64_t now;

	wr64(v, SCRATCH, OLD);
	memset(bytes, 0xee, sizeof(bytes));
	want(sys_pwrite(v->fd, bytes, count, v->offset[0] + pos), count);
	now = rd64(v, SCRATCH);
	for (unsigned int i = 0; i < 8; i++)
		if ((now >> 8 * i & 0xff) == 0xee)
			taken |= 1u << i;
		else
			want(now >> 8 * i & 0xff, 1);
	return taken;
}

/* 5.1: the largest that is aligned and is left: 8, 4, 2, 1. */
static unsigned int bytes_expected(uint64_t pos, size_t count)
{
	unsigned int taken = 0;

	for (uint64_t at = pos, end = pos + count, n; at < end; at += n) {
		for (n = 8; at % n || n > end - at;)
			n /= 2;
		for (uint64_t i = at; i < at + n; i++)
			if (n >= 4 && i >= SCRATCH && i < SCRATCH + 8)
				taken |= 1u << (i - SCRATCH);
	}
	return taken;
}

static void widths_of_accesses(void)
{
	struct vfio v = vfio_open(FN_DMA);

	for (uint64_t pos = SCRATCH - 8; pos < SCRATCH + 8; pos++)
		for (size_t count = 1; count <= 24; count++)
			want(bytes_taken(&v, pos, count),
			     bytes_expected(pos, count));
	want(bytes_expected(SCRATCH + 1, 7), 0xf0);
	vfio_close(&v);
}

static void reads_of_any_width(void)
{
	struct vfio v = vfio_open(FN_DMA);
	unsigned char all[64], some[64];

	wr64(&v, SCRATCH, 0x1122334455667788);
	want(sys_pread(v.fd, all, 64, v.offset[0]), 64);
	want(all[0x20], 0x88);
	want(all[0x27], 0x11);
	for (uint64_t pos = 0; pos < 40; pos++)
		for (size_t n = 1; n <= 24; n++) {
			want(sys_pread(v.fd, some, n, v.offset[0] + pos), n);
			want(memcmp(some, all + pos, n), 0);
		}
	vfio_close(&v);
}

static void bounds(void)
{
	struct vfio v = vfio_open(FN_DMA);
	char room[64];

	for (unsigned int i = 0; i < 6; i++) {
		const uint64_t at = v.offset[i];

		if (i % 2) {
			want(sys_pread(v.fd, room, 4, at), -EINVAL);
			want(sys_pwrite(v.fd, room, 4, at), -EINVAL);
			continue;
		}
		want(sys_pread(v.fd, room, 0, at), 0);
		want(sys_pread(v.fd, room, 64, at + 4096 - 4), 4);
		want(sys_pread(v.fd, room, 64, at + 4095), 1);
		want(sys_pread(v.fd, room, 4, at + 4096), -EINVAL);
		want(sys_pread(v.fd, room, 4, at + (UINT64_C(1) << 39)),
		     -EINVAL);
		want(sys_pread(v.fd, nowhere(), 4, at), -EFAULT);
		want(sys_pwrite(v.fd, nowhere(), 4, at), -EFAULT);
	}
	/* ROM, VGA, and indexes that there are not. */
	for (uint64_t i = 6; i < 64; i++) {
		if (i == CONFIG || (i >= 0x10 && i < 0x16))
			continue;
		want(sys_pread(v.fd, room, 4, i << 40), -EINVAL);
		want(sys_pwrite(v.fd, room, 4, i << 40), -EINVAL);
	}
	vfio_close(&v);
}

/* Where programs may have hard-coded them; all that can be told from files. */
static void other_offsets(void)
{
	struct vfio v = vfio_open(FN_DMA);
	uint32_t value = 5;

	want(sys_pwrite(v.fd, &value, 4, UINT64_C(2) << 40), 4);
	want(bar_rd(&v, 2, 0, 4), 5);
	want(sys_pread(v.fd, &value, 4, UINT64_C(1) << 40), -EINVAL);
	vfio_close(&v);
}

/* Up to the bad address it has happened. */
static void half_a_transfer(void)
{
	struct vfio v = vfio_open(FN_DMA);
	char *p = memory_private(2), *end = p + PAGE;

	want_ok(munmap(end, PAGE));
	memset(end - 8, 0xee, 8);
	want(sys_pwrite(v.fd, end - 8, 16, v.offset[0] + SCRATCH), -EFAULT);
	want(rd64(&v, SCRATCH), UINT64_C(0xeeeeeeeeeeeeeeee));
	memset(end - 8, 0, 8);
	want(sys_pread(v.fd, end - 8, 16, v.offset[0] + SCRATCH), -EFAULT);
	want(end[-1], (char)0xee);
	vfio_close(&v);
}

static void vectored(void)
{
	struct vfio v = vfio_open(FN_DMA);
	uint32_t a = 0x11111111, b = 0x22222222, c = 0;
	struct iovec io[3] = { { &a, 4 }, { &c, 0 }, { &b, 4 } };

	want(pwritev(v.fd, io, 3, (off_t)(v.offset[0] + SCRATCH)), 8);
	want(rd64(&v, SCRATCH), UINT64_C(0x2222222211111111));
	a = b = 0;
	want(preadv(v.fd, io, 3, (off_t)(v.offset[0] + SCRATCH)), 8);
	want(a, 0x11111111);
	want(b, 0x22222222);
	vfio_close(&v);
}

static void table_of_vectors(void)
{
	struct vfio v = vfio_open(FN_DMA);
	unsigned char bytes[256];

	memset(bytes, 0x5a, sizeof(bytes));
	want(sys_pwrite(v.fd, bytes, 128, v.offset[4]), 128);
	want(sys_pread(v.fd, bytes, 256, v.offset[4]), 256);
	/* 4 entries of 16 bytes; the rest is not hidden. */
	for (unsigned int i = 0; i < 256; i++)
		want(bytes[i] == 0xff, i < 64);
	want(bar_rd(&v, 4, 60, 4), 0xffffffff);
	want(bar_rd(&v, 4, 63, 1), 0xff);
	vfio_close(&v);
}

static void decoding(void)
{
	struct vfio v = vfio_open(FN_DMA);
	uint32_t value = 0;

	wr64(&v, SCRATCH, 77);
	cfg_wr(&v, PCI_COMMAND, 2, 0);
	for (unsigned int i = 0; i < 6; i += 2) {
		want(sys_pread(v.fd, &value, 4, v.offset[i]), -EIO);
		want(sys_pwrite(v.fd, &value, 4, v.offset[i]), -EIO);
	}
	want(sys_pread(v.fd, &value, 4, v.offset[0] + 4096), -EINVAL);
	want(sys_pread(v.fd, &value, 0, v.offset[0]), 0);
	cfg_wr(&v, PCI_COMMAND, 2, PCI_MEMORY);
	want(rd64(&v, SCRATCH), 77);
	vfio_close(&v);
}

/* ---- 5.4: mmap ---------------------------------------------------------- */

static void mmap_refusals(void)
{
	const int rw = PROT_READ | PROT_WRITE;
	struct vfio v = vfio_open(FN_DMA), d = vfio_open(FN_NVME);
	const struct {
		const struct vfio *v;
		uint64_t offset;
		size_t length;
		int flags;
	} table[] = {
		/* What is exact cannot be mapped, what is not there neither. */
		{ &v, v.offset[0], PAGE, MAP_SHARED },
		{ &v, v.offset[1], PAGE, MAP_SHARED },
		{ &v, v.offset[4], PAGE, MAP_SHARED },
		{ &v, v.offset[CONFIG], PAGE, MAP_SHARED },
		{ &v, UINT64_C(6) << 40, PAGE, MAP_SHARED },
		{ &v, UINT64_C(8) << 40, PAGE, MAP_SHARED },
		{ &v, UINT64_C(9) << 40, PAGE, MAP_SHARED },
		{ &v, UINT64_C(63) << 40, PAGE, MAP_SHARED },
		{ &v, v.offset[2], PAGE, MAP_PRIVATE },
		{ &v, v.offset[2], 2 * PAGE, MAP_SHARED },
		{ &v, v.offset[2] + PAGE, PAGE, MAP_SHARED },
		{ &v, v.offset[2], 0, MAP_SHARED },
		{ &d, d.offset[0], 0x5000, MAP_SHARED },
		{ &d, d.offset[0] + 0x1000, 0x4000, MAP_SHARED },
		{ &d, d.offset[0] + 0x4000, PAGE, MAP_SHARED },
		{ &d, d.offset[0] + (UINT64_C(1) << 39), PAGE, MAP_SHARED },
		{ &d, d.offset[4], PAGE, MAP_SHARED },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		want(sys_mmap(table[i].v->fd, table[i].length, rw,
			      table[i].flags, table[i].offset) != NULL, 0);
		want(errno, EINVAL);
	}
	vfio_close(&v);
	vfio_close(&d);
}

static void mmap_is_the_bar(void)
{
	struct vfio v = vfio_open(FN_DMA);
	volatile uint64_t *a = bar_map(&v, 2, 0, PAGE);
	volatile uint64_t *b = bar_map(&v, 2, 0, 100);

	for (unsigned int i = 8; i < 512; i++)
		a[i] = i * OLD;
	for (unsigned int i = 8; i < 512; i++) {
		want(b[i], i * OLD);
		want(bar_rd(&v, 2, 8 * i, 8), i * OLD);
	}
	bar_wr(&v, 2, 4088, 4, 77);
	want((uint32_t)a[511], 77);
	want_ok(munmap((void *)(uintptr_t)a, PAGE));
	want((uint32_t)b[511], 77);
	/* The same by a number that says where it is. */
	a = mmap((void *)(uintptr_t)b, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
		 v.fd, (off_t)v.offset[2]);
	want(a == b, 1);
	want((uint32_t)a[511], 77);
	want_ok(munmap((void *)(uintptr_t)a, PAGE));
	vfio_close(&v);
}

/* Parts, into what a program has set aside, as it needs them. */
static void mmap_in_parts(void)
{
	struct vfio v = vfio_open(FN_NVME);
	char *all = mmap(NULL, 0x4000, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);

	must(all == MAP_FAILED ? -1 : 0);
	for (uint64_t pos = 0; pos < 0x4000; pos += 0x1000)
		want(mmap(all + pos, 0x1000, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_FIXED, v.fd,
			  (off_t)(v.offset[0] + pos)) == all + pos, 1);
	/* VS, and a register that keeps what is written. */
	want(*(volatile uint32_t *)(void *)(all + 8), 0x00010400);
	want(bar_rd(&v, 0, 8, 4), 0x00010400);
	*(volatile uint32_t *)(void *)(all + 0x28) = 0x12345000;
	want(bar_rd(&v, 0, 0x28, 4), 0x12345000);
	want_ok(munmap(all, 0x4000));
	vfio_close(&v);
}

/* Two bound files of one function cannot be; dups are one. */
static void mmap_by_a_child(void)
{
	struct vfio v = vfio_open(FN_DMA);
	volatile uint32_t *doors = bar_map(&v, 2, 0, PAGE);
	pid_t pid;

	doors[100] = 5;
	pid = (pid_t)must(fork());
	if (!pid) {
		want(doors[100], 5);
		doors[100] = 6;
		doors = bar_map(&v, 2, 0, PAGE);
		want(doors[100], 6);
		doors[101] = 7;
		_exit(0);
	}
	want_child(pid);
	want(doors[100], 6);
	want(doors[101], 7);
	want_ok(munmap((void *)(uintptr_t)doors, PAGE));
	vfio_close(&v);
}

/* It is no memory for DMA: iommufd-uapi 6.6. */
static void mmap_cannot_be_pinned(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	void *doors = bar_map(&v, 2, 0, PAGE);

	want(uc_map_fixed(&v.iommu, v.ioas, va(doors), PAGE, UC_RW, IOVA),
	     -EFAULT);
	want_ok(munmap(doors, PAGE));
	vfio_close(&v);
}

/* What the descriptor was opened for. */
static void modes_of_opening(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint64_t at = v.offset[0] + SCRATCH, door = v.offset[2];
	const struct uclient c = iommu_open();
	uint64_t value = 5;
	uint32_t id;
	void *p;
	int fd;

	vfio_close(&v);
	fd = (int)must(open("/dev/vfio/devices/vfio0", O_RDONLY | O_CLOEXEC));
	want_ok(bind_try(fd, c.fd, &id));
	want(sys_pread(fd, &value, 8, at), 8);
	want(sys_pwrite(fd, &value, 8, at), -EBADF);
	want(sys_mmap(fd, PAGE, PROT_WRITE, MAP_SHARED, door) != NULL, 0);
	want(errno, EACCES);
	p = sys_mmap(fd, PAGE, PROT_READ, MAP_SHARED, door);
	want(p != NULL, 1);
	want(mprotect(p, PAGE, PROT_READ | PROT_WRITE), -1);
	want(errno, EACCES);
	want_ok(munmap(p, PAGE));
	want_ok(close(fd));
	fd = (int)must(open("/dev/vfio/devices/vfio0", O_WRONLY | O_CLOEXEC));
	want_ok(bind_try(fd, c.fd, &id));
	want(sys_pread(fd, &value, 8, at), -EBADF);
	want(sys_pwrite(fd, &value, 8, at), 8);
	want_ok(close(fd));
	want_ok(close(c.fd));
}

static const struct client_case cases[] = {
	{ "widths_of_accesses", widths_of_accesses },
	{ "reads_of_any_width", reads_of_any_width },
	{ "bounds", bounds },
	{ "other_offsets", other_offsets },
	{ "half_a_transfer", half_a_transfer },
	{ "vectored", vectored },
	{ "table_of_vectors", table_of_vectors },
	{ "decoding", decoding },
	{ "mmap_refusals", mmap_refusals },
	{ "mmap_is_the_bar", mmap_is_the_bar },
	{ "mmap_in_parts", mmap_in_parts },
	{ "mmap_by_a_child", mmap_by_a_child },
	{ "mmap_cannot_be_pinned", mmap_cannot_be_pinned },
	{ "modes_of_opening", modes_of_opening },
};

CLIENT_MAIN(cases)
