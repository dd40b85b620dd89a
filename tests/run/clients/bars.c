/* SPDX-License-Identifier: MIT */
/*
 * bars: regions of functions by read, write and mmap, eventfds, last closes
 * (docs/reference/vfio-device-uapi.md 1, 5)
 *
 * A mapping keeps its file open, so it is by whether another file can be bound
 * that the last close is seen.
 */
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include "vfio_kit.h"

/* A BAR of the engine that may be mapped, a page; of the disk, four. */
#define DOORS 2u
#define DISK_PAGES 4u
#define FULL (UINT64_MAX - 1)
/* What is compared with must not be in a register. */
#define MAGIC UINT64_C(0x1122334455667788)

static int64_t read_at(const struct vfio *v, unsigned int bar, uint64_t pos,
		       void *data, size_t count)
{
	return sys_pread(v->fd, data, count, v->offset[bar] + pos);
}

static int64_t write_at(const struct vfio *v, unsigned int bar, uint64_t pos,
			const void *data, size_t count)
{
	return sys_pwrite(v->fd, data, count, v->offset[bar] + pos);
}

/* 0: it can be. */
static long map_errno(int fd, size_t length, int prot, int flags,
		      uint64_t offset)
{
	void *p = sys_mmap(fd, length, prot, flags, offset);

	if (!p)
		return errno;
	must(munmap(p, length));
	return 0;
}

/* Is a file of it bound by anybody? A try that succeeds is undone. */
static bool in_use(unsigned int fn)
{
	struct uclient iommu = iommu_open();
	const int fd = node_open(fn);
	uint32_t id;
	const int ret = bind_try(fd, iommu.fd, &id);

	if (ret)
		want(ret, -EINVAL);
	want_ok(close(fd));
	want_ok(close(iommu.fd));
	return ret;
}

/* ---- read and write ----------------------------------------------------- */

static void transfers(void)
{
	struct vfio v = vfio_open(FN_DMA);
	uint64_t word = MAGIC, bytes = 0;
	char room[64];

	want(rd32(&v, IOAS_ENG_REG_ID), IOAS_ENG_ID);
	wr64(&v, IOAS_ENG_REG_SCRATCH, MAGIC);
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), MAGIC);
	for (size_t i = 1; i <= 8; i *= 2)
		want(bar_rd(&v, 0, IOAS_ENG_REG_SCRATCH, i),
		     i == 8 ? MAGIC : MAGIC & ((UINT64_C(1) << 8 * i) - 1));
	/* Not aligned, in pieces. */
	want(read_at(&v, 0, IOAS_ENG_REG_SCRATCH + 1, &bytes, 6), 6);
	want(bytes, (MAGIC >> 8) & 0xffffffffffff);
	/* Nothing; what is beyond the end; no memory. */
	want(read_at(&v, 0, 0, room, 0), 0);
	want(write_at(&v, 0, 0, room, 0), 0);
	want(read_at(&v, 0, v.size[0] - 4, room, sizeof(room)), 4);
	want(write_at(&v, DOORS, v.size[DOORS] - 8, &word, 64), 8);
	want(read_at(&v, 0, v.size[0], room, 1), -EINVAL);
	want(read_at(&v, 0, 0, nowhere(), 8), -EFAULT);
	want(write_at(&v, 0, IOAS_ENG_REG_SCRATCH, nowhere(), 8), -EFAULT);
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), MAGIC);
	/* Configuration is all or nothing. */
	want(read_at(&v, CONFIG, 0, room, sizeof(room)), sizeof(room));
	want(read_at(&v, CONFIG, v.size[CONFIG] - 4, room, 8), -EFAULT);
	want(read_at(&v, CONFIG, v.size[CONFIG], room, 0), 0);
	/* No BAR, no region; a negative one. */
	want(read_at(&v, 1, 0, room, 4), -EINVAL);
	want(sys_pread(v.fd, room, 4, UINT64_C(6) << 40), -EINVAL);
	want(sys_pread(v.fd, room, 4, UINT64_C(0x30) << 40), -EINVAL);
	want(sys_pread(v.fd, room, 4, UINT64_C(1) << 63), -EINVAL);
	/* The offsets that programs have by heart. */
	want(sys_pread(v.fd, &bytes, 8, UINT64_C(2) << 40 | 0xff8), 8);
	want(bytes, MAGIC);
	vfio_close(&v);
}

