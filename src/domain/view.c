/* SPDX-License-Identifier: MIT */
/*
 * view: see view.h
 *
 * Sections. The epoch of a view is odd inside. Only the owner writes it, with
 * plain stores; who waits makes them visible by a barrier of all threads:
 *
 *   view                          who unmaps
 *   epoch = odd                   items = 0, generations grow
 *   (compiler barrier)            barrier of all threads
 *   load generation, items        load epoch
 *
 * Either the epoch is seen, and he waits until it changes, or the loads come
 * after the barrier and find nothing of what was removed. To sleep he announces
 * himself in @waiters, with a second barrier; leaving is the mirror image:
 *
 *   epoch = even, release         waiters++
 *   (compiler barrier)            barrier of all threads
 *   waiters? wake                 epoch as it was? sleep
 *
 * The IOTLB is direct-mapped and holds translations of three sizes, so that
 * random access to a huge leaf needs few of them:
 *
 *   class   a leaf of    covers    its generation is that of
 *   BLOCK   1 GiB up     1 GiB     the block, grows when all of it changed
 *   REGION  2 MiB up     2 MiB     the region
 *   SMALL   less         granule   the region
 *
 * Leaves are aligned and change as wholes, so a BLOCK entry need not look at
 * the regions. Generations are hashed: a change elsewhere costs an entry only
 * if both have one counter. An entry is made with the generation from before
 * the walk and is good while that is the current one; a map changes none. With
 * IOAS_PROT_WRITE in @grant the leaf is dirty, or nobody wants to know.
 *
 * Lock: views->lock, rank TABLE, held for a pass over the list; not while
 * somebody waits for a view. Who waits has the view counted in @waiters, which
 * keeps it in the list and its owner in ioas_dview_destroy(). New views come
 * first in the list: who passes over it does not meet them.
 */
#include "domain/view_impl.h"

#include "base/bits.h"
#include "base/mem.h"
#include "seam/fault.h"

#define LINE 64
/* Off the path that is to be short: it would save registers for it. */
#define NOINLINE __attribute__((noinline))

#define REGION_LG2 21
#define BLOCK_LG2 30
/*
 * An unmap of n regions costs n atomic additions, up to NR_REGIONS of 5 ns: for
 * 512 MiB about what the barrier costs that follows.
 */
#define NR_REGIONS 256
#define NR_BLOCKS 64
/* 32 KiB; so many regions of 2 MiB are translated without a walk. */
#define NR_ENTRIES 1024
/* Looks at a view before who waits for it goes to sleep: about 1 us. */
#define SPINS 1000

#define RW ((uint32_t)(IOAS_PROT_READ | IOAS_PROT_WRITE))

enum entry_class { CLASS_SMALL = 1, CLASS_REGION, CLASS_BLOCK };

struct view_generations {
	_Atomic uint64_t region[NR_REGIONS];
	_Atomic uint64_t block[NR_BLOCKS];
};

struct entry {
	/* Number of what it covers, and class; 0: empty. */
	uint64_t tag;
	/* Output address less IOVA. */
	uint64_t delta;
	uint64_t generation;
	/* Accesses that need no look at the tables. */
	uint32_t grant;
	uint32_t unused;
};

_Static_assert(sizeof(struct entry) == 32, "two to a cache line");

struct ioas_dview {
	/* The owner's line; others only look at the epoch. */
	_Alignas(LINE) _Atomic uint32_t epoch;
	uint8_t small_lg2;
	/* Bit n: there has been an entry of class n. */
	uint8_t classes;
	struct view_generations *generations;
	struct ioas_pt *pt;
	const atomic_bool *track;
	uint64_t nr_walks;

	/* Those who wait until it leaves. Changes under the lock. */
	_Alignas(LINE) _Atomic uint32_t waiters;
	struct ioas_views *views;
	struct ioas_list link;
	void (*fault)(void *ctx, const struct ioas_dview_fault *fault);
	void *ctx;

	/* SMALL begins in the middle, so that low IOVAs of both are apart. */
	_Alignas(LINE) struct entry entries[NR_ENTRIES];
	struct entry blocks[NR_BLOCKS];
};

/* Neighbours differ, and so do those a large power of two apart. */
static inline unsigned int fold(uint64_t n)
{
	n ^= n >> 20;
	n ^= n >> 10;
	return (unsigned int)n;
}

