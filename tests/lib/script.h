/* SPDX-License-Identifier: MIT */
/*
 * script: a scenario as a table of operations
 *
 *	static const struct op ops[] = {
 *		{ PROCESS(0) },
 *		{ MEMORY(0, 16, 8, IOAS_SIM_SCATTERED) },
 *		{ SPACE(0) },
 *		{ MAP(0, 0, 16 * P, 8 * P, 0x100000, RW) },
 *		{ MAP(0, 0, 16 * P, 8 * P, 0x100000, RW), .err = -EEXIST },
 *		{ HELD(0, 0, 0) },
 *	};
 *
 * Being data, it can be run under every limit, stopped at every operation and
 * repeated with every fault point failing. Rows of three kinds: the library is
 * asked for something (and answers err and out), the machine changes behind its
 * back, or something is expected to be true.
 */
#ifndef TESTS_LIB_SCRIPT_H
#define TESTS_LIB_SCRIPT_H

#include "base/errno.h"
#include "world.h"

#define P UINT64_C(4096)
#define RD IOAS_PROT_READ
#define RW (IOAS_PROT_READ | IOAS_PROT_WRITE)
#define PAGES_4K (UINT64_C(1) << 12)
#define PAGES_ALL (PAGES_4K | UINT64_C(1) << 21 | UINT64_C(1) << 30)
/* err: whatever the library says; the sweep wants the same each time. */
#define ERR_ANY 1
/* What an operation answers that makes no sense in this state. */
#define ERR_SKIPPED 2

enum op_kind {
	/* The library. */
	OP_SPACE,
	OP_SPACE_DESTROY,
	OP_DOMAIN,
	OP_DOMAIN_DESTROY,
	OP_ATTACH,
	OP_DETACH,
	OP_MAP,
	OP_MAP_ANY,
	OP_COPY,
	OP_COPY_ANY,
	OP_UNMAP,
	OP_UNMAP_ALL,
	OP_CLIENT,
	OP_CLIENT_DESTROY,
	OP_JOIN,
	OP_LEAVE,
	OP_MOVE,
	OP_PIN,
	OP_UNPIN,
	OP_UNPIN_NTH,
	OP_COPY_BYTES,
	OP_RESERVE,
	OP_UNRESERVE,
	OP_ALLOW,
	OP_SPLIT,
	OP_SMALL,
	OP_DIRTY_SET,
	OP_DIRTY_READ,
	OP_CHANGE_PROCESS,
	OP_POLICY,
	/* The machine. */
	OP_FIRST_ENVIRONMENT,
	OP_PROCESS = OP_FIRST_ENVIRONMENT,
	OP_MEMORY,
	OP_FILE,
	OP_DEVICE,
	OP_REMAP,
	OP_ALIAS,
	OP_HOLE,
	OP_DIE,
	OP_REVOKE,
	OP_BAD_PAGE,
	OP_LIMIT,
	OP_CALLER,
	OP_UNLIMITED,
	OP_PATIENCE,
	OP_TOUCH,
	/* What must be true. */
	OP_FIRST_EXPECTATION,
	OP_HELD = OP_FIRST_EXPECTATION,
	OP_MAPS,
	OP_AREAS,
	OP_ALIGNED,
	OP_PINS_OF,
	OP_CHARGED_MM,
	OP_CALLS,
	OP_PAGE_OF,
};

struct op {
	enum op_kind kind;
	/* Space, or the thing that acts; and the other thing. */
	uint8_t s, t;
	uint32_t prot;
	uint64_t a, n, b;
	int err;
	uint64_t out;
};

#define SPACE(s_) .kind = OP_SPACE, .s = s_
#define SPACE_DESTROY(s_) .kind = OP_SPACE_DESTROY, .s = s_
#define DOMAIN(d_, sizes) \
	.kind = OP_DOMAIN, .s = d_, .a = sizes, .n = 0, .b = UINT64_MAX
#define DOMAIN_APERTURE(d_, sizes, first, last) \
	.kind = OP_DOMAIN, .s = d_, .a = sizes, .n = first, .b = last
