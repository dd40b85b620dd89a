/* SPDX-License-Identifier: MIT */
/*
 * fuzz core: bytes as operations on a tiny universe, judged without a model
 *
 *    some bytes  page size, limits (ioas-tests 9), policy, what there is
 *    then        kind, how it is mistreated, what the kind needs; again
 *
 *    origins  0, 1 processes   2 a file   3 device memory
 *    IOVA     32 pages at 0, in the middle, and at the end of 64 bits
 *
 * After every operation: the validators, B1, B2, B4, C1, E1, E2, A6, and the
 * assertions of the flat domain and of the simulated machine. An operation
 * that failed has changed nothing (INV-F1), a release needs no memory
 * (INV-F2), and in the end the ledgers are empty (INV-F4). What an operation
 * should have answered is fuzz_model's business.
 */
#include <string.h>

#include "fuzz.h"
#include "ledger.h"
#include "limit_matrix.h"
#include "script.h"

#define MAX_STEPS 48
#define NR_SPACES 2
#define NR_DOMAINS 3
#define NR_CLIENTS 3
#define FILE_ORIGIN 2
#define DEVICE_ORIGIN 3
#define NR_ORIGINS 4
#define WINDOW_PAGES 32

struct core {
	struct input in;
	struct world w;
	uint64_t page;
	/* Addresses may lie within pages. */
	bool fine;
	bool dead[2];
};

/* How an operation is mistreated. */
enum abuse {
	ABUSE_NONE,
	/* The n-th fault point fails. */
	ABUSE_NTH,
	/* No allocation, no fault point succeeds. */
	ABUSE_OFF,
};

/* As often as they are to be; fuzzers like the bytes at both ends. */
static const uint8_t kinds[] = {
	OP_MAP,		  OP_MAP,	OP_MAP,		OP_MAP,
	OP_MAP_ANY,	  OP_MAP_ANY,	OP_COPY,	OP_COPY,
	OP_COPY,	  OP_COPY_ANY,	OP_UNMAP,	OP_UNMAP,
	OP_UNMAP,	  OP_UNMAP_ALL, OP_SPACE,	OP_SPACE_DESTROY,
	OP_DOMAIN,	  OP_DOMAIN,	OP_ATTACH,	OP_ATTACH,
	OP_ATTACH,	  OP_ATTACH,	OP_DETACH,	OP_DOMAIN_DESTROY,
	OP_CLIENT,	  OP_JOIN,	OP_JOIN,	OP_CLIENT_DESTROY,
	OP_LEAVE,	  OP_MOVE,	OP_PATIENCE,	OP_PATIENCE,
	OP_PIN,		  OP_PIN,	OP_PIN,		OP_PIN,
	OP_UNPIN_NTH,	  OP_UNPIN_NTH, OP_UNPIN_NTH,	OP_COPY_BYTES,
	OP_COPY_BYTES,	  OP_RESERVE,	OP_UNRESERVE,	OP_ALLOW,
	OP_SPLIT,	  OP_SPLIT,	OP_SMALL,	OP_CHANGE_PROCESS,
	OP_DIRTY_SET,	  OP_TOUCH,	OP_TOUCH,	OP_DIRTY_READ,
	OP_MEMORY,	  OP_REMAP,	OP_ALIAS,	OP_HOLE,
	OP_DIE,		  OP_REVOKE,	OP_BAD_PAGE,	OP_LIMIT,
	OP_CALLER,	  OP_UNLIMITED, OP_PIN,		OP_COPY,
};

static uint8_t pick(struct core *c, uint64_t n)
{
	return (uint8_t)input_below(&c->in, n);
}

/* Eighths of a page, where the input is about these. */
static uint64_t some_offset(struct core *c, uint64_t x)
{
	return c->fine ? x % 8 * (c->page / 8) : 0;
}

static uint64_t some_place(struct core *c)
{
	const uint64_t x = input_bytes(&c->in, 2);
	uint64_t at = x % WINDOW_PAGES * c->page + some_offset(c, x >> 8);

	switch (x >> 5 & 7) {
	case 0:
		return at;
	case 1:
		return at - WINDOW_PAGES * c->page;
	default:
		return at + (c->page << 16);
	}
}

