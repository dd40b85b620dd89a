/* SPDX-License-Identifier: MIT */
/*
 * pt: what all formats have in common
 *
 * Geometry: the top level is the lowest one whose table spans the aperture and
 * that has items for the largest leaf which fits in it. It does not change, so
 * the root is a constant of the page table.
 */
#include "pt/impl.h"

/* Level whose items, or groups of them, are leaves of 2^@lg2 bytes. */
static unsigned int level_of(const struct ioas_pt *pt, unsigned int lg2)
{
	return (lg2 - pt->granule_lg2) / pt->format->index_lg2;
}

/* Does an aligned block of 2^@lg2 bytes lie in the aperture? */
static bool size_fits(const struct ioas_pt *pt, unsigned int lg2)
{
	uint64_t mask = ((uint64_t)1 << lg2) - 1;
	uint64_t start = (pt->first + mask) & ~mask;

	/* If start wraps, the last IOVA asks for the highest level anyway. */
	return start <= pt->last && pt->last - start >= mask;
}

static unsigned int top_level(const struct ioas_pt *pt)
{
	unsigned int top = 0;

	if (pt->last >> pt->granule_lg2)
		top = level_of(pt, ioas_log2(pt->last));
	for (unsigned int lg2 = 63; lg2 > pt->granule_lg2; lg2--)
		if (pt->pgsizes >> lg2 & 1 && size_fits(pt, lg2))
			return (unsigned int)ioas_max(top, level_of(pt, lg2));
	return top;
}

static int params_check(const struct ioas_pt_format *format,
			const struct ioas_pt_params *params)
{
	if (!params->pgsizes || params->pgsizes & ~format->pgsizes ||
	    params->first > params->last || params->oa_bits > format->oa_bits)
		return -EINVAL;
	if (format->va_bits < 64 && params->last >> format->va_bits)
		return -EOPNOTSUPP;
	return 0;
}

int ioas_pt_create(const struct ioas_pt_format *format,
		   const struct ioas_pt_params *params, struct ioas_pt **out)
{
	unsigned int oa_bits = params->oa_bits ? params->oa_bits :
					   format->oa_bits;
	struct ioas_pt *pt;
	int ret;

	ret = params_check(format, params);
	if (ret)
		return ret;
	pt = ioas_zalloc(sizeof(*pt), IOAS_FP_ALLOC_SPACE);
	if (!pt)
		return -ENOMEM;
	pt->format = format;
	pt->pgsizes = params->pgsizes;
	pt->first = params->first;
	pt->last = params->last;
	pt->oa_last = IOAS_U64_MAX >> (64 - oa_bits);
	pt->granule_lg2 = (uint8_t)ioas_ctz(pt->pgsizes);
	pt->top_level = (uint8_t)top_level(pt);
	pt->count = params->count;
	pt->hooks = params->hooks;
	pt->hooks_ctx = params->hooks_ctx;
	ioas_pt_mem_init(pt, params);
	pt->root = ioas_pt_table_alloc(pt);
	if (!pt->root) {
		ioas_pt_destroy(pt);
		return -ENOMEM;
	}
	memset(pt->root, 0, pt->mem.table_bytes);
	*out = pt;
	return 0;
}

void ioas_pt_destroy(struct ioas_pt *pt)
{
	if (!pt)
		return;
	ioas_pt_mem_fini(pt);
	ioas_free(pt, sizeof(*pt));
}

int ioas_pt_map(struct ioas_pt *pt, const struct ioas_pt_map *rq)
{
	return pt->format->map(pt, rq);
}

ioas_iova_t ioas_pt_unmap(struct ioas_pt *pt, const struct ioas_pt_unmap *rq)
{
	return pt->format->unmap(pt, rq);
}

int ioas_pt_translate_run(struct ioas_pt *pt, ioas_iova_t iova,
			  ioas_iova_t last, uint64_t *cursor, uint64_t *oa,
			  uint64_t *length)
{
	if (iova < pt->first || iova > pt->last)
		return -ENOENT;
	return pt->format->translate_run(pt, iova, ioas_min(last, pt->last),
					 cursor, oa, length);
}

int ioas_pt_leaf(struct ioas_pt *pt, ioas_iova_t iova,
		 struct ioas_pt_leaf *leaf)
{
	if (iova < pt->first || iova > pt->last)
		return -ENOENT;
	return pt->format->leaf(pt, iova, leaf);
}

void ioas_pt_mark_dirty(struct ioas_pt *pt, ioas_iova_t iova, ioas_iova_t last)
{
	iova = ioas_max(iova, pt->first);
	last = ioas_min(last, pt->last);
	if (iova <= last)
		pt->format->mark_dirty(pt, iova, last);
}

