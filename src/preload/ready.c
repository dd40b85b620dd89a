/* SPDX-License-Identifier: MIT */
/*
 * ready: the placeholder of a queue can be read when the queue can
 *
 *   queue --file_changed--> add 1      poll, select, epoll see the eventfd
 *   program reads the queue --> take all, look again --> add 1 if need be
 *
 * So a program may wait for our files and for others in any way that it likes.
 * An event between "take all" and "look again" adds, and at worst is seen
 * twice: a reader finds nothing, and takes all again.
 *
 * Locks: lock, the innermost of all; a queue's own lock is held when it tells
 * us. resync_lock keeps two readers from looking in the wrong order; queues are
 * asked under it, so nobody who holds a queue's lock takes it.
 */
#include <pthread.h>

#include "preload/preload.h"
#include "uapi/host.h"

/* More queues than that are simply always readable. */
#define WATCHED_MAX 4096u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t resync_lock = PTHREAD_MUTEX_INITIALIZER;

/* One for each number of a queue. No reference: a number has one. */
static struct {
	struct ioas_ufile *file;
	int fd;
} watched[WATCHED_MAX];
static _Atomic uint32_t nr_watched;

/* What the host does itself. */
static const struct ioas_host_ops *host_ops;
static struct ioas_host_ops ops;

void ioas_preload_watch(struct ioas_ufile *file, int fd)
{
	uint32_t nr;

	pthread_mutex_lock(&lock);
	nr = atomic_load(&nr_watched);
	if (nr < WATCHED_MAX) {
		watched[nr].file = file;
		watched[nr].fd = fd;
		atomic_store(&nr_watched, nr + 1);
	}
	pthread_mutex_unlock(&lock);
}

struct ioas_ufile *ioas_preload_unwatch(int fd)
{
	struct ioas_ufile *file = NULL;
	uint32_t nr;

	if (!atomic_load(&nr_watched))
		return NULL;
	pthread_mutex_lock(&lock);
	nr = atomic_load(&nr_watched);
	for (uint32_t i = 0; i < nr && !file; i++) {
		if (watched[i].fd == fd) {
			file = watched[i].file;
			watched[i] = watched[nr - 1];
			atomic_store(&nr_watched, nr - 1);
		}
	}
	pthread_mutex_unlock(&lock);
	return file;
}

void ioas_preload_unwatch_all(void)
{
	pthread_mutex_init(&lock, NULL);
	pthread_mutex_init(&resync_lock, NULL);
	atomic_store(&nr_watched, 0);
}

/*
 * Under lock a number that is watched is not given to anything else. None of
 * these blocks: a placeholder never does.
 */
static void ready_set(const struct ioas_ufile *file, bool ready)
{
	const int saved = errno;
	uint64_t count = 1;
	ssize_t n = 0;
	uint32_t nr;

	pthread_mutex_lock(&lock);
	nr = atomic_load(&nr_watched);
	for (uint32_t i = 0; i < nr; i++) {
		if (watched[i].file != file)
			continue;
		if (ready)
			n = NEXT(write)(watched[i].fd, &count, sizeof(count));
		else
			n = NEXT(read)(watched[i].fd, &count, sizeof(count));
		break;
	}
	pthread_mutex_unlock(&lock);
	/* Full, or empty: as good. */
	(void)n;
	errno = saved;
}

void ioas_preload_resync(struct ioas_local *l, int fd)
{
	struct ioas_ufile *file;

	if (!atomic_load(&nr_watched) || ioas_local_file(l, fd, &file))
		return;
	if (file->ops->poll) {
		pthread_mutex_lock(&resync_lock);
		ready_set(file, false);
		if (file->ops->poll(file) & IOAS_POLLIN)
			ready_set(file, true);
		pthread_mutex_unlock(&resync_lock);
	}
	ioas_ufile_put(file);
}

static void on_commit(struct ioas_host *h, int32_t fd, struct ioas_ufile *file)
{
	/* New, and of no device yet: there is nothing to be read. */
	if (file->ops->poll) {
		ioas_preload_watch(file, fd);
		ready_set(file, false);
	}
	host_ops->fd_commit(h, fd, file);
}

static void on_change(struct ioas_host *h, struct ioas_ufile *file)
{
	host_ops->file_changed(h, file);
	ready_set(file, true);
}

void ioas_preload_follow(struct ioas_local *l)
{
	struct ioas_host *h = ioas_local_host(l);

	host_ops = h->ops;
	ops = *host_ops;
	ops.fd_commit = on_commit;
	ops.file_changed = on_change;
	h->ops = &ops;
}