static void vectors(void)
{
	struct vfio v = vfio_open(FN_DMA);
	uint32_t a = 0, b = 0;
	uint64_t c = MAGIC;
	struct iovec iov[3] = { { &a, 4 }, { NULL, 0 }, { &b, 4 } };
	const off_t id = (off_t)(v.offset[0] + IOAS_ENG_REG_ID);
	const off_t end = (off_t)(v.offset[0] + v.size[0] - 4);

	want(preadv(v.fd, iov, 3, id), 8);
	want(a, IOAS_ENG_ID);
	want(b, 0x10000);
	want(preadv2(v.fd, iov, 3, id, 0), 8);
	/* The first is read, then there is an end, or no memory. */
	want(preadv(v.fd, iov, 3, end), 4);
	iov[2].iov_base = nowhere();
	want(preadv(v.fd, iov, 3, id), 4);
	iov[0] = (struct iovec){ &c, 8 };
	want(pwritev(v.fd, iov, 1, (off_t)(v.offset[0] + IOAS_ENG_REG_SCRATCH)),
	     8);
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), MAGIC);
	vfio_close(&v);
}

/* Where the filter can tell the descriptor, which is where it is opened. */
static void positions_of(struct vfio v)
{
	const uint64_t scratch = MAGIC;
	uint64_t word = 0;
	struct iovec iov = { &word, 8 };
	uint32_t half = 0;
	int copy;

	want(read(v.fd, &half, 4), 4);
	want(half, IOAS_ENG_ID);
	copy = (int)must(dup(v.fd));
	want(read(copy, &half, 4), 4);
	want(half, 0x10000);
	/* CAP, CONTROL to 1f. */
	want(readv(v.fd, &iov, 1), 8);
	want(preadv2(v.fd, &iov, 1, -1, 0), 8);
	want(read(v.fd, &word, 8), 8);
	want(write(v.fd, &scratch, 8), 8);
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), MAGIC);
	/* It is where it was in BAR0 after all of these. */
	want(read(v.fd, &half, 4), 4);
	want(half, rd32(&v, IOAS_ENG_REG_SCRATCH + 8));
	want_ok(close(copy));
	/* Where it cannot, there is nothing. */
	copy = (int)must(dup2(v.fd, 100));
	want(read(copy, &half, 4), 0);
	want(write(copy, &half, 4), -1);
	want(errno, EPERM);
	want_ok(close(copy));
	vfio_close(&v);
}

static void positions(void)
{
	positions_of(vfio_open_group(FN_DMA));
	positions_of(vfio_open(FN_DMA));
}

static void states(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const int plain = node_open(FN_DMA2);
	char room[8];

	/* Not bound; without memory; not to be written. */
	want(sys_pread(plain, room, 4, v.offset[0]), -EINVAL);
	want(map_errno(plain, PAGE, PROT_READ, MAP_SHARED, v.offset[DOORS]),
	     EINVAL);
	want_ok(close(plain));
	cfg_wr(&v, PCI_COMMAND, 2, 0);
	want(read_at(&v, 0, 0, room, 4), -EIO);
	want(write_at(&v, DOORS, 0, room, 4), -EIO);
	cfg_wr(&v, PCI_COMMAND, 2, PCI_MEMORY);
	want(read_at(&v, 0, 0, room, 4), 4);
	vfio_close(&v);
}

/* ---- mmap --------------------------------------------------------------- */

static void shapes(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint64_t at = v.offset[DOORS];
	const int rw = PROT_READ | PROT_WRITE;

	want(v.size[DOORS], 4096);
	want(map_errno(v.fd, PAGE, rw, MAP_PRIVATE, at), EINVAL);
	want(map_errno(v.fd, 2 * PAGE, rw, MAP_SHARED, at), EINVAL);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, at + PAGE), EINVAL);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, at + 1), EINVAL);
	want(map_errno(v.fd, 0, rw, MAP_SHARED, at), EINVAL);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, v.offset[0]), EINVAL);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, v.offset[CONFIG]), EINVAL);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, UINT64_C(0x30) << 40),
	     EINVAL);
	/* Where it can be read, but is not in the file. */
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, UINT64_C(2) << 40), EINVAL);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED, 0), EINVAL);
	want(map_errno(v.fd, 1, rw, MAP_SHARED, at), 0);
	want(map_errno(v.fd, PAGE, rw, MAP_SHARED_VALIDATE, at), 0);
	want(map_errno(v.fd, PAGE, PROT_READ, MAP_SHARED, at), 0);
	want(map_errno(v.fd, PAGE, PROT_NONE, MAP_SHARED, at), 0);
	vfio_close(&v);
}

