/* SPDX-License-Identifier: MIT */
/*
 * events: filled where things happen, handed to whoever listens
 */
#include "super/events.h"

#include <time.h>

#include "super/task.h"

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void event_start(struct ioas_event *e, enum ioas_event_kind kind)
{
	static _Atomic uint64_t serial;

	e->kind = kind;
	e->serial = atomic_fetch_add(&serial, 1) + 1;
	e->when = clock_ns(CLOCK_REALTIME);
	e->duration = clock_ns(CLOCK_MONOTONIC);
	e->fd = -1;
	e->size = 0;
	e->arg = 0;
	e->cmd = 0;
}

static void event_who(struct ioas_event *e, const struct ioas_call *c)
{
	e->pid = c->task->process->pid;
	e->tid = c->task->tid;
}

static void event_tell(struct ioas_super *s, struct ioas_event *e,
		       int64_t result)
{
	e->duration = clock_ns(CLOCK_MONOTONIC) - e->duration;
	e->result = result;
	if (s->report)
		ioas_report_event(s->report, e);
	if (s->trace)
		ioas_trace_event(s->trace, e);
}

void ioas_event_begin(struct ioas_call *c, struct ioas_event *e,
		      enum ioas_event_kind kind, int fd, struct ioas_ufile *file)
{
	if (!ioas_events_wanted(c->s))
		return;
	event_start(e, kind);
	event_who(e, c);
	e->fd = fd;
	e->file = file;
	c->event = e;
}

void ioas_event_end(struct ioas_call *c, int64_t result)
{
	if (!c->event)
		return;
	event_tell(c->s, c->event, result);
	c->event = NULL;
}

void ioas_event_opened(struct ioas_call *c, struct ioas_ufile *ufile, int flags,
		       int64_t result)
{
	struct ioas_event e;

	if (!ufile || !ioas_events_wanted(c->s))
		return;
	event_start(&e, IOAS_EVENT_OPEN);
	event_who(&e, c);
	e.file = ufile;
	e.arg = (uint64_t)flags;
	e.fd = result < 0 ? -1 : (int)result;
	event_tell(c->s, &e, result < 0 ? result : 0);
}

void ioas_event_closed(struct ioas_super *s, struct ioas_ufile *ufile)
{
	struct ioas_event e;

	if (!ufile || !ioas_events_wanted(s))
		return;
	event_start(&e, IOAS_EVENT_CLOSE);
	/* Nobody calls: the last of many descriptors went away somewhere. */
	e.pid = 0;
	e.tid = 0;
	e.file = ufile;
	if (s->report && ioas_iommufd_of_file(ufile))
		ioas_report_release(s->report, ufile);
	event_tell(s, &e, 0);
}
