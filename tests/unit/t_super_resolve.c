/* SPDX-License-Identifier: MIT */
/* resolve: paths as strings, and what they name (src/super/resolve.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "prng.h"
#include "super/resolve.h"

#define TREE "/dev/shm/ioas-run-1-abcdef/tree"

/* ---- a caller, with directories of its own ------------------------------ */

static const char *cwd = "/home/u";
static const char *dir7 = "/dev";
static unsigned int asked;

static int directory(const struct ioas_resolver *r, int dirfd, char *path,
		     size_t room)
{
	const char *at = dirfd == AT_FDCWD ? cwd : dirfd == 7 ? dir7 : NULL;

	assert_int_equal(r->tgid, 100);
	asked++;
	if (!at)
		return -EBADF;
	return snprintf(path, room, "%s", at);
}

static const struct ioas_resolver caller = {
	.tgid = 100,
	.tid = 102,
	.tree = TREE,
	.directory = directory,
};

static void expect_path(int dirfd, const char *path, const char *want)
{
	struct ioas_resolved at;

	assert_int_equal(ioas_resolve(&caller, dirfd, path, 0, &at), 0);
	assert_string_equal(at.path, want);
	assert_int_equal(at.length, strlen(want));
}

static void absolute_paths_ask_nobody(void **state)
{
	(void)state;
	asked = 0;
	expect_path(9, "/dev/iommu", "/dev/iommu");
	expect_path(9, "//dev///./iommu", "/dev/iommu");
	expect_path(9, "/usr/../dev/vfio/../iommu", "/dev/iommu");
	expect_path(9, "/../..", "");
	expect_path(9, "/", "");
	expect_path(9, "/a/...", "/a/...");
	assert_int_equal(asked, 0);
}

static void relative_paths_start_at_their_directory(void **state)
{
	struct ioas_resolved at;

	(void)state;
	expect_path(AT_FDCWD, "x", "/home/u/x");
	expect_path(AT_FDCWD, "../../dev/iommu", "/dev/iommu");
	expect_path(7, "iommu", "/dev/iommu");
	expect_path(7, "./vfio/", "/dev/vfio");
	cwd = "/";
	expect_path(AT_FDCWD, "dev/iommu", "/dev/iommu");
	cwd = "/home/u";
	assert_int_equal(ioas_resolve(&caller, 8, "iommu", 0, &at), -EBADF);
	/* A descriptor that is no directory, nor a file with a name. */
	dir7 = "pipe:[12]";
	assert_int_equal(ioas_resolve(&caller, 7, "iommu", 0, &at), -ENOTDIR);
	dir7 = "/dev";
}

static void self_is_who_asks(void **state)
{
	struct ioas_resolved at;

	(void)state;
	expect_path(9, "/proc/self/fail-nth", "/proc/100/fail-nth");
	expect_path(9, "/proc/thread-self/status",
		    "/proc/100/task/102/status");
	expect_path(9, "/proc/thread-self/../101/x", "/proc/100/task/101/x");
	expect_path(9, "/proc/self/../self/fd/3", "/proc/100/fd/3");
	expect_path(9, "/dev/fd/4", "/proc/100/fd/4");
	expect_path(7, "fd/4", "/proc/100/fd/4");
	expect_path(9, "/proc/selfish/x", "/proc/selfish/x");
	expect_path(9, "/x/proc/self/fd/1", "/x/proc/self/fd/1");
	assert_int_equal(ioas_resolve(&caller, 9, "/proc/self/x", 0, &at), 0);
	assert_true(at.linked);
	assert_int_equal(ioas_resolve(&caller, 9, "/proc/1/x", 0, &at), 0);
	assert_false(at.linked);
}

static void a_slash_at_the_end_means_a_directory(void **state)
{
	static const struct {
		const char *path;
		bool slash;
	} cases[] = {
		{ "/dev/iommu", false },     { "/dev/iommu/", true },
		{ "/dev/iommu//", true },    { "/dev/iommu/.", true },
		{ "/dev/vfio/..", true },    { "/dev//iommu", false },
		{ "/dev/./iommu", false },   { "/dev/..x", false },
		{ "/dev/vfio/../.x", false },
	};
	struct ioas_resolved at;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			ioas_resolve(&caller, 9, cases[i].path, 0, &at), 0);
		if (at.slash != cases[i].slash)
			fail_msg("%s", cases[i].path);
	}
}

