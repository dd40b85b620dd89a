/* SPDX-License-Identifier: MIT */
/*
 * backing: pins of pages, by what they are pages of
 *
 * Invariants (ioas_backings_fini() and the tests rely on them):
 *  BK1  one chunk per (dev, ino, index) is in the table; its inode cannot be
 *       reused meanwhile, because a view holds it.
 *  BK2  refs of a chunk is the number of its pages pinned, plus pin calls that
 *       work on it; it leaves the table with the last.
 *
 * Locks: lock (IOAS_RANK_ORIGIN), for moments; no page is touched under it.
 * Cannot fail: unpin.
 */
#include "origin/backing.h"

#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/errno.h"
#include "origin/chunk.h"
#include "origin/reach.h"
#include "seam/fault.h"

/* ---- this process ------------------------------------------------------- */

static int self_populate(struct ioas_vspace *s, const struct ioas_vma *vma,
			 uint64_t address, uint64_t nr, bool write,
			 uint64_t *done)
{
	struct ioas_vma now;
	int ret = ioas_reach_populate(address, nr, s->b->frames->page_lg2,
				      write, done);

	(void)vma;
	/* To the kernel a hole is a lack of memory. */
	if (ret == -ENOMEM && ioas_vma_find(&s->vmas, address, &now))
		ret = -EFAULT;
	return ret;
}

static int self_copy(struct ioas_vspace *s, uint64_t address, void *buffer,
		     uint64_t length, bool write)
{
	(void)s;
	return ioas_reach_copy(address, buffer, length, write);
}

static int self_reach_vector(struct ioas_vspace *s,
			     const struct ioas_reach_vector *v, bool write,
			     uint64_t *done)
{
	(void)s;
	return ioas_reach_vector(getpid(), v, write, done) ? -EFAULT : 0;
}

static const struct ioas_vspace_ops self_ops = {
	.populate = self_populate,
	.access = self_copy,
	.reach = self_copy,
	.reach_vector = self_reach_vector,
};

/* ---- life --------------------------------------------------------------- */

/* 0, which no file system has, if the kernel has no such memory. */
static uint64_t memfd_dev(unsigned int flags)
{
	int fd = memfd_create("ioas", MFD_CLOEXEC | flags);
	uint64_t dev = 0;
	struct stat st;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &st))
		dev = ioas_vma_dev(major(st.st_dev), minor(st.st_dev));
	close(fd);
	return dev;
}

int ioas_backings_init(struct ioas_backings *b, struct ioas_frames *frames)
{
	int ret = ioas_reach_check();

	if (frames->page_lg2 != ioas_log2((uint64_t)sysconf(_SC_PAGESIZE)))
		ret = -EINVAL;
	if (ret)
		return ret;
	*b = (struct ioas_backings){ .memory_dev = {
					     memfd_dev(0),
					     memfd_dev(MFD_HUGETLB),
					     memfd_dev(MFD_HUGETLB |
						       MFD_HUGE_2MB),
					     memfd_dev(MFD_HUGETLB |
						       MFD_HUGE_1GB),
				     } };
	for (unsigned int i = 0; i < IOAS_BACKINGS_SLOTS; i++)
		ioas_list_init(&b->chunks[i]);
	ret = ioas_vmas_open(&b->self.vmas);
	if (ret)
		return ret;
	b->frames = frames;
	ret = ioas_vspace_init(&b->self, b, &self_ops);
	if (ret) {
		ioas_vmas_close(&b->self.vmas);
		b->frames = NULL;
	}
	return ret;
}

void ioas_backings_fini(struct ioas_backings *b)
{
	if (!b->frames)
		return;
	IOAS_CHECK(ioas_backings_pinned(b) || ioas_backings_chunks(b) ||
		   b->nr_peers);
	ioas_vspace_fini(&b->self);
	ioas_vmas_close(&b->self.vmas);
	b->frames = NULL;
}

uint64_t ioas_backings_pinned(struct ioas_backings *b)
{
	uint64_t nr;

	ioas_mutex_lock(&b->lock, IOAS_RANK_ORIGIN);
	nr = b->chunk_pins;
	ioas_mutex_unlock(&b->lock);
	return nr +
	       atomic_load_explicit(&b->address_pins, memory_order_relaxed) +
	       atomic_load_explicit(&b->device_pins, memory_order_relaxed);
}

