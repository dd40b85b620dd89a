/* SPDX-License-Identifier: MIT */
/*
 * sysfs: what a driver reads about a function before it opens it
 *
 * What is the same for all functions is a table. The rest is printed into one
 * buffer for the path and one for the content; the first error ends it all, so
 * emitting functions return nothing and do nothing after one.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "dev/pci/config.h"
#include "dev/pci/sysfs.h"

/* Longest: .../pci0000:01/0000:01:00.0/vfio-dev/vfio4294967295/subsystem */
#define PATH_ROOM 160
/* Longest: resource, 13 lines of 57 bytes; local_cpus is 288 at most. */
#define TEXT_ROOM 1024
#define DRIVER "vfio-pci"
/* What a reader without privileges has of the configuration. */
#define CONFIG_SHOWN 64
/* BARs, ROM, and BARs of virtual functions. */
#define RESOURCES 13
/* Flags of a resource, above the four bits that are the BAR's. */
#define RESOURCE_MEMORY UINT64_C(0x00000200)
#define RESOURCE_PREFETCH UINT64_C(0x00002000)
#define RESOURCE_ALIGNED UINT64_C(0x00040000)
#define RESOURCE_64 UINT64_C(0x00100000)
#define RESOURCE_BAR_64 UINT64_C(0x4)
#define RESOURCE_BAR_PREFETCH UINT64_C(0x8)

/* Text in the making; what does not fit is cut off, and none is that long. */
struct text {
	char bytes[TEXT_ROOM];
	size_t length;
};

struct list {
	const struct ioas_sysfs *s;
	const struct ioas_sysfs_ops *ops;
	void *ctx;
	int err;
	/* Of the function that is being told of. */
	const struct ioas_sysfs_function *f;
	char bdf[IOAS_PCI_BDF_ROOM];
	/* "pci0000:01" */
	char bus[16];
};

/* ---- emitting ----------------------------------------------------------- */

static void emit(struct list *l, const struct ioas_sysfs_entry *entry)
{
	if (!l->err)
		l->err = l->ops->add(l->ctx, entry);
}

static void emit_directory(struct list *l, const char *path)
{
	emit(l, &(struct ioas_sysfs_entry){
			.path = path,
			.kind = IOAS_SYSFS_DIRECTORY,
			.mode = 0755,
		});
}

static void emit_text(struct list *l, const char *path, unsigned int mode,
		      const char *text)
{
	emit(l, &(struct ioas_sysfs_entry){
			.path = path,
			.kind = IOAS_SYSFS_TEXT,
			.mode = mode,
			.data = text,
			.length = strlen(text),
		});
}

static void emit_link(struct list *l, const char *path, const char *target)
{
	emit(l, &(struct ioas_sysfs_entry){
			.path = path,
			.kind = IOAS_SYSFS_LINK,
			.mode = 0777,
			.data = target,
			.length = strlen(target),
		});
}

static void emit_node(struct list *l, const char *path,
		      const struct ioas_sysfs_number *number)
{
	emit(l, &(struct ioas_sysfs_entry){
			.path = path,
			.kind = IOAS_SYSFS_NODE,
			.mode = 0600,
			.major = number->major,
			.minor = number->minor,
		});
}

__attribute__((format(printf, 2, 3)))
static void print(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->bytes + t->length, TEXT_ROOM - t->length, format,
		      args);
	va_end(args);
	if (n > 0)
		t->length = ioas_min(t->length + (size_t)n, TEXT_ROOM - 1);
}

/* The path of @name of the current function; "" is its directory. */
static const char *path_of(const struct list *l, const char *name,
			   char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "/sys/devices/%s/%s%s%s", l->bus, l->bdf,
		 *name ? "/" : "", name);
	return path;
}

static void emit_own_directory(struct list *l, const char *name)
{
	char path[PATH_ROOM];

	emit_directory(l, path_of(l, name, path));
}

