/* SPDX-License-Identifier: MIT */
/*
 * uapi: what the files of fuzz_uapi share
 *
 *    uapi_calls.c   every request as data: its members, what they stand for,
 *                   which errors it may answer
 *    uapi_fill.c    bytes -> values of members, buffers, addresses
 *    uapi_request.c a request as it lies in memory, and what came of it
 *    uapi_steps.c   steps that are not requests
 *    uapi_state.c   everything that can be seen of the machine, and what must
 *                   be true of it at any time
 *    fuzz_uapi.c    faults, the beginning and the end
 */
#ifndef TESTS_FUZZ_UAPI_H
#define TESTS_FUZZ_UAPI_H

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include "fuzz.h"
#include "simhost.h"
#include "uapi/object.h"

/* ---- requests as data: uapi_calls.c ------------------------------------- */

/* Errors by name, so that a set of them is a word. */
#define UAPI_ERRNOS(X)                                                     \
	X(EPERM) X(ENOENT) X(EIO) X(ENXIO) X(E2BIG) X(EBADF) X(ENOMEM)      \
	X(EFAULT) X(EBUSY) X(EEXIST) X(ENODEV) X(EINVAL) X(EMFILE)         \
	X(ENOTTY) X(ENOSPC) X(ESPIPE) X(ERANGE) X(EDEADLK) X(EBADE)        \
	X(EOVERFLOW) X(EBADFD) X(EMSGSIZE) X(EOPNOTSUPP) X(EADDRINUSE)

enum {
#define UAPI_ERRNO_BIT(name) UAPI_BIT_##name,
	UAPI_ERRNOS(UAPI_ERRNO_BIT)
#undef UAPI_ERRNO_BIT
};

#define ERR(name) (UINT32_C(1) << UAPI_BIT_##name)

/* The set of @err alone; 0: no request answers that. */
uint32_t uapi_errno(int64_t err);

/* Sets of objects: types, and what tells those of one type apart. */
#define IS(type) (UINT32_C(1) << IOAS_OBJECT_##type)
#define IS_PARENT (UINT32_C(1) << 16)
#define IS_DIRTY (UINT32_C(1) << 17)
#define IS_PASID (UINT32_C(1) << 18)
#define IS_HWPT (IS(HWPT_PAGING) | IS(HWPT_NESTED))
#define IS_PT (IS(IOAS) | IS_HWPT)
#define IS_ANY UINT32_C(0xffff)

/* Sets of open files. */
enum uapi_file {
	FILE_IOMMUFD = 1u << 0,
	FILE_ACCESS = 1u << 1,
	FILE_FAULTS = 1u << 2,
	FILE_EVENTS = 1u << 3,
	FILE_DMABUF = 1u << 4,
	/* Memory, or not; nothing of ours. */
	FILE_OTHER = 1u << 5,
	FILE_ANY = (1u << 6) - 1,
};

enum uapi_field_kind {
	/* Reserved: zero. */
	FIELD_ZERO,
	FIELD_ONES,
	/* @arg: IS_* of an object, FILE_* of a descriptor. */
	FIELD_ID,
	FIELD_FD,
	/* @arg: enum uapi_list. */
	FIELD_PICK,
	/* Below @arg. */
	FIELD_NUM,
	/* Where something could be mapped. */
	FIELD_IOVA,
	/* Something mapped in the space of the object picked last. */
	FIELD_AREA,
	/* How much of it. */
	FIELD_REST,
	/* The memory behind it, if it is the caller's; with @arg maybe 0. */
	FIELD_SAME,
	/* With @arg: not much. */
	FIELD_LENGTH,
	/* Of a file. */
	FIELD_START,
	FIELD_VA,
	FIELD_PASID,
	/* Bytes per bit of a bitmap. */
	FIELD_GRANULE,
	/* @arg: enum uapi_buffer. */
	FIELD_BUFFER,
	/* Results only: a value, an id (@arg as above), a descriptor. */
	FIELD_OUT,
	FIELD_OUT_ID,
	FIELD_OUT_FD,
};

enum uapi_list {
	LIST_MAP_FLAGS,
	LIST_DMA_FLAGS,
	LIST_BOOL,
	LIST_VFIO_OP,
	LIST_PAGING_FLAGS,
	LIST_NESTED_FLAGS,
	LIST_HWPT_DATA,
	LIST_HWPT_LENGTH,
	LIST_INFO_LENGTH,
	LIST_INFO_TYPE,
	LIST_INVALIDATE,
	LIST_ENTRY_NESTED,
	LIST_ENTRY_VIOMMU,
	LIST_VIOMMU,
	LIST_VIOMMU_LENGTH,
	LIST_VEVENTQ,
	LIST_DEPTH,
	LIST_HW_QUEUE,
	LIST_EXTENSION,
	LIST_DEVICE_FLAGS,
	LIST_PIN_FLAGS,
	LIST_RW_FLAGS,
	LIST_LIMIT,
	LIST_IOTLB,
	LIST_CACHE,
	LIST_OPEN,
};

