/* SPDX-License-Identifier: MIT */
/*
 * umodel: a random client of the front end, and an obviously right model of
 * what it should be told
 *
 *    op --> choose --> predict (model) --> request --> compare --> commit
 *                                             |          result, outputs
 *                                             v
 *                              simulated host, front end, core
 *                                             |
 *              observe: IOVA_RANGES, CHECK_MAP, CHECK_REFS, dirty bitmaps,
 *                       the simulator's pins, charges           == model
 *
 * The model has areas, source objects with an array of pages, page tables,
 * devices, accesses and their items. Which page is held follows from these:
 *
 *    held = an area that has it is in a page table  or  an item covers it
 *
 * and is recomputed from nothing after every operation. Where the page lies
 * does not follow: the model asks the simulated memory at the moment when the
 * page becomes held, and keeps the answer while it is.
 *
 * Expectations are those of docs/reference/iommufd-uapi.md (U) and
 * iommufd-test-abi.md (T), cited by section.
 */
#ifndef TESTS_UAPI_UMODEL_H
#define TESTS_UAPI_UMODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ioas/abi/iommufd.h>
#include <ioas/abi/iommufd_test.h>

#include "base/bits.h"
#include "core/account.h"
#include "prng.h"
#include "simhost.h"

#define PAGE_LG2 12u
#define PAGE (UINT64_C(1) << PAGE_LG2)
#define HUGE_LG2 21u
/* The least page of a DEFAULT table, and the large one of a HUGE table. */
#define UNIT ((uint64_t)IOAS_ABI_MOCK_PAGE_SIZE)
#define LARGE ((uint64_t)IOAS_ABI_MOCK_HUGE_PAGE_SIZE)

#define NR_IOAS 4
#define IOAS_DOMAINS 3
#define NR_HWPTS (NR_IOAS * IOAS_DOMAINS)
#define NR_DEVS 6
#define NR_ACCESSES 4
#define NR_ITEMS 24
#define NR_FILES 2
#define NR_DMABUFS 2
#define NR_PROCS SIM_PROCESSES
#define MAX_IDS 64

#define SPACE_AREAS 20
#define MAX_AREAS (NR_IOAS * SPACE_AREAS)
/* Every object has an area; one more is being made. */
#define MAX_OBJECTS (MAX_AREAS + 1)
#define MAX_PAGES 520
#define MAX_UNITS (MAX_PAGES * 2)
#define MAX_RANGES 24
#define MAX_USABLE (MAX_RANGES + 1)
#define MAX_LIST 3
/* Bytes of one read or write. */
#define MAX_COPY (8 * PAGE)

/*
 * Memory of a process, in pages from ARENA on:
 *
 *   0        64           128    160  176        192      256     320
 *   |scattered|consecutive|runs   |r/o |descending|file 0  |hole   |
 *   512                1024
 *   |file 1, one folio  |            + buffers for requests, elsewhere
 */
#define ARENA 0x1000u
#define ARENA_PAGES 1024u
#define ARENA_READ_ONLY 160u
#define ARENA_FILE 192u
#define ARENA_HOLE 256u
#define ARENA_SMALL 320u
#define ARENA_LARGE 512u
#define FILE_PAGES 64u
#define LARGE_PAGES 512u
/* Arrays of requests; a hole follows. The second is for those who compare. */
#define BUFFER_PAGE 0x800u
#define BUFFER_PAGES 20u
#define OBSERVE_PAGE 0x900u

enum page_state { PG_HOLE, PG_WRITE, PG_READ };

/* A process, by its place in the host. */
struct m_process {
	struct sim_process *real;
	bool live;
	uint8_t user;
	uint64_t limit;
	bool unlimited, resource;
	/* Descriptors; -1: none. */
	int fd, other;
	int file[NR_FILES];
	int dmabuf[NR_DMABUFS];
	int access[NR_ACCESSES];
	uint8_t page[ARENA_PAGES];
	/* Still what file 1 has: part of a folio, not counted by CHECK_REFS. */
	bool compound[ARENA_PAGES];
};