static uint64_t some_length(struct core *c)
{
	const uint64_t x = input_bytes(&c->in, 2);

	if (x >> 12 == 15)
		return (x & 1) - 1;
	return (1 + x % 15) * c->page - some_offset(c, x >> 4);
}

/* The n-th area of a space, around the corner. */
static bool nth_area(const struct ioas *ioas, uint64_t nth,
		     struct ioas_range *r)
{
	const uint64_t nr = ioas ? ioas_rangemap_count(&ioas->areas) : 0;

	if (!nr || !ioas_rangemap_first(&ioas->areas, 0, UINT64_MAX, r))
		return false;
	for (nth %= nr; nth; nth--)
		ioas_rangemap_next(&ioas->areas, UINT64_MAX, r);
	return true;
}

/*
 * A range of a space, NULL if it is not known: an area, pages of one, from one
 * to the end of another, or anything.
 */
static void some_range(struct core *c, const struct ioas *ioas,
		       struct op *op)
{
	const uint64_t x = pick(c, 256);
	struct ioas_range r, to;
	uint64_t pages;

	if (!(x & 3) || !nth_area(ioas, x >> 4, &r)) {
		op->a = some_place(c);
		op->n = some_length(c);
		return;
	}
	op->a = r.first;
	op->n = r.last - r.first + 1;
	if (!(x & 4)) {
		pages = op->n / c->page + 1;
		op->a += pick(c, 16) % pages * c->page;
		op->n = (1 + pick(c, 8)) * c->page;
	} else if (x & 8 && nth_area(ioas, (x >> 4) + 1, &to)) {
		op->n = to.last - r.first + 1;
	}
}

/* A page of a process: the first ones, or the last of its address space. */
static uint64_t some_page(struct core *c)
{
	const uint64_t x = pick(c, 256);

	if (x >> 5 == 7)
		return (UINT64_MAX / c->page) - x % 8;
	return x % WINDOW_PAGES;
}

static uint32_t some_prot(struct core *c)
{
	static const uint32_t prots[] = { RW, RW, RD, IOAS_PROT_WRITE,
					  RW | IOAS_PROT_CACHE, 0 };

	return prots[pick(c, IOAS_ARRAY_SIZE(prots))];
}

static enum ioas_sim_layout some_layout(struct core *c)
{
	return (enum ioas_sim_layout)pick(c, IOAS_SIM_GIANT);
}

/* ---- rows --------------------------------------------------------------- */

static bool has_client(const struct core *c, const struct op *op)
{
	return c->w.clients[op->s].access;
}

/* Leaving is a promise to let go, and an internal client has no ears. */
static bool can_leave(struct core *c, const struct op *op)
{
	struct world_client *cl = &c->w.clients[op->s];

	if (!cl->access || (cl->flags & IOAS_ACCESS_INTERNAL && cl->nr_pins))
		return false;
	cl->patience = 0;
	return true;
}

static bool row_client(struct core *c, struct op *op)
{
	static const uint8_t flags[] = {
		IOAS_ACCESS_PINS, IOAS_ACCESS_PINS,
		IOAS_ACCESS_PINS | IOAS_ACCESS_INTERNAL, 0,
	};

	op->s = pick(c, NR_CLIENTS);
	switch (op->kind) {
	case OP_CLIENT:
		op->a = flags[pick(c, IOAS_ARRAY_SIZE(flags))];
		return !has_client(c, op);
	case OP_JOIN:
	case OP_MOVE:
		op->t = pick(c, NR_SPACES);
		return c->w.spaces[op->t] &&
		       (op->kind == OP_JOIN ? has_client(c, op) :
					      can_leave(c, op));
	case OP_LEAVE:
		return can_leave(c, op);
	case OP_UNPIN_NTH:
		op->a = pick(c, WORLD_PINS);
		break;
	case OP_PATIENCE:
		op->a = pick(c, 4);
		if (op->a == 3)
			op->a = UINT32_MAX;
		break;
	case OP_PIN:
	case OP_COPY_BYTES:
		if (!has_client(c, op))
			return false;
		some_range(c, c->w.clients[op->s].access->ioas, op);
		op->b = pick(c, op->kind == OP_PIN ? 2 : 4);
		if (op->kind == OP_COPY_BYTES)
			op->n = ioas_min(op->n, 16 * c->page);
		break;
	default:
		break;
	}
	return has_client(c, op);
}

