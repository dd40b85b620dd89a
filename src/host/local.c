/* SPDX-License-Identifier: MIT */
/*
 * local: system calls on descriptors of an instance
 *
 *   call_begin    descriptor -> file in use, caller installed
 *   file->ops     in the front end, which may come back for the host's ops
 *   call_end      caller removed, file perhaps released
 *
 * A waiting poll sleeps on one word of the instance, which every change of
 * every file moves on: waits are rare, and changes cost an addition.
 *
 * Locks: l->lock (rank LEAF) guards the list of processes. Those of files.h and
 * maps.h are of the same rank and never held together with it.
 */
#include "host/local.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/files.h"
#include "host/guard.h"
#include "host/maps.h"
#include "host/process.h"
#include "origin/file.h"
#include "plat/common/fault_arm.h"
#include "plat/posix/futex.h"

/* What the kernel moves in one read or write, with pages of 4 KiB. */
#define RW_MAX ((uint64_t)0x7ffff000)

struct ioas_local {
	struct ioas_host host;
	/* Set once. */
	struct ioas_uapi *uapi;
	/* Of all instances that there ever were; not zero. */
	uint64_t serial;
	bool no_signals;

	struct ioas_frames frames;
	struct ioas_backings backings;
	struct ioas_files files;
	struct ioas_maps maps;
	struct ioas_local_process self;

	struct ioas_mutex lock;
	/* struct ioas_local_process, but for self. Guarded by lock. */
	struct ioas_list processes;

	/* Moved on when a file has changed; pollers sleep on it. */
	_Atomic uint32_t changes;
	_Atomic uint32_t pollers;
};

/* What this thread is on one instance, if it is more than a thread of it. */
static _Thread_local struct {
	/* struct ioas_local.serial; 0: nothing. */
	uint64_t serial;
	struct ioas_fault *fault;
	struct ioas_local_process *process;
} mine __attribute__((tls_model("initial-exec")));

static struct ioas_local *local_of(struct ioas_host *h)
{
	return ioas_container_of(h, struct ioas_local, host);
}

/* ---- a call ------------------------------------------------------------- */

struct call {
	struct ioas_caller caller;
	/* This thread, and on whose behalf it works otherwise. */
	struct ioas_thread *thread;
	struct ioas_caller *outer;
	struct ioas_use use;
	/* The program's, which ours must not show in. */
	int errno_before;
};

static inline void caller_begin(struct ioas_local *l, struct call *c)
{
	struct ioas_local_process *p = &l->self;
	struct ioas_fault *fault = NULL;

	if (ioas_unlikely(mine.serial == l->serial)) {
		fault = mine.fault;
		if (mine.process)
			p = mine.process;
	}
	c->caller = (struct ioas_caller){
		.uaccess = p->uaccess,
		.principal = p->principal,
		.mm = p->mm,
		.lock_unlimited = atomic_load_explicit(&p->lock_unlimited,
						       memory_order_relaxed),
		.resource = atomic_load_explicit(&p->resource,
						 memory_order_relaxed),
		.fault = fault,
	};
	c->errno_before = errno;
	/* As ioas_caller_enter() and ioas_caller_leave(), looked up once. */
	c->thread = ioas_plat_thread();
	c->outer = c->thread->caller;
	c->thread->caller = &c->caller;
}

static void caller_end(struct call *c)
{
	c->thread->caller = c->outer;
	errno = c->errno_before;
}

/* Return: 0 or -EBADF; then there is nothing to end. */
static inline int call_begin(struct ioas_local *l, struct call *c, int fd)
{
	int ret = ioas_files_use(&l->files, fd, &c->use);

	if (!ret)
		caller_begin(l, c);
	return ret;
}

static void call_end(struct call *c)
{
	ioas_files_done(&c->use);
	caller_end(c);
}

static const struct ioas_ufile_ops *call_ops(const struct call *c)
{
	return c->use.file->ops;
}

/* ---- the host ----------------------------------------------------------- */

static int host_user_origin(struct ioas_host *h, struct ioas_origin **out)
{
	struct ioas_local *l = local_of(h);
	const struct ioas_caller *c = ioas_caller_current();
	struct ioas_local_process *p = &l->self;

	if (c && c->mm) {
		ioas_mutex_lock(&l->lock, IOAS_RANK_LEAF);
		ioas_list_for_each(e, &l->processes) {
			struct ioas_local_process *q = ioas_list_entry(
				e, struct ioas_local_process, link);

			if (q->mm == c->mm)
				p = q;
		}
		ioas_mutex_unlock(&l->lock);
	}
	*out = p->origin;
	return 0;
}

