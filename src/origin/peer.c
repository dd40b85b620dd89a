/* SPDX-License-Identifier: MIT */
/*
 * peer: the memory of a client in another process, which is not trusted
 *
 *   what                by pid                      without
 *   arguments, adopt    process_vm_*                VMAs checked, then mem
 *   pinned pages        process_vm_*, the rest mem  mem
 *   is a page there     process_vm_readv, a byte    mem, a byte
 *   file of a mapping   map_files, else fd          -
 *
 * A number is of this memory as long as somebody uses the memory (the held
 * descriptors say so) and it was not said to execute. That is asked once for a
 * call: after a read, whose bytes are thrown away if the answer is no, and
 * before a write. A write can thus meet a process that has executed meanwhile,
 * but only one that nobody announced, or by the few instructions in between:
 * and it is a process of the client's own, which could do so itself.
 *
 * What this waives of docs/reference/ioas-core.md 4.2, beyond what user.c says:
 *  - Nothing is faulted in from outside. Private anonymous memory needs only
 *    be mapped to be pinned; private mappings of files are looked at, page by
 *    page, so that what lies beyond the end of the file is -EFAULT.
 *  - Private memory goes with the process: once nobody uses the address space,
 *    pinned pages of it are -EFAULT. Protection of it does not matter to
 *    devices, as with a page that the kernel has pinned.
 *  - Shared memory is held if it can be opened: with privilege always, else if
 *    the process has a descriptor of it, to which we have a right. So shared
 *    anonymous memory without privilege is treated as private memory is.
 *  - The guard says that the process is there; it does not keep it.
 *
 * No locks of its own.
 */
#include "origin/peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/mem.h"
#include "origin/reach.h"
#include "seam/fault.h"

/* Descriptors of a client that are looked at for a file: many, but bounded. */
#define SEARCH_MAX 65536u

static struct ioas_peer *peer_of(struct ioas_vspace *s)
{
	return ioas_container_of(s, struct ioas_peer, space);
}

/* ---- through the held descriptors --------------------------------------- */

bool ioas_peer_alive(const struct ioas_peer *p)
{
	const int ret = ioas_vmas_used(&p->space.vmas);
	char byte;

	/* Nothing comes of memory that is gone, an error of a hole. */
	if (ret == -EOPNOTSUPP)
		return pread(p->mem, &byte, 1, 0) != 0;
	return !ret;
}

/* *@done: bytes copied. 0 or -EFAULT. */
static int mem_copy(const struct ioas_peer *p, uint64_t address, void *buffer,
		    uint64_t length, bool write, uint64_t *done)
{
	char *buf = buffer;

	for (*done = 0; *done < length;) {
		const size_t n =
			(size_t)ioas_min(length - *done, (uint64_t)1 << 30);
		const off_t at = (off_t)(address + *done);
		const ssize_t got = write ? pwrite(p->mem, buf + *done, n, at) :
					    pread(p->mem, buf + *done, n, at);

		if (got <= 0)
			return -EFAULT;
		*done += (uint64_t)got;
	}
	return 0;
}

/* The descriptor knows no protection, so the mappings are asked first. */
static int mem_access(const struct ioas_peer *p, uint64_t address, void *buffer,
		      uint64_t length, bool write)
{
	const unsigned int need = write ? IOAS_VMA_WRITE : IOAS_VMA_READ;
	char *buf = buffer;

	while (length) {
		struct ioas_vma vma;
		uint64_t n, done;

		if (ioas_vma_find(&p->space.vmas, address, &vma) ||
		    !(vma.flags & need))
			return -EFAULT;
		n = ioas_min(length - 1, vma.last - address) + 1;
		if (mem_copy(p, address, buf, n, write, &done))
			return -EFAULT;
		address += n;
		buf += n;
		length -= n;
	}
	return 0;
}

static uint64_t mem_probe(const struct ioas_peer *p, uint64_t address,
			  uint64_t nr)
{
	const uint8_t lg2 = p->space.b->frames->page_lg2;
	uint64_t good = 0;
	char byte;

	while (good < nr &&
	       pread(p->mem, &byte, 1, (off_t)(address + (good << lg2))) == 1)
		good++;
	return good;
}

/* ---- by number ---------------------------------------------------------- */

void ioas_peer_executed(struct ioas_peer *p)
{
	atomic_store(&p->executed, true);
}

void ioas_peer_stayed(struct ioas_peer *p)
{
	atomic_store(&p->executed, false);
}

/* Whoever has the number has this memory. */
static bool pid_is_peer(const struct ioas_peer *p)
{
	return !atomic_load(&p->executed) && ioas_peer_alive(p);
}

