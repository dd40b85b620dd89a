/* SPDX-License-Identifier: MIT */
/*
 * vfio_kit: see vfio_kit.h
 */
#include "vfio_kit.h"

#include <sys/ioctl.h>

/* ---- system calls ------------------------------------------------------- */

int sys_ioctl(int fd, unsigned long cmd, void *arg)
{
	const int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int64_t sys_pread(int fd, void *data, size_t count, uint64_t offset)
{
	const ssize_t ret = pread(fd, data, count, (off_t)offset);

	return ret < 0 ? -errno : ret;
}

int64_t sys_pwrite(int fd, const void *data, size_t count, uint64_t offset)
{
	const ssize_t ret = pwrite(fd, data, count, (off_t)offset);

	return ret < 0 ? -errno : ret;
}

void *sys_mmap(int fd, size_t length, int prot, int flags, uint64_t offset)
{
	void *p = mmap(NULL, length, prot, flags, fd, (off_t)offset);

	return p == MAP_FAILED ? NULL : p;
}

/* ---- opening ------------------------------------------------------------ */

int node_open_try(unsigned int fn)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", fn);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int node_open(unsigned int fn)
{
	return (int)must(node_open_try(fn));
}

int group_open_try(unsigned int group)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void name_of(unsigned int fn, char name[16])
{
	if (fn == FN_TWIN2)
		snprintf(name, 16, "0000:04:00.1");
	else
		snprintf(name, 16, "0000:%02x:00.0", fn + 1);
}

int bind_try(int fd, int iommufd, uint32_t *id)
{
	struct ioas_abi_vfio_device_bind_iommufd s = { .argsz = sizeof(s),
						       .iommufd = iommufd };
	const int ret = sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, &s);

	if (!ret)
		*id = s.out_devid;
	return ret;
}

static int attach(int fd, uint32_t flags, uint32_t pasid, uint32_t *pt)
{
	struct ioas_abi_vfio_device_attach_iommufd_pt s = {
		.argsz = sizeof(s), .flags = flags, .pt_id = *pt,
		.pasid = pasid,
	};
	const int ret =
		sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &s);

	if (!ret)
		*pt = s.pt_id;
	return ret;
}

int attach_try(int fd, uint32_t *pt)
{
	return attach(fd, 0, 0, pt);
}

int attach_pasid_try(int fd, uint32_t pasid, uint32_t *pt)
{
	return attach(fd, IOAS_ABI_VFIO_DEVICE_ATTACH_PASID, pasid, pt);
}

int detach_try(int fd)
{
	struct ioas_abi_vfio_device_detach_iommufd_pt s = { .argsz = 8 };

	return sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &s);
}

int detach_pasid_try(int fd, uint32_t pasid)
{
	struct ioas_abi_vfio_device_detach_iommufd_pt s = {
		.argsz = sizeof(s),
		.flags = IOAS_ABI_VFIO_DEVICE_DETACH_PASID,
		.pasid = pasid,
	};

	return sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &s);
}

/* Where its regions are. */
static void find_regions(struct vfio *v)
{
	for (uint32_t i = 0; i <= CONFIG; i++) {
		struct ioas_abi_vfio_device_get_region_info s = {
			.argsz = sizeof(s), .index = i,
		};

		want_ok(sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO,
				  &s));
		v->offset[i] = s.offset;
		v->size[i] = s.size;
	}
}

struct vfio vfio_open_at(unsigned int fn, struct uclient iommu)
{
	struct vfio v = { .fd = node_open(fn), .group = -1, .iommu = iommu };

	want_ok(bind_try(v.fd, v.iommu.fd, &v.id));
	find_regions(&v);
	return v;
}

struct vfio vfio_open(unsigned int fn)
{
	return vfio_open_at(fn, iommu_open());
}

void vfio_attach_new(struct vfio *v)
{
	uint32_t pt = v->ioas = ioas_new(&v->iommu);

	want_ok(attach_try(v->fd, &pt));
}

struct vfio vfio_open_dma(unsigned int fn)
{
	struct vfio v = vfio_open(fn);

	vfio_attach_new(&v);
	bus_master(&v, true);
	return v;
}