static void names_of_the_tree_are_those_they_stand_for(void **state)
{
	(void)state;
	dir7 = TREE "/sys/kernel/debug";
	expect_path(7, "failslab/times", "/sys/kernel/debug/failslab/times");
	expect_path(7, "../debug/.", "/sys/kernel/debug");
	dir7 = TREE;
	expect_path(7, "dev/iommu", "/dev/iommu");
	dir7 = "/dev";
	expect_path(9, TREE "/dev/vfio", "/dev/vfio");
	expect_path(9, TREE "x/dev/vfio", TREE "x/dev/vfio");
}

static void openat2_can_forbid_to_leave(void **state)
{
	const unsigned int beneath = IOAS_RESOLVE_BENEATH;
	const unsigned int root = IOAS_RESOLVE_IN_ROOT;
	struct ioas_resolved at;

	(void)state;
	assert_int_equal(ioas_resolve(&caller, 7, "/dev/iommu", beneath, &at),
			 -EXDEV);
	assert_int_equal(ioas_resolve(&caller, 7, "../dev/iommu", beneath, &at),
			 -EXDEV);
	assert_int_equal(ioas_resolve(&caller, 7, "x/../iommu", beneath, &at),
			 0);
	assert_string_equal(at.path, "/dev/iommu");
	assert_int_equal(ioas_resolve(&caller, 7, "/../iommu", root, &at), 0);
	assert_string_equal(at.path, "/dev/iommu");
	assert_int_equal(ioas_resolve(&caller, 7, "/dev/iommu", root, &at), 0);
	assert_string_equal(at.path, "/dev/dev/iommu");
}

static void too_long_is_said(void **state)
{
	char path[PATH_MAX + 16];
	struct ioas_resolved at;

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[NAME_MAX + 1] = '\0';
	assert_int_equal(ioas_resolve(&caller, 9, path, 0, &at), 0);
	path[NAME_MAX + 1] = 'a';
	path[NAME_MAX + 2] = '\0';
	assert_int_equal(ioas_resolve(&caller, 9, path, 0, &at), -ENAMETOOLONG);
	/* Each part is short enough; all of them are not, below a directory. */
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? '/' : 'a';
	path[PATH_MAX - 2] = '\0';
	assert_int_equal(ioas_resolve(&caller, AT_FDCWD, path, 0, &at),
			 -ENAMETOOLONG);
}

/* ---- the twin: a list of names ------------------------------------------ */

static void twin(const char *path, char *out)
{
	char copy[512], *names[64], *save = NULL;
	size_t nr = 0;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *s = strtok_r(copy, "/", &save); s;
	     s = strtok_r(NULL, "/", &save)) {
		if (!strcmp(s, ".."))
			nr -= nr > 0;
		else if (strcmp(s, "."))
			names[nr++] = s;
	}
	*out = '\0';
	for (size_t i = 0; i < nr; i++)
		sprintf(out + strlen(out), "/%s", names[i]);
}

static void any_path_is_as_a_list_of_names_says(void **state)
{
	static const char *const parts[] = { "a",  "b", ".",   "..", "",
					     "..", "c", "...", ".d" };
	struct prng prng = { 1 };
	char path[512], want[512];
	struct ioas_resolved at;

	(void)state;
	for (unsigned int round = 0; round < 20000; round++) {
		const unsigned int n = (unsigned int)prng_below(&prng, 12);
		size_t length = 0;

		for (unsigned int i = 0; i <= n; i++)
			length += (size_t)sprintf(
				path + length, "/%s",
				parts[prng_below(&prng,
						 IOAS_ARRAY_SIZE(parts))]);
		twin(path, want);
		assert_int_equal(ioas_resolve(&caller, 9, path, 0, &at), 0);
		if (strcmp(at.path, want) || at.length != strlen(want))
			fail_msg("%s: %s, not %s", path, at.path, want);
	}
}

