/* SPDX-License-Identifier: MIT */
/*
 * bench_origin: the pin and the unpin
 */
#include "bench_origin.h"

#include <errno.h>
#include <stdlib.h>

static struct bench_origin *origin_of(struct ioas_origin *o)
{
	return ioas_container_of(o, struct bench_origin, origin);
}

/* Sum of @nr frames from @pfn on. Halved first where it is even. */
static uint64_t frames_sum(ioas_pfn_t pfn, uint64_t nr)
{
	return nr * pfn + (nr & 1 ? nr * (nr / 2) : (nr / 2) * (nr - 1));
}

static int bench_pin(struct ioas_origin *origin, struct ioas_pin_request *rq)
{
	struct bench_origin *o = origin_of(origin);
	uint64_t index = rq->first, left = rq->nr, block, skip, sum = 0;
	const uint64_t run = o->run ? o->run : UINT64_MAX;
	struct ioas_run *r = rq->runs, *end = r + rq->max_runs;

	block = index / run;
	skip = index % run;
	for (; left && r < end; r++, block++, skip = 0) {
		r->pfn = o->run ? bench_place(o, block) + skip :
				  bench_frame(o, index);
		r->nr = ioas_min(run - skip, left);
		sum += frames_sum(r->pfn, r->nr);
		left -= r->nr;
	}
	rq->nr_runs = (uint32_t)(r - rq->runs);
	rq->nr_pinned = rq->nr - left;
	o->pages += rq->nr_pinned;
	o->sum += sum;
	return 0;
}

static void bench_unpin(struct ioas_origin *origin, ioas_pfn_t pfn,
			uint64_t nr, bool dirty)
{
	struct bench_origin *o = origin_of(origin);

	(void)dirty;
	o->pages -= nr;
	o->sum -= frames_sum(pfn, nr);
}

static void *bench_pointer(struct ioas_origin *origin, ioas_pfn_t pfn)
{
	(void)origin;
	(void)pfn;
	return NULL;
}

static void bench_destroy(struct ioas_origin *origin)
{
	free(origin_of(origin));
}

static const struct ioas_origin_ops bench_ops = {
	.name = "bench",
	.pin = bench_pin,
	.unpin = bench_unpin,
	.pointer = bench_pointer,
	.destroy = bench_destroy,
};

struct bench_origin *bench_origin_create(uint64_t run)
{
	struct bench_origin *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->origin.ops = &bench_ops;
	o->origin.page_lg2 = 12;
	atomic_init(&o->origin.refs, 1);
	o->run = run;
	while (run > (uint64_t)1 << o->stride_lg2)
		o->stride_lg2++;
	return o;
}

bool bench_origin_clean(const struct bench_origin *o)
{
	return !o->pages && !o->sum;
}