/* Memory; the second is one folio. */
struct m_file {
	struct ioas_origin *real;
	uint64_t nr_pages;
};

struct m_dmabuf {
	bool used;
	bool revoked;
	/* Objects made of it know it by this. */
	uint32_t serial;
	uint64_t size;
};

enum object_kind { OBJ_PROCESS, OBJ_FILE, OBJ_OTHER, OBJ_DMABUF };

struct m_object {
	bool used;
	uint8_t kind;
	/* Process or file. */
	uint8_t index;
	bool writable;
	/* dma-buf: which, and it is mapped nowhere any more. */
	uint32_t serial;
	bool revoked;
	/* enum ioas_account_mode, and the process that pays; -1: nobody. */
	uint8_t mode;
	int8_t payer;
	uint64_t base;
	uint32_t nr_pages;
	/* Derived. */
	bool held[MAX_PAGES];
	ioas_pfn_t frame[MAX_PAGES];
	/* By the plan of that number. */
	uint32_t planned[MAX_PAGES];
};

/* What one page table knows about one area. */
struct m_entry {
	/* Made while large pages were disabled. */
	bool small;
	/*
	 * By UNIT. Where entries are of a known size, exactly what is dirty;
	 * elsewhere what must be reported, with whatever was dirty as @any.
	 */
	bool dirty[MAX_UNITS];
	bool any;
};

struct m_area {
	bool used;
	uint8_t ioas;
	uint8_t object;
	/* IOAS_ABI_IOAS_MAP_READABLE, WRITEABLE. */
	uint32_t prot;
	uint64_t iova, last;
	/* Byte of the object that @iova maps. */
	uint64_t byte;
	/* Of the tables of the IOAS. */
	struct m_entry in[IOAS_DOMAINS];
};

/* @owner: a page table, for what is outside of its aperture; -1: the test. */
struct m_range {
	uint64_t first, last;
	int8_t owner;
};

struct m_ioas {
	bool used;
	uint32_t id;
	bool small;
	struct m_range reserved[MAX_RANGES];
	uint32_t nr_reserved;
	struct m_range allowed[MAX_LIST];
	uint32_t nr_allowed;
	/* Areas by IOVA. */
	uint8_t area[SPACE_AREAS];
	uint32_t nr_areas;
};

/* Those of an IOAS are IOAS_DOMAINS neighbours. */
struct m_hwpt {
	bool used;
	uint32_t id;
	bool automatic;
	bool huge;
	bool dirty, tracking;
};

struct m_device {
	bool used;
	uint32_t stdev, idev;
	bool no_dirty;
	uint8_t hwpt;
};

struct m_access {
	bool used;
	uint32_t id;
	bool pins;
	uint8_t ioas;
	uint32_t next_item;
};

struct m_part {
	uint8_t area;
	uint16_t first, last;
};

struct m_item {
	bool used;
	uint8_t access;
	uint32_t id;
	uint64_t iova, last;
	uint8_t nr_parts;
	struct m_part part[SPACE_AREAS];
};

enum id_kind {
	ID_FREE,
	ID_IOAS,
	ID_HWPT,
	ID_DEVICE,
	ID_STDEV,
	ID_ACCESS,
};

struct m_id {
	uint8_t kind;
	uint8_t slot;
};

/* Pages charged. */
struct m_totals {
	uint64_t user[SIM_USERS];
	uint64_t mm[NR_PROCS];
	uint64_t pinned[NR_PROCS];
};