/* One memory, by whatever way. */
static void contents(void)
{
	struct vfio v = vfio_open(FN_DMA);
	volatile uint64_t *a, *b;

	bar_wr(&v, DOORS, 0x800, 8, MAGIC);
	a = bar_map(&v, DOORS, 0, PAGE);
	want(a[0x100], MAGIC);
	b = bar_map(&v, DOORS, 0, PAGE);
	b[0x101] = MAGIC + 1;
	want(a[0x101], MAGIC + 1);
	want(bar_rd(&v, DOORS, 0x808, 8), MAGIC + 1);
	bar_wr(&v, DOORS, 0x810, 8, MAGIC + 2);
	want(b[0x102], MAGIC + 2);
	/* A reset clears it, and it stays mapped. */
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
	want(a[0x102], 0);
	a[0x102] = 5;
	want(bar_rd(&v, DOORS, 0x810, 8), 5);
	/* Nobody but the client does such a thing to its file; we bear it. */
	want(ftruncate(v.fd, 0), -1);
	must(fallocate(v.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)v.offset[DOORS], (off_t)PAGE));
	want(bar_rd(&v, DOORS, 0x810, 8), 0);
	b[0x102] = 6;
	want(bar_rd(&v, DOORS, 0x810, 8), 6);
	must(munmap((void *)(uintptr_t)a, PAGE));
	must(munmap((void *)(uintptr_t)b, PAGE));
	vfio_close(&v);
	/* The next one has it as it is after power on. */
	vfio_check_clean(FN_DMA);
}

