/* SPDX-License-Identifier: MIT */
/*
 * dispatch: the table of commands, and what is the same for all of them
 *
 * The struct is copied once, after its size has been checked; the size in the
 * copy is the one that was checked, whatever the program does meanwhile. What a
 * handler made stays invisible until it has succeeded, copy-out included.
 *
 * (docs/reference/iommufd-uapi.md 3.2, 3.3)
 */
#include "uapi/command.h"

#include "base/bits.h"
#include "base/errno.h"

#define NR_FIRST 0x80u
#define NR_LAST 0x94u
#define NR_TEST 0xa0u

struct command {
	uint32_t cmd;
	uint16_t size;
	uint16_t min;
	/* It undoes something: no fault point may make it fail. */
	bool release;
	ioas_ucmd_fn *fn;
};

#define COMMAND_MIN(NAME, name, least, ...)                              \
	[IOAS_ABI_##NAME - IOAS_ABI_DESTROY] = {                         \
		.cmd = IOAS_ABI_##NAME,                                  \
		.size = sizeof(struct ioas_abi_##name),                  \
		.min = (least),                                          \
		.fn = ioas_cmd_##name,                                   \
		__VA_ARGS__                                              \
	}
#define COMMAND(NAME, name, ...) \
	COMMAND_MIN(NAME, name, sizeof(struct ioas_abi_##name), __VA_ARGS__)

static const struct command commands[] = {
	COMMAND(DESTROY, destroy, .release = true),
	COMMAND(IOAS_ALLOC, ioas_alloc),
	COMMAND(IOAS_ALLOW_IOVAS, ioas_allow_iovas),
	COMMAND(IOAS_COPY, ioas_copy),
	COMMAND(IOAS_IOVA_RANGES, ioas_iova_ranges),
	COMMAND(IOAS_MAP, ioas_map),
	COMMAND(IOAS_UNMAP, ioas_unmap, .release = true),
	COMMAND(OPTION, option),
	COMMAND(VFIO_IOAS, vfio_ioas),
	COMMAND_MIN(HWPT_ALLOC, hwpt_alloc, IOAS_ABI_HWPT_ALLOC_MIN_SIZE),
	COMMAND_MIN(GET_HW_INFO, get_hw_info, IOAS_ABI_GET_HW_INFO_MIN_SIZE),
	COMMAND(HWPT_SET_DIRTY_TRACKING, hwpt_set_dirty_tracking),
	COMMAND(HWPT_GET_DIRTY_BITMAP, hwpt_get_dirty_bitmap),
	COMMAND(HWPT_INVALIDATE, hwpt_invalidate),
	COMMAND(FAULT_QUEUE_ALLOC, fault_queue_alloc),
	COMMAND(IOAS_MAP_FILE, ioas_map_file),
	COMMAND_MIN(VIOMMU_ALLOC, viommu_alloc, IOAS_ABI_VIOMMU_ALLOC_MIN_SIZE),
	COMMAND(VDEVICE_ALLOC, vdevice_alloc),
	COMMAND(IOAS_CHANGE_PROCESS, ioas_change_process),
	COMMAND_MIN(VEVENTQ_ALLOC, veventq_alloc,
		    IOAS_ABI_VEVENTQ_ALLOC_MIN_SIZE),
	COMMAND(HW_QUEUE_ALLOC, hw_queue_alloc),
};

static const struct command test_command = {
	.cmd = IOAS_ABI_TEST_CMD,
	.size = sizeof(struct ioas_abi_test_cmd),
	.min = IOAS_ABI_TEST_CMD_MIN_SIZE,
	.fn = ioas_cmd_test,
};

_Static_assert(IOAS_ARRAY_SIZE(commands) == NR_LAST - NR_FIRST + 1,
	       "every number has a command");
_Static_assert(sizeof(struct ioas_abi_test_cmd) <= IOAS_UCMD_MAX,
	       "the largest struct");

/* What a command's copy is; aligned for every struct. */
union ucmd_room {
	uint64_t align;
	uint8_t bytes[IOAS_UCMD_MAX];
	/* Every struct begins with its size. */
	uint32_t size;
	struct ioas_abi_test_cmd test;
	struct ioas_abi_vfio_iommu_get_info vfio_info;
	struct ioas_abi_vfio_iommu_map_dma vfio_map;
	struct ioas_abi_vfio_iommu_unmap_dma vfio_unmap;
};

static const struct command *command_find(const struct ioas_iommufd *ictx,
					  uint32_t cmd)
{
	const uint32_t nr = cmd & 0xff;
	const struct command *c = NULL;

	if (nr == NR_TEST && ictx->uapi->mock)
		c = &test_command;
	else if (nr <= NR_LAST)
		c = &commands[nr - NR_FIRST];
	return c && c->cmd == cmd ? c : NULL;
}

int ioas_ucmd_respond(struct ioas_ucmd *ucmd)
{
	return ioas_copy_to(ucmd->user, ucmd->cmd,
			    ioas_min(ucmd->user_size, ucmd->size));
}

int ioas_ucmd_object(struct ioas_ucmd *ucmd,
		     const struct ioas_object_class *class,
		     struct ioas_object **out)
{
	int ret = ioas_object_alloc(ucmd->ictx, class, out);

	if (!ret)
		ucmd->new_object = *out;
	return ret;
}

int ioas_ucmd_file(struct ioas_ucmd *ucmd, struct ioas_ufile *file,
		   unsigned int flags, int32_t *fd)
{
	struct ioas_host *host = ucmd->ictx->uapi->host;
	int ret = ioas_fault_point(IOAS_FP_FD) ?
			  -ENOMEM :
			  host->ops->fd_reserve(host, file, flags, fd);

	if (ret) {
		ioas_ufile_put(file);
		return ret;
	}
	ucmd->new_fd = *fd;
	ucmd->new_file = file;
	return 0;
}

/* The command worked: everybody may see what it made. */
static void ucmd_commit(struct ioas_ucmd *ucmd)
{
	if (ucmd->new_object)
		ioas_object_publish(ucmd->new_object);
	if (ucmd->new_file) {
		struct ioas_host *host = ucmd->ictx->uapi->host;

		host->ops->fd_commit(host, ucmd->new_fd, ucmd->new_file);
	}
}

/* A file is a user of its object, so it goes first. */
static void ucmd_undo(struct ioas_ucmd *ucmd)
{
	if (ucmd->new_file) {
		struct ioas_host *host = ucmd->ictx->uapi->host;

		host->ops->fd_cancel(host, ucmd->new_fd);
		ioas_ufile_put(ucmd->new_file);
	}
	if (ucmd->new_object)
		ioas_object_abort(ucmd->new_object);
}

static int ucmd_run(const struct command *c, struct ioas_ucmd *ucmd)
{
	int ret = c->fn(ucmd);

	if (ret < 0)
		ucmd_undo(ucmd);
	else
		ucmd_commit(ucmd);
	return ret;
}

/* Nothing that releases may fail because a fault is injected. */
static int ucmd_run_release(const struct command *c, struct ioas_ucmd *ucmd)
{
	struct ioas_fault *fault = ioas_faults_off();
	int ret = ucmd_run(c, ucmd);

	ioas_faults_on(fault);
	return ret;
}

/*
 * The rules of 3.2 step by step, for a struct that cannot be read as far as we
 * know it, or is not of the size that we know. @c is NULL: no such command.
 */
static int ucmd_read(struct ioas_ucmd *ucmd, const struct command *c,
		     union ucmd_room *room)
{
	uint32_t copied;
	int ret = ioas_copy_from_sure(&ucmd->user_size, ucmd->user,
				      sizeof(ucmd->user_size));

	if (ret)
		return ret;
	if (!c)
		return -ENOTTY;
	if (ucmd->user_size < c->min)
		return -EINVAL;
	if (ucmd->user_size > c->size) {
		/* It may be a release; who may fail has a point behind this. */
		struct ioas_fault *fault = ioas_faults_off();

		ret = ioas_check_zero(ucmd->user + c->size,
				      ucmd->user_size - c->size);
		ioas_faults_on(fault);
		if (ret)
			return ret;
	}
	copied = (uint32_t)ioas_min(ucmd->user_size, c->size);
	ret = ioas_copy_from_sure(room, ucmd->user, copied);
	if (ret)
		return ret;
	memset(room->bytes + copied, 0, c->size - copied);
	/* The size that was checked, whatever it says now. */
	room->size = ucmd->user_size;
	return 0;
}

/* The usual case in one copy: a struct of just the size that we know. */
static bool ucmd_read_fast(struct ioas_ucmd *ucmd, const struct command *c,
			   union ucmd_room *room)
{
	if (!c || ioas_copy_from_sure(room, ucmd->user, c->size) ||
	    room->size != c->size)
		return false;
	ucmd->user_size = c->size;
	return true;
}

static int64_t ucmd_ioctl(struct ioas_ucmd *ucmd, union ucmd_room *room,
			  uint32_t cmd)
{
	const uint32_t nr = cmd & 0xff;
	const uint32_t last = ucmd->ictx->uapi->mock ? NR_TEST : NR_LAST;
	const struct command *c;
	bool release;

	if (nr < NR_FIRST || nr > last)
		return ioas_vfio_ioctl(ucmd, cmd);
	c = command_find(ucmd->ictx, cmd);
	if (!ucmd_read_fast(ucmd, c, room)) {
		int ret = ucmd_read(ucmd, c, room);

		if (ret)
			return ret;
	}
	ioas_ucmd_copied(ucmd, c->size);
	release = c->release || (c == &test_command &&
				 ioas_test_op_releases(room->test.op));
	if (release && ioas_faults_armed())
		return ucmd_run_release(c, ucmd);
	if (!release && ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	return ucmd_run(c, ucmd);
}

/* For a host that wants to know: the request as it came is kept aside. */
static __attribute__((noinline)) int64_t
ucmd_ioctl_told(struct ioas_ucmd *ucmd, union ucmd_room *room, uint32_t cmd)
{
	struct ioas_host *host = ucmd->ictx->uapi->host;
	union ucmd_room in;
	struct ioas_host_command told = {
		.ictx = ucmd->ictx,
		.cmd = cmd,
		.in = &in,
		.out = room,
	};

	ucmd->in = &in;
	told.result = ucmd_ioctl(ucmd, room, cmd);
	told.size = ucmd->size;
	host->ops->command(host, &told);
	return told.result;
}

int64_t ioas_iommufd_ioctl(struct ioas_iommufd *ictx, uint32_t cmd,
			   uint64_t arg)
{
	union ucmd_room room;
	struct ioas_ucmd ucmd = {
		.ictx = ictx,
		.user = arg,
		.cmd = &room,
		.new_fd = -1,
	};

	if (ioas_unlikely(ioas_host_of(ictx)->command != NULL))
		return ucmd_ioctl_told(&ucmd, &room, cmd);
	return ucmd_ioctl(&ucmd, &room, cmd);
}
