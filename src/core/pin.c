/* SPDX-License-Identifier: MIT */
/*
 * pin: what clients do with the pages behind a range (ioas-core 13.2 - 13.5)
 *
 *   range      |-------------------------------|
 *   areas   [      a0      ][    a1    ][        a2       ]
 *   parts      |   p0      ||    p1    ||  p2  |
 *
 * Each part is handled on its own under the pages lock; a pin undoes the parts
 * before a failure. The access's lock is held throughout, and the IOVA lock
 * shared, so that no area changes its state.
 */
#include "base/errno.h"
#include "core/access.h"
#include "core/transfer.h"
#include "seam/fault.h"

/* The bytes [first, last] of a range that lie in one area. */
struct part {
	struct ioas_area *area;
	ioas_iova_t first;
	ioas_iova_t last;
};

/* The part that begins at @first. 0, or -ENOENT: a gap. */
static int part_at(const struct ioas *ioas, ioas_iova_t first,
		   ioas_iova_t last, struct part *p)
	__must_hold_shared(ioas->iova_lock)
{
	p->area = ioas_rangemap_find(&ioas->areas, first);
	if (!p->area || p->area->state != IOAS_AREA_LIVE)
		return -ENOENT;
	p->first = first;
	p->last = ioas_min(last, p->area->last);
	return 0;
}

static int range_check(ioas_iova_t iova, uint64_t length, ioas_iova_t *last)
{
	if (!length)
		return -EINVAL;
	return ioas_last(iova, length, last) ? 0 : -EOVERFLOW;
}

/* ---- records ------------------------------------------------------------ */

static struct ioas_record *record_find(const struct ioas_pages *pages,
				       uint64_t first, uint64_t last)
	__must_hold(pages->mutex)
{
	struct ioas_itree_node *n = NULL;

	if (pages->access)
		n = ioas_itree_exact(&pages->access->records, first, last);
	return n ? ioas_container_of(n, struct ioas_record, node) : NULL;
}

static int access_set_create(struct ioas_pages *pages)
	__must_hold(pages->mutex)
{
	struct ioas_access_set *set;

	if (pages->access)
		return 0;
	set = ioas_zalloc(sizeof(*set), IOAS_FP_ALLOC_RECORD);
	if (!set)
		return -ENOMEM;
	ioas_cset_init(&set->set);
	ioas_store_init(&set->store);
	pages->access = set;
	return 0;
}

/* It exists while there are records. */
static void access_set_trim(struct ioas_pages *pages) __must_hold(pages->mutex)
{
	struct ioas_access_set *set = pages->access;

	if (!set || set->records.root)
		return;
	ioas_cset_fini(&set->set);
	ioas_store_fini(&set->store);
	ioas_free(set, sizeof(*set));
	pages->access = NULL;
}

/* Removing a record may split a stored run at each of its ends. */
#define RECORD_RESERVE 2

static int record_fill(struct ioas_pages *pages, struct ioas_record *rec,
		       const struct ioas_tuning *tuning,
		       struct ioas_run_list *list) __must_hold(pages->mutex)
{
	struct ioas_access_set *set = pages->access;
	const uint64_t first = rec->node.first, last = rec->node.last;
	int ret = ioas_store_reserve(&set->store, RECORD_RESERVE);

	if (ret)
		return ret;
	ret = ioas_pages_fill_store(pages, first, last, tuning, list);
	if (ret)
		goto err_unreserve;
	ret = ioas_cset_add(&set->set, first, last);
	if (ret)
		goto err_drain;
	rec->users = 1;
	ioas_itree_insert(&set->records, &rec->node);
	return 0;

err_drain:
	ioas_pages_drain_store(pages, first, last);
err_unreserve:
	ioas_store_unreserve(&set->store, RECORD_RESERVE);
	return ret;
}

static int record_create(struct ioas_pages *pages, uint64_t first,
			 uint64_t last, const struct ioas_tuning *tuning,
			 struct ioas_run_list *list) __must_hold(pages->mutex)
{
	struct ioas_record *rec = ioas_zalloc(sizeof(*rec),
					      IOAS_FP_ALLOC_RECORD);
	int ret = -ENOMEM;

	if (rec) {
		rec->node.first = first;
		rec->node.last = last;
		ret = access_set_create(pages);
	}
	if (!ret)
		ret = record_fill(pages, rec, tuning, list);
	if (ret) {
		access_set_trim(pages);
		ioas_free(rec, sizeof(*rec));
	}
	return ret;
}

