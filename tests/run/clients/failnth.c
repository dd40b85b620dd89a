/* SPDX-License-Identifier: MIT */
/*
 * failnth: requests again and again, each time with another point failing, by
 * the files that programs have for that (docs/reference/fault-injection.md)
 *
 *   clean       setup | call: ok                        | digest D1
 *   n = 1, 2..  setup | write n, call, read: 0 reached  |
 *                     |   it failed:  digest as before, then again: ok, D1
 *                     |   it did not: D1
 *               until the file says that fewer than n points were reached
 *
 * A digest is what the requests themselves tell: ids, ranges, pages that are
 * held and where they are mapped, attachments, descriptors.
 */
#include <dirent.h>

#include "client.h"

#define PAGES 8
#define MAX_POINTS 1000
#define VIRT_ID 7

enum {
	/* The effect stays if only the answer cannot be written (A.4). */
	KEEPS = 1 << 0,
	/* A part may have been done (A.4). */
	PARTIAL = 1 << 1,
	/* Must succeed whatever fails, and reaches no point (A.3). */
	RELEASE = 1 << 2,
	/* Finds another way: a page table of its own instead of a shared one. */
	LOSSY = 1 << 3,
};

/* What a case has made. */
struct state {
	struct uclient c;
	struct uc_mock m, n;
	uint32_t ioas, ioas2, hwpt, viommu, queue;
	int access, fd;
};

struct op {
	const char *name;
	void (*setup)(struct state *s);
	int (*call)(struct state *s);
	int flags;
};

static struct uclient witness;
static char *memory;
static int file, nth;

/* ---- what is seen -------------------------------------------------------- */

static unsigned int nr_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int nr = 0;

	want(d != NULL, 1);
	while (readdir(d))
		nr++;
	closedir(d);
	return nr;
}

static void add_space(const struct state *s, uint32_t ioas, char **at)
{
	struct ioas_abi_iova_range r[8];
	uint64_t alignment = 0;
	uint32_t nr = 8;

	if (!ioas)
		return;
	want_ok(uc_ranges(&s->c, ioas, r, &nr, &alignment));
	*at += sprintf(*at, " ioas %u align %llu:", ioas,
		       (unsigned long long)alignment);
	for (uint32_t i = 0; i < nr; i++)
		*at += sprintf(*at, " %llx-%llx",
			       (unsigned long long)r[i].start,
			       (unsigned long long)r[i].last);
}

static void add_pages(const struct state *s, char **at)
{
	for (size_t i = 0; i < PAGES; i++) {
		const char *p = memory + i * PAGE;
		uint32_t refs = 0;

		while (refs < 8 && refs_are(&witness, p, 1, refs))
			refs++;
		*at += sprintf(*at, " %u", refs);
		/* What nobody holds is mapped nowhere. */
		for (uint64_t k = 0; refs && k < 3 * PAGES; k++) {
			const uint64_t iova = IOVA + k * PAGE;

			if (!uc_check_map(&s->c, s->m.hwpt, iova, PAGE, va(p)))
				*at += sprintf(*at, "@%d", (int)k);
			if (!uc_check_map(&s->c, s->n.hwpt, iova, PAGE, va(p)))
				*at += sprintf(*at, "#%d", (int)k);
		}
	}
}

static void digest(const struct state *s, char *text)
{
	uint32_t id = 0;

	*text = 0;
	if (s->c.fd < 0) {
		sprintf(text, "fds %u", nr_fds());
		return;
	}
	want_ok(uc_ioas_alloc(&s->c, &id));
	want_ok(uc_destroy(&s->c, id));
	text += sprintf(text, "fds %u next %u", nr_fds(), id);
	add_space(s, s->ioas, &text);
	add_space(s, s->ioas2, &text);
	add_pages(s, &text);
}

/* ---- setups -------------------------------------------------------------- */

static void nothing(struct state *s)
{
	s->c = iommu_open();
}

static void closed(struct state *s)
{
	s->c.fd = -1;
}

static void space(struct state *s)
{
	nothing(s);
	s->ioas = ioas_new(&s->c);
}

static void mapped(struct state *s)
{
	space(s);
	s->m = mock_new(&s->c, s->ioas);
	want_ok(uc_map_fixed(&s->c, s->ioas, va(memory), 4 * PAGE, UC_RW,
			     IOVA));
	want_ok(uc_map_fixed(&s->c, s->ioas, va(memory + 4 * PAGE), PAGE, UC_R,
			     IOVA + 8 * PAGE));
}

static void two_spaces(struct state *s)
{
	mapped(s);
	s->ioas2 = ioas_new(&s->c);
	want_ok(uc_mock_domain_flags(&s->c, s->ioas2,
				     IOAS_ABI_MOCK_FLAGS_DEVICE_PASID, &s->n));
}

