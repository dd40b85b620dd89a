/* SPDX-License-Identifier: MIT */
/*
 * process: an address space of the simulator
 *
 *   va page    0x1000 0x1001 0x1002          0x40000000 ...
 *              [ f7 ] [ f3 ] [ f9 ] (hole)   [ giant range: window of frames ]
 *
 * A page is a record that names a frame and says whether it may be written; a
 * giant range is one record for all its pages. They never overlap.
 *
 * Invariants:
 *  SP1  every page record counts in maps of its frame.
 *  SP2  a dead process has no pages: its frames live on only where pinned.
 *
 * Copies follow docs/reference/ioas-core.md 13.5. A copy that pins one page
 * for a moment does so within the lock, so its pin is never seen.
 *
 * Locks: sim->lock.
 */
#include "base/bits.h"
#include "origin/sim/internal.h"
#include "seam/caller.h"

struct process_page {
	ioas_pfn_t pfn;
	uint64_t read_only;
};

struct process_range {
	struct ioas_list link; /* process->ranges */
	uint64_t first;
	uint64_t last;
	bool read_only;
	struct ioas_sim_window *window;
};

struct process {
	struct ioas_sim_origin so;
	/* Below: under sim->lock. */
	struct ioas_sim_table pages; /* struct process_page */
	struct ioas_list ranges;
	const void *mm;
	bool dead;
};

static struct process *so_process(struct ioas_sim_origin *so)
{
	return ioas_container_of(so, struct process, so);
}

/* NULL: @o is something else. */
static struct process *origin_process(struct ioas_origin *o)
{
	return o->ops == &ioas_sim_process_ops ? so_process(sim_origin(o)) :
						 NULL;
}

/* A giant range that intersects [@first, @last]; NULL if none. */
static struct process_range *range_find(struct process *p, uint64_t first,
					uint64_t last)
{
	ioas_list_for_each(l, &p->ranges) {
		struct process_range *r =
			ioas_list_entry(l, struct process_range, link);

		if (ioas_intersects(first, last, r->first, r->last))
			return r;
	}
	return NULL;
}

/*
 * Where @page leads: *@pfn, and in *@nr how many pages follow it in one known
 * piece. 0 or -EFAULT.
 */
static int process_walk(struct process *p, uint64_t page, bool write,
			ioas_pfn_t *pfn, uint64_t *nr)
{
	struct process_page *pp = ioas_sim_table_find(&p->pages, page);
	struct process_range *r;

	if (pp) {
		*pfn = pp->pfn;
		*nr = 1;
		return write && pp->read_only ? -EFAULT : 0;
	}
	r = range_find(p, page, page);
	if (!r)
		return -EFAULT;
	*pfn = r->window->first + (page - r->first);
	*nr = r->last - page + 1;
	return write && r->read_only ? -EFAULT : 0;
}

static int process_at(struct ioas_sim_origin *so, uint64_t page,
		      unsigned int flags, ioas_pfn_t *pfn)
{
	struct process *p = so_process(so);
	uint64_t nr;

	if (p->dead)
		return -EFAULT;
	return process_walk(p, page, flags & IOAS_SIM_AT_WRITE, pfn, &nr);
}

/* The caller's address space is this one. */
static bool caller_is(const struct process *p)
{
	const struct ioas_caller *c = ioas_caller_current();

	return (c ? c->mm : NULL) == p->mm;
}

static int process_pin(struct ioas_sim_answer *a)
{
	struct process *p = so_process(a->so);
	ioas_pfn_t pfn;
	uint64_t nr;
	int ret;

	sim_held(a->sim);
	if (p->dead)
		return -EFAULT;
	if (!p->so.guards && !caller_is(p))
		breach_note(&a->breach, "pin in another process, no guard",
			    a->rq->first);
	while (a->rq->nr_pinned < a->limit) {
		ret = process_walk(p, ioas_sim_answer_page(a), a->rq->write,
				   &pfn, &nr);
		if (ret)
			return ret;
		nr = ioas_sim_answer_room(a, pfn, nr);
		if (!nr)
			return 0;
		ioas_sim_answer_pin(a, pfn, nr);
	}
	return 0;
}

static const struct ioas_sim_kind process_kind = {
	.pin = process_pin,
	.at = process_at,
};

static int process_get_alive(struct ioas_origin *o)
{
	struct process *p = origin_process(o);
	struct ioas_sim *sim = p->so.sim;
	int ret = -EFAULT;

	sim_lock(sim);
	sim->stats.alive_calls++;
	if (!p->dead && (caller_is(p) || !ioas_fault_point(IOAS_FP_ALIVE))) {
		p->so.guards++;
		ret = 0;
	}
	sim_unlock(sim);
	return ret;
}

