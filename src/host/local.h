/* SPDX-License-Identifier: MIT */
/*
 * local: the front end for this very process
 *
 *   program: ioas_local_ioctl(l, fd, cmd, arg)       as ioctl(fd, cmd, arg)
 *      | caller: its memory, its limits, its faults
 *   front end (src/uapi)  <-->  struct ioas_host: this room
 *                                 |- files.h   numbers of descriptors
 *                                 |- maps.h    what mmap gave
 *                                 `- backings  its memory (src/origin)
 *
 * The functions are the system calls, with the result or -errno; errno is left
 * alone. The client is this process, and its addresses are not trusted: a bad
 * one is -EFAULT (guard.h says how, and what that asks of the program).
 *
 * Any thread may call anything, but not from a signal handler that interrupts a
 * call, nor in a child after fork(): it shares nothing with its parent here.
 *
 * The limit of locked memory is asked for whenever something is charged. The
 * capabilities are those of the thread that creates an instance, until
 * ioas_local_refresh().
 */
#ifndef IOAS_HOST_LOCAL_H
#define IOAS_HOST_LOCAL_H

#include "uapi/iommufd.h"

struct ioas_fault;
struct ioas_local;
struct ioas_local_process;

enum ioas_local_answer {
	IOAS_LOCAL_ASK, /* the system */
	IOAS_LOCAL_NO,
	IOAS_LOCAL_YES,
};

/* What holds for a process; zero: what the system says of this one. */
struct ioas_local_rights {
	/* CAP_IPC_LOCK and CAP_SYS_RESOURCE. */
	enum ioas_local_answer lock_unlimited;
	enum ioas_local_answer resource;
	/* Use lock_limit, in bytes, instead of RLIMIT_MEMLOCK. */
	bool own_limit;
	uint64_t lock_limit;
};

/* Zero is a good choice for each. */
struct ioas_local_options {
	/* Offer IOMMU_TEST_CMD and the mock IOMMU. */
	bool test_abi;
	/* Reach memory by system calls only, and leave signals alone. */
	bool no_signals;
	/* First offset that mmap on an iommufd uses; 0: one page. */
	uint64_t mmap_base;
	struct ioas_local_rights rights;
};

/*
 * An instance: a machine of its own. @opts may be NULL. Return: 0, -ENOMEM,
 * -EOPNOTSUPP (Linux before 5.14, no /proc), -ENOSPC.
 */
int ioas_local_create(const struct ioas_local_options *opts,
		      struct ioas_local **out);
/*
 * As the exit of the process: closes and unmaps everything. No call is in
 * progress. Accepts NULL.
 */
void ioas_local_destroy(struct ioas_local *l);
/* Capabilities or handlers of signals have changed. */
void ioas_local_refresh(struct ioas_local *l);

/* ---- system calls ------------------------------------------------------- */

/*
 * A new context. @flags is enum ioas_open_flags, @fd_flags enum ioas_fd_flags.
 * Return: a descriptor, -EMFILE, -ENOMEM.
 */
int ioas_local_open(struct ioas_local *l, unsigned int flags,
		    unsigned int fd_flags);
/* -EBADF is also the answer for descriptors of others, here and below. */
int ioas_local_close(struct ioas_local *l, int fd);
/* Return: the lowest number that is free, -EBADF, -EMFILE, -ENOMEM. */
int ioas_local_dup(struct ioas_local *l, int fd, unsigned int fd_flags);
int64_t ioas_local_ioctl(struct ioas_local *l, int fd, uint32_t cmd,
			 uint64_t arg);
int64_t ioas_local_read(struct ioas_local *l, int fd, uint64_t buffer,
			uint64_t count);
int64_t ioas_local_write(struct ioas_local *l, int fd, uint64_t buffer,
			 uint64_t count);
/*
 * None of our files has positions: what lseek(2), pread(2) and pwrite(2) answer.
 * Return: -ESPIPE or -EBADF.
 */
int ioas_local_seek(struct ioas_local *l, int fd);
/* What is ready now: enum ioas_poll, or -EBADF. */
int ioas_local_poll_mask(struct ioas_local *l, int fd);
/*
 * Wait for one of @events, at most @timeout milliseconds; negative: for ever.
 * Return: those that are ready, 0 (time is up), -EBADF, -EINTR.
 */
int ioas_local_poll(struct ioas_local *l, int fd, uint32_t events, int timeout);
/*
 * The address in *@out. @prot and @flags are the system's. What a child
 * inherits does not hold the region. Return: 0, or mmap(2)'s errors and those
 * of iommufd-uapi 10.
 */
int ioas_local_mmap(struct ioas_local *l, int fd, void *hint, uint64_t length,
		    int prot, int flags, uint64_t offset, void **out);
/* Of any memory, also other than that of ioas_local_mmap(). */
int ioas_local_munmap(struct ioas_local *l, void *address, uint64_t length);
/* What readlink(2) says of a descriptor: a constant string. */
int ioas_local_link_name(struct ioas_local *l, int fd, const char **name);

/* ---- for tests ---------------------------------------------------------- */

/*
 * Calls of this thread on @l reach the fault points of @f, which is armed by
 * this (plat/common/fault_arm.h); NULL: no faults, as before. One at a time,
 * and none when the thread ends or @l is destroyed.
 */
void ioas_local_set_fault(struct ioas_local *l, struct ioas_fault *f);

/*
 * Another process, as far as accounting goes: it has the same memory and
 * descriptors, a limit and rights of its own. It lives as long as @l.
 * @other_user: of a user of its own, too. Return: 0 or -ENOMEM.
 */
int ioas_local_process_create(struct ioas_local *l,
			      const struct ioas_local_rights *rights,
			      bool other_user, struct ioas_local_process **out);
/* What this thread calls from now on, @p calls; NULL: this process does. */
void ioas_local_process_enter(struct ioas_local *l,
			      struct ioas_local_process *p);
/* It is gone: its totals are settled silently. */
void ioas_local_process_exit(struct ioas_local_process *p);
/* Another limit, in bytes, of a process that has one of its own; NULL: @l's. */
void ioas_local_set_limit(struct ioas_local *l, struct ioas_local_process *p,
			  uint64_t bytes);
/* Who pays; NULL: @l's process. Borrowed. */
const struct ioas_principal *
ioas_local_principal(struct ioas_local *l, const struct ioas_local_process *p);

struct ioas_uapi *ioas_local_uapi(struct ioas_local *l);
/* Frames, and pages that are pinned now. */
struct ioas_host *ioas_local_host(struct ioas_local *l);
uint64_t ioas_local_pinned(struct ioas_local *l);
/* With a reference. Return: 0 or -EBADF. */
int ioas_local_file(struct ioas_local *l, int fd, struct ioas_ufile **out);

#endif
