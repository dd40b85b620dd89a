/* SPDX-License-Identifier: MIT */
/*
 * ops_client: access clients pin, unpin, read and write
 *
 * A client lets go of its pins in its callback, on the n-th call, or never
 * (its patience). When it leaves a space it lets go of everything. The
 * callback acts on the core at once and only marks the pin; the model lets go
 * of the same pins by its own reckoning afterwards, and the marks must match.
 */
#include "universe.h"

#include <string.h>

#include "base/errno.h"
#include "seam/plat.h"

/* What a callback gets: which client of which world. */
struct client_data {
	struct world *w;
	int client;
};

static struct client_data client_data[NR_CLIENTS];

static void release_real(struct world *w, int client, uint64_t first,
			 uint64_t last)
{
	for (int p = 0; p < MAX_PINS; p++) {
		struct m_pin *pin = w->pin + p;

		if (!pin->used || pin->released || pin->client != client ||
		    pin->iova > last || pin->iova + pin->length - 1 < first)
			continue;
		pin->released = true;
		ioas_access_unpin(w->client[client].real, pin->iova,
				  pin->length);
	}
}

static void client_unmap(void *data, ioas_iova_t iova, uint64_t length)
{
	struct client_data *cd = data;
	struct world *w = cd->w;
	struct m_client *c = w->client + cd->client;
	uint64_t last;

	if (ioas_plat_thread()->nr_held)
		fail(w, "D6: a lock is held in the callback of client %d",
		     cd->client);
	if (c->flags & IOAS_ACCESS_INTERNAL)
		fail(w, "callback of an internal client");
	if (w->leaving == cd->client + 1) {
		if (iova)
			fail(w, "a client that leaves is told from %#llx on",
			     (unsigned long long)iova);
		release_real(w, cd->client, 0, UINT64_MAX);
		return;
	}
	if (!ioas_last(iova, length, &last)) {
		fail(w, "callback for %#llx bytes from %#llx",
		     (unsigned long long)length, (unsigned long long)iova);
		return;
	}
	if (!c->patience_real)
		return;
	if (c->patience_real > 1)
		c->patience_real--;
	else
		release_real(w, cd->client, iova, last);
}

static const struct ioas_access_ops client_ops = { .unmap = client_unmap };

/* ---- life --------------------------------------------------------------- */

static int call_create(struct world *w, const struct op *op, void *arg)
{
	struct client_data *cd = client_data + op->a;

	cd->w = w;
	cd->client = op->a;
	return ioas_access_create(&w->ctx,
				  op->flags & IOAS_ACCESS_INTERNAL ?
					  NULL :
					  &client_ops,
				  cd, op->flags, arg);
}

int op_client_create(struct world *w, const struct op *op)
{
	struct m_client *c = w->client + op->a;
	struct ioas_access *real = NULL;
	int got;

	if (c->real)
		return SKIP;
	got = attempt(w, op, call_create, &real);
	if (!expect(w, op, 0, got))
		return got;
	*c = (struct m_client){ .real = real,
				.space = -1,
				.flags = op->flags,
				.patience = 1,
				.patience_real = 1 };
	return 0;
}

static bool has_pins(const struct world *w, uint8_t client)
{
	for (int p = 0; p < MAX_PINS; p++)
		if (w->pin[p].used && w->pin[p].client == client)
			return true;
	return false;
}

/* It let go of everything on leaving; an internal client had nothing. */
static void client_left(struct world *w, uint8_t client)
{
	for (int p = 0; p < MAX_PINS; p++) {
		struct m_pin *pin = w->pin + p;

		if (!pin->used || pin->client != client)
			continue;
		if (!pin->released)
			fail(w, "client %u left without letting go of pin %d",
			     client, p);
		pin->used = false;
	}
}

/* An internal client is not told; it lets go before it leaves. */
static bool may_leave(const struct world *w, uint8_t client)
{
	return !(w->client[client].flags & IOAS_ACCESS_INTERNAL) ||
	       !has_pins(w, client);
}

