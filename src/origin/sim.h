/* SPDX-License-Identifier: MIT */
/*
 * sim: a simulated machine that gives memory and keeps a ledger of every pin
 *
 *    process  va page ----+            frame: contents, pins for writing and
 *    file     page -folio-+--> frame          for reading, dirty, holds
 *    device   page -------+
 *
 * Any page size from 8 bytes up; any frame number up to the last of 64 bits of
 * address. Everything is deterministic from the seed. It is the surroundings
 * of the model tests and the exporter of the test interface's dma-bufs.
 *
 *	struct ioas_sim *sim;
 *	struct ioas_origin *o;
 *	ioas_sim_create(&(struct ioas_sim_options){ .page_lg2 = 12 }, &sim);
 *	ioas_sim_process_create(sim, &o);
 *	ioas_sim_map(o, 0x1000, 64, IOAS_SIM_SCATTERED, 0);
 *	... the core pins, copies, unpins through o->ops ...
 *	ioas_origin_put(o);
 *	assert(ioas_sim_idle(sim));
 *	ioas_sim_destroy(sim);
 *
 * A broken promise (unpin of what is not pinned, dirty unpin without a pin for
 * writing, ...) goes to the violation hook, or is a failed check without one.
 *
 * Callable from any thread. Hooks run without the simulator's lock and may call
 * anything here. Page indexes count from 0 in the origin; @first + @nr - 1 must
 * not wrap. The functions that change a layout return 0, -EINVAL (bad range or
 * origin), -EEXIST or -ENOENT (as said there), -ENOSPC (out of frame numbers)
 * or -ENOMEM.
 */
#ifndef IOAS_ORIGIN_SIM_H
#define IOAS_ORIGIN_SIM_H

#include "origin/frames.h"
#include "origin/ops.h"

struct ioas_sim;

/* How the frames of consecutive pages lie. */
enum ioas_sim_layout {
	/* One run; successive calls continue it where nothing intervened. */
	IOAS_SIM_CONSECUTIVE,
	/* No two neighbours have consecutive frames. */
	IOAS_SIM_SCATTERED,
	/* Runs of 1 to 8 pages. */
	IOAS_SIM_RUNS,
	/* Each frame is one less than the one before. */
	IOAS_SIM_DESCENDING,
	/* One run that ends at the last frame not yet given out: the first
	 * such call gets the very last frame of the machine. */
	IOAS_SIM_HIGH,
	/* About half of the pages repeat the frame of an earlier one. */
	IOAS_SIM_ALIASED,
	/* One run without a record per page: for ranges up to 2^50 pages. Pins
	 * are counted in one total; contents appear where they are used. */
	IOAS_SIM_GIANT,
	IOAS_SIM_NR_LAYOUTS
};

enum ioas_sim_map_flags {
	IOAS_SIM_READ_ONLY = 1u << 0,
};

/* How much one pin call returns of what was asked for. */
enum ioas_sim_pin_mode {
	IOAS_SIM_PIN_ALL,
	IOAS_SIM_PIN_ONE,
	/* 1 to all, at random. */
	IOAS_SIM_PIN_RANDOM,
};

struct ioas_sim_hooks {
	void *data;
	/*
	 * May these @nr frames lose one pin each now? False is a violation
	 * (INV-C5). NULL: yes.
	 */
	bool (*may_unpin)(void *data, ioas_pfn_t pfn, uint64_t nr, bool dirty);
	/*
	 * A pin call begins: the place to remap, to kill the process, to change
	 * anything behind the core's back at a given step.
	 */
	void (*before_pin)(void *data, struct ioas_origin *o, uint64_t first,
			   uint64_t nr);
	/* A promise to an origin was broken. NULL: IOAS_CHECK. */
	void (*violation)(void *data, const char *what, ioas_pfn_t pfn);
};

