/* SPDX-License-Identifier: MIT */
/*
 * filter: which system calls are trapped
 *
 *   ioctl                      type byte 0x3b; KVM_SET_DEVICE_ATTR
 *   open openat openat2 creat, stat family, readlink family, access family,
 *   getxattr listxattr by path, execve execveat
 *                              always
 *   read write readv writev pread pwrite preadv pwritev (and v2)
 *                              descriptor in a range, or offset >= 2^40
 *   dup dup2 dup3 fcntl(F_DUPFD...)
 *                              old descriptor in the range
 *   mmap                       shared mapping of a file, or offset >= 2^40
 *
 * Everything else runs untouched. Other calling conventions than the machine's
 * own (32 bits, x32) fail with ENOSYS.
 *
 * The range of descriptors is ours to choose from: files whose reads must be
 * exact are put there (files.h).
 */
#ifndef IOAS_SUPER_FILTER_H
#define IOAS_SUPER_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct sock_fprog;

/* The descriptors [base, base + nr) that the filter can tell. */
struct ioas_fd_range {
	int base;
	int nr;
};

/* Offsets from here on are regions of ours, in whichever file. */
#define IOAS_FILTER_OFFSET (UINT64_C(1) << 40)

/* Below the soft limit of this process, and small enough for a cheap table. */
struct ioas_fd_range ioas_filter_range(void);

/*
 * @closes: close(2) of a descriptor in @range is trapped, too. *@out is freed
 * with ioas_filter_free(). Return: 0 or -errno.
 */
int ioas_filter_build(const struct ioas_fd_range *range, bool closes,
		      struct sock_fprog *out);
void ioas_filter_free(struct sock_fprog *prog);

/*
 * Install @prog for this thread and all that it starts, without new privileges
 * if need be. @killable: require WAIT_KILLABLE_RECV. Async-signal-safe. Return:
 * the descriptor of notices, or -EBUSY (under a notifier already), -EINVAL (a
 * kernel without the feature), -errno.
 */
int ioas_filter_install(const struct sock_fprog *prog, bool killable);

#endif
