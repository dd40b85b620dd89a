/* SPDX-License-Identifier: MIT */
/*
 * vfio_abi: what a function's file answers to each request
 *
 * The order is that of docs/reference/vfio-device-uapi.md; each case names its
 * section. What has to do with eventfds is in vfio_irqs.c, opens and closes are in
 * vfio_life.c, memory in vfio_memory.c.
 */
#include "vfio_kit.h"

#define NO_ID 0xdeadu
/* No descriptor has it. */
#define NO_FD 1000
#define SENTINEL 0xa5

/* The last bytes of a page behind which there is nothing. */
static char *at_border(void)
{
	char *p = memory_private(2);

	want_ok(munmap(p + PAGE, PAGE));
	return p + PAGE;
}

/* A page that can be read, with @size bytes of @data. */
static void *unwritable(const void *data, size_t size)
{
	char *p = memory_private(1);

	memcpy(p, data, size);
	want_ok(mprotect(p, PAGE, PROT_READ));
	return p;
}

/* ---- 1, 3.1: before bind, bind ------------------------------------------ */

static void before_bind(void)
{
	const int fd = node_open(FN_DMA);
	_Alignas(8) char room[256] = { 64 };
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };

	for (unsigned long nr = 0; nr < 256; nr++)
		if (nr != (IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD & 0xff))
			want(sys_ioctl(fd, 0x3b00 | nr, room), -EINVAL);
	for (uint64_t i = 1; i < 24; i++) {
		want(sys_pread(fd, room, 4, i << 40), -EINVAL);
		want(sys_pwrite(fd, room, 4, i << 40), -EINVAL);
		want(sys_mmap(fd, PAGE, PROT_READ, MAP_SHARED, i << 40) != NULL,
		     0);
		want(errno, EINVAL);
	}
	want(poll(&p, 1, 0), 1);
	want(p.revents, POLLIN | POLLOUT);
	want_ok(close(fd));
}

static void bind_arguments(void)
{
	static const struct {
		uint32_t argsz, flags;
		int32_t iommufd;
		int ret;
	} table[] = {
		{ 0, 0, 0, -EINVAL },
		{ 15, 0, NO_FD, -EINVAL },
		{ 16, 0, -1, -EINVAL },
		{ 24, 0, INT32_MIN, -EINVAL },
		{ 24, 2, NO_FD, -EINVAL },
		{ 24, 1u << 31, NO_FD, -EINVAL },
		/* A token is looked at before the descriptor. */
		{ 24, 1, NO_FD, -EINVAL },
		{ 16, 0, NO_FD, -EBADF },
		{ 24, 0, NO_FD, -EBADF },
		{ 16, 0, 0, -EBADFD },
	};
	const int fd = node_open(FN_DMA);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ioas_abi_vfio_device_bind_iommufd s = {
			.argsz = table[i].argsz,
			.flags = table[i].flags,
			.iommufd = table[i].iommufd,
		};

		want(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, &s),
		     table[i].ret);
	}
	want(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, nowhere()),
	     -EFAULT);
	want_ok(close(fd));
}

static void bind_excess_is_zero(void)
{
	const int fd = node_open(FN_DMA);
	const struct uclient c = iommu_open();
	uint32_t words[16] = { 64, 0, NO_FD };
	struct ioas_abi_vfio_device_bind_iommufd *s;

	words[10] = 1;
	want(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, words), -E2BIG);
	words[10] = 0;
	want(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, words), -EBADF);
	/* What is not there cannot be zero; 16 bytes are enough. */
	s = (void *)(at_border() - 16);
	s->argsz = 24;
	s->iommufd = c.fd;
	want(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, s), -EFAULT);
	s->argsz = 16;
	want_ok(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, s));
	want(s->out_devid > 0, 1);
	want_ok(close(fd));
	want_ok(close(c.fd));
}

static void bind_order(void)
{
	const struct uclient c = iommu_open();
	const int a = node_open(FN_DMA), b = node_open(FN_DMA);
	uint32_t id, other;

	want_ok(bind_try(a, c.fd, &id));
	/* Bound already comes before the descriptor, another's file after it. */
	want(bind_try(a, c.fd, &other), -EINVAL);
	want(bind_try(a, NO_FD, &other), -EINVAL);
	want(bind_try(b, NO_FD, &other), -EBADF);
	want(bind_try(b, 0, &other), -EBADFD);
	want(bind_try(b, b, &other), -EBADFD);
	want(bind_try(b, c.fd, &other), -EINVAL);
	want_ok(close(a));
	want_ok(bind_try(b, c.fd, &other));
	want_ok(close(b));
	want_ok(close(c.fd));
}

