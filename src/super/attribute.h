/* SPDX-License-Identifier: MIT */
/*
 * attribute: a kind of failure, and when it happens by chance
 * (docs/reference/fault-injection.md B.3)
 *
 *   point --> attribute --> probability 0? the task marked? times left? space
 *                           used up? the interval-th? the draw? --> it fails
 *
 * Attributes know nothing of a supervisor: text in, text out, a decision.
 *
 * Locks: none. Knobs are atomics, for a point may be reached under any lock.
 */
#ifndef IOAS_SUPER_ATTRIBUTE_H
#define IOAS_SUPER_ATTRIBUTE_H

#include "seam/fault.h"

enum ioas_attribute_id {
	IOAS_FAILSLAB, /* small allocations */
	IOAS_FAIL_PAGE_ALLOC, /* memory of page tables */
	IOAS_FAIL_USERCOPY, /* copies of a client's memory */
	IOAS_FAIL_IOMMUFD, /* everything else */
	IOAS_NR_ATTRIBUTES
};

enum ioas_knob {
	IOAS_KNOB_PROBABILITY,
	IOAS_KNOB_INTERVAL,
	IOAS_KNOB_TIMES,
	IOAS_KNOB_SPACE,
	IOAS_KNOB_VERBOSE,
	IOAS_KNOB_RATE_INTERVAL,
	IOAS_KNOB_RATE_BURST,
	IOAS_KNOB_TASK_FILTER,
	IOAS_KNOB_STACK_DEPTH,
	IOAS_KNOB_REQUIRE_START,
	IOAS_KNOB_REQUIRE_END,
	IOAS_KNOB_REJECT_START,
	IOAS_KNOB_REJECT_END,
	IOAS_KNOB_IGNORE_WAIT,
	IOAS_KNOB_CACHE_FILTER,
	IOAS_KNOB_IGNORE_HIGHMEM,
	IOAS_KNOB_MIN_ORDER,
	IOAS_NR_KNOBS
};

struct ioas_attribute {
	_Atomic uint64_t knob[IOAS_NR_KNOBS];
	/* Qualifying times, for the interval. */
	_Atomic uint64_t qualified;
};

/* The most that a knob's content takes, with its end. */
#define IOAS_KNOB_TEXT 24

/* "failslab", its directory below debugfs. */
const char *ioas_attribute_name(enum ioas_attribute_id id);
/* The file name of @knob; NULL: @id has no such knob. */
const char *ioas_knob_name(enum ioas_attribute_id id, enum ioas_knob knob);
/* Is @name the name of some knob? */
bool ioas_knob_is_name(const char *name, size_t length);

void ioas_attribute_init(struct ioas_attribute *a);
/* Into @text of IOAS_KNOB_TEXT bytes. Return: its length. */
int ioas_knob_show(const struct ioas_attribute *a, enum ioas_knob knob,
		   char *text);
/* Return: 0; -EINVAL, -ERANGE: nothing changed. */
int ioas_knob_store(struct ioas_attribute *a, enum ioas_knob knob,
		    const char *text, size_t length);

/* Bits of the points that are none, as all attributes @a say. */
uint64_t ioas_attributes_ignored(const struct ioas_attribute *a);
/* Who fails @point. */
enum ioas_attribute_id ioas_attribute_of(unsigned int point);
/*
 * Does @point fail? @marked: the task's make-it-fail; @draw: 32 random bits.
 */
bool ioas_attribute_decide(struct ioas_attribute *a, unsigned int point,
			   bool marked, uint32_t draw);

/*
 * A number as C writes it, with a sign "+" and a newline at the end if need be.
 * Return: 0, -EINVAL (malformed or empty), -ERANGE (above @max).
 */
int ioas_number_parse(const char *text, size_t length, uint64_t max,
		      uint64_t *out);

#endif