/*
 * *@done: bytes copied. Return: 0, -EFAULT (not there), or -ESRCH, -EPERM: it
 * has to be tried without the number.
 */
static int pid_vector(const struct ioas_peer *p,
		      const struct ioas_reach_vector *v, bool write,
		      uint64_t *done)
{
	int ret;

	*done = 0;
	if (write ? !pid_is_peer(p) : atomic_load(&p->executed))
		return -ESRCH;
	ret = ioas_reach_vector(p->pid, v, write, done);
	if (write || pid_is_peer(p))
		return ret;
	/* Perhaps a stranger's bytes. */
	for (uint32_t i = 0; i < v->nr; i++)
		memset(v->local[i].iov_base, 0, v->local[i].iov_len);
	*done = 0;
	return -ESRCH;
}

static int pid_copy(const struct ioas_peer *p, uint64_t address, void *buffer,
		    uint64_t length, bool write, uint64_t *done)
{
	const struct iovec local = { buffer, (size_t)length };
	const struct iovec remote = { (void *)(uintptr_t)address,
				      (size_t)length };
	const struct ioas_reach_vector v = { &local, &remote, 1 };

	return pid_vector(p, &v, write, done);
}

/* ---- ops of the address space ------------------------------------------- */

static int peer_access(struct ioas_vspace *s, uint64_t address, void *buffer,
		       uint64_t length, bool write)
{
	const struct ioas_peer *p = peer_of(s);
	uint64_t done;
	int ret = pid_copy(p, address, buffer, length, write, &done);

	if (ret && ret != -EFAULT)
		ret = mem_access(p, address, buffer, length, write);
	return ret;
}

/* As mem_copy(), of pinned pages: if they are not there, they are lost. */
static int mem_reach(const struct ioas_peer *p, uint64_t address, void *buffer,
		     uint64_t length, bool write, uint64_t *done)
{
	const int ret = mem_copy(p, address, buffer, length, write, done);

	if (ret && p->ops && p->ops->lost)
		p->ops->lost(p->data, p->pid, address + *done);
	return ret;
}

/* What the number does not give, for whatever reason, the descriptor may. */
static int peer_reach_vector(struct ioas_vspace *s,
			     const struct ioas_reach_vector *v, bool write,
			     uint64_t *done)
{
	const struct ioas_peer *p = peer_of(s);
	int ret = pid_vector(p, v, write, done);
	uint64_t skip = *done, more;

	if (!ret)
		return 0;
	ret = 0;
	for (uint32_t i = 0; i < v->nr && !ret; i++) {
		const struct iovec *l = &v->local[i];
		const uint64_t at = (uintptr_t)v->remote[i].iov_base;
		const size_t n = (size_t)ioas_min(skip, l->iov_len);

		skip -= n;
		ret = mem_reach(p, at + n, (char *)l->iov_base + n,
				l->iov_len - n, write, &more);
		*done += more;
	}
	return ret;
}

static int peer_reach(struct ioas_vspace *s, uint64_t address, void *buffer,
		      uint64_t length, bool write)
{
	const struct iovec local = { buffer, (size_t)length };
	const struct iovec remote = { (void *)(uintptr_t)address,
				      (size_t)length };
	const struct ioas_reach_vector v = { &local, &remote, 1 };
	uint64_t done;

	return peer_reach_vector(s, &v, write, &done);
}

/*
 * Nothing can be missing of memory that needs no file, but what looks like it
 * may be a device's: those cannot be written, so that a look is cheap.
 */
static bool is_sure(const struct ioas_vma *vma)
{
	return !vma->ino && !vma->dev && !(vma->flags & IOAS_VMA_SHARED) &&
	       vma->flags & IOAS_VMA_WRITE;
}

static int peer_populate(struct ioas_vspace *s, const struct ioas_vma *vma,
			 uint64_t address, uint64_t nr, bool write,
			 uint64_t *done)
{
	const struct ioas_peer *p = peer_of(s);
	int ret = -ESRCH;

	(void)write;
	*done = nr;
	if (is_sure(vma))
		return 0;
	if (!atomic_load(&p->executed))
		ret = ioas_reach_probe(p->pid, address, nr,
				       s->b->frames->page_lg2, done);
	if ((ret && ret != -EFAULT) || !pid_is_peer(p))
		*done = mem_probe(p, address, nr);
	return *done ? 0 : -EFAULT;
}

static bool peer_deny(struct ioas_vspace *s, const struct ioas_vma *vma)
{
	const struct ioas_peer *p = peer_of(s);

	return vma->ino && p->ops && p->ops->deny &&
	       p->ops->deny(p->data, vma->dev, vma->ino);
}

