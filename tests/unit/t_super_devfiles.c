/* SPDX-License-Identifier: MIT */
/*
 * devices of a run: started, opened, named, stopped
 *
 *   0000:01:00.0 dma vfio0 \ group 7      0000:03:00.0 dma vfio2, group 0
 *   0000:02:00.0 dma vfio1 /
 */
#include "super/devices.h"

#include <stdio.h>

#include "function/function.h"
#include "uapi_fixture.h"

#define NR 3

struct run_test {
	struct uapi_test u;
	struct ioas_run_options opts;
	struct ioas_super s;
	/* Of clients. */
	struct ioas_ufile *files[8];
	size_t nr;
};

static int setup(void **state)
{
	static const char *const texts[] = { "dma,count=2,group=7",
					     "dma,device=4711" };
	struct run_test *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	uapi_begin(&t->u, NULL);
	t->opts.devices = texts;
	t->opts.nr_devices = IOAS_ARRAY_SIZE(texts);
	t->s.opts = &t->opts;
	t->s.uapi = t->u.h->uapi;
	expect_ok(ioas_devices_create(&t->opts, &t->s.devices));
	assert_non_null(t->s.devices);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct run_test *t = *state;

	while (t->nr)
		ioas_ufile_put(t->files[--t->nr]);
	ioas_devices_stop(t->s.devices);
	ioas_devices_destroy(t->s.devices);
	uapi_validate(&t->u);
	simhost_exit(t->u.p);
	uapi_end(&t->u);
	free(t);
	return 0;
}

static void start(struct run_test *t)
{
	expect_ok(ioas_devices_start(t->s.devices, &t->s));
}

static struct ioas_ufile *open_device(struct run_test *t, unsigned int vfio)
{
	struct ioas_ufile **f = &t->files[t->nr];

	expect_ok(ioas_devices_open(t->s.devices, vfio, f));
	t->nr++;
	return *f;
}

/* ---- files -------------------------------------------------------------- */

static void files_have_their_names(void **state)
{
	struct run_test *t = *state;
	const struct ioas_devices *d = t->s.devices;
	struct ioas_ufile *f, *g;

	start(t);
	f = open_device(t, 1);
	assert_string_equal(ioas_devices_name(d, f),
			    "/dev/vfio/devices/vfio1");
	assert_string_equal(ioas_devices_syspath(d, f),
			    "/sys/devices/pci0000:02/0000:02:00.0");
	expect_ok(ioas_devices_open_group(t->s.devices, 7, &g));
	t->files[t->nr++] = g;
	assert_string_equal(ioas_devices_name(d, g), "/dev/vfio/7");
	assert_null(ioas_devices_syspath(d, g));
	/* A run without devices has files as well. */
	assert_null(ioas_devices_name(NULL, f));
	assert_null(ioas_devices_syspath(NULL, f));
}

static void what_is_not_there_is_enoent(void **state)
{
	struct run_test *t = *state;
	struct ioas_devices *d = t->s.devices;
	struct ioas_sysfs_number n;
	struct ioas_ufile *f;

	expect_errno(ioas_devices_open(d, 0, &f), -ENOENT);
	expect_errno(ioas_devices_open_group(d, 7, &f), -ENOENT);
	start(t);
	expect_errno(ioas_devices_open(d, NR, &f), -ENOENT);
	expect_errno(ioas_devices_open_group(d, 1, &f), -ENOENT);
	assert_false(ioas_devices_number(d, NR, &n));
	assert_false(ioas_devices_group_number(d, 1, &n));
}

static void a_group_is_open_once(void **state)
{
	struct run_test *t = *state;
	struct ioas_ufile *f;

	start(t);
	expect_ok(ioas_devices_open_group(t->s.devices, 7, &f));
	t->files[t->nr++] = f;
	expect_errno(ioas_devices_open_group(t->s.devices, 7, &f), -EBUSY);
	/* Each file of a function is one of it; groups are not in its way. */
	open_device(t, 0);
	open_device(t, 0);
	expect_ok(ioas_devices_open_group(t->s.devices, 0, &f));
	t->files[t->nr++] = f;
}

static void those_of_a_group_share_it(void **state)
{
	struct run_test *t = *state;
	const struct ioas_vdev *v[NR];

	start(t);
	for (unsigned int i = 0; i < NR; i++)
		v[i] = ioas_vdev_of_file(open_device(t, i));
	assert_ptr_equal(v[0]->vgroup, v[1]->vgroup);
	assert_ptr_not_equal(v[0]->vgroup, v[2]->vgroup);
	assert_int_equal(v[0]->vgroup->id, 7);
	assert_int_equal(v[2]->vgroup->id, 0);
	/* All are behind one IOMMU. */
	assert_ptr_equal(v[0]->dev.iommu_instance, v[2]->dev.iommu_instance);
	assert_ptr_equal(v[0]->dev.iommu, &ioas_vdev_iommu);
}