struct vfio vfio_open_group(unsigned int fn)
{
	struct vfio v = { .iommu = iommu_at((int)must(
				  open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC))) };
	char name[16];

	name_of(fn, name);
	v.group = (int)must(group_open_try(GROUP_OF(fn)));
	want_ok(sys_ioctl(v.group, IOAS_ABI_VFIO_GROUP_SET_CONTAINER,
			  &v.iommu.fd));
	want_ok(uc_vfio_set_iommu(&v.iommu, IOAS_ABI_VFIO_TYPE1v2_IOMMU));
	v.fd = (int)must(sys_ioctl(v.group, IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD,
				   name));
	want_ok(uc_vfio_ioas(&v.iommu, IOAS_ABI_VFIO_IOAS_GET, &v.ioas));
	find_regions(&v);
	return v;
}

void vfio_close(struct vfio *v)
{
	want_ok(close(v->fd));
	if (v->group >= 0)
		want_ok(close(v->group));
	want_ok(close(v->iommu.fd));
	v->fd = v->group = v->iommu.fd = -1;
}

void vfio_await(unsigned int fn)
{
	const struct uclient c = iommu_open();
	const int fd = node_open(fn);
	const uint64_t since = now_ns();
	uint32_t id;

	while (bind_try(fd, c.fd, &id))
		patience(since, "a function is not let go");
	want_ok(close(fd));
	want_ok(close(c.fd));
}

void vfio_check_clean(unsigned int fn)
{
	struct vfio v = vfio_open(fn);
	const uint32_t msi = cfg_cap(&v, CAP_MSI), msix = cfg_cap(&v, CAP_MSIX);

	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_MEMORY);
	if (msi)
		want(cfg_rd(&v, msi + 2, 2) & 1, 0);
	want(cfg_rd(&v, msix + 2, 2) & 0x8000, 0);
	/* Enabled it is not. */
	want(irqs(v.fd, NONE | TRIGGER, MSIX, 0, 1, NULL), -EINVAL);
	if (fn != FN_NVME) {
		want(rd64(&v, IOAS_ENG_REG_SCRATCH), 0);
		want(rd32(&v, IOAS_ENG_RING(0) + IOAS_ENG_RING_STATUS), 0);
		want(rd32(&v, IOAS_ENG_RING(1) + IOAS_ENG_RING_STATUS), 0);
		want(bar_rd(&v, 2, IOAS_ENG_DOOR_TAIL(0), 8), 0);
	} else {
		/* CC, CSTS */
		want(bar_rd(&v, 0, 0x14, 4), 0);
		want(bar_rd(&v, 0, 0x1c, 4), 0);
	}
	vfio_close(&v);
}

/* ---- registers ---------------------------------------------------------- */

uint64_t bar_rd(const struct vfio *v, unsigned int bar, uint64_t pos,
		size_t width)
{
	uint64_t value = 0;

	want(sys_pread(v->fd, &value, width, v->offset[bar] + pos), width);
	return value;
}

void bar_wr(const struct vfio *v, unsigned int bar, uint64_t pos, size_t width,
	    uint64_t value)
{
	want(sys_pwrite(v->fd, &value, width, v->offset[bar] + pos), width);
}

uint32_t rd32(const struct vfio *v, uint64_t pos)
{
	return (uint32_t)bar_rd(v, 0, pos, 4);
}

uint64_t rd64(const struct vfio *v, uint64_t pos)
{
	return bar_rd(v, 0, pos, 8);
}

void wr32(const struct vfio *v, uint64_t pos, uint32_t value)
{
	bar_wr(v, 0, pos, 4, value);
}

void wr64(const struct vfio *v, uint64_t pos, uint64_t value)
{
	bar_wr(v, 0, pos, 8, value);
}

uint32_t cfg_rd(const struct vfio *v, uint64_t pos, size_t width)
{
	return (uint32_t)bar_rd(v, CONFIG, pos, width);
}

void cfg_wr(const struct vfio *v, uint64_t pos, size_t width, uint32_t value)
{
	bar_wr(v, CONFIG, pos, width, value);
}