/* As drivers do that leave a page out: reserve, then map over it. */
static void parts(void)
{
	struct vfio v = vfio_open(FN_NVME);
	char *p = mmap(NULL, DISK_PAGES * PAGE, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uint64_t last = (DISK_PAGES - 1) * PAGE;
	volatile uint32_t *word = (void *)(p + last + 0x100);
	char *q;

	must(p == MAP_FAILED ? -1 : 0);
	want(v.size[0], DISK_PAGES * PAGE);
	want(map_errno(v.fd, PAGE, PROT_READ, MAP_SHARED,
		       v.offset[0] + DISK_PAGES * PAGE), EINVAL);
	want(map_errno(v.fd, 2 * PAGE, PROT_READ, MAP_SHARED,
		       v.offset[0] + last), EINVAL);
	must(mmap(p, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, v.fd,
		  (off_t)v.offset[0]) == MAP_FAILED ? -1 : 0);
	must(mmap(p + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_FIXED, v.fd,
		  (off_t)(v.offset[0] + 2 * PAGE)) == MAP_FAILED ? -1 : 0);
	/* VS, which is not 0. */
	want(*(volatile uint32_t *)(void *)(p + 8) != 0, 1);
	*word = 17;
	want(bar_rd(&v, 0, last + 0x100, 4), 17);
	q = bar_map(&v, 0, last, PAGE);
	want(*(volatile uint32_t *)(void *)(q + 0x100), 17);
	/* What is left of it holds on to the file. */
	must(munmap(p, 3 * PAGE));
	want_ok(close(v.fd));
	want(in_use(FN_NVME), 1);
	must(munmap(q, PAGE));
	want(*word, 17);
	want(in_use(FN_NVME), 1);
	must(munmap(p + last, PAGE));
	want(in_use(FN_NVME), 0);
	want_ok(close(v.iommu.fd));
}

/* ---- opens and closes --------------------------------------------------- */

static void two_opens(void)
{
	struct vfio v = vfio_open(FN_DMA), w;
	const int second = node_open(FN_DMA);
	volatile uint64_t *p = bar_map(&v, DOORS, 0, PAGE);
	uint32_t id;

	p[0x100] = MAGIC;
	want(bind_try(second, v.iommu.fd, &id), -EINVAL);
	want(map_errno(second, PAGE, PROT_READ, MAP_SHARED, v.offset[DOORS]),
	     EINVAL);
	/* The file lasts as long as the mapping. */
	want_ok(close(v.fd));
	want(bind_try(second, v.iommu.fd, &id), -EINVAL);
	want(p[0x100], MAGIC);
	must(munmap((void *)(uintptr_t)p, PAGE));
	want_ok(bind_try(second, v.iommu.fd, &id));
	w = v;
	w.fd = second;
	want(bar_rd(&w, DOORS, 0x800, 8), 0);
	p = bar_map(&w, DOORS, 0, PAGE);
	want(p[0x100], 0);
	p[0x100] = 1;
	want(bar_rd(&w, DOORS, 0x800, 8), 1);
	must(munmap((void *)(uintptr_t)p, PAGE));
	vfio_close(&w);
}

/* Files of one device that came from its group: one of them at a time. */
static void by_group(void)
{
	struct vfio v = vfio_open_group(FN_DMA), w = v;
	volatile uint64_t *p = bar_map(&v, DOORS, 0, PAGE);
	char name[16];

	name_of(FN_DMA, name);
	w.fd = (int)must(sys_ioctl(v.group, IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD,
				   name));
	p[0x100] = MAGIC;
	want(bar_rd(&w, DOORS, 0x800, 8), MAGIC);
	want(map_errno(w.fd, PAGE, PROT_READ, MAP_SHARED, v.offset[DOORS]),
	     EBUSY);
	want_ok(close(v.fd));
	want(map_errno(w.fd, PAGE, PROT_READ, MAP_SHARED, v.offset[DOORS]),
	     EBUSY);
	must(munmap((void *)(uintptr_t)p, PAGE));
	/* With what is in it. */
	p = bar_map(&w, DOORS, 0, PAGE);
	want(p[0x100], MAGIC);
	p[0x101] = 1;
	want(bar_rd(&w, DOORS, 0x808, 8), 1);
	must(munmap((void *)(uintptr_t)p, PAGE));
	vfio_close(&w);
	want(in_use(FN_DMA), 0);
}

/* A child has what is mapped, and so the file. */
static void inherited(void)
{
	struct vfio v = vfio_open(FN_DMA);
	volatile uint64_t *p = bar_map(&v, DOORS, 0, PAGE);
	int to[2], from[2];
	pid_t pid;

	must(pipe(to));
	must(pipe(from));
	pid = (pid_t)must(fork());
	if (!pid) {
		must(close(v.fd));
		hear(to[0]);
		want(p[0x100], MAGIC);
		p[0x101] = MAGIC + 1;
		say(from[1]);
		for (;;)
			pause();
	}
	p[0x100] = MAGIC;
	say(to[1]);
	hear(from[0]);
	want(p[0x101], MAGIC + 1);
	must(munmap((void *)(uintptr_t)p, PAGE));
	want_ok(close(v.fd));
	want(in_use(FN_DMA), 1);
	must(kill(pid, SIGKILL));
	want(waitpid(pid, NULL, 0), pid);
	want(in_use(FN_DMA), 0);
	want_ok(close(v.iommu.fd));
}

static void killed(void)
{
	for (unsigned int i = 0; i < 5; i++) {
		int from[2];
		pid_t pid;

		must(pipe(from));
		pid = (pid_t)must(fork());
		if (!pid) {
			struct vfio v = vfio_open(FN_DMA);
			volatile uint64_t *p = bar_map(&v, DOORS, 0, PAGE);
			const int fd = event_new();

			irqs_set(&v, MSIX, &fd, 1);
			p[0x100] = MAGIC;
			say(from[1]);
			for (;;)
				p[0x101]++;
		}
		hear(from[0]);
		want(in_use(FN_DMA), 1);
		must(kill(pid, SIGKILL));
		want(waitpid(pid, NULL, 0), pid);
		vfio_check_clean(FN_DMA);
		must(close(from[0]));
		must(close(from[1]));
	}
}

/* Mappings that come and go leave nothing. */
static void many(void)
{
	struct vfio v = vfio_open(FN_DMA);

	for (unsigned int i = 0; i < 500; i++) {
		volatile uint64_t *p = bar_map(&v, DOORS, 0, PAGE);

		want(p[0x100], i);
		p[0x100] = i + 1;
		must(munmap((void *)(uintptr_t)p, PAGE));
	}
	vfio_close(&v);
	want(in_use(FN_DMA), 0);
}

/* What does not belong together, at the same time. */
#define ROUNDS 200u

static struct vfio shared;

static void *mapper(void *unused)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		volatile uint64_t *p = bar_map(&shared, DOORS, 0, PAGE);

		p[0x100] = i;
		must(munmap((void *)(uintptr_t)p, PAGE));
	}
	return unused;
}

