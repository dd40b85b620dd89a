/* SPDX-License-Identifier: MIT */
/*
 * cdev: files of a function: bind, attach, detach, close
 * (docs/reference/vfio-device-uapi.md 1 to 3)
 *
 *   open --> [unbound] --BIND--> [bound] --every other request--> info, irqs,
 *                |                  |                             reset, ...
 *                | anything else    ' last close: interrupts off, disable,
 *                ' -EINVAL            detach all, unbind
 *
 * A file that came from the group's node begins in the bound state.
 *
 * What a program is told is written with no lock held: a page of it may be slow
 * to come, and others have files in the group. What cannot be told is undone.
 */
#include "seam/fault.h"
#include "uapi/vdev/impl.h"

static struct ioas_vdev_file *file_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct ioas_vdev_file, file);
}

static bool is_bound(struct ioas_vdev_file *f)
{
	return atomic_load_explicit(&f->bound, memory_order_acquire);
}

/* ---- users -------------------------------------------------------------- */

int ioas_vdev_use(struct ioas_vdev *v, struct ioas_iommufd *ictx)
{
	struct ioas_idev *idev;
	int ret;

	ioas_assert_held(&v->vgroup->lock);
	if (v->users) {
		v->users++;
		return 0;
	}
	ret = ioas_idev_bind(ictx, &v->dev, 0, &idev);
	if (ret)
		return ret;
	ret = ioas_fault_point(IOAS_FP_DEVICE) ? -ENOMEM : v->ops->enable(v);
	if (ret) {
		ioas_idev_unbind(idev);
		return ret;
	}
	v->idev = idev;
	v->users = 1;
	return 0;
}

void ioas_vdev_unuse(struct ioas_vdev *v)
{
	ioas_assert_held(&v->vgroup->lock);
	if (--v->users)
		return;
	ioas_vdev_ioeventfds_fini(v);
	ioas_vdev_irqs_fini(v);
	v->ops->disable(v);
	ioas_idev_unbind(v->idev);
	v->idev = NULL;
}

/* ---- bind --------------------------------------------------------------- */

/* The context behind a descriptor, with a reference. 0, -EBADF, -EBADFD. */
static int context_get(struct ioas_host *host, int32_t fd,
		       struct ioas_iommufd **out)
{
	struct ioas_ufile *f;
	int ret = host->ops->fd_get(host, fd, &f);

	if (ret)
		return ret == -EBADF ? ret : -EBADFD;
	*out = ioas_iommufd_of_file(f);
	if (*out)
		ioas_iommufd_get(*out);
	ioas_ufile_put(f);
	return *out ? 0 : -EBADFD;
}

/* Steps 3 to 10. @got: what the look for @ictx, step 7, came to. */
static int bind_locked(struct ioas_vdev_file *f,
		       const struct ioas_abi_vfio_device_bind_iommufd *bind,
		       struct ioas_iommufd *ictx, int got, uint32_t *id)
	__must_hold(f->v->vgroup->lock)
{
	struct ioas_vdev *v = f->v;
	int ret;

	ioas_assert_held(&v->vgroup->lock);
	if (f->group)
		return -EINVAL;
	if (v->vgroup->opened)
		return -EBUSY;
	if (is_bound(f))
		return -EINVAL;
	/* No function of ours takes one. */
	if (bind->flags & IOAS_ABI_VFIO_DEVICE_BIND_FLAG_TOKEN)
		return -EINVAL;
	if (got)
		return got;
	if (v->users)
		return -EINVAL;
	ret = ioas_vdev_use(v, ictx);
	if (!ret)
		*id = v->idev->obj.id;
	return ret;
}

/*
 * Step 11. The function has a user, so nobody else can bind it; the file is not
 * bound, so nobody can do anything by it that would have to be undone.
 */
