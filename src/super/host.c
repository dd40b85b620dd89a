/* SPDX-License-Identifier: MIT */
/*
 * host: the front end asks, the call in progress knows
 *
 * Descriptors and memory are those of the calling task, so each op looks for the
 * call that this thread serves. What happens in no call (a last close) needs
 * neither.
 */
#include "super/host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "origin/file.h"
#include "super/dmafault.h"
#include "super/eventfd.h"
#include "super/files.h"
#include "super/shm.h"
#include "super/task.h"
#include "super/trace.h"
#include "super/watch.h"

/* Offsets of our files that the filter can tell (filter.h). */
#define MMAP_BASE ((uint64_t)1 << 40)

static struct ioas_super *super_of(struct ioas_host *h)
{
	return ioas_container_of(h, struct ioas_super, host);
}

static int host_user_origin(struct ioas_host *h, struct ioas_origin **out)
{
	const struct ioas_call *c = ioas_call_current();

	(void)h;
	if (!c || !c->mm)
		return -ENOMEM;
	*out = c->mm->origin;
	return 0;
}

static int host_container_origin(struct ioas_host *h, struct ioas_origin **out)
{
	const struct ioas_call *c = ioas_call_current();

	(void)h;
	if (!c || !c->mm)
		return -ENOMEM;
	*out = c->mm->container_origin;
	return 0;
}

/*
 * A file of ours is no memory, though its inode could be mapped; and holding it
 * open would keep it from ever being released. Its origin is of something that
 * cannot be pinned, which is found out when it would be.
 */
static int no_memory(struct ioas_super *s, struct ioas_origin **out)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -ENOMEM;
	ret = ioas_origin_file_create(&s->backings, fd, out);
	close(fd);
	return ret;
}

static int host_file_origin(struct ioas_host *h, int32_t fd,
			    struct ioas_origin **out)
{
	struct ioas_call *c = ioas_call_current();
	struct ioas_super *s = super_of(h);
	struct ioas_fd_look look;
	int ret;

	if (!c || ioas_fd_look(c, fd, &look))
		return -EBADF;
	ret = look.file ? no_memory(s, out) :
			  ioas_origin_file_create(&s->backings, look.fd, out);
	ioas_fd_look_done(&look);
	return ret;
}

static int host_fd_reserve(struct ioas_host *h, struct ioas_ufile *file,
			   unsigned int flags, int32_t *fd)
{
	(void)h;
	return ioas_sfiles_reserve(ioas_call_current(), file, flags, fd);
}

static void host_fd_commit(struct ioas_host *h, int32_t fd,
			   struct ioas_ufile *file)
{
	(void)h;
	(void)fd;
	ioas_sfiles_commit(ioas_call_current(), file);
}

static void host_fd_cancel(struct ioas_host *h, int32_t fd)
{
	(void)h;
	(void)fd;
	ioas_sfiles_cancel(ioas_call_current());
}

static int host_fd_get(struct ioas_host *h, int32_t fd, struct ioas_ufile **out)
{
	struct ioas_call *c = ioas_call_current();
	struct ioas_fd_look look;
	struct ioas_ufile *u;
	int ret = -EINVAL, flags;

	(void)h;
	if (!c || ioas_fd_look(c, fd, &look))
		return -EBADF;
	u = look.file ? ioas_sfile_ufile(look.file) : NULL;
	flags = fcntl(look.fd, F_GETFL);
	if (flags < 0 || flags & O_PATH)
		ret = -EBADF;
	else if (u)
		ret = 0;
	if (!ret)
		*out = ioas_ufile_get(u);
	ioas_fd_look_done(&look);
	return ret;
}

/* Bytes of the memfd that the client has, which it maps by the same offset. */
static int host_shm_create(struct ioas_host *h, struct ioas_ufile *ufile,
			   uint64_t offset, uint64_t length,
			   struct ioas_shm *out)
{
	struct ioas_sfile *file;
	int ret = -ENOMEM;

	if (!ufile)
		return ioas_shm_of_own(length, out);
	file = ioas_sfiles_of(super_of(h)->files, ufile);
	if (file && ioas_sfile_memfd(file) >= 0)
		ret = ioas_shm_of_file(ioas_sfile_memfd(file), offset, length,
				       out);
	ioas_sfile_put(file);
	return ret;
}

static void host_shm_destroy(struct ioas_host *h, struct ioas_shm *shm)
{
	(void)h;
	ioas_shm_fini(shm);
}

/* The call in progress has the file open, so this is not its last reference. */
static int host_shm_lend(struct ioas_host *h, struct ioas_shm *shm,
			 struct ioas_ufile *ufile, uint64_t offset)
{
	struct ioas_sfile *file;
	int ret = -ENOMEM;

