/* SPDX-License-Identifier: MIT */
/*
 * vspace: pins of addresses, and the ops of an origin that is an address space
 *
 * No locks of its own.
 */
#include "origin/vspace.h"

#include <sys/uio.h>

#include "base/errno.h"
#include "origin/backing.h"
#include "origin/reach.h"
#include "seam/caller.h"

/* ---- frames ------------------------------------------------------------- */

static struct ioas_vspace *space_of(struct ioas_backing *o)
{
	return ioas_container_of(o, struct ioas_vspace, head);
}

static void *space_pointer(void *owner, uint64_t page)
{
	(void)owner;
	(void)page;
	return NULL;
}

static int space_copy(void *owner, uint64_t page, uint64_t offset,
		      void *buffer, uint64_t length, bool write)
{
	struct ioas_vspace *s = space_of(owner);

	return s->ops->reach(s, (page << s->b->frames->page_lg2) + offset,
			     buffer, length, write);
}

static int space_copy_pieces(void *owner,
			     const struct ioas_frames_piece *pieces,
			     uint32_t nr, bool write, uint64_t *done)
{
	struct iovec local[IOAS_FRAMES_BATCH], remote[IOAS_FRAMES_BATCH];
	const struct ioas_reach_vector v = { local, remote, nr };
	struct ioas_vspace *s = space_of(owner);
	const uint8_t lg2 = s->b->frames->page_lg2;

	for (uint32_t i = 0; i < nr; i++) {
		const struct ioas_frames_piece *pc = &pieces[i];
		const uint64_t at = (pc->pfn << lg2) + pc->offset;

		local[i] = (struct iovec){ pc->buffer, (size_t)pc->length };
		remote[i] = (struct iovec){ (void *)(uintptr_t)at,
					    (size_t)pc->length };
	}
	return s->ops->reach_vector(s, &v, write, done);
}

static const struct ioas_frames_ops space_frames = {
	.pointer = space_pointer,
	.copy = space_copy,
	.copy_pieces = space_copy_pieces,
};

static void space_unpinned(struct ioas_backing *o, uint64_t nr)
{
	struct ioas_vspace *s = space_of(o);
	const uint64_t had = atomic_fetch_sub_explicit(
		&s->b->address_pins, nr, memory_order_relaxed);

	IOAS_CHECK(had < nr);
	if (s->ops->drop)
		s->ops->drop(s, nr);
}

int ioas_vspace_init(struct ioas_vspace *s, struct ioas_backings *b,
		     const struct ioas_vspace_ops *ops)
{
	const struct ioas_frames_owner by = { .ops = &space_frames,
					      .owner = &s->head };

	s->head = (struct ioas_backing){ .nr_frames = b->frames->identity_nr,
					 .unpinned = space_unpinned };
	s->ops = ops;
	s->b = b;
	return ioas_frames_alloc(b->frames, s->head.nr_frames, &by, &s->first);
}

void ioas_vspace_fini(struct ioas_vspace *s)
{
	ioas_frames_free(s->b->frames, s->first);
}

/* ---- pins --------------------------------------------------------------- */

/*
 * Memory of a device of ours is there anyway: only the number of pins is kept.
 * Return: 0, or -EOPNOTSUPP: it is none.
 */
static int pin_device(struct ioas_vspace *s, const struct ioas_vma *vma,
		      uint64_t address, uint64_t nr,
		      struct ioas_pin_request *rq)
{
	void *memory = s->ops->device ? s->ops->device(s, vma, address, &nr) :
					NULL;
	const ioas_pfn_t first = (uintptr_t)memory >> s->b->frames->page_lg2;

	if (!memory)
		return -EOPNOTSUPP;
	if (!ioas_request_room(rq, first))
		return 0;
	atomic_fetch_add_explicit(&s->b->device_pins, nr,
				  memory_order_relaxed);
	ioas_request_append(rq, first, nr);
	return 0;
}

int ioas_vspace_pin_address(struct ioas_vspace *s, const struct ioas_vma *vma,
			    uint64_t address, uint64_t nr,
			    struct ioas_pin_request *rq)
{
	const ioas_pfn_t first =
		s->first + (address >> s->b->frames->page_lg2);
	uint64_t done;
	int ret;

	if (!ioas_request_room(rq, first))
		return 0;
	ret = s->ops->populate(s, vma, address, nr, rq->write, &done);
	if (ret)
		return ret;
	atomic_fetch_add_explicit(&s->b->address_pins, done,
				  memory_order_relaxed);
	if (s->ops->hold)
		s->ops->hold(s, done);
	ioas_request_append(rq, first, done);
	return 0;
}

