/* SPDX-License-Identifier: MIT */
/*
 * contest: a few requests that are made at the same moment, many times over
 *
 *   the test's thread    setup |gate| delay, side 0 |join| check
 *   another thread             |gate| delay, side 1 |join|
 *   another thread             |gate| delay, side 2 |join|
 *
 * A round is one context of a simulated machine, from its open to its close:
 * setup brings the objects, the sides are single requests and note what they
 * got, check says which combinations of answers there may be. Behind it the
 * context is validated and closed, and nothing of it may be left.
 *
 * Delays are random, from none to a few times what a request takes. There are
 * rounds for as long as a case may take, and how often each side had come first
 * is not known; what it answered is counted, and shown.
 */
#ifndef TESTS_CONCURRENCY_CONTEST_H
#define TESTS_CONCURRENCY_CONTEST_H

#include "prng.h"
#include "simhost.h"
#include "uclient.h"

#define SIDES 3
#define PAGE 4096u
/* Memory of the process: 16 pages each; runs of frames, or one run. */
#define VA 0x100000u
#define VA_RUN 0x200000u
#define VA_PAGES 16u
#define IOVA 0x2000000u

struct contest;

/* What a round has to do with; zero at its start. */
struct round {
	struct contest *contest;
	struct simhost *h;
	/* The context. A side may be another process with another number. */
	struct uclient c;
	uint64_t number;

	uint32_t ioas[2];
	struct uc_mock dev[2];
	uint32_t hwpt;
	uint32_t nested;
	uint32_t viommu;
	uint32_t vdevice;
	uint32_t queue;
	int fd;
	/* The lowest id that was free at the end of the setup. */
	uint32_t next_id;
	uint64_t offset;

	/* Of the sides: what they got. */
	int64_t ret[SIDES];
	uint32_t out[SIDES];
	uint8_t buffer[SIDES][256];
};

struct contest_case {
	const char *name;
	void (*setup)(struct round *r);
	/* Unused ones are last, and NULL. */
	void (*sides[SIDES])(struct round *r);
	void (*check)(struct round *r);
};

/* The machine and its threads, for all cases of a program. */
struct contest *contest_create(uint64_t seed);
void contest_destroy(struct contest *t);
/* Rounds of @c for @ms milliseconds. */
void contest_run(struct contest *t, const struct contest_case *c,
		 unsigned int ms);
/* A process of another user, for all rounds. */
struct sim_process *contest_stranger(struct contest *t);

#endif
