/* SPDX-License-Identifier: MIT */
/*
 * frames: a radix tree from frame numbers to ranges, with leaves at all levels
 *
 *   root (shift 45)   [ . | node | . | R | R | . ]    R has 2^45 frames each
 *                          |
 *   shift 36          [ . | . | node | . ]
 *                               |
 *   ...               [ R | R | node ]      R's last frames, then S's first
 *                               |
 *   shift 0           [ R | R | S | S ]     one entry per frame
 *
 * An entry is 0, a node (tagged), or the range that has every frame below the
 * entry. A lookup loads one entry per level and stops at the first leaf;
 * numbers from ioas_frames_alloc() start at multiples of 2^18 and own all of
 * what they begin, so that they are found after levels - 2 loads.
 *
 * Invariants (ioas_frames_free() and the tests rely on them):
 *  FS1  an entry that is a range belongs to that range alone, in full.
 *  FS2  a node stays until fini: a lookup never meets freed memory, whatever
 *       happens to other ranges. Emptied nodes are used again, so memory is
 *       bounded by the numbers in use at some time, plus a lap (8 nodes).
 *  FS3  a range is complete before the first entry names it (release/acquire).
 *
 * Locks: fs->lock (IOAS_RANK_LEAF) for changes; lookups take none.
 * Cannot fail: free. Alloc and register first make every node they need.
 */
#include "origin/frames.h"

#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/mem.h"
#include "origin/reach.h"
#include "seam/fault.h"
#include "seam/lock.h"

#define FRAMES_BITS 9u
#define FRAMES_FANOUT (1u << FRAMES_BITS)
/* Numbers given out are aligned to this many; 1 GiB of 4 KiB pages. */
#define FRAMES_SLOT ((uint64_t)1 << 18)
#define FRAMES_TAG ((uintptr_t)1)
/* Numbers beyond those in use that are tried before old ones: few nodes. */
#define FRAMES_LAP (FRAMES_SLOT << 12)
/* VT-d, AMD, x86 and ARM tables hold output addresses of up to 52 bits. */
#define FRAMES_CEILING_LG2 52u

struct frames_range {
	uint64_t first;
	/* Frames that have memory; up to @last more numbers are taken. */
	uint64_t nr;
	uint64_t last;
	struct ioas_frames_owner by;
};

/* 4 KiB where pointers have 8 bytes. */
struct ioas_frames_node {
	_Atomic uintptr_t entry[FRAMES_FANOUT];
};

/* A node within the tree: which numbers it is about. */
struct frames_place {
	struct ioas_frames_node *node;
	unsigned int shift;
	uint64_t base;
};

static struct frames_place place_root(const struct ioas_frames *fs)
{
	return (struct frames_place){
		.node = fs->root,
		.shift = FRAMES_BITS * (fs->levels - 1u),
		.base = 0,
	};
}

/* Entry of @p for the number nearest to @pfn that @p is about. */
static unsigned int place_index(const struct frames_place *p, uint64_t pfn)
{
	uint64_t i = pfn <= p->base ? 0 : (pfn - p->base) >> p->shift;

	return (unsigned int)ioas_min(i, FRAMES_FANOUT - 1);
}

static uint64_t place_first(const struct frames_place *p, unsigned int i)
{
	return p->base + ((uint64_t)i << p->shift);
}

static uint64_t place_last(const struct frames_place *p, unsigned int i)
{
	return place_first(p, i) + ((uint64_t)1 << p->shift) - 1;
}

static uintptr_t node_load(const struct ioas_frames_node *n, unsigned int i)
{
	return atomic_load_explicit(&n->entry[i], memory_order_acquire);
}

static struct ioas_frames_node *entry_node(uintptr_t e)
{
	return e & FRAMES_TAG ? (void *)(e - FRAMES_TAG) : NULL;
}

static struct frames_place place_down(const struct frames_place *p,
				      unsigned int i,
				      struct ioas_frames_node *node)
{
	return (struct frames_place){
		.node = node,
		.shift = p->shift - FRAMES_BITS,
		.base = place_first(p, i),
	};
}