static int bind_tell(struct ioas_vdev_file *f, uint32_t id, uint64_t out)
{
	const int ret = ioas_copy_to(out, &id, sizeof(id));

	if (!ret) {
		atomic_store_explicit(&f->bound, true, memory_order_release);
		return 0;
	}
	ioas_vgroup_lock(f->v->vgroup);
	ioas_assert_held(&f->v->vgroup->lock);
	ioas_vdev_unuse(f->v);
	ioas_vgroup_unlock(f->v->vgroup);
	return ret;
}

static int64_t vdev_bind(struct ioas_vdev_file *f, uint64_t arg)
{
	struct ioas_abi_vfio_device_bind_iommufd bind;
	struct ioas_iommufd *ictx = NULL;
	uint32_t argsz, id = 0;
	int ret = ioas_copy_from(&argsz, arg, sizeof(argsz)), got;

	if (ret)
		return ret;
	if (argsz < IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD_MIN_SIZE)
		return -EINVAL;
	ret = ioas_copy_struct_from(&bind, sizeof(bind), arg, argsz);
	if (ret)
		return ret;
	if (bind.iommufd < 0 ||
	    bind.flags & ~IOAS_ABI_VFIO_DEVICE_BIND_FLAG_TOKEN)
		return -EINVAL;
	/* Without a lock: what is behind the descriptor may go with the look. */
	got = context_get(ioas_vdev_host(f->v), bind.iommufd, &ictx);
	ioas_vgroup_lock(f->v->vgroup);
	ret = bind_locked(f, &bind, ictx, got, &id);
	ioas_vgroup_unlock(f->v->vgroup);
	if (!ret)
		ret = bind_tell(
			f, id,
			arg + offsetof(struct ioas_abi_vfio_device_bind_iommufd,
				       out_devid));
	/* The device has its own by now. */
	ioas_iommufd_put(ictx);
	return ret;
}

/* ---- attach and detach -------------------------------------------------- */

/* An attach that was done, and has yet to tell. */
struct attaching {
	/* In v->attaching. */
	struct ioas_list link;
	uint32_t pasid;
	/* There was another attach of the PASID, or a detach: not ours any more. */
	bool overtaken;
};

static void overtake(struct ioas_vdev *v, uint32_t pasid)
	__must_hold(v->vgroup->lock)
{
	ioas_assert_held(&v->vgroup->lock);
	ioas_list_for_each(l, &v->attaching) {
		struct attaching *a =
			ioas_list_entry(l, struct attaching, link);

		a->overtaken |= a->pasid == pasid;
	}
}

/* Attach or replace. */
static int attach_locked(struct ioas_vdev *v, struct attaching *a,
			 uint32_t *pt_id) __must_hold(v->vgroup->lock)
{
	const uint32_t pasid = a->pasid;
	/* Attachments change under our lock alone. */
	struct ioas_hwpt *old = ioas_idev_hwpt(v->idev, pasid);
	int ret = old ? ioas_idev_replace(v->idev, pasid, pt_id) :
			ioas_idev_attach(v->idev, pasid, pt_id);

	if (old)
		ioas_hwpt_put_attachment(old);
	if (ret)
		return ret;
	overtake(v, pasid);
	ioas_list_add_tail(&v->attaching, &a->link);
	return 0;
}

/* What cannot be told is detached, but not what somebody attached since. */
static int attach_tell(struct ioas_vdev *v, struct attaching *a,
		       uint32_t pt_id, uint64_t out)
{
	const int ret = ioas_copy_to(out, &pt_id, sizeof(pt_id));

	ioas_vgroup_lock(v->vgroup);
	ioas_list_del(&a->link);
	if (ret && !a->overtaken)
		ioas_idev_detach(v->idev, a->pasid);
	ioas_vgroup_unlock(v->vgroup);
	return ret;
}

