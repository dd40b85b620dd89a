/* SPDX-License-Identifier: MIT */
/*
 * files: inodes that clients hold, from open to last close
 *
 *   reserve / open   memfd + a second struct file for the client, watched;
 *                    or a socket pair (queue.h)
 *   ADDFD            the client has it; in the tables
 *   IN_CLOSE         the client's is gone; out of the tables; released
 *
 *  F1  a file is in the tables from before the client can name it until its last
 *      close; the tables hold a reference
 *  F2  one inode, one watch: a watch tells of its last close once. So as many
 *      watches per inotify instance as its queue has room for, and none is lost
 */
#include "super/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "origin/vma.h"
#include "super/devices.h"
#include "super/events.h"
#include "super/files_impl.h"
#include "super/maps.h"
#include "uapi/vdev/vdev.h"

/* Fewer than the queue of an instance has room for, however set (16384). */
#define WATCHES_MAX 4096
/* Every offset that mmap(2) takes. */
#define MEMFD_SIZE ((off_t)INT64_MAX & ~(off_t)0xffff)

static struct ioas_list *inode_slot(struct ioas_sfiles *f, uint64_t ino)
{
	return &f->by_inode[ino % IOAS_SFILE_SLOTS];
}

static struct ioas_list *ufile_slot(struct ioas_sfiles *f,
				    const struct ioas_ufile *u)
{
	return &f->by_ufile[((uintptr_t)u >> 5) % IOAS_SFILE_SLOTS];
}

/* ---- one file ----------------------------------------------------------- */

/* What a client's file does in the end, it does on nobody's behalf. */
static int nothing_from(struct ioas_caller *c, void *dst, uint64_t src,
			size_t length)
{
	(void)c, (void)dst, (void)src, (void)length;
	return -EFAULT;
}

static int nothing_to(struct ioas_caller *c, uint64_t dst, const void *src,
		      size_t length)
{
	(void)c, (void)dst, (void)src, (void)length;
	return -EFAULT;
}

static void ufile_release(struct ioas_ufile *ufile)
{
	static const struct ioas_uaccess_ops nothing = { nothing_from,
							 nothing_to };
	struct ioas_caller caller = { .uaccess = &nothing };
	struct ioas_caller *old = ioas_caller_enter(&caller);

	ioas_ufile_put(ufile);
	ioas_caller_leave(old);
}

/* Out of whatever it is in; nobody has a reference. */
static void sfile_free(struct ioas_sfile *file)
{
	if (file->ufile)
		ufile_release(file->ufile);
	if (file->text && file->text->release)
		file->text->release(file->data);
	ioas_squeue_destroy(file->queue);
	if (file->wd >= 0)
		inotify_rm_watch(file->instance->fd, file->wd);
	ioas_task_put(file->opener);
	if (file->memfd >= 0)
		close(file->memfd);
	if (file->client >= 0)
		close(file->client);
	free(file);
}

void ioas_sfile_put(struct ioas_sfile *file)
{
	if (file && atomic_fetch_sub(&file->refs, 1) == 1)
		sfile_free(file);
}

static struct ioas_sfile *sfile_get(struct ioas_sfile *file)
{
	atomic_fetch_add(&file->refs, 1);
	return file;
}

struct ioas_ufile *ioas_sfile_ufile(const struct ioas_sfile *file)
{
	return file->ufile;
}

const char *ioas_sfile_name(const struct ioas_sfile *file)
{
	return *file->name ? file->name : file->ufile->ops->name;
}

int ioas_sfile_memfd(const struct ioas_sfile *file)
{
	return file->memfd;
}

void ioas_sfile_inode(const struct ioas_sfile *file, uint64_t *dev,
		      uint64_t *ino)
{
	*dev = file->dev;
	*ino = file->ino;
}

static void tables_add(struct ioas_sfiles *f, struct ioas_sfile *file)
{
	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	sfile_get(file);
	ioas_list_add_tail(inode_slot(f, file->ino), &file->by_inode);
	ioas_list_add_tail(ufile_slot(f, file->ufile), &file->by_ufile);
	ioas_mutex_unlock(&f->lock);
}

static void tables_remove(struct ioas_sfiles *f, struct ioas_sfile *file)
{
	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	ioas_list_del(&file->by_inode);
	ioas_list_del(&file->by_ufile);
	if (file->instance)
		file->instance->live--;
	ioas_mutex_unlock(&f->lock);
}

