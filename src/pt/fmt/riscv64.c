/* SPDX-License-Identifier: MIT */
/*
 * riscv64: Sv39, Sv48 and Sv57, sign-extended
 */
#define RISCV_X4 false
#include "pt/fmt/riscv64.h"

const struct ioas_pt_format ioas_pt_riscv64 = {
	.name = "riscv64",
	.va_bits = 57,
	.flags = IOAS_PT_SIGN_EXTEND | IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS,
	RISCV_FORMAT,
};
