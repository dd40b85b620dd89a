/* SPDX-License-Identifier: MIT */
/*
 * maps: second views of shared memory, and who holds what
 *
 *   region    |=========== shared anonymous memory, ours ===========|
 *   mapping         mremap() of it with an old length of zero
 *   munmap    |--piece--|........|------ piece, region held again ---|
 *
 * So no descriptor is needed, which would take a number from the program. A
 * mapping with an address of the program's choice replaces what is there, by
 * way of a reservation, because mremap() takes no hint.
 *
 *  M1  Every byte of a piece was mapped by us and not yet unmapped by us.
 *  M2  Pieces do not overlap, and each has a reference to its region.
 */
#include "host/maps.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seam/fault.h"

struct piece {
	/* In maps->pieces, or in the list of what is to be released. */
	struct ioas_list link;
	uint64_t first;
	uint64_t last;
	struct ioas_region *region;
};

static struct piece *piece_of(struct ioas_list *l)
{
	return ioas_list_entry(l, struct piece, link);
}

static void piece_move(struct ioas_list *to, struct piece *p)
{
	ioas_list_del(&p->link);
	ioas_list_add_tail(to, &p->link);
}

/* No lock is held. */
static void pieces_release(struct ioas_list *list)
{
	ioas_list_for_each_safe(l, tmp, list) {
		struct piece *p = piece_of(l);

		ioas_region_unmap(p->region);
		ioas_free(p, sizeof(*p));
	}
}

void ioas_maps_init(struct ioas_maps *m)
{
	*m = (struct ioas_maps){ 0 };
	ioas_list_init(&m->pieces);
}

void ioas_maps_fini(struct ioas_maps *m)
{
	if (!m->pieces.next)
		return;
	ioas_list_for_each(l, &m->pieces) {
		struct piece *p = piece_of(l);

		munmap((void *)(uintptr_t)p->first,
		       (size_t)(p->last - p->first + 1));
	}
	pieces_release(&m->pieces);
	ioas_list_init(&m->pieces);
}

int ioas_maps_shm_create(uint64_t length, struct ioas_shm *out)
{
	void *p = MAP_FAILED;

	if ((size_t)length == length)
		p = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	*out = (struct ioas_shm){ .memory = p, .length = length, .fd = -1 };
	return 0;
}

void ioas_maps_shm_destroy(struct ioas_shm *shm)
{
	munmap(shm->memory, (size_t)shm->length);
	*shm = (struct ioas_shm){ .fd = -1 };
}

/* Flags that say where. */
static int place_flags(int flags)
{
	int known = MAP_FIXED | MAP_FIXED_NOREPLACE;

#ifdef MAP_32BIT
	known |= MAP_32BIT;
#endif
	return flags & known;
}

static bool is_fixed(const struct ioas_maps_request *rq)
{
	return (rq->flags & MAP_FIXED) && !(rq->flags & MAP_FIXED_NOREPLACE);
}