static void bind_that_cannot_be_told_is_undone(void)
{
	const struct uclient c = iommu_open();
	const int fd = node_open(FN_DMA);
	const struct ioas_abi_vfio_device_bind_iommufd s = {
		.argsz = sizeof(s), .iommufd = c.fd,
	};
	uint32_t id;

	want(sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD,
		       unwritable(&s, sizeof(s))), -EFAULT);
	/* All is as before. */
	want(detach_try(fd), -EINVAL);
	want_ok(bind_try(fd, c.fd, &id));
	want_ok(close(fd));
	want_ok(close(c.fd));
}

/* 7.1: all of a group belong to one context. */
static void a_group_has_one_owner(void)
{
	struct vfio v = vfio_open(FN_TWIN), w;
	const struct uclient c = iommu_open();
	const int fd = node_open(FN_TWIN2);
	uint32_t id;

	want(bind_try(fd, c.fd, &id), -EPERM);
	want_ok(close(fd));
	w = vfio_open_at(FN_TWIN2, v.iommu);
	want(w.id != v.id, 1);
	want_ok(close(w.fd));
	vfio_close(&v);
	want_ok(close(c.fd));
}

static void unknown_requests(void)
{
	static const uint32_t known[] = {
		IOAS_ABI_VFIO_DEVICE_GET_INFO,
		IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO,
		IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO,
		IOAS_ABI_VFIO_DEVICE_SET_IRQS,
		IOAS_ABI_VFIO_DEVICE_RESET,
		IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET,
		IOAS_ABI_VFIO_DEVICE_IOEVENTFD,
		IOAS_ABI_VFIO_DEVICE_FEATURE,
		IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD,
		IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT,
	};
	struct vfio v = vfio_open(FN_DMA);
	_Alignas(8) char room[256] = { 64 };

	for (uint32_t cmd = 0x3b00; cmd < 0x3c00; cmd++) {
		bool is = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			is |= known[i] == cmd;
		if (!is)
			want(sys_ioctl(v.fd, cmd, room), -ENOTTY);
	}
	vfio_close(&v);
}

/* ---- 3.2, 3.3: attach, detach ------------------------------------------- */

static void attach_arguments(void)
{
	const uint32_t pasid = IOAS_ABI_VFIO_DEVICE_ATTACH_PASID;
	struct vfio v = vfio_open(FN_DMA);
	const uint32_t ioas = ioas_new(&v.iommu);
	const struct {
		uint32_t argsz, flags, pt, pasid;
		int ret;
	} table[] = {
		{ 11, 0, ioas, 0, -EINVAL },
		{ 12, 2, ioas, 0, -EINVAL },
		{ 12, pasid, ioas, 0, -EINVAL },
		{ 15, pasid, ioas, 0, -EINVAL },
		{ 12, 0, NO_ID, 0, -ENOENT },
		{ 12, 0, 0, 0, -ENOENT },
		{ 12, 0, v.id, 0, -EINVAL },
		{ 16, pasid, NO_ID, 1, -ENOENT },
		/* The page table of a space is not one for PASIDs. */
		{ 16, pasid, ioas, 1, -EINVAL },
		{ 4096, 0, ioas, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ioas_abi_vfio_device_attach_iommufd_pt s = {
			.argsz = table[i].argsz, .flags = table[i].flags,
			.pt_id = table[i].pt, .pasid = table[i].pasid,
		};

		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			       &s), table[i].ret);
		/* In is out, unless it worked. */
		want(s.pt_id == table[i].pt, table[i].ret != 0);
	}
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		       nowhere()), -EFAULT);
	vfio_close(&v);
}

static void attach_reads_what_it_needs(void)
{
	struct vfio v = vfio_open(FN_DMA);
	struct ioas_abi_vfio_device_attach_iommufd_pt *s =
		(void *)(at_border() - 12);
	struct ioas_abi_vfio_device_detach_iommufd_pt *d =
		(void *)(at_border() - 8);
	uint32_t pt;

	s->argsz = 16;
	s->flags = IOAS_ABI_VFIO_DEVICE_ATTACH_PASID;
	s->pt_id = pt = ioas_new(&v.iommu);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, s),
	     -EFAULT);
	s->flags = 0;
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, s));
	d->argsz = 12;
	d->flags = IOAS_ABI_VFIO_DEVICE_DETACH_PASID;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, d),
	     -EFAULT);
	want(uc_destroy(&v.iommu, pt), -EBUSY);
	d->flags = 0;
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, d));
	want_ok(uc_destroy(&v.iommu, pt));
	vfio_close(&v);
}