#define DOMAIN_DESTROY(d_) .kind = OP_DOMAIN_DESTROY, .s = d_
#define ATTACH(s_, d_) .kind = OP_ATTACH, .s = s_, .t = d_
#define DETACH(d_) .kind = OP_DETACH, .t = d_
#define MAP(s_, o_, start, length, iova, prot_)                          \
	.kind = OP_MAP, .s = s_, .t = o_, .a = start, .n = length,       \
	.b = iova, .prot = prot_
/* The IOVA that is chosen goes to out. */
#define MAP_ANY(s_, o_, start, length, prot_)                            \
	.kind = OP_MAP_ANY, .s = s_, .t = o_, .a = start, .n = length,   \
	.prot = prot_
#define COPY(dst, src, src_iova, length, iova, prot_)                    \
	.kind = OP_COPY, .s = dst, .t = src, .a = src_iova, .n = length, \
	.b = iova, .prot = prot_
#define COPY_ANY(dst, src, src_iova, length, prot_)                      \
	.kind = OP_COPY_ANY, .s = dst, .t = src, .a = src_iova,          \
	.n = length, .prot = prot_
/* Bytes removed go to out. */
#define UNMAP(s_, iova, length, bytes) \
	.kind = OP_UNMAP, .s = s_, .a = iova, .n = length, .out = bytes
#define UNMAP_ALL(s_, bytes) .kind = OP_UNMAP_ALL, .s = s_, .out = bytes
#define CLIENT(c_, flags) .kind = OP_CLIENT, .s = c_, .a = flags
#define CLIENT_DESTROY(c_) .kind = OP_CLIENT_DESTROY, .s = c_
#define JOIN(c_, s_) .kind = OP_JOIN, .s = c_, .t = s_
#define LEAVE(c_) .kind = OP_LEAVE, .s = c_
#define MOVE(c_, s_) .kind = OP_MOVE, .s = c_, .t = s_
#define PIN(c_, iova, length, flags) \
	.kind = OP_PIN, .s = c_, .a = iova, .n = length, .b = flags
#define UNPIN(c_, iova, length) \
	.kind = OP_UNPIN, .s = c_, .a = iova, .n = length
/* The n-th pin that the client has, modulo their number. */
#define UNPIN_NTH(c_, nth) .kind = OP_UNPIN_NTH, .s = c_, .a = nth
#define COPY_BYTES(c_, iova, length, flags) \
	.kind = OP_COPY_BYTES, .s = c_, .a = iova, .n = length, .b = flags
#define RESERVE(s_, first, last, token)                                \
	.kind = OP_RESERVE, .s = s_, .a = first, .n = last, .b = token
#define UNRESERVE(s_, token) .kind = OP_UNRESERVE, .s = s_, .b = token
/* One range, or none at all if first is above last. */
#define ALLOW(s_, first, last) .kind = OP_ALLOW, .s = s_, .a = first, .n = last
#define SPLIT(s_, cut) .kind = OP_SPLIT, .s = s_, .a = cut
#define SMALL(s_, on) .kind = OP_SMALL, .s = s_, .a = on
#define DIRTY_SET(s_, d_, on) .kind = OP_DIRTY_SET, .s = s_, .t = d_, .a = on
/* The number of bits that are set goes to out. */
#define DIRTY_READ(s_, d_, iova, length, granularity, flags, bits)     \
	.kind = OP_DIRTY_READ, .s = s_, .t = d_, .a = iova,            \
	.n = length, .b = granularity, .prot = flags, .out = bits
#define CHANGE_PROCESS() .kind = OP_CHANGE_PROCESS
#define POLICY(mm) .kind = OP_POLICY, .a = mm

#define PROCESS(o_) .kind = OP_PROCESS, .t = o_
#define MEMORY(o_, page, nr, layout) \
	.kind = OP_MEMORY, .t = o_, .a = page, .n = nr, .b = layout
#define MEMORY_READ_ONLY(o_, page, nr, layout)                         \
	.kind = OP_MEMORY, .t = o_, .a = page, .n = nr, .b = layout,   \
	.prot = IOAS_SIM_READ_ONLY