static int host_file_origin(struct ioas_host *h, int32_t fd,
			    struct ioas_origin **out)
{
	struct ioas_local *l = local_of(h);

	/* The kernel has opened it, the front end has not. */
	if (ioas_files_reserved(&l->files, fd))
		return -EBADF;
	return ioas_origin_file_create(&l->backings, fd, out);
}

static int host_fd_reserve(struct ioas_host *h, struct ioas_ufile *file,
			   unsigned int flags, int32_t *fd)
{
	(void)file;
	return ioas_files_reserve(&local_of(h)->files, flags, fd);
}

static void host_fd_commit(struct ioas_host *h, int32_t fd,
			   struct ioas_ufile *file)
{
	ioas_files_commit(&local_of(h)->files, fd, file);
}

static void host_fd_cancel(struct ioas_host *h, int32_t fd)
{
	ioas_files_cancel(&local_of(h)->files, fd);
}

static int host_fd_get(struct ioas_host *h, int32_t fd, struct ioas_ufile **out)
{
	return ioas_files_get(&local_of(h)->files, fd, out);
}

static int host_shm_create(struct ioas_host *h, struct ioas_ufile *file,
			   uint64_t offset, uint64_t length,
			   struct ioas_shm *out)
{
	(void)h;
	(void)file;
	(void)offset;
	return ioas_maps_shm_create(length, out);
}

static void host_shm_destroy(struct ioas_host *h, struct ioas_shm *shm)
{
	(void)h;
	ioas_maps_shm_destroy(shm);
}

/* A poller says that it is there before it looks at the file. */
static void host_file_changed(struct ioas_host *h, struct ioas_ufile *file)
{
	struct ioas_local *l = local_of(h);

	(void)file;
	atomic_fetch_add(&l->changes, 1);
	if (atomic_load(&l->pollers))
		ioas_plat_wake(&l->changes);
}

static const struct ioas_host_ops host_ops = {
	.user_origin = host_user_origin,
	.file_origin = host_file_origin,
	.fd_reserve = host_fd_reserve,
	.fd_commit = host_fd_commit,
	.fd_cancel = host_fd_cancel,
	.fd_get = host_fd_get,
	.shm_create = host_shm_create,
	.shm_destroy = host_shm_destroy,
	.file_changed = host_file_changed,
};

/* ---- life --------------------------------------------------------------- */

static void host_fill(struct ioas_local *l)
{
	const uint8_t lg2 = (uint8_t)ioas_log2((uint64_t)sysconf(_SC_PAGESIZE));

	l->host.ops = &host_ops;
	l->host.page_lg2 = lg2;
	/* A table of one page, of entries of 8 bytes each. */
	l->host.huge_lg2 = (uint8_t)(2 * lg2 - 3);
	l->host.frames = &l->frames;
}

/* What makes up an instance, but for the front end. On error fini is due. */
static int local_init(struct ioas_local *l, const struct ioas_local_options *o)
{
	static _Atomic uint64_t serial;
	int ret;

	l->serial = atomic_fetch_add(&serial, 1) + 1;
	l->no_signals = o->no_signals;
	ioas_list_init(&l->processes);
	host_fill(l);
	ioas_files_init(&l->files);
	ioas_maps_init(&l->maps);
	ret = ioas_frames_init(&l->frames, l->host.page_lg2);
	if (ret)
		return ret;
	ret = ioas_backings_init(&l->backings, &l->frames);
	if (ret)
		return ret;
	l->self.rights = o->rights;
	l->self.uaccess =
		o->no_signals ? &ioas_process_syscalls : &ioas_process_guarded;
	return ioas_process_init(&l->self, NULL, &l->backings);
}

static void local_fini(struct ioas_local *l)
{
	ioas_list_for_each_safe(e, tmp, &l->processes) {
		struct ioas_local_process *p =
			ioas_list_entry(e, struct ioas_local_process, link);

		ioas_process_fini(p);
		ioas_free(p, sizeof(*p));
	}
	ioas_process_fini(&l->self);
	ioas_backings_fini(&l->backings);
	ioas_frames_fini(&l->frames);
	ioas_free(l, sizeof(*l));
}

int ioas_local_create(const struct ioas_local_options *opts,
		      struct ioas_local **out)
{
	const struct ioas_local_options none = { 0 };
	const struct ioas_local_options *o = opts ? opts : &none;
	struct ioas_local *l = ioas_zalloc(sizeof(*l), IOAS_FP_ALLOC_SPACE);
	struct ioas_uapi_options u = { .test_abi = o->test_abi,
				       .mmap_base = o->mmap_base };
	int ret;

