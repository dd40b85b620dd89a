/* SPDX-License-Identifier: MIT */
/*
 * chunk: views of shared memory
 *
 * Without a descriptor, a second mapping of shared memory comes from mremap()
 * with an old length of zero. That names an address, where the client may have
 * mapped something else since we looked; so what came out of it is looked at
 * before it is used. Huge pages cannot be duplicated like this: their mapping
 * is opened through /proc/self/map_files, which needs privilege.
 *
 * Views are not inherited by a child, which would keep the memory alive.
 */
#include "origin/chunk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "origin/reach.h"

static uint8_t chunk_lg2(const struct ioas_chunk *c)
{
	return c->b->frames->page_lg2;
}

static struct ioas_chunk *chunk_of(void *owner)
{
	return ioas_container_of((struct ioas_backing *)owner,
				 struct ioas_chunk, head);
}

static char *view_address(const struct ioas_chunk *c,
			  const struct ioas_chunk_view *v, uint64_t page)
{
	return v->map + (size_t)((page - v->from) << chunk_lg2(c));
}

static bool view_has(const struct ioas_chunk_view *v, uint64_t page)
{
	return page >= v->from && page < v->end;
}

/* A view that has @page; NULL: there is none yet. */
static const struct ioas_chunk_view *chunk_view(const struct ioas_chunk *c,
						uint64_t page, bool write)
	__must_hold_shared(c->lock)
{
	if (view_has(&c->view[1], page))
		return &c->view[1];
	return !write && view_has(&c->view[0], page) ? &c->view[0] : NULL;
}

static void view_unmap(const struct ioas_chunk *c,
		       const struct ioas_chunk_view *v)
{
	/* If it fails, at the limit of mappings, some address space is lost. */
	if (v->end)
		munmap(v->map, (size_t)((v->end - v->from) << chunk_lg2(c)));
}

/* ---- from a descriptor -------------------------------------------------- */

static void *fd_map(int fd, int prot, size_t length, off_t at)
{
	return mmap(NULL, length, prot, MAP_SHARED | MAP_NORESERVE, fd, at);
}

/* What @fd was opened for does not count (iommufd-uapi 6.16). */
static void *fd_map_again(int fd, int prot, size_t length, off_t at)
{
	void *map = MAP_FAILED;
	char path[32];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (again >= 0) {
		map = fd_map(again, prot, length, at);
		close(again);
	}
	return map;
}

/* Pages of the chunk that may be mapped without changing the file. */
static uint64_t fd_pages(const struct ioas_chunk *c, int fd)
{
	const uint64_t before = c->index << IOAS_CHUNK_LG2;
	struct statfs sfs;
	struct stat st;
	uint64_t size;

	if (fstat(fd, &st) || fstatfs(fd, &sfs))
		return 0;
	if ((uint32_t)sfs.f_type != HUGETLBFS_MAGIC)
		return IOAS_CHUNK_PAGES;
	size = (uint64_t)st.st_size >> chunk_lg2(c);
	return size > before ? ioas_min(size - before, IOAS_CHUNK_PAGES) : 0;
}

static int view_from_fd(const struct ioas_chunk *c, int fd, bool write,
			struct ioas_chunk_view *v)
{
	const int prot = PROT_READ | (write ? PROT_WRITE : 0);
	const uint64_t nr = fd_pages(c, fd);
	const size_t length = (size_t)(nr << chunk_lg2(c));
	const off_t at = (off_t)(c->index << (IOAS_CHUNK_LG2 + chunk_lg2(c)));
	void *map;

	if (!nr)
		return -EFAULT;
	map = fd_map(fd, prot, length, at);
	if (map == MAP_FAILED && errno == EACCES)
		map = fd_map_again(fd, prot, length, at);
	if (map == MAP_FAILED)
		return errno == ENOMEM ? -ENOMEM : -EFAULT;
	*v = (struct ioas_chunk_view){ .map = map, .end = nr };
	return 0;
}

/* ---- from a mapping of the client --------------------------------------- */

/* 0 or -EOPNOTSUPP. */
static int view_from_map_file(const struct ioas_chunk *c,
			      const struct ioas_vma *vma, bool write,
			      struct ioas_chunk_view *v)
{
	int ret = -EFAULT, fd;
	struct stat st;
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/map_files/%llx-%llx",
		 (unsigned long long)vma->start,
		 (unsigned long long)vma->last + 1);
	fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (fd < 0)
		return -EOPNOTSUPP;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == c->ino &&
	    ioas_vma_dev(major(st.st_dev), minor(st.st_dev)) == c->dev)
		ret = view_from_fd(c, fd, write, v);
	close(fd);
	return ret ? -EOPNOTSUPP : 0;
}

