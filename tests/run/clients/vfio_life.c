/* SPDX-License-Identifier: MIT */
/*
 * vfio_life: opens and closes of a function, by its file and by its group
 * (docs/reference/vfio-device-uapi.md 1, 12)
 *
 *   the last close is that of the last descriptor, wherever it is, and the last
 *   mapping; what it undoes is seen by the next who opens (vfio_check_clean())
 */
#include "vfio_kit.h"

#include <sys/socket.h>
#include <sys/uio.h>

#define NO_FD 1000

/* May another driver have it? */
static bool is_free(unsigned int fn)
{
	const struct uclient c = iommu_open();
	const int fd = node_open(fn);
	uint32_t id;
	const int ret = bind_try(fd, c.fd, &id);

	if (ret)
		want(ret, -EINVAL);
	want_ok(close(fd));
	want_ok(close(c.fd));
	return !ret;
}

/* Something of each kind that a close has to undo. */
static void disturb(const struct vfio *v)
{
	int fds[4];

	for (unsigned int i = 0; i < 4; i++)
		fds[i] = event_new();
	bus_master(v, true);
	cfg_wr(v, 0x10, 4, 0xabcd0000);
	cfg_wr(v, 0x3c, 1, 0x47);
	irqs_set(v, MSIX, fds, 4);
	irqs_set(v, ERR, fds, 1);
	wr64(v, IOAS_ENG_REG_SCRATCH, 77);
	bar_wr(v, 2, IOAS_ENG_DOOR_TAIL(0), 4, 5);
	for (unsigned int i = 0; i < 4; i++)
		want_ok(close(fds[i]));
}

static void a_close_undoes_all(void)
{
	struct vfio v = vfio_open(FN_DMA), w = vfio_open(FN_DMA2);
	const uint32_t line = cfg_rd(&v, 0x3c, 1), bar = cfg_rd(&v, 0x10, 4);
	const uint32_t id = v.id;
	uint32_t pt;

	vfio_attach_new(&v);
	disturb(&v);
	want(uc_destroy(&v.iommu, v.ioas), -EBUSY);
	want_ok(close(v.fd));
	/* Attachment and object are gone. */
	want_ok(uc_destroy(&v.iommu, v.ioas));
	pt = ioas_new(&v.iommu);
	want(uc_hwpt(&v.iommu, id, pt, 0, &pt), -ENOENT);
	want_ok(close(v.iommu.fd));
	vfio_check_clean(FN_DMA);
	v = vfio_open(FN_DMA);
	want(cfg_rd(&v, 0x3c, 1), line);
	want(cfg_rd(&v, 0x10, 4), bar);
	vfio_close(&v);
	vfio_close(&w);
}

/* The device has a reference on its context. */
static void a_context_stays_while_it_is_used(void)
{
	struct vfio v = vfio_open_dma(FN_DMA);
	char *p = memory_shared(1);
	struct eng e = eng_new(&v, 0, IOVA, true);

	map_at(&v, p, PAGE, UC_RW, IOVA + PAGE);
	want_ok(close(v.iommu.fd));
	want_ok(eng_fill(&e, IOVA + PAGE, 0x1122334455667788, PAGE));
	want(p[0], (char)0x88);
	want_ok(close(v.fd));
	want(is_free(FN_DMA), 1);
}

static void opens_are_independent(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const int fd = node_open(FN_DMA);
	uint32_t value;

	/* What one is bound to is not the other's. */
	want(sys_pread(fd, &value, 4, v.offset[CONFIG]), -EINVAL);
	want(detach_try(fd), -EINVAL);
	want(is_free(FN_DMA), 0);
	want_ok(close(fd));
	want(rd32(&v, IOAS_ENG_REG_ID), IOAS_ENG_ID);
	vfio_close(&v);
	want(is_free(FN_DMA), 1);
}

static void the_last_copy_counts(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const int copy = (int)must(dup(v.fd));

	wr64(&v, IOAS_ENG_REG_SCRATCH, 77);
	want_ok(close(v.fd));
	v.fd = copy;
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 77);
	want(is_free(FN_DMA), 0);
	vfio_close(&v);
	want(is_free(FN_DMA), 1);
}

