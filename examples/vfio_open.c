/* SPDX-License-Identifier: MIT */
/*
 * vfio_open: find a function in sysfs, and open it by either interface
 */
#include "vfio.h"

#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEVICES "/sys/bus/pci/devices"
/*
 * Where the group interface begins to map: beyond 4 GiB, since below it PCs
 * have a window for interrupt messages. IOMMU_GET_INFO lists all such holes.
 */
#define FIRST_IOVA (UINT64_C(1) << 32)

/* ---- sysfs -------------------------------------------------------------- */

/* A number of an attribute: "0x010802\n". */
static uint32_t attribute(const char *bdf, const char *name)
{
	char path[PATH_MAX], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", bdf, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		*text = '\0';
	fclose(f);
	return (uint32_t)strtoul(text, NULL, 0);
}

/* The last component of a link: "vfio-pci", "7". False: there is none. */
static bool link_name(const char *bdf, const char *name, char *out, size_t room)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), DEVICES "/%s/%s", bdf, name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return false;
	target[n] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	return (size_t)snprintf(out, room, "%s", last) < room;
}

static bool matches(const char *bdf, const struct vfio_match *m)
{
	char driver[32];

	/* One that has another driver is in use. */
	return (!m->class_code || attribute(bdf, "class") == m->class_code) &&
	       (!m->vendor || attribute(bdf, "vendor") == m->vendor) &&
	       (!m->device || attribute(bdf, "device") == m->device) &&
	       link_name(bdf, "driver", driver, sizeof(driver)) &&
	       !strcmp(driver, "vfio-pci");
}

/* The least name that matches: directories have no order. */
static void find(const struct vfio_match *match, char *bdf, size_t room)
{
	DIR *dir = opendir(DEVICES);
	struct dirent *e;

	if (!dir)
		err(1, DEVICES);
	*bdf = '\0';
	while ((e = readdir(dir)))
		if (*e->d_name != '.' && strlen(e->d_name) < room &&
		    (!*bdf || strcmp(e->d_name, bdf) < 0) &&
		    matches(e->d_name, match))
			strcpy(bdf, e->d_name);
	closedir(dir);
	if (!*bdf)
		errx(1, "no function for us that vfio-pci has in " DEVICES);
}

static int must_open(const char *path)
{
	const int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* ---- cdev and iommufd --------------------------------------------------- */

/* /dev/vfio/devices/vfioN: N is the name of an entry of vfio-dev. */
static int open_cdev(const char *bdf)
{
	char path[PATH_MAX], node[PATH_MAX] = "";
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), DEVICES "/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		err(1, "%s (is vfio-pci its driver?)", path);
	while ((e = readdir(dir)))
		if (!strncmp(e->d_name, "vfio", 4))
			snprintf(node, sizeof(node), "/dev/vfio/devices/%s",
				 e->d_name);
	closedir(dir);
	if (!*node)
		errx(1, "%s: empty", path);
	return must_open(node);
}

void vfio_attach(struct vfio *v, uint32_t pt_id, uint32_t pasid)
{
	struct vfio_device_attach_iommufd_pt attach = {
		.argsz = sizeof(attach),
		.flags = pasid ? VFIO_DEVICE_ATTACH_PASID : 0,
		.pt_id = pt_id,
		.pasid = pasid,
	};

	/* A kernel without PASIDs knows the first 12 bytes only. */
	if (!pasid)
		attach.argsz = offsetof(struct vfio_device_attach_iommufd_pt,
					pasid);
	if (ioctl(v->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &attach))
		err(1, "VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

static void open_new(struct vfio *v)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_bind_iommufd bind = { .argsz = 16 };

	v->fd = open_cdev(v->bdf);
	v->iommu = must_open("/dev/iommu");
	v->group = -1;
	bind.iommufd = v->iommu;
	if (ioctl(v->fd, VFIO_DEVICE_BIND_IOMMUFD, &bind))
		err(1, "VFIO_DEVICE_BIND_IOMMUFD");
	v->dev_id = bind.out_devid;
	if (ioctl(v->iommu, IOMMU_IOAS_ALLOC, &alloc))
		err(1, "IOMMU_IOAS_ALLOC");
	v->ioas_id = alloc.out_ioas_id;
	vfio_attach(v, v->ioas_id, 0);
}

/* ---- group and container ------------------------------------------------ */

static void open_legacy(struct vfio *v)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char number[16], path[PATH_MAX];

	if (!link_name(v->bdf, "iommu_group", number, sizeof(number)))
		errx(1, "%s has no IOMMU group", v->bdf);
	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	v->group = must_open(path);
	v->iommu = must_open("/dev/vfio/vfio");
	if (ioctl(v->iommu, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		errx(1, "another version of VFIO");
	if (ioctl(v->group, VFIO_GROUP_GET_STATUS, &status))
		err(1, "VFIO_GROUP_GET_STATUS");
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		errx(1, "%s: some function of the group is in use", path);
	if (ioctl(v->group, VFIO_GROUP_SET_CONTAINER, &v->iommu))
		err(1, "VFIO_GROUP_SET_CONTAINER");
	if (ioctl(v->iommu, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		err(1, "VFIO_SET_IOMMU");
	v->fd = ioctl(v->group, VFIO_GROUP_GET_DEVICE_FD, v->bdf);
	if (v->fd < 0)
		err(1, "VFIO_GROUP_GET_DEVICE_FD of %s", v->bdf);
	v->next_iova = FIRST_IOVA;
}

void vfio_open(struct vfio *v, const struct vfio_match *match,
	       const char *bdf, bool legacy)
{
	*v = (struct vfio){ .legacy = legacy };
	if (bdf)
		snprintf(v->bdf, sizeof(v->bdf), "%s", bdf);
	else
		find(match, v->bdf, sizeof(v->bdf));
	if (legacy)
		open_legacy(v);
	else
		open_new(v);
	v->config = vfio_region(v, VFIO_PCI_CONFIG_REGION_INDEX).offset;
}

void vfio_close(struct vfio *v)
{
	close(v->fd);
	if (v->group >= 0)
		close(v->group);
	close(v->iommu);
}