/* The lowest range that has a number of [@first, @last]; NULL if none. */
static struct frames_range *place_used(struct frames_place p, uint64_t first,
				       uint64_t last)
{
	unsigned int end = place_index(&p, last);

	for (unsigned int i = place_index(&p, first); i <= end; i++) {
		uintptr_t e = node_load(p.node, i);
		struct ioas_frames_node *n = entry_node(e);
		struct frames_range *r = n ? NULL : (void *)e;

		if (n)
			r = place_used(place_down(&p, i, n), first, last);
		if (r)
			return r;
	}
	return NULL;
}

/*
 * Make the nodes that a range [@first, @last] needs: below the entries that it
 * covers in part, which can only be those at its ends. 0 or -ENOMEM; nodes that
 * were made stay, empty.
 */
static int place_prepare(struct frames_place p, uint64_t first, uint64_t last)
{
	unsigned int ends[2] = { place_index(&p, first),
				 place_index(&p, last) };

	for (unsigned int k = 0; k < 2; k++) {
		unsigned int i = ends[k];
		struct ioas_frames_node *n = entry_node(node_load(p.node, i));
		int ret;

		if (first <= place_first(&p, i) && last >= place_last(&p, i))
			continue;
		if (!n) {
			n = ioas_zalloc(sizeof(*n), IOAS_FP_ALLOC_NODE);
			if (!n)
				return -ENOMEM;
			atomic_store_explicit(&p.node->entry[i],
					      (uintptr_t)n + FRAMES_TAG,
					      memory_order_release);
		}
		ret = place_prepare(place_down(&p, i, n), first, last);
		if (ret)
			return ret;
	}
	return 0;
}

/* Let every entry of [@first, @last] be @r, or none. */
static void place_set(struct frames_place p, uint64_t first, uint64_t last,
		      struct frames_range *r)
{
	unsigned int end = place_index(&p, last);

	for (unsigned int i = place_index(&p, first); i <= end; i++) {
		struct ioas_frames_node *n = entry_node(node_load(p.node, i));

		if (n)
			place_set(place_down(&p, i, n), first, last, r);
		else
			atomic_store_explicit(&p.node->entry[i], (uintptr_t)r,
					      memory_order_release);
	}
}

static void place_free(struct frames_place p)
{
	for (unsigned int i = 0; i < FRAMES_FANOUT; i++) {
		struct ioas_frames_node *n = entry_node(node_load(p.node, i));

		if (n)
			place_free(place_down(&p, i, n));
	}
	ioas_free(p.node, sizeof(*p.node));
}

int ioas_frames_init(struct ioas_frames *fs, uint8_t page_lg2)
{
	unsigned int bits;

	if (page_lg2 < IOAS_FRAMES_PAGE_LG2_MIN ||
	    page_lg2 > IOAS_FRAMES_PAGE_LG2_MAX)
		return -EINVAL;
	bits = 64u - page_lg2;
	*fs = (struct ioas_frames){
		.page_lg2 = page_lg2,
		.levels = (uint8_t)((bits + FRAMES_BITS - 1) / FRAMES_BITS),
		.identity_nr = (uint64_t)1
			       << (IOAS_FRAMES_IDENTITY_LG2 - page_lg2),
		.last = ((uint64_t)1 << bits) - 1,
	};
	fs->ceiling = ioas_min(
		fs->last, ((uint64_t)1 << (FRAMES_CEILING_LG2 - page_lg2)) - 1);
	fs->next = ioas_align_up(fs->identity_nr, FRAMES_SLOT);
	fs->lap = ioas_min(fs->ceiling, fs->next + FRAMES_LAP - 1);
	fs->root = ioas_zalloc(sizeof(*fs->root), IOAS_FP_ALLOC_NODE);
	return fs->root ? 0 : -ENOMEM;
}

void ioas_frames_fini(struct ioas_frames *fs)
{
	IOAS_CHECK(fs->nr_ranges);
	if (fs->root)
		place_free(place_root(fs));
	fs->root = NULL;
}

