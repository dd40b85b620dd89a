/* SPDX-License-Identifier: MIT */
/*
 * sync: files are made to last by threads, as that takes as long as it takes
 *
 *   begin (poll)       asked, ticket = begun + 1
 *   thread             sync 7: --fdatasync--> ended = 7
 *   done (poll)        ended >= ticket?
 *
 * A sync has all that was asked for before it began; what is asked for later
 * waits for the next one. So many commands share a sync, and none is answered by
 * one that began before its data was written. Whoever lost interest, because of
 * a reset or an abort, just does not ask again.
 *
 * The kernel tells of data that it could not write once, and what fails to be
 * written may be dropped: the next sync is fine. So an error is kept until it is
 * told. All who wait for that sync are told; if none does any more, then who
 * waits for the next one.
 *
 * A file has a thread of its own, so that none waits for another one. It is made
 * for the first sync, and ends with the device. Without one (the system has none
 * to give) the sync is done at once.
 *
 * Locks: lock, of each file, which guards all but the file: held for moments,
 * and nothing is taken in it.
 */
#include <signal.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

void ioas_nvme_sync_init(struct nvme *n)
{
	unsigned int i;

	for (i = 0; i < NVME_NAMESPACES; i++) {
		pthread_mutex_init(&n->ns[i].sync.lock, NULL);
		pthread_cond_init(&n->ns[i].sync.wake, NULL);
	}
}

void ioas_nvme_sync_fini(struct nvme *n)
{
	unsigned int i;

	for (i = 0; i < NVME_NAMESPACES; i++) {
		struct nvme_sync *s = &n->ns[i].sync;

		pthread_mutex_lock(&s->lock);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		if (s->running)
			pthread_join(s->thread, NULL);
		pthread_cond_destroy(&s->wake);
		pthread_mutex_destroy(&s->lock);
	}
}

/* One for all that asked; the lock is let go meanwhile. */
static void sync_once(struct nvme_ns *ns)
{
	struct nvme_sync *s = &ns->sync;
	const uint64_t now = ++s->begun;
	int rc;

	s->asked = false;
	pthread_mutex_unlock(&s->lock);
	rc = ioas_nvme_backing_sync(ns);
	pthread_mutex_lock(&s->lock);
	if (rc) {
		s->failed = now;
		s->error = rc;
		s->untold = true;
	}
	s->ended = now;
}

static void *sync_run(void *file)
{
	struct nvme_ns *ns = file;
	struct nvme_sync *s = &ns->sync;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (s->asked)
			sync_once(ns);
		else
			pthread_cond_wait(&s->wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static bool sync_start(struct nvme_ns *ns)
{
	struct nvme_sync *s = &ns->sync;
	sigset_t all, old;

	if (s->running)
		return true;
	/* Signals are for other threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->running = !pthread_create(&s->thread, NULL, sync_run, ns);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s->running;
}

static uint64_t file_begin(struct nvme_ns *ns)
{
	struct nvme_sync *s = &ns->sync;
	const bool thread = sync_start(ns);
	uint64_t ticket;

	pthread_mutex_lock(&s->lock);
	ticket = s->begun + 1;
	s->asked = true;
	if (thread)
		pthread_cond_signal(&s->wake);
	else
		sync_once(ns);
	pthread_mutex_unlock(&s->lock);
	return ticket;
}

void ioas_nvme_sync_begin(struct nvme *n, uint32_t files, struct nvme_wait *w)
{
	unsigned int i;

	w->files = files;
	for (i = 0; i < n->nr_ns; i++)
		if (files >> i & 1u)
			w->ticket[i] = file_begin(&n->ns[i]);
}

static bool file_done(struct nvme_sync *s, uint64_t ticket)
{
	bool done;

	pthread_mutex_lock(&s->lock);
	done = s->ended >= ticket;
	pthread_mutex_unlock(&s->lock);
	return done;
}

bool ioas_nvme_sync_done(struct nvme *n, const struct nvme_wait *w)
{
	bool done = true;
	unsigned int i;

	for (i = 0; i < n->nr_ns && done; i++)
		if (w->files >> i & 1u)
			done = file_done(&n->ns[i].sync, w->ticket[i]);
	return done;
}

static int file_tell(struct nvme_sync *s, uint64_t ticket)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	/* Also a later one's error may be about what was written by then. */
	if (s->untold || s->failed >= ticket)
		rc = s->error;
	s->untold = false;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int ioas_nvme_sync_tell(struct nvme *n, const struct nvme_wait *w)
{
	unsigned int i;
	int rc = 0, one;

	for (i = 0; i < n->nr_ns; i++) {
		if (!(w->files >> i & 1u))
			continue;
		one = file_tell(&n->ns[i].sync, w->ticket[i]);
		if (one)
			rc = one;
	}
	return rc;
}

uint32_t ioas_nvme_sync_files(const struct nvme *n, uint32_t nsid)
{
	uint32_t files = 0;
	unsigned int i;

	for (i = 0; i < n->nr_ns; i++)
		if ((nsid == NVME_BROADCAST || nsid == i + 1) &&
		    !n->ns[i].read_only)
			files |= 1u << i;
	return files;
}

uint16_t ioas_nvme_sync_job(struct nvme *n, struct nvme_sq *sq,
			    const struct nvme_cmd *cmd, uint32_t files)
{
	struct nvme_job *job = &sq->job;

	if (!files)
		return NVME_OK;
	job->active = true;
	job->cmd = *cmd;
	ioas_nvme_sync_begin(n, files, &job->sync);
	return NVME_PENDING;
}
