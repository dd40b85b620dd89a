/* SPDX-License-Identifier: MIT */
/*
 * rig: a page table, the oracle of it, and a device that walks it
 *
 *                        struct ioas_pt          struct walker_config
 *   RIG_IDENTITY   memory of the process  <----- reads the same addresses
 *   RIG_ARENA      an arena               <----- reads it at other addresses
 *   RIG_SHADOW     an arena --flush-->  a copy <-- reads that, and nothing else
 *
 * The device has caches. It forgets what an invalidation covers and nothing
 * else; what it remembers has to be right after every operation.
 */
#ifndef TESTS_PT_RIG_H
#define TESTS_PT_RIG_H

#include "oracle.h"
#include "prng.h"

enum rig_mode { RIG_IDENTITY, RIG_ARENA, RIG_SHADOW, RIG_NR_MODES };

/* What a walk finds in a range while it is being invalidated. */
enum rig_expect {
	EXPECT_NONE, /* no invalidation at all */
	EXPECT_HOLE,
	EXPECT_SAME, /* the old translation still, or again */
};

#define NR_CACHED 48

/* One translation that the device remembers, and the way to it. */
struct cached {
	uint64_t iova;
	uint64_t oa; /* of @iova */
	uint32_t access;
	uint8_t lg2;
	bool used;
	bool leaf;
	bool dirty; /* it need not say again that it writes */
	uint64_t table[WALKER_MAX_LEVELS]; /* by level; 0: not visited */
};

struct arena {
	char *base;
	char *shadow;
	uint64_t bytes;
	uint64_t pa;
	uint64_t fresh;
	uint64_t outstanding;
	bool exhausted;
};

struct rig {
	const struct config *cfg;
	enum rig_mode mode;
	struct ioas_pt *pt;
	struct oracle oracle;
	struct prng rng;
	struct arena arena;
	struct walker_config walker;
	struct walker_memory memory;
	struct ioas_pt_hooks hooks;
	struct ioas_pt_mem_ops mem;

	struct cached cached[NR_CACHED];
	unsigned int next_cached;
	/* Of the operation that runs now. */
	enum rig_expect expect;
	unsigned int nr_mapped;
	struct span mapped;
	/* An operation had no memory. */
	bool starved;
	/* Every check so far, for those who count. */
	uint64_t nr_walks;

	bool failed;
	char message[400];
};

/* Where the tables are: what the process has, and what its widths allow. */
bool rig_mode_fits(const struct config *cfg, enum rig_mode mode);
/* False: it cannot be made, and the message says why. */
bool rig_init(struct rig *r, const struct config *cfg, enum rig_mode mode,
	      uint64_t seed);
/* Everything is freed: checked. */
void rig_fini(struct rig *r);

/* The first failure stays. Return: false. */
bool rig_fail(struct rig *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- compare.c ---------------------------------------------------------- */

/* The leaves, as src/pt enumerates them. */
bool rig_compare_leaves(struct rig *r);
/* The leaves, as a device finds them; tables are counted. */
bool rig_compare_walker(struct rig *r);
/* All of it: leaves, walker, invariants, memory. */
bool rig_compare(struct rig *r);
/* What everybody says of one address. */
bool rig_walk(struct rig *r, uint64_t iova, uint32_t access);
/* A device writes to @iova; the oracle learns of it. */
bool rig_write(struct rig *r, uint64_t iova);
/* Is what the device remembers of leaves true? */
bool rig_check_cached(struct rig *r);
/* As a device that read (@iova) would, if it may remember what it saw. */
void rig_remember(struct rig *r, const struct walker_result *walk,
		  uint64_t iova, bool dirty);
/* It forgets what [@iova, @last] covers; @tables: the way there as well. */
void rig_forget(struct rig *r, uint64_t iova, uint64_t last, bool tables);
/* During an invalidation of [@iova, @last]. */
void rig_check_expect(struct rig *r, uint64_t iova, uint64_t last);

#endif