static int call_destroy(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	w->leaving = op->a + 1;
	ioas_access_destroy(w->client[op->a].real);
	w->leaving = 0;
	return 0;
}

int op_client_destroy(struct world *w, const struct op *op)
{
	struct m_client *c = w->client + op->a;

	if (!c->real || !may_leave(w, op->a))
		return SKIP;
	if (!expect(w, op, 0, attempt_teardown(w, op, call_destroy, NULL)))
		return 0;
	client_left(w, op->a);
	c->real = NULL;
	c->space = -1;
	return 0;
}

static int call_attach(struct world *w, const struct op *op, void *arg)
{
	(void)arg;
	return ioas_access_attach(w->client[op->a].real,
				  w->space[op->b].real);
}

/* Can the space take the client's demand? */
static bool can_join(const struct world *w, uint8_t client, uint8_t s)
{
	return !(w->client[client].flags & IOAS_ACCESS_PINS) ||
	       space_alignment(w, s) >= w->page ||
	       space_conforms(w, s, w->page);
}

int op_client_attach(struct world *w, const struct op *op)
{
	struct m_client *c = w->client + op->a;
	int want = 0, got;

	if (!c->real || !w->space[op->b].real)
		return SKIP;
	if (c->space >= 0)
		want = -EINVAL;
	else if (!can_join(w, op->a, op->b))
		want = -EADDRINUSE;
	got = attempt(w, op, call_attach, NULL);
	if (expect(w, op, want, got) && !got)
		c->space = (int8_t)op->b;
	return got;
}

static int call_detach(struct world *w, const struct op *op, void *arg)
{
	int ret;

	(void)arg;
	w->leaving = op->a + 1;
	ret = ioas_access_detach(w->client[op->a].real);
	w->leaving = 0;
	return ret;
}

int op_client_detach(struct world *w, const struct op *op)
{
	struct m_client *c = w->client + op->a;
	int want, got;

	if (!c->real || !may_leave(w, op->a))
		return SKIP;
	want = c->space < 0 ? -ENOENT : 0;
	got = attempt_teardown(w, op, call_detach, NULL);
	if (!expect(w, op, want, got) || got)
		return got;
	client_left(w, op->a);
	c->space = -1;
	return 0;
}

static int call_replace(struct world *w, const struct op *op, void *arg)
{
	int ret;

	(void)arg;
	w->leaving = op->a + 1;
	ret = ioas_access_replace(w->client[op->a].real,
				  w->space[op->b].real);
	w->leaving = 0;
	return ret;
}

int op_client_replace(struct world *w, const struct op *op)
{
	struct m_client *c = w->client + op->a;
	int want = 0, got;

	if (!c->real || !w->space[op->b].real || !may_leave(w, op->a))
		return SKIP;
	if (c->space < 0)
		want = -ENOENT;
	else if (c->space != op->b && !can_join(w, op->a, op->b))
		want = -EADDRINUSE;
	got = attempt(w, op, call_replace, NULL);
	if (!expect(w, op, want, got) || got || c->space == op->b)
		return got;
	client_left(w, op->a);
	c->space = (int8_t)op->b;
	return 0;
}

int op_client_patience(struct world *w, const struct op *op)
{
	struct m_client *c = w->client + op->a;

	if (!c->real)
		return SKIP;
	c->patience = c->patience_real = op->n;
	expect(w, op, 0, 0);
	return 0;
}

/* ---- pin ---------------------------------------------------------------- */

static bool record_exists(const struct world *w, uint8_t object,
			  const struct m_part *t)
{
	for (int p = 0; p < MAX_PINS; p++)
		for (uint32_t i = 0; w->pin[p].used && i < w->pin[p].nr_parts;
		     i++) {
			const struct m_part *u = w->pin[p].part + i;

			if (w->area[u->area].object == object &&
			    u->first == t->first && u->last == t->last)
				return true;
		}
	return false;
}

