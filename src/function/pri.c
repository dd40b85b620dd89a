/* SPDX-License-Identifier: MIT */
/*
 * pri: page requests on their way
 *
 *   model --ASKED--> thread --SENT--> queue of the HWPT --> program
 *     ^                                                       |
 *     '---- thread <--ANSWERED-- page_response <--------------'
 *
 * Sending takes locks that come before the function's, and an answer comes with
 * locks that come before it as well, so that both are left to the thread.
 */
#include <sched.h>

#include "function/impl.h"
#include "uapi/command.h"

static void pri_lock(struct ioas_function_pri *p) __acquires(p->lock)
{
	ioas_mutex_lock(&p->lock, IOAS_RANK_LEAF);
}

static void pri_unlock(struct ioas_function_pri *p) __releases(p->lock)
{
	ioas_mutex_unlock(&p->lock);
}

static bool is_due(enum ioas_pri_state s)
{
	return s == IOAS_PRI_ASKED || s == IOAS_PRI_ANSWERED;
}

static void set_state(struct ioas_function_pri *p, struct ioas_pri *e,
		      enum ioas_pri_state s) __must_hold(p->lock)
{
	ioas_assert_held(&p->lock);
	if (is_due(s) && !is_due(e->state))
		atomic_fetch_add(&p->nr_due, 1);
	else if (!is_due(s) && is_due(e->state))
		atomic_fetch_sub(&p->nr_due, 1);
	e->state = s;
}

static void set_flush(struct ioas_function_pri *p, bool flush)
	__must_hold(p->lock)
{
	ioas_assert_held(&p->lock);
	if (flush && !p->flush)
		atomic_fetch_add(&p->nr_due, 1);
	else if (!flush && p->flush)
		atomic_fetch_sub(&p->nr_due, 1);
	p->flush = flush;
}

static struct ioas_pri *find(struct ioas_function_pri *p,
			     enum ioas_pri_state s) __must_hold(p->lock)
{
	ioas_assert_held(&p->lock);
	for (unsigned int i = 0; i < IOAS_FUNCTION_REQUESTS; i++) {
		if (p->entry[i].state == s)
			return &p->entry[i];
	}
	return NULL;
}

/* ---- from the model ----------------------------------------------------- */

bool ioas_dma_request(struct ioas_function *f, uint32_t pasid, uint32_t group,
		      uint64_t iova, bool write)
{
	struct ioas_function_pri *p = &f->pri;
	struct ioas_pri *e;

	ioas_assert_held(&f->lock);
	if (!f->on || !f->bus_master)
		return false;
	pri_lock(p);
	e = find(p, IOAS_PRI_FREE);
	if (e) {
		e->pasid = pasid;
		e->group = group;
		e->iova = iova;
		e->write = write;
		set_state(p, e, IOAS_PRI_ASKED);
	}
	pri_unlock(p);
	if (!e)
		return false;
	ioas_function_tally(&f->tally.page_requests, 1);
	ioas_function_kick(f);
	return true;
}

/* ---- from the program --------------------------------------------------- */

void ioas_function_pri_answer(struct ioas_udevice *dev, uint32_t pasid,
			      uint32_t group, uint32_t code)
{
	struct ioas_function *f = ioas_function_of_device(dev);
	struct ioas_function_pri *p = &f->pri;

	pri_lock(p);
	for (unsigned int i = 0; i < IOAS_FUNCTION_REQUESTS; i++) {
		struct ioas_pri *e = &p->entry[i];

		if (e->pasid != pasid || e->group != group)
			continue;
		if (e->state == IOAS_PRI_STALE) {
			set_state(p, e, IOAS_PRI_FREE);
			break;
		}
		if (e->state == IOAS_PRI_SENT) {
			e->granted = code == IOAS_ABI_PAGE_RESP_SUCCESS;
			set_state(p, e, IOAS_PRI_ANSWERED);
			break;
		}
	}
	pri_unlock(p);
	ioas_function_kick(f);
}

