/* SPDX-License-Identifier: MIT */
/*
 * errno: Linux's error numbers, for code that has no libc
 *
 * The replacement lists are those of the system's header, so that both can be
 * included in one file; src/plat/posix asserts that the values match the host.
 */
#ifndef IOAS_BASE_ERRNO_H
#define IOAS_BASE_ERRNO_H

#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define EIO 5
#define ENXIO 6
#define E2BIG 7
#define EBADF 9
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define EMFILE 24
#define ENOTTY 25
#define ENOSPC 28
#define ESPIPE 29
#define ERANGE 34
#define EDEADLK 35
#define EBADE 52
#define EOVERFLOW 75
#define EBADFD 77
#define EMSGSIZE 90
#define EOPNOTSUPP 95
#define EADDRINUSE 98

#endif
