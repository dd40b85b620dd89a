/* SPDX-License-Identifier: MIT */
/*
 * vfio_failnth: what a driver does, with the 1st, 2nd, ... point failing
 *
 *   n = 1, 2, ...   fail-nth = n; a driver's life up to the first error; close
 *                   until fail-nth says that there were fewer points than n
 *
 * After each the function is as new, and a driver without failures has it.
 */
#include "vfio_kit.h"

#define DATA (IOVA + UINT64_C(0x1000000))

static int nth_fd;

/* Allocations that may wait are no points before that: for who may say so. */
static void every_allocation(void)
{
	const int fd = open("/sys/kernel/debug/failslab/ignore-gfp-wait",
			    O_WRONLY);

	if (fd < 0)
		return;
	want(write(fd, "N", 1), 1);
	want_ok(close(fd));
}

/* Open, and what is needed to close. */
struct life {
	int fd, iommu, group, events[4];
	void *doors, *memory;
};

static int step_open(struct life *l)
{
	l->iommu = iommu_open_flags(O_RDWR | O_CLOEXEC);
	if (l->iommu < 0)
		return -errno;
	l->fd = node_open_try(FN_DMA);
	return l->fd < 0 ? l->fd : 0;
}

static int step_attach(struct life *l)
{
	const struct uclient c = iommu_at(l->iommu);
	uint32_t id, ioas = 0, pt;
	int ret = bind_try(l->fd, l->iommu, &id);

	if (!ret)
		ret = uc_ioas_alloc(&c, &ioas);
	pt = ioas;
	if (!ret)
		ret = attach_try(l->fd, &pt);
	if (!ret)
		ret = uc_map_fixed(&c, ioas, va(l->memory), PAGE, UC_RW, DATA);
	pt = ioas;
	if (!ret)
		ret = attach_try(l->fd, &pt);
	if (!ret)
		ret = uc_hwpt(&c, id, ioas, IOAS_ABI_HWPT_ALLOC_PASID, &pt);
	if (!ret)
		ret = attach_try(l->fd, &pt);
	if (!ret)
		ret = attach_pasid_try(l->fd, 5, &pt);
	return ret ? ret : detach_pasid_try(l->fd, 5);
}

static int step_look(struct life *l)
{
	struct ioas_abi_vfio_device_get_info info = { .argsz = sizeof(info) };
	struct ioas_abi_vfio_device_get_region_info region = {
		.argsz = sizeof(region), .index = 2,
	};
	struct ioas_abi_vfio_device_get_irq_info irq = { .argsz = sizeof(irq),
							 .index = MSIX };
	int ret = sys_ioctl(l->fd, IOAS_ABI_VFIO_DEVICE_GET_INFO, &info);

	if (!ret)
		ret = sys_ioctl(l->fd, IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO,
				&region);
	if (!ret)
		ret = sys_ioctl(l->fd, IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, &irq);
	if (ret)
		return ret;
	l->doors = sys_mmap(l->fd, PAGE, PROT_READ, MAP_SHARED, region.offset);
	return l->doors ? 0 : -errno;
}

static int step_interrupts(struct life *l)
{
	struct ioas_abi_vfio_device_ioeventfd io = {
		.argsz = sizeof(io), .flags = 4, .fd = l->events[0],
		.offset = (UINT64_C(0x10) << 40) + IOAS_ENG_REG_SCRATCH,
	};
	int ret = irqs(l->fd, EVENTFD | TRIGGER, MSIX, 0, 4, l->events);

	if (!ret)
		ret = irqs(l->fd, EVENTFD | TRIGGER, REQ, 0, 1, l->events);
	if (!ret)
		ret = irqs(l->fd, NONE | TRIGGER, MSIX, 0, 0, NULL);
	if (!ret)
		ret = irqs(l->fd, EVENTFD | TRIGGER, INTX, 0, 1, l->events);
	if (!ret)
		ret = irqs(l->fd, EVENTFD | UNMASK, INTX, 0, 1, l->events + 1);
	if (!ret)
		ret = sys_ioctl(l->fd, IOAS_ABI_VFIO_DEVICE_IOEVENTFD, &io);
	return ret;
}

static int step_access(struct life *l)
{
	const uint64_t config = (uint64_t)CONFIG << 40;
	uint64_t value = 6;
	int64_t ret = sys_pwrite(l->fd, &value, 2, config + PCI_COMMAND);

	if (ret == 2)
		ret = sys_pread(l->fd, &value, 8, (UINT64_C(0x10) << 40));
	if (ret == 8)
		ret = sys_pwrite(l->fd, &value, 8, (UINT64_C(0x10) << 40));
	return ret == 8 ? sys_ioctl(l->fd, IOAS_ABI_VFIO_DEVICE_RESET, NULL) :
			  (int)ret;
}

/* The same function by its group. */
static int step_group(struct life *l)
{
	char name[16];
	int ret;

	if (l->doors)
		munmap(l->doors, PAGE);
	l->doors = NULL;
	close(l->fd);
	l->group = group_open_try(GROUP_OF(FN_DMA));
	if (l->group < 0)
		return l->group;
	name_of(FN_DMA, name);
	ret = sys_ioctl(l->group, IOAS_ABI_VFIO_GROUP_SET_CONTAINER, &l->iommu);
	if (ret)
		return ret;
	l->fd = sys_ioctl(l->group, IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD, name);
	return l->fd < 0 ? l->fd : 0;
}

static int (*const steps[])(struct life *l) = {
	step_open,	 step_attach, step_look,
	step_interrupts, step_access, step_group,
};

static int live(void)
{
	struct life l = { .fd = -1, .iommu = -1, .group = -1 };
	int ret = 0;

	l.memory = memory_shared(1);
	for (unsigned int i = 0; i < 4; i++)
		l.events[i] = event_new();
	for (unsigned int i = 0; !ret && i < sizeof(steps) / sizeof(steps[0]);
	     i++)
		ret = steps[i](&l);
	if (l.doors)
		munmap(l.doors, PAGE);
	close(l.fd);
	close(l.group);
	close(l.iommu);
	for (unsigned int i = 0; i < 4; i++)
		want_ok(close(l.events[i]));
	want_ok(munmap(l.memory, PAGE));
	return ret;
}

static void nth_set(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	/* The point may be in this call: then it is over. */
	if (pwrite(nth_fd, text, strlen(text), 0) < 0)
		want(pwrite(nth_fd, text, strlen(text), 0), strlen(text));
}

/* Points that are left, to none; the look itself may be the one that fails. */
static int nth_left(void)
{
	char text[16] = "";
	const ssize_t ret = pread(nth_fd, text, sizeof(text) - 1, 0);

	return ret < 0 ? 0 : atoi(text);
}

int main(void)
{
	unsigned int n = 0, failed = 0;
	int left = 0;

	every_allocation();
	nth_fd = (int)must(open("/proc/thread-self/fail-nth",
				O_RDWR | O_CLOEXEC));
	want_ok(live());
	while (!left) {
		int ret;

		want(n < 5000, 1);
		nth_set(++n);
		ret = live();
		left = nth_left();
		nth_set(0);
		/* Memory, a copy, a look-up, hardware that does not go with it. */
		want(!ret || ret == -ENOMEM || ret == -EFAULT ||
		     ret == -ENOENT || ret == -EINVAL, 1);
		failed += ret < 0;
		vfio_check_clean(FN_DMA);
	}
	/* All but the last ones, which what comes after looks hit. */
	want(failed > 20, 1);
	want_ok(live());
	printf("%u points, %u failures\n", n, failed);
	return 0;
}
