/* SPDX-License-Identifier: MIT */
/*
 * attribute: knobs, the text of their files, and the decision
 */
#include "super/attribute.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/errno.h"

/* What a small allocation is taken to need of space: points have no size. */
#define SLAB_SIZE 64

enum knob_kind {
	KNOB_NUMBER,
	KNOB_SIGNED,
	KNOB_FLAG,
};

#define BIT(id) (1u << (id))
#define ALL (BIT(IOAS_NR_ATTRIBUTES) - 1)

/* Kept and shown, without effect: log, stack, caches and high memory. */
static const struct {
	const char *name;
	enum knob_kind kind;
	/* The attributes that have it. */
	unsigned int of;
	uint64_t value;
} knobs[IOAS_NR_KNOBS] = {
	[IOAS_KNOB_PROBABILITY] = { "probability", KNOB_NUMBER, ALL, 0 },
	[IOAS_KNOB_INTERVAL] = { "interval", KNOB_NUMBER, ALL, 1 },
	[IOAS_KNOB_TIMES] = { "times", KNOB_SIGNED, ALL, 1 },
	[IOAS_KNOB_SPACE] = { "space", KNOB_SIGNED, ALL, 0 },
	[IOAS_KNOB_VERBOSE] = { "verbose", KNOB_NUMBER, ALL, 2 },
	[IOAS_KNOB_RATE_INTERVAL] = { "verbose_ratelimit_interval_ms",
				      KNOB_NUMBER, ALL, 0 },
	[IOAS_KNOB_RATE_BURST] = { "verbose_ratelimit_burst", KNOB_NUMBER, ALL,
				   10 },
	[IOAS_KNOB_TASK_FILTER] = { "task-filter", KNOB_FLAG, ALL, 0 },
	[IOAS_KNOB_STACK_DEPTH] = { "stacktrace-depth", KNOB_NUMBER, ALL, 32 },
	[IOAS_KNOB_REQUIRE_START] = { "require-start", KNOB_NUMBER, ALL, 0 },
	[IOAS_KNOB_REQUIRE_END] = { "require-end", KNOB_NUMBER, ALL,
				    UINT64_MAX },
	[IOAS_KNOB_REJECT_START] = { "reject-start", KNOB_NUMBER, ALL, 0 },
	[IOAS_KNOB_REJECT_END] = { "reject-end", KNOB_NUMBER, ALL, 0 },
	[IOAS_KNOB_IGNORE_WAIT] = { "ignore-gfp-wait", KNOB_FLAG,
				    BIT(IOAS_FAILSLAB) |
					    BIT(IOAS_FAIL_PAGE_ALLOC),
				    1 },
	[IOAS_KNOB_CACHE_FILTER] = { "cache-filter", KNOB_FLAG,
				     BIT(IOAS_FAILSLAB), 0 },
	[IOAS_KNOB_IGNORE_HIGHMEM] = { "ignore-gfp-highmem", KNOB_FLAG,
				       BIT(IOAS_FAIL_PAGE_ALLOC), 1 },
	[IOAS_KNOB_MIN_ORDER] = { "min-order", KNOB_NUMBER,
				  BIT(IOAS_FAIL_PAGE_ALLOC), 1 },
};

const char *ioas_attribute_name(enum ioas_attribute_id id)
{
	static const char *const names[IOAS_NR_ATTRIBUTES] = {
		[IOAS_FAILSLAB] = "failslab",
		[IOAS_FAIL_PAGE_ALLOC] = "fail_page_alloc",
		[IOAS_FAIL_USERCOPY] = "fail_usercopy",
		[IOAS_FAIL_IOMMUFD] = "fail_iommufd",
	};

	return names[id];
}

const char *ioas_knob_name(enum ioas_attribute_id id, enum ioas_knob knob)
{
	return knobs[knob].of & BIT(id) ? knobs[knob].name : NULL;
}

