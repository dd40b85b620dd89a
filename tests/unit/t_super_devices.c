/* SPDX-License-Identifier: MIT */
/*
 * --device: what is meant by it, and what is refused
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "dev/models.h"
#include "dev/pci/sysfs.h"
#include "super/devspec.h"

static struct ioas_devspecs specs;
static char why[200];

static int try(const char *const *texts, size_t nr)
{
	why[0] = '\0';
	return ioas_devspecs_parse(texts, nr, &specs, why, sizeof(why));
}

#define parse(...)                                                     \
	do {                                                           \
		const char *const texts_[] = { __VA_ARGS__ };          \
		int ret_ = try(texts_, IOAS_ARRAY_SIZE(texts_));       \
		assert_int_equal(ret_, 0);                             \
	} while (0)

static int setup(void **state)
{
	(void)state;
	specs = (struct ioas_devspecs){ .nr = 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	ioas_devspecs_fini(&specs);
	return 0;
}

/* "01:00.0 v0 g0" of function @i. */
static void expect_place(size_t i, const char *want)
{
	const struct ioas_devspec *f = &specs.all[i];
	char bdf[IOAS_PCI_BDF_ROOM], text[64];

	assert_true(i < specs.nr);
	ioas_pci_bdf_format(&f->bdf, bdf);
	snprintf(text, sizeof(text), "%s v%u g%u", bdf, f->vfio, f->group);
	assert_string_equal(text, want);
}

static void expect_setting(size_t i, size_t k, const char *name,
			   const char *value)
{
	assert_true(i < specs.nr && k < specs.all[i].nr_settings);
	assert_string_equal(specs.all[i].settings[k].name, name);
	assert_string_equal(specs.all[i].settings[k].value, value);
}

/* ---- what is meant ------------------------------------------------------ */

static void nothing_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(try(NULL, 0), 0);
	assert_int_equal(specs.nr, 0);
}

static void numbers_count_up(void **state)
{
	(void)state;
	parse("nvme,file=a", "dma", "dma");
	assert_int_equal(specs.nr, 3);
	assert_ptr_equal(specs.all[0].model, &ioas_model_nvme);
	assert_ptr_equal(specs.all[2].model, &ioas_model_dma);
	expect_place(0, "0000:01:00.0 v0 g0");
	expect_place(1, "0000:02:00.0 v1 g1");
	expect_place(2, "0000:03:00.0 v2 g2");
}

static void what_is_given_is_taken_first(void **state)
{
	(void)state;
	parse("dma", "dma,addr=01:00.0,vfio=0,group=0", "dma");
	expect_place(0, "0000:02:00.0 v1 g1");
	expect_place(1, "0000:01:00.0 v0 g0");
	expect_place(2, "0000:03:00.0 v2 g2");
}

static void functions_share_a_group_if_told(void **state)
{
	(void)state;
	parse("dma,group=7", "dma", "dma,addr=0001:Fe:1f.7,group=7");
	expect_place(0, "0000:01:00.0 v0 g7");
	expect_place(1, "0000:02:00.0 v1 g0");
	expect_place(2, "0001:fe:1f.7 v2 g7");
}

static void count_makes_several(void **state)
{
	(void)state;
	parse("dma,count=2", "dma,count=2,addr=80:01.0,vfio=9,group=3");
	assert_int_equal(specs.nr, 4);
	expect_place(0, "0000:01:00.0 v0 g0");
	expect_place(1, "0000:02:00.0 v1 g1");
	expect_place(2, "0000:80:01.0 v9 g3");
	expect_place(3, "0000:81:01.0 v10 g3");
}

static void as_many_as_sysfs_can_show(void **state)
{
	(void)state;
	parse("dma,count=256");
	assert_int_equal(specs.nr, IOAS_SYSFS_FUNCTIONS);
	expect_place(254, "0000:ff:00.0 v254 g254");
	/* There is no bus left in the first segment. */
	expect_place(255, "0001:00:00.0 v255 g255");
}

static void two_commas_are_one(void **state)
{
	(void)state;
	parse("nvme,ro,file=a,,b=c,,,file=,,,,d,serial=x");
	assert_int_equal(specs.all[0].nr_settings, 4);
	expect_setting(0, 0, "ro", "");
	expect_setting(0, 1, "file", "a,b=c,");
	expect_setting(0, 2, "file", ",,d");
	expect_setting(0, 3, "serial", "x");
}

static void ids_are_hexadecimal(void **state)
{
	(void)state;
	parse("dma,vendor=8086,device=0x1,subvendor=fffe,subdevice=0XaBc",
	      "dma");
	assert_int_equal(specs.all[0].vendor, 0x8086);
	assert_int_equal(specs.all[0].device, 1);
	assert_int_equal(specs.all[0].subvendor, 0xfffe);
	assert_int_equal(specs.all[0].subdevice, 0xabc);
	assert_int_equal(specs.all[1].vendor, 0);
}

