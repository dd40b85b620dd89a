/* SPDX-License-Identifier: MIT */
/*
 * universe: the reference model of the IO address space, and the real one
 * beside it
 *
 *    op --> predict (model, pure) --> execute (core) --> commit (model)
 *                                                           |
 *               compare: every field of the core that the model knows <--+
 *
 * The model is slow and obvious (docs/reference/ioas-tests.md section 3). It
 * has areas, pins and pages objects; which page is held follows from them:
 *
 *    A(page) = a pin covers it          D(page) = an area of a space that has
 *    held    = A or D                             a domain covers it
 *
 * A and D are masks of 64 pages that are recomputed from nothing after every
 * operation. The one thing that does not follow is the frame of a held page:
 * the model asks the simulated memory when the page becomes held, and keeps
 * the answer until it is no longer (INV-C6).
 *
 * Not in the model, on purpose: storage domains, batches, runs, orders of
 * unmaps, retries.
 */
#ifndef TESTS_STATE_UNIVERSE_H
#define TESTS_STATE_UNIVERSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "core/account.h"
#include "core/context.h"
#include "core/dirty.h"
#include "core/iopt.h"
#include "domain/ops.h"
#include "kinds.h"
#include "origin/sim.h"
#include "seam/caller.h"

#define NR_SPACES 4
#define NR_DOMAINS 6
#define NR_CLIENTS 5
#define NR_PROCESSES 3
#define NR_FILES 2
#define NR_DEVICES 2
#define NR_ORIGINS (NR_PROCESSES + NR_FILES + NR_DEVICES)
#define NR_CALLERS 4
#define NR_USERS 2
#define NR_OWNERS 3
#define NR_WINDOWS 3
#define NR_CHUNKS 2

#define SPACE_AREAS 20
#define MAX_AREAS (NR_SPACES * SPACE_AREAS)
/* Every pages object has an area. */
#define MAX_OBJECTS MAX_AREAS
#define MAX_PINS 40
/* Pages of a pages object: the bits of a mask. */
#define MAX_PAGES 64
#define MAX_RANGES 12
#define MAX_USABLE (2 * MAX_RANGES + 1)
/* Granules that a device writes at a time. */
#define MAX_WRITE 256
#define MAX_LIST 3
/* Bytes of one read or write, and of a bitmap. */
#define MAX_COPY 2048
#define MAX_BITMAP 512

enum m_kind { M_PROCESS, M_FILE, M_DEVICE };

/* Pages [first, first + nr - 1] of a process: which exist, which only read. */
struct m_chunk {
	uint64_t first;
	uint32_t nr;
	uint64_t mapped;
	uint64_t read_only;
};

struct m_origin {
	struct ioas_origin *real;
	enum m_kind kind;
	/* Processes. */
	bool dead;
	struct m_chunk chunk[NR_CHUNKS];
	/* Files and devices. */
	uint64_t nr_pages;
	bool revoked;
};

struct m_object {
	bool used;
	/* Set when the first area of it is seen in the core. */
	struct ioas_pages *real;
	uint8_t origin;
	uint8_t mode;
	bool writable;
	/* Caller that pays; -1: nobody. */
	int8_t payer;
	uint64_t base;
	uint32_t nr_pages;
	/* Derived. */
	uint64_t A, D;
	ioas_pfn_t frame[MAX_PAGES];
};

struct m_area {
	bool used;
	bool closing;
	uint8_t space;
	uint8_t object;
	uint32_t prot;
	uint64_t iova, last;
	/* Byte of the pages object that @iova maps. */
	uint64_t byte;
};

/* The pages of one area that a pin keeps. */
struct m_part {
	uint8_t area;
	uint8_t first, last;
};

struct m_pin {
	bool used;
	/* The callback of the client let go of it in the core. */
	bool released;
	uint8_t client;
	uint8_t space;
	uint8_t nr_parts;
	uint64_t iova, length;
	struct m_part part[SPACE_AREAS];
};

/* @owner: 0 .. NR_OWNERS-1 a device, NR_OWNERS + d the aperture of domain d. */
struct m_range {
	uint64_t first, last;
	uint8_t owner;
};

struct m_space {
	struct ioas *real;
	bool small_pages;
	struct m_range reserved[MAX_RANGES * 2];
	uint32_t nr_reserved;
	struct m_range allowed[MAX_LIST];
	uint32_t nr_allowed;
	/* Areas by IOVA. */
	uint8_t area[SPACE_AREAS];
	uint32_t nr_areas;
	/* Derived. */
	uint32_t nr_domains;
};

