/* SPDX-License-Identifier: MIT */
/*
 * script: running the rows of a table
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

static const char *const names[] = {
	[OP_SPACE] = "space",
	[OP_SPACE_DESTROY] = "space destroy",
	[OP_DOMAIN] = "domain",
	[OP_DOMAIN_DESTROY] = "domain destroy",
	[OP_ATTACH] = "attach",
	[OP_DETACH] = "detach",
	[OP_MAP] = "map",
	[OP_MAP_ANY] = "map any",
	[OP_COPY] = "copy",
	[OP_COPY_ANY] = "copy any",
	[OP_UNMAP] = "unmap",
	[OP_UNMAP_ALL] = "unmap all",
	[OP_CLIENT] = "client",
	[OP_CLIENT_DESTROY] = "client destroy",
	[OP_JOIN] = "join",
	[OP_LEAVE] = "leave",
	[OP_MOVE] = "move",
	[OP_PIN] = "pin",
	[OP_UNPIN] = "unpin",
	[OP_UNPIN_NTH] = "unpin nth",
	[OP_COPY_BYTES] = "copy bytes",
	[OP_RESERVE] = "reserve",
	[OP_UNRESERVE] = "unreserve",
	[OP_ALLOW] = "allow",
	[OP_SPLIT] = "split",
	[OP_SMALL] = "small pages",
	[OP_DIRTY_SET] = "dirty set",
	[OP_DIRTY_READ] = "dirty read",
	[OP_CHANGE_PROCESS] = "change process",
	[OP_POLICY] = "policy",
	[OP_PROCESS] = "process",
	[OP_MEMORY] = "memory",
	[OP_FILE] = "file",
	[OP_DEVICE] = "device",
	[OP_REMAP] = "remap",
	[OP_ALIAS] = "alias",
	[OP_HOLE] = "hole",
	[OP_DIE] = "die",
	[OP_REVOKE] = "revoke",
	[OP_BAD_PAGE] = "bad page",
	[OP_LIMIT] = "limit",
	[OP_CALLER] = "caller",
	[OP_UNLIMITED] = "unlimited",
	[OP_PATIENCE] = "patience",
	[OP_TOUCH] = "touch",
	[OP_HELD] = "held",
	[OP_MAPS] = "maps",
	[OP_AREAS] = "areas",
	[OP_ALIGNED] = "aligned",
	[OP_PINS_OF] = "pins of",
	[OP_CHARGED_MM] = "charged mm",
	[OP_CALLS] = "calls",
	[OP_PAGE_OF] = "page of",
};

const char *op_name(const struct op *op)
{
	return names[op->kind];
}

void op_print(const struct op *op)
{
	fprintf(stderr,
		"#   %s s %u t %u a %" PRIx64 " n %" PRIx64 " b %" PRIx64
		" prot %u\n",
		op_name(op), op->s, op->t, op->a, op->n, op->b, op->prot);
}

bool op_is_release(const struct op *op)
{
	switch (op->kind) {
	case OP_SPACE_DESTROY:
	case OP_DOMAIN_DESTROY:
	case OP_DETACH:
	case OP_UNMAP:
	case OP_UNMAP_ALL:
	case OP_CLIENT_DESTROY:
	case OP_LEAVE:
	case OP_UNPIN:
	case OP_UNPIN_NTH:
	case OP_UNRESERVE:
		return true;
	default:
		return false;
	}
}

/*
 * What is running: printed by whoever notices that it did not end, because an
 * assertion knows neither the row nor the limits.
 */
static struct {
	const struct script *script;
	struct world_limits limits;
	size_t row;
} running;

static void say_where(void)
{
	const struct ioas_tuning *t = &running.limits.tuning;

	if (!running.script)
		return;
	fprintf(stderr,
		"# in %s row %zu, with fill %u drain %u window %u/%" PRIu64
		" pins %d answer %d\n",
		running.script->name, running.row, t->fill_runs, t->drain_runs,
		t->window_runs, t->window_pages, running.limits.pin_mode,
		running.limits.answer);
	running.script = NULL;
}

/* A failed check of the library; it does not come back from here. */
static void on_abort(int signum)
{
	say_where();
	signal(signum, SIG_DFL);
}

int script_teardown(void **state)
{
	(void)state;
	say_where();
	return 0;
}

/* ---- requests ----------------------------------------------------------- */