/* 13.2: one area of the walk; @last is the end of the whole range. */
static int pin_area(const struct world *w, const struct op *op, uint8_t id,
		    uint64_t at, uint64_t last, struct plan *plan,
		    struct m_part *t)
{
	const struct m_area *a = w->area + id;
	const struct m_object *g = w->object + a->object;
	const uint64_t byte = a->byte + (at - a->iova);
	const uint64_t end = ioas_min(last, a->last);
	const bool write = op->flags & IOAS_ACCESS_WRITE;

	if (a->closing || byte % w->page)
		return -EINVAL;
	if (end < last && (byte + (end - at) + 1) % w->page)
		return -EINVAL;
	if (!(a->prot & (write ? IOAS_PROT_WRITE : IOAS_PROT_READ)))
		return -EPERM;
	if (is_device(w, g))
		return -EINVAL;
	if (write && !g->writable)
		return -EPERM;
	t->area = id;
	t->first = (uint8_t)(byte >> w->page_lg2);
	t->last = (uint8_t)((byte + (end - at)) >> w->page_lg2);
	if (record_exists(w, a->object, t))
		return 0;
	return plan_hold(w, plan, g, a->object, mask_of(t->first, t->last));
}

static int check_pin(const struct world *w, const struct op *op,
		     struct m_pin *pin)
{
	const struct m_client *c = w->client + op->a;
	uint64_t at = op->v[0], last;
	struct plan plan;

	if (!op->v[1])
		return -EINVAL;
	if (!ioas_last(at, op->v[1], &last))
		return -EOVERFLOW;
	if (c->space < 0)
		return -ENOENT;
	plan_init(w, &plan);
	for (;;) {
		const int id = area_at(w, (uint8_t)c->space, at);
		int ret;

		if (id < 0)
			return -ENOENT;
		ret = pin_area(w, op, (uint8_t)id, at, last, &plan,
			       pin->part + pin->nr_parts++);
		if (ret || w->area[id].last >= last)
			return ret;
		at = w->area[id].last + 1;
	}
}

struct pin_call {
	struct ioas_run runs[SPACE_AREAS * MAX_PAGES];
	struct ioas_run_list list;
};

static int call_pin(struct world *w, const struct op *op, void *arg)
{
	struct pin_call *c = arg;

	c->list = (struct ioas_run_list){ .runs = c->runs, .max = op->n };
	if (op->n == UINT8_MAX)
		c->list.max = SPACE_AREAS * MAX_PAGES;
	return ioas_access_pin(w->client[op->a].real, op->v[0], op->v[1],
			       op->flags, op->n ? &c->list : NULL);
}

/* The frame of a page, now. */
static ioas_pfn_t frame_of(struct world *w, const struct m_object *g,
			   uint32_t page)
{
	ioas_pfn_t pfn = 0;

	if ((g->A | g->D) >> page & 1)
		return g->frame[page];
	if (!ioas_sim_frame_at(w->origin[g->origin].real, g->base + page,
			       &pfn))
		fail(w, "no frame at page %llu of origin %u",
		     (unsigned long long)(g->base + page), g->origin);
	return pfn;
}

