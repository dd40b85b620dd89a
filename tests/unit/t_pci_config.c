/* SPDX-License-Identifier: MIT */
/*
 * pci_config: what a driver finds in the configuration space, and can change
 *
 * The twin is a list of literals: each register's place, value and writable
 * bits for one identity. It knows no capability and no header, only bytes, and
 * is compared with the space after each of many random accesses.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "dev/pci/config.h"

#define SIZE IOAS_PCI_CONFIG_SIZE
#define PM 0x40u
#define MSI 0x48u
#define MSIX 0x58u
#define EXPRESS 0x64u
#define AER 0x100u

static const struct ioas_identity nvme = {
	.vendor = 0x1b36,
	.device = 0x0010,
	.subsystem_vendor = 0x1af4,
	.subsystem = 0x1100,
	.revision = 0x02,
	.class_code = 0x010802,
	.bar = {
		[0] = { .size = 0x4000, .flags = IOAS_BAR_64 | IOAS_BAR_SHARED },
		[2] = { .size = 0x10, .flags = 0 },
		[3] = { .size = 0x80000000, .flags = IOAS_BAR_PREFETCH },
		[4] = { .size = UINT64_C(0x200000000),
			.flags = IOAS_BAR_64 | IOAS_BAR_PREFETCH },
	},
	.vectors = 33,
	.msix_bar = 4,
	.msix_table = 0x2000,
	.msix_pba = 0x3000,
	.msi = 4,
	.intx = true,
};

static const uint64_t address[IOAS_MODEL_BARS] = {
	UINT64_C(0x380000004000), 0, 0xfe000010, 0x80000000,
	UINT64_C(0x380200000000), 0,
};

/* What was called, in order: "m0" memory off, "p3" power state 3, "r" reset. */
struct heard {
	struct ioas_pci_config cfg;
	char text[64];
};

static void hear(struct heard *h, char what, char how)
{
	const size_t at = strlen(h->text);

	if (at + 3 > sizeof(h->text))
		return;
	h->text[at] = what;
	h->text[at + 1] = how;
	h->text[at + 2] = '\0';
}

static void on_memory(void *ctx, bool on)
{
	hear(ctx, 'm', on ? '1' : '0');
}

static void on_bus_master(void *ctx, bool on)
{
	hear(ctx, 'b', on ? '1' : '0');
}

static void on_intx(void *ctx, bool disabled)
{
	hear(ctx, 'i', disabled ? '1' : '0');
}

static void on_power(void *ctx, unsigned int state)
{
	hear(ctx, 'p', (char)('0' + state));
}

static void on_reset(void *ctx)
{
	struct heard *h = ctx;

	hear(h, 'r', '!');
	ioas_pci_config_reset(&h->cfg);
}

static const struct ioas_pci_config_ops ops = {
	.memory = on_memory,
	.bus_master = on_bus_master,
	.intx = on_intx,
	.power = on_power,
	.reset = on_reset,
};

static void setup(struct heard *h)
{
	memset(h, 0xa5, sizeof(*h));
	h->text[0] = '\0';
	assert_int_equal(ioas_pci_config_init(&h->cfg, &nvme, &ops, h), 0);
	ioas_pci_config_place(&h->cfg, address);
}

static uint64_t rd(struct heard *h, uint64_t pos, unsigned int width)
{
	uint8_t bytes[8];
	uint64_t value = 0;

	assert_int_equal(ioas_pci_config_read(&h->cfg, pos, bytes, width), 0);
	for (unsigned int i = width; i--;)
		value = value << 8 | bytes[i];
	return value;
}

static void wr(struct heard *h, uint64_t pos, unsigned int width,
	       uint64_t value)
{
	uint8_t bytes[8];

	for (unsigned int i = 0; i < width; i++, value >>= 8)
		bytes[i] = (uint8_t)value;
	assert_int_equal(ioas_pci_config_write(&h->cfg, pos, bytes, width), 0);
}

