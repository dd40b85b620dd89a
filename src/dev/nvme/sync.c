/* SPDX-License-Identifier: MIT */
/*
 * sync: files are made to last by a thread, as that takes as long as it takes
 *
 *   begin (poll)       files |= ..., ticket = round + 1
 *   thread             round 7: files of 7 --fdatasync--> ended = 7
 *   done (poll)        ended >= ticket?
 *
 * A round has all that was asked for before it began; what is asked for later
 * waits for the next one. So many commands share a sync, and none is answered by
 * one that began before its data was written. Whoever lost interest, because of
 * a reset or an abort, just does not ask again.
 *
 * The thread is made for the first sync, and ends with the device. Without one
 * (the system has none to give) the sync is done at once.
 *
 * Locks: lock, which guards all but the files: held for moments, and nothing is
 * taken in it.
 */
#include <signal.h>

#include "base/bits.h"
#include "dev/nvme/nvme.h"

void ioas_nvme_sync_init(struct nvme *n)
{
	pthread_mutex_init(&n->sync.lock, NULL);
	pthread_cond_init(&n->sync.wake, NULL);
}

void ioas_nvme_sync_fini(struct nvme *n)
{
	struct nvme_sync *s = &n->sync;

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->running)
		pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
}

/* What is asked for, as a round; the lock is let go meanwhile. */
static void sync_round(struct nvme *n)
{
	struct nvme_sync *s = &n->sync;
	const uint64_t round = ++s->begun;
	const uint32_t files = s->files;
	int rc[NVME_NAMESPACES] = { 0 };
	unsigned int i;

	s->files = 0;
	pthread_mutex_unlock(&s->lock);
	for (i = 0; i < n->nr_ns; i++)
		if (files >> i & 1u)
			rc[i] = ioas_nvme_backing_sync(&n->ns[i]);
	pthread_mutex_lock(&s->lock);
	for (i = 0; i < n->nr_ns; i++)
		if (rc[i]) {
			s->failed[i] = round;
			s->error[i] = rc[i];
		}
	s->ended = round;
}

static void *sync_run(void *state)
{
	struct nvme *n = state;
	struct nvme_sync *s = &n->sync;

	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		if (s->files)
			sync_round(n);
		else
			pthread_cond_wait(&s->wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static bool sync_start(struct nvme *n)
{
	struct nvme_sync *s = &n->sync;
	sigset_t all, old;

	if (s->running)
		return true;
	/* Signals are for other threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	s->running = !pthread_create(&s->thread, NULL, sync_run, n);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return s->running;
}

uint64_t ioas_nvme_sync_begin(struct nvme *n, uint32_t files)
{
	struct nvme_sync *s = &n->sync;
	const bool thread = sync_start(n);
	uint64_t ticket;

	pthread_mutex_lock(&s->lock);
	ticket = s->begun + 1;
	s->files |= files;
	if (thread)
		pthread_cond_signal(&s->wake);
	else
		sync_round(n);
	pthread_mutex_unlock(&s->lock);
	return ticket;
}

bool ioas_nvme_sync_done(struct nvme *n, uint32_t files, uint64_t ticket,
			 int *rc)
{
	struct nvme_sync *s = &n->sync;
	bool done;
	unsigned int i;

	*rc = 0;
	pthread_mutex_lock(&s->lock);
	done = s->ended >= ticket;
	/* Also a later round's error may be about what was written by then. */
	for (i = 0; i < n->nr_ns && done; i++)
		if (files >> i & 1u && s->failed[i] >= ticket)
			*rc = s->error[i];
	pthread_mutex_unlock(&s->lock);
	return done;
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
	job->files = files;
	job->ticket = ioas_nvme_sync_begin(n, files);
	return NVME_PENDING;
}
