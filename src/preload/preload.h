/* SPDX-License-Identifier: MIT */
/*
 * preload: the front end inside a program that does not know of it
 *
 *   open("/dev/iommu")      ioctl(fd, ...)            read(other, ...)
 *        |                       |                         |
 *   instance, made once     mark of fd: ours         mark of fd: none
 *        |                       |                         |
 *   ioas_local_open()       ioas_local_ioctl()        next: libc's
 *
 * Ours are numbers with a placeholder (host/files.h), an eventfd that
 *  - is always close-on-exec and never blocks, whatever the program asked for
 *    and is shown: who gets at it past us neither hangs, nor carries it into
 *    a program where it means nothing;
 *  - is shared by the duplicates of a descriptor, as a file is;
 *  - can be read (by poll, select, epoll) exactly while our file can.
 *
 * A mark is a byte per number, so that the usual answer, "not ours", is a load.
 * It is set before a number is ours, and cleared before it is not; what a
 * number really is the instance knows.
 *
 *   NONE --number made--> OURS --close, replaced--> NONE
 *                          `--fork(), in the child--> LOST --close--> NONE
 *
 * HIDDEN are descriptors that our rooms keep for themselves: in high numbers,
 * to take none that the program expects, and out of its reach when it closes
 * whatever there is (closefrom()).
 *
 * After fork() the child's numbers are LOST: requests, transfers and mappings
 * fail with EIO, dup and close work, and a new open makes a new instance. In a
 * child of vfork(), which shares our memory but not our descriptors, calls that
 * change descriptors are the system's (ioas_preload_owner()).
 */
#ifndef IOAS_PRELOAD_PRELOAD_H
#define IOAS_PRELOAD_PRELOAD_H

#include <errno.h>

#include "host/local.h"
#include "preload/next.h"

/* The system's usual ceiling of numbers; ours are below. */
#define IOAS_PRELOAD_FDS (1u << 20)

enum ioas_preload_mark {
	IOAS_PRELOAD_NONE,
	IOAS_PRELOAD_OURS,
	IOAS_PRELOAD_LOST,
	IOAS_PRELOAD_HIDDEN,
};

/* Hidden, so that it is one load. 1 MiB that nobody touches costs nothing. */
extern _Atomic uint8_t ioas_preload_marks[IOAS_PRELOAD_FDS];

static inline bool preload_marked(int fd)
{
	return (unsigned int)fd < IOAS_PRELOAD_FDS &&
	       atomic_load_explicit(&ioas_preload_marks[fd],
				    memory_order_relaxed);
}

/* The environment, if it was not read yet. */
void ioas_preload_config(void);

/* ---- the instance ------------------------------------------------------- */

/* Makes it if need be. Return: 0 or -errno. */
int ioas_preload_get(struct ioas_local **out);
/* The one that there is, or NULL. */
struct ioas_local *ioas_preload_look(void);
/* Is this the process whose descriptors we keep? Not after vfork(). */
bool ioas_preload_owner(void);

enum ioas_preload_is {
	IOAS_PRELOAD_OTHER,
	IOAS_PRELOAD_HERE,
	IOAS_PRELOAD_GONE, /* it was, before fork() */
};

/* Close-on-exec, as programs see it of a number of ours. */
void ioas_preload_set_cloexec(int fd, bool on);
bool ioas_preload_cloexec(int fd);

/* What a marked number is. *@l only if HERE. */
enum ioas_preload_is ioas_preload_ask(int fd, struct ioas_local **l);
/* What a request of GONE is told: -EIO; and people, once. */
int ioas_preload_lost(int fd);

/* -1 and errno for @ret below 0. */
static inline int64_t preload_result(int64_t ret)
{
	if (ioas_likely(ret >= 0))
		return ret;
	errno = (int)-ret;
	return -1;
}

/* ---- descriptors -------------------------------------------------------- */

/* @flags is enum ioas_open_flags. Return: fd or -errno. */
int ioas_preload_open(unsigned int flags, bool cloexec);
/*
 * A number that is not ours came from the system: what we knew of it, closed
 * behind our back, is history. Keeps errno.
 */
void ioas_preload_heal(int fd);

enum ioas_preload_place {
	IOAS_PRELOAD_LEAST, /* the lowest free number from a given one */
	IOAS_PRELOAD_EXACT, /* a given number, whatever it was before */
};

/* Where a duplicate goes. */
struct ioas_preload_dup {
	enum ioas_preload_place place;
	int number;
	bool cloexec;
};

/* Duplicate @fd, which is HERE. Return: a descriptor or -errno. */
int ioas_preload_dup(struct ioas_local *l, int fd,
		     const struct ioas_preload_dup *to);
/*
 * EBADF may be the answer of a request, or the number was just being replaced
 * by dup2(), where the kernel knows no between. What fails has done nothing, so
 * it is done again while this says that one was under way since @done.
 */
uint64_t ioas_preload_dups_done(void);
bool ioas_preload_dups_since(uint64_t done);
/* Close @fd, which is marked. As close(2). */
int ioas_preload_close(int fd);
/* @fd, which is marked, is ours no more; whether it stays open is not asked. */
void ioas_preload_forget(int fd);
/* A descriptor of our rooms, perhaps below another number then. Accepts -1. */
int ioas_preload_hide(int fd);
void ioas_preload_unhide(int fd);
bool ioas_preload_hidden(int fd);
/* Above all numbers that are marked. */
int ioas_preload_end(void);
/* Must __wrap_close() leave @fd open? */
bool ioas_preload_keeps(int fd);

/* ---- readiness ---------------------------------------------------------- */

/* Numbers of queues change: before and after one is given to another file. */
struct ioas_ufile *ioas_preload_unwatch(int fd);
void ioas_preload_watch(struct ioas_ufile *file, int fd);
/* The file behind @fd was read: can it be read still? */
void ioas_preload_resync(struct ioas_local *l, int fd);
/* Follow the files of @l from now on. */
void ioas_preload_follow(struct ioas_local *l);
/* In a child of fork(). */
void ioas_preload_unwatch_all(void);

/* ---- signals ------------------------------------------------------------ */

/* Before the handler is in place: from now on programs see their own. */
void ioas_preload_signals(void);
void ioas_preload_signals_fork(void);

/* ---- paths -------------------------------------------------------------- */

enum ioas_preload_node {
	IOAS_PRELOAD_NO_NODE,
	IOAS_PRELOAD_IOMMU,
	IOAS_PRELOAD_VFIO,
};

/* @path has been read by the kernel: it can be. */
enum ioas_preload_node ioas_preload_node(const char *path);
/* Of a descriptor that is HERE: queues are no nodes. */
enum ioas_preload_node ioas_preload_node_of(struct ioas_local *l, int fd);

#endif
