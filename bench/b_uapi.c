/* SPDX-License-Identifier: MIT */
/*
 * b_uapi: what the ABI costs over the core
 *
 *   ioctl       ioas_local_ioctl(): from a descriptor of this process on
 *   front end   ioas_iommufd_ioctl(): size protocol, copies to and from the
 *               program's memory, ids, checks, the core
 *   core        the same operation on the same space, called directly, on
 *               behalf of the same caller
 *
 * The memory is this process's, anonymous and present; a page table is the
 * mock's. Map and unmap are timed as a pair.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <ioas/abi/iommufd_test.h>

#include "bench.h"
#include "core/access.h"
#include "core/iopt.h"
#include "domain/ops.h"
#include "host/local.h"
#include "host/process.h"
#include "seam/caller.h"
#include "uapi/command.h"
#include "uapi/space.h"

#define PAGE UINT64_C(4096)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define IOVA UINT64_C(0x10000000)
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE | IOAS_PROT_CACHE)

struct uapi {
	struct ioas_local *l;
	int fd;
	uint32_t ioas_id;
	/* The same, seen from inside. */
	struct ioas_iommufd *ictx;
	struct ioas *ioas;
	struct ioas_origin *origin;
	struct ioas_caller caller;
	/* Mock devices attached: [1] has a page table of its own. */
	uint32_t stdev[2];
	unsigned int nr_domains;
	int access_fd;
	struct ioas_access *access;
	uint8_t *memory;
	uint64_t length;
	/* Do without a descriptor. */
	bool front;
	/* Pairs of a run. */
	uint64_t nr;
	uint32_t *order;
};

static void must(struct uapi *u, uint32_t cmd, void *arg)
{
	const int64_t ret =
		u->front ? ioas_iommufd_ioctl(u->ictx, cmd, (uintptr_t)arg) :
			   ioas_local_ioctl(u->l, u->fd, cmd, (uintptr_t)arg);

	bench_check(!ret, "ioctl");
}

/* ---- map and unmap ------------------------------------------------------ */

static void abi_map(struct uapi *u, uint64_t iova, uint64_t length)
{
	struct ioas_abi_ioas_map map = {
		.size = sizeof(map),
		.flags = IOAS_ABI_IOAS_MAP_FIXED_IOVA |
			 IOAS_ABI_IOAS_MAP_READABLE |
			 IOAS_ABI_IOAS_MAP_WRITEABLE,
		.ioas_id = u->ioas_id,
		.user_va = (uintptr_t)u->memory,
		.length = length,
		.iova = iova,
	};

	must(u, IOAS_ABI_IOAS_MAP, &map);
}

static void abi_unmap(struct uapi *u, uint64_t iova, uint64_t length)
{
	struct ioas_abi_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = u->ioas_id,
		.iova = iova,
		.length = length,
	};

	must(u, IOAS_ABI_IOAS_UNMAP, &unmap);
	bench_check(unmap.length == length, "unmapped");
}

static double pair_abi(void *ctx)
{
	struct uapi *u = ctx;
	const uint64_t start = bench_now();

	for (uint64_t i = 0; i < u->nr; i++) {
		abi_map(u, IOVA, u->length);
		abi_unmap(u, IOVA, u->length);
	}
	return (double)(bench_now() - start);
}

static double pair_front(void *ctx)
{
	struct uapi *u = ctx;
	struct ioas_caller *old = ioas_caller_enter(&u->caller);
	double ns;

	u->front = true;
	ns = pair_abi(u);
	u->front = false;
	ioas_caller_leave(old);
	return ns;
}

static void core_map(struct uapi *u, uint64_t iova, uint64_t length)
{
	bench_check(!ioas_iopt_map(u->ioas, u->origin, (uintptr_t)u->memory,
				   length, RW, IOAS_MAP_FIXED, &iova),
		    "map");
}

static void core_unmap(struct uapi *u, uint64_t iova, uint64_t length)
{
	uint64_t unmapped;

	bench_check(!ioas_iopt_unmap(u->ioas, iova, length, &unmapped) &&
			    unmapped == length,
		    "unmap");
}

static double pair_core(void *ctx)
{
	struct uapi *u = ctx;
	struct ioas_caller *old = ioas_caller_enter(&u->caller);
	const uint64_t start = bench_now();
	double ns;

	for (uint64_t i = 0; i < u->nr; i++) {
		core_map(u, IOVA, u->length);
		core_unmap(u, IOVA, u->length);
	}
	ns = (double)(bench_now() - start);
	ioas_caller_leave(old);
	return ns;
}

static void measure_pair(struct uapi *u, const char *size, uint64_t length,
			 uint64_t nr)
{
	char name[64];
	const struct bench_row row = {
		.name = name,
		.unit = "pair",
		.ops = (double)(u->nr = bench_scale(nr)),
		.contender = {
			{ "ioctl", pair_abi, u },
			{ "of which: front end", pair_front, u },
			{ "floor: core", pair_core, u },
		},
	};

	u->length = length;
	snprintf(name, sizeof(name), "map + unmap %s, %u domains", size,
		 u->nr_domains);
	bench_run(&row);
}

