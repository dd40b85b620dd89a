/* SPDX-License-Identifier: MIT */
/*
 * check: operations that look into page tables (4.5, 4.6, 4.13, 4.14)
 *
 *   caller's pages   | run of frames | run |  run  |     pinned for a moment
 *                          compare  v  with
 *   the table        [ area        ][ area      ]        translated in runs
 *
 * A table is looked at while nothing maps, unmaps or splits: a walker must not
 * meet tables that are being given away, a mark must not meet a leaf that is
 * being removed. The space's lock of domains, exclusively, keeps the first two
 * away, its IOVA lock the last; a revocation of device memory takes neither,
 * but the lock of the pages object.
 *
 * Locks: those of the core, in their order; the caller's memory is never
 * touched under them. Lengths come from programs: the work is proportional to
 * memory that is there, and is done in slices.
 */
#include "uapi/mock/mock.h"

#include "base/errno.h"
#include "core/census.h"
#include "domain/table.h"
#include "origin/ops.h"
#include "seam/fault.h"

/* Pages and runs of the caller's memory that are pinned at a time. */
#define USER_PAGES 4096u
#define USER_RUNS 128u
/* Pages that are counted at a time: 4 KiB of stack. */
#define COUNT_PAGES 1024u
/* Bytes of a bitmap of DIRTY. Neither table has 2^29 smallest pages. */
#define BITMAP_MAX (UINT64_C(64) << 20)
/* Bits that are set while a space stands still. */
#define SLICE_BITS 4096u

/* ---- the caller's memory ------------------------------------------------ */

/* One pin, and one unpin, of up to *@nr pages; out: how many. */
static int user_slice(struct ioas_origin *o, uint64_t page, uint64_t *nr,
		      ioas_mock_run_fn *fn, void *ctx)
{
	struct ioas_run runs[USER_RUNS];
	struct ioas_pin_request rq = {
		.first = page,
		.nr = ioas_min(*nr, USER_PAGES),
		.runs = runs,
		.max_runs = USER_RUNS,
	};
	int ret = o->ops->pin(o, &rq);

	if (ret)
		return ret;
	for (uint32_t i = 0; !ret && i < rq.nr_runs; i++)
		ret = fn(ctx, &runs[i]);
	for (uint32_t i = 0; i < rq.nr_runs; i++)
		o->ops->unpin(o, runs[i].pfn, runs[i].nr, false);
	*nr = rq.nr_pinned;
	return ret;
}

static int user_walk(struct ioas_origin *o, uint64_t page, uint64_t nr,
		     ioas_mock_run_fn *fn, void *ctx)
{
	int ret = 0;

	if (o->ops->get_alive)
		ret = o->ops->get_alive(o);
	if (ret)
		return ret;
	while (!ret && nr) {
		uint64_t done = nr;

		ret = user_slice(o, page, &done, fn, ctx);
		page += done;
		nr -= done;
	}
	if (o->ops->put_alive)
		o->ops->put_alive(o);
	return ret;
}

int ioas_mock_user_runs(struct ioas_mock *mock, uint64_t page, uint64_t nr,
			ioas_mock_run_fn *fn, void *ctx)
{
	struct ioas_host *host = ioas_mock_host(mock);
	struct ioas_origin *o;
	int ret;

	if (!nr)
		return 0;
	ret = host->ops->user_origin(host, &o);
	if (ret)
		return ret;
	return user_walk(o, page, nr, fn, ctx);
}

/* ---- a space that stands still ------------------------------------------ */

static void space_freeze(struct ioas *ioas) __acquires(ioas->domains_lock)
	__acquires_shared(ioas->iova_lock)
{
	ioas_write_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
}

static void space_thaw(struct ioas *ioas) __releases(ioas->domains_lock)
	__releases_shared(ioas->iova_lock)
{
	ioas_read_unlock(&ioas->iova_lock);
	ioas_write_unlock(&ioas->domains_lock);
}

/* The mock's paging HWPT @id. Return: 0, -ENOENT, or -EINVAL: another's. */
static int hwpt_get(struct ioas_ucmd *ucmd, uint32_t id,
		    struct ioas_hwpt **out)
{
	struct ioas_hwpt *h = ioas_hwpt_get_paging(ucmd->ictx, id);

