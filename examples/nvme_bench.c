/* SPDX-License-Identifier: MIT */
/*
 * nvme_bench: keep every slot busy, and note how long each command takes
 *
 * Latencies go into a histogram whose steps grow with them, by 3 % each: small,
 * and as exact for a microsecond as for a second.
 */
#include "nvme_bench.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

/* Completions that are looked at together. */
#define BATCH 64
/* 32 steps for each power of two of nanoseconds. */
#define STEPS_LG2 5
#define STEPS (1u << STEPS_LG2)

struct bench {
	/* Set once. */
	struct nvme *n;
	const struct nvme_bench_options *o;
	/* Of each slot: when. */
	uint64_t *begun;
	/* Commands by latency. */
	uint32_t seen[64 * STEPS];
	/* The next place, by either way of choosing it. */
	uint64_t random;
	uint64_t next;
	uint64_t submitted, done;
};

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int lg2;

	if (ns < STEPS)
		return (unsigned int)ns;
	lg2 = 63 - (unsigned int)__builtin_clzll(ns);
	return (lg2 - STEPS_LG2 + 1) * STEPS +
	       (unsigned int)(ns >> (lg2 - STEPS_LG2) & (STEPS - 1));
}

/* Where it ends, in microseconds. */
static double bucket_us(unsigned int b)
{
	const unsigned int lg2 = b / STEPS;

	if (!lg2)
		return b / 1e3;
	return (double)((uint64_t)(STEPS + b % STEPS + 1) << (lg2 - 1)) / 1e3;
}

static double percentile(const struct bench *b, double part)
{
	uint64_t left = (uint64_t)((double)b->done * part);

	for (unsigned int i = 0; i < 64 * STEPS; i++) {
		if (b->seen[i] > left)
			return bucket_us(i);
		left -= b->seen[i];
	}
	return 0;
}

static void bench_submit(struct bench *b, uint16_t slot, uint64_t now)
{
	struct nvme *n = b->n;
	const uint32_t blocks = n->o.bytes / n->block;
	const uint64_t places = n->blocks / blocks;
	uint64_t place = b->next++;

	if (!b->o->sequential) {
		/* xorshift64 */
		b->random ^= b->random << 13;
		b->random ^= b->random >> 7;
		b->random ^= b->random << 17;
		place = b->random;
	}
	b->begun[slot] = now;
	b->submitted++;
	nvme_submit(n, slot, b->o->write ? NVME_WRITE : NVME_READ,
		    place % places * blocks, blocks);
}

static uint64_t bench_loop(struct bench *b)
{
	const uint64_t begin = nvme_now();
	const uint64_t end = begin + (uint64_t)(b->o->seconds * 1e9);
	struct nvme_done done[BATCH];
	uint64_t now = begin;

	for (uint16_t i = 0; i < b->n->o.depth && b->submitted < b->o->count;
	     i++)
		bench_submit(b, i, now);
	for (nvme_ring(b->n); b->done < b->submitted; nvme_ring(b->n)) {
		const unsigned int nr = nvme_wait(b->n, done, BATCH);

		now = nvme_now();
		b->done += nr;
		for (unsigned int i = 0; i < nr; i++) {
			nvme_check(&done[i]);
			b->seen[bucket_of(now - b->begun[done[i].slot])]++;
			if (now < end && b->submitted < b->o->count)
				bench_submit(b, done[i].slot, now);
		}
	}
	return now - begin;
}

void nvme_bench(struct nvme *n, const struct nvme_bench_options *o)
{
	static struct bench b;
	double s;

	if (n->o.bytes / n->block > n->blocks)
		errx(1, "the namespace has %llu blocks",
		     (unsigned long long)n->blocks);
	b = (struct bench){ .n = n, .o = o, .random = 0x9e3779b97f4a7c15 };
	b.begun = calloc(n->o.depth, sizeof(*b.begun));
	if (!b.begun)
		err(1, "memory");
	s = (double)bench_loop(&b) / 1e9;
	printf("%s %s, %u bytes, depth %u, %s, %s memory: %llu in %.6f s\n",
	       o->sequential ? "sequential" : "random",
	       o->write ? "write" : "read", n->o.bytes, n->o.depth,
	       n->o.irq ? "interrupts" : "polled",
	       n->o.shared ? "shared" : "private",
	       (unsigned long long)b.done, s);
	printf("%.0f IOPS, %.1f MiB/s; latency us: p50 %.1f, p99 %.1f, "
	       "p99.9 %.1f\n", (double)b.done / s,
	       (double)b.done * n->o.bytes / s / 0x1p20, percentile(&b, .5),
	       percentile(&b, .99), percentile(&b, .999));
	free(b.begun);
}