/* Is all of @v this chunk? */
static bool view_verify(const struct ioas_chunk *c,
			const struct ioas_chunk_view *v, struct ioas_vma *own)
{
	const uint8_t lg2 = chunk_lg2(c);
	const uint64_t page = (c->index << IOAS_CHUNK_LG2) + v->from;
	const uint64_t at = (uintptr_t)v->map;

	return !ioas_vma_find(&c->b->self.vmas, at, own) &&
	       own->flags & IOAS_VMA_SHARED && own->dev == c->dev &&
	       own->ino == c->ino &&
	       own->offset + (at - own->start) == page << lg2 &&
	       own->last - at >= ((v->end - v->from) << lg2) - 1;
}

/* *@writable: what came out of it. 0, -EFAULT (not this file), -EOPNOTSUPP. */
static int view_from_vma(const struct ioas_chunk *c, const struct ioas_vma *vma,
			 bool write, struct ioas_chunk_view *v, bool *writable)
{
	const uint8_t lg2 = chunk_lg2(c);
	const uint64_t first = c->index << IOAS_CHUNK_LG2;
	const uint64_t vma_first = vma->offset >> lg2;
	const uint64_t start = ioas_max(first, vma_first);
	const uint64_t at = vma->start + ((start - vma_first) << lg2);
	const size_t length =
		(size_t)((first + IOAS_CHUNK_PAGES - start) << lg2);
	struct ioas_vma own;

	*writable = write;
	v->map = mremap((void *)(uintptr_t)at, 0, length, MREMAP_MAYMOVE);
	if (v->map == MAP_FAILED)
		return view_from_map_file(c, vma, write, v);
	v->from = start - first;
	v->end = IOAS_CHUNK_PAGES;
	if (!view_verify(c, v, &own))
		goto err_unmap;
	*writable = own.flags & IOAS_VMA_WRITE;
	if (mprotect(v->map, length, PROT_READ | (*writable ? PROT_WRITE : 0)))
		goto err_unmap;
	/* A lock of the client's is not ours. */
	munlock(v->map, length);
	return 0;

err_unmap:
	view_unmap(c, v);
	return -EFAULT;
}

/* ---- the chunk ---------------------------------------------------------- */

/* Nothing can shrink a memfd with this seal, nor take the seal off. */
static void chunk_settle(struct ioas_chunk *c, int fd)
	__must_hold_shared(c->lock)
{
	const struct ioas_chunk_view *v = &c->view[1];
	int seals;

	if (fd < 0 || c->dev != c->b->memory_dev[0] || v->from ||
	    v->end != IOAS_CHUNK_PAGES)
		return;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals >= 0 && seals & F_SEAL_SHRINK)
		atomic_store_explicit(&c->steady, v->map, memory_order_release);
}

/* From the file behind another process's mapping; *@fd: to be closed. */
static int view_from_peer(const struct ioas_chunk *c,
			  const struct ioas_chunk_source *src, bool write,
			  struct ioas_chunk_view *v, int *fd)
{
	int ret;

	*fd = src->space->ops->open(src->space, src->vma, write);
	if (*fd < 0)
		return *fd;
	ret = view_from_fd(c, *fd, write, v);
	/* Of what may not be mapped here, bytes can still be reached there. */
	return ret ? -EOPNOTSUPP : 0;
}

static int view_new(const struct ioas_chunk *c,
		    const struct ioas_chunk_source *src, bool *writable,
		    struct ioas_chunk_view *v, int *fd)
{
	if (src->fd >= 0)
		return view_from_fd(c, src->fd, *writable, v);
	if (src->space && src->space->ops->open)
		return view_from_peer(c, src, *writable, v, fd);
	return view_from_vma(c, src->vma, *writable, v, writable);
}

