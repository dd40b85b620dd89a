/* SPDX-License-Identifier: MIT */
/*
 * reset: of a function, and of all that share its slot
 * (docs/reference/vfio-device-uapi.md 8)
 *
 * The functions of a group are what a hot reset reaches. A group has one owner,
 * so all of them are owned by who can ask.
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

static struct ioas_vdev *vdev_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct ioas_vdev, link);
}

int64_t ioas_vdev_reset(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_vdev *v = f->v;
	int ret;

	(void)arg;
	if (!v->ops->reset)
		return -EINVAL;
	ioas_vgroup_lock(v->vgroup);
	ret = v->ops->reset(v);
	ioas_vgroup_unlock(v->vgroup);
	return ret;
}

static uint32_t group_count(const struct ioas_vgroup *g)
{
	uint32_t nr = 0;

	ioas_list_for_each(l, &g->vdevs)
		nr++;
	return nr;
}

static bool group_resets(const struct ioas_vgroup *g)
{
	ioas_list_for_each(l, &g->vdevs)
		if (!vdev_of(l)->ops->reset)
			return false;
	return true;
}

/* What the reset of @f's function does to @v. */
static struct ioas_abi_vfio_pci_dependent_device
entry_of(const struct ioas_vdev_file *f, const struct ioas_vdev *v)
{
	struct ioas_abi_vfio_pci_dependent_device entry = {
		.devid = IOAS_ABI_VFIO_PCI_DEVID_OWNED,
		.segment = v->segment,
		.bus = v->bus,
		.devfn = v->devfn,
	};

	if (f->group)
		entry.group_id = v->vgroup->id;
	else if (v->idev)
		entry.devid = v->idev->obj.id;
	return entry;
}

/* All of @g, @count of them; written with no lock held, as memory may wait. */
static int entries_write(const struct ioas_vdev_file *f, struct ioas_vgroup *g,
			 uint32_t count, uint64_t to)
{
	struct ioas_abi_vfio_pci_dependent_device *entries;
	const size_t size = count * sizeof(*entries);
	uint32_t i = 0;
	int ret;

	entries = ioas_zalloc(size, IOAS_FP_ALLOC_LIST);
	if (!entries)
		return -ENOMEM;
	ioas_vgroup_lock(g);
	ioas_list_for_each(l, &g->vdevs)
		entries[i++] = entry_of(f, vdev_of(l));
	ioas_vgroup_unlock(g);
	ret = ioas_copy_to(to, entries, size);
	ioas_free(entries, size);
	return ret;
}

int64_t ioas_vdev_get_pci_hot_reset_info(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_get_pci_hot_reset_info info;
	struct ioas_vgroup *g = f->v->vgroup;
	uint64_t room;
	int ret = ioas_copy_from(&info, arg, sizeof(info));

	if (ret)
		return ret;
	if (info.argsz < sizeof(info))
		return -EINVAL;
	if (!group_resets(g))
		return -ENODEV;
	room = (info.argsz - sizeof(info)) /
	       sizeof(struct ioas_abi_vfio_pci_dependent_device);
	info.flags = 0;
	info.count = group_count(g);
	if (room < info.count) {
		ret = ioas_copy_to(arg, &info, sizeof(info));
		return ret ? ret : -ENOSPC;
	}
	if (!f->group)
		info.flags = IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID |
			     IOAS_ABI_VFIO_PCI_HOT_RESET_FLAG_DEV_ID_OWNED;
	ret = entries_write(f, g, info.count, arg + sizeof(info));
	return ret ? ret : ioas_copy_to(arg, &info, sizeof(info));
}

/* ---- hot reset ---------------------------------------------------------- */

/* Is @fd the node of @g? Return: 0; -EBADF; -EINVAL: it is something else. */
static int group_fd_check(struct ioas_host *host, int32_t fd,
			  const struct ioas_vgroup *g, bool *ours)
{
	struct ioas_ufile *f;
	struct ioas_vgroup *other;
	int ret = host->ops->fd_get(host, fd, &f);

	if (ret)
		return ret;
	other = ioas_vgroup_of_file(f);
	*ours |= other == g;
	ioas_ufile_put(f);
	return other ? 0 : -EINVAL;
}

/* Who asks through the group proves that by a descriptor of it. */
static int owner_check(const struct ioas_vdev_file *f, uint64_t fds,
		       uint32_t count)
{
	struct ioas_host *host = ioas_vdev_host(f->v);
	bool ours = false;

	if (!f->group)
		return 0;
	/* As many groups as functions, at most. */
	if (count > group_count(f->v->vgroup))
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) {
		int32_t fd;
		int ret = ioas_copy_from(&fd, fds + i * sizeof(fd), sizeof(fd));

		if (!ret)
			ret = group_fd_check(host, fd, f->v->vgroup, &ours);
		if (ret)
			return ret;
	}
	return ours ? 0 : -EINVAL;
}

/* Every one is tried; the first error is the answer. */
static int reset_all(struct ioas_vgroup *g) __must_hold(g->lock)
{
	int ret = 0;

	ioas_assert_held(&g->lock);
	ioas_list_for_each(l, &g->vdevs) {
		struct ioas_vdev *v = vdev_of(l);
		int one = v->ops->reset(v);

		ret = ret ? ret : one;
	}
	return ret;
}

int64_t ioas_vdev_pci_hot_reset(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_pci_hot_reset hot;
	struct ioas_vgroup *g = f->v->vgroup;
	int ret = ioas_copy_from(&hot, arg, sizeof(hot));

	if (ret)
		return ret;
	if (hot.argsz < sizeof(hot) || hot.flags || !hot.count != !f->group)
		return -EINVAL;
	if (!group_resets(g))
		return -ENODEV;
	ret = owner_check(f, arg + sizeof(hot), hot.count);
	if (ret)
		return ret;
	ioas_vgroup_lock(g);
	ret = reset_all(g);
	ioas_vgroup_unlock(g);
	return ret;
}