enum op_kind {
	OP_IOAS_ALLOC,
	OP_DESTROY,
	OP_MAP,
	OP_MAP_FILE,
	OP_COPY,
	OP_UNMAP,
	OP_UNMAP_ALL,
	OP_ALLOW,
	OP_RESERVE,
	OP_RANGES,
	OP_HUGE_PAGES,
	OP_RLIMIT_MODE,
	OP_VFIO_IOAS,
	OP_VFIO_SET_IOMMU,
	OP_VFIO_EXTENSION,
	OP_VFIO_INFO,
	OP_VFIO_MAP,
	OP_VFIO_UNMAP,
	OP_DEVICE,
	OP_REPLACE,
	OP_HWPT_ALLOC,
	OP_SET_DIRTY,
	OP_DIRTY,
	OP_GET_DIRTY,
	OP_CHECK_MAP,
	OP_CHECK_REFS,
	OP_ACCESS_CREATE,
	OP_ACCESS_CLOSE,
	OP_ACCESS_REPLACE,
	OP_PIN,
	OP_UNPIN,
	OP_RW,
	OP_DMABUF_GET,
	OP_DMABUF_CLOSE,
	OP_DMABUF_REVOKE,
	OP_CHANGE_PROCESS,
	OP_LIMIT,
	OP_REMAP,
	OP_PROCESS,
	OP_EXIT,
	OP_TEMP_LIMIT,
	NR_OPS
};

#define MAX_ERRNO 128

struct stats {
	uint64_t ops;
	uint64_t epochs;
	uint64_t ok[NR_OPS];
	uint64_t refused[NR_OPS][MAX_ERRNO];
	uint64_t skipped[NR_OPS];
	/* Injected failures that made it fail; that did no harm. */
	uint64_t injected[NR_OPS];
	uint64_t absorbed[NR_OPS];
	/* What happened beside results, enum mark. */
	uint64_t marks[16];
};

/* Things that have to happen in a run of the usual size. */
enum mark {
	MARK_CHOSEN,
	MARK_TOP,
	MARK_SHARED_HWPT,
	MARK_TWO_TABLES,
	MARK_LARGE_DIRTY,
	MARK_SMALL_DIRTY,
	MARK_CUT,
	MARK_NOTIFIED,
	MARK_MANY_PIECES,
	MARK_EFFECT_STAYS,
	MARK_MOVED_CHARGE,
	MARK_MAP_MATCHES,
	MARK_REFS_MANY,
	NR_MARKS
};

struct options {
	uint64_t seed;
	uint64_t ops;
	uint64_t only_epoch;
	bool has_only_epoch;
	bool verbose;
	bool no_faults;
	bool allow_missing;
};

#define HISTORY 24
#define TEXT 240

struct um {
	const struct options *opts;
	struct stats *stats;
	struct prng rng;
	uint64_t epoch;
	/* Operations of this epoch, and which one this is. */
	uint64_t nr;
	uint8_t kind;
	bool off[NR_OPS];
	/* Nearly everything is inside of the aperture of DEFAULT tables. */
	bool narrow;

	struct simhost *h;
	bool account_mm;
	/* The process that calls. */
	uint8_t p;

	struct m_process process[NR_PROCS];
	struct m_file file[NR_FILES];
	struct m_dmabuf dmabuf[NR_DMABUFS];
	uint32_t serial;
	struct m_object object[MAX_OBJECTS];
	struct m_area area[MAX_AREAS];
	struct m_ioas ioas[NR_IOAS];
	struct m_hwpt hwpt[NR_HWPTS];
	struct m_device dev[NR_DEVS];
	struct m_access access[NR_ACCESSES];
	struct m_item item[NR_ITEMS];
	struct m_id ids[MAX_IDS];
	/* IOAS of container requests; -1: none. */
	int8_t compat;
	struct m_totals totals;

	/* What an operation is about to hold. */
	uint32_t plan;
	struct m_totals planned;

	/* Another code that would be right; 0: none. */
	int alt;
	/* No failure is to be injected into this one. */
	bool whole;
	/* The effect stayed though the call failed (fault-injection A.4). */
	bool stays;

	bool failed;
	char message[512];
	/* What was done last. */
	char text[HISTORY][TEXT];
	uint64_t nr_texts;
};

#define SKIP 1 /* not an errno: the operation makes no sense now */

typedef unsigned long long ull;

static inline uint64_t below(struct um *m, uint64_t n)
{
	return prng_below(&m->rng, n);
}

