/* SPDX-License-Identifier: MIT */
/*
 * errno: our error numbers are the host's
 *
 * The library returns its numbers to programs that compare with the host's.
 * Where the two differ (Linux on MIPS, SPARC, Alpha) it must not build until
 * somebody translates at the border. Every name of base/errno.h is listed.
 *
 * Ours are caught in an enum before the host's header replaces the macros,
 * which it may do without a word, since it is a system header.
 */
#include "base/errno.h"

#define FOR_EACH_ERRNO(X)                                               \
	X(EPERM) X(ENOENT) X(ESRCH) X(EINTR) X(EIO) X(ENXIO) X(E2BIG)   \
	X(EBADF) X(EAGAIN) X(ENOMEM) X(EACCES) X(EFAULT) X(EBUSY)       \
	X(EEXIST) X(ENODEV) X(EINVAL) X(EMFILE) X(ENOTTY) X(ENOSPC)     \
	X(ESPIPE) X(ERANGE) X(EDEADLK) X(EBADE) X(EOVERFLOW) X(EBADFD)  \
	X(EMSGSIZE) X(EOPNOTSUPP) X(EADDRINUSE)

#define OURS(name) OURS_##name = name,
enum { FOR_EACH_ERRNO(OURS) };

#include <errno.h>

#define ASSERT_SAME(name) \
	_Static_assert(OURS_##name == name, #name " differs from the host's");
FOR_EACH_ERRNO(ASSERT_SAME)
