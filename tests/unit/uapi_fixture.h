/* SPDX-License-Identifier: MIT */
/*
 * uapi fixture: a simulated host with the test interface, one iommufd, and
 * some memory of the client
 *
 *    0x010000  scratch: structs and arrays of requests (simhost.h)
 *    0x020000  scratch that cannot be written
 *    0x100000  VA_SCATTERED   64 pages, no two neighbours in memory
 *    0x200000  VA_RUN         64 pages, one run of frames
 *    0x300000  VA_READ_ONLY   16 pages
 *    0x400000  VA_HOLE        nothing
 *
 * Where UAPI_OVER_LOCAL is defined, uapi_over_local.h gives the same words for
 * real memory at the same addresses; where UAPI_OVER_SYSTEM is, those of
 * uapi_over_system.h reach /dev/iommu.
 *
 * After each case every object and account is validated, the process exits,
 * and nothing may be left: no context, pin, charge, descriptor, block of
 * memory.
 */
#ifndef TESTS_UNIT_UAPI_FIXTURE_H
#define TESTS_UNIT_UAPI_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define VA_SCATTERED 0x100000u
#define VA_RUN 0x200000u
#define VA_READ_ONLY 0x300000u
#define VA_HOLE 0x400000u
#define VA_PAGES 64u
#define VA_READ_ONLY_PAGES 16u

#ifdef UAPI_OVER_LOCAL
#include "uapi_over_local.h"
#elif defined(UAPI_OVER_SYSTEM)
#include "uapi_over_system.h"
#else

#include "plat/posix/memory.h"
#include "simhost.h"
#include "uclient.h"

struct uapi_test {
	struct simhost *h;
	/* Process 0, which the test has entered. */
	struct sim_process *p;
	struct uclient c;
	size_t blocks;
};

#include "uapi_words.h"

/* ---- life ---------------------------------------------------------------- */

static inline size_t blocks_now(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

static inline void uapi_begin(struct uapi_test *t,
			      const struct simhost_options *opts)
{
	t->blocks = blocks_now();
	t->h = simhost_create(opts);
	t->p = &t->h->processes[0];
	sim_map_memory(t->h, VA_SCATTERED, VA_PAGES * PAGE, IOAS_SIM_SCATTERED,
		       0);
	sim_map_memory(t->h, VA_RUN, VA_PAGES * PAGE, IOAS_SIM_CONSECUTIVE, 0);
	sim_map_memory(t->h, VA_READ_ONLY, VA_READ_ONLY_PAGES * PAGE,
		       IOAS_SIM_SCATTERED, IOAS_SIM_READ_ONLY);
	t->c = (struct uclient){ .transport = &uc_simhost,
				 .ctx = t->h,
				 .fd = sim_open(t->h, 0) };
	assert_int_equal(t->c.fd, SIM_FIRST_FD);
}

static inline void uapi_validate(struct uapi_test *t)
{
	ioas_list_for_each(l, &t->h->uapi->contexts)
		assert_int_equal(ioas_iommufd_validate(ioas_list_entry(
					 l, struct ioas_iommufd, link)),
				 0);
}

static inline void uapi_end(struct uapi_test *t)
{
	uapi_validate(t);
	simhost_destroy(t->h);
	assert_int_equal(blocks_now(), t->blocks);
}

/* @state holds a struct simhost_options, or NULL: uapi_case_with(). */
static inline int uapi_setup(void **state)
{
	struct uapi_test *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	uapi_begin(t, *state);
	*state = t;
	return 0;
}

static inline int uapi_teardown(void **state)
{
	struct uapi_test *t = *state;

	uapi_end(t);
	free(t);
	return 0;
}

#define uapi_case(f) \
	cmocka_unit_test_setup_teardown(f, uapi_setup, uapi_teardown)
#define uapi_case_with(f, opts)                                        \
	cmocka_unit_test_prestate_setup_teardown(f, uapi_setup,        \
						 uapi_teardown, (opts))

/* Pins of all memory there is. */
static inline uint64_t pins(struct uapi_test *t)
{
	return ioas_sim_total_pins(t->h->sim);
}

#endif

/* ---- short words --------------------------------------------------------- */

/* A request from memory that cannot be written; fills in the size. */
#define do_read_only(t, cmd, s)                                     \
	((s)->size = sizeof(*(s)),                                  \
	 sim_cmd_read_only((t)->h, (t)->c.fd, (cmd), (s), sizeof(*(s))))

#endif