void ioas_pt_read_dirty(struct ioas_pt *pt, ioas_iova_t iova,
			ioas_iova_t last, bool clear, ioas_pt_mark_fn *mark,
			void *ctx)
{
	iova = ioas_max(iova, pt->first);
	last = ioas_min(last, pt->last);
	if (iova <= last)
		pt->format->read_dirty(pt, iova, last, clear, mark, ctx);
}

int ioas_pt_split(struct ioas_pt *pt, ioas_iova_t iova)
{
	if (iova < pt->first || iova > pt->last)
		return -EINVAL;
	return pt->format->split(pt, iova);
}

void ioas_pt_sync(struct ioas_pt *pt)
{
	pt_count(pt, PT_STAT_SYNC, 1);
	ioas_pt_mem_sync(pt);
}

void ioas_pt_invalidate(struct ioas_pt *pt, ioas_iova_t iova, ioas_iova_t last,
			bool tables)
{
	pt_count(pt, PT_STAT_INVALIDATE, 1);
	if (pt->hooks)
		pt->hooks->invalidate(pt->hooks_ctx, iova, last, tables);
}

uint64_t ioas_pt_root(const struct ioas_pt *pt, unsigned int *level)
{
	*level = pt->top_level;
	if (pt->mem.identity)
		return (uint64_t)(uintptr_t)pt->root;
	return pt->mem.ops->to_pa(pt->mem.ctx, pt->root);
}

uint64_t ioas_pt_pgsizes(const struct ioas_pt *pt)
{
	return pt->pgsizes;
}

static uint64_t stat_read(const struct ioas_pt *pt, enum pt_stat stat)
{
	return atomic_load_explicit(&pt->stats[stat], memory_order_relaxed);
}

void ioas_pt_stats(const struct ioas_pt *pt, struct ioas_pt_stats *stats)
{
	*stats = (struct ioas_pt_stats){
		.walks = stat_read(pt, PT_STAT_WALK),
		.tables_allocated = stat_read(pt, PT_STAT_ALLOC),
		.tables_freed = stat_read(pt, PT_STAT_FREE),
		.runs_mapped = stat_read(pt, PT_STAT_RUN),
		.leaves_written = stat_read(pt, PT_STAT_LEAF),
		.unmaps = stat_read(pt, PT_STAT_UNMAP),
		.syncs = stat_read(pt, PT_STAT_SYNC),
		.invalidations = stat_read(pt, PT_STAT_INVALIDATE),
	};
}

uint64_t ioas_pt_memory(struct ioas_pt *pt)
{
	uint64_t bytes;

	ioas_mutex_lock(&pt->mem.lock, IOAS_RANK_TABLE);
	bytes = pt->mem.nr_tables * pt->mem.table_bytes + pt->mem.fresh_bytes;
	ioas_mutex_unlock(&pt->mem.lock);
	return bytes;
}

bool ioas_pt_validate(struct ioas_pt *pt)
{
	uint64_t nr_tables;

	/* T1 to T4, then T5. */
	return pt->format->validate(pt, &nr_tables) &&
	       nr_tables + pt->mem.free.nr + pt->mem.pending.nr ==
		       pt->mem.nr_tables;
}

void ioas_pt_for_each_leaf(struct ioas_pt *pt,
			   bool (*fn)(void *ctx,
				      const struct ioas_pt_leaf *leaf),
			   void *ctx)
{
	pt->format->for_each_leaf(pt, fn, ctx);
}

static char *put_hex(char *at, uint64_t n)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[n >> shift & 15];
	return at;
}

/* "iova 0123456789abcdef oa 0123456789abcdef size 00..00 rw d" */
static bool dump_leaf(void *ctx, const struct ioas_pt_leaf *leaf)
{
	char line[80], *at = line;

	(void)ctx;
	memcpy(at, "iova ", 5);
	at = put_hex(at + 5, leaf->iova);
	memcpy(at, " oa ", 4);
	at = put_hex(at + 4, leaf->oa);
	memcpy(at, " size ", 6);
	at = put_hex(at + 6, (uint64_t)1 << leaf->lg2);
	*at++ = ' ';
	*at++ = leaf->prot & IOAS_PT_READ ? 'r' : '-';
	*at++ = leaf->prot & IOAS_PT_WRITE ? 'w' : '-';
	*at++ = leaf->dirty ? 'd' : '-';
	*at = '\0';
	ioas_plat_log(7, line);
	return true;
}

void ioas_pt_dump(struct ioas_pt *pt)
{
	ioas_pt_for_each_leaf(pt, dump_leaf, NULL);
}
