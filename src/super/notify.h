/* SPDX-License-Identifier: MIT */
/*
 * notify: trapped system calls, as the kernel hands them over
 *
 *   task: syscall ----> RECV  notice
 *                       ID_VALID?   it still waits
 *                       ADDFD       descriptors into it
 *         result  <---- SEND  value, error, or "run it"
 *
 * (docs/reference/supervisor.md 2) No locks; any thread, one notice each.
 */
#ifndef IOAS_SUPER_NOTIFY_H
#define IOAS_SUPER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct ioas_notice {
	uint64_t id;
	/* Of the calling thread, in our namespace. */
	pid_t tid;
	/* Number and convention of the call (AUDIT_ARCH_*). */
	int nr;
	uint32_t arch;
	uint64_t arg[6];
};

/* Wakes and sleeps on the caller's processor where the kernel can (6.6). */
void ioas_notify_init(int fd);
/* Return: 0; -ENOENT: it is gone already, ask again; -EINTR; -errno. */
int ioas_notify_recv(int fd, struct ioas_notice *n);
/* Does the call still wait? Whatever was opened of the task before is its. */
bool ioas_notify_valid(int fd, const struct ioas_notice *n);
/* @value: the result, or -errno. A task that is gone is no error. */
void ioas_notify_return(int fd, const struct ioas_notice *n, int64_t value);
/* Let the kernel run the call. */
void ioas_notify_continue(int fd, const struct ioas_notice *n);

enum ioas_addfd_flags {
	IOAS_ADDFD_CLOEXEC = 1u << 0,
	/* The new number is the result of the call, which is answered. */
	IOAS_ADDFD_SEND = 1u << 1,
};

/*
 * A copy of @src in the task, at number @at, which is replaced, or, with -1, at
 * the lowest that is free. Return: the number; -EMFILE, -ENOENT (gone), -errno.
 */
int ioas_notify_addfd(int fd, const struct ioas_notice *n, int src, int at,
		      unsigned int flags);

#endif
