/* SPDX-License-Identifier: MIT */
/*
 * peer: the address space of another process
 *
 *   /proc/PID/maps, mem   held: they are of this memory for good, whatever the
 *                         process executes, and whoever has its number next
 *   PID                   faster, as long as both are the same
 *
 * Bytes of the origin are addresses there. What it waives of
 * docs/reference/ioas-core.md 4.2 stands in peer.c.
 *
 * Any thread; no locks.
 */
#ifndef IOAS_ORIGIN_PEER_H
#define IOAS_ORIGIN_PEER_H

#include <sys/types.h>

#include "origin/backing.h"

/* Called from pins and copies, with locks held: must neither block nor pin. */
struct ioas_peer_ops {
	/*
	 * May pages of this file not be pinned, however they are mapped?
	 * @dev as ioas_vma_dev() has it. May be NULL.
	 */
	bool (*deny)(void *data, uint64_t dev, uint64_t ino);
	/*
	 * The memory of ours that is at @offset of this file as clients map it,
	 * because a device shows it; *@length bytes from there on at most, cut to
	 * what follows in one piece. NULL: there is none. It outlives pins, at
	 * the same address. May be NULL.
	 */
	void *(*device)(void *data, uint64_t dev, uint64_t ino, uint64_t offset,
			uint64_t *length);
	/* Pinned memory of @pid can not be reached any more. May be NULL. */
	void (*lost)(void *data, pid_t pid, uint64_t address);
};

struct ioas_peer {
	struct ioas_vspace space;
	/* References, one of them for each page pinned by address. */
	_Atomic uint64_t refs;
	_Atomic uint64_t pinned;
	/* Set once. */
	pid_t pid;
	int mem;
	const void *mm;
	const struct ioas_peer_ops *ops;
	void *data;
	/* pid is no way to this memory any more. */
	_Atomic bool executed;
};

/*
 * The memory that process @pid has now. @mm_tag is what ioas_caller.mm is when
 * it calls; @ops and @data outlive the peer; @ops may be NULL. @b outlives it
 * as well. Return: 0 with a reference in *@out; -EPERM (not ours to see, which
 * without privilege is also said of a process that has just exited), -ESRCH,
 * -ENOMEM, -ENOSPC (frames), -EMFILE.
 */
int ioas_peer_create(struct ioas_backings *b, pid_t pid, const void *mm_tag,
		     const struct ioas_peer_ops *ops, void *data,
		     struct ioas_peer **out);
struct ioas_peer *ioas_peer_get(struct ioas_peer *p);
/* Accepts NULL. What is pinned keeps the peer. */
void ioas_peer_put(struct ioas_peer *p);

/* Does any process have this memory still? */
bool ioas_peer_alive(const struct ioas_peer *p);
/* Pages of it that are pinned by their address, and so go with it. */
uint64_t ioas_peer_pinned(const struct ioas_peer *p);
/*
 * From now on its number may lead elsewhere: the process executes, or is gone
 * while another that shares its memory is not. To be called before it can.
 */
void ioas_peer_executed(struct ioas_peer *p);
/* It does not: execve has failed. */
void ioas_peer_stayed(struct ioas_peer *p);

/*
 * Arguments of a call: as the process itself could read or write them. Return:
 * 0, or -EFAULT: not all of it; earlier bytes may be copied.
 */
int ioas_peer_read(struct ioas_peer *p, void *dst, uint64_t src, size_t n);
int ioas_peer_write(struct ioas_peer *p, uint64_t dst, const void *src,
		    size_t n);

/* Its memory; takes a reference of the peer. Return: 0 or -ENOMEM. */
int ioas_origin_peer_create(struct ioas_peer *p, struct ioas_origin **out);
/* Where memory of devices (ops->device), which @p has mapped, is memory, too. */
int ioas_origin_peer_create_devices(struct ioas_peer *p,
				    struct ioas_origin **out);

#endif
