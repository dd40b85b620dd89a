/* SPDX-License-Identifier: MIT */
/*
 * pt kit: page tables of every format, made to be looked at from outside
 *
 *   ioas_pt --- writes ---> memory              what this process sees
 *      |                       |
 *      `- hooks.flush ----- copies ---> mirror  what a walker sees, at KIT_PA
 *                                          ^
 *                          src/walker -----'    knows nothing of src/pt
 *
 * Both begin as ones: what nobody wrote or flushed is an invalid entry in every
 * format. Each hook is noted in the order of the calls; a probe may look on
 * while it happens.
 */
#ifndef TESTS_LIB_PT_KIT_H
#define TESTS_LIB_PT_KIT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "prng.h"
#include "pt/pt.h"
#include "walker/walker.h"

#define KIT_KIB ((uint64_t)1 << 10)
#define KIT_MIB ((uint64_t)1 << 20)
#define KIT_GIB ((uint64_t)1 << 30)
#define KIT_RW (IOAS_PT_READ | IOAS_PT_WRITE)
#define KIT_PGSIZE(lg2) ((uint64_t)1 << (lg2))

/* Where the mirror begins; fits the narrowest output width. */
#define KIT_PA UINT64_C(0x40000000)
#define KIT_NR_EVENTS 512

/* A format with its parameters, and what a walker is told of them. */
struct kit_format {
	const char *name;
	const struct ioas_pt_format *format;
	enum walker_format walker;
	uint8_t granule_lg2;
	/* Bits of IOVA that a table below the root resolves. */
	uint8_t index_lg2;
	uint8_t levels;
	uint8_t va_bits;
	uint8_t oa_bits;
	uint32_t flags;
	uint64_t c_bit;
	/* All that it has, as page-tables 2 says. */
	uint64_t pgsizes;
};

extern const struct kit_format kit_formats[];
extern const unsigned int kit_nr_formats;

/* The first of that name; fails the test if there is none. */
const struct kit_format *kit_find(const char *name);
void kit_params(const struct kit_format *f, struct ioas_pt_params *params);
/* Leaves say whether they were written. */
bool kit_tracks(const struct kit_format *f);
/* IOVAs have an upper half. */
bool kit_signed(const struct kit_format *f);
/* Last IOVA of the lower half. */
uint64_t kit_last(const struct kit_format *f);
/* log2 of what an item of @level spans; the level where a leaf stands. */
unsigned int kit_item_lg2(const struct kit_format *f, unsigned int level);
unsigned int kit_level_of(const struct kit_format *f, unsigned int lg2);

enum kit_kind {
	KIT_INVALIDATE,
	KIT_SYNC,
	KIT_MAPPED,
	KIT_FLUSH,
	KIT_GROWN,
	KIT_NR_KINDS
};

struct kit_event {
	enum kit_kind kind;
	uint64_t iova;
	uint64_t last;
	bool tables;
	/* KIT_FLUSH */
	const uint64_t *items;
	size_t nr;
	/* KIT_GROWN */
	uint64_t pa;
	unsigned int level;
};

struct kit {
	const struct kit_format *f;
	struct ioas_pt *pt;
	char *pages; /* that hold both */
	char *memory;
	char *mirror;
	size_t size;
	size_t used; /* by tables, from the beginning */
	/* Allocations not yet handed back. */
	unsigned int live;
	/* Of the first one: the root. */
	size_t root_bytes;
	/* Allocations that still succeed. */
	unsigned int budget;
	/* Nothing is noted. For threads. */
	bool quiet;
	unsigned int count[KIT_NR_KINDS];
	struct kit_event invalidated; /* the last one */
	/* All, but for those that there is no room for. */
	unsigned int nr_events;
	struct kit_event event[KIT_NR_EVENTS];
	/* Called in the hook, after the mirror has what is flushed. */
	void (*probe)(struct kit *k, const struct kit_event *e);
	void *probe_ctx;
};

extern const struct ioas_pt_mem_ops kit_mem_ops;
extern const struct ioas_pt_hooks kit_hooks;

/* Of @f, with a mirror; @change, may be NULL, alters the parameters. */
struct kit *kit_new(const struct kit_format *f,
		    void (*change)(struct ioas_pt_params *params));
/* Memory, but no page table yet. */
struct kit *kit_begin(const struct kit_format *f);
/* Destroys the page table, if there is one; every table was handed back. */
void kit_free(struct kit *k);

/* One run, given in bytes. */
int kit_map(struct kit *k, uint64_t iova, uint64_t oa, uint64_t length,
	    uint32_t prot);
/* It has to succeed. */
void kit_mapped(struct kit *k, uint64_t iova, uint64_t oa, uint64_t length);
/* [@iova, @last] is mapped and goes. */
void kit_unmap(struct kit *k, uint64_t iova, uint64_t last);
/* Output address; UINT64_MAX: not mapped. */
uint64_t kit_oa(struct ioas_pt *pt, uint64_t iova);
/* The leaf that holds @iova has to be this one. */
void kit_assert_leaf(struct kit *k, uint64_t iova, uint64_t leaf_iova,
		     uint64_t oa, unsigned int lg2);
bool kit_dirty(struct ioas_pt *pt, uint64_t iova);

struct kit_leaves {
	struct ioas_pt_leaf *leaf;
	size_t nr;
	size_t room;
};

void kit_leaves(struct ioas_pt *pt, struct kit_leaves *out);
void kit_leaves_free(struct kit_leaves *leaves);
bool kit_leaves_equal(const struct kit_leaves *a, const struct kit_leaves *b);

/* For a walker as the page table stands; the memory is the mirror. */
void kit_walker(const struct kit *k, struct walker_config *cfg);
struct walker_memory kit_walker_memory(struct kit *k);
/* What a walker finds in the mirror is what the page table says it maps. */
void kit_check(struct kit *k);
/* The item of @level on the way to @iova, in memory; NULL: none is there. */
uint64_t *kit_item(struct kit *k, uint64_t iova, unsigned int level);
/* Is @item a table entry, and which table of the memory does it point to? */
uint64_t *kit_child(struct kit *k, unsigned int level, uint64_t word);

/* Events since the last call of kit_forget(). */
void kit_forget(struct kit *k);
unsigned int kit_count(const struct kit *k, enum kit_kind kind);
/* There was one invalidation, and it was this one. */
void kit_assert_invalidated(const struct kit *k, uint64_t iova, uint64_t last,
			    bool tables);

/* A request that is legal but for what is mapped already. */
struct kit_request {
	uint64_t iova;
	uint64_t oa;
	uint64_t length;
	uint32_t prot;
};

/*
 * Near the borders of tables and of the aperture, of few leaves of any size;
 * output addresses that allow large leaves half of the time.
 */
void kit_random(const struct kit_format *f, struct prng *rng,
		struct kit_request *rq);
/* One of the borders. */
uint64_t kit_spot(const struct kit_format *f, struct prng *rng);

#endif
