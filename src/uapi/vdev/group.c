/* SPDX-License-Identifier: MIT */
/*
 * group: functions by the legacy node of their group
 * (docs/reference/vfio-device-uapi.md 12, iommufd-uapi.md 11.7)
 *
 *   [closed] --open--> [open] --SET_CONTAINER--> [container] --GET_DEVICE_FD-->
 *      ^                 | ^                      | |            device files,
 *      '---last close----' '---UNSET_CONTAINER----' '-- -EBUSY   each keeps the
 *                                                                node open
 *
 * A container is an iommufd, by whichever name it was opened; what a device is
 * attached to is its compat IOAS.
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

#define NAME_MAX_LENGTH 128u

/* An open of the node. */
struct vgroup_file {
	struct ioas_ufile file;
	struct ioas_vgroup *g;
};

static struct vgroup_file *file_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct vgroup_file, file);
}

/* ---- container ---------------------------------------------------------- */

static int64_t group_get_status(struct ioas_vgroup *g, uint64_t arg)
{
	struct ioas_abi_vfio_group_get_status status;
	int ret = ioas_copy_from(&status, arg, sizeof(status));

	if (ret)
		return ret;
	if (status.argsz < sizeof(status))
		return -EINVAL;
	status.flags = IOAS_ABI_VFIO_GROUP_FLAGS_VIABLE;
	ioas_vgroup_lock(g);
	if (g->container)
		status.flags |= IOAS_ABI_VFIO_GROUP_FLAGS_CONTAINER_SET;
	ioas_vgroup_unlock(g);
	return ioas_copy_to(arg, &status, sizeof(status));
}

static int container_set(struct ioas_vgroup *g, struct ioas_ufile *f)
	__must_hold(g->lock)
{
	struct ioas_iommufd *ictx = f ? ioas_iommufd_of_file(f) : NULL;
	int ret;

	if (g->container)
		return -EINVAL;
	if (!ictx)
		return -EBADFD;
	ret = ioas_vfio_compat_make(ictx);
	if (ret)
		return ret;
	g->container = ioas_iommufd_get(ictx);
	atomic_store(&ictx->vfio_holes, ioas_vdev_holes);
	return 0;
}

static int64_t group_set_container(struct ioas_vgroup *g, uint64_t arg)
{
	struct ioas_host *host = g->uapi->host;
	struct ioas_ufile *f = NULL;
	int32_t fd;
	int ret = ioas_copy_from(&fd, arg, sizeof(fd));

	if (ret)
		return ret;
	ret = host->ops->fd_get(host, fd, &f);
	if (ret == -EBADF)
		return ret;
	if (ret)
		f = NULL;
	ioas_vgroup_lock(g);
	ret = container_set(g, f);
	ioas_vgroup_unlock(g);
	ioas_ufile_put(f);
	return ret;
}

static int64_t group_unset_container(struct ioas_vgroup *g)
{
	struct ioas_iommufd *ictx = NULL;
	int ret = 0;

	ioas_vgroup_lock(g);
	if (!g->container) {
		ret = -EINVAL;
	} else if (g->nr_devices) {
		ret = -EBUSY;
	} else {
		ictx = g->container;
		g->container = NULL;
	}
	ioas_vgroup_unlock(g);
	ioas_iommufd_put(ictx);
	return ret;
}

/* ---- a device ----------------------------------------------------------- */

/*
 * The string at @user, by pieces that no page border cuts. Return: 0, -EFAULT,
 * -EINVAL (too long).
 */
static int string_read(char name[NAME_MAX_LENGTH], uint64_t user)
{
	for (uint32_t have = 0; have < NAME_MAX_LENGTH;) {
		const uint32_t n = (uint32_t)ioas_min(16 - ((user + have) & 15),
						      NAME_MAX_LENGTH - have);
		int ret = ioas_copy_from(name + have, user + have, n);

		if (ret)
			return ret;
		for (uint32_t i = 0; i < n; i++)
			if (!name[have + i])
				return 0;
		have += n;
	}
	return -EINVAL;
}

/* What follows @word in @s, if it begins with it; NULL: it does not. */
static const char *after(const char *s, const char *word)
{
	for (; *word; s++, word++)
		if (*s != *word)
			return NULL;
	return s;
}

/* The function that @name means; what is given beside is not for us. */
static int vdev_find(const struct ioas_vgroup *g, const char *name,
		     struct ioas_vdev **out)
{
	ioas_list_for_each(l, &g->vdevs) {
		struct ioas_vdev *v =
			ioas_list_entry(l, struct ioas_vdev, link);
		const char *rest = after(name, v->name);

		if (!rest || (*rest && *rest != ' '))
			continue;
		*out = v;
		return *rest ? -EINVAL : 0;
	}
	return -ENODEV;
}