bool ioas_knob_is_name(const char *name, size_t length)
{
	for (unsigned int k = 0; k < IOAS_NR_KNOBS; k++) {
		if (strlen(knobs[k].name) == length &&
		    !memcmp(knobs[k].name, name, length))
			return true;
	}
	return false;
}

static uint64_t knob_get(const struct ioas_attribute *a, enum ioas_knob knob)
{
	return atomic_load_explicit(&a->knob[knob], memory_order_relaxed);
}

static void knob_set(struct ioas_attribute *a, enum ioas_knob knob,
		     uint64_t value)
{
	atomic_store_explicit(&a->knob[knob], value, memory_order_relaxed);
}

void ioas_attribute_init(struct ioas_attribute *a)
{
	for (unsigned int k = 0; k < IOAS_NR_KNOBS; k++)
		knob_set(a, k, knobs[k].value);
	atomic_store_explicit(&a->qualified, 0, memory_order_relaxed);
}

/* ---- text --------------------------------------------------------------- */

/* The value of a digit in any base; at least 16: it is none. */
static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c |= 'a' ^ 'A';
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a' + 10) : 16;
}

/* "0x" and a digit: 16; "0": 8. Leaves @at before the digits. */
static unsigned int base_of(const char **at, const char *end)
{
	const char *s = *at;

	if (s == end || *s != '0')
		return 10;
	if (end - s > 2 && (s[1] | ('x' ^ 'X')) == 'x' && digit_of(s[2]) < 16) {
		*at += 2;
		return 16;
	}
	return 8;
}

