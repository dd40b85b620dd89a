/* SPDX-License-Identifier: MIT */
/*
 * devices: functions of a run, made, started, opened, named
 *
 *   create, before any fork    specs -> functions (files open) -> addresses
 *   start, in the supervisor   groups -> functions behind the front end
 */
#include "super/devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "dev/pci/config.h"
#include "function/function.h"
#include "super/devspec.h"
#include "super/dmafault.h"
#include "uapi/vdev/vdev.h"

/*
 * Dynamic majors, from where Linux takes the first ones; minors are N and G.
 * They are shown, and nothing is opened by them.
 */
#define VFIO_MAJOR 511u
#define GROUP_MAJOR 510u
/* A model's line and more. */
#define WHY_ROOM 400

struct group {
	unsigned int id;
	/* Started. */
	bool made;
	struct ioas_vgroup vgroup;
	char name[32];
};

struct device {
	/* Borrowed from specs. */
	const struct ioas_devspec *spec;
	struct ioas_function *f;
	struct group *group;
	bool started;
	uint64_t address[IOAS_MODEL_BARS];
	char name[48];
	char syspath[64];
};

struct ioas_devices {
	const struct ioas_iommu_ops *iommu;
	struct ioas_devspecs specs;
	/* specs.nr of each; not all groups are used. */
	struct device *all;
	struct group *groups;
	size_t nr_groups;
	/* Set by start. */
	struct ioas_dmafaults *faults;
};

/* ---- the kind of IOMMU -------------------------------------------------- */

/* Why what the command knows elsewhere is no kind here. */
static const char *why_no_iommu(const char *name)
{
	if (!strcmp(name, "mock"))
		return "it has devices of its own, see --test-abi, and none "
		       "that VFIO shows";
	if (!strcmp(name, "armv8") || !strcmp(name, "arm64"))
		return "its tables hold addresses of 48 bits, too few for the "
		       "memory of other processes";
	return NULL;
}

/* Return: 0, -EOPNOTSUPP, -EINVAL. */
static int find_iommu(const char *name, const struct ioas_iommu_ops **out)
{
	const struct ioas_iommu_ops *ops;
	const char *why = name ? why_no_iommu(name) : NULL;
	char names[128] = "";
	size_t at = 0;

	*out = name ? ioas_vdev_iommu_find(name) : &ioas_vdev_iommu;
	if (*out)
		return 0;
	if (why) {
		ioas_super_error(NULL, "--iommu %s: %s", name, why);
		return -EOPNOTSUPP;
	}
	for (unsigned int i = 0;
	     at < sizeof(names) && (ops = ioas_vdev_iommu_at(i)); i++)
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s %s",
				       i ? "," : "", ops->name);
	ioas_super_error(NULL, "--iommu %s: not one of%s", name, names);
	return -EINVAL;
}

/* ---- images ------------------------------------------------------------- */

/* What is behind a name, whatever the name. */
struct image {
	bool writable;
	bool block;
	dev_t dev;
	ino_t ino;
};

/*
 * Is setting @i a file that is written to? As models have it: "ro" is of the
 * file before it, or, before any, of all.
 */
static bool find_image(const struct ioas_devspec *spec, size_t i,
		       struct image *out)
{
	const struct ioas_model_setting *s = spec->settings;
	bool before = false, after = false, mine = false;
	struct stat st;

	if (strcmp(s[i].name, "file") || stat(s[i].value, &st))
		return false;
	for (size_t k = 0; k < spec->nr_settings; k++) {
		if (!strcmp(s[k].name, "file")) {
			mine = k == i;
			before = true;
		} else if (!strcmp(s[k].name, "ro")) {
			after |= mine || !before;
		}
	}
	*out = (struct image){
		.writable = !after,
		.block = S_ISBLK(st.st_mode),
		.dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev,
		.ino = S_ISBLK(st.st_mode) ? 0 : st.st_ino,
	};
	return true;
}

static bool same_image(const struct image *a, const struct image *b)
{
	return a->block == b->block && a->dev == b->dev && a->ino == b->ino;
}

