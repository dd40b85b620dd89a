/* SPDX-License-Identifier: MIT */
/*
 * pci_sysfs: the files that a driver finds a function by
 *
 * The expected set of one function is written out below, entry by entry. All
 * sets, also those of several functions, are a tree: parents come first, names
 * are unique, links end inside.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "dev/pci/config.h"
#include "dev/pci/sysfs.h"

#define MOST 512
#define PATH 256
#define DATA 1024

static const struct ioas_identity nvme = {
	.vendor = 0x1b36,
	.device = 0x0010,
	.subsystem_vendor = 0x1af4,
	.subsystem = 0x1100,
	.revision = 0x02,
	.class_code = 0x010802,
	.bar = {
		[0] = { .size = 0x4000, .flags = IOAS_BAR_64 | IOAS_BAR_SHARED },
		[2] = { .size = 0x1000 },
		[3] = { .size = 0x2000, .flags = IOAS_BAR_PREFETCH },
		[4] = { .size = 0x2000,
			.flags = IOAS_BAR_64 | IOAS_BAR_PREFETCH },
	},
	.vectors = 33,
	.msix_bar = 4,
	.msix_table = 0,
	.msix_pba = 0x1000,
};

static const struct ioas_sysfs_function one = {
	.id = &nvme,
	.bdf = { 0, 1, 0, 0 },
	.address = { UINT64_C(0x380000000000), 0, 0xc0000000, 0xc0002000,
		     UINT64_C(0x380000004000), 0 },
	.group = 7,
	.group_number = { 240, 3 },
	.vfio = 0,
	.vfio_number = { 511, 0 },
};

struct copy {
	char path[PATH];
	enum ioas_sysfs_kind kind;
	unsigned int mode, major, minor;
	size_t length;
	char data[DATA];
};

struct set {
	size_t nr;
	/* Fail the entry of this number. */
	size_t fail_at;
	struct copy entry[MOST];
};

static int add(void *ctx, const struct ioas_sysfs_entry *e)
{
	struct set *set = ctx;
	struct copy *c = &set->entry[set->nr];

	assert_true(set->nr < MOST);
	if (set->nr == set->fail_at)
		return -ENOSPC;
	assert_true(strlen(e->path) < PATH && e->length < DATA);
	memset(c, 0, sizeof(*c));
	strcpy(c->path, e->path);
	c->kind = e->kind;
	c->mode = e->mode;
	c->major = e->major;
	c->minor = e->minor;
	c->length = e->length;
	if (e->length)
		memcpy(c->data, e->data, e->length);
	set->nr++;
	return 0;
}

static const struct ioas_sysfs_ops ops = { .add = add };

static struct set *make_cpus(const struct ioas_sysfs_function *f, size_t nr,
			     int expected, unsigned int cpus)
{
	static struct set set;
	const struct ioas_sysfs s = {
		.functions = f,
		.nr = nr,
		.msi_first = 0xfee00000,
		.msi_last = 0xfeefffff,
		.cpus = cpus,
	};

	set.nr = 0;
	set.fail_at = SIZE_MAX;
	assert_int_equal(ioas_sysfs_make(&s, &ops, &set), expected);
	return &set;
}

static struct set *make(const struct ioas_sysfs_function *f, size_t nr,
			int expected)
{
	return make_cpus(f, nr, expected, 4);
}

static const struct copy *find(const struct set *set, const char *path)
{
	for (size_t i = 0; i < set->nr; i++) {
		if (!strcmp(set->entry[i].path, path))
			return &set->entry[i];
	}
	return NULL;
}

/* @path with @target, from its directory, and without "..". */
static void resolve(const char *path, const char *target, char out[PATH])
{
	char *end;

	strcpy(out, path);
	*strrchr(out, '/') = '\0';
	while (*target) {
		const size_t n = strcspn(target, "/");

		if (n == 2 && !strncmp(target, "..", 2)) {
			end = strrchr(out, '/');
			assert_non_null(end);
			*end = '\0';
		} else {
			assert_true(n > 0 && strlen(out) + n + 2 < PATH);
			strcat(out, "/");
			strncat(out, target, n);
		}
		target += n + (target[n] == '/');
	}
}