static void *peer_device(struct ioas_vspace *s, const struct ioas_vma *vma,
			 uint64_t address, uint64_t *nr)
{
	const struct ioas_peer *p = peer_of(s);
	const uint8_t lg2 = s->b->frames->page_lg2;
	uint64_t length = *nr << lg2;
	void *memory = NULL;

	if (vma->flags & IOAS_VMA_SHARED && p->ops && p->ops->device)
		memory = p->ops->device(p->data, vma->dev, vma->ino,
					vma->offset + (address - vma->start),
					&length);
	*nr = length >> lg2;
	return memory;
}

/* ---- the file of a mapping ---------------------------------------------- */

static bool is_file(const struct stat *st, const struct ioas_vma *vma)
{
	return S_ISREG(st->st_mode) && st->st_ino == vma->ino &&
	       ioas_vma_dev(major(st->st_dev), minor(st->st_dev)) == vma->dev;
}

/*
 * Take hold of what is behind a name of another process, see that it is the
 * file, and only then open it. -1: it is not, or it cannot be opened.
 */
static int file_open(int dir, const char *name, const struct ioas_vma *vma,
		     bool write)
{
	const int hold = openat(dir, name, O_PATH | O_CLOEXEC);
	char path[32];
	struct stat st;
	int fd = -1;

	if (hold < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", hold);
	if (!fstat(hold, &st) && is_file(&st, vma))
		fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	close(hold);
	return fd;
}

/* Needs privilege. */
static int map_file_open(const struct ioas_peer *p, const struct ioas_vma *vma,
			 bool write)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx",
		 (int)p->pid, (unsigned long long)vma->start,
		 (unsigned long long)vma->last + 1);
	return file_open(AT_FDCWD, path, vma, write);
}

static int descriptor_open(const struct ioas_peer *p,
			   const struct ioas_vma *vma, bool write)
{
	unsigned int left = SEARCH_MAX;
	struct dirent *entry;
	char path[32];
	int fd = -1;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)p->pid);
	d = opendir(path);
	if (!d)
		return -1;
	while (fd < 0 && left-- && (entry = readdir(d))) {
		struct stat st;

		if (!fstatat(dirfd(d), entry->d_name, &st, 0) &&
		    is_file(&st, vma))
			fd = file_open(dirfd(d), entry->d_name, vma, write);
	}
	closedir(d);
	return fd;
}

static int peer_open(struct ioas_vspace *s, const struct ioas_vma *vma,
		     bool write)
{
	const struct ioas_peer *p = peer_of(s);
	int fd = -1;

	if (!atomic_load(&p->executed))
		fd = map_file_open(p, vma, write);
	if (fd < 0 && !atomic_load(&p->executed))
		fd = descriptor_open(p, vma, write);
	return fd < 0 ? -EOPNOTSUPP : fd;
}

/* ---- life --------------------------------------------------------------- */

/* Drop @nr references. */
static void peer_drop(struct ioas_vspace *s, uint64_t nr)
{
	struct ioas_peer *p = peer_of(s);

	if (atomic_fetch_sub_explicit(&p->refs, nr, memory_order_acq_rel) != nr)
		return;
	ioas_vspace_fini(s);
	ioas_vmas_close(&s->vmas);
	close(p->mem);
	atomic_fetch_sub_explicit(&s->b->nr_peers, 1, memory_order_relaxed);
	ioas_free(p, sizeof(*p));
}

static void peer_hold(struct ioas_vspace *s, uint64_t nr)
{
	atomic_fetch_add_explicit(&peer_of(s)->pinned, nr,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&peer_of(s)->refs, nr, memory_order_relaxed);
}

static void peer_release(struct ioas_vspace *s, uint64_t nr)
{
	atomic_fetch_sub_explicit(&peer_of(s)->pinned, nr,
				  memory_order_relaxed);
	peer_drop(s, nr);
}

uint64_t ioas_peer_pinned(const struct ioas_peer *p)
{
	return atomic_load_explicit(&p->pinned, memory_order_relaxed);
}

static const struct ioas_vspace_ops peer_space = {
	.populate = peer_populate,
	.access = peer_access,
	.reach = peer_reach,
	.reach_vector = peer_reach_vector,
	.open = peer_open,
	.deny = peer_deny,
	.device = peer_device,
	.hold = peer_hold,
	.drop = peer_release,
};