int ioas_number_parse(const char *text, size_t length, uint64_t max,
		      uint64_t *out)
{
	/* What is behind a zero byte is not of the number. */
	const char *s = text, *end = text + strnlen(text, length), *digits;
	uint64_t value = 0;
	unsigned int base;

	if (s != end && *s == '+')
		s++;
	base = base_of(&s, end);
	for (digits = s; s != end && digit_of(*s) < base; s++) {
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit_of(*s), &value))
			return -ERANGE;
	}
	if (s == digits)
		return -EINVAL;
	if (s != end && *s == '\n')
		s++;
	if (s != end)
		return -EINVAL;
	if (value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

/* Within an int, as the counters of the kernel are. */
static int signed_parse(const char *text, size_t length, uint64_t *out)
{
	const bool minus = length && *text == '-';
	int ret;

	if (minus) {
		text++;
		length--;
		/* One sign. */
		if (length && *text == '+')
			return -EINVAL;
	}
	ret = ioas_number_parse(text, length,
				minus ? (uint64_t)INT32_MAX + 1 : INT32_MAX,
				out);
	if (!ret && minus)
		*out = 0 - *out;
	return ret;
}

static int flag_parse(const char *text, size_t length, uint64_t *out)
{
	if (!length || !text[0])
		return -EINVAL;
	if (strchr("yYtT1", text[0]))
		*out = 1;
	else if (strchr("nNfF0", text[0]))
		*out = 0;
	else
		return -EINVAL;
	return 0;
}

int ioas_knob_show(const struct ioas_attribute *a, enum ioas_knob knob,
		   char *text)
{
	const uint64_t value = knob_get(a, knob);

	switch (knobs[knob].kind) {
	case KNOB_FLAG:
		return snprintf(text, IOAS_KNOB_TEXT, "%c\n", value ? 'Y' : 'N');
	case KNOB_SIGNED:
		return snprintf(text, IOAS_KNOB_TEXT, "%" PRId64 "\n",
				(int64_t)value);
	case KNOB_NUMBER:
		break;
	}
	return snprintf(text, IOAS_KNOB_TEXT, "%" PRIu64 "\n", value);
}

int ioas_knob_store(struct ioas_attribute *a, enum ioas_knob knob,
		    const char *text, size_t length)
{
	uint64_t value = 0;
	int ret;

	switch (knobs[knob].kind) {
	case KNOB_FLAG:
		ret = flag_parse(text, length, &value);
		break;
	case KNOB_SIGNED:
		ret = signed_parse(text, length, &value);
		break;
	default:
		ret = ioas_number_parse(text, length, UINT64_MAX, &value);
		break;
	}
	if (!ret)
		knob_set(a, knob, value);
	return ret;
}

/* ---- points ------------------------------------------------------------- */

enum ioas_attribute_id ioas_attribute_of(unsigned int point)
{
	switch ((enum ioas_fault_point)point) {
	case IOAS_FP_ALLOC_PAGES:
	case IOAS_FP_ALLOC_AREA:
	case IOAS_FP_ALLOC_RECORD:
	case IOAS_FP_ALLOC_RANGE:
	case IOAS_FP_ALLOC_LIST:
	case IOAS_FP_ALLOC_NODE:
	case IOAS_FP_ALLOC_LINK:
	case IOAS_FP_ALLOC_SPACE:
	case IOAS_FP_BATCH_LARGE:
	case IOAS_FP_BATCH_SMALL:
	case IOAS_FP_WINDOW:
		return IOAS_FAILSLAB;
	case IOAS_FP_TABLE:
		return IOAS_FAIL_PAGE_ALLOC;
	case IOAS_FP_COPY:
		return IOAS_FAIL_USERCOPY;
	default:
		return IOAS_FAIL_IOMMUFD;
	}
}

uint64_t ioas_attributes_ignored(const struct ioas_attribute *a)
{
	bool none[IOAS_NR_ATTRIBUTES] = { false };
	uint64_t ignored = 0;

	/* All our allocations may sleep, and a table is one page: order 0. */
	none[IOAS_FAILSLAB] =
		knob_get(&a[IOAS_FAILSLAB], IOAS_KNOB_IGNORE_WAIT);
	none[IOAS_FAIL_PAGE_ALLOC] =
		knob_get(&a[IOAS_FAIL_PAGE_ALLOC], IOAS_KNOB_IGNORE_WAIT) ||
		knob_get(&a[IOAS_FAIL_PAGE_ALLOC], IOAS_KNOB_MIN_ORDER);
	for (unsigned int p = 0; p < IOAS_NR_FAULT_POINTS; p++) {
		if (none[ioas_attribute_of(p)])
			ignored |= UINT64_C(1) << p;
	}
	return ignored;
}

/* @size is taken from what is left of the space; false: nothing was left. */
static bool space_take(struct ioas_attribute *a, int64_t size)
{
	uint64_t left = knob_get(a, IOAS_KNOB_SPACE);

	do {
		if ((int64_t)left <= size)
			return false;
	} while (!atomic_compare_exchange_weak(&a->knob[IOAS_KNOB_SPACE], &left,
					       left - (uint64_t)size));
	return true;
}

/* One of the times is used; false: none was left. */
static bool times_take(struct ioas_attribute *a)
{
	uint64_t left = knob_get(a, IOAS_KNOB_TIMES);

	do {
		if (!left)
			return false;
		if ((int64_t)left < 0)
			return true;
	} while (!atomic_compare_exchange_weak(&a->knob[IOAS_KNOB_TIMES], &left,
					       left - 1));
	return true;
}

bool ioas_attribute_decide(struct ioas_attribute *a, unsigned int point,
			   bool marked, uint32_t draw)
{
	const uint64_t probability = knob_get(a, IOAS_KNOB_PROBABILITY);
	const uint64_t interval = knob_get(a, IOAS_KNOB_INTERVAL);
	const bool slab = ioas_attribute_of(point) == IOAS_FAILSLAB;

	if (!probability)
		return false;
	if (knob_get(a, IOAS_KNOB_TASK_FILTER) && !marked)
		return false;
	if (!knob_get(a, IOAS_KNOB_TIMES))
		return false;
	if (space_take(a, slab ? SLAB_SIZE : 1))
		return false;
	if (interval > 1 &&
	    (atomic_fetch_add(&a->qualified, 1) + 1) % interval)
		return false;
	if (probability <= draw % 100)
		return false;
	return times_take(a);
}