/* What every set is. */
static void assert_tree(const struct set *set)
{
	char path[PATH];

	for (size_t i = 0; i < set->nr; i++) {
		const struct copy *c = &set->entry[i], *parent;

		assert_ptr_equal(find(set, c->path), c);
		strcpy(path, c->path);
		*strrchr(path, '/') = '\0';
		parent = find(set, path);
		if (*path && (!parent || parent > c ||
			      parent->kind != IOAS_SYSFS_DIRECTORY))
			fail_msg("%s: its directory is not there yet", c->path);
		if (c->kind == IOAS_SYSFS_LINK) {
			resolve(c->path, c->data, path);
			if (!find(set, path))
				fail_msg("%s leads to %s", c->path, path);
		}
		if (c->kind == IOAS_SYSFS_TEXT && c->length)
			assert_int_equal(c->data[c->length - 1], '\n');
	}
}

/* ---- one function ------------------------------------------------------- */

#define PCI "/sys/devices/pci0000:01/0000:01:00.0"
#define ZERO "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"

/* 'd'irectory, 't'ext, 'l'ink, 'n'ode, 'b'inary. */
static const struct {
	char kind;
	unsigned int mode;
	const char *path, *data;
} expected[] = {
	{ 'd', 0755, "/dev", "" },
	{ 'd', 0755, "/dev/vfio", "" },
	{ 'd', 0755, "/dev/vfio/devices", "" },
	{ 'n', 0600, "/dev/vfio/devices/vfio0", "511:0" },
	{ 'n', 0600, "/dev/vfio/7", "240:3" },
	{ 'd', 0755, "/sys", "" },
	{ 'd', 0755, "/sys/bus", "" },
	{ 'd', 0755, "/sys/bus/pci", "" },
	{ 't', 0200, "/sys/bus/pci/drivers_probe", "" },
	{ 'd', 0755, "/sys/bus/pci/devices", "" },
	{ 'l', 0777, "/sys/bus/pci/devices/0000:01:00.0",
	  "../../../devices/pci0000:01/0000:01:00.0" },
	{ 'd', 0755, "/sys/bus/pci/drivers", "" },
	{ 'd', 0755, "/sys/bus/pci/drivers/vfio-pci", "" },
	{ 't', 0200, "/sys/bus/pci/drivers/vfio-pci/bind", "" },
	{ 't', 0200, "/sys/bus/pci/drivers/vfio-pci/unbind", "" },
	{ 't', 0200, "/sys/bus/pci/drivers/vfio-pci/new_id", "" },
	{ 't', 0200, "/sys/bus/pci/drivers/vfio-pci/remove_id", "" },
	{ 't', 0200, "/sys/bus/pci/drivers/vfio-pci/uevent", "" },
	{ 'l', 0777, "/sys/bus/pci/drivers/vfio-pci/module",
	  "../../../../module/vfio_pci" },
	{ 'l', 0777, "/sys/bus/pci/drivers/vfio-pci/0000:01:00.0",
	  "../../../../devices/pci0000:01/0000:01:00.0" },
	{ 'd', 0755, "/sys/class", "" },
	{ 'd', 0755, "/sys/class/vfio-dev", "" },
	{ 'l', 0777, "/sys/class/vfio-dev/vfio0",
	  "../../devices/pci0000:01/0000:01:00.0/vfio-dev/vfio0" },
	{ 'd', 0755, "/sys/devices", "" },
	{ 'd', 0755, "/sys/devices/pci0000:01", "" },
	{ 'd', 0755, PCI, "" },
	{ 't', 0444, PCI "/vendor", "0x1b36\n" },
	{ 't', 0444, PCI "/device", "0x0010\n" },
	{ 't', 0444, PCI "/subsystem_vendor", "0x1af4\n" },
	{ 't', 0444, PCI "/subsystem_device", "0x1100\n" },
	{ 't', 0444, PCI "/class", "0x010802\n" },
	{ 't', 0444, PCI "/revision", "0x02\n" },
	{ 't', 0444, PCI "/irq", "0\n" },
	{ 't', 0644, PCI "/numa_node", "-1\n" },
	{ 't', 0444, PCI "/local_cpus", "f\n" },
	{ 't', 0444, PCI "/local_cpulist", "0-3\n" },
	{ 't', 0644, PCI "/enable", "1\n" },
	{ 't', 0644, PCI "/driver_override", "vfio-pci\n" },
	{ 't', 0200, PCI "/reset", "" },
	{ 't', 0444, PCI "/modalias",
	  "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n" },
	{ 't', 0644, PCI "/uevent",
	  "DRIVER=vfio-pci\n"
	  "PCI_CLASS=10802\n"
	  "PCI_ID=1B36:0010\n"
	  "PCI_SUBSYS_ID=1AF4:1100\n"
	  "PCI_SLOT_NAME=0000:01:00.0\n"
	  "MODALIAS=pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n" },
	{ 't', 0444, PCI "/resource",
	  "0x0000380000000000 0x0000380000003fff 0x0000000000140204\n"
	  ZERO
	  "0x00000000c0000000 0x00000000c0000fff 0x0000000000040200\n"
	  "0x00000000c0002000 0x00000000c0003fff 0x0000000000042208\n"
	  "0x0000380000004000 0x0000380000005fff 0x000000000014220c\n"
	  ZERO ZERO ZERO ZERO ZERO ZERO ZERO ZERO },
	{ 'b', 0644, PCI "/config", NULL },
	{ 'l', 0777, PCI "/driver", "../../../bus/pci/drivers/vfio-pci" },
	{ 'l', 0777, PCI "/subsystem", "../../../bus/pci" },
	{ 'l', 0777, PCI "/iommu_group", "../../../kernel/iommu_groups/7" },
	{ 'd', 0755, PCI "/vfio-dev", "" },
	{ 'd', 0755, PCI "/vfio-dev/vfio0", "" },
	{ 't', 0444, PCI "/vfio-dev/vfio0/dev", "511:0\n" },
	{ 't', 0644, PCI "/vfio-dev/vfio0/uevent",
	  "MAJOR=511\nMINOR=0\nDEVNAME=vfio/devices/vfio0\n" },
	{ 'l', 0777, PCI "/vfio-dev/vfio0/device", "../../../0000:01:00.0" },
	{ 'l', 0777, PCI "/vfio-dev/vfio0/subsystem",
	  "../../../../../class/vfio-dev" },
	{ 'd', 0755, "/sys/kernel", "" },
	{ 'd', 0755, "/sys/kernel/iommu_groups", "" },
	{ 'd', 0755, "/sys/kernel/iommu_groups/7", "" },
	{ 'd', 0755, "/sys/kernel/iommu_groups/7/devices", "" },
	{ 'l', 0777, "/sys/kernel/iommu_groups/7/devices/0000:01:00.0",
	  "../../../../devices/pci0000:01/0000:01:00.0" },
	{ 't', 0644, "/sys/kernel/iommu_groups/7/type", "DMA\n" },
	{ 't', 0444, "/sys/kernel/iommu_groups/7/reserved_regions",
	  "0x00000000fee00000 0x00000000feefffff msi\n" },
	{ 'd', 0755, "/sys/module", "" },
	{ 'd', 0755, "/sys/module/vfio", "" },
	{ 't', 0444, "/sys/module/vfio/initstate", "live\n" },
	{ 'd', 0755, "/sys/module/vfio/parameters", "" },
	{ 't', 0644,
	  "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n" },
	{ 'd', 0755, "/sys/module/vfio_iommu_type1", "" },
	{ 't', 0444, "/sys/module/vfio_iommu_type1/initstate", "live\n" },
	{ 'd', 0755, "/sys/module/vfio_pci", "" },
	{ 't', 0444, "/sys/module/vfio_pci/initstate", "live\n" },
	{ 'd', 0755, "/sys/module/vfio_pci/drivers", "" },
	{ 'l', 0777, "/sys/module/vfio_pci/drivers/pci:vfio-pci",
	  "../../../bus/pci/drivers/vfio-pci" },
};