#define assert_heard(h, expected)                         \
	do {                                              \
		assert_string_equal((h)->text, expected); \
		(h)->text[0] = '\0';                      \
	} while (0)

/* ---- the twin ----------------------------------------------------------- */

static const struct {
	unsigned int pos, width;
	uint32_t value, writable;
} registers[] = {
	{ 0x00, 2, 0x1b36, 0 },
	{ 0x02, 2, 0x0010, 0 },
	{ 0x04, 2, 0x0002, 0x0547 },
	{ 0x06, 2, 0x0010, 0 },
	{ 0x08, 4, 0x01080202, 0 },
	{ 0x0c, 4, 0, 0xff },
	{ 0x10, 4, 0x00004004, 0xffffc000 },
	{ 0x14, 4, 0x00003800, 0xffffffff },
	{ 0x18, 4, 0xfe000010, 0xfffffff0 },
	{ 0x1c, 4, 0x80000008, 0x80000000 },
	{ 0x20, 4, 0x0000000c, 0 },
	{ 0x24, 4, 0x00003802, 0xfffffffe },
	{ 0x28, 4, 0, 0 },
	{ 0x2c, 4, 0x11001af4, 0 },
	{ 0x30, 4, 0, 0 },
	{ 0x34, 4, 0x40, 0 },
	{ 0x38, 4, 0, 0 },
	{ 0x3c, 4, 0x00000100, 0xff },
	/* Power management: D0 and D3, which the twin is told of. */
	{ 0x40, 4, 0x00034801, 0 },
	{ 0x44, 4, 0x00000008, 0x3 },
	/* MSI: four vectors, 64 bits */
	{ 0x48, 4, 0x00845805, 0x00700000 },
	{ 0x4c, 4, 0, 0xfffffffc },
	{ 0x50, 4, 0, 0xffffffff },
	{ 0x54, 4, 0, 0xffff },
	/* MSI-X: 33 vectors in BAR 4 */
	{ 0x58, 4, 0x00206411, 0 },
	{ 0x5c, 4, 0x00002004, 0 },
	{ 0x60, 4, 0x00003004, 0 },
	/* PCI Express */
	{ 0x64, 4, 0x00020010, 0 },
	{ 0x68, 4, 0x10008021, 0 },
	{ 0x6c, 4, 0x00002910, 0x00007dff },
	{ 0x70, 4, 0x00000043, 0 },
	{ 0x74, 4, 0x10430040, 0 },
	{ 0x88, 4, 0x0000001f, 0 },
	{ 0x8c, 4, 0, 0x0000ffdf },
	{ 0x90, 4, 0x0000000e, 0 },
	{ 0x94, 4, 0x00000003, 0 },
	/* Errors */
	{ 0x100, 4, 0x00020001, 0 },
	{ 0x108, 4, 0x00400000, 0x03fff030 },
	{ 0x10c, 4, 0x00462030, 0x03fff030 },
	{ 0x114, 4, 0x0000e000, 0x0000f1c1 },
	{ 0x118, 4, 0x000000a0, 0x00000140 },
};

struct twin {
	uint8_t value[SIZE];
	uint8_t writable[SIZE];
};

static void twin_init(struct twin *t)
{
	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(registers); i++) {
		for (unsigned int j = 0; j < registers[i].width; j++) {
			const unsigned int at = registers[i].pos + j;

			t->value[at] = (uint8_t)(registers[i].value >> 8 * j);
			t->writable[at] =
				(uint8_t)(registers[i].writable >> 8 * j);
		}
	}
}

static void twin_write(struct twin *t, size_t at, uint8_t byte)
{
	const uint8_t w = t->writable[at];

	/* D1 and D2 are not there. */
	if (at == PM + 4 && ((byte & 3) == 1 || (byte & 3) == 2))
		return;
	t->value[at] = (uint8_t)((t->value[at] & ~w) | (byte & w));
	/* Of eight exponents three are possible: 1, 2 and 4 vectors. */
	if (at == MSI + 2 && (t->value[at] & 0x70) > 0x20)
		t->value[at] = (uint8_t)((t->value[at] & ~0x70) | 0x20);
	/* Function level reset. */
	if (at == EXPRESS + 9 && (byte & 0x80))
		t->value[PM + 4] &= (uint8_t)~3;
}