static bool row_domain(struct core *c, struct op *op)
{
	struct world *w = &c->w;

	op->s = pick(c, NR_DOMAINS);
	switch (op->kind) {
	case OP_DOMAIN:
		op->a = c->page >> pick(c, 4);
		op->a |= (uint64_t)pick(c, 32) * c->page;
		op->b = UINT64_MAX;
		if (!pick(c, 8)) {
			op->n = c->page * 4;
			op->b = (c->page << 17) - 1;
		}
		return !w->domains[op->s];
	case OP_DOMAIN_DESTROY:
		return w->domains[op->s] && w->domain_space[op->s] < 0;
	default:
		op->t = op->s;
		op->s = w->domain_space[op->t] < 0 ?
				pick(c, NR_SPACES) :
				(uint8_t)w->domain_space[op->t];
	}
	if (!w->domains[op->t] || !w->spaces[op->s])
		return false;
	if (op->kind == OP_DIRTY_SET)
		op->a = pick(c, 2);
	if (op->kind != OP_TOUCH && op->kind != OP_DIRTY_READ)
		return true;
	some_range(c, w->spaces[op->s], op);
	if (op->kind == OP_TOUCH)
		return op->n && op->a + (op->n - 1) >= op->a;
	op->b = pick(c, 16) ? c->page >> (c->fine ? pick(c, 4) : 0) : 3;
	op->prot = pick(c, 4) ? 0 : IOAS_DIRTY_NO_CLEAR;
	/* The script's bitmap has room for this much. */
	return op->n / op->b < 4096;
}

static bool row_map(struct core *c, struct op *op)
{
	const bool copy = op->kind == OP_COPY || op->kind == OP_COPY_ANY;

	op->t = pick(c, copy ? NR_SPACES : NR_ORIGINS);
	if (copy) {
		some_range(c, c->w.spaces[op->t], op);
	} else {
		op->a = some_page(c) * c->page;
		op->a += c->fine ? some_offset(c, pick(c, 8)) : 0;
		op->n = some_length(c);
	}
	op->prot = some_prot(c);
	if (op->kind == OP_MAP || op->kind == OP_COPY)
		op->b = some_place(c);
	return c->w.spaces[op->s] && (!copy || c->w.spaces[op->t]);
}

static bool row_space(struct core *c, struct op *op)
{
	switch (op->kind) {
	case OP_SPACE:
		return !c->w.spaces[op->s];
	case OP_UNMAP:
		some_range(c, c->w.spaces[op->s], op);
		break;
	case OP_RESERVE:
	case OP_ALLOW:
		op->a = some_place(c);
		op->n = op->a + some_length(c) - 1;
		op->b = 1 + pick(c, 2);
		break;
	case OP_UNRESERVE:
		op->b = 1 + pick(c, 2);
		break;
	case OP_SPLIT:
		some_range(c, c->w.spaces[op->s], op);
		op->a--;
		break;
	case OP_SMALL:
		op->a = pick(c, 2);
		break;
	default:
		break;
	}
	return c->w.spaces[op->s];
}

static bool all_mapped(const struct core *c, const struct op *op, uint64_t from)
{
	ioas_pfn_t pfn;

	for (uint64_t i = 0; i < op->n; i++)
		if (!ioas_sim_frame_at(c->w.origins[op->t], from + i, &pfn))
			return false;
	return true;
}

