/* SPDX-License-Identifier: MIT */
/*
 * trace: hand events to the listener
 *
 *   passing a point:  nr_inside++;  l = listener;  call l;  nr_inside--
 *   unlisten:         listener = NULL;  wait until nr_inside is zero
 *
 * Both sides write first and read then, sequentially consistent: either the
 * event sees no listener, or unlisten sees the event inside.
 *
 * Locks: changing guards @listener against the next listener until unlisten
 * has seen everybody leave, whom the last event would not wake otherwise.
 */
#include "plat/posix/trace_listen.h"

#include "base/errno.h"

_Atomic uint32_t ioas_plat_trace_on;

static const struct ioas_trace_listener *_Atomic listener;
static _Atomic uint32_t nr_inside;
static struct ioas_mutex changing;

void ioas_plat_trace(unsigned int point, uint64_t a, uint64_t b, uint64_t c)
{
	const struct ioas_trace_listener *l;

	atomic_fetch_add(&nr_inside, 1);
	l = atomic_load(&listener);
	if (l)
		l->event(l->arg, point, a, b, c);
	/* Last one out, and nobody listens any more: somebody may wait. */
	if (atomic_fetch_sub(&nr_inside, 1) == 1 && !atomic_load(&listener))
		ioas_plat_wake(&nr_inside);
}

int ioas_trace_listen(const struct ioas_trace_listener *l)
{
	int ret = -EBUSY;

	ioas_plat_mutex_lock(&changing);
	if (!atomic_load(&listener)) {
		atomic_store(&listener, l);
		atomic_store(&ioas_plat_trace_on, 1);
		ret = 0;
	}
	ioas_plat_mutex_unlock(&changing);
	return ret;
}

void ioas_trace_unlisten(void)
{
	uint32_t n;

	ioas_plat_mutex_lock(&changing);
	atomic_store(&ioas_plat_trace_on, 0);
	atomic_store(&listener, NULL);
	while ((n = atomic_load(&nr_inside)))
		ioas_plat_wait(&nr_inside, n);
	ioas_plat_mutex_unlock(&changing);
}