static inline bool chance(struct um *m, unsigned int percent)
{
	return below(m, 100) < percent;
}

static inline void mark(struct um *m, enum mark what)
{
	m->stats->marks[what]++;
}

/* ---- model.c: what follows from what ------------------------------------ */

/* Record a difference; the first one counts. */
void fail(struct um *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What this operation is, for people. */
void say(struct um *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The @nth-lowest free id, from 0. */
uint32_t id_free(const struct um *m, uint32_t nth);
void id_take(struct um *m, uint32_t id, enum id_kind kind, int slot);
void id_drop(struct um *m, uint32_t id);
/* The slot behind @id if it is of that kind, else -1. */
int id_find(const struct um *m, uint32_t id, enum id_kind kind);
/* Are these the lowest free ids, in any order? */
void id_check(struct um *m, const uint32_t *ids, uint32_t nr);

static inline uint8_t hwpt_ioas(int h)
{
	return (uint8_t)(h / IOAS_DOMAINS);
}

static inline uint64_t hwpt_first(const struct m_hwpt *t)
{
	return t->huge ? 0 : IOAS_ABI_MOCK_APERTURE_START;
}

static inline uint64_t hwpt_last(const struct m_hwpt *t)
{
	return t->huge ? (UINT64_C(1) << 38) - 1 : IOAS_ABI_MOCK_APERTURE_LAST;
}

static inline uint64_t hwpt_granule(const struct m_hwpt *t)
{
	return t->huge ? PAGE : UNIT;
}

static inline uint32_t area_first(const struct m_area *a)
{
	return (uint32_t)(a->byte >> PAGE_LG2);
}

static inline uint32_t area_last(const struct m_area *a)
{
	return (uint32_t)((a->byte + (a->last - a->iova)) >> PAGE_LG2);
}

uint32_t ioas_domains(const struct um *m, int i);
uint32_t hwpt_users(const struct um *m, int h);
/* U 5.3 */
uint64_t ioas_alignment_of(const struct um *m, int i);
bool ioas_conforms(const struct um *m, int i, uint64_t align);
/* Area that contains @iova, or -1. */
int area_at(const struct um *m, int i, uint64_t iova);
bool hits_area(const struct um *m, int i, uint64_t first, uint64_t last);
bool hits_reserved(const struct um *m, int i, uint64_t first, uint64_t last);
bool hits_allowed(const struct um *m, int i, uint64_t first, uint64_t last);

int area_slot(const struct um *m);
int object_slot(const struct um *m);
void area_insert(struct um *m, int area);
/* Items that cover it are gone by now, or are not. */
void area_remove(struct um *m, int area);
bool area_pinned(const struct um *m, int area);
/* Is the area of @area to be seen in page tables? */
bool area_is_mapped(const struct um *m, const struct m_area *a);
/* The table of slot @h has the area from now on, clean. */
void entry_reset(struct um *m, int h, struct m_area *a);

enum page_state page_of(const struct um *m, int process, uint64_t page);
/* Why a page of the object cannot be pinned, or 0. */
int page_error(const struct um *m, const struct m_object *g, uint64_t page,
	       bool write);

void plan_begin(struct um *m);
/* Hold pages [@first, @last] of an object as well: 0 or why not (U 5.6, 5.7). */
int plan_hold(struct um *m, int object, uint32_t first, uint32_t last);
/* A table for the IOAS with everything in it (U 6.10 step 5f). */
int plan_table(struct um *m, int i, const struct m_hwpt *t);

/* Recompute what is held; learn where it lies. */
void refresh(struct um *m);
/* How many objects hold the frame. */
uint32_t frame_holders(const struct um *m, ioas_pfn_t pfn);

/* ---- choose.c: ranges (U 5.8, 6.5) -------------------------------------- */

int choose_iova(const struct um *m, int i, uint64_t source, uint64_t length,
		uint64_t *out);
uint32_t usable_ranges(const struct um *m, int i, struct m_range *out);

#endif