static void attach_again(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint32_t a = ioas_new(&v.iommu), b = ioas_new(&v.iommu);
	uint32_t first = a, pt = a;

	want_ok(attach_try(v.fd, &first));
	want_ok(attach_try(v.fd, &pt));
	want(pt, first);
	want_ok(attach_try(v.fd, &pt));
	want(pt, first);
	/* Replaced: the first is free, and so is its page table. */
	pt = b;
	want_ok(attach_try(v.fd, &pt));
	want(pt != first, 1);
	want_ok(uc_destroy(&v.iommu, a));
	want(uc_destroy(&v.iommu, b), -EBUSY);
	/* What fails leaves it as it was. */
	pt = NO_ID;
	want(attach_try(v.fd, &pt), -ENOENT);
	want(uc_destroy(&v.iommu, b), -EBUSY);
	want_ok(detach_try(v.fd));
	want_ok(detach_try(v.fd));
	want_ok(uc_destroy(&v.iommu, b));
	vfio_close(&v);
}

static void attach_that_cannot_be_told_is_undone(void)
{
	struct vfio v = vfio_open(FN_DMA);
	struct ioas_abi_vfio_device_attach_iommufd_pt s = {
		.argsz = sizeof(s), .pt_id = ioas_new(&v.iommu),
	};

	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		       unwritable(&s, sizeof(s))), -EFAULT);
	want_ok(uc_destroy(&v.iommu, s.pt_id));
	vfio_close(&v);
}

static void detach_arguments(void)
{
	static const struct {
		uint32_t argsz, flags, pasid;
		int ret;
	} table[] = {
		{ 7, 0, 0, -EINVAL }, { 8, 2, 0, -EINVAL },
		{ 8, 1, 0, -EINVAL }, { 11, 1, 0, -EINVAL },
		{ 8, 0, 0, 0 },	      { 12, 1, 77, 0 },
		{ 4096, 0, 0, 0 },
	};
	struct vfio v = vfio_open(FN_DMA);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct ioas_abi_vfio_device_detach_iommufd_pt s = {
			.argsz = table[i].argsz, .flags = table[i].flags,
			.pasid = table[i].pasid,
		};

		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT,
			       &s), table[i].ret);
	}
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT,
		       nowhere()), -EFAULT);
	vfio_close(&v);
}

static void pasids_are_of_who_has_them(void)
{
	struct vfio v = vfio_open(FN_NVME), w;
	uint32_t pt = ioas_new(&v.iommu), hwpt;

	want(attach_pasid_try(v.fd, 1, &pt), -EOPNOTSUPP);
	want(detach_pasid_try(v.fd, 1), -EOPNOTSUPP);
	vfio_close(&v);
	w = vfio_open(FN_DMA);
	pt = ioas_new(&w.iommu);
	want_ok(uc_hwpt(&w.iommu, w.id, pt, IOAS_ABI_HWPT_ALLOC_PASID, &hwpt));
	/* 20 bits. */
	pt = hwpt;
	want(attach_pasid_try(w.fd, 1u << IOAS_ENG_PASID_BITS, &pt), -EINVAL);
	want_ok(attach_pasid_try(w.fd, (1u << IOAS_ENG_PASID_BITS) - 1, &pt));
	want(pt, hwpt);
	want_ok(attach_pasid_try(w.fd, 1, &pt));
	/* The RID's page table has to be of the same kind. */
	pt = ioas_new(&w.iommu);
	want(attach_try(w.fd, &pt), -EINVAL);
	want_ok(detach_pasid_try(w.fd, 1));
	want(uc_destroy(&w.iommu, hwpt), -EBUSY);
	want_ok(detach_pasid_try(w.fd, (1u << IOAS_ENG_PASID_BITS) - 1));
	want_ok(uc_destroy(&w.iommu, hwpt));
	want_ok(attach_try(w.fd, &pt));
	vfio_close(&w);
}

