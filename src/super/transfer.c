/* SPDX-License-Identifier: MIT */
/*
 * transfer: read and write of our files, copies of their descriptors, closes
 *
 *   queues, accesses    the front end's ops, exact to the errno
 *   devices             the same, at the position that is asked for
 *   text files          content and store, at the position of the client's file
 *
 * Calls come here because their descriptor lies in the range that the filter can
 * tell, or their offset is a device's. What is not ours goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "super/events.h"
#include "super/faultsys.h"
#include "super/files_impl.h"
#include "uapi/uaccess.h"

/* What the kernel moves in one call, with pages of 4 KiB. */
#define RW_MAX ((uint64_t)0x7ffff000)

/* What was asked for. */
struct transfer {
	bool write;
	/* Buffers are a vector, of @count elements at @buffer. */
	bool vector;
	/* At @offset, not at the file's position. */
	bool at;
	uint64_t buffer;
	uint64_t count;
	int64_t offset;
};

/* The offset of the vector calls: -1 is the file's position in version 2. */
static void transfer_at(struct transfer *t, const struct ioas_notice *n,
			bool version2)
{
	t->offset = (int64_t)n->arg[3];
	t->at = !version2 || t->offset != -1;
}

static void transfer_parse(struct transfer *t, const struct ioas_notice *n)
{
	*t = (struct transfer){ .buffer = n->arg[1], .count = n->arg[2] };
	switch (n->nr) {
	case __NR_write:
		t->write = true;
		break;
	case __NR_pwrite64:
		t->write = true;
		transfer_at(t, n, false);
		break;
	case __NR_pread64:
		transfer_at(t, n, false);
		break;
	case __NR_writev:
		t->write = true;
		t->vector = true;
		break;
	case __NR_readv:
		t->vector = true;
		break;
	case __NR_pwritev:
	case __NR_pwritev2:
		t->write = true;
		t->vector = true;
		transfer_at(t, n, n->nr == __NR_pwritev2);
		break;
	case __NR_preadv:
	case __NR_preadv2:
		t->vector = true;
		transfer_at(t, n, n->nr == __NR_preadv2);
		break;
	}
}

/* ---- text files --------------------------------------------------------- */

static int64_t text_read(struct ioas_call *c, struct ioas_sfile *file,
			 uint64_t buffer, uint64_t count, uint64_t at)
{
	char text[IOAS_TEXT_MAX];
	const int n = file->text->content(c, file->data, text, sizeof(text));
	uint64_t some;

	if (n < 0)
		return n;
	if (at >= (uint64_t)n)
		return 0;
	some = ioas_min(count, (uint64_t)n - at);
	return ioas_faultsys_copy(c) ||
			       ioas_call_write(c, buffer, text + at, (size_t)some) ?
		       -EFAULT :
		       (int64_t)some;
}

static int64_t text_write(struct ioas_call *c, struct ioas_sfile *file,
			  uint64_t buffer, uint64_t count)
{
	char text[IOAS_TEXT_MAX];
	int ret;

	if (count >= sizeof(text))
		return -EINVAL;
	if (ioas_faultsys_copy(c) ||
	    ioas_call_read(c, text, buffer, (size_t)count))
		return -EFAULT;
	ret = file->text->store(c, file->data, text, (size_t)count);
	return ret ? ret : (int64_t)count;
}

/* @fd: the client's file, whose position counts and moves. */
static int64_t text_transfer(struct ioas_call *c, struct ioas_sfile *file,
			     int fd, const struct transfer *t, uint64_t buffer,
			     uint64_t count)
{
	int64_t at = t->at ? t->offset : lseek(fd, 0, SEEK_CUR), ret;

	if (at < 0)
		return -EINVAL;
	if (t->write)
		ret = text_write(c, file, buffer, count);
	else
		ret = text_read(c, file, buffer, count, (uint64_t)at);
	if (ret > 0 && !t->at)
		lseek(fd, ret, SEEK_CUR);
	return ret;
}

/* ---- any of ours -------------------------------------------------------- */