/* A range object, not yet in the tree. 0, -EINVAL or -ENOMEM. */
static int range_create(uint64_t nr, const struct ioas_frames_owner *owner,
			struct frames_range **out)
{
	struct frames_range *r;

	if (!nr || (!owner->base && (!owner->ops || !owner->ops->pointer)))
		return -EINVAL;
	r = ioas_zalloc(sizeof(*r), IOAS_FP_ALLOC_LIST);
	if (!r)
		return -ENOMEM;
	r->nr = nr;
	r->by = *owner;
	*out = r;
	return 0;
}

/* Enter @r, whose first and last are free. 0 or -ENOMEM. */
static int range_insert(struct ioas_frames *fs, struct frames_range *r)
{
	int ret;

	ioas_assert_held(&fs->lock);
	ret = place_prepare(place_root(fs), r->first, r->last);
	if (ret)
		return ret;
	place_set(place_root(fs), r->first, r->last, r);
	fs->nr_ranges++;
	return 0;
}

/*
 * The first @span free numbers from @from to @end, at a multiple of a slot.
 * False: there are none.
 */
static bool numbers_find(struct ioas_frames *fs, uint64_t from, uint64_t end,
			 uint64_t span, uint64_t *first)
{
	struct frames_range *r;
	uint64_t last;

	for (; ioas_last(from, span, &last) && last <= end;
	     from = ioas_align_up(r->last + 1, FRAMES_SLOT)) {
		r = place_used(place_root(fs), from, last);
		if (!r) {
			*first = from;
			return true;
		}
	}
	return false;
}

int ioas_frames_alloc(struct ioas_frames *fs, uint64_t nr,
		      const struct ioas_frames_owner *owner, ioas_pfn_t *first)
{
	struct frames_range *r;
	uint64_t lowest = ioas_align_up(fs->identity_nr, FRAMES_SLOT);
	uint64_t span = ioas_align_up(nr, FRAMES_SLOT);
	int ret;

	if (nr > fs->last)
		return -ENOSPC;
	ret = range_create(nr, owner, &r);
	if (ret)
		return ret;
	ioas_mutex_lock(&fs->lock, IOAS_RANK_LEAF);
	/* On from the last one, so that a number rests before it is reused. */
	if (!numbers_find(fs, fs->next, fs->lap, span, &r->first) &&
	    !numbers_find(fs, lowest, fs->lap, span, &r->first) &&
	    !numbers_find(fs, lowest, fs->ceiling, span, &r->first) &&
	    !numbers_find(fs, lowest, fs->last, span, &r->first)) {
		ret = -ENOSPC;
		goto out_unlock;
	}
	r->last = r->first + span - 1;
	ret = range_insert(fs, r);
	if (ret)
		goto out_unlock;
	fs->next = r->last + 1;
	if (r->last > fs->lap && r->last <= fs->ceiling)
		fs->lap = ioas_min(fs->ceiling, r->last + FRAMES_LAP);
	*first = r->first;
	r = NULL;
out_unlock:
	ioas_mutex_unlock(&fs->lock);
	ioas_free(r, sizeof(*r));
	return ret;
}

int ioas_frames_register(struct ioas_frames *fs, ioas_pfn_t first, uint64_t nr,
			 const struct ioas_frames_owner *owner)
{
	struct frames_range *r;
	uint64_t last;
	int ret;

	if (!ioas_last(first, nr, &last) || last > fs->last)
		return -EINVAL;
	ret = range_create(nr, owner, &r);
	if (ret)
		return ret;
	r->first = first;
	r->last = last;
	ioas_mutex_lock(&fs->lock, IOAS_RANK_LEAF);
	if (first < fs->identity_nr || place_used(place_root(fs), first, last))
		ret = -EEXIST;
	else
		ret = range_insert(fs, r);
	ioas_mutex_unlock(&fs->lock);
	if (ret)
		ioas_free(r, sizeof(*r));
	return ret;
}