static void emit_own_text(struct list *l, const char *name, unsigned int mode,
			  const struct text *t)
{
	char path[PATH_ROOM];

	emit_text(l, path_of(l, name, path), mode, t->bytes);
}

__attribute__((format(printf, 4, 5)))
static void emit_own(struct list *l, const char *name, unsigned int mode,
		     const char *format, ...)
{
	struct text t = { .length = 0 };
	va_list args;

	va_start(args, format);
	vsnprintf(t.bytes, sizeof(t.bytes), format, args);
	va_end(args);
	emit_own_text(l, name, mode, &t);
}

/* A link at @path, both printed: @format has the target's pieces. */
__attribute__((format(printf, 3, 4)))
static void emit_link_to(struct list *l, const char *path, const char *format,
			 ...)
{
	char target[PATH_ROOM];
	va_list args;

	va_start(args, format);
	vsnprintf(target, sizeof(target), format, args);
	va_end(args);
	emit_link(l, path, target);
}

/* ---- files of a function ------------------------------------------------ */

static void print_modalias(const struct ioas_identity *id, struct text *t)
{
	print(t, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", id->vendor,
	      id->device, id->subsystem_vendor, id->subsystem,
	      id->class_code >> 16 & 0xff, id->class_code >> 8 & 0xff,
	      id->class_code & 0xff);
}

static void emit_uevent(struct list *l)
{
	const struct ioas_identity *id = l->f->id;
	struct text t = { .length = 0 };

	print(&t, "DRIVER=" DRIVER "\n");
	print(&t, "PCI_CLASS=%04X\n", id->class_code);
	print(&t, "PCI_ID=%04X:%04X\n", id->vendor, id->device);
	print(&t, "PCI_SUBSYS_ID=%04X:%04X\n", id->subsystem_vendor,
	      id->subsystem);
	print(&t, "PCI_SLOT_NAME=%s\nMODALIAS=", l->bdf);
	print_modalias(id, &t);
	emit_own_text(l, "uevent", 0644, &t);
}

static void emit_modalias(struct list *l)
{
	struct text t = { .length = 0 };

	print_modalias(l->f->id, &t);
	emit_own_text(l, "modalias", 0444, &t);
}

static void print_resource(const struct ioas_bar *bar, uint64_t first,
			   struct text *t)
{
	uint64_t flags = RESOURCE_MEMORY | RESOURCE_ALIGNED;

	if (bar->flags & IOAS_BAR_64)
		flags |= RESOURCE_64 | RESOURCE_BAR_64;
	if (bar->flags & IOAS_BAR_PREFETCH)
		flags |= RESOURCE_PREFETCH | RESOURCE_BAR_PREFETCH;
	print(t, "0x%016llx 0x%016llx 0x%016llx\n", (unsigned long long)first,
	      (unsigned long long)(first + (bar->size - 1)),
	      (unsigned long long)flags);
}

static void emit_resource(struct list *l)
{
	static const struct ioas_bar none;
	struct text t = { .length = 0 };

	for (unsigned int i = 0; i < RESOURCES; i++) {
		const struct ioas_bar *bar = &none;

		if (i < IOAS_MODEL_BARS)
			bar = &l->f->id->bar[i];
		if (bar->size)
			print_resource(bar, l->f->address[i], &t);
		else
			print(&t, "0x%016x 0x%016x 0x%016x\n", 0u, 0u, 0u);
	}
	emit_own_text(l, "resource", 0444, &t);
}

/* Words of 32 CPUs, the highest first. */
static void print_cpus(unsigned int cpus, struct text *t)
{
	for (unsigned int word = (cpus + 31) / 32; word--;) {
		const unsigned int here = (unsigned int)ioas_min(
			cpus - word * 32, 32);
		const uint32_t mask = (uint32_t)((UINT64_C(1) << here) - 1);

		print(t, t->length ? ",%08x" : "%x", mask);
	}
	print(t, "\n");
}