static void process_put_alive(struct ioas_origin *o)
{
	struct process *p = origin_process(o);
	struct ioas_sim_breach b = { NULL, 0 };

	sim_lock(p->so.sim);
	if (p->so.guards)
		p->so.guards--;
	else
		breach_note(&b, "guard dropped that was not taken", 0);
	sim_unlock(p->so.sim);
	ioas_sim_report(p->so.sim, &b);
}

/* May the copy go ahead, and how? 0, or -EAGAIN: not this way. */
static int copy_method(struct process *p, uint64_t offset, uint64_t last,
		       unsigned int flags, uint64_t **count)
{
	struct ioas_sim *sim = p->so.sim;

	*count = &sim->stats.copies_direct;
	if (p->dead)
		return -EAGAIN;
	if (caller_is(p) || flags & IOAS_COPY_ADOPT)
		return 0;
	*count = &sim->stats.copies_pinned;
	return offset >> sim->page_lg2 == last >> sim->page_lg2 ? 0 : -EAGAIN;
}

static int process_copy(struct ioas_origin *o, uint64_t offset, void *buffer,
			uint64_t length, unsigned int flags)
{
	struct process *p = origin_process(o);
	bool write = flags & IOAS_COPY_WRITE;
	uint64_t last, *count;
	int ret;

	if (!length)
		return 0;
	if (!ioas_last(offset, length, &last))
		return -EFAULT;
	sim_lock(p->so.sim);
	ret = copy_method(p, offset, last, flags, &count);
	if (ret)
		goto out_unlock;
	if (ioas_fault_point(IOAS_FP_COPY)) {
		ret = -EFAULT;
		goto out_unlock;
	}
	ret = ioas_sim_transfer(&p->so, offset, buffer, length, write,
				write ? IOAS_SIM_AT_WRITE : 0);
	/* Memory that could not be made is a page that is not there. */
	ret = ret ? -EFAULT : 0;
	*count += ret ? 0 : 1;
out_unlock:
	sim_unlock(p->so.sim);
	return ret;
}

static void range_free(struct process *p, struct process_range *r)
{
	sim_held(p->so.sim);
	ioas_sim_window_put(p->so.sim, r->window);
	ioas_list_del(&r->link);
	ioas_plat_free(r, sizeof(*r));
}

static void page_drop(void *data, uint64_t page, void *record)
{
	struct process *p = data;
	struct process_page *pp = record;

	sim_held(p->so.sim);
	ioas_sim_frame_put(p->so.sim, pp->pfn);
	ioas_sim_table_del(&p->pages, page);
}

/* All memory goes. */
static void process_die(struct process *p)
{
	p->dead = true;
	ioas_sim_table_each(&p->pages, page_drop, p);
	ioas_list_for_each_safe(l, tmp, &p->ranges)
		range_free(p, ioas_list_entry(l, struct process_range, link));
}

static void process_destroy(struct ioas_origin *o)
{
	struct process *p = origin_process(o);
	struct ioas_sim *sim = p->so.sim;

	ioas_sim_origin_fini(&p->so);
	sim_lock(sim);
	process_die(p);
	sim_unlock(sim);
	ioas_sim_table_fini(&p->pages);
	ioas_plat_free(p, sizeof(*p));
}

const struct ioas_origin_ops ioas_sim_process_ops = {
	.name = "sim process",
	.pin = ioas_sim_op_pin,
	.unpin = ioas_sim_op_unpin,
	.pointer = ioas_sim_op_pointer,
	.get_alive = process_get_alive,
	.put_alive = process_put_alive,
	.copy = process_copy,
	.destroy = process_destroy,
};

int ioas_sim_process_create(struct ioas_sim *sim, struct ioas_origin **out)
{
	struct process *p = ioas_plat_zalloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	ioas_sim_table_init(&p->pages, sizeof(struct process_page));
	ioas_list_init(&p->ranges);
	p->mm = p;
	ioas_sim_origin_init(&p->so, sim, &ioas_sim_process_ops, &process_kind);
	*out = &p->so.o;
	return 0;
}

const void *ioas_sim_mm(struct ioas_origin *o)
{
	struct process *p = origin_process(o);
	const void *mm;

	if (IOAS_CHECK(!p))
		return NULL;
	sim_lock(p->so.sim);
	mm = p->mm;
	sim_unlock(p->so.sim);
	return mm;
}

void ioas_sim_set_mm(struct ioas_origin *o, const void *mm)
{
	struct process *p = origin_process(o);

	if (IOAS_CHECK(!p))
		return;
	sim_lock(p->so.sim);
	p->mm = mm;
	sim_unlock(p->so.sim);
}

void ioas_sim_die(struct ioas_origin *o)
{
	struct process *p = origin_process(o);

	if (IOAS_CHECK(!p))
		return;
	sim_lock(p->so.sim);
	process_die(p);
	sim_unlock(p->so.sim);
}

