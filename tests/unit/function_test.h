/* SPDX-License-Identifier: MIT */
/*
 * function test: the DMA engine behind VFIO over a simulated host. Its thread is
 * real.
 *
 *   IOVA 0x10000   ring of 16 descriptors, at VA_RUN
 *   IOVA 0x20000   16 pages, at VA_SCATTERED
 *
 * After each case functions and groups are validated, the process exits, and
 * nothing may be left.
 */
#ifndef TESTS_UNIT_FUNCTION_TEST_H
#define TESTS_UNIT_FUNCTION_TEST_H

#include "function/function.h"

#include <ioas/dev/dma.h>
#include <time.h>

#include "dev/models.h"
#include "uapi_fixture.h"

#define CONFIG ((uint64_t)IOAS_ABI_VFIO_PCI_CONFIG_REGION_INDEX << 40)
#define BAR(n) ioas_vdev_bar_offset(n)
#define RING_IOVA 0x10000u
#define DATA_IOVA 0x20000u
#define SIZE 16u
#define RING0 IOAS_ENG_RING(0)
#define COMMAND 4u
#define BUS_MASTER 6u

struct fn_test {
	struct uapi_test u;
	struct simhost *h;
	struct ioas_vgroup g;
	struct ioas_function *f;
	int fd;
	uint32_t ioas;
	uint32_t device;
	uint32_t tail;
	unsigned int nr_faults;
	struct ioas_function_fault fault;
};

/* ---- life ---------------------------------------------------------------- */

static inline void heard(void *ctx, const struct ioas_function_fault *fault)
{
	struct fn_test *t = ctx;

	t->nr_faults++;
	t->fault = *fault;
}

static inline void open_device(struct fn_test *t)
{
	struct ioas_ufile *file;

	expect_ok(ioas_vdev_open(ioas_function_vdev(t->f), &file));
	t->fd = sim_open_ufile(t->h, file);
}

static inline int fn_setup(void **state)
{
	struct fn_test *t = calloc(1, sizeof(*t));
	const struct ioas_function_options o = {
		.model = &ioas_model_dma,
		.bdf = { .bus = 1 },
		.subsystem = 0x4711,
	};
	const uint64_t address[IOAS_MODEL_BARS] = { 0x80000000, 0, 0x80001000,
						    0, 0x80002000 };
	const struct ioas_function_watch watch = { heard, t };
	char why[128];

	uapi_begin(&t->u, NULL);
	t->h = t->u.h;
	expect_ok(ioas_vgroup_init(&t->g, t->h->uapi, 3));
	expect_ok(ioas_function_create(&o, &t->f, why, sizeof(why)));
	ioas_function_place(t->f, address);
	expect_ok(ioas_function_start(t->f, &t->g, &ioas_vdev_iommu, t,
				      &watch));
	open_device(t);
	*state = t;
	return 0;
}

static inline int fn_teardown(void **state)
{
	struct fn_test *t = *state;

	assert_int_equal(ioas_function_validate(t->f), 0);
	assert_int_equal(ioas_vgroup_validate(&t->g), 0);
	uapi_validate(&t->u);
	simhost_exit(t->u.p);
	assert_int_equal(ioas_function_validate(t->f), 0);
	ioas_function_stop(t->f);
	ioas_vgroup_fini(&t->g);
	ioas_function_destroy(t->f);
	uapi_end(&t->u);
	free(t);
	return 0;
}

/* ---- words --------------------------------------------------------------- */

#define dev(t, cmd, s)              \
	((s)->argsz = sizeof(*(s)), \
	 sim_cmd((t)->h, (t)->fd, (cmd), (s), sizeof(*(s))))

static inline uint64_t get(struct fn_test *t, uint64_t offset, unsigned int width)
{
	const uint64_t at = sim_room(t->h, 8);
	uint64_t value = 0;

	assert_int_equal(sim_pread(t->h, t->fd, at, width, offset), width);
	sim_peek(t->h, at, &value, width);
	return value;
}

static inline void set(struct fn_test *t, uint64_t offset, unsigned int width,
		uint64_t value)
{
	const uint64_t at = sim_put(t->h, &value, 8);

	assert_int_equal(sim_pwrite(t->h, t->fd, at, width, offset), width);
}

static inline void bind_device(struct fn_test *t)
{
	struct ioas_abi_vfio_device_bind_iommufd b = { .iommufd = t->u.c.fd };

	expect_ok(dev(t, IOAS_ABI_VFIO_DEVICE_BIND_IOMMUFD, &b));
	t->device = b.out_devid;
}

static inline void attach(struct fn_test *t, uint32_t pt)
{
	struct ioas_abi_vfio_device_attach_iommufd_pt a = { .pt_id = pt };

	expect_ok(dev(t, IOAS_ABI_VFIO_DEVICE_ATTACH_IOMMUFD_PT, &a));
}

static inline void master(struct fn_test *t, bool on)
{
	set(t, CONFIG + COMMAND, 2, on ? BUS_MASTER : 2);
}

static inline void ring_up(struct fn_test *t)
{
	t->tail = 0;
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_BASE, 8, RING_IOVA);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_SIZE, 4, SIZE);
}

/* Bound, attached, memory mapped, bus mastering on, ring set. */
static inline void ready(struct fn_test *t)
{
	static const uint8_t zeroes[16 * PAGE];

	sim_poke(t->h, VA_SCATTERED, zeroes, sizeof(zeroes));
	bind_device(t);
	expect_ok(uc_ioas_alloc(&t->u.c, &t->ioas));
	expect_ok(uc_map_fixed(&t->u.c, t->ioas, VA_RUN, PAGE, UC_RW,
			       RING_IOVA));
	expect_ok(uc_map_fixed(&t->u.c, t->ioas, VA_SCATTERED, 16 * PAGE,
			       UC_RW, DATA_IOVA));
	attach(t, t->ioas);
	master(t, true);
	ring_up(t);
}

static inline void submit(struct fn_test *t, struct ioas_eng_descriptor d)
{
	sim_poke(t->h, VA_RUN + t->tail * sizeof(d), &d, sizeof(d));
	t->tail = (t->tail + 1) % SIZE;
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_TAIL, 4, t->tail);
	set(t, BAR(0) + RING0 + IOAS_ENG_RING_CONTROL, 4, IOAS_ENG_START);
}

/* Some time later it has nothing to do. Return: the status register. */
static inline uint32_t settle(struct fn_test *t)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	uint32_t status = IOAS_ENG_BUSY;

	for (unsigned int i = 0; i < 20000 && status & IOAS_ENG_BUSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		status = (uint32_t)get(
			t, BAR(0) + RING0 + IOAS_ENG_RING_STATUS, 4);
	}
	assert_false(status & IOAS_ENG_BUSY);
	return status;
}

static inline struct ioas_eng_descriptor fill_of(uint64_t iova, uint64_t length)
{
	return (struct ioas_eng_descriptor){ .op = IOAS_ENG_FILL,
					     .destination = iova,
					     .length = length,
					     .value = 0x0123456789abcdef };
}

static inline uint32_t ring_error(struct fn_test *t)
{
	return (uint32_t)get(t, BAR(0) + RING0 + IOAS_ENG_RING_ERROR, 4) & 0xff;
}

static inline uint64_t word_at(struct fn_test *t, uint64_t va)
{
	uint64_t word;

	sim_peek(t->h, va, &word, sizeof(word));
	return word;
}

#define fn_case(f) cmocka_unit_test_setup_teardown(f, fn_setup, fn_teardown)

#endif