/* ---- the thread --------------------------------------------------------- */

/* The next that was asked, now sent; the caller ends it with sending false. */
static bool take_asked(struct ioas_function_pri *p,
		       struct ioas_page_request *rq)
{
	struct ioas_pri *e;

	pri_lock(p);
	e = find(p, IOAS_PRI_ASKED);
	if (e) {
		*rq = (struct ioas_page_request){
			.flags = IOAS_ABI_PGFAULT_FLAGS_LAST_PAGE,
			.pasid = e->pasid,
			.grpid = e->group,
			.perm = e->write ? IOAS_ABI_PGFAULT_PERM_WRITE :
					   IOAS_ABI_PGFAULT_PERM_READ,
			.addr = e->iova,
		};
		if (e->pasid)
			rq->flags |= IOAS_ABI_PGFAULT_FLAGS_PASID_VALID;
		set_state(p, e, IOAS_PRI_SENT);
		p->sending = true;
	}
	pri_unlock(p);
	return e;
}

/* A reset was in between; the caller ends it as it does that of take_asked(). */
static bool take_flush(struct ioas_function_pri *p)
{
	bool flush;

	pri_lock(p);
	flush = p->flush;
	if (flush) {
		set_flush(p, false);
		p->sending = true;
	}
	pri_unlock(p);
	return flush;
}

/*
 * What is stale is taken back first: two of one group that are sent cannot be
 * told by their answers.
 */
static void send_all(struct ioas_function *f)
{
	struct ioas_function_pri *p = &f->pri;
	struct ioas_page_request rq;

	/* It is bound until disable has seen that sending is over. */
	for (;;) {
		if (take_flush(p))
			ioas_idev_page_flush(f->v.dev.idev);
		else if (take_asked(p, &rq))
			ioas_idev_page_request(f->v.dev.idev, &rq);
		else
			return;
		pri_lock(p);
		p->sending = false;
		pri_unlock(p);
	}
}

/* The next answer, with the function's lock held, so that no reset is between. */
static bool take_answered(struct ioas_function_pri *p, struct ioas_pri *out)
{
	struct ioas_pri *e;

	pri_lock(p);
	e = find(p, IOAS_PRI_ANSWERED);
	if (e) {
		*out = *e;
		set_state(p, e, IOAS_PRI_FREE);
	}
	pri_unlock(p);
	return e;
}

static void tell_all(struct ioas_function *f)
{
	struct ioas_pri e;

	ioas_function_lock(f);
	while (take_answered(&f->pri, &e)) {
		if (f->model->page_response)
			f->model->page_response(f->state, e.pasid, e.group,
						e.granted);
	}
	ioas_function_unlock(f);
}

void ioas_function_pri_run(struct ioas_function *f)
{
	if (!atomic_load(&f->pri.nr_due))
		return;
	send_all(f);
	tell_all(f);
}

/* ---- reset, off --------------------------------------------------------- */

void ioas_function_pri_forget(struct ioas_function *f)
{
	struct ioas_function_pri *p = &f->pri;

	pri_lock(p);
	for (unsigned int i = 0; i < IOAS_FUNCTION_REQUESTS; i++) {
		struct ioas_pri *e = &p->entry[i];

		if (e->state == IOAS_PRI_SENT) {
			set_state(p, e, IOAS_PRI_STALE);
			set_flush(p, true);
		} else if (is_due(e->state)) {
			set_state(p, e, IOAS_PRI_FREE);
		}
	}
	pri_unlock(p);
}

void ioas_function_pri_quiesce(struct ioas_function *f)
{
	struct ioas_function_pri *p = &f->pri;
	bool sending = true;

	while (sending) {
		pri_lock(p);
		sending = p->sending;
		for (unsigned int i = 0;
		     !sending && i < IOAS_FUNCTION_REQUESTS; i++)
			set_state(p, &p->entry[i], IOAS_PRI_FREE);
		if (!sending)
			set_flush(p, false);
		pri_unlock(p);
		if (sending)
			sched_yield();
	}
}