/* ---- layout ------------------------------------------------------------- */

/* A process and a range of its pages that a layout call is about. */
struct layout_call {
	struct process *p;
	struct ioas_sim *sim;
	uint64_t first;
	uint64_t last;
	uint64_t nr;
	/* Room for a frame per page, or NULL. */
	ioas_pfn_t *pfns;
};

/* 0, -EINVAL or -ENOMEM (no room for @pfns, if wanted). */
static int call_init(struct layout_call *c, struct ioas_origin *o,
		     uint64_t first, uint64_t nr, bool pfns)
{
	*c = (struct layout_call){ .p = origin_process(o),
				   .first = first,
				   .nr = nr };
	if (!c->p || !ioas_last(first, nr, &c->last))
		return -EINVAL;
	c->sim = c->p->so.sim;
	if (!pfns)
		return 0;
	if (nr > SIZE_MAX / sizeof(*c->pfns))
		return -ENOMEM;
	c->pfns = ioas_plat_alloc((size_t)nr * sizeof(*c->pfns));
	return c->pfns ? 0 : -ENOMEM;
}

static void call_fini(struct layout_call *c)
{
	ioas_plat_free(c->pfns, (size_t)c->nr * sizeof(*c->pfns));
}

/* Are all (@mapped) or none of the pages mapped, one by one? */
static int call_check(struct layout_call *c, bool mapped)
{
	if (c->p->dead)
		return -EINVAL;
	if (range_find(c->p, c->first, c->last))
		return mapped ? -EINVAL : -EEXIST;
	for (uint64_t i = 0; i < c->nr; i++)
		if (!ioas_sim_table_find(&c->p->pages, c->first + i) == mapped)
			return mapped ? -ENOENT : -EEXIST;
	return 0;
}

static void call_unmap(struct layout_call *c, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t page = c->first + i;
		void *pp = ioas_sim_table_find(&c->p->pages, page);

		if (pp)
			page_drop(c->p, page, pp);
	}
}

/* Enter one page. 0 or -ENOMEM. */
static int page_add(struct process *p, uint64_t page, ioas_pfn_t pfn,
		    unsigned int flags)
{
	struct process_page *pp;

	sim_held(p->so.sim);
	if (ioas_sim_frame_get(p->so.sim, pfn))
		return -ENOMEM;
	pp = ioas_sim_table_add(&p->pages, page);
	if (!pp) {
		ioas_sim_frame_put(p->so.sim, pfn);
		return -ENOMEM;
	}
	pp->pfn = pfn;
	pp->read_only = flags & IOAS_SIM_READ_ONLY;
	return 0;
}

/* Enter the pages with c->pfns. 0, or -ENOMEM and nothing is entered. */
static int call_map(struct layout_call *c, unsigned int flags)
{
	for (uint64_t i = 0; i < c->nr; i++) {
		if (page_add(c->p, c->first + i, c->pfns[i], flags)) {
			call_unmap(c, i);
			return -ENOMEM;
		}
	}
	return 0;
}

struct overlap {
	const struct layout_call *c;
	bool found;
};

static void overlap_look(void *data, uint64_t page, void *record)
{
	struct overlap *ov = data;

	(void)record;
	if (page >= ov->c->first && page <= ov->c->last)
		ov->found = true;
}

static int call_map_giant(struct layout_call *c, unsigned int flags)
{
	struct overlap ov = { c, range_find(c->p, c->first, c->last) };
	struct process_range *r;
	int ret;

	sim_held(c->sim);
	if (c->p->dead)
		return -EINVAL;
	ioas_sim_table_each(&c->p->pages, overlap_look, &ov);
	if (ov.found)
		return -EEXIST;
	r = ioas_plat_zalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	ret = ioas_sim_window_create(c->sim, c->nr, false, &r->window);
	if (ret) {
		ioas_plat_free(r, sizeof(*r));
		return ret;
	}
	r->first = c->first;
	r->last = c->last;
	r->read_only = flags & IOAS_SIM_READ_ONLY;
	ioas_list_add_tail(&c->p->ranges, &r->link);
	return 0;
}

static int call_map_fresh(struct layout_call *c, enum ioas_sim_layout layout,
			  unsigned int flags)
{
	int ret = call_check(c, false);

	sim_held(c->sim);
	if (!ret)
		ret = ioas_sim_arrange(c->sim, layout, c->nr, c->pfns);
	if (!ret)
		ret = call_map(c, flags);
	return ret;
}

int ioas_sim_map(struct ioas_origin *o, uint64_t first, uint64_t nr,
		 enum ioas_sim_layout layout, unsigned int flags)
{
	bool giant = layout == IOAS_SIM_GIANT;
	struct layout_call c;
	int ret = call_init(&c, o, first, nr, !giant);

