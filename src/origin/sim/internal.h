/* SPDX-License-Identifier: MIT */
/*
 * internal: what the parts of the simulated machine share
 *
 *   process.c   file.c   device.c      page -> frame, the origin ops
 *         \       |       /
 *         origin.c                     what all kinds have in common
 *             |
 *          ledger.c                    frames, folios, windows, pin counts
 *                 |
 *    table.c   numbers.c               records by key; frame numbers, chance
 *
 * One lock, sim->lock (IOAS_RANK_ORIGIN), guards everything but what is set
 * once and a device's list of watchers. Violations are noted under the lock
 * and reported after it, so that a hook may call the simulator.
 */
#ifndef IOAS_ORIGIN_SIM_INTERNAL_H
#define IOAS_ORIGIN_SIM_INTERNAL_H

#include "base/list.h"
#include "origin/sim.h"
#include "origin/sim/table.h"
#include "seam/fault.h"
#include "seam/lock.h"

/* A block of a file's pages that is pinned as one. */
struct ioas_sim_folio_record {
	struct ioas_list link; /* sim->folios */
	ioas_pfn_t first;
	uint64_t nr;
	/* Equals the sum over its frames. */
	uint64_t pins;
	/* Frame records that point here. */
	uint64_t refs;
};

/*
 * Exists while somebody maps it or pins it. In a window it exists while there
 * are contents, and has nothing else.
 */
struct ioas_sim_frame {
	/* Pages of processes and files that lead here. */
	uint64_t maps;
	uint64_t write;
	uint64_t read;
	uint64_t holds;
	struct ioas_sim_folio_record *folio;
	/* Made when first looked at. */
	void *data;
	bool dirty;
};

/* Frames without records: a giant range or a device. */
struct ioas_sim_window {
	struct ioas_list link; /* sim->windows */
	ioas_pfn_t first;
	uint64_t nr;
	bool device;
	/* Not mapped any more: goes with its last pin. */
	bool orphan;
	uint64_t write;
	uint64_t read;
	uint64_t holds;
	bool dirty;
};

struct ioas_sim {
	/* Set once. */
	uint8_t page_lg2;
	uint64_t seed;
	struct ioas_frames *frames;
	ioas_pfn_t first_pfn;
	ioas_pfn_t last_pfn;
	struct ioas_sim_hooks hooks;

	struct ioas_mutex lock;
	/* Below: under lock. */
	uint64_t random;
	/* Numbers in [low, high] are unused; empty when low > high. */
	ioas_pfn_t low;
	ioas_pfn_t high;
	struct ioas_sim_table by_pfn; /* struct ioas_sim_frame */
	struct ioas_list windows;
	struct ioas_list folios;
	struct ioas_list origins;
	/* All pins there are. */
	uint64_t pins;
	enum ioas_sim_pin_mode mode;
	uint64_t budget;
	struct ioas_sim_stats stats;
};

struct ioas_sim_kind;

/* The head of every simulated origin. */
struct ioas_sim_origin {
	struct ioas_origin o;
	struct ioas_sim *sim;
	const struct ioas_sim_kind *kind;
	/* Below: under sim->lock. */
	struct ioas_list link; /* sim->origins */
	uint64_t pins;
	uint64_t guards;
	uint64_t watchers;
};

/* The first broken promise of a call, to be reported when nothing is locked. */
struct ioas_sim_breach {
	const char *what;
	ioas_pfn_t pfn;
};

static inline void breach_note(struct ioas_sim_breach *b, const char *what,
			       ioas_pfn_t pfn)
{
	if (!b->what)
		*b = (struct ioas_sim_breach){ what, pfn };
}

static inline struct ioas_sim_origin *sim_origin(struct ioas_origin *o)
{
	return ioas_container_of(o, struct ioas_sim_origin, o);
}

static inline uint64_t page_bytes(const struct ioas_sim *sim)
{
	return (uint64_t)1 << sim->page_lg2;
}

/* Locks sim->lock, with the one rank that it has. */
static inline void sim_lock(struct ioas_sim *sim) __acquires(sim->lock)
{
	ioas_mutex_lock(&sim->lock, IOAS_RANK_ORIGIN);
}

static inline void sim_unlock(struct ioas_sim *sim) __releases(sim->lock)
{
	ioas_mutex_unlock(&sim->lock);
}

/* First line of what runs under it. */
static inline void sim_held(struct ioas_sim *sim) __asserts_held(sim->lock)
{
	ioas_assert_held(&sim->lock);
}

/* ---- numbers.c ---------------------------------------------------------- */

uint64_t ioas_sim_random(struct ioas_sim *sim) __must_hold(sim->lock);
/* 0 .. @n - 1 */
uint64_t ioas_sim_below(struct ioas_sim *sim, uint64_t n)
	__must_hold(sim->lock);
/* A function of its arguments alone: decides what needs no memory. */
uint64_t ioas_sim_mix(uint64_t a, uint64_t b);
/*
 * @nr fresh numbers that start at a multiple of @align, from below or (@top)
 * from above. 0 or -ENOSPC.
 */
int ioas_sim_numbers(struct ioas_sim *sim, uint64_t nr, uint64_t align,
		     bool top, ioas_pfn_t *first) __must_hold(sim->lock);
/* Fresh numbers for @nr pages in @pfns. -EINVAL: unknown or giant. */
int ioas_sim_arrange(struct ioas_sim *sim, enum ioas_sim_layout layout,
		     uint64_t nr, ioas_pfn_t *pfns) __must_hold(sim->lock);

/* ---- ledger.c ----------------------------------------------------------- */

struct ioas_sim_frame *ioas_sim_frame(struct ioas_sim *sim, ioas_pfn_t pfn)
	__must_hold(sim->lock);