static void a_mapping_counts(void)
{
	struct vfio v = vfio_open(FN_DMA);
	volatile uint32_t *doors = bar_map(&v, 2, 0, PAGE);

	doors[0] = 5;
	vfio_close(&v);
	want(is_free(FN_DMA), 0);
	want(doors[0], 5);
	want_ok(munmap((void *)(uintptr_t)doors, PAGE));
	want(is_free(FN_DMA), 1);
	vfio_check_clean(FN_DMA);
}

static void a_child_counts(void)
{
	struct vfio v = vfio_open(FN_DMA);
	int go[2];
	pid_t pid;

	wr64(&v, IOAS_ENG_REG_SCRATCH, 77);
	must(pipe(go));
	pid = (pid_t)must(fork());
	if (!pid) {
		hear(go[0]);
		want(rd64(&v, IOAS_ENG_REG_SCRATCH), 77);
		want(is_free(FN_DMA), 0);
		_exit(0);
	}
	vfio_close(&v);
	want(is_free(FN_DMA), 0);
	say(go[1]);
	want_child(pid);
	want(is_free(FN_DMA), 1);
}

static void a_message_counts(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec io = { &byte, 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct vfio v = vfio_open(FN_DMA);
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	wr64(&v, IOAS_ENG_REG_SCRATCH, 77);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &v.fd, sizeof(int));
	want(sendmsg(ends[0], &m, 0), 1);
	want_ok(close(v.fd));
	want(is_free(FN_DMA), 0);
	want(recvmsg(ends[1], &m, MSG_CMSG_CLOEXEC), 1);
	memcpy(&v.fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 77);
	vfio_close(&v);
	want(is_free(FN_DMA), 1);
}

/* However it ends. */
static void a_process_that_is_killed_lets_go(void)
{
	int ready[2], status;
	pid_t pid;

	must(pipe(ready));
	pid = (pid_t)must(fork());
	if (!pid) {
		struct vfio v = vfio_open_dma(FN_DMA);

		disturb(&v);
		bar_map(&v, 2, 0, PAGE);
		say(ready[1]);
		for (;;)
			pause();
	}
	hear(ready[0]);
	want(is_free(FN_DMA), 0);
	must(kill(pid, SIGKILL));
	want(waitpid(pid, &status, 0), pid);
	want(is_free(FN_DMA), 1);
	vfio_check_clean(FN_DMA);
}

/* ---- 12: the group ------------------------------------------------------ */

static uint32_t status_of(int group)
{
	struct ioas_abi_vfio_group_get_status s = { .argsz = sizeof(s) };

	want_ok(sys_ioctl(group, IOAS_ABI_VFIO_GROUP_GET_STATUS, &s));
	return s.flags;
}

static int device_fd(int group, const char *name)
{
	return sys_ioctl(group, IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD,
			 (void *)(uintptr_t)name);
}

static int container_set(int group, int fd)
{
	return sys_ioctl(group, IOAS_ABI_VFIO_GROUP_SET_CONTAINER, &fd);
}

static int container_unset(int group)
{
	return sys_ioctl(group, IOAS_ABI_VFIO_GROUP_UNSET_CONTAINER, NULL);
}

static void group_is_opened_once(void)
{
	const int group = (int)must(group_open_try(GROUP_OF(FN_DMA)));

	want(group_open_try(GROUP_OF(FN_DMA)), -EBUSY);
	want_ok(close(group_open_try(GROUP_OF(FN_DMA2))));
	want_ok(close(group));
	want_ok(close(group_open_try(GROUP_OF(FN_DMA))));
	want(group_open_try(99), -ENOENT);
}

