/* SPDX-License-Identifier: MIT */
/*
 * futex: sleep on a word and wake, private to the process
 *
 * @set selects among the sleepers on one word: a wake reaches those whose set
 * shares a bit with its own. A wake never touches the word, only its address,
 * so it is good even if the word was freed meanwhile (the owner of a lock may
 * free it as soon as it is released); at worst somebody else's sleeper on the
 * reused address wakes for no reason, which every sleeper expects.
 */
#ifndef IOAS_PLAT_POSIX_FUTEX_H
#define IOAS_PLAT_POSIX_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/types.h"

/* 32-bit machines born after 2038 was noticed have this call only. */
#ifdef SYS_futex
#define FUTEX_NR SYS_futex
#else
#define FUTEX_NR SYS_futex_time64
#endif

static inline void futex_sleep(_Atomic uint32_t *word, uint32_t expected,
			       uint32_t set)
{
	int saved = errno;

	syscall(FUTEX_NR, word, FUTEX_WAIT_BITSET_PRIVATE, expected, NULL, NULL,
		set);
	errno = saved;
}

static inline void futex_wake(_Atomic uint32_t *word, int nr, uint32_t set)
{
	int saved = errno;

	syscall(FUTEX_NR, word, FUTEX_WAKE_BITSET_PRIVATE, nr, NULL, NULL, set);
	errno = saved;
}

#endif
