/* SPDX-License-Identifier: MIT */
/*
 * iommufd: instances, contexts, and the file of a context
 */
#include "uapi/iommufd.h"

#include "base/errno.h"
#include "seam/fault.h"
#include "uapi/command.h"
#include "uapi/mock/mock.h"

/* ---- instance ----------------------------------------------------------- */

int ioas_uapi_create(const struct ioas_uapi_options *opts,
		     struct ioas_uapi **out)
{
	struct ioas_uapi *u = ioas_zalloc(sizeof(*u), IOAS_FP_ALLOC_SPACE);
	int ret = 0;

	if (!u)
		return -ENOMEM;
	u->host = opts->host;
	u->mmap_base = opts->mmap_base ? opts->mmap_base :
					 (uint64_t)1 << u->host->page_lg2;
	ioas_list_init(&u->contexts);
	if (opts->test_abi)
		ret = ioas_mock_create(u, &u->mock);
	if (ret)
		ioas_free(u, sizeof(*u));
	else
		*out = u;
	return ret;
}

void ioas_uapi_destroy(struct ioas_uapi *uapi)
{
	if (!uapi)
		return;
	IOAS_CHECK(!ioas_list_empty(&uapi->contexts));
	ioas_mock_destroy(uapi->mock);
	ioas_free(uapi, sizeof(*uapi));
}

/* ---- context ------------------------------------------------------------ */

static void context_list(struct ioas_iommufd *ictx)
{
	struct ioas_uapi *u = ictx->uapi;

	ioas_mutex_lock(&u->lock, IOAS_RANK_UAPI);
	ictx->serial = ++u->nr_contexts;
	ioas_list_add_tail(&u->contexts, &ictx->link);
	ioas_mutex_unlock(&u->lock);
}

static void context_unlist(struct ioas_iommufd *ictx)
{
	struct ioas_uapi *u = ictx->uapi;

	ioas_mutex_lock(&u->lock, IOAS_RANK_UAPI);
	ioas_list_del(&ictx->link);
	ioas_mutex_unlock(&u->lock);
}

static struct ioas_iommufd *context_create(struct ioas_uapi *uapi,
					   unsigned int flags)
{
	const struct ioas_host *host = uapi->host;
	struct ioas_iommufd *ictx = ioas_zalloc(sizeof(*ictx),
						IOAS_FP_ALLOC_SPACE);

	if (!ictx)
		return NULL;
	ictx->uapi = uapi;
	atomic_store_explicit(&ictx->refs, 1, memory_order_relaxed);
	ioas_context_init(&ictx->core, host->page_lg2, host->huge_lg2);
	ictx->core.account_mm = flags & IOAS_OPEN_VFIO;
	ioas_objects_init(&ictx->objects);
	ioas_regions_init(&ictx->regions);
	context_list(ictx);
	return ictx;
}

struct ioas_iommufd *ioas_iommufd_get(struct ioas_iommufd *ictx)
{
	atomic_fetch_add_explicit(&ictx->refs, 1, memory_order_relaxed);
	return ictx;
}

void ioas_iommufd_put(struct ioas_iommufd *ictx)
{
	if (!ictx || atomic_fetch_sub_explicit(&ictx->refs, 1,
					       memory_order_acq_rel) != 1)
		return;
	ioas_objects_destroy_all(ictx);
	context_unlist(ictx);
	ioas_regions_fini(&ictx->regions);
	ioas_objects_fini(&ictx->objects);
	ioas_context_fini(&ictx->core);
	ioas_free(ictx, sizeof(*ictx));
}

unsigned int ioas_iommufd_validate(struct ioas_iommufd *ictx)
{
	return ioas_objects_validate(&ictx->objects) +
	       ioas_context_validate(&ictx->core);
}

/* ---- its file ----------------------------------------------------------- */

struct iommufd_file {
	struct ioas_ufile file;
	/* A reference. */
	struct ioas_iommufd *ictx;
};

static struct iommufd_file *file_of(struct ioas_ufile *f)
{
	return ioas_container_of(f, struct iommufd_file, file);
}

static int64_t file_ioctl(struct ioas_ufile *f, uint32_t cmd, uint64_t arg)
{
	return ioas_iommufd_ioctl(file_of(f)->ictx, cmd, arg);
}

static int file_mmap(struct ioas_ufile *f, const struct ioas_mmap_request *rq,
		     struct ioas_region **out)
{
	return ioas_region_map(file_of(f)->ictx, rq, out);
}

static void file_release(struct ioas_ufile *f)
{
	struct iommufd_file *file = file_of(f);

	file->ictx->file = NULL;
	ioas_iommufd_put(file->ictx);
	ioas_free(file, sizeof(*file));
}

static const struct ioas_ufile_ops iommufd_ops = {
	.name = "/dev/iommu",
	.ioctl = file_ioctl,
	.mmap = file_mmap,
	.release = file_release,
};

/* The same context opened by the container's name. */
static const struct ioas_ufile_ops vfio_ops = {
	.name = "/dev/vfio/vfio",
	.ioctl = file_ioctl,
	.mmap = file_mmap,
	.release = file_release,
};

int ioas_iommufd_open(struct ioas_uapi *uapi, unsigned int flags,
		      struct ioas_ufile **out)
{
	struct iommufd_file *file = ioas_zalloc(sizeof(*file),
						IOAS_FP_ALLOC_SPACE);

	if (!file)
		return -ENOMEM;
	file->ictx = context_create(uapi, flags);
	if (!file->ictx) {
		ioas_free(file, sizeof(*file));
		return -ENOMEM;
	}
	ioas_ufile_init(&file->file,
			flags & IOAS_OPEN_VFIO ? &vfio_ops : &iommufd_ops);
	file->ictx->file = &file->file;
	*out = &file->file;
	return 0;
}

struct ioas_iommufd *ioas_iommufd_of_file(struct ioas_ufile *f)
{
	if (f->ops != &iommufd_ops && f->ops != &vfio_ops)
		return NULL;
	return file_of(f)->ictx;
}