static void closing_release(struct ioas_closing *self)
{
	ioas_sfile_put(ioas_container_of(self, struct ioas_sfile, closing));
}

/* The last descriptor is closed. One drain at a time: nobody else takes it. */
static void sfile_closed(struct ioas_super *s, struct ioas_sfile *file)
{
	tables_remove(s->files, file);
	ioas_event_closed(s, file->ufile);
	ioas_smaps_closed(s->maps, file->dev, file->ino);
	/*
	 * At the end of a run there is no closer. Before, it is not needed if
	 * nobody has a lock: no call does, and no device, which may wait for
	 * memory with its own.
	 */
	if (!s->closer || (!atomic_load(&s->serving) && !s->devices)) {
		ioas_sfile_put(file);
		return;
	}
	file->closing.release = closing_release;
	ioas_closer_add(s->closer, &file->closing);
}

/* ---- last close: inotify ------------------------------------------------ */

static struct ioas_sfile *sfile_of_watch(struct ioas_sfiles *f,
					 const struct instance *in, int wd)
{
	struct ioas_sfile *found = NULL;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	for (unsigned int i = 0; i < IOAS_SFILE_SLOTS && !found; i++) {
		ioas_list_for_each(l, &f->by_inode[i]) {
			struct ioas_sfile *file = ioas_list_entry(
				l, struct ioas_sfile, by_inode);

			if (file->instance == in && file->wd == wd)
				found = file;
		}
	}
	ioas_mutex_unlock(&f->lock);
	return found;
}

/*
 * Has nobody but us the file open? A lease for writing is given only then. The
 * kernel tells of a close just before it counts it, so "no" may be too early.
 */
static bool is_alone(const struct ioas_sfile *file)
{
	if (fcntl(file->memfd, F_SETLEASE, F_WRLCK))
		return errno != EAGAIN;
	fcntl(file->memfd, F_SETLEASE, F_UNLCK);
	return true;
}

/*
 * Usually the last close. Or somebody outside of the run has opened the file by
 * its name in /proc and closed it again.
 */
static void sfile_close_seen(struct ioas_super *s, struct ioas_sfile *file)
{
	if (is_alone(file)) {
		ioas_list_del(&file->doubt);
		ioas_list_init(&file->doubt);
		sfile_closed(s, file);
	} else if (ioas_list_empty(&file->doubt)) {
		ioas_list_add_tail(&s->files->doubtful, &file->doubt);
	}
}

/* Something was not told. */
static void doubt_all(struct ioas_sfiles *f, const struct instance *in)
{
	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	for (unsigned int i = 0; i < IOAS_SFILE_SLOTS; i++) {
		ioas_list_for_each(l, &f->by_inode[i]) {
			struct ioas_sfile *file = ioas_list_entry(
				l, struct ioas_sfile, by_inode);

			if (file->instance == in &&
			    ioas_list_empty(&file->doubt))
				ioas_list_add_tail(&f->doubtful, &file->doubt);
		}
	}
	ioas_mutex_unlock(&f->lock);
}

bool ioas_sfiles_look_again(struct ioas_sfiles *f)
{
	ioas_list_for_each_safe(l, tmp, &f->doubtful)
		sfile_close_seen(f->s,
				 ioas_list_entry(l, struct ioas_sfile, doubt));
	return !ioas_list_empty(&f->doubtful);
}

/*
 * Somebody wrote to a text file by a descriptor that the filter cannot tell,
 * such as a shell that redirects its output. Where the position was is zero.
 */
static void text_modified(struct ioas_super *s, struct ioas_sfile *file)
{
	struct ioas_call c = { .s = s, .task = file->opener };
	char text[IOAS_TEXT_MAX];
	const ssize_t n = pread(file->memfd, text, sizeof(text), 0);
	ssize_t at = 0;
	int ret;

	if (n <= 0)
		return;
	while (at < n && !text[at])
		at++;
	c.n.tid = c.task->tid;
	ret = file->text->store(&c, file->data, text + at, (size_t)(n - at));
	if (ret < 0)
		ioas_super_warn(s, "%s: %s", file->name, strerror(-ret));
	/* This is a change as well, but to nothing. */
	if (ftruncate(file->memfd, 0))
		ioas_super_note(s, "%s: %s", file->name, strerror(errno));
}