static bool row_memory(struct core *c, struct op *op)
{
	struct ioas_origin *o;

	op->t = pick(c, 2);
	o = c->w.origins[op->t];
	if (c->dead[op->t])
		return false;
	op->a = some_page(c);
	op->n = 1 + pick(c, 8);
	op->n = ioas_min(op->n, UINT64_MAX / c->page - op->a + 1);
	op->b = some_layout(c);
	switch (op->kind) {
	case OP_REMAP:
		return all_mapped(c, op, op->a);
	case OP_ALIAS:
		/* To pages that no other operation knows. */
		op->b = op->a;
		op->a = WINDOW_PAGES * 2;
		demand(!ioas_sim_unmap(o, op->a, op->n));
		return all_mapped(c, op, op->b);
	case OP_MEMORY:
		op->prot = pick(c, 4) ? 0 : IOAS_SIM_READ_ONLY;
		demand(!ioas_sim_unmap(o, op->a, op->n));
		return true;
	case OP_DIE:
		c->dead[op->t] = true;
		return true;
	default:
		return true;
	}
}

static bool row_machine(struct core *c, struct op *op)
{
	switch (op->kind) {
	case OP_REVOKE:
		op->t = DEVICE_ORIGIN;
		return true;
	case OP_BAD_PAGE:
		op->a = pick(c, 2) ? some_page(c) : ALL_GOOD;
		return true;
	case OP_LIMIT:
		op->s = pick(c, WORLD_PRINCIPALS);
		op->n = pick(c, 4) ? pick(c, 40) : UINT64_MAX;
		return true;
	case OP_CALLER:
		op->s = pick(c, WORLD_PRINCIPALS);
		return true;
	case OP_UNLIMITED:
		op->a = !pick(c, 4);
		return true;
	case OP_CHANGE_PROCESS:
		return true;
	default:
		return row_memory(c, op);
	}
}

/* False: it makes no sense now. */
static bool decode(struct core *c, struct op *op)
{
	*op = (struct op){ .kind = kinds[pick(c, IOAS_ARRAY_SIZE(kinds))] };
	switch (op->kind) {
	case OP_CLIENT:
	case OP_CLIENT_DESTROY:
	case OP_JOIN:
	case OP_LEAVE:
	case OP_MOVE:
	case OP_PIN:
	case OP_UNPIN_NTH:
	case OP_COPY_BYTES:
	case OP_PATIENCE:
		return row_client(c, op);
	case OP_DOMAIN:
	case OP_DOMAIN_DESTROY:
	case OP_ATTACH:
	case OP_DETACH:
	case OP_DIRTY_SET:
	case OP_DIRTY_READ:
	case OP_TOUCH:
		return row_domain(c, op);
	default:
		break;
	}
	if (op->kind >= OP_FIRST_ENVIRONMENT || op->kind == OP_CHANGE_PROCESS)
		return row_machine(c, op);
	op->s = pick(c, NR_SPACES);
	if (op->kind == OP_MAP || op->kind == OP_MAP_ANY ||
	    op->kind == OP_COPY || op->kind == OP_COPY_ANY)
		return row_map(c, op);
	return row_space(c, op);
}

/* ---- steps -------------------------------------------------------------- */

/* These may fail half way and say so (INV-F1). */
static bool may_be_partial(const struct op *op)
{
	return op->kind == OP_UNMAP || op->kind == OP_UNMAP_ALL ||
	       op->kind == OP_DIRTY_READ;
}

static void step_abused(struct world *w, const struct op *op, enum abuse abuse,
			uint64_t nth, struct outcome *out)
{
	const uint64_t points = ledger_points(&w->fault);

	w->fault.nth = abuse == ABUSE_NTH ? nth : 0;
	w->fault.sticky = abuse == ABUSE_OFF;
	ledger_refuse(abuse == ABUSE_OFF);
	script_step(w, op, out);
	ledger_refuse(false);
	w->fault.nth = 0;
	w->fault.sticky = false;
	if (op_is_release(op)) {
		demand(ledger_points(&w->fault) == points);
		demand(out->ret != -ENOMEM);
	}
}

