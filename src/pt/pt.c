/* SPDX-License-Identifier: MIT */
/*
 * pt: what all formats have in common
 *
 *   aperture   [ lower half )   hole   [ upper half )      sign-extended
 *              [ everything that the width decodes  )      else
 *
 * A format fills in the geometry (init); here it becomes an aperture and a
 * root. Ranges are brought inside the aperture, and below the root's span,
 * before a format sees them.
 */
#include "pt/impl.h"

/* What the width decodes of addresses that begin with zeros. */
static uint64_t width_last(const struct ioas_pt *pt)
{
	unsigned int bits = pt->va_bits;

	if (pt->flags & IOAS_PT_SIGN_EXTEND)
		bits--;
	return bits ? IOAS_U64_MAX >> (64 - bits) : 0;
}

/*
 * One bit of an address, and of none that stands below the output address of
 * some leaf.
 */
static bool is_c_bit(uint64_t c_bit)
{
	return ioas_is_pow2(c_bit) && c_bit >> 30 && !(c_bit >> 52);
}

static int make_windows(struct ioas_pt *pt, const struct ioas_pt_params *params)
{
	uint64_t limit = width_last(pt);
	struct pt_window *w = pt->window;

	w[0].first = params->first;
	w[0].last = params->last || params->first ? params->last : limit;
	if (w[0].first > w[0].last)
		return -EINVAL;
	if (w[0].last > limit)
		return -EOPNOTSUPP;
	pt->nr_windows = 1;
	if (pt->flags & IOAS_PT_SIGN_EXTEND) {
		w[1].first = ~limit;
		w[1].last = IOAS_U64_MAX;
		pt->nr_windows = 2;
	}
	return 0;
}

static int make_geometry(struct ioas_pt *pt,
			 const struct ioas_pt_params *params)
{
	const struct ioas_pt_format *format = pt->format;
	int ret;

	if (params->oa_bits > format->oa_bits ||
	    params->va_bits > format->va_bits)
		return -EINVAL;
	if (params->flags & ~format->flags ||
	    (params->c_bit && !format->knows_c_bit))
		return -EOPNOTSUPP;
	if (params->c_bit && !is_c_bit(params->c_bit))
		return -EINVAL;
	pt->flags = params->flags;
	pt->c_bit = params->c_bit;
	pt->va_bits = params->va_bits;
	pt->oa_bits = params->oa_bits ? params->oa_bits : format->oa_bits;
	pt->granule_lg2 = format->granule_lg2;
	ret = format->init(pt, params);
	if (ret)
		return ret;
	pt->oa_last = IOAS_U64_MAX >> (64 - pt->oa_bits);
	/* A higher address would read as another one, and as encrypted. */
	if (pt->c_bit)
		pt->oa_last = ioas_min(pt->oa_last, pt->c_bit - 1);
	pt->pgsizes = pt->leaf_sizes;
	if (params->pgsizes) {
		ret = ioas_pt_set_pgsizes(pt, params->pgsizes);
		if (ret)
			return ret;
	}
	return make_windows(pt, params);
}