static void instance_fire(struct ioas_super *s, struct ioas_source *source,
			  uint32_t events)
{
	struct instance *in = ioas_container_of(source, struct instance, source);
	_Alignas(struct inotify_event) char room[4096];
	int left = 0;
	ssize_t n;

	(void)events;
	/* What happened so far: a client can make more while we read. */
	ioctl(in->fd, FIONREAD, &left);
	while (left > 0 && (n = read(in->fd, room, sizeof(room))) > 0) {
		left -= (int)n;
		for (char *at = room; at < room + n;) {
			const struct inotify_event *e = (const void *)at;
			struct ioas_sfile *file = NULL;

			if (e->mask & IN_Q_OVERFLOW)
				doubt_all(s->files, in);
			if (e->mask & (IN_CLOSE | IN_MODIFY))
				file = sfile_of_watch(s->files, in, e->wd);
			if (file && e->mask & IN_MODIFY)
				text_modified(s, file);
			if (file && e->mask & IN_CLOSE)
				sfile_close_seen(s, file);
			at += sizeof(*e) + e->len;
		}
	}
}

static int instance_open(struct ioas_sfiles *f, struct instance *in)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), ret;

	if (fd < 0)
		return -EMFILE;
	ret = ioas_super_listen(f->s, fd, EPOLLIN, &in->source);
	if (ret)
		close(fd);
	else
		in->fd = fd;
	return ret;
}

/*
 * An instance with room for one more watch, counted. Text files, of which much
 * can be told, have one of their own. Return: 0, -EMFILE, -ENOMEM.
 */
static int instance_get(struct ioas_sfiles *f, bool text,
			struct instance **out)
{
	const unsigned int last = text ? 1 : IOAS_SFILE_INSTANCES;
	struct instance *in = NULL;
	int ret = -EMFILE;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	for (unsigned int i = text ? 0 : 1; i < last && !in; i++)
		if (f->instance[i].live < WATCHES_MAX)
			in = &f->instance[i];
	if (in)
		ret = in->fd < 0 ? instance_open(f, in) : 0;
	if (!ret) {
		in->live++;
		*out = in;
	}
	ioas_mutex_unlock(&f->lock);
	return ret;
}

static void instance_put(struct ioas_sfiles *f, struct instance *in)
{
	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	in->live--;
	ioas_mutex_unlock(&f->lock);
}

/* ---- last close: end of a socket pair ----------------------------------- */

static void queue_fire(struct ioas_super *s, struct ioas_source *source,
		       uint32_t events)
{
	struct ioas_sfile *file =
		ioas_container_of(source, struct ioas_sfile, source);

	(void)events;
	if (!ioas_squeue_event(file->queue))
		return;
	epoll_ctl(s->epoll, EPOLL_CTL_DEL, ioas_squeue_fd(file->queue), NULL);
	sfile_closed(s, file);
}

/* ---- making one --------------------------------------------------------- */

static int errno_of_open(void)
{
	return errno == EMFILE || errno == ENFILE ? -EMFILE : -ENOMEM;
}

/* Which it is, as fstat(2) tells of either struct file. */
static int sfile_inode_learn(struct ioas_sfile *file, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -ENOMEM;
	file->dev = ioas_vma_dev(major(st.st_dev), minor(st.st_dev));
	file->ino = st.st_ino;
	return 0;
}

/*
 * memfd_create(2)'s own struct file is not counted as one that writes, so that
 * it gets a lease when there is another, and none when there is not: ours is
 * opened as others are.
 */
