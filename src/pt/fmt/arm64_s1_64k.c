/* SPDX-License-Identifier: MIT */
/*
 * arm64_s1_64k: stage 1 with the granule of 64 KiB
 */
#define ARM_STAGE 1
#define ARM_GRANULE_LG2 16
#include "pt/fmt/arm64.h"

const struct ioas_pt_format ioas_pt_arm64_s1_64k = {
	.name = "arm64_s1",
	.flags = IOAS_PT_DIRTY | IOAS_PT_CONTIGUOUS | IOAS_PT_BREAK,
	ARM_FORMAT,
};