static void one_function_is_these_files(void **state)
{
	static const char kinds[] = "dtbln";
	const struct set *set = make(&one, 1, 0);
	char number[32];

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(expected); i++) {
		const struct copy *c = find(set, expected[i].path);
		const char *data;

		if (!c)
			fail_msg("%s is not there", expected[i].path);
		assert_int_equal(kinds[c->kind], expected[i].kind);
		assert_int_equal(c->mode, expected[i].mode);
		snprintf(number, sizeof(number), "%u:%u", c->major, c->minor);
		data = c->kind == IOAS_SYSFS_NODE ? number : c->data;
		if (expected[i].data)
			assert_string_equal(data, expected[i].data);
		if (c->kind != IOAS_SYSFS_BINARY)
			assert_int_equal(c->length, strlen(c->data));
	}
	assert_int_equal(set->nr, IOAS_ARRAY_SIZE(expected));
	assert_tree(set);
}

static void the_configuration_is_that_of_the_function(void **state)
{
	const struct copy *c = find(make(&one, 1, 0), PCI "/config");
	static const uint8_t head[] = {
		0x36, 0x1b, 0x10, 0x00, 0x02, 0x00, 0x10, 0x00,
		0x02, 0x02, 0x08, 0x01, 0x00, 0x00, 0x00, 0x00,
		0x04, 0x00, 0x00, 0x00, 0x00, 0x38, 0x00, 0x00,
		0x00, 0x00, 0x00, 0xc0, 0x08, 0x20, 0x00, 0xc0,
		0x0c, 0x40, 0x00, 0x00, 0x00, 0x38, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0xf4, 0x1a, 0x00, 0x11,
		0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	};

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->length, sizeof(head));
	assert_memory_equal(c->data, head, sizeof(head));
}