static void step(struct core *c)
{
	static const uint8_t abuses[] = { ABUSE_NONE, ABUSE_NONE, ABUSE_NONE,
					  ABUSE_NTH, ABUSE_OFF };
	struct world *w = &c->w;
	enum abuse abuse = ABUSE_NONE;
	char *before, *after;
	struct outcome got;
	uint64_t nth = 1;
	struct op op;

	if (!decode(c, &op))
		return;
	if (op_is_request(&op))
		abuse = abuses[pick(c, IOAS_ARRAY_SIZE(abuses))];
	if (abuse == ABUSE_NTH)
		nth = 1 + pick(c, 40);
	before = world_snapshot(w);
	step_abused(w, &op, abuse, nth, &got);
	if (got.ret < 0 && !may_be_partial(&op)) {
		after = world_snapshot(w);
		demand(world_equal(before, after));
		free(after);
	}
	free(before);
	world_check(w, op_name(&op));
}

static void prelude(struct core *c)
{
	static const struct op rows[] = {
		{ PROCESS(0) },
		{ MEMORY(0, 0, 8, IOAS_SIM_SCATTERED) },
		{ MEMORY(0, 8, 14, IOAS_SIM_CONSECUTIVE) },
		{ MEMORY(0, 24, 8, IOAS_SIM_DESCENDING) },
		{ PROCESS(1) },
		{ MEMORY(1, 0, 16, IOAS_SIM_RUNS) },
		{ MEMORY_READ_ONLY(1, 16, 4, IOAS_SIM_RUNS) },
		{ MEMORY(1, 20, 12, IOAS_SIM_ALIASED) },
		{ FILE_PAGES(FILE_ORIGIN, WINDOW_PAGES, 2) },
		{ DEVICE_PAGES(DEVICE_ORIGIN, 16) },
		{ SPACE(0) },
		{ SPACE(1) },
		{ CLIENT(0, IOAS_ACCESS_PINS) },
	};
	/* As the input wants it: something to begin with. */
	const struct op more[] = {
		{ JOIN(0, 0) },
		{ DOMAIN(0, c->page >> (c->fine ? 3 : 0)) },
		{ ATTACH(0, 0) },
		{ MAP(0, 0, 12 * c->page, 8 * c->page, c->page << 16, RW) },
		{ COPY(1, 0, (c->page << 16) + 2 * c->page, 4 * c->page, 0,
		       RW) },
		{ PIN(0, (c->page << 16) + c->page, 3 * c->page, 0) },
	};
	const struct op policy = { POLICY(pick(c, 2)) };
	const size_t none = IOAS_ARRAY_SIZE(more);
	const size_t first = pick(c, 2) ? c->fine : none;
	struct outcome got;

	script_step(&c->w, &policy, &got);
	for (size_t i = 0; i < IOAS_ARRAY_SIZE(rows); i++) {
		script_step(&c->w, rows + i, &got);
		demand(!got.ret);
	}
	for (unsigned int o = 0; o < 2; o++)
		world_map_memory(&c->w, o, UINT64_MAX / c->page - 7, 8,
				 IOAS_SIM_CONSECUTIVE, 0);
	/* The client asks for whole pages, and cannot pin where it is not. */
	for (size_t i = first; i + c->fine < none; i++) {
		script_step(&c->w, more + i, &got);
		demand(!got.ret);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct core c;
	struct world_limits limits;

	/* Otherwise an assertion outside of a test is an exit. */
	setenv("CMOCKA_TEST_ABORT", "1", 0);
	c = (struct core){ .in = { data, size } };
	limits = limits_at((unsigned int)input_below(&c.in, LIMITS_ALL));
	limits.page_lg2 = pick(&c, 2) ? 12 : 3;
	limits.huge_lg2 = (uint8_t)(limits.page_lg2 + pick(&c, 4));
	limits.tuning.slow_copy = pick(&c, 2);
	c.page = UINT64_C(1) << limits.page_lg2;
	c.fine = !pick(&c, 4);
	world_init(&c.w, &limits);
	prelude(&c);
	for (unsigned int i = 0; i < MAX_STEPS && c.in.left; i++)
		step(&c);
	world_fini(&c.w);
	return 0;
}