static int64_t plain_transfer(struct ioas_ufile *u, const struct transfer *t,
			      uint64_t buffer, uint64_t count)
{
	int64_t (*fn)(struct ioas_ufile *, uint64_t, uint64_t) =
		t->write ? u->ops->write : u->ops->read;

	if (!fn || (t->at && t->offset < 0))
		return -EINVAL;
	return t->at ? -ESPIPE : fn(u, buffer, count);
}

/*
 * The position is ours: the client's file has another one, at its end, for who
 * reads it by ways that are not trapped.
 */
static int64_t placed_transfer(struct ioas_sfile *file, const struct transfer *t,
			       uint64_t buffer, uint64_t count)
{
	struct ioas_ufile *u = file->ufile;
	const uint64_t at = t->at ? (uint64_t)t->offset :
				    atomic_load(&file->position);
	int64_t ret;

	if (t->at && t->offset < 0)
		return -EINVAL;
	ret = t->write ? u->ops->write_at(u, buffer, count, at) :
			 u->ops->read_at(u, buffer, count, at);
	if (ret > 0 && !t->at)
		atomic_store(&file->position, at + (uint64_t)ret);
	return ret;
}

static int64_t ufile_transfer(struct ioas_sfile *file, const struct transfer *t,
			      uint64_t buffer, uint64_t count)
{
	const struct ioas_ufile_ops *ops = file->ufile->ops;

	return ops->read_at && ops->write_at ?
		       placed_transfer(file, t, buffer, count) :
		       plain_transfer(file->ufile, t, buffer, count);
}

static int64_t one(struct ioas_call *c, const struct ioas_fd_look *look,
		   const struct transfer *t, uint64_t buffer, uint64_t count)
{
	if (count > INT64_MAX)
		return -EINVAL;
	count = ioas_min(count, RW_MAX);
	if (look->file->ufile)
		return ufile_transfer(look->file, t, buffer, count);
	return text_transfer(c, look->file, look->fd, t, buffer, count);
}

/* Element by element, until one is not filled: what is done counts. */
static int64_t vector(struct ioas_call *c, const struct ioas_fd_look *look,
		      struct transfer *t)
{
	struct iovec iov[UIO_MAXIOV];
	uint64_t left = RW_MAX;
	int64_t done = 0, ret;

	if (t->count > UIO_MAXIOV)
		return -EINVAL;
	if (ioas_call_read(c, iov, t->buffer,
			   (size_t)t->count * sizeof(iov[0])))
		return -EFAULT;
	for (uint64_t i = 0; i < t->count && left; i++) {
		uint64_t length = iov[i].iov_len;

		if (!length)
			continue;
		/* One call moves no more, by however many. */
		if (length <= INT64_MAX)
			length = ioas_min(length, left);
		ret = one(c, look, t, (uintptr_t)iov[i].iov_base, length);
		if (ret < 0)
			return done ? done : ret;
		done += ret;
		left -= (uint64_t)ret;
		t->offset += ret;
		if ((uint64_t)ret < iov[i].iov_len)
			break;
	}
	return done;
}