static void assert_same(struct heard *h, const struct twin *t)
{
	uint8_t bytes[SIZE];

	assert_int_equal(ioas_pci_config_read(&h->cfg, 0, bytes, SIZE), 0);
	for (size_t i = 0; i < SIZE; i++) {
		if (bytes[i] != t->value[i])
			fail_msg("byte %#zx: %#x, expected %#x", i, bytes[i],
				 t->value[i]);
	}
}

static uint64_t rnd(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- cases -------------------------------------------------------------- */

static void every_register_has_its_value(void **state)
{
	static struct heard h;
	static struct twin t;

	(void)state;
	setup(&h);
	twin_init(&t);
	assert_same(&h, &t);
	assert_true(ioas_pci_config_memory_enabled(&h.cfg));
	assert_false(ioas_pci_config_bus_master(&h.cfg));
	assert_false(ioas_pci_config_intx_disabled(&h.cfg));
	assert_int_equal(ioas_pci_config_power_state(&h.cfg), 0);
	assert_heard(&h, "");
}

static void each_byte_takes_its_writable_bits_only(void **state)
{
	static const uint8_t values[] = { 0xff, 0x00, 0x55, 0xaa };
	static struct heard h;
	static struct twin t;

	(void)state;
	setup(&h);
	twin_init(&t);
	for (size_t at = 0; at < SIZE; at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			wr(&h, at, 1, values[v]);
			twin_write(&t, at, values[v]);
			assert_int_equal(rd(&h, at, 1), t.value[at]);
		}
	}
	assert_same(&h, &t);
}

static void random_accesses_are_those_of_bytes(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	uint8_t bytes[64];
	static struct heard h;
	static struct twin t;

	(void)state;
	setup(&h);
	twin_init(&t);
	for (unsigned int round = 0; round < 20000; round++) {
		const bool low = rnd(&seed) % 4;
		const size_t count = rnd(&seed) % (sizeof(bytes) + 1);
		const size_t room = (low ? 0x180 : SIZE) - count;
		const size_t pos = rnd(&seed) % (room + 1);

		h.text[0] = '\0';
		if (rnd(&seed) % 2) {
			for (size_t i = 0; i < count; i++) {
				bytes[i] = (uint8_t)rnd(&seed);
				twin_write(&t, pos + i, bytes[i]);
			}
			assert_int_equal(ioas_pci_config_write(&h.cfg, pos,
							       bytes, count),
					 0);
		}
		assert_int_equal(ioas_pci_config_read(&h.cfg, pos, bytes,
						      count), 0);
		assert_memory_equal(bytes, t.value + pos, count);
		if (round % 64 == 0)
			assert_same(&h, &t);
	}
	assert_same(&h, &t);
}

static void ranges_outside_are_faults_and_do_nothing(void **state)
{
	static const struct {
		uint64_t pos;
		size_t count;
		int err;
	} rows[] = {
		{ 0, SIZE, 0 },
		{ 0, SIZE + 1, -EFAULT },
		{ SIZE - 1, 0, 0 },
		{ SIZE - 1, 1, 0 },
		{ SIZE - 1, 2, -EFAULT },
		{ SIZE, 0, -EFAULT },
		{ SIZE, 1, -EFAULT },
		{ 4, SIZE - 4, 0 },
		{ 4, SIZE - 3, -EFAULT },
		{ 4, SIZE_MAX, -EFAULT },
		{ UINT64_MAX, 1, -EFAULT },
		{ UINT64_MAX, 2, -EFAULT },
		{ UINT64_C(1) << 32, 4, -EFAULT },
	};
	static uint8_t bytes[SIZE + 16];
	static struct heard h;

	(void)state;
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		setup(&h);
		memset(bytes, 0x5a, sizeof(bytes));
		assert_int_equal(ioas_pci_config_write(&h.cfg, rows[i].pos,
						       bytes, rows[i].count),
				 rows[i].err);
		if (rows[i].err) {
			assert_int_equal(rd(&h, 4, 2), 0x0002);
			assert_heard(&h, "");
		}
		assert_int_equal(ioas_pci_config_read(&h.cfg, rows[i].pos,
						      bytes, rows[i].count),
				 rows[i].err);
		if (rows[i].err)
			assert_int_equal(bytes[0], 0x5a);
	}
}

