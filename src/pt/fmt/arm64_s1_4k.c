/* SPDX-License-Identifier: MIT */
/*
 * arm64_s1_4k: stage 1 with the granule of 4 KiB
 */
#define ARM_STAGE 1
#define ARM_GRANULE_LG2 12
#include "pt/fmt/arm64.h"

const struct ioas_pt_format ioas_pt_arm64_s1_4k = {
	.name = "arm64_s1",
	.flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS | IOAS_PT_BREAK,
	ARM_FORMAT,
};