/* Is the image of setting @i of function @n also one of before? */
static bool is_shared(const struct ioas_devspecs *specs, size_t n, size_t i)
{
	struct image mine, other;

	if (!find_image(&specs->all[n], i, &mine))
		return false;
	for (size_t m = 0; m <= n; m++) {
		const size_t end = m < n ? specs->all[m].nr_settings : i;

		for (size_t k = 0; k < end; k++)
			if (find_image(&specs->all[m], k, &other) &&
			    same_image(&mine, &other) &&
			    (mine.writable || other.writable))
				return true;
	}
	return false;
}

/* What two write to, or one reads while the other writes, is soon garbage. */
static int check_images(const struct ioas_devspecs *specs)
{
	for (size_t n = 0; n < specs->nr; n++) {
		const struct ioas_devspec *spec = &specs->all[n];

		for (size_t i = 0; i < spec->nr_settings; i++) {
			if (!is_shared(specs, n, i))
				continue;
			ioas_super_error(NULL,
					 "--device %s: file=%s: used twice and "
					 "written to; use ro, or size= without "
					 "a file",
					 spec->model->name,
					 spec->settings[i].value);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- create ------------------------------------------------------------- */

static struct group *take_group(struct ioas_devices *d, unsigned int id)
{
	struct group *g = d->groups;

	while (g < d->groups + d->nr_groups && g->id != id)
		g++;
	if (g < d->groups + d->nr_groups)
		return g;
	d->nr_groups++;
	g->id = id;
	snprintf(g->name, sizeof(g->name), "/dev/vfio/%u", id);
	return g;
}

static int create_function(struct device *dev)
{
	const struct ioas_devspec *spec = dev->spec;
	const struct ioas_function_options o = {
		.model = spec->model,
		.settings = spec->settings,
		.nr_settings = spec->nr_settings,
		.bdf = spec->bdf,
		.vendor = spec->vendor,
		.device = spec->device,
		.subsystem_vendor = spec->subvendor,
		.subsystem = spec->subdevice,
	};
	char why[WHY_ROOM] = "";
	int ret = ioas_function_create(&o, &dev->f, why, sizeof(why));

	if (ret)
		ioas_super_error(NULL, "--device %s: %s", spec->model->name,
				 *why ? why : strerror(-ret));
	return ret;
}

/* A model may be anybody's, and options of ours make their way into it. */
static int check_identity(const struct device *dev)
{
	const char *wrong =
		ioas_pci_identity_wrong(ioas_function_identity(dev->f));

	if (!wrong)
		return 0;
	ioas_super_error(NULL, "--device %s: no such function can be: %s",
			 dev->spec->model->name, wrong);
	return -EINVAL;
}

static int place(struct ioas_pci_window *window, struct device *dev)
{
	if (ioas_pci_window_place(window, ioas_function_identity(dev->f),
				  dev->address)) {
		ioas_super_error(NULL,
				 "--device %s: no addresses are left for its "
				 "BARs",
				 dev->spec->model->name);
		return -ENOSPC;
	}
	ioas_function_place(dev->f, dev->address);
	return 0;
}

static int create_device(struct ioas_devices *d, size_t i,
			 struct ioas_pci_window *window)
{
	struct device *dev = &d->all[i];
	const struct ioas_pci_bdf *bdf;
	int ret;

	dev->spec = &d->specs.all[i];
	bdf = &dev->spec->bdf;
	dev->group = take_group(d, dev->spec->group);
	ret = create_function(dev);
	if (!ret)
		ret = check_identity(dev);
	if (ret)
		return ret;
	snprintf(dev->name, sizeof(dev->name), "/dev/vfio/devices/vfio%u",
		 dev->spec->vfio);
	snprintf(dev->syspath, sizeof(dev->syspath),
		 "/sys/devices/pci%04x:%02x/%s", bdf->segment, bdf->bus,
		 ioas_function_name(dev->f));
	return place(window, dev);
}

static int create_all(struct ioas_devices *d)
{
	struct ioas_pci_window window;
	int ret = 0;

	d->all = calloc(d->specs.nr, sizeof(*d->all));
	d->groups = calloc(d->specs.nr, sizeof(*d->groups));
	if (!d->all || !d->groups) {
		ioas_super_error(NULL, "--device: out of memory");
		return -ENOMEM;
	}
	ioas_pci_window_init(&window);
	for (size_t i = 0; i < d->specs.nr && !ret; i++)
		ret = create_device(d, i, &window);
	return ret ? ret : check_images(&d->specs);
}

static int create(const struct ioas_run_options *opts, struct ioas_devices *d)
{
	char why[WHY_ROOM] = "";
	int ret = find_iommu(opts->iommu, &d->iommu);

	if (ret)
		return ret;
	ret = ioas_devspecs_parse(opts->devices, opts->nr_devices, &d->specs,
				  why, sizeof(why));
	if (ret) {
		ioas_super_error(NULL, "%s", why);
		return ret;
	}
	return d->specs.nr ? create_all(d) : 0;
}

int ioas_devices_create(const struct ioas_run_options *opts,
			struct ioas_devices **out)
{
	struct ioas_devices *d = calloc(1, sizeof(*d));
	int ret;

	*out = NULL;
	if (!d) {
		ioas_super_error(NULL, "--device: out of memory");
		return -ENOMEM;
	}
	ret = create(opts, d);
	if (!ret && d->specs.nr)
		*out = d;
	else
		ioas_devices_destroy(d);
	return ret;
}

void ioas_devices_destroy(struct ioas_devices *d)
{
	if (!d)
		return;
	for (size_t i = 0; d->all && i < d->specs.nr; i++)
		ioas_function_destroy(d->all[i].f);
	free(d->all);
	free(d->groups);
	ioas_devspecs_fini(&d->specs);
	free(d);
}

/* ---- start, stop -------------------------------------------------------- */

static void watch_fault(void *ctx, const struct ioas_function_fault *fault)
{
	const struct ioas_devices *d = ctx;

	ioas_dmafaults_fault(d->faults, fault);
}

static int start_device(struct ioas_devices *d, struct device *dev,
			struct ioas_super *s)
{
	const struct ioas_function_watch watch = {
		.fault = d->faults ? watch_fault : NULL,
		.ctx = d,
	};
	struct group *g = dev->group;
	int ret = 0;

	if (!g->made)
		ret = ioas_vgroup_init(&g->vgroup, s->uapi, g->id);
	if (!ret) {
		g->made = true;
		ret = ioas_function_start(dev->f, &g->vgroup, d->iommu, d,
					  &watch);
	}
	if (ret) {
		ioas_super_error(s, "--device %s: cannot be started: %s",
				 dev->spec->model->name, strerror(-ret));
		return ret;
	}
	dev->started = true;
	ioas_super_note(s, "%s: %s, %s, %s", ioas_function_name(dev->f),
			dev->spec->model->name, dev->name, g->name);
	return 0;
}

int ioas_devices_start(struct ioas_devices *d, struct ioas_super *s)
{
	int ret = 0;

	d->faults = s->dmafaults;
	for (size_t i = 0; i < d->specs.nr && !ret; i++)
		ret = start_device(d, &d->all[i], s);
	if (ret)
		ioas_devices_stop(d);
	return ret;
}

void ioas_devices_stop(struct ioas_devices *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->specs.nr; i++) {
		if (d->all[i].started)
			ioas_function_stop(d->all[i].f);
		d->all[i].started = false;
	}
	for (size_t i = 0; i < d->nr_groups; i++) {
		if (d->groups[i].made)
			ioas_vgroup_fini(&d->groups[i].vgroup);
		d->groups[i].made = false;
	}
}

/* ---- names -------------------------------------------------------------- */

static struct ioas_sysfs_number vfio_number(const struct ioas_devspec *spec)
{
	return (struct ioas_sysfs_number){ VFIO_MAJOR, spec->vfio };
}

static struct ioas_sysfs_number group_number(unsigned int group)
{
	return (struct ioas_sysfs_number){ GROUP_MAJOR, group };
}

static void describe(const struct device *dev, struct ioas_sysfs_function *out)
{
	*out = (struct ioas_sysfs_function){
		.id = ioas_function_identity(dev->f),
		.bdf = dev->spec->bdf,
		.group = dev->spec->group,
		.group_number = group_number(dev->spec->group),
		.vfio = dev->spec->vfio,
		.vfio_number = vfio_number(dev->spec),
	};
	memcpy(out->address, dev->address, sizeof(out->address));
}

int ioas_devices_sysfs(const struct ioas_devices *d,
		       const struct ioas_sysfs_ops *ops, void *ctx)
{
	const long cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct ioas_sysfs_function *functions =
		calloc(d->specs.nr, sizeof(*functions));
	const struct ioas_sysfs s = {
		.functions = functions,
		.nr = d->specs.nr,
		.msi_first = ioas_vdev_reserved[0].first,
		.msi_last = ioas_vdev_reserved[0].last,
		.cpus = cpus > 0 ? (unsigned int)cpus : 1,
	};
	int ret;

	if (!functions)
		return -ENOMEM;
	for (size_t i = 0; i < d->specs.nr; i++)
		describe(&d->all[i], &functions[i]);
	ret = ioas_sysfs_make(&s, ops, ctx);
	free(functions);
	return ret;
}

static struct device *find_device(const struct ioas_devices *d,
				  unsigned int vfio)
{
	for (size_t i = 0; i < d->specs.nr; i++)
		if (d->all[i].spec->vfio == vfio)
			return &d->all[i];
	return NULL;
}

static struct group *find_group(const struct ioas_devices *d, unsigned int id)
{
	for (size_t i = 0; i < d->nr_groups; i++)
		if (d->groups[i].id == id)
			return &d->groups[i];
	return NULL;
}

bool ioas_devices_number(const struct ioas_devices *d, unsigned int vfio,
			 struct ioas_sysfs_number *out)
{
	const struct device *dev = find_device(d, vfio);

	if (dev)
		*out = vfio_number(dev->spec);
	return dev;
}

bool ioas_devices_group_number(const struct ioas_devices *d, unsigned int group,
			       struct ioas_sysfs_number *out)
{
	const struct group *g = find_group(d, group);

	if (g)
		*out = group_number(group);
	return g;
}

/* ---- files -------------------------------------------------------------- */

int ioas_devices_open(struct ioas_devices *d, unsigned int vfio,
		      struct ioas_ufile **out)
{
	const struct device *dev = find_device(d, vfio);

	if (!dev || !dev->started)
		return -ENOENT;
	return ioas_vdev_open(ioas_function_vdev(dev->f), out);
}

int ioas_devices_open_group(struct ioas_devices *d, unsigned int group,
			    struct ioas_ufile **out)
{
	struct group *g = find_group(d, group);

	if (!g || !g->made)
		return -ENOENT;
	return ioas_vgroup_open(&g->vgroup, out);
}

static const struct device *device_of_file(const struct ioas_devices *d,
					   struct ioas_ufile *file)
{
	struct ioas_vdev *v = d ? ioas_vdev_of_file(file) : NULL;
	const struct ioas_function *f = v ? ioas_function_of(v) : NULL;

	for (size_t i = 0; f && i < d->specs.nr; i++)
		if (d->all[i].f == f)
			return &d->all[i];
	return NULL;
}

const char *ioas_devices_name(const struct ioas_devices *d,
			      struct ioas_ufile *file)
{
	const struct device *dev = device_of_file(d, file);
	struct ioas_vgroup *g;

	/* What came from a group is called otherwise, by whoever made it. */
	if (dev)
		return *file->ops->name == '/' ? dev->name : file->ops->name;
	g = d ? ioas_vgroup_of_file(file) : NULL;
	return g ? ioas_container_of(g, struct group, vgroup)->name : NULL;
}

const char *ioas_devices_syspath(const struct ioas_devices *d,
				 struct ioas_ufile *file)
{
	const struct device *dev = device_of_file(d, file);

	return dev ? dev->syspath : NULL;
}

void ioas_devices_each(const struct ioas_devices *d,
		       void (*fn)(struct ioas_function *f, void *data),
		       void *data)
{
	for (size_t i = 0; d && i < d->specs.nr; i++)
		fn(d->all[i].f, data);
}