uint32_t cfg_cap(const struct vfio *v, uint32_t id)
{
	uint32_t at = cfg_rd(v, 0x34, 1);

	/* As many as there is room for: the list must end. */
	for (unsigned int i = 0; at && i < 48; i++) {
		want(at >= 0x40 && !(at & 3), 1);
		if (cfg_rd(v, at, 1) == id)
			return at;
		at = cfg_rd(v, at + 1, 1);
	}
	want(at, 0);
	return 0;
}

void bus_master(const struct vfio *v, bool on)
{
	const uint32_t command = cfg_rd(v, PCI_COMMAND, 2);

	cfg_wr(v, PCI_COMMAND, 2,
	       on ? command | PCI_MASTER : command & ~PCI_MASTER);
}

void *bar_map(const struct vfio *v, unsigned int bar, uint64_t pos,
	      size_t length)
{
	void *p = sys_mmap(v->fd, length, PROT_READ | PROT_WRITE, MAP_SHARED,
			   v->offset[bar] + pos);

	must(p ? 0 : -1);
	return p;
}

/* ---- interrupts --------------------------------------------------------- */

int irqs(int fd, uint32_t flags, uint32_t index, uint32_t start, uint32_t count,
	 const void *data)
{
	const size_t head = sizeof(struct ioas_abi_vfio_device_set_irqs);
	const size_t each = flags & EVENTFD ? 4 : flags & BOOL ? 1 : 0;
	_Alignas(8) char room[512];
	struct ioas_abi_vfio_device_set_irqs *s = (void *)room;

	want(head + each * count <= sizeof(room), 1);
	s->argsz = (uint32_t)(head + each * count);
	s->flags = flags;
	s->index = index;
	s->start = start;
	s->count = count;
	if (data && each)
		memcpy(s->data, data, each * count);
	return sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_SET_IRQS, s);
}

void irqs_set(const struct vfio *v, uint32_t index, const int *fds, uint32_t nr)
{
	want_ok(irqs(v->fd, EVENTFD | TRIGGER, index, 0, nr, fds));
}

void irqs_off(const struct vfio *v, uint32_t index)
{
	want_ok(irqs(v->fd, NONE | TRIGGER, index, 0, 0, NULL));
}

