/* SPDX-License-Identifier: MIT */
/*
 * calls: a trapped system call finds who answers it
 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "super/events.h"
#include "super/faultsys.h"
#include "super/files.h"
#include "super/kvm.h"
#include "super/loop.h"
#include "super/maps.h"
#include "super/paths.h"
#include "super/task.h"

static _Thread_local struct ioas_call *current;

struct ioas_call *ioas_call_current(void)
{
	return current;
}

/* ---- memory of who calls ------------------------------------------------ */

/* Pages are of this size at least, and a string's read stops at each. */
#define PAGE 4096u
/* Of the coarse clock, which steps by 1 to 10 ms. */
#define VALID_NS 1000000u

static bool copy(struct ioas_call *c, void *ours, uint64_t theirs,
		 size_t length, bool write)
{
	struct iovec local = { ours, length };
	struct iovec remote = { (void *)(uintptr_t)theirs, length };
	ssize_t n;

	n = write ? process_vm_writev(c->n.tid, &local, 1, &remote, 1, 0) :
		    process_vm_readv(c->n.tid, &local, 1, &remote, 1, 0);
	if (n < 0 && errno == EPERM)
		ioas_super_note(c->s,
				"process %d: its memory is not ours to see "
				"(not dumpable, or Yama)",
				(int)c->n.tid);
	return n == (ssize_t)length;
}

/*
 * Memory is reached by the thread's number, which is the caller's as long as
 * its call waits. That it does is asked after what is read first, and then
 * again whenever so much time has passed that the thread may have been killed
 * and its number given out anew, which takes a round through all numbers.
 */
static bool is_valid(struct ioas_call *c)
{
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (c->valid_at && now - c->valid_at < VALID_NS)
		return true;
	if (!ioas_notify_valid(c->s->notify, &c->n))
		return false;
	c->valid_at = now;
	return true;
}

int ioas_call_read(struct ioas_call *c, void *dst, uint64_t src, size_t length)
{
	if (!length)
		return 0;
	return copy(c, dst, src, length, false) && is_valid(c) ? 0 : -EFAULT;
}

int ioas_call_write(struct ioas_call *c, uint64_t dst, const void *src,
		    size_t length)
{
	if (!length)
		return 0;
	return is_valid(c) && copy(c, (void *)(uintptr_t)src, dst, length, true) ?
		       0 :
		       -EFAULT;
}

int ioas_call_string(struct ioas_call *c, uint64_t src, char *dst, size_t room)
{
	size_t have = 0;

	while (have < room) {
		const size_t left = PAGE - (size_t)((src + have) % PAGE);
		const size_t n = left < room - have ? left : room - have;
		const char *end;

		if (!copy(c, dst + have, src + have, n, false))
			return -EFAULT;
		end = memchr(dst + have, '\0', n);
		have += n;
		if (end)
			return is_valid(c) ? (int)(end - dst) : -EFAULT;
	}
	return -ENAMETOOLONG;
}

static int access_from(struct ioas_caller *caller, void *dst, uint64_t src,
		       size_t length)
{
	return ioas_call_read(ioas_call_of(caller), dst, src, length);
}

static int access_to(struct ioas_caller *caller, uint64_t dst, const void *src,
		     size_t length)
{
	return ioas_call_write(ioas_call_of(caller), dst, src, length);
}

static const struct ioas_uaccess_ops call_access = {
	.copy_from = access_from,
	.copy_to = access_to,
};

/* ---- in the client's name ----------------------------------------------- */

/* As before any user namespace of ours: nothing that we do not have. */
static uint64_t capabilities(const struct ioas_call *c)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3, .pid = c->n.tid
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return 0;
	return ((uint64_t)data[1].effective << 32 | data[0].effective) &
	       c->s->capabilities;
}

static void rights(struct ioas_caller *caller)
{
	struct ioas_call *c = ioas_call_of(caller);
	const uint64_t caps = capabilities(c);

	caller->lock_unlimited = caps >> CAP_IPC_LOCK & 1 &&
				 !c->s->opts->own_memlock;
	caller->resource = caps >> CAP_SYS_RESOURCE & 1;
	caller->rights = NULL;
}

int ioas_call_enter(struct ioas_call *c)
{
	const int ret = ioas_process_mm(c->s, c->task->process, &c->mm);

	if (ret)
		return ret;
	c->caller = (struct ioas_caller){
		.uaccess = &call_access,
		.principal = c->mm->principal,
		.mm = c->mm,
		.rights = rights,
		.fault = c->s->faults ? &c->task->fault : NULL,
	};
	if (c->s->faults)
		ioas_faultsys_begin(c->s->faults, c->task);
	ioas_caller_enter(&c->caller);
	return 0;
}

void ioas_call_leave(struct ioas_call *c)
{
	ioas_caller_leave(NULL);
	ioas_client_mm_put(c->mm);
	c->mm = NULL;
}

void ioas_call_close_later(struct ioas_call *c, int fd)
{
	/* A request ends at the first, so there is one. */
	if (c->unwanted >= 0)
		close(c->unwanted);
	c->unwanted = fd;
}

/* ---- calls -------------------------------------------------------------- */

static int64_t file_ioctl(struct ioas_call *c, struct ioas_ufile *u, int fd)
{
	const uint32_t cmd = (uint32_t)c->n.arg[1];
	struct ioas_event e;
	int64_t ret = ioas_call_enter(c);

	if (ret)
		return ret;
	ioas_event_begin(c, &e, IOAS_EVENT_COMMAND, fd, u);
	ioas_event_request(c, cmd, c->n.arg[2]);
	/* Who has an object's memory mapped keeps it: is it mapped still? */
	if (cmd == IOAS_ABI_DESTROY)
		ioas_smaps_sweep(c->s->maps);
	ret = u->ops->ioctl(u, cmd, c->n.arg[2]);
	ioas_event_end(c, ret);
	ioas_call_leave(c);
	/* A queue that has something now is readable when the call returns. */
	ioas_sfiles_settle(c->s->files);
	return ret;
}