	if (!h)
		return -ENOENT;
	if (!ioas_mock_is_hwpt(h)) {
		ioas_pt_put(&h->obj);
		return -EINVAL;
	}
	*out = h;
	return 0;
}

/* ---- MD_CHECK_MAP (4.5) ------------------------------------------------- */

struct map_check {
	const struct ioas_hwpt *hwpt;
	uint8_t page_lg2;
	/* Next byte to compare, and how many in all. */
	ioas_iova_t iova;
	uint64_t left;
	/* Place of that byte in its page of the caller. */
	uint64_t head;
};

/* Does the table lead from [@iova, @last] to @addr and on, all in one area? */
static bool table_leads(const struct ioas_hwpt *hwpt, ioas_iova_t iova,
			ioas_iova_t last, uint64_t addr)
{
	struct ioas_domain_cursor cursor = { { 0 } };
	struct ioas_domain *d = hwpt->domain;

	for (;;) {
		uint64_t at, length;

		if (d->ops->translate_run(d, iova, last, &cursor, &at,
					  &length) ||
		    at != addr)
			return false;
		if (length > last - iova)
			return true;
		iova += length;
		addr += length;
	}
}

/* The same of any range. What is device memory is no program's page. */
static bool space_leads(const struct ioas_hwpt *hwpt, ioas_iova_t iova,
			ioas_iova_t last, uint64_t addr)
	__must_hold_shared(hwpt->space->ioas->iova_lock)
{
	const struct ioas *ioas = hwpt->space->ioas;

	for (;;) {
		const struct ioas_area *a = ioas_rangemap_find(&ioas->areas,
							       iova);
		ioas_iova_t end;

		if (!a || ioas_pages_is_device(a->pages))
			return false;
		end = ioas_min(last, a->last);
		if (!table_leads(hwpt, iova, end, addr))
			return false;
		if (end == last)
			return true;
		addr += end - iova + 1;
		iova = end + 1;
	}
}

static int map_compare(void *ctx, const struct ioas_run *run)
{
	struct map_check *c = ctx;
	const uint64_t bytes =
		ioas_min((run->nr << c->page_lg2) - c->head, c->left);
	const uint64_t addr = (run->pfn << c->page_lg2) + c->head;
	ioas_iova_t last;
	bool same;

	if (!ioas_last(c->iova, bytes, &last))
		return -EINVAL;
	space_freeze(c->hwpt->space->ioas);
	same = space_leads(c->hwpt, c->iova, last, addr);
	space_thaw(c->hwpt->space->ioas);
	c->iova = last + 1;
	c->left -= bytes;
	c->head = 0;
	return same ? 0 : -EINVAL;
}

static int map_check(struct ioas_mock *mock, const struct ioas_hwpt *hwpt,
		     const struct ioas_abi_test_md_check_map *m)
{
	const uint8_t page_lg2 = ioas_mock_host(mock)->page_lg2;
	const uint64_t page = UINT64_C(1) << page_lg2;
	struct map_check c = {
		.hwpt = hwpt,
		.page_lg2 = page_lg2,
		.iova = m->iova,
		.left = m->length,
		.head = m->uptr & (page - 1),
	};
	uint64_t last, end;

	if (!ioas_is_aligned(m->iova | m->length | m->uptr,
			     ioas_domain_granule(hwpt->domain)) ||
	    ioas_add_overflow(m->uptr, m->length, &end))
		return -EINVAL;
	if (!ioas_last(m->uptr, m->length, &last))
		return 0;
	return ioas_mock_user_runs(mock, m->uptr >> page_lg2,
				   (last >> page_lg2) - (m->uptr >> page_lg2) +
					   1,
				   map_compare, &c);
}

int ioas_test_md_check_map(struct ioas_ucmd *ucmd,
			   struct ioas_abi_test_cmd *cmd)
{
	struct ioas_hwpt *hwpt;
	int ret = hwpt_get(ucmd, cmd->id, &hwpt);

