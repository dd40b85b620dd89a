/* SPDX-License-Identifier: MIT */
/*
 * threads at one function: its driver, who maps and unmaps, who resets
 *
 * Each is a task of the process, beside the function's own thread. What the
 * engine reports may be anything; what must hold is that after an unmap memory
 * is left alone, and what the validators say.
 */
#include <pthread.h>

#include "function_test.h"

#define ROUNDS 400u
#define SIDES 3u

struct side {
	struct fn_test *t;
	unsigned int task;
	void (*work)(struct fn_test *t, unsigned int round);
	pthread_t thread;
};

static void *side_run(void *arg)
{
	struct side *s = arg;

	simhost_enter_task(s->t->u.p, s->task);
	for (unsigned int i = 0; i < ROUNDS; i++)
		s->work(s->t, i);
	simhost_leave(s->t->h);
	return NULL;
}

static void drive(struct fn_test *t, unsigned int round)
{
	(void)round;
	ring_up(t);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_STATUS, 4,
	    IOAS_ENG_ERROR | IOAS_ENG_ABORTED);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_HEAD, 4, 0);
	for (unsigned int i = 0; i < 4; i++)
		submit(t, fill_of(DATA_IOVA, 16 * PAGE));
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_CONTROL, 4, IOAS_ENG_ABORT);
}

static void map_and_unmap(struct fn_test *t, unsigned int round)
{
	const uint64_t mark = round + 1;
	uint8_t page[PAGE];

	expect_ok(uc_unmap(&t->u.c, t->ioas, DATA_IOVA, 16 * PAGE, NULL));
	memset(page, (int)mark, sizeof(page));
	for (unsigned int i = 0; i < 16; i++)
		sim_poke(t->h, VA_SCATTERED + i * PAGE, page, PAGE);
	assert_int_equal(ioas_function_validate(t->f), 0);
	for (unsigned int i = 0; i < 16; i++) {
		sim_peek(t->h, VA_SCATTERED + i * PAGE, page, PAGE);
		for (unsigned int j = 0; j < PAGE; j++)
			assert_int_equal(page[j], (uint8_t)mark);
	}
	expect_ok(uc_map_fixed(&t->u.c, t->ioas, VA_SCATTERED, 16 * PAGE,
			       UC_RW, DATA_IOVA));
}

static void reset_and_attach(struct fn_test *t, unsigned int round)
{
	struct ioas_abi_vfio_device_detach_iommufd_pt d = { 0 };

	if (round % 3 == 0) {
		expect_ok(sim_ioctl(t->h, t->fd, IOAS_ABI_VFIO_DEVICE_RESET,
				    0));
	} else if (round % 3 == 1) {
		expect_ok(dev(t, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &d));
		attach(t, t->ioas);
	} else {
		master(t, false);
		master(t, true);
	}
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
}

/* ---- PASIDs -------------------------------------------------------------- */

/* More than there are views. */
#define PASIDS 96u

static uint32_t hwpt;

static void drive_pasids(struct fn_test *t, unsigned int round)
{
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_STATUS, 4, IOAS_ENG_ERROR);
	for (unsigned int i = 0; i < 4; i++) {
		struct ioas_eng_descriptor d = fill_of(DATA_IOVA, PAGE);

		d.pasid = (round * 4 + i) % PASIDS + 1;
		submit(t, d);
	}
}

/* A fifth of them is detached at any time. */
static void attach_pasids(struct fn_test *t, unsigned int round)
{
	struct ioas_abi_vfio_device_attach_iommufd_pt a = {
		.flags = IOAS_ABI_VFIO_DEVICE_ATTACH_PASID,
		.pt_id = hwpt,
		.pasid = round * 7 % PASIDS + 1,
	};
	struct ioas_abi_vfio_device_detach_iommufd_pt d = {
		.flags = IOAS_ABI_VFIO_DEVICE_DETACH_PASID,
		.pasid = (round + PASIDS / 5) * 7 % PASIDS + 1,
	};

	expect_ok(dev(t, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a));
	expect_ok(dev(t, IOAS_ABI_VFIO_DEVICE_DETACH_IOMMUFD_PT, &d));
	assert_int_equal(ioas_function_validate(t->f), 0);
}

/* ---- cases --------------------------------------------------------------- */

static void run_sides(struct fn_test *t,
		      void (*const work[SIDES])(struct fn_test *, unsigned int))
{
	struct side sides[SIDES];

	for (unsigned int i = 0; i < SIDES; i++) {
		sides[i] = (struct side){ .t = t,
					  .task = i + 1,
					  .work = work[i] };
		assert_int_equal(pthread_create(&sides[i].thread, NULL,
						side_run, &sides[i]),
				 0);
	}
	for (unsigned int i = 0; i < SIDES; i++)
		assert_int_equal(pthread_join(sides[i].thread, NULL), 0);
	/* It still works. */
	settle(t);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_STATUS, 4, IOAS_ENG_ERROR);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_HEAD, 4, 0);
	ring_up(t);
	submit(t, fill_of(DATA_IOVA, PAGE));
	assert_int_equal(settle(t) & IOAS_ENG_ERROR, 0);
	assert_int_equal(word_at(t, VA_SCATTERED), 0x0123456789abcdef);
}

static void driver_mapper_and_resets(void **state)
{
	static void (*const work[SIDES])(struct fn_test *, unsigned int) = {
		drive, map_and_unmap, reset_and_attach
	};

	ready(*state);
	run_sides(*state, work);
}

static void driver_mapper_and_pasids(void **state)
{
	static void (*const work[SIDES])(struct fn_test *, unsigned int) = {
		drive_pasids, map_and_unmap, attach_pasids
	};
	struct fn_test *t = *state;

	ready(t);
	expect_ok(uc_hwpt(&t->u.c, t->device, t->ioas,
			  IOAS_ABI_HWPT_ALLOC_PASID, &hwpt));
	attach(t, hwpt);
	for (unsigned int i = 0; i < PASIDS; i++)
		attach_pasids(t, i);
	run_sides(t, work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		fn_case(driver_mapper_and_resets),
		fn_case(driver_mapper_and_pasids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