static void *puncher(void *unused)
{
	for (unsigned int i = 0; i < ROUNDS; i++)
		must(fallocate(shared.fd,
			       FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       (off_t)shared.offset[DOORS], (off_t)PAGE));
	return unused;
}

static void *accessor(void *unused)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		bar_wr(&shared, DOORS, 0x900, 8, i);
		bar_rd(&shared, DOORS, 0x800, 8);
	}
	return unused;
}

static void *resetter(void *unused)
{
	for (unsigned int i = 0; i < ROUNDS; i++)
		want_ok(sys_ioctl(shared.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
	return unused;
}

/* Other files of it come and go, and get nothing. */
static void *opener(void *unused)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		const int fd = node_open(FN_DMA);

		want(map_errno(fd, PAGE, PROT_READ, MAP_SHARED,
			       shared.offset[DOORS]), EINVAL);
		want_ok(close(fd));
	}
	return unused;
}

static void all_at_once(void)
{
	void *(*const all[])(void *) = { mapper, mapper, puncher, accessor,
					 resetter, opener };
	pthread_t t[sizeof(all) / sizeof(all[0])];

	shared = vfio_open(FN_DMA);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		must(-pthread_create(&t[i], NULL, all[i], NULL));
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		must(-pthread_join(t[i], NULL));
	vfio_close(&shared);
	vfio_check_clean(FN_DMA);
}

static void link_is(int fd, const char *name)
{
	char path[32], text[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(readlink(path, text, sizeof(text) - 1));
	if (strcmp(text, name))
		fprintf(stderr, "%s, not %s\n", text, name);
	want(strcmp(text, name), 0);
}

static void names(void)
{
	struct vfio v = vfio_open_group(FN_DMA);
	const int fd = node_open(FN_DMA2);

	link_is(v.group, "/dev/vfio/10");
	link_is(v.fd, "anon_inode:[vfio-device]");
	link_is(fd, "/dev/vfio/devices/vfio1");
	want_ok(close(fd));
	vfio_close(&v);
}

/* ---- eventfds ----------------------------------------------------------- */

static int trigger(const struct vfio *v)
{
	return irqs(v->fd, NONE | TRIGGER, MSIX, 0, 1, NULL);
}

static void events(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const int fd = event_new(), copy = (int)must(dup(fd));
	const uint64_t full = FULL;
	int other[2];

	irqs_set(&v, MSIX, &fd, 1);
	want_ok(trigger(&v));
	want_ok(trigger(&v));
	want(event_count(copy), 2);
	/* What the client closes is still there for its other copies. */
	want_ok(close(fd));
	want_ok(trigger(&v));
	want(event_count(copy), 1);
	/* Full, and to be waited for: nobody does. */
	must(fcntl(copy, F_SETFL, 0));
	want(write(copy, &full, 8), 8);
	for (unsigned int i = 0; i < 10; i++)
		want_ok(trigger(&v));
	must(fcntl(copy, F_SETFL, O_NONBLOCK));
	want(event_count(copy) >= FULL, 1);
	want_ok(trigger(&v));
	want(event_count(copy), 1);
	/* No eventfds. */
	want(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 0, 1, &fd), -EBADF);
	want(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 0, 1, &v.fd), -EINVAL);
	want(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 0, 1, &v.iommu.fd), -EINVAL);
	must(pipe(other));
	want(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 0, 1, other), -EINVAL);
	other[0] = (int)must(memfd_create("anon_inode:[eventfd]", 0));
	want(irqs(v.fd, EVENTFD | TRIGGER, MSIX, 0, 1, other), -EINVAL);
	vfio_close(&v);
	/* Nobody signals it any more. */
	want(event_count(copy), 0);
}

