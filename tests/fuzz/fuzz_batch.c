/* SPDX-License-Identifier: MIT */
/*
 * fuzz batch: against a plain list of frames
 *
 * Append, take off the head, hand back, copy. An origin writes down what comes
 * back, and has a page for each frame below 256. What a batch demands of its
 * caller (what remains of a head lies in one run) is kept.
 */
#include <string.h>

#include "core/batch.h"
#include "base/errno.h"
#include "fuzz.h"

#define MAX_STEPS 128
#define MAX_PAGES 256u
#define MAX_RUNS 24u
#define PAGE_LG2 3u
#define PAGE (1u << PAGE_LG2)
#define NR_FRAMES 256u

static struct {
	ioas_pfn_t pfn[MAX_PAGES];
	uint64_t nr;
	enum ioas_kind kind;
} list;

static struct {
	struct ioas_origin head;
	ioas_pfn_t back[MAX_PAGES];
	uint64_t nr;
	bool dirty;
	uint8_t memory[NR_FRAMES][PAGE];
} fake;

static void fake_unpin(struct ioas_origin *o, ioas_pfn_t pfn, uint64_t nr,
		       bool dirty)
{
	demand(o == &fake.head && nr && nr <= MAX_PAGES - fake.nr);
	demand(dirty == fake.dirty);
	while (nr--)
		fake.back[fake.nr++] = pfn++;
}

static void *fake_pointer(struct ioas_origin *o, ioas_pfn_t pfn)
{
	(void)o;
	return pfn < NR_FRAMES ? fake.memory[pfn] : NULL;
}

static const struct ioas_origin_ops fake_ops = { .unpin = fake_unpin,
						 .pointer = fake_pointer };

static void check_equal(const struct ioas_batch *b)
{
	uint64_t n = 0;

	demand(b->total == list.nr && b->nr_runs <= b->cap);
	for (uint32_t r = 0; r < b->nr_runs; r++)
		for (uint64_t i = 0; i < b->runs[r].nr; i++)
			demand(b->runs[r].pfn + i == list.pfn[n++]);
	demand(n == list.nr);
	for (uint32_t r = 1; r < b->nr_runs; r++)
		demand(b->runs[r - 1].pfn + b->runs[r - 1].nr !=
		       b->runs[r].pfn);
}

static uint64_t count_runs(void)
{
	uint64_t runs = 0;

	for (uint64_t i = 0; i < list.nr; i++)
		runs += !i || list.pfn[i] != list.pfn[i - 1] + 1;
	return runs;
}

/* Few frames without a page; half of the time the ones that come next. */
static void append(struct ioas_batch *b, struct input *in)
{
	const uint64_t nr = 1 + input_below(in, 8);
	const enum ioas_kind kind =
		input_below(in, 16) ? IOAS_KIND_CPU : IOAS_KIND_MMIO;
	ioas_pfn_t pfn = input_below(in, 255);
	const uint64_t runs = count_runs();
	bool fits;

	if (list.nr + nr > MAX_PAGES)
		return;
	if (list.nr && pfn & 1)
		pfn = list.pfn[list.nr - 1] + 1;
	fits = !list.nr || (list.kind == kind &&
			    (pfn == list.pfn[list.nr - 1] + 1 ||
			     runs < b->cap));
	demand(ioas_batch_append(b, pfn, nr, kind) == fits);
	if (!fits)
		return;
	list.kind = kind;
	for (uint64_t i = 0; i < nr; i++)
		list.pfn[list.nr++] = pfn + i;
}

/* What would not fit into the total is refused, whatever there is room for. */
static void append_giant(struct ioas_batch *b, struct input *in)
{
	const uint64_t nr = UINT64_MAX - input_below(in, MAX_PAGES);

	if (list.nr > UINT64_MAX - nr)
		demand(!ioas_batch_append(b, 1000, nr, list.kind));
}