static int do_map(struct world *w, const struct op *op, uint64_t *out)
{
	const bool fixed = op->kind == OP_MAP || op->kind == OP_COPY;
	const bool copy = op->kind == OP_COPY || op->kind == OP_COPY_ANY;
	const unsigned int flags = fixed ? IOAS_MAP_FIXED : 0;
	const ioas_iova_t untouched = fixed ? op->b : UINT64_C(0xdead);
	ioas_iova_t iova = untouched;
	int ret;

	if (copy)
		ret = ioas_iopt_copy(w->spaces[op->s], w->spaces[op->t], op->a,
				     op->n, op->prot, flags, &iova);
	else
		ret = ioas_iopt_map(w->spaces[op->s], w->origins[op->t], op->a,
				    op->n, op->prot, flags, &iova);
	if (ret || fixed)
		assert_int_equal(iova, untouched);
	else
		*out = iova;
	return ret;
}

static int do_copy_bytes(struct world *w, const struct op *op)
{
	static unsigned char buffer[64 << 10];

	assert_true(op->n <= sizeof(buffer));
	if (op->b & IOAS_ACCESS_WRITE)
		for (size_t i = 0; i < op->n; i++)
			buffer[i] = (unsigned char)(op->a + i);
	return ioas_access_rw(w->clients[op->s].access, op->a, buffer, op->n,
			      (unsigned int)op->b);
}

static int do_allow(struct world *w, const struct op *op)
{
	const struct ioas_iova_range range = { op->a, op->n };

	return ioas_iopt_allow(w->spaces[op->s], &range, op->a <= op->n);
}

static int do_reserve(struct world *w, const struct op *op)
{
	const struct ioas_iova_range range = { op->a, op->n };

	return ioas_iopt_reserve(w->spaces[op->s], &range, 1,
				 (const void *)(uintptr_t)op->b);
}

static int do_dirty_read(struct world *w, const struct op *op, uint64_t *out)
{
	static unsigned char bitmap[4096 + 16];
	const size_t bytes = op->b ? (size_t)((op->n / op->b + 7) / 8) : 0;
	struct ioas_dirty_request rq = {
		.iova = op->a,
		.length = op->n,
		.granularity = op->b,
		.bitmap = (uint64_t)(uintptr_t)(bitmap + 8),
		.flags = op->prot,
		.window = w->limits.bitmap_window,
	};
	int ret;

	assert_true(bytes <= 4096);
	memset(bitmap, 0, sizeof(bitmap));
	memset(bitmap, 0xa5, 8);
	bitmap[8 + bytes] = 0xa5;
	ret = ioas_dirty_read(w->spaces[op->s], w->domains[op->t], &rq);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(bitmap[i], 0xa5);
	assert_int_equal(bitmap[8 + bytes], 0xa5);
	*out = 0;
	for (size_t i = 0; i < bytes; i++)
		*out += (unsigned int)__builtin_popcount(bitmap[8 + i]);
	return ret;
}

static int do_unmap(struct world *w, const struct op *op, uint64_t *out)
{
	if (op->kind == OP_UNMAP_ALL)
		return ioas_iopt_unmap_all(w->spaces[op->s], out);
	return ioas_iopt_unmap(w->spaces[op->s], op->a, op->n, out);
}

static int do_attach(struct world *w, const struct op *op)
{
	const int at = w->domain_space[op->t];

	/* A domain in another space is the front end's mistake. */
	if (at >= 0 && at != op->s)
		return ERR_SKIPPED;
	return world_attach(w, op->s, op->t);
}

static int do_detach(struct world *w, const struct op *op)
{
	if (w->domain_space[op->t] < 0)
		return ERR_SKIPPED;
	world_detach(w, op->t);
	return 0;
}

static int do_pin(struct world *w, const struct op *op)
{
	if (w->clients[op->s].nr_pins == WORLD_PINS)
		return ERR_SKIPPED;
	return world_pin(w, op->s, op->a, op->n, (unsigned int)op->b);
}

static int do_unpin_nth(struct world *w, const struct op *op)
{
	struct world_client *c = &w->clients[op->s];
	uint64_t i;

	if (!c->nr_pins)
		return ERR_SKIPPED;
	i = op->a % c->nr_pins;
	world_unpin(w, op->s, c->pins[i].iova, c->pins[i].length);
	return 0;
}