static int memfd_open(const char *name)
{
	const int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char path[32];
	int counted;

	if (fd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	counted = open(path, O_RDWR | O_CLOEXEC);
	close(fd);
	return counted;
}

static int memfd_make(struct ioas_sfile *file, const char *name)
{
	file->memfd = memfd_open(name);
	if (file->memfd < 0)
		return errno_of_open();
	if (file->ufile && ftruncate(file->memfd, MEMFD_SIZE))
		return -ENOMEM;
	if (file->ufile && fcntl(file->memfd, F_ADD_SEALS,
				 F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -ENOMEM;
	return sfile_inode_learn(file, file->memfd);
}

/* The client's struct file, which is watched. @flags as open(2)'s. */
static int memfd_again(struct ioas_sfiles *f, struct ioas_sfile *file,
		       int flags)
{
	char path[32];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file->memfd);
	file->client = open(path, (flags & (O_ACCMODE | O_NONBLOCK)) |
					  O_CLOEXEC);
	if (file->client < 0)
		return errno_of_open();
	/* At its end: a read that is not trapped finds nothing to read. */
	if (file->ufile && lseek(file->client, MEMFD_SIZE, SEEK_SET) < 0)
		return -ENOMEM;
	ret = instance_get(f, file->text, &file->instance);
	if (ret)
		return ret;
	/* None of ours is closed before the client's, but for errors. */
	file->wd = inotify_add_watch(file->instance->fd, path,
				     IN_CLOSE | (file->text ? IN_MODIFY : 0));
	if (file->wd < 0) {
		instance_put(f, file->instance);
		file->instance = NULL;
		return errno == ENOSPC ? -EMFILE : -ENOMEM;
	}
	return 0;
}

static struct ioas_sfile *sfile_alloc(struct ioas_super *s)
{
	struct ioas_sfile *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	atomic_store(&file->refs, 1);
	file->s = s;
	ioas_list_init(&file->doubt);
	file->memfd = -1;
	file->client = -1;
	file->wd = -1;
	file->source.fire = queue_fire;
	return file;
}

/* A file for @ufile, whose reference is not taken on error. */
static int sfile_create(struct ioas_super *s, struct ioas_ufile *ufile,
			int flags, struct ioas_sfile **out)
{
	struct ioas_sfile *file = sfile_alloc(s);
	int ret;

	if (!file)
		return -ENOMEM;
	file->ufile = ufile;
	if (ufile->ops->poll) {
		ret = ioas_squeue_create(ufile, &file->queue, &file->client);
		if (!ret)
			ret = sfile_inode_learn(file, file->client);
	} else {
		ret = memfd_make(file, ufile->ops->name);
		if (!ret)
			ret = memfd_again(s->files, file, flags);
	}
	if (ret) {
		file->ufile = NULL;
		ioas_sfile_put(file);
		return ret;
	}
	*out = file;
	return 0;
}

/* The client has it, or will in a moment. */
static int sfile_start(struct ioas_super *s, struct ioas_sfile *file)
{
	int ret = 0;

	if (file->queue)
		ret = ioas_super_listen(s, ioas_squeue_fd(file->queue),
					EPOLLIN | EPOLLOUT | EPOLLRDHUP |
						EPOLLET,
					&file->source);
	if (!ret)
		tables_add(s->files, file);
	return ret;
}

/*
 * Our descriptor of the client's file is in the way of its last close; if the
 * client has none, because it was killed, this is the last close.
 */
static void sfile_given(struct ioas_sfile *file)
{
	const int fd = file->client;

	file->client = -1;
	close(fd);
	ioas_sfile_put(file);
}

/* ---- numbers ------------------------------------------------------------- */

/* Give the client its struct file, at @at. Return: the number or -errno. */
static int sfile_give(struct ioas_call *c, struct ioas_sfile *file, int at,
		      unsigned int flags)
{
	const int ret = sfile_start(c->s, file);

	if (ret)
		return ret;
	return ioas_notify_addfd(c->s->notify, &c->n, file->client, at, flags);
}

static unsigned int add_flags(unsigned int flags)
{
	return flags & IOAS_FD_CLOEXEC ? IOAS_ADDFD_CLOEXEC : 0;
}

/*
 * Numbers that the filter can tell are few. Without one, the client gets the
 * file at once, at whatever number is free: nobody knows before that which.
 */
int ioas_sfiles_reserve(struct ioas_call *c, struct ioas_ufile *ufile,
			unsigned int flags, int32_t *fd)
{
	struct ioas_sfile *file;
	int number = ioas_sfiles_number(c, 0), ret;

	if (number == -ESRCH)
		return -EMFILE;
	ret = sfile_create(c->s, ufile, O_RDWR, &file);
	if (ret)
		return ret;
	file->add_flags = add_flags(flags);
	c->pending = file;
	if (number < 0) {
		number = ioas_notify_addfd(c->s->notify, &c->n, file->client,
					   -1, file->add_flags);
		file->given = number >= 0;
	}
	if (number < 0) {
		ioas_sfiles_cancel(c);
		return number == -ENOMEM ? number : -EMFILE;
	}
	file->number = number;
	*fd = number;
	return 0;
}

void ioas_sfiles_commit(struct ioas_call *c, struct ioas_ufile *ufile)
{
	struct ioas_sfile *file = c->pending;
	int ret = 0;

	c->pending = NULL;
	if (IOAS_CHECK(!file || file->ufile != ufile))
		return;
	if (file->given)
		ret = sfile_start(c->s, file);
	else
		ret = sfile_give(c, file, file->number, file->add_flags);
	/* What has happened to it so far was not seen by its poll. */
	ioas_sfiles_changed(c->s->files, ufile);
	/* Who has been killed does not miss it. */
	if (ret < 0 && ret != -ENOENT)
		ioas_super_warn(c->s, "descriptor %d of process %d: %s",
				file->number, c->task->process->pid,
				strerror(-ret));
	sfile_given(file);
}

void ioas_sfiles_cancel(struct ioas_call *c)
{
	struct ioas_sfile *file = c->pending;

	c->pending = NULL;
	if (IOAS_CHECK(!file))
		return;
	/*
	 * What the client has already stays open there, and never was a file of
	 * ours: nobody can close a descriptor of another process.
	 */
	if (file->instance)
		instance_put(c->s->files, file->instance);
	/* The reference stays with who could not use it. */
	file->ufile = NULL;
	ioas_sfile_put(file);
}

/* ---- open --------------------------------------------------------------- */

/* Answer with the client's end of @file; takes the reference. */
static enum ioas_verdict sfile_send(struct ioas_call *c,
				    struct ioas_sfile *file, int at, int flags,
				    int64_t *value)
{
	const unsigned int add = IOAS_ADDFD_SEND |
				 (flags & O_CLOEXEC ? IOAS_ADDFD_CLOEXEC : 0);
	const int ret = sfile_give(c, file, at, add);

	*value = ret;
	ioas_event_opened(c, file->ufile, flags, ret);
	/* If the client did not get it, this closes it for good. */
	sfile_given(file);
	return ret < 0 ? IOAS_CALL_RETURN : IOAS_CALL_SENT;
}

enum ioas_verdict ioas_sfiles_open(struct ioas_call *c, struct ioas_ufile *ufile,
				   int flags, int64_t *value)
{
	struct ioas_devices *d = c->s->devices;
	const char *name = d ? ioas_devices_name(d, ufile) : NULL;
	struct ioas_sfile *file;
	int ret = sfile_create(c->s, ufile, flags, &file), number = -1;

	/* Where its close is seen, if there is such a number. */
	if (!ret && ioas_vdev_of_file(ufile))
		number = ioas_sfiles_number(c, 0);
	if (!ret) {
		/* The front end only knows what kind of file it is. */
		snprintf(file->name, sizeof(file->name), "%s",
			 name ? name : "");
		return sfile_send(c, file, number < 0 ? -1 : number, flags,
				  value);
	}
	ufile_release(ufile);
	*value = ret;
	return IOAS_CALL_RETURN;
}

/*
 * What the client reads of it by ways that are not trapped. An open is no copy,
 * so it does not count as a point.
 */
static void text_fill(struct ioas_call *c, struct ioas_sfile *file)
{
	struct ioas_fault *fault = &c->task->fault;
	const uint64_t nth = ioas_fault_nth(fault);
	char text[IOAS_TEXT_MAX];
	const int n = file->text->content(c, file->data, text, sizeof(text));

	ioas_fault_set_nth(fault, nth);
	if (n > 0 && pwrite(file->memfd, text, (size_t)n, 0) != n)
		ioas_super_note(c->s, "%s: cannot be filled", file->name);
}

enum ioas_verdict ioas_sfiles_open_text(struct ioas_call *c,
					const struct ioas_vfile_ops *ops,
					void *data, const char *name, int flags,
					int64_t *value)
{
	struct ioas_sfile *file = sfile_alloc(c->s);
	int ret = -ENOMEM, number;

	if (!file) {
		if (ops->release)
			ops->release(data);
		*value = ret;
		return IOAS_CALL_RETURN;
	}
	file->text = ops;
	file->data = data;
	file->opener = c->task;
	atomic_fetch_add(&c->task->refs, 1);
	snprintf(file->name, sizeof(file->name), "%s", name);
	/* Without a number that the filter can tell, see text_modified(). */
	number = ioas_sfiles_number(c, 0);
	ret = memfd_make(file, "text");
	if (!ret) {
		/* Who can only write gets an empty one, see text_modified(). */
		if ((flags & O_ACCMODE) != O_WRONLY)
			text_fill(c, file);
		ret = memfd_again(c->s->files, file, flags);
	}
	if (!ret)
		return sfile_send(c, file, number < 0 ? -1 : number, flags,
				  value);
	ioas_sfile_put(file);
	*value = ret;
	return IOAS_CALL_RETURN;
}

enum ioas_verdict ioas_sfiles_hand_over(struct ioas_call *c, int fd, int flags,
					int64_t *value)
{
	const int ret = ioas_notify_addfd(
		c->s->notify, &c->n, fd, -1,
		IOAS_ADDFD_SEND | (flags & O_CLOEXEC ? IOAS_ADDFD_CLOEXEC : 0));

	close(fd);
	*value = ret;
	return ret < 0 ? IOAS_CALL_RETURN : IOAS_CALL_SENT;
}

/* ---- looking ------------------------------------------------------------ */

static struct ioas_sfile *inode_find(struct ioas_sfiles *f, uint64_t dev,
				     uint64_t ino) __must_hold(f->lock)
{
	ioas_assert_held(&f->lock);
	ioas_list_for_each(l, inode_slot(f, ino)) {
		struct ioas_sfile *file =
			ioas_list_entry(l, struct ioas_sfile, by_inode);

		if (file->ino == ino && file->dev == dev)
			return file;
	}
	return NULL;
}

struct ioas_sfile *ioas_sfiles_find(struct ioas_sfiles *f, uint64_t dev,
				    uint64_t ino)
{
	struct ioas_sfile *found;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	found = inode_find(f, dev, ino);
	if (found)
		sfile_get(found);
	ioas_mutex_unlock(&f->lock);
	return found;
}

/* These take no reference, which could be the last one: locks are held. */

bool ioas_sfiles_is_ours(struct ioas_sfiles *f, uint64_t dev, uint64_t ino)
{
	bool found;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	found = inode_find(f, dev, ino);
	ioas_mutex_unlock(&f->lock);
	return found;
}

/*
 * Who has mapped a BAR has been lent it, so what is asked is only what of the
 * file is a BAR. A function outlives the files of it, and what they are DMA'd by.
 */
void *ioas_sfiles_device(struct ioas_sfiles *f, uint64_t dev, uint64_t ino,
			 uint64_t offset, uint64_t *length)
{
	const struct ioas_sfile *file;
	struct ioas_vdev *v = NULL;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	file = inode_find(f, dev, ino);
	if (file && file->ufile)
		v = ioas_vdev_of_file(file->ufile);
	ioas_mutex_unlock(&f->lock);
	return v ? ioas_vdev_memory(v, offset, length) : NULL;
}

struct ioas_sfile *ioas_sfiles_of(struct ioas_sfiles *f,
				  const struct ioas_ufile *ufile)
{
	struct ioas_sfile *found = NULL;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, ufile_slot(f, ufile)) {
		struct ioas_sfile *file =
			ioas_list_entry(l, struct ioas_sfile, by_ufile);

		if (file->ufile == ufile) {
			found = sfile_get(file);
			break;
		}
	}
	ioas_mutex_unlock(&f->lock);
	return found;
}

int ioas_fd_look(struct ioas_call *c, int fd, struct ioas_fd_look *out)
{
	const int copy = ioas_client_fd(c, fd);
	struct stat st;

	*out = (struct ioas_fd_look){ .fd = -1 };
	if (copy < 0)
		return copy == -EMFILE || copy == -ENFILE ? -ENOMEM : copy;
	out->fd = copy;
	if (!fstat(copy, &st))
		out->file = ioas_sfiles_find(
			c->s->files,
			ioas_vma_dev(major(st.st_dev), minor(st.st_dev)),
			st.st_ino);
	return 0;
}

void ioas_fd_look_done(struct ioas_fd_look *look)
{
	if (look->fd >= 0)
		close(look->fd);
	ioas_sfile_put(look->file);
	*look = (struct ioas_fd_look){ .fd = -1 };
}

/* ---- queues that changed ------------------------------------------------ */

void ioas_sfiles_changed(struct ioas_sfiles *f, struct ioas_ufile *ufile)
{
	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	ioas_list_for_each(l, ufile_slot(f, ufile)) {
		struct ioas_sfile *file =
			ioas_list_entry(l, struct ioas_sfile, by_ufile);

		if (file->ufile == ufile)
			atomic_store(&file->changed, true);
	}
	ioas_mutex_unlock(&f->lock);
	atomic_store(&f->changed, true);
	if (!ioas_call_current())
		eventfd_write(f->nudge, 1);
}

static struct ioas_sfile *changed_take(struct ioas_sfiles *f)
{
	struct ioas_sfile *found = NULL;

	ioas_mutex_lock(&f->lock, IOAS_RANK_LEAF);
	for (unsigned int i = 0; i < IOAS_SFILE_SLOTS && !found; i++) {
		ioas_list_for_each(l, &f->by_ufile[i]) {
			struct ioas_sfile *file = ioas_list_entry(
				l, struct ioas_sfile, by_ufile);

			if (!atomic_exchange(&file->changed, false))
				continue;
			found = sfile_get(file);
			break;
		}
	}
	ioas_mutex_unlock(&f->lock);
	return found;
}

void ioas_sfiles_settle(struct ioas_sfiles *f)
{
	struct ioas_sfile *file;

	if (!atomic_load_explicit(&f->changed, memory_order_relaxed) ||
	    !atomic_exchange(&f->changed, false))
		return;
	while ((file = changed_take(f))) {
		if (file->queue)
			ioas_squeue_settle(file->queue, -1);
		ioas_sfile_put(file);
	}
}

/* A device has made a queue readable, by itself. */
static void nudged_fire(struct ioas_super *s, struct ioas_source *source,
			uint32_t events)
{
	struct ioas_sfiles *f =
		ioas_container_of(source, struct ioas_sfiles, nudged);
	eventfd_t nothing;

	(void)s;
	(void)events;
	eventfd_read(f->nudge, &nothing);
	ioas_sfiles_settle(f);
}

static int nudge_create(struct ioas_sfiles *f)
{
	int ret;

	f->nudged.fire = nudged_fire;
	f->nudge = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (f->nudge < 0)
		return -ENOMEM;
	ret = ioas_super_listen(f->s, f->nudge, EPOLLIN, &f->nudged);
	if (ret)
		close(f->nudge);
	return ret;
}

/* ---- life --------------------------------------------------------------- */

int ioas_sfiles_create(struct ioas_super *s, struct ioas_sfiles **out)
{
	struct ioas_sfiles *f = calloc(1, sizeof(*f));
	int ret;

	if (!f)
		return -ENOMEM;
	f->s = s;
	ret = nudge_create(f);
	if (ret) {
		free(f);
		return ret;
	}
	for (unsigned int i = 0; i < IOAS_SFILE_SLOTS; i++) {
		ioas_list_init(&f->by_inode[i]);
		ioas_list_init(&f->by_ufile[i]);
	}
	ioas_list_init(&f->numbered);
	ioas_list_init(&f->doubtful);
	/* Both bits: for ioctl alone. */
	f->nothing = open("/dev/null", O_WRONLY | O_RDWR | O_CLOEXEC);
	for (unsigned int i = 0; i < IOAS_SFILE_INSTANCES; i++) {
		f->instance[i].source.fire = instance_fire;
		f->instance[i].fd = -1;
	}
	*out = f;
	return 0;
}

void ioas_sfiles_destroy(struct ioas_sfiles *f)
{
	if (!f)
		return;
	for (unsigned int i = 0; i < IOAS_SFILE_SLOTS; i++) {
		ioas_list_for_each_safe(l, tmp, &f->by_inode[i])
			sfile_closed(f->s, ioas_list_entry(l, struct ioas_sfile,
							   by_inode));
	}
	for (unsigned int i = 0; i < IOAS_SFILE_INSTANCES; i++)
		if (f->instance[i].fd >= 0)
			close(f->instance[i].fd);
	if (f->nothing >= 0)
		close(f->nothing);
	close(f->nudge);
	free(f);
}