uint64_t ioas_backings_chunks(struct ioas_backings *b)
{
	uint64_t nr;

	ioas_mutex_lock(&b->lock, IOAS_RANK_ORIGIN);
	nr = b->nr_chunks;
	ioas_mutex_unlock(&b->lock);
	return nr;
}

/* ---- chunks ------------------------------------------------------------- */

static struct ioas_list *chunk_slot(struct ioas_backings *b, uint64_t dev,
				    uint64_t ino, uint64_t index)
{
	/* Neighbours in number of any kind fall into different slots. */
	return &b->chunks[(dev * 31 + ino * 7 + index) % IOAS_BACKINGS_SLOTS];
}

static struct ioas_chunk *chunk_find(struct ioas_backings *b, uint64_t dev,
				     uint64_t ino, uint64_t index)
	__must_hold(b->lock)
{
	ioas_list_for_each(l, chunk_slot(b, dev, ino, index)) {
		struct ioas_chunk *c =
			ioas_list_entry(l, struct ioas_chunk, link);

		if (c->dev == dev && c->ino == ino && c->index == index)
			return c;
	}
	return NULL;
}

/* Drop @nr references, of which @pins are pins. */
static void chunk_put(struct ioas_chunk *c, uint64_t nr, uint64_t pins)
{
	struct ioas_backings *b = c->b;
	bool last;

	ioas_mutex_lock(&b->lock, IOAS_RANK_ORIGIN);
	IOAS_CHECK(c->refs < nr || b->chunk_pins < pins);
	c->refs -= nr;
	b->chunk_pins -= pins;
	last = !c->refs;
	if (last) {
		ioas_list_del(&c->link);
		b->nr_chunks--;
	}
	ioas_mutex_unlock(&b->lock);
	if (!last)
		return;
	ioas_frames_free(b->frames, c->first);
	ioas_chunk_unmap(c);
	ioas_free(c, sizeof(*c));
}

static void chunk_unpinned(struct ioas_backing *o, uint64_t nr)
{
	chunk_put(ioas_container_of(o, struct ioas_chunk, head), nr, nr);
}

static int chunk_create(struct ioas_backings *b, uint64_t dev, uint64_t ino,
			uint64_t index, struct ioas_chunk **out)
	__must_hold(b->lock)
{
	struct ioas_chunk *c = ioas_zalloc(sizeof(*c), IOAS_FP_ALLOC_LIST);
	struct ioas_frames_owner by = { .ops = &ioas_chunk_frames };
	int ret;

	if (!c)
		return -ENOMEM;
	c->head = (struct ioas_backing){ .nr_frames = IOAS_CHUNK_PAGES,
					 .unpinned = chunk_unpinned };
	by.owner = &c->head;
	c->b = b;
	c->dev = dev;
	c->ino = ino;
	c->index = index;
	ret = ioas_frames_alloc(b->frames, IOAS_CHUNK_PAGES, &by, &c->first);
	if (ret) {
		ioas_free(c, sizeof(*c));
		return -ENOMEM;
	}
	ioas_list_add_tail(chunk_slot(b, dev, ino, index), &c->link);
	b->nr_chunks++;
	*out = c;
	return 0;
}

/* The chunk, with one reference. 0 or -ENOMEM. */
static int chunk_get(struct ioas_backings *b,
		     const struct ioas_chunk_source *src, uint64_t index,
		     struct ioas_chunk **out)
{
	struct ioas_chunk *c;
	int ret = 0;

	ioas_mutex_lock(&b->lock, IOAS_RANK_ORIGIN);
	c = chunk_find(b, src->dev, src->ino, index);
	if (!c)
		ret = chunk_create(b, src->dev, src->ino, index, &c);
	if (!ret) {
		c->refs++;
		*out = c;
	}
	ioas_mutex_unlock(&b->lock);
	return ret;
}

/* Turn one reference into @nr pins. */
static void chunk_pinned(struct ioas_chunk *c, uint64_t nr)
{
	ioas_mutex_lock(&c->b->lock, IOAS_RANK_ORIGIN);
	c->refs += nr - 1;
	c->b->chunk_pins += nr;
	ioas_mutex_unlock(&c->b->lock);
}

