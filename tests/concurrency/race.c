/* SPDX-License-Identifier: MIT */
/*
 * race: what orders lead to, and whether one of them explains a schedule
 *
 *   order   t0.0  t1.0  t0.1         steps, one after the other, in a world of
 *             0     1     2          their own: an outcome
 *
 * A step is an operation, a part of an unmap, or a refusal: it changes nothing
 * and says so. Refusals are tried for each operation of weak[], and count only
 * where such an operation really was running at the time.
 */
#include "race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

#define MAX_STEPS (2 * RACE_THREADS * RACE_OPS)
#define MAX_OUTCOMES 4096
/* Reasons for which one operation may be refused. */
#define WEAK 2

struct weak;

struct step {
	uint8_t thread;
	uint8_t op;
	/* Which part of an unmap. */
	uint8_t part;
	/* What it says; NULL: it is not refused. */
	const struct weak *refused;
};

struct outcome {
	struct step steps[MAX_STEPS];
	unsigned int nr_steps;
	char *text;
};

static struct {
	const struct race *race;
	struct outcome outcomes[MAX_OUTCOMES];
	unsigned int nr_outcomes;
	/* The order that runs alone. */
	struct outcome *alone;
	/* What differs is printed once. */
	bool told;
} now;

/* ---- refusals ----------------------------------------------------------- */

#define KIND(k) (1u << RACE_##k)
#define MAPPING (KIND(MAP) | KIND(COPY))

/* What an operation may say because one of @others is running. */
static const struct weak {
	int error;
	unsigned int others;
} weak[RACE_NR_KINDS][WEAK] = {
	/* An area in transition (ioas-core 12.4). */
	[RACE_UNMAP] = { { -EBUSY, MAPPING | KIND(UNMAP) } },
	/* An area that an unmap waits for; between two spaces (13.1 - 13.5). */
	[RACE_PIN] = { { -EINVAL, KIND(UNMAP) }, { -ENOENT, KIND(REPLACE) } },
	[RACE_READ] = { { -EINVAL, KIND(UNMAP) }, { -ENOENT, KIND(REPLACE) } },
	/* A second change of the client's space (13.1). */
	[RACE_LEAVE] = { { -EBUSY, KIND(LEAVE) | KIND(REPLACE) } },
	[RACE_REPLACE] = { { -EBUSY, KIND(LEAVE) | KIND(REPLACE) } },
};

static const struct race_op *op_at(unsigned int thread, unsigned int op)
{
	return &now.race->threads[thread][op];
}

static unsigned int nr_ops(unsigned int thread)
{
	unsigned int n = 0;

	while (n < RACE_OPS && op_at(thread, n)->kind)
		n++;
	return n;
}

static unsigned int nr_threads(void)
{
	unsigned int n = 0;

	while (n < RACE_THREADS && nr_ops(n))
		n++;
	return n;
}

/* ---- orders ------------------------------------------------------------- */

/* Where each thread is: the next operation and the next part of it. */
struct place {
	unsigned int op[RACE_THREADS];
	unsigned int part[RACE_THREADS];
};

static void orders_from(struct place p, struct outcome *o);

static void order_with(struct place p, struct outcome *o, unsigned int t,
		       const struct weak *refused)
{
	const bool parts = op_at(t, p.op[t])->cut;

	o->steps[o->nr_steps++] = (struct step){
		.thread = (uint8_t)t,
		.op = (uint8_t)p.op[t],
		.part = (uint8_t)p.part[t],
		.refused = refused,
	};
	if (parts && !p.part[t] && !refused) {
		p.part[t] = 1;
	} else {
		p.part[t] = 0;
		p.op[t]++;
	}
	orders_from(p, o);
	o->nr_steps--;
}

/* All orders that begin with the steps of @o. */
static void orders_from(struct place p, struct outcome *o)
{
	bool any = false;

	for (unsigned int t = 0; t < nr_threads(); t++) {
		if (p.op[t] == nr_ops(t))
			continue;
		any = true;
		order_with(p, o, t, NULL);
		for (unsigned int i = 0; i < WEAK; i++) {
			const struct weak *w =
				&weak[op_at(t, p.op[t])->kind][i];

			if (w->error)
				order_with(p, o, t, w);
		}
	}
	if (any)
		return;
	if (now.nr_outcomes == MAX_OUTCOMES)
		abort();
	now.outcomes[now.nr_outcomes++] = *o;
}

/* ---- one by one --------------------------------------------------------- */

static void step_run(struct arena *a, const struct step *s)
{
	struct arena_result *r = &a->results[s->thread][s->op];
	struct race_op op = *op_at(s->thread, s->op);

	if (s->refused) {
		r->ret = s->refused->error;
		r->done = true;
		return;
	}
	if (op.cut && s->part) {
		op.nr = (uint8_t)(op.page + op.nr - op.cut);
		op.page = op.cut;
	} else if (op.cut) {
		op.nr = (uint8_t)(op.cut - op.page);
	}
	if (!s->part || !r->ret)
		arena_exec(a, &op, r);
}