static int peer_open_mem(struct ioas_peer *p)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)p->pid);
	p->mem = open(path, O_RDWR | O_CLOEXEC);
	return p->mem < 0 ? ioas_vmas_error(errno) : 0;
}

/*
 * If it executed in between, the descriptors are of two memories; but then
 * nobody uses the first of them any more.
 */
static int peer_is_one(const struct ioas_peer *p)
{
	char byte;

	return ioas_peer_alive(p) && pread(p->mem, &byte, 1, 0) ? 0 : -ESRCH;
}

int ioas_peer_create(struct ioas_backings *b, pid_t pid, const void *mm_tag,
		     const struct ioas_peer_ops *ops, void *data,
		     struct ioas_peer **out)
{
	struct ioas_peer *p = ioas_zalloc(sizeof(*p), IOAS_FP_ALLOC_SPACE);
	int ret;

	if (!p)
		return -ENOMEM;
	p->pid = pid;
	p->mm = mm_tag;
	p->ops = ops;
	p->data = data;
	atomic_init(&p->refs, 1);
	ret = peer_open_mem(p);
	if (ret)
		goto err_free;
	ret = ioas_vmas_open_peer(&p->space.vmas, pid);
	if (ret)
		goto err_close;
	ret = peer_is_one(p);
	if (!ret)
		ret = ioas_vspace_init(&p->space, b, &peer_space);
	if (ret)
		goto err_vmas;
	atomic_fetch_add_explicit(&b->nr_peers, 1, memory_order_relaxed);
	*out = p;
	return 0;

err_vmas:
	ioas_vmas_close(&p->space.vmas);
err_close:
	close(p->mem);
err_free:
	ioas_free(p, sizeof(*p));
	return ret;
}

struct ioas_peer *ioas_peer_get(struct ioas_peer *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void ioas_peer_put(struct ioas_peer *p)
{
	if (p)
		peer_drop(&p->space, 1);
}

/* ---- arguments ---------------------------------------------------------- */

static bool is_address(uint64_t address, size_t n)
{
	uint64_t last;

	return ioas_last(address, n, &last) &&
	       !(last >> IOAS_FRAMES_IDENTITY_LG2);
}

int ioas_peer_read(struct ioas_peer *p, void *dst, uint64_t src, size_t n)
{
	if (!n)
		return 0;
	return is_address(src, n) ?
		       peer_access(&p->space, src, dst, n, false) :
		       -EFAULT;
}

int ioas_peer_write(struct ioas_peer *p, uint64_t dst, const void *src,
		    size_t n)
{
	if (!n)
		return 0;
	/* Nothing is written to @src. */
	return is_address(dst, n) ?
		       peer_access(&p->space, dst, (void *)(uintptr_t)src, n,
				   true) :
		       -EFAULT;
}

/* ---- the origin --------------------------------------------------------- */

static struct ioas_peer *origin_peer(struct ioas_origin *o)
{
	return peer_of(ioas_container_of(o, struct ioas_vspace_origin, o.head)
			       ->space);
}

static int origin_get_alive(struct ioas_origin *o)
{
	if (ioas_fault_point(IOAS_FP_ALIVE))
		return -EFAULT;
	return ioas_peer_alive(origin_peer(o)) ? 0 : -EFAULT;
}

static void origin_destroy(struct ioas_origin *o)
{
	struct ioas_peer *p = origin_peer(o);

	ioas_free(ioas_container_of(o, struct ioas_vspace_origin, o.head),
		  sizeof(struct ioas_vspace_origin));
	ioas_peer_put(p);
}

static const struct ioas_origin_ops peer_ops = {
	.name = "peer",
	.pin = ioas_vspace_pin,
	.unpin = ioas_backed_unpin,
	.pointer = ioas_backed_pointer,
	.copy_frame = ioas_backed_copy_frame,
	.get_alive = origin_get_alive,
	.copy = ioas_vspace_copy,
	.destroy = origin_destroy,
};

static int origin_create(struct ioas_peer *p, bool devices,
			 struct ioas_origin **out)
{
	struct ioas_vspace_origin *o =
		ioas_zalloc(sizeof(*o), IOAS_FP_ALLOC_SPACE);

	if (!o)
		return -ENOMEM;
	ioas_vspace_origin_init(o, &peer_ops, &ioas_peer_get(p)->space, p->mm);
	o->devices = devices;
	*out = &o->o.head;
	return 0;
}

int ioas_origin_peer_create(struct ioas_peer *p, struct ioas_origin **out)
{
	return origin_create(p, false, out);
}

int ioas_origin_peer_create_devices(struct ioas_peer *p,
				    struct ioas_origin **out)
{
	return origin_create(p, true, out);
}