/* Runs that the answer has to consist of; compares them if @list is given. */
static uint32_t pin_runs(struct world *w, const struct m_pin *pin,
			 const struct ioas_run_list *list)
{
	struct ioas_run run = { 0, 0 };
	uint32_t n = 0;

	for (uint32_t i = 0; i < pin->nr_parts; i++) {
		const struct m_part *t = pin->part + i;
		const struct m_object *g =
			w->object + w->area[t->area].object;

		for (uint32_t page = t->first; page <= t->last; page++) {
			const ioas_pfn_t pfn = frame_of(w, g, page);

			if (run.nr && run.pfn + run.nr == pfn) {
				run.nr++;
				continue;
			}
			if (run.nr && list && n <= list->nr &&
			    (list->runs[n - 1].pfn != run.pfn ||
			     list->runs[n - 1].nr != run.nr))
				fail(w, "run %u is (%#llx, %llu); the model says (%#llx, %llu)",
				     n - 1,
				     (unsigned long long)list->runs[n - 1].pfn,
				     (unsigned long long)list->runs[n - 1].nr,
				     (unsigned long long)run.pfn,
				     (unsigned long long)run.nr);
			run = (struct ioas_run){ pfn, 1 };
			n++;
		}
	}
	if (list && n && n <= list->nr &&
	    (list->runs[n - 1].pfn != run.pfn ||
	     list->runs[n - 1].nr != run.nr))
		fail(w, "the last run is (%#llx, %llu); the model says (%#llx, %llu)",
		     (unsigned long long)list->runs[n - 1].pfn,
		     (unsigned long long)list->runs[n - 1].nr,
		     (unsigned long long)run.pfn, (unsigned long long)run.nr);
	return n;
}

static void count_pin(struct world *w, const struct m_pin *pin)
{
	for (uint32_t i = 0; i < pin->nr_parts; i++) {
		const struct m_part *t = pin->part + i;
		const uint8_t g = w->area[t->area].object;

		if (record_exists(w, g, t))
			count_transition(w, 10);
		else
			count_transition(w, w->object[g].A &
							    mask_of(t->first,
								    t->last) ?
						    11 :
						    9);
	}
}

/* A page of a file that nobody looked at yet has no frame to be compared. */
static bool frames_known(struct world *w, const struct m_pin *pin)
{
	for (uint32_t i = 0; i < pin->nr_parts; i++) {
		const struct m_part *t = pin->part + i;
		const struct m_object *g =
			w->object + w->area[t->area].object;
		ioas_pfn_t pfn;

		for (uint32_t page = t->first; page <= t->last; page++)
			if (!ioas_sim_frame_at(w->origin[g->origin].real,
					       g->base + page, &pfn) &&
			    !((g->A | g->D) >> page & 1))
				return false;
	}
	return true;
}

static void compare_list(struct world *w, const struct op *op, int got,
			 const struct m_pin *pin, const struct pin_call *c)
{
	const uint32_t runs = pin_runs(w, pin, got ? NULL : &c->list);

	if (got == -EMSGSIZE && runs <= op->n)
		fail(w, "EMSGSIZE for %u runs with room for %u", runs, op->n);
	if (!got && runs != c->list.nr)
		fail(w, "%u runs; the model says %u", c->list.nr, runs);
}

static void check_list(struct world *w, const struct op *op, int got,
		       const struct m_pin *pin, const struct pin_call *c)
{
	if (got == -EMSGSIZE && !frames_known(w, pin))
		return;
	compare_list(w, op, got, pin, c);
}


int op_pin(struct world *w, const struct op *op)
{
	static struct pin_call c;
	struct m_pin pin = { .used = true, .client = op->a };
	int want, got, slot = 0;

	if (!w->client[op->a].real)
		return SKIP;
	while (slot < MAX_PINS && w->pin[slot].used)
		slot++;
	want = check_pin(w, op, &pin);
	if (!want && slot == MAX_PINS)
		return SKIP;
	if (op->n && op->n < UINT8_MAX)
		may_also(w, -EMSGSIZE);
	got = attempt(w, op, call_pin, &c);
	if (!expect(w, op, want, got))
		return got;
	if (op->n && !want)
		check_list(w, op, got, &pin, &c);
	if (got)
		return got;
	count_pin(w, &pin);
	pin.space = (uint8_t)w->client[op->a].space;
	pin.iova = op->v[0];
	pin.length = op->v[1];
	w->pin[slot] = pin;
	return 0;
}

static int call_unpin(struct world *w, const struct op *op, void *arg)
{
	const struct m_pin *pin = arg;

	(void)op;
	ioas_access_unpin(w->client[pin->client].real, pin->iova, pin->length);
	return 0;
}