static void bars_tell_their_size(void **state)
{
	static struct heard h;

	(void)state;
	setup(&h);
	for (unsigned int i = 0; i < 7; i++)
		wr(&h, i == 6 ? 0x30 : 0x10 + 4 * i, 4, 0xffffffff);
	assert_int_equal(rd(&h, 0x10, 4), 0xffffc004);
	assert_int_equal(rd(&h, 0x14, 4), 0xffffffff);
	assert_int_equal(rd(&h, 0x18, 4), 0xfffffff0);
	assert_int_equal(rd(&h, 0x1c, 4), 0x80000008);
	assert_int_equal(rd(&h, 0x20, 4), 0x0000000c);
	assert_int_equal(rd(&h, 0x24, 4), 0xfffffffe);
	assert_int_equal(rd(&h, 0x30, 4), 0);
	/* A new address; the low bits are of the type. */
	wr(&h, 0x10, 8, UINT64_C(0x123456789abcdef3));
	assert_true(rd(&h, 0x10, 8) == UINT64_C(0x123456789abcc004));
	/* Restored is what was placed. */
	ioas_pci_config_reset(&h.cfg);
	assert_true(rd(&h, 0x10, 8) == UINT64_C(0x123456789abcc004));
	ioas_pci_config_restore(&h.cfg);
	assert_true(rd(&h, 0x10, 8) == UINT64_C(0x380000004004));
	assert_heard(&h, "");
}

/* Each id with its length; the list ends, and nothing overlaps. */
static unsigned int walk(struct heard *h, uint8_t ids[8])
{
	unsigned int nr = 0, pos = (unsigned int)rd(h, 0x34, 1), before = 0x3f;

	assert_true(rd(h, 6, 2) & 0x10);
	while (pos) {
		assert_true(nr < 8 && pos > before && !(pos % 4));
		before = pos;
		ids[nr++] = (uint8_t)rd(h, pos, 1);
		pos = (unsigned int)rd(h, pos + 1, 1);
	}
	return nr;
}

static void capabilities_are_those_of_the_identity(void **state)
{
	static const uint8_t all[] = { 0x01, 0x05, 0x11, 0x10 };
	static const uint8_t least[] = { 0x01, 0x10 };
	struct ioas_identity id = nvme;
	static struct heard h;
	uint8_t ids[8];

	(void)state;
	setup(&h);
	assert_int_equal(walk(&h, ids), 4);
	assert_memory_equal(ids, all, 4);
	assert_int_equal(rd(&h, AER, 4), 0x00020001);
	id.msi = 0;
	id.vectors = 0;
	id.intx = false;
	assert_int_equal(ioas_pci_config_init(&h.cfg, &id, NULL, NULL), 0);
	assert_int_equal(walk(&h, ids), 2);
	assert_memory_equal(ids, least, 2);
	assert_int_equal(rd(&h, 0x3d, 1), 0);
	/* Nobody resets it: no FLR, and nothing happens. */
	assert_int_equal(rd(&h, 0x48 + 4, 4), 0x00008021);
	wr(&h, 0x48 + 8, 2, 0x8000);
	assert_int_equal(rd(&h, 0x48 + 8, 2), 0);
	/* Neither is there, so neither shows. */
	ioas_pci_config_set_msi(&h.cfg, IOAS_PCI_MSI_MSIX);
	assert_int_equal(rd(&h, 0, 4), 0x00101b36);
	wr(&h, 4, 2, 0x406);
	assert_true(ioas_pci_config_bus_master(&h.cfg));
}

