/* SPDX-License-Identifier: MIT */
/*
 * dmafault: DMA that failed, and whose mistake that was
 *
 *   ring       oldest .. | MAP 1 | UNMAP 1 | MAP 2 | DESTROY 1 | .. newest
 *                             ^       ^
 *              looked through backwards for the space and the address of a
 *              fault; the making or the end of the space is where it ends
 *
 *   functions  [0000:01:00.0]--+     places: what was said, and is in the report
 *   places     place, place, place, .. "more are only counted", ..
 *                                 ^ said up to here, by the thread
 *
 * Invariants:
 *  A1  Places are added at the end, and stay: the thread keeps its own place
 *      among them without a lock.
 *  A2  A function has at most IOAS_DMAFAULT_PLACES of them, and one line more.
 *
 * Contexts are known by their serial, which is not used again as an address is.
 *
 * Locks: lock (rank LEAF) guards ring, functions and places. The thread's mutex
 * is for its condition alone; none is taken inside of it.
 */
#include "super/dmafault.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "function/function.h"
#include "super/comm.h"
#include "super/decode.h"
#include "super/effect.h"
#include "super/output.h"
#include "super/task.h"
#include "uapi/device.h"

/* How long a flush waits. */
#define PATIENCE_S 1

/* A command that changed what is mapped in a space, or a space. */
struct deed {
	/* Of the context. */
	uint64_t context;
	/* Set; its kind is not NOTHING. */
	struct ioas_effect effect;
	/* It failed: an unmap may have done a part of it. */
	bool failed;
	const char *command;
	pid_t pid;
	char comm[IOAS_COMM_MAX];
};

struct place {
	struct ioas_list link;
	struct ioas_dmafault_entry entry;
	/* Page, which is what makes it another one. */
	uint64_t page;
	/* None: more are only counted. */
	bool more;
};

struct culprit {
	struct ioas_list link;
	/* Compared only. */
	const struct ioas_function *f;
	struct place *places[IOAS_DMAFAULT_PLACES];
	unsigned int nr_places;
	bool more;
};

/* Who writes the lines. */
struct writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_cond_t idle;
	/* All below is guarded by its lock. Lines, those that are written. */
	uint64_t nr_wanted;
	uint64_t nr_written;
	bool stop;
	/* It was waited for in vain: nobody reads what it writes. */
	bool late;
};

struct ioas_dmafaults {
	/* Set once. */
	struct ioas_super *s;
	bool quiet;

	struct ioas_mutex lock;
	/* All below is guarded. Commands ever; the newest ones. */
	uint64_t nr_deeds;
	struct deed ring[IOAS_DMAFAULT_COMMANDS];
	struct ioas_comms comms;
	/* struct culprit, struct place. */
	struct ioas_list culprits;
	struct ioas_list places;
	/* All faults. */
	uint64_t count;

	struct writer writer;
};

/* ---- commands ----------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool deed_matters(const struct ioas_effect *e, int64_t result)
{
	if (e->what == IOAS_EFFECT_NOTHING)
		return false;
	return result >= 0 || e->what == IOAS_EFFECT_UNMAP;
}

void ioas_dmafaults_command(struct ioas_dmafaults *d, const struct ioas_call *c,
			    const struct ioas_host_command *m)
{
	const pid_t pid = c && c->task ? c->task->process->pid : 0;
	struct ioas_effect effect;
	struct deed *deed;

	if (!d || !m->size)
		return;
	effect = ioas_effect_meant(m->ictx, m->cmd, m->in, m->out, m->size);
	if (!deed_matters(&effect, m->result))
		return;
	ioas_mutex_lock(&d->lock, IOAS_RANK_LEAF);
	deed = &d->ring[d->nr_deeds++ % IOAS_DMAFAULT_COMMANDS];
	*deed = (struct deed){
		.context = m->ictx->serial,
		.effect = effect,
		.failed = m->result < 0,
		.command = ioas_command_name(m->cmd),
		.pid = pid,
	};
	strcpy(deed->comm,
	       pid ? ioas_comm_of(&d->comms, pid, now_ns()) : "?");
	ioas_mutex_unlock(&d->lock);
}

/* ---- who did it --------------------------------------------------------- */

struct search {
	uint64_t context;
	uint32_t id;
	uint64_t iova;
};

