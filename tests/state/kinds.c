/* SPDX-License-Identifier: MIT */
/*
 * kinds: the configurations, and what the reference says of them
 */
#include "kinds.h"

#include <string.h>

#include "base/bits.h"
#include "base/errno.h"

#define DIRTY IOAS_PT_DIRTY
#define SIGN IOAS_PT_SIGN_EXTEND

#define AMD(config, nr, va, oa, bits, pages)                                  \
	{ .name = "amdv1:" config, .format = &ioas_pt_amdv1,                  \
	  .walker = WALKER_AMDV1, .granule_lg2 = 12, .va_bits = va,           \
	  .oa_bits = oa, .levels = nr, .flags = bits,                         \
	  .options = DIRTY | IOAS_PT_FORCE_COHERENT, .sizes = pages }
#define VTD(config, va, oa, bits)                                             \
	{ .name = "vtdss:" config, .format = &ioas_pt_vtdss,                  \
	  .walker = WALKER_VTDSS, .granule_lg2 = 12, .va_bits = va,           \
	  .oa_bits = oa, .flags = bits,                                       \
	  .options = DIRTY | IOAS_PT_FORCE_COHERENT, .sizes = 0x40201000 }
#define X86(config, va, bits)                                                 \
	{ .name = "x86_64:" config, .format = &ioas_pt_x86_64,                \
	  .walker = WALKER_X86_64, .granule_lg2 = 12, .va_bits = va,          \
	  .oa_bits = 52, .flags = bits, .options = DIRTY,                     \
	  .sizes = 0x40201000 }
#define ARM_OPTIONS (DIRTY | IOAS_PT_CONTIGUOUS | IOAS_PT_BREAK)
#define ARM(stage, config, lg2, va, oa, pages, more)                          \
	{ .name = "arm64_s" #stage ":" config,                                \
	  .format = lg2 == 12 ? &ioas_pt_arm64_s##stage##_4k :                \
		    lg2 == 14 ? &ioas_pt_arm64_s##stage##_16k :               \
				&ioas_pt_arm64_s##stage##_64k,                \
	  .walker = WALKER_ARM64_S##stage, .granule_lg2 = lg2, .va_bits = va, \
	  .oa_bits = oa,                                                      \
	  .options = ARM_OPTIONS | (stage == 2 ? IOAS_PT_S2FWB : 0u),         \
	  .sizes = pages, .groups = more }
#define RISCV(config, va, pages)                                              \
	{ .name = "riscv64:" config, .format = &ioas_pt_riscv64,              \
	  .walker = WALKER_RISCV64, .granule_lg2 = 12, .va_bits = va,         \
	  .oa_bits = 56, .flags = SIGN,                                       \
	  .options = DIRTY | IOAS_PT_CONTIGUOUS, .sizes = pages,              \
	  .groups = 0x10000 }
#define RISCV_X4(config, va, pages)                                           \
	{ .name = "riscv64_x4:" config, .format = &ioas_pt_riscv64_x4,        \
	  .walker = WALKER_RISCV64_X4, .granule_lg2 = 12, .va_bits = va,      \
	  .oa_bits = 56, .options = DIRTY | IOAS_PT_CONTIGUOUS,               \
	  .sizes = pages, .groups = 0x10000 }

