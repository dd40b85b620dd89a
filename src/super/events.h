/* SPDX-License-Identifier: MIT */
/*
 * events: what is told to trace and report (trace.h)
 */
#ifndef IOAS_SUPER_EVENTS_H
#define IOAS_SUPER_EVENTS_H

#include "super/trace.h"

/* Does anybody want to know? */
static inline bool ioas_events_wanted(const struct ioas_super *s)
{
	return s->trace || s->report;
}

/* Of a call that begins: in @e, and in c->event; nothing if nobody listens. */
void ioas_event_begin(struct ioas_call *c, struct ioas_event *e,
		      enum ioas_event_kind kind, int fd, struct ioas_ufile *file);
/* Of an ioctl. */
void ioas_event_request(struct ioas_call *c, uint32_t cmd, uint64_t arg);
/* Of a read or write: bytes; where, or negative. */
void ioas_event_transfer(struct ioas_call *c, uint64_t count, int64_t position);
/* And ends. */
void ioas_event_end(struct ioas_call *c, int64_t result);

/* A descriptor of @ufile was given to the client, or could not be. */
void ioas_event_opened(struct ioas_call *c, struct ioas_ufile *ufile, int flags,
		       int64_t result);
/* The last descriptor of @ufile is closed; it is released after this. */
void ioas_event_closed(struct ioas_super *s, struct ioas_ufile *ufile);

#endif