/* Systems take two disks with one serial number for one disk. */
static void disks_have_serials_of_their_own(void **state)
{
	(void)state;
	parse("nvme,size=1M,count=2", "dma", "nvme,size=1M,serial=mine",
	      "nvme,size=1M");
	expect_setting(0, 1, "serial", "IOAS0001");
	expect_setting(1, 1, "serial", "IOAS0002");
	assert_int_equal(specs.all[2].nr_settings, 0);
	expect_setting(3, 1, "serial", "mine");
	assert_int_equal(specs.all[3].nr_settings, 2);
	expect_setting(4, 1, "serial", "IOAS0005");
}

/* ---- what is refused ---------------------------------------------------- */

static const struct refused {
	const char *text;
	const char *why;
} refused[] = {
	{ "", "--device: no model; there are nvme, dma" },
	{ "floppy", "--device floppy: no such model; there are nvme, dma" },
	{ "nvme,,file=a",
	  "--device nvme,file=a: no such model; there are nvme, dma" },
	{ "dma,file=a", "file: no such option; see \"ioas devices dma\"" },
	{ "nvme,", "\"\": no such option" },
	{ "nvme,=a", "\"\": no such option" },
	{ "nvme,file", "file: wants a value: file=FILE" },
	{ "dma,addr", "addr: wants a value: addr=BDF" },
	{ "nvme,ro=yes", "ro=yes: ro takes no value" },
	{ "dma,addr=1:0.0", "addr=1:0.0: not an address such as" },
	{ "dma,addr=01:00.0,addr=02:00.0", "addr=02:00.0: given twice" },
	{ "dma,count=0", "count=0: not a number from 1 to 256" },
	{ "dma,count=257", "count=257: not a number" },
	{ "dma,count=-1", "count=-1: not a number" },
	{ "dma,count=1x", "count=1x: not a number" },
	{ "dma,count=", "count=: not a number" },
	{ "dma,count=18446744073709551617", "not a number" },
	{ "dma,vfio=65536", "vfio=65536: not a number up to 65535" },
	{ "dma,group=a", "group=a: not a number up to 65535" },
	{ "dma,vfio=65535,count=2", "vfio=65535: too few numbers above" },
	{ "dma,addr=ff:00.0,count=2", "addr=ff:00.0: too few buses above" },
	{ "dma,vendor=0", "vendor=0: not a hexadecimal number" },
	{ "dma,vendor=ffff", "vendor=ffff: not" },
	{ "dma,device=12345", "device=12345: not" },
	{ "dma,device=0x", "device=0x: not" },
	{ "dma,subvendor=-1", "subvendor=-1: not" },
	{ "dma,subdevice=1g", "subdevice=1g: not" },
	{ "nvme,size=1M,serial=x,count=2", "serial=x: not with count=" },
};

static void misuse_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(refused); i++) {
		assert_int_equal(try(&refused[i].text, 1), -EINVAL);
		if (!strstr(why, refused[i].why))
			assert_string_equal(why, refused[i].why);
		assert_null(strchr(why, '\n'));
	}
}

static void one_place_is_for_one_function(void **state)
{
	static const char *const addr[] = { "dma,addr=01:00.0", "dma",
					    "dma,addr=0000:01:00.0" };
	static const char *const vfio[] = { "dma,vfio=3,count=2",
					    "dma,vfio=4" };
	static const char *const many[] = { "dma,count=200", "dma,count=57" };

	(void)state;
	assert_int_equal(try(addr, 3), -EINVAL);
	assert_string_equal(why, "--device dma: addr=0000:01:00.0: another "
				 "function has it");
	assert_int_equal(try(vfio, 2), -EINVAL);
	assert_string_equal(why,
			    "--device dma: vfio=4: another function has it");
	assert_int_equal(try(many, 2), -EINVAL);
	assert_string_equal(why, "--device dma: 257 functions in all; the most "
				 "is 256");
}

/* Whatever the room, what is said fits. */
static void a_long_line_is_cut(void **state)
{
	const char *text = "nvme,a-long-name-that-is-no-option";
	char small[20];

	(void)state;
	for (size_t room = 1; room < sizeof(small); room++) {
		memset(small, 'x', sizeof(small));
		assert_int_equal(ioas_devspecs_parse(&text, 1, &specs, small,
						     room),
				 -EINVAL);
		assert_int_equal(strlen(small), room - 1);
		assert_int_equal(small[room], 'x');
	}
}

#define case_of(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		case_of(nothing_is_nothing),
		case_of(numbers_count_up),
		case_of(what_is_given_is_taken_first),
		case_of(functions_share_a_group_if_told),
		case_of(count_makes_several),
		case_of(as_many_as_sysfs_can_show),
		case_of(two_commas_are_one),
		case_of(ids_are_hexadecimal),
		case_of(disks_have_serials_of_their_own),
		case_of(misuse_is_named),
		case_of(one_place_is_for_one_function),
		case_of(a_long_line_is_cut),
	};

	return cmocka_run_group_tests_name("super: --device", tests, NULL,
					   NULL);
}