enum uapi_buffer {
	/* Room for an answer. */
	BUFFER_OUT,
	BUFFER_RANGES,
	/* A bitmap with bits in it. */
	BUFFER_BITS,
	/* Small numbers. */
	BUFFER_WORDS,
	/* The payload of a page table. */
	BUFFER_HWPT,
};

struct uapi_field {
	const char *name;
	uint8_t offset;
	uint8_t width;
	/* enum uapi_field_kind */
	uint8_t kind;
	/* Also a result. */
	bool out;
	uint32_t arg;
};

enum uapi_call_flags {
	/* No fault makes it fail. */
	CALL_RELEASES = 1u << 0,
	/* The argument is a number: the first member. */
	CALL_SCALAR = 1u << 1,
	/* What it did stays if the answer cannot be written. */
	CALL_STAYS = 1u << 2,
	/* May fail half way, and say so. */
	CALL_PARTIAL = 1u << 3,
	/* Results are written with an error, too. */
	CALL_ANSWERS = 1u << 4,
	/* Returns 0 or 1; a descriptor. */
	CALL_TRUTH = 1u << 5,
	CALL_FD = 1u << 6,
	/* A container request: another size protocol. */
	CALL_VFIO = 1u << 7,
	/* Writes memory of the caller that is not its argument. */
	CALL_SCRIBBLES = 1u << 8,
	/* Goes back, if the device lets it, when the answer cannot be written. */
	CALL_RETURNS = 1u << 9,
};

#define UAPI_FIELDS 10

struct uapi_call {
	const char *name;
	uint32_t cmd;
	/* Of the test request. */
	uint32_t op;
	uint16_t size;
	uint16_t min;
	uint16_t weight;
	/* enum uapi_call_flags */
	uint16_t flags;
	/* Beside those of the size protocol. */
	uint32_t errnos;
	/* In the order in which they are chosen. */
	struct uapi_field fields[UAPI_FIELDS];
};

extern const struct uapi_call uapi_calls[];
extern const unsigned int uapi_nr_calls;
/* What a member can be chosen from. */
const uint32_t *uapi_list(enum uapi_list list, unsigned int *nr);

static inline bool uapi_is_test(const struct uapi_call *c)
{
	return c->cmd == IOAS_ABI_TEST_CMD;
}

/* ---- the machine -------------------------------------------------------- */

/* Memory of a process, in pages; 16 to 255 is for requests alone. */
#define UAPI_EDGE_PAGE 200u /* writable; the next is not, then a hole */
#define UAPI_ARENA 256u
#define UAPI_ARENA_PAGES 36u
#define UAPI_BUFFER_PAGE 290u /* two pages of the arena, then a hole */
#define UAPI_GIANT 1024u
#define UAPI_GIANT_PAGES 1024u

#define UAPI_PROCESSES 4
#define UAPI_CONTEXTS 4
#define UAPI_OBJECTS 96
#define UAPI_STATE 16384
#define UAPI_RESULTS 1024

struct uapi_known {
	struct ioas_object *obj;
	uint32_t id;
	/* IS_* */
	uint32_t is;
};

struct uapi_context {
	struct ioas_iommufd *ictx;
	unsigned int nr;
	struct uapi_known objects[UAPI_OBJECTS];
};

/* One number that can be seen, and what it is. */
struct uapi_fact {
	const char *what;
	uint64_t value;
};

struct uapi_state {
	unsigned int nr_contexts;
	struct uapi_context contexts[UAPI_CONTEXTS];
	/* Of the facts that are no addresses of ours. */
	uint64_t hash;
	unsigned int nr_facts;
	struct uapi_fact facts[UAPI_STATE];
};

/* What the members of one request have to do with each other. */
struct uapi_fill {
	struct ioas *space;
	struct ioas_area *area;
	uint64_t iova;
	uint64_t last;
	/* Its IOVA is the number of an area (4.24). */
	bool syz;
};

struct uapi_fuzz {
	struct input in;
	struct simhost *h;
	struct sim_process *procs[UAPI_PROCESSES];
	unsigned int nr_procs;
	/* The one that this thread is, and the iommufd it uses. */
	unsigned int current;
	int fd[UAPI_PROCESSES];
	uint64_t page;
	bool test_abi;
	bool giant;
	bool verbose;
	/*
	 * A second run has no faults, and has to come to the same results, unless
	 * one in the first had an effect that is allowed.
	 */
	bool twice;
	bool second;
	bool diverged;
	unsigned int nr_results;
	uint64_t results[UAPI_RESULTS];
	struct ioas_fault fault;
	struct uapi_fill fill;
	/* States that were new, and those of them that were validated. */
	unsigned int changes;
	unsigned int looks;
	/* The state now, and the one before. */
	struct uapi_state *now;
	struct uapi_state *then;
};

static inline struct sim_process *uapi_process(const struct uapi_fuzz *f)
{
	return f->procs[f->current];
}