static void emit_cpus(struct list *l)
{
	const unsigned int cpus = (unsigned int)ioas_min(
		ioas_max(l->s->cpus, 1), IOAS_SYSFS_CPUS);
	struct text t = { .length = 0 };

	print_cpus(cpus, &t);
	emit_own_text(l, "local_cpus", 0444, &t);
	if (cpus > 1)
		emit_own(l, "local_cpulist", 0444, "0-%u\n", cpus - 1);
	else
		emit_own(l, "local_cpulist", 0444, "0\n");
}

static int fill_config(const struct ioas_sysfs_function *f, uint8_t *bytes,
		       size_t count)
{
	struct ioas_pci_config cfg;
	int rc = ioas_pci_config_init(&cfg, f->id, NULL, NULL);

	if (rc)
		return rc;
	ioas_pci_config_place(&cfg, f->address);
	return ioas_pci_config_read(&cfg, 0, bytes, count);
}

static void emit_config(struct list *l)
{
	uint8_t bytes[CONFIG_SHOWN];
	char path[PATH_ROOM];
	int rc = fill_config(l->f, bytes, sizeof(bytes));

	if (rc && !l->err)
		l->err = rc;
	emit(l, &(struct ioas_sysfs_entry){
			.path = path_of(l, "config", path),
			.kind = IOAS_SYSFS_BINARY,
			.mode = 0644,
			.data = bytes,
			.length = sizeof(bytes),
		});
}

static void emit_attributes(struct list *l)
{
	const struct ioas_identity *id = l->f->id;

	emit_own(l, "vendor", 0444, "0x%04x\n", id->vendor);
	emit_own(l, "device", 0444, "0x%04x\n", id->device);
	emit_own(l, "subsystem_vendor", 0444, "0x%04x\n",
		 id->subsystem_vendor);
	emit_own(l, "subsystem_device", 0444, "0x%04x\n", id->subsystem);
	emit_own(l, "class", 0444, "0x%06x\n", id->class_code);
	emit_own(l, "revision", 0444, "0x%02x\n", id->revision);
	emit_own(l, "irq", 0444, "0\n");
	emit_own(l, "numa_node", 0644, "-1\n");
	emit_own(l, "enable", 0644, "1\n");
	emit_own(l, "driver_override", 0644, DRIVER "\n");
	emit_own(l, "reset", 0200, "%s", "");
}

static void emit_vfio_device(struct list *l)
{
	const struct ioas_sysfs_number *n = &l->f->vfio_number;
	const unsigned int vfio = l->f->vfio;
	char name[64], path[PATH_ROOM];

	emit_own_directory(l, "vfio-dev");
	snprintf(name, sizeof(name), "vfio-dev/vfio%u", vfio);
	emit_own_directory(l, name);
	snprintf(name, sizeof(name), "vfio-dev/vfio%u/dev", vfio);
	emit_own(l, name, 0444, "%u:%u\n", n->major, n->minor);
	snprintf(name, sizeof(name), "vfio-dev/vfio%u/uevent", vfio);
	emit_own(l, name, 0644,
		 "MAJOR=%u\nMINOR=%u\nDEVNAME=vfio/devices/vfio%u\n", n->major,
		 n->minor, vfio);
	snprintf(name, sizeof(name), "vfio-dev/vfio%u/device", vfio);
	emit_link_to(l, path_of(l, name, path), "../../../%s", l->bdf);
	snprintf(name, sizeof(name), "vfio-dev/vfio%u/subsystem", vfio);
	emit_link_to(l, path_of(l, name, path),
		     "../../../../../class/vfio-dev");
}

/* What the function's directory leads to. */
static void emit_own_links(struct list *l)
{
	char path[PATH_ROOM];

	emit_link_to(l, path_of(l, "driver", path),
		     "../../../bus/pci/drivers/" DRIVER);
	emit_link_to(l, path_of(l, "subsystem", path), "../../../bus/pci");
	emit_link_to(l, path_of(l, "iommu_group", path),
		     "../../../kernel/iommu_groups/%u", l->f->group);
}