static void the_command_register_is_told(void **state)
{
	static struct heard h;

	(void)state;
	setup(&h);
	wr(&h, 4, 2, 0x0006);
	assert_heard(&h, "b1");
	wr(&h, 4, 2, 0x0006);
	assert_heard(&h, "");
	wr(&h, 4, 2, 0x0406);
	assert_heard(&h, "i1");
	assert_true(ioas_pci_config_intx_disabled(&h.cfg));
	/* The upper byte alone, and with the status behind it. */
	wr(&h, 5, 1, 0x00);
	assert_heard(&h, "i0");
	wr(&h, 5, 3, 0x04);
	assert_heard(&h, "i1");
	wr(&h, 4, 4, 0xffff0000);
	assert_heard(&h, "b0m0i0");
	assert_false(ioas_pci_config_memory_enabled(&h.cfg));
	assert_int_equal(rd(&h, 4, 4), 0x00100000);
	wr(&h, 4, 2, 0xffff);
	assert_heard(&h, "m1b1i1");
	assert_int_equal(rd(&h, 4, 2), 0x0547);
}

static void without_power_nothing_is_enabled(void **state)
{
	static struct heard h;

	(void)state;
	setup(&h);
	wr(&h, 4, 2, 0x0006);
	assert_heard(&h, "b1");
	wr(&h, PM + 4, 2, 1);
	wr(&h, PM + 4, 2, 2);
	assert_int_equal(ioas_pci_config_power_state(&h.cfg), 0);
	assert_heard(&h, "");
	wr(&h, PM + 4, 2, 0x8103);
	assert_heard(&h, "b0m0p3");
	assert_int_equal(rd(&h, PM + 4, 2), 0x000b);
	assert_int_equal(ioas_pci_config_power_state(&h.cfg), 3);
	assert_false(ioas_pci_config_memory_enabled(&h.cfg));
	assert_false(ioas_pci_config_bus_master(&h.cfg));
	/* The register has it, the function has not. */
	assert_int_equal(rd(&h, 4, 2), 0x0006);
	wr(&h, 4, 2, 0x0002);
	assert_heard(&h, "");
	wr(&h, PM + 4, 2, 2);
	assert_int_equal(ioas_pci_config_power_state(&h.cfg), 3);
	wr(&h, PM + 4, 1, 0);
	assert_heard(&h, "p0m1");
	/* A reset ends it. */
	wr(&h, PM + 4, 1, 3);
	assert_heard(&h, "m0p3");
	ioas_pci_config_reset(&h.cfg);
	assert_heard(&h, "p0m1");
}

static void a_function_level_reset_keeps_the_configuration(void **state)
{
	static struct heard h;

	(void)state;
	setup(&h);
	wr(&h, 4, 2, 0x0406);
	wr(&h, 0x3c, 1, 0x0b);
	wr(&h, MSI + 4, 8, 0xfee00000);
	ioas_pci_config_set_msi(&h.cfg, IOAS_PCI_MSI_MSI);
	assert_heard(&h, "b1i1");
	/* Its own bit is in the second byte, and reads 0. */
	wr(&h, EXPRESS + 8, 1, 0x80);
	assert_heard(&h, "");
	wr(&h, EXPRESS + 9, 1, 0xa8);
	assert_heard(&h, "r!");
	assert_int_equal(rd(&h, EXPRESS + 8, 2), 0x2880);
	wr(&h, EXPRESS + 8, 4, 0xa910);
	assert_heard(&h, "r!");
	assert_int_equal(rd(&h, EXPRESS + 8, 2), 0x2910);
	wr(&h, PM + 4, 1, 3);
	assert_heard(&h, "b0m0p3");
	wr(&h, EXPRESS + 8, 2, 0x8000);
	assert_heard(&h, "r!p0m1b1");
	assert_int_equal(rd(&h, 4, 2), 0x0406);
	assert_int_equal(rd(&h, 0x3c, 1), 0x0b);
	assert_int_equal(rd(&h, MSI + 2, 2), 0x0085);
	assert_int_equal(rd(&h, MSI + 4, 4), 0xfee00000);
}