int op_unpin(struct world *w, const struct op *op)
{
	struct m_pin *pin = w->pin + op->a;

	if (!pin->used)
		return SKIP;
	if (!expect(w, op, 0, attempt_teardown(w, op, call_unpin, pin)))
		return 0;
	pin->used = false;
	for (uint32_t i = 0; i < pin->nr_parts; i++)
		count_transition(w,
				 record_exists(w,
					       w->area[pin->part[i].area].object,
					       pin->part + i) ?
					 12 :
					 13);
	return 0;
}

/* ---- read and write ----------------------------------------------------- */

/* The bytes of one area, as far as they concern a read or write. */
struct stretch {
	const struct m_object *g;
	uint64_t byte, length;
	/* Looks at what the process has now, not at what is held. */
	bool direct;
};

struct rw_plan {
	struct stretch s[SPACE_AREAS];
	uint32_t nr;
};

/* 13.5: which method the area gets. */
static bool is_direct(const struct world *w, const struct op *op,
		      const struct stretch *s)
{
	const struct m_origin *o = w->origin + s->g->origin;
	const void *mm;

	if (o->kind != M_PROCESS || o->dead || w->ctx.tuning.slow_copy)
		return false;
	mm = ioas_sim_mm(o->real);
	return w->caller[op->caller].real.mm == mm ||
	       op->flags & IOAS_ACCESS_ADOPT ||
	       s->byte >> w->page_lg2 ==
		       (s->byte + s->length - 1) >> w->page_lg2;
}