/* ---- first look --------------------------------------------------------- */

static void first_look_lets_go_of_what_programs_open(void **state)
{
	static const char *const others[] = {
		"/etc/ld.so.cache", "/lib/x86_64-linux-gnu/libc.so.6",
		"/usr/include/stdio.h", "main.c", "../src/main.c", "/proc/self/maps",
		"/dev/null", "/proc/self/fd/3", "/sys/devices/system/cpu/online",
		"5", ".", "", "/times", "/usr/space",
	};
	static const char *const ours[] = {
		"/dev/iommu", "iommu", "../dev/vfio/vfio", "vfio", "debug",
		"/sys/kernel/debug", "/proc/self/fail-nth", "fail-nth",
		"make-it-fail", "/proc/7/task/8/status", "status", "times",
		"failslab", "../space", "verbose",
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(others); i++) {
		if (ioas_path_hint(others[i], false, false))
			fail_msg("%s", others[i]);
	}
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(ours); i++) {
		if (!ioas_path_hint(ours[i], false, false))
			fail_msg("%s", ours[i]);
	}
	assert_true(ioas_path_hint("/proc/self/fd/3", true, false));
	assert_true(ioas_path_hint("/dev/fd/3", true, false));
	assert_true(ioas_path_hint("12", true, false));
	assert_false(ioas_path_hint("12a", true, false));
}

static void with_functions_more_is_looked_at(void **state)
{
	static const char *const ours[] = {
		"/sys", "/sys/bus", "/sys/bus/pci/devices/0000:01:00.0/config",
		"/proc/self/fdinfo/3", "vendor", "..", "12",
	};

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(ours); i++) {
		if (ioas_path_hint(ours[i], false, false))
			fail_msg("%s", ours[i]);
		if (!ioas_path_hint(ours[i], false, true))
			fail_msg("%s", ours[i]);
	}
	assert_false(ioas_path_hint("/usr/include/stdio.h", false, true));
	assert_false(ioas_path_hint("/etc/ld.so.cache", false, true));
	assert_false(ioas_path_hint("/proc/self/fd/3", false, true));
}

/* ---- links of ours ------------------------------------------------------ */

static const struct {
	const char *path, *target;
} links[] = {
	{ "/sys/a", "b/c" },
	{ "/sys/up", "../dev" },
	{ "/sys/b/two", "../a" },
	{ "/sys/loop", "loop" },
	{ "/sys/bad", "loop/x" },
};

static int link_at(const struct ioas_resolver *r, const char *path,
		   char target[IOAS_LINK_MAX + 1])
{
	(void)r;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(links); i++) {
		if (!strcmp(links[i].path, path))
			return snprintf(target, IOAS_LINK_MAX + 1, "%s",
					links[i].target);
	}
	return 0;
}

static const struct ioas_resolver linker = {
	.tgid = 100,
	.tid = 102,
	.tree = TREE,
	.directory = directory,
	.link = link_at,
};

static void links_of_ours_are_followed(void **state)
{
	static const struct {
		const char *path;
		unsigned int flags;
		const char *want;
		unsigned int links;
		bool slash;
	} cases[] = {
		{ "/sys/a", 0, "/sys/b/c", 1, false },
		{ "/sys/a/", 0, "/sys/b/c", 1, true },
		{ "/sys/a", IOAS_RESOLVE_NO_FOLLOW, "/sys/a", 0, false },
		{ "/sys/a/", IOAS_RESOLVE_NO_FOLLOW, "/sys/b/c", 1, true },
		{ "/sys/a/.", IOAS_RESOLVE_NO_FOLLOW, "/sys/b/c", 1, true },
		{ "/sys/a/x", IOAS_RESOLVE_NO_FOLLOW, "/sys/b/c/x", 1, false },
		{ "/sys/a/..", 0, "/sys/b", 1, true },
		{ "/sys/a/../two", 0, "/sys/b/c", 3, false },
		{ "/sys/a/../two", IOAS_RESOLVE_NO_FOLLOW, "/sys/b/two", 1,
		  false },
		{ "/sys/b/two/", IOAS_RESOLVE_NO_FOLLOW, "/sys/b/c", 2, true },
		{ "/sys/up/iommu", 0, "/dev/iommu", 1, false },
		{ TREE "/sys/a/x", 0, "/sys/b/c/x", 1, false },
		{ "/x/sys/a", 0, "/x/sys/a", 0, false },
		{ "/sys/ab", 0, "/sys/ab", 0, false },
	};
	struct ioas_resolved at;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		assert_int_equal(ioas_resolve(&linker, 9, cases[i].path,
					      cases[i].flags, &at),
				 0);
		if (strcmp(at.path, cases[i].want) ||
		    at.links != cases[i].links || at.slash != cases[i].slash ||
		    at.linked != (cases[i].links > 0) ||
		    at.length != strlen(at.path))
			fail_msg("%s: %s %u %d", cases[i].path, at.path,
				 at.links, at.slash);
	}
}