int event_new(void)
{
	return (int)must(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

uint64_t event_count(int fd)
{
	uint64_t count = 0;
	const ssize_t ret = read(fd, &count, sizeof(count));

	if (ret < 0)
		want(errno, EAGAIN);
	return ret < 0 ? 0 : count;
}

uint64_t event_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	want(poll(&p, 1, PATIENCE_S * 1000), 1);
	return event_count(fd);
}

/* ---- memory ------------------------------------------------------------- */

void map_at(const struct vfio *v, void *p, size_t length, uint32_t flags,
	    uint64_t iova)
{
	want_ok(uc_map_fixed(&v->iommu, v->ioas, va(p), length, flags, iova));
}

void unmap_at(const struct vfio *v, uint64_t iova, size_t length)
{
	uint64_t bytes = 0;

	want_ok(uc_unmap(&v->iommu, v->ioas, iova, length, &bytes));
	want(bytes, length);
}

/* ---- the engine --------------------------------------------------------- */

static uint32_t ring_reg(const struct eng *e, uint32_t reg)
{
	return IOAS_ENG_RING(e->nr) + reg;
}

uint64_t eng_reg(const struct eng *e, uint32_t reg)
{
	const uint32_t at = ring_reg(e, reg);

	return reg == IOAS_ENG_RING_ERROR_IOVA ||
	       reg == IOAS_ENG_RING_PROGRESS || reg == IOAS_ENG_RING_BASE ?
		       rd64(e->v, at) : rd32(e->v, at);
}

struct eng eng_new(const struct vfio *v, unsigned int nr, uint64_t iova,
		   bool shared)
{
	struct eng e = { .v = v, .nr = nr, .iova = iova };

	e.ring = shared ? memory_shared(1) : memory_private(1);
	memset(e.ring, 0, PAGE);
	map_at(v, e.ring, PAGE, UC_RW, iova);
	wr64(v, ring_reg(&e, IOAS_ENG_RING_BASE), iova);
	wr32(v, ring_reg(&e, IOAS_ENG_RING_SIZE), ENG_ENTRIES);
	eng_start(&e);
	return e;
}

void eng_free(struct eng *e)
{
	wr32(e->v, ring_reg(e, IOAS_ENG_RING_CONTROL), IOAS_ENG_ABORT);
	unmap_at(e->v, e->iova, PAGE);
	want_ok(munmap(e->ring, PAGE));
}

void eng_start(struct eng *e)
{
	wr32(e->v, ring_reg(e, IOAS_ENG_RING_CONTROL), IOAS_ENG_START);
}

uint32_t eng_post(struct eng *e, const struct ioas_eng_descriptor *d)
{
	const uint32_t at = e->tail;

	e->ring[at] = *d;
	e->tail = (at + 1) % ENG_ENTRIES;
	wr32(e->v, ring_reg(e, IOAS_ENG_RING_TAIL), e->tail);
	return at;
}

uint32_t eng_wait(struct eng *e, uint32_t at)
{
	const uint64_t since = now_ns();
	uint32_t status;

	for (;;) {
		status = __atomic_load_n(&e->ring[at].status, __ATOMIC_ACQUIRE);
		if (status & IOAS_ENG_COMPLETE)
			return status & ~IOAS_ENG_COMPLETE;
		sched_yield();
		patience(since, "a descriptor is not completed");
	}
}

void eng_skip(struct eng *e)
{
	const uint32_t head =
		rd32(e->v, ring_reg(e, IOAS_ENG_RING_HEAD)) + 1;

	wr32(e->v, ring_reg(e, IOAS_ENG_RING_STATUS),
	     IOAS_ENG_ERROR | IOAS_ENG_ABORTED | IOAS_ENG_DONE);
	wr32(e->v, ring_reg(e, IOAS_ENG_RING_HEAD), head % ENG_ENTRIES);
	eng_start(e);
}

uint32_t eng_do(struct eng *e, const struct ioas_eng_descriptor *d)
{
	const uint32_t code = eng_wait(e, eng_post(e, d));

	if (code) {
		const uint64_t since = now_ns();

		/* The status of the descriptor comes first. */
		while (!(eng_reg(e, IOAS_ENG_RING_STATUS) & IOAS_ENG_ERROR))
			patience(since, "no error in STATUS");
		want(IOAS_ENG_ERROR_CODE(eng_reg(e, IOAS_ENG_RING_ERROR)),
		     code);
		eng_skip(e);
	}
	return code;
}

uint32_t eng_copy(struct eng *e, uint64_t to, uint64_t from, uint64_t length)
{
	return eng_do(e, &(struct ioas_eng_descriptor){ .op = IOAS_ENG_COPY,
							.source = from,
							.destination = to,
							.length = length });
}

uint32_t eng_fill(struct eng *e, uint64_t to, uint64_t value, uint64_t length)
{
	return eng_do(e, &(struct ioas_eng_descriptor){ .op = IOAS_ENG_FILL,
							.value = value,
							.destination = to,
							.length = length });
}

/* A ring of no size. */
void eng_error(const struct vfio *v)
{
	wr32(v, IOAS_ENG_RING(1) + IOAS_ENG_RING_STATUS, IOAS_ENG_ERROR);
	wr32(v, IOAS_ENG_RING(1) + IOAS_ENG_RING_SIZE, 0);
	wr32(v, IOAS_ENG_RING(1) + IOAS_ENG_RING_CONTROL, IOAS_ENG_START);
	want(IOAS_ENG_ERROR_CODE(rd32(v, IOAS_ENG_RING(1) +
				      IOAS_ENG_RING_ERROR)), IOAS_ENG_BAD_RING);
}

void eng_calm(const struct vfio *v)
{
	wr32(v, IOAS_ENG_REG_IRQ_STATUS, (1u << IOAS_ENG_VECTORS) - 1);
}

/* ---- time --------------------------------------------------------------- */

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void patience(uint64_t since, const char *what)
{
	if (now_ns() - since < PATIENCE_S * UINT64_C(1000000000))
		return;
	fprintf(stderr, "%s\n", what);
	_exit(1);
}
