/* SPDX-License-Identifier: MIT */
/*
 * uops: what is done to the front end, and with which arguments; umodel.h has
 * what should come of it
 */
#ifndef TESTS_UAPI_UOPS_H
#define TESTS_UAPI_UOPS_H

#include "umodel.h"

/* ---- gen.c: arguments --------------------------------------------------- */

int some_ioas(struct um *m);
/* One with areas, if there is one. */
int full_ioas(struct um *m);
int some_hwpt(struct um *m);
int some_device(struct um *m);
int some_access(struct um *m);
int some_process(struct um *m);
/* It calls, if it lives. */
void become(struct um *m, int process);
/* Of something that is not of that kind, or of nothing. */
uint32_t wrong_id(struct um *m, enum id_kind kind);
uint64_t nonsense(struct um *m);
uint64_t some_unit(struct um *m, int i);
uint64_t some_iova(struct um *m, int i);
uint64_t some_place(struct um *m, int i, uint64_t length);
uint64_t some_length(struct um *m, int i);
uint32_t some_prot(struct um *m);
/* A range in terms of the areas of an IOAS. */
void some_range(struct um *m, int i, uint64_t *iova, uint64_t *length);
/* Memory of the process that calls. */
void some_memory(struct um *m, int i, uint64_t *va, uint64_t *length);

/* ---- exec.c: requests --------------------------------------------------- */

/*
 * A request, with a fault armed now and then: if that makes it fail, nothing may
 * have changed, and it is made again.
 */
int request(struct um *m, uint32_t cmd, void *arg, size_t size);
/* One that must not fail for want of anything. */
int request_release(struct um *m, uint32_t cmd, void *arg, size_t size);
/* The test request. */
int request_test(struct um *m, struct ioas_abi_test_cmd *s);
int request_test_release(struct um *m, struct ioas_abi_test_cmd *s);
/* With a number for its argument. */
int request_value(struct um *m, uint32_t cmd, uint64_t arg);
/* Without faults: for those who look. */
int observe(struct um *m, uint32_t cmd, void *arg, size_t size);
/* Close a descriptor in every process. */
void close_all(struct um *m, size_t member);

/* Compares codes and counts; true if both agree. */
bool expect(struct um *m, int want, int got);
bool expect_value(struct um *m, const char *what, uint64_t want, uint64_t got);

#define uapi_request(m, cmd, s) \
	((s)->size = sizeof(*(s)), request((m), (cmd), (s), sizeof(*(s))))
#define uapi_release(m, cmd, s) \
	((s)->size = sizeof(*(s)), request_release((m), (cmd), (s), sizeof(*(s))))
#define uapi_observe(m, cmd, s) \
	((s)->size = sizeof(*(s)), observe((m), (cmd), (s), sizeof(*(s))))

static inline uint64_t buffer_at(void)
{
	return (uint64_t)BUFFER_PAGE << PAGE_LG2;
}

/* ---- operations: a result, or SKIP -------------------------------------- */

typedef int op_fn(struct um *m);

op_fn op_ioas_alloc, op_map, op_map_file, op_copy; /* map.c */
op_fn op_unmap, op_unmap_all, op_vfio_unmap, op_vfio_map; /* unmap.c */
op_fn op_allow, op_reserve, op_ranges, op_huge_pages, op_rlimit_mode,
	op_vfio_ioas, op_vfio_set_iommu, op_vfio_extension,
	op_vfio_info; /* rules.c */
op_fn op_destroy, op_device, op_replace, op_hwpt_alloc; /* device.c */
op_fn op_set_dirty, op_dirty, op_get_dirty; /* dirty.c */
op_fn op_access_create, op_access_close, op_access_replace, op_pin,
	op_unpin; /* access.c */
op_fn op_rw; /* rw.c */
op_fn op_dmabuf_get, op_dmabuf_close, op_dmabuf_revoke, op_change_process,
	op_limit, op_remap, op_process, op_exit, op_temp_limit; /* world.c */
op_fn op_check_map, op_check_refs; /* observe.c */

/* Runs one operation; false if it made no sense. */
bool execute(struct um *m, uint8_t kind);

/* map.c, for container requests as well: a MAP of memory of the caller. */
struct map_args {
	int i;
	uint32_t flags;
	uint64_t start, length;
	/* In and out. */
	uint64_t iova;
	/* Of the object; out. */
	int slot;
};

int predict_map(struct um *m, struct map_args *a);
void commit_map(struct um *m, const struct map_args *a);
/* access.c: everything an access has pinned goes. */
void items_drop(struct um *m, int access);
/* device.c: the table and its reserved ranges. */
void hwpt_forget(struct um *m, int h);

/* ---- the rest ----------------------------------------------------------- */

/* observe.c: after each operation; and everything there is. */
void compare_step(struct um *m);
void compare_all(struct um *m);

/* world.c */
void world_init(struct um *m, const struct options *opts, struct stats *stats,
		uint64_t epoch);
void world_fini(struct um *m);

/* report.c */
const char *op_name(uint8_t kind);
const char *errno_name(int error);
void print_stats(const struct stats *st);
/* How many expected events never happened; prints them. */
unsigned int print_missing(const struct stats *st);

#endif