static int64_t vdev_attach(struct ioas_vdev_file *f, uint64_t arg)
{
	const size_t least = IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT_MIN_SIZE;
	struct ioas_abi_vfio_device_attach_iommufd_pt a = { 0 };
	struct ioas_vdev *v = f->v;
	struct attaching mine = { .overtaken = false };
	int ret;

	if (f->group)
		return -ENOTTY;
	ret = ioas_copy_from(&a, arg, least);
	if (ret)
		return ret;
	if (a.argsz < least || a.flags & ~IOAS_ABI_VFIO_DEVICE_ATTACH_PASID)
		return -EINVAL;
	if (a.flags & IOAS_ABI_VFIO_DEVICE_ATTACH_PASID) {
		if (!v->dev.pasid_bits)
			return -EOPNOTSUPP;
		if (a.argsz < sizeof(a))
			return -EINVAL;
		ret = ioas_copy_from(&a.pasid, arg + least, sizeof(a.pasid));
		if (ret)
			return ret;
	}
	mine.pasid = a.pasid;
	ioas_vgroup_lock(v->vgroup);
	ret = attach_locked(v, &mine, &a.pt_id);
	ioas_vgroup_unlock(v->vgroup);
	if (ret)
		return ret;
	return attach_tell(
		v, &mine, a.pt_id,
		arg + offsetof(struct ioas_abi_vfio_device_attach_iommufd_pt,
			       pt_id));
}

/* A release: nothing is made to fail. */
static int64_t vdev_detach(struct ioas_vdev_file *f, uint64_t arg)
{
	const size_t least = IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT_MIN_SIZE;
	struct ioas_abi_vfio_device_detach_iommufd_pt d = { 0 };
	struct ioas_vdev *v = f->v;

	if (f->group)
		return -ENOTTY;
	if (ioas_copy_from_sure(&d, arg, least))
		return -EFAULT;
	if (d.argsz < least || d.flags & ~IOAS_ABI_VFIO_DEVICE_DETACH_PASID)
		return -EINVAL;
	if (d.flags & IOAS_ABI_VFIO_DEVICE_DETACH_PASID) {
		if (!v->dev.pasid_bits)
			return -EOPNOTSUPP;
		if (d.argsz < sizeof(d))
			return -EINVAL;
		if (ioas_copy_from_sure(&d.pasid, arg + least, sizeof(d.pasid)))
			return -EFAULT;
	}
	ioas_vgroup_lock(v->vgroup);
	overtake(v, d.pasid);
	ioas_idev_detach(v->idev, d.pasid);
	ioas_vgroup_unlock(v->vgroup);
	return 0;
}

/* ---- the file ----------------------------------------------------------- */

static const struct request {
	uint32_t cmd;
	ioas_vdev_fn *fn;
} requests[] = {
	{ IOAS_ABI_VFIO_DEVICE_GET_INFO, ioas_vdev_get_info },
	{ IOAS_ABI_VFIO_DEVICE_GET_REGION_INFO, ioas_vdev_get_region_info },
	{ IOAS_ABI_VFIO_DEVICE_GET_IRQ_INFO, ioas_vdev_get_irq_info },
	{ IOAS_ABI_VFIO_DEVICE_SET_IRQS, ioas_vdev_set_irqs },
	{ IOAS_ABI_VFIO_DEVICE_RESET, ioas_vdev_reset },
	{ IOAS_ABI_VFIO_DEVICE_GET_PCI_HOT_RESET_INFO,
	  ioas_vdev_get_pci_hot_reset_info },
	{ IOAS_ABI_VFIO_DEVICE_PCI_HOT_RESET, ioas_vdev_pci_hot_reset },
	{ IOAS_ABI_VFIO_DEVICE_IOEVENTFD, ioas_vdev_ioeventfd },
	{ IOAS_ABI_VFIO_DEVICE_FEATURE, ioas_vdev_feature },
	{ IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, vdev_attach },
	{ IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, vdev_detach },
};

static int64_t file_ioctl(struct ioas_ufile *ufile, uint32_t cmd, uint64_t arg)
{
	struct ioas_vdev_file *f = file_of(ufile);

	if (cmd == IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD)
		return vdev_bind(f, arg);
	if (!is_bound(f))
		return -EINVAL;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(requests); i++)
		if (requests[i].cmd == cmd)
			return requests[i].fn(f, arg);
	return -ENOTTY;
}

