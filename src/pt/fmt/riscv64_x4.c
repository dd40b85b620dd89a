/* SPDX-License-Identifier: MIT */
/*
 * riscv64_x4: Sv39x4, Sv48x4 and Sv57x4, the second stage
 */
#define RISCV_X4 true
#include "pt/fmt/riscv64.h"

const struct ioas_pt_format ioas_pt_riscv64_x4 = {
	.name = "riscv64_x4",
	.va_bits = 59,
	.flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS,
	RISCV_FORMAT,
};