static void with_access(struct state *s)
{
	two_spaces(s);
	want_ok(uc_access_create(
		&s->c, s->ioas,
		IOAS_ABI_MOCK_FLAGS_ACCESS_CREATE_NEEDS_PIN_PAGES, &s->access));
}

static void with_queue(struct state *s)
{
	mapped(s);
	want_ok(uc_fault_queue(&s->c, &s->queue, &s->fd));
}

static void with_parent(struct state *s)
{
	mapped(s);
	want_ok(uc_hwpt(&s->c, s->m.idev, s->ioas,
			IOAS_ABI_HWPT_ALLOC_NEST_PARENT, &s->hwpt));
}

static void with_viommu(struct state *s)
{
	with_parent(s);
	want_ok(uc_viommu(&s->c, s->m.idev, s->hwpt, &s->viommu));
}

static void with_dirty(struct state *s)
{
	mapped(s);
	want_ok(uc_hwpt(&s->c, s->m.idev, s->ioas,
			IOAS_ABI_HWPT_ALLOC_DIRTY_TRACKING, &s->hwpt));
}

static void with_pasid_table(struct state *s)
{
	uint32_t pt;

	two_spaces(s);
	want_ok(uc_hwpt(&s->c, s->n.idev, s->ioas2, IOAS_ABI_HWPT_ALLOC_PASID,
			&s->hwpt));
	/* The device itself has to be at such a table, too. */
	pt = s->hwpt;
	want_ok(uc_mock_replace(&s->c, s->n.stdev, &pt));
}

static void with_container(struct state *s)
{
	mapped(s);
	want_ok(uc_vfio_ioas_set(&s->c, s->ioas));
}

/* ---- calls --------------------------------------------------------------- */

static int call_open(struct state *s)
{
	const int fd = iommu_open_flags(O_RDWR);

	if (fd < 0)
		return -errno;
	s->fd = fd;
	return 0;
}

static int call_alloc(struct state *s)
{
	return uc_ioas_alloc(&s->c, &s->ioas2);
}

static int call_allow(struct state *s)
{
	const struct ioas_abi_iova_range r[] = {
		{ IOVA, IOVA + 16 * PAGE - 1 }, { 2 * IOVA, 3 * IOVA }
	};

	return uc_allow(&s->c, s->ioas, r, 2);
}

static int call_ranges(struct state *s)
{
	struct ioas_abi_iova_range r[4];
	uint64_t alignment;
	uint32_t nr = 4;

	return uc_ranges(&s->c, s->ioas, r, &nr, &alignment);
}

static int call_map_fixed(struct state *s)
{
	return uc_map_fixed(&s->c, s->ioas, va(memory + PAGE), 6 * PAGE, UC_RW,
			    IOVA + 16 * PAGE);
}

static int call_map(struct state *s)
{
	uint64_t iova = 0;

	return uc_map(&s->c, s->ioas, va(memory), PAGES * PAGE, UC_R, &iova);
}

static int call_map_file(struct state *s)
{
	struct ioas_abi_ioas_map_file m = { .flags = UC_RW | UC_FIXED,
					    .ioas_id = s->ioas,
					    .fd = file,
					    .start = PAGE,
					    .length = 5 * PAGE,
					    .iova = IOVA + 16 * PAGE };

	return uc_map_file(&s->c, &m);
}

static int call_copy(struct state *s)
{
	struct ioas_abi_ioas_copy m = { .flags = UC_R | UC_FIXED,
					.dst_ioas_id = s->ioas2,
					.src_ioas_id = s->ioas,
					.length = 2 * PAGE,
					.src_iova = IOVA + PAGE,
					.dst_iova = IOVA };

	return uc_copy(&s->c, &m);
}

static int call_option(struct state *s)
{
	return uc_huge_pages(&s->c, s->ioas, 0);
}

static int call_unmap(struct state *s)
{
	return uc_unmap(&s->c, s->ioas, IOVA, 4 * PAGE, NULL);
}

static int call_change_process(struct state *s)
{
	return uc_change_process(&s->c);
}

static void by_file(struct state *s)
{
	space(s);
	s->m = mock_new(&s->c, s->ioas);
	want_ok(call_map_file(s));
}

static int call_hwpt(struct state *s)
{
	return uc_hwpt(&s->c, s->m.idev, s->ioas, 0, &s->hwpt);
}

static int call_hwpt_with_queue(struct state *s)
{
	struct ioas_abi_hwpt_alloc m = { .flags = IOAS_ABI_HWPT_FAULT_ID_VALID,
					 .dev_id = s->m.idev,
					 .pt_id = s->ioas,
					 .fault_id = s->queue };

	return uc_hwpt_alloc(&s->c, &m, NULL);
}