static void links_end_somewhere(void **state)
{
	char path[PATH_MAX] = "/sys";
	struct ioas_resolved at;

	(void)state;
	assert_int_equal(ioas_resolve(&linker, 9, "/sys/loop", 0, &at), -ELOOP);
	assert_int_equal(ioas_resolve(&linker, 9, "/sys/bad", 0, &at), -ELOOP);
	assert_int_equal(ioas_resolve(&linker, 9, "/sys/loop",
				      IOAS_RESOLVE_NO_FOLLOW, &at),
			 0);
	for (unsigned int i = 0; i < IOAS_LINKS_MAX; i++)
		strcat(path, "/a/../..");
	assert_int_equal(ioas_resolve(&linker, 9, path, 0, &at), 0);
	assert_int_equal(at.links, IOAS_LINKS_MAX);
	assert_string_equal(at.path, "/sys");
	strcat(path, "/a");
	assert_int_equal(ioas_resolve(&linker, 9, path, 0, &at), -ELOOP);
}

static void links_of_ours_do_not_lead_out_either(void **state)
{
	struct ioas_resolved at;

	(void)state;
	dir7 = "/sys";
	assert_int_equal(ioas_resolve(&linker, 7, "a/x", IOAS_RESOLVE_BENEATH,
				      &at),
			 0);
	assert_string_equal(at.path, "/sys/b/c/x");
	assert_int_equal(ioas_resolve(&linker, 7, "up/x", IOAS_RESOLVE_BENEATH,
				      &at),
			 -EXDEV);
	assert_int_equal(ioas_resolve(&linker, 7, "up/x", IOAS_RESOLVE_IN_ROOT,
				      &at),
			 0);
	assert_string_equal(at.path, "/sys/dev/x");
	dir7 = "/dev";
}

/* ---- nodes -------------------------------------------------------------- */