struct m_cell {
	uint64_t first, last;
};

/* What a device may have cached; @stale: until the next sync. */
struct m_cached {
	uint64_t iova, last;
	uint64_t oa;
	bool stale;
};

struct m_arena;
struct world;

struct m_domain {
	struct ioas_domain *real;
	struct world *world;
	const struct kind *kind;
	/* It has a page table. */
	bool table;
	/* enum ioas_pt_flags */
	uint32_t pt_flags;
	/* The aperture decides on the width. */
	bool narrow;
	/* Offers dirty tracking; tracks. */
	bool can_dirty, tracking;
	/* -1: not attached. */
	int8_t space;
	uint64_t granule;
	uint64_t first, last;
	/* Largest leaf where pages are small; 0: a page. */
	uint64_t small_leaf;
	/* By IOVA. */
	struct m_cell *dirty;
	uint32_t nr_dirty, cap_dirty;
	/* Areas whose leaves were born, and dirty if that is the custom. */
	bool born[MAX_AREAS];

	/* Page tables: where they lie, if not where the library likes. */
	struct m_arena *arena;
	/* What the hooks told since everything was compared. */
	bool touched;
	uint64_t root;
	unsigned int root_level;
	struct m_cached *cached;
	uint32_t nr_cached, cap_cached;
};

struct m_client {
	struct ioas_access *real;
	int8_t space;
	unsigned int flags;
	/*
	 * On which callback it lets go: 0 never, else counted down. One count
	 * for the client in the core, one for the model's.
	 */
	uint8_t patience, patience_real;
};

struct m_caller {
	struct ioas_caller real;
	/* -1: this process, which owns no memory of the universe. */
	int8_t process;
	int8_t user;
	bool has_principal;
	/* Its process is gone: its mm's totals are frozen. */
	bool gone;
	uint64_t limit;
};

/* Totals as the model counts them, in pages. */
struct m_totals {
	uint64_t user[NR_USERS];
	uint64_t mm[NR_CALLERS];
	uint64_t pinned[NR_CALLERS];
};

enum op_kind {
	OP_SPACE_CREATE,
	OP_SPACE_DESTROY,
	OP_MAP_USER,
	OP_MAP_FILE,
	OP_MAP_DEVICE,
	OP_COPY,
	OP_UNMAP,
	OP_UNMAP_ALL,
	OP_DOMAIN_CREATE,
	OP_DOMAIN_DESTROY,
	OP_ATTACH,
	OP_DETACH,
	OP_RESERVE,
	OP_UNRESERVE,
	OP_ALLOW,
	OP_RANGES,
	OP_SPLIT,
	OP_SMALL_PAGES,
	OP_CLIENT_CREATE,
	OP_CLIENT_DESTROY,
	OP_CLIENT_ATTACH,
	OP_CLIENT_DETACH,
	OP_CLIENT_REPLACE,
	OP_CLIENT_PATIENCE,
	OP_PIN,
	OP_UNPIN,
	OP_RW,
	OP_DIRTY_SET,
	OP_DIRTY_MARK,
	OP_DIRTY_READ,
	OP_CUT,
	OP_REMAP,
	OP_HOLE,
	OP_FILL_HOLE,
	OP_PROTECT,
	OP_DIE,
	OP_ORIGIN_CREATE,
	OP_LIMIT,
	OP_CHANGE_PROCESS,
	OP_POLICY,
	OP_REVOKE,
	OP_TUNING,
	OP_PIN_MODE,
	NR_OPS
};

enum fail_mode {
	FAIL_NONE,
	/* The n-th fault point. */
	FAIL_NTH,
	/* The origin pins n more pages. */
	FAIL_BUDGET,
	/* Teardown only: the allocator refuses everything. */
	FAIL_NO_MEMORY,
};

/* One operation: numbers only, so that a trace can be repeated and thinned. */
struct op {
	uint8_t kind;
	uint8_t caller;
	/* Two objects, by slot. */
	uint8_t a, b;
	/* Items in @v or a size of a list. */
	uint8_t n;
	uint8_t fail_mode;
	uint16_t fail;
	uint32_t prot;
	uint32_t flags;
	/* Addresses and lengths, as the operation wants them. */
	uint64_t v[2 * MAX_LIST];
};