/* Let there be a view of @page: 0, -EFAULT, -ENOMEM or -EOPNOTSUPP. */
static int chunk_open(struct ioas_chunk *c, const struct ioas_chunk_source *src,
		      uint64_t page, bool write)
{
	struct ioas_chunk_view new = { 0 };
	bool writable = write;
	int ret = 0, fd = -1;

	ioas_write_lock(&c->lock, IOAS_RANK_ORIGIN);
	if (chunk_view(c, page, write))
		goto out_unlock;
	ret = view_new(c, src, &writable, &new, &fd);
	if (ret)
		goto out_unlock;
	if (!view_has(&new, page)) {
		/* A file of huge pages that ends before it. */
		view_unmap(c, &new);
		ret = -EFAULT;
		goto out_unlock;
	}
	madvise(new.map, (size_t)((new.end - new.from) << chunk_lg2(c)),
		MADV_DONTFORK);
	/* The old one lacks @page, so it ends before or begins after it. */
	view_unmap(c, &c->view[writable]);
	c->view[writable] = new;
	chunk_settle(c, fd);
out_unlock:
	ioas_write_unlock(&c->lock);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* 1: there is no view of @page. */
static int view_populate(struct ioas_chunk *c,
			 const struct ioas_chunk_source *src, uint64_t page,
			 uint64_t nr, bool write, uint64_t *done)
{
	const struct ioas_chunk_view *v;
	int ret = 1;

	ioas_read_lock(&c->lock, IOAS_RANK_ORIGIN);
	v = chunk_view(c, page, write);
	if (v)
		ret = ioas_reach_populate((uintptr_t)view_address(c, v, page),
					  ioas_min(nr, v->end - page),
					  chunk_lg2(c), write, done);
	if (!ret && !atomic_load_explicit(&c->steady, memory_order_relaxed))
		chunk_settle(c, src->fd);
	ioas_read_unlock(&c->lock);
	return ret;
}

int ioas_chunk_populate(struct ioas_chunk *c,
			const struct ioas_chunk_source *src, uint64_t page,
			uint64_t nr, bool write, uint64_t *done)
{
	int ret = view_populate(c, src, page, nr, write, done);

	if (ret <= 0)
		return ret;
	ret = chunk_open(c, src, page, write);
	if (!ret)
		ret = view_populate(c, src, page, nr, write, done);
	/* What came out of it was not writable. */
	return ret > 0 ? -EFAULT : ret;
}

void ioas_chunk_unmap(struct ioas_chunk *c) __no_lock_analysis
{
	view_unmap(c, &c->view[0]);
	view_unmap(c, &c->view[1]);
}

/* ---- for the frame space ------------------------------------------------ */

static void *chunk_pointer(void *owner, uint64_t page)
{
	struct ioas_chunk *c = chunk_of(owner);
	char *steady = atomic_load_explicit(&c->steady, memory_order_acquire);

	return steady ? steady + (size_t)(page << chunk_lg2(c)) : NULL;
}

static int chunk_copy(void *owner, uint64_t page, uint64_t offset, void *buffer,
		      uint64_t length, bool write)
{
	struct ioas_chunk *c = chunk_of(owner);
	const struct ioas_chunk_view *v;
	int ret = -EFAULT;

	ioas_read_lock(&c->lock, IOAS_RANK_ORIGIN);
	v = chunk_view(c, page, write);
	if (v)
		ret = ioas_reach_copy((uintptr_t)view_address(c, v, page) +
					      offset,
				      buffer, length, write);
	ioas_read_unlock(&c->lock);
	return ret;
}

static int chunk_copy_pieces(void *owner,
			     const struct ioas_frames_piece *pieces,
			     uint32_t nr, bool write, uint64_t *done)
{
	struct iovec local[IOAS_FRAMES_BATCH], remote[IOAS_FRAMES_BATCH];
	struct ioas_reach_vector v = { local, remote, 0 };
	struct ioas_chunk *c = chunk_of(owner);
	int ret;

	ioas_read_lock(&c->lock, IOAS_RANK_ORIGIN);
	for (; v.nr < nr; v.nr++) {
		const struct ioas_frames_piece *pc = &pieces[v.nr];
		const struct ioas_chunk_view *w =
			chunk_view(c, pc->pfn, write);

		if (!w)
			break;
		local[v.nr] = (struct iovec){ pc->buffer, (size_t)pc->length };
		remote[v.nr] = (struct iovec){
			view_address(c, w, pc->pfn) + (size_t)pc->offset,
			(size_t)pc->length
		};
	}
	ret = ioas_reach_vector(getpid(), &v, write, done);
	ioas_read_unlock(&c->lock);
	return ret || v.nr < nr ? -EFAULT : 0;
}

const struct ioas_frames_ops ioas_chunk_frames = {
	.pointer = chunk_pointer,
	.copy = chunk_copy,
	.copy_pieces = chunk_copy_pieces,
};