static int do_space(struct world *w, const struct op *op)
{
	if (op->kind == OP_SPACE)
		return world_space(w, op->s);
	return world_space_destroy(w, op->s);
}

static int do_domain(struct world *w, const struct op *op)
{
	if (op->kind == OP_DOMAIN)
		return world_domain(w, op->s, op->a, op->n, op->b);
	world_domain_destroy(w, op->s);
	return 0;
}

static int do_client(struct world *w, const struct op *op)
{
	struct ioas_access *access = w->clients[op->s].access;

	switch (op->kind) {
	case OP_CLIENT:
		return world_client(w, op->s, (unsigned int)op->a);
	case OP_CLIENT_DESTROY:
		world_client_destroy(w, op->s);
		return 0;
	case OP_JOIN:
		return ioas_access_attach(access, w->spaces[op->t]);
	case OP_LEAVE:
		return ioas_access_detach(access);
	case OP_MOVE:
		return ioas_access_replace(access, w->spaces[op->t]);
	case OP_PIN:
		return do_pin(w, op);
	case OP_UNPIN:
		world_unpin(w, op->s, op->a, op->n);
		return 0;
	case OP_UNPIN_NTH:
		return do_unpin_nth(w, op);
	default:
		return do_copy_bytes(w, op);
	}
}

static int request(struct world *w, const struct op *op, uint64_t *out)
{
	switch (op->kind) {
	case OP_SPACE:
	case OP_SPACE_DESTROY:
		return do_space(w, op);
	case OP_DOMAIN:
	case OP_DOMAIN_DESTROY:
		return do_domain(w, op);
	case OP_ATTACH:
		return do_attach(w, op);
	case OP_DETACH:
		return do_detach(w, op);
	case OP_MAP:
	case OP_MAP_ANY:
	case OP_COPY:
	case OP_COPY_ANY:
		return do_map(w, op, out);
	case OP_UNMAP:
	case OP_UNMAP_ALL:
		return do_unmap(w, op, out);
	case OP_RESERVE:
		return do_reserve(w, op);
	case OP_UNRESERVE:
		ioas_iopt_unreserve(w->spaces[op->s],
				    (const void *)(uintptr_t)op->b);
		return 0;
	case OP_ALLOW:
		return do_allow(w, op);
	case OP_SPLIT:
		return ioas_iopt_split(w->spaces[op->s], &op->a, 1);
	case OP_SMALL:
		return ioas_iopt_set_small_pages(w->spaces[op->s], op->a);
	case OP_DIRTY_SET:
		return ioas_dirty_set(w->spaces[op->s], w->domains[op->t],
				      op->a);
	case OP_DIRTY_READ:
		return do_dirty_read(w, op, out);
	case OP_CHANGE_PROCESS:
		return ioas_context_change_process(&w->ctx);
	case OP_POLICY:
		return ioas_context_set_policy(&w->ctx, op->a);
	default:
		return do_client(w, op);
	}
}

/* ---- the machine -------------------------------------------------------- */

static void change_memory(struct world *w, const struct op *op)
{
	struct ioas_origin *o = w->origins[op->t];

	switch (op->kind) {
	case OP_PROCESS:
		world_process(w, op->t);
		break;
	case OP_MEMORY:
		world_map_memory(w, op->t, op->a, op->n,
				 (enum ioas_sim_layout)op->b, op->prot);
		break;
	case OP_FILE:
		world_file(w, op->t, op->n, (unsigned int)op->b);
		break;
	case OP_DEVICE:
		world_device(w, op->t, op->n);
		break;
	case OP_REMAP:
		assert_int_equal(ioas_sim_remap(o, op->a, op->n,
						(enum ioas_sim_layout)op->b),
				 0);
		break;
	case OP_ALIAS:
		assert_int_equal(ioas_sim_alias(o, op->a, op->n, o, op->b), 0);
		break;
	case OP_HOLE:
		assert_int_equal(ioas_sim_unmap(o, op->a, op->n), 0);
		break;
	case OP_DIE:
		ioas_sim_die(o);
		break;
	default:
		ioas_sim_revoke(o);
	}
}