/* 7.2: all of a group have the same page table. */
static void a_group_is_attached_as_one(void)
{
	struct vfio v = vfio_open(FN_TWIN);
	struct vfio w = vfio_open_at(FN_TWIN2, v.iommu);
	const uint32_t a = ioas_new(&v.iommu), b = ioas_new(&v.iommu);
	uint32_t pt = a, first;

	want_ok(attach_try(v.fd, &pt));
	first = pt;
	pt = b;
	want(attach_try(w.fd, &pt), -EINVAL);
	pt = a;
	want_ok(attach_try(w.fd, &pt));
	want(pt, first);
	/* They move together. */
	pt = b;
	want_ok(attach_try(v.fd, &pt));
	want_ok(uc_destroy(&v.iommu, a));
	want_ok(detach_try(v.fd));
	want(uc_destroy(&v.iommu, b), -EBUSY);
	want_ok(close(w.fd));
	want_ok(uc_destroy(&v.iommu, b));
	vfio_close(&v);
}

/* ---- 4: information ----------------------------------------------------- */

static void get_info(void)
{
	static const uint32_t room[] = { 16, 19, 20, 23, 24, 25, 200 };
	struct vfio v = vfio_open(FN_DMA);
	unsigned char s[256];
	struct ioas_abi_vfio_device_get_info info;

	for (size_t i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
		const size_t written = room[i] < 24 ? room[i] : 24;

		memset(&s, SENTINEL, sizeof(s));
		memcpy(s, &room[i], 4);
		want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, s));
		memset(&info, 0, sizeof(info));
		memcpy(&info, s, written);
		want(info.argsz, room[i]);
		want(info.flags, IOAS_ABI_VFIO_DEVICE_FLAGS_PCI |
				 IOAS_ABI_VFIO_DEVICE_FLAGS_RESET);
		want(info.num_regions, 9);
		want(info.num_irqs, 5);
		want(info.cap_offset, 0);
		want(info.pad, 0);
		for (size_t k = written; k < sizeof(s); k++)
			want(s[k], SENTINEL);
	}
	info.argsz = 15;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, &info), -EINVAL);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, nowhere()),
	     -EFAULT);
	info.argsz = 24;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_INFO,
		       unwritable(&info, sizeof(info))), -EFAULT);
	vfio_close(&v);
}

/* 2.1: where they are, and that they end. */
static void check_chain(const struct vfio *v, uint32_t index, uint32_t size)
{
	union {
		struct ioas_abi_vfio_device_get_region_info s;
		unsigned char bytes[1024];
	} u;
	struct ioas_abi_vfio_info_cap_header h;
	unsigned int hops = 0;

	memset(&u, SENTINEL, sizeof(u));
	u.s.argsz = size;
	u.s.index = index;
	want_ok(sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO, &u));
	want(u.s.argsz, size);
	want(u.s.cap_offset, sizeof(u.s));
	for (uint32_t at = u.s.cap_offset; at; at = h.next) {
		want(at % 8 == 0 && at + sizeof(h) <= size, 1);
		memcpy(&h, u.bytes + at, sizeof(h));
		want(h.id == IOAS_ABI_VFIO_REGION_INFO_CAP_SPARSE_MMAP ||
		     h.id == IOAS_ABI_VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1);
		want(h.version, 1);
		want(++hops < 10, 1);
	}
	for (size_t k = size; k < sizeof(u); k++)
		want(u.bytes[k], SENTINEL);
}

static void check_region(const struct vfio *v, uint32_t index, uint64_t size,
			 uint32_t flags)
{
	struct ioas_abi_vfio_device_get_region_info s[2] = {
		{ .argsz = sizeof(s[0]), .index = index },
	};
	const uint32_t caps = IOAS_ABI_VFIO_REGION_INFO_FLAG_CAPS;

	memset(&s[1], SENTINEL, sizeof(s[1]));
	want_ok(sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO, s));
	want(s[0].size, size);
	want(s[0].flags & ~caps, flags);
	want(s[0].index, index);
	want(s[0].cap_offset, 0);
	want(s[0].offset >> 40,
	     index < IOAS_ABI_VFIO_PCI_ROM_REGION_INDEX ? 0x10 + index : index);
	want(s[0].offset & ((UINT64_C(1) << 40) - 1), 0);
	for (size_t k = 0; k < sizeof(s[1]); k++)
		want(((unsigned char *)&s[1])[k], SENTINEL);
	if (s[0].flags & caps)
		check_chain(v, index, s[0].argsz);
	else
		want(s[0].argsz, sizeof(s[0]));
}

