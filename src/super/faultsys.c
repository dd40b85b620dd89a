/* SPDX-License-Identifier: MIT */
/*
 * faultsys: files of fault injection, and what they do to tasks
 *
 *   knob written --> attributes --> ignored: which points are none,
 *                        |          taken over by a task at its next call
 *                        `--------> asked at each point of a task without nth
 *
 * The counter of a task is in the task; a file of it keeps the task. Reading and
 * writing such a file copies memory of the program, so it is a point itself: of
 * who reads, whosever counter it is.
 */
#include "super/faultsys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plat/common/fault_arm.h"
#include "super/attribute.h"
#include "super/resolve.h"
#include "super/task.h"

#define DEBUGFS "/sys/kernel/debug/"
/* More than a number of 32 bits and its newline. */
#define NUMBER_TEXT 16

/* What the file of a knob is of. */
struct knob_file {
	struct ioas_faultsys *f;
	uint8_t id;
	uint8_t knob;
};

struct ioas_faultsys {
	struct ioas_attribute attributes[IOAS_NR_ATTRIBUTES];
	/* ioas_attributes_ignored() of them, now. */
	_Atomic uint64_t ignored;
	/* The same numbers in each run, so that it can be done again. */
	_Atomic uint64_t draws;
	struct knob_file files[IOAS_NR_ATTRIBUTES][IOAS_NR_KNOBS];
	/* For ioas_fault_arm(), which is for all tasks. */
	struct ioas_fault armed;
};

/* ---- points ------------------------------------------------------------- */