static void record_put(struct ioas_pages *pages, struct ioas_record *rec)
	__must_hold(pages->mutex)
{
	struct ioas_access_set *set = pages->access;

	if (--rec->users)
		return;
	ioas_itree_remove(&set->records, &rec->node);
	ioas_cset_del(&set->set, rec->node.first, rec->node.last);
	ioas_pages_drain_store(pages, rec->node.first, rec->node.last);
	ioas_store_unreserve(&set->store, RECORD_RESERVE);
	ioas_free(rec, sizeof(*rec));
	access_set_trim(pages);
}

/* ---- pin ---------------------------------------------------------------- */

/* In the order of ioas-core 13.2. @more: the range goes on in another area. */
static int pin_check(const struct part *p, bool write, bool more)
{
	const struct ioas_area *a = p->area;
	const uint64_t page = (uint64_t)1 << a->pages->page_lg2;
	const uint32_t need = write ? IOAS_PROT_WRITE : IOAS_PROT_READ;

	if (a->closing)
		return -EINVAL;
	if (!ioas_is_aligned(ioas_area_byte(a, p->first), page))
		return -EINVAL;
	if (more && !ioas_is_aligned(ioas_area_byte(a, p->last) + 1, page))
		return -EINVAL;
	if (!(a->prot & need))
		return -EPERM;
	if (ioas_pages_is_device(a->pages))
		return -EINVAL;
	if (write && !a->pages->writable)
		return -EPERM;
	return 0;
}

/* One more pin through @a, of @rec if it exists, can be counted. */
static bool pin_countable(const struct ioas_area *a,
			  const struct ioas_record *rec)
{
	return a->nr_accesses < UINT32_MAX &&
	       (!rec || rec->users < UINT32_MAX);
}

static int pin_part(const struct ioas_access *access, const struct part *p,
		    struct ioas_run_list *list)
{
	struct ioas_area *a = p->area;
	struct ioas_pages *pages = a->pages;
	const uint64_t first = ioas_area_index(a, p->first);
	const uint64_t last = ioas_area_index(a, p->last);
	struct ioas_record *rec;
	int ret;

	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	rec = record_find(pages, first, last);
	if (!pin_countable(a, rec))
		ret = -ENOMEM;
	else if (rec)
		ret = ioas_pages_list_store(pages, first, last, list);
	else
		ret = record_create(pages, first, last, &access->ctx->tuning,
				    list);
	if (!ret) {
		if (rec)
			rec->users++;
		a->nr_accesses++;
		if (access->flags & IOAS_ACCESS_INTERNAL)
			a->nr_locks++;
	}
	ioas_mutex_unlock(&pages->mutex);
	return ret;
}

/* Has a client of this kind, internal or not, a pin through @a? */
static bool pin_exists(const struct ioas_area *a, bool internal)
{
	return internal ? a->nr_locks : a->nr_accesses > a->nr_locks;
}

static void unpin_part(const struct ioas_access *access, const struct part *p)
{
	const bool internal = access->flags & IOAS_ACCESS_INTERNAL;
	struct ioas_area *a = p->area;
	struct ioas_pages *pages = a->pages;
	struct ioas_record *rec;

	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	rec = ioas_pages_is_device(pages) ?
		      NULL :
		      record_find(pages, ioas_area_index(a, p->first),
				  ioas_area_index(a, p->last));
	if (!IOAS_CHECK(!rec || !pin_exists(a, internal))) {
		a->nr_accesses--;
		a->nr_locks -= internal;
		record_put(pages, rec);
	}
	ioas_mutex_unlock(&pages->mutex);
}

/* The parts of [first, last], all pinned by this access. */
static void unpin_range(const struct ioas_access *access, struct ioas *ioas,
			ioas_iova_t first, ioas_iova_t last)
	__must_hold_shared(ioas->iova_lock)
{
	struct part p;

	ioas_assert_read(&ioas->iova_lock);
	for (ioas_iova_t at = first;; at = p.last + 1) {
		if (IOAS_CHECK(part_at(ioas, at, last, &p)))
			return;
		unpin_part(access, &p);
		if (p.last == last)
			return;
	}
}

static int pin_range(const struct ioas_access *access, struct ioas *ioas,
		     ioas_iova_t first, ioas_iova_t last, bool write,
		     struct ioas_run_list *list)
	__must_hold_shared(ioas->iova_lock)
{
	struct part p;

	ioas_assert_read(&ioas->iova_lock);
	for (ioas_iova_t at = first;; at = p.last + 1) {
		int ret = part_at(ioas, at, last, &p);

		if (!ret)
			ret = pin_check(&p, write, p.last != last);
		if (!ret)
			ret = pin_part(access, &p, list);
		if (ret && at != first)
			unpin_range(access, ioas, first, at - 1);
		if (ret || p.last == last)
			return ret;
	}
}