static void pieces_take_effect_in_order(void **state)
{
	static const uint8_t bytes[] = {
		0x06, 0x00, 0, 0, 0, 0, 0, 0, 0x20,
	};
	static struct heard h;

	(void)state;
	setup(&h);
	/* Command, then cache line size: the command's ops come first. */
	assert_int_equal(ioas_pci_config_write(&h.cfg, 4, bytes,
					       sizeof(bytes)), 0);
	assert_heard(&h, "b1");
	assert_int_equal(rd(&h, 0x0c, 1), 0x20);
	/* One byte of two, then two, then one: both halves are one write. */
	wr(&h, 3, 4, 0x00000000);
	assert_heard(&h, "b0m0");
	/* 0x42: two bytes, then four with the state. */
	wr(&h, PM + 2, 6, UINT64_C(0x00030000));
	assert_heard(&h, "p3");
}

static void message_interrupts_are_enabled_by_set_irqs_only(void **state)
{
	static struct heard h;

	(void)state;
	setup(&h);
	wr(&h, MSI + 2, 2, 0xffff);
	assert_int_equal(rd(&h, MSI + 2, 2), 0x00a4);
	wr(&h, MSIX + 2, 2, 0xc000);
	assert_int_equal(rd(&h, MSIX + 2, 2), 0x0020);
	ioas_pci_config_set_msi(&h.cfg, IOAS_PCI_MSI_MSIX);
	assert_int_equal(rd(&h, MSIX + 2, 2), 0x8020);
	assert_int_equal(rd(&h, MSI + 2, 2), 0x00a4);
	wr(&h, MSIX + 2, 2, 0x0000);
	wr(&h, MSIX + 2, 2, 0x4000);
	assert_int_equal(rd(&h, MSIX + 2, 2), 0x8020);
	ioas_pci_config_set_msi(&h.cfg, IOAS_PCI_MSI_MSI);
	assert_int_equal(rd(&h, MSIX + 2, 2), 0x0020);
	assert_int_equal(rd(&h, MSI + 2, 2), 0x00a5);
	wr(&h, MSI + 2, 2, 0x0010);
	assert_int_equal(rd(&h, MSI + 2, 2), 0x0095);
	ioas_pci_config_set_msi(&h.cfg, IOAS_PCI_MSI_NONE);
	assert_int_equal(rd(&h, MSI + 2, 2), 0x0094);
	assert_heard(&h, "");
}

static void the_status_shows_intx(void **state)
{
	static struct heard h;

	(void)state;
	setup(&h);
	ioas_pci_config_set_intx(&h.cfg, true);
	assert_int_equal(rd(&h, 6, 2), 0x0018);
	wr(&h, 6, 2, 0xffff);
	assert_int_equal(rd(&h, 6, 2), 0x0018);
	ioas_pci_config_set_intx(&h.cfg, false);
	assert_int_equal(rd(&h, 6, 2), 0x0010);
}

static void a_close_restores_everything(void **state)
{
	static struct heard h;
	static struct twin t;
	static uint8_t ones[SIZE];

	(void)state;
	setup(&h);
	twin_init(&t);
	memset(ones, 0x7f, sizeof(ones));
	assert_int_equal(ioas_pci_config_write(&h.cfg, 0, ones, SIZE), 0);
	ioas_pci_config_set_msi(&h.cfg, IOAS_PCI_MSI_MSIX);
	/* The first write has set D3 after all of the command. */
	assert_heard(&h, "b1i1b0m0p3");
	ioas_pci_config_restore(&h.cfg);
	assert_heard(&h, "p0m1i0");
	assert_same(&h, &t);
}

