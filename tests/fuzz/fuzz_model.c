/* SPDX-License-Identifier: MIT */
/*
 * fuzz model: the random model of tests/state with bytes in place of dice
 *
 *    two bytes   page size and kinds of domains; seed of the world
 *    record      RECORD bytes: the choices of one operation, in the order in
 *                which gen.c asks for them; where they are not enough a
 *                generator goes on. Again
 *
 * Records have one size so that a byte more in one operation does not change
 * the meaning of all that follow. Everything is compared after every operation,
 * as by tests/model; slower than fuzz_core, and knows more.
 */
#include <string.h>

#include "fuzz.h"
#include "universe.h"

#define MAX_OPS 64
#define RECORD 16

static struct world world;
static struct stats stats;

/* What went wrong, and the operations up to there. */
static void finding(const struct op *ops, unsigned int nr)
{
	char line[512];

	for (unsigned int i = 0; i < nr; i++) {
		print_op(line, sizeof(line), ops + i);
		fprintf(stderr, "# %u: %s\n", i, line);
	}
	fprintf(stderr, "fuzz: %s\n", world.message);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t pages[] = { 8, 4096, 4096, 65536 };
	static const char *const formats[] = { "flat", "mock", "mixed" };
	static struct op ops[MAX_OPS];
	struct input in = { data, size };
	const uint8_t sizes = input_byte(&in);
	const struct options opts = {
		.seed = input_byte(&in),
		.page_size = pages[sizes & 3],
		.kinds = kinds_find(sizes & 3 ? formats[(sizes >> 2) % 3u] :
						"flat"),
	};
	unsigned int nr = 0;

	demand(world_init(&world, &opts, &stats, sizes >> 4));
	memset(world.off, 0, sizeof(world.off));
	for (; nr < MAX_OPS && in.left && !world.failed; nr++) {
		const size_t n = in.left < RECORD ? in.left : RECORD;

		world.rng = (struct rng){ nr, in.at, n };
		in.at += n;
		in.left -= n;
		generate(&world, ops + nr);
		execute(&world, ops + nr);
	}
	if (!world.failed)
		world_fini(&world);
	if (world.failed)
		finding(ops, nr);
	return 0;
}
