/* SPDX-License-Identifier: MIT */
/*
 * report: what a run used, and what it left behind
 *
 *   events --> books     who mapped what           (books.h)
 *          `-> counts    commands, errors, time, the most that was pinned
 *   last close of a context:
 *       the core's areas --by IOVA--> books --> leaks, with the guilty command
 *
 * The core has the truth of what is mapped, the books have the names. Where a
 * command's result leaves open what it did (a mapping stays although its
 * answer could not be written; an unmap that fails has removed the areas before
 * the one that it failed at) the core is asked at once.
 *
 * Locks: the mutex (rank LEAF). The core is never asked while it is held.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "core/span.h"
#include "super/effect.h"
#include "super/report_impl.h"
#include "uapi/space.h"

uint64_t ioas_report_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int ioas_report_create(struct ioas_super *s, struct ioas_report **out)
{
	struct ioas_report *r = ioas_plat_zalloc(sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->s = s;
	r->started = ioas_report_now();
	ioas_books_init(&r->books);
	*out = r;
	return 0;
}

void ioas_report_destroy(struct ioas_report *r)
{
	if (!r)
		return;
	ioas_books_fini(&r->books);
	ioas_plat_free(r, sizeof(*r));
}

/* ---- asking the core ---------------------------------------------------- */

/* The first area of a space that intersects [@first, @last]. */
static bool core_first(struct ioas_iommufd *ictx, uint32_t id, uint64_t first,
		       uint64_t last, struct ioas_range *r)
{
	struct ioas_object *obj =
		ioas_object_get_sure(ictx, id, IOAS_OBJECT_IOAS);
	struct ioas *ioas;
	bool found;

	if (!obj)
		return false;
	ioas = ioas_container_of(obj, struct ioas_space, obj)->ioas;
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	found = ioas_rangemap_first(&ioas->areas, first, last, r);
	ioas_read_unlock(&ioas->iova_lock);
	ioas_object_put(obj);
	return found;
}

/* ---- what a command did ------------------------------------------------- */

/* Areas go in ascending order: those below the first that is left have gone. */
static struct ioas_effect effect_partial(struct ioas_effect e,
					 struct ioas_iommufd *ictx)
{
	struct ioas_range left;

	if (!core_first(ictx, e.id, e.first, e.last, &left))
		return e;
	if (left.first <= e.first)
		e.what = IOAS_EFFECT_NOTHING;
	else
		e.last = left.first - 1;
	return e;
}

/*
 * Its memory may be at fault, and then there is no area; or its answer could
 * not be written.
 */
static struct ioas_effect effect_unsure(struct ioas_effect e,
					struct ioas_iommufd *ictx)
{
	struct ioas_range r;
	const bool there = core_first(ictx, e.id, e.first, e.last, &r) &&
			   r.first == e.first;

	e.what = there ? IOAS_EFFECT_MAYBE_MAP : IOAS_EFFECT_NOTHING;
	return e;
}

static struct ioas_effect effect_of(const struct ioas_event *e,
				    struct ioas_iommufd *ictx)
{
	struct ioas_effect what = { IOAS_EFFECT_NOTHING, 0, 0, 0 };

	if (!ictx || !e->size)
		return what;
	what = ioas_effect_meant(ictx, e->cmd, e->in, e->out, e->size);
	if (e->result >= 0)
		return what;
	if (what.what == IOAS_EFFECT_UNMAP)
		return effect_partial(what, ictx);
	if (what.what == IOAS_EFFECT_MAP && e->result == -EFAULT)
		return effect_unsure(what, ictx);
	what.what = IOAS_EFFECT_NOTHING;
	return what;
}

/* ---- events ------------------------------------------------------------- */

static void deed_of(struct ioas_report *r, const struct ioas_event *e,
		    unsigned int command, struct ioas_deed *deed)
	__must_hold(r->lock)
{
	*deed = (struct ioas_deed){
		.serial = e->serial,
		.when = e->when,
		.command = command,
		.pid = e->pid,
	};
	strcpy(deed->comm, ioas_comm_of(&r->comms, e->pid, e->when));
}

/* Errors beyond the room are counted as failures only. */
static void count_command(struct report_command *c, const struct ioas_event *e)
{
	unsigned int i = 0;

	c->count++;
	c->ns += e->duration;
	if (e->result >= 0)
		return;
	c->failed++;
	while (i < IOAS_REPORT_ERRORS && c->errors[i].error &&
	       c->errors[i].error != -e->result)
		i++;
	if (i == IOAS_REPORT_ERRORS)
		return;
	c->errors[i].error = (int)-e->result;
	c->errors[i].count++;
}