static void get_region_info(void)
{
	const uint32_t rw = IOAS_ABI_VFIO_REGION_INFO_FLAG_READ |
			    IOAS_ABI_VFIO_REGION_INFO_FLAG_WRITE;
	const uint32_t rwm = rw | IOAS_ABI_VFIO_REGION_INFO_FLAG_MMAP;
	static const uint64_t disk[] = { 0x4000, 0, 0x40000, 0, 0x1000, 0 };
	struct vfio v = vfio_open(FN_DMA);
	struct ioas_abi_vfio_device_get_region_info s = { .argsz = 31 };

	for (uint32_t i = 0; i < 6; i++)
		check_region(&v, i, i % 2 ? 0 : 4096,
			     i % 2 ? 0 : i == 2 ? rwm : rw);
	check_region(&v, IOAS_ABI_VFIO_PCI_ROM_REGION_INDEX, 0, 0);
	check_region(&v, CONFIG, 4096, rw);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO, &s),
	     -EINVAL);
	s.argsz = sizeof(s);
	for (s.index = IOAS_ABI_VFIO_PCI_VGA_REGION_INDEX; s.index;
	     s.index <<= 1)
		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO, &s),
		     -EINVAL);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO,
		       nowhere()), -EFAULT);
	vfio_close(&v);
	v = vfio_open(FN_NVME);
	for (uint32_t i = 0; i < 6; i++)
		check_region(&v, i, disk[i], !disk[i] ? 0 : i < 4 ? rwm : rw);
	vfio_close(&v);
}

static void check_irq(const struct vfio *v, uint32_t index, uint32_t count,
		      uint32_t flags)
{
	struct ioas_abi_vfio_device_get_irq_info s = { .argsz = sizeof(s),
						       .index = index };

	want_ok(sys_ioctl(v->fd, IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, &s));
	want(s.argsz, sizeof(s));
	want(s.index, index);
	want(s.count, count);
	want(s.flags & ~IOAS_ABI_VFIO_IRQ_INFO_NORESIZE,
	     flags & ~IOAS_ABI_VFIO_IRQ_INFO_NORESIZE);
	/* MSI-X may say either (4.3). */
	if (index != MSIX)
		want(s.flags, flags);
}

static void get_irq_info(void)
{
	const uint32_t e = IOAS_ABI_VFIO_IRQ_INFO_EVENTFD;
	const uint32_t fixed = e | IOAS_ABI_VFIO_IRQ_INFO_NORESIZE;
	const uint32_t level = e | IOAS_ABI_VFIO_IRQ_INFO_MASKABLE |
			       IOAS_ABI_VFIO_IRQ_INFO_AUTOMASKED;
	struct vfio v = vfio_open(FN_DMA);
	struct ioas_abi_vfio_device_get_irq_info s = { .argsz = 15 };

	check_irq(&v, INTX, 1, level);
	check_irq(&v, MSI, 4, fixed);
	check_irq(&v, MSIX, 4, e);
	check_irq(&v, ERR, 1, fixed);
	check_irq(&v, REQ, 1, fixed);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, &s), -EINVAL);
	s.argsz = sizeof(s);
	for (s.index = 5; s.index; s.index <<= 1)
		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, &s),
		     -EINVAL);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, nowhere()),
	     -EFAULT);
	vfio_close(&v);
	v = vfio_open(FN_NVME);
	check_irq(&v, INTX, 0, level);
	check_irq(&v, MSI, 0, fixed);
	check_irq(&v, MSIX, 65, e);
	check_irq(&v, ERR, 1, fixed);
	check_irq(&v, REQ, 1, fixed);
	vfio_close(&v);
}

/* ---- 6: configuration --------------------------------------------------- */

static void config_bounds(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint64_t at = v.offset[CONFIG];
	char room[4096];

	want(sys_pread(v.fd, room, 4096, at), 4096);
	want(sys_pread(v.fd, room, 0, at), 0);
	want(sys_pread(v.fd, room, 1, at + 4095), 1);
	want(sys_pread(v.fd, room, 1, at + 4096), -EFAULT);
	want(sys_pread(v.fd, room, 2, at + 4095), -EFAULT);
	want(sys_pwrite(v.fd, room, 2, at + 4095), -EFAULT);
	want(sys_pread(v.fd, room, 4096, at + 1), -EFAULT);
	want(sys_pread(v.fd, nowhere(), 4, at), -EFAULT);
	want(sys_pwrite(v.fd, nowhere(), 4, at), -EFAULT);
	vfio_close(&v);
}