static const struct kind kinds[] = {
	[KIND_FLAT] = { .name = "flat", .va_bits = 64, .oa_bits = 64 },
	[KIND_MOCK] = { .name = "mock", .format = &ioas_pt_mock,
			.walker = WALKER_MOCK, .granule_lg2 = 9,
			.va_bits = 64, .oa_bits = 64, .options = DIRTY,
			.sizes = ~UINT64_C(0x1ff) },
	AMD("2", 2, 30, 52, 0, 0x3ffff000),
	AMD("3", 3, 39, 52, 0, 0x7ffffff000),
	AMD("4", 4, 48, 52, 0, 0xff7ffffff000),
	AMD("5", 5, 57, 52, 0, 0xfff7ffffff000),
	AMD("6", 6, 64, 52, 0, 0xfff7ffffff000),
	AMD("grow", 0, 64, 52, IOAS_PT_GROW, 0xfff7ffffff000),
	AMD("grow-2", 2, 64, 40, IOAS_PT_GROW, 0x7ffffff000),
	VTD("3", 39, 52, 0),
	VTD("4", 48, 46, 0),
	VTD("5", 57, 52, 0),
	VTD("strict", 48, 52, IOAS_PT_REQUIRE_WRITE),
	X86("4", 48, SIGN),
	X86("5", 57, SIGN),
	X86("4-zero", 47, 0),
	X86("5-zero", 56, 0),
	ARM(1, "4k", 12, 48, 48, 0x40201000, 0x402010000),
	ARM(1, "4k-39", 12, 39, 40, 0x40201000, 0x402010000),
	ARM(1, "4k-32", 12, 32, 32, 0x40201000, 0x2010000),
	ARM(1, "16k", 14, 48, 48, 0x2004000, 0x40200000),
	ARM(1, "16k-36", 14, 36, 36, 0x2004000, 0x40200000),
	ARM(1, "64k", 16, 48, 48, 0x20010000, 0x400200000),
	ARM(1, "64k-42", 16, 42, 44, 0x20010000, 0x400200000),
	ARM(1, "64k-52", 16, 52, 52, 0x40020010000, 0x400200000),
	ARM(2, "4k", 12, 48, 48, 0x40201000, 0x402010000),
	ARM(2, "4k-40", 12, 40, 40, 0x40201000, 0x402010000),
	ARM(2, "4k-42", 12, 42, 42, 0x40201000, 0x402010000),
	ARM(2, "4k-44", 12, 44, 44, 0x40201000, 0x402010000),
	ARM(2, "16k", 14, 48, 48, 0x2004000, 0x40200000),
	ARM(2, "16k-40", 14, 40, 40, 0x2004000, 0x40200000),
	ARM(2, "64k", 16, 48, 48, 0x20010000, 0x400200000),
	ARM(2, "64k-40", 16, 40, 40, 0x20010000, 0x400200000),
	ARM(2, "64k-52", 16, 52, 52, 0x40020010000, 0x400200000),
	RISCV("sv39", 39, 0x40201000),
	RISCV("sv48", 48, 0x8040201000),
	RISCV("sv57", 57, 0x1008040201000),
	RISCV_X4("sv39", 41, 0x40201000),
	RISCV_X4("sv48", 50, 0x8040201000),
	RISCV_X4("sv57", 59, 0x1008040201000),
	/* Memory encryption: one address bit less. */
	{ .name = "amdv1:cbit", .format = &ioas_pt_amdv1,
	  .walker = WALKER_AMDV1, .granule_lg2 = 12, .va_bits = 48,
	  .oa_bits = 51, .levels = 4,
	  .options = DIRTY | IOAS_PT_FORCE_COHERENT,
	  .c_bit = UINT64_C(1) << 51, .sizes = 0xff7ffffff000 },
	{ .name = "x86_64:cbit", .format = &ioas_pt_x86_64,
	  .walker = WALKER_X86_64, .granule_lg2 = 12, .va_bits = 48,
	  .oa_bits = 47, .flags = SIGN, .options = DIRTY,
	  .c_bit = UINT64_C(1) << 47, .sizes = 0x40201000 },
};

_Static_assert(IOAS_ARRAY_SIZE(kinds) < 64, "they are bits of a mask");

unsigned int kinds_nr(void)
{
	return IOAS_ARRAY_SIZE(kinds);
}

const struct kind *kind_get(unsigned int i)
{
	return kinds + i;
}

uint64_t kinds_all(void)
{
	return (UINT64_C(1) << IOAS_ARRAY_SIZE(kinds)) - 1;
}

/* Those whose name is, or begins with, the @n characters at @name. */
static uint64_t find_one(const char *name, size_t n)
{
	uint64_t mask = 0;

	if (n == 5 && !strncmp(name, "mixed", n))
		return kinds_all();
	if (n == 5 && !strncmp(name, "table", n))
		return UINT64_C(1) << KIND_MOCK;
	for (unsigned int i = 0; i < IOAS_ARRAY_SIZE(kinds); i++)
		if (!strncmp(kinds[i].name, name, n) &&
		    strchr(":-", kinds[i].name[n]))
			mask |= UINT64_C(1) << i;
	return mask;
}

uint64_t kinds_find(const char *names)
{
	uint64_t mask = 0;

	for (;;) {
		const size_t n = strcspn(names, ",");
		const uint64_t found = n ? find_one(names, n) : 0;

		if (!found)
			return 0;
		mask |= found;
		if (!names[n])
			return mask;
		names += n + 1;
	}
}

bool kind_is_hardware(const struct kind *k)
{
	return k->format && k != kinds + KIND_MOCK;
}

static bool is_arm(const struct kind *k)
{
	return k->walker == WALKER_ARM64_S1 || k->walker == WALKER_ARM64_S2;
}

bool kind_tracks(const struct kind *k, uint32_t flags)
{
	if (!k->format || k->walker == WALKER_AMDV1 ||
	    k->walker == WALKER_VTDSS || k->walker == WALKER_MOCK)
		return true;
	return flags & DIRTY;
}

/* 8.3.5: the first read-and-clear makes it clean. */
bool kind_born_dirty(const struct kind *k, uint32_t flags)
{
	return k->format && is_arm(k) && flags & DIRTY;
}