static void nodes_have_exact_names(void **state)
{
	static const struct {
		const char *path;
		enum ioas_node_kind kind;
		/* Only with fault injection. */
		bool faults;
	} cases[] = {
		{ "/dev/iommu", IOAS_NODE_IOMMU, false },
		{ "/dev/iommu2", IOAS_NODE_NONE, false },
		{ "/dev/iommu/x", IOAS_NODE_TREE, false },
		{ "/x/dev/iommu", IOAS_NODE_NONE, false },
		{ "/dev/vfio", IOAS_NODE_TREE, false },
		{ "/dev/vfio/vfio", IOAS_NODE_VFIO, false },
		{ "/dev/vfio/3", IOAS_NODE_TREE, false },
		{ "/dev/vfiox", IOAS_NODE_NONE, false },
		{ "/dev", IOAS_NODE_NONE, false },
		{ "", IOAS_NODE_NONE, false },
		{ "/sys/kernel/debug", IOAS_NODE_TREE, true },
		{ "/sys/kernel/debug/failslab/times", IOAS_NODE_TREE, true },
		{ "/sys/kernel", IOAS_NODE_NONE, true },
		{ "/proc/12/fail-nth", IOAS_NODE_FAIL_NTH, true },
		{ "/proc/12/task/13/fail-nth", IOAS_NODE_FAIL_NTH, true },
		{ "/proc/12/make-it-fail", IOAS_NODE_MAKE_IT_FAIL, true },
		{ "/proc/12/status", IOAS_NODE_STATUS, false },
		{ "/proc/12/task/13/status", IOAS_NODE_STATUS, false },
		{ "/proc/12/fd/0", IOAS_NODE_FD, false },
		{ "/proc/12/fd/00", IOAS_NODE_NONE, false },
		{ "/proc/12/fd/", IOAS_NODE_NONE, false },
		{ "/proc/12/fd/1/2", IOAS_NODE_NONE, false },
		{ "/proc/012/status", IOAS_NODE_NONE, false },
		{ "/proc/0/status", IOAS_NODE_NONE, false },
		{ "/proc/x/status", IOAS_NODE_NONE, false },
		{ "/proc//status", IOAS_NODE_NONE, false },
		{ "/proc/12x/status", IOAS_NODE_NONE, false },
		{ "/proc/12/statusx", IOAS_NODE_NONE, false },
		{ "/proc/12/task/status", IOAS_NODE_NONE, false },
		{ "/proc/99999999999999999999/status", IOAS_NODE_NONE, false },
		{ "/proc/2147483648/status", IOAS_NODE_NONE, false },
	};
	struct ioas_node node;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		ioas_node_parse(cases[i].path, IOAS_NODES_FAULTS, &node);
		if (node.kind != cases[i].kind)
			fail_msg("%s: %d", cases[i].path, node.kind);
		ioas_node_parse(cases[i].path, 0, &node);
		if (node.kind !=
		    (cases[i].faults ? IOAS_NODE_NONE : cases[i].kind))
			fail_msg("%s: %d", cases[i].path, node.kind);
	}
}

static void nodes_of_proc_say_whose_they_are(void **state)
{
	struct ioas_node node;

	(void)state;
	ioas_node_parse("/proc/12/task/13/fd/5", 0, &node);
	assert_int_equal(node.kind, IOAS_NODE_FD);
	assert_int_equal(node.pid, 12);
	assert_int_equal(node.tid, 13);
	assert_int_equal(node.fd, 5);
	ioas_node_parse("/proc/12/fail-nth", IOAS_NODES_FAULTS, &node);
	assert_int_equal(node.pid, 12);
	assert_int_equal(node.tid, 12);
	/* What the tree has not is looked for elsewhere, or not. */
	ioas_node_parse("/dev/vfio/3", IOAS_NODES_FAULTS, &node);
	assert_true(node.closed);
	ioas_node_parse("/sys/kernel/debug/tracing", IOAS_NODES_FAULTS, &node);
	assert_false(node.closed);
	ioas_node_parse("/sys/kernel/debug/failslab/x", IOAS_NODES_FAULTS, &node);
	assert_true(node.closed);
}

