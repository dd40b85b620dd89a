/* SPDX-License-Identifier: MIT */
/*
 * configs: every format with every number of levels, width and option
 *
 *   row of configs.c --> what ioas_pt_create() is asked for
 *                   `--> what an independent walker is told
 *                   `--> what the reference says of such a table
 *
 * The second and the third are not taken from the first: levels stand in the
 * rows, sizes and permissions are computed here from the text of
 * docs/reference/page-tables.md, so that two readings of it meet.
 */
#ifndef TESTS_PT_CONFIGS_H
#define TESTS_PT_CONFIGS_H

#include "pt/pt.h"
#include "walker/walker.h"

struct window {
	uint64_t first;
	uint64_t last;
};

struct config {
	char name[48];
	const struct ioas_pt_format *format;
	/* All but memory and hooks. */
	struct ioas_pt_params params;
	/* All but the root; levels: at the beginning. */
	struct walker_config walker;

	/* Section 2. */
	uint64_t pgsizes;
	/* The aperture, one half or two. */
	struct window window[2];
	unsigned int nr_windows;
	uint64_t oa_last;
	/* log2 of the span of a bottom item, of the items of a table */
	unsigned int granule_lg2;
	unsigned int index_lg2;
	/* Of a root that grows. */
	unsigned int max_levels;
	/*
	 * A permission word becomes (prot & kept) | implied; what a leaf tells
	 * of that is in shown.
	 */
	uint32_t implied;
	uint32_t kept;
	uint32_t shown;
	/* Section 4.5: dirty state is kept; a writable leaf begins with it. */
	bool tracks;
	bool born_dirty;
	/* What may not be written cannot become dirty either. */
	bool write_to_soil;
	/* A leaf that is read in part becomes clean (mock). */
	bool clears_partial;
	/* One of its kind, for tests that try everything. */
	bool basic;
};

/* How many there are; makes them. */
size_t configs_init(void);
const struct config *config_at(size_t i);

/* The item of @level spans 2^this bytes. */
static inline unsigned int config_item_lg2(const struct config *cfg,
					   unsigned int level)
{
	return cfg->granule_lg2 + level * cfg->index_lg2;
}

/* The level on which a leaf of 2^@lg2 bytes stands. */
static inline unsigned int config_level(const struct config *cfg,
					unsigned int lg2)
{
	return (lg2 - cfg->granule_lg2) / cfg->index_lg2;
}

/* The half that holds all of [@first, @last], or NULL. */
const struct window *config_window(const struct config *cfg, uint64_t first,
				   uint64_t last);
/* What a leaf with these effective permissions lets a device do. */
uint32_t config_access(const struct config *cfg, uint32_t attrs);

#endif