/* 32 random bits: a sequence that any number of threads may take from. */
static uint32_t draw(struct ioas_faultsys *f)
{
	const uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t z = atomic_fetch_add(&f->draws, step) + step;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

/* struct ioas_fault's: no point reached but by a call that is being served. */
static bool decide(struct ioas_fault *fault, unsigned int point)
{
	const struct ioas_task *t =
		ioas_container_of(fault, struct ioas_task, fault);
	const struct ioas_call *c = ioas_call_current();
	struct ioas_faultsys *f = c ? c->s->faults : NULL;

	if (!f)
		return false;
	return ioas_attribute_decide(&f->attributes[ioas_attribute_of(point)],
				     point,
				     atomic_load(&t->process->make_it_fail),
				     draw(f));
}

static void knobs_changed(struct ioas_faultsys *f)
{
	atomic_store(&f->ignored, ioas_attributes_ignored(f->attributes));
}

void ioas_faultsys_begin(struct ioas_faultsys *f, struct ioas_task *t)
{
	t->fault.ignored =
		atomic_load_explicit(&f->ignored, memory_order_relaxed);
}

void ioas_faultsys_task(struct ioas_faultsys *f, struct ioas_task *t)
{
	t->fault = (struct ioas_fault){
		.failed = IOAS_NR_FAULT_POINTS,
		.decide = decide,
	};
	ioas_faultsys_begin(f, t);
}

int ioas_faultsys_copy(struct ioas_call *c)
{
	struct ioas_caller caller = { .fault = &c->task->fault };
	struct ioas_caller *old;
	bool hit;

	if (!c->s->faults)
		return 0;
	/* Memory, limits and rights have no part in it: not c->caller. */
	old = ioas_caller_enter(&caller);
	hit = ioas_fault_point(IOAS_FP_COPY);
	ioas_caller_leave(old);
	return hit ? -EFAULT : 0;
}

/* ---- files of a task ---------------------------------------------------- */

/* The thread, or, as its process's, another of that number: then it is gone. */
static bool is_gone(const struct ioas_task *t)
{
	const struct ioas_process *p = t->process;

	if (syscall(SYS_pidfd_send_signal, p->pidfd, 0, NULL, 0) &&
	    errno == ESRCH)
		return true;
	return syscall(SYS_tgkill, p->pid, t->tid, 0) && errno == ESRCH;
}

static int fail_nth_content(struct ioas_call *c, void *data, char *buffer,
			    size_t room)
{
	const struct ioas_task *t = data;

	(void)c;
	if (is_gone(t))
		return -ESRCH;
	return snprintf(buffer, room, "%u\n",
			(unsigned)ioas_fault_nth(&t->fault));
}

static int fail_nth_store(struct ioas_call *c, void *data, const char *text,
			  size_t length)
{
	struct ioas_task *t = data;
	uint64_t nth;
	int ret = ioas_number_parse(text, length, UINT32_MAX, &nth);

	(void)c;
	if (!ret && is_gone(t))
		ret = -ESRCH;
	if (ret)
		return ret;
	ioas_fault_set_nth(&t->fault, nth);
	return (int)length;
}

static int make_it_fail_content(struct ioas_call *c, void *data, char *buffer,
				size_t room)
{
	const struct ioas_task *t = data;

	(void)c;
	if (is_gone(t))
		return -ESRCH;
	return snprintf(buffer, room, "%d\n",
			atomic_load(&t->process->make_it_fail));
}

/* May who calls mark tasks? Its rights are known once its memory is. */
static int may_mark(struct ioas_call *c)
{
	int ret = ioas_call_enter(c);

	if (ret)
		return ret;
	if (!ioas_caller_resource(&c->caller))
		ret = -EPERM;
	ioas_call_leave(c);
	return ret;
}

static int make_it_fail_store(struct ioas_call *c, void *data, const char *text,
			      size_t length)
{
	const char *s = text;
	size_t n = strnlen(text, length);
	struct ioas_task *t = data;
	uint64_t value;
	int ret = may_mark(c);

	if (ret)
		return ret;
	/* Blanks around it are allowed. */
	for (; n && strchr(" \t\n\r", *s); s++)
		n--;
	for (; n && strchr(" \t\n\r", s[n - 1]); n--)
		;
	/* A number, but not one of the two: as if it were none. */
	ret = ioas_number_parse(s, n, 1, &value);
	if (ret == -ERANGE)
		ret = -EINVAL;
	if (!ret && is_gone(t))
		ret = -ESRCH;
	if (ret)
		return ret;
	atomic_store(&t->process->make_it_fail, value != 0);
	return (int)length;
}

static void task_release(void *data)
{
	ioas_task_put(data);
}

static const struct ioas_vfile_ops fail_nth_ops = {
	.content = fail_nth_content,
	.store = fail_nth_store,
	.release = task_release,
};

static const struct ioas_vfile_ops make_it_fail_ops = {
	.content = make_it_fail_content,
	.store = make_it_fail_store,
	.release = task_release,
};

/* ---- knobs -------------------------------------------------------------- */

static int knob_content(struct ioas_call *c, void *data, char *buffer,
			size_t room)
{
	const struct knob_file *k = data;
	char text[IOAS_KNOB_TEXT];
	int n = ioas_knob_show(&k->f->attributes[k->id], k->knob, text);

	(void)c;
	n = n < (int)room ? n : (int)room;
	memcpy(buffer, text, (size_t)n);
	return n;
}

static int knob_store(struct ioas_call *c, void *data, const char *text,
		      size_t length)
{
	const struct knob_file *k = data;
	int ret = ioas_knob_store(&k->f->attributes[k->id], k->knob, text,
				  length);

	if (ret)
		return ret;
	knobs_changed(k->f);
	/* Who wrote it is in the middle of a call; the next sees it anyway. */
	ioas_faultsys_begin(k->f, c->task);
	return (int)length;
}

static const struct ioas_vfile_ops knob_ops = {
	.content = knob_content,
	.store = knob_store,
};

/* The file of @path; NULL: it is none. */
static struct knob_file *knob_find(struct ioas_faultsys *f, const char *path)
{
	const size_t head = strlen(DEBUGFS);

	if (strncmp(path, DEBUGFS, head))
		return NULL;
	path += head;
	for (unsigned int id = 0; id < IOAS_NR_ATTRIBUTES; id++) {
		const char *name = ioas_attribute_name(id);
		const size_t n = strlen(name);

		if (strncmp(path, name, n) || path[n] != '/')
			continue;
		for (unsigned int k = 0; k < IOAS_NR_KNOBS; k++) {
			const char *knob = ioas_knob_name(id, k);

			if (knob && !strcmp(path + n + 1, knob))
				return &f->files[id][k];
		}
	}
	return NULL;
}

/* ---- open --------------------------------------------------------------- */

/* As for any file that exists and is no directory. */
static int check_flags(int flags)
{
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	return 0;
}

static enum ioas_verdict refuse(int error, int64_t *value)
{
	*value = error;
	return IOAS_CALL_RETURN;
}

static enum ioas_verdict open_of_task(struct ioas_call *c, const char *path,
				      const struct ioas_node *node, int flags,
				      int64_t *value)
{
	struct ioas_task *t;
	int ret = ioas_task_by_tid(c->s, node->tid, &t);

	/* It is none of ours: the system says whether there is one. */
	if (ret)
		return ret == -ENOMEM ? refuse(ret, value) : IOAS_CALL_CONTINUE;
	/*
	 * "/proc/PID" is that of a thread as well; in "PID/task/TID" it must be
	 * one of its process.
	 */
	ret = check_flags(flags);
	if (node->pid != node->tid && t->process->pid != node->pid)
		ret = -ENOENT;
	if (ret) {
		ioas_task_put(t);
		return refuse(ret, value);
	}
	return ioas_sfiles_open_text(
		c,
		node->kind == IOAS_NODE_FAIL_NTH ? &fail_nth_ops :
						   &make_it_fail_ops,
		t, path, flags, value);
}

enum ioas_verdict ioas_faultsys_open(struct ioas_call *c, const char *path,
				     int flags, int64_t *value)
{
	struct ioas_node node;
	struct knob_file *k;
	int ret;

	if (!c->s->faults)
		return IOAS_CALL_CONTINUE;
	ioas_node_parse(path, IOAS_NODES_FAULTS, &node);
	if (node.kind == IOAS_NODE_FAIL_NTH ||
	    node.kind == IOAS_NODE_MAKE_IT_FAIL)
		return open_of_task(c, path, &node, flags, value);
	k = knob_find(c->s->faults, path);
	if (!k)
		return IOAS_CALL_CONTINUE;
	ret = check_flags(flags);
	if (ret)
		return refuse(ret, value);
	return ioas_sfiles_open_text(c, &knob_ops, k, path, flags, value);
}

/* ---- life --------------------------------------------------------------- */

int ioas_faultsys_create(struct ioas_super *s, struct ioas_faultsys **out)
{
	struct ioas_faultsys *f = calloc(1, sizeof(*f));

	(void)s;
	if (!f)
		return -ENOMEM;
	for (unsigned int id = 0; id < IOAS_NR_ATTRIBUTES; id++) {
		ioas_attribute_init(&f->attributes[id]);
		for (unsigned int k = 0; k < IOAS_NR_KNOBS; k++)
			f->files[id][k] = (struct knob_file){
				.f = f,
				.id = (uint8_t)id,
				.knob = (uint8_t)k,
			};
	}
	knobs_changed(f);
	ioas_fault_arm(&f->armed);
	*out = f;
	return 0;
}

void ioas_faultsys_destroy(struct ioas_faultsys *f)
{
	if (!f)
		return;
	ioas_fault_disarm();
	free(f);
}