#define REFUSED(id) \
	assert_int_equal(ioas_pci_config_init(&cfg, &(id), NULL, NULL), \
			 -EINVAL)
#define TAKEN(id) \
	assert_int_equal(ioas_pci_config_init(&cfg, &(id), NULL, NULL), 0)

static void impossible_bars_are_refused(void **state)
{
	static struct ioas_pci_config cfg;
	struct ioas_identity id = nvme;

	(void)state;
	TAKEN(id);
	id.bar[2].size = 8;
	REFUSED(id);
	id.bar[2].size = 0x30;
	REFUSED(id);
	id.bar[2].size = UINT64_C(1) << 31;
	TAKEN(id);
	id.bar[2].size = UINT64_C(1) << 32;
	REFUSED(id);
	/* Half of a 64-bit one. */
	id = nvme;
	id.bar[1].size = 0x1000;
	REFUSED(id);
	id = nvme;
	id.bar[4].size = 0;
	id.bar[5] = id.bar[0];
	id.vectors = 0;
	REFUSED(id);
	id.bar[5].flags = 0;
	TAKEN(id);
	/* The exact part is part of it. */
	id.bar[5].exact_first = 0x3000;
	id.bar[5].exact_length = 0x1000;
	TAKEN(id);
	id.bar[5].exact_length = 0x1001;
	REFUSED(id);
	id.bar[5].exact_length = UINT64_MAX;
	REFUSED(id);
}

static void impossible_interrupts_are_refused(void **state)
{
	static struct ioas_pci_config cfg;
	struct ioas_identity id = nvme;

	(void)state;
	id.msi = 3;
	REFUSED(id);
	id.msi = 64;
	REFUSED(id);
	id.msi = 32;
	TAKEN(id);
	id.vectors = 2049;
	REFUSED(id);
	id.vectors = 2048;
	REFUSED(id);	/* over the pending bits */
	id.msix_pba = 0xa000;
	TAKEN(id);
	id.msix_table = 0x2004;
	REFUSED(id);
	id.msix_table = 0x2000;
	id.msix_pba = 0xa004;
	REFUSED(id);
	id.msix_pba = 0xa000;
	id.msix_bar = 1;
	REFUSED(id);
	id.msix_bar = 6;
	REFUSED(id);
	id.msix_bar = 255;
	REFUSED(id);
	/* The last entry and the last pending bits are inside. */
	id = nvme;
	id.msix_bar = 0;
	id.msix_table = 0x4000 - 33 * 16;
	TAKEN(id);
	id.msix_table += 8;
	REFUSED(id);
	id.msix_table = 0;
	id.msix_pba = 0x3ff8;
	TAKEN(id);
	id.msix_pba = 0x4000;
	REFUSED(id);
	id = nvme;
	id.class_code = 0x1000000;
	REFUSED(id);
	id = nvme;
	id.pasid_bits = 21;
	REFUSED(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_register_has_its_value),
		cmocka_unit_test(each_byte_takes_its_writable_bits_only),
		cmocka_unit_test(random_accesses_are_those_of_bytes),
		cmocka_unit_test(ranges_outside_are_faults_and_do_nothing),
		cmocka_unit_test(bars_tell_their_size),
		cmocka_unit_test(capabilities_are_those_of_the_identity),
		cmocka_unit_test(the_command_register_is_told),
		cmocka_unit_test(without_power_nothing_is_enabled),
		cmocka_unit_test(a_function_level_reset_keeps_the_configuration),
		cmocka_unit_test(pieces_take_effect_in_order),
		cmocka_unit_test(message_interrupts_are_enabled_by_set_irqs_only),
		cmocka_unit_test(the_status_shows_intx),
		cmocka_unit_test(a_close_restores_everything),
		cmocka_unit_test(impossible_bars_are_refused),
		cmocka_unit_test(impossible_interrupts_are_refused),
	};

	return cmocka_run_group_tests_name("pci_config", tests, NULL, NULL);
}
