/* SPDX-License-Identifier: MIT */
/*
 * events: filled where things happen, handed to whoever listens
 */
#include "super/events.h"

#include <string.h>
#include <time.h>

#include "super/decode.h"
#include "super/devices.h"
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
	e->placed = false;
}

static void event_file(struct ioas_event *e, const struct ioas_super *s,
		       struct ioas_ufile *file)
{
	e->file = file;
	e->name = file ? ioas_devices_name(s->devices, file) : NULL;
	e->device = e->name;
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
	event_file(e, c->s, file);
	c->event = e;
}

/* ---- requests of devices ------------------------------------------------ */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/*
 * The front end has its own copy, which it does not tell of. What cannot be read
 * is not shown. Return: how many bytes are in @to.
 */
static uint32_t request_read(struct ioas_call *c, const struct ioas_event *e,
			     uint8_t to[IOAS_UCMD_MAX])
{
	uint32_t size, argsz;

	switch (ioas_device_request(e->cmd, &size)) {
	case IOAS_REQUEST_ARGSZ:
		if (ioas_call_read(c, &argsz, e->arg, sizeof(argsz)))
			return 0;
		size = least(size, argsz);
		break;
	case IOAS_REQUEST_WHOLE:
		break;
	case IOAS_REQUEST_TEXT:
		size = least(size, IOAS_UCMD_MAX);
		return ioas_call_string(c, e->arg, (char *)to, size) < 0 ?
			       0 :
			       (uint32_t)strlen((char *)to) + 1;
	case IOAS_REQUEST_TOLD:
		return 0;
	}
	size = least(size, IOAS_UCMD_MAX);
	return ioas_call_read(c, to, e->arg, size) ? 0 : size;
}

void ioas_event_request(struct ioas_call *c, uint32_t cmd, uint64_t arg)
{
	struct ioas_event *e = c->event;

	if (!e)
		return;
	e->cmd = cmd;
	e->arg = arg;
	if (e->device)
		e->size = request_read(c, e, e->in);
}

/* As it is now; where it cannot be read any more, as it was. */
static void request_done(struct ioas_call *c, struct ioas_event *e)
{
	if (e->kind != IOAS_EVENT_COMMAND || !e->device || !e->size)
		return;
	memcpy(e->out, e->in, e->size);
	(void)request_read(c, e, e->out);
}

void ioas_event_transfer(struct ioas_call *c, uint64_t count, int64_t position)
{
	struct ioas_event *e = c->event;

	if (!e)
		return;
	e->arg = count;
	e->placed = position >= 0;
	e->position = (uint64_t)position;
}

void ioas_event_end(struct ioas_call *c, int64_t result)
{
	if (!c->event)
		return;
	request_done(c, c->event);
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
	event_file(&e, c->s, ufile);
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
	event_file(&e, s, ufile);
	if (s->report && ioas_iommufd_of_file(ufile))
		ioas_report_release(s->report, ufile);
	event_tell(s, &e, 0);
}