static inline _Atomic uint64_t *region_at(struct view_generations *g,
					  ioas_iova_t iova)
{
	return &g->region[fold(iova >> REGION_LG2) % NR_REGIONS];
}

static inline _Atomic uint64_t *block_at(struct view_generations *g,
					 ioas_iova_t iova)
{
	return &g->block[fold(iova >> BLOCK_LG2) % NR_BLOCKS];
}

/* ---- who changes tables ------------------------------------------------- */

void ioas_views_init(struct ioas_views *vs, struct ioas_pt *pt,
		     const atomic_bool *track)
{
	vs->pt = pt;
	vs->track = track;
	ioas_list_init(&vs->list);
}

bool ioas_views_fini(struct ioas_views *vs)
{
	/* Somebody would walk what is about to be freed. */
	if (IOAS_CHECK(atomic_load_explicit(&vs->nr, memory_order_acquire)))
		return false;
	ioas_free(vs->generations, sizeof(*vs->generations));
	return true;
}

/*
 * Release: who loads the new generation sees the items as they are now. An
 * addition, because others do it at the same time, and who loads the sum of
 * both has to see the items of both.
 */
static void generation_grow(_Atomic uint64_t *generation)
{
	atomic_fetch_add_explicit(generation, 1, memory_order_release);
}

static void regions_grow(struct view_generations *g, uint64_t first,
			 uint64_t last)
{
	if (last - first >= NR_REGIONS - 1) {
		first = 0;
		last = NR_REGIONS - 1;
	}
	for (; first <= last; first++)
		generation_grow(region_at(g, first << REGION_LG2));
}

/* Of blocks that are in the range as wholes: no others hold such a leaf. */
static void blocks_grow(struct view_generations *g, ioas_iova_t iova,
			ioas_iova_t last)
{
	const uint64_t mask = ((uint64_t)1 << BLOCK_LG2) - 1;
	uint64_t first = (iova >> BLOCK_LG2) + !!(iova & mask);
	/* One past the last. */
	uint64_t end = (last >> BLOCK_LG2) + !(~last & mask);

	if (end >= first + NR_BLOCKS) {
		first = 0;
		end = NR_BLOCKS;
	}
	for (; first < end; first++)
		generation_grow(block_at(g, first << BLOCK_LG2));
}

void ioas_views_changed(struct ioas_views *vs, ioas_iova_t iova,
			ioas_iova_t last)
{
	regions_grow(vs->generations, iova >> REGION_LG2, last >> REGION_LG2);
	blocks_grow(vs->generations, iova, last);
	/* Last: who settles what it counts may do so at once. */
	atomic_fetch_add_explicit(&vs->stale, 1, memory_order_release);
}

static uint32_t view_epoch(const struct ioas_dview *v)
{
	return atomic_load_explicit(&v->epoch, memory_order_acquire);
}

static bool epoch_inside(uint32_t epoch)
{
	return epoch & 1;
}

static bool view_leaves_soon(const struct ioas_dview *v, uint32_t epoch)
{
	for (unsigned int i = 0; i < SPINS; i++)
		if (view_epoch(v) != epoch)
			return true;
	return false;
}

/* Gives up the lock meanwhile; @v stays where it is. */
static void view_wait(struct ioas_views *vs, struct ioas_dview *v,
		      uint32_t epoch) __must_hold(&vs->lock)
{
	ioas_assert_held(&vs->lock);
	atomic_fetch_add_explicit(&v->waiters, 1, memory_order_relaxed);
	ioas_mutex_unlock(&vs->lock);
	ioas_plat_writer_barrier();
	while (view_epoch(v) == epoch)
		ioas_plat_wait(&v->epoch, epoch);
	ioas_mutex_lock(&vs->lock, IOAS_RANK_TABLE);
	/* The last one lets the owner destroy it. */
	if (atomic_fetch_sub_explicit(&v->waiters, 1, memory_order_relaxed) ==
	    1)
		ioas_plat_wake(&v->waiters);
}

/* Every view that is inside now has left once. */
static void views_wait(struct ioas_views *vs)
{
	ioas_mutex_lock(&vs->lock, IOAS_RANK_TABLE);
	ioas_list_for_each(l, &vs->list) {
		struct ioas_dview *v = ioas_list_entry(l, struct ioas_dview,
						       link);
		uint32_t epoch = view_epoch(v);

		if (epoch_inside(epoch) && !view_leaves_soon(v, epoch))
			view_wait(vs, v, epoch);
	}
	ioas_mutex_unlock(&vs->lock);
}