static int check_stretch(const struct world *w, const struct op *op,
			 const struct stretch *s)
{
	const bool write = op->flags & IOAS_ACCESS_WRITE;
	const uint64_t held = s->g->A | s->g->D;
	const uint64_t last = (s->byte + s->length - 1) >> w->page_lg2;

	for (uint64_t i = s->byte >> w->page_lg2; i <= last; i++) {
		int ret;

		if (!s->direct && held >> i & 1)
			continue;
		ret = origin_error(w, s->g->origin, s->g->base + i,
				   s->direct ? write : s->g->writable);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_rw(const struct world *w, const struct op *op,
		    struct rw_plan *p)
{
	const struct m_client *c = w->client + op->a;
	const bool write = op->flags & IOAS_ACCESS_WRITE;
	uint64_t at = op->v[0], last;

	if (!op->v[1])
		return -EINVAL;
	if (!ioas_last(at, op->v[1], &last))
		return -EOVERFLOW;
	if (c->space < 0)
		return -ENOENT;
	for (;;) {
		const int id = area_at(w, (uint8_t)c->space, at);
		struct stretch *s = p->s + p->nr;
		const struct m_area *a;
		int ret;

		if (id < 0)
			return -ENOENT;
		a = w->area + id;
		s->g = w->object + a->object;
		s->byte = a->byte + (at - a->iova);
		s->length = ioas_min(last, a->last) - at + 1;
		if (a->closing)
			return -EINVAL;
		if (!(a->prot & (write ? IOAS_PROT_WRITE : IOAS_PROT_READ)))
			return -EPERM;
		if (write && !s->g->writable)
			return -EPERM;
		if (is_device(w, s->g))
			return -EINVAL;
		s->direct = is_direct(w, op, s);
		ret = check_stretch(w, op, s);
		if (ret)
			return ret;
		p->nr++;
		if (a->last >= last)
			return 0;
		at = a->last + 1;
	}
}

struct rw_call {
	uint8_t data[MAX_COPY + 16];
	uint8_t seed;
};

static int call_rw(struct world *w, const struct op *op, void *arg)
{
	struct rw_call *c = arg;

	if (op->flags & IOAS_ACCESS_WRITE)
		for (uint32_t i = 0; i < sizeof(c->data); i++)
			c->data[i] = (uint8_t)(c->seed + i * 7);
	else
		memset(c->data, 0xa5, sizeof(c->data));
	return ioas_access_rw(w->client[op->a].real, op->v[0], c->data + 8,
			      op->v[1], op->flags);
}

/* Bytes of one frame that a read or write went through. */
struct chunk {
	ioas_pfn_t pfn;
	uint64_t offset, length;
	/* In the buffer. */
	uint64_t at;
};

/* The chunks of a stretch, behind those in @c; returns how many there are. */
static uint32_t stretch_chunks(struct world *w, const struct stretch *s,
			       struct chunk *c, uint32_t n, uint64_t at)
{
	for (uint64_t done = 0; done < s->length; n++) {
		const uint64_t byte = s->byte + done;
		const uint32_t page = (uint32_t)(byte >> w->page_lg2);

		c[n].offset = byte % w->page;
		c[n].length = ioas_min(s->length - done,
				       w->page - c[n].offset);
		c[n].at = at + done;
		if (!s->direct)
			c[n].pfn = frame_of(w, s->g, page);
		else if (!ioas_sim_frame_at(w->origin[s->g->origin].real,
					    s->g->base + page, &c[n].pfn))
			fail(w, "no frame behind a direct copy");
		done += c[n].length;
	}
	return n;
}

/* Was chunk @i written again by a later one: the same frame twice? */
static bool overwritten(const struct chunk *c, uint32_t nr, uint32_t i)
{
	for (uint32_t j = i + 1; j < nr; j++)
		if (c[j].pfn == c[i].pfn &&
		    c[j].offset < c[i].offset + c[i].length &&
		    c[i].offset < c[j].offset + c[j].length)
			return true;
	return false;
}

static void check_memory(struct world *w, const struct op *op,
			 const struct rw_plan *p, const uint8_t *data)
{
	static struct chunk c[SPACE_AREAS * (MAX_PAGES + 1)];
	static uint8_t memory[MAX_COPY];
	uint64_t at = 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->nr; at += p->s[i++].length)
		n = stretch_chunks(w, p->s + i, c, n, at);
	for (uint32_t i = 0; i < n && !w->failed; i++) {
		if (op->flags & IOAS_ACCESS_WRITE && overwritten(c, n, i))
			continue;
		if (ioas_sim_frame_read(w->sim, c[i].pfn, c[i].offset, memory,
					(size_t)c[i].length))
			fail(w, "frame %#llx cannot be read",
			     (unsigned long long)c[i].pfn);
		else if (memcmp(memory, data + c[i].at, (size_t)c[i].length))
			fail(w, "bytes %llu..%llu differ from frame %#llx",
			     (unsigned long long)c[i].at,
			     (unsigned long long)(c[i].at + c[i].length - 1),
			     (unsigned long long)c[i].pfn);
	}
}

int op_rw(struct world *w, const struct op *op)
{
	static struct rw_call c;
	struct rw_plan p = { .nr = 0 };
	int want, got;

	if (!w->client[op->a].real)
		return SKIP;
	want = check_rw(w, op, &p);
	if (op->v[1] > MAX_COPY && want != -EOVERFLOW)
		return SKIP;
	c.seed = (uint8_t)(w->nr * 31 + w->epoch);
	got = attempt(w, op, call_rw, &c);
	if (!expect(w, op, want, got))
		return got;
	/*
	 * What was done before an error stays done; but how far a write got in
	 * the area that failed is not said, and it may have met a frame again.
	 */
	if (!got || !(op->flags & IOAS_ACCESS_WRITE))
		check_memory(w, op, &p, c.data + 8);
	if (c.data[7] != (op->flags & IOAS_ACCESS_WRITE ?
				  (uint8_t)(c.seed + 49) :
				  0xa5) ||
	    c.data[8 + op->v[1]] != (op->flags & IOAS_ACCESS_WRITE ?
					     (uint8_t)(c.seed +
						       (8 + op->v[1]) * 7) :
					     0xa5))
		fail(w, "a byte beside the buffer changed");
	return got;
}