/* ---- memory for devices -------------------------------------------------- */

#define TO IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE
#define FROM IOAS_ABI_VFIO_DMA_MAP_FLAG_READ
/* Of the container: the BAR, memory, the ring of the engine. */
#define BAR_AT IOVA
#define DATA_AT (IOVA + 0x100000)
#define RING_AT (IOVA + 0x200000)
/* Where the engine does not look in its doorbells. */
#define FREE 0x800u

/* An engine in a container, and memory that it has. */
struct user {
	struct vfio v;
	struct eng e;
	uint64_t *data;
};

static int bar_give(const struct vfio *v, const volatile void *p, size_t pages,
		    uint32_t flags)
{
	return uc_vfio_map(&v->iommu, va((const void *)(uintptr_t)p), BAR_AT,
			   pages * PAGE, flags);
}

/* Return: bytes that were mapped. */
static uint64_t bar_take(const struct vfio *v)
{
	uint64_t size = DISK_PAGES * PAGE;

	want_ok(uc_vfio_unmap(&v->iommu, BAR_AT, &size, 0));
	return size;
}

static struct user user_new(void)
{
	struct user u = { .v = vfio_open_group(FN_DMA) };

	bus_master(&u.v, true);
	u.data = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(u.data == MAP_FAILED ? -1 : 0);
	map_at(&u.v, u.data, PAGE, IOAS_ABI_IOAS_MAP_READABLE |
				   IOAS_ABI_IOAS_MAP_WRITEABLE, DATA_AT);
	return u;
}

/* From where it is for good: the engine refers to it. */
static void user_start(struct user *u)
{
	u->e = eng_new(&u->v, 0, RING_AT, false);
}

static void user_end(struct user *u)
{
	eng_free(&u->e);
	must(munmap(u->data, PAGE));
	vfio_close(&u->v);
	want(in_use(FN_DMA), 0);
}

/* The engine writes @value to @pos of what is mapped at BAR_AT, and reads it. */
static void there_and_back(struct user *u, uint64_t pos, uint64_t value)
{
	u->data[0] = value;
	u->data[1] = 0;
	want_ok(eng_copy(&u->e, BAR_AT + pos, DATA_AT, 8));
	want_ok(eng_copy(&u->e, DATA_AT + 8, BAR_AT + pos, 8));
	want(u->data[1], value);
}

/* Its own, and that of a device in another container. */
static void to_devices(void)
{
	struct user u = user_new();
	struct vfio w = vfio_open(FN_DMA2);
	volatile uint64_t *own = bar_map(&u.v, DOORS, 0, PAGE);
	volatile uint64_t *other = bar_map(&w, DOORS, 0, PAGE);

	user_start(&u);
	for (unsigned int i = 0; i < 3; i++) {
		want_ok(bar_give(&u.v, other, 1, TO | FROM));
		there_and_back(&u, FREE, MAGIC + i);
		want(other[FREE / 8], MAGIC + i);
		want(bar_rd(&w, DOORS, FREE, 8), MAGIC + i);
		want(own[FREE / 8], i ? MAGIC + i + 9 : 0);
		want(bar_take(&u.v), PAGE);
		want(eng_fill(&u.e, BAR_AT + FREE, 1, 8), IOAS_ENG_FAULT);
		want_ok(bar_give(&u.v, own, 1, TO | FROM));
		there_and_back(&u, FREE, MAGIC + i + 10);
		want(own[FREE / 8], MAGIC + i + 10);
		want(other[FREE / 8], MAGIC + i);
		want(bar_take(&u.v), PAGE);
	}
	must(munmap((void *)(uintptr_t)own, PAGE));
	must(munmap((void *)(uintptr_t)other, PAGE));
	vfio_close(&w);
	user_end(&u);
}