void ioas_frames_free(struct ioas_frames *fs, ioas_pfn_t first)
{
	struct frames_range *r = NULL;

	ioas_mutex_lock(&fs->lock, IOAS_RANK_LEAF);
	if (first <= fs->last)
		r = place_used(place_root(fs), first, first);
	if (r && r->first == first) {
		place_set(place_root(fs), r->first, r->last, NULL);
		fs->nr_ranges--;
	} else {
		r = NULL;
	}
	ioas_mutex_unlock(&fs->lock);
	IOAS_CHECK(!r);
	ioas_free(r, sizeof(*r));
}

/* The range that backs @pfn, which is not of the identity range; or NULL. */
static const struct frames_range *range_find(const struct ioas_frames *fs,
					     ioas_pfn_t pfn)
{
	const struct ioas_frames_node *n = fs->root;
	unsigned int shift = FRAMES_BITS * fs->levels;
	const struct frames_range *r;
	uintptr_t e;

	if (pfn > fs->last)
		return NULL;
	do {
		shift -= FRAMES_BITS;
		e = node_load(n, (unsigned int)(pfn >> shift) %
					 FRAMES_FANOUT);
		n = entry_node(e);
	} while (n);
	r = (const void *)e;
	return r && pfn - r->first < r->nr ? r : NULL;
}

bool ioas_frames_lookup(const struct ioas_frames *fs, ioas_pfn_t pfn,
			void **owner, uint64_t *page)
{
	const struct frames_range *r;

	if (pfn < fs->identity_nr) {
		*owner = NULL;
		*page = pfn;
		return true;
	}
	r = range_find(fs, pfn);
	if (!r)
		return false;
	*owner = r->by.owner;
	*page = pfn - r->first;
	return true;
}

void *ioas_frames_run(const struct ioas_frames *fs, ioas_pfn_t pfn,
		      uint64_t *nr)
{
	const struct frames_range *r;
	uint64_t page;
	void *p;

	if (ioas_likely(pfn < fs->identity_nr)) {
		*nr = fs->identity_nr - pfn;
		return (void *)(uintptr_t)(pfn << fs->page_lg2);
	}
	*nr = 0;
	r = range_find(fs, pfn);
	if (!r)
		return NULL;
	page = pfn - r->first;
	if (r->by.base) {
		*nr = r->nr - page;
		return (char *)r->by.base + (size_t)(page << fs->page_lg2);
	}
	p = r->by.ops->pointer(r->by.owner, page);
	*nr = p ? 1 : 0;
	return p;
}

void *ioas_frames_pointer(const struct ioas_frames *fs, ioas_pfn_t pfn)
{
	uint64_t nr;

	return ioas_frames_run(fs, pfn, &nr);
}

/* ---- copies ------------------------------------------------------------- */

/*
 * How many of @length bytes at @offset of @pfn are reached in one way: at *@p,
 * or else through the ops of *@r. 0: in none.
 */
static uint64_t part_find(const struct ioas_frames *fs, ioas_pfn_t pfn,
			  uint64_t offset, uint64_t length, char **p,
			  const struct frames_range **r)
{
	uint64_t nr;

	*p = ioas_frames_run(fs, pfn, &nr);
	if (*p) {
		*p += (size_t)offset;
	} else {
		*r = range_find(fs, pfn);
		if (!*r || !(*r)->by.ops)
			return 0;
		if (!(*r)->by.ops->copy && !(*r)->by.ops->copy_pieces)
			return 0;
		nr = (*r)->nr - (pfn - (*r)->first);
	}
	if (nr > IOAS_U64_MAX >> fs->page_lg2)
		return length;
	return ioas_min((nr << fs->page_lg2) - offset, length);
}

/* What follows @n bytes at *@offset of *@pfn. */
static void part_next(const struct ioas_frames *fs, ioas_pfn_t *pfn,
		      uint64_t *offset, uint64_t n)
{
	*offset += n;
	*pfn += *offset >> fs->page_lg2;
	*offset &= ((uint64_t)1 << fs->page_lg2) - 1;
}

static void bytes_move(char *p, void *buffer, size_t n, bool write)
{
	/* Not memcpy: both may be the same memory. */
	if (write)
		memmove(p, buffer, n);
	else
		memmove(buffer, p, n);
}