/*
 * One of several callers at a time does it for those who came before it
 * looked; a call with nothing new costs two loads.
 */
void ioas_views_grace(struct ioas_views *vs)
{
	uint64_t stale = atomic_load_explicit(&vs->stale,
					      memory_order_acquire);
	uint64_t settled = atomic_load_explicit(&vs->settled,
						memory_order_acquire);

	if (settled >= stale)
		return;
	ioas_plat_writer_barrier();
	views_wait(vs);
	while (settled < stale &&
	       !atomic_compare_exchange_weak_explicit(
		       &vs->settled, &settled, stale, memory_order_release,
		       memory_order_relaxed))
		;
}

/* ---- the life of a view ------------------------------------------------- */

static struct ioas_dview *view_alloc(void)
{
	struct ioas_dview *v;

	if (ioas_fault_point(IOAS_FP_ALLOC_SPACE))
		return NULL;
	v = ioas_plat_alloc_aligned(sizeof(*v), LINE);
	if (v)
		memset(v, 0, sizeof(*v));
	return v;
}

static void view_free(struct ioas_dview *v)
{
	ioas_plat_free_aligned(v, sizeof(*v), LINE);
}

/* 0 or -ENOMEM. */
static int view_register(struct ioas_views *vs, struct ioas_dview *v)
{
	int ret = -ENOMEM;

	ioas_mutex_lock(&vs->lock, IOAS_RANK_TABLE);
	if (!vs->generations)
		vs->generations = ioas_zalloc(sizeof(*vs->generations),
					      IOAS_FP_ALLOC_SPACE);
	if (vs->generations) {
		v->generations = vs->generations;
		ioas_list_add_tail(vs->list.next, &v->link);
		atomic_fetch_add_explicit(&vs->nr, 1, memory_order_release);
		ret = 0;
	}
	ioas_mutex_unlock(&vs->lock);
	return ret;
}

int ioas_dview_create(struct ioas_domain *d,
		      void (*fault)(void *ctx,
				    const struct ioas_dview_fault *fault),
		      void *ctx, struct ioas_dview **out)
{
	struct ioas_views *vs = ioas_table_domain_views(d);
	struct ioas_dview *v;
	int ret;

	if (!vs)
		return -EOPNOTSUPP;
	v = view_alloc();
	if (!v)
		return -ENOMEM;
	v->views = vs;
	v->pt = vs->pt;
	v->track = vs->track;
	v->small_lg2 = (uint8_t)ioas_ctz(ioas_pt_pgsizes(vs->pt));
	v->fault = fault;
	v->ctx = ctx;
	ret = view_register(vs, v);
	if (ret) {
		view_free(v);
		return ret;
	}
	/* Who has not seen it yet changed his items before. */
	ioas_plat_writer_barrier();
	*out = v;
	return 0;
}

void ioas_dview_destroy(struct ioas_dview *v)
{
	struct ioas_views *vs;
	uint32_t waiters;

	if (!v)
		return;
	vs = v->views;
	if (IOAS_CHECK(epoch_inside(view_epoch(v))))
		ioas_dview_exit(v);
	ioas_mutex_lock(&vs->lock, IOAS_RANK_TABLE);
	/* They are on their way: it has left. */
	while ((waiters = atomic_load_explicit(&v->waiters,
					       memory_order_relaxed))) {
		ioas_mutex_unlock(&vs->lock);
		ioas_plat_wait(&v->waiters, waiters);
		ioas_mutex_lock(&vs->lock, IOAS_RANK_TABLE);
	}
	ioas_list_del(&v->link);
	/* Release: its last look at the tables is over. */
	atomic_fetch_sub_explicit(&vs->nr, 1, memory_order_release);
	ioas_mutex_unlock(&vs->lock);
	view_free(v);
}

bool ioas_dview_exists(struct ioas_domain *d)
{
	struct ioas_views *vs = ioas_table_domain_views(d);

	return vs && atomic_load_explicit(&vs->nr, memory_order_acquire);
}