static inline uint8_t uapi_pick(struct uapi_fuzz *f, uint64_t n)
{
	return (uint8_t)input_below(&f->in, n);
}

/* ---- values: uapi_fill.c ------------------------------------------------ */

/* A value of @field; wild: that has no business there. */
uint64_t uapi_value(struct uapi_fuzz *f, const struct uapi_field *field);
uint64_t uapi_wild(struct uapi_fuzz *f, const struct uapi_field *field);
/* A new request. */
void uapi_fill_begin(struct uapi_fuzz *f, const struct uapi_call *c);

/* ---- requests: uapi_request.c ------------------------------------------- */

/* Choose members, size, place and fault, make the request, judge it. */
void uapi_request(struct uapi_fuzz *f, const struct uapi_call *c);
/* Any number, with any bytes. */
void uapi_request_raw(struct uapi_fuzz *f);

/* As far as there is memory, whatever its protection. */
void uapi_poke(struct uapi_fuzz *f, uint64_t at, const void *data,
	       size_t length);
void uapi_peek(struct uapi_fuzz *f, uint64_t at, void *data, size_t length);

/* ---- steps: uapi_steps.c ------------------------------------------------ */

/* One step, of any kind. */
void uapi_step(struct uapi_fuzz *f);

/* One more process, with memory; the first is the machine's first. */
void uapi_process_add(struct uapi_fuzz *f);
void uapi_enter(struct uapi_fuzz *f, unsigned int i);
/* The next one after the current that lives; NULL: no other does. */
struct sim_process *uapi_process_other(const struct uapi_fuzz *f,
				       unsigned int *which);

/* Kinds of a descriptor: one of FILE_*, 0 if it is not open. */
unsigned int uapi_file_kind(const struct sim_process *p, int fd);
/* The @nth open file of @kinds, around the corner; -1: there is none. */
int uapi_nth_fd(const struct sim_process *p, unsigned int kinds,
		unsigned int nth);
/* The iommufd that requests go to, and its context; -1, NULL. */
int uapi_current_fd(const struct uapi_fuzz *f);
struct uapi_context *uapi_current_context(struct uapi_fuzz *f);
/* A mapping of @p, if @used, or room for one; -1: there is none. */
int uapi_find_mapping(const struct sim_process *p, bool used,
		      unsigned int nth);

/* ---- faults: fuzz_uapi.c ------------------------------------------------ */

/* How a step is mistreated. */
enum uapi_abuse_kind {
	ABUSE_NONE,
	/* The n-th fault point fails. */
	ABUSE_NTH,
	/* No allocation, no fault point succeeds. */
	ABUSE_OFF,
	/* The n-th host op refuses. */
	ABUSE_REFUSE,
	/* After n pages no page can be pinned. */
	ABUSE_PINS,
};

struct uapi_abuse {
	enum uapi_abuse_kind kind;
	unsigned int n;
	/* Out: something failed that otherwise would not, maybe. */
	bool hit;
	/* Out: a copy of the caller's memory, maybe. */
	bool copy;
};

struct uapi_abuse uapi_abuse_choose(struct uapi_fuzz *f, bool releases);
void uapi_abuse_begin(struct uapi_fuzz *f, const struct uapi_abuse *a);
void uapi_abuse_end(struct uapi_fuzz *f, struct uapi_abuse *a);

/* A system call that can be made again. */
struct uapi_attempt {
	int64_t (*call)(struct uapi_fuzz *f, void *arg);
	/* What else to judge it by; may be NULL. */
	void (*judge)(struct uapi_fuzz *f, void *arg,
		      const struct uapi_abuse *a, int64_t ret);
	void *arg;
	/* What it may answer, if nothing is made to fail. */
	uint32_t errnos;
	/* No fault makes it fail. */
	bool releases;
	/* May fail half way, and say so. */
	bool partial;
	/* What it did stays if the answer cannot be written. */
	bool stays;
	/* Without memory, too, it may be impossible to undo. */
	bool undoes;
	/* The answer can be written. */
	bool writable;
};

/*
 * Make the call, with a fault; if that made it fail nothing has changed, and it
 * is made again without.
 */
void uapi_try(struct uapi_fuzz *f, const struct uapi_attempt *t);
/* Something that the second run has to come to as well. */
void uapi_result(struct uapi_fuzz *f, uint64_t value);
/* What a call that no fault is injected into returned: one of @errnos. */
void uapi_step_over(struct uapi_fuzz *f, int64_t ret, uint32_t errnos);
void uapi_say(const struct uapi_fuzz *f, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* ---- oracles: uapi_state.c ---------------------------------------------- */

/*
 * What there is to see now: in f->now. Checks what is always true, and if it is
 * another state than before, all there is to validate.
 */
void uapi_look(struct uapi_fuzz *f);
/* f->now and f->then tell the same; otherwise prints where not. */
bool uapi_same(const struct uapi_fuzz *f);

#endif
