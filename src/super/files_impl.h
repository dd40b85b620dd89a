/* SPDX-License-Identifier: MIT */
/*
 * files_impl: what files.c, numbers.c and transfer.c share
 */
#ifndef IOAS_SUPER_FILES_IMPL_H
#define IOAS_SUPER_FILES_IMPL_H

#include "seam/lock.h"
#include "super/closer.h"
#include "super/files.h"
#include "super/queue.h"
#include "super/task.h"

/* pidfd_open(2) for a thread; the host's headers may be older. */
#define IOAS_PIDFD_THREAD 0200
/* A text file's content, and what can be written to one. */
#define IOAS_TEXT_MAX 4096

#define IOAS_SFILE_SLOTS 256
/* inotify instances: the first one for text files (files.c). */
#define IOAS_SFILE_INSTANCES 16

struct instance {
	struct ioas_source source;
	int fd;
	unsigned int live;
};

struct ioas_sfiles {
	struct ioas_super *s;
	struct ioas_mutex lock;
	/* All guarded. By inode, by ufile. */
	struct ioas_list by_inode[IOAS_SFILE_SLOTS];
	struct ioas_list by_ufile[IOAS_SFILE_SLOTS];
	struct instance instance[IOAS_SFILE_INSTANCES];
	/* struct ioas_call: those that have chosen a number. */
	struct ioas_list numbered;
	/* struct ioas_sfile that may be closed for good. Of the drain alone. */
	struct ioas_list doubtful;
	/* Some file's changed is set. */
	_Atomic bool changed;
	/* A file that can be neither read nor written; or -1. */
	int nothing;
	/* An eventfd: that was so outside of a call, after which one settles. */
	int nudge;
	struct ioas_source nudged;
};

struct ioas_sfile {
	/* In the tables. */
	struct ioas_list by_inode;
	struct ioas_list by_ufile;
	_Atomic uint32_t refs;
	struct ioas_closing closing;
	/* In the list of those that may be closed. */
	struct ioas_list doubt;
	/* Set once. */
	struct ioas_super *s;
	uint64_t dev;
	uint64_t ino;
	/* One of the two; @ufile's reference is ours. */
	struct ioas_ufile *ufile;
	const struct ioas_vfile_ops *text;
	void *data;
	/* Instead of the ufile's, if it is not empty. */
	char name[64];
	/* Of a file with positions, for who reads and writes without one. */
	_Atomic uint64_t position;
	/* Who opened a text file: what is written past us is written by it. */
	struct ioas_task *opener;

	/* Our struct file, and the watch that tells of the client's; or -1. */
	int memfd;
	int wd;
	struct instance *instance;
	/* Or our end of a socket pair. */
	struct ioas_squeue *queue;
	struct ioas_source source;
	_Atomic bool changed;

	/* Until the client has it: the client's struct file, and its number. */
	int client;
	int number;
	unsigned int add_flags;
	/* It has it before it is in the tables (ioas_sfiles_reserve()). */
	bool given;
};

/* With a reference; NULL: not ours. */
struct ioas_sfile *ioas_sfiles_find(struct ioas_sfiles *f, uint64_t dev,
				    uint64_t ino);
/*
 * A number, not below @least, that the filter can tell and that the
 * calling task does not use. Return: -EMFILE: none below its limit; -ESRCH.
 */
int ioas_sfiles_number(struct ioas_call *c, int least);

#endif