static void apply(struct ioas_report *r, struct ioas_book *book,
		  const struct ioas_effect *f, const struct ioas_deed *deed)
	__must_hold(r->lock)
{
	struct ioas_books *b = &r->books;

	switch (f->what) {
	case IOAS_EFFECT_MADE:
		ioas_book_space_made(b, book, f->id, deed->serial);
		break;
	case IOAS_EFFECT_GONE:
		ioas_book_space_gone(b, book, f->id, deed->serial);
		break;
	case IOAS_EFFECT_MAYBE_MAP:
		/* What others are known for is not its doing. */
		if (ioas_book_who(book, f->id, f->first))
			break;
		ioas_book_map(b, book, f->id, f->first, f->last, deed);
		break;
	case IOAS_EFFECT_MAP:
		ioas_book_map(b, book, f->id, f->first, f->last, deed);
		break;
	case IOAS_EFFECT_UNMAP:
		ioas_book_unmap(b, book, f->id, f->first, f->last,
				deed->serial);
		break;
	case IOAS_EFFECT_NOTHING:
		break;
	}
}

static void command_event(struct ioas_report *r, const struct ioas_event *e)
{
	const unsigned int index =
		e->device ? ioas_device_command_index(e->cmd) :
			    ioas_command_index(e->cmd, e->in, e->size);
	struct ioas_iommufd *ictx =
		e->file ? ioas_iommufd_of_file(e->file) : NULL;
	const struct ioas_effect what = effect_of(e, ictx);
	const uint64_t pinned = ioas_backings_pinned(&r->s->backings);
	struct ioas_book *book = NULL;
	struct ioas_deed deed;

	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	r->events[e->kind]++;
	r->peak = ioas_max(r->peak, pinned);
	count_command(&r->commands[index], e);
	if (what.what != IOAS_EFFECT_NOTHING)
		book = ioas_books_get(&r->books, e->file);
	if (book) {
		deed_of(r, e, index, &deed);
		apply(r, book, &what, &deed);
	}
	ioas_mutex_unlock(&r->lock);
}

static void open_event(struct ioas_report *r, const struct ioas_event *e)
	__must_hold(r->lock)
{
	struct ioas_deed deed;

	if (e->result < 0 || !e->file || !ioas_iommufd_of_file(e->file))
		return;
	r->nr_opened++;
	deed_of(r, e, 0, &deed);
	ioas_books_open(&r->books, e->file, &deed);
}

void ioas_report_event(struct ioas_report *r, const struct ioas_event *e)
{
	if (!r)
		return;
	if (e->kind == IOAS_EVENT_COMMAND) {
		command_event(r, e);
		return;
	}
	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	r->events[e->kind]++;
	if (e->kind == IOAS_EVENT_OPEN)
		open_event(r, e);
	ioas_mutex_unlock(&r->lock);
}

/* ---- what is left ------------------------------------------------------- */

/* Of one context; on the heap. */
struct survey {
	const struct ioas_book *book;
	uint32_t ioas;
	struct report_sum left;
	struct report_leak leaks[IOAS_REPORT_LEAKS];
	uint32_t nr;
};

static void pages_add(struct report_pages *to, const struct report_pages *p)
{
	to->store += p->store;
	to->domain += p->domain;
	to->both += p->both;
}

/*
 * Two walks of the two sets, each with the other one first: what the first of
 * the sets holds is a span of its own, whether or not the second does.
 */
static void pages_count(struct ioas_area *a, struct report_pages *p)
	__must_hold(a->pages->mutex)
{
	const uint64_t last = ioas_area_last_index(a);
	struct ioas_cset one;
	const struct ioas_cset *stored = ioas_pages_access_set(a->pages);
	const struct ioas_cset *linked = ioas_pages_linked_set(a->pages, &one);
	uint64_t in_store = 0, in_domain = 0, domain_only = 0;
	struct ioas_dspan s;

	ioas_dspan_start(&s, stored, linked, a->index, last);
	for (; !s.done; ioas_dspan_next(&s)) {
		if (s.label == IOAS_T1)
			in_store += s.last - s.first + 1;
		else if (s.label == IOAS_T2)
			domain_only += s.last - s.first + 1;
	}
	ioas_dspan_start(&s, linked, stored, a->index, last);
	for (; !s.done; ioas_dspan_next(&s))
		if (s.label == IOAS_T1)
			in_domain += s.last - s.first + 1;
	p->domain = domain_only;
	p->both = in_domain - domain_only;
	p->store = in_store - p->both;
}