/* May the client's open file be used like this? */
static int mode_check(int fd, bool write)
{
	const int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || mode & O_PATH ||
	    (mode & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	return 0;
}

static int64_t move(struct ioas_call *c, const struct ioas_fd_look *look,
		    struct transfer *t)
{
	return t->vector ? vector(c, look, t) :
			   one(c, look, t, t->buffer, t->count);
}

/* Where it begins, for who is told; negative: nowhere. */
static int64_t position(const struct ioas_sfile *file, const struct transfer *t)
{
	if (!file->ufile->ops->read_at)
		return -1;
	return t->at ? t->offset : (int64_t)atomic_load(&file->position);
}

static int64_t transfer(struct ioas_call *c, const struct ioas_fd_look *look,
			struct transfer *t)
{
	struct ioas_event e;
	int64_t ret = mode_check(look->fd, t->write);

	if (ret)
		return ret;
	if (look->file->text)
		return move(c, look, t);
	ret = ioas_call_enter(c);
	if (ret)
		return ret;
	ioas_event_begin(c, &e, t->write ? IOAS_EVENT_WRITE : IOAS_EVENT_READ,
			 (int)c->n.arg[0], look->file->ufile);
	ioas_event_transfer(c, t->count, position(look->file, t));
	if (look->file->queue)
		ioas_squeue_enter(look->file->queue);
	ret = move(c, look, t);
	ioas_event_end(c, ret);
	ioas_call_leave(c);
	if (look->file->queue)
		ioas_squeue_leave(look->file->queue, look->fd);
	return ret;
}

enum ioas_verdict ioas_sfiles_transfer(struct ioas_call *c, int64_t *value)
{
	enum ioas_verdict verdict = IOAS_CALL_CONTINUE;
	struct ioas_fd_look look;
	struct transfer t;
	const int ret = ioas_fd_look(c, (int)c->n.arg[0], &look);

	if (ret)
		return ioas_sfiles_unseen(ret, value);
	if (look.file) {
		transfer_parse(&t, &c->n);
		*value = transfer(c, &look, &t);
		verdict = IOAS_CALL_RETURN;
	}
	ioas_fd_look_done(&look);
	return verdict;
}

enum ioas_verdict ioas_sfiles_unseen(int error, int64_t *value)
{
	*value = error;
	return error == -EPERM || error == -ENOMEM ? IOAS_CALL_RETURN :
						     IOAS_CALL_CONTINUE;
}

/* ---- copies ------------------------------------------------------------- */

/*
 * A copy stays where the filter can tell it, at a number higher than asked for.
 * dup2 and dup3 say which number, and get it (docs/supervisor.md).
 */
enum ioas_verdict ioas_sfiles_dup(struct ioas_call *c, int64_t *value)
{
	const bool fcntl = c->n.nr == __NR_fcntl;
	const bool cloexec = fcntl && (int)c->n.arg[1] == F_DUPFD_CLOEXEC;
	struct ioas_fd_look look;
	int number;

	if ((!fcntl && c->n.nr != __NR_dup) ||
	    ioas_fd_look(c, (int)c->n.arg[0], &look))
		return IOAS_CALL_CONTINUE;
	if (!look.file) {
		ioas_fd_look_done(&look);
		return IOAS_CALL_CONTINUE;
	}
	number = ioas_sfiles_number(c, fcntl ? (int)c->n.arg[2] : 0);
	/* None that will do: the kernel finds one, or says why not. */
	if (number < 0 || (fcntl && (int)c->n.arg[2] < 0)) {
		ioas_fd_look_done(&look);
		return IOAS_CALL_CONTINUE;
	}
	number = ioas_notify_addfd(
		c->s->notify, &c->n, look.fd, number,
		IOAS_ADDFD_SEND | (cloexec ? IOAS_ADDFD_CLOEXEC : 0));
	ioas_fd_look_done(&look);
	*value = number;
	return number < 0 ? IOAS_CALL_RETURN : IOAS_CALL_SENT;
}

/* ---- close -------------------------------------------------------------- */

/*
 * What a device does ends before the close that ends it returns. The kernel
 * would tell us when the client is back already: so the number is made to mean
 * nothing first, by which the last reference is ours to drop. Then the kernel
 * closes the nothing. Whoever uses the number at the same time meets a file that
 * can be neither read nor written, as if it were closed.
 */
enum ioas_verdict ioas_sfiles_close(struct ioas_call *c)
{
	const int fd = (int)c->n.arg[0];
	struct ioas_fd_look look;
	bool ours;

	if (ioas_fd_look(c, fd, &look))
		return IOAS_CALL_CONTINUE;
	ours = look.file;
	if (ours)
		ioas_notify_addfd(c->s->notify, &c->n, c->s->files->nothing, fd,
				  IOAS_ADDFD_CLOEXEC);
	ioas_fd_look_done(&look);
	if (ours) {
		ioas_super_drain(c->s);
		ioas_sfiles_settle(c->s->files);
	}
	return IOAS_CALL_CONTINUE;
}