static int place(const struct ioas_maps_request *rq, void **at)
{
	void *p = mmap(rq->hint, rq->length, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			       place_flags(rq->flags),
		       -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	*at = p;
	return 0;
}

int ioas_maps_reserve(const struct ioas_maps_request *rq, void **at)
{
	if (!is_fixed(rq))
		return place(rq, at);
	*at = rq->hint;
	return ioas_is_aligned((uintptr_t)rq->hint,
			       (uint64_t)sysconf(_SC_PAGESIZE)) ?
		       0 :
		       -EINVAL;
}

void ioas_maps_cancel(const struct ioas_maps_request *rq, void *at)
{
	if (!is_fixed(rq))
		munmap(at, rq->length);
}

/*
 * Take [@first, @last] out of the pieces; those that are done with go to
 * @gone. @spare is used if a piece falls into two.
 */
static void pieces_cut(struct ioas_maps *m, uint64_t first, uint64_t last,
		       struct piece **spare, struct ioas_list *gone)
	__must_hold(m->lock)
{
	ioas_list_for_each_safe(l, tmp, &m->pieces) {
		struct piece *p = piece_of(l), *rest;

		if (!ioas_intersects(p->first, p->last, first, last))
			continue;
		if (p->first < first && p->last > last) {
			rest = *spare;
			*spare = NULL;
			*rest = (struct piece){ .first = last + 1,
						.last = p->last,
						.region = p->region };
			ioas_region_dup(rest->region);
			ioas_list_add_tail(&m->pieces, &rest->link);
			p->last = first - 1;
		} else if (p->first < first) {
			p->last = first - 1;
		} else if (p->last > last) {
			p->first = last + 1;
		} else {
			piece_move(gone, p);
		}
	}
}

/* Will a piece fall into two? */
static bool pieces_split(const struct ioas_maps *m, uint64_t first,
			 uint64_t last)
{
	ioas_list_for_each(l, &m->pieces) {
		const struct piece *p = piece_of(l);

		if (p->first < first && p->last > last)
			return true;
	}
	return false;
}

/* A second view of @region at @at, where nothing is that anybody needs. */
static int view(const struct ioas_maps_request *rq, struct ioas_region *region,
		void *at)
{
	const int rw = PROT_READ | PROT_WRITE,
		  prot = rq->prot & (rw | PROT_EXEC);
	void *p = mremap(region->shm.memory, 0, rq->length,
			 MREMAP_MAYMOVE | MREMAP_FIXED, at);

	if (p == MAP_FAILED)
		return -errno;
	if (prot != rw && mprotect(p, rq->length, prot))
		return -errno;
	return 0;
}

int ioas_maps_add(struct ioas_maps *m, const struct ioas_maps_request *rq,
		  struct ioas_region *region, void **at)
{
	struct piece *p, *spare;
	struct ioas_list gone;
	int ret;

	p = ioas_zalloc(sizeof(*p), IOAS_FP_ALLOC_LIST);
	spare = ioas_zalloc(sizeof(*spare), IOAS_FP_ALLOC_LIST);
	ioas_list_init(&gone);
	ret = -ENOMEM;
	if (!p || !spare)
		goto out;
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	ret = is_fixed(rq) ? place(rq, at) : 0;
	if (!ret) {
		/* The address is ours now, whatever was there. */
		p->first = (uintptr_t)*at;
		p->last = p->first + rq->length - 1;
		pieces_cut(m, p->first, p->last, &spare, &gone);
		ret = view(rq, region, *at);
	}
	if (!ret) {
		p->region = region;
		ioas_list_add_tail(&m->pieces, &p->link);
		p = NULL;
	} else if (is_fixed(rq)) {
		munmap(*at, rq->length);
	}
	ioas_mutex_unlock(&m->lock);
	pieces_release(&gone);
out:
	if (p)
		ioas_free(p, sizeof(*p));
	if (spare)
		ioas_free(spare, sizeof(*spare));
	return ret;
}

int ioas_maps_remove(struct ioas_maps *m, void *at, size_t length)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint64_t first = (uintptr_t)at;
	struct piece *spare = NULL;
	struct ioas_list gone;
	uint64_t last;
	int ret = 0;

	if (!ioas_last(first, ioas_align_up(length, page), &last))
		return -EINVAL;
	ioas_list_init(&gone);
	ioas_mutex_lock(&m->lock, IOAS_RANK_LEAF);
	if (pieces_split(m, first, last)) {
		spare = ioas_plat_zalloc(sizeof(*spare));
		if (!spare)
			ret = -ENOMEM;
	}
	if (!ret && munmap(at, length))
		ret = -errno;
	if (!ret)
		pieces_cut(m, first, last, &spare, &gone);
	ioas_mutex_unlock(&m->lock);
	pieces_release(&gone);
	if (spare)
		ioas_free(spare, sizeof(*spare));
	return ret;
}