/* Pin @nr pages at @address, all in @vma. As ioas_backings_pin_file(). */
static int pin_vma(const struct ioas_vspace_origin *o,
		   const struct ioas_vma *vma, uint64_t address, uint64_t nr,
		   struct ioas_pin_request *rq)
{
	struct ioas_vspace *s = o->space;
	struct ioas_backings *b = s->b;
	const struct ioas_chunk_source src = {
		.dev = vma->dev,
		.ino = vma->ino,
		.fd = -1,
		.vma = vma,
		.space = s,
	};
	const uint64_t page =
		(vma->offset + (address - vma->start)) >> b->frames->page_lg2;
	const uint64_t before = rq->nr_pinned;
	int ret = -EOPNOTSUPP;

	if (!(vma->flags & (rq->write ? IOAS_VMA_WRITE : IOAS_VMA_READ)))
		return -EFAULT;
	if (o->devices)
		ret = pin_device(s, vma, address, nr, rq);
	if (ret != -EOPNOTSUPP)
		return ret;
	if (s->ops->deny && s->ops->deny(s, vma))
		return -EFAULT;
	if (vma->flags & IOAS_VMA_SHARED)
		ret = ioas_backings_admit(b, vma->dev, vma->ino, page,
					  rq->write);
	if (!ret)
		ret = ioas_backings_pin_file(b, &src, page, nr, rq);
	/* The rest, if a later chunk could not be mapped, in the next round. */
	if (ret == -EOPNOTSUPP && rq->nr_pinned == before)
		ret = ioas_vspace_pin_address(s, vma, address, nr, rq);
	return ret == -EOPNOTSUPP ? 0 : ret;
}

/* ---- the origin --------------------------------------------------------- */

static struct ioas_vspace_origin *origin_of(struct ioas_origin *o)
{
	return ioas_container_of(o, struct ioas_vspace_origin, o.head);
}

static const void *caller_mm(void)
{
	const struct ioas_caller *c = ioas_caller_current();

	return c ? c->mm : NULL;
}

int ioas_vspace_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	const struct ioas_vspace_origin *vo = origin_of(o);
	struct ioas_vspace *s = vo->space;
	const uint64_t limit = s->head.nr_frames;
	const uint8_t lg2 = o->page_lg2;
	int ret = ioas_backed_pin_start(rq);

	if (ret)
		return ret;
	while (rq->nr_pinned < rq->nr) {
		const uint64_t page = rq->first + rq->nr_pinned;
		const uint64_t had = rq->nr_pinned;
		struct ioas_vma vma;

		ret = page < limit ?
			      ioas_vma_find(&s->vmas, page << lg2, &vma) :
			      -EFAULT;
		if (!ret)
			ret = pin_vma(vo, &vma, page << lg2,
				      ioas_min(rq->nr - had,
					       (vma.last >> lg2) - page + 1),
				      rq);
		if (ret || rq->nr_pinned == had)
			break;
	}
	return rq->nr_pinned ? 0 : ret;
}

/* Of another caller the frames are used, unless it may be anybody. */
int ioas_vspace_copy(struct ioas_origin *o, uint64_t offset, void *buffer,
		     uint64_t length, unsigned int flags)
{
	struct ioas_vspace_origin *vo = origin_of(o);
	uint64_t last;
	int ret;

	if (!(flags & IOAS_COPY_ADOPT) && caller_mm() != vo->mm)
		return -EAGAIN;
	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	if (!length)
		return 0;
	if (!ioas_last(offset, length, &last) ||
	    last >> IOAS_FRAMES_IDENTITY_LG2)
		return -EFAULT;
	ret = vo->space->ops->access(vo->space, offset, buffer, length,
				     flags & IOAS_COPY_WRITE);
	/* Nobody has it any more: what is pinned may be there still. */
	if (ret && caller_mm() != vo->mm && o->ops->get_alive &&
	    o->ops->get_alive(o))
		ret = -EAGAIN;
	return ret;
}

void ioas_vspace_origin_init(struct ioas_vspace_origin *o,
			     const struct ioas_origin_ops *ops,
			     struct ioas_vspace *space, const void *mm)
{
	ioas_origin_init(&o->o.head, ops, space->b->frames->page_lg2, 0);
	o->o.b = space->b;
	o->space = space;
	o->mm = mm;
}