static void *world_create(void *arg)
{
	(void)arg;
	return arena_create(now.race->before);
}

static void alone_run(void *world)
{
	for (unsigned int i = 0; i < now.alone->nr_steps; i++)
		step_run(world, &now.alone->steps[i]);
}

static const char *alone_check(void *world)
{
	const char *wrong = arena_wrong(world), *left;

	now.alone->text = arena_text(world);
	left = arena_destroy(world);
	return wrong ? wrong : left;
}

static bool outcomes_find(void)
{
	const struct sched_test test = {
		.name = now.race->name,
		.setup = world_create,
		.threads = { alone_run },
		.check = alone_check,
		.quiet = true,
	};
	struct sched_result r;
	struct outcome o = { .nr_steps = 0 };

	now.nr_outcomes = 0;
	orders_from((struct place){ .op = { 0 } }, &o);
	for (unsigned int i = 0; i < now.nr_outcomes; i++) {
		now.alone = &now.outcomes[i];
		if (sched_replay(&test, "", &r) == SCHED_PASSED)
			continue;
		fprintf(stderr, "# %s, order %u: %s\n", now.race->name, i,
			r.message);
		return false;
	}
	return true;
}

static void outcomes_free(void)
{
	for (unsigned int i = 0; i < now.nr_outcomes; i++) {
		free(now.outcomes[i].text);
		now.outcomes[i].text = NULL;
	}
}

/* ---- all at once -------------------------------------------------------- */

static void thread_run(void *world)
{
	struct arena *a = world;
	const unsigned int t = (unsigned int)sched_self();

	for (unsigned int i = 0; i < nr_ops(t); i++) {
		struct arena_result *r = &a->results[t][i];

		r->begin = ++a->clock;
		arena_exec(a, op_at(t, i), r);
		r->end = ++a->clock;
	}
}

static bool before(const struct arena_result *r, const struct arena_result *s)
{
	return r->end < s->begin;
}

/* Was one of those running that make an operation refuse? */
static bool refusal_right(const struct arena *a, const struct step *s)
{
	const struct arena_result *r = &a->results[s->thread][s->op];

	for (unsigned int t = 0; t < nr_threads(); t++)
		for (unsigned int i = 0; t != s->thread && i < nr_ops(t); i++)
			if ((s->refused->others & 1u << op_at(t, i)->kind) &&
			    !before(r, &a->results[t][i]) &&
			    !before(&a->results[t][i], r))
				return true;
	return false;
}

/* No step follows one that began after it had returned. */
static bool outcome_right(const struct arena *a, const struct outcome *o)
{
	for (unsigned int i = 0; i < o->nr_steps; i++) {
		const struct step *s = &o->steps[i];

		if (s->refused && !refusal_right(a, s))
			return false;
		for (unsigned int j = 0; j < i; j++) {
			const struct step *p = &o->steps[j];

			if (before(&a->results[s->thread][s->op],
				   &a->results[p->thread][p->op]))
				return false;
		}
	}
	return true;
}

static const char *explain(const struct arena *a, const char *text)
{
	bool seen = false;

	for (unsigned int i = 0; i < now.nr_outcomes; i++) {
		if (strcmp(text, now.outcomes[i].text))
			continue;
		seen = true;
		if (outcome_right(a, &now.outcomes[i]))
			return NULL;
	}
	if (!now.told) {
		now.told = true;
		fprintf(stderr, "# %s: unexpected outcome\n%s", now.race->name,
			text);
		for (unsigned int i = 0; !seen && i < now.nr_outcomes; i++)
			fprintf(stderr, "# %s: order %u\n%s", now.race->name,
				i, now.outcomes[i].text);
	}
	return seen ? "only an order against real time explains the outcome" :
		      "no order of the operations explains the outcome";
}

static const char *race_check(void *world)
{
	const char *wrong = arena_wrong(world), *left;
	char *text = arena_text(world);

	if (!wrong)
		wrong = explain(world, text);
	free(text);
	left = arena_destroy(world);
	return wrong ? wrong : left;
}

bool race_run(const struct race *race, uint32_t preemptions, uint64_t *nr)
{
	struct sched_test test = {
		.name = race->name,
		.setup = world_create,
		.check = race_check,
		.max_preemptions = preemptions,
	};
	struct sched_result r;
	bool passed;

	now.race = race;
	now.told = false;
	for (unsigned int t = 0; t < nr_threads(); t++)
		test.threads[t] = thread_run;
	passed = outcomes_find() && sched_explore(&test, &r) == SCHED_PASSED;
	outcomes_free();
	*nr += passed ? r.nr_schedules : 0;
	return passed;
}