	if (!l)
		return -ENOMEM;
	ret = local_init(l, o);
	u.host = &l->host;
	if (!ret)
		ret = ioas_uapi_create(&u, &l->uapi);
	if (ret) {
		local_fini(l);
		return ret;
	}
	if (!l->no_signals)
		ioas_guard_take();
	*out = l;
	return 0;
}

void ioas_local_destroy(struct ioas_local *l)
{
	struct call c;

	if (!l)
		return;
	if (mine.serial == l->serial && mine.fault)
		ioas_local_set_fault(l, NULL);
	caller_begin(l, &c);
	ioas_maps_fini(&l->maps);
	ioas_files_fini(&l->files);
	ioas_uapi_destroy(l->uapi);
	caller_end(&c);
	local_fini(l);
}

void ioas_local_refresh(struct ioas_local *l)
{
	ioas_process_refresh(&l->self);
	ioas_mutex_lock(&l->lock, IOAS_RANK_LEAF);
	ioas_list_for_each(e, &l->processes)
		ioas_process_refresh(
			ioas_list_entry(e, struct ioas_local_process, link));
	ioas_mutex_unlock(&l->lock);
	if (!l->no_signals)
		ioas_guard_take();
}

/* ---- descriptors -------------------------------------------------------- */

int ioas_local_open(struct ioas_local *l, unsigned int flags,
		    unsigned int fd_flags)
{
	struct ioas_ufile *file;
	struct call c;
	int fd, ret;

	if (!l->no_signals)
		ioas_guard_take();
	caller_begin(l, &c);
	ret = ioas_files_reserve(&l->files, fd_flags, &fd);
	if (!ret) {
		ret = ioas_iommufd_open(l->uapi, flags, &file);
		if (ret)
			ioas_files_cancel(&l->files, fd);
		else
			ioas_files_commit(&l->files, fd, file);
	}
	caller_end(&c);
	return ret ? ret : fd;
}

int ioas_local_close(struct ioas_local *l, int fd)
{
	struct call c;
	int ret;

	caller_begin(l, &c);
	ret = ioas_files_close(&l->files, fd);
	caller_end(&c);
	return ret;
}

int ioas_local_file(struct ioas_local *l, int fd, struct ioas_ufile **out)
{
	const int saved = errno;
	int ret = ioas_files_get(&l->files, fd, out) ? -EBADF : 0;

	errno = saved;
	return ret;
}

int ioas_local_dup(struct ioas_local *l, int fd, unsigned int fd_flags)
{
	struct ioas_ufile *file;
	struct call c;
	int copy, ret;

	ret = ioas_local_file(l, fd, &file);
	if (ret)
		return ret;
	/* Another descriptor may have been the last of its file. */
	caller_begin(l, &c);
	ret = ioas_files_reserve(&l->files, fd_flags, &copy);
	if (ret)
		ioas_ufile_put(file);
	else
		ioas_files_commit(&l->files, copy, file);
	caller_end(&c);
	return ret ? ret : copy;
}

int ioas_local_link_name(struct ioas_local *l, int fd, const char **name)
{
	struct ioas_ufile *file;
	int ret = ioas_local_file(l, fd, &file);

	if (ret)
		return ret;
	*name = file->ops->name;
	ioas_ufile_put(file);
	return 0;
}

/* ---- transfer ----------------------------------------------------------- */

/*
 * Requests that every descriptor knows, and that the kernel handles before the
 * file sees them. No file of ours has one of these numbers.
 */
static int64_t generic_ioctl(int fd, uint32_t cmd, uint64_t arg)
{
	const int saved = errno;
	int ret = -ENOTTY;

	if (cmd == FIOCLEX || cmd == FIONCLEX || cmd == FIONBIO) {
		ret = ioctl(fd, cmd, (void *)(uintptr_t)arg) ? -errno : 0;
		errno = saved;
	}
	return ret;
}

int64_t ioas_local_ioctl(struct ioas_local *l, int fd, uint32_t cmd,
			 uint64_t arg)
{
	struct call c;
	int64_t ret;

	ret = call_begin(l, &c, fd);
	if (ret)
		return ret;
	ret = call_ops(&c)->ioctl ? call_ops(&c)->ioctl(c.use.file, cmd, arg) :
				    -ENOTTY;
	call_end(&c);
	return ioas_likely(ret != -ENOTTY) ? ret : generic_ioctl(fd, cmd, arg);
}