	if (ret)
		return ret;
	ret = map_check(ioas_mock_of(ucmd), hwpt, &cmd->md_check_map);
	ioas_pt_put(&hwpt->obj);
	return ret;
}

/* ---- MD_CHECK_REFS (4.6) ------------------------------------------------ */

struct refs_check {
	struct ioas_uapi *uapi;
	uint32_t refs;
};

/* How many pages objects of all contexts hold each of COUNT_PAGES frames. */
static int refs_count(struct ioas_uapi *uapi, struct ioas_run run,
		      uint32_t *counts)
{
	int ret = 0;

	memset(counts, 0, (size_t)run.nr * sizeof(*counts));
	ioas_mutex_lock(&uapi->lock, IOAS_RANK_UAPI);
	ioas_list_for_each(l, &uapi->contexts) {
		struct ioas_iommufd *ictx =
			ioas_list_entry(l, struct ioas_iommufd, link);

		ret = ioas_context_holders(&ictx->core, run, counts);
		if (ret)
			break;
	}
	ioas_mutex_unlock(&uapi->lock);
	return ret;
}

static int refs_compare(void *ctx, const struct ioas_run *run)
{
	const struct refs_check *c = ctx;
	uint32_t counts[COUNT_PAGES];

	for (uint64_t at = 0; at < run->nr; at += COUNT_PAGES) {
		const struct ioas_run part = {
			run->pfn + at, ioas_min(run->nr - at, COUNT_PAGES)
		};
		int ret = refs_count(c->uapi, part, counts);

		if (ret)
			return ret;
		for (uint64_t i = 0; i < part.nr; i++)
			if (counts[i] != c->refs)
				return -EIO;
	}
	return 0;
}

int ioas_test_md_check_refs(struct ioas_ucmd *ucmd,
			    struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_md_check_refs *m = &cmd->md_check_refs;
	struct ioas_mock *mock = ioas_mock_of(ucmd);
	struct refs_check c = { .uapi = mock->uapi, .refs = m->refs };
	const uint8_t page_lg2 = ioas_mock_host(mock)->page_lg2;
	uint64_t end;

	if (!ioas_is_aligned(m->length | m->uptr, UINT64_C(1) << page_lg2) ||
	    ioas_add_overflow(m->uptr, m->length, &end))
		return -EINVAL;
	return ioas_mock_user_runs(mock, m->uptr >> page_lg2,
				   m->length >> page_lg2, refs_compare, &c);
}

/* ---- MD_CHECK_IOTLB (4.14) ---------------------------------------------- */

int ioas_test_md_check_iotlb(struct ioas_ucmd *ucmd,
			     struct ioas_abi_test_cmd *cmd)
{
	const struct ioas_abi_test_md_check_iotlb *m = &cmd->md_check_iotlb;
	struct ioas_hwpt *h = ioas_hwpt_get_nested(ucmd->ictx, cmd->id);
	int ret = -EINVAL;

	if (!h)
		return -ENOENT;
	if (ioas_mock_is_hwpt(h) &&
	    m->id <= IOAS_ABI_MOCK_NESTED_DOMAIN_IOTLB_ID_MAX &&
	    ioas_mock_nested_iotlb(h, m->id) == m->iotlb)
		ret = 0;
	ioas_pt_put(&h->obj);
	return ret;
}

/* ---- DIRTY (4.13) ------------------------------------------------------- */

struct dirty {
	const struct ioas_hwpt *hwpt;
	ioas_iova_t iova;
	uint64_t page_size;
	/* Neighbours can be marked together: no entry is between two. */
	bool dense;
	const uint8_t *bitmap;
	uint64_t nr_bits;
	/* Out: bits that were set. */
	uint64_t nr_set;
};

static bool bit_get(const struct dirty *d, uint64_t bit)
{
	return d->bitmap[bit / 8] >> (bit % 8) & 1;
}

/* The first bit from @bit on that is @set, or @end. */
static uint64_t bit_next(const struct dirty *d, uint64_t bit, uint64_t end,
			 bool set)
{
	const uint8_t skip = set ? 0 : 0xff;

	while (bit < end && bit_get(d, bit) != set)
		bit = bit % 8 == 0 && d->bitmap[bit / 8] == skip ? bit + 8 :
								   bit + 1;
	return ioas_min(bit, end);
}