static bool deed_covers(const struct deed *deed, const struct search *s)
{
	return deed->effect.first <= s->iova && s->iova <= deed->effect.last;
}

static void entry_blame(struct ioas_dmafault_entry *e, const struct deed *deed)
{
	e->deed = deed->effect.what == IOAS_EFFECT_MAP ?
			  IOAS_DMAFAULT_MAPPED :
			  IOAS_DMAFAULT_UNMAPPED;
	e->command = deed->command;
	e->first = deed->effect.first;
	e->last = deed->effect.last;
	e->pid = deed->pid;
	memcpy(e->comm, deed->comm, sizeof(e->comm));
}

/*
 * An unmap that failed has done nothing, or the first part of it: it is to blame
 * if what was mapped before it is not there any more.
 */
static void entry_blame_either(struct ioas_dmafault_entry *e,
			       const struct deed *failed,
			       const struct deed *deed)
{
	if (failed && deed->effect.what == IOAS_EFFECT_MAP && !e->denied)
		deed = failed;
	entry_blame(e, deed);
}

/* Backwards, to the newest command on that address. */
static void entry_search(struct ioas_dmafaults *d, const struct search *s,
			 struct ioas_dmafault_entry *e) __must_hold(d->lock)
{
	const uint64_t nr = ioas_min(d->nr_deeds, IOAS_DMAFAULT_COMMANDS);
	const struct deed *failed = NULL;

	for (uint64_t i = 1; i <= nr; i++) {
		const struct deed *deed =
			&d->ring[(d->nr_deeds - i) % IOAS_DMAFAULT_COMMANDS];
		const enum ioas_effect_what what = deed->effect.what;

		if (deed->context != s->context || deed->effect.id != s->id)
			continue;
		if (what == IOAS_EFFECT_MADE || what == IOAS_EFFECT_GONE) {
			e->deed = IOAS_DMAFAULT_NEVER;
			return;
		}
		if (!deed_covers(deed, s))
			continue;
		if (!deed->failed) {
			entry_blame_either(e, failed, deed);
			return;
		}
		failed = failed ? failed : deed;
	}
	e->deed = d->nr_deeds > nr ? IOAS_DMAFAULT_UNKNOWN :
				     IOAS_DMAFAULT_NEVER;
}

/* The addresses of a nested table are a guest's own. */
static void entry_explain(struct ioas_dmafaults *d,
			  const struct ioas_function_fault *fault,
			  struct ioas_dmafault_entry *e) __must_hold(d->lock)
{
	const struct ioas_object *space;

	e->deed = IOAS_DMAFAULT_UNKNOWN;
	if (!fault->hwpt)
		return;
	if (ioas_hwpt_is_nested(fault->hwpt)) {
		e->deed = IOAS_DMAFAULT_NESTED;
		return;
	}
	space = &ioas_hwpt_space(fault->hwpt)->obj;
	entry_search(d,
		     &(struct search){ space->ictx->serial, space->id,
				       fault->iova },
		     e);
}

/* ---- text --------------------------------------------------------------- */