/* ---- names -------------------------------------------------------------- */

struct seen {
	unsigned int entries, nodes, left;
	char device[16];
};

static int see(void *ctx, const struct ioas_sysfs_entry *e)
{
	struct seen *s = ctx;

	s->entries++;
	s->nodes += e->kind == IOAS_SYSFS_NODE;
	if (!strcmp(e->path, "/sys/devices/pci0000:03/0000:03:00.0/device"))
		snprintf(s->device, sizeof(s->device), "%.*s", (int)e->length,
			 (const char *)e->data);
	assert_true(!strncmp(e->path, "/sys", 4) ||
		    !strncmp(e->path, "/dev", 4));
	return s->left && !--s->left ? -EDOM : 0;
}

static void sysfs_shows_them_before_they_are_started(void **state)
{
	static const struct ioas_sysfs_ops ops = { .add = see };
	struct run_test *t = *state;
	struct seen s = { .entries = 0 };

	expect_ok(ioas_devices_sysfs(t->s.devices, &ops, &s));
	/* Three functions, two groups. */
	assert_int_equal(s.nodes, 5);
	assert_string_equal(s.device, "0x4711\n");
	for (s.left = s.entries; s.left; s.left -= s.left > 9 ? 9 : s.left) {
		struct seen part = { .left = s.left };

		expect_errno(ioas_devices_sysfs(t->s.devices, &ops, &part),
			     -EDOM);
		assert_int_equal(part.entries, s.left);
	}
}

static void numbers_of_nodes_differ(void **state)
{
	struct run_test *t = *state;
	struct ioas_sysfs_number n[NR + 2];

	for (unsigned int i = 0; i < NR; i++)
		assert_true(ioas_devices_number(t->s.devices, i, &n[i]));
	assert_true(ioas_devices_group_number(t->s.devices, 0, &n[NR]));
	assert_true(ioas_devices_group_number(t->s.devices, 7, &n[NR + 1]));
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(n); i++)
		for (unsigned int j = 0; j < i; j++)
			assert_false(n[i].major == n[j].major &&
				     n[i].minor == n[j].minor);
}

/* ---- start and stop ----------------------------------------------------- */

static void stopped_ones_can_be_started_again(void **state)
{
	struct run_test *t = *state;

	for (unsigned int i = 0; i < 3; i++) {
		start(t);
		open_device(t, 2);
		ioas_ufile_put(t->files[--t->nr]);
		ioas_devices_stop(t->s.devices);
	}
	ioas_devices_stop(NULL);
	ioas_devices_destroy(NULL);
}

static void no_option_is_no_device(void **state)
{
	const struct ioas_run_options none = { .iommu = "amdv1" };
	struct ioas_devices *d = (void *)state;

	expect_ok(ioas_devices_create(&none, &d));
	assert_null(d);
}

/* Each allocation of a start fails once: none is started, nothing is left. */
static void a_start_that_fails_is_undone(void **state)
{
	struct run_test *t = *state;
	struct ioas_caller *caller = &t->u.p->tasks[0].caller;
	struct ioas_ufile *f;
	uint64_t nth = 0;
	int ret;

	do {
		struct ioas_fault fault = { .nth = ++nth,
					    .failed = IOAS_NR_FAULT_POINTS };

		caller->fault = &fault;
		atomic_fetch_add(&ioas_plat_faults_armed, 1);
		ret = ioas_devices_start(t->s.devices, &t->s);
		atomic_fetch_sub(&ioas_plat_faults_armed, 1);
		caller->fault = NULL;
		if (ret)
			expect_errno(ioas_devices_open(t->s.devices, 0, &f),
				     -ENOENT);
		else
			assert_int_equal(fault.failed, IOAS_NR_FAULT_POINTS);
	} while (ret);
	/* The second is of the second group, when two are started. */
	assert_true(nth > 2);
	open_device(t, 0);
}

#define case_of(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(files_have_their_names),
		case_of(what_is_not_there_is_enoent),
		case_of(a_group_is_open_once),
		case_of(those_of_a_group_share_it),
		case_of(sysfs_shows_them_before_they_are_started),
		case_of(numbers_of_nodes_differ),
		case_of(stopped_ones_can_be_started_again),
		case_of(no_option_is_no_device),
		case_of(a_start_that_fails_is_undone),
	};

	return cmocka_run_group_tests_name("super: devices of a run", tests,
					   NULL, NULL);
}