int ioas_access_pin(struct ioas_access *access, ioas_iova_t iova,
		    uint64_t length, unsigned int flags,
		    struct ioas_run_list *list)
{
	ioas_iova_t last;
	struct ioas *ioas;
	int ret = range_check(iova, length, &last);

	if (ret)
		return ret;
	if (list)
		list->nr = 0;
	ioas_mutex_lock(&access->lock, IOAS_RANK_CLIENT);
	ioas = access->ioas;
	ret = -ENOENT;
	if (ioas) {
		ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
		ret = pin_range(access, ioas, iova, last,
				flags & IOAS_ACCESS_WRITE, list);
		ioas_read_unlock(&ioas->iova_lock);
	}
	ioas_mutex_unlock(&access->lock);
	if (ret && list)
		list->nr = 0;
	return ret;
}

void ioas_access_unpin(struct ioas_access *access, ioas_iova_t iova,
		       uint64_t length)
{
	ioas_iova_t last;
	struct ioas *ioas;

	if (IOAS_CHECK(range_check(iova, length, &last)))
		return;
	ioas_mutex_lock(&access->lock, IOAS_RANK_CLIENT);
	ioas = access->unpin_ioas;
	if (!IOAS_CHECK(!ioas)) {
		ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
		unpin_range(access, ioas, iova, last);
		ioas_read_unlock(&ioas->iova_lock);
	}
	ioas_mutex_unlock(&access->lock);
}

/* ---- read and write ----------------------------------------------------- */

static int rw_check(const struct part *p, bool write)
{
	const struct ioas_area *a = p->area;

	if (a->closing)
		return -EINVAL;
	if (!(a->prot & (write ? IOAS_PROT_WRITE : IOAS_PROT_READ)))
		return -EPERM;
	if (write && !a->pages->writable)
		return -EPERM;
	return ioas_pages_is_device(a->pages) ? -EINVAL : 0;
}

/* The fast way looks at what is there now, the slow one at what devices see. */
static int rw_part(const struct part *p, char *buffer, unsigned int flags)
{
	struct ioas_pages *pages = p->area->pages;
	struct ioas_origin *o = pages->origin;
	const struct ioas_tuning *tuning = &p->area->ioas->ctx->tuning;
	const uint64_t byte = ioas_area_byte(p->area, p->first);
	const uint64_t length = p->last - p->first + 1;
	int ret = -EAGAIN;

	if (o->ops->copy && !tuning->slow_copy)
		ret = o->ops->copy(o, (pages->base << pages->page_lg2) + byte,
				   buffer, length, flags);
	if (ret != -EAGAIN)
		return ret;
	ioas_mutex_lock(&pages->mutex, IOAS_RANK_PAGES);
	ret = ioas_pages_copy(pages, byte, buffer, length,
			      flags & IOAS_COPY_WRITE, tuning);
	ioas_mutex_unlock(&pages->mutex);
	return ret;
}

static int rw_range(struct ioas *ioas, ioas_iova_t first, ioas_iova_t last,
		    char *buffer, unsigned int flags)
	__must_hold_shared(ioas->iova_lock)
{
	const bool write = flags & IOAS_ACCESS_WRITE;
	const unsigned int copy =
		(write ? IOAS_COPY_WRITE : 0u) |
		(flags & IOAS_ACCESS_ADOPT ? IOAS_COPY_ADOPT : 0u);
	struct part p;

	ioas_assert_read(&ioas->iova_lock);
	for (ioas_iova_t at = first;; at = p.last + 1) {
		int ret = part_at(ioas, at, last, &p);

		if (!ret)
			ret = rw_check(&p, write);
		if (!ret)
			ret = rw_part(&p, buffer + (at - first), copy);
		if (ret || p.last == last)
			return ret;
	}
}

int ioas_access_rw(struct ioas_access *access, ioas_iova_t iova, void *buffer,
		   uint64_t length, unsigned int flags)
{
	ioas_iova_t last;
	struct ioas *ioas;
	int ret = range_check(iova, length, &last);

	if (ret)
		return ret;
	ioas_mutex_lock(&access->lock, IOAS_RANK_CLIENT);
	ioas = access->ioas;
	ret = -ENOENT;
	if (ioas) {
		ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
		ret = rw_range(ioas, iova, last, buffer, flags);
		ioas_read_unlock(&ioas->iova_lock);
	}
	ioas_mutex_unlock(&access->lock);
	return ret;
}
