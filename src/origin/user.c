/* SPDX-License-Identifier: MIT */
/*
 * user: the memory of a client that is this process, and is not trusted
 *
 *   page index = address / page size
 *   pin:   look up the mapping, check it, fault in, then
 *            shared memory  --> chunk of its file    (dev, ino, page)
 *            other memory   --> the process          (address)
 *
 * An address may be anything, and anything may happen to it at any time: the
 * answer is -EFAULT, now or when the frame is used, never a signal.
 *
 * For writing, a mapping must be writable, else readable. A shared mapping of a
 * file that is written back cannot be pinned for writing. Devices that map
 * physical memory cannot be pinned at all.
 *
 * What this waives of docs/reference/ioas-core.md 4.2:
 *  - Pages are named, not nailed down. Private memory is found at its address:
 *    if the client unmaps, remaps or protects it behind a live mapping, or
 *    forks and writes, devices see what the process sees, or fail with -EFAULT.
 *    Nothing keeps it from being paged out; a fault brings it back.
 *  - Shared memory of memfd, tmpfs, hugetlbfs, shared anonymous and System V
 *    memory is held: it outlives the client's mapping. But if the file is
 *    truncated, devices fail with -EFAULT where a pinned page would have lived
 *    on, and where a hole is punched they see the new, empty page.
 *  - Shared mappings of other files, of huge pages without privilege (see
 *    chunk.c), and of what cannot be mapped a second time (a lock limit, an
 *    address space limit) are treated as private memory is.
 *  - There is no aliveness guard: the process is this one.
 * Counting is not waived: npinned and charges are kept by the core.
 *
 * No locks of its own.
 */
#include "origin/user.h"

#include "base/errno.h"
#include "origin/reach.h"
#include "seam/caller.h"

struct user {
	struct ioas_backed_origin o;
	/* Set once: ioas_caller.mm of the client. */
	const void *mm;
};

static struct user *user_of(struct ioas_origin *o)
{
	return ioas_container_of(o, struct user, o.head);
}

static const void *caller_mm(void)
{
	const struct ioas_caller *c = ioas_caller_current();

	return c ? c->mm : NULL;
}

/* Pin @nr pages at @address, all in @vma. As ioas_backings_pin_file(). */
static int pin_vma(struct ioas_backings *b, const struct ioas_vma *vma,
		   uint64_t address, uint64_t nr, struct ioas_pin_request *rq)
{
	const struct ioas_chunk_source src = {
		.dev = vma->dev, .ino = vma->ino, .fd = -1, .vma = vma
	};
	const uint64_t page =
		(vma->offset + (address - vma->start)) >> b->frames->page_lg2;
	const uint64_t before = rq->nr_pinned;
	int ret = -EOPNOTSUPP;

	if (!(vma->flags & (rq->write ? IOAS_VMA_WRITE : IOAS_VMA_READ)))
		return -EFAULT;
	if (vma->flags & IOAS_VMA_SHARED)
		ret = ioas_backings_admit(b, vma->dev, vma->ino, page,
					  rq->write);
	if (!ret)
		ret = ioas_backings_pin_file(b, &src, page, nr, rq);
	/* The rest, if a later chunk could not be mapped, in the next round. */
	if (ret == -EOPNOTSUPP && rq->nr_pinned == before)
		ret = ioas_backings_pin_address(b, address, nr, rq);
	return ret == -EOPNOTSUPP ? 0 : ret;
}

static int user_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	struct ioas_backings *b = user_of(o)->o.b;
	const uint64_t limit = b->frames->identity_nr;
	const uint8_t lg2 = o->page_lg2;
	int ret = ioas_backed_pin_start(rq);

	if (ret)
		return ret;
	while (rq->nr_pinned < rq->nr) {
		const uint64_t page = rq->first + rq->nr_pinned;
		const uint64_t had = rq->nr_pinned;
		struct ioas_vma vma;

		ret = page < limit ?
			      ioas_vma_find(&b->vmas, page << lg2, &vma) :
			      -EFAULT;
		if (!ret)
			ret = pin_vma(b, &vma, page << lg2,
				      ioas_min(rq->nr - had,
					       (vma.last >> lg2) - page + 1),
				      rq);
		if (ret || rq->nr_pinned == had)
			break;
	}
	return rq->nr_pinned ? 0 : ret;
}

/* Of another caller the frames are used, unless it may be anybody. */
static int user_copy(struct ioas_origin *o, uint64_t offset, void *buffer,
		     uint64_t length, unsigned int flags)
{
	uint64_t last;

	if (!(flags & IOAS_COPY_ADOPT) && caller_mm() != user_of(o)->mm)
		return -EAGAIN;
	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	if (!length)
		return 0;
	if (!ioas_last(offset, length, &last) ||
	    last >> IOAS_FRAMES_IDENTITY_LG2)
		return -EFAULT;
	return ioas_reach_copy(offset, buffer, length, flags & IOAS_COPY_WRITE);
}

static void user_destroy(struct ioas_origin *o)
{
	ioas_free(user_of(o), sizeof(struct user));
}

static const struct ioas_origin_ops user_ops = {
	.name = "user",
	.pin = user_pin,
	.unpin = ioas_backed_unpin,
	.pointer = ioas_backed_pointer,
	.copy_frame = ioas_backed_copy_frame,
	.copy = user_copy,
	.destroy = user_destroy,
};

int ioas_origin_user_create(struct ioas_backings *b, struct ioas_origin **out)
{
	struct user *u = ioas_zalloc(sizeof(*u), IOAS_FP_ALLOC_SPACE);

	if (!u)
		return -ENOMEM;
	ioas_origin_init(&u->o.head, &user_ops, b->frames->page_lg2, 0);
	u->o.b = b;
	u->mm = caller_mm();
	*out = &u->o.head;
	return 0;
}