/* The transitions of ioas-core 12.0. */
#define NR_TRANSITIONS 21
/* IDLE, DOM, ACC, BOTH: bit 0 is D, bit 1 is A. */
#define NR_TIERS 4
#define MAX_ERRNO 128

struct stats {
	uint64_t ops;
	uint64_t skipped[NR_OPS];
	uint64_t ok[NR_OPS];
	uint64_t refused[NR_OPS][MAX_ERRNO];
	/* Injected failures that made the operation fail, and were retried. */
	uint64_t injected[NR_OPS];
	/* Faults that fired and did no harm. */
	uint64_t absorbed[NR_OPS];
	uint64_t tier[NR_TIERS][NR_TIERS];
	uint64_t transition[NR_TRANSITIONS + 1];
	uint64_t points[IOAS_NR_FAULT_POINTS];
	/* Page tables compared, and leaves in them, by kind and by size. */
	uint64_t walked[64];
	uint64_t leaves[64][64];
	uint64_t shadowed, grown, soiled;
	/* Leaves cut and merged; those that were dirty; read in part. */
	uint64_t cuts, merges, dirty_cuts, dirty_merges, partial;
	uint64_t epochs;
	uint64_t chosen;
	uint64_t top;
};

/* What the command line fixes; zero: the epoch chooses. */
struct options {
	uint64_t seed;
	uint64_t ops;
	uint64_t epoch_ops;
	uint64_t page_size;
	uint32_t batch_capacity;
	uint32_t drain_capacity;
	uint32_t window;
	uint32_t domains;
	/* Bit n: kind n; and the words that said so. */
	uint64_t kinds;
	const char *format;
	uint64_t only_epoch;
	bool has_only_epoch;
	bool verbose;
	bool allow_missing;
	bool shrink;
	bool slow_copy;
};

/*
 * Where choices come from: the bytes of a tape while there are any, for who
 * fuzzes; else a generator.
 */
struct rng {
	uint64_t state;
	const uint8_t *tape;
	size_t left;
};

struct world {
	const struct options *opts;
	struct stats *stats;
	struct rng rng;
	uint64_t epoch;
	/* Number of the operation in its epoch. */
	uint64_t nr;

	uint8_t page_lg2;
	uint8_t huge_lg2;
	uint64_t page;
	/* Swarm: operations switched off. */
	bool off[NR_OPS];
	/* An epoch in which leaves become large, and tables full. */
	bool large;
	uint32_t max_domains;
	/* Kinds whose granule is not above the page. */
	uint64_t usable;
	/* Last output address of the machine. */
	uint64_t oa_last;
	uint64_t window[NR_WINDOWS];
	uint64_t window_size;

	struct ioas_sim *sim;
	struct ioas_context ctx;
	bool account_mm;
	struct ioas_user *user[NR_USERS];
	struct ioas_mm *mm[NR_CALLERS];
	struct ioas_principal *principal[NR_CALLERS];

	struct m_origin origin[NR_ORIGINS];
	struct m_object object[MAX_OBJECTS];
	struct m_area area[MAX_AREAS];
	struct m_pin pin[MAX_PINS];
	struct m_space space[NR_SPACES];
	struct m_domain domain[NR_DOMAINS];
	struct m_client client[NR_CLIENTS];
	struct m_caller caller[NR_CALLERS];
	struct m_totals totals;
	/* Pages that became held in the last refresh. */
	uint64_t newly_held;
	/* Pages of writable objects that are no longer. */
	uint64_t released_writable;

	/* Other codes that would be right; 0: none. */
	int alt[2];
	/* This client is leaving its space: it lets go of everything. */
	int leaving;

	bool failed;
	char message[512];
};

#define SKIP 1 /* not an errno: the operation makes no sense now */

/* ---- rng ---------------------------------------------------------------- */

/* The next bytes of the tape, as many as a number below @n needs. */
static inline uint64_t rng_tape(struct rng *r, uint64_t n)
{
	uint64_t x = 0;

	for (n--; r->left; n >>= 8) {
		x = x << 8 | *r->tape++;
		r->left--;
		if (n <= UINT8_MAX)
			break;
	}
	return x;
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z;

	if (r->left)
		return rng_tape(r, 0);
	z = r->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return (r->left ? rng_tape(r, n) : rng_next(r)) % n;
}

static inline bool rng_chance(struct rng *r, uint32_t percent)
{
	return rng_below(r, 100) < percent;
}

/* ---- model.c: what follows from what ------------------------------------ */