int ioas_backings_admit(struct ioas_backings *b, uint64_t dev, uint64_t ino,
			uint64_t page, bool write)
{
	enum ioas_mount_kind kind;
	bool known;
	int ret;

	for (unsigned int i = 0; i < IOAS_BACKINGS_MOUNTS; i++)
		if (b->memory_dev[i] && b->memory_dev[i] == dev)
			return 0;
	ioas_mutex_lock(&b->lock, IOAS_RANK_ORIGIN);
	known = chunk_find(b, dev, ino, page >> IOAS_CHUNK_LG2);
	ioas_mutex_unlock(&b->lock);
	if (known)
		return 0;
	ret = ioas_mount_find(dev, &kind);
	if (ret || kind == IOAS_MOUNT_MEMORY)
		return ret;
	return write && kind == IOAS_MOUNT_STORAGE ? -EFAULT : -EOPNOTSUPP;
}

/* ---- pins --------------------------------------------------------------- */

int ioas_backings_pin_file(struct ioas_backings *b,
			   const struct ioas_chunk_source *src, uint64_t page,
			   uint64_t nr, struct ioas_pin_request *rq)
{
	struct ioas_chunk *c;
	uint64_t at, done;
	int ret = 0;

	for (; nr && !ret; page += done, nr -= done) {
		ret = chunk_get(b, src, page >> IOAS_CHUNK_LG2, &c);
		if (ret)
			return ret;
		at = page & (IOAS_CHUNK_PAGES - 1);
		done = 0;
		if (!ioas_request_room(rq, c->first + at)) {
			chunk_put(c, 1, 0);
			return 0;
		}
		ret = ioas_chunk_populate(c, src, at,
					  ioas_min(nr, IOAS_CHUNK_PAGES - at),
					  rq->write, &done);
		if (ret) {
			chunk_put(c, 1, 0);
			return ret;
		}
		chunk_pinned(c, done);
		ioas_request_append(rq, c->first + at, done);
	}
	return ret;
}

static void device_unpinned(struct ioas_backings *b, uint64_t nr)
{
	const uint64_t had = atomic_fetch_sub_explicit(&b->device_pins, nr,
						       memory_order_relaxed);

	IOAS_CHECK(had < nr);
}

void ioas_backings_unpin(struct ioas_backings *b, ioas_pfn_t pfn, uint64_t nr)
{
	while (nr) {
		struct ioas_backing *of;
		uint64_t page, n;
		void *owner;

		if (IOAS_CHECK(!ioas_frames_lookup(b->frames, pfn, &owner,
						   &page)))
			return;
		of = owner;
		n = ioas_min(nr, (of ? of->nr_frames : b->frames->identity_nr) -
					 page);
		if (of)
			of->unpinned(of, n);
		else
			device_unpinned(b, n);
		pfn += n;
		nr -= n;
	}
}

/* ---- ops that the origins share ----------------------------------------- */

static struct ioas_backings *backings_of(struct ioas_origin *o)
{
	return ioas_container_of(o, struct ioas_backed_origin, head)->b;
}

void ioas_backed_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		       bool dirty)
{
	(void)dirty;
	ioas_backings_unpin(backings_of(o), pfn, nr);
}

void *ioas_backed_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	return ioas_frames_pointer(backings_of(o)->frames, pfn);
}

int ioas_backed_copy_frame(struct ioas_origin *o, ioas_pfn_t pfn,
			   uint64_t offset, void *buffer, uint64_t length,
			   bool write)
{
	if (ioas_fault_point(IOAS_FP_COPY))
		return -EFAULT;
	return ioas_frames_copy(backings_of(o)->frames, pfn, offset, buffer,
				length, write);
}

int ioas_backed_pin_start(struct ioas_pin_request *rq)
{
	if (IOAS_CHECK(!rq->nr || !rq->max_runs))
		return -EINVAL;
	if (ioas_fault_point(IOAS_FP_PIN))
		return -EFAULT;
	rq->nr_runs = 0;
	rq->nr_pinned = 0;
	return 0;
}