/* One more map of @pfn, which may be new. 0 or -ENOMEM. */
int ioas_sim_frame_get(struct ioas_sim *sim, ioas_pfn_t pfn)
	__must_hold(sim->lock);
void ioas_sim_frame_put(struct ioas_sim *sim, ioas_pfn_t pfn)
	__must_hold(sim->lock);
/* Its memory; NULL if it does not exist or there is none. */
void *ioas_sim_frame_data(struct ioas_sim *sim, ioas_pfn_t pfn)
	__must_hold(sim->lock);
/* The content of @pfn has changed. */
void ioas_sim_frame_soil(struct ioas_sim *sim, ioas_pfn_t pfn)
	__must_hold(sim->lock);
/* One pin on each of @nr frames, which exist. */
void ioas_sim_ledger_pin(struct ioas_sim_origin *so, ioas_pfn_t pfn,
			 uint64_t nr, bool write) __must_hold(so->sim->lock);
void ioas_sim_ledger_unpin(struct ioas_sim_origin *so, ioas_pfn_t pfn,
			   uint64_t nr, bool dirty, struct ioas_sim_breach *b)
	__must_hold(so->sim->lock);
/* Frames without records. 0, -ENOSPC or -ENOMEM. */
int ioas_sim_window_create(struct ioas_sim *sim, uint64_t nr, bool device,
			   struct ioas_sim_window **out)
	__must_hold(sim->lock);
/* Nobody maps it now; pins may be left. Accepts NULL. */
void ioas_sim_window_put(struct ioas_sim *sim, struct ioas_sim_window *w)
	__must_hold(sim->lock);
struct ioas_sim_window *ioas_sim_window(struct ioas_sim *sim, ioas_pfn_t pfn)
	__must_hold(sim->lock);
/* The folio of the @nr frames from @first on, each mapped once by its file. */
int ioas_sim_folio_create(struct ioas_sim *sim, ioas_pfn_t first, uint64_t nr)
	__must_hold(sim->lock);
/* The counts add up. Logs what does not. */
bool ioas_sim_ledger_validate(struct ioas_sim *sim) __must_hold(sim->lock);

/* ---- origin.c ----------------------------------------------------------- */

/* A pin call on its way. */
struct ioas_sim_answer {
	struct ioas_sim *sim;
	struct ioas_sim_origin *so;
	struct ioas_pin_request *rq;
	/* Pages to stop at: what was asked for, or fewer by the mode. */
	uint64_t limit;
	struct ioas_sim_breach breach;
};

enum ioas_sim_at_flags {
	/* Make what a file misses. */
	IOAS_SIM_AT_FILL = 1u << 0,
	/* For the process: refuse what it may only read. */
	IOAS_SIM_AT_WRITE = 1u << 1,
};

/* What distinguishes the kinds of origins. Called with sim->lock held. */
struct ioas_sim_kind {
	/* Answer as far as possible. What stopped it, or 0. */
	int (*pin)(struct ioas_sim_answer *a);
	/*
	 * The frame of @page now. 0, -EFAULT (none, or not with this access),
	 * -ENOSPC or -ENOMEM. @flags: enum ioas_sim_at_flags.
	 */
	int (*at)(struct ioas_sim_origin *so, uint64_t page,
		  unsigned int flags, ioas_pfn_t *pfn);
};

/*
 * How many of @nr frames from @pfn on the answer has room for and the knobs
 * let pass; 0 ends the call.
 */
uint64_t ioas_sim_answer_room(struct ioas_sim_answer *a, ioas_pfn_t pfn,
			      uint64_t nr) __must_hold(a->sim->lock);
/* Answer with so many frames, which there is room for, and pin them... */
void ioas_sim_answer_pin(struct ioas_sim_answer *a, ioas_pfn_t pfn,
			 uint64_t nr) __must_hold(a->sim->lock);
/* ... or not. */
void ioas_sim_answer_run(struct ioas_sim_answer *a, ioas_pfn_t pfn,
			 uint64_t nr) __must_hold(a->sim->lock);
/* Next page that the answer needs. */
uint64_t ioas_sim_answer_page(const struct ioas_sim_answer *a);

/*
 * Copy bytes of an origin as it is now. With IOAS_SIM_AT_WRITE in @flags what
 * is written becomes dirty. What was copied before an error stays.
 */
int ioas_sim_transfer(struct ioas_sim_origin *so, uint64_t offset,
		      void *buffer, uint64_t length, bool towards,
		      unsigned int flags) __must_hold(so->sim->lock);

/* The ops that all kinds have in common. */
int ioas_sim_op_pin(struct ioas_origin *o, struct ioas_pin_request *rq);
void ioas_sim_op_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		       bool dirty);
void *ioas_sim_op_pointer(struct ioas_origin *o, ioas_pfn_t pfn);
/* For @so->sim's frame space as well: @page counts from sim->first_pfn. */
void *ioas_sim_pointer(struct ioas_sim *sim, ioas_pfn_t pfn);

/* Begin and end of an origin: its head. */
void ioas_sim_origin_init(struct ioas_sim_origin *so, struct ioas_sim *sim,
			  const struct ioas_origin_ops *ops,
			  const struct ioas_sim_kind *kind);
void ioas_sim_origin_fini(struct ioas_sim_origin *so);
/* Report, if there is one. No lock is held. */
void ioas_sim_report(struct ioas_sim *sim, const struct ioas_sim_breach *b);

extern const struct ioas_origin_ops ioas_sim_process_ops;
extern const struct ioas_origin_ops ioas_sim_file_ops;
extern const struct ioas_origin_ops ioas_sim_device_ops;

#endif