static void config_any_width(void)
{
	struct vfio v = vfio_open(FN_DMA);
	unsigned char all[256], some[16];

	want(sys_pread(v.fd, all, 256, v.offset[CONFIG]), 256);
	for (unsigned int pos = 0; pos < 240; pos += 3)
		for (unsigned int n = 1; n <= 16; n++) {
			want(sys_pread(v.fd, some, n, v.offset[CONFIG] + pos),
			     n);
			want(memcmp(some, all + pos, n), 0);
		}
	want(all[0] | all[1] << 8, IOAS_ENG_VENDOR);
	want(all[2] | all[3] << 8, IOAS_ENG_DEVICE);
	want(all[9] | all[10] << 8 | all[11] << 16, IOAS_ENG_CLASS);
	/* The list of capabilities is there; the pin is A. */
	want(all[6] & 0x10, 0x10);
	want(all[0x3d], 1);
	vfio_close(&v);
}

static void config_read_only(void)
{
	/* Registers whose writes are dropped, in words. */
	static const uint32_t table[] = { 0x00, 0x08, 0x28, 0x2c, 0x34, 0x38 };
	struct vfio v = vfio_open(FN_DMA);

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const uint32_t before = cfg_rd(&v, table[i], 4);

		cfg_wr(&v, table[i], 4, ~before);
		want(cfg_rd(&v, table[i], 4), before);
	}
	/* The line is the driver's, the pin is not. */
	cfg_wr(&v, 0x3c, 2, 0x4711);
	want(cfg_rd(&v, 0x3c, 2), 0x0111);
	vfio_close(&v);
	v = vfio_open(FN_NVME);
	want(cfg_rd(&v, 0x3d, 1), 0);
	vfio_close(&v);
}

static void config_command(void)
{
	struct vfio v = vfio_open(FN_DMA);

	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_MEMORY);
	bus_master(&v, true);
	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_MEMORY | PCI_MASTER);
	cfg_wr(&v, PCI_COMMAND, 2, PCI_NO_INTX);
	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_NO_INTX);
	cfg_wr(&v, PCI_COMMAND + 1, 1, 0);
	want(cfg_rd(&v, PCI_COMMAND, 2), 0);
	vfio_close(&v);
}

/* All ones, what is read, and back. */
static uint32_t bar_probe(const struct vfio *v, uint32_t pos)
{
	const uint32_t before = cfg_rd(v, pos, 4);
	uint32_t mask;

	cfg_wr(v, pos, 4, 0xffffffff);
	mask = cfg_rd(v, pos, 4);
	cfg_wr(v, pos, 4, before);
	want(cfg_rd(v, pos, 4), before);
	return mask;
}

static void config_bar_sizes(void)
{
	static const unsigned int fns[] = { FN_DMA, FN_NVME };

	for (unsigned int k = 0; k < 2; k++) {
		struct vfio v = vfio_open(fns[k]);

		for (uint32_t i = 0; i < 6; i += 2) {
			const uint32_t pos = 0x10 + 4 * i;
			const uint32_t low = bar_probe(&v, pos);
			const uint32_t high = bar_probe(&v, pos + 4);

			/* All of ours have 64 bits. */
			want(low & 7, 4);
			want(~((uint64_t)high << 32 | (low & ~0xfu)) + 1,
			     v.size[i]);
			/* It moves in what is read, and nowhere else. */
			cfg_wr(&v, pos, 4, 0xabcd0000);
			want(cfg_rd(&v, pos, 4) & ~0xfu,
			     0xabcd0000 & low & ~0xfu);
		}
		/* There is no ROM. */
		want(bar_probe(&v, 0x30), 0);
		want(bar_rd(&v, 0, 0, 4) != 0, 1);
		vfio_close(&v);
	}
}