/* What leads to it. */
static void emit_links_to(struct list *l)
{
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", l->bdf);
	emit_link_to(l, path, "../../../devices/%s/%s", l->bus, l->bdf);
	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/" DRIVER "/%s",
		 l->bdf);
	emit_link_to(l, path, "../../../../devices/%s/%s", l->bus, l->bdf);
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices/%s",
		 l->f->group, l->bdf);
	emit_link_to(l, path, "../../../../devices/%s/%s", l->bus, l->bdf);
	snprintf(path, sizeof(path), "/sys/class/vfio-dev/vfio%u", l->f->vfio);
	emit_link_to(l, path, "../../devices/%s/%s/vfio-dev/vfio%u", l->bus,
		     l->bdf, l->f->vfio);
}

/* ---- what functions share ----------------------------------------------- */

/* In the order of making: NULL is a directory, "@..." a link. */
static const struct {
	const char *path;
	unsigned int mode;
	const char *content;
} shared[] = {
	{ "/dev", 0755, NULL },
	{ "/dev/vfio", 0755, NULL },
	{ "/dev/vfio/devices", 0755, NULL },
	{ "/sys", 0755, NULL },
	{ "/sys/bus", 0755, NULL },
	{ "/sys/bus/pci", 0755, NULL },
	{ "/sys/bus/pci/drivers_probe", 0200, "" },
	{ "/sys/bus/pci/devices", 0755, NULL },
	{ "/sys/bus/pci/drivers", 0755, NULL },
	{ "/sys/bus/pci/drivers/" DRIVER, 0755, NULL },
	{ "/sys/bus/pci/drivers/" DRIVER "/bind", 0200, "" },
	{ "/sys/bus/pci/drivers/" DRIVER "/unbind", 0200, "" },
	{ "/sys/bus/pci/drivers/" DRIVER "/new_id", 0200, "" },
	{ "/sys/bus/pci/drivers/" DRIVER "/remove_id", 0200, "" },
	{ "/sys/bus/pci/drivers/" DRIVER "/uevent", 0200, "" },
	{ "/sys/bus/pci/drivers/" DRIVER "/module", 0777,
	  "@../../../../module/vfio_pci" },
	{ "/sys/class", 0755, NULL },
	{ "/sys/class/vfio-dev", 0755, NULL },
	{ "/sys/devices", 0755, NULL },
	{ "/sys/kernel", 0755, NULL },
	{ "/sys/kernel/iommu_groups", 0755, NULL },
	{ "/sys/module", 0755, NULL },
	{ "/sys/module/vfio", 0755, NULL },
	{ "/sys/module/vfio/initstate", 0444, "live\n" },
	{ "/sys/module/vfio/parameters", 0755, NULL },
	{ "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", 0644,
	  "N\n" },
	{ "/sys/module/vfio_iommu_type1", 0755, NULL },
	{ "/sys/module/vfio_iommu_type1/initstate", 0444, "live\n" },
	{ "/sys/module/vfio_pci", 0755, NULL },
	{ "/sys/module/vfio_pci/initstate", 0444, "live\n" },
	{ "/sys/module/vfio_pci/drivers", 0755, NULL },
	{ "/sys/module/vfio_pci/drivers/pci:" DRIVER, 0777,
	  "@../../../bus/pci/drivers/" DRIVER },
};

static void emit_shared(struct list *l)
{
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(shared); i++) {
		const char *content = shared[i].content;

		if (!content)
			emit_directory(l, shared[i].path);
		else if (*content == '@')
			emit_link(l, shared[i].path, content + 1);
		else
			emit_text(l, shared[i].path, shared[i].mode, content);
	}
}

