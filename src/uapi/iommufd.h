/* SPDX-License-Identifier: MIT */
/*
 * iommufd: instances and contexts (docs/reference/iommufd-uapi.md 2)
 *
 *   struct ioas_uapi       one machine: host, contexts, the mock IOMMU
 *      `- struct ioas_iommufd   one open of /dev/iommu: objects, core context
 *            `- files and devices hold references; the last one destroys all
 *
 * Locks: uapi->lock (rank UAPI) guards the list of contexts; everything else
 * stands in the objects.
 */
#ifndef IOAS_UAPI_IOMMUFD_H
#define IOAS_UAPI_IOMMUFD_H

#include "base/list.h"
#include "core/context.h"
#include "uapi/host.h"
#include "uapi/object.h"
#include "uapi/region.h"

struct ioas_mock;

struct ioas_uapi_options {
	/* Borrowed; outlives the instance. */
	struct ioas_host *host;
	/* Offer IOMMU_TEST_CMD and the mock IOMMU. */
	bool test_abi;
	/* First offset that mmap on an iommufd uses; 0: one page. */
	uint64_t mmap_base;
};

struct ioas_uapi {
	/* Set once. */
	struct ioas_host *host;
	uint64_t mmap_base;
	/* NULL: no test ABI. */
	struct ioas_mock *mock;

	struct ioas_mutex lock;
	/* Guarded by lock. struct ioas_iommufd; how many there ever were. */
	struct ioas_list contexts;
	uint64_t nr_contexts;
};

/* Return: 0 or -ENOMEM. */
int ioas_uapi_create(const struct ioas_uapi_options *opts,
		     struct ioas_uapi **out);
/* Every file has been released (checked). Accepts NULL. */
void ioas_uapi_destroy(struct ioas_uapi *uapi);

struct ioas_iommufd {
	struct ioas_uapi *uapi;
	/* Set once: from 1 on, and of no other context of @uapi. */
	uint64_t serial;
	/*
	 * What programs have open, for whoever serves a request of it; NULL
	 * once the last descriptor is closed. No reference.
	 */
	struct ioas_ufile *file;
	/* In uapi->contexts. */
	struct ioas_list link;
	_Atomic uint32_t refs;

	struct ioas_context core;
	struct ioas_objects objects;
	struct ioas_regions regions;
	/* The compat IOAS (6.9), without a reference. Under objects.lock. */
	struct ioas_space *vfio_space;
	/*
	 * What devices cannot reach that are to come to the compat IOAS, because
	 * their group has us as its container; a list that ends with an empty
	 * range (first above last). NULL: nothing is known of any.
	 */
	const struct ioas_iova_range *_Atomic vfio_holes;
};

enum ioas_open_flags {
	/* As /dev/vfio/vfio: accounting by process. */
	IOAS_OPEN_VFIO = 1u << 0,
};

/*
 * A new, empty context, and the file that a program sees of it.
 * Return: 0 or -ENOMEM.
 */
int ioas_iommufd_open(struct ioas_uapi *uapi, unsigned int flags,
		      struct ioas_ufile **out);
/* The context of a file; NULL: it is not an iommufd. Takes no reference. */
struct ioas_iommufd *ioas_iommufd_of_file(struct ioas_ufile *f);

struct ioas_iommufd *ioas_iommufd_get(struct ioas_iommufd *ictx);
/* Accepts NULL. The last one destroys every object; no lock is held. */
void ioas_iommufd_put(struct ioas_iommufd *ictx);

/* Number of violations in objects, spaces and accounts, each reported. */
unsigned int ioas_iommufd_validate(struct ioas_iommufd *ictx);

static inline const struct ioas_host_ops *
ioas_host_of(const struct ioas_iommufd *ictx)
{
	return ictx->uapi->host->ops;
}

#endif