static void change(struct world *w, const struct op *op)
{
	struct ioas_caller *c = &w->caller;

	switch (op->kind) {
	case OP_BAD_PAGE:
		w->bad_page = op->a;
		break;
	case OP_LIMIT:
		atomic_store(&w->principals[op->s]->limit, op->n);
		break;
	case OP_CALLER:
		c->principal = w->principals[op->s];
		break;
	case OP_UNLIMITED:
		c->lock_unlimited = op->a;
		break;
	case OP_PATIENCE:
		w->clients[op->s].patience = (unsigned int)op->a;
		break;
	case OP_TOUCH:
		world_touch(w, op->t, op->a, op->a + op->n - 1);
		break;
	default:
		change_memory(w, op);
	}
}

/* ---- expectations ------------------------------------------------------- */

static void wants(const struct op *op, const char *what, uint64_t got,
		  uint64_t want)
{
	if (got == want)
		return;
	op_print(op);
	fail_msg("%s: %" PRIu64 ", not %" PRIu64, what, got, want);
}

static void expect_page(struct world *w, const struct op *op)
{
	struct ioas_domain *d = w->domains[op->s];
	uint64_t addr, n;
	ioas_pfn_t pfn;

	assert_true(ioas_sim_frame_at(w->origins[op->t], op->n, &pfn));
	assert_int_equal(d->ops->translate_run(d, op->a, op->a, NULL, &addr,
					       &n),
			 0);
	wants(op, "leads to the page",
	      addr >> w->ctx.page_lg2 == pfn, !op->out);
}

static void expect(struct world *w, const struct op *op)
{
	struct ioas_sim_pins pins;
	struct ioas_flat_stats st;
	ioas_pfn_t pfn;

	switch (op->kind) {
	case OP_HELD:
		wants(op, "pins", ioas_sim_total_pins(w->sim), op->a);
		wants(op, "stored", world_stored(w), op->n);
		wants(op, "charged", world_charged(w), op->b);
		break;
	case OP_MAPS:
		if (world_flat_stats(w, op->t, &st))
			wants(op, "map calls", st.runs, op->n);
		break;
	case OP_AREAS:
		wants(op, "areas", world_areas(w, op->s), op->n);
		break;
	case OP_ALIGNED:
		wants(op, "alignment", w->spaces[op->s]->alignment, op->n);
		break;
	case OP_PINS_OF:
		assert_true(ioas_sim_frame_at(w->origins[op->t], op->a, &pfn));
		pins = ioas_sim_pins(w->sim, pfn);
		wants(op, "pins of the frame", pins.read + pins.write, op->n);
		break;
	case OP_CHARGED_MM:
		wants(op, "charged to the process",
		      atomic_load(&w->principals[op->s]->mm->charged), op->n);
		break;
	case OP_CALLS:
		wants(op, "callbacks", w->clients[op->s].callbacks, op->n);
		break;
	default:
		expect_page(w, op);
	}
}

void script_step(struct world *w, const struct op *op, struct outcome *out)
{
	struct ioas_fault *fault = w->caller.fault;

	*out = (struct outcome){ 0, 0 };
	if (op_is_request(op)) {
		out->ret = request(w, op, &out->out);
		return;
	}
	w->caller.fault = NULL;
	if (op->kind < OP_FIRST_EXPECTATION)
		change(w, op);
	else
		expect(w, op);
	w->caller.fault = fault;
}

void script_expect(const struct script *s, size_t i, struct outcome got)
{
	const struct op *op = s->ops + i;
	bool wrong = op->err != ERR_ANY && got.ret != op->err;

	if (op_is_request(op) && op->err != ERR_ANY && op->out != got.out)
		wrong = true;
	if (!wrong)
		return;
	op_print(op);
	fail_msg("%s row %zu: returned %d and %" PRIx64 ", not %d and %" PRIx64,
		 s->name, i, got.ret, got.out, op->err, op->out);
}

void script_run(const struct script *s, const struct world_limits *limits,
		bool thorough)
{
	struct outcome got;
	struct world w;

	signal(SIGABRT, on_abort);
	running.script = s;
	running.limits = limits ? *limits : (struct world_limits){ 0 };
	world_init(&w, limits);
	for (running.row = 0; running.row < s->nr; running.row++) {
		script_step(&w, s->ops + running.row, &got);
		script_expect(s, running.row, got);
		if (thorough || running.row + 1 == s->nr)
			world_check(&w, s->name);
	}
	world_fini(&w);
	running.script = NULL;
}