	if (!ufile) {
		ioas_shm_return(shm);
		return 0;
	}
	file = ioas_sfiles_of(super_of(h)->files, ufile);
	if (file && ioas_sfile_memfd(file) >= 0)
		ret = ioas_shm_lend(shm, ioas_sfile_memfd(file), offset);
	ioas_sfile_put(file);
	return ret;
}

static void host_file_changed(struct ioas_host *h, struct ioas_ufile *file)
{
	ioas_sfiles_changed(super_of(h)->files, file);
}

/* Locks are held: a reference to a file of ours could be the last one. */
static int host_event_get(struct ioas_host *h, int32_t fd,
			  struct ioas_uevent **out)
{
	struct ioas_call *c = ioas_call_current();
	const int copy = c ? ioas_client_fd(c, fd) : -EBADF;
	int ret;

	if (copy == -EMFILE || copy == -ENFILE)
		return -ENOMEM;
	if (copy < 0)
		return -EBADF;
	ret = ioas_eventfd_open(super_of(h)->eventfds, copy, out);
	if (ret)
		ioas_call_close_later(c, copy);
	return ret;
}

static void host_event_put(struct ioas_host *h, struct ioas_uevent *event)
{
	(void)h;
	ioas_eventfd_close(event);
}

static void host_event_signal(struct ioas_host *h, struct ioas_uevent *event)
{
	ioas_eventfd_signal(super_of(h)->eventfds, event);
}

static int host_event_watch(struct ioas_host *h, struct ioas_uevent *event,
			    const struct ioas_vdev *owner,
			    void (*fn)(void *ctx), void *ctx)
{
	return ioas_watches_add(super_of(h)->watches, owner,
				ioas_eventfd_fd(event), fn, ctx);
}

static void host_event_unwatch(struct ioas_host *h, struct ioas_uevent *event,
			       const struct ioas_vdev *owner, void *ctx)
{
	(void)event;
	ioas_watches_remove(super_of(h)->watches, owner, ctx);
}

static void host_command(struct ioas_host *h, const struct ioas_host_command *m)
{
	struct ioas_call *c = ioas_call_current();
	struct ioas_event *e = c ? c->event : NULL;

	ioas_dmafaults_command(super_of(h)->dmafaults, c, m);
	if (!e || m->size > sizeof(e->in))
		return;
	e->size = m->size;
	memcpy(e->in, m->in, m->size);
	memcpy(e->out, m->out, m->size);
}

static const struct ioas_host_ops host_ops = {
	.user_origin = host_user_origin,
	.container_origin = host_container_origin,
	.file_origin = host_file_origin,
	.fd_reserve = host_fd_reserve,
	.fd_commit = host_fd_commit,
	.fd_cancel = host_fd_cancel,
	.fd_get = host_fd_get,
	.shm_create = host_shm_create,
	.shm_destroy = host_shm_destroy,
	.shm_lend = host_shm_lend,
	.file_changed = host_file_changed,
	.event_get = host_event_get,
	.event_put = host_event_put,
	.event_signal = host_event_signal,
	.event_watch = host_event_watch,
	.event_unwatch = host_event_unwatch,
};

int ioas_super_host_init(struct ioas_super *s)
{
	const uint8_t lg2 = (uint8_t)ioas_log2((uint64_t)sysconf(_SC_PAGESIZE));
	const struct ioas_uapi_options u = {
		.host = &s->host,
		.test_abi = s->opts->test_abi,
		.mmap_base = MMAP_BASE,
	};
	int ret;

	s->host_ops = host_ops;
	/* Requests are copied for it, so only if somebody listens. */
	if (s->opts->trace || s->opts->report || s->opts->nr_devices)
		s->host_ops.command = host_command;
	s->host.ops = &s->host_ops;
	s->host.page_lg2 = lg2;
	/* A table of one page, of entries of 8 bytes each. */
	s->host.huge_lg2 = (uint8_t)(2 * lg2 - 3);
	s->host.frames = &s->frames;
	ret = ioas_eventfds_create(&s->eventfds);
	if (!ret)
		ret = ioas_watches_create(&s->watches);
	if (!ret)
		ret = ioas_frames_init(&s->frames, lg2);
	if (!ret)
		ret = ioas_backings_init(&s->backings, &s->frames);
	if (!ret)
		ret = ioas_uapi_create(&u, &s->uapi);
	return ret;
}

void ioas_super_host_fini(struct ioas_super *s)
{
	ioas_uapi_destroy(s->uapi);
	ioas_backings_fini(&s->backings);
	ioas_frames_fini(&s->frames);
	ioas_watches_destroy(s->watches);
	ioas_eventfds_destroy(s->eventfds);
}