void ioas_dview_enter(struct ioas_dview *v)
{
	uint32_t epoch = atomic_load_explicit(&v->epoch, memory_order_relaxed);

	IOAS_DCHECK(epoch_inside(epoch));
	atomic_store_explicit(&v->epoch, epoch + 1, memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
}

void ioas_dview_exit(struct ioas_dview *v)
{
	uint32_t epoch = atomic_load_explicit(&v->epoch, memory_order_relaxed);

	IOAS_DCHECK(!epoch_inside(epoch));
	atomic_store_explicit(&v->epoch, epoch + 1, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	if (ioas_unlikely(atomic_load_explicit(&v->waiters,
					       memory_order_relaxed)))
		ioas_plat_wake(&v->epoch);
}

uint64_t ioas_dview_walks(const struct ioas_dview *v)
{
	return v->nr_walks;
}

/* ---- translation -------------------------------------------------------- */

static inline uint64_t tag_of(uint64_t iova, unsigned int lg2,
			      enum entry_class class)
{
	return iova >> lg2 << 2 | class;
}

static inline struct entry *region_entry(struct ioas_dview *v,
					 ioas_iova_t iova)
{
	return &v->entries[fold(iova >> REGION_LG2) % NR_ENTRIES];
}

static inline struct entry *small_entry(struct ioas_dview *v, ioas_iova_t iova)
{
	return &v->entries[(fold(iova >> v->small_lg2) ^ NR_ENTRIES / 2) %
			   NR_ENTRIES];
}

static inline struct entry *block_entry(struct ioas_dview *v, ioas_iova_t iova)
{
	return &v->blocks[fold(iova >> BLOCK_LG2) % NR_BLOCKS];
}

static inline uint64_t generation_load(const _Atomic uint64_t *generation)
{
	return atomic_load_explicit(generation, memory_order_acquire);
}

static inline bool entry_good(const struct entry *e, uint64_t tag,
			      const _Atomic uint64_t *generation,
			      uint32_t access)
{
	return e->tag == tag && e->generation == generation_load(generation) &&
	       !(access & ~e->grant);
}

/* Generations from before the walk. */
struct stamp {
	uint64_t region;
	uint64_t block;
};

static struct stamp stamp_take(struct view_generations *g, ioas_iova_t iova)
{
	return (struct stamp){
		.region = generation_load(region_at(g, iova)),
		.block = generation_load(block_at(g, iova)),
	};
}

static void view_remember(struct ioas_dview *v, ioas_iova_t iova,
			  unsigned int leaf_lg2, uint64_t delta,
			  uint32_t grant, struct stamp stamp)
{
	enum entry_class class = CLASS_SMALL;
	struct entry *e = small_entry(v, iova);
	unsigned int lg2 = v->small_lg2;

	if (leaf_lg2 >= BLOCK_LG2) {
		class = CLASS_BLOCK;
		e = block_entry(v, iova);
		lg2 = BLOCK_LG2;
	} else if (leaf_lg2 >= REGION_LG2) {
		class = CLASS_REGION;
		e = region_entry(v, iova);
		lg2 = REGION_LG2;
	}
	/* Smaller than any that there were when the view was made. */
	if (leaf_lg2 < lg2)
		return;
	v->classes |= (uint8_t)(1u << class);
	*e = (struct entry){
		.tag = tag_of(iova, lg2, class),
		.delta = delta,
		.generation = class == CLASS_BLOCK ? stamp.block :
						     stamp.region,
		.grant = grant,
	};
}

static bool view_tracks(const struct ioas_dview *v)
{
	return atomic_load_explicit(v->track, memory_order_acquire);
}

/* What a leaf, or an entry, of 2^@lg2 bytes that holds @iova says. */
static inline void answer(ioas_iova_t iova, ioas_iova_t last, uint64_t delta,
			  unsigned int lg2, uint64_t *addr, uint64_t *length)
{
	const uint64_t end = iova | (((uint64_t)1 << lg2) - 1);

	*addr = iova + delta;
	*length = ioas_min(end, last) - iova + 1;
}

static int view_fault(struct ioas_dview *v, ioas_iova_t iova, uint32_t access,
		      int ret)
{
	const struct ioas_dview_fault fault = {
		.iova = iova,
		.access = access,
		.reason = ret == -ENOENT ? IOAS_DVIEW_NOT_MAPPED :
					   IOAS_DVIEW_DENIED,
	};

	if (v->fault)
		v->fault(v->ctx, &fault);
	return ret;
}

/* Look into the tables, make the leaf dirty, remember it. */
static NOINLINE int view_walk(struct ioas_dview *v, ioas_iova_t iova,
			      ioas_iova_t last, uint32_t access,
			      uint64_t *addr, uint64_t *length)
{
	for (;;) {
		const struct stamp stamp = stamp_take(v->generations, iova);
		struct ioas_pt_hit hit;
		uint64_t delta;
		uint32_t grant;

		v->nr_walks++;
		if (ioas_pt_lookup(v->pt, iova, &hit))
			return view_fault(v, iova, access, -ENOENT);
		grant = hit.prot & RW;
		if (access & ~grant)
			return view_fault(v, iova, access, -EACCES);
		if (grant & IOAS_PROT_WRITE && !hit.dirty && view_tracks(v)) {
			if (!(access & IOAS_PROT_WRITE))
				grant &= ~(uint32_t)IOAS_PROT_WRITE;
			else if (!ioas_pt_soil(v->pt, &hit))
				continue;
		}
		delta = hit.oa - ioas_align_down(iova, (uint64_t)1 << hit.lg2);
		view_remember(v, iova, hit.lg2, delta, grant, stamp);
		answer(iova, last, delta, hit.lg2, addr, length);
		return 0;
	}
}

/* What the entries of regions do not know. */
static NOINLINE int view_seek(struct ioas_dview *v, ioas_iova_t iova,
			      ioas_iova_t last, uint32_t access,
			      uint64_t *addr, uint64_t *length)
{
	const struct entry *e = small_entry(v, iova);

	if (v->classes & 1u << CLASS_SMALL &&
	    entry_good(e, tag_of(iova, v->small_lg2, CLASS_SMALL),
		       region_at(v->generations, iova), access)) {
		answer(iova, last, e->delta, v->small_lg2, addr, length);
		return 0;
	}
	e = block_entry(v, iova);
	if (v->classes & 1u << CLASS_BLOCK &&
	    entry_good(e, tag_of(iova, BLOCK_LG2, CLASS_BLOCK),
		       block_at(v->generations, iova), access)) {
		answer(iova, last, e->delta, BLOCK_LG2, addr, length);
		return 0;
	}
	return view_walk(v, iova, last, access, addr, length);
}

int ioas_dview_translate(struct ioas_dview *v, ioas_iova_t iova,
			 ioas_iova_t last, uint32_t access, uint64_t *addr,
			 uint64_t *length)
{
	const struct entry *e = region_entry(v, iova);

	IOAS_DCHECK(!epoch_inside(view_epoch(v)));
	IOAS_DCHECK(last < iova || !access || access & ~RW);
	if (ioas_unlikely(!entry_good(e, tag_of(iova, REGION_LG2,
						CLASS_REGION),
				      region_at(v->generations, iova),
				      access)))
		return view_seek(v, iova, last, access, addr, length);
	answer(iova, last, e->delta, REGION_LG2, addr, length);
	return 0;
}

/* Does @addr go on where @s ends? A length has 64 bits. */
static bool segment_melts(const struct ioas_dview_segment *s, uint64_t addr,
			  uint64_t length)
{
	return addr && s->addr + s->length == addr &&
	       length <= IOAS_U64_MAX - s->length;
}

/*
 * There is no room: is there something at @iova that does not go on where @s,
 * may be NULL, ends? Asked before the access, which might make a leaf dirty.
 */
static bool segment_apart(struct ioas_dview *v, ioas_iova_t iova,
			  const struct ioas_dview_segment *s)
{
	struct ioas_pt_hit hit;

	if (ioas_pt_lookup(v->pt, iova, &hit))
		return false;
	hit.oa += iova & (((uint64_t)1 << hit.lg2) - 1);
	return !s || !segment_melts(s, hit.oa, 1);
}

int ioas_dview_segments(struct ioas_dview *v, ioas_iova_t iova,
			ioas_iova_t last, uint32_t access,
			struct ioas_dview_segment *segments, uint32_t *nr,
			uint64_t *done)
{
	struct ioas_dview_segment *s = NULL;
	const uint32_t room = *nr;
	uint64_t addr, length;

	*nr = 0;
	for (*done = 0;; *done += length) {
		int ret;

		if (*nr == room && segment_apart(v, iova + *done, s))
			return -EMSGSIZE;
		ret = ioas_dview_translate(v, iova + *done, last, access, &addr,
					   &length);
		if (ret)
			return ret;
		if (s && segment_melts(s, addr, length)) {
			s->length += length;
		} else if (*nr < room) {
			s = &segments[(*nr)++];
			s->addr = addr;
			s->length = length;
		} else {
			return -EMSGSIZE;
		}
		if (length - 1 == last - (iova + *done))
			break;
	}
	*done += length;
	return 0;
}