/* ---- many areas --------------------------------------------------------- */

/* Every second page, so that no area continues another. */
static uint64_t many_iova(const struct uapi *u, uint64_t i)
{
	return IOVA + 2 * PAGE * u->order[i];
}

static double many_abi(void *ctx)
{
	struct uapi *u = ctx;
	const uint64_t start = bench_now();

	for (uint64_t i = 0; i < u->nr; i++) {
		abi_unmap(u, many_iova(u, i), PAGE);
		abi_map(u, many_iova(u, i), PAGE);
	}
	return (double)(bench_now() - start);
}

static double many_core(void *ctx)
{
	struct uapi *u = ctx;
	struct ioas_caller *old = ioas_caller_enter(&u->caller);
	const uint64_t start = bench_now();
	double ns;

	for (uint64_t i = 0; i < u->nr; i++) {
		core_unmap(u, many_iova(u, i), PAGE);
		core_map(u, many_iova(u, i), PAGE);
	}
	ns = (double)(bench_now() - start);
	ioas_caller_leave(old);
	return ns;
}

static void many_order(struct uapi *u)
{
	u->order = malloc(u->nr * sizeof(*u->order));
	bench_check(u->order, "memory");
	for (uint32_t i = 0; i < u->nr; i++)
		u->order[i] = i;
	for (uint64_t i = u->nr - 1; i; i--) {
		const uint64_t j = bench_random() % (i + 1);
		const uint32_t tmp = u->order[i];

		u->order[i] = u->order[j];
		u->order[j] = tmp;
	}
}

static void measure_many(struct uapi *u)
{
	const struct bench_row row = {
		.name = "unmap + map 4 KiB among 10^5 areas",
		.unit = "pair",
		.ops = (double)(u->nr = bench_scale(100000)),
		.contender = {
			{ "ioctl", many_abi, u },
			{ "floor: core", many_core, u },
		},
	};
	uint64_t unmapped;

	many_order(u);
	for (uint64_t i = 0; i < u->nr; i++)
		core_map(u, many_iova(u, i), PAGE);
	bench_run(&row);
	bench_check(!ioas_iopt_unmap_all(u->ioas, &unmapped) &&
			    unmapped == u->nr * PAGE,
		    "every area is there");
	free(u->order);
}

/* ---- read and write ----------------------------------------------------- */

static uint8_t *buffer;

static double rw_abi(void *ctx)
{
	struct uapi *u = ctx;
	struct ioas_abi_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOAS_ABI_TEST_OP_ACCESS_RW,
		.id = (uint32_t)u->access_fd,
		.access_rw = {
			.iova = IOVA,
			.length = u->length,
			.uptr = (uintptr_t)buffer,
		},
	};
	const uint64_t start = bench_now();

	for (uint64_t i = 0; i < u->nr; i++) {
		cmd.access_rw.flags = i & 1 ? IOAS_ABI_MOCK_ACCESS_RW_WRITE : 0;
		must(u, IOAS_ABI_TEST_CMD, &cmd);
	}
	return (double)(bench_now() - start);
}

static double rw_core(void *ctx)
{
	struct uapi *u = ctx;
	struct ioas_caller *old = ioas_caller_enter(&u->caller);
	const uint64_t start = bench_now();
	double ns;

	for (uint64_t i = 0; i < u->nr; i++)
		bench_check(!ioas_access_rw(u->access, IOVA, buffer, u->length,
					    i & 1 ? IOAS_ACCESS_WRITE : 0),
			    "rw");
	ns = (double)(bench_now() - start);
	ioas_caller_leave(old);
	return ns;
}

static void measure_rw(struct uapi *u, const char *name, uint64_t length,
		       uint64_t nr)
{
	const struct bench_row row = {
		.name = name,
		.unit = "call",
		.ops = (double)(u->nr = bench_scale(nr)),
		.contender = {
			{ "ioctl", rw_abi, u },
			{ "floor: core", rw_core, u },
		},
	};

	u->length = length;
	bench_run(&row);
}

static void rw_rows(struct uapi *u)
{
	struct ioas_abi_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOAS_ABI_TEST_OP_CREATE_ACCESS,
		.id = u->ioas_id,
	};

	buffer = malloc(MIB);
	bench_check(buffer, "memory");
	memset(buffer, 0, MIB);
	must(u, IOAS_ABI_TEST_CMD, &cmd);
	u->access_fd = (int)cmd.create_access.out_access_fd;
	bench_check(!ioas_access_create(u->ioas->ctx, NULL, NULL,
					IOAS_ACCESS_INTERNAL, &u->access) &&
			    !ioas_access_attach(u->access, u->ioas),
		    "access");
	core_map(u, IOVA, MIB);
	measure_rw(u, "access read, write 64 B", 64, 100000);
	measure_rw(u, "access read, write 1 MiB", MIB, 200);
	core_unmap(u, IOVA, MIB);
	ioas_access_destroy(u->access);
	bench_check(!ioas_local_close(u->l, u->access_fd), "close");
	free(buffer);
}