static void cpus_are_a_mask_and_a_list(void **state)
{
	static const struct {
		unsigned int cpus;
		const char *mask, *list;
	} rows[] = {
		{ 0, "1\n", "0\n" },
		{ 1, "1\n", "0\n" },
		{ 2, "3\n", "0-1\n" },
		{ 31, "7fffffff\n", "0-30\n" },
		{ 32, "ffffffff\n", "0-31\n" },
		{ 33, "1,ffffffff\n", "0-32\n" },
		{ 72, "ff,ffffffff,ffffffff\n", "0-71\n" },
	};
	const struct copy *c;
	const struct set *set;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		set = make_cpus(&one, 1, 0, rows[i].cpus);
		c = find(set, PCI "/local_cpus");
		assert_string_equal(c->data, rows[i].mask);
		c = find(set, PCI "/local_cpulist");
		assert_string_equal(c->data, rows[i].list);
	}
	set = make_cpus(&one, 1, 0, UINT32_MAX);
	assert_int_equal(find(set, PCI "/local_cpus")->length, 32 * 9);
	assert_string_equal(find(set, PCI "/local_cpulist")->data, "0-1023\n");
}

/* ---- several ------------------------------------------------------------ */

static unsigned int below(const struct set *set, const char *directory)
{
	const size_t n = strlen(directory);
	unsigned int nr = 0;

	for (size_t i = 0; i < set->nr; i++) {
		const char *path = set->entry[i].path;

		if (!strncmp(path, directory, n) && path[n] == '/' &&
		    !strchr(path + n + 1, '/'))
			nr++;
	}
	return nr;
}

static void fill(struct ioas_sysfs_function f[4])
{
	static const struct ioas_pci_bdf bdf[4] = {
		{ 0, 1, 0, 0 }, { 0, 1, 0, 1 }, { 0, 2, 0, 0 },
		{ 0xabcd, 1, 31, 7 },
	};
	static const unsigned int group[4] = { 7, 7, 8, 7 };
	struct ioas_pci_window w;

	ioas_pci_window_init(&w);
	for (unsigned int i = 0; i < 4; i++) {
		f[i] = one;
		f[i].bdf = bdf[i];
		f[i].group = group[i];
		f[i].group_number.minor = group[i];
		f[i].vfio = 2 * i;
		f[i].vfio_number.minor = i;
		assert_int_equal(ioas_pci_window_place(&w, f[i].id,
						       f[i].address), 0);
	}
}

static void what_functions_share_comes_once(void **state)
{
	struct ioas_sysfs_function f[4];
	const struct set *set;

	(void)state;
	fill(f);
	set = make(f, 4, 0);
	assert_tree(set);
	assert_int_equal(below(set, "/sys/bus/pci/devices"), 4);
	assert_int_equal(below(set, "/sys/devices"), 3);
	assert_int_equal(below(set, "/sys/devices/pci0000:01"), 2);
	assert_int_equal(below(set, "/sys/devices/pciabcd:01"), 1);
	assert_int_equal(below(set, "/sys/kernel/iommu_groups"), 2);
	assert_int_equal(below(set, "/sys/kernel/iommu_groups/7/devices"), 3);
	assert_int_equal(below(set, "/sys/class/vfio-dev"), 4);
	assert_int_equal(below(set, "/dev/vfio/devices"), 4);
	/* Two groups and "devices". */
	assert_int_equal(below(set, "/dev/vfio"), 3);
	assert_int_equal(below(set, "/sys/devices/pciabcd:01/abcd:01:1f.7/"
				    "vfio-dev"), 1);
	assert_string_equal(find(set, "/sys/class/vfio-dev/vfio6")->data,
			    "../../devices/pciabcd:01/abcd:01:1f.7/"
			    "vfio-dev/vfio6");
}