#define FILE_PAGES(o_, nr, folio_lg2) \
	.kind = OP_FILE, .t = o_, .n = nr, .b = folio_lg2
#define DEVICE_PAGES(o_, nr) .kind = OP_DEVICE, .t = o_, .n = nr
#define REMAP(o_, page, nr, layout) \
	.kind = OP_REMAP, .t = o_, .a = page, .n = nr, .b = layout
/* @nr pages from @page on get the frames of those from @from on. */
#define ALIAS(o_, page, nr, from) \
	.kind = OP_ALIAS, .t = o_, .a = page, .n = nr, .b = from
#define HOLE(o_, page, nr) .kind = OP_HOLE, .t = o_, .a = page, .n = nr
#define DIE(o_) .kind = OP_DIE, .t = o_
#define REVOKE(o_) .kind = OP_REVOKE, .t = o_
/* This page of every origin cannot be pinned; ALL_GOOD: each can. */
#define BAD_PAGE(page) .kind = OP_BAD_PAGE, .a = page
#define ALL_GOOD UINT64_MAX
#define LIMIT(p_, pages) .kind = OP_LIMIT, .s = p_, .n = pages
/* The principal on whose behalf the next operations run. */
#define CALLER(p_) .kind = OP_CALLER, .s = p_
#define UNLIMITED(on) .kind = OP_UNLIMITED, .a = on
#define PATIENCE(c_, times) .kind = OP_PATIENCE, .s = c_, .a = times
/* A device writes. */
#define TOUCH(d_, iova, length) \
	.kind = OP_TOUCH, .t = d_, .a = iova, .n = length

/* Pages pinned by the machine, in the stores, charged to the user. */
#define HELD(pins, stored, charged) \
	.kind = OP_HELD, .a = pins, .n = stored, .b = charged
/* Map calls of a domain since it was created (INV-B5). */
#define MAPS(d_, calls) .kind = OP_MAPS, .t = d_, .n = calls
#define AREAS(s_, nr) .kind = OP_AREAS, .s = s_, .n = nr
#define ALIGNED(s_, bytes) .kind = OP_ALIGNED, .s = s_, .n = bytes
/* Pins of the frame that an origin has at a page now. */
#define PINS_OF(o_, page, pins) \
	.kind = OP_PINS_OF, .t = o_, .a = page, .n = pins
#define CHARGED_MM(p_, pages) .kind = OP_CHARGED_MM, .s = p_, .n = pages
/* Callbacks of a client so far. */
#define CALLS(c_, calls) .kind = OP_CALLS, .s = c_, .n = calls
/*
 * The domain leads from an IOVA to the frame that the origin has at a page now,
 * or does not, if out is not 0.
 */
#define PAGE_OF(d_, iova, o_, page) \
	.kind = OP_PAGE_OF, .s = d_, .a = iova, .t = o_, .n = page

struct script {
	const char *name;
	const struct op *ops;
	size_t nr;
};

#define SCRIPT(name_, ops_) \
	{ .name = name_, .ops = ops_, .nr = sizeof(ops_) / sizeof((ops_)[0]) }

struct outcome {
	int ret;
	uint64_t out;
};

/* The library is asked for something, and may run into fault points. */
static inline bool op_is_request(const struct op *op)
{
	return op->kind < OP_FIRST_ENVIRONMENT;
}

/* Releases only: has no fault point, needs no memory (INV-F2). */
bool op_is_release(const struct op *op);
const char *op_name(const struct op *op);
void op_print(const struct op *op);

/*
 * Do one row. The result of a request is in *@out; the machine's changes and
 * expectations end the test if they go wrong.
 */
void script_step(struct world *w, const struct op *op, struct outcome *out);
/* The result is what the row says; ends the test otherwise. */
void script_expect(const struct script *s, size_t i, struct outcome got);
/* A world under @limits, every row, the checks after each if @thorough. */
void script_run(const struct script *s, const struct world_limits *limits,
		bool thorough);
/* Teardown of a cmocka test: says where a script stopped, if it did. */
int script_teardown(void **state);

#endif