	if (ret)
		return ret;
	sim_lock(c.sim);
	ret = giant ? call_map_giant(&c, flags) :
		      call_map_fresh(&c, layout, flags);
	sim_unlock(c.sim);
	call_fini(&c);
	return ret;
}

/* The old frame of each page goes, unless pinned, once the new one is there. */
static int call_replace(struct layout_call *c)
{
	sim_held(c->sim);
	for (uint64_t i = 0; i < c->nr; i++) {
		if (!ioas_sim_frame_get(c->sim, c->pfns[i]))
			continue;
		while (i--)
			ioas_sim_frame_put(c->sim, c->pfns[i]);
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < c->nr; i++) {
		struct process_page *pp =
			ioas_sim_table_find(&c->p->pages, c->first + i);
		ioas_pfn_t old = pp->pfn;

		pp->pfn = c->pfns[i];
		ioas_sim_frame_put(c->sim, old);
	}
	return 0;
}

int ioas_sim_remap(struct ioas_origin *o, uint64_t first, uint64_t nr,
		   enum ioas_sim_layout layout)
{
	struct layout_call c;
	int ret = call_init(&c, o, first, nr, true);

	if (ret)
		return ret;
	sim_lock(c.sim);
	ret = call_check(&c, true);
	if (!ret)
		ret = ioas_sim_arrange(c.sim, layout, nr, c.pfns);
	if (!ret)
		ret = call_replace(&c);
	sim_unlock(c.sim);
	call_fini(&c);
	return ret;
}

/* The frames that @from has now, missing pages of a file included. */
static int call_borrow(struct layout_call *c, struct ioas_sim_origin *from,
		       uint64_t from_first)
{
	int ret = 0;

	sim_held(c->sim);
	for (uint64_t i = 0; i < c->nr && !ret; i++) {
		ret = from->kind->at(from, from_first + i, IOAS_SIM_AT_FILL,
				     &c->pfns[i]);
		if (ret == -EFAULT)
			ret = -ENOENT;
		else if (!ret && ioas_sim_window(c->sim, c->pfns[i]))
			ret = -EINVAL;
	}
	return ret;
}

int ioas_sim_alias(struct ioas_origin *o, uint64_t first, uint64_t nr,
		   struct ioas_origin *from, uint64_t from_first)
{
	struct ioas_sim_origin *source = sim_origin(from);
	struct layout_call c;
	uint64_t last;
	int ret;

	if (!ioas_last(from_first, nr, &last) ||
	    source->sim != sim_origin(o)->sim)
		return -EINVAL;
	ret = call_init(&c, o, first, nr, true);
	if (ret)
		return ret;
	sim_lock(c.sim);
	ret = call_check(&c, false);
	if (!ret)
		ret = call_borrow(&c, source, from_first);
	if (!ret)
		ret = call_map(&c, 0);
	sim_unlock(c.sim);
	call_fini(&c);
	return ret;
}

static void overlap_drop(void *data, uint64_t page, void *record)
{
	struct layout_call *c = data;

	if (page >= c->first && page <= c->last)
		page_drop(c->p, page, record);
}

int ioas_sim_unmap(struct ioas_origin *o, uint64_t first, uint64_t nr)
{
	struct process_range *r;
	struct layout_call c;
	int ret = call_init(&c, o, first, nr, false);

	if (ret)
		return ret;
	sim_lock(c.sim);
	ioas_list_for_each(l, &c.p->ranges) {
		r = ioas_list_entry(l, struct process_range, link);
		if (ioas_intersects(r->first, r->last, first, c.last) &&
		    (r->first < first || r->last > c.last)) {
			ret = -EINVAL;
			goto out_unlock;
		}
	}
	while ((r = range_find(c.p, first, c.last)))
		range_free(c.p, r);
	/* Few pages exist compared with what a giant range may span. */
	if (nr < c.p->pages.nr)
		call_unmap(&c, nr);
	else
		ioas_sim_table_each(&c.p->pages, overlap_drop, &c);
out_unlock:
	sim_unlock(c.sim);
	return ret;
}

int ioas_sim_protect(struct ioas_origin *o, uint64_t first, uint64_t nr,
		     unsigned int flags)
{
	struct layout_call c;
	int ret = call_init(&c, o, first, nr, false);

	if (ret)
		return ret;
	sim_lock(c.sim);
	ret = call_check(&c, true);
	for (uint64_t i = 0; i < nr && !ret; i++) {
		struct process_page *pp =
			ioas_sim_table_find(&c.p->pages, first + i);

		pp->read_only = flags & IOAS_SIM_READ_ONLY;
	}
	sim_unlock(c.sim);
	return ret;
}