typedef int64_t rw_fn(struct ioas_ufile *f, uint64_t buffer, uint64_t count);

static int64_t transfer(struct ioas_ufile *f, rw_fn *fn, uint64_t buffer,
			uint64_t count)
{
	if (!fn)
		return -EINVAL;
	if (!ioas_process_address(buffer))
		return -EFAULT;
	if (count > INT64_MAX)
		return -EINVAL;
	return fn(f, buffer, ioas_min(count, RW_MAX));
}

int64_t ioas_local_read(struct ioas_local *l, int fd, uint64_t buffer,
			uint64_t count)
{
	struct call c;
	int64_t ret = call_begin(l, &c, fd);

	if (ret)
		return ret;
	ret = transfer(c.use.file, call_ops(&c)->read, buffer, count);
	call_end(&c);
	return ret;
}

int64_t ioas_local_write(struct ioas_local *l, int fd, uint64_t buffer,
			 uint64_t count)
{
	struct call c;
	int64_t ret = call_begin(l, &c, fd);

	if (ret)
		return ret;
	ret = transfer(c.use.file, call_ops(&c)->write, buffer, count);
	call_end(&c);
	return ret;
}

/* ---- poll --------------------------------------------------------------- */

static uint32_t file_mask(struct ioas_ufile *f)
{
	return f->ops->poll ? f->ops->poll(f) :
			      IOAS_POLLIN | IOAS_POLLOUT | IOAS_POLLRDNORM |
				      IOAS_POLLWRNORM;
}

int ioas_local_seek(struct ioas_local *l, int fd)
{
	struct call c;
	int ret = call_begin(l, &c, fd);

	if (ret)
		return ret;
	call_end(&c);
	return -ESPIPE;
}

int ioas_local_poll_mask(struct ioas_local *l, int fd)
{
	return ioas_local_poll(l, fd, UINT32_MAX, 0);
}

static struct timespec deadline(int timeout)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += timeout / 1000;
	at.tv_nsec += timeout % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000L;
	}
	return at;
}

/* Return: 0 (look again), -ETIMEDOUT, -EINTR. */
static int changes_wait(struct ioas_local *l, uint32_t seen,
			const struct timespec *until)
{
	const int saved = errno;
	int ret = 0;

	if (syscall(FUTEX_NR, &l->changes, FUTEX_WAIT_BITSET_PRIVATE, seen,
		    until, NULL, FUTEX_BITSET_MATCH_ANY))
		ret = errno == ETIMEDOUT || errno == EINTR ? -errno : 0;
	errno = saved;
	return ret;
}

static int file_poll(struct ioas_local *l, struct ioas_ufile *f,
		     uint32_t events, int timeout)
{
	struct timespec until = { 0 };
	int ret = timeout ? 0 : -ETIMEDOUT;
	uint32_t mask, seen;

	if (timeout > 0)
		until = deadline(timeout);
	atomic_fetch_add(&l->pollers, 1);
	for (;;) {
		seen = atomic_load(&l->changes);
		mask = file_mask(f) & events;
		if (mask || ret)
			break;
		ret = changes_wait(l, seen, timeout > 0 ? &until : NULL);
	}
	atomic_fetch_sub(&l->pollers, 1);
	return mask ? (int)mask : ret == -EINTR ? ret : 0;
}

int ioas_local_poll(struct ioas_local *l, int fd, uint32_t events, int timeout)
{
	struct call c;
	int ret = call_begin(l, &c, fd);

	if (ret)
		return ret;
	ret = file_poll(l, c.use.file, events, timeout);
	call_end(&c);
	return ret;
}

/* ---- mappings ----------------------------------------------------------- */

/* What the kernel checks of a mapping of a file before the file does. */
static int flags_check(int flags, bool *shared)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		break;
	case MAP_SHARED_VALIDATE:
		if (flags & MAP_SYNC)
			return -EOPNOTSUPP;
		break;
	case MAP_PRIVATE:
		*shared = false;
		return 0;
	default:
		return -EINVAL;
	}
	*shared = true;
	return flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

static int mmap_file(struct ioas_local *l, struct ioas_ufile *f,
		     const struct ioas_maps_request *rq, uint64_t offset,
		     void **at)
{
	struct ioas_mmap_request m = {
		.offset = offset,
		.length = rq->length,
		.exec = rq->prot & PROT_EXEC,
	};
	struct ioas_region *region;
	int ret = flags_check(rq->flags, &m.shared);

	if (ret)
		return ret;
	if (!f->ops->mmap)
		return -ENODEV;
	ret = f->ops->mmap(f, &m, &region);
	if (ret)
		return ret;
	ret = ioas_maps_add(&l->maps, rq, region, at);
	if (ret)
		ioas_region_unmap(region);
	return ret;
}