bool kind_marks_writable(const struct kind *k)
{
	return k->format && is_arm(k);
}

/* 4.5. */
bool kind_clears_partial(const struct kind *k)
{
	return !kind_is_hardware(k);
}

/* Section 2. */
uint64_t kind_sizes(const struct kind *k, uint32_t flags)
{
	return k->sizes | (flags & IOAS_PT_CONTIGUOUS ? k->groups : 0);
}

uint64_t kind_last(const struct kind *k)
{
	return UINT64_MAX >> (64 - k->va_bits + (k->flags & SIGN ? 1 : 0));
}

uint64_t kind_oa_last(const struct kind *k)
{
	return UINT64_MAX >> (64 - k->oa_bits);
}

int kind_refuses(const struct kind *k, uint32_t prot)
{
	if (!(prot & (IOAS_PT_READ | IOAS_PT_WRITE)))
		return -EINVAL;
	return k->flags & IOAS_PT_REQUIRE_WRITE && !(prot & IOAS_PT_WRITE) ?
		       -EINVAL :
		       0;
}

/* 8.1.2, 8.2.1, 8.2.2, 8.3.3, 8.4.2. */
uint32_t kind_prot(const struct kind *k, uint32_t prot)
{
	const uint32_t rw = prot & (IOAS_PT_READ | IOAS_PT_WRITE);

	if (!kind_is_hardware(k))
		return prot;
	switch (k->walker) {
	case WALKER_X86_64:
		return rw | IOAS_PT_READ;
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		return rw | IOAS_PT_READ | (prot & IOAS_PT_NOEXEC);
	case WALKER_ARM64_S1:
		return rw | IOAS_PT_READ |
		       (prot & (IOAS_PT_CACHE | IOAS_PT_NOEXEC | IOAS_PT_PRIV));
	case WALKER_ARM64_S2:
		return rw | (prot & (IOAS_PT_CACHE | IOAS_PT_NOEXEC));
	default:
		return rw;
	}
}

/* Of a request without privilege. */
uint32_t kind_access(const struct kind *k, uint32_t prot)
{
	const uint32_t is = kind_prot(k, prot);
	uint32_t access = 0;

	if (k->walker == WALKER_ARM64_S1 && is & IOAS_PT_PRIV)
		return 0;
	if (is & IOAS_PT_READ)
		access |= WALKER_READ;
	if (is & IOAS_PT_WRITE)
		access |= WALKER_WRITE;
	/* VT-d has a bit for it, which nobody sets. */
	if (is & IOAS_PT_READ && !(is & IOAS_PT_NOEXEC) &&
	    k->walker != WALKER_VTDSS)
		access |= WALKER_EXEC;
	return access;
}

#define BIT(n) (UINT64_C(1) << (n))

/* 8.3.3: AttrIndx or MemAttr, SH, AF, and nG, which stage 2 has not. */
static uint64_t arm_attributes(const struct kind *k, uint32_t flags,
			       uint32_t prot, uint64_t *mask)
{
	const bool one = k->walker == WALKER_ARM64_S1;
	const uint64_t cached = one ? 1 : flags & IOAS_PT_S2FWB ? 6 : 15;
	uint64_t type = one ? 0 : 5;

	if (prot & IOAS_PT_CACHE)
		type = cached;
	if (prot & IOAS_PT_MMIO)
		type = one ? 2 : 1;
	*mask = 0xf3c;
	return type << 2 | (prot & IOAS_PT_CACHE ? 0x300 : 0x200) | BIT(10) |
	       (one ? BIT(11) : 0);
}

uint64_t kind_attributes(const struct kind *k, uint32_t flags, uint32_t prot,
			 uint64_t *mask)
{
	const uint64_t coherent = flags & IOAS_PT_FORCE_COHERENT ?
					  UINT64_MAX :
					  0;
	const uint64_t crypt = prot & IOAS_PT_MMIO ? 0 : k->c_bit;

	switch (k->walker) {
	case WALKER_AMDV1:
		*mask = BIT(60) | k->c_bit;
		return (coherent & BIT(60)) | crypt;
	case WALKER_VTDSS:
		*mask = BIT(11);
		return coherent & BIT(11);
	case WALKER_X86_64:
		/* Of users, and used. */
		*mask = BIT(2) | BIT(5) | k->c_bit;
		return BIT(2) | BIT(5) | crypt;
	case WALKER_ARM64_S1:
	case WALKER_ARM64_S2:
		return arm_attributes(k, flags, prot, mask);
	case WALKER_RISCV64:
	case WALKER_RISCV64_X4:
		*mask = BIT(4) | BIT(6);
		return BIT(4) | BIT(6);
	default:
		*mask = 0;
		return 0;
	}
}
