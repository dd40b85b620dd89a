/* SPDX-License-Identifier: MIT */
/* The device of examples/model_timer.c, which is what the guide shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model_kit.h"

#include "../../examples/model_timer.c"

#define TARGET_IOVA 0x3008u

static struct model_kit *kit;

static int setup(void **state)
{
	(void)state;
	return model_kit_new(&ioas_model, NULL, 0, &kit);
}

static int teardown(void **state)
{
	(void)state;
	model_kit_free(kit);
	return 0;
}

static uint64_t get(unsigned int nr)
{
	return kit_mmio_read(kit, 0, nr * 8, 8);
}

static void set(unsigned int nr, uint64_t value)
{
	kit_mmio_write(kit, 0, nr * 8, 8, value);
}

static void it_ticks_into_memory(void **state)
{
	uint64_t *record = kit_memory(kit, TARGET_IOVA, 16);

	(void)state;
	assert_int_equal(kit_poll(kit, 10), 0);
	set(TARGET, TARGET_IOVA);
	set(PERIOD, 1000000);
	assert_int_equal(kit_poll(kit, 1), 0);
	kit_advance(1000000);
	assert_int_equal(kit_poll(kit, 2), 1);
	assert_int_equal(record[0], 1);
	assert_int_equal(get(TICKS), 1);
	assert_int_equal(get(STATUS), STATUS_TICK);
	assert_int_equal(kit_irqs(kit, 0), 1);
	assert_true(kit_intx(kit));
	set(STATUS, STATUS_TICK);
	assert_int_equal(get(STATUS), 0);
	assert_false(kit_intx(kit));
	/* Five at once are one interrupt. */
	kit_advance(5000000);
	assert_int_equal(kit_poll(kit, 2), 1);
	assert_int_equal(record[0], 6);
	assert_int_equal(kit_irqs(kit, 0), 2);
}

static void it_stops_at_a_fault_until_told(void **state)
{
	uint64_t *record = kit_memory(kit, TARGET_IOVA, 16);

	(void)state;
	kit_unmap(kit, 0x3000, KIT_PAGE);
	set(TARGET, TARGET_IOVA);
	set(PERIOD, 1000000);
	kit_advance(1000000);
	assert_int_equal(kit_poll(kit, 1), 1);
	assert_int_equal(get(STATUS), STATUS_TICK | STATUS_FAILED);
	kit_advance(1000000);
	assert_int_equal(kit_poll(kit, 5), 0);
	assert_int_equal(kit_faults(kit), 1);
	kit_map(kit, 0x3000, KIT_PAGE);
	set(STATUS, STATUS_FAILED);
	assert_int_equal(get(STATUS), STATUS_TICK);
	assert_int_equal(kit_poll(kit, 1), 1);
	assert_int_equal(record[0], 2);
}

static void it_forgets_all_at_a_reset(void **state)
{
	unsigned int i, dmas;

	(void)state;
	set(PERIOD, 1000000);
	kit_advance(3000000);
	kit_poll(kit, 1);
	dmas = kit_dmas(kit);
	kit_reset(kit);
	kit_advance(3000000);
	assert_int_equal(kit_poll(kit, 5), 0);
	assert_int_equal(kit_dmas(kit), dmas);
	for (i = 0; i < NR_REGISTERS; i++)
		assert_int_equal(get(i), 0);
	assert_false(kit_intx(kit));
}

static void its_registers_go_by_parts(void **state)
{
	(void)state;
	kit_mmio_write(kit, 0, TARGET * 8 + 4, 4, 0x11223344);
	kit_mmio_write(kit, 0, TARGET * 8, 2, 0x5566);
	kit_mmio_write(kit, 0, TARGET * 8 + 3, 1, 0x77);
	assert_int_equal(get(TARGET), UINT64_C(0x1122334477005566));
	assert_int_equal(kit_mmio_read(kit, 0, TARGET * 8 + 6, 2), 0x1122);
	set(TICKS, 5);
	assert_int_equal(get(TICKS), 0);
	assert_int_equal(kit_mmio_read(kit, 0, 56, 8), 0);
}

static void its_option_is_checked(void **state)
{
	static const char *const bad[] = {"", "0", "x", "-1", "12x"};
	struct ioas_model_setting s = {.name = "shortest"};
	struct model_kit *one;
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s.value = bad[i];
		assert_int_equal(model_kit_new(&ioas_model, &s, 1, &one),
				 -EINVAL);
	}
	assert_string_equal(kit_why(), "shortest=12x: not a period");
	s.value = "2000000";
	assert_int_equal(model_kit_new(&ioas_model, &s, 1, &one), 0);
	kit_mmio_write(one, 0, PERIOD * 8, 8, 1);
	kit_advance(1000000);
	assert_int_equal(kit_poll(one, 1), 0);
	kit_advance(1000000);
	assert_int_equal(kit_poll(one, 2), 1);
	/* One that does not fit behind now is no storm either. */
	kit_mmio_write(one, 0, PERIOD * 8, 8, UINT64_MAX);
	assert_int_equal(kit_poll(one, 100), 0);
	model_kit_free(one);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(it_ticks_into_memory),
		T(it_stops_at_a_fault_until_told),
		T(it_forgets_all_at_a_reset),
		T(its_registers_go_by_parts),
		T(its_option_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