static void config_capabilities(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint32_t msix = cfg_cap(&v, CAP_MSIX);
	const uint32_t msi = cfg_cap(&v, CAP_MSI);
	const uint32_t pm = cfg_cap(&v, CAP_PM);
	uint32_t before;

	want(msix && msi && pm && cfg_cap(&v, CAP_EXPRESS), 1);
	want(cfg_rd(&v, msix + 2, 2) & 0x7ff, 3);
	want(cfg_rd(&v, msix + 4, 4), 4);
	for (uint32_t i = 0; i < 12; i += 4) {
		before = cfg_rd(&v, msix + i, 4);
		cfg_wr(&v, msix + i, 4, ~before);
		want(cfg_rd(&v, msix + i, 4), before);
	}
	/* Enable is SET_IRQS' affair; how many is the driver's, up to 4. */
	want(cfg_rd(&v, msi + 2, 2) >> 1 & 7, 2);
	cfg_wr(&v, msi + 2, 2, 0xffff);
	want(cfg_rd(&v, msi + 2, 2) & 1, 0);
	want(cfg_rd(&v, msi + 2, 2) >> 4 & 7, 2);
	cfg_wr(&v, msi + 4, 4, 0xfee00000);
	want(cfg_rd(&v, msi + 4, 4), 0xfee00000);
	/* Ids and pointers are as they are. */
	before = cfg_rd(&v, pm, 4);
	cfg_wr(&v, pm, 4, ~before);
	want(cfg_rd(&v, pm, 4), before);
	/* AER is the first of the extended ones. */
	want(cfg_rd(&v, 0x100, 4) & 0xffff, 1);
	vfio_close(&v);
	v = vfio_open(FN_NVME);
	want(cfg_cap(&v, CAP_MSI), 0);
	want(cfg_rd(&v, cfg_cap(&v, CAP_MSIX) + 2, 2) & 0x7ff, 64);
	vfio_close(&v);
}

static void config_power(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint32_t pm = cfg_cap(&v, CAP_PM);
	uint32_t value;

	wr64(&v, IOAS_ENG_REG_SCRATCH, 77);
	cfg_wr(&v, pm + 4, 2, 3);
	want(cfg_rd(&v, pm + 4, 2) & 3, 3);
	want(sys_pread(v.fd, &value, 4, v.offset[0]), -EIO);
	want(sys_pwrite(v.fd, &value, 4, v.offset[0]), -EIO);
	cfg_wr(&v, pm + 4, 2, 0);
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 77);
	/* States that do not exist are not entered. */
	cfg_wr(&v, pm + 4, 2, 1);
	want(cfg_rd(&v, pm + 4, 2) & 3, 0);
	vfio_close(&v);
}

static void config_flr(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const uint32_t pos = cfg_cap(&v, CAP_EXPRESS) + 8;
	const uint32_t control = cfg_rd(&v, pos, 2);

	want(cfg_rd(&v, pos - 4, 4) >> 28 & 1, 1);
	bus_master(&v, true);
	wr64(&v, IOAS_ENG_REG_SCRATCH, 77);
	cfg_wr(&v, pos, 2, control | 0x8000);
	want(cfg_rd(&v, pos, 2), control);
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 0);
	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_MEMORY | PCI_MASTER);
	vfio_close(&v);
}

/* ---- 8: reset ----------------------------------------------------------- */

static void reset(void)
{
	struct vfio v = vfio_open(FN_DMA);
	volatile uint32_t *doors = bar_map(&v, 2, 0, PAGE);

	bus_master(&v, true);
	cfg_wr(&v, 0x10, 4, 0xabcd0000);
	wr64(&v, IOAS_ENG_REG_SCRATCH, 77);
	doors[0] = 5;
	cfg_wr(&v, cfg_cap(&v, CAP_PM) + 4, 2, 3);
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL));
	/* D0, configuration is kept, the rest is not. */
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 0);
	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_MEMORY | PCI_MASTER);
	want(cfg_rd(&v, 0x10, 4) & ~0xfu, 0xabcd0000);
	want(doors[0], 0);
	doors[0] = 6;
	want(bar_rd(&v, 2, 0, 4), 6);
	want_ok(munmap((void *)(uintptr_t)doors, PAGE));
	vfio_close(&v);
}

/* As struct ioas_abi_vfio_device_get_pci_hot_reset_info, with room. */
struct hot_info {
	uint32_t argsz, flags, count;
	struct ioas_abi_vfio_pci_dependent_device devices[4];
};

static int hot_info(int fd, struct hot_info *h, uint32_t nr)
{
	memset(h, 0, sizeof(*h));
	h->argsz = 12 + nr * 8;
	return sys_ioctl(fd, IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, h);
}

static void hot_reset_info(void)
{
	struct vfio v = vfio_open(FN_TWIN), w;
	struct hot_info h;

	h.argsz = 11;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &h),
	     -EINVAL);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
		       nowhere()), -EFAULT);
	for (uint32_t nr = 0; nr < 2; nr++) {
		want(hot_info(v.fd, &h, nr), -ENOSPC);
		want(h.count, 2);
		want(h.flags, 0);
	}
	want_ok(hot_info(v.fd, &h, 2));
	want(h.count, 2);
	want(h.flags, IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
			IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED);
	for (uint32_t i = 0; i < 2; i++) {
		const bool self = !(h.devices[i].devfn & 7);

		want(h.devices[i].segment, 0);
		want(h.devices[i].bus, 4);
		/* The other one is owned, and has no id. */
		want(h.devices[i].devid, self ? v.id : 0);
	}
	want(h.devices[0].devfn ^ h.devices[1].devfn, 1);
	w = vfio_open_at(FN_TWIN2, v.iommu);
	want_ok(hot_info(v.fd, &h, 4));
	want(h.devices[0].devid ^ h.devices[1].devid, v.id ^ w.id);
	want_ok(close(w.fd));
	vfio_close(&v);
}

