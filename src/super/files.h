/* SPDX-License-Identifier: MIT */
/*
 * files: open files of ours that clients hold
 *
 *   client's descriptor --pidfd_getfd, fstat--> (dev, ino) --> struct ioas_sfile
 *   last close --inotify, or end of a socket pair--> release
 *
 * One inode for each open: a memfd, which the client can map (iommufd, device,
 * dma-buf, access, small text files), or one end of a socket pair, which it can
 * poll (queues). Ours is another struct file of the inode, so the kernel tells
 * us when the client's is gone: every copy and every mapping of it.
 * (docs/reference/supervisor.md 3)
 *
 * Files that are read or written sit at descriptors that the filter can tell
 * (filter.h), so that their reads and writes come to us.
 *
 * Locks: one mutex (rank LEAF) guards the table; a file's release runs without.
 */
#ifndef IOAS_SUPER_FILES_H
#define IOAS_SUPER_FILES_H

#include "base/list.h"
#include "super/super.h"

struct ioas_sfile;

/*
 * A small text file of ours: fail-nth, the knobs. @offset is the file's
 * position, or what pread was given. Results are those of the system call.
 */
struct ioas_vfile_ops {
	/* Into @buffer of ours, at most @room bytes of the content. */
	int (*content)(struct ioas_call *c, void *data, char *buffer,
		       size_t room);
	/* @text: what was written, at most a page, not terminated. */
	int (*store)(struct ioas_call *c, void *data, const char *text,
		     size_t length);
	/* The last descriptor is closed. May be NULL. */
	void (*release)(void *data);
};

int ioas_sfiles_create(struct ioas_super *s, struct ioas_sfiles **out);
/* Releases what is still open. */
void ioas_sfiles_destroy(struct ioas_sfiles *f);

/* What the thread that calls has as @fd: a descriptor of ours, or -errno. */
int ioas_client_fd(const struct ioas_call *c, int fd);

/* What a descriptor of the calling task is. */
struct ioas_fd_look {
	/* Our file, with a reference, or NULL. */
	struct ioas_sfile *file;
	/* The client's open file, to be closed by ioas_fd_look_done(). */
	int fd;
};

/* Return: 0, -EBADF, -ESRCH, -EPERM. */
int ioas_fd_look(struct ioas_call *c, int fd, struct ioas_fd_look *out);
void ioas_fd_look_done(struct ioas_fd_look *look);

void ioas_sfile_put(struct ioas_sfile *file);
/* NULL: it is a small text file. No reference is taken. */
struct ioas_ufile *ioas_sfile_ufile(const struct ioas_sfile *file);
/* The path by which readlink(2) of the descriptor names it. */
const char *ioas_sfile_name(const struct ioas_sfile *file);

/*
 * Answer open(2) with @ufile, whose reference is taken. @flags are open(2)'s.
 * Return: IOAS_CALL_SENT; or IOAS_CALL_RETURN with *@value.
 */
enum ioas_verdict ioas_sfiles_open(struct ioas_call *c, struct ioas_ufile *ufile,
				   int flags, int64_t *value);
/*
 * The same with a small text file. @name as for ioas_sfile_name(); copied.
 * @data is released also on error.
 */
enum ioas_verdict ioas_sfiles_open_text(struct ioas_call *c,
					const struct ioas_vfile_ops *ops,
					void *data, const char *name, int flags,
					int64_t *value);
/*
 * Answer open(2) with a descriptor of ours, which becomes the client's (@fd is
 * closed here). Nothing is remembered of it.
 */
enum ioas_verdict ioas_sfiles_hand_over(struct ioas_call *c, int fd, int flags,
					int64_t *value);

/* Which inode it is, as stat(2) and the list of mappings say. */
void ioas_sfile_inode(const struct ioas_sfile *file, uint64_t *dev,
		      uint64_t *ino);
/* Our memfd of it; -1: it is a queue. */
int ioas_sfile_memfd(const struct ioas_sfile *file);

/*
 * Host ops (uapi/host.h): a number that the filter can tell for @ufile, whose
 * reference is not taken, in c->pending; then the client's descriptor, or not.
 */
int ioas_sfiles_reserve(struct ioas_call *c, struct ioas_ufile *ufile,
			unsigned int flags, int32_t *fd);
void ioas_sfiles_commit(struct ioas_call *c, struct ioas_ufile *ufile);
void ioas_sfiles_cancel(struct ioas_call *c);

/*
 * read(2), write(2) and their kin on one of our files at a number that the
 * filter can tell; dup(2) of it. Return: as ioas_paths_open().
 */
enum ioas_verdict ioas_sfiles_transfer(struct ioas_call *c, int64_t *value);
enum ioas_verdict ioas_sfiles_dup(struct ioas_call *c, int64_t *value);
/* close(2), with devices: what it is the last of is released before it returns. */
enum ioas_verdict ioas_sfiles_close(struct ioas_call *c);
/*
 * A descriptor that ioas_fd_look() could not look at, and may be ours. Who may
 * not be looked at gets no answer rather than a wrong one.
 */
enum ioas_verdict ioas_sfiles_unseen(int error, int64_t *value);

/* The call is over, or its number is the client's: others may have it. */
void ioas_sfiles_number_done(struct ioas_call *c);
/*
 * In a drain: files of which a close was seen that was not the last. Return:
 * there are some still.
 */
bool ioas_sfiles_look_again(struct ioas_sfiles *f);

/* The file that has @ufile open, with a reference; NULL: none. */
struct ioas_sfile *ioas_sfiles_of(struct ioas_sfiles *f,
				  const struct ioas_ufile *ufile);
/* Its poll may have changed. Any lock of the front end may be held. */
void ioas_sfiles_changed(struct ioas_sfiles *f, struct ioas_ufile *ufile);
/* Bring the queues that changed in line with what programs poll. */
void ioas_sfiles_settle(struct ioas_sfiles *f);

/* Is it the inode of one of our files? Its mappings may not be DMA'd to. */
bool ioas_sfiles_is_ours(struct ioas_sfiles *f, uint64_t dev, uint64_t ino);
/*
 * If it is that of a device: the memory at @offset of it (ioas_vdev_memory()).
 * Any lock of the core may be held.
 */
void *ioas_sfiles_device(struct ioas_sfiles *f, uint64_t dev, uint64_t ino,
			 uint64_t offset, uint64_t *length);

#endif
