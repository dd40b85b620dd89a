/* SPDX-License-Identifier: MIT */
/*
 * walk_all: the whole walker; see walk.h
 */
#ifndef IOAS_PT_WALK_ALL_H
#define IOAS_PT_WALK_ALL_H

#include "pt/walk_lookup.h"
#include "pt/walk_split.h"

/* The operations of a struct ioas_pt_format. */
#define WALK_OPS                              \
	.map = walk_map,                      \
	.unmap = walk_unmap,                  \
	.remove = walk_remove,                \
	.translate_run = walk_translate_run,  \
	.lookup = walk_lookup,                \
	.soil = walk_soil,                    \
	.leaf = walk_leaf,                    \
	.mark_dirty = walk_mark_dirty,        \
	.read_dirty = walk_read_dirty,        \
	.split = walk_split,                  \
	.split_to = walk_split_to,            \
	.merge = walk_merge,                  \
	.for_each_leaf = walk_for_each_leaf,  \
	.validate = walk_validate,            \
	.collect = walk_collect_all

#endif