static void drop(uint64_t nr)
{
	nr = ioas_min(nr, list.nr);
	list.nr -= nr;
	memmove(list.pfn, list.pfn + nr, list.nr * sizeof(*list.pfn));
}

static void came_back(uint64_t skip, uint64_t nr)
{
	demand(fake.nr == nr);
	demand(!memcmp(fake.back, list.pfn + skip, nr * sizeof(*fake.back)));
}

/* The most that may remain is the last run. */
static void take_head(struct ioas_batch *b, struct input *in, bool unpin)
{
	uint64_t nr, carry;

	if (!b->nr_runs)
		return;
	carry = input_below(in, MAX_PAGES) % (b->runs[b->nr_runs - 1].nr + 1);
	nr = list.nr - carry;
	fake.nr = 0;
	if (unpin) {
		ioas_batch_unpin_head(b, &fake.head, nr, fake.dirty);
		came_back(0, nr);
	} else {
		ioas_batch_skip_head(b, nr + (carry ? 0 : nr & 3));
	}
	drop(nr);
}

static void unpin(struct ioas_batch *b, struct input *in)
{
	const uint64_t skip = input_below(in, MAX_PAGES) % (list.nr + 1);
	const uint64_t nr = input_below(in, MAX_PAGES) % (list.nr - skip + 1);

	fake.nr = 0;
	ioas_batch_unpin(b, &fake.head, skip, nr, fake.dirty);
	came_back(skip, nr);
}

static void copy(struct ioas_batch *b, struct input *in, bool write)
{
	static uint8_t buffer[MAX_PAGES * PAGE], want[NR_FRAMES][PAGE];
	const uint64_t bytes = list.nr * PAGE;
	const uint64_t offset = input_below(in, 65536) % (bytes + 1);
	const uint64_t n = input_below(in, 65536) % (bytes - offset + 1);
	int expected = 0, ret;

	for (uint64_t i = 0; i < n; i++)
		if (list.pfn[(offset + i) / PAGE] >= NR_FRAMES)
			expected = -EFAULT;
	memcpy(want, fake.memory, sizeof(want));
	for (uint64_t i = 0; i < n; i++)
		buffer[i] = (uint8_t)(i * 7 + offset);
	ret = ioas_batch_copy(b, &fake.head, PAGE_LG2, offset, buffer, n,
			      write);
	demand(ret == expected);
	if (ret)
		return;
	for (uint64_t i = 0; i < n; i++) {
		const uint64_t at = offset + i;
		uint8_t *byte = &want[list.pfn[at / PAGE]][at % PAGE];

		if (write)
			*byte = buffer[i];
		else
			demand(buffer[i] == *byte);
	}
	demand(!memcmp(want, fake.memory, sizeof(want)));
}

static void step(struct ioas_batch *b, struct input *in)
{
	fake.dirty = input_below(in, 2);
	switch (input_below(in, 16)) {
	case 0:
		take_head(b, in, true);
		break;
	case 1:
		take_head(b, in, false);
		break;
	case 2:
	case 3:
		unpin(b, in);
		break;
	case 4:
		copy(b, in, true);
		break;
	case 5:
		copy(b, in, false);
		break;
	case 6:
		append_giant(b, in);
		break;
	case 7:
		if (input_below(in, 4))
			break;
		ioas_batch_clear(b);
		list.nr = 0;
		break;
	default:
		append(b, in);
		break;
	}
	check_equal(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ioas_run runs[MAX_RUNS];
	struct input in = { data, size };
	struct ioas_batch b;

	memset(&list, 0, sizeof(list));
	memset(&fake, 0, sizeof(fake));
	fake.head.ops = &fake_ops;
	ioas_batch_init(&b, runs, 1 + (uint32_t)input_below(&in, MAX_RUNS));
	for (unsigned int i = 0; i < MAX_STEPS && in.left; i++)
		step(&b, &in);
	ioas_batch_fini(&b);
	return 0;
}