struct ioas_sim_options {
	/* 3 to 16. */
	uint8_t page_lg2;
	uint64_t seed;
	/* Lowest frame to use; 0: 256, or the lowest @frames has to give. */
	ioas_pfn_t first_pfn;
	/* Highest frame to use; 0: 2^(64 - page_lg2) - 1. */
	ioas_pfn_t last_pfn;
	/* Register frames here, so that devices find them; may be NULL. */
	struct ioas_frames *frames;
	struct ioas_sim_hooks hooks;
};

/* Counted since creation or ioas_sim_reset_stats(). */
struct ioas_sim_stats {
	uint64_t pin_calls;
	/* Runs and pages handed out. */
	uint64_t pin_runs;
	uint64_t pin_pages;
	uint64_t unpin_calls;
	uint64_t unpin_pages;
	/* Of unpin_pages, those reported dirty. */
	uint64_t dirty_pages;
	/* Folios pinned, and additional pins taken on them. */
	uint64_t folio_pins;
	uint64_t folio_extra;
	uint64_t alive_calls;
	/* Fast copies done: directly, and through a pin of one page. */
	uint64_t copies_direct;
	uint64_t copies_pinned;
	uint64_t violations;
};

/* Return: 0, -EINVAL (options), -EEXIST (frames taken) or -ENOMEM. */
int ioas_sim_create(const struct ioas_sim_options *opts, struct ioas_sim **out);
/* Its origins have been put. Accepts NULL. */
void ioas_sim_destroy(struct ioas_sim *sim);
/* Not while another thread uses @sim. */
void ioas_sim_set_hooks(struct ioas_sim *sim,
			const struct ioas_sim_hooks *hooks);

/* ---- knobs -------------------------------------------------------------- */

void ioas_sim_set_pin_mode(struct ioas_sim *sim, enum ioas_sim_pin_mode mode);
/*
 * Once: @pages more pages can be pinned, the next one cannot (-EFAULT or a
 * short count). UINT64_MAX: off.
 */
void ioas_sim_set_pin_budget(struct ioas_sim *sim, uint64_t pages);

/* ---- processes ---------------------------------------------------------- */

/*
 * A process without memory. Until ioas_sim_set_mm() says otherwise its address
 * space has an identity of its own, so a caller without one is "another
 * process".
 */
int ioas_sim_process_create(struct ioas_sim *sim, struct ioas_origin **out);
/* What caller->mm has to be for a caller to be this process. */
const void *ioas_sim_mm(struct ioas_origin *o);
/* NULL: it is the process that has no caller, or none with an identity. */
void ioas_sim_set_mm(struct ioas_origin *o, const void *mm);

/*
 * Give pages [@first, @first + @nr - 1] fresh frames. -EEXIST if a page has
 * one. @flags: enum ioas_sim_map_flags.
 */
int ioas_sim_map(struct ioas_origin *o, uint64_t first, uint64_t nr,
		 enum ioas_sim_layout layout, unsigned int flags);
/*
 * Replace the frames of mapped pages by fresh ones; what is pinned stays
 * pinned. -ENOENT if a page is not mapped. Not for giant ranges.
 */
int ioas_sim_remap(struct ioas_origin *o, uint64_t first, uint64_t nr,
		   enum ioas_sim_layout layout);
/* Map pages to the frames that pages of @from have: shared memory. */
int ioas_sim_alias(struct ioas_origin *o, uint64_t first, uint64_t nr,
		   struct ioas_origin *from, uint64_t from_first);
/*
 * Make a hole. Pages already unmapped are skipped. A giant range goes only
 * whole: -EINVAL.
 */
int ioas_sim_unmap(struct ioas_origin *o, uint64_t first, uint64_t nr);
/* Change writability of mapped pages; -ENOENT. Not for giant ranges. */
int ioas_sim_protect(struct ioas_origin *o, uint64_t first, uint64_t nr,
		     unsigned int flags);
/* The process is gone for good: held pins stay usable, nothing else works. */
void ioas_sim_die(struct ioas_origin *o);

/* ---- files -------------------------------------------------------------- */

#define IOAS_SIM_FOLIO_MAX_LG2 9
/* Folios of 1, 2, 4, .. 512 pages, mixed. */
#define IOAS_SIM_FOLIO_MIXED 0xff