static int64_t file_read_at(struct ioas_ufile *ufile, uint64_t buffer,
			    uint64_t count, uint64_t offset)
{
	struct ioas_vdev_file *f = file_of(ufile);

	return is_bound(f) ? ioas_vdev_read(f, buffer, count, offset) : -EINVAL;
}

static int64_t file_write_at(struct ioas_ufile *ufile, uint64_t buffer,
			     uint64_t count, uint64_t offset)
{
	struct ioas_vdev_file *f = file_of(ufile);

	return is_bound(f) ? ioas_vdev_write(f, buffer, count, offset) :
			     -EINVAL;
}

static int file_mmap(struct ioas_ufile *ufile,
		     const struct ioas_mmap_request *rq,
		     struct ioas_region **out)
{
	struct ioas_vdev_file *f = file_of(ufile);

	return is_bound(f) ? ioas_vdev_mmap(f, rq, out) : -EINVAL;
}

/* What a bound file, or one of the group's, stands for is undone. */
static void file_leave(struct ioas_vdev_file *f)
{
	struct ioas_vgroup *g = f->v->vgroup;
	struct ioas_iommufd *ictx = NULL;

	ioas_vgroup_lock(g);
	if (is_bound(f)) {
		/* Its last reference may be the device's: not under the lock. */
		ictx = ioas_iommufd_get(f->v->idev->obj.ictx);
		ioas_assert_held(&f->v->vgroup->lock);
		if (f->v->ops->closed)
			f->v->ops->closed(f->v, &f->file);
		ioas_vdev_unuse(f->v);
	}
	if (f->group)
		ioas_vgroup_device_gone(g);
	ioas_vgroup_unlock(g);
	ioas_iommufd_put(ictx);
}

/*
 * Who holds the group's lock may have to wait for memory of a program: a file
 * that stands for nothing does not wait for him.
 */
static void file_release(struct ioas_ufile *ufile)
{
	struct ioas_vdev_file *f = file_of(ufile);

	if (is_bound(f) || f->group)
		file_leave(f);
	ioas_ufile_put(f->group);
	atomic_fetch_sub_explicit(&f->v->nr_files, 1, memory_order_release);
	ioas_free(f, sizeof(*f));
}

static const struct ioas_ufile_ops vdev_file_ops = {
	.name = "/dev/vfio/devices/vfio",
	.ioctl = file_ioctl,
	.read_at = file_read_at,
	.write_at = file_write_at,
	.mmap = file_mmap,
	.release = file_release,
};

/* What GET_DEVICE_FD gives has no path. */
static const struct ioas_ufile_ops group_device_ops = {
	.name = "anon_inode:[vfio-device]",
	.ioctl = file_ioctl,
	.read_at = file_read_at,
	.write_at = file_write_at,
	.mmap = file_mmap,
	.release = file_release,
};

int ioas_vdev_file_create(struct ioas_vdev *v, struct ioas_ufile *group,
			  struct ioas_vdev_file **out)
{
	struct ioas_vdev_file *f =
		ioas_zalloc(sizeof(*f), IOAS_FP_ALLOC_RECORD);

	if (!f)
		return -ENOMEM;
	ioas_ufile_init(&f->file, group ? &group_device_ops : &vdev_file_ops);
	f->v = v;
	f->group = group ? ioas_ufile_get(group) : NULL;
	atomic_fetch_add_explicit(&v->nr_files, 1, memory_order_relaxed);
	*out = f;
	return 0;
}

int ioas_vdev_open(struct ioas_vdev *v, struct ioas_ufile **out)
{
	struct ioas_vdev_file *f;
	int ret = ioas_vdev_file_create(v, NULL, &f);

	if (!ret)
		*out = &f->file;
	return ret;
}

struct ioas_vdev *ioas_vdev_of_file(struct ioas_ufile *f)
{
	if (f->ops != &vdev_file_ops && f->ops != &group_device_ops)
		return NULL;
	return file_of(f)->v;
}