static int call_nested(struct state *s)
{
	const struct ioas_abi_hwpt_data_selftest data = { .iotlb = 5 };
	uint32_t id;

	return uc_hwpt_mock(&s->c, s->m.idev, s->viommu, 0, &data, &id);
}

static int call_hw_info(struct state *s)
{
	struct ioas_abi_hw_info_selftest data;
	struct ioas_abi_get_hw_info m = { .dev_id = s->m.idev,
					  .data_len = sizeof(data) };

	return uc_hw_info(&s->c, &m, &data);
}

static int call_dirty_set(struct state *s)
{
	return uc_dirty_set(&s->c, s->hwpt,
			    IOAS_ABI_HWPT_DIRTY_TRACKING_ENABLE);
}

static void with_dirty_on(struct state *s)
{
	with_dirty(s);
	want_ok(call_dirty_set(s));
}

static int call_dirty_get(struct state *s)
{
	struct ioas_abi_hwpt_get_dirty_bitmap m = { .hwpt_id = s->hwpt,
						    .iova = IOVA,
						    .length = 4 * PAGE,
						    .page_size = PAGE };
	uint64_t bitmap = 0;

	return uc_dirty_get(&s->c, &m, &bitmap);
}

static int call_viommu(struct state *s)
{
	return uc_viommu(&s->c, s->m.idev, s->hwpt, &s->viommu);
}

static int call_vdevice(struct state *s)
{
	uint32_t id;

	return uc_vdevice(&s->c, s->viommu, s->m.idev, VIRT_ID, &id);
}

static int call_veventq(struct state *s)
{
	return uc_veventq(&s->c, s->viommu, IOAS_ABI_VEVENTQ_TYPE_SELFTEST, 4,
			  &s->queue, &s->fd);
}

static int call_hw_queue(struct state *s)
{
	struct ioas_abi_hw_queue_alloc m = {
		.viommu_id = s->viommu,
		.type = IOAS_ABI_HW_QUEUE_TYPE_SELFTEST,
		.nesting_parent_iova = IOVA,
		.length = 2 * PAGE,
	};

	return uc_hw_queue(&s->c, &m);
}

static int call_fault_queue(struct state *s)
{
	return uc_fault_queue(&s->c, &s->queue, &s->fd);
}

static int call_device(struct state *s)
{
	struct uc_mock m;

	return uc_mock_domain(&s->c, s->ioas, &m);
}

static int call_replace(struct state *s)
{
	uint32_t pt = s->ioas2;

	return uc_mock_replace(&s->c, s->m.stdev, &pt);
}

static int call_pasid(struct state *s)
{
	uint32_t pt = s->hwpt;

	return uc_pasid_attach(&s->c, s->n.stdev, 3, &pt);
}

static int call_access(struct state *s)
{
	return uc_access_create(&s->c, s->ioas, 0, &s->access);
}

static int call_access_replace(struct state *s)
{
	return uc_access_replace(&s->c, s->access, s->ioas2);
}

static int call_pin(struct state *s)
{
	uint32_t item;

	return uc_access_pin(&s->c, s->access, 0, IOVA + PAGE, 2 * PAGE, &item);
}

static int call_rw(struct state *s)
{
	char buffer[64];

	return uc_access_rw(&s->c, s->access, IOVA + PAGE - 32, buffer, 64, 0);
}

static int call_vfio_info(struct state *s)
{
	uint64_t info[32] = { sizeof(info) };

	return uc_vfio_info(&s->c, info, sizeof(info));
}

static int call_vfio_map(struct state *s)
{
	return uc_vfio_map(&s->c, va(memory), IOVA + 20 * PAGE, 3 * PAGE, 3);
}

static int call_vfio_unmap(struct state *s)
{
	uint64_t size = 4 * PAGE;

	return uc_vfio_unmap(&s->c, IOVA, &size, 0);
}

static int call_destroy(struct state *s)
{
	return uc_destroy(&s->c, s->hwpt);
}

static int call_close(struct state *s)
{
	return close(s->access);
}

/* ---- the sweep ----------------------------------------------------------- */

/* All that a case has opened; the files of ours lie where they like. */
static void end(int first)
{
	for (int fd = first; fd < 1024; fd++)
		if (fd != nth)
			close(fd);
	want_ok(refs_are(&witness, memory, PAGES, 0));
}

static void arm(unsigned int n)
{
	char text[16];
	const int length = sprintf(text, "%u", n);

	want(pwrite(nth, text, (size_t)length, 0), length);
}

/* Was the point reached? Reading has points as well (B.2). */
static bool reached(void)
{
	char text[16] = "";

	if (pread(nth, text, sizeof(text) - 1, 0) < 0) {
		want(errno, EFAULT);
		return false;
	}
	return strcmp(text, "0\n") == 0;
}