/* Bound, attached to the compat IOAS: counted. */
static int device_use(struct ioas_vgroup *g, struct ioas_vdev *v)
	__must_hold(g->lock)
{
	uint32_t pt_id;
	int ret;

	ioas_assert_held(&v->vgroup->lock);
	if (!g->container)
		return -EINVAL;
	if (v->users)
		return ioas_vdev_use(v, g->container);
	ret = ioas_vfio_compat_id(g->container, &pt_id);
	if (!ret)
		ret = ioas_vdev_use(v, g->container);
	if (ret)
		return ret;
	ret = ioas_idev_attach(v->idev, IOAS_PASID_RID, &pt_id);
	if (ret)
		ioas_vdev_unuse(v);
	return ret;
}

/* A bound file in *@out, or an error and nothing. */
static int device_open(struct vgroup_file *f, struct ioas_vdev *v,
		       struct ioas_vdev_file **out)
{
	struct ioas_vgroup *g = f->g;
	struct ioas_vdev_file *file;
	int ret = ioas_vdev_file_create(v, &f->file, &file);

	if (ret)
		return ret;
	ioas_vgroup_lock(g);
	/* The file goes the way of every other, if this fails. */
	g->nr_devices++;
	ret = device_use(g, v);
	if (!ret)
		atomic_store_explicit(&file->bound, true, memory_order_release);
	ioas_vgroup_unlock(g);
	if (ret)
		ioas_ufile_put(&file->file);
	else
		*out = file;
	return ret;
}

static int64_t group_get_device_fd(struct vgroup_file *f, uint64_t arg)
{
	struct ioas_host *host = f->g->uapi->host;
	char name[NAME_MAX_LENGTH];
	struct ioas_vdev_file *file = NULL;
	struct ioas_vdev *v = NULL;
	int32_t fd;
	int ret = string_read(name, arg);

	if (!ret)
		ret = vdev_find(f->g, name, &v);
	if (!ret)
		ret = device_open(f, v, &file);
	if (ret)
		return ret;
	ret = ioas_fault_point(IOAS_FP_FD) ?
		      -ENOMEM :
		      host->ops->fd_reserve(host, &file->file, IOAS_FD_CLOEXEC,
					    &fd);
	if (ret) {
		ioas_ufile_put(&file->file);
		return ret;
	}
	host->ops->fd_commit(host, fd, &file->file);
	return fd;
}

void ioas_vgroup_device_gone(struct ioas_vgroup *g)
{
	ioas_assert_held(&g->lock);
	g->nr_devices--;
}

/* ---- the node ----------------------------------------------------------- */

static int64_t file_ioctl(struct ioas_ufile *ufile, uint32_t cmd, uint64_t arg)
{
	struct vgroup_file *f = file_of(ufile);

	switch (cmd) {
	case IOAS_ABI_VFIO_GROUP_GET_STATUS:
		return group_get_status(f->g, arg);
	case IOAS_ABI_VFIO_GROUP_SET_CONTAINER:
		return group_set_container(f->g, arg);
	case IOAS_ABI_VFIO_GROUP_UNSET_CONTAINER:
		return group_unset_container(f->g);
	case IOAS_ABI_VFIO_GROUP_GET_DEVICE_FD:
		return group_get_device_fd(f, arg);
	}
	return -ENOTTY;
}

/* Device files keep the node open, so there is none. */
static void file_release(struct ioas_ufile *ufile)
{
	struct vgroup_file *f = file_of(ufile);
	struct ioas_vgroup *g = f->g;
	struct ioas_iommufd *ictx;

	ioas_vgroup_lock(g);
	IOAS_CHECK(g->nr_devices);
	ictx = g->container;
	g->container = NULL;
	g->opened = NULL;
	ioas_vgroup_unlock(g);
	ioas_iommufd_put(ictx);
	ioas_free(f, sizeof(*f));
}

static const struct ioas_ufile_ops vgroup_file_ops = {
	.name = "/dev/vfio/group",
	.ioctl = file_ioctl,
	.release = file_release,
};

struct ioas_vgroup *ioas_vgroup_of_file(struct ioas_ufile *f)
{
	return f->ops == &vgroup_file_ops ? file_of(f)->g : NULL;
}

/* Is a function in use? While the node is closed: through its own file. */
static bool group_busy(const struct ioas_vgroup *g)
{
	ioas_list_for_each(l, &g->vdevs)
		if (ioas_list_entry(l, struct ioas_vdev, link)->users)
			return true;
	return g->opened;
}

int ioas_vgroup_open(struct ioas_vgroup *g, struct ioas_ufile **out)
{
	struct vgroup_file *f = ioas_zalloc(sizeof(*f), IOAS_FP_ALLOC_RECORD);
	bool busy;

	if (!f)
		return -ENOMEM;
	ioas_ufile_init(&f->file, &vgroup_file_ops);
	f->g = g;
	ioas_vgroup_lock(g);
	busy = group_busy(g);
	if (!busy)
		g->opened = &f->file;
	ioas_vgroup_unlock(g);
	if (busy) {
		ioas_free(f, sizeof(*f));
		return -EBUSY;
	}
	*out = &f->file;
	return 0;
}
