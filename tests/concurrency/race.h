/* SPDX-License-Identifier: MIT */
/*
 * race: a few operations at once, against every order of them one by one
 *
 *   before      operations that make the world           one after the other
 *   threads     0: map          1: attach, detach        every interleaving
 *
 *   legal outcomes = what all orders of single operations lead to, each from
 *                    the same world: return codes, and the projection of the
 *                    state (tests/lib/projection.c)
 *   outcome of an interleaving = one of these, of an order in which nothing
 *                    comes before what had returned before it began
 *
 * Two things that no order of whole operations explains are legal: an unmap of
 * several areas may be one unmap for each of them (@cut); and an operation may
 * be refused because of another one that is running (race.c, weak[]).
 *
 * The world (arena.h) has two spaces, three flat domains, two clients, and a
 * process, a file and a device of eight small pages each. IOVAs are counted in
 * pages; space 0 uses those below 16, space 1 those from there on, so that a
 * callback shows which space it is for.
 *
 * Every operation ends without a lock (O6), every callback begins without one
 * (D6), and none comes after the client has left (D7). Whatever goes wrong is
 * printed by the scheduler with the schedule that repeats it.
 */
#ifndef TESTS_CONCURRENCY_RACE_H
#define TESTS_CONCURRENCY_RACE_H

#include "scheduler.h"

#define RACE_THREADS 3
#define RACE_OPS 3
#define RACE_BEFORE 12

enum race_kind {
	RACE_END,
	RACE_MAP,
	RACE_COPY,
	RACE_UNMAP,
	RACE_ATTACH,
	RACE_DETACH,
	RACE_JOIN,
	RACE_LEAVE,
	RACE_REPLACE,
	RACE_DESTROY,
	RACE_PIN,
	RACE_UNPIN,
	RACE_READ,
	RACE_REVOKE,
	RACE_TRACK,
	RACE_DIRTY,
	RACE_CHANGE,
	RACE_NR_KINDS
};

/* Origins. */
enum { PROC, MEMFILE, DEVMEM };

#define RACE_ANY 0xff

struct race_op {
	enum race_kind kind;
	/* Which space, and which origin, domain, client or source space. */
	uint8_t space;
	uint8_t who;
	/* Pages of IOVA; RACE_ANY: the core chooses. */
	uint8_t page;
	uint8_t nr;
	/* First page of the origin, or of the source. */
	uint8_t from;
	/* An unmap in parts: the first page of the second part. */
	uint8_t cut;
};

#define MAP(space, page, nr, origin, from) \
	{ RACE_MAP, space, origin, page, nr, from, 0 }
#define COPY(space, page, nr, source, from) \
	{ RACE_COPY, space, source, page, nr, from, 0 }
#define UNMAP(space, page, nr) { RACE_UNMAP, space, 0, page, nr, 0, 0 }
#define UNMAP_PARTS(space, page, nr, cut) \
	{ RACE_UNMAP, space, 0, page, nr, 0, cut }
#define ATTACH(space, domain) { RACE_ATTACH, space, domain, 0, 0, 0, 0 }
#define DETACH(space, domain) { RACE_DETACH, space, domain, 0, 0, 0, 0 }
#define JOIN(space, client) { RACE_JOIN, space, client, 0, 0, 0, 0 }
#define LEAVE(client) { RACE_LEAVE, 0, client, 0, 0, 0, 0 }
#define REPLACE(space, client) { RACE_REPLACE, space, client, 0, 0, 0, 0 }
#define DESTROY(client) { RACE_DESTROY, 0, client, 0, 0, 0, 0 }
#define PIN(client, page, nr) { RACE_PIN, 0, client, page, nr, 0, 0 }
#define UNPIN(client, page, nr) { RACE_UNPIN, 0, client, page, nr, 0, 0 }
#define READ(client, page) { RACE_READ, 0, client, page, 1, 0, 0 }
#define REVOKE(origin) { RACE_REVOKE, 0, origin, 0, 0, 0, 0 }
/* Dirty tracking on, and this range written by a device. */
#define TRACK(space, domain, page, nr) \
	{ RACE_TRACK, space, domain, page, nr, 0, 0 }
#define DIRTY(space, domain, page, nr) \
	{ RACE_DIRTY, space, domain, page, nr, 0, 0 }
#define CHANGE() { RACE_CHANGE, 0, 0, 0, 0, 0, 0 }

struct race {
	const char *name;
	struct race_op before[RACE_BEFORE];
	struct race_op threads[RACE_THREADS][RACE_OPS];
};

/*
 * All interleavings with at most @preemptions; true if each is explained.
 * Adds the number of schedules to *@nr.
 */
bool race_run(const struct race *race, uint32_t preemptions, uint64_t *nr);

#endif