int ioas_pt_create(const struct ioas_pt_format *format,
		   const struct ioas_pt_params *params, struct ioas_pt **out)
{
	struct ioas_pt *pt = ioas_zalloc(sizeof(*pt), IOAS_FP_ALLOC_SPACE);
	int ret;

	if (!pt)
		return -ENOMEM;
	pt->format = format;
	pt->count = params->count;
	pt->hooks = params->hooks;
	pt->hooks_ctx = params->hooks_ctx;
	ret = make_geometry(pt, params);
	if (ret) {
		ioas_free(pt, sizeof(*pt));
		return ret;
	}
	ioas_pt_mem_init(pt, params);
	ret = ioas_pt_root_alloc(pt);
	if (ret) {
		ioas_pt_destroy(pt);
		return ret;
	}
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

/* Last IOVA that the tables reach as they are; a root may rise (4.7). */
static uint64_t span_last(const struct ioas_pt *pt)
{
	unsigned int level, lg2;

	if (!(pt->flags & IOAS_PT_GROW))
		return IOAS_U64_MAX;
	pt_top(pt, &level);
	lg2 = pt->granule_lg2 + (level + 1u) * pt->format->index_lg2;
	return lg2 < 64 ? ((uint64_t)1 << lg2) - 1 : IOAS_U64_MAX;
}

/* Where a leaf that spans @iova may stand: the end of that window, or false. */
static bool reach(const struct ioas_pt *pt, ioas_iova_t iova, ioas_iova_t *last)
{
	if (!pt_in_aperture(pt, iova, iova))
		return false;
	*last = pt->window[iova > pt->window[0].last].last;
	*last = ioas_min(*last, span_last(pt));
	return iova <= *last;
}

/* [*@iova, *@last] as far as window @i and the tables go; false: not at all. */
static bool clip(const struct ioas_pt *pt, unsigned int i, ioas_iova_t *iova,
		 ioas_iova_t *last)
{
	*iova = ioas_max(*iova, pt->window[i].first);
	*last = ioas_min(*last, ioas_min(pt->window[i].last, span_last(pt)));
	return *iova <= *last;
}

uint64_t ioas_pt_remove(struct ioas_pt *pt, ioas_iova_t iova, uint64_t length,
			uint32_t *tables)
{
	uint32_t ignored;
	uint64_t last, limit;

	tables = tables ? tables : &ignored;
	*tables = 0;
	if (!length || !reach(pt, iova, &limit))
		return 0;
	if (!ioas_last(iova, length, &last) || last > limit)
		last = limit;
	return pt->format->remove(pt, iova, last, tables);
}

int ioas_pt_translate_run(struct ioas_pt *pt, ioas_iova_t iova,
			  ioas_iova_t last, uint64_t *cursor, uint64_t *oa,
			  uint64_t *length)
{
	uint64_t limit;

	if (!reach(pt, iova, &limit))
		return -ENOENT;
	return pt->format->translate_run(pt, iova, ioas_min(last, limit),
					 cursor, oa, length);
}

int ioas_pt_lookup(struct ioas_pt *pt, ioas_iova_t iova,
		   struct ioas_pt_hit *hit)
{
	if (!pt_in_aperture(pt, iova, iova))
		return -ENOENT;
	return pt->format->lookup(pt, iova, hit);
}

bool ioas_pt_soil(struct ioas_pt *pt, const struct ioas_pt_hit *hit)
{
	return pt->format->soil(hit->item, hit->word);
}

int ioas_pt_leaf(struct ioas_pt *pt, ioas_iova_t iova,
		 struct ioas_pt_leaf *leaf)
{
	uint64_t limit;

	if (!reach(pt, iova, &limit))
		return -ENOENT;
	return pt->format->leaf(pt, iova, leaf);
}

void ioas_pt_mark_dirty(struct ioas_pt *pt, ioas_iova_t iova, ioas_iova_t last)
{
	for (unsigned int i = 0; pt->tracks && i < pt->nr_windows; i++) {
		uint64_t from = iova, to = last;

		if (clip(pt, i, &from, &to))
			pt->format->mark_dirty(pt, from, to);
	}
}

int ioas_pt_read_dirty(struct ioas_pt *pt, ioas_iova_t iova,
		       ioas_iova_t last, bool clear, ioas_pt_mark_fn *mark,
		       void *ctx)
{
	if (!pt->tracks)
		return -EOPNOTSUPP;
	for (unsigned int i = 0; i < pt->nr_windows; i++) {
		uint64_t from = iova, to = last;

		if (clip(pt, i, &from, &to))
			pt->format->read_dirty(pt, from, to, clear, mark, ctx);
	}
	return 0;
}

int ioas_pt_split(struct ioas_pt *pt, ioas_iova_t iova)
{
	uint64_t limit;

	if (!pt_in_aperture(pt, iova, iova) ||
	    !ioas_is_aligned(iova, pt->pgsizes & -pt->pgsizes))
		return -EINVAL;
	return reach(pt, iova, &limit) ? pt->format->split(pt, iova) : 0;
}

int ioas_pt_split_to(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2)
{
	uint64_t limit;

	if (lg2 > 63 || !(pt->pgsizes >> lg2 & 1))
		return -EINVAL;
	if (!reach(pt, iova, &limit))
		return -ENOENT;
	return pt->format->split_to(pt, iova, lg2);
}

int ioas_pt_merge(struct ioas_pt *pt, ioas_iova_t iova, unsigned int lg2)
{
	uint64_t limit;

	if (lg2 > 63 || !(pt->pgsizes >> lg2 & 1) ||
	    !ioas_is_aligned(iova, (uint64_t)1 << lg2))
		return -EINVAL;
	if (!reach(pt, iova, &limit) ||
	    limit - iova < ((uint64_t)1 << lg2) - 1)
		return -ENOENT;
	return pt->format->merge(pt, iova, lg2);
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

void ioas_pt_root(const struct ioas_pt *pt, struct ioas_pt_root *root)
{
	unsigned int level;
	uint64_t *table = pt_top(pt, &level);

	*root = (struct ioas_pt_root){
		.pa = pt_table_pa(pt, table),
		.level = (uint8_t)level,
	};
	if (pt->format->describe)
		pt->format->describe(pt, root);
}

uint64_t ioas_pt_pgsizes(const struct ioas_pt *pt)
{
	return pt->pgsizes;
}

void ioas_pt_aperture(const struct ioas_pt *pt, ioas_iova_t *first,
		      ioas_iova_t *last)
{
	*first = pt->window[0].first;
	*last = pt->window[0].last;
}

int ioas_pt_set_pgsizes(struct ioas_pt *pt, uint64_t pgsizes)
{
	if (!pgsizes || pgsizes & ~pt->leaf_sizes)
		return -EINVAL;
	pt->pgsizes = pgsizes;
	return 0;
}

bool ioas_pt_tracks_dirty(const struct ioas_pt *pt)
{
	return pt->tracks;
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
	if (pt->root_own)
		bytes += pt_root_bytes(pt);
	return bytes;
}

bool ioas_pt_validate(struct ioas_pt *pt)
{
	uint64_t nr_tables;

	/* T1 to T4, then T5. */
	return pt->format->validate(pt, &nr_tables) &&
	       nr_tables + pt->mem.free.nr + pt->mem.pending.nr ==
		       pt->mem.nr_tables + pt->root_own;
}

void ioas_pt_for_each_leaf(struct ioas_pt *pt,
			   bool (*fn)(void *ctx,
				      const struct ioas_pt_leaf *leaf),
			   void *ctx)
{
	for (unsigned int i = 0; i < pt->nr_windows; i++) {
		uint64_t iova = 0, last = IOAS_U64_MAX;

		if (clip(pt, i, &iova, &last) &&
		    !pt->format->for_each_leaf(pt, iova, last, fn, ctx))
			return;
	}
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