/* Words of others' memory, whatever they keep there. */
typedef uint8_t __attribute__((may_alias)) frames_u8;
typedef uint16_t __attribute__((may_alias)) frames_u16;
typedef uint32_t __attribute__((may_alias)) frames_u32;
typedef uint64_t __attribute__((may_alias)) frames_u64;

/* Its first bytes are those of any member. */
union frames_word {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
};

static void word_load(const void *p, size_t n, union frames_word *w)
{
	switch (n) {
	case 1:
		w->u8 = __atomic_load_n((const frames_u8 *)p, __ATOMIC_ACQUIRE);
		break;
	case 2:
		w->u16 = __atomic_load_n((const frames_u16 *)p,
					 __ATOMIC_ACQUIRE);
		break;
	case 4:
		w->u32 = __atomic_load_n((const frames_u32 *)p,
					 __ATOMIC_ACQUIRE);
		break;
	default:
		w->u64 = __atomic_load_n((const frames_u64 *)p,
					 __ATOMIC_ACQUIRE);
	}
}

static void word_store(void *p, size_t n, const union frames_word *w)
{
	switch (n) {
	case 1:
		__atomic_store_n((frames_u8 *)p, w->u8, __ATOMIC_RELEASE);
		break;
	case 2:
		__atomic_store_n((frames_u16 *)p, w->u16, __ATOMIC_RELEASE);
		break;
	case 4:
		__atomic_store_n((frames_u32 *)p, w->u32, __ATOMIC_RELEASE);
		break;
	default:
		__atomic_store_n((frames_u64 *)p, w->u64, __ATOMIC_RELEASE);
	}
}

static void word_move(char *p, void *buffer, size_t n, bool write)
{
	union frames_word w = { .u64 = 0 };

	if (write) {
		memcpy(&w, buffer, n);
		word_store(p, n, &w);
	} else {
		word_load(p, n, &w);
		memcpy(buffer, &w, n);
	}
}

static void part_move(char *p, void *buffer, uint64_t n, bool write)
{
	if (n <= sizeof(uint64_t) && ioas_is_pow2(n) && !((uintptr_t)p % n))
		word_move(p, buffer, (size_t)n, write);
	else
		bytes_move(p, buffer, (size_t)n, write);
}

/* By the way of many if that is the only one. */
static int range_copy(const struct frames_range *r,
		      const struct ioas_frames_piece *pc, bool write)
{
	const struct ioas_frames_ops *ops = r->by.ops;
	uint64_t done;

	if (!ops->copy)
		return ops->copy_pieces(r->by.owner, pc, 1, write, &done);
	return ops->copy(r->by.owner, pc->pfn, pc->offset, pc->buffer,
			 pc->length, write);
}

int ioas_frames_copy(const struct ioas_frames *fs, ioas_pfn_t pfn,
		     uint64_t offset, void *buffer, uint64_t length,
		     bool write)
{
	char *buf = buffer;

	while (length) {
		const struct frames_range *r;
		int ret = 0;
		char *p;
		const uint64_t n = part_find(fs, pfn, offset, length, &p, &r);

		if (!n)
			return -EFAULT;
		if (p)
			bytes_move(p, buf, (size_t)n, write);
		else
			ret = range_copy(r,
					 &(struct ioas_frames_piece){
						 pfn - r->first, offset, buf, n,
						 false },
					 write);
		if (ret)
			return ret;
		buf += n;
		length -= n;
		part_next(fs, &pfn, &offset, n);
	}
	return 0;
}

/* ---- copies of many pieces ---------------------------------------------- */

/*
 *   pieces    [ peer ][ peer ][ memory ][ peer ][ file ][ file ]
 *   calls      '--copy_pieces-'  moved   '-----' '-copy_pieces-'
 *
 * A fragile piece of memory that has a pointer is copied by the kernel, and what
 * follows it there with it: one call, in order.
 */
struct frames_batch {
	const struct ioas_frames *fs;
	bool write;
	uint64_t *done;
	/* Of @range, not yet copied; NULL: @pfn is an address of ours. */
	const struct frames_range *range;
	uint32_t nr;
	struct ioas_frames_piece pieces[IOAS_FRAMES_BATCH];
};

