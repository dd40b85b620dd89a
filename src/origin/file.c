/* SPDX-License-Identifier: MIT */
/*
 * file: memory that is a file: memfd, tmpfs, hugetlbfs
 *
 *   page index = offset / page size --> chunk of (dev, ino, page)
 *
 * Frames are those that a mapping of the file has by origin `user`. Missing
 * pages are allocated by a pin. What the descriptor was opened for does not
 * count; the permissions of the file do, because it is opened again for what is
 * missing.
 *
 * What this waives of docs/reference/ioas-core.md 4.2:
 *  - The file is held, its pages are not: after it is truncated devices fail
 *    with -EFAULT where a pinned page would have lived on, and where a hole is
 *    punched they see the new, empty page.
 *  - A memfd sealed against writing cannot be pinned for writing.
 *  - Folios: pages are counted one by one, so there is nothing to hide. A huge
 *    page is as many consecutive frames, within a chunk of 1 GiB.
 *
 * No locks of its own.
 */
#include "origin/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "seam/fault.h"

struct file {
	struct ioas_backed_origin o;
	/* Set once. */
	struct ioas_chunk_source src;
	/* Its pages are its memory. */
	bool memory;
};

static struct file *file_of(struct ioas_origin *o)
{
	return ioas_container_of(o, struct file, o.head);
}

/* Pages of the file that are complete. */
static uint64_t file_pages(const struct file *f)
{
	struct stat st;

	return fstat(f->src.fd, &st) || st.st_size < 0 ?
		       0 :
		       (uint64_t)st.st_size >> f->o.head.page_lg2;
}

static int file_pin(struct ioas_origin *o, struct ioas_pin_request *rq)
{
	struct file *f = file_of(o);
	uint64_t size;
	int ret = ioas_backed_pin_start(rq);

	if (ret)
		return ret;
	size = f->memory ? file_pages(f) : 0;
	if (rq->first >= size)
		return -EINVAL;
	ret = ioas_backings_pin_file(f->o.b, &f->src, rq->first,
				     ioas_min(rq->nr, size - rq->first), rq);
	if (rq->nr_pinned || !ret)
		return 0;
	/* Within the file only a lack of memory remains, or a seal. */
	return rq->first >= file_pages(f) ? -EINVAL : ret;
}

static void file_destroy(struct ioas_origin *o)
{
	struct file *f = file_of(o);

	close(f->src.fd);
	ioas_free(f, sizeof(*f));
}

static const struct ioas_origin_ops file_ops = {
	.name = "file",
	.pin = file_pin,
	.unpin = ioas_backed_unpin,
	.pointer = ioas_backed_pointer,
	.copy_frame = ioas_backed_copy_frame,
	.destroy = file_destroy,
};

/* A descriptor of our own: 0, -EBADF or -ENOMEM. */
static int file_open(struct file *f, int fd)
{
	struct statfs sfs;
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || flags & O_PATH)
		return -EBADF;
	f->src.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (f->src.fd < 0)
		return errno == EBADF ? -EBADF : -ENOMEM;
	if (fstat(f->src.fd, &st) || fstatfs(f->src.fd, &sfs))
		return 0;
	f->src.dev = ioas_vma_dev(major(st.st_dev), minor(st.st_dev));
	f->src.ino = st.st_ino;
	f->memory = S_ISREG(st.st_mode) &&
		    ((uint32_t)sfs.f_type == TMPFS_MAGIC ||
		     (uint32_t)sfs.f_type == HUGETLBFS_MAGIC);
	return 0;
}

int ioas_origin_file_create(struct ioas_backings *b, int fd,
			    struct ioas_origin **out)
{
	struct file *f = ioas_zalloc(sizeof(*f), IOAS_FP_ALLOC_SPACE);
	int ret;

	if (!f)
		return -ENOMEM;
	ioas_origin_init(&f->o.head, &file_ops, b->frames->page_lg2,
			 IOAS_ORIGIN_FILE);
	f->o.b = b;
	ret = file_open(f, fd);
	if (ret) {
		ioas_free(f, sizeof(*f));
		return ret;
	}
	*out = &f->o.head;
	return 0;
}