/* What is mapped, as it is mapped; and in an iommufd of one's own not at all. */
static void not_to_devices(void)
{
	struct user u = user_new();
	struct vfio w = vfio_open(FN_NVME);
	char *p = bar_map(&w, 0, 0, DISK_PAGES * PAGE);
	char *q = sys_mmap(w.fd, PAGE, PROT_READ, MAP_SHARED, w.offset[0]);
	const uint32_t rw = IOAS_ABI_IOAS_MAP_READABLE |
			    IOAS_ABI_IOAS_MAP_WRITEABLE;
	struct ioas_abi_ioas_map_file file = {
		.size = sizeof(file), .ioas_id = u.v.ioas, .fd = w.fd,
		.start = w.offset[0], .length = PAGE, .iova = BAR_AT,
		.flags = rw | IOAS_ABI_IOAS_MAP_FIXED_IOVA,
	};

	must(q ? 0 : -1);
	user_start(&u);
	want_ok(bar_give(&u.v, p, DISK_PAGES, TO | FROM));
	there_and_back(&u, (DISK_PAGES - 1) * PAGE + FREE, MAGIC);
	want(*(volatile uint64_t *)(void *)(p + (DISK_PAGES - 1) * PAGE + FREE),
	     MAGIC);
	want(bar_take(&u.v), DISK_PAGES * PAGE);
	want(bar_give(&u.v, q, 1, TO | FROM), -EFAULT);
	want_ok(bar_give(&u.v, q, 1, FROM));
	/* VS, which is not 0. */
	want_ok(eng_copy(&u.e, DATA_AT, BAR_AT + 8, 4));
	want((uint32_t)u.data[0], bar_rd(&w, 0, 8, 4));
	want(eng_fill(&u.e, BAR_AT + FREE, 1, 8), IOAS_ENG_FAULT);
	want(bar_take(&u.v), PAGE);
	/* Without the one in the middle. */
	must(mprotect(p + 2 * PAGE, PAGE, PROT_NONE));
	want(bar_give(&u.v, p, DISK_PAGES, TO | FROM), -EFAULT);
	must(munmap(p + 2 * PAGE, PAGE));
	want(bar_give(&u.v, p, DISK_PAGES, TO | FROM), -EFAULT);
	want(bar_take(&u.v), 0);
	want(uc_map_fixed(&u.v.iommu, u.v.ioas, va(p), PAGE, rw, BAR_AT),
	     -EFAULT);
	want(uc_map_file(&u.v.iommu, &file), -EINVAL);
	must(munmap(p, 2 * PAGE));
	must(munmap(p + 3 * PAGE, PAGE));
	must(munmap(q, PAGE));
	vfio_close(&w);
	user_end(&u);
	want(in_use(FN_NVME), 0);
}

/* Memory is held when the first device comes. */
static void before_devices(void)
{
	struct vfio v = vfio_open(FN_DMA), w = vfio_open(FN_DMA2);
	volatile uint64_t *p = bar_map(&w, DOORS, 0, PAGE);
	uint32_t pt = ioas_new(&v.iommu);
	struct eng e;

	v.ioas = pt;
	want_ok(uc_vfio_ioas_set(&v.iommu, pt));
	want_ok(bar_give(&v, p, 1, TO));
	want_ok(attach_try(v.fd, &pt));
	bus_master(&v, true);
	e = eng_new(&v, 0, RING_AT, false);
	want_ok(eng_fill(&e, BAR_AT + FREE, 3, 8));
	want(p[FREE / 8], 3);
	eng_free(&e);
	must(munmap((void *)(uintptr_t)p, PAGE));
	vfio_close(&w);
	vfio_close(&v);
}

/* It holds neither the file nor the function, and outlives both. */
static void of_closed_devices(void)
{
	struct user u = user_new();
	struct vfio w = vfio_open(FN_DMA2);
	volatile uint64_t *p = bar_map(&w, DOORS, 0, PAGE);

	user_start(&u);
	want_ok(bar_give(&u.v, p, 1, TO | FROM));
	must(munmap((void *)(uintptr_t)p, PAGE));
	there_and_back(&u, FREE, MAGIC);
	vfio_close(&w);
	want(in_use(FN_DMA2), 0);
	there_and_back(&u, FREE, MAGIC);
	/* The next one finds nothing of it. */
	w = vfio_open(FN_DMA2);
	want(bar_rd(&w, DOORS, FREE, 8), 0);
	p = bar_map(&w, DOORS, 0, PAGE);
	want(p[FREE / 8], 0);
	there_and_back(&u, FREE, MAGIC + 1);
	want(p[FREE / 8], MAGIC + 1);
	want(bar_take(&u.v), PAGE);
	must(munmap((void *)(uintptr_t)p, PAGE));
	vfio_close(&w);
	user_end(&u);
}