/* Pieces of memory of ours, which the kernel copies. */
static int batch_reach(struct frames_batch *b, uint32_t nr)
{
	struct iovec local[IOAS_FRAMES_BATCH], remote[IOAS_FRAMES_BATCH];
	const struct ioas_reach_vector v = { local, remote, nr };
	uint64_t some;
	int ret;

	for (uint32_t i = 0; i < nr; i++) {
		const struct ioas_frames_piece *pc = &b->pieces[i];

		local[i] = (struct iovec){ pc->buffer, (size_t)pc->length };
		remote[i] = (struct iovec){ (void *)(uintptr_t)pc->pfn,
					    (size_t)pc->length };
	}
	ret = ioas_reach_vector(getpid(), &v, b->write, &some);
	*b->done += some;
	return ret ? -EFAULT : 0;
}

static int batch_flush(struct frames_batch *b)
{
	const struct frames_range *r = b->range;
	const uint32_t nr = b->nr;
	uint64_t some = 0;
	int ret = 0;

	b->nr = 0;
	if (nr && !r)
		return batch_reach(b, nr);
	if (nr && r->by.ops->copy_pieces) {
		ret = r->by.ops->copy_pieces(r->by.owner, b->pieces, nr,
					     b->write, &some);
		*b->done += some;
		return ret;
	}
	for (uint32_t i = 0; i < nr && !ret; i++) {
		ret = range_copy(r, &b->pieces[i], b->write);
		if (!ret)
			*b->done += b->pieces[i].length;
	}
	return ret;
}

static int batch_add(struct frames_batch *b, const struct frames_range *r,
		     const struct ioas_frames_piece *pc)
{
	int ret = 0;

	if (b->nr == IOAS_FRAMES_BATCH || (b->nr && b->range != r))
		ret = batch_flush(b);
	if (ret)
		return ret;
	b->range = r;
	b->pieces[b->nr] = *pc;
	b->pieces[b->nr++].pfn -= r ? r->first : 0;
	return 0;
}

/* A piece that is at @p. */
static int batch_move(struct frames_batch *b, char *p,
		      const struct ioas_frames_piece *pc)
{
	struct ioas_frames_piece here = *pc;
	int ret;

	if (pc->fragile || (b->nr && !b->range)) {
		here.pfn = (uintptr_t)p;
		return batch_add(b, NULL, &here);
	}
	ret = batch_flush(b);
	if (!ret) {
		part_move(p, pc->buffer, pc->length, b->write);
		*b->done += pc->length;
	}
	return ret;
}

/* What is before it is copied first, even if this cannot be. */
static int batch_copy(struct frames_batch *b, struct ioas_frames_piece pc)
{
	const struct ioas_frames *fs = b->fs;
	uint64_t left = pc.length;

	part_next(fs, &pc.pfn, &pc.offset, 0);
	while (left) {
		const struct frames_range *r;
		int ret;
		char *p;

		pc.length = part_find(fs, pc.pfn, pc.offset, left, &p, &r);
		if (!pc.length) {
			batch_flush(b);
			return -EFAULT;
		}
		if (p)
			ret = batch_move(b, p, &pc);
		else
			ret = batch_add(b, r, &pc);
		if (ret)
			return ret;
		left -= pc.length;
		pc.buffer = (char *)pc.buffer + (size_t)pc.length;
		part_next(fs, &pc.pfn, &pc.offset, pc.length);
	}
	return 0;
}

int ioas_frames_copy_pieces(const struct ioas_frames *fs,
			    const struct ioas_frames_piece *pieces, uint32_t nr,
			    bool write, uint64_t *done)
{
	struct frames_batch b;
	int ret = 0;

	/* Not the array, of which little may be used. */
	b.fs = fs;
	b.write = write;
	b.done = done;
	b.range = NULL;
	b.nr = 0;
	*done = 0;
	for (uint32_t i = 0; i < nr && !ret; i++)
		ret = batch_copy(&b, pieces[i]);
	return ret ? ret : batch_flush(&b);
}