/*
 * A file of @nr_pages pages, all missing until pinned or written. Folios have
 * 2^@folio_lg2 pages and are aligned to their size in the file and in frames;
 * smaller ones fill the end. Their order: any @layout but ALIASED; GIANT
 * has no folios.
 */
int ioas_sim_file_create(struct ioas_sim *sim, uint64_t nr_pages,
			 unsigned int folio_lg2, enum ioas_sim_layout layout,
			 struct ioas_origin **out);
/* The folio that page @page is or would be part of. False: beyond the end. */
bool ioas_sim_folio(struct ioas_origin *o, uint64_t page, uint64_t *first,
		    uint64_t *nr);

/* ---- device memory ------------------------------------------------------ */

/* One contiguous range of @nr_pages frames; IOAS_ORIGIN_DEVICE. */
int ioas_sim_device_create(struct ioas_sim *sim, uint64_t nr_pages,
			   struct ioas_origin **out);
/*
 * Take the memory back: calls every watcher, holding the exporter's lock
 * (IOAS_RANK_EXPORTER). When it returns nobody may use the range any more, and
 * a pin is a violation. Twice is harmless.
 */
void ioas_sim_revoke(struct ioas_origin *o);
bool ioas_sim_revoked(struct ioas_origin *o);

/* ---- what the tests ask ------------------------------------------------- */

struct ioas_sim_pins {
	/* Exact in sum. An unpin does not say which kind of pin it undoes: a
	 * clean one is taken for a reading pin while there is one. */
	uint64_t write;
	uint64_t read;
};

/* In a giant range: the total of the whole range. */
struct ioas_sim_pins ioas_sim_pins(struct ioas_sim *sim, ioas_pfn_t pfn);
/* Pins of all frames; and those taken through one origin. */
uint64_t ioas_sim_total_pins(struct ioas_sim *sim);
uint64_t ioas_sim_origin_pins(struct ioas_origin *o);
/*
 * No pin, alive guard or watcher is left. Otherwise logs what there is, up to
 * a dozen lines.
 */
bool ioas_sim_idle(struct ioas_sim *sim);
/* How often @pfn went from no pin to some: unchanged while held (INV-C6). */
uint64_t ioas_sim_holds(struct ioas_sim *sim, ioas_pfn_t pfn);
/* The content may have changed (INV-C8): by dirty unpins and by copies. */
bool ioas_sim_dirty(struct ioas_sim *sim, ioas_pfn_t pfn);
void ioas_sim_clear_dirty(struct ioas_sim *sim, ioas_pfn_t pfn);
/*
 * The frame that a pin of @page would give now. False: none (hole, missing
 * page of a file, dead process, beyond the end). Dead processes have none.
 */
bool ioas_sim_frame_at(struct ioas_origin *o, uint64_t page, ioas_pfn_t *pfn);

/*
 * Bytes of a frame, whoever has it. @offset + @length stay inside the page.
 * Return: 0 or -EFAULT (no such frame).
 */
int ioas_sim_frame_read(struct ioas_sim *sim, ioas_pfn_t pfn, uint64_t offset,
			void *buffer, size_t length);
int ioas_sim_frame_write(struct ioas_sim *sim, ioas_pfn_t pfn, uint64_t offset,
			 const void *buffer, size_t length);
/*
 * Bytes of an origin as it is now, without permission and without leaving a
 * trace in the ledger; writing fills missing pages of a file. @offset in
 * bytes. Return: 0, -EFAULT (hole, missing, beyond the end) or -ENOMEM.
 */
int ioas_sim_read(struct ioas_origin *o, uint64_t offset, void *buffer,
		  size_t length);
int ioas_sim_write(struct ioas_origin *o, uint64_t offset, const void *buffer,
		   size_t length);

void ioas_sim_get_stats(struct ioas_sim *sim, struct ioas_sim_stats *st);
void ioas_sim_reset_stats(struct ioas_sim *sim);
/* The ledger agrees with itself: folio, frame and origin counts. */
bool ioas_sim_validate(struct ioas_sim *sim);

#endif