static enum ioas_verdict call_ioctl(struct ioas_call *c, int64_t *value)
{
	const int fd = (int)c->n.arg[0];
	struct ioas_fd_look look;
	struct ioas_ufile *u;
	bool ours;
	int ret;

	if ((uint32_t)c->n.arg[1] == KVM_SET_DEVICE_ATTR)
		return ioas_kvm_ioctl(c, value);
	ret = ioas_fd_look(c, fd, &look);
	if (ret)
		return ioas_sfiles_unseen(ret, value);
	u = look.file ? ioas_sfile_ufile(look.file) : NULL;
	ours = look.file;
	if (ours)
		*value = u && u->ops->ioctl ? file_ioctl(c, u, fd) : -ENOTTY;
	ioas_fd_look_done(&look);
	return ours ? IOAS_CALL_RETURN : IOAS_CALL_CONTINUE;
}

/* By where it is, or which part of it is mapped (filter.h). */
static bool fd_may_be_ours(const struct ioas_call *c, int fd)
{
	const struct ioas_fd_range *r = &c->s->range;

	return c->n.arg[5] >= IOAS_FILTER_OFFSET ||
	       (fd >= r->base && fd - r->base < r->nr);
}

static enum ioas_verdict call_mmap(struct ioas_call *c, int64_t *value)
{
	enum ioas_verdict verdict = IOAS_CALL_CONTINUE;
	const int fd = (int)c->n.arg[4];
	struct ioas_fd_look look;
	struct ioas_event e;
	int ret = ioas_fd_look(c, fd, &look);

	/* Any file can be mapped shared; few can be ours. */
	if (ret)
		return fd_may_be_ours(c, fd) ? ioas_sfiles_unseen(ret, value) :
					       verdict;
	if (look.file && ioas_sfile_ufile(look.file)) {
		ioas_event_begin(c, &e, IOAS_EVENT_MMAP, fd,
				 ioas_sfile_ufile(look.file));
		if (c->event)
			c->event->arg = c->n.arg[5];
	}
	if (look.file)
		verdict = ioas_smaps_mmap(c, c->s->maps, look.file, value);
	/* What is not refused is the kernel's to do, and where is its to say. */
	ioas_event_end(c, verdict == IOAS_CALL_RETURN ? *value : 0);
	ioas_fd_look_done(&look);
	return verdict;
}

/* Whether it succeeds is seen when the process calls next. */
static enum ioas_verdict call_exec(struct ioas_call *c)
{
	ioas_task_executes(c->s, c->task);
	return IOAS_CALL_CONTINUE;
}

static enum ioas_verdict serve(struct ioas_call *c, int64_t *value)
{
	switch (c->n.nr) {
	case __NR_ioctl:
		return call_ioctl(c, value);
	case __NR_mmap:
		return call_mmap(c, value);
	case __NR_execve:
	case __NR_execveat:
		return call_exec(c);
	case __NR_read:
	case __NR_write:
	case __NR_readv:
	case __NR_writev:
	case __NR_pread64:
	case __NR_pwrite64:
	case __NR_preadv:
	case __NR_pwritev:
	case __NR_preadv2:
	case __NR_pwritev2:
		return ioas_sfiles_transfer(c, value);
	case __NR_dup:
	case __NR_fcntl:
		return ioas_sfiles_dup(c, value);
	case __NR_close:
		return ioas_sfiles_close(c);
#ifdef __NR_open
	case __NR_open:
	case __NR_creat:
#endif
	case __NR_openat:
	case __NR_openat2:
		return ioas_paths_open(c, value);
#ifdef __NR_stat
	case __NR_stat:
	case __NR_lstat:
#endif
	case __NR_fstat:
	case __NR_newfstatat:
	case __NR_statx:
		return ioas_paths_stat(c, value);
#ifdef __NR_readlink
	case __NR_readlink:
#endif
	case __NR_readlinkat:
		return ioas_paths_readlink(c, value);
#ifdef __NR_access
	case __NR_access:
#endif
	case __NR_faccessat:
	case __NR_faccessat2:
		return ioas_paths_access(c, value);
	case __NR_getxattr:
	case __NR_lgetxattr:
	case __NR_listxattr:
	case __NR_llistxattr:
		return ioas_paths_xattr(c, value);
	default:
		return IOAS_CALL_CONTINUE;
	}
}

void ioas_call_serve(struct ioas_super *s, const struct ioas_notice *n)
{
	struct ioas_call c = { .s = s, .n = *n, .unwanted = -1 };
	enum ioas_verdict verdict = IOAS_CALL_CONTINUE;
	int64_t value = 0;

	current = &c;
	/* Of a task that is gone, or that cannot be known, nothing is ours. */
	if (!ioas_task_find(s, n, &c.task)) {
		if (atomic_load_explicit(&c.task->process->executed,
					 memory_order_relaxed))
			ioas_task_executed(&c);
		ioas_smaps_task_back(s->maps, n->tid);
		verdict = serve(&c, &value);
		if (c.unwanted >= 0)
			close(c.unwanted);
		ioas_sfiles_number_done(&c);
		ioas_task_put(c.task);
	}
	if (verdict == IOAS_CALL_CONTINUE)
		ioas_notify_continue(s->notify, n);
	else if (verdict == IOAS_CALL_RETURN)
		ioas_notify_return(s->notify, n, value);
	current = NULL;
}
