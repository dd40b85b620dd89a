/* SPDX-License-Identifier: MIT */
/*
 * nvme_bench: how fast a controller is, and how long one waits for it
 */
#ifndef EXAMPLES_NVME_BENCH_H
#define EXAMPLES_NVME_BENCH_H

#include "nvme_ctrl.h"

struct nvme_bench_options {
	/* What comes first ends it. */
	double seconds;
	uint64_t count;
	bool sequential;
	bool write;
};

/* As many commands as there are slots, all the time; prints two lines. */
void nvme_bench(struct nvme *n, const struct nvme_bench_options *o);

#endif
