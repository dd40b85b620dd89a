/* SPDX-License-Identifier: MIT */
/*
 * world: a machine, a context and its clients, for directed tests of the core
 *
 *    caller  --> principal 0..1 of one user, one process each
 *    space   0..3    struct ioas
 *    domain  0..3    flat or a page table, attached to at most one space
 *    client  0..3    with a scripted unmap callback and a list of its pins
 *    origin  0..5    processes, files, device memory of one simulated machine
 *
 * Whatever is observable from outside is projected onto a text: two worlds are
 * in the same state if their texts are equal, and the first line that differs
 * says what is wrong. Pointers, storage domains, numbers of calls and the
 * structure of batches are not in it.
 *
 * A failed expectation ends the test case (cmocka's fail).
 */
#ifndef TESTS_LIB_WORLD_H
#define TESTS_LIB_WORLD_H

#include "core/access.h"
#include "core/dirty.h"
#include "domain/flat.h"
#include "domain/table.h"
#include "origin/sim.h"
#include "seam/caller.h"

#define WORLD_SPACES 4
#define WORLD_DOMAINS 4
#define WORLD_CLIENTS 4
#define WORLD_ORIGINS 6
#define WORLD_PRINCIPALS 2
#define WORLD_PINS 32

/* The limits of ioas-tests 9, and the sizes of the machine. */
struct world_limits {
	struct ioas_tuning tuning;
	enum ioas_sim_pin_mode pin_mode;
	enum ioas_flat_answer answer;
	/* Bytes of a bitmap in hand; 0: the default. */
	uint32_t bitmap_window;
	/* Domains are page tables; otherwise flat. */
	bool table;
	uint8_t page_lg2; /* 0: 12 */
	uint8_t huge_lg2; /* 0: 21 */
};

struct world_client {
	struct world *w;
	struct ioas_access *access;
	unsigned int flags;
	/*
	 * Release what intersects on the n-th callback that finds something;
	 * 0: on each, ~0: never.
	 */
	unsigned int patience;
	unsigned int refusals;
	unsigned int callbacks;
	/* Of the last callback. */
	ioas_iova_t iova;
	uint64_t length;
	struct {
		ioas_iova_t iova;
		uint64_t length;
	} pins[WORLD_PINS];
	unsigned int nr_pins;
};

struct world {
	struct world_limits limits;
	struct ioas_context ctx;
	struct ioas_sim *sim;
	struct ioas_user *user;
	struct ioas_principal *principals[WORLD_PRINCIPALS];
	struct ioas_caller caller;
	struct ioas_caller *old_caller;
	struct ioas_fault fault;
	struct ioas *spaces[WORLD_SPACES];
	struct ioas_domain *domains[WORLD_DOMAINS];
	/* Space that the domain is attached to, or -1. */
	int domain_space[WORLD_DOMAINS];
	struct world_client clients[WORLD_CLIENTS];
	struct ioas_origin *origins[WORLD_ORIGINS];
	/* This page of an origin cannot be pinned; UINT64_MAX: each can. */
	uint64_t bad_page;
	/* One total for a giant range: INV-C5 cannot be judged by frame. */
	bool giant;
	/* Broken promises to the machine (INV-C5, C7, ...). */
	unsigned int violations;
	uint64_t live_before;
	uint64_t ledger_violations_before;
};

void world_init(struct world *w, const struct world_limits *limits);
/*
 * Destroys whatever is left, in an order that is always legal, and checks that
 * memory, references, pins and charges are gone (INV-F4).
 */
void world_fini(struct world *w);

/* ---- one thing each; return what the library returned ------------------- */

int world_space(struct world *w, unsigned int s);
int world_space_destroy(struct world *w, unsigned int s);
/* @pgsizes, aperture; not attached. */
int world_domain(struct world *w, unsigned int d, uint64_t pgsizes,
		 ioas_iova_t first, ioas_iova_t last);
void world_domain_destroy(struct world *w, unsigned int d);
/* Its counters, if it is flat; a page table has none. */
bool world_flat_stats(struct world *w, unsigned int d,
		      struct ioas_flat_stats *st);
/* A device writes [@iova, @last]. */
void world_touch(struct world *w, unsigned int d, ioas_iova_t iova,
		 ioas_iova_t last);
int world_attach(struct world *w, unsigned int s, unsigned int d);
void world_detach(struct world *w, unsigned int d);
int world_client(struct world *w, unsigned int c, unsigned int flags);
void world_client_destroy(struct world *w, unsigned int c);
int world_pin(struct world *w, unsigned int c, ioas_iova_t iova,
	      uint64_t length, unsigned int flags);
/* Also forgets the pin; harmless if there is none. */
void world_unpin(struct world *w, unsigned int c, ioas_iova_t iova,
		 uint64_t length);

/* Frames of a simulated process or file; these fail the test on error. */
void world_process(struct world *w, unsigned int o);
void world_map_memory(struct world *w, unsigned int o, uint64_t page,
		      uint64_t nr, enum ioas_sim_layout layout,
		      unsigned int flags);
void world_file(struct world *w, unsigned int o, uint64_t nr,
		unsigned int folio_lg2);
void world_device(struct world *w, unsigned int o, uint64_t nr);

/* ---- what is true now --------------------------------------------------- */

/* Pages in the pinned stores; pages charged to the user. */
uint64_t world_stored(struct world *w);
uint64_t world_charged(struct world *w);
/* Areas of a space; SIZE_MAX of them is a bug. */
unsigned int world_areas(struct world *w, unsigned int s);

/*
 * Every invariant that can be judged from here: validators, pins of the
 * machine against pins of the objects, charges, domains against areas (B1, B2,
 * B4). Fails the test; @what names the moment.
 */
void world_check(struct world *w, const char *what);

/* The projection. Freed by the caller. */
char *world_snapshot(struct world *w);
/* Prints the first line that differs. */
bool world_equal(const char *a, const char *b);

#endif