/* Record a difference; the first one counts. */
void fail(struct world *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static inline uint64_t mask_of(uint64_t first, uint64_t last)
{
	return (~UINT64_C(0) >> (63 - (last - first))) << first;
}

static inline uint64_t area_first_page(const struct world *w,
				       const struct m_area *a)
{
	return a->byte >> w->page_lg2;
}

static inline uint64_t area_last_page(const struct world *w,
				      const struct m_area *a)
{
	return (a->byte + (a->last - a->iova)) >> w->page_lg2;
}

static inline uint64_t area_mask(const struct world *w, const struct m_area *a)
{
	return mask_of(area_first_page(w, a), area_last_page(w, a));
}

static inline bool is_device(const struct world *w, const struct m_object *g)
{
	return w->origin[g->origin].kind == M_DEVICE;
}

uint64_t space_alignment(const struct world *w, uint8_t s);
/* Would every area of the space conform to @align? */
bool space_conforms(const struct world *w, uint8_t s, uint64_t align);
/* Area of the space that contains @iova, or -1. */
int area_at(const struct world *w, uint8_t s, uint64_t iova);
bool hits_area(const struct world *w, uint8_t s, uint64_t first, uint64_t last);
bool hits_reserved(const struct world *w, uint8_t s, uint64_t first,
		   uint64_t last);
bool hits_allowed(const struct world *w, uint8_t s, uint64_t first,
		  uint64_t last);
/* Is the content of the area in the domains of its space? */
bool area_is_mapped(const struct world *w, const struct m_area *a);
uint32_t area_pins(const struct world *w, uint8_t area);
uint32_t area_locks(const struct world *w, uint8_t area);
bool object_pinned(const struct world *w, uint8_t object);
uint32_t object_areas(const struct world *w, uint8_t object);

/* New slots; they exist (the generator counts). -1: none. */
int area_slot(const struct world *w);
int object_slot(const struct world *w);
void area_insert(struct world *w, uint8_t area);
/* Takes the area out; its pages object goes with the last one. */
void area_remove(struct world *w, uint8_t area);

/* Recompute what is derived; count edges; learn frames of what became held. */
void refresh(struct world *w);

/* What an operation is about to hold: a scratch copy of masks and totals. */
struct plan {
	uint64_t held[MAX_OBJECTS];
	struct m_totals totals;
};

void plan_init(const struct world *w, struct plan *p);
/*
 * Hold the pages of @mask of object @g, which is @slot of the plan: 0, or what
 * the origin or the limit says.
 */
int plan_hold(const struct world *w, struct plan *p, const struct m_object *g,
	      uint32_t slot, uint64_t mask);
/* Pages [@first, @last] of an object, on their way into @nr domains. */
struct passage {
	const struct m_object *g;
	uint32_t slot;
	uint32_t prot;
	uint64_t first, last;
	const struct m_domain *const *domains;
	uint32_t nr;
};
/*
 * Hold them and map them: 0, or what the origin, the limit or a domain says.
 * Where it is not said who is asked first, the others are alternatives.
 */
int plan_fill(struct world *w, struct plan *p, const struct passage *at);
/* Another code that would be right. */
void may_also(struct world *w, int error);
/* Why page @page of an origin cannot be pinned, or 0. */
int origin_error(const struct world *w, uint8_t origin, uint64_t page,
		 bool write);

/* ---- choose.c: IOVA ----------------------------------------------------- */

/* iommufd-uapi 5.8: 0 and *@out, or an errno. */
int choose_iova(const struct world *w, uint8_t s, uint64_t source,
		uint64_t length, uint64_t *out);
/* Maximal ranges without a reservation; returns how many. */
uint32_t usable_ranges(const struct world *w, uint8_t s,
		       struct ioas_iova_range *out, uint32_t max);

/* ---- exec.c: one operation ---------------------------------------------- */

/* A call of the core on behalf of an operation. */
typedef int call_fn(struct world *w, const struct op *op, void *arg);

/*
 * Calls @call with the operation's fault armed. If the fault made it fail,
 * nothing may have changed, and it is called again without one.
 */
int attempt(struct world *w, const struct op *op, call_fn *call, void *arg);
/* The same for calls that must not fail for want of anything. */
int attempt_teardown(struct world *w, const struct op *op, call_fn *call,
		     void *arg);
/* Compares codes and counts the outcome; true if both agree. */
bool expect(struct world *w, const struct op *op, int want, int got);
/* Runs one operation; false if it made no sense and was skipped. */
bool execute(struct world *w, const struct op *op);
void count_transition(struct world *w, unsigned int t);

/* Handlers: 0, -errno, or SKIP. */
typedef int op_fn(struct world *w, const struct op *op);

op_fn op_space_create, op_space_destroy, op_map, op_copy, op_unmap,
	op_unmap_all, op_reserve, op_unreserve, op_allow, op_ranges, op_split,
	op_small_pages;
op_fn op_domain_create, op_domain_destroy, op_attach, op_detach, op_dirty_set,
	op_dirty_mark, op_dirty_read, op_cut;
op_fn op_client_create, op_client_destroy, op_client_attach, op_client_detach,
	op_client_replace, op_client_patience, op_pin, op_unpin, op_rw;
op_fn op_remap, op_hole, op_fill_hole, op_protect, op_die, op_origin_create,
	op_limit, op_change_process, op_policy, op_revoke, op_tuning,
	op_pin_mode;

/* ---- the rest ----------------------------------------------------------- */

/* world.c */
bool world_init(struct world *w, const struct options *opts,
		struct stats *stats, uint64_t epoch);
/* Destroys everything and looks at the ledgers. */
void world_fini(struct world *w);
bool origin_create(struct world *w, uint8_t slot);

/* compare.c */
void compare_all(struct world *w);
/* Output address of the byte at @iova of the area, which is mapped. */
uint64_t address_of(const struct world *w, const struct m_area *a,
		    uint64_t iova);
/* Permission word with which the area is mapped. */
uint32_t area_prot(const struct world *w, const struct m_area *a);

/* cells.c: what is dirty in a domain */
void cells_fini(struct m_domain *d);
void cell_add(struct m_domain *d, const struct m_cell *cell);
/* Is something of [@first, @last] dirty? */
bool cells_hit(const struct m_domain *d, uint64_t first, uint64_t last);
/* The granule or leaf at @iova; false if nothing is mapped there. */
bool cell_at(const struct world *w, const struct m_domain *d, uint64_t iova,
	     struct m_cell *cell);
/* Leaves were cut or merged: cells follow. */
void cells_recut(struct m_domain *d);
/* What was dirty goes with the mapping; what is born dirty comes. */
void cells_refresh(const struct world *w, struct m_domain *d);

/* tables.c: domains with a page table, and devices that use it */
enum create_flags {
	CREATE_DIRTY = 1u << 1,
	CREATE_SHORT = 1u << 2, /* flat: answers end with the page */
	CREATE_ALL = 1u << 3, /* the whole aperture; v[1] and v[2] are ignored */
	CREATE_NARROW = 1u << 4, /* no width is asked for, but the aperture */
	CREATE_ARENA = 1u << 5, /* tables lie in an arena, */
	CREATE_SHADOW = 1u << 6, /* and walkers see what was flushed */
	CREATE_SMALL = 1u << 7, /* small leaves are granules */
};
/* b: kind, prot: enum ioas_pt_flags, v: sizes, first, last; fills *@d. */
int table_create(struct world *w, const struct op *op, struct m_domain *d);
/* What that should return. */
int table_expected(const struct op *op);
void table_destroy(struct m_domain *d);
/* Could a device still reach an output address of [@first, @last]? */
bool table_reaches(const struct m_domain *d, uint64_t first, uint64_t last);
/* As a device: writes the byte at @iova. False: it may not. */
bool table_write(struct m_domain *d, uint64_t iova);
/* Walkers see a copy, and cannot write. */
bool table_is_shadowed(const struct m_domain *d);
/* By a walker of its own: every leaf, and every page of every area. */
void compare_table(struct world *w, uint8_t d);

/* gen.c */
void generate(struct world *w, struct op *op);

/* report.c */
void print_op(char *out, size_t size, const struct op *op);
const char *op_name(uint8_t kind);
const char *errno_name(int error);
void print_stats(const struct stats *st);
/* Formats of which no leaf was ever seen: nothing was tested; prints them. */
unsigned int print_missing_formats(const struct stats *st,
				   const struct options *opts);
/* How many expected events never happened; prints them. */
unsigned int print_missing(const struct stats *st, const struct options *opts);

/* shrink.c */
/* Drops operations while the rest still fails, and prints what is left. */
void shrink(const struct options *opts, uint64_t epoch, struct op *ops,
	    uint32_t nr);

#endif
