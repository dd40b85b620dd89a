/* SPDX-License-Identifier: MIT */
/*
 * shm: the same address, whatever is behind it
 *
 *                 address |===========|
 *   at home        ours   |===========|   fd, from 0
 *   lent         client's ..|===========|..   from offset; ours keeps its pages
 *
 * Programs map their own memfd, which is all that the kernel knows of a file of
 * ours; so what they are to see must lie in it. It cannot shrink under us, as
 * it is sealed. What a client writes to it by other ways than a mapping is as
 * if it had been written through one.
 *
 *  S1  fd is -1 of what belongs to a file for good, else our memfd;
 *  S2  offset is 0 at home, and where it lies in the client's memfd else;
 *  S3  lent is that memfd while offset is not 0, or -1 if there was no room for
 *      it; a duplicate, as one more that has it open would seem to be the client.
 *
 * A BAR may be large, and most of it never written: reading a hole would fill
 * it. So contents are what the file says is no hole.
 */
#include "super/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"

/* Divides every page size; no more of a hole is filled than need be. */
#define BLOCK 4096u
/* Times that a mapping is tried for, a millisecond each. */
#define TRIES 5

/* ---- contents ----------------------------------------------------------- */

static int punch(int fd, uint64_t offset, uint64_t length)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 (off_t)offset, (off_t)length);
}

static bool is_zero(const char *block)
{
	return !block[0] && !memcmp(block, block + 1, BLOCK - 1);
}

/* From @at on @shm has nothing up to *@first. Return: where it may have, to. */
static uint64_t data_next(const struct ioas_shm *shm, uint64_t at,
			  uint64_t *first)
{
	const int fd = shm->offset ? shm->lent : shm->fd;
	const off_t end = (off_t)(shm->offset + shm->length);
	const off_t data = lseek(fd, (off_t)(shm->offset + at), SEEK_DATA);
	off_t hole;

	*first = at;
	if (data >= end || (data < 0 && errno == ENXIO))
		*first = shm->length;
	if (data < 0 || data >= end)
		return shm->length;
	hole = lseek(fd, data, SEEK_HOLE);
	*first = ((uint64_t)data - shm->offset) & ~(uint64_t)(BLOCK - 1);
	if (hole < 0 || hole >= end)
		return shm->length;
	return ioas_align_up((uint64_t)hole - shm->offset, BLOCK);
}

/* All of @shm to @fd at @offset, where there are zeros now. */
static int contents_copy(const struct ioas_shm *shm, int fd, uint64_t offset)
{
	const char *memory = shm->memory;
	uint64_t at, end;

	for (uint64_t next = 0; next < shm->length; next = end) {
		end = data_next(shm, next, &at);
		for (; at < end; at += BLOCK)
			if (!is_zero(memory + at) &&
			    pwrite(fd, memory + at, BLOCK,
				   (off_t)(offset + at)) != (ssize_t)BLOCK)
				return -ENOMEM;
	}
	return 0;
}

/* Home, where pages are that may be old: what was there once fits again. */
static int contents_return(const struct ioas_shm *shm)
{
	const char *memory = shm->memory;
	uint64_t at, end;

	for (uint64_t next = 0; next < shm->length; next = end) {
		end = data_next(shm, next, &at);
		if (at > next && punch(shm->fd, next, at - next))
			at = next;
		for (; at < end; at += BLOCK)
			if ((!is_zero(memory + at) ||
			     punch(shm->fd, at, BLOCK)) &&
			    pwrite(shm->fd, memory + at, BLOCK, (off_t)at) !=
				    (ssize_t)BLOCK)
				return -ENOMEM;
	}
	return 0;
}

/* ---- place -------------------------------------------------------------- */

/*
 * Something else at the same address. The kernel looks whether it may before it
 * takes away what is there, and goes without memory only for a moment.
 */
static int place(const struct ioas_shm *shm, int fd, uint64_t offset)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	for (unsigned int i = 0; i < TRIES; i++) {
		if (mmap(shm->memory, (size_t)shm->length,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 (off_t)offset) != MAP_FAILED)
			return 0;
		nanosleep(&pause, NULL);
	}
	return -ENOMEM;
}

/* It is at @offset of the client's @memfd from now on; 0: at home. */
static void moved(struct ioas_shm *shm, int memfd, uint64_t offset)
{
	if (shm->offset && shm->lent >= 0)
		close(shm->lent);
	shm->offset = offset;
	if (offset)
		shm->lent = fcntl(memfd, F_DUPFD_CLOEXEC, 0);
}

int ioas_shm_lend(struct ioas_shm *shm, int memfd, uint64_t offset)
{
	/* Nothing of what the client may have put there. */
	if (punch(memfd, offset, shm->length) ||
	    contents_copy(shm, memfd, offset) || place(shm, memfd, offset))
		return -ENOMEM;
	moved(shm, memfd, offset);
	return 0;
}

/*
 * Where this cannot be done, it stays in what was the client's: as good as any
 * other memory, but that who still has it open can look on.
 */
void ioas_shm_return(struct ioas_shm *shm)
{
	if (shm->offset && !contents_return(shm) && !place(shm, shm->fd, 0))
		moved(shm, -1, 0);
}

/* ---- life --------------------------------------------------------------- */

static int map(int fd, uint64_t offset, uint64_t length, struct ioas_shm *out)
{
	void *p = mmap(NULL, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, (off_t)offset);

	*out = (struct ioas_shm){ .memory = p, .length = length, .fd = -1 };
	return p == MAP_FAILED ? -ENOMEM : 0;
}

int ioas_shm_of_file(int memfd, uint64_t offset, uint64_t length,
		     struct ioas_shm *out)
{
	/* Whoever had it before. */
	if (punch(memfd, offset, length))
		return -ENOMEM;
	return map(memfd, offset, length, out);
}

int ioas_shm_of_own(uint64_t length, struct ioas_shm *out)
{
	const int fd = memfd_create("ioas-bar", MFD_CLOEXEC);

	if (fd < 0)
		return -ENOMEM;
	if (ftruncate(fd, (off_t)length) || map(fd, 0, length, out)) {
		close(fd);
		return -ENOMEM;
	}
	out->fd = fd;
	return 0;
}

void ioas_shm_fini(struct ioas_shm *shm)
{
	munmap(shm->memory, (size_t)shm->length);
	moved(shm, -1, 0);
	if (shm->fd >= 0)
		close(shm->fd);
	*shm = (struct ioas_shm){ .fd = -1 };
}