static void survey_area(struct survey *v, struct ioas_area *a)
{
	struct report_leak leak = {
		.ioas = v->ioas,
		.prot = a->prot,
		.iova = a->iova,
		.last = a->last,
	};
	const struct ioas_deed *deed;

	ioas_mutex_lock(&a->pages->mutex, IOAS_RANK_PAGES);
	pages_count(a, &leak.pages);
	ioas_mutex_unlock(&a->pages->mutex);
	v->left.areas++;
	v->left.bytes += a->last - a->iova + 1;
	pages_add(&v->left.pages, &leak.pages);
	if (v->nr == IOAS_REPORT_LEAKS)
		return;
	deed = v->book ? ioas_book_who(v->book, v->ioas, a->iova) : NULL;
	if (deed)
		leak.deed = *deed;
	v->leaks[v->nr++] = leak;
}

static void survey_space(struct survey *v, struct ioas *ioas)
{
	struct ioas_range r;

	ioas_read_lock(&ioas->domains_lock, IOAS_RANK_DOMAINS);
	ioas_read_lock(&ioas->iova_lock, IOAS_RANK_IOVA);
	ioas_for_each_range(&r, &ioas->areas, 0, IOAS_U64_MAX)
		survey_area(v, r.value);
	ioas_read_unlock(&ioas->iova_lock);
	ioas_read_unlock(&ioas->domains_lock);
}

static void survey_context(struct survey *v, struct ioas_iommufd *ictx)
{
	struct ioas_object *obj;
	uint32_t id = 0;

	while ((obj = ioas_object_next(ictx, id, IOAS_OBJECT_IOAS))) {
		id = obj->id;
		v->ioas = id;
		survey_space(
			v,
			ioas_container_of(obj, struct ioas_space, obj)->ioas);
		ioas_object_put(obj);
	}
}

static void list_context(struct ioas_report *r, struct ioas_ufile *file,
			 const struct survey *v) __must_hold(r->lock)
{
	struct report_context *c;

	if (r->nr_contexts == IOAS_REPORT_CONTEXTS)
		return;
	c = &r->contexts[r->nr_contexts++];
	*c = (struct report_context){
		.file = file->ops->name,
		.closed = true,
		.left = v->left,
	};
	if (!v->book)
		return;
	c->opened = v->book->opened;
	c->spaces = v->book->nr_spaces;
	c->maps = v->book->nr_maps;
	c->unmaps = v->book->nr_unmaps;
}

static void publish(struct ioas_report *r, struct ioas_ufile *file,
		    const struct survey *v) __must_hold(r->lock)
{
	r->nr_closed++;
	list_context(r, file, v);
	r->left.areas += v->left.areas;
	r->left.bytes += v->left.bytes;
	pages_add(&r->left.pages, &v->left.pages);
	for (uint32_t i = 0; i < v->nr && r->nr_leaks < IOAS_REPORT_LEAKS;
	     i++) {
		r->leaks[r->nr_leaks] = v->leaks[i];
		r->leaks[r->nr_leaks++].context = r->nr_closed;
	}
}

/* The book is ours alone while the core is asked. */
static struct ioas_book *take_book(struct ioas_report *r,
				   const struct ioas_ufile *file)
{
	struct ioas_book *book;

	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	book = ioas_books_find(&r->books, file);
	if (book)
		ioas_books_take(&r->books, book);
	ioas_mutex_unlock(&r->lock);
	return book;
}

void ioas_report_release(struct ioas_report *r, struct ioas_ufile *file)
{
	struct ioas_iommufd *ictx = ioas_iommufd_of_file(file);
	struct ioas_book *book;
	struct survey *v;

	if (!r || !ictx)
		return;
	book = take_book(r, file);
	v = ioas_plat_zalloc(sizeof(*v));
	if (v) {
		v->book = book;
		survey_context(v, ictx);
	}
	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	if (v)
		publish(r, file, v);
	ioas_book_free(&r->books, book);
	ioas_mutex_unlock(&r->lock);
	ioas_plat_free(v, sizeof(*v));
}

/* ---- memory that went --------------------------------------------------- */

static void lost_add(struct ioas_report *r, pid_t pid, uint64_t address,
		     const char *why) __must_hold(r->lock)
{
	struct report_lost *l = r->lost;

	r->lost_count++;
	for (; l < r->lost + r->nr_lost; l++)
		if (l->pid == pid && l->address == address &&
		    !strncmp(l->why, why, sizeof(l->why) - 1)) {
			l->count++;
			return;
		}
	if (r->nr_lost == IOAS_REPORT_LOST)
		return;
	r->nr_lost++;
	*l = (struct report_lost){
		.pid = pid, .address = address, .count = 1
	};
	strcpy(l->comm, ioas_comm_of(&r->comms, pid, ioas_report_now()));
	strncpy(l->why, why, sizeof(l->why) - 1);
}

void ioas_report_lost(struct ioas_report *r, pid_t pid, uint64_t address,
		      const char *why)
{
	if (!r)
		return;
	ioas_mutex_lock(&r->lock, IOAS_RANK_LEAF);
	lost_add(r, pid, address, why);
	ioas_mutex_unlock(&r->lock);
}