static void text_clean(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static const char *why_text(const struct ioas_dmafault_entry *e)
{
	if (e->denied)
		return e->write ? "not writable" : "not readable";
	return e->deed == IOAS_DMAFAULT_NEVER ? "never mapped" : "not mapped";
}

void ioas_dmafault_text(const struct ioas_dmafault_entry *e,
			char out[IOAS_DMAFAULT_TEXT])
{
	const bool known = e->deed == IOAS_DMAFAULT_MAPPED ||
			   e->deed == IOAS_DMAFAULT_UNMAPPED;
	char pasid[32] = "", by[160] = "";

	if (e->pasid != IOAS_PASID_RID)
		snprintf(pasid, sizeof(pasid), " (PASID %" PRIu32 ")",
			 e->pasid);
	if (known)
		snprintf(by, sizeof(by),
			 "; %s last by %s [0x%" PRIx64 ", 0x%" PRIx64
			 "] of %s (pid %d)",
			 e->deed == IOAS_DMAFAULT_MAPPED ? "mapped" : "unmapped",
			 e->command, e->first, e->last, e->comm, (int)e->pid);
	else if (e->deed == IOAS_DMAFAULT_NESTED)
		snprintf(by, sizeof(by), " by the nested page table");
	else if (e->deed == IOAS_DMAFAULT_UNKNOWN)
		snprintf(by, sizeof(by), "; no command on it is remembered");
	snprintf(out, IOAS_DMAFAULT_TEXT, "%s of 0x%" PRIx64 "%s: %s%s",
		 e->write ? "write" : "read", e->iova, pasid, why_text(e), by);
	text_clean(out);
}

/* ---- the thread --------------------------------------------------------- */

static void place_say(const struct place *p)
{
	const struct ioas_dmafault_entry *e = &p->entry;
	char text[IOAS_DMAFAULT_TEXT], line[IOAS_DMAFAULT_TEXT + 80];
	int length;

	ioas_dmafault_text(e, text);
	if (p->more)
		strcpy(text, "more at other places, which are only counted");
	length = snprintf(line, sizeof(line),
			  "ioas: run: %s %s: DMA fault: %s\n", e->model, e->name,
			  text);
	/* One that cannot be written is in the report still. */
	if (length > 0)
		(void)ioas_output_write(STDERR_FILENO, line, (size_t)length);
}

/* What comes after @last, copied; NULL: nothing does. */
static struct ioas_list *place_next(struct ioas_dmafaults *d,
				    struct ioas_list *last, struct place *copy)
{
	struct ioas_list *next;

	ioas_mutex_lock(&d->lock, IOAS_RANK_LEAF);
	next = last->next;
	if (next == &d->places)
		next = NULL;
	else
		*copy = *ioas_list_entry(next, struct place, link);
	ioas_mutex_unlock(&d->lock);
	return next;
}

static void *writer_main(void *data)
{
	struct ioas_dmafaults *d = data;
	struct ioas_list *last = &d->places, *next;
	struct writer *w = &d->writer;
	struct place copy;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (w->nr_written == w->nr_wanted && !w->stop)
			pthread_cond_wait(&w->work, &w->lock);
		if (w->nr_written == w->nr_wanted)
			break;
		pthread_mutex_unlock(&w->lock);
		next = place_next(d, last, &copy);
		if (next) {
			last = next;
			place_say(&copy);
		}
		pthread_mutex_lock(&w->lock);
		w->nr_written++;
		pthread_cond_broadcast(&w->idle);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int writer_start(struct ioas_dmafaults *d)
{
	struct writer *w = &d->writer;
	pthread_condattr_t attr;
	sigset_t all, old;
	int ret;

	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->idle, &attr);
	pthread_condattr_destroy(&attr);
	if (d->quiet)
		return 0;
	/* Signals that stop others must not be spent on it. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&w->thread, NULL, writer_main, d);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -ret;
}

static void writer_want(struct ioas_dmafaults *d)
{
	struct writer *w = &d->writer;

	if (d->quiet)
		return;
	pthread_mutex_lock(&w->lock);
	w->nr_wanted++;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void ioas_dmafaults_flush(struct ioas_dmafaults *d)
{
	struct timespec until;
	struct writer *w;
	int ret = 0;

	if (!d)
		return;
	w = &d->writer;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&w->lock);
	while (w->nr_written != w->nr_wanted && !w->late && !ret)
		ret = pthread_cond_timedwait(&w->idle, &w->lock, &until);
	w->late = w->nr_written != w->nr_wanted;
	pthread_mutex_unlock(&w->lock);
}

/* ---- faults ------------------------------------------------------------- */

/* NULL: no memory. */
static struct culprit *culprit_get(struct ioas_dmafaults *d,
				   const struct ioas_function *f)
	__must_hold(d->lock)
{
	struct culprit *c;

	ioas_list_for_each(l, &d->culprits) {
		c = ioas_list_entry(l, struct culprit, link);
		if (c->f == f)
			return c;
	}
	c = ioas_plat_zalloc(sizeof(*c));
	if (!c)
		return NULL;
	c->f = f;
	ioas_list_add_tail(&d->culprits, &c->link);
	return c;
}

static struct place *place_find(const struct culprit *c,
				const struct ioas_function_fault *fault,
				uint64_t page)
{
	for (unsigned int i = 0; i < c->nr_places; i++) {
		const struct ioas_dmafault_entry *e = &c->places[i]->entry;

		if (c->places[i]->page == page && e->pasid == fault->pasid &&
		    e->write == fault->write && e->denied == fault->denied)
			return c->places[i];
	}
	return NULL;
}

/* Nothing is known of it yet but what the function says. NULL: no memory. */
static struct place *place_add(struct ioas_dmafaults *d,
			       const struct ioas_function_fault *fault)
	__must_hold(d->lock)
{
	struct place *p = ioas_plat_zalloc(sizeof(*p));
	struct ioas_dmafault_entry *e;

	if (!p)
		return NULL;
	e = &p->entry;
	snprintf(e->name, sizeof(e->name), "%s", ioas_function_name(fault->f));
	snprintf(e->model, sizeof(e->model), "%s",
		 ioas_function_model(fault->f)->name);
	e->pasid = fault->pasid;
	e->iova = fault->iova;
	e->write = fault->write;
	e->denied = fault->denied;
	e->count = 1;
	ioas_list_add_tail(&d->places, &p->link);
	return p;
}

/* Return: there is something new to say. */
static bool fault_place(struct ioas_dmafaults *d,
			const struct ioas_function_fault *fault)
	__must_hold(d->lock)
{
	const uint64_t page = fault->iova >> d->s->host.page_lg2;
	struct culprit *c = culprit_get(d, fault->f);
	struct place *p = c ? place_find(c, fault, page) : NULL;

	if (p)
		p->entry.count++;
	if (!c || p || c->more)
		return false;
	p = place_add(d, fault);
	if (!p)
		return false;
	p->page = page;
	if (c->nr_places == IOAS_DMAFAULT_PLACES) {
		p->more = c->more = true;
	} else {
		c->places[c->nr_places++] = p;
		entry_explain(d, fault, &p->entry);
	}
	return true;
}

void ioas_dmafaults_fault(struct ioas_dmafaults *d,
			  const struct ioas_function_fault *fault)
{
	bool news;

	if (!d)
		return;
	ioas_mutex_lock(&d->lock, IOAS_RANK_LEAF);
	d->count++;
	news = fault_place(d, fault);
	ioas_mutex_unlock(&d->lock);
	if (news)
		writer_want(d);
}

uint64_t ioas_dmafaults_each(struct ioas_dmafaults *d,
			     void (*fn)(const struct ioas_dmafault_entry *e,
					void *data),
			     void *data)
{
	struct ioas_list *at = d ? &d->places : NULL;
	uint64_t count = 0;
	struct place copy;

	/* Without the lock: @fn may write to anything. */
	while (at && (at = place_next(d, at, &copy)))
		if (!copy.more)
			fn(&copy.entry, data);
	if (!d)
		return 0;
	ioas_mutex_lock(&d->lock, IOAS_RANK_LEAF);
	count = d->count;
	ioas_mutex_unlock(&d->lock);
	return count;
}

/* ---- life --------------------------------------------------------------- */

static void dmafaults_free(struct ioas_dmafaults *d)
{
	ioas_list_for_each_safe(l, tmp, &d->culprits)
		ioas_plat_free(ioas_list_entry(l, struct culprit, link),
			       sizeof(struct culprit));
	ioas_list_for_each_safe(l, tmp, &d->places)
		ioas_plat_free(ioas_list_entry(l, struct place, link),
			       sizeof(struct place));
	pthread_cond_destroy(&d->writer.work);
	pthread_cond_destroy(&d->writer.idle);
	pthread_mutex_destroy(&d->writer.lock);
	ioas_plat_free(d, sizeof(*d));
}

int ioas_dmafaults_create(struct ioas_super *s, struct ioas_dmafaults **out)
{
	struct ioas_dmafaults *d = ioas_plat_zalloc(sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	d->s = s;
	d->quiet = s->opts->quiet;
	ioas_list_init(&d->culprits);
	ioas_list_init(&d->places);
	ret = writer_start(d);
	if (ret)
		dmafaults_free(d);
	else
		*out = d;
	return ret;
}

/* Return: it has ended. If it waits for a reader, it is left to itself. */
static bool writer_stop(struct writer *w)
{
	bool late;

	pthread_mutex_lock(&w->lock);
	w->stop = true;
	late = w->late;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	if (late)
		pthread_detach(w->thread);
	else
		pthread_join(w->thread, NULL);
	return !late;
}

void ioas_dmafaults_destroy(struct ioas_dmafaults *d)
{
	if (!d)
		return;
	ioas_dmafaults_flush(d);
	if (d->quiet || writer_stop(&d->writer))
		dmafaults_free(d);
}