static void differ(const struct op *op, unsigned int n, int ret,
		   const char *what, const char *is, const char *was)
{
	fprintf(stderr, "%s: point %u, %d: %s:\n\tis  %s\n\twas %s\n", op->name,
		n, ret, what, is, was);
	_exit(1);
}

/* @clean: what comes of it without failures. Return: the point was reached. */
static bool sweep_one(const struct op *op, unsigned int n, const char *clean,
		      int first)
{
	static char before[4096], after[4096];
	struct state s = { .c.fd = -1 };
	bool hit;
	int ret;

	op->setup(&s);
	digest(&s, before);
	arm(n);
	ret = op->call(&s);
	hit = reached();
	arm(0);
	digest(&s, after);
	if (!hit || op->flags & RELEASE)
		want_ok(ret);
	if (ret && strcmp(before, after) &&
	    !(op->flags & KEEPS && !strcmp(after, clean)) &&
	    !(op->flags & PARTIAL))
		differ(op, n, ret, "something has changed", after, before);
	if (ret && !strcmp(before, after))
		want_ok(op->call(&s));
	digest(&s, after);
	if (strcmp(after, clean) && !(hit && op->flags & LOSSY))
		differ(op, n, ret, "not as without failures", after, clean);
	end(first);
	return hit;
}

static void sweep(const struct op *op)
{
	const int first = (int)must(dup(0));
	struct state s = { .c.fd = -1 };
	static char clean[4096];
	unsigned int n = 1;

	want_ok(close(first));
	op->setup(&s);
	want_ok(op->call(&s));
	digest(&s, clean);
	end(first);
	while (sweep_one(op, n, clean, first))
		want(++n < MAX_POINTS, 1);
	/* A release has none; anything else has at least one. */
	want(n > 1 || op->flags & RELEASE, 1);
	printf("ok %s %u\n", op->name, n - 1);
}

static const struct op ops[] = {
	{ "open", closed, call_open, 0 },
	{ "ioas_alloc", nothing, call_alloc, 0 },
	{ "allow", mapped, call_allow, 0 },
	{ "ranges", mapped, call_ranges, 0 },
	{ "map_fixed", mapped, call_map_fixed, KEEPS },
	{ "map", mapped, call_map, KEEPS },
	{ "map_file", mapped, call_map_file, KEEPS },
	{ "copy", two_spaces, call_copy, KEEPS },
	{ "option", space, call_option, KEEPS },
	{ "unmap", mapped, call_unmap, RELEASE },
	{ "change_process", by_file, call_change_process, 0 },
	{ "hwpt", mapped, call_hwpt, 0 },
	{ "hwpt_with_queue", with_queue, call_hwpt_with_queue, 0 },
	{ "nested", with_viommu, call_nested, 0 },
	{ "hw_info", mapped, call_hw_info, 0 },
	{ "dirty_set", with_dirty, call_dirty_set, 0 },
	{ "dirty_get", with_dirty_on, call_dirty_get, 0 },
	{ "viommu", with_parent, call_viommu, 0 },
	{ "vdevice", with_viommu, call_vdevice, 0 },
	{ "veventq", with_viommu, call_veventq, 0 },
	{ "hw_queue", with_viommu, call_hw_queue, 0 },
	{ "fault_queue", mapped, call_fault_queue, 0 },
	{ "device", mapped, call_device, LOSSY },
	{ "replace", two_spaces, call_replace, 0 },
	{ "pasid", with_pasid_table, call_pasid, 0 },
	{ "access", mapped, call_access, 0 },
	{ "access_replace", with_access, call_access_replace, 0 },
	{ "pin", with_access, call_pin, 0 },
	{ "rw", with_access, call_rw, PARTIAL },
	{ "vfio_info", with_container, call_vfio_info, 0 },
	{ "vfio_map", with_container, call_vfio_map, 0 },
	{ "vfio_unmap", with_container, call_vfio_unmap, RELEASE },
	{ "destroy", with_dirty, call_destroy, RELEASE },
	{ "close", with_access, call_close, RELEASE },
};

/* Allocations that may wait are no points before that (B.3). */
static void every_allocation(void)
{
	const int fd = open("/sys/kernel/debug/failslab/ignore-gfp-wait",
			    O_WRONLY);

	want(write((int)must(fd), "N", 1), 1);
	close(fd);
}

static void open_nth(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/fail-nth",
		 (int)gettid());
	nth = (int)must(open(path, O_RDWR | O_CLOEXEC));
}

int main(int argc, char **argv)
{
	closefrom(3);
	every_allocation();
	open_nth();
	witness = iommu_open();
	file = (int)must(memfd_create("failnth", MFD_CLOEXEC));
	want_ok(ftruncate(file, (off_t)(PAGES * PAGE)));
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	must(memory == MAP_FAILED ? -1 : 0);
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (argc < 2 || !strcmp(argv[1], ops[i].name))
			sweep(&ops[i]);
	return 0;
}
