/* SPDX-License-Identifier: MIT */
/*
 * fuzz ranges: the structures of ranges against arrays
 *
 * The first byte says which; whatever it was, it leaves no memory behind.
 */
#include "plat/posix/memory.h"
#include "ranges.h"

static uint64_t blocks_now(void)
{
	struct ioas_memory_stats st;

	ioas_memory_stats_get(&st);
	return st.nr_blocks;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(struct input *) = {
		fuzz_rangemap, fuzz_itree, fuzz_cset, fuzz_store, fuzz_dspan,
	};
	struct input in = { data, size };
	const uint64_t before = blocks_now();

	targets[input_below(&in, IOAS_ARRAY_SIZE(targets))](&in);
	demand(blocks_now() == before);
	return 0;
}