/* ---- nothing ------------------------------------------------------------ */

static double nothing_version(void *ctx)
{
	struct uapi *u = ctx;
	const uint64_t start = bench_now();

	for (uint64_t i = 0; i < u->nr; i++)
		bench_check(!ioas_local_ioctl(u->l, u->fd,
					      IOAS_ABI_VFIO_GET_API_VERSION, 0),
			    "version");
	return (double)(bench_now() - start);
}

static double nothing_option(void *ctx)
{
	struct uapi *u = ctx;
	struct ioas_abi_option option = {
		.size = sizeof(option),
		.option_id = IOAS_ABI_OPTION_RLIMIT_MODE,
		.op = IOAS_ABI_OPTION_OP_GET,
	};
	const uint64_t start = bench_now();

	for (uint64_t i = 0; i < u->nr; i++)
		must(u, IOAS_ABI_OPTION, &option);
	return (double)(bench_now() - start);
}

static void measure_nothing(struct uapi *u)
{
	const struct bench_row row = {
		.name = "an empty command",
		.unit = "call",
		.ops = (double)(u->nr = bench_scale(1000000)),
		.contender = {
			{ "ioctl with a struct in and out", nothing_option, u },
			{ "floor: ioctl without", nothing_version, u },
		},
	};

	bench_run(&row);
}

/* ---- the world ---------------------------------------------------------- */

static void world_create(struct uapi *u)
{
	/* Memory is charged, to a limit that is not in the way. */
	const struct ioas_local_options opts = {
		.test_abi = true,
		.rights = {
			.lock_unlimited = IOAS_LOCAL_NO,
			.own_limit = true,
			.lock_limit = 64 * GIB,
		},
	};
	struct ioas_abi_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct ioas_iommufd *ictx;
	struct ioas_space *space;
	struct ioas_ufile *file;

	u->memory = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bench_check(u->memory != MAP_FAILED, "memory");
	bench_check(!ioas_local_create(&opts, &u->l), "instance");
	u->fd = ioas_local_open(u->l, 0, 0);
	bench_check(u->fd >= 0, "open");
	must(u, IOAS_ABI_IOAS_ALLOC, &alloc);
	u->ioas_id = alloc.out_ioas_id;
	bench_check(!ioas_local_file(u->l, u->fd, &file), "file");
	ictx = ioas_iommufd_of_file(file);
	u->ictx = ictx;
	space = ioas_space_get(ictx, u->ioas_id);
	u->ioas = space->ioas;
	/* The program's descriptor keeps both. */
	ioas_object_put(&space->obj);
	ioas_ufile_put(file);
	u->caller.uaccess = &ioas_process_guarded;
	u->caller.principal =
		(struct ioas_principal *)(uintptr_t)ioas_local_principal(u->l,
									 NULL);
	bench_check(!ioas_local_host(u->l)->ops->user_origin(
			    ioas_local_host(u->l), &u->origin),
		    "origin");
}

/* A device of the mock; the second takes a page table that is not shared. */
static void add_domain(struct uapi *u)
{
	struct ioas_abi_test_cmd cmd = {
		.size = sizeof(cmd),
		.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN,
		.id = u->ioas_id,
	};
	struct ioas_abi_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.pt_id = u->ioas_id,
	};

	if (u->nr_domains) {
		/* Attached to it or not, a manual HWPT is filled. */
		cmd.op = IOAS_ABI_TEST_OP_MOCK_DOMAIN;
		must(u, IOAS_ABI_TEST_CMD, &cmd);
		hwpt.dev_id = cmd.mock_domain.out_idev_id;
		must(u, IOAS_ABI_HWPT_ALLOC, &hwpt);
	} else {
		must(u, IOAS_ABI_TEST_CMD, &cmd);
	}
	u->stdev[u->nr_domains++] = cmd.mock_domain.out_stdev_id;
}

static void world_destroy(struct uapi *u)
{
	bench_check(!ioas_local_close(u->l, u->fd), "close");
	bench_check(!ioas_local_pinned(u->l), "nothing is left pinned");
	ioas_local_destroy(u->l);
	munmap(u->memory, GIB);
}

int main(int argc, char **argv)
{
	const uint64_t huge = bench_scale(GIB / PAGE) * PAGE;
	struct uapi u = { 0 };

	bench_start(argc, argv, "uapi");
	world_create(&u);
	measure_nothing(&u);
	for (unsigned int d = 0; d < 3; d++) {
		measure_pair(&u, "4 KiB", PAGE, d ? 20000 : 200000);
		measure_pair(&u, "2 MiB", 2 * MIB, d ? 2000 : 200000);
		measure_pair(&u, "1 GiB", bench_smoke() ? huge : GIB,
			     d ? 4 : 200000);
		if (d < 2)
			add_domain(&u);
	}
	rw_rows(&u);
	world_destroy(&u);
	u = (struct uapi){ 0 };
	world_create(&u);
	measure_many(&u);
	world_destroy(&u);
	return bench_finish();
}
