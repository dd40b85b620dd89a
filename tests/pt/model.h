/* SPDX-License-Identifier: MIT */
/*
 * model: random operations on a page table, written down so that they repeat
 *
 *   gen.c --struct op--> exec.c --> src/pt, oracle, device
 *              |            `-- what does not make sense any more is skipped
 *              `-- trace: printed, and thinned, after a failure
 */
#ifndef TESTS_PT_MODEL_H
#define TESTS_PT_MODEL_H

#include "rig.h"

#define MAX_RUNS 6

enum op_kind {
	OP_MAP,
	OP_UNMAP,
	OP_REMOVE,
	OP_SPLIT,
	OP_SPLIT_TO,
	OP_MERGE,
	OP_MARK_DIRTY,
	OP_WRITE,
	OP_READ_DIRTY,
	OP_SET_PGSIZES,
	OP_TRANSLATE,
	OP_SOIL,
	OP_SYNC,
	OP_WALK,
	OP_COMPARE,
	NR_OPS
};

struct op {
	enum op_kind kind;
	uint64_t iova;
	/* map, remove: bytes; dirty, translate, unmap: the last IOVA. */
	uint64_t length;
	uint64_t last;
	/* unmap: want_last. set_pgsizes: sizes. map: max_leaf. */
	uint64_t value;
	struct ioas_run run[MAX_RUNS];
	uint32_t nr_runs;
	uint32_t head;
	uint32_t prot;
	uint8_t page_lg2;
	uint8_t lg2;
	/* 0: none; 1, 2: that of map, of translate; 3: a fresh one. */
	uint8_t cursor;
	/* unmap: with take; the first piece that it refuses, 0: none. */
	bool take;
	uint8_t refuse;
	bool clear;
	/* This fault point fails; 0: none. */
	uint8_t fault;
};

/* How often what happened; so that a run can tell that it tried. */
enum event {
	EV_MAPPED,
	EV_MAP_EINVAL,
	EV_MAP_ERANGE,
	EV_MAP_EOVERFLOW,
	EV_MAP_EADDRINUSE,
	EV_MAP_ENOMEM,
	EV_UNMAPPED,
	EV_REFUSED,
	EV_REMOVED,
	EV_REMOVED_MORE,
	EV_TABLES_LEFT,
	EV_SPLIT,
	EV_SPLIT_ENOMEM,
	EV_MERGED,
	EV_MERGE_REFUSED,
	EV_DIRTY,
	EV_CLEANED,
	EV_GROWN,
	EV_LARGE,
	EV_GROUP,
	EV_UPPER_HALF,
	NR_EVENTS
};

struct model {
	struct rig rig;
	uint64_t cursor[2][4];
	struct spans expected;
	struct spans seen;
	struct op op;
	/* Operations until the next comparison of everything. */
	unsigned int until_compare;
	uint64_t *events;
	/* gen.c */
	struct prng rng;
	uint64_t anchor[8];
};

/* Choose anchors; the oracle is empty. */
void gen_init(struct model *m, uint64_t seed);
void gen_op(struct model *m, struct op *op);

/* Do @op. False: it makes no sense here, nothing happened. */
bool exec_op(struct model *m, const struct op *op);

void op_print(char *line, size_t size, const struct op *op);
const char *event_name(enum event event);

#endif