static void without_functions_there_is_the_frame(void **state)
{
	const struct set *set = make(NULL, 0, 0);

	(void)state;
	assert_tree(set);
	assert_int_equal(below(set, "/sys/bus/pci/devices"), 0);
	assert_non_null(find(set, "/dev/vfio/devices"));
}

static void without_a_window_nothing_is_reserved(void **state)
{
	const struct ioas_sysfs s = { .functions = &one, .nr = 1, .cpus = 1 };
	static struct set set;

	(void)state;
	set.fail_at = SIZE_MAX;
	assert_int_equal(ioas_sysfs_make(&s, &ops, &set), 0);
	assert_string_equal(find(&set, "/sys/kernel/iommu_groups/7/"
				       "reserved_regions")->data, "");
}

/* The longest numbers there are still have room. */
static void long_numbers_are_not_cut(void **state)
{
	struct ioas_sysfs_function f = one;
	const struct set *set;

	(void)state;
	f.bdf = (struct ioas_pci_bdf){ 0xffff, 0xff, 31, 7 };
	f.group = UINT32_MAX;
	f.vfio = UINT32_MAX;
	f.vfio_number.major = f.vfio_number.minor = UINT32_MAX;
	set = make(&f, 1, 0);
	assert_tree(set);
	assert_string_equal(
		find(set, "/sys/devices/pciffff:ff/ffff:ff:1f.7/vfio-dev/"
			  "vfio4294967295/uevent")->data,
		"MAJOR=4294967295\nMINOR=4294967295\n"
		"DEVNAME=vfio/devices/vfio4294967295\n");
}

static void clashes_are_refused_before_anything_is_added(void **state)
{
	struct ioas_sysfs_function f[4];
	struct ioas_identity id = nvme;

	(void)state;
	fill(f);
	f[3].bdf = f[0].bdf;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	fill(f);
	f[3].vfio = f[1].vfio;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	fill(f);
	f[3].vfio_number = f[1].vfio_number;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	/* A group with two numbers, a number of two groups. */
	fill(f);
	f[3].group_number.minor = 99;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	fill(f);
	f[2].group_number = f[0].group_number;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	/* Of both kinds: another's, and its own. */
	fill(f);
	f[2].vfio_number = f[0].group_number;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	fill(f);
	f[2].group_number = f[3].vfio_number;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	fill(f);
	f[2].vfio_number = f[2].group_number;
	assert_int_equal(make(f, 4, -EEXIST)->nr, 0);
	fill(f);
	id.bar[0].size = 12345;
	f[3].id = &id;
	assert_int_equal(make(f, 4, -EINVAL)->nr, 0);
}

static void too_many_functions_are_refused(void **state)
{
	static struct ioas_sysfs_function f[IOAS_SYSFS_FUNCTIONS + 1];

	(void)state;
	for (unsigned int i = 0; i <= IOAS_SYSFS_FUNCTIONS; i++) {
		f[i] = one;
		f[i].bdf = (struct ioas_pci_bdf){ (uint16_t)i, 0, 0, 0 };
		f[i].vfio = f[i].vfio_number.minor = i;
	}
	assert_int_equal(make(f, IOAS_SYSFS_FUNCTIONS + 1, -EINVAL)->nr, 0);
}

static void the_first_error_of_add_ends_it(void **state)
{
	const struct ioas_sysfs s = { .functions = &one, .nr = 1, .cpus = 1 };
	static struct set set;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(expected); i++) {
		set.nr = 0;
		set.fail_at = i;
		assert_int_equal(ioas_sysfs_make(&s, &ops, &set), -ENOSPC);
		assert_int_equal(set.nr, i);
	}
	set.nr = 0;
	set.fail_at = IOAS_ARRAY_SIZE(expected);
	assert_int_equal(ioas_sysfs_make(&s, &ops, &set), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_function_is_these_files),
		cmocka_unit_test(the_configuration_is_that_of_the_function),
		cmocka_unit_test(cpus_are_a_mask_and_a_list),
		cmocka_unit_test(what_functions_share_comes_once),
		cmocka_unit_test(without_functions_there_is_the_frame),
		cmocka_unit_test(without_a_window_nothing_is_reserved),
		cmocka_unit_test(long_numbers_are_not_cut),
		cmocka_unit_test(clashes_are_refused_before_anything_is_added),
		cmocka_unit_test(too_many_functions_are_refused),
		cmocka_unit_test(the_first_error_of_add_ends_it),
	};

	return cmocka_run_group_tests_name("pci_sysfs", tests, NULL, NULL);
}