static void killed_devices(void)
{
	for (unsigned int i = 0; i < 3; i++) {
		int from[2];
		pid_t pid;

		must(pipe(from));
		pid = (pid_t)must(fork());
		if (!pid) {
			struct user u = user_new();
			struct vfio w = vfio_open(FN_DMA2);

			user_start(&u);
			want_ok(bar_give(&u.v, bar_map(&w, DOORS, 0, PAGE), 1,
					 TO | FROM));
			there_and_back(&u, FREE, MAGIC);
			say(from[1]);
			for (uint64_t n = 0;; n++)
				there_and_back(&u, FREE, n);
		}
		hear(from[0]);
		must(kill(pid, SIGKILL));
		want(waitpid(pid, NULL, 0), pid);
		vfio_await(FN_DMA);
		vfio_await(FN_DMA2);
		vfio_check_clean(FN_DMA);
		vfio_check_clean(FN_DMA2);
		must(close(from[0]));
		must(close(from[1]));
	}
}

/* ---- others who have to do with the memory ------------------------------- */

static int attr_set(int kvm, uint32_t group, uint64_t attr, uint64_t addr)
{
	struct kvm_device_attr a = { .group = group, .attr = attr,
				     .addr = addr };

	return sys_ioctl(kvm, KVM_SET_DEVICE_ATTR, &a);
}

static int kvm_vfio(void)
{
	struct kvm_create_device s = { .type = KVM_DEV_TYPE_VFIO };
	const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const int vm = kvm < 0 ? -1 : ioctl(kvm, KVM_CREATE_VM, 0ul);

	if (vm < 0 || ioctl(vm, KVM_CREATE_DEVICE, &s))
		skip("no machine can be had of KVM");
	return (int)s.fd;
}

static void machine(void)
{
	const int kvm = kvm_vfio();
	struct vfio v = vfio_open(FN_DMA), w = vfio_open_group(FN_DMA2);
	const int null = (int)must(open("/dev/null", O_RDWR));
	const uint32_t group = KVM_DEV_VFIO_GROUP;
	const uint64_t add = KVM_DEV_VFIO_GROUP_ADD;
	const uint64_t del = KVM_DEV_VFIO_GROUP_DEL;
	const int32_t closed = 700;

	want_ok(attr_set(kvm, group, add, va(&v.fd)));
	want_ok(attr_set(kvm, group, add, va(&w.group)));
	want_ok(attr_set(kvm, group, add, va(&w.fd)));
	want_ok(attr_set(kvm, group, del, va(&v.fd)));
	/* The kernel's affair. */
	want(attr_set(kvm, group, add, va(&null)), -EINVAL);
	want(attr_set(kvm, group, add, va(&v.iommu.fd)), -EINVAL);
	want(attr_set(kvm, group, add, va(&closed)), -EBADF);
	want(attr_set(kvm, group, add, 16), -EFAULT);
	want(attr_set(kvm, group, 99, va(&v.fd)), -ENXIO);
	want(attr_set(kvm, 99, add, va(&v.fd)), -ENXIO);
	want(attr_set(null, group, add, va(&v.fd)), -ENOTTY);
	vfio_close(&w);
	vfio_close(&v);
}

static const struct client_case cases[] = {
	{ "transfers", transfers }, { "vectors", vectors },
	{ "positions", positions }, { "states", states },
	{ "shapes", shapes },	    { "contents", contents },
	{ "parts", parts },	    { "two_opens", two_opens },
	{ "by_group", by_group },   { "inherited", inherited },
	{ "killed", killed },	    { "many", many },
	{ "all_at_once", all_at_once },
	{ "names", names },	    { "events", events },
	{ "to_devices", to_devices },
	{ "not_to_devices", not_to_devices },
	{ "before_devices", before_devices },
	{ "of_closed_devices", of_closed_devices },
	{ "killed_devices", killed_devices },
	{ "machine", machine },
};

CLIENT_MAIN(cases)