/* As a device that wrote there. What is not mapped is skipped. */
static void space_soil(const struct ioas_hwpt *hwpt, ioas_iova_t first,
		       ioas_iova_t last)
	__must_hold_shared(hwpt->space->ioas->iova_lock)
{
	struct ioas_range r;

	ioas_for_each_range(&r, &hwpt->space->ioas->areas, first, last) {
		const ioas_iova_t from = ioas_max(first, r.first);
		const ioas_iova_t to = ioas_min(last, r.last);
		struct ioas_pages *pages = ((struct ioas_area *)r.value)->pages;

		if (!ioas_pages_is_device(pages)) {
			ioas_table_domain_mark_dirty(hwpt->domain, from, to);
			continue;
		}
		ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
		if (!pages->device->revoked)
			ioas_table_domain_mark_dirty(hwpt->domain, from, to);
		ioas_mutex_unlock(&pages->mutex);
	}
}

/* Bits [@bit, @end), all set. Their offsets are less than the length. */
static void dirty_mark(const struct dirty *d, uint64_t bit, uint64_t end)
	__must_hold_shared(d->hwpt->space->ioas->iova_lock)
{
	ioas_iova_t first, last;

	/* Beyond the last IOVA nothing is mapped. */
	if (ioas_add_overflow(d->iova, bit * d->page_size, &first))
		return;
	if (ioas_add_overflow(d->iova, (end - 1) * d->page_size, &last))
		last = IOAS_U64_MAX;
	space_soil(d->hwpt, first, last);
}

static void dirty_slice(struct dirty *d, uint64_t bit, uint64_t slice_end)
{
	bit = bit_next(d, bit, slice_end, true);
	if (bit == slice_end)
		return;
	space_freeze(d->hwpt->space->ioas);
	while (bit < slice_end) {
		const uint64_t end =
			d->dense ? bit_next(d, bit, slice_end, false) : bit + 1;

		dirty_mark(d, bit, end);
		d->nr_set += end - bit;
		bit = bit_next(d, end, slice_end, true);
	}
	space_thaw(d->hwpt->space->ioas);
}

/* From step 3 on. */
static int dirty_run(struct dirty *d, uint64_t user)
{
	const uint64_t bytes = d->nr_bits / 8 + !!(d->nr_bits % 8);
	uint8_t *bitmap;
	int ret;

	if (!ioas_table_domain_tracks_dirty(d->hwpt->domain))
		return -EINVAL;
	if (bytes > BITMAP_MAX)
		return -ENOMEM;
	bitmap = ioas_alloc((size_t)bytes, IOAS_FP_ALLOC_LIST);
	if (!bitmap)
		return -ENOMEM;
	ret = ioas_copy_from(bitmap, user, (size_t)bytes);
	d->bitmap = bitmap;
	for (uint64_t bit = 0; !ret && bit < d->nr_bits; bit += SLICE_BITS)
		dirty_slice(d, bit, ioas_min(bit + SLICE_BITS, d->nr_bits));
	ioas_free(bitmap, (size_t)bytes);
	return ret;
}

int ioas_test_dirty(struct ioas_ucmd *ucmd, struct ioas_abi_test_cmd *cmd)
{
	struct ioas_abi_test_dirty *t = &cmd->dirty;
	struct dirty d = { .iova = t->iova, .page_size = t->page_size };
	struct ioas_hwpt *hwpt;
	int ret;

	if (!t->page_size || !t->length || t->iova % t->page_size ||
	    t->length % t->page_size || !t->uptr)
		return -EINVAL;
	ret = hwpt_get(ucmd, cmd->id, &hwpt);
	if (ret)
		return ret;
	d.hwpt = hwpt;
	d.dense = t->page_size <= ioas_domain_granule(hwpt->domain);
	d.nr_bits = t->length / t->page_size;
	ret = dirty_run(&d, t->uptr);
	ioas_pt_put(&hwpt->obj);
	if (ret)
		return ret;
	t->out_nr_dirty = d.nr_set;
	return ioas_ucmd_respond(ucmd);
}