static void group_and_file_exclude_each_other(void)
{
	struct vfio v = vfio_open(FN_DMA);
	const struct uclient c = iommu_open();
	uint32_t id;
	int group, fd;

	want(group_open_try(GROUP_OF(FN_DMA)), -EBUSY);
	vfio_close(&v);
	group = (int)must(group_open_try(GROUP_OF(FN_DMA)));
	fd = node_open(FN_DMA);
	/* Before the descriptor is looked at (3.1, 4 and 7). */
	want(bind_try(fd, NO_FD, &id), -EBUSY);
	want(bind_try(fd, c.fd, &id), -EBUSY);
	want_ok(close(group));
	want_ok(bind_try(fd, c.fd, &id));
	want(group_open_try(GROUP_OF(FN_DMA)), -EBUSY);
	want_ok(close(fd));
	want_ok(close(c.fd));
}

static void group_status(void)
{
	const int group = (int)must(group_open_try(GROUP_OF(FN_DMA)));
	const int c = (int)must(open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
	struct ioas_abi_vfio_group_get_status s = { .argsz = 7 };
	const uint32_t viable = IOAS_ABI_VFIO_GROUP_FLAGS_VIABLE;

	want(sys_ioctl(group, IOAS_ABI_VFIO_GROUP_GET_STATUS, &s), -EINVAL);
	want(sys_ioctl(group, IOAS_ABI_VFIO_GROUP_GET_STATUS, nowhere()),
	     -EFAULT);
	want(status_of(group), viable);
	want_ok(container_set(group, c));
	want(status_of(group),
	     viable | IOAS_ABI_VFIO_GROUP_FLAGS_CONTAINER_SET);
	want_ok(container_unset(group));
	want(status_of(group), viable);
	want(sys_ioctl(group, IOAS_ABI_VFIO_DEVICE_GET_INFO, &s), -ENOTTY);
	want_ok(close(c));
	want_ok(close(group));
}

static void group_container(void)
{
	const int group = (int)must(group_open_try(GROUP_OF(FN_DMA)));
	const struct uclient c = iommu_open();
	uint32_t ioas = 0;
	char name[16];
	int fd;

	name_of(FN_DMA, name);
	want(container_unset(group), -EINVAL);
	want(device_fd(group, name), -EINVAL);
	want(sys_ioctl(group, IOAS_ABI_VFIO_GROUP_SET_CONTAINER, nowhere()),
	     -EFAULT);
	want(container_set(group, NO_FD), -EBADF);
	want(container_set(group, 0), -EBADFD);
	want(container_set(group, group), -EBADFD);
	/* An iommufd is one; with a space for it. */
	want(uc_vfio_ioas(&c, IOAS_ABI_VFIO_IOAS_GET, &ioas), -ENODEV);
	want_ok(container_set(group, c.fd));
	want_ok(uc_vfio_ioas(&c, IOAS_ABI_VFIO_IOAS_GET, &ioas));
	want(container_set(group, c.fd), -EINVAL);
	fd = (int)must(device_fd(group, name));
	want(container_unset(group), -EBUSY);
	want_ok(close(fd));
	want_ok(container_unset(group));
	want_ok(close(c.fd));
	want_ok(close(group));
}

static void group_device(void)
{
	struct vfio v = vfio_open_group(FN_DMA);
	uint32_t pt = v.ioas;

	want(fcntl(v.fd, F_GETFD), FD_CLOEXEC);
	want(device_fd(v.group, "0000:02:00.0"), -ENODEV);
	want(device_fd(v.group, "0000:01:00.00"), -ENODEV);
	want(device_fd(v.group, ""), -ENODEV);
	want(device_fd(v.group, nowhere()), -EFAULT);
	want(rd32(&v, IOAS_ENG_REG_ID), IOAS_ENG_ID);
	want(cfg_rd(&v, PCI_COMMAND, 2), PCI_MEMORY);
	want(bind_try(v.fd, v.iommu.fd, &v.id), -EINVAL);
	want(attach_try(v.fd, &pt), -ENOTTY);
	want(detach_try(v.fd), -ENOTTY);
	/* It is attached. */
	want(uc_destroy(&v.iommu, v.ioas), -EBUSY);
	vfio_close(&v);
	vfio_check_clean(FN_DMA);
}

static void group_device_does_dma(void)
{
	const uint32_t rw = IOAS_ABI_VFIO_DMA_MAP_FLAG_READ |
			    IOAS_ABI_VFIO_DMA_MAP_FLAG_WRITE;
	struct vfio v = vfio_open_group(FN_DMA);
	uint64_t *p = memory_private(2), size = 2 * PAGE;
	struct eng e;

	bus_master(&v, true);
	want_ok(uc_vfio_map(&v.iommu, va(p), IOVA + PAGE, size, rw));
	e = eng_new(&v, 0, IOVA, false);
	want_ok(eng_fill(&e, IOVA + PAGE, 4711, 2 * PAGE));
	want(p[2 * PAGE / 8 - 1], 4711);
	want_ok(uc_vfio_unmap(&v.iommu, IOVA + PAGE, &size, 0));
	want(size, 2 * PAGE);
	want(eng_fill(&e, IOVA + PAGE, 4712, 8), IOAS_ENG_FAULT);
	want(p[0], 4711);
	vfio_close(&v);
}

/* Device files keep the node open, the node its container. */
static void group_device_keeps_the_group(void)
{
	struct vfio v = vfio_open_group(FN_DMA);

	want_ok(close(v.group));
	want_ok(close(v.iommu.fd));
	want(rd32(&v, IOAS_ENG_REG_ID), IOAS_ENG_ID);
	want(group_open_try(GROUP_OF(FN_DMA)), -EBUSY);
	want_ok(close(v.fd));
	want_ok(close(group_open_try(GROUP_OF(FN_DMA))));
	want(is_free(FN_DMA), 1);
}

static void group_of_two(void)
{
	struct vfio v = vfio_open_group(FN_TWIN);
	struct ioas_abi_vfio_device_pci_hot_reset *hot;
	struct ioas_abi_vfio_device_get_pci_hot_reset_info *info;
	_Alignas(8) char room[64] = { 0 };
	struct vfio w = v;
	char name[16];

	name_of(FN_TWIN2, name);
	w.fd = (int)must(device_fd(v.group, name));
	info = (void *)room;
	info->argsz = sizeof(room);
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
			  room));
	want(info->flags, 0);
	want(info->count, 2);
	want(info->devices[0].group_id, GROUP_OF(FN_TWIN));
	want(info->devices[1].group_id, GROUP_OF(FN_TWIN));
	hot = (void *)room;
	*hot = (struct ioas_abi_vfio_device_pci_hot_reset){ .argsz = 16 };
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET, hot), -EINVAL);
	hot->count = 1;
	hot->group_fds[0] = NO_FD;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET, hot), -EBADF);
	hot->group_fds[0] = v.iommu.fd;
	want(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET, hot), -EINVAL);
	hot->group_fds[0] = v.group;
	wr64(&v, IOAS_ENG_REG_SCRATCH, 1);
	wr64(&w, IOAS_ENG_REG_SCRATCH, 2);
	want_ok(sys_ioctl(v.fd, IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET, hot));
	want(rd64(&v, IOAS_ENG_REG_SCRATCH), 0);
	want(rd64(&w, IOAS_ENG_REG_SCRATCH), 0);
	want_ok(close(w.fd));
	vfio_close(&v);
	vfio_check_clean(FN_TWIN);
	vfio_check_clean(FN_TWIN2);
}

static const struct client_case cases[] = {
	{ "a_close_undoes_all", a_close_undoes_all },
	{ "a_context_stays_while_it_is_used",
	  a_context_stays_while_it_is_used },
	{ "opens_are_independent", opens_are_independent },
	{ "the_last_copy_counts", the_last_copy_counts },
	{ "a_mapping_counts", a_mapping_counts },
	{ "a_child_counts", a_child_counts },
	{ "a_message_counts", a_message_counts },
	{ "a_process_that_is_killed_lets_go",
	  a_process_that_is_killed_lets_go },
	{ "group_is_opened_once", group_is_opened_once },
	{ "group_and_file_exclude_each_other",
	  group_and_file_exclude_each_other },
	{ "group_status", group_status },
	{ "group_container", group_container },
	{ "group_device", group_device },
	{ "group_device_does_dma", group_device_does_dma },
	{ "group_device_keeps_the_group", group_device_keeps_the_group },
	{ "group_of_two", group_of_two },
};

CLIENT_MAIN(cases)