/* In the kernel's order: sizes, then a place, then the file. */
static int mmap_checked(struct ioas_local *l, struct ioas_ufile *f,
			struct ioas_maps_request *rq, uint64_t length,
			uint64_t offset, void **out)
{
	const uint64_t page = (uint64_t)1 << l->host.page_lg2;
	uint64_t size = ioas_align_up(length, page), last;
	void *at;
	int ret;

	if (rq->flags & (MAP_ANONYMOUS | MAP_HUGETLB) || !length)
		return -EINVAL;
	if (size < length || (size_t)size != size)
		return -ENOMEM;
	if (!ioas_last(offset, size, &last))
		return -EOVERFLOW;
	rq->length = (size_t)size;
	ret = ioas_maps_reserve(rq, &at);
	if (ret)
		return ret;
	ret = mmap_file(l, f, rq, offset, &at);
	if (ret)
		ioas_maps_cancel(rq, at);
	else
		*out = at;
	return ret;
}

int ioas_local_mmap(struct ioas_local *l, int fd, void *hint, uint64_t length,
		    int prot, int flags, uint64_t offset, void **out)
{
	struct ioas_maps_request rq = { .hint = hint,
					.prot = prot,
					.flags = flags };
	struct call c;
	int ret;

	if (!ioas_is_aligned(offset, (uint64_t)1 << l->host.page_lg2))
		return -EINVAL;
	ret = call_begin(l, &c, fd);
	if (ret)
		return ret;
	ret = mmap_checked(l, c.use.file, &rq, length, offset, out);
	call_end(&c);
	return ret;
}

int ioas_local_munmap(struct ioas_local *l, void *address, uint64_t length)
{
	struct call c;
	int ret;

	if ((size_t)length != length)
		return -EINVAL;
	caller_begin(l, &c);
	ret = ioas_maps_remove(&l->maps, address, (size_t)length);
	caller_end(&c);
	return ret;
}

/* ---- for tests ---------------------------------------------------------- */

/* This thread is something special on @l, and nowhere else. */
static void mine_begin(const struct ioas_local *l)
{
	if (mine.serial == l->serial)
		return;
	IOAS_CHECK(mine.fault);
	mine.serial = l->serial;
	mine.process = NULL;
}

void ioas_local_set_fault(struct ioas_local *l, struct ioas_fault *f)
{
	mine_begin(l);
	if (mine.fault)
		ioas_fault_disarm();
	mine.fault = f;
	if (f)
		ioas_fault_arm(f);
}

int ioas_local_process_create(struct ioas_local *l,
			      const struct ioas_local_rights *rights,
			      bool other_user, struct ioas_local_process **out)
{
	struct ioas_local_process *p =
		ioas_zalloc(sizeof(*p), IOAS_FP_ALLOC_SPACE);
	struct ioas_user *user = other_user ? NULL : l->self.principal->user;
	int ret;

	if (!p)
		return -ENOMEM;
	p->mm = p;
	p->uaccess = l->self.uaccess;
	if (rights)
		p->rights = *rights;
	ret = ioas_process_init(p, user, &l->backings);
	if (ret) {
		ioas_process_fini(p);
		ioas_free(p, sizeof(*p));
		return ret;
	}
	ioas_mutex_lock(&l->lock, IOAS_RANK_LEAF);
	ioas_list_add_tail(&l->processes, &p->link);
	ioas_mutex_unlock(&l->lock);
	*out = p;
	return 0;
}

void ioas_local_process_enter(struct ioas_local *l,
			      struct ioas_local_process *p)
{
	mine_begin(l);
	mine.process = p;
}

void ioas_local_set_limit(struct ioas_local *l, struct ioas_local_process *p,
			  uint64_t bytes)
{
	struct ioas_principal *who = p ? p->principal : l->self.principal;

	atomic_store(&who->limit, bytes >> l->host.page_lg2);
}

const struct ioas_principal *
ioas_local_principal(struct ioas_local *l, const struct ioas_local_process *p)
{
	return p ? p->principal : l->self.principal;
}

struct ioas_uapi *ioas_local_uapi(struct ioas_local *l)
{
	return l->uapi;
}

struct ioas_host *ioas_local_host(struct ioas_local *l)
{
	return &l->host;
}

uint64_t ioas_local_pinned(struct ioas_local *l)
{
	return ioas_backings_pinned(&l->backings);
}