/* Of the first function of each group. */
static void emit_group(struct list *l)
{
	const struct ioas_sysfs *s = l->s;
	const unsigned int group = l->f->group;
	char path[PATH_ROOM], line[64] = "";

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u", group);
	emit_directory(l, path);
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/devices",
		 group);
	emit_directory(l, path);
	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%u/type", group);
	emit_text(l, path, 0644, "DMA\n");
	if (s->msi_first < s->msi_last)
		snprintf(line, sizeof(line), "0x%016llx 0x%016llx msi\n",
			 (unsigned long long)s->msi_first,
			 (unsigned long long)s->msi_last);
	snprintf(path, sizeof(path),
		 "/sys/kernel/iommu_groups/%u/reserved_regions", group);
	emit_text(l, path, 0444, line);
	snprintf(path, sizeof(path), "/dev/vfio/%u", group);
	emit_node(l, path, &l->f->group_number);
}

static bool same_bus(const struct ioas_pci_bdf *a, const struct ioas_pci_bdf *b)
{
	return a->segment == b->segment && a->bus == b->bus;
}

/* The first of its bus, of its group: makes what they share. */
static void emit_function(struct list *l)
{
	bool first_of_bus = true, first_of_group = true;
	char path[PATH_ROOM];

	for (const struct ioas_sysfs_function *g = l->s->functions; g < l->f;
	     g++) {
		if (same_bus(&g->bdf, &l->f->bdf))
			first_of_bus = false;
		if (g->group == l->f->group)
			first_of_group = false;
	}
	if (first_of_bus) {
		snprintf(path, sizeof(path), "/sys/devices/%s", l->bus);
		emit_directory(l, path);
	}
	if (first_of_group)
		emit_group(l);
	emit_own_directory(l, "");
	emit_attributes(l);
	emit_uevent(l);
	emit_modalias(l);
	emit_resource(l);
	emit_config(l);
	emit_cpus(l);
	emit_own_links(l);
	emit_vfio_device(l);
	emit_links_to(l);
	snprintf(path, sizeof(path), "/dev/vfio/devices/vfio%u", l->f->vfio);
	emit_node(l, path, &l->f->vfio_number);
}

/* ---- checks ------------------------------------------------------------- */

static bool same_number(const struct ioas_sysfs_number *a,
			const struct ioas_sysfs_number *b)
{
	return a->major == b->major && a->minor == b->minor;
}

static int compare(const struct ioas_sysfs_function *a,
		   const struct ioas_sysfs_function *b)
{
	if (ioas_pci_bdf_same(&a->bdf, &b->bdf) || a->vfio == b->vfio ||
	    same_number(&a->vfio_number, &b->vfio_number) ||
	    same_number(&a->vfio_number, &b->group_number) ||
	    same_number(&a->group_number, &b->vfio_number))
		return -EEXIST;
	/* One number for a group, and none for two. */
	if ((a->group == b->group) !=
	    same_number(&a->group_number, &b->group_number))
		return -EEXIST;
	return 0;
}

static int check(const struct ioas_sysfs *s)
{
	uint8_t byte;
	int rc;

	if (s->nr > IOAS_SYSFS_FUNCTIONS)
		return -EINVAL;
	for (size_t i = 0; i < s->nr; i++) {
		const struct ioas_sysfs_function *f = &s->functions[i];

		rc = fill_config(f, &byte, 1);
		if (!rc && same_number(&f->vfio_number, &f->group_number))
			rc = -EEXIST;
		for (size_t j = 0; j < i && !rc; j++)
			rc = compare(f, &s->functions[j]);
		if (rc)
			return rc;
	}
	return 0;
}

int ioas_sysfs_make(const struct ioas_sysfs *s,
		    const struct ioas_sysfs_ops *ops, void *ctx)
{
	struct list l = { .s = s, .ops = ops, .ctx = ctx };

	l.err = check(s);
	if (l.err)
		return l.err;
	emit_shared(&l);
	for (size_t i = 0; i < s->nr && !l.err; i++) {
		l.f = &s->functions[i];
		ioas_pci_bdf_format(&l.f->bdf, l.bdf);
		snprintf(l.bus, sizeof(l.bus), "pci%04x:%02x",
			 l.f->bdf.segment, l.f->bdf.bus);
		emit_function(&l);
	}
	return l.err;
}
