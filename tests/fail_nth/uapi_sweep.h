/* SPDX-License-Identifier: MIT */
/*
 * uapi sweep: one request of the front end again and again, with every fault
 * point that it reaches failing once (docs/reference/fault-injection.md A)
 *
 *    clean     setup  | call: ok                       | digest D1
 *    n = 1,2.. setup  | call: fails at the n-th point  | digest as before
 *                     | call again: as the clean one   | digest D1
 *                     | everything goes, nothing is left
 *    release   setup  | call, all points failing: ok   | digest D1
 *              setup  | call, no memory at all: ok     | digest D1
 */
#ifndef TESTS_FAIL_NTH_UAPI_SWEEP_H
#define TESTS_FAIL_NTH_UAPI_SWEEP_H

#include <stdint.h>

#include "simhost.h"
#include "uclient.h"

/* Memory of each process: 64 pages, no two of them neighbours; then in runs. */
#define UW_VA UINT64_C(0x400000)
#define UW_VB UINT64_C(0x800000)
#define UW_BYTES (64 * UINT64_C(4096))
/* Inside of the aperture of every table of the mock. */
#define UW_IOVA UINT64_C(0x1000000)

/* What a case has made, by the names it needs them under. */
struct uw {
	struct simhost *h;
	struct uclient c;
	uint32_t ioas, ioas2;
	uint32_t hwpt, hwpt2, nested;
	uint32_t viommu, vdevice, veventq, hw_queue, fault;
	struct uc_mock dev, dev2;
	int access, fault_fd, veventq_fd, dmabuf, file, mapping;
	uint32_t item;
	uint64_t iova;
	struct sim_process *other;
};

enum uapi_case_flags {
	/* The effect stays if only the answer cannot be written (A.4). */
	UC_KEEPS = 1u << 0,
	/* A failure may leave a part of it done (A.4). */
	UC_PARTIAL = 1u << 1,
	/* Succeeds though something could not be done: what it says. */
	UC_LOSSY = 1u << 2,
	/* Must succeed whatever fails (A.3). */
	UC_RELEASE = 1u << 3,
	/* Reaches no point at all. */
	UC_NO_POINTS = 1u << 4,
	/* What is undone because of the answer alone may have lost requests. */
	UC_FORGETS = 1u << 5,
};

struct uapi_case {
	const char *name;
	void (*setup)(struct uw *w);
	/* 0 or a value, or -errno; can be made again. */
	int64_t (*call)(struct uw *w);
	unsigned int flags;
};

/* ---- uapi_digest.c ------------------------------------------------------ */

/* All that a program could see, in words; to be freed. */
char *uapi_digest(struct uw *w);

/* ---- uapi_setup.c: what cases begin with -------------------------------- */

/* A host with one process, whose memory is there, and a context. */
void uw_init(struct uw *w);
/* All of it goes; whatever is left fails the test. */
void uw_fini(struct uw *w);

void uw_map(struct uw *w, uint64_t va, uint64_t length, uint64_t iova);
void uw_map_file(struct uw *w, uint64_t start, uint64_t length, uint64_t iova);

/* w->ioas; and w->ioas2. */
void setup_ioas(struct uw *w);
void setup_two(struct uw *w);
/* An IOAS with a device; with a HUGE table, too. */
void setup_device(struct uw *w);
void setup_tables(struct uw *w);
/* The same with three areas, of scattered memory, of runs and of a file. */
void setup_areas(struct uw *w);
/* And another IOAS, empty, with a device of its own. */
void setup_full(struct uw *w);
/* Areas, and no table. */
void setup_mapped(struct uw *w);
/* An access that pins, with an item in the areas of setup_areas(). */
void setup_access(struct uw *w);
void setup_item(struct uw *w);
/* A nest parent, as a table of its own, and what stands on it. */
void setup_parent(struct uw *w);
void setup_nested(struct uw *w);
void setup_viommu(struct uw *w);
void setup_fault(struct uw *w);
/* A compat IOAS with a device and areas, of large or of small pages. */
void setup_vfio(struct uw *w);
void setup_vfio_v1(struct uw *w);

/* ---- cases -------------------------------------------------------------- */

extern const struct uapi_case uapi_space_cases[], uapi_table_cases[],
	uapi_device_cases[], uapi_queue_cases[], uapi_access_cases[],
	uapi_vfio_cases[], uapi_test_cases[], uapi_release_cases[];

#endif