static void hot_reset(void)
{
	struct vfio v = vfio_open(FN_TWIN);
	struct vfio w = vfio_open_at(FN_TWIN2, v.iommu);
	struct ioas_abi_vfio_device_pci_hot_reset s = { .argsz = 11 };
	const unsigned long cmd = IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET;

	want(sys_ioctl(v.fd, cmd, &s), -EINVAL);
	want(sys_ioctl(v.fd, cmd, nowhere()), -EFAULT);
	s.argsz = sizeof(s);
	s.flags = 1;
	want(sys_ioctl(v.fd, cmd, &s), -EINVAL);
	s.flags = 0;
	s.count = 1;
	want(sys_ioctl(v.fd, cmd, &s), -EINVAL);
	s.count = 0;
	wr64(&v, IOAS_ENG_REG_SCRATCH, 1);
	wr64(&w, IOAS_ENG_REG_SCRATCH, 2);
	want_ok(sys_ioctl(v.fd, cmd, &s));
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 0);
	want(rd64(&w, IOAS_ENG_REG_SCRATCH), 0);
	want_ok(close(w.fd));
	vfio_close(&v);
}

/* ---- 10: features -------------------------------------------------------- */

static void features(void)
{
	const uint32_t get = IOAS_ABI_VFIO_DEVICE_FEATURE_GET;
	const uint32_t set = IOAS_ABI_VFIO_DEVICE_FEATURE_SET;
	const uint32_t probe = IOAS_ABI_VFIO_DEVICE_FEATURE_PROBE;
	struct vfio v = vfio_open(FN_DMA);
	uint32_t s[16] = { sizeof(s) };

	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t how[] = { get, set, get | probe, set | probe,
					 get | set | probe, probe };

		for (unsigned int k = 0; k < 6; k++) {
			s[1] = i | how[k];
			/* Of migrations in progress: not one of ours (10). */
			want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_FEATURE, s),
			     i == 12 ? -EINVAL : -ENOTTY);
		}
		s[1] = i | get | set;
		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_FEATURE, s), -EINVAL);
		s[1] = i | get | 1u << 19;
		want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_FEATURE, s), -EINVAL);
	}
	s[0] = 7;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_FEATURE, s), -EINVAL);
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_FEATURE, nowhere()),
	     -EFAULT);
	vfio_close(&v);
}

static const struct client_case cases[] = {
	{ "before_bind", before_bind },
	{ "bind_arguments", bind_arguments },
	{ "bind_excess_is_zero", bind_excess_is_zero },
	{ "bind_order", bind_order },
	{ "bind_that_cannot_be_told_is_undone",
	  bind_that_cannot_be_told_is_undone },
	{ "a_group_has_one_owner", a_group_has_one_owner },
	{ "unknown_requests", unknown_requests },
	{ "attach_arguments", attach_arguments },
	{ "attach_reads_what_it_needs", attach_reads_what_it_needs },
	{ "attach_again", attach_again },
	{ "attach_that_cannot_be_told_is_undone",
	  attach_that_cannot_be_told_is_undone },
	{ "detach_arguments", detach_arguments },
	{ "pasids_are_of_who_has_them", pasids_are_of_who_has_them },
	{ "a_group_is_attached_as_one", a_group_is_attached_as_one },
	{ "get_info", get_info },
	{ "get_region_info", get_region_info },
	{ "get_irq_info", get_irq_info },
	{ "config_bounds", config_bounds },
	{ "config_any_width", config_any_width },
	{ "config_read_only", config_read_only },
	{ "config_command", config_command },
	{ "config_bar_sizes", config_bar_sizes },
	{ "config_capabilities", config_capabilities },
	{ "config_power", config_power },
	{ "config_flr", config_flr },
	{ "reset", reset },
	{ "hot_reset_info", hot_reset_info },
	{ "hot_reset", hot_reset },
	{ "features", features },
};

CLIENT_MAIN(cases)