static void functions_have_nodes_and_places(void **state)
{
	static const struct {
		const char *path;
		enum ioas_node_kind kind;
		bool closed, parent;
		/* What the last bytes are that make it whole. */
		const char *whole;
	} cases[] = {
		{ "/dev/vfio/12", IOAS_NODE_GROUP, true, false, NULL },
		{ "/dev/vfio/012", IOAS_NODE_TREE, true, false, NULL },
		{ "/dev/vfio/12x", IOAS_NODE_TREE, true, false, NULL },
		{ "/dev/vfio/devices", IOAS_NODE_TREE, true, false, NULL },
		{ "/dev/vfio/devices/vfio3", IOAS_NODE_DEVICE, true, false,
		  NULL },
		{ "/dev/vfio/devices/vfio3/", IOAS_NODE_TREE, true, false,
		  NULL },
		{ "/dev/vfio/devices/3", IOAS_NODE_TREE, true, false, NULL },
		{ "/dev/vfio/vfio", IOAS_NODE_VFIO, false, false, NULL },
		{ "/sys", IOAS_NODE_TREE, false, true, NULL },
		{ "/sys/bus/pci", IOAS_NODE_TREE, false, true, NULL },
		{ "/sys/bus/pci/devices", IOAS_NODE_TREE, true, false, NULL },
		{ "/sys/bus/pci/devicesx", IOAS_NODE_NONE, false, false, NULL },
		{ "/sys/bus/pci/slots", IOAS_NODE_NONE, false, false, NULL },
		{ "/sys/bus/pci/drivers", IOAS_NODE_TREE, false, true, NULL },
		{ "/sys/bus/pci/drivers/nvme", IOAS_NODE_NONE, false, false,
		  NULL },
		{ "/sys/bus/pci/drivers/vfio-pci/new_id", IOAS_NODE_TREE, true,
		  false, NULL },
		{ "/sys/kernel/iommu_groups/3", IOAS_NODE_TREE, true, false,
		  NULL },
		{ "/sys/module/vfio", IOAS_NODE_TREE, true, false, NULL },
		{ "/sys/module/vfiox", IOAS_NODE_NONE, false, false, NULL },
		{ "/sys/devices/pci0000:01", IOAS_NODE_TREE, false, true,
		  NULL },
		{ "/sys/devices/pci0000:01/b", IOAS_NODE_TREE, false, false,
		  "b" },
		{ "/sys/devices/pci0000:01/b/x/y", IOAS_NODE_TREE, false, false,
		  "b" },
		{ "/sys/devices/system", IOAS_NODE_NONE, false, false, NULL },
		{ "/proc/12/fdinfo/3", IOAS_NODE_FDINFO, false, false, NULL },
		{ "/proc/12/task/13/fdinfo/3", IOAS_NODE_FDINFO, false, false,
		  NULL },
		{ "/proc/12/fdinfo", IOAS_NODE_NONE, false, false, NULL },
		{ "/proc/12/fdinfo/x", IOAS_NODE_NONE, false, false, NULL },
	};
	struct ioas_node node;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(cases); i++) {
		const char *path = cases[i].path, *w = cases[i].whole;

		ioas_node_parse(path, IOAS_NODES_DEVICES, &node);
		if (node.kind != cases[i].kind ||
		    node.closed != cases[i].closed ||
		    node.parent != cases[i].parent ||
		    (w ? node.whole != (size_t)(strstr(path, w) - path) + 1 :
			 node.whole != 0))
			fail_msg("%s: %d %d %d %zu", path, node.kind,
				 node.closed, node.parent, node.whole);
		if (node.kind == IOAS_NODE_TREE)
			assert_int_equal(node.sysfs, path[1] == 's');
		ioas_node_parse(path, IOAS_NODES_FAULTS, &node);
		assert_true(node.kind == IOAS_NODE_NONE ||
			    !strncmp(path, "/dev/vfio/", 10));
		assert_false(node.sysfs);
	}
	ioas_node_parse("/dev/vfio/devices/vfio31", IOAS_NODES_DEVICES, &node);
	assert_int_equal(node.number, 31);
	ioas_node_parse("/dev/vfio/4294967296", IOAS_NODES_DEVICES, &node);
	assert_int_equal(node.kind, IOAS_NODE_TREE);
	ioas_node_parse("/proc/12/fdinfo/3", IOAS_NODES_DEVICES, &node);
	assert_int_equal(node.fd, 3);
	assert_int_equal(node.pid, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(absolute_paths_ask_nobody),
		cmocka_unit_test(relative_paths_start_at_their_directory),
		cmocka_unit_test(self_is_who_asks),
		cmocka_unit_test(a_slash_at_the_end_means_a_directory),
		cmocka_unit_test(names_of_the_tree_are_those_they_stand_for),
		cmocka_unit_test(openat2_can_forbid_to_leave),
		cmocka_unit_test(too_long_is_said),
		cmocka_unit_test(any_path_is_as_a_list_of_names_says),
		cmocka_unit_test(first_look_lets_go_of_what_programs_open),
		cmocka_unit_test(with_functions_more_is_looked_at),
		cmocka_unit_test(links_of_ours_are_followed),
		cmocka_unit_test(links_end_somewhere),
		cmocka_unit_test(links_of_ours_do_not_lead_out_either),
		cmocka_unit_test(functions_have_nodes_and_places),
		cmocka_unit_test(nodes_have_exact_names),
		cmocka_unit_test(nodes_of_proc_say_whose_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
